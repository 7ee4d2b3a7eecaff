"""What a source names: a directory, a hub id, or an entry of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tinyglot.data.catalogue import Entry, catalogue
from tinyglot.data.synthetic import locate_data
from tinyglot.errors import DataFormatError, DataNotFoundError
from tinyglot.languages import LanguageTag


@dataclass(frozen=True)
class Source:
    """Where the data are, and what the catalogue says of them.

    Attributes:
        name: A path, or a hub id.
        entry: Of the catalogue, if the data were named by it.
    """

    name: str
    entry: Entry | None = None

    @property
    def columns(self) -> Mapping[str, str]:
        """Column a role."""
        return {} if self.entry is None or self.entry.hub is None else self.entry.hub.columns

    @property
    def configs(self) -> Mapping[LanguageTag, str]:
        """The hub's configurations by language; none if one configuration has all languages."""
        if self.entry is None or self.entry.hub is None:
            return {}
        pattern = self.entry.hub.configuration
        return {tag: pattern.format(code=code) for tag, code in self.entry.languages.items()}

    @property
    def splits(self) -> Mapping[str, str]:
        """The hub's name of a split, where it is not ours."""
        return {} if self.entry is None or self.entry.hub is None else self.entry.hub.splits

    def row_prefix(self, tag: LanguageTag) -> tuple[str, str] | None:
        """Give column and beginning of the cells of one language, if rows are told so.

        Args:
            tag: The language.

        Returns:
            Column and beginning; ``None`` if all rows of a configuration are one language.
        """
        if self.entry is None or self.entry.hub is None or tag not in self.entry.languages:
            return None
        code = self.entry.languages[tag]
        pairs = self.entry.hub.row_prefix.items()
        return next(((column, prefix.format(code=code)) for column, prefix in pairs), None)


def locate_source(source: str | Path, kind: str | None = None) -> Source:
    """Find out what a source names.

    A directory goes before an entry of the catalogue with the same name.

    Args:
        source: As for ``tinyglot.data.reading.read_examples``.
        kind: The kind of examples that are wanted; ``None`` for whatever it is.

    Returns:
        Where the data are.

    Raises:
        DataNotFoundError: If there is no synthetic corpus or entry of that name, or the entry has
            no copy on the hub.
        DataFormatError: If the entry's examples are of another kind.
    """
    text = str(source)
    name, separator, path = text.partition("=")
    if Path(text).exists():
        return Source(text)
    entry = catalogue().get(name)
    if entry is None and separator and "/" not in name:
        raise _no_entry(name, text)
    if entry is None:
        return Source(locate_data(text))
    if kind is not None and entry.kind != kind:
        raise _other_kind(entry, kind)
    return Source(path if separator else _hub_id(entry), entry)


def public_name(source: str | Path) -> str:
    """Name data in results without the place where they lie.

    Args:
        source: As for ``locate_source``.

    Returns:
        A directory's own name; the id of ``id=PATH``; anything else as it is.
    """
    if Path(source).exists():
        return Path(source).resolve().name
    copy = _local_copy(source)
    return str(source) if copy is None else copy[0]


def local_path(source: str | Path) -> Path:
    """Give the path that a source would have if it lies here.

    Args:
        source: As for ``locate_source``.

    Returns:
        The ``PATH`` of ``id=PATH``, and anything else as a path, whether it is there or not.
    """
    copy = None if Path(source).exists() else _local_copy(source)
    return Path(source) if copy is None else Path(copy[1])


def _local_copy(source: str | Path) -> tuple[str, str] | None:
    """Take ``id=PATH`` apart; ``None`` if it is something else."""
    name, separator, path = str(source).partition("=")
    return (name, path) if separator and name in catalogue() else None


def _hub_id(entry: Entry) -> str:
    if entry.hub is None:
        origin = f"get it from {entry.origin.url} and " if entry.origin else ""
        raise DataNotFoundError(
            f"Could not find {entry.name} on the hub: the catalogue has no copy there.",
            got=entry.id,
            expected=f"{entry.id}=PATH",
            fix=f"{origin}give its directory: {entry.id}=PATH",
        )
    return entry.hub.id if entry.hub.revision is None else f"{entry.hub.id}@{entry.hub.revision}"


def _no_entry(name: str, source: str) -> DataNotFoundError:
    return DataNotFoundError(
        f"Could not find {name!r} in the catalogue.",
        got=source,
        expected=f"one of {', '.join(catalogue())}, then =PATH",
        fix="tinyglot ls datasets",
    )


def _other_kind(entry: Entry, kind: str) -> DataFormatError:
    return DataFormatError(
        f"Could not read {entry.name} as {kind}: it is for the task {entry.task}.",
        got=f"{entry.id}, whose examples are of the kind {entry.kind}",
        expected=f"one of {_ids_of_kind(kind)}",
        fix=f"name another data set, or the task {entry.task}",
    )


def _ids_of_kind(kind: str) -> str:
    return ", ".join(entry.id for entry in catalogue().values() if entry.kind == kind) or "none"
