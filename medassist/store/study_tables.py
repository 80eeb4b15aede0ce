"""The tables of a blind study. Whatever could tell an arm stays on the side of the study lead: see `study.panel`."""

from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from medassist.errors import Language
from medassist.store.tables import Base

StudyState = Literal["draft", "enrolling", "rating", "locked", "unblinded"]
AssignmentKind = Literal["practice", "primary", "repeat", "closing", "adjudication"]
AssignmentState = Literal["open", "started", "submitted", "withdrawn"]
RatingStatus = Literal["submitted", "amended", "withdrawn"]
Withdrawal = Literal["", "kept", "removed"]
Released = Literal["", "as it was", "edited"]


def _json() -> Any:
    return mapped_column(JSON(none_as_null=True))


class Study(Base):
    """One study; `secret` is what orders and sides are drawn from, and never leaves the server."""

    __tablename__ = "study"

    id: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    state: Mapped[str]
    sample: Mapped[bool]  # made by `study create --sample`
    secret: Mapped[str]
    instrument: Mapped[dict[str, Any]] = _json()  # as it was when the study was made
    locked_at: Mapped[datetime | None]
    unblinded_at: Mapped[datetime | None]


class ProtocolVersion(Base):
    """What was planned, version after version; frozen at enrolling, the draft has number 0."""

    __tablename__ = "study_protocol"

    study_id: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    protocol: Mapped[dict[str, Any]] = _json()
    on: Mapped[date]
    reason: Mapped[str]
    previous: Mapped[str]
    sha256: Mapped[str]


class Approval(Base):
    """A study lead's wish to unblind; two are needed."""

    __tablename__ = "study_approval"

    study_id: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), primary_key=True)
    who: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class StudyArm(Base):
    """Where answers come from. `name` and `config` are secret until unblinding, `code` may reach a browser."""

    __tablename__ = "study_arm"
    __table_args__ = (UniqueConstraint("study_id", "name"), UniqueConstraint("study_id", "code"))

    id: Mapped[str] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    code: Mapped[str]
    name: Mapped[str]
    config: Mapped[dict[str, Any]] = _json()
    config_sha256: Mapped[str]


class StudyCase(Base):
    __tablename__ = "study_case"
    __table_args__ = (UniqueConstraint("study_id", "key"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    key: Mapped[str]  # the lead's own id
    language: Mapped[Language]
    case_json: Mapped[str]
    diagnosis: Mapped[str]  # the gold standard; "" where there is none
    accept: Mapped[list[str]] = _json()
    cant_miss: Mapped[list[str]] = _json()
    specialty: Mapped[str]
    stratum: Mapped[str]
    is_practice: Mapped[bool]


class Response(Base):
    """One arm's answer to one case, as it was written and as raters read it."""

    __tablename__ = "study_response"
    __table_args__ = (UniqueConstraint("case_id", "arm_id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("study_case.id", ondelete="CASCADE"))
    arm_id: Mapped[str] = mapped_column(ForeignKey("study_arm.id", ondelete="CASCADE"), index=True)
    raw: Mapped[str]
    display_text: Mapped[str]
    raw_sha256: Mapped[str]
    display_sha256: Mapped[str]
    raw_length: Mapped[int]
    answer_length: Mapped[int]
    capped: Mapped[bool]
    removed: Mapped[list[str]] = _json()
    leaks: Mapped[list[Any]] = _json()  # [kind, start, end] in the display text
    blocked: Mapped[bool]  # until somebody has read it
    released: Mapped[str]
    released_by: Mapped[str]
    parameters: Mapped[dict[str, Any]] = _json()  # how it was generated
    knowledge_version: Mapped[str]
    model: Mapped[str]
    adapter: Mapped[str]
    explanation: Mapped[dict[str, Any] | None] = _json()
    generated_at: Mapped[datetime]
    seconds: Mapped[float | None]
    failed: Mapped[str]  # the code of the error, or ""


class Rater(Base):
    __tablename__ = "study_rater"
    __table_args__ = (UniqueConstraint("study_id", "pseudonym"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"))
    pseudonym: Mapped[str]
    account_id: Mapped[str | None] = mapped_column(index=True)
    specialty: Mapped[str]
    years: Mapped[int | None]
    simulated: Mapped[bool]
    invited_at: Mapped[datetime]
    consent_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawal: Mapped[str]


class Assignment(Base):
    """One thing for one rater to rate. The draft is kept here until it is submitted, whatever becomes of the lease."""

    __tablename__ = "study_assignment"
    __table_args__ = (UniqueConstraint("rater_id", "position"), Index(None, "rater_id", "state"))

    id: Mapped[str] = mapped_column(primary_key=True)
    rater_id: Mapped[str] = mapped_column(ForeignKey("study_rater.id", ondelete="CASCADE"))
    case_id: Mapped[str] = mapped_column(ForeignKey("study_case.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    position: Mapped[int]
    responses: Mapped[list[str]] = _json()  # ids in the order shown: A, then B
    repeat_of: Mapped[str | None]
    wait_days: Mapped[int]
    state: Mapped[str]
    holder: Mapped[str]  # the open page that may write, or ""
    lease_until: Mapped[datetime | None]
    draft: Mapped[dict[str, Any]] = _json()  # response id → item → value
    revision: Mapped[int]  # counts savings of the draft
    pages: Mapped[list[str]] = _json()  # those locked
    started_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    active_ms: Mapped[int] = mapped_column(BigInteger)
    wall_ms: Mapped[int] = mapped_column(BigInteger)


class Rating(Base):
    """One value. Triggers refuse to change or delete a row: an amendment is a new revision."""

    __tablename__ = "study_rating"

    assignment_id: Mapped[str] = mapped_column(ForeignKey("study_assignment.id"), primary_key=True)
    response_id: Mapped[str] = mapped_column(ForeignKey("study_response.id"), primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    active_ms: Mapped[int] = mapped_column(BigInteger)
    wall_ms: Mapped[int] = mapped_column(BigInteger)


class PanelRequest(Base):
    """What was answered to a request that changed something, so that a retry of it changes nothing more."""

    __tablename__ = "study_request"

    key: Mapped[str] = mapped_column(primary_key=True)
    assignment_id: Mapped[str] = mapped_column(ForeignKey("study_assignment.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    outcome: Mapped[dict[str, Any]] = _json()


class Generation(Base):
    """The job that writes a study's answers: at most one at a time, known to live by its beat."""

    __tablename__ = "study_generation"

    study_id: Mapped[str] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str]  # running | stopping | done | stopped | failed
    holder: Mapped[str]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    said: Mapped[str]  # why it failed
