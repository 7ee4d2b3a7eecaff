"""What an export is and how far it is from its source, kept beside it as ``export.json``."""

import importlib.metadata
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tinyglot.files import read_json, write_json

RECORD_FILE = "export.json"
SCHEMA_VERSION = 1
_PACKAGES = ("tinyglot", "torch", "transformers", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class ExportRecord:
    """Format, provenance, and the comparison with the source model.

    Attributes:
        format: Such as ``onnx``.
        int8: Whether weights have 8 bits.
        scheme: How they were rounded; empty without int8.
        exporter: The library that traced the model.
        opset: ONNX operator set of the graph, which OpenVINO's is made from.
        output: The graph's output, ``logits`` or ``last_hidden_state``.
        architecture: Class of the source model.
        size_bytes: Bytes of the weight files.
        max_difference: Largest difference of any output value from the source's.
        max_difference_float: The same, of the graph before its weights were rounded.
        agreement: Share of compared positions (sentences, for a sentence head) with the source's
            argmax; ``None`` for an encoder without head, whose outputs are no scores.
        mean_cosine: Mean cosine between the outputs of source and export.
        num_sentences: Sequences compared.
        num_tokens: Tokens compared.
        worst_input: Where the largest difference was.
        versions: Versions of the packages at work.
    """

    format: str
    int8: bool
    scheme: str
    exporter: str
    opset: int
    output: str
    architecture: str
    size_bytes: int
    max_difference: float
    max_difference_float: float
    agreement: float | None
    mean_cosine: float
    num_sentences: int
    num_tokens: int
    worst_input: str
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Give the record as JSON values.

        Returns:
            One entry a field, and the version of this schema.
        """
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    def summary(self) -> str:
        """Say the comparison in one line.

        Returns:
            Such as ``onnx int8, 12.3 MiB: max difference 0.02, …``.
        """
        name = f"{self.format} int8" if self.int8 else self.format
        same = "" if self.agreement is None else f", same answer {self.agreement:.2%}"
        return (
            f"{name}, {self.size_bytes / 2**20:.1f} MiB: max difference {self.max_difference:.2g}, "
            f"mean cosine {self.mean_cosine:.5f}{same} "
            f"(n={self.num_sentences} sequences, {self.num_tokens} tokens)"
        )


def write_record(directory: Path, record: ExportRecord) -> None:
    """Write ``export.json``.

    Args:
        directory: The export.
        record: What to write.
    """
    write_json(directory / RECORD_FILE, record.as_dict())


def read_record(directory: Path) -> ExportRecord:
    """Read ``export.json``.

    Args:
        directory: The export.

    Returns:
        The record.
    """
    values = read_json(directory / RECORD_FILE)
    return ExportRecord(**{field.name: values[field.name] for field in fields(ExportRecord)})


def package_versions(*more: str) -> dict[str, str]:
    """List the versions of the packages that make an export.

    Args:
        *more: Packages beside those of every export.

    Returns:
        Version by package.
    """
    return {name: importlib.metadata.version(name) for name in (*_PACKAGES, *more)}
