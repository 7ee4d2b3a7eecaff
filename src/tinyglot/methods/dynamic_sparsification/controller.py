"""Which sizes a step trains, the order of the model's parts, and the loss of the smaller sizes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.checkpoints.elastic import AXES, Elastic
from tinyglot.importance import Importance
from tinyglot.methods.dynamic_sparsification.options import ElasticOptions
from tinyglot.surgery import Structures, Subnetworks, SubnetworkShape
from tinyglot.surgery.reorder import reorder_
from tinyglot.tasks import IGNORED_LABEL
from tinyglot.training import cross_entropy
from tinyglot.training.objective import flat_logits

Loss = Callable[..., Tensor]


class ElasticController:
    """Trains smaller models inside a model.

    A smaller model has the first heads, neurons and hidden channels, and in their places the
    layers that come first in ``layer_order``. So the model is put in order first.

    Args:
        model: What is trained.
        sizes: What is trained, the layers in the model's order.
        options: How many sizes a step, and the weights of the losses.
        seed: Of the sizes that are drawn.
        base_loss: Of the largest size, as a Trainer's ``compute_loss_func``.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        sizes: Elastic,
        options: ElasticOptions,
        seed: int,
        base_loss: Loss = cross_entropy,
    ) -> None:
        self.elastic = sizes
        #: which channel of the model before the training is where now
        self.hidden_order = tuple(range(view(model).hidden_size))
        self._model = model
        self._subnetworks = Subnetworks(model)
        self._options = options
        self._seed = seed
        self._base_loss = base_loss

    # --- order ---------------------------------------------------------------------------------

    def put_in_order(self, importance: Importance, optimizer: Any = None) -> None:  # noqa: ANN401
        """Let what matters most come first; the model computes the same as before.

        Args:
            importance: Of the model as it is now.
            optimizer: Its moments follow.
        """
        encoder, sizes = view(self._model), self.elastic
        order = Structures.of(self._model)
        if len(sizes.heads) > 1:
            order = order.keep(heads=_orders(importance.heads), hidden=_order(importance.hidden))
        if len(sizes.ffn) > 1:
            order = order.keep(neurons=_orders(importance.neurons))
        reorder_(self._model, order, optimizer)
        self.hidden_order = tuple(self.hidden_order[channel] for channel in order.hidden)
        pinned = encoder.pinned_layers
        layers = _order(importance.layers)
        if self._options.layer_order == "spread":
            layers = spread_order(len(layers))
        others = [layer for layer in layers if layer not in pinned]
        self.elastic = sizes.model_copy(update={"layer_order": (*pinned, *others)})

    def state(self) -> dict[str, Any]:
        """Say what a resume point must hold beside the weights.

        Returns:
            JSON values.
        """
        return {
            "layer_order": list(self.elastic.layer_order),
            "hidden_order": list(self.hidden_order),
        }

    def restore(self, state: Mapping[str, Sequence[int]]) -> None:
        """Take over what ``state`` gave.

        Args:
            state: Of a model in the same order.
        """
        order = tuple(state["layer_order"])
        self.elastic = self.elastic.model_copy(update={"layer_order": order})
        self.hidden_order = tuple(state["hidden_order"])

    # --- sizes ---------------------------------------------------------------------------------

    def shapes(self, step: int) -> list[SubnetworkShape]:
        """List the smaller sizes of a step: the smallest, and some at random.

        Args:
            step: Optimizer steps that were taken before.

        Returns:
            Shapes, none of them twice and none the largest.

        Randomness:
            A generator of its own for each step, so that a resumed training draws the same.
        """
        generator = np.random.default_rng((self._seed, step))
        sizes = [getattr(self.elastic, axis) for axis in AXES]
        chosen = [tuple(axis[-1] for axis in sizes)]
        chosen += [
            tuple(int(generator.choice(axis)) for axis in sizes)
            for _ in range(self._options.num_random_sizes)
        ]
        largest = tuple(axis[0] for axis in sizes)
        return [self.elastic.shape(*each) for each in dict.fromkeys(chosen) if each != largest]

    # --- loss ----------------------------------------------------------------------------------

    def loss(
        self,
        outputs: Any,  # noqa: ANN401  (any output of transformers)
        labels: Tensor,
        num_items: Tensor | int | None,
        inputs: Mapping[str, Any],
        step: int,
        precision: torch.dtype | None = None,
    ) -> Tensor:
        """Add up the losses of the largest size and of the step's smaller ones.

        Args:
            outputs: Of the largest size, with its gradient.
            labels: Label ids; ``-100`` counts for nothing.
            num_items: Labelled tokens of the step over all processes; default: of ``labels``.
            inputs: What the largest size was given.
            step: Optimizer steps that were taken before.
            precision: Of the matrix products, if not that of the weights.

        Returns:
            A scalar.
        """
        total = self._base_loss(outputs, labels, num_items)
        device = self._model.device.type
        for shape in self.shapes(step):
            with torch.autocast(device, precision) if precision else nullcontext():
                smaller = self._subnetworks(shape, inputs)
            mask = inputs.get("attention_mask")
            total = total + self._loss_of_smaller(smaller, outputs, labels, num_items, mask)
        return total

    def _loss_of_smaller(
        self,
        outputs: Any,  # noqa: ANN401
        largest: Any,  # noqa: ANN401
        labels: Tensor,
        num_items: Tensor | int | None,
        mask: Tensor | None,
    ) -> Tensor:
        options = self._options
        loss: Tensor = outputs[0].new_zeros((), dtype=torch.float32)
        if options.soft_loss_weight:
            if "logits" in outputs or "start_logits" in outputs:
                soft = _divergence(outputs, largest, labels, num_items, options.temperature)
            else:
                soft = _state_distance(outputs[0], largest[0], labels, num_items, mask)
            loss = loss + options.soft_loss_weight * soft
        if options.hard_loss_weight:
            loss = loss + options.hard_loss_weight * self._base_loss(outputs, labels, num_items)
        return loss


def spread_order(num_layers: int) -> tuple[int, ...]:
    """Order layers so that the first ones, however many, are spread over all of them.

    Args:
        num_layers: How many there are.

    Returns:
        The last, the first, then always the one that is farthest from those before it; of equally
        far ones the highest.

    Example:
        >>> spread_order(6)
        (5, 0, 3, 4, 2, 1)
    """
    order = [num_layers - 1]
    while len(order) < num_layers:
        rest = [layer for layer in range(num_layers) if layer not in order]
        order.append(max(rest, key=lambda layer: (min(abs(layer - x) for x in order), layer)))
    return tuple(order)


def _divergence(
    outputs: Any,  # noqa: ANN401
    largest: Any,  # noqa: ANN401
    labels: Tensor,
    num_items: Tensor | int | None,
    temperature: float,
) -> Tensor:
    """Average over the labelled tokens how far a smaller size is from the largest."""
    counted = labels.flatten().ne(IGNORED_LABEL)
    student, teacher = (
        (flat_logits(each)[counted] / temperature).log_softmax(-1) for each in (outputs, largest)
    )
    total = nn.functional.kl_div(student, teacher.detach(), reduction="sum", log_target=True)
    items = counted.sum() if num_items is None else torch.as_tensor(num_items, device=total.device)
    divergence: Tensor = temperature**2 * total / items.clamp(min=1)
    return divergence


def _state_distance(
    states: Tensor,
    largest: Tensor,
    labels: Tensor | None,
    num_items: Tensor | int | None,
    mask: Tensor | None,
) -> Tensor:
    """Compare hidden states in the channels that both have, where the text is.

    A label a token: averaged over the labelled tokens of the step. Other labels: over the tokens of
    each sequence, then by the share that the labels here have in those of the step.
    """
    shared = largest[..., : states.shape[-1]].detach()
    distance = (states.float() - shared.float()).square().mean(-1)
    if mask is None or mask.shape != distance.shape:
        mask = torch.ones_like(distance)
    counted = torch.ones_like(distance[:, 0]) if labels is None else labels.ne(IGNORED_LABEL)
    here = counted.sum()
    items = torch.as_tensor(here if num_items is None else num_items, device=here.device)
    if counted.shape == distance.shape:
        return (distance * counted).sum() / items.clamp(min=1)
    by_sequence = (distance * mask).sum(-1) / mask.sum(-1).clamp(min=1)
    return by_sequence.mean() * here / items.clamp(min=1)


def _orders(values: Sequence[Tensor]) -> tuple[tuple[int, ...], ...]:
    return tuple(map(_order, values))


def _order(values: Tensor) -> tuple[int, ...]:
    """Sort by falling importance; of equal ones the lower index first."""
    return tuple(torch.argsort(values, descending=True, stable=True).tolist())
