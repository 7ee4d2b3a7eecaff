"""Removing heads or neurons: what decides nothing, files, control runs, data that change."""

import json
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

import tinyglot.training.pruning.apply as carried_out
from tests.methods.trimming import LINES
from tests.methods.unit_pruning import QUICK, apply, digest, labelled, plan_of, texts, trained_pair
from tests.tiny import tiny_pair
from tests.training.runs import AtStep
from tinyglot.architectures import view
from tinyglot.errors import (
    ImportanceFileError,
    NonFiniteScoreError,
    PlanOutdatedError,
    UnknownLabelError,
    UnknownMethodError,
)
from tinyglot.methods.contract import Context
from tinyglot.methods.registry import get_method
from tinyglot.surgery import Structures, keep_structures

HEADS, NEURONS = "head_pruning", "ffn_pruning"
BOTH = pytest.mark.parametrize("name", [HEADS, NEURONS])
TWICE = {**QUICK, "pruning_ratio": 0.5, "shape": "free", "iterations": 2, "recovery": "train"}


# --- options that decide nothing ----------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scorer": "magnitude", "loss": "labels"}, "scorer magnitude looks at no data.* loss"),
        (
            {"scorer": "random", "importance_languages": ["swh-Latn"]},
            "scorer random looks at no data: leave out importance_languages",
        ),
        ({"scorer": "random", "aggregate": "worst_language"}, "leave out aggregate"),
        ({"scorer": "activation", "loss": "logits"}, "loss is of taylor; scorer activation"),
    ],
)
def test_what_a_scorer_does_not_look_at_is_refused(name, options, message):
    with pytest.raises(ValidationError, match=message):
        get_method(name).config_class(pruning_ratio=0.5, **options)


def test_a_plan_names_what_has_no_effect_and_is_read_again():
    options = {"learning_rate": 1e-3, "calibration_sentences": 7}
    plan = plan_of(NEURONS, tiny_pair("bert", "wordpiece"), Context(), scorer="random", **options)
    assert "without effect here: calibration_sentences, learning_rate" in plan.summary()
    assert type(plan).model_validate_json(plan.model_dump_json()) == plan
    usual = plan_of(NEURONS, tiny_pair("bert", "wordpiece"), Context(), scorer="random")
    assert not any("without effect" in line for line in usual.summary())


def test_a_plan_says_that_sentences_it_looks_at_are_no_longer_unseen(tmp_path):
    pair, context = trained_pair(), labelled(tmp_path)
    plans = [
        plan_of(HEADS, pair, context, calibration_split=split, calibration_sentences=2)
        for split in ("train", "dev")
    ]
    said = [[line for line in plan.summary() if "unseen" in line] for plan in plans]
    assert said == [
        [],
        ["the split dev decides what stays: scores on it are not of unseen sentences"],
    ]


# --- files of importance ------------------------------------------------------------------------


@BOTH
def test_the_plan_of_another_run_is_a_file_of_importance(name, tmp_path):
    pair, path = tiny_pair("bert", "wordpiece"), tmp_path / "plan.json"
    measured = plan_of(name, pair, texts(tmp_path), pruning_ratio=0.5, max_unk_rate=1.0)
    path.write_text(measured.model_dump_json(), encoding="utf-8")
    again = plan_of(name, pair, Context(), pruning_ratio=0.5, importance_file=path)
    assert again.kept == measured.kept
    fewer = plan_of(name, pair, Context(), pruning_ratio=0.75, importance_file=path)
    assert all(set(a) < set(b) for a, b in zip(fewer.kept, again.kept, strict=True))
    with pytest.raises(
        ImportanceFileError, match=r"something else[\s\S]*got: *layers [0-9a-f]{16}"
    ):
        plan_of(name, tiny_pair("bert", "wordpiece", seed=1), Context(), importance_file=path)


def test_a_plan_of_something_else_is_refused(tmp_path):
    pair, path = tiny_pair("bert", "wordpiece"), tmp_path / "plan.json"
    plan = plan_of(HEADS, pair, Context(), scorer="magnitude")
    path.write_text(plan.model_dump_json(), encoding="utf-8")
    with pytest.raises(ImportanceFileError, match=r"kind heads[\s\S]*kind neurons"):
        plan_of(NEURONS, pair, Context(), importance_file=path)
    with pytest.raises(ImportanceFileError, match=r"normalise_layers True[\s\S]*layers False"):
        plan_of(HEADS, pair, Context(), importance_file=path, normalise_layers=False)
    for content, got in (("[]", "something else"), ("{", "Expecting")):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ImportanceFileError, match=rf"{got}[\s\S]*plan\.json of a step"):
            plan_of(HEADS, pair, Context(), importance_file=path)


def test_a_model_whose_training_diverged_is_not_pruned(tmp_path):
    model, tokenizer = tiny_pair("bert", "wordpiece")
    model = keep_structures(model, Structures.of(model))
    with torch.no_grad():
        view(model).linear_modules()[1]["ffn_out"].weight[0, 3] = float("nan")
    with pytest.raises(NonFiniteScoreError, match=r"no number[\s\S]*in layer\(s\) 1\b"):
        plan_of(NEURONS, (model, tokenizer), Context(), scorer="magnitude")


# --- control runs -------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("shape", ["uniform", "free"])
def test_a_control_run_goes_through_the_same_code_and_keeps_all(name, shape):
    pair = tiny_pair("bert", "wordpiece")
    options = {"pruning_ratio": 0.0, "shape": shape, "scorer": "magnitude"}
    with pytest.raises(ValidationError, match="pruning_ratio 0 removes nothing"):
        plan_of(name, pair, Context(), **options)
    plan = plan_of(name, pair, Context(), allow_no_effect=True, iterations=3, **options)
    assert plan.num_kept == plan.num_units
    assert plan.num_parameters_after == plan.num_parameters
    assert digest(apply(plan, pair, Context())) == digest(pair[0])


# --- data ---------------------------------------------------------------------------------------


def test_a_recipe_whose_task_trains_nothing_is_pruned_on_its_text(tmp_path):
    pair = tiny_pair("xlm_roberta", "unigram")
    context = replace(texts(tmp_path), task="retrieval", data=str(tmp_path))
    plan = plan_of(HEADS, pair, context)
    assert (plan.loss, plan.num_sentences) == ("hidden_states", {"swh-Latn": 5, "hin-Deva": 4})
    with pytest.raises(UnknownMethodError, match="retrieval: it has nothing to train"):
        plan_of(HEADS, pair, context, recovery="train")


def test_calibration_data_are_part_of_the_plan(tmp_path):
    pair, context = tiny_pair("xlm_roberta", "unigram"), texts(tmp_path)
    once = plan_of(NEURONS, pair, context)
    twice = plan_of(NEURONS, pair, context, iterations=2)
    before = digest(apply(once, pair, context))
    context.text["swh-Latn"][0].write_text("\n".join(LINES["mlt-Latn"]) + "\n", encoding="utf-8")
    with pytest.raises(PlanOutdatedError, match=r"other data[\s\S]*calibration data swh-Latn "):
        apply(twice, pair, context)
    assert digest(apply(once, pair, context)) == before  # which are not looked at again


def test_labels_are_asked_for_only_where_they_are_looked_at(tmp_path):
    model, tokenizer = trained_pair()
    model.config.id2label = {0: "O", 1: "B-DATE", 2: "I-DATE", 3: "B-X", 4: "I-X"}
    context = labelled(tmp_path)
    plan = plan_of(NEURONS, (model, tokenizer), context, scorer="activation")
    assert plan.num_sentences == {"swh-Latn": 24, "deu-Latn": 12}
    with pytest.raises(UnknownLabelError, match="B-LOC, B-PER"):
        plan_of(NEURONS, (model, tokenizer), context, scorer="taylor")


def test_a_model_for_other_labels_is_no_teacher(tmp_path):
    model, tokenizer = trained_pair()
    model.config.id2label = {0: "O", 1: "B-DATE", 2: "I-DATE", 3: "B-X", 4: "I-X"}
    options = {**QUICK, "scorer": "magnitude", "recovery": "train"}
    plan = plan_of(NEURONS, (model, tokenizer), labelled(tmp_path), **options)
    assert plan.training.head == "new"
    with pytest.raises(UnknownLabelError, match=r"Could not distil[\s\S]*B-DATE[\s\S]*B-LOC"):
        plan_of(NEURONS, (model, tokenizer), labelled(tmp_path), distillation={}, **options)


# --- several removals ---------------------------------------------------------------------------


def test_the_parameters_of_a_plan_for_uneven_layers_are_those_of_the_result(tmp_path):
    model, tokenizer = tiny_pair("bert", "wordpiece")
    kept = (tuple(range(48)), tuple(range(10)))
    pair = (keep_structures(model, Structures.of(model).keep(neurons=kept)), tokenizer)
    options = {"pruning_ratio": 0.2, "shape": "free", "iterations": 3, "scorer": "magnitude"}
    plan = plan_of(NEURONS, pair, Context(), **options)
    assert apply(plan, pair, Context()).num_parameters() == plan.num_parameters_after


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"steps_between": 5}, [5, 3]),  # more than after the last removal
        ({}, [3, 3]),
        ({"max_steps": 20, "stop_step": 2}, [2, 2]),
    ],
)
def test_steps_between_removals(options, steps, tmp_path):
    context = replace(labelled(tmp_path), directory=tmp_path)
    plan = plan_of(NEURONS, trained_pair(), context, **{**TWICE, "scorer": "magnitude", **options})
    assert plan.num_steps_between == steps[0]
    apply(plan, trained_pair(), context)
    facts = json.loads((tmp_path / "facts.json").read_text())
    assert [each["num_steps"] for each in facts["trainings"]] == steps


def test_every_process_makes_sure_that_all_choose_the_same(tmp_path, monkeypatch):
    digests = []
    monkeypatch.setattr(carried_out, "check_same_everywhere", digests.append)
    context, pair = labelled(tmp_path), trained_pair()
    options = {**TWICE, "calibration_sentences": 4, "max_steps": 1}
    apply(plan_of(NEURONS, pair, context, **options), pair, context)
    assert len(digests) == 1  # of the second removal: the first is the plan's
    apply(plan_of(NEURONS, pair, context, **options | {"recovery": "none"}), pair, context)
    assert len(digests) == 1  # where nothing is trained, one process works alone


class KilledError(Exception):
    """Ends a run from inside."""


def test_recovery_goes_on_inside_the_second_training(tmp_path, monkeypatch):
    """Killed in its third step, after the second resume point; it goes on from there."""
    pair = trained_pair()
    options = {**TWICE, "steps_between": 2, "save_steps": 1, "calibration_sentences": 8}

    def run(name):
        context = replace(labelled(tmp_path), directory=tmp_path / name)
        context.directory.mkdir(exist_ok=True)
        return digest(apply(plan_of(NEURONS, pair, context, **options), pair, context))

    whole = run("whole")
    train, calls = carried_out.train_on_task, []

    def kill():
        raise KilledError("third step of the second training")

    def killed(*args, **kwargs):
        calls.append(args)
        callbacks = [AtStep(3, kill)] if len(calls) == 2 else []
        return train(*args, **kwargs, callbacks=callbacks)

    with monkeypatch.context() as patch:
        patch.setattr(carried_out, "train_on_task", killed)
        with pytest.raises(KilledError, match="third step"):
            run("killed")
    points = [path.name for path in (tmp_path / "killed" / "training-2").glob("checkpoint-*")]
    assert points == ["checkpoint-2"]
    assert run("killed") == whole
