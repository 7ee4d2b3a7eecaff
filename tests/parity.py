"""The one way tests compare tensors; it refuses comparisons that could not fail."""

import numpy as np
import torch

MAX_ATOL_SHARE = 0.01


def assert_parity(actual, expected, atol: float = 0.0) -> None:
    """Compare element by element, after refusing a comparison that proves nothing.

    Refused: nothing to compare, another shape, a reference that is not finite, and a tolerance
    above one per cent of the reference's spread (max - min).
    """
    actual, expected = _as_tensor(actual), _as_tensor(expected)
    if actual.shape != expected.shape:
        raise AssertionError(
            f"shapes differ: {tuple(actual.shape)}, expected {tuple(expected.shape)}"
        )
    if expected.numel() == 0:
        raise AssertionError("vacuous: nothing to compare (0 elements)")
    if not bool(torch.isfinite(expected).all()):
        raise AssertionError("vacuous: the reference is not finite")
    spread = float(expected.double().max() - expected.double().min())
    if atol > MAX_ATOL_SHARE * spread:
        raise AssertionError(f"vacuous: atol {atol:g} exceeds 1% of the spread {spread:g}")
    torch.testing.assert_close(actual, expected, rtol=0.0, atol=atol)


def _as_tensor(values) -> torch.Tensor:
    if isinstance(values, torch.Tensor):
        return values.detach().cpu()
    return torch.as_tensor(np.asarray(values))
