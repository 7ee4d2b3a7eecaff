"""Labelled data on disk: a folder a language with a file a split."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinyglot.data.hub import language_of_name
from tinyglot.data.problems import listing, nothing_found
from tinyglot.data.splits import canonical_split, sorted_splits, split_of_file
from tinyglot.errors import DataFormatError, DataNotFoundError, UnknownLanguageError
from tinyglot.languages import LanguageTag, resolve_language

LAYOUT = "<language>/{train,dev,test}"

FilesOfSplit = dict[str, list[Path]]


class DataDirectory:
    """The files ``<language>/<split>.conll`` below a directory, found by language and split.

    A folder is named by any code that ``resolve_language`` accepts (``sw``, ``swa``,
    ``swh-Latn``), also with a treebank behind it (``sk_snk``, ``UD_Slovak-SNK``); ``valid`` and
    ``validation`` stand for ``dev``. Folders that hold no such file are left alone. A directory
    that directly holds files such as ``train.conll`` or ``sk_snk-ud-train.conllu`` is the folder
    of one language: of the one in its name, or, if its name is none, of whichever is asked for.

    Args:
        path: The directory that holds the folders, or the files of one language.
        suffixes: Endings of the files. Files with the first one may have any name below a
            language; the others count only if they are named like a split.

    Raises:
        DataNotFoundError: If the directory or such files are not there.
        UnknownLanguageError: If the names of folders with such files are no language; all listed.
    """

    def __init__(self, path: Path, suffixes: Sequence[str] = (".conll",)) -> None:
        self.path = path
        self.suffixes = tuple(suffixes)
        self._own = _files_of_split(path, self.suffixes, only_known=True) if path.is_dir() else {}
        self._own_tag = language_of_name(path.resolve().name) if self._own else None
        folders = {} if self._own else _folders(path, self.suffixes)
        if not self._own and not folders:
            raise nothing_found("labelled data", path, self._layout)
        self._files = _by_language(path, folders)

    @property
    def languages(self) -> tuple[LanguageTag, ...]:
        """Tags of the languages that are there, sorted; none if the directory does not say."""
        return tuple(sorted(self._files)) if self._own_tag is None else (self._own_tag,)

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
            DataFormatError: If several files are this language and split, as with two treebanks.
        """
        splits = self._splits(tag)
        files = splits.get(canonical_split(split), [])
        if len(files) == 1:
            return files[0]
        if files:
            raise _several(files, resolve_language(tag), split)
        raise DataNotFoundError(
            f"Could not find the split {split!r} of {resolve_language(tag)}.",
            got=f"{self.path} has {listing(sorted_splits(splits))} in this language",
            expected=self._layout,
            fix=f"add the file {split}{self.suffixes[0]}, or name one of these splits",
        )

    @property
    def _layout(self) -> str:
        return LAYOUT + "|".join(self.suffixes)

    def _splits(self, tag: LanguageTag) -> FilesOfSplit:
        resolved = resolve_language(tag)
        if self._own and self._own_tag in (None, resolved):
            return self._own
        try:
            return self._files[resolved]
        except KeyError:
            raise DataNotFoundError(
                f"Could not find data in {resolved}.",
                got=f"{self.path} has {listing(self.languages)}",
                expected=self._layout,
                fix=f"add a folder {resolved}, or name one of these languages",
            ) from None


def _folders(path: Path, suffixes: Sequence[str]) -> dict[Path, FilesOfSplit]:
    """Find the folders that directly hold such files."""
    if not path.is_dir():
        return {}
    children = [child for child in sorted(path.iterdir()) if not child.name.startswith(".")]
    found = {c: _files_of_split(c, suffixes, only_known=False) for c in children if c.is_dir()}
    return {folder: files for folder, files in found.items() if files}


def _files_of_split(folder: Path, suffixes: Sequence[str], *, only_known: bool) -> FilesOfSplit:
    found: FilesOfSplit = {}
    for file in sorted(folder.iterdir()):
        is_known = split_of_file(file.stem) is not None
        needs_known_name = only_known or file.suffix != suffixes[0]
        if file.suffix in suffixes and file.is_file() and (is_known or not needs_known_name):
            found.setdefault(split_of_file(file.stem) or file.stem, []).append(file)
    return found


def _by_language(
    path: Path, folders: Mapping[Path, FilesOfSplit]
) -> dict[LanguageTag, FilesOfSplit]:
    languages = {folder: language_of_name(folder.name) for folder in folders}
    unknown = [folder.name for folder, tag in languages.items() if tag is None]
    if unknown:
        raise UnknownLanguageError(
            f"Could not tell the language of {len(unknown)} folder(s) in {path}.",
            got=listing(unknown),
            expected="folders named by language, such as swh-Latn, sw or swa",
            fix="rename these folders, or move them out of the directory",
        )
    found: dict[LanguageTag, FilesOfSplit] = {}
    for folder, tag in languages.items():
        for split, files in folders[folder].items():
            if tag is not None:
                found.setdefault(tag, {}).setdefault(split, []).extend(files)
    return found


def _several(files: Sequence[Path], tag: LanguageTag, split: str) -> DataFormatError:
    folders = list(dict.fromkeys(file.parent for file in files))
    return DataFormatError(
        f"Could not choose between {len(files)} files of {tag} for the split {split!r}.",
        got=" and ".join(map(str, files)),
        expected="one file a language and split",
        fix="move one of them out of the directory"
        if len(folders) == 1
        else f"give the folder itself as data: {' or '.join(map(str, folders))}",
    )
