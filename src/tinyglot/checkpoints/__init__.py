"""Loading and saving of whole checkpoints: model, tokenizer, and what makes an embedder one."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyglot.checkpoints.bundled import BUNDLED, bundled_path
    from tinyglot.checkpoints.load import Checkpoint, load_checkpoint
    from tinyglot.checkpoints.save import save_checkpoint, verify_checkpoint

__all__ = [
    "BUNDLED",
    "Checkpoint",
    "bundled_path",
    "load_checkpoint",
    "save_checkpoint",
    "verify_checkpoint",
]

# These import PyTorch, which weighing a checkpoint or running an export does not need.
_HOMES = {
    **dict.fromkeys(("BUNDLED", "bundled_path"), "bundled"),
    **dict.fromkeys(("Checkpoint", "load_checkpoint"), "load"),
    **dict.fromkeys(("save_checkpoint", "verify_checkpoint"), "save"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  (any of the names above)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
