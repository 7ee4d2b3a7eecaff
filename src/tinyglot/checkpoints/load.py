"""From a name to a model and its tokenizer, with every tensor accounted for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import check_family, view
from tinyglot.architectures.slim import PREFIX
from tinyglot.checkpoints.locate import locate_checkpoint, read_config
from tinyglot.checkpoints.own_code import model_class
from tinyglot.checkpoints.tensor_file import weight_files
from tinyglot.errors import CheckpointTensorsError
from tinyglot.tokenizers import load_tokenizer


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model with what belongs to it.

    Attributes:
        model: In float32, in evaluation mode.
        tokenizer: Its fast tokenizer.
        source: The directory it came from.
        notes: What was left out while loading, a line each.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    source: Path
    notes: tuple[str, ...] = ()


def load_checkpoint(name: str, *, revision: str | None = None) -> Checkpoint:
    """Load a checkpoint with the class it was saved with; refuse one with tensors amiss.

    Args:
        name: ``bundled:NAME``, a local directory, or a hub id.
        revision: Commit of a hub id.

    Returns:
        Model, tokenizer, and where they came from.

    Raises:
        ModelNotFoundError: If there is no such checkpoint.
        UnsafeCheckpointError: If its weights are only pickled.
        UnsupportedArchitectureError: If the family is not supported.
        CheckpointTensorsError: If tensors are missing, extra or of another shape, or a file is
            damaged.
    """
    directory = locate_checkpoint(name, revision)
    config = read_config(directory)
    check_family(str(config.get("model_type")))
    model, notes = load_model(directory, config)
    return Checkpoint(model, load_tokenizer(directory), directory, notes)


def load_model(directory: Path, config: dict[str, Any]) -> tuple[PreTrainedModel, tuple[str, ...]]:
    """Load the weights with the class that ``config`` names, and account for every tensor.

    Args:
        directory: The checkpoint directory.
        config: Its ``config.json``.

    Returns:
        The model, and a line for each group of tensors that no class of the family uses.

    Raises:
        CheckpointTensorsError: If tensors are missing, extra or of another shape.
    """
    names = tensor_names(directory)
    options = {} if _has_pooler(names) else _without_pooler(config)
    with _quiet_load_report():
        model, info = model_class(config).from_pretrained(
            directory,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **options,
        )
    unused = _check_tensors(directory, info, view(model).ignorable_tensors)
    notes = (f"left out, unused: {', '.join(unused)}",) if unused else ()
    return model.eval(), notes


def tensor_names(directory: Path) -> frozenset[str]:
    """List the tensors of a checkpoint without reading them.

    Args:
        directory: A directory with ``*.safetensors``.

    Returns:
        All names, over all shards.

    Raises:
        CheckpointTensorsError: If a file is damaged, such as one copied only in part, or two hold
            the same tensor.
    """
    return frozenset(
        tensor.name for layout in weight_files(directory).values() for tensor in layout.tensors
    )


def _has_pooler(names: Iterable[str]) -> bool:
    return any(re.search(r"(^|\.)pooler\.", name) for name in names)


def _without_pooler(config: dict[str, Any]) -> dict[str, Any]:
    # Without this, a checkpoint that has no pooler silently gets a random one.
    name = str((config.get("architectures") or [""])[0])
    takes_pooler = name.removeprefix(PREFIX) in ("BertModel", "RobertaModel", "XLMRobertaModel")
    return {"add_pooling_layer": False} if takes_pooler else {}


class _quiet_load_report:  # noqa: N801  (used as a function)
    """Silence the load report of transformers: the same facts become an error here."""

    def __enter__(self) -> None:
        self._before = transformers.utils.logging.get_verbosity()
        transformers.utils.logging.set_verbosity_error()

    def __exit__(self, *_: object) -> None:
        transformers.utils.logging.set_verbosity(self._before)


def _check_tensors(directory: Path, info: dict[str, Any], ignorable: Iterable[str]) -> list[str]:
    patterns = [re.compile(pattern) for pattern in ignorable]
    extra = sorted(info["unexpected_keys"])
    unused = [name for name in extra if any(pattern.search(name) for pattern in patterns)]
    problems = [f"extra: {name}" for name in extra if name not in unused]
    problems += [f"missing: {name}" for name in sorted(info["missing_keys"])]
    problems += [f"other shape: {item[0]}" for item in sorted(info["mismatched_keys"])]
    if problems:
        shown = "\n".join(problems[:8])
        raise CheckpointTensorsError(
            f"Could not load the model: {len(problems)} tensor(s) do not fit its config.json.",
            got=shown + ("\n…" if len(problems) > 8 else ""),
            expected=f"exactly the tensors that {directory / 'config.json'} describes",
            fix="save the model again with save_pretrained, or correct config.json "
            "(architectures, sizes)",
        )
    return unused
