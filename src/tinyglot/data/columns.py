"""Which column of a table is what, and how a row becomes an example."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.examples import LabelledText, Parallel, Question
from tinyglot.data.problems import Problem, broken
from tinyglot.data.squad import QuestionChecks, question_of
from tinyglot.data.tables import Table
from tinyglot.data.tagged_rows import TaggedRows
from tinyglot.errors import DataFormatError, EmptyTextError

Example = TaggedSentence | LabelledText | Question | Parallel | str

_LABELS = ("label", "labels", "category", "sentiment", "topic", "class", "gold_label")

# the first name that a table has is taken; a role that may be missing is in `_OPTIONAL`
ALIASES: dict[str, dict[str, tuple[str, ...]]] = {
    "ner": {"words": ("tokens", "words", "token"), "tags": ("ner_tags", "tags", "labels", "ner")},
    "pos": {
        "words": ("tokens", "words", "token", "form"),
        "tags": ("upos", "pos_tags", "pos", "tags", "labels"),
    },
    "text": {
        "text": ("text", "sentence", "tweet", "headline_text", "headline", "review", "content"),
        "label": _LABELS,
    },
    "pair": {
        "first": ("premise", "sentence1", "text1", "text_a", "sentence_a"),
        "second": ("hypothesis", "sentence2", "text2", "text_b", "sentence_b"),
        "label": _LABELS,
    },
    "qa": {
        "context": ("context", "passage", "passage_text"),
        "question": ("question", "question_text"),
        "answers": ("answers",),
        "id": ("id", "question_id"),
        "title": ("title", "article", "document_title"),
    },
    "parallel": {
        "source": ("source", "source_sentence", "sentence1", "source_text"),
        "target": ("target", "target_sentence", "sentence2", "target_text"),
    },
    "lines": {"text": ("text", "content", "sentence")},
}
_OPTIONAL = frozenset({"id", "title"})


def examples_of(kind: str, table: Table, columns: Mapping[str, str] | None = None) -> list[Example]:
    """Read a table's rows as examples.

    Args:
        kind: A key of ``ALIASES``.
        table: The rows.
        columns: Column a role, such as ``{"text": "tweet"}``; the usual names are tried for
            roles whose column is not there.

    Returns:
        At least one example, in the table's order.

    Raises:
        DataFormatError: If a column is missing or rows are broken; all of them are listed.
        EmptyTextError: If there is no row.
    """
    found = find_columns(kind, table, columns or {})
    if kind in ("ner", "pos"):
        return list(_tagged(kind, table, found))
    if kind == "qa":
        return list(_questions(table, found))
    return _plain(kind, table, found)


def find_columns(kind: str, table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """Find the column of each role.

    Args:
        kind: A key of ``ALIASES``.
        table: The table.
        columns: Columns that go before the usual names.

    Returns:
        Role to column.

    Raises:
        DataFormatError: If a role has no column; lists the columns there are and the names that
            would do.
    """
    there = set(table.columns)
    names = {role: (columns.get(role), *aliases) for role, aliases in ALIASES[kind].items()}
    found = {
        role: next((name for name in tried if name is not None and name in there), None)
        for role, tried in names.items()
    }
    missing = [role for role, name in found.items() if name is None and role not in _OPTIONAL]
    if missing:
        wanted = [f"{role}: {' | '.join(filter(None, names[role]))}" for role in missing]
        raise DataFormatError(
            f"Could not find the column(s) for {', '.join(missing)} in {table.place}.",
            got=f"columns {', '.join(table.columns)}",
            expected="\n".join(wanted),
            fix="rename a column, or check that the data are of this task",
        )
    return {role: name for role, name in found.items() if name is not None}


# --- kinds -------------------------------------------------------------------------------------


def _tagged(kind: str, table: Table, columns: Mapping[str, str]) -> list[TaggedSentence]:
    rows = TaggedRows(kind, table.label_names.get(columns["tags"]))
    for number, row in table.rows:
        rows.add(number, row.get(columns["words"]), row.get(columns["tags"]))
    return rows.sentences(table.place, table.problems)


def _questions(table: Table, columns: Mapping[str, str]) -> list[Question]:
    checks = QuestionChecks()
    for number, row in table.rows:
        cells = {role: row.get(name) for role, name in columns.items()}
        cells.setdefault("id", str(number))
        checks.add(question_of(cells), f"{table.unit} {number}")
    for number, problem in table.problems:
        checks.add(problem, f"{table.unit} {number}")
    return checks.questions(table.place)


def _plain(kind: str, table: Table, columns: Mapping[str, str]) -> list[Example]:
    convert = _CONVERTERS[kind]
    names = table.label_names.get(columns.get("label", ""))
    examples: list[Example] = []
    problems: list[Problem] = []
    for number, row in table.rows:
        cells = {role: _cell(row.get(name), role, names) for role, name in columns.items()}
        empty = [role for role, cell in cells.items() if cell is None]
        if empty:
            problems.extend((number, f"no value for {columns[role]!r}") for role in empty)
        else:
            examples.append(convert({role: str(cell) for role, cell in cells.items()}))
    _raise_if_bad(table, [*problems, *table.problems], examples)
    return examples


def _raise_if_bad(table: Table, problems: list[Problem], examples: list[Example]) -> None:
    if problems:
        raise broken(
            table.place,
            problems,
            expected=f"a value in every column: {', '.join(table.columns)}",
            fix="correct or remove these",
            unit=table.unit,
        )
    if not examples:
        raise EmptyTextError(
            f"Could not read {table.place}: it has no row.",
            got="0 rows",
            expected="at least 1",
            fix="name another split, or check that its download finished",
        )


def _cell(value: Any, role: str, names: tuple[str, ...] | None) -> str | None:  # noqa: ANN401
    """Give a cell as text, a label by its name; ``None`` if it is empty, NaN, hidden or a list."""
    is_nan = isinstance(value, float) and math.isnan(value)
    if value is None or is_nan or isinstance(value, list | tuple | dict):
        return None
    if role == "label" and names is not None and isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    is_empty = not text.strip() or (role == "label" and text.strip().lower() == "nan")
    return None if is_empty else text.strip() if role == "label" else text


_CONVERTERS: dict[str, Callable[[dict[str, str]], Example]] = {
    "text": lambda cells: LabelledText((cells["text"],), cells["label"]),
    "pair": lambda cells: LabelledText((cells["first"], cells["second"]), cells["label"]),
    "parallel": lambda cells: Parallel(cells["source"], cells["target"]),
    "lines": lambda cells: cells["text"],
}
