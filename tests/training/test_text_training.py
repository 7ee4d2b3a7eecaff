from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from transformers import TrainerCallback

from tests.parity import assert_parity
from tests.tiny import tiny_pair
from tests.training.runs import AtStep
from tests.training.test_resume import InterruptedRunError, interrupt
from tests.training.texts import FAST, plan_of, run, write_text
from tinyglot.architectures import selected_positions, view
from tinyglot.errors import (
    EmptyTextError,
    MissingInputError,
    PlanOutdatedError,
    RunDirectoryError,
    TextTooShortError,
    TrainingDivergedError,
    UnsupportedTokenizerError,
)
from tinyglot.methods.contract import Context
from tinyglot.training import TrainingConfig, cross_entropy, train
from tinyglot.training.text import (
    TextRow,
    TextSetup,
    TextTrainingOptions,
    new_head,
    train_on_text,
)
from tinyglot.training.text.training import averaged_curve


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def uninterrupted(context, tmp_path_factory):
    return run(context, tmp_path_factory.mktemp("uninterrupted"), tiny_pair("bert", "wordpiece"))


def assert_same(actual, expected):
    values = actual.model.state_dict()
    for name, value in expected.model.state_dict().items():
        assert torch.equal(values[name], value), name
    assert actual.facts == expected.facts


def resume_points(directory):
    return sorted(path.name for path in directory.glob("checkpoint-*"))


# --- what comes out -----------------------------------------------------------------------------


def test_a_new_head_is_tied_and_trained_alone_first(context, tmp_path):
    bare = tiny_pair("bert", "wordpiece")
    untouched = {name: value.clone() for name, value in bare[0].state_dict().items()}
    result = run(context, tmp_path, bare)
    assert view(result.model).is_tied
    saved = tmp_path / "head" / "checkpoint-4" / "model.safetensors"
    assert saved.is_file()
    after_head = load_file(saved)
    for name, value in untouched.items():
        if f"bert.{name}" in after_head:
            assert torch.equal(after_head[f"bert.{name}"], value), name
        assert torch.equal(bare[0].state_dict()[name], value)
    moved = result.model.state_dict()
    assert not torch.equal(
        moved["bert.embeddings.word_embeddings.weight"],
        untouched["embeddings.word_embeddings.weight"],
    )
    assert all(parameter.requires_grad for parameter in result.model.parameters())


def test_a_head_that_is_there_goes_on(context, tmp_path):
    pair = tiny_pair("xlm_roberta", "unigram", "masked_lm")
    assert plan_of(pair, context).head == "continued"
    result = run(context, tmp_path, pair)
    assert "head" not in result.facts
    assert not (tmp_path / "head").exists()


def test_facts_have_curves_and_losses_before_and_after(uninterrupted):
    facts = uninterrupted.facts
    assert [point["step"] for point in facts["curve"]] == list(range(1, 9))
    assert [point["step"] for point in facts["held_out_curve"]] == [0, 3, 6, 8]
    losses = facts["held_out_loss"]
    assert losses["before"]["swh-Latn"] == losses["before"]["macro_average"]
    points = facts["held_out_curve"]
    assert [losses["before"], losses["after"]] == [
        {"swh-Latn": points[i]["swh-Latn"], "macro_average": points[i]["macro_average"]}
        for i in (0, -1)
    ]
    assert facts["head"]["num_steps"] == 5


def test_the_held_out_loss_falls(context, tmp_path):
    facts = run(context, tmp_path, max_steps=30, evaluate_steps=None, save_steps=None).facts
    losses = facts["held_out_loss"]
    assert losses["after"]["swh-Latn"] < losses["before"]["swh-Latn"] - 0.2


def test_a_curve_of_many_steps_is_averaged_over_spans():
    losses = np.stack([np.arange(250.0) * 2, np.full(250, 2.0)], axis=1)
    points = averaged_curve(losses)
    assert len(points) == 100
    assert points[-1]["step"] == 250
    assert [(p["step"], p["loss"]) for p in points[:2]] == [(2, 0.5), (5, 3.0)]
    assert averaged_curve(losses[:1]) == [{"step": 1, "loss": 0.0}]


def test_looking_at_the_held_out_loss_changes_nothing(context, tmp_path, uninterrupted):
    often = run(context, tmp_path, tiny_pair("bert", "wordpiece"), evaluate_steps=1)
    for name, value in uninterrupted.model.state_dict().items():
        assert torch.equal(often.model.state_dict()[name], value), name
    points = {point["step"]: point for point in often.facts["held_out_curve"]}
    assert len(points) == 9
    assert points[6] == uninterrupted.facts["held_out_curve"][2]


def test_held_out_tokens_are_the_same_for_every_seed(context, tmp_path):
    pair = tiny_pair("bert", "wordpiece", "masked_lm")
    before = [
        run(replace(context, seed=seed), tmp_path / str(seed), pair, max_steps=1).facts[
            "held_out_loss"
        ]["before"]
        for seed in (0, 1)
    ]
    assert before[0] == before[1]


def test_packed_text_is_trained_on_in_fewer_sequences(context, tmp_path):
    pair = tiny_pair("bert", "wordpiece", "masked_lm")
    lines, packed = (
        plan_of(pair, context, sequences=s, max_length=64) for s in ("lines", "packed")
    )
    assert packed.num_sequences["swh-Latn"] < lines.num_sequences["swh-Latn"]
    result = run(context, tmp_path, pair, sequences="packed", max_length=64, max_steps=2)
    assert np.isfinite(result.record.last_epoch_loss)


# --- resume -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [2, 7])
def test_killed_and_continued_it_ends_with_the_same_bytes(context, tmp_path, uninterrupted, step):
    pair = tiny_pair("bert", "wordpiece")
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(context, tmp_path, pair, callbacks=[AtStep(step, interrupt)])
    assert_same(run(context, tmp_path, pair), uninterrupted)


def test_a_head_is_trained_once_however_often_the_rest_is_resumed(context, tmp_path, monkeypatch):
    """Not bit by bit on another machine: the rest would not know its first weights again."""
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(context, tmp_path, callbacks=[AtStep(7, interrupt)])
    whole = sorted((tmp_path / "head/trained").iterdir())

    def train_again(*args, **options):
        raise AssertionError("the head was trained again")

    monkeypatch.setattr(new_head, "train", train_again)
    resumed = run(context, tmp_path)
    assert resumed.facts["head"]["num_steps"] == len(resumed.facts["head"]["curve"]) == 5
    assert sorted((tmp_path / "head/trained").iterdir()) == whole
    with pytest.raises(RunDirectoryError, match=r"learning_rate was 0\.003[\s\S]*0\.002"):
        run(context, tmp_path, head_learning_rate=2e-3)


def test_bf16_and_token_batches_resume_too(context, tmp_path):
    options = {"batch_tokens": 96, "batch_size": None, "precision": "bf16", "head_steps": 0}
    expected = run(context, tmp_path / "whole", **options)
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(context, tmp_path / "killed", callbacks=[AtStep(6, interrupt)], **options)
    assert_same(run(context, tmp_path / "killed", **options), expected)


def test_stored_examples_are_read_as_they_are_needed(context):
    class Counted:
        lengths, digest, read = np.full(40, 6), "00000000", 0

        def __len__(self):
            return 40

        def __getitem__(self, index):
            self.read += 1
            return TextRow.of([2, 5 + index, 6, 7, 8, 3], (0, 1, 2, 3, 4))

    examples = Counted()
    model, _ = tiny_pair("bert", "wordpiece", "masked_lm")
    config = TrainingConfig(max_steps=2, batch_size=4, save_steps=None)
    assert train(model, examples, config).record.num_steps == 2
    assert examples.read == 8


# --- objectives ---------------------------------------------------------------------------------


class Same:
    """The masked-LM loss, computed by itself."""

    trainable = None

    def __init__(self, name="same"):
        self.name = name

    def settings(self):
        return {"name": self.name}

    def loss(self, student, inputs, labels, num_items):
        is_hidden = labels.ne(-100)
        with selected_positions(student, is_hidden):
            outputs = student(**inputs)
        return cross_entropy(outputs, labels[is_hidden], num_items)


class Projected(Same):
    """Brings projected hidden states near a constant."""

    def __init__(self):
        super().__init__("projected")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.trainable = torch.nn.Linear(32, 3)

    def loss(self, student, inputs, labels, num_items):
        states = student(**inputs, output_hidden_states=True).hidden_states[-1]
        return (self.trainable(states) - 1).square().mean()


def test_an_objective_takes_the_place_of_the_loss(context, tmp_path, uninterrupted):
    same = run(context, tmp_path, tiny_pair("bert", "wordpiece"), Same())
    for name, value in uninterrupted.model.state_dict().items():
        assert_parity(same.model.state_dict()[name], value, atol=0.0)
    assert same.facts["curve"] == uninterrupted.facts["curve"]


def test_parameters_of_an_objective_are_trained_resumed_and_dropped(context, tmp_path):
    pair, whole, killed = tiny_pair("bert", "wordpiece", "masked_lm"), Projected(), Projected()
    before = whole.trainable.weight.detach().clone()
    expected = run(context, tmp_path / "whole", pair, whole)
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(context, tmp_path / "killed", pair, Projected(), [AtStep(7, interrupt)])
    assert_same(run(context, tmp_path / "killed", pair, killed), expected)
    assert not torch.equal(whole.trainable.weight, before)
    assert torch.equal(whole.trainable.weight, killed.trainable.weight)
    assert not hasattr(expected.model, "objective")
    assert expected.model.state_dict().keys() == pair[0].state_dict().keys()


def test_resume_points_of_another_objective_are_refused(context, tmp_path):
    pair = tiny_pair("bert", "wordpiece", "masked_lm")
    run(context, tmp_path, pair, Same("one"))
    with pytest.raises(RunDirectoryError, match=r"objective was[\s\S]*one[\s\S]*two"):
        run(context, tmp_path, pair, Same("two"))


# --- a loss that is no number -------------------------------------------------------------------


class Diverging(Same):
    def __init__(self, step):
        super().__init__("diverging")
        self.step, self.calls = step, 0

    def loss(self, *args):
        self.calls += 1
        return super().loss(*args) * (float("nan") if self.calls >= self.step else 1.0)


def test_a_loss_that_is_no_number_stops_within_ten_steps(context, tmp_path):
    objective = Diverging(13)
    pair = tiny_pair("bert", "wordpiece", "masked_lm")
    said = r"loss nan in step 13, at learning rate 0\.00\d+\n[\s\S]*training/checkpoint-8\n"
    with pytest.raises(TrainingDivergedError, match=said):
        run(context, tmp_path, pair, objective, max_steps=40, save_steps=8, warmup_ratio=0.5)
    assert objective.calls == 16  # at the next resume point, which is not written
    assert resume_points(tmp_path / "training") == ["checkpoint-8"]
    unsaved = Diverging(13)
    with pytest.raises(TrainingDivergedError, match=r"step 13[\s\S]*none was written before"):
        run(context, tmp_path / "unsaved", pair, unsaved, max_steps=40, save_steps=None)
    assert unsaved.calls == 20


def test_the_last_good_resume_point_can_be_gone_on_from(context, tmp_path):
    pair = tiny_pair("bert", "wordpiece", "masked_lm")
    expected = run(context, tmp_path / "whole", pair, Same("diverging"))
    with pytest.raises(TrainingDivergedError, match=r"in step 6[\s\S]*checkpoint-4"):
        run(context, tmp_path / "broken", pair, Diverging(6))
    assert_same(run(context, tmp_path / "broken", pair, Same("diverging")), expected)


def test_no_resume_point_holds_a_weight_that_is_no_number(context, tmp_path):
    class Break(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 8:
                with torch.no_grad():
                    next(kwargs["model"].parameters())[0] = float("inf")

    pair = tiny_pair("bert", "wordpiece", "masked_lm")
    with pytest.raises(TrainingDivergedError, match=r"infinite or no number in step 8, at"):
        run(context, tmp_path, pair, callbacks=[Break()], max_steps=12)
    assert resume_points(tmp_path / "training") == ["checkpoint-4"]


# --- bad input ----------------------------------------------------------------------------------


def test_refuses_a_language_without_text(context):
    pair = tiny_pair("bert", "wordpiece")
    with pytest.raises(MissingInputError, match=r"no text for yor-Latn[\s\S]*--text PATH"):
        plan_of(pair, context, languages=["yor-Latn"])
    with pytest.raises(MissingInputError, match=r"got: +no language"):
        plan_of(pair, Context())


def test_refuses_text_shorter_than_a_batch(context):
    pair = tiny_pair("bert", "wordpiece")
    with pytest.raises(TextTooShortError, match=r"at least 9,000 tokens[\s\S]*batch_tokens: \d+"):
        plan_of(pair, context, batch_size=None, batch_tokens=9000)
    with pytest.raises(TextTooShortError, match=r"at least 99,999 sequences[\s\S]*batch_size: \d+"):
        plan_of(pair, context, batch_size=99_999)


def test_refuses_text_without_a_held_out_line(context, tmp_path):
    pair, path = tiny_pair("bert", "wordpiece"), tmp_path / "two.txt"
    path.write_text("mstari 0\nmstari 1\n")
    two = replace(context, text={"swh-Latn": (path,)})
    with pytest.raises(EmptyTextError, match=r"dev portion[\s\S]*two\.txt falls in it"):
        plan_of(pair, two, batch_size=1)
    assert plan_of(pair, two, batch_size=1, held_out_lines=0).num_lines == {"swh-Latn": 2}


@pytest.mark.parametrize("line", ["☃", "\u200b\u200d"])
def test_refuses_text_of_which_no_token_can_be_hidden(tmp_path, line):
    """The tokenizer does not know the first, and leaves nothing of the second."""
    context, pair = write_text(tmp_path), tiny_pair("bert", "wordpiece")
    for portion, num_lines in (("dev", 4), ("train", 40)):
        (tmp_path / f"swh-Latn/{portion}.txt").write_text(f"{line}\n" * num_lines, "utf-8")
        said = rf"{portion} portion of the text in swh-Latn: no token[\s\S]*{num_lines} line\(s\)"
        with pytest.raises(EmptyTextError, match=said):
            plan_of(pair, context)


def test_refuses_a_tokenizer_without_a_mask_token(context):
    model, tokenizer = tiny_pair("bert", "wordpiece")
    tokenizer.mask_token = None
    with pytest.raises(UnsupportedTokenizerError, match="mask_token: null"):
        plan_of((model, tokenizer), context)


def test_refuses_text_that_has_changed_since_the_plan(tmp_path):
    context, pair = write_text(tmp_path), tiny_pair("bert", "wordpiece")
    plan = plan_of(pair, context)
    (tmp_path / "swh-Latn/train.txt").write_text("habari ya asubuhi\n" * 9)
    with pytest.raises(PlanOutdatedError, match=rf"{plan.data_digest}[\s\S]*plan again"):
        train_on_text(*pair, plan, TextSetup(0, text=context.text))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_tokens": 32, "batch_size": None}, "batch_tokens must be at least max_length, 256"),
        ({"batch_tokens": 512, "batch_size": 4}, "give batch_size or batch_tokens, and not both"),
        ({"active_vocabulary": True}, "Input should be False"),
    ],
)
def test_refuses_options_that_contradict_each_other(options, said):
    with pytest.raises(ValidationError, match=said):
        TextTrainingOptions(**options)
    assert TextTrainingOptions(batch_size=4).batch_tokens is None
    assert TextTrainingOptions(**FAST).batch_size == 4
