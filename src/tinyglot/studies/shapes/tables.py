"""The tables of a study of shapes, from its rows alone."""

import json
from collections.abc import Iterator

import polars as pl

from tinyglot.reports import markdown
from tinyglot.reports.numbers import millions
from tinyglot.studies.formats import TableFormat
from tinyglot.studies.shapes.grid import Part
from tinyglot.studies.views.table import Table

WHOLE = "none"
CONDITION = ("runtime", "threads", "batch", "length")
NAMES = {
    WHOLE: "nothing (the whole model)",
    Part.heads: "heads",
    Part.ffn: "FFN neurons",
    Part.heads_and_ffn: "heads and FFN neurons",
    Part.layers: "layers",
    Part.width: "width",
    Part.vocabulary: "vocabulary",
}
_ORDER = [str(part) for part in NAMES]


def share_title(removed: float) -> str:
    """Show a share that was removed: ``4.5 %``."""
    return f"{100 * removed:g} %"


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by share and part, the whole model first."""
    places = {part: place for place, part in enumerate(_ORDER)}
    part = pl.col("part").replace_strict(places, return_dtype=pl.Int64)
    return rows.sort("removed", part, *CONDITION)


def cut_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave the whole model out."""
    return in_order(rows).filter(pl.col("part") != WHOLE)


def shape_tables(rows: pl.DataFrame) -> tuple[Table, ...]:
    """Make the tables of a study of shapes.

    Args:
        rows: As ``read_rows`` gives them, of a study that may be unfinished.

    Returns:
        What was cut, then one table of times of the whole model, and one of speed-ups for each
        runtime and number of threads.
    """
    if rows.is_empty():
        return ()
    speeds = rows.partition_by("runtime", "threads", maintain_order=True, as_dict=True)
    tables = [_speedups(str(names[0]), int(names[1]), part) for names, part in speeds.items()]
    return (_sizes(rows), _whole(rows), *tables)


def render_shape_tables(rows: pl.DataFrame, form: TableFormat) -> str:
    """Write the tables of a study of shapes as text; the same rows give the same bytes.

    Args:
        rows: As ``read_rows`` gives them.
        form: Markdown for people; CSV with the rows; JSON with both.

    Returns:
        The text.
    """
    if form is TableFormat.csv:
        return rows.write_csv()
    tables = shape_tables(rows)
    if form is TableFormat.markdown:
        title = f"## {markdown.inline(str(rows['study'][0]))}\n" if len(rows) else ""
        parts = [title, *(table.markdown() for table in tables)] if tables else []
        return "\n".join(parts) or "Nothing has been measured yet.\n"
    listed = [table.as_dict() for table in tables]
    content = {"schema_version": 1, "tables": listed, "rows": rows.to_dicts()}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _sizes(rows: pl.DataFrame) -> Table:
    columns = ("part", "sizes", "is_stock", "num_parameters", "num_embedding_parameters")
    found = in_order(rows).unique(["removed", "part"], maintain_order=True)
    whole = found.filter(part=WHOLE).head(1).select("num_parameters").item()
    lines = [
        (
            share_title(row["removed"]) if row["part"] != WHOLE else "0 %",
            NAMES[row["part"]],
            row["sizes"],
            "ordinary" if row["is_stock"] else "slim",
            millions(row["num_parameters"]),
            f"{100 * (1 - row['num_parameters'] / whole):.2f} %",
            millions(row["num_parameters"] - row["num_embedding_parameters"]),
        )
        for row in found.select("removed", *columns).iter_rows(named=True)
        if row["part"] != WHOLE or row["removed"] == found["removed"].min()
    ]
    return Table(
        name="sizes",
        title="What was cut",
        caption="Parameters, and those outside the embeddings. A part that is not there at a share "
        "cannot lose that many parameters. Slim: no ordinary configuration can express the shape.",
        header=(
            *("wanted", "what is smaller", "sizes", "checkpoint", "parameters", "removed"),
            "outside the embeddings",
        ),
        rows=tuple(lines),
        points=(),
    )


def _whole(rows: pl.DataFrame) -> Table:
    """Times of the whole model: the least of its cells, since each of them timed it again."""
    found = rows.filter(part=WHOLE).group_by(CONDITION).agg(pl.col("latency_ms_p50").min())
    shapes = _shapes(rows)
    settings = found.select("runtime", "threads").unique().sort("runtime", "threads").rows()
    cells = {row[:4]: f"{row[4]:,.1f}" for row in found.select(*CONDITION, "latency_ms_p50").rows()}
    return Table(
        name="whole",
        title="Times of the whole model",
        caption="Milliseconds a call, median over rounds, of the cell in which it was fastest.",
        header=("runtime", "threads", *map(_shape_title, shapes)),
        rows=tuple(
            (
                runtime,
                str(threads),
                *(cells.get((runtime, threads, *shape), "–") for shape in shapes),
            )
            for runtime, threads in settings
        ),
        points=(),
    )


def _speedups(runtime: str, threads: int, rows: pl.DataFrame) -> Table:
    shapes = _shapes(rows)
    found = cut_rows(rows).partition_by("removed", "part", maintain_order=True, as_dict=True)
    counts = [int(count) for count in rows["n"]]
    return Table(
        name=f"speedup-{runtime}-{threads}",
        title=f"How many times as fast as the whole model: {runtime}, {threads} thread(s)",
        caption=f"Median over {min(counts)} to {max(counts)} rounds of the whole model's time "
        "over the cut one's in the same round, with the 95 % bootstrap interval over rounds. "
        "All models of a share were timed in turn.",
        header=("removed", "what is smaller", *map(_shape_title, shapes)),
        rows=tuple(
            (share_title(float(removed)), NAMES[part], *_speedup_cells(own, shapes))
            for (removed, part), own in found.items()
        ),
        points=(),
    )


def _speedup_cells(rows: pl.DataFrame, shapes: list[tuple[int, int]]) -> Iterator[str]:
    found = {(row["batch"], row["length"]): row for row in rows.iter_rows(named=True)}
    for shape in shapes:
        row = found.get(shape)
        yield f"{row['speedup']:.2f} ({row['low']:.2f}–{row['high']:.2f})" if row else "–"


def _shapes(rows: pl.DataFrame) -> list[tuple[int, int]]:
    return [
        (row[0], row[1])
        for row in rows.select("batch", "length").unique().sort("batch", "length").rows()
    ]


def _shape_title(shape: tuple[int, int]) -> str:
    return f"{shape[0]} × {shape[1]}"
