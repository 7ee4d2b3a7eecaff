"""Every bad input that the first job names: exit code 1, four lines, nothing half-written."""

import errno
import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.cli.console import kept, problem, run
from tests.recipes.jobs import write_inputs
from tests.tiny import tiny_checkpoint
from tinyglot.files import locked

GEORGIAN = "დედა ენა არის ჩვენი სიმდიდრე და სიხარული.\n" * 5


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def compress(inputs, out, *options, model=None, language="sw", text=None):
    return problem(
        "compress", model or inputs / "model", "--language", language,
        "--text", text or inputs / "sw.txt", "--out", out, *options,
    )  # fmt: skip


def finetune(inputs, out, data, *options):
    return problem(
        "finetune", inputs / "model", "--task", "ner", "--data", data,
        "--language", "sw", "--max-steps", 2, "--out", out, *options,
    )  # fmt: skip


# --- text ---------------------------------------------------------------------------------------


def test_missing_text(inputs, out):
    found = compress(inputs, out, text="nowhere.txt")
    assert found["problem"] == "Could not read the text: there is no such file or directory."
    assert found["got"] == "nowhere.txt"
    assert not out.exists()


@pytest.mark.parametrize("content", ["", "\n \n\n"])
def test_empty_text(inputs, out, tmp_path, content):
    (tmp_path / "empty.txt").write_text(content)
    found = compress(inputs, out, text=tmp_path / "empty.txt")
    assert "empty.txt" in found["got"]
    assert kept(out) == set()


def test_text_that_is_not_utf8(inputs, out, tmp_path):
    (tmp_path / "latin.txt").write_bytes("Habari\nŻejtun ċ\n".encode("iso8859-3"))
    found = compress(inputs, out, text=tmp_path / "latin.txt")
    assert "latin.txt" in found["got"]
    assert "line 2" in found["got"]
    assert "UTF-8" in found["expected"]
    assert kept(out) == set()


def test_text_in_a_script_that_the_tokenizer_does_not_know(inputs, out, tmp_path):
    (tmp_path / "ka.txt").write_text(GEORGIAN, encoding="utf-8")
    found = compress(inputs, out, language="ka", text=tmp_path / "ka.txt")
    assert "does not know much of the text" in found["problem"]
    assert re.search(r"kat-Geor: [\d.]+% of \d+ tokens are unknown", found["got"])
    assert kept(out) == set()


def test_unknown_language(inputs, out):
    found = compress(inputs, out, language="swahilli")
    assert found["got"] == "'swahilli'"
    assert "did you mean swh-Latn (Swahili)" in found["expected"]
    assert not out.exists()


# --- labelled data ------------------------------------------------------------------------------


def labelled(directory, train):
    folder = directory / "data" / "sw"
    folder.mkdir(parents=True)
    for split, content in (("train", train), ("dev", "Asha B-PER\n"), ("test", "Asha B-PER\n")):
        (folder / f"{split}.conll").write_text(content, encoding="utf-8")
    return directory / "data"


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("Asha B-PER\nleo\n\nJuma B-PER\n", "line 2"),  # a broken line
        ("Asha B-PER\nleo O\n\nJuma PERSON\n", "line 4"),  # an illegal tag
        ("Asha B-PER\n\nleo\nna\n\nJuma B-PER\n", "lines 3-4"),  # a sentence without labels
    ],
)
def test_broken_labelled_data(inputs, out, tmp_path, train, said):
    found = finetune(inputs, out, labelled(tmp_path, train))
    assert "train.conll" in found["problem"] + found["got"]
    assert said in found["got"]
    assert kept(out) == set()


def test_all_broken_lines_are_named_at_once(inputs, out, tmp_path):
    found = finetune(inputs, out, labelled(tmp_path, "Asha B-PER\nleo\n\nJuma PERSON\n"))
    assert "line 2" in found["got"]
    assert "line 4" in found["got"]


def test_a_label_that_training_does_not_have(inputs, out, tmp_path):
    data = labelled(tmp_path, "Asha B-PER\nleo O\n" * 9)
    (data / "sw" / "test.conll").write_text("Nairobi B-LOC\n")
    found = finetune(inputs, out, data)
    assert "LOC" in found["got"]
    assert kept(out) == set()


def test_no_labelled_data(inputs, out, tmp_path):
    found = finetune(inputs, out, tmp_path / "nowhere")
    assert "nowhere" in found["problem"] + found["got"]
    assert kept(out) == set()


# --- sizes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [100_000, 2])
def test_vocabulary_size_out_of_range(inputs, out, size):
    """Above the original, and below the special tokens and the script's characters."""
    found = compress(inputs, out, "--max-vocabulary-size", size)
    assert "Could not trim the vocabulary" in found["problem"]
    assert str(size) in found["got"] + found["expected"]
    assert kept(out) == set()


def test_options_out_of_range_are_reported_together(inputs, out):
    found = compress(inputs, out, "--coverage", "1.5", "--seed", "-1")
    assert found["problem"] == "Could not use the options: 2 mistakes."
    assert "coverage" in found["got"]
    assert "seed" in found["got"]
    assert not out.exists()


# --- models -------------------------------------------------------------------------------------


def changed_model(directory, change):
    model = tiny_checkpoint(directory / "changed")
    change(model)
    return model


def edit_tensors(change):
    def edit(model):
        tensors = load_file(model / "model.safetensors")
        change(tensors)
        save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})

    return edit


def call_it_t5(model):
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "model_type": "t5"}))


def pickle_only(model):
    torch.save(load_file(model / "model.safetensors"), model / "pytorch_model.bin")
    (model / "model.safetensors").unlink()


def cut_short(model):
    os.truncate(model / "model.safetensors", 5000)


def spoil_config(model):
    (model / "config.json").write_text('{"model_type": "xlm-rob')


QUERY = "encoder.layer.1.attention.self.query.weight"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (call_it_t5, r"'?t5'?"),
        (edit_tensors(lambda tensors: tensors.pop(QUERY)), f"missing: {QUERY}"),
        (edit_tensors(lambda tensors: tensors.update(more=torch.ones(2))), "extra: more"),
        (pickle_only, "pytorch_model.bin"),
        (cut_short, "model.safetensors, 5000 bytes"),
        (spoil_config, "config.json"),
    ],
    ids=["unsupported", "missing tensor", "extra tensor", "pickle", "cut short", "config"],
)
def test_a_model_that_cannot_be_used(inputs, out, tmp_path, change, said):
    found = compress(inputs, out, model=changed_model(tmp_path, change))
    assert said.strip("'?") in found["got"]
    assert kept(out) == set()


def test_an_unsupported_family_lists_the_supported_and_the_file_to_write(inputs, out, tmp_path):
    found = compress(inputs, out, model=changed_model(tmp_path, call_it_t5))
    assert "xlm-roberta" in found["expected"]
    assert "architectures/" in found["fix"]


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_model_without_head(inputs, command):
    data = ("--data", inputs / "data", "--language", "sw") if command == "evaluate" else ()
    found = problem(command, inputs / "model", "--task", "ner", *data)
    assert found["problem"].endswith("for the task ner: it has no head for it.")
    assert "XLMRobertaModel" in found["got"]
    assert "tinyglot finetune" in found["fix"]


# --- places -------------------------------------------------------------------------------------


def test_an_output_directory_in_use(inputs, out):
    with locked(out):
        found = compress(inputs, out)
    assert "another run is writing to it" in found["problem"]
    assert kept(out) == set()


def test_an_output_directory_with_other_files(inputs, out):
    out.mkdir()
    (out / "letter.txt").write_text("precious")
    found = compress(inputs, out)
    assert "letter.txt" in found["got"]
    assert [path.name for path in out.iterdir()] == ["letter.txt"]


def test_an_output_directory_that_is_a_file(inputs, out):
    out.write_text("precious")
    assert "cannot be written" in compress(inputs, out)["problem"]
    assert out.read_text() == "precious"


def test_a_full_disk_while_saving(inputs, out, monkeypatch):
    def full(tensors, path, metadata=None):
        with open(path, "wb") as file:  # noqa: PTH123  (a path or a string)
            file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("transformers.modeling_utils.safe_save_file", full)
    found = compress(inputs, out)
    assert found["problem"] == "Could not write checkpoint: the disk is full."
    assert "MiB free" in found["got"]
    assert {name for name in kept(out) if "plan.json" not in name} == set()
    monkeypatch.undo()
    assert run_again(inputs, out) == 0


def run_again(inputs, out):
    model, text = inputs / "model", inputs / "sw.txt"
    return run("compress", model, "--language", "sw", "--text", text, "--out", out).code


@contextmanager
def small_disk(place, kilobytes):
    """A file system of its own; skips where mounting is not allowed."""
    place.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("needs root and mount, to make a small file system")
    done = subprocess.run([mount, *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot mount a small file system here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("kilobytes", [8, 40, 130])
def test_a_disk_that_is_really_full(inputs, tmp_path, kilobytes):
    """Full at the recipe, the plan or the weights: told each time, and nothing half-written."""
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        found = compress(inputs, disk / "run")
        assert "the disk is full" in found["problem"]
        names = {path.name for path in (disk / "run").rglob("*")}
        assert not names & {"final", "checkpoint", "record.json"}
        assert [name for name in names if name.endswith((".tmp", ".old"))] == []


# --- recipes and commands -----------------------------------------------------------------------


def test_a_recipe_with_unknown_keys(tmp_path, out):
    path = tmp_path / "mine.yaml"
    path.write_text("model: m\nlangauges: [sw]\nsteps:\n- {method: layer_dropping, num_layer: 2}\n")
    for command in (("run", path, "--out", out), ("recipe", "validate", path)):
        found = problem(*command)
        assert found["problem"] == f"Could not read {path}: 2 mistakes."
        assert "langauges: unknown key, did you mean 'languages'?" in found["got"]
        assert "num_layer: unknown key, did you mean 'num_layers'?" in found["got"]
    assert not out.exists()


def test_a_corrected_command_may_use_the_directory_of_the_failed_one(inputs, out):
    compress(inputs, out, "--max-vocabulary-size", 100_000)
    assert (out / "recipe.yaml").exists()
    assert run_again(inputs, out) == 0
    assert (out / "final" / "model.safetensors").exists()


def test_a_directory_with_work_of_another_command_is_refused(inputs, out):
    assert run_again(inputs, out) == 0
    found = compress(inputs, out, "--coverage", "0.9")
    assert "another recipe did work in it" in found["problem"]
    assert "steps.0.coverage was 1.0, is 0.9" in found["got"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("compress", "model"),
        ("compress", "m", "--out", "o", "--language", "sw", "--text", "t", "--coverage", "most"),
        ("compress", "m", "--out", "o", "--language", "sw", "--text", "t", "--budget", "sw"),
        ("compres",),
        ("ls", "everything"),
        ("measure", "m", "--batch", "one"),
        ("finetune", "m", "--no-such-option"),
    ],
)
def test_usage_errors_exit_with_two(arguments):
    ended = run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "Usage: " in ended.err
