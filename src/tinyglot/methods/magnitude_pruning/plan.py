"""Reads the labelled data and says which weights would be removed when; changes nothing."""

from collections.abc import Sequence
from typing import Literal

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.magnitude_pruning.config import MagnitudePruningConfig
from tinyglot.methods.magnitude_pruning.controller import MaskController
from tinyglot.methods.magnitude_pruning.matrices import find_matrices, kind_of
from tinyglot.methods.magnitude_pruning.options import PruningOptions
from tinyglot.methods.magnitude_pruning.schedule import (
    Schedule,
    check_trunk,
    make_schedule,
)
from tinyglot.training import (
    TaskTrainingPlan,
    plan_task_training,
    resolve_options,
    with_head,
)
from tinyglot.training.corpus import head_class, task_of


class MagnitudePruningPlan(TaskTrainingPlan, Plan):
    """What would be trained on what, and which weights would be removed when.

    Attributes:
        method: Name of the method.
        config: The options, with task, data and languages filled in.
        schedule: When weights are removed.
        events: For each removal, the steps before it and the zeros after it.
        matrices: Number of weights of every matrix that counts, by the parameter's name.
        num_prunable: Weights that count.
        num_zeros: How many of them are zero in the end.
    """

    method: Literal["magnitude_pruning"] = "magnitude_pruning"
    config: MagnitudePruningConfig
    schedule: Schedule
    events: tuple[tuple[int, int], ...]
    matrices: dict[str, int]
    num_prunable: int
    num_zeros: int

    def pruning(self) -> PruningOptions:
        """Give the options of pruning with every step filled in.

        Returns:
            The options that a ``MagnitudePruningCallback`` takes.
        """
        steps = self.schedule.model_dump(exclude={"source"})
        return self.config.pruning().model_copy(update=steps)

    def summary(self) -> list[str]:
        """Say the plan in a few lines.

        Returns:
            Lines without markup.
        """
        steps = ", ".join(f"{zeros:,} after step {step:,}" for step, zeros in self.events)
        return [
            *self.training_summary(),
            f"remove {self.num_zeros:,} of {self.num_prunable:,} weights in {len(self.matrices)} "
            f"matrices ({self.config.sparsity:.1%}), smallest first ({self.config.scope})",
            *_by_kind(self.matrices),
            f"zeros: {steps}",
            f"steps: {self.schedule.source}",
        ]


def _by_kind(sizes: dict[str, int]) -> Sequence[str]:
    """Sum up the matrices of one name in all layers."""
    kinds: dict[str, list[int]] = {}
    for name, size in sizes.items():
        kinds.setdefault(kind_of(name), []).append(size)
    return [f"{kind}: {sum(found):,} weights in {len(found)}" for kind, found in kinds.items()]


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: MagnitudePruningConfig,
    context: Context,
) -> MagnitudePruningPlan:
    """Read the data, and count what training and pruning would take.

    Args:
        model: A bare encoder, a masked-LM model or a model with a head of this task.
        tokenizer: Its tokenizer.
        config: The options.
        context: Gives task, data and languages where the options do not.

    Returns:
        What a plan of fine-tuning says, and matrices, removals and zeros.

    Raises:
        MissingInputError: If task, data or languages are given nowhere.
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
        UnknownLabelError: If an evaluation split has labels that training does not have.
        TokenIdRangeError: If the tokenizer is another model's.
        UnknownModuleError: If a pattern matches no linear layer.
        NoEffectError: If nothing would change, or the model has more zeros already.
        PruningScheduleError: If the removals do not fit into the training, or begin before the
            end of steps that are shared.
    """
    config = resolve_options(config, context)
    training = plan_task_training(model, tokenizer, config, context.seed)
    config = training["config"]
    headed = model
    if training["head"] == "new":
        classes = head_class(model, task_of(config).head)
        headed = with_head(model, classes, training["labels"], context.seed)
    options = config.pruning()
    controller = MaskController(find_matrices(headed, options), options)
    controller.check_target()
    num_sentences = sum(n[config.train_split] for n in training["num_sentences"].values())
    schedule = make_schedule(options, num_sentences, training["num_steps"], config.stop_step)
    check_trunk(schedule, context.trunk)
    return MagnitudePruningPlan(
        **training,
        schedule=schedule,
        events=tuple(
            (event.step, sum(controller.targets(event.sparsity).values()))
            for event in schedule.events(options)
        ),
        matrices={matrix.name: matrix.parameter.numel() for matrix in controller.matrices},
        num_prunable=controller.num_weights,
        num_zeros=sum(controller.targets(config.sparsity).values()),
    )
