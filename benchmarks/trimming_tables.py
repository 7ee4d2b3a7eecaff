"""Tables of what vocabulary trimming leaves and costs; also in the method's card."""

from collections.abc import Iterator

from benchmarks.schema import (
    TrimmedJointly,
    TrimmedLanguage,
    TrimmedOtherDomain,
    VocabularyTrimming,
)

BYTES_A_PARAMETER = 4
MIB = 2**20


def trimming_tables(result: VocabularyTrimming) -> Iterator[str]:
    """Show all three tables."""
    yield from alone_table(result)
    yield ""
    yield from joint_table(result)
    yield ""
    yield from other_domain_table(result)


def alone_table(result: VocabularyTrimming) -> Iterator[str]:
    before = result.num_parameters_before
    yield (
        f"Each language alone, all tokens of its text ({result.num_rows_before:,} rows and "
        f"{_mib(before)} MiB before). Held-out lines under a vocabulary chosen without them."
    )
    yield ""
    yield "| language | text, MB | rows | MiB | held-out lines | tokens per word | unknown |"
    yield "|---|---|---|---|---|---|---|"
    for row in result.alone:
        language = row.language
        yield (
            f"| {language.language} | {row.text_bytes / 1e6:.1f} | {row.num_rows:,} | "
            f"{_mib(row.num_parameters)} | {language.num_held_out_lines:,} | "
            f"{_fertility(language)} | {_unknown(language)} |"
        )


def joint_table(result: VocabularyTrimming) -> Iterator[str]:
    tags = [language.language for language in result.joint[0].languages]
    yield "Several languages together: rise of tokens per word on held-out lines (tokens kept)."
    yield ""
    yield f"| options | rows | MiB | {' | '.join(tags)} | macro-average | worst |"
    yield f"|---|---|---|{'---|' * len(tags)}---|---|"
    for row in result.joint:
        rises = [_rise(language) for language in row.languages]
        worst = tags[rises.index(max(rises))]
        cells = [
            f"{rise:+.2%} ({language.num_kept_tokens:,})"
            for rise, language in zip(rises, row.languages, strict=True)
        ]
        yield (
            f"| {_options(row)} | {row.num_rows:,} | {_mib(row.num_parameters)} | "
            f"{' | '.join(cells)} | {sum(rises) / len(rises):+.2%} | {worst} |"
        )


def other_domain_table(result: VocabularyTrimming) -> Iterator[str]:
    yield (
        "Chosen on one kind of text, judged on another. Unchanged: lines whose tokens are all "
        "kept, so computed bit for bit as before. Cosine: of sentence vectors before and after."
    )
    yield ""
    yield (
        "| language | chosen on | judged on | options | rows | tokens per word | unknown | "
        "unchanged lines | cosine, mean (5th percentile) |"
    )
    yield f"|{'---|' * 9}"
    for row in result.other_domain:
        yield (
            f"| {row.language} | {row.chosen_on} | {row.judged_on} (n = {row.num_lines:,}) | "
            f"{_options(row)} | {row.num_rows:,} | {_fertility(row)} | {_unknown(row)} | "
            f"{row.unchanged_lines_share:.0%} | {row.cosine_mean:.3f} ({row.cosine_p05:.3f}), "
            f"n = {row.num_embedded} |"
        )


def _options(row: TrimmedJointly | TrimmedOtherDomain) -> str:
    told = (f"`{name}: {_value(value)}`" for name, value in row.options.items())
    return ", ".join(told) or "defaults"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
    return str(value).lower()


def _rise(row: TrimmedLanguage) -> float:
    return row.fertility_after / row.fertility_before - 1


def _fertility(row: TrimmedLanguage | TrimmedOtherDomain) -> str:
    rise = row.fertility_after / row.fertility_before - 1
    return f"{row.fertility_before:.3f} → {row.fertility_after:.3f} ({rise:+.1%})"


def _unknown(row: TrimmedLanguage | TrimmedOtherDomain) -> str:
    return f"{row.unk_rate_before:.2%} → {row.unk_rate_after:.2%}"


def _mib(num_parameters: int) -> str:
    return f"{num_parameters * BYTES_A_PARAMETER / MIB:.0f}"
