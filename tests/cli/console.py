"""Running the program in this process, and reading the four lines of a problem."""

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from transformers.utils import logging

from tinyglot.cli.app import main

LABELS = ("got", "expected", "fix")


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def run(*arguments: object) -> Ended:
    """Run ``tinyglot`` with these arguments, as the console script does."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    code = 0
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            logging.set_verbosity(verbosity)
            (logging.enable_progress_bar if bars else logging.disable_progress_bar)()
    return Ended(code, out.getvalue(), err.getvalue())


def problem(*arguments: object) -> dict[str, str]:
    """Run a command that must end with a problem; give its four lines by label.

    It must exit with 1, print nothing on standard output, and end with exactly one problem of
    four labelled parts in order.
    """
    ended = run(*arguments)
    assert (ended.code, ended.out) == (1, ""), ended
    text = ended.err[re.search(r"^Could not .*$", ended.err, re.MULTILINE).start() :]
    parts = re.split(r"^  (got|expected|fix): +", text, flags=re.MULTILINE)
    assert tuple(parts[1::2]) == LABELS, text
    assert "Traceback" not in ended.err
    values = map(str.strip, parts[2::2])
    return {"problem": parts[0].strip(), **dict(zip(LABELS, values, strict=True))}


def kept(directory: Path) -> set[str]:
    """Files of a run directory, the lock and the recipe left out: nothing may be half there."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)) for path in files} - {".lock", "recipe.yaml"}
