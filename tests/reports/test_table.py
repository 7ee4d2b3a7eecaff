from dataclasses import dataclass
from io import StringIO

import polars as pl
from rich.console import Console

from tests.reports.samples import LANGUAGES, STAGES, XSS, rows
from tinyglot.reports import print_measures, print_scores, stage_table


@dataclass
class Measured:
    facts: dict

    def as_dict(self):
        return self.facts


def printed(frame, stages=STAGES, width=120) -> list[list[str]]:
    """Cells of each printed line."""
    console = Console(file=StringIO(), width=width)
    console.print(stage_table(frame, stages))
    return cells(console.file.getvalue())


def cells(text) -> list[list[str]]:
    lines = text.splitlines()
    return [[cell.strip() for cell in line.strip("│┃ ").split("│")] for line in lines]


def test_facts_and_scores_stand_under_their_stage():
    lines = printed(rows())
    assert ["file size, MiB", "471.0", "120.0", "80.0", "20.0"] in lines
    assert ["amh-Ethi", "–", "70.0", "63.0", "60.0"] in lines
    assert ["macro-average", "–", "80.0", "77.3", "76.3"] in lines
    assert ["worst language", "–", "70.0 amh-Ethi", "63.0 amh-Ethi", "60.0 amh-Ethi"] in lines


def test_most_damaged_language_comes_first():
    names = [line[0] for line in printed(rows()) if line[0] in LANGUAGES]
    assert names == ["amh-Ethi", "swh-Latn", "yor-Latn"]


def test_without_scores_only_the_facts_are_shown():
    names = [line[0] for line in printed(pl.DataFrame())]
    assert "latency p50, ms" in names
    assert "macro-average" not in names


def test_markup_in_a_name_is_shown_as_it_is():
    stages = [{"name": "[red]x[/red]"}]
    text = str(printed(rows({"[red]x[/red]": {XSS: 0.5}}), stages, width=200))
    assert "[red]x[/red]" in text
    assert XSS in text


def test_scores_are_printed_with_interval_and_n(capsys):
    print_scores(rows({"final": {"swh-Latn": 0.9, "yor-Latn": 0.5}}))
    lines = cells(capsys.readouterr().out)
    assert ["Swahili (swh-Latn)", "200", "90.0 (88.0–92.0)"] in lines
    assert ["macro-average", "", "70.0"] in lines
    assert ["worst language", "", "50.0 yor-Latn"] in lines


def test_no_scores_are_said(capsys):
    print_scores(pl.DataFrame())
    assert capsys.readouterr().out == "Nothing was scored.\n"


def test_measures_say_once_what_is_the_same(capsys):
    shared = {"device": "cpu", "threads": 1, "num_parameters": 2_000_000}
    measured = [
        Measured({"model": "a", **shared, "latency_ms_p50": 2.0, "size_bytes": 2**20}),
        Measured(
            {"model": "b", **shared, "latency_ms_p50": 1.0, "throughput_tokens_per_s": 1234.5}
        ),
    ]
    print_measures(measured)
    printed_text = capsys.readouterr().out
    assert ["a", "2.0 ms", "1.0 MiB", "–"] in cells(printed_text)
    assert ["b", "1.0 ms", "–", "1,234.5/s"] in cells(printed_text)
    assert "device cpu, threads 1, parameters 2.0 M" in printed_text
