"""A case cut into units, one clinical finding each, and the case without some of them.

A value stays with its name, a duration, a side and a cue of negation with their finding. Where one cue denies a list,
every item is a unit that remembers the cue: to take out “denies fever” must not turn the chills after it into a
complaint. Nothing is cut inside a Chinese word.
"""

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from medassist import unit_words as lexis
from medassist.findings import sentences
from medassist.unit_cuts import Span, findings_in

_HAN = re.compile(r"[\u3400-\u9fff]")
_STOP = re.compile(r"[.。;；!！?？\n]")

MOST = 30
"""Units in a case: more could not be told apart with the few hundred samples that an explanation may cost."""


@dataclass(frozen=True)
class Unit:
    """One finding, or a few neighbours: `case_text[start:end] == text`."""

    text: str
    start: int
    end: int
    field: str  # the case's field it stands in, "" where none is known
    negated: bool  # it states that something is absent
    cue: tuple[int, int] | None = None  # the negation that governs it; for a later item of a list, outside the unit


def units(case_text: str, most: int = MOST) -> list[Unit]:
    """The units of a case as `PatientCase.text` builds it, or of any other text, in order; labels are in none."""
    found = [
        Unit(case_text[start:end], start, end, sentence.field, cue is not None, cue)
        for sentence in sentences(case_text)
        for (start, end), cue in findings_in(sentence)
    ]
    return _merged(case_text, _numbered(case_text, found), most)


def without(case_text: str, all_units: Sequence[Unit], kept: Sequence[bool]) -> str:
    """The case with only the kept units, in tidy punctuation; a denied item that is kept stays denied."""
    return _rebuilt(case_text, all_units, kept, replacing=False)


def replaced(case_text: str, all_units: Sequence[Unit], kept: Sequence[bool]) -> str:
    """The case in which every unit that is not kept gives way to a neutral phrase."""
    return _rebuilt(case_text, all_units, kept, replacing=True)


# --- At most so many.


def _numbered(case_text: str, found: list[Unit]) -> list[Unit]:
    """“1. Fever”: a number of a list belongs to what follows it on its line."""
    result: list[Unit] = []
    for unit in found:
        if result and re.fullmatch(r"\W*\d+\W*", result[-1].text) and "\n" not in _gap(case_text, result[-1], unit):
            unit = _union(case_text, result.pop(), unit)
        result.append(unit)
    return result


def _merged(case_text: str, found: list[Unit], most: int) -> list[Unit]:
    """Join neighbours, the closest and shortest first, until no more than `most` are left."""
    alive: list[Unit | None] = list(found)
    after = list(range(1, len(found) + 1))
    before = list(range(-1, len(found) - 1))
    heap = [(*_distance(case_text, a, b), i, i + 1, a, b) for i, (a, b) in enumerate(pairwise(found))]
    heapq.heapify(heap)
    left = len(found)
    while left > max(most, 1) and heap:
        *_, i, j, a, b = heapq.heappop(heap)
        if alive[i] is not a or alive[j] is not b:
            continue
        both = _union(case_text, a, b)
        alive[i], alive[j], after[i] = both, None, after[j]
        left -= 1
        for k, m in ((before[i], i), (i, after[i])):
            if k >= 0 and m < len(found):
                first, second = alive[k], alive[m]
                assert first and second
                heapq.heappush(heap, (*_distance(case_text, first, second), k, m, first, second))
        if after[i] < len(found):
            before[after[i]] = i
    return [unit for unit in alive if unit]


def _distance(case_text: str, a: Unit, b: Unit) -> tuple[bool, bool, bool, int]:
    apart = bool(_STOP.search(_gap(case_text, a, b)))
    return a.field != b.field, a.negated != b.negated, apart, b.end - a.start


def _union(case_text: str, a: Unit, b: Unit) -> Unit:
    outside = [unit.cue for unit in (a, b) if unit.cue and not a.start <= unit.cue[0] < b.end]
    cue = outside[0] if outside else a.cue or b.cue
    return Unit(case_text[a.start : b.end], a.start, b.end, a.field, a.negated and b.negated, cue)


def _gap(case_text: str, a: Unit, b: Unit) -> str:
    return case_text[a.end : b.start]


# --- The case without some of its units.

_NEUTRAL, _NEUTRAL_ZH = "unrecorded", "未记录"  # “not recorded” would deny what follows it
_BRACKET = re.compile(r"[()（）\[\]【】{}《》“”‘’「」\"]")


@dataclass(frozen=True)
class _Part:
    """A piece of the new text: a unit, a neutral phrase in its place, or the cue of a unit that was taken out."""

    text: str
    at: int  # which unit
    unit: Unit
    glue: str = ""  # "before" or "after": a cue sticks to what it denies
    changed: bool = False


def _rebuilt(case_text: str, all_units: Sequence[Unit], kept: Sequence[bool], *, replacing: bool) -> str:
    if all(kept) and len(kept) == len(all_units):
        return case_text
    parts = list(_parts(case_text, all_units, kept, replacing))
    if not parts:
        return ""
    edges = [0, *(place for unit in all_units for place in (unit.start, unit.end)), len(case_text)]
    gaps = [_BRACKET.sub("", case_text[a:b]) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    alternatives = _alternatives(case_text, all_units, kept) if not replacing else set()
    text = _opening(gaps[: parts[0].at + 1])
    for part, following in pairwise(parts):
        text += part.text + _between(part, following, gaps, alternatives)
    return (text + parts[-1].text + _closing(gaps[parts[-1].at + 1 :])).strip()


def _parts(case_text: str, all_units: Sequence[Unit], kept: Sequence[bool], replacing: bool) -> Iterator[_Part]:
    first: dict[Span, int] = {}
    last: dict[Span, int] = {}
    told = {unit.cue for unit, keep in zip(all_units, kept, strict=True) if keep and _holds(unit, unit.cue)}
    for at, (unit, keep) in enumerate(zip(all_units, kept, strict=True)):
        if keep and unit.cue and unit.cue not in told:
            first.setdefault(unit.cue, at)
            last[unit.cue] = at
    for at, (unit, keep) in enumerate(zip(all_units, kept, strict=True)):
        if not keep:
            if replacing:
                yield _Part(_NEUTRAL_ZH if _HAN.search(unit.text) else _NEUTRAL, at, unit, changed=True)
            continue
        cue = (
            _Part(case_text[slice(*unit.cue)].strip(), at, unit, changed=True)
            if unit.cue in first and unit.cue
            else None
        )
        if cue and unit.cue and unit.cue[0] < unit.start and first[unit.cue] == at:
            yield replace(cue, glue="after")
        yield _Part(unit.text, at, unit)
        if cue and unit.cue and unit.cue[0] >= unit.end and last[unit.cue] == at:
            yield replace(cue, glue="before")


def _holds(unit: Unit, cue: Span | None) -> bool:
    return cue is not None and unit.start <= cue[0] < unit.end


def _alternatives(case_text: str, all_units: Sequence[Unit], kept: Sequence[bool]) -> set[int]:
    """The last kept items of English lists that lost one: “or” is what holds such a list together."""
    last: dict[Span, int] = {}
    joined: set[Span] = set()
    cut: set[Span] = set()
    for at, (unit, keep) in enumerate(zip(all_units, kept, strict=True)):
        if not unit.cue:
            continue
        if at and all_units[at - 1].cue == unit.cue and lexis.OR.search(_gap(case_text, all_units[at - 1], unit)):
            joined.add(unit.cue)
        if keep:
            last[unit.cue] = at
        else:
            cut.add(unit.cue)
    return {at for cue, at in last.items() if cue in joined & cut}


def _between(a: _Part, b: _Part, gaps: list[str], alternatives: set[int]) -> str:
    """What joins two parts of the new text: what joined them, or the strongest join among what is gone."""
    if a.glue == "after" or b.glue == "before":
        return "" if _HAN.search(a.text[-1] + b.text[0]) else " "
    lost = gaps[a.at + 1 : b.at + 1]
    if lines := [gap for gap in lost if "\n" in gap]:
        return lost[0] if len(lost) == 1 else f"{_closing(lost)}\n{_label(lines[-1])}"
    if a.unit.cue == b.unit.cue and b.at in alternatives:
        return " or "
    whole = next((gap for gap in lost if _STOP.search(gap)), "")
    touched = len(lost) > 1 or a.changed or b.changed
    if whole or not touched:
        return whole or lost[0]
    chinese = bool(_HAN.search(a.text[-1] + b.text[0]))
    reaches = a.unit.cue and a.unit.cue[1] < a.unit.end and not a.glue
    if reaches and not b.unit.negated:
        turn = [gap for gap in lost if lexis.TURN.search(gap)]
        return turn[0] if turn else "；" if chinese else "; "
    join = next((gap for gap in (lost if b.glue else reversed(lost)) if gap.strip()), lost[-1])
    if chinese and (not join or (a.unit.cue == b.unit.cue is not None and join == "，")):
        return "、"  # 否认 reaches over it, whatever the item
    return join or " "


def _opening(gaps: list[str]) -> str:
    if len(gaps) == 1:
        return gaps[0]
    lines = [gap for gap in gaps if "\n" in gap]
    return _label(lines[-1] if lines else gaps[0])


def _label(gap: str) -> str:
    """The label at the end of the gap, if it has one: all other words of a case are in units."""
    line = gap.rpartition("\n")[2]
    return line if re.search(r"\w.*[:：]\s*$", line) else ""


def _closing(gaps: list[str]) -> str:
    """The mark that ended the sentence whose last units are gone."""
    if len(gaps) == 1:
        return gaps[0]
    stop = re.match(r"[^\n]*?([.。!！])", "".join(gaps))
    return stop.group(1) if stop else ""
