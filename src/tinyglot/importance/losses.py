"""What a gate's gradient is taken of: a loss for each sequence, with labels or without."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.errors import MissingInputError

Loss = Literal["labels", "logits", "hidden_states"]
IGNORED_LABEL = -100


def sequence_losses(
    model: PreTrainedModel,
    inputs: Mapping[str, Tensor],
    labels: Tensor | None,
    loss: Loss,
    generator: torch.Generator,
) -> Tensor:
    """Run a model and give the loss of each sequence.

    ``labels``: the cross-entropy, averaged over the labelled tokens of each sequence. ``logits``:
    the same against labels drawn from the model's own predictions. ``hidden_states``: minus the
    logarithm of a unit normal density around the model's own last hidden states, at a point drawn
    from it, over the square root of the sequence's tokens.

    The two without labels draw because a loss that is smallest where the model is (such as the KL
    divergence from its own prediction) has no gradient there, and because the norm of hidden
    states hardly changes behind a layer norm. Drawn targets give the Fisher information: the
    expected square of a gate's gradient is how much the model's output changes with the gate.

    Args:
        model: Any model; for labels and logits one with a head.
        inputs: Of the model, on its device.
        labels: As a collator of ``tinyglot.training`` gives them; ignored for other losses.
        loss: Which of the three.
        generator: Of the draws, on the CPU.

    Returns:
        One value a sequence.

    Raises:
        MissingInputError: If labels are wanted and there are none, or logits and there is no head.

    References:
        Kwon et al. (2022), arXiv 2204.09656: Fisher information of masks of heads and neurons.
    """
    if loss == "hidden_states":
        return _hidden_state_losses(model, inputs, generator)
    logits, counted = item_logits(model(**inputs), inputs["attention_mask"])
    if loss == "logits":
        labels = _drawn_labels(logits, generator).masked_fill(~counted.cpu(), IGNORED_LABEL)
    if labels is None:
        raise MissingInputError(
            "Could not measure importance by labels: the data have none.",
            got="batches without labels",
            expected="labels, of the task that the model's head is for",
            fix="give labelled data, or measure by loss: hidden_states",
        )
    return _cross_entropies(logits, labels.to(logits.device))


def item_logits(
    outputs: Any,  # noqa: ANN401  (any output of transformers)
    mask: Tensor,
) -> tuple[Tensor, Tensor]:
    """Give a head's logits in one shape, whatever is classified.

    Args:
        outputs: Of a model with a head.
        mask: Which positions are no padding.

    Returns:
        Logits of shape (batch, items, classes), in float32 at least: items are tokens, or the
        sequence, or the first and the last token of an answer, whose classes are the positions;
        and which of the items are there.

    Raises:
        MissingInputError: If the model has no head.
    """
    if "start_logits" in outputs:
        logits = torch.stack((outputs["start_logits"], outputs["end_logits"]), dim=1)
        logits = logits.masked_fill(mask[:, None] == 0, torch.finfo(logits.dtype).min)
    elif "logits" in outputs:
        logits = outputs["logits"]
    else:
        raise MissingInputError(
            "Could not measure importance by a head's outputs: the model has no head.",
            got="a bare encoder",
            expected="a model with a head, such as a fine-tuned one",
            fix="measure by loss: hidden_states, or fine-tune the model first",
        )
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if "logits" in outputs and logits.dim() == mask.dim() + 1:
        return logits, mask.bool()
    logits = logits if logits.dim() > mask.dim() else logits[:, None]
    return logits, torch.ones_like(logits[..., 0], dtype=torch.bool)


def _cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    labels = labels if labels.dim() > 1 else labels[:, None]
    losses = nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED_LABEL, reduction="none"
    )
    return losses.view_as(labels).sum(1) / labels.ne(IGNORED_LABEL).sum(1).clamp(min=1)


def _drawn_labels(logits: Tensor, generator: torch.Generator) -> Tensor:
    chances = logits.detach().softmax(-1).cpu()
    drawn = torch.multinomial(chances.flatten(0, 1), 1, generator=generator)
    return drawn.view(chances.shape[:2])


def _hidden_state_losses(
    model: PreTrainedModel, inputs: Mapping[str, Tensor], generator: torch.Generator
) -> Tensor:
    names = ("input_ids", "attention_mask", "token_type_ids")
    given = {name: inputs[name] for name in names if name in inputs}
    states = view(model).encoder(**given)[0]
    noise = torch.randn(states.shape, generator=generator).to(states)
    mask = inputs["attention_mask"]
    along: Tensor = (states * noise).sum(-1) * mask
    return along.sum(1) / mask.sum(1).clamp(min=1).sqrt()
