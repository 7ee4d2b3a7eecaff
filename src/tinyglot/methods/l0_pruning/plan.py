"""Reads the labelled data and says how many heads and neurons would stay; changes nothing."""

from typing import Literal

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.l0_pruning.config import L0PruningConfig
from tinyglot.training import GatedTrainingPlan, plan_gated_training


class L0PruningPlan(GatedTrainingPlan, Plan):
    """What would be trained on what, and how much stays; see ``GatedTrainingPlan``."""

    method: Literal["l0_pruning"] = "l0_pruning"
    config: L0PruningConfig


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: L0PruningConfig,
    context: Context,
) -> L0PruningPlan:
    """Read the data, and count what training and pruning would take.

    Args:
        model: A bare encoder, a masked-LM model or a model with a head of this task.
        tokenizer: Its tokenizer.
        config: The options.
        context: Gives task, data and languages where the options do not.

    Returns:
        What a plan of fine-tuning says, and the units that stay.

    Raises:
        MissingInputError: If task, data or languages are given nowhere.
        StructureRangeError: If more units would stay than there are, or none in a layer.
        NoEffectError: If all units of a kind would stay and may not.
        PruningScheduleError: If the training is too short, or gates would begin in shared steps.
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
        UnknownLabelError: If an evaluation split has labels that training does not have.
        TokenIdRangeError: If the tokenizer is another model's.
    """
    return L0PruningPlan(**plan_gated_training(model, tokenizer, config, context))
