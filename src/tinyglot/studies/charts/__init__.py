"""The charts of a study, each made of the rows of one block."""

from tinyglot.studies.charts.draw import Figure
from tinyglot.studies.charts.overlap import overlap_figures
from tinyglot.studies.charts.relative import relative_figures
from tinyglot.studies.charts.robustness import robustness_figures
from tinyglot.studies.charts.scores import score_figures
from tinyglot.studies.charts.training import training_figures

__all__ = [
    "Figure",
    "overlap_figures",
    "relative_figures",
    "robustness_figures",
    "score_figures",
    "training_figures",
]
