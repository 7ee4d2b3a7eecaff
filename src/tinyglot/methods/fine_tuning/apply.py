"""Trains the head and the encoder."""

from collections.abc import Sequence
from dataclasses import asdict

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.errors import PlanOutdatedError
from tinyglot.files import write_json
from tinyglot.methods.contract import Context
from tinyglot.methods.fine_tuning.corpus import Corpus, read_corpus, task_of
from tinyglot.methods.fine_tuning.plan import FineTuningPlan, continues, headed_model
from tinyglot.tasks.mlm import MaskedLanguageModelling
from tinyglot.training import (
    Masking,
    TrainingConfig,
    TrainingOptions,
    examples_digest,
    is_main_process,
    train,
)


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: FineTuningPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Train a copy of the model with the task's head; go on from the newest resume point.

    Args:
        model: The model that the plan was made for. It is not changed.
        tokenizer: Given back as it is.
        plan: What to train on what.
        context: Gives seed and device; in its directory, resume points are kept and
            ``facts.json`` says what was done.

    Returns:
        The trained model, with label names in its configuration, and the tokenizer.

    Raises:
        PlanOutdatedError: If the training data are not those of the plan.
        RunDirectoryError: If the directory has resume points of another training.
        DeviceNotFoundError: If the device is not there or has no bf16.
        TrainingDivergedError: If the loss becomes infinite or not a number.
        DiskFullError: If there is no room for a resume point.

    Randomness:
        Seeded from ``context.seed``: the new head, dropout, and the order of the batches.
    """
    corpus = read_corpus(model, tokenizer, plan.config, context.seed)
    _check_still_the_same(model, plan, corpus)
    fields = {*TrainingOptions.model_fields, "head_learning_rate"}
    options = plan.config.model_dump(include=fields)
    extra = {token_id for encoded in corpus.evaluation for token_id in encoded.input_ids}
    result = train(
        headed_model(model, plan.config, corpus, context.seed),
        corpus.train,
        TrainingConfig(**options, seed=context.seed, device=context.device),
        context.directory / "training" if context.directory else None,
        extra_token_ids=sorted(extra),
        masking=_masking(plan, tokenizer),
    )
    if context.directory is not None and is_main_process():
        write_json(context.directory / "facts.json", asdict(result.record))
    return result.model, tokenizer


def _masking(plan: FineTuningPlan, tokenizer: PreTrainedTokenizerFast) -> Masking | None:
    task = task_of(plan.config)
    if isinstance(task, MaskedLanguageModelling):
        return Masking.of(tokenizer, task.mask_probability)
    return None


def _check_still_the_same(model: PreTrainedModel, plan: FineTuningPlan, corpus: Corpus) -> None:
    head = "continued" if continues(model, plan.config, corpus) else "new"
    found = (head, corpus.labels, examples_digest(corpus.train))
    planned = (plan.head, plan.labels, plan.data_digest)
    if found != planned:
        raise PlanOutdatedError(
            "Could not fine-tune: the data or the model are not those of the plan.",
            got=_described(*found),
            expected=_described(*planned),
            fix="plan again, or start a new run in another directory",
        )


def _described(head: str, labels: Sequence[str], digest: str) -> str:
    return f"a {head} head, labels {' '.join(labels)}, training data {digest}"
