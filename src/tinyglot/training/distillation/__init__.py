"""Training towards what another model says: beside labels, or on plain text."""

from tinyglot.training.distillation.checks import check_same_vocabulary
from tinyglot.training.distillation.labelled import DistillationOptions, LogitDistillation
from tinyglot.training.distillation.layers import LayerMapping, LayerStrategy, map_layers
from tinyglot.training.distillation.options import (
    EmbeddingsObjective,
    HiddenStatesObjective,
    LogitKlObjective,
    LogitMseObjective,
    MaskedLmObjective,
    Objective,
    Positions,
    RelationsObjective,
)
from tinyglot.training.distillation.step_means import Batches, StepMeans
from tinyglot.training.distillation.text import TextDistillation

__all__ = [
    "Batches",
    "DistillationOptions",
    "EmbeddingsObjective",
    "HiddenStatesObjective",
    "LayerMapping",
    "LayerStrategy",
    "LogitDistillation",
    "LogitKlObjective",
    "LogitMseObjective",
    "MaskedLmObjective",
    "Objective",
    "Positions",
    "RelationsObjective",
    "StepMeans",
    "TextDistillation",
    "check_same_vocabulary",
    "map_layers",
]
