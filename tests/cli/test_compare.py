import json
from types import SimpleNamespace

import polars as pl
import pytest
import torch

from tests.cli.console import problem, run
from tests.methods.labelled import write_split
from tests.recipes.jobs import write_inputs
from tinyglot import load_checkpoint, save_checkpoint


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A tagger, the same with its head turned round, and data of two languages."""
    directory = write_inputs(tmp_path_factory.mktemp("compare"))
    data, out = directory / "data", directory / "run"
    for language in ("swh-Latn", "deu-Latn"):
        for split, count in (("train", 24), ("dev", 4), ("test", 200)):
            write_split(data / language / f"{split}.conll", language, count)
    ended = run(
        "finetune", directory / "model", "--task", "ner", "--data", data, "--language", "sw",
        "--language", "de", "--max-steps", 30, "--learning-rate", 0.01, "--out", out,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    checkpoint = load_checkpoint(str(out / "final"))
    with torch.no_grad():
        checkpoint.model.classifier.weight.neg_()
    save_checkpoint(checkpoint.model, checkpoint.tokenizer, directory / "damaged")
    return SimpleNamespace(dense=out / "final", damaged=directory / "damaged", data=data)


def compare(models, dense, small, *options):
    return run(
        "compare", dense, small, "--task", "ner", "--data", models.data, "--language", "swh-Latn",
        "--language", "deu-Latn", *options,
    )  # fmt: skip


def test_a_model_against_itself_holds_at_any_number_of_sentences(models):
    ended = compare(
        models, models.dense, models.dense, "--split", "test[:1%]", "--max-drop", 0, "--json"
    )
    found = json.loads(ended.out)
    assert (ended.code, found["exit_code"], found["same_outputs"]) == (0, 0, True)
    assert [row["delta"] for row in found["languages"]] == [0.0, 0.0]
    assert {row["n"] for row in found["languages"]} == {2}


def test_a_damaged_model_loses(models, tmp_path):
    flips = tmp_path / "flips.jsonl"
    ended = compare(
        models, models.dense, models.damaged, "--max-drop", 1.0, "--json", "--flips", flips
    )
    found = json.loads(ended.out)
    assert (ended.code, found["exit_code"], found["same_outputs"]) == (1, 1, False)
    worst = found["languages"][0]
    assert worst["verdict"] == "loses"
    assert worst["high"] < -1.0
    assert worst["adjusted_p_value"] < 0.05
    rows = pl.read_ndjson(flips).to_dicts()
    of_worst = [row["flip"] for row in rows if row["language"] == worst["language"]]
    assert (of_worst.count("lost"), of_worst.count("gained")) == (worst["lost"], worst["gained"])
    assert worst["lost"] > worst["gained"]


def test_too_few_sentences_are_told_with_the_number_needed(models):
    options = ("--split", "test[:1%]", "--json")
    ended = compare(models, models.dense, models.damaged, *options)
    found = json.loads(ended.out)
    assert (ended.code, found["exit_code"]) == (3, 3)
    needed = [row["n_needed"] for row in found["languages"] if row["verdict"] == "inconclusive"]
    assert min(needed) > 2
    allowed = compare(models, models.dense, models.damaged, *options, "--allow-inconclusive")
    assert (allowed.code, json.loads(allowed.out)["exit_code"]) == (0, 0)


def test_inconclusive_may_be_allowed_but_a_loss_may_not(models):
    ended = compare(models, models.dense, models.damaged, "--allow-inconclusive")
    assert ended.code == 1
    first = next(line for line in ended.out.splitlines() if "-Latn" in line)
    assert "loses" in first
    assert "largest allowed drop 2;" in ended.out


@pytest.mark.parametrize(
    ("option", "value", "got"), [("--max-drop", -1, "-1.0"), ("--confidence", 95, "95.0")]
)
def test_refuses_options_before_it_looks_for_models(tmp_path, option, value, got):
    found = problem(
        "compare", tmp_path / "a", tmp_path / "b", "--task", "ner", "--data", tmp_path,
        "--language", "sw", option, value,
    )  # fmt: skip
    assert found["got"] == got


def test_an_unknown_option_is_a_usage_error(tmp_path):
    assert run("compare", tmp_path, tmp_path, "--max-dorp", 1).code == 2
