"""Importance by the masked-LM loss on the held-out portion of a recipe's text."""

from dataclasses import replace

import pytest

from tests.methods.trimming import write_context
from tests.methods.unit_pruning import plan_of
from tests.tiny import tiny_pair
from tests.tiny_text import TINY_TEXT
from tinyglot.data.text_portions import TextPortion
from tinyglot.errors import DataNotFoundError, MissingInputError

BY_LABELS = {"task": "mlm", "loss": "labels", "calibration_sentences": 500, "max_unk_rate": 1.0}
LINES = [f"{line} {number}" for number in range(20) for line in TINY_TEXT[:6]]


@pytest.fixture
def context(tmp_path):
    return write_context(tmp_path, {"swh-Latn": LINES})


@pytest.fixture
def pair():
    return tiny_pair("xlm_roberta", "unigram", "masked_lm")


def num_lines(context, name):
    return len(list(TextPortion(tuple(context.text["swh-Latn"]), name).lines()))


def test_the_portion_that_is_named_is_masked_and_measured(pair, context):
    plan = plan_of("ffn_pruning", pair, context, calibration_split="dev", **BY_LABELS)
    assert (plan.loss, plan.num_sentences) == (
        "labels",
        {"swh-Latn": num_lines(context, "dev")},
    )
    assert 0 < num_lines(context, "dev") < num_lines(context, "train")
    usual = plan_of("ffn_pruning", pair, context, **BY_LABELS)
    assert usual.num_sentences == {"swh-Latn": num_lines(context, "train")}
    assert usual.importance != plan.importance


def test_data_of_the_recipes_own_task_are_not_those_of_masked_lm(pair, context):
    plan = plan_of("ffn_pruning", pair, context, **BY_LABELS)
    topic = replace(context, task="topic", data="nowhere")
    assert plan_of("ffn_pruning", pair, topic, **BY_LABELS).importance == plan.importance
    tags = replace(context, task="ner", data="nowhere", task_options={"published_metric": True})
    assert plan_of("ffn_pruning", pair, tags, **BY_LABELS).importance == plan.importance


def test_every_layer_keeps_as_many_of_its_own_most_important(pair, context):
    options = {**BY_LABELS, "calibration_split": "dev"}
    plan = plan_of("ffn_pruning", pair, context, pruning_ratio=1 / 3, **options)
    assert plan.num_kept == (32, 32)
    for kept, importance in zip(plan.kept, plan.importance, strict=True):
        ranked = sorted(range(48), key=lambda unit: -importance[unit])
        assert set(kept) == set(ranked[:32])


def test_the_same_seed_masks_the_same(pair, context):
    first, again = (plan_of("head_pruning", pair, context, **BY_LABELS) for _ in range(2))
    other = plan_of("head_pruning", pair, replace(context, seed=1), **BY_LABELS)
    assert first.importance == again.importance != other.importance


def test_a_model_without_lm_head_is_refused(context):
    pair = tiny_pair("xlm_roberta", "unigram")
    refusal = r"labels of mlm: the model is not trained[\s\S]*put the step adaptation before"
    with pytest.raises(MissingInputError, match=refusal):
        plan_of("ffn_pruning", pair, context, **BY_LABELS)


def test_a_portion_that_does_not_exist_and_missing_text_are_refused(pair, context):
    with pytest.raises(DataNotFoundError, match=r"the portion 'held-out'[\s\S]*train, dev or test"):
        plan_of("ffn_pruning", pair, context, calibration_split="held-out", **BY_LABELS)
    with pytest.raises(MissingInputError, match=r"no text for deu-Latn"):
        plan_of("ffn_pruning", pair, context, importance_languages=["de"], **BY_LABELS)


def test_other_losses_of_masked_lm_are_measured_on_plain_text_as_before(pair, context):
    plan = plan_of("ffn_pruning", pair, context, task="mlm", max_unk_rate=1.0)
    assert plan.loss == "hidden_states"
