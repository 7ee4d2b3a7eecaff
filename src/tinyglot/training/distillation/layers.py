"""Which layer of a teacher a layer of the student is held against."""

from collections.abc import Sequence
from typing import Literal

from tinyglot.errors import LayerRangeError

LayerStrategy = Literal["block", "stride", "last", "first", "first_last"]
LayerPair = tuple[int, int]
LayerMapping = LayerStrategy | tuple[LayerPair, ...]


def map_layers(mapping: LayerMapping, num_student: int, num_teacher: int) -> tuple[LayerPair, ...]:
    """Pair layers of the student with layers of the teacher.

    Layers count from 0, the embeddings not among them. ``block`` gives the last layer of each
    block of the teacher, so the last layer goes with the last; the others are the layers that a
    step of layer dropping keeps by the same name.

    Args:
        mapping: A strategy for all layers of the student, or pairs of student and teacher.
        num_student: Layers of the student.
        num_teacher: Layers of the teacher.

    Returns:
        Pairs of student and teacher.

    Raises:
        LayerRangeError: If a layer is not there.

    References:
        Jiao et al. (2020), TinyBERT, section 3: the uniform mapping, here ``block``.

    Example:
        >>> map_layers("block", 3, 12)
        ((0, 3), (1, 7), (2, 11))
        >>> map_layers("stride", 3, 12)
        ((0, 0), (1, 4), (2, 8))
    """
    if isinstance(mapping, str):
        pairs = tuple(enumerate(_teacher_layers(mapping, num_student, num_teacher)))
    else:
        pairs = mapping
    check_layers("student", [student for student, _ in pairs], num_student)
    check_layers("teacher", [teacher for _, teacher in pairs], num_teacher)
    return pairs


def check_layers(whose: str, layers: Sequence[int], num_layers: int) -> None:
    """Refuse layers that a model does not have.

    Args:
        whose: Student or teacher.
        layers: Their indices.
        num_layers: How many the model has.

    Raises:
        LayerRangeError: If one is not there; names the first.
    """
    outside = [layer for layer in layers if not 0 <= layer < num_layers]
    if outside:
        raise LayerRangeError(
            f"Could not distil: {len(outside)} layer(s) are mapped outside the {whose}.",
            got=f"layer {outside[0]} of the {whose}",
            expected=f"layers in [0, {num_layers}), counted from 0 without the embeddings",
            fix="give layer_mapping as pairs [[student, teacher], ...] of layers that are there",
        )


def _teacher_layers(strategy: LayerStrategy, num_student: int, num_teacher: int) -> Sequence[int]:
    if strategy == "first":
        return range(num_student)
    if strategy == "last":
        return range(num_teacher - num_student, num_teacher)
    if strategy == "first_last":
        top = num_student // 2
        lower = range(num_student - top)
        return [*lower, *range(num_teacher - top, num_teacher)]
    if strategy == "stride":
        return [index * num_teacher // num_student for index in range(num_student)]
    return [(index + 1) * num_teacher // num_student - 1 for index in range(num_student)]
