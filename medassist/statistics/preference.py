"""Pairwise mode: how strong each arm is when raters choose between two answers (Bradley and Terry 1952)."""

import choix
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from medassist.statistics.estimates import (
    NOTHING,
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
    "Some arms never won or never lost against the others, so that no finite strength fits best: half a win each way was"
    " added to every pair of arms that met.",
    "部分组从未胜过或从未负于其余各组，无有限的最大似然强度：已在每对相遇的组间各加半次胜出。",
)
NO_END = Note("How far apart this arm is cannot be bounded: no interval.", "该组差距无法界定，不给出区间。")


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
    second, 0 for a tie, which counts as half a win each (the model has no ties of its own). Intervals by the crossed
    case × rater bootstrap (Owen 2007). Where an arm never won, half a win each way makes its strength finite, as the
    note says, and it has no interval; resamples that need it are helped alike.
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
    estimate, group = strengths(everything, met)
    samples = np.empty((resamples, len(arms)))
    helped = 0
    draw = np.random.default_rng(seed)
    (_, case_codes), (_, rater_codes) = codes(columns[0]), codes(columns[1])
    for row in range(resamples):
        times = _drawn(draw, case_codes)[case_codes] * _drawn(draw, rater_codes)[rater_codes]
        samples[row], within = strengths(_wins(one, other, shares, times, len(arms)), met)
        helped += not within.all()
    note = _note(group, helped, resamples)
    method = "bradley-terry, crossed bootstrap"
    return {
        arm: quantiles(samples[:, place], float(estimate[place]), confidence, method, note)
        if group[place]
        else Interval(float(estimate[place]), None, None, "bradley-terry", note + NO_END)
        for place, arm in enumerate(arms)
    }


def _note(group: NDArray[np.bool_], helped: int, resamples: int) -> Note:
    if not group.all():
        return NOT_FINITE
    if not helped:
        return NOTHING
    return Note(
        f"In {helped} of {resamples} resamples an arm never won or lost; half a win each way was added there.",
        f"{resamples} 次重抽样中有 {helped} 次存在从未胜出或落败的组，已各加半次胜出。",
    )


def _shares(preferred: NDArray[np.object_]) -> Floats:
    """What the first arm gets of each comparison [rows]: 1, ½ or 0."""
    for each in preferred:
        if isinstance(each, str) or each not in (-1, 0, 1):
            raise UnusableRatings(
                reason=f"unknown preference {each!r}; 1, 0 or -1 is expected.",
                reason_zh=f"未知的偏好 {each!r}，应为 1、0 或 -1。",
            )
    return (preferred.astype(np.float64) + 1) / 2


def _drawn(draw: np.random.Generator, places: NDArray[np.int64]) -> Floats:
    number = int(places.max()) + 1
    return draw.multinomial(number, np.full(number, 1 / number)).astype(np.float64)


def _wins(one: NDArray[np.int64], other: NDArray[np.int64], shares: Floats, times: Floats, arms: int) -> Floats:
    """How often each arm beat each other [arms, arms], with every comparison counted `times` [rows]."""
    won = np.bincount(one * arms + other, shares * times, arms * arms)
    lost = np.bincount(other * arms + one, (1 - shares) * times, arms * arms)
    return np.asarray(won + lost, dtype=np.float64).reshape(arms, arms)


def strengths(wins: Floats, met: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """Maximum-likelihood strengths [arms] from wins [arms, arms], and which arms lie a finite way from each other.

    All do if every arm beat every other, directly or through others (Ford 1957); else those of the largest such group,
    and none where no two arms form one.
    """
    groups, labels = connected_components(wins > 0, connection="strong")
    sizes = np.bincount(labels)
    group = (labels == sizes.argmax()) & (sizes.max() > 1)
    if groups > 1:
        wins = wins + 0.5 * met
    if len(wins) == 2:
        half = 0.5 * np.log(wins[0, 1] / wins[1, 0])
        return np.array([half, -half]), group
    found = choix.ilsr_pairwise_dense(wins, max_iter=10_000)
    return found - found.mean(), group
