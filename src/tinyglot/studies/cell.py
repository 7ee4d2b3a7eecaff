"""One recipe of a study, with its place in the grid."""

from dataclasses import dataclass
from typing import Any

from tinyglot.recipes import Recipe


@dataclass(frozen=True)
class Cell:
    """One recipe of a study.

    Attributes:
        study: Name of the study.
        key: First 16 hex digits of the hash of the resolved recipe and the methods' versions.
        coordinates: Where it is in the grid: model, method, setting, languages (the set's name),
            sparsity, embeddings (``None`` where nothing is pruned) and seed.
        recipe: As resolved.
        group: Key of the cell without pruning that is trained alike.
    """

    study: str
    key: str
    coordinates: dict[str, Any]
    recipe: Recipe
    group: str

    @property
    def is_dense(self) -> bool:
        """Whether it is the one of its group in which nothing is pruned."""
        return self.key == self.group
