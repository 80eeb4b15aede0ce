"""Which findings of a case pulled an answer towards each diagnosis, and whether that can be trusted.

LIME (Ribeiro et al., KDD 2016): the case is perturbed by leaving findings out, the candidates are weighed again, and a
linear model of what is left tells each finding's weight. The fit is the `lime` package's; the units are clinical
findings (`units`), samples come in antithetic pairs that leave out one half and then the other, balanced so that
findings do not stand in for each other, and cases of few findings are enumerated. What a surrogate of the scores
(`surrogate`) can foretell of the odds is fitted over many samples that nobody weighs, and only the rest over those that
were weighed: the weights are lime's, their errors smaller. Samples double until the five strongest findings stay the
same, so a first picture is early and a later one better. Weights are natural logarithms of the odds of a candidate
among those shown.

What is explained is the preference among these candidates, not the truth of the reasoning.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from lime.lime_base import LimeBase
from numpy.typing import NDArray
from scipy.linalg import hadamard
from scipy.special import log_softmax, logsumexp
from sklearn.linear_model import Ridge

from medassist.case import PatientCase
from medassist.deidentify import deidentify
from medassist.engines import Engine
from medassist.errors import EngineError, InputError, Language
from medassist.knowledge.graph import Graph
from medassist.surrogate import balanced_to_five, learn
from medassist.units import Unit, replaced, units, without
from medassist.weighing import Weigher, weigher

Rows = NDArray[np.float64]

FEWEST = 2
"""Units below which leaving one out explains nothing."""
ENUMERATED = 8
"""Up to so many units every subset is weighed."""
BLOCK = 64
FIRST, MOST = BLOCK, 512
"""Samples of the first round; rounds double up to the most."""
STRONGEST = 5
ROUGH = BLOCK
"""A picture of so few samples is shown, but too rough for another one's agreement with it to mean anything."""
TIE = 2.0
"""Standard errors within which a unit's weight and that of the last of the strongest cannot be told apart."""
SIGNS = 0.95
"""Share of bootstrap fits in which the strongest units must keep their sign (goal of reference and stopping rule)."""
TRUSTED_R2, TRUSTED_SIGNS = 0.5, 0.9
"""Below these an explanation is called unreliable, and its ranks are not shown."""
HARDLY = 0.1
"""Natural log-odds: where the answer moves less than this over all samples, it hardly depends on the case."""
FLAT = 1e-9
"""Natural log-odds: values that spread less are all one value, which any fit holds."""
FAINT = 0.05
"""Share of the largest weight below which a finding is neither named, marked nor charted."""
RIDGE = 1e-3
FOLDS = 5
BOOTSTRAPS = 100
NEUTRAL = 64
"""Samples weighed again with a neutral phrase in place of what is left out."""
WIDTH = 25.0
"""Of the kernel over cosine distance × 100: lime's own for texts."""


class NoFindings(InputError):
    """A case that cannot be perturbed."""

    code = "no_findings"
    en = "The case names fewer than two findings, so leaving one out explains nothing."
    zh = "病例中可识别的表现不足两项，无法通过删减来解释。"


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


def shares(scores: Rows) -> Rows:
    """Softmax over the candidates, in logarithms, [samples, candidates]."""
    told: Rows = log_softmax(scores, axis=1)
    return told


def log_odds(scores: Rows) -> Rows:
    """Of each candidate against all others, [samples, candidates]."""
    told = shares(scores)
    rest = [logsumexp(np.delete(told, place, axis=1), axis=1) for place in range(told.shape[1])]
    odds: Rows = told - np.column_stack(rest)
    return odds


@dataclass
class Samples:
    """What was weighed: which units each sample kept, and how it speaks for each candidate."""

    kept: NDArray[np.bool_]  # [samples, units]
    scores: Rows  # [samples, candidates], natural logarithms
    pairs: NDArray[np.int64]  # samples of a pair are held out together

    @property
    def pair_numbers(self) -> NDArray[np.int64]:
        """The pairs counted from 0, in the order they come, [samples]."""
        numbers = {pair: number for number, pair in enumerate(dict.fromkeys(self.pairs.tolist()))}
        return np.array([numbers[pair] for pair in self.pairs.tolist()], dtype=np.int64)

    @property
    def log_probabilities(self) -> Rows:
        return shares(self.scores)

    @property
    def log_odds(self) -> Rows:
        """Of each candidate against all others."""
        return log_odds(self.scores)


@dataclass
class Perturbed:
    """A case and its units, weighed whichever of them are left; every text is weighed once."""

    case_text: str
    language: Language
    units: tuple[Unit, ...]
    weigher: Weigher
    stopped: Callable[[], bool] = lambda: False
    _known: dict[str, Rows] = field(default_factory=dict)

    def weigh(
        self, kept: NDArray[np.bool_], make: Callable[[str, Sequence[Unit], Sequence[bool]], str] = without
    ) -> Rows:
        """The candidates' scores, [samples, candidates]; a sample that was not reached is NaN."""
        texts = [make(self.case_text, self.units, [bool(each) for each in row]) for row in kept]
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            told = self.weigher.weigh(new, self.stopped)
            if np.isnan(told).any() and not self.stopped():
                raise EngineError(reason="its scores are no numbers.", reason_zh="其评分不是有效数值。")
            self._known |= {text: row for text, row in zip(new, told, strict=True) if not np.isnan(row).any()}
        nothing = np.full(len(self.weigher.names), np.nan)
        return np.array([self._known.get(text, nothing) for text in texts])

    def what_if(self, text: str) -> tuple[float, ...]:
        """The candidates' shares for any other text of the case, as natural logarithms."""
        if text not in self._known:
            self._known[text] = self.weigher.weigh([text], lambda: False)[0]
        return tuple(float(each) for each in shares(finite(self._known[text][None]))[0])


def perturbed(
    case: PatientCase, case_text: str, answer: Mapping[str, Any], engine: Engine, graph: Graph | None
) -> Perturbed:
    """A stored answer to a stored case, ready to be perturbed; `case_text` is what the answer was given to.

    Raises what `weighing.weigher` raises.
    """
    language: Language = "zh" if answer.get("language") == "zh" else "en"
    told = weigher(deidentify(case).case, case_text, language, answer, engine, graph)
    return Perturbed(case_text, language, tuple(units(case_text)), told)


def explain(
    perturbed: Perturbed,
    *,
    most: int = MOST,
    seed: int = 0,
    adaptive: bool = True,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Explanation]:
    """Better and better explanations of how a case's candidates are ranked; the last is `settled` or `stopped`.

    `most` samples at most, and not fewer unless `adaptive`. The same case, seed and weigher give the same weights.
    Raises `NoFindings`.
    """
    began = time.monotonic()
    perturbed.stopped = stopped
    count = len(perturbed.units)
    if count < FEWEST:
        raise NoFindings
    exact = count <= ENUMERATED and 2**count <= most
    plan = _subsets(count) if exact else _halves(count, most, seed)
    rounds = [len(plan[0])] if exact else _rounds(most)
    last: Explanation | None = None
    single = perturbed.weigh(_single(count))
    for size in rounds:
        kept, pairs = plan[0][:size], plan[1][:size]
        samples = Samples(kept, perturbed.weigh(kept), pairs)
        done = np.asarray(~np.isnan(samples.scores).any(axis=1))
        if done.sum() < 4 or np.isnan(single).any():
            break  # stopped before there was a picture
        samples = Samples(kept[done], finite(samples.scores[done]), pairs[done])
        before, last = last, _explained(perturbed, samples, finite(single), exact, seed, began)
        unchanged = before is not None and before.samples > ROUGH and last.names_again(before)
        if not done.all():
            break
        if exact or size == rounds[-1] or (adaptive and unchanged and last.signs[0] >= SIGNS):
            last = replace(last, settled=True)
            break
        yield last
    if last is None:
        return
    if last.settled:
        yield replace(last, neutral=_neutral(perturbed, last, plan), seconds=time.monotonic() - began)
    else:
        yield replace(last, stopped=True)


def finite(scores: Rows) -> Rows:
    """Scores with −∞ (a candidate that is ruled out) put below all others, so that a fit has numbers."""
    if np.isfinite(scores).all():
        return scores
    known = scores[np.isfinite(scores)]
    lowest = float(known.min()) - 10 if known.size else 0.0
    cleaned: Rows = np.where(np.isfinite(scores), scores, lowest)
    return cleaned


# --- Samples.


def _rounds(most: int) -> list[int]:
    sizes = [min(FIRST, most)]
    while sizes[-1] < most:
        sizes.append(min(2 * sizes[-1], most))
    return sizes


def _subsets(count: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """All subsets, the whole case first; a subset and its complement are a pair."""
    numbers = np.arange(2**count)[::-1]
    kept = (numbers[:, None] >> np.arange(count)) & 1 == 1
    return kept, np.minimum(numbers, 2**count - 1 - numbers).astype(np.int64)


def _halves(count: int, most: int, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Blocks of 64: an orthogonal array of 32 runs and its mirror image, its columns dealt to the units at random.

    In such a block every unit is kept as often as not, beside any other as often as not, and half the units are kept
    on average; a unit's weight is free of what any two units do together (Plackett and Burman 1946; the mirror image
    is the foldover of Box and Wilson 1951). Halves at random need several times the samples for the same five.
    """
    rng = np.random.default_rng(seed)
    array = hadamard(BLOCK // 2)[:, 1:] > 0  # its first column is constant
    kept: list[NDArray[np.bool_]] = []
    pairs: list[int] = []
    while len(kept) < most:
        columns = rng.permutation(array.shape[1])[:count]
        for half in array[rng.permutation(len(array))][:, columns] ^ (rng.random(count) < 0.5):
            kept += [half, ~half]
            pairs += [len(kept)] * 2
    return np.array(kept[:most]), np.array(pairs[:most], dtype=np.int64)


def _single(count: int) -> NDArray[np.bool_]:
    """The whole case, and each unit left out alone."""
    return np.concatenate([np.ones((1, count), dtype=bool), ~np.eye(count, dtype=bool)])


# --- Fit.


def _explained(
    perturbed: Perturbed, samples: Samples, single: Rows, exact: bool, seed: int, began: float
) -> Explanation:
    odds = samples.log_odds
    alone = Samples(samples.kept[:1], single, samples.pairs[:1]).log_odds
    values = _values(samples.scores)
    known, missed = (np.zeros((values.shape[1], len(perturbed.units))), values) if exact else _foretold(samples, values)
    fitted = known + _fit(samples.kept, missed)
    weights, against = fitted[: odds.shape[1]], fitted[odds.shape[1] :]
    again = known[: odds.shape[1]] + _refitted(samples, missed[:, : odds.shape[1]], seed)
    return Explanation(
        units=perturbed.units,
        names=perturbed.weigher.names,
        language=perturbed.language,
        by=perturbed.weigher.by,
        probabilities=tuple(np.exp(shares(single[:1])[0]).tolist()),
        weights=weights,
        errors=again.std(axis=0),
        against=against,
        left_out=(alone[:1] - alone[1:]).T,
        r2=tuple(_held_out(samples, odds).tolist()),
        signs=tuple(_signs(again[:, place], weights[place]) for place in range(len(weights))),
        spread=tuple(odds.std(axis=0).tolist()),
        samples=len(samples.kept),
        exact=exact,
        seed=seed,
        forward_tokens=perturbed.weigher.forward_tokens,
        seconds=time.monotonic() - began,
    )


def _values(scores: Rows) -> Rows:
    """The log-odds and then the log-probabilities of the candidates, [samples, 2 × candidates]."""
    return np.column_stack([log_odds(scores), shares(scores)])


def _distances(kept: NDArray[np.bool_]) -> Rows:
    """Cosine distance × 100 of each sample to the whole case, as lime's explainer for texts takes it."""
    share: Rows = kept.sum(axis=1) / kept.shape[1]
    distances: Rows = 100 * (1 - np.sqrt(share))
    return distances


def _kernel(distances: Rows) -> Rows:
    near: Rows = np.sqrt(np.exp(-(distances**2) / WIDTH**2))
    return near


def _fit(kept: NDArray[np.bool_], values: Rows) -> Rows:
    """The weights of the units for `values` [samples, columns], [columns, units], by the lime package's fit."""
    count = kept.shape[1]
    near, weights = _distances(kept), np.zeros((values.shape[1], count))
    for column in range(values.shape[1]):
        _, told, _, _ = LimeBase(_kernel).explain_instance_with_data(
            kept.astype(float), values, near, column, count, "none", Ridge(alpha=RIDGE)
        )
        for unit, weight in told:
            weights[column, unit] = weight
    return weights


@cache
def _many(count: int) -> tuple[NDArray[np.bool_], Rows]:
    """The samples a surrogate is asked, and what makes of their values the weights of `_fit`, [units, samples]."""
    kept = balanced_to_five()[:, :count]
    near = _kernel(_distances(kept))
    middle: Rows = kept - np.average(kept, axis=0, weights=near).astype(np.float64)
    weighted = middle.T * near
    weigh: Rows = np.asarray(np.linalg.solve(weighted @ middle + RIDGE * np.eye(count), weighted), dtype=np.float64)
    return kept, weigh


def _foretold(samples: Samples, values: Rows) -> tuple[Rows, Rows]:
    """The weights [columns, units] that a surrogate's own odds have, and what of `values` is left to be fitted.

    `values` are the log-odds and log-probabilities of the candidates. Most of what makes a fit of few samples uncertain
    is the bend of the softmax, which a surrogate of the scores knows (a control variate). A sample's part is taken from
    a surrogate that has not seen it, so that what it misses is not made small by fitting it (cross-fitting). A column
    that surrogates foretell no better than the linear fit or the mean does is left as it is.
    """
    folds, (many, weigh) = samples.pair_numbers % FOLDS, _many(samples.kept.shape[1])
    rounds = min(FOLDS, int(folds.max()) + 1)
    foretold, everywhere = np.empty_like(values), np.zeros((len(many), values.shape[1]))
    for fold in range(rounds):
        out = folds == fold
        known = learn(samples.kept[~out], samples.scores[~out])
        foretold[out] = _values(known.scores(samples.kept[out]))
        everywhere += _values(known.scores(many)) / rounds
    near = _kernel(_distances(samples.kept))
    linear, mean = _linear_held_out(samples, values), np.average(values, axis=0, weights=near)
    better = near @ (values - foretold) ** 2 < np.minimum(near @ (values - linear) ** 2, near @ (values - mean) ** 2)
    return np.where(better[:, None], (weigh @ everywhere).T, 0.0), values - np.where(better, foretold, 0.0)


def _held_out(samples: Samples, values: Rows) -> Rows:
    """R² of each column of `values` over pairs that the fit has not seen, all folds together; weighted as the fit is."""
    near = _kernel(_distances(samples.kept))
    missed = near @ (values - _linear_held_out(samples, values)) ** 2
    spread = near @ (values - np.average(values, axis=0, weights=near)) ** 2
    flat = values.std(axis=0) < FLAT
    r2: Rows = np.where(flat, 1.0, 1.0 - missed / np.where(flat, 1.0, spread))
    return r2


def _linear_held_out(samples: Samples, values: Rows) -> Rows:
    """`values` as a fit that has not seen them foretells them."""
    near, kept = _kernel(_distances(samples.kept)), samples.kept.astype(float)
    folds = samples.pair_numbers % FOLDS
    told = np.empty_like(values)
    for fold in range(min(FOLDS, folds.max() + 1)):
        out = folds == fold
        told[out] = Ridge(alpha=RIDGE).fit(kept[~out], values[~out], sample_weight=near[~out]).predict(kept[out])
    return told


def _refitted(samples: Samples, values: Rows, seed: int) -> Rows:
    """The weights of bootstrap samples (of pairs), [fits, columns, units]."""
    rng = np.random.default_rng(seed)
    near = _kernel(_distances(samples.kept))
    numbers = samples.pair_numbers
    pairs = [np.flatnonzero(numbers == number) for number in range(numbers.max() + 1)]
    design = np.column_stack([samples.kept.astype(float), np.ones(len(values))])
    penalty = RIDGE * np.eye(design.shape[1])
    penalty[-1, -1] = 0.0
    found = np.empty((BOOTSTRAPS, values.shape[1], samples.kept.shape[1]))
    for fit in range(BOOTSTRAPS):
        rows = np.concatenate([pairs[pick] for pick in rng.integers(len(pairs), size=len(pairs))])
        weighted = design[rows] * near[rows, None]
        solved = np.linalg.lstsq(weighted.T @ design[rows] + penalty, weighted.T @ values[rows], rcond=None)[0]
        found[fit] = solved[:-1].T
    return found


def _signs(again: Rows, weights: Rows) -> float:
    """In what share of the fits the strongest units keep their sign; of next to nothing the sign means nothing."""
    largest = float(np.abs(weights).max())
    if largest < FLAT:
        return 1.0
    least = FAINT * largest
    top = [unit for unit in strongest(weights) if abs(float(weights[unit])) >= least]
    return float((np.sign(again[:, top]) == np.sign(weights[top])).mean())


def _neutral(
    perturbed: Perturbed, told: Explanation, plan: tuple[NDArray[np.bool_], NDArray[np.int64]]
) -> float | None:
    """Whether weights depend on how a finding is taken out: the share of the strongest that a rerun names too."""
    kept = plan[0][:NEUTRAL]
    scores = perturbed.weigh(kept, replaced)
    done = ~np.isnan(scores).any(axis=1)
    if done.sum() < 4:
        return None
    odds = Samples(kept[done], finite(scores[done]), plan[1][:NEUTRAL][done]).log_odds[:, :1]
    own, other = set(told.strongest(0)), set(strongest(_fit(kept[done], odds)[0]))
    return len(own & other) / len(own)


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
