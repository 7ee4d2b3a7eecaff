"""Tagged sentences from hub data sets, or from local directories laid out like them."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import datasets

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.splits import canonical_split, sorted_splits, split_names
from tinyglot.data.tables import ROWS_AT_A_TIME, Row, Table, label_names
from tinyglot.data.tagged_rows import TaggedRows
from tinyglot.errors import DataFormatError, DataNotFoundError, UnknownLanguageError
from tinyglot.languages import LanguageTag, resolve_language

WORDS_COLUMN = "tokens"
TAGS_COLUMN = "ner_tags"
DATA_SUFFIXES = (".parquet", ".arrow", ".jsonl", ".json", ".csv", ".tsv")
LANGUAGE_COLUMNS = ("language", "lang")
TREEBANK = re.compile(r"UD_(?P<language>[A-Za-z_]+)-\w+")
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


def hub_table(
    source: str,
    language: str,
    split: str,
    config: str | None = None,
    row_prefix: tuple[str, str] | None = None,
) -> Table:
    """Open one language of a data set whose configurations are named by language.

    A data set with a single configuration that is named by no language is read as a whole, or,
    if it has a column ``language`` or ``lang``, its rows of this language.

    Args:
        source: A hub id, also with a commit (``organisation/name@sha``), or a directory laid out
            as on the hub.
        language: Any code that ``resolve_language`` accepts.
        split: ``train``, ``dev`` (or ``valid``, ``validation``), ``test`` or another name.
        config: The language's configuration, if it is known and not named by the language.
        row_prefix: Column, and how its cells begin in the rows of this language.

    Returns:
        The rows of this language.

    Raises:
        DataNotFoundError: If the data set, language or split is not there.
        UnknownLanguageError: If the code is no language.
        DataFormatError: If several configurations are this language.
    """
    rows, place = _language_rows(source, language, split, config)
    if row_prefix is not None and row_prefix[0] in rows.features:
        rows = _rows_with_prefix(rows, place, *row_prefix)
    columns = tuple(rows.features)
    return Table(place, columns, _numbered(rows, columns), label_names(rows.features), unit="row")


def hub_splits(source: str, language: str, config: str | None = None) -> tuple[str, ...]:
    """Name the splits of one language of a data set.

    Args:
        source: As for ``hub_table``.
        language: Any code that ``resolve_language`` accepts.
        config: As for ``hub_table``.

    Returns:
        ``train``, ``dev`` and ``test`` first.

    Raises:
        DataNotFoundError: If the data set or language is not there.
    """
    name, revision = _name_and_revision(source)
    chosen = _chosen_config(name, revision, resolve_language(language), config)
    try:
        names = datasets.get_dataset_split_names(name, chosen, revision=revision)
    except LOADING_ERRORS as error:
        raise _not_loaded(source, error) from error
    return sorted_splits(map(canonical_split, names))


def hub_languages(source: str, configs: Mapping[LanguageTag, str]) -> tuple[LanguageTag, ...]:
    """Name the languages that a data set has configurations for.

    Args:
        source: As for ``hub_table``.
        configs: Configurations that are not named by their language.

    Returns:
        Tags, sorted; none if the only configuration is named by no language.

    Raises:
        DataNotFoundError: If the data set is not there.
    """
    there = _config_names(*_name_and_revision(source))
    known = {config: tag for tag, config in configs.items()}
    tags = (known.get(config) or language_of_name(config) for config in there)
    return tuple(sorted({tag for tag in tags if tag is not None}))


def is_laid_out_as_hub(path: Path) -> bool:
    """Say whether a directory has a data card that names its files, as on the hub."""
    card = path / "README.md"
    if not card.is_file():
        return False
    text = card.read_text("utf-8", errors="replace")
    header = text.split("\n---", 1)[0] if text.startswith("---") else ""
    return any(line.startswith(("configs:", "dataset_info:")) for line in header.split("\n"))


def holds_data_files(path: Path) -> bool:
    """Say whether files that ``datasets`` reads lie in a directory, or in its folder ``data``.

    Those in other folders do not count: without a data card, ``datasets`` would read the files of
    all languages as one.
    """
    folders = [folder for folder in (path, path / "data") if folder.is_dir()]
    return any(file.suffix in DATA_SUFFIXES for folder in folders for file in folder.iterdir())


def language_of_name(name: str) -> LanguageTag | None:
    """Tell the language of a folder or configuration: ``sw``, ``sk_snk``, ``PAN-X.sw``.

    Args:
        name: A language code, also with ``_`` and a treebank behind, or a set and ``.`` or ``-``
            before it; or a treebank as in Universal Dependencies.

    Returns:
        The tag, or ``None`` if no part is a language.

    Example:
        >>> language_of_name("UD_Slovak-SNK"), language_of_name("MasakhaPOS-swa")
        ('slk-Latn', 'swh-Latn')
    """
    treebank = TREEBANK.fullmatch(name)
    if treebank:
        candidates = [treebank["language"]]
    else:
        candidates = [name, name.partition("_")[0], *(name.rpartition(mark)[2] for mark in ".-")]
    for candidate in dict.fromkeys(candidates):
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


def _language_rows(
    source: str, language: str, split: str, config: str | None
) -> tuple[datasets.Dataset, str]:
    """Load the rows of one language, and name them for messages."""
    tag = resolve_language(language)
    name, revision = _name_and_revision(source)
    chosen = _chosen_config(name, revision, tag, config)
    rows = _load(name, chosen, split, revision)
    if chosen != config and language_of_name(chosen) is None:
        rows = _rows_of_language(rows, name, tag)
    return rows, f"the split {split!r} of {name}"


def _chosen_config(name: str, revision: str | None, tag: LanguageTag, config: str | None) -> str:
    if config is not None and config in _config_names(name, revision):
        return config
    return _config_of_language(name, revision, tag)


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
        expected="a directory with <language>/{train,dev,test}.<ending> or with data files laid "
        "out as on the hub, the id of a hub data set, or one that `tinyglot ls datasets` lists",
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
    reader = TaggedRows("ner", _tag_names(rows, place, (words_column, tags_column)))
    for number, row in _numbered(rows, (words_column, tags_column)):
        reader.add(number, row[words_column], row[tags_column])
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


def _rows_with_prefix(
    rows: datasets.Dataset, place: str, column: str, prefix: str
) -> datasets.Dataset:
    chosen = [number for number, cell in enumerate(rows[column]) if str(cell).startswith(prefix)]
    if not chosen:
        raise DataNotFoundError(
            f"Could not find rows of this language in {place}.",
            got=f"{len(rows)} rows, whose {column} begins with {rows[column][0]!r} and the like",
            expected=f"rows whose {column} begins with {prefix!r}",
            fix="name another language, or split",
        )
    return rows.select(chosen)


def _numbered(rows: datasets.Dataset, columns: Sequence[str]) -> Iterator[Row]:
    number = 0
    for batch in rows.select_columns(list(columns)).iter(batch_size=ROWS_AT_A_TIME):
        for cells in zip(*(batch[column] for column in columns), strict=True):
            yield number, dict(zip(columns, cells, strict=True))
            number += 1
