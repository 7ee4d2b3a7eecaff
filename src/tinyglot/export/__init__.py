"""Files that run without PyTorch, each compared with its source before it is called done."""

import importlib
from typing import TYPE_CHECKING, Any

from tinyglot.export.loading import LoadedPredictor, is_export, load_predictor
from tinyglot.export.measurement import measure_models
from tinyglot.export.predictor import onnx_predictor
from tinyglot.export.record import ExportRecord, read_record

if TYPE_CHECKING:
    from tinyglot.export.formats import FORMATS, export_checkpoint, export_format
    from tinyglot.export.onnx import export_onnx
    from tinyglot.export.openvino import export_openvino
    from tinyglot.export.scores import check_scores, record_scores, score_changes

__all__ = [
    "FORMATS",
    "ExportRecord",
    "LoadedPredictor",
    "check_scores",
    "export_checkpoint",
    "export_format",
    "export_onnx",
    "export_openvino",
    "is_export",
    "load_predictor",
    "measure_models",
    "onnx_predictor",
    "read_record",
    "record_scores",
    "score_changes",
]

# These import PyTorch, which running or measuring an export does not need.
_HEAVY = {
    "FORMATS": "formats",
    "check_scores": "scores",
    "export_checkpoint": "formats",
    "export_format": "formats",
    "export_onnx": "onnx",
    "export_openvino": "openvino",
    "record_scores": "scores",
    "score_changes": "scores",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (any of the names above)
    if name not in _HEAVY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HEAVY[name]}"), name)
