"""What the plan of vocabulary trimming refuses, and its configuration."""

import re

import pytest
from pydantic import ValidationError

from tests.methods.trimming import LINES, TWO, plan_of, write_context
from tests.tiny import KINDS, TINY_TEXT, tiny_model, tiny_pair, tiny_tokenizer
from tinyglot.errors import (
    DataNotFoundError,
    EmptyTextError,
    MissingInputError,
    NoEffectError,
    PlanOutdatedError,
    TokenIdRangeError,
    UncoveredTextError,
    VocabularySizeError,
)
from tinyglot.methods.contract import Context
from tinyglot.methods.vocabulary_trimming import METHOD, VocabularyTrimmingConfig


@pytest.fixture
def two_texts(tmp_path) -> Context:
    return write_context(tmp_path, {tag: LINES[tag] for tag in TWO})


@pytest.fixture(scope="module")
def pair():
    return tiny_pair("xlm_roberta", "unigram")


# --- refusals ----------------------------------------------------------------------------------


def test_no_language(pair):
    with pytest.raises(MissingInputError, match=r"got: +no languages[\s\S]*--language TAG"):
        plan_of(*pair, Context())


@pytest.mark.parametrize("text", [{}, {"mlt-Latn": ()}])
def test_a_language_without_text(pair, two_texts, text):
    context = Context(languages=("swh-Latn", "mlt-Latn"), text={**two_texts.text, **text})
    with pytest.raises(MissingInputError, match="no text for mlt-Latn\n"):
        plan_of(*pair, context)


def test_a_budget_for_a_language_that_is_not_kept(pair, two_texts):
    with pytest.raises(
        MissingInputError,
        match=r"budgets for mlt-Latn, hau-Latn[\s\S]*swh-Latn, amh-Ethi[\s\S]*add the language mlt",
    ):
        plan_of(*pair, two_texts, budgets={"mt": 5, "swh-Latn": 10, "ha": 3})


def test_the_configuration_decides_about_languages(pair, two_texts):
    plan = plan_of(*pair, two_texts, languages=["am"])
    assert [report.language for report in plan.languages] == ["amh-Ethi"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_vocabulary_size": 901}, r"max_vocabulary_size 901[\s\S]*1 to 883"),
        ({"budgets": {"sw": 901}}, r"budget of swh-Latn 901[\s\S]*1 to 883"),
        (
            {"budgets": {"sw": 999}, "max_vocabulary_size": 950},
            r"budget of swh-Latn 999, max_vocabulary_size 950",
        ),
        ({"max_vocabulary_size": 3}, r"max_vocabulary_size 3[\s\S]*at least \d+ \(special"),
        ({"max_vocabulary_size": 100}, r"max_vocabulary_size 100[\s\S]*characters: false"),
    ],
)
def test_a_size_out_of_range(pair, two_texts, options, message):
    with pytest.raises(VocabularySizeError, match=message):
        plan_of(*pair, two_texts, **options)


def test_a_size_too_small_is_refused_before_the_text_is_read(pair, tmp_path):
    (tmp_path / "text.txt").write_bytes(b"\xff\xfe not UTF-8")
    context = Context(languages=("swh-Latn",), text={"swh-Latn": (tmp_path / "text.txt",)})
    with pytest.raises(VocabularySizeError, match="at least"):
        plan_of(*pair, context, max_vocabulary_size=9)


def test_the_smallest_size_that_is_named_will_do(pair, two_texts):
    with pytest.raises(VocabularySizeError, match="at least") as caught:
        plan_of(*pair, two_texts, max_vocabulary_size=9)
    smallest = int(re.search(r"at least (\d+)", caught.value.expected)[1])
    plan = plan_of(*pair, two_texts, max_vocabulary_size=smallest)
    assert len(plan.kept_token_ids) == smallest


@pytest.mark.parametrize("kind", KINDS)
def test_a_script_that_the_tokenizer_does_not_know(kind, tmp_path):
    model, tokenizer = tiny_pair("bert", kind)
    texts = {"swh-Latn": ["mwalimu na watoto"], "sat-Olck": ["ᱥᱟᱱᱛᱟᱲᱤ ᱯᱟᱹᱨᱥᱤ"]}
    context = write_context(tmp_path, texts)
    with pytest.raises(
        UncoveredTextError, match=r"sat-Olck: \d[\d.]+% of \d+ tokens[\s\S]*at most 5.00%"
    ):
        plan_of(model, tokenizer, context, max_unk_rate=0.05)
    assert plan_of(model, tokenizer, context).languages[1].text.unk_rate > 0.3


def test_a_text_without_any_token(tmp_path):
    pair = tiny_pair("bert", "wordpiece")
    context = write_context(tmp_path, {"swh-Latn": ["\x01\x02"]})
    with pytest.raises(UncoveredTextError, match=r"swh-Latn: 0.00% of 0 tokens"):
        plan_of(*pair, context)


def test_an_empty_text(pair, tmp_path):
    with pytest.raises(EmptyTextError, match="no line with content"):
        plan_of(*pair, write_context(tmp_path, {"swh-Latn": [" "]}))


def test_a_text_that_is_not_there(pair, tmp_path):
    context = Context(languages=("swh-Latn",), text={"swh-Latn": (tmp_path / "none.txt",)})
    with pytest.raises(DataNotFoundError, match=r"none\.txt"):
        plan_of(*pair, context)


def test_nothing_to_remove(pair, tmp_path):
    model, tokenizer = pair
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    context = write_context(tmp_path, {"swh-Latn": TINY_TEXT})
    plan = plan_of(model, tokenizer, context)
    smaller = METHOD.apply(model, tokenizer, plan, context)
    assert len(plan.kept_token_ids) < len(tokens)
    with pytest.raises(NoEffectError, match=r"(\d+) of \1 rows kept[\s\S]*allow_no_effect: true"):
        plan_of(*smaller, context)
    again = plan_of(*smaller, context, allow_no_effect=True)
    assert len(again.kept_token_ids) == again.num_rows_before == len(plan.kept_token_ids)


def test_a_tokenizer_with_tokens_that_the_model_has_not(two_texts):
    tokenizer = tiny_tokenizer("unigram")
    with pytest.raises(TokenIdRangeError, match=r"token id 882[\s\S]*ids below 400"):
        plan_of(tiny_model("bert", vocab_size=400), tokenizer, two_texts)


def test_a_plan_of_another_model(pair, two_texts):
    plan = plan_of(*pair, two_texts)
    with pytest.raises(PlanOutdatedError, match=r"got: +901 rows[\s\S]*expected: 883 rows"):
        METHOD.apply(tiny_model("xlm_roberta", vocab_size=901), pair[1], plan, two_texts)


def test_a_plan_of_another_tokenizer(pair, two_texts):
    model, tokenizer = pair
    plan = plan_of(model, tokenizer, two_texts)
    other = tiny_tokenizer("unigram")
    other.add_tokens(["another"])
    with pytest.raises(PlanOutdatedError, match=rf"tokens {plan.vocabulary_digest}"):
        METHOD.apply(model, other, plan, two_texts)


# --- configuration -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coverage": 0}, "greater than 0"),
        ({"coverage": 1.1}, "less than or equal to 1"),
        ({"max_vocabulary_size": 0}, "greater than or equal to 1"),
        ({"budgets": {"sw": 0}}, "greater than or equal to 1"),
        ({"budgets": {"sw": 5, "swa": 6}}, "codes of the same language"),
        ({"languages": ["sw", "swh"]}, "more than once"),
        ({"languages": ["xx-none"]}, "no such language"),
        ({"held_out_share": 0.5}, "less than 0.5"),
        ({"max_unk_rate": -0.1}, "greater than or equal to 0"),
        ({"covrage": 0.9}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_configuration(options, message):
    with pytest.raises(ValidationError, match=message):
        VocabularyTrimmingConfig(**options)


def test_a_configuration_survives_json():
    config = VocabularyTrimmingConfig(languages=["sw", "am"], budgets={"sw": 5}, coverage=0.5)
    assert config.budgets == {"swh-Latn": 5}
    assert VocabularyTrimmingConfig.model_validate_json(config.model_dump_json()) == config
