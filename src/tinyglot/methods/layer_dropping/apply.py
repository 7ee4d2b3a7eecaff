"""Takes the layers out."""

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.errors import LayerRangeError
from tinyglot.methods.contract import Context
from tinyglot.methods.layer_dropping.plan import LayerDroppingPlan
from tinyglot.surgery import keep_layers, reinitialise_layers, verify_reload


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: LayerDroppingPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Make a model of the kept layers and check that it would load again as the same model.

    Args:
        model: The model the plan was made for. It is not modified.
        tokenizer: Given back as it is.
        plan: Which layers stay.
        context: Gives the seed of new values, where the plan wants any.

    Returns:
        The new model, and the tokenizer.

    Raises:
        LayerRangeError: If the plan was made for a model with another number of layers.
        ParityError: If the new model would load as another model.
    """
    num_layers = len(view(model).layers)
    if num_layers != plan.num_layers_before:
        raise LayerRangeError(
            "Could not drop layers: the plan was made for another model.",
            got=f"a model of {num_layers} layers",
            expected=f"the {plan.num_layers_before} layers that the plan speaks of",
            fix="plan again with this model",
        )
    new_model = keep_layers(model, plan.kept_layers)
    if plan.reinitialise:
        new_model = reinitialise_layers(new_model, context.seed)
    verify_reload(new_model)
    return new_model, tokenizer
