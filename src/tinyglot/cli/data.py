"""`tinyglot data`: check and perturb labelled data."""

import typer

from tinyglot.cli.data_check import check
from tinyglot.cli.data_perturb import perturb
from tinyglot.data.checks.findings import CHECKS

EXAMPLES = {
    "check": (
        "tinyglot data check DIR",
        "tinyglot data check DIR --task pos --language sk --html check.html",
        "tinyglot data check DIR --tokenizer xlm-roberta-base --json",
    ),
    "perturb": (
        "tinyglot data perturb DIR --language sw --language yo --out perturbed",
        "tinyglot data perturb DIR --language yo --scope in-script --examples 3 --out perturbed",
    ),
}
CHECKED = ["Checks:", *(f"{name}: {sentence}" for name, sentence in CHECKS.items())]


def register(app: typer.Typer) -> None:
    """Add the commands.

    Args:
        app: The program.
    """
    group = typer.Typer(
        no_args_is_help=True,
        help="Check and perturb labelled data.",
        epilog="\n\n".join(["Examples:", *(lines[0] for lines in EXAMPLES.values())]),
    )
    for command in (check, perturb):
        name = command.__name__
        lines = [*(CHECKED if command is check else []), "Examples:", *EXAMPLES[name]]
        group.command(name, epilog="\n\n".join(lines))(command)
    app.add_typer(group, name="data")
