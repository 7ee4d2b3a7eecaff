"""The masked-LM loss on text that is not trained on, before, while and after training."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerFast,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from tinyglot.architectures import selected_positions
from tinyglot.data.text import sample_lines
from tinyglot.data.text_portions import TextPortion
from tinyglot.files import read_json, write_json
from tinyglot.surgery import evaluation_mode
from tinyglot.tasks import IGNORED_LABEL
from tinyglot.training.batches import LengthGroupedBatches
from tinyglot.training.collator import PaddingCollator
from tinyglot.training.masking import MaskedRow, MaskedRows, Masking
from tinyglot.training.objective import cross_entropy
from tinyglot.training.processes import is_main_process
from tinyglot.training.text.corpus import TextRow, nothing_to_hide
from tinyglot.training.text.options import TextTrainingOptions
from tinyglot.training.text.sequences import Sequencer

MACRO_AVERAGE = "macro_average"
_MASK_SEED = 0  # the same hidden tokens for every training seed
_BATCH_SIZE = 16

Losses = dict[str, float]


@dataclass(frozen=True)
class HeldOutText:
    """Lines of the dev portion, with tokens hidden once and for all.

    Attributes:
        sequences: By language.
        num_lines: Lines by language.
        pad_token_id: Fills up short sequences.
    """

    sequences: Mapping[str, Sequence[MaskedRow]]
    num_lines: Mapping[str, int]
    pad_token_id: int

    @classmethod
    def read(
        cls,
        tokenizer: PreTrainedTokenizerFast,
        options: TextTrainingOptions,
        text: Mapping[str, Sequence[Path]],
        pad_token_id: int,
    ) -> Self:
        """Draw lines of each language's dev portion and hide tokens.

        Args:
            tokenizer: The model's tokenizer.
            options: Resolved options.
            text: Files or directories by language.
            pad_token_id: The model's.

        Returns:
            The lines; none if the options want none.

        Raises:
            EmptyTextError: If a language's dev portion has no line, or no known token.
            UnsupportedTokenizerError: If there is no mask token.
        """
        if not options.held_out_lines:
            return cls({}, {}, pad_token_id)
        lines = {
            tag: sample_lines(TextPortion(tuple(text[tag]), "dev"), options.held_out_lines, 0)
            for tag in options.languages
        }
        masking = Masking.of(tokenizer, options.mask_probability)
        sequencer = Sequencer.of(tokenizer, "lines", options.max_length)
        sequences = {tag: _masked(sequencer(some), masking) for tag, some in lines.items()}
        for tag, rows in sequences.items():
            if all((row.labels == IGNORED_LABEL).all() for row in rows):
                raise nothing_to_hide("dev", tag, len(lines[tag]))
        return cls(sequences, {tag: len(some) for tag, some in lines.items()}, pad_token_id)

    def losses(self, model: PreTrainedModel, precision: str) -> Losses:
        """Average the cross-entropy over the hidden tokens of each language.

        Args:
            model: Has an LM head. It is not changed.
            precision: ``bf16`` or ``fp32``, of the matrix products.

        Returns:
            Nats a hidden token by language, and their mean under ``macro_average``; nothing if
            there are no lines.
        """
        if not self.sequences:
            return {}
        mixed = torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16")
        with evaluation_mode(model), torch.no_grad(), mixed:
            found = {tag: self._loss(model, tag) for tag in self.sequences}
        return {**found, MACRO_AVERAGE: sum(found.values()) / len(found)}

    def batches(self, tag: str) -> Iterator[dict[str, Tensor]]:
        """Give the lines of a language in batches.

        Args:
            tag: The language.

        Yields:
            Inputs of a model, and ``labels``: the hidden tokens, -100 elsewhere.
        """
        rows, collate = self.sequences[tag], PaddingCollator(self.pad_token_id)
        for start in range(0, len(rows), _BATCH_SIZE):
            yield collate(rows[start : start + _BATCH_SIZE])

    def _loss(self, model: PreTrainedModel, tag: str) -> float:
        total, count = 0.0, 0
        for batch in self.batches(tag):
            inputs = {name: value.to(model.device) for name, value in batch.items()}
            loss, num_hidden = _summed_loss(model, inputs)
            total, count = total + float(loss), count + num_hidden
        return total / max(count, 1)


def _masked(sequences: Iterable[list[int]], masking: Masking) -> list[MaskedRow]:
    """Hide tokens in sequences, the shortest first."""
    rows = [TextRow.of(ids, masking.special_token_ids) for ids in sorted(sequences, key=len)]
    if not rows:
        return []
    batches = LengthGroupedBatches([len(row.input_ids) for row in rows], batch_size=1)
    masked = MaskedRows(rows, masking, batches, _MASK_SEED)
    return [masked[index] for index in range(len(rows))]


def _summed_loss(model: PreTrainedModel, inputs: dict[str, Tensor]) -> tuple[Tensor, int]:
    labels = inputs.pop("labels")
    is_hidden = labels.ne(IGNORED_LABEL)
    module: nn.Module = model
    with selected_positions(model, is_hidden):
        outputs = module(**inputs)
    return cross_entropy(outputs, labels[is_hidden], 1), int(is_hidden.sum())


class HeldOutCurve(TrainerCallback):
    """Take the held-out loss every few steps of a training; the points survive a kill.

    Args:
        held_out: The lines.
        options: Say how often, and in which precision.
        path: Where the points are kept.
    """

    def __init__(self, held_out: HeldOutText, options: TextTrainingOptions, path: Path) -> None:
        self._held_out = held_out
        self._precision = options.precision
        self._every = options.evaluate_steps if held_out.sequences else None
        self._path = path
        #: losses by step
        self.points: dict[int, Losses] = {}

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Take over the points of the steps before a resume."""
        del args, control, kwargs
        kept = read_json(self._path) if self._path.exists() else {}
        self.points = {int(k): v for k, v in kept.items() if int(k) <= state.global_step}

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401  (as in TrainerCallback)
    ) -> None:
        """Look at the held-out loss where it is time to."""
        del args, control
        step = state.global_step
        if not self._every or step % self._every or step >= state.max_steps:
            return
        self.points[step] = self._held_out.losses(kwargs["model"], self._precision)
        if is_main_process():
            write_json(self._path, self.points)
