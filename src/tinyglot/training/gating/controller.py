"""Which heads and neurons stay, learnt step by step; what every way of learning it shares."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from tinyglot.importance import Gates, Kept, select_units
from tinyglot.training.gating.budget import Budget
from tinyglot.training.gating.options import Kind
from tinyglot.training.gating.state import tensors_from_text, tensors_to_text

Flat = dict[Kind, Tensor]


class GateController(ABC):
    """Learns which units stay, and keeps what it has learnt outside the model.

    Everything that is learnt is one flat tensor a kind, the layers one behind the other.

    Args:
        budgets: By kind, the units of each layer and how many stay.
        device: Where the model is.
        is_uniform: Whether each layer keeps the same number.
    """

    def __init__(
        self, budgets: Mapping[Kind, Budget], device: torch.device, *, is_uniform: bool
    ) -> None:
        self.budgets = dict(budgets)
        self.device = device
        self.is_uniform = is_uniform
        #: by kind, the units that stay; empty before that is decided
        self.kept: dict[Kind, Kept] = {}
        self._factors: Flat = {}

    # --- what a way of learning fills in -------------------------------------------------------

    @abstractmethod
    def learnt_gates(self, progress: float, generator: torch.Generator | None) -> Flat:
        """Give the gates of one forward pass.

        Args:
            progress: Share of the learning that is done.
            generator: Of the noise of a training step; ``None`` outside training.

        Returns:
            A factor for each unit, with a gradient to ``parameters``.
        """

    @abstractmethod
    def parameters(self) -> list[Tensor]:
        """List what is learnt from gradients of the model's loss.

        Returns:
            Leaves; each process has the gradients of its own batch.
        """

    @abstractmethod
    def update(self, progress: float, learning_rate: float) -> None:
        """Learn from the gradients of one step, and clear them.

        Args:
            progress: Share of the learning that was done before this step.
            learning_rate: The model's in this step.
        """

    @abstractmethod
    def scores(self) -> Flat:
        """Rank the units.

        Returns:
            A score for each unit; higher means keep.
        """

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Give all that was learnt, and what learning on needs.

        Returns:
            Tensors by name.
        """

    @abstractmethod
    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what ``tensors`` gave.

        Args:
            tensors: By name.
        """

    def kept_gates(self, kind: Kind, mask: Tensor) -> Tensor:
        """Give the gates that units have once it is decided that they stay.

        Args:
            kind: Heads or neurons.
            mask: 1 for each unit that stays, 0 for others.

        Returns:
            A factor for each unit; that of a unit that goes makes no difference.
        """
        del kind
        return mask

    def report(self) -> dict[str, Any]:
        """Say what the gates were like when it was decided what stays.

        Returns:
            JSON values.
        """
        return {}

    # --- the same for all ----------------------------------------------------------------------

    def gates(self, progress: float, generator: torch.Generator | None = None) -> Gates:
        """Give the gates of one forward pass.

        Args:
            progress: Share of the learning that is done.
            generator: Of the noise of a training step; ``None`` outside training.

        Returns:
            Learnt gates, or the fixed ones once it is decided what stays.
        """
        return self.by_layer(self._factors or self.learnt_gates(progress, generator))

    def by_layer(self, flat: Mapping[Kind, Tensor]) -> Gates:
        """Split a tensor for each kind into one for each layer.

        Args:
            flat: Values of all units, by kind.

        Returns:
            The values as gates.
        """
        return Gates(**{kind: self.split(kind, each) for kind, each in flat.items()})

    def split(self, kind: Kind, flat: Tensor) -> Sequence[Tensor]:
        """Split the values of one kind by layers.

        Args:
            kind: Heads or neurons.
            flat: Values of all units.

        Returns:
            One tensor a layer.
        """
        parts: Sequence[Tensor] = flat.split(list(self.budgets[kind].counts))
        return parts

    def groups(self, kind: Kind) -> tuple[Budget, ...]:
        """Split the budget of a kind into parts that each keep a number of their own.

        Args:
            kind: Heads or neurons.

        Returns:
            One for each layer where they keep the same number, else one for the whole model.
        """
        return self.budgets[kind].groups(uniform=self.is_uniform)

    def select(self, kind: Kind, num_kept: int) -> Kept:
        """Choose the units of one kind by their present scores.

        Args:
            kind: Heads or neurons.
            num_kept: Units that stay in the whole model.

        Returns:
            Indices of each layer.
        """
        scores = self.split(kind, self.scores()[kind].detach())
        return select_units(scores, num_kept, uniform=self.is_uniform)

    def mask(self, kind: Kind, kept: Kept) -> Tensor:
        """Turn indices into factors.

        Args:
            kind: Heads or neurons.
            kept: Units that stay.

        Returns:
            1 for each unit that stays, 0 for others, flat.
        """
        counts = self.budgets[kind].counts
        mask = torch.zeros(sum(counts), device=self.device)
        for layer, part in enumerate(mask.split(list(counts))):
            part[list(kept[layer])] = 1.0
        return mask

    @torch.no_grad()
    def decide(self) -> None:
        """Choose exactly as many units as the budget says, and fix all gates."""
        self.kept = {kind: self.select(kind, each.num_kept) for kind, each in self.budgets.items()}
        masks = {kind: self.mask(kind, units) for kind, units in self.kept.items()}
        self._factors = {kind: mask * self.kept_gates(kind, mask) for kind, mask in masks.items()}

    # --- resume --------------------------------------------------------------------------------

    def digest(self) -> str:
        """Condense what was learnt and decided to a short text that differs when it does.

        Returns:
            Eight hexadecimal digits.
        """
        return f"{zlib.crc32(repr(sorted(self.state().items())).encode()):08x}"

    def state(self) -> dict[str, Any]:
        """Say what a resume point must hold beside the weights.

        Returns:
            JSON values that ``restore`` takes.
        """
        return {"learnt": tensors_to_text(self.tensors()), "is_decided": bool(self.kept)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a resume point.

        Args:
            state: What ``state`` gave.
        """
        self.load_tensors(tensors_from_text(state["learnt"]))
        if state["is_decided"]:
            self.decide()
