"""The commands as functions: what `tinyglot compress` does, from Python."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinyglot.recipes.finish import run_recipe
from tinyglot.recipes.inputs import text_by_language
from tinyglot.recipes.read import parse_recipe
from tinyglot.recipes.runner import Run, Tell, silent
from tinyglot.recipes.schema import Recipe


def compress(
    model: str,
    *,
    languages: Sequence[str],
    text: str | Path | Sequence[str | Path],
    out: str | Path,
    tell: Tell = silent,
    **options: Any,  # noqa: ANN401  (fields of the configuration, checked by it)
) -> Run:
    """Make a model small for some languages: trim its vocabulary, drop layers if asked.

    Args:
        model: ``bundled:NAME``, a checkpoint directory, or a hub id.
        languages: Tags or codes, such as ``sw``.
        text: Raw text: files or directories, ``TAG=PATH`` where there are several languages.
        out: The run directory; the result is ``out/final``.
        tell: Takes lines for a person.
        options: Fields of the recipe (``seed``, ``revision``, ``device``) or of
            ``vocabulary_trimming`` (``coverage``, ``max_vocabulary_size``, ``budgets`` …);
            ``num_layers`` and ``strategy`` go to ``layer_dropping``.

    Returns:
        The run; ``run.final`` is the checkpoint.

    Raises:
        TinyglotError: For every bad input, before anything is written.
    """
    values = [text] if isinstance(text, str | Path) else text
    options["text"] = text_by_language([str(value) for value in values], languages)
    dropping = {key: options.pop(key) for key in ("num_layers", "strategy") if key in options}
    steps = [{"method": "vocabulary_trimming"}]
    if dropping:
        steps.append({"method": "layer_dropping", **dropping})
    recipe = build_recipe(model, steps, {"languages": list(languages), **options})
    return run_recipe(recipe, Path(out), tell)


def finetune(
    model: str,
    *,
    task: str,
    data: str | Path,
    out: str | Path,
    tell: Tell = silent,
    **options: Any,  # noqa: ANN401  (fields of the configuration, checked by it)
) -> Run:
    """Train a task head and the encoder on labelled data, and score every language.

    Args:
        model: ``bundled:NAME``, a checkpoint directory, or a hub id.
        task: Such as ``ner``.
        data: A directory ``<language>/{train,dev,test}.conll``, or a hub dataset id.
        out: The run directory; the result is ``out/final``.
        tell: Takes lines for a person.
        options: Fields of the recipe (``languages``, ``seed``, ``device``, ``evaluate`` …) or of
            ``fine_tuning`` (``max_steps``, ``num_epochs``, ``learning_rate``, ``batch_size`` …).

    Returns:
        The run; ``run.final`` is the checkpoint.

    Raises:
        TinyglotError: For every bad input, before anything is written.
    """
    settings = {"task": task, "data": str(data), "evaluate": {}, **options}
    recipe = build_recipe(model, [{"method": "fine_tuning"}], settings)
    return run_recipe(recipe, Path(out), tell)


def build_recipe(model: str, steps: list[dict[str, Any]], options: Mapping[str, Any]) -> Recipe:
    """Sort options into the recipe's and the first step's, and check them together.

    Args:
        model: As in a recipe.
        steps: The steps; those options that are no field of a recipe go to the first.
        options: By name.

    Returns:
        The checked recipe.

    Raises:
        RecipeError: If any is unknown or out of range; lists all.
    """
    own = {key: value for key, value in options.items() if key in Recipe.model_fields}
    rest = {key: value for key, value in options.items() if key not in own}
    first, *others = steps
    return parse_recipe({"model": model, **own, "steps": [{**first, **rest}, *others]})
