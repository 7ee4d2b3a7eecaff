import numpy as np
import pytest

from tests.measure.fakes import FakeModel
from tinyglot.errors import MeasurementError
from tinyglot.measure import latency as latency_module
from tinyglot.measure import measure_latency


def test_rows_come_for_each_shape_and_model_in_order():
    rows = measure_latency({"a": FakeModel(), "b": FakeModel()}, [1, 4], [8], 1, rounds=2)
    assert [(row.model, row.batch, row.length) for row in rows] == [
        ("a", 1, 8),
        ("b", 1, 8),
        ("a", 4, 8),
        ("b", 4, 8),
    ]


def test_a_row_states_its_protocol():
    (row,) = measure_latency({"a": FakeModel()}, [2], [8], 1, rounds=5, warmup=2)
    stated = (row.device, row.threads, row.batch, row.length, row.n, row.warmup)
    assert stated == ("cpu", 1, 2, 8, 5, 2)


def test_statistics_come_from_the_timed_calls_alone(monkeypatch):
    # warm-up calls take 100 s, timed ones 1, 2, 3, 4 and 10 s
    durations = iter([100.0, 100.0, 3.0, 1.0, 2.0, 10.0, 4.0])
    monkeypatch.setattr(latency_module, "_timed", lambda *_: next(durations))
    (row,) = measure_latency({"a": FakeModel()}, [2], [8], 1, rounds=5, warmup=2)
    assert row.latency_ms_p50 == 3000.0
    assert row.latency_ms_min == 1000.0
    assert row.latency_ms_p95 == pytest.approx(8800.0)
    assert row.throughput_sequences_per_s == pytest.approx(2 / 3)
    assert row.throughput_tokens_per_s == pytest.approx(16 / 3)


def test_a_sleep_is_timed():
    rows = measure_latency(
        {"slow": FakeModel(seconds=0.02), "fast": FakeModel()}, [1], [4], 1, rounds=3
    )
    assert rows[0].latency_ms_min >= 20.0
    assert rows[1].latency_ms_min < 20.0


def test_every_round_calls_every_model_once():
    log = []
    models = {name: FakeModel(name, log=log) for name in "abc"}
    measure_latency(models, [1], [4], 1, rounds=10, warmup=2)
    turns = [log[start : start + 3] for start in range(0, len(log), 3)]
    assert len(turns) == 12
    assert [sorted(turn) for turn in turns] == [["a", "b", "c"]] * 12


def test_the_order_changes_from_round_to_round():
    log = []
    models = {name: FakeModel(name, log=log) for name in "abc"}
    measure_latency(models, [1], [4], 1, rounds=10, warmup=0)
    assert len({tuple(log[start : start + 3]) for start in range(0, len(log), 3)}) > 1


def test_ids_are_new_in_each_call_and_of_the_models_own_vocabulary():
    models = {"small": FakeModel(vocab_size=7), "large": FakeModel(vocab_size=90_000)}
    measure_latency(models, [4], [64], 1, rounds=3, warmup=0)
    small = [batch["input_ids"] for batch in models["small"].batches]
    large = np.stack([batch["input_ids"] for batch in models["large"].batches])
    assert {int(ids.max()) for ids in small} == {6}
    assert 7 < large.max() < 90_000
    assert not np.array_equal(large[0], large[1])


def test_batches_have_the_shape_and_no_padding():
    model = FakeModel()
    measure_latency({"a": model}, [3], [5], 1, rounds=1, warmup=0)
    (batch,) = model.batches
    assert batch["input_ids"].shape == (3, 5)
    assert batch["attention_mask"].tolist() == [[1] * 5] * 3


def test_json_row_has_units_in_its_names():
    (row,) = measure_latency({"a": FakeModel()}, [1], [4], 1, rounds=1)
    assert set(row.as_dict()) >= {"latency_ms_p50", "latency_ms_p95", "throughput_tokens_per_s"}


@pytest.mark.parametrize(
    ("models", "batches", "lengths", "threads", "message"),
    [
        ({"a": FakeModel()}, [1], [600], 1, r"length 600 for a, which takes 512 tokens"),
        ({"a": FakeModel()}, [0], [8], 1, r"0 as a batch or length"),
        ({"a": FakeModel()}, [1], [8], 2, r"a runs on 1 thread\(s\), not 2"),
        ({}, [1], [8], 1, r"no model, batch or length"),
        ({"a": FakeModel()}, [], [8], 1, r"no model, batch or length"),
        ({"a": FakeModel()}, [-1], [600], 2, r"3 thing\(s\)[\s\S]*-1 as a batch"),
    ],
)
def test_what_cannot_be_measured_is_refused(models, batches, lengths, threads, message):
    with pytest.raises(MeasurementError, match=message):
        measure_latency(models, batches, lengths, threads)


@pytest.mark.parametrize(("rounds", "warmup"), [(0, 1), (1, -1)])
def test_no_timed_call_is_refused(rounds, warmup):
    with pytest.raises(MeasurementError, match=f"{rounds} rounds, {warmup} calls before"):
        measure_latency({"a": FakeModel()}, [1], [8], 1, rounds, warmup)
