"""A study of tiny models on a few sentences, and the work of its cells by hand."""

import copy
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.methods.labelled import write_split
from tests.tiny import tiny_checkpoint
from tinyglot.errors import StudyError
from tinyglot.studies import Choice, Grid, Sitting, Store, parse_grid, run_study
from tinyglot.studies.engines import Job, Outcome
from tinyglot.studies.work import run_job
from tinyglot.training import TokenBatchTrainer

PRUNING = {
    "method": "magnitude_pruning",
    "num_epochs": 2,
    "batch_size": 8,
    "save_steps": 2,
    "start_step": 2,
    "end_step": 4,
    "frequency": 1,
}
CONTENT = {
    "name": "tiny",
    "recipe": {"model": "model", "task": "ner", "data": "data", "steps": [PRUNING]},
    "axes": {"languages": {"swh-Latn": ["swh-Latn"]}, "sparsity": [0.0, 0.5]},
}


def content(**axes: Any) -> dict[str, Any]:
    """The grid as YAML would hold it, with further axes, or without those that are ``None``."""
    found = copy.deepcopy(CONTENT)
    merged = {**found["axes"], **axes}
    found["axes"] = {name: values for name, values in merged.items() if values is not None}
    return found


def grid(**axes: Any) -> Grid:
    return parse_grid(content(**axes))


def write_inputs(directory: Path) -> Path:
    """Write ``model/`` and ``data/`` with 24 training sentences in each of two languages."""
    tiny_checkpoint(directory / "model")
    for language in ("swh-Latn", "deu-Latn"):
        for split, count in (("train", 24), ("dev", 4), ("test", 6)):
            write_split(directory / "data" / language / f"{split}.conll", language, count)
    return directory


def real_grid(inputs: Path, **axes: Any) -> Grid:
    """A grid over what ``write_inputs`` wrote, with scores."""
    found = content(**axes)
    found["recipe"] |= {
        "model": str(inputs / "model"),
        "data": str(inputs / "data"),
        "evaluate": {"perturbations": ["in-language"]},
    }
    return parse_grid(found)


class InThisProcess:
    """An engine without processes."""

    def __init__(self, work=run_job) -> None:
        self.work = work
        self.keys: list[str] = []

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        for job in jobs:
            self.keys.append(job.key)
            try:
                yield Outcome(job.key, self.work(job.payload), None)
            except StudyError as error:
                yield Outcome(job.key, None, str(error))


def run(
    inputs: Path, directory: Path, work: Any = None, choice: Choice | None = None, **axes: Any
) -> tuple[Sitting, Store, InThisProcess]:
    """Run the grid in ``directory/out``, by default without any training."""
    engine = InThisProcess(work or instant)
    store = Store(directory / "out")
    sitting = run_study(real_grid(inputs, **axes), store, engine, choice or Choice())
    return sitting, store, engine


def files_below(directory: Path, pattern: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.glob(pattern))}


# --- work ---------------------------------------------------------------------------------------


def instant(payload: dict[str, Any]) -> dict[str, Any]:
    """What a cell gives, without any training: its score is half of what is left."""
    place = {"study": payload["study"], "key": payload["key"], **payload["coordinates"]}
    scored = {"task": "ner", "dataset": payload["dataset"], "language": "swh-Latn"}
    numbers = {"value": (1 - place["sparsity"]) / 2, "n": 6, "low": 0.1, "high": 0.9}
    about = {"num_train_sentences": 24, "train_overlap": 0.5, "entity_overlap": None}
    row = {**place, **scored, "split": "test", "perturbation": "none", "metric": "f1"}
    return {
        "steps": [{"method": "fine_tuning", "version": 2, "facts": {"num_steps": 6}}],
        "rows": [{**row, **numbers, **about}],
        "provenance": {
            "date": "2026-11-21",
            "git_commit": None,
            "git_dirty": None,
            "python": "3",
            "packages": {},
            "processor": "none",
            "num_cores": 1,
            "num_threads": payload["num_threads"],
        },
        "timing": {
            "seconds": 7200.0,
            "num_steps": 6,
            "num_threads": 1,
            "was_resumed": False,
            "machine": "none",
        },
    }


def failing_when_sparse(payload: dict[str, Any]) -> dict[str, Any]:
    if payload["coordinates"]["sparsity"]:
        raise StudyError("Could not prune.", got="sand", expected="weights", fix="sieve")
    return instant(payload)


def dying_once(payload: dict[str, Any]) -> dict[str, Any]:
    """Take the worker along, the first time that a sparse cell is run."""
    mark = Path(payload["directory"]) / f"died-{payload['key']}"
    if payload["coordinates"]["sparsity"] and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return instant(payload)


def always_dying(payload: dict[str, Any]) -> dict[str, Any]:
    if payload["coordinates"]["sparsity"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return instant(payload)


def raising(payload: dict[str, Any]) -> dict[str, Any]:
    raise KeyError(payload["key"])


def endless(payload: dict[str, Any]) -> dict[str, Any]:
    """Say which process this is, and never come back."""
    (Path(payload["directory"]) / "worker.txt").write_text(str(os.getpid()))
    time.sleep(3600)
    return {}


def dying_in_training(payload: dict[str, Any]) -> dict[str, Any]:
    """Do the cell, but take the worker along in its fourth training step, once."""
    mark = Path(payload["directory"]) / f"died-{payload['key']}"
    if not mark.exists():
        mark.touch()
        steps = iter(range(1, 5))
        step = TokenBatchTrainer.training_step

        def counted(*args: Any, **kwargs: Any) -> Any:
            if next(steps) == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*args, **kwargs)

        TokenBatchTrainer.training_step = counted
    return run_job(payload)


# --- a driver that is killed --------------------------------------------------------------------


def drive(directory: Path) -> None:
    """Run a study whose cells never end; to be killed."""
    from tinyglot.studies.engines.processes import ProcessEngine

    study = real_grid(directory / "inputs")
    run_study(study, Store(directory / "out"), ProcessEngine(endless), Choice())
