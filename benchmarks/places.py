"""Where the real data are; nothing here is a path of one machine."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.schema import Text

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "../shared/data/"


def data_directory() -> Path:
    """Give ``$TINYGLOT_DATA``, else ``../shared/data`` beside the repository."""
    beside = ROOT.parent / "shared" / "data"
    directory = Path(os.environ.get("TINYGLOT_DATA") or beside)
    if not directory.is_dir():
        raise SystemExit("The benchmarks need the real data: set TINYGLOT_DATA to its directory.")
    return directory


@contextmanager
def working_directory() -> Iterator[Path]:
    """Give a directory from which the data are at ``../shared/data``, as the recipes have it."""
    if not os.environ.get("TINYGLOT_DATA"):
        yield ROOT
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "tinyglot"
        shared = Path(temporary) / "shared"
        root.mkdir()
        shared.mkdir()
        (shared / "data").symlink_to(data_directory().resolve(), target_is_directory=True)
        yield root


def text_of(folders: list[str]) -> Text:
    """Describe text by its folders below the data directory."""
    folders = [folder.removeprefix(PREFIX) for folder in folders]
    files = [
        file
        for folder in folders
        for file in (data_directory() / folder).rglob("*")
        if file.is_file()
    ]
    size = sum(file.stat().st_size for file in files)
    return Text(folders=tuple(folders), num_languages=len(folders), size_bytes=size)
