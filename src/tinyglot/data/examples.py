"""Labelled examples that are no tagged sentences: texts, questions, translations."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, or a pair of texts, with one label.

    Attributes:
        texts: One, or two: premise and hypothesis, or two sentences.
        label: Such as ``sports``, ``entailment`` or ``negative``.
    """

    texts: tuple[str, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of a context.

    Attributes:
        text: As it stands in the context.
        start: Its first character's position in the context.
    """

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a paragraph, answered by a span of it.

    Attributes:
        id: Unique in its file.
        title: Of the article; questions of an article stay together when a split is cut.
        context: The paragraph.
        question: The question.
        answers: All spans that count as right; none if they are not known.
    """

    id: str
    title: str
    context: str
    question: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """A sentence and its translation, or one of the two that has none.

    Attributes:
        source: In the language that is asked for.
        target: In the other language, mostly English.
    """

    source: str | None
    target: str | None
