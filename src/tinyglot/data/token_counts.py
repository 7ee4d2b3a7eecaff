"""How often a text uses each token, counted as a stream with flat memory."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
import regex
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from tinyglot.data.text import TextSource
from tinyglot.progress import progress_bar
from tinyglot.tokenizers import unlimited

_LINES_AT_A_TIME = 1000
_WORDS_IN_MEMORY = 400_000
_WORDS_A_LINE = 32
_SPLIT_AT_SPACES = {"WhitespaceSplit", "Whitespace", "BertPreTokenizer"}
_LOCAL_NORMALIZERS = {
    *("Precompiled", "BertNormalizer", "Nmt", "Lowercase", "StripAccents"),
    *("NFC", "NFD", "NFKC", "NFKD"),
}
_ONE_WITH_A_SPACE = regex.compile(r"(?:\A| )[\p{GCB=EX}\p{GCB=SM}\p{GCB=ZWJ}]|\p{GCB=PP}(?: |\Z)")
"""A space and a character that make one grapheme, which normalisers treat as a whole."""

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """What a tokenizer makes of a text; special tokens around lines are not counted.

    Attributes:
        counts: Occurrences of each token id, one entry an id of the vocabulary.
        num_lines: Lines with content.
        num_words: Words, that is runs of characters without white space. Languages written
            without spaces have few of them.
        num_tokens: Sum of ``counts``.
        num_unknown: Occurrences of the unknown token, or of what was said to count as unknown.
        num_bytes: UTF-8 bytes of the lines, without line ends.
    """

    counts: NDArray[np.int64]
    num_lines: int
    num_words: int
    num_tokens: int
    num_unknown: int
    num_bytes: int

    @property
    def fertility(self) -> float:
        """Tokens per word."""
        return self.num_tokens / max(1, self.num_words)

    @property
    def unk_rate(self) -> float:
        """Share of unknown tokens among all tokens, 0 to 1."""
        return self.num_unknown / max(1, self.num_tokens)

    def __add__(self, other: "TokenCounts") -> "TokenCounts":
        return TokenCounts(
            counts=self.counts + other.counts,
            num_lines=self.num_lines + other.num_lines,
            num_words=self.num_words + other.num_words,
            num_tokens=self.num_tokens + other.num_tokens,
            num_unknown=self.num_unknown + other.num_unknown,
            num_bytes=self.num_bytes + other.num_bytes,
        )


def count_tokens(tokenizer: PreTrainedTokenizerFast, source: TextSource) -> TokenCounts:
    """Count how often each token occurs in a text.

    Args:
        tokenizer: Any fast tokenizer; left as it was.
        source: The text.

    Returns:
        The counts.

    Raises:
        EmptyTextError: If the text has no line with content.
        TextEncodingError: If a file is not UTF-8 or damaged.
        DataFormatError: If a file has no text field or broken JSON lines.

    Cost:
        One pass over the text; memory as for `TokenCounter`.
    """
    counter = TokenCounter(tokenizer)
    with progress_bar("Counting tokens", source.num_bytes) as bar:
        for batch in source.batches(_LINES_AT_A_TIME, bar.advance):
            counter.add(batch)
    return counter.result()


class TokenCounter:
    """Counts tokens over lines that come bit by bit.

    The counts are those of encoding line by line. Where the tokenizer splits at spaces before
    anything else, each distinct word is encoded once only, which is several times faster. Memory
    is for about 400,000 distinct words, however many lines come.

    Args:
        tokenizer: Any fast tokenizer; left as it was.
        unknown_token_ids: Tokens that count as unknown; if ``None``, the unknown token alone.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        unknown_token_ids: Collection[int] | None = None,
    ) -> None:
        backend = tokenizer.backend_tokenizer
        self._tally = (_WordTally if encodes_word_by_word(backend) else _LineTally)(backend)
        self._backend = backend
        own = [] if tokenizer.unk_token_id is None else [tokenizer.unk_token_id]
        self._unknown = own if unknown_token_ids is None else list(unknown_token_ids)

    def add(self, lines: Sequence[str]) -> None:
        """Count some more lines.

        Args:
            lines: Any number of them; a few thousand at a time are quick and need little memory.
        """
        with unlimited(self._backend):
            self._tally.add(lines)

    def result(self) -> TokenCounts:
        """Give the counts of all lines so far.

        Returns:
            The counts; all of them 0 if there was no line.
        """
        with unlimited(self._backend):
            self._tally.finish()
        return _result(self._tally, self._unknown)


def encodes_word_by_word(backend: Tokenizer) -> bool:
    """Say whether a line's tokens are always those of its space-separated words in a row.

    So it is if the pre-tokenizer first throws white space away, nothing after it looks at where
    in the line it is, the normaliser never moves anything across a space, and no added token
    contains one. Unknown parts count as no.

    Args:
        backend: The tokenizer behind a fast tokenizer.

    Returns:
        Whether words can be encoded apart.
    """
    splitters = _parts(backend.pre_tokenizer, "pretokenizers")
    return (
        bool(splitters)
        and splitters[0]["type"] in _SPLIT_AT_SPACES
        and all(part.get("prepend_scheme") != "first" for part in splitters)
        and all(_is_local(part) for part in _parts(backend.normalizer, "normalizers"))
        and not any(" " in token.content for token in backend.get_added_tokens_decoder().values())
    )


def _is_local(normalizer: dict[str, Any]) -> bool:
    if normalizer["type"] == "Replace":  # XLM-R's: several spaces are one
        return bool(normalizer["pattern"] == {"Regex": " {2,}"})
    return normalizer["type"] in _LOCAL_NORMALIZERS


def _parts(component: Any, key: str) -> list[dict[str, Any]]:  # noqa: ANN401  (untyped)
    """List the states of a normaliser's or pre-tokenizer's parts, sequences opened up."""
    if component is None:
        return []
    states = [json.loads(component.__getstate__())]
    while any(state["type"] == "Sequence" for state in states):
        states = list(chain.from_iterable(state.get(key, [state]) for state in states))
    return states


class _LineTally:
    """Encodes every line."""

    def __init__(self, backend: Tokenizer) -> None:
        added_ids = backend.get_added_tokens_decoder()
        size = max(backend.get_vocab_size(), 1 + max(added_ids, default=0))
        self.counts = np.zeros(size, np.int64)
        self.num_lines = self.num_words = self.num_bytes = 0
        self._backend = backend

    def add(self, lines: Sequence[str]) -> None:
        self.num_lines += len(lines)
        self.num_words += sum(len(line.split()) for line in lines)
        self.num_bytes += sum(len(line.encode()) for line in lines)
        self._add_text(lines)

    def finish(self) -> None:
        """Count what is still in memory."""

    def _add_text(self, lines: Sequence[str]) -> None:
        self._encode(lines, [1] * len(lines))

    def _encode(self, lines: Sequence[str], weights: Sequence[int]) -> None:
        """Add the tokens of each line, times its weight."""
        if not lines:
            return
        encodings = self._backend.encode_batch_fast(lines, add_special_tokens=False)
        ids = [encoding.ids for encoding in encodings]
        lengths = np.fromiter(map(len, ids), np.int64, len(ids))
        flat = np.fromiter(chain.from_iterable(ids), np.int64, int(lengths.sum()))
        token_weights = np.repeat(np.asarray(weights, np.float64), lengths)
        # float64 holds whole numbers up to 2**53 exactly
        sums = np.bincount(flat, weights=token_weights, minlength=len(self.counts))
        self.counts += sums.astype(np.int64)


class _WordTally(_LineTally):
    """Collects words, then encodes each distinct one once."""

    def __init__(self, backend: Tokenizer) -> None:
        super().__init__(backend)
        self._words: Counter[str] = Counter()

    def _add_text(self, lines: Sequence[str]) -> None:
        inseparable = []
        for line in lines:
            if _ONE_WITH_A_SPACE.search(line):
                inseparable.append(line)
            else:
                self._words.update(line.split(" "))
        super()._add_text(inseparable)
        if len(self._words) > _WORDS_IN_MEMORY:
            self.finish()

    def finish(self) -> None:
        del self._words[""]
        for joined in _in_groups(_joined_words(self._words), _LINES_AT_A_TIME):
            self._encode([line for line, _ in joined], [weight for _, weight in joined])
        self._words.clear()


def _joined_words(words: Counter[str]) -> Iterator[tuple[str, int]]:
    """Write words that are equally frequent in one line, and give that frequency with it."""
    by_frequency = sorted(words.items(), key=itemgetter(1))
    for frequency, group in groupby(by_frequency, key=itemgetter(1)):
        for some in _in_groups((word for word, _ in group), _WORDS_A_LINE):
            yield " ".join(some), frequency


def _in_groups(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def _result(tally: _LineTally, unknown: Sequence[int]) -> TokenCounts:
    return TokenCounts(
        counts=tally.counts.copy(),
        num_lines=tally.num_lines,
        num_words=tally.num_words,
        num_tokens=int(tally.counts.sum()),
        num_unknown=int(tally.counts[list(unknown)].sum()),
        num_bytes=tally.num_bytes,
    )
