"""Importance of heads, neurons, layers and hidden channels."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.parity import assert_parity
from tests.tiny import FAMILIES, TINY_LABELS, tiny_model
from tinyglot.architectures import view
from tinyglot.errors import MissingInputError
from tinyglot.importance import KINDS, Gates, gated, measure_importance, sequence_losses
from tinyglot.importance.measure import widest
from tinyglot.surgery import Structures, keep_structures

HEADS = ("token_classification", "sequence_classification", "question_answering", "masked_lm")


def batch(head="token_classification", width=10):
    """Four sequences with labels, one of which is shorter."""
    labels = len(TINY_LABELS.get(head, range(50)))
    ids = torch.arange(5, 5 + 4 * width).reshape(4, width)
    if head == "sequence_classification":
        found = torch.arange(4)[:, None] % labels
    elif head == "question_answering":
        found = torch.tensor([[1, 2], [0, 3], [2, 2], [1, 4]])
    else:
        found = ids % labels
        found[:, 0] = -100
    mask = (torch.arange(width) < torch.tensor([[width], [7], [width], [5]])).long()
    return {"input_ids": ids, "attention_mask": mask, "labels": found}


def flat(importance):
    return torch.cat([each.flatten() for kind in KINDS for each in importance.of(kind)])


def loss_of_each(model, gates, inputs):
    with torch.no_grad(), gated(model, gates):
        given = {name: value for name, value in inputs.items() if name != "labels"}
        return sequence_losses(model, given, inputs["labels"], "labels", torch.Generator())


@pytest.mark.parametrize("family", FAMILIES)
def test_taylor_is_what_the_loss_changes_by_to_first_order(family):
    """Numeric differences in float64, a gate at a time; ModernBERT rotates in float32 even so."""
    model = tiny_model(family, "token_classification").double()
    step, tolerance = (1e-3, 3e-3) if family == "modernbert" else (1e-5, 1e-5)
    inputs = batch()
    importance = measure_importance(model, [inputs], "taylor")
    for kind, layer, unit in (
        ("heads", 1, 2),
        ("neurons", 0, 7),
        ("layers", 1, 0),
        ("hidden", 0, 9),
    ):
        changed = []
        for value in (1 + step, 1 - step):
            gates = Gates.ones(model)
            with torch.no_grad():
                getattr(gates, kind)[layer][unit] = value
            changed.append(loss_of_each(model, gates, inputs))
        expected = ((changed[0] - changed[1]) / (2 * step)).abs().mean()
        found = importance.layers[layer] if kind == "layers" else importance.of(kind)[layer][unit]
        assert float(found) == pytest.approx(float(expected), rel=tolerance)
        assert float(found) > 0


def test_taylor_takes_absolute_values_before_the_mean():
    model, inputs = tiny_model("bert", "token_classification").double(), batch()
    together = measure_importance(model, [inputs], "taylor")
    alone = [
        measure_importance(model, [{n: v[i : i + 1] for n, v in inputs.items()}], "taylor")
        for i in range(4)
    ]
    assert_parity(flat(together), torch.stack([flat(each) for each in alone]).mean(0), atol=1e-12)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("loss", ["labels", "logits", "hidden_states"])
def test_every_loss_measures_every_unit_of_every_head(head, loss):
    model, inputs = tiny_model("xlm_roberta", head), batch(head)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    importance = measure_importance(model, [inputs], "taylor", loss)
    assert all(bool((each > 0).all()) for each in (*importance.heads, *importance.neurons))
    assert bool(torch.isfinite(flat(importance)).all())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("scorer", ["taylor", "activation", "magnitude", "random"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_scorer_gives_a_value_for_each_unit(scorer, family):
    model = tiny_model(family, "token_classification")
    importance, encoder = measure_importance(model, [batch()], scorer), view(model)
    assert tuple(map(len, importance.heads)) == encoder.num_heads
    assert tuple(map(len, importance.neurons)) == encoder.ffn_sizes
    assert importance.layers.shape == (len(encoder.layers),)
    assert importance.hidden.shape == (encoder.hidden_size,)
    assert importance.scorer == scorer
    assert flat(importance).unique().numel() > len(flat(importance)) / 2


@pytest.mark.parametrize("scorer", ["taylor", "activation", "random"])
def test_the_same_seed_measures_the_same(scorer):
    model, loss = tiny_model("bert", "masked_lm"), "logits"
    first, again, other = (
        flat(measure_importance(model, [batch("masked_lm")], scorer, loss, seed))
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (scorer == "activation")


@pytest.mark.parametrize("scorer", ["taylor", "activation"])
def test_padding_measures_nothing(scorer):
    model, inputs = tiny_model("bert", "token_classification").double(), batch()
    longer = {
        name: torch.nn.functional.pad(value, (0, 3), value=-100 if name == "labels" else 0)
        for name, value in inputs.items()
    }
    found = flat(measure_importance(model, [inputs], scorer))
    assert_parity(flat(measure_importance(model, [longer], scorer)), found, atol=1e-12)


@pytest.mark.parametrize("scorer", ["taylor", "activation", "magnitude"])
def test_units_in_another_order_are_measured_in_that_order(scorer):
    model = tiny_model("deberta_v2", "token_classification").double()
    all_ = Structures.of(model)
    turned = all_.keep(
        heads=tuple(each[::-1] for each in all_.heads),
        neurons=tuple(each[::-1] for each in all_.neurons),
        hidden=all_.hidden[::-1],
    )
    before = measure_importance(model, [batch()], scorer)
    after = measure_importance(keep_structures(model, turned), [batch()], scorer)
    for kind in ("heads", "neurons", "hidden"):
        for one, other in zip(before.of(kind), after.of(kind), strict=True):
            assert_parity(other.flip(0), one, atol=1e-9)


def test_a_unit_without_weights_out_does_not_matter():
    model = tiny_model("modernbert", "token_classification")
    roles = view(model).linear_modules()[1]
    with torch.no_grad():
        roles["ffn_out"].weight[:, 5] = 0
        roles["attention_output"].weight[:, :8] = 0  # the first of four heads of 8 channels
    for scorer in ("taylor", "magnitude"):
        importance = measure_importance(model, [batch()], scorer)
        assert float(importance.neurons[1][5]) == 0 < float(importance.neurons[1].median())
        assert float(importance.heads[1][0]) == 0 < float(importance.heads[1][1])


def test_magnitudes_by_hand():
    model = tiny_model("bert")
    importance, roles = measure_importance(model, [], "magnitude"), view(model).linear_modules()[0]
    inner = roles["ffn_in"].weight[3].norm() * roles["ffn_out"].weight[:, 3].norm()
    assert float(importance.neurons[0][3]) == pytest.approx(inner.item(), rel=1e-5)
    head = roles["attention_output"].weight[:, 8:16].norm()
    assert float(importance.heads[0][1]) == pytest.approx(head.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("head", "loss", "message"),
    [
        ("encoder", "labels", r"no head[\s\S]*hidden_states"),
        ("encoder", "logits", r"no head[\s\S]*hidden_states"),
    ],
)
def test_an_encoder_without_a_head_is_measured_by_hidden_states_only(head, loss, message):
    with pytest.raises(MissingInputError, match=message):
        measure_importance(tiny_model("bert", head), [batch()], "taylor", loss)


def test_no_labels_and_no_data_are_said():
    model, inputs = tiny_model("bert", "token_classification"), batch()
    inputs.pop("labels")
    with pytest.raises(MissingInputError, match=r"the data have none[\s\S]*hidden_states"):
        measure_importance(model, [inputs], "taylor", "labels")
    with pytest.raises(MissingInputError, match=r"no data[\s\S]*scorer activation"):
        measure_importance(model, [], "activation")


def test_sequences_without_labels_do_not_count():
    model, inputs = tiny_model("bert", "token_classification").double(), batch()
    inputs["labels"][2:] = -100
    first = {name: value[:2] for name, value in inputs.items()}
    found = flat(measure_importance(model, [inputs], "taylor"))
    assert_parity(found, flat(measure_importance(model, [first], "taylor")), atol=1e-12)
    for loss in ("logits", "hidden_states"):  # which need none
        assert float(flat(measure_importance(model, [inputs], "taylor", loss)).min()) > 0
    inputs["labels"][:] = -100
    with pytest.raises(MissingInputError, match=r"no labelled sequence[\s\S]*at least one"):
        measure_importance(model, [inputs], "taylor")


@pytest.mark.parametrize(("device", "dtype"), [("cpu", torch.float64), ("mps", torch.float32)])
def test_sums_are_as_precise_as_the_device_allows(device, dtype):
    with FakeTensorMode():
        assert widest(torch.empty(2, device=device)).dtype == dtype
