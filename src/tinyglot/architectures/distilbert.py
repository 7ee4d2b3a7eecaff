"""DistilBERT: distilbert-base-multilingual-cased."""

from typing import Any, cast

from tinyglot.architectures.view import EncoderView, Family

LINEAR_PATHS = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "attention_output": "attention.out_lin",
    "ffn_in": "ffn.lin1",
    "ffn_out": "ffn.lin2",
}


class DistilBertView(EncoderView):
    """A DistilBERT encoder, alone or below a head."""

    about = Family(
        name="distilbert",
        model_types=("distilbert",),
        examples=("distilbert-base-multilingual-cased",),
    )
    embedding_path = "embeddings.word_embeddings"
    layers_path = "transformer.layer"
    linear_paths = LINEAR_PATHS
    attention_path = "attention"
    ffn_field = "hidden_dim"
    lm_head_paths = ("vocab_projector",)
    lm_vocabulary_names = ("vocab_projector.weight", "vocab_projector.bias")
    unused_tensors = (r"^(distilbert\.)?embeddings\.position_ids$",)
    lm_tensors = (r"^vocab_(transform|layer_norm|projector)\.(weight|bias)$",)

    def relabel_layers(self) -> None:
        """Tell the transformer how many layers it has; the layers store no index."""
        cast(Any, self.encoder).transformer.n_layers = len(self.layers)
