"""`tinyglot export`: a file that runs without PyTorch, takes less room, or is ordinary."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import print_json, quiet_libraries, tell

EPILOG = (
    "Examples:\n\n"
    "tinyglot export runs/sw-ner/final --format onnx --int8 --out runs/sw-ner/export\n\n"
    "tinyglot export runs/pruned/final --format sparse --out runs/pruned/packed\n\n"
    "tinyglot export runs/slim/final --format stock --out runs/slim/stock"
)


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("export", epilog=EPILOG)(export)


def export(
    model: Annotated[str, typer.Argument(help="a checkpoint directory")],
    out: Annotated[Path, typer.Option(help="directory for the export")],
    format: Annotated[
        str,
        typer.Option(
            "--format",
            help="onnx, openvino, sparse (zeros take one bit) or stock (no slim model)",
        ),
    ] = "onnx",
    int8: Annotated[bool, typer.Option("--int8", help="8-bit weights, embedding included")] = False,  # noqa: FBT002  (a flag)
    json: Annotated[bool, typer.Option("--json", help="print the record as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Export, and compare with the source before it is called done."""
    from tinyglot import api

    quiet_libraries()
    record = api.export(model, out=out, format=format, int8=int8)
    if json:
        print_json(record.as_dict())
    else:
        tell(f"wrote {out}: {record.summary()}")
