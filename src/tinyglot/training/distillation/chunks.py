"""A sum over many rows that keeps the memory of a few, its gradients too."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

Total = tuple[Tensor, Tensor]


def sum_of_chunks(
    function: Callable[..., Total],
    rows: Sequence[Tensor],
    chunk_size: int,
    parameters: Sequence[Tensor] = (),
) -> Total:
    """Add what a function gives for a few rows at a time.

    Gradients are taken chunk by chunk at once, so nothing that the function computes for a chunk
    outlives it: not its logits, however long the batch. The function is called once a chunk; there
    is no second pass.

    Args:
        function: Gives, for some rows of each of ``rows``, a scalar that is differentiated and a
            vector that is not; both are added up.
        rows: Tensors of equal length in their first dimension, which may be 0.
        chunk_size: Rows at a time, at most.
        parameters: What else the function depends on and has gradients. An unused one has none.

    Returns:
        Both sums.
    """
    is_wanted = torch.is_grad_enabled()
    found = _SumOfChunks.apply(function, chunk_size, len(rows), is_wanted, *rows, *parameters)  # type: ignore[no-untyped-call]  # torch's
    return cast(Total, found)


class _SumOfChunks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401  (torch's)
        function: Callable[..., Total],
        chunk_size: int,
        num_rows: int,
        is_wanted: bool,  # noqa: FBT001  (torch passes them on by place)
        *tensors: Tensor,
    ) -> Total:
        rows, parameters = tensors[:num_rows], tensors[num_rows:]
        wanted = [is_wanted and needed for needed in ctx.needs_input_grad[4:]]
        gradients = [
            torch.zeros_like(tensor) if needed else None
            for tensor, needed in zip(tensors, wanted, strict=True)
        ]
        sums: Total | None = None
        for start in range(0, max(len(rows[0]), 1), chunk_size):  # no rows are one empty chunk
            chunk = slice(start, start + chunk_size)
            pieces = [
                row[chunk].detach().requires_grad_(needed)
                for row, needed in zip(rows, wanted[:num_rows], strict=True)
            ]
            with torch.set_grad_enabled(any(wanted)):
                total, others = function(*pieces)
            _add_gradients_(total, [*pieces, *parameters], gradients, (num_rows, chunk))
            sums = _added(sums, (total.detach(), others.detach()))
        ctx.gradients = gradients
        found = cast(Total, sums)
        ctx.mark_non_differentiable(found[1])
        return found

    @staticmethod
    def backward(ctx: Any, *factors: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401  (torch's)
        gradients = [None if each is None else each * factors[0] for each in ctx.gradients]
        return (None, None, None, None, *gradients)


def _added(sums: Total | None, more: Total) -> Total:
    return more if sums is None else (sums[0] + more[0], sums[1] + more[1])


def _add_gradients_(
    total: Tensor,
    sources: Sequence[Tensor],
    gradients: Sequence[Tensor | None],
    place: tuple[int, slice],
) -> None:
    """Add the gradients of a chunk: to its own rows, or to all of a parameter."""
    num_rows, chunk = place
    wanted = [index for index, gradient in enumerate(gradients) if gradient is not None]
    if not wanted or not total.requires_grad:
        return
    found = torch.autograd.grad(total, [sources[index] for index in wanted], allow_unused=True)
    for index, new in zip(wanted, found, strict=True):
        gradient = gradients[index]
        if new is not None and gradient is not None:
            target = gradient[chunk] if index < num_rows else gradient
            target.add_(new)
