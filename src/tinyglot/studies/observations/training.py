"""O1: models of several languages against models of one."""

from collections.abc import Mapping

import polars as pl

from tinyglot.studies.observations.text import counted, listed, signed
from tinyglot.studies.observations.verdicts import (
    CLEAR,
    EVERY,
    SIGNIFICANT,
    Difference,
    Observation,
    Part,
    Verdict,
    differences_of,
    judge_clear,
    judge_every,
    seeds_of,
)
from tinyglot.studies.paper import paper_facts
from tinyglot.studies.rows import MULTILINGUAL
from tinyglot.studies.views.blocks import DENSE, Block, parts
from tinyglot.studies.views.correlations import rank_correlation, tau_text
from tinyglot.studies.views.differences import REGULAR, beside_monolingual
from tinyglot.studies.views.seeds import average_pairs, over_pairs, pair
from tinyglot.studies.views.table import language_label, variant_title
from tinyglot.studies.views.training import train_sizes

MIN_LANGUAGES = 5
KEYS = ("variant", "level", "sparsity")


def joint_training(block: Block) -> Observation:
    """Judge O1.

    Args:
        block: Rows of a study, of one set trained on jointly.

    Returns:
        The observation with its parts.
    """
    pairs = beside_monolingual(block).filter(perturbation=REGULAR)
    return Observation(
        "O1",
        "A multilingual model scores higher than a monolingual one at every sparsity (but for "
        "three cells of ten languages: Afrikaans dense, Hindi at 50 %, Yoruba at 98 % with "
        "embeddings pruned), and the gap widens at high sparsity.",
        (_higher(pairs), _widens(block, pairs), _with_size(block, pairs)),
        _passes(block, pairs),
    )


def _passes(block: Block, pairs: pl.DataFrame) -> str:
    """Say how much more often a language is passed over alone, were steps and batches equal."""
    joint = pl.col("setting") == MULTILINGUAL
    total = sum(train_sizes(block.rows.filter(joint)).values())
    alone = train_sizes(block.rows.filter(~joint))
    ratios = [
        f"{language_label(tag)} {total / alone[tag]:.1f} times"
        for tag in pairs["language"].unique().sort()
        if alone.get(tag)
    ]
    if not ratios:
        return ""
    return (
        "Equal numbers of steps are not equal passes over the data: were steps and batches equal, "
        "the model of one language passed over its sentences more often than the joint one "
        f"({', '.join(ratios)} as often), where the paper trained 60 epochs in both."
    )


def _higher(pairs: pl.DataFrame) -> Part:
    once = (pl.col("level") != DENSE) | (pl.col("variant") == pl.col("variant").min())
    rows = over_pairs(pairs.filter(once), [*KEYS, "language"])
    lines = [
        f"{_title(names)}: {counted(differences_of(own))}"
        for names, own in parts(rows, ("variant", "level"))
    ]
    return Part(
        "Every language scores higher in the joint model, at every sparsity and in both variants "
        "(regular text).",
        EVERY,
        judge_every(differences_of(rows)),
        listed(lines),
        rows["language"].n_unique(),
        seeds_of(rows),
    )


def _title(names: Mapping[str, str]) -> str:
    level = names["level"]
    return level if level == DENSE else f"{level}, {variant_title(names['variant'])}"


def _widens(block: Block, pairs: pl.DataFrame) -> Part:
    found: dict[str, Difference] = {}
    seeds: tuple[int, ...] = ()
    for names, own in parts(pairs.filter(pl.col("level") != DENSE), ("variant",)):
        highest = own.filter(pl.col("sparsity") == pl.col("sparsity").max())
        dense = pairs.filter(level=DENSE, variant=names["variant"])
        sides = [one.select("language", "seed", value="delta") for one in (highest, dense)]
        gaps = average_pairs(pair(sides[0], sides[1], ["language"]).with_columns(all=0), ["all"])
        if len(gaps):
            title = f"{highest['level'][0]}, {variant_title(names['variant'])}"
            found[title] = differences_of(gaps)[0]
            seeds = seeds_of(gaps)
    lines = [
        f"gap at {title} - gap of the dense models: {signed(one, block.scale)}"
        for title, one in found.items()
    ]
    return Part(
        "The gap between both (macro-average) is larger at the highest sparsity that both were "
        "run at than without pruning.",
        CLEAR,
        judge_clear(list(found.values())),
        listed(lines),
        pairs["language"].n_unique(),
        seeds,
        is_side=True,
    )


def _with_size(block: Block, pairs: pl.DataFrame) -> Part:
    dense = pairs.filter(level=DENSE).unique(["language", "seed"], maintain_order=True)
    rows = over_pairs(dense, ["language"])
    found = rank_correlation(rows, train_sizes(block.rows), "delta")
    enough = found["tau"] is not None and found["num_languages"] >= MIN_LANGUAGES
    sure = enough and found["p_value"] < SIGNIFICANT
    paper = paper_facts()["kendall_tau_of_gain_and_training_size"]
    return Part(
        "What a language gains by joint training (dense models) goes with its training size.",
        f"holds if Kendall's tau differs from 0 with p < {SIGNIFICANT}, whatever its sign (the "
        f"paper gives {paper} and does not say which way it counts); cannot be said otherwise, "
        f"nor for fewer than {MIN_LANGUAGES} languages",
        Verdict.holds if sure else Verdict.unsaid,
        tau_text(found["tau"], found["p_value"], found["num_languages"]),
        len(rows),
        seeds_of(rows),
        is_side=True,
    )
