"""What a study lead does: from a protocol over arms, cases and raters to ratings that are locked and unblinded by two."""

import hashlib
import hmac
import random
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from medassist.audit import Audit
from medassist.errors import InvalidStudy, Language
from medassist.store.studies import AnswerOutline, StudyStore, new_id
from medassist.store.study_tables import Assignment, ProtocolVersion, Rater, Study, StudyArm
from medassist.store.study_tables import StudyCase as StoredCase
from medassist.study.arms import ArmConfig
from medassist.study.balance import Balance, balance
from medassist.study.design import Design, Plan, StudyCase, plan
from medassist.study.instrument import Instrument
from medassist.study.order import Item, shuffled
from medassist.study.protocol import History, Protocol, Version, amend, freeze, read_protocol, require_instrument

UNBLINDERS = 2
"""How many people it takes to unblind."""
MAX_RATERS = 500
MAX_NAME = 60


@dataclass(frozen=True)
class NewRater:
    pseudonym: str
    specialty: str = ""
    years: int | None = None
    account_id: str | None = None
    simulated: bool = False


@dataclass(frozen=True)
class Trouble:
    """Why a study cannot be assigned yet."""

    code: str  # no_answer | failed | blocked
    case: str
    arm: str

    def text(self, language: Language = "en") -> str:
        return _TROUBLES[self.code][language == "zh"].format(case=self.case, arm=self.arm)


_TROUBLES = {
    "no_answer": ("{case}: {arm} has no answer yet", "{case}：{arm} 尚无回答"),
    "failed": ("{case}: {arm} failed to answer", "{case}：{arm} 未能作答"),
    "blocked": (
        "{case}: the answer of {arm} may tell who wrote it; read and release it",
        "{case}：{arm} 的回答可能泄露来源，请审阅后放行",
    ),
}


@dataclass
class Lead:
    studies: StudyStore
    audit: Audit
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    # --- Before enrolling.

    def create(self, protocol: Protocol, instrument: Instrument, who: str, *, sample: bool = False) -> str:
        """A new study, in draft. Raises `InvalidStudy` where the protocol names another instrument."""
        require_instrument(protocol)
        used = protocol.instrument
        if (used.id, used.version, used.sha256) != (instrument.id, instrument.version, instrument.sha256):
            raise InvalidStudy(where="instrument", reason="is not the one that the protocol names.", reason_zh="与方案所列量表不符。")  # fmt: skip
        study = Study(
            id=new_id(),
            created_at=self.clock(),
            state="draft",
            sample=sample,
            secret=secrets.token_hex(32),
            instrument=instrument.model_dump(mode="json"),
        )
        self.studies.create(study, _row(study.id, Version(0, protocol, self.clock().date(), "", "")))
        self.audit.record(who, "study.created", study.id, new={"protocol": protocol.sha256, "sample": sample})
        return study.id

    def set_protocol(self, study_id: str, protocol: Protocol, who: str) -> None:
        """Replace a draft's protocol."""
        self.studies.add_version(_row(study_id, Version(0, protocol, self.clock().date(), "", "")))
        self.audit.record(who, "study.protocol", study_id, new={"protocol": protocol.sha256})

    def set_arms(self, study_id: str, configs: Sequence[ArmConfig], who: str) -> None:
        """Say where the protocol's arms come from. Raises `InvalidStudy` where the names differ."""
        planned = [arm.name for arm in self.protocol(study_id).arms]
        if sorted(planned) != sorted(config.name for config in configs):
            raise InvalidStudy(
                where="arms",
                reason=f"must be those of the protocol: {', '.join(planned)}.",
                reason_zh=f"须与方案一致：{'、'.join(planned)}。",
            )
        order = list(configs)
        random.SystemRandom().shuffle(order)  # so that a code tells nothing of the name
        arms = [
            StudyArm(
                id=new_id(),
                study_id=study_id,
                code=f"s{n}",
                name=config.name,
                config=config.model_dump(mode="json"),
                config_sha256=config.sha256,
            )
            for n, config in enumerate(order, 1)
        ]
        self.studies.put_arms(study_id, arms)
        self.audit.record(who, "study.arms", study_id, new={"arms": [config.sha256 for config in configs]})

    def add_raters(self, study_id: str, raters: Sequence[NewRater], who: str) -> list[str]:
        """Invite raters, and return their ids. Raises `InvalidStudy` for a pseudonym that is empty or taken."""
        for n, rater in enumerate(raters):
            self.require_new(study_id, rater, raters[:n])
        rows = [
            Rater(
                id=new_id(),
                study_id=study_id,
                pseudonym=rater.pseudonym.strip(),
                account_id=rater.account_id,
                specialty=rater.specialty,
                years=rater.years,
                simulated=rater.simulated,
                invited_at=self.clock(),
                withdrawal="",
            )
            for rater in raters
        ]
        self.studies.add_raters(study_id, rows)
        for row in rows:
            self.audit.record(who, "rater.invited", row.id)
        return [row.id for row in rows]

    def require_new(self, study_id: str, rater: NewRater, beside: Sequence[NewRater] = ()) -> None:
        """Raise `InvalidStudy` for a pseudonym that is empty or taken, or for one rater too many."""
        taken = {each.pseudonym for each in self.studies.raters(study_id)} | {each.pseudonym for each in beside}
        name = rater.pseudonym.strip()
        if not name or "|" in name or not name.isprintable() or len(name) > MAX_NAME or name in taken:
            raise InvalidStudy(
                where=f"rater {name[:MAX_NAME]!r}",
                reason=f"is empty, taken, longer than {MAX_NAME} characters, or holds “|”.",
                reason_zh=f"为空、已被占用、超过 {MAX_NAME} 个字符，或含有“|”。",
            )
        if len(taken) >= MAX_RATERS:
            raise InvalidStudy(where="raters", reason=f"at most {MAX_RATERS}.", reason_zh=f"最多 {MAX_RATERS} 人。")

    # --- The protocol.

    def protocol(self, study_id: str) -> Protocol:
        """The latest."""
        return read_protocol(self.studies.versions(study_id)[-1].protocol)

    def history(self, study_id: str) -> History:
        """Of a frozen protocol, oldest first; empty for a draft."""
        return tuple(
            Version(row.number, read_protocol(row.protocol), row.on, row.reason, row.previous)
            for row in self.studies.versions(study_id)
            if row.number
        )

    def enrol(self, study_id: str, who: str) -> None:
        """Freeze the protocol and open the study to its raters' consent. Raises `NotNow` or `InvalidStudy`."""
        self.studies.require(study_id, "draft")
        protocol = self.protocol(study_id)
        if not self.studies.arms(study_id):
            raise InvalidStudy(where="arms", reason="say first where their answers come from.", reason_zh="请先设置各臂的来源。")  # fmt: skip
        if not any(not case.is_practice for case in self.studies.cases(study_id)):
            raise InvalidStudy(where="cases", reason="there are none.", reason_zh="没有病例。")
        self.studies.add_version(_row(study_id, freeze(protocol, self.clock().date())[0]))
        self.studies.change_state(study_id, ["draft"], "enrolling")
        self.audit.record(who, "study.enrolling", study_id, new={"protocol": protocol.sha256})

    def amend(self, study_id: str, protocol: Protocol, reason: str, who: str) -> None:
        """One more version of a frozen protocol. Raises `InvalidStudy` for what cannot be amended."""
        self.studies.require(study_id, "enrolling", "rating")
        version = amend(self.history(study_id), protocol, reason, self.clock().date())[-1]
        self.studies.add_version(_row(study_id, version))
        self.audit.record(who, "study.amended", study_id, new={"protocol": version.sha256, "number": version.number})

    # --- Allocation.

    def troubles(self, study_id: str) -> list[Trouble]:
        """What keeps the study from being assigned: every case needs an answer of every arm that may be read."""
        studies = self.studies
        return troubles(studies.cases(study_id), studies.arms(study_id), studies.answers(study_id))

    def design(self, study_id: str) -> Design:
        study, protocol = self.studies.study(study_id), self.protocol(study_id)
        cases = self.studies.cases(study_id)
        return Design(
            cases=[StudyCase(case.key, case.stratum or case.specialty) for case in cases if not case.is_practice],
            raters=[rater.pseudonym for rater in self.studies.raters(study_id) if rater.withdrawn_at is None],
            arms=[arm.name for arm in protocol.arms],
            raters_per_case=protocol.raters_per_case,
            seed=protocol.seed,
            secret=bytes.fromhex(study.secret),
            mode=protocol.mode,
            practice=[StudyCase(case.key) for case in cases if case.is_practice],
            rules=protocol.rules,
        )

    def preview(self, study_id: str) -> tuple[Plan, Balance]:
        """Who would rate what, and how balanced that is. Raises `InvalidStudy` where it cannot be laid out."""
        design = self.design(study_id)
        made = plan(design)
        return made, balance(made, design.cases, design.arms)

    def assign(self, study_id: str, who: str) -> int:
        """Lay out the assignments and begin rating; returns how many there are. Raises `InvalidStudy`, `NotNow`."""
        self.studies.require(study_id, "enrolling")
        if troubles := self.troubles(study_id):
            more = len(troubles) - 1
            raise InvalidStudy(
                where="answers",
                reason=troubles[0].text() + (f", and {more} more." if more else "."),
                reason_zh=troubles[0].text("zh") + (f"，另有 {more} 处。" if more else "。"),
            )
        made, _ = self.preview(study_id)
        raters = {rater.pseudonym: rater.id for rater in self.studies.raters(study_id)}
        cases = {case.key: case.id for case in self.studies.cases(study_id)}
        arms = {arm.id: arm.name for arm in self.studies.arms(study_id)}
        answers = {(each.case_id, arms[each.arm_id]): each.id for each in self.studies.answers(study_id)}
        secret = bytes.fromhex(self.studies.study(study_id).secret)
        rows = [
            row
            for pseudonym, items in made.items.items()
            for row in _assignments(raters[pseudonym], pseudonym, items, cases, answers, secret)
        ]
        self.studies.assign(study_id, rows)
        self.audit.record(who, "study.assigned", study_id, new={"assignments": len(rows), "raters": len(made.items)})
        return len(rows)

    # --- The end.

    def lock(self, study_id: str, who: str) -> None:
        """Let nobody rate or amend any more. Raises `NotNow`."""
        self.studies.change_state(study_id, ["rating"], "locked", locked_at=self.clock())
        self.audit.record(who, "study.locked", study_id)

    def unblind(self, study_id: str, who: str) -> list[str]:
        """Agree to unblind; done once two people have. Returns who has. Raises `NotNow`."""
        names = self.studies.approve(study_id, who, self.clock(), UNBLINDERS)
        done = len(names) >= UNBLINDERS
        self.audit.record(who, "study.unblinded" if done else "study.unblinding", study_id, new={"by": names})
        return names


def _assignments(
    rater_id: str,
    pseudonym: str,
    items: Sequence[Item],
    cases: Mapping[str, str],
    answers: Mapping[tuple[str, str], str],
    secret: bytes,
) -> list[Assignment]:
    """A rater's items, and one answer of each arm to guess about at the end.

    `cases` are ids by the lead's own; `answers` are ids by case and arm name.
    """
    ids = {item.position: new_id() for item in items}
    rows = [
        new_assignment(
            ids[item.position],
            rater_id,
            cases[item.case],
            "practice" if item.is_practice else "repeat" if item.is_repeat_of else "primary",
            item.position,
            [answers[cases[item.case], arm] for arm in item.arms],
            repeat_of=ids[item.is_repeat_of] if item.is_repeat_of else None,
            wait_days=item.wait_days,
        )
        for item in items
    ]
    seed = hmac.digest(secret, f"{pseudonym}|closing".encode(), hashlib.sha256)
    seen = {arm: item.case for item in reversed(items) if item.is_primary for arm in item.arms}
    order = shuffled(sorted(seen), random.Random(int.from_bytes(seed)))
    return rows + [
        new_assignment(
            new_id(), rater_id, cases[seen[arm]], "closing", len(items) + n, [answers[cases[seen[arm]], arm]]
        )
        for n, arm in enumerate(order, 1)
    ]


def _row(study_id: str, version: Version) -> ProtocolVersion:
    return ProtocolVersion(
        study_id=study_id,
        number=version.number,
        protocol=version.protocol.model_dump(mode="json"),
        on=version.on,
        reason=version.reason,
        previous=version.previous,
        sha256=version.sha256,
    )


def troubles(cases: Iterable[StoredCase], arms: Sequence[StudyArm], answers: Iterable[AnswerOutline]) -> list[Trouble]:
    """The pairs of case and arm without an answer that raters may read."""
    given = {(each.case_id, each.arm_id): each for each in answers}
    found = [(case, arm, _trouble(given.get((case.id, arm.id)))) for case in cases for arm in arms]
    return [Trouble(code, case.key, arm.name) for case, arm, code in found if code]


def _trouble(answer: AnswerOutline | None) -> str:
    if answer is None:
        return "no_answer"
    return "failed" if answer.failed else "blocked" if answer.blocked else ""


def new_assignment(
    assignment_id: str,
    rater_id: str,
    case_id: str,
    kind: str,
    position: int,
    responses: list[str],
    *,
    repeat_of: str | None = None,
    wait_days: int = 0,
) -> Assignment:
    """One that nobody has opened."""
    return Assignment(
        id=assignment_id,
        rater_id=rater_id,
        case_id=case_id,
        kind=kind,
        position=position,
        responses=responses,
        repeat_of=repeat_of,
        wait_days=wait_days,
        state="open",
        holder="",
        draft={},
        revision=0,
        pages=[],
        active_ms=0,
        wall_ms=0,
    )
