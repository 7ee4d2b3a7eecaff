"""Cutting a smaller model out of an elastic checkpoint, reading only the bytes it needs."""

import gc
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel

from tinyglot.architectures import view
from tinyglot.checkpoints.elastic import Elastic
from tinyglot.checkpoints.embedder import (
    copy_embedder_files,
    module_directories,
    modules_of_fixed_width,
)
from tinyglot.checkpoints.load import load_model
from tinyglot.checkpoints.locate import locate_checkpoint, read_config
from tinyglot.checkpoints.save import is_bare_encoder
from tinyglot.checkpoints.slice_card import CARD_FILE, slice_card
from tinyglot.checkpoints.slice_sizes import Request, Scale, choose_shape, parse_quantity
from tinyglot.checkpoints.slice_source import (
    check_complete,
    check_sidecar,
    check_weights,
    describe_source,
    without_weights,
)
from tinyglot.checkpoints.tensor_file import WEIGHTS_FILE, Layout, Stored, weight_files
from tinyglot.errors import SizeNotTrainedError
from tinyglot.files import read_json, refuse_occupied, replacing, write_json, write_text
from tinyglot.languages import resolve_language
from tinyglot.surgery import (
    Cut,
    SubnetworkShape,
    count_parameters,
    cut_to,
    cuts_of,
    gather_vocabulary,
)
from tinyglot.tokenizers import ParsedTokenizer, load_tokenizer, save_tokenizer, verify_tokenizer

_RECORD = "slice.json"
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}


@dataclass(frozen=True)
class Slice:
    """What was cut out.

    Attributes:
        layers: Layers of the elastic checkpoint that are in it.
        heads: A layer.
        ffn: Neurons a layer.
        hidden_size: Channels.
        vocabulary_size: Rows of the embedding.
        num_parameters: Values in distinct parameters.
        num_embedding_parameters: Of these, in the embedding.
        size_bytes: Of the weight file.
    """

    layers: tuple[int, ...]
    heads: int
    ffn: int
    hidden_size: int
    vocabulary_size: int
    num_parameters: int
    num_embedding_parameters: int
    size_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Give the numbers as JSON values.

        Returns:
            One entry a field.
        """
        return {**vars(self), "layers": list(self.layers)}

    def summary(self) -> str:
        """Say the sizes in one line.

        Returns:
            Such as ``6 layers, 8 heads, 768 neurons, …``.
        """
        return (
            f"{len(self.layers)} layers, {self.heads} heads, hidden size {self.hidden_size}, "
            f"{self.ffn} neurons, {self.vocabulary_size:,} tokens: "
            f"{self.num_parameters:,} parameters, {self.size_bytes / 2**20:.1f} MiB"
        )


def slice_elastic(  # noqa: PLR0913  (each is an option of the command)
    elastic: str | Path,
    *,
    out: str | Path,
    layers: int | None = None,
    heads: int | None = None,
    ffn: int | None = None,
    language: str | None = None,
    vocabulary_size: int | None = None,
    max_parameters: int | str | None = None,
    max_bytes: int | str | None = None,
    revision: str | None = None,
) -> Slice:
    """Cut a smaller model out of an elastic checkpoint: an ordinary one, for plain AutoModel.

    What is not given is the largest trained size; with a limit, the one within it that has the
    most parameters outside the embedding.

    Args:
        elastic: The checkpoint that ``dynamic_sparsification`` trained: a directory or a hub id.
        out: Directory for the slice, new or empty.
        layers: How many.
        heads: A layer; the hidden size follows.
        ffn: Neurons a layer.
        language: Keep only the rows of this language; a tag or a code.
        vocabulary_size: Keep at most so many of these, the most frequent.
        max_parameters: Such as ``12M``.
        max_bytes: Of the weight file, such as ``8MB``.
        revision: Commit of a hub id; ignored elsewhere.

    Returns:
        What was cut out.

    Raises:
        TinyglotError: For every bad input; nothing is written then.
    """
    sizes = {"layers": layers, "heads": heads, "ffn": ffn}
    request = Request(
        {axis: size for axis, size in sizes.items() if size is not None},
        None if language is None else resolve_language(language),
        vocabulary_size,
        None if max_parameters is None else parse_quantity(str(max_parameters)),
        None if max_bytes is None else parse_quantity(str(max_bytes)),
    )
    source = Path(elastic)
    if not source.exists():
        source = locate_checkpoint(str(elastic), revision)
    return slice_checkpoint(source, Path(out), request)


def slice_checkpoint(source: Path, directory: Path, request: Request) -> Slice:
    """Cut a model out of an elastic checkpoint; it is an ordinary checkpoint of its own.

    It computes bit for bit what the sub-network computed that was trained, on text whose tokens
    are kept. Nothing appears at ``directory`` before it was loaded again with every tensor in
    its place.

    Args:
        source: A checkpoint with ``elastic.json``.
        directory: Where the slice goes: new or empty.
        request: Sizes, language and limits.

    Returns:
        What was cut out.

    Raises:
        ElasticCheckpointError: If the checkpoint is not elastic, or its sidecar another model's.
        SizeNotTrainedError: If there is no such size or language, or nothing fits.
        NoEffectError: If nothing is asked for.
        CheckpointTensorsError: If a file is damaged, lacks a tensor, or two hold the same.
        UnsafeCheckpointError: If the checkpoint wants to run code of its own.
        UnsupportedArchitectureError: If its class is not supported.
        RunDirectoryError: If the directory holds something.
        DiskFullError: If the disk is full.

    Cost:
        Reads the bytes of the slice and, with a language, the tokenizer.
    """
    with _without_garbage_collection():
        return _sliced(source, directory, request)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Do not look for cycles: a tokenizer of 250,000 tokens makes objects by the million."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _sliced(source: Path, directory: Path, request: Request) -> Slice:
    elastic = Elastic.read(source)
    request = _of_one_width(source, elastic, request)
    request.check(elastic)
    rows = elastic.rows(request.language, request.vocabulary_size) if request.language else None
    refuse_occupied(directory, "slice the checkpoint")
    files = weight_files(source)
    stored = {tensor.name: tensor for layout in files.values() for tensor in layout.tensors}
    whole = without_weights(source, stored)
    check_sidecar(source, elastic, whole)
    num_rows = view(whole).num_token_ids if rows is None else len(rows)
    scale = Scale(view(whole), {n: t.item_size for n, t in stored.items()}, num_rows)
    shape = choose_shape(elastic, request, scale)
    part = cut_to(whole, shape)
    cuts = cuts_of(view(whole), view(part), shape.layers)
    check_complete(source, part, cuts, stored)
    check_weights(source, elastic, whole, files)
    if rows is not None:
        part = gather_vocabulary(part, torch.tensor(rows))
    with replacing(directory) as temporary:
        temporary.mkdir()
        weights = _read(files, {n: c for n, c in cuts.items() if c.name in stored}, part, rows)
        save_file(weights, temporary / WEIGHTS_FILE, {"format": "pt"})
        made = _describe(part, shape, (temporary / WEIGHTS_FILE).stat().st_size)
        _write_rest(source, temporary, part, rows)
        card = slice_card(source, made.summary(), type(part).__name__, request.language)
        write_text(temporary / CARD_FILE, card)
        about = {"language": request.language, "source": describe_source(source, files.values())}
        versions = {name: version(name) for name in ("tinyglot", "transformers", "torch")}
        write_json(temporary / _RECORD, made.as_dict() | about | {"versions": versions})
        load_model(temporary, read_config(temporary))
    return made


def _of_one_width(source: Path, elastic: Elastic, request: Request) -> Request:
    """Keep the hidden size if the embedder has a module, such as Dense, that takes no other."""
    fixed = modules_of_fixed_width(source)
    heads = request.sizes.get("heads", elastic.heads[0])
    if not fixed or len(elastic.heads) == 1:
        return request
    if heads != elastic.heads[0]:
        raise SizeNotTrainedError(
            "Could not slice the checkpoint: a module of the embedder takes one hidden size only.",
            got=f"--heads {heads}, and {', '.join(fixed)} in modules.json",
            expected=f"all {elastic.heads[0]} heads, and with them the whole hidden size",
            fix="choose --layers and --ffn instead",
        )
    sizes = {**request.sizes, "heads": heads} if request.has_wish else request.sizes
    return replace(request, sizes=sizes)


def _describe(part: PreTrainedModel, shape: SubnetworkShape, size_bytes: int) -> Slice:
    encoder = view(part)
    return Slice(
        shape.layers,
        shape.num_heads,
        shape.ffn_size,
        encoder.hidden_size,
        encoder.num_token_ids,
        *count_parameters(part),
        size_bytes,
    )


# --- weights -------------------------------------------------------------------------------------


def _read(
    files: dict[Path, Layout],
    cuts: dict[str, Cut],
    part: PreTrainedModel,
    rows: tuple[int, ...] | None,
) -> dict[str, Tensor]:
    """Read the part of each tensor that the slice has."""
    vocabulary = {name for name, _ in view(part).vocabulary_tensors()} if rows else set()
    places = {t.name: (path, t) for path, layout in files.items() for t in layout.tensors}
    read: dict[str, Tensor] = {}
    with ExitStack() as stack:
        opened = {path: stack.enter_context(safe_open(path, framework="pt")) for path in files}
        for name, cut in cuts.items():
            path, tensor = places[cut.name]
            if name in vocabulary:
                read[name] = _read_rows(path, files[path], tensor, cut, rows or ())
            else:
                read[name] = _read_part(opened[path], tensor, cut)
    return read


def _read_part(file: Any, tensor: Stored, cut: Cut) -> Tensor:  # noqa: ANN401  (safe_open has no type)
    if not cut.narrowings:
        whole: Tensor = file.get_tensor(tensor.name)
        return whole
    dim, blocks, _ = max(cut.narrowings, key=lambda narrowing: narrowing[1])
    step = tensor.shape[dim] // blocks
    part = file.get_slice(tensor.name)
    pieces = []
    for block in range(blocks):
        index = [slice(None)] * len(tensor.shape)
        for at, _, size in cut.narrowings:
            start = block * step if at == dim else 0
            index[at] = slice(start, start + size)
        pieces.append(part[tuple(index)])
    return torch.cat(pieces, dim) if len(pieces) > 1 else pieces[0].contiguous()


def _read_rows(
    path: Path, layout: Layout, tensor: Stored, cut: Cut, rows: tuple[int, ...]
) -> Tensor:
    """Gather rows from the mapped file; pages of other rows are not read."""
    mapped = np.memmap(
        path, np.dtype(tensor.word_type), "r", layout.data_start + tensor.start, tensor.shape
    )
    index: list[Any] = [np.asarray(rows)] + [slice(None)] * (len(tensor.shape) - 1)
    for dim, _, size in cut.narrowings:
        index[dim] = slice(0, size)
    return torch.from_numpy(np.ascontiguousarray(mapped[tuple(index)])).view(_DTYPES[tensor.dtype])


# --- the rest ------------------------------------------------------------------------------------


def _write_rest(
    source: Path, directory: Path, part: PreTrainedModel, rows: tuple[int, ...] | None
) -> None:
    vars(part.config).pop("auto_map", None)  # the slice is of an ordinary class
    part.config.save_pretrained(directory)
    if rows is None:
        for name in _TOKENIZER_FILES:
            if (source / name).is_file():
                shutil.copyfile(source / name, directory / name)
    else:
        tokenizer = ParsedTokenizer(load_tokenizer(source)).trim(rows)
        save_tokenizer(tokenizer, directory)
        verify_tokenizer(directory, tokenizer, ())
    if is_bare_encoder(part):
        copy_embedder_files(source, directory)
        _resize_pooling(directory, view(part).hidden_size)


def _resize_pooling(directory: Path, hidden_size: int) -> None:
    """Tell the pooling of a sentence embedder how wide the hidden states are."""
    for module in module_directories(directory):
        path = directory / module / "config.json"
        settings = read_json(path) if path.is_file() else {}
        if "word_embedding_dimension" in settings:
            write_json(path, settings | {"word_embedding_dimension": hidden_size})
