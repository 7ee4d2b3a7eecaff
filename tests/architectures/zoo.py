"""Every kind of model that the five families have, small, random, with a prime vocabulary."""

import copy

import torch
import transformers
from transformers import PreTrainedModel

# Primes that no other size of these models equals, so that an axis is known by its length.
VOCABULARY = 1009
NUM_LAYERS = 4

SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": NUM_LAYERS,
    "num_attention_heads": 4,
    "max_position_embeddings": 70,
}
FAMILY_FIELDS = {
    "Bert": SIZES | {"pad_token_id": 3, "bos_token_id": 5, "eos_token_id": [7, 11]},
    "XLMRoberta": SIZES | {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2},
    "Roberta": SIZES | {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2},
    "DistilBert": {
        "vocab_size": VOCABULARY,
        "dim": 32,
        "hidden_dim": 48,
        "n_layers": NUM_LAYERS,
        "n_heads": 4,
        "max_position_embeddings": 70,
        "pad_token_id": 3,
    },
    # global, local, local, global
    "ModernBert": SIZES
    | {
        "local_attention": 4,
        "pad_token_id": 6,
        "bos_token_id": 5,
        "eos_token_id": 7,
        "cls_token_id": 5,
        "sep_token_id": 7,
    },
    "DebertaV2": SIZES
    | {
        "pad_token_id": 3,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
        "norm_rel_ebd": "layer_norm",
        "position_buckets": 8,
        "share_att_key": True,
        "position_biased_input": False,
    },
}
DEBERTA_V2_STYLE = {
    "share_att_key": False,
    "position_buckets": -1,
    "position_biased_input": True,
    "type_vocab_size": 2,
    "conv_kernel_size": 3,
}

# name -> (family prefix, class suffix, options of the class, other config fields)
ZOO: dict[str, tuple[str, str, dict, dict]] = {
    **{
        f"{family}{suffix}": (family, suffix, {}, {})
        for family in FAMILY_FIELDS
        for suffix in (
            "Model",
            "ForMaskedLM",
            "ForTokenClassification",
            "ForSequenceClassification",
            "ForQuestionAnswering",
        )
    },
    **{
        f"{family}ForMaskedLM untied": (family, "ForMaskedLM", {}, {"tie_word_embeddings": False})
        for family in FAMILY_FIELDS
    },
    "BertModel no pooler": ("Bert", "Model", {"add_pooling_layer": False}, {}),
    "XLMRobertaModel no pooler": ("XLMRoberta", "Model", {"add_pooling_layer": False}, {}),
    "BertForPreTraining": ("Bert", "ForPreTraining", {}, {}),
    "ModernBertForMaskedLM no bias": ("ModernBert", "ForMaskedLM", {}, {"decoder_bias": False}),
    "DebertaV2ForMaskedLM new head": ("DebertaV2", "ForMaskedLM", {}, {"legacy": False}),
    "DebertaV2Model v2": ("DebertaV2", "Model", {}, DEBERTA_V2_STYLE),
    "DebertaV2ForMaskedLM v2": ("DebertaV2", "ForMaskedLM", {}, DEBERTA_V2_STYLE),
}
ENCODERS = [name for name, (_, suffix, _, _) in ZOO.items() if suffix == "Model"]
MASKED_LMS = [name for name in ZOO if "ForMaskedLM" in name]
TIED_LMS = [name for name in MASKED_LMS if "untied" not in name]


def zoo_model(name: str, **fields: object) -> PreTrainedModel:
    """Build a model of the zoo in eval mode; no parameter is zero, norms and biases neither."""
    family, suffix, options, own_fields = ZOO[name]
    config_fields = copy.deepcopy(FAMILY_FIELDS[family]) | copy.deepcopy(own_fields) | fields
    if family == "DebertaV2":
        config_fields["attn_implementation"] = "eager"
    config = getattr(transformers, family + "Config")(**config_fields)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(transformers, family + suffix)(config, **options)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, 0.5 if parameter.dim() == 1 else 0.0, 0.2)
    return model.eval()


def run(model: PreTrainedModel, token_ids: torch.Tensor, mask: torch.Tensor) -> dict:
    """Give every floating output of a model, each hidden state by its number."""
    with torch.no_grad():
        output = model(input_ids=token_ids, attention_mask=mask, output_hidden_states=True)
    states = {f"hidden {i}": state for i, state in enumerate(output.hidden_states)}
    return states | {name: v for name, v in output.items() if isinstance(v, torch.Tensor)}


def sample_batch(token_ids: torch.Tensor, padding_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Fill three rows of different lengths with some of these ids; give ids and mask."""
    generator = torch.Generator().manual_seed(0)
    rows, lengths = 3, torch.tensor([24, 17, 5])
    usable = token_ids[token_ids != padding_id]
    chosen = usable[torch.randint(len(usable), (rows, 24), generator=generator)]
    mask = (torch.arange(24) < lengths[:, None]).long()
    return torch.where(mask.bool(), chosen, padding_id), mask
