"""How sparse the weights are after each pruning event."""

from typing import Literal

Ramp = Literal["cubic", "linear", "one_shot"]


def sparsity_at(ramp: Ramp, sparsity: float, progress: float) -> float:
    """Say how sparse the weights are when a share of the pruning events is done.

    Args:
        ramp: ``cubic`` removes most in the first events, ``one_shot`` all in the first.
        sparsity: Share of weights that are zero in the end.
        progress: Share of the events that are done, above 0 and up to 1.

    Returns:
        A share between 0 and ``sparsity``; ``sparsity`` itself at the last event.

    References:
        Zhu and Gupta (2017), section 3, equation 1, for the cubic ramp.

    Example:
        >>> [round(sparsity_at("cubic", 0.64, event / 4), 2) for event in (1, 2, 3, 4)]
        [0.37, 0.56, 0.63, 0.64]
    """
    if ramp == "one_shot" or progress >= 1:
        return sparsity
    return sparsity * (progress if ramp == "linear" else 1 - (1 - progress) ** 3)
