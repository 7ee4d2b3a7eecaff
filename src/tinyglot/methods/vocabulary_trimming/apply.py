"""Slices the vocabulary as planned, and checks that nothing else changed."""

from itertools import islice

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.data.text import TextSource
from tinyglot.methods.contract import Context
from tinyglot.methods.vocabulary_trimming.plan import VocabularyTrimmingPlan
from tinyglot.methods.vocabulary_trimming.verify import verify_trim
from tinyglot.surgery import gather_vocabulary
from tinyglot.tokenizers import trim_tokenizer

_LINES_TO_CHECK = 32


def apply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    plan: VocabularyTrimmingPlan,
    context: Context,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Remove the tokens that are not kept from model and tokenizer.

    Row ``i`` of every matrix with a vocabulary axis is old row ``plan.kept_token_ids[i]``. Neither
    input is changed.

    Args:
        model: The model the plan was made for.
        tokenizer: Its tokenizer.
        plan: Which tokens stay.
        context: Its text is used to check the result.

    Returns:
        The smaller model and its tokenizer.

    Raises:
        TokenIdRangeError: If the plan does not fit the model or the tokenizer.
        ParityError: If a line whose tokens are all kept is split or computed differently.
    """
    smaller_tokenizer = trim_tokenizer(tokenizer, plan.kept_token_ids)
    smaller_model = gather_vocabulary(model, torch.tensor(plan.kept_token_ids))
    lines = [
        line
        for paths in context.text.values()
        for line in islice(TextSource(paths).lines(), _LINES_TO_CHECK)
    ]
    verify_trim((model, tokenizer), (smaller_model, smaller_tokenizer), plan.kept_token_ids, lines)
    return smaller_model, smaller_tokenizer
