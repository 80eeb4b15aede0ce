"""How far raters agree: percent agreement, coefficients corrected for chance, Krippendorff's α, κ of two raters, ICC.

Near full acceptance the coefficients part (Feinstein and Cicchetti 1990): α and κ fall towards 0 while raters agree on
nine cases in ten. Show percent agreement, α and AC1 or AC2 together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import krippendorff
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from statsmodels.stats.inter_rater import cohens_kappa

from medassist.statistics.estimates import (
    NOTHING,
    Coded,
    Floats,
    Interval,
    Ints,
    Note,
    UnusableRatings,
    coded,
    level_of,
    quantiles,
)

Coefficient = Literal["percent", "ac", "alpha", "fleiss", "conger", "brennan_prediger"]
Weights = Literal["identity", "linear", "quadratic", "ordinal"]
Level = Literal["nominal", "ordinal", "interval", "ratio"]

NEVER_TWICE = Note("Undefined: no case has two ratings.", "无定义：没有任何病例有两份评分。")
ONE_CATEGORY = Note("Undefined: only one category is known.", "无定义：只有一个类别。")
UNANIMOUS = Note(
    "Undefined: all ratings that can be compared are the same, so that chance alone would explain them.",
    "无定义：可比较的评分全部一致，仅凭偶然即可解释。",
)


@dataclass(frozen=True)
class Counted:
    """Ratings as counts of categories, and everything the coefficients take from them, for any weighting of cases."""

    ratings: Coded
    categories: tuple[Any, ...]
    codes: Ints  # [rows], places among the categories

    @cached_property
    def counts(self) -> Floats:
        """How many raters put each case into each category [cases, categories]."""
        table = np.zeros((self.ratings.sizes[0], len(self.categories)))
        np.add.at(table, (self.ratings.cases, self.codes), 1)
        return table

    @cached_property
    def pairable(self) -> NDArray[np.bool_]:
        """Which cases [cases] have two ratings or more."""
        return np.asarray(self.counts.sum(axis=1) >= 2)

    @cached_property
    def by_rater(self) -> Floats:
        """1 where a rater put a case into a category [cases, raters * categories]."""
        cases, raters = self.ratings.sizes
        table = np.zeros((cases, raters, len(self.categories)))
        table[self.ratings.cases, self.ratings.raters, self.codes] = 1
        return table.reshape(cases, -1)

    @cached_property
    def scale(self) -> Floats:
        """The categories' values, or their places where they are words."""
        if all(isinstance(each, (int, float)) for each in self.categories):
            return np.array(self.categories, dtype=np.float64)
        return np.arange(len(self.categories), dtype=np.float64)


def agreement(
    cases: ArrayLike,
    raters: ArrayLike,
    values: ArrayLike,
    *,
    coefficients: Sequence[Coefficient] = ("percent", "ac", "alpha"),
    categories: Sequence[Any] | None = None,
    weights: Weights = "identity",
    level: Level = "nominal",
    resamples: int = 0,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[Coefficient, Interval]:
    """The named coefficients over columns [rows], any of which a rater may have left out (None, NaN).

    - `percent`: pairs of raters that agree, averaged over cases; never weighted
    - `ac`: Gwet's AC1, or with weights AC2 (Gwet 2008; 2014)
    - `alpha`: Krippendorff's α at `level` (Krippendorff 2004), by the package krippendorff
    - `fleiss`, `conger`, `brennan_prediger`: κ of Fleiss (1971), Conger (1980), Brennan and Prediger (1981), for missing
      ratings and weights as in Gwet (2014)

    `categories` are all that the instrument offers, in order: AC and Brennan–Prediger depend on how many there are.
    Without them they are the sorted values that occur. With `resamples`, percentile intervals of a bootstrap over
    cases, the same draws for all. What is undefined is None with its reason.
    """
    level_of(confidence)
    counted = count(cases, raters, values, categories)
    if level in ("interval", "ratio") and not all(isinstance(each, (int, float)) for each in counted.categories):
        raise UnusableRatings(
            reason=f"{level} α needs numbers, not words.", reason_zh=f"{level} 水平的 α 需要数值而非文字。"
        )
    if unknown := set(coefficients) - set(get_args(Coefficient)):
        named = ", ".join(sorted(unknown))
        raise UnusableRatings(reason=f"unknown coefficient {named}.", reason_zh=f"未知的一致性系数 {named}。")
    agreeing = agreement_weights(weights, counted.scale)
    n = counted.ratings.sizes[0]
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), resamples).astype(np.float64)
    every = np.vstack([np.ones((1, n)), draws])  # the first row is the study itself
    return {each: _interval(counted, each, every, agreeing, level, confidence) for each in coefficients}


def count(cases: ArrayLike, raters: ArrayLike, values: ArrayLike, categories: Sequence[Any] | None) -> Counted:
    """Columns [rows] as counts; raises `UnusableRatings` for a value outside `categories`."""
    ratings = coded(cases, raters, values)
    found = set(ratings.values)
    try:
        order = tuple(sorted(found) if categories is None else categories)
    except TypeError:
        raise UnusableRatings(reason="numbers and words are mixed.", reason_zh="评分中混有数值与文字。") from None
    if unknown := found - set(order):
        named = ", ".join(sorted(map(repr, unknown)))
        raise UnusableRatings(reason=f"unknown category {named}.", reason_zh=f"未知类别 {named}。")
    place = {each: code for code, each in enumerate(order)}
    return Counted(ratings, order, np.array([place[each] for each in ratings.values], dtype=np.int64))


def agreement_weights(kind: Weights, scale: Floats) -> Floats:
    """How far two categories agree, 1 to 0 [categories, categories] (Gwet 2014, chapter 3)."""
    apart = np.abs(scale[:, None] - scale)
    if kind == "identity" or len(scale) < 2:
        return np.eye(len(scale))
    if kind == "ordinal":
        places = np.arange(len(scale))
        between = np.abs(places[:, None] - places) + 1
        apart = between * (between - 1) / 2
    elif kind == "quadratic":
        apart = apart**2
    return np.asarray(1 - apart / apart.max())


def _interval(
    counted: Counted, name: Coefficient, every: Floats, agreeing: Floats, level: Level, confidence: float
) -> Interval:
    if not counted.pairable.any():
        return Interval(None, None, None, name, NEVER_TWICE)
    if name == "alpha":
        values = np.array([_alpha(counted, weighting, level) for weighting in every])
    else:
        values = _chance_corrected(counted, name, every, agreeing)
    if np.isnan(values[0]):
        return Interval(None, None, None, name, ONE_CATEGORY if name in ("ac", "brennan_prediger") else UNANIMOUS)
    if len(every) == 1:
        return Interval(float(values[0]), None, None, name)
    return quantiles(values[1:], float(values[0]), confidence, f"{name}, bootstrap over cases")


def _chance_corrected(counted: Counted, name: Coefficient, every: Floats, agreeing: Floats) -> Floats:
    """A coefficient for each weighting of the cases [weightings, cases] → [weightings]; NaN where undefined."""
    observed_by = np.eye(len(agreeing)) if name == "percent" else agreeing
    rated = counted.counts.sum(axis=1)
    pairs = np.maximum(rated * (rated - 1), 1)
    agreed = (counted.counts * (counted.counts @ observed_by - 1)).sum(axis=1) / pairs
    used = every @ counted.pairable
    observed = _over(every @ (agreed * counted.pairable), used)
    if name == "percent":
        return observed
    expected = _expected(counted, name, every, agreeing)
    return _over(observed - expected, 1 - expected)


def _expected(counted: Counted, name: Coefficient, every: Floats, agreeing: Floats) -> Floats:
    """Agreement by chance, [weightings, cases] → [weightings] (Gwet 2014, chapter 4 and 5)."""
    q = len(agreeing)
    shares = (every @ (counted.counts / counted.counts.sum(axis=1, keepdims=True))) / every.sum(axis=1)[:, None]
    if name == "fleiss":
        return np.asarray(np.einsum("wk,kl,wl->w", shares, agreeing, shares))
    if name == "conger":
        return _conger(counted, every, agreeing)
    if q < 2:
        return np.full(len(every), 1.0)
    if name == "ac":
        return np.asarray(agreeing.sum() / q / (q - 1) * (shares * (1 - shares)).sum(axis=1))
    return np.full(len(every), agreeing.sum() / q**2)


def _conger(counted: Counted, every: Floats, agreeing: Floats) -> Floats:
    """Chance agreement of Conger (1980): the mean over pairs of different raters of what their own habits give."""
    raters, q = counted.ratings.sizes[1], len(agreeing)
    placed = (every @ counted.by_rater).reshape(len(every), raters, q)
    active = placed.sum(axis=2) > 0  # in a resample a rater may have rated nothing
    habits = _over(placed, placed.sum(axis=2, keepdims=True), empty=0.0)
    total, own = habits.sum(axis=1), np.einsum("wrk,kl,wrl->w", habits, agreeing, habits)
    different = np.einsum("wk,kl,wl->w", total, agreeing, total) - own
    number = active.sum(axis=1)
    return _over(different, number * (number - 1.0))


def _over(top: Floats, bottom: Floats, empty: float = np.nan) -> Floats:
    """A quotient, `empty` where the bottom is zero but for rounding."""
    bottom = np.broadcast_to(bottom, top.shape)
    return np.asarray(np.divide(top, bottom, out=np.full(top.shape, empty), where=np.abs(bottom) > 1e-12))


def _alpha(counted: Counted, weighting: Floats, level: Level) -> float:
    """α with each case taken `weighting` [cases] times; NaN where fewer than two values occur."""
    chosen = np.repeat(counted.counts, weighting.astype(np.int64), axis=0)
    chosen = chosen[chosen.sum(axis=1) >= 2]
    if not len(chosen) or (chosen.sum(axis=0) > 0).sum() < 2:
        return float("nan")
    return float(krippendorff.alpha(value_counts=chosen, value_domain=counted.scale, level_of_measurement=level))


def cohen_kappa(table: ArrayLike, *, disagreement: ArrayLike | None = None, confidence: float = 0.95) -> Interval:
    """κ of two raters from their cross-table [categories, categories] (Cohen 1960), by statsmodels.

    `disagreement` [categories, categories] weighs the cells (Cohen 1968); its diagonal is zero. The interval is normal,
    by the large-sample error of Fleiss, Cohen and Everitt (1969), and ends at -1 and 1.
    """
    level = level_of(confidence)
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.sum() <= 0 or counts.min() < 0:
        raise UnusableRatings(reason="κ needs a square table of counts.", reason_zh="κ 需要由计数组成的方形表。")
    weights = None if disagreement is None else np.asarray(disagreement, dtype=np.float64)
    if weights is not None:
        if weights.shape != counts.shape or weights.max() <= 0 or weights.min() < 0 or np.diag(weights).any():
            raise UnusableRatings(
                reason="the weights must fit the table, be positive, and be zero on the diagonal.",
                reason_zh="权重矩阵须与表格同形、非负且对角线为零。",
            )
        weights = weights / weights.max()
    apart = 1 - np.eye(len(counts)) if weights is None else weights
    if (apart * np.outer(counts.sum(axis=1), counts.sum(axis=0))).sum() == 0:
        return Interval(None, None, None, "cohen", UNANIMOUS)
    with np.errstate(divide="ignore", invalid="ignore"):  # its maximum of κ, which is not used
        found = cohens_kappa(counts, weights=weights)
    kappa, error = float(found.kappa), float(np.sqrt(max(float(found.var_kappa), 0.0)))
    width = float(norm.ppf(1 - level / 2)) * error
    note = NOTHING
    if not error:
        note = Note("The large-sample error is zero here: no interval.", "此处大样本标准误为零，不给出区间。")
        return Interval(kappa, None, None, "cohen", note)
    return Interval(kappa, max(-1.0, kappa - width), min(1.0, kappa + width), "cohen", note)
