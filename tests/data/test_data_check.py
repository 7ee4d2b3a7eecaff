import json
from pathlib import Path

import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from tests.data.tagged_sentences import tagged_sentences
from tests.data.test_mentions import sentence
from tests.real_data import real_data
from tests.tiny import tiny_tokenizer
from tinyglot.cli.data_check import Kind
from tinyglot.data.catalogue import KIND_OF_TASK
from tinyglot.data.checks.check import check_data, kind_of
from tinyglot.data.checks.facts import IllegalTags, Severity, SplitOverlap
from tinyglot.data.checks.findings import CHECKS
from tinyglot.data.checks.measure import count_tokens, measure_overlap, measure_split
from tinyglot.data.examples import Answer, LabelledText, Parallel, Question
from tinyglot.data.reading import KINDS
from tinyglot.errors import DataNotFoundError, UnknownLanguageError

GOOD = "Juma\tB-PER\nyupo\tO\n\nDodoma\tB-LOC\nni\tO\nmji\tO\n\n"


@pytest.fixture
def data(tmp_path):
    """Two languages with nothing wrong."""
    for code in ("sw", "yo"):
        for split in ("train", "dev", "test"):
            marked = GOOD.replace("yupo", f"{code}{split}").replace("mji", f"{split}{code}")
            add(tmp_path, f"{code}/{split}.conll", marked)
    return tmp_path


def add(root: Path, name: str, content: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def found(checked, check):
    return [(f.language, f.split, f.message) for f in checked.findings if f.check == check]


# --- counts -------------------------------------------------------------------------------------


def test_good_data_has_counts_and_no_finding(data):
    checked = check_data(data)
    assert (checked.kind, checked.findings, checked.num_problems) == ("ner", (), 0)
    assert [(f.language, f.split) for f in checked.splits] == [
        (tag, split) for tag in ("swh-Latn", "yor-Latn") for split in ("train", "dev", "test")
    ]
    facts = checked.splits[0]
    assert (facts.num_examples, facts.num_words, facts.labels) == (2, 5, {"LOC": 1, "PER": 1})
    assert facts.illegal_tags == IllegalTags(0, ())
    assert checked.overlaps[0].entity_overlap == 1.0
    assert [(o.split, o.other, o.num_shared) for o in checked.overlaps[:3]] == [
        ("dev", "train", 0),
        ("test", "train", 0),
        ("test", "dev", 0),
    ]


def test_duplicates_and_conflicts_are_counted_by_text():
    examples = [
        LabelledText(("a b",), "x"),
        LabelledText(("a b",), "y"),
        LabelledText(("a b",), "x"),
        LabelledText(("c",), "x"),
        LabelledText(("c",), "x"),
    ]
    facts = measure_split("swh-Latn", "train", "text", examples)
    assert (facts.num_duplicates, facts.num_conflicting, facts.num_words) == (3, 1, 8)
    assert facts.labels == {"x": 4, "y": 1}
    assert facts.illegal_tags is None


@pytest.mark.parametrize(
    ("kind", "example", "labels", "num_words"),
    [
        ("ner", sentence("Asha/B-PER Juma/I-PER ni/O"), {"PER": 1}, 3),
        ("pos", sentence("Asha/PROPN Juma/PROPN ni/AUX"), {"AUX": 1, "PROPN": 2}, 3),
        ("pair", LabelledText(("a b", "c"), "entailment"), {"entailment": 1}, 3),
        ("qa", Question("1", "t", "a b c", "d e", (Answer("a", 0),)), {}, 5),
        ("parallel", Parallel("a b", None), {}, 2),
        ("lines", "a b c d", {}, 4),
    ],
)
def test_every_kind_can_be_counted(kind, example, labels, num_words):
    facts = measure_split("swh-Latn", "test", kind, [example, example])
    assert facts.labels == {label: 2 * count for label, count in labels.items()}
    assert (facts.num_words, facts.num_duplicates, facts.num_conflicting) == (2 * num_words, 1, 0)


def test_overlap_is_counted_on_both_sides():
    one, two, three = (sentence(f"{name}/B-PER") for name in ("Juma", "Asha", "Ali"))
    overlap = measure_overlap("swh-Latn", "ner", ("test", [one, one, two]), ("train", [one, three]))
    assert overlap == SplitOverlap("swh-Latn", "test", "train", 3, 2, 2, 1, 3, 2)
    assert (overlap.share, overlap.entity_overlap) == (2 / 3, 2 / 3)


def test_tags_of_words_are_no_mentions():
    one = [sentence("mtoto/NOUN")]
    overlap = measure_overlap("swh-Latn", "pos", ("test", one), ("train", one))
    assert (overlap.num_mentions, overlap.entity_overlap, overlap.share) == (None, None, 1.0)


@given(st.lists(tagged_sentences(), min_size=1, max_size=8))
def test_a_split_overlaps_wholly_with_itself(sentences):
    overlap = measure_overlap("swh-Latn", "ner", ("test", sentences), ("train", sentences))
    assert overlap.share == 1.0
    assert overlap.num_mentions == overlap.num_seen_mentions


@pytest.mark.parametrize("kind", ["wordpiece", "bpe_byte_fallback", "unigram"])
def test_unknown_tokens_are_counted(kind):
    tokenizer = tiny_tokenizer(kind)
    known = count_tokens([sentence("habari/O")], tokenizer)
    unknown = count_tokens([sentence("habari/O ᛒᚱ/O")], tokenizer)
    assert known.num_unknown == 0 < known.num_tokens
    assert unknown.num_unknown > 0
    assert unknown.unk_rate == unknown.num_unknown / unknown.num_tokens


# --- findings -----------------------------------------------------------------------------------


def test_a_broken_file_is_named_with_its_lines_and_the_others_are_checked(data):
    add(data, "sw/dev.conll", "Juma\tB-PER\nyupo\n\nni\tX\n")
    checked = check_data(data)
    ((tag, split, message),) = found(checked, "broken file")
    assert (tag, split) == ("swh-Latn", "dev")
    for part in ("sw/dev.conll", "no tag: line 2", "illegal tag 'X': line 4", "WORD<TAB>TAG"):
        assert part in message
    assert len(checked.splits) == 5
    assert checked.num_problems == 1


def test_a_broken_file_comes_before_everything_else(data):
    add(data, "yo/test.conll", "Juma\n")
    add(data, "sw/train.conll", GOOD + GOOD)
    findings = check_data(data).findings
    assert findings[0].check == "broken file"
    severities = [finding.severity is Severity.notice for finding in findings]
    assert severities == sorted(severities)
    assert any(severities)


def test_a_language_without_test_data_is_a_problem(data):
    (data / "yo/test.conll").unlink()
    checked = check_data(data)
    assert found(checked, "missing split") == [
        ("yor-Latn", "test", "no test split, which other languages have")
    ]
    assert checked.num_problems == 1


def test_a_language_that_is_only_tested_is_worth_a_notice(data):
    (data / "yo/train.conll").unlink()
    checked = check_data(data)
    assert [name for _, name, _ in found(checked, "missing split")] == ["train"]
    assert checked.num_problems == 0


def test_illegal_tags_are_found_with_their_lines(data):
    add(data, "sw/dev.conll", "a\tB-PER\n\nb\tO\nJuma\tI-PER\nna\tO\nAli\tI-LOC\n\n")
    ((tag, split, message),) = found(check_data(data), "illegal tags")
    assert (tag, split) == ("swh-Latn", "dev")
    assert "2 spans in 1 sentences" in message
    assert "from line 3;" in message


def test_only_the_first_lines_of_illegal_tags_are_named(data):
    add(data, "sw/dev.conll", "a\tB-LOC\nb\tB-PER\n\n" + "x\tO\nJuma\tI-PER\n\n" * 7)
    ((_, _, message),) = found(check_data(data), "illegal tags")
    assert "lines" not in message
    assert "from line 4, 7, 10, 13, 16 and 2 more" in message


def test_a_language_with_other_labels_is_a_problem(data):
    for split in ("train", "dev", "test"):
        add(data, f"ha/{split}.conll", f"Kano{split}\tB-GPE\nMusa\tB-PER\n")
    checked = check_data(data)
    assert found(checked, "label set") == [
        ("hau-Latn", None, "lacks LOC and besides has GPE; most languages have LOC, PER")
    ]
    assert checked.num_problems == 1


def test_treebanks_may_lack_a_tag(tmp_path):
    line = "{0}\t{1}\t_\t{2}\t_\t_\t0\troot\t_\t_\n"
    for code, tags in (("sw", ("NOUN", "X")), ("yo", ("NOUN",))):
        content = "".join(line.format(i, f"{code}{i}", tag) for i, tag in enumerate(tags, 1))
        add(tmp_path, f"{code}/test.conllu", content + "\n")
    checked = check_data(tmp_path)
    assert checked.kind == "pos"
    assert [found.severity for found in checked.findings] == [Severity.notice]
    assert found(checked, "label set")[0][2].startswith("lacks X;")


def test_shared_examples_are_a_problem_above_the_limit(data):
    train = "".join(f"w{i}\tO\n\n" for i in range(200)) + GOOD
    add(data, "sw/train.conll", train)
    add(data, "sw/dev.conll", "".join(f"v{i}\tO\n\n" for i in range(197)) + "w0\tO\n\n" + GOOD)
    add(
        data,
        "sw/test.conll",
        "".join(f"u{i}\tO\n\n" for i in range(199)) + "w1\tO\n\n" + "A\tB-PER\nB\tB-LOC\n",
    )
    shared = [f for f in check_data(data).findings if f.check == "shared examples"]
    assert [(f.split, f.severity, f.message) for f in shared] == [
        ("dev", Severity.problem, "3 of 200 examples (1.5%) are also in train"),
        ("test", Severity.notice, "1 of 201 examples (0.5%) are also in train"),
    ]


def test_unknown_tokens_are_a_problem_above_the_limit(data):
    add(data, "sw/test.conll", "ᛒᚱ\tB-PER\nᛒ\tB-LOC\n")
    checked = check_data(data, tokenizer=tiny_tokenizer("wordpiece"))
    assert ("swh-Latn", "test", "2 of 2 tokens (100.0%) are unknown; expected at most 2%") in found(
        checked, "unknown tokens"
    )


def test_every_finding_is_of_a_check_that_is_told(data):
    add(data, "sw/train.conll", GOOD + GOOD + "Juma\tI-LOC\nyupo\tO\n\n")
    add(data, "sw/dev.conll", GOOD)
    (data / "yo/test.conll").unlink()
    add(data, "yo/dev.conll", "x\n")
    add(data, "ha/test.conll", "ᛒᚱ\tB-GPE\n")
    checked = check_data(data, tokenizer=tiny_tokenizer("wordpiece"))
    assert {finding.check for finding in checked.findings} == set(CHECKS)


# --- what is checked ----------------------------------------------------------------------------


def test_only_the_languages_that_are_asked_for(data):
    assert {facts.language for facts in check_data(data, languages=["yo"]).splits} == {"yor-Latn"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sw/a.conll", "ner"),
        ("sk_snk/a.conllu", "pos"),
        ("sw/a.tsv", "text"),
        ("sw/a.json", "qa"),
        ("a.png", "ner"),
    ],
)
def test_the_kind_is_guessed_from_the_ending(tmp_path, name, kind):
    add(tmp_path, name, "")
    assert kind_of(tmp_path) == kind


@pytest.mark.parametrize(
    ("entry", "kind"), [("xnli", "pair"), ("masakhapos", "pos"), ("sib200", "text")]
)
def test_a_local_copy_is_of_its_entrys_kind(tmp_path, entry, kind):
    add(tmp_path, "sw/a.tsv", "")
    assert kind_of(f"{entry}={tmp_path}") == kind


@pytest.mark.parametrize(
    ("task", "kind", "name", "content"),
    [
        ("nli", "pair", "sw/test.tsv", "premise\thypothesis\tlabel\na\tb\tneutral\n"),
        ("paraphrase", "pair", "sw/test.tsv", "sentence1\tsentence2\tlabel\na\tb\t1\n"),
        ("topic", "text", "sw/test.tsv", "text\tlabel\na\tb\n"),
        ("sentiment", "text", "sw/test.tsv", "text\tlabel\na\tb\n"),
        ("retrieval", "parallel", "sw/test.tsv", "source\ttarget\na\tb\n"),
        ("mlm", "lines", "sw/test.txt", "Habari\n"),
        ("lines", "lines", "sw/test.txt", "Habari\n"),
    ],
)
def test_a_task_will_do_for_a_kind(tmp_path, task, kind, name, content):
    add(tmp_path, name, content)
    checked = check_data(tmp_path, task)
    assert (checked.kind, checked.num_problems) == (kind, 0)
    assert [facts.num_examples for facts in checked.splits] == [1]


def test_every_kind_and_task_can_be_named():
    assert {kind.value for kind in Kind} == {*KIND_OF_TASK, *KINDS}


def test_a_local_copy_is_named_by_its_id(data):
    assert check_data(f"masakhaner2={data}").source == "masakhaner2"


def test_a_damaged_parquet_page_does_not_keep_the_others_from_being_checked(tmp_path):
    rows = {"text": [f"text {i}" for i in range(99)], "label": ["x"] * 99}
    for code in ("sw", "yo"):
        (tmp_path / code).mkdir()
        Dataset.from_dict(rows).to_parquet(tmp_path / code / "test.parquet")
    path = tmp_path / "sw/test.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 200 + content[204:])
    checked = check_data(tmp_path, "text")
    assert [facts.language for facts in checked.splits] == ["yor-Latn"]
    ((tag, split, message),) = found(checked, "broken file")
    assert (tag, split) == ("swh-Latn", "test")
    assert "it is damaged" in message


def test_tables_of_pairs_are_checked_as_what_they_are_called(tmp_path):
    add(tmp_path, "sw/test.tsv", "premise\thypothesis\tlabel\na\tb\tneutral\na\tb\tentailment\n")
    checked = check_data(tmp_path, "pair")
    assert checked.splits[0].labels == {"entailment": 1, "neutral": 1}
    assert [finding.check for finding in checked.findings] == ["duplicates", "conflicting labels"]


def test_refuses_what_is_not_there(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"absent"):
        check_data(tmp_path / "absent")


def test_refuses_what_is_no_language(data):
    with pytest.raises(UnknownLanguageError, match=r"got: +'klingonish'"):
        check_data(data, languages=["klingonish"])


def test_everything_is_json(data):
    content = json.loads(json.dumps(check_data(data).as_dict()))
    assert content["num_problems"] == 0
    assert content["overlaps"][0]["share"] == 0.0
    assert content["overlaps"][0]["entity_overlap"] == 1.0
    assert content["splits"][0]["unk_rate"] is None


# --- real data ----------------------------------------------------------------------------------


def test_wikiann_has_the_duplicates_that_its_readme_tells():
    checked = check_data(real_data("ner/panx"), languages=["bn", "sw"])
    of_bengali = [o for o in checked.overlaps if (o.language, o.other) == ("ben-Beng", "train")]
    assert [round(overlap.share, 3) for overlap in of_bengali] == [0.65, 0.676]
    of_swahili = [o for o in checked.overlaps if (o.language, o.other) == ("swh-Latn", "train")]
    assert [round(overlap.share, 3) for overlap in of_swahili] == [0.13, 0.106]
    assert len(found(checked, "shared examples")) == 6
