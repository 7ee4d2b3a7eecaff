"""The facts of a run that reports show."""

from itertools import chain
from pathlib import Path
from typing import Any

from tinyglot.checkpoints.bundled import BUNDLED_LICENSE, BUNDLED_ORIGIN
from tinyglot.checkpoints.locate import BUNDLED_PREFIX, locate_checkpoint
from tinyglot.data.synthetic import is_synthetic
from tinyglot.files import read_json
from tinyglot.measure import size_of
from tinyglot.recipes.downstream.checks import SOURCE
from tinyglot.recipes.inputs import data_of
from tinyglot.recipes.run import Run
from tinyglot.reports.downstream import KEY


def all_stages(run: Run) -> dict[str, Path]:
    """List every artefact of a run, the source first and the export last.

    Args:
        run: A run.

    Returns:
        Directory by stage name.
    """
    stages = {SOURCE: locate_checkpoint(run.recipe.model, run.recipe.revision), **run.stages()}
    if (run.export / "export.json").exists():
        stages[run.export.name] = run.export
    return stages


def stage_facts(run: Run) -> list[dict[str, Any]]:
    """Sum up every artefact of a run: parameters, bytes, latency, scores on downstream tasks.

    Args:
        run: A run.

    Returns:
        One mapping a stage, in order.
    """
    path = run.directory / "measure.json"
    # of several shapes the first one stands for the stage
    latency = {row["model"]: row for row in reversed(read_json(path) if path.exists() else [])}
    scored = _downstream(run).get("stages", {})
    return [
        {**size_of(directory).as_dict(), **latency.get(name, {}), "name": name}
        | ({KEY: scored[name]} if name in scored else {})
        for name, directory in all_stages(run).items()
    ]


def _downstream(run: Run) -> dict[str, Any]:
    path = run.downstream_summary
    return dict(read_json(path)) if path.exists() else {}


def report_facts(run: Run) -> dict[str, Any]:
    """Collect what a report says beside numbers.

    Args:
        run: A run.

    Returns:
        The recipe, the steps' records, and where model and data came from.
    """
    recipe = run.recipe
    labelled = recipe.downstream.tasks.values() if recipe.downstream else ()
    sources = [*chain.from_iterable(recipe.text.values()), data_of(recipe) or ""]
    sources += [options.data or "" for options in labelled]
    facts: dict[str, Any] = {
        "recipe": recipe.model_dump(mode="json", serialize_as_any=True),
        "records": run.records(),
        "synthetic": any(map(is_synthetic, sources)),
        "slim": "slim" in read_json(run.final / "config.json"),
    }
    found = _downstream(run)
    if found:
        facts |= {
            "interval": found["interval"],
            "not_measured": [f"Left out: {line}." for line in found["left_out"]],
        }
    if recipe.model.startswith(BUNDLED_PREFIX):
        facts |= {"base_model": BUNDLED_ORIGIN, "license": BUNDLED_LICENSE}
    return facts
