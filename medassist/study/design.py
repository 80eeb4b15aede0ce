"""Allocation: which rater sees which case, in which order, with which arm first. Pure, and the same for a seed.

Who rates what follows from the public seed alone: case by case, stratum after stratum, the raters with the least load,
among them those who have met least. What a rater sees first follows from a secret as well, so that nobody who knows
the protocol can work out an arm. `medassist.study.order` deals the arms and lays out a rater's sequence;
`medassist.study.balance` counts what came out.
"""

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Literal

from medassist.errors import InvalidStudy, Language
from medassist.study.order import Dealer, Item, Mode, Rules, apart, sequence, shuffled

MIN_SECRET = 16
"""Bytes of a study's secret."""
ATTEMPTS = 12
EVEN = 2
"""At so small a difference between pairs no further attempt is made."""


@dataclass(frozen=True)
class StudyCase:
    id: str
    stratum: str = ""


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
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True)
class Plan:
    items: dict[str, tuple[Item, ...]]  # by rater, in the order shown
    shortfalls: tuple[Shortfall, ...]


def plan(design: Design) -> Plan:
    """Lay out the whole study. Raises `InvalidStudy` for a design that cannot be laid out at all."""
    require_sound(design)
    loads = allocate(design)
    practice = _practice_cases(design)
    dealers = {rater: Dealer(rater, tuple(design.arms), design.mode, design.secret) for rater in loads}
    items = {
        rater: sequence(dealers[rater], [case.id for case in cases], practice, design.rules, design.seed)
        for rater, cases in loads.items()
    }
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
    strata = shuffled(sorted({case.stratum for case in ordered}), rng)
    return [case for stratum in strata for case in shuffled([c for c in ordered if c.stratum == stratum], rng)]


def _practice_cases(design: Design) -> list[str]:
    """The same ones for every rater, so that they can be talked about."""
    pool = sorted(case.id for case in design.practice)
    return sorted(shuffled(pool, random.Random(f"{design.seed} practice"))[: design.rules.practice])


# --- What the plan does not keep, counted on the plan itself.


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
