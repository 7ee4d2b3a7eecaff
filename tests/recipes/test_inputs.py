import re

import pytest

from tests.recipes.jobs import recipe, write_inputs
from tinyglot.errors import (
    DataNotFoundError,
    MissingInputError,
    RecipeError,
    UnknownLanguageError,
)
from tinyglot.recipes import check_inputs, parse_recipe
from tinyglot.recipes.inputs import text_by_language


@pytest.fixture
def texts(tmp_path):
    for name in ("sw.txt", "mine/sw/a.txt", "mine/yor_Latn.txt", "mine/README", "plain/a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    return tmp_path


# --- text of options ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sw.txt", "plain"])
def test_a_path_belongs_to_the_only_language(texts, name):
    path = str(texts / name)
    assert text_by_language([path], ["sw"]) == {"swh-Latn": (path,)}


def test_several_paths_add_up_in_order(texts):
    paths = [str(texts / "plain"), str(texts / "sw.txt")]
    assert text_by_language(paths, ["sw"]) == {"swh-Latn": tuple(paths)}


def test_a_path_can_name_its_language_by_any_code(texts):
    path = str(texts / "sw.txt")
    given = [f"swa={path}", f"yo={texts / 'plain'}"]
    assert text_by_language(given, ["sw", "yor-Latn"]) == {
        "swh-Latn": (path,),
        "yor-Latn": (str(texts / "plain"),),
    }


def test_a_directory_can_hold_a_folder_or_file_for_each_language(texts):
    assert text_by_language([str(texts / "mine")], ["yo", "sw"]) == {
        "yor-Latn": (str(texts / "mine" / "yor_Latn.txt"),),
        "swh-Latn": (str(texts / "mine" / "sw"),),
    }


def test_for_one_language_only_its_own_folder_is_read(texts):
    assert text_by_language([str(texts / "mine")], ["sw"]) == {
        "swh-Latn": (str(texts / "mine" / "sw"),)
    }


def test_a_language_given_twice_counts_once(texts):
    assert list(text_by_language([str(texts / "sw.txt")], ["sw", "swa"])) == ["swh-Latn"]


def test_synthetic_text_is_for_every_language():
    found = text_by_language(["synthetic:ner"], ["sw", "yo"])
    assert found == {"swh-Latn": ("synthetic:ner",), "yor-Latn": ("synthetic:ner",)}


def test_a_path_of_several_languages_is_refused(texts):
    with pytest.raises(MissingInputError, match=r"not clear[\s\S]*plain for swh-Latn, yor-Latn"):
        text_by_language([str(texts / "plain")], ["sw", "yo"])


def test_a_language_without_text_is_named(texts):
    with pytest.raises(MissingInputError, match=r"no text for hau-Latn in [\s\S]*--text hau-Latn="):
        text_by_language([str(texts / "mine")], ["sw", "ha"])


def test_text_of_a_language_nobody_asked_for_is_refused(texts):
    with pytest.raises(
        MissingInputError, match=r"text for yo \(yor-Latn\)[\s\S]*text for swh-Latn"
    ):
        text_by_language([f"yo={texts / 'sw.txt'}"], ["sw"])


@pytest.mark.parametrize("given", ["nowhere.txt", "sw=nowhere.txt"])
def test_a_path_that_is_not_there_is_named(given):
    with pytest.raises(DataNotFoundError, match=r"got: +nowhere\.txt"):
        text_by_language([given], ["sw"])


def test_an_unknown_code_is_refused(texts):
    with pytest.raises(UnknownLanguageError, match="did you mean swh-Latn"):
        text_by_language([str(texts / "sw.txt")], ["swahilli"])


# --- a whole recipe -----------------------------------------------------------------------------


def lacking(content):
    with pytest.raises(MissingInputError, match=r"Could not start: \d+ input") as caught:
        check_inputs(parse_recipe(content))
    return caught.value.got.splitlines()


def test_a_complete_recipe_passes(tmp_path):
    content = recipe(write_inputs(tmp_path), evaluate={})
    assert check_inputs(parse_recipe(content)) is None


def test_everything_that_a_recipe_lacks_is_named_at_once():
    steps = [{"method": "vocabulary_trimming"}, {"method": "fine_tuning", "task": "ner"}]
    assert lacking({"model": "m", "steps": steps, "evaluate": {}}) == [
        "evaluate needs data",
        "evaluate needs languages",
        "steps.0.vocabulary_trimming needs languages",
        "steps.0.vocabulary_trimming needs text",
        "steps.1.fine_tuning needs data",
        "steps.1.fine_tuning needs languages",
    ]


def test_text_must_be_there_for_every_language_of_the_step(tmp_path):
    content = recipe(write_inputs(tmp_path), languages=["sw", "yo"])
    assert lacking(content) == ["steps.0.vocabulary_trimming needs text for yor-Latn"]


def test_text_that_is_not_there_is_named(tmp_path):
    content = recipe(write_inputs(tmp_path), text={"sw": [str(tmp_path / "gone.txt")]})
    assert lacking(content) == [f"text.swh-Latn: there is no {tmp_path / 'gone.txt'}"]


def test_an_unknown_task_is_found_before_anything_is_loaded(tmp_path):
    (line,) = lacking(recipe(write_inputs(tmp_path), task="nre"))
    pattern = r"task: there is no nre; expected one of mlm, ner, [\w, ]+; did you mean 'ner'\?"
    assert re.fullmatch(pattern, line)


# --- perturbations ------------------------------------------------------------------------------


def perturbing(inputs, *names, split="test", **settings):
    return recipe(inputs, evaluate={"split": split, "perturbations": list(names)}, **settings)


def test_perturbations_of_mentions_that_are_there_pass(tmp_path):
    content = perturbing(write_inputs(tmp_path), "in-language mentions=seen train=train[:3]")
    assert check_inputs(parse_recipe(content)) is None


def test_names_that_are_no_perturbations_are_mistakes_of_the_recipe(tmp_path):
    content = perturbing(write_inputs(tmp_path), "in-world", "in-script share=2", seeds=1)
    with pytest.raises(RecipeError, match=r"3 mistakes") as caught:
        parse_recipe(content)
    assert re.search(
        r"evaluate\.perturbations\.0: .*no such scope.*in-family.*'?in-world", str(caught.value)
    )
    assert re.search(
        r"evaluate\.perturbations\.1: .*out of range.*in-script share=2", str(caught.value)
    )


def test_perturbations_need_the_task_whose_data_have_mentions(tmp_path):
    content = perturbing(write_inputs(tmp_path), "in-language", task="pos")
    assert lacking(content) == ["evaluate.perturbations needs task ner, not pos"]


def test_novelty_needs_mentions_and_training(tmp_path):
    content = recipe(write_inputs(tmp_path), evaluate={"by_mention_novelty": True})
    assert check_inputs(parse_recipe(content)) is None
    content["steps"] = [content["steps"][2]]
    assert lacking(content) == ["evaluate.by_mention_novelty needs a step that trains"]
    assert lacking({**content, "task": "pos"}) == [
        "evaluate.by_mention_novelty needs task ner, not pos",
        "evaluate.by_mention_novelty needs a step that trains",
    ]


def test_perturbations_need_every_language_and_split(tmp_path):
    inputs = write_inputs(tmp_path)
    names = ["in-language mentions=unseen train=train-0", "in-script"]
    content = perturbing(inputs, *names, split="valid[:3]")
    content["evaluate"]["languages"] = ["sw", "yo"]
    (inputs / "data/swh-Latn/dev.conll").unlink()
    found = lacking(content)
    assert found[:2] == [
        "evaluate.perturbations needs the split valid[:3] of swh-Latn",
        "evaluate.perturbations needs the split train-0 of swh-Latn",
    ]
    assert re.fullmatch(r"evaluate\.perturbations: Could not .*yor-Latn.*\(got .*", found[2])
    assert len(found) == 3


def test_data_that_are_not_there_are_named_once(tmp_path):
    content = perturbing(write_inputs(tmp_path), "in-language", data=str(tmp_path / "gone"))
    content["languages"] = ["sw", "yo"]
    content["text"]["yo"] = content["text"]["swh-Latn"]
    (line,) = lacking(content)
    assert str(tmp_path / "gone") in line
