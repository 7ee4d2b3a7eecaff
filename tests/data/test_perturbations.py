import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from seqeval.metrics.sequence_labeling import get_entities

from tests.data.tagged_sentences import tagged_sentences
from tests.data.test_mentions import sentence
from tinyglot.data.iob import starts_span
from tinyglot.data.mentions import Mention, mentions_of, surfaces_by_type
from tinyglot.data.perturbations import (
    MentionReplacement,
    Mentions,
    PerturbationNames,
    PoolSource,
    Scope,
)
from tinyglot.data.perturbations.pool import Pool, make_pool, only
from tinyglot.data.perturbations.replacement import MentionCounts, replace_mentions
from tinyglot.errors import PerturbationOptionError

CORPORA = st.lists(tagged_sentences(), min_size=1, max_size=6)
SHARES = st.floats(0, 1)
SEEDS = st.integers(0, 3)


def replaced(
    sentences, pool_sentences=None, share=1.0, seed=0, name="swh-Latn/test", *, length_matched=False
):
    pool = make_pool([surfaces_by_type(pool_sentences or sentences)])
    return replace_mentions(
        sentences, pool, share=share, seed=seed, name=name, length_matched=length_matched
    )


def context(one):
    return [word for word, tag in zip(one.words, one.tags, strict=True) if tag == "O"]


def types(one):
    return [mention.type for mention in mentions_of(one)]


# --- for all sentences --------------------------------------------------------------------------


@given(CORPORA, CORPORA, SHARES, SEEDS)
def test_types_and_context_stay_as_they_are(sentences, others, share, seed):
    after = replaced(sentences, others, share, seed).sentences
    assert list(map(types, after)) == list(map(types, sentences))
    assert list(map(context, after)) == list(map(context, sentences))


@given(CORPORA, CORPORA, SHARES, SEEDS)
def test_tags_are_legal_iob2(sentences, others, share, seed):
    for one in replaced(sentences, others, share, seed).sentences:
        pairs = zip(("O", *one.tags), one.tags, strict=False)
        assert all(
            tag == "O" or (tag[0] == "B") == starts_span(*pair)
            for pair in pairs
            for tag in pair[1:]
        )


@given(CORPORA, CORPORA, SEEDS)
def test_a_mention_is_replaced_by_itself_only_if_it_is_alone(sentences, others, seed):
    pool = surfaces_by_type(others)
    result = replaced(sentences, others, 1.0, seed)
    num_alone = 0
    for old, new in zip(sentences, result.sentences, strict=True):
        for before, after in zip(mentions_of(old), mentions_of(new), strict=True):
            choices = pool.get(before.type, set()) - {before.words}
            assert after.words in (choices or {before.words})
            num_alone += not choices
    assert sum(counts.num_alone for counts in result.counts.values()) == num_alone


@given(CORPORA, CORPORA, SEEDS)
def test_nothing_changes_with_a_share_of_zero(sentences, others, seed):
    result = replaced(sentences, others, 0.0, seed)
    assert result.sentences == sentences
    assert sum(counts.num_replaced for counts in result.counts.values()) == 0


@given(CORPORA, SHARES, SEEDS)
def test_counts_are_those_of_the_sentences(sentences, share, seed):
    result = replaced(sentences, None, share, seed)
    total = sum(len(mentions_of(one)) for one in sentences)
    counts = result.counts.values()
    assert sum(one.num_mentions for one in counts) == total
    chosen = sum(one.num_replaced + one.num_alone for one in counts)
    assert abs(chosen - share * total) <= 0.5
    changed = sum(
        before.words != after.words
        for old, new in zip(sentences, result.sentences, strict=True)
        for before, after in zip(mentions_of(old), mentions_of(new), strict=True)
    )
    assert sum(one.num_replaced for one in counts) == changed


@given(CORPORA, SHARES, SHARES, SEEDS)
def test_a_smaller_share_changes_some_of_the_same_mentions_to_the_same(sentences, one, two, seed):
    low, high = sorted((one, two))
    fewer, more = (replaced(sentences, None, share, seed).sentences for share in (low, high))
    for old, some, many in zip(sentences, fewer, more, strict=True):
        triples = zip(*map(mentions_of, (old, some, many)), strict=True)
        assert all(b.words in (a.words, c.words) for a, b, c in triples)


@given(CORPORA, CORPORA, SEEDS)
def test_the_order_of_the_pools_parts_does_not_matter(sentences, others, seed):
    parts = [surfaces_by_type(sentences), surfaces_by_type(others)]
    pools = make_pool(parts), make_pool(reversed(parts))
    assert pools[0] == pools[1]
    results = [replace_mentions(sentences, p, share=1.0, seed=seed, name="x") for p in pools]
    assert results[0] == results[1]


@given(CORPORA, CORPORA, SEEDS)
def test_seqeval_finds_the_spans_that_were_put_in(sentences, others, seed):
    for one in replaced(sentences, others, 1.0, seed).sentences:
        spans = [(kind, first, last + 1) for kind, first, last in get_entities(list(one.tags))]
        assert spans == [(m.type, m.start, m.end) for m in mentions_of(one)]


@given(CORPORA, CORPORA, SHARES, SEEDS)
def test_length_matched_mentions_leave_lengths_and_tags(sentences, others, share, seed):
    after = replaced(sentences, others, share, seed, length_matched=True)
    assert [one.tags for one in after.sentences] == [one.tags for one in sentences]
    assert [len(one.words) for one in after.sentences] == [len(one.words) for one in sentences]


@given(CORPORA, CORPORA, SEEDS)
def test_a_length_matched_mention_stays_only_if_no_other_has_its_length(sentences, others, seed):
    pool = surfaces_by_type(others)
    after = replaced(sentences, others, 1.0, seed, length_matched=True)
    num_alone = 0
    for old, new in zip(sentences, after.sentences, strict=True):
        for before, now in zip(mentions_of(old), mentions_of(new), strict=True):
            same_length = {s for s in pool.get(before.type, ()) if len(s) == len(before.words)}
            choices = same_length - {before.words}
            assert now.words in (choices or {before.words})
            num_alone += not choices
    assert sum(counts.num_alone for counts in after.counts.values()) == num_alone


# --- by hand ------------------------------------------------------------------------------------


def test_spans_follow_the_new_mentions_length():
    before = [sentence("leo/O Asha/B-PER Juma/I-PER yupo/O Dodoma/B-LOC ./O")]
    pool = [sentence("Ali/B-PER Dar/B-LOC es/I-LOC Salaam/I-LOC")]
    after = replaced(before, pool)
    assert after.sentences == [
        sentence("leo/O Ali/B-PER yupo/O Dar/B-LOC es/I-LOC Salaam/I-LOC ./O")
    ]
    assert after.counts == {"LOC": MentionCounts(1, 1, 0), "PER": MentionCounts(1, 1, 0)}


def test_a_mention_that_is_alone_stays_and_is_counted():
    before = [sentence("Asha/B-PER na/O Asha/B-PER wa/O Dodoma/B-LOC")]
    after = replaced(before)
    assert after.sentences == before
    assert after.counts == {"LOC": MentionCounts(1, 0, 1), "PER": MentionCounts(2, 0, 2)}


def test_length_matched_mentions_by_hand():
    before = [sentence("Asha/B-PER Juma/I-PER na/O Musa/B-PER wa/O Dodoma/B-LOC")]
    pool = [sentence("Ali/B-PER A/B-PER B/I-PER Dar/B-LOC es/I-LOC Salaam/I-LOC")]
    after = replaced(before, pool, length_matched=True)
    assert after.sentences == [sentence("A/B-PER B/I-PER na/O Ali/B-PER wa/O Dodoma/B-LOC")]
    assert after.counts == {"LOC": MentionCounts(1, 0, 1), "PER": MentionCounts(2, 2, 0)}


def test_sentences_are_those_of_version_1():
    before = [sentence(" ".join(f"N{i}/B-PER x/O" for i in range(6)))]
    (after,) = replaced(before).sentences
    assert after.words[::2] == ("N5", "N3", "N5", "N4", "N5", "N4")


def test_every_other_mention_is_as_likely_and_the_own_never_comes():
    pool = Pool({"PER": (("A",), ("B",), ("C",), ("D",))})
    draws = [step / 300 for step in range(300)]
    chosen = [pool.other(Mention("PER", ("B",), 0), draw) for draw in draws]
    assert {one: chosen.count(one) for one in set(chosen)} == {
        ("A",): 100,
        ("C",): 100,
        ("D",): 100,
    }


def test_a_mention_outside_of_the_pool_may_become_any_of_it():
    pool = Pool({"PER": (("A",), ("C",))})
    chosen = {pool.other(Mention("PER", ("B",), 0), draw) for draw in (0.0, 0.49, 0.5, 0.999)}
    assert chosen == {("A",), ("C",)}


def test_seeds_and_names_draw_differently():
    before = [sentence(" ".join(f"N{i}/B-PER" for i in range(40)))]
    usual = replaced(before).sentences
    assert replaced(before).sentences == usual
    assert replaced(before, seed=1).sentences != usual
    assert replaced(before, name="hau-Latn/test").sentences != usual


def test_half_of_the_mentions_are_exactly_half():
    before = [sentence(" ".join(f"N{i}/B-PER" for i in range(40)))]
    assert replaced(before, share=0.5).counts == {"PER": MentionCounts(40, 20, 0)}


def test_a_pool_can_be_cut_to_what_other_data_has_or_lacks():
    pool = Pool({"LOC": (("X",),), "PER": (("A",), ("B",))})
    known = Pool({"PER": (("B",), ("C",))})
    assert only(pool, known, seen=True) == Pool({"LOC": (), "PER": (("B",),)})
    assert only(pool, known, seen=False) == Pool({"LOC": (("X",),), "PER": (("A",),)})


# --- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "in-language"),
        ({"scope": "in-script"}, "in-script"),
        ({"scope": "in-family", "share": 0.5, "seed": 3}, "in-family share=0.5 seed=3"),
        ({"pool": "all", "mentions": "unseen"}, "in-language pool=all mentions=unseen"),
        ({"length_matched": True}, "in-language length-matched"),
        (
            {"mentions": "seen", "train_split": "train[: 200]", "length_matched": True},
            "in-language mentions=seen train=train[:200] length-matched",
        ),
    ],
)
def test_the_name_says_the_scope_and_what_is_unusual(options, name):
    assert MentionReplacement(**options).name == name
    assert MentionReplacement.from_name(name) == MentionReplacement(**options)


OPTIONS = st.builds(
    MentionReplacement,
    scope=st.sampled_from(Scope),
    pool=st.sampled_from(PoolSource),
    share=SHARES | st.sampled_from([0, 1, -0.0]),
    seed=st.integers(),
    mentions=st.sampled_from(Mentions),
    train_split=st.sampled_from(["train", "dev", "train[:20%]", "train[3:-1]"]),
    length_matched=st.booleans(),
)


@given(OPTIONS, st.randoms())
def test_options_are_read_from_their_name(options, random):
    assert MentionReplacement.from_name(options.name) == options
    scope, *parts = options.name.split()
    random.shuffle(parts)
    again = MentionReplacement.from_name(" ".join([scope, *parts]))
    assert (again, again.name) == (options, options.name)


@given(OPTIONS, OPTIONS)
def test_other_options_have_another_name(one, two):
    assert (one.name == two.name) == (one == two)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("", r"no such scope[\s\S]*got: +scope=''"),
        ("in-world", r"no such scope[\s\S]*'in-world'"),
        (
            "in-language scope=in-script",
            r"'scope=in-script' is no option[\s\S]*got: +'in-language s",
        ),
        ("in-language share", r"'share' is no option"),
        ("in-language train=", r"'train=' is no option"),
        ("in-language share=half", r"could not convert string to float: 'half'"),
        ("in-language seed=1.5", r"invalid literal[\s\S]*'1\.5'"),
        ("in-language pool=dev", r"no such pool[\s\S]*'dev'"),
        ("in-language length-matched=1", r"'length-matched=1' is no option"),
        ("in-language seed=1 seed=1", r"an option stands there twice[\s\S]*seed=1 seed=1"),
        ("in-language share=2", r"out of range[\s\S]*share=2\.0"),
    ],
)
def test_refuses_a_name_that_is_none(name, match):
    with pytest.raises(PerturbationOptionError, match=match):
        MentionReplacement.from_name(name)


NAMES = TypeAdapter(PerturbationNames)


def test_names_of_a_configuration_become_the_names_of_rows():
    given = ["in-language pool=test", "in-script length-matched seed=2"]
    assert NAMES.validate_python(given) == ("in-language", "in-script seed=2 length-matched")


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (["in-language", "in-languages"], r"1\s+.*no such scope\. Expected in-language, in-scr"),
        (["in-language", "in-language seed=0"], r"given more than once: in-language"),
    ],
)
def test_refuses_names_of_a_configuration(given, match):
    with pytest.raises(ValidationError, match=match):
        NAMES.validate_python(given)


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_refuses_a_share_that_is_none(share):
    with pytest.raises(PerturbationOptionError, match=rf"got: +share={share}[\s\S]*from 0"):
        MentionReplacement(share=share)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"scope": "in-world"}, r"no such scope[\s\S]*'in-world'[\s\S]*in-language, in-script"),
        ({"pool": "valid"}, r"no such pool[\s\S]*'valid'[\s\S]*train, test, all"),
        ({"mentions": "new"}, r"no such mentions[\s\S]*'new'[\s\S]*any, seen, unseen"),
    ],
)
def test_refuses_an_option_that_is_none(options, match):
    with pytest.raises(PerturbationOptionError, match=match):
        MentionReplacement(**options)


def test_options_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError, match="seed"):
        MentionReplacement().seed = 1
