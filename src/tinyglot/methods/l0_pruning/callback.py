"""L0 pruning while a Trainer trains: tinyglot's own, or the one that a user already has."""

from collections.abc import Mapping
from typing import Any, cast

import torch

from tinyglot.methods.l0_pruning.controller import L0Controller
from tinyglot.methods.l0_pruning.options import L0Options
from tinyglot.training import Budget, GatingCallback, Kind


class L0PruningCallback(GatingCallback):
    """Learn hard concrete gates while a model is trained.

    Args:
        **options: As in ``L0Options``: at least ``pruning_ratio``, or ``num_heads`` and
            ``ffn_size``.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  (checked by L0Options)
        super().__init__("l0_pruning", L0Options(**options))

    def make_controller(
        self, budgets: Mapping[Kind, Budget], device: torch.device, num_steps: int
    ) -> L0Controller:
        """Make what learns.

        Args:
            budgets: By kind, the units of each layer and how many stay.
            device: Where the model is.
            num_steps: Optimizer steps in which gates are learnt.

        Returns:
            A controller that has learnt nothing yet.
        """
        return L0Controller(budgets, device, cast(L0Options, self.options), num_steps)
