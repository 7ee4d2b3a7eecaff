"""Every stage fine-tuned alike and scored: cells, what is left out, the table, resuming."""

import json
import shutil
import weakref

import numpy as np
import polars as pl
import pytest

from tests.methods.labelled import write_split
from tests.recipes.jobs import recipe, tree, write_inputs
from tests.tiny import tiny_checkpoint
from tests.tiny_text import TINY_TEXT
from tinyglot.errors import MissingInputError, RecipeError
from tinyglot.recipes import check_inputs, parse_recipe, run_recipe, stage_facts
from tinyglot.recipes.downstream import cells
from tinyglot.recipes.downstream import stages as module
from tinyglot.recipes.downstream.checks import chosen_stages
from tinyglot.recipes.show import recipe_yaml

DROP = {"method": "layer_dropping", "num_layers": 1}
TUNING = {"max_steps": 3, "batch_size": 8, "save_steps": None}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """As other recipes have, with an LM head, more text, and topics in two splits."""
    directory = write_inputs(tmp_path_factory.mktemp("inputs"))
    tiny_checkpoint(directory / "lm", head="masked_lm")
    lines = [f"{line} {number}" for number in range(12) for line in TINY_TEXT[:4]]
    (directory / "sw.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    folder = directory / "topic" / "swh-Latn"
    folder.mkdir(parents=True)
    rows = [f"{'health' if n % 2 else 'sport'}\t{TINY_TEXT[n % 8]}" for n in range(64)]
    for split in ("train", "test"):
        (folder / f"{split}.tsv").write_text("\n".join(["category\ttext", *rows]) + "\n")
    write_split(directory / "other" / "deu-Latn" / "train.conll", "deu-Latn", 4)
    return directory


def downstream(inputs, **settings):
    tasks = {"ner": {"data": str(inputs / "data")}, "topic": {"data": str(inputs / "topic")}}
    section = {"fine_tuning": TUNING, "tasks": tasks, "seeds": [1, 2]}
    return {**section, "perplexity": {"max_lines": 2, "mask_every": 4}, **settings}


def small(inputs, steps=(DROP,), model="lm", **settings):
    content = recipe(inputs, steps=steps, downstream=downstream(inputs, **settings))
    plain = {key: value for key, value in content.items() if key not in ("task", "data")}
    return parse_recipe({**plain, "model": str(inputs / model)})


@pytest.fixture(scope="module")
def run(inputs, tmp_path_factory):
    return run_recipe(small(inputs), tmp_path_factory.mktemp("run"))


def test_every_stage_task_and_seed_is_scored(run):
    rows = run.rows().filter(pl.col("task") != "mlm")
    assert set(rows.select("model", "task", "seed").rows()) == {
        (stage, task, seed)
        for stage in ("source", "01-layer_dropping")
        for task in ("ner", "topic")
        for seed in (1, 2)
    }
    paths = sorted(run.downstream.rglob("*"))
    assert {path.name for path in paths if path.is_file()} == {
        "counts.parquet",
        "rows.parquet",
        "perplexity.parquet",
    }


def test_scores_are_means_over_seeds_and_the_original_keeps_all_of_itself(run):
    source, dropped = stage_facts(run)[:2]
    rows = run.rows()
    for entry in dropped["downstream"]["scores"]:
        is_cell = (pl.col("model") == "01-layer_dropping") & (pl.col("metric") == entry["metric"])
        values = rows.filter(is_cell & (pl.col("task") == entry["task"]))["value"]
        assert entry["value"] == pytest.approx(float(np.mean(values.to_numpy())))
        assert entry["low"] <= entry["value"] <= entry["high"]
    kept = [entry["quality_retention"] for entry in source["downstream"]["scores"]]
    measured = [one for one in kept if one is not None]
    assert measured
    assert all(set(one.values()) == {1.0} for one in measured)


def test_pseudo_perplexity_is_of_the_test_portion(run):
    found = run.rows().filter(pl.col("metric") == "pseudo_perplexity")
    assert found["model"].to_list() == ["source", "01-layer_dropping"]
    assert set(found.select("split", "n", "dataset").rows()) == {("test", 2, "text")}
    facts = stage_facts(run)[0]["downstream"]["pseudo_perplexity"]["swh-Latn"]
    assert facts["value"] == found["value"][0] > 1


def test_report_card_and_terminal_show_the_same_stages(run, capsys):
    from tinyglot.reports import print_stages

    card = (run.final / "README.md").read_text(encoding="utf-8")
    page = (run.directory / "report.html").read_text(encoding="utf-8")
    print_stages(stage_facts(run), run.rows())
    shown = capsys.readouterr().out
    assert "## Stages" in card
    for text in (card, page, shown):
        assert "pseudo-perplexity" in text
        assert "topic accuracy, retained" in text
    assert "draws the scored sentences and the 2 training seed" in card


def test_a_finished_run_does_nothing_again_and_a_missing_cell_is_done(inputs, run):
    before = tree(run.directory)
    told = []
    run_recipe(run.recipe, run.directory, told.append)
    assert (told, tree(run.directory)) == ([], before)
    (run.downstream / "source" / "topic" / "seed-2" / "rows.parquet").unlink()
    run_recipe(run.recipe, run.directory, told.append)
    assert told[0] == "downstream: source, topic, seed 2"
    assert tree(run.directory) == before


def test_a_cell_that_dies_after_its_training_goes_on_to_the_same_scores(
    inputs, tmp_path, monkeypatch
):
    tasks = {"topic": {"data": str(inputs / "topic")}}
    tuning = {"fine_tuning": {**TUNING, "save_steps": 1}, "tasks": tasks, "seeds": [1]}
    recipe = small(inputs, (), perplexity=None, **tuning)
    whole = run_recipe(recipe, tmp_path / "whole")

    def die(*_):
        raise KeyboardInterrupt("between training and scores")

    with monkeypatch.context() as patched:
        patched.setattr(cells, "_evaluated", die)
        with pytest.raises(KeyboardInterrupt, match=r"between training and scores"):
            run_recipe(recipe, tmp_path / "killed")
    place = tmp_path / "killed" / "downstream" / "source" / "topic" / "seed-1"
    assert [path.name for path in place.iterdir()] == ["work"]
    resumed = run_recipe(recipe, tmp_path / "killed")
    assert tree(resumed.directory) == tree(whole.directory)


def test_the_model_of_one_stage_is_held_at_a_time(run, monkeypatch):
    seen = []

    def look(cell, tell):
        seen.append(weakref.ref(cell.stage))
        assert {ref().name for ref in seen if ref() is not None} == {cell.stage.name}

    monkeypatch.setattr(module, "run_cell", look)
    module.score_downstream(run, print)
    assert len(seen) == 8


def test_a_language_whose_data_come_later_is_trained_and_scored_with_the_others(inputs, tmp_path):
    data = tmp_path / "topic"
    shutil.copytree(inputs / "topic", data)
    section = {"tasks": {"topic": {"data": str(data)}}, "seeds": [1], "perplexity": None}
    content = small(inputs, (), **section).model_dump(mode="json", serialize_as_any=True)
    recipe = parse_recipe({**content, "languages": ["swh-Latn", "deu-Latn"]})
    first = run_recipe(recipe, tmp_path / "run")
    assert set(first.rows()["language"]) == {"swh-Latn"}
    shutil.copytree(data / "swh-Latn", data / "deu-Latn")
    assert set(run_recipe(recipe, tmp_path / "run").rows()["language"]) == {"swh-Latn", "deu-Latn"}


def test_what_has_no_data_is_left_out_and_said(inputs, tmp_path):
    tasks = {"ner": {"data": str(inputs / "other")}, "pos": {}}
    told = []
    run = run_recipe(small(inputs, (), tasks=tasks, perplexity=None), tmp_path / "run", told.append)
    assert told[-2:] == [
        "downstream: left out: ner in swh-Latn: there are no data",
        "downstream: left out: pos: no data were given (--data pos=PATH)",
    ]
    assert json.loads(run.downstream_summary.read_text())["left_out"] == [
        line.removeprefix("downstream: left out: ") for line in told[-2:]
    ]
    assert "Left out: pos: no data were given" in (run.final / "README.md").read_text()


def test_a_bare_encoder_has_no_pseudo_perplexity_and_models_are_kept_on_request(inputs, tmp_path):
    tasks = {"topic": {"data": str(inputs / "topic")}}
    section = {"tasks": tasks, "seeds": [1], "keep": True, "stages": ["final"]}
    run = run_recipe(small(inputs, model="model", **section), tmp_path / "run")
    assert set(run.rows()["task"]) == {"topic"}
    kept = run.downstream / "01-layer_dropping" / "topic" / "seed-1" / "model"
    assert json.loads((kept / "config.json").read_text())["id2label"]
    (entry,) = json.loads(run.downstream_summary.read_text())["stages"].values()
    assert entry["macro_retention"] is None  # the original was not asked for


def test_processes_under_a_launcher_leave_it_to_a_later_call(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "num_processes", lambda: 2)
    told = []
    run = run_recipe(small(inputs, ()), tmp_path / "run", told.append)
    assert "downstream: left out under a launcher" in told[-1]
    assert not run.downstream.exists()


# --- what the section may say -------------------------------------------------------------------


def test_recipes_without_the_section_are_written_as_before_there_was_one():
    recipe = parse_recipe({"model": "m"})
    assert "downstream" not in recipe.model_dump(mode="json", serialize_as_any=True)
    assert "downstream" not in recipe_yaml(recipe)


def test_a_task_takes_the_common_options_and_has_its_own():
    common = {"learning_rate": 1e-3, "batch_size": 4}
    tasks = {"topic": {"learning_rate": 1e-4}, "ner": {"batch_tokens": 256}}
    content = {"model": "m", "downstream": {"fine_tuning": common, "tasks": tasks}}
    found = parse_recipe(content).downstream.tasks
    assert (found["topic"].learning_rate, found["topic"].batch_size) == (1e-4, 4)
    assert (found["ner"].learning_rate, found["ner"].batch_tokens) == (1e-3, 256)
    assert (found["topic"].task, found["ner"].task) == ("topic", "ner")


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"tasks": {"topic": {"learning_rat": 1}}}, r"unknown key, did you mean 'learning_rate'"),
        ({"task": {}}, r"downstream\.task: unknown key, did you mean 'tasks'"),
        ({"tasks": {"topic": {"task": "ner"}}}, r"topic: the options are of another task, ner"),
        ({"seeds": [1, 1]}, r"downstream\.seeds: a seed is given twice: 1, 1"),
        (
            {
                "fine_tuning": {"max_steps": 9, "stop_step": 8},
                "tasks": {"ner": {"max_steps": 5}},
            },
            r"ner: stop_step 8 needs max_steps of at least as many, with the options of fine_tun",
        ),
    ],
)
def test_mistakes_have_their_place(section, line):
    with pytest.raises(RecipeError, match=line):
        parse_recipe({"model": "m", "downstream": section})


def test_inputs_are_checked_before_anything_is_loaded(inputs):
    tasks = {"topik": {}, "ner": {"data": "/nowhere/at/all"}}
    found = small(inputs, stages=["first"], tasks=tasks, perplexity={"max_line": 3})
    with pytest.raises(MissingInputError, match=r"4 input\(s\)") as caught:
        check_inputs(found)
    lines = caught.value.got.splitlines()
    assert lines[0] == ("downstream.stages: there is no first; expected source, 01-layer_dropping")
    assert lines[1].startswith("downstream.tasks.topik: Could not find the task 'topik'.")
    assert lines[2] == "downstream.tasks.ner.data: there is no /nowhere/at/all"
    assert lines[3].startswith("downstream.perplexity: ")


def test_a_hub_id_that_is_not_there_is_told_of_before_any_step(inputs, tmp_path):
    found = small(inputs, tasks={"topic": {"data": "nobody/nothing"}}, perplexity=None)
    with pytest.raises(MissingInputError, match=r"downstream\.tasks\.topic\.data[\s\S]*nobody"):
        run_recipe(found, tmp_path / "run")
    assert not (tmp_path / "run" / "steps").exists()


def test_stages_are_named_by_place_step_or_method(inputs):
    steps = [DROP, {"method": "vocabulary_trimming"}, {**DROP, "allow_no_effect": True}]
    asked = ["final", "original", "layer_dropping"]
    assert chosen_stages(small(inputs, steps, stages=asked)) == (
        "source",
        "01-layer_dropping",
        "03-layer_dropping",
    )
    assert len(chosen_stages(small(inputs, steps))) == 4
