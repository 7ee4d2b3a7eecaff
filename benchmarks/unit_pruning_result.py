"""What removing heads and neurons does before any training, and the tables of it."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from benchmarks.strict import Strict

Method = Literal["head_pruning", "ffn_pruning"]


class UnitPruningRow(Strict):
    """One cut: share of correct translations by language, and parameters outside the embeddings."""

    method: Method
    pruning_ratio: float
    scorer: str
    shape: Literal["uniform", "free"]
    aggregate: str
    num_parameters: int
    accuracy: dict[str, float]


class LanguageOverlap(Strict):
    """Two languages' own masks at a half of the units, uniform, by taylor."""

    method: Method
    languages: tuple[str, str]
    jaccard: float
    rank_correlation: float


class UnitPruning(Strict):
    """Retrieval after cuts of the bundled encoder, without training.

    ``importance_seconds`` is wall time of one thread on a machine that others used too.
    """

    benchmark: Literal["unit_pruning"] = "unit_pruning"
    model: str
    num_pairs: dict[str, int]
    num_lines: int
    importance_seconds: dict[str, float]
    uncut: dict[str, float]
    rows: tuple[UnitPruningRow, ...] = Field(min_length=1)
    overlaps: tuple[LanguageOverlap, ...] = Field(min_length=1)
    random_jaccard: dict[Method, float]


def unit_pruning_table(result: UnitPruning, method: Method) -> Iterator[str]:
    """Show a row a cut, and how much the languages' masks agree."""
    tags = list(result.uncut)
    pairs = ", ".join(f"{n} {tag}" for tag, n in result.num_pairs.items())
    yield (
        f"The bundled {result.model}, **untrained after the cut**: share of sentences, in per "
        f"cent, whose English translation is the nearest sentence vector (Tatoeba, n = {pairs}). "
        f"Importance by hidden states on {result.num_lines} lines a language, pooled unless said "
        "otherwise. n = 1 seed; the 95 % interval of a figure is about ± 6 to 8 points."
    )
    yield ""
    yield f"| removed | importance | shape | {' | '.join(tags)} | macro-average | worst |"
    yield "|---" * (5 + len(tags)) + "|"
    yield _line(["0 %", "uncut", ""], result.uncut)
    for row in result.rows:
        if row.method == method:
            name = row.scorer + (", worst language" if row.aggregate == "worst_language" else "")
            yield _line([f"{row.pruning_ratio:.0%}", name, row.shape], row.accuracy)
    yield ""
    found = [each for each in result.overlaps if each.method == method]
    yield (
        "Masks of single languages, half of the units by taylor: Jaccard overlap "
        + ", ".join(f"{_pair(each)} {each.jaccard:.2f}" for each in found)
        + f" (two random masks: {result.random_jaccard[method]:.2f}); rank correlation "
        + ", ".join(f"{_pair(each)} {each.rank_correlation:.2f}" for each in found)
        + "."
    )


def _line(names: list[str], accuracy: dict[str, float]) -> str:
    mean = sum(accuracy.values()) / len(accuracy)
    worst = min(accuracy, key=lambda tag: accuracy[tag])
    cells = [f"{100 * value:.1f}" for value in (*accuracy.values(), mean)]
    return f"| {' | '.join([*names, *cells, worst])} |"


def _pair(overlap: LanguageOverlap) -> str:
    return "/".join(overlap.languages)
