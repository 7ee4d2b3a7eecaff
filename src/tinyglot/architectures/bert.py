"""BERT: multilingual BERT, LaBSE, multilingual-e5-small (whose body is BERT)."""

from tinyglot.architectures.view import EncoderView, Family

LINEAR_PATHS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention_output": "attention.output.dense",
    "ffn_in": "intermediate.dense",
    "ffn_out": "output.dense",
}


class BertView(EncoderView):
    """A BERT encoder, alone or below a head."""

    about = Family(
        name="bert",
        model_types=("bert",),
        examples=("bert-base-multilingual-cased", "intfloat/multilingual-e5-small"),
    )
    embedding_path = "embeddings.word_embeddings"
    layers_path = "encoder.layer"
    linear_paths = LINEAR_PATHS
    lm_head_paths = ("cls.predictions",)
    lm_vocabulary_names = (
        "cls.predictions.decoder.weight",
        "cls.predictions.decoder.bias",
        "cls.predictions.bias",
    )
    unused_tensors = (
        r"^(bert\.)?embeddings\.(position_ids|token_type_ids)$",
        r"^(bert\.)?pooler\.dense\.(weight|bias)$",
        r"^cls\.seq_relationship\.(weight|bias)$",
    )
    lm_tensors = (r"^cls\.predictions\.",)
