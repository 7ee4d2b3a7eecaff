"""Counting one split, and comparing two splits of a language."""

from collections import Counter
from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast

from tinyglot.data.checks.examples import Key, answer_of, key_of, labels_of, num_words, texts_of
from tinyglot.data.checks.facts import IllegalTags, SplitFacts, SplitOverlap, Tokens
from tinyglot.data.columns import Example
from tinyglot.data.conll import TaggedSentence
from tinyglot.data.mentions import entity_overlap
from tinyglot.languages import LanguageTag
from tinyglot.tokenizers import unknown_token_ids

TEXTS_AT_ONCE = 1000


def measure_split(
    tag: LanguageTag,
    split: str,
    kind: str,
    examples: Sequence[Example],
    *,
    illegal_tags: IllegalTags | None = None,
    tokenizer: PreTrainedTokenizerFast | None = None,
) -> SplitFacts:
    """Count what is in one split.

    Args:
        tag: The language.
        split: Its name.
        kind: Kind of the examples.
        examples: At least one.
        illegal_tags: What the reader found, if it could see the file's own tags.
        tokenizer: Counts unknown tokens, if given.

    Returns:
        The counts.
    """
    labels = Counter(label for example in examples for label in labels_of(example, kind))
    answers: dict[Key, set[object]] = {}
    for example in examples:
        answers.setdefault(key_of(example), set()).add(answer_of(example))
    return SplitFacts(
        language=tag,
        split=split,
        num_examples=len(examples),
        num_words=sum(map(num_words, examples)),
        labels=dict(sorted(labels.items())),
        num_duplicates=len(examples) - len(answers),
        num_conflicting=sum(len(different) > 1 for different in answers.values()),
        illegal_tags=illegal_tags,
        tokens=None if tokenizer is None else count_tokens(examples, tokenizer),
    )


def count_tokens(examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast) -> Tokens:
    """Count tokens, and those that stand for characters that the tokenizer does not have.

    Args:
        examples: Of any kind.
        tokenizer: A fast tokenizer.

    Returns:
        The counts, special tokens left out.

    Raises:
        UnsupportedTokenizerError: If the tokenizer's algorithm is not known.
    """
    unknown = unknown_token_ids(tokenizer)
    texts = [text for example in examples for text in texts_of(example)]
    num_tokens = num_unknown = 0
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        batch = texts[start : start + TEXTS_AT_ONCE]
        for ids in tokenizer(batch, add_special_tokens=False, truncation=False)["input_ids"]:
            num_tokens += len(ids)
            num_unknown += sum(token_id in unknown for token_id in ids)
    return Tokens(num_tokens, num_unknown)


Part = tuple[str, Sequence[Example]]
"""Name and examples of a split."""


def measure_overlap(tag: LanguageTag, kind: str, later: Part, earlier: Part) -> SplitOverlap:
    """Count what two splits share.

    Args:
        tag: The language.
        kind: Kind of the examples; mentions are looked up in ``ner``.
        later: One split, such as ``test``.
        earlier: The other, such as ``train``.

    Returns:
        Shared examples counted on both sides, and mentions that are in both.
    """
    keys, other_keys = ([key_of(example) for example in part] for _, part in (later, earlier))
    known, other_known = frozenset(keys), frozenset(other_keys)
    sentences, others = _tagged(later[1]), _tagged(earlier[1])
    overlap = entity_overlap(sentences, others) if kind == "ner" else None
    return SplitOverlap(
        language=tag,
        split=later[0],
        other=earlier[0],
        num_examples=len(keys),
        num_shared=sum(key in other_known for key in keys),
        num_other_examples=len(other_keys),
        num_other_shared=sum(key in known for key in other_keys),
        num_mentions=None if overlap is None else overlap.num_mentions,
        num_seen_mentions=None if overlap is None else overlap.num_seen,
    )


def _tagged(examples: Sequence[Example]) -> list[TaggedSentence]:
    return [example for example in examples if isinstance(example, TaggedSentence)]
