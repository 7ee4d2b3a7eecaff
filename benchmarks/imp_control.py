"""Writes the tables of docs/studies/imp-control.md from results/imp-control, between its markers.

python -m benchmarks.imp_control
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from scipy import stats

from benchmarks.provenance import ROOT
from tinyglot.files import read_json
from tinyglot.studies.rows import read_rows
from tinyglot.studies.store import Store

PLACE = ROOT / "benchmarks" / "results" / "imp-control"
PAGE = ROOT / "docs" / "studies" / "imp-control.md"
ARTEFACTS = "artefacts.json"

WAYS: Mapping[tuple[float, str | None], str] = {
    (0.0, None): "dense",
    (0.0, "exclude"): "0 % masked",
    (0.5, "exclude"): "50 %",
    (0.5, "include"): "50 %, embeddings too",
}
TEXTS: Mapping[str, str] = {
    "none": "regular",
    "in-language": "in-language",
    "in-language length-matched": "of equal length",
    "in-language pool=all mentions=seen train=train[:800]": "seen in training",
    "in-language pool=all mentions=unseen train=train[:800]": "never seen",
}
PAPER: Mapping[str, tuple[str, str]] = {
    "dense": (".822", ".019"),
    "50 %": (".806", ".686"),
    "50 %, embeddings too": (".807", ".015"),
}
Row = dict[str, Any]


def main() -> None:
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def with_tables(text: str) -> str:
    """Replace what is between the markers of every table."""
    for name, lines in tables().items():
        begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        content = "\n".join(lines)
        text = f"{head}{begin}\n\n{content}\n\n{end}{tail}"
    return text


def tables() -> dict[str, list[str]]:
    """Make every table; the same for the same files."""
    rows = labelled(read_rows(PLACE))
    cells = [cell.model_dump() for cell in Store(PLACE).cells().values() if cell.error is None]
    made: dict[str, Iterable[str]] = {
        "macro": macro_table(rows),
        "languages": language_table(rows),
        "paper": paper_table(rows),
        "equality": equality_table(cells),
        "checkpoints": checkpoint_table(rows),
        "novelty": novelty_table(rows),
        "confusion": confusion_table(cells),
        "artefacts": artefact_table(read_json(PLACE / ARTEFACTS)),
    }
    return {name: list(lines) for name, lines in made.items()}


def labelled(rows: pl.DataFrame) -> pl.DataFrame:
    """Name ways of training and texts as the tables do, and take the step out of the method."""
    way = [WAYS[key] for key in zip(rows["sparsity"], rows["embeddings"], strict=True)]
    return rows.with_columns(
        way=pl.Series(way),
        text=pl.col("perturbation").replace_strict(TEXTS),
        step=pl.col("method").str.extract(r"stop_step=(\d+)").cast(pl.Int64),
    )


# --- scores -------------------------------------------------------------------------------------


def macro_table(rows: pl.DataFrame) -> Iterator[str]:
    """F1 at the end of training: macro-average over languages, mean over seeds."""
    last = at_end(rows)
    yield (
        f"F1 after {last['step'][0]} steps, macro-average of {last['language'].n_unique()} "
        "languages, in points: mean over seeds ± half of the 95 % t interval over them where they "
        "are three; in brackets each seed, from 0."
    )
    yield ""
    yield f"| trained | {' | '.join(TEXTS.values())} |"
    yield "|---|" + "---|" * len(TEXTS)
    for way in WAYS.values():
        cells = [over_seeds(macros(last, way, text)) for text in TEXTS.values()]
        yield f"| {way} | {' | '.join(cells)} |"


def language_table(rows: pl.DataFrame) -> Iterator[str]:
    """F1 of every language at the end of training."""
    last = at_end(rows)
    yield (
        "F1 in points, mean over seeds; in brackets the lowest and highest end of the seeds' 95 % "
        "bootstrap intervals over sentences."
    )
    yield ""
    yield f"| language | n | trained | {' | '.join(TEXTS.values())} |"
    yield "|---|---|---|" + "---|" * len(TEXTS)
    for (language,), part in last.partition_by("language", as_dict=True).items():
        for way in WAYS.values():
            own = part.filter(way=way)
            cells = [interval(own.filter(text=text)) for text in TEXTS.values()]
            yield f"| {language} | {part['n'][0]} | {way} | {' | '.join(cells)} |"


def paper_table(rows: pl.DataFrame) -> Iterator[str]:
    """The paper's numbers beside ours."""
    last = at_end(rows)
    yield "| trained | paper, regular | paper, in-language | paper, kept | here, kept |"
    yield "|---|---|---|---|---|"
    for way, (regular, perturbed) in PAPER.items():
        kept = [
            one / whole
            for one, whole in zip(
                macros(last, way, "in-language"), macros(last, way, "regular"), strict=True
            )
        ]
        share = float(perturbed) / float(regular)
        yield f"| {way} | {regular} | {perturbed} | {100 * share:.0f} % | {over_seeds(kept)} % |"


def checkpoint_table(rows: pl.DataFrame) -> Iterator[str]:
    """F1 at several points of one training."""
    first = rows.filter(metric="f1", seed=0)
    steps = sorted(first["step"].unique())
    yield (
        "F1 of seed 0 in points, macro-average: regular / in-language, at several points of the "
        "same training (`stop_step`)."
    )
    yield ""
    yield f"| trained | {' | '.join(f'{step} steps' for step in steps)} |"
    yield "|---|" + "---|" * len(steps)
    for way in WAYS.values():
        cells = []
        for step in steps:
            own = first.filter(step=step)
            pair = [macros(own, way, text) for text in ("regular", "in-language")]
            cells.append(" / ".join(f"{100 * one[0]:.1f}" if one else "–" for one in pair))
        yield f"| {way} | {' | '.join(cells)} |"


def novelty_table(rows: pl.DataFrame) -> Iterator[str]:
    """Recall of mentions of the regular test data that training had, and had not."""
    last = rows.filter(pl.col("step") == rows["step"].max())
    yield (
        "Recall on the regular test data in points: mean over seeds, in brackets the lowest and "
        "highest end of the seeds' 95 % bootstrap intervals over sentences; n counts mentions."
    )
    yield ""
    yield "| language | trained | seen, n | seen | unseen, n | unseen |"
    yield "|---|---|---|---|---|---|"
    for (language,), part in last.partition_by("language", as_dict=True).items():
        for way in WAYS.values():
            cells = []
            for metric in ("recall_seen", "recall_unseen"):
                own = part.filter(way=way, metric=metric)
                cells += [str(own["n"][0]), interval(own)] if own.height else ["0", "–"]
            yield f"| {language} | {way} | {' | '.join(cells)} |"


# --- the same weights? --------------------------------------------------------------------------


def equality_table(cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Digests of the weights of the dense cells and of those in which nothing is masked."""
    yield "| seed | dense, SHA-256 of the weights | 0 % masked | same weights | same rows |"
    yield "|---|---|---|---|---|"
    found = {(way_of(cell), cell["coordinates"]["seed"]): cell for cell in ended(cells)}
    for seed in sorted({seed for _, seed in found}):
        pair = [found.get((way, seed)) for way in ("dense", "0 % masked")]
        if None in pair:
            continue
        digests = [cell["steps"][-1]["weights_sha256"] for cell in pair]
        scores = [scores_of(cell) for cell in pair]
        yield (
            f"| {seed} | `{digests[0][:16]}…` | `{digests[1][:16]}…` | "
            f"{yes(digests[0] == digests[1])} | {yes(scores[0] == scores[1])} |"
        )


def scores_of(cell: Mapping[str, Any]) -> set[tuple[Any, ...]]:
    names = ("language", "perturbation", "metric", "value", "low", "high", "n")
    return {tuple(row[name] for name in names) for row in cell["rows"]}


# --- words --------------------------------------------------------------------------------------


def confusion_table(cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What words are tagged, of regular and perturbed text, all languages and seeds together."""
    yield (
        "Words of all languages and seeds at the end of training, shares in percent: of those "
        "inside a mention, which get the right tag, the right type but the wrong prefix, another "
        "type, or O; of those outside, which are tagged as a part of a mention."
    )
    yield ""
    columns = ("inside", "right", "prefix", "other type", "O", "outside", "tagged")
    yield f"| trained | text | {' | '.join(columns)} |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for way in WAYS.values():
        own = [cell for cell in ended(cells) if way_of(cell) == way]
        for name, text in list(TEXTS.items())[:2]:
            counts = summed(cell["confusion"][name] for cell in own)
            yield f"| {way} | {text} | {' | '.join(shares(counts))} |"


def summed(tables: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for table in tables:
        for rows in table.values():
            for right, row in rows.items():
                for given, number in row.items():
                    counts[right, given] = counts.get((right, given), 0) + number
    return counts


def shares(counts: Mapping[tuple[str, str], int]) -> list[str]:
    kinds = {"right": 0, "prefix": 0, "type": 0, "missed": 0}
    inside = outside = tagged = 0
    for (right, given), number in counts.items():
        if right == "O":
            outside += number
            tagged += number * (given != "O")
        else:
            inside += number
            kinds[kind_of(right, given)] += number
    points = [f"{100 * number / inside:.1f}" for number in kinds.values()]
    return [f"{inside:,}", *points, f"{outside:,}", f"{100 * tagged / outside:.1f}"]


def kind_of(right: str, given: str) -> str:
    if given == right:
        return "right"
    if given == "O":
        return "missed"
    return "prefix" if given[2:] == right[2:] else "type"


# --- artefacts ----------------------------------------------------------------------------------


def artefact_table(found: Mapping[str, Any]) -> Iterator[str]:
    """What F1 becomes if the right model is read wrongly, or a wrong model is read."""
    yield (
        f"F1 in points over all {found['num_sentences']} sentences of the three languages "
        f"together; the dense model of seed {found['seed']}."
    )
    yield ""
    yield "| evaluated with | regular | in-language |"
    yield "|---|---|---|"
    for row in found["rows"]:
        yield f"| {row['what']} | {row['regular']} | {row['in-language']} |"


# --- numbers ------------------------------------------------------------------------------------


def at_end(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("step") == rows["step"].max(), metric="f1")


def macros(rows: pl.DataFrame, way: str, text: str) -> list[float]:
    """Average over the languages of each seed."""
    own = rows.filter(way=way, text=text, metric="f1")
    return own.group_by("seed").agg(pl.col("value").mean()).sort("seed")["value"].to_list()


def over_seeds(values: Sequence[float]) -> str:
    """Show the mean in points and every seed's value; of 3 or more, half of the 95 % t interval."""
    if not values:
        return "–"
    shown = f"{100 * statistics.fmean(values):.1f}"
    if len(values) > 2:
        quantile = float(stats.t.ppf(0.975, len(values) - 1))
        half = quantile * statistics.stdev(values) / len(values) ** 0.5
        shown += f" ± {100 * half:.1f}"
    return f"{shown} ({', '.join(f'{100 * value:.1f}' for value in values)})"


def interval(rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return "–"
    mean, low, high = rows["value"].mean(), rows["low"].min(), rows["high"].max()
    return f"{100 * mean:.1f} ({100 * low:.0f}–{100 * high:.0f})"


def ended(cells: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    last = max(step_of(cell) for cell in cells)
    return [cell for cell in cells if step_of(cell) == last]


def step_of(cell: Mapping[str, Any]) -> int:
    return int(cell["recipe"]["steps"][-1]["stop_step"])


def way_of(cell: Mapping[str, Any]) -> str:
    place = cell["coordinates"]
    return WAYS[place["sparsity"], place["embeddings"]]


def yes(is_so: bool) -> str:  # noqa: FBT001  (a cell of a table)
    return "yes" if is_so else "**no**"


if __name__ == "__main__":
    main()
