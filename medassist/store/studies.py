"""Studies as the study lead sees them: everything. What a rater may see is kept apart, in `store.panel`.

Rows come back detached: they can be read, and changing them changes nothing.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, case, delete, func, select, update
from sqlalchemy.orm import Session, defer

from medassist.errors import NotNow, UnknownStudy
from medassist.store.database import reading, writing
from medassist.store.study_tables import (
    Approval,
    Assignment,
    Generation,
    ProtocolVersion,
    Rater,
    Rating,
    Response,
    Study,
    StudyArm,
    StudyCase,
    StudyState,
)

BEAT = timedelta(seconds=60)
"""A generation that gave no sign of life for so long has died with its process."""


@dataclass(frozen=True)
class Tally:
    """How many of something there are, and how many are done."""

    all: int
    done: int


@dataclass(frozen=True)
class AnswerOutline:
    """An answer without its texts."""

    id: str
    case_id: str
    arm_id: str
    failed: str
    blocked: bool


def new_id() -> str:
    """An opaque id: says nothing of what it names, nor of what came before it."""
    return secrets.token_urlsafe(12)


class StudyStore:
    """Every method is one transaction and raises `StorageError` when the database fails; nothing of it is kept then."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def database(self) -> Engine:
        return self._engine

    # --- Studies and their protocols.

    def create(self, study: Study, protocol: ProtocolVersion) -> None:
        with writing(self._engine) as session:
            session.add(study)
            session.flush()
            session.add(protocol)

    def studies(self) -> list[Study]:
        """All, newest first."""
        with reading(self._engine) as session:
            return list(session.scalars(select(Study).order_by(Study.created_at.desc(), Study.id)))

    def study(self, study_id: str) -> Study:
        """Raises `UnknownStudy`."""
        with reading(self._engine) as session:
            return _study(session, study_id, lock=False)

    def require(self, study_id: str, *states: StudyState) -> None:
        """Raise `NotNow` unless the study is in one of `states`."""
        with reading(self._engine) as session:
            _require(_study(session, study_id, lock=False), *states)

    def versions(self, study_id: str) -> list[ProtocolVersion]:
        """Of the protocol, oldest first; a draft has one, of number 0."""
        found = select(ProtocolVersion).where(ProtocolVersion.study_id == study_id).order_by(ProtocolVersion.number)
        with reading(self._engine) as session:
            return list(session.scalars(found))

    def newest_protocol(self, study_id: str) -> dict[str, Any]:
        """As decoded JSON."""
        found = select(ProtocolVersion.protocol).where(ProtocolVersion.study_id == study_id)
        with reading(self._engine) as session:
            newest: dict[str, Any] | None = session.scalar(found.order_by(ProtocolVersion.number.desc()).limit(1))
        if newest is None:
            raise UnknownStudy
        return newest

    def add_version(self, version: ProtocolVersion) -> None:
        """The next version. A draft's (0) takes the place of the draft before, the first (1) that of the draft."""
        with writing(self._engine) as session:
            study = _study(session, version.study_id)
            if version.number == 0:
                _require(study, "draft")
            drafts = (ProtocolVersion.study_id == version.study_id) & (ProtocolVersion.number == 0)
            session.execute(delete(ProtocolVersion).where(drafts))
            session.add(version)

    def change_state(self, study_id: str, before: Sequence[StudyState], after: StudyState, **stamps: datetime) -> None:
        """Move on, unless somebody else has. Raises `NotNow` where the study is in none of the states `before`."""
        with writing(self._engine) as session:
            study = _study(session, study_id)
            _require(study, *before)
            study.state = after
            for name, at in stamps.items():
                setattr(study, name, at)

    def approve(self, study_id: str, who: str, at: datetime, needed: int) -> list[str]:
        """Note that `who` wants to unblind; the state changes with the last of the approvals. Returns all of them."""
        with writing(self._engine) as session:
            study = _study(session, study_id)
            _require(study, "locked")
            session.merge(Approval(study_id=study_id, who=who, at=at))
            session.flush()
            names = list(
                session.scalars(select(Approval.who).where(Approval.study_id == study_id).order_by(Approval.at))
            )
            if len(names) >= needed:
                study.state, study.unblinded_at = "unblinded", at
            return names

    def approvals(self, study_id: str) -> list[str]:
        with reading(self._engine) as session:
            found = select(Approval.who).where(Approval.study_id == study_id).order_by(Approval.at)
            return list(session.scalars(found))

    # --- Arms, cases, raters.

    def put_arms(self, study_id: str, arms: Iterable[StudyArm]) -> None:
        """In place of those there were, as long as nothing hangs on them. Raises `NotNow` once the study has begun."""
        with writing(self._engine) as session:
            _require(_study(session, study_id), "draft")
            session.execute(delete(StudyArm).where(StudyArm.study_id == study_id))
            session.add_all(arms)

    def arms(self, study_id: str) -> list[StudyArm]:
        with reading(self._engine) as session:
            return list(session.scalars(select(StudyArm).where(StudyArm.study_id == study_id).order_by(StudyArm.code)))

    def add_cases(self, study_id: str, cases: Iterable[StudyCase]) -> None:
        with writing(self._engine) as session:
            _require(_study(session, study_id), "draft", "enrolling")
            session.add_all(cases)

    def drop_case(self, study_id: str, case_id: str) -> None:
        with writing(self._engine) as session:
            _require(_study(session, study_id), "draft", "enrolling")
            session.execute(delete(StudyCase).where(StudyCase.study_id == study_id, StudyCase.id == case_id))

    def cases(self, study_id: str) -> list[StudyCase]:
        with reading(self._engine) as session:
            found = select(StudyCase).where(StudyCase.study_id == study_id).order_by(StudyCase.key)
            return list(session.scalars(found))

    def add_raters(self, study_id: str, raters: Iterable[Rater]) -> None:
        with writing(self._engine) as session:
            _require(_study(session, study_id), "draft", "enrolling")
            session.add_all(raters)

    def raters(self, study_id: str) -> list[Rater]:
        with reading(self._engine) as session:
            return list(session.scalars(select(Rater).where(Rater.study_id == study_id).order_by(Rater.pseudonym)))

    # --- Answers.

    def put_response(self, study_id: str, response: Response) -> bool:
        """Keep an answer unless the arm has answered this case already; a failed one is replaced. Says whether it is kept."""
        with writing(self._engine) as session:
            _require(_study(session, study_id), "draft", "enrolling")
            pair = (Response.case_id == response.case_id) & (Response.arm_id == response.arm_id)
            before = session.scalar(select(Response).where(pair))
            if before is not None and not before.failed:
                return False
            if before is not None:
                session.delete(before)
                session.flush()
            session.add(response)
            return True

    def responses(self, study_id: str) -> list[Response]:
        """All of a study, without what the model wrote before blinding."""
        found = select(Response).join(StudyArm, StudyArm.id == Response.arm_id).where(StudyArm.study_id == study_id)
        with reading(self._engine) as session:
            return list(session.scalars(found.options(defer(Response.raw)).order_by(Response.id)))

    def answers(self, study_id: str) -> list[AnswerOutline]:
        """All of a study, for what only counts them."""
        columns = [getattr(Response, name) for name in AnswerOutline.__dataclass_fields__]
        found = select(*columns).join(StudyArm, StudyArm.id == Response.arm_id).where(StudyArm.study_id == study_id)
        with reading(self._engine) as session:
            return [AnswerOutline(*row) for row in session.execute(found.order_by(Response.id))]

    def raw(self, response_id: str) -> str:
        """What the model wrote."""
        with reading(self._engine) as session:
            return session.scalar(select(Response.raw).where(Response.id == response_id)) or ""

    def release(self, study_id: str, response_id: str, who: str, how: str, **shown: Any) -> None:
        """Let raters read a blocked answer: `how` says “as it was” or “edited”, and `shown` what changes of it."""
        with writing(self._engine) as session:
            _require(_study(session, study_id), "draft", "enrolling")
            values = {"blocked": False, "released": how, "released_by": who, **shown}
            session.execute(update(Response).where(Response.id == response_id).values(**values))

    def explain(self, response_id: str, told: dict[str, Any]) -> None:
        """Keep the explanation of an answer beside it."""
        with writing(self._engine) as session:
            session.execute(update(Response).where(Response.id == response_id).values(explanation=told))

    # --- The job that writes the answers.

    def begin_generation(self, study_id: str, holder: str) -> None:
        """Claim the job. Raises `NotNow` while another process is at it."""
        now = datetime.now(UTC)
        with writing(self._engine) as session:
            study = _study(session, study_id)
            _require(study, "draft", "enrolling")
            before = session.get(Generation, study_id)
            if before is not None and before.state in ("running", "stopping") and now - before.beat_at < BEAT:
                raise NotNow(reason="answers are being written already.", reason_zh="回答正在生成中。")
            session.merge(
                Generation(study_id=study_id, state="running", holder=holder, started_at=now, beat_at=now, said="")
            )

    def beat(self, study_id: str, holder: str) -> bool:
        """Give a sign of life; False where the job was told to stop or taken over."""
        with writing(self._engine) as session:
            job = session.get(Generation, study_id)
            if job is None or job.holder != holder or job.state != "running":
                return False
            job.beat_at = datetime.now(UTC)
            return True

    def end_generation(self, study_id: str, holder: str, state: str, said: str = "") -> None:
        with writing(self._engine) as session:
            mine = (Generation.study_id == study_id) & (Generation.holder == holder)
            session.execute(update(Generation).where(mine).values(state=state, said=said, beat_at=datetime.now(UTC)))

    def stop_generation(self, study_id: str) -> None:
        with writing(self._engine) as session:
            running = (Generation.study_id == study_id) & (Generation.state == "running")
            session.execute(update(Generation).where(running).values(state="stopping"))

    def generation(self, study_id: str) -> Generation | None:
        """The last job; one without a sign of life reads as stopped."""
        with reading(self._engine) as session:
            job = session.get(Generation, study_id)
        if job is not None and job.state in ("running", "stopping") and datetime.now(UTC) - job.beat_at >= BEAT:
            job.state = "stopped"
        return job

    # --- Assignments and what came of them.

    def assign(self, study_id: str, assignments: Sequence[Assignment]) -> None:
        """Lay out who rates what and open the study to its raters. Raises `NotNow` where that was done."""
        with writing(self._engine) as session:
            study = _study(session, study_id)
            _require(study, "enrolling")
            session.add_all(assignments)
            study.state = "rating"

    def adjudicate(self, study_id: str, assignments: Sequence[Assignment]) -> int:
        """Add work for third experts, behind what each of them has, unless somebody else just did; says how much."""
        with writing(self._engine) as session:
            _require(_study(session, study_id), "rating")
            known = (
                select(Assignment.responses)
                .join(Rater, Rater.id == Assignment.rater_id)
                .where(Rater.study_id == study_id, Assignment.kind == "adjudication", Assignment.state != "withdrawn")
            )
            given = {response for responses in session.scalars(known) for response in responses}
            new = [each for each in assignments if not given & set(each.responses)]
            for assignment in new:
                last = select(func.max(Assignment.position)).where(Assignment.rater_id == assignment.rater_id)
                assignment.position = (session.scalar(last) or 0) + 1
                session.add(assignment)
                session.flush()
        return len(new)

    def assignments(self, study_id: str) -> list[Assignment]:
        """All of a study, without what is drafted: that is the rater's."""
        found = select(Assignment).join(Rater, Rater.id == Assignment.rater_id).where(Rater.study_id == study_id)
        with reading(self._engine) as session:
            rows = found.options(defer(Assignment.draft)).order_by(Rater.pseudonym, Assignment.position)
            return list(session.scalars(rows))

    def ratings(self, study_id: str) -> list[Rating]:
        """Every revision."""
        found = (
            select(Rating)
            .join(Assignment, Assignment.id == Rating.assignment_id)
            .join(Rater, Rater.id == Assignment.rater_id)
            .where(Rater.study_id == study_id)
        )
        with reading(self._engine) as session:
            rows = session.scalars(
                found.order_by(Rating.assignment_id, Rating.response_id, Rating.item, Rating.revision)
            )
            return list(rows)

    def progress(self, study_id: str) -> dict[str, dict[str, Tally]]:
        """Rater id → kind of assignment → how many there are and how many are submitted."""
        done = func.sum(case((Assignment.state == "submitted", 1), else_=0))
        found = (
            select(Assignment.rater_id, Assignment.kind, func.count(), done)
            .join(Rater, Rater.id == Assignment.rater_id)
            .where(Rater.study_id == study_id)
            .group_by(Assignment.rater_id, Assignment.kind)
        )
        told: dict[str, dict[str, Tally]] = {}
        with reading(self._engine) as session:
            for rater, kind, count, finished in session.execute(found):
                told.setdefault(rater, {})[kind] = Tally(int(count), int(finished or 0))
        return told


def _study(session: Session, study_id: str, lock: bool = True) -> Study:
    study = session.get(Study, study_id, with_for_update=lock)
    if study is None:
        raise UnknownStudy
    return study


_STATES_ZH = {"draft": "草稿", "enrolling": "入组", "rating": "评审中", "locked": "已锁定", "unblinded": "已揭盲"}


def _require(study: Study, *states: StudyState) -> None:
    if study.state not in states:
        raise NotNow(
            reason=f"the study is {study.state}; this can be done while it is {' or '.join(states)}.",
            reason_zh=f"研究处于“{_STATES_ZH[study.state]}”状态，仅在“{'”或“'.join(_STATES_ZH[s] for s in states)}”时可以操作。",
        )
