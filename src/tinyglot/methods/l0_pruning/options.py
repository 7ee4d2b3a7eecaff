"""What may be said about L0 pruning, in a recipe and in a user's own Trainer."""

from typing import Annotated

from pydantic import Field

from tinyglot.training import GatingOptions


class L0Options(GatingOptions):
    """Which structures go, and how their gates are learnt; the only home of these defaults."""

    gate_learning_rate: Annotated[float, Field(gt=0, lt=10)] | None = Field(
        default=None,
        description="learning rate of the gates and of the multipliers that hold them to the "
        "target (Adam), the same in all steps; default: 25 / steps in which gates are learnt, but "
        "0.05 at least and 0.5 at most",
    )
    initial_log_odds: float = Field(
        default=2.5,
        ge=-5,
        le=10,
        description="of every gate at first: at 2.5 it is open with a probability of 98 %",
    )
    target_warmup: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of the learning of gates in which the target rises linearly from 0; "
        "then it stays",
    )

    def learning_rate_for(self, num_steps: int) -> float:
        """Give the learning rate of gates.

        Args:
            num_steps: Optimizer steps in which gates are learnt.

        Returns:
            The one that is given, or one by which gates get from open to closed in a part of these
            steps.

        Example:
            >>> L0Options(pruning_ratio=0.5).learning_rate_for(100)
            0.25
        """
        if self.gate_learning_rate is not None:
            return self.gate_learning_rate
        return min(max(25 / num_steps, 0.05), 0.5)
