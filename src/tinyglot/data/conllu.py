"""CoNLL-U files: the words of a sentence with their universal part-of-speech tags."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tinyglot.data.conll import Line, TaggedSentence
from tinyglot.data.problems import Problem, broken, read_utf8
from tinyglot.errors import EmptyTextError

UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN",
    "PUNCT", "SCONJ", "SYM", "VERB", "X",
)  # fmt: skip
NUM_COLUMNS = 10
_UPOS = frozenset(UPOS)
_WORD_COLUMN, _UPOS_COLUMN = 1, 3
_EXPECTED = (
    "ten columns with tabs between them, UPOS in the fourth, or WORD and UPOS; a blank line "
    f"after each sentence; UPOS: {' '.join(UPOS)}"
)


def read_conllu(path: Path) -> list[TaggedSentence]:
    """Read words and UPOS of a CoNLL-U file, or of a two-column file as in MasakhaPOS.

    Only syntactic words count: ranges (``1-2``, a surface form that is analysed below) and empty
    nodes (``8.1``) are left out, and so are comments. A file whose word lines have fewer than ten
    columns has the word first and its tag last, with a tab or a space between.

    Args:
        path: UTF-8 text, one word a line, a blank line after each sentence.

    Returns:
        The sentences in the file's order, with UPOS as tags.

    Raises:
        DataNotFoundError: If there is no such file.
        TextEncodingError: If the file is not UTF-8.
        EmptyTextError: If no line holds a word.
        DataFormatError: If lines are broken; all of them are listed with their numbers.
    """
    text = read_utf8(path, "a file in CoNLL-U format")
    sentences: list[TaggedSentence] = []
    problems: list[Problem] = []
    for block in _blocks(text):
        pairs = list(_pairs(block, problems))
        if pairs and not problems:
            words, tags = zip(*pairs, strict=True)
            sentences.append(TaggedSentence(words, tags))
    if problems:
        raise broken(path, problems, expected=_EXPECTED, fix="correct or remove these lines")
    if not sentences:
        raise EmptyTextError(
            f"Could not read {path}: no line holds a word.",
            got=f"{len(text)} characters",
            expected=_EXPECTED,
            fix="check that the right file was given and that its download finished",
        )
    return sentences


def is_upos(tag: str) -> bool:
    """Say whether a tag is one of the 17 universal ones."""
    return tag in _UPOS


def _blocks(text: str) -> Iterator[list[Line]]:
    """Give the lines of each sentence with their numbers, without comments."""
    block: list[Line] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip(" \t\r")
        if not line:
            yield block
            block = []
        elif not line.startswith("#") or _has_tag(line):
            block.append((number, line))
    yield block


def _has_tag(line: str) -> bool:
    """Tell a word of a two-column file, such as ``#`` or ``#Uhuru``, from a comment."""
    fields = line.split()
    return len(fields) == len(("word", "tag")) and is_upos(fields[-1])


def _pairs(block: list[Line], problems: list[Problem]) -> Iterator[tuple[str, str]]:
    for number, line in block:
        fields = line.split("\t") if "\t" in line else line.split()
        if len(fields) >= NUM_COLUMNS and not fields[0].isdecimal():
            if not _is_range_or_empty_node(fields[0]):
                problems.append((number, f"illegal number {fields[0]!r} of a word"))
            continue
        word, tag = _word_and_tag(fields)
        problem = _problem(fields, word, tag)
        if problem:
            problems.append((number, problem))
        yield word, tag


def _word_and_tag(fields: Sequence[str]) -> tuple[str, str]:
    if len(fields) >= NUM_COLUMNS:
        return fields[_WORD_COLUMN].strip(" "), fields[_UPOS_COLUMN]
    return fields[0].strip(" "), fields[-1]


def _problem(fields: Sequence[str], word: str, tag: str) -> str | None:
    if len(fields) == 1:
        return "one column, no tag"
    if not word:
        return "a tag without a word"
    return None if is_upos(tag) else f"illegal UPOS {tag!r}"


def _is_range_or_empty_node(number: str) -> bool:
    for separator in "-.":
        start, found, end = number.partition(separator)
        if found and start.isdecimal() and end.isdecimal():
            return True
    return False
