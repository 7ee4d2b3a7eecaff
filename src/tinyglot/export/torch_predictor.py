"""Running a checkpoint with PyTorch on a stated number of threads."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tinyglot.checkpoints.load import load_model
from tinyglot.checkpoints.locate import locate_checkpoint, read_config
from tinyglot.export.graph import output_name
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


def torch_predictor(directory: Path, threads: int) -> Predictor:
    """Load a checkpoint as a function of arrays.

    Args:
        directory: A checkpoint.
        threads: Threads of its calls; the process's own setting comes back after each.

    Returns:
        A function from ``input_ids`` and ``attention_mask`` to logits, or to the last hidden
        states of an encoder without head.

    Raises:
        CheckpointTensorsError: If its tensors do not fit its config.
    """
    model, _ = load_model(directory, read_config(directory))
    name = output_name(model)

    def predictor(batch: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        tensors = {key: torch.from_numpy(values) for key, values in batch.items()}
        with _threads(threads), torch.inference_mode():
            output: torch.Tensor = model(**tensors, return_dict=True)[name]
        return output.numpy()

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
