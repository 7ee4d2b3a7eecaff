"""The table of a study: macro-averages by sparsity, and which of the paper's observations hold."""

from collections.abc import Iterator

from benchmarks.studies_schema import Study, StudyFindings, StudySummary
from tinyglot.studies.views.blocks import VARIANTS


def findings_table(result: StudyFindings) -> Iterator[str]:
    """Show the findings and the claims that they were judged by."""
    yield (
        f"{result.study}: {', '.join(result.models)}; {result.num_cells} cells, "
        f"{result.num_rows} rows; tables and figures: [docs/studies/{result.study}.md]"
        f"(../docs/studies/{result.study}.md)."
    )
    yield ""
    yield "| of | finding | verdict | claims |"
    yield "|---|---|---|---|"
    for one in result.observations:
        claims = "; ".join(f"{claim.claim} {claim.verdict}" for claim in one.claims)
        yield f"| {one.method} | {one.name}: {one.claim} | {one.verdict} | {claims} |"


def study_table(result: Study) -> Iterator[str]:
    """Show a row for each way of training, perturbation and variant; levels as columns."""
    yield (
        f"{result.study}: {', '.join(result.models)} on {', '.join(result.data)}, "
        f"{', '.join(result.splits)}; {result.num_cells} cells, {len(result.languages)} languages, "
        f"seeds {', '.join(map(str, result.seeds))}. Macro-average in points ± half of the 95 % t "
        f"interval over seeds; tables per language: [docs/studies/{result.study}.md]"
        f"(../docs/studies/{result.study}.md)."
    )
    yield ""
    levels = list(dict.fromkeys(one.level for one in _by_sparsity(result)))
    several = len({one.method for one in result.summaries}) > 1
    yield f"| trained | languages | text | pruned | {' | '.join(levels)} |"
    yield "|---|---|---|---|" + "---|" * len(levels)
    rows: dict[tuple[str, ...], dict[str, StudySummary]] = {}
    for one in result.summaries:
        key = (one.method, one.setting, one.trained, one.perturbation, one.variant)
        rows.setdefault(key, {})[one.level] = one
    for (method, setting, _, perturbation, variant), cells in rows.items():
        count = max(one.num_languages for one in cells.values())
        text = "regular" if perturbation == "none" else perturbation
        shown = " | ".join(_cell(cells.get(level)) for level in levels)
        how = f"{setting}, {method}" if several else setting
        yield f"| {how} | {count} | {text} | {VARIANTS[variant]} | {shown} |"
    yield ""
    for method in dict.fromkeys(one.method for one in result.observations):
        own = (one for one in result.observations if one.method == method)
        told = "; ".join(f"{one.name} {one.verdict}" for one in own)
        yield f"Of the observations of Ogueji et al. (2022), by {method}: {told}."


def _by_sparsity(result: Study) -> list[StudySummary]:
    return sorted(result.summaries, key=lambda one: (one.sparsity, one.level != "dense"))


def _cell(one: StudySummary | None) -> str:
    if one is None:
        return "–"
    text = f"{100 * one.macro_average:.1f}"
    spread = one.half_width_over_seeds
    return text if spread is None else f"{text} ± {100 * spread:.1f}"
