"""`tinyglot measure`: bytes, parameters, latency and memory, with the protocol stated."""

from typing import Annotated

import typer

from tinyglot.cli.output import print_json, quiet_libraries

EPILOG = (
    "Examples:\n\n"
    "tinyglot measure runs/sw/final --batch 1 --length 32\n\n"
    "tinyglot measure bundled:multilingual-e5-small runs/sw-ner/export --batch 1 8 "
    "--length 32 128 --threads 1 --json"
)


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("measure", epilog=EPILOG)(measure)


def measure(
    model: Annotated[list[str], typer.Argument(help="checkpoints and exports to compare")],
    batch: Annotated[
        list[int] | None, typer.Option(help="sequences a call; one number or several")
    ] = None,
    length: Annotated[
        list[int] | None, typer.Option(help="tokens a sequence; one number or several")
    ] = None,
    threads: Annotated[int, typer.Option(help="threads of the runtime")] = 1,
    rounds: Annotated[int, typer.Option(help="timed calls of each model and shape")] = 20,
    json: Annotated[bool, typer.Option("--json", help="print the rows as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Measure models interleaved, so that a noisy machine is unfair to none."""
    from tinyglot import api
    from tinyglot.reports import print_measures

    quiet_libraries()
    rows = api.measure(
        model, batch=batch or [1], length=length or [32], threads=threads, rounds=rounds
    )
    if json:
        print_json([row.as_dict() for row in rows])
    else:
        print_measures(rows)
