"""Trains the sizes, and writes beside the checkpoint which ones there are."""

from dataclasses import asdict
from typing import cast

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.checkpoints.weight_sample import digest_of_model
from tinyglot.files import write_json
from tinyglot.methods.contract import CHECKPOINT_FILES, Context
from tinyglot.methods.dynamic_sparsification.callback import DynamicSparsificationCallback
from tinyglot.methods.dynamic_sparsification.controller import ElasticController
from tinyglot.methods.dynamic_sparsification.plan import (
    DynamicSparsificationPlan,
    check_shared_steps,
)
from tinyglot.methods.dynamic_sparsification.rows import rows_by_language
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
    plan: DynamicSparsificationPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Train a copy of the model with the task's head so that smaller models are inside it.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Given back as it is.
        plan: What to train on what, and which sizes.
        context: Gives seed, device and text; in its directory, resume points are kept,
            ``facts.json`` says what was done, and ``elastic.json`` waits for the checkpoint.

    Returns:
        The trained model in the largest size, and the tokenizer.

    Raises:
        PlanOutdatedError: If the training data are not those of the plan.
        PruningScheduleError: If smaller sizes would begin in steps that other trainings share.
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.
        ShardedParametersError: If the weights are spread over processes.

    Randomness:
        Seeded from ``context.seed``: the new head, dropout, the order of the batches, and the
        sizes that are drawn, which have generators of their own.
    """
    check_shared_steps(plan.order_steps[0], context)
    corpus = read_planned_corpus(model, tokenizer, plan, context.seed)
    callback = DynamicSparsificationCallback(**plan.elastic().model_dump())
    directory = context.directory / "training" if context.directory else None
    setup = Setup(context.seed, context.device, directory, context.trunk)
    result = train_on_task(model, tokenizer, plan, corpus, setup, [callback])
    controller = cast(ElasticController, callback.controller)  # made when the training began
    _reorder_untrained_rows_(result.model, plan, corpus, controller.hidden_order)
    elastic = controller.elastic
    if context.directory is not None and is_main_process():
        rows = rows_by_language(result.model, tokenizer, plan.config, context, corpus.labels)
        digest = digest_of_model(result.model)
        elastic = elastic.model_copy(update={"vocabulary": rows, "weights_sha256": digest})
        (context.directory / CHECKPOINT_FILES).mkdir(parents=True, exist_ok=True)
        elastic.write(context.directory / CHECKPOINT_FILES)
        order = {"layer_order": list(elastic.layer_order)}
        write_json(context.directory / "facts.json", asdict(result.record) | order)
    return result.model, tokenizer


@torch.no_grad()
def _reorder_untrained_rows_(
    model: PreTrainedModel,
    plan: DynamicSparsificationPlan,
    corpus: Corpus,
    hidden_order: tuple[int, ...],
) -> None:
    """Give the channels of rows that were not there in the training their new places, too."""
    encoder = view(model)
    active = active_vocabulary(headed_model(model, plan.config, corpus, 0), plan.config, corpus)
    if active is None or encoder.embedding_size != encoder.hidden_size:
        return
    weight = encoder.word_embeddings.weight
    untrained = torch.ones(len(weight), dtype=torch.bool, device=weight.device)
    untrained[active.new_id_to_old_id.to(weight.device)] = False
    weight[untrained] = weight[untrained][:, list(hidden_order)]
