"""What L0 and movement pruning share: exact numbers, exact resume, a Trainer of one's own."""

import copy
import re

import pytest
import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from tests.generated import METHODS
from tests.methods.gating import CALLBACKS, gates, run
from tests.methods.test_magnitude_pruning_training import StopsAt
from tests.slim import uneven
from tests.tiny import tiny_model
from tests.training import runs
from tests.training.sentences import sentences
from tests.training.test_resume import InterruptedRunError, assert_same_bytes, interrupt
from tinyglot.architectures import view
from tinyglot.errors import (
    NoEffectError,
    PruningMaskError,
    PruningScheduleError,
    RunDirectoryError,
)
from tinyglot.surgery import is_stock_shape, keep_structures, verify_reload
from tinyglot.training import PaddingCollator, TrainingConfig, Trunk, callback_checks, train
from tinyglot.training.gating import absorb_gates_

INPUTS = torch.arange(5, 45).reshape(4, 10)
both = pytest.mark.parametrize("name", CALLBACKS)


@pytest.fixture(scope="module", params=CALLBACKS)
def whole(request, tmp_path_factory):
    """Name, result and callback of a run that nothing interrupts."""
    return request.param, *run(tmp_path_factory.mktemp(request.param), request.param)


def outputs(model):
    with torch.no_grad():
        return model(INPUTS)[0]


def interrupted(directory, name, step, **options):
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(directory, name, [runs.AtStep(step, interrupt)], **options)


# --- exact ---------------------------------------------------------------------------------------


def test_as_many_units_stay_as_wanted_and_the_cut_model_computes_the_same(whole):
    _, result, callback = whole
    cut = callback.cut(result.model)
    assert sum(view(cut).num_heads) == 4
    assert sum(view(cut).ffn_sizes) == 48
    assert view(cut).num_heads == tuple(callback.facts()["num_kept_by_layer"]["heads"])
    assert (outputs(cut) - outputs(result.model)).abs().max() <= 1e-5
    assert view(result.model).num_heads == (4, 4)


@both
@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta_v2"])
def test_each_layer_keeps_as_many_where_asked(name, family):
    callback = gates(name, num_heads=1, ffn_size=7, shape="uniform", pruning_ratio=None)
    config = TrainingConfig(max_steps=4, batch_size=4, precision="fp32", learning_rate=1e-2)
    model = tiny_model(family, "token_classification")
    trained = train(model, sentences(8), config, callbacks=[callback]).model
    cut = callback.cut(trained)
    assert (set(view(cut).num_heads), set(view(cut).ffn_sizes)) == ({1}, {7})
    assert (outputs(cut) - outputs(trained)).abs().max() <= 1e-5
    assert not is_stock_shape(view(cut))
    verify_reload(cut)


@both
def test_neurons_alone_give_an_ordinary_model(name):
    result, callback = run(None, name, structures="neurons", shape="uniform")
    cut = callback.cut(result.model)
    assert type(cut) is type(result.model)
    assert (cut.config.intermediate_size, cut.config.num_attention_heads) == (24, 4)
    assert list(callback.facts()["kept"]) == ["neurons"]


# heads 1 and 2 of layers with 45 and 42 neurons
@both
@pytest.mark.parametrize(
    ("options", "neurons"),
    [
        ({"shape": "uniform", "structures": "neurons", "ffn_size": 41, "pruning_ratio": None}, 82),
        ({"shape": "free", "structures": "neurons", "pruning_ratio": 0.03}, 84),
        ({"shape": "free", "num_heads": 1}, 44),
    ],
    ids=["uniform", "nearly all", "both"],
)
def test_a_model_whose_layers_differ(name, options, neurons):
    tagger = tiny_model("xlm_roberta", "token_classification")
    slim = keep_structures(tagger, uneven(tagger))
    assert (view(slim).num_heads, view(slim).ffn_sizes) == ((1, 2), (45, 42))
    callback = gates(name, **options)
    config = TrainingConfig(max_steps=4, batch_size=4, precision="fp32", learning_rate=1e-2)
    trained = train(slim, sentences(8), config, callbacks=[callback]).model
    cut = callback.cut(trained)
    assert sum(view(cut).ffn_sizes) == neurons
    assert sum(view(cut).num_heads) == (3 if options.get("structures") else 2)
    assert (outputs(cut) - outputs(trained)).abs().max() <= 1e-5
    verify_reload(cut)


@both
def test_nothing_goes_where_that_is_allowed(name):
    options = {"structures": "neurons", "pruning_ratio": 0.001, "allow_no_effect": True}
    result, callback = run(None, name, **options)
    cut = callback.cut(result.model)
    assert view(cut).ffn_sizes == (48, 48)
    assert callback.facts()["num_kept_by_layer"] == {"neurons": [48, 48]}
    with pytest.raises(NoEffectError, match=r"ratio 0\.001: 96 of 96\n.*allow_no_effect is true"):
        run(None, name, **{**options, "allow_no_effect": False})


# --- resumed -------------------------------------------------------------------------------------


# 6: resumed at 4, while gates are learnt; 13: at 12, when it is decided what stays
@pytest.mark.parametrize("step", [6, 13])
def test_interrupted_at_any_step(tmp_path, whole, step):
    name, expected, callback = whole
    interrupted(tmp_path, name, step)
    result, resumed = run(tmp_path, name)
    assert_same_bytes(result, expected)
    assert resumed.facts() == callback.facts()


def test_shared_first_steps_of_a_dense_training(tmp_path, whole):
    """Before the start nothing is different from plain training."""
    name, expected, _ = whole
    trunk = Trunk(tmp_path / "trunk", 3)
    runs.run(tmp_path / "dense", trunk=trunk)
    assert trunk.place.exists()
    assert_same_bytes(run(tmp_path / "branch", name, trunk=trunk)[0], expected)


@both
def test_a_directory_of_other_options_is_refused(tmp_path, name):
    interrupted(tmp_path, name, 6)
    with pytest.raises(RunDirectoryError, match=r"'pruning_ratio': 0\.5[\s\S]*ratio': 0\.25"):
        run(tmp_path, name, pruning_ratio=0.25)


# --- a Trainer of one's own ----------------------------------------------------------------------


@both
def test_the_example_of_the_card_runs(name):
    card = (METHODS / name / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    names = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  (our own file)
    assert view(names["small"]).ffn_sizes != view(names["model"]).ffn_sizes


def trainer(directory, callbacks, **options):
    options = {"save_steps": 4, "max_steps": 10, "learning_rate": 1e-2, **options}
    arguments = TrainingArguments(
        str(directory),
        per_device_train_batch_size=4,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        **options,
    )
    tagger = tiny_model("xlm_roberta", "token_classification")
    collator = PaddingCollator(tagger.config.pad_token_id)
    data = sentences(32)
    made = Trainer(tagger, arguments, collator, data, eval_dataset=data[:4], callbacks=callbacks)
    made.remove_callback(PrinterCallback)
    for module in tagger.modules():  # an evaluation draws random numbers, which dropout would see
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return made


def used(made):
    return next(c for c in made.callback_handler.callbacks if type(c) in CALLBACKS.values())


@both
def test_another_trainer_with_accumulated_gradients_in_half_precision(tmp_path, name):
    options = {"bf16": True, "gradient_accumulation_steps": 2, "save_strategy": "no"}
    made = trainer(tmp_path, [gates(name)], **options)
    made.train()
    cut = used(made).cut(made.model.eval())
    assert sum(view(cut).num_heads) == 4
    assert (outputs(cut) - outputs(made.model)).abs().max() <= 1e-5


@both
def test_weights_in_half_precision(tmp_path, name):
    made = trainer(tmp_path, [gates(name)], save_strategy="no")
    made.model.to(torch.bfloat16)
    made.train()
    cut = used(made).cut(made.model)
    assert sum(view(cut).ffn_sizes) == 48
    assert {parameter.dtype for parameter in cut.parameters()} == {torch.bfloat16}


def test_a_callback_whose_training_was_broken_off_leaves_no_gates(tmp_path):
    callback = gates("l0_pruning")
    broken = trainer(tmp_path / "broken", [callback, runs.AtStep(6, interrupt)])
    with pytest.raises(InterruptedRunError, match=r"^$"):
        broken.train()
    assert broken.model.base_model._forward_pre_hooks
    trainer(tmp_path / "again", [callback], save_strategy="no").train()
    assert not broken.model.base_model._forward_pre_hooks


@both
def test_evaluation_meanwhile_changes_nothing_and_is_gated(tmp_path, name):
    whole = trainer(tmp_path / "whole", [gates(name)], save_strategy="no")
    whole.train()
    options = {"eval_strategy": "steps", "eval_steps": 1, "save_strategy": "no"}
    watched = trainer(tmp_path / "watched", [gates(name)], **options)
    watched.train()
    for key, value in whole.model.state_dict().items():
        assert torch.equal(watched.model.state_dict()[key], value), key
    losses = [entry["eval_loss"] for entry in watched.state.log_history if "eval_loss" in entry]
    assert losses[-1] == pytest.approx(watched.evaluate()["eval_loss"], abs=1e-5)


class Evaluated(TrainerCallback):
    """Note what the model gives when it is evaluated after some step, and its weights."""

    def __init__(self, step):
        self.step = step

    def on_evaluate(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            self.outputs = outputs(kwargs["model"].eval())
            self.weights = copy.deepcopy(kwargs["model"].state_dict())


@both
def test_the_evaluation_after_the_last_step_of_learning_sees_what_stays(tmp_path, name):
    options = {"eval_strategy": "steps", "eval_steps": 1, "save_strategy": "no"}
    seen = Evaluated(6)  # gates from step 2 to 6
    made = trainer(tmp_path, [gates(name), seen], **options)
    made.train()
    then = tiny_model("xlm_roberta", "token_classification").eval()
    then.load_state_dict(seen.weights)
    absorb_gates_(then, used(made).controller.gates(1.0))
    assert (seen.outputs - outputs(used(made).cut(then))).abs().max() <= 1e-5


@pytest.mark.parametrize("restored", [False, True], ids=["from the state", "by the Trainer"])
@pytest.mark.parametrize("name", ["l0_pruning"])
def test_another_trainer_resumes_with_the_same_bytes(tmp_path, name, restored):
    expected = trainer(tmp_path / "whole", [gates(name)])
    expected.train()
    with pytest.raises(InterruptedRunError, match=r"^$"):
        trainer(tmp_path / "cut", [gates(name), runs.AtStep(6, interrupt)]).train()
    options = {"restore_callback_states_from_checkpoint": restored}
    resumed = trainer(tmp_path / "cut", [gates(name)], **options)
    resumed.train(resume_from_checkpoint=True)
    for key, value in expected.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[key], value), key
    assert used(resumed).facts() == used(expected).facts()


def test_a_checkpoint_without_gates_behind_the_start_is_refused(tmp_path):
    trainer(tmp_path, []).train()
    made = trainer(tmp_path, [gates("l0_pruning")])
    with pytest.raises(RunDirectoryError, match=r"no gates at step 8[\s\S]*'start_step': 2"):
        made.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))


def test_another_length_that_moves_the_steps_is_refused(tmp_path):
    trainer(tmp_path, [gates("l0_pruning")]).train()
    longer = trainer(tmp_path, [gates("l0_pruning")], max_steps=20)
    with pytest.raises(RunDirectoryError, match=r"'end_step': 6[\s\S]*'end_step': 12"):
        longer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))


# --- refused -------------------------------------------------------------------------------------


def test_a_training_that_ends_before_the_decision_is_refused():
    with pytest.raises(PruningScheduleError, match=r"the end after step 8\n[\s\S]*9 steps"):
        run(None, "l0_pruning", [StopsAt(8)])
    result, callback = run(None, "l0_pruning", [StopsAt(9)])
    assert sum(view(callback.cut(result.model)).num_heads) == 4


def test_nothing_is_cut_before_the_training():
    callback = gates("l0_pruning")
    with pytest.raises(PruningScheduleError, match=r"got: +nothing"):
        callback.cut(tiny_model("bert"))
    with pytest.raises(PruningScheduleError, match=r"before it was decided"):
        callback.facts()


def test_two_callbacks_that_prune_are_refused():
    with pytest.raises(PruningMaskError, match=r"2 of L0PruningCallback"):
        run(None, "l0_pruning", [gates("l0_pruning")])


def test_two_ways_of_learning_gates_at_once_are_refused():
    with pytest.raises(PruningMaskError, match=r"gates of another callback[\s\S]*one callback"):
        run(None, "l0_pruning", [gates("movement_pruning")])


def test_scaled_gradients_are_refused(tmp_path):
    made = trainer(tmp_path, [gates("l0_pruning")])
    made.args.fp16 = True
    with pytest.raises(PruningScheduleError, match=r"fp16: true[\s\S]*bf16: true"):
        made.train()


def test_processes_that_differ_are_found(monkeypatch):
    monkeypatch.setattr(callback_checks, "gather_object", lambda found: [*found, "0badf00d"])
    with pytest.raises(PruningMaskError, match=r"masks \w{8}, 0badf00d"):
        run(None, "l0_pruning")
