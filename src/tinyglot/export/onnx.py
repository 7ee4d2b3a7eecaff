"""Making an ONNX export that runs without PyTorch, and proving what it computes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.checkpoints.embedder import copy_embedder_files
from tinyglot.errors import TokenizerChangedError
from tinyglot.export.graph import OPSET, ready, require_onnx, trace
from tinyglot.export.int8 import SCHEME, quantize_graph_
from tinyglot.export.predictor import MODEL_FILE, onnx_predictor
from tinyglot.export.record import RECORD_FILE, ExportRecord, package_versions, write_record
from tinyglot.export.verify import (
    FLOAT_TOLERANCE,
    check_parity,
    compare,
    make_samples,
    sample_texts,
)
from tinyglot.files import refuse_occupied, replacing
from tinyglot.tokenizers import save_tokenizer

if TYPE_CHECKING:
    import onnx_ir

# protobuf ends at 2 GiB; larger weights go to a file of their own
_LARGEST_SINGLE_FILE = 3 * 2**29


def export_onnx(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    directory: Path,
    *,
    int8: bool = False,
    source: Path | None = None,
    texts: Mapping[str, Sequence[str]] | None = None,
) -> ExportRecord:
    """Write a model as ONNX with its tokenizer, after the file gave what the model gives.

    The graph takes ``input_ids`` and ``attention_mask`` of any batch and length, and gives
    ``logits`` or, for an encoder without head, ``last_hidden_state``. It is always traced and
    compared in float32 first; with ``int8`` its weights, embeddings included, are rounded then,
    and what that changes is stated in the record. Nothing appears at ``directory`` if the float
    graph differs from the model, and an earlier export there is replaced only by a good one.

    Args:
        model: An encoder, with or without a head; not changed.
        tokenizer: Its tokenizer.
        directory: Where the export goes: new, empty, or an earlier export.
        int8: Whether to round weights to 8 bits.
        source: The checkpoint it came from. If that is a sentence-transformers one and the model
            has no head, its pooling and prompts are copied too.
        texts: Sentences by language tag to compare on; default: ``sample_texts()``.

    Returns:
        The record, which is also in ``export.json``.

    Raises:
        MissingExtraError: If the packages for ONNX are not installed.
        RunDirectoryError: If the directory holds something else.
        ExportError: If the model cannot be traced.
        ParityError: If the export computes something else than the model.
        TokenizerChangedError: If the saved tokenizer segments something else.
        DiskFullError: If the disk is full.
    """
    require_onnx()
    check_target(directory)
    texts = texts or sample_texts()
    with replacing(directory) as temporary:
        temporary.mkdir()
        _write_tokenizer(tokenizer, temporary, texts)
        _write_config(model, temporary)
        if source is not None and model.base_model is model:
            copy_embedder_files(source, temporary)
        record = _write_graph(model, tokenizer, temporary, int8=int8, texts=texts)
        write_record(temporary, record)
    return record


def check_target(directory: Path) -> None:
    """Refuse a directory that an export would take something away from.

    Args:
        directory: Where an export shall go.

    Raises:
        RunDirectoryError: If it is a file, or holds anything that is no earlier export.
    """
    if not (directory / RECORD_FILE).is_file():
        refuse_occupied(directory, "export")


def _write_graph(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    directory: Path,
    *,
    int8: bool,
    texts: Mapping[str, Sequence[str]],
) -> ExportRecord:
    samples = make_samples(model, tokenizer, texts)
    pad = int(tokenizer.pad_token_id or 0)
    with ready(model) as source:
        traced = trace(source)
        # a graph that is only compared, not kept, needs not be packed into one file
        _save_graph(traced.graph, directory, one_file=not int8)
        exact = difference = compare(source, onnx_predictor(directory), samples, pad)
        check_parity(exact, FLOAT_TOLERANCE, "ONNX graph")
        if int8:
            quantize_graph_(traced.graph)
            _save_graph(traced.graph, directory)
            difference = compare(source, onnx_predictor(directory), samples, pad)
    return ExportRecord(
        format="onnx",
        int8=int8,
        scheme=SCHEME if int8 else "",
        exporter=traced.exporter,
        opset=traced.graph.opset_imports.get("", OPSET),
        output=traced.output_name,
        architecture=type(model).__name__,
        size_bytes=_size_bytes(directory),
        max_difference_float=exact.max_difference,
        versions=package_versions(),
        **vars(difference),
    )


def _save_graph(graph: "onnx_ir.Model", directory: Path, *, one_file: bool = True) -> None:
    import onnx_ir

    path = directory / MODEL_FILE
    for old in (path, _data_file(directory)):
        old.unlink(missing_ok=True)
    tensors = [value.const_value for value in graph.graph.initializers.values()]
    num_bytes = sum(tensor.nbytes for tensor in tensors if tensor is not None)
    one_file = one_file and num_bytes <= _LARGEST_SINGLE_FILE
    onnx_ir.save(graph, path, external_data=None if one_file else _data_file(directory).name)


def _data_file(directory: Path) -> Path:
    return directory / f"{MODEL_FILE}.data"


def _size_bytes(directory: Path) -> int:
    files = (directory / MODEL_FILE, _data_file(directory))
    return sum(path.stat().st_size for path in files if path.exists())


def _write_config(model: PreTrainedModel, directory: Path) -> None:
    config = type(model.config).from_dict(model.config.to_dict())
    config.architectures = [type(model).__name__]
    vars(config).pop("auto_map", None)  # of a slim model: there is no class in an export
    config.save_pretrained(directory)


def _write_tokenizer(
    tokenizer: PreTrainedTokenizerFast, directory: Path, texts: Mapping[str, Sequence[str]]
) -> None:
    save_tokenizer(tokenizer, directory)
    alone = Tokenizer.from_file(str(directory / "tokenizer.json"))
    for tag, sentences in texts.items():
        for sentence in sentences:
            expected = tokenizer(sentence)["input_ids"]
            if alone.encode(sentence).ids != expected:
                raise TokenizerChangedError(
                    "Could not export: tokenizer.json alone segments text differently.",
                    got=f"{tag}: {alone.encode(sentence).ids[:8]} …",
                    expected=f"{expected[:8]} …",
                    fix="report this with the tokenizer; nothing was written",
                )
