"""`tinyglot ls`: what there is."""

from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from tinyglot.cli.output import print_json, print_lines

EPILOG = "Examples:\n\ntinyglot ls methods\n\ntinyglot ls languages --json"

# too long for a line
JSON_ONLY = frozenset({"splits", "citation", "note", "tags", "stock_shapes"})


class Listing(StrEnum):
    """What can be listed."""

    methods = "methods"
    tasks = "tasks"
    languages = "languages"
    recipes = "recipes"
    architectures = "architectures"
    datasets = "datasets"


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("ls", epilog=EPILOG)(ls)


def ls(
    what: Annotated[Listing, typer.Argument(help="what to list")],
    json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """List methods, tasks, languages, recipes, architectures or data sets."""
    rows = _LISTINGS[what]()
    if json:
        print_json(rows)
    else:
        shown = [[value for key, value in row.items() if key not in JSON_ONLY] for row in rows]
        print_lines(["  ".join(map(_cell, values)) for values in shown])


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _methods() -> list[dict[str, Any]]:
    from tinyglot.methods.registry import methods

    return [{"name": m.name, "version": m.version, "summary": m.summary} for m in methods()]


def _tasks() -> list[dict[str, Any]]:
    from tinyglot.tasks import tasks

    return [
        {
            "id": task.id,
            "metric": task.metrics[0].name,
            "metrics": [metric.name for metric in task.metrics],
            "options": asdict(task) if is_dataclass(task) else {},
            "summary": task.summary,
        }
        for task in tasks()
    ]


def _languages() -> list[dict[str, Any]]:
    from tinyglot.languages import languages

    return [
        {
            "tag": language.tag,
            "name": language.name,
            "script": language.script,
            "family": language.family,
            "resource_level": language.resource_level,
        }
        for language in languages()
    ]


def _recipes() -> list[dict[str, Any]]:
    from tinyglot.recipes import builtin_recipes

    return [
        {"name": name, "summary": path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")}
        for name, path in builtin_recipes().items()
    ]


def _architectures() -> list[dict[str, Any]]:
    from tinyglot.architectures import families, stock_shapes

    return [
        {
            "name": family.name,
            "model_types": list(family.model_types),
            "examples": list(family.examples),
            "stock_shapes": asdict(stock_shapes(family.name)),
            "stock": f"stock: {', '.join(stock_shapes(family.name).names())}",
        }
        for family in families()
    ]


def _datasets() -> list[dict[str, Any]]:
    from tinyglot.data.catalogue import catalogue

    return [
        {
            "id": entry.id,
            "task": entry.task,
            "name": entry.name,
            "num_languages": len(entry.languages),
            "made": entry.made,
            "licence": entry.licence,
            "hub_id": entry.hub.id if entry.hub else None,
            "revision": entry.hub.revision if entry.hub else None,
            "tags": list(entry.languages),
            "splits": list(entry.splits),
            "citation": entry.citation,
            "note": entry.note,
        }
        for entry in catalogue().values()
    ]


_LISTINGS: dict[Listing, Callable[[], list[dict[str, Any]]]] = {
    Listing.methods: _methods,
    Listing.tasks: _tasks,
    Listing.languages: _languages,
    Listing.recipes: _recipes,
    Listing.architectures: _architectures,
    Listing.datasets: _datasets,
}
