"""How far a student is from its teacher, as plain functions of tensors."""

import torch
from torch import Tensor, nn

from tinyglot.tasks import IGNORED_LABEL

_NEVER = -1e9  # a score whose softmax is 0, and whose logarithm is finite


def exact(values: Tensor) -> Tensor:
    """Give values in float32 at least.

    Args:
        values: Of any floating type.

    Returns:
        The same in float64 if they were, else in float32.
    """
    return values if values.dtype == torch.float64 else values.float()


def masked_lm_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """Add the cross-entropies of labelled positions.

    Args:
        logits: Shape (positions, vocab).
        labels: Token ids; -100 counts for nothing.

    Returns:
        A scalar.
    """
    return nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED_LABEL, reduction="sum")


def squared_distance_sum(student: Tensor, teacher: Tensor) -> Tensor:
    """Add the squared differences of each position, averaged over its channels.

    Args:
        student: Shape (positions, channels).
        teacher: Of the same shape.

    Returns:
        A scalar.
    """
    return (student - teacher).square().mean(dim=-1).sum()


def divergence_sum(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Add each position's divergence from what the teacher predicts, times the squared temperature.

    Args:
        student: Logits of shape (positions, vocab).
        teacher: Of the same shape.
        temperature: Divides both.

    Returns:
        A scalar, 0 where both are equal, else above it.

    Notation:
        T^2 KL(softmax(t / T) || softmax(s / T)).

    References:
        Hinton et al. (2015), arXiv 1503.02531, section 2.
    """
    log_student, log_teacher = (
        (logits / temperature).log_softmax(dim=-1) for logits in (student, teacher)
    )
    total = nn.functional.kl_div(log_student, log_teacher, reduction="sum", log_target=True)
    return total * temperature**2


def relation_divergence_sum(
    student: Tensor, teacher: Tensor, mask: Tensor, num_heads: int
) -> Tensor:
    """Add each token's divergence from the teacher's relations, averaged over relation heads.

    A relation is a softmax over the tokens of a sequence of the scaled products of a token's
    vector with theirs. Padding has no relations and is in none.

    Args:
        student: Queries, keys or values, of shape (batch, seq, channels).
        teacher: The same of the teacher, whose number of channels may be another.
        mask: True where there is a token, of shape (batch, seq).
        num_heads: Groups of channels, a divisor of both numbers.

    Returns:
        A scalar, 0 where the relations are equal, else above it.

    Notation:
        Of MiniLMv2, equations 3 to 6: R = softmax(A A^T / sqrt(d_r)), A the part of a relation
        head; KL(R_teacher || R_student).

    References:
        Wang et al. (2021), MiniLMv2, arXiv 2012.15828, section 3.
    """
    log_student, log_teacher = (
        _log_relations(vectors, mask, num_heads) for vectors in (student, teacher)
    )
    divergence = log_teacher.exp() * (log_teacher - log_student)
    rows = divergence.sum(dim=-1).mean(dim=1)
    total: Tensor = rows.masked_fill(~mask, 0.0).sum()
    return total


def _log_relations(vectors: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    heads: Tensor = exact(vectors).unflatten(-1, (num_heads, -1)).transpose(1, 2)
    scores: Tensor = heads @ heads.transpose(-1, -2) / heads.shape[-1] ** 0.5
    return scores.masked_fill(~mask[:, None, None, :], _NEVER).log_softmax(dim=-1)
