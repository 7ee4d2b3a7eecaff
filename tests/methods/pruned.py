"""One small training run with pruning, the same in every process."""

from pathlib import Path

from tests.tiny import tiny_model
from tests.training import runs
from tinyglot.methods.magnitude_pruning import MagnitudePruningCallback
from tinyglot.training import TrainingResult

# events at 3, 5, 7 and 9 of 15 steps; resume points at 4, 8 and 12
OPTIONS = {"sparsity": 0.7, "start_step": 3, "end_step": 9, "frequency": 2, "embeddings": "include"}


def pruning(**options) -> MagnitudePruningCallback:
    return MagnitudePruningCallback(**{**OPTIONS, **options})


def run(
    directory: Path | None, callbacks=(), trunk=None, training=None, **options
) -> tuple[TrainingResult, MagnitudePruningCallback]:
    callback = pruning(**options)
    training = {"active_vocabulary": False, **(training or {})}
    result = runs.run(directory, [callback, *callbacks], trunk=trunk, **training)
    return result, callback


def model():
    return tiny_model("xlm_roberta", "token_classification")
