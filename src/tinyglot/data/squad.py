"""Questions with answers in SQuAD's JSON, checked: every answer stands where it says."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tinyglot.data.examples import Answer, Question
from tinyglot.data.problems import read_utf8
from tinyglot.errors import DataFormatError, EmptyTextError

MAX_SHOWN = 50
_EXPECTED = (
    'SQuAD\'s format: {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", '
    '"answers": [{"text", "answer_start"}]}]}]}]}; every answer stands in its context at its start'
)


def read_squad(path: Path) -> list[Question]:
    """Read the questions of a file in SQuAD's format (XQuAD, MLQA, TyDiQA-GoldP).

    Args:
        path: UTF-8 JSON.

    Returns:
        The questions in the file's order.

    Raises:
        DataNotFoundError: If there is no such file.
        TextEncodingError: If the file is not UTF-8.
        EmptyTextError: If there is no question.
        DataFormatError: If it is no such JSON, an answer does not stand in its context at its
            start, a question has no text, or an id is there twice; all are listed.
    """
    articles = _articles(path)
    checks = QuestionChecks()
    for number, article in enumerate(articles):
        title = str(_field(article, "title") or f"article {number}")
        for row in _rows(article):
            known = row if isinstance(row, str) else question_of({**row, "title": title})
            checks.add(known, title)
    return checks.questions(path)


class QuestionChecks:
    """Questions one by one, and what is wrong with them."""

    def __init__(self) -> None:
        self._questions: list[Question] = []
        self._problems: list[str] = []
        self._place_of_id: dict[str, str] = {}

    def add(self, question: Question | str, place: str) -> None:
        """Take a question, or note what is wrong with it.

        Args:
            question: The question, or the text of a problem.
            place: Its article, or its row.
        """
        if isinstance(question, str):
            self._problems.append(f"{place}: {question}")
            return
        label = f"{place}, question {question.id}"
        if question.id in self._place_of_id:
            first = self._place_of_id[question.id]
            self._problems.append(f"{label}: this id is there twice, first in {first}")
        self._place_of_id.setdefault(question.id, place)
        self._problems.extend(f"{label}: {problem}" for problem in _problems(question))
        self._questions.append(question)

    def questions(self, path: object) -> list[Question]:
        """Give all questions, or raise with all problems.

        Args:
            path: The file, for the message.

        Returns:
            At least one question.

        Raises:
            DataFormatError: If there are problems.
            EmptyTextError: If there is no question.
        """
        if self._problems:
            more = len(self._problems) - MAX_SHOWN
            tail = [f"and {more} more"] if more > 0 else []
            raise DataFormatError(
                f"Could not read {path}: {len(self._problems)} broken question(s).",
                got="\n".join(self._problems[:MAX_SHOWN] + tail),
                expected=_EXPECTED,
                fix="correct the starts (characters, not bytes), or remove these questions",
            )
        if not self._questions:
            raise EmptyTextError(
                f"Could not read {path}: it has no question.",
                got="0 questions",
                expected=_EXPECTED,
                fix="check that the right file was given",
            )
        return self._questions


def question_of(row: Mapping[str, Any]) -> Question | str:
    """Make a question of a row of SQuAD's JSON, or of a hub data set's table.

    Args:
        row: ``id``, ``title``, ``context``, ``question`` and ``answers``: a list of objects with
            ``text`` and ``answer_start``, or an object with a list of each.

    Returns:
        The question with each different answer once, or what is wrong with the row.
    """
    cells = {name: row.get(name) for name in ("id", "title", "context", "question")}
    missing = [name for name in ("id", "context", "question") if cells[name] in (None, "")]
    if missing:
        named = f" {cells['id']}" if cells["id"] else ""
        return f"question{named} without {', '.join(missing)}"
    untold = [name for name in ("context", "question") if not isinstance(cells[name], str)]
    if untold:
        return f"question {cells['id']}: {', '.join(untold)} is no text"
    answers = _answers(row.get("answers"))
    if answers is None:
        return f"question {cells['id']}: answers without text or answer_start"
    texts = {name: "" if cell is None else str(cell) for name, cell in cells.items()}
    return Question(**texts, answers=tuple(dict.fromkeys(answers)))


def _answers(cell: Any) -> list[Answer] | None:  # noqa: ANN401  (from a file)
    """Read a list of objects or an object of lists; ``None`` if it is neither."""
    if cell is None:
        return []
    if isinstance(cell, Mapping):
        texts, starts = cell.get("text"), cell.get("answer_start")
        if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
            return None
        pairs = list(zip(texts, starts, strict=True))
    elif isinstance(cell, list):
        pairs = [(_field(answer, "text"), _field(answer, "answer_start")) for answer in cell]
    else:
        return None
    # not isinstance: true is an integer in Python, but no place in a text
    if not all(isinstance(text, str) and type(start) is int for text, start in pairs):
        return None
    return [Answer(text, start) for text, start in pairs]


def _problems(question: Question) -> Iterator[str]:
    for answer in question.answers:
        end = answer.start + len(answer.text)
        there = question.context[answer.start : end] if answer.start >= 0 else ""
        if not answer.text:
            yield "an answer without text"
        elif there != answer.text:
            found = question.context.find(answer.text)
            hint = f"it stands at {found}" if found >= 0 else "it is nowhere in the context"
            yield f"answer {answer.text!r} is not at {answer.start} (there: {there!r}); {hint}"


# --- JSON --------------------------------------------------------------------------------------


def _articles(path: Path) -> list[Any]:
    text = read_utf8(path, "a JSON file in SQuAD's format")
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise _no_squad(path, f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    articles = _field(content, "data")
    if not isinstance(articles, list):
        keys = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise _no_squad(path, f'no list "data"; there is {keys or "nothing"}')
    return articles


def _rows(article: Any) -> Iterator[Mapping[str, Any] | str]:  # noqa: ANN401  (from a file)
    """Give the questions of an article with their contexts, or what is wrong with a place."""
    for paragraph in _list(article, "paragraphs"):
        if isinstance(paragraph, str):
            yield paragraph
            continue
        context = _field(paragraph, "context")
        for row in _list(paragraph, "qas"):
            yield {**row, "context": context} if isinstance(row, Mapping) else row


def _list(value: Any, name: str) -> list[Mapping[str, Any] | str]:  # noqa: ANN401  (from a file)
    """Give a list of objects; in place of one that is none, the text of a problem."""
    found = _field(value, name)
    if not isinstance(found, list):
        return [f'no list "{name}"']
    return [one if isinstance(one, Mapping) else f'no object in "{name}"' for one in found]


def _field(value: Any, name: str) -> Any:  # noqa: ANN401  (from a file)
    return value.get(name) if isinstance(value, Mapping) else None


def _no_squad(path: Path, got: str) -> DataFormatError:
    return DataFormatError(
        f"Could not read {path} as questions.",
        got=got,
        expected=_EXPECTED,
        fix="give a file in that format, or JSON lines with id, context, question and answers",
    )
