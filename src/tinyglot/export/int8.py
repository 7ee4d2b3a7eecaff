"""Weights in 8 bits: tables by row, matrices by output channel, activations by token."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyglot.measure.size import SCALE_SUFFIX

if TYPE_CHECKING:
    import onnx_ir

SCHEME = (
    "weights symmetric per output channel in [-63, 63], embedding tables per row, "
    "activations symmetric per token in 8 bits"
)
# 255 * 63 * 2 fits 16 bits: processors that add two products in 16 bits never saturate.
_WEIGHT_LIMIT = 63
_ACTIVATION_LIMIT = 127
_ZERO_POINT = 128
_SMALLEST_RANGE = 1e-9
_SMALLEST_WEIGHT = 1e-30
_MIN_ROWS = 16
_MIN_CHANNELS = 16


class Quantized(NamedTuple):
    """Whole numbers and what one of them is worth.

    Attributes:
        values: In ``[-63, 63]``.
        scale: One number for each slice along the channel axis.
    """

    values: NDArray[np.int8]
    scale: NDArray[np.float32]


def quantize_weight(weight: NDArray[np.float32], channel_axis: int) -> Quantized:
    """Round a matrix to 7 bits and a sign, each channel with its own scale.

    Every value is off by at most half its channel's scale. A channel of zeros stays zero.

    Args:
        weight: A matrix of finite numbers.
        channel_axis: The axis along which the scale may differ, 0 or 1.

    Returns:
        The rounded matrix, of the same shape, and one scale a channel.

    Example:
        >>> import numpy as np
        >>> quantized = quantize_weight(np.array([[63.0, 1.0], [-6.3, 0.0]], np.float32), 0)
        >>> quantized.values
        array([[ 63,   1],
               [-63,   0]], dtype=int8)
        >>> quantized.scale
        array([1. , 0.1], dtype=float32)
    """
    axis = 1 - channel_axis
    # in place: the table of a multilingual model is hundreds of megabytes
    largest = np.maximum(weight.max(axis, keepdims=True), -weight.min(axis, keepdims=True))
    scale = np.where(largest > _SMALLEST_WEIGHT, largest / _WEIGHT_LIMIT, 1).astype(np.float32)
    rounded = weight / scale
    np.rint(rounded, out=rounded)
    np.clip(rounded, -_WEIGHT_LIMIT, _WEIGHT_LIMIT, out=rounded)
    return Quantized(rounded.astype(np.int8), scale.ravel())


def quantize_graph_(model: "onnx_ir.Model") -> None:
    """Replace the weights of every lookup and matrix product in a graph by 8-bit ones.

    Activations are rounded while the graph runs, each token by its own largest value, so that a
    sentence's result does not depend on the sentences beside it in the batch. Only standard ONNX
    operators are used. A table that is also an output matrix (tied embeddings) stays one tensor.
    Matrices with fewer than 16 output channels (classifiers) and tables with fewer than 16 rows
    stay as they are.

    Args:
        model: A graph in float32; changed.
    """
    from onnx_ir.passes.common import RemoveUnusedNodesPass

    rewriter = _Rewriter(model.graph)
    for node in list(model.graph):
        if node.op_type == "Gather":
            rewriter.rewrite_gather(node)
        elif node.op_type in ("MatMul", "Gemm"):
            rewriter.rewrite_product(node)
    RemoveUnusedNodesPass()(model)


class _Weight(NamedTuple):
    values: "onnx_ir.Value"
    scale: "onnx_ir.Value"


class _Rewriter:
    """One pass over a graph in topological order."""

    def __init__(self, graph: "onnx_ir.Graph") -> None:
        from onnx_ir.tape import Tape

        self._graph = graph
        self._new_tape = Tape
        self._weights: dict[tuple[str, int], _Weight] = {}
        self._activations: dict[onnx_ir.Value, _Weight] = {}

    # --- lookups ---

    def rewrite_gather(self, node: "onnx_ir.Node") -> None:
        table, ids = node.inputs
        if not _is_matrix(table) or node.attributes.get_int("axis", 0) != 0:
            return
        if table is None or int(_shape(table)[0]) < _MIN_ROWS:
            return
        weight = self._weight(table, channel_axis=0)
        tape = self._new_tape()
        rows = tape.op("Gather", [weight.values, ids], {"axis": 0})
        scale = tape.op("Gather", [weight.scale, ids], {"axis": 0})
        column = tape.op("Unsqueeze", [scale, self._constant("last_axis", np.array([-1]))])
        result = tape.op("Mul", [_cast(tape, rows), column])
        self._replace(node, tape, result)

    # --- products ---

    def rewrite_product(self, node: "onnx_ir.Node") -> None:
        x, matrix = node.inputs[:2]
        if x is None or matrix is None:
            return
        if node.op_type == "Gemm":
            self._rewrite_gemm(node, x, matrix)
        elif _is_matrix(matrix) and int(_shape(matrix)[1]) >= _MIN_CHANNELS:
            self._rewrite(node, x, self._weight(matrix, channel_axis=1))
        elif (table := _transposed_table(matrix)) is not None:
            self._rewrite_tied(node, x, table)

    def _rewrite_gemm(
        self, node: "onnx_ir.Node", x: "onnx_ir.Value", matrix: "onnx_ir.Value"
    ) -> None:
        get = node.attributes.get_int
        transposed = bool(get("transB", 0))
        plain = not get("transA", 0) and _is_one(node, "alpha") and _is_one(node, "beta")
        if not plain or not _is_matrix(matrix):
            return
        if int(_shape(matrix)[0 if transposed else 1]) < _MIN_CHANNELS:
            return
        bias = node.inputs[2] if len(node.inputs) > 2 else None
        weight = self._weight(matrix, channel_axis=0 if transposed else 1, transposed=transposed)
        self._rewrite(node, x, weight, bias)

    def _rewrite_tied(
        self, node: "onnx_ir.Node", x: "onnx_ir.Value", table: "onnx_ir.Value"
    ) -> None:
        weight = self._weight(table, channel_axis=0)
        tape = self._new_tape()
        columns = tape.op("Transpose", [weight.values], {"perm": [1, 0]})
        self._graph.insert_before(node, tape.nodes)
        self._rewrite(node, x, _Weight(columns, weight.scale))

    def _rewrite(
        self,
        node: "onnx_ir.Node",
        x: "onnx_ir.Value",
        weight: _Weight,
        bias: "onnx_ir.Value | None" = None,
    ) -> None:
        rounded = self._activation(node, x)
        tape = self._new_tape()
        zero_point = self._constant("zero_point", np.array(_ZERO_POINT, np.uint8))
        total = tape.op("MatMulInteger", [rounded.values, weight.values, zero_point])
        by_token = tape.op("Mul", [_cast(tape, total), rounded.scale])
        result = tape.op("Mul", [by_token, weight.scale])
        if bias is not None:
            result = tape.op("Add", [result, bias])
        self._replace(node, tape, result)

    def _activation(self, node: "onnx_ir.Node", x: "onnx_ir.Value") -> _Weight:
        """Round each token of ``x``; several products of the same ``x`` share the result."""
        if x not in self._activations:
            tape = self._new_tape()
            limit = self._constant("limit", np.array(_ACTIVATION_LIMIT, np.float32))
            floor = self._constant("smallest_range", np.array(_SMALLEST_RANGE, np.float32))
            shift = self._constant("shift", np.array(_ZERO_POINT + 0.5, np.float32))
            axis = self._constant("last_axis", np.array([-1]))
            largest = tape.op("ReduceMax", [tape.op("Abs", [x]), axis], {"keepdims": 1})
            largest = tape.op("Max", [largest, floor])
            scaled = tape.op("Mul", [x, tape.op("Div", [limit, largest])])
            # a cast cuts off; all values are positive here, so adding a half rounds them
            values = _cast(tape, tape.op("Add", [scaled, shift]), "UINT8")
            self._activations[x] = _Weight(values, tape.op("Div", [largest, limit]))
            self._graph.insert_before(node, tape.nodes)
        return self._activations[x]

    # --- tensors ---

    def _weight(
        self, matrix: "onnx_ir.Value", channel_axis: int, *, transposed: bool = False
    ) -> _Weight:
        key = (str(matrix.name), channel_axis)
        if key not in self._weights:
            array = _array(matrix)
            if transposed:
                array, channel_axis = np.ascontiguousarray(array.T), 1 - channel_axis
            quantized = quantize_weight(array, channel_axis)
            name = f"{matrix.name}.int8"
            self._weights[key] = _Weight(
                self._initializer(name, quantized.values),
                self._initializer(name + SCALE_SUFFIX, quantized.scale),
            )
        return self._weights[key]

    def _constant(self, name: str, array: NDArray[np.generic]) -> "onnx_ir.Value":
        name = f"int8.{name}"
        return self._graph.initializers.get(name) or self._initializer(name, array)

    def _initializer(self, name: str, array: NDArray[np.generic]) -> "onnx_ir.Value":
        import onnx_ir

        tensor = onnx_ir.tensor(array, name=name)
        value = onnx_ir.Value(
            name=name,
            shape=tensor.shape,  # type: ignore[arg-type]  # the protocol of a concrete class
            type=onnx_ir.TensorType(tensor.dtype),
            const_value=tensor,
        )
        self._graph.register_initializer(value)
        return value

    def _replace(
        self, node: "onnx_ir.Node", tape: "onnx_ir.tape.Tape", result: "onnx_ir.Value"
    ) -> None:
        import onnx_ir

        old = node.outputs[0]
        self._graph.insert_before(node, tape.nodes)
        name, result.type = old.name, old.type
        result.shape = old.shape
        onnx_ir.convenience.replace_all_uses_with(old, result, replace_graph_outputs=True)
        self._graph.remove(node, safe=True)
        result.name = name


def _cast(
    tape: "onnx_ir.tape.Tape", value: "onnx_ir.Value", dtype: str = "FLOAT"
) -> "onnx_ir.Value":
    import onnx_ir

    return tape.op("Cast", [value], {"to": int(onnx_ir.DataType[dtype])})


def _shape(value: "onnx_ir.Value") -> "tuple[int, ...]":
    tensor = value.const_value
    return () if tensor is None else tuple(int(size) for size in tensor.shape)  # type: ignore[arg-type]  # constants have no open axes


def _is_matrix(value: "onnx_ir.Value | None") -> bool:
    import onnx_ir

    if value is None or value.const_value is None or not value.is_initializer():
        return False
    return value.const_value.dtype == onnx_ir.DataType.FLOAT and len(_shape(value)) == 2


def _is_one(node: "onnx_ir.Node", name: str) -> bool:
    return node.attributes.get_float(name, 1.0) == 1.0


def _transposed_table(matrix: "onnx_ir.Value") -> "onnx_ir.Value | None":
    """Find the table of which a product's matrix is the transpose (tied embeddings)."""
    producer = matrix.producer()
    if producer is None or producer.op_type != "Transpose" or not _is_matrix(producer.inputs[0]):
        return None
    return producer.inputs[0]


def _array(value: "onnx_ir.Value") -> NDArray[np.float32]:
    tensor = value.const_value
    return np.zeros((0, 0), np.float32) if tensor is None else np.asarray(tensor.numpy())
