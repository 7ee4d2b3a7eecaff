"""Running an ONNX export with ONNX Runtime; nothing of PyTorch is imported."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import ExportError, MissingExtraError, ModelNotFoundError
from tinyglot.measure import Predictor

MODEL_FILE = "model.onnx"
_INPUT_NAMES = ("input_ids", "attention_mask")


def onnx_predictor(directory: Path, threads: int | None = None) -> Predictor:
    """Open an export as a function of arrays.

    Args:
        directory: An export directory.
        threads: Threads of the runtime; default: the processors this process may use.

    Returns:
        A function from ``input_ids`` and ``attention_mask`` to the graph's output in float32.

    Raises:
        ModelNotFoundError: If there is no ``model.onnx``.
        MissingExtraError: If ONNX Runtime is not installed.
        ExportError: When called with ``token_type_ids``, if they are not all 0, or with ``labels``.
    """
    session = _open_session(directory / MODEL_FILE, threads or default_threads())

    def predictor(batch: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = session.run(None, graph_inputs(batch, directory))[0]
        return output

    return predictor


def graph_inputs(
    batch: Mapping[str, NDArray[np.int64]], directory: Path
) -> dict[str, NDArray[np.int64]]:
    """Pick what the graph of an export takes; refuse what it would leave out.

    Args:
        batch: ``input_ids``, ``attention_mask``, and whatever else a task gives.
        directory: The export, for the message.

    Returns:
        The graph's inputs.

    Raises:
        ExportError: If token type ids are not all 0, or there are ``labels``.
    """
    if np.any(batch.get("token_type_ids", 0)):
        raise _takes_one_text(directory)
    if "labels" in batch:
        raise _has_no_masked_output(directory)
    return {name: np.asarray(batch[name], np.int64) for name in _INPUT_NAMES}


def _takes_one_text(directory: Path) -> ExportError:
    return ExportError(
        "Could not run the export on pairs of texts: it does not take token_type_ids.",
        got=f"token type ids other than 0 for {directory}",
        expected="input_ids and attention_mask",
        fix="use the checkpoint for tasks on pairs of texts with this family of models",
    )


def _has_no_masked_output(directory: Path) -> ExportError:
    return ExportError(
        "Could not score hidden tokens with an export: it computes the outputs of all tokens.",
        got=str(directory),
        expected="a checkpoint",
        fix="use the checkpoint for the task mlm",
    )


def default_threads() -> int:
    """Count the processors this process may use (a machine may have more).

    Returns:
        At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _open_session(path: Path, threads: int) -> Any:  # noqa: ANN401  (a class without types)
    if not path.is_file():
        raise ModelNotFoundError(
            "Could not open the export: there is no model.onnx.",
            got=str(path.parent),
            expected="a directory that `tinyglot export` wrote",
            fix="tinyglot export CHECKPOINT --format onnx --out DIRECTORY",
        )
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Waiting threads would otherwise spin on, and slow down whatever is measured next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _onnxruntime() -> Any:  # noqa: ANN401  (a module without types)
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(
            "Could not open the export: ONNX Runtime is not installed.",
            got="no package onnxruntime",
            expected="onnxruntime 1.31 or later",
            fix='pip install "tinyglot[onnx]"',
        ) from error
    return onnxruntime
