"""The callback in the Trainer of transformers as it comes."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import PrinterCallback, Trainer, TrainerState, TrainingArguments

from tests.methods.pruned import model
from tests.training.runs import AtStep
from tests.training.sentences import sentences
from tests.training.test_resume import InterruptedRunError, interrupt
from tinyglot.errors import (
    MissingInputError,
    NoEffectError,
    PruningMaskError,
    PruningScheduleError,
    RunDirectoryError,
    ShardedParametersError,
)
from tinyglot.methods.magnitude_pruning import MagnitudePruningCallback
from tinyglot.methods.magnitude_pruning import callback as callback_module
from tinyglot.training import PaddingCollator, callback_checks

STEPS = {"start_step": 2, "end_step": 6, "frequency": 2}
NUM_STEPS = 10


def trainer(directory, callbacks=(), **options):
    arguments = TrainingArguments(
        str(directory),
        max_steps=NUM_STEPS,
        per_device_train_batch_size=4,
        learning_rate=1e-2,
        weight_decay=0.1,
        use_cpu=True,
        save_steps=4,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        **options,
    )
    tagger = model()
    collator = PaddingCollator(tagger.config.pad_token_id)
    made = Trainer(tagger, arguments, collator, sentences(32), callbacks=list(callbacks))
    made.remove_callback(PrinterCallback)
    return made


def trained(directory, resume=None, callbacks=(), **options):
    pruning = MagnitudePruningCallback(sparsity=0.7, **STEPS)
    made = trainer(directory, [pruning, *callbacks], **options)
    made.train(resume_from_checkpoint=resume)
    used = [c for c in made.callback_handler.callbacks if isinstance(c, type(pruning))]
    return made.model, used[0].controller


def assert_exact(tagger, controller):
    zeros = sum(int((tagger.get_parameter(m.name) == 0).sum()) for m in controller.matrices)
    assert zeros == round(0.7 * controller.num_weights) > 0


# --- exact ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"bf16": True, "gradient_accumulation_steps": 2},
        {"optim": "sgd", "optim_args": "momentum=0.9"},
        {"optim": "adamw_torch"},
        {"optim": "adafactor"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_zeros_are_exact(tmp_path, options):
    assert_exact(*trained(tmp_path, save_strategy="no", **options))


def test_weights_in_half_precision(tmp_path):
    made = trainer(tmp_path, [MagnitudePruningCallback(sparsity=0.7, **STEPS)], save_strategy="no")
    made.model.to(torch.bfloat16)
    made.train()
    linear = [m.weight for m in made.model.roberta.modules() if isinstance(m, torch.nn.Linear)]
    zeros = sum(int((weight == 0).sum()) for weight in linear)
    assert zeros == round(0.7 * sum(weight.numel() for weight in linear))


def test_steps_that_are_not_given_follow_the_length_of_the_data(tmp_path):
    pruning = MagnitudePruningCallback(sparsity=0.5)
    trainer(tmp_path, [pruning], save_strategy="no").train()
    controller = pruning.controller
    assert controller.num_removed == round(0.5 * controller.num_weights)


def test_the_example_of_the_card_runs():
    card = Path(callback_module.__file__).with_name("README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    names = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  (our own file)
    assert names["num_zeros"] == names["pruning"].controller.num_removed > 0


# --- resumed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("restored", [False, True], ids=["from the state", "by the Trainer"])
@pytest.mark.parametrize("step", [6, 10])
def test_a_resumed_training_ends_with_the_same_bytes(tmp_path, step, restored):
    options = {"restore_callback_states_from_checkpoint": restored}
    expected, whole = trained(tmp_path / "whole")
    with pytest.raises(InterruptedRunError, match=r"^$"):
        trained(tmp_path / "cut", callbacks=[AtStep(step, interrupt)])
    actual, resumed = trained(tmp_path / "cut", resume=True, **options)
    assert_exact(actual, resumed)
    assert resumed.digest() == whole.digest()
    for name, value in expected.state_dict().items():
        assert torch.equal(actual.state_dict()[name], value), name


def test_a_checkpoint_without_masks_behind_the_start_is_refused(tmp_path):
    trainer(tmp_path).train()
    with pytest.raises(RunDirectoryError, match=r"no masks at step 8[\s\S]*since step 2"):
        trained(tmp_path, resume=str(tmp_path / "checkpoint-8"))


def test_a_checkpoint_of_other_options_is_refused(tmp_path):
    trained(tmp_path)
    other = trainer(tmp_path, [MagnitudePruningCallback(sparsity=0.6, **STEPS)])
    with pytest.raises(RunDirectoryError, match=r"'sparsity': 0\.7[\s\S]*'sparsity': 0\.6"):
        other.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))


def test_another_length_that_moves_the_schedule_is_refused(tmp_path):
    trainer(tmp_path, [MagnitudePruningCallback(sparsity=0.5)]).train()
    longer = trainer(tmp_path, [MagnitudePruningCallback(sparsity=0.5)])
    longer.args.max_steps = 780
    expected = r"'end_step': 5[\s\S]* at step 8\n[\s\S]*'start_step': 10, 'end_step': 60"
    with pytest.raises(RunDirectoryError, match=expected):
        longer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    steps = {"start_step": 0, "end_step": 5, "frequency": 1}
    as_it_was = MagnitudePruningCallback(sparsity=0.5, **steps)
    again = trainer(tmp_path, [as_it_was])
    again.args.max_steps = 12
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    assert as_it_was.controller.num_removed == round(0.5 * as_it_was.controller.num_weights)


# --- refused -------------------------------------------------------------------------------------


def begin(callback, *, dataset=(), tagger=None, **given):
    defaults = {"fsdp": None, "deepspeed": None, "load_best_model_at_end": False}
    arguments = SimpleNamespace(**{**defaults, **given})
    state = TrainerState(max_steps=NUM_STEPS)
    loader = SimpleNamespace(dataset=dataset)
    callback.on_train_begin(
        arguments, state, None, model=tagger or model(), train_dataloader=loader
    )


@pytest.mark.parametrize(("name", "value"), [("fsdp", "full_shard"), ("deepspeed", "config.json")])
def test_sharded_weights_are_refused(name, value):
    pruning = MagnitudePruningCallback(sparsity=0.7, **STEPS)
    with pytest.raises(ShardedParametersError, match=r"(?i)" + name):
        begin(pruning, **{name: value})
    begin(pruning)
    assert pruning.controller.num_removed == 0


def test_sharding_by_accelerate_is_refused(monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ShardedParametersError, match=r"FSDP\n[\s\S]*all weights"):
        begin(MagnitudePruningCallback(sparsity=0.7, **STEPS))


def test_the_best_checkpoint_at_the_end_is_refused_before_the_training():
    pruning = MagnitudePruningCallback(sparsity=0.7, **STEPS)
    with pytest.raises(PruningScheduleError, match=r"load_best_model_at_end: true"):
        begin(pruning, load_best_model_at_end=True)
    assert pruning.controller is None


def test_data_without_a_length_needs_steps():
    with pytest.raises(MissingInputError, match=r"end_step None[\s\S]*with a length"):
        begin(MagnitudePruningCallback(sparsity=0.7, start_step=1), dataset=iter(()))


def test_a_model_that_is_sparse_enough_is_refused():
    tagger = model()
    with torch.no_grad():
        for module in tagger.roberta.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.zero_()
    with pytest.raises(NoEffectError, match=r"sparsity 0\.7[\s\S]*14,336 zeros"):
        begin(MagnitudePruningCallback(sparsity=0.7, **STEPS), tagger=tagger)


def test_processes_that_differ_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(callback_checks, "gather_object", lambda found: [*found, "0badf00d"])
    with pytest.raises(PruningMaskError, match=r"masks \w{8}, 0badf00d"):
        trained(tmp_path, save_strategy="no")
