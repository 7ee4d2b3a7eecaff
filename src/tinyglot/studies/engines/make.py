"""The engine that a command line names."""

import difflib

from tinyglot.errors import EngineError, UnknownMethodError
from tinyglot.studies.engines.engine import Engine, Work
from tinyglot.studies.engines.processes import ProcessEngine
from tinyglot.studies.engines.ray import RayEngine

ENGINES = ("processes", "ray")


def make_engine(name: str, work: Work, num_workers: int, address: str | None = None) -> Engine:
    """Make an engine by its name.

    Args:
        name: One of ``ENGINES``.
        work: Does one job; a function of a module's top level.
        num_workers: Jobs at a time.
        address: Of a Ray cluster; one on this machine if ``None``.

    Returns:
        The engine.

    Raises:
        UnknownMethodError: If there is no such engine.
        MissingExtraError: If Ray is asked for and not installed.
        EngineError: If an address is given to an engine that has none.
    """
    if name == "ray":
        return RayEngine(work, num_workers, address)
    if name != "processes":
        raise _unknown(name)
    if address is not None:
        raise EngineError(
            "Could not use the address: processes of this machine have none.",
            got=f"--address {address} with --engine {name}",
            expected="an address together with --engine ray",
            fix=f"--engine ray --address {address}, or leave --address out",
        )
    return ProcessEngine(work, num_workers)


def _unknown(name: str) -> UnknownMethodError:
    close = difflib.get_close_matches(name, ENGINES, n=1)
    return UnknownMethodError(
        "Could not run the study: there is no such engine.",
        got=name,
        expected=", ".join(ENGINES) + (f" (did you mean {close[0]}?)" if close else ""),
        fix=f"--engine {(close or ENGINES)[0]}",
    )
