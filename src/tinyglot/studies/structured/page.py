"""The page of a study of structured pruning: what was run, what holds, tables and figures."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from tinyglot.reports import markdown
from tinyglot.studies.charts import Figure
from tinyglot.studies.shapes.page import finding_lines, observation_lines
from tinyglot.studies.store import CellFile
from tinyglot.studies.structured.blocks import StructuredBlock
from tinyglot.studies.structured.charts import structured_figures
from tinyglot.studies.structured.findings import judge_structured
from tinyglot.studies.structured.overlap import overlap_table
from tinyglot.studies.structured.tables import ratio_title, structured_tables
from tinyglot.studies.zeros import provenance_text

LIMITS = (
    "Intervals are over seeds, never over languages, and none is corrected for how many "
    "differences are looked at. Verdicts follow the written criteria and nothing else; they are "
    "about this model, these data and this training. Nothing is judged on one seed. The criteria "
    "were written before the study was run. The paper's own design could not be read; this one "
    "is ours."
)


def structured_page(
    blocks: Sequence[StructuredBlock], description: str, cells: Sequence[CellFile]
) -> tuple[str, dict[str, Figure]]:
    """Write the page of a study of structured pruning; the same rows give the same bytes.

    Args:
        blocks: Of each task's main metric; at least one.
        description: What the study asks.
        cells: What was filed of it; may be none.

    Returns:
        Markdown, and figures by the file that it shows.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    study = blocks[0].key["study"]
    lines = [f"# {markdown.inline(study)}"]
    lines.append(f"\n<!-- made by `tinyglot study report DIR --out {study}.md`; do not edit -->\n")
    lines.append(f"{markdown.inline(description)}\n")
    if cells:
        lines.append(f"Run with: {markdown.inline(provenance_text(cells))}.\n")
    figures: dict[str, Figure] = {}
    for block in blocks:
        drawn = {f"{study}/{figure.name}.svg": figure for figure in structured_figures(block)}
        figures |= drawn
        lines += _block(block, drawn, cells)
    return "\n".join(lines).rstrip() + "\n", figures


def _block(
    block: StructuredBlock, figures: Mapping[str, Figure], cells: Sequence[CellFile]
) -> Iterator[str]:
    yield f"## {markdown.inline(block.title)}\n"
    yield f"{markdown.inline(_what(block.rows))}\n"
    observations = judge_structured(block)
    yield f"### Which findings hold: {markdown.inline(block.key['dataset'])}\n"
    yield finding_lines(observations)
    yield f"\n{LIMITS}\n"
    for observation in observations:
        yield from observation_lines(observation, "####")
    for name, figure in figures.items():
        title = markdown.inline(figure.title)
        yield f"### Figure: {title}\n\n![{title}]({name})\n\n{markdown.inline(figure.caption)}\n"
    yield from (table.markdown() for table in structured_tables(block))
    overlap = overlap_table(cells, block.key["dataset"])
    if overlap is not None:
        yield overlap.markdown()


def _what(rows: pl.DataFrame) -> str:
    ratios = ", ".join(map(ratio_title, rows["pruning_ratio"].unique().sort()))
    seeds = ", ".join(map(str, rows["seed"].unique().sort()))
    languages = ", ".join(rows["language"].unique().sort())
    return (
        f"{rows['key'].n_unique()} cells; removed of the heads and of the neurons: {ratios}; "
        f"languages {languages}; seeds {seeds}."
    )
