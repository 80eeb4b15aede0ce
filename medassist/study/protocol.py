"""The protocol of a study: what is claimed, how it is counted, who rates what; hashed, frozen, amended in the open.

Two protocols that say the same have the same hash, whatever the order of their keys. An amendment is a new version with
its reason, its date and the hash of the version before, so that none can be slipped in or left out.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt, StringConstraints, ValidationError, model_validator

from medassist.errors import InvalidStudy
from medassist.study.faults import Bilingual, Code, Strict, Text, fault, invalid
from medassist.study.instrument import load_instrument, shipped
from medassist.study.order import Mode, Rules

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^|\x00-\x1f]+$")
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

FIXED = ("arms", "mode", "seed")
"""What no amendment may touch: with other arms, another mode or another draw it is another study."""


class Arm(Strict):
    name: Name  # secret until unblinding
    guess: Bilingual  # how it is described when raters are asked, at the end, what they think they saw


class PrimaryEstimate(Strict):
    measure: Literal["acceptance", "acceptance_difference", "preference"]
    arm: Name
    reference: Name | None = None  # what the arm is compared with
    level: float = Field(0.95, ge=0.5, le=0.999)  # of the interval


class InstrumentUsed(Strict):
    id: Code
    version: Text
    sha256: Sha256


class DisplayRules(Strict):
    keep_reasoning: StrictBool = False
    max_diagnoses: StrictInt = Field(5, ge=1, le=20)
    max_text_en: StrictInt = Field(3000, ge=200)
    max_text_zh: StrictInt = Field(1500, ge=200)


class Protocol(Strict):
    title: Text
    hypothesis: Text
    primary_estimate: PrimaryEstimate
    minor_edits_count: StrictBool  # whether “with minor edits” counts as accepted
    mode: Mode
    arms: tuple[Arm, ...] = Field(min_length=1)
    raters_per_case: StrictInt = Field(ge=1, le=50)
    seed: StrictInt = Field(ge=0)
    instrument: InstrumentUsed
    repeat_share: float = Field(0.1, ge=0, le=0.5)
    practice_items: StrictInt = Field(5, ge=0, le=50)
    arms_apart: StrictInt = Field(20, ge=0)
    repeats_apart: StrictInt = Field(50, ge=0)
    wait_days: StrictInt = Field(14, ge=0)
    display: DisplayRules = DisplayRules()

    @property
    def rules(self) -> Rules:
        return Rules(self.repeat_share, self.practice_items, self.arms_apart, self.repeats_apart, self.wait_days)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(canonical(self.model_dump(mode="json")).encode()).hexdigest()

    @model_validator(mode="after")
    def _hangs_together(self) -> "Protocol":
        names = [arm.name for arm in self.arms]
        if twice := next((name for n, name in enumerate(names) if name in names[:n]), None):
            raise fault(f"the arm {twice} stands twice", f"臂 {twice} 重复")
        primary = self.primary_estimate
        for arm in filter(None, (primary.arm, primary.reference)):
            if arm not in names:
                raise fault(f"the primary estimate is about an unknown arm, {arm}", f"主要指标涉及未知的臂 {arm}")
        compares = primary.measure != "acceptance"
        if compares != (primary.reference is not None) or primary.reference == primary.arm:
            raise fault(
                "a difference or a preference needs another arm as reference, an acceptance none",
                "差值或偏好需要以另一臂为参照，单臂接受率则不需要",
            )
        if (primary.measure == "preference") != (self.mode == "paired"):
            raise fault(
                "a preference is measured in paired mode, and nothing else is", "偏好须在成对模式下测量，且仅限于此"
            )
        return self


def canonical(data: object) -> str:
    """One text for one meaning: keys in order, composed letters, no white space."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return unicodedata.normalize("NFC", text)


def read_protocol(data: Mapping[str, Any], source: str = "protocol") -> Protocol:
    """A protocol from decoded JSON or YAML. Raises `InvalidStudy` that names `source` and the field."""
    try:
        protocol = Protocol.model_validate(data)
    except ValidationError as error:
        raise invalid(error, source, data) from None
    require_instrument(protocol, source)
    return protocol


def require_instrument(protocol: Protocol, source: str = "protocol") -> None:
    """Raise `InvalidStudy` where a shipped instrument is named whose content is another. Others are the caller's."""
    used = protocol.instrument
    if used.id not in shipped():
        return
    known = load_instrument(used.id)
    if (used.version, used.sha256) != (known.version, known.sha256):
        raise InvalidStudy(
            where=f"{source}: instrument",
            reason=f"{used.id} is version {known.version} here, and its content or version is another.",
            reason_zh=f"此处 {used.id} 的版本为 {known.version}，内容或版本与方案不符。",
        )


# --- Frozen, and amended.


@dataclass(frozen=True)
class Version:
    number: int
    protocol: Protocol
    on: date
    reason: str  # "" for the first
    previous: str  # sha256 of the version before, "" for the first

    @property
    def sha256(self) -> str:
        """Of the protocol and of everything before it."""
        record = {
            "number": self.number,
            "protocol": self.protocol.model_dump(mode="json"),
            "on": self.on.isoformat(),
            "reason": self.reason,
            "previous": self.previous,
        }
        return hashlib.sha256(canonical(record).encode()).hexdigest()


History = tuple[Version, ...]


def freeze(protocol: Protocol, on: date) -> History:
    """The first version, at enrolling."""
    return (Version(1, protocol, on, "", ""),)


def amend(history: History, protocol: Protocol, reason: str, on: date) -> History:
    """`history` with one more version. Raises `InvalidStudy` for one without reason, change or order, or out of bounds."""
    last = history[-1]
    changed = changes(last.protocol, protocol)
    if not reason.strip():
        raise InvalidStudy(where="amendment", reason="it needs a reason.", reason_zh="修订须说明理由。")
    if not changed:
        raise InvalidStudy(where="amendment", reason="it changes nothing.", reason_zh="修订没有任何改动。")
    if fixed := [name for name in changed if name.split(".")[0] in FIXED]:
        raise InvalidStudy(
            where=f"amendment: {fixed[0]}",
            reason="cannot be changed once the study has begun; make a new study.",
            reason_zh="研究开始后不可更改，请新建研究。",
        )
    if on < last.on:
        raise InvalidStudy(
            where="amendment",
            reason=f"it is dated before version {last.number}.",
            reason_zh=f"日期早于第 {last.number} 版。",
        )
    return (*history, Version(last.number + 1, protocol, on, reason.strip(), last.sha256))


def changes(before: Protocol, after: Protocol) -> list[str]:
    """The fields that differ, as dotted names."""
    return sorted(_differences(before.model_dump(mode="json"), after.model_dump(mode="json")))


def _differences(one: Any, other: Any, place: str = "") -> list[str]:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return [] if one == other else [place]
    inside = [_differences(one.get(key), other.get(key), f"{place}.{key}" if place else key) for key in one | other]
    return [name for names in inside for name in names]


def require_unbroken(history: History) -> None:
    """Raise `InvalidStudy` naming the first version that does not follow from the one before."""
    for n, version in enumerate(history, 1):
        before = history[n - 2].sha256 if n > 1 else ""
        if (version.number, version.previous) != (n, before):
            raise InvalidStudy(
                where=f"protocol version {n}",
                reason="does not follow from the version before.",
                reason_zh="与前一版本不相衔接。",
            )
