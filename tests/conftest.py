"""No model hub, no telemetry, few threads, no clocks (sockets: see addopts in pyproject.toml)."""

import gc
import os

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    DO_NOT_TRACK="1",
    TOKENIZERS_PARALLELISM="false",
)
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import torch

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

hypothesis.settings.register_profile("tinyglot", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("tinyglot")


def pytest_collection_finish():
    """Leave what is imported out of garbage collection: every training collects everything."""
    gc.collect()
    gc.freeze()
