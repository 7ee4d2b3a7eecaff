"""`tinyglot compress`: a smaller model for some languages."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import given, print_json, quiet_libraries, tell

EPILOG = (
    "Examples:\n\n"
    "tinyglot compress bundled:multilingual-e5-small --language swh-Latn --text swahili.txt "
    "--out runs/sw\n\n"
    "tinyglot compress MODEL --language sw --language yo --text DIR --budget sw=12000 "
    "--budget yo=8000 --out runs/sw-yo"
)


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("compress", epilog=EPILOG)(compress)


def compress(  # noqa: PLR0913  (one parameter an option)
    model: Annotated[str, typer.Argument(help="bundled:NAME, a checkpoint directory, or a hub id")],
    out: Annotated[Path, typer.Option(help="run directory; the result is OUT/final")],
    language: Annotated[list[str], typer.Option(help="tag or code, such as swh-Latn or sw")],
    text: Annotated[list[str], typer.Option(help="file or directory; TAG=PATH for several")],
    coverage: Annotated[float | None, typer.Option(help="share of token occurrences kept")] = None,
    max_vocabulary_size: Annotated[int | None, typer.Option(help="tokens in all")] = None,
    budget: Annotated[list[str] | None, typer.Option(help="TAG=TOKENS, per language")] = None,
    num_layers: Annotated[int | None, typer.Option(help="also drop layers, to so many")] = None,
    strategy: Annotated[str | None, typer.Option(help="which layers stay")] = None,
    max_unk_rate: Annotated[float | None, typer.Option(help="highest unknown-token rate")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of every generator")] = None,
    revision: Annotated[str | None, typer.Option(help="commit of a hub id")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the record as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Trim the vocabulary to some languages, and drop layers if asked."""
    from tinyglot import api

    quiet_libraries()
    run = api.compress(
        model,
        languages=language,
        text=text,
        out=out,
        tell=tell,
        **given(
            coverage=coverage,
            max_vocabulary_size=max_vocabulary_size,
            budgets=_budgets(budget or []) or None,
            num_layers=num_layers,
            strategy=strategy,
            max_unk_rate=max_unk_rate,
            seed=seed,
            revision=revision,
        ),
    )
    if json:
        print_json(run.records())
    else:
        tell(f"wrote {run.final}")


def _budgets(values: list[str]) -> dict[str, int]:
    budgets: dict[str, int] = {}
    for value in values:
        code, _, tokens = value.partition("=")
        if not tokens.isdecimal() or code in budgets:
            raise typer.BadParameter(f"--budget {value}: expected TAG=TOKENS once a language")
        budgets[code] = int(tokens)
    return budgets
