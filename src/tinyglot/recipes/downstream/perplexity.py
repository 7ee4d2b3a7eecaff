"""Pseudo-perplexity of a stage on the test portion of the recipe's text."""

from pathlib import Path
from typing import Final

import polars as pl

from tinyglot.data.synthetic import locate_text
from tinyglot.data.text_portions import TextPortion
from tinyglot.evaluation.score import evaluate_examples, score_rows, write_rows
from tinyglot.export import load_predictor
from tinyglot.recipes.heads import has_head
from tinyglot.recipes.run import Run, Tell
from tinyglot.tasks import Task, get_task
from tinyglot.tokenizers import load_tokenizer

MLM = "mlm"
PORTION: Final = "test"
_DATASET = "text"


def stage_perplexity(run: Run, name: str, directory: Path, tell: Tell) -> pl.DataFrame | None:
    """Take the pseudo-perplexity of a stage, unless that was done.

    It is a word's, so that stages with other vocabularies compare; an unknown token is easy to
    guess, so the tokens must cover the text.

    Args:
        run: The run; its section ``downstream`` says on how many lines.
        name: Of the stage.
        directory: Of its checkpoint.
        tell: Takes lines for a person.

    Returns:
        Long-form rows; ``None`` if it has no LM head, there is no text, or none is asked for.

    Raises:
        EmptyTextError: If a language has no line for testing.
        TinyglotError: Whatever reading or evaluation refuses.
    """
    section = run.recipe.downstream
    if section is None or section.perplexity is None or not run.recipe.text:
        return None
    task = get_task(MLM, section.perplexity)
    if not has_head(directory, task.head):
        return None
    path = run.downstream / name / "perplexity.parquet"
    if not path.exists():
        tell(f"downstream: {name}, pseudo-perplexity")
        write_rows(_scored(run, name, directory, task), path)
    return pl.read_parquet(path)


def _scored(run: Run, name: str, directory: Path, task: Task[str, object]) -> pl.DataFrame:
    lines = {tag: task.scored_examples(_test_lines(run, tag)) for tag in run.recipe.languages}
    found = evaluate_examples(load_predictor(directory), load_tokenizer(directory), (), task, lines)
    names = {"model": name, "dataset": _DATASET, "split": PORTION}
    return score_rows(found, task, names, run.recipe.seed)


def _test_lines(run: Run, tag: str) -> list[str]:
    paths = tuple(locate_text(path, tag) for path in run.recipe.text[tag])
    return list(TextPortion(paths, PORTION).lines())
