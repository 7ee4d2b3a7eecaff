"""Reads the labelled data and says which sizes would be trained when; changes nothing."""

from typing import Literal

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.errors import PruningScheduleError
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.dynamic_sparsification.config import DynamicSparsificationConfig
from tinyglot.methods.dynamic_sparsification.options import ElasticOptions
from tinyglot.methods.dynamic_sparsification.sizes import choose_sizes, order_steps
from tinyglot.surgery import count_parameters, cut_to, without_values
from tinyglot.training import TaskTrainingPlan, plan_task_training, resolve_options


class DynamicSparsificationPlan(TaskTrainingPlan, Plan):
    """What would be trained on what, and which sizes inside the model.

    Attributes:
        method: Name of the method.
        config: The options, with task, data and languages filled in.
        sizes: Sizes by axis, the largest first.
        hidden_sizes: Hidden size of each number of heads.
        order_steps: Steps that have been taken before each measuring of the order; the smaller
            sizes begin at the first.
        num_parameters: Of the encoder, in the largest and in the smallest size.
    """

    method: Literal["dynamic_sparsification"] = "dynamic_sparsification"
    config: DynamicSparsificationConfig
    sizes: dict[str, tuple[int, ...]]
    hidden_sizes: tuple[int, ...]
    order_steps: tuple[int, ...]
    num_parameters: tuple[int, int]

    def elastic(self) -> ElasticOptions:
        """Give the options of the sizes with everything filled in.

        Returns:
            The options that a ``DynamicSparsificationCallback`` takes.
        """
        return self.config.elastic().model_copy(
            update={**self.sizes, "start_step": self.order_steps[0]}
        )

    def summary(self) -> list[str]:
        """Say the plan in a few lines.

        Returns:
            Lines without markup.
        """
        count = len(self.sizes["layers"]) * len(self.sizes["heads"]) * len(self.sizes["ffn"])
        later = ", ".join(f"{step:,}" for step in self.order_steps[1:])
        largest, smallest = self.num_parameters
        return [
            *self.training_summary(),
            *(f"{axis}: {' '.join(map(str, sizes))}" for axis, sizes in self.sizes.items()),
            f"hidden sizes: {' '.join(map(str, self.hidden_sizes))}, heads times the size of one",
            f"{count:,} sizes with {smallest:,} to {largest:,} parameters, every one stock; "
            f"{2 + self.config.num_random_sizes} a step, the largest among them",
            f"in order by {self.config.scorer} after step {self.order_steps[0]:,}"
            + (f", and again after {later}" if later else ""),
        ]


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: DynamicSparsificationConfig,
    context: Context,
) -> DynamicSparsificationPlan:
    """Read the data, and count what training the sizes would take.

    Args:
        model: A bare encoder, a masked-LM model or a model with a head of this task.
        tokenizer: Its tokenizer.
        config: The options.
        context: Gives task, data and languages where the options do not.

    Returns:
        What a plan of fine-tuning says, and the sizes.

    Raises:
        MissingInputError: If task, data or languages are given nowhere.
        DataNotFoundError: If a language has no training split, or the data is not there.
        DataFormatError: If a file has broken lines.
        UnknownLabelError: If an evaluation split has labels that training does not have.
        TokenIdRangeError: If the tokenizer is another model's.
        StructureRangeError: If the model has no such size, or its layers differ.
        NoEffectError: If there is no size but the model's own.
        PruningScheduleError: If the training is over before the smaller sizes begin, or they begin
            in steps that are shared.
    """
    config = resolve_options(config, context)
    encoder = view(model)
    sizes = choose_sizes(encoder, config.elastic())
    training = plan_task_training(model, tokenizer, config, context.seed)
    steps = order_steps(config.elastic(), training["num_steps"], config.stop_step)
    check_shared_steps(steps[0], context)
    empty = without_values(encoder.encoder)
    smallest = cut_to(empty, sizes.shape(sizes.layers[-1], sizes.heads[-1], sizes.ffn[-1]))
    return DynamicSparsificationPlan(
        **training,
        sizes=sizes.sizes(),
        hidden_sizes=tuple(heads * encoder.head_dim for heads in sizes.heads),
        order_steps=tuple(steps),
        num_parameters=(
            count_parameters(empty).num_parameters,
            count_parameters(smallest).num_parameters,
        ),
    )


def check_shared_steps(start_step: int, context: Context) -> None:
    """Make sure that smaller sizes begin after the steps that other trainings share.

    Args:
        start_step: Where they begin.
        context: Says the shared steps, if any.

    Raises:
        PruningScheduleError: If they begin before.
    """
    if context.trunk is not None and context.trunk.step > start_step:
        raise PruningScheduleError(
            "Could not train smaller sizes: they would begin in steps that other trainings share.",
            got=f"start_step {start_step}",
            expected=f"none before the end of the {context.trunk.step} shared steps",
            fix=f"share at most {start_step} steps, or give a later start_step",
        )
