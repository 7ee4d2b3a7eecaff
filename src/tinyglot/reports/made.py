"""How a result was made, told from the recipe and the records of its steps."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
LONGEST = 300


@dataclass(frozen=True)
class MadeStep:
    """One finished step.

    Attributes:
        method: Its name.
        version: Of the method; ``None`` if not recorded.
        options: Name and value of every option that is set.
        facts: Name and value of what the step recorded, long values shortened.
    """

    method: str
    version: int | None
    options: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]


def made_steps(meta: Mapping[str, Any]) -> tuple[MadeStep, ...]:
    """Read the steps from the records, or from the recipe where nothing was recorded.

    Args:
        meta: May have ``records`` and ``recipe``, as a run directory keeps them.

    Returns:
        One entry a step, in order.
    """
    records = meta.get("records") or [
        {"method": step["method"], "config": step} for step in recipe_of(meta).get("steps", ())
    ]
    return tuple(_step(record) for record in records)


def _step(record: Mapping[str, Any]) -> MadeStep:
    config = {key: value for key, value in record.get("config", {}).items() if key != "method"}
    return MadeStep(
        method=str(record["method"]),
        version=record.get("version"),
        options=tuple(flatten(config)),
        facts=tuple((name, shortened(value)) for name, value in flatten(record.get("facts", {}))),
    )


def shortened(value: str) -> str:
    """Cut off what nobody reads, such as thousands of indices; records have all of it.

    Args:
        value: Text of any length.

    Returns:
        The text, or its beginning and how long it is.
    """
    return value if len(value) <= LONGEST else f"{value[:LONGEST]} … ({len(value):,} characters)"


def recipe_of(meta: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the recipe among the facts of a run, empty if there is none."""
    recipe: Mapping[str, Any] = meta.get("recipe") or {}
    return recipe


def provenance(meta: Mapping[str, Any]) -> dict[str, str]:
    """List where a result comes from: versions, seed, data, digests; no path of a machine.

    Args:
        meta: May have ``recipe``, ``records`` and ``provenance``.

    Returns:
        Value by name, in a fixed order.
    """
    recipe, records = recipe_of(meta), meta.get("records") or ()
    facts = {
        "model": public_name(recipe.get("model")),
        "revision": recipe.get("revision"),
        "task": recipe.get("task"),
        "labelled data": public_name(recipe.get("data")),
        "languages": ", ".join(recipe.get("languages", ())),
        "seed": recipe.get("seed"),
        "tinyglot": records[-1].get("tinyglot") if records else None,
        "weights sha256": records[-1].get("weights_sha256") if records else None,
        **meta.get("provenance", {}),
    }
    return {name: str(value) for name, value in facts.items() if value not in (None, "")}


def public_name(place: str | None) -> str | None:
    """Shorten a path to its last part; hub ids and ``bundled:`` names stay whole.

    Args:
        place: A path, hub id or bundled name.

    Returns:
        A name that tells nothing about a machine.
    """
    if place is None or HUB_ID.fullmatch(place) or "/" not in place:
        return place
    return place.rstrip("/").rsplit("/", 1)[-1]


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Write nested values as dotted names; what is not set is left out.

    Args:
        values: JSON-like.
        prefix: Of the names.

    Yields:
        Name and value.
    """
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        elif value not in (None, "", [], ()):
            yield prefix + name, _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, str):
        return public_name(value) or ""
    if isinstance(value, Sequence):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, ensure_ascii=False)
