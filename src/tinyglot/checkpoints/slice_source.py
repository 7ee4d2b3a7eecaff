"""The checkpoint that slices are cut from: its model without weights, and whether all fits."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel

from tinyglot.architectures import check_family, view
from tinyglot.architectures.slim import PREFIX
from tinyglot.checkpoints.elastic import ELASTIC_FILE, Elastic
from tinyglot.checkpoints.locate import read_config
from tinyglot.checkpoints.own_code import model_class
from tinyglot.checkpoints.save import is_bare_encoder
from tinyglot.checkpoints.tensor_file import Layout, Stored
from tinyglot.checkpoints.weight_sample import digest_of_files
from tinyglot.errors import (
    CheckpointTensorsError,
    ElasticCheckpointError,
    UnsupportedArchitectureError,
)
from tinyglot.surgery import Cut


def without_weights(source: Path, stored: Mapping[str, Stored]) -> PreTrainedModel:
    """Build the model of a checkpoint without reading its weights, and without code of its own.

    Args:
        source: The checkpoint.
        stored: The tensors in its files, by name.

    Returns:
        A model on the meta device; without pooler if none is stored.

    Raises:
        UnsafeCheckpointError: If it wants to run code of its own.
        UnsupportedArchitectureError: If its class is not supported.
        CheckpointTensorsError: If a tensor is stored in another shape.
    """
    given = read_config(source)  # refuses code of its own, before transformers reads anything
    check_family(str(given.get("model_type")))
    name = str((given.get("architectures") or [""])[0])
    if name.startswith(PREFIX):
        raise UnsupportedArchitectureError(
            "Could not slice the checkpoint: its layers differ.",
            got=f"class {name}",
            expected="a class of transformers, as dynamic_sparsification trains them",
            fix="give the directory `final` of a run of dynamic_sparsification",
        )
    config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    chosen = model_class(given)
    with torch.device("meta"):
        model: PreTrainedModel = (
            AutoModel.from_config(config, trust_remote_code=False)
            if chosen is AutoModel
            else chosen(config)
        )
    prefix = "" if is_bare_encoder(model) else model.base_model_prefix + "."
    if hasattr(model.base_model, "pooler") and f"{prefix}pooler.dense.weight" not in stored:
        setattr(model.base_model, "pooler", None)  # noqa: B010  (typed as a module)
    _check_shapes(source, model, stored)
    return model


def _check_shapes(source: Path, model: PreTrainedModel, stored: Mapping[str, Stored]) -> None:
    for name, tensor in view(model).named_tensors().items():
        if name in stored and stored[name].shape != tuple(tensor.shape):
            raise CheckpointTensorsError(
                "Could not slice the checkpoint: a tensor does not fit its config.json.",
                got=f"{name} of shape {stored[name].shape}",
                expected=f"{tuple(tensor.shape)}, as {source / 'config.json'} says",
                fix="copy the checkpoint again",
            )


def check_sidecar(source: Path, elastic: Elastic, whole: PreTrainedModel) -> None:
    """Refuse a sidecar of another model: its sizes were not trained in this one.

    Args:
        source: The checkpoint.
        elastic: Its sidecar.
        whole: Its model; values are not looked at.

    Raises:
        ElasticCheckpointError: If sizes or token ids are not those of the model.
    """
    encoder = view(whole)
    said = {axis: sizes[0] for axis, sizes in elastic.sizes().items()}
    said["head_dim"] = elastic.head_dim
    has = {"layers": len(encoder.layers), "heads": max(encoder.num_heads)}
    has |= {"ffn": max(encoder.ffn_sizes), "head_dim": encoder.head_dim}
    wrong = [f"{key}: {size}, the model has {has[key]}" for key, size in said.items()]
    wrong = [line for line, key in zip(wrong, said, strict=True) if said[key] != has[key]]
    for language, rows in elastic.vocabulary.items():
        highest = max(rows.token_ids, default=-1)
        if highest >= encoder.num_token_ids:
            wrong.append(f"token id {highest} of {language}, the model has {encoder.num_token_ids}")
    if wrong:
        raise ElasticCheckpointError(
            f"Could not slice the checkpoint: its {ELASTIC_FILE} is another model's.",
            got="; ".join(wrong),
            expected=f"the sizes of {source / 'config.json'} as the largest ones",
            fix="copy the checkpoint again, all files of it",
        )


def check_weights(
    source: Path, elastic: Elastic, whole: PreTrainedModel, files: Mapping[Path, Layout]
) -> None:
    """Refuse weights that were changed after the training: the smaller sizes changed unseen.

    Args:
        source: The checkpoint.
        elastic: Its sidecar; one that does not say the weights is believed.
        whole: Its model; values are not looked at.
        files: The weight files.

    Raises:
        ElasticCheckpointError: If a sample of the values is not that of the trained ones.
    """
    if elastic.weights_sha256 is None:
        return
    found = digest_of_files(files, whole)
    if found != elastic.weights_sha256:
        raise ElasticCheckpointError(
            f"Could not slice the checkpoint: its {ELASTIC_FILE} was written for other weights.",
            got=f"{', '.join(path.name for path in files)}, a sample with sha256 {found[:12]}",
            expected=f"sha256 {elastic.weights_sha256[:12]}, the weights of the elastic training; "
            "fine-tuned, pruned or cast ones compute smaller sizes that nobody trained",
            fix=f"copy {source.name} again, all files of it, or train anew",
        )


def check_complete(
    source: Path, part: PreTrainedModel, cuts: Mapping[str, Cut], stored: Mapping[str, Stored]
) -> None:
    """Refuse files that lack a tensor: every parameter must be there under one of its names.

    Args:
        source: The checkpoint.
        part: What is cut out of its model.
        cuts: Where each tensor of it comes from.
        stored: The tensors in the files, by name.

    Raises:
        CheckpointTensorsError: If one is not there.
    """
    found = {
        id(tensor)
        for name, tensor in part.named_parameters(remove_duplicate=False)
        if cuts[name].name in stored
    }
    missing = [name for name, tensor in part.named_parameters() if id(tensor) not in found]
    if missing:
        raise CheckpointTensorsError(
            f"Could not slice the checkpoint: {len(missing)} tensor(s) are not in its files.",
            got=f"no {cuts[missing[0]].name}",
            expected=f"every tensor that {source / 'config.json'} describes",
            fix="copy the checkpoint again",
        )


def describe_source(source: Path, layouts: Iterable[Layout]) -> dict[str, Any]:
    """Say which checkpoint a slice is from, without reading its weights.

    Args:
        source: The checkpoint.
        layouts: Headers of its weight files.

    Returns:
        Its name, and a digest of its configuration, sidecar and headers.
    """
    digest = sha256()
    for name in ("config.json", ELASTIC_FILE):
        digest.update((source / name).read_bytes())
    for layout in layouts:
        digest.update(layout.opening)
    return {"name": source.resolve().name, "sha256_without_values": digest.hexdigest()}
