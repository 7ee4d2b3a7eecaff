"""One cell: run its recipe in ``work/<key>`` and give back what is filed of it."""

import time
from pathlib import Path
from typing import Any

import polars as pl
import torch

from tinyglot.errors import RunDirectoryError
from tinyglot.files import locked, read_json
from tinyglot.recipes import Run, Shared, parse_recipe, run_recipe
from tinyglot.recipes.scoring import confusion_file
from tinyglot.studies.provenance import processor, provenance
from tinyglot.studies.shapes.work import measure_job
from tinyglot.studies.store import Store
from tinyglot.studies.structured.masks import with_packed_masks
from tinyglot.studies.training_data import about_data, data_digests
from tinyglot.training import Trunk
from tinyglot.training.corpus import CORPORA

_NAME = ("model", "seed")
_KEPT = ("method", "version", "facts", "size", "weights_sha256")
_CORPORA_KEPT = 2  # cells that differ in pruning only share theirs
_FEW_UNITS = 2000  # heads, not neurons: those would be most of a store
_PATIENCE_S = 60.0
_SECONDS_BETWEEN_LOOKS = 0.5


def run_job(payload: dict[str, Any]) -> dict[str, Any]:
    """Run a cell; go on where it was left. Called in worker processes.

    Writes nothing outside its own ``work/<key>`` and, as whole files, ``shared/``.

    Args:
        payload: ``study``, ``key``, ``coordinates``, ``recipe`` with the data's place,
            ``dataset`` (their public name), ``directory`` of the study, ``num_threads``,
            ``trunks``: by position of a step, directory and step of what is shared, and
            ``prefixes``: by position of a step, the directory of the finished step.

    Returns:
        ``steps``, ``rows``, ``confusion``, ``provenance``, ``data`` and ``timing``, as JSON values;
        of a cell of shapes (``shapes``) as ``measure_job`` gives them.

    Raises:
        TinyglotError: Whatever a step refuses.
    """
    if "shapes" in payload:
        return measure_job(payload)
    torch.set_num_threads(payload["num_threads"])
    CORPORA.limit = _CORPORA_KEPT
    recipe = parse_recipe(payload["recipe"])
    store = Store(Path(payload["directory"]))
    directory = store.work(payload["key"])
    was_resumed = (directory / "recipe.yaml").exists()
    _wait_until_free(directory)
    started = time.perf_counter()
    prefixes = {int(place): Path(path) for place, path in payload["prefixes"].items()}
    shared = Shared(store.shared / "perturbed", prefixes)
    run = run_recipe(recipe, directory, trunks=_trunks(payload), shared=shared, scores_only=True)
    seconds = time.perf_counter() - started
    records = [
        {name: record[name] for name in _KEPT}
        | {"facts": with_packed_masks(record["facts"])}
        | _importance(run, position)
        for position, record in enumerate(run.records())
    ]
    return {
        "steps": records,
        "rows": _rows(run, payload),
        "confusion": _confusion(run),
        "provenance": provenance(payload["num_threads"]).model_dump(mode="json"),
        "data": data_digests(recipe),
        "timing": {
            "seconds": round(seconds, 3),
            "num_steps": sum(record["facts"].get("num_steps", 0) for record in records),
            "num_threads": payload["num_threads"],
            "was_resumed": was_resumed,
            "machine": processor(),
        },
    }


def _importance(run: Run, position: int) -> dict[str, Any]:
    """Take the importance of units from a step's plan, if it measured that of a few."""
    plan = read_json(run.step_directory(position) / "plan.json")
    layers = plan.get("importance") or ()
    is_of_units = bool(layers) and all(isinstance(layer, list) for layer in layers)
    if not is_of_units or sum(map(len, layers)) > _FEW_UNITS:
        return {}
    return {"importance": [[float(f"{one:.4g}") for one in layer] for layer in layers]}


def _trunks(payload: dict[str, Any]) -> dict[int, Trunk]:
    return {
        int(position): Trunk(Path(trunk["directory"]), trunk["step"])
        for position, trunk in payload["trunks"].items()
    }


def _wait_until_free(directory: Path) -> None:
    """Let a worker of a killed driver end first; it does as soon as it looks up."""
    until = time.monotonic() + _PATIENCE_S
    while directory.exists():
        try:
            with locked(directory):
                return
        except RunDirectoryError:
            if time.monotonic() > until:
                raise
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def _rows(run: Run, payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Take the scores of the last checkpoint into the long form of studies."""
    rows = run.rows()
    if rows.is_empty():
        return []
    last = rows.filter(pl.col("model") == rows["model"][-1])
    about = about_data(run.recipe)
    place = {"study": payload["study"], "key": payload["key"], **payload["coordinates"]}
    return [
        {**{k: v for k, v in row.items() if k not in _NAME}, **place}
        | {"dataset": payload["dataset"]}
        | _known(row, about[row["language"]])
        for row in last.to_dicts()
    ]


def _confusion(run: Run) -> dict[str, Any] | None:
    """Take the counts of tags of the last checkpoint, if there are any."""
    rows = run.rows()
    path = confusion_file(run, rows["model"][-1]) if rows.height else None
    return read_json(path) if path is not None and path.exists() else None


def _known(row: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    """Leave out of perturbed rows what was measured on the data as they were."""
    if row["perturbation"] == "none":
        return about
    return {**about, "train_overlap": None, "entity_overlap": None}
