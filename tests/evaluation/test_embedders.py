import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis.extra.numpy import arrays
from sklearn.metrics.pairwise import paired_distances

from tests.parity import assert_parity
from tests.tiny import tiny_pair
from tests.tiny_text import TINY_TEXT
from tinyglot.data.examples import Parallel
from tinyglot.errors import NonFiniteOutputError, UnpairedExamplesError
from tinyglot.evaluation.embedders import Embedder, compare_embedders, cosine_agreement
from tinyglot.evaluation.predict import torch_predictor
from tinyglot.tasks import get_task

TASK = get_task("retrieval")
PAIRS = [Parallel(line, " ".join(line.split()[::-1])) for line in TINY_TEXT[:12]]


def embedder(noise=0.0, family="xlm_roberta"):
    model, tokenizer = tiny_pair(family, "unigram", "encoder")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight += noise * torch.randn(weight.shape, generator=generator)
    return Embedder(torch_predictor(model, hidden_layer=TASK.hidden_layer), tokenizer)


def test_cosines_by_hand():
    dense = np.array([[1.0, 0.0], [3.0, 4.0], [1.0, 1.0], [0.0, 0.0]])
    small = np.array([[2.0, 0.0], [4.0, 3.0], [-1.0, -1.0], [1.0, 0.0]])
    assert_parity(cosine_agreement(dense, small), np.array([1.0, 0.96, -1.0, 0.0]), atol=1e-12)


def test_cosines_agree_with_sklearn():
    dense, small = np.random.default_rng(0).normal(size=(2, 50, 8))
    expected = 1.0 - paired_distances(dense, small, metric="cosine")
    assert_parity(cosine_agreement(dense, small), expected, atol=1e-12)


@given(arrays(np.float64, (4, 3), elements=st.floats(0.1, 9)), st.floats(0.1, 9))
def test_length_of_vectors_does_not_matter(vectors, factor):
    assert cosine_agreement(vectors, factor * vectors) == pytest.approx(1.0)


def test_an_embedder_agrees_with_itself():
    [row] = compare_embedders(embedder(), embedder(), TASK, {"swh-Latn": PAIRS}).to_dicts()
    assert (row["language"], row["n"], row["num_sentences"]) == ("swh-Latn", 12, 24)
    assert row["cosine_min"] == pytest.approx(1.0)
    assert row["dense"] == row["small"] > 0.0
    assert (row["delta"], row["low"], row["high"], row["p_value"]) == (0.0, 0.0, 0.0, 1.0)


def test_a_damaged_embedder_agrees_less_and_finds_less():
    [row] = compare_embedders(
        embedder(), embedder(noise=0.5), TASK, {"swh-Latn": PAIRS}, num_resamples=500
    ).to_dicts()
    assert row["cosine_min"] <= row["cosine_mean"] < 0.9
    assert row["small"] < row["dense"]
    assert row["low"] <= row["delta"] <= row["high"]


def test_every_language_has_its_row():
    found = compare_embedders(
        embedder(),
        embedder(),
        TASK,
        {"swh-Latn": PAIRS[:5], "yor-Latn": PAIRS[5:]},
        num_resamples=10,
    )
    assert found.select("language", "n").rows() == [("swh-Latn", 5), ("yor-Latn", 7)]


def test_models_of_other_width_are_compared_by_retrieval_alone():
    wide = embedder()
    narrow = Embedder(lambda batch: wide.predictor(batch)[..., :16], wide.tokenizer)
    [row] = compare_embedders(wide, narrow, TASK, {"swh-Latn": PAIRS}).to_dicts()
    assert (row["cosine_mean"], row["cosine_min"]) == (None, None)
    assert row["delta"] == row["small"] - row["dense"]


def test_refuses_vectors_of_other_sentences():
    with pytest.raises(UnpairedExamplesError, match=r"shapes \(3, 2\) and \(2, 2\)"):
        cosine_agreement(np.ones((3, 2)), np.ones((2, 2)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_vectors_that_are_no_numbers(value):
    broken = np.ones((3, 2))
    broken[1, 0] = value
    with pytest.raises(NonFiniteOutputError, match=r"1 of 3 vectors, the first at 1"):
        cosine_agreement(np.ones((3, 2)), broken)
