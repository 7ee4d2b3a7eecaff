import hypothesis.strategies as st
from hypothesis import given
from seqeval.metrics.sequence_labeling import get_entities

from tinyglot.data.iob import is_legal_tag, spans, to_iob2

TYPES = ("PER", "LOC", "GEO-POL")
TAGS = ["O", *(f"{prefix}-{name}" for prefix in "BIES" for name in TYPES)]


def tag_sequences(tags=tuple(TAGS)):
    return st.lists(st.sampled_from(tags), max_size=12)


@given(tag_sequences())
def test_spans_are_those_of_seqeval_in_default_mode(tags):
    seqeval_spans = [(name, first, last + 1) for name, first, last in get_entities(tags)]
    assert spans(tags) == seqeval_spans


@given(st.lists(tag_sequences(), max_size=4))
def test_conversion_to_iob2_keeps_every_span(sentences):
    converted = to_iob2(sentences).tags
    assert [spans(tags) for tags in converted] == [spans(tags) for tags in sentences]


@given(st.lists(tag_sequences(), max_size=4))
def test_conversion_leaves_iob2_as_it_is(sentences):
    once = to_iob2(sentences)
    again = to_iob2(once.tags)
    assert again.tags == once.tags
    assert again.num_repaired == 0


def test_iob1_writes_b_only_between_neighbours():
    converted = to_iob2([["I-PER", "I-PER", "B-PER", "O", "I-LOC"]])
    assert converted.tags == [("B-PER", "I-PER", "B-PER", "O", "B-LOC")]
    assert (converted.scheme, converted.num_spans, converted.num_repaired) == ("IOB1", 3, 0)


def test_iobes_becomes_iob2():
    converted = to_iob2([["B-PER", "I-PER", "E-PER", "S-LOC", "O"]])
    assert converted.tags == [("B-PER", "I-PER", "I-PER", "B-LOC", "O")]
    assert (converted.scheme, converted.num_spans, converted.num_repaired) == ("IOBES", 2, 0)


def test_bilou_becomes_iob2():
    converted = to_iob2([["B-PER", "L-PER", "U-LOC", "U-LOC"]])
    assert converted.tags == [("B-PER", "I-PER", "B-LOC", "B-LOC")]
    assert (converted.scheme, converted.num_spans, converted.num_repaired) == ("BILOU", 3, 0)


def test_an_i_without_beginning_is_repaired_and_counted_in_iob2():
    converted = to_iob2([["B-PER", "O", "I-PER"], ["B-LOC", "I-PER", "I-PER"]])
    assert converted.tags == [("B-PER", "O", "B-PER"), ("B-LOC", "B-PER", "I-PER")]
    assert (converted.scheme, converted.num_spans, converted.num_repaired) == ("IOB2", 4, 2)


def test_an_i_at_the_beginning_of_a_sentence_does_not_see_the_sentence_before():
    assert to_iob2([["B-PER"], ["I-PER", "O", "B-PER"]]).tags[1] == ("B-PER", "O", "B-PER")


def test_only_tags_with_a_known_prefix_and_a_type_are_legal():
    legal = ["O", "B-PER", "I-a", "E-X", "S-X", "L-X", "U-X", "B-GEO-POL"]
    illegal = ["", "o", "0", "B", "B-", "PER", "X-PER", "B_PER", "b-PER", "IPER"]
    assert [tag for tag in legal + illegal if is_legal_tag(tag)] == legal
