import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tests.methods.labelled import write_data
from tests.methods.test_fine_tuning import LANGUAGES, pair
from tests.tiny import tiny_pair
from tinyglot.architectures import view
from tinyglot.checkpoints import save_checkpoint
from tinyglot.errors import (
    NoEffectError,
    PruningMaskError,
    PruningScheduleError,
    UnknownModuleError,
)
from tinyglot.methods.contract import Context
from tinyglot.methods.magnitude_pruning import METHOD, MagnitudePruningConfig
from tinyglot.methods.magnitude_pruning.frozen import FrozenRows
from tinyglot.methods.registry import get_method
from tinyglot.training import ActiveVocabulary, Trunk

FAST = {
    "sparsity": 0.6,
    "start_step": 1,
    "end_step": 5,
    "frequency": 2,
    "max_steps": 8,
    "batch_size": 8,
    "learning_rate": 5e-3,
    "precision": "fp32",
}
ADDED = {"sparsity", "start_step", "end_step", "frequency"}


@pytest.fixture
def context(tmp_path):
    data = write_data(tmp_path / "data")
    return Context(languages=LANGUAGES, data=str(data), task="ner", directory=tmp_path / "work")


def planned(context, given=None, **options):
    return METHOD.plan(*(given or pair()), MagnitudePruningConfig(**{**FAST, **options}), context)


def applied(context, given=None, **options):
    """Plan and apply; give plan, model and facts."""
    given = given or pair()
    plan = planned(context, given, **options)
    model, _ = METHOD.apply(*given, plan, context)
    return plan, model, json.loads((context.directory / "facts.json").read_text("utf-8"))


def num_zeros(model, plan):
    return sum(int((model.get_parameter(name) == 0).sum()) for name in plan.matrices)


# --- plan ----------------------------------------------------------------------------------------


def test_a_plan_lists_matrices_events_and_zeros(context):
    plan = planned(context)
    assert plan.num_prunable == sum(plan.matrices.values()) == 14336
    assert plan.matrices["bert.encoder.layer.0.intermediate.dense.weight"] == 48 * 32
    assert plan.num_zeros == round(0.6 * 14336)
    # 1 - (2/3)^3 = 19/27 and 1 - (1/3)^3 = 26/27 of the target
    assert plan.events == ((1, 6053), (3, 8283), (5, 8602))
    assert (plan.num_steps, plan.head, plan.labels[0]) == (8, "new", "O")


def test_a_plan_says_where_steps_are_from(context):
    plan = planned(context, start_step=None, end_step=None, frequency=None)
    lines = plan.summary()
    assert "intermediate.dense.weight: 3,072 weights in 2" in lines
    assert "remove 8,602 of 14,336 weights in 12 matrices (60.0%), smallest first (global)" in lines
    assert lines[-1] == (
        "steps: start_step, end_step, frequency: Ogueji et al. 2022, table A.2, 100 sentences, "
        "780 steps scaled to 8"
    )


def test_patterns_are_those_of_the_model_with_the_head(context):
    plan = planned(context, modules=["classifier", "*.layer.1.*.query"])
    assert plan.matrices == {
        "bert.encoder.layer.1.attention.self.query.weight": 1024,
        "classifier.weight": 5 * 32,
    }
    with pytest.raises(UnknownModuleError, match=r"clasifier\n[\s\S]*such as classifier"):
        planned(context, modules=["clasifier"])


def test_a_schedule_longer_than_the_training_is_refused_in_the_plan(context):
    with pytest.raises(PruningScheduleError, match=r"after step 9 [\s\S]*has 8 steps"):
        planned(context, end_step=9)


def test_a_training_that_stops_before_the_last_removal_is_refused_in_the_plan(context):
    assert planned(context, stop_step=6).events[-1][0] == 5
    with pytest.raises(PruningScheduleError, match=r"after step 5 [\s\S]*has 4 steps"):
        planned(context, stop_step=4)


def test_steps_shared_beyond_the_first_removal_are_refused(context, tmp_path):
    """Before the training, so that the shared steps are neither entered nor left."""
    plan = planned(context)
    shared = replace(context, trunk=Trunk(tmp_path / "trunk", 2))
    expected = r"after step 1 \(as given\)[\s\S]*2 shared steps[\s\S]*at most 1"
    with pytest.raises(PruningScheduleError, match=expected):
        METHOD.apply(*pair(), plan, shared)
    with pytest.raises(PruningScheduleError, match=expected):
        planned(shared)
    assert not (tmp_path / "trunk").exists()
    assert planned(replace(context, trunk=Trunk(tmp_path / "trunk", 1))) == plan


# --- apply ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"embeddings": "include"},
        {"embeddings": "include", "scope": "matrix", "ramp": "linear"},
        {"embeddings": "include", "scope": "layer", "regrowth": True},
        {"embeddings": "include", "active_vocabulary": False},
        {"sparsity": 0.95, "embeddings": "include", "ramp": "one_shot"},
    ],
    ids=lambda options: "-".join(map(str, options.values())) or "default",
)
def test_the_whole_model_has_exactly_so_many_zeros(context, options):
    given = tiny_pair("xlm_roberta", "unigram", "encoder", 0)
    plan, model, facts = applied(context, given, **options)
    assert num_zeros(model, plan) == plan.num_zeros == facts["num_zeros"]
    assert plan.num_zeros == round(plan.config.sparsity * plan.num_prunable)
    rows = view(model).num_token_ids
    counted = plan.matrices.get("roberta.embeddings.word_embeddings.weight", 0)
    assert counted == (rows * 32 if options.get("embeddings") else 0)
    with pytest.raises(NoEffectError, match=r"that many zeros already"):
        METHOD.plan(model, given[1], plan.config, context)


def test_each_matrix_has_its_share_of_the_whole_vocabulary(context):
    options = {"embeddings": "include", "scope": "matrix"}
    plan, model, facts = applied(context, **options)
    for name, size in plan.matrices.items():
        zeros = int((model.get_parameter(name) == 0).sum())
        assert abs(zeros - 0.6 * size) <= 1 + size / 1000, name
    kind = facts["zeros_by_kind"]["bert.embeddings.word_embeddings.weight"]
    assert kind["weights"] == view(model).num_token_ids * 32
    assert plan.num_embedding_rows < view(model).num_token_ids / 2


def test_rows_that_are_not_trained_lose_their_smallest_weights_only(context):
    given = pair()
    before = view(given[0]).word_embeddings.weight.detach().clone()
    plan, model, _ = applied(context, given, embeddings="include")
    after = view(model).word_embeddings.weight.detach()
    is_untouched = ((after == before) | (after == 0)).all(dim=1)
    assert plan.num_embedding_rows >= int((~is_untouched).sum()) > 0
    kept, removed = after[is_untouched] != 0, after[is_untouched] == 0
    magnitudes = before[is_untouched].abs()
    assert magnitudes[removed].max() <= magnitudes[kept].min()


def test_frozen_rows_lose_exactly_so_many_ties_by_place():
    model = pair()[0]
    with torch.no_grad():
        view(model).word_embeddings.weight.fill_(-2.0)
        view(model).word_embeddings.weight[7, 3] = 1.0
    active = ActiveVocabulary.of(model, [[5, 6]])
    frozen = FrozenRows.of(model, active)
    assert len(frozen.magnitudes) == (view(model).num_token_ids - len(active)) * 32
    frozen.remove(model, 0)
    frozen.remove(model, 3)
    zeros = (view(model).word_embeddings.weight == 0).nonzero().tolist()
    first = next(i for i in range(100) if i not in active.new_id_to_old_id.tolist())
    assert zeros == sorted([[7, 3], [first, 0], [first, 1]])


def test_zeros_are_real_after_a_fresh_load(context, tmp_path):
    """In a process that reads nothing but the file; no tensor in it is a mask."""
    given = pair()
    plan, model, _ = applied(context, given)
    save_checkpoint(model, given[1], tmp_path / "saved")
    with safe_open(tmp_path / "saved" / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(model.state_dict())
    code = (
        "import sys\n"
        "from safetensors.numpy import load_file\n"
        "tensors = load_file(sys.argv[1])\n"
        "print(sum(int((tensors[name] == 0).sum()) for name in sys.argv[2:]))\n"
        "assert not {'torch', 'transformers', 'tinyglot'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "saved" / "model.safetensors")]
    command += list(plan.matrices)
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(printed) == plan.num_zeros


def test_facts_say_what_came_out(context):
    plan, model, facts = applied(context)
    assert facts["events"] == [list(event) for event in plan.events]
    assert facts["sparsity"] == plan.num_zeros / plan.num_prunable
    kinds = facts["zeros_by_kind"]
    assert sum(kind["zeros"] for kind in kinds.values()) == plan.num_zeros
    query = [f"bert.encoder.layer.{i}.attention.self.query.weight" for i in (0, 1)]
    zeros = sum(int((model.get_parameter(name) == 0).sum()) for name in query)
    assert kinds["attention.self.query.weight"] == {"zeros": zeros, "weights": 2048}
    assert (facts["num_steps"], facts["num_prunable"]) == (8, 14336)


def test_another_number_of_zeros_than_planned_is_found(context):
    given = pair()
    plan = planned(context, given)
    wrong = plan.model_copy(update={"num_zeros": plan.num_zeros + 1})
    with pytest.raises(PruningMaskError, match=r"8,602 zeros among 14,336[\s\S]*8,603"):
        METHOD.apply(*given, wrong, context)


def test_another_number_of_zeros_is_found_in_a_control_run(context):
    given = pair()
    plan = planned(context, given, allow_no_effect=True)
    wrong = plan.model_copy(update={"num_zeros": plan.num_zeros - 1})
    with pytest.raises(PruningMaskError, match=r"8,602 zeros among 14,336[\s\S]*8,601"):
        METHOD.apply(*given, wrong, context)


def test_a_control_run_is_plain_fine_tuning(context):
    given = pair()
    _, control, facts = applied(context, given, sparsity=0.0, allow_no_effect=True)
    fine_tuning = get_method("fine_tuning")
    config = fine_tuning.config_class(**{k: v for k, v in FAST.items() if k not in ADDED})
    other = replace(context, directory=Path(context.directory, "plain"))
    plain, _ = fine_tuning.apply(*given, fine_tuning.plan(*given, config, other), other)
    for name, value in plain.state_dict().items():
        assert torch.equal(control.state_dict()[name], value), name
    assert facts["num_zeros"] == 0
