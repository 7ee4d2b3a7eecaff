"""From what a user types about text to files per language."""

from collections.abc import Sequence
from pathlib import Path

from tinyglot.errors import DataNotFoundError, MissingInputError, UnknownLanguageError
from tinyglot.files import cache_directory, replacing
from tinyglot.languages import resolve_language

SYNTHETIC_PREFIX = "synthetic:"
CORPUS_VERSION = 1


def text_by_language(values: Sequence[str], languages: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Say which text belongs to which language.

    A value is ``TAG=PATH``; or a plain path, which belongs to the language when there is one; or,
    for several languages, a directory with a folder for each (named by any code of it).

    Args:
        values: As given, in order.
        languages: Tags or codes of the wanted languages.

    Returns:
        Paths per language tag.

    Raises:
        DataNotFoundError: If a path is not there.
        MissingInputError: If a path's language is not clear, or a language got no text.
        UnknownLanguageError: If a code is in no table.
    """
    tags = [resolve_language(code) for code in languages]
    found: dict[str, list[str]] = {tag: [] for tag in tags}
    for value in values:
        for tag, path in _places(value, tags):
            found.setdefault(tag, []).append(path)
    without = [tag for tag in tags if not found[tag]]
    if without:
        raise MissingInputError(
            "Could not assign the text: some languages have none.",
            got=f"no text for {', '.join(without)} in {', '.join(values) or 'no --text'}",
            expected="a file or directory for every language",
            fix=f"--text {without[0]}=PATH, or a directory with a folder {without[0]}",
        )
    return {tag: tuple(paths) for tag, paths in found.items()}


def _places(value: str, tags: Sequence[str]) -> list[tuple[str, str]]:
    code, separator, path = value.partition("=")
    if separator and not Path(value).exists():
        return [(resolve_language(code), _existing(path))]
    if is_synthetic(value):
        return [(tag, value) for tag in tags]
    if len(tags) == 1:
        return [(tags[0], _own_folder(_existing(value), tags[0]))]
    folders = _language_folders(Path(_existing(value)), tags)
    if not folders:
        raise MissingInputError(
            "Could not assign the text: its language is not clear.",
            got=f"{value} for {', '.join(tags)}",
            expected="TAG=PATH, or a directory with a folder for each language",
            fix=f"--text {tags[0]}={value}" if tags else "--language TAG",
        )
    return folders


def _own_folder(path: str, tag: str) -> str:
    folders = _language_folders(Path(path), [tag])
    return folders[0][1] if folders else path


def _existing(path: str) -> str:
    if not Path(path).exists():
        raise DataNotFoundError(
            "Could not read the text: there is no such file or directory.",
            got=path,
            expected="a text file or a directory of them",
            fix="check --text",
        )
    return path


def _language_folders(directory: Path, tags: Sequence[str]) -> list[tuple[str, str]]:
    if not directory.is_dir():
        return []
    named = [(_tag_of(path.name), str(path)) for path in sorted(directory.iterdir())]
    return [(tag, path) for tag, path in named if tag is not None and tag in tags]


def _tag_of(name: str) -> str | None:
    try:
        return resolve_language(name.split(".")[0])
    except UnknownLanguageError:
        return None


def is_synthetic(source: str) -> bool:
    """Tell whether data are made by tinyglot itself.

    Args:
        source: A path, a hub id, or ``synthetic:ner``.

    Returns:
        Whether it is of the last kind.
    """
    return source.startswith(SYNTHETIC_PREFIX)


def locate_data(source: str) -> str:
    """Turn ``synthetic:ner`` into the directory of the demo corpus; leave the rest.

    Args:
        source: A path, a hub id, or ``synthetic:ner``.

    Returns:
        A path or a hub id.

    Raises:
        DataNotFoundError: If there is no synthetic corpus of that name.
    """
    return str(synthetic_path(source)) if is_synthetic(source) else source


def locate_text(source: str, tag: str) -> Path:
    """Turn ``synthetic:ner`` into the demo corpus's text in one language; leave the rest.

    Args:
        source: A path, or ``synthetic:ner``.
        tag: The language.

    Returns:
        A path.

    Raises:
        DataNotFoundError: If there is no synthetic corpus of that name.
    """
    return synthetic_path(source) / f"{tag}.txt" if is_synthetic(source) else Path(source)


def synthetic_path(source: str) -> Path:
    """Make the demo corpus if that was not done yet, and say where it is.

    Args:
        source: ``synthetic:ner``.

    Returns:
        A directory ``<tag>/{train,dev,test}.conll`` with a ``<tag>.txt`` for each language.

    Raises:
        DataNotFoundError: If there is no synthetic corpus of that name.
    """
    if source != f"{SYNTHETIC_PREFIX}ner":
        raise DataNotFoundError(
            "Could not find the synthetic corpus.",
            got=source,
            expected=f"{SYNTHETIC_PREFIX}ner",
            fix="give a directory or a hub dataset id, or that name",
        )
    from tinyglot.data.demo import make_ner_corpus

    directory = cache_directory() / f"synthetic-ner-v{CORPUS_VERSION}"
    if not directory.exists():
        with replacing(directory) as temporary:
            make_ner_corpus(temporary)
    return directory
