"""Scores of one model of a run: on the data as they are, and with other mentions in them."""

import hashlib
import json
import re
from functools import partial
from pathlib import Path

import polars as pl

from tinyglot.data.perturbations import MentionReplacement
from tinyglot.data.perturbations.directory import perturb_once
from tinyglot.data.perturbations.record import VERSION as PERTURBATION_VERSION
from tinyglot.evaluation.score import evaluate
from tinyglot.export import load_predictor
from tinyglot.recipes.heads import label_names
from tinyglot.recipes.inputs import data_of, evaluated_languages, task_of
from tinyglot.recipes.run import Run, Tell
from tinyglot.recipes.schema import EvaluateSettings
from tinyglot.tokenizers import load_tokenizer

_KEY_DIGITS = 16


def stage_scores(run: Run, name: str, directory: Path, tell: Tell) -> pl.DataFrame:
    """Score a model on everything that the recipe says; the model is loaded once.

    Args:
        run: The run; perturbed data are written if they are not there yet.
        name: What the rows call the model.
        directory: Where the model is: a checkpoint or an export.
        tell: Takes lines for a person.

    Returns:
        Long-form rows: of the data as they are, then of each perturbation.

    Raises:
        TinyglotError: Whatever evaluation or perturbation refuses.
    """
    task, settings = task_of(run.recipe), _settings(run)
    score = partial(
        evaluate,
        load_predictor(directory, hidden_layer=task.hidden_layer),
        load_tokenizer(directory),
        label_names(directory),
        task,
        languages=evaluated_languages(run.recipe),
        split=settings.split,
        model_name=name,
        seed=run.recipe.seed,
        tell=tell,
    )
    sources: list[str | Path] = [str(data_of(run.recipe)), *_perturbed(run, tell)]
    return pl.concat([score(source) for source in sources])


def _settings(run: Run) -> EvaluateSettings:
    return run.recipe.evaluate or EvaluateSettings()


def _perturbed(run: Run, tell: Tell) -> list[Path]:
    source, languages, split = _what(run)
    places = {name: _place(run, name) for name in _settings(run).perturbations}
    for name, place in places.items():
        if not place.exists():
            tell(f"perturb: {name}")
        perturb_once(source, languages, MentionReplacement.from_name(name), place, split)
    return list(places.values())


def _what(run: Run) -> tuple[str, tuple[str, ...], str]:
    return str(data_of(run.recipe)), evaluated_languages(run.recipe), _settings(run).split


def _place(run: Run, name: str) -> Path:
    """Name a directory by all that decides what is in it."""
    shared = run.perturbed or run.directory / "evaluation" / "perturbed"
    content = json.dumps([PERTURBATION_VERSION, name, *_what(run)])
    digest = hashlib.sha256(content.encode()).hexdigest()[:_KEY_DIGITS]
    plain = re.sub(r"[^\w.-]", "-", name)
    return shared / f"{plain}-{digest}"
