import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tiny import TINY_TEXT, tiny_tokenizer
from tests.training.texts import write_text
from tinyglot.data.text_portions import TextPortion
from tinyglot.errors import SequenceLengthError, TextEncodingError
from tinyglot.training.text import Sequencer, TextTrainingOptions, read_text, written_tokens

TOKENIZERS = {kind: tiny_tokenizer(kind) for kind in ("wordpiece", "unigram")}
BOTH = pytest.mark.parametrize("kind", ["lines", "packed"])


def bodies(sequencer, sequences):
    """The ids of all sequences in a row, without the special tokens around and between lines."""
    special = {*sequencer.before, *sequencer.after}
    return [token_id for sequence in sequences for token_id in sequence if token_id not in special]


@BOTH
@given(
    st.sampled_from(sorted(TOKENIZERS)),
    st.integers(3, 60),
    st.lists(st.sampled_from(TINY_TEXT), max_size=12),
)
def test_every_token_is_in_one_sequence_in_order(kind, tokenizer, max_length, lines):
    sequencer = Sequencer.of(TOKENIZERS[tokenizer], kind, max_length)
    sequences = list(sequencer(lines))
    whole = [TOKENIZERS[tokenizer](line, add_special_tokens=False)["input_ids"] for line in lines]
    special = {*sequencer.before, *sequencer.after}
    expected = [token_id for ids in whole for token_id in ids if token_id not in special]
    assert bodies(sequencer, sequences) == expected
    assert all(len(sequence) <= max_length for sequence in sequences)
    assert all(sequence[0] == sequencer.before[0] for sequence in sequences)
    assert all(sequence[-1] == sequencer.after[-1] for sequence in sequences)


def test_a_long_line_becomes_equal_parts():
    tokenizer = TOKENIZERS["wordpiece"]
    line = " ".join(TINY_TEXT[:3])
    num_tokens = len(tokenizer(line, add_special_tokens=False)["input_ids"])
    lengths = [len(ids) - 2 for ids in Sequencer.of(tokenizer, "lines", 22)([line])]
    assert sum(lengths) == num_tokens
    assert len(lengths) == -(-num_tokens // 20) > 2
    assert max(lengths) - min(lengths) <= 1


def test_packed_sequences_hold_whole_lines_as_long_as_they_fit():
    tokenizer = TOKENIZERS["wordpiece"]
    lines = ["a", "b", "a b"]
    start, a, b, end = tokenizer("a b")["input_ids"]
    packed = list(Sequencer.of(tokenizer, "packed", 6)(lines))
    assert packed == [[start, a, end, b, end], [start, a, b, end]]


def test_special_tokens_that_a_text_spells_are_unknown():
    tokenizer = TOKENIZERS["wordpiece"]
    (ids,) = Sequencer.of(tokenizer, "lines", 30)(["[MASK] [SEP]"])
    assert ids[1:-1] == [tokenizer.unk_token_id] * 2


def test_refuses_a_length_without_room():
    with pytest.raises(SequenceLengthError, match=r"2 tokens[\s\S]*more than the 2 special"):
        Sequencer.of(TOKENIZERS["wordpiece"], "lines", 2)


# --- on the disk --------------------------------------------------------------------------------


@pytest.fixture
def encoded(tmp_path):
    context = write_text(tmp_path / "text")
    portion = TextPortion(context.text["swh-Latn"], "train")
    sequencer = Sequencer.of(TOKENIZERS["wordpiece"], "lines", 32)
    return tmp_path / "tokens", portion, sequencer


def test_the_file_holds_the_sequences(encoded):
    root, portion, sequencer = encoded
    file = written_tokens(root, "swh-Latn", portion, sequencer)
    expected = list(sequencer(portion.lines()))
    assert [file.sequence(i).tolist() for i in range(len(expected))] == expected
    assert file.lengths.tolist() == [len(ids) for ids in expected]
    assert file.num_lines == 40
    assert isinstance(file.ids, np.memmap)


def test_text_is_encoded_once_and_anew_when_anything_changed(encoded):
    root, portion, sequencer = encoded
    first = written_tokens(root, "swh-Latn", portion, sequencer)
    written = (first.directory / "ids.bin").stat().st_mtime_ns
    again = written_tokens(root, "swh-Latn", portion, sequencer)
    assert again.directory == first.directory
    assert (again.directory / "ids.bin").stat().st_mtime_ns == written
    packed = Sequencer.of(TOKENIZERS["wordpiece"], "packed", 128)
    assert written_tokens(root, "swh-Latn", portion, packed).digest != first.digest
    (portion.paths[0] / "train.txt").write_text("a b\n")
    assert written_tokens(root, "swh-Latn", portion, sequencer).num_lines == 1


def test_a_writing_that_fails_leaves_nothing(encoded):
    root, portion, sequencer = encoded
    path = portion.paths[0] / "train.txt"
    whole = path.read_bytes()
    path.write_bytes(whole + b"\n\xff")
    with pytest.raises(TextEncodingError, match=r"not UTF-8[\s\S]*0xff in line 41"):
        written_tokens(root, "swh-Latn", portion, sequencer)
    assert list(root.iterdir()) == []
    path.write_bytes(whole)
    assert written_tokens(root, "swh-Latn", portion, sequencer).num_lines == 40


# --- what is taken ------------------------------------------------------------------------------

TAGS = ("swh-Latn", "amh-Ethi")


@pytest.fixture
def corpus_of(tmp_path):
    context = write_text(tmp_path / "text", TAGS, num_lines=50)
    (tmp_path / "text/amh-Ethi/train.txt").write_text("\n".join(["☃ a", *TINY_TEXT[25:35]]))

    def read(seed=0, **options):
        options = TextTrainingOptions(languages=TAGS, max_length=24, **options)
        tokenizer = TOKENIZERS["wordpiece"]
        return read_text(tokenizer, options, context.text, tmp_path / "tokens", seed)

    return read


def test_rows_are_those_of_the_languages_in_turn(corpus_of):
    corpus = corpus_of()
    rows = [corpus[index] for index in range(len(corpus))]
    stored = [part.file.sequence(int(i)) for part in corpus.parts.values() for i in part.chosen]
    assert [row.input_ids.tolist() for row in rows] == [ids.tolist() for ids in stored]
    assert corpus.lengths.tolist() == [len(ids) for ids in stored]
    assert len({id(part) for part in corpus.parts.values()}) == 2


def test_special_and_unknown_tokens_are_never_hidden(corpus_of):
    corpus, never = corpus_of(), TOKENIZERS["wordpiece"].all_special_ids
    ids = np.concatenate([corpus[i].input_ids for i in range(len(corpus))])
    labels = np.concatenate([corpus[i].labels for i in range(len(corpus))])
    assert TOKENIZERS["wordpiece"].unk_token_id in ids
    assert np.array_equal(labels == -100, np.isin(ids, never))
    assert np.array_equal(labels[labels != -100], ids[labels != -100])


def test_a_limit_of_tokens_is_kept_and_shared(corpus_of):
    everything = {tag: part.num_tokens for tag, part in corpus_of().parts.items()}
    total = sum(everything.values()) // 2
    shares = {tag: total * count / sum(everything.values()) for tag, count in everything.items()}
    for tag, part in corpus_of(max_train_tokens=total).parts.items():
        assert shares[tag] - 24 < part.num_tokens <= shares[tag] + 1
    alike = corpus_of(max_train_tokens=300, sampling_temperature=float("inf"))
    assert all(150 - 24 < part.num_tokens <= 150 for part in alike.parts.values())


def test_the_choice_is_the_seeds(corpus_of):
    first, again, other = (corpus_of(seed, max_train_tokens=300) for seed in (0, 0, 1))
    assert first.digest == again.digest
    assert first.digest != other.digest
    assert corpus_of(0).digest == corpus_of(1).digest
    chosen = first.parts["swh-Latn"].chosen
    assert len(set(chosen.tolist())) == len(chosen)
    assert chosen.tolist() != list(range(len(chosen)))
