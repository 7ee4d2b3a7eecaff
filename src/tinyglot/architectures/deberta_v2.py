"""DeBERTa-v2 and v3 (mDeBERTa), with relative positions shared by all layers."""

from tinyglot.architectures.view import EncoderView, Family

LINEAR_PATHS = {
    "query": "attention.self.query_proj",
    "key": "attention.self.key_proj",
    "value": "attention.self.value_proj",
    "position_key": "attention.self.pos_key_proj",
    "position_query": "attention.self.pos_query_proj",
    "attention_output": "attention.output.dense",
    "ffn_in": "intermediate.dense",
    "ffn_out": "output.dense",
}


class DebertaV2View(EncoderView):
    """A DeBERTa-v2 or v3 encoder, alone or below a head.

    The relative position embeddings and the convolution of the v2 XL models belong to the encoder:
    they stay when layers go, and the convolution follows the first layer that is left.
    """

    about = Family(
        name="deberta_v2",
        model_types=("deberta-v2",),
        examples=("microsoft/mdeberta-v3-base",),
    )
    embedding_path = "embeddings.word_embeddings"
    layers_path = "encoder.layer"
    linear_paths = LINEAR_PATHS
    hidden_fields = ("hidden_size", "pooler_hidden_size")
    lm_head_paths = ("cls.predictions", "lm_predictions")
    lm_vocabulary_names = (
        "cls.predictions.decoder.weight",
        "cls.predictions.decoder.bias",
        "cls.predictions.bias",
        "lm_predictions.lm_head.bias",
    )
    unused_tensors = (
        r"^(deberta\.)?embeddings\.position_ids$",
        r"^mask_predictions\.",
    )
    lm_tensors = (r"^cls\.predictions\.", r"^lm_predictions\.")

    @property
    def is_tied(self) -> bool:
        """Whether the LM head uses the word embedding matrix; the new head always does."""
        return hasattr(self.model, "lm_predictions") or super().is_tied
