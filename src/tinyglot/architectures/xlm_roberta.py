"""XLM-RoBERTa and RoBERTa, whose position ids are counted from the padding id."""

from tinyglot.architectures.bert import LINEAR_PATHS
from tinyglot.architectures.view import EncoderView, Family


class XlmRobertaView(EncoderView):
    """An XLM-RoBERTa or RoBERTa encoder, alone or below a head."""

    about = Family(
        name="xlm_roberta",
        model_types=("xlm-roberta", "roberta"),
        examples=("FacebookAI/xlm-roberta-base", "intfloat/multilingual-e5-base"),
    )
    embedding_path = "embeddings.word_embeddings"
    layers_path = "encoder.layer"
    linear_paths = LINEAR_PATHS
    lm_head_paths = ("lm_head",)
    lm_vocabulary_names = ("lm_head.decoder.weight", "lm_head.decoder.bias", "lm_head.bias")
    unused_tensors = (
        r"^(roberta\.)?embeddings\.(position_ids|token_type_ids)$",
        r"^(roberta\.)?pooler\.dense\.(weight|bias)$",
    )
    lm_tensors = (r"^lm_head\.",)

    @property
    def pinned_token_ids(self) -> tuple[int, ...]:
        """The padding id and all below it: position 0 is embedded in row ``padding id + 1``."""
        padding_id = self.word_embeddings.padding_idx
        return () if padding_id is None else tuple(range(padding_id + 1))
