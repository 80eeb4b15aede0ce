"""One arm at a time: acceptance with its intervals, agreement, subgroups, time, repeats, length, adjudication."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import rankdata, spearmanr

from medassist.statistics import Interval, Note, acceptance, cohen_kappa, majority, majority_interval, wilson
from medassist.statistics.estimates import UnusableRatings
from medassist.study.analysis_items import agreed, harm, item_result, ranks
from medassist.study.counted import ACCEPT, NOT_ASKED, Answer, Columns, Read, columns, distinct, guarded, undefined
from medassist.study.dataset import CaseRow
from medassist.study.instrument import CANNOT_JUDGE
from medassist.study.results import Adjudicated, ArmResult, LengthResult, Repeats, Subgroup, Times

TWO_WAY, MAJORITY = "two-way cluster t on the logit", "wilson on the majority per case"
TOO_NARROW = Note(
    "Takes every rating for independent, which ratings of one case or by one rater are not: too narrow.",
    "将每份评分视为相互独立，而同一病例或同一评审者的评分并非如此：区间过窄。",
)
GROUPS: dict[str, Callable[[CaseRow], str]] = {
    "language": lambda case: case.language,
    "specialty": lambda case: case.specialty,
    "stratum": lambda case: case.stratum,
}


def arm_result(study: Read, code: str, terciles: dict[str, int], length_ranks: dict[str, float]) -> ArmResult:
    answers = [answer for answer in study.primary if answer.arm == code]
    rows = study.acceptance.of_arm(code)
    shown = [row for row in study.data.responses if row.arm == code and row.case in study.cases]
    said = [answer.values.get(ACCEPT) for answer in answers]
    return ArmResult(
        code=code,
        name=study.names[code],
        n_cases=distinct(rows.cases),
        n_raters=distinct(rows.raters),
        n_ratings=len(rows.values),
        n_answers=len(answers),
        n_planned=planned(study, code),
        cannot_judge=said.count(CANNOT_JUDGE),
        missing=said.count(None) if study.asks_acceptance else 0,
        n_responses=len(shown),
        n_failed=sum(bool(row.failed) for row in shown),
        two_way=two_way(study, rows),
        majority=by_majority(study, rows),
        rows=_as_rows(study, rows),
        agreed=agreed(rows, (0, 1), False, study, alpha=True),
        items=tuple(item_result(study, item, answers) for item in study.items),
        top_k=ranks(study, answers),
        harm=harm(study, answers),
        comments=sum("comment" in answer.values for answer in answers),
        times=times(study, code),
        repeats=repeats(study, code),
        subgroups=tuple(group for by in GROUPS for group in _subgroups(study, by, rows)),
        length=_length(study, code, rows, terciles, length_ranks),
        adjudicated=_adjudicated(study, code, rows),
    )


def planned(study: Read, code: str) -> int:
    """Ratings that the plan asks for, whatever became of them."""
    return len(
        {
            (row.rater, row.case)
            for row in study.data.assignments
            if row.kind == "primary" and row.case in study.cases
            for response in row.responses
            if study.responses[response].arm == code
        }
    )


def two_way(study: Read, rows: Columns) -> Interval:
    if not study.asks_acceptance:
        return undefined(NOT_ASKED, TWO_WAY)
    return guarded(lambda: acceptance(*rows.three, confidence=study.level), TWO_WAY)


def by_majority(study: Read, rows: Columns) -> Interval:
    if not study.asks_acceptance:
        return undefined(NOT_ASKED, MAJORITY)
    return guarded(lambda: majority_interval(*rows.three, confidence=study.level), MAJORITY)


def _as_rows(study: Read, rows: Columns) -> Interval:
    made = guarded(lambda: wilson(sum(rows.values), len(rows.values), confidence=study.level))
    if made.estimate is None:
        return undefined(Note("Undefined: there are no ratings.", "无定义：没有任何评分。"), "wilson on rows")
    return Interval(made.estimate, made.low, made.high, "wilson on rows", TOO_NARROW)


def _subgroups(study: Read, by: str, rows: Columns) -> list[Subgroup]:
    """Only where there are two groups or more."""
    values = sorted({GROUPS[by](case) for case in study.cases.values()})
    if len(values) < 2:
        return []
    found = []
    for value in values:
        chosen = rows.of_cases({id_ for id_, case in study.cases.items() if GROUPS[by](case) == value})
        n_cases, n_ratings = distinct(chosen.cases), len(chosen.values)
        found.append(Subgroup(by, value, n_cases, n_ratings, two_way(study, chosen), by_majority(study, chosen)))
    return found


# --- Time, and the same answer twice.


def times(study: Read, code: str = "", rater: str = "") -> Times:
    """Of primary items handed in; of one arm only where each item shows one answer."""
    seconds = [
        row.active_ms / 1000
        for row in study.data.assignments
        if row.kind == "primary" and row.state == "submitted" and row.rater not in study.removed and row.active_ms > 0
        if not rater or row.rater == rater
        if not code or [study.responses[each].arm for each in row.responses] == [code]
    ]
    if not seconds:
        return Times(0, None, None, None)
    low, middle, high = (float(each) for each in np.quantile(seconds, [0.25, 0.5, 0.75]))
    return Times(len(seconds), middle, low, high)


def repeats(study: Read, code: str = "") -> Repeats:
    first = {(answer.assignment.id, answer.response): answer for answer in study.of_kind("primary")}
    pairs = [
        (first[answer.assignment.repeat_of, answer.response], answer)
        for answer in study.of_kind("repeat")
        if (answer.assignment.repeat_of, answer.response) in first and code in ("", answer.arm)
    ]
    judged = [(one, other) for one, other in pairs if None not in (study.accepted(one), study.accepted(other))]
    alike = sum(study.accepted(one) == study.accepted(other) for one, other in judged)
    none = undefined(Note("Undefined: no answer was rated twice.", "无定义：没有重复评分。"), "wilson")
    return Repeats(
        n=len(judged),
        same=wilson(alike, len(judged), confidence=study.level) if judged else none,
        kappa=_kappa(study, judged) if judged else undefined(none.note, "cohen"),
        items=_alike(study, pairs),
    )


def _kappa(study: Read, pairs: Sequence[tuple[Answer, Answer]]) -> Interval:
    codes = [option.code for item in study.items if item.id == ACCEPT for option in item.options]
    table = np.zeros((len(codes), len(codes)))
    for one, other in pairs:
        table[codes.index(one.values[ACCEPT]), codes.index(other.values[ACCEPT])] += 1
    return guarded(lambda: cohen_kappa(table, confidence=study.level), "cohen")


def _alike(study: Read, pairs: Sequence[tuple[Answer, Answer]]) -> dict[str, tuple[int, int]]:
    found = {}
    for item in study.items:
        both = [(a.values[item.id], b.values[item.id]) for a, b in pairs if item.id in a.values and item.id in b.values]
        if item.kind != "text" and both:
            found[item.id] = sum(one == other for one, other in both), len(both)
    return found


# --- Length.


def length_ranks(study: Read) -> tuple[dict[str, int], dict[str, float]]:
    """Response → tercile (0, 1, 2) and rank (0 to 1) of its length before the cap, among all arms in its language.

    A Chinese character says more than a letter, so languages are never compared.
    """
    terciles, placed = {}, {}
    for language in sorted({case.language for case in study.cases.values()}):
        rows = [r for r in study.data.responses if not r.failed and _language(study, r.case) == language]
        shares = (rankdata([row.answer_length for row in rows]) - 0.5) / len(rows) if rows else []
        for row, rank in zip(rows, shares, strict=True):
            terciles[row.id], placed[row.id] = min(int(3 * rank), 2), float(rank)
    return terciles, placed


def _language(study: Read, case: str) -> str:
    return study.cases[case].language if case in study.cases else ""


def _length(study: Read, code: str, rows: Columns, terciles: dict[str, int], placed: dict[str, float]) -> LengthResult:
    shown = [row for row in study.data.responses if row.arm == code and row.id in placed]
    by_case = {row.case: row.id for row in shown}
    lengths: dict[str, list[int]] = {}
    for row in shown:
        lengths.setdefault(_language(study, row.case), []).append(row.answer_length)
    parts = [rows.of_cases({case for case, id_ in by_case.items() if terciles[id_] == third}) for third in range(3)]
    return LengthResult(
        median={language: float(np.median(found)) for language, found in lengths.items()},
        capped=sum(row.capped for row in shown),
        terciles=tuple(two_way(study, part) for part in parts) if study.asks_acceptance else (),
        tercile_n=tuple(len(part.values) for part in parts),
        rho=_rho(rows, {case: placed[id_] for case, id_ in by_case.items()}),
    )


def _rho(rows: Columns, placed: dict[str, float]) -> Interval:
    said: dict[str, list[int]] = {}
    for case, value in zip(rows.cases, rows.values, strict=True):
        said.setdefault(case, []).append(value)
    pairs = [(placed[case], sum(values) / len(values)) for case, values in said.items() if case in placed]
    if len(pairs) < 3 or any(len({pair[side] for pair in pairs}) < 2 for side in (0, 1)):
        note = Note("Undefined: length or acceptance does not vary.", "无定义：长度或接受率无变化。")
        return undefined(note, "spearman")
    lengths, shares = zip(*pairs, strict=True)
    return Interval(float(spearmanr(lengths, shares).statistic), None, None, "spearman")


# --- Adjudication, beside the raw ratings.


def _adjudicated(study: Read, code: str, rows: Columns) -> Adjudicated:
    try:
        found = majority(*rows.three)
        raw = dict(zip(found.case_ids, map(bool, found.accepted), strict=True))
    except UnusableRatings:
        raw = {}
    third = columns((a for a in study.of_kind("adjudication") if a.arm == code), study.accepted)
    word: dict[str, bool] = {}
    if third.values:
        votes = _one_vote(third)
        word = {case: accepted for case, accepted in votes.items() if case in raw}
    final = raw | word
    none = undefined(Note("Undefined: there are no ratings.", "无定义：没有任何评分。"), "wilson")
    return Adjudicated(
        n=len(word),
        raw_accepted=sum(raw[case] for case in word),
        accepted=sum(word.values()),
        majority=wilson(sum(final.values()), len(final), confidence=study.level) if final else none,
    )


def _one_vote(rows: Columns) -> dict[str, bool]:
    """Case → whether the expert accepted it; of several on one case, most."""
    votes: dict[str, list[int]] = {}
    for case, value in zip(rows.cases, rows.values, strict=True):
        votes.setdefault(case, []).append(value)
    return {case: 2 * sum(values) > len(values) for case, values in votes.items()}
