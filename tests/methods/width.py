"""Plans and results of width reduction on tiny models."""

from pathlib import Path

from tests.tiny import TINY_TEXT
from tinyglot.methods.contract import Context
from tinyglot.methods.width_reduction import METHOD, WidthReductionConfig


def write_dev_text(directory: Path) -> Context:
    """Write a dev portion, and give the context that names it."""
    (directory / "dev.txt").write_text("\n".join(TINY_TEXT[::2]) + "\n", encoding="utf-8")
    return Context(languages=("swh-Latn",), text={"swh-Latn": (directory,)})


def config_of(hidden_size, **options):
    return WidthReductionConfig(**{"hidden_size": hidden_size, "max_unk_rate": 1.0, **options})


def planned(pair, context, hidden_size, **options):
    return METHOD.plan(*pair, config_of(hidden_size, **options), context)


def reduced(pair, context, hidden_size, **options):
    plan = planned(pair, context, hidden_size, **options)
    return METHOD.apply(*pair, plan, context)[0]
