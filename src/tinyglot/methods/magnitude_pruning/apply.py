"""Trains the head and the encoder, and removes weights meanwhile."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.errors import PruningMaskError
from tinyglot.files import write_json
from tinyglot.methods.contract import Context
from tinyglot.methods.magnitude_pruning.callback import MagnitudePruningCallback
from tinyglot.methods.magnitude_pruning.controller import MaskController
from tinyglot.methods.magnitude_pruning.frozen import FrozenRows
from tinyglot.methods.magnitude_pruning.matrices import kind_of
from tinyglot.methods.magnitude_pruning.plan import MagnitudePruningPlan
from tinyglot.methods.magnitude_pruning.schedule import check_trunk
from tinyglot.training import (
    Corpus,
    Setup,
    active_vocabulary,
    headed_model,
    is_main_process,
    read_planned_corpus,
    train_on_task,
)


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: MagnitudePruningPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Train a copy of the model with the task's head, and set its smallest weights to zero.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Given back as it is.
        plan: What to train on what, and which weights to remove when.
        context: Gives seed and device; in its directory, resume points are kept and
            ``facts.json`` says what was done.

    Returns:
        The trained model with exactly as many zeros as planned, and the tokenizer.

    Raises:
        PlanOutdatedError: If the training data are not those of the plan.
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.
        ShardedParametersError: If the weights are spread over processes.
        PruningMaskError: If the zeros are not those that were planned.
        PruningScheduleError: If weights would be removed in steps that other trainings share.

    Randomness:
        Seeded from ``context.seed``: the new head, dropout, and the order of the batches.
    """
    check_trunk(plan.schedule, context.trunk)
    corpus = read_planned_corpus(model, tokenizer, plan, context.seed)
    frozen = _frozen_rows(model, plan, corpus)
    callback = MagnitudePruningCallback(
        frozen={frozen.name: frozen.magnitudes} if frozen else None, **plan.pruning().model_dump()
    )
    directory = context.directory / "training" if context.directory else None
    setup = Setup(context.seed, context.device, directory, context.trunk)
    result = train_on_task(model, tokenizer, plan, corpus, setup, [callback])
    controller = cast(MaskController, callback.controller)  # found when the training began
    if frozen:
        frozen.remove(result.model, controller.num_frozen_removed[frozen.name])
    facts = asdict(result.record) | _count(result.model, plan, may_have_more=controller.reached)
    if context.directory is not None and is_main_process():
        write_json(context.directory / "facts.json", facts)
    return result.model, tokenizer


def _frozen_rows(
    model: PreTrainedModel, plan: MagnitudePruningPlan, corpus: Corpus
) -> FrozenRows | None:
    if plan.config.embeddings == "exclude":
        return None
    headed = headed_model(model, plan.config, corpus, seed=0)
    active = active_vocabulary(headed, plan.config, corpus)
    return FrozenRows.of(headed, active) if active else None


def _count(
    model: PreTrainedModel, plan: MagnitudePruningPlan, *, may_have_more: Sequence[str]
) -> dict[str, Any]:
    """Recount the zeros of the finished model, and compare them with the plan."""
    zeros = {name: _num_zeros(model.get_parameter(name)) for name in plan.matrices}
    found = sum(zeros.values())
    if found < plan.num_zeros or (found > plan.num_zeros and not may_have_more):
        raise PruningMaskError(
            "Could not reach the sparsity: the model has another number of zeros.",
            got=f"{found:,} zeros among {plan.num_prunable:,} weights",
            expected=f"{plan.num_zeros:,}",
            fix="plan again, and start a new run in another directory",
        )
    kinds: dict[str, dict[str, int]] = {}
    for name, size in plan.matrices.items():
        kind = kinds.setdefault(kind_of(name), {"zeros": 0, "weights": 0})
        kind["zeros"] += zeros[name]
        kind["weights"] += size
    return {
        "sparsity": found / plan.num_prunable,
        "num_zeros": found,
        "num_prunable": plan.num_prunable,
        "zeros_by_kind": kinds,
        "events": [list(event) for event in plan.events],
    }


def _num_zeros(weight: Tensor) -> int:
    return weight.numel() - int(weight.count_nonzero())
