import math

import pytest

from tinyglot.reports import numbers


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (numbers.millions(117_653_760), "117.7 M"),
        (numbers.mebibytes(3 * 2**19), "1.5 MiB"),
        (numbers.milliseconds(4), "4.0 ms"),
        (numbers.points(0.8316), "83.2"),
        (numbers.signed_points(-2.25), "−2.2"),
        (numbers.signed_points(0.6), "+0.6"),
        (numbers.signed_points(-0.04), "0.0"),
        (numbers.times(471, 26), "18.1×"),
        (numbers.interval(0.8, 0.9), "80.0–90.0"),
    ],
)
def test_number_has_its_unit(printed, expected):
    assert printed == expected


@pytest.mark.parametrize(
    "printed",
    [
        numbers.millions(None),
        numbers.mebibytes(math.nan),
        numbers.milliseconds(math.inf),
        numbers.points(None),
        numbers.signed_points(math.nan),
        numbers.times(1.0, 0.0),
        numbers.times(None, 2.0),
        numbers.interval(0.1, None),
    ],
)
def test_what_is_not_measured_is_a_dash(printed):
    assert printed == "–"
