"""Pairwise mode: how strong each arm is when raters choose between two answers (Bradley and Terry 1952)."""

from collections.abc import Sequence

import choix
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from medassist.statistics.estimates import (
    Floats,
    Interval,
    Note,
    UnusableRatings,
    codes,
    level_of,
    quantiles,
    same_length,
)

RESAMPLES = 1000
NOT_FINITE = Note(
    "An arm never won or never lost, so that its strength has no finite maximum: half a win each way was added to"
    " every pair of arms that met.",
    "某组从未胜出或从未落败，其强度无有限的最大似然估计：已在每对相遇的组间各加半次胜出。",
)


def bradley_terry(
    cases: ArrayLike,
    raters: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    preferred: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[object, Interval]:
    """The strength of every arm, mean zero: one arm beats another with log-odds of their difference, by choix.

    Columns [rows], a comparison each: `first` and `second` name two arms, `preferred` holds 1 for the first, -1 for the
    second, 0 for a tie, which counts as half a win each (as in Hunter 2004 the model has no ties of its own). Intervals
    by the crossed case × rater bootstrap (Owen 2007). An arm that never won gets a finite strength by half a win added
    each way, as the note says; so does every resample that needs it.
    """
    level_of(confidence)
    columns = same_length(cases, raters, first, second, preferred)
    if not len(columns[0]):
        raise UnusableRatings(reason="there are none.", reason_zh="没有任何评分。")
    arms, places = codes(np.concatenate([columns[2], columns[3]]))
    one, other = np.split(places, 2)
    shares = _shares(columns[4])
    if (one == other).any():
        raise UnusableRatings(reason="an arm is compared with itself.", reason_zh="某组与自身比较。")
    everything = _wins(one, other, shares, np.ones(len(one)), len(arms))
    if connected_components(everything > 0, directed=False, return_labels=False) > 1:
        raise UnusableRatings(
            reason="some arms were never compared, not even through others.", reason_zh="部分组之间从未直接或间接比较。"
        )
    met = (everything + everything.T) > 0
    estimate, finite = strengths(everything, met)
    draw = np.random.default_rng(seed)
    samples = np.empty((resamples, len(arms)))
    (_, case_codes), (_, rater_codes) = codes(columns[0]), codes(columns[1])
    for row in range(resamples):
        times = _drawn(draw, case_codes)[case_codes] * _drawn(draw, rater_codes)[rater_codes]
        samples[row], _ = strengths(_wins(one, other, shares, times, len(arms)), met)
    note = Note() if finite else NOT_FINITE
    return {
        arm: quantiles(samples[:, place], float(estimate[place]), confidence, "bradley-terry, crossed bootstrap", note)
        for place, arm in enumerate(arms)
    }


def _shares(preferred: NDArray[np.object_]) -> Floats:
    """What the first arm gets of each comparison [rows]: 1, ½ or 0."""
    for each in preferred:
        if isinstance(each, str) or each not in (-1, 0, 1):
            raise UnusableRatings(
                reason=f"unknown preference {each!r}; 1, 0 or -1 is expected.",
                reason_zh=f"未知的偏好 {each!r}，应为 1、0 或 -1。",
            )
    return (preferred.astype(np.float64) + 1) / 2


def _drawn(draw: np.random.Generator, places: NDArray[np.int64]) -> NDArray[np.int64]:
    number = int(places.max()) + 1
    return draw.multinomial(number, np.full(number, 1 / number))


def _wins(one: NDArray[np.int64], other: NDArray[np.int64], shares: Floats, times: Floats, arms: int) -> Floats:
    """How often each arm beat each other [arms, arms], with every comparison counted `times` [rows]."""
    won = np.bincount(one * arms + other, shares * times, arms * arms)
    lost = np.bincount(other * arms + one, (1 - shares) * times, arms * arms)
    return np.asarray(won + lost, dtype=np.float64).reshape(arms, arms)


def strengths(wins: Floats, met: NDArray[np.bool_]) -> tuple[Floats, bool]:
    """Maximum-likelihood strengths [arms] from wins [arms, arms], and whether they were finite without help.

    They are finite if every arm beat every other, directly or through others (Ford 1957).
    """
    finite = connected_components(wins > 0, connection="strong", return_labels=False) == 1
    if not finite:
        wins = wins + 0.5 * met
    if len(wins) == 2:
        half = 0.5 * np.log(wins[0, 1] / wins[1, 0])
        return np.array([half, -half]), finite
    found = choix.ilsr_pairwise_dense(wins, max_iter=10_000)
    return found - found.mean(), finite


def chance_to_win(strengths_of: dict[object, Interval], arms: Sequence[object]) -> float:
    """How likely the first of two `arms` is to be preferred to the second (Bradley and Terry 1952)."""
    one, other = (strengths_of[each].estimate or 0.0 for each in arms)
    return float(1 / (1 + np.exp(other - one)))
