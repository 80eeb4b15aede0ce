"""Made-up studies with a known truth: to plan how many cases and raters a study needs, and to test intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from medassist.statistics.crossed import two_way_bounds, two_way_spread
from medassist.statistics.estimates import Floats, Ints, UnusableRatings, wilson

CASE_SD = 1.2
"""SD of cases on the logit scale. With raters of SD 0.8 and 90 % acceptance it gives an α of about .1 and an AC1 of .8."""


@dataclass(frozen=True)
class Studies:
    """Simulated studies. Every arm was rated by the same raters on the same cases."""

    cases: Ints  # [studies, rows]
    raters: Ints  # [studies, rows]
    accepted: Floats  # [studies, arms, rows]; 1.0 or 0.0


def simulate(
    acceptance: Sequence[float],
    *,
    studies: int,
    cases: int,
    raters: int,
    ratings_per_case: int,
    rater_sd: float = 0.8,
    case_sd: float = CASE_SD,
    shared: float = 1.0,
    seed: int = 0,
) -> Studies:
    """Studies in which `ratings_per_case` of `raters` rate each of `cases`, for every arm's mean `acceptance`.

    A rating is a coin with the log-odds of its arm plus normal effects of case and rater (a logistic model with
    crossed random effects, Baayen et al. 2008). `acceptance` is the mean over all cases and raters there could be, not
    over those drawn. `shared` is how far an effect in one arm correlates with that in another. Raters' loads differ by
    at most one. The same seed gives the same studies.
    """
    _check(acceptance, cases, raters, ratings_per_case, rater_sd, case_sd, shared)
    draw = np.random.default_rng(seed)
    case_codes = np.broadcast_to(np.repeat(np.arange(cases), ratings_per_case), (studies, cases * ratings_per_case))
    rater_codes = _allocated(draw, studies, cases, raters, ratings_per_case)
    common = [draw.normal(size=(studies, 1, count)) for count in (cases, raters)]
    own = [draw.normal(size=(studies, len(acceptance), count)) for count in (cases, raters)]
    of_case, of_rater = (
        sd * (np.sqrt(shared) * one + np.sqrt(1 - shared) * other)
        for sd, one, other in zip((case_sd, rater_sd), common, own, strict=True)
    )
    spread = float(np.hypot(case_sd, rater_sd))
    odds = np.array([intercept(each, spread) for each in acceptance])[:, None]
    odds = odds + np.take_along_axis(of_case, case_codes[:, None], 2)
    odds = odds + np.take_along_axis(of_rater, rater_codes[:, None], 2)
    accepted = (draw.random(odds.shape) < expit(odds)).astype(np.float64)
    return Studies(np.array(case_codes), rater_codes, accepted)


def _check(
    acceptance: Sequence[float], cases: int, raters: int, per_case: int, rater_sd: float, case_sd: float, shared: float
) -> None:
    if not acceptance or not all(0 < each < 1 for each in acceptance):
        raise UnusableRatings(
            reason="a mean acceptance must lie between 0 and 1.", reason_zh="平均接受率须在 0 与 1 之间。"
        )
    if cases < 2 or raters < 2 or not 1 <= per_case <= raters:
        raise UnusableRatings(
            reason=f"{cases} cases with {per_case} of {raters} raters each is no design; at least two of each are needed.",
            reason_zh=f"{cases} 例病例、每例由 {raters} 位评审者中的 {per_case} 位评审，设计不成立；病例与评审者均至少两个。",
        )
    if min(rater_sd, case_sd) < 0 or not 0 <= shared <= 1:
        raise UnusableRatings(
            reason="an SD cannot be negative, and a correlation lies between 0 and 1.",
            reason_zh="标准差不能为负，相关系数须在 0 与 1 之间。",
        )


def _allocated(draw: np.random.Generator, studies: int, cases: int, raters: int, per_case: int) -> Ints:
    """Raters [studies, cases * per_case]: windows on a circle of raters, which is shuffled anew for each lap of cases."""
    laps = -(-cases // raters)
    circles = draw.permuted(np.tile(np.arange(raters), (studies, laps, 1)), axis=2)
    window = (np.arange(raters)[:, None] * per_case + np.arange(per_case)) % raters
    return circles[:, :, window].reshape(studies, -1)[:, : cases * per_case]


def intercept(acceptance: float, spread: float) -> float:
    """The log-odds around which normal effects of SD `spread` give a mean `acceptance`, by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    return float(brentq(lambda middle: weights @ expit(middle + spread * nodes) - acceptance, -40, 40))


@dataclass(frozen=True)
class Precision:
    """What a design can be expected to give. Half-widths are of the two-way interval, as shares."""

    cases: int
    raters: int
    ratings_per_case: int
    half_width: float  # in the middle one of the simulated studies
    half_width_90: float  # nine in ten studies are at least so narrow
    coverage: float  # how often the interval held the true acceptance


def precision(
    acceptance: float,
    *,
    cases: int,
    raters: int,
    ratings_per_case: int,
    rater_sd: float = 0.8,
    case_sd: float = CASE_SD,
    studies: int = 500,
    confidence: float = 0.95,
    seed: int = 0,
) -> Precision:
    """How wide `crossed.acceptance` would be: over simulated studies (see `simulate`), the same for the same seed."""
    made = simulate(
        [acceptance],
        studies=studies,
        cases=cases,
        raters=raters,
        ratings_per_case=ratings_per_case,
        rater_sd=rater_sd,
        case_sd=case_sd,
        seed=seed,
    )
    low, high = intervals(made, confidence=confidence)
    half, most = np.quantile((high - low) / 2, [0.5, 0.9])
    held = float(((low <= acceptance) & (acceptance <= high)).mean())
    return Precision(cases, raters, ratings_per_case, float(half), float(most), held)


def intervals(studies: Studies, *, arm: int = 0, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Lower and upper ends [studies] of the two-way interval of every study, as `crossed.acceptance` gives them."""
    values = studies.accepted[:, arm]
    spread = two_way_spread(values, studies.cases, studies.raters)
    mixed = (spread.mean > 0) & (spread.mean < 1)
    low, high = np.empty(len(values)), np.empty(len(values))
    low[mixed], high[mixed] = two_way_bounds(spread.where(mixed), confidence)
    cases = int(studies.cases.max()) + 1
    for value in (0, 1):
        made = wilson(value * cases, cases, confidence=confidence)
        low[spread.mean == value], high[spread.mean == value] = made.low, made.high
    return low, high


def plan(
    acceptance: float,
    *,
    cases: Sequence[int],
    ratings_per_case: Sequence[int],
    raters: int,
    rater_sd: float = 0.8,
    case_sd: float = CASE_SD,
    studies: int = 500,
    confidence: float = 0.95,
    seed: int = 0,
) -> list[Precision]:
    """`precision` for every number of cases with every number of ratings a case, cases first.

    With few raters more cases soon help no further: the raters' own spread stays.
    """
    return [
        precision(
            acceptance,
            cases=count,
            raters=raters,
            ratings_per_case=each,
            rater_sd=rater_sd,
            case_sd=case_sd,
            studies=studies,
            confidence=confidence,
            seed=seed,
        )
        for count in cases
        for each in ratings_per_case
    ]
