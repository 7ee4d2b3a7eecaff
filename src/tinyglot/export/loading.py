"""From a checkpoint or an export, whichever it is, to a function of arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import ExportError
from tinyglot.export.openvino_predictor import is_openvino, openvino_predictor
from tinyglot.export.predictor import MODEL_FILE, default_threads, onnx_predictor
from tinyglot.export.record import RECORD_FILE
from tinyglot.files import read_json
from tinyglot.measure import Predictor, positions_of


@dataclass(frozen=True)
class LoadedPredictor:
    """A model that runs, and what a measurement has to know about it.

    Attributes:
        directory: Where it came from.
        format: ``checkpoint``, ``onnx`` or ``openvino``.
        run: From ``input_ids`` and ``attention_mask`` to logits or hidden states.
        vocab_size: Token ids go from 0 to one less.
        max_length: Most tokens a sequence may have.
        threads: Threads it runs on.
        device: Where it runs.
    """

    directory: Path
    format: str
    run: Predictor
    vocab_size: int
    max_length: int
    threads: int
    device: str = "cpu"

    def __call__(self, batch: Mapping[str, NDArray[np.int64]], /) -> NDArray[np.float32]:
        """Run the model.

        Args:
            batch: ``input_ids`` and ``attention_mask``, each of shape (batch, seq).

        Returns:
            Logits, or the last hidden states of an encoder without head.
        """
        return self.run(batch)


def is_export(directory: Path) -> bool:
    """Tell whether a directory is an export.

    Args:
        directory: Any path.

    Returns:
        Whether it has ``model.onnx`` or ``model.xml``.
    """
    return (directory / MODEL_FILE).is_file() or is_openvino(directory)


def load_predictor(
    path: str | Path,
    threads: int | None = None,
    hidden_layer: int | None = None,
    precision: Literal["fp32", "bf16"] = "fp32",
) -> LoadedPredictor:
    """Load a checkpoint or an export so that both are called in the same way.

    PyTorch is imported for checkpoints only.

    Args:
        path: A checkpoint directory, an export directory, ``bundled:NAME``, or a hub id.
        threads: Threads to run on; default: the processors this process may use.
        hidden_layer: Give the outputs of this layer of the encoder instead of the head's: 0 for
            the embeddings, -1 for the last layer.
        precision: Of the matrix products of a checkpoint; an export has its own.

    Returns:
        The model as a function of arrays.

    Raises:
        ModelNotFoundError: If it is none of these.
        MissingExtraError: If it is an export and its runtime is not installed.
        CheckpointTensorsError: If the checkpoint's tensors do not fit its config.
        ExportError: If a layer is asked of an export that does not give it.
    """
    threads = threads or default_threads()
    directory = Path(path)
    if is_export(directory):
        _check_layer_of_export(directory, hidden_layer)
        kind = "openvino" if is_openvino(directory) else "onnx"
        run = (openvino_predictor if kind == "openvino" else onnx_predictor)(directory, threads)
    else:
        from tinyglot.export.torch_predictor import locate, torch_predictor

        directory, kind = locate(str(path)), "checkpoint"
        run = torch_predictor(directory, threads, hidden_layer, precision)
    config = read_json(directory / "config.json")
    return LoadedPredictor(
        directory=directory,
        format=kind,
        run=run,
        vocab_size=int(config["vocab_size"]),
        max_length=positions_of(config),
        threads=threads,
    )


def _check_layer_of_export(directory: Path, hidden_layer: int | None) -> None:
    if hidden_layer is None:
        return
    output = read_json(directory / RECORD_FILE)["output"]
    if hidden_layer != -1 or output != "last_hidden_state":
        raise ExportError(
            "Could not take a layer's outputs from an export: it does not give them.",
            got=f"layer {hidden_layer} of {directory}, which gives {output}",
            expected="layer -1 of an export without a head, or a checkpoint",
            fix="give the checkpoint that the export was made from",
        )
