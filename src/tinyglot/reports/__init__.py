"""What a person reads after a run: an HTML page, a model card, a table for the terminal."""

from tinyglot.reports.model_card import render_model_card
from tinyglot.reports.page import render_report
from tinyglot.reports.table import stage_table

__all__ = ["render_model_card", "render_report", "stage_table"]
