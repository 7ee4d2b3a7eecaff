"""Trains the head and the encoder."""

from dataclasses import asdict

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.files import write_json
from tinyglot.methods.contract import Context
from tinyglot.methods.fine_tuning.plan import FineTuningPlan
from tinyglot.training import Setup, is_main_process, read_planned_corpus, train_on_task


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: FineTuningPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Train a copy of the model with the task's head; go on from the newest resume point.

    With ``tuning: lora`` the updates are merged, so that the result is an ordinary model; with
    ``tuning: bottleneck`` it is a slim one that has adapters.

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
        MissingExtraError: If ``tuning: lora`` is asked for without peft.

    Randomness:
        Seeded from ``context.seed``: the new head, dropout, and the order of the batches.
    """
    corpus = read_planned_corpus(model, tokenizer, plan, context.seed)
    directory = context.directory / "training" if context.directory else None
    setup = Setup(
        context.seed,
        context.device,
        directory,
        context.trunk,
        tuning=plan.config.chosen_tuning,
    )
    result = train_on_task(model, tokenizer, plan, corpus, setup)
    if context.directory is not None and is_main_process():
        counts = asdict(plan.trained) if plan.trained else {}
        write_json(context.directory / "facts.json", asdict(result.record) | counts)
    return result.model, tokenizer
