"""`tinyglot study status`: what of a study is there."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import print_json, print_lines

EXAMPLES = ("tinyglot study status studies/imp-small",)


def status(
    directory: Annotated[Path, typer.Argument(help="directory of the study")],
    json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Say which cells are finished, failed (and why), stale or missing."""
    from tinyglot.studies import Store, expand
    from tinyglot.studies.describe import status_facts, status_lines

    store = Store(directory)
    facts = status_facts(expand(store.grid()), store)
    if json:
        print_json(facts)
    else:
        print_lines(status_lines(facts))
