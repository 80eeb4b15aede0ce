"""The rows of the audit trail: added at its end, read in order. What they mean is `medassist.audit`'s matter."""

from collections.abc import Callable, Iterator

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from medassist.store.database import reading, writing
from medassist.store.tables import AuditEntry

FIRST = "0" * 64
"""What stands for the hash before the first entry."""


def append(engine: Engine, make: Callable[[int, str], AuditEntry]) -> int:
    """Add the entry that `make(number, hash of the entry before)` returns, as the only writer meanwhile."""
    with writing(engine) as session:
        return append_in(session, make)


def append_in(session: Session, make: Callable[[int, str], AuditEntry]) -> int:
    """… within a transaction that writes something else too: both are kept, or neither."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('medassist-audit'))"))
    last = session.execute(
        select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.number.desc()).limit(1)
    ).first()
    number, previous = (last[0] + 1, last[1]) if last else (1, FIRST)
    session.add(make(number, previous))
    return number


def entries(engine: Engine, batch: int = 1000) -> Iterator[AuditEntry]:
    """All entries, oldest first."""
    after = 0
    while True:
        with reading(engine) as session:
            found = select(AuditEntry).where(AuditEntry.number > after).order_by(AuditEntry.number).limit(batch)
            rows = list(session.scalars(found))
        yield from rows
        if len(rows) < batch:
            return
        after = rows[-1].number


def latest(engine: Engine, limit: int) -> list[AuditEntry]:
    """The last entries, newest first."""
    with reading(engine) as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(limit)))


def last_given(engine: Engine) -> int | None:
    """The highest number ever given, where the database remembers it apart from the rows (SQLite)."""
    if engine.dialect.name != "sqlite":
        return None
    with reading(engine) as session:
        row = session.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")).first()
    return int(row[0]) if row else 0
