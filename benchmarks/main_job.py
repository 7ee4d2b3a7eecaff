"""A whole recipe on real data through the command line, and its table from the run directory.

python -m benchmarks.main_job [RECIPE] [--out RUN]      writes results/<recipe>.json

Killed at any point, the same command with the same `--out` goes on; then the cost of the whole is
not known and left out.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.bench_trim import TINYGLOT
from benchmarks.places import PREFIX, text_of, working_directory
from benchmarks.processes import run_fresh
from benchmarks.provenance import Provenance
from benchmarks.schema import (
    LanguageScore,
    MainJob,
    ProcessCost,
    StageRow,
    StepTime,
    write_result,
)

if TYPE_CHECKING:
    from tinyglot.recipes import Run

RECIPE = Path(__file__).parent / "recipes" / "main-job-swa.yaml"
FIRST_SHAPE = "batch 1, length 32"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path, nargs="?", default=RECIPE)
    parser.add_argument("--out", type=Path, help="run directory; default: a temporary one")
    options = parser.parse_args()
    provenance = Provenance.now()
    with tempfile.TemporaryDirectory() as temporary:
        out = (options.out or Path(temporary) / "run").absolute()
        is_fresh = not out.exists()
        cost = run_recipe(options.recipe.absolute(), out)
        result = main_job(options.recipe, out, cost if is_fresh else None)
    path = write_result(options.recipe.stem, provenance, result)
    sys.stdout.write(path.read_text(encoding="utf-8"))


def run_recipe(recipe: Path, out: Path) -> ProcessCost:
    with working_directory() as directory:
        finished = run_fresh([*TINYGLOT, "run", recipe, "--out", out], directory=directory)
    sys.stderr.write(finished.stderr)
    if finished.returncode:
        raise SystemExit(finished.returncode)
    return finished.cost


def main_job(recipe: Path, directory: Path, cost: ProcessCost | None) -> MainJob:
    from tinyglot.recipes import Run, read_recipe

    run = Run(directory, read_recipe(recipe))
    records = run.records()
    versions = {record["method"]: record["version"] for record in records}
    stages = stage_rows(run)
    first, last = stages[0], stages[-1]
    rows = run.rows()
    return MainJob(
        recipe=recipe.name,
        recipe_sha256=recipe_hash(run, versions),
        method_versions=versions,
        model=run.recipe.model,
        data=str(run.recipe.data).removeprefix(PREFIX),
        text=text_of([path for paths in run.recipe.text.values() for path in paths]),
        languages=run.recipe.languages,
        metric=rows["metric"][0],
        split=rows["split"][0],
        latency_protocol=protocol(directory),
        stages=tuple(stages),
        steps=tuple(step_times(run)),
        weights_sha256={
            name: r["weights_sha256"] for name, r in zip(run.stages(), records, strict=True)
        },
        cost=cost,
        size_ratio_first_to_last=round(first.size_bytes / last.size_bytes, 2),
        latency_ratio_first_to_last=round(
            first.latency_ms_p50[FIRST_SHAPE] / last.latency_ms_p50[FIRST_SHAPE], 2
        ),
    )


def recipe_hash(run: "Run", versions: dict[str, Any]) -> str:
    resolved = (run.directory / "recipe.yaml").read_text(encoding="utf-8")
    content = resolved + json.dumps(versions, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def stage_rows(run: "Run") -> list[StageRow]:
    """Join sizes, latencies at every shape and scores."""
    from tinyglot.recipes import stage_facts
    from tinyglot.reports.stages import collect_series

    facts = stage_facts(run)
    (series,) = collect_series(run.rows(), facts)
    measured = json.loads((run.directory / "measure.json").read_text(encoding="utf-8"))
    rows = []
    for stage in series.stages:
        own = [row for row in measured if row["model"] == stage.name]
        scores = {
            tag: LanguageScore(
                value=round(score.value, 4),
                low=round(score.low or 0.0, 4),
                high=round(score.high or 0.0, 4),
                n=score.n,
            )
            for tag, score in stage.scores.items()
        }
        average = stage.macro_average
        rows.append(
            StageRow(
                stage=stage.name,
                format=own[0]["format"],
                num_parameters=stage.facts["num_parameters"],
                num_embedding_parameters=stage.facts["num_embedding_parameters"],
                size_bytes=stage.facts["size_bytes"],
                latency_ms_p50={shape(row): round(row["latency_ms_p50"], 2) for row in own},
                peak_memory_bytes=own[0]["peak_memory_bytes"],
                scores=scores,
                macro_average=None if average is None else round(average, 4),
                worst_language=stage.worst_language,
            )
        )
    return rows


def shape(row: dict[str, Any]) -> str:
    return f"batch {row['batch']}, length {row['length']}"


def protocol(directory: Path) -> dict[str, int | str]:
    row = json.loads((directory / "measure.json").read_text(encoding="utf-8"))[0]
    return {key: row[key] for key in ("device", "threads", "n", "warmup")}


def step_times(run: "Run") -> list[StepTime]:
    """Read how long each step took; who ran it is in the same files and stays there."""
    paths = {name: path.parent / "timing.json" for name, path in run.stages().items()}
    return [
        StepTime(step=name, wall_s=json.loads(path.read_text(encoding="utf-8"))["seconds"])
        for name, path in paths.items()
    ]


if __name__ == "__main__":
    main()
