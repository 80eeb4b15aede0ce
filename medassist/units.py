"""A case cut into units, one clinical finding each, and the case without some of them.

A value stays with its name, a duration, a side and a cue of negation with their finding. Where one cue denies a list,
every item is a unit that remembers the cue: to take out “denies fever” must not turn the chills after it into a
complaint. Nothing is cut inside a Chinese word.
"""

import heapq
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

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


def _units_in(case_text: str, sentence: Sentence) -> Iterator[Unit]:
    text, base = sentence.text, sentence.start
    denials = [((cue[0] - base, cue[1] - base), end - base) for cue, end in sentence.denials()]
    spans, listed = _pieces(text, _cuts(text, [cue for cue, _ in denials]))
    if sentence.field != "patient":
        _join_dependent(text, spans, listed)
    if sentence.field != "family_history":
        _join_others(sentence, spans, listed, [cue for cue, _ in denials])
    cues = [_cue(text, span, denials) for span in spans]
    for i in reversed(range(len(spans) - 1)):  # 压痛、反跳痛均阴性: the last item denies those before it
        after = cues[i + 1]
        if cues[i] is None and listed[i] and after and after[0] > spans[i][1]:
            absent = sentence.status(spans[i][0] + base, spans[i][1] + base) is Status.ABSENT
            cues[i] = after if absent else None
    for (start, end), cue in zip(spans, cues, strict=True):
        start, end = start + base, end + base
        place = (cue[0] + base, cue[1] + base) if cue else None
        yield Unit(case_text[start:end], start, end, sentence.field, cue is not None, place)


def _cuts(text: str, cues: list[Span]) -> list[tuple[int, int, bool]]:
    """Where the sentence may be cut, and whether the cut joins items of a list."""
    cuts = [(*found.span(), found.group() == "、") for found in _BREAK.finditer(text)]
    cuts += [(*found.span(), True) for found in _VITAL.finditer(text)]
    starts = {cue[0] for cue in cues}
    for found in _CONNECTIVE.finditer(text):
        before, word = text[: found.start()].rstrip(), found.group().lower()
        if found.start() in starts or (word in ("and", "or") and _GOVERNED.search(before)):
            continue
        if word != "with" or not _WITH.search(before):
            cuts.append((*found.span(), True))
    for start, _ in cues:
        cue, before = text[start:].lower(), text[:start].rstrip()
        if cue.startswith(("without", "w/o")):
            cut = not _IS.search(before)
        else:
            cut = bool(_CUT_AT.match(cue)) and not _LEANS.search(before)
        if cut:
            cuts.append((start, start, True))
    cuts += _chinese_cuts(text, starts)
    whole = [span.span() for pattern in (_BRACKETED, _WHOLE) for span in pattern.finditer(text)]
    return sorted(cut for cut in set(cuts) if not any(start < cut[1] and cut[0] < end for start, end in whole))


def _chinese_cuts(text: str, cues: set[int]) -> Iterator[tuple[int, int, bool]]:
    if not _HAN.search(text):
        return
    before = ""
    for word, start, end in _jieba().tokenize(text):
        if word in _JOINS_ZH and start not in cues:
            yield start, end, True
        elif (start in cues and (before in _FINDINGS_ZH or _STATED_ZH.search(text, 0, start))) or (
            before in _FINDINGS_ZH and word in _FINDINGS_ZH
        ):
            yield start, start, True
        before = word


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
        elif listed:
            listed[-1] |= in_list
        at = end
    return spans, listed


_EDGE = set(" \t\r\n,.;:!?|/\\~*_，。；：、！？…·•“”‘’「」—–\"'`") | set("\u3000\u2028\u2029\xa0\x85\v\f")
_PAIRS = {"(": ")", "（": "）", "[": "]", "【": "】", "{": "}", "《": "》", "<": ">"}
_CLOSES = {close: opening for opening, close in _PAIRS.items() if close != ">"}


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """The span without the spaces, punctuation and single brackets at its ends; None where nothing is said in it."""
    while start < end and (
        (text[start] in _EDGE or text[start].isspace() or text[start] in _CLOSES)
        or (text[start] in "([{（【《" and _PAIRS[text[start]] not in text[start:end])
        or (text[start] == "-" and not text[start + 1 : start + 2].isdigit())
    ):
        if text[start] in "?？" and text[start + 1 : end][:1].isalnum():  # ?sinusitis
            break
        start += 1
    while start < end and (
        (text[end - 1] in _EDGE or text[end - 1].isspace() or text[end - 1] in "([{（【《")
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
        opens = i == 0 or bool(_AGO.search(piece)) or (listed[i] and _names(piece))
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
        return not _BARE_ZH.fullmatch(_NO_WORD.sub("", piece))
    words = [word.strip("'’-/").lower() for word in _WORD.findall(piece)]
    measured = any(map(str.isdigit, piece)) and any(word in _MEASURES for word in words)
    return measured or any(word not in _BARE for word in words if word)


def _names(piece: str) -> bool:
    """Whether the piece names a site or a measure, of which more may be said behind it."""
    return bool(_NAMES_ZH.search(piece)) or any(word.lower() in _SITES | _MEASURES for word in _WORD.findall(piece))


def _cue(text: str, span: Span, denials: list[tuple[Span, int]]) -> Span | None:
    """The negation that the piece stands under: its own before one that reaches into it."""
    start, end = span
    for cue, stop in denials:
        if start <= cue[0] < end and not _stands(text[max(stop, cue[1]) : end]):
            return cue
    for cue, stop in denials:
        if cue[1] <= start < stop:
            return cue
    found = _NEGATIVE.search(text, start, end)
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
    heap = [
        (*_distance(case_text, a, b), i, i + 1, a, b) for i, (a, b) in enumerate(zip(found, found[1:], strict=False))
    ]
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
    for part, following in zip(parts, parts[1:], strict=False):
        text += part.text + _between(part, following, gaps, alternatives)
    return (text + parts[-1].text + _closing(gaps[parts[-1].at + 1 :])).strip()


def _parts(case_text: str, all_units: Sequence[Unit], kept: Sequence[bool], replacing: bool) -> Iterator[_Part]:
    needed = {}
    for unit, keep in zip(all_units, kept, strict=True):
        if keep and unit.cue and not unit.start <= unit.cue[0] < unit.end:
            needed[unit.cue] = unit.start
    for at, (unit, keep) in enumerate(zip(all_units, kept, strict=True)):
        if keep:
            yield _Part(unit.text, at, unit)
            continue
        neutral = _Part(_NEUTRAL_ZH if _HAN.search(unit.text) else _NEUTRAL, at, unit, changed=True)
        cues = sorted(cue for cue in needed if unit.start <= cue[0] < unit.end)
        leading = [_Part(case_text[slice(*cue)], at, unit, "after", True) for cue in cues if cue[0] < needed[cue]]
        closing = [_Part(case_text[slice(*cue)], at, unit, "before", True) for cue in cues if cue[0] > needed[cue]]
        yield from [*leading, *([neutral] if replacing else []), *closing]


def _alternatives(case_text: str, all_units: Sequence[Unit], kept: Sequence[bool]) -> set[int]:
    """The last kept items of English lists that lost one: “or” is what holds such a list together."""
    last: dict[Span, int] = {}
    joined: set[Span] = set()
    cut: set[Span] = set()
    for at, (unit, keep) in enumerate(zip(all_units, kept, strict=True)):
        if not unit.cue:
            continue
        if at and all_units[at - 1].cue == unit.cue and _OR.search(_gap(case_text, all_units[at - 1], unit)):
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
    whole = next((gap for gap in lost if _STOP.search(gap)), "")
    touched = len(lost) > 1 or a.changed or b.changed
    if whole or not touched:
        return whole or lost[0]
    if a.unit.negated and not b.unit.negated:
        turn = [gap for gap in lost if _TURN.search(gap)]
        return turn[0] if turn else "；" if _HAN.search(a.text[-1] + b.text[0]) else "; "
    if a.unit.cue == b.unit.cue and b.at in alternatives:
        return " or "
    return next((gap for gap in reversed(lost) if gap.strip()), lost[-1]) or _space(a.text[-1], b.text[0])


def _space(before: str, after: str) -> str:
    return "" if _HAN.search(before) and _HAN.search(after) else " "


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


# --- Words.

_NEUTRAL, _NEUTRAL_ZH = "unrecorded", "未记录"  # “not recorded” would deny what follows it
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\d_]+(?:['’/-][^\W\d_]+)*")
_NO_WORD = re.compile(r"[^\w%‰℃]|_")
_STOP = re.compile(r"[.。;；!！?？\n]")
_TURN = re.compile(r"\b(?:but|however|although|though|while|whereas|yet|except)\b|但|而", re.IGNORECASE)
_OR = re.compile(r"\bn?or\b", re.IGNORECASE)
_BRACKET = re.compile(r"[()（）\[\]【】{}《》“”‘’「」\"]")
_BRACKETED = re.compile(r"[(（\[【][^()（）\[\]【】\n]{0,40}[)）\]】]")

_BREAK = re.compile(
    r",(?!(?<=\d,)\d)|[，;；•·…。]|、(?!(?<=\d、)\d)|\s[-–—]+\s|—+|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])"
)
_VITAL = re.compile(
    r"(?<=[\w%％℃°])\s+(?=(?:BP|HR|RR|PR|SpO2|SaO2|[Ss]ats?|[Tt]emp\w*|[Pp]ulse|[Rr]esp\w*|T|P|R)\b[ :：]{0,2}\d)"
    r"|(?<=[\d℃%％分gG])\s*(?=(?:体温|脉搏|呼吸|血压|心率|血氧)[\u4e00-\u9fff]{0,3}\s?[:：]?\s?\d)"
)
_CONNECTIVE = re.compile(
    r"(?<![\w/'’-])(?:and|or|but|with|plus|because of|as well as|along with|together with|in addition to|accompanied by"
    r"|associated with|followed by|although|though|whereas|while|however|yet)(?![\w/'’-])",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"\b(?:on and off|off and on|comes? and goes?|came and went|up and down|now and (?:then|again)|back and forth|pins and needles"
    r"|(?:head|neck|hand|foot),? (?:neck|foot)? ?(?:and|&) (?:neck|mouth|throat)|ears?, nose,? and throat|signs (?:and|or) symptoms"
    r"|rate and rhythm|more and more|worse and worse|time and (?:place|again)|light and accommodation|with or without|whether or not"
    r"|more or less|once or twice|one and a half|(?:two|three|four) and a half|food (?:and|or) drink|alert and ori[e]nted"
    r"|incision and drainage|dilation and curettage|black and blue|rise and fall|friends and family|day and night)\b",
    re.IGNORECASE,
)
"""Words of which none makes sense alone."""
_GOVERNED = re.compile(
    r"\b(?:both|between|either|whether)\b[^,;]*$|\b(?:difficulty|trouble|problems|pain(?:ful)? (?:on|when|with)) (?:in )?\w+ing$",
    re.IGNORECASE,
)
"""What lies before “and” where that joins two objects of one word."""
_WITH = re.compile(
    r"\b(?:consistent|compatible|treated|diagnosed|managed|li(?:ves|ved|ving)|contact|worse(?:ns|ned|ning)?|improve[sd]?|improving|better|filled"
    r"|covered|relie[vf]\w*|aggravated|exacerbated|eased?|increas\w+|decreas\w+|correlat\w+|interfer\w+|cop(?:e|ing)|down|up|familiar|started|helped"
    r"|comp?lian\w+|deal\w*|associated|along|together|infected|sex|intercourse|begins?|began|resolve[sd]?|patients?)$",
    re.IGNORECASE,
)
_CUT_AT = re.compile(r"(?:no|nor|neither|nil|free of|neg(?:ative)?\.? for)\b")
_IS = re.compile(r"\b(?:is|are|was|were|be|been|with|or|and)$", re.IGNORECASE)
_LEANS = re.compile(
    r"\b(?:is|are|was|were|ha[sd]|have|been?|of|in|on|at|to|with|and|or|but|found|felt|there|that|which|show\w*|reveal\w*|\w+(?:ed|ing|tes|nts|ws|ses))$|:$",
    re.IGNORECASE,
)
"""A verb or preposition, which what is denied completes: “CT showed | no bleed” is one unit."""
_AGO = re.compile(r"\bago\b|[前起来]\W*$", re.IGNORECASE)
_NEGATIVE = re.compile(
    r"[(（]\s*(?:[-－–—−]|neg(?:ative)?|阴性)\s*[)）]|阴性|[−－](?=\W|$)|\b(?:none|nil|nkda)\b|(?<![-\w])(?:negative|neg|absent)(?=\W*$)",
    re.IGNORECASE,
)

_SITES = frozenset(
    [
        "abdomen",
        "abdominal",
        "ankle",
        "ankles",
        "arm",
        "arms",
        "axilla",
        "axillae",
        "back",
        "breast",
        "breasts",
        "buttock",
        "buttocks",
        "calf",
        "calves",
        "cheek",
        "cheeks",
        "chest",
        "chin",
        "ear",
        "ears",
        "elbow",
        "elbows",
        "extremity",
        "extremities",
        "eye",
        "eyes",
        "eyelid",
        "eyelids",
        "face",
        "facial",
        "fingers",
        "flank",
        "flanks",
        "foot",
        "forearm",
        "forearms",
        "forehead",
        "groin",
        "groins",
        "hand",
        "hands",
        "head",
        "heart",
        "heels",
        "hip",
        "hips",
        "jaw",
        "kidneys",
        "knee",
        "knees",
        "leg",
        "legs",
        "limb",
        "limbs",
        "lip",
        "lips",
        "liver",
        "loin",
        "lung",
        "lungs",
        "mouth",
        "neck",
        "nose",
        "palm",
        "palms",
        "pelvis",
        "scalp",
        "shin",
        "shins",
        "shoulder",
        "shoulders",
        "skin",
        "sole",
        "soles",
        "spleen",
        "stomach",
        "testis",
        "thigh",
        "thighs",
        "throat",
        "thumb",
        "toe",
        "toes",
        "tongue",
        "torso",
        "trunk",
        "wrist",
        "wrists",
        "scapula",
        "spine",
        "nodes",
        "genitals",
        "epigastrium",
        "fossa",
        "quadrant",
        "region",
        "area",
        "areas",
        "body",
        "joints",
        "ruq",
        "luq",
        "rlq",
        "llq",
        "rif",
        "lif",
        "anterior",
        "posterior",
        "lateral",
        "medial",
        "proximal",
        "distal",
        "dorsal",
        "ventral",
        "upper",
        "lower",
        "inner",
        "outer",
        "extensor",
        "flexor",
        "surface",
        "surfaces",
    ]
)
_MEASURES = frozenset(
    [
        "alb",
        "albumin",
        "alp",
        "alt",
        "amylase",
        "aptt",
        "ast",
        "bilirubin",
        "bmi",
        "bp",
        "bun",
        "ca",
        "calcium",
        "ck",
        "cl",
        "cr",
        "creatinine",
        "crp",
        "cxr",
        "d-dimer",
        "ecg",
        "egfr",
        "ekg",
        "esr",
        "ferritin",
        "gcs",
        "ggt",
        "glucose",
        "haemoglobin",
        "hb",
        "hba1c",
        "hct",
        "height",
        "hemoglobin",
        "hr",
        "inr",
        "k",
        "lactate",
        "ldh",
        "lipase",
        "magnesium",
        "mcv",
        "mg",
        "na",
        "neutrophils",
        "o",
        "pco",
        "platelets",
        "plt",
        "po",
        "potassium",
        "pr",
        "procalcitonin",
        "pulse",
        "rbc",
        "respirations",
        "respiratory",
        "rr",
        "sats",
        "saturation",
        "sodium",
        "spo",
        "t",
        "temp",
        "temperature",
        "troponin",
        "tsh",
        "urea",
        "wbc",
        "wcc",
        "weight",
        "age",
        "ph",
        "heart",
        "rate",
        "blood",
        "pressure",
        "labs",
        "vitals",
        "bloods",
        "appetite",
        "energy",
        "sleep",
        "smell",
        "taste",
        "vision",
        "hearing",
        "speech",
        "gait",
        "mood",
        "sensation",
        "power",
        "tone",
        "reflexes",
        "lymphocytes",
        "eosinophils",
        "aspartate",
        "alanine",
        "aminotransferase",
        "transaminase",
        "alkaline",
        "phosphatase",
    ]
)
_BARE = (
    _SITES
    | _MEASURES
    | frozenset(
        [
            "a",
            "about",
            "above",
            "acutely",
            "after",
            "again",
            "age",
            "aged",
            "ago",
            "all",
            "also",
            "am",
            "an",
            "and",
            "any",
            "approximately",
            "are",
            "around",
            "as",
            "associated",
            "at",
            "be",
            "been",
            "before",
            "began",
            "beginning",
            "being",
            "below",
            "both",
            "but",
            "by",
            "cc",
            "chronic",
            "complained",
            "complaining",
            "complains",
            "constant",
            "constantly",
            "current",
            "currently",
            "daily",
            "day",
            "days",
            "den",
            "denied",
            "denies",
            "did",
            "do",
            "does",
            "during",
            "each",
            "early",
            "every",
            "exam",
            "examination",
            "few",
            "first",
            "for",
            "former",
            "found",
            "from",
            "gradual",
            "gradually",
            "ha",
            "had",
            "has",
            "have",
            "he",
            "her",
            "his",
            "history",
            "hour",
            "hours",
            "hourly",
            "i",
            "in",
            "initially",
            "intermittent",
            "intermittently",
            "into",
            "is",
            "it",
            "its",
            "large",
            "last",
            "lasted",
            "lasting",
            "lasts",
            "late",
            "later",
            "left",
            "left-sided",
            "lots",
            "low",
            "mainly",
            "man's",
            "many",
            "mild",
            "mildly",
            "min",
            "mins",
            "minute",
            "minutes",
            "moderate",
            "moderately",
            "month",
            "months",
            "morning",
            "mostly",
            "mr",
            "mrs",
            "ms",
            "multiple",
            "my",
            "new",
            "night",
            "no",
            "noon",
            "nor",
            "not",
            "now",
            "occasional",
            "occasionally",
            "of",
            "off",
            "often",
            "old",
            "on",
            "once",
            "onset",
            "one",
            "or",
            "other",
            "our",
            "over",
            "overnight",
            "past",
            "patient",
            "patient's",
            "per",
            "persistent",
            "physical",
            "present",
            "presented",
            "presenting",
            "presents",
            "previous",
            "previously",
            "progressive",
            "progressively",
            "pt",
            "reported",
            "reporting",
            "reports",
            "recent",
            "recently",
            "right",
            "right-sided",
            "said",
            "same",
            "scattered",
            "says",
            "severe",
            "severely",
            "several",
            "she",
            "shown",
            "showed",
            "shows",
            "since",
            "slight",
            "slightly",
            "small",
            "so",
            "some",
            "sometimes",
            "started",
            "starting",
            "states",
            "sudden",
            "suddenly",
            "that",
            "the",
            "their",
            "then",
            "there",
            "these",
            "they",
            "this",
            "those",
            "three",
            "throughout",
            "time",
            "times",
            "to",
            "today",
            "together",
            "tonight",
            "towards",
            "twice",
            "two",
            "under",
            "until",
            "up",
            "usually",
            "very",
            "was",
            "week",
            "weeks",
            "weekly",
            "well-demarcated",
            "were",
            "when",
            "which",
            "who",
            "whole",
            "wide",
            "with",
            "without",
            "w/o",
            "year",
            "years",
            "yesterday",
            "yr",
            "yrs",
            "bilateral",
            "bilaterally",
            "unilateral",
            "both-sided",
            "sided",
            "side",
            "sides",
            "diffuse",
            "diffusely",
            "focal",
            "local",
            "mm",
            "cm",
            "kg",
            "lb",
            "mmhg",
            "bpm",
            "kpa",
            "mmol",
            "dl",
            "ml",
            "l",
            "umol",
            "u",
            "iu",
            "ng",
            "pg",
            "fl",
            "msec",
            "f",
            "c",
            "min/day",
            "evening",
            "afternoon",
            "exertion",
            "exercise",
            "food",
            "meals",
            "eating",
            "movement",
            "moving",
            "rest",
            "walking",
            "inspiration",
            "breathing",
            "standing",
            "lying",
            "coughing",
            "sitting",
            "swallowing-related",
            "round",
            "oval",
            "red",
            "pink",
            "brown",
            "white",
            "yellow-ish",
            "dark",
            "light-brown",
            "purple",
            "soft-edged",
            "greyish",
            "oval-shaped",
            "dome-shaped",
            "circular",
            "tender-free",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "half",
            "dozen",
            "monday",
            "tuesday",
            "wednesday",
            "thursday",
            "friday",
            "saturday",
            "sunday",
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
            "spring",
            "summer",
            "autumn",
            "winter",
            "however",
            "although",
            "though",
            "therefore",
            "addition",
            "notable",
            "remarkable",
            "revealed",
            "reveals",
            "demonstrates",
            "demonstrated",
            "noted",
            "noticed",
            "positive-for",
            "visible",
            "seen",
            "worse",
            "worsening",
            "worst",
            "worsens",
            "increasing",
            "better",
            "improved",
            "improving",
            "despite",
        ]
    )
)
"""Words that say nothing by themselves: sites, measures without a value, times, sides, degrees, and what links them."""

_SITE_ZH = (
    r"[上下中内外前后左右双两全患各]*(?:头颅|头皮|头|颜面|面|颈|项|胸骨|胸壁|胸廓|胸|腹股沟|腹壁|腹|腰|背|臀|骶|髋|膝|踝|足背|足|脚|手掌|手背|手|腕|肘|肩胛|肩"
    r"|臂|上肢|下肢|四肢|肢体|肢|大腿|小腿|腿|指|趾|躯干|会阴|阴囊|睾丸|肛门|肛周|直肠|盆腔|子宫|附件|眼睑|眼|巩膜|结膜|瞳孔|角膜|耳|鼻|口腔|口唇|唇|舌|牙龈|牙|咽|喉|扁桃体"
    r"|甲状腺|乳房|乳腺|乳头|乳|腋窝|淋巴结|皮肤|黏膜|粘膜|肝|胆囊|胆|脾|胰腺|胰|胃|肠|肾|膀胱|输尿管|尿道|前列腺|心脏|心界|心|肺底|肺野|肺|气管|脊柱|脊椎|椎体|颈椎|腰椎"
    r"|胸椎|关节|肌肉|骨盆|锁骨上|锁骨|肋下|肋缘|剑突下|脐周|脐|耻骨上|季肋|象限|瓣膜|听诊|浅表)(?:部位|部|区域|区|上方|下方|上|下|内侧|外侧|侧|处|缘|骨|窝|壁|面|根|尖)*"
)
_LAB_ZH = (
    r"血常规|尿常规|便常规|大便常规|肝功能?|肾功能?|肝肾功能?|电解质|凝血功能|凝血|血糖|血脂|血压|体温|脉搏|呼吸|心率|体重|身高|血沉|生化|心电图|胸片|精神|食欲|食纳|胃纳|睡眠|饮食|体力"
    r"|神志|神清|大小便|二便|大便|小便|意识|肌力|肌张力|感觉|反射|白细胞|红细胞|血红蛋白|血小板|中性粒细胞|肌酐|尿素氮|转氨酶|胆红素|WBC|RBC|Hb|PLT|CRP|ESR|PCT|ALT|AST|TBil|Cr|BUN|CK|LDH"
)
_TIME_ZH = (
    r"(?:约|近|已|于|自|持续|长达|超过)*(?:[\d.一二两三四五六七八九十数几半多余]+(?:余|多|来)?个?半?(?:分钟|小时|钟头|天|日|周|星期|月|年|h|d|min)[余多半]*|昨[天日晚夜]|今[天日晨早晚年]|前[天日晚]"
    r"|去年|当[天日晚]|次日|近来|近期|最近|平时|夜间|晨起|清晨|早上|下午|晚上|午后|凌晨|入院|起病|发病|病程|病后|术后|产后|餐后|饭后|活动|劳累|休息|运动|进食|平卧|卧位)(?:前|来|后|内|左右|时|起|开始|以来|之前|之后|余|许|中)*"
)
_LINK_ZH = (
    r"病人|患者|患儿|本人|其|该|于|在|为|是|的|有|呈|处|个|位于|以|较|稍|略|尤|尤其|明显|显著|为主|为著|为甚|更|加重|减轻|缓解|好转|轻度|中度|重度|轻|重|持续性?|间断性?|间歇性?|阵发性?"
    r"|反复|渐进?性?|逐渐|进行性|突然|突发|无明显诱因|无诱因|出现|发现|可见|查体|体检|体格检查|检查|示|提示|显示|左侧|右侧|双侧|单侧|两侧|对侧|同侧|左|右|双|两|侧|偶尔|偶|时有|经常|每[天日晚周月次]|开始|约|大小|次|度|级"
    r"|\d+|[%‰℃]|/|mmHg|mg|kg|cm|mm|ml|mL|L|g"
)
_CUE_ZH = r"否认|未见|未闻及?|未触及|未及|未扪及|没有|无"
_BARE_ZH = re.compile(rf"(?:{_CUE_ZH})?(?:{_TIME_ZH}|{_LAB_ZH}|{_SITE_ZH}|{_LINK_ZH})+")
_NAMES_ZH = re.compile(rf"{_LAB_ZH}|{_SITE_ZH}")

_JOINS_ZH = frozenset(
    [
        "伴",
        "伴有",
        "伴随",
        "并伴",
        "并伴有",
        "并",
        "并有",
        "并且",
        "及",
        "以及",
        "和",
        "或",
        "或者",
        "且",
        "但",
        "但是",
        "兼",
        "兼有",
        "同时",
        "另外",
    ]
)
_STATED_ZH = re.compile(
    r"(?:软|清|清晰|齐|佳|可|正常|对称|平坦|存在|清楚|良好|[\d一二两三四五六七八九十半余]个?[天日周月年]|小时)$"
)
"""A statement that is whole, so that a denial behind it is a new one."""
_FINDINGS_ZH = frozenset(
    [
        "发热",
        "发烧",
        "低热",
        "高热",
        "畏寒",
        "寒战",
        "盗汗",
        "乏力",
        "消瘦",
        "纳差",
        "咳嗽",
        "咳痰",
        "咯血",
        "胸痛",
        "胸闷",
        "气促",
        "气短",
        "气喘",
        "喘息",
        "喘憋",
        "憋气",
        "呼吸困难",
        "心慌",
        "心悸",
        "头痛",
        "头晕",
        "眩晕",
        "晕厥",
        "黑矇",
        "恶心",
        "呕吐",
        "干呕",
        "腹痛",
        "腹胀",
        "腹泻",
        "便秘",
        "便血",
        "黑便",
        "呕血",
        "反酸",
        "嗳气",
        "烧心",
        "黄疸",
        "黄染",
        "水肿",
        "浮肿",
        "皮疹",
        "瘙痒",
        "紫癜",
        "瘀斑",
        "出血",
        "鼻衄",
        "鼻塞",
        "流涕",
        "咽痛",
        "声嘶",
        "耳鸣",
        "耳痛",
        "听力下降",
        "视物模糊",
        "复视",
        "抽搐",
        "麻木",
        "无力",
        "偏瘫",
        "失语",
        "尿频",
        "尿急",
        "尿痛",
        "血尿",
        "少尿",
        "无尿",
        "腰痛",
        "关节痛",
        "肌痛",
        "压痛",
        "反跳痛",
        "肌紧张",
        "叩痛",
        "叩击痛",
        "触痛",
        "里急后重",
        "脓血便",
        "黏液便",
        "大汗",
        "出汗",
        "冷汗",
        "面色苍白",
        "苍白",
        "发绀",
        "紫绀",
        "意识障碍",
        "嗜睡",
        "烦躁",
        "失眠",
        "多饮",
        "多尿",
        "多食",
        "脱发",
        "口干",
        "口渴",
        "流脓",
        "肿痛",
        "红肿",
        "干湿啰音",
        "干啰音",
        "湿啰音",
        "哮鸣音",
        "杂音",
        "胸膜摩擦音",
        "心包摩擦音",
        "乳头溢液",
        "体重下降",
        "吞咽困难",
        "背痛",
        "牙痛",
        "肩痛",
        "晕倒",
        "疼痛",
        "肿胀",
        "畏光",
        "流泪",
        "打喷嚏",
        "早醒",
        "情绪低落",
        "月经紊乱",
        "停经",
        "白带",
        "高血压",
        "糖尿病",
        "冠心病",
        "肝炎",
        "乙肝",
        "结核",
        "心脏病",
    ]
)
_KEPT_WHOLE_ZH = [
    "触及",
    "扪及",
    "闻及",
    "探及",
    "叩及",
    "未及",
    "累及",
    "波及",
    "可及",
    "肋下未及",
    "血氧饱和度",
    "饱和度",
    "氧饱和度",
    "转铁蛋白饱和度",
    "共济失调",
    "并发症",
    "合并症",
    "伴行",
    "以及",
    "无明显诱因",
    "里急后重",
    "有无",
    "干湿啰音",
    "巴氏征",
    "腹股沟",
    "淋巴结",
]


@cache
def _jieba() -> Any:
    """Chinese words as jieba has them, and those of the clinic; its dictionary is read when first needed."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    words = jieba.Tokenizer()
    for word in (*_FINDINGS_ZH, *_KEPT_WHOLE_ZH, *diagnoses("zh"), *tests("zh")):
        words.add_word(word, freq=100_000)
    return words
