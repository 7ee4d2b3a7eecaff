"""Removing neurons: languages, iterations, recovery, distillation, and what is refused."""

import json
from dataclasses import replace

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.methods.trimming import LINES
from tests.methods.unit_pruning import (
    QUICK,
    apply,
    blocks_of_the_card,
    digest,
    labelled,
    plan_of,
    run_the_card,
    texts,
    trained_pair,
)
from tests.tiny import tiny_inputs, tiny_pair
from tinyglot.architectures import view
from tinyglot.errors import (
    DataNotFoundError,
    MissingInputError,
    PlanOutdatedError,
    UncoveredTextError,
    UnknownLabelError,
    UnsupportedArchitectureError,
)
from tinyglot.importance import jaccard
from tinyglot.methods.contract import Context
from tinyglot.methods.registry import get_method
from tinyglot.surgery import Structures, keep_structures
from tinyglot.training.gating import Budget
from tinyglot.training.pruning import removals

NAME = "ffn_pruning"


# --- languages ----------------------------------------------------------------------------------


def flat(importance):
    return torch.tensor([value for layer in importance for value in layer], dtype=torch.float64)


@pytest.fixture
def by_language(tmp_path):
    """Plans for each of two languages alone, and a way to plan for both."""
    pair, context = tiny_pair("xlm_roberta", "unigram"), texts(tmp_path)

    def plan(**options):
        return plan_of(NAME, pair, context, scorer="activation", **options)

    alone = [plan(importance_languages=[tag]) for tag in context.languages]
    return alone, lambda how: plan(aggregate=how)


def test_one_mask_for_all_languages_or_one_for_each(by_language):
    alone, together = by_language
    one, other = (plan.kept for plan in alone)
    assert [tuple(plan.num_sentences) for plan in alone] == [("swh-Latn",), ("hin-Deva",)]
    assert 0 < jaccard(one, other) < 1
    assert tuple(map(len, one)) == tuple(map(len, together("pooled").kept)) == (24, 24)


def test_aggregations_are_those_of_the_languages_alone(by_language):
    alone, together = by_language
    one, other = (flat(plan.importance) for plan in alone)
    scaled = [each / each.square().mean().sqrt() for each in (one, other)]
    expected = {
        "mean": (one + other) / 2,
        "normalised_mean": (scaled[0] + scaled[1]) / 2,
        "worst_language": torch.maximum(*scaled),
    }
    for how, values in expected.items():
        assert flat(together(how).importance).tolist() == pytest.approx(values.tolist(), rel=1e-4)
    pooled = flat(together("pooled").importance)  # a mean weighted by tokens
    assert bool((pooled >= torch.minimum(one, other) * (1 - 1e-5)).all())
    assert bool((pooled <= torch.maximum(one, other) * (1 + 1e-5)).all())


# --- iterations ---------------------------------------------------------------------------------


@given(
    layers=st.integers(1, 12),
    width=st.integers(2, 64),
    iterations=st.integers(1, 12),
    uniform=st.booleans(),
    data=st.data(),
)
def test_removals_fall_to_the_budget(layers, width, iterations, uniform, data):
    kept = data.draw(st.integers(1, width - 1)) * layers
    found = removals(Budget((width,) * layers, kept), iterations, uniform=uniform)
    assert found[-1] == kept
    assert list(found) == sorted(set(found), reverse=True)
    assert found[0] < width * layers
    assert 1 <= len(found) <= iterations
    assert not uniform or all(number % layers == 0 for number in found)


def test_several_removals_keep_parts_of_what_was_there(tmp_path):
    pair, context = tiny_pair("modernbert", "bpe_byte_fallback"), texts(tmp_path)
    options = {"pruning_ratio": 0.5, "shape": "free", "max_unk_rate": 1.0}
    plan = plan_of(NAME, pair, context, iterations=3, **options)
    assert plan.schedule == (93, 75, 72)
    (tmp_path / "step").mkdir()
    context = replace(context, directory=tmp_path / "step")
    smaller = apply(plan, pair, context)
    facts = json.loads((tmp_path / "step" / "facts.json").read_text())
    kept = tuple(tuple(layer) for layer in facts["kept"])
    assert sum(map(len, kept)) == 72 == sum(facts["num_kept"])
    assert all(set(now) <= set(first) for now, first in zip(kept, plan.kept, strict=True))
    at_once = keep_structures(pair[0], Structures.of(pair[0]).keep(neurons=kept))
    assert digest(smaller) == digest(at_once)
    one_shot = plan_of(NAME, pair, context, **options)
    assert jaccard(kept, one_shot.kept) < 1  # measured anew, it chooses otherwise


def test_several_removals_each_have_a_training(tmp_path):
    pair, context = trained_pair(), replace(labelled(tmp_path), directory=tmp_path)
    options = {"pruning_ratio": 0.5, "shape": "free", "iterations": 2, "recovery": "train"}
    plan = plan_of(
        NAME, pair, context, calibration_sentences=8, steps_between=2, **QUICK, **options
    )
    whole = apply(plan, pair, context)
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert [each["num_steps"] for each in facts["trainings"]] == [2, 3]
    assert facts["num_steps"] == 3
    assert plan.num_steps_between == 2
    assert sum(view(whole).ffn_sizes) == 48 == sum(facts["num_kept"])


def test_recovery_puts_a_head_on_a_bare_encoder_and_learns_from_a_trained_one(tmp_path):
    context, options = labelled(tmp_path), {**QUICK, "recovery": "train", "scorer": "magnitude"}
    bare = tiny_pair("xlm_roberta", "unigram")
    plan = plan_of(NAME, bare, context, **options)
    assert (plan.training.head, plan.loss) == ("new", None)
    assert tuple(apply(plan, bare, context).config.id2label.values()) == plan.training.labels
    trained = trained_pair()
    results = {}
    for name, distillation in {"alone": None, "taught": {"soft_loss_weight": 1.0}}.items():
        plan = plan_of(
            NAME, trained, context, distillation=distillation, **{**options, "max_steps": 12}
        )
        results[name] = apply(plan, trained, context)
    inputs = tiny_inputs(trained[1])

    def far(model):
        with torch.no_grad():
            logits = [each(**inputs)[0] for each in (model, trained[0])]
        return float((logits[0] - logits[1]).square().mean())

    assert far(results["taught"]) < far(results["alone"])
    assert any("learn from the logits" in line for line in plan.summary())


def test_a_masked_language_model_is_measured_by_hidden_tokens_and_recovers(tmp_path):
    data = tmp_path / "data" / "swh-Latn"
    data.mkdir(parents=True)
    for split in ("train", "dev"):
        (data / f"{split}.txt").write_text("\n".join(LINES["swh-Latn"]) + "\n", encoding="utf-8")
    context = Context(languages=("swh-Latn",), task="mlm", data=str(tmp_path / "data"))
    pair = tiny_pair("xlm_roberta", "unigram", "masked_lm")
    plan = plan_of(NAME, pair, context, recovery="train", **QUICK)
    assert (plan.loss, plan.training.head) == ("labels", "continued")
    smaller = apply(plan, pair, context)
    assert view(smaller).ffn_sizes == (24, 24)
    assert view(smaller).is_tied
    with pytest.raises(MissingInputError, match=r"no logits to learn from[\s\S]*task mlm"):
        plan_of(NAME, pair, context, recovery="train", distillation={}, **QUICK)


def test_a_plan_is_for_the_weights_it_was_made_for(tmp_path):
    context = Context()
    plan = plan_of(NAME, tiny_pair("bert", "wordpiece"), context, scorer="magnitude")
    other = tiny_pair("bert", "wordpiece", seed=1)
    with pytest.raises(PlanOutdatedError, match=r"another model[\s\S]*plan again"):
        apply(plan, other, context)


def test_uneven_models_become_even_and_stock_again(tmp_path):
    model, tokenizer = tiny_pair("bert", "wordpiece", "masked_lm")
    uneven = keep_structures(
        model, Structures.of(model).keep(neurons=(tuple(range(40)), tuple(range(30))))
    )
    plan = plan_of(NAME, (uneven, tokenizer), Context(), scorer="magnitude", ffn_size=30)
    even = apply(plan, (uneven, tokenizer), Context())
    assert type(uneven).__name__ == "SlimBertForMaskedLM"
    assert (type(even).__name__, even.config.intermediate_size) == ("BertForMaskedLM", 30)
    assert any(line.startswith("stock:") for line in plan.summary())


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "wanted", "message"),
    [
        ("bert", "glu", r"plain neurons of bert[\s\S]*ffn_kind glu[\s\S]*ffn_kind: plain"),
        ("modernbert", "plain", r"glu neurons of modernbert[\s\S]*ffn_kind plain"),
    ],
)
def test_neurons_of_another_kind_are_refused(family, wanted, message):
    pair = tiny_pair(family, "wordpiece")
    with pytest.raises(UnsupportedArchitectureError, match=message):
        plan_of(NAME, pair, Context(), scorer="magnitude", ffn_kind=wanted)
    right = "plain" if wanted == "glu" else "glu"
    assert plan_of(NAME, pair, Context(), scorer="magnitude", ffn_kind=right).num_kept[0] == 24


def test_data_that_are_missing_are_named(tmp_path):
    pair = tiny_pair("bert", "wordpiece")
    with pytest.raises(MissingInputError, match=r"no labelled data, or text[\s\S]*magnitude"):
        plan_of(NAME, pair, Context())
    context = texts(tmp_path, "swh-Latn")
    with pytest.raises(MissingInputError, match=r"no text for amh-Ethi"):
        plan_of(NAME, pair, context, importance_languages=["swh-Latn", "amh-Ethi"])
    with pytest.raises(DataNotFoundError, match=r"fra-Latn"):
        plan_of(NAME, pair, labelled(tmp_path), importance_languages=["fra-Latn"])
    with pytest.raises(DataNotFoundError, match=r"nosuch"):
        plan_of(NAME, pair, labelled(tmp_path), calibration_split="nosuch")
    with pytest.raises(MissingInputError, match=r"no task"):
        plan_of(NAME, pair, context, scorer="magnitude", recovery="train")


def test_text_that_the_tokenizer_does_not_cover_is_refused(tmp_path):
    context = texts(tmp_path, "swh-Latn", "amh-Ethi")
    unknown = "ꓚꓳꓡꓲ ꓟꓬ ꓡꓱ\n" * 3
    context.text["amh-Ethi"][0].write_text(unknown, encoding="utf-8")
    pair = tiny_pair("bert", "wordpiece")
    with pytest.raises(UncoveredTextError, match=r"amh-Ethi: 100.00% of the tokens are unknown"):
        plan_of(NAME, pair, context, max_unk_rate=0.5)
    assert plan_of(NAME, pair, context, max_unk_rate=1.0).num_sentences["amh-Ethi"] == 3


def test_a_head_that_does_not_fit_the_loss_is_refused(tmp_path):
    context = labelled(tmp_path)
    with pytest.raises(MissingInputError, match=r"labels of ner[\s\S]*BertModel[\s\S]*fine_tuning"):
        plan_of(NAME, tiny_pair("bert", "wordpiece"), context, loss="labels", max_unk_rate=1.0)
    options = {**QUICK, "recovery": "train", "distillation": {}, "max_unk_rate": 1.0}
    with pytest.raises(MissingInputError, match=r"no logits to learn from[\s\S]*BertModel"):
        plan_of(NAME, tiny_pair("bert", "wordpiece"), context, **options)
    model, tokenizer = trained_pair()
    model.config.id2label = {0: "O", 1: "B-DATE", 2: "I-DATE", 3: "B-X", 4: "I-X"}
    with pytest.raises(UnknownLabelError, match=r"B-LOC, B-PER[\s\S]*B-DATE[\s\S]*logits"):
        plan_of(NAME, (model, tokenizer), context)
    plan = plan_of(NAME, (model, tokenizer), context, loss="logits", calibration_sentences=4)
    assert plan.loss == "logits"


def test_the_card_prints_what_it_says_and_its_recipe_is_valid(capsys):
    run_the_card("ffn_pruning")
    assert capsys.readouterr().out == blocks_of_the_card("ffn_pruning", "text")[0]
    steps = yaml.safe_load(blocks_of_the_card("ffn_pruning", "yaml")[0])["steps"]
    configs = [get_method(step["method"]).config_class(**step) for step in steps]
    assert [config.method for config in configs] == ["fine_tuning", "ffn_pruning"]
