"""The stand-in of an explanation: that it learns what is there, takes up no chance, and makes the fit surer."""

from typing import Any

import numpy as np
import pytest

from medassist import fitting
from medassist.fitting import Samples, fit, foretold, halves, values_of
from medassist.surrogate import balanced_to_five, learn

UNITS = 12
PULLS = np.array([3.0, -2.5, 2.0, 1.5, -1.5, 1.0, 1.0, 0.5, 0.5, 0.0, 0.0, 0.0])


def scores(kept: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Two candidates: sums, and for the second a finding that is told twice and counts once."""
    first = kept @ PULLS
    second = kept @ PULLS[::-1] + 2.0 * (kept[:, 0] | kept[:, 1])
    return np.column_stack([first, second, np.full(len(kept), 1.0)])


def every() -> np.ndarray[Any, Any]:
    return (np.arange(2**UNITS)[:, None] >> np.arange(UNITS)) & 1 == 1


def test_it_learns_sums_and_the_pair_that_counts_once() -> None:
    kept, _ = halves(UNITS, 128, 0)
    known = learn(kept, scores(kept))
    assert known.pairs.tolist() == [[0, 1]]
    assert known.products[0] == pytest.approx([0.0, -0.5, 0.0])
    assert known.scores(every()) == pytest.approx(scores(every()))  # most of them never seen


def test_it_takes_up_no_pair_by_chance() -> None:
    kept, _ = halves(30, 256, 0)
    noise = np.random.default_rng(0).normal(size=(256, 6))
    assert len(learn(kept, noise).pairs) == 0


def test_samples_too_few_for_pairs_give_none() -> None:
    kept, _ = halves(30, 32, 0)
    assert len(learn(kept, kept[:, :1] * kept[:, 1:2] * 5.0).pairs) == 0


def test_an_explanation_comes_closer_to_all_subsets_than_the_fit_alone() -> None:
    """The truth is the same fit over all subsets; a surrogate must not move it, only come closer."""
    truth = fit(every(), values_of(scores(every())))
    alone, aided = [], []
    for seed in range(6):
        kept, pairs = halves(UNITS, 64, seed)
        samples = Samples(kept, scores(kept), pairs)
        known, missed = foretold(samples, values_of(samples.scores))
        alone.append(fit(kept, values_of(samples.scores)) - truth)
        aided.append(known + fit(kept, missed) - truth)
    assert np.std(aided) < np.std(alone) / 3


def test_what_surrogates_do_not_foretell_is_left_as_it_is() -> None:
    kept, pairs = halves(30, 128, 0)
    samples = Samples(kept, np.random.default_rng(1).normal(size=(128, 3)), pairs)
    values = values_of(samples.scores)
    known, missed = foretold(samples, values)
    assert not known.any() and (missed == values).all()


def test_weights_over_many_samples_are_those_of_the_fit() -> None:
    many, weigh = fitting.many(UNITS)
    values = values_of(scores(many))
    fitted = (weigh @ values).T
    assert fitted == pytest.approx(fit(many, values))


def test_any_five_columns_take_all_their_patterns_equally_often() -> None:
    array = balanced_to_five()
    rng = np.random.default_rng(0)
    for columns in (rng.permutation(32)[:5] for _ in range(300)):
        patterns = array[:, columns] @ (1 << np.arange(5))
        assert (np.bincount(patterns, minlength=32) == 64).all()
