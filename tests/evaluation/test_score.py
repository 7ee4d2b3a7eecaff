import numpy as np
import polars as pl
import pytest

from tests.tiny import tiny_pair, tiny_tokenizer
from tinyglot.data.conll import TaggedSentence, write_conll
from tinyglot.errors import DataNotFoundError, UnknownLabelError, UnknownLanguageError
from tinyglot.evaluation.predict import torch_predictor
from tinyglot.evaluation.score import SCHEMA, dataset_name, evaluate
from tinyglot.tasks import get_task

NER = get_task("ner")
LABELS = ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")
SWAHILI = [
    TaggedSentence(("Asha", "anaishi", "Dodoma"), ("B-PER", "O", "B-LOC")),
    TaggedSentence(("ndiyo",), ("O",)),
]
HAUSA = [TaggedSentence(("Malama", "Hauwa", "Kano"), ("O", "B-PER", "B-LOC"))]
TOKENIZER = tiny_tokenizer("unigram")


@pytest.fixture
def data(tmp_path):
    write_conll(tmp_path / "people/sw/test.conll", SWAHILI)
    write_conll(tmp_path / "people/ha/test.conll", HAUSA)
    return tmp_path / "people"


def knows(sentences, forgets=()):
    """A model that gives every token the gold label of its word, but O for forgotten words."""
    label_of = {}
    for encoded, sentence in zip(
        NER.encode(sentences, TOKENIZER, LABELS, 128), sentences, strict=True
    ):
        first = [i for i, label in enumerate(encoded.labels) if label >= 0]
        for position, word, tag in zip(first, sentence.words, sentence.tags, strict=True):
            previous = encoded.input_ids[position - 1]
            tag_id = 0 if word in forgets else LABELS.index(tag)
            label_of[previous, encoded.input_ids[position]] = tag_id

    def predictor(batch):
        ids = batch["input_ids"]
        outputs = np.zeros((*ids.shape, len(LABELS)), dtype=np.float32)
        for row, column in np.ndindex(*ids.shape):
            key = (int(ids[row, column - 1]), int(ids[row, column])) if column else (-1, -1)
            outputs[row, column, label_of.get(key, 0)] = 1
        return outputs

    return predictor


def run(predictor, data, languages=("sw", "ha"), labels=LABELS, **options):
    return evaluate(
        predictor,
        TOKENIZER,
        labels,
        NER,
        data,
        languages,
        "test",
        model_name="m",
        seed=0,
        **options,
    )


def test_a_perfect_model_has_f1_one_in_every_language(data):
    rows = run(knows(SWAHILI + HAUSA), data)
    assert rows.select("language", "value", "n").rows() == [
        ("swh-Latn", 1.0, 2),
        ("hau-Latn", 1.0, 1),
    ]


def test_a_missed_entity_costs_its_language(data):
    """Swahili: 1 of 2 entities, none wrong: precision 1, recall 1/2."""
    rows = run(knows(SWAHILI + HAUSA, forgets=["Dodoma"]), data)
    assert rows["value"].to_list() == pytest.approx([2 / 3, 1.0])


def test_rows_are_long_form_with_all_columns(data):
    rows = run(knows(SWAHILI), data, ["sw"])
    assert dict(rows.schema) == SCHEMA
    [row] = rows.drop("value", "low", "high").to_dicts()
    assert row == {
        "model": "m",
        "task": "ner",
        "dataset": "people",
        "language": "swh-Latn",
        "split": "test",
        "perturbation": "none",
        "seed": 0,
        "metric": "f1",
        "n": 2,
    }


def test_the_interval_holds_the_value(data):
    [row] = run(knows(SWAHILI, forgets=["Dodoma"]), data, ["sw"]).to_dicts()
    assert row["low"] <= row["value"] <= row["high"]
    assert (row["low"], row["high"]) == (0.0, pytest.approx(2 / 3))


def test_a_language_given_twice_counts_once(data):
    assert run(knows(SWAHILI), data, ["sw", "swa", "swh-Latn"])["language"].to_list() == [
        "swh-Latn"
    ]


def test_short_sequences_give_a_row_for_the_same_sentences(data):
    assert run(knows(SWAHILI), data, ["sw"], max_length=4)["n"].to_list() == [2]


def test_the_same_call_gives_the_same_rows_with_a_real_model(data):
    model, _ = tiny_pair("xlm_roberta", "unigram", "token_classification")
    first, second = (run(torch_predictor(model), data) for _ in range(2))
    assert first.equals(second)
    assert first["value"].is_between(0, 1).all()
    assert first.select(pl.len()).item() == 2


def test_a_missing_language_is_found_before_the_model_runs(data):
    def never(batch):
        raise AssertionError("the model ran")

    with pytest.raises(DataNotFoundError, match="find data in yor-Latn"):
        run(never, data, ["sw", "yo"])


def test_a_label_that_the_model_does_not_know_is_found_before_the_model_runs(data):
    def never(batch):
        raise AssertionError("the model ran")

    with pytest.raises(UnknownLabelError, match=r"B-LOC \(1x\)"):
        run(never, data, labels=("O", "B-PER", "I-PER"))


def test_rows_name_a_local_copy_by_its_id(data):
    assert dataset_name(f"masakhaner2={data}") == "masakhaner2"
    assert dataset_name(data) == data.name


def test_refuses_an_unknown_language(data):
    with pytest.raises(UnknownLanguageError, match="qqqq"):
        run(knows(SWAHILI), data, ["qqqq"])
