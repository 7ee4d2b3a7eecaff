"""Running a checkpoint with PyTorch on a stated number of threads."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tinyglot.checkpoints.load import load_model
from tinyglot.checkpoints.locate import locate_checkpoint, read_config
from tinyglot.evaluation.predict import Precision
from tinyglot.evaluation.predict import torch_predictor as in_process_predictor
from tinyglot.measure import Predictor


def locate(name: str) -> Path:
    """Find a checkpoint's directory.

    Args:
        name: A directory, ``bundled:NAME``, or a hub id.

    Returns:
        The directory.

    Raises:
        ModelNotFoundError: If there is none.
    """
    return locate_checkpoint(name)


def torch_predictor(
    directory: Path,
    threads: int,
    hidden_layer: int | None = None,
    precision: Precision = "fp32",
) -> Predictor:
    """Load a checkpoint as a function of arrays.

    Args:
        directory: A checkpoint.
        threads: Threads of its calls; the process's own setting comes back after each.
        hidden_layer: Give the outputs of this layer instead of the head's.
        precision: Of the matrix products.

    Returns:
        A function from ``input_ids``, ``attention_mask`` and, if the model takes them,
        ``token_type_ids`` to logits or hidden states; see ``tinyglot.evaluation.predict``.

    Raises:
        CheckpointTensorsError: If its tensors do not fit its config.
    """
    model, _ = load_model(directory, read_config(directory))
    run = in_process_predictor(model, hidden_layer=hidden_layer, precision=precision)

    def predictor(batch: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        with _threads(threads):
            return run(batch)

    return predictor


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    if before != number:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if before != number:
            torch.set_num_threads(before)
