import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from transformers import AutoModelForTokenClassification

from tests.methods.labelled import write_data, write_split
from tests.parity import assert_parity
from tests.tiny import FAMILIES, tiny_inputs, tiny_model, tiny_pair
from tinyglot.architectures import view
from tinyglot.errors import (
    DataNotFoundError,
    MissingInputError,
    PlanOutdatedError,
    UnknownLabelError,
    UnknownMethodError,
)
from tinyglot.evaluation.predict import predict, torch_predictor
from tinyglot.methods.contract import Context
from tinyglot.methods.fine_tuning import METHOD, FineTuningConfig, FineTuningPlan
from tinyglot.tasks import get_task
from tinyglot.training.head import with_head

LABELS = ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")
LANGUAGES = ("swh-Latn", "deu-Latn")
FAST = FineTuningConfig(max_steps=3, batch_size=8, learning_rate=5e-3, precision="fp32")
KIND = {"bert": "wordpiece", "distilbert": "wordpiece", "roberta": "bpe", "modernbert": "bpe"}


@pytest.fixture
def context(tmp_path):
    data = write_data(tmp_path / "data")
    return Context(languages=LANGUAGES, data=str(data), task="ner", directory=tmp_path / "work")


def pair(family="bert", head="encoder", seed=0):
    return tiny_pair(family, KIND.get(family, "unigram"), head, seed)


def planned(context, config=FAST, given=None):
    return METHOD.plan(*(given or pair()), config, context)


def applied(context, config=FAST, given=None):
    model, tokenizer = given or pair()
    return METHOD.apply(model, tokenizer, planned(context, config, (model, tokenizer)), context)


# --- plan ----------------------------------------------------------------------------------------


def test_plan_counts_sentences_by_language_and_split(context):
    assert planned(context).num_sentences == {
        "swh-Latn": {"train": 24, "dev": 6, "test": 6},
        "deu-Latn": {"train": 12, "dev": 4},
    }


def test_plan_counts_steps_sequences_and_rows(context):
    plan = planned(context, FAST.model_copy(update={"max_steps": None, "num_epochs": 3}))
    assert (plan.num_sequences, plan.num_steps) == (36, 15)  # 36 sentences, 8 a step: 5 an epoch
    assert plan.vocabulary_size == len(pair()[1])
    assert 10 < plan.num_embedding_rows < 60


def test_plan_names_the_labels(context):
    assert planned(context).labels == LABELS


def test_languages_that_name_their_labels_differently_are_refused(context):
    german = Path(context.data, "deu-Latn", "train.conll")
    german.write_text(german.read_text("utf-8").replace("PER", "PERSON"), encoding="utf-8")
    expected = r"only swh-Latn: B-PER, I-PER\s+only deu-Latn: B-PERSON, I-PERSON"
    with pytest.raises(UnknownLabelError, match=expected):
        planned(context)


def test_a_language_may_lack_a_label(context):
    german = Path(context.data, "deu-Latn", "train.conll")
    german.write_text(german.read_text("utf-8").replace("B-PER", "O"), encoding="utf-8")
    assert planned(context).labels == LABELS


def test_plan_survives_json(context):
    plan = planned(context)
    assert FineTuningPlan.model_validate_json(plan.model_dump_json()) == plan


def test_plan_is_the_same_again(context):
    assert planned(context).model_dump_json() == planned(context).model_dump_json()


def test_plan_says_itself_in_lines(context):
    lines = "\n".join(planned(context).summary())
    assert "train ner with a new head: O B-LOC B-PER I-LOC I-PER" in lines
    assert "swh-Latn: 24 train, 6 dev, 6 test sentences" in lines


def test_evaluation_rows_stay_active(context):
    without = FAST.model_copy(update={"evaluation_splits": ()})
    write_split(context_path(context) / "swh-Latn" / "test.conll", "deu-Latn", 2)
    only_swahili = replace(context, languages=("swh-Latn",))
    with_rows = planned(only_swahili).num_embedding_rows
    assert with_rows > planned(only_swahili, without).num_embedding_rows


def context_path(context):
    return context.directory.parent / "data"


def test_all_rows_without_an_active_vocabulary(context):
    plan = planned(context, FAST.model_copy(update={"active_vocabulary": False}))
    assert plan.num_embedding_rows == plan.vocabulary_size


def test_so_many_training_sentences_are_taken(context):
    plan = planned(context, FAST.model_copy(update={"max_train_sentences": 6}))
    assert [counts["train"] for counts in plan.num_sentences.values()] == [6, 6]


def test_the_seed_decides_which_training_sentences_are_taken(context):
    config = FAST.model_copy(update={"max_train_sentences": 6})
    first, again, other = (
        planned(replace(context, seed=seed), config).data_digest for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_a_temperature_lifts_the_smaller_language(context):
    sampled = {"num_train_sentences": 18, "sampling_temperature": float("inf")}
    plan = planned(context, FAST.model_copy(update=sampled))
    assert [counts["train"] for counts in plan.num_sentences.values()] == [9, 9]
    plan = planned(context, FAST.model_copy(update={"num_train_sentences": 18}))
    assert [counts["train"] for counts in plan.num_sentences.values()] == [12, 6]


def test_the_step_overrides_the_recipe(context):
    config = FineTuningConfig(languages=("sw",), max_steps=1)
    assert list(planned(context, config).num_sentences) == ["swh-Latn"]


# --- apply ---------------------------------------------------------------------------------------


def test_it_learns_the_tags(context):
    config = FAST.model_copy(update={"max_steps": 120, "batch_size": 16})
    model, tokenizer = applied(context, config)
    task = get_task("ner")
    gold = task.read(context.data, "swh-Latn", "test")
    encoded = task.encode(gold, tokenizer, LABELS, 64)
    logits = predict(torch_predictor(model), encoded, tokenizer.pad_token_id)
    counts = task.count(gold, task.decode(encoded, logits, LABELS))
    assert task.score(counts.sum(axis=0)) > 0.9


def test_labels_are_in_the_configuration(context):
    model, _ = applied(context)
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.config.label2id == {label: number for number, label in enumerate(LABELS)}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("head", ["encoder", "masked_lm", "sequence_classification"])
def test_any_model_becomes_an_ordinary_tagger(context, tmp_path, family, head):
    given = pair(family, head)
    before = {name: value.clone() for name, value in given[0].state_dict().items()}
    model, tokenizer = applied(context, given=given)
    model.save_pretrained(tmp_path / "saved")
    reloaded = AutoModelForTokenClassification.from_pretrained(tmp_path / "saved").eval()
    inputs = tiny_inputs(tokenizer)
    with torch.no_grad():
        assert_parity(reloaded(**inputs).logits, model(**inputs).logits)
    assert view(model).num_token_ids == len(tokenizer)
    assert tokenizer is given[1]
    for name, value in given[0].state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("head", ["encoder", "masked_lm", "token_classification"])
def test_the_encoder_is_the_given_one(head):
    model, tokenizer = pair("bert", head)
    model_class = type(tiny_model("bert", "token_classification"))
    headed = with_head(model, model_class, LABELS, seed=0)
    inputs = tiny_inputs(tokenizer)
    with torch.no_grad():
        expected = view(model).encoder(**inputs)[0]
        assert_parity(view(headed).encoder(**inputs)[0], expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_new_head_comes_from_the_seed(family):
    model = tiny_model(family)
    model_class = type(tiny_model(family, "token_classification"))
    first, same, other = (with_head(model, model_class, LABELS, seed) for seed in (1, 1, 2))
    weights = [m.classifier.weight for m in (first, same, other)]
    assert_parity(weights[1], weights[0])
    assert not torch.equal(weights[2], weights[0])
    assert not first.training


def test_making_a_head_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    with_head(tiny_model("bert"), type(tiny_model("bert", "token_classification")), LABELS, 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_a_masked_lm_has_in_front_of_its_last_layer_is_taken_over():
    model = tiny_model("modernbert", "masked_lm")
    model_class = type(tiny_model("modernbert", "token_classification"))
    headed = with_head(model, model_class, LABELS, seed=0)
    assert_parity(headed.head.dense.weight, model.head.dense.weight)


def test_a_tagger_for_the_same_labels_goes_on_with_its_head(context):
    given = pair("bert", "token_classification")  # its labels are O, B-LOC, B-PER, I-LOC, I-PER
    assert planned(context, given=given).head == "continued"
    slow = {"learning_rate": 1e-8, "head_learning_rate": None, "weight_decay": 0.0}
    config = FAST.model_copy(update=slow)
    model, _ = applied(context, config, given)
    assert_parity(model.classifier.weight, given[0].classifier.weight, atol=1e-6)


def test_a_tagger_with_more_labels_keeps_them(context):
    model, tokenizer = pair("bert", "token_classification")
    config = model.config
    labels = ("I-LOC", "O", "B-LOC", "B-PER", "I-PER", "B-ORG", "I-ORG")
    bigger = with_head(model, type(model), labels, seed=0)
    plan = planned(context, given=(bigger, tokenizer))
    assert (plan.head, plan.labels) == ("continued", labels)
    assert config.num_labels == 5


def test_a_tagger_for_other_labels_gets_a_new_head(context):
    model, tokenizer = pair("bert", "token_classification")
    other = with_head(model, type(model), ("O", "B-DATE", "I-DATE", "B-LOC", "I-LOC"), seed=0)
    plan = planned(context, given=(other, tokenizer))
    assert (plan.head, plan.labels) == ("new", LABELS)
    trained, _ = METHOD.apply(other, tokenizer, plan, context)
    assert not torch.equal(trained.classifier.weight, other.classifier.weight)
    assert trained.config.id2label[1] == "B-LOC"


def test_same_seed_same_bytes(context):
    first, second = (applied(replace(context, directory=None))[0] for _ in range(2))
    assert_parity(first.classifier.weight, second.classifier.weight)


def test_the_facts_are_recorded(context):
    applied(context)
    facts = json.loads((context.directory / "facts.json").read_text())
    assert facts["num_steps"] == 3
    assert sorted(facts) == [
        "first_epoch_loss",
        "last_epoch_loss",
        "num_embedding_rows",
        "num_steps",
        "num_tokens",
    ]


def test_the_facts_agree_with_the_plan(context):
    config = FAST.model_copy(update={"max_steps": None, "num_epochs": 1})
    plan = planned(context, config)
    applied(context, config)
    facts = json.loads((context.directory / "facts.json").read_text())
    assert facts["num_tokens"] == plan.num_tokens
    assert facts["num_embedding_rows"] == plan.num_embedding_rows
    assert facts["num_steps"] == plan.num_steps


# --- bad input -----------------------------------------------------------------------------------


def test_everything_that_is_missing_is_named():
    with pytest.raises(MissingInputError, match=r"3 input\(s\)[\s\S]*no task, no data, no lang"):
        planned(Context())


def test_unknown_task(context):
    with pytest.raises(UnknownMethodError, match=r"nre[\s\S]*did you mean 'ner'"):
        planned(replace(context, task="nre"))


def test_no_training_split(context):
    (context_path(context) / "deu-Latn" / "train.conll").unlink()
    with pytest.raises(DataNotFoundError, match=r"'train' of deu-Latn[\s\S]*dev"):
        planned(context)


def test_label_that_only_the_test_data_has(context):
    path = context_path(context) / "swh-Latn" / "test.conll"
    path.write_text("Dodoma\tB-GPE\nleo\tO\n", encoding="utf-8")
    with pytest.raises(UnknownLabelError, match="B-GPE"):
        planned(context)


def test_data_changed_after_the_plan(context):
    model, tokenizer = pair()
    plan = planned(context, given=(model, tokenizer))
    write_split(context_path(context) / "deu-Latn" / "train.conll", "deu-Latn", 11)
    digest = plan.data_digest
    with pytest.raises(PlanOutdatedError, match=rf"expected:[^\n]*training data {digest}"):
        METHOD.apply(model, tokenizer, plan, context)


def test_fewer_batch_tokens_than_a_sequence_may_have():
    with pytest.raises(ValidationError, match="batch_tokens must be at least max_length, 128"):
        FineTuningConfig(batch_tokens=64)


def test_unknown_key():
    with pytest.raises(ValidationError, match="langauges"):
        FineTuningConfig(langauges=["sw"])


def test_config_survives_json():
    config = FineTuningConfig(languages=("sw",), batch_tokens=512)
    assert FineTuningConfig.model_validate_json(config.model_dump_json()) == config
