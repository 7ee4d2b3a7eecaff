"""Trains a model on a task, as a plan says."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback

from tinyglot.errors import PlanOutdatedError
from tinyglot.tasks.mlm import MaskedLanguageModelling
from tinyglot.training.config import TrainingConfig, TrainingOptions
from tinyglot.training.corpus import Corpus, read_corpus, task_of
from tinyglot.training.masking import Masking
from tinyglot.training.resume import examples_digest
from tinyglot.training.task_plan import TaskTrainingPlan, continues, headed_model
from tinyglot.training.train import Teacher, TrainingResult, train
from tinyglot.training.trunk import Trunk
from tinyglot.training.tuning import Tuning, finish_tuning, prepare_tuning


@dataclass(frozen=True)
class Setup:
    """Where a training runs and what it may use, beside its plan.

    Attributes:
        seed: Of the new head, dropout, and the order of the batches.
        device: Torch device name.
        directory: Where resume points are kept; ``None`` for nowhere.
        trunk: First steps that are shared with other trainings, if any.
        teacher: A model to learn from beside the labels, if any.
        tuning: What is trained beside the head, if not the whole encoder.
    """

    seed: int
    device: str = "cpu"
    directory: Path | None = None
    trunk: Trunk | None = None
    teacher: Teacher | None = None
    tuning: Tuning | None = None


def read_planned_corpus(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, plan: TaskTrainingPlan, seed: int
) -> Corpus:
    """Read the data of a plan again, and make sure that they are still the same.

    Args:
        model: The model that the plan was made for.
        tokenizer: Its tokenizer.
        plan: What to train on what.
        seed: Of the choice of training sentences.

    Returns:
        The encoded sentences with the labels.

    Raises:
        PlanOutdatedError: If the training data are not those of the plan.
    """
    corpus = read_corpus(model, tokenizer, plan.config, seed)
    _check_still_the_same(model, plan, corpus)
    return corpus


def train_on_task(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: TaskTrainingPlan,
    corpus: Corpus,
    setup: Setup,
    callbacks: Sequence[TrainerCallback] = (),
) -> TrainingResult:
    """Train a copy of the model with the task's head; go on from the newest resume point.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Its tokenizer.
        plan: What to train on what.
        corpus: As ``read_planned_corpus`` gives it.
        setup: Seed, device and directory.
        callbacks: Callbacks of a Trainer; they see the small model if a vocabulary is active.

    Returns:
        The trained model, with label names in its configuration, and what was done.

    Raises:
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.
        MissingExtraError: If a package for the tuning is not installed.

    Randomness:
        Seeded from ``setup.seed``: new weights, dropout, and the order of the batches.
    """
    fields = {*TrainingOptions.model_fields, "head_learning_rate"}
    options = plan.config.model_dump(include=fields)
    extra = {token_id for encoded in corpus.evaluation for token_id in encoded.input_ids}
    headed, tuning = headed_model(model, plan.config, corpus, setup.seed), setup.tuning
    made = {type(tuning).__name__: tuning.model_dump(mode="json")} if tuning else None
    result = train(
        prepare_tuning(headed, tuning, setup.seed) if tuning else headed,
        corpus.train,
        TrainingConfig(**options, seed=setup.seed, device=setup.device, tuning=made),
        setup.directory,
        extra_token_ids=sorted(extra),
        masking=_masking(plan, tokenizer),
        callbacks=callbacks,
        trunk=setup.trunk,
        teacher=setup.teacher,
    )
    return result._replace(model=finish_tuning(result.model, tuning)) if tuning else result


def _masking(plan: TaskTrainingPlan, tokenizer: PreTrainedTokenizerFast) -> Masking | None:
    task = task_of(plan.config)
    if isinstance(task, MaskedLanguageModelling):
        return Masking.of(tokenizer, task.mask_probability)
    return None


def _check_still_the_same(model: PreTrainedModel, plan: TaskTrainingPlan, corpus: Corpus) -> None:
    head = "continued" if continues(model, plan.config, corpus) else "new"
    found = (head, corpus.labels, examples_digest(corpus.train))
    planned = (plan.head, plan.labels, plan.data_digest)
    if found != planned:
        raise PlanOutdatedError(
            "Could not train on the task: the data or the model are not those of the plan.",
            got=_described(*found),
            expected=_described(*planned),
            fix="plan again, or start a new run in another directory",
        )


def _described(head: str, labels: Sequence[str], digest: str) -> str:
    return f"a {head} head, labels {' '.join(labels)}, training data {digest}"
