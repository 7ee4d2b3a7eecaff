import polars as pl
import pytest

from tinyglot.errors import DataFormatError, ParityError
from tinyglot.export import check_scores, record_scores, score_changes
from tinyglot.files import read_json, write_json


def rows(values, n=100, metric="f1"):
    return pl.DataFrame(
        [
            {
                "model": "m",
                "task": "ner",
                "dataset": "d",
                "language": language,
                "split": "test",
                "perturbation": "none",
                "seed": 0,
                "metric": metric,
                "value": value,
                "n": n,
                "low": 0.0,
                "high": 1.0,
            }
            for language, value in values.items()
        ]
    )


SOURCE = rows({"swh-Latn": 0.80, "yor-Latn": 0.70, "hau-Latn": 0.75})
EXPORT = rows({"yor-Latn": 0.65, "swh-Latn": 0.81, "hau-Latn": 0.75})


def test_worst_language_stands_first():
    changes = score_changes(SOURCE, EXPORT)
    assert changes["language"].to_list() == ["yor-Latn", "hau-Latn", "swh-Latn"]
    assert changes["score_delta_points"].to_list() == pytest.approx([-5.0, 0.0, 1.0])
    assert changes["value_source"].to_list() == [0.70, 0.75, 0.80]
    assert changes["n"].to_list() == [100] * 3


@pytest.mark.parametrize(
    ("export", "message"),
    [
        (rows({"swh-Latn": 0.8, "yor-Latn": 0.7}), "got:      hau-Latn"),
        (
            rows({"swh-Latn": 0.8, "yor-Latn": 0.7, "hau-Latn": 0.7, "zul-Latn": 0.1}),
            "got:      zul-Latn",
        ),
        (rows({"swh-Latn": 0.8, "yor-Latn": 0.7, "hau-Latn": 0.75}, n=99), "hau-Latn, swh-Latn"),
        (rows({"swh-Latn": 0.8, "yor-Latn": 0.7, "hau-Latn": 0.75}, metric="accuracy"), "yor"),
        (pl.concat([EXPORT, EXPORT]), r"got:      6 row\(s\)"),
    ],
)
def test_scores_of_other_examples_are_not_compared(export, message):
    with pytest.raises(DataFormatError, match=message):
        score_changes(SOURCE, export)


def test_no_scores_are_not_compared():
    with pytest.raises(DataFormatError, match=r"got:      0 row\(s\)"):
        score_changes(SOURCE.head(0), EXPORT.head(0))


def test_a_loss_within_bounds_passes_and_one_beyond_is_refused():
    changes = score_changes(SOURCE, EXPORT)
    check_scores(changes, 5.01)
    message = r"1 language\(s\)[\s\S]*yor-Latn f1 0\.7000 -> 0\.6500 \(-5\.00 points, n=100\)"
    with pytest.raises(ParityError, match=message):
        check_scores(changes, 4.9)


def test_scores_stand_in_the_record(tmp_path):
    write_json(tmp_path / "export.json", {"format": "onnx"})
    record_scores(tmp_path, score_changes(SOURCE, EXPORT))
    record = read_json(tmp_path / "export.json")
    assert record["format"] == "onnx"
    assert record["scores"][0]["language"] == "yor-Latn"
