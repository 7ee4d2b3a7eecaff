"""Labelled data on disk: a folder a language with a file a split."""

from pathlib import Path

from tinyglot.data.conll import TaggedSentence, read_conll
from tinyglot.data.hub import language_of_name, read_hub_language
from tinyglot.data.splits import canonical_split, sorted_splits
from tinyglot.data.synthetic import locate_data
from tinyglot.errors import DataFormatError, DataNotFoundError, UnknownLanguageError
from tinyglot.languages import LanguageTag, resolve_language

LAYOUT = "<language>/{train,dev,test}"
MAX_NAMES_SHOWN = 60


class DataDirectory:
    """The files ``<language>/<split>.conll`` below a directory, found by language and split.

    A folder is named by any code that ``resolve_language`` accepts (``sw``, ``swa``,
    ``swh-Latn``), also with a treebank behind it (``sk_snk``); ``valid`` and ``validation`` stand
    for ``dev``. Folders that hold no such file are left alone.

    Args:
        path: The directory that holds the folders.
        suffix: Ending of the files.

    Raises:
        DataNotFoundError: If the directory or such files are not there.
        UnknownLanguageError: If the names of folders with such files are no language; all listed.
        DataFormatError: If two folders or files are the same language and split.
    """

    def __init__(self, path: Path, suffix: str = ".conll") -> None:
        self.path = path
        self.suffix = suffix
        folders = _folders(path, suffix)
        if not folders:
            raise _nothing_there(path, suffix)
        self._files = _files_by_language(path, folders, suffix)

    @property
    def languages(self) -> tuple[LanguageTag, ...]:
        """Tags of the languages that are there, sorted."""
        return tuple(sorted(self._files))

    def splits(self, tag: LanguageTag) -> tuple[str, ...]:
        """Name the splits of one language: train, dev, test, then others.

        Args:
            tag: The language, by any code that ``resolve_language`` accepts.

        Returns:
            The splits that have a file.

        Raises:
            DataNotFoundError: If the language is not there.
            UnknownLanguageError: If the code is no language.
        """
        return sorted_splits(self._splits(tag))

    def file(self, tag: LanguageTag, split: str) -> Path:
        """Give the file of one language and split.

        Args:
            tag: The language, by any code that ``resolve_language`` accepts.
            split: ``train``, ``dev`` (or ``valid``, ``validation``), ``test`` or another name.

        Returns:
            A path that exists.

        Raises:
            DataNotFoundError: If the language or split is not there; what is there is listed.
            UnknownLanguageError: If the code is no language.
        """
        files = self._splits(tag)
        try:
            return files[canonical_split(split)]
        except KeyError:
            raise DataNotFoundError(
                f"Could not find the split {split!r} of {resolve_language(tag)}.",
                got=f"{self.path} has {_listing(sorted_splits(files))} in this language",
                expected=f"{LAYOUT}{self.suffix}",
                fix=f"add the file {split}{self.suffix}, or name one of these splits",
            ) from None

    def _splits(self, tag: LanguageTag) -> dict[str, Path]:
        resolved = resolve_language(tag)
        try:
            return self._files[resolved]
        except KeyError:
            raise DataNotFoundError(
                f"Could not find data in {resolved}.",
                got=f"{self.path} has {_listing(self.languages)}",
                expected=f"{LAYOUT}{self.suffix}",
                fix=f"add a folder {resolved}, or name one of these languages",
            ) from None


def read_split(source: str | Path, language: str, split: str) -> list[TaggedSentence]:
    """Read the tagged sentences of one language and split, from a directory or the hub.

    A directory with ``<language>/<split>.conll`` files is read as that; any other directory, and
    every other name, as a hub data set whose configurations are named by language.

    Args:
        source: A directory, a hub id such as ``organisation/name``, or ``synthetic:ner``.
        language: Any code that ``resolve_language`` accepts.
        split: ``train``, ``dev`` (or ``valid``, ``validation``), ``test`` or another name.

    Returns:
        The sentences, tags in IOB2.

    Raises:
        DataNotFoundError: If the source, language or split is not there.
        UnknownLanguageError: If the code, or a folder's name, is no language.
        TextEncodingError: If the file is not UTF-8.
        EmptyTextError: If there is no sentence.
        DataFormatError: If lines or rows are broken; all of them are listed.
    """
    path = Path(locate_data(str(source)))
    if path.is_file():
        raise DataNotFoundError(
            f"Could not read {path} as a data directory: it is a file.",
            got=path,
            expected=f"a directory with {LAYOUT}.conll, or a hub id",
            fix="give the directory two levels above the file",
        )
    if _folders(path, ".conll"):
        return read_conll(DataDirectory(path).file(language, split))
    return read_hub_language(str(source), language, split)


def _folders(path: Path, suffix: str) -> list[Path]:
    """List the folders that directly hold files of this ending."""
    if not path.is_dir():
        return []
    folders = (child for child in sorted(path.iterdir()) if not child.name.startswith("."))
    return [folder for folder in folders if folder.is_dir() and any(folder.glob(f"*{suffix}"))]


def _files_by_language(
    path: Path, folders: list[Path], suffix: str
) -> dict[LanguageTag, dict[str, Path]]:
    languages = {folder: language_of_name(folder.name) for folder in folders}
    unknown = [folder.name for folder, tag in languages.items() if tag is None]
    if unknown:
        raise UnknownLanguageError(
            f"Could not tell the language of {len(unknown)} folder(s) in {path}.",
            got=_listing(unknown),
            expected="folders named by language, such as swh-Latn, sw or swa",
            fix="rename these folders, or move them out of the directory",
        )
    files: dict[LanguageTag, dict[str, Path]] = {}
    for folder, tag in languages.items():
        if tag is not None:
            _add_files(files.setdefault(tag, {}), folder, suffix)
    return files


def _add_files(files: dict[str, Path], folder: Path, suffix: str) -> None:
    for file in sorted(folder.glob(f"*{suffix}")):
        split = canonical_split(file.stem)
        if split in files:
            raise DataFormatError(
                f"Could not choose between two files of one language for the split {split!r}.",
                got=f"{files[split]} and {file}",
                expected="one file a language and split",
                fix="move one of them out of the directory",
            )
        files[split] = file


def _nothing_there(path: Path, suffix: str) -> DataNotFoundError:
    there = sorted(child.name for child in path.iterdir()) if path.is_dir() else None
    return DataNotFoundError(
        f"Could not find labelled data in {path}.",
        got="no such directory" if there is None else f"the directory holds {_listing(there)}",
        expected=f"{LAYOUT}{suffix}",
        fix="give the directory that holds the language folders",
    )


def _listing(names: list[str] | tuple[str, ...]) -> str:
    more = len(names) - MAX_NAMES_SHOWN
    tail = f" and {more} more" if more > 0 else ""
    return (", ".join(names[:MAX_NAMES_SHOWN]) or "nothing") + tail
