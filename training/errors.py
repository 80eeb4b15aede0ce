"""What can be wrong with training data, said by file, line and field, in English and Chinese, without its text.

InputError (exit code 2)
├── BadData         a file that cannot be read, or that holds nothing usable
└── NoDataset       a data set of a hub that cannot be had
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from medassist.errors import InputError


class BadData(InputError):
    code = "bad_data"
    en = "{where}: {reason}"
    zh = "{where}：{reason_zh}"


class NoDataset(InputError):
    code = "no_dataset"
    en = (
        "{where}: {name} cannot be loaded: {reason} Run once with a connection, so that it is kept, or download it at"
        " this revision and name its folder as `local`."
    )
    zh = "{where}：无法加载 {name}：{reason_zh}请在联网时运行一次以便缓存，或下载该版本并用 `local` 指明其目录。"


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one row. `kind` is stable and counted; `reason` never quotes the row."""

    file: str
    line: int
    field: str
    kind: str
    reason: str
    reason_zh: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.field}: {self.reason}"


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a value, before it is known in which file and line."""

    field: str
    kind: str
    reason: str
    reason_zh: str

    def at(self, file: str, line: int) -> Problem:
        return Problem(file, line, self.field, self.kind, self.reason, self.reason_zh)


_TYPES = {
    "string_type": ("must be text.", "必须是文本。"),
    "int_type": ("must be a whole number.", "必须是整数。"),
    "int_parsing": ("must be a whole number.", "必须是整数。"),
    "int_from_float": ("must be a whole number.", "必须是整数。"),
    "float_type": ("must be a number.", "必须是数字。"),
    "float_parsing": ("must be a number.", "必须是数字。"),
    "finite_number": ("must be a finite number.", "必须是有限的数字。"),
    "bool_type": ("must be true or false.", "必须是 true 或 false。"),
    "bool_parsing": ("must be true or false.", "必须是 true 或 false。"),
    "tuple_type": ("must be a list.", "必须是列表。"),
    "list_type": ("must be a list.", "必须是列表。"),
    "dict_type": ("must be an object.", "必须是对象。"),
    "model_type": ("must be an object.", "必须是对象。"),
    "model_attributes_type": ("must be an object.", "必须是对象。"),
}
_PATTERN_KINDS = ("string_pattern_mismatch",)


def explain(error: ValidationError) -> list[Wrong]:
    """Everything pydantic found wrong, each with the path of its field; no value is quoted."""
    return [_wrong(each) for each in error.errors(include_url=False, include_input=False)]


def _wrong(found: Any) -> Wrong:
    field = path(found["loc"]) or "record"
    kind, context = found["type"], found.get("ctx", {})
    if kind == "missing":
        return Wrong(field, "missing", "is required.", "为必填项。")
    if kind in ("string_too_short", "too_short"):
        return Wrong(field, "empty", "is empty.", "为空。")
    if kind == "extra_forbidden":
        return Wrong(field, "unknown_key", "unknown key.", "未知的键。")
    if kind == "literal_error":
        expected = context["expected"]
        return Wrong(field, "wrong_value", f"must be one of {expected}.", f"必须是 {expected} 之一。")
    if kind in _PATTERN_KINDS:
        pattern = context["pattern"]
        return Wrong(field, "wrong_value", f"must match {pattern}.", f"必须匹配 {pattern}。")
    if kind in _BOUNDS:
        side, side_zh, name = _BOUNDS[kind]
        bound = context[name]
        return Wrong(field, "out_of_range", f"must be {side} {bound:g}.", f"必须{side_zh} {bound:g}。")
    if kind == "string_too_long":
        longest = context["max_length"]
        return Wrong(field, "too_long", f"is longer than {longest} characters.", f"超过 {longest} 个字符。")
    if kind == "value_error":
        return _own_rule(field, str(found["msg"]))
    return Wrong(field, "wrong_type", *_TYPES.get(kind, ("is not of the right type.", "类型不正确。")))


_BOUNDS = {
    "greater_than_equal": ("at least", "不低于", "ge"),
    "greater_than": ("above", "大于", "gt"),
    "less_than_equal": ("at most", "不高于", "le"),
    "less_than": ("below", "小于", "lt"),
}


def _own_rule(field: str, message: str) -> Wrong:
    """A rule of the models themselves; their messages name fields and quote nothing."""
    if "diastolic_bp" in message:
        return Wrong(f"{field}.diastolic_bp", "out_of_range", "is above systolic_bp.", "舒张压高于收缩压。")
    said = message.removeprefix("Value error, ")
    return Wrong(field, "wrong_value", f"{said}.", f"{said}。")


def path(location: tuple[int | str, ...]) -> str:
    """`differential_diagnosis[0].name`; a key that nobody would write is not repeated."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in location]
    return "".join(parts).removeprefix(".")


def _key(name: str) -> str:
    """A key of the data may be text of a patient: only what looks like a key is repeated."""
    return name if re.fullmatch(r"[\w.-]{1,40}", name) else "?"
