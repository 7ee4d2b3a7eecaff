"""How alike an answer and the right one are, as the scripts of SQuAD 1.1 and MLQA say."""

import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Literal

Normalisation = Literal["squad", "mlqa"]

_ENGLISH_ARTICLES = re.compile(r"\b(a|an|the)\b")
# by the first part of the language tag; languages without an entry keep every word
_MLQA_ARTICLES = {
    "eng": _ENGLISH_ARTICLES,
    "spa": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "vie": re.compile("\\b(của|là|cái|chiếc|những)\\b"),
    "deu": re.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "arb": re.compile("ال"),  # wherever it stands, as in MLQA's script
}
_HAN = re.compile("([\u4e00-\u9fa5])")
_CHARACTERS_ARE_WORDS = ("zho", "cmn")


def answer_words(text: str, normalisation: Normalisation, language: str) -> tuple[str, ...]:
    """Cut a text into the words that are compared: no case, no punctuation, no articles.

    ``squad`` treats every language as SQuAD 1.1 treats English: ASCII punctuation and English
    articles go, words stand between spaces. ``mlqa`` also takes Unicode punctuation, and articles
    of the language (English, Spanish, Vietnamese, German, Arabic); in Chinese, every Han character
    is a word. In languages that MLQA does not have it drops no articles.

    Args:
        text: An answer.
        normalisation: Whose rules.
        language: A language tag; only ``mlqa`` looks at it.

    Returns:
        The words, in order.

    References:
        Rajpurkar et al. (2016), SQuAD, evaluate-v1.1.py; Lewis et al. (2020), MLQA,
        mlqa_evaluation_v1.py.

    Example:
        >>> answer_words("The «Amazon».", "squad", "eng-Latn")
        ('«amazon»',)
        >>> answer_words("The «Amazon».", "mlqa", "eng-Latn")
        ('amazon',)
    """
    if normalisation == "squad":
        kept = text.lower().translate(_without(string.punctuation))
        return tuple(_ENGLISH_ARTICLES.sub(" ", kept).split())
    code = language.partition("-")[0]
    kept = text.lower().translate(_without_unicode_punctuation())
    articles = _MLQA_ARTICLES.get(code)
    kept = articles.sub(" ", kept) if articles else kept
    return tuple((_HAN.sub(r" \1 ", kept) if code in _CHARACTERS_ARE_WORDS else kept).split())


def overlap_f1(predicted: Iterable[str], correct: Iterable[str]) -> float:
    """Compare two bags of words.

    Args:
        predicted: Words of the predicted answer.
        correct: Words of a right one.

    Returns:
        The harmonic mean of the shares of the words that the other answer has too, in [0, 1];
        0 if one has no words.

    Example:
        >>> overlap_f1(["new", "york", "city"], ["new", "york"])
        0.8
    """
    found, wanted = Counter(predicted), Counter(correct)
    same = (found & wanted).total()
    if same == 0:
        return 0.0
    precision, recall = same / found.total(), same / wanted.total()
    return 2 * precision * recall / (precision + recall)


@cache
def _without(characters: str) -> dict[int, None]:
    return {ord(character): None for character in characters}


@cache
def _without_unicode_punctuation() -> dict[int, None]:
    return _without("".join({*string.punctuation, *_unicode_punctuation()}))


def _unicode_punctuation() -> Iterator[str]:
    every = map(chr, range(sys.maxunicode + 1))
    return (character for character in every if unicodedata.category(character)[0] == "P")
