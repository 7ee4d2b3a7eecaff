"""Scores that grow while the training pushes a unit away from zero."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tinyglot.importance import Kept, select_units
from tinyglot.training import Budget, Flat, GateController, Kind


class MovementController(GateController):
    """Keeps the units whose weights the training makes larger.

    The score of a unit falls, in each step, by the learning rate times the derivative of the loss
    by the unit's gate, which is the sum of gradient times weight over the weights behind it. Units
    with the smallest scores are gated to zero, a few more in each step. They still have a
    derivative, so that they may come back.

    Args:
        budgets: By kind, the units of each layer and how many stay.
        device: Where the model is.
        is_uniform: Whether each layer keeps the same number.

    References:
        Sanh, Wolf, Rush (2020), Movement Pruning, sections 3 and 4; Lagunas et al. (2021) for
        scores of whole structures.
    """

    def __init__(
        self, budgets: Mapping[Kind, Budget], device: torch.device, *, is_uniform: bool
    ) -> None:
        super().__init__(budgets, device, is_uniform=is_uniform)
        self._scores: Flat = {
            kind: torch.zeros(each.num_units, device=device, requires_grad=True)
            for kind, each in self.budgets.items()
        }
        #: number of units of each group, mask of these scores
        self._masks: dict[Kind, tuple[tuple[int, ...], Tensor]] = {}

    def learnt_gates(self, progress: float, generator: torch.Generator | None) -> Flat:
        """Give 1 for the units with the largest scores, and 0 for the others.

        Args:
            progress: Share of the learning that is done: says how many are gone.
            generator: There is no noise.

        Returns:
            A factor for each unit; its gradient goes to the score of the unit.
        """
        del generator
        return {
            kind: self._mask(kind, self.num_kept(kind, progress)) + (scores - scores.detach())
            for kind, scores in self._scores.items()
        }

    def num_kept(self, kind: Kind, progress: float) -> tuple[int, ...]:
        """Say how many units are left at some point; most go at first.

        Args:
            kind: Heads or neurons.
            progress: Share of the learning that is done.

        Returns:
            Units of each group: from all that it has to those that stay. A group is a layer where
            each keeps the same number in the end, else the whole model.

        References:
            Sanh et al. (2020), section 5, for the cubic schedule of Zhu and Gupta (2017).
        """
        share = (1 - progress) ** 3
        return tuple(
            group.num_kept + round((group.num_units - group.num_kept) * share)
            for group in self.groups(kind)
        )

    def scores(self) -> Flat:
        """Rank the units by how far the training pushed them away from zero.

        Returns:
            The score of each.
        """
        return dict(self._scores)

    def parameters(self) -> list[Tensor]:
        """List what is learnt from gradients of the model's loss.

        Returns:
            The scores of each kind.
        """
        return list(self._scores.values())

    @torch.no_grad()
    def update(self, progress: float, learning_rate: float) -> None:
        """Move the scores against their gradients.

        Args:
            progress: Share of the learning that was done before this step; makes no difference.
            learning_rate: The model's in this step.
        """
        del progress
        for scores in self._scores.values():
            if scores.grad is not None:
                scores.sub_(learning_rate * scores.grad)
                scores.grad = None
        self._masks = {}

    def tensors(self) -> dict[str, Tensor]:
        """Give the scores.

        Returns:
            Tensors by name.
        """
        return {f"{kind}.scores": scores for kind, scores in self._scores.items()}

    @torch.no_grad()
    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what ``tensors`` gave.

        Args:
            tensors: By name.
        """
        for kind, scores in self._scores.items():
            scores.copy_(tensors[f"{kind}.scores"])
        self._masks = {}

    @torch.no_grad()
    def report(self) -> dict[str, Any]:
        """Say how the scores were spread when it was decided what stays.

        Returns:
            By kind, tenths of the scores of units that stayed and of units that went, from the
            smallest to the largest, and how many of each were pushed away from zero.
        """
        return {kind: self._report(kind, kept) for kind, kept in self.kept.items()}

    def _report(self, kind: Kind, kept: Kept) -> dict[str, Any]:
        is_kept = self.mask(kind, kept).bool()
        scores = self._scores[kind].detach()
        tenths = torch.linspace(0, 1, 11, device=self.device)
        return {
            f"{name}_{what}": value
            for name, part in (("kept", scores[is_kept]), ("removed", scores[~is_kept]))
            for what, value in (
                ("score_tenths", part.quantile(tenths).tolist() if len(part) else []),
                ("num_pushed_away", int((part > 0).sum())),
            )
        }

    def _mask(self, kind: Kind, num_kept: tuple[int, ...]) -> Tensor:
        known = self._masks.get(kind)
        if known is None or known[0] != num_kept:
            known = num_kept, self.mask(kind, self._units(kind, num_kept))
            self._masks[kind] = known
        return known[1]

    def _units(self, kind: Kind, num_kept: tuple[int, ...]) -> Kept:
        """Choose the units of each group by their present scores."""
        if not self.is_uniform:
            return self.select(kind, *num_kept)
        layers = zip(self.split(kind, self._scores[kind].detach()), num_kept, strict=True)
        return tuple(select_units([each], kept, uniform=True)[0] for each, kept in layers)
