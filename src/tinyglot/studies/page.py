"""The page of a study: what holds, tables and figures, all made of its rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tinyglot.errors import NoExamplesError
from tinyglot.files import write_text
from tinyglot.reports import markdown
from tinyglot.reports.numbers import points as percent
from tinyglot.reports.vega import draw_svg, spec_digest
from tinyglot.studies.cells import expand
from tinyglot.studies.charts import Figure
from tinyglot.studies.figures import block_figures
from tinyglot.studies.observations import Observation, Part, observe
from tinyglot.studies.rows import COORDINATES, is_measured
from tinyglot.studies.shapes.page import shape_page
from tinyglot.studies.store import GRID_FILE, CellFile, Store, states
from tinyglot.studies.structured.blocks import is_structured, main_structured
from tinyglot.studies.structured.page import structured_page
from tinyglot.studies.tables import block_tables, numbered
from tinyglot.studies.views.blocks import Block, blocks
from tinyglot.studies.views.novelty import novelty_table
from tinyglot.studies.views.scores import language_facts
from tinyglot.studies.views.table import (
    Table,
    group_title,
    language_label,
    languages_text,
    n_text,
    seed_text,
)
from tinyglot.studies.zeros import provenance_text, zeros_table
from tinyglot.tasks import tasks

OTHER_SCOPES = ("in-script", "in-family")
MARK = "<!-- chart {digest} -->"
LIMITS = (
    "Intervals are over seeds or over sentences, never over languages, and none is corrected for "
    "how many differences are looked at. Verdicts follow the written criteria and nothing else; "
    "they are about this model, these data and this training. Nothing is judged on one seed. The "
    "criteria were written before the study imp-small was run, and were made stricter (less "
    "inclined to a verdict) in review, after its seed 0 had been looked at."
)


@dataclass(frozen=True)
class StudyPage:
    """A page and its figures.

    Attributes:
        text: Markdown.
        figures: Figures by the file that the page shows, relative to the page.
    """

    text: str
    figures: Mapping[str, Figure]


def render_study_page(
    rows: pl.DataFrame, description: str = "", cells: Iterable[CellFile] = ()
) -> StudyPage:
    """Write the page of a study; the same rows give the same bytes.

    Of a task with several metrics, the page shows the main one; ``tinyglot study table`` has all.

    Args:
        rows: As ``read_rows`` gives them.
        description: What the study asks.
        cells: What was filed of it: where given, the page says what was set to zero, and what
            the cells were run with.

    Returns:
        The page.

    Raises:
        DataFormatError: If the rows are not those of a study.
        ComparisonError: If rows are there twice.
        MissingExtraError: If altair is not installed.
        NoExamplesError: If nothing has been scored yet.
    """
    if is_measured(rows) and len(rows):
        keys = set(rows["key"])
        return StudyPage(*shape_page(rows, description, [c for c in cells if c.key in keys]))
    if is_structured(rows) and len(rows):
        keys = set(rows["key"])
        own = [cell for cell in cells if cell.key in keys]
        return StudyPage(*structured_page(main_structured(rows), description, own))
    chosen = () if is_measured(rows) or is_structured(rows) else main_blocks(rows)
    if not chosen:
        raise NoExamplesError(
            "Could not write the page of a study: nothing has been scored yet.",
            got=f"{len(rows)} rows",
            expected="rows of at least one finished cell",
            fix="tinyglot study run NAME --out DIR",
        )
    study = str(chosen[0].key["study"])
    figures: dict[str, Figure] = {}
    lines = [f"# {markdown.inline(study)}", "", *_made_by(study), markdown.inline(description), ""]
    keys = set(rows["key"])
    filed = [cell for cell in cells if cell.error is None and cell.key in keys]
    if filed:
        lines += [*_run_with(filed), ""]
    for place, block in enumerate(chosen):
        drawn = {_file(study, figure, place): figure for figure in block_figures(block)}
        figures |= drawn
        lines += _block(block, drawn, filed, novelty_table(block, rows))
    return StudyPage("\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n", figures)


def main_blocks(rows: pl.DataFrame) -> tuple[Block, ...]:
    """Give the blocks of each task's main metric.

    Args:
        rows: As ``read_rows`` gives them.

    Returns:
        In the order of their keys.
    """
    main = {task.id: task.metrics[0].name for task in tasks()}
    return tuple(
        block
        for block in blocks(rows)
        if main.get(str(block.key["task"]), block.key["metric"]) == block.key["metric"]
    )


def filed_cells(place: Path) -> tuple[CellFile, ...]:
    """Read the cells of a study whose rows are there.

    Args:
        place: Of the study: a directory with its cells; may be anything else.

    Returns:
        By key; none where there are no cells.

    Raises:
        StudyError: If a file holds something else.
    """
    return tuple(Store(place).cells().values())


def describe(place: Path) -> str:
    """Say what a study asks, if its grid says so.

    Args:
        place: Of the study: a directory with its grid; may be anything else.

    Returns:
        The grid's description, and before it how many cells have run if some have not; empty where
        there is no grid.
    """
    if not (place / GRID_FILE).is_file():
        return ""
    store = Store(place)
    grid = store.grid()
    found = list(states(expand(grid), store.cells()).values())
    num_finished = found.count("finished")
    left = f"Not finished: {num_finished} of {len(found)} cells have run."
    return grid.description if num_finished == len(found) else f"{left} {grid.description}"


def write_study_page(page: StudyPage, path: Path) -> tuple[Path, ...]:
    """Write a page and its figures; figures that it no longer has are removed.

    Args:
        page: As ``render_study_page`` gives it.
        path: Of the Markdown file; figures go beside it, into a folder of the study's name.

    Returns:
        What was written, the page first.

    Raises:
        MissingExtraError: If vl-convert is not installed.
        DiskFullError: If there is no room.
    """
    written = [path]
    write_text(path, page.text)
    for name, figure in page.figures.items():
        written.append(path.parent / name)
        write_text(written[-1], draw_svg(figure.spec))
    for folder in {file.parent for file in written[1:]}:
        for stale in set(folder.glob("*.svg")) - set(written):
            if "<!-- chart " in stale.read_text(encoding="utf-8"):
                stale.unlink()
    return tuple(written)


def stale_parts(page: StudyPage, path: Path) -> list[str]:
    """Name the files that are not those of the page: changed, missing, or too many.

    A figure counts as current if it was drawn from the same data; fonts and versions of what
    draws it may differ.

    Args:
        page: As it should be.
        path: Of the Markdown file.

    Returns:
        Names; none if all is current.
    """
    found = [] if _text(path) == page.text else [path.name]
    for name, figure in page.figures.items():
        if MARK.format(digest=spec_digest(figure.spec)) not in _text(path.parent / name):
            found.append(name)
    folders = {(path.parent / name).parent for name in page.figures}
    there = {file for folder in folders for file in folder.glob("*.svg")}
    extra = there - {path.parent / name for name in page.figures}
    return [*found, *sorted(file.name for file in extra)]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _file(study: str, figure: Figure, place: int) -> str:
    return f"{study}/{numbered(figure.name, place)}.svg"


# --- parts --------------------------------------------------------------------------------------


def _made_by(study: str) -> Iterator[str]:
    yield f"<!-- made by `tinyglot study report DIR --out {study}.md`; do not edit -->"
    yield ""


def _run_with(cells: Sequence[CellFile]) -> Iterator[str]:
    yield f"Run with: {markdown.inline(provenance_text(cells))}."


def _block(
    block: Block,
    figures: Mapping[str, Figure],
    cells: Sequence[CellFile],
    novelty: Table | None,
) -> Iterator[str]:
    observations = observe(block)
    yield from (f"## What was run: {markdown.inline(block.title)}", "", *_run(block), "")
    zeros = zeros_table(block, cells)
    if zeros:
        yield from (zeros.markdown(), "")
    yield from ("## Which observations hold", "", *_summary(block, observations), "")
    for observation in observations:
        yield from _observation(observation)
    if novelty:
        yield f"To O6, of single mentions, see the table *{markdown.inline(novelty.title)}* below."
        yield ""
    yield from ("## Tables", "", *_tables([*block_tables(block), *([novelty] if novelty else [])]))
    yield from ("## Figures", "", *_figures(figures))


def _run(block: Block) -> Iterator[str]:
    rows = block.rows
    cells = rows.select("key", *COORDINATES).unique()
    seeds = ", ".join(map(str, cells["seed"].unique().sort()))
    yield (
        f"{len(cells)} cells: {markdown.inline(_groups(rows))}; sparsities "
        f"{', '.join(block.levels)}; seeds {seeds}. Every score is of n = {n_text(rows['n'])} "
        f"sentences a language."
    )
    yield ""
    facts = language_facts(rows.filter(perturbation="none"))
    head = ["language", "n", "training sentences", "sentences seen, %", "mentions seen, %"]
    yield markdown.table(head, [_fact_cells(row) for row in facts.iter_rows(named=True)])
    yield ""
    yield (
        "Seen: in the training data of the joint model where there is one, of the scored "
        "sentences, and of the mentions in them. Scores of a language whose test sentences were "
        "seen in training say less."
    )


def _groups(rows: pl.DataFrame) -> str:
    groups = rows.group_by("setting", "trained", maintain_order=True).agg(
        pl.col("language").n_unique()
    )
    named = [
        f"{group_title(setting, trained)}, {languages_text(count)}"
        for setting, trained, count in groups.sort("setting", descending=True).iter_rows()
    ]
    return "; ".join(named)


def _fact_cells(row: Mapping[str, float | str | None]) -> list[str]:
    size = row["num_train_sentences"]
    return [
        markdown.inline(language_label(str(row["language"]))),
        f"{row['n']:,}",
        "–" if size is None else f"{size:,}",
        percent(_number(row["train_overlap"])),
        percent(_number(row["entity_overlap"])),
    ]


def _number(value: float | str | None) -> float | None:
    return value if isinstance(value, float) else None


def _summary(block: Block, observations: Sequence[Observation]) -> Iterator[str]:
    yield (
        "Observations of Ogueji et al. (2022), made with mBERT and 40 languages, judged by the "
        f"rows of {markdown.inline(str(block.key['model']))}."
    )
    yield ""
    body = [
        [one.name, markdown.inline(one.claim), f"**{one.verdict}**", _conclusion(one)]
        for one in observations
    ]
    lines = markdown.table(
        ["", "observation", "here: its main claims", "claims"], body
    ).splitlines()
    yield "\n".join([lines[0], "| :-- | :-- | :-- | :-- |", *lines[2:]])
    yield ""
    yield LIMITS


def _conclusion(observation: Observation) -> str:
    main = [part for part in observation.parts if not part.is_side]
    side = [part for part in observation.parts if part.is_side]
    return "; ".join([f"main: {_counts(main)}", *([f"beside: {_counts(side)}"] if side else [])])


def _counts(parts: Sequence[Part]) -> str:
    counts = {
        verdict: sum(part.verdict == verdict for part in parts)
        for verdict in dict.fromkeys(part.verdict for part in parts)
    }
    return ", ".join(f"{count} {_verb(verdict, count)}" for verdict, count in counts.items())


def _verb(verdict: str, count: int) -> str:
    if count == 1:
        return verdict
    return verdict.replace("holds", "hold").replace("does not", "do not")


def _observation(observation: Observation) -> Iterator[str]:
    yield f"### {observation.name}: {observation.verdict}"
    yield ""
    yield f"*{markdown.inline(observation.claim)}*"
    yield ""
    if observation.note:
        yield from (markdown.inline(observation.note), "")
    for part in observation.parts:
        side = "Beside it: " if part.is_side else ""
        verdict = f"{part.verdict.capitalize()}{_few_seeds(part)}"
        yield f"- {side}{markdown.inline(part.claim)} **{verdict}**{_sample(part)}."
        yield f"  {markdown.inline(part.numbers)}."
        yield f"  *Criterion:* {markdown.inline(part.criterion)}."
    yield ""


def _sample(part: Part) -> str:
    if not part.num_languages:
        return ""
    return f" ({languages_text(part.num_languages)}, {seed_text(part.num_seeds)})"


def _few_seeds(part: Part) -> str:
    if not part.has_too_few_seeds:
        return ""
    return ": one seed" if len(part.num_seeds) == 1 else ": one seed for a part of it"


def _tables(tables: Iterable[Table]) -> Iterator[str]:
    yield (
        "Regular text and mentions replaced in-language; `tinyglot study table` has the other "
        "scopes, and the numbers as CSV and JSON."
    )
    yield ""
    for table in tables:
        if not any(scope in table.name for scope in OTHER_SCOPES):
            yield table.markdown()


def _figures(figures: Mapping[str, Figure]) -> Iterator[str]:
    for name, figure in figures.items():
        title = markdown.inline(figure.title)
        yield from (f"### Figure: {title}", "", f"![{title}]({name})", "")
        yield from (markdown.inline(figure.caption), "")
