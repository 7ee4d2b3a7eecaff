"""Models whose layers differ in their heads and neurons, which no ordinary configuration can say.

This file is copied into the checkpoints that need it, so it imports torch and transformers only.
``config.slim`` says the shape: ``{"heads": [...], "ffn": [...]}`` with one number a layer.
"""

from functools import cache
from typing import Any

import transformers
from torch import nn
from transformers import PreTrainedModel

_BERT = {
    "layers": "encoder.layer",
    "attention": "attention.self",
    "into_heads": ("query", "key", "value"),
    "from_heads": "attention.output.dense",
    "into_ffn": "intermediate.dense",
    "from_ffn": "output.dense",
}
_DEBERTA = _BERT | {
    "into_heads": ("query_proj", "key_proj", "value_proj", "pos_key_proj", "pos_query_proj")
}
_DISTILBERT = {
    "layers": "transformer.layer",
    "attention": "attention",
    "into_heads": ("q_lin", "k_lin", "v_lin"),
    "from_heads": "attention.out_lin",
    "into_ffn": "ffn.lin1",
    "from_ffn": "ffn.lin2",
}
_MODERNBERT = {
    "layers": "layers",
    "attention": "attn",
    "into_heads": ("Wqkv",),
    "from_heads": "attn.Wo",
    "into_ffn": "mlp.Wi",
    "from_ffn": "mlp.Wo",
}
PATHS: dict[str, dict[str, Any]] = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "deberta-v2": _DEBERTA,
    "distilbert": _DISTILBERT,
    "modernbert": _MODERNBERT,
}


def slim_class(base: type[PreTrainedModel]) -> type[PreTrainedModel]:
    """Make the class of a model whose layers have the sizes that ``config.slim`` says.

    Args:
        base: An ordinary class of transformers, such as ``BertForTokenClassification``.

    Returns:
        A subclass of it.
    """
    return _slim_class(base)  # type: ignore[arg-type]  # classes are hashable


@cache
def _slim_class(base: Any) -> type[PreTrainedModel]:  # noqa: ANN401  (a class is hashable)
    def build(self: Any, config: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        base.__init__(self, config, *args, **kwargs)
        _resize(self)

    return type(f"Slim{base.__name__}", (base,), {"__init__": build, "__module__": __name__})


def __getattr__(name: str) -> type[PreTrainedModel]:
    """Find ``SlimX`` for every class ``X`` of transformers, as ``auto_map`` asks for it."""
    base = getattr(transformers, name.removeprefix("Slim"), None)
    if not name.startswith("Slim") or base is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return slim_class(base)


def _resize(model: PreTrainedModel) -> None:
    """Give every layer new linear modules of its own sizes."""
    slim, paths = model.config.slim, PATHS[model.config.model_type]
    layers: Any = model.base_model.get_submodule(paths["layers"])
    for layer, num_heads, num_neurons in zip(layers, slim["heads"], slim["ffn"], strict=True):
        set_num_heads(layer.get_submodule(paths["attention"]), num_heads)
        width = num_heads * head_dim(layer.get_submodule(paths["attention"]))
        for name in paths["into_heads"]:
            _refit(layer, f"{paths['attention']}.{name}", num_outputs=width)
        _refit(layer, paths["from_heads"], num_inputs=width)
        _refit(layer, paths["into_ffn"], num_outputs=num_neurons)
        _refit(layer, paths["from_ffn"], num_inputs=num_neurons)


def _refit(
    layer: nn.Module, path: str, *, num_inputs: int | None = None, num_outputs: int | None = None
) -> None:
    parent, _, name = path.rpartition(".")
    old = getattr(layer.get_submodule(parent), name, None)
    if old is None:
        return
    blocks = {"Wqkv": 3, "Wi": 2}.get(name, 1)
    new = nn.Linear(
        num_inputs or old.in_features,
        num_outputs * blocks if num_outputs else old.out_features,
        bias=old.bias is not None,
        device=old.weight.device,
        dtype=old.weight.dtype,
    )
    setattr(layer.get_submodule(parent), name, new)


def head_dim(attention: Any) -> int:  # noqa: ANN401  (one class a family)
    """Read the channels of one head.

    Args:
        attention: The module that splits the channels into heads.

    Returns:
        The number, whatever the family calls it.
    """
    return int(getattr(attention, "attention_head_size", None) or attention.head_dim)


def set_num_heads(attention: Any, num_heads: int) -> None:  # noqa: ANN401  (one class a family)
    """Tell an attention module how many heads its matrices have.

    Args:
        attention: The module that splits the channels into heads; changed in place.
        num_heads: The number.
    """
    for name in ("num_attention_heads", "n_heads"):
        if hasattr(attention, name):
            setattr(attention, name, num_heads)
    if hasattr(attention, "all_head_size"):
        attention.all_head_size = num_heads * attention.attention_head_size
