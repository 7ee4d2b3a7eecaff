"""Options of vocabulary trimming."""

from typing import Literal

from pydantic import Field

from tinyglot.methods.contract import LanguageCode, MethodConfig


class VocabularyTrimmingConfig(MethodConfig):
    """Which tokens stay: by frequency over text, per language, under limits."""

    method: Literal["vocabulary_trimming"] = "vocabulary_trimming"
    languages: tuple[LanguageCode, ...] = Field(
        default=(), description="tags; default: all languages of the recipe"
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
        description="tokens in all; the languages share it, each weighing the same",
    )
    budgets: dict[LanguageCode, int] = Field(
        default_factory=dict,
        description="tokens per language, counted before the languages are joined",
    )
    keep_script_characters: bool = Field(
        default=True,
        description="keep the single characters of the languages' scripts, so that unseen words "
        "are split instead of turning into unknown",
    )
    held_out_share: float = Field(
        default=0.02,
        ge=0.0,
        lt=0.5,
        description="share of the lines on which the report estimates what unseen text will see; "
        "they are left out of the choice for that estimate only",
    )
    max_unk_rate: float = Field(
        default=0.02,
        ge=0.0,
        le=1.0,
        description="share of unknown tokens in a language's text above which nothing is done",
    )
    allow_no_effect: bool = Field(
        default=False, description="accept that no token is removed instead of failing"
    )
