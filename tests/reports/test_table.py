from io import StringIO

import polars as pl
from rich.console import Console

from tests.reports.samples import STAGES, XSS, rows
from tinyglot.reports import stage_table


def printed(frame, stages=STAGES, width=120) -> list[list[str]]:
    """Cells of each printed line."""
    console = Console(file=StringIO(), width=width)
    console.print(stage_table(frame, stages))
    lines = console.file.getvalue().splitlines()
    return [[cell.strip() for cell in line.strip("│┃ ").split("│")] for line in lines]


def test_facts_and_scores_stand_under_their_stage():
    lines = printed(rows())
    assert ["file size", "471.0 MiB", "120.0 MiB", "80.0 MiB", "20.0 MiB"] in lines
    assert ["Amharic (amh-Ethi)", "–", "70.0", "63.0", "60.0"] in lines
    assert ["macro-average", "–", "80.0", "77.3", "76.3"] in lines
    assert ["worst language", "–", "70.0 amh-Ethi", "63.0 amh-Ethi", "60.0 amh-Ethi"] in lines


def test_most_damaged_language_comes_first():
    names = [line[0] for line in printed(rows()) if line[0].endswith((")", "tni"))]
    assert names == ["Amharic (amh-Ethi)", "Swahili (swh-Latn)", "Yoruba (yor-Latn)"]


def test_without_scores_only_the_facts_are_shown():
    names = [line[0] for line in printed(pl.DataFrame())]
    assert "latency p50" in names
    assert "macro-average" not in names


def test_markup_in_a_name_is_shown_as_it_is():
    stages = [{"name": "[red]x[/red]"}]
    text = str(printed(rows({"[red]x[/red]": {XSS: 0.5}}), stages, width=200))
    assert "[red]x[/red]" in text
    assert XSS in text
