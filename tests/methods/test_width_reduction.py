import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.methods.labelled import write_data
from tests.methods.width import config_of, planned, reduced, write_dev_text
from tests.parity import assert_parity
from tests.tiny import tiny_pair
from tinyglot.architectures import view
from tinyglot.importance import measure_importance
from tinyglot.methods.contract import Context
from tinyglot.methods.width_reduction import METHOD
from tinyglot.methods.width_reduction.bases import head_maps, pca_projection
from tinyglot.methods.width_reduction.calibration import read_calibration
from tinyglot.methods.width_reduction.reconstruction import RIDGE, _fit_matrix_, _fit_norm_
from tinyglot.methods.width_reduction.statistics import (
    HeadMoments,
    head_moments,
    run_watched,
    stream_moments,
)
from tinyglot.surgery import Structures, count_parameters, keep_structures, truncate_hidden

PAIRS = [
    ("bert", "wordpiece"),
    ("xlm_roberta", "unigram"),
    ("distilbert", "wordpiece"),
    ("modernbert", "bpe_byte_fallback"),
    ("deberta_v2", "unigram"),
]
WITHOUT_ROTATION = [pair for pair in PAIRS if pair[0] != "modernbert"]


@pytest.fixture
def context(tmp_path) -> Context:
    return write_dev_text(tmp_path)


def double_pair(family, kind, head="encoder"):
    model, tokenizer = tiny_pair(family, kind, head)
    return model.double(), tokenizer


def batches_of(pair, context):
    return read_calibration(pair[1], config_of(16), context).batches()


def states(model, batches):
    """Hidden states of all tokens, without padding."""
    with torch.no_grad():
        found = [view(model).encoder(**batch)[0] for batch in batches]
    masks = [batch["attention_mask"].bool() for batch in batches]
    return torch.cat([each[mask] for each, mask in zip(found, masks, strict=True)])


# --- full width ---------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0])
@pytest.mark.parametrize("basis", ["pca", "importance"])
def test_the_full_width_computes_the_same(context, pair, basis):
    pair = double_pair(*pair, "masked_lm")
    batches = batches_of(pair, context)[:2]
    same = reduced(pair, context, 32, basis=basis, scorer="magnitude", allow_no_effect=True)
    for batch in batches:
        with torch.no_grad():
            expected, found = (model(**batch)[0] for model in (pair[0], same))
        assert_parity(found, expected, atol=1e-10)


@pytest.mark.parametrize("pair", WITHOUT_ROTATION, ids=lambda pair: pair[0])
def test_heads_of_their_full_size_compute_the_same(context, pair):
    pair = double_pair(*pair)
    same = reduced(pair, context, 32, heads="narrowed", reconstruct=False, allow_no_effect=True)
    batches = batches_of(pair, context)[:2]
    # inverses of square roots of moments: half of the digits of those that are nearly singular
    assert_parity(states(same, batches), states(pair[0], batches), atol=1e-7)


# --- truncation ---------------------------------------------------------------------------------


def test_truncation_is_that_of_the_surgery_and_needs_no_text():
    pair = tiny_pair("bert", "wordpiece", "masked_lm")
    expected = truncate_hidden(pair[0], 20).state_dict()
    found = reduced(pair, Context(), 20, basis="truncation").state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert set(found) == set(expected)


def test_reordered_heads_are_those_of_importance_highest_first(context):
    model, tokenizer = tiny_pair("bert", "wordpiece", "masked_lm")
    plan = planned((model, tokenizer), context, 20, basis="truncation", reorder_heads=True)
    calibration = read_calibration(tokenizer, plan.config, context)
    batches = calibration.masked_batches(tokenizer, context.seed)
    importance = measure_importance(model, batches, "taylor", "labels")
    orders = [each.argsort(descending=True).tolist() for each in importance.heads]
    assert [list(order) for order in plan.head_order] == orders
    ordered = keep_structures(model, Structures.of(model).keep(heads=plan.head_order))
    new, _ = METHOD.apply(model, tokenizer, plan, context)
    expected = truncate_hidden(ordered, 20).state_dict()
    assert all(torch.equal(new.state_dict()[name], expected[name]) for name in expected)
    assert "by importance" in "\n".join(plan.summary())


def test_svd_is_another_model_than_truncation():
    pair = tiny_pair("xlm_roberta", "unigram")
    cut, lower = (
        reduced(pair, Context(), 20, basis=basis).state_dict() for basis in ("truncation", "svd")
    )
    name = "encoder.layer.0.attention.self.query.weight"
    assert cut[name].shape == lower[name].shape
    assert not torch.equal(cut[name], lower[name])


# --- importance ---------------------------------------------------------------------------------


def test_the_channels_and_heads_that_stay_are_those_that_matter_most(context):
    model, _ = pair = tiny_pair("bert", "wordpiece")
    plan = planned(pair, context, 16, basis="importance", scorer="activation")
    importance = measure_importance(model, batches_of(pair, context), "activation")
    assert set(plan.channels) == set(importance.hidden.topk(16).indices.tolist())
    assert plan.channels == tuple(sorted(plan.channels))
    for kept, values in zip(plan.head_order, importance.heads, strict=True):
        assert set(kept) == set(values.topk(2).indices.tolist())
    assert (plan.num_heads, plan.head_dim, plan.heads) == (2, 8, "whole")


def test_without_reconstruction_the_kept_channels_are_copied():
    model, tokenizer = tiny_pair("bert", "wordpiece")
    options = {"basis": "importance", "scorer": "magnitude", "reconstruct": False}
    plan = planned((model, tokenizer), Context(), 16, **options)
    new, _ = METHOD.apply(model, tokenizer, plan, Context())
    words = model.embeddings.word_embeddings.weight[:, list(plan.channels)]
    assert torch.equal(new.embeddings.word_embeddings.weight, words)
    gains = model.encoder.layer[1].output.LayerNorm.weight[list(plan.channels)]
    assert_parity(new.encoder.layer[1].output.LayerNorm.weight, gains, atol=1e-7)
    assert plan.num_tokens == 0


# --- principal components -----------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(0, 10_000), st.integers(1, 20))
def test_a_projection_has_orthonormal_rows_and_keeps_means(width, seed, tokens):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(tokens, 12, generator=generator, dtype=torch.float64)
    rows -= rows.mean(1, keepdim=True)
    projection, kept = pca_projection(rows.T @ rows, width)
    assert_parity(projection @ projection.T, torch.eye(width).double(), atol=1e-9)
    ones = projection @ torch.ones(12).double() * (width / 12) ** 0.5
    assert float((ones - 1).abs().max()) < 1e-9
    left = (rows @ projection.T).square().sum() / rows.square().sum()
    assert kept == pytest.approx(float(left), abs=1e-9)
    assert kept >= min(1.0, (width - 1) / 11) - 1e-9


def test_a_projection_is_orthonormal_where_the_text_uses_few_channels():
    rows = torch.zeros(2, 9, dtype=torch.float64)
    rows[0, [0, 1]], rows[1, [2, 3]] = torch.tensor([[1.0, -1.0], [2.0, -2.0]]).double()
    for width in range(2, 9):
        projection, _ = pca_projection(rows.T @ rows, width)
        assert_parity(projection @ projection.T, torch.eye(width).double(), atol=1e-12)


def test_a_projection_to_the_full_width_changes_nothing():
    rows = torch.randn(40, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows -= rows.mean(1, keepdim=True)
    projection, kept = pca_projection(rows.T @ rows, 9)
    assert_parity(projection, torch.eye(9).double(), atol=1e-12)
    assert kept == pytest.approx(1.0)


def test_moments_of_the_stream_are_those_of_all_tokens_and_no_padding(context):
    pair = double_pair("bert", "wordpiece")
    batches = batches_of(pair, context)[-2:]
    assert any(bool((batch["attention_mask"] == 0).any()) for batch in batches)
    rows = []
    for batch in batches:
        for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True):
            rows += stream_states(pair[0], ids[mask.bool()][None])
    centred = torch.cat(rows)
    centred = centred - centred.mean(1, keepdim=True)
    normed = centred / (centred.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    expected = normed.T @ normed
    found = stream_moments(pair[0], batches)
    assert_parity(found, expected / expected.trace(), atol=1e-8)


def stream_states(model, ids):
    """What enters and leaves each norm of a BERT, by its own sums."""
    found = []
    names = ("embeddings.LayerNorm", "attention.output.LayerNorm", "output.LayerNorm")
    norms = [m for name, m in model.named_modules() if name.endswith(names)]
    handles = [
        norm.register_forward_hook(lambda _, args, out: found.extend((args[0][0], out[0])))
        for norm in norms
    ]
    with torch.no_grad():
        model(ids)
    for handle in handles:
        handle.remove()
    assert len(found) == 2 * 5
    return found


def test_more_channels_explain_more(context):
    pair = tiny_pair("modernbert", "bpe_byte_fallback")
    shares = [planned(pair, context, width).explained_variance for width in (8, 16, 24)]
    assert 0 < shares[0] < shares[1] < shares[2] < 1


# --- reconstruction -----------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [PAIRS[0], PAIRS[3]], ids=lambda pair: pair[0])
def test_reconstruction_brings_the_states_nearer(context, pair):
    pair = tiny_pair(*pair)
    batches = batches_of(pair, context)
    options = {"basis": "importance", "scorer": "magnitude"}
    plan = planned(pair, context, 24, **options)
    target = states(pair[0], batches)[:, list(plan.channels)]
    errors = [
        float((states(reduced(pair, context, 24, **options, **more), batches) - target).norm())
        for more in ({"reconstruct": False}, {})
    ]
    assert errors[1] < 0.9 * errors[0]


@pytest.mark.parametrize(
    ("pair", "matrix", "norm"),
    [
        (PAIRS[0], "encoder.layer.1.output.dense", "encoder.layer.1.output.LayerNorm"),
        (PAIRS[3], "layers.2.mlp.Wo", "final_norm"),
    ],
    ids=["bert", "modernbert"],
)
def test_what_writes_makes_up_for_what_the_stream_lacks(context, pair, matrix, norm):
    model, _ = pair = double_pair(*pair)
    options = {"basis": "importance", "scorer": "magnitude"}
    channels = list(planned(pair, context, 16, **options).channels)
    projected, fitted = (
        reduced(pair, context, 16, **options, reconstruct=fits) for fits in (False, True)
    )
    batches = batches_of(pair, context)
    lack = entering(model, batches, norm)[:, channels] - entering(fitted, batches, norm)
    rows = entering(fitted, batches, matrix)
    if fitted.get_submodule(matrix).bias is not None:
        rows = rows - rows.mean(0)
    weights = [each.get_submodule(matrix).weight.detach() for each in (fitted, projected)]
    # the ridge regression of the whole stream is at its minimum
    spread = rows.square().sum(0).mean()
    assert_parity(lack.T @ rows, RIDGE * spread * (weights[0] - weights[1]), atol=1e-6)
    assert float((weights[0] - weights[1]).abs().max()) > 0.001


def entering(model, batches, path):
    """What a module of a model is given, a row a token."""
    found = []
    modules = {path: model.get_submodule(path)}
    run_watched(view(model), batches, modules, lambda _, inputs, __: found.append(inputs))
    return torch.cat(found)


def test_a_norm_is_fitted_by_least_squares():
    generator = torch.Generator().manual_seed(0)
    rows, target = torch.randn(2, 30, 5, generator=generator, dtype=torch.float64)
    norm = torch.nn.LayerNorm(5).double().requires_grad_(requires_grad=False)
    _fit_norm_(norm, rows, target)
    for channel in range(5):
        design = torch.stack([rows[:, channel], torch.ones(30).double()], dim=1)
        gain, shift = torch.linalg.lstsq(design, target[:, channel]).solution
        assert float(norm.weight[channel]) == pytest.approx(float(gain))
        assert float(norm.bias[channel]) == pytest.approx(float(shift))


@pytest.mark.parametrize("bias", [True, False])
def test_a_matrix_is_fitted_by_ridge_regression_of_what_it_lacks(bias):
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(40, 4, generator=generator, dtype=torch.float64) + 0.5
    target = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    matrix = torch.nn.Linear(4, 3, bias=bias).double().requires_grad_(requires_grad=False)
    before = matrix.weight.clone()
    _fit_matrix_(matrix, rows, target)
    with torch.enable_grad():
        change = (matrix.weight - before).requires_grad_()
        lack = target - rows @ (before + change).T - (matrix.bias if bias else 0)
        spread = (rows - rows.mean(0) if bias else rows).square().sum(0).mean()
        (lack.square().sum() + RIDGE * spread * change.square().sum()).backward()
    assert float(change.grad.abs().max()) < 1e-9  # at the minimum
    if bias:
        assert float(lack.detach().sum(0).abs().max()) < 1e-9


def test_labelled_data_do_where_there_is_no_text(tmp_path):
    pair = tiny_pair("bert", "wordpiece")
    data = Context(languages=("swh-Latn",), task="ner", data=str(write_data(tmp_path)))
    plan = planned(pair, data, 16, basis="importance", num_lines=3)
    calibration = read_calibration(pair[1], plan.config, data)
    assert [len(rows) for rows in calibration.rows.values()] == [3]
    assert plan.num_tokens == calibration.num_tokens > 6
    assert METHOD.apply(*pair, plan, data)[0].config.hidden_size == 16


# --- heads --------------------------------------------------------------------------------------


def test_narrowed_heads_keep_products_that_fit():
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    # two heads of 6 channels, whose queries and results have 3 dimensions
    queries, results = draw(2, 50, 3) @ draw(2, 3, 6), draw(2, 50, 3) @ draw(2, 3, 6)
    keys, outputs = draw(2, 50, 6), draw(9, 12)
    moments = HeadMoments(queries.mT @ queries, keys.mT @ keys, results.mT @ results)
    maps = head_maps(moments, outputs, 3)
    products = (queries @ maps.queries.mT) @ (keys @ maps.keys.mT).mT
    assert_parity(products, queries @ keys.mT, atol=1e-3)
    again = results @ maps.values.mT @ maps.outputs.mT
    assert_parity(again, results, atol=1e-3)


def test_moments_of_heads_are_those_of_queries_and_results(context):
    model, _ = pair = double_pair("bert", "wordpiece")
    batches = batches_of(pair, context)[:1]
    query = model.encoder.layer[0].attention.self.query
    with torch.no_grad():
        rows = query(model.embeddings(batches[0]["input_ids"]))
    rows = rows[batches[0]["attention_mask"].bool()].unflatten(1, (4, 8))
    found = head_moments(model, batches)[0]
    assert_parity(found.queries, torch.einsum("nhc,nhd->hcd", rows, rows), atol=1e-9)
    assert found.keys.shape == found.results.shape == (4, 8, 8)


def test_a_width_that_heads_do_not_fill_narrows_them(context):
    pair = tiny_pair("xlm_roberta", "unigram")
    plan = planned(pair, context, 20)
    assert (plan.heads, plan.num_heads, plan.head_dim) == ("narrowed", 4, 5)
    new, _ = METHOD.apply(*pair, plan, context)
    assert (new.config.hidden_size, new.config.num_attention_heads) == (20, 4)
    assert count_parameters(new).num_parameters == plan.num_parameters_after
    assert "all of them, narrowed" in "\n".join(plan.summary())
