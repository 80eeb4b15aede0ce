"""Records as CSV that a spreadsheet opens safely, and back without loss.

A text that a spreadsheet would run as a formula gets an apostrophe before it, which reading takes off again; a text that
already begins with apostrophes and such a sign gets one more. What is a number stays one. The files begin with a
byte-order mark, without which spreadsheets take Chinese for something else.
"""

import csv
import dataclasses
import io
import json
import re
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from medassist.errors import InvalidStudy

Row = TypeVar("Row")

ENCODING = "utf-8-sig"
LONGEST = 10_000_000
"""Characters of one cell; the csv module's own limit would refuse what it wrote."""
_RISKY = re.compile(r"'*(?:[\t\r\n]|[\s\ufeff]*[=+\-@＝＋－＠])")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)


def safe(text: str) -> str:
    """`text` so that no spreadsheet runs it."""
    return f"'{text}" if _RISKY.match(text) and not _NUMBER.fullmatch(text) else text


def unsafe(cell: str) -> str:
    """What `safe` was given."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell


def write_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV file of texts that are not yet neutralised."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue().encode(ENCODING)


def read_table(data: bytes, name: str, header: Sequence[str]) -> list[list[str]]:
    """The rows of `write_table`, at least the columns of `header`, in its order. Raises `InvalidStudy` naming the file."""
    csv.field_size_limit(LONGEST)
    try:
        found = list(csv.reader(io.StringIO(data.decode(ENCODING), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _broken(name, f"cannot be read: {error}.", f"无法读取：{error}。") from None
    if not found or (lacking := [column for column in header if column not in found[0]]):
        columns = ", ".join(lacking if found else header)
        raise _broken(name, f"lacks the column {columns}.", f"缺少列 {columns}。")
    places = [found[0].index(column) for column in header]
    for line, row in enumerate(found[1:], 2):
        if len(row) != len(found[0]):
            raise _broken(f"{name}, record {line}", "has too few or too many cells.", "单元格数量不符。")
    return [[unsafe(row[place]) for place in places] for row in found[1:]]


def _broken(where: str, reason: str, reason_zh: str) -> InvalidStudy:
    return InvalidStudy(where=where, reason=reason, reason_zh=reason_zh)


# --- Records.


def columns(row: type[Any]) -> dict[str, Any]:
    """A record's fields and their types."""
    return typing.get_type_hints(row)


def write_records(row: type[Any], rows: Iterable[Any]) -> bytes:
    names = list(columns(row))
    return write_table(names, ([to_cell(getattr(each, name)) for name in names] for each in rows))


def read_records(row: type[Row], data: bytes, name: str) -> tuple[Row, ...]:
    kinds = columns(row)
    return tuple(
        row(**{column: _value(cell, kinds[column], f"{name}, record {line}, {column}") for column, cell in zip(kinds, cells, strict=True)})
        for line, cells in enumerate(read_table(data, name, list(kinds)), 2)
    )  # fmt: skip


def to_cell(value: Any) -> str:
    """None is an empty cell, lists and mappings are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list, dict)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    return repr(value) if isinstance(value, float) else str(value)


def _value(cell: str, kind: Any, where: str) -> Any:
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if types.NoneType in options:
        if cell == "":
            return None
        kind = next(option for option in options if option is not types.NoneType)
    try:
        return _parsed(cell, typing.get_origin(kind) or kind)
    except (ValueError, KeyError):
        raise _broken(where, f"{cell[:40]!r} is not a valid value.", f"{cell[:40]!r} 不是有效的值。") from None


def _parsed(cell: str, kind: Any) -> Any:
    if kind is bool:
        return {"true": True, "false": False}[cell]
    if kind in (tuple, dict):
        found = json.loads(cell)
        if not isinstance(found, list if kind is tuple else dict):
            raise ValueError
        return kind(found)
    return kind(cell)


def record(row: type[Row], data: dict[str, Any], name: str) -> Row:
    """A record from decoded JSON; lists become tuples. Raises `InvalidStudy` naming a missing field."""
    values = {}
    for field in dataclasses.fields(row):  # type: ignore[arg-type]
        if field.name not in data:
            raise _broken(name, f"lacks the field {field.name}.", f"缺少字段 {field.name}。")
        value = data[field.name]
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return row(**values)
