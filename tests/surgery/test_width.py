import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModel, AutoModelForTokenClassification

from tests.parity import assert_parity
from tests.tiny import tiny_model
from tinyglot.architectures import view
from tinyglot.errors import StructureRangeError, UnsupportedArchitectureError
from tinyglot.surgery import (
    HeadMaps,
    Structures,
    absorb_norm_gains,
    keep_structures,
    narrow_heads,
    project_hidden,
    truncate_hidden,
    verify_reload,
)

FAMILIES = ("bert", "xlm_roberta", "distilbert", "deberta_v2")
IDS = torch.tensor([[5, 7, 11, 13, 17], [3, 19, 23, 29, 31]])


def logits(model):
    with torch.no_grad():
        return model(IDS, torch.ones_like(IDS))[0]


def double(family, head="encoder"):
    return tiny_model(family, head).double()


# --- truncation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", ["masked_lm", "sequence_classification"])
def test_every_tensor_is_the_beginning_of_the_old_one(family, head):
    model = tiny_model(family, head)
    narrow = truncate_hidden(model, 20)
    old, new = (view(each).named_tensors() for each in (model, narrow))
    assert set(new) == set(old)
    for name, tensor in new.items():
        assert torch.equal(tensor, old[name][tuple(slice(0, n) for n in tensor.shape)])
    cut = {name for name in new if new[name].shape != old[name].shape}
    assert {n for n in old if 32 in old[n].shape[-2:] and "bias" not in n} <= cut


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 8), st.sampled_from(FAMILIES))
def test_a_truncated_model_is_an_ordinary_one(quarter, family):
    narrow = truncate_hidden(tiny_model(family, "masked_lm"), 4 * quarter)
    assert (view(narrow).hidden_size, view(narrow).head_dim) == (4 * quarter, quarter)
    assert narrow.config.num_attention_heads == 4
    verify_reload(narrow)
    built = type(narrow)(narrow.config)
    assert {n: t.shape for n, t in built.state_dict().items()} == {
        n: t.shape for n, t in narrow.state_dict().items()
    }


def test_tied_weights_stay_tied_and_the_given_model_stays():
    model = tiny_model("bert", "masked_lm")
    narrow = truncate_hidden(model, 16)
    assert view(narrow).is_tied
    assert view(model).hidden_size == 32
    places = [view(each).word_embeddings.weight.data_ptr() for each in (model, narrow)]
    assert places[0] != places[1]


def test_truncation_works_without_values():
    with torch.device("meta"):
        model = type(tiny_model("bert"))(tiny_model("bert").config)
    narrow = truncate_hidden(model, 16)
    assert narrow.device.type == "meta"
    assert view(narrow).hidden_size == 16


def test_svd_cuts_out_of_the_matrix_of_lower_rank():
    model = tiny_model("bert")
    narrow = truncate_hidden(model, 8, "svd")
    old = model.encoder.layer[0].attention.self.query.weight.double()
    left, sizes, right = torch.linalg.svd(old)
    expected = (left[:, :8] * sizes[:8] @ right[:8])[:8, :8]
    query = narrow.encoder.layer[0].attention.self.query
    assert_parity(query.weight.double(), expected, atol=1e-6)
    assert torch.equal(query.bias, model.encoder.layer[0].attention.self.query.bias[:8])
    words = model.embeddings.word_embeddings.weight.double()
    left, sizes, right = torch.linalg.svd(words, full_matrices=False)
    expected = (left[:, :8] * sizes[:8] @ right[:8])[:, :8]
    assert_parity(narrow.embeddings.word_embeddings.weight.double(), expected, atol=1e-6)


def test_svd_leaves_matrices_into_the_neurons_at_the_rank_of_the_neurons():
    model = tiny_model("bert")
    narrow = truncate_hidden(model, 8, "svd")
    old, new = (each.encoder.layer[0].intermediate.dense.weight for each in (model, narrow))
    assert torch.equal(new, old[:, :8])


@pytest.mark.parametrize("form", ["truncation", "svd"])
def test_a_narrow_model_holds_no_memory_of_the_wide_one(form):
    narrow = truncate_hidden(tiny_model("bert"), 8, form)
    for parameter in narrow.parameters():
        assert parameter.untyped_storage().nbytes() == parameter.nbytes


def test_a_width_not_divisible_by_heads_is_refused_with_the_nearest():
    with pytest.raises(StructureRangeError, match=r"divisible by heads[\s\S]*18[\s\S]*16 or 20"):
        truncate_hidden(tiny_model("bert"), 18)


def test_a_width_above_the_model_is_refused():
    with pytest.raises(StructureRangeError, match=r"hidden_size 36[\s\S]*at most 32"):
        truncate_hidden(tiny_model("bert"), 36)


def test_rotary_heads_are_not_split_anew():
    with pytest.raises(
        UnsupportedArchitectureError, match=r"modernbert, which rotates[\s\S]*whole"
    ):
        truncate_hidden(tiny_model("modernbert"), 16)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ({"heads": ((0, 1), (0, 1, 2))}, r"layers of the model differ[\s\S]*2 to 3 heads of 8"),
        ({"neurons": ((0, 1), (0, 1, 2))}, r"2 to 3 neurons in a layer[\s\S]*--format stock"),
    ],
)
def test_layers_that_differ_are_refused(kept, message):
    model = tiny_model("bert")
    slim = keep_structures(model, Structures.of(model).keep(**kept))
    with pytest.raises(UnsupportedArchitectureError, match=message):
        truncate_hidden(slim, 16)


# --- order --------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(st.data(), st.sampled_from(("bert", "modernbert")))
def test_another_order_of_heads_and_neurons_computes_the_same(data, family):
    model = double(family, "masked_lm")
    every = Structures.of(model)
    order = every.keep(
        heads=tuple(tuple(data.draw(st.permutations(heads))) for heads in every.heads),
        neurons=tuple(tuple(data.draw(st.permutations(each))) for each in every.neurons),
    )
    assert_parity(logits(keep_structures(model, order)), logits(model), atol=1e-12)


# --- another basis ------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(32)), st.sampled_from((*FAMILIES, "modernbert")))
def test_a_permutation_of_the_channels_is_exact_in_every_family(order, family):
    model = double(family, "token_classification")
    permuted = project_hidden(model, torch.eye(32, dtype=torch.float64)[list(order)])
    assert_parity(logits(permuted), logits(model), atol=1e-12)


def rotation(seed, width=32):
    """A random rotation that keeps the all-ones vector."""
    generator = torch.Generator().manual_seed(seed)
    free = torch.randn(width, width, generator=generator, dtype=torch.float64)
    ones = torch.ones(width, 1, dtype=torch.float64)
    one_first = torch.linalg.qr(torch.cat([ones, free[:, 1:]], dim=1)).Q
    turned = torch.block_diag(torch.eye(1), torch.linalg.qr(free[1:, 1:]).Q)
    return one_first @ turned.to(one_first) @ one_first.T


def with_even_embedding_gains(family, head):
    model = double(family, head)
    with torch.no_grad():
        model.base_model.embeddings.norm.weight.fill_(0.8)
        if head == "token_classification":
            model.head.norm.weight.fill_(1.3)
    return model


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_any_rotation_is_exact_where_layers_normalise_what_they_read(seed):
    model = with_even_embedding_gains("modernbert", "encoder")
    absorbed, turn = absorb_norm_gains(model), rotation(seed)
    with torch.no_grad():
        for each in (model, absorbed):
            each.final_norm.weight.fill_(1.0)
    rotated = project_hidden(absorbed, turn)
    assert_parity(logits(rotated), logits(model) @ turn.T, atol=1e-10)


def test_a_rotation_is_not_exact_where_the_gains_of_norms_differ():
    turn = rotation(0)
    for family in ("bert", "modernbert"):
        model = double(family)
        rotated = project_hidden(absorb_norm_gains(model), turn)
        wrong = (logits(rotated) - logits(model) @ turn.T).norm() / logits(model).norm()
        assert 0.001 < wrong < 1.5


@pytest.mark.parametrize("head", ["masked_lm", "token_classification", "encoder"])
def test_absorbing_gains_computes_the_same(head):
    model = double("modernbert", head)
    absorbed = absorb_norm_gains(model)
    assert_parity(logits(absorbed), logits(model), atol=1e-12)
    norms = [
        absorbed.get_submodule(f"{'' if head == 'encoder' else 'model.'}layers.1.{name}")
        for name in ("attn_norm", "mlp_norm")
    ]
    assert all(bool((norm.weight == 1).all()) for norm in norms)


def test_absorbing_gains_leaves_families_alone_whose_norms_are_added_to():
    model = double("bert")
    assert torch.equal(logits(absorb_norm_gains(model)), logits(model))


# --- narrower heads -----------------------------------------------------------------------------


def head_maps(size, seed=0):
    """Maps onto other channels of a head, of which the inverse is known."""
    generator = torch.Generator().manual_seed(seed)
    turned = torch.linalg.qr(torch.randn(3, 4, 8, 8, generator=generator, dtype=torch.float64)).Q
    return HeadMaps(
        queries=turned[0][:, :size],
        keys=turned[0][:, :size],
        values=turned[1][:, :size],
        outputs=turned[1][:, :size].mT,
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_other_channels_of_the_heads_compute_the_same(family):
    model = double(family)
    assert_parity(
        logits(narrow_heads(model, [head_maps(8), head_maps(8, 1)])), logits(model), 1e-12
    )


def test_attention_of_narrower_heads_has_the_old_temperature():
    model = double("bert")
    with torch.no_grad():  # nothing in the channels that go
        for roles in view(model).linear_modules():
            for role in ("query", "key", "value"):
                roles[role].weight.unflatten(0, (4, 8))[:, 5:] = 0
                roles[role].bias.unflatten(0, (4, 8))[:, 5:] = 0
    keep = torch.eye(8, dtype=torch.float64)[:5].expand(4, 5, 8)
    maps = HeadMaps(queries=keep, keys=keep, values=keep, outputs=keep.mT)
    narrow = narrow_heads(model, [maps, maps])
    assert view(narrow).head_dim == 5
    assert_parity(logits(narrow), logits(model), atol=1e-12)


def test_a_narrowed_and_projected_model_is_ordinary(tmp_path):
    model = tiny_model("bert", "token_classification")
    narrow = narrow_heads(model, [head_maps(5), head_maps(5)])
    small = project_hidden(narrow, torch.eye(32, dtype=torch.float64)[:20])
    assert type(small) is type(model)
    verify_reload(small)
    small.save_pretrained(tmp_path)
    assert AutoModel.from_pretrained(tmp_path).config.hidden_size == 20
    loaded = AutoModelForTokenClassification.from_pretrained(tmp_path).eval()
    assert torch.equal(logits(loaded), logits(small))
