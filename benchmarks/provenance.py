"""Where a number comes from: machine, packages, commit, day. No host names, no paths."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).parents[1]
PACKAGES = (
    *("tinyglot", "torch", "transformers", "tokenizers", "accelerate", "skeletoken", "safetensors"),
    *("onnx", "onnxruntime", "onnxscript", "numpy", "polars", "seqeval"),
)
_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


class Machine(BaseModel):
    """What the numbers were taken on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    processor: str
    instructions: tuple[str, ...]
    num_cores: int
    memory_bytes: int
    system: str

    @classmethod
    def this(cls) -> Self:
        described = _proc_fields(Path("/proc/cpuinfo"))
        flags = set(described.get("flags", "").split())
        return cls(
            processor=described.get("model name", platform.processor() or platform.machine()),
            instructions=tuple(name for name in _FEATURES if name in flags),
            num_cores=len(os.sched_getaffinity(0)),
            memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            system=platform.system(),
        )


class Provenance(BaseModel):
    """What it takes to measure again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: str
    git_commit: str
    git_dirty: bool
    python: str
    packages: dict[str, str]
    machine: Machine

    @classmethod
    def now(cls) -> Self:
        installed = {name: version for name in PACKAGES if (version := _version(name))}
        return cls(
            date=datetime.now(UTC).date().isoformat(),
            git_commit=_git("rev-parse", "HEAD"),
            git_dirty=bool(_git("status", "--porcelain", "--untracked-files=no", "--", "src")),
            python=platform.python_version(),
            packages=installed,
            machine=Machine.this(),
        )


def _proc_fields(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs = (line.partition(":") for line in path.read_text(encoding="utf-8").splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
