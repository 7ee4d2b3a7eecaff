"""One task on real data: fine-tuned by a recipe, every language with its interval.

python -m benchmarks.tasks RECIPE [--out RUN]      writes results/<recipe>.json
python -m benchmarks.tasks --retrieval             no training: results/tasks-retrieval.json

Named entities are besides replaced, in the language, in its script and in its family, and scored
again. Killed at any point, the same command with the same `--out` goes on.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench_trim import TINYGLOT
from benchmarks.main_job import recipe_hash, run_recipe
from benchmarks.places import PREFIX, working_directory
from benchmarks.processes import run_fresh
from benchmarks.provenance import Provenance
from benchmarks.schema import ScoreRow, TaskScores, write_result

if TYPE_CHECKING:
    import polars as pl

    from tinyglot.recipes import Run

SCOPES = ("in-language", "in-script", "in-family")
RETRIEVAL_DATA = f"{PREFIX}retrieval/tatoeba"
RETRIEVAL_LANGUAGES = (
    *("afr", "amh", "arb", "ben", "deu", "ell", "eus", "fin", "fra", "gle"),
    *("heb", "hin", "ind", "jpn", "kat", "kaz", "khm", "kor", "mar", "swh"),
    *("tam", "tel", "tha", "tur", "urd", "vie", "zho"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path, nargs="?")
    parser.add_argument("--retrieval", action="store_true")
    parser.add_argument("--out", type=Path, help="run directory; default: a temporary one")
    options = parser.parse_args()
    provenance = Provenance.now()
    with tempfile.TemporaryDirectory() as temporary, working_directory():
        if options.retrieval:
            name, result = "tasks-retrieval", retrieval()
        else:
            out = (options.out or Path(temporary) / "run").absolute()
            name, result = options.recipe.stem, trained(options.recipe.absolute(), out)
    path = write_result(name, provenance, result)
    sys.stdout.write(path.read_text(encoding="utf-8"))


def trained(recipe: Path, out: Path) -> TaskScores:
    from tinyglot.recipes import Run, read_recipe

    is_fresh = not out.exists()
    cost = run_recipe(recipe, out)
    run = Run(out, read_recipe(recipe))
    (record,) = run.records()
    frames = [run.rows(), *(perturbed(run) if run.recipe.task == "ner" else ())]
    return TaskScores(
        recipe=recipe.name,
        recipe_sha256=recipe_hash(run, {record["method"]: record["version"]}),
        model=run.recipe.model,
        task=str(run.recipe.task),
        data=str(run.recipe.data).removeprefix(PREFIX),
        trained_on=run.recipe.languages,
        task_options=run.recipe.task_options,
        facts=record["facts"],
        rows=tuple(row for frame in frames for row in score_rows(frame)),
        cost=cost if is_fresh else None,
    )


def perturbed(run: "Run") -> Iterator["pl.DataFrame"]:
    """Replace the names of the test sentences in every scope, and score the last checkpoint."""
    import tinyglot

    settings = run.recipe.evaluate
    assert settings is not None
    languages = [part for tag in settings.languages for part in ("--language", tag)]
    for scope in SCOPES:
        data = run.directory.parent / f"{run.directory.name}-{scope}"
        if not data.exists():
            place = ["--scope", scope, "--split", "test", "--out", data]
            command = [*TINYGLOT, "data", "perturb", str(run.recipe.data), *languages, *place]
            made = run_fresh(command, directory=Path.cwd())
            sys.stderr.write(made.stderr)
            assert made.returncode == 0, scope
        yield tinyglot.evaluate(
            run.final,
            task="ner",
            data=data,
            languages=settings.languages,
            split=settings.split,
        )


def retrieval() -> TaskScores:
    """Find translations with the bundled encoder as it is, with the prefix that it expects."""
    import tinyglot

    task_options = {"prefix": "query: "}
    model = "bundled:multilingual-e5-small"
    rows = tinyglot.evaluate(
        model,
        task="retrieval",
        data=RETRIEVAL_DATA,
        languages=RETRIEVAL_LANGUAGES,
        task_options=task_options,
    )
    return TaskScores(
        recipe=None,
        recipe_sha256=None,
        model=model,
        task="retrieval",
        data=RETRIEVAL_DATA.removeprefix(PREFIX),
        trained_on=(),
        task_options=task_options,
        facts={},
        rows=tuple(score_rows(rows)),
        cost=None,
    )


def score_rows(rows: "pl.DataFrame") -> Iterator[ScoreRow]:
    for row in rows.iter_rows(named=True):
        kept = {key: row[key] for key in ("language", "split", "perturbation", "metric", "n")}
        yield ScoreRow(**kept, **{key: round(row[key], 4) for key in ("value", "low", "high")})


if __name__ == "__main__":
    main()
