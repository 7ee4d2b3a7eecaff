"""Scores per language, with intervals, macro-average and worst language."""
