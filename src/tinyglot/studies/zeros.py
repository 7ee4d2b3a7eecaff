"""What the cells of a study set to zero, and what they were run with: from their files."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tinyglot.studies.provenance import Provenance
from tinyglot.studies.store import CellFile
from tinyglot.studies.views.blocks import Block
from tinyglot.studies.views.table import Table, variant_title

MILLION = 1e6


def zeros_table(block: Block, cells: Iterable[CellFile]) -> Table | None:
    """Say what a percentage is of: weights that may be pruned, zeros among them and in the model.

    Args:
        block: Its model's and method's cells are counted.
        cells: That are finished.

    Returns:
        A line for each variant and sparsity; ``None`` where no cell says it.
    """
    found: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for cell in cells:
        where, facts = cell.coordinates, _facts(cell)
        if facts and all(where[name] == block.key[name] for name in ("model", "method")):
            found.setdefault((where["embeddings"], where["sparsity"]), []).append(facts)
    if not found:
        return None
    return Table(
        name="zeros",
        title="What was set to zero",
        caption=(
            "Millions of weights, over all such cells. Zeros of the model also count those "
            "that no pruning made."
        ),
        header=("pruned", "sparsity", "may be pruned", "zeros of these", "of the model", "cells"),
        rows=tuple(_line(*key, found[key]) for key in sorted(found)),
        points=(),
    )


def provenance_text(cells: Sequence[CellFile]) -> str:
    """Say by which commits, when and on how many threads cells were run.

    Args:
        cells: That are finished.

    Returns:
        One line, the same for the same cells in any order.
    """
    known = [cell.provenance for cell in cells if cell.provenance is not None]
    commits = sorted({_commit(one) for one in known})
    dates = sorted({one.date for one in known})
    threads = ", ".join(map(str, sorted({one.num_threads for one in known})))
    torch = ", ".join(sorted({one.packages.get("torch", "unknown") for one in known}))
    return (
        f"{len(known)} cells; commit {', '.join(commits)}; {' to '.join(_ends(dates))}; threads "
        f"a cell: {threads}; {', '.join(sorted({one.processor for one in known}))}; torch {torch}"
    )


def _ends(dates: Sequence[str]) -> Iterator[str]:
    yield from dict.fromkeys([*dates[:1], *dates[-1:]])


def _commit(run: Provenance) -> str:
    if run.git_commit is None:
        return "unknown"
    return f"{run.git_commit[:7]}{' with changes' if run.git_dirty else ''}"


def _facts(cell: CellFile) -> dict[str, Any] | None:
    for step in reversed(cell.steps):
        facts, size = step.get("facts", {}), step.get("size") or {}
        if "num_zeros" in facts and "num_prunable" in facts:
            return {**size, **facts}
    return None


def _line(embeddings: str, sparsity: float, facts: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    return (
        variant_title(embeddings),
        f"{100 * sparsity:g} %",
        _millions(facts, "num_prunable"),
        f"{_millions(facts, 'num_zeros')} ({_shares(facts, 'num_zeros', 'num_prunable')})",
        f"{_millions(facts, 'num_zero_weights')} of {_millions(facts, 'num_parameters')} "
        f"({_shares(facts, 'num_zero_weights', 'num_parameters')})",
        str(len(facts)),
    )


def _millions(facts: Sequence[dict[str, Any]], name: str) -> str:
    return _range([f"{one[name] / MILLION:.1f}" for one in facts if name in one])


def _shares(facts: Sequence[dict[str, Any]], part: str, whole: str) -> str:
    pairs = [(one[part], one[whole]) for one in facts if part in one and whole in one]
    return f"{_range([f'{100 * of / all_of:.1f}' for of, all_of in pairs])} %"


def _range(shown: Sequence[str]) -> str:
    ordered = sorted(set(shown), key=float)
    return " to ".join(dict.fromkeys([*ordered[:1], *ordered[-1:]])) or "unknown"
