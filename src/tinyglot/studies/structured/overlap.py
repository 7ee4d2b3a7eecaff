"""How much masks have in common: of languages, of algorithms, of chance."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import torch

from tinyglot.importance import Kept, jaccard, rank_correlation
from tinyglot.studies.store import CellFile
from tinyglot.studies.structured.masks import unpacked
from tinyglot.studies.views.table import Table, seed_text

_UNITS = {
    "head_pruning": "heads",
    "heads": "heads",
    "ffn_pruning": "FFN neurons",
    "neurons": "FFN neurons",
}


class _Group(NamedTuple):
    """What masks that are compared agree in, but for the seed."""

    units: str
    ratio: float
    seed: int


@dataclass(frozen=True)
class _Mask:
    kept: Kept
    importance: tuple[tuple[float, ...], ...]

    def overlap(self, other: "_Mask") -> tuple[float, float]:
        """Give Jaccard similarity and rank correlation; NaN where no importance was filed."""
        if not (self.importance and other.importance):
            return jaccard(self.kept, other.kept), float("nan")
        sides = ([torch.tensor(layer) for layer in one.importance] for one in (self, other))
        return jaccard(self.kept, other.kept), rank_correlation(*sides)


def overlap_table(cells: Iterable[CellFile], dataset: str) -> Table | None:
    """Compare the masks of cells that differ in their mask or in their algorithm only.

    Args:
        cells: Of a study.
        dataset: On which data; cells of others are left out.

    Returns:
        Jaccard similarities and rank correlations, means over seeds; ``None`` where no cell says
        what it kept.
    """
    groups = _groups([cell for cell in cells if cell.recipe.get("data") == dataset])
    found: dict[tuple[str, float, str, str], list[tuple[float, float]]] = {}
    for group, masks in groups.items():
        for (first, one), (second, other) in combinations(sorted(masks.items()), 2):
            place = (group.units, group.ratio, first, second)
            found.setdefault(place, []).append(one.overlap(other))
    if not found:
        return None
    seeds = seed_text([len({group.seed for group in groups})])
    return Table(
        name=f"overlap-{dataset}",
        title=f"What masks have in common ({dataset})",
        caption="Jaccard similarity of the units that stay: those of both masks over those of "
        "either, in per cent. Two random masks have (1 − r) / (1 + r) in common: 60 %, 33 % and "
        "14 % where 25 %, 50 % and 75 % are removed. Spearman's correlation is of the importance "
        f"of all units, where it was filed (heads). Means over {seeds}.",
        header=("units", "removed", "mask", "and mask", "in common, %", "rank correlation"),
        rows=tuple(
            (units, f"{100 * ratio:g} %", first, second, *_means(values))
            for (units, ratio, first, second), values in sorted(found.items())
        ),
        points=(),
    )


def _means(values: list[tuple[float, float]]) -> tuple[str, str]:
    shared, ranks = (float(np.mean(column)) for column in zip(*values, strict=True))
    return f"{100 * shared:.1f}", "–" if np.isnan(ranks) else f"{ranks:.2f}"


def _groups(cells: Iterable[CellFile]) -> dict[_Group, dict[str, _Mask]]:
    """Give, by units, share and seed, what each mask keeps."""
    groups: dict[_Group, dict[str, _Mask]] = {}
    for cell in cells:
        where = cell.coordinates
        name = f"{where.get('algorithm', 'mask')}, {where.get('mask', 'shared')}"
        for kind, mask in (found for step in cell.steps for found in _masks(step)):
            group = _Group(_UNITS[kind], where["pruning_ratio"], where["seed"])
            groups.setdefault(group, {})[name] = mask
    return groups


def _masks(step: dict[str, Any]) -> Iterator[tuple[str, _Mask]]:
    """Give the masks of a step by kind: a method that prunes one kind names it by itself."""
    kept = step["facts"].get("kept") or {}
    by_kind = kept if isinstance(kept, dict) else {step["method"]: kept}
    importance = tuple(map(tuple, step.get("importance") or ()))
    for kind, texts in by_kind.items():
        if kind in _UNITS:
            yield kind, _Mask(unpacked(texts), importance)
