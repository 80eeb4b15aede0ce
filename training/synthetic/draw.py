"""Draws a patient: a disease, who has it, which of its findings, what is denied, what has nothing to do with it."""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from medassist.knowledge.rank import PRIOR
from medassist.knowledge.records import SHARE, Disease
from training.synthetic.values import VITAL_SIGNS, number, routine, said, unsure
from training.synthetic.wording import deniable
from training.synthetic.world import COURSE, World

FEWEST, MOST = 4, 8
"""How many findings of the disease a full case states."""
_PAIR = {"systolic_bp", "diastolic_bp"}
YOUNG = ("asthma_history", "atopy_history", "cat_contact", "dog_contact", "family_diabetes", "family_hypertension")
"""What the young have too of what has nothing to do with it."""
INVESTIGATED = 0.6
"""The share of cases that come with results."""
OUTSIDE_AGE = 0.05
IN_NUMBERS = 0.75
"""How often a blood value is given as a number rather than in words."""


@dataclass(frozen=True)
class Patient:
    """What is so of a patient, before anything is written. Findings are ids of the graph."""

    disease: str
    age: float
    sex: str
    stated: tuple[str, ...]  # of the disease
    noise: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)  # by measure
    by_number: frozenset[str] = frozenset()  # the stated findings that a number says
    ruled_out: frozenset[str] = frozenset()  # the findings that a number says are not there

    @property
    def years(self) -> int:
        return int(self.age)

    @property
    def present(self) -> tuple[str, ...]:
        return (*self.stated, *self.noise)

    @property
    def absent(self) -> tuple[str, ...]:
        return (*self.denied, *sorted(self.ruled_out - set(self.denied)))


def weights(diseases: Sequence[Disease], *, by_prevalence: bool, cap: float) -> list[float]:
    """How often each disease is drawn: alike or by prevalence, no specialty more than `cap` of all."""
    each = [PRIOR[disease.prevalence] if by_prevalence else 1.0 for disease in diseases]
    total = sum(each)
    share: Counter[str] = Counter()
    for disease, weight in zip(diseases, each, strict=True):
        share[disease.specialty] += weight / total  # type: ignore[assignment]
    return [weight * min(1.0, cap / share[disease.specialty]) for disease, weight in zip(diseases, each, strict=True)]


def draw(world: World, disease: Disease, rng: random.Random, *, vital_signs: bool, few: bool = False) -> Patient | None:
    """A patient with the disease, or None where too little came together. `few`: two or three findings, no numbers."""
    age, sex = _age(disease, rng), _sex(disease, rng)
    stated = _findings(world, disease, age, sex, rng, few=few)
    if stated is None:
        return None
    noise = () if few or rng.random() < 0.4 else _noise(world, disease, stated, age, sex, rng)
    reach = world.reach((*stated, *noise))
    numbers = {} if few else _numbers(world, disease, stated, reach, age, sex, rng, vital_signs=vital_signs)
    by_number, ruled_out = _by_numbers(world, numbers, age, sex)
    denied = _denied(world, disease, (*stated, *noise), age, sex, rng, most=1 if few else 4)
    return Patient(
        disease.id, age, sex, stated, noise, denied, numbers, frozenset(by_number & set(stated)), frozenset(ruled_out - reach)
    )  # fmt: skip


def _age(disease: Disease, rng: random.Random) -> float:
    low, high = disease.age
    if rng.random() < OUTSIDE_AGE and high > 2:
        return max(0.0, min(99.0, rng.choice((low * 0.85, high * 1.08))))
    return rng.uniform(low, min(high, 97.0))


def _sex(disease: Disease, rng: random.Random) -> str:
    if disease.sex in ("female", "male"):
        return disease.sex
    female = {"mostly_female": 0.85, "mostly_male": 0.12}.get(disease.sex, 0.5)
    return "female" if rng.random() < female else "male"


def _findings(
    world: World, disease: Disease, age: float, sex: str, rng: random.Random, *, few: bool
) -> tuple[str, ...] | None:
    """The disease's findings, each by its own frequency, none that another implies or contradicts."""
    graph, against = world.graph, set(disease.findings.against)
    listed = {**disease.findings.for_, **disease.findings.pathognomonic}
    results = rng.random() < (0.3 if few else INVESTIGATED)
    drawn = [
        name
        for name, frequency in listed.items()
        if name in graph.findings
        and rng.random() < rng.uniform(*SHARE[frequency])
        and world.who[name].fits(age, sex)
        and (results or graph.findings[name].kind != "result")
        and not against & world.line[name]
        and not set(disease.id.split("_")) <= set(name.split("_"))  # that would be the answer
    ]
    rng.shuffle(drawn)
    kept: list[str] = []
    for name in drawn:
        if not any(world.clash(name, other) for other in world.reach(kept)) and _sisters(world, name, kept) < 2:
            kept.append(name)
    kept = [name for name in kept if not any(name in world.line[other] and name != other for other in kept)]
    most = rng.randint(2, 3) if few else rng.randint(FEWEST + 1, MOST)
    kept = _balanced(world, kept, most)
    complaints = [name for name in kept if graph.findings[name].kind in ("symptom", "sign")]
    return tuple(kept) if len(kept) >= (2 if few else FEWEST) and complaints else None


def _sisters(world: World, name: str, kept: Iterable[str]) -> int:
    """How many are another kind of the same thing (a stabbing and a crushing chest pain)."""
    parents = set(world.graph.findings[name].is_)
    return sum(bool(parents & set(world.graph.findings[other].is_)) for other in kept)


def _balanced(world: World, kept: list[str], most: int) -> list[str]:
    """At most `most`, and not mostly history or results."""
    chosen: list[str] = []
    share: Counter[str] = Counter()
    for name in sorted(kept, key=lambda each: world.graph.findings[each].kind not in ("symptom", "sign")):
        kind = world.graph.findings[name].kind
        limit = {"history": 2, "result": 3}.get(kind, most)
        if share[kind] < limit:
            share[kind] += 1
            chosen.append(name)
    if len(chosen) > most:  # room for what is not a symptom
        others = [name for name in chosen if world.graph.findings[name].kind in ("history", "result")][: most // 2]
        chosen = [name for name in chosen if name not in others][: most - len(others)] + others
    return chosen


def _noise(
    world: World, disease: Disease, stated: Sequence[str], age: float, sex: str, rng: random.Random
) -> tuple[str, ...]:
    told = world.told[disease.id] | set(disease.findings.against)
    possible = [
        name
        for name in world.unrelated
        if world.who[name].fits(age, sex)
        and not told & world.line[name]
        and not any(world.clash(name, other) or name in world.line[other] for other in stated)
        and age >= (5 if name in YOUNG else 30)
    ]
    return tuple(rng.sample(possible, min(len(possible), rng.choice((1, 1, 2)))))


# --- Numbers.


def _numbers(
    world: World,
    disease: Disease,
    stated: Sequence[str],
    reach: Collection[str],
    age: float,
    sex: str,
    rng: random.Random,
    *,
    vital_signs: bool,
) -> dict[str, float]:
    """The values of the findings that are values, the other vital signs, and a routine blood value or two."""
    owned = {limit.of for name in stated for limit in world.graph.findings[name].measure}
    wanted = [measure for measure in sorted(owned) if measure not in VITAL_SIGNS and rng.random() < IN_NUMBERS]
    if any(world.graph.findings[name].kind == "result" for name in stated):
        free = [measure for measure in routine(world, disease.id, reach, age) if measure not in owned]
        wanted += rng.sample(free, min(len(free), rng.choice((0, 1, 1, 2))))
    if vital_signs:
        shown = [measure for measure in VITAL_SIGNS if measure in owned or rng.random() < 0.8]
        shown = [each for each in shown if each not in _PAIR] + [each for each in sorted(_PAIR) if _PAIR & set(shown)]
        usual = {
            limit.of
            for name, frequency in disease.findings.all().items()
            if frequency in ("obligate", "very_frequent", "frequent") and name in world.graph.findings
            for broader in world.line[name]
            for limit in world.graph.findings[broader].measure
        }  # a normal value would speak against what is true
        usual |= _PAIR if usual & _PAIR and not owned & _PAIR else set()
        wanted += [each for each in shown if each in owned or not (each in usual or unsure(each, reach))]
    found = {}
    for measure in wanted:
        if (value := number(world, measure, reach, age, sex, rng)) is not None:
            found[measure] = value
    return _pressures(found, owned)


def _pressures(found: dict[str, float], owned: Collection[str]) -> dict[str, float]:
    """A pressure is a pair, the upper one above the lower."""
    high, low = found.get("systolic_bp"), found.get("diastolic_bp")
    if high is None and low is None:
        return found
    if high is None or low is None or high - low < 15:
        kept = (
            "diastolic_bp"
            if high is None or ("systolic_bp" not in owned and "diastolic_bp" in owned)
            else "systolic_bp"
        )
        other = {"systolic_bp": "diastolic_bp", "diastolic_bp": "systolic_bp"}[kept]
        return {measure: value for measure, value in found.items() if measure != other}
    return found


def _by_numbers(world: World, numbers: Mapping[str, float], age: float, sex: str) -> tuple[set[str], set[str]]:
    is_: set[str] = set()
    is_not: set[str] = set()
    for measure, value in numbers.items():
        here, gone = said(world, measure, value, age, sex)
        is_ |= here
        is_not |= gone
    return is_, is_not


# --- Denials.


def _denied(
    world: World, disease: Disease, stated: Sequence[str], age: float, sex: str, rng: random.Random, *, most: int
) -> tuple[str, ...]:
    """What look-alikes typically have and this disease has not, and what one always asks for."""
    typical = [
        name
        for other in disease.look_alikes
        if other.disease in world.graph.diseases
        for name, frequency in world.graph.diseases[other.disease].findings.all().items()
        if frequency in ("obligate", "very_frequent", "frequent")
    ]
    rng.shuffle(typical)
    asked = rng.sample(world.asked, 6)
    count = rng.randint(1, most) if most > 1 else rng.randint(0, 1)
    chosen: list[str] = []
    for name in [*typical[:8], *asked, *typical[8:16]]:
        if len(chosen) == count:
            break
        apart = not any(name in world.line[other] or other in world.line[name] for other in chosen)
        if apart and _can_deny(world, disease, name, stated, age, sex):
            chosen.append(name)
    rng.shuffle(chosen)
    return tuple(chosen)


def _can_deny(world: World, disease: Disease, name: str, stated: Sequence[str], age: float, sex: str) -> bool:
    finding = world.graph.findings.get(name)
    if finding is None or finding.kind not in ("symptom", "sign") or not world.who[name].fits(age, sex):
        return False
    if name in COURSE or (finding.measure and name != "fever"):
        return False  # its number says so, or nobody says so
    if age < 4 and finding.kind == "symptom" and name not in ("cough", "vomiting", "diarrhea", "fever", "rash"):
        return False  # a small child complains of nothing
    line, reach = world.line[name], world.reach(stated)
    told = {**disease.findings.for_, **disease.findings.pathognomonic}
    return (
        name not in reach
        and not line & set(stated)
        and not line & set(told)
        and name not in world.told[disease.id]
        and deniable(finding.name.en, "en")
        and deniable(finding.name.zh, "zh")
    )
