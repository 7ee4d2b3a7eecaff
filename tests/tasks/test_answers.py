import hypothesis.strategies as st
import pytest
from hypothesis import given

from tinyglot.tasks.answers import answer_words, overlap_f1

# (text, language, words by SQuAD's rules, words by MLQA's), worked out by hand from the scripts
CASES = [
    ("The  Denver Broncos!", "eng-Latn", "denver broncos", "denver broncos"),
    ("an apple, a pear", "eng-Latn", "apple pear", "apple pear"),
    ("theatre", "eng-Latn", "theatre", "theatre"),
    ("$1,200.50", "eng-Latn", "120050", "120050"),
    ("“Amazon”", "eng-Latn", "“amazon”", "amazon"),
    ("El río de la Plata", "spa-Latn", "el río de la plata", "río de plata"),
    ("der Die das Haus", "deu-Latn", "der die das haus", "haus"),
    ("Die a Haus", "deu-Latn", "die haus", "a haus"),
    ("những cái của nhà", "vie-Latn", "những cái của nhà", "nhà"),
    ("البيت الكبير", "arb-Arab", "البيت الكبير", "بيت كبير"),
    ("خالد", "arb-Arab", "خالد", "خ د"),
    ("308分", "zho-Hans", "308分", "308 分"),
    ("黑豹队（NFL）", "zho-Hans", "黑豹队（nfl）", "黑 豹 队 nfl"),
    ("सन् 1945।", "hin-Deva", "सन् 1945।", "सन् 1945"),
    ("กรุงเทพ มหานคร", "tha-Thai", "กรุงเทพ มหานคร", "กรุงเทพ มหานคร"),
    ("Η Αθήνα·", "ell-Grek", "η αθήνα·", "η αθήνα"),
    ("The.", "eng-Latn", "", ""),
]


@pytest.mark.parametrize(("text", "language", "squad", "mlqa"), CASES)
def test_words_of_answers(text, language, squad, mlqa):
    assert answer_words(text, "squad", language) == tuple(squad.split())
    assert answer_words(text, "mlqa", language) == tuple(mlqa.split())


# 2PR / (P + R), by hand
@pytest.mark.parametrize(
    ("predicted", "correct", "expected"),
    [
        ("new york", "new york", 1.0),
        ("city of new york", "new york", 2 * 0.5 * 1 / 1.5),
        ("york york", "york", 2 * 0.5 * 1 / 1.5),
        ("york", "york york", 2 * 1 * 0.5 / 1.5),
        ("paris", "new york", 0.0),
        ("", "new york", 0.0),
        ("", "", 0.0),
    ],
)
def test_overlap(predicted, correct, expected):
    assert overlap_f1(predicted.split(), correct.split()) == expected


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_overlap_is_symmetric_and_whole_only_for_the_same_words(first, second):
    score = overlap_f1(first, second)
    assert score == pytest.approx(overlap_f1(second, first), abs=1e-12)
    assert 0 <= score <= 1
    assert (score == 1) == (sorted(first) == sorted(second) != [])


@given(st.text(), st.sampled_from(["eng-Latn", "zho-Hans", "swh-Latn"]))
def test_words_are_normalised_once_and_for_all(text, language):
    words = answer_words(text, "mlqa", language)
    assert answer_words(" ".join(words), "mlqa", language) == words or language == "eng-Latn"
    assert not any(character.isspace() for word in words for character in word)
