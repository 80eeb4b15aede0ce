"""A study's data as rows: what a report is computed from, whether it was read from the database or from an export.

Every value is one that JSON knows; times are ISO 8601 texts in UTC. While a study is blinded no row says which arm an
answer is of.
"""

from dataclasses import dataclass
from typing import Any, Literal

State = Literal["draft", "enrolling", "rating", "locked", "unblinded"]
AssignmentKind = Literal["practice", "primary", "repeat", "closing", "adjudication"]

PREFERRED = "preferred"
"""The item that paired mode adds for each of the two responses: yes, no or tie."""


@dataclass(frozen=True)
class ArmRow:
    code: str  # opaque: "s1", "s2", …
    name: str | None  # None while blinded
    config: dict[str, Any] | None
    config_sha256: str
    guess_en: str  # how it is described when raters are asked what they think they saw
    guess_zh: str


@dataclass(frozen=True)
class CaseRow:
    id: str  # opaque
    key: str  # the lead's own id
    language: str
    specialty: str
    stratum: str
    diagnosis: str  # gold, "" where there is none
    accept: tuple[str, ...]
    cant_miss: tuple[str, ...]
    is_practice: bool


@dataclass(frozen=True)
class ResponseRow:
    id: str  # opaque
    case: str
    arm: str  # code, "" while blinded
    raw_sha256: str
    display_sha256: str
    raw_length: int
    answer_length: int  # before the cap: the covariate
    length: int  # as shown
    capped: bool
    removed: tuple[str, ...]
    leaks: int
    released: str  # "", "as it was" or "edited"
    knowledge_version: str
    model: str
    adapter: str
    generated_at: str
    seconds: float | None
    failed: str  # error code, or ""


@dataclass(frozen=True)
class RaterRow:
    id: str  # opaque
    pseudonym: str
    specialty: str
    years: int | None
    simulated: bool
    invited_at: str
    consent_at: str
    withdrawn_at: str
    withdrawal: str  # "", "kept" or "removed": what became of the ratings


@dataclass(frozen=True)
class AssignmentRow:
    id: str
    rater: str
    case: str
    kind: str
    position: int
    repeat_of: str  # an assignment, or ""
    responses: tuple[str, ...]  # in the order shown; two in paired mode
    state: str  # open, started, submitted or withdrawn
    started_at: str
    submitted_at: str
    active_ms: int
    wall_ms: int


@dataclass(frozen=True)
class RatingRow:
    """One revision of one answer. The highest revision is the valid one; none is ever taken out."""

    assignment: str
    response: str
    item: str
    value: str  # code, digits or free text; several codes as a JSON list
    revision: int  # 1 is the first
    status: str  # submitted, amended or withdrawn
    reason: str  # why it was amended, or ""
    at: str
    active_ms: int
    wall_ms: int


@dataclass(frozen=True)
class Version:
    """A version of the protocol, as decoded JSON."""

    number: int
    protocol: dict[str, Any]
    on: str  # date
    reason: str
    previous: str
    sha256: str


@dataclass(frozen=True)
class AuditRow:
    number: int
    at: str
    who: str
    what: str
    subject: str
    old: str
    new: str


@dataclass(frozen=True)
class Dataset:
    study_id: str
    title: str
    state: str
    sample: bool
    created_at: str
    locked_at: str
    unblinded_at: str
    unblinded_by: tuple[str, ...]
    seed: int
    mode: str
    instrument: dict[str, Any]  # the whole of it, as frozen
    versions: tuple[Version, ...]
    arms: tuple[ArmRow, ...]
    cases: tuple[CaseRow, ...]
    responses: tuple[ResponseRow, ...]
    raters: tuple[RaterRow, ...]
    assignments: tuple[AssignmentRow, ...]
    ratings: tuple[RatingRow, ...]
    audit: tuple[AuditRow, ...]

    @property
    def blinded(self) -> bool:
        return self.state != "unblinded"
