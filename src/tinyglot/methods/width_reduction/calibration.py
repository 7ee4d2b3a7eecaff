"""The lines on which a width reduction is measured and fitted."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from tinyglot.data.text import sample_lines
from tinyglot.data.text_portions import TextPortion
from tinyglot.errors import MissingInputError, UncoveredTextError
from tinyglot.methods.contract import Context
from tinyglot.methods.width_reduction.config import WidthReductionConfig
from tinyglot.tasks import IGNORED_LABEL, get_task
from tinyglot.tasks.words import sequence_limit
from tinyglot.training.batches import LengthGroupedBatches
from tinyglot.training.corpus import resolve_options, task_of, training_sentences
from tinyglot.training.masking import MaskedRows, Masking
from tinyglot.training.task_options import TaskTrainingOptions

Rows = Sequence[Sequence[int]]

BATCH_SIZE = 16
MASK_PROBABILITY = 0.15


@dataclass(frozen=True)
class _Row:
    input_ids: Sequence[int]
    labels: Sequence[int]


@dataclass(frozen=True)
class Calibration:
    """Encoded lines, language by language.

    Attributes:
        rows: Token ids of each line, by language.
        pad_token_id: Fills up short lines.
    """

    rows: Mapping[str, Rows]
    pad_token_id: int

    @property
    def num_tokens(self) -> int:
        """Tokens of all lines."""
        return sum(map(len, self._in_order()))

    @property
    def digest(self) -> str:
        """Differs if the lines do; empty without any."""
        return hashlib.sha256(repr(self._in_order()).encode()).hexdigest()[:16] if self.rows else ""

    def batches(self) -> list[dict[str, Tensor]]:
        """Make batches of lines of similar length.

        Returns:
            ``input_ids`` and ``attention_mask``.
        """
        rows = self._in_order()
        starts = range(0, len(rows), BATCH_SIZE)
        return [self._padded(rows[start : start + BATCH_SIZE]) for start in starts]

    def one_batch(self) -> dict[str, Tensor]:
        """Put all lines into one batch.

        Returns:
            ``input_ids`` and ``attention_mask``.
        """
        return self._padded(self._in_order())

    def masked_batches(
        self, tokenizer: PreTrainedTokenizerFast, seed: int
    ) -> list[dict[str, Tensor]]:
        """Hide 15 % of the tokens, as in training.

        Args:
            tokenizer: Says what the mask is, and which tokens are never hidden.
            seed: Of the draw.

        Returns:
            ``input_ids``, ``attention_mask`` and ``labels``.
        """
        special = set(tokenizer.all_special_ids)
        rows = [
            _Row(ids, [IGNORED_LABEL if i in special else i for i in ids])
            for ids in self._in_order()
        ]
        order = LengthGroupedBatches([len(row.input_ids) for row in rows], batch_size=1)
        masked = MaskedRows(rows, Masking.of(tokenizer, MASK_PROBABILITY), order, seed)
        drawn = [masked[index] for index in range(len(rows))]
        return [
            self._padded([row.input_ids.tolist() for row in part])
            | {"labels": _filled([row.labels.tolist() for row in part], IGNORED_LABEL)}
            for part in (drawn[i : i + BATCH_SIZE] for i in range(0, len(drawn), BATCH_SIZE))
        ]

    def _in_order(self) -> list[list[int]]:
        return sorted((list(row) for rows in self.rows.values() for row in rows), key=len)

    def _padded(self, rows: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        mask = _filled([[1] * len(row) for row in rows], 0)
        return {"input_ids": _filled(rows, self.pad_token_id), "attention_mask": mask}


def read_calibration(
    tokenizer: PreTrainedTokenizerFast, config: WidthReductionConfig, context: Context
) -> Calibration:
    """Draw lines of each language from the dev portion of its text, and encode them.

    Where there is no text at all, sentences of the labelled data are taken, without their labels.

    Args:
        tokenizer: The model's tokenizer.
        config: Languages, number and length of lines.
        context: Gives text, or task and data; languages and seed.

    Returns:
        The lines.

    Raises:
        MissingInputError: If a language has no text, and there are no labelled data instead.
        UncoveredTextError: If too much of a language's text is unknown to the tokenizer.
        DataNotFoundError: If a language's text or data is not there.
        EmptyTextError: If a language's text has no line in the portion.
        TextEncodingError: If a line is not UTF-8, or the compression is damaged.
        DataFormatError: If a text file is of no known kind, or a file is broken.
        UnknownMethodError: If there is no such task.
        TaskOptionError: If an option of the task is unknown or out of range.

    Randomness:
        Lines are drawn with ``context.seed``.
    """
    if context.text or not _has_labelled_data(context):
        rows = _rows_of_text(tokenizer, config, context)
    else:
        rows = _rows_of_data(tokenizer, config, context)
    for tag, found in rows.items():
        _check_coverage(tokenizer, tag, found, config.max_unk_rate)
    return Calibration(rows, int(tokenizer.pad_token_id))


def _rows_of_text(
    tokenizer: PreTrainedTokenizerFast, config: WidthReductionConfig, context: Context
) -> dict[str, Rows]:
    tags = config.languages or context.languages or tuple(context.text)
    without = [tag for tag in tags if tag not in context.text]
    if without or not tags:
        raise MissingInputError(
            f"Could not reduce the width by {config.basis}: there is no text to measure on.",
            got=f"no text for {', '.join(without)}" if tags else "no text",
            expected="text for each language, or labelled data of a task",
            fix="give text (--language TAG --text PATH, or the keys languages and text of the "
            "recipe), or basis: truncation, which looks at no text",
        )
    length = sequence_limit(tokenizer, config.max_length)
    rows: dict[str, Rows] = {}
    for tag in tags:
        portion = TextPortion(tuple(context.text[tag]), "dev")
        lines = sample_lines(portion, config.num_lines, context.seed)
        rows[tag] = tokenizer(lines, truncation=True, max_length=length)["input_ids"]
    return rows


def _has_labelled_data(context: Context) -> bool:
    """Tell whether there are data that something can be trained on: retrieval has none."""
    return bool(context.task and context.data and get_task(context.task).objective is not None)


def _rows_of_data(
    tokenizer: PreTrainedTokenizerFast, config: WidthReductionConfig, context: Context
) -> dict[str, Rows]:
    wanted = TaskTrainingOptions(languages=config.languages, max_train_sentences=config.num_lines)
    options = resolve_options(wanted, context)
    task = task_of(options)
    sentences = training_sentences(task, options, context.seed)
    labels = task.labels(*sentences.values())
    length = sequence_limit(tokenizer, config.max_length)
    return {
        tag: [
            row.input_ids for row in task.training_sequences(list(found), tokenizer, labels, length)
        ]
        for tag, found in sentences.items()
    }


def _check_coverage(tokenizer: PreTrainedTokenizerFast, tag: str, rows: Rows, limit: float) -> None:
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    ids = [token_id for row in rows for token_id in row if token_id not in special]
    rate = ids.count(tokenizer.unk_token_id) / max(len(ids), 1)
    if rate > limit:
        raise UncoveredTextError(
            "Could not reduce the width: the tokenizer does not know much of the text.",
            got=f"{tag}: {rate:.2%} of the tokens are unknown",
            expected=f"at most {limit:.2%} of a language's tokens unknown",
            fix="leave the language out, choose a model whose tokenizer knows its script, or "
            "raise max_unk_rate",
        )


def _filled(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    length = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (length - len(row))] for row in rows])
