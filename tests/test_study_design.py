"""The allocation: every promise of a plan, counted on the plan; what it cannot keep, it says."""

import hashlib
import random
from collections import Counter
from dataclasses import replace
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.errors import InvalidStudy
from medassist.study.balance import Balance, balance, spread
from medassist.study.design import Design, Plan, StudyCase, plan
from medassist.study.order import Item, Rules

SECRET = b"a secret of the study"
SPECIALTIES = ("cardiology", "neurology", "pediatrics", "surgery", "toxicology")


def design(n: int = 200, raters: int = 8, k: int = 3, **changes: object) -> Design:
    given: dict[str, object] = {
        "cases": [StudyCase(f"case-{i:03}", SPECIALTIES[i % 5]) for i in range(n)],
        "raters": [f"rater-{i:02}" for i in range(raters)],
        "arms": ["tuned", "plain"],
        "raters_per_case": k,
        "seed": 7,
        "secret": SECRET,
        "practice": [StudyCase(f"practice-{i}") for i in range(5)],
    }
    return Design(**(given | changes))  # type: ignore[arg-type]


def counted(d: Design) -> tuple[Plan, Balance]:
    p = plan(d)
    return p, balance(p, d.cases, d.arms)


def require_promises(d: Design) -> None:
    """Everything the specification asks of a plan of two arms. Counted from the items alone."""
    p = plan(d)
    loads, pairs, by_stratum = Counter(), Counter(), Counter()  # type: ignore[var-annotated]
    strata = {case.id: case.stratum for case in d.cases}
    raters_of: dict[str, set[str]] = {case.id: set() for case in d.cases}
    for rater, items in p.items.items():
        primary = [item for item in items if item.is_primary]
        for case in {item.case for item in primary}:
            raters_of[case].add(rater)
            by_stratum[strata[case], rater] += 1
        loads[rater] = len({item.case for item in primary})
        require_order(d, rater, items)
    for raters in raters_of.values():
        assert len(raters) == d.raters_per_case
        pairs.update(combinations(sorted(raters), 2))
    assert spread(loads[rater] for rater in d.raters) <= 1
    assert spread(pairs[pair] for pair in combinations(sorted(d.raters), 2)) <= 3
    for stratum in set(strata.values()):
        assert spread(by_stratum[stratum, rater] for rater in d.raters) <= 2


def require_order(d: Design, rater: str, items: tuple[Item, ...]) -> None:
    assert [item.position for item in items] == list(range(1, len(items) + 1))
    assert [item.is_practice for item in items] == [True] * 5 + [False] * (len(items) - 5)
    primary = [item for item in items if item.is_primary]
    shown = Counter((item.case, frozenset(item.arms)) for item in primary)
    assert set(shown.values()) == {1}
    per_case = Counter(case for case, _ in shown)
    assert set(per_case.values()) == {2 if d.mode == "absolute" else 1}
    firsts: dict[str, str] = {}
    for item in primary:
        firsts.setdefault(item.case, item.arms[0])
    assert spread(Counter(dict.fromkeys(d.arms, 0) | Counter(firsts.values())).values()) <= 1

    repeats = [item for item in items if item.is_repeat_of]
    assert len(repeats) == int(len(primary) * 0.1 + 0.5)
    assert spread(Counter(dict.fromkeys(d.arms, 0) | Counter(item.arms[0] for item in repeats)).values()) <= 1
    assert len({item.is_repeat_of for item in repeats}) == len(repeats)
    for item in repeats:
        first = items[(item.is_repeat_of or 0) - 1]
        assert first.is_primary and first.case == item.case and set(first.arms) == set(item.arms)
    if len(primary) >= 50:
        assert all(item.position - (item.is_repeat_of or 0) >= 50 and not item.wait_days for item in repeats)
    else:
        assert all(item.wait_days == 14 for item in repeats)
        assert any(s.rater == rater and s.rule == "repeats_apart" for s in plan_of(d).shortfalls)
    places: dict[str, list[Item]] = {}
    for item in items:
        places.setdefault(item.case, []).append(item)
    for same in places.values():
        for one, other in combinations(same, 2):
            assert set(one.arms) == set(other.arms) or abs(one.position - other.position) >= 20


_plans: dict[int, Plan] = {}


def plan_of(d: Design) -> Plan:
    """The plan of `d`, made once."""
    if id(d) not in _plans:
        _plans.clear()
        _plans[id(d)] = plan(d)
    return _plans[id(d)]


@pytest.mark.parametrize(("raters", "k"), [(6, 5), (8, 2), (9, 2), (10, 5), (12, 2), (12, 3)])
@pytest.mark.parametrize("mode", ["absolute", "paired"])
@pytest.mark.parametrize("seed", range(4))
def test_a_plan_keeps_its_promises(raters: int, k: int, mode: str, seed: int) -> None:
    require_promises(design(raters=raters, k=k, mode=mode, seed=seed))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_every_plan_keeps_its_promises(seed: int) -> None:
    for raters, k, mode in product(range(6, 13), (2, 3, 5), ("absolute", "paired")):
        require_promises(
            design(raters=raters, k=k, mode=mode, seed=seed, secret=f"the secret of study {seed}".encode())
        )


# --- The same for a seed, and unknown without the secret.


def test_the_plan_follows_from_the_seed_and_not_from_the_order_of_what_is_given() -> None:
    d = design(60, mode="paired")
    mixed = design(60, mode="paired")
    for things in (mixed.cases, mixed.raters, mixed.arms, mixed.practice):
        random.Random(1).shuffle(things)  # type: ignore[arg-type]
    assert plan(d) == plan(mixed)
    assert plan(d) != plan(design(60, mode="paired", seed=8))


def test_a_frozen_study_gets_the_same_plan_from_a_later_version() -> None:
    """Pinned: studies under way are laid out like this. Whoever changes it makes their plans impossible to recompute."""
    p = plan(design(30, 4, 2))
    lines = [
        f"{i.rater} {i.case} {i.arms} {i.position} {i.is_repeat_of} {i.wait_days}" for r in p.items for i in p.items[r]
    ]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] == "46bac49fafb33938"


def test_the_secret_decides_what_comes_first_and_nothing_of_who_rates_what() -> None:
    one, other = plan(design()), plan(design(secret=b"another secret, as long"))
    for rater in one.items:
        cases = [{item.case for item in p.items[rater] if item.is_primary} for p in (one, other)]
        assert cases[0] == cases[1]
    same = sum(
        first_arms(one, rater)[case] == arm for rater in one.items for case, arm in first_arms(other, rater).items()
    )
    assert 0.4 < same / 600 < 0.6


def first_arms(p: Plan, rater: str) -> dict[str, str]:
    firsts: dict[str, str] = {}
    for item in p.items[rater]:
        if item.is_primary:
            firsts.setdefault(item.case, item.arms[0])
    return firsts


def test_a_permutation_stays_when_other_raters_change_nothing_of_this_ones_cases() -> None:
    """The arms of a rater's case hang on that rater's cases, the secret and the round, on nobody else."""
    d = design(40, 2, 2)
    one = plan(d)
    other = plan(design(40, 2, 2, seed=99, rules=Rules(repeat_share=0.2)))  # two of two: the same cases, another order
    for rater in one.items:
        assert first_arms(one, rater) == first_arms(other, rater)


def test_nothing_in_a_raters_order_tells_which_arm_comes_first() -> None:
    """Over many raters the place of a case says nothing about its arm, and neither does its number."""
    p = plan(design(200, 12, 5))
    early = late = 0
    for rater in p.items:
        firsts = [item.arms[0] for item in p.items[rater] if item.is_primary][: len(first_arms(p, rater))]
        half = len(firsts) // 2
        early += firsts[:half].count("tuned")
        late += firsts[half:].count("tuned")
    assert abs(early - late) < 90  # 1000 draws: SD of the difference is 32


def test_repeats_are_drawn_afresh() -> None:
    p = plan(design(200, 6, 5, mode="paired"))
    turned = [
        item.arms != p.items[rater][item.is_repeat_of - 1].arms
        for rater in p.items
        for item in p.items[rater]
        if item.is_repeat_of
    ]
    assert 0.25 < sum(turned) / len(turned) < 0.75 and len(turned) == 6 * 17


def test_repeats_come_from_all_specialties_and_both_arms() -> None:
    d = design(200, 6, 5)
    strata = {case.id: case.stratum for case in d.cases}
    repeats = [item for items in plan(d).items.values() for item in items if item.is_repeat_of]
    assert set(Counter(strata[item.case] for item in repeats)) == set(SPECIALTIES)
    assert spread(Counter(item.arms for item in repeats).values()) <= 6  # one for each rater


# --- Other numbers of arms.


@pytest.mark.parametrize("arms", [1, 3, 4, 5])
def test_more_arms_or_one(arms: int) -> None:
    d = design(180, 6, 2, arms=[f"arm-{i}" for i in range(arms)])
    p, b = counted(d)
    assert not p.shortfalls
    for rater, items in p.items.items():
        assert spread(b.first_arm[rater].values()) <= 1
        for place in range(arms):  # first, second … appearance of a case
            nth = [
                [i.arms[0] for i in items if i.is_primary and i.case == case][place] for case in first_arms(p, rater)
            ]
            assert spread(Counter(dict.fromkeys(d.arms, 0) | Counter(nth)).values()) <= 1
        assert (b.arms_apart[rater] or 20) >= 20


@pytest.mark.parametrize("arms", [3, 4, 5])
def test_all_pairs_of_more_arms(arms: int) -> None:
    d = design(90, 6, 2, arms=[f"arm-{i}" for i in range(arms)], mode="paired")
    p, b = counted(d)
    assert not p.shortfalls
    for rater, items in p.items.items():
        shown = Counter(item.arms for item in items if item.is_primary)
        for one, other in combinations(sorted(d.arms), 2):
            assert shown[one, other] + shown[other, one] == b.load[rater]
            assert abs(shown[one, other] - shown[other, one]) <= 1
        assert all(abs(b.left[rater][arm] - b.right[rater][arm]) <= 1 for arm in d.arms)


# --- What a plan cannot keep.


def test_too_few_cases_for_the_arms_of_a_case_are_named() -> None:
    p, b = counted(design(12, 3, 3, practice=()))
    assert {(s.rule, s.rater) for s in p.shortfalls if s.rule == "arms_apart"} == {
        ("arms_apart", f"rater-{i:02}") for i in range(3)
    }
    assert set(b.arms_apart.values()) <= {*range(10, 20)}  # as far apart as twelve cases allow, less for a repeat
    practice = next(s for s in p.shortfalls if s.rule == "practice")
    assert (
        practice.text() == "there are 0 practice cases of 5" and practice.text("zh") == "练习病例只有 0 个，应为 5 个"
    )


def test_too_few_items_for_repeats_wait_days_instead() -> None:
    p, _ = counted(design(49, 2, 2, arms=["only"]))
    for items in p.items.values():
        assert [item.wait_days for item in items if item.is_repeat_of] == [14] * 5
    texts = [s.text(language) for s in p.shortfalls for language in ("en", "zh")]
    assert texts[0] == "rater-00: a repeat comes 49 items after the first instead of 50; it has to wait days instead"
    assert "rater-00：" in texts[1] and "49" in texts[1]
    assert not plan(design(50, 2, 2, arms=["only"])).shortfalls


def test_too_few_items_for_any_repeat_and_raters_without_a_case() -> None:
    p = plan(design(2, 4, 1, arms=["only"]))
    assert Counter(s.rule for s in p.shortfalls) == {"repeats": 2, "cases": 2}
    assert all(len(items) in (5, 6) for items in p.items.values())


@given(
    n=st.integers(1, 70), raters=st.integers(2, 6), arms=st.integers(1, 4), k=st.integers(1, 6),
    paired=st.booleans(), share=st.sampled_from([0, 0.1, 0.5, 1]), seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_what_is_not_kept_is_always_named(
    n: int, raters: int, arms: int, k: int, paired: bool, share: float, seed: int
) -> None:
    paired = paired and arms > 1
    d = design(
        n, raters, min(k, raters), arms=[f"arm-{i}" for i in range(arms)], seed=seed,
        mode="paired" if paired else "absolute", rules=Rules(repeat_share=share),
    )  # fmt: skip
    p, b = counted(d)
    named = {(s.rule, s.rater) for s in p.shortfalls}
    assert b.load_spread <= 1
    for rater, items in p.items.items():
        assert (("arms_apart", rater) in named) == ((b.arms_apart[rater] or 20) < 20)
        assert (("repeats_apart", rater) in named) == ((b.repeats_apart[rater] or 50) < 50)
        assert b.items[rater]["repeat"] == int(b.items[rater]["primary"] * share + 0.5)
        assert spread(b.first_arm[rater].values()) <= 1 or paired
        for item in items:
            if item.is_repeat_of and not item.wait_days:
                assert item.position - item.is_repeat_of >= 50


# --- The tables of the preview.


def test_the_tables_count_what_is_there() -> None:
    d = design(200, 7, 3, mode="paired")
    p, b = counted(d)
    assert sum(b.load.values()) == 600 and b.load_spread == 1 and b.pair_spread <= 3
    assert sum(b.pairs.values()) == 600  # three pairs for each of 200 cases
    assert sum(sum(row.values()) for row in b.strata.values()) == 600 and set(b.strata) == set(SPECIALTIES)
    for rater in p.items:
        assert b.left[rater]["plain"] == b.right[rater]["tuned"]
        kinds = b.items[rater]
        assert kinds["practice"] == 5 and kinds["all"] == len(p.items[rater]) == sum(kinds.values()) - kinds["all"]
        assert b.arms_apart[rater] is None and (b.repeats_apart[rater] or 0) >= 50
    assert not balance(plan(design(40)), d.cases, d.arms).left


# --- Bad input.


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"raters": 2, "k": 3}, "raters_per_case", "between 1 and the number of raters, 2"),
        ({"k": 0}, "raters_per_case", "between 1"),
        ({"raters": 1, "k": 1}, "raters", "two or more, not 1"),
        ({"raters": 0, "k": 1}, "raters", "two or more, not 0"),
        ({"n": 0}, "cases", "there are none"),
        ({"cases": [StudyCase("x"), StudyCase("x")]}, "cases", "x stands twice"),
        ({"named": ["anna", "anna", "bo"]}, "raters", "anna stands twice"),
        ({"arms": ["a", "a"]}, "arms", "a stands twice"),
        ({"arms": []}, "arms", "too few"),
        ({"arms": ["a"], "mode": "paired"}, "arms", "paired needs two"),
        ({"arms": ["a|b", "c"]}, "arms", "'a|b'"),
        ({"arms": ["a", " "]}, "arms", "' '"),
        ({"cases": [StudyCase("x\u200b")]}, "cases", "invisible"),
        ({"practice": [StudyCase("case-001")]}, "practice", "case-001 is also a case"),
        ({"mode": "ranked"}, "mode", "absolute or paired"),
        ({"secret": b"short"}, "secret", "16 bytes"),
        ({"rules": Rules(repeat_share=1.5)}, "rules", "between 0 and 1"),
        ({"rules": Rules(arms_apart=-1)}, "rules", "not negative"),
    ],
)
def test_bad_designs_are_refused_by_name(changes: dict[str, object], where: str, says: str) -> None:
    names = changes.pop("named", None)
    bad = design(**changes)  # type: ignore[arg-type]
    if names:
        bad = replace(bad, raters=names)  # type: ignore[arg-type]
    with pytest.raises(InvalidStudy, match=where) as caught:
        plan(bad)
    assert caught.value.text("en").startswith(f"{where}: ") and says in str(caught.value)
    assert caught.value.text("zh").startswith(f"{where}：")


def test_a_secret_is_not_shown() -> None:
    assert "secret of the study" not in repr(design())
