import datasets
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from tinyglot.data.conll import TaggedSentence
from tinyglot.data.hub import language_of_name, read_hub_dataset
from tinyglot.data.reading import read_examples
from tinyglot.errors import (
    DataFormatError,
    DataNotFoundError,
    EmptyTextError,
    UnknownLanguageError,
)

LABELS = ClassLabel(names=["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
SWAHILI = {"tokens": [["Juma", "Ali", "anaishi", "Mombasa"], ["ndiyo"]]}
SWAHILI_SENTENCES = [
    TaggedSentence(("Juma", "Ali", "anaishi", "Mombasa"), ("B-PER", "I-PER", "O", "B-LOC")),
    TaggedSentence(("ndiyo",), ("O",)),
]
README = """---
configs:
- config_name: swa
  data_files:
  - split: train
    path: swa/train-*
  - split: validation
    path: swa/validation-*
- config_name: hau
  data_files:
  - split: train
    path: hau/train-*
---
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def quiet_bars():
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def hub(tmp_path, quiet_bars):
    """Two configurations named by language, as the hub's parquet branches have them."""
    root = tmp_path / "hub"
    save(root / "swa/train-00000-of-00001.parquet", tags=[[1, 2, 0, 3], [0]])
    save(root / "swa/validation-00000-of-00001.parquet", tags=[[0, 0, 0, 0], [0]])
    save(root / "hau/train-00000-of-00001.parquet", tags=[[3, 4, 0, 0], [0]])
    (root / "README.md").write_text(README)
    return root


@pytest.fixture
def single(tmp_path, quiet_bars):
    """One data file without configurations."""

    def make(**columns):
        return save(tmp_path / "single/train-00000-of-00001.parquet", **columns).parent

    return make


def save(path, tags, feature=LABELS, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = {**SWAHILI, "ner_tags": tags, **columns}
    others = {name: Value("string") for name in columns if name not in ("tokens", "ner_tags")}
    features = Features({"tokens": List(Value("string")), "ner_tags": List(feature), **others})
    Dataset.from_dict(rows, features=features).to_parquet(path)
    return path


# --- good input --------------------------------------------------------------------------------


def test_class_labels_become_their_names(hub):
    assert read_hub_dataset(hub, "swa", "train") == SWAHILI_SENTENCES


def test_tags_may_be_strings_in_another_scheme(single):
    tags = [["B-PER", "L-PER", "O", "U-LOC"], ["O"]]
    root = single(tags=tags, feature=Value("string"))
    assert read_hub_dataset(root, None, "train") == SWAHILI_SENTENCES


def test_dev_is_validation_on_the_hub(hub):
    assert read_hub_dataset(hub, "swa", "dev")[0].tags == ("O", "O", "O", "O")


def test_columns_may_have_other_names(tmp_path, quiet_bars):
    rows = Dataset.from_dict({"words": [["Juma"]], "labels": [["B-PER"]]})
    (tmp_path / "other").mkdir()
    rows.to_parquet(tmp_path / "other/test.parquet")
    found = read_hub_dataset(
        tmp_path / "other", None, "test", words_column="words", tags_column="labels"
    )
    assert found == [TaggedSentence(("Juma",), ("B-PER",))]


def test_rows_without_words_are_left_out(single):
    root = single(tokens=[[], ["ndiyo"]], tags=[[], [0]])
    assert read_hub_dataset(root, None, "train") == SWAHILI_SENTENCES[1:]


def test_finds_the_configuration_of_a_language(hub):
    assert read_examples("ner", str(hub), "swh-Latn", "train") == SWAHILI_SENTENCES


def test_a_single_configuration_is_read_whole(single):
    root = single(tags=[[1, 2, 0, 3], [0]])
    assert read_examples("ner", str(root), "sw", "train") == SWAHILI_SENTENCES


def test_a_column_with_the_language_chooses_rows(single):
    root = single(tags=[[1, 2, 0, 3], [0]], language=["sw", "hau"])
    assert read_examples("ner", str(root), "swa", "train") == SWAHILI_SENTENCES[:1]


def test_a_directory_may_be_laid_out_as_on_the_hub(hub):
    assert read_examples("ner", hub, "sw", "train") == SWAHILI_SENTENCES


def test_a_commit_may_stand_behind_the_name(hub, monkeypatch):
    asked = []

    def config_names(name, revision):
        asked.append((name, revision))
        return ["yo"]

    monkeypatch.setattr(datasets, "get_dataset_config_names", config_names)
    with pytest.raises(DataNotFoundError, match="configurations are yo"):
        read_examples("ner", "organisation/name@0123abc", "sw", "train")
    assert asked == [("organisation/name", "0123abc")]


@pytest.mark.parametrize("name", ["sw", "swa", "swh_Latn", "PAN-X.sw", "sw_treebank"])
def test_tells_the_language_of_a_name(name):
    assert language_of_name(name) == "swh-Latn"


def test_a_name_that_is_no_language_has_none():
    assert language_of_name("default") is None


def test_bars_are_as_before_after_reading(hub):
    datasets.enable_progress_bars()
    read_hub_dataset(hub, "swa", "train")
    assert datasets.is_progress_bar_enabled()


# --- bad input ---------------------------------------------------------------------------------


def test_lists_the_configurations_when_the_language_is_missing(hub):
    with pytest.raises(DataNotFoundError, match=r"find yor-Latn[\s\S]*configurations are swa, hau"):
        read_examples("ner", str(hub), "yo", "train")


def test_refuses_two_configurations_of_one_language(hub):
    (hub / "README.md").write_text(README.replace("config_name: hau", "config_name: swh_Latn"))
    with pytest.raises(DataFormatError, match=r"2 configurations[\s\S]*swa, swh_Latn"):
        read_examples("ner", str(hub), "sw", "train")


def test_refuses_a_missing_configuration(hub):
    with pytest.raises(DataNotFoundError, match=r"'yor' not found[\s\S]*README\.md, hau, swa"):
        read_hub_dataset(hub, "yor", "train")


def test_lists_the_splits_when_one_is_missing(hub):
    with pytest.raises(DataNotFoundError, match=r"split 'test'[\s\S]*splits are train, validation"):
        read_hub_dataset(hub, "swa", "test")


def test_lists_the_languages_when_no_row_is_in_it(single):
    root = single(tags=[[1, 2, 0, 3], [0]], language=["sw", "hau"])
    with pytest.raises(DataNotFoundError, match=r"rows in yor-Latn[\s\S]*language has sw, hau"):
        read_examples("ner", str(root), "yo", "train")


def test_lists_the_columns_when_one_is_missing(hub):
    with pytest.raises(DataFormatError, match=r"column\(s\) labels in [\s\S]*tokens, ner_tags"):
        read_hub_dataset(hub, "swa", "train", tags_column="labels")


def test_refuses_numbers_without_names(single):
    root = single(tags=[[1, 2, 0, 3], [0]], feature=Value("int64"))
    with pytest.raises(DataFormatError, match=r"name the tags in the column ner_tags"):
        read_hub_dataset(root, None, "train")


def test_reports_all_broken_rows_at_once(single):
    tags = [["B-PER", "PER", "O", "O"], ["O", "O"], ["B-PER"]]
    tokens = [*SWAHILI["tokens"], [None]]
    root = single(tags=tags, tokens=tokens, feature=Value("string"))
    with pytest.raises(DataFormatError, match="3 broken row") as caught:
        read_hub_dataset(root, None, "train")
    assert caught.value.got.splitlines() == [
        "row 0: illegal tag 'PER'",
        "row 1: 1 word(s) and 2 tag(s)",
        "row 2: a tag without a word",
    ]


def test_a_hidden_label_is_no_label(single):
    root = single(tags=[[1, 2, -1, 3], [0]])
    with pytest.raises(DataFormatError, match="row 0: illegal tag '-1'"):
        read_hub_dataset(root, None, "train")


def test_does_not_mix_schemes(single):
    root = single(tags=[["S-PER", "O", "O", "U-LOC"], ["O"]], feature=Value("string"))
    with pytest.raises(DataFormatError, match="two schemes: 'S-PER' and 'U-LOC'"):
        read_hub_dataset(root, None, "train")


def test_sums_up_many_broken_rows(single):
    root = single(tokens=[["a"]] * 25, tags=[["PER"]] * 25, feature=Value("string"))
    with pytest.raises(DataFormatError, match=r"25 broken row[\s\S]*and 5 more rows"):
        read_hub_dataset(root, None, "train")


def test_refuses_a_split_without_words(single):
    root = single(tokens=[[], []], tags=[[], []])
    with pytest.raises(EmptyTextError, match="no row holds a word"):
        read_hub_dataset(root, None, "train")


def test_says_what_a_directory_without_data_files_holds(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/notes.bin").write_bytes(b"1")
    with pytest.raises(DataNotFoundError, match=r"directory holds notes\.bin[\s\S]*<language>/"):
        read_examples("ner", tmp_path / "empty", "sw", "train")


def test_refuses_a_damaged_data_file(single):
    root = single(tags=[[1, 2, 0, 3], [0]])
    (root / "train-00000-of-00001.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(DataNotFoundError, match=r"load the data set[\s\S]*train-00000"):
        read_hub_dataset(root, None, "train")


def test_refuses_an_unknown_language_code(hub):
    with pytest.raises(UnknownLanguageError, match="qqqq"):
        read_examples("ner", str(hub), "qqqq", "train")


def test_an_unreachable_hub_id_says_what_else_would_do(monkeypatch):
    def unreachable(name, revision):
        raise ConnectionError(f"Couldn't reach {name!r} on the Hub")

    monkeypatch.setattr(datasets, "get_dataset_config_names", unreachable)
    with pytest.raises(DataNotFoundError, match=r"no/such[\s\S]*reach 'no/such'[\s\S]*<language>/"):
        read_examples("ner", "no/such", "sw", "train")
