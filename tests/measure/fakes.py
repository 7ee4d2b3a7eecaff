"""Models without weights, for measuring."""

import time

import numpy as np


class FakeModel:
    """Sleeps, holds memory, and writes down what it was called with."""

    def __init__(self, name="fake", seconds=0.0, vocab_size=50, num_bytes=0, log=None):
        self.name = name
        self.seconds = seconds
        self.vocab_size = vocab_size
        self.max_length = 512
        self.threads = 1
        self.device = "cpu"
        self.held = np.ones(num_bytes, np.uint8)
        self.log = log if log is not None else []
        self.batches = []

    def __call__(self, batch, /):
        self.log.append(self.name)
        self.batches.append(batch)
        time.sleep(self.seconds)
        return np.zeros((*batch["input_ids"].shape, 2), np.float32)


def load_holding(num_bytes, threads):
    return FakeModel(num_bytes=int(num_bytes))


def load_growing(num_bytes, threads):
    """Holds as many bytes a token as asked for while it runs."""
    model = FakeModel()

    class Growing(FakeModel):
        def __call__(self, batch, /):
            held = np.ones(batch["input_ids"].size * int(num_bytes), np.uint8)
            return np.full((1, 1), held[-1], np.float32)

    growing = Growing()
    growing.threads = model.threads
    return growing


def load_failing(name, threads):
    raise RuntimeError(f"no weights in {name}")


def load_reporting_threads(name, threads):
    import os

    assert os.environ["OMP_NUM_THREADS"] == str(threads) == name
    return FakeModel()
