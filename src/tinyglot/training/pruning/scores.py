"""The importance of a model's heads or neurons, as the options want it measured."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.errors import ImportanceFileError
from tinyglot.importance import (
    Importance,
    aggregate_importance,
    layers_digest,
    measure_importance,
    normalised_by_layer,
)
from tinyglot.surgery import on_device
from tinyglot.training.pruning.calibration import Calibration, StepInputs
from tinyglot.training.pruning.options import UnitPruningOptions

DIGITS = 6


def unit_scores(
    model: PreTrainedModel,
    calibration: Calibration,
    options: UnitPruningOptions,
    inputs: StepInputs,
) -> tuple[tuple[float, ...], ...]:
    """Measure the importance of the units that are to be pruned, or read it.

    Args:
        model: A model of a supported family. It is not changed.
        calibration: What importance is measured on.
        options: Scorer, aggregation, file.
        inputs: Gives seed and device.

    Returns:
        A value for each unit of every layer, with six significant digits.

    Raises:
        ImportanceFileError: If the file is damaged, or of another model.
        MissingInputError: If there is nothing to measure on.
    """
    path = options.importance_file
    if path is None:
        importance = measured(on_device(model, inputs.device), calibration, options, inputs.seed)
        scores = importance.of(options.kind)
    elif path.suffix == ".json":
        scores = as_tensors(_of_plan(path, model, options))
    else:
        scores = Importance.load(path, model).of(options.kind)
    if options.normalise_layers:
        scores = normalised_by_layer(scores)
    return tuple(tuple(_rounded(value) for value in layer.tolist()) for layer in scores)


def _of_plan(
    path: Path, model: PreTrainedModel, options: UnitPruningOptions
) -> tuple[tuple[float, ...], ...]:
    """Read what another step measured on the same layers, out of its ``plan.json``."""
    found = _read_plan(path)
    was_normalised = found["config"].get("normalise_layers")
    differences = {
        "kind": (found["kind"], options.kind),
        "layers": (found["layers_digest"], layers_digest(model)),
        "normalise_layers": (was_normalised, was_normalised and options.normalise_layers),
    }
    wrong = {name: pair for name, pair in differences.items() if pair[0] != pair[1]}
    if wrong:
        raise ImportanceFileError(
            f"Could not use the importance in {path}: it is of something else.",
            got=", ".join(f"{name} {got}" for name, (got, _) in wrong.items()),
            expected=", ".join(f"{name} {wanted}" for name, (_, wanted) in wrong.items()),
            fix="give the plan.json of a step of the same method on this very model, or leave "
            "importance_file out",
        )
    return tuple(tuple(layer) for layer in found["importance"])


def _read_plan(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _no_plan(path, str(error)) from error
    needed = {"config", "kind", "layers_digest", "importance"}
    if not isinstance(found, dict) or not needed <= set(found):
        raise _no_plan(path, "a file of something else")
    return found


def _no_plan(path: Path, got: str) -> ImportanceFileError:
    return ImportanceFileError(
        f"Could not read the importance in {path}.",
        got=got,
        expected="plan.json of a step head_pruning or ffn_pruning",
        fix="give another file, or leave importance_file out to measure it",
    )


def measured(
    model: PreTrainedModel, calibration: Calibration, options: UnitPruningOptions, seed: int
) -> Importance:
    """Measure the importance to all languages together, or to each and then to all.

    Args:
        model: A model of a supported family.
        calibration: What importance is measured on.
        options: Scorer and aggregation.
        seed: Of what is drawn.

    Returns:
        The importance of every structure.

    Raises:
        MissingInputError: If there is nothing to measure on.
    """
    languages = tuple(calibration.sequences)

    def measure(*tags: str) -> Importance:
        batches = calibration.batches(tags, model.config.pad_token_id or 0)
        found = measure_importance(model, batches, options.scorer, calibration.loss, seed)
        return replace(found, languages=tags)

    if options.aggregate == "pooled" or not languages:
        return measure(*languages)
    return aggregate_importance({tag: measure(tag) for tag in languages}, options.aggregate)


def as_tensors(scores: tuple[tuple[float, ...], ...]) -> tuple[Tensor, ...]:
    """Give scores as ``select_units`` takes them.

    Args:
        scores: A value for each unit of every layer.

    Returns:
        One tensor a layer.
    """
    return tuple(torch.tensor(layer, dtype=torch.float64) for layer in scores)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
