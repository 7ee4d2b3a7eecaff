"""Making an OpenVINO export out of the ONNX graph, and proving what it computes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.export.graph import ready
from tinyglot.export.onnx import check_target, export_onnx
from tinyglot.export.openvino_predictor import (
    OPENVINO_FILE,
    OPENVINO_WEIGHTS,
    openvino_predictor,
    require_openvino,
)
from tinyglot.export.predictor import MODEL_FILE
from tinyglot.export.record import ExportRecord, package_versions, write_record
from tinyglot.export.verify import (
    FLOAT_TOLERANCE,
    check_parity,
    compare,
    make_samples,
    sample_texts,
)
from tinyglot.files import replacing


def export_openvino(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    directory: Path,
    *,
    source: Path | None = None,
    texts: Mapping[str, Sequence[str]] | None = None,
) -> ExportRecord:
    """Write a model for OpenVINO with its tokenizer, after it gave what the model gives.

    Inputs, output and checks are those of ``export_onnx``, whose graph it is made of; the weights
    stay in float32. Nothing appears at ``directory`` if the result differs from the model.

    Args:
        model: An encoder, with or without a head; not changed.
        tokenizer: Its tokenizer.
        directory: Where the export goes: new, empty, or an earlier export.
        source: The checkpoint it came from, for what an embedder has beside the model.
        texts: Sentences by language tag to compare on; default: ``sample_texts()``.

    Returns:
        The record, which is also in ``export.json``.

    Raises:
        MissingExtraError: If OpenVINO or the packages for ONNX are not installed.
        RunDirectoryError: If the directory holds something else.
        ExportError: If the model cannot be traced.
        ParityError: If the export computes something else than the model.
        TokenizerChangedError: If the saved tokenizer segments something else.
        DiskFullError: If the disk is full.
    """
    require_openvino()
    check_target(directory)
    texts = texts or sample_texts()
    with replacing(directory) as temporary:
        graph = export_onnx(model, tokenizer, temporary, source=source, texts=texts)
        convert_graph(temporary)
        with ready(model) as exact:
            samples = make_samples(model, tokenizer, texts)
            pad = int(tokenizer.pad_token_id or 0)
            difference = compare(exact, openvino_predictor(temporary), samples, pad)
        check_parity(difference, FLOAT_TOLERANCE, "OpenVINO model")
        files = (temporary / OPENVINO_FILE, temporary / OPENVINO_WEIGHTS)
        record = replace(
            graph,
            format="openvino",
            exporter=f"{graph.exporter}, openvino",
            size_bytes=sum(path.stat().st_size for path in files),
            versions=package_versions("openvino"),
            **vars(difference),
        )
        write_record(temporary, record)
    return record


def convert_graph(directory: Path) -> None:
    """Put an OpenVINO model in the place of a directory's ONNX graph.

    Args:
        directory: With ``model.onnx``, which goes.
    """
    openvino = require_openvino()
    # not convert_model, which reports its use to the makers of OpenVINO
    graph = openvino.Core().read_model(str(directory / MODEL_FILE))
    openvino.save_model(graph, str(directory / OPENVINO_FILE), compress_to_fp16=False)
    for path in directory.glob(f"{MODEL_FILE}*"):
        path.unlink()
