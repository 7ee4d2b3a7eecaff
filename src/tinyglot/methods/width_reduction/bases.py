"""Which combinations of the old channels the new ones are."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tinyglot.methods.width_reduction.statistics import HeadMoments
from tinyglot.surgery import HeadMaps


def selection(channels: Sequence[int], hidden_size: int) -> Tensor:
    """Make the projection that keeps some channels.

    Args:
        channels: Those that stay, in their new order.
        hidden_size: Channels that there are.

    Returns:
        Ones and zeros, (kept, hidden), in float64.

    Example:
        >>> selection([2, 0], 3)
        tensor([[0., 0., 1.],
                [1., 0., 0.]], dtype=torch.float64)
    """
    return torch.eye(hidden_size, dtype=torch.float64)[list(channels)]


def pca_projection(moments: Tensor, width: int) -> tuple[Tensor, float]:
    """Make the projection onto the directions in which the residual stream has most energy.

    A norm subtracts the mean over the channels. So the directions are chosen among those of mean
    zero, and the all-ones vector is kept beside them and becomes the new one: the projection of a
    centred state is the centred projection. Within the space that is kept any rotation would do;
    the one is taken that brings the new channels nearest to single old ones (Procrustes), because
    the gains of norms can follow only those. At full width it is the identity.

    Args:
        moments: Of `stream_moments`, (hidden, hidden).
        width: Channels that stay.

    Returns:
        The projection (width, hidden) with orthonormal rows, in float64; and the share of the
        energy that it keeps.

    Notation:
        R = U P' + 1 1' / sqrt(h H): P are the h - 1 leading eigenvectors, U is an orthonormal
        basis of the vectors of mean zero in h dimensions.
    """
    hidden = len(moments)
    ones = torch.ones(hidden, dtype=torch.float64) / math.sqrt(hidden)
    centre = torch.eye(hidden, dtype=torch.float64) - torch.outer(ones, ones)
    # what has mean zero comes before the all-ones vector, whatever its energy is
    within = centre @ moments @ centre - torch.outer(ones, ones)
    values, vectors = torch.linalg.eigh(within)
    leading = vectors[:, 1:].flip(1)[:, : width - 1]
    kept = float(values[1:].flip(0)[: width - 1].sum() / moments.trace())
    nearest = (leading.square().sum(1)).topk(width).indices.sort().values
    within_new = _mean_zero_basis(width)
    left, _, right = torch.linalg.svd(within_new.T @ leading[nearest])
    mean = torch.full((width, hidden), 1 / math.sqrt(width * hidden), dtype=torch.float64)
    return within_new @ left @ right @ leading.T + mean, min(1.0, kept)


def _mean_zero_basis(width: int) -> Tensor:
    """Give an orthonormal basis of the vectors of mean zero, (width, width - 1)."""
    one_first = torch.eye(width, dtype=torch.float64)
    one_first[:, 0] = 1.0
    basis: Tensor = torch.linalg.qr(one_first).Q
    return basis[:, 1:]


def head_maps(moments: HeadMoments, outputs: Tensor, head_dim: int) -> HeadMaps:
    """Find the fewer channels of each head that keep most of what it computes.

    Products of queries and keys are kept with the least squared error over independent queries
    and keys of these moments, and what the head adds to the stream with the least squared error
    over its results: of both the singular values say what is left.

    Args:
        moments: Of one layer.
        outputs: What the heads' channels become, (hidden, heads x size).
        head_dim: Channels of a head that stay.

    Returns:
        The maps.

    Notation:
        With A = E[q q'] and B = E[k k'] of a head and U S V' = A^1/2 B^1/2, q becomes
        S^1/2 U' A^-1/2 q and k becomes S^1/2 V' B^-1/2 k, first rows only. With C of its results
        and U S V' = W C^1/2, z becomes V' C^-1/2 z, and W becomes U S.
    """
    query_root, query_inverse = _roots(moments.queries)
    key_root, key_inverse = _roots(moments.keys)
    left, sizes, right = torch.linalg.svd(query_root @ key_root)
    scale = sizes[:, :head_dim, None].sqrt()
    heads, size = moments.results.shape[:2]
    result_root, result_inverse = _roots(moments.results)
    weights = outputs.double().cpu().unflatten(1, (heads, size)).transpose(0, 1)
    _, _, of = torch.linalg.svd(weights @ result_root, full_matrices=False)
    values = of[:, :head_dim] @ result_inverse
    return HeadMaps(
        queries=scale * left.mT[:, :head_dim] @ query_inverse,
        keys=scale * right[:, :head_dim] @ key_inverse,
        values=values,
        outputs=result_root @ of[:, :head_dim].mT,
    )


def _roots(moments: Tensor) -> tuple[Tensor, Tensor]:
    """Give the square roots of matrices (heads, size, size), and their inverses."""
    values, vectors = torch.linalg.eigh(moments)
    values = values.clamp(min=1e-10 * values.amax(-1, keepdim=True))
    root = vectors * values.sqrt()[:, None] @ vectors.mT
    return root, vectors * values.rsqrt()[:, None] @ vectors.mT
