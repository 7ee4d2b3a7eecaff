"""What results/NAME.json says of a study."""

from typing import Literal

from pydantic import Field

from benchmarks.strict import Strict


class StudySummary(Strict):
    """All languages of one way of training, perturbation, variant and sparsity.

    ``half_width_over_seeds`` is of the 95 % t interval of the macro-average over the seeds that
    have all languages; none for fewer than two. ``num_sentences`` are those scored for one seed.
    """

    model: str
    method: str
    task: str
    metric: str
    setting: str
    trained: str
    perturbation: str
    variant: str
    level: str
    sparsity: float
    macro_average: float
    half_width_over_seeds: float | None
    num_complete_seeds: int
    num_languages: int
    num_sentences: int
    median: float
    worst_language: str
    worst_value: float


class StudyClaim(Strict):
    """One claim of an observation, its criterion and the verdict by it."""

    claim: str
    criterion: str
    verdict: str
    numbers: str
    num_languages: int
    num_seeds: tuple[int, ...]


class StudyObservation(Strict):
    """One of the paper's observations."""

    model: str
    method: str
    name: str
    claim: str
    verdict: str
    claims: tuple[StudyClaim, ...] = Field(min_length=1)


class StudyFindings(Strict):
    """A study of shapes or of structured pruning: its numbers, and which findings hold.

    ``numbers`` are the rows of a study of shapes without names of cells; of structured pruning,
    means over seeds with half of their 95 % t interval.
    """

    benchmark: Literal["study_findings"] = "study_findings"
    study: str
    models: tuple[str, ...]
    num_cells: int
    num_rows: int
    numbers: tuple[dict[str, str | bool | int | float | None], ...] = Field(min_length=1)
    observations: tuple[StudyObservation, ...]


class Study(Strict):
    """A grid of trainings: macro-averages, and which of the paper's observations hold."""

    benchmark: Literal["study"] = "study"
    study: str
    models: tuple[str, ...]
    data: tuple[str, ...]
    splits: tuple[str, ...]
    num_cells: int
    num_rows: int
    seeds: tuple[int, ...]
    languages: tuple[str, ...]
    num_train_sentences: dict[str, int | None]
    train_overlap: dict[str, float | None]
    entity_overlap: dict[str, float | None]
    summaries: tuple[StudySummary, ...] = Field(min_length=1)
    observations: tuple[StudyObservation, ...]
