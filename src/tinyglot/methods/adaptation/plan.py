"""Encodes the text and says what training on it would be; changes nothing."""

from typing import Literal

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.methods.adaptation.config import AdaptationConfig
from tinyglot.methods.contract import Context, Plan
from tinyglot.training.text import TextTrainingPlan, plan_text_training, resolve_text_options


class AdaptationPlan(TextTrainingPlan, Plan):
    """What would be trained on what; see ``TextTrainingPlan``."""

    method: Literal["adaptation"] = "adaptation"
    config: AdaptationConfig

    def summary(self) -> list[str]:
        """Say the plan in a few lines.

        Returns:
            Lines without markup.
        """
        return self.training_summary()


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: AdaptationConfig,
    context: Context,
) -> AdaptationPlan:
    """Encode the text into the step's directory, and count what training on it would take.

    Args:
        model: A bare encoder, or a model with any head.
        tokenizer: Its tokenizer, with a mask token.
        config: The options.
        context: Gives the text, and the languages where the options do not.

    Returns:
        Head, lines, tokens and steps.

    Raises:
        MissingInputError: If a language has no text.
        EmptyTextError: If a language's text has nothing to train on, or nothing held out.
        TextTooShortError: If all of it is less than one batch.
        UnsupportedTokenizerError: If there is no mask token.
        UnsupportedArchitectureError: If the family is unknown.
    """
    config = resolve_text_options(config, context)
    return AdaptationPlan(**plan_text_training(model, tokenizer, config, context))
