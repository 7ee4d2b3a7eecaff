"""Everything that is wrong with a recipe, said at once, each with its place and a suggestion."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from tinyglot.errors import RecipeError
from tinyglot.methods.fine_tuning.config import FineTuningConfig
from tinyglot.methods.registry import METHODS, get_method

Location = tuple[int | str, ...]
_LONGEST_VALUE = 60


def recipe_error(messages: list[str], file: str | None) -> RecipeError:
    """Put mistakes into one error.

    Args:
        messages: A line each.
        file: The recipe's file; ``None`` if options of a command or function were given.

    Returns:
        The error to raise.
    """
    many = f"{len(messages)} mistake{'s' if len(messages) > 1 else ''}"
    if file is None:
        return RecipeError(
            f"Could not use the options: {many}.",
            got="\n".join(messages),
            expected="options in the ranges that --help and `tinyglot recipe schema` give",
            fix="correct them and run again",
        )
    of_options = any(line.startswith("--") for line in messages)
    return RecipeError(
        f"Could not read {file}: {many}.",
        got="\n".join(messages),
        expected="keys listed by `tinyglot recipe schema`",
        fix=f"{'correct the options, or ' * of_options}edit the file, then "
        f"`tinyglot recipe validate {file}`",
    )


def describe(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Say what pydantic found, in a recipe's words.

    A mistake whose place is above another's is left out: it only follows from that one.

    Args:
        error: From checking a recipe.
        model: The recipe's class, whose keys are suggested.

    Returns:
        A line for each mistake.
    """
    items = error.errors()
    places = [_place(item["loc"]) for item in items]
    return [
        f"{'.'.join(map(str, place))}: {_text(dict(item), model)} (got {shortened(item['input'])})"
        for item, place in zip(items, places, strict=True)
        if not any(other[: len(place)] == place and other != place for other in places)
    ]


def wrong_order(content: Mapping[Any, Any]) -> Iterator[str]:
    """Find steps that come after one which they must precede, or that must come last.

    Args:
        content: A recipe as it stands in the file, with or without mistakes.

    Yields:
        A line for each.
    """
    steps = content.get("steps")
    named = [step.get("method") for step in _list(steps) if isinstance(step, Mapping)]
    for position, name in enumerate(named):
        earlier = named[:position]
        for later in get_method(name).must_precede if name in METHODS else ():
            if later in earlier:
                yield f"steps.{position}.{name}: must come before {later}"
        if name in METHODS and get_method(name).must_be_last and position + 1 < len(named):
            yield f"steps.{position}.{name}: must be the last step, later ones undo what it made"


def suggestion(word: str, choices: Iterable[str]) -> str:
    """Name the choice that is spelt most alike.

    Args:
        word: As given.
        choices: What there is.

    Returns:
        Such as ``, did you mean 'languages'?``; nothing if none is near.
    """
    near = difflib.get_close_matches(word, list(choices), n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def _list(value: Any) -> list[Any]:  # noqa: ANN401  (any YAML)
    return list(value) if isinstance(value, list | tuple) else []


def _place(location: Location) -> Location:
    return tuple(part for part in location if part != "[key]")


def _text(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    location, kind = item["loc"], item["type"]
    if kind == "extra_forbidden":
        return "unknown key" + suggestion(str(location[-1]), _keys_at(location, model))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _tag_text(item["ctx"])
    return str(item["msg"]).removeprefix("Value error, ")


def _tag_text(context: Mapping[str, Any]) -> str:
    """Say that something is of an unknown kind, such as a method; or of none."""
    what = str(context["discriminator"]).strip("'")
    choices = list(METHODS)
    if what != "method":
        choices = str(context.get("expected_tags", "")).replace("'", "").split(", ")
    if "tag" in context:
        given = str(context["tag"])
        return f"unknown {what} {given!r}" + suggestion(given, choices)
    return f"no {what}" + (f"; it is one of {', '.join(choices)}" if choices != [""] else "")


def _keys_at(location: Location, model: type[BaseModel]) -> Iterable[str]:
    if location[0] == "steps" and len(location) > 2:
        fields = get_method(str(location[2])).config_class.model_fields
        return fields if len(location) <= 4 else _keys_of_part(location, fields)
    if location[0] == "downstream" and len(location) > 2:  # options of all tasks, or of one
        return FineTuningConfig.model_fields
    section = model.model_fields.get(str(location[0])) if len(location) > 1 else None
    for candidate in getattr(section.annotation, "__args__", ()) if section else ():
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate.model_fields
    return model.model_fields


def _keys_of_part(location: Location, fields: Mapping[str, FieldInfo]) -> Iterable[str]:
    """List the keys of one of several parts that an option is made of."""
    parts = list(_models_in(fields[str(location[3])].annotation))
    named = [p for p in parts if location[-2] in {f.default for f in p.model_fields.values()}]
    return dict.fromkeys(key for part in named or parts for key in part.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401  (any type)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)


def shortened(value: Any) -> str:  # noqa: ANN401  (any YAML)
    """Write a value as JSON, cut where a line would be too long.

    Args:
        value: Any YAML.

    Returns:
        One line.
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
