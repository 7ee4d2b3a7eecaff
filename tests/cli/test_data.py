import json
import subprocess
import sys

import pytest

from tests.cli.console import problem, run
from tests.data.test_mentions import sentence
from tests.tiny import tiny_checkpoint
from tinyglot.data.checks.findings import CHECKS
from tinyglot.data.conll import read_conll, write_conll
from tinyglot.data.perturbations import perturbation_of


@pytest.fixture
def data(tmp_path):
    """Swahili and Yoruba with three splits each."""
    for code, names in (("sw", ("Juma", "Asha", "Ali")), ("yo", ("Adé", "Bólá", "Ṣadé"))):
        for split in ("train", "dev", "test"):
            first = f"ni/O {names[0]}/B-PER {names[1]}/I-PER {code}{split}/O"
            write_conll(
                tmp_path / f"data/{code}/{split}.conll",
                [sentence(first), sentence(f"{names[2]}/B-PER na/O {split}{code}/B-LOC")],
            )
    return tmp_path / "data"


@pytest.mark.parametrize("command", ["check", "perturb"])
def test_help_shows_examples(command):
    ended = run("data", command, "--help")
    assert ended.code == 0
    assert f"tinyglot data {command}" in ended.out.partition("Examples:")[2]


def test_the_help_names_every_check_and_no_other():
    ended = run("data", "check", "--help")
    told = " ".join(ended.out.partition("Checks:")[2].partition("Examples:")[0].split())
    assert [name for name, text in CHECKS.items() if f"{name}: {text}" not in told] == []


def test_help_needs_no_framework():
    script = "import sys; from tinyglot.cli.app import main\n"
    script += "try: main(['data', 'check', '--help'])\n"
    script += "finally: print('torch' in sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr == "False\n"


# --- check --------------------------------------------------------------------------------------


def test_good_data_ends_with_zero(data):
    ended = run("data", "check", data)
    assert ended.code == 0, ended.err
    assert "Swahili (swh-Latn)" in ended.out
    assert "0 problem(s); 0 notice(s)" in ended.out


def test_a_broken_file_ends_with_one_and_is_named(data):
    (data / "sw/dev.conll").write_text("Juma\tB-PER\nyupo\n")
    ended = run("data", "check", data, "--json")
    assert ended.code == 1
    content = json.loads(ended.out)
    first = content["findings"][0]
    assert (first["check"], first["language"], first["split"]) == ("broken file", "swh-Latn", "dev")
    assert "line 2" in first["message"]
    assert len(content["splits"]) == 5
    assert (content["num_problems"], len(content["findings"])) == (1, 2)


def test_the_terminal_shows_the_problems(data):
    (data / "sw/dev.conll").write_text("Juma\tB-PER\nyupo\n")
    ended = run("data", "check", data, "--language", "sw")
    assert ended.code == 1
    assert "no tag: line 2" in " ".join(ended.out.split())
    assert "1 problem(s)" in ended.out


def test_a_tokenizer_counts_unknown_tokens(data, tmp_path):
    checkpoint = tiny_checkpoint(tmp_path / "model", "bert")
    ended = run("data", "check", data, "--tokenizer", checkpoint, "--json")
    content = json.loads(ended.out)
    assert content["tokenizer"] == "model"
    assert all(0 <= split["unk_rate"] < 1 for split in content["splits"])
    assert all(split["tokens"]["num_tokens"] > 0 for split in content["splits"])


def test_the_page_is_written(data, tmp_path):
    ended = run("data", "check", data, "--task", "ner", "--html", tmp_path / "check.html")
    assert (ended.code, ended.err) == (0, f"wrote {tmp_path / 'check.html'}\n")
    assert "<h1>Data check: data (ner)</h1>" in (tmp_path / "check.html").read_text("utf-8")


def test_data_that_is_not_there_is_a_problem(tmp_path):
    said = problem("data", "check", tmp_path / "absent")
    assert "absent" in said["problem"] + said["got"]


# --- perturb ------------------------------------------------------------------------------------


def test_perturbed_data_is_a_data_directory(data, tmp_path):
    out = tmp_path / "out"
    ended = run(
        "data", "perturb", data, "--language", "sw", "--language", "yo", "--scope", "in-script",
        "--pool", "all", "--share", 1.0, "--seed", 3, "--split", "test", "--out", out, "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    content = json.loads(ended.out)
    assert content["name"] == perturbation_of(out) == "in-script pool=all seed=3"
    assert content["options"]["pool"] == "all"
    assert content["languages"]["swh-Latn"]["types"]["PER"]["num_pool"] == 4
    assert len(read_conll(out / "swh-Latn/test.conll")) == 2
    again = run("data", "check", out)
    assert again.code == 0, again.out


def test_examples_stand_under_each_other(data, tmp_path):
    command = ("data", "perturb", data, "--language", "sw", "--examples", 1, "--out")
    ended = run(*command, tmp_path / "out")
    lines = [line.strip("│ ") for line in ended.out.splitlines() if "[PER" in line]
    assert lines[0].endswith("ni [PER Juma Asha] swtest")
    assert lines[1] == "ni [PER Ali] swtest"
    listed = json.loads(run(*command, tmp_path / "out", "--json").out)["examples"]
    assert listed == [
        {
            "language": "swh-Latn",
            "original": "ni [PER Juma Asha] swtest",
            "perturbed": "ni [PER Ali] swtest",
        }
    ]


def test_a_mention_that_is_alone_is_told(data, tmp_path):
    ended = run("data", "perturb", data, "--language", "sw", "--out", tmp_path / "out")
    (cells,) = (line.split("│") for line in ended.out.splitlines() if "swh-Latn" in line)
    assert [cell.strip() for cell in cells[1:-1]] == [
        "Swahili (swh-Latn)", "2", "3", "2", "1", "3", "1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "part", "text"),
    [
        (("--share", "1.5"), "got", "share=1.5"),
        (("--pool", "train", "--mentions", "unseen"), "got", "pool train, mentions unseen"),
        (("--split", "extra"), "problem", "the split 'extra' of swh-Latn"),
        (("--language", "zul"), "problem", "data in zul-Latn"),
    ],
)
def test_bad_input_of_perturb(data, tmp_path, options, part, text):
    out = tmp_path / "out"
    said = problem("data", "perturb", data, "--language", "sw", "--out", out, *options)
    assert text in said[part]
    assert not out.exists()


def test_an_unknown_scope_is_a_mistake_of_use(data, tmp_path):
    ended = run("data", "perturb", data, "--language", "sw", "--scope", "x", "--out", tmp_path)
    assert ended.code == 2
    assert "in-language" in ended.err
