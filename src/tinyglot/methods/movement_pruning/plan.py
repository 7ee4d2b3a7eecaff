"""Reads the labelled data and says how many heads and neurons would stay; changes nothing."""

from typing import Literal

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.movement_pruning.config import MovementPruningConfig
from tinyglot.training import GatedTrainingPlan, plan_gated_training


class MovementPruningPlan(GatedTrainingPlan, Plan):
    """What would be trained on what, and how much stays; see ``GatedTrainingPlan``."""

    method: Literal["movement_pruning"] = "movement_pruning"
    config: MovementPruningConfig


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: MovementPruningConfig,
    context: Context,
) -> MovementPruningPlan:
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
    return MovementPruningPlan(**plan_gated_training(model, tokenizer, config, context))
