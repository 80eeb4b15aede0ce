"""Ranks the diseases of the graph for what a case states: a naive Bayes score over findings, age and sex.

    score(d) = log prior(d) + Σ stated log P(f|d)/P(f) + Σ denied log (1−P(f|d))/(1−P(f)) + λ Σ unmentioned …

P(f|d) is the middle of the finding's HPO frequency class; P(f) its mean over the diseases, weighted by how common they
are; a finding that a disease does not list has the background rate, lowered, since the record would name what is
typical. A finding counts once along its `is` line: as itself where the disease lists it, else as the nearest broader
one that the disease lists. The assumptions are naive Bayes' own (findings independent given the disease): a score
orders, it is no probability, and none is shown (Rish, An empirical study of the naive Bayes classifier, 2001).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from medassist.findings import Status
from medassist.knowledge.lexicon import Facts, Observation
from medassist.knowledge.records import SHARE, Disease, Finding, Frequency
from medassist.knowledge.validate import implied

PRIOR = {"common": 1.0, "uncommon": 0.5, "rare": 0.25}
"""How often a disease is met, one class to the next; far milder than true prevalence, since who asks is puzzled."""
LISTED_NOWHERE = 0.25
"""The rate of a finding in a disease that does not list it, as a share of the finding's background rate."""
FLOOR = 0.003
PATHOGNOMONIC = 2.5
"""Natural log added for a finding seen in hardly anything else."""
UNMENTIONED = 0.22
"""λ: a case that does not mention a cardinal complaint or sign has not denied it."""
CARDINAL = 0.8
OUTSIDE_AGE, FAR_OUTSIDE = 1.2, 3.5
RARE_SEX = 1.1
WEIGHT = {"symptom": 1.0, "sign": 1.0, "history": 0.85, "result": 0.95}
DENIED = 1.15
"""The weight of a denial: what a clinician asked for and did not find was thought of."""
DAMP = 0.94
"""Each further finding counts so much of the one before, the most telling first: findings of one disease go together."""
DOUBTFUL = 0.5
"""The weight of a finding that the case only suspects."""


@dataclass(frozen=True)
class Reason:
    """A finding's part in a score (natural log): `listed` is the disease's own finding it counts as."""

    finding: str
    listed: str
    weight: float
    frequency: Frequency | None = None


@dataclass(frozen=True)
class Ranked:
    disease: str
    score: float
    supporting: tuple[Reason, ...] = ()
    opposing: tuple[Reason, ...] = ()
    covered: tuple[Reason, ...] = ()  # explained, but counted already as another finding of the same line


@dataclass
class _Told:
    """What a disease says of findings, its own and what these imply."""

    rates: dict[str, float] = field(default_factory=dict)
    frequency: dict[str, Frequency] = field(default_factory=dict)
    pathognomonic: frozenset[str] = frozenset()
    against: frozenset[str] = frozenset()


def middle(frequency: Frequency) -> float:
    low, high = SHARE[frequency]
    return min(0.98, max(FLOOR, (low + high) / 2))


class Ranker:
    """Scores every disease of one graph."""

    def __init__(self, diseases: Mapping[str, Disease], findings: Mapping[str, Finding]) -> None:
        self.diseases, self.findings = diseases, findings
        self._line = {name: implied(findings, name) for name in findings}
        self._told = {name: self._read(disease) for name, disease in diseases.items()}
        self._background = self._backgrounds()
        self._by_finding: dict[str, list[str]] = defaultdict(list)
        for name, told in self._told.items():
            for finding in told.rates:
                self._by_finding[finding].append(name)

    def line(self, finding: str) -> set[str]:
        """A finding and all that it is."""
        return self._line.get(finding, set())

    def _read(self, disease: Disease) -> _Told:
        rates: dict[str, float] = {}
        frequency = {k: each for k, each in disease.findings.all().items() if k in self.findings}
        for name, each in frequency.items():
            rates[name] = middle(each)
        for name in (*disease.findings.for_, *disease.findings.pathognomonic):
            if name not in rates:
                continue
            for broader in self._line.get(name, ()):
                if broader not in frequency:
                    # Several narrower ones together make the broader one likelier, never less likely.
                    missing = (1 - rates.get(broader, 0.0)) * (1 - rates[name])
                    rates[broader] = min(0.95, 1 - missing)
        return _Told(rates, frequency, frozenset(disease.findings.pathognomonic), frozenset(disease.findings.against))

    def _backgrounds(self) -> dict[str, float]:
        weights = {name: PRIOR[disease.prevalence] for name, disease in self.diseases.items()}
        whole = sum(weights.values()) or 1.0
        sums: dict[str, float] = defaultdict(float)
        for name, told in self._told.items():
            for finding, rate in told.rates.items():
                sums[finding] += weights[name] * rate
        return {name: min(0.7, max(FLOOR, sums.get(name, 0.0) / whole)) for name in self.findings}

    def rank(self, facts: Facts, *, age: float | None = None, sex: str = "unknown", top: int = 10) -> list[Ranked]:
        """The likeliest diseases first, at most `top`; only such as some stated finding speaks for."""
        stated, doubtful = self._told_in(facts)
        denied = facts.absent
        implied_present = {broader for name in stated for broader in self._line.get(name, ())}
        shares = self._shares(stated, doubtful)
        candidates = {
            disease
            for name in shares
            for broader in self._line.get(name, ())
            for disease in self._by_finding.get(broader, ())
        }
        ranked = [
            self._score(disease, shares, denied, implied_present, age, sex)
            for disease in candidates
            if not _impossible(self.diseases[disease], sex)
        ]
        ranked = [each for each in ranked if each.supporting]
        return sorted(ranked, key=lambda each: (-each.score, each.disease))[:top]

    def weighed(
        self, facts: Facts, diseases: Iterable[str], *, age: float | None = None, sex: str = "unknown"
    ) -> dict[str, Ranked]:
        """These diseases as `rank` scores them, also such as no stated finding speaks for, in the order given."""
        stated, doubtful = self._told_in(facts)
        implied_present = {broader for name in stated for broader in self._line.get(name, ())}
        shares = self._shares(stated, doubtful)
        return {name: self._score(name, shares, facts.absent, implied_present, age, sex) for name in diseases}

    def unexplained(self, facts: Facts) -> dict[str, float]:
        """What each finding of a case adds to the score of a disease that does not list it: less than nothing."""
        return {name: share * math.log(LISTED_NOWHERE) for name, share in self._shares(*self._told_in(facts)).items()}

    def _told_in(self, facts: Facts) -> tuple[dict[str, Observation], dict[str, Observation]]:
        """What a case states, without what follows from it, and what it suspects besides."""
        stated = self._most_exact(facts.having(Status.PRESENT))
        return stated, {name: seen for name, seen in facts.having(Status.POSSIBLE).items() if name not in stated}

    def _shares(self, stated: Iterable[str], doubtful: Iterable[str]) -> dict[str, float]:
        """How much each finding counts; of either group the most telling first."""
        return {
            finding: share * WEIGHT[self.findings[finding].kind]
            for group, share in ((stated, 1.0), (doubtful, DOUBTFUL))
            for finding in sorted(group, key=lambda each: self._background.get(each, FLOOR))
        }

    def _most_exact(self, seen: Mapping[str, Observation]) -> dict[str, Observation]:
        """Without findings that another one implies."""
        covered = {broader for name in seen for broader in self._line.get(name, ()) if broader != name}
        return {name: each for name, each in seen.items() if name not in covered}

    def _score(
        self,
        name: str,
        findings: Mapping[str, float],
        denied: Mapping[str, Observation],
        implied_present: set[str],
        age: float | None,
        sex: str,
    ) -> Ranked:
        """`findings` are those stated and suspected, and how much each counts."""
        disease, told = self.diseases[name], self._told[name]
        score = math.log(PRIOR[disease.prevalence]) + _of_age(disease, age) + _of_sex(disease, sex)
        supporting: list[Reason] = []
        opposing: list[Reason] = []
        covered: list[Reason] = []
        used: set[str] = set()
        reasons: list[Reason] = []
        for finding, share in findings.items():
            reason = self._stated(told, finding, share, used)
            reasons.append(reason)
            if reason.listed in used:
                covered.append(reason)
            elif reason.listed:
                used.add(reason.listed)
                (supporting if reason.weight > 0 else opposing).append(reason)
        gains = sorted((each.weight for each in reasons if each.weight > 0), reverse=True)
        score += sum(weight * DAMP**place for place, weight in enumerate(gains))
        score += sum(each.weight for each in reasons if each.weight <= 0)
        for finding in denied:
            if finding in told.rates and finding not in implied_present:
                rate, background = told.rates[finding], self._background[finding]
                weight = DENIED * math.log((1 - rate) / (1 - background))
                score += weight
                if finding in told.frequency and finding not in told.against and rate >= 0.3:
                    opposing.append(Reason(finding, finding, weight, told.frequency[finding]))
        score += UNMENTIONED * sum(
            math.log((1 - told.rates[finding]) / (1 - self._background[finding]))
            for finding in disease.findings.for_
            if finding in told.rates
            and told.rates[finding] >= CARDINAL
            and finding not in implied_present
            and finding not in denied
            and self.findings[finding].kind in ("symptom", "sign")
        )
        return Ranked(
            name,
            score,
            tuple(sorted(supporting, key=lambda each: -each.weight)),
            tuple(sorted(opposing, key=lambda each: each.weight)),
            tuple(covered),
        )

    def _stated(self, told: _Told, finding: str, share: float, used: set[str]) -> Reason:
        """What a stated finding weighs: as the most telling of those along its line that the disease lists."""
        best = Reason(finding, "", 0.0)
        for each in self._line.get(finding, ()):
            if each not in told.rates or each in used:
                continue
            weight = math.log(told.rates[each] / self._background[each])
            if each in told.against:
                weight = min(weight, math.log(max(told.rates[each], FLOOR) / 0.25))
            if each in told.pathognomonic:
                weight += PATHOGNOMONIC
            if (
                not best.listed
                or (abs(weight) > abs(best.weight) and each != finding and best.listed != finding)
                or each == finding
            ):
                best = Reason(finding, each, share * weight, told.frequency.get(each))
        if best.listed:
            return best
        if counted := sorted(used & self._line.get(finding, set())):
            return Reason(finding, counted[0], 0.0)
        return Reason(finding, "", share * math.log(LISTED_NOWHERE))


def _impossible(disease: Disease, sex: str) -> bool:
    return (disease.sex, sex) in (("female", "male"), ("male", "female"))


def _of_age(disease: Disease, age: float | None) -> float:
    if age is None:
        return 0.0
    low, high = disease.age
    if low <= age <= high:
        # Among diseases that fit, one of a narrow age says more.
        return 0.35 * math.log(90 / max(12.0, high - low))
    distance = (low - age) / max(2.0, 0.25 * low) if age < low else (age - high) / max(4.0, 0.12 * high)
    return -min(FAR_OUTSIDE, OUTSIDE_AGE * distance)


def _of_sex(disease: Disease, sex: str) -> float:
    if sex not in ("male", "female"):
        return 0.0
    if disease.sex in (f"mostly_{sex}", sex):
        return 0.35
    return -RARE_SEX if disease.sex.startswith("mostly_") else 0.0


def sexes(sex: str) -> str:
    """A case's sex in English."""
    return {"男": "male", "女": "female"}.get(sex, sex)
