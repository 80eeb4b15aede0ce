"""Files that update the graph: our own in a package, HPO's phenotype annotations, the Disease Ontology's table.

Each is read whole and checked before anything is built; what is wrong is a `KnowledgeError` that names the file and,
where there is one, the line.
"""

import csv
import hashlib
import io
import json
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from medassist.errors import KnowledgeError
from medassist.knowledge import build
from medassist.knowledge.records import Files, read_files
from medassist.knowledge.validate import problems

LICENCES = {
    build.OWN: ("CC-BY-4.0", "CC0-1.0", "MIT", "Apache-2.0"),
    build.HPO: ("HPO",),
    build.DO: ("CC0-1.0",),
}
"""The licences under which a source may be used here, by source."""

MAX_BYTES = 200_000_000
MAX_MEMBERS = 2_000


@dataclass(frozen=True)
class Import:
    """A file that was read and may be put into a shadow version."""

    source: str
    version: str
    licence: str
    sha256: str
    put: Callable[[sqlite3.Connection, str], None]  # base, date of retrieval
    files: Files | None = None


def read_update(path: Path, *, licence: str | None = None, sha256: str | None = None) -> Import:
    """Read an update. `licence` is needed where the file does not name its own; `sha256`, when given, must be the file's."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _wrong(path, f"cannot be read ({error.strerror})", f"无法读取（{error.strerror}）") from None
    if len(content) > MAX_BYTES:
        raise _wrong(path, "is larger than 200 MB", "超过 200 MB")
    actual = hashlib.sha256(content).hexdigest()
    if sha256 is not None and sha256.lower() != actual:
        raise _wrong(path, f"has the hash {actual}, not the one given", f"哈希为 {actual}，与给定值不符")
    if content[:4] == b"PK\x03\x04" or path.suffix == ".zip":
        return _package(path, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(path, "is no UTF-8 text", "不是 UTF-8 文本") from None
    if not text.endswith("\n"):
        raise _wrong(path, "is cut off: its last line has no end", "不完整：最后一行没有结尾")
    return (_hpo if "database_id" in text[:20_000] else _disease_ontology)(path, text, licence, actual)


def _wrong(path: Path, reason: str, reason_zh: str) -> KnowledgeError:
    return KnowledgeError(reason=f"{path.name} {reason}.", reason_zh=f"{path.name} {reason_zh}。")


def _licensed(path: Path, source: str, licence: str | None) -> str:
    allowed = LICENCES[source]
    if licence not in allowed:
        named = licence or "none"
        raise _wrong(
            path,
            f"has the licence {named}; {source} may be used under {' or '.join(allowed)} only",
            f"的许可证为 {named}；{source} 只能在 {' 或 '.join(allowed)} 下使用",
        )
    return str(licence)


# --- Our own files: a zip with manifest.json {"name", "licence", "files": {path: sha256}}.


def pack(folder: Path, path: Path, licence: str = "CC-BY-4.0") -> int:
    """Put the knowledge files under `folder` into a package and say how many they are."""
    members = sorted(each for each in folder.rglob("*.yaml"))
    manifest = {
        "name": build.OWN,
        "licence": licence,
        "files": {
            each.relative_to(folder).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() for each in members
        },
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("manifest.json", json.dumps(manifest, indent=1, sort_keys=True))
        for each in members:
            package.write(each, each.relative_to(folder).as_posix())
    return len(members)


def _package(path: Path, content: bytes) -> Import:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            sizes = [info.file_size for info in package.infolist()]
            if len(sizes) > MAX_MEMBERS or sum(sizes) > MAX_BYTES:
                raise _wrong(path, "unpacks to more than 200 MB or 2,000 files", "解压后超过 200 MB 或 2000 个文件")
            members = {name: package.read(name) for name in package.namelist() if not name.endswith("/")}
        manifest = json.loads(members.pop("manifest.json"))
        listed = dict(manifest["files"])
        licence = _licensed(path, build.OWN, manifest.get("licence"))
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError):
        raise _wrong(path, "is cut off or no package", "不完整或不是软件包") from None
    except (KeyError, ValueError, TypeError):
        raise _wrong(path, "has no readable manifest.json", "没有可读取的 manifest.json") from None
    for name in sorted({*listed, *members}):
        if name not in members or hashlib.sha256(members[name]).hexdigest() != listed.get(name):
            raise _wrong(path, f"does not hold {name} as its manifest says", f"中的 {name} 与清单不符")
        if not re.fullmatch(r"[a-z_]+(?:/[a-z0-9_]+)?\.yaml", name):
            raise _wrong(path, f"holds {name}, which is no knowledge file", f"含有非知识文件 {name}")
    files = _unpacked(members)
    if found := problems(files):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise KnowledgeError(reason=f"{path.name}: {found[0]}{more}.", reason_zh=f"{path.name}：{found[0]}{more}。")
    sha256 = build.digest(files)

    def put(base: sqlite3.Connection, retrieved: str) -> None:
        build.put_own(base, files, sha256, licence, retrieved)

    return Import(build.OWN, sha256[:12], licence, sha256, put, files)


def _unpacked(members: dict[str, bytes]) -> Files:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in members.items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_bytes(content)
        return read_files(Path(folder))


# --- HPO's phenotype.hpoa: comment lines, then a table (obophenotype.github.io, “Annotation format”).

_CLASSES = {
    "HP:0040280": "obligate",
    "HP:0040281": "very_frequent",
    "HP:0040282": "frequent",
    "HP:0040283": "occasional",
    "HP:0040284": "very_rare",
    "HP:0040285": "excluded",
}
_TERM = re.compile(r"HP:\d{7}")


def _hpo(path: Path, text: str, licence: str | None, sha256: str) -> Import:
    licence = _licensed(path, build.HPO, licence)
    comments = [line for line in text.splitlines()[:60] if line.startswith("#")]
    version = next((line.split(":", 1)[1].strip() for line in comments if re.match(r"#(?:version|date)\s*:", line)), "")
    if not version:
        raise _wrong(path, "names no version", "未注明版本")
    diseases: dict[str, tuple[str, list[tuple[str, str, str]]]] = {}
    for number, row in _table(
        path, text, ("database_id", "disease_name", "qualifier", "hpo_id", "reference", "frequency", "aspect")
    ):
        if not _TERM.fullmatch(row["hpo_id"]):
            raise _wrong(
                path, f"line {number}: {row['hpo_id'][:20]!r} is no HPO term", f"第 {number} 行：不是 HPO 术语"
            )
        if row["aspect"] == "P" and row["qualifier"] != "NOT":
            _name, terms = diseases.setdefault(row["database_id"], (row["disease_name"], []))
            terms.append((row["hpo_id"], _class(row["frequency"]), row["reference"]))

    def put(base: sqlite3.Connection, retrieved: str) -> None:
        terms = base.execute("SELECT id, en FROM node WHERE kind = 'phenotype'").fetchall()
        known = {key for key, _ in terms}
        unknown = sorted({term for _, each in diseases.values() for term, _, _ in each} - known)
        if unknown:
            raise _wrong(
                path,
                f"annotates {len(unknown)} terms that are not in the ontology, {unknown[0]} first",
                f"含有 {len(unknown)} 个本体中不存在的术语，如 {unknown[0]}",
            )
        build.remove(base, build.HPO)
        build.put_rare(
            base,
            build.HPO,
            version,
            licence,
            retrieved,
            terms,
            [(key, name, each) for key, (name, each) in sorted(diseases.items())],
        )

    return Import(build.HPO, version, licence, sha256, put)


def _class(frequency: str) -> str:
    """HPO's class of a frequency: a class already, “3/7” or “40%”; the bounds are HPO's own."""
    if frequency in _CLASSES:
        return _CLASSES[frequency]
    share = None
    if found := re.fullmatch(r"(\d+)\s*/\s*(\d+)", frequency):
        share = int(found[1]) / int(found[2]) if int(found[2]) else None
    elif found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", frequency):
        share = float(found[1]) / 100
    if share is None:
        return ""
    for least, name in (
        (1.0, "obligate"),
        (0.8, "very_frequent"),
        (0.3, "frequent"),
        (0.05, "occasional"),
        (0.01, "very_rare"),
    ):
        if share >= least:
            return name
    return "excluded" if share == 0 else "very_rare"


# --- The Disease Ontology's table: DOID, name, cross-references; tab- or comma-separated.


def _disease_ontology(path: Path, text: str, licence: str | None, sha256: str) -> Import:
    licence = _licensed(path, build.DO, licence)
    heads = {
        "id": ("id", "doid", "do_id"),
        "label": ("label", "name", "do term"),
        "xrefs": ("xrefs", "xref", "cross_references", "icd10cm"),
    }
    rows = list(_table(path, text, tuple(heads), heads))
    for number, row in rows:
        if not re.fullmatch(r"DOID:\d+", row["id"]):
            raise _wrong(path, f"line {number}: {row['id'][:20]!r} is no DOID", f"第 {number} 行：不是 DOID")
    links = [
        (row["id"], code)
        for _, row in rows
        for code in re.findall(r"(?:ICD-?10-?CM:)?\b([A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?)\b", row["xrefs"])
    ]
    names = {row["id"]: row["label"] for _, row in rows}

    def put(base: sqlite3.Connection, retrieved: str) -> None:
        build.remove(base, build.DO)
        known = {key.removeprefix("icd:") for (key,) in base.execute("SELECT id FROM node WHERE kind = 'code'")}
        base.execute(
            "INSERT INTO source VALUES(?, ?, ?, ?, ?, ?, 1)",
            (build.DO, sha256[:12], licence, sha256, retrieved, "https://disease-ontology.org"),
        )
        base.executemany(
            "INSERT INTO node VALUES(?, 'ontology', ?, '', ?, NULL)",
            [(key, name, build.DO) for key, name in names.items()],
        )
        base.executemany(
            "INSERT INTO alias(node, text, language, source) VALUES(?, ?, 'en', ?)",
            [(key, name, build.DO) for key, name in names.items()],
        )
        base.executemany(
            "INSERT OR IGNORE INTO map VALUES(?, ?, ?, 'cross-reference', 0.9, ?)",
            [(key, code, build.ICD, build.DO) for key, code in links if code in known],
        )

    return Import(build.DO, sha256[:12], licence, sha256, put)


def _table(
    path: Path, text: str, wanted: tuple[str, ...], heads: dict[str, tuple[str, ...]] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows with their line numbers, by the wanted columns. A short row is a file that was cut off or broken."""
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None:
        raise _wrong(path, "is empty", "为空")
    separator = "\t" if "\t" in lines[first] else ","
    header = [name.strip().casefold() for name in next(csv.reader([lines[first]], delimiter=separator))]
    places: dict[str, int] = {}
    for name in wanted:
        for head in (heads or {}).get(name, (name,)):
            if head in header:
                places[name] = header.index(head)
    if missing := [name for name in wanted if name not in places]:
        raise _wrong(path, f"has no column {missing[0]}", f"缺少列 {missing[0]}")
    for number, row in enumerate(csv.reader(lines[first + 1 :], delimiter=separator), first + 2):
        if row and len(row) < len(header):
            raise _wrong(
                path,
                f"line {number} has {len(row)} columns of {len(header)}: the file is cut off or broken",
                f"第 {number} 行只有 {len(row)}/{len(header)} 列：文件不完整或已损坏",
            )
        if row:
            yield number, {name: row[place].strip() for name, place in places.items()}
