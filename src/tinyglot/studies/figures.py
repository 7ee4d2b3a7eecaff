"""The figures of a study, from its rows alone: SVG, PNG, and one interactive HTML page."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import polars as pl
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from tinyglot.errors import NoExamplesError
from tinyglot.files import replacing, write_text
from tinyglot.reports.vega import (
    DRAW,
    draw_png,
    draw_svg,
    library,
    policy,
    script_json,
)
from tinyglot.studies.charts import (
    Figure,
    overlap_figures,
    relative_figures,
    robustness_figures,
    score_figures,
    training_figures,
)
from tinyglot.studies.formats import FigureFormat
from tinyglot.studies.rows import is_measured
from tinyglot.studies.shapes.charts import shape_figures
from tinyglot.studies.structured.blocks import is_structured, main_structured
from tinyglot.studies.structured.charts import structured_figures
from tinyglot.studies.tables import numbered
from tinyglot.studies.views.blocks import Block, blocks

PAGE = "figures.html"
KINDS = (
    score_figures,
    training_figures,
    relative_figures,
    robustness_figures,
    overlap_figures,
)


def study_figures(rows: pl.DataFrame) -> tuple[Figure, ...]:
    """Draw everything for which there are rows.

    Args:
        rows: As ``read_rows`` gives them, of a study that may be unfinished.

    Returns:
        For each model, method and data set: scores by sparsity, one-language models against
        joint ones, relative differences by training size, family and script (regular and
        perturbed), perturbed as a fraction of regular, and scores against entity overlap. Of a
        study of shapes: speed against size.

    Raises:
        DataFormatError: If the rows are not those of a study.
        ComparisonError: If rows are there twice.
        MissingExtraError: If altair is not installed.
    """
    if is_measured(rows):
        return tuple(shape_figures(rows))
    if is_structured(rows):
        found = main_structured(rows)
        return tuple(figure for block in found for figure in structured_figures(block))
    return tuple(
        replace(figure, name=numbered(figure.name, place))
        for place, block in enumerate(blocks(rows))
        for figure in block_figures(block)
    )


def block_figures(block: Block) -> Iterator[Figure]:
    """Draw everything of one block.

    Args:
        block: Rows of one model, method, task, data set, split and metric.

    Yields:
        Figures, in the order of the paper.

    Raises:
        MissingExtraError: If altair is not installed.
    """
    for kind in KINDS:
        yield from kind(block)


def write_figures(rows: pl.DataFrame, directory: Path, form: FigureFormat) -> tuple[Path, ...]:
    """Write every figure; the same rows give the same bytes.

    Args:
        rows: As ``read_rows`` gives them.
        directory: Made if it is not there; files of the same name are replaced.
        form: SVG or PNG, a file each; HTML, one interactive page that needs nothing but itself.

    Returns:
        What was written.

    Raises:
        DataFormatError: If the rows are not those of a study.
        ComparisonError: If rows are there twice.
        MissingExtraError: If altair or vl-convert is not installed.
        NoExamplesError: If there is nothing to draw.
        DiskFullError: If there is no room.
    """
    figures = study_figures(rows)
    if not figures:
        raise NoExamplesError(
            "Could not draw the figures of a study: nothing has been scored yet.",
            got=f"{len(rows)} rows",
            expected="rows of at least one finished cell",
            fix="tinyglot study run NAME --out DIR",
        )
    if form is FigureFormat.html:
        title = f"Study {rows['study'][0]}"
        write_text(directory / PAGE, render_page(figures, title))
        return (directory / PAGE,)
    return tuple(write_figure(figure, directory, form) for figure in figures)


def write_figure(figure: Figure, directory: Path, form: FigureFormat) -> Path:
    """Write one figure as a file of its own.

    Args:
        figure: Of a study.
        directory: Made if it is not there.
        form: SVG or PNG.

    Returns:
        The file.

    Raises:
        MissingExtraError: If vl-convert is not installed.
        DiskFullError: If there is no room.
    """
    path = directory / f"{figure.name}.{form}"
    drawn = draw_png(figure.spec) if form is FigureFormat.png else draw_svg(figure.spec).encode()
    with replacing(path) as temporary:
        temporary.write_bytes(drawn)
    return path


def render_page(figures: Sequence[Figure], title: str) -> str:
    """Put all figures on one page; its policy forbids other scripts and every network.

    Args:
        figures: Of a study.
        title: Of the page.

    Returns:
        HTML in which every string of the data is escaped.

    Raises:
        MissingExtraError: If vl-convert is not installed.
    """
    script = Markup(library())  # noqa: S704  (a package's script, no data)
    charts = {f"figure-{place}": figure.spec for place, figure in enumerate(figures)}
    return _template().render(
        title=title,
        figures=list(enumerate(figures)),
        charts_json=script_json(charts),
        library=script,
        draw=Markup(DRAW),  # noqa: S704  (a constant)
        policy=policy(script, DRAW),
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = files("tinyglot.studies").joinpath("figures.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)
