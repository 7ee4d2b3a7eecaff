"""What was found in a data set, as tables for a terminal and as a page of its own."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from rich.table import Table
from rich.text import Text

from tinyglot.data.checks.facts import (
    DataCheck,
    Finding,
    Severity,
    SplitFacts,
    SplitOverlap,
)
from tinyglot.data.checks.findings import CHECKS
from tinyglot.languages import LanguageTag
from tinyglot.reports.names import language_name
from tinyglot.reports.numbers import DASH, points
from tinyglot.reports.terminal import console

OVERLAP_CAPTION = (
    "Per cent. examples: of the later split, those whose text is in the earlier one; mentions: "
    "entity mentions of the later split whose words and type are in the earlier one."
)


def print_check(checked: DataCheck) -> None:
    """Print counts, what splits share, every problem, and how many notices there are.

    Args:
        checked: As ``check_data`` gives it.
    """
    screen = console()
    screen.print(_table(_split_columns(checked), _split_rows(checked), _title(checked)))
    if checked.overlaps:
        columns, rows = _overlap_columns(checked), _overlap_rows(checked)
        screen.print(_table(columns, rows, OVERLAP_CAPTION))
    problems = _of(checked, Severity.problem)
    if problems:
        screen.print(_finding_table(problems))
    screen.print(Text(f"{len(problems)} problem(s); {_notices(checked)}"))


def render_check(checked: DataCheck) -> str:
    """Write everything that was found on one page, which needs no other file and no script.

    The same findings give the same bytes, and every string of the data is escaped.

    Args:
        checked: As ``check_data`` gives it.

    Returns:
        The page.
    """
    return _template().render(
        title=_title(checked),
        kind=checked.kind,
        tokenizer=checked.tokenizer,
        languages={facts.language for facts in checked.splits},
        splits=checked.splits,
        problems=_of(checked, Severity.problem),
        notices=_of(checked, Severity.notice),
        split_columns=_split_columns(checked),
        split_rows=_split_rows(checked),
        overlap_columns=_overlap_columns(checked),
        overlap_rows=_overlap_rows(checked),
        overlap_caption=OVERLAP_CAPTION,
        checks=CHECKS,
    )


# --- rows --------------------------------------------------------------------------------------


def _split_columns(checked: DataCheck) -> list[str]:
    labels = _labels(checked)
    usual = ["", "split", "examples", "words", *labels, "duplicates", "illegal tags"]
    return usual + ["unknown tokens, %"] * (checked.tokenizer is not None)


def _labels(checked: DataCheck) -> list[str]:
    """Name the labels of all languages, the most common ones first."""
    counted: Counter[str] = Counter()
    for facts in checked.splits:
        counted.update(facts.labels)
    return [label for label, _ in counted.most_common()]


def _split_rows(checked: DataCheck) -> list[list[str]]:
    labels = _labels(checked)
    return [_split_row(facts, labels) for facts in checked.splits]


def _split_row(facts: SplitFacts, labels: Sequence[str]) -> list[str]:
    illegal = facts.illegal_tags
    counts = [facts.num_examples, facts.num_words, *(facts.labels.get(name, 0) for name in labels)]
    cells = [_language(facts.language), facts.split, *(f"{count:,}" for count in counts)]
    cells += [f"{facts.num_duplicates:,}", DASH if illegal is None else f"{illegal.num_spans:,}"]
    return cells if facts.tokens is None else [*cells, f"{100 * facts.tokens.unk_rate:.2f}"]


def _pairs(checked: DataCheck) -> list[tuple[str, str]]:
    return list(dict.fromkeys((overlap.split, overlap.other) for overlap in checked.overlaps))


def _overlap_columns(checked: DataCheck) -> list[str]:
    columns = [""]
    for split, other in _pairs(checked):
        columns += [f"examples, {split} in {other}"]
        columns += [f"mentions, {split} in {other}"] * (checked.kind == "ner")
    return columns


def _overlap_rows(checked: DataCheck) -> list[list[str]]:
    """Write a row a language, those whose splits share most first."""
    known: dict[LanguageTag, dict[tuple[str, str], SplitOverlap]] = {}
    for overlap in checked.overlaps:
        known.setdefault(overlap.language, {})[overlap.split, overlap.other] = overlap
    worst = {tag: max(one.share for one in of_tag.values()) for tag, of_tag in known.items()}
    return [
        [
            _language(tag),
            *(cell for pair in _pairs(checked) for cell in _shares(checked, tag, pair)),
        ]
        for tag in sorted(known, key=lambda tag: (-worst[tag], tag))
    ]


def _shares(checked: DataCheck, tag: LanguageTag, pair: tuple[str, str]) -> list[str]:
    there = (o for o in checked.overlaps if (o.language, o.split, o.other) == (tag, *pair))
    overlap = next(there, None)
    examples = points(None if overlap is None else overlap.share)
    mentions = points(None if overlap is None else overlap.entity_overlap)
    return [examples, mentions] if checked.kind == "ner" else [examples]


# --- tables ------------------------------------------------------------------------------------


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> Table:
    table = Table(caption=Text(caption), caption_justify="left")
    for name in columns:
        table.add_column(Text(name), justify="left" if name in ("", "split") else "right")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _finding_table(findings: Sequence[Finding]) -> Table:
    table = Table(title="Problems", title_justify="left", show_lines=True)
    for name in ("", "split", "check", "what was found"):
        table.add_column(name, overflow="fold")
    for found in findings:
        cells = (_language(found.language), found.split or "all", found.check, found.message)
        table.add_row(*map(Text, cells))
    return table


def _notices(checked: DataCheck) -> str:
    """Count the notices of each check; the page and the JSON list them."""
    counted = Counter(found.check for found in _of(checked, Severity.notice))
    listed = ", ".join(f"{check} {count}" for check, count in counted.items())
    return f"{counted.total()} notice(s)" + (f": {listed}" if listed else "")


def _of(checked: DataCheck, severity: Severity) -> list[Finding]:
    return [found for found in checked.findings if found.severity is severity]


def _title(checked: DataCheck) -> str:
    return f"Data check: {checked.source} ({checked.kind})"


def _language(tag: LanguageTag | None) -> str:
    return "all" if tag is None else f"{language_name(tag)} ({tag})"


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["title_of"] = _language
    source = files("tinyglot.reports").joinpath("data_check.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)
