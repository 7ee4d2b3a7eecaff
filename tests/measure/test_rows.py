from tests.measure.fakes import FakeModel
from tinyglot.measure import MemoryRow, ModelSize, join_rows, measure_latency

SIZE = ModelSize(
    size_bytes=1000, num_parameters=250, num_embedding_parameters=200, num_other_parameters=50
)


def latencies():
    return measure_latency({"a": FakeModel()}, [1, 8], [4], 1, rounds=2)


def test_a_row_has_size_latency_and_memory():
    memory = MemoryRow("a", 1, 8, 4, 2, peak_memory_bytes=77, base_memory_bytes=11)
    rows = join_rows(latencies(), {"a": SIZE}, {"a": "onnx"}, [memory])
    found = [(row.batch, row.peak_memory_bytes, row.base_memory_bytes) for row in rows]
    assert found == [(1, None, None), (8, 77, 11)]
    assert {(row.size_bytes, row.num_parameters, row.format) for row in rows} == {
        (1000, 250, "onnx")
    }


def test_json_row_has_every_field():
    (first, _) = join_rows(latencies(), {"a": SIZE}, {"a": "checkpoint"})
    stated = first.as_dict()
    assert stated["num_other_parameters"] == 50
    assert stated["n"] == 2
    assert stated["peak_memory_bytes"] is None
