"""Reads the records a model is trained on, a line each; what is wrong is named by file, line and field."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from medassist.errors import InvalidCase, UnreadableInput
from training.cases import Exchange, Record, TrainingCase

LONGEST_LINE = 10_000_000
"""Characters. A longer line is refused without being read to its end."""

_RECORD: TypeAdapter[TrainingCase | Exchange] = TypeAdapter(Record)


def read_records(paths: Sequence[Path]) -> Iterator[TrainingCase | Exchange]:
    """Every record of the files in order. Raises `UnreadableInput` or `InvalidCase`; an id counts once over all files."""
    seen: dict[str, str] = {}
    for path in paths:
        for number, line in enumerate(_lines(path), 1):
            if not line.strip():
                continue
            where = f"{path.name}:{number}"
            record = _record(line, where)
            if record.id in seen:
                raise InvalidCase(
                    where=f"{where}: id",
                    reason=f"was used in {seen[record.id]}.",
                    reason_zh=f"与 {seen[record.id]} 重复。",
                )
            seen[record.id] = where
            yield record


def _lines(path: Path) -> Iterator[str]:
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise UnreadableInput(
                        reason=f"{path.name}:{number} is longer than {LONGEST_LINE:,} characters.",
                        reason_zh=f"{path.name} 第{number}行超过 {LONGEST_LINE:,} 个字符。",
                    )
                yield line
    except UnicodeDecodeError:
        raise UnreadableInput(
            reason=f"{path.name}: after line {number} there is something that is not UTF-8.",
            reason_zh=f"{path.name} 第{number}行之后有非 UTF-8 内容。",
        ) from None
    except OSError as error:
        raise UnreadableInput(
            reason=f"{path.name}: {error.strerror}.", reason_zh=f"{path.name}：{error.strerror}。"
        ) from None


def _record(line: str, where: str) -> TrainingCase | Exchange:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidCase(where=where, reason="is not JSON.", reason_zh="不是 JSON。") from None
    if not isinstance(value, dict):
        raise InvalidCase(where=where, reason="is not an object.", reason_zh="不是 JSON 对象。")
    try:
        return _RECORD.validate_python({"kind": "exchange" if "question" in value else "case"} | value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"][1:]) or "record"
        raise InvalidCase(where=f"{where}: {field}", reason=f"{first['msg']}.", reason_zh=f"{first['msg']}。") from None
