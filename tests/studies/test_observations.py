import pytest

from tests.studies.rows_by_hand import record, rows, small_records, small_study
from tinyglot.studies.observations import Observation, Part, Verdict, observe
from tinyglot.studies.observations.verdicts import (
    Difference,
    judge_clear,
    judge_every,
    judge_most,
    judge_ranked,
)
from tinyglot.studies.rows import to_rows
from tinyglot.studies.views.blocks import blocks

HOLDS, FAILS, UNSAID = Verdict.holds, Verdict.fails, Verdict.unsaid
NOISE = Difference(1e-17, 1e-18)
UP, UP_CLEARLY = Difference(0.1, 0.2), Difference(0.1, 0.05)
DOWN, DOWN_CLEARLY = Difference(-0.1, 0.2), Difference(-0.1, 0.05)


def observed(found) -> dict[str, Observation]:
    (block,) = blocks(found)
    return {one.name: one for one in observe(block)}


def verdicts(observation: Observation) -> list[Verdict]:
    return [part.verdict for part in observation.parts]


# --- criteria -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([], UNSAID),
        ([UP, UP], HOLDS),
        ([UP, DOWN], UNSAID),
        ([UP, UP, UP, DOWN_CLEARLY], FAILS),
        ([UP, DOWN, DOWN], UNSAID),
        ([Difference(0.0, None)], UNSAID),
        ([Difference(0.1, None)], HOLDS),
    ],
)
def test_every_difference_is_above_0(differences, verdict):
    assert judge_every(differences) == verdict


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([], UNSAID),
        ([UP, UP, DOWN], UNSAID),
        ([UP_CLEARLY, UP, DOWN], UNSAID),
        ([UP_CLEARLY, UP_CLEARLY, DOWN], HOLDS),
        ([UP_CLEARLY, UP, DOWN_CLEARLY], UNSAID),
        ([DOWN_CLEARLY, UP, DOWN], UNSAID),
        ([DOWN_CLEARLY, UP, DOWN_CLEARLY], FAILS),
        ([UP_CLEARLY, DOWN, DOWN], UNSAID),
    ],
)
def test_most_differences_are_above_0(differences, verdict):
    assert judge_most(differences) == verdict


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([], UNSAID),
        ([UP_CLEARLY], HOLDS),
        ([UP_CLEARLY, UP], UNSAID),
        ([UP_CLEARLY, DOWN_CLEARLY], FAILS),
        ([Difference(0.5, None)], UNSAID),
        ([NOISE], UNSAID),
    ],
)
def test_differences_are_clear(differences, verdict):
    assert judge_clear(differences) == verdict


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [
        ([], UNSAID),
        ([(None, None)], UNSAID),
        ([(0.6, 0.01), (0.5, 0.04)], HOLDS),
        ([(0.6, 0.01), (0.3, 0.3)], UNSAID),
        ([(0.6, 0.01), (-0.1, 0.9)], UNSAID),
        ([(-0.1, 0.9), (-0.1, 0.9)], UNSAID),
        ([(-0.6, 0.01), (-0.1, 0.9)], FAILS),
        ([(0.6, 0.01), (-0.6, 0.01)], UNSAID),
    ],
)
def test_correlations_are_positive(pairs, verdict):
    assert judge_ranked([{"tau": tau, "p_value": p} for tau, p in pairs]) == verdict


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([HOLDS, HOLDS], "holds"),
        ([HOLDS, UNSAID], "holds, as far as it can be said"),
        ([HOLDS, FAILS, UNSAID], "holds in part"),
        ([FAILS], "does not hold"),
        ([FAILS, UNSAID], "does not hold, as far as it can be said"),
        ([UNSAID], "cannot be said"),
    ],
)
def test_an_observation_is_what_its_parts_are(found, verdict):
    parts = tuple(Part("", "", one, "", 1, (3,)) for one in found)
    side = Part("", "", FAILS, "", 1, (3,), is_side=True)
    assert Observation("O0", "", (*parts, side)).verdict == verdict


@pytest.mark.parametrize(
    ("seeds", "verdict"), [((1,), UNSAID), ((1, 3), UNSAID), ((2,), FAILS), ((), FAILS)]
)
def test_nothing_is_judged_on_one_seed(seeds, verdict):
    part = Part("", "", FAILS, "", 8, seeds)
    assert part.verdict == verdict
    assert part.has_too_few_seeds == (verdict == UNSAID)


# --- of rows by hand: everything goes down by the same, perturbed by .1 less --------------------


@pytest.fixture(scope="module")
def by_hand() -> dict[str, Observation]:
    return observed(small_study())


def test_o1_joint_training_is_better_everywhere_but_no_gap_widens(by_hand):
    assert verdicts(by_hand["O1"]) == [HOLDS, UNSAID, UNSAID]
    higher, widens, size = by_hand["O1"].parts
    assert higher.numbers.startswith("dense: 2 of 2 above 0 (2 clearly above, 0 clearly below); ")
    assert higher.numbers.count("dense") == 1
    assert "gap at 90 %, embeddings not pruned - gap of the dense models: 0.0" in widens.numbers
    assert "2 languages" in size.numbers
    assert (higher.num_languages, higher.num_seeds) == (2, (3,))
    assert [part.is_side for part in by_hand["O1"].parts] == [False, True, True]


def test_o1_says_how_much_more_often_one_language_is_passed_over(by_hand):
    note = by_hand["O1"].note  # 100 + 1,000 + 2,000 + 2,000 sentences jointly
    assert "English (eng-Latn) 2.5 times, Swahili (swh-Latn) 5.1 times as often" in note


def test_o2_every_language_loses(by_hand):
    assert verdicts(by_hand["O2"]) == [FAILS, FAILS, HOLDS]
    raises, least, alone = by_hand["O2"].parts
    assert raises.numbers.startswith("0 of 4 above 0 (0 clearly above, 4 clearly below)")
    assert "macro-average −2.0 ± 0.0" in raises.numbers
    assert least.numbers == "yor-Latn −2.0 ± 0.0"
    assert "fewest training sentences (100 here" in least.claim
    assert alone.numbers.startswith("2 of 2 above 0 (2 clearly above")


def test_o3_the_same_loss_is_more_of_a_low_score(by_hand):
    found = by_hand["O3"]
    assert len(found.parts) == 6
    by_claim = {part.claim: part for part in found.parts}
    relative = by_claim["Beyond 70 %, languages with a lower dense score lose more, relatively."]
    assert relative.numbers == "90 %: 1.00 (p = 0.083, 4 languages)"
    assert relative.verdict == UNSAID
    family = found.parts[4]
    assert "Indo-European −26.8 %, Niger-Congo −36.7 %, apart +9.9" in family.numbers
    assert family.verdict == HOLDS
    script = found.parts[5]
    assert "Deva (one language, hin-Deva)" in script.numbers
    assert script.is_side


def test_o3_says_which_tau_the_sizes_allow(by_hand):
    claim = "Beyond 70 %, languages with less training data lose more, absolutely."
    (part,) = [one for one in by_hand["O3"].parts if one.claim == claim]
    # 100, 1,000, 2,000, 2,000: 5 pairs in order of 6, tau b = 5 / sqrt(5 x 6)
    assert "with these ties the largest tau there can be is 0.91" in part.criterion


def test_o4_nothing_collapses(by_hand):
    assert verdicts(by_hand["O4"]) == [FAILS, FAILS, FAILS]
    assert "multilingual, in-language, dense: 0.841 ± 0.006 (4 languages)" in (
        by_hand["O4"].parts[0].numbers
    )


def test_o4_leaves_out_fractions_of_almost_nothing():
    def floor(one):
        if one["embeddings"] != "include":
            return one["value"]
        return 0.15 if one["sparsity"] == 0.9 else one["value"]

    collapse = with_values(floor)["O4"].parts[2]
    assert "left out, regular macro F1 below 20: multilingual, in-language, 90 %" in (
        collapse.numbers
    )
    assert "90 %: " not in collapse.numbers


def test_o5_embeddings_matter_as_much_on_both(by_hand):
    regular, perturbed = by_hand["O5"].parts
    assert regular.numbers == (
        "multilingual, 50 %: +2.0 ± 0.0 (4 languages); monolingual, 50 %: +2.0 ± 0.0 (2 languages)"
    )
    assert "multilingual, 90 %: +10.0" in perturbed.numbers


def test_o6_needs_five_languages(by_hand):
    assert verdicts(by_hand["O6"]) == [UNSAID, UNSAID]
    assert by_hand["O6"].parts[0].numbers.startswith("Spearman 1.00")


def test_every_part_says_its_criterion(by_hand):
    parts = [part for one in by_hand.values() for part in one.parts]
    assert len(parts) == 3 + 3 + 6 + 3 + 2 + 2
    assert all("holds if" in part.criterion and part.numbers for part in parts)


# --- the other way round ------------------------------------------------------------------------


def with_values(change) -> dict[str, Observation]:
    return observed(to_rows({**one, "value": change(one)} for one in small_records()))


def test_the_papers_collapse_is_recognised():
    def collapse(one):
        robust = one["sparsity"] > 0 and one["embeddings"] == "exclude"
        return one["value"] if one["perturbation"] == "none" or robust else 0.01

    found = with_values(collapse)
    assert verdicts(found["O4"]) == [HOLDS, HOLDS, HOLDS]
    assert found["O5"].parts[1].verdict == HOLDS


def test_a_gain_by_pruning_is_recognised():
    def gain(one):
        joint = one["setting"] == "multilingual" and one["sparsity"] == 0.5
        return one["value"] + 0.05 * joint

    assert verdicts(with_values(gain)["O2"]) == [HOLDS, HOLDS, HOLDS]


def test_monolingual_models_that_are_better_are_recognised():
    def better(one):
        return one["value"] + 0.2 * (one["setting"] == "monolingual")

    assert with_values(better)["O1"].parts[0].verdict == FAILS


def test_a_gap_that_widens_is_recognised():
    def widens(one):
        return one["value"] + 0.1 * (one["setting"] == "multilingual" and one["sparsity"] == 0.9)

    assert with_values(widens)["O1"].parts[1].verdict == HOLDS


def test_overlap_of_five_languages_is_judged():
    tags = ("yor-Latn", "swh-Latn", "hin-Deva", "eng-Latn", "arb-Arab")
    up = [
        record(tag, 0.1 * k, entity_overlap=0.1 * k, seed=seed)
        for k, tag in enumerate(tags, 1)
        for seed in (0, 1)
    ]
    down = [{**one, "entity_overlap": 1 - one["entity_overlap"]} for one in up]
    assert observed(rows(*up))["O6"].parts[0].verdict == HOLDS
    assert observed(rows(*down))["O6"].parts[0].verdict == FAILS


def test_of_nothing_nothing_can_be_said():
    found = observed(rows(record("swh-Latn", 0.5, entity_overlap=None)))
    assert {one.verdict for one in found.values()} == {"cannot be said"}
    assert found["O2"].parts[0].numbers == "nothing of this was run"


def test_the_largest_joint_set_is_the_one_that_is_judged():
    small = record("swh-Latn", 0.9, languages="small", sparsity=0.5)
    dense = record("swh-Latn", 0.1, languages="small")
    found = observed(to_rows([*small_records(), small, dense]))
    assert found["O2"].parts[0].numbers.startswith("0 of 4")
