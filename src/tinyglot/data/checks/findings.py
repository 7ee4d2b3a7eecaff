"""What counts of a data set say: each check turns them into findings."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tinyglot.data.checks.facts import Finding, Severity, SplitFacts, SplitOverlap
from tinyglot.data.problems import listing
from tinyglot.languages import LanguageTag

MAX_SHARED = 0.01
"""Share of dev or test examples that may stand in train, in [0, 1]; above it is a problem."""
MAX_UNK_RATE = 0.02
"""Share of tokens that may be unknown, in [0, 1]; vocabulary trimming's limit is the same."""
MAX_LINES_SHOWN = 5
USUAL_SPLITS = ("train", "dev", "test")

CHECKS = {
    "broken file": "every file can be read; lines that cannot are listed, the others still checked",
    "missing split": "every language has the splits of train, dev, test that others have",
    "illegal tags": "no span begins with a tag that cannot begin one (I-PER after O)",
    "label set": "every language has the labels that most have",
    "shared examples": f"at most {MAX_SHARED:.0%} of the examples of dev and test are in train",
    "duplicates": "no text occurs twice in a split",
    "conflicting labels": "no text occurs with different labels",
    "unknown tokens": f"at most {MAX_UNK_RATE:.0%} of the tokens are unknown (--tokenizer)",
}


def find(
    kind: str, splits: Sequence[SplitFacts], overlaps: Sequence[SplitOverlap]
) -> list[Finding]:
    """Judge the counts of all languages and splits.

    Args:
        kind: Kind of the examples.
        splits: Counts of what could be read.
        overlaps: What splits share.

    Returns:
        What the checks found, check by check.
    """
    return [
        *_missing_splits(splits),
        *(found for facts in splits for found in _illegal_tags(facts)),
        *_label_sets(kind, splits),
        *(found for overlap in overlaps for found in _shared(overlap)),
        *(found for check in (_duplicates, _conflicts, _unknown) for found in _each(check, splits)),
    ]


def _each(
    check: Callable[[SplitFacts], Iterator[Finding]], splits: Sequence[SplitFacts]
) -> Iterator[Finding]:
    for facts in splits:
        yield from check(facts)


def _missing_splits(splits: Sequence[SplitFacts]) -> Iterator[Finding]:
    there: dict[LanguageTag, set[str]] = {}
    for facts in splits:
        there.setdefault(facts.language, set()).add(facts.split)
    everywhere = set().union(*there.values())
    for tag, names in there.items():
        for split in (name for name in USUAL_SPLITS if name in everywhere - names):
            message = f"no {split} split, which other languages have"
            # a language may be there to be tested only
            severity = Severity.problem if split == "test" else Severity.notice
            yield Finding("missing split", severity, tag, split, message)


def _illegal_tags(facts: SplitFacts) -> Iterator[Finding]:
    illegal = facts.illegal_tags
    if illegal is None or illegal.num_spans == 0:
        return
    lines = ", ".join(map(str, illegal.first_lines[:MAX_LINES_SHOWN]))
    more = len(illegal.first_lines) - MAX_LINES_SHOWN
    tail = f" and {more:,} more" if more > 0 else ""
    message = (
        f"{illegal.num_spans:,} spans in {len(illegal.first_lines):,} sentences begin with a tag "
        f"that cannot begin one; sentences from line {lines}{tail}; they are read as if it could"
    )
    yield Finding("illegal tags", Severity.problem, facts.language, facts.split, message)


def _label_sets(kind: str, splits: Sequence[SplitFacts]) -> Iterator[Finding]:
    """Compare each language's labels with those that most languages have."""
    labels: dict[LanguageTag, frozenset[str]] = {}
    for facts in splits:
        labels[facts.language] = labels.get(facts.language, frozenset()).union(facts.labels)
    counted = Counter(labels.values())
    usual = max(
        counted, key=lambda found: (counted[found], len(found), sorted(found)), default=None
    )
    # few treebanks have all 17 tags
    severity = Severity.notice if kind == "pos" else Severity.problem
    for tag, found in labels.items():
        if usual is not None and found != usual:
            message = _label_difference(found, usual)
            yield Finding("label set", severity, tag, None, message)


def _label_difference(found: frozenset[str], usual: frozenset[str]) -> str:
    parts = (("lacks", usual - found), ("besides has", found - usual))
    said = [f"{verb} {listing(sorted(names))}" for verb, names in parts if names]
    return f"{' and '.join(said)}; most languages have {listing(sorted(usual))}"


def _shared(overlap: SplitOverlap) -> Iterator[Finding]:
    if overlap.num_shared == 0:
        return
    is_problem = overlap.other == "train" and overlap.share > MAX_SHARED
    severity = Severity.problem if is_problem else Severity.notice
    message = (
        f"{overlap.num_shared:,} of {overlap.num_examples:,} examples ({overlap.share:.1%}) are "
        f"also in {overlap.other}"
    )
    yield Finding("shared examples", severity, overlap.language, overlap.split, message)


def _duplicates(facts: SplitFacts) -> Iterator[Finding]:
    if facts.num_duplicates:
        message = f"{facts.num_duplicates:,} of {facts.num_examples:,} examples stood there before"
        yield Finding("duplicates", Severity.notice, facts.language, facts.split, message)


def _conflicts(facts: SplitFacts) -> Iterator[Finding]:
    if facts.num_conflicting:
        message = f"{facts.num_conflicting:,} text(s) occur with different labels"
        yield Finding("conflicting labels", Severity.notice, facts.language, facts.split, message)


def _unknown(facts: SplitFacts) -> Iterator[Finding]:
    tokens = facts.tokens
    if tokens is not None and tokens.unk_rate > MAX_UNK_RATE:
        message = (
            f"{tokens.num_unknown:,} of {tokens.num_tokens:,} tokens ({tokens.unk_rate:.1%}) are "
            f"unknown; expected at most {MAX_UNK_RATE:.0%}"
        )
        yield Finding("unknown tokens", Severity.problem, facts.language, facts.split, message)
