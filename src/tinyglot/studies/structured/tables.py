"""The tables of a study of structured pruning."""

import json
from collections.abc import Iterator

import polars as pl

from tinyglot.reports import markdown
from tinyglot.studies.formats import TableFormat
from tinyglot.studies.structured.blocks import (
    ALONE,
    DENSE,
    RATIO,
    SHARED,
    StructuredBlock,
    differences,
    structured_blocks,
)
from tinyglot.studies.views.seeds import DIFFERENCES, average_languages, over_seeds
from tinyglot.studies.views.table import Table, language_label, n_text, seed_text

MACRO, WORST = "macro-average", "worst language"


def ratio_title(ratio: float) -> str:
    """Show a share of units that was removed: ``25 %``."""
    return f"{100 * ratio:g} %" if ratio else DENSE


def structured_tables(block: StructuredBlock) -> tuple[Table, ...]:
    """Make every table of one block.

    Args:
        block: Rows of one model, task, data set, split and metric.

    Returns:
        Scores of all languages together and of each, and differences of settings and algorithms.
    """
    languages = block.rows["language"].unique().sort().to_list()
    names = [MACRO, WORST, *languages]
    tables = [_scores(block, name) for name in names]
    return (*tables, *_difference_tables(block))


def render_structured_tables(rows: pl.DataFrame, form: TableFormat) -> str:
    """Write the tables of a study as text; the same rows give the same bytes.

    Args:
        rows: As ``read_rows`` gives them.
        form: Markdown for people; CSV with the rows; JSON with both.

    Returns:
        The text.
    """
    if form is TableFormat.csv:
        return rows.write_csv()
    found = structured_blocks(rows)
    if form is TableFormat.json:
        listed = [table.as_dict() for block in found for table in structured_tables(block)]
        content = {"schema_version": 1, "tables": listed, "rows": rows.to_dicts()}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    parts = []
    for block in found:
        title = f"## {markdown.inline(block.key['study'])}: {markdown.inline(block.title)}\n"
        parts += [title, *(table.markdown() for table in structured_tables(block))]
    return "\n".join(parts) or "Nothing has been scored yet.\n"


def scores_of(block: StructuredBlock, of: str) -> pl.DataFrame:
    """Average scores over seeds.

    Args:
        block: Gives the rows.
        of: A language, ``macro-average`` or ``worst language``.

    Returns:
        ``value``, ``half_width`` and ``num_seeds`` by ``algorithm``, ``way`` and
        ``pruning_ratio``.
    """
    keys = ["algorithm", "way", RATIO]
    if of == MACRO:
        return average_languages(block.rows, keys).select(*keys, "value", "half_width", "num_seeds")
    if of == WORST:
        single = over_seeds(block.rows, [*keys, "language"])
        worst = single.sort("value").group_by(keys, maintain_order=True).first()
        return worst.select(*keys, "value", "half_width", "num_seeds")
    return over_seeds(block.rows.filter(language=of), keys)


def _scores(block: StructuredBlock, of: str) -> Table:
    found = scores_of(block, of)
    cells = {
        (row["algorithm"], row["way"], row[RATIO]): _score(block, row["value"], row["half_width"])
        for row in found.iter_rows(named=True)
    }
    dense = cells.get((DENSE, SHARED, 0.0), "–")
    lines = [
        (*way, dense, *(cells.get((*way, ratio), "–") for ratio in block.ratios))
        for way in _ways(block)
    ]
    shown = of if of in (MACRO, WORST) else language_label(of)
    return Table(
        name=f"scores-{of.replace(' ', '-')}",
        title=f"{block.key['metric']}: {shown}",
        caption=f"{block.scale.unit}, mean over seeds ({seed_text(found['num_seeds'])}); ± is half "
        f"of the 95 % t interval over seeds. n = {n_text(block.rows['n'])} examples a language.",
        header=("algorithm", "mask", DENSE, *map(ratio_title, block.ratios)),
        rows=tuple(lines),
        points=(),
    )


def _score(block: StructuredBlock, value: float, half_width: float | None) -> str:
    text = block.scale.points(value)
    return text if half_width is None else f"{text} ± {block.scale.points(half_width)}"


def _ways(block: StructuredBlock) -> list[tuple[str, str]]:
    found = block.rows.filter(pl.col("algorithm") != DENSE).select("algorithm", "way").unique()
    ordered = found.sort("algorithm", "way", descending=[False, True])
    return [(str(algorithm), str(way)) for algorithm, way in ordered.iter_rows()]


def _difference_tables(block: StructuredBlock) -> Iterator[Table]:
    alone = [name for name, way in _ways(block) if way == ALONE]
    for name in alone:
        found = differences(block.side(name, ALONE), block.side(name))
        yield _differences(block, found, f"A mask for each language minus one for all: {name}")
    for name in block.algorithms:
        if name != "random" and "random" in block.algorithms:
            found = differences(block.side(name), block.side("random"))
            yield _differences(block, found, f"{name} minus a random mask")


def _differences(block: StructuredBlock, found: pl.DataFrame, title: str) -> Table:
    cells = {
        (row["language"], row[RATIO]): _signed(block, row["delta"], row["half_width"])
        for row in found.iter_rows(named=True)
    }
    names = [MACRO, *sorted(set(found["language"]) - {MACRO})]
    return Table(
        name=title.lower().replace(":", "").replace(" ", "-"),
        title=title,
        caption=f"{block.key['metric']}, {block.scale.unit}. {DIFFERENCES}.",
        header=("language", *map(ratio_title, block.ratios)),
        rows=tuple(
            (
                name if name == MACRO else language_label(name),
                *(cells.get((name, ratio), "–") for ratio in block.ratios),
            )
            for name in names
        ),
        points=(),
    )


def _signed(block: StructuredBlock, delta: float, half_width: float | None) -> str:
    text = block.scale.signed(block.scale.factor * delta)
    return text if half_width is None else f"{text} ± {block.scale.points(half_width)}"
