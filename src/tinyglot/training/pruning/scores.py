"""The importance of a model's heads or neurons, as the options want it measured."""

from dataclasses import replace

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.importance import (
    Importance,
    aggregate_importance,
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
    if options.importance_file is not None:
        importance = Importance.load(options.importance_file, model)
    else:
        importance = measured(on_device(model, inputs.device), calibration, options, inputs.seed)
    scores = importance.of(options.kind)
    if options.normalise_layers:
        scores = normalised_by_layer(scores)
    return tuple(tuple(_rounded(value) for value in layer.tolist()) for layer in scores)


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
