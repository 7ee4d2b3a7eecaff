"""Writes the tables of README.md from results/, between its two markers.

python -m benchmarks.tables
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.compare_tables import compare_table
from benchmarks.elastic_plain_result import ElasticPlain, elastic_plain_table
from benchmarks.elastic_result import ElasticComparison, elastic_table
from benchmarks.extreme_cost_result import ExtremeCost, extreme_cost_table
from benchmarks.mask_result import MaskOverheads, mask_table
from benchmarks.schema import (
    RESULTS,
    Comparisons,
    Evaluation,
    Int8,
    Int8Scheme,
    LayerDropping,
    MainJob,
    PeerRun,
    ProcessCost,
    ResultFile,
    TaskScores,
    TrainingStep,
    Trim,
    TrimPeers,
    VocabularyTrimming,
    read_result,
)
from benchmarks.slim_result import Slim, slim_table
from benchmarks.sparse_result import Sparse, sparse_table
from benchmarks.studies_schema import Study, StudyFindings
from benchmarks.studies_tables import findings_table, study_table
from benchmarks.tasks_tables import tasks_table
from benchmarks.trimming_tables import trimming_tables
from benchmarks.unit_pruning_result import UnitPruning, unit_pruning_table
from benchmarks.width_reduction_result import WidthReduction, width_reduction_table

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- begin: python -m benchmarks.tables -->", "<!-- end -->"
MIB = 2**20


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(with_tables(text), encoding="utf-8")


def with_tables(text: str) -> str:
    """Replace what is between the markers."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{render()}\n{END}{tail}"


def render() -> str:
    """Show every file of results/, the same for the same files."""
    files = {path.stem: read_result(path) for path in sorted(RESULTS.glob("*.json"))}
    return "\n".join(line for name, file in files.items() for line in _section(name, file))


def _section(name: str, file: ResultFile) -> Iterator[str]:
    yield f"### {name}.json"
    yield ""
    yield from _RENDERERS[type(file.result)](file.result)
    yield ""
    yield _origin(file)
    yield ""


def _origin(file: ResultFile) -> str:
    origin, machine = file.provenance, file.provenance.machine
    packages = ", ".join(
        f"{name} {origin.packages[name]}" for name in ("torch", "transformers", "onnxruntime")
    )
    changed = " with changes" if origin.git_dirty else ""
    return (
        f"{machine.processor}, {machine.num_cores} cores, {', '.join(machine.instructions)}, "
        f"{machine.memory_bytes / 2**30:.0f} GiB; {packages}; "
        f"commit {origin.git_commit[:7]}{changed}; {origin.date}."
    )


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


# --- trim ----------------------------------------------------------------------------------------


def _trim(result: Trim) -> Iterator[str]:
    yield (
        f"`tinyglot compress {result.model}` over {result.text.num_languages} languages, "
        f"{result.text.size_bytes / 1e6:.0f} MB: {result.num_rows_before:,} rows become "
        f"{result.num_rows_after:,}. One row a fresh process, n = {len(result.runs)}."
    )
    yield ""
    yield from _table(
        ["run", *_COST_HEAD], [[str(n + 1), *_cost(c)] for n, c in enumerate(result.runs)]
    )
    yield ""
    phases = sorted(result.phases_s, key=lambda name: -result.phases_s[name])
    told = (
        f"{name} {result.phases_s[name]:.1f} ({result.phases_cpu_s[name]:.1f})" for name in phases
    )
    yield f"Seconds by phase, one more run, CPU in brackets: {', '.join(told)}."


_COST_HEAD = ["wall s", "user s", "system s", "others' CPU s", "peak MiB"]


def _cost(cost: ProcessCost) -> list[str]:
    others = "?" if cost.other_cpu_s is None else f"{cost.other_cpu_s:.1f}"
    return [
        f"{cost.wall_s:.1f}",
        f"{cost.user_cpu_s:.1f}",
        f"{cost.system_cpu_s:.1f}",
        others,
        f"{cost.peak_memory_bytes / MIB:,.0f}",
    ]


def _trim_peers(result: TrimPeers) -> Iterator[str]:
    yield (
        f"The same model ({result.model}) and text for each, one after the other; at most "
        f"{result.limit_s:.0f} s."
    )
    yield ""
    head = ["text", "tool", "outcome", "rows left", *_COST_HEAD]
    yield from _table(head, [_peer(run) for run in result.runs])
    yield ""
    tools = {run.tool: run for run in sorted(result.runs, key=lambda run: len(run.versions))}
    for run in tools.values():
        if run.adaptation:
            yield f"- {run.tool} {run.versions.get(run.tool, '')}: {'; '.join(run.adaptation)}."


def _peer(run: PeerRun) -> list[str]:
    text = f"{run.text.num_languages} languages, {run.text.size_bytes / 1e6:.1f} MB"
    rows = "" if run.num_rows_after is None else f"{run.num_rows_after:,}"
    return [text, run.tool, run.outcome, rows, *_cost(run.cost)]


# --- training ------------------------------------------------------------------------------------


def _training_step(result: TrainingStep) -> Iterator[str]:
    yield (
        f"{result.model} with a new head, {result.data}, {result.precision}; plain: "
        f"{result.plain_optimizer}. Median (min–max) over pairs of blocks."
    )
    yield ""
    head = ["batch", "threads", "tokens a step", "active tokens/s", "plain tokens/s", "ratio"]
    head += ["CPU ratio", "pairs", "others' load", "largest difference of a loss"]
    yield from _table(
        head,
        [
            [
                str(row.batch),
                str(row.num_threads),
                f"{row.mean_tokens_per_step:.0f}",
                f"{row.active_tokens_per_s:,.0f}",
                f"{row.plain_tokens_per_s:,.0f}",
                f"**{row.throughput_ratio_median:.2f}** "
                f"({row.throughput_ratio_min:.2f}–{row.throughput_ratio_max:.2f})",
                f"{row.cpu_ratio:.2f}",
                f"{row.num_pairs_counted} of {row.num_pairs}",
                "?" if row.max_other_load is None else f"≤ {row.max_other_load:.0%}",
                f"{row.max_loss_difference:.1e} in {row.num_steps} steps",
            ]
            for row in result.comparisons
        ],
    )
    yield ""
    head = ["batch", "threads", "rows", "peak in the steps, MiB", "peak, MiB", "after imports, MiB"]
    yield from _table(
        head,
        [
            [
                str(row.batch),
                str(row.num_threads),
                f"{row.active_rows:,} against {row.plain_rows:,}",
                _both(row.active_steps_peak_memory_bytes, row.plain_steps_peak_memory_bytes),
                _both(row.active_peak_memory_bytes, row.plain_peak_memory_bytes),
                f"{row.base_memory_bytes / MIB:,.0f}",
            ]
            for row in result.comparisons
        ],
    )


def _both(active: int, plain: int) -> str:
    return f"{active / MIB:,.0f} against {plain / MIB:,.0f}"


# --- jobs ----------------------------------------------------------------------------------------


def _main_job(result: MainJob) -> Iterator[str]:
    n = {score.n for stage in result.stages for score in stage.scores.values()}
    steps = ", ".join(f"{step.step} {step.wall_s:.0f} s" for step in result.steps)
    yield (
        f"`{result.recipe}` on {result.data} and {', '.join(result.text.folders)} "
        f"({result.text.size_bytes / 1e6:.1f} MB): {result.metric.upper()} on {result.split}, "
        f"n = {', '.join(f'{value:,}' for value in sorted(n))} sentences a language, 1 seed, 95 % "
        f"interval over sentences; latency p50 on {result.latency_protocol['threads']} thread(s), "
        f"n = {result.latency_protocol['n']}."
    )
    yield ""
    shapes = list(result.stages[0].latency_ms_p50)
    languages = list(result.languages)
    head = ["stage", "format", "M parameters", "MiB", *(f"ms, {shape}" for shape in shapes)]
    head += [*languages, "macro", "worst"] if len(languages) > 1 else languages
    yield from _table(head, [_stage(stage, languages) for stage in result.stages])
    yield ""
    yield (
        f"First to last: {result.size_ratio_first_to_last:.1f}x smaller, "
        f"{result.latency_ratio_first_to_last:.1f}x lower latency at {shapes[0]}. Steps: {steps}."
    )
    if result.cost:
        told = ", ".join(
            f"{key} {cell}" for key, cell in zip(_COST_HEAD, _cost(result.cost), strict=True)
        )
        yield f"The whole command: {told}."


def _stage(stage: Any, languages: list[str]) -> list[str]:
    scores = [stage.scores.get(tag) for tag in languages]
    cells = [
        stage.stage,
        stage.format,
        f"{stage.num_parameters / 1e6:.1f}",
        f"{stage.size_bytes / MIB:,.1f}",
        *(f"{value:.1f}" for value in stage.latency_ms_p50.values()),
        *(f"{s.value:.3f} ({s.low:.3f}–{s.high:.3f})" if s else "" for s in scores),
    ]
    if len(languages) > 1:
        average = stage.macro_average
        cells += ["" if average is None else f"{average:.3f}", stage.worst_language or ""]
    return cells


def int8_table(result: Int8) -> Iterator[str]:
    """Show the schemes; also in the card of the exports."""
    tags = list(result.schemes[0].one_minus_cosine)
    yield (
        f"`{result.model}`, {len(tags)} languages with {result.num_lines} lines each, "
        f"{result.num_tokens:,} tokens, batches of {result.batch} lines. 1 - cosine: of the last "
        "hidden states to those in float32. Change with the batch: the same of lines in a batch "
        f"to the lines alone. Latency p50 in ms, {result.latency_protocol['threads']} thread, "
        f"n = {result.latency_protocol['n']}, all in turn."
    )
    yield ""
    shapes = list(result.schemes[0].latency_ms_p50)
    head = ["scheme", "MiB", "1 - cosine", "worst language", "change with the batch", *shapes]
    yield from _table(head, [_int8_scheme(scheme) for scheme in result.schemes])


def _int8_scheme(scheme: Int8Scheme) -> list[str]:
    error = scheme.one_minus_cosine
    worst = max(error, key=lambda tag: error[tag])
    return [
        scheme.scheme,
        f"{scheme.size_bytes / MIB:,.1f}",
        f"{sum(error.values()) / len(error):.5f}",
        f"{error[worst]:.5f} ({worst})",
        f"{scheme.change_with_batch:.5f}",
        *(f"{value:.1f}" for value in scheme.latency_ms_p50.values()),
    ]


def _layer_dropping(result: LayerDropping) -> Iterator[str]:
    yield "Accuracy of retrieving the English translation (Tatoeba), no training after the cut."
    yield ""
    tags = list(result.rows[0]["accuracy"])
    n = result.rows[0]["n"]
    head = ["strategy", "layers", *(f"{tag} (n = {n[tag]})" for tag in tags), "macro", "worst"]
    yield from _table(
        head,
        [
            [
                row["strategy"],
                str(row["num_layers"]),
                *(f"{row['accuracy'][tag]:.3f}" for tag in tags),
                f"{row['macro_average']:.3f}",
                row["worst_language"],
            ]
            for row in result.rows
        ],
    )


def _unit_pruning(result: UnitPruning) -> Iterator[str]:
    yield from unit_pruning_table(result, "head_pruning")
    yield ""
    yield from unit_pruning_table(result, "ffn_pruning")


def _evaluation(result: Evaluation) -> Iterator[str]:
    yield (
        f"{result.model} with a new head, {result.data}: {result.num_sentences:,} sentences, "
        f"{result.num_tokens:,} tokens, {result.num_threads} thread(s). Evaluated takes "
        f"**{result.cpu_ratio_median:.2f}** times the CPU of the bare forward passes (median of "
        f"{len(result.rounds)}); it encodes, decodes, counts and draws 10,000 resamples besides."
    )
    yield ""
    head = ["round", "bare CPU s", "evaluated CPU s", "ratio", "bare wall s", "evaluated wall s"]
    yield from _table(
        head,
        [
            [
                str(number + 1),
                f"{r.bare_cpu_s:.1f}",
                f"{r.evaluated_cpu_s:.1f}",
                f"{r.evaluated_cpu_s / r.bare_cpu_s:.2f}",
                f"{r.bare_wall_s:.1f}",
                f"{r.evaluated_wall_s:.1f}",
            ]
            for number, r in enumerate(result.rounds)
        ],
    )
    yield ""
    head = ["bootstrap of counts", "examples", "kinds", "resamples", "CPU s", "one by one, CPU s"]
    yield from _table(
        [*head, "ratio"],
        [
            [
                row["counts_of"],
                f"{row['num_examples']:,}",
                f"{row['num_kinds']:,}",
                f"{row['num_resamples']:,}",
                f"{row['cpu_s']:.2f}",
                f"{row['multinomial_cpu_s']:.2f}",
                f"{row['multinomial_cpu_s'] / row['cpu_s']:.0f}x",
            ]
            for row in result.bootstrap
        ],
    )


_RENDERERS: dict[type, Callable[[Any], Iterator[str]]] = {
    Study: study_table,
    StudyFindings: findings_table,
    Trim: _trim,
    TrimPeers: _trim_peers,
    TrainingStep: _training_step,
    MainJob: _main_job,
    TaskScores: tasks_table,
    Comparisons: compare_table,
    Int8: int8_table,
    LayerDropping: _layer_dropping,
    UnitPruning: _unit_pruning,
    WidthReduction: width_reduction_table,
    Evaluation: _evaluation,
    VocabularyTrimming: trimming_tables,
    Slim: slim_table,
    ElasticComparison: elastic_table,
    ElasticPlain: elastic_plain_table,
    Sparse: sparse_table,
    MaskOverheads: mask_table,
    ExtremeCost: extreme_cost_table,
}


if __name__ == "__main__":
    main()
