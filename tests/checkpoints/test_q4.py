import struct

import numpy as np
import pytest

from tinyglot.checkpoints.q4 import Q4File, decode_blocks
from tinyglot.errors import CheckpointTensorsError


def test_a_block_has_its_low_nibbles_first_and_is_centred_on_eight():
    nibbles = bytes([0x10 * (15 - i) + i for i in range(16)])  # low: 0..15, high: 15..0
    block = np.frombuffer(struct.pack("<e", 0.5) + nibbles, np.uint8)[None]
    expected = [(i - 8) * 0.5 for i in range(16)] + [(15 - i - 8) * 0.5 for i in range(16)]
    assert decode_blocks(block).tolist() == expected


def test_each_block_has_its_own_scale():
    blocks = np.frombuffer(
        struct.pack("<e", 1.0) + b"\x99" * 16 + struct.pack("<e", -2.0) + b"\x99" * 16, np.uint8
    )
    decoded = decode_blocks(blocks.reshape(2, 18))
    assert decoded[:32].tolist() == [1.0] * 32
    assert decoded[32:].tolist() == [-2.0] * 32


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "other.bin"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(CheckpointTensorsError, match=r"other\.bin begins with b'GGUF'"):
        Q4File(path)
