"""What a measurement asks of a model: to be called, and to say which inputs it takes."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinyglot.errors import MeasurementError

Predictor = Callable[[Mapping[str, NDArray[np.int64]]], NDArray[np.float32]]


class Runnable(Protocol):
    """A model as a function of ``input_ids`` and ``attention_mask``, each of shape (batch, seq)."""

    @property
    def vocab_size(self) -> int:
        """Token ids go from 0 to one less."""

    @property
    def max_length(self) -> int:
        """Most tokens a sequence may have."""

    @property
    def threads(self) -> int:
        """Threads it runs on."""

    @property
    def device(self) -> str:
        """Where it runs."""

    def __call__(self, batch: Mapping[str, NDArray[np.int64]], /) -> NDArray[np.float32]:
        """Run the model."""


def positions_of(config: Mapping[str, object]) -> int:
    """Say how many tokens a sequence may have, from a ``config.json``.

    Args:
        config: The configuration.

    Returns:
        The number of positions, less the ones that RoBERTa's kind cannot use.
    """
    positions = int(str(config.get("max_position_embeddings") or 512))
    pad = int(str(config.get("pad_token_id") or 0))
    is_roberta = "roberta" in str(config.get("model_type"))
    return positions - pad - 1 if is_roberta else positions


def random_batch(
    vocab_size: int, batch: int, length: int, generator: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """Make full sequences of random token ids.

    Args:
        vocab_size: Token ids go from 0 to one less.
        batch: Sequences.
        length: Tokens of each; nothing is padded.
        generator: Draws the ids.

    Returns:
        ``input_ids`` and ``attention_mask``.
    """
    shape = (batch, length)
    return {
        "input_ids": generator.integers(0, vocab_size, shape),
        "attention_mask": np.ones(shape, np.int64),
    }


def check_shapes(
    models: Mapping[str, Runnable],
    batches: tuple[int, ...],
    lengths: tuple[int, ...],
    threads: int,
) -> None:
    """Refuse what a model cannot do, before anything is timed.

    Args:
        models: By name.
        batches: Sequences a call.
        lengths: Tokens a sequence.
        threads: What the rows will state.

    Raises:
        MeasurementError: If nothing is asked for, a shape is empty or too long for a model, or a
            model runs on another number of threads. Lists all.
    """
    problems = [] if models and batches and lengths else ["no model, batch or length"]
    problems += [f"{size} as a batch or length" for size in (*batches, *lengths) if size < 1]
    for name, model in models.items():
        problems += [
            f"length {length} for {name}, which takes {model.max_length} tokens"
            for length in lengths
            if length > model.max_length
        ]
        if model.threads != threads:
            problems.append(f"{name} runs on {model.threads} thread(s), not {threads}")
    if problems:
        raise MeasurementError(
            f"Could not measure: {len(problems)} thing(s) cannot be done.",
            got="\n".join(problems),
            expected="positive shapes that every model takes, and the threads it was loaded with",
            fix="tinyglot measure MODEL --batch 1 --length 32 --threads 1",
        )
