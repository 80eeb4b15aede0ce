"""The audit trail: it only grows, and every change to what it says is found and named."""

import random
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from medassist.audit import Audit
from medassist.errors import AuditError, StorageError
from medassist.store import Store, open_store
from medassist.store.database import writing

KEY = b"k" * 32
COLUMNS = ("at", "who", "what", "subject", "old", "new", "previous", "hash")


def filled(store: Store, count: int = 30) -> Audit:
    audit = Audit(store.database, KEY)
    for number in range(count):
        audit.record(
            "rater-7",
            "answer.ended",
            f"c{number}",
            old={"status": "streaming"},
            new={"rules": ["red_flag.x"], "n": number},
        )
    return audit


def test_a_trail_that_nobody_touched_holds(store: Store) -> None:
    audit = filled(store)
    assert audit.verify() == 30
    latest = audit.latest(2)
    assert [each.number for each in latest] == [30, 29] and latest[0].subject == "c29"


def test_an_empty_trail_holds(store: Store) -> None:
    assert Audit(store.database, KEY).verify() == 0


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET who = 'x' WHERE number = 3", "DELETE FROM audit WHERE number = 3", "DELETE FROM audit"],
)
def test_the_database_refuses_changes(store: Store, statement: str) -> None:
    audit = filled(store, 5)
    with pytest.raises(StorageError), writing(store.database) as session:
        session.execute(text(statement))
    assert audit.verify() == 5


def tampered(path: Path) -> sqlite3.Connection:
    """The database as one who may write to its file has it: without the triggers."""
    base = sqlite3.connect(path)
    base.execute("DROP TRIGGER audit_no_update")
    base.execute("DROP TRIGGER audit_no_delete")
    return base


def test_each_of_fifty_single_byte_edits_is_found_in_its_row(tmp_path: Path) -> None:
    path, chance = tmp_path / "a.sqlite3", random.Random(7)
    store = open_store(f"sqlite:///{path}")
    audit = filled(store)
    base = tampered(path)
    for attempt in range(50):
        number, column = chance.randint(1, 30), COLUMNS[attempt % len(COLUMNS)]
        (before,) = base.execute(f"SELECT {column} FROM audit WHERE number = ?", (number,)).fetchone()
        at = chance.randrange(len(before))
        changed = before[:at] + chance.choice([c for c in "abcdef0123456789" if c != before[at]]) + before[at + 1 :]
        base.execute(f"UPDATE audit SET {column} = ? WHERE number = ?", (changed, number))
        base.commit()
        with pytest.raises(AuditError) as found:
            audit.verify()
        # An exchanged hash also breaks the link of the row after it; its own row comes first.
        assert found.value.details["number"] == number, (attempt, column)
        base.execute(f"UPDATE audit SET {column} = ? WHERE number = ?", (before, number))
        base.commit()
    assert audit.verify() == 30
    base.close()
    store.close()


@pytest.mark.parametrize(("statement", "number"), [
    ("DELETE FROM audit WHERE number = 12", 12),
    ("DELETE FROM audit WHERE number = 30", 30),
    ("DELETE FROM audit", 1),
    ("UPDATE audit SET number = 99 WHERE number = 30", 30),
    ("UPDATE audit SET number = number + 100; UPDATE audit SET number = number - 99", 1),
])  # fmt: skip
def test_a_missing_or_moved_row_is_found(tmp_path: Path, statement: str, number: int) -> None:
    path = tmp_path / "a.sqlite3"
    store = open_store(f"sqlite:///{path}")
    audit = filled(store)
    base = tampered(path)
    base.executescript(statement)
    with pytest.raises(AuditError) as found:
        audit.verify()
    assert found.value.details["number"] == number
    base.close()
    store.close()


def test_one_who_writes_a_chain_of_his_own_has_not_the_key(store: Store) -> None:
    filled(store, 3)
    with pytest.raises(AuditError):
        Audit(store.database, b"x" * 32).verify()


def test_eight_writers_make_one_chain(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    audit = Audit(store.database, KEY)
    workers = [
        threading.Thread(target=lambda n=n: [audit.record(f"w{n}", "x", str(k)) for k in range(10)]) for n in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert audit.verify() == 80
    store.close()
