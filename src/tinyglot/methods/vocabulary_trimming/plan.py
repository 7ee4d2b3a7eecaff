"""Decides which tokens stay; changes nothing."""

from collections.abc import Mapping
from typing import NamedTuple

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.data.text import TextSource
from tinyglot.errors import (
    MissingInputError,
    NoEffectError,
    UncoveredTextError,
    VocabularySizeError,
)
from tinyglot.languages import language
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.vocabulary_trimming.config import VocabularyTrimmingConfig
from tinyglot.methods.vocabulary_trimming.report import (
    LanguageReport,
    TextCounts,
    TextStatistics,
    count_texts,
    report_language,
)
from tinyglot.methods.vocabulary_trimming.select import Counts, fill, joint_ranking, most_frequent
from tinyglot.tokenizers import (
    character_token_ids,
    required_token_ids,
    token_closure,
    trim_tokenizer,
)


class VocabularyTrimmingPlan(Plan):
    """Which token ids stay.

    Attributes:
        num_rows_before: Rows of the embedding matrix.
        kept_token_ids: Old ids; the new id of each is its place here.
        num_required_tokens: Special tokens, added tokens and the like.
        num_script_characters: Single characters kept for the scripts.
        languages: A report for each language.
    """

    num_rows_before: int
    kept_token_ids: tuple[int, ...]
    num_required_tokens: int
    num_script_characters: int
    languages: tuple[LanguageReport, ...]

    def summary(self) -> list[str]:
        """Say what stays.

        Returns:
            A line in all, and one for each language.
        """
        kept = len(self.kept_token_ids)
        return [
            f"keep {kept:,} of {self.num_rows_before:,} rows "
            f"({kept / self.num_rows_before:.1%}), {self.num_required_tokens:,} of them required, "
            f"{self.num_script_characters:,} characters of the scripts",
            *(report.line() for report in self.languages),
        ]


def plan(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: VocabularyTrimmingConfig,
    context: Context,
) -> VocabularyTrimmingPlan:
    """Count tokens over the text of every language and choose the ones that stay.

    Args:
        model: Gives the number of rows.
        tokenizer: Counts, and says what it cannot do without.
        config: The options.
        context: Gives languages and text.

    Returns:
        The token ids that stay, with a report for each language.

    Raises:
        MissingInputError: If a language has no text.
        VocabularySizeError: If the wanted size is above the original or below what must stay.
        UncoveredTextError: If too much of a text is unknown to the tokenizer.
        NoEffectError: If no row would be removed.

    Cost:
        One pass of the tokenizer over the text; memory does not grow with it.
    """
    rows = view(model).num_token_ids
    _check_sizes(config, rows)
    texts = count_texts(tokenizer, config.held_out_share, _sources(config, context))
    _check_unknown(texts, config.max_unk_rate)
    stays = _what_stays(model, tokenizer, config, texts)
    kept = choose(tokenizer, config, stays.all, texts.whole)
    if len(kept) == rows and not config.allow_no_effect:
        raise _no_effect(rows)
    after = _held_out_after(tokenizer, config, stays.all, texts)
    return VocabularyTrimmingPlan(
        method="vocabulary_trimming",
        num_rows_before=rows,
        kept_token_ids=kept,
        num_required_tokens=len(stays.required),
        num_script_characters=len(stays.all - stays.required),
        languages=tuple(
            report_language(tag, texts, _chosen(config, tag, texts.whole[tag]), kept, after.get(tag))
            for tag in texts.whole
        ),
    )


class _Stays(NamedTuple):
    """Token ids that stay whatever the counts say."""

    required: frozenset[int]
    all: frozenset[int]


def _sources(config: VocabularyTrimmingConfig, context: Context) -> dict[str, TextSource]:
    tags = config.languages or context.languages
    without = [tag for tag in tags if tag not in context.text]
    if without or not tags:
        raise MissingInputError(
            "Could not choose tokens: there is no text.",
            got=f"no text for {', '.join(without)}" if tags else "no languages",
            expected="text for each language",
            fix="--language TAG --text PATH, or the keys languages and text of the recipe",
        )
    return {tag: TextSource(context.text[tag]) for tag in tags}


def _check_sizes(config: VocabularyTrimmingConfig, rows: int) -> None:
    wanted = {f"budget of {tag}": budget for tag, budget in config.budgets.items()}
    if config.max_vocabulary_size is not None:
        wanted["max_vocabulary_size"] = config.max_vocabulary_size
    wrong = {name: size for name, size in wanted.items() if not 0 < size <= rows}
    if wrong:
        raise VocabularySizeError(
            "Could not trim the vocabulary: the wanted size is out of range.",
            got=", ".join(f"{name} {size}" for name, size in wrong.items()),
            expected=f"1 to {rows}, the rows of the model",
            fix="give a size in that range, or leave it out to keep every token of the text",
        )


def _check_unknown(texts: TextCounts, max_unk_rate: float) -> None:
    for tag, statistics in texts.statistics().items():
        if statistics.unk_rate > max_unk_rate:
            raise UncoveredTextError(
                "Could not choose tokens: the tokenizer does not know much of the text.",
                got=f"{statistics.unk_rate:.1%} unknown tokens in the text of {tag} "
                f"({statistics.num_tokens:,} tokens)",
                expected=f"at most {max_unk_rate:.1%}",
                fix="check that the text is in that language, choose a model whose tokenizer "
                "knows its script, or raise max_unk_rate",
            )


def _what_stays(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    config: VocabularyTrimmingConfig,
    texts: TextCounts,
) -> _Stays:
    required = required_token_ids(tokenizer) | frozenset(view(model).pinned_token_ids)
    if not config.keep_script_characters:
        return _Stays(required, required)
    scripts = sorted({language(tag).script for tag in texts.whole})
    return _Stays(required, required | character_token_ids(tokenizer, scripts))


def _chosen(config: VocabularyTrimmingConfig, tag: str, counts: Counts) -> Counts:
    return most_frequent(counts, config.coverage, config.budgets.get(tag))


def choose(
    tokenizer: PreTrainedTokenizerFast,
    config: VocabularyTrimmingConfig,
    base: frozenset[int],
    counts: Mapping[str, Counts],
) -> tuple[int, ...]:
    """Choose the tokens that stay, from counts.

    Args:
        tokenizer: Says what a set of tokens cannot do without.
        config: Coverage, budgets and size.
        base: Token ids that stay in any case.
        counts: Occurrences by token id, per language.

    Returns:
        Old token ids, rising, so that every id below the first removed one keeps its number.

    Raises:
        VocabularySizeError: If ``base`` is already larger than the wanted size.
    """
    chosen = {tag: _chosen(config, tag, count).tolist() for tag, count in counts.items()}
    ranking = joint_ranking(counts, chosen)
    return tuple(fill(base, ranking, config.max_vocabulary_size, token_closure(tokenizer)))


def _held_out_after(
    tokenizer: PreTrainedTokenizerFast,
    config: VocabularyTrimmingConfig,
    base: frozenset[int],
    texts: TextCounts,
) -> dict[str, TextStatistics]:
    """Tokenise the held-out lines with what would have been chosen without them."""
    if not texts.has_held_out:
        return {}
    kept = choose(tokenizer, config, base, texts.fit_counts())
    return texts.recount_held_out(trim_tokenizer(tokenizer, kept))


def _no_effect(rows: int) -> NoEffectError:
    return NoEffectError(
        "Could not trim the vocabulary: no token would be removed.",
        got=f"{rows} of {rows} rows kept",
        expected="at least one row that the languages do not need",
        fix="lower coverage, give max_vocabulary_size or budgets, or set allow_no_effect: true",
    )
