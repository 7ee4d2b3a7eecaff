"""`tinyglot finetune`: train a task head and the encoder on labelled data."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.arguments import TASK_OPTION_HELP, task_options
from tinyglot.cli.output import given, print_json, quiet_libraries, tell

EPILOG = (
    "Examples:\n\n"
    "tinyglot finetune runs/sw/final --task ner --data DIR --language sw --out runs/sw-ner\n\n"
    "tinyglot finetune bundled:multilingual-e5-small --task ner --data DIR --language sw "
    "--language yo --max-steps 200 --out runs/quick\n\n"
    "tinyglot finetune runs/sw/final --task topic --data DIR --language sw --tuning lora "
    "--out runs/sw-topic"
)


def register(app: typer.Typer) -> None:
    """Add the command.

    Args:
        app: The program.
    """
    app.command("finetune", epilog=EPILOG)(finetune)


def finetune(  # noqa: PLR0913  (one parameter an option)
    model: Annotated[str, typer.Argument(help="bundled:NAME, a checkpoint directory, or a hub id")],
    task: Annotated[str, typer.Option(help="task id, such as ner")],
    data: Annotated[str, typer.Option(help="<language>/{train,dev,test} directory, or a hub id")],
    out: Annotated[Path, typer.Option(help="run directory; the result is OUT/final")],
    language: Annotated[list[str], typer.Option(help="tag or code, such as swh-Latn or sw")],
    train_split: Annotated[str | None, typer.Option(help="also a part: dev[:80%]")] = None,
    split: Annotated[str, typer.Option(help="split to score")] = "test",
    evaluate_language: Annotated[
        list[str] | None, typer.Option(help="to score, instead of those trained on")
    ] = None,
    task_option: Annotated[list[str] | None, typer.Option(help=TASK_OPTION_HELP)] = None,
    tuning: Annotated[
        str | None, typer.Option(help="full, lora or bottleneck; the latter two freeze the encoder")
    ] = None,
    max_steps: Annotated[int | None, typer.Option(help="optimizer steps; overrides epochs")] = None,
    num_epochs: Annotated[float | None, typer.Option(help="passes over the data")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="peak learning rate")] = None,
    head_learning_rate: Annotated[float | None, typer.Option(help="peak of the head's own")] = None,
    batch_size: Annotated[int | None, typer.Option(help="sequences a step")] = None,
    batch_tokens: Annotated[int | None, typer.Option(help="tokens a step, instead")] = None,
    max_length: Annotated[int | None, typer.Option(help="tokens a sequence, at most")] = None,
    precision: Annotated[str | None, typer.Option(help="bf16 or fp32")] = None,
    max_train_sentences: Annotated[int | None, typer.Option(help="per language")] = None,
    num_train_sentences: Annotated[int | None, typer.Option(help="of all languages")] = None,
    sampling_temperature: Annotated[
        float | None, typer.Option(help="above 1 lifts small languages; inf: all alike")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="seed of every generator")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda …")] = None,
    revision: Annotated[str | None, typer.Option(help="commit of a hub id")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the scores as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Fine-tune on labelled data, and score every language."""
    from tinyglot import api
    from tinyglot.reports import print_scores

    quiet_libraries()
    run = api.finetune(
        model,
        task=task,
        data=data,
        out=out,
        tell=tell,
        languages=language,
        evaluate=given(split=split, languages=evaluate_language),
        **given(
            train_split=train_split,
            task_options=task_options(task_option) or None,
            tuning=tuning,
            max_steps=max_steps,
            num_epochs=num_epochs,
            learning_rate=learning_rate,
            head_learning_rate=head_learning_rate,
            batch_size=batch_size,
            batch_tokens=batch_tokens,
            max_length=max_length,
            precision=precision,
            max_train_sentences=max_train_sentences,
            num_train_sentences=num_train_sentences,
            sampling_temperature=sampling_temperature,
            seed=seed,
            device=device,
            revision=revision,
        ),
    )
    if json:
        print_json(run.rows().to_dicts())
    else:
        print_scores(run.rows())
        tell(f"wrote {run.final}")
