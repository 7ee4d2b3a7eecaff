"""What a person reads after a run: an HTML page, a model card, tables for the terminal."""

from tinyglot.reports.groups import group_rows
from tinyglot.reports.model_card import render_model_card
from tinyglot.reports.page import render_report
from tinyglot.reports.table import measure_table, score_table, stage_table
from tinyglot.reports.terminal import (
    print_comparison,
    print_groups,
    print_measures,
    print_scores,
    print_stages,
)

__all__ = [
    "group_rows",
    "measure_table",
    "print_comparison",
    "print_groups",
    "print_measures",
    "print_scores",
    "print_stages",
    "render_model_card",
    "render_report",
    "score_table",
    "stage_table",
]
