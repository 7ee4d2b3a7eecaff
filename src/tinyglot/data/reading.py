"""The one way to labelled examples: any kind, from a directory, the hub or the catalogue."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tinyglot.data.columns import ALIASES, Example, examples_of
from tinyglot.data.conll import read_conll
from tinyglot.data.conllu import read_conllu
from tinyglot.data.directory import DataDirectory
from tinyglot.data.examples import Question
from tinyglot.data.hub import (
    holds_data_files,
    hub_languages,
    hub_splits,
    hub_table,
    is_laid_out_as_hub,
)
from tinyglot.data.lines import TextDirectory
from tinyglot.data.parallel import ParallelDirectory
from tinyglot.data.sources import Source, locate_source
from tinyglot.data.splits import canonical_split, sliced, sorted_splits, split_name
from tinyglot.data.squad import read_squad
from tinyglot.data.tables import read_table
from tinyglot.errors import (
    DataFormatError,
    DataNotFoundError,
    EmptyTextError,
    TinyglotError,
)
from tinyglot.languages import LanguageTag, resolve_language

KINDS = tuple(ALIASES)
_TABLES = (".tsv", ".csv", ".jsonl", ".parquet")
# the first ending is the kind's own: below a language, its files may have any name
SUFFIXES: dict[str, tuple[str, ...]] = {
    "ner": (".conll", ".txt", ".tsv", ".bio", ".jsonl", ".parquet"),
    "pos": (".conllu", ".conll", ".txt", ".tsv", ".jsonl", ".parquet"),
    "text": _TABLES,
    "pair": _TABLES,
    "qa": (".json", ".jsonl", ".parquet"),
    "parallel": _TABLES,
    "lines": (".txt", ".jsonl", ".parquet"),
}
_WORD_LINES = {"ner": read_conll, "pos": read_conllu}

Layout = DataDirectory | ParallelDirectory | TextDirectory


@dataclass(frozen=True)
class FileProblem:
    """A language and split that could not be read.

    Attributes:
        tag: The language; ``None`` if its splits could not even be listed.
        split: The split; ``None`` as above.
        error: What is wrong, with every broken line.
    """

    tag: LanguageTag | None
    split: str | None
    error: TinyglotError


def read_examples(kind: str, source: str | Path, language: str, split: str) -> list[Example]:
    """Read the examples of one language and split.

    Args:
        kind: ``ner`` and ``pos`` give ``TaggedSentence``, ``text`` and ``pair`` ``LabelledText``,
            ``qa`` ``Question``, ``parallel`` ``Parallel`` and ``lines`` strings.
        source: A directory ``<language>/<split>.<ending>``, one that directly holds the splits,
            one laid out as on the hub; a hub id (``organisation/name@sha``); the id of an entry
            of the catalogue, or ``id=PATH`` for a local copy of it; ``synthetic:ner``.
        language: Any code that ``resolve_language`` accepts.
        split: ``train``, ``dev`` (or ``valid``, ``validation``), ``test`` or another name, also
            a slice as in ``datasets``: ``dev[:80%]``, ``test[20:50]``. Slices of questions count
            articles, so that no paragraph is in two slices.

    Returns:
        At least one example, in the file's order.

    Raises:
        DataNotFoundError: If the source, language or split is not there; lists what is.
        UnknownLanguageError: If the code, or a folder's name, is no language.
        TextEncodingError: If the file is not UTF-8.
        EmptyTextError: If there is no example, or none in the slice.
        DataFormatError: If columns do not match or lines are broken; all of them are listed.
    """
    located = locate_source(source, kind)
    tag = resolve_language(language)
    name = split_name(split)
    layout = _layout(kind, located)
    if layout is None:
        there = _hub_split(located, name)
        config, prefix = located.configs.get(tag), located.row_prefix(tag)
        table = hub_table(located.name, tag, there, config, prefix)
        examples = examples_of(kind, table, located.columns)
    elif isinstance(layout, DataDirectory):
        examples = _read_file(kind, located, layout.file(tag, name))
    elif isinstance(layout, ParallelDirectory):
        examples = list(layout.read(tag, name))
    else:
        examples = list(layout.lines(tag, name))
    if not examples:
        raise EmptyTextError(
            f"Could not read the split {name!r} of {tag} in {source}: it is empty.",
            got="0 examples",
            expected="at least 1",
            fix="name another split, or get more text",
        )
    return _slice(kind, examples, split)


def available_splits(kind: str, source: str | Path, language: str) -> tuple[str, ...]:
    """Name the splits of one language.

    Args:
        kind: As for ``read_examples``.
        source: As for ``read_examples``.
        language: Any code that ``resolve_language`` accepts.

    Returns:
        ``train``, ``dev`` and ``test`` first.

    Raises:
        DataNotFoundError: If the source or language is not there.
        UnknownLanguageError: If the code, or a folder's name, is no language.
    """
    located = locate_source(source, kind)
    tag = resolve_language(language)
    layout = _layout(kind, located)
    if layout is None:
        there = hub_splits(located.name, tag, located.configs.get(tag))
        ours = {canonical_split(theirs): name for name, theirs in located.splits.items()}
        return sorted_splits(ours.get(name, name) for name in there)
    return layout.splits(tag)


def available_languages(kind: str, source: str | Path) -> tuple[LanguageTag, ...]:
    """Name the languages of a source.

    Args:
        kind: As for ``read_examples``.
        source: As for ``read_examples``.

    Returns:
        Tags, sorted; none if the source does not say, as a directory that directly holds the
        splits and is named by no language.

    Raises:
        DataNotFoundError: If the source is not there.
        UnknownLanguageError: If a folder's name is no language.
    """
    located = locate_source(source, kind)
    layout = _layout(kind, located)
    return _hub_languages(located) if layout is None else layout.languages


def read_everything(
    kind: str, source: str | Path, language: str | None = None
) -> tuple[dict[tuple[LanguageTag, str], list[Example]], list[FileProblem]]:
    """Read all languages and splits; a broken file does not keep the others from being read.

    Args:
        kind: As for ``read_examples``.
        source: As for ``read_examples``.
        language: Only this one; also needed where the source does not say its language.

    Returns:
        The examples by language and split, and what could not be read.

    Raises:
        DataNotFoundError: If the source is not there, or does not say its language.
        UnknownLanguageError: If the code, or a folder's name, is no language.
    """
    tags = available_languages(kind, source) if language is None else (resolve_language(language),)
    if not tags:
        raise DataNotFoundError(
            f"Could not tell the language of {source}.",
            got="files of splits in a directory that is named by no language",
            expected="folders named by language, or a language",
            fix="name the language, for example --language sw",
        )
    examples: dict[tuple[LanguageTag, str], list[Example]] = {}
    problems: list[FileProblem] = []
    for tag in tags:
        _read_language(kind, source, tag, examples, problems)
    return examples, problems


def _read_language(
    kind: str,
    source: str | Path,
    tag: LanguageTag,
    examples: dict[tuple[LanguageTag, str], list[Example]],
    problems: list[FileProblem],
) -> None:
    try:
        splits = available_splits(kind, source, tag)
    except TinyglotError as error:
        problems.append(FileProblem(tag, None, error))
        return
    for split in splits:
        try:
            examples[tag, split] = read_examples(kind, source, tag, split)
        except TinyglotError as error:
            problems.append(FileProblem(tag, split, error))


def _hub_languages(source: Source) -> tuple[LanguageTag, ...]:
    """Name the languages of a data set on the hub, or, where one configuration has all, listed."""
    has_all = source.entry is not None and len(set(source.configs.values())) == 1
    if source.entry is not None and has_all:
        return tuple(sorted(source.entry.languages))
    return hub_languages(source.name, source.configs)


def _hub_split(source: Source, name: str) -> str:
    """Give the hub's name of a split; never that of another one of ours."""
    ours = canonical_split(name)
    if ours in source.splits:
        return source.splits[ours]
    taken = next((n for n, theirs in source.splits.items() if canonical_split(theirs) == ours), "")
    if taken:
        raise DataNotFoundError(
            f"Could not find the split {name!r} of {source.name}.",
            got=f"what the hub names {source.splits[taken]!r} is the split {taken!r} here",
            expected="a split that the data set has",
            fix=f"name the split {taken}, or another one",
        )
    return name


# --- layouts -----------------------------------------------------------------------------------


def _layout(kind: str, source: Source) -> Layout | None:
    """Find out how the files lie; ``None`` stands for the hub's layout."""
    if kind not in SUFFIXES:
        raise DataFormatError(
            "Could not read examples: there is no such kind.",
            got=kind,
            expected=" ".join(KINDS),
            fix="name one of these kinds",
        )
    path = Path(source.name)
    if path.is_file() and kind != "lines":
        raise DataNotFoundError(
            f"Could not read {path} as a data directory: it is a file.",
            got=path,
            expected=f"a directory with <language>/<split>{SUFFIXES[kind][0]}, or a hub id",
            fix="give the directory two levels above the file",
        )
    if not path.exists() or is_laid_out_as_hub(path):
        return None
    opened = [_opened(make) for make in _makers(kind, path)]
    found = next((layout for layout in opened if not isinstance(layout, DataNotFoundError)), None)
    if found is None and isinstance(opened[0], DataNotFoundError) and not holds_data_files(path):
        raise opened[0]
    return found


def _makers(kind: str, path: Path) -> Sequence[Callable[[], Layout]]:
    directory = partial(DataDirectory, path, SUFFIXES[kind])
    if kind == "lines":
        return [partial(TextDirectory, path)]
    return [partial(ParallelDirectory, path), directory] if kind == "parallel" else [directory]


def _opened(make: Callable[[], Layout]) -> Layout | DataNotFoundError:
    try:
        return make()
    except DataNotFoundError as error:
        return error


def _read_file(kind: str, source: Source, path: Path) -> list[Example]:
    if path.suffix in (".jsonl", ".parquet") or kind not in ("ner", "pos", "qa"):
        return examples_of(kind, read_table(path), source.columns)
    read = read_squad if kind == "qa" else _WORD_LINES[kind]
    return list(read(path))


def _slice(kind: str, examples: list[Example], split: str) -> list[Example]:
    if kind != "qa":
        return sliced(examples, split)
    articles = [list(group) for _, group in itertools.groupby(examples, _article)]
    return list(itertools.chain.from_iterable(sliced(articles, split)))


def _article(example: Example) -> str:
    assert isinstance(example, Question)  # noqa: S101  (kind "qa" gives nothing else)
    return example.title or example.context
