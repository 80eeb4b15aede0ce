"""A study from its protocol to its data: states in order, nobody unblinds alone, counts tell no rating."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from medassist.errors import InvalidStudy, NotNow, UnknownStudy
from medassist.study.adjudication import adjudicate, doubts, to_adjudicate
from medassist.study.arms import ArmConfig
from medassist.study.collecting import dataset
from medassist.study.instrument import load_instrument
from medassist.study.lead import NewRater
from medassist.study.protocol import require_unbroken
from medassist.study.watching import status
from tests.studying import Studying, case, protocol, response


@pytest.fixture
def studying(tmp_path: Path) -> Iterator[Studying]:
    made = Studying(tmp_path)
    yield made
    made.close()


def test_from_protocol_to_data(studying: Studying):
    studying.make(cases=4, raters=3)
    lead, study_id = studying.lead, studying.id
    done = [studying.rate(rater, {"accept": "minor_edits"} if n else None) for n, rater in enumerate(studying.raters)]
    told = status(lead, study_id)
    assert told["state"] == "rating" and not told["troubles"] and told["answers"]["written"] == 10
    assert all(each["all"] == each["done"] == 8 for each in told["by_arm"])
    assert sum(done) == len(lead.studies.assignments(study_id))
    lead.lock(study_id, "ada")
    assert lead.unblind(study_id, "ada") == ["ada"]
    assert lead.unblind(study_id, "ada") == ["ada"] and lead.studies.study(study_id).state == "locked"
    assert lead.unblind(study_id, "grace") == ["ada", "grace"]
    rows = dataset(lead, study_id)
    assert rows.state == "unblinded" and rows.unblinded_by == ("ada", "grace")
    assert {arm.name for arm in rows.arms} == {"one", "two"}
    accepted = Counter(row.value for row in rows.ratings if row.item == "accept")
    first = {row.id for row in rows.assignments if row.rater == studying.raters[0] and row.kind != "closing"}
    assert accepted["yes"] == len(first) and accepted["minor_edits"] == accepted.total() - len(first)
    assert studying.audit.verify() > 0
    what = [entry.what for entry in rows.audit]
    assert what.index("study.assigned") < what.index("study.locked") < what.index("study.unblinded")


def test_while_blinded_no_row_tells_the_arm(studying: Studying):
    studying.make()
    rows = dataset(studying.lead, studying.id)
    assert {each.arm for each in rows.responses} == {""} and {arm.name for arm in rows.arms} == {None}
    assert all(arm.config is None for arm in rows.arms)


def test_codes_do_not_follow_the_names(studying: Studying):
    orders = set()
    for _ in range(30):
        study_id = studying.lead.create(protocol(), load_instrument("acceptance"), "lead")
        studying.lead.set_arms(study_id, [ArmConfig(name=n, source="imported") for n in ("one", "two")], "lead")
        orders.add(tuple(arm.name for arm in studying.lead.studies.arms(study_id)))
    assert len(orders) == 2


def test_closing_questions_show_one_answer_of_each_arm(studying: Studying):
    studying.make()
    arms = {each.id: each.arm_id for each in studying.lead.studies.responses(studying.id)}
    closing = [row for row in studying.lead.studies.assignments(studying.id) if row.kind == "closing"]
    for rater in studying.raters:
        seen = [arms[each] for row in closing if row.rater_id == rater for each in row.responses]
        assert len(seen) == len(set(seen)) == 2


def test_what_keeps_a_study_from_being_assigned(studying: Studying):
    lead = studying.lead
    study_id = lead.create(protocol(), load_instrument("acceptance"), "lead")
    with pytest.raises(InvalidStudy, match="arms"):
        lead.enrol(study_id, "lead")
    with pytest.raises(InvalidStudy, match="one, two"):
        lead.set_arms(study_id, [ArmConfig(name="three", source="imported")], "lead")
    lead.set_arms(study_id, [ArmConfig(name=n, source="imported") for n in ("one", "two")], "lead")
    with pytest.raises(InvalidStudy, match="cases"):
        lead.enrol(study_id, "lead")
    lead.studies.add_cases(study_id, [case(study_id, 1), case(study_id, 2)])
    with pytest.raises(NotNow):
        lead.assign(study_id, "lead")  # not before enrolling
    lead.enrol(study_id, "lead")
    lead.add_raters(study_id, [NewRater("R-01"), NewRater("R-02")], "lead")
    with pytest.raises(InvalidStudy, match="R-02"):
        lead.add_raters(study_id, [NewRater("R-02")], "lead")
    with pytest.raises(InvalidStudy, match="no answer yet, and 3 more"):
        lead.assign(study_id, "lead")
    first, second = lead.studies.arms(study_id)
    for each in lead.studies.cases(study_id):
        lead.studies.put_response(study_id, response(each.id, first.id, "1. Flu"))
        told = response(each.id, second.id, "In pneumonia ChatGPT would give amoxicillin.")
        assert told.blocked
        lead.studies.put_response(study_id, told)
    with pytest.raises(InvalidStudy, match="may tell who wrote it"):
        lead.assign(study_id, "lead")
    for each in lead.studies.responses(study_id):
        if each.blocked:
            lead.studies.release(study_id, each.id, "lead", "edited", display_text="1. Pneumonia")
    assert lead.assign(study_id, "lead") > 0
    with pytest.raises(NotNow):
        lead.assign(study_id, "lead")
    with pytest.raises(NotNow):
        lead.unblind(study_id, "lead")
    with pytest.raises(UnknownStudy):
        lead.lock("nothing", "lead")


def test_an_answer_is_written_once_and_a_failed_one_again(studying: Studying):
    lead = studying.lead
    study_id = lead.create(protocol(), load_instrument("acceptance"), "lead")
    lead.set_arms(study_id, [ArmConfig(name=n, source="imported") for n in ("one", "two")], "lead")
    lead.studies.add_cases(study_id, [case(study_id, 1)])
    (only,), (arm, _) = lead.studies.cases(study_id), lead.studies.arms(study_id)
    failed = response(only.id, arm.id, "")
    failed.failed = "engine"
    assert lead.studies.put_response(study_id, failed)
    assert lead.studies.put_response(study_id, response(only.id, arm.id, "1. Flu"))
    assert not lead.studies.put_response(study_id, response(only.id, arm.id, "1. Cold"))
    assert [each.display_text for each in lead.studies.responses(study_id)] == ["1. Flu"]


def test_amendments_are_in_the_open(studying: Studying):
    studying.make()
    lead = studying.lead
    with pytest.raises(InvalidStudy, match="reason"):
        lead.amend(studying.id, protocol(minor_edits_count=False), " ", "lead")
    with pytest.raises(InvalidStudy, match="seed"):
        lead.amend(studying.id, protocol(seed=8), "another draw", "lead")
    lead.amend(studying.id, protocol(minor_edits_count=False), "the panel asked", "lead")
    history = lead.history(studying.id)
    require_unbroken(history)
    assert [version.number for version in history] == [1, 2] and history[1].reason == "the panel asked"
    assert not lead.protocol(studying.id).minor_edits_count
    with pytest.raises(NotNow):
        lead.studies.put_arms(studying.id, [])


def test_a_third_expert_where_raters_disagree(studying: Studying):
    studying.make(cases=3, raters=3)
    for n, rater in enumerate(studying.raters):
        studying.rate(rater, {"accept": "no", "comment": "Too late."} if n == 0 else None)
    due = to_adjudicate(studying.lead, studying.id)
    assert due and all(each.reasons == ("disagreement",) and len(each.free) == 1 for each in due)
    given, nobody = adjudicate(studying.lead, studying.id, "lead")
    assert (given, nobody) == (len(due), 0) and not to_adjudicate(studying.lead, studying.id)
    assert adjudicate(studying.lead, studying.id, "lead") == (0, 0)
    third = [row for row in studying.lead.studies.assignments(studying.id) if row.kind == "adjudication"]
    sheet = studying.panel.open(third[0].rater_id, third[0].id, "tab")
    assert sheet.kind == "rating"  # like any other
    assert sum(studying.rate(rater) for rater in studying.raters) == given


@pytest.mark.parametrize(
    ("ratings", "reasons"),
    [
        ([{"accept": "yes"}, {"accept": "minor_edits"}], ()),
        ([{"accept": "yes"}, {"accept": "no"}], ("disagreement",)),
        ([{"accept": "no"}, {"accept": "cannot_judge"}], ()),
        ([{"accept": "yes", "harm_extent": "severe"}, {"accept": "yes"}], ("harm_extent",)),
        ([{"accept": "no", "cant_miss": "yes"}, {"accept": "yes"}], ("disagreement", "cant_miss")),
    ],
)
def test_what_wants_a_third_expert(ratings: list[dict[str, str]], reasons: tuple[str, ...]):
    assert doubts(ratings) == reasons
