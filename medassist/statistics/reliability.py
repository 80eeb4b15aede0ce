"""Intraclass correlation: how much of the spread of scores is between cases (Shrout and Fleiss 1979)."""

import warnings
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medassist.statistics.estimates import NOTHING, Interval, Note, UnusableRatings, coded

Form = Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)"]
FORMS: tuple[Form, ...] = get_args(Form)
PINGOUIN: dict[Form, str] = dict(
    zip(FORMS, ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)"), strict=True)
)
"""Its names follow McGraw and Wong (1996)."""

TOO_FEW = Note(
    "Undefined: it takes two cases with two ratings each, and five ratings in all.",
    "无定义：至少需要两例各有两份评分的病例，且评分总数不少于五份。",
)
LEAST = 5  # pingouin's own limit
NO_SPREAD = Note("Undefined: all scores are the same.", "无定义：所有评分相同。")
CASES_ALIKE = Note("Undefined: the cases do not differ.", "无定义：病例之间没有差异。")
NO_RESIDUE = Note("No interval: no spread is left to make it from.", "无区间：没有剩余离散可供估计。")
HUGE = 1e9  # a quotient beyond it is one by zero
NOT_CROSSED = Note(
    "Undefined: it needs the same raters on every case.", "无定义：此形式要求每例病例由相同的评审者评分。"
)


def icc(cases: ArrayLike, raters: ArrayLike, scores: ArrayLike) -> dict[Form, Interval]:
    """The six forms with 95 % intervals by F (Shrout and Fleiss 1979; McGraw and Wong 1996), by pingouin.

    Columns are [rows]; scores are numbers, and a missing one leaves its row out. All six need the same raters on every
    case: cases that lack one are left out if at least half remain. Else only the first and fourth form are defined,
    which take raters as drawn anew for each case, over the cases with the commonest number of ratings.
    """
    ratings = coded(cases, raters, scores)
    n_cases, n_raters = ratings.sizes
    table = np.full((n_cases, n_raters), np.nan)
    try:
        table[ratings.cases, ratings.raters] = ratings.values.astype(np.float64)
    except ValueError:
        raise UnusableRatings(reason="scores must be numbers.", reason_zh="评分须为数值。") from None
    crossed, note = _complete(table)
    if crossed is not None:
        return _forms(crossed, FORMS, note)
    loose, note = _slots(table)
    found = _forms(loose, ("ICC(1,1)", "ICC(1,k)"), note)
    return {form: found.get(form, Interval(None, None, None, form, NOT_CROSSED)) for form in FORMS}


def _complete(table: NDArray[np.float64]) -> tuple[NDArray[np.float64] | None, Note]:
    """Cases that every rater rated, if they are half of all."""
    full = ~np.isnan(table).any(axis=1)
    if 2 * full.sum() < len(table):
        return None, NOTHING
    return table[full], _left_out(int((~full).sum()))


def _slots(table: NDArray[np.float64]) -> tuple[NDArray[np.float64], Note]:
    """The ratings of each case side by side, whoever gave them, of cases with the commonest number of ratings ≥ 2."""
    numbers = (~np.isnan(table)).sum(axis=1)
    often = np.bincount(numbers, minlength=3)
    often[:2] = 0
    kept = table[numbers == often.argmax()] if often.any() else table[:0]
    return np.array([sorted(row[~np.isnan(row)]) for row in kept]), _left_out(len(table) - len(kept))


def _left_out(number: int) -> Note:
    if not number:
        return NOTHING
    return Note(f"{number} cases with missing ratings are left out.", f"{number} 例评分不全的病例已剔除。")


def _forms(table: NDArray[np.float64], forms: tuple[Form, ...], note: Note) -> dict[Form, Interval]:
    """The forms of a full table [cases, raters]."""
    if len(table) < 2 or table.shape[1] < 2 or table.size < LEAST:
        return {form: Interval(None, None, None, form, TOO_FEW + note) for form in forms}
    if np.ptp(table) == 0:
        return {form: Interval(None, None, None, form, NO_SPREAD + note) for form in forms}
    rows = _pingouin(table)
    return {form: _interval(form, rows[PINGOUIN[form]], note) for form in forms}


def _interval(form: Form, row: tuple[float, float, float], note: Note) -> Interval:
    estimate, low, high = row
    if not abs(estimate) < HUGE:  # NaN too
        return Interval(None, None, None, form, CASES_ALIKE + note)
    if not high - low > 1 / HUGE:
        return Interval(float(estimate), None, None, form, NO_RESIDUE + note)
    return Interval(float(estimate), float(low), float(high), f"{form}, F", note)


def _pingouin(table: NDArray[np.float64]) -> dict[str, tuple[float, float, float]]:
    """Its six rows as (estimate, low, high). Imported here: it brings whole libraries of plots."""
    import pandas as pd
    import pingouin

    cases, raters = np.indices(table.shape)
    frame = pd.DataFrame({"case": cases.ravel(), "rater": raters.ravel(), "score": table.ravel()})
    rounding = pingouin.options.pop("round.column.CI95", None)  # it rounds to two digits
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of zero variance, which `_interval` tells
            found: Any = pingouin.intraclass_corr(frame, targets="case", raters="rater", ratings="score")
    finally:
        pingouin.options["round.column.CI95"] = rounding
    return {row["Type"]: (row["ICC"], *row["CI95"]) for _, row in found.iterrows()}
