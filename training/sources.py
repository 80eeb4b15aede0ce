"""Where rows come from: local JSONL, a line at a time, and sets of a hub, kept as JSONL at a pinned commit.

A row that cannot be read is a `Problem` in the stream, so that the rows around it are still read. No line longer than
`LONGEST` is ever held in memory, and a file is known by its SHA-256.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from tqdm import tqdm  # type: ignore[import-untyped]

from training.config import Source
from training.errors import BadData, Problem

LONGEST = 10_000_000
"""Bytes. A longer line is no record."""

ENDLESS = 256_000_000
"""Bytes. A file with a line longer than this is not read to its end: it is not JSONL."""

Item = TypeVar("Item")

_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Row:
    """One decoded object and where it stands."""

    file: str
    line: int
    value: dict[str, Any]


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """`items` with a bar on stderr, where that is a terminal."""
    yield from tqdm(items, desc=what, total=total, file=sys.stderr, disable=None, dynamic_ncols=True)


# --- Local files.


def read_jsonl(path: Path, name: str | None = None) -> Iterator[Row | Problem]:
    """The rows of a file, empty lines left out. Raises `BadData` where it cannot be opened or a line has no end."""
    name = name or str(path)
    with _opened(path) as file:
        for number, line in enumerate(_lines(file, name), 1):
            if line is None:
                limit = LONGEST // 1_000_000
                yield Problem(
                    name, number, "line", "too_long", f"is longer than {limit} MB.", f"超过 {limit} MB。"
                )  # fmt: skip
            elif line.strip():
                yield _row(line.removeprefix(_BOM) if number == 1 else line, name, number)


def read_text(path: Path) -> str:
    """A whole file of UTF-8. Raises `BadData`."""
    with _opened(path) as file:
        try:
            return file.read().removeprefix(_BOM).decode("utf-8")
        except UnicodeDecodeError as error:
            byte = error.start + 1
            raise BadData(
                where=str(path), reason=f"is not UTF-8 (byte {byte}).", reason_zh=f"不是 UTF-8（第 {byte} 字节）。"
            ) from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise BadData(where=str(path), reason=f"{reason}.", reason_zh="无法读取该文件。") from None


def _lines(file: IO[bytes], name: str) -> Iterator[bytes | None]:
    """Each line, or None for one that is too long; of such a line no more than a chunk is in memory at a time."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST and not line.endswith(b"\n"):
            yield None
            _skip_line(file, name, number)
        else:
            yield line


def _skip_line(file: IO[bytes], name: str, number: int) -> None:
    length = LONGEST
    while chunk := file.readline(_CHUNK):
        length += len(chunk)
        if chunk.endswith(b"\n"):
            return
        _require_end(length, name, number)


def _require_end(length: int, name: str, number: int) -> None:
    if length > ENDLESS:
        raise BadData(
            where=f"{name}:{number}",
            reason=f"this line has no end within {ENDLESS // 1_000_000} MB; the file is no JSONL.",
            reason_zh=f"该行在 {ENDLESS // 1_000_000} MB 内没有结束，文件不是 JSONL。",
        )


def _row(line: bytes, name: str, number: int) -> Row | Problem:
    def wrong(kind: str, reason: str, reason_zh: str) -> Problem:
        return Problem(name, number, "line", kind, reason, reason_zh)

    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return wrong(
            "encoding", f"is not UTF-8 (byte {error.start + 1}).", f"不是 UTF-8（第 {error.start + 1} 字节）。"
        )
    except json.JSONDecodeError as error:
        return wrong("json", f"is no valid JSON (column {error.colno}).", f"不是有效的 JSON（第 {error.colno} 列）。")
    except ValueError:  # Python refuses to read numbers of thousands of digits
        return wrong("json", "holds a number that is too long.", "含有过长的数字。")
    except RecursionError:
        return wrong("json", "is nested too deeply.", "嵌套过深。")
    if not isinstance(value, dict):
        return wrong("json", "must be a JSON object.", "必须是 JSON 对象。")
    return Row(name, number, value)


def sha256(path: Path) -> str:
    """The SHA-256 of a JSONL file. Raises `BadData` where a line has no end."""
    digest, number, length = hashlib.sha256(), 1, 0
    with _opened(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            number += chunk.count(b"\n")
            last = chunk.rfind(b"\n")
            length = length + len(chunk) if last < 0 else len(chunk) - last - 1
            _require_end(length, str(path), number)
    return digest.hexdigest()


# --- Writing.


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """A text file that takes its name only once it is whole. Raises `BadData` where it cannot be written."""
    whole = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        whole.replace(path)
    except OSError as error:
        reason = error.strerror or "it cannot be written"
        raise BadData(where=str(path), reason=f"{reason}.", reason_zh="无法写入该文件。") from None
    finally:
        with suppress(OSError):
            whole.unlink()


# --- Sets of a hub.


@dataclass(frozen=True)
class File:
    """A JSONL file of a source: `name` is what reports call it."""

    path: Path
    name: str


def files_of(source: Source, cache: Path) -> list[File]:
    """The JSONL files of a source; a set of a hub is loaded once and kept in `cache`.

    Raises `NoDataset` where the hub, or the copy named as `local`, does not give it.
    """
    if source.path:
        return [File(path, str(path)) for path in source.path]
    assert source.hub and source.revision
    part = f"{source.hub}/{source.config or 'default'}/{source.split}@{source.revision[:12]}"
    kept = cache / "hub" / f"{re.sub(r'[^A-Za-z0-9._-]+', '--', part)}-{_where_from(source)}.jsonl"
    if not kept.exists():
        from training.hub import load  # takes a second to import

        rows = load(source)
        with replacing(kept) as file:
            for row in progress(rows, source.name, len(rows)):
                file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
    return [File(kept, part)]


def _where_from(source: Source) -> str:
    told = f"{source.hub} {source.config} {source.split} {source.revision} {source.local}"
    return hashlib.sha256(told.encode()).hexdigest()[:8]
