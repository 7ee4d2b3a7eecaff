from importlib.resources import files

import datasets
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from tests.real_data import real_data_root
from tinyglot.data.catalogue import Entry, catalogue, read_entry
from tinyglot.data.columns import ALIASES
from tinyglot.data.conll import TaggedSentence
from tinyglot.data.examples import Answer, LabelledText, Parallel, Question
from tinyglot.data.reading import available_languages, available_splits, read_examples
from tinyglot.data.sources import locate_source
from tinyglot.errors import DataFormatError, DataNotFoundError

ANSWERS = {"text": List(Value("string")), "answer_start": List(Value("int32"))}
QUESTIONS = Features(
    {"id": Value("string"), "context": Value("string"), "question": Value("string")}
    | {"answers": ANSWERS}
)
PAIRS = Features({"source_sentence": Value("string"), "target_sentence": Value("string")})


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def hub(tmp_path):
    """Lay out a data set as on the hub: a data card, and parquet files a configuration."""

    def make(configurations):
        root = tmp_path / "hub"
        card = ["---", "configs:"]
        for name, splits in configurations.items():
            card += [f"- config_name: {name}", "  data_files:"]
            for split, (rows, features) in splits.items():
                (root / name).mkdir(parents=True, exist_ok=True)
                file = root / name / f"{split}-00000-of-00001.parquet"
                Dataset.from_list(rows, features=features).to_parquet(file)
                card += [f"  - split: {split}", f"    path: {name}/{split}-*"]
        (root / "README.md").write_text("\n".join([*card, "---", ""]))
        return root

    return make


def question(name, context="Mombasa ni mji.", answer="mji"):
    start = context.index(answer)
    answers = {"text": [answer], "answer_start": [start]}
    return {"id": name, "context": context, "question": "Nini?", "answers": answers}


# --- entries -----------------------------------------------------------------------------------


def test_every_file_is_an_entry_of_its_name():
    names = [path.name for path in files("tinyglot.data.catalogue").iterdir()]
    assert {f"{name}.yaml" for name in catalogue()} == {n for n in names if n.endswith(".yaml")}
    assert len(catalogue()) == 19


def test_every_task_but_mlm_has_a_data_set():
    assert {entry.task for entry in catalogue().values()} == {
        *("ner", "pos", "nli", "paraphrase", "qa", "retrieval", "topic", "sentiment"),
    }


@pytest.mark.parametrize("entry", catalogue().values(), ids=lambda entry: entry.id)
def test_entries_fit_the_readers(entry):
    assert entry.languages
    if entry.hub is None:
        assert entry.origin is not None
        return
    assert set(entry.hub.columns) <= set(ALIASES[entry.kind])
    configurations = [entry.hub.configuration.format(code=c) for c in entry.languages.values()]
    distinct = 1 if entry.hub.row_prefix else len(entry.languages)
    assert len(set(configurations)) == distinct


@pytest.mark.parametrize(
    ("entry", "folder"),
    [
        *(("panx", "ner/panx"), ("masakhaner2", "ner/masakhaner2"), ("uner", "ner/uner")),
        *(("wikigoldsk", "ner/wikigoldsk"), ("sib200", "topic/sib200")),
        *(("afrisenti", "sentiment/afrisenti"), ("xquad", "qa/xquad")),
        *(("kinit-reviews-sk", "sentiment/kinit-reviews-sk"),),
        *(("typology-sentiment", "sentiment/typology-sentiment"),),
    ],
)
def test_languages_of_local_copies_are_in_the_catalogue(entry, folder):
    path = real_data_root() / folder
    if not path.exists():
        pytest.skip(f"real data {folder!r} is not there")
    languages = available_languages(catalogue()[entry].kind, f"{entry}={path}")
    assert set(languages) <= set(catalogue()[entry].languages)
    assert len(languages) > 0


def entry_text(**changes):
    entry = catalogue()["xquad"].model_dump(mode="json") | changes
    return "\n".join(f"{key}: {value!r}" for key, value in entry.items() if value is not None)


def test_an_entry_survives_writing():
    entry = catalogue()["xquad"].model_dump(mode="json")
    assert Entry.model_validate(entry) == catalogue()["xquad"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"licences": "MIT"}, "licences"),
        ({"languages": {"swahili": "sw"}}, "swahili"),
        ({"made": "magic"}, "made"),
        ({"hub": {"id": "a/b", "revision": "main", "configuration": "x"}}, "revision"),
        ({"splits": ["validation"]}, "splits"),
    ],
)
def test_refuses_a_wrong_entry(changes, text):
    with pytest.raises(DataFormatError, match="entry of the catalogue") as caught:
        read_entry(entry_text(licence="x", **changes))
    assert text in caught.value.got


# --- sources -----------------------------------------------------------------------------------


def test_an_id_stands_for_its_copy_on_the_hub_at_its_commit():
    source = locate_source("xquad", "qa")
    assert source.name == "google/xquad@51adfef1c1287aab1d2d91b5bead9bcfb9c68583"
    assert source.configs["swh-Latn" if "swh-Latn" in source.configs else "tha-Thai"] == "xquad.th"
    assert locate_source("panx").name == "google/xtreme"


def test_a_directory_goes_before_an_entry_of_the_same_name(tmp_path, monkeypatch):
    (tmp_path / "xquad").mkdir()
    monkeypatch.chdir(tmp_path)
    assert locate_source("xquad").entry is None


def test_a_path_may_hold_an_equals_sign(tmp_path):
    assert locate_source(f"{tmp_path}/lang=sw").name == f"{tmp_path}/lang=sw"


def test_an_id_that_is_not_there_names_those_that_are():
    with pytest.raises(DataNotFoundError, match=r"'xqad' in the catalogue[\s\S]*xnli, xquad"):
        locate_source("xqad=somewhere")


def test_a_data_set_without_a_copy_on_the_hub_says_where_it_is():
    with pytest.raises(DataNotFoundError, match=r"github\.com/NaiveNeuron/WikiGoldSK") as caught:
        read_examples("ner", "wikigoldsk", "sk", "test")
    assert caught.value.expected == "wikigoldsk=PATH"


def test_refuses_a_data_set_of_another_kind():
    with pytest.raises(DataFormatError, match=r"XQuAD as ner[\s\S]*masakhaner2") as caught:
        read_examples("ner", "xquad", "de", "test")
    assert "the task qa" in caught.value.problem


# --- copies laid out as on the hub ---------------------------------------------------------------


def test_pawsx(hub):
    features = Features(
        {"id": Value("int32"), "sentence1": Value("string"), "sentence2": Value("string")}
        | {"label": ClassLabel(names=["0", "1"])}
    )
    rows = [{"id": 1, "sentence1": "A", "sentence2": "B", "label": 1}]
    root = hub({"de": {"test": (rows, features)}, "ko": {"test": (rows, features)}})
    assert available_languages("pair", f"pawsx={root}") == ("deu-Latn", "kor-Hang")
    assert read_examples("pair", f"pawsx={root}", "de", "test") == [LabelledText(("A", "B"), "1")]


def test_mlqa(hub):
    rows = [question("q1")]
    splits = {"validation": (rows, QUESTIONS), "test": (rows, QUESTIONS)}
    root = hub({"MLQA.de.de": splits, "MLQA.hi.hi": splits})
    source = f"mlqa={root}"
    assert available_languages("qa", source) == ("deu-Latn", "hin-Deva")
    assert available_splits("qa", source, "hi") == ("dev", "test")
    expected = Question("q1", "", "Mombasa ni mji.", "Nini?", (Answer("mji", 11),))
    assert read_examples("qa", source, "hi", "dev") == [expected]


def test_tydiqa_tells_languages_by_the_ids_of_its_rows(hub):
    rows = [question("swahili-1"), question("telugu-1"), question("swahili-2")]
    root = hub({"secondary_task": {"train": (rows, QUESTIONS)}})
    source = f"tydiqa={root}"
    found = read_examples("qa", source, "sw", "train")
    assert [item.id for item in found] == ["swahili-1", "swahili-2"]
    assert len(available_languages("qa", source)) == 9
    with pytest.raises(DataNotFoundError, match=r"rows of this language[\s\S]*'korean-'"):
        read_examples("qa", source, "ko", "train")


def test_answers_outside_the_context_are_named_on_the_hub_too(hub):
    wrong = question("q1") | {"answers": {"text": ["mji"], "answer_start": [3]}}
    root = hub({"MLQA.de.de": {"test": ([wrong], QUESTIONS)}})
    with pytest.raises(DataFormatError, match=r"row 0, question q1: answer 'mji' is not at 3"):
        read_examples("qa", f"mlqa={root}", "de", "test")


def test_slices_go_by_paragraph_where_articles_have_no_title(hub):
    rows = [question(f"q{i}", f"Mombasa ni mji {i // 2}.") for i in range(8)]
    root = hub({"xquad.de": {"validation": (rows, QUESTIONS)}})
    source = f"xquad={root}"
    assert available_splits("qa", source, "de") == ("test",)
    for name in ("dev", "validation", "dev[:50%]"):
        with pytest.raises(DataNotFoundError, match=r"'validation' is the split 'test' here"):
            read_examples("qa", source, "de", name)
    found = read_examples("qa", source, "de", "test[:25%]")
    assert [item.id for item in found] == ["q0", "q1"]


def test_bucc_and_tatoeba_as_in_xtreme(hub):
    rows = [{"source_sentence": "Hallo", "target_sentence": "Hello"}]
    root = hub(
        {
            "bucc18.de": {"validation": (rows, PAIRS), "test": (rows, PAIRS)},
            "tatoeba.swh": {"validation": (rows, PAIRS)},
        }
    )
    pair = [Parallel("Hallo", "Hello")]
    assert read_examples("parallel", f"bucc2018={root}", "de", "dev") == pair
    assert read_examples("parallel", f"tatoeba={root}", "sw", "test") == pair


def test_tagged_sentences_as_in_xtreme(hub):
    def features(column, names):
        words = List(Value("string"))
        return Features({"tokens": words, column: List(ClassLabel(names=names))})

    entities = ([{"tokens": ["Juma"], "ner_tags": [1]}], features("ner_tags", ["O", "B-PER"]))
    words = ([{"tokens": ["Juma"], "pos_tags": [0]}], features("pos_tags", ["PROPN", "X"]))
    root = hub({"PAN-X.sw": {"train": entities}, "udpos.Yoruba": {"test": words}})
    sentence = read_examples("ner", f"panx={root}", "sw", "train")
    assert sentence == [TaggedSentence(("Juma",), ("B-PER",))]
    sentence = read_examples("pos", f"udpos={root}", "yo", "test")
    assert sentence == [TaggedSentence(("Juma",), ("PROPN",))]


def test_xnli_names_its_labels(hub):
    features = Features(
        {"premise": Value("string"), "hypothesis": Value("string")}
        | {"label": ClassLabel(names=["entailment", "neutral", "contradiction"])}
    )
    rows = [{"premise": "A", "hypothesis": "B", "label": 2}]
    root = hub({"sw": {"validation": (rows, features)}})
    found = read_examples("pair", str(root), "sw", "dev")
    assert found == [LabelledText(("A", "B"), "contradiction")]
    rows[0]["label"] = -1
    root = hub({"sw": {"test": (rows, features)}})
    with pytest.raises(DataFormatError, match="no value for 'label': row 0"):
        read_examples("pair", str(root), "sw", "test")
