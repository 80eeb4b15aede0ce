"""Raters who do not exist, so that a sample study has something to report. Whatever they enter says that it is simulated.

They see what people see, a sheet, and know the right diagnosis with its other names. Whether one of them accepts an
answer follows from where that diagnosis stands in it, from how hard the case is, and from how severe the rater is.
"""

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medassist.errors import Language
from medassist.study.instrument import CANNOT_JUDGE
from medassist.study.sheets import Sheet

SEVERITY = 0.8
"""Standard deviation of the raters' severity, on the logit scale."""
DIFFICULTY = 0.7
KEPT = 0.85
"""How often a rater who meets an answer again says the same of it."""
COMMENT: dict[Language, str] = {"en": "Simulated comment.", "zh": "模拟意见。"}

_MERIT = {1: 2.6, 2: 0.8, 3: 0.8, None: -2.2}
_LOW = 0.0
"""Logits of acceptance by the right diagnosis's place in the list: first, second, third, in none; further down."""
_LISTED = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
_LIKERT = ("appropriateness", "comprehensiveness", "reasoning", "grounding", "next_steps", "clarity")

Values = dict[str, Any]


def place_of(names: Sequence[str], text: str) -> int | None:
    """Where a diagnosis, by any of its names, first stands in the numbered list of a display text."""
    for number, listed in _LISTED.findall(text):
        if any(_means(listed, name) for name in names):
            return int(number)
    return None


def _means(listed: str, name: str) -> bool:
    """Whether a listed name is the name or holds it as whole words; in Chinese, as it is written."""
    listed, name = _plain(listed), _plain(name)
    if re.search(r"[\u4e00-\u9fff]", name):
        return len(name) > 1 and name in listed
    return bool(name) and f" {name} " in f" {listed} "


def _plain(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.casefold()))


@dataclass
class SimulatedRater:
    """One of them. `names` are the right diagnosis and its other names, by the text of the case."""

    pseudonym: str
    seed: int
    names: Mapping[str, Sequence[str]]
    _seen: dict[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(f"{self.seed} {self.pseudonym}")
        self.severity = self._rng.gauss(0.0, SEVERITY)

    def entered(self, sheet: Sheet, label: str, page: str, codes: Sequence[str]) -> Values:
        """What is entered on a page for one of its answers. `codes` are those of the arms, asked for at the end."""
        if sheet.kind == "closing":
            return self._guessed(codes)
        if page == "explanation":
            return {"explanation_usefulness": self._grade(3.5)}
        return self._rated(sheet, label)

    def _rated(self, sheet: Sheet, label: str) -> Values:
        text = sheet.answers[label]
        if text in self._seen and self._rng.random() < KEPT:
            return dict(self._seen[text])
        place = place_of(self.names[sheet.case], text)
        values = self._accepting(place, sheet)
        values |= self._about_diagnoses(place, sheet, text)
        values |= self._about_quality(place, str(values["accept"]))
        values |= self._about_harm(place, values)
        if values["accept"] == "no" or values["harm_extent"] == "severe":
            values["comment"] = COMMENT[sheet.language]
        self._seen[text] = values
        return dict(values)

    def _guessed(self, codes: Sequence[str]) -> Values:
        """What is entered at the end: nobody who does not exist can tell the arms apart."""
        guess = CANNOT_JUDGE if self._chance(0.15) else self._rng.choice(sorted(codes))
        return {"guess": guess, "guess_certainty": self._rng.choice(("guess", "guess", "somewhat"))}

    def seconds(self, kind: str) -> float:
        """How long one assignment takes: two minutes in the median, half a minute for the closing questions."""
        return (30.0 if kind == "closing" else 120.0) * math.exp(self._rng.gauss(0.0, 0.4))

    # --- One item after another.

    def _accepting(self, place: int | None, sheet: Sheet) -> Values:
        difficulty = random.Random(f"{self.seed} {sheet.case}").gauss(0.0, DIFFICULTY)
        likely = 1 / (1 + math.exp(difficulty + self.severity - _MERIT.get(place, _LOW)))
        if self._chance(0.02):
            return {"accept": CANNOT_JUDGE}
        if not self._chance(likely):
            return {"accept": "no"}
        return {"accept": "minor_edits" if self._chance(0.2 if place == 1 else 0.5) else "yes"}

    def _about_diagnoses(self, place: int | None, sheet: Sheet, text: str) -> Values:
        if place == 1:
            top = "close" if self._chance(0.1) else "exact"
        else:
            top = "related" if self._chance(0.4) else "wrong"
        values: Values = {"top1": top, "gold_listed": "no" if place is None else "yes"}
        if place is not None:
            values["gold_rank"] = place
        right = self.names[sheet.case]
        missed = [name for name in sheet.cant_miss if place_of(right if name in right else [name], text) is None]
        values["cant_miss"] = "na" if not sheet.cant_miss else "yes" if missed else "no"
        if missed:
            values["cant_miss_which"] = "; ".join(missed)
        return values

    def _about_quality(self, place: int | None, accept: str) -> Values:
        middle = {"yes": 4.2, "minor_edits": 3.5, "no": 2.3}.get(accept, 3.0) - 0.25 * self.severity
        values: Values = {item: self._grade(middle) for item in _LIKERT}
        return values | {"confidence": self._grade(4.0 if place == 1 else 3.4)}

    def _about_harm(self, place: int | None, values: Mapping[str, Any]) -> Values:
        risk = 0.02 if place == 1 else 0.15 if place else 0.5
        extent = "none"
        if self._chance(risk):
            extent = "severe" if values["cant_miss"] == "yes" and self._chance(0.3) else "mild_moderate"
        found: Values = {"harm_extent": extent, "bias": "no"}
        if extent != "none":
            found["harm_likelihood"] = self._rng.choice(("low", "low", "medium"))
        if self._chance(0.01):
            found |= {"bias": "yes", "bias_kinds": ["age"]}
        return found

    def _grade(self, middle: float) -> str:
        return str(min(5, max(1, round(self._rng.gauss(middle, 0.7)))))

    def _chance(self, share: float) -> bool:
        return self._rng.random() < share
