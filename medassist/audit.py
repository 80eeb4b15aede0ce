"""Who did what, when: a trail that only grows, each entry sealed with the one before.

An entry's hash is HMAC-SHA-256 over all that it says and over the hash before it, under a key that is not in the
database; so a changed, removed, added or exchanged row breaks the chain at its place, also for one who can write to
the database (21 CFR 11.10(e); 45 CFR 164.312(b),(c)). Entries hold ids, codes and counts, never the text of a case.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from medassist.errors import AuditError
from medassist.store import trail
from medassist.store.tables import AuditEntry

Value = str | int | float | bool | None
Details = Mapping[str, "Value | list[str] | Mapping[str, int]"]


@dataclass(frozen=True)
class Entry:
    number: int
    at: str
    who: str
    what: str
    subject: str
    old: str | None
    new: str | None


class Audit:
    """The trail in one database. `key` seals it: 32 bytes at least, kept outside the database."""

    def __init__(self, database: Engine, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the key of the audit trail needs 32 bytes")
        self._database = database
        self._key = hmac.new(key, b"medassist audit", hashlib.sha256).digest()

    def record(
        self, who: str, what: str, subject: str, *, old: Details | None = None, new: Details | None = None
    ) -> int:
        """Add an entry and return its number. Raises `StorageError`, and then nothing was added."""
        return trail.append(self._database, self._maker(who, what, subject, old, new))

    def within(
        self, who: str, what: str, subject: str, *, old: Details | None = None, new: Details | None = None
    ) -> Callable[[Session], int]:
        """What adds an entry within a transaction of the store: what it tells of is kept with it, or neither is."""
        return lambda session: trail.append_in(session, self._maker(who, what, subject, old, new))

    def _maker(
        self, who: str, what: str, subject: str, old: Details | None, new: Details | None
    ) -> Callable[[int, str], AuditEntry]:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")

        def make(number: int, previous: str) -> AuditEntry:
            entry = AuditEntry(
                number=number,
                at=at,
                who=who,
                what=what,
                subject=subject,
                old=_json(old),
                new=_json(new),
                previous=previous,
            )
            entry.hash = self._seal(entry)
            return entry

        return make

    def verify(self) -> int:
        """Check every entry and return how many there are. Raises `AuditError` naming the first that does not hold."""
        previous, expected, count = trail.FIRST, 1, 0
        for entry in trail.entries(self._database):
            if entry.number != expected:
                raise AuditError(
                    reason=f"entry {expected} is missing.", reason_zh=f"第 {expected} 条记录缺失。", number=expected
                )
            if entry.previous != previous or not hmac.compare_digest(_bytes(entry.hash), _bytes(self._seal(entry))):
                raise AuditError(
                    reason=f"entry {entry.number} was changed.",
                    reason_zh=f"第 {entry.number} 条记录被改动。",
                    number=entry.number,
                )
            previous, expected, count = entry.hash, expected + 1, count + 1
        last = trail.last_given(self._database)
        if last is not None and last > count:
            raise AuditError(
                reason=f"entry {count + 1} is missing.", reason_zh=f"第 {count + 1} 条记录缺失。", number=count + 1
            )
        return count

    def latest(self, limit: int = 50) -> list[Entry]:
        """The last entries, newest first."""
        return [
            Entry(each.number, each.at, each.who, each.what, each.subject, each.old, each.new)
            for each in trail.latest(self._database, limit)
        ]

    def about(self, subjects: Collection[str]) -> list[Entry]:
        """What was done to or by any of `subjects`, oldest first."""
        return [
            Entry(each.number, each.at, each.who, each.what, each.subject, each.old, each.new)
            for each in trail.entries(self._database)
            if each.subject in subjects or each.who in subjects
        ]

    def _seal(self, entry: AuditEntry) -> str:
        said = [entry.number, entry.at, entry.who, entry.what, entry.subject, entry.old, entry.new, entry.previous]
        return hmac.new(self._key, json.dumps(said).encode(), hashlib.sha256).hexdigest()


def _json(details: Details | None) -> str | None:
    return None if details is None else json.dumps(details, sort_keys=True, ensure_ascii=False)


def _bytes(text: str) -> bytes:
    """For comparing: what was changed need not be ASCII any more."""
    return text.encode("utf-8", "surrogatepass")
