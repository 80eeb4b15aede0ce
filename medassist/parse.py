"""Read an answer while it is written: text deltas → events → `Differential`.

An answer is read line by line, so what it says does not depend on how its text was cut into deltas. Both
languages' words are always known: a model may answer in the other one.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from medassist.differential import Diagnosis, Differential, Evidence
from medassist.errors import Language, ParseError
from medassist.events import DiagnosisAdded, DiagnosisChanged, FinalDiagnosis, ParseEvent, Reasoning, Section

MAX_NAME = 120
"""Longest name of a diagnosis, in characters; a longer one is a sentence."""

Part = Literal["process", "initial", "key_examinations", "diagnostic_evidence", "final", "patient", "other"]
Mark = Literal["", "#", "-", "1"]  # none, heading, bullet, number
Bucket = Literal["for", "against", "next", "skip"]


# --- What ends a piece of text: a line, the reasoning, or the model's turn.

_OPEN, _CLOSE = "<think>", "</think>"
_TURN_ENDS = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|begin_of_text|>"),
    *("<|start_header_id|>", "<|end_header_id|>", "<｜User｜>", "<｜Assistant｜>"),
    *("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
)
_TAGS = (_OPEN, _CLOSE, *_TURN_ENDS)
_LONGEST_TAG = max(map(len, _TAGS))
_BREAK = re.compile("|".join(map(re.escape, _TAGS)) + r"|\n")
_NEXT_TURN = re.compile(r"(?:user|human|patient|assistant|question|患者|病人|用户|问)\s*[:：]", re.IGNORECASE)


# --- Lines and the words that structure them.

_EMPHASIS = re.compile(r"\*\*|__|`|(?<!\S)\*(?=\S)|(?<=\S)\*(?!\S)")
_BOLD = re.compile(r"[\s#>•\-\d.)]*(?:\*\s+)?\*\*")
_MARKS: tuple[tuple[Mark, re.Pattern[str]], ...] = (
    ("#", re.compile(r"#{1,6}\s*")),
    ("-", re.compile(r"(?:[-•·●◦▪‣–]|[*+](?=\s))\s*")),
    ("1", re.compile(r"[(（]?(\d{1,2})(?:[)）、．]|\.(?!\d)|:(?=\s))\s*")),
    ("1", re.compile(r"(?:[①-⑩]|[一二三四五六七八九十]{1,2}[、.．]|[(（][一二三四五六七八九十]{1,2}[)）])\s*")),
    ("1", re.compile(r"(?:(?:step|stage|阶段)\s*(\d)|第[一二三四五\d]步)\s*[:：.、]?\s*", re.IGNORECASE)),
)
_BRACKETED = re.compile(r"[【\[「]\s*(.+?)\s*[】\]」]\s*[:：]?\s*(.*)")
_TITLED = re.compile(r"([^:：]{2,60}?)\s*(?:[:：]|\s[-–—]+\s|—+|$)\s*(.*)")
_PARENTHESIS = re.compile(r"\s*[(（][^()（）]*[)）]")
_FINAL_SENTENCE = re.compile(
    r"(?:therefore,?\s+)?(?:the\s+)?(?:final diagnosis|最终诊断)\s*(?:is|为|是)\s*(.+)", re.IGNORECASE
)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_TITLES: dict[Part, re.Pattern[str]] = {
    "process": _words(r"(?:diagnostic (?:process|reasoning)|诊断(?:过程|思路))"),
    "initial": _words(
        r"(?:(?:initial|preliminary|ranked|top) )*differentials?(?: diagnos[ie]s)?(?: list)?|ddx|possible diagnoses"
        r"|(?:初步)?鉴别(?:诊断)?(?:列表)?|初步诊断(?:与|及|和)鉴别(?:诊断)?|初步诊断|可能的?诊断"
    ),
    "key_examinations": _words(
        r"key (?:diagnostic )?(?:examinations?|exams?|tests?|investigations?|studies)(?: results?)?"
        r"|关键(?:性)?检查(?:项目|结果)?"
    ),
    "diagnostic_evidence": _words(
        r"(?:key )?diagnostic (?:evidence|basis|criteria)|evidence for (?:the )?(?:final )?diagnosis"
        r"|basis (?:of|for) (?:the )?diagnosis|(?:确诊|诊断)(?:依据|证据)"
    ),
    "final": _words(r"(?:final|definitive) diagnos[ie]s|(?:最终|最后)(?:的)?诊断(?:结果)?|确定诊断"),
    "patient": _words(r"patient (?:information|info|case)|(?:患者|病人|病例)(?:信息|资料)"),
}
_WEAK_TITLES: dict[Part, re.Pattern[str]] = {  # stages only when marked as headings: nested, they are labels
    "key_examinations": _words(
        r"(?:recommended|suggested|further|next) (?:tests?|investigations?|examinations?|work-?up|steps?)"
        r"|(?:建议|推荐|进一步|下一步)(?:的)?检查"
    ),
}
_LABEL_END = r"\s*(?:[(（][^()（）]*[)）]\s*)?(?:[:：]|\s[-–—]+(?=\s)|$)\s*(.*)"
_LABELS: dict[Bucket, re.Pattern[str]] = {
    "against": _words(
        r"(?:(?:evidence |points? )?against|not support(?:ing|ed by)|(?:contradict|oppos|conflict)ing|cons"
        r"|反对|不支持|不符合?)(?: (?:evidence|findings?|features?|points?))?(?:点|证据|依据|理由|之处)?" + _LABEL_END
    ),
    "for": _words(
        r"(?:(?:evidence |points? )?for|support(?:s|ing|ed by|ive)?|evidence|pros|in favou?r|rationale|reason(?:s|ing)?|why"
        r"|explanation|diagnostic evidence|支持|符合|依据|理由|分析|(?:诊断|确诊)依据)"
        r"(?: (?:evidence|findings?|features?|points?|factors?))?(?:点|证据|依据|理由|之处)?" + _LABEL_END
    ),
    "next": _words(
        r"(?:next(?: (?:tests?|steps?))?|(?:(?:recommended|suggested|further|confirmatory|key|diagnostic) )?"
        r"(?:tests?|investigations?|examinations?|exams?|work-?up)(?: needed| to order)?"
        r"|(?:建议|推荐|进一步|下一步|关键|需要?)?(?:的)?检查(?:项目)?|下一步)" + _LABEL_END
    ),
    "skip": _words(r"(?:likelihood|probability|confidence|icd(?:-?10)?(?:[ -]code)?|可能性|概率|把握度?)" + _LABEL_END),
}
_LIKELIHOOD = _words(
    r"(?:the )?(?:(?:most|more|less|least|very|highly|moderately|quite|single) )?(?:un)?(?:likely|probable|possible|leading)"
    r"(?: (?:diagnosis|cause))?|(?:very |moderately )?(?:high|moderate|medium|intermediate|low)(?:[ -](?:likelihood|probability|suspicion))?"
    r"|(?:likelihood|probability|confidence)\s*[:：=]?\s*(?:very )?(?:high|moderate|medium|intermediate|low|[~≈]?\d+\s*[%％])"
    r"|[~≈约]?\s*\d+(?:\.\d+)?(?:\s*[-–~～]\s*\d+)?\s*[%％]"
    r"|(?:可能性?|概率)[:：]?(?:最|较|很|相对)?(?:大|高|小|低|中等?)|(?:最|较|很|不太|极)?(?:有)?可能|首先考虑|首选|待排除?|最可能的?诊断"
)
_LIKELIHOOD_END = re.compile(r"[\s,，]*可能性?(?:最|较|很)?(?:大|高|小|低)$")
_CODE = re.compile(r"(?:icd(?:-?10)?\W*)?[A-TV-Z]\d{2}(?:\.\d{1,4})?", re.IGNORECASE)
_QUALIFIER = re.compile(
    r"[A-Za-z0-9α-ω][A-Za-z0-9α-ω/+.&'-]{0,11}(?: [A-Za-z0-9/-]{1,12})?|[\u4e00-\u9fff]{1,5}[型性期级度症病炎癌瘤征]"
)
_NAME_END = re.compile(r"[(（\[][^()（）\[\]]*[)）\]]|[:：]|\s[-–—]+(?=\s|$)|—+|。|(?<=[a-z]{3})\.\s+(?=[A-Z])|\s\|\s")
_NUMBERED_WORD = re.compile(
    r"(?:differential |possible )?(?:diagnosis|dx)\s*#?\d*|(?:鉴别)?(?:诊断|疾病)\s*\d*", re.IGNORECASE
)
_NOTHING = re.compile(r"(?:none|n/?a|nil|无|暂无|没有|未知|unknown)\W*", re.IGNORECASE)
_PROSE = re.compile(
    r"\b(?:is|are|was|has|the|this|these|patient|based|consider|given|here|following|includes?)\b"
    r"|患者|病人|如下|考虑|根据|以下|包括",
    re.IGNORECASE,
)
_EDGES = " \t\r.。,，;；:：、*_-–—"


@dataclass(frozen=True)
class _Line:
    indent: int
    mark: Mark
    number: int  # 0 where the mark shows none
    bold: bool
    text: str  # without marks and emphasis; empty for a blank line, a rule or an empty item

    @classmethod
    def read(cls, raw: str) -> "_Line":
        body = raw.expandtabs(4).strip()
        indent = len(raw.expandtabs(4).rstrip()) - len(body)
        text = _EMPHASIS.sub("", body.lstrip("> ")).strip()
        mark: Mark = ""
        number = 0
        for kind, pattern in _MARKS:
            if found := pattern.match(text):
                text, mark = text[found.end() :], kind
                number = int(found[1]) if found.lastindex else number
        if not any(map(str.isalnum, text)):
            text = ""
        return cls(indent, mark, number, bool(_BOLD.match(body)), text.strip())


def _heading(line: _Line) -> tuple[Part, str] | None:
    """The part of the answer that `line` opens and what follows on the line, or None for content."""
    if found := _FINAL_SENTENCE.fullmatch(line.text):
        return "final", found[1]
    bracketed = _BRACKETED.fullmatch(line.text)
    found = bracketed or _TITLED.fullmatch(line.text)
    if not found:
        return None
    title = _PARENTHESIS.sub("", _Line.read(found[1]).text).strip(_EDGES)
    lexicons = (_TITLES, _WEAK_TITLES) if bracketed or line.mark in ("#", "1") else (_TITLES,)
    for lexicon in lexicons:
        for part, pattern in lexicon.items():
            if pattern.fullmatch(title):
                return part, found[2]
    return ("other", found[2]) if bracketed and not found[2] else None


def _label(text: str) -> tuple[Bucket, str] | None:
    for bucket, pattern in _LABELS.items():
        if found := pattern.fullmatch(text):
            return bucket, found[1]
    return None


def _split_name(text: str) -> tuple[str, str]:
    """The name of a diagnosis and the explanation behind it. The name is "" where there is none."""
    name, explanation, position = "", "", 0
    for found in _NAME_END.finditer(text):
        name, position = name + text[position : found.start()], found.end()
        inner = found.group().strip("()（）[] ")
        if found.group()[0] not in "([（":
            explanation = text[position:]
            break
        if _LIKELIHOOD.fullmatch(inner) or _CODE.fullmatch(inner):
            continue
        if not _QUALIFIER.fullmatch(inner):
            explanation = f"{inner};{text[position:].lstrip(_EDGES)}"
            break
        name += found.group()
    else:
        name += text[position:]
    name = _LIKELIHOOD_END.sub("", " ".join(name.split())).strip(_EDGES)
    if explanation and (_LIKELIHOOD.fullmatch(name) or _NUMBERED_WORD.fullmatch(name)):
        return _split_name(explanation)
    return ("", explanation) if _is_no_name(name) else (name, explanation)


def _is_no_name(name: str) -> bool:
    return bool(
        len(name) > MAX_NAME
        or not any(map(str.isalpha, name))
        or any(pattern.fullmatch(name) for pattern in (_NOTHING, _LIKELIHOOD, _NUMBERED_WORD))
    )


def _key(text: str) -> str:
    return "".join(text.casefold().split())


# --- Where the case says so.


class _CaseText:
    """A case text to find statements in: exactly, or else whatever its case and white space."""

    def __init__(self, text: str) -> None:
        self.text = text
        folded = [(c, i) for i, char in enumerate(text) if not char.isspace() for c in char.casefold()]
        self._squeezed = "".join(c for c, _ in folded)
        self._offsets = [i for _, i in folded]

    def locate(self, text: str) -> Evidence:
        wanted = text.strip()
        for start in _occurrences(wanted, self.text):
            if self._whole_words(start, start + len(wanted)):
                return Evidence(text=text, start=start, end=start + len(wanted))
        squeezed = _key(wanted)
        for at in _occurrences(squeezed, self._squeezed):
            start, end = self._offsets[at], self._offsets[at + len(squeezed) - 1] + 1
            if self._whole_words(start, end):
                return Evidence(text=text, start=start, end=end)
        return Evidence(text=text)

    def _whole_words(self, start: int, end: int) -> bool:
        """Whether neither edge cuts a Latin word or a number: "age" is not said by "dosage"."""
        return not any(
            0 < edge < len(self.text) and _latin(self.text[edge - 1]) and _latin(self.text[edge])
            for edge in (start, end)
        )


def _latin(char: str) -> bool:
    return char.isalnum() and char < "\u2e80"


def _occurrences(wanted: str, text: str) -> list[int]:
    return [found.start() for found in re.finditer(re.escape(wanted), text)] if wanted else []


def locate(text: str, case_text: str) -> Evidence:
    """`text` as evidence with its span in `case_text`: exact, else ignoring case and white space, else None.

    A span indexes `case_text` and never cuts a Latin word or a number.
    """
    return _CaseText(case_text).locate(text)


# --- The ranked list.


@dataclass
class _Draft:
    name: str
    rank: int  # 0: a line that is no diagnosis; what is said under it is dropped
    line: _Line
    said: dict[Bucket, dict[str, Evidence]] = field(default_factory=lambda: {"for": {}, "against": {}, "next": {}})

    def diagnosis(self) -> Diagnosis:
        return Diagnosis(
            rank=self.rank,
            name=self.name,
            evidence_for=tuple(self.said["for"].values()),
            evidence_against=tuple(self.said["against"].values()),
            next_tests=tuple(test.text for test in self.said["next"].values()),
        )


class _RankedList:
    """Collects diagnoses with what is said for and against each, from the lines of the first stage."""

    def __init__(self, case_text: str) -> None:
        self.drafts: dict[str, _Draft] = {}
        self._case = _CaseText(case_text)
        self._current: _Draft | None = None
        self._bucket: Bucket = "for"
        self._label_open = False  # a label stood alone: what follows belongs to it
        self._columns: list[str] = []

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        return tuple(draft.diagnosis() for draft in self.drafts.values())

    def nests(self, line: _Line) -> bool:
        """Whether `line` is written as something under the current diagnosis."""
        return self._current is not None and line.mark in ("", "-") and line.indent > self._current.line.indent

    def add(self, line: _Line, after_blank: bool) -> list[ParseEvent]:
        """Take one line of the stage: a diagnosis, a label, a statement or a row of a table."""
        if line.text.startswith("|"):
            return self._row(line)
        if self._current and (label := _label(line.text)):
            self._bucket, rest = label
            self._label_open = not rest
            return self._say(rest)
        if self._starts_diagnosis(line):
            return self._start(line, *_split_name(line.text.strip("【】[]「」")))
        if after_blank and not line.mark and not line.indent:
            return []  # a remark between or after the diagnoses
        return self._say(line.text)

    def _starts_diagnosis(self, line: _Line) -> bool:
        current = self._current.line if self._current else None
        if not current:
            return bool(line.mark) or _names_something(line)
        if line.indent >= current.indent + 2:
            return False
        if line.mark == "1":
            return not (self._label_open and line.number and line.number != current.number + 1)
        if line.mark in ("#", "-"):
            return line.mark == "#" or current.mark == "-"
        return not current.mark and line.bold == current.bold and _names_something(line)

    def _start(self, line: _Line, name: str, explanation: str) -> list[ParseEvent]:
        if not name and not explanation and len(line.text) <= MAX_NAME:
            return []  # an introduction, such as "Most likely:"
        known = self.drafts.get(_key(name)) if name else None
        self._current = known or _Draft(name, len(self.drafts) + 1 if name else 0, line)
        self._current.line, self._bucket, self._label_open = line, "for", False
        if known or not name:
            return self._say(explanation)
        self.drafts[_key(name)] = self._current
        self._say(explanation)
        return [DiagnosisAdded(self._current.diagnosis())]

    def _say(self, text: str) -> list[ParseEvent]:
        """Add the statements of `text` to the current diagnosis, each where its own label or the last one says."""
        if not self._current or not self._current.rank:
            return []
        grew = False
        for piece in re.split(r"[;；]", text):
            statement = piece.strip(_EDGES + "。|")
            if label := _label(statement):
                self._bucket, statement = label
            if (
                not statement
                or self._bucket == "skip"
                or _NOTHING.fullmatch(statement)
                or _LIKELIHOOD.fullmatch(statement)
            ):
                continue
            said = self._current.said[self._bucket]
            grew |= _key(statement) not in said
            said.setdefault(_key(statement), self._case.locate(statement))
        return [DiagnosisChanged(self._current.diagnosis())] if grew else []

    def _row(self, line: _Line) -> list[ParseEvent]:
        """A row of a table: the first one names the columns, the others are diagnoses."""
        cells = [cell.strip() for cell in line.text.strip("|").split("|")]
        if not self._columns:
            labels = [(_label(cell) or ("", ""))[0] for cell in cells]
            named = [re.search(r"diagnos|disease|condition|诊断|疾病", cell, re.IGNORECASE) for cell in cells]
            self._columns = [label or ("name" if name else "") for label, name in zip(labels, named, strict=True)]
            return []
        row = dict(zip(self._columns, cells, strict=False))
        events = self._start(line, *_split_name(row.pop("name", "")))
        for column, cell in row.items():
            self._bucket = column or "skip"  # type: ignore[assignment]
            events += self._say(cell)
        return events


def _names_something(line: _Line) -> bool:
    """Whether a line without a mark can be the name of a diagnosis rather than a sentence."""
    name, explanation = _split_name(line.text)
    introduces = line.text.endswith((":", "：")) and not line.bold
    sentence = not explanation and line.text.endswith((".", "。", "!", "?", "！", "？"))
    return bool(name) and not introduces and not sentence and len(name.split()) <= 10 and not _PROSE.search(name)


# --- The whole answer.


class AnswerParser:
    """Reads one answer as it arrives. `case_text` is what evidence spans index.

    `in_reasoning` says that the text starts inside the reasoning, as it does where the prompt ends with
    `<think>`. `language` is the one asked for; the words of both are understood.
    """

    def __init__(self, language: Language, case_text: str = "", *, in_reasoning: bool = True) -> None:
        self.language = language
        self.ended = False
        self._in_reasoning = in_reasoning
        self._closed = False
        self._chunks: list[str] = []
        self._buffer = ""  # what no line or tag has ended yet
        self._scanned = 0  # how much of the buffer holds no break
        self._reasoning = ""
        self._first_line = True
        self._reported = Reasoning("")
        self._list = _RankedList(case_text)
        self._part: Part = "other"
        self._seen: list[Part] = []
        self._items: dict[Part, dict[str, None]] = {"key_examinations": {}, "diagnostic_evidence": {}}
        self._final = ""
        self._after_blank = False

    @property
    def text(self) -> str:
        """All text pushed, as it came."""
        return "".join(self._chunks)

    def push(self, delta: str) -> list[ParseEvent]:
        """Read on. Nothing is read once `ended`."""
        self._chunks.append(delta)
        if self.ended or self._closed:
            return []
        self._buffer += delta
        events: list[ParseEvent] = []
        position = 0
        for found in _BREAK.finditer(self._buffer, self._scanned):
            events += self._piece(self._buffer[position : found.start()], found.group())
            position = found.end()
            if self.ended:
                break
        self._buffer = "" if self.ended else self._buffer[position:]
        self._scanned = max(0, len(self._buffer) - _LONGEST_TAG)
        return events + self._flush_reasoning()

    def close(self) -> list[ParseEvent]:
        """Read the last line. Reasoning that never closed is searched for an answer inside it."""
        if self._closed:
            return []
        self._closed = True
        events: list[ParseEvent] = []
        if self._in_reasoning:
            self._reasoning += self._buffer
            events += self._recover()
        elif not self.ended:
            events += self._line(self._buffer)
        if self._final and not self._list.drafts:
            events += self._list.add(_Line(0, "-", 0, False, self._final), False)
        return events

    @property
    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """The ranked list as read so far; the answer stays open."""
        return self._list.diagnoses()

    def result(self) -> Differential:
        """What was read, closing the answer. Raises `ParseError` with the text when no diagnosis was."""
        self.close()
        diagnoses = self._list.diagnoses()
        if not diagnoses:
            raise ParseError(self.text)
        return Differential(
            diagnoses=diagnoses,
            key_examinations=tuple(self._items["key_examinations"]),
            diagnostic_evidence=tuple(self._items["diagnostic_evidence"]),
            final_diagnosis=self._final,
        )

    def _piece(self, text: str, end: str) -> list[ParseEvent]:
        """Take `text`, which `end` (a newline or a tag) has ended."""
        self.ended = end in _TURN_ENDS or (end == _OPEN and bool(self._final))
        if not self._in_reasoning:
            events = self._line(text)
            self._in_reasoning = end == _OPEN and not self.ended
            return events
        self._reasoning += text
        if end == _CLOSE:
            return self._close_reasoning()
        if end == _OPEN or not self._first_line:
            self._reasoning += "\n" if end == "\n" else ""
            return []
        return self._read_first_line(end)

    def _read_first_line(self, end: str) -> list[ParseEvent]:
        """An answer that opens with its first heading has no reasoning."""
        line = _Line.read(self._reasoning)
        self._first_line = not line.text
        if (_heading(line) or ("other", ""))[0] != "process":
            self._reasoning += end if end == "\n" else ""
            return []
        raw, self._reasoning = self._reasoning, ""
        return self._close_reasoning() + self._line(raw)

    def _close_reasoning(self) -> list[ParseEvent]:
        self._in_reasoning = self._first_line = False
        self._reported = Reasoning(self._reasoning.strip(), done=True)
        self._reasoning += "\n"
        return [self._reported]

    def _flush_reasoning(self) -> list[ParseEvent]:
        """Report the reasoning so far, holding back what may be the beginning of a tag."""
        if not self._in_reasoning:
            return []
        at = self._buffer.rfind("<")
        held = at if at >= 0 and any(tag.startswith(self._buffer[at:]) for tag in _TAGS) else len(self._buffer)
        self._reasoning, self._buffer, self._scanned = self._reasoning + self._buffer[:held], self._buffer[held:], 0
        return self._report(self._reasoning.strip(), done=False)

    def _report(self, text: str, done: bool) -> list[ParseEvent]:
        if (text, done) == (self._reported.text, self._reported.done):
            return []
        self._reported = Reasoning(text, done=done)
        return [self._reported]

    def _recover(self) -> list[ParseEvent]:
        """Read the answer that stands inside reasoning which never closed, if there is one."""
        lines = self._reasoning.split("\n")
        headings = [(_heading(_Line.read(raw)) or ("other", ""))[0] for raw in lines]
        starts = [i for i, part in enumerate(headings) if part in ("process", "initial", "final")]
        if not starts or self._list.drafts or self._final:
            return self._report(self._reasoning.strip(), done=False)
        events = self._report("\n".join(lines[: starts[0]]).strip(), done=True)
        ended, self.ended = self.ended, False
        for raw in lines[starts[0] :]:
            events += [] if self.ended else self._line(raw)
        self.ended |= ended
        return events

    def _line(self, raw: str) -> list[ParseEvent]:
        line = _Line.read(raw)
        if not line.text:
            self._after_blank |= not line.mark
            return []
        after_blank, self._after_blank = self._after_blank, False
        if (self._final or self._part == "final") and _NEXT_TURN.match(line.text):
            self.ended = True
            return []
        if (heading := _heading(line)) and not self._is_label(heading[0], line):
            return self._open(*heading)
        return self._content(line, after_blank)

    def _is_label(self, part: Part, line: _Line) -> bool:
        """Whether a stage's title is used as a label under a diagnosis, or as the name of one."""
        if self._part != "initial":
            return False
        return part == "other" or (part in self._items and self._list.nests(line))

    def _open(self, part: Part, rest: str) -> list[ParseEvent]:
        repeats = part in ("process", "initial") and part in self._seen and bool(self._final)
        new_patient = part == "patient" and bool(self._list.drafts or self._final)
        self.ended = repeats or new_patient or (part == "final" and self._seen.count(part) > 1)
        if self.ended:
            return []
        self._seen.append(part)
        filled = bool(self._items.get(part)) or (part == "initial" and bool(self._list.drafts))
        self._part = "other" if filled else part  # the first section that says something stands
        line = _Line.read(rest)
        return self._content(line, False) if line.text else []

    def _content(self, line: _Line, after_blank: bool) -> list[ParseEvent]:
        if self._part == "initial":
            return self._list.add(line, after_blank)
        if self._part == "final" and not self._final:
            self._final = _split_name(line.text)[0] or line.text
            return [FinalDiagnosis(self._final)]
        if self._part == "key_examinations" or self._part == "diagnostic_evidence":
            self._items[self._part][line.text] = None
            return [Section(self._part, "\n".join(self._items[self._part]))]
        return []


def parse_answer(text: str, language: Language, case_text: str = "") -> Differential:
    """Read a whole answer. Raises `ParseError` when no diagnosis can be read."""
    parser = AnswerParser(language, case_text)
    parser.push(text)
    return parser.result()


def heading_of(line: str) -> tuple[Part, str] | None:
    """The part of an answer that `line` opens, and what follows on the line; None for content."""
    return _heading(_Line.read(line))


def label_of(line: str) -> tuple[Bucket, str] | None:
    """What a statement under a diagnosis is for, and the statement; None where no label opens `line`."""
    return _label(_Line.read(line).text)


def marked(line: str) -> tuple[int, Mark, str]:
    """How deep `line` is set in, how it is marked, and its text without the marks and emphasis."""
    read = _Line.read(line)
    return read.indent, read.mark, read.text
