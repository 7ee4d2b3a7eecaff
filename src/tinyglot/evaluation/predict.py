"""Running a model over encoded sequences in length-sorted batches."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from tinyglot.errors import NonFiniteOutputError
from tinyglot.progress import progress_bar
from tinyglot.tasks.task import Encoded

BATCH_TOKENS = 4096

Predictor = Callable[[Mapping[str, NDArray[np.int64]]], NDArray[np.float32]]


def torch_predictor(model: PreTrainedModel, device: str = "cpu") -> Predictor:
    """Wrap a model as a function of arrays; dropout is off during its calls.

    Args:
        model: A model with a task head; it is moved to the device.
        device: Torch device name.

    Returns:
        A function from ``input_ids`` and ``attention_mask`` to the model's logits.
    """
    model.to(torch.device(device))  # type: ignore[arg-type]  # its decorated signature is lost

    def predictor(batch: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        was_training = model.training
        model.eval()
        try:
            with torch.inference_mode():
                tensors = {k: torch.from_numpy(v).to(device) for k, v in batch.items()}
                logits: torch.Tensor = model(**tensors).logits
                return logits.float().cpu().numpy()
        finally:
            model.train(was_training)

    return predictor


def predict(
    predictor: Predictor,
    encoded: Sequence[Encoded],
    pad_token_id: int,
    batch_tokens: int = BATCH_TOKENS,
) -> list[NDArray[np.float32]]:
    """Run every sequence, batched with others of about its length.

    Batches depend on the sequences only, not on their order, so that any order gives the same
    result for each sequence.

    Args:
        predictor: The model, such as ``torch_predictor`` gives it.
        encoded: Sequences without padding.
        pad_token_id: Token id that fills shorter sequences; masked from attention.
        batch_tokens: Most tokens a batch may have, padding included; a longer sequence has a
            batch of its own.

    Returns:
        The outputs of each sequence, one row a token without padding, in the given order.

    Raises:
        NonFiniteOutputError: If an output is infinite or not a number.
    """
    results: list[NDArray[np.float32] | None] = [None] * len(encoded)
    with progress_bar("predict", total=len(encoded)) as bar:
        for positions in _batches([part.input_ids for part in encoded], batch_tokens):
            sequences = [encoded[position].input_ids for position in positions]
            outputs = predictor(_padded(sequences, pad_token_id))
            for position, sequence, rows in zip(positions, sequences, outputs, strict=True):
                results[position] = _finite(rows[: len(sequence)], position).copy()
            bar.advance(len(positions))
    return [rows for rows in results if rows is not None]


def _batches(sequences: Sequence[list[int]], batch_tokens: int) -> Iterator[list[int]]:
    """Give positions in batches, longest sequences first."""
    order = sorted(range(len(sequences)), key=lambda i: (-len(sequences[i]), sequences[i]))
    batch: list[int] = []
    for position in order:
        if batch and (len(batch) + 1) * len(sequences[batch[0]]) > batch_tokens:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def _padded(sequences: Sequence[list[int]], pad_token_id: int) -> dict[str, NDArray[np.int64]]:
    shape = (len(sequences), max(map(len, sequences)))
    input_ids = np.full(shape, pad_token_id, dtype=np.int64)
    attention_mask = np.zeros(shape, dtype=np.int64)
    for row, sequence in enumerate(sequences):
        input_ids[row, : len(sequence)] = sequence
        attention_mask[row, : len(sequence)] = 1
    return {"input_ids": input_ids, "attention_mask": attention_mask}


def _finite(rows: NDArray[np.float32], position: int) -> NDArray[np.float32]:
    if np.isfinite(rows).all():
        return rows
    raise NonFiniteOutputError(
        "Could not use the model's output: it has values that are infinite or no number.",
        got=f"{int((~np.isfinite(rows)).sum())} of {rows.size} values of sequence {position}",
        expected="finite numbers",
        fix="run in fp32, and check the weights that training or compression left",
    )
