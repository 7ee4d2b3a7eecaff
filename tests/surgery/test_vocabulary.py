import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.architectures.zoo import (
    MASKED_LMS,
    TIED_LMS,
    VOCABULARY,
    ZOO,
    run,
    sample_batch,
    zoo_model,
)
from tests.parity import assert_parity
from tinyglot.architectures import view
from tinyglot.errors import TokenIdRangeError
from tinyglot.surgery import gather_vocabulary, select_rows

NUM_KEPT = 61


def _new_id_to_old_id(name: str) -> torch.Tensor:
    """Shuffle ids; keep every special id (all below 12) and what a family pins."""
    encoder = view(zoo_model(name))
    generator = torch.Generator().manual_seed(1)
    pinned = list(encoder.pinned_token_ids)
    special = [token_id for token_id in range(12) if token_id not in pinned]
    others = (torch.randperm(VOCABULARY - 12, generator=generator) + 12).tolist()
    rest = [*special, *others[: NUM_KEPT - 12]]
    order = torch.randperm(len(rest), generator=generator).tolist()
    return torch.tensor([*pinned, *(rest[i] for i in order)])


def _old_and_new(name: str) -> tuple[dict, dict, torch.Tensor]:
    """Run a model and its gathered form on the same tokens."""
    model, kept = zoo_model(name), _new_id_to_old_id(name)
    padding_id = view(model).word_embeddings.padding_idx
    old_ids, mask = sample_batch(kept, padding_id)
    to_new = torch.full((VOCABULARY,), -1)
    to_new[kept] = torch.arange(len(kept))
    new = gather_vocabulary(model, kept)
    return run(model, old_ids, mask), run(new, to_new[old_ids], mask), kept


# --- exactness ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ZOO)
def test_hidden_states_and_task_logits_are_bit_equal(name):
    old, new, _ = _old_and_new(name)
    keys = [key for key in old if name not in MASKED_LMS or key != "logits"]
    compared = [key for key in keys if key != "prediction_logits"]
    assert len(compared) >= 5
    for key in compared:
        assert_parity(new[key], old[key])


@pytest.mark.parametrize("name", [*MASKED_LMS, "BertForPreTraining"])
def test_token_logits_are_those_of_the_kept_tokens(name):
    old, new, kept = _old_and_new(name)
    key = "prediction_logits" if name == "BertForPreTraining" else "logits"
    # The product with fewer columns may add in another order: bits, not values, may differ.
    assert_parity(new[key], old[key][..., kept], atol=1e-5)


@pytest.mark.parametrize("name", ZOO)
def test_every_vocabulary_tensor_holds_the_kept_rows(name):
    model, kept = zoo_model(name), _new_id_to_old_id(name)
    new = view(gather_vocabulary(model, kept))
    old_tensors = view(model).named_tensors()
    assert new.vocabulary_tensors() == view(model).vocabulary_tensors()
    for tensor_name, _ in new.vocabulary_tensors():
        assert_parity(new.named_tensors()[tensor_name], old_tensors[tensor_name][kept])


@pytest.mark.parametrize("name", ZOO)
def test_no_other_tensor_changes(name):
    model = zoo_model(name)
    new = view(gather_vocabulary(model, _new_id_to_old_id(name))).named_tensors()
    gathered = {tensor_name for tensor_name, _ in view(model).vocabulary_tensors()}
    for tensor_name, tensor in view(model).named_tensors().items():
        if tensor_name not in gathered:
            assert torch.equal(new[tensor_name], tensor)


@pytest.mark.parametrize("name", ZOO)
def test_the_given_model_is_not_changed(name):
    model, untouched = zoo_model(name), zoo_model(name)
    gather_vocabulary(model, _new_id_to_old_id(name))
    assert model.config.to_json_string() == untouched.config.to_json_string()
    assert view(model).word_embeddings.num_embeddings == VOCABULARY
    for tensor_name, tensor in view(untouched).named_tensors().items():
        assert torch.equal(view(model).named_tensors()[tensor_name], tensor)


# --- sizes, ids, ties --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ZOO)
def test_sizes_follow(name):
    new = gather_vocabulary(zoo_model(name), _new_id_to_old_id(name))
    assert new.config.vocab_size == NUM_KEPT
    assert view(new).word_embeddings.num_embeddings == NUM_KEPT
    output = new.get_output_embeddings()
    if output is not None and "new head" not in name:
        assert output.out_features == NUM_KEPT


@pytest.mark.parametrize("name", ZOO)
def test_token_ids_of_the_configuration_follow(name):
    model, kept = zoo_model(name), _new_id_to_old_id(name)
    new = gather_vocabulary(model, kept)
    fields = view(model).token_id_fields()
    assert "pad_token_id" in fields
    for field in fields:
        old_value, new_value = getattr(model.config, field), getattr(new.config, field)
        as_old = kept[torch.tensor(new_value)].tolist()
        assert as_old == old_value
    assert view(new).word_embeddings.padding_idx == new.config.pad_token_id


def test_a_list_of_token_ids_stays_a_list():
    new = gather_vocabulary(zoo_model("BertModel"), torch.tensor([11, 3, 5, 7]))
    assert new.config.eos_token_id == [3, 0]
    assert (new.config.pad_token_id, new.config.bos_token_id) == (1, 2)


def test_a_token_id_that_names_no_row_stays_as_it_is():
    model = zoo_model("BertModel")
    model.config.sep_token_id = -1
    new = gather_vocabulary(model, torch.tensor([11, 3, 5, 7]))
    assert new.config.sep_token_id == -1


def test_the_padding_row_still_gets_no_gradient():
    new = gather_vocabulary(zoo_model("BertModel"), torch.tensor([11, 3, 5, 7])).train()
    new(torch.tensor([[0, 1, 2]])).last_hidden_state.sum().backward()
    gradient = new.embeddings.word_embeddings.weight.grad.abs().sum(1)
    assert (gradient == 0).tolist() == [False, True, False, True]


def _ties(model) -> set[frozenset[str]]:
    by_tensor: dict[int, set[str]] = {}
    for name, tensor in view(model).named_tensors().items():
        by_tensor.setdefault(id(tensor), set()).add(name)
    return {frozenset(names) for names in by_tensor.values() if len(names) > 1}


@pytest.mark.parametrize("name", MASKED_LMS)
def test_ties_survive_gathering_saving_and_loading(name, tmp_path):
    model = zoo_model(name)
    new = gather_vocabulary(model, _new_id_to_old_id(name))
    new.save_pretrained(tmp_path)
    loaded = type(new).from_pretrained(tmp_path)
    assert _ties(new) == _ties(loaded) == _ties(model)
    assert view(loaded).is_tied == view(model).is_tied


@pytest.mark.parametrize("name", ZOO)
def test_a_gathered_model_computes_the_same_after_saving_and_loading(name, tmp_path):
    new = gather_vocabulary(zoo_model(name), _new_id_to_old_id(name))
    new.save_pretrained(tmp_path)
    options = {"add_pooling_layer": False} if "no pooler" in name else {}
    attention = new.config._attn_implementation
    loaded = type(new).from_pretrained(tmp_path, attn_implementation=attention, **options)
    ids, mask = sample_batch(torch.arange(12, NUM_KEPT), new.config.pad_token_id)
    expected = run(new, ids, mask)
    for key, value in run(loaded.eval(), ids, mask).items():
        assert_parity(value, expected[key])


@pytest.mark.parametrize("name", TIED_LMS)
def test_a_frozen_embedding_stays_frozen(name):
    model = zoo_model(name)
    view(model).word_embeddings.weight.requires_grad = False
    new = gather_vocabulary(model, _new_id_to_old_id(name))
    assert not view(new).word_embeddings.weight.requires_grad


# --- properties --------------------------------------------------------------------------------


@given(order=st.permutations(range(2, 40)))
@settings(max_examples=20, deadline=None)
def test_a_permutation_and_its_inverse_give_the_model_back(order):
    model = zoo_model("XLMRobertaForMaskedLM", vocab_size=40)
    there = torch.tensor([0, 1, *order])
    back = torch.argsort(there)
    again = gather_vocabulary(gather_vocabulary(model, there), back)
    assert again.config.to_json_string() == model.config.to_json_string()
    for name, tensor in view(model).named_tensors().items():
        assert torch.equal(view(again).named_tensors()[name], tensor)


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_gathering_twice_is_gathering_the_composition(data):
    model = zoo_model("BertForMaskedLM", vocab_size=40, eos_token_id=7)
    special = [3, 5, 7]
    first = torch.tensor(special + data.draw(st.lists(st.integers(8, 39), unique=True)))
    indices = data.draw(st.lists(st.integers(3, max(3, len(first) - 1)), unique=True))
    second = torch.tensor([2, 0, 1, *(i for i in indices if i < len(first))])
    twice = gather_vocabulary(gather_vocabulary(model, first), second)
    once = gather_vocabulary(model, first[second])
    assert twice.config.to_json_string() == once.config.to_json_string()
    for name, tensor in view(once).named_tensors().items():
        assert torch.equal(view(twice).named_tensors()[name], tensor)


# --- select_rows -------------------------------------------------------------------------------


def test_select_rows_takes_rows_in_the_given_order():
    weight = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    rows = select_rows(weight, torch.tensor([2, 0]))
    assert rows.tolist() == [[5.0, 6.0], [1.0, 2.0]]
    assert not rows.requires_grad


def test_select_rows_takes_entries_of_a_bias():
    assert select_rows(torch.tensor([10.0, 20.0, 30.0]), torch.tensor([1])).tolist() == [20.0]


def test_select_rows_keeps_the_dtype_and_the_original():
    weight = torch.ones(3, 2, dtype=torch.bfloat16)
    rows = select_rows(weight, torch.tensor([0, 1]))
    rows.zero_()
    assert rows.dtype == torch.bfloat16
    assert weight.tolist() == [[1.0, 1.0]] * 3


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("token_id", [7, -1])
def test_an_id_outside_the_vocabulary(token_id):
    with pytest.raises(TokenIdRangeError, match=rf"token id {token_id}[\s\S]*\[0, 3\)"):
        select_rows(torch.zeros(3, 2), torch.tensor([0, token_id]))


def test_an_id_twice():
    with pytest.raises(TokenIdRangeError, match=r"3 id\(s\), token id 1 more than once"):
        select_rows(torch.zeros(3, 2), torch.tensor([1, 0, 1]))


def test_no_id():
    with pytest.raises(TokenIdRangeError, match=r"0 id\(s\)\n"):
        select_rows(torch.zeros(3, 2), torch.tensor([], dtype=torch.long))


def test_gathering_refuses_ids_outside_the_vocabulary():
    with pytest.raises(TokenIdRangeError, match=r"token id 1009[\s\S]*\[0, 1009\)"):
        gather_vocabulary(zoo_model("BertModel"), torch.tensor([3, 5, 7, 11, 1009]))


def test_tokens_of_the_configuration_must_be_kept_and_all_missing_ones_are_named():
    message = r"3 token\(s\)[\s\S]*bos_token_id = 5, eos_token_id = 7, eos_token_id = 11"
    with pytest.raises(TokenIdRangeError, match=message):
        gather_vocabulary(zoo_model("BertModel"), torch.tensor([3, 4]))


def test_the_padding_row_must_be_kept():
    with pytest.raises(TokenIdRangeError, match=r"padding_idx = 3, pad_token_id = 3"):
        gather_vocabulary(zoo_model("BertModel"), torch.tensor([5, 7, 11]))


def test_roberta_may_not_move_its_padding_id():
    with pytest.raises(TokenIdRangeError, match=r"token id 0 at 1[\s\S]*ids 0, 1 first"):
        gather_vocabulary(zoo_model("XLMRobertaModel"), torch.tensor([2, 0, 1]))
