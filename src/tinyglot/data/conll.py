"""CoNLL files: one word a line with its tag last, blank lines between sentences."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinyglot.data.iob import LEGAL_TAGS, Iob2Tags, Scheme, is_legal_tag, mixed_schemes, to_iob2
from tinyglot.data.problems import Problem, broken, read_utf8
from tinyglot.errors import DataFormatError, EmptyTextError
from tinyglot.files import write_text

DOCUMENT_START = "-DOCSTART-"
LANGUAGE_PREFIX = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*:")

Line = tuple[int, str]


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence as words with one IOB2 tag each.

    Attributes:
        words: At least one.
        tags: As many as words.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.words) != len(self.tags) or not self.words:
            raise DataFormatError(
                "Could not make a tagged sentence: words and tags do not match.",
                got=f"{len(self.words)} word(s) and {len(self.tags)} tag(s): {self.words[:5]}",
                expected="one tag a word, at least one word",
                fix='give every word a tag; "O" for words outside of spans',
            )


@dataclass(frozen=True, slots=True)
class ConllFile:
    """What a CoNLL file holds, and what was done to its tags.

    Attributes:
        sentences: In the file's order, tags in IOB2.
        scheme: The scheme that the file is written in.
        num_spans: Spans in all sentences.
        num_repaired: Spans that began in a way the scheme does not allow (``I-PER`` after ``O``
            in IOB2); they count as spans, as in conlleval.
        repaired_lines: First lines of the sentences with such spans.
    """

    sentences: list[TaggedSentence]
    scheme: Scheme
    num_spans: int
    num_repaired: int
    repaired_lines: tuple[int, ...]


def read_conll(path: Path) -> list[TaggedSentence]:
    """Read the sentences of a CoNLL file, tags in IOB2.

    See ``read_conll_file``, which besides says how the file was written.

    Args:
        path: UTF-8 text, one word a line.

    Returns:
        The sentences in the file's order.

    Raises:
        DataNotFoundError: If there is no such file.
        TextEncodingError: If the file is not UTF-8.
        EmptyTextError: If no line holds a word.
        DataFormatError: If lines are broken; all of them are listed with their numbers.
    """
    return read_conll_file(path).sentences


def read_conll_file(path: Path) -> ConllFile:
    """Read a CoNLL file and say in which scheme its tags were.

    Columns are separated by tabs (then words may hold spaces) or by spaces. The word is the first
    column and the tag the last one; in the five columns of Universal NER the second and the
    third. ``-DOCSTART-`` lines and comments (``# ...`` before the first word of a sentence) are
    left out, and so is the language before each word of PAN-X (``sw:Nairobi``), if every word of
    the file has it. Tags in IOB1, IOBES and BILOU become IOB2; an ``I-`` that follows no span of
    its type begins one, as in conlleval, and is counted.

    Args:
        path: UTF-8 text, one word a line, a blank line after each sentence.

    Returns:
        The sentences in the file's order, the scheme, and counts of spans.

    Raises:
        DataNotFoundError: If there is no such file.
        TextEncodingError: If the file is not UTF-8.
        EmptyTextError: If no line holds a word.
        DataFormatError: If lines are broken; all of them are listed with their numbers.
    """
    text = read_utf8(path, "a file in CoNLL format")
    parser = _Parser(is_tabbed="\t" in text)
    for block in _blocks(text, is_tabbed=parser.is_tabbed):
        parser.add(block)
    parser.check_schemes()
    if parser.problems:
        raise _broken_lines(path, parser.problems)
    if not parser.words:
        raise EmptyTextError(
            f"Could not read {path}: no line holds a word.",
            got=f"{len(text)} characters",
            expected="one word a line with its tag",
            fix="check that the right file was given and that its download finished",
        )
    tagged = to_iob2(parser.tags)
    return _conll_file(_without_language_prefix(parser.words), tagged, parser.first_lines)


def write_conll(path: Path, sentences: Iterable[TaggedSentence]) -> None:
    """Write sentences as word, tab, tag, with a blank line after each; in one step.

    Args:
        path: The file to make or replace.
        sentences: At least one; ``read_conll`` gives them back.

    Raises:
        DataFormatError: If a word or tag could not be read again.
        EmptyTextError: If there is no sentence.
        DiskFullError: If the disk is full; an existing file stays as it was.
    """
    blocks = [_block_text(sentence) for sentence in sentences]
    if not blocks:
        raise EmptyTextError(
            f"Could not write {path}: there is no sentence.",
            got="0 sentences",
            expected="at least 1",
            fix="leave the file out",
        )
    write_text(path, "".join(blocks))


# --- lines -------------------------------------------------------------------------------------


def _blocks(text: str, *, is_tabbed: bool) -> Iterator[list[Line]]:
    """Give the word lines of each sentence with their numbers."""
    block: list[Line] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip(" \t\r")
        if not line or line.startswith(DOCUMENT_START):
            if block:
                yield block
            block = []
        elif block or not _is_comment(line, is_tabbed=is_tabbed):
            block.append((number, line))
    if block:
        yield block


def _is_comment(line: str, *, is_tabbed: bool) -> bool:
    """Tell ``# text = ...`` from the word ``#``, which has a tag."""
    if not line.startswith("# ") or "\t" in line:
        return False
    return is_tabbed or not is_legal_tag(line.rpartition(" ")[2])


# --- words and tags ----------------------------------------------------------------------------


class _Parser:
    """Words, tags and problems of one file, sentence by sentence."""

    def __init__(self, *, is_tabbed: bool) -> None:
        self.is_tabbed = is_tabbed
        self.words: list[tuple[str, ...]] = []
        self.tags: list[tuple[str, ...]] = []
        self.first_lines: list[int] = []
        self.problems: list[tuple[int, str]] = []
        self._columns: tuple[int, int] | None = None
        self._first_line_of_tag: dict[str, int] = {}

    def add(self, block: list[Line]) -> None:
        """Take one sentence, or note what is wrong with it."""
        rows = [(number, self._fields(line)) for number, line in block]
        if all(len(fields) == 1 for _, fields in rows):
            self._note([number for number, _ in rows], "a sentence without labels")
            return
        problems_before = len(self.problems)
        pairs = [self._pair(number, fields) for number, fields in rows]
        if len(self.problems) == problems_before:
            words, tags = zip(*pairs, strict=True)
            self.words.append(words)
            self.tags.append(tags)
            self.first_lines.append(block[0][0])

    def check_schemes(self) -> None:
        """Note tags of two schemes that exclude each other."""
        mixed = mixed_schemes(self._first_line_of_tag)
        if mixed:
            lines = [self._first_line_of_tag[tag] for tag in mixed]
            self._note(lines, f"tags of two schemes, {mixed[0]!r} (IOBES) and {mixed[1]!r} (BILOU)")

    def _fields(self, line: str) -> list[str]:
        if "\t" in line:
            return line.split("\t")
        fields = [field for field in line.split(" ") if field]
        return [line] if self.is_tabbed and not is_legal_tag(fields[-1]) else fields

    def _pair(self, number: int, fields: list[str]) -> tuple[str, str]:
        if len(fields) == 1:
            self._note([number], "one column, no tag")
            return "", ""
        if self._columns is None:
            self._columns = _columns(fields)
        word_column, tag_column = self._columns
        word = fields[word_column].strip(" ")
        tag = fields[tag_column] if tag_column < len(fields) else ""
        if not word:
            self._note([number], "a tag without a word")
        if is_legal_tag(tag):
            self._first_line_of_tag.setdefault(tag, number)
        else:
            self._note([number], f"illegal tag {tag!r}")
        return word, tag

    def _note(self, numbers: Iterable[int], problem: str) -> None:
        self.problems.extend((number, problem) for number in numbers)


def _columns(fields: list[str]) -> tuple[int, int]:
    """Find word and tag: first and last, or in Universal NER second and third of five."""
    is_universal_ner = len(fields) >= 5 and fields[0] == "1" and is_legal_tag(fields[2])
    if is_universal_ner and not is_legal_tag(fields[-1]):
        return 1, 2
    return 0, -1


def _without_language_prefix(sentences: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Take ``sw:`` off every word, if every word of the file has it and a word behind it."""
    match = LANGUAGE_PREFIX.match(sentences[0][0])
    if not match:
        return sentences
    prefix = match.group()
    if not all(w.startswith(prefix) and w != prefix for words in sentences for w in words):
        return sentences
    return [tuple(word.removeprefix(prefix) for word in words) for words in sentences]


def _conll_file(
    words: Sequence[tuple[str, ...]], tagged: Iob2Tags, first_lines: Sequence[int]
) -> ConllFile:
    sentences = list(map(TaggedSentence, words, tagged.tags))
    repaired_lines = tuple(first_lines[position] for position in tagged.repaired)
    return ConllFile(
        sentences, tagged.scheme, tagged.num_spans, tagged.num_repaired, repaired_lines
    )


def _block_text(sentence: TaggedSentence) -> str:
    for word, tag in zip(sentence.words, sentence.tags, strict=True):
        is_readable = _is_cell(word) and _is_cell(tag) and not word.startswith(DOCUMENT_START)
        if not is_readable or not is_legal_tag(tag):
            raise DataFormatError(
                "Could not write a word in CoNLL format.",
                got=f"word {word!r} with tag {tag!r}",
                expected=f"a word without tabs, line breaks and outer spaces; a tag: {LEGAL_TAGS}",
                fix="clean the word or correct the tag first",
            )
    lines = (f"{word}\t{tag}\n" for word, tag in zip(sentence.words, sentence.tags, strict=True))
    return "".join(lines) + "\n"


def _is_cell(text: str) -> bool:
    return bool(text) and not set(text) & set("\t\n\r") and text == text.strip(" ")


# --- problems ----------------------------------------------------------------------------------


def _broken_lines(path: Path, problems: list[Problem]) -> DataFormatError:
    return broken(
        path,
        problems,
        expected=f"WORD<TAB>TAG lines, a blank line after each sentence; tags: {LEGAL_TAGS}",
        fix="correct or remove these lines",
    )
