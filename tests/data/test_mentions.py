from tinyglot.data.conll import TaggedSentence
from tinyglot.data.mentions import (
    EntityOverlap,
    Mention,
    entity_overlap,
    mentions_of,
    surfaces_by_type,
)


def sentence(text: str) -> TaggedSentence:
    """Make a sentence of ``word/TAG`` words."""
    words, tags = zip(*(word.rsplit("/", 1) for word in text.split()), strict=True)
    return TaggedSentence(words, tags)


def test_mentions_are_found_with_their_words_and_place():
    found = mentions_of(sentence("Asha/B-PER Juma/I-PER yupo/O Dodoma/B-LOC Juma/B-PER"))
    assert found == [
        Mention("PER", ("Asha", "Juma"), 0),
        Mention("LOC", ("Dodoma",), 3),
        Mention("PER", ("Juma",), 4),
    ]
    assert [mention.end for mention in found] == [2, 4, 5]


def test_each_way_to_write_a_mention_is_collected_once():
    found = surfaces_by_type([sentence("Juma/B-PER na/O Juma/B-PER juma/B-PER Juma/B-LOC")])
    assert found == {"PER": {("Juma",), ("juma",)}, "LOC": {("Juma",)}}


def test_overlap_counts_mentions_of_the_same_words_and_type():
    test = [sentence("Juma/B-PER Juma/B-PER Dodoma/B-LOC Kano/B-PER Asha/B-PER Juma/I-PER")]
    train = [sentence("Juma/B-PER Kano/B-LOC Asha/B-PER"), sentence("Dodoma/B-LOC yupo/O")]
    assert entity_overlap(test, train) == EntityOverlap(num_mentions=5, num_seen=3)
    assert entity_overlap(test, train).share == 0.6


def test_overlap_of_data_without_mentions_is_no_number():
    assert entity_overlap([sentence("ni/O")], [sentence("Juma/B-PER")]).share is None
