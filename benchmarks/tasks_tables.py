"""The table of one task: a language a row, its scores with their intervals."""

from collections.abc import Iterator, Sequence

from benchmarks.schema import ScoreRow, TaskScores

Column = tuple[str, str]
UNPERTURBED = "none"


def tasks_table(result: TaskScores) -> Iterator[str]:
    """Show regular and perturbed scores beside each other, macro-average and worst below."""
    yield _described(result)
    yield ""
    columns = list(dict.fromkeys((row.metric, row.perturbation) for row in result.rows))
    cells = {(row.language, row.metric, row.perturbation): row for row in result.rows}
    languages = list(dict.fromkeys(row.language for row in result.rows))
    yield f"| language | n | {' | '.join(map(_head, columns))} |"
    yield "|---|---|" + "---|" * len(columns)
    for tag in languages:
        own = [cells.get((tag, *column)) for column in columns]
        mark = "" if tag in result.trained_on or not result.trained_on else " (zero-shot)"
        numbers = " | ".join("-" if row is None else _cell(row) for row in own)
        yield f"| {tag}{mark} | {next(row.n for row in own if row):,} | {numbers} |"
    by_column = [[row for tag in languages if (row := cells.get((tag, *c)))] for c in columns]
    yield f"| **macro-average** | | {' | '.join(map(_macro, by_column))} |"
    yield f"| **worst language** | | {' | '.join(map(_worst, by_column))} |"


def _described(result: TaskScores) -> str:
    splits = ", ".join(sorted({row.split for row in result.rows}))
    options = "".join(f", {key} {value!r}" for key, value in result.task_options.items())
    training = (
        f"trained by `{result.recipe}`: {_training(result)}" if result.recipe else "no training"
    )
    return (
        f"{result.task} on {result.data}, {splits}{options}; {result.model}, {training}. "
        f"1 seed; 95 % intervals over examples.{_tuned(result)}"
    )


def _tuned(result: TaskScores) -> str:
    is_tuned = "threshold" not in result.task_options
    has_margin = any(row.metric == "f1_margin" for row in result.rows)
    note = (
        " `f1_margin` is at the best threshold of the scored sentences themselves: an upper bound."
    )
    return note if is_tuned and has_margin else ""


def _training(result: TaskScores) -> str:
    cost = f", {result.cost.wall_s / 60:.0f} min" if result.cost else ""
    return f"{result.facts['num_steps']:,} steps, {result.facts['num_tokens']:,} tokens{cost}"


def _head(column: Column) -> str:
    metric, perturbation = column
    return metric if perturbation == UNPERTURBED else f"{metric}, {perturbation}"


def _cell(row: ScoreRow) -> str:
    low, high = _shown(row.metric, row.low), _shown(row.metric, row.high)
    return f"{_shown(row.metric, row.value)} ({low}-{high})"


def _macro(rows: Sequence[ScoreRow]) -> str:
    return _shown(rows[0].metric, sum(row.value for row in rows) / len(rows))


def _worst(rows: Sequence[ScoreRow]) -> str:
    higher_is_better = rows[0].metric not in ("loss", "pseudo_perplexity")
    worst = sorted(rows, key=lambda row: row.value, reverse=not higher_is_better)[0]
    return f"{_shown(worst.metric, worst.value)} {worst.language}"


def _shown(metric: str, value: float) -> str:
    if metric == "loss":
        return f"{value:.3f}"
    return f"{value:,.1f}" if metric == "pseudo_perplexity" else f"{100 * value:.1f}"
