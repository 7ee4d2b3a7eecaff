"""`tinyglot data perturb`: swap entity mentions for others of the same type."""

from pathlib import Path
from typing import Annotated

import typer

from tinyglot.cli.output import print_json, quiet_libraries, tell
from tinyglot.data.perturbations import MentionReplacement, Mentions, PoolSource, Scope

USUAL = MentionReplacement()


def perturb(  # noqa: PLR0913  (one argument an option)
    data: Annotated[str, typer.Argument(help="<language>/{train,dev,test} directory, or a hub id")],
    language: Annotated[list[str], typer.Option(help="tag or code, such as swh-Latn or sw")],
    out: Annotated[Path, typer.Option(help="the new data directory")],
    scope: Annotated[Scope, typer.Option(help="languages of the pool")] = USUAL.scope,
    pool: Annotated[PoolSource, typer.Option(help="splits of the pool")] = USUAL.pool,
    share: Annotated[float, typer.Option(help="share of mentions replaced, 0 to 1")] = USUAL.share,
    seed: Annotated[int, typer.Option(help="seed of the choice")] = USUAL.seed,
    mentions: Annotated[
        Mentions, typer.Option(help="put in any, or those seen or unseen in training")
    ] = USUAL.mentions,
    train_split: Annotated[
        str, typer.Option(help="what was trained on, such as train[:2000]")
    ] = USUAL.train_split,
    length_matched: Annotated[
        bool, typer.Option("--length-matched", help="only mentions of as many words stand in")
    ] = USUAL.length_matched,
    split: Annotated[str, typer.Option(help="which split")] = "test",
    examples: Annotated[int, typer.Option(min=0, help="sentences shown per language")] = 0,
    json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,  # noqa: FBT002  (a flag)
) -> None:
    """Swap each mention for a random other one of its type; evaluate takes the result as --data."""
    from tinyglot.data.perturbations.directory import perturb as perturb_data
    from tinyglot.reports.perturbation import example_pairs, print_perturbed

    quiet_libraries()
    options = MentionReplacement(
        scope, pool, share, seed, mentions, train_split=train_split, length_matched=length_matched
    )
    made = perturb_data(data, language, options, out, split)
    tell(f"wrote {out}")
    if json:
        record = made.record.model_dump(mode="json")
        print_json({**record, "name": options.name, "examples": example_pairs(made, examples)})
    else:
        print_perturbed(made, examples)
