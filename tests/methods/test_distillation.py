"""Distillation as a step: teachers, resume points, what comes out, what is refused."""

import json
from dataclasses import replace

import pytest
import torch

from tests.parity import assert_parity
from tests.tiny import tiny_checkpoint, tiny_model, tiny_pair
from tests.training.test_launch import launch, said
from tests.training.texts import FAST, write_text
from tinyglot.architectures import view
from tinyglot.checkpoints import load_checkpoint, save_checkpoint
from tinyglot.errors import (
    LayerRangeError,
    MissingInputError,
    NoEffectError,
    PlanOutdatedError,
    RunDirectoryError,
    VocabularyMismatchError,
)
from tinyglot.methods.contract import Context
from tinyglot.methods.distillation import METHOD, DistillationConfig
from tinyglot.recipes import parse_recipe, run_recipe
from tinyglot.surgery import keep_layers
from tinyglot.training.distillation import StepMeans

QUICK = {key: value for key, value in FAST.items() if key != "evaluate_steps"} | {"max_steps": 6}
INSIDE = [{"objective": "relations"}, {"objective": "hidden_states", "projection": True}]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Text, and the checkpoint of a teacher with an LM head."""
    directory = tmp_path_factory.mktemp("inputs")
    context = write_text(directory / "text")
    teacher, tokenizer = tiny_pair("bert", "wordpiece", "masked_lm")
    save_checkpoint(teacher, tokenizer, directory / "teacher")
    return replace(context, teacher=str(directory / "teacher"))


def student(head="masked_lm"):
    model, tokenizer = tiny_pair("bert", "wordpiece", head)
    return keep_layers(model, [1]), tokenizer


def distil(pair, context: Context, directory=None, **options):
    config = DistillationConfig(**{**QUICK, **options})
    context = replace(context, directory=directory)
    plan = METHOD.plan(*pair, config, context)
    model, _ = METHOD.apply(*pair, plan, context)
    facts = json.loads((directory / "facts.json").read_text()) if directory else {}
    return plan, model, facts


def same(one, other):
    tensors = view(other).named_tensors()
    return all(
        torch.equal(value, tensors[name]) for name, value in view(one).named_tensors().items()
    )


# --- what comes out -------------------------------------------------------------------------------


def test_every_part_comes_nearer_on_trained_and_held_out_text(inputs, tmp_path):
    objectives = [
        {"objective": name} for name in ("masked_lm", "logit_mse", "logit_kl", "embeddings")
    ]
    options = {"objectives": [*objectives, *INSIDE], "positions": "all", "max_steps": 40}
    plan, _, facts = distil(student(), inputs, tmp_path / "w", **options)
    assert sorted(facts["parts"]) == sorted(plan.parts)
    for name, part in facts["parts"].items():
        held_out = facts["held_out_parts"]["swh-Latn"]
        if name != "embeddings":  # the same as the teacher's at first
            assert part["last"] < part["first"], name
            assert held_out["after"][name] < held_out["before"][name], name
    assert facts["num_steps"] == 40
    assert facts["num_tokens"] > 1000


def test_the_plan_says_who_teaches_what_on_how_much(inputs):
    config = DistillationConfig(objectives=[{"objective": "logit_kl", "weight": 0.3}, *INSIDE])
    plan = METHOD.plan(*student(), config.model_copy(update={"batch_tokens": 300}), inputs)
    lines = plan.summary()
    assert lines[0].startswith("teacher original: bert of 2 layers, width 32, ")
    assert lines[2:5] == [
        "logit_kl: weight 0.3, temperature 2.0, positions masked",
        "relations: weight 1, student_layer 0, teacher_layer 1, num_relation_heads 2",
        "hidden_states: weight 1, layer_mapping [[0, 1]], projection 32 to 32",
    ]
    assert any("swh-Latn" in line and "tokens" in line for line in lines)


def test_an_encoder_stays_one_without_a_head(inputs, tmp_path):
    pair = student("encoder")
    plan, model, facts = distil(pair, inputs, tmp_path, objectives=INSIDE)
    assert (plan.head, plan.num_head_steps) == ("none", 0)
    assert type(model) is type(pair[0])
    assert view(model).lm_head is None
    assert not same(model, pair[0])
    assert {name for name, _ in model.named_parameters()} == {
        name for name, _ in pair[0].named_parameters()
    }
    assert set(facts["held_out_parts"]["swh-Latn"]["after"]) == {"relations", "hidden_states"}


def test_a_student_without_a_head_gets_one_for_logits(inputs):
    plan, model, _ = distil(student("encoder"), inputs, objectives=[{"objective": "logit_mse"}])
    assert (plan.head, plan.num_head_steps) == ("new", 5)
    assert view(model).is_tied


# --- again ----------------------------------------------------------------------------------------


def test_a_training_that_was_cut_off_ends_alike(inputs, tmp_path, monkeypatch):
    options = {"objectives": [{"objective": "masked_lm"}, *INSIDE], "save_steps": 2}
    _, whole, facts = distil(student(), inputs, tmp_path / "whole", **options)
    on_step_end = StepMeans.on_step_end

    def cut_off(self, args, state, control, **kwargs):
        on_step_end(self, args, state, control, **kwargs)
        if state.global_step == 5:
            raise KeyboardInterrupt("now")

    monkeypatch.setattr(StepMeans, "on_step_end", cut_off)
    with pytest.raises(KeyboardInterrupt, match="now"):
        distil(student(), inputs, tmp_path / "cut", **options)
    monkeypatch.setattr(StepMeans, "on_step_end", on_step_end)
    assert list((tmp_path / "cut" / "training").glob("checkpoint-4"))
    _, resumed, again = distil(student(), inputs, tmp_path / "cut", **options)
    assert same(whole, resumed)
    assert again == facts


def test_resume_points_of_other_parts_are_refused(inputs, tmp_path):
    distil(student(), inputs, tmp_path, objectives=INSIDE[:1])
    with pytest.raises(RunDirectoryError, match=r"objective was[\s\S]*relations[\s\S]*embeddings"):
        distil(student(), inputs, tmp_path, objectives=[{"objective": "embeddings"}])


def test_the_teacher_is_read_and_left_alone(inputs):
    before = load_checkpoint(inputs.teacher).model
    distil(student(), inputs, objectives=INSIDE)
    assert same(load_checkpoint(inputs.teacher).model, before)


# --- teachers -------------------------------------------------------------------------------------


def test_steps_of_a_recipe_teach(inputs, tmp_path):
    drop = {"method": "layer_dropping", "num_layers": 1}
    teach = {"method": "distillation", "objectives": INSIDE[:1], **QUICK, "max_steps": 3}
    recipe = {
        "model": inputs.teacher,
        "languages": ["swh-Latn"],
        "text": {"swh-Latn": [str(inputs.text["swh-Latn"][0])]},
        "steps": [
            drop,
            {**teach},
            {**teach, "teacher": "step:layer_dropping"},
            {**teach, "teacher": "step:2"},
            {**teach, "teacher": inputs.teacher},
        ],
    }
    # the fourth step's teacher is what the second made, which the third began with
    run = run_recipe(parse_recipe(recipe), tmp_path / "run")
    steps = sorted((run.directory / "steps").iterdir())
    plans = [json.loads((step / "plan.json").read_text()) for step in steps]
    taught_by = [plan["teacher"]["weights_digest"] for plan in plans[1:]]
    layers = [plan["teacher"]["num_layers"] for plan in plans[1:]]
    assert layers == [2, 1, 1, 2]
    assert taught_by[0] == taught_by[3]
    assert taught_by[1] == plans[1]["weights_digest"]
    assert taught_by[2] == plans[2]["weights_digest"]


def test_without_a_recipe_the_model_is_its_own_original(inputs):
    alone = replace(inputs, teacher=None)
    plan, model, _ = distil(student(), alone)
    assert plan.teacher.weights_digest == plan.weights_digest
    assert not same(model, student()[0])
    with pytest.raises(NoEffectError, match=r"its own teacher[\s\S]*masked_lm"):
        distil(student(), alone, objectives=[{"objective": "logit_kl"}])
    with pytest.raises(MissingInputError, match=r"named by a step[\s\S]*teacher: step:3"):
        distil(student(), alone, teacher="step:3")


def test_another_teacher_than_the_plans_is_refused(inputs, tmp_path):
    plan = METHOD.plan(*student(), DistillationConfig(**QUICK), inputs)
    teacher, tokenizer = tiny_pair("bert", "wordpiece", "masked_lm", seed=4)
    save_checkpoint(teacher, tokenizer, tmp_path / "other")
    with pytest.raises(PlanOutdatedError, match=r"teacher is not that of the plan[\s\S]*original"):
        METHOD.apply(*student(), plan, replace(inputs, teacher=str(tmp_path / "other")))


# --- refusals -------------------------------------------------------------------------------------


def test_a_teacher_of_other_pieces_is_refused(inputs, tmp_path):
    teacher = tiny_checkpoint(tmp_path / "t", "xlm_roberta", "unigram", "masked_lm")
    with pytest.raises(
        VocabularyMismatchError, match=r"token id 0: '\[PAD\]'[\s\S]*'<s>'[\s\S]*trim"
    ):
        distil(student(), replace(inputs, teacher=str(teacher)))


def test_a_teacher_without_a_head_is_refused_for_logits(inputs, tmp_path):
    teacher, tokenizer = tiny_pair("bert", "wordpiece", "encoder")
    save_checkpoint(teacher, tokenizer, tmp_path / "t")
    with pytest.raises(MissingInputError, match=r"teacher has no masked-LM head[\s\S]*BertModel"):
        distil(student(), replace(inputs, teacher=str(tmp_path / "t")))


def test_a_layer_outside_the_teacher_is_refused(inputs):
    objectives = [{"objective": "hidden_states", "layer_mapping": [[0, 2]]}]
    with pytest.raises(LayerRangeError, match=r"layer 2 of the teacher[\s\S]*\[0, 2\)"):
        distil(student(), inputs, objectives=objectives)


def test_half_precision_is_near_the_full_one(inputs, tmp_path):
    """Both heads and the relations run under the student's autocast, or above it."""
    found = [
        distil(student(), inputs, tmp_path / precision, precision=precision, max_steps=1)[2]
        for precision in ("fp32", "bf16")
    ]
    first = [[part["first"] for part in facts["parts"].values()] for facts in found]
    assert_parity(first[1], first[0], atol=0.01 * (max(first[0]) - min(first[0])))
    assert first[1] != first[0]
    assert tiny_model("bert").dtype == torch.float32


def test_two_processes_end_alike_though_parts_leave_some_weights_out(tmp_path):
    write_text(tmp_path / "text")
    for name, pair in (("model", student("encoder")), ("teacher", tiny_pair("bert", "wordpiece"))):
        save_checkpoint(*pair, tmp_path / name)
    finished = launch(tmp_path, module="tests.methods.distillation_launched")
    assert finished.returncode == 0, finished.stderr
    first, second = said(tmp_path)
    assert first["weights"] == second["weights"]
    assert first["frozen"] == []
    facts = json.loads((tmp_path / "work" / "facts.json").read_text())
    assert facts["num_steps"] == 3
