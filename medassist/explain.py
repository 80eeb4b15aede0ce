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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medassist.case import PatientCase
from medassist.deidentify import deidentify
from medassist.engines import Engine
from medassist.errors import EngineError, InputError, Language
from medassist.explanation import Explanation, Rows, strongest
from medassist.fitting import (
    BLOCK,
    Samples,
    finite,
    fit,
    foretold,
    halves,
    held_out,
    refitted,
    shares,
    signs_kept,
    single,
    subsets,
    values_of,
)
from medassist.knowledge.graph import Graph
from medassist.units import Unit, replaced, units, without
from medassist.weighing import Weigher, weigher

FEWEST = 2
"""Units below which leaving one out explains nothing."""
ENUMERATED = 8
"""Up to so many units every subset is weighed."""
FIRST, MOST = BLOCK, 512
"""Samples of the first round; rounds double up to the most."""
ROUGH = BLOCK
"""A picture of so few samples is shown, but too rough for another one's agreement with it to mean anything."""
SIGNS = 0.95
"""Share of bootstrap fits in which the strongest units must keep their sign (goal of reference and stopping rule)."""
NEUTRAL = 64
"""Samples weighed again with a neutral phrase in place of what is left out."""


class NoFindings(InputError):
    """A case that cannot be perturbed."""

    code = "no_findings"
    en = "The case names fewer than two findings, so leaving one out explains nothing."
    zh = "病例中可识别的表现不足两项，无法通过删减来解释。"


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
    plan = subsets(count) if exact else halves(count, most, seed)
    rounds = [len(plan[0])] if exact else _rounds(most)
    last: Explanation | None = None
    alone = perturbed.weigh(single(count))
    for size in rounds:
        kept, pairs = plan[0][:size], plan[1][:size]
        samples = Samples(kept, perturbed.weigh(kept), pairs)
        done = np.asarray(~np.isnan(samples.scores).any(axis=1))
        if done.sum() < 4 or np.isnan(alone).any():
            break  # stopped before there was a picture
        samples = Samples(kept[done], finite(samples.scores[done]), pairs[done])
        before, last = last, _explained(perturbed, samples, finite(alone), exact, seed, began)
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


def _rounds(most: int) -> list[int]:
    sizes = [min(FIRST, most)]
    while sizes[-1] < most:
        sizes.append(min(2 * sizes[-1], most))
    return sizes


def _explained(
    perturbed: Perturbed, samples: Samples, alone: Rows, exact: bool, seed: int, began: float
) -> Explanation:
    values = values_of(samples.scores)
    odds = values[:, : samples.scores.shape[1]]
    left_out = Samples(samples.kept[:1], alone, samples.pairs[:1]).log_odds
    known, missed = (np.zeros((values.shape[1], len(perturbed.units))), values) if exact else foretold(samples, values)
    fitted = known + fit(samples.kept, missed)
    weights, against = fitted[: odds.shape[1]], fitted[odds.shape[1] :]
    again = known[: odds.shape[1]] + refitted(samples, missed[:, : odds.shape[1]], seed)
    return Explanation(
        units=perturbed.units,
        names=perturbed.weigher.names,
        language=perturbed.language,
        by=perturbed.weigher.by,
        probabilities=tuple(np.exp(shares(alone[:1])[0]).tolist()),
        weights=weights,
        errors=again.std(axis=0),
        against=against,
        left_out=(left_out[:1] - left_out[1:]).T,
        r2=tuple(held_out(samples, odds).tolist()),
        signs=tuple(signs_kept(again[:, place], weights[place]) for place in range(len(weights))),
        spread=tuple(odds.std(axis=0).tolist()),
        samples=len(samples.kept),
        exact=exact,
        seed=seed,
        forward_tokens=perturbed.weigher.forward_tokens,
        seconds=time.monotonic() - began,
    )


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
    own, other = set(told.strongest(0)), set(strongest(fit(kept[done], odds)[0]))
    return len(own & other) / len(own)
