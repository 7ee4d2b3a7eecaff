"""Whether a student can learn from a teacher what the objectives say."""

from collections.abc import Sequence

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tinyglot.architectures import view
from tinyglot.errors import MissingInputError, VocabularyMismatchError
from tinyglot.training.distillation.options import ON_LOGITS, MaskedLmObjective, Objective

_TRIM_FIRST = (
    "trim first, then distil on equal ids: take a teacher trimmed by the same step, such as "
    "teacher: step:vocabulary_trimming"
)


def check_same_vocabulary(
    student: PreTrainedTokenizerFast, teacher: PreTrainedTokenizerFast
) -> None:
    """Refuse tokenizers that give a token id to different pieces.

    Args:
        student: The student's tokenizer.
        teacher: The teacher's.

    Raises:
        VocabularyMismatchError: Names the first token id that differs.
    """
    own, taught = _pieces(student), _pieces(teacher)
    different = [i for i in sorted(own.keys() | taught.keys()) if own.get(i) != taught.get(i)]
    if different:
        first = different[0]
        raise VocabularyMismatchError(
            f"Could not distil: {len(different):,} token id(s) of student and teacher are not the "
            "same piece.",
            got=f"token id {first}: {_named(own.get(first))} of the student's {len(own):,} pieces, "
            f"{_named(taught.get(first))} of the teacher's {len(taught):,}",
            expected="the same piece for each token id",
            fix=_TRIM_FIRST,
        )


def _pieces(tokenizer: PreTrainedTokenizerFast) -> dict[int, str]:
    return {token_id: piece for piece, token_id in tokenizer.get_vocab().items()}


def _named(piece: str | None) -> str:
    return "none" if piece is None else repr(piece)


def check_pair(
    student: PreTrainedModel, teacher: PreTrainedModel, objectives: Sequence[Objective]
) -> None:
    """Refuse models that cannot be compared on the same token ids.

    Args:
        student: The student, with or without the head that it is trained with.
        teacher: The teacher.
        objectives: The parts.

    Raises:
        MissingInputError: If the teacher lacks an LM head that is needed.
        VocabularyMismatchError: If they have different numbers of token ids.
    """
    sizes = view(student).num_token_ids, view(teacher).num_token_ids
    if sizes[0] != sizes[1]:
        raise VocabularyMismatchError(
            "Could not distil: student and teacher have different numbers of token ids.",
            got=f"{sizes[0]:,} token ids of the student, {sizes[1]:,} of the teacher",
            expected="embeddings with as many rows",
            fix=_TRIM_FIRST,
        )
    if any(isinstance(o, ON_LOGITS) and not isinstance(o, MaskedLmObjective) for o in objectives):
        check_head("teacher", teacher)


def check_head(whose: str, model: PreTrainedModel) -> None:
    """Refuse a model without LM head.

    Args:
        whose: Student or teacher.
        model: The model.

    Raises:
        MissingInputError: If it has none.
    """
    if view(model).lm_head is None:
        raise MissingInputError(
            f"Could not distil logits: the {whose} has no masked-LM head.",
            got=type(model).__name__,
            expected=f"a {whose} with a masked-LM head",
            fix="give the result of a step adaptation, such as teacher: step:adaptation; or distil "
            "relations, hidden_states or embeddings, which need no head",
        )
