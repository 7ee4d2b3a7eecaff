"""Running an OpenVINO export; nothing of PyTorch is imported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import MissingExtraError
from tinyglot.export.predictor import default_threads, graph_inputs
from tinyglot.measure import Predictor

OPENVINO_FILE = "model.xml"
OPENVINO_WEIGHTS = "model.bin"


def is_openvino(directory: Path) -> bool:
    """Tell whether a directory is an OpenVINO export.

    Args:
        directory: Any path.

    Returns:
        Whether it has ``model.xml``.
    """
    return (directory / OPENVINO_FILE).is_file()


def openvino_predictor(directory: Path, threads: int | None = None) -> Predictor:
    """Open an export as a function of arrays.

    Products are computed in float32: left alone, OpenVINO takes bfloat16 where the processor has
    it, and then no longer computes what the model does.

    Args:
        directory: An export directory.
        threads: Threads of the runtime; default: the processors this process may use.

    Returns:
        A function from ``input_ids`` and ``attention_mask`` to the graph's output in float32.

    Raises:
        MissingExtraError: If OpenVINO is not installed.
        ExportError: When called with ``token_type_ids``, if they are not all 0, or with ``labels``.
    """
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads or default_threads(),
        "NUM_STREAMS": 1,
    }
    path = str(directory / OPENVINO_FILE)
    compiled = require_openvino().Core().compile_model(path, "CPU", settings)

    def predictor(batch: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = compiled(graph_inputs(batch, directory))[0]
        return output

    return predictor


def require_openvino() -> Any:  # noqa: ANN401  (a module)
    """Import OpenVINO.

    Returns:
        The package.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError(
            "Could not work with OpenVINO: it is not installed.",
            got="no package openvino",
            expected="openvino 2026.4 or later",
            fix='pip install "tinyglot[openvino,onnx]"',
        ) from error
    return openvino
