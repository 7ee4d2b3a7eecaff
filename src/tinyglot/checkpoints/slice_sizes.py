"""Which of the trained sizes of an elastic checkpoint a slice gets."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tinyglot.architectures import Axes, EncoderView, tensor_axes
from tinyglot.checkpoints.elastic import AXES, Elastic
from tinyglot.errors import NoEffectError, SizeNotTrainedError
from tinyglot.surgery import SubnetworkShape

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?) *([kKMG]?)(i?)(B?)")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3}
#: what the header of a file takes for each tensor beside its name, at most, and for itself
_HEADER_BYTES_A_TENSOR, _HEADER_BYTES = 128, 256


def parse_quantity(text: str) -> int:
    """Read a number with a unit.

    Args:
        text: Such as ``12M``, ``8MB`` or ``7.5MiB``.

    Returns:
        How many parameters or bytes these are, rounded down.

    Raises:
        SizeNotTrainedError: If it is no number.

    Example:
        >>> parse_quantity("12M"), parse_quantity("8MiB")
        (12000000, 8388608)
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or (match[3] and not match[2]):
        raise SizeNotTrainedError(
            "Could not slice the checkpoint: the limit is no number.",
            got=text,
            expected="a number with k, M or G behind it; for bytes also kB, MB, MiB",
            fix="--max-parameters 12M, or --max-bytes 8MB",
        )
    base = 1024 if match[3] else 1000
    return math.floor(float(match[1]) * math.pow(base, _POWERS[match[2]]))


@dataclass(frozen=True)
class Request:
    """What a slice is to be.

    Attributes:
        sizes: By axis (``layers``, ``heads``, ``ffn``); what is left out is chosen: the largest, or
            what fits.
        language: Whose rows of the embedding stay; ``None`` for all rows.
        vocabulary_size: Most rows, if a language is given.
        max_parameters: Values in distinct parameters, at most.
        max_bytes: Of the weight file, at most.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    language: str | None = None
    vocabulary_size: int | None = None
    max_parameters: int | None = None
    max_bytes: int | None = None

    @property
    def has_wish(self) -> bool:
        """Whether anything is asked for."""
        limits = (self.language, self.max_parameters, self.max_bytes)
        return bool(self.sizes) or any(limit is not None for limit in limits)

    def check(self, elastic: Elastic) -> None:
        """Refuse sizes that were not trained, and a slice that would be all of the checkpoint.

        Args:
            elastic: What was trained.

        Raises:
            SizeNotTrainedError: If there is no such size.
            NoEffectError: If nothing is asked for.
        """
        elastic.check(self.sizes)
        if not self.has_wish:
            raise NoEffectError(
                "Could not slice the checkpoint: nothing was asked for.",
                got="no size, no language and no limit",
                expected="; ".join(
                    f"--{axis}: {', '.join(map(str, sizes))}"
                    for axis, sizes in elastic.sizes().items()
                ),
                fix=f"--layers {elastic.layers[-1]}, or --max-parameters 12M",
            )
        if self.vocabulary_size is not None and self.language is None:
            raise SizeNotTrainedError(
                "Could not slice the checkpoint: the vocabulary of which language?",
                got=f"--vocabulary-size {self.vocabulary_size}",
                expected="a language too",
                fix=f"--vocabulary-language {next(iter(elastic.vocabulary), 'swh-Latn')}",
            )


class Weight(NamedTuple):
    """How large a slice is.

    Attributes:
        num_parameters: Values in distinct parameters.
        num_bytes: Of the weight file; a little more than it will be.
        num_inner_parameters: Of the values, those outside vocabulary tensors.
    """

    num_parameters: int
    num_bytes: int
    num_inner_parameters: int


class Scale:
    """Says how large a slice of some shape is, without making it.

    Args:
        encoder: The view of the whole model, which may be without values.
        stored: Bytes of a value of each tensor that is stored, by name.
        num_rows: Rows of the embedding that stay.
    """

    def __init__(self, encoder: EncoderView, stored: Mapping[str, int], num_rows: int) -> None:
        tensors = encoder.named_tensors()
        axes = tensor_axes(encoder)
        vocabulary = dict(encoder.vocabulary_tensors())
        self._encoder = encoder
        self._tensors = [
            (_layer_of(name, encoder), _dims(tuple(tensors[name].shape), axes.get(name, ())), size)
            for name, size in stored.items()
            if name not in vocabulary and name in tensors
        ]
        self._num_inner = len(self._tensors)
        self._tensors += [
            (None, [num_rows, *_dims(tuple(tensors[name].shape), axes[name])[1:]], stored[name])
            for name in vocabulary
            if name in stored
        ]
        self._header = _HEADER_BYTES + sum(len(n) + _HEADER_BYTES_A_TENSOR for n in stored)
        self._embedding_size = encoder.embedding_size

    def weigh(self, shape: SubnetworkShape) -> Weight:
        """Count.

        Args:
            shape: Of the slice.

        Returns:
            Parameters, bytes, and parameters outside the vocabulary.
        """
        hidden = shape.num_heads * self._encoder.head_dim
        lengths = {"heads": hidden, "hidden": hidden, "ffn": shape.ffn_size}
        lengths["embedding"] = self._embedding_size
        values = num_bytes = inner = 0
        for place, (layer, dims, item_size) in enumerate(self._tensors):
            if layer is None or layer in shape.layers:
                count = math.prod(
                    dim if isinstance(dim, int) else lengths[dim[0]] * dim[1] for dim in dims
                )
                values, num_bytes = values + count, num_bytes + count * item_size
                inner += count if place < self._num_inner else 0
        return Weight(values, num_bytes + self._header, inner)


def choose_shape(elastic: Elastic, request: Request, scale: Scale) -> SubnetworkShape:
    """Choose the trained size with the most parameters outside the embedding within the limits.

    The embedding grows with the width alone; counted, it would prefer few wide layers.

    Args:
        elastic: What was trained.
        request: What is asked for.
        scale: Says how large a shape is.

    Returns:
        Of equally large ones the one with more layers, then with more heads.

    Raises:
        SizeNotTrainedError: If not even the smallest is within the limits; says how large it is.
    """
    shapes = list(_candidates(elastic, request.sizes))
    if request.max_parameters is None and request.max_bytes is None:
        return shapes[0]
    weights = [scale.weigh(shape) for shape in shapes]
    limits = (_limit(request.max_parameters), _limit(request.max_bytes))
    fitting = [
        place
        for place, weight in enumerate(weights)
        if weight.num_parameters <= limits[0] and weight.num_bytes <= limits[1]
    ]
    if not fitting:
        raise _too_large(min(weights), request)
    return shapes[max(fitting, key=lambda place: (weights[place].num_inner_parameters, -place))]


def _limit(given: int | None) -> float:
    return math.inf if given is None else given


def _candidates(elastic: Elastic, fixed: Mapping[str, int]) -> Iterator[SubnetworkShape]:
    sizes = [(fixed[axis],) if axis in fixed else getattr(elastic, axis) for axis in AXES]
    for combination in itertools.product(*sizes):
        yield elastic.shape(*combination)


def _layer_of(name: str, encoder: EncoderView) -> int | None:
    match = re.search(rf"(?:^|\.){re.escape(encoder.layers_path)}\.(\d+)\.", name)
    return int(match[1]) if match else None


def _dims(lengths: tuple[int, ...], axes: Axes) -> list[int | tuple[str, int]]:
    return [
        length if axis is None else (axis.kind, axis.blocks)
        for length, axis in zip(lengths, axes or (None,) * len(lengths), strict=True)
    ]


def _too_large(smallest: Weight, request: Request) -> SizeNotTrainedError:
    limits = {"--max-parameters": request.max_parameters, "--max-bytes": request.max_bytes}
    return SizeNotTrainedError(
        "Could not slice the checkpoint: no trained size is that small.",
        got=", ".join(f"{name} {limit:,}" for name, limit in limits.items() if limit is not None),
        expected=f"at least {smallest.num_parameters:,} parameters, {smallest.num_bytes:,} bytes",
        fix="allow more, give a --vocabulary-size, or train smaller sizes"
        if request.language
        else "allow more, or give a --vocabulary-language: the embedding is most of a small model",
    )
