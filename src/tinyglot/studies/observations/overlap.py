"""O6: dense scores and the mentions that training had already."""

from tinyglot.studies.observations.verdicts import (
    SIGNIFICANT,
    Observation,
    Part,
    Verdict,
    seeds_of,
)
from tinyglot.studies.rows import MULTILINGUAL, SETTINGS
from tinyglot.studies.views.blocks import DENSE, Block
from tinyglot.studies.views.correlations import spearman_and_pearson, tau_text
from tinyglot.studies.views.overlap import overlap_scores

MIN_LANGUAGES = 5


def seen_mentions(block: Block) -> Observation:
    """Judge O6.

    Args:
        block: Rows of a study, of one set trained on jointly.

    Returns:
        The observation with a part for each way of training.
    """
    return Observation(
        "O6",
        "Dense F1 goes with the share of mentions that training and test have in common.",
        tuple(_correlated(block, setting) for setting in SETTINGS),
    )


def _correlated(block: Block, setting: str) -> Part:
    scores = overlap_scores(block)
    rows = scores.filter(level=DENSE, setting=setting) if len(scores) else scores
    dense = rows.unique("language", maintain_order=True) if len(rows) else rows
    found = spearman_and_pearson(dense, "entity_overlap", "value") if len(dense) else {}
    count = found.get("num_languages", 0)
    lines = [
        f"{kind.title()} {tau_text(found.get(kind), found.get(f'{kind}_p'), count)}"
        for kind in ("spearman", "pearson")
    ]
    return Part(
        f"In {setting} dense models, languages whose test mentions training had score higher.",
        f"holds if Spearman's correlation is positive with p < {SIGNIFICANT}; does not hold if it "
        "is negative with the same; cannot be said otherwise, nor for fewer than "
        f"{MIN_LANGUAGES} languages",
        _judge(found.get("spearman"), found.get("spearman_p"), count),
        "; ".join(lines),
        count,
        seeds_of(dense),
        is_side=setting != MULTILINGUAL,
    )


def _judge(correlation: float | None, p_value: float | None, num_languages: int) -> Verdict:
    if correlation is None or p_value is None or num_languages < MIN_LANGUAGES:
        return Verdict.unsaid
    if p_value >= SIGNIFICANT:
        return Verdict.unsaid
    return Verdict.holds if correlation > 0 else Verdict.fails
