"""The promises of every method, on every model family and every kind of tokenizer.

Methods come from the registry; what they need is in `cases`. A method that does not keep a promise
says so in its own folder (``Method.exempt_from``), with the reason; the test must then fail.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from transformers import GPT2Config, GPT2LMHeadModel

import tinyglot.methods
from tests.contract.cases import CASES
from tests.contract.outcomes import (
    Outcome,
    digest,
    inputs,
    outputs,
    plan_text,
    recount,
    texts_of_many_scripts,
)
from tests.parity import assert_parity
from tests.tiny import FAMILIES, KINDS, tiny_tokenizer
from tinyglot.architectures import view
from tinyglot.errors import MissingInputError, TinyglotError, UnsupportedArchitectureError
from tinyglot.measure import size_of_checkpoint
from tinyglot.methods.contract import Context, Method
from tinyglot.methods.registry import METHODS, get_method, methods
from tinyglot.surgery import count_parameters

FOLDERS = Path(tinyglot.methods.__file__).parent
TESTS = Path(__file__).parents[1]
SECTIONS = ("helps", "Options", "Sources")


def promise(test: Callable) -> Callable:
    """Ask every method on every pair; expect failure where a method declares it."""
    return pytest.mark.parametrize(
        ("name", "family", "kind"),
        [
            pytest.param(method.name, family, kind, marks=exemption(method, test.__name__))
            for method in methods()
            for family in FAMILIES
            for kind in KINDS
        ],
    )(test)


def promise_of_the_folder(test: Callable) -> Callable:
    """Ask every method once."""
    return pytest.mark.parametrize(
        "name",
        [pytest.param(m.name, marks=exemption(m, test.__name__)) for m in methods()],
    )(test)


def exemption(method: Method, test: str) -> list[pytest.MarkDecorator]:
    reasons = [reason for key, reason in method.exempt_from.items() if f"test_{key}" == test]
    return [pytest.mark.xfail(raises=AssertionError, strict=True, reason=r) for r in reasons]


@pytest.fixture(scope="session")
def outcome_of(tmp_path_factory) -> Callable[[str, str, str], Outcome]:
    root = tmp_path_factory.mktemp("contract")

    @cache
    def outcome(name: str, family: str, kind: str) -> Outcome:
        return Outcome(get_method(name), family, kind, root / name / family / kind)

    return outcome


# --- nothing but the result --------------------------------------------------------------------


@promise
def test_the_inputs_stay_as_they_were(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    assert outcome.after is not None
    assert digest(*outcome.before) == outcome.digest_before


@promise
def test_something_changes(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    assert digest(*outcome.after) != outcome.digest_before


@promise
def test_the_result_shares_no_memory_with_the_model_it_came_from(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    places = [
        {tensor.data_ptr() for tensor in view(model).named_tensors().values()}
        for model in (outcome.before[0], outcome.after[0])
    ]
    assert places[0].isdisjoint(places[1])


@promise
def test_precision_and_mode_stay(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    before, after = outcome.before[0], outcome.after[0]
    assert {p.dtype for p in after.parameters()} == {p.dtype for p in before.parameters()}
    assert after.training == before.training


# --- again -------------------------------------------------------------------------------------


@promise
def test_planning_again_gives_the_same_plan(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    assert plan_text(outcome.new_plan(outcome.before)) == plan_text(outcome.plan)


@promise
def test_applying_again_gives_the_same_bits(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    assert digest(*outcome.apply(outcome.before)) == digest(*outcome.after)


@promise
def test_the_result_is_left_alone_by_the_same_options(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    refused, plan = attempt(lambda: outcome.new_plan(outcome.after))
    assert refused or digest(*outcome.apply(outcome.after, plan)) == digest(*outcome.after)


@promise
def test_a_plan_of_another_model_is_refused(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    refused, _ = attempt(lambda: outcome.apply(outcome.after, outcome.plan))
    assert refused.startswith("plan again")


def attempt(action: Callable) -> tuple[str, object]:
    """Give the way out that an error of ours names, or what came out."""
    try:
        return "", action()
    except TinyglotError as error:
        return error.fix, None


# --- an ordinary checkpoint --------------------------------------------------------------------


@promise
def test_plain_transformers_loads_what_was_saved(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    texts = texts_of_many_scripts()
    tokenizers = (outcome.loaded[1], outcome.after[1])
    loaded_ids, ids = (tokenizer(texts)["input_ids"] for tokenizer in tokenizers)
    assert loaded_ids == ids
    pairs = zip(outputs(outcome.loaded, texts), outputs(outcome.after, texts), strict=True)
    for loaded, expected in pairs:
        assert_parity(loaded, expected, atol=0.0)


@promise
def test_tied_weights_stay_tied(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    assert view(outcome.before[0]).is_tied
    for model in (outcome.after[0], outcome.loaded[0]):
        assert view(model).lm_head is not None
        assert view(model).is_tied


@promise
def test_reported_counts_are_those_of_the_files(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    counted = recount(outcome.checkpoint)
    reported = outcome.case.reported(outcome.plan)
    assert reported == {key: counted[key] for key in reported} != {}
    assert size_of_checkpoint(outcome.checkpoint).num_parameters == counted["parameters"]
    assert count_parameters(outcome.after[0]).num_parameters == counted["parameters"]


@promise
def test_asking_for_less_never_gives_more_parameters(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    results = [outcome.result(options) for options in outcome.case.smaller]
    sizes = [count_parameters(model).num_parameters for model, _ in results]
    assert len(sizes) > 1
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0]


@promise
def test_hidden_states_keep_their_width(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    ids = torch.tensor([[outcome.after[1].cls_token_id, outcome.after[1].sep_token_id]])
    with torch.no_grad():
        states = view(outcome.after[0]).encoder(ids, torch.ones_like(ids))[0]
    assert states.shape == (1, 2, view(outcome.before[0]).word_embeddings.embedding_dim)


@promise
def test_neither_order_nor_padding_changes_a_sentence(outcome_of, name, family, kind):
    outcome = outcome_of(name, family, kind)
    texts = texts_of_many_scripts()
    together = outputs(outcome.after, texts)
    backwards = outputs(outcome.after, texts[::-1])[::-1]
    alone = [outputs(outcome.after, [text])[0] for text in texts]
    for a, b, expected in zip(together, backwards, alone, strict=True):
        assert_parity(a, expected, atol=2e-5)
        assert_parity(b, expected, atol=2e-5)


# --- plans -------------------------------------------------------------------------------------


@promise
def test_a_plan_survives_json(outcome_of, name, family, kind):
    plan = outcome_of(name, family, kind).plan
    again = type(plan).model_validate_json(plan_text(plan))
    assert again == plan
    assert plan_text(again) == plan_text(plan)
    assert type(plan) is get_method(name).plan_class
    assert plan.method == name


@promise
def test_a_plan_cannot_be_changed(outcome_of, name, family, kind):
    plan = outcome_of(name, family, kind).plan
    with pytest.raises(ValidationError, match="frozen"):
        plan.method = "another"


@promise
def test_a_plan_says_in_plain_lines_what_would_be_done(outcome_of, name, family, kind):
    lines = outcome_of(name, family, kind).plan.summary()
    assert lines
    assert all(line.strip() and "\n" not in line and "[/" not in line for line in lines)


# --- the folder --------------------------------------------------------------------------------


@promise_of_the_folder
def test_an_unknown_family_is_refused(tmp_path, name):
    sizes = {"n_embd": 8, "n_layer": 1, "n_head": 1, "vocab_size": 99}
    method, model = get_method(name), GPT2LMHeadModel(GPT2Config(**sizes))
    config = method.config_class(**CASES[name].options)
    with pytest.raises(UnsupportedArchitectureError, match=r"'gpt2'[\s\S]*architectures/<family>"):
        method.plan(model, tiny_tokenizer("bpe"), config, inputs(name, tmp_path))


@promise_of_the_folder
def test_a_missing_input_is_named(tmp_path, outcome_of, name):
    outcome = outcome_of(name, "bert", "wordpiece")
    method, config = outcome.method, outcome.method.config_class(**outcome.case.options)
    context = inputs(name, tmp_path)
    for need in method.needs:
        without = {**vars(context), need: getattr(Context(), need)}
        with pytest.raises(MissingInputError, match=r"fix: +\S"):
            method.plan(*outcome.before, config, Context(**without))
    assert all(getattr(context, need) for need in method.needs)


@promise_of_the_folder
def test_a_configuration_survives_json(name):
    config_class = get_method(name).config_class
    config = config_class(**CASES[name].options)
    assert config_class.model_validate(json.loads(config.model_dump_json())) == config
    assert config.method == name
    with pytest.raises(ValidationError, match="frozen"):
        config.method = "another"


@promise_of_the_folder
def test_an_unknown_option_is_refused(name):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        get_method(name).config_class(**CASES[name].options, no_such_option=1)


@promise_of_the_folder
def test_every_option_is_explained(name):
    fields = get_method(name).config_class.model_fields
    silent = [field for field, info in fields.items() if not info.description and field != "method"]
    assert silent == []


@promise_of_the_folder
def test_the_folder_is_complete(name):
    files = {path.name for path in (FOLDERS / name).iterdir()}
    assert files >= {"__init__.py", "config.py", "plan.py", "apply.py", "README.md"}
    card = (FOLDERS / name / "README.md").read_text("utf-8")
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert [s for s in SECTIONS if not any(s in heading for heading in headings)] == []
    assert list((TESTS / "methods").glob(f"test_{name}*.py"))


# --- this file ---------------------------------------------------------------------------------


def test_every_method_has_a_case_and_every_case_a_method():
    assert set(CASES) == set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_exemptions_name_promises_and_give_reasons(name):
    exemptions = get_method(name).exempt_from
    promises = {key.removeprefix("test_") for key in globals() if key.startswith("test_")}
    assert set(exemptions) <= promises
    assert all(len(reason.split()) >= 4 for reason in exemptions.values())
