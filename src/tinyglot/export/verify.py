"""Comparing an export with the model it was made from, on text and on random token ids."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.errors import ParityError
from tinyglot.evaluation.predict import main_output
from tinyglot.export.graph import output_name
from tinyglot.files import read_json
from tinyglot.measure import Predictor, positions_of

FLOAT_TOLERANCE = 1e-4
_SAMPLE_FILE = Path(__file__).with_name("sample_texts.json")
_RANDOM_LENGTHS = (1, 2, 5, 33, 64, 129, 192)
_MAX_LENGTH = 192
_MAX_BATCH = 8
_MAX_OUTPUT_VALUES = 2**25


class Sample(NamedTuple):
    """One sequence to compare.

    Attributes:
        name: Its language, or what else it is.
        input_ids: Token ids without padding.
    """

    name: str
    input_ids: list[int]


@dataclass(frozen=True)
class Difference:
    """How far one model's outputs are from another's.

    Attributes:
        max_difference: Largest difference of any value.
        agreement: Share of positions with the same argmax; ``None`` if outputs are no scores.
        mean_cosine: Mean over positions of the cosine.
        num_sentences: Sequences compared.
        num_tokens: Tokens compared.
        worst_input: Name and first ids of the sequence with the largest difference.
    """

    max_difference: float
    agreement: float | None
    mean_cosine: float
    num_sentences: int
    num_tokens: int
    worst_input: str


@cache
def sample_texts() -> Mapping[str, tuple[str, ...]]:
    """Give sentences in languages of many scripts, on which every export is compared.

    Returns:
        Sentences by language tag.
    """
    texts: dict[str, list[str]] = read_json(_SAMPLE_FILE)
    return {tag: tuple(sentences) for tag, sentences in texts.items()}


def make_samples(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    texts: Mapping[str, Sequence[str]],
) -> list[Sample]:
    """Encode texts, and add random ids of lengths that texts seldom have.

    Args:
        model: Gives the vocabulary size and the longest sequence.
        tokenizer: Encodes the texts.
        texts: Sentences by language tag.

    Returns:
        Sequences of at most 192 tokens, as many as the model takes.

    Randomness:
        A generator of its own, always the same.
    """
    longest = min(_MAX_LENGTH, positions_of(model.config.to_dict()))
    samples = [
        Sample(tag, tokenizer(sentence)["input_ids"][:longest])
        for tag, sentences in texts.items()
        for sentence in sentences
    ]
    generator = np.random.default_rng(0)
    usable = np.setdiff1d(np.arange(model.config.vocab_size), [_pad(tokenizer)])
    lengths = sorted({min(length, longest) for length in _RANDOM_LENGTHS})
    return samples + [
        Sample(f"{length} random token ids", generator.choice(usable, length).tolist())
        for length in lengths
    ]


def compare(
    source: PreTrainedModel, export: Predictor, samples: Sequence[Sample], pad_token_id: int
) -> Difference:
    """Run source and export on the same batches and compare what is not padding.

    Args:
        source: In float32 and evaluation mode.
        export: The exported model.
        samples: At least one sequence.
        pad_token_id: Fills shorter sequences.

    Returns:
        The difference.

    Raises:
        ParityError: If the export's output is not finite.
    """
    name = output_name(source)
    parts = []
    for batch in _batches(samples, source):
        inputs = _padded(batch, pad_token_id)
        tensors = {key: torch.from_numpy(values) for key, values in inputs.items()}
        expected = main_output(source, tensors).numpy()
        actual = export(inputs)
        _check_finite(actual, batch)
        rows = _rows(expected, inputs["attention_mask"]), _rows(actual, inputs["attention_mask"])
        parts.append(_compare_rows(batch, *rows))
    return _summed(parts, scores=name == "logits")


def check_parity(difference: Difference, tolerance: float, what: str) -> None:
    """Refuse an export that is further from its source than rounding explains.

    Args:
        difference: From ``compare``.
        tolerance: Largest difference allowed.
        what: Name of the export, for the message.

    Raises:
        ParityError: If the difference is larger.
    """
    if difference.max_difference <= tolerance:
        return
    raise ParityError(
        f"Could not export: the {what} computes something else than the model.",
        got=f"max difference {difference.max_difference:.3g} on {difference.worst_input}",
        expected=f"at most {tolerance:g} on {difference.num_sentences} sequences",
        fix="report this with the model's config.json; nothing was written",
    )


# --- batches -----------------------------------------------------------------------------------


def _pad(tokenizer: PreTrainedTokenizerFast) -> int:
    return int(tokenizer.pad_token_id or 0)


def _batches(samples: Sequence[Sample], model: PreTrainedModel) -> Iterator[Sequence[Sample]]:
    """Give neighbours together, so that lengths differ and padding is compared too."""
    widest = max(len(sample.input_ids) for sample in samples)
    values = widest * (model.config.vocab_size if _is_masked_lm(model) else 1)
    size = max(2, min(_MAX_BATCH, _MAX_OUTPUT_VALUES // values))
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def _is_masked_lm(model: PreTrainedModel) -> bool:
    return model.get_output_embeddings() is not None


def _padded(samples: Sequence[Sample], pad_token_id: int) -> dict[str, NDArray[np.int64]]:
    shape = len(samples), max(len(sample.input_ids) for sample in samples)
    ids, mask = np.full(shape, pad_token_id, np.int64), np.zeros(shape, np.int64)
    for row, sample in enumerate(samples):
        ids[row, : len(sample.input_ids)] = sample.input_ids
        mask[row, : len(sample.input_ids)] = 1
    return {"input_ids": ids, "attention_mask": mask}


def _rows(output: NDArray[np.float32], mask: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    """Give the vectors of each sequence, without padding; one vector from a sentence head."""
    if output.ndim == 2:
        return list(output[:, None])
    return [rows[kept.astype(bool)] for rows, kept in zip(output, mask, strict=True)]


def _check_finite(actual: NDArray[np.float32], batch: Sequence[Sample]) -> None:
    wrong = ~np.isfinite(actual).reshape(len(batch), -1).all(axis=1)
    if wrong.any():
        first = batch[int(wrong.argmax())]
        raise ParityError(
            "Could not export: the export's output is infinite or no number.",
            got=f"{int(wrong.sum())} sequence(s), the first: {_describe(first)}",
            expected="finite numbers",
            fix="check the model's weights; nothing was written",
        )


# --- numbers -----------------------------------------------------------------------------------


class _Part(NamedTuple):
    sample: Sample
    max_difference: float
    num_equal: int
    sum_cosine: float
    num_rows: int


def _compare_rows(
    batch: Sequence[Sample],
    expected: list[NDArray[np.float32]],
    actual: list[NDArray[np.float32]],
) -> list[_Part]:
    return [
        _Part(
            sample,
            float(np.abs(a - e).max()),
            int((a.argmax(-1) == e.argmax(-1)).sum()),
            float(_cosine(a, e).sum()),
            len(e),
        )
        for sample, e, a in zip(batch, expected, actual, strict=True)
    ]


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    a, b = a.astype(np.float64), b.astype(np.float64)
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    cosine: NDArray[np.float64] = (a * b).sum(-1) / np.maximum(lengths, 1e-300)
    return cosine


def _summed(batches: list[list[_Part]], *, scores: bool) -> Difference:
    parts = [part for batch in batches for part in batch]
    rows = sum(part.num_rows for part in parts)
    worst = max(parts, key=lambda part: part.max_difference)
    return Difference(
        max_difference=worst.max_difference,
        agreement=sum(part.num_equal for part in parts) / rows if scores else None,
        mean_cosine=sum(part.sum_cosine for part in parts) / rows,
        num_sentences=len(parts),
        num_tokens=sum(len(part.sample.input_ids) for part in parts),
        worst_input=_describe(worst.sample),
    )


def _describe(sample: Sample) -> str:
    ids = ", ".join(map(str, sample.input_ids[:4]))
    return f"{sample.name} (token ids {ids}{', …' if len(sample.input_ids) > 4 else ''})"
