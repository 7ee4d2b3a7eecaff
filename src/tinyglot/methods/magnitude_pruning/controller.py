"""Masks over weights: chosen at events, held in between, exact to the single weight."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tinyglot.errors import (
    NoEffectError,
    PruningMaskError,
    PruningScheduleError,
    TrainingDivergedError,
)
from tinyglot.methods.magnitude_pruning.matrices import Matrix, groups
from tinyglot.methods.magnitude_pruning.options import PruningOptions
from tinyglot.methods.magnitude_pruning.selection import REMOVED, Selection, allocate, select

State = dict[str, Any]


class MaskController:
    """Removes the smallest weights of some matrices, and keeps what is removed at zero.

    A mask is boolean, True = keep. It is no part of the model: removed weights are exact zeros in
    the parameters themselves.

    Args:
        matrices: What counts.
        options: Scope, target and regrowth.
        frozen: By a matrix's name, magnitudes of further weights of it that are not trained,
            increasing: they count, but somebody else holds them.
    """

    def __init__(
        self,
        matrices: Sequence[Matrix],
        options: PruningOptions,
        frozen: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.matrices = tuple(matrices)
        self._options = options
        self._frozen = dict(frozen or {})
        #: by a matrix's name, how many of these are removed: the smallest ones
        self.num_frozen_removed = dict.fromkeys(self._frozen, 0)
        #: by a matrix's name, its mask; empty before the first event
        self.keep: dict[str, Tensor] = {}
        #: groups with as many zeros as wanted before anything was removed: more may stay there
        self.reached: tuple[str, ...] = ()
        self._is_held: bool | None = None  # none before the first event
        self._held: list[tuple[Matrix, Tensor]] = []

    # --- counts --------------------------------------------------------------------------------

    @property
    def num_weights(self) -> int:
        """Weights that count, frozen ones included."""
        return sum(map(self._size, self.matrices))

    @property
    def num_removed(self) -> int:
        """Weights that are removed now, frozen ones included."""
        trained = sum(keep.numel() - int(keep.count_nonzero()) for keep in self.keep.values())
        return trained + sum(self.num_frozen_removed.values())

    def targets(self, sparsity: float) -> dict[str, int]:
        """Say how many weights of each group a sparsity removes.

        Args:
            sparsity: Share of all weights that count.

        Returns:
            Counts by group; their sum is the share, rounded to a whole weight.
        """
        sizes = {
            name: sum(map(self._size, members))
            for name, members in groups(self.matrices, self._options.scope)
        }
        total = round(sparsity * sum(sizes.values()))
        return dict(zip(sizes, allocate(list(sizes.values()), total), strict=True))

    def check_target(self) -> None:
        """Make sure that the target is above what is zero already.

        Raises:
            NoEffectError: If every group has as many zeros as it is to have, or all of them
                together have more.
        """
        if self._options.allow_no_effect:
            return
        targets = self.targets(self._options.sparsity)
        zeros, target = sum(map(self._num_zeros, self.matrices)), sum(targets.values())
        if zeros > target or len(self._reached_groups(targets)) == len(targets):
            raise _reached(zeros, target, self.num_weights)

    def _reached_groups(self, targets: Mapping[str, int]) -> tuple[str, ...]:
        return tuple(
            name
            for name, members in groups(self.matrices, self._options.scope)
            if sum(map(self._num_zeros, members)) >= targets[name]
        )

    def _size(self, matrix: Matrix) -> int:
        return matrix.parameter.numel() + len(self._frozen.get(matrix.name, ()))

    def _num_zeros(self, matrix: Matrix) -> int:
        frozen = self._frozen.get(matrix.name)
        others = 0 if frozen is None else int(torch.searchsorted(frozen, 0.0, right=True))
        return int((matrix.parameter == 0).sum()) + others

    # --- events --------------------------------------------------------------------------------

    def prune(self, sparsity: float, optimizer: Any = None, *, is_last: bool = True) -> None:  # noqa: ANN401
        """Remove the smallest weights, and forget what the optimizer remembers of them.

        What was removed before is removed again, unless regrowth is asked for.

        Args:
            sparsity: Share of all weights that count, to the single weight.
            optimizer: Its state of the removed weights becomes zero; default: there is none.
            is_last: Hold the masks from now on even if regrowth is asked for.

        Raises:
            PruningMaskError: If removed weights are not zero any more.
            PruningScheduleError: If more are removed than asked for.
            TrainingDivergedError: If weights are no numbers.
        """
        self.check_zeros()
        targets = self.targets(sparsity)
        _check_not_fewer(self.num_removed, sum(targets.values()))
        if self._is_held is None:
            self.reached = self._reached_groups(self.targets(self._options.sparsity))
        for name, members in groups(self.matrices, self._options.scope):
            self._choose(members, targets[name])
        for matrix in self.matrices:
            _zero_removed(matrix, self.keep[matrix.name], optimizer)
        self._hold(is_held=is_last or not self._options.regrowth)

    @torch.no_grad()
    def _choose(self, members: Sequence[Matrix], num_removed: int) -> None:
        frozen_name = next((m.name for m in members if m.name in self._frozen), "")
        again = 0 if self._options.regrowth else self.num_frozen_removed.get(frozen_name, 0)
        magnitudes = torch.cat([self._magnitudes(matrix) for matrix in members])
        chosen: Selection = select(magnitudes, num_removed, self._frozen.get(frozen_name), again)
        parts = chosen.keep.split([matrix.parameter.numel() for matrix in members])
        for matrix, part in zip(members, parts, strict=True):
            self.keep[matrix.name] = part.view(matrix.parameter.shape).clone()
        if frozen_name:
            self.num_frozen_removed[frozen_name] = chosen.num_frozen_removed

    def _magnitudes(self, matrix: Matrix) -> Tensor:
        magnitudes = matrix.parameter.detach().abs().float()
        if matrix.name in self.keep and not self._options.regrowth:
            magnitudes = magnitudes.masked_fill(~self.keep[matrix.name], REMOVED)
        return magnitudes.flatten()

    # --- between events ------------------------------------------------------------------------

    def _hold(self, *, is_held: bool) -> None:
        self._is_held = is_held
        self._held = [
            (matrix, self.keep[matrix.name].to(matrix.parameter.dtype))
            for matrix in self.matrices
            if is_held and not self.keep[matrix.name].all()
        ]

    def hold_gradients(self) -> None:
        """Take the gradients off removed weights, so that these and their moments stay zero.

        Cost:
            One multiplication for each weight of the matrices. (Filling by a boolean mask takes
            nine times as long on a CPU.)
        """
        for matrix, factor in self._held:
            if matrix.parameter.grad is not None:
                matrix.parameter.grad.mul_(factor)

    def check_zeros(self) -> None:
        """Make sure that what is removed and held is exactly zero.

        Raises:
            PruningMaskError: If a weight is not.
            TrainingDivergedError: If a weight is no number.
        """
        for matrix, _ in self._held:
            removed = matrix.parameter.detach()[~self.keep[matrix.name]]
            moved = int(removed.count_nonzero())
            if moved and removed.isnan().any():
                raise _no_numbers(matrix.name, int(removed.isnan().sum()))
            if moved:
                raise _moved(matrix.name, moved)

    @torch.no_grad()
    def finish(self) -> int:
        """Make sure, after the training, that the zeros are those that were removed.

        A weight that stays and happens to be exactly zero when the training ends, as one in many
        millions may, becomes the smallest normal number; but not in a group that had enough
        zeros before anything was removed.

        Returns:
            How many weights did.

        Raises:
            PruningMaskError: If a removed weight is not zero.
            TrainingDivergedError: If a removed weight is no number.
        """
        self.check_zeros()
        count = 0
        for matrix in self.matrices:
            if matrix.group(self._options.scope) in self.reached or not self.keep:
                continue
            stray = (matrix.parameter == 0) & self.keep[matrix.name]
            matrix.parameter[stray] = torch.finfo(matrix.parameter.dtype).tiny
            count += int(stray.count_nonzero())
        return count

    # --- resume --------------------------------------------------------------------------------

    def digest(self) -> str:
        """Condense masks to a short text that differs when they do.

        Returns:
            Eight hexadecimal digits.
        """
        value = zlib.crc32(repr(sorted(self.num_frozen_removed.items())).encode())
        for matrix in self.matrices if self.keep else ():  # in one order, however they were found
            keep = self.keep[matrix.name]
            value = zlib.crc32(np.packbits(keep.cpu().numpy()).tobytes(), value)
        return f"{value:08x}"

    def state(self) -> State:
        """Say what the weights do not: which of their zeros are not removed.

        Returns:
            JSON values that ``restore`` takes.
        """
        if self._is_held is None:
            return {}
        others = {
            matrix.name: (matrix.parameter.detach() == 0) & self.keep[matrix.name]
            for matrix in (self.matrices if self._is_held else ())
        }
        return {
            "is_held": self._is_held,
            "masks": self.digest() if self._is_held else "",
            "reached": list(self.reached),
            "num_frozen_removed": dict(self.num_frozen_removed),
            "zeros_that_stay": {
                name: _packed(zeros) for name, zeros in others.items() if zeros.any()
            },
        }

    def restore(self, state: State) -> None:
        """Find the masks again in the zeros of the weights.

        Args:
            state: What ``state`` gave when these weights were saved.

        Raises:
            PruningMaskError: If the masks are not those that were saved.
        """
        self.num_frozen_removed = dict(state["num_frozen_removed"])
        self.reached = tuple(state.get("reached", ()))
        self._is_held = bool(state["is_held"])
        if not self._is_held:  # the next event chooses anew, among all weights
            return
        for matrix in self.matrices:
            keep = matrix.parameter.detach() != 0
            places = _unpacked(state["zeros_that_stay"].get(matrix.name, ""))
            keep.view(-1)[places.to(keep.device)] = True
            self.keep[matrix.name] = keep
        if self.digest() != state["masks"]:
            raise _other_masks(self.digest(), state["masks"])
        self._hold(is_held=True)


@torch.no_grad()
def _zero_removed(matrix: Matrix, keep: Tensor, optimizer: Any) -> None:  # noqa: ANN401
    removed = ~keep
    matrix.parameter.masked_fill_(removed, 0.0)
    moments = optimizer.state.get(matrix.parameter, {}) if optimizer is not None else {}
    for value in moments.values():
        if isinstance(value, Tensor) and value.shape == keep.shape:
            value.masked_fill_(removed, 0)


def _packed(zeros: Tensor) -> str:
    places = zeros.flatten().nonzero().flatten().cpu().numpy().astype("<i8")
    steps = np.diff(places, prepend=0).astype("<i8")
    return base64.b64encode(zlib.compress(steps.tobytes())).decode("ascii")


def _unpacked(text: str) -> Tensor:
    steps = zlib.decompress(base64.b64decode(text)) if text else b""
    return torch.from_numpy(np.cumsum(np.frombuffer(steps, "<i8"), dtype=np.int64))


# --- errors --------------------------------------------------------------------------------------


def _check_not_fewer(num_removed: int, target: int) -> None:
    if target < num_removed:
        raise PruningScheduleError(
            "Could not prune: more weights are removed than there are to be.",
            got=f"{target:,} weights to remove, where {num_removed:,} are removed",
            expected=f"at least {num_removed:,}",
            fix="give each removal a sparsity that is no lower than that of the one before",
        )


def _reached(zeros: int, target: int, size: int) -> NoEffectError:
    return NoEffectError(
        "Could not prune: the model has that many zeros already.",
        got=f"sparsity {target / size:.4g} ({target:,} zeros) for the weights that count, which "
        f"have {zeros:,} zeros among {size:,} weights",
        expected=f"a sparsity above {zeros / size:.4g}",
        fix="give a higher sparsity, or allow_no_effect: true for a control run",
    )


def _moved(name: str, count: int) -> PruningMaskError:
    return PruningMaskError(
        "Could not keep removed weights at zero: something moves them without a gradient.",
        got=f"{count:,} removed weights of {name} that are not zero",
        expected="0",
        fix="use an optimizer that leaves a weight alone whose gradient and state are zero, such "
        "as AdamW or SGD",
    )


def _no_numbers(name: str, count: int) -> TrainingDivergedError:
    return TrainingDivergedError(
        "Could not go on with the pruning: the training diverged, so weights are no numbers.",
        got=f"{count:,} removed weights of {name} that are NaN",
        expected="finite gradients in every step",
        fix="lower learning_rate, clip gradients (gradient_clip, max_grad_norm), or use precision: "
        "fp32",
    )


def _other_masks(found: str, saved: str) -> PruningMaskError:
    return PruningMaskError(
        "Could not resume: the zeros of the checkpoint are not those that were saved.",
        got=f"masks {found}",
        expected=f"masks {saved}",
        fix="resume from a checkpoint whose weights are as training left them, in full precision",
    )
