"""Small training runs with gates that are learnt, the same in every process."""

from pathlib import Path

from tests.training import runs
from tinyglot.methods.l0_pruning import L0PruningCallback
from tinyglot.methods.movement_pruning import MovementPruningCallback
from tinyglot.training import GatingCallback, TrainingResult

CALLBACKS = {"l0_pruning": L0PruningCallback, "movement_pruning": MovementPruningCallback}
# gates from step 3 to 9 of 15; resume points at 4, 8 and 12
OPTIONS = {"pruning_ratio": 0.5, "start_share": 0.2, "end_share": 0.6, "shape": "free"}


def gates(name: str, **options) -> GatingCallback:
    return CALLBACKS[name](**{**OPTIONS, **options})


def run(
    directory: Path | None, name: str, callbacks=(), trunk=None, **options
) -> tuple[TrainingResult, GatingCallback]:
    callback = gates(name, **options)
    return runs.run(directory, [callback, *callbacks], trunk=trunk), callback
