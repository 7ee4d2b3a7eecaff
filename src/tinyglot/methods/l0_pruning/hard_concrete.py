"""The hard concrete distribution: gates between 0 and 1 that are often exactly 0 or exactly 1.

A gate has one learnt value, its log odds. Everything here is of one gate; tensors are of any shape.
"""

import math

import torch
from torch import Tensor

TEMPERATURE = 2 / 3
STRETCH_LOW, STRETCH_HIGH = -0.1, 1.1
#: log odds from which on a gate is open at least as often as it is closed
EVEN_LOG_ODDS = TEMPERATURE * math.log(-STRETCH_LOW / STRETCH_HIGH)
_SMALLEST = 1e-6


def sample_gates(log_odds: Tensor, uniform: Tensor) -> Tensor:
    """Draw gates.

    Args:
        log_odds: What is learnt.
        uniform: Noise from 0 to 1 of the same shape.

    Returns:
        Values from 0 to 1, with a gradient to ``log_odds`` where they are in between.

    References:
        Louizos, Welling, Kingma (2018), Learning Sparse Neural Networks through L0
        Regularization, section 2.2, equations 10 and 11.

    Notation:
        ``log_odds`` is log alpha, ``TEMPERATURE`` beta, ``STRETCH_LOW`` gamma, ``STRETCH_HIGH``
        zeta.
    """
    uniform = uniform.clamp(_SMALLEST, 1 - _SMALLEST)
    return _stretched(torch.sigmoid((torch.logit(uniform) + log_odds) / TEMPERATURE))


def expected_gates(log_odds: Tensor) -> Tensor:
    """Give the gates that are used where nothing is drawn.

    Args:
        log_odds: What was learnt.

    Returns:
        Values from 0 to 1.

    References:
        Louizos et al. (2018), equation 13.

    Example:
        >>> expected_gates(torch.tensor([-3.0, 0.0, 3.0]))
        tensor([0.0000, 0.5000, 1.0000])
    """
    return _stretched(torch.sigmoid(log_odds))


def open_probability(log_odds: Tensor) -> Tensor:
    """Say how likely a gate is not exactly 0.

    Args:
        log_odds: What is learnt.

    Returns:
        Probabilities, with a gradient.

    References:
        Louizos et al. (2018), equation 12.
    """
    return torch.sigmoid(log_odds - EVEN_LOG_ODDS)


def _stretched(gates: Tensor) -> Tensor:
    return (gates * (STRETCH_HIGH - STRETCH_LOW) + STRETCH_LOW).clamp(0.0, 1.0)
