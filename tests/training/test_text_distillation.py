"""The parts of distillation on text, held against naive ones."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.parity import assert_parity
from tests.tiny import FAMILIES, tiny_model, tiny_tokenizer
from tests.training.text_distillation import (
    batch,
    gradients,
    naive_relations,
    nothing_hidden,
    pair,
    queries_keys_values,
)
from tinyglot.architectures import lm_logits, view
from tinyglot.errors import (
    LayerRangeError,
    MissingInputError,
    StructureRangeError,
    VocabularyMismatchError,
)
from tinyglot.methods.layer_dropping.strategies import choose_layers, preferred_by_place
from tinyglot.training.distillation import (
    EmbeddingsObjective,
    HiddenStatesObjective,
    LogitKlObjective,
    LogitMseObjective,
    MaskedLmObjective,
    RelationsObjective,
    TextDistillation,
    check_same_vocabulary,
    logits,
    map_layers,
    parts,
)
from tinyglot.training.distillation.chunks import sum_of_chunks
from tinyglot.training.distillation.losses import divergence_sum, relation_divergence_sum
from tinyglot.training.distillation.parts import relation_heads
from tinyglot.training.distillation.text import weighted_mean

TAUGHT = (
    LogitMseObjective(weight=0.5),
    LogitKlObjective(weight=2, temperature=3),
    HiddenStatesObjective(layer_mapping=[[0, 1], [1, 1]]),
    HiddenStatesObjective(weight=0.1),
    RelationsObjective(weight=0.3, num_relation_heads=8),
    EmbeddingsObjective(),
)
ALL = (MaskedLmObjective(weight=0.7), *TAUGHT)


@pytest.fixture
def few_at_once(monkeypatch):
    """Three positions, or one sequence, at a time."""
    monkeypatch.setattr(logits, "_NUMBERS_AT_ONCE", 3 * 400)
    monkeypatch.setattr(parts, "_NUMBERS_AT_ONCE", 1)


# --- against naive ones ---------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_alone_gives_the_logits_of_the_whole_model(family):
    model, (inputs, _) = tiny_model(family, "masked_lm"), batch(family)
    kept = inputs["attention_mask"].bool()
    with torch.no_grad():
        states = view(model).encoder(**inputs)[0][kept]
        assert_parity(lm_logits(model, states), model(**inputs).logits[kept], atol=1e-5)


@pytest.mark.parametrize("positions", ["all", "masked"])
@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta_v2"])
def test_logits_in_chunks_are_the_naive_loss_with_its_gradients(few_at_once, family, positions):
    """To float64: chunks of three positions against all logits at once."""
    (teacher, student), (inputs, labels) = pair(family), batch(family)
    objectives = ALL[:3]
    found = TextDistillation(student, teacher, objectives, positions)
    loss = found.loss(student, inputs, labels, 6)
    grads = gradients(student, loss)

    seen = inputs["attention_mask"].bool() if positions == "all" else labels.ne(-100)
    z, t = student(**inputs).logits, teacher(**inputs).logits.detach()
    p, q = (t[seen] / 3).softmax(-1), (z[seen] / 3).softmax(-1)
    values = [
        torch.nn.functional.cross_entropy(z.flatten(0, 1), labels.flatten()),
        (z[seen] - t[seen]).pow(2).mean(),
        9 * (p * (p / q).log()).sum() / seen.sum(),
    ]
    expected = 0.7 * values[0] + 0.5 * values[1] + 2 * values[2]
    assert_parity(torch.stack([*found.batches[0][1], loss]), torch.stack([*values, expected]), 1e-9)
    assert_parity(grads, gradients(student, expected), atol=1e-9)


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta_v2"])
def test_relations_are_those_of_each_token_in_each_head(few_at_once, family):
    (teacher, student), (inputs, labels) = pair(family), batch(family)
    options = RelationsObjective(student_layer=0, teacher_layer=1, num_relation_heads=8)
    found = TextDistillation(student, teacher, [options])
    loss = found.loss(student, inputs, labels, 6)
    grads = gradients(student, loss)
    inputs = nothing_hidden(inputs, labels)
    triples = zip(
        queries_keys_values(student, inputs, 0),
        queries_keys_values(teacher, inputs, 1),
        strict=True,
    )
    expected = sum(
        naive_relations(own, taught.detach(), inputs["attention_mask"], 8)
        for own, taught in triples
    )
    assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
    assert_parity(grads, gradients(student, expected), atol=1e-9)


@pytest.mark.parametrize("family", ["xlm_roberta", "distilbert"])
def test_hidden_states_and_embeddings_are_mean_squared_distances(family):
    (teacher, student), (inputs, labels) = pair(family), batch(family)
    found = TextDistillation(
        student, teacher, [HiddenStatesObjective(layer_mapping=[[0, 1]]), EmbeddingsObjective()]
    )
    _, values = found.compare(student, inputs, labels)
    inputs = nothing_hidden(inputs, labels)
    kept = inputs["attention_mask"].bool()
    states = [
        view(model).encoder(**inputs, output_hidden_states=True).hidden_states
        for model in (student, teacher)
    ]
    expected = [(states[0][i] - states[1][j])[kept].pow(2).mean() for i, j in ((1, 2), (0, 0))]
    assert_parity(values, torch.stack(expected), atol=1e-9)


# --- what holds for all ---------------------------------------------------------------------------


@pytest.mark.parametrize("positions", ["all", "masked"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_student_that_is_its_teacher_has_nothing_to_learn(family, positions):
    model, (inputs, labels) = tiny_model(family, "masked_lm"), batch(family)
    objectives = [each for each in TAUGHT if getattr(each, "layer_mapping", "block") == "block"]
    found = TextDistillation(model, model, objectives, positions)
    total, values = found.compare(model, inputs, labels)
    assert values.tolist() == [0.0] * 5
    assert total.item() == 0.0


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta_v2"])
def test_more_padding_changes_neither_loss_nor_gradients(family):
    teacher, student = pair(family)
    results = []
    for padding in (0, 5):
        inputs, labels = batch(family, padding)
        found = TextDistillation(student, teacher, ALL, "all")
        loss = found.loss(student, inputs, labels, 6)
        results.append((found.batches[0][1], gradients(student, loss)))
    assert_parity(results[1][0], results[0][0], atol=1e-9)
    assert_parity(results[1][1], results[0][1], atol=1e-9)


@given(seed=st.integers(0, 2**20), temperature=st.floats(0.5, 9), length=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_divergences_are_never_negative_and_zero_at_equality(seed, temperature, length):
    generator = torch.Generator().manual_seed(seed)
    own, taught = torch.randn(2, 2, 6, 12, generator=generator, dtype=torch.float64) * 3
    mask = (torch.arange(6) < length).expand(2, 6)
    assert float(divergence_sum(own[0], own[0], temperature)) == 0.0
    assert float(divergence_sum(own[0], taught[0], temperature)) > 0
    assert float(relation_divergence_sum(own, own, mask, 3)) == 0.0
    assert float(relation_divergence_sum(own, taught, mask, 3)) >= 0
    padding = torch.where(mask[..., None], own, 99.0)
    assert_parity(
        [float(relation_divergence_sum(padding, taught, mask, 3)), 1.0],
        [float(relation_divergence_sum(own, taught, mask, 3)), 1.0],
        atol=1e-9 if length > 1 else 0.0,
    )


@given(rows=st.integers(1, 9), size=st.integers(1, 10))
@settings(max_examples=30, deadline=None)
def test_a_sum_of_chunks_is_the_sum(rows, size):
    generator = torch.Generator().manual_seed(rows)
    x, w = (
        torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
        for shape in ((rows, 4), (4, 5))
    )
    unused = torch.ones(2, requires_grad=True)
    places = torch.arange(rows)

    def function(values, place):
        scores = (values @ w).sin() * (1 + place[:, None])
        return scores.sum(), scores.detach().square().sum()[None]

    total, other = sum_of_chunks(function, (x, places), size, (w, unused))
    found = torch.autograd.grad(3 * total, (x, w, unused))
    expected = torch.autograd.grad(3 * function(x, places)[0], (x, w))
    assert_parity(
        torch.cat([total[None], other]).detach(),
        torch.stack([function(x, places)[0].detach(), function(x, places)[1][0]]),
        atol=1e-10,
    )
    for gradient, wanted in zip(found, expected, strict=False):
        assert_parity(gradient, wanted, atol=1e-10)
    assert found[2].tolist() == [0, 0]
    assert not other.requires_grad


def test_no_more_logits_are_held_than_a_few_positions(few_at_once, monkeypatch):
    sizes = []

    def watched(model, states):
        sizes.append(len(states))
        return lm_logits(model, states)

    monkeypatch.setattr(logits, "lm_logits", watched)
    (teacher, student), (inputs, labels) = pair(), batch()
    TextDistillation(student, teacher, TAUGHT[:1], "all").loss(student, inputs, labels, 6)
    assert max(sizes) == 3
    assert sum(sizes) == 2 * int(inputs["attention_mask"].sum())


def test_the_teacher_and_the_student_stay_as_they_were():
    (teacher, student), (inputs, labels) = pair(), batch()
    teacher.train()
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    hooks = [len(module._forward_hooks) for module in [*teacher.modules(), *student.modules()]]
    found = TextDistillation(student, teacher, ALL)
    values = [found.compare(student, inputs, labels)[1] for _ in range(2)]
    assert values[0].tolist() == values[1].tolist()  # dropout of the teacher would differ
    assert teacher.training
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert hooks == [len(m._forward_hooks) for m in [*teacher.modules(), *student.modules()]]
    assert student(**inputs).logits.shape == (3, 10, 400)


def test_a_step_counts_every_hidden_token_once_in_whatever_batches():
    (teacher, student), (inputs, labels) = pair(), batch()
    found = TextDistillation(student, teacher, [MaskedLmObjective()])
    whole = found.loss(student, inputs, labels, 6)
    halves = [
        found.loss(student, {k: v[rows] for k, v in inputs.items()}, labels[rows], 6)
        for rows in (slice(0, 2), slice(2, 3))
    ]
    assert (halves[0] + halves[1]).item() == pytest.approx(whole.item(), rel=1e-9)


@pytest.mark.parametrize("num_items", [0, 4])
def test_a_batch_without_a_hidden_token_counts_for_nothing(num_items):
    """Of unknown tokens only, say; with 0 none of the other processes has any either."""
    (teacher, student), (inputs, labels) = pair(), batch()
    found = TextDistillation(student, teacher, ALL[:3])
    loss = found.loss(student, inputs, torch.full_like(labels, -100), num_items)
    assert loss.item() == 0.0
    grads = gradients(student, loss)
    assert len(grads) > 10_000
    assert not grads.any()
    assert weighted_mean(found.batches).tolist() == [0.0] * 3


# --- other widths, no head ------------------------------------------------------------------------


def narrow(head="encoder"):
    """A student of half the width, with one layer fewer."""
    from transformers import BertConfig, BertForMaskedLM, BertModel

    config = BertConfig(
        vocab_size=400,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=20,
    )
    torch.manual_seed(0)
    return (BertModel if head == "encoder" else BertForMaskedLM)(config).double().eval()


def test_a_narrow_encoder_learns_without_head_through_linear_maps():
    teacher, student, (inputs, _) = pair()[0], narrow(), batch()
    options = [HiddenStatesObjective(), EmbeddingsObjective(), RelationsObjective()]
    found = TextDistillation(student, teacher, options, seed=3)
    maps = dict(found.trainable.named_children())
    assert {name: tuple(m.weight.shape) for name, m in maps.items()} == {
        "embeddings": (32, 16),
        "hidden_states_0_1": (32, 16),
    }
    loss = found.loss(student, inputs, None)
    assert float(gradients(student, loss).abs().sum()) > 0
    assert all(float(linear_map.weight.grad.abs().sum()) > 0 for linear_map in maps.values())
    same = TextDistillation(student, teacher, options, seed=3)
    assert torch.equal(same.trainable["embeddings"].weight, found.trainable["embeddings"].weight)
    assert TextDistillation(student, teacher, [RelationsObjective()]).trainable is None


def test_relation_heads_divide_both_widths():
    assert [relation_heads(None, *widths) for widths in ((384, 768), (384, 1024), (312, 384))] == [
        *(48, 64),
        24,
    ]
    assert relation_heads(None, 7, 12) == 1
    with pytest.raises(
        StructureRangeError, match=r"num_relation_heads 5, a student of 16[\s\S]*one of 1, 2, 4, 8"
    ):
        TextDistillation(narrow(), pair()[0], [RelationsObjective(num_relation_heads=5)])


# --- refusals -------------------------------------------------------------------------------------


def test_a_projection_that_is_forbidden_and_needed_is_an_error():
    with pytest.raises(
        StructureRangeError, match=r"student of 16 channels, a teacher of 32[\s\S]*relations"
    ):
        TextDistillation(narrow(), pair()[0], [HiddenStatesObjective(projection=False)])


def test_a_projection_where_none_is_needed_is_made_when_asked_for():
    teacher, student = pair()
    found = TextDistillation(student, teacher, [EmbeddingsObjective(projection=True)])
    assert found.trainable["embeddings"].weight.shape == (32, 32)


def test_a_teacher_without_a_head_has_no_logits():
    with pytest.raises(MissingInputError, match=r"teacher has no masked-LM head[\s\S]*BertModel"):
        TextDistillation(pair()[1], pair(head="encoder")[0], [LogitKlObjective()])


def test_a_student_without_a_head_or_labels_has_none_either():
    teacher, _ = pair()
    inputs, labels = batch()
    headless = tiny_model("bert", "encoder").double()
    with pytest.raises(MissingInputError, match=r"student has no masked-LM head[\s\S]*BertModel"):
        TextDistillation(headless, teacher, [LogitKlObjective()]).loss(headless, inputs, labels)
    with pytest.raises(MissingInputError, match=r"which tokens are hidden[\s\S]*without labels"):
        TextDistillation(teacher, teacher, [LogitKlObjective()]).loss(teacher, inputs, None)


def test_other_vocabularies_are_refused_with_the_first_difference():
    with pytest.raises(VocabularyMismatchError, match=r"400 token ids of the student, 300 of the"):
        TextDistillation(tiny_model("bert"), tiny_model("bert", vocab_size=300), TAUGHT[4:])
    student, teacher = tiny_tokenizer("wordpiece"), tiny_tokenizer("wordpiece")
    check_same_vocabulary(student, teacher)
    teacher.add_tokens(["zzqq"])
    with pytest.raises(
        VocabularyMismatchError,
        match=rf"1 token id\(s\)[\s\S]*id {len(student)}: none of[\s\S]*'zzqq'[\s\S]*trim first",
    ):
        check_same_vocabulary(student, teacher)


@pytest.mark.parametrize("num_student", [1, 2, 3, 6])
@pytest.mark.parametrize("strategy", ["stride", "first", "last", "first_last"])
def test_layers_of_a_name_are_those_that_layer_dropping_keeps(strategy, num_student):
    kept = choose_layers(preferred_by_place(strategy, 12, num_student), num_student)
    assert map_layers(strategy, num_student, 12) == tuple(enumerate(kept))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (((0, 12),), r"outside the teacher[\s\S]*layer 12 of[\s\S]*layers in \[0, 12\)"),
        (((6, 1),), r"outside the student[\s\S]*layer 6 of[\s\S]*layers in \[0, 6\)"),
        (((0, -1),), r"outside the teacher[\s\S]*layer -1 of"),
    ],
)
def test_layers_outside_are_refused_with_the_range(mapping, message):
    with pytest.raises(LayerRangeError, match=message):
        map_layers(mapping, 6, 12)


def test_a_relation_of_a_layer_outside_is_refused():
    teacher, student = pair()
    with pytest.raises(LayerRangeError, match=r"layer 2 of the teacher[\s\S]*\[0, 2\)"):
        TextDistillation(student, teacher, [RelationsObjective(teacher_layer=2)])


def test_what_no_part_reaches_is_named():
    """Relations of the last layer need neither its output nor its feed-forward matrices."""
    teacher, student = pair(head="encoder")
    found = TextDistillation(student, teacher, [RelationsObjective()]).unreached(student)
    names = {id(parameter): name for name, parameter in student.named_parameters()}
    left_out = {names[id(parameter)] for parameter in found}
    assert {name.split(".")[0] for name in left_out} == {"encoder", "pooler"}
    assert all(name.startswith(("encoder.layer.1.", "pooler.")) for name in left_out)
    assert "encoder.layer.1.attention.self.query.weight" not in left_out
    assert "encoder.layer.1.intermediate.dense.weight" in left_out
    masked = TextDistillation(*pair(), [MaskedLmObjective()])
    assert masked.unreached(pair()[1]) == []
