"""Where a cell's numbers come from: packages, machine, commit, day. No host names, no paths."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

from pydantic import BaseModel, ConfigDict

PACKAGES = ("tinyglot", "torch", "transformers", "tokenizers", "accelerate", "safetensors", "numpy")


class Provenance(BaseModel):
    """What it takes to run a cell again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: str
    git_commit: str | None
    git_dirty: bool | None
    python: str
    packages: dict[str, str]
    processor: str
    num_cores: int
    num_threads: int


def provenance(num_threads: int) -> Provenance:
    """Describe this process and what it runs on.

    Args:
        num_threads: Threads that its matrix products take.

    Returns:
        Packages, machine, and the commit that was checked out when this was first asked for;
        none where tinyglot is installed from a package.
    """
    commit, dirty = _commit()
    return Provenance(
        date=datetime.now(UTC).date().isoformat(),
        git_commit=commit,
        git_dirty=dirty,
        python=platform.python_version(),
        packages={name: metadata.version(name) for name in PACKAGES},
        processor=processor(),
        num_cores=len(os.sched_getaffinity(0)),
        num_threads=num_threads,
    )


@cache
def processor() -> str:
    """Name the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


@cache
def _commit() -> tuple[str | None, bool | None]:
    package = Path(__file__).parents[1]
    root = package.parents[1]
    if not (root / ".git").exists() or shutil.which("git") is None:
        return None, None
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", str(package))
    return _git(root, "rev-parse", "HEAD"), bool(changed)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own words)
    return ended.stdout.strip()
