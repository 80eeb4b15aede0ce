"""Statistics of a study: the tables of the literature to the printed digit, and intervals that hold what they promise."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from medassist.errors import InputError
from medassist.statistics import (
    Interval,
    UnusableRatings,
    acceptance,
    acceptance_bootstrap,
    agreement,
    bang_index,
    bradley_terry,
    cohen_kappa,
    icc,
    james_index,
    majority,
    majority_interval,
    mcnemar,
    mcnemar_on_majorities,
    plan,
    precision,
    risk_difference,
    risk_difference_two_way,
    simulate,
    top_k,
    wilson,
)
from medassist.statistics.simulation import intervals

COEFFICIENTS = ("percent", "ac", "alpha", "fleiss", "conger", "brennan_prediger")

# Four raters, twelve units (Krippendorff 2004; Gwet 2014).
TWELVE = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
FLEISS = """
0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7
"""
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

Columns = tuple[list[Any], list[Any], list[Any]]


def twelve() -> Columns:
    """The table in long form, with its missing ratings as None."""
    rows = [line.split() for line in TWELVE.strip().splitlines()]
    long = [
        (case, rater, None if value == "." else int(value))
        for rater, row in enumerate(rows)
        for case, value in enumerate(row)
    ]
    return tuple(map(list, zip(*long, strict=True)))  # type: ignore[return-value]


def cross_table(table: Sequence[Sequence[int]]) -> Columns:
    """Two raters' cross-table in long form."""
    cases: list[Any] = []
    values: list[Any] = []
    for first, row in enumerate(table):
        for second, number in enumerate(row):
            for _ in range(number):
                cases += [len(values) // 2] * 2
                values += [first, second]
    return cases, [0, 1] * (len(values) // 2), values


def square(table: Sequence[Sequence[float]]) -> Columns:
    """A full table [cases, raters] in long form."""
    values = np.array(table)
    cases, raters = np.indices(values.shape)
    return cases.ravel().tolist(), raters.ravel().tolist(), values.ravel().tolist()


def estimate(columns: Columns, name: str, **options: Any) -> float | None:
    return agreement(*columns, coefficients=[name], **options)[name].estimate  # type: ignore[list-item, index]


# Oracles


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.7434), ("ordinal", 0.8154), ("interval", 0.8491), ("ratio", 0.7974)]
)
def test_alpha_of_the_twelve_units(level, alpha):
    assert round(estimate(twelve(), "alpha", level=level), 4) == alpha


@pytest.mark.parametrize(
    ("name", "value", "digits"),
    [("ac", 0.77544, 5), ("fleiss", 0.76117, 5), ("conger", 0.76207, 5), ("brennan_prediger", 0.77273, 5)],
)
def test_coefficients_of_the_twelve_units(name, value, digits):
    assert round(estimate(twelve(), name), digits) == value


def test_quadratic_ac2_of_the_twelve_units():
    assert round(estimate(twelve(), "ac", weights="quadratic"), 3) == 0.914


def test_percent_agreement_is_the_mean_over_cases_of_agreeing_pairs():
    assert estimate(twelve(), "percent") == pytest.approx(9 / 11)  # of eleven cases eight agree, two by half, one not
    assert estimate(twelve(), "percent", weights="quadratic") == pytest.approx(9 / 11)


def test_a_table_of_three_categories():
    table = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
    assert round(cohen_kappa(table).estimate, 5) == 0.79641
    assert round(estimate(cross_table(table), "ac"), 5) == 0.84933
    assert round(estimate(cross_table(table), "alpha"), 5) == 0.79726
    assert estimate(cross_table(table), "conger") == pytest.approx(cohen_kappa(table).estimate)  # two raters: the same


def test_fleiss_kappa_of_fourteen_raters():
    cases, raters, values = [], [], []
    for case, line in enumerate(FLEISS.strip().splitlines()):
        given_values = [category for category, number in enumerate(map(int, line.split())) for _ in range(number)]
        cases += [case] * 14
        raters += range(14)
        values += given_values
    assert round(estimate((cases, raters, values), "fleiss"), 5) == 0.20993


def test_cohens_weighted_kappa():
    table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    disagreement = [[0, 1, 3], [1, 0, 6], [3, 6, 0]]
    assert round(cohen_kappa(table).estimate, 4) == 0.4915
    weighted = cohen_kappa(table, disagreement=disagreement)
    assert round(weighted.estimate, 4) == 0.3478
    assert weighted.low < weighted.estimate < weighted.high
    assert weighted == cohen_kappa(table, disagreement=np.array(disagreement) * 7)


@pytest.mark.parametrize(
    ("table", "kappa", "ac1"), [([[80, 10], [5, 5]], 0.318, 0.808), ([[40, 9], [6, 45]], 0.700, 0.701)]
)
def test_the_paradox_of_kappa(table, kappa, ac1):
    assert round(cohen_kappa(table).estimate, 3) == kappa
    assert round(estimate(cross_table(table), "ac"), 3) == ac1


def test_the_six_forms_of_shrout_and_fleiss():
    found = icc(*square(SHROUT_FLEISS))
    assert [round(each.estimate, 3) for each in found.values()] == [0.166, 0.290, 0.715, 0.443, 0.620, 0.909]
    assert list(found) == ["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]
    assert (round(found["ICC(3,1)"].low, 3), round(found["ICC(3,1)"].high, 3)) == (0.342, 0.946)
    assert round(found["ICC(2,1)"].high, 3) == 0.761


@pytest.mark.parametrize(("count", "total", "low", "high"), [(81, 263, 0.2553, 0.3662), (182, 200, 0.862, 0.942)])
def test_wilson(count, total, low, high):
    found = wilson(count, total)
    digits = len(str(low)) - 2
    assert (round(found.low, digits), round(found.high, digits)) == (low, high)


def test_mcnemar():
    found = mcnemar([[101, 121], [59, 33]])
    assert (round(found.chi2, 3), round(found.chi2_corrected, 3)) == (21.356, 20.672)
    assert found.discordant == (121, 59)
    assert not found.exact and found.p == found.p_corrected
    assert round(found.p_plain * 1e6, 3) == 3.815


def test_blinding_of_the_r_package():
    # The example of BlindingIndex.jl, which follows the R package BI: overall .896 (.875-.918), .115, .022.
    counts = [[48, 4, 330], [22, 30, 319]]
    james = james_index(counts)
    assert [round(each, 3) for each in (james.estimate, james.low, james.high)] == [0.896, 0.875, 0.918]
    first, second = bang_index(counts)
    assert [round(each, 3) for each in (first.estimate, first.low, first.high)] == [0.115, 0.080, 0.150]
    assert [round(each, 3) for each in (second.estimate, second.low, second.high)] == [0.022, -0.016, 0.060]


# Rates


def test_the_two_way_interval_is_that_of_statsmodels():
    made = simulate([0.9], studies=1, cases=60, raters=7, ratings_per_case=3, seed=4)
    values = made.accepted[0, 0]
    groups = np.column_stack([made.cases[0], made.raters[0]])
    fit = sm.GLM(values, np.ones(len(values)), family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True}
    )
    found = acceptance(made.cases[0], made.raters[0], values)
    t = 2.4469118511449692  # 6 degrees of freedom
    ends = fit.params[0] + np.array([-t, t]) * fit.bse[0]
    assert [found.low, found.high] == pytest.approx((1 / (1 + np.exp(-ends))).tolist())


def test_two_way_intervals_cover_where_wilson_on_rows_does_not():
    """The claim of the study: 200 cases × 3 ratings, 10 raters of SD 0.8. The truth is that of all cases and raters."""
    truth = 0.9
    made = simulate([truth], studies=1000, cases=200, raters=10, ratings_per_case=3, rater_sd=0.8, seed=1)
    assert made.accepted.mean() == pytest.approx(truth, abs=0.005)
    low, high = intervals(made)
    assert 0.93 <= ((low <= truth) & (truth <= high)).mean() <= 0.97
    low, high = proportion_confint(made.accepted[:, 0].sum(axis=1), 600, method="wilson")
    assert ((low <= truth) & (truth <= high)).mean() < 0.80


def test_the_crossed_bootstrap_covers_where_that_over_cases_does_not():
    made = simulate([0.9], studies=100, cases=200, raters=10, ratings_per_case=3, rater_sd=0.8, seed=11)
    held = {"both": 0, "cases": 0}
    for cases, raters, (accepted,) in zip(made.cases, made.raters, made.accepted, strict=True):
        for over in held:
            found = acceptance_bootstrap(cases, raters, accepted, over=over, resamples=300)
            held[over] += found.low <= 0.9 <= found.high
    assert held["both"] >= 92
    assert held["cases"] < 85


def test_one_study_has_the_interval_it_had_among_many():
    made = simulate([0.95], studies=20, cases=12, raters=5, ratings_per_case=2, seed=2)
    low, high = intervals(made)
    unanimous = made.accepted[:, 0].min(axis=1) == made.accepted[:, 0].max(axis=1)
    assert unanimous.any() and not unanimous.all()
    for study in range(20):
        found = acceptance(made.cases[study], made.raters[study], made.accepted[study, 0])
        assert (found.low, found.high) == pytest.approx((low[study], high[study]))


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("interval", [acceptance, acceptance_bootstrap])
def test_unanimous_ratings_get_wilson_over_cases_and_say_so(interval, value):
    cases, raters = np.repeat(np.arange(30), 3), np.tile(np.arange(3), 30)
    found = interval(cases, raters, np.full(90, value))
    expected = wilson(30 * value, 30)
    assert (found.low, found.high) == (expected.low, expected.high)
    assert found.method == "wilson over cases"
    assert "30" in found.note.text("en") and "30" in found.note.text("zh")


def test_one_rater_or_one_case_says_what_it_cannot_tell():
    found = acceptance([1, 2, 3, 4], ["a"] * 4, [1, 1, 0, 1])
    assert (found.low, found.high) == (wilson(3, 4).low, wilson(3, 4).high)
    assert "other raters" in found.note.en
    assert "other cases" in acceptance([1] * 3, ["a", "b", "c"], [1, 1, 0]).note.en


def test_a_variance_that_is_not_positive_falls_back():
    # Each rater accepts one of two cases and each case has one yes: nothing differs but the cells.
    balanced = acceptance([1, 1, 2, 2], ["a", "b", "a", "b"], [1, 0, 0, 1])
    assert balanced.low < 0.5 < balanced.high
    assert "independent" in balanced.note.en
    # Raters alike to a tenth, cases not at all, cells opposed: two-way is negative, one way is not.
    table = np.array([[1, 0], [0, 1], [1, 0], [0, 1], [1, 0]])
    found = acceptance(*square(table))
    assert found.low < 0.5 < found.high
    assert "larger" in found.note.en


def test_bootstraps_follow_their_seed():
    made = simulate([0.8], studies=1, cases=30, raters=5, ratings_per_case=3)
    columns = made.cases[0], made.raters[0], made.accepted[0, 0]
    assert acceptance_bootstrap(*columns, seed=5) == acceptance_bootstrap(*columns, seed=5)
    assert acceptance_bootstrap(*columns, seed=5) != acceptance_bootstrap(*columns, seed=6)
    first = agreement(*columns, resamples=200, seed=5)
    assert first == agreement(*columns, resamples=200, seed=5)
    assert all(each.low < each.estimate < each.high for each in first.values())


def test_majorities_count_a_tie_as_no():
    cases, raters = [1, 1, 1, 2, 2, 3], ["a", "b", "c", "a", "b", "a"]
    found = majority(cases, raters, [1, 1, 0, 1, 0, 1])
    assert found.accepted.tolist() == [True, False, True]
    assert found.tied.tolist() == [False, True, False]
    made = majority_interval(cases, raters, [1, 1, 0, 1, 0, 1])
    assert made.estimate == pytest.approx(2 / 3)
    assert made.note.en.startswith("1 tied")


def test_top_k():
    found = top_k([1, 2, 3, 7, None, 0, float("nan"), 1], ks=(1, 3, 10))
    assert [each.estimate for each in found.values()] == [2 / 8, 4 / 8, 5 / 8]
    assert found[3] == wilson(4, 8)


# Agreement


def test_alpha_is_undefined_where_all_agree_and_the_others_say_what_they_can():
    columns = square([[1, 1, 1]] * 8)
    found = agreement(*columns, coefficients=COEFFICIENTS, categories=(0, 1), resamples=50)
    assert found["percent"].estimate == found["ac"].estimate == found["brennan_prediger"].estimate == 1
    for name in ("alpha", "fleiss", "conger"):
        assert found[name].estimate is found[name].low is found[name].high is None
        assert found[name].note.text("en").startswith("Undefined") and found[name].note.text("zh").startswith("无定义")
    assert agreement(*columns, coefficients=["ac"])["ac"].note.en.startswith("Undefined: only one category")


def test_agreement_needs_two_ratings_of_some_case():
    found = agreement([1, 2, 3], ["a", "b", "a"], [1, 0, 1], coefficients=COEFFICIENTS)
    assert all(each.estimate is None and "two ratings" in each.note.en for each in found.values())


def test_resamples_without_a_value_are_left_out_and_told():
    table = [[1, 1]] * 9 + [[0, 1]]
    found = agreement(*square(table), coefficients=["alpha"], resamples=200)["alpha"]
    assert found.low is not None
    assert "of 200 resamples" in found.note.en and "200 次" in found.note.zh


def test_near_full_acceptance_alpha_and_ac1_part():
    """What the specification reports of 90 % acceptance: α of .07 to .12, AC1 of .77 to .83."""
    made = simulate([0.9], studies=40, cases=200, raters=10, ratings_per_case=3, seed=3)
    found = [
        [each.estimate for each in agreement(made.cases[at], made.raters[at], made.accepted[at, 0]).values()]
        for at in range(40)
    ]
    _, ac1, alpha = np.mean(found, axis=0)
    assert 0.07 <= alpha <= 0.12
    assert 0.77 <= ac1 <= 0.83


@pytest.mark.parametrize("weights", ["identity", "linear", "quadratic", "ordinal"])
def test_weights_hardly_matter_with_two_categories(weights):
    table = cross_table([[80, 10], [5, 5]])
    assert estimate(table, "ac", weights=weights) == pytest.approx(estimate(table, "ac"))


def test_unused_categories_of_an_instrument_lower_chance():
    table = cross_table([[40, 9], [6, 45]])
    assert estimate(table, "ac", categories=(0, 1, 2)) > estimate(table, "ac")
    assert estimate(table, "alpha", categories=(0, 1, 2)) == pytest.approx(estimate(table, "alpha"))


def test_words_are_categories_too():
    cases, raters, values = cross_table([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
    words = [("no", "with edits", "yes")[each] for each in values]
    order = ("no", "with edits", "yes")
    assert estimate((cases, raters, words), "alpha", categories=order, level="ordinal") == pytest.approx(
        estimate((cases, raters, values), "alpha", level="ordinal")
    )
    assert estimate((cases, raters, words), "ac", categories=order, weights="quadratic") == pytest.approx(
        estimate((cases, raters, values), "ac", weights="quadratic")
    )


def test_kappa_without_chance_or_without_spread():
    assert cohen_kappa([[5, 0], [0, 0]]).estimate is None
    perfect = cohen_kappa([[5, 0], [0, 5]])
    assert (perfect.estimate, perfect.low) == (1, None) and perfect.note


def test_icc_where_each_case_has_its_own_raters():
    cases, raters, scores = square(SHROUT_FLEISS)
    apart = [10 * case + rater for case, rater in zip(cases, raters, strict=True)]
    loose, crossed = icc(cases, apart, scores), icc(cases, raters, scores)
    for form in ("ICC(1,1)", "ICC(1,k)"):
        assert loose[form].estimate == pytest.approx(crossed[form].estimate)
    assert loose["ICC(2,1)"].estimate is None and "same raters" in loose["ICC(2,1)"].note.en


def test_icc_leaves_out_a_case_that_lacks_a_rating():
    cases, raters, scores = square([*SHROUT_FLEISS, [3, 4, 5, 6]])
    scores[-1] = None
    found, full = icc(cases, raters, scores), icc(*square(SHROUT_FLEISS))
    assert found["ICC(2,k)"].estimate == pytest.approx(full["ICC(2,k)"].estimate)
    assert found["ICC(2,k)"].note.en.startswith("1 cases")


@pytest.mark.parametrize(
    ("table", "undefined"),
    [([[3, 3]] * 4, 6), ([[1, 1], [2, 2], [3, 3]], 0), ([[1, 2]] * 4, 3), ([[1, 2]], 6), ([[1, 2], [2, 1]], 6)],
)
def test_icc_at_its_edges(table, undefined):
    found = icc(*square(table))
    assert sum(each.estimate is None for each in found.values()) == undefined
    assert all(each.note for each in found.values() if each.low is None)


# Paired arms


def two_arms(made: Any, study: int = 0) -> tuple[Any, Any, Any, Any]:
    rows = made.cases.shape[1]
    return (
        np.tile(made.cases[study], 2),
        np.tile(made.raters[study], 2),
        np.repeat(["tuned", "base"], rows),
        made.accepted[study].ravel(),
    )


def test_the_risk_difference_is_that_of_the_pairs():
    columns = two_arms(simulate([0.9, 0.7], studies=1, cases=100, raters=8, ratings_per_case=3, seed=1))
    found = risk_difference(*columns, "tuned", "base")
    tuned = columns[2] == "tuned"
    assert found.estimate == pytest.approx(columns[3][tuned].mean() - columns[3][~tuned].mean())
    assert 0 < found.low < found.estimate < found.high < 1
    assert found == risk_difference(*columns, "tuned", "base")
    turned = risk_difference(*columns, "base", "tuned")
    assert (turned.estimate, turned.low, turned.high) == pytest.approx((-found.estimate, -found.high, -found.low))
    two_way = risk_difference_two_way(*columns, "tuned", "base")
    assert two_way.estimate == pytest.approx(found.estimate)
    assert two_way.low < two_way.estimate < two_way.high


def test_the_intervals_of_a_risk_difference_cover():
    made = simulate([0.9, 0.85], studies=60, cases=100, raters=10, ratings_per_case=3, shared=0.5, seed=3)
    held = np.zeros(2)
    for study in range(60):
        columns = two_arms(made, study)
        found = (
            risk_difference(*columns, "tuned", "base", resamples=300),
            risk_difference_two_way(*columns, "tuned", "base"),
        )
        held += [each.low <= 0.05 <= each.high for each in found]
    assert (held >= 54).all()


def test_ratings_without_a_counterpart_are_left_out_and_told():
    columns = [1, 1, 2, 2, 3], ["a"] * 5, ["A", "B", "A", "B", "A"], [1, 0, 1, 1, 0]
    found = risk_difference(*columns, "A", "B")
    assert found.estimate == 0.5
    assert "1 ratings without a counterpart" in found.note.en
    assert "other raters" in found.note.en
    assert risk_difference_two_way(*columns, "A", "B").estimate == 0.5


@pytest.mark.parametrize(("second", "expected"), [([1] * 12, 0.0), ([0] * 12, 1.0)])
@pytest.mark.parametrize("difference", [risk_difference, risk_difference_two_way])
def test_pairs_that_all_differ_alike_have_an_interval_nevertheless(difference, second, expected):
    cases, raters = [1, 2, 3, 4] * 6, (["a"] * 4 + ["b"] * 4 + ["c"] * 4) * 2
    found = difference(cases, raters, ["A"] * 12 + ["B"] * 12, [1] * 12 + second, "A", "B")
    assert found.estimate == expected
    assert found.low < expected <= found.high <= 1
    assert "4 cases" in found.note.en


def test_mcnemar_on_majorities():
    cases = [1, 1, 1, 2, 2, 2, 3, 3, 3] * 2
    raters = ["a", "b", "c"] * 6
    arms = ["A"] * 9 + ["B"] * 9
    accepted = [1, 1, 0, 1, 1, 1, 0, 0, 1, *(0, 1, 0, 1, 1, 0, 0, 1, 0)]
    found = mcnemar_on_majorities(cases, raters, arms, accepted, "A", "B")
    assert found.discordant == (1, 0)
    assert found.exact and found.p == found.p_exact == 1


def test_mcnemar_of_few_and_of_no_discordant_cases():
    few = mcnemar([[30, 9], [1, 10]])
    assert few.exact and few.note
    assert few.p == pytest.approx(2 * (1 + 10) / 2**10)
    none = mcnemar([[30, 0], [0, 10]])
    assert none.p == 1 and none.chi2 is None and none.note.zh


# Preferences


def chosen(strengths: Sequence[float], rows: int, seed: int = 0) -> tuple[Any, ...]:
    draw = np.random.default_rng(seed)
    first, second = draw.permuted(np.tile(np.arange(len(strengths)), (rows, 1)), axis=1)[:, :2].T
    power = np.array(strengths)
    wins = draw.random(rows) < 1 / (1 + np.exp(power[second] - power[first]))
    names = np.array(list("ABCDEFGH"))
    return np.arange(rows) // 3, np.arange(rows) % 7, names[first], names[second], np.where(wins, 1, -1)


def test_bradley_terry_finds_the_strengths():
    truth = [1.0, 0.3, -0.3, -1.0]
    found = bradley_terry(*chosen(truth, 900), resamples=200)
    assert list(found) == ["A", "B", "C", "D"]
    for each, true in zip(found.values(), truth, strict=True):
        assert each.low < true < each.high
        assert each.low < each.estimate < each.high
    assert sum(each.estimate for each in found.values()) == pytest.approx(0)


def test_two_arms_have_the_log_odds_of_their_wins_and_ties_are_halves():
    preferred = [1] * 30 + [-1] * 10 + [0] * 20
    found = bradley_terry(range(60), [0, 1, 2] * 20, ["A"] * 60, ["B"] * 60, preferred, resamples=100)
    assert found["A"].estimate - found["B"].estimate == pytest.approx(np.log(40 / 20))
    tied = bradley_terry(range(4), [0, 1] * 2, ["A"] * 4, ["B"] * 4, [0] * 4, resamples=10)
    assert tied["A"].estimate == pytest.approx(0)


def test_an_arm_that_never_won_is_finite_and_has_no_interval():
    cases, raters, first, second, preferred = chosen([1.0, 0.0, -1.0], 300)
    preferred = np.where(first == "C", -1, np.where(second == "C", 1, preferred))
    found = bradley_terry(cases, raters, first, second, preferred, resamples=50)
    assert found["C"].estimate < found["B"].estimate < found["A"].estimate
    assert np.isfinite(found["C"].estimate)
    assert found["C"].low is found["C"].high is None
    assert "half a win" in found["C"].note.en and "no interval" in found["C"].note.en
    assert found["A"].low < found["A"].estimate < found["A"].high
    only = bradley_terry([1, 2], ["a", "b"], ["A", "A"], ["B", "B"], [1, 1], resamples=10)
    assert only["A"].estimate > 0 and only["A"].low is None


def test_resamples_in_which_an_arm_never_won_are_told():
    found = bradley_terry(range(12), [0, 1, 2] * 4, ["A"] * 12, ["B"] * 12, [1] * 11 + [-1], resamples=60)
    assert "of 60 resamples" in found["A"].note.en
    assert np.isfinite([found["A"].low, found["A"].high]).all()


# Blinding


def test_blinding_at_its_edges():
    assert james_index([[10, 0, 0], [0, 10, 0]]).estimate == 0
    assert james_index([[0, 0, 3], [0, 0, 3]]).estimate == 1
    assert james_index([[5, 5, 0], [5, 5, 0]]).estimate == pytest.approx(0.5)
    assert james_index([[5, 0, 0], [0, 0, 5]]).estimate is None
    first, second = bang_index([[10, 0, 0], [10, 0, 0]])
    assert (first.estimate, second.estimate) == (1, -1)
    assert first.low is None and first.note
    first, second = bang_index([[1, 1, 8], [2, 3, 0]])
    assert first.estimate == 0 and second.estimate == pytest.approx(0.2)


# Planning


def test_more_cases_help_less_than_more_raters():
    few, many = plan(0.9, cases=[50, 400], ratings_per_case=[3], raters=10, studies=200)
    assert many.half_width < few.half_width
    more_raters = precision(0.9, cases=400, raters=30, ratings_per_case=3, studies=200)
    assert more_raters.half_width < 0.75 * many.half_width
    assert few == plan(0.9, cases=[50], ratings_per_case=[3], raters=10, studies=200)[0]
    assert few.half_width < few.half_width_90
    alike = precision(0.9, cases=400, raters=10, ratings_per_case=3, rater_sd=0.0, studies=200)
    assert alike.half_width < many.half_width


def test_simulated_studies_are_balanced_and_follow_their_seed():
    made = simulate([0.9, 0.8], studies=5, cases=47, raters=10, ratings_per_case=3, seed=9)
    assert made.accepted.shape == (5, 2, 141)
    for cases, raters in zip(made.cases, made.raters, strict=True):
        assert np.bincount(cases).tolist() == [3] * 47
        assert np.ptp(np.bincount(raters, minlength=10)) <= 1
        assert len(set(zip(cases, raters, strict=True))) == 141
    again = simulate([0.9, 0.8], studies=5, cases=47, raters=10, ratings_per_case=3, seed=9)
    assert (made.accepted == again.accepted).all() and (made.raters == again.raters).all()


def test_every_arm_has_the_acceptance_asked_for():
    made = simulate(
        [0.95, 0.6], studies=400, cases=60, raters=12, ratings_per_case=3, rater_sd=1.5, case_sd=2.0, shared=0.4
    )
    assert made.accepted.mean(axis=(0, 2)) == pytest.approx([0.95, 0.6], abs=0.01)


# What does not matter, and what comes in wrong


@st.composite
def rated(draw: Any) -> Columns:
    """Some ratings of up to seven cases by up to four raters, 0 or 1, with gaps."""
    cells = draw(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=20, unique=True), label="cells"
    )
    values = draw(st.lists(st.integers(0, 1), min_size=len(cells), max_size=len(cells)))
    return [case for case, _ in cells], [rater for _, rater in cells], values


def everything(cases: Any, raters: Any, values: Any) -> list[float | None]:
    """All numbers that do not depend on a draw."""
    found: list[Interval] = [acceptance(cases, raters, values), majority_interval(cases, raters, values)]
    found += agreement(cases, raters, values, coefficients=COEFFICIENTS, categories=(0, 1)).values()
    found += icc(cases, raters, values).values()
    return [number for each in found for number in (each.estimate, each.low, each.high)]


def same(one: Sequence[float | None], other: Sequence[float | None]) -> bool:
    return len(one) == len(other) and all(
        a is b is None or (a is not None and b is not None and a == pytest.approx(b, abs=1e-6))
        for a, b in zip(one, other, strict=True)
    )


@settings(deadline=None, max_examples=40)
@given(rated(), st.randoms(use_true_random=False))
def test_names_order_and_unrated_cases_do_not_matter(columns, random):
    cases, raters, values = columns
    expected = everything(cases, raters, values)
    names = ["Ann", "Bo", "Cy", "Di"]
    random.shuffle(names)
    assert same(everything(cases, [names[each] for each in raters], values), expected)
    rows = list(zip(cases, raters, values, strict=True))
    random.shuffle(rows)
    assert same(everything(*zip(*rows, strict=True)), expected)
    assert same(everything([*cases, 99, 98], [*raters, 0, 1], [*values, None, float("nan")]), expected)


@settings(deadline=None, max_examples=40)
@given(rated(), st.randoms(use_true_random=False))
def test_bootstraps_do_not_depend_on_the_order_of_rows(columns, random):
    expected = acceptance_bootstrap(*columns, resamples=50)
    rows = list(zip(*columns, strict=True))
    random.shuffle(rows)
    found = acceptance_bootstrap(*zip(*rows, strict=True), resamples=50)
    assert same((found.estimate, found.low, found.high), (expected.estimate, expected.low, expected.high))


@settings(deadline=None, max_examples=60)
@given(rated())
def test_an_interval_holds_its_estimate_and_nothing_is_nan(columns):
    found = acceptance(*columns)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert not any(number is not None and np.isnan(number) for number in everything(*columns))
    for each in agreement(*columns, coefficients=COEFFICIENTS, categories=(0, 1), resamples=20).values():
        assert (each.estimate is None) == bool(each.note.en.startswith("Undefined:"))
        assert not any(number is not None and np.isnan(number) for number in (each.estimate, each.low, each.high))


@settings(deadline=None, max_examples=40)
@given(rated(), st.randoms(use_true_random=False))
def test_turning_the_arms_turns_the_difference(columns, random):
    cases, raters, values = (each * 2 for each in columns)
    arms = ["A"] * len(columns[0]) + ["B"] * len(columns[0])
    accepted = [random.choice([each, 1 - each, None]) for each in values]
    both = {each for each, value in enumerate(accepted) if value is not None}
    assume(any(each + len(columns[0]) in both for each in both))
    found = risk_difference_two_way(cases, raters, arms, accepted, "A", "B")
    turned = risk_difference_two_way(cases, raters, arms, accepted, "B", "A")
    assert turned.estimate == pytest.approx(-found.estimate)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert -1 <= found.low <= found.estimate <= found.high <= 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: acceptance([], [], []), "there are none"),
        (lambda: acceptance([1, 2], ["a", "b"], [None, None]), "there are none"),
        (lambda: acceptance([1, 2], ["a"], [1, 0]), "differ in length (2, 1, 2)"),
        (lambda: acceptance([[1, 2]], ["a", "b"], [1, 0]), "flat list"),
        (lambda: acceptance([1, 1], ["a", "a"], [1, 0]), "more than once"),
        (lambda: acceptance([1, 2], ["a", "b"], [1, "maybe"]), "unknown category 'maybe'"),
        (lambda: acceptance([1, 2], ["a", "b"], [1, 2]), "unknown category 2"),
        (lambda: acceptance([1, None], ["a", "b"], [1, 1]), "none may be missing"),
        (lambda: acceptance([1, "x"], ["a", "b"], [1, 1]), "of one kind"),
        (lambda: acceptance([1, 2], ["a", "b"], [1, 0], confidence=95), "confidence of 95"),
        (lambda: agreement([1, 1], ["a", "b"], [1, 7], categories=(1, 2)), "unknown category 7"),
        (lambda: agreement([1, 1], ["a", "b"], [1, "x"]), "mixed"),
        (lambda: agreement([1, 1], ["a", "b"], ["x", "y"], level="interval"), "needs numbers"),
        (lambda: agreement([1, 1], ["a", "b"], [1, 1], coefficients=["kappa"]), "unknown coefficient kappa"),
        (lambda: cohen_kappa([[1, 2, 3], [4, 5, 6]]), "square table"),
        (lambda: cohen_kappa([[1, 2], [3, 4]], disagreement=[[1, 0], [0, 1]]), "zero on the diagonal"),
        (lambda: icc([1, 1], ["a", "b"], ["x", "y"]), "scores must be numbers"),
        (lambda: wilson(3, 2), "3 of 2"),
        (lambda: top_k([]), "no cases"),
        (lambda: top_k([1, 2.5]), "2.5 is not a rank"),
        (lambda: mcnemar([[1, 2], [3, -1]]), "two rows of two"),
        (lambda: risk_difference([1], ["a"], ["A"], [1], "A", "B"), "no ratings of arm 'B'"),
        (lambda: risk_difference([1, 2], ["a", "a"], ["A", "B"], [1, 1], "A", "B"), "in both arms"),
        (lambda: mcnemar_on_majorities([1, 2], ["a", "a"], ["A", "B"], [1, 1], "A", "B"), "in both arms"),
        (lambda: bradley_terry([], [], [], [], []), "there are none"),
        (lambda: bradley_terry([1], ["a"], ["A"], ["B"], [2]), "unknown preference 2"),
        (lambda: bradley_terry([1], ["a"], ["A"], ["A"], [1]), "with itself"),
        (lambda: bradley_terry([1, 2], ["a"] * 2, ["A", "C"], ["B", "D"], [1, 1]), "never compared"),
        (lambda: bang_index([[1, 2], [3, 4]]), "two rows (arms) of three"),
        (lambda: simulate([0.9], studies=1, cases=9, raters=2, ratings_per_case=3), "no design"),
        (lambda: simulate([1.0], studies=1, cases=9, raters=3, ratings_per_case=2), "between 0 and 1"),
        (lambda: precision(0.9, cases=9, raters=3, ratings_per_case=2, rater_sd=-1), "cannot be negative"),
    ],
)
def test_what_cannot_be_analysed_is_refused_in_both_languages(call, said):
    with pytest.raises(UnusableRatings) as caught:
        call()
    assert isinstance(caught.value, InputError)
    assert said in caught.value.text("en")
    chinese = caught.value.text("zh")
    assert chinese.startswith("这些评分无法分析：") and any("一" <= letter <= "鿿" for letter in chinese[9:])
