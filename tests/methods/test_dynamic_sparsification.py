"""Smaller sizes trained inside a model: order, loss, Trainer, resume, and the sidecar."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from tests.methods.labelled import write_data
from tests.tiny import tiny_checkpoint, tiny_model
from tests.training import runs
from tests.training.sentences import Sentence, sentences
from tests.training.test_resume import InterruptedRunError, assert_same_bytes, interrupt
from tinyglot.architectures import view
from tinyglot.checkpoints import load_checkpoint
from tinyglot.checkpoints.elastic import Elastic
from tinyglot.checkpoints.slicing import slice_elastic
from tinyglot.checkpoints.tensor_file import weight_files
from tinyglot.checkpoints.weight_sample import digest_of_files
from tinyglot.errors import (
    NoEffectError,
    PruningScheduleError,
    RunDirectoryError,
    StructureRangeError,
)
from tinyglot.importance import Importance, measure_importance
from tinyglot.methods import dynamic_sparsification
from tinyglot.methods.dynamic_sparsification import DynamicSparsificationCallback, ElasticOptions
from tinyglot.methods.dynamic_sparsification.controller import (
    ElasticController,
    spread_order,
)
from tinyglot.methods.dynamic_sparsification.sizes import choose_sizes, order_steps
from tinyglot.recipes import run_recipe
from tinyglot.recipes.read import parse_recipe
from tinyglot.surgery import Structures, Subnetworks, cut_to, keep_structures
from tinyglot.training import Masking, PaddingCollator, TrainingConfig, cross_entropy, train

OPTIONS = {"heads": (2,), "ffn": (20,), "layers": (1,), "start_step": 3}


def tagger():
    return tiny_model("xlm_roberta", "token_classification")


def controller(model, **options):
    chosen = ElasticOptions(**{**OPTIONS, **options})
    return ElasticController(model, choose_sizes(view(model), chosen), chosen, seed=0)


def batch(model, count=8):
    return PaddingCollator(model.config.pad_token_id)(sentences(count))


def run(directory, callbacks=(), training=None, **options):
    callback = DynamicSparsificationCallback(**{**OPTIONS, **options})
    return runs.run(directory, [callback, *callbacks], **(training or {})), callback


# --- sizes ---------------------------------------------------------------------------------------


def test_sizes_are_quarters_of_layers_and_neurons_unless_given():
    model = view(tiny_model("bert"))
    chosen = choose_sizes(model, ElasticOptions())
    assert chosen.sizes() == {"layers": (2, 1), "heads": (4,), "ffn": (48, 36, 24, 12)}
    given = choose_sizes(model, ElasticOptions(heads=(1, 3)))
    assert given.sizes() == {"layers": (2,), "heads": (4, 3, 1), "ffn": (48,)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": (9,)}, r"heads: 9[\s\S]*heads: at most 4"),
        ({"layers": (3,), "ffn": (49,)}, r"layers: 3, ffn: 49[\s\S]*ffn: at most 48"),
    ],
)
def test_sizes_that_the_model_does_not_have_are_refused(options, message):
    with pytest.raises(StructureRangeError, match=message):
        choose_sizes(view(tiny_model("bert")), ElasticOptions(**options))


def test_a_model_whose_layers_differ_is_refused():
    model = tiny_model("bert")
    kept = Structures.of(model).keep(heads=((0,), (0, 1)))
    with pytest.raises(StructureRangeError, match=r"layers differ[\s\S]*heads 1, 2"):
        choose_sizes(view(keep_structures(model, kept)), ElasticOptions())


def test_a_width_as_small_as_the_bottleneck_is_refused():
    model = tiny_model("deberta_v2")
    model.config.embedding_size = 16
    encoder = view(type(model)(model.config))
    with pytest.raises(
        StructureRangeError, match=r"heads: 2, a hidden size equal[\s\S]*another nu"
    ):
        choose_sizes(encoder, ElasticOptions(heads=(2,)))
    assert choose_sizes(encoder, ElasticOptions(heads=(3,))).heads == (4, 3)


def test_the_model_s_own_size_alone_is_refused():
    with pytest.raises(NoEffectError, match=r"heads: 4[\s\S]*layers: \[2, 1\]"):
        choose_sizes(view(tiny_model("bert")), ElasticOptions(heads=(4,)))


def test_the_order_is_refreshed_in_the_first_half():
    assert order_steps(ElasticOptions(), 100) == [20]
    assert order_steps(ElasticOptions(start_step=10, refresh_steps=15), 100) == [10, 25, 40]
    with pytest.raises(PruningScheduleError, match=r"start_step 50[\s\S]*at most 49"):
        order_steps(ElasticOptions(start_step=50), 100, stop_step=50)


def test_a_step_trains_the_smallest_and_some_at_random_but_not_the_largest_again():
    inside = controller(tagger(), ffn=(40, 30, 20, 10), num_random_sizes=3)
    shapes = [inside.shapes(step) for step in range(20)]
    assert shapes == [inside.shapes(step) for step in range(20)]
    smallest = inside.elastic.shape(1, 2, 10)
    assert all(each[0] == smallest and len(set(each)) == len(each) for each in shapes)
    assert all(inside.elastic.shape(2, 4, 48) not in each for each in shapes)
    assert len({shape for each in shapes for shape in each}) > 8


# --- order ---------------------------------------------------------------------------------------


def test_the_model_in_order_computes_the_same_and_what_matters_comes_first():
    model = tagger().double()
    inputs = batch(model)
    before = model(**inputs).logits.detach()
    importance = measure_importance(model, [inputs], "taylor")
    inside = controller(model, layer_order="importance")
    inside.put_in_order(importance)
    assert (model(**inputs).logits - before).abs().max() <= 1e-12
    after = measure_importance(model, [inputs], "taylor")
    for values in (*after.heads, *after.neurons, after.hidden):
        assert torch.equal(values.argsort(descending=True, stable=True), torch.arange(len(values)))
    assert inside.elastic.layer_order[0] == int(importance.layers.argmax())
    channels = importance.hidden.argsort(descending=True, stable=True)
    assert inside.hidden_order == tuple(channels.tolist())


def test_layers_that_must_stay_come_first():
    model = tiny_model("modernbert", "token_classification")
    inside = controller(model, layer_order="importance")
    ones = [torch.ones(count) for count in (4, 48, 3, 32)]
    ones[2] = torch.tensor([0.0, 1.0, 2.0])
    heads, neurons = (ones[0],) * 3, (ones[1],) * 3
    inside.put_in_order(Importance("random", heads, neurons, ones[2], ones[3]))
    assert inside.elastic.layer_order == (0, 2, 1)


@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_layers_are_spread(count):
    order = spread_order(count)
    assert sorted(order) == list(range(count))
    for kept in range(2, count):
        places = sorted(order[:kept])
        gaps = [b - a for a, b in pairwise(places)]
        assert (places[0], places[-1]) == (0, count - 1)
        assert max(gaps) <= 2 * min(gaps) + 1


# --- loss ----------------------------------------------------------------------------------------


def test_the_loss_is_that_of_the_largest_and_the_divergence_of_the_smaller_ones():
    model = tagger()
    inside = controller(model, num_random_sizes=0, soft_loss_weight=0.5, temperature=2.0)
    inputs = batch(model)
    labels = inputs.pop("labels")
    outputs = model(**inputs)
    loss = inside.loss(outputs, labels, None, inputs, step=5)
    smaller = cut_to(model, inside.elastic.shape(1, 2, 20))(**inputs).logits
    counted = labels != -100
    student, teacher = (each[counted].div(2).softmax(-1) for each in (smaller, outputs.logits))
    divergence = (teacher * (teacher / student).log()).sum(-1).mean()
    expected = cross_entropy(outputs, labels) + 0.5 * 4 * divergence
    assert abs((loss - expected).item()) <= 1e-5 * expected.item()
    assert divergence > 0.01


def test_the_largest_does_not_learn_from_the_smaller_ones():
    model = tagger()
    inside = controller(model, num_random_sizes=0)
    inputs = batch(model)
    labels = inputs.pop("labels")
    outputs = model(**inputs)
    (inside.loss(outputs, labels, None, inputs, step=5) - cross_entropy(outputs, labels)).backward()
    last = view(model).linear_modules()[1]["ffn_out"].weight.grad  # layer 1 is in the largest only
    first = view(model).linear_modules()[0]["ffn_out"].weight.grad
    assert last is None or not last.any()
    assert first[:16, :20].any()
    assert not first[:, 20:].any()


# --- training ------------------------------------------------------------------------------------


def test_smaller_sizes_learn_what_they_do_not_know_by_themselves():
    results = {}
    for weight in (1.0, 0.0):
        options = {"soft_loss_weight": weight, "num_random_sizes": 1}
        result, callback = run(None, **options, training={"num_epochs": 20})
        inputs = batch(result.model, 40)
        labels = inputs.pop("labels")
        shape = callback.controller.elastic.shape(1, 2, 20)
        with torch.no_grad():
            outputs = Subnetworks(result.model)(shape, inputs)
        results[weight] = float(cross_entropy(outputs, labels))
    assert results[1.0] < results[0.0] - 0.2, results


@pytest.mark.parametrize("step", [4, 12])
@pytest.mark.parametrize("active", [True, False])
def test_a_resumed_training_ends_with_the_same_bytes(tmp_path, step, active):
    options = {"refresh_steps": 2, "training": {"active_vocabulary": active}}
    expected, whole = run(tmp_path / "whole", **options)
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(tmp_path / "cut", [runs.AtStep(step + 1, interrupt)], **options)
    actual, resumed = run(tmp_path / "cut", **options)
    assert_same_bytes(actual, expected)
    assert resumed.controller.state() == whole.controller.state()
    assert whole.controller.hidden_order != tuple(range(32))


def test_a_resume_point_of_other_options_is_refused(tmp_path):
    with pytest.raises(InterruptedRunError, match=r"^$"):
        run(tmp_path, [runs.AtStep(9, interrupt)])
    with pytest.raises(RunDirectoryError, match=r"num_random_sizes': 2[\s\S]*num_random_sizes': 1"):
        run(tmp_path, num_random_sizes=1)


def test_the_example_of_the_card_runs():
    card = Path(dynamic_sparsification.__file__).with_name("README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    names = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  (our own file)
    assert names["small"].config.num_hidden_layers == 1


# --- recipe --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    root = tmp_path_factory.mktemp("elastic")
    source = tiny_checkpoint(root / "source", "xlm_roberta", "unigram")
    step = {
        "method": "dynamic_sparsification",
        **{axis: list(OPTIONS[axis]) for axis in ("layers", "heads", "ffn")},
        "max_steps": 4,
        "start_step": 1,
        "precision": "fp32",
    }
    recipe = parse_recipe(
        {
            "model": str(source),
            "languages": ["swh-Latn", "deu-Latn"],
            "task": "ner",
            "data": str(write_data(root / "data")),
            "steps": [step],
        },
        "recipe",
    )
    return source, run_recipe(recipe, root / "run").final


def test_a_recipe_trains_a_checkpoint_whose_slices_are_its_subnetworks(finished, tmp_path):
    _, final = finished
    elastic = Elastic.read(final)
    assert elastic.sizes() == {"layers": (2, 1), "heads": (4, 2), "ffn": (48, 20)}
    assert set(elastic.vocabulary) == {"swh-Latn", "deu-Latn"}
    whole = load_checkpoint(str(final))
    assert elastic.weights_sha256 == digest_of_files(weight_files(final), whole.model)
    text = "Juma anaishi Nairobi leo"
    made = slice_elastic(final, out=tmp_path / "s", layers=1, heads=2, ffn=20, language="sw")
    small = load_checkpoint(str(tmp_path / "s"))
    assert small.tokenizer.tokenize(text) == whole.tokenizer.tokenize(text)
    inputs = whole.tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        expected = Subnetworks(whole.model)(elastic.shape(1, 2, 20), inputs).logits
        logits = small.model(**small.tokenizer(text, return_tensors="pt")).logits
    assert torch.equal(logits, expected)
    assert small.model.config.id2label == whole.model.config.id2label
    assert made.hidden_size == 16


def test_rows_that_were_not_trained_follow_the_order_of_the_channels(finished):
    source, final = finished
    before, after = (
        view(load_checkpoint(str(path)).model).word_embeddings.weight.detach()
        for path in (source, final)
    )
    same_values = (before.sort().values == after.sort().values).all(dim=1)
    moved = (before != after).any(dim=1)
    assert int((same_values & moved).sum()) > len(before) // 4


def test_masked_language_modelling_looks_at_hidden_tokens_in_every_size():
    model = tiny_model("xlm_roberta", "masked_lm")
    rows = [Sentence(row.input_ids, [-100, *row.input_ids[1:]]) for row in sentences(16)]
    masking = Masking(0.3, mask_token_id=4, vocabulary_size=400, special_token_ids=(0, 1, 2, 3, 4))
    callback = DynamicSparsificationCallback(heads=(2,), start_step=1, calibration_sentences=4)
    config = TrainingConfig(max_steps=3, batch_size=8, active_vocabulary=False, save_steps=None)
    result = train(model, rows, config, masking=masking, callbacks=[callback])
    shape = callback.controller.elastic.shape(2, 2, 48)
    assert Subnetworks(result.model)(shape, batch(result.model, 2)).logits.shape[-1] == 400
    assert result.record.num_steps == 3
