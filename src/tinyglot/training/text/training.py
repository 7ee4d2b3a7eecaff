"""Trains a model on text, as a plan says."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback

from tinyglot.errors import PlanOutdatedError
from tinyglot.surgery import copy_model
from tinyglot.surgery.copies import on_device
from tinyglot.training.config import TrainingConfig, TrainingOptions
from tinyglot.training.corpus import head_class
from tinyglot.training.head import with_head
from tinyglot.training.masking import Masking
from tinyglot.training.objective import Objective
from tinyglot.training.resume import weights_digest
from tinyglot.training.text.corpus import TextCorpus, read_text
from tinyglot.training.text.held_out import HeldOutCurve, HeldOutText, Losses
from tinyglot.training.text.new_head import train_head
from tinyglot.training.text.plan import TextTrainingPlan, has_lm_head, token_directory
from tinyglot.training.train import TrainingRecord, TrainingResult, train

_POINTS_OF_A_CURVE = 100


@dataclass(frozen=True)
class TextSetup:
    """Where a training on text runs and what it may use, beside its plan.

    Attributes:
        seed: Of a new head, dropout, the order of the batches, and what is hidden.
        device: Torch device name.
        directory: The step's own, for encoded text and resume points; ``None`` for nowhere.
        text: Files or directories of raw text per language.
    """

    seed: int
    device: str = "cpu"
    directory: Path | None = None
    text: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)

    def place(self, name: str) -> Path | None:
        """Name a directory inside the step's own.

        Args:
            name: Such as ``training``.

        Returns:
            Its path, if there is one.
        """
        return None if self.directory is None else self.directory / name


class TextTrainingResult(NamedTuple):
    """A trained model and what it took.

    Attributes:
        model: With an LM head if the plan says so, in float32 and evaluation mode.
        record: What was done, as of any training.
        facts: The record, the curves, and the held-out losses before and after, as JSON values;
            the same for the same seed, data and model.
        seconds: Wall time of the steps, those of a new head's own included.
    """

    model: PreTrainedModel
    record: TrainingRecord
    facts: dict[str, Any]
    seconds: float


def train_on_text(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: TextTrainingPlan,
    setup: TextSetup,
    objective: Objective | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> TextTrainingResult:
    """Train a copy of the model on the text; go on from the newest resume point.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Its tokenizer.
        plan: What to train on what.
        setup: Seed, device, directory and text.
        objective: Computes the loss in place of the masked-LM loss; not while a new head is
            trained alone.
        callbacks: Callbacks of a Trainer.

    Returns:
        The trained model, with its LM head if the plan says so, and what was done.

    Raises:
        PlanOutdatedError: If the text or the model are not those of the plan.
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for the encoded text or a resume point.

    Randomness:
        Seeded from ``setup.seed``: the new head, dropout, the order of the batches, what is hidden.
    """
    options = plan.config
    with token_directory(setup.directory) as directory:
        corpus = read_text(tokenizer, options, setup.text, directory, setup.seed)
        _check_still_the_same(model, plan, corpus)
        pad_token_id = int(model.config.pad_token_id or 0)
        held_out = HeldOutText({}, {}, pad_token_id)
        if plan.head != "none":
            held_out = HeldOutText.read(tokenizer, options, setup.text, pad_token_id)
        masking = Masking.of(tokenizer, options.mask_probability)
        head = _head_training(model, plan, setup, corpus, masking)
        student = head.model if head else _student(model, plan, setup)
        curve = HeldOutCurve(held_out, options, directory / "held_out.json")
        before = _losses(held_out, student, options.precision, setup)
        result = train(
            student,
            corpus,
            TrainingConfig(**_of_training(plan), seed=setup.seed, device=setup.device),
            setup.place("training"),
            callbacks=(*callbacks, curve),
            masking=masking,
            objective=objective,
        )
    after = _losses(held_out, result.model, options.precision, setup)
    points = {0: before, **curve.points, result.record.num_steps: after}
    seconds = result.seconds + (head.seconds if head else 0)
    return TextTrainingResult(
        result.model, result.record, _facts(result, head, before, after, points), seconds
    )


def headed_model(model: PreTrainedModel, seed: int) -> PreTrainedModel:
    """Give the model that is trained: the given one, or a new tied LM head on its encoder.

    Args:
        model: Any model. It is not changed.
        seed: Decides the values of a new head.

    Returns:
        A model that shares its tensors with the one given.
    """
    if has_lm_head(model):
        return model
    return with_head(model, head_class(model, "AutoModelForMaskedLM"), (), seed)


def _student(model: PreTrainedModel, plan: TextTrainingPlan, setup: TextSetup) -> PreTrainedModel:
    return model if plan.head == "none" else headed_model(model, setup.seed)


def _of_training(plan: TextTrainingPlan) -> dict[str, Any]:
    return plan.config.model_dump(include=set(TrainingOptions.model_fields))


def _head_training(
    model: PreTrainedModel,
    plan: TextTrainingPlan,
    setup: TextSetup,
    corpus: TextCorpus,
    masking: Masking,
) -> TrainingResult | None:
    if not plan.num_head_steps:
        return None
    student = copy_model(headed_model(model, setup.seed))
    options = _of_training(plan) | {
        "max_steps": plan.num_head_steps,
        "stop_step": None,
        "learning_rate": plan.config.head_learning_rate,
        "seed": setup.seed + 1,  # other batches than the first of the whole model's
        "device": setup.device,
    }
    return train_head(student, corpus, TrainingConfig(**options), masking, setup.place("head"))


def _losses(
    held_out: HeldOutText, model: PreTrainedModel, precision: str, setup: TextSetup
) -> Losses:
    return held_out.losses(on_device(model, setup.device), precision)


def _check_still_the_same(
    model: PreTrainedModel, plan: TextTrainingPlan, corpus: TextCorpus
) -> None:
    found = (corpus.digest, weights_digest(model))
    planned = (plan.data_digest, plan.weights_digest)
    if found != planned:
        raise PlanOutdatedError(
            "Could not train on the text: the text or the model are not those of the plan.",
            got=f"text {found[0]}, weights {found[1]}",
            expected=f"text {planned[0]}, weights {planned[1]}",
            fix="plan again, or start a new run in another directory",
        )


def _facts(
    result: TrainingResult,
    head: TrainingResult | None,
    before: Losses,
    after: Losses,
    points: Mapping[int, Losses],
) -> dict[str, Any]:
    facts: dict[str, Any] = {**asdict(result.record), "curve": averaged_curve(result.step_losses)}
    if head is not None:
        facts["head"] = {**asdict(head.record), "curve": averaged_curve(head.step_losses)}
    if before:
        facts["held_out_loss"] = {"before": before, "after": after}
        facts["held_out_curve"] = [{"step": step, **points[step]} for step in sorted(points)]
    return facts


def averaged_curve(step_losses: NDArray[np.float64]) -> list[dict[str, float]]:
    """Average the loss of a token over spans of about equal numbers of steps, at most a hundred.

    Args:
        step_losses: Shape (steps, 2): sums of losses, and of how many tokens.

    Returns:
        The last step of each span, and its loss.
    """
    borders = np.linspace(0, len(step_losses), min(len(step_losses), _POINTS_OF_A_CURVE) + 1)
    spans = np.split(step_losses, borders[1:-1].astype(int))
    ends = np.cumsum([len(span) for span in spans]).tolist()
    losses = [float(span[:, 0].sum() / max(span[:, 1].sum(), 1)) for span in spans]
    return [{"step": end, "loss": loss} for end, loss in zip(ends, losses, strict=True)]
