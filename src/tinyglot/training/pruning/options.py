"""What may be said about removing heads or neurons by their importance."""

from abc import abstractmethod
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from tinyglot.importance import DATA_SCORERS, Loss, Scorer
from tinyglot.languages import LanguageCodes
from tinyglot.training.checked_options import CheckedOptions
from tinyglot.training.distillation import DistillationOptions
from tinyglot.training.gating import Kind
from tinyglot.training.gating.budget import NAMES
from tinyglot.training.task_options import TaskTrainingOptions

Aggregate = Literal["pooled", "mean", "normalised_mean", "worst_language"]


class CalibrationOptions(CheckedOptions):
    """How importance is measured, and on what; the only home of these defaults."""

    scorer: Scorer = Field(
        default="taylor",
        description="taylor: what the loss changes by without a unit, to first order; activation: "
        "norm of what it hands on; magnitude: norm of its weights; random: a control",
    )
    loss: Loss | None = Field(
        default=None,
        description="of taylor. labels: of the task, which the model must be trained for; logits, "
        "hidden_states: labels, or states, drawn around what the model itself says; default: "
        "labels if the model has the task's head, else hidden_states",
    )
    calibration_split: str = Field(
        default="train",
        description="split of the labelled data on which importance is measured; for task mlm "
        "without data and loss labels, portion of the text: dev is held out of training",
    )
    calibration_sentences: int = Field(
        default=200,
        ge=1,
        description="sentences of each language on which importance is measured, chosen at "
        "random; lines of text where there are no labelled data",
    )
    importance_languages: LanguageCodes = Field(
        default=(),
        description="languages on whose data importance is measured; one alone makes a mask of "
        "its own for it; default: those of languages, or the recipe's",
    )
    aggregate: Aggregate = Field(
        default="pooled",
        description="pooled: all sentences count alike; else each language counts once. mean: of "
        "its importance as it is; normalised_mean: after that was put on one scale; "
        "worst_language: the highest on that scale, so that a unit stays if any language needs it",
    )
    normalise_layers: bool = Field(
        default=False,
        description="divide the importance by its norm in each layer, so that layers compare "
        "alike; only matters where shape is free",
    )
    importance_file: Path | None = Field(
        default=None,
        description="take the importance from a file instead of measuring it: plan.json of another "
        "run of this step, or one of Importance.save",
    )
    max_unk_rate: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of a language's calibration tokens that may be unknown to the tokenizer",
    )

    @property
    def needs_data(self) -> bool:
        """Whether measuring looks at data."""
        return self.importance_file is None and self.scorer in DATA_SCORERS

    def changed(self, *names: str) -> tuple[str, ...]:
        """Name those of some options that are not at their defaults.

        Args:
            *names: Options.

        Returns:
            In the order given.
        """
        fields: dict[str, Any] = type(self).model_fields
        return tuple(name for name in names if getattr(self, name) != fields[name].default)


class UnitPruningOptions(CalibrationOptions, TaskTrainingOptions):
    """What ``head_pruning`` and ``ffn_pruning`` have in common; the only home of these defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    pruning_ratio: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None,
        description="share of the units that are removed, instead of the number that stays; "
        "rounded to a whole number, in each layer where shape is uniform",
    )
    shape: Literal["uniform", "free"] = Field(
        default="uniform",
        description="uniform: as many in each layer; free: where they matter most, one in each "
        "layer at least, which only a slim checkpoint can hold",
    )
    iterations: int = Field(
        default=1,
        ge=1,
        description="removals, importance measured anew before each; most goes in the first "
        "(cubic schedule)",
    )
    recovery: Literal["none", "train"] = Field(
        default="none",
        description="train: train on the task after each removal, as the options of training say",
    )
    steps_between: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="optimizer steps of the training after each removal but the last; default: as "
        "many as are done after the last",
    )
    distillation: DistillationOptions | None = Field(
        default=None,
        description="let recovery follow the logits of the model before the first removal, which "
        "must have the task's head: {soft_loss_weight, temperature}",
    )
    allow_no_effect: bool = Field(
        default=False,
        description="accept that all units stay, as with pruning_ratio 0: a control run through "
        "the same code",
    )

    @property
    @abstractmethod
    def kinds(self) -> tuple[Kind, ...]:
        """What is removed."""

    @abstractmethod
    def num_kept_by_layer(self, kind: Kind) -> int | None:
        """Give the number that was asked for.

        Args:
            kind: Heads or neurons.

        Returns:
            Units of each layer; ``None`` where the ratio decides.
        """

    @property
    def kind(self) -> Kind:
        """What is removed."""
        return self.kinds[0]

    @property
    def is_uniform(self) -> bool:
        """Whether each layer keeps the same number."""
        return self.shape == "uniform"

    def _checks(self) -> tuple[tuple[bool, str], ...]:
        asked = self.num_kept_by_layer(self.kind)
        return (
            (
                (asked is None) == (self.pruning_ratio is None),
                f"give {NAMES[self.kind][1]}, how many stay in each layer, or pruning_ratio, and "
                "not both",
            ),
            (
                self.pruning_ratio == 0 and not self.allow_no_effect,
                "pruning_ratio 0 removes nothing: give more, or allow_no_effect: true for a "
                "control run",
            ),
            (
                self.recovery == "none" and self.distillation is not None,
                "distillation needs recovery: train",
            ),
            (
                self.steps_between is not None
                and (self.recovery == "none" or self.iterations == 1),
                "steps_between needs recovery: train and several iterations",
            ),
            (
                self.importance_file is not None and self.iterations > 1,
                "importance_file is of the model before the first removal: it goes with one "
                "iteration only",
            ),
            *self._measuring(),
        )

    def _measuring(self) -> tuple[tuple[bool, str], ...]:
        """Check that what is said about measuring decides something."""
        by_file = self.changed("scorer", "loss", "aggregate", "importance_languages")
        without_data = self.changed("loss", "aggregate", "importance_languages")
        is_measured = self.importance_file is None
        return (
            (
                not is_measured and bool(by_file),
                f"importance_file leaves nothing to measure: leave out {', '.join(by_file)}",
            ),
            (
                is_measured and not self.needs_data and bool(without_data),
                f"scorer {self.scorer} looks at no data: leave out {', '.join(without_data)}",
            ),
            (
                is_measured and self.scorer == "activation" and self.loss is not None,
                "loss is of taylor; scorer activation has none: leave it out",
            ),
        )

    def idle(self) -> tuple[str, ...]:
        """Name the options that were changed and decide nothing beside the others.

        Returns:
            Options of the training where nothing is trained, and amounts of data where none are
            looked at.
        """
        measuring = ("calibration_split", "calibration_sentences", "max_unk_rate")
        used = {"task", "task_options", "data", "languages", "max_length"}
        training = [name for name in TaskTrainingOptions.model_fields if name not in used]
        return (
            *self.changed(*measuring * (not self.needs_data)),
            *self.changed(*training * (self.recovery == "none")),
        )

    def training(self) -> TaskTrainingOptions:
        """Give what is said about the training alone.

        Returns:
            Options of training on a task.
        """
        names = TaskTrainingOptions.model_fields
        return TaskTrainingOptions(**{name: getattr(self, name) for name in names})
