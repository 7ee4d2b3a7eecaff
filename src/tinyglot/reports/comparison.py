"""A comparison of two models as a table for a terminal."""

from rich.table import Table
from rich.text import Text

from tinyglot.evaluation.compare import Comparison, LanguageComparison
from tinyglot.reports.names import language_name
from tinyglot.reports.numbers import MINUS

STYLES = {"holds": "green", "loses": "red", "inconclusive": "yellow"}
SMALLEST_P = 0.001


def comparison_table(found: Comparison) -> Table:
    """Put the difference of every language in one table, most damaged first.

    Args:
        found: As ``tinyglot.compare`` gives it.

    Returns:
        A table to print; macro-average and worst language stand under the languages.
    """
    table = Table(caption=Text(_caption(found)), caption_justify="left")
    table.add_column("")
    for title in ("n", "dense", "small", "delta", "p (Holm)", "lost / gained"):
        table.add_column(title, justify="right")
    table.add_column("verdict")
    for one in found.languages:
        table.add_row(*_language_cells(one, found))
    table.add_section()
    macro = found.macro_average
    delta = _delta(macro.delta, macro.low, macro.high, found)
    table.add_row(
        "macro-average", "", _score(macro.dense, found), _score(macro.small, found), delta
    )
    worst = (_worst(found.worst(model), model, found) for model in ("dense", "small"))
    table.add_row("worst language", "", *worst)
    return table


def _language_cells(one: LanguageComparison, found: Comparison) -> list[Text]:
    flips = "" if one.lost is None else f"{one.lost:,} / {one.gained:,}"
    needed = f", about {one.n_needed:,} needed" if one.n_needed is not None else ""
    cells = [
        f"{language_name(one.language)} ({one.language})",
        f"{one.n:,}",
        _score(one.dense, found),
        _score(one.small, found),
        _delta(one.delta, one.low, one.high, found),
        "< 0.001" if one.adjusted_p_value < SMALLEST_P else f"{one.adjusted_p_value:.3f}",
        flips,
    ]
    verdict = Text(one.verdict + needed, style=STYLES[one.verdict])
    return [*map(Text, cells), verdict]


def _score(value: float, found: Comparison) -> str:
    return f"{100 * value:.1f}" if found.unit == "fraction" else f"{value:.3f}"


def _delta(delta: float, low: float, high: float, found: Comparison) -> str:
    return f"{_signed(delta, found)} ({_signed(low, found)} to {_signed(high, found)})"


def _signed(value: float, found: Comparison) -> str:
    digits = 1 if found.unit == "fraction" else 3
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0.0:
        return text
    return ("+" if value > 0 else MINUS) + text


def _worst(one: LanguageComparison, model: str, found: Comparison) -> str:
    return f"{_score(getattr(one, model), found)} ({one.language})"


def _caption(found: Comparison) -> str:
    unit = "percentage points" if found.unit == "fraction" else found.unit
    change = "drop" if found.higher_is_better else "rise"
    same = " Both models give the same outputs." if found.same_outputs else ""
    return (
        f"{found.task}, {found.metric} in {unit}; largest allowed {change} {found.max_drop:g}; "
        f"{found.confidence:.0%} intervals from {found.num_resamples:,} paired resamples; "
        f"lost / gained: examples that only the dense / only the small model gets right.{same}"
    )
