"""Reads the labelled data and says what training on it would be; changes nothing."""

from typing import Literal

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.fine_tuning.config import FineTuningConfig
from tinyglot.training import TaskTrainingPlan, plan_task_training, resolve_options


class FineTuningPlan(TaskTrainingPlan, Plan):
    """What would be trained on what; see ``TaskTrainingPlan``."""

    method: Literal["fine_tuning"] = "fine_tuning"
    config: FineTuningConfig

    def summary(self) -> list[str]:
        """Say the plan in a few lines.

        Returns:
            Lines without markup.
        """
        return self.training_summary()


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: FineTuningConfig,
    context: Context,
) -> FineTuningPlan:
    """Read the data, and count what training on it would take.

    Args:
        model: A bare encoder, a masked-LM model or a model with a head of this task.
        tokenizer: Its tokenizer.
        config: The options.
        context: Gives task, data and languages where the options do not.

    Returns:
        Labels, sentences, steps and embedding rows.

    Raises:
        MissingInputError: If task, data or languages are given nowhere.
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
        UnknownLabelError: If an evaluation split has labels that training does not have.
        TokenIdRangeError: If the tokenizer is another model's.
    """
    config = resolve_options(config, context)
    return FineTuningPlan(**plan_task_training(model, tokenizer, config, context.seed))
