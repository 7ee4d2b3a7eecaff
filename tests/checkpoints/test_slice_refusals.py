"""Elastic checkpoints that are not what they seem, and embedders: refused, or cut whole."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.checkpoints.test_slicing import KINDS_OF, elastic_checkpoint, encoded
from tests.tiny import FAMILIES, tiny_pair, tiny_tokenizer
from tinyglot.architectures import view
from tinyglot.checkpoints import load_checkpoint, save_checkpoint, slicing
from tinyglot.checkpoints.elastic import Elastic
from tinyglot.checkpoints.slice_card import read_front_matter
from tinyglot.checkpoints.slicing import slice_elastic
from tinyglot.checkpoints.tensor_file import weight_files
from tinyglot.checkpoints.weight_sample import digest_of_files, digest_of_model
from tinyglot.errors import (
    CheckpointTensorsError,
    ElasticCheckpointError,
    ModelNotFoundError,
    SizeNotTrainedError,
    UnsafeCheckpointError,
    UnsupportedArchitectureError,
)
from tinyglot.files import read_json
from tinyglot.surgery import Subnetworks


@pytest.fixture
def bert(tmp_path):
    elastic_checkpoint(tmp_path / "bert")
    return tmp_path / "bert"


def edit(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


# --- code ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model_type", "architectures"), [("evil", ["BertForTokenClassification"]), ("evil", ["Evil"])]
)
def test_code_of_the_checkpoint_is_never_run(bert, tmp_path, model_type, architectures):
    ran = tmp_path / "ran"
    (bert / "evil.py").write_text(
        f"open({str(ran)!r}, 'w').close()\n"
        "from transformers import BertConfig\n"
        "class EvilConfig(BertConfig):\n    model_type = 'evil'\n"
    )
    maps = {"AutoConfig": "evil.EvilConfig"}
    edit(bert / "config.json", model_type=model_type, architectures=architectures, auto_map=maps)
    with pytest.raises(UnsafeCheckpointError, match=r"code of its own[\s\S]*auto_map"):
        slice_elastic(bert, out=tmp_path / "slice", layers=1)
    assert not ran.exists()
    assert not (tmp_path / "slice").exists()


def test_a_slice_names_no_code(bert, tmp_path):
    edit(bert / "config.json", auto_map={"AutoModel": "evil/repo--evil.Model"})
    slice_elastic(bert, out=tmp_path / "slice", layers=1)
    assert "auto_map" not in read_json(tmp_path / "slice" / "config.json")


@pytest.mark.parametrize(
    ("architectures", "error", "message"),
    [
        (["SlimBertForTokenClassification"], CheckpointTensorsError, r"sizes of its layers"),
        (["Nope"], CheckpointTensorsError, r"not in its files"),
        ([], CheckpointTensorsError, r"not in its files"),
    ],
)
def test_another_class_is_refused_in_words(bert, tmp_path, architectures, error, message):
    edit(bert / "config.json", architectures=architectures)
    with pytest.raises(error, match=message):
        slice_elastic(bert, out=tmp_path / "slice", layers=1)


def test_a_slim_class_and_another_family_are_refused(bert, tmp_path):
    slim = {"heads": [4, 4], "ffn": [48, 48]}
    edit(bert / "config.json", architectures=["SlimBertForTokenClassification"], slim=slim)
    with pytest.raises(UnsupportedArchitectureError, match=r"layers differ[\s\S]*class SlimBert"):
        slice_elastic(bert, out=tmp_path / "slice", layers=1)
    edit(bert / "config.json", model_type="gpt2", architectures=["GPT2Model"])
    with pytest.raises(UnsupportedArchitectureError, match=r"not supported[\s\S]*gpt2"):
        slice_elastic(bert, out=tmp_path / "slice", layers=1)


# --- files ---------------------------------------------------------------------------------------


def test_other_weight_files_beside_the_checkpoint_are_not_read(bert, tmp_path):
    weights = load_file(bert / "model.safetensors")
    zeros = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    save_file(zeros, bert / "zz_backup.safetensors", {"format": "pt"})
    slice_elastic(bert, out=tmp_path / "slice", layers=1, heads=3)
    elastic, source = Elastic.read(bert), load_checkpoint(str(bert))
    cut = load_checkpoint(str(tmp_path / "slice"))
    inputs = encoded(source.tokenizer)
    with torch.no_grad():
        expected = Subnetworks(source.model)(elastic.shape(1, 3, 48), inputs)[0]
        assert torch.equal(cut.model(**inputs)[0], expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_shards_and_bf16_give_the_same_slice_as_one_file(bert, tmp_path, dtype):
    options = {"layers": 1, "heads": 3, "language": "sw"}
    model = load_checkpoint(str(bert)).model.to(dtype)
    for name, size in {"whole": "1GB", "shards": "20kB"}.items():
        shutil.copytree(bert, tmp_path / name, ignore=shutil.ignore_patterns("*.safetensors"))
        model.save_pretrained(tmp_path / name, max_shard_size=size)
        slice_elastic(tmp_path / name, out=tmp_path / f"{name}-slice", **options)
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 2
    paths = [tmp_path / f"{name}-slice" / "model.safetensors" for name in ("whole", "shards")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert {tensor.dtype for tensor in load_file(paths[0]).values()} == {dtype}


def test_a_tensor_in_two_shards_is_refused(bert, tmp_path):
    weights = load_file(bert / "model.safetensors")
    (bert / "model.safetensors").unlink()
    for name in ("a", "b"):
        save_file(weights, bert / f"{name}.safetensors", {"format": "pt"})
    first, second, *_ = weights
    index = {"weight_map": {first: "a.safetensors", second: "b.safetensors"}}
    (bert / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointTensorsError, match=r"do not fit together[\s\S]*in several of a"):
        slice_elastic(bert, out=tmp_path / "slice", layers=1)
    index["weight_map"][second] = "../c.safetensors"
    (bert / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointTensorsError, match=r"names \.\./c\.safetensors, which is not"):
        slice_elastic(bert, out=tmp_path / "slice", layers=1)


def test_a_tensor_of_another_shape_is_refused(bert, tmp_path):
    edit(bert / "config.json", intermediate_size=40)
    with pytest.raises(CheckpointTensorsError, match=r"dense\.weight of shape \(48, 32\)"):
        slice_elastic(bert, out=tmp_path / "slice", layers=1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"head_dim": 99}, r"another model's[\s\S]*head_dim: 99, the model has 8"),
        ({"heads": [3, 2]}, r"another model's[\s\S]*heads: 3, the model has 4"),
        ({"ffn": [40, 10]}, r"another model's[\s\S]*ffn: 40, the model has 48"),
        ({"layers": [3], "layer_order": [0, 1, 2]}, r"layers: 3, the model has 2"),
        (
            {"vocabulary": {"swh-Latn": {"num_required": 1, "token_ids": "0 9999"}}},
            r"token id 9999 of swh-Latn",
        ),
    ],
)
def test_a_sidecar_of_another_model_is_refused(bert, tmp_path, fields, message):
    edit(bert / "elastic.json", **fields)
    with pytest.raises(ElasticCheckpointError, match=message):
        slice_elastic(bert, out=tmp_path / "slice", language="sw")
    assert not (tmp_path / "slice").exists()


def test_the_record_says_from_what_the_slice_is(bert, tmp_path):
    slice_elastic(bert, out=tmp_path / "a", layers=1, language="sw")
    record = read_json(tmp_path / "a" / "slice.json")
    assert (record["language"], record["source"]["name"]) == ("swh-Latn", "bert")
    assert set(record["versions"]) == {"tinyglot", "transformers", "torch"}
    edit(bert / "elastic.json", layer_order=[0, 1])
    slice_elastic(bert, out=tmp_path / "b", layers=1, language="sw")
    other = read_json(tmp_path / "b" / "slice.json")["source"]
    assert other["sha256_without_values"] != record["source"]["sha256_without_values"]


# --- embedders -----------------------------------------------------------------------------------


def embedder(directory, *, dense):
    elastic_checkpoint(directory, "bert", "encoder")
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    modules = [
        {"idx": n, "name": str(n), "path": f"{n}_{kind}" if n else "", "type": f"models.{kind}"}
        for n, kind in enumerate(kinds)
    ]
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "1_Pooling").mkdir()
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    if dense:
        (directory / "2_Dense").mkdir()
        (directory / "2_Dense" / "config.json").write_text('{"in_features": 32}')
        save_file({"linear.weight": torch.eye(32)}, directory / "2_Dense" / "model.safetensors")


def test_a_slice_of_an_embedder_is_one(tmp_path):
    embedder(tmp_path / "e", dense=False)
    made = slice_elastic(tmp_path / "e", out=tmp_path / "slice", heads=3, layers=1)
    pooling = read_json(tmp_path / "slice" / "1_Pooling" / "config.json")
    assert pooling == {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True}
    assert (tmp_path / "slice" / "modules.json").is_file()
    assert made.hidden_size == view(load_checkpoint(str(tmp_path / "slice")).model).hidden_size


def test_an_embedder_with_a_dense_module_keeps_its_width(tmp_path):
    embedder(tmp_path / "e", dense=True)
    with pytest.raises(SizeNotTrainedError, match=r"one hidden size[\s\S]*--heads 3, and 2_Dense"):
        slice_elastic(tmp_path / "e", out=tmp_path / "slice", heads=3)
    made = slice_elastic(tmp_path / "e", out=tmp_path / "slice", max_parameters=50_000)
    assert (made.hidden_size, made.num_parameters <= 50_000) == (32, True)
    assert (tmp_path / "slice" / "2_Dense" / "model.safetensors").is_file()


# --- limits, bottleneck --------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [{"max_parameters": 0}, {"max_bytes": 0.5}])
def test_a_limit_of_nothing_is_a_limit(bert, tmp_path, limit):
    with pytest.raises(SizeNotTrainedError, match=r"no trained size is that small[\s\S]* 0"):
        slice_elastic(bert, out=tmp_path / "slice", **limit)


def test_both_limits_hold(bert, tmp_path):
    limits = {"max_parameters": 40_000, "max_bytes": "120kB"}
    one, other, both = (
        slice_elastic(bert, out=tmp_path / str(n), **options)
        for n, options in enumerate([*({key: value} for key, value in limits.items()), limits])
    )
    assert both.num_parameters <= 40_000
    assert both.size_bytes <= 120_000
    assert one != other
    assert both in (one, other)


@pytest.mark.parametrize("embedding_size", [32, 16])
def test_a_bottleneck_is_sliced(tmp_path, embedding_size):
    tokenizer = tiny_tokenizer("unigram")
    model = bottlenecked(embedding_size)
    save_checkpoint(model, tokenizer, tmp_path / "d")
    sizes = {"layers": (2, 1), "heads": (4, 3), "ffn": (48,)}
    elastic = Elastic(**sizes, layer_order=(1, 0), head_dim=8)
    elastic.write(tmp_path / "d")
    slice_elastic(tmp_path / "d", out=tmp_path / "slice", heads=3)
    source, cut = (load_checkpoint(str(tmp_path / name)) for name in ("d", "slice"))
    inputs = encoded(source.tokenizer)
    with torch.no_grad():
        expected = Subnetworks(source.model)(elastic.shape(2, 3, 48), inputs)[0]
        assert torch.equal(cut.model(**inputs)[0], expected)
    assert view(cut.model).embedding_size == min(24, embedding_size)


def bottlenecked(embedding_size):
    pair = tiny_pair("deberta_v2", "unigram")[0]
    pair.config.embedding_size = embedding_size
    torch.manual_seed(0)
    return type(pair)(pair.config).eval()


# --- weights that were changed, cards, hub ids ---------------------------------------------------


@pytest.mark.parametrize("change", ["trained", "cast", "other file"])
def test_weights_that_the_sidecar_was_not_written_for_are_refused(bert, tmp_path, change):
    model = tiny_pair("bert", "wordpiece", "token_classification")[0]
    elastic = Elastic.read(bert)
    elastic.model_copy(update={"weights_sha256": digest_of_model(model)}).write(bert)
    slice_elastic(bert, out=tmp_path / "slice", layers=1)
    digest = Elastic.read(bert).weights_sha256
    if change == "other file":
        other = tiny_pair("bert", "wordpiece", "token_classification", seed=1)[0]
        other.save_pretrained(bert)
    else:
        weights = load_file(bert / "model.safetensors")
        changed = {n: t.bfloat16() if change == "cast" else t * 1.001 for n, t in weights.items()}
        save_file(changed, bert / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        ElasticCheckpointError, match=rf"written for other weights[\s\S]*sha256 {digest[:12]}"
    ):
        slice_elastic(bert, out=tmp_path / "again", layers=1)


def test_a_sample_of_the_files_is_that_of_the_model(tmp_path):
    for family in FAMILIES:
        for head in ("token_classification", "masked_lm"):
            model = tiny_pair(family, KINDS_OF[family], head)[0]
            directory = tmp_path / f"{family}-{head}"
            model.save_pretrained(directory, max_shard_size="20kB")
            files = weight_files(directory)
            assert digest_of_files(files, model) == digest_of_model(model), family


def test_a_slice_has_the_licence_and_the_origin_of_its_source(bert, tmp_path):
    given = {"language": ["swh", "deu"], "license": "mit", "base_model": "some/encoder", "x": 1}
    (bert / "README.md").write_text(f"---\n{json.dumps(given)}\n---\n# A card\n")
    slice_elastic(bert, out=tmp_path / "all", layers=1)
    slice_elastic(bert, out=tmp_path / "sw", layers=1, language="sw")
    del given["x"]
    assert read_front_matter(tmp_path / "all" / "README.md") == given
    assert read_front_matter(tmp_path / "sw" / "README.md") == {**given, "language": ["swh"]}
    text = (tmp_path / "sw" / "README.md").read_text()
    assert "made from `some/encoder`: 1 layers, 4 heads" in text
    assert "BertForTokenClassification.from_pretrained(path)" in text


@pytest.mark.parametrize("front", ["", "# no front matter", "---\n: [\n---\n", "---\n- a\n---\n"])
def test_a_source_without_a_readable_card_gives_a_card_without_a_licence(bert, tmp_path, front):
    (bert / "README.md").write_text(front)
    slice_elastic(bert, out=tmp_path / "slice", layers=1)
    card = tmp_path / "slice" / "README.md"
    assert read_front_matter(card) == {}
    assert "The licence of the base model holds; it is not recorded here." in card.read_text()


def test_a_hub_id_is_looked_up_and_a_directory_is_not(bert, tmp_path, monkeypatch):
    asked = []

    def located(name, revision=None):
        asked.append((name, revision))
        return bert

    monkeypatch.setattr(slicing, "locate_checkpoint", located)
    made = slice_elastic("some/elastic", out=tmp_path / "a", layers=1, revision="abc")
    assert asked == [("some/elastic", "abc")]
    assert slice_elastic(bert, out=tmp_path / "b", layers=1) == made
    assert len(asked) == 1


def test_a_name_that_is_nothing_is_refused(tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"Could not find[\s\S]*/no/such/place"):
        slice_elastic("/no/such/place", out=tmp_path / "slice", layers=1)
