"""What `bench_elastic` found: one elastic checkpoint against models that were made one by one."""

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
    """The same data, seed and number of steps for all of them.

    ``separate_cpu_s`` is the dense fine-tuning, once, and the pruning and training of each size.
    """

    benchmark: Literal["elastic"] = "elastic"
    model: str
    data: str
    split: str
    languages: tuple[str, ...]
    num_steps: int
    seed: int
    elastic_options: dict[str, object]
    elastic_training: ProcessCost
    dense_training: ProcessCost
    separate_cpu_s: float
    share_of_separate_cpu: float
    share_of_separate_wall: float
    num_within_one_point: int
    sizes: tuple[ElasticSize, ...] = Field(min_length=1)
