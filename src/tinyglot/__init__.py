"""Make multilingual encoders small for the languages you need, and prove what the cut cost."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyglot.api import (
        compare,
        compress,
        evaluate,
        expand,
        export,
        finetune,
        measure,
        push,
    )
    from tinyglot.checkpoints import Checkpoint, bundled_path, load_checkpoint, save_checkpoint
    from tinyglot.checkpoints.slicing import slice_elastic
    from tinyglot.labeller import Labeller
    from tinyglot.recipes import Recipe, Run, read_recipe, run_recipe

__version__ = "0.1.0"

__all__ = [
    "Checkpoint",
    "Labeller",
    "Recipe",
    "Run",
    "bundled_path",
    "compare",
    "compress",
    "evaluate",
    "expand",
    "export",
    "finetune",
    "load_checkpoint",
    "measure",
    "push",
    "read_recipe",
    "run_recipe",
    "save_checkpoint",
    "slice_elastic",
]

# PyTorch and transformers take seconds to import; a name is fetched when it is first used.
_HOMES = {
    **dict.fromkeys(
        ("compare", "compress", "evaluate", "expand", "export", "finetune", "measure", "push"),
        "tinyglot.api",
    ),
    "Labeller": "tinyglot.labeller",
    "slice_elastic": "tinyglot.checkpoints.slicing",
    **dict.fromkeys(
        ("Checkpoint", "bundled_path", "load_checkpoint", "save_checkpoint"),
        "tinyglot.checkpoints",
    ),
    **dict.fromkeys(("Recipe", "Run", "read_recipe", "run_recipe"), "tinyglot.recipes"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (any public name)
    if name not in _HOMES:
        raise AttributeError(f"module 'tinyglot' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
