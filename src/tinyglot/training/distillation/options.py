"""What a student may learn from, as named parts that add up."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tinyglot.training.distillation.layers import LayerPair, LayerStrategy

Positions = Literal["masked", "all"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    weight: float = Field(default=1.0, gt=0, description="factor of this part in the sum")


class MaskedLmObjective(_Part):
    """The cross-entropy of the hidden tokens; the teacher has no say."""

    objective: Literal["masked_lm"] = Field(
        default="masked_lm", description="the cross-entropy of the hidden tokens"
    )


class LogitMseObjective(_Part):
    """The squared distance of the logits, averaged over positions and vocabulary."""

    objective: Literal["logit_mse"] = Field(
        default="logit_mse", description="the squared distance of the logits"
    )


class LogitKlObjective(_Part):
    """The divergence from the teacher's prediction, times the squared temperature."""

    objective: Literal["logit_kl"] = Field(
        default="logit_kl", description="the divergence of the predictions"
    )
    temperature: float = Field(default=2.0, gt=0, description="divides the logits of both models")


class HiddenStatesObjective(_Part):
    """The squared distance of hidden states, averaged over tokens, channels and pairs of layers."""

    objective: Literal["hidden_states"] = Field(
        default="hidden_states", description="the squared distance of hidden states"
    )
    layer_mapping: LayerStrategy | Annotated[tuple[LayerPair, ...], Field(min_length=1)] = Field(
        default="block",
        description="block: the last layer of each block of the teacher; stride, last, first, "
        "first_last: as in layer_dropping; or pairs [[student, teacher], ...], from 0 without the "
        "embeddings",
    )
    projection: bool | None = Field(
        default=None,
        description="a linear map from the student's width to the teacher's, trained and thrown "
        "away; null: where the widths differ",
    )


class RelationsObjective(_Part):
    """The divergence of the relations among queries, keys and values of a layer, as in MiniLMv2."""

    objective: Literal["relations"] = Field(
        default="relations",
        description="the divergence of the relations among queries, keys and values",
    )
    student_layer: int | None = Field(
        default=None, ge=0, description="layer of the student, from 0; null: the last"
    )
    teacher_layer: int | None = Field(
        default=None, ge=0, description="layer of the teacher, from 0; null: the last"
    )
    num_relation_heads: int | None = Field(
        default=None,
        ge=1,
        description="groups of channels that are compared, a divisor of both widths; null: the "
        "most that leave the teacher 16 channels or more in each",
    )


class EmbeddingsObjective(_Part):
    """The squared distance of what the embeddings give to the first layer."""

    objective: Literal["embeddings"] = Field(
        default="embeddings", description="the squared distance of the embeddings' output"
    )
    projection: bool | None = Field(
        default=None, description="as for hidden_states; null: where the widths differ"
    )


Objective = Annotated[
    MaskedLmObjective
    | LogitMseObjective
    | LogitKlObjective
    | HiddenStatesObjective
    | RelationsObjective
    | EmbeddingsObjective,
    Field(discriminator="objective"),
]
LogitObjective = MaskedLmObjective | LogitMseObjective | LogitKlObjective
ON_LOGITS = (MaskedLmObjective, LogitMseObjective, LogitKlObjective)
