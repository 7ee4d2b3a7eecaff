"""Decides which tokens stay; changes nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.data.text import TextSource
from tinyglot.data.token_counts import TokenCounts, count_tokens
from tinyglot.errors import (
    MissingInputError,
    NoEffectError,
    UncoveredTextError,
    VocabularySizeError,
)
from tinyglot.languages import language
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.vocabulary_trimming.config import VocabularyTrimmingConfig
from tinyglot.methods.vocabulary_trimming.report import LanguageReport, TextStatistics
from tinyglot.methods.vocabulary_trimming.select import Counts, fill, joint_ranking, most_frequent
from tinyglot.tokenizers import (
    character_token_ids,
    close_token_ids,
    required_token_ids,
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


@dataclass(frozen=True)
class _Texts:
    """Counts per language: the lines that choose, and the ones held out."""

    chosen_from: Mapping[str, TokenCounts]
    held_out: Mapping[str, TokenCounts]

    def whole(self, tag: str) -> Counts:
        return self.chosen_from[tag].counts + self.held_out[tag].counts


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
    rows = view(model).word_embeddings.num_embeddings
    tags = _languages(config, context)
    _check_size(config, rows)
    texts = _count(tokenizer, config, context, tags)
    _check_unknown(texts, config.max_unk_rate)
    required = required_token_ids(tokenizer) | frozenset(view(model).pinned_token_ids)
    characters = _characters(tokenizer, config, tags)
    base = frozenset(required | characters)
    kept = _choose(tokenizer, config, base, {tag: texts.whole(tag) for tag in tags})
    if len(kept) == rows and not config.allow_no_effect:
        raise _no_effect(rows)
    after = _held_out_after(tokenizer, config, context, (base, texts))
    return VocabularyTrimmingPlan(
        method="vocabulary_trimming",
        num_rows_before=rows,
        kept_token_ids=tuple(kept),
        num_required_tokens=len(required),
        num_script_characters=len(characters - required),
        languages=tuple(_report(tag, config, texts, kept, after) for tag in tags),
    )


def _languages(config: VocabularyTrimmingConfig, context: Context) -> tuple[str, ...]:
    tags = config.languages or context.languages
    without = [tag for tag in tags if tag not in context.text]
    if without or not tags:
        raise MissingInputError(
            "Could not choose tokens: there is no text.",
            got=f"no text for {', '.join(without)}" if tags else "no languages",
            expected="text for each language",
            fix="--language TAG --text PATH, or the keys languages and text of the recipe",
        )
    return tuple(tags)


def _check_size(config: VocabularyTrimmingConfig, rows: int) -> None:
    wanted = [("max_vocabulary_size", config.max_vocabulary_size or 0)]
    wanted += [(f"budget of {tag}", budget) for tag, budget in config.budgets.items()]
    for name, size in wanted:
        if size > rows or size < 0:
            raise VocabularySizeError(
                "Could not trim the vocabulary: the wanted size is not below the original.",
                got=f"{name} {size}",
                expected=f"at most {rows}, the rows of the model",
                fix=f"give {name} below {rows}, or leave it out to keep every token of the text",
            )


def _count(
    tokenizer: PreTrainedTokenizerFast,
    config: VocabularyTrimmingConfig,
    context: Context,
    tags: Collection[str],
) -> _Texts:
    sources = {tag: TextSource(context.text[tag]) for tag in tags}
    share = config.held_out_share
    return _Texts(
        {tag: count_tokens(tokenizer, source.fit(share)) for tag, source in sources.items()},
        {tag: count_tokens(tokenizer, source.held_out(share)) for tag, source in sources.items()},
    )
