"""Reads the labelled data and says what training on it would be; changes nothing."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.fine_tuning.config import FineTuningConfig
from tinyglot.training import (
    Corpus,
    LoraOptions,
    TaskTrainingPlan,
    TunedCounts,
    headed_model,
    plan_task_training,
    prepare_tuning,
    resolve_options,
    tuned_counts,
)


class FineTuningPlan(TaskTrainingPlan, Plan):
    """What would be trained on what; see ``TaskTrainingPlan``.

    Attributes:
        method: The method.
        config: The options, with task, data and languages filled in.
        trained: How many weights are trained, if not the whole encoder.
    """

    method: Literal["fine_tuning"] = "fine_tuning"
    config: FineTuningConfig
    trained: TunedCounts | None = Field(default=None, exclude_if=lambda value: value is None)

    def summary(self) -> list[str]:
        """Say the plan in a few lines.

        Returns:
            Lines without markup.
        """
        return [*self.training_summary(), *self._tuning_summary()]

    def _tuning_summary(self) -> Iterator[str]:
        tuning = self.config.chosen_tuning
        if tuning is None or self.trained is None:
            return
        if isinstance(tuning, LoraOptions):
            rest = " and of the word embeddings" if tuning.train_embeddings else ""
            new = f"low-rank updates (rank {tuning.rank}, {tuning.targets.replace('_', ' ')})"
            result = "stock if the given model is: the updates are merged into the weights"
        else:
            rest, new = "", f"adapters (reduction {tuning.reduction})"
            result = "slim, which loads with trust_remote_code=True or with tinyglot"
        new_weights, others = self.trained.num_new_parameters, self.trained.num_head_parameters
        yield f"trained: {new_weights:,} weights of {new}, {others:,} of the head{rest}; no others"
        yield f"what comes out: {result}"


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
        MissingExtraError: If ``tuning: lora`` is asked for without peft.
        UnsupportedArchitectureError: If the model has adapters of another size.
    """
    config = resolve_options(config, context)
    fields = plan_task_training(model, tokenizer, config, context.seed)
    return FineTuningPlan(**fields | _tuned_fields(model, fields, context.seed))


def _tuned_fields(model: PreTrainedModel, fields: dict[str, Any], seed: int) -> dict[str, Any]:
    """Count what is trained if most of the encoder is not."""
    config: FineTuningConfig = fields["config"]
    tuning = config.chosen_tuning
    if tuning is None:
        return {}
    labels_only = Corpus(labels=fields["labels"], train=[], evaluation=[], num_sentences={})
    tuned = prepare_tuning(headed_model(model, config, labels_only, seed), tuning, seed)
    counts, embedding = tuned_counts(tuned, tuning), view(tuned).word_embeddings.weight
    if not embedding.requires_grad:
        return {"trained": counts, "num_embedding_rows": 0}
    idle = embedding[fields["num_embedding_rows"] :].numel()
    return {"trained": replace(counts, num_head_parameters=counts.num_head_parameters - idle)}
