"""Assignments as raters work on them: leases, drafts, ratings. Every change is one transaction and can be retried.

A lease says which open page may write; it runs out, and another page may take it over. The draft stays through all of
that: nothing but submitting empties it. A request that changes something carries a key; the same key again changes
nothing and gets the same answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from medassist.errors import LeaseHeld, NotNow, StaleRevision, UnknownAssignment
from medassist.store.database import reading, writing
from medassist.store.study_tables import Assignment, PanelRequest, Rater, Rating, Response, Study, StudyCase

LEASE = timedelta(minutes=15)
MOST_MS = 7 * 24 * 3600 * 1000
"""Longest time told of one assignment: beyond a week a clock has jumped."""

Outcome = dict[str, Any]
Values = dict[str, dict[str, Any]]
"""Response id → item → value."""


@dataclass(frozen=True)
class Wrote:
    """What a page asks to write: who asks, on what it builds, and how long somebody worked on it (ms since the last)."""

    rater: str
    assignment: str
    holder: str
    revision: int
    key: str
    active_ms: int
    now: datetime
    noted: Callable[[Session], object] = field(default=lambda _: None)  # in the audit trail, in the same transaction


@dataclass(frozen=True)
class Outline:
    """An assignment without what is in it."""

    id: str
    kind: str
    position: int
    state: str
    repeat_of: str | None
    wait_days: int
    submitted_at: datetime | None
    active_ms: int


class PanelStore:
    """Every method raises `StorageError` when the database fails, and then nothing was changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def raters_of(self, account_id: str) -> list[tuple[Rater, Study]]:
        """The panels somebody sits on, the latest first."""
        found = select(Rater, Study).join(Study, Study.id == Rater.study_id).where(Rater.account_id == account_id)
        with reading(self._engine) as session:
            return [(rater, study) for rater, study in session.execute(found.order_by(Rater.invited_at.desc()))]

    def unclaimed(self) -> list[tuple[Rater, Study]]:
        """The seats that belong to no account, those of the latest study first."""
        found = select(Rater, Study).join(Study, Study.id == Rater.study_id).where(Rater.account_id.is_(None))
        with reading(self._engine) as session:
            return [
                (rater, study)
                for rater, study in session.execute(found.order_by(Study.created_at.desc(), Study.id, Rater.pseudonym))
            ]

    def rater(self, rater_id: str) -> tuple[Rater, Study]:
        with reading(self._engine) as session:
            return _rater(session, rater_id)

    def consent(self, rater_id: str, now: datetime) -> None:
        """The first time stays."""
        with writing(self._engine) as session:
            rater, _ = _rater(session, rater_id)
            _require_on_panel(rater)
            rater.consent_at = rater.consent_at or now

    def withdraw(self, rater_id: str, keep: bool, now: datetime) -> None:
        """Leave the panel. With `keep` what was submitted counts on; else each value gets a tombstone, and is out."""
        with writing(self._engine) as session:
            rater, _ = _rater(session, rater_id)
            _require_on_panel(rater)
            rater.withdrawn_at, rater.withdrawal = now, "kept" if keep else "removed"
            for assignment in session.scalars(select(Assignment).where(Assignment.rater_id == rater_id)):
                if not keep:
                    _add(session, [_tombstone(row, now) for row in _latest(session, assignment.id)])
                if assignment.state != "submitted" or not keep:
                    assignment.state = "withdrawn"

    def outlines(self, rater_id: str) -> list[Outline]:
        """All of a rater's assignments, in order."""
        columns = [getattr(Assignment, name) for name in Outline.__dataclass_fields__]
        found = select(*columns).where(Assignment.rater_id == rater_id).order_by(Assignment.position)
        with reading(self._engine) as session:
            return [Outline(*row) for row in session.execute(found)]

    def assignment(self, rater_id: str, assignment_id: str) -> Assignment:
        """Raises `UnknownAssignment`, also where it is another rater's."""
        with reading(self._engine) as session:
            return _own(session, rater_id, assignment_id)

    def shown(self, assignment: Assignment) -> tuple[StudyCase, list[Response]]:
        """The case and the responses, in the order shown."""
        with reading(self._engine) as session:
            case = session.get_one(StudyCase, assignment.case_id)
            found = {
                each.id: each for each in session.scalars(select(Response).where(Response.id.in_(assignment.responses)))
            }
        return case, [found[each] for each in assignment.responses]

    def explained(self, case_id: str) -> bool:
        """Whether every answer to a case has an explanation."""
        with reading(self._engine) as session:
            return all(session.scalars(select(Response.explanation.is_not(None)).where(Response.case_id == case_id)))

    def open(self, rater_id: str, assignment_id: str, holder: str, now: datetime, *, take: bool = False) -> Assignment:
        """Lease an assignment to the page `holder`, which resumes what was drafted. Nobody writes to a locked study.

        Raises `UnknownAssignment`, `NotNow` or, unless it is to be taken over, `LeaseHeld`.
        """
        with writing(self._engine) as session:
            assignment, study = _seated(session, rater_id, assignment_id)
            if assignment.state == "open":
                _require_rating(study)
            if assignment.state in ("open", "started") and study.state == "rating":
                if not take and _held(assignment, holder, now):
                    raise LeaseHeld
                assignment.holder, assignment.lease_until = holder, now + LEASE
                assignment.started_at = assignment.started_at or now
                assignment.state = "started"
            return assignment

    def answered(self, wrote: Wrote) -> Outcome | None:
        """What was answered to this request when it came before. Raises `UnknownAssignment` for another's key."""
        with reading(self._engine) as session:
            before = session.get(PanelRequest, wrote.key)
        if before is not None and before.assignment_id != wrote.assignment:
            raise UnknownAssignment
        return before.outcome if before else None

    def save(self, wrote: Wrote, draft: Values) -> Outcome:
        """Keep a draft in place of the one before. Raises what `open` raises, `StaleRevision` and `NotNow`."""

        def change(session: Session, assignment: Assignment) -> Outcome:
            assignment.draft = draft
            return {"revision": assignment.revision, "state": assignment.state}

        return self._changed(wrote, change)

    def submit(
        self, wrote: Wrote, page: str, rows: Sequence[tuple[str, str, str]], draft: Values, last: bool
    ) -> Outcome:
        """Lock a page with its ratings (response, item, value); with the last page the assignment is done."""

        def change(session: Session, assignment: Assignment) -> Outcome:
            if page in assignment.pages:
                raise NotNow(reason="this page has been submitted.", reason_zh="本页已提交。")
            wall = _between(assignment.started_at, wrote.now)
            _add(session, [_row(assignment, row, 1, "submitted", "", wrote.now, wall) for row in rows])
            assignment.draft, assignment.pages, assignment.wall_ms = draft, [*assignment.pages, page], wall
            if last:
                assignment.state, assignment.submitted_at, assignment.draft = "submitted", wrote.now, {}
                assignment.holder, assignment.lease_until = "", None
            return {"revision": assignment.revision, "state": assignment.state, "pages": assignment.pages}

        return self._changed(wrote, change)

    def amend(self, wrote: Wrote, rows: Sequence[tuple[str, str, str]], reason: str) -> Outcome:
        """Give submitted values a new revision each. Raises `StaleRevision` where they were amended meanwhile."""

        def change(session: Session, assignment: Assignment) -> Outcome:
            newest = {(row.response_id, row.item): row for row in _latest(session, assignment.id)}
            for response, item, value in rows:
                before = newest.get((response, item))
                number = before.revision + 1 if before else 1
                _add(session, [_row(assignment, (response, item, value), number, "amended", reason, wrote.now, assignment.wall_ms)])  # fmt: skip
            return {"revision": assignment.revision, "state": assignment.state}

        return self._changed(wrote, change, submitted=True)

    def _changed(
        self, wrote: Wrote, change: Callable[[Session, Assignment], Outcome], *, submitted: bool = False
    ) -> Outcome:
        with writing(self._engine) as session:
            assignment, study = _seated(session, wrote.rater, wrote.assignment)
            before = session.get(PanelRequest, wrote.key)
            if before is not None:
                if before.assignment_id != assignment.id:
                    raise UnknownAssignment
                return before.outcome
            _require_rating(study)
            if assignment.state == "open":  # whoever writes has read it, in its turn
                raise NotNow(reason="open it first.", reason_zh="请先打开该任务。")
            if (assignment.state == "submitted") != submitted or assignment.state == "withdrawn":
                raise NotNow(
                    reason="this assignment has been submitted." if not submitted else "it is not submitted yet.",
                    reason_zh="该任务已提交。" if not submitted else "该任务尚未提交。",
                )
            if not submitted and assignment.holder != wrote.holder and _held(assignment, wrote.holder, wrote.now):
                raise LeaseHeld
            if assignment.revision != wrote.revision:
                raise StaleRevision(revision=assignment.revision)
            if not submitted:
                assignment.holder, assignment.lease_until = wrote.holder, wrote.now + LEASE
            assignment.active_ms = min(assignment.active_ms + max(0, wrote.active_ms), MOST_MS)
            assignment.revision += 1
            outcome = change(session, assignment)
            wrote.noted(session)
            session.add(PanelRequest(key=wrote.key, assignment_id=assignment.id, at=wrote.now, outcome=outcome))
            return outcome

    def values(self, assignment_id: str) -> list[Rating]:
        """The newest revision of each value of an assignment."""
        with reading(self._engine) as session:
            return _latest(session, assignment_id)


def _rater(session: Session, rater_id: str) -> tuple[Rater, Study]:
    rater = session.get(Rater, rater_id)
    if rater is None:
        raise UnknownAssignment
    return rater, session.get_one(Study, rater.study_id)


def _own(session: Session, rater_id: str, assignment_id: str, *, lock: bool = False) -> Assignment:
    assignment = session.get(Assignment, assignment_id, with_for_update=lock)
    if assignment is None or assignment.rater_id != rater_id:
        raise UnknownAssignment
    return assignment


def _seated(session: Session, rater_id: str, assignment_id: str) -> tuple[Assignment, Study]:
    """A rater's own assignment, to be changed. Raises `UnknownAssignment`, and `NotNow` for who has left the panel."""
    assignment = _own(session, rater_id, assignment_id, lock=True)
    rater, study = _rater(session, rater_id)
    _require_on_panel(rater)
    # Where writers run side by side (PostgreSQL) no lock of the study comes between here and what is written.
    session.refresh(study, with_for_update={"read": True})
    return assignment, study


def _require_on_panel(rater: Rater) -> None:
    if rater.withdrawn_at is not None:
        raise NotNow(reason="you have withdrawn from this study.", reason_zh="您已退出本研究。")


def _require_rating(study: Study) -> None:
    """Raise `NotNow` where nothing may be written yet, or any more."""
    if study.state != "rating":
        locked = study.state in ("locked", "unblinded")
        raise NotNow(
            reason="the study is locked. What you entered stays as a draft." if locked else "rating has not begun.",
            reason_zh="研究已锁定，您输入的内容保留为草稿。" if locked else "评审尚未开始。",
        )


def _held(assignment: Assignment, holder: str, now: datetime) -> bool:
    """Whether another page holds it. A lease that ends too far ahead was given before the clock was set back."""
    until = assignment.lease_until
    return bool(assignment.holder not in ("", holder) and until is not None and now < until <= now + LEASE)


def _latest(session: Session, assignment_id: str) -> list[Rating]:
    newest = (
        select(Rating.response_id, Rating.item, func.max(Rating.revision).label("revision"))
        .where(Rating.assignment_id == assignment_id)
        .group_by(Rating.response_id, Rating.item)
        .subquery()
    )
    same = (Rating.response_id == newest.c.response_id) & (Rating.item == newest.c.item)
    found = select(Rating).join(newest, same & (Rating.revision == newest.c.revision))
    return list(session.scalars(found.where(Rating.assignment_id == assignment_id)))


def _add(session: Session, rows: Sequence[Rating]) -> None:
    session.add_all(rows)
    session.flush()


def _row(
    assignment: Assignment, row: tuple[str, str, str], revision: int, status: str, reason: str, now: datetime, wall: int
) -> Rating:
    response, item, value = row
    return Rating(
        assignment_id=assignment.id,
        response_id=response,
        item=item,
        revision=revision,
        value=value,
        status=status,
        reason=reason,
        at=now,
        active_ms=assignment.active_ms,
        wall_ms=wall,
    )


def _tombstone(row: Rating, now: datetime) -> Rating:
    return Rating(
        assignment_id=row.assignment_id,
        response_id=row.response_id,
        item=row.item,
        revision=row.revision + 1,
        value="",
        status="withdrawn",
        reason="",
        at=now,
        active_ms=row.active_ms,
        wall_ms=row.wall_ms,
    )


def _between(start: datetime | None, end: datetime) -> int:
    """Milliseconds, none where a clock was set back."""
    passed = (end - start).total_seconds() * 1000 if start else 0
    return int(min(max(passed, 0), MOST_MS))
