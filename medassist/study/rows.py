"""A file that a study lead hands in, as rows: JSON lines or CSV, in the encodings that spreadsheets write.

What is wrong with a file is told by row and column, as a spreadsheet counts them, and never in words of a case.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from medassist.errors import InvalidStudy, Language, UnreadableInput
from medassist.intake import read_bytes

MAX_BYTES = 64 * 2**20
MAX_CELL = 131_072
"""Characters; also what the csv module reads into one cell."""
_DELIMITERS = (",", ";", "\t")
_TABLES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class RowFault:
    """What is wrong, or suspicious, in a row: 1 is the first line or the header. 0 is the file as a whole."""

    row: int
    column: str
    text_en: str
    text_zh: str

    def text(self, language: Language = "en") -> str:
        if language == "zh":
            place = "，".join(part for part in (f"第{self.row}行" if self.row else "", self.column) if part)
            return f"{place}：{self.text_zh}" if place else self.text_zh
        place = ", ".join(part for part in (f"row {self.row}" if self.row else "", self.column) if part)
        return f"{place}: {self.text_en}" if place else self.text_en


@dataclass
class Rows:
    """The rows as far as they could be read, each with its number, and what was wrong with the others."""

    columns: tuple[str, ...] = ()  # of a table
    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    is_table: bool = False

    def fault(self, row: int, column: str, en: str, zh: str) -> None:
        column = "".join(char if char.isprintable() else "?" for char in column[:60])
        self.faults.append(RowFault(row, column, en, zh))


def read_rows(data: bytes, name: str, key_of: Callable[[str], str], most: int) -> Rows:
    """At most so many rows of a file. `key_of` says what a column of a table is called here, "" for one to leave out."""
    rows = Rows()
    if len(data) > MAX_BYTES:
        rows.fault(0, "", f"the file is larger than {MAX_BYTES >> 20} MiB.", f"文件大于 {MAX_BYTES >> 20} MiB。")
        return rows
    try:
        text = read_bytes(data).lstrip("\ufeff")
    except UnreadableInput:
        rows.fault(0, "", "the file is not a text in UTF-8, UTF-16 or GB 18030.", "文件不是 UTF-8、UTF-16 或 GB 18030 编码的文本。")  # fmt: skip
        return rows
    rows.is_table = name.lower().endswith(_TABLES) or not (text.lstrip().startswith("{") or _is_json(name))
    (_read_table if rows.is_table else _read_lines)(text, rows, key_of)
    if len(rows.rows) > most:
        rows.fault(0, "", f"the file holds more than {most} rows.", f"文件超过 {most} 行。")
    elif not rows.rows and not rows.faults:
        rows.fault(0, "", "the file is empty.", "文件为空。")
    return rows


def require_faultless(faults: list[RowFault] | tuple[RowFault, ...], where: str) -> None:
    """Raise `InvalidStudy` with the first of the faults, and how many there are."""
    if faults:
        more = len(faults) - 1
        raise InvalidStudy(
            where=where,
            reason=faults[0].text() + (f" And {more} more." if more else ""),
            reason_zh=faults[0].text("zh") + (f"另有 {more} 处。" if more else ""),
        )


def _is_json(name: str) -> bool:
    return name.lower().endswith((".jsonl", ".ndjson", ".json"))


def _read_lines(text: str, rows: Rows, _: Callable[[str], str]) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            rows.fault(number, "", "is not JSON.", "不是 JSON。")
            continue
        if isinstance(record, dict):
            rows.rows.append((number, record))
        else:
            rows.fault(number, "", "is not a JSON object.", "不是 JSON 对象。")


def _read_table(text: str, rows: Rows, key_of: Callable[[str], str]) -> None:
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=header.count)
    records = _records(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), rows)
    heads = next(records, (0, []))[1]
    keys = [key_of(head.strip()) for head in heads]
    rows.columns = tuple(filter(None, keys))
    _require_columns(heads, keys, rows)
    unnamed = [not head.strip() for head in heads]
    for number, cells in records:
        beyond = [cell for place, cell in enumerate(cells) if place >= len(heads) or unnamed[place]]
        if any(cell.strip() for cell in beyond):
            rows.fault(number, "", "has a cell under no column's name.", "有单元格位于无列名的列中。")
        rows.rows.append((number, {key: cell for key, cell in zip(keys, cells, strict=False) if key}))


def _records(reader: Iterator[list[str]], rows: Rows) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, numbered as a spreadsheet numbers them."""
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            rows.fault(number, "", f"is broken: a quote does not close, or a cell is longer than {MAX_CELL} characters.", f"格式有误：引号未闭合，或单元格超过 {MAX_CELL} 个字符。")  # fmt: skip
            return
        if any(cell.strip() for cell in cells):
            yield number, cells


def _require_columns(heads: list[str], keys: list[str], rows: Rows) -> None:
    for place, (head, key) in enumerate(zip(heads, keys, strict=True)):
        if key and key in keys[:place]:
            rows.fault(1, head, f"means {key}, as an earlier column does.", f"与前面的列同为 {key}。")


def filled(record: Mapping[str, Any]) -> dict[str, str]:
    """The cells of a table's row that hold anything."""
    return {key: value.strip() for key, value in record.items() if value.strip()}
