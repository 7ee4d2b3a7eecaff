"""Public names of data, models and files: they say nothing of where these lie."""

import re
from pathlib import Path
from typing import Any

from tinyglot.data.catalogue import catalogue
from tinyglot.data.synthetic import is_synthetic

_HUB_ID = re.compile(r"\w[\w.-]*/[\w.-]+(@[\w./-]+)?")
_PLACE = re.compile(r"(~|\.{0,2})/")


def public_name(source: str) -> str:
    """Name data or a model by the text alone, so that no working directory changes it.

    Args:
        source: As a recipe names it.

    Returns:
        An id of the catalogue, also of ``id=PATH``, of a hub or of synthetic data as it is; the
        last part of any other path.
    """
    name, separator, _ = source.partition("=")
    if separator and name in catalogue():
        return name
    if is_synthetic(source) or _HUB_ID.fullmatch(source):
        return source
    return Path(source).name or source


def without_places(value: Any) -> Any:  # noqa: ANN401  (any JSON value)
    """Leave of paths their last part.

    Args:
        value: Any JSON value.

    Returns:
        The same; texts that begin as paths do, such as ``/a/b`` or ``../b``, are ``b``.
    """
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_places(item) for item in value]
    is_place = isinstance(value, str) and _PLACE.match(value)
    return Path(value).name or value if is_place else value


def public_content(content: dict[str, Any]) -> dict[str, Any]:
    """Name data and model of a recipe publicly.

    Args:
        content: A recipe as JSON values.

    Returns:
        The same without any path.
    """
    found: dict[str, Any] = dict(content)
    found["steps"] = [dict(step) for step in content.get("steps") or ()]
    for part in (found, *found["steps"]):
        if part.get("data"):
            part["data"] = public_name(str(part["data"]))
    if found.get("model"):
        found["model"] = public_name(str(found["model"]))
    return {key: without_places(item) for key, item in found.items()}
