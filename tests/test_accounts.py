"""Who is who: invitations, passwords, locks and sessions, under a clock that the tests set."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from medassist.accounts import LOCK, LONGEST, Directory
from medassist.audit import Audit
from medassist.config import load_settings
from medassist.errors import BadInvitation, BadPassword, Busy, InvalidAccount, LockedOut, StorageError
from medassist.services import build_audit, open_directory
from medassist.store import Store, open_store
from medassist.store.accounts import Accounts

ROOT = Path(__file__).resolve().parents[1]
PASSWORD, WRONG = "a quiet harbour", "a loud harbour!"
MINUTE = timedelta(minutes=1)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


class Counting(PasswordHasher):
    """argon2, cheap, counting how often and how much of it runs; it waits while the gate is closed."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = self.running = self.most = 0
        self.gate, self._lock = threading.Event(), threading.Lock()
        self.gate.set()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        with self._lock:
            self.verified, self.running = self.verified + 1, self.running + 1
            self.most = max(self.most, self.running)
        try:
            self.gate.wait(30)
            return super().verify(hash, password)
        finally:
            with self._lock:
                self.running -= 1


class World:
    """A directory on a database of its own, and what surrounds it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings = folder, load_settings(data_dir=folder)
        self.clock, self.hasher = Clock(), Counting()
        self.store: Store = open_store(self.settings.database)
        self.audit: Audit = build_audit(self.settings, self.store)
        self.directory = self.another()

    def another(self, hasher: PasswordHasher | None = None) -> Directory:
        """A second instance on the same database."""
        return Directory(Accounts(self.store.database), self.audit, clock=self.clock, hasher=hasher or self.hasher)

    def person(self, name: str = "Wei", role: str = "rater") -> str:
        account_id, token = self.directory.add(name, role)
        self.directory.accept(token, PASSWORD)
        return account_id

    def audited(self) -> list[str]:
        return [entry.what for entry in reversed(self.audit.latest(10_000))]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


# Accounts and invitations


def test_from_the_invitation_to_the_session(world: World) -> None:
    account_id, token = world.directory.add("  Dr.  Wei ", "lead")
    assert world.directory.invited(token).name == "Dr. Wei"
    assert world.directory.get(account_id).state == "invited"
    assert world.directory.accept(token, PASSWORD).id == account_id
    session = world.directory.sign_in("dr. WEI", PASSWORD)
    who = world.directory.who(session)
    assert who is not None and (who.id, who.role, who.state) == (account_id, "lead", "active")
    world.directory.sign_out(session)
    assert world.directory.who(session) is None
    assert world.audited() == [
        "account.added", "account.invited", "password.chosen", "signin.began", "signin.ended",
    ]  # fmt: skip
    world.audit.verify()


@pytest.mark.parametrize("name", ["Wei", "WEI", " wei ", "Ｗｅｉ", "local", "LOCAL"])
def test_a_name_is_taken_once_however_it_is_written(world: World, name: str) -> None:
    world.directory.add("Wei", "rater")
    with pytest.raises(InvalidAccount, match="taken"):
        world.directory.add(name, "rater")
    assert len(world.directory.list()) == 1


@pytest.mark.parametrize(
    ("name", "role"), [("", "rater"), ("  ", "rater"), ("x" * 61, "rater"), ("W\u200bei", "rater"), ("Wei", "admin")]
)
def test_what_is_no_account_is_refused(world: World, name: str, role: str) -> None:
    with pytest.raises(InvalidAccount):
        world.directory.add(name, role)
    assert world.directory.list() == []


def test_an_invitation_is_used_once(world: World) -> None:
    _, token = world.directory.add("Wei", "rater")
    world.directory.accept(token, PASSWORD)
    for use in (lambda: world.directory.accept(token, WRONG), lambda: world.directory.invited(token)):
        with pytest.raises(BadInvitation, match="used already"):
            use()
    world.directory.sign_in("Wei", PASSWORD)


def test_of_two_who_use_an_invitation_at_once_one_does(world: World) -> None:
    _, token = world.directory.add("Wei", "rater")
    passwords = [f"{PASSWORD} {n}" for n in range(2)]
    together = threading.Barrier(2)

    def accept(password: str) -> bool:
        together.wait(10)
        try:
            world.directory.accept(token, password)
        except BadInvitation:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(accept, passwords))
    assert sorted(done) == [False, True]
    world.directory.sign_in("Wei", passwords[done.index(True)])
    with pytest.raises(BadPassword):
        world.directory.sign_in("Wei", passwords[done.index(False)])


def test_an_invitation_expires_and_a_newer_one_replaces_it(world: World) -> None:
    account_id, first = world.directory.add("Wei", "rater")
    second = world.directory.invite(account_id)
    with pytest.raises(BadInvitation, match="replaced"):
        world.directory.accept(first, PASSWORD)
    world.clock.forward(timedelta(days=7))
    with pytest.raises(BadInvitation, match="expired"):
        world.directory.accept(second, PASSWORD)
    with pytest.raises(BadInvitation, match="not known"):
        world.directory.accept("x" * 43, PASSWORD)
    assert world.directory.get(account_id).state == "invited" and world.hasher.verified == 0


def test_a_new_password_ends_what_the_old_one_opened(world: World) -> None:
    account_id = world.person()
    session = world.directory.sign_in("Wei", PASSWORD)
    token = world.directory.invite(account_id)
    assert world.directory.who(session) is not None  # asked for is not yet changed
    world.directory.accept(token, "another harbour")
    assert world.directory.who(session) is None
    with pytest.raises(BadPassword):
        world.directory.sign_in("Wei", PASSWORD)
    world.directory.sign_in("Wei", "another harbour")


@pytest.mark.parametrize(
    ("password", "said", "said_zh"),
    [
        ("123456789", "at least 10", "至少需要 10"),
        ("x" * 201, "at most 200", "最多 200"),
        ("DR. WEI ZHANG", "must not be the name", "不能与用户名相同"),
    ],
)
def test_a_password_that_may_not_be_chosen(world: World, password: str, said: str, said_zh: str) -> None:
    _, token = world.directory.add("Dr. Wei Zhang", "rater")
    with pytest.raises(BadPassword, match=said) as caught:
        world.directory.accept(token, password)
    assert said_zh in caught.value.text("zh")
    assert world.directory.accept(token, "x" * 200).name == "Dr. Wei Zhang"  # the link is still good


def test_a_password_is_the_same_from_every_keyboard(world: World) -> None:
    _, token = world.directory.add("Wei", "rater")
    world.directory.accept(token, "Ｐassword１２３ é")
    assert world.directory.sign_in("Wei", "Password123 e\u0301")


def test_a_longer_password_than_any_is_wrong(world: World) -> None:
    _, token = world.directory.add("Wei", "rater")
    world.directory.accept(token, "x" * 200)
    with pytest.raises(BadPassword):
        world.directory.sign_in("Wei", "x" * 1_000_000)
    world.directory.sign_in("Wei", "x" * 200)


def test_a_disabled_account_is_out_at_once_and_stays_out(world: World) -> None:
    account_id = world.person()
    session, link = world.directory.sign_in("Wei", PASSWORD), world.directory.invite(account_id)
    world.directory.disable(account_id)
    world.directory.disable(account_id)
    assert world.directory.who(session) is None and world.directory.get(account_id).state == "disabled"
    with pytest.raises(BadPassword):
        world.directory.sign_in("Wei", PASSWORD)
    with pytest.raises(BadInvitation):
        world.directory.accept(link, PASSWORD)
    with pytest.raises(InvalidAccount):
        world.directory.invite(account_id)
    assert world.audited().count("account.disabled") == 1


def test_the_account_of_this_computer_is_made_once(world: World) -> None:
    made = {account.id for account in (world.directory.local(), world.another().local()) if account}
    assert made == {"local"} and [each.role for each in world.directory.list()] == ["lead"]
    assert world.audited() == ["account.added"]
    with pytest.raises(InvalidAccount):
        world.directory.invite("local")
    with pytest.raises(BadPassword):
        world.directory.sign_in("local", "")
    world.directory.disable("local")
    assert world.directory.local() is None


# Wrong passwords


@pytest.mark.parametrize("name", ["Wei", "Nobody"])
@pytest.mark.parametrize("threads", [1, 8])
def test_of_two_hundred_guesses_five_are_looked_at(world: World, name: str, threads: int) -> None:
    world.person()

    def guess(n: int) -> str:
        with pytest.raises((BadPassword, LockedOut)) as caught:
            world.directory.sign_in(name, f"{WRONG} {n}")
        return caught.value.code

    with ThreadPoolExecutor(threads) as pool:
        codes = list(pool.map(guess, range(200)))
    assert world.hasher.verified == 5
    assert (codes.count("bad_password"), codes.count("locked_out")) == (4, 196)
    audited = world.audited()
    assert (audited.count("signin.failed"), audited.count("signin.refused")) == (5, 195)
    assert audited.count("signin.locked") == 1
    entries = json.dumps([vars(entry) for entry in world.audit.latest(10_000)])
    assert WRONG not in entries and "Nobody" not in entries


@pytest.mark.parametrize("name", ["Wei", "Nobody"])
def test_a_lock_opens_after_its_time_also_for_the_right_password(world: World, name: str) -> None:
    world.person()
    for _ in range(5):
        with pytest.raises((BadPassword, LockedOut)):
            world.directory.sign_in(name, WRONG)
    world.clock.forward(LOCK - MINUTE)
    with pytest.raises(LockedOut, match="in 1 min"):
        world.directory.sign_in(name, PASSWORD)
    assert world.hasher.verified == 5
    world.clock.forward(MINUTE)
    with pytest.raises(BadPassword):  # not locked again by the first one
        world.directory.sign_in(name, WRONG)
    if name == "Wei":
        world.directory.sign_in(name, PASSWORD)


def test_a_right_password_forgets_the_wrong_ones(world: World) -> None:
    world.person()
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(BadPassword):
                world.directory.sign_in("Wei", WRONG)
        world.directory.sign_in("Wei", PASSWORD)


def test_a_lock_holds_on_every_instance(world: World) -> None:
    world.person()
    other = world.another()
    for directory in (world.directory, other, world.directory, other, world.directory):
        with pytest.raises((BadPassword, LockedOut)):
            directory.sign_in("Wei", WRONG)
    with pytest.raises(LockedOut):
        other.sign_in("Wei", PASSWORD)


def test_a_clock_that_is_put_back_locks_nobody_out_for_longer(world: World) -> None:
    world.person()
    for _ in range(5):
        with pytest.raises((BadPassword, LockedOut)):
            world.directory.sign_in("Wei", WRONG)
    world.clock.forward(timedelta(days=-365))
    with pytest.raises(LockedOut, match="in 15 min"):
        world.directory.sign_in("Wei", PASSWORD)
    world.clock.forward(LOCK)
    world.directory.sign_in("Wei", PASSWORD)


def test_a_name_that_nobody_has_costs_the_same(world: World) -> None:
    """The same parameters of argon2, so the same work; also where there is no password yet."""
    seen: list[str] = []

    class Noting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            seen.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    directory = world.another(Noting())
    _, token = directory.add("Wei", "rater")
    directory.accept(token, PASSWORD)
    directory.add("Invited", "rater")
    for name in ("Wei", "Invited", "Nobody"):
        with pytest.raises(BadPassword):
            directory.sign_in(name, WRONG)
    assert len(seen) == 3 and len(set(seen)) == 1
    assert "argon2id" in seen[0] and "m=65536" in seen[0]


def test_two_passwords_are_worked_on_at_once_and_eight_wait(world: World) -> None:
    world.hasher.gate.clear()

    def guess(n: int) -> str:
        with pytest.raises((BadPassword, Busy)) as caught:
            world.directory.sign_in(f"Nobody {n}", WRONG)
        return caught.value.code

    with ThreadPoolExecutor(30) as pool:
        waiting, turned_away = {pool.submit(guess, n) for n in range(30)}, list[str]()
        while len(turned_away) < 20:
            done, waiting = wait(waiting, 30, FIRST_COMPLETED)
            assert done
            turned_away += [each.result() for each in done]
        assert turned_away == ["busy"] * 20
        world.hasher.gate.set()
        assert {each.result() for each in waiting} == {"bad_password"}
    assert (world.hasher.verified, world.hasher.most) == (10, 2)


# Sessions


@pytest.mark.parametrize(("role", "idle"), [("lead", 15), ("rater", 60)])
def test_a_session_ends_when_idle(world: World, role: str, idle: int) -> None:
    world.person(role=role)
    session = world.directory.sign_in("Wei", PASSWORD)
    for _ in range(4):
        world.clock.forward((idle - 1) * MINUTE)
        assert world.directory.who(session) is not None
    world.clock.forward(idle * MINUTE)
    assert world.directory.who(session) is None
    [last] = world.audit.latest(1)
    assert (last.what, last.new) == ("signin.ended", '{"because": "idle"}')


def test_a_session_ends_after_twelve_hours_however_busy(world: World) -> None:
    world.person()
    session = world.directory.sign_in("Wei", PASSWORD)
    for _ in range(12 * 4 - 1):
        world.clock.forward(15 * MINUTE)
        assert world.directory.who(session) is not None
    world.clock.forward(15 * MINUTE)
    assert world.directory.who(session) is None


def test_a_session_that_was_over_is_not_revived_by_a_clock_put_back(world: World) -> None:
    world.person()
    session = world.directory.sign_in("Wei", PASSWORD)
    world.clock.forward(60 * MINUTE)
    assert world.directory.who(session) is None
    world.clock.forward(-59 * MINUTE)
    assert world.directory.who(session) is None


def test_a_clock_put_back_neither_ends_a_session_nor_makes_it_last(world: World) -> None:
    world.person()
    session = world.directory.sign_in("Wei", PASSWORD)
    world.clock.forward(-timedelta(days=30))
    assert world.directory.who(session) is not None
    world.clock.forward(60 * MINUTE)  # idle by the new clock
    assert world.directory.who(session) is None

    session = world.directory.sign_in("Wei", PASSWORD)
    world.clock.forward(-timedelta(days=30))
    alive = timedelta(0)
    while world.directory.who(session) is not None:
        world.clock.forward(30 * MINUTE)
        alive += 30 * MINUTE
    assert alive == LONGEST


def test_reading_is_seldom_a_write(world: World) -> None:
    world.person()
    session = world.directory.sign_in("Wei", PASSWORD)

    def seen() -> list[tuple[str]]:
        with closing(sqlite3.connect(world.folder / "medassist.sqlite3")) as other:
            return other.execute("SELECT seen_at FROM signin").fetchall()

    before = seen()
    for _ in range(29):
        world.clock.forward(timedelta(seconds=1))
        assert world.directory.who(session) is not None
    assert seen() == before
    world.clock.forward(timedelta(seconds=1))
    world.directory.who(session)
    assert seen() != before


def test_a_database_that_cannot_be_written_still_knows_who_is_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.person()
    session = world.directory.sign_in("Wei", PASSWORD)

    def fail(*_: object) -> None:
        raise StorageError(reason="the disk is full.", reason_zh="磁盘已满。")

    monkeypatch.setattr(Accounts, "seen", fail)
    monkeypatch.setattr(Accounts, "end", fail)
    world.clock.forward(10 * MINUTE)
    assert world.directory.who(session) is not None
    world.clock.forward(50 * MINUTE)
    assert world.directory.who(session) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 100_000, "\ud800", "'; DROP TABLE account; --"])
def test_what_is_no_session_is_nobody(world: World, token: str) -> None:
    world.person()
    assert world.directory.who(token) is None
    world.directory.sign_out(token)
    assert world.directory.list() and "signin.ended" not in world.audited()


def test_no_password_and_no_token_is_in_the_files(world: World) -> None:
    account_id, token = world.directory.add("Findable", "rater")
    world.directory.accept(token, PASSWORD)
    with pytest.raises(BadPassword):
        world.directory.sign_in("Findable", WRONG)
    with pytest.raises(BadPassword):
        world.directory.sign_in("typed into the wrong box", "Findable")
    secrets = [token, world.directory.sign_in("Findable", PASSWORD), world.directory.invite(account_id)]
    files = b"".join(path.read_bytes() for path in world.folder.iterdir())
    assert b"Findable" in files  # what is kept can be found this way
    for secret in (*secrets, PASSWORD, WRONG, "typed into the wrong box"):
        assert secret.encode() not in files
    assert b"$argon2id$" in files


def test_another_process_knows_the_same_sessions(world: World) -> None:
    script = """
import sys
from pathlib import Path
from medassist.accounts import Directory
from medassist.audit import Audit
from medassist.store import open_store
from medassist.store.accounts import Accounts
folder = Path(sys.argv[1])
store = open_store(f"sqlite:///{folder / 'medassist.sqlite3'}")
directory = Directory(Accounts(store.database), Audit(store.database, (folder / "audit.key").read_bytes()))
who = directory.who(sys.argv[2])
print(who.name if who else "nobody")
directory.sign_out(sys.argv[2])
print(directory.sign_in("Wei", sys.argv[3]))
store.close()
"""
    store, directory = open_directory(world.settings)
    try:
        _, token = directory.add("Wei", "rater")
        directory.accept(token, PASSWORD)
        session = directory.sign_in("Wei", PASSWORD)
        run = [sys.executable, "-c", script, str(world.folder), session, PASSWORD]
        name, theirs = subprocess.check_output(run, cwd=ROOT, text=True, timeout=60).split()
        assert name == "Wei" and directory.who(session) is None
        who = directory.who(theirs)
        assert who is not None and who.name == "Wei"
    finally:
        store.close()
