"""`tinyglot predict`: tag lines from standard input."""

import sys
from typing import Annotated

import typer

from tinyglot.cli.output import print_json, print_lines, quiet_libraries

EPILOG = 'Examples:\n\necho "Rais wa Kenya yuko Nairobi ." | tinyglot predict MODEL --task ner'
_LINES_AT_ONCE = 64


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("predict", epilog=EPILOG)(predict)


def predict(
    model: Annotated[str, typer.Argument(help="a fine-tuned checkpoint, or an export directory")],
    task: Annotated[str, typer.Option(help="task id, such as ner")],
    json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Tag each line of standard input; words are separated by spaces."""
    from tinyglot.api import Tagger

    quiet_libraries()
    tagger = Tagger(model, task=task)
    for lines in _batches():
        for words, tags in tagger.tag([line.split() for line in lines]):
            if json:
                print_json({"words": words, "tags": tags})
            else:
                print_lines([f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True)] + [""])


def _batches() -> list[list[str]]:
    lines = [line for line in sys.stdin.read().splitlines() if line.strip()]
    return [lines[i : i + _LINES_AT_ONCE] for i in range(0, len(lines), _LINES_AT_ONCE)]
