"""An explanation: weights of findings for every candidate, how far they can be trusted, and what to say of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medassist.errors import InputError, Language
from medassist.units import Unit

Rows = NDArray[np.float64]

STRONGEST = 5
TIE = 2.0
"""Standard errors within which a unit's weight and that of the last of the strongest cannot be told apart."""
TRUSTED_R2, TRUSTED_SIGNS = 0.5, 0.9
"""Below these an explanation is called unreliable, and its ranks are not shown."""
HARDLY = 0.1
"""Natural log-odds: where the answer moves less than this over all samples, it hardly depends on the case."""
FAINT = 0.05
"""Share of the largest weight below which a finding is neither named, marked nor charted."""


class UnknownTarget(InputError):
    """A diagnosis that is not among the candidates."""

    code = "unknown_target"
    en = "{name} is not among the diagnoses that can be explained: {names}."
    zh = "{name} 不在可解释的诊断之列：{names}。"


@dataclass(frozen=True)
class Explanation:
    """Weights of units for every candidate, after so many samples. Arrays: [candidates, units]."""

    units: tuple[Unit, ...]
    names: tuple[str, ...]  # the candidates as shown, "none of these" last
    language: Language
    by: Literal["graph", "model"]  # what ranked, and so what is explained
    probabilities: tuple[float, ...]  # of the candidates, for the whole case
    weights: Rows  # log-odds of a candidate against all others
    errors: Rows  # their standard errors, by bootstrap
    against: Rows  # log-probability: the difference of two rows compares two candidates
    left_out: Rows  # what the log-odds lose when a unit alone is left out
    r2: tuple[float, ...]  # on samples held out of the fit
    signs: tuple[float, ...]
    spread: tuple[float, ...]  # standard deviation of the log-odds over the samples
    samples: int
    exact: bool  # every subset was weighed
    seed: int
    forward_tokens: int
    seconds: float
    settled: bool = False  # nothing more is to be expected
    stopped: bool = False  # broken off: what there was until then
    neutral: float | None = None  # share of the strongest units that the rerun with neutral phrases names too

    def place(self, target: str) -> int:
        """The number of a candidate. Raises `UnknownTarget`."""
        if target not in self.names:
            raise UnknownTarget(name=target, names=", ".join(self.names))
        return self.names.index(target)

    def reliable(self, place: int) -> bool:
        """Whether ranks may be shown."""
        return self.r2[place] >= TRUSTED_R2 and self.signs[place] >= TRUSTED_SIGNS and not self.hardly(place)

    def hardly(self, place: int) -> bool:
        """Whether this candidate's odds hardly depend on the case."""
        return self.spread[place] < HARDLY

    def strongest(self, place: int, most: int = STRONGEST) -> list[int]:
        """The units with the largest weights, the largest first."""
        return strongest(self.weights[place], most)

    def told(self, place: int) -> dict[str, Any]:
        """For one candidate, in DESIGN's form; weights of an unreliable explanation are given, its ranks are not."""
        return {
            "target": self.names[place],
            "candidates": [
                {"name": name, "probability": round(share, 6)}
                for name, share in zip(self.names, self.probabilities, strict=True)
            ],
            "units": [
                {"text": unit.text, "start": unit.start, "end": unit.end, "weight": round(float(weight), 6)}
                for unit, weight in zip(self.units, self.weights[place], strict=True)
            ],
            "r2_heldout": round(self.r2[place], 4),
            "sign_agreement": round(self.signs[place], 4),
            "samples": self.samples,
            "forward_tokens": self.forward_tokens,
            "seconds": round(self.seconds, 3),
            "reliable": self.reliable(place),
            "by": self.by,
            "exact": self.exact,
            "seed": self.seed,
            "stopped": self.stopped,
            "hardly_depends": self.hardly(place),
            "neutral_agreement": self.neutral,
            "left_out": [round(float(each), 6) for each in self.left_out[place]],
            "sentence": sentence(self, place),
        }

    def stored(self) -> dict[str, object]:
        """All candidates, as it is kept with the answer and read by `of_stored`."""
        return {
            "units": [[unit.start, unit.end, unit.field, unit.negated, unit.cue] for unit in self.units],
            "names": list(self.names),
            "language": self.language,
            "by": self.by,
            **{name: np.round(getattr(self, name), 6).tolist() for name in _ARRAYS},
            **{name: [round(each, 6) for each in getattr(self, name)] for name in _LISTS},
            **{name: getattr(self, name) for name in _FIGURES},
        }

    @classmethod
    def of_stored(cls, told: Mapping[str, Any], case_text: str) -> "Explanation":
        """What was kept of an answer to `case_text`."""
        found = tuple(
            Unit(case_text[start:end], start, end, field, negated, tuple(cue) if cue else None)
            for start, end, field, negated, cue in told["units"]
        )
        rest: dict[str, Any] = {name: told[name] for name in _FIGURES}
        rest |= {name: np.array(told[name]) for name in _ARRAYS}
        rest |= {name: tuple(told[name]) for name in _LISTS}
        return cls(units=found, names=tuple(told["names"]), language=told["language"], by=told["by"], **rest)

    def names_again(self, before: "Explanation", place: int = 0) -> bool:
        """Whether an earlier explanation's strongest units are these, up to units that tie with the last of them.

        A tie lies within the standard errors of both explanations together: the earlier one is the less certain.
        """
        now, weights = self.strongest(place), abs(self.weights[place])
        least = float(weights[now[-1]])
        either = np.hypot(self.errors[place], before.errors[place])
        return all(
            unit in now or float(weights[unit] + TIE * either[unit]) >= least for unit in before.strongest(place)
        )

    def compared(self, one: int, other: int) -> Rows:
        """By unit, how much it pulls towards `one` rather than `other` (natural log of their ratio)."""
        difference: Rows = self.against[one] - self.against[other]
        return difference


_ARRAYS = ("weights", "errors", "against", "left_out")
_LISTS = ("probabilities", "r2", "signs", "spread")
_FIGURES = ("samples", "exact", "seed", "forward_tokens", "seconds", "settled", "stopped", "neutral")


def strongest(weights: Rows, most: int = STRONGEST) -> list[int]:
    """The places of the largest weights by size, the largest first; equal ones in the order of the text."""
    return sorted(range(len(weights)), key=lambda unit: (-abs(float(weights[unit])), unit))[:most]


# --- In words.


@dataclass(frozen=True)
class _Words:
    most: str
    against: str
    both: str
    hardly: str
    unreliable: str
    join: str


_WORDS: dict[Language, _Words] = {
    "en": _Words(
        "Most for {name}: {units}.",
        "Most against {name}: {units}.",
        "Most for {name}: {units}; against: {others}.",
        "This answer hardly depends on the case: leaving findings out moves {name} next to nothing.",
        "Which findings count most for {name} cannot be told for this case.",
        ", ",
    ),
    "zh": _Words(
        "最支持{name}：{units}。",
        "最不支持{name}：{units}。",
        "最支持{name}：{units}；不支持：{others}。",
        "该回答几乎不取决于病例：删去各项表现后，{name}几乎不变。",
        "本例无法可靠判断哪些表现对{name}影响最大。",
        "、",
    ),
}
FOR, AGAINST = 3, 2
"""How many units the sentence names."""


def sentence(told: Explanation, place: int) -> str:
    """An explanation in one sentence."""
    words, name = _WORDS[told.language], told.names[place]
    if told.hardly(place):
        return words.hardly.format(name=name)
    if not told.reliable(place):
        return words.unreliable.format(name=name)
    weights = told.weights[place]
    floor = 2 * FAINT * float(np.abs(weights).max())
    order = [unit for unit in strongest(weights, len(weights)) if abs(weights[unit]) >= floor]
    pulls = words.join.join(told.units[unit].text for unit in [u for u in order if weights[u] > 0][:FOR])
    pushes = words.join.join(told.units[unit].text for unit in [u for u in order if weights[u] < 0][:AGAINST])
    if pulls and pushes:
        return words.both.format(name=name, units=pulls, others=pushes)
    return (words.most if pulls else words.against).format(name=name, units=pulls or pushes)
