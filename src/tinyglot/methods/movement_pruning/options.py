"""What may be said about movement pruning, in a recipe and in a user's own Trainer."""

from tinyglot.training import GatingOptions


class MovementOptions(GatingOptions):
    """Which structures go, how many and when; the only home of these defaults."""
