"""Item by item: what was answered, how often, and how far raters agree on it."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from medassist.statistics import Interval, Note, UnusableRatings, acceptance, agreement, top_k
from medassist.study.counted import Answer, Columns, Read, columns, guarded, reason, undefined
from medassist.study.instrument import CANNOT_JUDGE, Item, asked
from medassist.study.results import Agreed, Harm, ItemResult

RESAMPLES = 500
"""Of the intervals of agreement."""
NONE_APPLIES = "na"
KS = (1, 3, 5)


def decoded(item: Item, value: str) -> Any:
    """A stored value as `check` knows it: several codes as a list."""
    return json.loads(value) if item.kind == "multi" and value != CANNOT_JUDGE else value


def expected(item: Item, answer: Answer, items: Sequence[Item]) -> bool:
    """Whether `item` had to be answered, given what else was."""
    kinds = {other.id: other for other in items}
    values = {key: decoded(kinds[key], value) for key, value in answer.values.items() if key in kinds}
    return item.required and asked(item, values)


def missing(study: Read, item: Item, answers: Sequence[Answer]) -> int:
    return sum(
        item.id not in answer.values and study.of_case(item, answer.case) and expected(item, answer, study.items)
        for answer in answers
    )


def judged(item: str) -> Any:
    """The value of `item`, unless it could not be judged or does not apply."""

    def value(answer: Answer) -> str | None:
        found = answer.values.get(item)
        return None if found in (None, CANNOT_JUDGE, NONE_APPLIES) else found

    return value


def share(rows: Columns, chosen: Sequence[Any], level: float) -> Interval:
    """How often the value is one of `chosen`, with the two-way interval."""
    return guarded(
        lambda: acceptance(rows.cases, rows.raters, [int(each in chosen) for each in rows.values], confidence=level),
        "two-way cluster t on the logit",
    )


def agreed(rows: Columns, categories: Sequence[Any] | None, ordered: bool, study: Read, alpha: bool = False) -> Agreed:
    """Percent agreement, AC1 or AC2 and α. α's interval takes a while: only where `alpha` asks for it."""
    try:
        kind: Any = {"weights": "quadratic" if ordered else "identity", "level": "ordinal" if ordered else "nominal"}
        common: Any = kind | {"categories": categories, "seed": study.data.seed, "confidence": study.level}
        fast = ("percent", "ac", "alpha") if alpha else ("percent", "ac")
        found = agreement(*rows.three, coefficients=fast, resamples=RESAMPLES, **common)  # type: ignore[arg-type]
        if not alpha:
            found |= agreement(*rows.three, coefficients=("alpha",), **common)
    except UnusableRatings as error:
        none = undefined(reason(error))
        return Agreed(none, none, none)
    return Agreed(found["percent"], found["ac"], found["alpha"])


def item_result(study: Read, item: Item, answers: Sequence[Answer]) -> ItemResult:
    given = [answer.values[item.id] for answer in answers if item.id in answer.values]
    rows = columns(answers, judged(item.id))
    scale = [int(option.code) for option in item.options] if item.kind == "likert" else []
    counts, shares, agreement_of = _counts(item, given), {}, None
    if item.kind in ("choice", "likert"):
        codes = [option.code for option in item.options if option.code != NONE_APPLIES]
        if scale:
            rows = Columns(rows.cases, rows.raters, rows.arms, [int(each) for each in rows.values])
        else:
            shares = {code: share(rows, (code,), study.level) for code in codes}
        agreement_of = agreed(rows, scale or codes, bool(scale), study)
    return ItemResult(
        id=item.id,
        kind=item.kind,
        label=Note(item.label.en, item.label.zh),
        n=len(rows.values),
        cannot_judge=given.count(CANNOT_JUDGE),
        missing=missing(study, item, answers),
        counts=counts,
        shares=shares,
        top_two=share(rows, scale[-2:], study.level) if scale else None,
        mean=sum(rows.values) / len(rows.values) if scale and rows.values else None,
        agreed=agreement_of,
    )


def _counts(item: Item, given: Sequence[str]) -> dict[str, int]:
    """Code → ratings, every code of the instrument named; a text counts as given or not."""
    if item.kind == "text":
        return {"given": len(given)}
    found: Counter[str] = Counter()
    for value in given:
        found.update(decoded(item, value) if item.kind == "multi" and value != CANNOT_JUDGE else [value])
    known = [str(place) for place in range(1, (item.max or 0) + 1)] if item.kind == "rank" else item.codes
    return {code: found[code] for code in known if found[code] or item.kind != "rank"}


def ranks(study: Read, answers: Sequence[Answer]) -> dict[int, Interval]:
    """Top k over cases: at which place most of a case's raters find the right diagnosis, or a better one."""
    ids = {item.id for item in study.items}
    if not {"gold_listed", "gold_rank"} <= ids:
        return {}
    by_case: dict[str, list[float]] = {}
    for answer in answers:
        listed, place = answer.values.get("gold_listed"), answer.values.get("gold_rank", CANNOT_JUDGE)
        if listed == "no":
            by_case.setdefault(answer.case, []).append(float("inf"))
        elif listed == "yes" and place != CANNOT_JUDGE:
            by_case.setdefault(answer.case, []).append(float(place))
    places = [sorted(found)[len(found) // 2] for found in by_case.values()]  # more than half are at least as good
    if not places:
        none = undefined(Note("Undefined: no rank was given.", "无定义：没有任何名次。"), "wilson")
        return dict.fromkeys(KS, none)
    return top_k([0 if place == float("inf") else place for place in places], KS, confidence=study.level)


def harm(study: Read, answers: Sequence[Answer]) -> Harm | None:
    extents = next((item for item in study.items if item.id == "harm_extent"), None)
    if not extents:
        return None
    likelihoods = next((item.codes for item in study.items if item.id == "harm_likelihood"), ())
    table = {option.code: dict.fromkeys((*likelihoods, ""), 0) for option in extents.options}
    for answer in answers:
        extent = answer.values.get("harm_extent", CANNOT_JUDGE)
        if extent in table:
            table[extent][answer.values.get("harm_likelihood", "")] += 1
    rows = columns(answers, judged("harm_extent"))
    some = [code for code in table if code != "none"]
    return Harm(len(rows.values), table, share(rows, some, study.level), share(rows, ("severe",), study.level))
