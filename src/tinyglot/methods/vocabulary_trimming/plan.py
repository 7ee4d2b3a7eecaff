"""Decides which tokens stay; changes nothing."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.languages import language
from tinyglot.methods.contract import Context, Plan
from tinyglot.methods.vocabulary_trimming.checks import (
    check_kept,
    check_sizes,
    check_texts,
    text_sources,
)
from tinyglot.methods.vocabulary_trimming.config import VocabularyTrimmingConfig
from tinyglot.methods.vocabulary_trimming.report import (
    LanguageReport,
    report_language,
    report_table,
)
from tinyglot.methods.vocabulary_trimming.select import (
    RankedTokens,
    fill,
    joint_ranking,
    most_frequent,
)
from tinyglot.methods.vocabulary_trimming.texts import (
    CountedText,
    TextStatistics,
    count_lines,
    count_texts,
)
from tinyglot.methods.vocabulary_trimming.token_ranges import RisingTokenIds
from tinyglot.surgery import count_parameters, needed_token_ids
from tinyglot.tokenizers import ParsedTokenizer


class VocabularyTrimmingPlan(Plan):
    """Which token ids stay.

    Attributes:
        method: Name of the method.
        num_rows_before: Rows of the embedding matrix.
        kept_token_ids: Old ids, rising; the new id of each is its place here.
        num_required_tokens: Those that no tokenizer can do without: special ones and the like.
        num_script_characters: Further ones that are characters of the scripts.
        scripts: Whose characters stay, as ISO 15924 codes; none if characters do not count.
        num_parameters_before: Values in distinct parameters of the model.
        num_parameters_after: The same of the smaller model.
        vocabulary_digest: Differs if the tokenizer's tokens do.
        languages: A report for each language.
    """

    method: Literal["vocabulary_trimming"] = "vocabulary_trimming"
    num_rows_before: int
    kept_token_ids: RisingTokenIds
    num_required_tokens: int
    num_script_characters: int
    scripts: tuple[str, ...]
    num_parameters_before: int
    num_parameters_after: int
    vocabulary_digest: str
    languages: tuple[LanguageReport, ...]

    def summary(self) -> list[str]:
        """Say what stays.

        Returns:
            Rows and parameters in all, then a table with a line for each language.
        """
        kept = len(self.kept_token_ids)
        before, after = self.num_parameters_before, self.num_parameters_after
        return [
            f"keep {kept:,} of {self.num_rows_before:,} rows ({kept / self.num_rows_before:.1%}), "
            f"{after:,} of {before:,} parameters ({after / before:.1%})",
            f"rows: {', '.join(self._parts())}",
            *report_table(self.languages),
        ]

    def _parts(self) -> Iterator[str]:
        """Say why each row stays."""
        required, characters = self.num_required_tokens, self.num_script_characters
        yield f"{required:,} required"
        if self.scripts:
            yield f"{characters:,} characters ({' '.join(self.scripts)})"
        yield f"{len(self.kept_token_ids) - required - characters:,} by frequency"


class _Base(NamedTuple):
    """Token ids that stay whatever the text says."""

    required: frozenset[int]
    all: frozenset[int]
    scripts: tuple[str, ...]


class _Choice(NamedTuple):
    """What counts decide: tokens by language, and all that stay."""

    by_language: Mapping[str, frozenset[int]]
    kept: tuple[int, ...]


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
        MissingInputError: If a language has no text, or a budget is for another language.
        DataNotFoundError: If a text is not there.
        EmptyTextError: If a text has no line with content.
        TextEncodingError: If a line is not UTF-8, or the compression is damaged.
        DataFormatError: If a text file is of no known kind or broken.
        VocabularySizeError: If a wanted size is above the original or below what must stay.
        UncoveredTextError: If too much of a text is unknown to the tokenizer.
        TokenIdRangeError: If the tokenizer is another model's.
        UnsupportedTokenizerError: If the tokenizer cannot be edited.
        NoEffectError: If no row would be removed.

    Cost:
        One pass of the tokenizer over the text; memory does not grow with it.
    """
    sources = text_sources(config, context)
    check_sizes(config, view(model).num_token_ids)
    parsed = ParsedTokenizer(tokenizer)
    base = _base(model, parsed, config, sources)
    texts = count_texts(tokenizer, parsed.unknown_token_ids, config.held_out_share, sources)
    check_texts(texts, config.max_unk_rate)
    choice = _choose(parsed, config, base, {tag: text.tokens for tag, text in texts.items()})
    check_kept(model, choice.kept, config)
    after = _held_out_after(parsed, config, base, texts)
    return VocabularyTrimmingPlan(
        num_rows_before=view(model).num_token_ids,
        kept_token_ids=choice.kept,
        num_required_tokens=len(base.required),
        num_script_characters=len(base.all) - len(base.required),
        scripts=base.scripts,
        num_parameters_before=count_parameters(model).num_parameters,
        num_parameters_after=_num_parameters_after(model, len(choice.kept)),
        vocabulary_digest=parsed.digest,
        languages=tuple(
            report_language(tag, text, choice.by_language[tag], choice.kept, after.get(tag))
            for tag, text in texts.items()
        ),
    )


def _base(
    model: PreTrainedModel,
    parsed: ParsedTokenizer,
    config: VocabularyTrimmingConfig,
    languages: Iterable[str],
) -> _Base:
    required = parsed.close(parsed.required_token_ids | needed_token_ids(model))
    scripts = {language(tag).script for tag in languages if config.keep_script_characters}
    characters = parsed.character_token_ids(scripts) if scripts else frozenset()
    everything = fill(required | characters, (), config.max_vocabulary_size, parsed.close)
    return _Base(required, everything, tuple(sorted(scripts)))


def _choose(
    parsed: ParsedTokenizer,
    config: VocabularyTrimmingConfig,
    base: _Base,
    texts: Mapping[str, RankedTokens],
) -> _Choice:
    by_language = {
        tag: fill((), most_frequent(text, config.coverage), config.budgets.get(tag), parsed.close)
        for tag, text in texts.items()
    }
    ranking = joint_ranking(texts, by_language)
    kept = fill(base.all, ranking, config.max_vocabulary_size, parsed.close)
    return _Choice(by_language, tuple(sorted(kept)))


def _held_out_after(
    parsed: ParsedTokenizer,
    config: VocabularyTrimmingConfig,
    base: _Base,
    texts: Mapping[str, CountedText],
) -> dict[str, TextStatistics]:
    """Tokenise the held-out lines with what would have been chosen without them."""
    with_lines = {tag: text for tag, text in texts.items() if text.held_out_lines}
    if not with_lines:
        return {}
    to_fit = {tag: text.tokens_to_fit for tag, text in texts.items()}
    kept = _choose(parsed, config, base, to_fit).kept
    trimmed = parsed.trim(kept)
    unknown = np.searchsorted(kept, sorted(parsed.unknown_token_ids)).tolist()
    return {
        tag: TextStatistics.of(count_lines(trimmed, unknown, text.held_out_lines))
        for tag, text in with_lines.items()
    }


def _num_parameters_after(model: PreTrainedModel, num_kept: int) -> int:
    num_rows = view(model).num_token_ids
    before, embedding = count_parameters(model)
    return before - embedding // num_rows * (num_rows - num_kept)
