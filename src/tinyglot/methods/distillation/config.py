"""Options of distillation."""

from typing import Literal

from pydantic import ConfigDict, Field

from tinyglot.methods.contract import MethodConfig
from tinyglot.training.distillation import (
    LogitMseObjective,
    MaskedLmObjective,
    Objective,
    Positions,
)
from tinyglot.training.text import TextTrainingOptions


class DistillationConfig(MethodConfig, TextTrainingOptions):
    """Whom to learn from and what, and on which text."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    method: Literal["distillation"] = "distillation"
    teacher: str = Field(
        default="original",
        min_length=1,
        description="original: the recipe's model; step:METHOD: what the last earlier step of that "
        "method made; step:N: what step N made, counted from 1; or a checkpoint: a directory, "
        "bundled:NAME or a hub id",
    )
    teacher_revision: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{40}$",
        description="commit of a teacher's hub id, 40 hex digits",
    )
    objectives: tuple[Objective, ...] = Field(
        default=(MaskedLmObjective(weight=0.5), LogitMseObjective(weight=0.5)),
        min_length=1,
        description="parts of the loss, which add up: masked_lm, logit_mse, logit_kl, "
        "hidden_states, relations, embeddings, each with a weight and options of its own",
    )
    positions: Positions = Field(
        default="masked",
        description="where logits are compared: at the hidden tokens, or at all tokens, which "
        "costs more the larger the vocabulary is; never at padding",
    )
