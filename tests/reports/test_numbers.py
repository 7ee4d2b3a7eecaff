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
        (numbers.times(471, 26), "18.1×"),
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
        numbers.times(1.0, 0.0),
        numbers.times(None, 2.0),
    ],
)
def test_what_is_not_measured_is_a_dash(printed):
    assert printed == "–"
