"""Real data lives outside the repository; tests that need it say so when it is not there."""

import os
from pathlib import Path

import pytest


def real_data_root() -> Path:
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("TINYGLOT_DATA") or beside)


def real_data(relative: str) -> Path:
    """Give a path below the real data, or skip the test and say what is missing."""
    path = real_data_root() / relative
    if not path.exists():
        pytest.skip(
            f"real data {relative!r} is not there: "
            "set TINYGLOT_DATA, or put it in ../shared/data beside the repository"
        )
    return path
