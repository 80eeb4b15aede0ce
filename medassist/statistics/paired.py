"""Two arms on the same cases: McNemar's test on majorities, and the difference of acceptance as rated by the same raters."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_by_statsmodels

from medassist.statistics.crossed import ONE_CASE, ONE_RATER, RESAMPLES, resampled_means, two_way_spread
from medassist.statistics.estimates import (
    NOTHING,
    Coded,
    Interval,
    Note,
    UnusableRatings,
    binary,
    coded,
    level_of,
    majority,
    present,
    quantiles,
    same_length,
    wilson,
)

FEW = 25
"""Below so many discordant pairs the exact test counts."""


@dataclass(frozen=True)
class McNemar:
    """Three versions of one test. `p` is the one to report: exact where pairs are few, else corrected."""

    discordant: tuple[int, int]  # only the first arm yes, only the second arm yes
    chi2: float | None
    p_plain: float | None
    chi2_corrected: float | None
    p_corrected: float | None
    p_exact: float
    exact: bool  # whether `p` is the exact one
    note: Note = NOTHING

    @property
    def p(self) -> float:
        return self.p_exact if self.exact or self.p_corrected is None else self.p_corrected


def mcnemar(table: ArrayLike) -> McNemar:
    """McNemar's test (1947) of a table of cases [[yes yes, yes no], [no yes, no no]], first arm in rows, by statsmodels.

    Plain and corrected (Edwards 1948) χ² with one degree of freedom, and the exact binomial.
    """
    counts = np.asarray(table)
    if counts.shape != (2, 2) or counts.min() < 0 or (counts != counts.astype(np.int64)).any() or not counts.sum():
        raise UnusableRatings(
            reason="McNemar's test needs two rows of two counts.", reason_zh="McNemar 检验需要 2×2 的计数表。"
        )
    discordant = int(counts[0, 1]), int(counts[1, 0])
    exact = float(mcnemar_by_statsmodels(counts, exact=True).pvalue)
    if not sum(discordant):
        note = Note("The arms agree on every case: no χ².", "两组在每例病例上均一致，χ² 无定义。")
        return McNemar(discordant, None, None, None, None, 1.0, True, note)
    plain = mcnemar_by_statsmodels(counts, exact=False, correction=False)
    corrected = mcnemar_by_statsmodels(counts, exact=False, correction=True)
    few = sum(discordant) < FEW
    return McNemar(
        discordant,
        float(plain.statistic),
        float(plain.pvalue),
        float(corrected.statistic),
        float(corrected.pvalue),
        exact,
        few,
        Note("Few discordant cases: exact test.", "不一致病例较少，采用精确检验。") if few else NOTHING,
    )


def mcnemar_on_majorities(
    cases: ArrayLike, raters: ArrayLike, arms: ArrayLike, accepted: ArrayLike, first: object, second: object
) -> McNemar:
    """`mcnemar` on whether most raters accepted each case, for the cases rated in both arms.

    Columns [rows]; `first` and `second` are the values of `arms` to compare, `accepted` holds 1 and 0. A tie is not
    accepted. It asks whether the arms differ on these cases, as these raters see them.
    """
    columns = same_length(cases, raters, arms, accepted)
    votes = []
    for arm in (first, second):
        chosen = _in_arm(columns[2], arm)
        found = majority(columns[0][chosen], columns[1][chosen], columns[3][chosen])
        votes.append(dict(zip(found.case_ids, found.accepted, strict=True)))
    table = np.zeros((2, 2), dtype=np.int64)
    for case in votes[0].keys() & votes[1].keys():
        table[int(not votes[0][case]), int(not votes[1][case])] += 1
    if not table.sum():
        raise UnusableRatings(reason="no case was rated in both arms.", reason_zh="没有病例在两组中均被评分。")
    return mcnemar(table)


def _in_arm(arms: NDArray[Any], arm: object) -> NDArray[np.bool_]:
    chosen = np.array([each == arm for each in arms], dtype=bool)
    if not chosen.any():
        raise UnusableRatings(reason=f"no ratings of arm {arm!r}.", reason_zh=f"没有 {arm!r} 组的评分。")
    return chosen


def differences(
    cases: ArrayLike, raters: ArrayLike, arms: ArrayLike, accepted: ArrayLike, first: object, second: object
) -> tuple[Coded, int]:
    """First arm less second, -1, 0 or 1, for each rater and case with both; and how many ratings had no counterpart."""
    columns = same_length(cases, raters, arms, accepted)
    kept = present(columns[3])
    sides = []
    for arm in (first, second):
        chosen = _in_arm(columns[2], arm) & kept
        side = coded(columns[0][chosen], columns[1][chosen], columns[3][chosen])
        keys = zip(side.case_ids[side.cases], side.rater_ids[side.raters], strict=True)
        sides.append(dict(zip(keys, binary(side.values), strict=True)))
    both = sorted(sides[0].keys() & sides[1].keys())
    if not both:
        raise UnusableRatings(
            reason="no rater has rated a case in both arms.", reason_zh="没有评审者对同一病例的两组均评分。"
        )
    apart = np.array([sides[0][key] - sides[1][key] for key in both], dtype=object)
    pairs = coded([case for case, _ in both], [rater for _, rater in both], apart)
    return pairs, len(sides[0]) + len(sides[1]) - 2 * len(both)


def risk_difference(
    cases: ArrayLike,
    raters: ArrayLike,
    arms: ArrayLike,
    accepted: ArrayLike,
    first: object,
    second: object,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """How much oftener `first` is accepted than `second`, as a difference of shares: the primary comparison of arms.

    Columns [rows]; `accepted` holds 1 and 0. Only a rater's pairs on one case count, the note says how many ratings had
    no counterpart. Interval by the crossed case × rater bootstrap of the pairs (Owen 2007), percentile ends. It errs
    on the wide side. Where all pairs differ alike there is no spread to resample: then by Wilson's interval over cases,
    which the note says.
    """
    pairs, alone = differences(cases, raters, arms, accepted, first, second)
    values = pairs.values.astype(np.float64)
    note = _alone(alone)
    if values.min() == values.max():
        return _all_alike(float(values[0]), pairs.sizes[0], note, confidence)
    means = resampled_means(values, pairs.cases, pairs.raters, pairs.sizes, resamples=resamples, seed=seed, over="both")
    return quantiles(means, float(values.mean()), confidence, "crossed bootstrap of pairs", note + _one(pairs))


def risk_difference_two_way(
    cases: ArrayLike,
    raters: ArrayLike,
    arms: ArrayLike,
    accepted: ArrayLike,
    first: object,
    second: object,
    *,
    confidence: float = 0.95,
) -> Interval:
    """`risk_difference` with two-way cluster-robust errors and t (Cameron, Gelbach and Miller 2011), to compare."""
    pairs, alone = differences(cases, raters, arms, accepted, first, second)
    values = pairs.values.astype(np.float64)
    note = _alone(alone)
    if values.min() == values.max():
        return _all_alike(float(values[0]), pairs.sizes[0], note, confidence)
    spread = two_way_spread(values[None], pairs.cases[None], pairs.raters[None])
    mean, error = float(spread.mean[0]), float(spread.error[0])
    degrees = int(spread.degrees[0])
    if not degrees:  # one rater or one case: every pair is a cluster of its own
        degrees, error = len(values) - 1, float(values.std(ddof=1) / np.sqrt(len(values)))
    width = float(student.ppf(1 - level_of(confidence) / 2, degrees)) * error
    ends = max(-1.0, mean - width), min(1.0, mean + width)
    return Interval(mean, *ends, "two-way cluster t of pairs", note + _one(pairs))


def _one(pairs: Coded) -> Note:
    if pairs.sizes[1] == 1:
        return ONE_RATER
    if pairs.sizes[0] == 1:
        return ONE_CASE
    return NOTHING


def _alone(number: int) -> Note:
    if not number:
        return NOTHING
    return Note(f"{number} ratings without a counterpart are left out.", f"{number} 份无配对的评分已剔除。")


def _all_alike(difference: float, cases: int, note: Note, confidence: float) -> Interval:
    """Every pair differs by `difference`: others may be as common as Wilson's upper end for none of `cases`."""
    others = wilson(0, cases, confidence=confidence).high or 0.0
    reach = others if not difference else 2 * others  # from 1 the farthest other is -1
    note += Note(
        f"All pairs differ alike, so that no spread can be measured: Wilson's interval over {cases} cases.",
        f"所有配对差值相同，无法估计离散程度：采用按 {cases} 例病例计算的 Wilson 区间。",
    )
    ends = max(-1.0, difference - reach), min(1.0, difference + reach)
    return Interval(difference, *ends, "wilson over cases", note)
