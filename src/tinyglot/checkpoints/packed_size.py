"""What packing saves: bytes before and after, and the density of each kind of tensor."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from tinyglot.checkpoints.tensor_file import Stored

KINDS = ("embeddings", "matrices", "vectors", "whole numbers")
_MIB = 2**20


class StoredSize(NamedTuple):
    """A tensor before and after packing.

    Attributes:
        dense: As it was.
        num_kept: Values with any bit set.
        num_negative_zeros: Those of them that are ``-0.0``.
        packed_bytes: What it takes now, headers not counted; 0 if it is stored under another name.
    """

    dense: Stored
    num_kept: int
    num_negative_zeros: int
    packed_bytes: int


@dataclass(frozen=True)
class KindSize:
    """All tensors of one kind.

    Attributes:
        kind: One of ``KINDS``; embeddings are the tensors with a vocabulary axis.
        num_tensors: How many.
        num_weights: Their values.
        num_kept: Values with any bit set.
        num_negative_zeros: Those of them that are ``-0.0``.
        size_bytes: Before, headers not counted.
        packed_size_bytes: After.
    """

    kind: str
    num_tensors: int
    num_weights: int
    num_kept: int
    num_negative_zeros: int
    size_bytes: int
    packed_size_bytes: int

    @property
    def density(self) -> float:
        """Fraction of the values that are kept; 1 where there are none."""
        return self.num_kept / self.num_weights if self.num_weights else 1.0


@dataclass(frozen=True)
class PackedSize:
    """A checkpoint before and after packing.

    Attributes:
        size_bytes: Of the dense weight files.
        packed_size_bytes: Of the packed ones.
        kinds: Those that occur, in the order of ``KINDS``.
    """

    size_bytes: int
    packed_size_bytes: int
    kinds: tuple[KindSize, ...]

    @property
    def compression_ratio(self) -> float:
        """Dense bytes over packed bytes."""
        return self.size_bytes / self.packed_size_bytes

    @property
    def density(self) -> float:
        """Fraction of all values that are kept."""
        weights = sum(kind.num_weights for kind in self.kinds)
        return sum(kind.num_kept for kind in self.kinds) / weights if weights else 1.0

    @property
    def num_negative_zeros(self) -> int:
        """Values that are ``-0.0``, which are kept."""
        return sum(kind.num_negative_zeros for kind in self.kinds)

    def as_dict(self) -> dict[str, Any]:
        """Give the sizes as JSON values.

        Returns:
            One entry a field, with the ratio and the densities.
        """
        kinds = [{**asdict(kind), "density": kind.density} for kind in self.kinds]
        whole = {"compression_ratio": self.compression_ratio, "density": self.density}
        return {"format": "sparse", **asdict(self), **whole, "kinds": kinds}

    def summary(self) -> str:
        """Say the sizes, a line for the whole and one for each kind of tensor.

        Returns:
            Such as ``sparse, 448.3 MiB to 60.0 MiB (7.5x smaller), density 10.0%``.
        """
        lines = [
            f"  {kind.kind}: {_change(kind.size_bytes, kind.packed_size_bytes)}, "
            f"density {kind.density:.1%} (n={kind.num_weights:,} weights)"
            for kind in self.kinds
        ]
        if self.num_negative_zeros:
            lines.append(f"  {self.num_negative_zeros:,} weights are -0.0 and were kept")
        return "\n".join(
            [
                f"sparse, {_change(self.size_bytes, self.packed_size_bytes)} "
                f"({self.compression_ratio:.1f}x smaller), density {self.density:.1%}",
                *lines,
            ]
        )


def _change(before: int, after: int) -> str:
    return f"{before / _MIB:.1f} MiB to {after / _MIB:.1f} MiB"


def packed_size(
    size_bytes: int,
    packed_size_bytes: int,
    tensors: Iterable[StoredSize],
    vocab_size: int | None,
) -> PackedSize:
    """Sum up by kind of tensor.

    Args:
        size_bytes: Of the dense weight files.
        packed_size_bytes: Of the packed ones.
        tensors: All tensors of all files.
        vocab_size: Length of the vocabulary axis, if the model has one.

    Returns:
        The sizes.
    """
    by_kind: dict[str, list[StoredSize]] = {kind: [] for kind in KINDS}
    for tensor in tensors:
        by_kind[_kind(tensor.dense, vocab_size)].append(tensor)
    kinds = (_kind_size(kind, found) for kind, found in by_kind.items() if found)
    return PackedSize(size_bytes, packed_size_bytes, tuple(kinds))


def _kind(tensor: Stored, vocab_size: int | None) -> str:
    if not tensor.is_float:
        return "whole numbers"
    if vocab_size in tensor.shape:
        return "embeddings"
    return "matrices" if len(tensor.shape) > 1 else "vectors"


def _kind_size(kind: str, tensors: Sequence[StoredSize]) -> KindSize:
    return KindSize(
        kind=kind,
        num_tensors=len(tensors),
        num_weights=sum(one.dense.num_values for one in tensors),
        num_kept=sum(one.num_kept for one in tensors),
        num_negative_zeros=sum(one.num_negative_zeros for one in tensors),
        size_bytes=sum(one.dense.num_bytes for one in tensors),
        packed_size_bytes=sum(one.packed_bytes for one in tensors),
    )
