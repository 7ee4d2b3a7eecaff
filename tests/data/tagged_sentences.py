"""Sentences for properties: few words and types, so that mentions meet again."""

from hypothesis import strategies as st

from tinyglot.data.conll import TaggedSentence

WORDS = st.sampled_from(["Juma", "Asha", "Dar", "#", "ni", "ጤና", "x-y"])
TYPES = st.sampled_from(["PER", "LOC", "O"])
CHUNKS = st.tuples(TYPES, st.lists(WORDS, min_size=1, max_size=3))


@st.composite
def tagged_sentences(draw) -> TaggedSentence:
    """Make a sentence in legal IOB2, of mentions and stretches without one."""
    words: list[str] = []
    tags: list[str] = []
    for kind, chunk in draw(st.lists(CHUNKS, min_size=1, max_size=4)):
        words += chunk
        inside = "O" if kind == "O" else f"I-{kind}"
        tags += ["O" if kind == "O" else f"B-{kind}", *[inside] * (len(chunk) - 1)]
    return TaggedSentence(tuple(words), tuple(tags))
