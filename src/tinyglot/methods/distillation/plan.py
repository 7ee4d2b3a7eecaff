"""Reads text and teacher, and says what training towards it would be; changes nothing."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.errors import NoEffectError
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.distillation.config import DistillationConfig
from tinyglot.methods.distillation.teacher import load_teacher
from tinyglot.surgery import count_parameters
from tinyglot.training.distillation import MaskedLmObjective, TextDistillation
from tinyglot.training.text import TextTrainingPlan, plan_text_training, resolve_text_options


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class TeacherFacts(_Frozen):
    """Who teaches.

    Attributes:
        named: As in the options.
        family: Of its architecture.
        num_layers: Its layers.
        hidden_size: Its width.
        num_parameters: All of them, tied ones once.
        weights_digest: Differs if its weights do.
    """

    named: str
    family: str
    num_layers: int
    hidden_size: int
    num_parameters: int
    weights_digest: str

    @property
    def line(self) -> str:
        """The facts in one line."""
        return (
            f"teacher {self.named}: {self.family} of {self.num_layers} layers, width "
            f"{self.hidden_size}, {self.num_parameters:,} parameters"
        )


class DistillationPlan(TextTrainingPlan, Plan):
    """What would be learnt from whom, and on what text; see ``TextTrainingPlan``.

    Attributes:
        method: Name of the method.
        config: The options, with languages filled in.
        teacher: Who teaches.
        parts: By name, the weight of each part, and what its options came to.
        num_parameters: Of the student as it is given.
    """

    method: Literal["distillation"] = "distillation"
    config: DistillationConfig
    teacher: TeacherFacts
    parts: dict[str, dict[str, Any]]
    num_parameters: int

    def summary(self) -> list[str]:
        """Say the plan in a few lines.

        Returns:
            Lines without markup.
        """
        return [
            self.teacher.line,
            f"student: {self.num_parameters:,} parameters",
            *(_part_line(name, facts) for name, facts in self.parts.items()),
            *self.training_summary(),
        ]


def _part_line(name: str, facts: dict[str, Any]) -> str:
    others = (f"{key} {value}" for key, value in facts.items() if key != "weight")
    return ", ".join([f"{name}: weight {facts['weight']:g}", *others])


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: DistillationConfig,
    context: Context,
) -> DistillationPlan:
    """Load the teacher, encode the text, and count what training would take.

    Args:
        model: The student: a bare encoder, or a model with any head.
        tokenizer: Its tokenizer, with a mask token.
        config: The options.
        context: Gives the text, the languages where the options do not, and the teacher.

    Returns:
        Teacher, parts, tokens and steps.

    Raises:
        MissingInputError: If a language has no text, there is no teacher, or it lacks an LM head.
        NoEffectError: If the student is its own teacher and learns nothing else.
        VocabularyMismatchError: If a token id is another piece for the teacher.
        LayerRangeError: If a layer is mapped outside student or teacher.
        StructureRangeError: If widths differ and may not be mapped, or relation heads do not
            divide them.
        ModelNotFoundError: If there is no such checkpoint.
        UnsafeCheckpointError: If the teacher's weights are only pickled.
        CheckpointTensorsError: If tensors of the teacher are missing, extra or of another shape.
        EmptyTextError: If a language's text has nothing to train on, or nothing held out.
        TextTooShortError: If all of it is less than one batch.
        UnsupportedTokenizerError: If there is no mask token.
        UnsupportedArchitectureError: If the family of student or teacher is unknown.
    """
    config = resolve_text_options(config, context)
    view(model)
    teacher = load_teacher(model, tokenizer, config, context)
    aim = TextDistillation(model, teacher, config.objectives, config.positions)
    training = plan_text_training(model, tokenizer, config, context, needs_head=aim.needs_head)
    facts = _teacher_facts(config.teacher, teacher, aim.teacher_digest)
    _check_effect(config, facts, training["weights_digest"])
    return DistillationPlan(
        **training,
        teacher=facts,
        parts=aim.parts(),
        num_parameters=count_parameters(model).num_parameters,
    )


def _teacher_facts(named: str, teacher: PreTrainedModel, digest: str) -> TeacherFacts:
    parts = view(teacher)
    return TeacherFacts(
        named=named,
        family=parts.family,
        num_layers=len(parts.layers),
        hidden_size=parts.hidden_size,
        num_parameters=count_parameters(teacher).num_parameters,
        weights_digest=digest,
    )


def _check_effect(config: DistillationConfig, teacher: TeacherFacts, student_digest: str) -> None:
    learns_more = any(isinstance(each, MaskedLmObjective) for each in config.objectives)
    if teacher.weights_digest == student_digest and not learns_more:
        raise NoEffectError(
            "Could not distil: the student is its own teacher, and there is nothing else to learn.",
            got=f"teacher: {config.teacher}, the same weights {student_digest}",
            expected="another teacher, or the objective masked_lm",
            fix="put a step before this one that changes the model, or name another teacher",
        )
