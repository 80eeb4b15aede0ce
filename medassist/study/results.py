"""What an analysis found, as frozen records that JSON can hold. An undefined number is None and its note says why."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medassist.statistics import Interval, McNemar, Note


@dataclass(frozen=True)
class Agreed:
    """How far raters agree on one thing."""

    percent: Interval
    ac: Interval  # AC1, or AC2 with quadratic weights where the codes are ordered
    alpha: Interval


@dataclass(frozen=True)
class ItemResult:
    """One item of the instrument in one arm. Shares leave out “cannot judge” and “none applies”."""

    id: str
    kind: str
    label: Note
    n: int  # ratings that judged it
    cannot_judge: int
    missing: int  # asked for and not answered
    counts: dict[str, int]  # code → ratings
    shares: dict[str, Interval]  # code → share of ratings, two-way interval; not for text and rank
    top_two: Interval | None  # share in the two highest bins of a scale
    mean: float | None  # of a scale
    agreed: Agreed | None


@dataclass(frozen=True)
class Subgroup:
    by: str  # language, specialty or stratum
    value: str
    n_cases: int
    n_ratings: int
    two_way: Interval
    majority: Interval


@dataclass(frozen=True)
class Times:
    """Seconds of work on an item."""

    n: int
    median: float | None
    low: float | None  # first quartile
    high: float | None  # third


@dataclass(frozen=True)
class Harm:
    """Ratings by how much harm and how likely."""

    n: int
    table: dict[str, dict[str, int]]  # extent → likelihood → ratings; "" where likelihood was not asked
    any: Interval
    severe: Interval


@dataclass(frozen=True)
class Repeats:
    """Whether a rater says the same of the same answer twice."""

    n: int  # answers rated twice by the same rater
    same: Interval  # accepted both times or neither
    kappa: Interval  # of the accept codes
    items: dict[str, tuple[int, int]]  # item → alike, pairs


@dataclass(frozen=True)
class LengthResult:
    """Acceptance against the length of the answer before the cap."""

    median: dict[str, float]  # language → characters
    capped: int
    terciles: tuple[Interval, ...]  # short, middle, long; empty without an accept item
    tercile_n: tuple[int, ...]  # ratings in each
    rho: Interval  # Spearman's, of length rank and share accepting


@dataclass(frozen=True)
class Adjudicated:
    n: int  # cases a third expert saw
    raw_accepted: int  # … that most raters had accepted
    accepted: int  # … that the expert accepted
    majority: Interval  # all cases, the expert's word in place of the raters' where there is one


@dataclass(frozen=True)
class ArmResult:
    code: str
    name: str
    n_cases: int  # with a judged acceptance
    n_raters: int
    n_ratings: int  # that judge acceptance
    n_answers: int  # ratings begun and handed in, judged or not
    n_planned: int
    cannot_judge: int
    missing: int  # handed in without an acceptance
    n_responses: int
    n_failed: int
    two_way: Interval
    majority: Interval
    rows: Interval  # as if rows were independent: too narrow
    agreed: Agreed
    items: tuple[ItemResult, ...]
    top_k: dict[int, Interval]
    harm: Harm | None
    comments: int
    times: Times
    repeats: Repeats
    subgroups: tuple[Subgroup, ...]
    length: LengthResult
    adjudicated: Adjudicated


@dataclass(frozen=True)
class Difference:
    first: str
    second: str
    is_primary: bool
    n_pairs: int  # raters' pairs on one case
    n_cases: int
    risk_difference: Interval
    two_way: Interval
    mcnemar: McNemar | None
    mcnemar_note: Note


@dataclass(frozen=True)
class Contest:
    first: str
    second: str
    first_wins: int
    second_wins: int
    ties: int
    net: Interval  # share preferring the first less share preferring the second


@dataclass(frozen=True)
class Preference:
    n: int
    strengths: dict[str, Interval]  # arm → Bradley–Terry strength, mean zero
    contests: tuple[Contest, ...]
    left: Interval  # how often the answer under A won, ties left out
    unusable: int


@dataclass(frozen=True)
class Guesses:
    arm: str
    n: int
    counts: dict[str, int]  # guessed arm (by name) or cannot_judge → raters
    right: Interval
    bang: Interval
    certainty: dict[str, int]


@dataclass(frozen=True)
class Blinding:
    n: int
    arms: tuple[Guesses, ...]
    james: Interval


@dataclass(frozen=True)
class RaterResult:
    pseudonym: str
    specialty: str
    years: int | None
    simulated: bool
    withdrawal: str
    assigned: int
    submitted: int
    accepted: dict[str, tuple[int, int]]  # arm → accepted, judged
    cannot_judge: int
    times: Times


@dataclass(frozen=True)
class Deviation:
    code: str
    count: int
    text: Note


@dataclass(frozen=True)
class Amendment:
    number: int
    on: str
    reason: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Primary:
    measure: str
    arm: str
    reference: str
    level: float
    estimate: Interval
    label: Note


@dataclass(frozen=True)
class Numbers:
    """How many there are of everything."""

    cases: int
    practice_cases: int
    by: dict[str, dict[str, int]]  # language, specialty, stratum → value → cases
    raters_per_case: dict[str, int]  # raters who rated a case → cases
    invited: int
    consented: int
    withdrawn: int
    rated: int
    assignments: dict[str, dict[str, int]]  # kind → state → assignments
    answers: int  # primary
    planned: int


@dataclass(frozen=True)
class Analysis:
    study: str
    title: str
    hypothesis: str
    state: str
    sample: bool
    simulated: bool  # any rater is
    mode: str
    seed: int
    created_at: str
    locked_at: str
    unblinded_at: str
    unblinded_by: tuple[str, ...]
    minor_edits_count: bool
    instrument: dict[str, Any]  # id, version, title, source, sha256
    codes: dict[str, dict[str, Note]]  # item → code → what it says
    protocol: dict[str, Any]  # the latest version
    protocol_sha256: str
    amendments: tuple[Amendment, ...]
    arm_configs: dict[str, dict[str, Any] | None]
    numbers: Numbers
    primary: Primary
    arms: tuple[ArmResult, ...]
    differences: tuple[Difference, ...]
    preference: Preference | None
    blinding: Blinding
    raters: tuple[RaterResult, ...]
    times: Times
    repeats: Repeats
    deviations: tuple[Deviation, ...]

    @property
    def marked_simulated(self) -> bool:
        """Whether readers have to be told, on every page, that these are no clinicians' ratings."""
        return self.sample or self.simulated


def as_json(value: Any) -> Any:
    """Records as dicts, tuples as lists, keys as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    return value
