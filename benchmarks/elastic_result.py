"""What `bench_elastic` found: one elastic checkpoint against models that were made one by one."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from benchmarks.strict import ProcessCost, Strict


class ElasticSize(Strict):
    """One size: the slice, and the model that was pruned and trained for it alone.

    Scores are the macro-average F1 over the languages, in percentage points; ``low`` and ``high``
    are the ends of the 95 % interval of ``slice_minus_separate``, over the same sentences.
    """

    layers: int
    ffn: int
    num_parameters: int
    num_encoder_parameters: int
    separate_f1: float
    slice_f1: float
    slice_minus_separate: float
    low: float
    high: float
    slice_f1_by_language: dict[str, float]
    separate_f1_by_language: dict[str, float]
    n_by_language: dict[str, int]
    separate_training: ProcessCost
    slice_wall_s: float


class ElasticComparison(Strict):
    """The same data and seed for all of them.

    ``num_steps`` are those of the dense fine-tuning, and of each training after pruning;
    ``separate_cpu_s`` is the dense fine-tuning, once, and the pruning and training of each size.
    With ``num_elastic_steps`` the elastic training begins with the dense model, too, and the
    shares are those of both; without, it begins with the encoder and has ``num_steps``.
    """

    benchmark: Literal["elastic"] = "elastic"
    model: str
    data: str
    split: str
    languages: tuple[str, ...]
    num_steps: int
    num_elastic_steps: int | None = None
    seed: int
    elastic_options: dict[str, object]
    elastic_training: ProcessCost
    dense_training: ProcessCost
    separate_cpu_s: float
    share_of_separate_cpu: float
    share_of_separate_wall: float
    num_within_one_point: int
    sizes: tuple[ElasticSize, ...] = Field(min_length=1)


def elastic_table(result: ElasticComparison) -> Iterator[str]:
    """Show each size beside the model that was made for it alone."""
    counted = ", ".join(
        f"{tag} n = {count}" for tag, count in result.sizes[0].n_by_language.items()
    )
    yield (
        f"{result.model}, {result.data}, {result.split}: {counted}; seed {result.seed}, one seed. "
        f"{_trainings(result)} At most a point below: {result.num_within_one_point} of "
        f"{len(result.sizes)} sizes."
    )
    yield ""
    languages = result.languages
    yield (
        "| layers × neurons | parameters (M) | macro F1, made alone | macro F1, slice | difference "
        f"(95 %) | {' | '.join(f'{tag}, alone / slice' for tag in languages)} |"
    )
    yield "|" + "---|" * (5 + len(languages))
    for size in result.sizes:
        both = [
            f"{size.separate_f1_by_language[tag]:.1f} / {size.slice_f1_by_language[tag]:.1f}"
            for tag in languages
        ]
        yield (
            f"| {size.layers} × {size.ffn} | {size.num_parameters / 1e6:.1f} | "
            f"{size.separate_f1:.1f} | {size.slice_f1:.1f} | {size.slice_minus_separate:+.1f} "
            f"({size.low:+.1f} to {size.high:+.1f}) | {' | '.join(both)} |"
        )


def _trainings(result: ElasticComparison) -> str:
    dense, elastic = result.dense_training.cpu_s, result.elastic_training.cpu_s
    share, separate = f"{result.share_of_separate_cpu:.0%}", f"{result.separate_cpu_s:.0f}"
    if result.num_elastic_steps is None:
        return (
            f"{result.num_steps} steps each. The elastic training took {elastic:.0f} CPU seconds, "
            f"{share} of the others' {separate}, which begin with a dense model of as many steps "
            f"({dense:.0f})."
        )
    return (
        f"A fine-tuning of {result.num_steps} steps ({dense:.0f} CPU seconds); from there on the "
        f"one hand {result.num_elastic_steps} steps of all sizes ({elastic:.0f}), on the other "
        f"{result.num_steps} steps for each size. The one hand took {share} of the {separate} CPU "
        "seconds of the other, the fine-tuning counted in both."
    )
