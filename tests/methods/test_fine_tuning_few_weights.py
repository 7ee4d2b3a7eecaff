"""LoRA and adapters: what is trained, what comes out, and that it is the same again."""

import json
import sys
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from transformers import AutoModelForTokenClassification

from tests.methods.labelled import write_data
from tests.parity import assert_parity
from tests.slim import load_alone, outputs
from tests.tiny import FAMILIES, tiny_model, tiny_pair
from tests.training.runs import AtStep
from tests.training.test_resume import InterruptedRunError, interrupt
from tinyglot.architectures import view
from tinyglot.checkpoints import load_checkpoint, save_checkpoint
from tinyglot.errors import MissingExtraError, RunDirectoryError, UnsupportedArchitectureError
from tinyglot.methods.contract import Context
from tinyglot.methods.fine_tuning import METHOD, FineTuningConfig, FineTuningPlan
from tinyglot.recipes import parse_recipe
from tinyglot.recipes.show import annotated_yaml
from tinyglot.studies.cells import key_of
from tinyglot.training import (
    BottleneckOptions,
    LoraOptions,
    Setup,
    finish_tuning,
    parameter_groups,
    prepare_tuning,
    read_planned_corpus,
    train_on_task,
    tuned_counts,
)

FAST = {"max_steps": 4, "batch_size": 8, "learning_rate": 5e-3, "precision": "fp32"}
LORA = FineTuningConfig(**FAST, tuning="lora", lora={"rank": 2, "alpha": 4})
BOTTLENECK = FineTuningConfig(**FAST, tuning="bottleneck", bottleneck={"reduction": 8})
BOTH = pytest.mark.parametrize("config", [LORA, BOTTLENECK], ids=["lora", "bottleneck"])
KIND = {"bert": "wordpiece", "distilbert": "wordpiece", "roberta": "bpe", "modernbert": "bpe"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return str(write_data(tmp_path_factory.mktemp("labelled")))


@pytest.fixture
def context(tmp_path, data):
    languages = ("swh-Latn", "deu-Latn")
    return Context(languages=languages, data=data, task="ner", directory=tmp_path / "work")


def pair(family="bert", head="encoder"):
    return tiny_pair(family, KIND.get(family, "unigram"), head)


def applied(context, config, given=None):
    model, tokenizer = given or pair()
    plan = METHOD.plan(model, tokenizer, config, context)
    return METHOD.apply(model, tokenizer, plan, context)[0]


def assert_same_weights(actual, expected):
    values = actual.state_dict()
    assert values.keys() == expected.state_dict().keys()
    for name, value in expected.state_dict().items():
        assert torch.equal(values[name], value), name


# --- what is trained ---------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_with_adapters_the_encoder_stays_as_it_was(context, family):
    given = pair(family)
    before = view(given[0]).encoder.state_dict()
    trained = applied(context, BOTTLENECK, given)
    after = {n: v for n, v in view(trained).encoder.state_dict().items() if ".adapter." not in n}
    after = {n: v for n, v in after.items() if not n.startswith("pooler.")}
    assert set(after) <= set(before)
    for name, value in after.items():
        assert torch.equal(value, before[name]), name
    biases = [v for n, v in trained.named_parameters() if n.endswith("adapter.up.bias")]
    assert len(biases) == len(view(trained).layers)
    assert all(bias.abs().max() > 0 for bias in biases)
    assert all(parameter.requires_grad for parameter in trained.parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_lora_changes_query_and_value_and_gives_an_ordinary_tagger(context, tmp_path, family):
    given = pair(family)
    trained = applied(context, LORA, given)
    assert type(trained) is type(tiny_model(family, "token_classification"))
    before, after = (dict(view(m).encoder.named_parameters()) for m in (given[0], trained))
    changed = {
        name for name in after if name in before and not torch.equal(before[name], after[name])
    }
    roles = {
        id(module.weight)
        for layer in view(trained).linear_modules()
        for role, module in layer.items()
        if role in ("query", "value", "qkv")
    }
    assert changed == {name for name, value in after.items() if id(value) in roles}
    trained.save_pretrained(tmp_path / "saved")
    reloaded = AutoModelForTokenClassification.from_pretrained(tmp_path / "saved")
    assert torch.equal(outputs(reloaded), outputs(trained))
    assert "peft" not in (tmp_path / "saved" / "config.json").read_text()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("targets", ["query_value", "all_linear"])
def test_merged_it_computes_what_it_did_before(family, targets):
    model = tiny_model(family, "token_classification")
    options = LoraOptions(rank=3, alpha=6, targets=targets)
    tuned = prepare_tuning(model, options, seed=1)
    assert torch.equal(outputs(tuned), outputs(model))  # the updates begin with nothing
    generator = torch.Generator().manual_seed(2)
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator)
    before, unmerged = outputs(model), outputs(tuned)
    merged = finish_tuning(tuned, options)
    assert_parity(outputs(merged), unmerged, atol=2e-4)
    assert (unmerged - before).abs().max() > 0.01
    assert torch.equal(outputs(model), before)
    assert merged.state_dict().keys() == model.state_dict().keys()
    assert all(parameter.requires_grad for parameter in merged.parameters())


def test_all_linear_modules_have_more_weights_than_two():
    model = tiny_model("bert", "token_classification")
    two, all_ = (
        tuned_counts(prepare_tuning(model, options, 0), options).num_new_parameters
        for options in (LoraOptions(rank=1), LoraOptions(rank=1, targets="all_linear"))
    )
    # hidden 32, 48 neurons, two layers: in + out of each matrix
    assert (two, all_) == (2 * 2 * 64, 2 * (4 * 64 + 2 * 80))


@BOTH
def test_frozen_weights_are_neither_walked_nor_saved(context, config):
    applied(context, config.model_copy(update={"save_steps": 3}))
    point = context.directory / "training" / "checkpoint-3"
    saved = set(load_file(point / "model.safetensors"))
    assert saved
    new = {name for name in saved if ".lora_" in name or ".adapter." in name}
    assert {name.partition(".")[0] for name in saved - new} == {"classifier"}
    state = torch.load(point / "optimizer.pt", weights_only=True)["state"]
    assert len(state) == len(saved)


@BOTH
def test_only_what_is_trained_is_in_a_group_of_the_optimizer(config):
    model = tiny_model("bert", "token_classification")
    tuned = prepare_tuning(model, config.chosen_tuning, seed=0)
    groups = parameter_groups(tuned, 0.01, head_learning_rate=0.1)
    count = tuned_counts(tuned, config.chosen_tuning)
    by_rate = {True: 0, False: 0}
    for group in groups:
        by_rate["lr" in group] += sum(parameter.numel() for parameter in group["params"])
    assert by_rate == {True: count.num_head_parameters, False: count.num_new_parameters}
    assert count.num_head_parameters == 5 * 32 + 5
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("config", [LORA, BOTTLENECK], ids=["lora", "bottleneck"])
def test_a_pooler_is_trained_with_the_head(config):
    model = tiny_model("bert", "sequence_classification")
    tuned = prepare_tuning(model, config.chosen_tuning, seed=0)
    trained = {name for name, p in tuned.named_parameters() if p.requires_grad}
    assert {"bert.pooler.dense.weight", "classifier.weight"} <= trained
    assert not any(name.startswith("bert.embeddings") for name in trained)


@BOTH
def test_the_head_may_have_a_rate_of_its_own(context, config):
    rates = {"learning_rate": 1e-12, "head_learning_rate": 1e-2}
    given = pair("bert", "token_classification")
    start = finish_tuning(prepare_tuning(given[0], config.chosen_tuning, 0), config.chosen_tuning)
    trained = applied(context, config.model_copy(update=rates), given)
    assert_parity(
        view(trained).encoder(torch.arange(5, 15)[None])[0],
        view(start).encoder(torch.arange(5, 15)[None])[0],
        atol=1e-5,
    )
    assert (trained.classifier.weight - given[0].classifier.weight).abs().max() > 1e-3


def test_without_a_rate_of_its_own_the_head_learns_as_slowly_as_the_rest(context):
    given = pair("bert", "token_classification")
    trained = applied(context, BOTTLENECK.model_copy(update={"learning_rate": 1e-9}), given)
    assert_parity(trained.classifier.weight, given[0].classifier.weight, atol=1e-6)


# --- embeddings --------------------------------------------------------------------------------


@BOTH
def test_frozen_embeddings_make_the_active_vocabulary_no_matter(context, config):
    small, whole = (
        applied(
            replace(context, directory=context.directory / str(active)),
            config.model_copy(update={"active_vocabulary": active, "gradient_clip": None}),
        )
        for active in (True, False)
    )
    assert_same_weights(small, whole)
    facts = json.loads((context.directory / "True" / "facts.json").read_text())
    assert facts["num_embedding_rows"] == 0


def test_embeddings_may_be_trained_with_lora(context):
    given = pair()
    config = LORA.model_copy(update={"lora": LoraOptions(rank=2, train_embeddings=True)})
    plan = METHOD.plan(*given, config, context)
    trained, _ = METHOD.apply(*given, plan, context)
    old, new = (view(model).word_embeddings.weight for model in (given[0], trained))
    moved = int((old != new).any(dim=1).sum())
    assert 0 < moved <= plan.num_embedding_rows < len(old)
    facts = json.loads((context.directory / "facts.json").read_text())
    assert facts["num_embedding_rows"] == plan.num_embedding_rows
    assert facts["num_head_parameters"] == plan.num_embedding_rows * 32 + 5 * 32 + 5
    assert "of the head and of the word embeddings; no others" in "\n".join(plan.summary())


# --- the same again ----------------------------------------------------------------------------


@BOTH
def test_an_interrupted_training_ends_with_the_same_bytes(context, config):
    config = config.model_copy(update={"save_steps": 2})
    model, tokenizer = pair()
    plan = METHOD.plan(model, tokenizer, config, context)
    corpus = read_planned_corpus(model, tokenizer, plan, 0)

    def run(name, *callbacks):
        setup = Setup(0, directory=context.directory / name, tuning=config.chosen_tuning)
        return train_on_task(model, tokenizer, plan, corpus, setup, callbacks)

    whole = run("whole")
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run("interrupted", AtStep(4, interrupt))
    assert (context.directory / "interrupted" / "checkpoint-2").is_dir()
    resumed = run("interrupted")
    assert_same_weights(resumed.model, whole.model)
    assert resumed.record == whole.record


@pytest.mark.parametrize(
    ("config", "other", "told"),
    [
        (LORA, {"lora": LoraOptions(rank=2, alpha=8)}, r"'alpha': 4\.0[\s\S]*'alpha': 8"),
        (BOTTLENECK, {"tuning": "full", "bottleneck": None}, r"tuning was \{'BottleneckOptions'"),
    ],
)
def test_resume_points_of_another_tuning_are_refused(context, config, other, told):
    applied(context, config.model_copy(update={"save_steps": 3}))
    with pytest.raises(RunDirectoryError, match=told):
        applied(context, config.model_copy(update={"save_steps": 3, **other}))


@BOTH
def test_same_seed_same_weights_other_seed_others(context, config):
    here = replace(context, directory=None)
    first, same, other = (applied(replace(here, seed=seed), config) for seed in (1, 1, 2))
    assert_same_weights(same, first)
    assert not torch.equal(outputs(other), outputs(first))


@BOTH
def test_it_learns(context, config):
    longer = {"max_steps": 40, "learning_rate": 2e-2}
    applied(context, config.model_copy(update=longer))
    facts = json.loads((context.directory / "facts.json").read_text())
    assert facts["last_epoch_loss"] < 0.5 * facts["first_epoch_loss"]


# --- the checkpoint with adapters --------------------------------------------------------------


def test_a_checkpoint_with_adapters_loads_without_tinyglot(context, tmp_path):
    made = {}
    for family in ("bert", "modernbert"):
        _, tokenizer = given = pair(family)
        made[family] = applied(replace(context, directory=None), BOTTLENECK, given)
        save_checkpoint(made[family], tokenizer, tmp_path / family)
    auto = "AutoModelForTokenClassification"
    jobs = [(auto, str(tmp_path / name), str(tmp_path / f"{name}-again")) for name in made]
    load_alone(jobs, tmp_path / "inputs.pt")
    for family, model in made.items():
        with pytest.raises(RuntimeError, match=r"size mismatch|mismatched"):
            AutoModelForTokenClassification.from_pretrained(tmp_path / family)
        assert torch.equal(torch.load(tmp_path / f"{family}-again.pt"), outputs(model))
        loaded = load_checkpoint(str(tmp_path / family)).model
        assert view(loaded).adapter_sizes == (4,) * len(view(loaded).layers)
        assert torch.equal(outputs(loaded), outputs(model))


def test_training_goes_on_with_its_adapters(context):
    given = pair()
    first = applied(context, BOTTLENECK, given)
    again = replace(context, directory=context.directory / "again")
    whole = applied(again, FineTuningConfig(**FAST), (first, given[1]))
    assert view(whole).adapter_sizes == view(first).adapter_sizes
    encoder = view(first).linear_modules()[0]["query"].weight
    assert not torch.equal(view(whole).linear_modules()[0]["query"].weight, encoder)
    other = BOTTLENECK.model_copy(update={"bottleneck": BottleneckOptions(reduction=2)})
    with pytest.raises(UnsupportedArchitectureError, match=r"of 4 channels[\s\S]*of 16 channels"):
        METHOD.plan(first, given[1], other, again)


# --- plan and options --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        (LORA, ["trained: 512 weights of low-rank updates (rank 2, query value), 165 of the head",
                "stock if the given model is: the updates are merged"]),
        (BOTTLENECK, ["trained: 584 weights of adapters (reduction 8), 165 of the head; no others",
                      "slim, which loads with trust_remote_code=True or with tinyglot",
                      "0 of "]),
    ],
)  # fmt: skip
def test_the_plan_says_what_is_trained_and_what_comes_out(context, config, lines):
    plan = METHOD.plan(*pair(), config, context)
    text = "\n".join(plan.summary())
    assert [line for line in lines if line not in text] == []
    assert plan.trained.num_new_parameters in (512, 2 * (2 * 32 * 4 + 4 + 32))
    assert FineTuningPlan.model_validate_json(plan.model_dump_json()) == plan


def test_the_default_is_in_no_file_and_changes_no_key(context):
    plain, full = FineTuningConfig(), FineTuningConfig(tuning="full")
    assert plain == full
    assert not {"tuning", "lora", "bottleneck"} & set(full.model_dump())
    assert "trained" not in METHOD.plan(*pair(), FineTuningConfig(**FAST), context).model_dump()
    step = {"method": "fine_tuning", "task": "ner", "data": "d", "languages": ["sw"]}
    keys = [
        key_of(parse_recipe({"model": "m", "steps": [{**step, **options}]}))
        for options in ({}, {"tuning": "full"}, {"tuning": "lora"}, {"tuning": "bottleneck"})
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_recipe_is_shown_with_the_options_of_the_chosen_tuning():
    step = {"method": "fine_tuning", "tuning": "bottleneck"}
    lines = annotated_yaml(parse_recipe({"model": "m", "steps": [step]}))
    shown = [
        line.strip() for line in lines if "tuning" in line or "reduc" in line or "lora" in line
    ]
    assert "tuning: bottleneck" in shown
    assert "reduction: 16  # default" in shown
    assert "lora: null  # default" in shown
    assert FineTuningConfig(**step).model_dump()["bottleneck"] == {"reduction": 16}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lora": {"rank": 4}}, r"options lora have no effect with tuning: full"),
        ({"tuning": "lora", "bottleneck": {}}, r"bottleneck have no effect with tuning: lora"),
        ({"tuning": "lora", "lora": {"rank": 0}}, r"lora\.rank[\s\S]*greater than or equal to 1"),
        ({"tuning": "bottleneck", "bottleneck": {"reduktion": 2}}, r"bottleneck\.reduktion"),
        ({"tuning": "prefix"}, r"'full', 'lora' or 'bottleneck'"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        FineTuningConfig(**options)


def test_without_peft_the_plan_says_what_to_install(context, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r'no package peft[\s\S]*"tinyglot\[lora\]"'):
        METHOD.plan(*pair(), LORA, context)
