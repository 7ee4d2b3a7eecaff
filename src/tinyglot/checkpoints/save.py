"""Saving whole checkpoints in one step, checked by loading them again."""

from pathlib import Path
from shutil import copytree

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.checkpoints.embedder import copy_embedder_files
from tinyglot.checkpoints.load import load_model
from tinyglot.checkpoints.locate import read_config
from tinyglot.errors import ParityError
from tinyglot.files import replacing
from tinyglot.tokenizers import save_tokenizer, verify_tokenizer


def save_checkpoint(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    directory: Path,
    *,
    source: Path | None = None,
    beside: Path | None = None,
) -> None:
    """Write model, tokenizer and embedder files in one step, after a reload gave the same.

    Nothing appears at ``directory`` unless the saved files, loaded again, tokenise and compute
    exactly what the values in memory do.

    Args:
        model: Any supported model.
        tokenizer: Its tokenizer.
        directory: Where the checkpoint goes; replaced if it is there.
        source: The checkpoint it was made from. A bare encoder made from a
            sentence-transformers directory stays one.
        beside: A directory whose files go into the checkpoint, if it is there.

    Raises:
        ParityError: If the reloaded model computes something else.
        TokenizerChangedError: If the reloaded tokenizer segments something else.
        UnsafeCheckpointError: If a module of the embedder has only pickled weights.
        DiskFullError: If the disk is full.
    """
    with replacing(directory) as temporary:
        model.save_pretrained(temporary)
        save_tokenizer(tokenizer, temporary)
        if source is not None and is_bare_encoder(model):
            copy_embedder_files(source, temporary)
        if beside is not None and beside.is_dir():
            copytree(beside, temporary, dirs_exist_ok=True)
        verify_checkpoint(temporary, model, tokenizer)


def verify_checkpoint(
    directory: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    """Load a checkpoint and compare it, bit for bit, with the values it was saved from.

    Args:
        directory: The checkpoint.
        model: What its weights were saved from.
        tokenizer: What its tokenizer was saved from.

    Raises:
        ParityError: If any output differs at all.
        TokenizerChangedError: If any text is segmented differently.
    """
    reloaded, _ = load_model(directory, read_config(directory))
    probe = probe_inputs(model)
    difference = (probe_outputs(reloaded, probe) - probe_outputs(model, probe)).abs().max().item()
    if difference != 0.0:
        first_ids = probe["input_ids"][0, :4].tolist()
        raise ParityError(
            "Could not save the model: loaded again, it computes something else.",
            got=f"max difference {difference:g} over token ids {first_ids} …",
            expected="exactly 0",
            fix="report this with the model's config.json; nothing was written",
        )
    verify_tokenizer(directory, tokenizer, ())


def probe_inputs(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Make two short sequences of random token ids, the second padded.

    Args:
        model: Gives the vocabulary size and the pad id.

    Returns:
        ``input_ids`` and ``attention_mask``, each of shape (2, 24).

    Randomness:
        A generator of its own, always the same.
    """
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(model.config.vocab_size, (2, 24), generator=generator)
    pad = model.config.pad_token_id or 0
    mask = torch.ones_like(ids)
    mask[1, 17:] = 0
    # a pad id in the middle of a sequence is no real input
    ids[ids == pad] = (pad + 1) % model.config.vocab_size
    return {"input_ids": ids.masked_fill(mask == 0, pad), "attention_mask": mask}


@torch.no_grad()
def probe_outputs(model: PreTrainedModel, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Compute the first output on the unpadded positions.

    Args:
        model: Any supported model; put into evaluation mode for the call.
        inputs: From ``probe_inputs``.

    Returns:
        Hidden states or logits, the padded positions left out where there is one row a token.
    """
    was_training = model.training
    output: torch.Tensor = model.eval()(**inputs)[0]
    model.train(was_training)
    return output[inputs["attention_mask"].bool()] if output.dim() == 3 else output


def is_bare_encoder(model: PreTrainedModel) -> bool:
    """Tell whether a model has no head (then its base model is the model itself).

    Args:
        model: Any model of transformers.

    Returns:
        Whether there is no head.
    """
    return model.base_model is model
