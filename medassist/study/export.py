"""A study as a folder or a zip of plain files, and back: the same rows, so that anybody can compute the same numbers."""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from medassist.errors import InvalidStudy
from medassist.study import cells
from medassist.study.codebook import HEADER, codebook
from medassist.study.counted import instrument_of
from medassist.study.dataset import (
    ArmRow,
    AssignmentRow,
    AuditRow,
    CaseRow,
    Dataset,
    RaterRow,
    RatingRow,
    ResponseRow,
    Version,
)
from medassist.study.faults import Bilingual
from medassist.study.instrument import Instrument
from medassist.study.withheld import withheld

TABLES: dict[str, tuple[str, type[Any]]] = {
    "arms": ("arms.csv", ArmRow),
    "cases": ("cases.csv", CaseRow),
    "responses": ("responses.csv", ResponseRow),
    "raters": ("raters.csv", RaterRow),
    "assignments": ("assignments.csv", AssignmentRow),
    "ratings": ("ratings.csv", RatingRow),
    "audit": ("audit.csv", AuditRow),
}
SUMS = "SHA256SUMS"
FORMAT = 1
LARGEST = 2_000_000_000
"""Bytes that an export may unpack to."""
JOINED = ("valid", "pseudonym", "kind", "position", "case", "case_key", "language", "specialty", "stratum", "arm", "arm_name", "answer_length")  # fmt: skip

README = """\
{title}

A blind clinical evaluation, exported by MedAssist. State: {state}.{blinded}

ratings.csv      one row per revision of a rating, with case, rater, arm and kind joined in
ratings.parquet  the same rows for R, Python or Julia
codebook.csv     what every column and code means, in English and Chinese
*.csv            the other tables; protocol.json, instrument.json, study.json as they were frozen
{sums}       SHA-256 of every file; check with: sha256sum -c {sums}

The valid value of an item is that of its highest revision; all revisions are here. The primary estimates use
assignments of kind “primary”, without raters whose withdrawal is “removed”. “cannot_judge” is left out of acceptance
and counted. Raters appear by pseudonym. A text that a spreadsheet would run as a formula has an apostrophe before it,
which the import takes off.

To compute all results again from these files:

    python -m medassist study import THIS_FOLDER_OR_ZIP --json
    python -m medassist study import THIS_FOLDER_OR_ZIP --html report.html

本文件夹为 MedAssist 导出的盲法临床评价研究数据。ratings.csv 每行为一项评分的一个版本，
codebook.csv 以中英文说明各列与代码。用上述两条命令可由这些文件重新计算全部结果。
"""
BLINDED = "\nThe study is still blinded: arm names, configurations and the arm of each answer are left out."


def export(dataset: Dataset, target: Path) -> Path:
    """Write `dataset` into the folder `target`, or into a zip where its name ends so. Returns `target`.

    A folder must be new or empty, a zip new: nothing is overwritten, nothing is left of an export that failed.
    """
    is_zip = target.suffix.lower() == ".zip"
    if target.exists() and (is_zip or not target.is_dir() or any(target.iterdir())):
        raise InvalidStudy(where=str(target), reason="is there already.", reason_zh="已存在。")
    made = files(dataset)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as scratch:
        whole = Path(scratch) / "whole"
        if is_zip:
            whole.write_bytes(zipped(made))
        else:
            whole.mkdir()
            for name, data in made.items():
                (whole / name).write_bytes(data)
            if target.exists():
                target.rmdir()
        whole.rename(target)
    return target


def files(dataset: Dataset) -> dict[str, bytes]:
    """File name → bytes of the whole export; the same for the same rows."""
    data = withheld(dataset)
    made = {name: cells.write_records(row, getattr(data, field)) for field, (name, row) in TABLES.items()}
    header, rows = long_ratings(data)
    made["ratings.csv"] = cells.write_table(header, rows)
    made["ratings.parquet"] = _parquet(header, rows)
    made["codebook.csv"] = cells.write_table(HEADER, codebook(_with_guesses(data)))
    made["protocol.json"] = _json(
        [{f.name: getattr(version, f.name) for f in fields(Version)} for version in data.versions]
    )
    made["instrument.json"] = _json(data.instrument)
    made["study.json"] = _json({"format": FORMAT} | {name: getattr(data, name) for name in _scalars()})
    made["README.txt"] = README.format(
        title=data.title, state=data.state, blinded=BLINDED if data.blinded else "", sums=SUMS
    ).encode()
    sums = "".join(f"{hashlib.sha256(made[name]).hexdigest()}  {name}\n" for name in sorted(made))
    return made | {SUMS: sums.encode()}


def _with_guesses(data: Dataset) -> Instrument:
    guesses = {arm.code: Bilingual(en=arm.guess_en or arm.code, zh=arm.guess_zh or arm.code) for arm in data.arms}
    return instrument_of(data).with_arms(guesses)


def zipped(made: dict[str, bytes]) -> bytes:
    """A zip whose bytes depend on nothing but its files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(made.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return out.getvalue()


def _scalars() -> list[str]:
    return [f.name for f in fields(Dataset) if f.name not in (*TABLES, "instrument", "versions")]


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


# --- Ratings with what they are of.


def long_ratings(data: Dataset) -> tuple[list[str], list[list[str]]]:
    """Header and rows of ratings.csv: every revision, with rater, case and arm joined in."""
    assignments, cases = {row.id: row for row in data.assignments}, {row.id: row for row in data.cases}
    responses = {row.id: row for row in data.responses}
    pseudonyms, names = {row.id: row.pseudonym for row in data.raters}, {row.code: row.name for row in data.arms}
    highest: dict[tuple[str, str, str], int] = {}
    for row in data.ratings:
        key = row.assignment, row.response, row.item
        highest[key] = max(row.revision, highest.get(key, 0))
    made = []
    own = list(cells.columns(RatingRow))
    for row in data.ratings:
        task, answer = assignments[row.assignment], responses[row.response]
        case = cases[task.case]
        valid = row.revision == highest[row.assignment, row.response, row.item] and row.status != "withdrawn"
        joined = (
            *(valid, pseudonyms[task.rater], task.kind, task.position),
            *(case.id, case.key, case.language, case.specialty, case.stratum),
            *(answer.arm, names.get(answer.arm), answer.answer_length),
        )
        made.append([cells.to_cell(value) for value in (*(getattr(row, name) for name in own), *joined)])
    return [*own, *JOINED], made


_WHOLE = {"revision", "active_ms", "wall_ms", "position", "answer_length"}


def _parquet(header: list[str], rows: list[list[str]]) -> bytes:
    """The long ratings with typed columns. Imported here: it is large, and only an export needs it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = {}
    for place, name in enumerate(header):
        column = [row[place] for row in rows]
        if name in _WHOLE:
            table[name] = pa.array([int(cell) for cell in column], pa.int64())
        elif name == "valid":
            table[name] = pa.array([cell == "true" for cell in column], pa.bool_())
        else:
            table[name] = pa.array(column, pa.string())
    out = io.BytesIO()
    pq.write_table(pa.table(table), out, compression="zstd")
    return out.getvalue()


# --- Reading.


def read_export(path: Path) -> Dataset:
    """The dataset of an export, folder or zip. Raises `InvalidStudy` naming what is missing or was altered."""
    found = _files(path)
    require_sums(found)
    study = _object(found, "study.json")
    if study.pop("format", None) != FORMAT:
        raise InvalidStudy(where="study.json", reason=f"is not format {FORMAT}.", reason_zh=f"不是第 {FORMAT} 版格式。")
    tables = {field: cells.read_records(row, found[name], name) for field, (name, row) in TABLES.items()}
    versions = tuple(cells.record(Version, each, "protocol.json") for each in _decoded(found, "protocol.json", list))
    return cells.record(Dataset, study | tables | {"versions": versions, "instrument": _object(found, "instrument.json")}, "study.json")  # fmt: skip


def required() -> set[str]:
    """Files without which an export cannot be read."""
    return {name for name, _ in TABLES.values()} | {"study.json", "protocol.json", "instrument.json", SUMS}


def _files(path: Path) -> dict[str, bytes]:
    try:
        found = _unzipped(path) if path.is_file() else {each.name: each.read_bytes() for each in _inside(path)}
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InvalidStudy(
            where=str(path), reason=f"cannot be read: {error}.", reason_zh=f"无法读取：{error}。"
        ) from None
    for name in sorted(required() - set(found)):
        raise InvalidStudy(where=f"{path.name}: {name}", reason="is missing.", reason_zh="缺失。")
    return found


def _inside(folder: Path) -> Iterable[Path]:
    return (each for each in sorted(folder.iterdir()) if each.is_file() and not each.name.startswith("."))


def _unzipped(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > LARGEST:
            raise InvalidStudy(where=path.name, reason="is too large.", reason_zh="过大。")
        folders = {entry.filename.rpartition("/")[0] for entry in entries}
        start = len(folders.pop()) + 1 if len(folders) == 1 and "" not in folders else 0  # a folder somebody zipped
        return {entry.filename[start:]: archive.read(entry) for entry in entries}


def require_sums(found: dict[str, bytes]) -> None:
    """Raise `InvalidStudy` naming the first file that is not what it was when it was written."""
    listed = {}
    for line in found[SUMS].decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    for name in sorted((required() | set(listed)) - {SUMS}):
        if name not in found:
            raise InvalidStudy(where=name, reason="is missing.", reason_zh="缺失。")
        if listed.get(name) != hashlib.sha256(found[name]).hexdigest():
            raise InvalidStudy(
                where=name,
                reason=f"was altered: it does not have the sum in {SUMS}.",
                reason_zh=f"已被改动：与 {SUMS} 中的校验和不符。",
            )


def _decoded(found: dict[str, bytes], name: str, kind: type[Any]) -> Any:
    try:
        value = json.loads(found[name])
    except ValueError as error:
        raise InvalidStudy(
            where=name, reason=f"is no JSON: {error}.", reason_zh=f"不是有效的 JSON：{error}。"
        ) from None
    if not isinstance(value, kind):
        raise InvalidStudy(where=name, reason="has another shape.", reason_zh="结构不符。")
    return value


def _object(found: dict[str, bytes], name: str) -> dict[str, Any]:
    made: dict[str, Any] = _decoded(found, name, dict)
    return made
