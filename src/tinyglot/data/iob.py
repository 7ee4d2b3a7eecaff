"""Span tags: which are legal, where a span begins, and how every scheme becomes IOB2."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

Scheme = Literal["IOB1", "IOB2", "IOBES", "BILOU"]
Span = tuple[str, int, int]

PREFIXES = frozenset("BIESLU")
STARTING = frozenset("BSU")
ENDING = frozenset("ESLU")
LEGAL_TAGS = "O, B-TYPE, I-TYPE (also E- and S-, or L- and U-), TYPE any name"


@dataclass(frozen=True, slots=True)
class Iob2Tags:
    """Tags of many sentences in IOB2, and what had to be done for it.

    Attributes:
        tags: IOB2 tags, one tuple a sentence.
        scheme: The scheme that the tags were written in.
        num_spans: Spans in all sentences.
        num_repaired: Spans that began in a way the scheme does not allow (``I-PER`` after ``O``
            in IOB2); they count as spans, as in conlleval.
        repaired: Positions of the sentences that have such spans.
    """

    tags: list[tuple[str, ...]]
    scheme: Scheme
    num_spans: int
    num_repaired: int
    repaired: tuple[int, ...]


def is_legal_tag(tag: str) -> bool:
    """Say whether a tag is ``O`` or one of ``B I E S L U``, a hyphen and a type."""
    return tag == "O" or (len(tag) > 2 and tag[1] == "-" and tag[0] in PREFIXES)


def starts_span(previous: str, tag: str) -> bool:
    """Say whether a span begins at ``tag``, as conlleval decides it for every scheme.

    Args:
        previous: The tag before, ``O`` at the beginning of a sentence; legal.
        tag: The tag in question; legal.

    Returns:
        True after ``O``, after the end of a span, at a new type, and at ``B``, ``S`` and ``U``.

    Example:
        >>> starts_span("O", "I-PER"), starts_span("B-PER", "I-PER"), starts_span("I-PER", "I-LOC")
        (True, False, True)
    """
    if tag == "O":
        return False
    if tag[0] in STARTING or previous == "O" or previous[0] in ENDING:
        return True
    return previous[2:] != tag[2:]


def spans(tags: Sequence[str]) -> list[Span]:
    """Find the spans of one sentence, tagged in any scheme, as conlleval and seqeval do.

    Args:
        tags: Legal tags, one a word.

    Returns:
        Type, first word and the word after the last, in order.

    Example:
        >>> spans(["B-PER", "I-PER", "O", "I-LOC"])
        [('PER', 0, 2), ('LOC', 3, 4)]
    """
    found: list[Span] = []
    start, previous = -1, "O"
    for position, tag in enumerate((*tags, "O")):
        begins = starts_span(previous, tag)
        if start >= 0 and (begins or tag == "O"):
            found.append((previous[2:], start, position))
            start = -1
        if begins:
            start = position
        previous = tag
    return found


def to_iob2(sentences: Sequence[Sequence[str]]) -> Iob2Tags:
    """Rewrite the tags of a whole file in IOB2; the spans stay the same.

    IOB1, IOB2, IOBES and BILOU are told apart by the tags that occur. Spans that begin with
    ``I-`` are IOB1 if all ``B-`` tags of the file stand right behind a span of the same type, and
    otherwise mistakes in an IOB2 file, which are repaired and counted.

    Args:
        sentences: Legal tags, one sequence a sentence. Prefixes of IOBES and BILOU are not mixed.

    Returns:
        The tags, the scheme, and how many spans there are and were repaired.

    Example:
        >>> to_iob2([["I-PER", "E-PER", "S-LOC"]]).tags
        [('B-PER', 'I-PER', 'B-LOC')]
    """
    scheme = _scheme(sentences)
    converted: list[tuple[str, ...]] = []
    num_spans = num_repaired = 0
    repaired: list[int] = []
    for position, tags in enumerate(sentences):
        begins = [starts_span(*pair) for pair in _with_previous(tags)]
        converted.append(tuple(map(_iob2_tag, tags, begins)))
        num_spans += sum(begins)
        illegal = _num_illegal(tags, begins, scheme)
        num_repaired += illegal
        repaired += [position] * (illegal > 0)
    return Iob2Tags(converted, scheme, num_spans, num_repaired, tuple(repaired))


def _num_illegal(tags: Sequence[str], begins: Sequence[bool], scheme: Scheme) -> int:
    """Count the spans that begin with a tag that cannot begin one."""
    if scheme == "IOB1":
        return 0
    pairs = zip(tags, begins, strict=True)
    return sum(begin and tag[0] not in STARTING for tag, begin in pairs)


def mixed_schemes(tags: Iterable[str]) -> tuple[str, str] | None:
    """Find a tag of IOBES (``E``, ``S``) and one of BILOU (``L``, ``U``), if both occur."""
    distinct = sorted(set(tags))
    first = next((tag for tag in distinct if tag[0] in "ES"), None)
    second = next((tag for tag in distinct if tag[0] in "LU"), None)
    return (first, second) if first and second else None


def _scheme(sentences: Sequence[Sequence[str]]) -> Scheme:
    prefixes = {tag[0] for tags in sentences for tag in tags}
    if prefixes & {"L", "U"}:
        return "BILOU"
    if prefixes & {"E", "S"}:
        return "IOBES"
    pairs = {pair for tags in sentences for pair in _with_previous(tags)}
    needed = all(previous[1:] == tag[1:] for previous, tag in pairs if tag[0] == "B")
    inside_first = any(tag[0] == "I" and starts_span(previous, tag) for previous, tag in pairs)
    return "IOB1" if inside_first and needed else "IOB2"


def _with_previous(tags: Sequence[str]) -> Iterable[tuple[str, str]]:
    return zip(("O", *tags), tags, strict=False)


@cache
def _iob2_tag(tag: str, begins: bool) -> str:  # noqa: FBT001  (mapped over two sequences)
    if tag == "O":
        return "O"
    return sys.intern(("B-" if begins else "I-") + tag[2:])
