"""A study's numbers: by hand where it is tiny, against direct calls where it is not, and honest where there are none."""

import json
from dataclasses import replace
from datetime import date

import pytest

from medassist.errors import InvalidStudy
from medassist.statistics import acceptance, agreement, bang_index, james_index, majority_interval, wilson
from medassist.study import protocol as protocols
from medassist.study.analysis import Analysis, analyse, as_json, contract
from medassist.study.dataset import Dataset
from tests.study_data import Builder, at, eventful, protocol_of, study, versions_of


def tiny() -> Dataset:
    """Three cases, two raters, two arms: small enough to count on fingers."""
    made = Builder(1, 2, "absolute", "en", raters_per_case=2)
    made.add_cases(3, practice=0)
    made.add_raters(2)
    said = {  # arm → case → what the two raters said
        "s1": (("yes", "yes"), ("yes", "minor_edits"), ("yes", "no")),
        "s2": (("no", "no"), ("yes", "yes"), ("no", "cannot_judge")),
    }
    for code, cases in said.items():
        for case, pair in zip(made.cases, cases, strict=True):
            for rater, accept in zip(made.raters, pair, strict=True):
                row = made.assign(rater.id, case.id, (code,))
                made.rate(row, row.responses[0], {"accept": accept})
    return made.dataset()


def codes(analysis: Analysis) -> set[str]:
    return {deviation.code for deviation in analysis.deviations}


def test_a_tiny_study_by_hand() -> None:
    found = analyse(tiny())
    first, second = found.arms
    assert (first.n_cases, first.n_ratings, first.two_way.estimate) == (3, 6, pytest.approx(5 / 6))
    assert first.majority.estimate == pytest.approx(2 / 3)  # the third case is tied, which is not accepted
    assert (first.rows.low, first.rows.high) == (pytest.approx(0.4365, abs=1e-4), pytest.approx(0.9699, abs=1e-4))
    assert first.agreed.percent.estimate == pytest.approx(2 / 3)
    # Shares 5/6 and 1/6: AC1's chance agreement is 2 * 5/36 = .2778; α's disagreement is (1/6 * 2) / (2 * 5 * 1 / 30).
    assert first.agreed.ac.estimate == pytest.approx((2 / 3 - 10 / 36) / (1 - 10 / 36))
    assert first.agreed.alpha.estimate == pytest.approx(1 - (2 / 6) / (10 / 30))
    assert (second.n_ratings, second.cannot_judge, second.two_way.estimate) == (5, 1, pytest.approx(0.4))
    (difference,) = found.differences
    # Pairs of one rater on one case: 1-0, 1-0, 1-1, 1-1, 1-0; the sixth could not be judged.
    assert (difference.n_pairs, difference.risk_difference.estimate) == (5, pytest.approx(3 / 5))
    assert difference.mcnemar is not None
    assert difference.mcnemar.discordant == (1, 0)


def test_minor_edits_count_only_where_the_protocol_says_so() -> None:
    data = tiny()
    strict = protocols.freeze(protocol_of(2, "absolute", raters_per_case=2, minor_edits_count=False), date(2026, 3, 1))
    found = analyse(replace(data, versions=versions_of(strict)))
    assert found.arms[0].two_way.estimate == pytest.approx(4 / 6)


def test_the_numbers_are_those_of_the_statistics() -> None:
    data = study(cases=30, arms=2).dataset()
    found = analyse(data)
    arm_of = {row.id: row.arm for row in data.responses}
    tasks = {row.id: row for row in data.assignments}
    rows = [r for r in data.ratings if r.item == "accept" and r.value != "cannot_judge" and arm_of[r.response] == "s1"]
    cases, raters = ([getattr(tasks[row.assignment], name) for row in rows] for name in ("case", "rater"))
    values = [int(row.value != "no") for row in rows]
    arm = found.arms[0]
    assert arm.two_way == acceptance(cases, raters, values)
    assert arm.majority == majority_interval(cases, raters, values)
    direct = agreement(cases, raters, values, categories=(0, 1), resamples=500, seed=data.seed)
    assert (arm.agreed.percent, arm.agreed.ac, arm.agreed.alpha) == (direct["percent"], direct["ac"], direct["alpha"])
    plain = wilson(sum(values), len(values))
    assert (arm.rows.low, arm.rows.high) == (plain.low, plain.high)
    assert "too narrow" in arm.rows.note.en
    guesses = [[each.counts[name] for name in ("tuned 8B", "base 8B", "cannot_judge")] for each in found.blinding.arms]
    assert [each.bang for each in found.blinding.arms] == list(bang_index(guesses))
    assert found.blinding.james == james_index(guesses)


def test_only_primary_assignments_count() -> None:
    plain, busy = study(), study()
    for kind in ("repeat", "practice", "adjudication", "closing"):
        first = busy.assignments[0]
        arm = next(row.arm for row in busy.responses if row.id == first.responses[0])
        row = busy.assign(first.rater, first.case, (arm,), kind, repeat_of=first.id if kind == "repeat" else "")
        busy.rate(row, row.responses[0], {"accept": "no"})
    for one, other in zip(analyse(plain.dataset()).arms, analyse(busy.dataset()).arms, strict=True):
        assert (one.two_way, one.majority, one.agreed, one.items) == (
            other.two_way,
            other.majority,
            other.agreed,
            other.items,
        )


def test_an_amended_rating_counts_and_is_told() -> None:
    made = study()
    rating = next(row for row in made.ratings if row.item == "accept" and row.value == "yes")
    made.ratings.append(replace(rating, value="no", revision=2, status="amended", reason="misread"))
    before, after = analyse(study().dataset()), analyse(made.dataset())
    assert sum(arm.two_way.estimate or 0 for arm in after.arms) < sum(arm.two_way.estimate or 0 for arm in before.arms)
    assert "amended" in codes(after) - codes(before)


def test_ratings_removed_at_withdrawal_are_out_and_kept_ones_in() -> None:
    base = analyse(study().dataset()).numbers.answers
    for how, lost in (("kept", 0), ("removed", 24)):
        made = study()
        made.raters[0] = replace(made.raters[0], withdrawn_at=at(500), withdrawal=how)
        found = analyse(made.dataset())
        assert base - found.numbers.answers == lost
        assert any(each.code == "withdrawn" and how in each.text.en for each in found.deviations)


def test_what_went_wrong_is_all_told() -> None:
    found = analyse(eventful())
    assert codes(found) == {
        "amendment", "withdrawn", "amended", "after_lock", "after_unblinding", "failed", "released", "unfinished",
        "too_few_raters", "cannot_judge",
    }  # fmt: skip
    assert found.minor_edits_count is False  # the latest version counts
    assert [each.changed for each in found.amendments] == [("minor_edits_count",)]
    assert found.repeats.n == 12
    assert found.arms[1].adjudicated.n > 0
    assert found.arms[1].adjudicated.majority != found.arms[1].majority
    assert all(each.text.en and each.text.zh for each in found.deviations)


def test_a_history_that_was_tampered_with_is_told() -> None:
    data = eventful()
    first, second = data.versions
    found = analyse(replace(data, versions=(replace(first, reason="why not"), second)))
    assert "history_broken" in codes(found)


def test_unanimous_ratings_have_no_alpha_and_say_why() -> None:
    made = study()
    made.ratings = [replace(row, value="yes") if row.item == "accept" else row for row in made.ratings]
    found = analyse(made.dataset())
    arm = found.arms[0]
    assert (arm.two_way.estimate, arm.agreed.alpha.estimate) == (1.0, None)
    assert "Undefined" in arm.agreed.alpha.note.en and "无定义" in arm.agreed.alpha.note.zh
    assert arm.agreed.ac.estimate == 1.0
    assert "unanimous" in codes(found)
    assert found.differences[0].risk_difference.estimate == 0


def test_one_rater_with_one_item() -> None:
    made = Builder(1, 1, "absolute", "en")
    made.add_cases(1, practice=0)
    made.add_raters(1)
    row = made.assign("p0", "c000", ("s1",))
    made.rate(row, row.responses[0], made.judged("yes"))
    found = analyse(made.dataset())
    assert (found.arms[0].n_ratings, found.arms[0].two_way.estimate) == (1, 1.0)
    assert found.arms[0].agreed.percent.estimate is None
    assert "one_item" in codes(found)
    assert (found.differences, found.preference) == ((), None)


def test_an_arm_without_answers() -> None:
    made = study(arms=3)
    lost = {row.id for row in made.responses if row.arm == "s3"}
    made.ratings = [row for row in made.ratings if row.response not in lost]
    found = analyse(made.dataset())
    arm = found.arms[2]
    assert (arm.n_ratings, arm.two_way.estimate, arm.two_way.low) == (0, None, None)
    assert "no_answers" in codes(found)
    assert [each.mcnemar is None for each in found.differences] == [False, True, True]
    json.dumps(contract(found), allow_nan=False)


def test_a_study_in_which_nobody_rated_anything() -> None:
    made = study()
    made.ratings.clear()
    found = analyse(made.dataset())
    assert found.primary.estimate.estimate is None
    assert found.primary.estimate.note.en
    json.dumps(contract(found), allow_nan=False)


def test_side_by_side_two_arms() -> None:
    data = study(mode="paired", arms=2).dataset()
    found = analyse(data).preference
    assert found is not None
    said = [row.value for row in data.ratings if row.item == "preferred"]
    (contest,) = found.contests
    assert (contest.first_wins + contest.second_wins, contest.ties) == (said.count("yes"), said.count("tie") / 2)
    assert contest.net.estimate == pytest.approx((contest.first_wins - contest.second_wins) / found.n)
    strengths = [each.estimate or 0 for each in found.strengths.values()]
    assert sum(strengths) == pytest.approx(0)
    assert analyse(data).primary.estimate == contest.net


def test_side_by_side_three_arms_rate_an_answer_twice_and_count_it_once() -> None:
    found = analyse(study(mode="paired", arms=3, cases=10).dataset())
    assert [arm.n_answers for arm in found.arms] == [30, 30, 30]
    assert found.preference is not None
    assert (found.preference.n, len(found.preference.strengths), len(found.preference.contests)) == (90, 3, 3)
    assert "rated_twice" not in codes(found)


def test_a_contradictory_preference_is_not_counted() -> None:
    made = study(mode="paired", arms=2, cases=4)
    task = next(row for row in made.assignments if row.kind == "primary")
    made.ratings = [replace(r, value="yes") if (r.assignment, r.item) == (task.id, "preferred") else r for r in made.ratings]  # fmt: skip
    found = analyse(made.dataset()).preference
    assert found is not None
    assert (found.unusable, found.n) == (1, 11)


def test_three_arms_have_an_index_centred_on_chance() -> None:
    made = study(arms=3)
    others = {"s1": "s2", "s2": "s3", "s3": "s1"}
    tasks = [row for row in made.assignments if row.kind == "closing"]
    arm_of = {row.id: row.arm for row in made.responses}
    guesses = {}
    for number, task in enumerate(tasks):  # a third right, a third each of the wrong ones: chance
        own = arm_of[task.responses[0]]
        guesses[task.id] = (own, others[own], others[others[own]])[number // 3 % 3]
    made.ratings = [replace(r, value=guesses[r.assignment]) if r.item == "guess" else r for r in made.ratings]
    found = analyse(made.dataset()).blinding
    assert [each.bang.estimate for each in found.arms] == [pytest.approx(0, abs=1e-12)] * 3
    assert found.james.estimate is None


def test_missing_values_follow_the_instrument() -> None:
    made = study()
    task = next(row for row in made.assignments if row.kind == "primary")
    made.ratings = [
        row for row in made.ratings if not (row.assignment == task.id and row.item in ("clarity", "comment"))
    ]
    found = analyse(made.dataset())
    by_item = {item.id: sum(i.missing for arm in found.arms for i in arm.items if i.id == item.id) for item in found.arms[0].items}  # fmt: skip
    assert {item for item, missing in by_item.items() if missing} == {"clarity"}  # a comment is not required


def test_what_is_asked_of_explanations_is_missing_only_where_there_was_one() -> None:
    for lost, missing in (("case", 0), ("rating", 1)):
        made = study()
        task = next(row for row in made.assignments if row.kind == "primary")
        gone = {row.id for row in made.assignments if row.case == task.case} if lost == "case" else {task.id}
        made.ratings = [r for r in made.ratings if not (r.assignment in gone and r.item == "explanation_usefulness")]
        found = analyse(made.dataset())
        assert sum(item.missing for arm in found.arms for item in arm.items) == missing


def test_an_instrument_without_acceptance() -> None:
    made = Builder(1, 2, "absolute", "zh", instrument_id="quest")
    made.add_cases(3, practice=0)
    made.add_raters(3)
    for case in made.cases:
        for rater in made.raters:
            for code in made.codes:
                row = made.assign(rater.id, case.id, (code,))
                made.rate(row, row.responses[0], {"accuracy": made.rng.choice("345"), "invented": "no"})
    found = analyse(made.dataset())
    assert found.primary.estimate.estimate is None and "does not ask" in found.primary.estimate.note.en
    accuracy = found.arms[0].items[0]
    assert accuracy.top_two is not None
    assert (accuracy.id, accuracy.n, accuracy.mean is not None) == ("accuracy", 9, True)


@pytest.mark.parametrize("state", ["draft", "enrolling", "rating", "locked"])
def test_a_blinded_study_is_refused(state: str) -> None:
    with pytest.raises(InvalidStudy, match="still blinded"):
        analyse(study().dataset(state=state))


def test_rows_that_point_at_nothing_are_refused() -> None:
    data = study().dataset()
    with pytest.raises(InvalidStudy, match="does not have"):
        analyse(replace(data, responses=data.responses[1:]))


def test_the_contract() -> None:
    found = contract(analyse(eventful()))
    keys = list(found)
    assert keys[:7] == ["study", "title", "sample", "primary", "arms", "differences", "blinding"]
    arm = found["arms"]["tuned 8B"]
    assert list(arm)[:8] == [
        "n_cases", "n_ratings", "acceptance", "acceptance_wilson", "acceptance_two_way", "alpha", "ac1",
        "percent_agreement",
    ]  # fmt: skip
    assert arm["acceptance_two_way"][0] < arm["acceptance"] < arm["acceptance_two_way"][1]
    assert found["primary"]["interval"][0] <= found["primary"]["estimate"] <= found["primary"]["interval"][1]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert json.dumps(found) == json.dumps(contract(analyse(eventful())))
    json.dumps(as_json(analyse(eventful())), allow_nan=False)
