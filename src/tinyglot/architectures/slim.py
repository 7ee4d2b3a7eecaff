"""Models with adapters, or whose layers differ, which no ordinary configuration can say.

This file is copied into the checkpoints that need it, so it imports torch and transformers only.
``config.slim`` says the shape: ``{"heads": [...], "ffn": [...]}`` with one number a layer, and
``"adapters": [...]`` with the channels of the adapters of a model that has them. Load
such a checkpoint with ``AutoModel.from_pretrained(DIRECTORY, trust_remote_code=True)``, or with
the package tinyglot, which does not run the copy.
"""

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import transformers
from torch import Tensor, nn
from transformers import PreTrainedModel

# the copy of this file in a checkpoint
MODELING_FILE = "modeling_tinyglot_slim.py"
PREFIX = "Slim"
_AUTO_CLASSES = (
    "AutoModel",
    "AutoModelForMaskedLM",
    "AutoModelForMultipleChoice",
    "AutoModelForQuestionAnswering",
    "AutoModelForSequenceClassification",
    "AutoModelForTokenClassification",
)
_HUB_OPTIONS = (
    *("repo_id", "commit_message", "commit_description", "private", "token", "revision"),
    *("create_pr", "max_shard_size", "tags"),
)
_BERT = {
    "layers": "encoder.layer",
    "attention": "attention.self",
    "into_heads": ("query", "key", "value"),
    "from_heads": "attention.output.dense",
    "into_ffn": "intermediate.dense",
    "from_ffn": "output.dense",
    "adapted": "output.LayerNorm",
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
    "adapted": "output_layer_norm",
}
_MODERNBERT = {
    "layers": "layers",
    "attention": "attn",
    "into_heads": ("Wqkv",),
    "from_heads": "attn.Wo",
    "into_ffn": "mlp.Wi",
    "from_ffn": "mlp.Wo",
    "adapted": "",  # the layer itself, which ends without a norm
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

    Its ``save_pretrained`` puts this file beside the weights and its own name into ``auto_map``.

    Args:
        base: An ordinary class of transformers, such as ``BertForTokenClassification``; one that
            this made already comes back as it is.

    Returns:
        A subclass of it.
    """
    return base if is_slim(base) else _slim_class(base)  # type: ignore[arg-type]  # hashable


def ordinary_class(slim: type[PreTrainedModel]) -> type[PreTrainedModel]:
    """Find the class of transformers that a slim one was made of.

    Args:
        slim: A class that ``slim_class`` made, or an ordinary one, which comes back as it is.

    Returns:
        The class without ``Slim`` before its name.
    """
    return slim.__mro__[1] if is_slim(slim) else slim


def is_slim(of: type[PreTrainedModel]) -> bool:
    """Tell whether this file, or its copy in a checkpoint, made a class.

    Args:
        of: A class of a model.

    Returns:
        Whether its layers may differ.
    """
    return of.__name__.startswith(PREFIX)


@cache
def _slim_class(base: Any) -> type[PreTrainedModel]:  # noqa: ANN401  (a class is hashable)
    def build(self: Any, config: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        base.__init__(self, config, *args, **kwargs)
        _resize(self)
        set_class(self, slim_class)

    def save(self: Any, save_directory: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        is_pushed = kwargs.pop("push_to_hub", False)
        for_hub = {name: kwargs.pop(name) for name in _HUB_OPTIONS if is_pushed and name in kwargs}
        self.config.auto_map = _auto_map(type(self.config))
        base.save_pretrained(self, save_directory, *args, **kwargs)
        if kwargs.get("is_main_process", True):
            shutil.copyfile(__file__, Path(save_directory) / MODELING_FILE)
        if is_pushed:  # only now is the file there
            self.push_to_hub(**{"repo_id": Path(save_directory).name, **for_hub})

    methods = {"__init__": build, "save_pretrained": save, "__module__": __name__}
    return type(f"{PREFIX}{base.__name__}", (base,), methods)


def set_class(model: PreTrainedModel, change: Any) -> None:  # noqa: ANN401  (of a class, to a class)
    """Give a model, and the encoder below its head, other classes, in place.

    Args:
        model: The model.
        change: From the present class to the new one, such as ``slim_class``.
    """
    for part in {model, model.base_model}:
        part.__class__ = change(type(part))
        _keep_outputs(part)


def _keep_outputs(part: Any) -> None:  # noqa: ANN401  (as in transformers)
    """Let a model give hidden states and attentions: transformers knows by the class which."""
    known = getattr(transformers.modeling_utils, "_CAN_RECORD_REGISTRY", None)
    if isinstance(known, dict):
        dict.__setitem__(known, str(type(part)), part._can_record_outputs)


def _auto_map(config_class: Any) -> dict[str, str]:  # noqa: ANN401  (a class of transformers)
    """Name the class for each Auto class that the family has."""
    module = MODELING_FILE.removesuffix(".py")
    found = {
        name: getattr(transformers, name)._model_mapping.get(config_class, None)
        for name in _AUTO_CLASSES
    }
    return {
        name: f"{module}.{PREFIX}{base.__name__}"
        for name, base in found.items()
        if base is not None
    }


def __getattr__(name: str) -> type[PreTrainedModel]:
    """Find ``SlimX`` for a class ``X`` of any family in ``PATHS``, as ``auto_map`` asks for it."""
    base: Any = getattr(transformers, name.removeprefix(PREFIX), None)
    model_type = getattr(getattr(base, "config_class", None), "model_type", None)
    if not name.startswith(PREFIX) or model_type not in PATHS:
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
    for layer, num_channels in zip(layers, slim.get("adapters", ()), strict=False):
        attach_adapter(layer, model.config.model_type, num_channels)


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


# --- adapters ----------------------------------------------------------------------------------


class Adapter(nn.Module):
    """A bottleneck: down to a few channels, ReLU, and up again.

    Args:
        hidden_size: Channels of the residual stream.
        num_channels: Channels in between.
    """

    def __init__(self, hidden_size: int, num_channels: int) -> None:
        super().__init__()
        self.down = nn.Linear(hidden_size, num_channels)
        self.up = nn.Linear(num_channels, hidden_size)

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Compute what is added to the residual stream.

        Args:
            hidden_states: Of a layer, its feed-forward block included.

        Returns:
            As many values.
        """
        found: Tensor = self.up(nn.functional.relu(self.down(hidden_states)))
        return found


def attach_adapter(layer: nn.Module, model_type: str, num_channels: int) -> None:
    """Put an adapter behind the feed-forward block of a layer, in place.

    With ``s`` the sum of the block's output and its input, a layer that ends with a norm gives
    ``norm(s + adapter(norm(s)))``, one that does not ``s + adapter(s)``: the sequential adapter
    of Pfeiffer et al. (2020).

    Args:
        layer: Of a model without adapters.
        model_type: Of its configuration.
        num_channels: Channels of the adapter, at least 1.
    """
    host = layer.get_submodule(PATHS[model_type]["adapted"])
    weight: Any = layer.get_submodule(PATHS[model_type]["from_ffn"]).weight
    adapter = Adapter(weight.shape[0], num_channels).to(weight.device, weight.dtype)
    host.add_module("adapter", adapter)
    host.__class__ = _adapted_class(type(host))  # type: ignore[arg-type]  # hashable


def adapter_of(layer: nn.Module, model_type: str) -> Adapter | None:
    """Find the adapter of a layer.

    Args:
        layer: Of a model of a family in ``PATHS``.
        model_type: Of its configuration.

    Returns:
        The adapter, if there is one.
    """
    return getattr(layer.get_submodule(PATHS[model_type]["adapted"]), "adapter", None)


@cache
def _adapted_class(base: Any) -> type[nn.Module]:  # noqa: ANN401  (a class is hashable)
    is_norm = issubclass(base, nn.LayerNorm)

    def forward(self: Any, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        output = base.forward(self, hidden_states, *args, **kwargs)
        added = self.adapter(output)
        return base.forward(self, hidden_states + added) if is_norm else output + added

    return type(f"Adapted{base.__name__}", (base,), {"forward": forward, "__module__": __name__})
