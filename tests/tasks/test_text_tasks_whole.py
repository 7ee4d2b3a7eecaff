"""From files to scores, and to an export with the same scores, on tiny models."""

import pytest

import tinyglot
from tests.tiny import tiny_checkpoint
from tinyglot import api
from tinyglot.errors import ModelNotFoundError, UnknownLabelError, UnknownMethodError

TOPICS = [("Nairobi ni mji mkuu", "place"), ("Amina anasoma kitabu", "person")] * 4
PAIRS = [("Amina anasoma", "Amina yuko", "entailment"), ("a b", "c", "neutral")] * 4


def write(directory, language, header, rows, splits=("train", "dev", "test")):
    folder = directory / language
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(header), *("\t".join(row) for row in rows)]
    for split in splits:
        (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def topic_data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("topic")
    write(directory, "hau_Latn", ("text", "label"), [("Kano", "place"), ("x", "mixed")], ["test"])
    return write(directory, "swh_Latn", ("text", "label"), TOPICS)


@pytest.fixture(scope="module")
def topic_model(tmp_path_factory, topic_data):
    directory = tmp_path_factory.mktemp("model")
    model = tiny_checkpoint(directory / "tiny", "xlm_roberta", "unigram")
    run = tinyglot.finetune(
        str(model),
        task="topic",
        data=topic_data,
        out=directory / "run",
        languages=["sw"],
        max_steps=2,
    )
    return run.final


def test_an_export_of_a_classifier_scores_as_its_source(topic_model, topic_data, tmp_path):
    pytest.importorskip("onnxruntime")
    api.export(topic_model, out=tmp_path / "export")
    rows = [
        tinyglot.evaluate(model, task="topic", data=topic_data, languages=["sw"])
        for model in (topic_model, tmp_path / "export")
    ]
    assert rows[0]["metric"].to_list() == ["accuracy", "f1_macro", "f1_weighted"]
    assert rows[0]["n"].to_list() == [len(TOPICS)] * 3
    assert rows[0].drop("model").equals(rows[1].drop("model"))


def test_another_language_with_an_unknown_label_is_refused(topic_model, topic_data):
    with pytest.raises(UnknownLabelError, match=r"mixed \(1x\)[\s\S]*labels person, place"):
        tinyglot.evaluate(topic_model, task="topic", data=topic_data, languages=["ha"])


def test_a_model_with_another_head_is_refused(topic_model, topic_data):
    with pytest.raises(
        ModelNotFoundError, match=r"task pos[\s\S]*XLMRobertaForSequenceClassification"
    ):
        tinyglot.evaluate(topic_model, task="pos", data=topic_data, languages=["sw"])


def test_pairs_reach_bert_with_token_types(tmp_path):
    data = write(tmp_path / "data", "swh_Latn", ("premise", "hypothesis", "label"), PAIRS)
    model = tiny_checkpoint(tmp_path / "tiny", "bert", "wordpiece")
    run = tinyglot.finetune(
        str(model), task="nli", data=data, out=tmp_path / "run", languages=["sw"], max_steps=1
    )
    assert set(run.rows()["metric"]) == {"accuracy", "f1_macro"}
    assert run.rows()["value"].is_between(0, 1).all()


def test_retrieval_takes_any_model_and_trains_none(tmp_path):
    folder = tmp_path / "data" / "swh"
    folder.mkdir(parents=True)
    lines = "Amina anasoma kitabu\nNairobi ni mji mkuu\n"
    for name in ("swh", "eng"):
        (folder / f"{name}.txt").write_text(lines, encoding="utf-8")
    model = str(tiny_checkpoint(tmp_path / "tiny", "distilbert", "wordpiece"))
    options = {"data": tmp_path / "data", "languages": ["sw"]}
    rows = tinyglot.evaluate(model, task="retrieval", task_options={"layer": 1}, **options)
    assert dict(rows.select("metric", "value").iter_rows()) == {"accuracy": 1.0, "f1_margin": 1.0}
    with pytest.raises(UnknownMethodError, match=r"task retrieval: it has nothing to train"):
        tinyglot.finetune(model, task="retrieval", out=tmp_path / "run", **options)
