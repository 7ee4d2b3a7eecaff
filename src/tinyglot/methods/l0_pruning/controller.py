"""Hard concrete gates, held to the target by a Lagrangian."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tinyglot.methods.l0_pruning.hard_concrete import (
    EVEN_LOG_ODDS,
    expected_gates,
    open_probability,
    sample_gates,
)
from tinyglot.methods.l0_pruning.options import L0Options
from tinyglot.training import Budget, Flat, GateController, Kind


class L0Controller(GateController):
    """Learns for each unit how likely it stays.

    Beside the loss of the model the gates minimise, and two multipliers of each group maximise,
    ``first * gap + second * gap ** 2``: ``gap`` is the expected share of removed units above the
    target. A group is a layer where each keeps the same number, else the whole model; its target is
    the share that it has to lose itself.

    Args:
        budgets: By kind, the units of each layer and how many stay.
        device: Where the model is.
        options: Learning rate, first value and the target's rise.
        num_steps: Optimizer steps in which gates are learnt.

    References:
        Louizos et al. (2018) for the gates; Wang, Wohlwend, Lei (2020), Structured Pruning of
        Large Language Models, section 3.3, for the Lagrangian.
    """

    def __init__(
        self,
        budgets: Mapping[Kind, Budget],
        device: torch.device,
        options: L0Options,
        num_steps: int,
    ) -> None:
        super().__init__(budgets, device, is_uniform=options.is_uniform)
        self._options = options
        self._log_odds: Flat = {
            kind: torch.full(
                (each.num_units,), options.initial_log_odds, device=device, requires_grad=True
            )
            for kind, each in self.budgets.items()
        }
        self._multipliers: Flat = {
            kind: torch.zeros(2, len(self.groups(kind)), device=device, requires_grad=True)
            for kind in self.budgets
        }
        # with momentum the multipliers go on growing when the target is reached, and overshoot
        groups: list[dict[str, Any]] = [
            {"params": [*self._log_odds.values()]},
            {"params": [*self._multipliers.values()], "maximize": True, "betas": (0.0, 0.999)},
        ]
        self._optimizer = torch.optim.Adam(groups, lr=options.learning_rate_for(num_steps))

    # --- gates ---------------------------------------------------------------------------------

    def learnt_gates(self, progress: float, generator: torch.Generator | None) -> Flat:
        """Draw gates, or give the expected ones outside training.

        Args:
            progress: Share of the learning that is done; makes no difference.
            generator: Of the noise of a training step; ``None`` outside training.

        Returns:
            A factor for each unit.
        """
        del progress
        if generator is None:
            return {kind: expected_gates(value) for kind, value in self._log_odds.items()}
        return {
            kind: sample_gates(value, torch.rand(len(value), generator=generator).to(self.device))
            for kind, value in self._log_odds.items()
        }

    def scores(self) -> Flat:
        """Rank the units by how likely they stay.

        Returns:
            The log odds of each.
        """
        return dict(self._log_odds)

    def kept_gates(self, kind: Kind, mask: Tensor) -> Tensor:
        """Give the gates of units that stay: the expected ones, but never 0.

        Where more gates closed than wanted, the log odds of the group are raised together until
        the lowest of those that stay is even.

        Args:
            kind: Heads or neurons.
            mask: 1 for each unit that stays, 0 for others.

        Returns:
            A factor for each unit.
        """
        is_kept = self._in_groups(kind, mask.bool())
        raised = [
            log_odds + (EVEN_LOG_ODDS - log_odds[kept].min()).clamp(min=0)
            for log_odds, kept in zip(self._log_odds_of(kind), is_kept, strict=True)
        ]
        return expected_gates(torch.cat(raised))

    # --- learning ------------------------------------------------------------------------------

    def parameters(self) -> list[Tensor]:
        """List what is learnt from gradients of the model's loss.

        Returns:
            The log odds of each kind.
        """
        return list(self._log_odds.values())

    def update(self, progress: float, learning_rate: float) -> None:
        """Take one step of Adam on gates and multipliers.

        Args:
            progress: Share of the learning that was done before this step.
            learning_rate: The model's in this step; makes no difference.
        """
        del learning_rate
        self.penalty(progress).backward()
        self._optimizer.step()
        self._optimizer.zero_grad()

    def penalty(self, progress: float) -> Tensor:
        """Say how far the gates are from the target, weighted by the multipliers.

        Args:
            progress: Share of the learning that is done.

        Returns:
            One number, with gradients to gates and multipliers.
        """
        warmup = self._options.target_warmup
        share = min(progress / warmup, 1.0) if warmup else 1.0
        return torch.stack([self._penalty_of(kind, share) for kind in self.budgets]).sum()

    def _penalty_of(self, kind: Kind, share: float) -> Tensor:
        pairs = zip(self._removed_shares(kind), self.groups(kind), strict=True)
        gaps = torch.stack([found - share * group.removed_share for found, group in pairs])
        first, second = self._multipliers[kind]
        penalty: Tensor = (first * gaps + second * gaps.square()).sum()
        return penalty

    def _removed_shares(self, kind: Kind) -> list[Tensor]:
        """Give the expected share of removed units of each group."""
        return [1 - open_probability(group).mean() for group in self._log_odds_of(kind)]

    def _log_odds_of(self, kind: Kind) -> list[Tensor]:
        return self._in_groups(kind, self._log_odds[kind])

    def _in_groups(self, kind: Kind, values: Tensor) -> list[Tensor]:
        return list(self.split(kind, values)) if self.is_uniform else [values]

    # --- resume and report ---------------------------------------------------------------------

    def tensors(self) -> dict[str, Tensor]:
        """Give log odds, multipliers and what Adam remembers of them.

        Returns:
            Tensors by name.
        """
        found: dict[str, Tensor] = {}
        for kind in self.budgets:
            learnt = {"log_odds": self._log_odds[kind], "multipliers": self._multipliers[kind]}
            for name, value in learnt.items():
                found[f"{kind}.{name}"] = value
                moments = self._optimizer.state.get(value, {})
                found |= {f"{kind}.{name}.{key}": moment for key, moment in moments.items()}
        return found

    @torch.no_grad()
    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what ``tensors`` gave.

        Args:
            tensors: By name.
        """
        for kind in self.budgets:
            learnt = {"log_odds": self._log_odds[kind], "multipliers": self._multipliers[kind]}
            for name, value in learnt.items():
                value.copy_(tensors[f"{kind}.{name}"])
                start = f"{kind}.{name}."
                self._optimizer.state[value] = {
                    key.removeprefix(start): moment if key.endswith(".step") else moment.to(value)
                    for key, moment in tensors.items()
                    if key.startswith(start)
                }

    @torch.no_grad()
    def report(self) -> dict[str, Any]:
        """Say what the gates were like when it was decided what stays.

        Returns:
            By kind, how many expected gates were 0, 1 and in tenths between; expected and wanted
            share of removed units, in all and of each group; and the multipliers.
        """
        return {kind: self._report(kind) for kind in self.budgets}

    def _report(self, kind: Kind) -> dict[str, Any]:
        gates = expected_gates(self._log_odds[kind]).cpu()
        between = gates[(gates > 0) & (gates < 1)]
        expected = 1 - open_probability(self._log_odds[kind]).mean()
        return {
            "num_closed": int((gates == 0).sum()),
            "num_open": int((gates == 1).sum()),
            "num_between_by_tenths": torch.histc(between, 10, 0.0, 1.0).int().tolist(),
            "target_removed_share": self.budgets[kind].removed_share,
            "target_removed_share_by_group": [each.removed_share for each in self.groups(kind)],
            "expected_removed_share": float(expected),
            "expected_removed_share_by_group": list(map(float, self._removed_shares(kind))),
            "multipliers": self._multipliers[kind].tolist(),
        }
