"""One training run: from a model and examples to a new model, resumed where it was cut off."""

import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel, TrainerCallback
from transformers.utils import logging

from tinyglot.architectures import view
from tinyglot.errors import MissingInputError, TokenIdRangeError
from tinyglot.files import write_json
from tinyglot.progress import progress_bar
from tinyglot.surgery import copy_model
from tinyglot.training.active_vocabulary import ActiveVocabulary
from tinyglot.training.arguments import check_device, training_arguments
from tinyglot.training.batches import LengthGroupedBatches
from tinyglot.training.callbacks import NoCheckpointAtEnd, ProgressCallback, StopAfterStep
from tinyglot.training.collator import (
    IntArray,
    PaddingCollator,
    StoredExamples,
    TrainingExample,
)
from tinyglot.training.config import TrainingConfig
from tinyglot.training.distillation import DistillationOptions, LogitDistillation
from tinyglot.training.masking import MaskedRows, Masking
from tinyglot.training.memory import kept_memory
from tinyglot.training.objective import Objective, joined
from tinyglot.training.processes import is_main_process, num_processes
from tinyglot.training.resume import (
    claim_directory,
    examples_digest,
    newest_checkpoint,
    weights_digest,
)
from tinyglot.training.trainer import TokenBatchTrainer
from tinyglot.training.trunk import Trunk, TrunkCallback

_RECORD = "training_record.json"


@dataclass(frozen=True)
class TrainingRecord:
    """What a training run did; the same for the same seed, data and model.

    Attributes:
        num_steps: Optimizer steps.
        num_tokens: Tokens seen in them, padding left out, over all processes.
        num_embedding_rows: Rows of the embedding that were trained.
        first_epoch_loss: Mean loss of a labelled token in the first epoch: its cross-entropy, if
            no callback and no teacher has another.
        last_epoch_loss: The same in the last epoch, which ``max_steps`` may have cut short.
    """

    num_steps: int
    num_tokens: int
    num_embedding_rows: int
    first_epoch_loss: float
    last_epoch_loss: float


class TrainingResult(NamedTuple):
    """A trained model and what it took.

    Attributes:
        model: In float32 and evaluation mode, on the device of the model it was made from.
        record: What was done.
        seconds: Wall time of the steps; of a resumed run, of the steps after the resume.
        step_losses: Shape (steps, 2): the sum of the losses of the labelled tokens of each step,
            and how many these are.
    """

    model: PreTrainedModel
    record: TrainingRecord
    seconds: float
    step_losses: NDArray[np.float64]


class Teacher(NamedTuple):
    """A model to learn from, and how.

    Attributes:
        model: Has the same head and vocabulary as the model that is trained. It is not changed.
        options: How much it counts.
    """

    model: PreTrainedModel
    options: DistillationOptions


class _Row(NamedTuple):
    input_ids: IntArray
    labels: IntArray
    token_type_ids: Sequence[int] | None = None


_Rows = Sequence[_Row] | StoredExamples


def train(  # noqa: PLR0913  (each is one input of a training)
    model: PreTrainedModel,
    examples: Sequence[TrainingExample] | StoredExamples,
    config: TrainingConfig,
    directory: Path | None = None,
    *,
    extra_token_ids: Iterable[int] = (),
    callbacks: Sequence[TrainerCallback] = (),
    masking: Masking | None = None,
    trunk: Trunk | None = None,
    teacher: Teacher | None = None,
    objective: Objective | None = None,
) -> TrainingResult:
    """Train a copy of a model with a head; go on from the newest resume point in ``directory``.

    A run that was killed at any point and is started again with the same arguments ends with the
    same weights as one that was not (one process, same machine and number of threads). Under
    ``accelerate launch`` or torchrun every process gets the same trained model back.

    Args:
        model: A model with a task head. It is not changed.
        examples: Token ids of this model's vocabulary, with labels for the tokens or the sequence.
            Stored ones are read as they are needed; they go without an active vocabulary.
        config: Options, seed and device.
        directory: Where resume points and ``training_record.json`` are kept; default: nowhere.
        extra_token_ids: Further ids to keep in the active vocabulary, such as evaluation data's.
        callbacks: Callbacks of a Trainer; they see the small model if a vocabulary is active. Where
            one has ``settings()``, resume points must agree on what it returns; where one has
            ``loss``, that takes the place of the cross-entropy.
        masking: Hide tokens, anew in every epoch, and train on these; the examples' labels are
            then the tokens that may be hidden. The head must look at each token alone.
        trunk: First steps that are shared with other trainings, whose callbacks may do something
            else from there on.
        teacher: A model whose logits are learnt from beside the labels.
        objective: Computes the loss instead; with neither callbacks' losses nor a teacher.

    Returns:
        The trained model, the record, and the time it took.

    Raises:
        MissingInputError: If there are no examples.
        TokenIdRangeError: If an id is not in the vocabulary, or the model has no padding id.
        UnsupportedArchitectureError: If the model has an LM head and the vocabulary is active.
        DeviceNotFoundError: If the device is not there or has no bf16.
        RunDirectoryError: If the directory's resume points belong to another training.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.

    Randomness:
        The global generators, seeded from ``config.seed``; put back afterwards as they were.
    """
    _check_inputs(model, examples)
    check_device(config)
    vocabulary = _active_vocabulary(model, examples, config, extra_token_ids)
    student = (vocabulary.shrink(model) if vocabulary else copy_model(model)).float()
    remap = vocabulary.remap if vocabulary else np.asarray
    rows = _rows(examples, remap)
    distillation = _distillation(teacher, vocabulary)
    with (
        _kept_random_state(),
        _no_other_bars(),
        joined(student, objective),
        _resume_directory(directory) as folder,
    ):
        settings = _settings(student, rows, config, masking) | _taught_by(teacher)
        settings |= {"objective": dict(objective.settings())} if objective else {}
        shared = [TrunkCallback(trunk, settings)] if trunk else []
        aim = _Aim(masking, distillation, objective)
        trainer = _make_trainer(student, rows, config, folder, (*callbacks, *shared), aim)
        _claim(trainer, folder, settings, trunk)
        seconds = _run(trainer, folder, config.stop_step or trainer.total_steps())
        losses = trainer.step_losses()
        trainer.check_weights()
        record = _record(trainer, losses, _num_trained_rows(student))
        trainer.release()
        if directory is not None and is_main_process():
            write_json(directory / _RECORD, asdict(record))
    trained = vocabulary.restore(student, model) if vocabulary else student.to(model.device)
    return TrainingResult(trained.eval(), record, seconds, losses)


def _rows(
    examples: Sequence[TrainingExample] | StoredExamples, remap: Callable[[Any], IntArray]
) -> _Rows:
    if isinstance(examples, StoredExamples):
        return examples
    return [_row(example, remap) for example in examples]


def _row(example: TrainingExample, remap: Callable[[Any], IntArray]) -> _Row:
    types = getattr(example, "token_type_ids", None)
    return _Row(remap(example.input_ids), np.asarray(example.labels), types)


# --- before --------------------------------------------------------------------------------------


def _check_inputs(
    model: PreTrainedModel, examples: Sequence[TrainingExample] | StoredExamples
) -> None:
    if not len(examples):
        raise MissingInputError(
            "Could not train: there are no training examples.",
            got="0 examples",
            expected="at least 1",
            fix="check the train split of the data",
        )
    if model.config.pad_token_id is None:
        raise TokenIdRangeError(
            "Could not train: the model has no padding token, so sentences cannot be batched.",
            got="pad_token_id: null in config.json",
            expected="an id of the vocabulary",
            fix="set model.config.pad_token_id to the tokenizer's pad_token_id",
        )


def _active_vocabulary(
    model: PreTrainedModel,
    examples: Sequence[TrainingExample] | StoredExamples,
    config: TrainingConfig,
    extra_token_ids: Iterable[int],
) -> ActiveVocabulary | None:
    if not config.active_vocabulary or isinstance(examples, StoredExamples):
        return None
    return ActiveVocabulary.of(model, (e.input_ids for e in examples), extra_token_ids)


def _settings(
    student: PreTrainedModel,
    rows: _Rows,
    config: TrainingConfig,
    masking: Masking | None,
) -> dict[str, Any]:
    """Everything that decides the trained weights: what resume points must agree on."""
    hidden = {"mask_probability": masking.probability} if masking else {}
    return config.model_dump(mode="json", exclude={"save_steps"}) | {
        **hidden,
        "num_processes": num_processes(),
        "examples": examples_digest(rows),
        "initial_weights": weights_digest(student),
    }


def _distillation(
    teacher: Teacher | None, vocabulary: ActiveVocabulary | None
) -> LogitDistillation | None:
    """Prepare a copy of the teacher for the token ids of the training."""
    if teacher is None:
        return None
    model = vocabulary.shrink(teacher.model) if vocabulary else copy_model(teacher.model)
    return LogitDistillation(model.float().eval(), teacher.options)


def _taught_by(teacher: Teacher | None) -> dict[str, Any]:
    if teacher is None:
        return {}
    options = teacher.options.model_dump(mode="json")
    return {"distillation": options | {"teacher": weights_digest(teacher.model)}}


@contextmanager
def _resume_directory(directory: Path | None) -> Iterator[Path]:
    with nullcontext(directory) if directory else tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@contextmanager
def _kept_random_state() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  (the Trainer's)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002  (the Trainer's)


@contextmanager
def _no_other_bars() -> Iterator[None]:
    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # transformers shows one for every resume point
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


# --- during --------------------------------------------------------------------------------------


class _Aim(NamedTuple):
    masking: Masking | None
    distillation: LogitDistillation | None
    objective: Objective | None


def _make_trainer(
    student: PreTrainedModel,
    rows: _Rows,
    config: TrainingConfig,
    directory: Path,
    callbacks: Sequence[TrainerCallback],
    aim: _Aim,
) -> TokenBatchTrainer:
    arguments = training_arguments(config, directory)
    batches = LengthGroupedBatches(
        _lengths(rows),
        batch_size=config.batch_size,
        batch_tokens=config.batch_tokens,
        seed=config.seed,
        processes=(arguments.process_index, arguments.world_size),
    )
    early = [StopAfterStep(config.stop_step)] if config.stop_step else []
    return TokenBatchTrainer(
        student,
        arguments,
        batches=batches,
        head_learning_rate=config.head_learning_rate,
        labelled_only=aim.masking is not None,
        distillation=aim.distillation,
        objective=aim.objective,
        **_own_loss(callbacks),
        train_dataset=MaskedRows(rows, aim.masking, batches, config.seed) if aim.masking else rows,
        data_collator=PaddingCollator(student.config.pad_token_id),
        callbacks=[*callbacks, NoCheckpointAtEnd(), *early],
    )


def _lengths(rows: _Rows) -> Sequence[int] | IntArray:
    if isinstance(rows, StoredExamples):
        return rows.lengths
    return [len(row.input_ids) for row in rows]


def _own_loss(callbacks: Sequence[Any]) -> dict[str, Any]:
    losses = [callback.loss for callback in callbacks if hasattr(callback, "loss")]
    return {"compute_loss_func": losses[0]} if losses else {}


def _claim(
    trainer: TokenBatchTrainer, directory: Path, settings: dict[str, Any], trunk: Trunk | None
) -> None:
    """Make the directory this training's; begin with the shared steps if nothing was done yet."""
    decided = [callback.settings() for callback in trainer.deciding_callbacks()]
    with trainer.accelerator.main_process_first():
        claim_directory(directory, settings | {"callbacks": decided} if decided else settings)
        if trunk is not None and is_main_process() and newest_checkpoint(directory) is None:
            trunk.enter(directory, settings)


def _run(trainer: TokenBatchTrainer, directory: Path, num_steps: int) -> float:
    """Train from the newest resume point on; give the seconds it took."""
    checkpoint = newest_checkpoint(directory)
    with kept_memory(), progress_bar("training", total=num_steps) as bar:
        if is_main_process():
            trainer.add_callback(ProgressCallback(bar))
        started = time.perf_counter()
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        return time.perf_counter() - started


# --- after ---------------------------------------------------------------------------------------


def _num_trained_rows(student: PreTrainedModel) -> int:
    weight = view(student).word_embeddings.weight
    return len(weight) if weight.requires_grad else 0


def _record(
    trainer: TokenBatchTrainer, losses: NDArray[np.float64], num_embedding_rows: int
) -> TrainingRecord:
    num_steps = len(losses)
    last_epoch = (num_steps - 1) // len(trainer.batches) * len(trainer.batches)
    return TrainingRecord(
        num_steps=num_steps,
        num_tokens=trainer.batches.num_tokens(num_steps),
        num_embedding_rows=num_embedding_rows,
        first_epoch_loss=_mean_loss(losses[: len(trainer.batches)]),
        last_epoch_loss=_mean_loss(losses[last_epoch:]),
    )


def _mean_loss(losses: np.ndarray) -> float:
    total, num_labelled = losses.sum(axis=0)
    return float(total / max(num_labelled, 1))
