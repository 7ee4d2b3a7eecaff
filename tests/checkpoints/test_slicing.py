"""Slices of elastic checkpoints: the bits of the sub-network, from the files alone."""

import subprocess
import sys

import pytest
import torch
from safetensors import safe_open

from tests.surgery.test_subnetworks import last_layer
from tests.tiny import FAMILIES, TINY_TEXT, tiny_pair
from tinyglot.architectures import view
from tinyglot.checkpoints import load_checkpoint, save_checkpoint
from tinyglot.checkpoints.elastic import Elastic, LanguageRows
from tinyglot.checkpoints.slice_sizes import parse_quantity
from tinyglot.checkpoints.slicing import slice_elastic
from tinyglot.errors import (
    ElasticCheckpointError,
    NoEffectError,
    RunDirectoryError,
    SizeNotTrainedError,
)
from tinyglot.surgery import Subnetworks, needed_token_ids
from tinyglot.tokenizers import ParsedTokenizer

FRESH = """
import sys, torch
from transformers import AutoModelForTokenClassification, AutoTokenizer
texts, root, *families = torch.load(sys.argv[1])
for family in families:
    directory = f"{root}/{family}-slice"
    model = AutoModelForTokenClassification.from_pretrained(directory).eval()
    inputs = AutoTokenizer.from_pretrained(directory)(texts, padding=True, return_tensors="pt")
    inputs = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        torch.save((model(**inputs).logits, inputs["attention_mask"]), f"{directory}.pt")
assert "tinyglot" not in sys.modules
"""
KINDS_OF = {
    "bert": "wordpiece",
    "xlm_roberta": "unigram",
    "roberta": "bpe",
    "distilbert": "wordpiece",
    "modernbert": "bpe_byte_fallback",
    "deberta_v2": "unigram",
}
TEXTS = TINY_TEXT[::11]


def elastic_checkpoint(directory, family="bert", head="token_classification"):
    """Save a model as if it had been trained for smaller sizes."""
    model, tokenizer = tiny_pair(family, KINDS_OF[family], head)
    num_layers = len(view(model).layers)
    first = last_layer(model)
    order = (*first, *(layer for layer in range(num_layers) if layer not in first))
    parsed = ParsedTokenizer(tokenizer)
    required = parsed.close(parsed.required_token_ids | needed_token_ids(model))
    used = sorted(parsed.close({i for ids in tokenizer(TEXTS)["input_ids"] for i in ids}))
    rest = tuple(token_id for token_id in used if token_id not in required)
    elastic = Elastic(
        layers=(num_layers, len(first)),
        heads=(4, 3, 1),
        ffn=(48, 20),
        layer_order=order,
        head_dim=8,
        vocabulary={
            "swh-Latn": LanguageRows(
                num_required=len(required), token_ids=(*sorted(required), *rest)
            )
        },
    )
    save_checkpoint(model, tokenizer, directory)
    elastic.write(directory)
    return elastic


def encoded(tokenizer, texts=TEXTS):
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    return {name: inputs[name] for name in ("input_ids", "attention_mask")}


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    directory = tmp_path_factory.mktemp("elastic") / "bert"
    elastic_checkpoint(directory)
    return directory


def test_slices_are_the_subnetworks_bit_for_bit_in_a_fresh_process_without_us(tmp_path):
    expected = {}
    for family in FAMILIES:
        elastic = elastic_checkpoint(tmp_path / family, family)
        layers = elastic.layers[-1]
        options = {"layers": layers, "heads": 3, "ffn": 20, "language": "sw"}
        made = slice_elastic(tmp_path / family, out=tmp_path / f"{family}-slice", **options)
        assert made.vocabulary_size == len(elastic.vocabulary["swh-Latn"].token_ids)
        source = load_checkpoint(str(tmp_path / family))
        with torch.no_grad():
            inputs = encoded(source.tokenizer)
            logits = Subnetworks(source.model)(elastic.shape(layers, 3, 20), inputs).logits
        expected[family] = logits[inputs["attention_mask"].bool()]
    torch.save((TEXTS, str(tmp_path), *FAMILIES), tmp_path / "request.pt")
    subprocess.run([sys.executable, "-c", FRESH, str(tmp_path / "request.pt")], check=True)
    for family in FAMILIES:
        logits, mask = torch.load(tmp_path / f"{family}-slice.pt")
        assert torch.equal(logits[mask.bool()], expected[family]), family


@pytest.mark.parametrize("head", ["encoder", "masked_lm", "sequence_classification"])
def test_every_head_goes_along(tmp_path, head):
    elastic = elastic_checkpoint(tmp_path / "elastic", "xlm_roberta", head)
    slice_elastic(tmp_path / "elastic", out=tmp_path / "slice", heads=1, ffn=20)
    source, cut = (load_checkpoint(str(tmp_path / name)) for name in ("elastic", "slice"))
    inputs = encoded(source.tokenizer)
    with torch.no_grad():
        expected = Subnetworks(source.model)(elastic.shape(2, 1, 20), inputs)[0]
        assert torch.equal(cut.model(**inputs)[0], expected)
    assert view(cut.model).is_tied == view(source.model).is_tied


def test_only_what_a_language_needs_stays_and_is_split_as_before(bert, tmp_path):
    slice_elastic(bert, out=tmp_path / "all", language="swh-Latn")
    elastic = Elastic.read(bert)
    fewer = elastic.vocabulary["swh-Latn"].num_required + 40
    slice_elastic(bert, out=tmp_path / "few", language="swh-Latn", vocabulary_size=fewer)
    before, all_, few = (
        load_checkpoint(str(p)) for p in (bert, tmp_path / "all", tmp_path / "few")
    )
    for text in TEXTS:
        assert all_.tokenizer.tokenize(text) == before.tokenizer.tokenize(text)
    assert view(few.model).num_token_ids == len(few.tokenizer) == fewer
    assert fewer < view(all_.model).num_token_ids < view(before.model).num_token_ids


def test_limits_give_the_largest_size_within_them(bert, tmp_path):
    sizes = {}
    for name, options in {
        "whole": {"layers": 2},
        "half": {"max_parameters": 30_000, "language": "swh-Latn"},
        "small": {"max_bytes": "60kB", "language": "swh-Latn"},
    }.items():
        sizes[name] = slice_elastic(bert, out=tmp_path / name, **options)
    assert sizes["half"].num_parameters <= 30_000
    assert (tmp_path / "small" / "model.safetensors").stat().st_size <= 60_000
    assert sizes["small"].num_parameters < sizes["half"].num_parameters
    assert sizes["half"].num_parameters < sizes["whole"].num_parameters
    for name, made in sizes.items():
        assert made.num_parameters == load_checkpoint(str(tmp_path / name)).model.num_parameters()


def test_no_larger_size_would_have_been_within_the_limit(bert, tmp_path):
    elastic = Elastic.read(bert)
    chosen = slice_elastic(bert, out=tmp_path / "chosen", max_parameters=40_000)
    counts = []
    for number, (layers, heads, ffn) in enumerate(
        (layers, heads, ffn)
        for layers in elastic.layers
        for heads in elastic.heads[1:]
        for ffn in elastic.ffn
    ):
        made = slice_elastic(bert, out=tmp_path / str(number), layers=layers, heads=heads, ffn=ffn)
        counts.append((made.num_parameters, inner(made)))
    assert inner(chosen) == max(within for count, within in counts if count <= 40_000)


def inner(made):
    return made.num_parameters - made.vocabulary_size * made.hidden_size


def test_deep_and_narrow_is_preferred_to_shallow_and_wide(tmp_path):
    elastic_checkpoint(tmp_path / "elastic", "bert")
    wide, deep = (
        slice_elastic(tmp_path / "elastic", out=tmp_path / str(heads), layers=layers, heads=heads)
        for layers, heads in ((1, 4), (2, 3))
    )
    assert wide.num_parameters > deep.num_parameters
    assert inner(wide) < inner(deep)
    limit = wide.num_parameters
    made = slice_elastic(tmp_path / "elastic", out=tmp_path / "made", max_parameters=limit)
    assert inner(made) >= inner(deep)
    assert (len(made.layers), made.heads) == (2, 3)


def test_only_the_tensors_of_the_slice_are_written(bert, tmp_path):
    slice_elastic(bert, out=tmp_path / "slice", layers=1)
    with safe_open(tmp_path / "slice" / "model.safetensors", framework="pt") as file:
        names = set(file.keys())
    assert names == set(load_checkpoint(str(tmp_path / "slice")).model.state_dict())
    assert not (tmp_path / "slice" / "elastic.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 2}, r"--heads 2[\s\S]*heads: 4, 3, 1[\s\S]*--heads 3"),
        ({"heads": 9}, r"--heads 9; the model has 4[\s\S]*--heads 4"),
        ({"layers": 5, "ffn": 21}, r"--layers 5, --ffn 21[\s\S]*--layers 2 --ffn 20"),
        ({"language": "yo"}, r"yor-Latn[\s\S]*swh-Latn"),
        ({"language": "sw", "vocabulary_size": 3}, r"--vocabulary-size 3[\s\S]*at least"),
        ({"layers": 1, "vocabulary_size": 300}, r"--vocabulary-size 300[\s\S]*swh-Latn"),
        ({"max_parameters": "1k"}, r"--max-parameters 1,000[\s\S]*at least [\d,]+ parameters"),
        ({"max_bytes": "many"}, r"no number[\s\S]*many[\s\S]*8MB"),
    ],
)
def test_what_was_not_trained_is_refused_with_the_nearest(bert, tmp_path, options, message):
    with pytest.raises(SizeNotTrainedError, match=message):
        slice_elastic(bert, out=tmp_path / "slice", **options)
    assert not (tmp_path / "slice").exists()


def test_a_slice_of_everything_is_refused(bert, tmp_path):
    with pytest.raises(NoEffectError, match=r"nothing was asked for[\s\S]*--layers: 2, 1"):
        slice_elastic(bert, out=tmp_path / "slice")


def test_an_ordinary_checkpoint_is_refused(tmp_path):
    save_checkpoint(*tiny_pair("bert", "wordpiece"), tmp_path / "plain")
    with pytest.raises(ElasticCheckpointError, match=r"not elastic[\s\S]*plain without elastic"):
        slice_elastic(tmp_path / "plain", out=tmp_path / "slice", layers=1)


@pytest.mark.parametrize("content", ["{", '{"version": 2}', '{"version": 1, "layers": []}'])
def test_a_damaged_sidecar_is_refused(tmp_path, content):
    elastic_checkpoint(tmp_path / "elastic")
    (tmp_path / "elastic" / "elastic.json").write_text(content)
    with pytest.raises(ElasticCheckpointError, match=r"cannot be read[\s\S]*version 1"):
        slice_elastic(tmp_path / "elastic", out=tmp_path / "slice", layers=1)


def test_a_directory_that_holds_something_is_left_alone(bert, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunDirectoryError, match=r"slice the checkpoint[\s\S]*notes.txt"):
        slice_elastic(bert, out=tmp_path, layers=1)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_quantities_are_decimal_unless_they_say_otherwise():
    values = [parse_quantity(text) for text in ("12M", "8MB", "1.5GiB", "20k", "300")]
    assert values == [12_000_000, 8_000_000, 3 * 2**29, 20_000, 300]
