"""What a plan says, and what it refuses."""

import json
import re

import pytest
import torch

from tests.methods.trimming import ENGLISH, LINES, TWO, ids_of, plan_of, required, write_context
from tests.tiny import KINDS, tiny_pair
from tinyglot.data.text import is_held_out
from tinyglot.methods.contract import Context
from tinyglot.methods.vocabulary_trimming import METHOD
from tinyglot.tokenizers import close_token_ids


@pytest.fixture
def two_texts(tmp_path) -> Context:
    return write_context(tmp_path, {tag: LINES[tag] for tag in TWO})


@pytest.fixture(scope="module")
def pair():
    return tiny_pair("xlm_roberta", "unigram")


# --- what stays --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_token_of_the_text_stays_and_no_other_but_what_must(kind, tmp_path):
    model, tokenizer = tiny_pair("bert", kind)
    context = write_context(tmp_path, {"swh-Latn": LINES["swh-Latn"]})
    plan = plan_of(model, tokenizer, context, keep_script_characters=False)
    seen = close_token_ids(tokenizer, ids_of(tokenizer, LINES["swh-Latn"]))
    assert set(plan.kept_token_ids) == seen | required(tokenizer)
    assert plan.num_script_characters == 0
    assert plan.languages[0].token_coverage == 1.0


def test_kept_ids_rise(pair, two_texts):
    kept = plan_of(*pair, two_texts).kept_token_ids
    assert list(kept) == sorted(set(kept))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spare", [0, 1, 7, 40])
def test_the_wanted_size_is_reached_exactly(kind, spare, tmp_path):
    model, tokenizer = tiny_pair("bert", kind)
    context = write_context(tmp_path, {tag: LINES[tag] for tag in TWO})
    free = plan_of(model, tokenizer, context, keep_script_characters=False)
    smallest = free.num_required_tokens
    assert len(free.kept_token_ids) > smallest + 40
    plan = plan_of(
        model,
        tokenizer,
        context,
        keep_script_characters=False,
        max_vocabulary_size=smallest + spare,
    )
    assert len(plan.kept_token_ids) == smallest + spare
    assert set(plan.kept_token_ids) < set(free.kept_token_ids)


def test_a_size_that_the_text_does_not_fill_is_a_limit_only(pair, two_texts):
    free = plan_of(*pair, two_texts)
    assert plan_of(*pair, two_texts, max_vocabulary_size=880).kept_token_ids == free.kept_token_ids


@pytest.mark.parametrize("kind", KINDS)
def test_budgets_bind_exactly_for_each_language(kind, tmp_path):
    model, tokenizer = tiny_pair("bert", kind)
    context = write_context(tmp_path, {tag: LINES[tag] for tag in ("swh-Latn", "vie-Latn")})
    budgets = {"swh-Latn": 40, "vi": 25}
    plan = plan_of(model, tokenizer, context, keep_script_characters=False, budgets=budgets)
    assert [report.num_chosen_tokens for report in plan.languages] == [40, 25]
    # tokens of both, and required ones, take one row only
    assert len(plan.kept_token_ids) <= 40 + 25 + plan.num_required_tokens
    assert len(plan.kept_token_ids) > 40


def test_a_budget_leaves_the_other_languages_alone(pair, two_texts):
    plan = plan_of(*pair, two_texts, budgets={"swh-Latn": 10}, keep_script_characters=False)
    swahili, amharic = plan.languages
    assert swahili.num_chosen_tokens == 10
    assert amharic.num_chosen_tokens == amharic.num_distinct_tokens == amharic.num_kept_tokens
    assert (amharic.token_coverage, swahili.token_coverage < 1) == (1.0, True)


def test_budgets_take_the_most_frequent_tokens(pair, tmp_path):
    model, tokenizer = pair
    context = write_context(
        tmp_path, {"swh-Latn": ["Watoto wanacheza mpira."] * 9 + LINES["swh-Latn"]}
    )
    often = ids_of(tokenizer, ["Watoto wanacheza mpira."])
    plan = plan_of(model, tokenizer, context, budgets={"swh-Latn": len(often)})
    assert often <= set(plan.kept_token_ids)


def test_coverage_keeps_the_fewest_tokens_of_each_language_alone(pair, two_texts):
    tokenizer = pair[1]
    plan = plan_of(*pair, two_texts, coverage=0.8, keep_script_characters=False)
    for report in plan.languages:
        tokens = [
            i
            for line in LINES[report.language]
            for i in tokenizer(line, add_special_tokens=False)["input_ids"]
        ]
        counts = sorted((tokens.count(i) for i in set(tokens)), reverse=True)
        fewest = next(n for n in range(1, 999) if sum(counts[:n]) >= 0.8 * len(tokens))
        assert report.num_chosen_tokens == fewest
        assert 0.8 <= report.token_coverage < 1


@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_characters_of_the_scripts_stay_with_the_basic_latin_letters(kind, tmp_path):
    model, tokenizer = tiny_pair("bert", kind)
    context = write_context(tmp_path, {"amh-Ethi": LINES["amh-Ethi"][:1]})
    plan = plan_of(model, tokenizer, context)
    tokens = tokenizer.convert_ids_to_tokens(plan.kept_token_ids)
    single = {token.removeprefix("##").removeprefix("▁") for token in tokens}
    assert plan.scripts == ("Ethi",)
    assert set("ልጆቹበቀኑ.ab") <= single
    assert single.isdisjoint(set("жक漢ع"))
    without = plan_of(model, tokenizer, context, keep_script_characters=False)
    kept = set(plan.kept_token_ids)
    assert kept > set(without.kept_token_ids)
    assert without.scripts == ()


def test_a_language_written_in_another_script_keeps_that_ones_characters(pair, tmp_path):
    context = write_context(tmp_path, {"jpn-Jpan": LINES["jpn-Jpan"][:1]})
    tokens = pair[1].convert_ids_to_tokens(plan_of(*pair, context).kept_token_ids)
    assert {"き", "タ", "今"} <= {token.removeprefix("▁") for token in tokens}


def test_ids_of_the_configuration_stay_even_if_the_tokenizer_has_no_use_for_them(two_texts):
    model, tokenizer = tiny_pair("bert", "unigram")
    model.config.decoder_start_token_id = 777
    assert 777 in plan_of(model, tokenizer, two_texts).kept_token_ids


def test_ids_up_to_the_padding_id_stay_where_they_are_in_roberta(two_texts):
    model, tokenizer = tiny_pair("roberta", "wordpiece")
    padding_id = model.embeddings.word_embeddings.padding_idx
    kept = plan_of(model, tokenizer, two_texts).kept_token_ids
    assert kept[: padding_id + 1] == tuple(range(padding_id + 1))


# --- report ------------------------------------------------------------------------------------


def test_the_report_counts_the_whole_text(pair, two_texts):
    tokenizer = pair[1]
    report = plan_of(*pair, two_texts).languages[0]
    lines = LINES["swh-Latn"]
    num_tokens = sum(len(tokenizer(x, add_special_tokens=False)["input_ids"]) for x in lines)
    num_words = sum(len(line.split()) for line in lines)
    assert (report.text.num_lines, report.text.num_words) == (len(lines), num_words)
    assert (report.text.num_tokens, report.text.fertility) == (num_tokens, num_tokens / num_words)
    assert report.num_distinct_tokens == len(ids_of(tokenizer, lines))
    assert report.held_out_before is None
    assert report.held_out_after is None


@pytest.fixture(scope="module")
def long_text(tmp_path_factory) -> tuple[Context, list[str]]:
    """More than 20 kB, of which only lines to be held out have English words."""
    lines = [f"{LINES['swh-Latn'][i % 3]} {i}" for i in range(400)]
    longer = [f"{line} {ENGLISH}" for line in lines]
    lines = [b if is_held_out(b, 0.1) else a for a, b in zip(lines, longer, strict=True)]
    directory = tmp_path_factory.mktemp("long")
    return write_context(directory, {"swh-Latn": lines}), lines


def test_held_out_lines_are_judged_by_a_choice_made_without_them(pair, long_text):
    model, tokenizer = pair
    context, lines = long_text
    plan = plan_of(model, tokenizer, context, held_out_share=0.1)
    held_out = [line for line in lines if is_held_out(line, 0.1)]
    report = plan.languages[0]
    before, after = report.held_out_before, report.held_out_after
    num_tokens = sum(len(tokenizer(x, add_special_tokens=False)["input_ids"]) for x in held_out)
    assert (before.num_lines, before.num_tokens) == (len(held_out), num_tokens)
    assert (after.num_lines, after.num_words) == (before.num_lines, before.num_words)
    # words that the other lines do not have fall apart
    assert after.fertility > before.fertility
    assert round(after.unk_rate * after.num_tokens) == round(before.unk_rate * before.num_tokens)
    # and yet the final choice has every token
    assert report.token_coverage == 1.0


def test_without_the_characters_of_the_script_unseen_words_turn_into_unknown(pair, long_text):
    plan = plan_of(*pair, long_text[0], held_out_share=0.1, keep_script_characters=False)
    report = plan.languages[0]
    assert report.held_out_after.unk_rate > report.held_out_before.unk_rate


def test_nothing_is_held_out_if_that_is_wished(pair, long_text):
    report = plan_of(*pair, long_text[0], held_out_share=0.0).languages[0]
    assert (report.held_out_before, report.held_out_after) == (None, None)


def test_a_text_of_one_long_line_is_not_held_out_whole(pair, tmp_path):
    line = next(x for i in range(999) if is_held_out(x := f"mwalimu {i} " * 3000, 0.02))
    report = plan_of(*pair, write_context(tmp_path, {"swh-Latn": [line]})).languages[0]
    assert report.text.num_lines == 1
    assert report.held_out_before is None


def test_the_summary_says_how_much_stays_and_why(pair, two_texts):
    plan = plan_of(*pair, two_texts)
    first, second, header, *rows = plan.summary()
    kept, rows_before = len(plan.kept_token_ids), len(pair[1])
    before, after = plan.num_parameters_before, plan.num_parameters_after
    assert first == (
        f"keep {kept} of {rows_before} rows ({kept / rows_before:.1%}), "
        f"{after:,} of {before:,} parameters ({after / before:.1%})"
    )
    by_frequency = kept - plan.num_required_tokens - plan.num_script_characters
    assert second == (
        f"rows: {plan.num_required_tokens} required, {plan.num_script_characters} characters "
        f"(Ethi Latn), {by_frequency} by frequency"
    )
    assert header.split()[:5] == ["language", "seen", "chosen", "kept", "coverage"]
    assert [row.split()[0] for row in rows] == list(TWO)
    assert len({len(row) for row in (header, *rows)}) == 1
    seen = plan.languages[1].num_distinct_tokens
    assert rows[1].split()[1:5] == [str(seen), str(seen), str(seen), "100.00%"]


@pytest.mark.parametrize(
    ("head", "tensors"), [("encoder", 1), ("masked_lm", 1), ("token_classification", 1)]
)
def test_parameters_afterwards_are_foretold(head, tensors, two_texts):
    model, tokenizer = tiny_pair("bert", "unigram", head)
    plan = plan_of(model, tokenizer, two_texts)
    smaller, _ = METHOD.apply(model, tokenizer, plan, two_texts)
    assert plan.num_parameters_before == sum(p.numel() for p in set(model.parameters()))
    assert plan.num_parameters_after == sum(p.numel() for p in set(smaller.parameters()))
    removed = plan.num_rows_before - len(plan.kept_token_ids)
    lost = plan.num_parameters_before - plan.num_parameters_after
    assert lost == removed * (33 if head == "masked_lm" else 32)
    assert tensors == 1


def test_the_same_text_gives_the_same_plan_in_any_order_of_the_languages(pair, two_texts):
    plan = plan_of(*pair, two_texts, max_vocabulary_size=300)
    backwards = Context(languages=TWO[::-1], text=two_texts.text)
    other = plan_of(*pair, backwards, max_vocabulary_size=300)
    assert other.kept_token_ids == plan.kept_token_ids
    assert other.languages == plan.languages[::-1]


def test_a_plan_survives_json_with_its_ids_on_one_line(pair, two_texts):
    plan = plan_of(*pair, two_texts)
    text = plan.model_dump_json(indent=2)
    assert METHOD.plan_class.model_validate_json(text) == plan
    assert METHOD.plan_class.model_validate(json.loads(text)) == plan
    line = next(line for line in text.splitlines() if "kept_token_ids" in line)
    assert re.fullmatch(r'  "kept_token_ids": "[0-9 -]+",', line)
    assert plan.model_dump()["kept_token_ids"] == plan.kept_token_ids


def test_planning_leaves_model_and_tokenizer_as_they_were(two_texts):
    model, tokenizer = tiny_pair("bert", "wordpiece")
    tokenizer(["a"], truncation=True, max_length=4, padding="max_length")
    model.train()
    state = tokenizer.backend_tokenizer.to_str()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    plan = plan_of(model, tokenizer, two_texts)
    METHOD.apply(model, tokenizer, plan, two_texts)
    assert tokenizer.backend_tokenizer.to_str() == state
    assert model.training
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
