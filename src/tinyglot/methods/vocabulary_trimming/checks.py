"""What vocabulary trimming refuses, each before the work that it would spoil."""

from collections.abc import Mapping

from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.data.text import TextSource
from tinyglot.errors import (
    MissingInputError,
    NoEffectError,
    TokenIdRangeError,
    UncoveredTextError,
    VocabularySizeError,
)
from tinyglot.methods.contract import Context
from tinyglot.methods.vocabulary_trimming.config import VocabularyTrimmingConfig
from tinyglot.methods.vocabulary_trimming.texts import CountedText


def text_sources(config: VocabularyTrimmingConfig, context: Context) -> dict[str, TextSource]:
    """Find the text of every language.

    Args:
        config: Names the languages, or leaves that to the context.
        context: Gives languages and text.

    Returns:
        Text by language.

    Raises:
        MissingInputError: If there is no language, if one has no text, or if a budget is for a
            language that is not among them.
        DataNotFoundError: If a file or directory is not there.
    """
    tags = config.languages or context.languages
    without = [tag for tag in tags if not context.text.get(tag)]
    if without or not tags:
        raise MissingInputError(
            "Could not choose tokens: there is no text.",
            got=f"no text for {', '.join(without)}" if tags else "no languages",
            expected="text for each language",
            fix="--language TAG --text PATH, or the keys languages and text of the recipe",
        )
    strangers = [tag for tag in config.budgets if tag not in tags]
    if strangers:
        raise MissingInputError(
            "Could not choose tokens: a budget is for a language that is not kept.",
            got=f"budgets for {', '.join(strangers)}",
            expected=f"budgets for some of {', '.join(tags)}",
            fix=f"add the language {strangers[0]} and its text, or remove its budget",
        )
    return {tag: TextSource(context.text[tag]) for tag in tags}


def check_sizes(config: VocabularyTrimmingConfig, num_rows: int) -> None:
    """Refuse sizes above that of the model.

    Args:
        config: Gives budgets and the size in all.
        num_rows: Rows of the model's embedding.

    Raises:
        VocabularySizeError: If one is larger; names all of them.
    """
    wanted = {f"budget of {tag}": budget for tag, budget in config.budgets.items()}
    if config.max_vocabulary_size is not None:
        wanted["max_vocabulary_size"] = config.max_vocabulary_size
    wrong = {name: size for name, size in wanted.items() if size > num_rows}
    if wrong:
        raise VocabularySizeError(
            "Could not trim the vocabulary: the wanted size is larger than that of the model.",
            got=", ".join(f"{name} {size}" for name, size in wrong.items()),
            expected=f"1 to {num_rows}, the rows of the model",
            fix="give a size in that range, or leave it out to keep every token of the text",
        )


def check_texts(texts: Mapping[str, CountedText], max_unk_rate: float) -> None:
    """Refuse texts that the tokenizer does not know, because no choice of tokens could help.

    Args:
        texts: Counts by language.
        max_unk_rate: Highest share of unknown tokens.

    Raises:
        UncoveredTextError: If a text has more, or no token at all; names all of them.
    """
    wrong = {
        tag: text.statistics
        for tag, text in texts.items()
        if text.statistics.unk_rate > max_unk_rate or not text.statistics.num_tokens
    }
    if wrong:
        raise UncoveredTextError(
            "Could not choose tokens: the tokenizer does not know much of the text.",
            got="\n".join(
                f"{tag}: {text.unk_rate:.2%} of {text.num_tokens:,} tokens are unknown"
                for tag, text in wrong.items()
            ),
            expected=f"tokens, and at most {max_unk_rate:.2%} of them unknown",
            fix="check that the text is in that language, choose a model whose tokenizer knows "
            "its script, or raise max_unk_rate",
        )


def check_kept(
    model: PreTrainedModel, kept_token_ids: tuple[int, ...], config: VocabularyTrimmingConfig
) -> None:
    """Refuse a choice that the model has no rows for, or that changes nothing.

    Args:
        model: Has the rows.
        kept_token_ids: Rising.
        config: Says whether keeping all is accepted.

    Raises:
        TokenIdRangeError: If the tokenizer has tokens beyond the model's rows.
        NoEffectError: If every row stays.
    """
    num_rows = view(model).num_token_ids
    if kept_token_ids[-1] >= num_rows:
        raise TokenIdRangeError(
            "Could not trim the vocabulary: the tokenizer has tokens that the model has not.",
            got=f"token id {kept_token_ids[-1]}",
            expected=f"ids below {num_rows}, the rows of the model",
            fix="use the tokenizer saved next to this model",
        )
    if len(kept_token_ids) == num_rows and not config.allow_no_effect:
        raise NoEffectError(
            "Could not trim the vocabulary: no token would be removed.",
            got=f"{num_rows} of {num_rows} rows kept",
            expected="at least one row that the languages do not need",
            fix="lower coverage, give max_vocabulary_size or budgets, or set allow_no_effect: true",
        )
