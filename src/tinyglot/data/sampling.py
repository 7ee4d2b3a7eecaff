"""How many examples of each language to train on, and which."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from tinyglot.errors import RecipeError
from tinyglot.languages import LanguageTag

_Item = TypeVar("_Item")


def sampled_counts(
    sizes: Mapping[LanguageTag, int],
    *,
    total: int | None = None,
    temperature: float = 1.0,
    cap: int | None = None,
) -> dict[LanguageTag, int]:
    """Share a number of examples among languages by temperature sampling, none of them twice.

    A language's share is proportional to ``min(size, cap) ** (1 / temperature)``: 1 keeps the
    proportions, more lifts the small languages, infinity gives every language the same. No
    language gives more than it has, or than ``cap``; what it cannot give goes to the others in
    their proportions. Fractions are rounded by largest remainder, so the counts add up.

    Args:
        sizes: Examples that each language has.
        total: Examples of all languages together; ``None`` for as many as can be had with the
            proportions kept exactly: everything up to the cap at temperature 1, else until the
            scarcest language is used up.
        temperature: Above 0; ``1 / alpha`` of XLM-R and mBERT (0.3 and 0.7 there).
        cap: Most examples of one language.

    Returns:
        Examples to take a language, in the order of ``sizes``; they add up to ``total``, or to
        all there are if that is less.

    Raises:
        RecipeError: If a number is out of range.

    References:
        Conneau et al. (2020), Unsupervised Cross-lingual Representation Learning at Scale,
        section 3.

    Example:
        >>> sampled_counts({"eng-Latn": 900, "swh-Latn": 100}, total=200, temperature=2.0)
        {'eng-Latn': 150, 'swh-Latn': 50}
    """
    _check(sizes, total=total, temperature=temperature, cap=cap)
    limits = {tag: size if cap is None else min(size, cap) for tag, size in sizes.items()}
    logits = {tag: math.log(most) / temperature for tag, most in limits.items() if most}
    if not logits:
        return dict.fromkeys(sizes, 0)
    shares = _largest(limits, logits) if total is None else _shares(limits, logits, total)
    return {tag: shares.get(tag, 0) for tag in sizes}


def choose_examples(examples: Sequence[_Item], count: int, seed: int, tag: str) -> list[_Item]:
    """Choose examples of one language at random, none twice, in their own order.

    Args:
        examples: All of the language.
        count: How many, at most as many as there are.
        seed: Of the choice.
        tag: The language, so that two of them are not chosen alike.

    Returns:
        The chosen ones.

    Raises:
        RecipeError: If there are not as many.

    Randomness:
        Depends on ``seed``, ``tag`` and the number of examples only, not on other languages.
    """
    if not 0 <= count <= len(examples):
        raise RecipeError(
            f"Could not choose examples in {tag}: there are not as many.",
            got=f"{count} of {len(examples)}",
            expected=f"0 to {len(examples)}",
            fix="take the counts that sampled_counts gives",
        )
    generator = np.random.default_rng([seed, *tag.encode()])
    chosen = generator.choice(len(examples), size=count, replace=False)
    return [examples[place] for place in sorted(chosen.tolist())]


def _check(
    sizes: Mapping[LanguageTag, int], *, total: int | None, temperature: float, cap: int | None
) -> None:
    wrong = [f"{size} examples in {tag}" for tag, size in sizes.items() if size < 0]
    if not temperature > 0:
        wrong.append(f"temperature {temperature}")
    named = (("total", total), ("cap", cap))
    wrong += [f"{name} {number}" for name, number in named if number is not None and number < 1]
    if wrong:
        raise RecipeError(
            "Could not share the examples among the languages.",
            got=", ".join(wrong),
            expected="a temperature above 0 (inf: all alike), a total and a cap of at least 1",
            fix="correct these numbers",
        )


def _largest(
    limits: Mapping[LanguageTag, int], logits: Mapping[LanguageTag, float]
) -> dict[LanguageTag, int]:
    """Give as many as there can be in exact proportions."""
    weights = _weights(logits)
    scale = min(limits[tag] / weight for tag, weight in weights.items() if weight > 0)
    # a hair above, since 900 / 0.3 * 0.3 may be 899.99
    return {tag: math.floor(scale * weight + 1e-9) for tag, weight in weights.items()}


def _shares(
    limits: Mapping[LanguageTag, int], logits: Mapping[LanguageTag, float], total: int
) -> dict[LanguageTag, int]:
    """Share a total; languages that are full drop out, and the others share what is left."""
    left, free = min(total, sum(limits.values())), dict(logits)
    counts: dict[LanguageTag, int] = {}
    while free:
        weights = _weights(free)
        scale = left / sum(weights.values())
        full = [tag for tag, weight in weights.items() if scale * weight >= limits[tag]]
        if not full:
            return {**counts, **_rounded({tag: scale * w for tag, w in weights.items()}, left)}
        for tag in full:
            counts[tag] = limits[tag]
            left -= limits[tag]
            del free[tag]
    return counts


def _weights(logits: Mapping[LanguageTag, float]) -> dict[LanguageTag, float]:
    """Raise to powers without overflow: the largest weight is 1."""
    largest = max(logits.values())
    return {tag: math.exp(logit - largest) for tag, logit in logits.items()}


def _rounded(shares: Mapping[LanguageTag, float], total: int) -> dict[LanguageTag, int]:
    """Round down, and give what is left to the largest remainders."""
    counts = {tag: math.floor(share) for tag, share in shares.items()}
    by_remainder = sorted(shares, key=lambda tag: (counts[tag] - shares[tag], tag))
    for tag in by_remainder[: total - sum(counts.values())]:
        counts[tag] += 1
    return counts
