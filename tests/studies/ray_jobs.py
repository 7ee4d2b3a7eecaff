"""Small jobs for Ray's workers; imports nothing heavy, since each new worker imports it anew."""

import os
import signal
import time
from pathlib import Path
from typing import Any


def work(payload: dict[str, Any]) -> dict[str, Any]:
    """Do what the payload says, and note in the directory that it began."""
    directory = Path(payload["directory"])
    with (directory / f"{payload['name']}.begun").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    begun = len((directory / f"{payload['name']}.begun").read_text("utf-8").splitlines())
    if payload.get("dies", 0) >= begun:
        os.kill(os.getpid(), signal.SIGKILL)
    if payload.get("fails"):
        raise KeyError(payload["name"])
    time.sleep(payload.get("seconds", 0))
    return {"name": payload["name"], "number": 0.1 + payload.get("number", 0)}


def job(directory: Path, name: str, *after: str, **options: Any) -> dict[str, Any]:
    payload = {"name": name, "directory": str(directory), **options}
    return {"key": name, "payload": payload, "after": after}


def jobs(directory: Path) -> list[dict[str, Any]]:
    """Jobs that wait, fail, lose their worker once, and lose every one."""
    return [
        job(directory, "after-first", "first", number=1),
        job(directory, "first", seconds=0.2),
        job(directory, "failing", fails=True),
        job(directory, "after-failing", "failing", "of-no-job"),
        job(directory, "lost-once", dies=1),
        job(directory, "lost-always", dies=99),
    ]
