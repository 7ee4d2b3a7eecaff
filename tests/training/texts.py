"""Small texts and trainings on them."""

from dataclasses import replace
from pathlib import Path

from tests.tiny import TINY_TEXT, tiny_pair
from tinyglot.methods.contract import Context
from tinyglot.training.text import (
    TextSetup,
    TextTrainingOptions,
    TextTrainingPlan,
    TextTrainingResult,
    plan_text_training,
    resolve_text_options,
    train_on_text,
)

FAST = {
    "max_steps": 8,
    "batch_size": 4,
    "max_length": 32,
    "head_steps": 5,
    "evaluate_steps": 3,
    "save_steps": 4,
    "learning_rate": 3e-3,
    "head_learning_rate": 3e-3,
    "precision": "fp32",
}


def write_text(directory: Path, tags=("swh-Latn",), num_lines: int = 40) -> Context:
    """Write text with a held-out file for each language."""
    for place, tag in enumerate(tags):
        (directory / tag).mkdir(parents=True)
        lines = TINY_TEXT[place : place + num_lines]
        (directory / tag / "train.txt").write_text("\n".join(lines), "utf-8")
        (directory / tag / "dev.txt").write_text("\n".join(TINY_TEXT[:4]), "utf-8")
    return Context(languages=tags, text={tag: (directory / tag,) for tag in tags})


def plan_of(pair, context: Context, **options) -> TextTrainingPlan:
    config = resolve_text_options(TextTrainingOptions(**{**FAST, **options}), context)
    return TextTrainingPlan(**plan_text_training(*pair, config, context))


def run(context: Context, directory: Path, pair=None, objective=None, callbacks=(), **options):
    """Plan and train in a directory."""
    pair = pair or tiny_pair("bert", "wordpiece")
    context = replace(context, directory=directory)
    setup = TextSetup(context.seed, "cpu", directory, context.text)
    plan = plan_of(pair, context, **options)
    result: TextTrainingResult = train_on_text(*pair, plan, setup, objective, callbacks)
    return result
