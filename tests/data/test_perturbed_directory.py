import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.tagged_sentences import tagged_sentences
from tests.data.test_mentions import sentence
from tests.real_data import real_data
from tinyglot.data.conll import read_conll, write_conll
from tinyglot.data.mentions import mentions_of, surfaces_by_type
from tinyglot.data.perturbations import (
    RECORD_FILE,
    MentionReplacement,
    perturbation_of,
    read_record,
)
from tinyglot.data.perturbations.directory import perturb
from tinyglot.data.reading import available_languages, read_examples
from tinyglot.data.sources import public_name
from tinyglot.errors import (
    DataFormatError,
    DataNotFoundError,
    PerturbationOptionError,
    RunDirectoryError,
)

NAMES = {
    "sw": ("Juma", "Asha"),
    "yo": ("Adé", "Bólá"),
    "ha": ("Musa", "Aisha"),
    "am": ("አበበ", "አስቴር"),
}


@pytest.fixture
def data(tmp_path):
    """Four languages; Swahili and Yoruba are one family, all but Amharic one script."""
    for code, (first, second) in NAMES.items():
        add(tmp_path, f"{code}/train", f"{first}/B-PER {code}train/B-PER ni/O")
        add(tmp_path, f"{code}/test", f"ni/O {first}/B-PER na/O {second}/B-PER")
    return tmp_path / "data"


def add(root: Path, name: str, *texts: str) -> None:
    path = root / "data" / f"{name}.conll"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_conll(path, [sentence(text) for text in texts])


def names_put_in(data, **options) -> set[str]:
    """What can stand in the Swahili file, over many seeds."""
    found = set()
    for seed in range(30):
        asked = MentionReplacement(seed=seed, **options)
        after = perturb(data, ["sw"], asked, data.parent / "out").sentences["swh-Latn"]
        found |= {mention.words[0] for one in after for mention in mentions_of(one)}
    return found


# --- what is written ----------------------------------------------------------------------------


def test_the_result_is_a_data_directory(data, tmp_path):
    made = perturb(data, ["sw", "yo"], MentionReplacement(), tmp_path / "out")
    assert available_languages("ner", tmp_path / "out") == ("swh-Latn", "yor-Latn")
    assert read_examples("ner", tmp_path / "out", "sw", "test") == made.sentences["swh-Latn"]
    assert made.sentences["swh-Latn"] == [sentence("ni/O Asha/B-PER na/O Juma/B-PER")]
    assert made.originals["swh-Latn"] == read_conll(data / "sw/test.conll")


def test_the_record_says_everything(data, tmp_path):
    perturb(data, ["sw"], MentionReplacement(scope="in-script", seed=7), tmp_path / "out")
    written = (tmp_path / "out/swh-Latn/test.conll").read_bytes()
    assert json.loads((tmp_path / "out" / RECORD_FILE).read_text("utf-8")) == {
        "method": "entity_mention_replacement",
        "version": 1,
        "source": "data",
        "split": "test",
        "options": {
            "scope": "in-script", "pool": "test", "share": 1.0, "seed": 7, "mentions": "any",
            "train_split": "train", "length_matched": False,
        },
        "languages": {
            "swh-Latn": {
                "num_sentences": 1,
                "types": {
                    "PER": {"num_mentions": 2, "num_replaced": 2, "num_alone": 0, "num_pool": 6}
                },
                "pool_languages": ["hau-Latn", "swh-Latn", "yor-Latn"],
                "source_sha256": hashlib.sha256((data / "sw/test.conll").read_bytes()).hexdigest(),
                "sha256": hashlib.sha256(written).hexdigest(),
            }
        },
    }  # fmt: skip


def test_same_options_give_the_same_bytes_whatever_else_is_perturbed(data, tmp_path):
    asked = MentionReplacement(scope="in-family")
    perturb(data, ["sw", "yo", "am"], asked, tmp_path / "one")
    perturb(data, ["ha", "yo", "swh-Latn", "sw"], asked, tmp_path / "two")
    one, two = (
        {
            path.name: path.joinpath("test.conll").read_bytes()
            for path in out.iterdir()
            if path.is_dir()
        }
        for out in (tmp_path / "one", tmp_path / "two")
    )
    assert one["swh-Latn"] == two["swh-Latn"]
    assert one["yor-Latn"] == two["yor-Latn"]
    assert set(two) == {"hau-Latn", "swh-Latn", "yor-Latn"}


def test_a_share_of_zero_gives_the_original_file(data, tmp_path):
    made = perturb(data, ["sw"], MentionReplacement(share=0), tmp_path / "out")
    assert (tmp_path / "out/swh-Latn/test.conll").read_bytes() == (
        data / "sw/test.conll"
    ).read_bytes()
    record = made.record.languages["swh-Latn"]
    assert record.sha256 == record.source_sha256
    assert (record.total("num_mentions"), record.total("num_replaced")) == (2, 0)


@settings(max_examples=20)
@given(st.lists(tagged_sentences(), min_size=1, max_size=4))
def test_what_is_written_is_read_again(tmp_path_factory, sentences):
    root = tmp_path_factory.mktemp("any")
    write_conll(root / "data/sw/test.conll", sentences)
    asked = MentionReplacement()
    if not surfaces_by_type(sentences):
        with pytest.raises(PerturbationOptionError, match="no mention to put in"):
            perturb(root / "data", ["sw"], asked, root / "out")
        return
    made = perturb(root / "data", ["sw"], asked, root / "out")
    assert read_examples("ner", root / "out", "sw", "test") == made.sentences["swh-Latn"]


def test_a_slice_of_a_split_can_be_perturbed(data, tmp_path):
    add(tmp_path, "sw/test", "Juma/B-PER", "Asha/B-PER", "Ali/B-PER", "ni/O")
    made = perturb(data, ["sw"], MentionReplacement(), tmp_path / "out", split="test[:50%]")
    assert made.record.split == "test[:50%]"
    assert len(read_conll(tmp_path / "out/swh-Latn/test.conll")) == 2
    assert made.record.languages["swh-Latn"].types["PER"].num_pool == 3


# --- pools --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"scope": "in-language"}, "Juma Asha"),
        ({"scope": "in-family"}, "Juma Asha Adé Bólá"),
        ({"scope": "in-script"}, "Juma Asha Adé Bólá Musa Aisha"),
        ({"pool": "train"}, "Juma swtrain"),
        ({"pool": "all"}, "Juma Asha swtrain"),
        ({"pool": "all", "mentions": "seen"}, "Juma swtrain"),
        ({"pool": "train", "mentions": "seen", "scope": "in-family"}, "Juma swtrain"),
        ({"mentions": "unseen", "scope": "in-family"}, "Asha Bólá"),
    ],
)
def test_the_pool_is_what_was_asked_for(data, options, expected):
    assert names_put_in(data, **options) == set(expected.split())


def test_seen_are_the_mentions_of_the_split_that_was_trained_on(data, tmp_path):
    add(tmp_path, "sw/train", "Juma/B-PER", "Asha/B-PER")
    asked = {"pool": "all", "scope": "in-language"}
    assert names_put_in(data, **asked, mentions="seen") == {"Juma", "Asha"}
    asked["train_split"] = "train[:1]"
    assert names_put_in(data, **asked, mentions="seen") == {"Juma"}
    assert names_put_in(data, **asked, mentions="unseen") == {"Asha"}
    asked["train_split"] = "training"
    with pytest.raises(PerturbationOptionError, match=r"no mention to put in[\s\S]*mentions seen"):
        perturb(data, ["sw"], MentionReplacement(**asked, mentions="seen"), tmp_path / "out")


def test_a_pool_of_unseen_mentions_leaves_what_has_no_other(data, tmp_path):
    asked = MentionReplacement(mentions="unseen")
    made = perturb(data, ["sw"], asked, tmp_path / "out")
    assert made.sentences["swh-Latn"] == [sentence("ni/O Asha/B-PER na/O Asha/B-PER")]
    counts = made.record.languages["swh-Latn"].types["PER"]
    assert (counts.num_replaced, counts.num_alone, counts.num_pool) == (1, 1, 1)


def test_languages_without_the_pools_split_give_nothing(data, tmp_path):
    (data / "ha/test.conll").unlink()
    made = perturb(data, ["sw"], MentionReplacement(scope="in-script"), tmp_path / "out")
    assert made.record.languages["swh-Latn"].pool_languages == ("swh-Latn", "yor-Latn")


def test_refuses_an_empty_pool(data, tmp_path):
    asked = MentionReplacement(pool="train", mentions="unseen")
    with pytest.raises(
        PerturbationOptionError, match=r"swh-Latn[\s\S]*pool train, mentions unseen"
    ):
        perturb(data, ["sw"], asked, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_refuses_a_language_that_is_not_there(data, tmp_path):
    with pytest.raises(DataNotFoundError, match=r"data in zul-Latn[\s\S]*amh-Ethi, hau-Latn"):
        perturb(data, ["sw", "zul"], MentionReplacement(), tmp_path / "out")


# --- the directory's own place ------------------------------------------------------------------


def test_replaces_a_perturbed_directory(data, tmp_path):
    perturb(data, ["sw"], MentionReplacement(), tmp_path / "out")
    perturb(data, ["yo"], MentionReplacement(), tmp_path / "out")
    assert available_languages("ner", tmp_path / "out") == ("yor-Latn",)


def test_refuses_to_replace_anything_else(data, tmp_path):
    with pytest.raises(RunDirectoryError, match=r"got: +.*data without perturbation\.json"):
        perturb(data, ["sw"], MentionReplacement(), data)
    assert (data / "sw/test.conll").exists()


# --- the name in result rows --------------------------------------------------------------------


def test_perturbation_of_names_what_was_done(data, tmp_path):
    asked = MentionReplacement(scope="in-script", share=0.5)
    perturb(data, ["sw"], asked, tmp_path / "out")
    assert perturbation_of(tmp_path / "out") == "in-script share=0.5"
    record = read_record(tmp_path / "out")
    assert record.options == asked
    assert record.source == "data"


def test_a_local_copy_of_an_entry_is_named_by_its_id(data, tmp_path):
    perturb(f"masakhaner2={data}", ["sw"], MentionReplacement(), tmp_path / "out")
    assert read_record(tmp_path / "out").source == "masakhaner2"
    assert str(data) not in (tmp_path / "out" / RECORD_FILE).read_text("utf-8")
    assert read_record(f"masakhaner2={tmp_path / 'out'}") == read_record(tmp_path / "out")
    assert perturbation_of(f"masakhaner2={data}") == "none"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("xnli", "xnli"),
        ("xnli=private/place", "xnli"),
        ("organisation/name@abc", "organisation/name@abc"),
        ("synthetic:ner", "synthetic:ner"),
    ],
)
def test_names_of_data_hold_no_place(data, source, name):
    assert public_name(source) == name
    assert public_name(data) == public_name(str(data)) == "data"


@pytest.mark.parametrize("source", ["organisation/name@abc", "synthetic:ner"])
def test_what_is_no_perturbed_directory_is_unperturbed(data, source):
    assert perturbation_of(source) == perturbation_of(data) == "none"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", r"perturbation\.json[\s\S]*Expecting property name"),
        ('{"source": "x", "split": "test", "options": {}}', r"languages: Field required"),
        (
            '{"source": "x", "split": "test", "options": {}, "languages": {}, "colour": 1}',
            r"colour: Extra inputs",
        ),
    ],
)
def test_refuses_a_broken_record(tmp_path, content, match):
    (tmp_path / RECORD_FILE).write_text(content)
    with pytest.raises(DataFormatError, match=match):
        perturbation_of(tmp_path)


@pytest.mark.parametrize("scope", ["in-language", "in-script", "in-family"])
def test_real_mentions_are_all_replaced(tmp_path, scope):
    source = real_data("ner/masakhaner2")
    made = perturb(source, ["swa"], MentionReplacement(scope=scope), tmp_path / "out")
    record = made.record.languages["swh-Latn"]
    assert record.total("num_mentions") == record.total("num_replaced") > 3000
    assert record.num_sentences == len(read_conll(tmp_path / "out/swh-Latn/test.conll")) > 1000
    assert len(record.pool_languages) == {"in-language": 1, "in-script": 8, "in-family": 6}[scope]
