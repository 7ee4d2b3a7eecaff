"""What the command line allows beyond typer: several numbers after one option."""

from collections.abc import Iterable, Iterator

_SEVERAL = ("--batch", "--length")


def spread(arguments: Iterable[str]) -> list[str]:
    """Repeat an option for every number that follows it.

    ``--batch 1 8`` becomes ``--batch 1 --batch 8``, for the options of ``tinyglot measure`` that
    take several numbers.

    Args:
        arguments: Of the command line, the program's name left out.

    Returns:
        What typer understands.

    Example:
        >>> spread(["measure", "model", "--batch", "1", "8", "--json"])
        ['measure', 'model', '--batch', '1', '--batch', '8', '--json']
    """
    given = list(arguments)
    return list(_repeated(given)) if given[:1] == ["measure"] else given


def _repeated(arguments: Iterable[str]) -> Iterator[str]:
    option, has_value = "", False
    for argument in arguments:
        if argument.isdecimal() and option:
            yield from (option, argument) if has_value else (argument,)
            has_value = True
        else:
            yield argument
            name, separator, _ = argument.partition("=")
            option, has_value = (name, bool(separator)) if name in _SEVERAL else ("", False)
