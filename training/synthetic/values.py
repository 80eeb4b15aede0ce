"""Numbers that say what the findings say: beyond a finding's limit where it is stated, on the other side where not."""

import math
import random
import re
from collections.abc import Collection, Mapping

from medassist.knowledge.records import Limit
from training.synthetic.world import World

VITAL_SIGNS = ("temperature_c", "heart_rate", "respiratory_rate", "systolic_bp", "diastolic_bp", "spo2_percent")

_USUAL: Mapping[str, tuple[float, float]] = {
    "temperature_c": (36.3, 37.2), "spo2_percent": (96, 99), "wbc": (5.0, 9.0), "hemoglobin": (125, 150),
    "platelets": (180, 320), "sodium": (137, 143), "potassium": (3.8, 4.6), "creatinine": (55, 90), "glucose": (4.6, 6.0),
    "crp": (1, 4), "alt": (12, 30), "calcium": (2.2, 2.45), "albumin": (38, 46), "tsh": (1.0, 3.0), "bilirubin_total": (6, 15),
}  # fmt: skip
"""What most healthy people have; by age below."""
_BY_AGE: Mapping[str, tuple[tuple[float, tuple[float, float]], ...]] = {
    "heart_rate": ((0.1, (120, 150)), (1, (110, 140)), (3, (95, 120)), (6, (85, 110)), (12, (75, 100)), (200, (62, 88))),
    "respiratory_rate": ((0.1, (36, 48)), (1, (28, 38)), (3, (24, 30)), (6, (20, 26)), (12, (18, 22)), (200, (13, 18))),
    "systolic_bp": ((0.1, (65, 80)), (1, (80, 95)), (3, (88, 100)), (6, (92, 106)), (12, (98, 112)), (200, (112, 134))),
    "diastolic_bp": ((0.1, (38, 48)), (1, (45, 58)), (3, (50, 62)), (6, (54, 66)), (12, (58, 70)), (200, (66, 84))),
}  # fmt: skip
ROUTINE = ("wbc", "hemoglobin", "platelets", "sodium", "potassium", "creatinine", "glucose", "crp", "alt", "calcium")
"""Blood values that are done in anybody."""
ROUTINE_CHILD = ("platelets", "sodium", "potassium", "glucose", "crp", "calcium")
_ABOUT: Mapping[str, str] = {
    "wbc": "leuk|neutro|wbc|penia|cytosis|infect|sepsis", "hemoglobin": "anemi|hemoglob|polycyth|hemorr|bleed",
    "platelets": "thrombo|penia|cytosis|platelet", "sodium": "natr|sodium", "potassium": "kal|potass",
    "creatinine": "creatin|renal|kidney|azot|ckd|dialysis|uremi|nephr", "glucose": "gly|glucose|diabet|insulin|sugar|metformin",
    "crp": "crp|inflam|esr|infect|sepsis", "alt": "transamin|liver|hepat|cirrh", "calcium": "calc|parathyr",
}  # fmt: skip
"""What a routine value would say something of, by the names of findings: then a normal one may contradict."""
_SPREAD = 0.45
"""How far beyond its limit a value goes, as a share of the limit; less where a body survives less."""
_NARROW: Mapping[str, float] = {
    "temperature_c": 0.045, "spo2_percent": 0.1, "ph": 0.02, "sodium": 0.08, "potassium": 0.25, "calcium": 0.2,
    "systolic_bp": 0.25, "diastolic_bp": 0.25, "heart_rate": 0.3, "respiratory_rate": 0.4, "albumin": 0.3,
    "hematocrit": 0.25, "magnesium": 0.3, "chloride": 0.08, "serum_osmolality": 0.1, "hba1c": 0.6,
}  # fmt: skip


def usual(measure: str, age: float, *, feverish: bool = False) -> tuple[float, float] | None:
    """The range of healthy people, where it is known here; a fever drives the pulse."""
    if measure in _BY_AGE:
        low, high = next(ranges for limit, ranges in _BY_AGE[measure] if age <= limit)
        return (high - 6, high + 8) if feverish and measure == "heart_rate" else (low, high)
    return _USUAL.get(measure)


def applies(limit: Limit, age: float, sex: str) -> bool:
    """Whether a limit is held against this patient. Ages are the whole years that a case gives."""
    return (limit.ages is None or limit.ages[0] <= math.floor(age) <= limit.ages[1]) and limit.sex in (None, sex)


def said(world: World, measure: str, number: float, age: float, sex: str) -> tuple[set[str], set[str]]:
    """The findings that a value is, and those that it rules out."""
    found = [(name, limit) for name, limit in world.limits[measure] if applies(limit, age, sex)]
    return (
        {name for name, limit in found if limit.holds(number)},
        {name for name, limit in found if not limit.holds(number)},
    )


def number(
    world: World, measure: str, reach: Collection[str], age: float, sex: str, rng: random.Random
) -> float | None:
    """A value that is exactly what is so: every finding of `reach` that it can be, and no other. None: there is none."""
    limits = [(name, limit) for name, limit in world.limits[measure] if applies(limit, age, sex)]
    if any(name in reach for name, _ in world.limits[measure]) and not any(name in reach for name, _ in limits):
        return None  # stated, but at this age no limit says from where on
    wanted = {name for name, _ in limits if name in reach}
    low, high = _range(world, measure, limits, wanted, age, feverish="fever" in reach)
    if low is None or high is None or low > high:
        return None
    digits = _digits(measure, low, high)
    for _ in range(12):
        value = round(rng.triangular(low, high, low if _upward(limits, wanted) else high if wanted else None), digits)
        is_, _ = said(world, measure, value, age, sex)
        if is_ == wanted:
            return value
    return None


def _range(
    world: World, measure: str, limits: list[tuple[str, Limit]], wanted: set[str], age: float, *, feverish: bool
) -> tuple[float | None, float | None]:
    """Where the value may lie: from the strictest limit wanted outwards, or in the usual range where none is."""
    low, high = world.graph.measures[measure].plausible
    if not wanted:
        return usual(measure, age, feverish=feverish) or (None, None)
    above = [limit.at_least for name, limit in limits if name in wanted and limit.at_least is not None]
    below = [limit.at_most for name, limit in limits if name in wanted and limit.at_most is not None]
    spread = _NARROW.get(measure, _SPREAD)
    if above and not below:
        low = max(above)
        high = min(high, low + max(abs(low) * spread, 0.1))
        not_yet = [limit.at_least for name, limit in limits if name not in wanted and limit.at_least is not None]
        return low, min([high, *(each - 10 ** -_digits(measure, low, high) for each in not_yet if each > low)])
    if below and not above:
        high = min(below)
        low = max(low, high - max(abs(high) * spread, 0.1))
        not_yet = [limit.at_most for name, limit in limits if name not in wanted and limit.at_most is not None]
        return max([low, *(each + 10 ** -_digits(measure, low, high) for each in not_yet if each < high)]), high
    return (max(above), min(below)) if above and below else (None, None)


def _upward(limits: list[tuple[str, Limit]], wanted: set[str]) -> bool:
    return any(name in wanted and limit.at_least is not None for name, limit in limits)


def _digits(measure: str, low: float, high: float) -> int:
    if measure in ("temperature_c", "potassium", "wbc", "glucose", "hba1c", "lactate"):
        return 1
    if measure in VITAL_SIGNS or measure in (
        "hemoglobin",
        "platelets",
        "sodium",
        "creatinine",
        "crp",
        "esr",
        "gestation_weeks",
    ):
        return 0
    return 0 if high >= 30 else 1 if high >= 5 else 2


_UNSAID: Mapping[str, str] = {
    "temperature_c": r"fever|pyrex|hypertherm|hypotherm|heat_|chill|rigor|toxic|sepsis|infection_sys",
    "heart_rate": r"tachy|brady|shock|palpit|arrest|irregular|arrhyth|fibrillation|block|svt|dehydrat|collapse|withdrawal",
    "respiratory_rate": r"dyspn|tachypn|breath|respir|apnea|apnoea|asphyx|kussmaul|grunt|recession|arrest|orthopn",
    "systolic_bp": r"shock|hypotens|hypertens|collapse|pressure|arrest|postural|dehydrat|tamponade|pulseless",
    "spo2_percent": r"hypox|cyan|dyspn|respir|asphyx|apnea|breath|recession|grunt|arrest|smoke_inh|carbon_mon|orthopn",
}


def routine(world: World, disease: str, reach: Collection[str], age: float) -> list[str]:
    """The blood values that may be normal beside what is so, and whose normality says nothing."""
    names = world.told[disease] | set(reach)
    return [
        measure
        for measure in (ROUTINE if age >= 14 else ROUTINE_CHILD)
        if measure in world.limits and not any(re.search(_ABOUT[measure], name) for name in names)
    ]


def unsure(measure: str, reach: Collection[str]) -> bool:
    """Whether what is stated in words leaves it open what the sign would be: then it is better not given."""
    pattern = _UNSAID.get("systolic_bp" if measure == "diastolic_bp" else measure)
    return bool(pattern) and any(re.search(pattern or "", name) for name in reach)
