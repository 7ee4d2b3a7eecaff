"""What training a model on text would be; changes nothing."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.errors import TextTooShortError
from tinyglot.training.batches import LengthGroupedBatches
from tinyglot.training.corpus import head_class
from tinyglot.training.masking import Masking
from tinyglot.training.processes import num_processes
from tinyglot.training.resume import weights_digest
from tinyglot.training.text.corpus import TextCorpus, read_text
from tinyglot.training.text.held_out import HeldOutText
from tinyglot.training.text.options import TextTrainingOptions

_LARGE_VOCABULARY = 100_000
_LARGE_LOGITS_BYTES = 10**9
_WORTH_TRIMMING = 1.5

Options = TypeVar("Options", bound=TextTrainingOptions)


class TextInputs(Protocol):
    """What holds for a step of a recipe, such as the ``Context`` of a method."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Tags, in the order given."""

    @property
    def text(self) -> Mapping[str, tuple[Path, ...]]:
        """Files or directories of raw text per language."""

    @property
    def seed(self) -> int:
        """Seed of every generator of the step."""

    @property
    def directory(self) -> Path | None:
        """The step's own working directory, if any."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class TextTrainingPlan(_Frozen):
    """What would be trained on what; part of the plan of every method that trains on text.

    Attributes:
        config: The options, with languages filled in.
        head: Whether the model's own LM head is trained on, or a new one; none where the objective
            needs none and the model has none.
        num_lines: Lines of the train portion by language.
        num_held_out_lines: Lines of the dev portion on which the loss is taken, by language.
        num_sequences: Sequences that are taken, by language.
        num_tokens: Tokens in them, special tokens included, by language.
        num_steps: Optimizer steps of the whole training.
        num_head_steps: Steps before them in which a new head is trained alone.
        num_processes: Processes that share each step.
        vocabulary_size: Rows of the model's embedding, all of which are trained.
        num_used_token_ids: How many of them the train portion uses.
        data_digest: Differs if the training data does.
        weights_digest: Differs if the model does.
    """

    config: TextTrainingOptions
    head: Literal["new", "continued", "none"]
    num_lines: dict[str, int]
    num_held_out_lines: dict[str, int]
    num_sequences: dict[str, int]
    num_tokens: dict[str, int]
    num_steps: int
    num_head_steps: int
    num_processes: int
    vocabulary_size: int
    num_used_token_ids: int
    data_digest: str
    weights_digest: str

    def training_summary(self) -> list[str]:
        """Say the plan of the training in a few lines.

        Returns:
            Lines without markup.
        """
        options, total = self.config, sum(self.num_tokens.values())
        heads = {"new": "a new head", "continued": "its own head", "none": "no head"}
        first = f"train the masked LM with {heads[self.head]}"
        alone = f", which alone is trained for {self.num_head_steps:,} steps first"
        return [
            first + alone * bool(self.num_head_steps),
            *(self._of_language(tag) for tag in self.num_tokens),
            f"{self.num_steps:,} steps over {total:,} tokens in {options.sequences}, "
            f"{options.mask_probability:.0%} hidden",
            *(f"stops after step {step:,}" for step in (options.stop_step,) if step),
            *self._warning(),
        ]

    def _of_language(self, tag: str) -> str:
        sequences, tokens = self.num_sequences[tag], self.num_tokens[tag]
        held_out = self.num_held_out_lines.get(tag, 0)
        said = f"{tag}: {sequences:,} sequences, {tokens:,} tokens of {self.num_lines[tag]:,} lines"
        return f"{said}; {held_out:,} lines held out"

    def _warning(self) -> Iterator[str]:
        """Say where trimming the vocabulary first would save much."""
        options, rows = self.config, self.vocabulary_size
        num_tokens = options.batch_tokens or (options.batch_size or 1) * options.max_length
        num_bytes = 4 * num_tokens * options.mask_probability * rows
        times = rows / max(self.num_used_token_ids, 1)
        is_large = rows > _LARGE_VOCABULARY or num_bytes > _LARGE_LOGITS_BYTES
        if is_large and times > _WORTH_TRIMMING:
            yield (
                f"warning: the head gives {rows:,} logits a hidden token, "
                f"{num_bytes / 2**30:.1f} GiB a step; the text uses {self.num_used_token_ids:,} "
                f"token ids, so vocabulary_trimming first makes the head {times:.1f} times cheaper"
            )


def resolve_text_options(options: Options, inputs: TextInputs) -> Options:
    """Fill in the languages where the step does not give its own.

    Args:
        options: The step's options.
        inputs: What holds for the whole recipe.

    Returns:
        Options that say everything.
    """
    languages = options.languages or inputs.languages or tuple(inputs.text)
    return options.model_copy(update={"languages": tuple(languages)})


def plan_text_training(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: TextTrainingOptions,
    inputs: TextInputs,
    *,
    needs_head: bool = True,
) -> dict[str, Any]:
    """Encode the text, and count what training on it would take.

    Args:
        model: A bare encoder, or a model with any head.
        tokenizer: Its tokenizer, with a mask token.
        options: Resolved options.
        inputs: Gives text and seed; in its directory the encoded text is left for the training.
        needs_head: Whether a model without an LM head gets one.

    Returns:
        The fields of a ``TextTrainingPlan``.

    Raises:
        MissingInputError: If a language has no text.
        EmptyTextError: If a language's text has nothing to train on, or nothing held out.
        TextTooShortError: If all of it is less than one batch.
        UnsupportedTokenizerError: If there is no mask token.
        UnsupportedArchitectureError: If the family is unknown.
    """
    num_rows = view(model).num_token_ids
    Masking.of(tokenizer, options.mask_probability)
    with token_directory(inputs.directory) as directory:
        corpus = read_text(tokenizer, options, inputs.text, directory, inputs.seed)
        _check_length(corpus, options)
        held_out = HeldOutText.read(tokenizer, options, inputs.text, 0)
        has_head = has_lm_head(model)
        is_new = needs_head and not has_head
        return {
            "config": options,
            "head": "continued" if has_head else "new" if is_new else "none",
            "num_lines": {tag: part.file.num_lines for tag, part in corpus.parts.items()},
            "num_held_out_lines": dict(held_out.num_lines),
            "num_sequences": {tag: len(part.chosen) for tag, part in corpus.parts.items()},
            "num_tokens": {tag: part.num_tokens for tag, part in corpus.parts.items()},
            "num_steps": _num_steps(corpus, options),
            "num_head_steps": options.head_steps * is_new,
            "num_processes": num_processes(),
            "vocabulary_size": num_rows,
            "num_used_token_ids": corpus.num_token_ids,
            "data_digest": corpus.digest,
            "weights_digest": weights_digest(model),
        }


@contextmanager
def token_directory(directory: Path | None) -> Iterator[Path]:
    """Give the directory of encoded text in a step's own directory, or one that goes away.

    Args:
        directory: The step's, if it has one.

    Yields:
        A directory.
    """
    if directory is not None:
        yield directory / "tokens"
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def has_lm_head(model: PreTrainedModel) -> bool:
    """Tell whether a model's own head is a masked LM's.

    Args:
        model: Any model.

    Returns:
        Whether it is.
    """
    return isinstance(model, head_class(model, "AutoModelForMaskedLM"))


def _num_steps(corpus: TextCorpus, options: TextTrainingOptions) -> int:
    batches = LengthGroupedBatches(
        corpus.lengths,
        batch_size=options.batch_size,
        batch_tokens=options.batch_tokens,
        processes=(0, num_processes()),
    )
    return options.max_steps or options.num_epochs * len(batches)


def _check_length(corpus: TextCorpus, options: TextTrainingOptions) -> None:
    there = {"tokens": int(corpus.lengths.sum()), "sequences": len(corpus)}
    unit = "tokens" if options.batch_tokens else "sequences"
    needed = (options.batch_tokens or options.batch_size or 1) * num_processes()
    if there[unit] < needed:
        option = "batch_tokens" if options.batch_tokens else "batch_size"
        raise TextTooShortError(
            "Could not train on the text: it is shorter than one batch.",
            got=f"{there['tokens']:,} tokens in {there['sequences']:,} sequences",
            expected=f"at least {needed:,} {unit}",
            fix=f"give more text, or a smaller batch: {option}: {max(there[unit] // 2, 1)}",
        )
