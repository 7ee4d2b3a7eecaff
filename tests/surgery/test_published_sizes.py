"""The published sizes (PAPERS.md 1.8), on the real configurations, without values."""

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, XLMRobertaConfig, XLMRobertaForMaskedLM

from tinyglot.architectures import view
from tinyglot.surgery import (
    Structures,
    count_parameters,
    gather_vocabulary,
    keep_layers,
    keep_structures,
    truncate_hidden,
)

MBERT = BertConfig(vocab_size=119_547)
XLM_R_BASE = XLMRobertaConfig(
    vocab_size=250_002,
    max_position_embeddings=514,
    type_vocab_size=1,
    bos_token_id=0,
    pad_token_id=1,
    eos_token_id=2,
)
# stage -> millions of parameters, and what was cut off the teacher in per cent
PUBLISHED = {
    "mbert": {
        "teacher": (177.97, 0.0),
        "6 layers": (135.45, 23.9),
        "ffn 2048": (126.00, 29.2),
        "hidden 564": (89.69, 49.6),
        "hidden 456": (71.31, 59.9),
        "hidden 312": (47.71, 73.2),
        "564 + 40k": (44.75, 74.9),
        "456 + 40k": (34.96, 80.4),
        "312 + 40k": (22.81, 87.2),
    },
    "xlm_r_base": {
        "teacher": (278.30, 0.0),
        "6 layers": (235.77, 15.3),
        "ffn 2048": (226.32, 18.7),
        "hidden 564": (163.40, 41.3),
        "hidden 456": (130.93, 53.0),
        "hidden 312": (88.54, 68.2),
        "564 + 40k": (44.75, 83.9),
        "456 + 40k": (34.96, 87.4),
        "312 + 40k": (22.81, 91.8),
    },
}


def teacher(name):
    with torch.device("meta"):
        if name == "mbert":
            return BertForMaskedLM(MBERT)
        return XLMRobertaForMaskedLM(XLM_R_BASE)


def stages(model, num_token_ids=40_000):
    """Every stage of the published order, through the surgery that the methods use."""
    yield "teacher", model
    shallow = keep_layers(model, [0, 2, 4, 6, 8, 10])
    yield "6 layers", shallow
    neurons = tuple(tuple(range(2048)) for _ in view(shallow).layers)
    slim = keep_structures(shallow, Structures.of(shallow).keep(neurons=neurons))
    yield "ffn 2048", slim
    for width in (564, 456, 312):
        narrow = truncate_hidden(slim, width)
        yield f"hidden {width}", narrow
        yield f"{width} + 40k", gather_vocabulary(narrow, torch.arange(num_token_ids))


# 40,000 in all, special tokens among them, or 5 of those beside: both are the published figures
@pytest.mark.parametrize("num_token_ids", [40_000, 40_005])
@pytest.mark.parametrize("name", PUBLISHED)
def test_every_stage_has_the_published_number_of_parameters(name, num_token_ids):
    made = stages(teacher(name), num_token_ids)
    counts = {stage: count_parameters(m).num_parameters for stage, m in made}
    whole = counts["teacher"]
    found = {
        stage: (round(count / 1e6, 2), round(100 * (1 - count / whole), 1))
        for stage, count in counts.items()
    }
    assert found == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_smallest_model_has_the_published_shape(name):
    smallest = dict(stages(teacher(name)))["312 + 40k"]
    config = smallest.config
    assert config.num_hidden_layers == len(view(smallest).layers) == 6
    assert (config.hidden_size, config.num_attention_heads) == (312, 12)
    assert (config.intermediate_size, config.vocab_size) == (2048, 40_000)
    assert (view(smallest).head_dim, view(smallest).is_tied) == (26, True)
    with torch.device("meta"):
        built = type(smallest)(config)
    assert {n: p.shape for n, p in built.named_parameters()} == {
        n: p.shape for n, p in smallest.named_parameters()
    }
