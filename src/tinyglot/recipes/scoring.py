"""Scores of one model of a run: on the data as they are, and with other mentions in them."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import partial
from itertools import chain
from pathlib import Path

import polars as pl

from tinyglot.data.mentions import Surface, surfaces_by_type
from tinyglot.data.perturbations import MentionReplacement
from tinyglot.data.perturbations.directory import perturb_once
from tinyglot.data.perturbations.record import VERSION as PERTURBATION_VERSION
from tinyglot.data.sources import local_path
from tinyglot.evaluation.mentions import Confusion, count_tags, recall_rows
from tinyglot.evaluation.score import Evaluated, evaluate_split, names_of, score_rows
from tinyglot.export import load_predictor
from tinyglot.files import write_json
from tinyglot.languages import LanguageTag
from tinyglot.recipes.heads import label_names
from tinyglot.recipes.inputs import data_of, evaluated_languages, task_of, trained_step
from tinyglot.recipes.record import sha256_of
from tinyglot.recipes.run import Run, Tell
from tinyglot.recipes.schema import EvaluateSettings
from tinyglot.tokenizers import load_tokenizer
from tinyglot.training.corpus import training_sentences

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
        evaluate_split,
        load_predictor(directory, hidden_layer=task.hidden_layer),
        load_tokenizer(directory),
        label_names(directory),
        task,
        languages=evaluated_languages(run.recipe),
        split=settings.split,
        tell=tell,
    )
    sources: list[str | Path] = [str(data_of(run.recipe)), *_perturbed(run, tell)]
    found = {source: score(source) for source in sources}
    names = {
        source: {"model": name, "task": task.id, **names_of(source, settings.split)}
        for source in sources
    }
    seed = run.recipe.seed
    rows = [score_rows(found[source], task, names[source], seed) for source in sources]
    if settings.by_mention_novelty:
        whole = sources[0]
        rows.append(recall_rows(found[whole], _trained(run), names[whole], seed))
        tags = {names[source]["perturbation"]: _tags(found[source]) for source in sources}
        write_json(confusion_file(run, name), tags)
    return pl.concat(rows)


def confusion_file(run: Run, stage: str) -> Path:
    """Say where counts of correct by predicted tags are, if the recipe asks for them.

    Args:
        run: The run.
        stage: Name of the model.

    Returns:
        A JSON file: counts by perturbation, language, correct tag and predicted tag.
    """
    return run.directory / "evaluation" / f"{stage}.confusion.json"


def _tags(evaluated: Mapping[LanguageTag, Evaluated]) -> dict[LanguageTag, Confusion]:
    return {tag: count_tags(found.examples, found.predictions) for tag, found in evaluated.items()}


def _trained(run: Run) -> dict[str, set[Surface]]:
    """Collect what is mentioned in all that the last step that trains is given."""
    options = trained_step(run.recipe)
    if options is None:
        return {}
    sentences = training_sentences(task_of(run.recipe), options, run.recipe.seed)
    return surfaces_by_type(chain.from_iterable(sentences.values()))


def _settings(run: Run) -> EvaluateSettings:
    return run.recipe.evaluate or EvaluateSettings()


def _perturbed(run: Run, tell: Tell) -> list[Path]:
    source, languages, split = _what(run)
    digest = _digest_of(local_path(source))
    places = {name: _place(run, name, digest) for name in _settings(run).perturbations}
    for name, place in places.items():
        if not place.exists():
            tell(f"perturb: {name}")
        perturb_once(source, languages, MentionReplacement.from_name(name), place, split)
    return list(places.values())


def _what(run: Run) -> tuple[str, tuple[str, ...], str]:
    return str(data_of(run.recipe)), evaluated_languages(run.recipe), _settings(run).split


def _digest_of(data: Path) -> str:
    """Hash the names and the content of a data directory; data of a hub have a revision."""
    paths = sorted(path for path in data.rglob("*") if path.is_file()) if data.is_dir() else []
    files = [(str(path.relative_to(data)), sha256_of(path)) for path in paths]
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def _place(run: Run, name: str, digest: str) -> Path:
    """Name a directory by all that decides what is in it."""
    shared = run.perturbed or run.directory / "evaluation" / "perturbed"
    content = json.dumps([PERTURBATION_VERSION, name, *_what(run), digest])
    digest = hashlib.sha256(content.encode()).hexdigest()[:_KEY_DIGITS]
    plain = re.sub(r"[^\w.-]", "-", name)
    return shared / f"{plain}-{digest}"
