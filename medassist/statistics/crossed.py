"""Rates from cases × raters: intervals that know both that cases differ and that raters do.

Ratings of one case resemble each other, and so do those of one rater. An interval that takes rows for independent is
too narrow. The estimate here is the plain mean of the ratings, and it stands for cases and raters not yet seen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from scipy.stats import t as student

from medassist.statistics.estimates import (
    NOTHING,
    Floats,
    Interval,
    Ints,
    Note,
    Resampled,
    binary,
    coded,
    level_of,
    quantiles,
    wilson,
)

RESAMPLES = 2000
ONE_RATER = Note("One rater only: this says nothing of other raters.", "仅有一位评审者，结果不能推及其他评审者。")
ONE_CASE = Note("One case only: this says nothing of other cases.", "仅有一例病例，结果不能推及其他病例。")


@dataclass(frozen=True)
class Spread:
    """Means of many studies at once and how far they may be off. Arrays are [studies]."""

    mean: Floats
    error: Floats  # standard error of the mean
    degrees: Ints  # of freedom: the smaller number of clusters, less one
    fallback: Ints  # 0: two-way; 1: the larger one-way; 2: as if rows were independent

    def where(self, chosen: NDArray[np.bool_]) -> "Spread":
        return Spread(self.mean[chosen], self.error[chosen], self.degrees[chosen], self.fallback[chosen])


def group_sums(amounts: Floats, groups: Ints, count: int) -> Floats:
    """Sums of `amounts` [studies, rows] by `groups` [studies, rows] → [studies, count]."""
    studies = len(amounts)
    offsets = groups + count * np.arange(studies)[:, None]
    sums = np.bincount(offsets.ravel(), amounts.ravel(), studies * count)
    return np.asarray(sums, dtype=np.float64).reshape(studies, count)


def two_way_spread(values: Floats, cases: Ints, raters: Ints) -> Spread:
    """Means of `values` [studies, rows] with errors clustered by both codes [studies, rows].

    Cameron, Gelbach and Miller (2011): the variance by cases plus that by raters less that by rows, each with its
    G/(G-1). Where that is not positive, the larger of the first two; where both are zero, the third.
    """
    rows = values.shape[1]
    mean = values.mean(axis=1)
    off = values - mean[:, None]
    variances, clusters = [], []
    for groups in (cases, raters):
        count = int(groups.max()) + 1
        present = (group_sums(np.ones_like(off), groups, count) > 0).sum(axis=1)
        squares = (group_sums(off, groups, count) ** 2).sum(axis=1)
        variances.append(squares * present / np.maximum(present - 1, 1) / rows**2)
        clusters.append(present)
    by_row = (off**2).sum(axis=1) / rows / max(rows - 1, 1)
    larger = np.maximum(*variances)
    both = variances[0] + variances[1] - by_row
    tiny = 1e-12 / rows
    fallback = np.where(both > tiny, 0, np.where(larger > tiny, 1, 2))
    variance = np.choose(fallback, [both, larger, by_row])
    return Spread(mean, np.sqrt(variance), np.minimum(*clusters) - 1, fallback)


def two_way_bounds(spread: Spread, confidence: float) -> tuple[Floats, Floats]:
    """Lower and upper ends [studies] of rates strictly between 0 and 1, by t on the logit scale (delta method)."""
    middle = logit(spread.mean)
    width = student.ppf(1 - level_of(confidence) / 2, spread.degrees) * spread.error / (spread.mean * (1 - spread.mean))
    return np.asarray(expit(middle - width)), np.asarray(expit(middle + width))


def acceptance(cases: ArrayLike, raters: ArrayLike, accepted: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """The share of accepting ratings, its interval by two-way cluster-robust errors on the logit scale.

    Columns are [rows]; `accepted` holds 1 and 0, and a missing value leaves its row out. Errors by Cameron, Gelbach
    and Miller (2011), t with one degree of freedom less than there are raters or cases, whichever is fewer. Where all
    ratings are the same there is no spread to measure: then Wilson's interval over cases, which the note says.
    """
    ratings = coded(cases, raters, accepted)
    values = binary(ratings.values)
    n_cases, n_raters = ratings.sizes
    if values.min() == values.max():
        return _unanimous(int(values[0]), n_cases, confidence)
    if min(n_cases, n_raters) == 1:
        return _one_kind(values, n_raters == 1, confidence)
    spread = two_way_spread(values[None], ratings.cases[None], ratings.raters[None])
    low, high = two_way_bounds(spread, confidence)
    note = _FALLBACKS[int(spread.fallback[0])]
    return Interval(float(spread.mean[0]), float(low[0]), float(high[0]), "two-way cluster t on the logit", note)


_FALLBACKS = (
    NOTHING,
    Note(
        "The two-way variance was not positive: the larger of those by cases and by raters is used.",
        "双向聚类方差非正，改用按病例与按评审者两者中较大的方差。",
    ),
    Note(
        "No spread between cases or raters: rows are taken for independent.",
        "病例之间与评审者之间均无差异，按各评分独立计算。",
    ),
)


def _unanimous(value: int, cases: int, confidence: float) -> Interval:
    made = wilson(value * cases, cases, confidence=confidence)
    note = Note(
        f"All ratings are the same, so that no spread can be measured: Wilson's interval over {cases} cases,"
        " which knows nothing of raters.",
        f"所有评分一致，无法估计离散程度：采用按 {cases} 例病例计算的 Wilson 区间，未考虑评审者差异。",
    )
    return Interval(made.estimate, made.low, made.high, "wilson over cases", note)


def _one_kind(values: Floats, one_rater: bool, confidence: float) -> Interval:
    """One rater or one case: every row is a cluster of its own."""
    made = wilson(int(values.sum()), len(values), confidence=confidence)
    if one_rater:
        return Interval(made.estimate, made.low, made.high, "wilson over cases", ONE_RATER)
    return Interval(made.estimate, made.low, made.high, "wilson over raters", ONE_CASE)


def resampled_means(
    values: Floats, cases: Ints, raters: Ints, sizes: tuple[int, int], *, resamples: int, seed: int, over: Resampled
) -> Floats:
    """Means [resamples] of `values` [rows], cases and raters each drawn anew with replacement; NaN where no row is left.

    The crossed ("pigeonhole") bootstrap of McCullagh (2000) and Owen (2007), or with `over="cases"` that of cases alone.
    """
    draw = np.random.default_rng(seed)
    table, rated = np.zeros(sizes), np.zeros(sizes)
    np.add.at(table, (cases, raters), values)
    np.add.at(rated, (cases, raters), 1)
    by_case = draw.multinomial(sizes[0], np.full(sizes[0], 1 / sizes[0]), resamples).astype(np.float64)
    by_rater = np.ones((resamples, sizes[1]))
    if over == "both":
        by_rater = draw.multinomial(sizes[1], np.full(sizes[1], 1 / sizes[1]), resamples).astype(np.float64)
    total = ((by_case @ table) * by_rater).sum(axis=1)
    count = ((by_case @ rated) * by_rater).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(resamples, np.nan), where=count > 0))


def acceptance_bootstrap(
    cases: ArrayLike,
    raters: ArrayLike,
    accepted: ArrayLike,
    *,
    over: Resampled = "both",
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """The share of accepting ratings (columns [rows], 1 and 0) with the crossed case × rater bootstrap's interval.

    Owen (2007): cases and raters are drawn independently, percentile ends. It errs on the wide side. `over="cases"`
    draws cases alone, as most reports do, and is too narrow where raters differ. The same seed gives the same interval.
    """
    ratings = coded(cases, raters, accepted)
    values = binary(ratings.values)
    if values.min() == values.max():
        return _unanimous(int(values[0]), ratings.sizes[0], confidence)
    means = resampled_means(
        values, ratings.cases, ratings.raters, ratings.sizes, resamples=resamples, seed=seed, over=over
    )
    method = "crossed bootstrap" if over == "both" else "bootstrap over cases"
    return quantiles(means, float(values.mean()), confidence, method)
