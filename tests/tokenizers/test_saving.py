"""What is written, and what AutoTokenizer makes of it in another process."""

import json
import subprocess
import sys

import pytest
from tokenizers import Tokenizer, normalizers
from transformers import AutoConfig, BertTokenizer, PreTrainedTokenizerFast

from tests.tiny import TINY_TEXT
from tests.tokenizers.zoo import MODEL_TYPES, ZOO, zoo_tokenizer
from tinyglot.errors import (
    ModelNotFoundError,
    TokenizerChangedError,
    UnsafeCheckpointError,
    UnsupportedTokenizerError,
)
from tinyglot.tokenizers import (
    HARD_SAMPLES,
    close_token_ids,
    file_differences,
    load_tokenizer,
    required_token_ids,
    save_tokenizer,
    trim_tokenizer,
    verify_tokenizer,
)

every_tokenizer = pytest.mark.parametrize("name", ZOO)
SAMPLES = [*HARD_SAMPLES, *TINY_TEXT]
RELOAD = """
import json, sys
from transformers import AutoTokenizer
samples = json.load(open(sys.argv[1], encoding="utf-8"))
found = {}
for directory in sys.argv[2:]:
    tokenizer = AutoTokenizer.from_pretrained(directory)
    found[directory] = {
        "ids": tokenizer(samples, verbose=False).input_ids,
        "special": tokenizer.special_tokens_map,
        "model_max_length": tokenizer.model_max_length,
        "padding_side": tokenizer.padding_side,
        "model_input_names": tokenizer.model_input_names,
    }
print(json.dumps(found))
"""


def trimmed(name):
    """Give the tokenizer with the tokens of two thirds of the samples."""
    tokenizer = zoo_tokenizer(name)
    used = {i for ids in tokenizer(SAMPLES[::3] + SAMPLES[1::3]).input_ids for i in ids}
    kept = close_token_ids(tokenizer, used | required_token_ids(tokenizer))
    return trim_tokenizer(tokenizer, sorted(kept))


def write_config(name, directory):
    if name in MODEL_TYPES:
        AutoConfig.for_model(MODEL_TYPES[name]).save_pretrained(directory)


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory):
    """Save every tokenizer, whole and trimmed, and load all of them in one other process."""
    root = tmp_path_factory.mktemp("saved")
    (root / "samples.json").write_text(json.dumps(SAMPLES), encoding="utf-8")
    tokenizers = {f"{name}-whole": zoo_tokenizer(name) for name in ZOO}
    tokenizers |= {f"{name}-trimmed": trimmed(name) for name in ZOO}
    for label, tokenizer in tokenizers.items():
        save_tokenizer(tokenizer, root / label)
        write_config(label.rpartition("-")[0], root / label)
    command = [sys.executable, "-c", RELOAD, str(root / "samples.json")]
    process = subprocess.run(
        [*command, *(str(root / label) for label in tokenizers)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(process.stdout.splitlines()[-1])
    return {label: (tokenizers[label], found[str(root / label)]) for label in tokenizers}


@pytest.mark.parametrize("form", ["whole", "trimmed"])
@every_tokenizer
def test_another_process_gets_the_same_ids(reloaded, name, form):
    tokenizer, found = reloaded[f"{name}-{form}"]
    assert found["ids"] == tokenizer(SAMPLES, verbose=False).input_ids


@pytest.mark.parametrize("form", ["whole", "trimmed"])
@every_tokenizer
def test_another_process_gets_the_same_settings(reloaded, name, form):
    tokenizer, found = reloaded[f"{name}-{form}"]
    assert found["special"] == tokenizer.special_tokens_map
    assert found["model_max_length"] == tokenizer.model_max_length
    assert found["padding_side"] == tokenizer.padding_side
    assert found["model_input_names"] == tokenizer.model_input_names


@every_tokenizer
def test_the_tokenizers_library_alone_reads_the_same(tmp_path, name):
    tokenizer = trimmed(name)
    tokenizer(SAMPLES[:2], truncation=True, max_length=5, padding="max_length")
    save_tokenizer(tokenizer, tmp_path)
    alone = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert [e.ids for e in alone.encode_batch(SAMPLES)] == tokenizer(SAMPLES).input_ids


@every_tokenizer
def test_a_saved_tokenizer_passes_its_check(tmp_path, name):
    tokenizer = trimmed(name)
    save_tokenizer(tokenizer, tmp_path)
    write_config(name, tmp_path)
    verify_tokenizer(tmp_path, tokenizer, TINY_TEXT)
    assert load_tokenizer(tmp_path).get_vocab() == tokenizer.get_vocab()


@every_tokenizer
def test_saving_again_writes_the_same_bytes(tmp_path, name):
    save_tokenizer(trimmed(name), tmp_path / "first")
    save_tokenizer(trimmed(name), tmp_path / "second")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        first, second = ((tmp_path / side / file).read_bytes() for side in ("first", "second"))
        assert first == second


def test_only_two_files_are_written(tmp_path):
    save_tokenizer(zoo_tokenizer("gemma_like"), tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["tokenizer.json", "tokenizer_config.json"]


def test_the_configuration_says_what_versions_4_and_5_understand(tmp_path):
    save_tokenizer(zoo_tokenizer("gemma_like"), tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text("utf-8"))
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert config["additional_special_tokens"] == ["<unused0>"]
    assert "extra_special_tokens" not in config  # a list there stops version 4


def test_loading_by_the_special_class_keeps_the_case_too(tmp_path):
    tokenizer = trimmed("bert_cased")
    save_tokenizer(tokenizer, tmp_path)
    by_name = BertTokenizer.from_pretrained(tmp_path)
    assert by_name(SAMPLES, verbose=False).input_ids == tokenizer(SAMPLES, verbose=False).input_ids


# --- the trap ----------------------------------------------------------------------------------


def as_others_save_it(tokenizer, directory):
    """Write a cased BERT as tools do that know only tokenizer.json."""
    tokenizer.save_pretrained(directory)
    config = json.loads((directory / "tokenizer_config.json").read_text("utf-8"))
    del config["do_lower_case"]
    (directory / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")


def test_a_cased_tokenizer_that_came_back_lower_casing_is_noticed(tmp_path):
    tokenizer = zoo_tokenizer("bert_cased")
    as_others_save_it(tokenizer, tmp_path)
    write_config("bert_cased", tmp_path)
    assert load_tokenizer(tmp_path).tokenize("Ħ") == ["ħ"] != tokenizer.tokenize("Ħ")
    with pytest.raises(TokenizerChangedError, match=r"do_lower_case[\s\S]*got: +True"):
        verify_tokenizer(tmp_path, tokenizer, ())


def test_differences_between_tokenizer_json_and_the_class_are_listed(tmp_path):
    tokenizer = zoo_tokenizer("bert_cased")
    as_others_save_it(tokenizer, tmp_path)
    texts = ("ħobż", "1234")
    different = file_differences(tmp_path, load_tokenizer(tmp_path), texts)
    assert "ħobż" in different
    assert "1234" not in different
    assert HARD_SAMPLES[0] in different


def test_no_differences_after_saving_with_tinyglot(tmp_path):
    tokenizer = zoo_tokenizer("bert_cased")
    save_tokenizer(tokenizer, tmp_path)
    assert file_differences(tmp_path, load_tokenizer(tmp_path), TINY_TEXT) == ()


def test_no_differences_where_there_is_no_tokenizer_json(tmp_path):
    tokenizer = zoo_tokenizer("bert_uncased")
    (tmp_path / "vocab.txt").write_text("\n".join(tokenizer.get_vocab()), encoding="utf-8")
    assert file_differences(tmp_path, tokenizer) == ()


def test_a_normalizer_of_ones_own_is_not_replaced(tmp_path):
    tokenizer = zoo_tokenizer("xlm_roberta")
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("x", "watoto")
    save_tokenizer(tokenizer, tmp_path)
    write_config("xlm_roberta", tmp_path)
    assert load_tokenizer(tmp_path).tokenize("x") == tokenizer.tokenize("x") != ["▁x"]


# --- refusals ----------------------------------------------------------------------------------


def test_another_vocabulary_is_noticed(tmp_path):
    save_tokenizer(trimmed("xlm_roberta"), tmp_path)
    with pytest.raises(TokenizerChangedError, match=r"vocabulary[\s\S]*expected: +883 tokens"):
        verify_tokenizer(tmp_path, zoo_tokenizer("xlm_roberta"), ())


def test_another_setting_is_noticed(tmp_path):
    tokenizer = zoo_tokenizer("roberta")
    save_tokenizer(tokenizer, tmp_path)
    tokenizer.model_max_length = 7
    with pytest.raises(
        TokenizerChangedError, match=r"model_max_length[\s\S]*128[\s\S]*expected: +7"
    ):
        verify_tokenizer(tmp_path, tokenizer, ())


def test_another_segmentation_of_a_given_text_is_noticed(tmp_path):
    tokenizer = zoo_tokenizer("xlm_roberta")
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("qqq", "watoto")
    save_tokenizer(tokenizer, tmp_path)
    original = zoo_tokenizer("xlm_roberta")
    verify_tokenizer(tmp_path, original, ["watoto"])
    with pytest.raises(TokenizerChangedError, match=r"splits 'a qqq'[\s\S]*got: .*▁wat"):
        verify_tokenizer(tmp_path, original, ["watoto", "a qqq"])


def test_a_directory_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"no such directory[\s\S]*nowhere"):
        load_tokenizer(tmp_path / "nowhere")


def test_a_directory_without_tokenizer_is_refused(tmp_path):
    with pytest.raises(UnsupportedTokenizerError, match="transformers cannot read it"):
        load_tokenizer(tmp_path)


def test_a_damaged_file_is_refused(tmp_path):
    save_tokenizer(zoo_tokenizer("roberta"), tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0", "model"', encoding="utf-8")
    with pytest.raises(UnsupportedTokenizerError, match="cannot read it"):
        load_tokenizer(tmp_path)


def test_a_tokenizer_with_code_of_its_own_is_refused(tmp_path):
    config = {
        "tokenizer_class": "EvilTokenizer",
        "auto_map": {"AutoTokenizer": ["evil.EvilTokenizer", None]},
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    marker = tmp_path / "was_run"
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')", encoding="utf-8")
    with pytest.raises(UnsafeCheckpointError, match=r"its own code[\s\S]*auto_map"):
        load_tokenizer(tmp_path)
    assert not marker.exists()


def test_the_general_class_is_what_is_loaded(tmp_path):
    save_tokenizer(zoo_tokenizer("deberta_v2"), tmp_path)
    write_config("deberta_v2", tmp_path)
    assert type(load_tokenizer(tmp_path)) is PreTrainedTokenizerFast
