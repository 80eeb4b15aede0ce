"""A third expert, where raters disagree on acceptance or one of them sees severe harm or something left out that must not be.

Raw ratings stay primary. The third expert gets one more assignment that looks like any other.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from medassist.store.studies import new_id
from medassist.store.study_tables import Assignment, Rating
from medassist.study.instrument import CANNOT_JUDGE
from medassist.study.lead import Lead, new_assignment
from medassist.study.order import shuffled

ACCEPT, REFUSED = "accept", "no"
ALARMS = {"harm_extent": "severe", "cant_miss": "yes"}


@dataclass(frozen=True)
class Due:
    """An answer that wants a third expert, and who could be that; nobody where all have rated the case."""

    case: str  # the lead's id
    response: str
    reasons: tuple[str, ...]  # disagreement | harm_extent | cant_miss
    free: tuple[str, ...]  # raters' ids


def to_adjudicate(lead: Lead, study_id: str) -> list[Due]:
    """Answers rated by all their raters, in doubt, and not yet with a third expert; in an order that tells no arm."""
    studies = lead.studies
    rows = [row for row in studies.assignments(study_id) if row.state != "withdrawn"]
    values = newest(studies.ratings(study_id))
    active = [r.id for r in studies.raters(study_id) if r.withdrawn_at is None and r.consent_at is not None]
    keys = {case.id: case.key for case in studies.cases(study_id)}
    rated: dict[str, list[Assignment]] = defaultdict(list)
    third = {response for row in rows if row.kind == "adjudication" for response in row.responses}
    for row in rows:
        if row.kind == "primary":
            for response in row.responses:
                rated[response].append(row)
    due = []
    for response, those in sorted(rated.items()):
        if response in third or any(row.state != "submitted" for row in those):
            continue
        reasons = doubts([values.get((row.id, response), {}) for row in those])
        if reasons:
            case = those[0].case_id
            met = {row.rater_id for row in rows if row.case_id == case}
            due.append(Due(keys[case], response, reasons, tuple(r for r in active if r not in met)))
    return due


def doubts(ratings: Sequence[dict[str, str]]) -> tuple[str, ...]:
    """Why ratings of one answer (item → value) want a third expert. “With minor edits” and “yes” do not disagree."""
    refused = {each[ACCEPT] == REFUSED for each in ratings if each.get(ACCEPT, CANNOT_JUDGE) != CANNOT_JUDGE}
    found = ["disagreement"] if len(refused) > 1 else []
    return (*found, *(item for item, value in ALARMS.items() if any(each.get(item) == value for each in ratings)))


def newest(ratings: Sequence[Rating]) -> dict[tuple[str, str], dict[str, str]]:
    """(assignment, response) → item → value, of the highest revision; tombstones have none."""
    values: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in sorted(ratings, key=lambda row: row.revision):
        values[row.assignment_id, row.response_id][row.item] = row.value
    return {key: {item: value for item, value in items.items() if value} for key, items in values.items()}


def adjudicate(lead: Lead, study_id: str, who: str) -> tuple[int, int]:
    """Give every answer that wants one a third expert: least load first. Returns how many got one, and how many have nobody."""
    load = Counter(row.rater_id for row in lead.studies.assignments(study_id) if row.kind == "adjudication")
    cases = {case.key: case.id for case in lead.studies.cases(study_id)}
    rows, nobody = [], 0
    for due in to_adjudicate(lead, study_id):
        if not due.free:
            nobody += 1
            continue
        order = shuffled(due.free, random.Random(due.response))
        chosen = min(order, key=lambda rater: load[rater])
        load[chosen] += 1
        rows.append(new_assignment(new_id(), chosen, cases[due.case], "adjudication", 0, [due.response]))
    given = lead.studies.adjudicate(study_id, rows)
    lead.audit.record(who, "study.adjudicated", study_id, new={"assignments": given, "nobody": nobody})
    return given, nobody
