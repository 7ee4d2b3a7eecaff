"""Slices the vocabulary as planned, and checks that nothing else changed."""

from itertools import islice

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.data.text import TextSource
from tinyglot.errors import PlanOutdatedError
from tinyglot.methods.contract import Context
from tinyglot.methods.vocabulary_trimming.plan import VocabularyTrimmingPlan
from tinyglot.methods.vocabulary_trimming.verify import verify_hidden_states, verify_pieces
from tinyglot.surgery import gather_vocabulary
from tinyglot.tokenizers import ParsedTokenizer

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
        PlanOutdatedError: If the plan was made for another model or tokenizer.
        TokenIdRangeError: If a token would be lost that is needed.
        ParityError: If text whose tokens are all kept is split or computed differently.
    """
    parsed = ParsedTokenizer(tokenizer)
    _check_plan(plan, view(model).num_token_ids, parsed.digest)
    smaller_tokenizer = parsed.trim(plan.kept_token_ids)
    smaller_model = gather_vocabulary(model, torch.tensor(plan.kept_token_ids))
    verify_pieces(tokenizer, smaller_tokenizer, plan.kept_token_ids, _first_lines(context))
    verify_hidden_states(model, smaller_model, plan.kept_token_ids)
    return smaller_model, smaller_tokenizer


def _first_lines(context: Context) -> list[str]:
    sources = (TextSource(paths) for paths in context.text.values() if paths)
    return [line for source in sources for line in islice(source.lines(), _LINES_TO_CHECK)]


def _check_plan(plan: VocabularyTrimmingPlan, num_rows: int, digest: str) -> None:
    if (plan.num_rows_before, plan.vocabulary_digest) != (num_rows, digest):
        raise PlanOutdatedError(
            "Could not trim the vocabulary: the plan was made for another model or tokenizer.",
            got=f"{num_rows} rows, tokens {digest}",
            expected=f"{plan.num_rows_before} rows, tokens {plan.vocabulary_digest}",
            fix="plan again with this model and its tokenizer",
        )
