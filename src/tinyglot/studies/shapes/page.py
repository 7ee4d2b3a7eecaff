"""The page of a study of shapes: what was cut, what holds, tables and figures."""

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from tinyglot.reports import markdown
from tinyglot.studies.charts import Figure
from tinyglot.studies.observations import Observation
from tinyglot.studies.shapes.charts import shape_figures
from tinyglot.studies.shapes.findings import judge_shapes
from tinyglot.studies.shapes.tables import shape_tables
from tinyglot.studies.store import CellFile
from tinyglot.studies.zeros import provenance_text

LIMITS = (
    "Cases are conditions (runtime, threads, batch, length), or conditions at one share that is "
    "removed. Intervals are over rounds of one process on one machine; they say how sure a median "
    "is there, not how it is on another machine. The criteria were written before the study was "
    "run. Token ids are random and no sequence is padded."
)


def shape_page(
    rows: pl.DataFrame, description: str, cells: Sequence[CellFile]
) -> tuple[str, dict[str, Figure]]:
    """Write the page of a study of shapes; the same rows give the same bytes.

    Args:
        rows: As ``read_rows`` gives them; at least one.
        description: What the study asks.
        cells: What was filed of it; may be none.

    Returns:
        Markdown, and figures by the file that it shows.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    study = str(rows["study"][0])
    figures = {f"{study}/{figure.name}.svg": figure for figure in shape_figures(rows)}
    return "\n".join(_lines(rows, description, cells, figures)).rstrip() + "\n", figures


def _lines(
    rows: pl.DataFrame, description: str, cells: Sequence[CellFile], figures: Mapping[str, Figure]
) -> Iterator[str]:
    study = str(rows["study"][0])
    yield f"# {markdown.inline(study)}"
    yield f"\n<!-- made by `tinyglot study report DIR --out {study}.md`; do not edit -->\n"
    yield f"{markdown.inline(description)}\n"
    if cells:
        yield f"Run with: {markdown.inline(provenance_text(cells))}.\n"
    observations = judge_shapes(rows)
    yield "## Which findings hold\n"
    yield finding_lines(observations)
    yield f"\n{LIMITS}\n"
    for observation in observations:
        yield from observation_lines(observation)
    yield "## Figures\n"
    for name, figure in figures.items():
        title = markdown.inline(figure.title)
        yield f"### Figure: {title}\n\n![{title}]({name})\n\n{markdown.inline(figure.caption)}\n"
    yield "## Tables\n"
    yield from (table.markdown() for table in shape_tables(rows))


def finding_lines(observations: Sequence[Observation]) -> str:
    """Write a table of findings and verdicts.

    Args:
        observations: At least one.

    Returns:
        Markdown.
    """
    body = [[one.name, markdown.inline(one.claim), f"**{one.verdict}**"] for one in observations]
    lines = markdown.table(["", "finding", "here"], body).splitlines()
    return "\n".join([lines[0], "| :-- | :-- | :-- |", *lines[2:]])


def observation_lines(observation: Observation, level: str = "###") -> Iterator[str]:
    """Write what a finding was judged by.

    Args:
        observation: Of a study.
        level: Of the heading.

    Yields:
        Markdown.
    """
    yield f"{level} {observation.name}: {observation.verdict}\n"
    yield f"*{markdown.inline(observation.claim)}*\n"
    for part in observation.parts:
        side = "Beside it: " if part.is_side else ""
        few = ": too few seeds" if part.has_too_few_seeds else ""
        yield f"- {side}{markdown.inline(part.claim)} **{part.verdict.capitalize()}{few}**."
        yield f"  {markdown.inline(part.numbers)}."
        yield f"  *Criterion:* {markdown.inline(part.criterion)}."
    yield ""
