"""The table of `tinyglot compare`: what it says of a damaged model, and of the model itself."""

from collections.abc import Iterator

from benchmarks.schema import Comparison, Comparisons


def compare_table(result: Comparisons) -> Iterator[str]:
    yield (
        f"`tinyglot compare --max-drop {result.max_drop_points:g}` on {result.data}, test; "
        f"{result.model}. Damaged: {100 * result.pruned_share:.1f} % of the weights of its layers' "
        "matrices are 0, without training. Differences in points with 95 % intervals."
    )
    yield ""
    yield "| small model | exit code | language | n | dense | small | difference | verdict |"
    yield "|---|---|---|---|---|---|---|---|"
    for comparison in result.comparisons:
        yield from _rows(comparison)


def _rows(comparison: Comparison) -> Iterator[str]:
    for one in comparison.report["languages"]:
        scores = f"{100 * one['dense']:.1f} | {100 * one['small']:.1f}"
        interval = f"{one['delta']:+.1f} ({one['low']:+.1f} to {one['high']:+.1f})"
        head = f"| {comparison.small} | {comparison.exit_code} | {one['language']} | {one['n']:,} "
        yield f"{head}| {scores} | {interval} | {one['verdict']} |"
