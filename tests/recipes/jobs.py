"""A whole job on a tiny model: checkpoint, text, labelled data, recipe; ready in a second."""

import copy
from pathlib import Path

from tests.methods.labelled import write_split
from tests.tiny import tiny_checkpoint
from tests.tiny_text import TINY_TEXT

STEPS = (
    {"method": "vocabulary_trimming", "held_out_share": 0.0},
    {"method": "fine_tuning", "num_epochs": 2, "batch_size": 8, "save_steps": 2},
    {"method": "layer_dropping", "num_layers": 1},
    {"method": "fine_tuning", "max_steps": 5, "batch_size": 8, "save_steps": 2},
)


def write_inputs(directory: Path) -> Path:
    """Write ``model/``, ``sw.txt`` and ``data/`` with 24 training sentences of Swahili."""
    tiny_checkpoint(directory / "model")
    (directory / "sw.txt").write_text("\n".join(TINY_TEXT[:6]) + "\n", encoding="utf-8")
    for split, count in (("train", 24), ("dev", 4), ("test", 6)):
        write_split(directory / "data" / "swh-Latn" / f"{split}.conll", "swh-Latn", count)
    return directory


def recipe(inputs: Path, *, steps=STEPS, **settings) -> dict:
    """A recipe of these steps over what ``write_inputs`` wrote, as the YAML would hold it."""
    return {
        "model": str(inputs / "model"),
        "languages": ["swh-Latn"],
        "text": {"swh-Latn": [str(inputs / "sw.txt")]},
        "task": "ner",
        "data": str(inputs / "data"),
        "steps": copy.deepcopy(list(steps)),
        **settings,
    }


def tree(directory: Path, leave_out: tuple[str, ...] = (".lock", "timing.json")) -> dict:
    """The bytes of every file, by its path in the directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name not in leave_out
    }
