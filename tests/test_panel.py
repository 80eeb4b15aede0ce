"""The panel over a real database: who may write, what is kept, what counts, whatever the network and the clock do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from medassist.errors import (
    Incomplete,
    InvalidStudy,
    LeaseHeld,
    MedAssistError,
    NotNow,
    StaleRevision,
    StorageError,
    UnknownAssignment,
)
from medassist.store.database import writing
from medassist.store.panel import LEASE
from medassist.store.study_tables import Response
from medassist.study.instrument import read_instrument
from medassist.study.sheets import Given, Sheet
from tests.studying import CLOSING, GOOD, Studying, protocol

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

CHECKED = """
id: checked
version: "1"
title: {en: "Checked", zh: "核对"}
source: "For the tests"
pages:
  - {id: first, title: {en: "First", zh: "一"}, asked: each}
  - {id: second, title: {en: "Second", zh: "二"}, asked: each, after: first}
  - {id: closing, title: {en: "End", zh: "结束"}, asked: end}
items:
  - {id: faults, page: first, kind: multi, label: {en: "Which?", zh: "哪些？"}, required: true, cannot_judge: true,
     options: [{code: "dose", label: {en: "Dose", zh: "剂量"}}, {code: "other", label: {en: "Other", zh: "其他"}}]}
  - {id: harm, page: second, kind: text, label: {en: "Harm", zh: "伤害"}, required: true, cannot_judge: false,
     max_length: 100, asked_when: {faults: ["dose"]}}
  - {id: note, page: second, kind: text, label: {en: "Note", zh: "备注"}, required: true, cannot_judge: false, max_length: 100}
  - {id: guess, page: closing, kind: choice, label: {en: "Which?", zh: "哪个？"}, required: true, cannot_judge: true, options_from: arms}
"""


@pytest.fixture
def studying(tmp_path: Path) -> Iterator[Studying]:
    made = Studying(tmp_path, now=NOON)
    yield made
    made.close()


@pytest.fixture
def made(studying: Studying) -> Studying:
    return studying.make()


def opened(study: Studying, rater: int = 0, holder: str = "tab") -> Sheet:
    """What is next for a rater."""
    following = study.panel.standing(study.raters[rater]).next
    assert following
    return study.panel.open(study.raters[rater], following, holder)


def given(sheet: Sheet, values: Any, key: str = "key", *, holder: str = "tab", revision: int | None = None) -> Given:
    told = values if set(values) <= {"A", "B", "both"} else {"A": values}
    return Given(holder, sheet.revision if revision is None else revision, key, told, 1000)


def denials(study: Studying) -> list[str]:
    return [entry.subject for entry in study.audit.latest(500) if entry.what == "access.denied"]


# --- Leases.


def test_one_page_writes_and_another_may_take_over(made: Studying) -> None:
    rater, sheet = made.raters[0], opened(made)
    made.panel.save(rater, sheet.id, given(sheet, {"accept": "yes"}))
    with pytest.raises(LeaseHeld):
        made.panel.open(rater, sheet.id, "phone")
    with pytest.raises(LeaseHeld):
        made.panel.save(rater, sheet.id, given(sheet, {"accept": "no"}, "k2", holder="phone", revision=1))
    there = made.panel.open(rater, sheet.id, "phone", take=True)
    assert (there.values, there.revision) == ({"A": {"accept": "yes"}}, 1)
    with pytest.raises(LeaseHeld):
        made.panel.save(rater, sheet.id, given(sheet, {"accept": "no"}, "k3", revision=1))
    made.panel.save(rater, sheet.id, given(there, {"accept": "minor_edits"}, "k4", holder="phone"))
    assert made.panel.open(rater, sheet.id, "phone").values == {"A": {"accept": "minor_edits"}}


def test_a_lease_runs_out_and_the_draft_stays(made: Studying) -> None:
    rater, sheet = made.raters[0], opened(made)
    made.panel.save(rater, sheet.id, given(sheet, {"comment": "half a thought"}))
    made.now = NOON + LEASE + timedelta(seconds=1)
    there = made.panel.open(rater, sheet.id, "phone")
    assert there.values == {"A": {"comment": "half a thought"}} and there.state == "started"


def test_a_clock_set_back_locks_nobody_out_and_counts_no_time_twice(made: Studying) -> None:
    rater, sheet = made.raters[0], opened(made)
    made.panel.save(rater, sheet.id, given(sheet, {"accept": "yes"}))
    made.now = NOON - timedelta(days=2)
    there = made.panel.open(rater, sheet.id, "phone")
    outcome = made.panel.submit(rater, sheet.id, "rating", given(there, GOOD, "s", holder="phone"), "en")
    assert outcome["state"] == "submitted"
    rows = made.lead.studies.ratings(made.id)
    assert {row.wall_ms for row in rows} == {0} and {row.active_ms for row in rows} == {2000}


# --- Retried, stale, out of turn.


def test_a_retried_request_changes_nothing_more(made: Studying) -> None:
    rater, sheet = made.raters[0], opened(made)
    once = made.panel.save(rater, sheet.id, given(sheet, {"accept": "yes"}))
    assert (
        made.panel.save(rater, sheet.id, given(sheet, {"accept": "yes"})) == once == {"revision": 1, "state": "started"}
    )
    done = made.panel.submit(rater, sheet.id, "rating", given(sheet, GOOD, "s", revision=1), "en")
    assert made.panel.submit(rater, sheet.id, "rating", given(sheet, GOOD, "s", revision=1), "en") == done
    changed = given(sheet, GOOD | {"accept": "minor_edits"}, "a", revision=2)
    amended = made.panel.amend(rater, sheet.id, changed, "misread", "en")
    assert (
        made.panel.amend(rater, sheet.id, changed, "misread", "en") == amended == {"revision": 3, "state": "submitted"}
    )
    whats = [entry.what for entry in made.audit.latest(500)]
    assert (whats.count("assignment.submitted"), whats.count("assignment.amended")) == (1, 1)
    rows = [row for row in made.lead.studies.ratings(made.id) if row.item == "accept"]
    assert [(row.revision, row.value, row.status, row.reason) for row in rows] == [
        (1, "yes", "submitted", ""),
        (2, "minor_edits", "amended", "misread"),
    ]
    assert made.panel.open(rater, sheet.id, "tab").values["A"]["accept"] == "minor_edits"


def test_a_key_of_another_assignment_is_unknown(made: Studying) -> None:
    rater, sheet = made.raters[0], opened(made)
    made.panel.save(rater, sheet.id, given(sheet, {"accept": "yes"}))
    made.panel.submit(rater, sheet.id, "rating", given(sheet, GOOD, "s", revision=1), "en")
    other = opened(made)
    assert made.panel.save(rater, other.id, given(other, {"accept": "no"}))["revision"] == 1  # the same key, kept apart


def test_what_was_changed_meanwhile_is_not_overwritten(made: Studying) -> None:
    rater, sheet = made.raters[0], opened(made)
    made.panel.save(rater, sheet.id, given(sheet, {"accept": "yes"}))
    for call in (
        lambda: made.panel.save(rater, sheet.id, given(sheet, {"accept": "no"}, "k2")),
        lambda: made.panel.submit(rater, sheet.id, "rating", given(sheet, GOOD, "k3"), "en"),
    ):
        with pytest.raises(StaleRevision) as stale:
            call()
        assert stale.value.details["revision"] == 1
    assert made.panel.open(rater, sheet.id, "tab").values == {"A": {"accept": "yes"}}


def test_nothing_is_written_before_its_turn_or_unread(made: Studying) -> None:
    rater = made.raters[0]
    first, second, *_ = [row.id for row in made.panel.store.outlines(rater)]
    with pytest.raises(NotNow):
        made.panel.open(rater, second, "tab")
    for unread in (first, second):
        sent = Given("tab", 0, f"k-{unread}", {"A": GOOD}, 0)
        with pytest.raises(NotNow):
            made.panel.save(rater, unread, sent)
        with pytest.raises(NotNow):
            made.panel.submit(rater, unread, "rating", sent, "en")
    assert made.lead.studies.ratings(made.id) == []


def test_what_belongs_to_another_is_unknown_and_noted(made: Studying) -> None:
    sheet, other = opened(made), made.raters[1]
    sent = given(sheet, GOOD)
    calls: list[Any] = [
        lambda: made.panel.open(other, sheet.id, "tab"),
        lambda: made.panel.save(other, sheet.id, sent),
        lambda: made.panel.submit(other, sheet.id, "rating", sent, "en"),
        lambda: made.panel.amend(other, sheet.id, sent, "why", "en"),
        lambda: made.panel.open(other, "no-such-assignment", "tab"),
    ]
    for call in calls:
        with pytest.raises(UnknownAssignment) as refused:
            call()
        assert sheet.id not in refused.value.text()
    assert denials(made) == ["no-such-assignment", sheet.id, sheet.id, sheet.id, sheet.id]


@pytest.mark.parametrize(
    "values",
    [
        {"C": {"accept": "yes"}},
        {"A": {"model": "x"}},
        {"A": {"accept": {"a": 1}}},
        {"A": {"gold_rank": 10**9}},
        {"A": {"comment": "nul\0"}},
        {"A": {"comment": "x" * 200_001}},
        {"B": {"accept": "yes"}},
        {"both": {"preferred": "A"}},
    ],
)
def test_impossible_values_are_refused(made: Studying, values: Any) -> None:
    sheet = opened(made)
    with pytest.raises(InvalidStudy):
        made.panel.save(made.raters[0], sheet.id, given(sheet, values))
    assert made.panel.open(made.raters[0], sheet.id, "tab").values == {}


def test_open_questions_are_all_named(made: Studying) -> None:
    sheet = opened(made)
    values = {key: value for key, value in GOOD.items() if key not in ("clarity", "bias")} | {"accept": "no"}
    for language, word in (("en", "answered"), ("zh", "尚未作答")):
        with pytest.raises(Incomplete) as found:
            made.panel.submit(made.raters[0], sheet.id, "rating", given(sheet, values), language)  # type: ignore[arg-type]
        assert [(label, item) for label, item, _ in found.value.problems] == [
            ("A", "clarity"),
            ("A", "bias"),
            ("A", "comment"),
        ]
        assert all(word in said for *_, said in found.value.problems)
    assert made.lead.studies.ratings(made.id) == []


# --- Pages.


def test_pages_open_in_order_and_a_locked_one_cannot_be_changed_by_a_draft(studying: Studying) -> None:
    instrument = read_instrument(CHECKED, "checked.yaml")
    made = studying.make(protocol(instrument=instrument), instrument=instrument)
    rater, sheet = made.raters[0], opened(made)
    assert [page.id for page in sheet.pages] == ["first"] and set(sheet.items) == {"first"}
    with pytest.raises(NotNow):
        made.panel.submit(rater, sheet.id, "second", given(sheet, {"note": "early"}, "k0"), "en")
    made.panel.submit(rater, sheet.id, "first", given(sheet, {"faults": ["dose", "other"]}, "k1"), "en")
    with pytest.raises(NotNow):
        made.panel.submit(rater, sheet.id, "first", given(sheet, {"faults": ["other"]}, "k2", revision=1), "en")
    made.panel.save(rater, sheet.id, given(sheet, {"faults": ["other"], "note": "n"}, "k3", revision=1))
    sheet = made.panel.open(rater, sheet.id, "tab")
    assert [page.id for page in sheet.pages] == ["first", "second"] and sheet.locked == ("first",)
    assert sheet.values == {"A": {"faults": ["dose", "other"], "note": "n"}}
    with pytest.raises(Incomplete) as missing:  # what is asked follows from what was locked, not from what is claimed
        made.panel.submit(rater, sheet.id, "second", given(sheet, {"faults": ["other"], "note": "n"}, "k4"), "en")
    assert [item for _, item, _ in missing.value.problems] == ["harm"]
    values = {"faults": ["dose", "other"], "harm": "overdose", "note": "n"}
    assert made.panel.submit(rater, sheet.id, "second", given(sheet, values, "k5"), "en")["state"] == "submitted"
    assert made.panel.open(rater, sheet.id, "tab").values == {"A": values}


def test_cannot_judge_several_at_once_comes_back_as_it_was(studying: Studying) -> None:
    instrument = read_instrument(CHECKED, "checked.yaml")
    made = studying.make(protocol(instrument=instrument), instrument=instrument)
    rater, sheet = made.raters[0], opened(made)
    made.panel.submit(rater, sheet.id, "first", given(sheet, {"faults": "cannot_judge"}, "k1"), "en")
    assert made.panel.open(rater, sheet.id, "tab").values == {"A": {"faults": "cannot_judge"}}


def test_an_explanation_comes_after_acceptance_and_tells_no_more_than_it_says(studying: Studying) -> None:
    made = studying.make()
    kept = {"sentence": "The calf.", "units": [{"text": "calf", "weight": 0.41234, "by": "canary-model"}], "reliable": True, "model": "canary-model"}  # fmt: skip
    with writing(made.store.database) as session:
        session.execute(update(Response).values(explanation=kept))
    rater, sheet = made.raters[0], opened(made)
    assert sheet.explanations == {} and [page.id for page in sheet.pages] == ["rating"]
    outcome = made.panel.submit(rater, sheet.id, "rating", given(sheet, GOOD, "k1"), "en")
    assert outcome["state"] == "started"
    sheet = made.panel.open(rater, sheet.id, "tab")
    told = {"sentence": "The calf.", "units": [{"text": "calf", "weight": 0.412}], "reliable": True}
    assert sheet.explanations == {"A": told} and "canary" not in repr(sheet)


# --- Waiting, order, sides.


def test_a_repeat_waits_and_the_end_waits_for_it(studying: Studying) -> None:
    made = studying.make(protocol(repeat_share=0.25, repeats_apart=50, wait_days=14), cases=8)
    rater = made.raters[0]
    made.rate(rater)
    standing = made.panel.standing(rater)
    rows = made.panel.store.outlines(rater)
    assert standing.next is None and standing.waiting_until is not None and standing.closing[0] == 0
    repeat = next(row for row in rows if row.kind == "repeat")
    with pytest.raises(NotNow):
        made.panel.open(rater, repeat.id, "tab")
    made.now = standing.waiting_until
    sheet = opened(made)
    assert sheet.kind == "rating" and "repeat" not in repr(sheet)
    made.rate(rater)
    standing = made.panel.standing(rater)
    assert standing.next is None and standing.waiting_until is None
    assert standing.closing[0] == standing.closing[1] == 2


def test_values_are_kept_by_answer_whatever_side_it_was_shown_on(studying: Studying) -> None:
    made = studying.make(protocol(mode="paired"), cases=6, answers={"one": "1. Flu", "two": "1. Gout"})
    arms = {arm.id: arm.name for arm in made.lead.studies.arms(made.id)}
    arm_of = {each.id: arms[each.arm_id] for each in made.lead.studies.responses(made.id)}
    sides = set()
    for rater in made.raters:
        while (following := made.panel.standing(rater).next) is not None:
            sheet = made.panel.open(rater, following, "tab")
            values: dict[str, Any] = dict.fromkeys(sheet.answers, CLOSING)
            if sheet.kind != "closing":
                flu = next(label for label, said in sheet.answers.items() if "Flu" in said)
                sides.add((rater, flu))
                values = {label: GOOD | {"accept": "yes" if label == flu else "minor_edits"} for label in sheet.answers}
                values["both"] = {"preferred": flu}
            made.panel.submit(rater, sheet.id, sheet.pages[0].id, given(sheet, values, sheet.id), "en")
            if sheet.kind != "closing":
                assert made.panel.open(rater, sheet.id, "tab").values == values
    assert {side for _, side in sides} == {"A", "B"}
    rows = made.lead.studies.ratings(made.id)
    assert {(arm_of[row.response_id], row.value) for row in rows if row.item == "accept"} == {
        ("one", "yes"),
        ("two", "minor_edits"),
    }
    assert {(arm_of[row.response_id], row.value) for row in rows if row.item == "preferred"} == {
        ("one", "yes"),
        ("two", "no"),
    }


def test_what_was_submitted_is_listed_by_place_alone(made: Studying) -> None:
    rater = made.raters[0]
    made.rate(rater, upto=3)
    done = made.panel.done(rater)
    assert [(each.kind, each.place) for each in done] == [("practice", 1), ("rating", 1), ("rating", 2)]
    assert made.panel.open(rater, done[1].id, "tab").place == 1


# --- Leaving, and the end.


@pytest.mark.parametrize("keep", [True, False])
def test_leaving_in_the_middle_of_an_item(made: Studying, keep: bool) -> None:
    rater = made.raters[0]
    made.rate(rater, upto=2)
    before = {(row.assignment_id, row.item): row.value for row in made.lead.studies.ratings(made.id)}
    sheet = opened(made)
    made.panel.withdraw(rater, keep)
    sent = given(sheet, GOOD)
    for call in (
        lambda: made.panel.save(rater, sheet.id, sent),
        lambda: made.panel.submit(rater, sheet.id, "rating", sent, "en"),
        lambda: made.panel.open(rater, sheet.id, "tab"),
        lambda: made.panel.withdraw(rater, not keep),
    ):
        with pytest.raises(NotNow):
            call()
    rows = made.lead.studies.ratings(made.id)
    assert {(row.assignment_id, row.item): row.value for row in rows if row.revision == 1} == before
    stones = [row for row in rows if row.status == "withdrawn"]
    assert len(stones) == (0 if keep else len(before)) and not any(row.value for row in stones)
    standing = made.panel.standing(rater)
    assert standing.withdrawn and standing.next is None


def test_a_locked_study_keeps_the_draft_and_takes_nothing(made: Studying) -> None:
    rater, sheet = made.raters[0], opened(made)
    made.panel.save(rater, sheet.id, given(sheet, {"comment": "late"}))
    other = made.panel.store.outlines(made.raters[1])[0]
    made.lead.lock(made.id, "lead")
    for call in (
        lambda: made.panel.submit(rater, sheet.id, "rating", given(sheet, GOOD, "s", revision=1), "en"),
        lambda: made.panel.save(rater, sheet.id, given(sheet, GOOD, "k2", revision=1)),
        lambda: made.panel.open(made.raters[1], other.id, "tab"),
    ):
        with pytest.raises(NotNow):
            call()
    there = made.panel.open(rater, sheet.id, "phone")  # to be read
    assert there.values == {"A": {"comment": "late"}} and there.revision == 1
    assert made.panel.store.outlines(made.raters[1])[0].state == "open"


def test_an_amendment_needs_a_reason_and_a_change(made: Studying) -> None:
    rater, sheet = made.raters[0], opened(made)
    made.panel.submit(rater, sheet.id, "rating", given(sheet, GOOD, "s"), "en")
    changed = GOOD | {"accept": "minor_edits"}
    for values, reason in ((changed, " "), (changed, "x" * 2001), (GOOD, "nothing")):
        with pytest.raises(InvalidStudy):
            made.panel.amend(rater, sheet.id, given(sheet, values, f"a{len(reason)}", revision=1), reason, "en")
    with pytest.raises(Incomplete):
        made.panel.amend(rater, sheet.id, given(sheet, {"accept": "yes"}, "a", revision=1), "why", "en")
    del changed["gold_rank"]
    made.panel.amend(rater, sheet.id, given(sheet, changed | {"gold_listed": "no"}, "b", revision=1), "not there", "en")
    newest = {row.item: row.value for row in made.panel.store.values(sheet.id)}
    assert (newest["accept"], newest["gold_listed"], newest["gold_rank"]) == ("minor_edits", "no", "")


@pytest.mark.parametrize("statement", ["UPDATE study_rating SET value = 'no'", "DELETE FROM study_rating"])
def test_a_rating_can_be_neither_changed_nor_removed(made: Studying, statement: str) -> None:
    made.rate(made.raters[0], upto=1)
    before = [(row.item, row.value) for row in made.lead.studies.ratings(made.id)]
    with pytest.raises(MedAssistError) as refused, writing(made.store.database) as session:
        session.execute(text(statement))
    assert isinstance(refused.value, StorageError)
    assert [(row.item, row.value) for row in made.lead.studies.ratings(made.id)] == before
