"""Movement pruning while a Trainer trains: tinyglot's own, or the one that a user already has."""

from collections.abc import Mapping
from typing import Any

import torch

from tinyglot.methods.movement_pruning.controller import MovementController
from tinyglot.methods.movement_pruning.options import MovementOptions
from tinyglot.training import Budget, GatingCallback, Kind


class MovementPruningCallback(GatingCallback):
    """Keep the heads and neurons that the training pushes away from zero.

    Args:
        **options: As in ``MovementOptions``: at least ``pruning_ratio``, or ``num_heads`` and
            ``ffn_size``.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401  (checked by MovementOptions)
        super().__init__("movement_pruning", MovementOptions(**options))

    def make_controller(
        self, budgets: Mapping[Kind, Budget], device: torch.device, num_steps: int
    ) -> MovementController:
        """Make what learns.

        Args:
            budgets: By kind, the units of each layer and how many stay.
            device: Where the model is.
            num_steps: Optimizer steps in which gates are learnt; makes no difference.

        Returns:
            A controller that has learnt nothing yet.
        """
        del num_steps
        return MovementController(budgets, device, is_uniform=self.options.is_uniform)
