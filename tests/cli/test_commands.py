import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.console import kept, problem, run
from tests.methods.labelled import write_split
from tests.recipes.jobs import recipe, write_inputs
from tests.tiny import tiny_checkpoint
from tinyglot import Labeller
from tinyglot.cli import app
from tinyglot.cli.arguments import spread
from tinyglot.cli.predict import line_batches
from tinyglot.errors import TextEncodingError
from tinyglot.methods.registry import METHODS

RECIPE_COMMANDS = ("validate", "show", "schema", "copy")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def tagger(inputs, tmp_path_factory):
    """A fine-tuned model, made by the command."""
    out = tmp_path_factory.mktemp("tagger") / "run"
    ended = run(
        "finetune", inputs / "model", "--task", "ner", "--data", inputs / "data",
        "--language", "sw", "--max-steps", 60, "--learning-rate", 0.01, "--out", out, "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    return SimpleNamespace(out=out, final=out / "final", rows=json.loads(ended.out))


# --- help ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [*((name,) for name in app.COMMANDS), *(("recipe", name) for name in RECIPE_COMMANDS)],
)
def test_help_shows_examples_of_the_command(command):
    ended = run(*command, "--help")
    assert ended.code == 0
    assert "Examples:" in ended.out
    assert f"tinyglot {' '.join(command)}" in ended.out.partition("Examples:")[2]


def test_the_program_lists_every_command():
    ended = run("--help")
    assert [name for name in app.COMMANDS if f" {name} " not in ended.out] == []


def test_help_needs_no_framework():
    script = "import sys; from tinyglot.cli.app import main\ntry: main(['--help'])\nfinally: "
    script += "print('torch' in sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr == "False\n"


# --- several numbers after one option -----------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("measure a b --batch 1 8 --json", "measure a b --batch 1 --batch 8 --json"),
        (
            "measure a --batch 1 8 --length 32 128 --threads 1 2",
            "measure a --batch 1 --batch 8 --length 32 --length 128 --threads 1 2",
        ),
        ("measure --batch=1 8 a", "measure --batch=1 --batch 8 a"),
        ("measure --batch 1 --batch 8", "measure --batch 1 --batch 8"),
        ("measure --batch 1 8 ./16", "measure --batch 1 --batch 8 ./16"),
        ("measure --batch", "measure --batch"),
        ("finetune m --batch 1 8", "finetune m --batch 1 8"),
        ("", ""),
    ],
)
def test_an_option_is_repeated_for_every_number(given, expected):
    assert spread(given.split()) == expected.split()


def test_measure_takes_several_numbers(inputs, tagger):
    ended = run(
        "measure", inputs / "model", tagger.final, "--batch", 1, 2, "--length", 8, 16,
        "--threads", 1, "--rounds", 3, "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    rows = json.loads(ended.out)
    assert {(row["batch"], row["length"]) for row in rows} == {(1, 8), (1, 16), (2, 8), (2, 16)}
    assert {row["model"] for row in rows} == {str(inputs / "model"), str(tagger.final)}
    assert all(row["threads"] == 1 and row["latency_ms_p50"] > 0 for row in rows)


# --- ls -----------------------------------------------------------------------------------------


def listed(what):
    ended = run("ls", what, "--json")
    assert ended.code == 0, ended.err
    rows = json.loads(ended.out)
    assert len(run("ls", what).out.splitlines()) == len(rows) > 0
    return rows


def test_ls_methods():
    rows = listed("methods")
    assert tuple(row["name"] for row in rows) == METHODS
    assert all(row["version"] >= 1 and row["summary"] for row in rows)


def test_ls_tasks():
    rows = {row["id"]: row for row in listed("tasks")}
    assert " ".join(rows) == "mlm ner nli paraphrase pos qa retrieval sentiment topic"
    assert (rows["ner"]["metric"], rows["qa"]["metrics"]) == ("f1", ["f1", "exact_match"])
    assert rows["retrieval"]["options"]["pooling"] == "mean"


def test_ls_languages():
    rows = {row["tag"]: row for row in listed("languages")}
    assert len(rows) > 200
    assert rows["swh-Latn"]["name"] == "Swahili"


def test_ls_recipes():
    rows = {row["name"]: row for row in listed("recipes")}
    assert rows["demo"]["summary"].startswith("The whole job")


def test_ls_datasets():
    rows = {row["id"]: row for row in listed("datasets")}
    assert rows["xquad"]["task"] == "qa"
    assert "swh-Latn" in rows["masakhaner2"]["tags"]
    assert "xnli" in run("ls", "datasets").out


def test_ls_architectures():
    assert {"bert", "xlm_roberta", "modernbert"} <= {row["name"] for row in listed("architectures")}


# --- recipe, run --------------------------------------------------------------------------------


@pytest.fixture
def mine(inputs, tmp_path):
    trim = {"method": "vocabulary_trimming", "held_out_share": 0.0}
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(recipe(inputs, steps=[trim])))  # JSON is YAML
    return path


def test_recipe_validate_says_yes(mine):
    assert run("recipe", "validate", mine) == (0, "", f"{mine}: valid, 1 step(s)\n")


def test_recipe_validate_checks_inputs(mine):
    mine.write_text(mine.read_text().replace("sw.txt", "gone.txt"))
    assert "gone.txt" in problem("recipe", "validate", mine)["got"]


def test_recipe_show_marks_defaults(mine):
    ended = run("recipe", "show", mine)
    assert "seed: 0  # default" in ended.out.splitlines()
    assert "  held_out_share: 0.0" in ended.out.splitlines()


def test_recipe_schema_is_json():
    assert json.loads(run("recipe", "schema").out)["required"] == ["model"]


def test_recipe_copy_hands_over_a_file(tmp_path):
    assert run("recipe", "copy", "demo", tmp_path / "mine.yaml").code == 0
    assert run("recipe", "validate", tmp_path / "mine.yaml").code == 0
    found = problem("recipe", "copy", "demo", tmp_path / "mine.yaml")
    assert "something in its place" in found["problem"]


def test_run_prints_the_stages(mine, tmp_path):
    ended = run("run", mine, "--out", tmp_path / "out", "--json")
    assert ended.code == 0, ended.err
    stages = json.loads(ended.out)
    assert [stage["name"] for stage in stages] == ["source", "01-vocabulary_trimming"]
    assert stages[1]["num_parameters"] < stages[0]["num_parameters"]
    again = run("run", mine, "--out", tmp_path / "out")
    assert again.code == 0
    assert "01-vocabulary trimming" in again.out.replace("_", " ")


# --- compress, finetune, evaluate, export -------------------------------------------------------


def test_compress_writes_final(inputs, tmp_path):
    ended = run(
        "compress", inputs / "model", "--language", "sw", "--text", inputs / "sw.txt",
        "--num-layers", 1, "--strategy", "first", "--out", tmp_path, "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    records = json.loads(ended.out)
    assert [record["method"] for record in records] == ["vocabulary_trimming", "layer_dropping"]
    assert records[1]["config"]["strategy"] == "first"
    assert (tmp_path / "final" / "model.safetensors").stat().st_size == records[1]["size"][
        "size_bytes"
    ]


def test_compress_takes_budgets(inputs, tmp_path):
    ended = run(
        "compress", inputs / "model", "--language", "sw", "--text", inputs / "sw.txt",
        "--budget", "swa=20", "--out", tmp_path, "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)[0]["config"]["budgets"] == {"swh-Latn": 20}


def test_finetune_scores_every_language(tagger):
    (row,) = tagger.rows
    assert (row["language"], row["split"], row["n"]) == ("swh-Latn", "test", 6)
    assert row["value"] == 1.0


def test_evaluate_gives_the_same_score(tagger, inputs):
    options = ("--task", "ner", "--data", inputs / "data", "--language", "sw")
    ended = run("evaluate", tagger.final, *options, "--json")
    assert ended.code == 0, ended.err
    (row,) = json.loads(ended.out)
    assert {**row, "model": ""} == {**tagger.rows[0], "model": ""}
    assert "Swahili" in run("evaluate", tagger.final, *options).out


def test_evaluate_reads_another_split(tagger, inputs):
    options = ("--task", "ner", "--data", inputs / "data", "--language", "sw", "--split", "dev")
    assert json.loads(run("evaluate", tagger.final, *options, "--json").out)[0]["n"] == 4


def test_export_is_compared_with_its_source(tagger, tmp_path):
    ended = run("export", tagger.final, "--out", tmp_path / "export", "--json")
    assert ended.code == 0, ended.err
    record = json.loads(ended.out)
    assert record["int8"] is False
    assert record["max_difference_float"] < 1e-4
    assert (tmp_path / "export" / "model.onnx").exists()
    found = problem("export", tagger.out, "--out", tmp_path / "other")
    assert f"give {tagger.final}" in found["fix"]


# --- predict ------------------------------------------------------------------------------------


def predict(monkeypatch, text, *arguments):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text)))
    return run("predict", *arguments, "--task", "ner")


def test_predict_tags_words_and_keeps_empty_lines(monkeypatch, tagger):
    ended = predict(monkeypatch, b"Juma anaishi Nairobi\n\nAsha leo\r\nJuma", tagger.final)
    assert ended.code == 0, ended.err
    sentences = ["Juma\tB-PER\nanaishi\tO\nNairobi\tB-LOC\n", "", "Asha\tB-PER\nleo\tO\n"]
    assert ended.out == "\n".join([*sentences, "Juma\tB-PER\n", ""])


def test_predict_prints_one_object_a_line(monkeypatch, tagger):
    ended = predict(monkeypatch, b"Juma leo\n\n", tagger.final, "--json")
    assert [json.loads(line) for line in ended.out.splitlines()] == [
        {"words": ["Juma", "leo"], "tags": ["B-PER", "O"]},
        {"words": [], "tags": []},
    ]


def test_predict_of_nothing_prints_nothing(monkeypatch, tagger):
    assert predict(monkeypatch, b"", tagger.final).out == ""


def test_predict_answers_before_the_input_ends(tagger):
    command = [sys.executable, "-m", "tinyglot.cli", "predict", str(tagger.final), "--task", "ner"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as process:
        process.stdin.write(b"Juma leo\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"Juma\tB-PER\n"
        process.stdin.write(b"Asha\n")
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(3)][-1] == b"Asha\tB-PER\n"
        wait_until_it_reads(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=900) == 130


def wait_until_it_reads(pid: int) -> None:
    """A signal between Python's own check and the system call would only be seen after it."""
    place, of_reading_standard_input = Path(f"/proc/{pid}/syscall"), "0 0x0 "
    try:
        for _ in range(6000):
            if place.read_text().startswith(of_reading_standard_input):
                return
            time.sleep(0.05)
        pytest.fail(f"not reading after 300 s, but in {place.read_text()}")
    except OSError:  # no such file, or not for us to read
        time.sleep(2)


class Slow:
    """A stream that has one piece at a time."""

    def __init__(self, *pieces):
        self.pieces = [*pieces, b""]

    def read1(self, size=-1):
        del size
        return self.pieces.pop(0)


def test_lines_come_as_they_are_there():
    batches = line_batches(Slow(b"a\nb\nc", b"d\n", "ħ".encode()[:1], "ħ".encode()[1:]))
    assert list(batches) == [["a", "b"], ["cd"], ["ħ"]]


def test_many_lines_make_several_batches():
    batches = list(line_batches(Slow(b"a\n" * 150)))
    assert [len(batch) for batch in batches] == [64, 64, 22]


def test_a_byte_order_mark_is_no_part_of_a_word():
    assert list(line_batches(Slow(b"\xef\xbb\xbfa\n"))) == [["a"]]


def test_a_line_that_is_not_utf8_is_named():
    with pytest.raises(TextEncodingError, match=r"byte 0xe9 in line 3"):
        list(line_batches(Slow(b"a\nb\n\xe9t\xe9\n")))


def test_tagging_nothing_gives_nothing(tagger):
    assert Labeller(tagger.final, task="ner").tag([]) == []
    assert Labeller(tagger.final, task="ner").tag([[], ["Juma"]]) == [
        ([], []),
        (["Juma"], ["B-PER"]),
    ]


# --- ends ---------------------------------------------------------------------------------------


def test_a_stopped_command_says_how_to_go_on(monkeypatch, inputs, tmp_path):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinyglot.recipes.runner.load_checkpoint", stop)
    ended = run(
        "compress", inputs / "model", "--language", "sw", "--text", inputs / "sw.txt",
        "--out", tmp_path,
    )  # fmt: skip
    assert ended.code == 130
    assert ended.err.endswith("stopped; the same command goes on from the last finished step\n")
    assert kept(tmp_path) == set()


def test_the_console_script_ends_with_the_code_and_the_four_lines(tmp_path):
    command = [sys.executable, "-m", "tinyglot.cli", "recipe", "show", str(tmp_path / "no.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(":")[0].strip() for line in done.stderr.splitlines()] == [
        "Could not find the recipe.",
        "got",
        "expected",
        "fix",
    ]


def test_only_the_main_process_prints_results(monkeypatch):
    monkeypatch.setitem(os.environ, "RANK", "1")
    assert run("ls", "tasks").out == ""
    assert "no.yaml" in run("recipe", "show", "no.yaml").err


# --- two languages ------------------------------------------------------------------------------


def test_languages_may_be_given_by_any_code(tmp_path):
    tiny_checkpoint(tmp_path / "model")
    for code, tag in (("sw", "swh-Latn"), ("de", "deu-Latn")):
        for split in ("train", "dev", "test"):
            write_split(tmp_path / "data" / code / f"{split}.conll", tag, 4)
    ended = run(
        "finetune", tmp_path / "model", "--task", "ner", "--data", tmp_path / "data",
        "--language", "swa", "--language", "German", "--max-steps", 1, "--out", tmp_path / "run",
        "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert {row["language"] for row in json.loads(ended.out)} == {"swh-Latn", "deu-Latn"}
