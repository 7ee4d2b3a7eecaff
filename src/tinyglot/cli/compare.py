"""`tinyglot compare`: does a small model keep, in every language, what a dense one can?"""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.arguments import TASK_OPTION_HELP, task_options
from tinyglot.cli.output import given, print_json, quiet_libraries

EPILOG = (
    "Exit code: 0 every language holds; 1 one loses more than allowed, beyond doubt (or the "
    "comparison could not be made); 3 not enough data to tell.\n\n"
    "Examples:\n\n"
    "tinyglot compare runs/dense/final runs/small/final --task ner --data DIR --language swh-Latn "
    "--language yor-Latn --max-drop 1.0\n\n"
    "tinyglot compare DENSE SMALL --task ner --data DIR --language sw --json --allow-inconclusive"
)


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("compare", epilog=EPILOG)(compare)


def compare(  # noqa: PLR0913  (one parameter an option)
    dense: Annotated[str, typer.Argument(help="the model to compare with: checkpoint or export")],
    small: Annotated[str, typer.Argument(help="the model that may have lost something")],
    task: Annotated[str, typer.Option(help="task id, such as ner")],
    data: Annotated[str, typer.Option(help="<language>/{train,dev,test} directory, or a hub id")],
    language: Annotated[list[str], typer.Option(help="tag or code, such as swh-Latn or sw")],
    split: Annotated[str, typer.Option(help="which split, also a part: test[:20%]")] = "test",
    metric: Annotated[
        str | None, typer.Option(help="which score of the task; default the main one")
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option(
            help="largest allowed drop; percentage points, default 2.0; of a score that is no "
            "share, its own unit, no default"
        ),
    ] = None,
    confidence: Annotated[float | None, typer.Option(help="of the intervals; default 0.95")] = None,
    flips: Annotated[
        Path | None, typer.Option(help="write what only one model gets right to this JSONL file")
    ] = None,
    task_option: Annotated[list[str] | None, typer.Option(help=TASK_OPTION_HELP)] = None,
    allow_inconclusive: Annotated[  # noqa: FBT002  (a flag)
        bool, typer.Option("--allow-inconclusive", help="exit with 0 instead of 3")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="print the comparison as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Compare two models language by language; most damaged first, with intervals and verdicts."""
    from tinyglot import api
    from tinyglot.evaluation.compare import HOLDS, INCONCLUSIVE
    from tinyglot.reports import print_comparison

    quiet_libraries()
    found = api.compare(
        dense,
        small,
        task=task,
        data=data,
        languages=language,
        split=split,
        task_options=task_options(task_option),
        **given(metric=metric, max_drop=max_drop, confidence=confidence, flips=flips),
    )
    code = found.exit_code
    if code == INCONCLUSIVE and allow_inconclusive:
        code = HOLDS
    if json:
        print_json({**found.as_dict(), "exit_code": code})
    else:
        print_comparison(found)
    raise typer.Exit(code)
