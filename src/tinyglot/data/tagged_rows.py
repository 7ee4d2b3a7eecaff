"""Rows with a list of words and a list of tags, checked and made sentences."""

from collections.abc import Sequence
from typing import Any

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.conllu import UPOS, is_upos
from tinyglot.data.iob import LEGAL_TAGS, is_legal_tag, mixed_schemes, to_iob2
from tinyglot.data.problems import Problem
from tinyglot.errors import DataFormatError, EmptyTextError

MAX_PROBLEMS_SHOWN = 20


class TaggedRows:
    """Words and tags of a table row by row, and what is wrong with them.

    Args:
        kind: ``ner``, whose tags are in IOB1, IOB2, IOBES or BILOU, or ``pos``.
        names: Names of class labels; ``None`` for tags that are strings.
    """

    def __init__(self, kind: str, names: Sequence[str] | None) -> None:
        self._is_pos = kind == "pos"
        self._names = names
        self._words: list[tuple[str, ...]] = []
        self._tags: list[tuple[str, ...]] = []
        self._problems: list[str] = []

    def add(self, number: int, words: Sequence[str] | None, tags: Sequence[Any] | None) -> None:
        """Take one row, or note what is wrong with it.

        Args:
            number: Of the row.
            words: Its words.
            tags: As many tags.
        """
        if not _match(words, tags):
            counts = [len(cells) if _is_list(cells) else 0 for cells in (words or (), tags or ())]
            self._problems.append(f"row {number}: {counts[0]} word(s) and {counts[1]} tag(s)")
            return
        named = tuple(map(self._name, tags or ()))
        is_legal = is_upos if self._is_pos else is_legal_tag
        illegal = sorted({tag for tag in named if not is_legal(tag)})
        if illegal:
            self._problems.append(f"row {number}: illegal tag {', '.join(map(repr, illegal))}")
        elif not all(isinstance(word, str) and word.strip() for word in words or ()):
            self._problems.append(f"row {number}: a tag without a word")
        elif words:
            self._words.append(tuple(words))
            self._tags.append(named)

    def sentences(self, place: str, problems: Sequence[Problem] = ()) -> list[TaggedSentence]:
        """Give all sentences, or raise with all problems.

        Args:
            place: For the message.
            problems: More problems, found before the rows were.

        Returns:
            At least one sentence; tags of entities in IOB2.

        Raises:
            DataFormatError: If there are problems.
            EmptyTextError: If there is no sentence.
        """
        self._problems.extend(f"row {number}: {problem}" for number, problem in problems)
        mixed = None if self._is_pos else mixed_schemes(tag for tags in self._tags for tag in tags)
        if mixed:
            self._problems.append(f"tags of two schemes: {mixed[0]!r} and {mixed[1]!r}")
        if self._problems:
            raise self._broken(place)
        if not self._words:
            raise EmptyTextError(
                f"Could not read {place}: no row holds a word.",
                got="0 sentences",
                expected="at least 1",
                fix="name another split",
            )
        tags = self._tags if self._is_pos else to_iob2(self._tags).tags
        return list(map(TaggedSentence, self._words, tags))

    def _name(self, tag: Any) -> str:  # noqa: ANN401  (an integer or a string from a file)
        if self._names is None or not isinstance(tag, int):
            return str(tag)
        return self._names[tag] if 0 <= tag < len(self._names) else str(tag)

    def _broken(self, place: str) -> DataFormatError:
        more = len(self._problems) - MAX_PROBLEMS_SHOWN
        shown = self._problems[:MAX_PROBLEMS_SHOWN]
        legal = " ".join(UPOS) if self._is_pos else LEGAL_TAGS
        return DataFormatError(
            f"Could not read {place}: {len(self._problems)} broken row(s).",
            got="\n".join(shown + ([f"and {more} more rows"] if more > 0 else [])),
            expected=f"as many tags as words in every row; tags: {legal}",
            fix="correct these rows, or give another tags_column",
        )


def _match(words: Any, tags: Any) -> bool:  # noqa: ANN401  (from a file)
    """Say whether there are lists of the same length."""
    return _is_list(words) and _is_list(tags) and len(words) == len(tags)


def _is_list(cells: Any) -> bool:  # noqa: ANN401  (from a file)
    return isinstance(cells, list | tuple)
