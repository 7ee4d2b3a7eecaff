"""Tags of all tokens of a word, by which published code scores instead of by words."""

from collections.abc import Sequence
from typing import Self

from tinyglot.errors import DataFormatError

Tags = tuple[str, ...]


class TokenTags(tuple[str, ...]):
    """One tag a word, that of its first token, and beside it one tag a token.

    Args:
        tokens: Predicted tags of the tokens of each word, at least one a word.

    Attributes:
        tokens: The same.

    Example:
        >>> TokenTags([("B-LOC", "I-LOC"), ("O",)])
        ('B-LOC', 'O')
    """

    tokens: tuple[Tags, ...]

    def __new__(cls, tokens: Sequence[Tags]) -> Self:
        """Take the tag of each word from its first token."""
        tags = super().__new__(cls, (word[0] for word in tokens))
        tags.tokens = tuple(tokens)
        return tags


def by_token(gold: Sequence[str], predicted: Sequence[str]) -> tuple[list[str], list[str]]:
    """Give one tag a token: the correct one of a word stands on all of its tokens.

    So a two-token ``B-PER`` becomes ``B-PER B-PER``, as in the published code.

    Args:
        gold: Correct tags of the words of a sentence.
        predicted: ``TokenTags`` of as many words.

    Returns:
        Correct tags and predicted tags of the tokens.

    Raises:
        DataFormatError: If the predictions are of words only.

    Example:
        >>> by_token(("B-PER", "O"), TokenTags([("B-PER", "I-PER"), ("O",)]))
        (['B-PER', 'B-PER', 'O'], ['B-PER', 'I-PER', 'O'])
    """
    if not isinstance(predicted, TokenTags):
        raise DataFormatError(
            "Could not count tags of tokens: the predictions are of words only.",
            got=f"{type(predicted).__name__} of {len(predicted)} words",
            expected="predictions that a task with published_metric: true has decoded",
            fix="decode with the same task, or leave out published_metric",
        )
    words = list(zip(gold, predicted.tokens, strict=True))
    correct = [tag for tag, tokens in words for _ in tokens]
    return correct, [tag for _, tokens in words for tag in tokens]
