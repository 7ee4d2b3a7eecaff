"""ModernBERT (mmBERT): global and local layers in turn, no attention norm in layer 0."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tinyglot.architectures.view import EncoderView, Family

FULL = "full_attention"

LINEAR_PATHS = {
    "qkv": "attn.Wqkv",
    "attention_output": "attn.Wo",
    "ffn_in": "mlp.Wi",
    "ffn_out": "mlp.Wo",
}


class ModernBertView(EncoderView):
    """A ModernBERT encoder, alone or below a head.

    transformers gives layer 0 no attention norm, whatever the weights say. So layer 0 must stay
    layer 0: another layer in its place would lose its norm when the checkpoint is loaded again,
    without an error. Global and local attention belong to the layer and move with it.
    """

    about = Family(
        name="modernbert",
        model_types=("modernbert",),
        examples=("jhu-clsp/mmBERT-small", "jhu-clsp/mmBERT-base"),
    )
    embedding_path = "embeddings.tok_embeddings"
    layers_path = "layers"
    linear_paths = LINEAR_PATHS
    attention_path = "attn"
    lm_head_paths = ("decoder",)
    lm_vocabulary_names = ("decoder.weight", "decoder.bias")
    unused_tensors = ()
    lm_tensors = (r"^(head|decoder)\.",)
    pinned_layers = (0,)
    has_rotary_positions = True
    norm_readers: ClassVar[Mapping[str, str]] = {"attn_norm": "attn.Wqkv", "mlp_norm": "mlp.Wi"}

    def layer_config(self, kept_layers: Sequence[int]) -> dict[str, Any]:
        """Gather ``layer_types`` too, so that each layer keeps its kind of attention.

        Args:
            kept_layers: Layer indices, increasing.

        Returns:
            Fields to set, with their new values.
        """
        layer_types = [self.config.layer_types[index] for index in kept_layers]
        fields = super().layer_config(kept_layers) | {"layer_types": layer_types}
        if getattr(self.config, "global_attn_every_n_layers", None) is not None:
            # Only transformers 4 reads it, and would take it for the truth.
            fields["global_attn_every_n_layers"] = _global_every(layer_types)
        return fields


def _global_every(layer_types: Sequence[str]) -> int | None:
    """Find n such that exactly the layers 0, n, 2n … are global; None if there is none."""
    is_global = [layer_type == FULL for layer_type in layer_types]
    for n in range(1, len(is_global) + 1):
        if is_global == [index % n == 0 for index in range(len(is_global))]:
            return n
    return None
