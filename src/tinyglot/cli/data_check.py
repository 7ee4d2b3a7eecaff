"""`tinyglot data check`: what is in labelled data, and what is wrong with it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyglot.cli.output import print_json, quiet_libraries, tell

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PROBLEM = 1


class Kind(StrEnum):
    """Kinds of labelled data, and the tasks that they are for."""

    ner = "ner"
    pos = "pos"
    text = "text"
    pair = "pair"
    qa = "qa"
    parallel = "parallel"
    lines = "lines"
    nli = "nli"
    paraphrase = "paraphrase"
    topic = "topic"
    sentiment = "sentiment"
    retrieval = "retrieval"
    mlm = "mlm"


def check(
    data: Annotated[str, typer.Argument(help="<language>/{train,dev,test} directory, or a hub id")],
    task: Annotated[
        Kind | None,
        typer.Option(help="task, or kind of the data; by the files' endings if not given"),
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option(help="only this one, such as swh-Latn or sw")
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="checkpoint whose tokenizer counts unknown tokens")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="also write a page that needs no other")] = None,
    json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Count what is in each language and split; exit code 1 if a check finds a problem."""
    from tinyglot.data.checks.check import check_data
    from tinyglot.files import write_text
    from tinyglot.reports.data_check import print_check, render_check

    quiet_libraries()
    loaded = None if tokenizer is None else _load(tokenizer)
    found = check_data(data, task, language or (), loaded)
    if html is not None:
        write_text(html, render_check(found))
        tell(f"wrote {html}")
    if json:
        print_json(found.as_dict())
    else:
        print_check(found)
    if found.num_problems:
        raise typer.Exit(PROBLEM)


def _load(name: str) -> "PreTrainedTokenizerFast":
    """Load the tokenizer of a checkpoint, or of a directory that holds nothing else."""
    from tinyglot.checkpoints.locate import locate_checkpoint
    from tinyglot.tokenizers import load_tokenizer

    is_directory = Path(name).is_dir()
    return load_tokenizer(Path(name) if is_directory else locate_checkpoint(name))
