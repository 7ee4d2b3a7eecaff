"""Made-up labelled sequences whose label is a function of the token: learnable in a few steps."""

from typing import NamedTuple

import numpy as np

NUM_LABELS = 5


class Sentence(NamedTuple):
    input_ids: list[int]
    labels: list[int]


def sentences(count: int, *, largest_id: int = 100, seed: int = 0) -> list[Sentence]:
    """Ids from 5 on, lengths 4 to 19; the first token has no label, as a special token."""
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        ids = generator.integers(5, largest_id, int(generator.integers(4, 20))).tolist()
        made.append(Sentence(ids, [-100, *(token_id % NUM_LABELS for token_id in ids[1:])]))
    return made
