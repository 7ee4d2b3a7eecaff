import polars as pl
import pytest
import yaml

from tests.reports.samples import META, STAGES, XSS, rows
from tests.tiny import tiny_checkpoint
from tinyglot.reports import render_model_card


def front_matter(card: str) -> dict:
    _, block, _ = card.split("---\n", 2)
    return yaml.safe_load(block)


def code_block(card: str) -> str:
    return card.split("```python\n")[1].split("```")[0]


def test_front_matter_has_what_hubs_read():
    assert front_matter(render_model_card(rows(), STAGES, META)) == {
        "language": ["swh", "yor", "amh"],
        "license": "mit",
        "base_model": "intfloat/multilingual-e5-small",
        "library_name": "transformers",
        "pipeline_tag": "token-classification",
        "tags": ["tinyglot", "multilingual", "compressed", "fine-tuning", "layer-dropping"],
    }


@pytest.mark.parametrize("model", ["./runs/base", "bundled:multilingual-e5-small"])
def test_a_model_that_is_no_hub_id_is_no_base_model(model):
    card = render_model_card(rows(), STAGES, {"recipe": {"model": model}})
    assert "base_model" not in front_matter(card)


def test_an_unknown_licence_is_said():
    card = render_model_card(rows(), STAGES, {**META, "license": None})
    assert "license" not in front_matter(card)
    assert "it is not recorded here" in card


def test_every_language_has_n_interval_and_change():
    card = render_model_card(rows(), STAGES, META)
    assert (
        "| Amharic (`amh-Ethi`) | 200 | 70.0 (68.0–72.0) | 63.0 (61.0–65.0) "
        "| 60.0 (58.0–62.0) | −10.0 |" in card
    )


def test_macro_average_and_worst_language_stand_beside():
    card = render_model_card(rows(), STAGES, META)
    assert "| **macro-average** |  | 80.0 | 77.3 | 76.3 | −3.7 |" in card
    assert "| **worst language** |  | 70.0 (`amh-Ethi`) | 63.0 (`amh-Ethi`) |" in card


def test_synthetic_data_is_called_so():
    assert "**The labelled data is synthetic:**" in render_model_card(rows(), STAGES, META)
    assert "synthetic" not in render_model_card(rows(), STAGES, {**META, "synthetic": False})


def test_card_without_scores_says_so():
    card = render_model_card(pl.DataFrame(), STAGES, META)
    assert "## Quality" not in card
    assert "No score: source, 01-fine\\_tuning, 02-layer\\_dropping, export." in card


def test_no_path_of_a_machine_is_published():
    assert "private" not in render_model_card(rows(), STAGES, META)


def test_same_input_gives_the_same_bytes():
    assert render_model_card(rows(), STAGES, META) == render_model_card(rows(), STAGES, META)


def test_markup_in_names_is_escaped():
    meta = {**META, "title": XSS, "recipe": {**META["recipe"], "languages": [XSS]}}
    stages = [{"name": XSS}]
    card = render_model_card(rows({XSS: {XSS: 0.5}}), stages, meta)
    body = card.split("---\n", 2)[2]
    outside_code = "".join(body.split("`")[::2])
    assert "<script" not in outside_code
    assert front_matter(card)["language"] == ["<script>alert(1)</script>"]


@pytest.mark.parametrize(
    ("task", "head", "expected"),
    [
        ("ner", "token_classification", "XLMRobertaForTokenClassification"),
        (None, "encoder", "XLMRobertaModel"),
    ],
)
def test_the_code_on_the_card_loads_the_checkpoint(task, head, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tiny_checkpoint(tmp_path, "xlm_roberta", "unigram", head))
    meta = {**META, "recipe": {**META["recipe"], "task": task}}
    loaded: dict = {}
    exec(code_block(render_model_card(rows(), STAGES, meta)), loaded)  # noqa: S102
    assert type(loaded["model"]).__name__ == expected
    assert loaded["tokenizer"]("moja").input_ids[0] == 0
