"""What pydantic finds wrong in a study's files, in both languages, by file and field."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from medassist.errors import InvalidStudy, Language

SHOWN = 5
"""Faults named at once; the others are counted."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=60)]


class Strict(BaseModel):
    """A record of a study: fixed once made, and no key more than it knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bilingual(Strict):
    en: Text
    zh: Text

    def of(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


def fault(en: str, zh: str) -> PydanticCustomError:
    """To be raised by a validator: what is wrong, in both languages."""
    return PydanticCustomError("study", "{en}", {"en": en, "zh": zh})


_WORDS = {
    "missing": ("is missing", "缺失"),
    "extra_forbidden": ("is not known here", "是未知的键"),
    "string_type": (
        "must be text; put it in quotes (YAML reads a bare yes, no or number as something else)",
        "必须是文本；请加引号（YAML 会把裸写的 yes、no 或数字读作其他类型）",
    ),
    "string_too_short": ("is empty", "为空"),
    "string_too_long": ("is longer than {max_length} characters", "超过 {max_length} 个字符"),
    "string_pattern_mismatch": ("may hold only small letters, digits and _", "只能含小写字母、数字和下划线"),
    "literal_error": ("must be one of {expected}", "必须是 {expected} 之一"),
    "greater_than_equal": ("must be at least {ge}", "不得小于 {ge}"),
    "less_than_equal": ("must be at most {le}", "不得大于 {le}"),
    "too_short": ("needs at least {min_length}", "至少需要 {min_length} 项"),
    "study": ("{en}", "{zh}"),
}
_KINDS = {
    "int": ("must be a whole number", "必须是整数"),
    "bool": ("must be true or false", "必须是 true 或 false"),
    "float": ("must be a number", "必须是数字"),
    "date": ("must be a date", "必须是日期"),
    "tuple": ("must be a list", "必须是列表"),
    "dict": ("must be a mapping", "必须是键值对"),
    "model": ("must be a mapping", "必须是键值对"),
}


def invalid(error: ValidationError, source: str, data: object) -> InvalidStudy:
    """The faults of `data`, which came from `source`, with ids instead of places in lists."""
    found = error.errors(include_url=False, include_input=False)
    said = [_said(one, data) for one in found[:SHOWN]]
    more = len(found) - len(said)
    return InvalidStudy(
        where=source,
        reason="; ".join(en for en, _ in said) + (f"; and {more} more." if more else "."),
        reason_zh="；".join(zh for _, zh in said) + (f"；另有 {more} 处。" if more else "。"),
    )


def faults(error: ValidationError) -> list[tuple[tuple[int | str, ...], str, str]]:
    """Every fault by itself: where it is, and what it is in English and in Chinese."""
    found = error.errors(include_url=False, include_input=False)
    return [(one["loc"], *_words(one)) for one in found]


def _said(one: ErrorDetails, data: object) -> tuple[str, str]:
    place = _place(one["loc"], data)
    en, zh = _words(one)
    return f"{place} {en}".strip(), f"{place} {zh}".strip()


def _words(one: ErrorDetails) -> tuple[str, str]:
    context = one.get("ctx", {})
    en, zh = _WORDS.get(one["type"]) or _KINDS.get(one["type"].split("_")[0], (one["msg"], one["msg"]))
    return _filled(en, context), _filled(zh, context)


def _filled(words: str, context: Mapping[str, Any]) -> str:
    for key, value in context.items():
        words = words.replace("{" + key + "}", str(value))
    return words


def _place(loc: Sequence[int | str], data: object) -> str:
    """`loc` with the id or code of a list's entry where it has one: items.accept.options.no.label.zh."""
    names: list[str] = []
    for step in loc:
        data = _inside(data, step)
        own = next((data[key] for key in ("id", "code", "name") if isinstance(data, Mapping) and key in data), None)
        names.append(
            own if isinstance(step, int) and isinstance(own, str) else str(step + 1 if isinstance(step, int) else step)
        )
    printable = ".".join(names)
    return "".join(char if unicodedata.category(char)[0] != "C" else "?" for char in printable)[:200]


def _inside(data: object, step: int | str) -> object:
    if isinstance(data, Mapping):
        return data.get(step)
    if isinstance(data, Sequence) and not isinstance(data, str) and isinstance(step, int) and step < len(data):
        return data[step]
    return None
