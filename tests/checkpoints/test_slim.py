"""Checkpoints whose layers differ: loaded with and without tinyglot, and by every door."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from transformers import AutoModel, BertForTokenClassification

from tests.checkpoints.test_embedder import make_embedder
from tests.slim import AUTO_CLASSES, load_alone, outputs, slim_checkpoint, uneven
from tests.tiny import FAMILIES, tiny_model, tiny_pair
from tests.training.runs import AtStep
from tests.training.sentences import sentences
from tests.training.test_resume import InterruptedRunError, interrupt
from tinyglot import load_checkpoint, save_checkpoint
from tinyglot.architectures import slim, view
from tinyglot.checkpoints.own_code import COPIES
from tinyglot.checkpoints.push import checkpoint_files
from tinyglot.errors import CheckpointTensorsError, UnsafeCheckpointError
from tinyglot.surgery import gather_vocabulary, keep_layers, keep_structures, verify_reload
from tinyglot.training import TrainingConfig, train
from tinyglot.training.head import with_head

# every family, every head, each at least once
CASES = [
    *((family, "token_classification") for family in FAMILIES),
    ("bert", "encoder"),
    ("modernbert", "masked_lm"),
    ("deberta_v2", "question_answering"),
    ("xlm_roberta", "sequence_classification"),
]
OURS = Path(slim.__file__).read_bytes()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Save each case once; load all of them in one process that cannot import tinyglot."""
    root = tmp_path_factory.mktemp("slim")
    models = {case: slim_checkpoint(root / "-".join(case), *_kinds(*case)) for case in CASES}
    jobs = [(AUTO_CLASSES[head], "-".join((family, head))) for family, head in CASES]
    # an encoder out of a checkpoint with a head
    jobs.append(("AutoModel", "bert-token_classification"))
    load_alone(
        [(auto, str(root / name), str(root / f"{name}-{auto}-again")) for auto, name in jobs],
        root / "inputs.pt",
    )
    return root, models


def _kinds(family, head):
    return family, "unigram" if family in ("xlm_roberta", "deberta_v2") else "wordpiece", head


@pytest.fixture
def directory(tmp_path):
    slim_checkpoint(tmp_path / "slim")
    return tmp_path / "slim"


def edit_config(directory, **fields):
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


# --- without tinyglot --------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "head"), CASES)
def test_plain_transformers_computes_the_same(saved, family, head):
    root, models = saved
    alone = torch.load(root / f"{family}-{head}-{AUTO_CLASSES[head]}-again.pt")
    assert torch.equal(alone, outputs(models[family, head]))


def test_plain_transformers_finds_the_encoder_below_a_head(saved):
    root, models = saved
    alone = torch.load(root / "bert-token_classification-AutoModel-again.pt")
    assert torch.equal(alone, outputs(models["bert", "token_classification"].base_model))


@pytest.mark.parametrize(("family", "head"), CASES[:3])
def test_what_plain_transformers_saves_again_is_a_slim_checkpoint_too(saved, family, head):
    root, models = saved
    again = root / f"{family}-{head}-{AUTO_CLASSES[head]}-again"
    assert (again / slim.MODELING_FILE).read_bytes() == OURS
    shutil.copyfile(root / f"{family}-{head}" / "tokenizer.json", again / "tokenizer.json")
    shutil.copyfile(
        root / f"{family}-{head}" / "tokenizer_config.json", again / "tokenizer_config.json"
    )
    assert torch.equal(outputs(load_checkpoint(str(again)).model), outputs(models[family, head]))


def test_the_checkpoint_holds_one_small_file_equal_to_ours(directory):
    assert [path.name for path in directory.glob("*.py")] == [slim.MODELING_FILE]
    assert (directory / slim.MODELING_FILE).read_bytes() == OURS
    assert slim.MODELING_FILE in checkpoint_files(directory)
    imports = {line.split()[1] for line in OURS.decode().splitlines() if line.startswith("from ")}
    assert imports == {"functools", "pathlib", "typing", "torch", "transformers"}


def test_without_leave_to_run_code_nothing_wrong_is_loaded(directory):
    with pytest.raises(RuntimeError, match=r"size mismatch|mismatched"):
        AutoModel.from_pretrained(directory)


def test_saving_to_the_hub_waits_for_the_file(tmp_path, monkeypatch):
    pushed = []
    cut = keep_structures(tiny_model("bert"), uneven(tiny_model("bert")))
    monkeypatch.setattr(type(cut), "push_to_hub", lambda _, **options: pushed.append(options))
    cut.save_pretrained(tmp_path / "slim", push_to_hub=True, private=True)
    cut.save_pretrained(tmp_path / "slim", push_to_hub=True, repo_id="me/slim")
    assert pushed == [{"repo_id": "slim", "private": True}, {"repo_id": "me/slim"}]
    assert (tmp_path / "slim" / slim.MODELING_FILE).read_bytes() == OURS


# --- with tinyglot -----------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "head"), CASES)
def test_tinyglot_loads_it_without_its_code(saved, family, head, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the checkpoint's code was asked for")

    monkeypatch.setattr("transformers.dynamic_module_utils.get_class_in_module", refuse)
    root, models = saved
    loaded = load_checkpoint(str(root / f"{family}-{head}")).model
    assert type(loaded) is type(models[family, head])
    assert type(loaded).__module__ == slim.__name__
    assert torch.equal(outputs(loaded), outputs(models[family, head]))


def test_an_encoder_taken_from_below_a_head_can_be_saved(tmp_path):
    model = keep_structures(tiny_model("bert", "token_classification"), uneven(tiny_model("bert")))
    for each in (model, load_saved(model, tmp_path / "whole")):
        encoder = load_saved(each.base_model, tmp_path / "encoder")
        assert type(encoder).__name__ == "SlimBertModel"
        assert torch.equal(outputs(encoder), outputs(model.base_model))


def load_saved(model, directory):
    _, tokenizer = tiny_pair("bert", "wordpiece")
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return load_checkpoint(str(directory)).model


def test_the_file_may_be_missing(directory):
    (directory / slim.MODELING_FILE).unlink()
    assert view(load_checkpoint(str(directory)).model).num_heads == (1, 2)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda path: (path / slim.MODELING_FILE).write_bytes(OURS + b"\n"),
            r"modeling_tinyglot_slim\.py, which is no file of tinyglot",
        ),
        (
            lambda path: edit_config(path, auto_map={"AutoModel": "evil.SlimBertModel"}),
            r"got: +'evil\.SlimBertModel' in auto_map",
        ),
        (
            lambda path: edit_config(
                path, auto_map={"AutoModel": "evil/repo--modeling_tinyglot_slim.SlimBertModel"}
            ),
            r"got: +'evil/repo--modeling_tinyglot_slim\.SlimBertModel' in auto_map",
        ),
        (
            lambda path: edit_config(path, architectures=["SlimGPT2Model"]),
            r"got: +class 'SlimGPT2Model'[\s\S]*fix: +if you trust the code",
        ),
        (
            lambda path: edit_config(path, architectures=["EvilModel"]),
            r"auto_map in .*config\.json, class 'EvilModel'",
        ),
    ],
)
def test_code_that_is_not_ours_is_refused(directory, spoil, message):
    spoil(directory)
    with pytest.raises(UnsafeCheckpointError, match=message):
        load_checkpoint(str(directory))


@pytest.mark.parametrize(
    "sizes",
    [
        None,
        {"heads": [1, 2]},
        {"heads": [1, 2, 3], "ffn": [4, 5, 6]},
        {"heads": [1, 0], "ffn": [4, 5]},
        {"heads": [1, True], "ffn": [4, 5]},
        {"heads": "12", "ffn": [4, 5]},
        {"heads": [1, 2], "ffn": [4, 5], "adapters": [3]},
        {"heads": [1, 2], "ffn": [4, 5], "adapters": None},
    ],
)
def test_sizes_that_are_none_are_refused(directory, sizes):
    edit_config(directory, slim=sizes)
    with pytest.raises(
        CheckpointTensorsError, match=r"sizes of its layers[\s\S]*list of 2 numbers"
    ):
        load_checkpoint(str(directory))


def test_every_file_that_was_ever_written_is_known():
    """Whoever changes slim.py appends its new digest, so that older checkpoints still load."""
    assert hashlib.sha256(OURS).hexdigest() == COPIES[-1]


def test_a_checkpoint_with_an_earlier_file_of_ours_is_loaded(directory, monkeypatch):
    (directory / slim.MODELING_FILE).write_bytes(b"# earlier")
    earlier = hashlib.sha256(b"# earlier").hexdigest()
    monkeypatch.setattr("tinyglot.checkpoints.own_code.COPIES", (earlier, *COPIES))
    assert view(load_checkpoint(str(directory)).model).num_heads == (1, 2)


def test_sizes_of_another_model_are_refused(directory):
    edit_config(directory, slim={"heads": [2, 2], "ffn": [45, 42]})
    with pytest.raises(CheckpointTensorsError, match=r"other shape: encoder\.layer\.0\.attention"):
        load_checkpoint(str(directory))


@pytest.mark.parametrize("name", ["SlimGPT2Model", "SlimNothing", "BertModel", "SlimBertConfig"])
def test_only_models_of_the_families_have_a_slim_class(name):
    with pytest.raises(AttributeError, match=rf"no attribute '{name}'"):
        getattr(slim, name)


def test_a_slim_class_is_made_once():
    assert slim.slim_class(transformers.BertModel) is slim.SlimBertModel
    assert slim.slim_class(slim.SlimBertModel) is slim.SlimBertModel
    assert slim.ordinary_class(slim.SlimBertModel) is transformers.BertModel
    assert slim.ordinary_class(transformers.BertModel) is transformers.BertModel


# --- further work on it ------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_that_go_take_their_sizes_with_them(family):
    model = tiny_model(family)
    cut = keep_structures(model, uneven(model))
    kept = (0, len(view(model).layers) - 1)
    shorter = keep_layers(cut, kept) if len(view(model).layers) > 2 else cut
    sizes = view(cut).num_heads, view(cut).ffn_sizes
    assert shorter.config.slim == {
        name: [values[layer] for layer in kept]
        for name, values in zip(("heads", "ffn"), sizes, strict=True)
    }
    verify_reload(shorter)


def test_one_layer_with_all_its_heads_is_an_ordinary_model():
    model = tiny_model("bert")
    all_heads = uneven(model).keep(heads=((0, 1), (0, 1, 2, 3)))
    one = keep_layers(keep_structures(model, all_heads), [1])
    assert type(one) is transformers.BertModel
    assert not hasattr(one.config, "slim")
    assert one.config.intermediate_size == 42
    verify_reload(one)


def test_a_head_is_put_on_a_slim_model():
    model = tiny_model("bert", "masked_lm")
    cut = keep_structures(model, uneven(model))
    headed = with_head(cut, BertForTokenClassification, ("O", "B-LOC"), seed=0)
    assert type(headed).__name__ == "SlimBertForTokenClassification"
    assert torch.equal(outputs(headed.base_model), outputs(cut.base_model))
    verify_reload(headed)


def test_a_vocabulary_is_gathered_from_a_slim_model():
    model = tiny_model("bert", "masked_lm")
    cut = keep_structures(model, uneven(model))
    gathered = gather_vocabulary(cut, torch.arange(100))
    assert (outputs(gathered) - outputs(cut)[..., :100]).abs().max() < 1e-6
    verify_reload(gathered)


def test_training_of_a_slim_model_goes_on_where_it_was_interrupted(tmp_path):
    model = tiny_model("xlm_roberta", "token_classification")
    cut = keep_structures(model, uneven(model))
    config = TrainingConfig(num_epochs=1, batch_size=8, learning_rate=1e-2, save_steps=2, seed=1)

    def run(name, *callbacks):
        return train(cut, sentences(40), config, tmp_path / name, callbacks=callbacks).model

    whole = run("whole")
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run("interrupted", AtStep(4, interrupt))
    resumed = run("interrupted")
    assert type(resumed) is type(cut)
    assert torch.equal(outputs(resumed), outputs(whole))
    assert not torch.equal(outputs(resumed), outputs(cut))
    (tmp_path / "interrupted" / "checkpoint-4" / slim.MODELING_FILE).stat()
    verify_reload(resumed)


def test_a_slim_embedder_stays_one(tmp_path, monkeypatch):
    from sentence_transformers import SentenceTransformer

    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "hf"))
    source = make_embedder(tmp_path / "source")
    model, tokenizer = tiny_pair("xlm_roberta", "unigram")
    cut = keep_structures(model, uneven(model))
    save_checkpoint(cut, tokenizer, tmp_path / "slim", source=source)
    embedder = SentenceTransformer(str(tmp_path / "slim"), trust_remote_code=True, device="cpu")
    assert type(embedder[0].auto_model).__name__ == type(cut).__name__
    assert embedder.encode(["Habari"]).shape == (1, 8)
