"""A loss of several parts towards a teacher, on plain text; usable in any Trainer."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from accelerate.utils import extract_model_from_parallel  # type: ignore[import-untyped]
from torch import Tensor, nn
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.errors import MissingInputError
from tinyglot.surgery import evaluation_mode
from tinyglot.tasks import IGNORED_LABEL
from tinyglot.training.distillation.checks import check_head, check_pair
from tinyglot.training.distillation.logits import LogitParts
from tinyglot.training.distillation.options import (
    ON_LOGITS,
    MaskedLmObjective,
    Objective,
    Positions,
)
from tinyglot.training.distillation.parts import Part, make_parts
from tinyglot.training.distillation.watching import Wanted, Watched
from tinyglot.training.processes import num_processes
from tinyglot.training.resume import weights_digest


class TextDistillation:
    """Parts that add up with their weights: an objective for ``train`` and ``train_on_text``.

    Each part is a mean over what it looks at in a batch, so padding counts nowhere. With gradient
    accumulation or several processes a batch counts by its share of the step's hidden tokens.

    The student's head is run a few positions at a time together with the teacher's, so its own
    logits are empty. Where no part looks at logits, no token is hidden from either. Linear maps for
    students of another width are ``trainable``. The teacher is run without dropout and gradients,
    and moved to the student's device; its weights stay as they are, and nothing that it gives
    outlives the batch.

    Args:
        student: The model that is trained, or one of its shape. It is not changed.
        teacher: A model with the same token ids.
        objectives: The parts.
        positions: Where logits are compared: at the hidden tokens, or at all.
        seed: Of the linear maps.

    Raises:
        MissingInputError: If the teacher lacks an LM head that is needed.
        VocabularyMismatchError: If they have different numbers of token ids.
        LayerRangeError: If a layer is mapped outside one of them.
        StructureRangeError: If widths differ and may not be mapped, or relation heads do not
            divide them.
    """

    def __init__(
        self,
        student: PreTrainedModel,
        teacher: PreTrainedModel,
        objectives: Sequence[Objective],
        positions: Positions = "masked",
        *,
        seed: int = 0,
    ) -> None:
        check_pair(student, teacher, objectives)
        self.objectives = tuple(objectives)
        #: the mean of each part in each batch since they were last taken, with its share
        self.batches: list[tuple[Tensor, Tensor]] = []
        self._positions = positions
        self._teacher = teacher
        #: differs if the teacher does
        self.teacher_digest = weights_digest(teacher)
        self._parts = make_parts(student, teacher, objectives)
        self._projections = _projections(student, self._parts.values(), seed)
        on_logits = [each for each in objectives if isinstance(each, ON_LOGITS)]
        self._logits = LogitParts(on_logits, is_everywhere=positions == "all")

    @property
    def names(self) -> tuple[str, ...]:
        """The parts' names: those of the objectives, with a number where one comes again."""
        kinds = [each.objective for each in self.objectives]
        counts = [kinds[: index + 1].count(kind) for index, kind in enumerate(kinds)]
        pairs = zip(kinds, counts, strict=True)
        return tuple(kind if count == 1 else f"{kind}_{count}" for kind, count in pairs)

    @property
    def needs_head(self) -> bool:
        """Whether the student needs an LM head."""
        return bool(self._logits.objectives)

    def parts(self) -> dict[str, dict[str, Any]]:
        """Say what the objectives come to.

        Returns:
            JSON values by name of the part: its weight, and what its options mean for the models.
        """
        return {
            name: {"weight": objective.weight, **self._facts(index)}
            for index, (name, objective) in enumerate(zip(self.names, self.objectives, strict=True))
        }

    def _facts(self, index: int) -> dict[str, Any]:
        if index in self._parts:
            return self._parts[index].facts()
        objective = self.objectives[index]
        if isinstance(objective, MaskedLmObjective):
            return {}
        own = objective.model_dump(include={"temperature"})
        return {**own, "positions": self._positions}

    @property
    def trainable(self) -> nn.Module | None:
        """The linear maps, if there are any."""
        return self._projections

    def settings(self) -> Mapping[str, Any]:
        """Say what resume points must agree on.

        Returns:
            The objectives and a digest of the teacher, as JSON values.
        """
        objectives = [each.model_dump(mode="json") for each in self.objectives]
        return {
            "objectives": objectives,
            "positions": self._positions,
            "teacher": self.teacher_digest,
        }

    def loss(
        self,
        student: nn.Module,
        inputs: dict[str, Tensor],
        labels: Tensor | None,
        num_items: Tensor | int | None = None,
    ) -> Tensor:
        """Run student and teacher on a batch, and add up the parts.

        Args:
            student: Called with ``inputs``; wrapped where there are several processes.
            inputs: ``input_ids``, with tokens hidden, ``attention_mask``, and so on.
            labels: The hidden tokens; ``-100`` elsewhere. Needed for all that looks at logits.
            num_items: Hidden tokens of the step over all processes.

        Returns:
            This process's share of the step's loss.

        Raises:
            MissingInputError: If the student lacks an LM head, or labels are not given.
        """
        total, values = self.compare(student, inputs, labels)
        share = torch.full_like(total, 1 / num_processes())
        if labels is not None and num_items is not None:
            of_step = torch.as_tensor(num_items).to(total).clamp(min=1)
            share = labels.ne(IGNORED_LABEL).sum() / of_step
        self.batches.append((share, values))
        return total * share

    def compare(
        self, student: nn.Module, inputs: dict[str, Tensor], labels: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Run student and teacher on a batch.

        Args:
            student: As for ``loss``.
            inputs: As for ``loss``.
            labels: As for ``loss``.

        Returns:
            The weighted sum of the parts, and each without its weight, in their order.

        Raises:
            MissingInputError: If the student lacks an LM head, or labels are not given.
        """
        model: PreTrainedModel = extract_model_from_parallel(student)
        if self.needs_head:
            check_head("student", model)
        own = Watched(
            model,
            _together(part.student for part in self._parts.values()),
            without_head=view(model).lm_head is not None,
        )
        with own:
            student(**(inputs if self.needs_head else _shown(inputs, labels)))
        device, dtype, is_on = own.autocast
        with torch.autocast(device, dtype, enabled=is_on, cache_enabled=False):
            taught = self._ask_teacher(own)
            total, values = self._compare_inside(own, taught)
            if self.needs_head:
                more, on_logits = self._compare_logits(model, own, taught, labels)
                total, values = total + more, values | on_logits
        return total, torch.stack([values[index] for index in range(len(values))])

    def measure(
        self, student: PreTrainedModel, batches: Iterable[dict[str, Tensor]]
    ) -> dict[str, float]:
        """Average each part over batches without dropout, each counted by its hidden tokens.

        Args:
            student: The model that is trained.
            batches: Inputs and labels.

        Returns:
            Mean by name of the part, without weights.

        Raises:
            MissingInputError: If the student lacks an LM head that is needed.
        """
        rows = []
        with evaluation_mode(student):
            for batch in batches:
                inputs = {name: value.to(student.device) for name, value in batch.items()}
                labels = inputs.pop("labels")
                _, values = self.compare(student, inputs, labels)
                rows.append((labels.ne(IGNORED_LABEL).sum(), values))
        return dict(zip(self.names, weighted_mean(rows).tolist(), strict=True))

    def unreached(self, student: PreTrainedModel) -> list[nn.Parameter]:
        """List the parameters that no part depends on, such as what follows the last relations.

        Args:
            student: The model that is trained. It is run once on a few tokens.

        Returns:
            Those that need gradients and get none.
        """
        ids = torch.ones((1, 4), dtype=torch.long, device=student.device)
        with torch.random.fork_rng():
            total, _ = self.compare(student, {"input_ids": ids}, ids)
        wanted = [parameter for parameter in student.parameters() if parameter.requires_grad]
        found = torch.autograd.grad(total, wanted, allow_unused=True)
        return [each for each, gradient in zip(wanted, found, strict=True) if gradient is None]

    # --- parts ---------------------------------------------------------------------------------

    def _ask_teacher(self, own: Watched) -> Watched:
        """Run the teacher's encoder on the student's batch, where it is needed."""
        module = self._teacher
        wanted = _together(part.teacher for part in self._parts.values())
        taught = Watched(module, wanted)
        if not self._parts and not self._logits.need_teacher:
            return taught
        if module.device != own.inputs["input_ids"].device:
            nn.Module.to(module, own.inputs["input_ids"].device)
        with taught, evaluation_mode(module):
            view(module).encoder(**own.inputs)
        return taught

    def _compare_inside(self, own: Watched, taught: Watched) -> tuple[Tensor, dict[int, Tensor]]:
        total, values = torch.zeros((), device=own.mask.device), {}
        project = dict(self._projections.items()) if self._projections else {}
        for index, part in self._parts.items():
            value = part.loss(own, taught, project)
            total = total + self.objectives[index].weight * value
            values[index] = value.detach()
        return total, values

    def _compare_logits(
        self, student: PreTrainedModel, own: Watched, taught: Watched, labels: Tensor | None
    ) -> tuple[Tensor, dict[int, Tensor]]:
        if labels is None:
            raise MissingInputError(
                "Could not distil: it is not known which tokens are hidden.",
                got="a batch without labels",
                expected="labels: the hidden tokens, and -100 elsewhere",
                fix="use a collator that masks tokens, or only objectives without logits",
            )
        models, states = [student], [own.last]
        if self._logits.need_teacher:
            models, states = [student, self._teacher], [own.last, taught.last]
        total, values = self._logits.loss(models, states, labels, own.mask)
        places = [i for i, each in enumerate(self.objectives) if isinstance(each, ON_LOGITS)]
        return total, dict(zip(places, values, strict=True))


def _shown(inputs: dict[str, Tensor], labels: Tensor | None) -> dict[str, Tensor]:
    """Put hidden tokens back where they were."""
    if labels is None:
        return inputs
    ids = torch.where(labels.eq(IGNORED_LABEL), inputs["input_ids"], labels)
    return {**inputs, "input_ids": ids}


def weighted_mean(rows: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Average vectors.

    Args:
        rows: Weights with vectors, at least one. Where all weights are 0, all count alike.

    Returns:
        Their mean in float64.
    """
    weights, values = (torch.stack(column).cpu().double() for column in zip(*rows, strict=True))
    if not weights.any():
        weights = torch.ones_like(weights)
    return weights @ values / weights.sum()


def _projections(
    student: PreTrainedModel, parts: Iterable[Part], seed: int
) -> nn.ModuleDict | None:
    widths: dict[str, tuple[int, int]] = {}
    for part in parts:
        widths |= part.projections
    if not widths:
        return None
    like = view(student).word_embeddings.weight
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: Any = {name: nn.Linear(*width) for name, width in sorted(widths.items())}
    return nn.ModuleDict(made).to(like.device, like.dtype)


def _together(wanted: Iterable[Wanted]) -> Wanted:
    return reduce(Wanted.union, wanted, Wanted())
