"""`tinyglot study`: plan, run and look at grids of recipes."""

import importlib

import typer

COMMANDS = ("plan", "run", "status", "table", "figures", "report", "copy")


def register(app: typer.Typer) -> None:
    """Add the commands, one for each module ``study_<name>`` of this folder.

    Args:
        app: The program.
    """
    modules = {name: importlib.import_module(f"tinyglot.cli.study_{name}") for name in COMMANDS}
    group = typer.Typer(
        no_args_is_help=True,
        help="Plan and run grids of recipes, and make tables and figures of them.",
        epilog="\n\n".join(["Examples:", *(module.EXAMPLES[0] for module in modules.values())]),
    )
    for name, module in modules.items():
        epilog = "\n\n".join(["Examples:", *module.EXAMPLES])
        group.command(name, epilog=epilog)(getattr(module, name))
    app.add_typer(group, name="study")
