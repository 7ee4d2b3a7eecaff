"""Tagged sentences from hub data sets, or from local directories laid out like them."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.iob import LEGAL_TAGS, is_legal_tag, mixed_schemes, to_iob2
from tinyglot.data.splits import split_names
from tinyglot.errors import (
    DataFormatError,
    DataNotFoundError,
    EmptyTextError,
    UnknownLanguageError,
)
from tinyglot.languages import LanguageTag, resolve_language

WORDS_COLUMN = "tokens"
TAGS_COLUMN = "ner_tags"
LANGUAGE_COLUMNS = ("language", "lang")
BATCH_ROWS = 1000
MAX_PROBLEMS_SHOWN = 20
LOADING_ERRORS = (datasets.exceptions.DatasetsError, OSError, ValueError, RuntimeError)


def read_hub_dataset(
    source: str | Path,
    config: str | None,
    split: str,
    *,
    revision: str | None = None,
    words_column: str = WORDS_COLUMN,
    tags_column: str = TAGS_COLUMN,
) -> list[TaggedSentence]:
    """Read one split of a data set with a list of words and a list of tags a row.

    Tags may be class labels with names or strings, in IOB1, IOB2, IOBES or BILOU. Rows without
    any word are left out, as blank lines are in CoNLL.

    Args:
        source: A hub id, or a directory with data files laid out as on the hub.
        config: Name of the configuration; ``None`` if there is only one.
        split: ``train``, ``dev`` (or ``valid``, ``validation``), ``test`` or another name.
        revision: Commit of the hub repository; its newest if ``None``.
        words_column: Column with the words.
        tags_column: Column with the tags.

    Returns:
        The sentences, tags in IOB2.

    Raises:
        DataNotFoundError: If the data set, configuration or split is not there.
        DataFormatError: If a column is missing or rows are broken; all of them are listed.
        EmptyTextError: If no row holds a word.
    """
    rows = _load(source, config, split, revision)
    return _sentences(rows, f"the split {split!r} of {source}", words_column, tags_column)


def read_hub_language(source: str, language: str, split: str) -> list[TaggedSentence]:
    """Read one language of a data set whose configurations are named by language.

    A data set with a single configuration that is named by no language is read as a whole, or,
    if it has a column ``language`` or ``lang``, its rows of this language.

    Args:
        source: A hub id, also with a commit (``organisation/name@sha``), or a directory laid out
            as on the hub.
        language: Any code that ``resolve_language`` accepts.
        split: ``train``, ``dev`` (or ``valid``, ``validation``), ``test`` or another name.

    Returns:
        The sentences, tags in IOB2.

    Raises:
        DataNotFoundError: If the data set, language or split is not there.
        UnknownLanguageError: If the code is no language.
        DataFormatError: If several configurations are this language, a column is missing or rows
            are broken.
        EmptyTextError: If no row holds a word.
    """
    tag = resolve_language(language)
    name, revision = _name_and_revision(source)
    config = _config_of_language(name, revision, tag)
    rows = _load(name, config, split, revision)
    if language_of_name(config) is None:
        rows = _rows_of_language(rows, name, tag)
    return _sentences(rows, f"the split {split!r} of {name}", WORDS_COLUMN, TAGS_COLUMN)


def language_of_name(name: str) -> LanguageTag | None:
    """Tell the language of a folder or configuration: ``sw``, ``sk_snk``, ``PAN-X.sw``.

    Args:
        name: A language code, also with ``_`` and a treebank behind or a set and ``.`` before it.

    Returns:
        The tag, or ``None`` if no part is a language.
    """
    for candidate in dict.fromkeys((name, name.partition("_")[0], name.rpartition(".")[2])):
        try:
            return resolve_language(candidate)
        except UnknownLanguageError:
            continue
    return None


# --- finding -----------------------------------------------------------------------------------


def _name_and_revision(source: str) -> tuple[str, str | None]:
    name, _, revision = source.partition("@")
    if Path(source).exists() or not revision:
        return source, None
    return name, revision


def _config_of_language(source: str, revision: str | None, tag: LanguageTag) -> str:
    configs = _config_names(source, revision)
    matching = [config for config in configs if language_of_name(config) == tag]
    if len(matching) > 1:
        raise DataFormatError(
            f"Could not choose between {len(matching)} configurations of {source} for {tag}.",
            got=", ".join(matching),
            expected="one configuration a language",
            fix="read the one you mean with tinyglot.data.hub.read_hub_dataset(source, config, …)",
        )
    if matching:
        return matching[0]
    if len(configs) == 1 and language_of_name(configs[0]) is None:
        return configs[0]
    raise DataNotFoundError(
        f"Could not find {tag} in the data set {source}.",
        got=f"its configurations are {', '.join(configs)}",
        expected="a configuration named by the language",
        fix="name one of these languages",
    )


def _config_names(source: str, revision: str | None) -> list[str]:
    try:
        return list(datasets.get_dataset_config_names(source, revision=revision))
    except LOADING_ERRORS as error:
        raise _not_loaded(source, error) from error


def _load(
    source: str | Path, config: str | None, split: str, revision: str | None
) -> datasets.Dataset:
    try:
        with _quiet_unless_terminal():
            there = datasets.get_dataset_split_names(str(source), config, revision=revision)
            name = next((name for name in split_names(split) if name in there), None)
            if name is not None:
                return datasets.load_dataset(str(source), config, split=name, revision=revision)
    except LOADING_ERRORS as error:
        raise _not_loaded(source, error) from error
    raise DataNotFoundError(
        f"Could not find the split {split!r} of {source} ({config or 'only configuration'}).",
        got=f"its splits are {', '.join(there)}",
        expected="one of these splits",
        fix="name one of these splits",
    )


def _not_loaded(source: str | Path, error: Exception) -> DataNotFoundError:
    path = Path(source)
    holds = sorted(child.name for child in path.iterdir())[:20] if path.is_dir() else None
    return DataNotFoundError(
        f"Could not load the data set {source}.",
        got=f"{type(error).__name__}: {error}"
        + (f"\nthe directory holds {', '.join(holds) or 'nothing'}" if holds is not None else ""),
        expected="a directory with <language>/{train,dev,test}.conll or with data files laid out "
        "as on the hub, or the id of a hub data set",
        fix="check the path or id; for a hub id, the network and HF_HUB_OFFLINE",
    )


@contextmanager
def _quiet_unless_terminal() -> Iterator[None]:
    """Keep the bars of ``datasets`` off where nobody sees them."""
    silence = not sys.stderr.isatty() and datasets.is_progress_bar_enabled()
    if silence:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        if silence:
            datasets.enable_progress_bars()


# --- rows --------------------------------------------------------------------------------------


def _sentences(
    rows: datasets.Dataset, place: str, words_column: str, tags_column: str
) -> list[TaggedSentence]:
    reader = _RowReader(_tag_names(rows, place, (words_column, tags_column)))
    for number, words, tags in _numbered(rows, words_column, tags_column):
        reader.add(number, words, tags)
    return reader.sentences(place)


def _tag_names(rows: datasets.Dataset, place: str, columns: tuple[str, str]) -> list[str] | None:
    """Give the names of class labels, ``None`` for tags that are strings."""
    missing = [column for column in columns if column not in rows.features]
    if missing:
        raise DataFormatError(
            f"Could not find the column(s) {', '.join(missing)} in {place}.",
            got=f"columns {', '.join(rows.features)}",
            expected="a column with a list of words and one with a list of tags",
            fix="give words_column and tags_column",
        )
    feature = getattr(rows.features[columns[1]], "feature", None)
    if isinstance(feature, datasets.ClassLabel):
        return list(feature.names)
    if isinstance(feature, datasets.Value) and "string" in feature.dtype:
        return None
    raise DataFormatError(
        f"Could not name the tags in the column {columns[1]} of {place}.",
        got=rows.features[columns[1]],
        expected="a list of class labels with names, or of strings",
        fix="give another tags_column, or write the tags as strings",
    )


def _rows_of_language(
    rows: datasets.Dataset, source: str, language: LanguageTag
) -> datasets.Dataset:
    column = next((name for name in LANGUAGE_COLUMNS if name in rows.features), None)
    if column is None:
        return rows
    tags = {code: language_of_name(str(code)) for code in rows.unique(column)}
    chosen = [number for number, code in enumerate(rows[column]) if tags[code] == language]
    if not chosen:
        raise DataNotFoundError(
            f"Could not find rows in {language} in {source}.",
            got=f"the column {column} has {', '.join(map(str, tags))}",
            expected="rows of this language",
            fix="name one of these languages",
        )
    return rows.select(chosen)


def _numbered(
    rows: datasets.Dataset, words_column: str, tags_column: str
) -> Iterator[tuple[int, Any, Any]]:
    number = 0
    for batch in rows.select_columns([words_column, tags_column]).iter(batch_size=BATCH_ROWS):
        for words, tags in zip(batch[words_column], batch[tags_column], strict=True):
            yield number, words, tags
            number += 1


class _RowReader:
    """Words and tags of a data set row by row, and what is wrong with them."""

    def __init__(self, names: list[str] | None) -> None:
        self._names = names
        self._words: list[tuple[str, ...]] = []
        self._tags: list[tuple[str, ...]] = []
        self._problems: list[str] = []

    def add(self, number: int, words: Sequence[str] | None, tags: Sequence[Any] | None) -> None:
        """Take one row, or note what is wrong with it."""
        if words is None or tags is None or len(words) != len(tags):
            counts = [0 if cells is None else len(cells) for cells in (words, tags)]
            self._problems.append(f"row {number}: {counts[0]} word(s) and {counts[1]} tag(s)")
            return
        named = tuple(map(self._name, tags))
        illegal = sorted({tag for tag in named if not is_legal_tag(tag)})
        if illegal:
            self._problems.append(f"row {number}: illegal tag {', '.join(map(repr, illegal))}")
        elif None in words:
            self._problems.append(f"row {number}: a tag without a word")
        elif words:
            self._words.append(tuple(words))
            self._tags.append(named)

    def sentences(self, place: str) -> list[TaggedSentence]:
        """Give all sentences, or raise with all problems."""
        mixed = mixed_schemes(tag for tags in self._tags for tag in tags)
        if mixed:
            self._problems.append(f"tags of two schemes: {mixed[0]!r} and {mixed[1]!r}")
        if self._problems:
            raise _broken_rows(place, self._problems)
        if not self._words:
            raise EmptyTextError(
                f"Could not read {place}: no row holds a word.",
                got="0 sentences",
                expected="at least 1",
                fix="name another split",
            )
        return list(map(TaggedSentence, self._words, to_iob2(self._tags).tags))

    def _name(self, tag: Any) -> str:  # noqa: ANN401  (an integer or a string from a file)
        if self._names is None or not isinstance(tag, int):
            return str(tag)
        return self._names[tag] if 0 <= tag < len(self._names) else str(tag)


def _broken_rows(place: str, problems: list[str]) -> DataFormatError:
    more = len(problems) - MAX_PROBLEMS_SHOWN
    shown = problems[:MAX_PROBLEMS_SHOWN] + ([f"and {more} more rows"] if more > 0 else [])
    return DataFormatError(
        f"Could not read {place}: {len(problems)} broken row(s).",
        got="\n".join(shown),
        expected=f"as many tags as words in every row; tags: {LEGAL_TAGS}",
        fix="correct these rows, or give another tags_column",
    )
