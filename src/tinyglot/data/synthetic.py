"""Data that tinyglot makes itself, found by a name such as ``synthetic:ner``."""

import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

from tinyglot.errors import DataNotFoundError
from tinyglot.files import cache_directory, replacing
from tinyglot.languages import LanguageTag

SYNTHETIC_PREFIX = "synthetic:"


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


def locate_text(source: str, tag: LanguageTag) -> Path:
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

    directory = cache_directory() / f"synthetic-ner-{_makers_digest()}"
    if not directory.exists():
        with replacing(directory) as temporary:
            make_ner_corpus(temporary)
    return directory


@cache
def _makers_digest() -> str:
    """Condense the code and the templates, so that a corpus is never older than they are."""
    folder = Path(str(files("tinyglot.data.demo")))
    sources = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".yaml"))
    digests = (hashlib.sha256(path.read_bytes()).digest() for path in sources)
    return hashlib.sha256(b"".join(digests)).hexdigest()[:12]
