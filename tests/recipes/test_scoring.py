import multiprocessing
import shutil
from collections import Counter

import polars as pl
import pytest

from tests.recipes.jobs import recipe, write_inputs
from tinyglot import api
from tinyglot.data.mentions import entity_overlap
from tinyglot.data.perturbations import MentionReplacement, read_record
from tinyglot.data.perturbations.directory import perturb, perturb_once
from tinyglot.evaluation.robustness import perturbation_drops
from tinyglot.files import read_json
from tinyglot.recipes import Shared, parse_recipe, run_recipe, scoring
from tinyglot.recipes.inputs import trained_step
from tinyglot.recipes.scoring import confusion_file
from tinyglot.tasks import get_task
from tinyglot.training.corpus import training_sentences

NAMES = ("in-language", "in-language length-matched", "in-language mentions=seen train=train[:12]")
TUNE = {"method": "fine_tuning", "max_steps": 3, "batch_size": 8, "save_steps": None}
DROP = {"method": "layer_dropping", "num_layers": 1}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def content(inputs):
    settings = {"split": "test[:4]", "perturbations": list(NAMES)}
    return recipe(inputs, steps=[TUNE, DROP], evaluate=settings, seed=3)


@pytest.fixture(scope="module")
def run(content, tmp_path_factory):
    return run_recipe(parse_recipe(content), tmp_path_factory.mktemp("run"))


def test_rows_hold_the_regular_scores_and_one_set_a_perturbation(run):
    rows = run.rows().filter(pl.col("metric") == "f1")
    stages = [path for path in run.stages() for _ in range(4)]
    assert rows["model"].to_list() == stages
    assert rows["perturbation"].to_list() == ["none", *NAMES] * 2
    assert set(rows["split"]) == {"test[:4]"}
    assert set(rows["dataset"]) == {"data"}
    assert set(rows["n"]) == {4}


def test_perturbed_rows_pair_with_regular_ones(run):
    drops = perturbation_drops(run.rows())
    assert drops.height == len(NAMES) * 2
    assert drops["regular_value"].null_count() == 0


def test_rows_are_those_of_an_evaluation_of_a_perturbed_directory(run, inputs, tmp_path):
    asked = MentionReplacement.from_name(NAMES[1])
    perturb(inputs / "data", ["sw"], asked, tmp_path / "data", "test[:4]")
    there = {"task": "ner", "languages": ["sw"], "seed": 3}
    for split in ("test", "test[:4]"):
        rows = api.evaluate(run.final, data=tmp_path / "data", split=split, **there)
        last = run.rows().filter(
            pl.col("perturbation") == NAMES[1], pl.col("model") == list(run.stages())[-1]
        )
        assert rows.drop("model").equals(last.drop("model"))


def test_each_model_is_loaded_once(content, tmp_path, monkeypatch):
    loaded = []

    def load(directory, **options):
        loaded.append(directory)
        return load_predictor(directory, **options)

    load_predictor = scoring.load_predictor
    monkeypatch.setattr(scoring, "load_predictor", load)
    run = run_recipe(parse_recipe(content), tmp_path)
    assert loaded == list(run.stages().values())


def test_runs_share_perturbed_data(content, run, tmp_path):
    told = []
    shared = tmp_path / "shared"
    first = run_recipe(parse_recipe(content), tmp_path / "one", told.append, shared=Shared(shared))
    assert told.count("perturb: in-language") == 1
    again = {**content, "steps": [TUNE]}
    before = {path: path.stat().st_mtime_ns for path in shared.rglob("*")}
    run_recipe(parse_recipe(again), tmp_path / "two", told.append, shared=Shared(shared))
    assert told.count("perturb: in-language") == 1
    assert {path: path.stat().st_mtime_ns for path in shared.rglob("*")} == before
    assert {read_record(path).options.name for path in shared.iterdir()} == set(NAMES)
    assert not (tmp_path / "two/evaluation/perturbed").exists()
    assert first.rows().equals(run.rows())


@pytest.mark.parametrize("change", [{"split": "test[:3]"}, {"languages": ["yo"]}])
def test_other_sentences_have_another_place(content, inputs, tmp_path, change):
    if "languages" in change:
        shutil.copytree(inputs / "data", tmp_path / "data")
        (tmp_path / "data/swh-Latn").rename(tmp_path / "data/yor-Latn")
        shutil.copytree(inputs / "data/swh-Latn", tmp_path / "data/swh-Latn")
        content = {**content, "data": str(tmp_path / "data")}
    shared = tmp_path / "shared"
    run_recipe(parse_recipe({**content, "steps": [TUNE]}), tmp_path / "one", shared=Shared(shared))
    other = {**content, "steps": [TUNE], "evaluate": {**content["evaluate"], **change}}
    run_recipe(parse_recipe(other), tmp_path / "two", shared=Shared(shared))
    assert len(list(shared.iterdir())) == 2 * len(NAMES)


def test_edited_data_have_another_place(content, inputs, tmp_path):
    data = shutil.copytree(inputs / "data", tmp_path / "data")
    evaluate = {**content["evaluate"], "perturbations": ["in-language"]}
    asked = {**content, "steps": [TUNE], "data": str(data), "evaluate": evaluate}
    shared = tmp_path / "shared"
    run_recipe(parse_recipe(asked), tmp_path / "one", shared=Shared(shared))
    path = data / "swh-Latn" / "test.conll"
    path.write_text("Mpya" + path.read_text("utf-8"), encoding="utf-8")
    run_recipe(parse_recipe(asked), tmp_path / "two", shared=Shared(shared))
    digests = {read_record(place).languages["swh-Latn"].source_sha256 for place in shared.iterdir()}
    assert len(digests) == 2


def test_mentions_are_scored_by_whether_training_had_them(content, inputs, run, tmp_path):
    tune = {**TUNE, "max_steps": 30, "max_train_sentences": 2, "learning_rate": 1e-3}
    evaluate = {"by_mention_novelty": True, "perturbations": ["in-language"]}
    asked = {**content, "steps": [tune], "evaluate": evaluate}
    made = run_recipe(parse_recipe(asked), tmp_path)
    rows = made.rows().filter(pl.col("metric") != "f1")
    assert rows["metric"].to_list() == ["recall_seen", "recall_unseen"]
    assert set(rows["perturbation"]) == {"none"}
    task = get_task("ner")
    trained = training_sentences(task, trained_step(made.recipe), seed=3)["swh-Latn"]
    test = task.read(str(inputs / "data"), "swh-Latn", "test")
    overlap = entity_overlap(test, trained)
    assert len(trained) == 2
    assert rows["n"].to_list() == [overlap.num_seen, overlap.num_mentions - overlap.num_seen]
    (stage,) = made.stages()
    confusion = read_json(confusion_file(made, stage))
    assert list(confusion) == ["in-language", "none"]
    table = confusion["none"]["swh-Latn"]
    totals = {tag: sum(row.values()) for tag, row in table.items()}
    assert totals == Counter(tag for one in test for tag in one.tags)
    assert not list((run.directory / "evaluation").glob("*.json"))


def perturb_at_once(data, out, barrier):
    barrier.wait()
    perturb_once(data, ["sw"], MentionReplacement(), out)


def test_of_processes_that_perturb_at_once_the_first_one_wins(inputs, tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    arguments = (inputs / "data", tmp_path / "shared/one", barrier)
    started = [context.Process(target=perturb_at_once, args=arguments) for _ in range(4)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * 4
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["one"]
    assert read_record(tmp_path / "shared/one").options == MentionReplacement()
