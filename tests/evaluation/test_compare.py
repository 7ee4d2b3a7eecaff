import json
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from tests.tiny import tiny_model
from tinyglot.errors import ComparisonError, NoExamplesError, NonFiniteScoreError
from tinyglot.evaluation.choices import choose_max_drop, choose_metric
from tinyglot.evaluation.compare import compare_evaluated
from tinyglot.evaluation.predict import torch_predictor
from tinyglot.evaluation.sameness import RecordedOutputs
from tinyglot.evaluation.score import Evaluated
from tinyglot.reports.comparison import comparison_table
from tinyglot.tasks import get_task
from tinyglot.tasks.task import Metric

NER = get_task("ner")


class Perplexity(type(NER)):
    id = "mlm"
    metrics = (Metric("loss", lambda t: t[..., 0] / t[..., 1], "nats", higher_is_better=False),)


def model(**rights):
    """What a model got right: for each language one 0 or 1 an example with one entity."""
    return {
        tag.replace("_", "-"): Evaluated(
            list(range(len(right))),
            list(right),
            np.array([[r, 1, 1] for r in right]).reshape(-1, 3),
        )
        for tag, right in rights.items()
    }


def answers(n, share, seed=0):
    """The right answers of a model are among those of every better one."""
    return (np.random.default_rng(seed).permutation(n) < share * n).astype(int).tolist()


GOOD = model(swh_Latn=answers(1000, 0.8), yor_Latn=answers(1000, 0.7))
BAD = model(swh_Latn=answers(1000, 0.795), yor_Latn=answers(1000, 0.5))


def compared(dense, small, **options):
    return compare_evaluated(dense, small, NER, **{"num_resamples": 1000, **options})


def test_the_most_damaged_language_stands_first():
    found = compared(GOOD, BAD)
    yoruba, swahili = found.languages
    assert (yoruba.language, yoruba.verdict, yoruba.n) == ("yor-Latn", "loses", 1000)
    assert (yoruba.dense, yoruba.small) == pytest.approx((0.7, 0.5))
    assert yoruba.delta == pytest.approx(-20.0)
    assert -23.0 < yoruba.low < -20.0 < yoruba.high < -17.0
    assert (yoruba.lost, yoruba.gained) == (200, 0)
    assert (swahili.verdict, swahili.lost, swahili.gained) == ("holds", 5, 0)
    assert swahili.delta == pytest.approx(-0.5)
    assert found.exit_code == 1


def test_macro_average_and_worst_language():
    found = compared(GOOD, BAD)
    assert found.macro_average[:3] == pytest.approx((0.75, 0.6475, -10.25))
    assert -12.0 < found.macro_average.low < -10.25 < found.macro_average.high < -8.5
    assert found.worst("small").language == "yor-Latn"
    assert found.as_dict()["worst_language"]["dense"] == {"language": "yor-Latn", "value": 0.7}


def test_p_values_are_adjusted_for_the_number_of_languages():
    swahili = compared(GOOD, BAD).languages[1]
    assert swahili.adjusted_p_value == swahili.p_value  # the larger of two stays
    yoruba = compared(GOOD, BAD).languages[0]
    assert yoruba.adjusted_p_value == 2 * yoruba.p_value == 2 / 1001


@given(
    st.dictionaries(
        st.sampled_from(["swh-Latn", "hau-Latn", "yor-Latn"]),
        st.lists(st.integers(0, 1), min_size=1, max_size=20),
        min_size=1,
    )
)
def test_a_model_holds_against_itself_with_any_number_of_examples(rights):
    evaluated = model(**rights)
    found = compared(evaluated, evaluated, num_resamples=50, max_drop=0.0, same_outputs=True)
    assert found.exit_code == 0
    assert {(one.delta, one.low, one.high, one.p_value) for one in found.languages} == {
        (0.0, 0.0, 0.0, 1.0)
    }
    assert found.macro_average[2:] == (0.0, 0.0, 0.0)


def test_too_few_examples_are_inconclusive():
    found = compared(model(swh_Latn=[1, 1, 1, 0, 1]), model(swh_Latn=[1, 1, 1, 1, 0]), max_drop=2.0)
    assert found.exit_code == 3
    assert found.languages[0].verdict == "inconclusive"
    assert found.languages[0].n_needed >= 149


def test_one_example_proves_nothing():
    found = compared(model(swh_Latn=[1]), model(swh_Latn=[0]))
    assert (found.languages[0].delta, found.exit_code) == (-100.0, 3)


def test_one_language_beyond_doubt_outweighs_an_undecided_one():
    dense = {**GOOD, **model(hau_Latn=[1, 0, 1])}
    small = {**BAD, **model(hau_Latn=[0, 0, 1])}
    found = compared(dense, small)
    assert {one.language: one.verdict for one in found.languages} == {
        "swh-Latn": "holds",
        "yor-Latn": "loses",
        "hau-Latn": "inconclusive",
    }
    assert found.exit_code == 1


def test_drops_of_the_allowed_size_in_many_languages_are_no_loss():
    """A true drop of exactly 2 points in 40 languages; an alarm in at most 1 of 20 comparisons."""
    draw = np.random.default_rng(0)
    alarms = 0
    for _ in range(5):
        dense, small = {}, {}
        for place in range(40):
            flips = draw.choice([-1, 0, 1], size=500, p=[0.05, 0.92, 0.03])
            rights = np.where(flips == 0, draw.random(500) < 0.8, flips < 0).astype(int)
            dense |= model(**{f"x{place}": rights})
            small |= model(**{f"x{place}": rights + flips})
        found = compared(dense, small)
        assert found.num_resamples == 3200
        alarms += found.exit_code == 1
    assert alarms <= 1


def test_a_loss_in_one_of_many_languages_is_found():
    many = {f"x{place}": answers(500, 0.8, place) for place in range(39)}
    dense = model(**many, yor_Latn=answers(500, 0.8))
    found = compared(dense, {**dense, **model(yor_Latn=answers(500, 0.7))})
    assert [one.language for one in found.languages if one.verdict == "loses"] == ["yor-Latn"]
    assert found.exit_code == 1


def test_sentences_without_entities_are_no_evidence():
    counts = np.array([[1, 1, 1]] * 2 + [[0, 0, 0]] * 298)
    evaluated = {"swh-Latn": Evaluated(list(range(300)), [0] * 300, counts)}
    [one] = compared(evaluated, evaluated).languages
    assert (one.low, one.high, one.num_informative) == (0.0, 0.0, 2)
    assert (one.verdict, one.n_needed) == ("inconclusive", 149 * 150)


@pytest.mark.parametrize("row", [[0, 0, 0], [0, 1, 1]])
def test_scores_of_nothing_prove_nothing(row):
    evaluated = {"swh-Latn": Evaluated(list(range(300)), [0] * 300, np.array([row] * 300))}
    assert compared(evaluated, evaluated).exit_code == 3
    assert compared(evaluated, evaluated, same_outputs=True).exit_code == 0


def test_intervals_do_not_depend_on_the_order_of_languages():
    turned = compared(dict(reversed(GOOD.items())), dict(reversed(BAD.items())))
    assert turned == compared(GOOD, BAD)


# --- scores that are no shares --------------------------------------------------------------------

MLM = get_task("mlm")


def surprise(nats, tokens, words=2.0):
    return {"swh-Latn": Evaluated([0] * 50, [0] * 50, np.array([[nats, tokens, words]] * 50))}


def test_losses_a_token_of_other_tokens_are_refused():
    """Tokens twice as many, each half as dear: nothing changes a word."""
    dense, small = surprise(8.0, 2.0), surprise(8.0, 4.0)
    with pytest.raises(
        ComparisonError, match=r"100 and 200 tokens[\s\S]*--metric pseudo_perplexity"
    ):
        compare_evaluated(dense, small, MLM, max_drop=0.1)
    by_word = choose_metric(MLM, "pseudo_perplexity")
    found = compare_evaluated(dense, small, MLM, metric=by_word, max_drop=0.1, num_resamples=100)
    assert (found.metric, found.languages[0].delta, found.exit_code) == ("pseudo_perplexity", 0, 0)


def test_losses_a_token_of_the_same_tokens_are_compared():
    found = compare_evaluated(surprise(8.0, 2.0), surprise(8.1, 2.0), MLM, max_drop=0.1)
    assert (found.metric, found.exit_code) == ("loss", 0)
    assert found.languages[0].delta == pytest.approx(0.05)


def test_the_largest_drop_has_a_default_for_shares_only():
    assert choose_max_drop(None, NER.metrics[0]) == 2.0
    assert choose_max_drop(0.5, MLM.metrics[0]) == 0.5
    with pytest.raises(ComparisonError, match=r"loss in nats, without --max-drop"):
        choose_max_drop(None, MLM.metrics[0])


def test_refuses_a_metric_that_the_task_does_not_have():
    assert choose_metric(MLM, None).name == "loss"
    with pytest.raises(ComparisonError, match=r"f1 of mlm\n[\s\S]*one of loss, pseudo_perplexity"):
        choose_metric(MLM, "f1")


losses = arrays(np.float64, (30, 2), elements=st.floats(1, 9))


@given(losses)
def test_a_metric_with_a_unit_keeps_it_and_its_direction(counts):
    evaluated = {"swh-Latn": Evaluated(list(range(30)), [0] * 30, counts)}
    worse = {"swh-Latn": Evaluated(list(range(30)), [0] * 30, counts * [10, 1])}
    found = compare_evaluated(evaluated, worse, Perplexity(), max_drop=0.01, num_resamples=100)
    [one] = found.languages
    assert (found.unit, found.delta_unit, found.higher_is_better) == ("nats", "nats", False)
    assert one.delta == one.small - one.dense > 0
    assert (one.lost, one.gained, one.flip_p_value) == (None, None, None)
    back = compare_evaluated(worse, evaluated, Perplexity(), max_drop=0.01, num_resamples=100)
    assert back.exit_code == 0


def test_the_table_says_what_a_person_must_know():
    found = compared({**GOOD, **model(hau_Latn=[1, 0])}, {**BAD, **model(hau_Latn=[1, 0])})
    table = comparison_table(found)
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    assert columns[0][:2] == ["Yoruba (yor-Latn)", "Swahili (swh-Latn)"]
    assert columns[1][:3] == ["1,000", "1,000", "2"]
    assert columns[4][0].startswith("−20.0 (−2")
    assert columns[7][0] == "loses"
    assert columns[7][2] == "inconclusive, about 149 needed"
    assert str(table.caption).startswith("ner, f1 in percentage points; largest allowed drop 2;")


def test_everything_is_json():
    found = json.loads(json.dumps(compared(GOOD, BAD).as_dict()))
    assert (found["exit_code"], found["languages"][0]["language"]) == (1, "yor-Latn")
    assert found["macro_average"]["delta"] == pytest.approx(-10.25)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_refuses_a_drop_that_is_none(value):
    with pytest.raises(ComparisonError, match=rf"got:      {value}[\s\S]*0 or more"):
        compared(GOOD, BAD, max_drop=value)


@pytest.mark.parametrize("value", [0.0, 1.0, 95.0, math.nan])
def test_refuses_a_confidence_that_is_no_share(value):
    with pytest.raises(ComparisonError, match=rf"got:      {value}[\s\S]*below 1"):
        compared(GOOD, BAD, confidence=value)


def test_refuses_a_language_without_examples():
    with pytest.raises(NoExamplesError, match=r"0 examples[\s\S]*at least 1"):
        compared(model(swh_Latn=[]), model(swh_Latn=[]))


def test_refuses_counts_that_are_no_number():
    with pytest.raises(NonFiniteScoreError, match=r"nan, 1.0, 1.0\] at example 1"):
        compared(model(swh_Latn=[1, 0]), model(swh_Latn=[1, math.nan]))


# --- the same outputs -----------------------------------------------------------------------------


def batch(*sequences):
    ids = np.array(sequences)
    return {"input_ids": ids, "attention_mask": (ids > 0).astype(np.int64)}


def recorded(function, *batches):
    run = RecordedOutputs(function)
    for one in batches:
        run(one)
    return run


@pytest.mark.parametrize("head", ["token_classification", "sequence_classification"])
def test_order_padding_and_rounding_make_no_other_model(head):
    predictor = torch_predictor(tiny_model("bert", head))
    first = recorded(predictor, batch([2, 7, 8, 3], [2, 9, 3, 0]))
    second = recorded(predictor, batch([2, 9, 3]), batch([2, 7, 8, 3]))
    assert first.are_those_of(second)


def test_another_model_gives_other_outputs():
    sequences = batch([2, 7, 8, 3], [2, 9, 3, 0])
    predictor = torch_predictor(tiny_model("bert", "token_classification"))
    changed = recorded(lambda b: predictor(b) * np.float32(1.001), sequences)
    assert not recorded(predictor, sequences).are_those_of(changed)


@pytest.mark.parametrize("head", ["token_classification", "sequence_classification"])
@pytest.mark.parametrize("change", [np.negative, lambda outputs: outputs[..., ::-1]])
def test_turned_signs_and_swapped_labels_are_other_outputs(head, change):
    sequences = batch([2, 7, 8, 3], [2, 9, 3, 0])
    predictor = torch_predictor(tiny_model("bert", head))
    changed = recorded(lambda b: change(predictor(b)), sequences)
    assert not recorded(predictor, sequences).are_those_of(changed)


def test_fewer_sequences_are_not_the_same():
    predictor = torch_predictor(tiny_model("bert", "token_classification"))
    both, one = (
        recorded(predictor, batch([2, 7, 3], [2, 8, 3])),
        recorded(predictor, batch([2, 7, 3])),
    )
    assert not both.are_those_of(one)
    assert RecordedOutputs(predictor).are_those_of(RecordedOutputs(predictor))
