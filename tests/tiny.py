"""Small random models of every family and trained tokenizers of every algorithm; no download."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from tests.tiny_text import TINY_TEXT

__all__ = [
    "FAMILIES",
    "HEADS",
    "KINDS",
    "TINY_LABELS",
    "TINY_TEXT",
    "tiny_checkpoint",
    "tiny_inputs",
    "tiny_model",
    "tiny_pair",
    "tiny_tokenizer",
]

Family = Literal["bert", "xlm_roberta", "roberta", "distilbert", "modernbert", "deberta_v2"]
Kind = Literal["wordpiece", "bpe", "bpe_byte_fallback", "unigram"]
Head = Literal[
    "encoder",
    "masked_lm",
    "token_classification",
    "sequence_classification",
    "question_answering",
]

FAMILIES: tuple[Family, ...] = (
    "bert",
    "xlm_roberta",
    "roberta",
    "distilbert",
    "modernbert",
    "deberta_v2",
)
KINDS: tuple[Kind, ...] = ("wordpiece", "bpe", "bpe_byte_fallback", "unigram")
HEADS: tuple[Head, ...] = (
    "encoder",
    "masked_lm",
    "token_classification",
    "sequence_classification",
)

TINY_LABELS: dict[Head, tuple[str, ...]] = {
    "token_classification": ("O", "B-LOC", "B-PER", "I-LOC", "I-PER"),
    "sequence_classification": ("negative", "neutral", "positive"),
    "question_answering": ("start", "end"),
}


class SpecialIds(NamedTuple):
    """Special token ids as a configuration stores them."""

    pad: int
    start: int
    end: int
    mask: int


# Where each family's original vocabulary has them; tests that give a tokenizer use its own.
FAMILY_SPECIAL_IDS: dict[Family, SpecialIds] = {
    "bert": SpecialIds(pad=0, start=2, end=3, mask=4),
    "distilbert": SpecialIds(pad=0, start=2, end=3, mask=4),
    "xlm_roberta": SpecialIds(pad=1, start=0, end=2, mask=4),
    "roberta": SpecialIds(pad=1, start=0, end=2, mask=4),
    "modernbert": SpecialIds(pad=0, start=2, end=1, mask=4),
    "deberta_v2": SpecialIds(pad=0, start=1, end=2, mask=4),
}

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 128,
}
DISTILBERT_SIZES = {
    "dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "hidden_dim": 48,
    "max_position_embeddings": 128,
    "sinusoidal_pos_embds": False,
}
FAMILY_FIELDS: dict[Family, dict[str, object]] = {
    "bert": {**SIZES, "type_vocab_size": 2},
    "xlm_roberta": {**SIZES, "type_vocab_size": 1, "max_position_embeddings": 130},
    "roberta": {**SIZES, "type_vocab_size": 1, "max_position_embeddings": 130},
    "distilbert": DISTILBERT_SIZES,
    # three layers: one of full attention, two of a sliding window of 8
    "modernbert": {**SIZES, "num_hidden_layers": 3, "local_attention": 8},
    # as mDeBERTa-v3: relative positions in both directions, shared keys, no absolute positions
    "deberta_v2": {
        **SIZES,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_buckets": 16,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "position_biased_input": False,
        "type_vocab_size": 0,
    },
}
CLASS_PREFIXES: dict[Family, str] = {
    "bert": "Bert",
    "xlm_roberta": "XLMRoberta",
    "roberta": "Roberta",
    "distilbert": "DistilBert",
    "modernbert": "ModernBert",
    "deberta_v2": "DebertaV2",
}
CLASS_SUFFIXES: dict[Head, str] = {
    "encoder": "Model",
    "masked_lm": "ForMaskedLM",
    "token_classification": "ForTokenClassification",
    "sequence_classification": "ForSequenceClassification",
    "question_answering": "ForQuestionAnswering",
}


# --- models ------------------------------------------------------------------------------------


def tiny_model(
    family: Family,
    head: Head = "encoder",
    vocab_size: int = 400,
    seed: int = 0,
    special_ids: SpecialIds | None = None,
) -> PreTrainedModel:
    """Build a new 2-layer (ModernBERT: 3), hidden-32 model in eval mode, no parameter zero."""
    config = _tiny_config(family, head, vocab_size, special_ids or FAMILY_SPECIAL_IDS[family])
    model_class = getattr(transformers, CLASS_PREFIXES[family] + CLASS_SUFFIXES[head])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class(config)
        _randomise_(model)
    return model.eval()


def _tiny_config(
    family: Family, head: Head, vocab_size: int, special_ids: SpecialIds
) -> PretrainedConfig:
    config_class = getattr(transformers, CLASS_PREFIXES[family] + "Config")
    labels = TINY_LABELS.get(head)
    label_fields = {"id2label": dict(enumerate(labels))} if labels else {}
    if family == "modernbert":
        token_ids = {"cls_token_id": special_ids.start, "sep_token_id": special_ids.end}
    else:
        token_ids = {}
    return config_class(
        vocab_size=vocab_size,
        pad_token_id=special_ids.pad,
        bos_token_id=special_ids.start,
        eos_token_id=special_ids.end,
        attn_implementation="eager" if family == "deberta_v2" else "sdpa",
        **token_ids,
        **label_fields,
        **copy.deepcopy(FAMILY_FIELDS[family]),
    )


def _randomise_(model: PreTrainedModel) -> None:
    """Give every parameter, biases and norms too, values that a mistake would show."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0.0, 0.2)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.add_(1.0)


# --- tokenizers --------------------------------------------------------------------------------


def tiny_tokenizer(kind: Kind) -> PreTrainedTokenizerFast:
    """Give a copy of the tokenizer of this algorithm trained on ``TINY_TEXT``."""
    return copy.deepcopy(_tiny_tokenizer(kind))


@cache
def _tiny_tokenizer(kind: Kind) -> PreTrainedTokenizerFast:
    makers = {
        "wordpiece": _wordpiece,
        "bpe": _byte_level_bpe,
        "bpe_byte_fallback": _byte_fallback_bpe,
        "unigram": _unigram,
    }
    return makers[kind]()


def _wordpiece() -> PreTrainedTokenizerFast:
    """Cased, as multilingual BERT: accents stay, Han characters stand alone."""
    tokenizer = transformers.BertTokenizer(do_lower_case=False)
    inner = tokenizer.backend_tokenizer
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(
        vocab_size=1300, min_frequency=2, special_tokens=specials, show_progress=False
    )
    inner.train_from_iterator(TINY_TEXT, trainer)
    return transformers.BertTokenizer(
        vocab=_in_id_order(inner), do_lower_case=False, model_max_length=128
    )


def _byte_level_bpe() -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(TINY_TEXT, trainer)
    merges = [tuple(merge) for merge in _model_state(inner)["merges"]]
    return transformers.RobertaTokenizer(
        vocab=_in_id_order(inner), merges=merges, model_max_length=128
    )


def _byte_fallback_bpe() -> PreTrainedTokenizerFast:
    """As mmBERT's (Gemma's): spaces are "▁", unknown characters become <0xNN> tokens."""
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    inner = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    inner.normalizer = normalizers.Replace(" ", "▁")
    inner.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=specials + byte_tokens,
        limit_alphabet=200,
        show_progress=False,
    )
    inner.train_from_iterator(TINY_TEXT, trainer)
    backend = _with_byte_tokens_ordinary(inner, len(specials))
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    backend.post_processor = _bracketed("<bos>", 2, "<eos>", 1)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<bos>",
        eos_token="<eos>",
        cls_token="<bos>",
        sep_token="<eos>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=128,
        model_input_names=["input_ids", "attention_mask"],
    )


def _with_byte_tokens_ordinary(inner: Tokenizer, num_special: int) -> Tokenizer:
    """Rebuild the backend so that only the real special tokens are added tokens."""
    state = json.loads(inner.to_str())
    state["added_tokens"] = state["added_tokens"][:num_special]
    return Tokenizer.from_str(json.dumps(state))


def _bracketed(start: str, start_id: int, end: str, end_id: int) -> object:
    return TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} {start}:1 $B:1 {end}:1",
        special_tokens=[(start, start_id), (end, end_id)],
    )


def _unigram() -> PreTrainedTokenizerFast:
    """As XLM-RoBERTa: <s> <pad> </s> <unk> first, <mask> last."""
    inner = transformers.XLMRobertaTokenizer().backend_tokenizer
    trainer = trainers.UnigramTrainer(
        vocab_size=900,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    inner.train_from_iterator(TINY_TEXT, trainer)
    vocab = [(piece, score) for piece, score in _model_state(inner)["vocab"] if piece != "<mask>"]
    return transformers.XLMRobertaTokenizer(vocab=[*vocab, ("<mask>", 0.0)], model_max_length=128)


def _model_state(tokenizer: Tokenizer) -> dict:
    return json.loads(tokenizer.to_str())["model"]


def _in_id_order(tokenizer: Tokenizer) -> dict[str, int]:
    return dict(sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]))


# --- both --------------------------------------------------------------------------------------


def tiny_pair(
    family: Family, kind: Kind, head: Head = "encoder", seed: int = 0
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Build a model whose vocabulary size and special ids are those of the tokenizer."""
    tokenizer = tiny_tokenizer(kind)
    special_ids = SpecialIds(
        pad=tokenizer.pad_token_id,
        start=tokenizer.cls_token_id,
        end=tokenizer.sep_token_id,
        mask=tokenizer.mask_token_id,
    )
    return tiny_model(family, head, len(tokenizer), seed, special_ids), tokenizer


def tiny_checkpoint(
    directory: Path, family: Family = "xlm_roberta", kind: Kind = "unigram", head: Head = "encoder"
) -> Path:
    """Save a model and its tokenizer as transformers does, and give the directory back."""
    model, tokenizer = tiny_pair(family, kind, head)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def tiny_inputs(tokenizer: PreTrainedTokenizerFast, lines: int = 4) -> dict[str, torch.Tensor]:
    """Encode some lines of ``TINY_TEXT``, of several scripts, padded to the longest."""
    step = max(1, len(TINY_TEXT) // lines)
    texts = TINY_TEXT[::step][:lines]
    encoded = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
    return {name: encoded[name] for name in ("input_ids", "attention_mask")}
