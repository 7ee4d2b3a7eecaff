"""Encoded text on the disk: written once while the text streams, read sequence by sequence."""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from tinyglot.data.text import TextSource
from tinyglot.data.text_portions import TextPortion
from tinyglot.files import read_json, write_json, written_once
from tinyglot.progress import progress_bar
from tinyglot.training.collator import IntArray
from tinyglot.training.text.sequences import Sequencer

_IDS, _ENDS, _INDEX = "ids.bin", "ends.bin", "index.json"
_ID_TYPE, _END_TYPE = "<u4", "<i8"
_SEQUENCES_AT_A_TIME = 4096
_IDS_AT_A_TIME = 1 << 16


@dataclass(frozen=True)
class TokenFile:
    """The sequences of one language, mapped into memory.

    Attributes:
        directory: Holds the ids of all sequences in a row, and where each ends.
    """

    directory: Path

    @cached_property
    def num_lines(self) -> int:
        """Lines that the sequences were made of."""
        return int(read_json(self.directory / _INDEX)["num_lines"])

    @cached_property
    def digest(self) -> str:
        """Differs if any token id does, or where a sequence ends."""
        return str(read_json(self.directory / _INDEX)["digest"])

    @cached_property
    def lengths(self) -> IntArray:
        """Token ids of each sequence."""
        return np.diff(self._ends, prepend=0)

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.memmap(self.directory / _ENDS, dtype=_END_TYPE, mode="r")

    @cached_property
    def ids(self) -> NDArray[np.uint32]:
        """The ids of all sequences in a row."""
        return np.memmap(self.directory / _IDS, dtype=_ID_TYPE, mode="r")

    def has_others(self, token_ids: Sequence[int]) -> bool:
        """Tell whether there is any id beside some; no ids are none.

        Args:
            token_ids: Such as those that are never hidden.

        Returns:
            Whether there is.
        """
        if not (self.directory / _IDS).stat().st_size:
            return False
        starts = range(0, len(self.ids), _IDS_AT_A_TIME)
        parts = (self.ids[start : start + _IDS_AT_A_TIME] for start in starts)
        return any(not np.isin(part, token_ids).all() for part in parts)

    def sequence(self, index: int) -> IntArray:
        """Read one sequence.

        Args:
            index: Its place.

        Returns:
            Token ids.
        """
        start = int(self._ends[index - 1]) if index else 0
        return self.ids[start : int(self._ends[index])].astype(np.int64)


def written_tokens(root: Path, tag: str, portion: TextPortion, sequencer: Sequencer) -> TokenFile:
    """Encode a portion of a language's text, unless that was done before.

    The text is read once, as a stream. What is written appears complete or not at all; a writing
    that was killed begins anew. Of the text itself, names, sizes and times of the files tell
    whether it is still the same.

    Args:
        root: Where encoded texts are kept; made if it is not there.
        tag: The language.
        portion: The text.
        sequencer: Makes sequences of lines.

    Returns:
        The sequences.

    Raises:
        DataNotFoundError: If a path is not there, or a directory has no text file.
        EmptyTextError: If the portion has no line.
        TextEncodingError: If a file is not UTF-8 or damaged.
        DataFormatError: If a file has no text field or broken JSON lines.
        DiskFullError: If the disk is full.
    """
    place = root / f"{tag}-{_key(portion, sequencer)}"
    if not place.exists():
        with written_once(place) as temporary:
            temporary.mkdir()
            _write(temporary, tag, portion, sequencer)
    return TokenFile(place)


def _key(portion: TextPortion, sequencer: Sequencer) -> str:
    """Say all that the sequences are made from."""
    files = [(str(file), file.stat()) for file in TextSource(portion.paths).files]
    parts = [
        *(f"{name} {state.st_size} {state.st_mtime_ns}" for name, state in files),
        f"{portion.name} {sequencer.kind} {sequencer.max_length}",
        sequencer.tokenizer.backend_tokenizer.to_str(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _write(directory: Path, tag: str, portion: TextPortion, sequencer: Sequencer) -> None:
    num_lines = 0

    def counted(on_bytes: Callable[[int], object]) -> Iterator[str]:
        nonlocal num_lines
        for line in portion.lines(on_bytes):
            num_lines += 1
            yield line

    with (
        progress_bar(f"encoding {tag}", portion.num_bytes) as bar,
        (directory / _IDS).open("wb") as ids,
        (directory / _ENDS).open("wb") as ends,
    ):
        digest = _write_sequences(sequencer(counted(bar.advance)), ids, ends)
    write_json(directory / _INDEX, {"num_lines": num_lines, "digest": f"{digest:08x}"})


def _write_sequences(sequences: Iterable[list[int]], ids: IO[bytes], ends: IO[bytes]) -> int:
    """Write sequences as they come; give a checksum of both files."""
    iterator, end, digest = iter(sequences), 0, 0
    while some := list(_taken(iterator)):
        flat = np.concatenate([np.asarray(sequence, _ID_TYPE) for sequence in some])
        places = end + np.cumsum([len(sequence) for sequence in some])
        end = int(places[-1])
        for file, content in ((ids, flat.tobytes()), (ends, places.astype(_END_TYPE).tobytes())):
            file.write(content)
            digest = zlib.crc32(content, digest)
    return digest


def _taken(iterator: Iterator[list[int]]) -> Iterator[list[int]]:
    for _, sequence in zip(range(_SEQUENCES_AT_A_TIME), iterator, strict=False):
        yield sequence
