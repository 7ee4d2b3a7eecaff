"""Which rows of the embedding each language needs, by the tokens of its data and text."""

from collections.abc import Iterable, Iterator

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.checkpoints.elastic import LanguageRows
from tinyglot.data.text import TextSource
from tinyglot.data.token_counts import count_tokens
from tinyglot.languages import language
from tinyglot.methods.contract import Context
from tinyglot.surgery import needed_token_ids
from tinyglot.tasks.words import sequence_limit
from tinyglot.tokenizers import ParsedTokenizer
from tinyglot.training import TaskTrainingOptions
from tinyglot.training.corpus import task_of, training_sentences


def rows_by_language(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    options: TaskTrainingOptions,
    context: Context,
    labels: tuple[str, ...],
) -> dict[str, LanguageRows]:
    """Count the tokens of every language's training data and text.

    Args:
        model: Names tokens that must stay.
        tokenizer: Its tokenizer.
        options: Resolved options; say the data.
        context: Gives the seed, and text where there is some.
        labels: In the order of their ids.

    Returns:
        Special tokens and the characters of each language's script, then the tokens that occur,
        the most frequent first.
    """
    parsed = ParsedTokenizer(tokenizer)
    task = task_of(options)
    needed = parsed.close(parsed.required_token_ids | needed_token_ids(model))
    limit = sequence_limit(tokenizer, options.max_length)
    rows = {}
    for tag, sentences in training_sentences(task, options, context.seed).items():
        encoded = task.training_sequences(sentences, tokenizer, labels, limit)
        counts = _counts((each.input_ids for each in encoded), len(tokenizer))
        if tag in context.text:
            counts[: len(tokenizer)] += count_tokens(
                tokenizer, TextSource(context.text[tag])
            ).counts
        characters = parsed.character_token_ids({language(tag).script})
        required = parsed.close(needed | characters)
        ids = (*sorted(required), *_by_frequency(counts, required, parsed))
        rows[tag] = LanguageRows(num_required=len(required), token_ids=ids)
    return rows


def _counts(id_lists: Iterable[Iterable[int]], size: int) -> np.ndarray:
    counts = np.zeros(size, dtype=np.int64)
    for ids in id_lists:
        np.add.at(counts, np.asarray(list(ids), dtype=np.int64), 1)
    return counts


def _by_frequency(
    counts: np.ndarray, required: frozenset[int], parsed: ParsedTokenizer
) -> Iterator[int]:
    """Give further tokens by falling count, and before each what it is made from."""
    seen = set(required)
    order = np.argsort(-counts, kind="stable")
    for token_id in order[: int(np.count_nonzero(counts))].tolist():
        # what a token is made from is made from less than the token itself
        for each in sorted(
            parsed.close((token_id,)) - seen, key=lambda i: (len(parsed.close((i,))), i)
        ):
            seen.add(each)
            yield each
