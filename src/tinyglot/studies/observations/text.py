"""How observations print their numbers."""

from collections.abc import Sequence

from tinyglot.reports.scale import PERCENTAGE_POINTS, Scale
from tinyglot.studies.observations.verdicts import Difference


def signed(one: Difference, scale: Scale) -> str:
    """Show a difference: ``+1.2 ± 0.4``."""
    text = scale.signed(scale.factor * one.value)
    return text if one.half_width is None else f"{text} ± {scale.points(one.half_width)}"


def percent_change(value: float) -> str:
    """Show a change in per cent: ``−3.1 %``."""
    return f"{PERCENTAGE_POINTS.signed(value)} %"


def counted(differences: Sequence[Difference]) -> str:
    """Say how many differences are above 0, and how many beyond doubt."""
    above = sum(one.is_above for one in differences)
    clear = sum(one.is_clearly_above for one in differences)
    below = sum(one.is_clearly_below for one in differences)
    return f"{above} of {len(differences)} above 0 ({clear} clearly above, {below} clearly below)"


def listed(lines: Sequence[str]) -> str:
    """Join what is said of each sparsity; say so where nothing was run."""
    return "; ".join(lines) or "nothing of this was run"
