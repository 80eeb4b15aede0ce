"""One rater's sequence: which arm of a case first, and which item when. Random without the secret, the same with it.

A permutation has to be random for who lacks the secret, the same whenever it is asked for, and balanced within ±1 for
each rater. Independent draws are the first two, not the third. So a rater's cases are ranked by HMAC(secret,
rater|case|round), and dealt in that order into blocks as large as it takes to use every arm alike: as many cases as
arms in absolute mode, two in paired mode. The generator seeded with the HMAC of a block's first case shuffles the arms;
the other cases of the block take its rotations, or, in paired mode, its reverse. Whole blocks are balanced exactly, and
the last, unfinished one is off by one at most.
"""

import hashlib
import hmac
import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, TypeVar

Mode = Literal["absolute", "paired"]  # one answer at a time | two side by side
Round = Literal["practice", "primary", "repeat"]
Showing = tuple[str, ...]  # the arms of one item, as shown

T = TypeVar("T")


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


@dataclass(frozen=True)
class Dealer:
    """What an order follows from, for one rater."""

    rater: str
    arms: tuple[str, ...]
    mode: Mode
    secret: bytes = field(repr=False)

    def digest(self, case: str, turn: str) -> bytes:
        return hmac.digest(self.secret, f"{self.rater}|{case}|{turn}".encode(), hashlib.sha256)

    def chance(self, case: str, turn: str) -> random.Random:
        return random.Random(int.from_bytes(self.digest(case, turn)))


def shuffled(things: Iterable[T], rng: random.Random) -> list[T]:
    """Only `random()` is promised to stay the same from one Python to the next."""
    return [thing for _, _, thing in sorted((rng.random(), i, thing) for i, thing in enumerate(things))]


# --- Which arm first.


def showings(dealer: Dealer, cases: Iterable[str], turn: Round) -> dict[str, list[Showing]]:
    """Case → what the rater is shown of it, first to last."""
    arms = sorted(dealer.arms)
    paired = dealer.mode == "paired"
    size = 2 if paired else len(arms)
    ranked = sorted(cases, key=lambda case: dealer.digest(case, turn))
    shown: dict[str, list[Showing]] = {}
    for start in range(0, len(ranked), size):
        base = shuffled(arms, dealer.chance(ranked[start], turn))
        for step, case in enumerate(ranked[start : start + size]):
            if paired:
                pairs = [pair[:: -1 if step else 1] for pair in _tournament(base)]
                shown[case] = shuffled(pairs, dealer.chance(case, f"{turn} order"))
            else:
                shown[case] = [(arm,) for arm in base[step:] + base[:step]]
    return shown


def _tournament(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair once, each arm as often first as second, or one off where their number is even."""
    n = len(arms)
    return [(arms[i], arms[j]) if 2 * (j - i) <= n else (arms[j], arms[i]) for i, j in combinations(range(n), 2)]


# --- In which order.


@dataclass(eq=False)
class _Entry:
    case: str
    shown: Showing
    first: "_Entry | None" = None  # what it repeats


def sequence(
    dealer: Dealer, cases: Iterable[str], practice: Sequence[str], rules: Rules, seed: int
) -> tuple[Item, ...]:
    """The practice items, then every case with every arm, and the repeats among them."""
    rng = dealer.chance("", f"sequence {seed}")
    entries = _rounds(showings(dealer, cases, "primary"), rules.arms_apart, rng)
    _add_repeats(entries, rules, rng)
    _draw_again(dealer, [entry for entry in entries if entry.first])
    first = showings(dealer, practice, "practice")
    ordered = enumerate(shuffled(practice, rng), 1)
    warm_up = [Item(dealer.rater, case, first[case][0], place, is_practice=True) for place, case in ordered]
    at = {entry: n for n, entry in enumerate(entries, len(warm_up) + 1)}
    return tuple(warm_up) + tuple(
        Item(
            dealer.rater,
            entry.case,
            entry.shown,
            at[entry],
            is_repeat_of=at[entry.first] if entry.first else None,
            wait_days=0 if _in_time(entry, entries, at, rules) else rules.wait_days,
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
    order = shuffled(sorted(shown), rng)
    slack = max(0, len(order) - apart)
    entries: list[_Entry] = []
    for turn in range(len(next(iter(shown.values()), ()))):
        if turn:
            due, later, order = order[:slack], order[slack:], []
            for place in range(len(shown)):
                due += later[place : place + 1]
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
            shuffled([entry for entry in originals if entry not in repeated], rng),
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


def _draw_again(dealer: Dealer, repeats: list[_Entry]) -> None:
    """A fresh permutation for repeats in paired mode: of each pair of arms, either order as often as the other."""
    for pair in sorted({tuple(sorted(entry.shown)) for entry in repeats}):
        of_pair = [entry for entry in repeats if tuple(sorted(entry.shown)) == pair]
        of_pair.sort(key=lambda entry: dealer.digest(entry.case, "repeat"))
        for start in range(0, len(of_pair), 2):
            base = tuple(shuffled(pair, dealer.chance(of_pair[start].case, "repeat")))
            for step, entry in enumerate(of_pair[start : start + 2]):
                entry.shown = base[:: -1 if step else 1]


# --- How far apart things came out.


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
