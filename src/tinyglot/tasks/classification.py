"""Tasks that give a text, or a pair of texts, one label."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from transformers import PreTrainedTokenizerFast

from tinyglot.data.examples import LabelledText
from tinyglot.errors import DataFormatError, UnknownLabelError
from tinyglot.tasks.task import Counts, Encoded, Metric, Task
from tinyglot.tasks.texts import TextSequence, text_tokens

MAX_SHOWN = 20
COUNTS_A_CLASS = 3


def accuracy(totals: Counts) -> NDArray[np.float64]:
    """Turn summed counts into the share of examples with the right label.

    Args:
        totals: Of each class in turn: rightly given, wrongly given and missed, in the last axis.

    Returns:
        Accuracy in [0, 1].
    """
    right, _, missed = _by_class(totals)
    shares: NDArray[np.float64] = right.sum(axis=-1) / _no_zeros((right + missed).sum(axis=-1))
    return shares


def f1_macro(totals: Counts) -> NDArray[np.float64]:
    """Turn summed counts into the mean F1 of the classes that the correct labels have.

    Args:
        totals: Of each class in turn: rightly given, wrongly given and missed, in the last axis.

    Returns:
        Macro-F1 in [0, 1]; a class that no example has counts for nothing.
    """
    right, _, missed = _by_class(totals)
    is_there = (right + missed) > 0
    scores: NDArray[np.float64] = (_f1(totals) * is_there).sum(axis=-1)
    return scores / _no_zeros(is_there.sum(axis=-1))


def f1_weighted(totals: Counts) -> NDArray[np.float64]:
    """Turn summed counts into the F1 of the classes, weighted by how many examples have each.

    Args:
        totals: Of each class in turn: rightly given, wrongly given and missed, in the last axis.

    Returns:
        Weighted F1 in [0, 1].
    """
    right, _, missed = _by_class(totals)
    support = right + missed
    scores: NDArray[np.float64] = (_f1(totals) * support).sum(axis=-1)
    return scores / _no_zeros(support.sum(axis=-1))


ACCURACY = Metric("accuracy", accuracy)
F1_MACRO = Metric("f1_macro", f1_macro)
F1_WEIGHTED = Metric("f1_weighted", f1_weighted)


@dataclass(frozen=True, kw_only=True)
class TextClassificationTask(Task[LabelledText, str]):
    """Reading, encoding, decoding and counting of tasks with one label an example.

    Attributes:
        head: As in ``Task``.
        classes: All labels, with commas between them, for training data in which languages have
            labels that others lack; empty for those that occur.
    """

    head = "AutoModelForSequenceClassification"

    classes: str = ""

    def labels(self, *examples: Iterable[LabelledText]) -> tuple[str, ...]:
        """Give the labels that occur, sorted; or those that the option ``classes`` names.

        Args:
            *examples: Training examples, one list a language.

        Returns:
            Distinct labels.

        Raises:
            UnknownLabelError: If two languages each have labels that the other lacks, as where
                ``neg`` in one is ``negative`` in the other; or if ``classes`` lacks some.
        """
        sets = [{example.label for example in part} for part in examples]
        found = set().union(*sets)
        if self.classes:
            return _named(self.classes, found)
        _check_same_labels(sets)
        return tuple(sorted(found))

    def encode(
        self,
        examples: Sequence[LabelledText],
        tokenizer: PreTrainedTokenizerFast,
        labels: Sequence[str],
        max_length: int,
    ) -> list[Encoded]:
        """Turn each example into one sequence with one label.

        What is too long is cut at the end, of two texts the longer one first, as the tokenizer
        does with ``truncation=True``; ``TextSequence.is_cut`` says where that happened.

        Args:
            examples: Labelled texts.
            tokenizer: The model's tokenizer; left as it was.
            labels: The model's labels in the order of their ids.
            max_length: Most tokens a sequence may have, special tokens included.

        Returns:
            One sequence an example.

        Raises:
            UnknownLabelError: If labels occur that are not the model's; all are listed.
            SequenceLengthError: If ``max_length`` leaves no room for text.
        """
        _check_known(examples, labels)
        ids = {label: number for number, label in enumerate(labels)}
        tokens = text_tokens(tokenizer, [example.texts for example in examples], max_length)
        return [
            TextSequence(
                input_ids=found.input_ids,
                labels=[ids[example.label]],
                example=number,
                token_type_ids=found.token_type_ids,
                is_cut=found.is_cut,
            )
            for number, (example, found) in enumerate(zip(examples, tokens, strict=True))
        ]

    def decode(
        self,
        encoded: Sequence[Encoded],
        logits: Sequence[NDArray[np.float32]],
        labels: Sequence[str],
    ) -> list[str]:
        """Give every example the label with the highest output.

        Args:
            encoded: What ``encode`` gave.
            logits: The outputs for each of them, one a label.
            labels: The model's labels in the order of their ids.

        Returns:
            One label an example.

        Raises:
            UnknownLabelError: If the outputs are not as many as the labels.
        """
        found: dict[int, str] = {}
        for part, outputs in zip(encoded, logits, strict=True):
            _check_width(outputs, labels)
            found[part.example] = labels[int(outputs.argmax())]
        return [found[number] for number in sorted(found)]

    def count(self, gold: Sequence[LabelledText], predicted: Sequence[str]) -> NDArray[np.int64]:
        """Count, for every class that the correct labels have, what each example adds to it.

        Args:
            gold: Labelled texts.
            predicted: One label an example.

        Returns:
            One row an example: of each class in turn (sorted) whether it was rightly given,
            wrongly given, missed.

        Raises:
            DataFormatError: If the predictions are not as many as the examples.
        """
        _check_number(gold, predicted)
        classes = sorted({example.label for example in gold})
        column = {label: COUNTS_A_CLASS * number for number, label in enumerate(classes)}
        counts = np.zeros((len(gold), COUNTS_A_CLASS * len(classes)), dtype=np.int64)
        for row, example, label in zip(counts, gold, predicted, strict=True):
            if label == example.label:
                row[column[label]] = 1
                continue
            row[column[example.label] + 2] = 1
            if label in column:
                row[column[label] + 1] = 1
        return counts


def _by_class(totals: Counts) -> NDArray[np.float64]:
    """Give right, wrong and missed, each with one column a class."""
    values = np.asarray(totals, dtype=np.float64)
    return np.moveaxis(values.reshape(*values.shape[:-1], -1, COUNTS_A_CLASS), -1, 0)


def _f1(totals: Counts) -> NDArray[np.float64]:
    right, wrong, missed = _by_class(totals)
    scores: NDArray[np.float64] = 2 * right / _no_zeros(2 * right + wrong + missed)
    return scores


def _no_zeros(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values == 0, 1, values)


# --- checks ------------------------------------------------------------------------------------


def _named(classes: str, found: set[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in classes.split(",") if name.strip()))
    missing = sorted(found - set(names))
    if not missing:
        return names
    raise UnknownLabelError(
        f"Could not use the option classes: {len(missing)} label(s) of the data are not in it.",
        got=", ".join(missing[:MAX_SHOWN]),
        expected=", ".join(names),
        fix="name all labels, with commas between them",
    )


def _check_same_labels(sets: Sequence[set[str]]) -> None:
    """Accept languages without a rare label, refuse languages that name things differently."""
    pairs = [(a, b) for a in range(len(sets)) for b in range(a) if sets[a] - sets[b]]
    pairs = [(a, b) for a, b in pairs if sets[b] - sets[a]]
    if not pairs:
        return
    second, first = pairs[0]
    listed = [
        f"language {i + 1}: {', '.join(sorted(sets[i])[:MAX_SHOWN])}" for i in (first, second)
    ]
    raise UnknownLabelError(
        "Could not give all languages the same labels: each of two has some that the other lacks.",
        got="\n".join(listed),
        expected="one label set, or sets of which one holds the other",
        fix="rename labels that mean the same; if all are meant, name them: "
        f"--task-option classes={','.join(sorted(set().union(*sets))[:MAX_SHOWN])}",
    )


def _check_known(examples: Sequence[LabelledText], labels: Sequence[str]) -> None:
    unknown = Counter(e.label for e in examples if e.label not in labels)
    if not unknown:
        return
    first = next(example for example in examples if example.label in unknown)
    listed = ", ".join(f"{label} ({n}x)" for label, n in unknown.most_common(MAX_SHOWN))
    raise UnknownLabelError(
        f"Could not encode {len(unknown)} label(s): the model does not know them.",
        got=f"{listed}; first of {' / '.join(first.texts)[:80]!r}",
        expected=f"labels {', '.join(labels) or '(the model has none)'}",
        fix="fine-tune on data with these labels, or rename them in this data",
    )


def _check_width(outputs: NDArray[np.float32], labels: Sequence[str]) -> None:
    if outputs.shape == (len(labels),):
        return
    raise UnknownLabelError(
        "Could not name the model's outputs.",
        got=f"outputs of shape {outputs.shape}",
        expected=f"{len(labels)}, one for each of {', '.join(labels)}",
        fix="give the labels of this model, in the order of its config's id2label",
    )


def _check_number(gold: Sequence[LabelledText], predicted: Sequence[str]) -> None:
    if len(gold) == len(predicted):
        return
    raise DataFormatError(
        "Could not compare predicted with correct labels: they differ in number.",
        got=f"{len(predicted)} predicted labels",
        expected=f"{len(gold)}, one an example",
        fix="decode the outputs of the same encoded examples",
    )
