"""Weighs candidates against a patient, by the graph's own ranking and by what its lines in the prompt show.

A candidate is told in the prompt with the findings that the case has of it, those denied, and a few typical ones
beside: what is weighed here is no more than that, so that the answer follows from what a model can read.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from medassist.ground import FINDINGS
from medassist.knowledge.lexicon import Facts
from medassist.knowledge.rank import Ranked
from training.synthetic.draw import Patient
from training.synthetic.world import World, facts_of

Verdict = Literal["well", "partly", "poorly"]
TELLING = 0.9
"""Natural log of how much a finding raises a disease above the rest, from which on it tells something."""
FEWEST_TELLING = 3
WELL, PARTLY = 2.5, 1.5
MISSING = 0.5
"""The weight of a typical finding that nobody mentioned, against one of a finding stated or denied."""


@dataclass(frozen=True)
class Weighed:
    """A candidate: which of its findings the case has and denies, which typical ones are not mentioned."""

    disease: str
    has: tuple[str, ...]
    denied: tuple[str, ...]
    missing: tuple[str, ...]
    score: float
    telling: int

    @property
    def points(self) -> float:
        return len(self.has) - len(self.denied) - MISSING * len(self.missing)

    @property
    def order(self) -> tuple[float, float]:
        return self.points, self.score

    def verdict(self, well: float = WELL) -> Verdict:
        return "well" if self.points >= well else "partly" if self.points >= PARTLY else "poorly"


class Weighing:
    """All diseases of the graph, weighed for one patient."""

    def __init__(self, world: World, patient: Patient) -> None:
        self.world, self.patient = world, patient
        self._facts = facts_of(patient.present, patient.absent)

    @cached_property
    def ranked(self) -> Mapping[str, Ranked]:
        return self.world.ranked(self._facts, self.patient.years, self.patient.sex)

    def of(self, disease: str) -> Weighed:
        return _weigh(self.world, disease, self.ranked.get(disease) or Ranked(disease, -99.0), self._facts)

    def worth_asking(self, *, few: bool) -> bool:
        """Whether enough of what is stated tells this disease from others."""
        own = self.of(self.patient.disease)
        return own.telling >= (1 if few else FEWEST_TELLING) and (len(own.has) >= 2 if few else own.verdict() == "well")


def _weigh(world: World, disease: str, ranked: Ranked, facts: Facts) -> Weighed:
    """As `medassist.ground` words a candidate: the same findings, as many of them, in the same order."""
    findings = world.graph.diseases[disease].findings
    listed, absent = findings.all(), facts.absent
    told = {reason.listed for reason in (*ranked.supporting, *ranked.opposing)}
    also = [
        name
        for name, frequency in listed.items()
        if name not in told and name not in findings.against and frequency in ("obligate", "very_frequent", "frequent")
    ][: FINDINGS - 1]
    return Weighed(
        disease,
        tuple(reason.finding for reason in ranked.supporting if reason.listed in listed)[:FINDINGS],
        tuple(reason.finding for reason in ranked.opposing if reason.finding in absent)[:2],
        tuple(
            name
            for name in also
            if listed[name] in ("obligate", "very_frequent") and world.graph.findings[name].kind in ("symptom", "sign")
        )[:2],
        ranked.score,
        sum(reason.weight >= TELLING for reason in ranked.supporting),
    )


def candidates(
    weighing: Weighing, rng: random.Random, *, count: int, look_alikes: bool, withheld: bool, place: int
) -> list[Weighed] | None:
    """`count` diseases in the order of the prompt, the right one at `place`; None where it would not be the best.

    `look_alikes`: those that the graph names as such come first, else what fits best comes. `withheld`: the right one is
    left out, and so is whatever fits well.
    """
    own = weighing.of(weighing.patient.disease)
    others = _others(weighing, rng, look_alikes=look_alikes)
    chosen: list[Weighed] = []
    for name in others:
        other = weighing.of(name)
        if withheld and other.verdict() == "well":
            continue
        if other.score >= own.score or (not withheld and other.order >= own.order):
            return None
        chosen.append(other)
        if len(chosen) == count - (not withheld):
            break
    if len(chosen) < 2:
        return None
    rng.shuffle(chosen)
    if not withheld:
        chosen.insert(place % (len(chosen) + 1), own)
    return chosen


def _others(weighing: Weighing, rng: random.Random, *, look_alikes: bool) -> list[str]:
    disease = weighing.world.graph.diseases[weighing.patient.disease]
    best = [name for name in list(weighing.ranked)[:40] if name != disease.id]
    close = [each.disease for each in disease.look_alikes if each.disease in weighing.ranked] if look_alikes else []
    rng.shuffle(close)
    return list(dict.fromkeys([*close, *best]))


def place(index: int, count: int) -> int:
    """Where the right one stands in the case of this number: every place as often, in no order to be learnt."""
    return int((index * 0.6180339887498949) % 1.0 * count)


def ranking(weighed: Sequence[Weighed]) -> list[Weighed]:
    """The likeliest first."""
    return sorted(weighed, key=lambda each: (-each.points, -each.score))
