"""A stand-in for what weighs a case: sums over its findings and over a few pairs of them, learnt from the samples.

Scores are nearly such sums; the odds that an explanation fits are not, being a softmax of them. What a stand-in says
of thousands of samples costs nothing, so only what it misses is left to the few that were really weighed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

CLEAR = 4.5
"""Standard errors at which a pair of findings counts: one in some hundred thousand by chance, of 435 pairs."""
PAIRS = 25
"""At most so many pairs to a candidate."""
STILL = 1e-9
"""Scores that spread less are all one score."""
NEW = 1e-6
"""Share of a pair that the findings and pairs before it must not tell."""


@dataclass(frozen=True)
class Surrogate:
    """Scores as sums; a finding counts +1 where it is kept and −1 where it is left out."""

    singles: Rows  # [1 + units, candidates], the constant first
    pairs: NDArray[np.int64]  # [pairs, 2]
    products: Rows  # [pairs, candidates]

    def scores(self, kept: NDArray[np.bool_]) -> Rows:
        """[samples, candidates]."""
        signs = _signs(kept)
        told: Rows = self.singles[0] + signs @ self.singles[1:]
        return told + (signs[:, self.pairs[:, 0]] * signs[:, self.pairs[:, 1]]) @ self.products


def learn(kept: NDArray[np.bool_], scores: Rows) -> Surrogate:
    """The sums that come closest to `scores` [samples, candidates]; a pair is taken up only where it is clear."""
    signs = _signs(kept)
    samples, units = signs.shape
    places = np.column_stack(np.triu_indices(units, 1))
    products = signs[:, places[:, 0]] * signs[:, places[:, 1]]
    plain = np.column_stack([np.ones(samples), signs])
    span, _ = np.linalg.qr(plain)
    # What the findings do not tell alone: of a pair, and of a score.
    rest, left = products - span @ (span.T @ products), scores - span @ (span.T @ scores)
    free = samples - units - 1
    together, toward, size = rest.T @ rest, rest.T @ left, (left**2).sum(axis=0)
    picked = [_clear(together, toward[:, each], float(size[each]), free) for each in range(scores.shape[1])]
    used = sorted({pair for each in picked for pair in each})
    found = np.zeros((plain.shape[1] + len(used), scores.shape[1]))
    for candidate, pairs in enumerate(picked):
        rows = [*range(plain.shape[1]), *(plain.shape[1] + used.index(pair) for pair in pairs)]
        design = np.column_stack([plain, products[:, pairs]])
        found[rows, candidate] = np.linalg.lstsq(design, scores[:, candidate], rcond=None)[0]
    return Surrogate(found[: units + 1], places[used].reshape(-1, 2), found[units + 1 :])


def balanced_to_five() -> NDArray[np.bool_]:
    """2,048 samples of 32 columns in which any five of them take all their 32 patterns equally often.

    The dual of the extended two-error-correcting BCH code: its distance of 6 makes it an orthogonal array of strength
    five (Delsarte 1973), so that a weight is free of what up to four units do together.
    """
    powers = [1]  # of a primitive element of the field of 32, by x⁵ = x² + 1
    while len(powers) < 31:
        following = powers[-1] << 1
        powers.append(following ^ 0b100101 if following & 32 else following)
    columns = np.array([1, *(1 | x << 1 | powers[3 * place % 31] << 6 for place, x in enumerate(powers))])
    array: NDArray[np.bool_] = np.bitwise_count(np.arange(2**11)[:, None] & columns) % 2 == 1
    return array


def _signs(kept: NDArray[np.bool_]) -> Rows:
    return np.where(kept, 1.0, -1.0)


def _clear(together: Rows, toward: Rows, size: float, free: int) -> list[int]:
    """The pairs that tell clearly what is left of a score, the clearest first (orthogonal matching pursuit).

    `together` are the products of pairs with each other, `toward` with the score, `size` that of the score with itself.
    """
    found = list[int]()
    while len(found) < min(PAIRS, free // 4) and size > free * STILL**2:
        told = np.linalg.solve(together[np.ix_(found, found)], np.column_stack([together[found], toward[found]]))
        sizes = np.diag(together) - (together[found] * told[:, :-1]).sum(axis=0)
        shares = toward - told[:, :-1].T @ toward[found]
        gains = np.where(sizes > NEW * np.diag(together), shares**2 / np.maximum(sizes, STILL), 0.0)
        best = int(gains.argmax())
        noise = max(size - float(toward[found] @ told[:, -1] + gains[best]), 0.0) / (free - len(found) - 1)
        if gains[best] <= max(CLEAR**2 * noise, free * STILL**2):
            break
        found.append(best)
    return found
