"""Models of one language against those of several: the paper's figure 1 and Kendall's tau."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from tinyglot.reports.scale import Scale
from tinyglot.studies.paper import paper_facts
from tinyglot.studies.views.beside import beside_label, is_same_task
from tinyglot.studies.views.blocks import DENSE, Block, level_order, parts
from tinyglot.studies.views.correlations import MIN_RANKED, rank_correlation, tau_text
from tinyglot.studies.views.differences import REGULAR, beside_monolingual
from tinyglot.studies.views.seeds import DIFFERENCES, average_pairs, over_pairs
from tinyglot.studies.views.table import (
    Table,
    by_level,
    group_title,
    language_label,
    languages_text,
    perturbation_title,
    points_of,
    seed_text,
    sentences_text,
    table_name,
    variant_title,
)

PART = ("setting", "trained", "perturbation", "variant")
KEYS = ("level", "sparsity")


def training_tables(block: Block) -> Iterator[Table]:
    """Put one-language models beside joint ones, for the languages that have both.

    Args:
        block: Rows of a study.

    Yields:
        One table for each set trained on jointly, perturbation and variant; Kendall's tau of
        gain against training size below it.
    """
    for names, pairs in parts(beside_monolingual(block), PART):
        yield _table(block, names, pairs)


def gain_taus(part: pl.DataFrame, sizes: Mapping[str, int]) -> pl.DataFrame:
    """Relate what joint training gains to training size.

    Args:
        part: With ``level``, ``language`` and ``delta``; one row for each of both.
        sizes: Training sentences by language; languages without are left out.

    Returns:
        For each level: Kendall's ``tau`` (b; positive where the languages with more sentences
        gain more), its ``p_value`` (both null for fewer than 3 languages, and where one side is
        constant) and ``num_languages``.
    """
    found = [
        {"level": names["level"], **rank_correlation(own, sizes, "delta")}
        for names, own in parts(part, ("level",))
    ]
    schema = {"tau": pl.Float64, "p_value": pl.Float64, "num_languages": pl.Int64}
    return pl.DataFrame(found, schema={"level": pl.String, **schema})


def train_sizes(rows: pl.DataFrame) -> dict[str, int]:
    """Say how many sentences of each language were trained on, where it is known.

    Args:
        rows: Of a block.

    Returns:
        Sentences by language; the largest number where cells differ.
    """
    known = (
        rows.drop_nulls("num_train_sentences")
        .group_by("language")
        .agg(pl.col("num_train_sentences").max())
    )
    return dict(known.sort("language").iter_rows())


# --- cells --------------------------------------------------------------------------------------


def _table(block: Block, names: Mapping[str, str], pairs: pl.DataFrame) -> Table:
    sizes, levels = train_sizes(block.rows), level_order(pairs)
    part = over_pairs(pairs, [*KEYS, "language"])
    macro = average_pairs(pairs, KEYS).with_columns(language=pl.lit("macro-average"))
    taus = gain_taus(part, sizes)
    tags = sorted(part["language"].unique(), key=lambda tag: (sizes.get(tag, 0), tag))
    body = [_line(block, part.filter(language=tag), sizes, levels) for tag in tags]
    body += [
        _line(block, macro, sizes, levels),
        ("Kendall's tau", "", *by_level(_tau_cells(taus), levels)),
        *_paper_line(block, names, levels),
    ]
    return Table(
        name=table_name("training", names),
        title=_title(block, names),
        caption=_caption(block, part),
        header=("language", "trained on", *levels),
        rows=tuple(body),
        points=(
            *points_of(block, _as_points(part), quantity="gain", **names),
            *points_of(block, _as_points(macro), quantity="gain", **names),
            *points_of(block, taus.rename({"tau": "value"}), quantity="kendall_tau", **names),
        ),
    )


def _as_points(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop("value").rename({"language": "of", "delta": "value"})


def _line(
    block: Block, rows: pl.DataFrame, sizes: Mapping[str, int], levels: Sequence[str]
) -> tuple[str, ...]:
    tag = rows["language"][0]
    cells = {row["level"]: _cell(block.scale, row) for row in rows.iter_rows(named=True)}
    size = f"{sizes[tag]:,}" if tag in sizes else ""
    return (language_label(tag), size, *by_level(cells, levels))


def _cell(scale: Scale, row: Mapping[str, Any]) -> str:
    gain = scale.signed(scale.factor * row["delta"])
    if row["half_width"] is not None:
        gain += f" ± {scale.points(row['half_width'])}"
    return f"{scale.points(row['other'])} → {scale.points(row['value'])} ({gain})"


def _tau_cells(taus: pl.DataFrame) -> dict[str, str]:
    return {
        row["level"]: tau_text(row["tau"], row["p_value"], row["num_languages"])
        for row in taus.iter_rows(named=True)
    }


def _paper_line(
    block: Block, names: Mapping[str, str], levels: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """Give the paper's tau, which is of dense models on regular text."""
    if is_same_task(block) and names["perturbation"] == REGULAR and DENSE in levels:
        tau = paper_facts()["kendall_tau_of_gain_and_training_size"]
        cells = {DENSE: f"{tau:.2f}, 10 languages"}
        yield (f"↳ {beside_label(block)}; sign not explained", "", *by_level(cells, levels))


def _title(block: Block, names: Mapping[str, str]) -> str:
    metric = str(block.key["metric"]).upper()
    group = group_title(names["setting"], names["trained"])
    words = (perturbation_title(names["perturbation"]), variant_title(names["variant"]))
    return f"{metric}, monolingual → {group}, {', '.join(words)}"


def _caption(block: Block, part: pl.DataFrame) -> str:
    count = part["language"].n_unique()
    own = block.rows.filter(pl.col("language").is_in(part["language"].implode()))
    return (
        f"{block.title}: {block.key['metric']} in {block.scale.unit}, monolingual → multilingual "
        f"(gain), {seed_text(part['num_seeds'])}, {sentences_text(own['n'], block.key['metric'])}; "
        f"{languages_text(count)} with both. {DIFFERENCES}. "
        "Kendall's tau (b) of gain and training size over languages: positive where languages "
        f"with more sentences gain more; not computed for fewer than {MIN_RANKED}."
    )
