"""The versions of the graph in one folder: which is current, how one replaces another, and the way back.

    versions.json               {"current": …, "previous": …, "shipped": …}
    <version>.sqlite3           one file a version, never changed once it is named
    shadow-….sqlite3            an update that nobody has approved yet

A consultation holds the `Graph` it began with; a swap is the replacement of versions.json.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medassist.errors import KnowledgeError
from medassist.knowledge import build
from medassist.knowledge.graph import Graph
from medassist.knowledge.importers import Import, read_update
from medassist.knowledge.records import DATA, read_files
from medassist.knowledge.validate import problems

MOST_LOST = 0.1
"""The share of its diseases that an update may take from the graph; more is a broken file, not an update."""


@dataclass(frozen=True)
class Proposal:
    """An update built beside the current version, for someone to approve."""

    version: str
    source: str
    licence: str
    sha256: str
    diff: tuple[str, ...]
    path: Path


class Knowledge:
    """All methods may be called from any thread and any number of processes."""

    def __init__(self, folder: Path, cache: Path, shipped: Path = DATA) -> None:
        self.folder, self._cache, self._shipped = folder, cache / "knowledge", shipped
        self._lock = threading.Lock()
        self._open: dict[str, Graph] = {}
        self._seen: tuple[int, int] | None = None
        self._current: Graph | None = None

    @property
    def _pointer(self) -> Path:
        return self.folder / "versions.json"

    def current(self) -> Graph:
        """The version that a consultation beginning now uses; built from the shipped files when there is none."""
        with self._lock:
            if not self._pointer.exists():
                self._install()
            state = self._pointer.stat()
            if self._current is None or (state.st_mtime_ns, state.st_ino) != self._seen:
                self._current = self._version(self._state()["current"])
                self._seen = (state.st_mtime_ns, state.st_ino)
            return self._current

    def start(self) -> Graph:
        """As `current`, ready to match; the shipped files replace an older release's, an operator's update stays."""
        with self._lock:
            key = _key(self._shipped)
            if not self._pointer.exists() or (self._state().get("shipped") not in (key, None) and self._is_shipped()):
                self._install()
        return self.current().warm_up()

    def version(self, name: str) -> Graph:
        """A version that is kept here. Raises `KnowledgeError` where it is not."""
        with self._lock:
            return self._version(name)

    def _version(self, name: str) -> Graph:
        if name not in self._open:
            path = self.folder / f"{name}.sqlite3"
            if not path.exists():
                raise KnowledgeError(reason=f"version {name} is not kept here.", reason_zh=f"此处没有版本 {name}。")
            self._open[name] = Graph(path)
        return self._open[name]

    def _state(self) -> dict[str, Any]:
        try:
            state = json.loads(self._pointer.read_text("utf-8"))
            return {"previous": None, **state, "current": str(state["current"])}
        except (OSError, ValueError, KeyError, TypeError):
            raise KnowledgeError(reason="versions.json cannot be read.", reason_zh="versions.json 无法读取。") from None

    def _is_shipped(self) -> bool:
        state = self._state()
        return bool(state.get("origin", "shipped") == "shipped")

    def _point(self, **state: Any) -> None:
        """Replace versions.json in one step, on the disk before it counts."""
        temporary = self._pointer.with_name(f"versions-{os.getpid()}-{threading.get_ident()}.tmp")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(state, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._pointer)

    def _install(self) -> None:
        """Make the shipped files the current version, building them unless that was done before."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._cache.mkdir(parents=True, exist_ok=True)
            key = _key(self._shipped)
            built = self._cache / f"{key}.sqlite3"
            if not built.exists():
                self._build(built)
            with closing(sqlite3.connect(f"{built.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as base:
                ((version,),) = base.execute("SELECT value FROM meta WHERE key = 'version'").fetchall()
            _place(built, self.folder / f"{version}.sqlite3")
            before = self._state()["current"] if self._pointer.exists() else None
            self._point(current=version, previous=before if before != version else None, shipped=key, origin="shipped")
            self._forget()
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise KnowledgeError(
                reason=f"it cannot be built ({reason}).", reason_zh=f"无法构建（{reason}）。"
            ) from None

    def _build(self, path: Path) -> None:
        files = read_files(self._shipped)
        if found := problems(files, whole=False):
            raise KnowledgeError(reason=f"{found[0]}.", reason_zh=f"{found[0]}。")
        shadow = path.with_name(f"build-{os.getpid()}-{threading.get_ident()}.sqlite3")
        try:
            build.build(files, shadow, retrieved=_today())
            shadow.replace(path)
        finally:
            shadow.unlink(missing_ok=True)

    def _forget(self) -> None:
        """Keep the current version and the one before; running consultations keep an open file all the same."""
        state = self._state()
        for path in self.folder.glob("*.sqlite3"):
            if path.stem not in (state["current"], state["previous"]) and not path.name.startswith("shadow-"):
                path.unlink(missing_ok=True)

    # --- Updates.

    def propose(self, file: Path, *, licence: str | None = None, sha256: str | None = None) -> Proposal:
        """Build an update beside the current version and check it. Raises `KnowledgeError`, and then nothing changed."""
        update = read_update(file, licence=licence, sha256=sha256)
        before = self.current()
        shadow = self.folder / f"shadow-{os.getpid()}-{threading.get_ident()}.sqlite3"
        shadow.unlink(missing_ok=True)
        try:
            version = self._shadow(before, update, shadow)
            with_update = Graph(shadow)
            _require_whole(file.name, before, with_update)
            diff = tuple(compare(before, with_update))
        except sqlite3.Error as error:
            shadow.unlink(missing_ok=True)
            raise KnowledgeError(
                reason=f"{file.name} cannot be put in ({type(error).__name__}).",
                reason_zh=f"{file.name} 无法导入（{type(error).__name__}）。",
            ) from None
        except BaseException:
            shadow.unlink(missing_ok=True)
            raise
        return Proposal(version, update.source, update.licence, update.sha256, diff, shadow)

    def _shadow(self, before: Graph, update: Import, path: Path) -> str:
        shutil.copyfile(before.path, path)
        with closing(sqlite3.connect(path)) as base:
            base.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL;")
            if update.source == build.OWN:
                build.remove(base, build.OWN)
            update.put(base, _today())
            dangling = base.execute(
                "SELECT subject, object FROM edge WHERE object NOT IN (SELECT id FROM node) OR subject NOT IN (SELECT id FROM node) LIMIT 1"
            ).fetchone()
            if dangling:
                raise KnowledgeError(
                    reason=f"{dangling[0]} points to {dangling[1]}, which does not exist.",
                    reason_zh=f"{dangling[0]} 指向不存在的 {dangling[1]}。",
                )
            return build.seal(base)

    def accept(self, proposal: Proposal) -> str:
        """Make a proposal the current version, at once for all that begin after it."""
        with self._lock:
            state = self._state()
            proposal.path.replace(self.folder / f"{proposal.version}.sqlite3")
            previous = state["current"] if state["current"] != proposal.version else state["previous"]
            self._version(proposal.version).warm_up()  # ready before anybody waits for it
            self._point(current=proposal.version, previous=previous, shipped=state.get("shipped"), origin="update")
            self._forget()
        return proposal.version

    def discard(self, proposal: Proposal) -> None:
        proposal.path.unlink(missing_ok=True)

    def rollback(self) -> str:
        """Go back to the version before; a second call comes forward again. Raises `KnowledgeError` without one."""
        with self._lock:
            state = self._state()
            if not state["previous"]:
                raise KnowledgeError(reason="there is no version before this one.", reason_zh="没有更早的版本。")
            self._version(state["previous"]).warm_up()
            self._point(
                current=state["previous"], previous=state["current"], shipped=state.get("shipped"), origin="update"
            )
        return str(state["previous"])

    def versions(self) -> dict[str, str | None]:
        """The current version and the one before."""
        self.current()
        state = self._state()
        return {"current": state["current"], "previous": state["previous"]}


def _key(folder: Path) -> str:
    """The hash of the shipped files and of what else a build is made of."""
    total = hashlib.sha256(f"{build.SCHEMA_VERSION}".encode())
    for path in sorted(folder.rglob("*.yaml")):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    import importlib.metadata

    for package in ("simple-icd-10-cm", "hpo3"):
        total.update(importlib.metadata.version(package).encode())
    total.update(Path(build.__file__).read_bytes())
    return total.hexdigest()[:16]


def _place(source: Path, target: Path) -> None:
    """The same file in another folder: linked where the disk allows it, else copied whole before it appears."""
    if target.exists():
        return
    with suppress(OSError):
        target.hardlink_to(source)
        return
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    shutil.copyfile(source, temporary)
    temporary.replace(target)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _require_whole(name: str, before: Graph, after: Graph) -> None:
    """Refuse an update that loses a red flag, much of the graph, or a name that used to be understood."""
    lost = sorted({flag.id for flag in before.red_flags} - {flag.id for flag in after.red_flags})
    if lost:
        raise KnowledgeError(
            reason=f"{name} loses the red flag {lost[0]}.", reason_zh=f"{name} 丢失了警示规则 {lost[0]}。"
        )
    gone = set(before.diseases) - set(after.diseases)
    if len(gone) > MOST_LOST * len(before.diseases):
        raise KnowledgeError(
            reason=f"{name} loses {len(gone)} of {len(before.diseases)} diseases.",
            reason_zh=f"{name} 丢失了 {len(before.diseases)} 个疾病中的 {len(gone)} 个。",
        )
    for disease in after.diseases.values():
        for text in (disease.name.en, disease.name.zh):
            if (found := after.normalise(text)) is None or found.id != disease.id:
                raise KnowledgeError(
                    reason=f"{name}: “{text}” no longer means {disease.id}.",
                    reason_zh=f"{name}：“{text}”不再指 {disease.id}。",
                )


def compare(before: Graph, after: Graph) -> Iterator[str]:
    """What differs between two versions, a line each, for somebody to read."""
    old, new = ({each["name"]: each for each in graph.sources()} for graph in (before, after))
    for name in sorted({*old, *new}):
        versions = [each.get(name, {}).get("version", "–") for each in (old, new)]
        if old.get(name, {}).get("sha256") != new.get(name, {}).get("sha256"):
            yield f"~ source {name}: {versions[0]} → {versions[1]}"
    for kind, one, two in (
        ("disease", before.diseases, after.diseases),
        ("finding", before.findings, after.findings),
        ("measure", before.measures, after.measures),
        ("red flag", {each.id: each for each in before.red_flags}, {each.id: each for each in after.red_flags}),
        ("reference", before.references, after.references),
    ):
        yield from _differences(kind, one, two)


def _differences(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if name not in after:
            yield f"- {kind} {name}"
        elif name not in before:
            yield f"+ {kind} {name}"
        elif before[name] != after[name]:
            yield f"~ {kind} {name}: {'; '.join(_changes(before[name].model_dump(by_alias=True), after[name].model_dump(by_alias=True)))}"


def _changes(before: Any, after: Any, place: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            here = f"{place}.{key}" if place else str(key)
            if key not in after:
                yield f"{here} removed"
            elif key not in before:
                yield f"{here} added ({_brief(after[key])})"
            elif before[key] != after[key]:
                yield from _changes(before[key], after[key], here)
    elif (
        isinstance(before, (tuple, list))
        and isinstance(after, (tuple, list))
        and all(isinstance(each, str) for each in (*before, *after))
    ):
        added, removed = [each for each in after if each not in before], [each for each in before if each not in after]
        yield f"{place} " + ", ".join(
            [*(f"+{each}" for each in added), *(f"−{each}" for each in removed)] or ["in another order"]
        )
    else:
        yield f"{place} {_brief(before)} → {_brief(after)}"


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
