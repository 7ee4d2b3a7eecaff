"""Small checkpoints with many zeros, and their bits."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import PreTrainedModel

from tests.tiny import tiny_model, tiny_tokenizer


def zero_smallest_(model: PreTrainedModel, sparsity: float) -> None:
    """Set this share of each tensor's values to 0.0, those of least magnitude."""
    with torch.no_grad():
        for parameter in model.parameters():
            order = parameter.abs().flatten().argsort()
            parameter.view(-1)[order[: int(sparsity * parameter.numel())]] = 0.0


def sparse_checkpoint(
    directory: Path, sparsity: float = 0.9, vocab_size: int = 4000, head="encoder", **options
) -> Path:
    """Save a tiny BERT with zeros, biases and norms too, and a tokenizer."""
    model = tiny_model("bert", head, vocab_size=vocab_size)
    zero_smallest_(model, sparsity)
    model.to(options.pop("dtype", torch.float32)).save_pretrained(directory, **options)
    tiny_tokenizer("wordpiece").save_pretrained(directory)
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    """Every file of a directory, by its path in there."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def tensors_only(directory, tensors, **metadata):
    """Save some tensors, and a matrix of zeros so that there is something to gain."""
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text('{"vocab_size": 7}')
    save_file(
        {**tensors, "zeros": torch.zeros(64, 64)}, directory / "model.safetensors", **metadata
    )
    return directory
