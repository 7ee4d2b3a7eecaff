"""Rounding by hand, and what becomes of each kind of node."""

import numpy as np
import onnx_ir
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from tests.parity import assert_parity
from tinyglot.export.int8 import quantize_graph_, quantize_weight

FLOAT = onnx_ir.DataType.FLOAT


def build(inputs, initializers, make_nodes):
    """A model whose last value made by ``make_nodes(tape, values)`` is its output ``y``."""
    tape = onnx_ir.tape.Tape()
    values = {
        name: onnx_ir.val(name, dtype=dtype, shape=("batch", "sequence", *tail))
        for name, (dtype, tail) in inputs.items()
    }
    for name, array in initializers.items():
        values[name] = tape.initializer(onnx_ir.tensor(array, name=name))
    output = make_nodes(tape, values)
    output.name, output.dtype = "y", FLOAT
    graph = onnx_ir.Graph(
        [values[name] for name in inputs],
        [output],
        nodes=tape.nodes,
        initializers=tape.initializers,
        opset_imports={"": 20},
        name="graph",
    )
    return onnx_ir.Model(graph, ir_version=10)


def run(model, **feed):
    content = onnx_ir.to_proto(model).SerializeToString()
    return onnxruntime.InferenceSession(content).run(None, feed)[0]


def stored(model):
    """Data type and shape of every initializer that is no scale and no constant."""
    return {
        name: (value.const_value.dtype.name, tuple(value.const_value.shape))
        for name, value in model.graph.initializers.items()
        if not name.endswith(".scale") and len(value.const_value.shape) == 2
    }


def kinds(model):
    return [node.op_type for node in model.graph]


def randn(*shape):
    """The same numbers for the same shape, in whatever order tests run."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def assert_near(actual, expected):
    """Rounding to 7 and 8 bits loses about one per cent; a wrong scale or bias far more."""
    assert actual.shape == expected.shape
    error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    assert 1e-4 < error < 0.015


# --- numbers -----------------------------------------------------------------------------------


def test_rows_by_hand():
    quantized = quantize_weight(np.array([[126.0, -31.0, 1.0], [0.0, 0.63, -0.21]], np.float32), 0)
    # 31/2 = 15.5 and 1/2 = 0.5 go to the even neighbour
    assert quantized.values.tolist() == [[63, -16, 0], [0, 63, -21]]
    assert quantized.scale.tolist() == pytest.approx([2.0, 0.01])


def test_columns_by_hand():
    quantized = quantize_weight(np.array([[126.0, 0.0], [-2.0, 0.63]], np.float32), 1)
    assert quantized.values.tolist() == [[63, 0], [-1, 63]]
    assert quantized.scale.tolist() == pytest.approx([2.0, 0.01])


def test_zeros_stay_zeros():
    quantized = quantize_weight(np.zeros((2, 3), np.float32), 0)
    assert quantized.values.tolist() == [[0, 0, 0]] * 2
    assert np.isfinite(quantized.scale).all()


matrices = numpy_st.arrays(
    np.float32,
    numpy_st.array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.floats(-1000, 1000, width=32),
)


@given(matrices, st.integers(0, 1))
def test_no_value_is_off_by_more_than_half_a_step(weight, channel_axis):
    quantized = quantize_weight(weight, channel_axis)
    scale = np.expand_dims(quantized.scale, 1 - channel_axis)
    assert np.abs(quantized.values.astype(int)).max() <= 63
    error = np.abs(quantized.values * scale.astype(np.float64) - weight)
    assert (error <= scale * 0.5001 + 1e-30).all()


# --- lookups -----------------------------------------------------------------------------------


def lookup(rows=20, axis=0):
    table = randn(rows, 8)
    model = build(
        {"ids": (onnx_ir.DataType.INT64, ())},
        {"table": table},
        lambda tape, values: tape.op("Gather", [values["table"], values["ids"]], {"axis": axis}),
    )
    return model, table


def test_a_lookup_gives_rounded_rows():
    model, table = lookup()
    quantize_graph_(model)
    ids = np.array([[3, 19, 0]])
    quantized = quantize_weight(table, 0)
    expected = (quantized.values * quantized.scale[:, None])[ids]
    assert_parity(run(model, ids=ids), expected, atol=1e-6)
    assert stored(model) == {"table.int8": ("INT8", (20, 8))}


@pytest.mark.parametrize("options", [{"rows": 15}, {"axis": 1}])
def test_small_tables_and_other_axes_stay(options):
    model, table = lookup(**options)
    quantize_graph_(model)
    assert stored(model) == {"table": ("FLOAT", table.shape)}
    assert kinds(model) == ["Gather"]


# --- products ----------------------------------------------------------------------------------


def product(make_nodes, **weights):
    return build({"x": (FLOAT, (24,))}, weights, make_nodes)


def test_a_product_is_nearly_the_float_one():
    weight, x = randn(24, 32), randn(2, 5, 24)
    model = product(lambda tape, v: tape.op("MatMul", [v["x"], v["weight"]]), weight=weight)
    quantize_graph_(model)
    expected = x @ weight
    assert_near(run(model, x=x), expected)
    assert stored(model) == {"weight.int8": ("INT8", (24, 32))}


def test_a_product_of_whole_numbers_is_exact():
    # scale 1 on both sides: activations reach 127, weights 63
    x = np.zeros((1, 1, 24), np.float32)
    x[0, 0, :3] = [127, -5, 12]
    weight = np.zeros((24, 16), np.float32)
    weight[:3, 0] = [63, 7, -1]
    weight[0, 1:] = -63
    model = product(lambda tape, v: tape.op("MatMul", [v["x"], v["weight"]]), weight=weight)
    quantize_graph_(model)
    result = run(model, x=x)[0, 0]
    assert result[0] == pytest.approx(127 * 63 - 5 * 7 - 12)
    assert result[1:].tolist() == pytest.approx([-127.0 * 63] * 15)


def test_activations_are_rounded_to_the_nearest():
    # one output channel an input value, each weight 63 with scale 1
    x = np.zeros((1, 1, 24), np.float32)
    x[0, 0, :6] = [127, 0.6, -0.6, 0.4, -0.4, -126.7]
    model = product(
        lambda tape, v: tape.op("MatMul", [v["x"], v["weight"]]),
        weight=63 * np.eye(24, dtype=np.float32),
    )
    quantize_graph_(model)
    result = run(model, x=x)[0, 0, :6] / 63
    assert result.tolist() == pytest.approx([127, 1, -1, 0, 0, -127])


def test_each_token_has_a_scale_of_its_own():
    weight = randn(24, 32)
    x = randn(1, 2, 24)
    loud = x.copy()
    loud[0, 1] *= 1000
    model = product(lambda tape, v: tape.op("MatMul", [v["x"], v["weight"]]), weight=weight)
    quantize_graph_(model)
    assert_parity(run(model, x=loud)[0, 0], run(model, x=x)[0, 0])


def test_a_token_of_zeros_gives_zeros():
    model = product(lambda tape, v: tape.op("MatMul", [v["x"], v["weight"]]), weight=randn(24, 32))
    quantize_graph_(model)
    assert not run(model, x=np.zeros((1, 2, 24), np.float32)).any()


def test_products_of_the_same_input_round_it_once():
    def make_nodes(tape, values):
        both = [tape.op("MatMul", [values["x"], values[name]]) for name in ("one", "two")]
        return tape.op("Add", both)

    model = product(make_nodes, one=randn(24, 32), two=randn(24, 32))
    quantize_graph_(model)
    assert kinds(model).count("MatMulInteger") == 2
    assert kinds(model).count("ReduceMax") == 1


def test_a_narrow_classifier_stays():
    weight = randn(24, 15)
    model = product(lambda tape, v: tape.op("MatMul", [v["x"], v["weight"]]), weight=weight)
    quantize_graph_(model)
    assert kinds(model) == ["MatMul"]


def test_a_product_of_two_activations_stays():
    def make_nodes(tape, values):
        flipped = tape.op("Transpose", [values["x"]], {"perm": [0, 2, 1]})
        return tape.op("MatMul", [values["x"], flipped])

    model = product(make_nodes)
    quantize_graph_(model)
    assert kinds(model) == ["Transpose", "MatMul"]


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("with_bias", [False, True])
def test_gemm_is_a_product_and_a_bias(transposed, with_bias):
    weight, bias, x = randn(24, 32), randn(32), randn(3, 24)
    matrix = np.ascontiguousarray(weight.T) if transposed else weight
    inputs = ["x", "weight", "bias"] if with_bias else ["x", "weight"]
    model = build(
        {"x": (FLOAT, ())},
        {"weight": matrix, "bias": bias},
        lambda tape, v: tape.op("Gemm", [v[name] for name in inputs], {"transB": transposed}),
    )
    quantize_graph_(model)
    expected = x @ weight + (bias if with_bias else 0)
    assert "Gemm" not in kinds(model)
    assert_near(run(model, x=x), expected)


@pytest.mark.parametrize("attributes", [{"alpha": 2.0}, {"beta": 0.5}, {"transA": 1}])
def test_a_gemm_of_another_form_stays(attributes):
    model = build(
        {"x": (FLOAT, ())},
        {"weight": randn(24, 32), "bias": randn(32)},
        lambda tape, v: tape.op("Gemm", [v["x"], v["weight"], v["bias"]], attributes),
    )
    quantize_graph_(model)
    assert kinds(model) == ["Gemm"]


def test_a_tied_table_is_stored_once_and_used_twice():
    table, ids = randn(40, 24), np.array([[1, 39, 7]])

    def make_nodes(tape, values):
        hidden = tape.op("Gather", [values["table"], values["ids"]], {"axis": 0})
        output_matrix = tape.op("Transpose", [values["table"]], {"perm": [1, 0]})
        return tape.op("MatMul", [hidden, output_matrix])

    model = build({"ids": (onnx_ir.DataType.INT64, ())}, {"table": table}, make_nodes)
    quantize_graph_(model)
    expected = table[ids] @ table.T
    assert stored(model) == {"table.int8": ("INT8", (40, 24))}
    assert kinds(model).count("MatMulInteger") == 1
    assert_near(run(model, ids=ids), expected)


def test_output_keeps_its_name():
    model = product(lambda tape, v: tape.op("MatMul", [v["x"], v["weight"]]), weight=randn(24, 32))
    quantize_graph_(model)
    assert [value.name for value in model.graph.outputs] == ["y"]
