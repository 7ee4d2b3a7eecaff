import json
from types import SimpleNamespace

import polars as pl
import pytest

from tests.cli.console import problem, run
from tests.recipes.jobs import write_inputs
from tests.tasks.test_text_tasks_whole import write
from tests.tiny import tiny_pair
from tinyglot import api, save_checkpoint
from tinyglot.evaluation.score import SCHEMA
from tinyglot.training.head import with_head

LONG = "Nairobi ni mji mkuu wa Kenya na Juma anaishi huko"
ROWS = [(LONG, "place"), ("Asha", "person")]


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    """A classifier with a random head, and data in two scripts."""
    from transformers import BertForSequenceClassification

    directory = tmp_path_factory.mktemp("topic")
    model, tokenizer = tiny_pair("bert", "wordpiece")
    headed = with_head(model, BertForSequenceClassification, ("person", "place"), seed=0)
    save_checkpoint(headed, tokenizer, directory / "model")
    for language in ("swh_Latn", "amh_Ethi"):
        write(directory / "data", language, ("text", "label"), ROWS, ["test"])
    given = ("--task", "topic", "--data", directory / "data", "--language", "sw")
    return (directory / "model", *given, "--language", "am")


def test_evaluate_says_how_many_texts_are_cut(options):
    ended = run("evaluate", *options, "--max-length", 8, "--json")
    assert ended.code == 0, ended.err
    assert "2 of 4 texts are cut at 8 tokens (swh-Latn 1, amh-Ethi 1)" in ended.err
    assert "are cut" not in run("evaluate", *options, "--json").err


def test_evaluate_writes_its_rows(options, tmp_path):
    out = tmp_path / "new" / "rows.parquet"
    ended = run("evaluate", *options, "--out", out, "--seed", 7, "--json")
    rows = pl.read_parquet(out)
    assert json.loads(ended.out) == rows.to_dicts()
    assert rows["seed"].unique().to_list() == [7]


def test_groups_are_in_json_beside_the_rows(options):
    found = json.loads(run("evaluate", *options, "--by", "script", "--json").out)
    assert found["rows"] == json.loads(run("evaluate", *options, "--json").out)
    groups = [(row["by"], row["metric"], row["group"]) for row in found["groups"]]
    metrics = ("accuracy", "f1_macro", "f1_weighted")
    assert groups == [("script", name, script) for name in metrics for script in ("Ethi", "Latn")]


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    from transformers import BertForTokenClassification

    directory = write_inputs(tmp_path_factory.mktemp("ner"))
    model, tokenizer = tiny_pair("bert", "wordpiece")
    labels = ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")
    headed = with_head(model, BertForTokenClassification, labels, seed=0)
    save_checkpoint(headed, tokenizer, directory / "tagger")
    return directory / "tagger", "--task", "ner", "--data", directory / "data", "--language", "sw"


def test_evaluate_scores_perturbed_data_too(tagger, tmp_path):
    names = ["in-language", "in-language length-matched"]
    asked = [part for name in names for part in ("--perturbation", name)]
    rows = json.loads(run("evaluate", *tagger, *asked, "--json").out)
    assert [row["perturbation"] for row in rows] == ["none", *names]
    assert rows[:1] == json.loads(run("evaluate", *tagger, "--json").out)
    made = tmp_path / "data"
    done = run("data", "perturb", tagger[4], "--language", "sw", "--out", made, "--length-matched")
    assert done.code == 0, done.err
    alone = run("evaluate", *tagger[:4], made, *tagger[5:], "--json")
    assert json.loads(alone.out) == rows[2:]


def test_perturbations_that_cannot_be_are_refused(options, tagger):
    swap = ("--perturbation", "in-language")
    of_texts = problem("evaluate", *options, *swap)
    assert "task topic: they have no mentions" in of_texts["problem"]
    assert of_texts["got"] == "--perturbation 'in-language'"
    unknown = problem("evaluate", *tagger, "--perturbation", "in-world")
    assert "no such scope" in unknown["problem"]
    assert unknown["got"] == "scope='in-world'"


def test_finetunes_options_reach_the_recipe(monkeypatch, tmp_path):
    recipes = []
    done = SimpleNamespace(rows=lambda: pl.DataFrame(schema=SCHEMA), final=tmp_path)
    monkeypatch.setattr(api, "run_recipe", lambda recipe, *_: recipes.append(recipe) or done)
    ended = run(
        "finetune", "model", "--task", "ner", "--data", "data", "--out", tmp_path / "out",
        "--language", "sw", "--sampling-temperature", 5, "--num-train-sentences", 100,
        "--head-learning-rate", 0.001, "--evaluate-language", "yo", "--evaluate-language", "ha",
        "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    (recipe,) = recipes
    (step,) = recipe.steps
    assert (step.sampling_temperature, step.num_train_sentences) == (5.0, 100)
    assert step.head_learning_rate == 0.001
    assert recipe.evaluate.languages == ("yor-Latn", "hau-Latn")


def test_a_temperature_of_nothing_is_refused(tmp_path):
    found = problem(
        "finetune", "model", "--task", "ner", "--data", "data", "--out", tmp_path / "out",
        "--language", "sw", "--sampling-temperature", 0,
    )  # fmt: skip
    assert "sampling_temperature" in json.dumps(found)
