"""Whether blinding held: what raters guessed of the arm, against what it was."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from medassist.statistics.estimates import NOTHING, Floats, Interval, Note, UnusableRatings, level_of

CERTAIN = Note("Every guess is alike: no interval.", "所有猜测一致，不给出区间。")


def _guesses(guesses: ArrayLike) -> Floats:
    counts = np.asarray(guesses, dtype=np.float64)
    if counts.shape != (2, 3) or counts.min() < 0 or (counts.sum(axis=1) == 0).any() or (counts % 1).any():
        raise UnusableRatings(
            reason="guesses come as two rows (arms) of three counts (first arm, second arm, don't know).",
            reason_zh="猜测须为两行（组）三列（第一组、第二组、不知道）的计数，且每组至少一次。",
        )
    return counts


def bang_index(guesses: ArrayLike, *, confidence: float = 0.95) -> tuple[Interval, Interval]:
    """Bang's index of each arm (Bang, Ni and Davis 2004): right guesses less wrong ones, over all answers.

    `guesses` [2, 3]: a row for each arm, with the counts guessed as first arm, as second arm, don't know. 1 is wholly
    unblinded, 0 chance, -1 all guess the other arm; beyond ±0.2 is commonly called a concern. Normal interval. It takes
    answers for independent, as if each came from another rater.
    """
    z = float(norm.ppf(1 - level_of(confidence) / 2))
    found = []
    for arm, row in enumerate(_guesses(guesses)):
        total = row.sum()
        right, wrong = row[arm] / total, row[1 - arm] / total
        index = right - wrong
        error = np.sqrt(max(right + wrong - index**2, 0.0) / total)
        found.append(_normal(float(index), float(error), z, -1.0, "bang"))
    return found[0], found[1]


def james_index(guesses: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """James' index (James et al. 1996): 1 is wholly blind (all don't know), ½ is chance, 0 is all guess right.

    `guesses` [2, 3] as for `bang_index`. With its weights (0 right, ½ wrong, 1 don't know) it is the share of "don't
    know" plus what κ leaves of the rest. Normal interval by the delta method on the six multinomial counts.
    """
    z = float(norm.ppf(1 - level_of(confidence) / 2))
    counts = _guesses(guesses)
    shares = counts / counts.sum()
    told = shares[:, :2]
    guessed = told.sum()
    if not guessed:
        return Interval(1.0, None, None, "james", CERTAIN)
    wrong = told[0, 1] + told[1, 0]
    arms, answers = told.sum(axis=1), told.sum(axis=0)
    by_chance = arms[0] * answers[1] + arms[1] * answers[0]
    if not by_chance:
        note = Note("Undefined: all guesses are of one arm.", "无定义：所有猜测均为同一组。")
        return Interval(None, None, None, "james", note)
    index = shares[:, 2].sum() + wrong * guessed**2 / (2 * by_chance)
    slopes = np.ones((2, 3))  # of the index by each share
    for arm in (0, 1):
        for answer in (0, 1):
            by = answers[1 - arm] + arms[1 - answer]
            slopes[arm, answer] = (
                (arm != answer) * guessed**2 / (2 * by_chance)
                + wrong * guessed / by_chance
                - wrong * guessed**2 * by / (2 * by_chance**2)
            )
    variance = ((slopes**2 * shares).sum() - (slopes * shares).sum() ** 2) / counts.sum()
    return _normal(float(index), float(np.sqrt(max(variance, 0.0))), z, 0.0, "james")


def _normal(index: float, error: float, z: float, least: float, method: str) -> Interval:
    if error < 1e-12:
        return Interval(index, None, None, method, CERTAIN)
    return Interval(index, max(least, index - z * error), min(1.0, index + z * error), method, NOTHING)
