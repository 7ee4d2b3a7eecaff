"""Running a model over encoded sequences in length-sorted batches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from tinyglot.architectures import selected_positions, view
from tinyglot.errors import LayerRangeError, NonFiniteOutputError
from tinyglot.progress import progress_bar
from tinyglot.surgery import evaluation_mode
from tinyglot.tasks.task import IGNORED_LABEL, Encoded

BATCH_TOKENS = 4096
MAX_LABELS_AT_ONCE = 256

Predictor = Callable[[Mapping[str, NDArray[np.int64]]], NDArray[np.float32]]
Precision = Literal["fp32", "bf16"]
Reduce = Callable[[Encoded, NDArray[np.float32]], NDArray[np.float32]]


def torch_predictor(
    model: PreTrainedModel,
    device: str = "cpu",
    hidden_layer: int | None = None,
    precision: Precision = "fp32",
) -> Predictor:
    """Wrap a model as a function of arrays; dropout is off during its calls.

    Args:
        model: Any encoder, with a head or without; it is moved to the device.
        device: Torch device name.
        hidden_layer: Give the outputs of this layer instead of the head's.
        precision: Of the matrix products; weights stay as they are.

    Returns:
        A function from ``input_ids``, ``attention_mask`` and what else the model takes to
        ``main_output`` in float32; with ``labels``, to ``label_log_probabilities``.

    Raises:
        LayerRangeError: If the model has no such layer.
    """
    check_layer(model, hidden_layer)
    model.to(torch.device(device))  # type: ignore[arg-type]  # its decorated signature is lost

    kind, is_fast = torch.device(device).type, precision == "bf16"
    arithmetic = partial(torch.autocast, kind, torch.bfloat16, enabled=is_fast)

    def predictor(batch: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        with evaluation_mode(model), torch.inference_mode(), arithmetic():
            tensors = {k: torch.from_numpy(v).to(device) for k, v in batch.items()}
            if "labels" in tensors:
                return label_log_probabilities(model, tensors).cpu().numpy()
            return main_output(model, tensors, hidden_layer).float().cpu().numpy()

    return predictor


def check_layer(model: PreTrainedModel, hidden_layer: int | None) -> None:
    """Refuse a layer that a model does not have.

    Args:
        model: Any encoder.
        hidden_layer: As for ``main_output``.

    Raises:
        LayerRangeError: If the model has no such layer.
    """
    last = len(view(model).layers)
    if hidden_layer is not None and not -last - 1 <= hidden_layer <= last:
        raise LayerRangeError(
            "Could not take the outputs of a layer: the model does not have it.",
            got=f"layer {hidden_layer}",
            expected=f"0 (embeddings) to {last}, or -1 (the last) to {-last - 1}",
            fix=f"--task-option layer={last}",
        )


def label_log_probabilities(
    model: PreTrainedModel, batch: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """Look up how probable the labels are, without computing outputs where there is none.

    Args:
        model: A model with an LM head.
        batch: Keyword arguments of its ``forward``, and ``labels``; -100 where there is none.

    Returns:
        Natural logarithms in float32, of shape (batch, seq); 0 where there is no label.
    """
    batch = dict(batch)
    labels = batch.pop("labels")
    is_labelled = labels.ne(IGNORED_LABEL)
    found = torch.zeros(labels.shape, device=labels.device)
    for rows in _row_groups(is_labelled.sum(dim=1).tolist()):
        part = {name: values[rows] for name, values in batch.items()}
        with selected_positions(model, is_labelled[rows]):
            logits = main_output(model, part)[0].float()
        wanted = labels[rows][is_labelled[rows]]
        costs = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
        found[rows] = found[rows].masked_scatter(is_labelled[rows], -costs)
    return found


def _row_groups(num_labels: Sequence[int]) -> Iterator[slice]:
    """Cut a batch so that outputs over the whole vocabulary fit into memory."""
    start = total = 0
    for row, count in enumerate(num_labels):
        if row > start and total + count > MAX_LABELS_AT_ONCE:
            yield slice(start, row)
            start, total = row, 0
        total += count
    yield slice(start, len(num_labels))


def main_output(
    model: PreTrainedModel, batch: Mapping[str, torch.Tensor], hidden_layer: int | None = None
) -> torch.Tensor:
    """Run a model and pick the output that tasks and exports look at.

    Args:
        model: Any encoder, with a head or without.
        batch: Keyword arguments of its ``forward``.
        hidden_layer: 0 for the embeddings, n for the nth layer, -1 for the last; ``None`` for
            the head's output.

    Returns:
        Logits; of a head that finds spans, those of start and end in the last dimension; without
        a head, or if a layer is asked for, hidden states.
    """
    if hidden_layer == -1:
        last: torch.Tensor = view(model).encoder(**batch, return_dict=True)["last_hidden_state"]
        return last
    if hidden_layer is not None:
        outputs = view(model).encoder(**batch, return_dict=True, output_hidden_states=True)
        layer: torch.Tensor = outputs["hidden_states"][hidden_layer]
        return layer
    output = model(**batch, return_dict=True)
    if "start_logits" in output:
        return torch.stack((output["start_logits"], output["end_logits"]), dim=-1)
    found: torch.Tensor = output["logits" if "logits" in output else "last_hidden_state"]
    return found


def predict(
    predictor: Predictor,
    encoded: Sequence[Encoded],
    pad_token_id: int,
    batch_tokens: int = BATCH_TOKENS,
    reduce: Reduce | None = None,
    *,
    with_labels: bool = False,
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
        reduce: Keeps what is needed of a sequence's outputs.
        with_labels: Give the predictor the labels too, for the logarithms of their probabilities.

    Returns:
        The outputs of each sequence in the given order: one row a token without padding, or one
        vector from a head that looks at the whole sequence; reduced if asked.

    Raises:
        NonFiniteOutputError: If an output is infinite or not a number.
    """
    results: list[NDArray[np.float32] | None] = [None] * len(encoded)
    with progress_bar("predict", total=len(encoded)) as bar:
        for positions, batch in padded_batches(encoded, pad_token_id, batch_tokens):
            parts = [encoded[position] for position in positions]
            outputs = predictor({**batch, **_padded_labels(parts)} if with_labels else batch)
            for position, part, rows in zip(positions, parts, outputs, strict=True):
                kept = _finite(rows[: len(part.input_ids)] if rows.ndim > 1 else rows, position)
                results[position] = (reduce(part, kept) if reduce else kept).copy()
            bar.advance(len(positions))
    return [rows for rows in results if rows is not None]


def padded_batches(
    encoded: Sequence[Encoded], pad_token_id: int, batch_tokens: int = BATCH_TOKENS
) -> Iterator[tuple[list[int], dict[str, NDArray[np.int64]]]]:
    """Put sequences of about one length into batches, the longest first.

    Args:
        encoded: Sequences without padding.
        pad_token_id: Token id that fills shorter sequences; masked from attention.
        batch_tokens: Most tokens a batch may have, padding included; a longer sequence has a
            batch of its own.

    Yields:
        Positions of the sequences, and what the model takes.
    """
    for positions in _batches([part.input_ids for part in encoded], batch_tokens):
        yield positions, _padded([encoded[position] for position in positions], pad_token_id)


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


def _padded(parts: Sequence[Encoded], pad_token_id: int) -> dict[str, NDArray[np.int64]]:
    shape = (len(parts), max(len(part.input_ids) for part in parts))
    input_ids = np.full(shape, pad_token_id, dtype=np.int64)
    attention_mask, token_types = np.zeros((2, *shape), dtype=np.int64)
    for row, part in enumerate(parts):
        length = len(part.input_ids)
        input_ids[row, :length] = part.input_ids
        attention_mask[row, :length] = 1
        if part.token_type_ids is not None:
            token_types[row, :length] = part.token_type_ids
    batch = {"input_ids": input_ids, "attention_mask": attention_mask}
    is_told = any(part.token_type_ids is not None for part in parts)
    return {**batch, "token_type_ids": token_types} if is_told else batch


def _padded_labels(parts: Sequence[Encoded]) -> dict[str, NDArray[np.int64]]:
    width = max(len(part.input_ids) for part in parts)
    labels = np.full((len(parts), width), IGNORED_LABEL, dtype=np.int64)
    for row, part in enumerate(parts):
        labels[row, : len(part.labels)] = part.labels
    return {"labels": labels}


def _finite(rows: NDArray[np.float32], position: int) -> NDArray[np.float32]:
    if np.isfinite(rows).all():
        return rows
    raise NonFiniteOutputError(
        "Could not use the model's output: it has values that are infinite or no number.",
        got=f"{int((~np.isfinite(rows)).sum())} of {rows.size} values of sequence {position}",
        expected="finite numbers",
        fix="run in fp32, and check the weights that training or compression left",
    )
