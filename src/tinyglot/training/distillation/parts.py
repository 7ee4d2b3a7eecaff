"""What is compared inside student and teacher: hidden states, relations, embeddings."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.architectures import EncoderView, view
from tinyglot.errors import StructureRangeError
from tinyglot.training.distillation.chunks import sum_of_chunks
from tinyglot.training.distillation.layers import check_layers, map_layers
from tinyglot.training.distillation.losses import (
    exact,
    relation_divergence_sum,
    squared_distance_sum,
)
from tinyglot.training.distillation.options import (
    EmbeddingsObjective,
    HiddenStatesObjective,
    Objective,
    RelationsObjective,
)
from tinyglot.training.distillation.watching import EMBEDDINGS, RELATED, Wanted, Watched

Projections = Mapping[str, Callable[[Tensor], Tensor]]
_FEWEST_CHANNELS = 16  # of the teacher in a relation head, as in MiniLMv2
_NUMBERS_AT_ONCE = 2**24


@dataclass(frozen=True)
class Part(ABC):
    """Something inside a student that a teacher has, too.

    Attributes:
        student: What is to be taken down of the student.
        teacher: What is to be taken down of the teacher.
        projections: Widths before and after each linear map of the student's, by name.
    """

    student: Wanted
    teacher: Wanted
    projections: Mapping[str, tuple[int, int]]

    @abstractmethod
    def loss(self, student: Watched, teacher: Watched, project: Projections) -> Tensor:
        """Compare both on a batch.

        Args:
            student: Notes of the student.
            teacher: Notes of the teacher.
            project: The linear maps by name.

        Returns:
            A mean over the tokens.
        """

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Say what the options came to.

        Returns:
            JSON values.
        """


def make_parts(
    student: PreTrainedModel, teacher: PreTrainedModel, objectives: Sequence[Objective]
) -> dict[int, Part]:
    """Work out what the objectives that look inside mean for two models.

    Args:
        student: The student.
        teacher: The teacher.
        objectives: All of them.

    Returns:
        Part by place of the objective; none for those that look at logits.

    Raises:
        LayerRangeError: If a layer is not there.
        StructureRangeError: If widths differ and may not be mapped, or relation heads do not
            divide them.
    """
    views, parts = (view(student), view(teacher)), dict[int, Part]()
    for index, options in enumerate(objectives):
        if isinstance(options, RelationsObjective):
            parts[index] = _relations(options, *views)
        elif isinstance(options, HiddenStatesObjective | EmbeddingsObjective):
            parts[index] = _hidden_states(options, *views)
    return parts


# --- hidden states and embeddings -----------------------------------------------------------------


@dataclass(frozen=True)
class _HiddenStates(Part):
    pairs: tuple[tuple[int, int], ...]

    def loss(self, student: Watched, teacher: Watched, project: Projections) -> Tensor:
        losses = []
        for own, taught in self.pairs:
            states, known = student.hidden[own], teacher.hidden[taught]
            linear_map = project.get(_name(own, taught))
            losses.append(_mean_distance(states[student.mask], known[student.mask], linear_map))
        return torch.stack(losses).mean()

    def facts(self) -> dict[str, Any]:
        pairs = [list(pair) for pair in self.pairs if EMBEDDINGS not in pair]
        widths = {f"{own} to {taught}" for own, taught in self.projections.values()}
        mapped = {"layer_mapping": pairs} if pairs else {}
        return mapped | ({"projection": widths.pop()} if widths else {})


def _hidden_states(
    options: HiddenStatesObjective | EmbeddingsObjective, student: EncoderView, teacher: EncoderView
) -> _HiddenStates:
    pairs: tuple[tuple[int, int], ...] = ((EMBEDDINGS, EMBEDDINGS),)
    if isinstance(options, HiddenStatesObjective):
        pairs = map_layers(options.layer_mapping, len(student.layers), len(teacher.layers))
    widths = (student.hidden_size, teacher.hidden_size)
    is_projected = _is_projected(options, widths)
    return _HiddenStates(
        Wanted(layers=frozenset(own for own, _ in pairs)),
        Wanted(layers=frozenset(taught for _, taught in pairs)),
        {_name(*pair): widths for pair in pairs if is_projected},
        pairs,
    )


def _name(own: int, taught: int) -> str:
    return "embeddings" if own == EMBEDDINGS else f"hidden_states_{own}_{taught}"


def _mean_distance(
    student: Tensor, teacher: Tensor, project: Callable[[Tensor], Tensor] | None
) -> Tensor:
    own = student if project is None else project(student)
    return squared_distance_sum(exact(own), exact(teacher)) / len(own)


def _is_projected(
    options: HiddenStatesObjective | EmbeddingsObjective, widths: tuple[int, int]
) -> bool:
    wanted, (own, taught) = options.projection, widths
    if wanted is False and own != taught:
        raise StructureRangeError(
            f"Could not distil {options.objective}: student and teacher have different widths.",
            got=f"a student of {own} channels, a teacher of {taught}, and projection: false",
            expected=f"{taught} channels, or a projection",
            fix="leave projection out, or distil relations, which work between any widths",
        )
    return own != taught if wanted is None else wanted


# --- relations ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Relations(Part):
    layers: tuple[int, int]
    num_heads: int

    def loss(self, student: Watched, teacher: Watched, project: Projections) -> Tensor:
        del project
        (own, taught), mask = self.layers, student.mask
        losses = [
            self._sum(student.related[own][role], teacher.related[taught][role], mask)
            for role in RELATED
        ]
        return torch.stack(losses).sum() / mask.sum()

    def _sum(self, own: Tensor, taught: Tensor, mask: Tensor) -> Tensor:
        at_once = max(1, _NUMBERS_AT_ONCE // (self.num_heads * mask.shape[1] ** 2))
        with torch.autocast(own.device.type, enabled=False):
            total, _ = sum_of_chunks(self._chunk, (own, taught, mask), at_once)
        return total

    def _chunk(self, own: Tensor, taught: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        total = relation_divergence_sum(own, taught, mask, self.num_heads)
        return total, total.detach()

    def facts(self) -> dict[str, Any]:
        own, taught = self.layers
        heads = self.num_heads
        return {"student_layer": own, "teacher_layer": taught, "num_relation_heads": heads}


def _relations(
    options: RelationsObjective, student: EncoderView, teacher: EncoderView
) -> _Relations:
    own = _layer("student", options.student_layer, student)
    taught = _layer("teacher", options.teacher_layer, teacher)
    widths = (_query_width(student, own), _query_width(teacher, taught))
    return _Relations(
        Wanted(related_layers=frozenset({own})),
        Wanted(related_layers=frozenset({taught})),
        {},
        (own, taught),
        relation_heads(options.num_relation_heads, *widths),
    )


def _layer(whose: str, layer: int | None, model: EncoderView) -> int:
    found = len(model.layers) - 1 if layer is None else layer
    check_layers(whose, [found], len(model.layers))
    return found


def _query_width(model: EncoderView, layer: int) -> int:
    return int(model.linear_modules()[layer]["attention_output"].in_features)


def relation_heads(wanted: int | None, own: int, taught: int) -> int:
    """Choose how many groups of channels are compared.

    Args:
        wanted: As asked for, if it was.
        own: Channels of the student's queries.
        taught: Channels of the teacher's.

    Returns:
        A common divisor of both widths.

    Raises:
        StructureRangeError: If the number that was asked for is none; names those that are.

    Example:
        >>> relation_heads(None, 384, 768)
        48
    """
    common = _divisors(gcd(own, taught))
    if wanted is None:
        return max(n for n in common if n * _FEWEST_CHANNELS <= max(taught, _FEWEST_CHANNELS))
    if wanted not in common:
        raise StructureRangeError(
            "Could not distil relations: the relation heads do not divide both widths.",
            got=f"num_relation_heads {wanted}, a student of {own} channels, a teacher of {taught}",
            expected=f"one of {', '.join(map(str, common))}",
            fix="give one of these, or leave num_relation_heads out",
        )
    return wanted


def _divisors(number: int) -> Sequence[int]:
    return [n for n in range(1, number + 1) if number % n == 0]
