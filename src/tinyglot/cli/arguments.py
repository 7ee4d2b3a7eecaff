"""What the command line allows beyond typer: several numbers after an option, KEY=VALUE."""

from collections.abc import Iterable, Iterator, Sequence

from tinyglot.errors import TaskOptionError

TASK_OPTION_HELP = "KEY=VALUE, an option of the task; see tinyglot ls tasks"
_SEVERAL = ("--batch", "--length")


def task_options(values: Sequence[str] | None) -> dict[str, str]:
    """Split ``KEY=VALUE`` options.

    Args:
        values: As given.

    Returns:
        Values by key.

    Raises:
        TaskOptionError: If one has no ``=``.

    Example:
        >>> task_options(["layer=7"])
        {'layer': '7'}
    """
    wrong = [value for value in values or () if "=" not in value]
    if wrong:
        raise TaskOptionError(
            "Could not read an option of the task.",
            got=", ".join(wrong),
            expected="KEY=VALUE",
            fix="--task-option layer=7",
        )
    return dict(value.split("=", 1) for value in values or ())


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
