"""A study's plan, progress and state in a few lines for a person."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tinyglot.studies.cell import Cell
from tinyglot.studies.grid import AnyGrid
from tinyglot.studies.plan import StudyPlan
from tinyglot.studies.rows import further_columns
from tinyglot.studies.run import Progress, Sitting
from tinyglot.studies.store import CellFile, Store, foreign, states

_MINUTE = 60


def cell_name(coordinates: dict[str, Any]) -> str:
    """Name a cell by its coordinates, the model left out.

    Args:
        coordinates: Of the cell.

    Returns:
        Such as ``swh-Latn magnitude_pruning 70 % include seed 0``.
    """
    found = coordinates
    if "runtime" in found:
        return f"{100 * found['removed']:g} % of all parameters, {found['runtime']}"
    named = [str(value) for name, value in found.items() if name in further_columns(found)]
    if named:
        return " ".join([found["languages"], *named, f"seed {found['seed']}"])
    sparsity = f"{100 * found['sparsity']:g} %" if found["sparsity"] else "dense"
    parts = (found["languages"], found["method"], sparsity, found["embeddings"] or "")
    return " ".join([*filter(None, parts), f"seed {found['seed']}"])


def plan_lines(grid: AnyGrid, planned: StudyPlan) -> list[str]:
    """Write a plan down.

    Args:
        grid: Gives the description.
        planned: The plan.

    Returns:
        A line a cell, and a sum.
    """
    lines = []
    for item in planned.cells:
        steps = "" if item.num_steps is None else f"about {item.num_steps:,} steps"
        hours = "" if item.hours is None else f"{item.hours:.2f} h"
        name = cell_name(item.cell.coordinates)
        lines.append("  ".join(filter(None, (item.cell.key, item.state, name, steps, hours))))
    left = sum(item.state != "finished" for item in planned.cells)
    hours = _unknown(planned) if planned.hours is None else f"{planned.hours:.1f}"
    total = f"{len(planned.cells)} cells, {left} to run; hours one after the other: {hours}"
    return [*filter(None, [" ".join(grid.description.split())]), *lines, total]


def _unknown(planned: StudyPlan) -> str:
    counted = all(item.num_steps is not None for item in planned.cells)
    why = "nothing was measured" if counted else "steps are counted of data that are here (--data)"
    return f"unknown: {why}"


def progress_line(progress: Progress) -> str:
    """Say what came of a cell.

    Args:
        progress: Of a sitting.

    Returns:
        One line; of an error, its first one.
    """
    name = f"{progress.number}/{progress.total} {cell_name(progress.cell.coordinates)}"
    if progress.error is not None:
        return f"{name}: failed: {progress.error.splitlines()[0]}"
    minutes = "" if progress.seconds is None else f", {progress.seconds / _MINUTE:.1f} min"
    return f"{name}: finished{minutes}"


def sitting_lines(sitting: Sitting, out: Path) -> list[str]:
    """Sum a sitting up.

    Args:
        sitting: What was done.
        out: The study's directory.

    Returns:
        A line each.
    """
    errors = [f"{key}: {error}" for key, error in sitting.failed.items()]
    total = f"{sitting.num_finished} finished, {len(errors)} failed, {sitting.num_left} left"
    return [*errors, f"{total}; wrote {out}"]


def status_facts(cells: Sequence[Cell], store: Store) -> dict[str, Any]:
    """Say what of a study is there.

    Args:
        cells: Of the grid.
        store: The study's directory.

    Returns:
        Study, state and coordinates of every cell, errors, cells that are not of the grid, cells
        that were begun, and the commits that finished cells were run at, as JSON values.
    """
    filed = store.cells()
    state = states(cells, filed)
    begun = {path.name for path in (store.directory / "work").glob("*")}
    return {
        "study": cells[0].study,
        "counts": dict(sorted(Counter(state.values()).items())),
        "cells": [
            {
                "key": cell.key,
                "coordinates": cell.coordinates,
                "state": state[cell.key],
                "begun": cell.key in begun and state[cell.key] != "finished",
                "error": filed[cell.key].error if cell.key in filed else None,
            }
            for cell in cells
        ],
        "foreign": foreign(cells, filed),
        "commits": _commits(cells, filed),
    }


def _commits(cells: Sequence[Cell], filed: Mapping[str, CellFile]) -> dict[str, int]:
    """Count the cells of the grid that were run at each commit."""
    found = [filed[cell.key].provenance for cell in cells if cell.key in filed]
    return dict(Counter(one.git_commit or "unknown" for one in found if one is not None))


def status_lines(facts: dict[str, Any]) -> list[str]:
    """Write the state of a study down.

    Args:
        facts: As ``status_facts`` gives them.

    Returns:
        A line for each cell that is not finished, and a sum.
    """
    return list(_status_lines(facts))


def _status_lines(facts: dict[str, Any]) -> Iterator[str]:
    for cell in facts["cells"]:
        if cell["state"] != "finished":
            begun = ", begun" if cell["begun"] else ""
            yield f"{cell['key']}  {cell['state']}{begun}  {cell_name(cell['coordinates'])}"
            yield from (f"    {line}" for line in (cell["error"] or "").splitlines())
    counts = [f"{number} {state}" for state, number in facts["counts"].items()]
    yield f"{facts['study']}: {', '.join(counts)}"
    if len(facts["commits"]) > 1:
        named = [f"{commit[:12]} ({number})" for commit, number in facts["commits"].items()]
        yield f"run at {len(named)} commits: {', '.join(named)}"
    if facts["foreign"]:
        yield f"not of this grid or of earlier versions: {', '.join(facts['foreign'])}"
