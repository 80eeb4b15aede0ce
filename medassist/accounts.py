"""Who is who: invitations, passwords, sessions. Every step is audited; a password or a link never is."""

import base64
import hashlib
import math
import secrets
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, get_args

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from medassist.audit import Audit
from medassist.errors import BadInvitation, BadPassword, Busy, InvalidAccount, LockedOut, StorageError
from medassist.store.account_tables import Role
from medassist.store.accounts import Account, Accounts, Counted, SignIn, Tries

MAX_TRIES: Final = 5
LOCK: Final = timedelta(minutes=15)
IDLE: Final[dict[Role, timedelta]] = {"lead": timedelta(minutes=15), "rater": timedelta(minutes=60)}
LONGEST: Final = timedelta(hours=12)
REFRESH: Final = timedelta(seconds=30)
"""How exactly it is kept when a session was last seen, so that reading a page is not a write each time."""
INVITED: Final = timedelta(days=7)
SHORTEST_PASSWORD, LONGEST_PASSWORD, LONGEST_NAME = 10, 200, 60
AT_ONCE, WAITING = 2, 8
"""Passwords worked on at once, 64 MiB each, and how many wait; who comes after those is told to come again."""
REMEMBERED: Final = 10_000
"""Names that nobody has whose tries are counted too: otherwise a lock would tell which names exist."""

LOCAL: Final = "local"
"""Id and name of the account of whoever sits at the computer itself (MEDASSIST_AUTH=local)."""


def _now() -> datetime:
    return datetime.now(UTC)


class Directory:
    """Everybody who may sign in, and who has."""

    def __init__(
        self,
        accounts: Accounts,
        audit: Audit,
        *,
        clock: Callable[[], datetime] = _now,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self._accounts, self._audit, self._clock = accounts, audit, clock
        self._hasher = hasher or PasswordHasher()
        self._nobody = _hash_of_nobody(self._hasher)
        self._strangers = _Strangers()
        self._room = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._working = threading.BoundedSemaphore(AT_ONCE)

    # Accounts

    def add(self, name: str, role: str, *, by: str = "cli") -> tuple[str, str]:
        """A new account, and the token of its first invitation. Raises `InvalidAccount`."""
        name = _checked_name(name)
        known = next((each for each in get_args(Role) if each == role), None)
        if known is None:
            raise InvalidAccount(where="role", reason="must be lead or rater.", reason_zh="必须是 lead 或 rater。")
        account = Account(secrets.token_hex(8), name, known, self._clock())
        if key(name) == LOCAL or not self._accounts.add(account, key(name)):
            raise InvalidAccount(where=name, reason="this name is taken.", reason_zh="该用户名已被使用。")
        self._audit.record(by, "account.added", account.id, new={"name": name, "role": role})
        return account.id, self.invite(account.id, by=by)

    def find(self, name: str) -> Account:
        """The account with this name. Raises `InvalidAccount`."""
        return _there(self._accounts.named(key(name)), name)

    def get(self, account_id: str) -> Account:
        """The account with this id. Raises `InvalidAccount`."""
        return _there(self._accounts.get(account_id), account_id)

    def list(self) -> list[Account]:
        return self._accounts.all()

    def disable(self, account_id: str, *, by: str = "cli") -> None:
        """Let nobody in as this account any more, whoever is in included. Raises `InvalidAccount`."""
        account = self.get(account_id)
        if self._accounts.disable(account.id, self._clock()):
            self._audit.record(by, "account.disabled", account.id)

    def local(self) -> Account | None:
        """The built-in account of this computer, made when first asked for; None where it was disabled."""
        account = self._accounts.get(LOCAL)
        if account is None:
            made = Account(LOCAL, LOCAL, "lead", self._clock())
            if self._accounts.add(made, LOCAL):
                self._audit.record("system", "account.added", LOCAL, new={"name": LOCAL, "role": "lead"})
            account = self._accounts.get(LOCAL)
        return account if account and not account.disabled_at else None

    # Invitations

    def invite(self, account_id: str, *, by: str = "cli") -> str:
        """The token of a new invitation, with which a password is chosen; earlier ones open nothing any more."""
        account = self.get(account_id)
        if account.disabled_at or account.id == LOCAL:
            raise InvalidAccount(
                where=account.name, reason="this account cannot be invited.", reason_zh="无法邀请此账户。"
            )
        token, now = secrets.token_urlsafe(32), self._clock()
        self._accounts.invite(account.id, _digest(token), now, now + INVITED)
        self._audit.record(by, "account.invited", account.id)
        return token

    def invited(self, token: str) -> Account:
        """Whom this invitation is for. Raises `BadInvitation` where it is used, expired or replaced."""
        kept = self._accounts.invitation(_digest(token))
        if kept is None or kept.account.disabled_at:
            raise BadInvitation(
                reason="it is not known, or a newer one has replaced it.", reason_zh="链接不存在，或已被新链接取代。"
            )
        if kept.used_at:
            raise BadInvitation(reason="it was used already.", reason_zh="链接已被使用。")
        if self._clock() >= kept.expires_at:
            raise BadInvitation(reason="it has expired.", reason_zh="链接已过期。")
        return kept.account

    def accept(self, token: str, password: str) -> Account:
        """Choose the password of the invited account. Raises `BadInvitation`, `BadPassword` or `Busy`."""
        account = self.invited(token)
        _check_password(password, account.name)
        with self._at_work():
            hashed = self._hasher.hash(_bytes(password))
        if not self._accounts.accept(_digest(token), hashed, self._clock()):
            raise BadInvitation(reason="it was used already.", reason_zh="链接已被使用。")
        self._audit.record(account.id, "password.chosen", account.id)
        return account

    # Signing in

    def sign_in(self, name: str, password: str) -> str:
        """The token of a new session. Raises `BadPassword`, `LockedOut` or `Busy`."""
        with self._at_work(early=True) as working:
            account = self._verified(key(name), password, working)
        token, now = secrets.token_urlsafe(32), self._clock()
        self._audit.record(account.id, "signin.began", account.id)
        self._accounts.begin(_digest(token), account.id, now, now + LONGEST)
        return token

    def who(self, token: str) -> Account | None:
        """Whose session this is, while it lasts."""
        kept = self._accounts.signin(_digest(token)) if token else None
        if kept is None:
            return None
        now = self._clock()
        if over := _over(kept, now):
            with suppress(StorageError):  # it is over all the same
                if self._accounts.end(_digest(token)):  # gone: a clock that is put back does not revive it
                    self._audit.record(kept.account.id, "signin.ended", kept.account.id, new={"because": over})
            return None
        if abs(now - kept.seen_at) >= REFRESH:
            with suppress(StorageError):  # a full disk does not keep anyone from reading
                self._accounts.seen(_digest(token), now, min(kept.expires_at, now + LONGEST))
        return kept.account

    def sign_out(self, token: str) -> None:
        account_id = self._accounts.end(_digest(token))
        if account_id is not None:
            self._audit.record(account_id, "signin.ended", account_id, new={"because": "signed out"})

    def denied(self, account: Account, path: str, needed: tuple[Role, ...]) -> None:
        """Keep that somebody asked for what their role may not have."""
        self._audit.record(
            account.id, "access.denied", path[:200], new={"role": account.role, "needed": " ".join(needed)}
        )

    def _verified(self, name_key: str, password: str, working: threading.BoundedSemaphore) -> Account:
        count = partial(_one_more, now=self._clock())
        attempt = self._accounts.attempt(name_key, count)
        counted = attempt.counted if attempt else self._strangers.attempt(name_key, count)
        subject = attempt.account.id if attempt else "unknown"
        if not counted.allowed:
            self._audit.record("anonymous", "signin.refused", subject, new={"because": "locked"})
            raise self._locked(counted.tries)
        stored = attempt.password_hash if attempt and not attempt.account.disabled_at else None
        with working:
            # The same work for a name that nobody has: how long an answer takes tells nothing.
            right = self._matches(stored or self._nobody, password)
        if attempt is None or stored is None or not right:
            self._audit.record("anonymous", "signin.failed", subject, new={"in_a_row": counted.tries.failed})
            if counted.tries.locked_until:
                self._audit.record("anonymous", "signin.locked", subject)
                raise self._locked(counted.tries)
            raise BadPassword(reason="The name or the password is wrong.", reason_zh="用户名或密码错误。")
        self._accounts.forget_tries(attempt.account.id)
        return attempt.account

    def _locked(self, tries: Tries) -> LockedOut:
        left = (tries.locked_until or self._clock()) - self._clock()
        return LockedOut(minutes=max(1, math.ceil(left / timedelta(minutes=1))))

    def _matches(self, hashed: str, password: str) -> bool:
        try:
            # One character above the longest that can be chosen: cut there, a longer one is wrong like any other.
            return self._hasher.verify(hashed, _bytes(password[: LONGEST_PASSWORD + 1]))
        except (VerificationError, InvalidHashError):
            return False

    @contextmanager
    def _at_work(self, early: bool = False) -> Iterator[threading.BoundedSemaphore]:
        """Room to work on a password, or `Busy`; `early`: the work itself begins later, under what is yielded."""
        if not self._room.acquire(blocking=False):
            raise Busy
        try:
            if early:
                yield self._working
            else:
                with self._working:
                    yield self._working
        finally:
            self._room.release()


class _Strangers:
    """Tries for names that nobody has, in this process."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, Tries] = OrderedDict()
        self._lock = threading.Lock()

    def attempt(self, name_key: str, count: Callable[[Tries], Counted]) -> Counted:
        called = _digest(name_key)  # somebody may have typed a password here
        with self._lock:
            counted = count(self._tries.pop(called, Tries()))
            self._tries[called] = counted.tries
            if len(self._tries) > REMEMBERED:
                self._tries.popitem(last=False)
        return counted


def key(name: str) -> str:
    """The name as it is compared."""
    return unicodedata.normalize("NFKC", name[:200]).strip().casefold()


def _one_more(tries: Tries, now: datetime) -> Counted:
    failed, locked_until = tries
    if locked_until:
        locked_until = min(locked_until, now + LOCK)  # a clock that was put back locks nobody out for longer
        if now < locked_until:
            return Counted(Tries(failed, locked_until), allowed=False)
        failed = 0
    failed += 1
    return Counted(Tries(failed, now + LOCK if failed >= MAX_TRIES else None), allowed=True)


def _over(kept: SignIn, now: datetime) -> str:
    """Why a session is over, or nothing. Seen later than now, it is not idle: the clock was put back."""
    if kept.account.disabled_at:
        return "disabled"
    if now >= kept.expires_at:
        return "time"
    return "idle" if now - kept.seen_at >= IDLE[kept.account.role] else ""


def _there(account: Account | None, called: str) -> Account:
    if account is None:
        raise InvalidAccount(where=called[:LONGEST_NAME], reason="no such account.", reason_zh="没有此账户。")
    return account


def _checked_name(name: str) -> str:
    name = unicodedata.normalize("NFKC", " ".join(name.split()))
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidAccount(
            where="name",
            reason=f"needs 1 to {LONGEST_NAME} characters.",
            reason_zh=f"须为 1 至 {LONGEST_NAME} 个字符。",
        )
    if not name.isprintable():  # among them characters that cannot be seen
        raise InvalidAccount(
            where="name", reason="has characters that cannot be shown.", reason_zh="含有无法显示的字符。"
        )
    return name


def _check_password(password: str, name: str) -> None:
    if len(password) < SHORTEST_PASSWORD:
        raise BadPassword(
            reason=f"The password needs at least {SHORTEST_PASSWORD} characters.",
            reason_zh=f"密码至少需要 {SHORTEST_PASSWORD} 个字符。",
        )
    if len(password) > LONGEST_PASSWORD:
        raise BadPassword(
            reason=f"The password may have at most {LONGEST_PASSWORD} characters.",
            reason_zh=f"密码最多 {LONGEST_PASSWORD} 个字符。",
        )
    if key(password) == key(name):
        raise BadPassword(reason="The password must not be the name.", reason_zh="密码不能与用户名相同。")


def _bytes(password: str) -> bytes:
    """One form for what different keyboards send for the same characters."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """A hash that no password has, and that costs what a real one costs."""
    salt, nothing = (
        base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${nothing}"
