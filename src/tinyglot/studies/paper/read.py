"""Reads the paper's tables from data files; nothing is computed between models."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Variant = Literal["exclude", "include"]

CITATION = "Ogueji et al. 2022"
SCORE_COLUMNS = {
    "setting": pl.String,
    "perturbation": pl.String,
    "embeddings": pl.String,
    "sparsity": pl.Float64,
    "language": pl.String,
    "value": pl.Float64,
    "is_derived": pl.Boolean,
}


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Origin(_Strict):
    source: str
    model: str
    model_title: str
    task: str
    metric: str
    setting: Literal["multilingual", "monolingual"]
    perturbation: str


class PaperTable(_Origin):
    """One of the tables 6 to 9: languages as rows, sparsities as columns.

    Attributes:
        number: As in the paper.
        embeddings: Whether their weights are pruned.
        num_seeds: Trainings behind each number.
        sparsities: Of the columns; 0 is the dense model.
        scores: Shares from 0 to 1, one a column.
        mean: As printed.
        median: As printed.
        footnotes: What a reader should know.
    """

    number: int
    embeddings: Variant
    num_seeds: int
    sparsities: tuple[Share, ...]
    scores: dict[str, tuple[Share, ...]]
    mean: tuple[Share, ...]
    median: tuple[Share, ...]
    footnotes: tuple[str, ...]

    @model_validator(mode="after")
    def _check_lengths(self) -> "PaperTable":
        lengths = {len(values) for values in (*self.scores.values(), self.mean, self.median)}
        if lengths != {len(self.sparsities)}:
            raise ValueError(f"rows of {sorted(lengths)} numbers, {len(self.sparsities)} columns")
        return self


class _DerivedScore(_Strict):
    language: str
    embeddings: Variant | None
    sparsity: Share
    value: Share


class _Derived(_Origin):
    scores: tuple[_DerivedScore, ...]
    facts: dict[str, float]


def paper_label(model: str) -> str:
    """Say whose numbers they are, and that the model is another one where it is.

    Args:
        model: Of the study.

    Returns:
        What stands wherever the paper's numbers do.
    """
    paper = _derived()
    name = model.rpartition("/")[2]
    other = "" if name == paper.model else ": another model"
    return f"{CITATION}, {paper.model_title}{other}"


def paper_tables() -> tuple[PaperTable, ...]:
    """Read the tables.

    Returns:
        Those numbered 6 to 9, in order.
    """
    return tuple(PaperTable.model_validate(_load(f"table-{number}")) for number in (6, 7, 8, 9))


@cache
def paper_scores() -> pl.DataFrame:
    """Put every known number of the paper in one table, one a row.

    Returns:
        ``setting``, ``perturbation``, ``embeddings`` (null for dense), ``sparsity``,
        ``language``, ``value`` and ``is_derived`` (whether it only follows from a footnote).
    """
    printed = (
        (table.setting, table.perturbation, table.embeddings, sparsity, tag, value, False)
        for table in paper_tables()
        for tag, values in table.scores.items()
        for sparsity, value in zip(table.sparsities, values, strict=True)
    )
    paper = _derived()
    derived = (
        (paper.setting, paper.perturbation, one.embeddings, one.sparsity, one.language, one.value)
        for one in paper.scores
    )
    rows = [*printed, *((*row, True) for row in derived)]
    is_dense = pl.col("sparsity") == 0.0
    variant = pl.when(~is_dense).then(pl.col("embeddings"))
    found = pl.DataFrame(rows, schema=SCORE_COLUMNS, orient="row")
    return found.with_columns(embeddings=variant).unique(maintain_order=True)


def paper_facts() -> dict[str, float]:
    """Give the numbers of the paper's text.

    Returns:
        By name: Kendall's tau between gain and training size, how many languages were raised.
    """
    return dict(_derived().facts)


@cache
def _derived() -> _Derived:
    return _Derived.model_validate(_load("derived"))


def _load(name: str) -> Any:  # noqa: ANN401  (pydantic checks it)
    text = files("tinyglot.studies.paper").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)
