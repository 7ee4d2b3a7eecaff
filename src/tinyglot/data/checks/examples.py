"""What any kind of example has: texts that tell it from others, labels, words."""

from collections.abc import Sequence
from typing import TypeAlias

from tinyglot.data.columns import Example
from tinyglot.data.conll import TaggedSentence
from tinyglot.data.examples import LabelledText, Parallel, Question
from tinyglot.data.mentions import mentions_of

Key: TypeAlias = tuple[str, ...]
"""Two examples with one key are duplicates."""


def key_of(example: Example) -> Key:
    """Give what makes an example a duplicate of another: its text, whatever its labels are.

    Args:
        example: Of any kind.

    Returns:
        Words of a tagged sentence; one or two texts; context and question; both sides.
    """
    if isinstance(example, TaggedSentence):
        return example.words
    if isinstance(example, LabelledText):
        return example.texts
    if isinstance(example, Question):
        return example.context, example.question
    if isinstance(example, Parallel):
        return example.source or "", example.target or ""
    return (example,)


def labels_of(example: Example, kind: str) -> list[str]:
    """List the labels of an example.

    Args:
        example: Of any kind.
        kind: Tells mentions (``ner``) from tags (``pos``).

    Returns:
        A type for each mention, a tag for each word, or the one label; none if there are none.
    """
    if isinstance(example, TaggedSentence):
        return [m.type for m in mentions_of(example)] if kind == "ner" else list(example.tags)
    return [example.label] if isinstance(example, LabelledText) else []


def answer_of(example: Example) -> object:
    """Give what must be the same when two examples have the same text.

    Args:
        example: Of any kind.

    Returns:
        Tags, a label or answers; the same for all examples that have none.
    """
    if isinstance(example, TaggedSentence):
        return example.tags
    if isinstance(example, LabelledText):
        return example.label
    return example.answers if isinstance(example, Question) else None


def texts_of(example: Example) -> Sequence[str]:
    """Give the texts of an example as a tokenizer takes them.

    Args:
        example: Of any kind.

    Returns:
        One text or more; a tagged sentence's words with spaces between them.
    """
    key = key_of(example)
    return [" ".join(key)] if isinstance(example, TaggedSentence) else key


def num_words(example: Example) -> int:
    """Count words: those of a tagged sentence, else what spaces separate."""
    if isinstance(example, TaggedSentence):
        return len(example.words)
    return sum(len(text.split()) for text in texts_of(example))
