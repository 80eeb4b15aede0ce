"""What a rater enters: under A and B on the page, under responses where it is kept, as rows once it is submitted."""

import json
from collections.abc import Mapping
from typing import Any

from medassist.errors import InvalidStudy, Language
from medassist.store.panel import Values
from medassist.store.study_tables import Rating, Response
from medassist.study.instrument import Instrument, Item, check

LABELS = ("A", "B")
BOTH = "both"
"""Under which what is asked of the pair comes back."""
PREFERRED, TIE = "preferred", "tie"

_UNANSWERED = ("Which answer you prefer has not been answered.", "尚未选择更倾向的回答。")


def rows_of(
    instrument: Instrument,
    page: str,
    responses: list[Response],
    draft: Values,
    first: bool,
    language: Language,
) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """The ratings of one page, and what is wrong with them as label, item, text."""
    rows: list[tuple[str, str, str]] = []
    problems: list[tuple[str, str, str]] = []
    for label, response in zip(LABELS, responses, strict=False):
        values = draft.get(response.id, {})
        problems += [(label, each.item, each.text) for each in check(instrument, values, language, page)]
        items = {item.id for item in instrument.of_page(page)}
        rows += [
            (response.id, item, _text(value))
            for item, value in values.items()
            if item in items and value not in ("", None, [], ())
        ]
    if len(responses) > 1 and first:
        chosen = draft.get(BOTH, {}).get(PREFERRED)
        if chosen is None:
            problems.append((BOTH, PREFERRED, _UNANSWERED[language == "zh"]))
        else:
            rows += [(each.id, PREFERRED, _preferred(chosen, each.id)) for each in responses]
    return rows, problems


def under_labels(draft: Values, responses: list[Response]) -> dict[str, dict[str, Any]]:
    """Values under responses as values under A, B and both."""
    labels = {response.id: label for response, label in zip(responses, LABELS, strict=False)}
    told = {labels[response]: dict(values) for response, values in draft.items() if response in labels}
    if (chosen := draft.get(BOTH, {}).get(PREFERRED)) is not None:
        told[BOTH] = {PREFERRED: labels.get(chosen, TIE)}
    return told


def by_response(values: Mapping[str, Mapping[str, Any]], responses: list[str], instrument: Instrument) -> Values:
    """Values under labels as values under responses. Raises `InvalidStudy` for a label or item that there is none of."""
    named = dict(zip(LABELS, responses, strict=False))
    items: dict[str, Item] = {item.id: item for item in instrument.items}
    taken: Values = {}
    for label, given in values.items():
        if label == BOTH and len(responses) > 1:
            chosen = given.get(PREFERRED)
            if chosen is not None:
                if chosen not in (*named, TIE):
                    raise InvalidStudy(where=PREFERRED, reason="must be A, B or tie.", reason_zh="必须是 A、B 或 tie。")
                taken[BOTH] = {PREFERRED: named.get(chosen, TIE)}
        elif label in named:
            for item, value in given.items():
                if item not in items or not _plain(value):
                    raise InvalidStudy(where=str(item)[:60], reason="is no question of this instrument, or has no possible value.", reason_zh="不是本量表的条目，或其值无效。")  # fmt: skip
            taken[named[label]] = dict(given)
        else:
            raise InvalidStudy(where=str(label)[:10], reason="there is no such answer.", reason_zh="没有这个回答。")
    return taken


def _plain(value: object) -> bool:
    if isinstance(value, list):
        return len(value) <= 100 and all(isinstance(each, str) and len(each) <= 100 for each in value)
    if isinstance(value, str):
        return len(value) <= 200_000 and "\0" not in value
    return value is None or (isinstance(value, int) and abs(value) < 1_000_000)


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, (list, tuple)) else str(value)


def _preferred(chosen: str, response: str) -> str:
    return TIE if chosen == TIE else "yes" if chosen == response else "no"


def of_ratings(ratings: list[Rating], instrument: Instrument) -> Values:
    kinds = {item.id: item.kind for item in instrument.items}
    values: Values = {}
    for row in ratings:
        if row.item == PREFERRED:
            if row.value == "yes":
                values[BOTH] = {PREFERRED: row.response_id}
            elif row.value == TIE:
                values[BOTH] = {PREFERRED: TIE}
        elif row.value:
            kind = kinds.get(row.item)
            value = json.loads(row.value) if kind == "multi" and row.value.startswith("[") else row.value
            values.setdefault(row.response_id, {})[row.item] = (
                int(value) if kind == "rank" and str(value).isdecimal() else value
            )
    return values
