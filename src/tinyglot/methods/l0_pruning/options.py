"""What may be said about L0 pruning, in a recipe and in a user's own Trainer."""

from pydantic import Field

from tinyglot.training import GatingOptions


class L0Options(GatingOptions):
    """Which structures go, and how their gates are learnt; the only home of these defaults."""

    gate_learning_rate: float = Field(
        default=0.1,
        gt=0,
        lt=10,
        description="learning rate of the gates and of the multipliers that hold them to the "
        "target (Adam), the same in all steps",
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
