import json
from itertools import pairwise

import pytest
import torch
from transformers import AutoModel

from tests.parity import assert_parity
from tests.tiny import TINY_TEXT, tiny_inputs, tiny_pair
from tinyglot.architectures import view
from tinyglot.data.text import TextSource, sample_lines
from tinyglot.errors import NoEffectError
from tinyglot.methods.contract import Context
from tinyglot.methods.layer_dropping import METHOD, LayerDroppingConfig, LayerDroppingPlan
from tinyglot.methods.layer_dropping.influence import block_influence
from tinyglot.methods.layer_dropping.strategies import (
    choose_layers,
    preferred_by_influence,
    preferred_by_place,
)
from tinyglot.surgery import copy_model, keep_layers

PAIRS = [
    ("bert", "wordpiece"),
    ("xlm_roberta", "unigram"),
    ("distilbert", "wordpiece"),
    ("modernbert", "bpe_byte_fallback"),
    ("deberta_v2", "unigram"),
]


def _deep_pair(family, kind, num_layers=6):
    """Build a pair like ``tiny_pair`` of more layers, all different."""
    model, tokenizer = tiny_pair(family, kind)
    config = copy_model(model).config
    if family == "modernbert":
        config.layer_types = (["full_attention"] + ["sliding_attention"] * 2) * (num_layers // 3)
    config.num_hidden_layers = num_layers
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        deep = type(model)(config)
        for parameter in deep.parameters():
            torch.nn.init.normal_(parameter, 0.5 if parameter.dim() == 1 else 0.0, 0.2)
    return deep.eval(), tokenizer


def _plan(model, tokenizer=None, context=None, **options):
    return METHOD.plan(model, tokenizer, LayerDroppingConfig(**options), context or Context())


@pytest.fixture
def two_texts(tmp_path) -> Context:
    for tag, lines in {"swh-Latn": TINY_TEXT[:20], "amh-Ethi": TINY_TEXT[20:50]}.items():
        (tmp_path / f"{tag}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = {tag: (tmp_path / f"{tag}.txt",) for tag in ("swh-Latn", "amh-Ethi")}
    return Context(languages=("swh-Latn", "amh-Ethi"), text=text)


# --- strategies --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "num_layers", "kept"),
    [
        ("first", 3, (0, 1, 2)),
        ("last", 3, (3, 4, 5)),
        ("stride", 3, (0, 2, 4)),
        ("stride", 2, (0, 3)),
        ("stride", 4, (0, 1, 3, 4)),
        ("first_last", 2, (0, 5)),
        ("first_last", 3, (0, 1, 5)),
        ("first_last", 4, (0, 1, 4, 5)),
        ("first", 1, (0,)),
        ("last", 1, (5,)),
        ("stride", 1, (0,)),
        ("first_last", 1, (0,)),
    ],
)
def test_layers_by_place(strategy, num_layers, kept):
    model, _ = _deep_pair("bert", "wordpiece")
    assert _plan(model, strategy=strategy, num_layers=num_layers).kept_layers == kept


def test_every_second_of_twelve_is_the_stride_of_gurgurov():
    assert preferred_by_place("stride", 12, 6) == (0, 2, 4, 6, 8, 10)


@pytest.mark.parametrize("strategy", ["first", "last", "stride", "first_last"])
def test_a_strategy_keeps_as_many_different_layers_as_wanted(strategy):
    for num_layers in range(1, 25):
        for num_kept in range(1, num_layers + 1):
            kept = choose_layers(preferred_by_place(strategy, num_layers, num_kept), num_kept)
            assert len(set(kept)) == num_kept
            assert set(kept) <= set(range(num_layers))


def test_equal_influence_keeps_the_lower_layer():
    assert choose_layers(preferred_by_influence([0.1, 0.2, 0.1, 0.1]), 2) == (0, 1)


@pytest.mark.parametrize(("num_layers", "kept"), [(1, (0,)), (2, (0, 5)), (3, (0, 4, 5))])
def test_last_keeps_layer_0_of_modernbert_too(num_layers, kept):
    model, _ = _deep_pair("modernbert", "bpe_byte_fallback")
    plan = _plan(model, strategy="last", num_layers=num_layers)
    assert plan.kept_layers == kept
    assert "layer 0 has to stay in this architecture" in plan.summary()


def test_an_explicit_list_is_taken_as_it_is():
    model, _ = _deep_pair("bert", "wordpiece")
    plan = _plan(model, layers=[1, 4])
    assert (plan.strategy, plan.kept_layers) == ("explicit", (1, 4))
    assert plan.dropped_layers == (0, 2, 3, 5)


# --- block influence ---------------------------------------------------------------------------


def _naive_influence(model, tokenizer, lines):
    """One line at a time, no padding, from the recorded hidden states."""
    model = copy_model(model)
    if hasattr(model, "final_norm"):  # transformers would report the last state normed
        model.final_norm = torch.nn.Identity()
    sums, tokens = torch.zeros(len(view(model).layers)), 0
    for line in lines:
        inputs = tokenizer(line, truncation=True, max_length=64, return_tensors="pt")
        with torch.no_grad():
            states = model(
                inputs["input_ids"], inputs["attention_mask"], output_hidden_states=True
            ).hidden_states
        for layer, (before, after) in enumerate(pairwise(states)):
            norms = before[0].norm(dim=-1) * after[0].norm(dim=-1)
            sums[layer] += ((before[0] * after[0]).sum(-1) / norms).sum()
        tokens += inputs["input_ids"].shape[1]
    return 1 - sums / tokens


@pytest.mark.parametrize(("family", "kind"), PAIRS)
def test_block_influence_is_the_papers_formula(family, kind):
    model, tokenizer = _deep_pair(family, kind)
    measured = block_influence(model, tokenizer, TINY_TEXT[:20], max_length=64)
    assert_parity(torch.tensor(measured), _naive_influence(model, tokenizer, TINY_TEXT[:20]), 1e-5)


def test_the_order_of_the_lines_does_not_matter():
    model, tokenizer = _deep_pair("xlm_roberta", "unigram")
    forwards = block_influence(model, tokenizer, TINY_TEXT[:40], 64)
    backwards = block_influence(model, tokenizer, TINY_TEXT[:40][::-1], 64)
    assert_parity(torch.tensor(forwards), torch.tensor(backwards), atol=2e-6)


def _silence_(layer) -> None:
    """Make a ModernBERT layer add nothing to what it is given."""
    torch.nn.init.zeros_(layer.attn.Wo.weight)
    torch.nn.init.zeros_(layer.mlp.Wo.weight)


def test_layers_that_do_nothing_have_no_influence_and_go_without_a_trace(two_texts):
    model, tokenizer = _deep_pair("modernbert", "bpe_byte_fallback")
    for index in (2, 3):
        _silence_(model.layers[index])
    plan = _plan(model, tokenizer, two_texts, strategy="block_influence", num_layers=4)
    assert plan.mean_influence[2:4] == (0.0, 0.0)
    assert min(plan.mean_influence[i] for i in (0, 1, 4, 5)) > 0
    assert plan.kept_layers == (0, 1, 4, 5)
    new, _ = METHOD.apply(model, tokenizer, plan, two_texts)
    inputs = tiny_inputs(tokenizer)
    with torch.no_grad():
        assert_parity(new(**inputs).last_hidden_state, model(**inputs).last_hidden_state)


def test_layer_0_of_modernbert_stays_however_little_it_does(two_texts):
    model, tokenizer = _deep_pair("modernbert", "bpe_byte_fallback")
    _silence_(model.layers[0])
    plan = _plan(model, tokenizer, two_texts, strategy="block_influence", num_layers=2)
    assert plan.mean_influence[0] == 0.0
    assert plan.kept_layers[0] == 0


def test_every_language_counts_once(two_texts):
    model, tokenizer = _deep_pair("bert", "wordpiece")
    plan = _plan(model, tokenizer, two_texts, strategy="block_influence", num_layers=3)
    swahili, amharic = (plan.influence[tag] for tag in ("swh-Latn", "amh-Ethi"))
    assert swahili != amharic
    halfway = [(a + b) / 2 for a, b in zip(swahili, amharic, strict=True)]
    assert_parity(torch.tensor(plan.mean_influence), torch.tensor(halfway), atol=1e-6)


def test_a_language_alone_gives_its_own_values(two_texts):
    model, tokenizer = _deep_pair("bert", "wordpiece")
    options = {"strategy": "block_influence", "num_layers": 3}
    both = _plan(model, tokenizer, two_texts, **options)
    alone = Context(languages=("amh-Ethi",), text=two_texts.text)
    assert _plan(model, tokenizer, alone, **options).mean_influence == both.influence["amh-Ethi"]


def test_measuring_leaves_the_model_as_it_was(two_texts):
    model, tokenizer = _deep_pair("bert", "wordpiece")
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    _plan(model, tokenizer, two_texts, strategy="block_influence", num_layers=3)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_dropout_does_not_disturb_the_measure(two_texts):
    model, tokenizer = _deep_pair("bert", "wordpiece")
    options = {"strategy": "block_influence", "num_layers": 3}
    quiet = _plan(model, tokenizer, two_texts, **options)
    assert _plan(model.train(), tokenizer, two_texts, **options) == quiet


def test_a_head_does_not_change_the_measure():
    tagger, tokenizer = tiny_pair("xlm_roberta", "unigram", "token_classification")
    with_head = block_influence(tagger, tokenizer, TINY_TEXT[:10], 64)
    assert with_head == block_influence(tagger.roberta, tokenizer, TINY_TEXT[:10], 64)
    assert min(with_head) > 0


def test_lines_are_drawn_by_the_seed_in_the_order_of_the_text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{i}\n" for i in range(500)), encoding="utf-8")
    drawn = {seed: sample_lines(TextSource((path,)), 20, seed) for seed in (0, 1)}
    assert drawn[0] == sample_lines(TextSource((path,)), 20, 0)
    assert drawn[0] != drawn[1]
    assert len(set(drawn[0])) == 20
    assert drawn[0] == sorted(drawn[0], key=int)


def test_a_short_text_is_taken_whole(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("moja\nmbili\n", encoding="utf-8")
    assert sample_lines(TextSource((path,)), 20, 0) == ["moja", "mbili"]


# --- apply -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "kind"), PAIRS)
@pytest.mark.parametrize("strategy", ["first", "last", "stride", "first_last", "block_influence"])
def test_a_saved_result_computes_what_the_kept_layers_compute(
    family, kind, strategy, two_texts, tmp_path
):
    model, tokenizer = _deep_pair(family, kind)
    plan = _plan(model, tokenizer, two_texts, strategy=strategy, num_layers=3)
    new, same_tokenizer = METHOD.apply(model, tokenizer, plan, two_texts)
    new.save_pretrained(tmp_path / "model")
    attention = new.config._attn_implementation
    loaded = AutoModel.from_pretrained(tmp_path / "model", attn_implementation=attention).eval()
    inputs = tiny_inputs(tokenizer)
    with torch.no_grad():
        expected = keep_layers(model, plan.kept_layers)(**inputs).last_hidden_state
        assert_parity(loaded(**inputs).last_hidden_state, expected)
        uncut = model(**inputs).last_hidden_state
    assert loaded.config.num_hidden_layers == 3
    assert not torch.equal(uncut, expected)
    assert same_tokenizer is tokenizer


def test_a_plan_survives_json(two_texts):
    model, tokenizer = _deep_pair("bert", "wordpiece")
    plan = _plan(model, tokenizer, two_texts, strategy="block_influence", num_layers=3)
    again = METHOD.plan_class.model_validate(json.loads(plan.model_dump_json()))
    assert again == plan


def test_the_summary_says_what_goes_and_how_much_each_layer_does():
    plan = LayerDroppingPlan(
        strategy="block_influence",
        num_layers_before=3,
        kept_layers=(0, 2),
        influence={"swh-Latn": (0.5, 0.125, 0.25), "mlt-Latn": (0.3, 0.125, 0.25)},
    )
    assert plan.summary() == [
        "keep 2 of 3 layers (block_influence): 0 2",
        "drop 1",
        "layer 0: block influence 0.4000, kept",
        "layer 1: block influence 0.1250, dropped",
        "layer 2: block influence 0.2500, kept",
    ]


# --- new values ---------------------------------------------------------------------------------


def _first_layer(model):
    return torch.cat([value.flatten() for value in view(model).layers[0].state_dict().values()])


@pytest.mark.parametrize(("family", "kind"), [PAIRS[1], PAIRS[2]])
def test_layers_may_get_new_values_and_all_else_stays(family, kind):
    model, tokenizer = tiny_pair(family, kind, "masked_lm")
    options = {"num_layers": 1, "strategy": "first"}
    made = [
        METHOD.apply(model, tokenizer, _plan(model, reinitialise=new, **options), Context(seed))[0]
        for new, seed in ((False, 0), (True, 0), (True, 0), (True, 1))
    ]
    kept, first, again, other = made
    assert torch.equal(_first_layer(kept), _first_layer(model))
    assert torch.equal(_first_layer(first), _first_layer(again))
    different = (_first_layer(first) != _first_layer(kept)).float().mean()
    assert float(different) > 0.9
    assert not torch.equal(_first_layer(first), _first_layer(other))
    names = [name for name, _ in view(kept).layers[0].named_parameters()]
    rest = {n: v for n, v in kept.state_dict().items() if not n.endswith(tuple(names))}
    assert rest
    assert all(torch.equal(first.state_dict()[name], value) for name, value in rest.items())


def test_new_values_are_an_effect_and_are_told():
    model, _ = tiny_pair("bert", "wordpiece")
    plan = _plan(model, num_layers=2, reinitialise=True)
    assert "the layers that stay get new random values" in plan.summary()
    with pytest.raises(NoEffectError, match=r"every layer would stay[\s\S]*2 of 2 layers"):
        _plan(model, num_layers=2)
