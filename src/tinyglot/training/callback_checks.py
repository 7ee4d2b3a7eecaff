"""What every callback that prunes asks of the Trainer it is in."""

import os
from typing import Any, cast

from accelerate.utils import gather_object  # type: ignore[import-untyped]  # it has no types
from torch import nn
from torch.distributed.tensor import DTensor
from transformers import TrainerState, TrainingArguments

from tinyglot.errors import PruningMaskError, PruningScheduleError, ShardedParametersError


def check_whole_weights(model: nn.Module, args: TrainingArguments) -> None:
    """Refuse a training whose weights are spread over processes.

    Args:
        model: What is trained.
        args: The Trainer's.

    Raises:
        ShardedParametersError: If a process does not have all weights.
    """
    environment = {"FSDP": "ACCELERATE_USE_FSDP", "DeepSpeed": "ACCELERATE_USE_DEEPSPEED"}
    found = [name for name, key in environment.items() if os.environ.get(key) == "true"]
    found += ["FSDP"] * bool(args.fsdp) + ["DeepSpeed"] * bool(args.deepspeed)
    found += ["DTensor"] * any(isinstance(value, DTensor) for value in model.parameters())
    if found:
        raise ShardedParametersError(
            "Could not prune: the weights are spread over processes.",
            got=found[0],
            expected="each process to have all weights, as under accelerate launch without "
            "FSDP or DeepSpeed",
            fix="train without FSDP, DeepSpeed and tensor parallelism",
        )


def check_last_is_best(args: TrainingArguments) -> None:
    """Refuse a training that may end with the weights of an earlier step.

    Args:
        args: The Trainer's.

    Raises:
        PruningScheduleError: If it may.
    """
    if args.load_best_model_at_end:
        raise PruningScheduleError(
            "Could not prune: the best checkpoint may be one from before the last removal.",
            got="load_best_model_at_end: true",
            expected="the weights of the last step in the end",
            fix="give load_best_model_at_end: false, and choose among checkpoints after the last "
            "removal yourself",
        )


def check_same_everywhere(digest: str) -> None:
    """Make sure that all processes prune alike.

    Args:
        digest: Of what this process removes.

    Raises:
        PruningMaskError: If another process has another one.
    """
    found = gather_object([digest])
    if len(set(found)) > 1:
        raise PruningMaskError(
            "Could not prune: the processes removed different weights.",
            got=f"masks {', '.join(found)}",
            expected="the same masks on each process",
            fix="begin with the same weights on each process, and do not change them on one only",
        )


def saved_state(state: TrainerState, name: str) -> dict[str, Any]:
    """Give what a resume point says of a callback.

    Args:
        state: The Trainer's, as read from the resume point.
        name: The callback's class.

    Returns:
        Nothing if the training is not resumed.

    Raises:
        PruningMaskError: If the Trainer has several of these callbacks.
    """
    saved = _stateful(state).get(name, {})
    if isinstance(saved, list):
        raise PruningMaskError(
            "Could not prune: several callbacks prune in one Trainer.",
            got=f"{len(saved)} of {name}",
            expected="1",
            fix="give one callback, with several patterns in modules",
        )
    return cast(dict[str, Any], saved)


def note_state(state: TrainerState, name: str, saved: dict[str, Any]) -> None:
    """Have a callback's state written into every resume point.

    Args:
        state: The Trainer's.
        name: The callback's class.
        saved: What it says now.
    """
    cast(Any, state).stateful_callbacks = {**_stateful(state), name: saved}


def _stateful(state: TrainerState) -> dict[str, Any]:
    return cast(dict[str, Any], state.stateful_callbacks or {})
