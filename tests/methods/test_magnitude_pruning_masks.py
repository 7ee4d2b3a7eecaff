import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.tiny import FAMILIES, tiny_model
from tinyglot.errors import (
    NoEffectError,
    PruningMaskError,
    PruningScheduleError,
    TrainingDivergedError,
    UnknownModuleError,
)
from tinyglot.methods.magnitude_pruning import PruningOptions
from tinyglot.methods.magnitude_pruning.controller import MaskController
from tinyglot.methods.magnitude_pruning.matrices import Matrix, find_matrices, kind_of

SCOPES = st.sampled_from(["global", "matrix", "layer"])
SHAPES = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=5)


def matrices(*values):
    """Matrices of these values, two to a layer."""
    return [
        Matrix(f"encoder.layer.{i // 2}.m{i}.weight", nn.Parameter(torch.as_tensor(value)))
        for i, value in enumerate(values)
    ]


def controller(members, **options):
    return MaskController(members, PruningOptions(**{"sparsity": 0.5, **options}))


def num_zeros(members):
    return sum(int((matrix.parameter == 0).sum()) for matrix in members)


def ones_as_gradients(members):
    for matrix in members:
        matrix.parameter.grad = torch.ones_like(matrix.parameter)


# --- which matrices ------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_the_linear_layers_of_the_encoder_count(family):
    model = tiny_model(family, "token_classification")
    found = find_matrices(model, PruningOptions(sparsity=0.5))
    names = {name for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    outside = {"classifier", "head.dense"}  # ModernBERT's head has two
    assert {matrix.name for matrix in found} == {f"{name}.weight" for name in names - outside}
    assert all(model.get_parameter(matrix.name) is matrix.parameter for matrix in found)


@pytest.mark.parametrize("family", FAMILIES)
def test_embeddings_of_words_positions_and_types_count_if_asked(family):
    model = tiny_model(family, "token_classification")
    without, with_them = (
        {m.name for m in find_matrices(model, PruningOptions(sparsity=0.5, embeddings=choice))}
        for choice in ("exclude", "include")
    )
    embeddings = {n for n, module in model.named_modules() if isinstance(module, nn.Embedding)}
    assert with_them - without == {f"{name}.weight" for name in embeddings}
    assert any("tok_embeddings" in n or "word_embeddings" in n for n in embeddings)


def test_patterns_choose_linear_layers_of_the_head_too():
    model = tiny_model("bert", "token_classification")
    patterns = ("*.attention.*", "classifier")
    found = find_matrices(model, PruningOptions(sparsity=0.5, modules=patterns))
    assert len(found) == 2 * 4 + 1
    assert {kind_of(matrix.name) for matrix in found} == {
        "attention.self.query.weight",
        "attention.self.key.weight",
        "attention.self.value.weight",
        "attention.output.dense.weight",
        "classifier.weight",
    }


def test_a_pattern_that_matches_nothing_is_refused_with_near_names():
    options = PruningOptions(sparsity=0.5, modules=("*.query", "bert.encoder.layer.0.intermediat"))
    expected = r"1 pattern\(s\)[\s\S]*layer.0.intermediat\n[\s\S]*layer.0.intermediate.dense"
    with pytest.raises(UnknownModuleError, match=expected):
        find_matrices(tiny_model("bert"), options)


def test_a_model_without_linear_layers_is_refused():
    with pytest.raises(UnknownModuleError, match=r"LayerNorm without[\s\S]*embeddings: include"):
        find_matrices(nn.LayerNorm(3), PruningOptions(sparsity=0.5))


def test_a_tied_matrix_counts_once_and_as_an_embedding():
    model = tiny_model("bert", "masked_lm")
    everything = PruningOptions(sparsity=0.5, modules=("*",))
    names = [matrix.name for matrix in find_matrices(model, everything)]
    assert "cls.predictions.transform.dense.weight" in names
    assert "cls.predictions.decoder.weight" not in names
    included = everything.model_copy(update={"embeddings": "include"})
    tensors = [id(matrix.parameter) for matrix in find_matrices(model, included)]
    assert len(tensors) == len(set(tensors))
    assert id(model.bert.embeddings.word_embeddings.weight) in tensors


def test_a_pattern_that_matches_a_tied_matrix_only_is_refused():
    patterns = ("*.query", "cls.predictions.decoder")
    options = PruningOptions(sparsity=0.5, modules=patterns)
    with pytest.raises(UnknownModuleError, match=r"1 pattern\(s\)[^\n]*own\.\n.*\.decoder\n"):
        find_matrices(tiny_model("bert", "masked_lm"), options)


def test_layers_are_told_apart():
    model = tiny_model("modernbert", "token_classification")
    found = find_matrices(model, PruningOptions(sparsity=0.5, embeddings="include"))
    assert {matrix.group("layer") for matrix in found} == {
        "model.layers.0",
        "model.layers.1",
        "model.layers.2",
        "outside the layers",
    }


# --- exact ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(SHAPES, SCOPES, st.floats(0.01, 0.99), st.integers(0, 2**31), st.booleans())
def test_the_number_of_zeros_is_exact(shapes, scope, sparsity, seed, regrowth):
    generator = torch.Generator().manual_seed(seed)
    members = matrices(
        *(torch.randint(-3, 4, shape, generator=generator).float() for shape in shapes)
    )
    options = {"sparsity": sparsity, "scope": scope, "regrowth": regrowth, "allow_no_effect": True}
    masks = controller(members, **options)
    for share in (sparsity / 3, sparsity / 2, sparsity):
        masks.prune(share)
        assert masks.num_removed == round(share * masks.num_weights)
    sizes = sum(matrix.parameter.numel() for matrix in members)
    removed = sum(int((~keep).sum()) for keep in masks.keep.values())
    assert removed == round(sparsity * sizes)
    assert all(bool((m.parameter[~masks.keep[m.name]] == 0).all()) for m in members)


@settings(deadline=None, max_examples=25)
@given(SHAPES, SCOPES, st.floats(0, 0.99), st.floats(0, 0.99), st.integers(0, 2**31))
def test_a_higher_target_removes_what_a_lower_one_does_and_more(shapes, scope, one, other, seed):
    generator = torch.Generator().manual_seed(seed)
    values = [torch.randint(-3, 4, shape, generator=generator).float() for shape in shapes]
    kept = []
    for sparsity in sorted((one, other)):
        masks = controller(
            matrices(*(value.clone() for value in values)), scope=scope, allow_no_effect=True
        )
        masks.prune(sparsity)
        kept.append(masks.keep)
    assert all(bool((kept[0][name] | ~kept[1][name]).all()) for name in kept[0])


def test_scopes_look_in_different_places():
    values = [torch.tensor([[float(i) for i in range(1 + 4 * m, 5 + 4 * m)]]) for m in range(4)]
    zeros = {}
    for scope in ("global", "matrix", "layer"):
        members = matrices(*(value.clone() for value in values))
        controller(members, scope=scope).prune(0.5)
        zeros[scope] = [num_zeros([matrix]) for matrix in members]
    assert zeros == {"global": [4, 4, 0, 0], "matrix": [2, 2, 2, 2], "layer": [4, 0, 4, 0]}


# --- held ----------------------------------------------------------------------------------------


def test_removed_weights_lose_their_gradient_and_their_moments():
    members = matrices(torch.tensor([[1.0, -2.0, 3.0, -4.0]]))
    parameter = members[0].parameter
    optimizer = torch.optim.AdamW([parameter], lr=0.1, weight_decay=0.1)
    ones_as_gradients(members)
    optimizer.step()
    masks = controller(members)
    masks.prune(0.5, optimizer)
    for _ in range(3):
        ones_as_gradients(members)
        masks.hold_gradients()
        assert parameter.grad.tolist() == [[0.0, 0.0, 1.0, 1.0]]
        optimizer.step()
    for value in (parameter, *(optimizer.state[parameter][m] for m in ("exp_avg", "exp_avg_sq"))):
        assert value[0, :2].tolist() == [0.0, 0.0]
        assert bool((value[0, 2:] != 0).all())
    masks.check_zeros()
    assert int(optimizer.state[parameter]["step"]) == 4


def test_momentum_of_removed_weights_is_forgotten():
    members = matrices(torch.tensor([[1.0, 2.0]]))
    parameter = members[0].parameter
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    ones_as_gradients(members)
    optimizer.step()
    controller(members).prune(0.5, optimizer)
    assert optimizer.state[parameter]["momentum_buffer"].tolist() == [[0.0, 1.0]]


def test_regrowth_holds_nothing_before_the_last_event():
    members = matrices(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    masks = controller(members, regrowth=True)
    masks.prune(0.5, is_last=False)
    ones_as_gradients(members)
    masks.hold_gradients()
    assert members[0].parameter.grad.tolist() == [[1.0] * 4]
    with torch.no_grad():
        members[0].parameter.copy_(torch.tensor([[9.0, 8.0, 3.0, 4.0]]))
    masks.prune(0.5)
    assert members[0].parameter.tolist() == [[9.0, 8.0, 0.0, 0.0]]
    ones_as_gradients(members)
    masks.hold_gradients()
    assert members[0].parameter.grad.tolist() == [[1.0, 1.0, 0.0, 0.0]]


def test_weights_that_something_moved_are_found():
    members = matrices(torch.tensor([[1.0, 2.0]]))
    masks = controller(members)
    masks.prune(0.5)
    with torch.no_grad():
        members[0].parameter.add_(0.5)
    with pytest.raises(PruningMaskError, match=r"1 removed weights of encoder.*m0[\s\S]*AdamW"):
        masks.check_zeros()


def test_an_infinite_gradient_of_a_removed_weight_is_told():
    members = matrices(torch.tensor([[1.0, 2.0]]))
    masks = controller(members)
    optimizer = torch.optim.SGD([members[0].parameter], lr=0.1)
    masks.prune(0.5, optimizer)
    members[0].parameter.grad = torch.tensor([[float("inf"), 0.1]])
    masks.hold_gradients()
    optimizer.step()
    with pytest.raises(TrainingDivergedError, match=r"1 removed weights of \S*m0\S* that are NaN"):
        masks.check_zeros()


def test_a_weight_that_is_zero_by_chance_in_the_end_is_told_apart():
    members = matrices(torch.tensor([[1.0, 2.0, 3.0]]))
    masks = controller(members, sparsity=0.34)
    masks.prune(0.34)
    with torch.no_grad():
        members[0].parameter[0, 1] = 0.0
    assert masks.finish() == 1
    assert num_zeros(members) == 1
    assert 0 < members[0].parameter[0, 1].item() < 1e-37


# --- what is zero already ------------------------------------------------------------------------


def test_zeros_that_are_there_go_first():
    members = matrices(torch.tensor([[5.0, 0.0, 1.0, 0.0]]))
    masks = controller(members, sparsity=0.75)
    masks.check_target()
    masks.prune(0.75)
    assert members[0].parameter.tolist() == [[5.0, 0.0, 0.0, 0.0]]


def test_a_target_that_is_reached_already_is_refused():
    members = matrices(torch.tensor([[5.0, 0.0, 1.0, 0.0]]))
    expected = r"0\.5 \(2 zeros\)[\s\S]*2 zeros among 4[\s\S]*above 0\.5[\s\S]*allow_no_effect"
    with pytest.raises(NoEffectError, match=expected):
        controller(members, sparsity=0.5).check_target()


def test_one_group_that_changes_is_enough():
    """Such as where token types are all zero, or where a tiny matrix loses nothing."""
    members = matrices(torch.zeros(1, 4), torch.ones(1, 4), torch.ones(1, 1))
    masks = controller(members, sparsity=0.45, scope="matrix")
    masks.check_target()
    masks.prune(0.45)
    assert (masks.targets(0.45), masks.reached) == (
        {matrix.name: n for matrix, n in zip(members, (2, 2, 0), strict=True)},
        (members[0].name, members[2].name),
    )
    assert (masks.finish(), num_zeros(members)) == (0, 6)


def test_a_target_below_what_is_zero_is_refused_even_if_a_group_would_change():
    members = matrices(torch.zeros(1, 40), torch.ones(1, 4))
    expected = r"0\.5 \(22 zeros\) for the weights that count, which have 40 zeros among 44"
    with pytest.raises(NoEffectError, match=expected):
        controller(members, sparsity=0.5, scope="matrix").check_target()


def test_a_control_run_is_exact_where_the_target_is_above_the_zeros():
    members = matrices(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    masks = controller(members, allow_no_effect=True)
    masks.prune(0.5)
    with torch.no_grad():
        members[0].parameter[0, 3] = 0.0
    assert (masks.finish(), num_zeros(members)) == (1, 2)


def test_zeros_of_a_control_run_are_left_alone():
    members = matrices(torch.tensor([[1.0, 0.0, 0.0, 4.0]]))
    masks = controller(members, sparsity=0.25, allow_no_effect=True)
    masks.prune(0.25)
    assert (masks.finish(), num_zeros(members), masks.reached) == (0, 2, ("all",))


# --- resume --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(SHAPES, SCOPES, st.floats(0.05, 0.95), st.integers(0, 2**31))
def test_masks_are_found_again_in_the_zeros(shapes, scope, sparsity, seed):
    """Also where weights that stay are zero, as many are here."""
    generator = torch.Generator().manual_seed(seed)
    members = matrices(
        *(torch.randint(-1, 2, shape, generator=generator).float() for shape in shapes)
    )
    options = {"sparsity": sparsity, "scope": scope, "allow_no_effect": True}
    masks, again = controller(members, **options), controller(members, **options)
    masks.prune(sparsity)
    state = json.loads(json.dumps(masks.state()))
    again.restore(state)
    assert all(torch.equal(again.keep[name], keep) for name, keep in masks.keep.items())
    assert again.digest() == masks.digest() == state["masks"]
    assert again.state() == state
    assert again.finish() == masks.finish()


def test_masks_that_are_found_in_another_order_have_the_same_digest():
    """One of no layer between those of layers, as in DeBERTa."""
    members = matrices(*torch.arange(1.0, 13.0).view(3, 1, 4))
    members = [members[0], replace(members[2], name="rel_embeddings.weight"), members[1]]
    masks, again = controller(members, scope="layer"), controller(members, scope="layer")
    masks.prune(0.5)
    again.restore(masks.state())
    assert again.digest() == masks.digest()
    assert list(masks.keep) != list(again.keep)


def test_masks_that_are_not_held_may_be_saved_again():
    members = matrices(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))
    masks, again = controller(members, regrowth=True), controller(members, regrowth=True)
    masks.prune(0.25, is_last=False)
    again.restore(masks.state())
    assert again.state() == masks.state() != {}
    again.prune(0.5)
    assert (again.finish(), num_zeros(members)) == (0, 2)


def test_fewer_removals_than_before_are_refused():
    masks = controller(matrices(torch.ones(1, 10)), sparsity=0.7)
    masks.prune(0.7)
    with pytest.raises(PruningScheduleError, match=r"3 weights to remove, where 7 are removed"):
        masks.prune(0.3)


def test_other_zeros_than_those_saved_are_refused():
    members = matrices(torch.tensor([[1.0, 2.0, 3.0]]))
    masks = controller(members)
    masks.prune(0.5)
    state = masks.state()
    with torch.no_grad():
        members[0].parameter[0, 2] = 0.0
    with pytest.raises(
        PruningMaskError, match=rf"masks (?!{state['masks']})[\s\S]*{state['masks']}"
    ):
        controller(members).restore(state)


def test_nothing_is_saved_before_the_first_event():
    assert controller(matrices(torch.ones(2, 2))).state() == {}
