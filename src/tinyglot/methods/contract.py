"""What every method is: a config, a plan that changes nothing, an apply that returns new values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.tasks import TaskOption
from tinyglot.training import Trunk

#: where, in a step's own directory, a method leaves files that go into the checkpoint
CHECKPOINT_FILES = "checkpoint_files"


class MethodConfig(BaseModel):
    """Options of one step; the only home of their defaults, ranges, units and help."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: str


class Plan(BaseModel):
    """What a method would do: frozen, printable, saved as JSON before anything is changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: str

    def summary(self) -> list[str]:
        """Say the plan in a few lines for a person.

        Returns:
            Lines without markup.
        """
        return [self.method]

    @property
    def trains(self) -> bool:
        """Whether carrying it out trains; only asked of methods that may."""
        return True


@dataclass(frozen=True)
class Context:
    """Everything a step may need beside the model; nothing is global.

    Attributes:
        seed: Seed of every generator of the step.
        device: Torch device name.
        languages: Tags such as ``swh-Latn``, in the order given.
        text: Files or directories of raw text per language.
        data: Directory (or hub id) of labelled data, if any.
        task: Task id, if any.
        task_options: Options of the task that are not its defaults.
        directory: The step's own working directory, if any; a method that uses it makes it. It is
            kept until the step is finished, so resume files live there. A method may write
            ``facts.json`` into it: a JSON object of what came out, the same bytes for the same
            seed, data and model (no times, no paths). The step's ``record.json`` takes it over
            as ``facts``, and reports show it. What it writes into ``CHECKPOINT_FILES`` in it is
            copied into the step's checkpoint.
        teacher: Checkpoint of the teacher that the step's options name, if any: a path or hub id.
        trunk: First training steps that this run shares with others, if any.
    """

    seed: int = 0
    device: str = "cpu"
    languages: tuple[str, ...] = ()
    text: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    data: str | None = None
    task: str | None = None
    task_options: Mapping[str, TaskOption] = field(default_factory=dict)
    directory: Path | None = None
    teacher: str | None = None
    trunk: Trunk | None = None


class PlanFunction(Protocol):
    """Decide what to do. May run the model; changes no weight."""

    def __call__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        config: Any,  # noqa: ANN401  (the method's own config class)
        context: Context,
    ) -> Plan:
        """Plan with the method's own config."""


class ApplyFunction(Protocol):
    """Do what the plan says and return new values; the inputs stay as they were."""

    def __call__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        plan: Any,  # noqa: ANN401  (the method's own plan class)
        context: Context,
    ) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
        """Apply a plan of the method's own class."""


@dataclass(frozen=True)
class Method:
    """One folder of ``methods/``, as the registry knows it.

    Attributes:
        name: The folder's name.
        version: Raised when a change alters numbers; results record it.
        summary: One sentence for ``tinyglot ls methods``.
        config_class: The options.
        plan_class: What ``plan`` returns; reads a saved ``plan.json``.
        plan: Says what would be done.
        apply: Does it.
        needs: Fields of the context without which the method cannot plan.
        trains: Whether it trains, or may: then its plan is asked.
        must_precede: Methods that may not come before this one in a recipe.
        must_be_last: Whether no step may follow, since any change of the weights would make what
            it leaves in ``CHECKPOINT_FILES`` untrue.
        exempt_from: Promises of ``tests/contract`` that the method does not keep, by the name of
            the test, each with the reason. A promise that is kept after all fails the tests.
    """

    name: str
    version: int
    summary: str
    config_class: type[MethodConfig]
    plan_class: type[Plan]
    plan: PlanFunction
    apply: ApplyFunction
    needs: tuple[str, ...] = ()
    trains: bool = False
    must_precede: tuple[str, ...] = ()
    must_be_last: bool = False
    exempt_from: Mapping[str, str] = field(default_factory=dict)
