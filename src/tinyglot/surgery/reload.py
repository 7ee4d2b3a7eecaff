"""Making sure that a model computes the same after it is loaded again from its checkpoint."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.utils import logging

from tinyglot.architectures import view
from tinyglot.errors import ParityError
from tinyglot.surgery.evaluation_mode import evaluation_mode

NUM_SAMPLE_TOKENS = 24


def verify_reload(model: PreTrainedModel) -> None:
    """Load a model again from its configuration and weights, and compare what both compute.

    This goes the way of ``save_pretrained`` and ``from_pretrained`` without the disk: whatever
    the model knows beside its configuration and its weights is lost, and shows.

    Args:
        model: A model of a supported family. It is not modified.

    Raises:
        ParityError: If a tensor does not fit or any hidden state is not exactly the same.

    Cost:
        Two forward passes over a few tokens; the weights are shared, not copied.
    """
    reloaded = _reload(model)
    token_ids = _sample_token_ids(model)
    before, after = (_hidden_states(each, token_ids) for each in (model, reloaded))
    if not torch.equal(before, after):
        raise ParityError(
            "Could not verify the model: its checkpoint would load as another model.",
            got=f"hidden states that differ by up to {float((before - after).abs().max()):.3g}",
            expected="the same hidden states, bit for bit",
            fix="this is a mistake in the method that made the model; please report it",
        )


def _reload(model: PreTrainedModel) -> PreTrainedModel:
    config = type(model.config).from_dict(json.loads(model.config.to_json_string()))
    try:
        with _silent():
            reloaded = type(model).from_pretrained(
                None,
                config=config,
                state_dict=dict(model.state_dict()),
                dtype=model.dtype,
                attn_implementation=model.config._attn_implementation,
            )
    except (RuntimeError, ValueError) as error:
        raise ParityError(
            "Could not verify the model: its checkpoint would not load.",
            got=str(error).strip().splitlines()[0],
            expected="weights of the shapes that the configuration describes",
            fix="this is a mistake in the method that made the model; please report it",
        ) from error
    cast(nn.Module, reloaded).to(model.device)
    return reloaded


def _hidden_states(model: PreTrainedModel, token_ids: Tensor) -> Tensor:
    encoder = view(model).encoder
    with evaluation_mode(encoder):
        return cast(Tensor, encoder(token_ids, torch.ones_like(token_ids))[0])


def _sample_token_ids(model: PreTrainedModel) -> Tensor:
    """Spread ids over the vocabulary; none of them is padding."""
    encoder = view(model)
    spread = torch.linspace(0, encoder.num_token_ids - 1, NUM_SAMPLE_TOKENS).long().unique()
    kept: Tensor = spread[spread != encoder.word_embeddings.padding_idx]
    return kept.unsqueeze(0).to(encoder.word_embeddings.weight.device)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the load report and the progress bar of transformers off the terminal."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
