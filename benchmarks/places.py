"""Where the real data are; nothing here is a path of one machine."""

import os
from pathlib import Path

from benchmarks.schema import Text


def data_directory() -> Path:
    """Give ``$TINYGLOT_DATA``, else ``../shared/data`` beside the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    directory = Path(os.environ.get("TINYGLOT_DATA") or beside)
    if not directory.is_dir():
        raise SystemExit("The benchmarks need the real data: set TINYGLOT_DATA to its directory.")
    return directory


def text_of(folders: list[str]) -> Text:
    """Describe text by its folders below the data directory."""
    files = [
        file
        for folder in folders
        for file in (data_directory() / folder).rglob("*")
        if file.is_file()
    ]
    size = sum(file.stat().st_size for file in files)
    return Text(folders=tuple(folders), num_languages=len(folders), size_bytes=size)
