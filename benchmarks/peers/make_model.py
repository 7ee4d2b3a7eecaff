"""A model directory that all trimmers can read: XLM-R's vocabulary, few layers, random weights.

250,002 x 384 embeddings and 2 layers of random weights under a masked-LM head, with the pieces of
the bundled model as `tokenizer.json` and as `sentencepiece.bpe.model` in the order that XLM-R has.

python -m benchmarks.peers.make_model DIRECTORY
"""

import sys
from pathlib import Path

import torch
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

from tinyglot.checkpoints.bundled import _nmt_nfkc, _weights_file
from tinyglot.checkpoints.load import load_checkpoint
from tinyglot.checkpoints.q4 import Q4File

HIDDEN, LAYERS, VOCABULARY = 384, 2, 250_002
_UNKNOWN, _CONTROL = 2, 3


def main() -> None:
    directory = Path(sys.argv[1])
    config = XLMRobertaConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=12,
        intermediate_size=4 * HIDDEN,
        max_position_embeddings=514,
        type_vocab_size=1,
    )
    torch.manual_seed(0)
    XLMRobertaForMaskedLM(config).save_pretrained(directory)
    load_checkpoint("bundled:multilingual-e5-small").tokenizer.save_pretrained(directory)
    (directory / "sentencepiece.bpe.model").write_bytes(sentencepiece_model())


def sentencepiece_model() -> bytes:
    """Write the pieces as sentencepiece does: `<unk> <s> </s>` first, neither pad nor mask."""
    from sentencepiece import sentencepiece_model_pb2 as protocol

    model = protocol.ModelProto()
    model.trainer_spec.model_type = 1  # unigram
    model.trainer_spec.unk_id, model.trainer_spec.bos_id, model.trainer_spec.eos_id = 0, 1, 2
    model.trainer_spec.pad_id = -1
    model.normalizer_spec.precompiled_charsmap = _nmt_nfkc()
    for piece, kind in (("<unk>", _UNKNOWN), ("<s>", _CONTROL), ("</s>", _CONTROL)):
        model.pieces.add(piece=piece, score=0.0, type=kind)
    for piece, score in Q4File(_weights_file()).pieces[4:-1]:
        model.pieces.add(piece=piece, score=score)
    content: bytes = model.SerializeToString()
    return content


if __name__ == "__main__":
    main()
