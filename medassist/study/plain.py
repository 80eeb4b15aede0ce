"""One look for all answers: no Markdown, one kind of heading, list, dash and quote, as many diagnoses, as much text.

A model is known by its asterisks as surely as by its name. What is said stays; how it was set goes.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from medassist.errors import Language
from medassist.parse import heading_of, label_of, marked
from medassist.prompt import FORMS

_CJK = "\u3400-\u9fff"
_CODE_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_HTML = re.compile(
    r"</?(?:b|i|u|em|strong|p|div|span|ul|ol|li|sup|sub|h[1-6]|table|thead|tbody|tr|td|th|details|summary|font|center|mark)"
    r"(?:\s[^<>]*)?>",
    re.IGNORECASE,
)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_BOXED = re.compile(r"\\(?:boxed|text|textbf|mathbf)\{([^{}]*)\}")
_CITED = re.compile(r"\s*\[K\d+(?:\s*[,，;；-]\s*K?\d+)*\]")
_STRUCK = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~")
_TABLE_RULE = re.compile(r"[\s|:–-]+")
_STAGES = {
    "initial": "initial_differential",
    "key_examinations": "key_examinations",
    "diagnostic_evidence": "diagnostic_evidence",
    "final": "final_diagnosis",
}
_MARKED = re.compile(r"\d+\. |(?:  )?(?:- )?")
_TITLE_MARKS = " 【】[]0123456789.、:："


def plain(text: str, language: Language, max_diagnoses: int) -> str:
    """`text` in the one look. Doing it again changes nothing more once it has settled."""
    text = _CODE_FENCE.sub("", text)
    text = _HTML.sub("", _BREAK.sub("\n", text))
    for pattern in (_LINK, _BOXED, _STRUCK):
        text = pattern.sub(r"\1", text)
    text = _CITED.sub("", text)
    text = "".join(char for char in text if not _is_picture(char))
    layout = _Layout(language, max_diagnoses, ranked=not any(_opens(line, "initial") for line in text.split("\n")))
    for line in text.split("\n"):
        layout.add(line)
    return "\n".join(layout.lines).strip()


def _opens(line: str, stage: str) -> bool:
    found = heading_of(line)
    return bool(found) and found is not None and found[0] == stage


def _is_picture(char: str) -> bool:
    """Emoji and ornaments; ♀, ♂ and the letters of a formula are none."""
    code = ord(char)
    return (code >= 0x1F000 or 0x2600 <= code <= 0x27BF or code in (0x20E3, 0x2B50, 0x2B55, 0xFE0E, 0xFE0F)) and (
        char not in "♀♂" and unicodedata.category(char) in ("So", "Me", "Sk", "Mn")
    )


def title(stage: str, language: Language) -> str:
    """The heading of a stage, alone on its line."""
    colon = "：" if language == "zh" else ":"
    return str(getattr(FORMS[language], _STAGES[stage])).strip(_TITLE_MARKS) + colon


@dataclass
class _Layout:
    """Line after line into the one look. `ranked`: a numbered list is the differential."""

    language: Language
    max_diagnoses: int
    ranked: bool  # no heading says where the differential is: the first numbered list is it
    lines: list[str] = field(default_factory=list)
    _stage: str = ""
    _base: tuple[str, int] | None = None  # how the first diagnosis is marked and set in
    _count: int = 0
    _number: int = 0
    _after_blank: bool = False
    _headed: bool = False

    def add(self, raw: str) -> None:
        indent, mark, text = marked(raw)
        if not text:
            self._after_blank |= not mark
            return
        if text.startswith("|") or (raw.count("|") > 1 and raw.strip().endswith("|")):
            cells = [cell.strip() for cell in text.strip("| ").split("|")]
            mark, text = "-", ": ".join([cells[0], "; ".join(filter(None, cells[1:]))]).rstrip(": ")
        found = None if self._stage == "initial" and (indent or mark == "-") else heading_of(raw)
        if found and found[0] != "other":
            self._open(*found)
        elif (found or mark == "#") and not self._in_differential():
            self._put(text.strip("【】[]「」：: ") + ("：" if self.language == "zh" else ":"), heads=True)
        else:
            self._content(indent, mark, text)

    def _open(self, stage: str, rest: str) -> None:
        if stage in _STAGES:
            self._stage, self._base, self._count, self.ranked = stage, None, 0, False
            self._put(title(stage, self.language), heads=True)
        if rest.strip():
            self.add(rest)

    def _in_differential(self) -> bool:
        return self._stage == "initial" or self.ranked

    def _content(self, indent: int, mark: str, text: str) -> None:
        if self._in_differential():
            self._differential(indent, mark, text)
        elif mark == "1" and not self._stage:
            self._number += 1
            self._put(f"{self._number}. {text}")
        else:
            self._number = 0 if not mark and not indent else self._number
            self._put(f"- {text}" if mark in ("-", "1") else text)

    def _differential(self, indent: int, mark: str, text: str) -> None:
        label = label_of(text)
        starts = mark == "1" or (self._stage == "initial" and mark in ("-", "#"))
        if self._base is None and starts and not label:
            self._base = (mark, indent)
        if self._base and starts and not label and (mark, indent) <= (self._base[0], self._base[1] + 1):
            self._count += mark == self._base[0]
            if mark == self._base[0]:
                if self._count <= self.max_diagnoses:
                    self._put(f"{self._count}. {text}")
                return
        if self._base is None or (not mark and not indent and self._after_blank):
            if self._base and not self._stage:
                self.ranked = False
            self._put(f"- {text}" if mark in ("-", "1") else text)
        elif self._count <= self.max_diagnoses:
            self._put("  " + self._nested(mark, text, label))

    def _nested(self, mark: str, text: str, label: tuple[str, str] | None) -> str:
        form = FORMS[self.language]
        words = {"for": form.supports, "against": form.against, "next": form.tests}
        if label and label[0] in words:
            return f"{words[label[0]]}{label[1]}".rstrip()
        return f"- {text}" if mark else text

    def _put(self, text: str, heads: bool = False) -> None:
        """A line of the look. Blank lines stand before headings and between paragraphs, nowhere else."""
        mark = found.group() if (found := _MARKED.match(text)) else ""
        paragraph = not mark
        if self.lines and (heads or (paragraph and self._after_blank and not self._headed)):
            self.lines.append("")
        self._headed, self._after_blank = heads, False
        self.lines.append(mark + _tidy(text[len(mark) :], self.language))


# --- Letters, marks, spelling.

_EVERYWHERE = {
    **{code: chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))},
    **dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000\t"), " "),
    **dict.fromkeys(map(ord, "‐‑−﹣－"), "-"),
    ord("％"): "%", ord("℃"): "°C", ord("µ"): "μ", ord("～"): "~", ord("．"): ".", ord("／"): "/", ord("＋"): "+",
    ord("＜"): "<", ord("＞"): ">", ord("＝"): "=",
}  # fmt: skip
_ENGLISH = {
    **dict.fromkeys(map(ord, "“”„‟«»「」『』"), '"'), **dict.fromkeys(map(ord, "‘’‚‛"), "'"),
    ord("–"): "-", ord("…"): "...", ord("（"): " (", ord("）"): ") ", ord("【"): "[", ord("】"): "]",
    ord("，"): ", ", ord("、"): ", ", ord("。"): ". ", ord("；"): "; ", ord("："): ": ", ord("！"): "! ", ord("？"): "? ",
}  # fmt: skip
_CHINESE = {ord("–"): "-", **dict.fromkeys(map(ord, "「」『』„‟«»"), '"')}
_FULL = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！"}
_AMERICAN = (
    (r"\b(an|leuk|hypoglyc|hyperglyc|sept?ic|bacter|ur|isch|hypervol|hypovol)ae(mi)", r"\1e\2"),
    (r"\b(h)ae(m(?!ophil|atob))", r"\1e\2"), (r"\b(an)ae(sth)", r"\1e\2"), (r"\b(p)ae(diatr)", r"\1e\2"),
    (r"\b(gyn)ae(c)", r"\1e\2"), (r"\b(c)ae(cum|cal)", r"\1e\2"), (r"\boe(dema|sophag|stro)", r"e\1"),
    (r"\b(diarrh|dyspn|apn|orthopn|gonorrh|amenorrh)oe(a)", r"\1e\2"), (r"\b(f)oe(t[au])", r"\1e\2"),
    (r"\b(c)oe(liac)", r"\1e\2"), (r"\b(tum|col|behavi|fav|lab)our", r"\1or"), (r"\b(fib|lit|cent)re\b", r"\1er"),
)  # fmt: skip
_SPELLING = [(re.compile(pattern, re.IGNORECASE), to) for pattern, to in _AMERICAN]
"""Whether somebody writes “haemoglobin” tells where they come from; names of species keep their letters."""


def _tidy(text: str, language: Language) -> str:
    text = text.translate(_EVERYWHERE)
    text = _chinese(text) if language == "zh" else _english(text)
    return re.sub(r" {2,}", " ", text).strip()


def _english(text: str) -> str:
    text = re.sub(r"\s*[—―]+\s*", " - ", text.translate(_ENGLISH))
    text = re.sub(r" +([,.;:!?)\]])(?=\s|$)", r"\1", re.sub(r"([(\[]) +", r"\1", text))
    for pattern, to in _SPELLING:
        text = pattern.sub(lambda m, to=to: _as_large(m[0], m.expand(to)), text)  # type: ignore[misc]
    return text


def _as_large(was: str, becomes: str) -> str:
    return becomes[0].upper() + becomes[1:] if was[0].isupper() else becomes


def _chinese(text: str) -> str:
    text = text.translate(_CHINESE)
    text = re.sub(rf"(?<=[{_CJK}])\s*([,;:?!])\s*|\s*([,;:?!])\s*(?=[{_CJK}])", lambda m: _FULL[m[1] or m[2]], text)
    text = re.sub(rf"(?<=[{_CJK}）”])\.(?=\s|$)", "。", text)
    text = re.sub(rf"\(([^()]*[{_CJK}][^()]*)\)|(?<=[{_CJK}])\(([^()]*)\)", lambda m: f"（{m[1] or m[2] or ''}）", text)
    text = re.sub(r"(?<![—-])—(?!—)|―+|(?<=[^\s-])--(?=[^\s-])", "——", text)
    text = re.sub(r"\.{3,}|…+", "……", text)
    quote = iter(range(len(text)))
    text = re.sub('"', lambda m: "”" if next(quote) % 2 else "“", text)
    text = re.sub(rf"(?<=[{_CJK}，。；：！？、（）“”]) +(?=\S)|(?<=\S) +(?=[{_CJK}，。；：！？、（）“”])", "", text)
    return text


# --- As much text.

_SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？；]|\n")


def capped(text: str, limit: int, language: Language) -> str:
    """`text` in at most `limit` characters, cut at the end of a sentence. The final diagnosis is kept: cut is before it."""
    if len(text) <= limit:
        return text
    head, found, tail = text.rpartition("\n" + title("final", language) + "\n")
    final = (found + tail).strip("\n")
    if found and len(final) <= limit // 2:
        return f"{_cut(head, limit - len(final) - 2)}\n\n{final}".strip()
    return _cut(text, limit)


def _cut(text: str, limit: int) -> str:
    piece = text[: limit + 1]
    ends = [found.end() for found in _SENTENCE_END.finditer(piece) if found.end() <= limit]
    if ends and ends[-1] >= limit // 2:
        return text[: ends[-1]].rstrip()
    space = piece.rfind(" ")
    return text[: space if space >= limit // 2 else limit].rstrip()
