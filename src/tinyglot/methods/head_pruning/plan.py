"""Decides which heads go; changes nothing."""

from typing import Literal

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.head_pruning.config import HeadPruningConfig
from tinyglot.training.pruning import UnitPruningPlan, plan_unit_pruning


class HeadPruningPlan(UnitPruningPlan, Plan):
    """Which heads stay; see ``UnitPruningPlan``."""

    method: Literal["head_pruning"] = "head_pruning"
    config: HeadPruningConfig


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: HeadPruningConfig,
    context: Context,
) -> HeadPruningPlan:
    """Measure the importance of heads, and choose those that stay.

    Args:
        model: A model of a supported family, with or without a head of a task.
        tokenizer: Its tokenizer.
        config: The options.
        context: Gives task, data, text and languages where the options do not; seed and device.

    Returns:
        The heads that stay, and what becomes of the checkpoint.

    Raises:
        StructureRangeError: If more heads would stay than there are, or none in a layer.
        NoEffectError: If all heads would stay and may not.
        NonFiniteScoreError: If an importance is infinite or no number.
        ImportanceFileError: If the file of importance is damaged, or of another model.
        MissingInputError: If there is nothing to measure or to train on, or the model has no head
            that the loss or the distillation needs.
        UncoveredTextError: If too much of a language's sentences is unknown to the tokenizer.
        DataNotFoundError: If a language has no such split or text, or the data is not there.
        DataFormatError: If a file has broken lines.
        EmptyTextError: If a language's text has no line with content.
        TextEncodingError: If a line is not UTF-8, or the compression is damaged.
        UnknownLabelError: If the data have labels that the model's head does not, and the loss or
            the distillation needs it.
        UnknownMethodError: If there is no such task, or recovery wants one that trains nothing.
        TaskOptionError: If an option of the task is unknown or out of range.
        TokenIdRangeError: If the tokenizer is another model's.

    Cost:
        By taylor, a forward and a backward pass over the sentences.

    Randomness:
        Sentences, and what scorer and loss draw, are seeded with ``context.seed``.
    """
    return HeadPruningPlan(**plan_unit_pruning(model, tokenizer, config, context))
