"""Loading and saving of whole checkpoints: model, tokenizer, and what makes an embedder one."""

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
