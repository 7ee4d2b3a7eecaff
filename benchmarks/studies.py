"""Writes what a study found: results/NAME.json, its page under docs/studies, and the page's place.

python -m benchmarks.studies imp-small             # from results/imp-small/results.parquet
python -m benchmarks.studies imp-small --store DIR  # copies the rows of a study that has run there
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.provenance import ROOT, Provenance
from benchmarks.schema import RESULTS, write_result
from benchmarks.studies_schema import (
    Study,
    StudyClaim,
    StudyFindings,
    StudyObservation,
    StudySummary,
)
from tinyglot.studies.observations import Observation, observe
from tinyglot.studies.page import (
    StudyPage,
    describe,
    filed_cells,
    main_blocks,
    render_study_page,
    write_study_page,
)
from tinyglot.studies.rows import RESULTS_FILE, is_measured, read_rows, write_rows
from tinyglot.studies.shapes.findings import judge_shapes
from tinyglot.studies.store import GRID_FILE
from tinyglot.studies.structured.blocks import StructuredBlock, is_structured, main_structured
from tinyglot.studies.structured.findings import judge_structured
from tinyglot.studies.structured.tables import MACRO, WORST, scores_of
from tinyglot.studies.views.blocks import Block, parts
from tinyglot.studies.views.scores import PART, language_facts, summaries

PAGES = ROOT / "docs" / "studies"
NAVIGATION = ROOT / "mkdocs.yml"
SECTION = "  - Studies:\n"
BEFORE = "  - Reference:\n"
OWN_PAGES = frozenset({"elastic", "imp-control"})
"""Pages that are written by hand around tables of their own."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="name of the study")
    parser.add_argument("--store", type=Path, help="directory in which it has run")
    arguments = parser.parse_args()
    place = RESULTS / arguments.name
    if arguments.store is not None:
        take_over(arguments.store, place)
    print(write_result(arguments.name, Provenance.now(), study_of(read_rows(place))).name)
    written = write_study_page(page_of(place), PAGES / f"{arguments.name}.md")
    text = NAVIGATION.read_text(encoding="utf-8")
    NAVIGATION.write_text(with_page(text, arguments.name), encoding="utf-8")
    print(f"{len(written)} files under {PAGES.relative_to(ROOT)}; now: python -m benchmarks.tables")


def take_over(store: Path, place: Path) -> None:
    """Copy the rows and the grid of a study."""
    write_rows(read_rows(store), place / RESULTS_FILE)
    if (store / GRID_FILE).is_file():
        text = (store / GRID_FILE).read_text(encoding="utf-8")
        (place / GRID_FILE).write_text(text, encoding="utf-8")


def stores() -> list[Path]:
    """List the studies whose rows are here, those with a page by hand left out."""
    found = (path.parent for path in RESULTS.glob(f"*/{RESULTS_FILE}"))
    return sorted(place for place in found if place.name not in OWN_PAGES)


def page_of(place: Path) -> StudyPage:
    """Render the page of a study whose rows are here."""
    return render_study_page(read_rows(place), describe(place), filed_cells(place))


def with_page(navigation: str, name: str) -> str:
    """Add a study's page to the navigation, in the order of names, unless it is there."""
    line = f"      - studies/{name}.md\n"
    if SECTION not in navigation:
        navigation = navigation.replace(BEFORE, SECTION + BEFORE)
    head, _, rest = navigation.partition(SECTION)
    pages = [one for one in rest[: rest.index(BEFORE)].splitlines(keepends=True) if one.strip()]
    after = rest[rest.index(BEFORE) :]
    return head + SECTION + "".join(sorted({*pages, line})) + after


# --- the summary --------------------------------------------------------------------------------


def study_of(rows: pl.DataFrame) -> Study | StudyFindings:
    """Bring the languages of each cell together, and say which observations hold."""
    if is_measured(rows):
        found = [("shapes", one) for one in judge_shapes(rows)]
        return _findings(rows, rows.drop("study", "key", "model").to_dicts(), found)
    if is_structured(rows):
        blocks = main_structured(rows)
        found = [(block.key["dataset"], one) for block in blocks for one in judge_structured(block)]
        return _findings(rows, [row for block in blocks for row in _scores(block)], found)
    blocks = main_blocks(rows)
    facts = language_facts(pl.concat([block.rows for block in blocks]))
    return Study(
        study=str(rows["study"][0]),
        models=tuple(rows["model"].unique().sort()),
        data=tuple(rows["dataset"].drop_nulls().unique().sort()),
        splits=tuple(rows["split"].unique().sort()),
        num_cells=rows["key"].n_unique(),
        num_rows=len(rows),
        seeds=tuple(rows["seed"].unique().sort()),
        languages=tuple(facts["language"]),
        num_train_sentences=dict(facts.select("language", "num_train_sentences").iter_rows()),
        train_overlap=dict(facts.select("language", "train_overlap").iter_rows()),
        entity_overlap=dict(facts.select("language", "entity_overlap").iter_rows()),
        summaries=tuple(one for block in blocks for one in _summaries(block)),
        observations=tuple(_observation(block, one) for block in blocks for one in observe(block)),
    )


def _findings(
    rows: pl.DataFrame, numbers: list[dict[str, Any]], found: list[tuple[str, Observation]]
) -> StudyFindings:
    models = tuple(rows["model"].unique().sort())
    return StudyFindings(
        study=str(rows["study"][0]),
        models=models,
        num_cells=rows["key"].n_unique(),
        num_rows=len(rows),
        numbers=tuple(numbers),
        observations=tuple(_observed(", ".join(models), about, one) for about, one in found),
    )


def _scores(block: StructuredBlock) -> Iterator[dict[str, Any]]:
    names = [MACRO, WORST, *block.rows["language"].unique().sort()]
    place = {name: block.key[name] for name in ("task", "dataset", "metric")}
    for of in names:
        found = scores_of(block, of).sort("algorithm", "way", "pruning_ratio")
        yield from ({**place, "of": of, **row} for row in found.to_dicts())


def _summaries(block: Block) -> Iterator[StudySummary]:
    for names, part in parts(block.rows, PART):
        whole = summaries(part, block.scale)
        counts = part.group_by("level").agg(pl.col("n").sum() // pl.col("seed").n_unique())
        num_sentences = dict(counts.iter_rows())
        for row in whole.filter(of="macro-average").sort("sparsity").iter_rows(named=True):
            own = whole.filter(level=row["level"])
            worst = own.filter(of="worst language").row(0, named=True)
            yield StudySummary(
                **{name: str(block.key[name]) for name in ("model", "method", "task", "metric")},
                **names,
                level=row["level"],
                sparsity=row["sparsity"],
                macro_average=row["value"],
                half_width_over_seeds=row["half_width"],
                num_complete_seeds=row["num_seeds"],
                num_languages=row["num_languages"],
                num_sentences=num_sentences[row["level"]],
                median=own.filter(of="median")["value"][0],
                worst_language=worst["language"],
                worst_value=worst["value"],
            )


def _observation(block: Block, one: Observation) -> StudyObservation:
    return _observed(str(block.key["model"]), str(block.key["method"]), one)


def _observed(model: str, method: str, one: Observation) -> StudyObservation:
    claims = tuple(
        StudyClaim(
            claim=part.claim,
            criterion=part.criterion,
            verdict=str(part.verdict),
            numbers=part.numbers,
            num_languages=part.num_languages,
            num_seeds=part.num_seeds,
        )
        for part in one.parts
    )
    return StudyObservation(
        model=model,
        method=method,
        name=one.name,
        claim=one.claim,
        verdict=one.verdict,
        claims=claims,
    )


if __name__ == "__main__":
    main()
