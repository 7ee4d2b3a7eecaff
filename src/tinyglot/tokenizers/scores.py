"""Decimal digits of Unigram scores that every JSON parser in use reads as the same number."""

import math

_LARGEST_SIGNIFICAND = 2**64
_LARGEST_EXACT_EXPONENT = 22
_NEIGHBOURS = (0, -1, 1, -2, 2, -3, 3, -4, 4)


def portable_digits(score: float) -> str:
    """Write a number so that a correct parser and the one of ``tokenizers`` both read it exactly.

    The latter (serde_json without ``float_roundtrip``) computes ``float(digits) / 10**places``,
    which rounds twice, so 13 % of random numbers come back changed in the last bit. Its result is
    known beforehand: digits are chosen for which it is right. One number in a thousand has none;
    that one still changes.

    Args:
        score: A finite number. Log probabilities are in mind; very small numbers may change.

    Returns:
        JSON; the usual shortest digits if they will do.

    Example:
        >>> portable_digits(-9.5), portable_digits(-12.458033897794039)
        ('-9.5', '-12.458033897794038580')
    """
    shortest = repr(score)
    whole, _, decimals = shortest.removeprefix("-").partition(".")
    if decimals.isdecimal() and _both_read(int(whole + decimals), len(decimals), abs(score)):
        return shortest
    longer = _longer(abs(score))
    return shortest if longer is None else "-" * (score < 0) + longer


def _longer(magnitude: float) -> str | None:
    numerator, denominator = magnitude.as_integer_ratio()
    most_places = _LARGEST_EXACT_EXPONENT - max(0, math.ceil(math.log10(magnitude)))
    for places in range(most_places, 0, -1):
        nearest = numerator * 10**places // denominator
        for significand in (nearest + step for step in _NEIGHBOURS):
            if significand < _LARGEST_SIGNIFICAND and _both_read(significand, places, magnitude):
                digits = str(significand).zfill(places + 1)
                return f"{digits[:-places]}.{digits[-places:]}"
    return None


def _both_read(significand: int, places: int, value: float) -> bool:
    twice_rounded = float(significand) / 10.0**places
    return twice_rounded == value and significand / 10**places == value
