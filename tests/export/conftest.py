"""Exports are slow to make (seconds each), so tests of what stands in one share it."""

from typing import NamedTuple

import onnx_ir
import pytest

from tests.tiny import tiny_pair
from tinyglot.export import ExportRecord, export_onnx, onnx
from tinyglot.export.graph import Traced, trace


class Exported(NamedTuple):
    model: object
    tokenizer: object
    directory: object
    record: ExportRecord


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Give a function that exports a tiny model once a session."""
    made = {}

    def export(family, kind, head, *, int8=False):
        key = (family, kind, head, int8)
        if key not in made:
            model, tokenizer = tiny_pair(family, kind, head)
            directory = tmp_path_factory.mktemp("exports") / "-".join(map(str, key))
            record = export_onnx(model, tokenizer, directory, int8=int8)
            made[key] = Exported(model, tokenizer, directory, record)
        return made[key]

    return export


@pytest.fixture(scope="session")
def tagger(exported):
    """A token classifier in float32."""
    return exported("xlm_roberta", "unigram", "token_classification")


@pytest.fixture(scope="session")
def int8_tagger(exported):
    return exported("xlm_roberta", "unigram", "token_classification", int8=True)


@pytest.fixture(scope="session")
def small_trace():
    """Trace the small model of ``small_export`` once; give its result anew each time."""
    made = {}

    def trace_once(model):
        if not made:
            traced = trace(model)
            made["graph"] = onnx_ir.to_proto(traced.graph).SerializeToString()
            made["rest"] = (traced.exporter, traced.output_name)
        return Traced(onnx_ir.from_proto(_proto(made["graph"])), *made["rest"])

    return trace_once


def _proto(content):
    import onnx as onnx_package

    return onnx_package.ModelProto.FromString(content)


@pytest.fixture
def traced_before(monkeypatch, small_trace):
    """For tests of what comes after tracing: do not trace the same model again."""
    monkeypatch.setattr(onnx, "trace", small_trace)
