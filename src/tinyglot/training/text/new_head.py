"""Trains a new LM head alone, once: whoever resumes a later step takes it over."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.files import read_json, write_json, written_once
from tinyglot.training.config import TrainingConfig
from tinyglot.training.masking import Masking
from tinyglot.training.processes import num_processes
from tinyglot.training.resume import check_settings, weights_digest, write_settings
from tinyglot.training.text.corpus import TextCorpus
from tinyglot.training.train import TrainingRecord, TrainingResult, train

_TRAINED, _WEIGHTS, _RECORD = "trained", "head.safetensors", "record.json"


def train_head(
    student: PreTrainedModel,
    corpus: TextCorpus,
    config: TrainingConfig,
    masking: Masking,
    place: Path | None,
) -> TrainingResult:
    """Train all but the encoder; the encoder and with it the tied matrix stay as they are.

    Args:
        student: A model with an LM head, the caller's own: parameters are frozen meanwhile.
        corpus: The text.
        config: Options, seed and device.
        masking: What is hidden.
        place: Where resume points and the trained head are kept; ``None`` for nowhere.

    Returns:
        The trained model, no parameter frozen; in 0 seconds if the head was there already.

    Raises:
        RunDirectoryError: If what is there belongs to another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for it.
    """
    kept = place / _TRAINED if place else None
    settings = config.model_dump(mode="json", exclude={"save_steps"}) | {
        "mask_probability": masking.probability,
        "num_processes": num_processes(),
        "examples": corpus.digest,
        "initial_weights": weights_digest(student),
    }
    if kept is not None and kept.exists():
        check_settings(kept, settings)
        return _read(kept, student)
    for parameter in view(student).encoder.parameters():
        parameter.requires_grad = False
    result = train(student, corpus, config, place, masking=masking)
    for parameter in result.model.parameters():
        parameter.requires_grad = True
    if kept is not None:
        _write(kept, result, settings)
    return result


def _write(place: Path, result: TrainingResult, settings: dict[str, Any]) -> None:
    losses = result.step_losses.tolist()
    weights = {n: p.detach().contiguous() for n, p in _of_head(result.model).items()}
    with written_once(place) as temporary:
        temporary.mkdir()
        save_file(weights, temporary / _WEIGHTS)
        write_json(temporary / _RECORD, {"record": asdict(result.record), "step_losses": losses})
        write_settings(temporary, settings)


def _read(place: Path, student: PreTrainedModel) -> TrainingResult:
    student.float().eval()
    parameters = _of_head(student)
    for name, value in load_file(place / _WEIGHTS).items():
        parameters[name].data.copy_(value)
    found = read_json(place / _RECORD)
    losses = np.array(found["step_losses"], dtype=np.float64).reshape(-1, 2)
    return TrainingResult(student, TrainingRecord(**found["record"]), 0.0, losses)


def _of_head(model: PreTrainedModel) -> dict[str, nn.Parameter]:
    of_encoder = {id(parameter) for parameter in view(model).encoder.parameters()}
    return {n: p for n, p in model.named_parameters() if id(p) not in of_encoder}
