"""How commands print: lines and tables for people, JSON for machines."""

import json
import sys
from typing import Any

from rich.console import Console


def quiet_libraries() -> None:
    """Stop transformers and the hub library from drawing bars and reports where nobody looks."""
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from transformers.utils import logging

    logging.set_verbosity_error()
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
        disable_progress_bars()


def tell(line: str) -> None:
    """Print a line about what goes on, on standard error.

    Args:
        line: Shown as it is; no markup.
    """
    Console(stderr=True, soft_wrap=True).print(line, markup=False, highlight=False)


def print_json(value: Any) -> None:  # noqa: ANN401  (any JSON value)
    """Print JSON on standard output.

    Args:
        value: Anything that JSON can hold.
    """
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_json_line(value: Any) -> None:  # noqa: ANN401  (any JSON value)
    """Print JSON on one line of standard output.

    Args:
        value: Anything that JSON can hold.
    """
    print_lines([json.dumps(value, ensure_ascii=False)])


def print_lines(lines: list[str]) -> None:
    """Print lines on standard output.

    Args:
        lines: Shown as they are.
    """
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def given(**options: Any) -> dict[str, Any]:  # noqa: ANN401  (any option)
    """Drop the options that were not given, so that defaults stay in one place.

    Args:
        **options: ``None`` or an empty list means not given.

    Returns:
        The others.
    """
    return {name: value for name, value in options.items() if value is not None and value != []}
