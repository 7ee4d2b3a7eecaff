"""Extractive question answering: the span of a paragraph that answers a question."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Annotated, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from transformers import PreTrainedTokenizerFast

from tinyglot.data.examples import Question
from tinyglot.errors import DataFormatError
from tinyglot.languages import resolve_language
from tinyglot.tasks.answers import Normalisation, answer_words, overlap_f1
from tinyglot.tasks.question_windows import (
    ContextWindow,
    PairTemplate,
    Tokens,
    pair_template,
    token_span,
    tokens_of,
    window_borders,
)
from tinyglot.tasks.task import IGNORED_LABEL, Counts, Encoded, Metric, Task
from tinyglot.tasks.words import check_length

LABELS = ("start", "end")
NOT_HERE = (0, 0)


@dataclass(frozen=True, slots=True)
class LocalQuestion(Question):
    """A question that knows its language, by which answers are compared.

    Attributes:
        language: A language tag.
    """

    language: str = ""


def f1(totals: Counts) -> NDArray[np.float64]:
    """Average the F1 of questions.

    Args:
        totals: F1, exact matches and questions in the last axis.

    Returns:
        Mean F1 in [0, 1].
    """
    return _mean(totals, 0)


def exact_match(totals: Counts) -> NDArray[np.float64]:
    """Give the share of questions that are answered exactly.

    Args:
        totals: F1, exact matches and questions in the last axis.

    Returns:
        Shares in [0, 1].
    """
    return _mean(totals, 1)


def _mean(totals: Counts, column: int) -> NDArray[np.float64]:
    sums = np.asarray(totals, dtype=np.float64)
    means: NDArray[np.float64] = sums[..., column] / np.maximum(sums[..., 2], 1)
    return means


@dataclass(frozen=True)
class QuestionAnswering(Task[Question, str]):
    """Answer a question with a span of its paragraph.

    Attributes:
        kind: As in ``Task``.
        id: As in ``Task``.
        summary: As in ``Task``.
        head: As in ``Task``.
        metrics: As in ``Task``.
        stride: Tokens that a window of a long paragraph shares with the one before; at most half
            of the window.
        max_query_length: Tokens that are kept of a question; at most half of the sequence.
        max_answer_length: Tokens of an answer.
        normalisation: Whose rules say when answers are alike; see ``answer_words``. XTREME scores
            XQuAD and TyDiQA-GoldP by those of SQuAD, MLQA by its own.
    """

    kind = "qa"
    id = "qa"
    summary = "Extractive question answering: F1 over words and exact match, as in SQuAD 1.1."
    head = "AutoModelForQuestionAnswering"
    metrics = (Metric("f1", f1), Metric("exact_match", exact_match))

    stride: Annotated[int, Field(ge=0)] = 128
    max_query_length: Annotated[int, Field(ge=1)] = 64
    max_answer_length: Annotated[int, Field(ge=1)] = 30
    normalisation: Normalisation = "squad"

    def read(self, source: str, language: str, split: str) -> list[Question]:
        """Read the questions of one language and split; see ``tinyglot.data.reading``.

        Args:
            source: A data directory, a catalogue id or a hub id.
            language: Any code that ``resolve_language`` accepts.
            split: ``train``, ``dev`` or ``test``, also a slice; slices count articles.

        Returns:
            At least one question.
        """
        tag = resolve_language(language)
        return [_with_language(question, tag) for question in super().read(source, tag, split)]

    def labels(self, *examples: Iterable[Question]) -> tuple[str, ...]:
        """Give the two outputs of a head that finds spans.

        Args:
            *examples: Not looked at.

        Returns:
            ``start`` and ``end``.
        """
        del examples
        return LABELS

    def encode(
        self,
        examples: Sequence[Question],
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        max_length: int,
    ) -> list[Encoded]:
        """Turn questions and paragraphs into token ids, with the place of the first answer.

        A long paragraph becomes several windows. In a window without the whole answer, both
        labels are 0, the first special token. A question whose answers are not known has none.

        Args:
            examples: Questions.
            tokenizer: The model's tokenizer; left as it was.
            labels: Not looked at: the first output is the start, whatever it is called.
            max_length: Most tokens a sequence may have, special tokens included.

        Returns:
            Windows, all of a question before those of the next.

        Raises:
            SequenceLengthError: If ``max_length`` leaves no room for question and paragraph.
        """
        del labels
        template = pair_template(tokenizer)
        room = 1 + check_length(max_length, template.num_special + 1)
        tokens = tokens_of(tokenizer, [t for e in examples for t in (e.question, e.context)])
        kept = min(self.max_query_length, room // 2)
        return [
            window
            for number, example in enumerate(examples)
            for window in _windows(
                (number, example),
                tokens[example.question].ids[:kept],
                tokens[example.context],
                template,
                (room, self.stride),
            )
        ]

    def decode(
        self,
        encoded: Sequence[Encoded],
        logits: Sequence[NDArray[np.float32]],
        labels: Sequence[str],
    ) -> list[str]:
        """Cut the best span of all windows of a question out of its paragraph.

        The best span has the highest sum of the outputs for its first and its last token, among
        those that lie in the paragraph and are not too long.

        Args:
            encoded: What ``encode`` gave.
            logits: The outputs for each of them, one row a token: start and end.
            labels: Not looked at.

        Returns:
            One answer a question; empty only if the paragraph is.
        """
        del labels
        best: dict[int, tuple[float, str]] = {}
        windows = cast(Sequence[ContextWindow], encoded)
        for window, outputs in zip(windows, logits, strict=True):
            found = best_span(window, outputs, self.max_answer_length)
            if window.example not in best or found[0] > best[window.example][0]:
                best[window.example] = found
        return [best[number][1] for number in sorted(best)]

    def count(self, gold: Sequence[Question], predicted: Sequence[str]) -> NDArray[np.float64]:
        """Compare every answer with the right one that it is most like.

        Args:
            gold: Questions with their answers.
            predicted: One answer a question.

        Returns:
            One row a question: F1, 1 if it matches exactly, and 1.

        Raises:
            DataFormatError: If questions and answers differ in number, or right answers are
                missing.
        """
        _check_answers(gold, predicted)
        rows = [self._counts(*pair) for pair in zip(gold, predicted, strict=True)]
        return np.array(rows, dtype=np.float64).reshape(len(rows), 3)

    def _counts(self, question: Question, predicted: str) -> tuple[float, float, float]:
        language = getattr(question, "language", "")
        answer = answer_words(predicted, self.normalisation, language)
        right = [answer_words(a.text, self.normalisation, language) for a in question.answers]
        return max(overlap_f1(answer, words) for words in right), float(answer in right), 1.0

    def text_of(self, example: Question) -> str:
        """Show a question to a person.

        Args:
            example: Any question.

        Returns:
            The question without its paragraph.
        """
        return example.question


def best_span(
    window: ContextWindow, outputs: NDArray[np.float32], max_answer_length: int
) -> tuple[float, str]:
    """Find the best legal span of one window.

    Args:
        window: A question with a part of its paragraph.
        outputs: One row a token: start and end.
        max_answer_length: Most tokens of a span.

    Returns:
        The sum of both outputs and the text; minus infinity and nothing if there is no span.
    """
    spans = np.asarray(window.spans, dtype=np.int64).reshape(-1, 2)
    rows = outputs[window.first_token : window.first_token + len(spans)].astype(np.float64)
    rows = np.where((spans[:, :1] < spans[:, 1:]), rows, -np.inf)
    sums = rows[:, 0, None] + rows[None, :, 1]
    distance = np.arange(len(spans)) - np.arange(len(spans))[:, None]
    sums[(distance < 0) | (distance >= max_answer_length)] = -np.inf
    if not np.isfinite(sums).any():
        return -np.inf, ""
    first, last = np.unravel_index(np.argmax(sums), sums.shape)
    return float(sums[first, last]), window.context[spans[first, 0] : spans[last, 1]]


def _windows(
    numbered: tuple[int, Question],
    query: list[int],
    context: Tokens,
    template: PairTemplate,
    limits: tuple[int, int],
) -> Iterator[ContextWindow]:
    (number, example), (room, stride) = numbered, limits
    room -= len(query)
    first_token = len(template.before) + len(query) + len(template.between)
    answer = _answer_span(example, context)
    for start, end in window_borders(len(context.ids), room, min(stride, room // 2)):
        yield ContextWindow(
            input_ids=template.joined(query, context.ids[start:end]),
            labels=_labels(answer, (start, end), first_token),
            example=number,
            token_type_ids=template.token_types(len(query), end - start),
            context=example.context,
            first_token=first_token,
            spans=context.spans[start:end],
        )


def _answer_span(example: Question, context: Tokens) -> tuple[int, int] | None:
    if not example.answers:
        return None
    first = example.answers[0]
    found = token_span(context.spans, first.start, first.start + len(first.text))
    return found or (-1, -1)


def _labels(answer: tuple[int, int] | None, window: tuple[int, int], first_token: int) -> list[int]:
    if answer is None:
        return [IGNORED_LABEL, IGNORED_LABEL]
    if window[0] <= answer[0] and answer[1] < window[1]:
        return [first_token + position - window[0] for position in answer]
    return list(NOT_HERE)


def _with_language(question: Question, tag: str) -> LocalQuestion:
    values = {field.name: getattr(question, field.name) for field in fields(Question)}
    return LocalQuestion(**values, language=tag)


def _check_answers(gold: Sequence[Question], predicted: Sequence[str]) -> None:
    unanswered = [question.id for question in gold if not question.answers]
    if len(gold) == len(predicted) and not unanswered:
        return
    raise DataFormatError(
        "Could not score answers: questions have no right answer, or answers are missing.",
        got=f"{len(predicted)} answers to {len(gold)} questions, {len(unanswered)} of them without "
        f"a right answer, first {unanswered[:1]}",
        expected="one answer a question, and at least one right answer for each",
        fix="decode the outputs of the same questions, and take a split with answers",
    )
