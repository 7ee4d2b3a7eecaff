"""Options of vocabulary trimming."""

from typing import Annotated, Literal

from pydantic import Field

from tinyglot.languages import ByLanguage, LanguageCodes
from tinyglot.methods.contract import MethodConfig


class VocabularyTrimmingConfig(MethodConfig):
    """Which tokens stay: the most frequent ones of each language's text, under limits."""

    method: Literal["vocabulary_trimming"] = "vocabulary_trimming"
    languages: LanguageCodes = Field(
        default=(), description="languages to keep; default: all languages of the recipe"
    )
    coverage: float = Field(
        default=1.0,
        gt=0.0,
        le=1.0,
        description="share of each language's token occurrences whose token is kept, the most "
        "frequent first; 1 keeps every token seen in the text",
    )
    max_vocabulary_size: int | None = Field(
        default=None,
        ge=1,
        description="tokens in all, at most; those that do most for the mean coverage of the "
        "languages stay; default: no limit",
    )
    budgets: ByLanguage[Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="tokens of a language, at most; a token that several languages choose counts "
        "in each, but takes one row; default: no limits",
    )
    keep_script_characters: bool = Field(
        default=True,
        description="keep the single characters of the languages' scripts besides, so that unseen "
        "words are split and do not turn into unknown",
    )
    held_out_share: float = Field(
        default=0.02,
        ge=0.0,
        lt=0.5,
        description="share of the lines, 1 MB of a language at most, on which the report says what "
        "unseen text would see; the final choice uses them too",
    )
    max_unk_rate: float = Field(
        default=0.02,
        ge=0.0,
        le=1.0,
        description="share of a text's tokens that may be unknown, lone bytes included, before "
        "trimming; above it nothing is done",
    )
    allow_no_effect: bool = Field(
        default=False, description="accept that no token is removed instead of failing"
    )
