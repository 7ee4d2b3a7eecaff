"""What every other part may ask of an encoder, whatever its family."""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, cast

from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from tinyglot.architectures.slim import adapter_of, head_dim

TASK_HEADS = ("classifier", "qa_outputs")


class VocabularyTensor(NamedTuple):
    """A parameter with one entry per token id along one of its dimensions.

    Attributes:
        name: As in ``model.named_parameters(remove_duplicate=False)``.
        dim: The dimension that runs over the vocabulary.
    """

    name: str
    dim: int


@dataclass(frozen=True)
class Family:
    """One row of ``tinyglot ls architectures``.

    Attributes:
        name: Our name of the family, which is its file in ``architectures/``.
        model_types: Values of ``model_type`` in ``config.json`` that belong to it.
        examples: Well-known checkpoints.
    """

    name: str
    model_types: tuple[str, ...]
    examples: tuple[str, ...]


class EncoderView(ABC):
    """The parts of one model under names that are the same for all families.

    A view holds no state of its own: it reads the model it was made for. The class attributes are
    what a family's file fills in.

    Args:
        model: The model to look at. It is not changed.

    Attributes:
        about: The family, for people.
        embedding_path: The word embeddings, from the encoder.
        layers_path: The list of layers, from the encoder.
        linear_paths: The linear modules by role, from a layer.
        attention_path: The module that splits the channels into heads, from a layer.
        ffn_field: The field of the configuration with the inner width of the layers.
        hidden_fields: The fields of the configuration that say the hidden size.
        lm_head_paths: Where an LM head may be, from the model.
        lm_vocabulary_names: Parameters of an LM head with a vocabulary axis, from the model.
        lm_tensors: Patterns of the checkpoint tensors of an LM head.
        unused_tensors: Patterns of checkpoint tensors that some classes of the family lack.
        pinned_layers: Layers that must stay in place, because their place decides what they do.
        has_rotary_positions: Whether pairs of a head's channels are rotated by the position.
        norm_readers: In a layer that normalises what it reads and not what it hands on: the linear
            module behind each norm, from the layer; empty for layers that do the reverse.
    """

    about: ClassVar[Family]
    embedding_path: ClassVar[str]
    layers_path: ClassVar[str]
    linear_paths: ClassVar[Mapping[str, str]]
    attention_path: ClassVar[str] = "attention.self"
    ffn_field: ClassVar[str] = "intermediate_size"
    hidden_fields: ClassVar[tuple[str, ...]] = ("hidden_size",)
    lm_head_paths: ClassVar[tuple[str, ...]]
    lm_vocabulary_names: ClassVar[tuple[str, ...]]
    lm_tensors: ClassVar[tuple[str, ...]]
    unused_tensors: ClassVar[tuple[str, ...]]
    pinned_layers: ClassVar[tuple[int, ...]] = ()
    has_rotary_positions: ClassVar[bool] = False
    norm_readers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model

    @property
    def family(self) -> str:
        """The family's name, such as ``"xlm_roberta"``."""
        return self.about.name

    @property
    def config(self) -> PreTrainedConfig:
        """The model's configuration."""
        return self.model.config

    @property
    def encoder(self) -> PreTrainedModel:
        """The model without its head; the model itself where it has none."""
        return cast(PreTrainedModel, self.model.base_model)

    @property
    def word_embeddings(self) -> nn.Embedding:
        """The embedding of token ids."""
        return cast(nn.Embedding, self.encoder.get_submodule(self.embedding_path))

    @property
    def num_token_ids(self) -> int:
        """Rows of the word embeddings."""
        return int(self.word_embeddings.weight.shape[0])

    @property
    def layers(self) -> nn.ModuleList:
        """The layers in the order in which they run."""
        return cast(nn.ModuleList, self.encoder.get_submodule(self.layers_path))

    @property
    def hidden_size(self) -> int:
        """Channels of the residual stream."""
        return int(self.linear_modules()[0]["ffn_out"].out_features)

    @property
    def embedding_size(self) -> int:
        """Channels of the word embeddings; fewer than the hidden size behind a bottleneck."""
        return int(self.word_embeddings.embedding_dim)

    @property
    def head_dim(self) -> int:
        """Channels of one attention head, the same in all layers."""
        return head_dim(self.attention(0))

    @property
    def num_heads(self) -> tuple[int, ...]:
        """Attention heads of each layer, as its matrices have them."""
        widths = (roles["attention_output"].in_features for roles in self.linear_modules())
        return tuple(width // self.head_dim for width in widths)

    @property
    def ffn_sizes(self) -> tuple[int, ...]:
        """Neurons of each layer, as its matrices have them."""
        return tuple(roles["ffn_out"].in_features for roles in self.linear_modules())

    @property
    def adapter_sizes(self) -> tuple[int, ...]:
        """Channels of the adapter of each layer; empty for a model without adapters."""
        found = (adapter_of(layer, self.config.model_type) for layer in self.layers)
        return tuple(int(adapter.down.out_features) for adapter in found if adapter is not None)

    @property
    def lm_head(self) -> nn.Module | None:
        """What turns hidden states into one logit per token id, if the model has it."""
        return next(filter(None, (_find(self.model, path) for path in self.lm_head_paths)), None)

    @property
    def task_head(self) -> nn.Module | None:
        """The last module of a classifier or tagger, if the model has one."""
        return next(filter(None, (_find(self.model, name) for name in TASK_HEADS)), None)

    @property
    def is_tied(self) -> bool:
        """Whether the LM head uses the word embedding matrix; false without an LM head."""
        tensors = self.named_tensors()
        weights = [tensors[name] for name, _ in self.vocabulary_tensors()[1:]]
        return any(weight is self.word_embeddings.weight for weight in weights)

    @property
    def pinned_token_ids(self) -> tuple[int, ...]:
        """Token ids that must keep their number, because the model computes with it."""
        return ()

    @property
    def ignorable_tensors(self) -> tuple[str, ...]:
        """Patterns of checkpoint tensors that this model rightly does without."""
        return self.unused_tensors + (self.lm_tensors if self.lm_head is None else ())

    def named_tensors(self) -> dict[str, Tensor]:
        """Give all parameters and buffers by name, shared ones under each of their names."""
        parameters = dict(self.model.named_parameters(remove_duplicate=False))
        return {**parameters, **dict(self.model.named_buffers(remove_duplicate=False))}

    def vocabulary_tensors(self) -> tuple[VocabularyTensor, ...]:
        """List every tensor with a vocabulary axis, the word embeddings first.

        Returns:
            Names with their dimension; a tied tensor appears under each of its names.
        """
        prefix = "" if self.encoder is self.model else self.model.base_model_prefix + "."
        tensors = self.named_tensors()
        names = (f"{prefix}{self.embedding_path}.weight", *self.lm_vocabulary_names)
        return tuple(VocabularyTensor(name, 0) for name in names if name in tensors)

    def token_id_fields(self) -> tuple[str, ...]:
        """List the fields of the configuration that hold token ids.

        Returns:
            Names such as ``pad_token_id``, sorted, of fields that are set.
        """
        fields = vars(self.config).items()
        return tuple(sorted(n for n, v in fields if n.endswith("_token_id") and v is not None))

    def layer_config(self, kept_layers: Sequence[int]) -> dict[str, Any]:
        """Work out the configuration of a model that has only some of the layers.

        Args:
            kept_layers: Layer indices, increasing.

        Returns:
            Fields to set, with their new values.
        """
        return {"num_hidden_layers": len(kept_layers)}

    def replace_layers(self, layers: Sequence[nn.Module]) -> None:
        """Put other layers in place of the model's own, and tell each its new index.

        Changes the model in place; the configuration is left to the caller.

        Args:
            layers: The new layers in the order in which they run.
        """
        parent, _, name = self.layers_path.rpartition(".")
        setattr(self.encoder.get_submodule(parent), name, nn.ModuleList(layers))
        self.relabel_layers()

    def relabel_layers(self) -> None:
        """Set every stored layer index to the layer's present place, in place."""
        for index, layer in enumerate(self.layers):
            for module in layer.modules():
                if hasattr(module, "layer_idx"):
                    cast(Any, module).layer_idx = index

    def attention(self, layer: int) -> nn.Module:
        """Find the module that splits a layer's channels into heads.

        Args:
            layer: The layer's index.

        Returns:
            The module with the fields ``head_dim`` or ``attention_head_size``.
        """
        return self.layers[layer].get_submodule(self.attention_path)

    def linear_modules(self) -> tuple[dict[str, nn.Linear], ...]:
        """Give the linear modules of every layer by role.

        Returns:
            One dictionary a layer, with the roles ``query``, ``key``, ``value``,
            ``attention_output``, ``ffn_in``, ``ffn_out`` and what the family has beside or instead
            of them (``qkv`` where the three are fused, ``position_key``, ``position_query``).
        """
        return tuple(self._linear_modules(layer) for layer in self.layers)

    def _linear_modules(self, layer: nn.Module) -> dict[str, nn.Linear]:
        found = {role: _find(layer, path) for role, path in self.linear_paths.items()}
        return {role: module for role, module in found.items() if isinstance(module, nn.Linear)}


def _find(root: nn.Module, path: str) -> nn.Module | None:
    module: nn.Module | None = root
    for name in path.split("."):
        module = getattr(module, name, None)
    return module
