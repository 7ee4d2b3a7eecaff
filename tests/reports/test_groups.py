import polars as pl
import pytest

from tests.reports.samples import rows
from tinyglot.errors import ComparisonError
from tinyglot.reports import print_groups

SCORES = {"final": {"swh-Latn": 0.9, "yor-Latn": 0.7, "amh-Ethi": 0.5}}


def printed(capsys, by):
    frame = rows(SCORES).with_columns(perturbation=pl.lit("none"))
    print_groups(frame, [by])
    return [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines()]


def test_a_group_has_its_average_band_and_worst_language(capsys):
    lines = printed(capsys, "script")
    assert ["Latn", "80.0", "14.1", "70.0", "yor-Latn", "2"] in [line[:6] for line in lines]
    assert ["Ethi", "50.0", "–", "50.0", "amh-Ethi", "1"] in [line[:6] for line in lines]


def test_the_gap_between_groups_stands_under_the_table(capsys):
    words = " ".join(word for line in printed(capsys, "script") for word in line)
    assert "Gap between Latn and Ethi: 30.0." in words


def test_an_unknown_grouping_is_refused(capsys):
    with pytest.raises(ComparisonError, match="colour"):
        printed(capsys, "colour")


def test_nothing_is_printed_unless_asked(capsys):
    print_groups(rows(SCORES), [])
    assert capsys.readouterr().out == ""
