"""One small tokenizer of every class and form that tinyglot has to edit."""

import copy
import json
from collections.abc import Callable
from functools import cache

import transformers
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast
from transformers.tokenization_utils_base import generate_merges

from tests.tiny import TINY_TEXT, tiny_tokenizer

BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
GEMMA_SPECIALS = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def zoo_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """Give a copy of the named tokenizer."""
    return copy.deepcopy(_made(name))


@cache
def _made(name: str) -> PreTrainedTokenizerFast:
    return ZOO[name]()


# --- WordPiece ---------------------------------------------------------------------------------


def _bert_uncased() -> PreTrainedTokenizerFast:
    inner = transformers.BertTokenizer(do_lower_case=True).backend_tokenizer
    trainer = trainers.WordPieceTrainer(
        vocab_size=1200, special_tokens=BERT_SPECIALS, show_progress=False
    )
    inner.train_from_iterator(TINY_TEXT, trainer)
    return transformers.BertTokenizer(vocab=_vocab(inner), model_max_length=99)


def _distilbert_cased() -> PreTrainedTokenizerFast:
    vocab = tiny_tokenizer("wordpiece").get_vocab()
    in_order = dict(sorted(vocab.items(), key=lambda item: item[1]))
    tokenizer = transformers.DistilBertTokenizer(vocab=in_order, do_lower_case=False)
    tokenizer.padding_side = "left"
    return tokenizer


# --- Unigram -----------------------------------------------------------------------------------


def _xlm_roberta_nmt_nfkc() -> PreTrainedTokenizerFast:
    """As the hub's XLM-R: SentencePiece's compiled rules in the normalizer."""
    vocab = _unigram_pieces("unigram")
    return transformers.XLMRobertaTokenizer(
        vocab=vocab, _spm_precompiled_charsmap=nmt_nfkc(), model_max_length=512
    )


@cache
def nmt_nfkc() -> bytes:
    import io

    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c"]),
        model_writer=written,
        model_type="char",
        vocab_size=7,
        minloglevel=2,
    )
    model = sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())
    return model.normalizer_spec.precompiled_charsmap


def _deberta_v2() -> PreTrainedTokenizerFast:
    """As mDeBERTa: [MASK] is an added token behind the model's own vocabulary."""
    pieces = [(p, s) for p, s in _unigram_pieces("unigram") if not p.startswith("<")]
    specials = [(token, 0.0) for token in ("[PAD]", "[CLS]", "[SEP]", "[UNK]")]
    return transformers.DebertaV2Tokenizer(vocab=[*specials, *pieces], model_max_length=77)


def _unigram_byte_fallback() -> PreTrainedTokenizerFast:
    """As T5-like SentencePiece models with bytes; the unknown token is not among the first."""
    pieces = [(p, s) for p, s in _unigram_pieces("unigram") if not p.startswith("<")]
    vocab = [*pieces[:50], *[(byte, -30.0) for byte in BYTES], ("<unk>", 0.0), *pieces[50:]]
    inner = Tokenizer(models.Unigram(vocab, unk_id=306, byte_fallback=True))
    inner.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Prepend("▁")])
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    inner.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    inner.add_special_tokens(["<unk>", "<pad>", "</s>"])
    inner.post_processor = processors.Sequence(
        [processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", len(vocab) + 1)])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", pad_token="<pad>", eos_token="</s>"
    )


def _unigram_pieces(kind: str) -> list[tuple[str, float]]:
    state = json.loads(tiny_tokenizer(kind).backend_tokenizer.to_str())
    return [(piece, score) for piece, score in state["model"]["vocab"]]


# --- BPE ---------------------------------------------------------------------------------------


def _gemma_like(*, ignore_merges: bool = False) -> PreTrainedTokenizerFast:
    """As mmBERT: made from a SentencePiece vocabulary, so a token has several merges."""
    pieces = [p for p, s in sorted(_unigram_pieces("unigram"), key=lambda pair: -pair[1])]
    usual = [p for p in pieces if not p.startswith("<")]
    vocab = {token: i for i, token in enumerate([*GEMMA_SPECIALS, *BYTES, *usual])}
    model = models.BPE(
        vocab=vocab,
        merges=generate_merges(vocab),
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
        ignore_merges=ignore_merges,
    )
    inner = Tokenizer(model)
    inner.normalizer = normalizers.Replace(" ", "▁")
    inner.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    inner.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    inner.add_special_tokens(GEMMA_SPECIALS)
    inner.add_tokens([AddedToken("<unused0>", normalized=False), AddedToken("\n\n")])
    inner.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>",
        pair="<bos> $A <eos> $B:1 <eos>:1",
        special_tokens=[("<bos>", 2), ("<eos>", 1)],
    )
    names = dict(zip(("pad", "eos", "bos", "unk", "mask"), GEMMA_SPECIALS, strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        **{f"{name}_token": token for name, token in names.items()},
        extra_special_tokens=["<unused0>"],
        model_max_length=8192,
    )


def _gemma_like_ignore_merges() -> PreTrainedTokenizerFast:
    return _gemma_like(ignore_merges=True)


def _clip_like_bpe() -> PreTrainedTokenizerFast:
    """Marks the ends of words, has no bytes: what is unknown becomes one <unk>."""
    inner = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, end_of_word_suffix="</w>"))
    return _marked_bpe(inner, end_of_word_suffix="</w>")


def _prefixed_bpe() -> PreTrainedTokenizerFast:
    """Marks the insides of words, as WordPiece does."""
    inner = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"))
    return _marked_bpe(inner, continuing_subword_prefix="##")


def _marked_bpe(inner: Tokenizer, **marks: str) -> PreTrainedTokenizerFast:
    inner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w+|[^\w\s]+"), "removed", invert=True)
    trainer = trainers.BpeTrainer(
        vocab_size=1500,
        special_tokens=["<pad>", "<unk>", "<s>", "</s>"],
        show_progress=False,
        **marks,
    )
    inner.train_from_iterator(TINY_TEXT, trainer)
    inner.post_processor = processors.BertProcessing(("</s>", 3), ("<s>", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
    )


def _vocab(inner: Tokenizer) -> dict[str, int]:
    return dict(sorted(inner.get_vocab().items(), key=lambda item: item[1]))


ZOO: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "bert_cased": lambda: tiny_tokenizer("wordpiece"),
    "bert_uncased": _bert_uncased,
    "distilbert_cased": _distilbert_cased,
    "xlm_roberta": lambda: tiny_tokenizer("unigram"),
    "xlm_roberta_nmt_nfkc": _xlm_roberta_nmt_nfkc,
    "deberta_v2": _deberta_v2,
    "unigram_byte_fallback": _unigram_byte_fallback,
    "roberta": lambda: tiny_tokenizer("bpe"),
    "byte_fallback_bpe": lambda: tiny_tokenizer("bpe_byte_fallback"),
    "gemma_like": _gemma_like,
    "gemma_like_ignore_merges": _gemma_like_ignore_merges,
    "clip_like_bpe": _clip_like_bpe,
    "prefixed_bpe": _prefixed_bpe,
}
MODEL_TYPES = {
    "bert_cased": "bert",
    "bert_uncased": "bert",
    "distilbert_cased": "distilbert",
    "xlm_roberta": "xlm-roberta",
    "xlm_roberta_nmt_nfkc": "xlm-roberta",
    "deberta_v2": "deberta-v2",
    "roberta": "roberta",
    "gemma_like": "modernbert",
    "byte_fallback_bpe": "modernbert",
}
"""``model_type`` of the config.json beside it; AutoTokenizer looks there too."""
