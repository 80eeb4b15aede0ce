"""The balance of a plan, counted from its items and not from how they were made: the tables of a preview."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from medassist.study.design import Plan, StudyCase
from medassist.study.order import Item, apart

Table = dict[str, dict[str, int]]  # row → column → how many


@dataclass(frozen=True)
class Balance:
    """Practice and repeats count in `items` alone."""

    load: dict[str, int]  # rater → cases
    items: Table  # rater → practice, primary, repeat, all
    pairs: dict[tuple[str, str], int]  # two raters → cases that both rate
    first_arm: Table  # rater → arm → cases that begin with it, as the only one or under A
    left: Table  # rater → arm → items that show it under A; empty where one answer is shown at a time
    right: Table
    strata: Table  # stratum → rater → cases
    arms_apart: dict[str, int | None]  # rater → fewest items between two arms of a case
    repeats_apart: dict[str, int | None]  # rater → fewest items between an item and its repeat

    @property
    def load_spread(self) -> int:
        return spread(self.load.values())

    @property
    def pair_spread(self) -> int:
        return spread(self.pairs.values())


def spread(counts: Iterable[int]) -> int:
    """The largest less the smallest."""
    counts = list(counts)
    return max(counts) - min(counts) if counts else 0


def balance(plan: Plan, cases: Sequence[StudyCase], arms: Sequence[str]) -> Balance:
    raters = sorted(plan.items)
    primary = {rater: [item for item in plan.items[rater] if item.is_primary] for rater in raters}
    seen = {rater: {item.case for item in primary[rater]} for rater in raters}
    paired = any(len(item.arms) > 1 for items in primary.values() for item in items)
    strata = {case.id: case.stratum for case in cases}
    gaps = {rater: apart(plan.items[rater]) for rater in raters}

    def by_arm(shown: dict[str, list[str]]) -> Table:
        return {rater: {arm: shown[rater].count(arm) for arm in sorted(arms)} for rater in shown}

    return Balance(
        load={rater: len(seen[rater]) for rater in raters},
        items={rater: _kinds(plan.items[rater]) for rater in raters},
        pairs={pair: len(seen[pair[0]] & seen[pair[1]]) for pair in combinations(raters, 2)},
        first_arm=by_arm({rater: _firsts(primary[rater]) for rater in raters}),
        left=by_arm({rater: [item.arms[0] for item in primary[rater]] for rater in raters}) if paired else {},
        right=by_arm({rater: [item.arms[1] for item in primary[rater]] for rater in raters}) if paired else {},
        strata={
            stratum: {rater: sum(strata[case] == stratum for case in seen[rater]) for rater in raters}
            for stratum in sorted(set(strata.values()))
        },
        arms_apart={rater: gaps[rater][0] for rater in raters},
        repeats_apart={rater: gaps[rater][1] for rater in raters},
    )


def _firsts(items: Sequence[Item]) -> list[str]:
    """The arm that each case begins with."""
    first: dict[str, str] = {}
    for item in items:
        first.setdefault(item.case, item.arms[0])
    return list(first.values())


def _kinds(items: Sequence[Item]) -> dict[str, int]:
    kinds = Counter("practice" if i.is_practice else "primary" if i.is_primary else "repeat" for i in items)
    return {kind: kinds[kind] for kind in ("practice", "primary", "repeat")} | {"all": len(items)}
