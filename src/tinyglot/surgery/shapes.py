"""What a model says of itself after its matrices were cut: ordinary where that is possible."""

from torch import nn
from transformers import PreTrainedModel

from tinyglot.architectures import EncoderView, view
from tinyglot.architectures.slim import (
    is_slim,
    ordinary_class,
    set_class,
    set_num_heads,
    slim_class,
)


def settle_shape(model: PreTrainedModel) -> None:
    """Make modules, class and configuration say what the matrices are, in place.

    Where an ordinary configuration can express the sizes, it does. Where the layers differ, the
    heads do not fill the hidden size, or there are adapters, the model becomes one of a ``Slim``
    class, and ``config.slim`` says its sizes. The configuration of a model with adapters asks for
    one neuron too many, so that whoever does not run that class gets an error about sizes and not
    the model without its adapters.

    Args:
        model: A model of a supported family; its hidden size is a multiple of its head size.
    """
    encoder = view(model)
    _resize_modules(encoder)
    config = encoder.config
    for field in encoder.hidden_fields:
        setattr(config, field, encoder.hidden_size)
    if getattr(config, "embedding_size", None) is not None:
        config.embedding_size = encoder.embedding_size
    config.num_attention_heads = encoder.hidden_size // encoder.head_dim
    setattr(config, encoder.ffn_field, max(encoder.ffn_sizes) + bool(encoder.adapter_sizes))
    if not is_stock_shape(encoder):
        config.slim = _sizes(encoder)
        set_class(model, slim_class)
    elif is_slim(type(model)):
        for field in ("slim", "auto_map"):
            vars(config).pop(field, None)
        set_class(model, ordinary_class)


def _sizes(encoder: EncoderView) -> dict[str, list[int]]:
    sizes = {"heads": list(encoder.num_heads), "ffn": list(encoder.ffn_sizes)}
    adapters = list(encoder.adapter_sizes)
    return {**sizes, "adapters": adapters} if adapters else sizes


def _resize_modules(new: EncoderView) -> None:
    """Set the sizes that modules store beside their weights."""
    for module in new.model.modules():
        if isinstance(module, nn.Linear):
            module.out_features, module.in_features = module.weight.shape
        elif isinstance(module, nn.Embedding):
            module.embedding_dim = module.weight.shape[1]
        elif isinstance(module, nn.LayerNorm):
            module.normalized_shape = tuple(module.weight.shape)
        elif isinstance(module, nn.Conv1d):
            module.out_channels, module.in_channels = module.weight.shape[:2]
    for layer, num_heads in enumerate(new.num_heads):
        set_num_heads(new.attention(layer), num_heads)


def is_stock_shape(encoder: EncoderView) -> bool:
    """Tell whether an ordinary configuration can express the sizes of a model's layers.

    Args:
        encoder: The view of the model.

    Returns:
        Whether all layers are alike, the heads fill the hidden size, and there are no adapters.
    """
    heads = set(encoder.num_heads)
    fills = heads == {encoder.hidden_size // encoder.head_dim}
    return fills and len(set(encoder.ffn_sizes)) == 1 and not encoder.adapter_sizes
