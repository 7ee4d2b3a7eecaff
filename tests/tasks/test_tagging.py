import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from tests.tiny import tiny_tokenizer
from tinyglot.data.conll import TaggedSentence
from tinyglot.errors import DataFormatError, SequenceLengthError, UnknownLabelError
from tinyglot.tasks import IGNORED_LABEL, get_task
from tinyglot.tasks.words import special_affixes, word_pieces

NER = get_task("ner")
LABELS = ("O", "B-LOC", "B-PER", "I-LOC", "I-PER")
KINDS = ["wordpiece", "bpe", "bpe_byte_fallback", "unigram"]
TOKENIZERS = {kind: tiny_tokenizer(kind) for kind in KINDS}
ASHA = TaggedSentence(("Mwalimu", "Asha", "anaishi", "Dodoma"), ("O", "B-PER", "O", "B-LOC"))


def gold_logits(encoded):
    """Outputs that say the gold label at first tokens and a wrong one everywhere else."""
    rows = [[label if label != IGNORED_LABEL else 1 for label in e.labels] for e in encoded]
    return [np.eye(len(LABELS), dtype=np.float32)[row] for row in rows]


def test_the_label_stands_on_the_first_token_of_each_word():
    tokenizer = TOKENIZERS["unigram"]
    pieces = word_pieces(tokenizer, ASHA.words)
    [encoded] = NER.encode([ASHA], tokenizer, LABELS, 128)
    expected = [IGNORED_LABEL]
    for word, label in zip(ASHA.words, (0, 2, 0, 1), strict=True):
        expected += [label, *[IGNORED_LABEL] * (len(pieces[word]) - 1)]
    assert encoded.labels == [*expected, IGNORED_LABEL]
    assert max(map(len, pieces.values())) > 1


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_token_ids_are_those_of_transformers(kind):
    tokenizer = TOKENIZERS[kind]
    [encoded] = NER.encode([ASHA], tokenizer, LABELS, 128)
    expected = tokenizer(list(ASHA.words), is_split_into_words=True)["input_ids"]
    assert encoded.input_ids == expected


def test_a_short_sentence_is_one_sequence():
    encoded = NER.encode([ASHA, ASHA], TOKENIZERS["unigram"], LABELS, 128)
    assert [(e.example, e.first_word, e.num_words) for e in encoded] == [(0, 0, 4), (1, 0, 4)]


def test_a_word_longer_than_a_sequence_keeps_its_first_tokens():
    tokenizer = TOKENIZERS["unigram"]
    long = TaggedSentence(("ni", "Mwalimu" * 9, "ni"), ("O", "B-PER", "O"))
    encoded = NER.encode([long], tokenizer, LABELS, 7)
    before, after = special_affixes(tokenizer)
    first_five = word_pieces(tokenizer, long.words)[long.words[1]][:5]
    assert len(encoded) == 3
    assert encoded[1].input_ids == [*before, *first_five, *after]
    assert encoded[1].labels == [IGNORED_LABEL, 2, *[IGNORED_LABEL] * 5]


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
sentences = st.lists(st.tuples(words, st.sampled_from(LABELS)), min_size=1, max_size=40).map(
    lambda pairs: TaggedSentence(tuple(w for w, _ in pairs), tuple(t for _, t in pairs))
)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(examples=st.lists(sentences, min_size=1, max_size=3), max_length=st.integers(3, 30))
def test_stitched_predictions_hold_every_word_exactly_once(kind, examples, max_length):
    encoded = NER.encode(examples, TOKENIZERS[kind], LABELS, max_length)
    places = [
        (e.example, w) for e in encoded for w in range(e.first_word, e.first_word + e.num_words)
    ]
    assert places == [(i, w) for i, e in enumerate(examples) for w in range(len(e.words))]
    assert all(len(e.input_ids) == len(e.labels) <= max_length for e in encoded)
    predicted = NER.decode(encoded, gold_logits(encoded), LABELS)
    assert predicted == [example.tags for example in examples]


def test_sequences_may_be_decoded_in_any_order():
    examples = [ASHA, TaggedSentence(("ndiyo",) * 30, ("O",) * 29 + ("B-PER",))]
    encoded = NER.encode(examples, TOKENIZERS["unigram"], LABELS, 12)
    assert len(encoded) > 3
    predicted = NER.decode(encoded[::-1], gold_logits(encoded)[::-1], LABELS)
    assert predicted == [example.tags for example in examples]


def test_lists_every_label_that_the_model_does_not_know():
    other = TaggedSentence(("Mei", "2024", "Umoja"), ("B-DATE", "I-DATE", "B-ORG"))
    expected = (
        r"3 label\(s\)[\s\S]*B-DATE \(1x\), I-DATE \(1x\), B-ORG \(1x\)[\s\S]*'Mei 2024 Umoja'"
    )
    with pytest.raises(UnknownLabelError, match=expected):
        NER.encode([ASHA, other], TOKENIZERS["unigram"], LABELS, 128)


def test_refuses_a_maximum_length_without_room():
    with pytest.raises(SequenceLengthError, match="2 tokens"):
        NER.encode([ASHA], TOKENIZERS["unigram"], LABELS, 2)


def test_refuses_outputs_that_are_not_as_many_as_the_labels():
    encoded = NER.encode([ASHA], TOKENIZERS["unigram"], LABELS, 128)
    with pytest.raises(UnknownLabelError, match=r"5 outputs a token[\s\S]*3, one for each of O"):
        NER.decode(encoded, gold_logits(encoded), LABELS[:3])


def test_refuses_labels_without_names():
    with pytest.raises(UnknownLabelError, match=r"'LABEL_0', 'LABEL_1'[\s\S]*B-TYPE"):
        NER.encode([ASHA], TOKENIZERS["unigram"], ("LABEL_0", "LABEL_1"), 128)


def test_refuses_a_label_given_twice():
    with pytest.raises(UnknownLabelError, match=r"1 label[\s\S]*'O'"):
        NER.decode([], [], ("O", "B-PER", "O"))


@pytest.mark.parametrize(
    ("predicted", "first"), [([], 0), ([("O",) * 4], 1), ([("O",) * 4, ("O",)], 1)]
)
def test_refuses_to_compare_other_sentences(predicted, first):
    with pytest.raises(DataFormatError, match=f"difference is at sentence {first}"):
        NER.count([ASHA, ASHA], predicted)
