"""`tinyglot slice`: a smaller model out of an elastic checkpoint, in seconds."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import given, print_json, quiet_libraries, tell

EPILOG = """Examples:

tinyglot slice runs/elastic/final --layers 6 --ffn 768 --out runs/elastic/six

tinyglot slice runs/elastic/final --max-parameters 12M --vocabulary-language swh-Latn --out out/swh
"""


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("slice", epilog=EPILOG)(slice_)


def slice_(  # noqa: PLR0913  (each is an option)
    elastic: Annotated[
        str, typer.Argument(help="what dynamic_sparsification trained: a directory or a hub id")
    ],
    out: Annotated[Path, typer.Option(help="directory for the slice, new or empty")],
    layers: Annotated[int | None, typer.Option(help="how many layers")] = None,
    heads: Annotated[
        int | None, typer.Option(help="heads a layer, and the hidden size with them")
    ] = None,
    ffn: Annotated[int | None, typer.Option(help="neurons a layer")] = None,
    vocabulary_language: Annotated[
        str | None, typer.Option(help="keep only the rows of this language, such as swh-Latn")
    ] = None,
    vocabulary_size: Annotated[
        int | None, typer.Option(help="keep at most so many of these, the most frequent")
    ] = None,
    max_parameters: Annotated[
        str | None,
        typer.Option(
            help="take the size with most outside the embedding, up to so many in all, such as 12M"
        ),
    ] = None,
    max_bytes: Annotated[
        str | None, typer.Option(help="the same, by bytes of the weight file, such as 8MB")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="commit of a hub id")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the sizes as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Cut a smaller model out of an elastic checkpoint: an ordinary one, for plain AutoModel."""
    from tinyglot.checkpoints.slicing import slice_elastic

    quiet_libraries()
    made = slice_elastic(
        elastic,
        out=out,
        **given(
            layers=layers,
            heads=heads,
            ffn=ffn,
            language=vocabulary_language,
            vocabulary_size=vocabulary_size,
            max_parameters=max_parameters,
            max_bytes=max_bytes,
            revision=revision,
        ),
    )
    if json:
        print_json(made.as_dict())
    else:
        tell(f"wrote {out}: {made.summary()}")
