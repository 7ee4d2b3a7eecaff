import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny import tiny_tokenizer
from tinyglot.data.examples import Parallel
from tinyglot.errors import DataFormatError, TaskOptionError
from tinyglot.tasks import get_task, neighbours
from tinyglot.tasks.neighbours import (
    best_threshold,
    mined_pairs,
    nearest,
    scored_neighbours,
    unit_vectors,
)
from tinyglot.tasks.retrieval import Retrieved

TASK = get_task("retrieval")
SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 1000))


def clouds(sizes):
    rows, columns, seed = sizes
    generator = np.random.default_rng(seed)
    return [unit_vectors(generator.normal(size=(n, 5)).astype(np.float32)) for n in (rows, columns)]


# --- neighbours ---------------------------------------------------------------------------------


@settings(max_examples=40)
@given(SIZES, st.integers(1, 5), st.integers(1, 30))
def test_neighbours_are_those_of_a_full_sort(sizes, k, cells):
    sources, targets = clouds(sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "CELLS_AT_ONCE", cells)
        found = nearest(sources, targets, k)
    expected = np.argsort(-(sources @ targets.T), axis=1, kind="stable")[:, :k]
    assert found.positions.tolist() == expected.tolist()


@settings(max_examples=40)
@given(SIZES, st.sampled_from(["ratio", "distance", "absolute"]))
def test_margins_are_those_of_the_formula(sizes, kind):
    sources, targets = clouds(sizes)
    cosines = (sources @ targets.T).astype(np.float64)
    forward, _ = scored_neighbours(sources, targets, 2, kind)
    for x, row in enumerate(forward.positions):
        for place, y in enumerate(row):
            around_x = np.sort(cosines[x])[::-1][:2].mean()
            around_y = np.sort(cosines[:, y])[::-1][:2].mean()
            around = (around_x + around_y) / 2
            margin = {
                "ratio": cosines[x, y] / around,
                "distance": cosines[x, y] - around,
                "absolute": cosines[x, y],
            }[kind]
            assert forward.cosines[x, place] == pytest.approx(margin, rel=1e-3, abs=1e-3)


@settings(max_examples=40)
@given(SIZES)
def test_no_text_is_in_two_mined_pairs_and_none_better_is_left_out(sizes):
    sources, targets = clouds(sizes)
    forward, backward = scored_neighbours(sources, targets, 4, "distance")
    first, second, scores = mined_pairs(forward, backward)
    assert len(set(first.tolist())) == len(first) == len(set(second.tolist()))
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    for x, row in enumerate(forward.cosines):
        y = forward.positions[x, row.argmax()]
        rivals = scores[(first == x) | (second == y)]
        assert rivals.size
        assert rivals.max() >= row.max()


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1), st.integers(0, 3))
def test_the_threshold_is_the_best_of_all(pairs, unfound):
    scores = np.array([score for score, _ in pairs], dtype=np.float64)
    is_right = np.array([right for _, right in pairs])
    correct = int(is_right.sum()) + unfound

    def f1(threshold):
        taken = scores > threshold
        return 2 * is_right[taken].sum() / max(taken.sum() + correct, 1)

    best = max(map(f1, np.arange(-0.5, 6.0, 0.5)))
    assert f1(best_threshold(scores, is_right, correct)) == pytest.approx(best)


# --- the task -----------------------------------------------------------------------------------


def decoded(task, examples, vectors):
    encoded = task.encode(examples, tiny_tokenizer("unigram"), (), 128)
    rows = [np.array(vectors[p.example][p.is_target], dtype=np.float32) for p in encoded]
    order = np.random.default_rng(0).permutation(len(encoded))
    found = task.decode(encoded, rows, ())
    assert task.decode([encoded[i] for i in order], [rows[i] for i in order], ()) == found
    return found


def test_scores_worked_by_hand():
    examples = [Parallel("a", "b"), Parallel("c", "d"), Parallel("e", None), Parallel(None, "f")]
    east, north, west = [1, 0], [0, 1], [-1, 0]
    vectors = [(east, [0.9, 0.1]), (north, [0.9, 0.2]), (west, None), (None, [0.1, 0.9])]
    found = decoded(TASK, examples, vectors)
    assert [entry.target for entry in found] == [0, 3, 3, -1]
    counts = get_task("retrieval", {"margin": "absolute", "threshold": "0.5"}).count(
        examples, found
    )
    # sources with a translation: two, one found; pairs above 0.5: east-0 (right), north-3 (wrong)
    assert counts[:, :2].tolist() == [[1, 1], [0, 1], [0, 0], [0, 0]]
    assert counts[:, 2:].sum(axis=0).tolist()[2] == 2
    assert float(TASK.metrics[0].scores(counts.sum(axis=0))) == 0.5


def test_a_tuned_threshold_leaves_wrong_pairs_out_and_a_given_one_is_kept():
    examples = [Parallel("a", "b"), Parallel("c", None), Parallel(None, "d")]
    found = [Retrieved(0, 0, 1.2), Retrieved(2, 2, 1.1), Retrieved(-1, -1, -np.inf)]
    tuned, fixed = TASK, get_task("retrieval", {"threshold": "1.0"})
    assert tuned.count(examples, found)[:, 2:].sum(axis=0).tolist() == [1, 1, 1]
    assert fixed.count(examples, found)[:, 2:].sum(axis=0).tolist() == [1, 2, 1]


def test_nothing_mined_and_nothing_to_find_score_zero():
    counts = TASK.count([Parallel("a", None)], [Retrieved(0, -1, -np.inf)])
    assert [float(metric.scores(counts.sum(axis=0))) for metric in TASK.metrics] == [0.0, 0.0]


def test_pooling_takes_the_mean_or_the_first_token():
    encoded = TASK.encode([Parallel("a", "b")], tiny_tokenizer("unigram"), (), 128)[0]
    output = np.array([[1, 0], [3, 4]], dtype=np.float32)
    assert TASK.reduce(encoded, output).tolist() == [2, 2]
    assert get_task("retrieval", {"pooling": "cls"}).reduce(encoded, output).tolist() == [1, 0]


def test_the_prefix_stands_before_both_texts():
    tokenizer = tiny_tokenizer("unigram")
    task = get_task("retrieval", {"prefix": "query: "})
    encoded = task.encode([Parallel("habari", "news")], tokenizer, (), 128)
    texts = ["query: habari", "query: news"]
    assert [part.input_ids for part in encoded] == tokenizer(texts)["input_ids"]


def test_options_reach_the_model():
    assert get_task("retrieval", {"layer": "7"}).hidden_layer == 7
    assert TASK.hidden_layer == -1
    assert TASK.labels([]) == ()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("k", "0", r"k: .*greater than or equal to 1 \(got '0'\)"),
        ("pooling", "max", r"pooling: .*'mean' or 'cls' \(got 'max'\)"),
        ("margin", "sum", r"margin: .*'ratio', 'distance' or 'absolute' \(got 'sum'\)"),
    ],
)
def test_refuses_options_out_of_range(name, value, message):
    with pytest.raises(TaskOptionError, match=message):
        get_task("retrieval", {name: value})


def test_refuses_examples_without_targets():
    with pytest.raises(DataFormatError, match=r"1 examples without a target"):
        TASK.encode([Parallel("a", None)], tiny_tokenizer("unigram"), (), 128)


def test_refuses_predictions_of_other_examples():
    with pytest.raises(DataFormatError, match=r"0 predictions[\s\S]*1, one an example"):
        TASK.count([Parallel("a", "b")], [])
