"""An answer as a rater sees it: without its author, in one look; and what still has to be read by a person first.

`blind` takes the reasoning part out (unless a study is about it), brings the rest into one look (`plain`), strips what
identifies its author (`identity`), and caps the length alike for all arms. Whatever still identifies afterwards is
reported with its place, and an answer with such a leak must not be shown before somebody has looked at it.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from medassist.errors import InvalidStudy, Language
from medassist.intake import clean
from medassist.parse import heading_of
from medassist.study.identity import Found, Kind, find, strip
from medassist.study.plain import capped, plain

MAX_TEXT: dict[Language, int] = {"en": 3000, "zh": 1500}
"""Longest display text in characters; a Chinese character says about as much as two letters."""
MAX_DIAGNOSES = 5
MIN_TEXT = 200
"""A cap below this would cut an answer to nothing."""
_ROUNDS = 8

_THINK = r"think|thinking|thought|reasoning|reflection|analysis"
_OPEN = re.compile(rf"<\s*(?:{_THINK})\s*>|◁think▷|<\|channel\|>\s*analysis\s*<\|message\|>", re.IGNORECASE)
_CLOSE = re.compile(rf"<\s*/\s*(?:{_THINK})\s*>|◁/think▷|<\|channel\|>\s*final\s*<\|message\|>", re.IGNORECASE)
_TOKEN = re.compile(r"<[|｜][^<>\n]{1,40}[|｜]>(?:(?:assistant|user|system)\b)?|</?(?:answer|s)>|\[/?INST\]|<</?SYS>>")


@dataclass(frozen=True)
class Blinded:
    text: str
    raw_sha256: str
    text_sha256: str
    raw_length: int  # characters of the answer as it was written
    answer_length: int  # … of its answer part in the one look, before the cap: the covariate
    capped: bool
    removed: tuple[str, ...]
    leaks: tuple[Found, ...]  # places in `text`

    @property
    def blocked(self) -> bool:
        """Whether somebody has to read it before a rater may."""
        return bool(self.leaks)

    @property
    def length(self) -> int:
        return len(self.text)


def blind(
    raw: str,
    language: Language,
    *,
    secrets: Iterable[str] = (),
    keep_reasoning: bool = False,
    max_diagnoses: int = MAX_DIAGNOSES,
    max_text: int | None = None,
) -> Blinded:
    """The display text of `raw`. `secrets` are the names that must not show: arms, adapters, models, canaries.

    Raises `InvalidStudy` for a limit that makes no sense, never for a text. Blinding a display text changes nothing.
    """
    limit = MAX_TEXT[language] if max_text is None else max_text
    if limit < MIN_TEXT:
        raise InvalidStudy(where="max_text", reason=f"must be at least {MIN_TEXT}.", reason_zh=f"不得小于 {MIN_TEXT}。")
    if max_diagnoses < 1:
        raise InvalidStudy(where="max_diagnoses", reason="must be at least 1.", reason_zh="不得小于 1。")
    known = tuple(secrets)
    text = clean(_TOKEN.sub("\n", _without_reasoning(raw, keep_reasoning)))[0]
    removed: list[str] = []
    lengths: list[int] = []
    settled = False
    for _ in range(_ROUNDS):
        before = text
        text, gone = strip(plain(text, language, max_diagnoses), known)
        text = plain(text, language, max_diagnoses)
        lengths.append(len(text))
        text = capped(text, limit, language)
        removed += gone
        if settled := text == before:
            break
    leaks = find(text, known)
    if not settled:
        leaks.append(Found("unsettled", 0, len(text)))
    if not text:
        leaks.append(Found("empty", 0, 0))
    return Blinded(
        text=text,
        raw_sha256=_sha256(raw),
        text_sha256=_sha256(text),
        raw_length=len(raw),
        answer_length=max(lengths),
        capped=any(length > limit for length in lengths),
        removed=tuple(removed),
        leaks=tuple(leaks),
    )


def _without_reasoning(raw: str, keep: bool) -> str:
    """The answer part. The reasoning may lack its opening, which is in the prompt, or its end, where it was cut off."""
    if keep:
        return _CLOSE.sub("\n\n", _OPEN.sub("\n\n", raw))
    ends = list(_CLOSE.finditer(raw))
    answer = raw[ends[-1].end() :] if ends else raw
    if not (opened := _OPEN.search(answer)):
        return answer
    inside = answer[opened.end() :].split("\n")
    starts = (
        i for i, line in enumerate(inside) if (heading_of(line) or ("other", ""))[0] in ("process", "initial", "final")
    )
    start = next(starts, len(inside))  # an answer that stands inside reasoning which never closed
    return answer[: opened.start()] + "\n" + "\n".join(inside[start:])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


__all__ = ["MAX_DIAGNOSES", "MAX_TEXT", "Blinded", "Found", "Kind", "blind"]
