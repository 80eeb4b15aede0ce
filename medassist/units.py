"""A case cut into units, one clinical finding each, and the case without some of them.

A value stays with its name, a duration, a side and a cue of negation with their finding. Where one cue denies a list,
every item is a unit that remembers the cue: to take out “denies fever” must not turn the chills after it into a
complaint. Nothing is cut inside a Chinese word.
"""

import heapq
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

from medassist import unit_words as lexis
from medassist.findings import Sentence, Status, sentences
from medassist.vocabulary import diagnoses, tests

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
    found = [unit for sentence in sentences(case_text) for unit in _units_in(case_text, sentence)]
    return _merged(case_text, _numbered(case_text, found), most)


def without(case_text: str, all_units: Sequence[Unit], kept: Sequence[bool]) -> str:
    """The case with only the kept units, in tidy punctuation; a denied item that is kept stays denied."""
    return _rebuilt(case_text, all_units, kept, replacing=False)


def replaced(case_text: str, all_units: Sequence[Unit], kept: Sequence[bool]) -> str:
    """The case in which every unit that is not kept gives way to a neutral phrase."""
    return _rebuilt(case_text, all_units, kept, replacing=True)


# --- Cutting a sentence.

Span = tuple[int, int]
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\d_]+(?:['’/-][^\W\d_]+)*")
_NO_WORD = re.compile(r"[^\w%‰℃]|_")
_STOP = re.compile(r"[.。;；!！?？\n]")
_BRACKETED = re.compile(r"[(（\[【][^()（）\[\]【】\n]{0,40}[)）\]】]")


def _units_in(case_text: str, sentence: Sentence) -> Iterator[Unit]:
    text, base = sentence.text, sentence.start
    denials = [_reach(text, (cue[0] - base, cue[1] - base), end - base) for cue, end in sentence.denials()]
    spans, listed = _pieces(text, _cuts(text, [cue for cue, _ in denials]))
    if sentence.field != "patient":
        _join_dependent(text, spans, listed)
    if sentence.field != "family_history":
        _join_others(sentence, spans, listed, [cue for cue, _ in denials])
    cues = [_cue(text, span, denials) for span in spans]
    for i in reversed(range(len(spans) - 1)):  # 压痛、反跳痛均阴性: the last item denies those before it
        after = cues[i + 1]
        if cues[i] is None and listed[i] and after and not _stands(text[after[1] : spans[i + 1][1]]):
            absent = sentence.status(spans[i][0] + base, spans[i][1] + base) is Status.ABSENT
            cues[i] = after if absent else None
    for (start, end), cue in zip(spans, cues, strict=True):
        start, end = start + base, end + base
        place = (cue[0] + base, cue[1] + base) if cue else None
        yield Unit(case_text[start:end], start, end, sentence.field, cue is not None, place)


def _cuts(text: str, cues: list[Span]) -> list[tuple[int, int, bool]]:
    """Where the sentence may be cut, and whether the cut joins items of a list."""
    cuts = [(*found.span(), found.group() == "、") for found in lexis.BREAK.finditer(text)]
    cuts += [(*found.span(), True) for found in lexis.VITAL.finditer(text)]
    starts = {cue[0] for cue in cues}
    for found in lexis.CONNECTIVE.finditer(text):
        before, word = text[: found.start()].rstrip(), found.group().lower()
        if word in ("and", "or") and lexis.GOVERNED.search(before):
            continue
        if word != "with" or not lexis.WITH.search(before):
            cuts.append((*found.span(), True))
    for start, _ in cues:
        cue, before = text[start:].lower(), text[:start].rstrip()
        if cue.startswith(("without", "w/o")):
            cut = not lexis.IS.search(before)
        else:
            cut = bool(lexis.CUT_AT.match(cue)) and not lexis.LEANS.search(before)
        if cut:
            cuts.append((start, start, True))
    cuts += _chinese_cuts(text, starts)
    cuts = [cut for cut in cuts if not any(start < cut[1] and cut[0] < end for start, end in cues)]
    whole = [span.span() for pattern in (_BRACKETED, lexis.WHOLE) for span in pattern.finditer(text)]
    return sorted(cut for cut in set(cuts) if not any(start < cut[1] and cut[0] < end for start, end in whole))


def _chinese_cuts(text: str, cues: set[int]) -> Iterator[tuple[int, int, bool]]:
    if not _HAN.search(text):
        return
    before = ""
    for word, start, end in _jieba().tokenize(text, HMM=False):
        known = before in lexis.FINDINGS_ZH
        if word in lexis.JOINS_ZH:
            yield start, end, True
        elif (known and word in lexis.FINDINGS_ZH) or (
            start in cues and (known or lexis.STATED_ZH.search(text, 0, start))
        ):
            yield start, start, True
        before = word


@cache
def _jieba() -> Any:
    """Chinese words as jieba has them, and those of the clinic; its dictionary is read when first needed."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    words = jieba.Tokenizer()
    for word in (*lexis.FINDINGS_ZH, *lexis.KEPT_WHOLE_ZH, *diagnoses("zh"), *tests("zh")):
        words.add_word(word, freq=100_000)
    return words


def _pieces(text: str, cuts: list[tuple[int, int, bool]]) -> tuple[list[Span], list[bool]]:
    """What lies between the cuts, and of each piece whether it is joined to the next as in a list."""
    spans: list[Span] = []
    listed: list[bool] = []
    at = 0
    for start, end, in_list in [*cuts, (len(text), len(text), False)]:
        if start < at:
            continue
        if piece := _trimmed(text, at, start):
            spans.append(piece)
            listed.append(in_list)
        elif listed and start < end:
            listed[-1] |= in_list
        at = end
    return spans, listed


_EDGE = set(",.;:!?|/\\~*_，。；：、！？…·•“”‘’「」—–\"'`")
_PAIRS = {"(": ")", "（": "）", "[": "]", "【": "】", "{": "}", "《": "》"}
_CLOSES = {close: opening for opening, close in _PAIRS.items()}


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """The span without the spaces, punctuation and single brackets at its ends; None where nothing is said in it."""
    while start < end and (
        (text[start] in _EDGE or text[start].isspace() or text[start] in _CLOSES)
        or (text[start] in _PAIRS and _PAIRS[text[start]] not in text[start:end])
        or (text[start] == "-" and not text[start + 1 : start + 2].isdigit())
    ):
        if text[start] in "?？" and text[start + 1 : end][:1].isalnum():  # ?sinusitis
            break
        start += 1
    while start < end and (
        (text[end - 1] in _EDGE or text[end - 1].isspace() or text[end - 1] in _PAIRS)
        or (text[end - 1] in _CLOSES and _CLOSES[text[end - 1]] not in text[start:end])
        or (text[end - 1] == "-" and not text[start : end - 1][-1:].isalnum())
    ):
        end -= 1
    return (start, end) if any(map(str.isalnum, text[start:end])) else None


def _join_dependent(text: str, spans: list[Span], listed: list[bool]) -> None:
    """Join what is no finding of its own (a duration, a side, a value, a site) to the finding it belongs to."""
    i = 0
    while len(spans) > 1 and i < len(spans):
        piece = text[slice(*spans[i])]
        if _stands(piece):
            i += 1
            continue
        opens = i == 0 or bool(lexis.AGO.search(piece)) or (listed[i] and _names(piece))
        i = i if opens and i + 1 < len(spans) else i - 1
        _join(spans, listed, i)


def _join_others(sentence: Sentence, spans: list[Span], listed: list[bool], cues: list[Span]) -> None:
    """Keep what a relative has in one unit: alone, it would read as the patient's."""
    for i in reversed(range(len(spans) - 1)):
        (start, end), (then, _) = spans[i], spans[i + 1]
        if any(then <= cue < spans[i + 1][1] for cue, _ in cues):
            continue
        if all(_status(sentence, *span) is Status.OTHER for span in ((max(start, end - 1), end), spans[i + 1])):
            _join(spans, listed, i)


def _status(sentence: Sentence, start: int, end: int) -> Status:
    return sentence.status(start + sentence.start, end + sentence.start)


def _join(spans: list[Span], listed: list[bool], i: int) -> None:
    spans[i : i + 2] = [(spans[i][0], spans[i + 1][1])]
    del listed[i]


def _stands(piece: str) -> bool:
    """Whether the piece says something by itself, so that it may be a unit."""
    if _HAN.search(piece):
        measured = bool(lexis.LAB_ZH_VALUE.search(piece))
        return measured or not lexis.BARE_ZH.fullmatch(_NO_WORD.sub("", piece))
    words = [word.strip("'’-/").lower() for word in _WORD.findall(piece)]
    measured = any(map(str.isdigit, piece)) and any(word in lexis.MEASURES for word in words)
    return measured or any(word not in lexis.BARE for word in words if word)


def _names(piece: str) -> bool:
    """Whether the piece names a site or a measure, of which more may be said behind it."""
    return bool(lexis.NAMES_ZH.search(piece)) or any(
        word.lower() in lexis.SITES | lexis.MEASURES for word in _WORD.findall(piece)
    )


def _reach(text: str, cue: Span, stop: int) -> tuple[Span, int]:
    """The cue and where its list ends: “not palpable, …” is no list, “denies travel, and antibiotics” still is one."""
    word = text[slice(*cue)].lower()
    comma = text.find(",", cue[1], stop)
    if comma > 0 and word.endswith(("not", "n't", "n’t")) and not lexis.OR.search(text, comma, stop):
        return cue, comma
    last = lexis.LAST_ITEM.match(text, stop) if word.startswith(("den", "neg")) else None
    return cue, last.end() if last else stop


def _cue(text: str, span: Span, denials: list[tuple[Span, int]]) -> Span | None:
    """The negation that the piece stands under: its own before one that reaches into it."""
    start, end = span
    for cue, stop in denials:
        if start <= cue[0] < end and not _stands(text[max(stop, cue[1]) : end]):
            return cue
    for cue, stop in denials:
        if cue[1] <= start < stop:
            return cue
    found = lexis.NEGATIVE.search(text, start, end)
    return found.span() if found else None


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
        cue = _Part(case_text[slice(*unit.cue)], at, unit, changed=True) if unit.cue in first and unit.cue else None
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
