"""Checking a whole data set, language by language."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from tinyglot.data.catalogue import KIND_OF_TASK
from tinyglot.data.checks.facts import (
    DataCheck,
    Finding,
    IllegalTags,
    Severity,
    SplitFacts,
    SplitOverlap,
)
from tinyglot.data.checks.findings import find
from tinyglot.data.checks.measure import measure_overlap, measure_split
from tinyglot.data.columns import Example
from tinyglot.data.conll import read_conll_file
from tinyglot.data.directory import DataDirectory
from tinyglot.data.reading import (
    SUFFIXES,
    available_languages,
    available_splits,
    read_examples,
)
from tinyglot.data.sources import locate_source, public_name
from tinyglot.errors import DataNotFoundError, TinyglotError
from tinyglot.languages import LanguageTag, resolve_language

TABLES = (".jsonl", ".parquet")
_KINDS = {".conll": "ner", ".conllu": "pos", ".json": "qa", ".tsv": "text", ".csv": "text"}


def check_data(
    source: str | Path,
    kind: str | None = None,
    languages: Sequence[str] = (),
    tokenizer: PreTrainedTokenizerFast | None = None,
) -> DataCheck:
    """Read every language and split of a data set, and say what is wrong with it.

    A file that cannot be read is a finding; the others are checked all the same.

    Args:
        source: A directory, a hub id, or an entry of the catalogue.
        kind: Kind of the examples, as for ``read_examples``, or a task of the catalogue, such as
            ``nli``; as ``kind_of`` finds it if ``None``.
        languages: Only these, by any codes that ``resolve_language`` accepts; all if empty.
        tokenizer: Counts unknown tokens, if given.

    Returns:
        Counts, overlaps and findings, problems first.

    Raises:
        DataNotFoundError: If the source is not there, or does not say its language.
        UnknownLanguageError: If a code, or a folder's name, is no language.
        DataFormatError: If there is no such kind.
        UnsupportedTokenizerError: If the tokenizer's algorithm is not known.
    """
    chosen = kind_of(source) if kind is None else KIND_OF_TASK.get(kind, kind)
    checker = _Checker(source, chosen, tokenizer)
    for tag in _tags(source, chosen, languages):
        checker.check(tag)
    findings = [*checker.broken, *find(chosen, checker.splits, checker.overlaps)]
    return DataCheck(
        source=public_name(source),
        kind=chosen,
        tokenizer=None if tokenizer is None else str(Path(tokenizer.name_or_path).name),
        splits=tuple(checker.splits),
        overlaps=tuple(checker.overlaps),
        findings=tuple(sorted(findings, key=lambda found: found.severity is Severity.notice)),
    )


def kind_of(source: str | Path) -> str:
    """Tell the kind of a data set by its entry of the catalogue, or the ending of its files.

    Args:
        source: A directory, or any other name of data.

    Returns:
        The entry's kind; without one ``pos`` for ``.conllu``, ``qa`` for ``.json``, ``text`` for
        tables, else ``ner``.
    """
    located = locate_source(source)
    if located.entry is not None:
        return located.entry.kind
    path = Path(located.name)
    endings = {file.suffix for pattern in ("*", "*/*") for file in sorted(path.glob(pattern))}
    return next((kind for ending, kind in _KINDS.items() if ending in endings), "ner")


class _Checker:
    """Facts and broken files of the languages that were checked so far."""

    def __init__(
        self, source: str | Path, kind: str, tokenizer: PreTrainedTokenizerFast | None
    ) -> None:
        self.source = source
        self.kind = kind
        self.tokenizer = tokenizer
        self.splits: list[SplitFacts] = []
        self.overlaps: list[SplitOverlap] = []
        self.broken: list[Finding] = []

    def check(self, tag: LanguageTag) -> None:
        """Take one language."""
        examples: dict[str, list[Example]] = {}
        for split in self._splits(tag):
            try:
                examples[split], illegal = self._read(tag, split)
            except TinyglotError as error:
                self._note(tag, split, error)
                continue
            self.splits.append(
                measure_split(
                    tag,
                    split,
                    self.kind,
                    examples[split],
                    illegal_tags=illegal,
                    tokenizer=self.tokenizer,
                )
            )
        for earlier, later in itertools.combinations(examples.items(), 2):
            self.overlaps.append(measure_overlap(tag, self.kind, later, earlier))

    def _splits(self, tag: LanguageTag) -> tuple[str, ...]:
        try:
            return available_splits(self.kind, self.source, tag)
        except TinyglotError as error:
            self._note(tag, None, error)
            return ()

    def _read(self, tag: LanguageTag, split: str) -> tuple[list[Example], IllegalTags | None]:
        path = self._word_lines(tag, split)
        if path is None:
            return read_examples(self.kind, self.source, tag, split), None
        file = read_conll_file(path)
        return list(file.sentences), IllegalTags(file.num_repaired, file.repaired_lines)

    def _word_lines(self, tag: LanguageTag, split: str) -> Path | None:
        """Find the file whose own tags can be seen, before a reader repairs them."""
        path = Path(locate_source(self.source).name)
        if self.kind != "ner" or not path.is_dir():
            return None
        try:
            file = DataDirectory(path, SUFFIXES[self.kind]).file(tag, split)
        except DataNotFoundError:
            return None
        return None if file.suffix in TABLES else file

    def _note(self, tag: LanguageTag, split: str | None, error: TinyglotError) -> None:
        message = f"{error.problem} Got: {error.got}. Expected: {error.expected}."
        self.broken.append(Finding("broken file", Severity.problem, tag, split, message))


def _tags(source: str | Path, kind: str, languages: Sequence[str]) -> tuple[LanguageTag, ...]:
    there = tuple(map(resolve_language, languages)) or available_languages(kind, source)
    if not there:
        raise DataNotFoundError(
            f"Could not tell the language of {source}.",
            got="files of splits in a directory that is named by no language",
            expected="folders named by language, or a language",
            fix="name the language, for example --language sw",
        )
    return there
