import math

import pytest

from tinyglot.reports.scale import PERCENTAGE_POINTS, Scale
from tinyglot.tasks import tasks

NATS = Scale(unit="nats", factor=1.0, decimals=3, higher_is_better=False)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (PERCENTAGE_POINTS.points(0.8316), "83.2"),
        (PERCENTAGE_POINTS.signed(-2.25), "−2.2"),
        (PERCENTAGE_POINTS.signed(0.6), "+0.6"),
        (PERCENTAGE_POINTS.signed(-0.04), "0.0"),
        (PERCENTAGE_POINTS.interval(0.8, 0.9), "80.0–90.0"),
        (NATS.points(2.34567), "2.346"),
        (NATS.interval(2.0, 2.5), "2.000–2.500"),
        (NATS.signed(0.0001), "0.000"),
    ],
)
def test_scores_are_shown_in_their_unit(printed, expected):
    assert printed == expected


@pytest.mark.parametrize(
    "printed",
    [
        PERCENTAGE_POINTS.points(None),
        PERCENTAGE_POINTS.signed(math.nan),
        PERCENTAGE_POINTS.interval(0.1, None),
    ],
)
def test_what_is_not_measured_is_a_dash(printed):
    assert printed == "–"


def test_every_metric_of_every_task_has_its_scale():
    scales = {(t.id, m.name): Scale.of(t.id, m.name) for t in tasks() for m in t.metrics}
    assert scales["ner", "f1"] == PERCENTAGE_POINTS
    assert scales["mlm", "loss"] == NATS
    assert not scales["mlm", "pseudo_perplexity"].higher_is_better


def test_an_unknown_metric_is_a_share():
    assert Scale.of(None, "anything") == Scale.of("ner", "anything") == PERCENTAGE_POINTS
