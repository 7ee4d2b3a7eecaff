"""The sequences of several languages that a training sees, read from the disk one by one."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from tinyglot.data.sampling import sampled_counts
from tinyglot.data.text_portions import TextPortion
from tinyglot.errors import EmptyTextError, MissingInputError
from tinyglot.tasks import IGNORED_LABEL
from tinyglot.training.collator import IntArray
from tinyglot.training.text.options import TextTrainingOptions
from tinyglot.training.text.sequences import Sequencer
from tinyglot.training.text.token_file import TokenFile, written_tokens

_IDS_AT_A_TIME = 1 << 24


class TextRow(NamedTuple):
    """One sequence of text.

    Attributes:
        input_ids: Token ids with the special tokens.
        labels: The same where a token may be hidden, -100 at special and unknown ones.
    """

    input_ids: IntArray
    labels: IntArray

    @classmethod
    def of(cls, input_ids: Sequence[int] | IntArray, never_hidden: Sequence[int]) -> Self:
        """Label a sequence.

        Args:
            input_ids: Token ids with the special tokens.
            never_hidden: Token ids that are not hidden.

        Returns:
            The row.
        """
        ids = np.asarray(input_ids, np.int64)
        return cls(ids, np.where(np.isin(ids, never_hidden), IGNORED_LABEL, ids))


class Part(NamedTuple):
    """What is trained on of one language.

    Attributes:
        file: All sequences of the language.
        chosen: The places of those that are taken, increasing.
    """

    file: TokenFile
    chosen: NDArray[np.int64]

    @property
    def num_tokens(self) -> int:
        """Token ids of the chosen sequences."""
        return int(self.file.lengths[self.chosen].sum())


@dataclass(frozen=True)
class TextCorpus:
    """Sequences to train on, language by language; memory holds their lengths only.

    Attributes:
        parts: By language.
        never_hidden: Token ids that are not hidden: special ones and the unknown token.
    """

    parts: Mapping[str, Part]
    never_hidden: tuple[int, ...]

    @cached_property
    def lengths(self) -> IntArray:
        """Token ids of each sequence."""
        return np.concatenate([part.file.lengths[part.chosen] for part in self.parts.values()])

    @cached_property
    def digest(self) -> str:
        """Differs if any token does, or which sequences are taken."""
        digest = 0
        for tag, part in self.parts.items():
            content = f"{tag} {part.file.digest}".encode() + part.chosen.astype("<i8").tobytes()
            digest = zlib.crc32(content, digest)
        return f"{digest:08x}"

    @property
    def num_token_ids(self) -> int:
        """Count the different token ids of all sequences, chosen or not.

        Cost:
            One pass over the files.
        """
        largest = max(int(part.file.ids.max()) for part in self.parts.values())
        is_used = np.zeros(largest + 1, bool)
        for part in self.parts.values():
            for start in range(0, len(part.file.ids), _IDS_AT_A_TIME):
                is_used[part.file.ids[start : start + _IDS_AT_A_TIME]] = True
        return int(is_used.sum())

    def __len__(self) -> int:
        return int(self._borders[-1])

    def __getitem__(self, index: int) -> TextRow:
        place = int(np.searchsorted(self._borders, index, side="right"))
        first = int(self._borders[place - 1]) if place else 0
        part = list(self.parts.values())[place]
        input_ids = part.file.sequence(int(part.chosen[index - first]))
        return TextRow.of(input_ids, self.never_hidden)

    @cached_property
    def _borders(self) -> NDArray[np.int64]:
        return np.cumsum([len(part.chosen) for part in self.parts.values()])


def read_text(
    tokenizer: PreTrainedTokenizerFast,
    options: TextTrainingOptions,
    text: Mapping[str, Sequence[Path]],
    directory: Path,
    seed: int,
) -> TextCorpus:
    """Encode the train portion of each language's text, and choose what is trained on.

    Args:
        tokenizer: The model's tokenizer.
        options: Resolved options.
        text: Files or directories by language.
        directory: Where encoded text is kept, and looked for.
        seed: Of the choice, where not all is taken.

    Returns:
        The sequences.

    Raises:
        MissingInputError: If a language has no text.
        EmptyTextError: If a language's text has no line to train on, or no known token.
        SequenceLengthError: If ``max_length`` leaves no room for text.

    Randomness:
        A generator of its own for each language, from ``(seed, tag)``.

    Cost:
        One pass over the text. Four bytes a token on the disk, some dozen a sequence in memory.
    """
    sequencer = Sequencer.of(tokenizer, options.sequences, options.max_length)
    check_text(options.languages, text)
    files = {
        tag: written_tokens(directory, tag, TextPortion(tuple(text[tag]), "train"), sequencer)
        for tag in options.languages
    }
    never_hidden = tuple(sorted(set(tokenizer.all_special_ids)))
    for tag, file in files.items():
        if not file.has_others(never_hidden):
            raise nothing_to_hide("train", tag, file.num_lines)
    counts = sampled_counts(
        {tag: int(file.lengths.sum()) for tag, file in files.items()},
        total=options.max_train_tokens,
        temperature=options.sampling_temperature,
    )
    parts = {tag: Part(file, _chosen(file, counts[tag], seed, tag)) for tag, file in files.items()}
    return TextCorpus(parts, never_hidden)


def check_text(languages: Sequence[str], text: Mapping[str, Sequence[Path]]) -> None:
    """Refuse languages without text.

    Args:
        languages: Those that are wanted.
        text: Files or directories by language.

    Raises:
        MissingInputError: If there is none, or one has no text.
    """
    without = [tag for tag in languages if not text.get(tag)]
    if without or not languages:
        raise MissingInputError(
            "Could not train on text: there is none.",
            got=f"no text for {', '.join(without)}" if without else "no language",
            expected="text for every language that is trained on",
            fix="--language swh-Latn --text PATH, or the keys languages and text in the recipe",
        )


def nothing_to_hide(portion: str, tag: str, num_lines: int) -> EmptyTextError:
    """Say that text is of no use for a masked LM.

    Args:
        portion: Which portion of the text.
        tag: The language.
        num_lines: Its lines.

    Returns:
        The error to raise.
    """
    return EmptyTextError(
        f"Could not use the {portion} portion of the text in {tag}: no token can be hidden.",
        got=f"{num_lines:,} line(s) of unknown tokens only",
        expected="text in a script that the tokenizer knows",
        fix="check that it is text in this language; if so, take a model that knows its script",
    )


def _chosen(file: TokenFile, num_tokens: int, seed: int, tag: str) -> NDArray[np.int64]:
    """Choose sequences at random until they have that many tokens; at least one."""
    if num_tokens >= int(file.lengths.sum()):
        return np.arange(len(file.lengths))
    order = np.random.default_rng([seed, *tag.encode()]).permutation(len(file.lengths))
    totals = np.cumsum(file.lengths[order])
    count = max(1, int(np.searchsorted(totals, num_tokens, side="right")))
    return np.sort(order[:count])
