"""Allocation: which rater sees which case, in which order, with which arm first. Pure, and the same for a seed.

Who rates what follows from the public seed alone: case by case, stratum after stratum, the raters with the least load,
among them those who have met least. What a rater sees first follows from a secret as well, so that nobody who knows
the protocol can work out an arm.

A permutation has to be random for who lacks the secret, the same whenever it is asked for, and balanced within ±1 for
each rater. Independent draws are the first two, not the third. So a rater's cases are ranked by HMAC(secret,
rater|case|round), and dealt in that order into blocks as large as it takes to use every arm alike: as many cases as
arms in absolute mode, two in paired mode. The generator seeded with the HMAC of a block's first case shuffles the arms;
the other cases of the block take its rotations, or, in paired mode, its reverse. Whole blocks are balanced exactly, and
the last, unfinished one is off by one at most. `medassist.study.balance` counts what came out.
"""

import hashlib
import hmac
import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Literal, TypeVar

from medassist.errors import InvalidStudy, Language

Mode = Literal["absolute", "paired"]  # one answer at a time | two side by side
Round = Literal["practice", "primary", "repeat"]
MIN_SECRET = 16
"""Bytes of a study's secret."""
ATTEMPTS = 12
EVEN = 2
"""At so small a difference between pairs no further attempt is made."""

T = TypeVar("T")


@dataclass(frozen=True)
class StudyCase:
    id: str
    stratum: str = ""


@dataclass(frozen=True)
class Rules:
    repeat_share: float = 0.1
    practice: int = 5
    arms_apart: int = 20  # items between two appearances of a case with different arms
    repeats_apart: int = 50  # items between an item and its repeat …
    wait_days: int = 14  # … or, where a rater has too few items for that, days


@dataclass(frozen=True)
class Item:
    """One thing to rate. `arms` as shown: one, or the one under A and the one under B."""

    rater: str
    case: str
    arms: tuple[str, ...]
    position: int  # from 1
    is_practice: bool = False
    is_repeat_of: int | None = None  # a position
    wait_days: int = 0  # to be shown no sooner than this many days after the item it repeats

    @property
    def is_primary(self) -> bool:
        """Whether it counts in the primary estimate."""
        return not self.is_practice and self.is_repeat_of is None


_SHORTFALLS = {
    "cases": ("has no case to rate", "没有可评的病例"),
    "practice": ("there are {got} practice cases of {wanted}", "练习病例只有 {got} 个，应为 {wanted} 个"),
    "arms_apart": (
        "two arms of one case come {got} items apart instead of {wanted}",
        "同一病例的两个臂仅相隔 {got} 项，应为 {wanted} 项",
    ),
    "repeats": ("has too few items for a repeat", "条目太少，无法安排重复评阅"),
    "repeats_apart": (
        "a repeat comes {got} items after the first instead of {wanted}; it has to wait days instead",
        "重复评阅与首次仅相隔 {got} 项，应为 {wanted} 项；改为间隔若干天",
    ),
}


@dataclass(frozen=True)
class Shortfall:
    """A rule that the plan does not keep: `got` where `wanted` was asked. `rater` is "" for all of them."""

    rule: Literal["cases", "practice", "arms_apart", "repeats", "repeats_apart"]
    rater: str
    wanted: int
    got: int

    def text(self, language: Language = "en") -> str:
        words = _SHORTFALLS[self.rule][language == "zh"].format(wanted=self.wanted, got=self.got)
        colon = "：" if language == "zh" else ": "
        return f"{self.rater}{colon}{words}" if self.rater else words


@dataclass(frozen=True)
class Design:
    """What a plan is made from. The order of `cases`, `raters`, `arms` and `practice` does not matter."""

    cases: Sequence[StudyCase]
    raters: Sequence[str]
    arms: Sequence[str]
    raters_per_case: int
    seed: int
    secret: bytes = field(repr=False)
    mode: Mode = "absolute"
    practice: Sequence[StudyCase] = ()
    rules: Rules = Rules()


@dataclass(frozen=True)
class Plan:
    items: dict[str, tuple[Item, ...]]  # by rater, in the order shown
    shortfalls: tuple[Shortfall, ...]


def plan(design: Design) -> Plan:
    """Lay out the whole study. Raises `InvalidStudy` for a design that cannot be laid out at all."""
    require_sound(design)
    loads = allocate(design)
    practice = _practice_cases(design)
    items = {rater: _sequence(design, rater, cases, practice) for rater, cases in loads.items()}
    wanted = design.rules.practice
    missing = (Shortfall("practice", "", wanted, len(practice)),) if len(practice) < wanted else ()
    return Plan(items, missing + tuple(s for rater in items for s in _shortfalls(design.rules, rater, items[rater])))


def require_sound(design: Design) -> None:
    """Raise `InvalidStudy` for the first thing that no plan can be made of."""
    ids = {
        "cases": [case.id for case in design.cases],
        "raters": list(design.raters),
        "arms": list(design.arms),
        "practice": [case.id for case in design.practice],
    }
    for where, names in ids.items():
        for name in names:
            if not name.strip() or "|" in name or not name.isprintable():
                _refuse(where, f"the id {name!r} is empty or holds “|” or an invisible character", f"编号 {name!r} 为空，或含有“|”或不可见字符")  # fmt: skip
        if twice := sorted(name for name, n in Counter(names).items() if n > 1):
            _refuse(where, f"{twice[0]} stands twice", f"{twice[0]} 重复")
    if both := sorted(set(ids["cases"]) & set(ids["practice"])):
        _refuse("practice", f"{both[0]} is also a case to be rated", f"{both[0]} 同时是正式病例")
    if not design.cases:
        _refuse("cases", "there are none", "没有病例")
    if len(design.raters) < 2:
        _refuse("raters", f"a panel needs two or more, not {len(design.raters)}", f"评审组至少需要两人，现为 {len(design.raters)} 人")  # fmt: skip
    if not 1 <= design.raters_per_case <= len(design.raters):
        _refuse("raters_per_case", f"must be between 1 and the number of raters, {len(design.raters)}", f"必须介于 1 与评审人数 {len(design.raters)} 之间")  # fmt: skip
    if design.mode not in ("absolute", "paired"):
        _refuse("mode", "must be absolute or paired", "必须是 absolute 或 paired")
    if len(design.arms) < (2 if design.mode == "paired" else 1):
        _refuse("arms", "there are too few: paired needs two", "臂的数量不足：成对模式需要两个")
    if len(design.secret) < MIN_SECRET:
        _refuse("secret", f"must have {MIN_SECRET} bytes or more", f"至少需要 {MIN_SECRET} 字节")
    rules = design.rules
    if not 0 <= rules.repeat_share <= 1 or min(rules.practice, rules.arms_apart, rules.repeats_apart, rules.wait_days) < 0:  # fmt: skip
        _refuse("rules", "shares lie between 0 and 1, numbers are not negative", "比例须在 0 与 1 之间，数值不得为负")


def _refuse(where: str, reason: str, reason_zh: str) -> None:
    raise InvalidStudy(where=where, reason=f"{reason}.", reason_zh=f"{reason_zh}。")


# --- Chance. Only `random()` is promised to stay the same from one Python to the next.


def _shuffled(things: Iterable[T], rng: random.Random) -> list[T]:
    return [thing for _, _, thing in sorted((rng.random(), i, thing) for i, thing in enumerate(things))]


def _digest(design: Design, rater: str, case: str, turn: str) -> bytes:
    return hmac.digest(design.secret, f"{rater}|{case}|{turn}".encode(), hashlib.sha256)


def _keyed(design: Design, rater: str, case: str, turn: str) -> random.Random:
    return random.Random(int.from_bytes(_digest(design, rater, case, turn)))


# --- Who rates what.


def allocate(design: Design) -> dict[str, list[StudyCase]]:
    """Rater → cases: of several greedy attempts the first whose pairs meet evenly, or else the most even."""
    rng = random.Random(f"{design.seed}")
    best: dict[str, list[StudyCase]] = {}
    least = math.inf
    for _ in range(ATTEMPTS):
        cases, spread = _attempt(design, rng)
        if spread < least:
            best, least = cases, spread
        if spread <= EVEN:
            break
    return best


def _attempt(design: Design, rng: random.Random) -> tuple[dict[str, list[StudyCase]], int]:
    """Rater → cases, and how far the pairs' cases differ. Loads differ by one at most: who has least comes first.

    Strata come one after the other, so that loads are level where one ends: within a stratum they differ by two at most.
    """
    raters = sorted(design.raters)
    cases: dict[str, list[StudyCase]] = {rater: [] for rater in raters}
    met = {rater: dict.fromkeys(raters, 0) for rater in raters}
    for case in _by_stratum(design.cases, rng):
        chosen: list[str] = []
        for _ in range(design.raters_per_case):
            ranked = [
                (len(cases[rater]), sum(met[rater][other] for other in chosen), rng.random(), rater)
                for rater in raters
                if rater not in chosen
            ]
            chosen.append(min(ranked)[-1])
        for one, other in permutations(chosen, 2):
            met[one][other] += 1
        for rater in chosen:
            cases[rater].append(case)
    pairs = [met[one][other] for one, other in combinations(raters, 2)]
    return cases, max(pairs) - min(pairs)


def _by_stratum(cases: Iterable[StudyCase], rng: random.Random) -> list[StudyCase]:
    ordered = sorted(cases, key=lambda case: case.id)
    strata = _shuffled(sorted({case.stratum for case in ordered}), rng)
    return [case for stratum in strata for case in _shuffled([c for c in ordered if c.stratum == stratum], rng)]


def _practice_cases(design: Design) -> list[str]:
    """The same ones for every rater, so that they can be talked about."""
    pool = sorted(case.id for case in design.practice)
    return sorted(_shuffled(pool, random.Random(f"{design.seed} practice"))[: design.rules.practice])


# --- Which arm first.

Showing = tuple[str, ...]  # the arms of one item, as shown


def showings(design: Design, rater: str, cases: Iterable[str], turn: Round) -> dict[str, list[Showing]]:
    """Case → what `rater` is shown of it, first to last."""
    arms = sorted(design.arms)
    paired = design.mode == "paired"
    size = 2 if paired else len(arms)
    ranked = sorted(cases, key=lambda case: _digest(design, rater, case, turn))
    shown: dict[str, list[Showing]] = {}
    for start in range(0, len(ranked), size):
        base = _shuffled(arms, _keyed(design, rater, ranked[start], turn))
        for step, case in enumerate(ranked[start : start + size]):
            if paired:
                pairs = [pair[:: -1 if step else 1] for pair in _tournament(base)]
                shown[case] = _shuffled(pairs, _keyed(design, rater, case, f"{turn} order"))
            else:
                shown[case] = [(arm,) for arm in base[step:] + base[:step]]
    return shown


def _tournament(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair once, each arm as often first as second, or one off where their number is even."""
    n = len(arms)
    return [
        (arms[i], arms[j]) if 2 * (j - i) <= n else (arms[j], arms[i]) for i, j in combinations(range(n), 2)
    ]  # fmt: skip


# --- In which order.


@dataclass(eq=False)
class _Entry:
    case: str
    shown: Showing
    first: "_Entry | None" = None  # what it repeats


def _sequence(design: Design, rater: str, cases: list[StudyCase], practice: list[str]) -> tuple[Item, ...]:
    ids = sorted(case.id for case in cases)
    rng = _keyed(design, rater, "", "sequence")
    entries = _rounds(showings(design, rater, ids, "primary"), design.rules.arms_apart, rng)
    _add_repeats(entries, design.rules, rng)
    _draw_again(design, rater, [entry for entry in entries if entry.first])
    first = showings(design, rater, practice, "practice")
    warm_up = [Item(rater, case, first[case][0], n, is_practice=True) for n, case in enumerate(_shuffled(practice, rng), 1)]  # fmt: skip
    at = {entry: n for n, entry in enumerate(entries, len(warm_up) + 1)}
    return tuple(warm_up) + tuple(
        Item(
            rater,
            entry.case,
            entry.shown,
            at[entry],
            is_repeat_of=at[entry.first] if entry.first else None,
            wait_days=0 if _in_time(entry, entries, at, design.rules) else design.rules.wait_days,
        )
        for entry in entries
    )


def _in_time(entry: _Entry, entries: list[_Entry], at: dict[_Entry, int], rules: Rules) -> bool:
    """Whether a repeat comes late enough; what is no repeat always does."""
    if not entry.first:
        return True
    others = [other for other in entries if other.case == entry.case and set(other.shown) != set(entry.shown)]
    return at[entry] - at[entry.first] >= rules.repeats_apart and all(
        abs(at[entry] - at[other]) >= rules.arms_apart for other in others
    )


def _rounds(shown: dict[str, list[Showing]], apart: int, rng: random.Random) -> list[_Entry]:
    """Every case once, then every case again with its next arm: the longest time there is to forget it.

    From the second round on the order is drawn afresh among the cases that are due: a case at place i of a round of m
    may come at place j of the next if m + j - i ≥ `apart`. With m ≥ `apart` there is always one; with fewer cases
    the order stays, which keeps them as far apart as they can be.
    """
    order = _shuffled(sorted(shown), rng)
    slack = max(0, len(order) - apart)
    entries: list[_Entry] = []
    for turn in range(len(next(iter(shown.values()), ()))):
        if turn:
            due, waiting = [], list(reversed(order))
            last, order = order, []
            for place in range(len(last)):
                while waiting and len(last) - len(waiting) <= place + slack:
                    due.append(waiting.pop())
                order.append(due.pop(int(rng.random() * len(due))))
        entries += [_Entry(case, shown[case][turn]) for case in order]
    return entries


def _add_repeats(entries: list[_Entry], rules: Rules, rng: random.Random) -> None:
    """Put repeats into `entries`, in place. An insertion only moves things further apart, so what held still holds."""
    total = math.floor(rules.repeat_share * len(entries) + 0.5)
    originals = list(entries)
    repeated: list[_Entry] = []
    for _ in range(total):
        arms = Counter(frozenset(entry.shown) for entry in repeated)
        cases = {entry.case for entry in repeated}
        left = sorted(
            _shuffled([entry for entry in originals if entry not in repeated], rng),
            key=lambda entry: (entry.case in cases, arms[frozenset(entry.shown)]),
        )
        found = next(((entry, places) for entry in left if (places := _places(entries, entry, rules))), None)
        if not found:
            break
        entry, places = found
        entries.insert(places[int(rng.random() * len(places))], _Entry(entry.case, entry.shown, entry))
        repeated.append(entry)
    for entry in [entry for entry in originals if entry not in repeated][: total - len(repeated)]:
        entries.append(_Entry(entry.case, entry.shown, entry))  # too soon: it will have to wait days


def _places(entries: list[_Entry], original: _Entry, rules: Rules) -> list[int]:
    """Where a repeat of `original` can go in."""
    same = [i for i, entry in enumerate(entries) if entry.case == original.case]
    start = entries.index(original) + rules.repeats_apart
    others = [i for i in same if entries[i] is not original]
    return [
        place
        for place in range(start, len(entries) + 1)
        if all((place - i if i < place else i + 1 - place) >= rules.arms_apart for i in others)
    ]


def _draw_again(design: Design, rater: str, repeats: list[_Entry]) -> None:
    """A fresh permutation for repeats in paired mode: of each pair of arms, either order as often as the other."""
    for pair in sorted({tuple(sorted(entry.shown)) for entry in repeats}):
        of_pair = [entry for entry in repeats if tuple(sorted(entry.shown)) == pair]
        of_pair.sort(key=lambda entry: _digest(design, rater, entry.case, "repeat"))
        for start in range(0, len(of_pair), 2):
            base = tuple(_shuffled(pair, _keyed(design, rater, of_pair[start].case, "repeat")))
            for step, entry in enumerate(of_pair[start : start + 2]):
                entry.shown = base[:: -1 if step else 1]


# --- What the plan does not keep, counted on the plan itself.


def apart(items: Sequence[Item]) -> tuple[int | None, int | None]:
    """The fewest items between two arms of a case, and between an item and its repeat; None where there are none."""
    rated = [item for item in items if not item.is_practice]
    by_case: dict[str, list[Item]] = {}
    for item in rated:
        by_case.setdefault(item.case, []).append(item)
    arms = [
        abs(one.position - other.position)
        for shown in by_case.values()
        for one, other in combinations(shown, 2)
        if set(one.arms) != set(other.arms)
    ]
    repeats = [item.position - item.is_repeat_of for item in rated if item.is_repeat_of]
    return min(arms, default=None), min(repeats, default=None)


def _shortfalls(rules: Rules, rater: str, items: Sequence[Item]) -> list[Shortfall]:
    primary = sum(item.is_primary for item in items)
    if not primary:
        return [Shortfall("cases", rater, 1, 0)]
    arms, repeats = apart(items)
    found = []
    if arms is not None and arms < rules.arms_apart:
        found.append(Shortfall("arms_apart", rater, rules.arms_apart, arms))
    if repeats is not None and repeats < rules.repeats_apart:
        found.append(Shortfall("repeats_apart", rater, rules.repeats_apart, repeats))
    if rules.repeat_share and repeats is None:
        found.append(Shortfall("repeats", rater, 1, 0))
    return found
