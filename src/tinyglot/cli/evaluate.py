"""`tinyglot evaluate`: score a checkpoint or an export, language by language."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.arguments import TASK_OPTION_HELP, task_options
from tinyglot.cli.output import print_json, quiet_libraries, tell

EPILOG = (
    "Examples:\n\n"
    "tinyglot evaluate runs/sw-ner/final --task ner --data DIR --language swh-Latn\n\n"
    "tinyglot evaluate runs/sw-ner/export --task ner --data DIR --language sw --json\n\n"
    "tinyglot evaluate MODEL --task pos --data DIR --language sw --language hi --by script"
)


class Grouping(StrEnum):
    """What languages can be grouped by."""

    SCRIPT = "script"
    FAMILY = "family"


class Precision(StrEnum):
    """Arithmetic of a checkpoint's matrix products."""

    FP32 = "fp32"
    BF16 = "bf16"
    AUTO = "auto"


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("evaluate", epilog=EPILOG)(evaluate)


def evaluate(  # noqa: PLR0913  (one parameter an option)
    model: Annotated[str, typer.Argument(help="a fine-tuned checkpoint, or an export directory")],
    task: Annotated[str, typer.Option(help="task id, such as ner")],
    data: Annotated[str, typer.Option(help="<language>/{train,dev,test} directory, or a hub id")],
    language: Annotated[list[str], typer.Option(help="tag or code, such as swh-Latn or sw")],
    split: Annotated[str, typer.Option(help="which split, also a part: test[:20%]")] = "test",
    task_option: Annotated[list[str] | None, typer.Option(help=TASK_OPTION_HELP)] = None,
    precision: Annotated[
        Precision, typer.Option(help="auto: bf16 if it changes no prediction of a sample")
    ] = Precision.FP32,
    by: Annotated[
        list[Grouping] | None, typer.Option(help="averages over groups of languages too")
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(min=8, help="tokens a sequence, at most; default: 512")
    ] = None,
    perturbation: Annotated[
        list[str] | None,
        typer.Option(help="task ner: score with other mentions too, such as in-language"),
    ] = None,
    seed: Annotated[int, typer.Option(help="of the intervals")] = 0,
    out: Annotated[Path | None, typer.Option(help="write the rows to this parquet file")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the rows as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Score a model with 95 % intervals; macro-average and worst language beside the mean."""
    from tinyglot import api
    from tinyglot.evaluation.score import write_rows
    from tinyglot.reports import group_rows, print_groups, print_scores

    quiet_libraries()
    rows = api.evaluate(
        model,
        task=task,
        data=data,
        languages=language,
        split=split,
        task_options=task_options(task_option),
        precision=precision.value,
        max_length=max_length,
        perturbations=perturbation or (),
        seed=seed,
        tell=tell,
    )
    if out is not None:
        write_rows(rows, out)
    if json and by:
        groups = [row for name in by for row in group_rows(rows, name)]
        print_json({"rows": rows.to_dicts(), "groups": groups})
    elif json:
        print_json(rows.to_dicts())
    else:
        print_scores(rows)
        print_groups(rows, by or ())
