"""What `tinyglot data check` finds: counts a split, overlaps between splits, findings."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from tinyglot.languages import LanguageTag


class Severity(StrEnum):
    """Whether something should be mended, or only be known."""

    problem = "problem"
    notice = "notice"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a tokenizer makes of a text.

    Attributes:
        num_tokens: Special tokens left out.
        num_unknown: Of these, unknown tokens and lone bytes.
    """

    num_tokens: int
    num_unknown: int

    @property
    def unk_rate(self) -> float:
        """Unknown tokens of all tokens, in [0, 1]."""
        return self.num_unknown / self.num_tokens if self.num_tokens else 0.0


@dataclass(frozen=True, slots=True)
class IllegalTags:
    """Tags that cannot begin a span where they stand, such as ``I-PER`` after ``O``.

    Attributes:
        num_spans: Spans that begin with such a tag.
        first_lines: Lines where the sentences with such spans begin.
    """

    num_spans: int
    first_lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SplitFacts:
    """One language and split.

    Attributes:
        language: Its tag.
        split: Its name.
        num_examples: Sentences, texts, pairs, questions or translations.
        num_words: Of tagged sentences their words, else what spaces separate.
        labels: How often each occurs: mentions by type, tags or labels.
        num_duplicates: Examples whose text stood earlier in the split.
        num_conflicting: Texts that occur with different labels.
        illegal_tags: ``None`` where the file's own tags cannot be seen.
        tokens: ``None`` without a tokenizer.
    """

    language: LanguageTag
    split: str
    num_examples: int
    num_words: int
    labels: dict[str, int]
    num_duplicates: int
    num_conflicting: int
    illegal_tags: IllegalTags | None
    tokens: Tokens | None


@dataclass(frozen=True, slots=True)
class SplitOverlap:
    """What two splits of one language share.

    Attributes:
        language: Its tag.
        split: The later of the two, such as ``test``.
        other: The earlier of the two, such as ``train``.
        num_examples: Of the later split.
        num_shared: Of these, examples whose text is in the earlier split.
        num_other_examples: Of the earlier split.
        num_other_shared: Of these, examples whose text is in the later split.
        num_mentions: Entity mentions of the later split; ``None`` for other data.
        num_seen_mentions: Of these, those whose words and type are in the earlier split.
    """

    language: LanguageTag
    split: str
    other: str
    num_examples: int
    num_shared: int
    num_other_examples: int
    num_other_shared: int
    num_mentions: int | None = None
    num_seen_mentions: int | None = None

    @property
    def share(self) -> float:
        """Shared examples of the later split's examples, in [0, 1]."""
        return self.num_shared / self.num_examples

    @property
    def entity_overlap(self) -> float | None:
        """Seen mentions of all mentions, in [0, 1]."""
        if self.num_seen_mentions is None or not self.num_mentions:
            return None
        return self.num_seen_mentions / self.num_mentions


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that one of the checks found.

    Attributes:
        check: Which check.
        severity: ``problem`` or ``notice``.
        language: Its tag; ``None`` if it is about all of them.
        split: Its name; ``None`` if it is about all of them.
        message: What was found, with numbers, lines, and what is expected.
    """

    check: str
    severity: Severity
    language: LanguageTag | None
    split: str | None
    message: str


@dataclass(frozen=True, slots=True)
class DataCheck:
    """Everything that was found in a data set.

    Attributes:
        source: Name of the data set, without the place it was in.
        kind: Kind of its examples.
        tokenizer: Name of the tokenizer, if there was one.
        splits: Counts, by language, splits in the order of use.
        overlaps: What splits of one language share.
        findings: Problems first.
    """

    source: str
    kind: str
    tokenizer: str | None
    splits: tuple[SplitFacts, ...]
    overlaps: tuple[SplitOverlap, ...]
    findings: tuple[Finding, ...]

    @property
    def num_problems(self) -> int:
        """How many findings should be mended."""
        return sum(found.severity is Severity.problem for found in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Give everything as JSON values, the shares beside the counts."""
        content = asdict(self)
        for row, facts in zip(content["splits"], self.splits, strict=True):
            row["unk_rate"] = None if facts.tokens is None else facts.tokens.unk_rate
        for row, overlap in zip(content["overlaps"], self.overlaps, strict=True):
            row |= {"share": overlap.share, "entity_overlap": overlap.entity_overlap}
        return {**content, "num_problems": self.num_problems}
