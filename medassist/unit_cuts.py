"""A sentence cut into clinical findings: at commas, connectives and negations, where both sides say something.

What says nothing by itself (a duration, a side, a value, a site) stays with its finding. Chinese is cut between words.
"""

import logging
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache
from typing import Any

from medassist import unit_words as lexis
from medassist.findings import Sentence, Status
from medassist.vocabulary import diagnoses, tests

Span = tuple[int, int]
Denial = tuple[Span, int]  # a cue, and where what it denies ends
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\d_]+(?:['’/-][^\W\d_]+)*")
_NO_WORD = re.compile(r"[^\w%‰℃]|_")
_BRACKETED = re.compile(r"[(（\[【][^()（）\[\]【】\n]{0,40}[)）\]】]")


def findings_in(sentence: Sentence) -> list[tuple[Span, Span | None]]:
    """The findings of a sentence in order, each with the cue that denies it, as places in the whole text."""
    text, base = sentence.text, sentence.start
    denials = [_reach(text, (cue[0] - base, cue[1] - base), end - base) for cue, end in sentence.denials()]
    spans, listed = _pieces(text, _cuts(text, [cue for cue, _ in denials]))
    if sentence.field != "patient":
        _join_dependent(text, spans, listed)
        _join_subjects(text, spans, listed, denials)
    if sentence.field != "family_history":
        _join_others(sentence, spans, listed, [cue for cue, _ in denials])
    cues = [_cue(text, span, denials) for span in spans]
    for i in reversed(range(len(spans) - 1)):  # 压痛、反跳痛均阴性: the last item denies those before it
        after = cues[i + 1]
        if cues[i] is None and listed[i] and after and not _stands(text[after[1] : spans[i + 1][1]]):
            absent = sentence.status(spans[i][0] + base, spans[i][1] + base) is Status.ABSENT
            cues[i] = after if absent else None
    return [
        ((start + base, end + base), (cue[0] + base, cue[1] + base) if cue else None)
        for (start, end), cue in zip(spans, cues, strict=True)
    ]


def _cuts(text: str, cues: list[Span]) -> list[tuple[int, int, bool]]:
    """Where the sentence may be cut, and whether the cut joins items of a list."""
    cuts = [(*found.span(), found.group() == "、") for found in lexis.BREAK.finditer(text)]
    cuts += [(*found.span(), True) for found in lexis.VITAL.finditer(text)]
    starts = {cue[0] for cue in cues}
    for found in lexis.CONNECTIVE.finditer(text):
        before, word = _before(text, found.start()), found.group().lower()
        if word in ("and", "or") and lexis.GOVERNED.search(before):
            continue
        if word != "with" or not lexis.WITH.search(before):
            cuts.append((*found.span(), True))
    for start, _ in cues:
        cue, before = text[start : start + 20].lower(), _before(text, start)
        if cue.startswith(("without", "w/o")):
            nested = any(end <= start and not lexis.BREAK.search(text, end, start) for _, end in cues)
            cut = not nested and not lexis.IS.search(before)  # “never active without …” is no list
        else:
            cut = bool(lexis.CUT_AT.match(cue)) and not lexis.LEANS.search(before)
        if cut:
            cuts.append((start, start, True))
    cuts += _chinese_cuts(text, starts)
    taken = bytearray(len(text) + 1)  # what must stay whole
    whole = (found.span() for pattern in (_BRACKETED, lexis.WHOLE) for found in pattern.finditer(text))
    for start, end in [*cues, *whole]:
        taken[start:end] = b"x" * (end - start)
    return sorted(
        (start, end, in_list)
        for start, end, in_list in set(cuts)
        if not (any(taken[start:end]) if start < end else start and taken[start - 1] and taken[start])
    )


def _before(text: str, place: int) -> str:
    return text[max(0, place - 80) : place].rstrip()


def _chinese_cuts(text: str, cues: set[int]) -> Iterator[tuple[int, int, bool]]:
    if not _HAN.search(text):
        return
    before = ""
    for word, start, end in _jieba().tokenize(text, HMM=False):
        known = before in lexis.FINDINGS_ZH
        if word in lexis.JOINS_ZH:
            yield start, end, True
        elif (known and word in lexis.FINDINGS_ZH) or (
            start in cues and (known or lexis.STATED_ZH.search(_before(text, start)))
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


def _join_subjects(text: str, spans: list[Span], listed: list[bool], denials: list[Denial]) -> None:
    """Keep the subjects of one predicate together: “ANA, C3 and C4 were normal”, CEA、CA125均正常."""
    joined = False
    for i in reversed(range(len(spans) - 1)):
        subject = text[slice(*spans[i])]
        bare = len(subject.split()) <= 2 and not any(said.search(subject) for said in (lexis.VERB, lexis.SHARED))
        bare = bare and not _cue(text, spans[i], denials)
        shared = bool(lexis.SHARED.search(text[slice(*spans[i + 1])])) and (listed[i] or joined)
        named = bool(lexis.RESULT.search(text[slice(*spans[i + 1])])) and (
            not _stands(subject) or bool(lexis.ACRONYM.fullmatch(subject))
        )
        joined = bare and (shared or named)
        if joined:
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
    words = [word.replace("’", "'").lower() for word in _WORD.findall(piece)]
    measured = any(map(str.isdigit, piece)) and any(word in lexis.MEASURES for word in words)
    return measured or any(word not in lexis.BARE for word in words if word)


def _names(piece: str) -> bool:
    """Whether the piece names a site or a measure, of which more may be said behind it."""
    return bool(lexis.NAMES_ZH.search(piece)) or any(word.lower() in lexis.NAMES for word in _WORD.findall(piece))


def _reach(text: str, cue: Span, stop: int) -> Denial:
    """The cue and where its list ends: “not palpable, …” is no list, “denies travel, and antibiotics” still is one."""
    word = text[slice(*cue)].lower()
    comma = text.find(",", cue[1], stop)
    if comma > 0 and word.endswith(("not", "n't", "n’t")) and not lexis.OR.search(text, comma, stop):
        return cue, comma
    last = lexis.LAST_ITEM.match(text, stop) if word.startswith(("den", "neg")) else None
    return cue, last.end() if last else stop


def _cue(text: str, span: Span, denials: list[Denial]) -> Span | None:
    """The negation that the piece stands under: its own before one that reaches into it."""
    start, end = span
    first, last = (bisect_left(denials, place, key=lambda denial: denial[0][0]) for place in span)
    for cue, stop in denials[first:last]:
        if not _stands(text[max(stop, cue[1]) : end]):
            return cue
    for cue, stop in reversed(denials[:first]):
        if cue[1] <= start < stop and (stop + 1 >= end or not _stands(text[stop:end])):
            return cue
    found = lexis.NEGATIVE.search(text, start, end)
    return found.span() if found else None
