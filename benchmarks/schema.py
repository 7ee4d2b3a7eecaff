"""What a file of results/ may hold: one pydantic model, units in the keys, unknown keys refused."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmarks.elastic_plain_result import ElasticPlain
from benchmarks.elastic_result import ElasticComparison
from benchmarks.extreme_cost_result import ExtremeCost
from benchmarks.mask_result import MaskOverheads
from benchmarks.provenance import Provenance
from benchmarks.slim_result import Slim
from benchmarks.sparse_result import Sparse
from benchmarks.strict import ProcessCost, Strict
from benchmarks.studies_schema import Study, StudyFindings
from benchmarks.unit_pruning_result import UnitPruning
from benchmarks.width_reduction_result import WidthReduction

RESULTS = Path(__file__).parent / "results"
SCHEMA_VERSION = 1


class Text(Strict):
    """Raw text that was counted, by its folders below the data directory."""

    folders: tuple[str, ...]
    num_languages: int
    size_bytes: int


class Trim(Strict):
    """`tinyglot compress` with all of the text, in fresh processes."""

    benchmark: Literal["trim"] = "trim"
    model: str
    text: Text
    num_rows_before: int
    num_rows_after: int
    runs: tuple[ProcessCost, ...] = Field(min_length=1)
    phases_s: dict[str, float]
    phases_cpu_s: dict[str, float]


class PeerRun(Strict):
    """One tool on one text: what it took, or why it did not get to the end."""

    tool: str
    versions: dict[str, str]
    outcome: Literal["finished", "failed", "stopped"]
    error: str | None
    adaptation: tuple[str, ...]
    text: Text
    num_rows_after: int | None
    cost: ProcessCost


class TrimPeers(Strict):
    """The same model directory and the same text, trimmed by several tools in turn."""

    benchmark: Literal["trim_peers"] = "trim_peers"
    model: str
    num_rows_before: int
    limit_s: float
    runs: tuple[PeerRun, ...] = Field(min_length=1)


class StepBlock(Strict):
    """Some steps in a row by one of the two trainers.

    ``other_load`` is the share of all cores that everything else on the machine took meanwhile.
    """

    trainer: Literal["active", "plain"]
    num_steps: int
    num_tokens: int
    wall_s: float
    cpu_s: float
    other_load: float | None


class StepComparison(Strict):
    """Both trainers on the same batches, block by block in turn, each in a process of its own.

    Of all pairs of blocks, the ones with the least other load are counted. ``steps_peak`` ends
    with the last step; ``peak`` includes what follows: the active rows are put back into a copy of
    the full model. ``base`` is the process after its imports.
    """

    batch: int
    num_threads: int
    mean_tokens_per_step: float
    num_pairs: int
    num_pairs_counted: int
    max_other_load: float | None
    active_tokens_per_s: float
    plain_tokens_per_s: float
    throughput_ratio_median: float
    throughput_ratio_min: float
    throughput_ratio_max: float
    cpu_ratio: float
    num_steps: int
    max_loss_difference: float
    first_loss: float
    last_loss: float
    active_rows: int
    plain_rows: int
    active_steps_peak_memory_bytes: int
    plain_steps_peak_memory_bytes: int
    active_peak_memory_bytes: int
    plain_peak_memory_bytes: int
    base_memory_bytes: int
    blocks: tuple[StepBlock, ...]


class TrainingStep(Strict):
    """Fine-tuning step: active vocabulary against the Trainer as it comes."""

    benchmark: Literal["training_step"] = "training_step"
    model: str
    data: str
    precision: str
    plain_optimizer: str
    comparisons: tuple[StepComparison, ...] = Field(min_length=1)


class LanguageScore(Strict):
    """F1 of one language with its 95 % interval over sentences."""

    value: float
    low: float
    high: float
    n: int


class StageRow(Strict):
    """One stage of a job."""

    stage: str
    format: str
    num_parameters: int
    num_embedding_parameters: int
    size_bytes: int
    latency_ms_p50: dict[str, float]
    peak_memory_bytes: int | None
    scores: dict[str, LanguageScore]
    macro_average: float | None
    worst_language: str | None


class StepTime(Strict):
    """Wall time of one step of a recipe."""

    step: str
    wall_s: float


class MainJob(Strict):
    """A whole recipe on real data, from its run directory."""

    benchmark: Literal["main_job"] = "main_job"
    recipe: str
    recipe_sha256: str
    method_versions: dict[str, int | str]
    model: str
    data: str
    text: Text
    languages: tuple[str, ...]
    metric: str
    split: str
    latency_protocol: dict[str, int | str]
    stages: tuple[StageRow, ...] = Field(min_length=2)
    steps: tuple[StepTime, ...]
    weights_sha256: dict[str, str]
    cost: ProcessCost | None
    size_ratio_first_to_last: float
    latency_ratio_first_to_last: float


class ScoreRow(Strict):
    """One language on one test set, with its 95 % interval over examples."""

    language: str
    split: str
    perturbation: str
    metric: str
    value: float
    low: float
    high: float
    n: int


class TaskScores(Strict):
    """A task on real data: what was trained on, and every language's scores."""

    benchmark: Literal["tasks"] = "tasks"
    recipe: str | None
    recipe_sha256: str | None
    model: str
    task: str
    data: str
    trained_on: tuple[str, ...]
    task_options: dict[str, str | int | float | bool]
    facts: dict[str, Any]
    rows: tuple[ScoreRow, ...] = Field(min_length=1)
    cost: ProcessCost | None


class Comparison(Strict):
    """What `tinyglot compare --json` printed of one small model, and its exit code."""

    small: str
    exit_code: Literal[0, 1, 3]
    report: Any


class Comparisons(Strict):
    """A fine-tuned tagger against a damaged copy and against itself."""

    benchmark: Literal["compare"] = "compare"
    model: str
    data: str
    max_drop_points: float
    pruned_share: float
    comparisons: tuple[Comparison, ...]


class EvaluationRound(Strict):
    """Bare forward passes of all batches, then the evaluation that runs the same ones."""

    bare_wall_s: float
    bare_cpu_s: float
    evaluated_wall_s: float
    evaluated_cpu_s: float


class Evaluation(Strict):
    """Evaluating a tagger against the bare forward passes, and intervals."""

    benchmark: Literal["evaluation"] = "evaluation"
    model: str
    data: str
    num_sentences: int
    num_tokens: int
    num_threads: int
    cpu_ratio_median: float
    rounds: tuple[EvaluationRound, ...] = Field(min_length=1)
    bootstrap: tuple[dict[str, str | int | float], ...]


class Int8Scheme(Strict):
    """One way to store weights in 8 bits.

    ``one_minus_cosine`` is between its hidden states and those of the float graph, mean over the
    tokens of each language; ``change_with_batch`` between its own, of lines alone and in a batch,
    mean over languages.
    """

    scheme: str
    settings: dict[str, str]
    size_bytes: int
    one_minus_cosine: dict[str, float]
    change_with_batch: float
    latency_ms_p50: dict[str, float]


class Int8(Strict):
    """The same graph rounded in several ways, the float one first."""

    benchmark: Literal["int8"] = "int8"
    model: str
    num_lines: int
    num_tokens: int
    batch: int
    latency_protocol: dict[str, int]
    schemes: tuple[Int8Scheme, ...] = Field(min_length=2)


class LayerDropping(Strict):
    """Retrieval after each strategy of layer dropping, without training."""

    benchmark: Literal["layer_dropping"] = "layer_dropping"
    influence: dict[str, list[float]]
    rows: tuple[dict[str, Any], ...]


class TrimmedLanguage(Strict):
    """A language's tokens after trimming, and held-out lines before and after."""

    language: str
    num_distinct_tokens: int
    num_chosen_tokens: int
    num_kept_tokens: int
    token_coverage: float
    num_held_out_lines: int
    fertility_before: float
    fertility_after: float
    unk_rate_before: float
    unk_rate_after: float


class TrimmedAlone(Strict):
    """Trimmed for one language with all of its text."""

    text_bytes: int
    num_rows: int
    num_parameters: int
    language: TrimmedLanguage


class TrimmedJointly(Strict):
    """Trimmed for several languages under limits."""

    options: dict[str, Any]
    num_rows: int
    num_parameters: int
    languages: tuple[TrimmedLanguage, ...]


class TrimmedOtherDomain(Strict):
    """Chosen on one kind of text, judged on another."""

    language: str
    chosen_on: str
    judged_on: str
    options: dict[str, Any]
    num_rows: int
    num_lines: int
    fertility_before: float
    fertility_after: float
    unk_rate_before: float
    unk_rate_after: float
    unchanged_lines_share: float
    num_embedded: int
    cosine_mean: float
    cosine_p05: float


class VocabularyTrimming(Strict):
    """What vocabulary trimming leaves, and what it costs each language, without training."""

    benchmark: Literal["vocabulary_trimming"] = "vocabulary_trimming"
    model: str
    num_rows_before: int
    num_parameters_before: int
    alone: tuple[TrimmedAlone, ...]
    joint: tuple[TrimmedJointly, ...]
    other_domain: tuple[TrimmedOtherDomain, ...]


Result = Annotated[
    Study
    | StudyFindings
    | Trim
    | TrimPeers
    | TrainingStep
    | MainJob
    | TaskScores
    | Comparisons
    | Int8
    | LayerDropping
    | Evaluation
    | VocabularyTrimming
    | Slim
    | Sparse
    | ElasticComparison
    | ElasticPlain
    | UnitPruning
    | WidthReduction
    | ExtremeCost
    | MaskOverheads,
    Field(discriminator="benchmark"),
]


class ResultFile(Strict):
    """A file of results/."""

    schema_version: Literal[1] = SCHEMA_VERSION
    provenance: Provenance
    result: Result


def read_result(path: Path) -> ResultFile:
    return ResultFile.model_validate_json(path.read_text(encoding="utf-8"))


def write_result(name: str, provenance: Provenance, result: Result) -> Path:
    path = RESULTS / f"{name}.json"
    content = ResultFile(provenance=provenance, result=result).model_dump_json(indent=1)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(content + "\n", encoding="utf-8")
    temporary.replace(path)
    return path
