"""What a source names: a directory, a hub id, or an entry of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tinyglot.data.synthetic import locate_data
from tinyglot.languages import LanguageTag


@dataclass(frozen=True)
class Source:
    """Where the data are, and what the catalogue says of them.

    Attributes:
        name: A path, or a hub id.
        columns: Column a role.
        configs: The hub's configurations by language.
    """

    name: str
    columns: Mapping[str, str] = field(default_factory=dict)
    configs: Mapping[LanguageTag, str] = field(default_factory=dict)

    def config(self, tag: LanguageTag) -> str | None:
        """Give the configuration of one language, if the catalogue has it."""
        return self.configs.get(tag)


def locate_source(source: str | Path) -> Source:
    """Find out what a source names.

    Args:
        source: As for ``tinyglot.data.reading.read_examples``.

    Returns:
        Where the data are.

    Raises:
        DataNotFoundError: If there is no synthetic corpus of that name.
    """
    return Source(locate_data(str(source)))
