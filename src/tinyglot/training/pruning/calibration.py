"""The data on which importance is measured, in batches, language by language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.data.text import TextSource, sample_lines
from tinyglot.data.text_portions import TextPortion, portion_name
from tinyglot.errors import MissingInputError, UncoveredTextError, UnknownLabelError
from tinyglot.importance import Loss
from tinyglot.tasks import Encoded, Task, get_task
from tinyglot.tasks.mlm import MaskedLanguageModelling
from tinyglot.tasks.words import sequence_limit
from tinyglot.training.batches import LengthGroupedBatches
from tinyglot.training.collator import PaddingCollator, TrainingExample
from tinyglot.training.corpus import (
    Inputs,
    has_head,
    own_labels,
    resolve_options,
    task_of,
    training_sentences,
)
from tinyglot.training.masking import MaskedRows, Masking
from tinyglot.training.pruning.options import UnitPruningOptions
from tinyglot.training.resume import examples_digest
from tinyglot.training.task_options import TaskTrainingOptions

BATCH_SIZE = 16
_SPANS = "AutoModelForQuestionAnswering"  # whose outputs need no names


class StepInputs(Inputs, Protocol):
    """What holds for a step of a recipe, such as the ``Context`` of a method."""

    @property
    def text(self) -> Mapping[str, tuple[Path, ...]]:
        """Files or directories of raw text per language."""

    @property
    def seed(self) -> int:
        """Seed of every generator of the step."""

    @property
    def device(self) -> str:
        """Torch device name."""


@dataclass(frozen=True)
class Calibration:
    """What importance is measured on.

    Attributes:
        loss: What the gradient is taken of.
        sequences: Encoded sentences by language.
        num_sentences: Sentences, or lines, by language.
    """

    loss: Loss
    sequences: Mapping[str, Sequence[TrainingExample]] = field(default_factory=dict)
    num_sentences: Mapping[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Differs if the sequences do; empty where there are none."""
        if not self.sequences:
            return ""
        return " ".join(f"{tag} {examples_digest(rows)}" for tag, rows in self.sequences.items())

    def batches(self, languages: Sequence[str], pad_token_id: int) -> list[dict[str, Tensor]]:
        """Make batches of sentences of similar length.

        Args:
            languages: Whose sentences.
            pad_token_id: Fills up short sequences.

        Returns:
            Inputs of a model; ``labels`` where the loss is of labels.
        """
        rows = [row for language in languages for row in self.sequences[language]]
        rows.sort(key=lambda row: len(row.input_ids))
        collate = PaddingCollator(pad_token_id)
        found = [collate(rows[i : i + BATCH_SIZE]) for i in range(0, len(rows), BATCH_SIZE)]
        if self.loss != "labels":
            for batch in found:
                del batch["labels"]
        return found


@dataclass(frozen=True)
class _Line:
    input_ids: Sequence[int]
    labels: Sequence[int] = (-100,)


def read_calibration(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: UnitPruningOptions,
    inputs: StepInputs,
) -> Calibration:
    """Read what importance is measured on: data of a task that has any labels, else text.

    For task mlm without data and by its loss, a portion of the text is masked.

    Args:
        model: Decides the loss where the options do not, and the labels.
        tokenizer: Its tokenizer.
        options: The options.
        inputs: Gives task, data, text, languages and seed.

    Returns:
        Encoded sentences; none where nothing has to be measured on data.

    Raises:
        MissingInputError: If there are neither labelled data nor text, or none of a language; or
            if the loss is of labels and the model has no head of the task.
        DataNotFoundError: If a language has no such split, or the data is not there.
        DataFormatError: If a file has broken lines.
        EmptyTextError: If a language's text has no line with content.
        TextEncodingError: If a line is not UTF-8, or the compression is damaged.
        UnknownLabelError: If the data have labels that the model's head does not.
        UncoveredTextError: If too much of a language's sentences is unknown to the tokenizer.
        UnknownMethodError: If there is no such task.
        TaskOptionError: If an option of the task is unknown or out of range.

    Randomness:
        Sentences are drawn with ``inputs.seed``.
    """
    if not options.needs_data:
        return Calibration(options.loss or "hidden_states")
    if options.loss == "labels" and _is_masked_text(options, inputs):
        found = _from_masked_text(model, tokenizer, options, inputs)
    elif _is_labelled(options, inputs):
        found = _from_labelled_data(model, tokenizer, options, inputs)
    else:
        found = _from_text(tokenizer, options, inputs)
    _check_coverage(tokenizer, found, options.max_unk_rate)
    return found


def _is_labelled(options: UnitPruningOptions, inputs: StepInputs) -> bool:
    """Tell whether there are data that something can be trained on: retrieval has none."""
    task, data = options.task or inputs.task, options.data or inputs.data
    return bool(task and data and get_task(task).objective is not None)


def _is_masked_text(options: UnitPruningOptions, inputs: StepInputs) -> bool:
    """Tell whether the task needs no labels and has no data: data of another task are none."""
    task = options.task or inputs.task
    data = options.data or (inputs.data if inputs.task == task else None)
    return bool(task) and not data and get_task(str(task)).objective == "masked_lm"


# --- labelled data ------------------------------------------------------------------------------


def _from_labelled_data(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: UnitPruningOptions,
    inputs: StepInputs,
) -> Calibration:
    wanted = resolve_options(_only_calibration(options), inputs)
    task = task_of(wanted)
    sentences = training_sentences(task, wanted, inputs.seed)
    loss = options.loss or _usual_loss(model, task, options)
    labels = task.labels(*sentences.values())
    if loss == "labels":
        labels = _labels_of_head(model, wanted, labels)
    max_length = sequence_limit(tokenizer, options.max_length)
    encoded: dict[str, Any] = {
        tag: task.training_sequences(list(found), tokenizer, labels, max_length)
        for tag, found in sentences.items()
    }
    if loss == "labels" and isinstance(task, MaskedLanguageModelling):
        masking = Masking.of(tokenizer, task.mask_probability)
        encoded = {tag: _masked(rows, masking, inputs.seed) for tag, rows in encoded.items()}
    return Calibration(loss, encoded, {tag: len(found) for tag, found in sentences.items()})


def _usual_loss(model: PreTrainedModel, task: Task[Any, Any], options: UnitPruningOptions) -> Loss:
    """Ask for labels where they are looked at and the model can tell them."""
    is_by_labels = options.scorer == "taylor" and has_head(model, task)
    return "labels" if is_by_labels else "hidden_states"


def _masked(rows: Sequence[Encoded], masking: Masking, seed: int) -> list[TrainingExample]:
    """Hide tokens as the first epoch of a training does."""
    batches = LengthGroupedBatches([len(row.input_ids) for row in rows], batch_size=1)
    masked = MaskedRows(rows, masking, batches, seed)
    return [masked[index] for index in range(len(rows))]


def _only_calibration(options: UnitPruningOptions) -> TaskTrainingOptions:
    return options.training().model_copy(
        update={
            "languages": options.importance_languages or options.languages,
            "train_split": options.calibration_split,
            "max_train_sentences": options.calibration_sentences,
            "num_train_sentences": None,
            "sampling_temperature": 1.0,
        }
    )


def _labels_of_head(
    model: PreTrainedModel, options: TaskTrainingOptions, needed: Sequence[str]
) -> tuple[str, ...]:
    task = task_of(options)
    if not has_head(model, task):
        step = "adaptation" if task.objective == "masked_lm" else "fine_tuning"
        raise MissingInputError(
            f"Could not measure importance by the labels of {task.id}: the model is not trained "
            "for them.",
            got=type(model).__name__,
            expected=f"a model with a head of the task {task.id}",
            fix=f"put the step {step} before this one, or measure by loss: hidden_states",
        )
    own = own_labels(model, task)
    strangers = sorted(set(needed) - set(own))
    if strangers and task.head != _SPANS:
        raise UnknownLabelError(
            "Could not measure importance: the data have labels that the model's head does not.",
            got=", ".join(strangers),
            expected=f"labels among {', '.join(own)}",
            fix="take the data that the model was trained on, or measure by loss: logits",
        )
    return own


# --- text ---------------------------------------------------------------------------------------


def _from_text(
    tokenizer: PreTrainedTokenizerFast, options: UnitPruningOptions, inputs: StepInputs
) -> Calibration:
    loss = options.loss or "hidden_states"
    if loss == "labels":
        raise _no_data(loss, [])
    tags = _tags_of_text(options, inputs)
    length = sequence_limit(tokenizer, options.max_length)
    encoded: dict[str, list[Any]] = {}
    for tag in tags:
        source = TextSource(inputs.text[tag])
        lines = sample_lines(source, options.calibration_sentences, inputs.seed)
        ids = tokenizer(lines, truncation=True, max_length=length)["input_ids"]
        encoded[tag] = [_Line(each) for each in ids]
    return Calibration(loss, encoded, {tag: len(rows) for tag, rows in encoded.items()})


def _from_masked_text(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: UnitPruningOptions,
    inputs: StepInputs,
) -> Calibration:
    """Hide tokens of lines of a portion of the text, as training on them would."""
    name = options.task or inputs.task
    of_recipe = inputs.task_options if name == (inputs.task or name) else {}
    named = {"task": name, "task_options": {**of_recipe, **options.task_options}}
    wanted = options.training().model_copy(update=named)
    task = task_of(wanted)
    _labels_of_head(model, wanted, ())
    assert isinstance(task, MaskedLanguageModelling)  # noqa: S101  (its objective is masked_lm)
    masking = Masking.of(tokenizer, task.mask_probability)
    length = sequence_limit(tokenizer, options.max_length)
    encoded: dict[str, Any] = {}
    num_lines: dict[str, int] = {}
    for tag in _tags_of_text(options, inputs):
        portion = TextPortion(tuple(inputs.text[tag]), portion_name(options.calibration_split))
        lines = sample_lines(portion, options.calibration_sentences, inputs.seed)
        rows = task.training_sequences(lines, tokenizer, (), length)
        encoded[tag], num_lines[tag] = _masked(rows, masking, inputs.seed), len(lines)
    return Calibration("labels", encoded, num_lines)


def _tags_of_text(options: UnitPruningOptions, inputs: StepInputs) -> tuple[str, ...]:
    tags = options.importance_languages or options.languages or inputs.languages
    tags = tags or tuple(inputs.text)
    without = [tag for tag in tags if tag not in inputs.text]
    if without or not tags:
        raise _no_data(options.loss or "hidden_states", without)
    return tags


def _no_data(loss: Loss, without: Sequence[str]) -> MissingInputError:
    wanted = "labelled data" if loss == "labels" else "labelled data, or text for each language"
    return MissingInputError(
        "Could not measure importance: there are no data to measure it on.",
        got=f"no text for {', '.join(without)}" if without else f"no {wanted}",
        expected=wanted,
        fix="--task ner --data DIR --language TAG, or --language TAG --text PATH, or the same keys "
        "in the recipe; scorer: magnitude needs no data",
    )


# --- both ---------------------------------------------------------------------------------------


def _check_coverage(
    tokenizer: PreTrainedTokenizerFast, calibration: Calibration, max_unk_rate: float
) -> None:
    rates = {tag: _unk_rate(tokenizer, rows) for tag, rows in calibration.sequences.items()}
    wrong = {tag: rate for tag, rate in rates.items() if rate > max_unk_rate}
    if wrong:
        raise UncoveredTextError(
            "Could not measure importance: the tokenizer does not know much of the data.",
            got="\n".join(
                f"{tag}: {rate:.2%} of the tokens are unknown" for tag, rate in wrong.items()
            ),
            expected=f"at most {max_unk_rate:.2%} of a language's tokens unknown",
            fix="leave the language out of importance_languages, choose a model whose tokenizer "
            "knows its script, or raise max_unk_rate",
        )


def _unk_rate(tokenizer: PreTrainedTokenizerFast, rows: Sequence[TrainingExample]) -> float:
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    ids = [token_id for row in rows for token_id in row.input_ids if token_id not in special]
    return ids.count(tokenizer.unk_token_id) / max(len(ids), 1)
