"""Makes the narrower model."""

import math

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.errors import PlanOutdatedError
from tinyglot.importance import layers_digest
from tinyglot.methods.contract import Context
from tinyglot.methods.width_reduction.bases import head_maps, pca_projection, selection
from tinyglot.methods.width_reduction.calibration import Calibration
from tinyglot.methods.width_reduction.plan import WidthReductionPlan, calibration_of
from tinyglot.methods.width_reduction.reconstruction import reconstruct_, record
from tinyglot.methods.width_reduction.statistics import head_moments, stream_moments
from tinyglot.surgery import (
    Structures,
    absorb_norm_gains,
    keep_structures,
    narrow_heads,
    on_device,
    project_hidden,
    truncate_hidden,
    verify_reload,
)


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: WidthReductionPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Make the narrower model, and check that it would load again as the same model.

    Args:
        model: The model the plan was made for. It is not modified.
        tokenizer: Given back as it is.
        plan: What the model becomes.
        context: Gives languages, text, seed and device, as to the plan.

    Returns:
        The new model, and the tokenizer.

    Raises:
        PlanOutdatedError: If the plan was made for another model or other text.
        ParityError: If the new model would load as another model.

    Cost:
        By pca two forward passes over the lines; to reconstruct, one of each model over all
        lines at once, whose states stay in memory: 32 bytes a token, layer and channel.
    """
    calibration = calibration_of(tokenizer, plan.config, context, plan.heads)
    _check(model, plan, calibration)
    if plan.config.is_cut_off:
        new = _cut_off(model, plan)
    else:
        new = _projected(on_device(model, context.device), plan, calibration)
        new = on_device(new, model.device.type)
    verify_reload(new)
    return new, tokenizer


def _check(model: PreTrainedModel, plan: WidthReductionPlan, calibration: Calibration) -> None:
    found, expected = layers_digest(model), plan.layers_digest
    what = "model"
    if found == expected:
        found, expected, what = calibration.digest, plan.calibration_digest, "text"
    if found != expected:
        raise PlanOutdatedError(
            f"Could not reduce the width: the plan was made for another {what}.",
            got=f"a {what} of digest {found or 'none'}",
            expected=f"digest {expected or 'none'}",
            fix=f"plan again with this {what}",
        )


def _cut_off(model: PreTrainedModel, plan: WidthReductionPlan) -> PreTrainedModel:
    if plan.head_order:
        model = keep_structures(model, Structures.of(model).keep(heads=plan.head_order))
    is_svd = plan.config.basis == "svd"
    return truncate_hidden(model, plan.config.hidden_size, "svd" if is_svd else "truncation")


def _projected(
    model: PreTrainedModel, plan: WidthReductionPlan, calibration: Calibration
) -> PreTrainedModel:
    whole = absorb_norm_gains(model)
    fewer = _with_fewer_head_channels(whole, plan, calibration)
    projection, norm_scale = _projection(whole, plan, calibration)
    new = project_hidden(fewer, projection, norm_scale)
    if plan.config.reconstructs:
        batch = calibration.one_batch()
        weights = {name: each.detach() for name, each in fewer.named_parameters()}
        with torch.no_grad():
            reconstruct_(new, weights, record(whole, batch), projection, batch)
    return new


def _with_fewer_head_channels(
    model: PreTrainedModel, plan: WidthReductionPlan, calibration: Calibration
) -> PreTrainedModel:
    if plan.heads == "whole":
        return keep_structures(model, Structures.of(model).keep(heads=plan.head_order))
    outputs = [roles["attention_output"].weight.detach() for roles in view(model).linear_modules()]
    moments = head_moments(model, calibration.batches())
    pairs = zip(moments, outputs, strict=True)
    return narrow_heads(model, [head_maps(each, out, plan.head_dim) for each, out in pairs])


def _projection(
    model: PreTrainedModel, plan: WidthReductionPlan, calibration: Calibration
) -> tuple[Tensor, float]:
    """Give the projection, and what the gains of norms have to be multiplied by."""
    if plan.config.basis == "importance":
        return selection(plan.channels, plan.hidden_size_before), 1.0
    width = plan.config.hidden_size
    moments = stream_moments(model, calibration.batches())
    projection, kept = pca_projection(moments, width)
    return projection, math.sqrt(kept * plan.hidden_size_before / width)
