"""What an estimate looks like, how ratings come in, and the interval of a plain proportion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.proportion import proportion_confint

from medassist.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class UnusableRatings(InputError):
    """Ratings or counts from which nothing can be computed: `reason`/`reason_zh` say why."""

    code = "unusable_ratings"
    en = "These ratings cannot be analysed: {reason}"
    zh = "这些评分无法分析：{reason_zh}"


@dataclass(frozen=True)
class Note:
    """What a reader must know of an estimate, in both languages; empty where there is nothing."""

    en: str = ""
    zh: str = ""

    def __bool__(self) -> bool:
        return bool(self.en)

    def __add__(self, other: "Note") -> "Note":
        return Note(" ".join(filter(None, (self.en, other.en))), self.zh + other.zh)

    def text(self, language: str = "en") -> str:
        return self.zh if language == "zh" else self.en


NOTHING = Note()


@dataclass(frozen=True)
class Interval:
    """An estimate between `low` and `high`. What is undefined is None, never NaN, and `note` says why."""

    estimate: float | None
    low: float | None
    high: float | None
    method: str
    note: Note = NOTHING


@dataclass(frozen=True)
class Coded:
    """Ratings in long form, one a row, ids as codes from 0."""

    cases: Ints  # [rows]
    raters: Ints  # [rows]
    values: NDArray[Any]  # [rows]
    case_ids: NDArray[Any]
    rater_ids: NDArray[Any]

    @property
    def sizes(self) -> tuple[int, int]:
        """How many cases and raters there are."""
        return len(self.case_ids), len(self.rater_ids)


def coded(cases: ArrayLike, raters: ArrayLike, values: ArrayLike) -> Coded:
    """Long arrays [rows] checked and coded; rows whose value is missing (None, NaN) are left out.

    Raises `UnusableRatings` where nothing is left, lengths differ, or a rater rated a case twice (repeats do not
    belong in an estimate).
    """
    columns = same_length(cases, raters, values)
    kept = present(columns[2])
    (case_ids, case_codes), (rater_ids, rater_codes) = (codes(column[kept]) for column in columns[:2])
    if not kept.any():
        raise UnusableRatings(reason="there are none.", reason_zh="没有任何评分。")
    if len(np.unique(case_codes * len(rater_ids) + rater_codes)) < len(case_codes):
        raise UnusableRatings(
            reason="a rater has rated a case more than once; leave repeats out.",
            reason_zh="同一评审者对同一病例有多次评分，请剔除重复评分。",
        )
    return Coded(case_codes, rater_codes, columns[2][kept], case_ids, rater_ids)


def same_length(*columns: ArrayLike) -> list[NDArray[Any]]:
    """Columns as arrays [rows]; values keep their own types."""
    arrays = [np.asarray(column, dtype=object) for column in columns]
    if any(array.ndim != 1 for array in arrays):
        raise UnusableRatings(reason="each column must be a flat list.", reason_zh="每一列都必须是一维列表。")
    if len({len(array) for array in arrays}) > 1:
        lengths = ", ".join(str(len(array)) for array in arrays)
        raise UnusableRatings(
            reason=f"the columns differ in length ({lengths}).", reason_zh=f"各列长度不一致（{lengths}）。"
        )
    return arrays


def present(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values [rows] are not missing."""
    return np.array([each is not None and each == each for each in values], dtype=bool)


def codes(ids: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """The distinct ids in order, and the place of each row's id among them [rows]."""
    try:
        distinct = sorted(set(ids[present(ids)]))
        place = {each: code for code, each in enumerate(distinct)}
        return np.array(distinct, dtype=object), np.array([place[each] for each in ids], dtype=np.int64)
    except (TypeError, KeyError):
        raise UnusableRatings(
            reason="ids must all be of one kind, and none may be missing.", reason_zh="编号须为同一类型且不可缺失。"
        ) from None


def binary(values: NDArray[Any]) -> Floats:
    """Values [rows] that must be yes or no (True, False, 1, 0) as 1.0 and 0.0."""
    for each in values:
        if isinstance(each, str) or each not in (0, 1):
            raise UnusableRatings(
                reason=f"unknown category {each!r}; only yes and no (1 and 0) count here.",
                reason_zh=f"未知类别 {each!r}；此处只接受是与否（1 与 0）。",
            )
    return values.astype(np.float64)


def level_of(confidence: float) -> float:
    """The error that `confidence` leaves, checked."""
    if not 0 < confidence < 1:
        raise UnusableRatings(
            reason=f"a confidence of {confidence:g} is not between 0 and 1.",
            reason_zh=f"置信水平 {confidence:g} 不在 0 与 1 之间。",
        )
    return 1 - confidence


def wilson(count: int, total: int, *, confidence: float = 0.95) -> Interval:
    """The share `count` of `total` with its score interval (Wilson 1927), by statsmodels.

    It takes all `total` for independent: several ratings of one case, or by one rater, are not.
    """
    alpha = level_of(confidence)
    if total < 1 or not 0 <= count <= total:
        raise UnusableRatings(
            reason=f"{count} of {total} is not a share.", reason_zh=f"{count}/{total} 不是有效的比例。"
        )
    low, high = proportion_confint(count, total, alpha=alpha, method="wilson")
    share = count / total
    ends = (
        (min(share, float(low)) if count else 0.0),
        (max(share, float(high)) if count < total else 1.0),
    )  # not by 1e-17
    return Interval(share, *ends, "wilson")


@dataclass(frozen=True)
class Majority:
    """What most raters said of each case."""

    case_ids: NDArray[Any]  # [cases]
    accepted: NDArray[np.bool_]  # [cases]; a tie is not accepted
    tied: NDArray[np.bool_]  # [cases]


def majority(cases: ArrayLike, raters: ArrayLike, accepted: ArrayLike) -> Majority:
    """Whether more than half of a case's raters accepted it. All columns are [rows]; `accepted` holds 1 and 0."""
    ratings = coded(cases, raters, accepted)
    yes = np.bincount(ratings.cases, binary(ratings.values))
    rated = np.bincount(ratings.cases)
    return Majority(ratings.case_ids, 2 * yes > rated, 2 * yes == rated)


def majority_interval(
    cases: ArrayLike, raters: ArrayLike, accepted: ArrayLike, *, confidence: float = 0.95
) -> Interval:
    """The share of cases that most of their raters accepted (columns [rows]), with Wilson's interval over cases."""
    found = majority(cases, raters, accepted)
    made = wilson(int(found.accepted.sum()), len(found.accepted), confidence=confidence)
    tied = int(found.tied.sum())
    note = Note(f"{tied} tied cases count as not accepted.", f"{tied} 例票数相等，按未接受计。") if tied else NOTHING
    return Interval(made.estimate, made.low, made.high, "wilson on the majority per case", note)


def top_k(ranks: ArrayLike, ks: Sequence[int] = (1, 3, 5), *, confidence: float = 0.95) -> dict[int, Interval]:
    """How often the right diagnosis is among the first k, with Wilson's interval, for each of `ks`.

    `ranks` [cases]: its place from 1, or None, NaN or 0 where the list lacks it. One rank a case.
    """
    (places,) = same_length(ranks)
    listed = present(places)
    if not len(places):
        raise UnusableRatings(reason="there are no cases.", reason_zh="没有任何病例。")
    for each in places[listed]:
        if isinstance(each, str) or each < 0 or each != int(each):
            raise UnusableRatings(reason=f"{each!r} is not a rank.", reason_zh=f"{each!r} 不是有效名次。")
    found = np.array([int(each) for each in places[listed]], dtype=np.int64)
    return {k: wilson(int(((found >= 1) & (found <= k)).sum()), len(places), confidence=confidence) for k in ks}


Resampled = Literal["cases", "both"]


def quantiles(samples: Floats, estimate: float, confidence: float, method: str, note: Note = NOTHING) -> Interval:
    """The percentile interval of bootstrap `samples` [resamples] (Efron 1979); undefined ones (NaN) are told."""
    alpha = level_of(confidence)
    defined = samples[~np.isnan(samples)]
    if len(defined) < len(samples):
        lost = len(samples) - len(defined)
        note += Note(
            f"Undefined in {lost} of {len(samples)} resamples, which are left out.",
            f"{len(samples)} 次重抽样中有 {lost} 次无定义，已剔除。",
        )
    if not len(defined):
        return Interval(estimate, None, None, method, note)
    low, high = np.quantile(defined, [alpha / 2, 1 - alpha / 2])
    return Interval(estimate, float(low), float(high), method, note)
