"""From our options to the arguments of a Trainer, on a device that is there."""

from collections.abc import Callable
from pathlib import Path

import torch
from transformers import TrainingArguments

from tinyglot.errors import DeviceNotFoundError
from tinyglot.training.config import TrainingConfig
from tinyglot.training.processes import num_processes

_DEVICES: dict[str, Callable[[], bool]] = {
    "cpu": lambda: True,
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
}


def check_device(config: TrainingConfig) -> None:
    """Make sure that the device is there and has the precision; a Trainer would take another.

    Args:
        config: Device and precision.

    Raises:
        DeviceNotFoundError: If the device is not there, not the first of its kind, or has no bf16.
    """
    device = torch.device(config.device)
    is_there = _DEVICES.get(device.type, lambda: False)
    if not is_there() or device.index:
        raise DeviceNotFoundError(
            "Could not train on the device: it is not there, or not the first of its kind.",
            got=f"device {config.device}",
            expected=", ".join(name for name, is_available in _DEVICES.items() if is_available()),
            fix="choose one of these, or make another GPU the first: CUDA_VISIBLE_DEVICES=1",
        )
    if config.precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise DeviceNotFoundError(
            "Could not train in bf16: this GPU does not have it.",
            got=torch.cuda.get_device_name(),
            expected="a GPU with bf16",
            fix="use precision: fp32",
        )


def training_arguments(config: TrainingConfig, directory: Path) -> TrainingArguments:
    """Say our options in a Trainer's words, with everything off that costs time in every step.

    Sets up the process group if a launcher started several processes.

    Args:
        config: Options, seed and device.
        directory: Where resume points go.

    Returns:
        Arguments for ``TokenBatchTrainer``.
    """
    on_cpu = torch.device(config.device).type == "cpu"
    arguments = TrainingArguments(
        output_dir=str(directory),
        max_steps=config.max_steps or -1,
        num_train_epochs=config.num_epochs,
        per_device_train_batch_size=config.batch_size or 1,
        learning_rate=config.learning_rate,
        warmup_steps=config.warmup_ratio,
        weight_decay=config.weight_decay,
        max_grad_norm=config.gradient_clip or 0.0,
        bf16=config.precision == "bf16",
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu and num_processes() > 1 else None,
        ddp_find_unused_parameters=False,
        seed=config.seed,
        save_strategy="steps" if config.save_steps else "no",
        save_steps=config.save_steps or 1,
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
    _ = arguments.device  # sets up the process group and counts GPUs
    arguments._n_gpu = min(arguments._n_gpu, 1)  # more would be nn.DataParallel
    return arguments
