"""The engine that a command line names."""

from tinyglot.studies.engines.engine import Engine, Work
from tinyglot.studies.engines.processes import ProcessEngine


def make_engine(name: str, work: Work, num_workers: int, address: str | None = None) -> Engine:
    """Make an engine by its name.

    Args:
        name: ``processes``.
        work: Does one job; a function of a module's top level.
        num_workers: Jobs at a time.
        address: Of a cluster, for engines that have one.

    Returns:
        The engine.
    """
    del name, address
    return ProcessEngine(work, num_workers)
