"""Arms against each other: differences of acceptance, preferences, and whether the blinding held."""

from collections import Counter
from itertools import combinations

import numpy as np
from scipy.stats import norm

from medassist.statistics import (
    Interval,
    Note,
    UnusableRatings,
    bang_index,
    bradley_terry,
    james_index,
    mcnemar_on_majorities,
    risk_difference,
    risk_difference_two_way,
    wilson,
)
from medassist.statistics.blinding import CERTAIN
from medassist.statistics.estimates import NOTHING, Ints
from medassist.study.counted import NOT_ASKED, Answer, Read, guarded, reason, undefined
from medassist.study.dataset import PREFERRED
from medassist.study.instrument import CANNOT_JUDGE
from medassist.study.results import Blinding, Contest, Difference, Guesses, Preference

PAIRS, NET = "crossed bootstrap of pairs", "crossed bootstrap of comparisons"
TWO_ARMS = Note("Defined for two arms only.", "仅适用于两个臂。")
MANY_ARMS = Note(
    "With more than two arms a wrong guess weighs one less than their number, so that chance is still zero.",
    "多于两个臂时，错误猜测按臂数减一折算，使随机猜测仍为零。",
)


def in_order(study: Read) -> list[tuple[str, str, bool]]:
    """Every two arms (codes), the primary comparison first and in the direction of the protocol."""
    codes = {name: code for code, name in study.names.items()}
    primary = study.protocol.primary_estimate
    pairs = [(one, other, False) for one, other in combinations([arm.code for arm in study.data.arms], 2)]
    if not primary.reference:
        return pairs
    first, second = codes[primary.arm], codes[primary.reference]
    return [(first, second, True)] + [pair for pair in pairs if set(pair[:2]) != {first, second}]


def differences(study: Read) -> tuple[Difference, ...]:
    return tuple(_difference(study, *pair) for pair in in_order(study))


def _difference(study: Read, first: str, second: str, is_primary: bool) -> Difference:
    rows, names = study.acceptance, (study.names[first], study.names[second])
    sides = [set(zip(part.cases, part.raters, strict=True)) for part in map(rows.of_arm, (first, second))]
    both = sides[0] & sides[1]
    made: tuple[Interval, Interval]
    if study.asks_acceptance:
        arms = [study.names[code] for code in rows.arms]
        columns = (rows.cases, rows.raters, arms, rows.values, *names)
        made = (
            guarded(lambda: risk_difference(*columns, seed=study.data.seed, confidence=study.level), PAIRS),
            guarded(lambda: risk_difference_two_way(*columns, confidence=study.level)),
        )
        try:
            test, note = mcnemar_on_majorities(*columns), NOTHING
        except UnusableRatings as error:
            test, note = None, reason(error)
    else:
        made, test, note = (undefined(NOT_ASKED, PAIRS), undefined(NOT_ASKED)), None, NOT_ASKED
    is_primary = is_primary and study.protocol.primary_estimate.measure == "acceptance_difference"
    return Difference(*names, is_primary, len(both), len({case for case, _ in both}), *made, test, note)


# --- Side by side.

Comparison = tuple[Answer, Answer, int]
"""The answer under A, the one under B, and 1 where A was preferred, -1 where B was, 0 for a tie."""


OUTCOMES = {"yes|no": 1, "no|yes": -1, "tie|tie": 0}


def _comparisons(study: Read) -> tuple[list[Comparison], int]:
    """All of them, and how many rows contradict themselves or lack a side."""
    by_assignment: dict[str, dict[str, Answer]] = {}
    for answer in study.of_kind("primary"):
        if PREFERRED in answer.values and answer.case in study.cases:
            by_assignment.setdefault(answer.assignment.id, {})[answer.response] = answer
    found, unusable = [], 0
    for sides in by_assignment.values():
        shown = next(iter(sides.values())).assignment.responses
        said = [sides[each].values[PREFERRED] if each in sides else "" for each in shown]
        outcome = OUTCOMES.get("|".join(said))
        if outcome is None:
            unusable += 1
        else:
            found.append((sides[shown[0]], sides[shown[1]], outcome))
    return found, unusable


def preference(study: Read) -> Preference | None:
    if study.protocol.mode != "paired":
        return None
    made, unusable = _comparisons(study)
    won = [outcome for _, _, outcome in made if outcome]
    none = undefined(Note("Undefined: no preference was given.", "无定义：没有任何偏好。"), "wilson")
    return Preference(
        n=len(made),
        strengths=_strengths(study, made),
        contests=tuple(_contest(study, made, one, other) for one, other, _ in in_order(study)),
        left=wilson(won.count(1), len(won), confidence=study.level) if won else none,
        unusable=unusable,
    )


def _strengths(study: Read, made: list[Comparison]) -> dict[str, Interval]:
    try:
        found = bradley_terry(
            [one.case for one, _, _ in made],
            [one.rater for one, _, _ in made],
            [one.arm for one, _, _ in made],
            [other.arm for _, other, _ in made],
            [outcome for _, _, outcome in made],
            seed=study.data.seed,
            confidence=study.level,
        )
    except UnusableRatings as error:
        return {name: undefined(reason(error), "bradley-terry") for name in study.names.values()}
    none = undefined(Note("Undefined: it was never compared.", "无定义：从未参与比较。"), "bradley-terry")
    return {name: found.get(code, none) for code, name in study.names.items()}


def _contest(study: Read, made: list[Comparison], first: str, second: str) -> Contest:
    """The net preference is the difference of two arms' shares of won comparisons; a tie is won by neither."""
    of_pair = [each for each in made if {each[0].arm, each[1].arm} == {first, second}]
    outcomes = [outcome if one.arm == first else -outcome for one, _, outcome in of_pair]
    cases = [one.case for one, _, _ in of_pair] * 2
    raters = [one.rater for one, _, _ in of_pair] * 2
    arms = [first] * len(of_pair) + [second] * len(of_pair)
    wins = [int(each == 1) for each in outcomes] + [int(each == -1) for each in outcomes]
    net = guarded(
        lambda: risk_difference(cases, raters, arms, wins, first, second, seed=study.data.seed, confidence=study.level),
        NET,
    )
    if net.method == PAIRS:
        net = Interval(net.estimate, net.low, net.high, NET, net.note)
    names = study.names[first], study.names[second]
    return Contest(*names, outcomes.count(1), outcomes.count(-1), outcomes.count(0), net)


# --- Whether the blinding held.


def blinding(study: Read) -> Blinding:
    """From the closing page: one guess a rater and arm."""
    codes = [arm.code for arm in study.data.arms]
    answers = [answer for answer in study.of_kind("closing") if answer.values.get("guess") in (*codes, CANNOT_JUDGE)]
    table = np.zeros((len(codes), len(codes) + 1), dtype=np.int64)  # arm, guessed arm; the last column is don't know
    for answer in answers:
        table[codes.index(answer.arm), [*codes, CANNOT_JUDGE].index(answer.values["guess"])] += 1
    two = len(codes) == 2
    indices = _bang_two(table, study.level) if two else [_bang_many(row, n, study.level) for n, row in enumerate(table)]
    james = (
        guarded(lambda: james_index(table, confidence=study.level), "james") if two else undefined(TWO_ARMS, "james")
    )
    heads = [*(study.names[code] for code in codes), CANNOT_JUDGE]
    arms = []
    for n, (code, row) in enumerate(zip(codes, table, strict=True)):
        total = int(row.sum())
        none = undefined(Note("Undefined: no guess was given.", "无定义：没有任何猜测。"), "wilson")
        right = wilson(int(row[n]), total, confidence=study.level) if total else none
        sure = Counter(answer.values.get("guess_certainty", "") for answer in answers if answer.arm == code)
        counts = dict(zip(heads, map(int, row), strict=True))
        arms.append(Guesses(study.names[code], total, counts, right, indices[n], dict(sorted(sure.items()))))
    return Blinding(len(answers), tuple(arms), james)


def _bang_two(table: Ints, level: float) -> list[Interval]:
    try:
        return list(bang_index(table, confidence=level))
    except UnusableRatings as error:
        return [undefined(reason(error), "bang")] * 2


def _bang_many(row: Ints, own: int, level: float) -> Interval:
    """Bang's index of one arm of several: the right guesses' share less the wrong ones' over the number of other arms."""
    counts = row.astype(np.float64)
    total, arms = float(counts.sum()), len(row) - 1
    if not total or arms < 2:
        note = Note("Undefined: no guess was given.", "无定义：没有任何猜测。") if not total else TWO_ARMS
        return undefined(note, "bang")
    weights = np.array([1.0 if n == own else -1 / (arms - 1) for n in range(arms)] + [0.0])
    shares = counts / total
    index = float(weights @ shares)
    error = max(float(weights**2 @ shares) - index**2, 0.0) ** 0.5 / total**0.5
    if error < 1e-12:
        return Interval(index, None, None, "bang", MANY_ARMS + CERTAIN)
    reach = float(norm.ppf((1 + level) / 2)) * error
    return Interval(index, max(-1 / (arms - 1), index - reach), min(1.0, index + reach), "bang", MANY_ARMS)
