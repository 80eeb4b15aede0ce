"""LIME's fit: which samples of a case to weigh, and what the weights of its findings are after so many.

Samples come in antithetic pairs that leave out one half of the findings and then the other, in balanced blocks. What a
surrogate of the scores can foretell of the odds is fitted over many samples that nobody weighs, and only the rest over
those that were weighed: the weights are lime's, their errors smaller.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard
from scipy.special import log_softmax, logsumexp

from medassist.explanation import FAINT, Rows, strongest
from medassist.surrogate import balanced_to_five, learn

BLOCK = 64
FLAT = 1e-9
"""Natural log-odds: values that spread less are all one value, which any fit holds."""
RIDGE = 1e-3
FOLDS = 5
BOOTSTRAPS = 100
WIDTH = 25.0
"""Of the kernel over cosine distance × 100: lime's own for texts."""


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


def finite(scores: Rows) -> Rows:
    """Scores with −∞ (a candidate that is ruled out) put below all others, so that a fit has numbers."""
    if np.isfinite(scores).all():
        return scores
    known = scores[np.isfinite(scores)]
    lowest = float(known.min()) - 10 if known.size else 0.0
    cleaned: Rows = np.where(np.isfinite(scores), scores, lowest)
    return cleaned


# --- Samples.


def subsets(count: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """All subsets, the whole case first; a subset and its complement are a pair."""
    numbers = np.arange(2**count)[::-1]
    kept = (numbers[:, None] >> np.arange(count)) & 1 == 1
    return kept, np.minimum(numbers, 2**count - 1 - numbers).astype(np.int64)


def halves(count: int, most: int, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
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


def single(count: int) -> NDArray[np.bool_]:
    """The whole case, and each unit left out alone."""
    return np.concatenate([np.ones((1, count), dtype=bool), ~np.eye(count, dtype=bool)])


# --- Fit.


def values_of(scores: Rows) -> Rows:
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


def fit(kept: NDArray[np.bool_], values: Rows) -> Rows:
    """The weights of the units for `values` [samples, columns], [columns, units], by the lime package's fit."""
    from lime.lime_base import LimeBase  # with scikit-learn a second of start-up, for what few commands do
    from sklearn.linear_model import Ridge

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
def many(count: int) -> tuple[NDArray[np.bool_], Rows]:
    """The samples a surrogate is asked, and what makes of their values the weights of `_fit`, [units, samples]."""
    kept = balanced_to_five()[:, :count]
    near = _kernel(_distances(kept))
    middle: Rows = kept - np.average(kept, axis=0, weights=near).astype(np.float64)
    weighted = middle.T * near
    weigh: Rows = np.asarray(np.linalg.solve(weighted @ middle + RIDGE * np.eye(count), weighted), dtype=np.float64)
    return kept, weigh


def foretold(samples: Samples, values: Rows) -> tuple[Rows, Rows]:
    """The weights [columns, units] that a surrogate's own odds have, and what of `values` is left to be fitted.

    `values` are the log-odds and log-probabilities of the candidates. Most of what makes a fit of few samples uncertain
    is the bend of the softmax, which a surrogate of the scores knows (a control variate). A sample's part is taken from
    a surrogate that has not seen it, so that what it misses is not made small by fitting it (cross-fitting). A column
    that surrogates foretell no better than the linear fit or the mean does is left as it is.
    """
    folds, (unweighed, weigh) = samples.pair_numbers % FOLDS, many(samples.kept.shape[1])
    rounds = min(FOLDS, int(folds.max()) + 1)
    told, everywhere = np.empty_like(values), np.zeros((len(unweighed), values.shape[1]))
    for fold in range(rounds):
        out = folds == fold
        known = learn(samples.kept[~out], samples.scores[~out])
        told[out] = values_of(known.scores(samples.kept[out]))
        everywhere += values_of(known.scores(unweighed)) / rounds
    near = _kernel(_distances(samples.kept))
    linear, mean = _linear_held_out(samples, values), np.average(values, axis=0, weights=near)
    better = near @ (values - told) ** 2 < np.minimum(near @ (values - linear) ** 2, near @ (values - mean) ** 2)
    return np.where(better[:, None], (weigh @ everywhere).T, 0.0), values - np.where(better, told, 0.0)


def held_out(samples: Samples, values: Rows) -> Rows:
    """R² of each column of `values` over pairs that the fit has not seen, all folds together; weighted as the fit is."""
    near = _kernel(_distances(samples.kept))
    missed = near @ (values - _linear_held_out(samples, values)) ** 2
    spread = near @ (values - np.average(values, axis=0, weights=near)) ** 2
    flat = values.std(axis=0) < FLAT
    r2: Rows = np.where(flat, 1.0, 1.0 - missed / np.where(flat, 1.0, spread))
    return r2


def _linear_held_out(samples: Samples, values: Rows) -> Rows:
    """`values` as a fit that has not seen them foretells them."""
    from sklearn.linear_model import Ridge

    near, kept = _kernel(_distances(samples.kept)), samples.kept.astype(float)
    folds = samples.pair_numbers % FOLDS
    told = np.empty_like(values)
    for fold in range(min(FOLDS, folds.max() + 1)):
        out = folds == fold
        told[out] = Ridge(alpha=RIDGE).fit(kept[~out], values[~out], sample_weight=near[~out]).predict(kept[out])
    return told


def refitted(samples: Samples, values: Rows, seed: int) -> Rows:
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


def signs_kept(again: Rows, weights: Rows) -> float:
    """In what share of the fits the strongest units keep their sign; of next to nothing the sign means nothing."""
    largest = float(np.abs(weights).max())
    if largest < FLAT:
        return 1.0
    least = FAINT * largest
    top = [unit for unit in strongest(weights) if abs(float(weights[unit])) >= least]
    return float((np.sign(again[:, top]) == np.sign(weights[top])).mean())
