"""How scores of a metric are shown: shares as percentage points, others in their own unit."""

from dataclasses import dataclass

from tinyglot.reports.numbers import DASH, MINUS, is_measured
from tinyglot.tasks import find_metric


@dataclass(frozen=True)
class Scale:
    """From scores in rows to numbers in reports.

    Attributes:
        unit: What the numbers are called.
        factor: What a score is multiplied with.
        decimals: Digits behind the point.
        higher_is_better: Which of two scores is the better one.
    """

    unit: str = "percentage points"
    factor: float = 100.0
    decimals: int = 1
    higher_is_better: bool = True

    @classmethod
    def of(cls, task: str | None, metric: str) -> "Scale":
        """Choose the scale of a metric.

        Args:
            task: Its task's id, if it is known.
            metric: Its name.

        Returns:
            Percentage points, unless a task says otherwise.
        """
        found = find_metric(task, metric) if task else None
        if found is None or found.unit == "fraction":
            return cls(higher_is_better=found is None or found.higher_is_better)
        decimals = 3 if found.unit == "nats" else 1
        return cls(found.unit, 1.0, decimals, found.higher_is_better)

    def points(self, value: float | None) -> str:
        """Show a score: ``83.2``; a dash if there is none."""
        if value is None or not is_measured(value):
            return DASH
        return f"{self.factor * value:,.{self.decimals}f}"

    def signed(self, delta: float | None) -> str:
        """Show a difference that is in the shown unit: ``−2.2``; nothing lost is ``0.0``."""
        if delta is None or not is_measured(delta):
            return DASH
        text = f"{abs(delta):,.{self.decimals}f}"
        if float(text.replace(",", "")) == 0:
            return text
        return ("+" if delta > 0 else MINUS) + text

    def interval(self, low: float | None, high: float | None) -> str:
        """Show an interval: ``80.1–85.9``."""
        if low is None or high is None:
            return DASH
        return f"{self.points(low)}–{self.points(high)}"


PERCENTAGE_POINTS = Scale()
