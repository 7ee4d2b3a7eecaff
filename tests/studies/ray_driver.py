"""A process that runs jobs or a study on Ray, and notes what it sees.

Run in a process of its own: it opens sockets, and Ray changes the process that it is used in.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from tests.studies import ray_jobs
from tinyglot.studies.engines import Job, make_engine

PATIENCE_S = 60.0


def main() -> None:
    {"local": local, "cluster": cluster}[sys.argv[1]](Path(sys.argv[2]))


def local(directory: Path) -> None:
    """All kinds of jobs, in a cluster of two workers that the engine starts."""
    asked = [Job(**job) for job in ray_jobs.jobs(directory)]
    outcomes: list[dict[str, Any]] = []
    seen: list[psutil.Process] = []
    for outcome in make_engine("ray", ray_jobs.work, 2).run(asked):
        outcomes.append(asdict(outcome))
        seen = psutil.Process().children(recursive=True)
    gone, _ = psutil.wait_procs(seen, PATIENCE_S)
    write(
        directory / "seen.json",
        outcomes=outcomes,
        num_seen=len(seen),
        num_gone=len(gone),
        environment=sorted(name for name in os.environ if name.startswith("RAY_")),
    )


def cluster(directory: Path) -> None:
    """A study of two cells on a cluster of two workers; the sparse cell loses its worker once."""
    from ray.cluster_utils import Cluster

    from tests.studies.tiny_study import real_grid
    from tinyglot.studies import Choice, Store, run_study

    node = {"num_cpus": 2, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    nodes = Cluster(initialize_head=True, head_node_args=node)
    try:
        engine = make_engine("ray", losing_its_worker, 2, nodes.address)
        store = Store(directory / "out")
        sitting = run_study(real_grid(directory / "inputs"), store, engine, Choice())
    finally:
        nodes.shutdown()
    write(directory / "seen.json", **sitting.as_dict())


def losing_its_worker(payload: dict[str, Any]) -> dict[str, Any]:
    from tests.studies.tiny_study import dying_in_training
    from tinyglot.studies.work import run_job

    is_sparse = payload["coordinates"]["sparsity"] > 0
    return dying_in_training(payload) if is_sparse else run_job(payload)


def write(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")


if __name__ == "__main__":
    main()
