"""The synthetic NER corpus: templates filled with names, written as CoNLL files and as text."""

import datetime
import random
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import regex

from tinyglot.data.conll import TaggedSentence, write_conll
from tinyglot.data.demo.entities import Entities, cldr_locale, make_entities, words_of
from tinyglot.data.demo.template import (
    DEMO_LANGUAGES,
    Templates,
    Word,
    parse_sentence,
    read_templates,
)
from tinyglot.errors import DataFormatError, UnknownLanguageError
from tinyglot.files import write_json, write_text
from tinyglot.languages import LanguageTag, language, resolve_language

DEFAULT_SIZES: Mapping[str, int] = {"train": 250, "dev": 50, "test": 100}
"""Sentences a language."""

_POOL_ENDS = {"train": 0.7, "dev": 0.8, "test": 1.0}
_SHARE_OF_UNSEEN_NAMES = 0.9
_SHARE_OF_UNSEEN_SENTENCES = 0.2
_TEXT_LINES_PER_SENTENCE = 4
_TYPES = {
    "PER": ("men", "women", "PER"),
    "MAN": ("men", "PER"),
    "WOMAN": ("women", "PER"),
    "CITY": ("cities", "LOC"),
    "COUNTRY": ("countries", "LOC"),
    "ORG": ("organisations", "ORG"),
}
"""For each slot the kinds of names that fit, and their entity type."""
_NUMBERS = {"NUMBER": (20, 950), "SMALL": (2, 12), "AGE": (18, 80), "YEAR": (1950, 2025)}
_DATES = (datetime.date(2015, 1, 1), datetime.date(2026, 12, 31))
_CLOSING = regex.compile(r"[.,!?;:)\]»”’、。，！？：；」』।،؟؛።፤፣%]|\.\.\.")
_OPENING = regex.compile(r"[(\[«“‘「『]")
_NOTE = (
    "Synthetic: sentences from a few templates a language, filled with invented or common names. "
    "It shows that the software works; scores on it say nothing about real text."
)


def make_ner_corpus(
    directory: Path,
    languages: Sequence[str] = DEMO_LANGUAGES,
    sentences_per_split: Mapping[str, int] = DEFAULT_SIZES,
    seed: int = 0,
) -> Path:
    """Write a synthetic corpus for named entity recognition.

    Each language gets ``<tag>/{train,dev,test}.conll`` with PER, ORG and LOC in IOB2, and
    ``<tag>.txt``, running text made like the train split. No sentence occurs twice. Nine in ten
    names in dev and test, and a fifth of their sentence templates, do not occur in train.
    ``corpus.json`` says how it was made. Files of an earlier corpus are replaced.

    Args:
        directory: Where to write; made if it is not there.
        languages: Codes of languages that have templates.
        sentences_per_split: Sentences a language, for ``train``, ``dev`` and ``test``.
        seed: Another seed gives another corpus; the same one the same bytes, with the same
            versions of Babel and Faker.

    Returns:
        The directory.

    Raises:
        UnknownLanguageError: If a language has no templates.
        DataFormatError: If a split has another name, or less than one sentence.
        MissingExtraError: If Babel or Faker is not installed.
    """
    tags = [_with_templates(code) for code in languages]
    sizes = {split: _checked_size(split, sentences_per_split) for split in sentences_per_split}
    for tag in tags:
        _write_language(directory, tag, sizes, seed)
    write_json(
        directory / "corpus.json",
        {
            "babel": version("babel"),
            "faker": version("faker"),
            "languages": tags,
            "note": _NOTE,
            "seed": seed,
            "sentences_per_split": sizes,
            "synthetic": True,
        },
    )
    return directory


def _with_templates(code: str) -> LanguageTag:
    tag = resolve_language(code)
    if tag not in DEMO_LANGUAGES:
        raise UnknownLanguageError(
            "Could not make a demo corpus in this language: it has no sentence templates.",
            got=f"{code} ({language(tag).name})",
            expected=" ".join(DEMO_LANGUAGES),
            fix=f"choose another, or write data/demo/templates/{tag}.yaml",
        )
    return tag


def _checked_size(split: str, sizes: Mapping[str, int]) -> int:
    if split not in _POOL_ENDS or sizes[split] < 1:
        raise DataFormatError(
            "Could not make a demo corpus of this size.",
            got=f"{split}: {sizes[split]} sentences",
            expected="at least 1 sentence for each of train, dev, test",
            fix=f"sentences_per_split={dict(DEFAULT_SIZES)}",
        )
    return sizes[split]


def _write_language(directory: Path, tag: LanguageTag, sizes: Mapping[str, int], seed: int) -> None:
    templates = read_templates(tag)
    rng = random.Random(f"{seed}/{tag}")  # noqa: S311  (not for secrets)
    pools = _split_names(make_entities(templates, language(tag).script, rng), rng)
    sentences = _split_sentences(templates.sentences, rng)
    writers = {split: _Writer(templates, sentences[split], pools, split) for split in pools}
    written: set[tuple[str, ...]] = set()
    for split in _POOL_ENDS:
        if split in sizes:
            new = writers[split].sentences(sizes[split], rng, avoid=written)
            write_conll(directory / tag / f"{split}.conll", new)
    num_lines = _TEXT_LINES_PER_SENTENCE * max(sizes.values())
    text = writers["train"].sentences(num_lines, rng, avoid=set())
    lines = "".join(f"{_running_text(sentence, templates)}\n" for sentence in text)
    write_text(directory / f"{tag}.txt", lines)


def _split_names(entities: Entities, rng: random.Random) -> dict[str, Entities]:
    """Give each split names of its own."""
    pools: dict[str, dict[str, tuple[str, ...]]] = {split: {} for split in _POOL_ENDS}
    for kind in Entities.__dataclass_fields__:
        names = list(getattr(entities, kind))
        rng.shuffle(names)
        start = 0
        for split, end_share in _POOL_ENDS.items():
            end = round(end_share * len(names))
            pools[split][kind] = tuple(names[start:end])
            start = end
    return {split: Entities(**kinds) for split, kinds in pools.items()}


def _split_sentences(sentences: Sequence[str], rng: random.Random) -> dict[str, list[list[Word]]]:
    """Keep some templates out of train; dev and test use all of them."""
    shuffled = rng.sample(sentences, len(sentences))
    parsed = [parse_sentence(sentence) for sentence in shuffled]
    num_unseen = round(_SHARE_OF_UNSEEN_SENTENCES * len(parsed))
    return {"train": parsed[num_unseen:], "dev": parsed, "test": parsed}


class _Writer:
    """Fills the templates of one split."""

    def __init__(
        self,
        templates: Templates,
        sentences: Sequence[list[Word]],
        pools: Mapping[str, Entities],
        split: str,
    ) -> None:
        self._templates = templates
        self._sentences = sentences
        self._own, self._train = pools[split], pools["train"]

    def sentences(
        self, count: int, rng: random.Random, avoid: set[tuple[str, ...]]
    ) -> list[TaggedSentence]:
        """Write different sentences, none of them in ``avoid``, and add them there."""
        written: list[TaggedSentence] = []
        while len(written) < count:
            sentence = self._fill(rng.choice(self._sentences), rng)
            if sentence.words not in avoid:
                avoid.add(sentence.words)
                written.append(sentence)
        return written

    def _fill(self, template: Sequence[Word], rng: random.Random) -> TaggedSentence:
        words: list[str] = []
        tags: list[str] = []
        names: set[str] = set()
        for prefix, slot, suffix in template:
            if slot in _TYPES:
                filling, kind = self._new_name(slot, rng, names), _TYPES[slot][-1]
            else:
                filling, kind = self._other_words(slot, rng), None
            filling[0] = prefix + filling[0]
            filling[-1] += suffix
            words += filling
            tags += _iob2(kind, len(filling))
        return TaggedSentence(tuple(words), tuple(tags))

    def _new_name(self, slot: str, rng: random.Random, names: set[str]) -> list[str]:
        """Choose a name that is not in the sentence yet."""
        kinds = _TYPES[slot][:-1]
        while True:
            is_own = rng.random() < _SHARE_OF_UNSEEN_NAMES
            pool = self._own if is_own else self._train
            name = rng.choice(getattr(pool, rng.choice(kinds)))
            if name not in names:
                names.add(name)
                return words_of(name)

    def _other_words(self, slot: str | None, rng: random.Random) -> list[str]:
        if slot is None:
            return [""]
        if slot in _NUMBERS:
            return [str(rng.randint(*_NUMBERS[slot]))]
        if slot == "DATE":
            return words_of(_date(self._templates, rng))
        return rng.choice(self._templates.lists[slot]).split()


def _date(templates: Templates, rng: random.Random) -> str:
    locale = cldr_locale(templates.cldr)
    from babel.dates import format_date

    first, last = _DATES
    day = first + datetime.timedelta(days=rng.randrange((last - first).days))
    return format_date(day, templates.date, locale=locale)


def _iob2(kind: str | None, length: int) -> list[str]:
    if kind is None:
        return ["O"] * length
    return [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)


def _running_text(sentence: TaggedSentence, templates: Templates) -> str:
    """Write a sentence as one would, with no spaces before its punctuation."""
    apart = templates.apart.split()
    text = ""
    for word, tag in zip(sentence.words, sentence.tags, strict=True):
        is_closing = _CLOSING.fullmatch(word) and word not in apart
        is_after_opening = _OPENING.fullmatch(text[-1:]) and text[-1:] not in apart
        if not text or is_closing or is_after_opening:
            text += word
        elif tag == "I-PER" and not templates.joiner:
            text += templates.name_joiner + word
        else:
            text += templates.joiner + word
    return text
