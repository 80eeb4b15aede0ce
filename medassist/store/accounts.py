"""Accounts, sessions and invitations as they are kept. What they mean is `medassist.accounts`' matter."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Engine, delete, select, update
from sqlalchemy.orm import Session

from medassist.store.account_tables import AccountRow, InvitationRow, Role, SignInRow
from medassist.store.database import reading, writing


@dataclass(frozen=True)
class Account:
    id: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None
    locked_until: datetime | None = None
    has_password: bool = False

    @property
    def state(self) -> Literal["disabled", "invited", "active"]:
        """Whether the person can sign in, has yet to choose a password, or no longer can."""
        return "disabled" if self.disabled_at else "active" if self.has_password else "invited"


class Tries(NamedTuple):
    """Wrong passwords in a row, and until when no more are looked at."""

    failed: int = 0
    locked_until: datetime | None = None


class Counted(NamedTuple):
    """The tries with one more, and whether that one may be looked at."""

    tries: Tries
    allowed: bool


@dataclass(frozen=True)
class Attempt:
    account: Account
    password_hash: str | None = field(repr=False)
    counted: Counted


@dataclass(frozen=True)
class SignIn:
    account: Account
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Invitation:
    account: Account
    expires_at: datetime
    used_at: datetime | None


class Accounts:
    """The repository of accounts in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, account: Account, name_key: str) -> bool:
        """Keep a new account, or keep nothing and return False where the id or the name is taken."""
        taken = select(AccountRow.id).where((AccountRow.name_key == name_key) | (AccountRow.id == account.id))
        with writing(self._engine) as session:
            if session.scalar(taken) is not None:
                return False
            row = AccountRow(id=account.id, name=account.name, name_key=name_key, role=account.role, failed=0)
            row.created_at = account.created_at
            session.add(row)
        return True

    def get(self, account_id: str) -> Account | None:
        with reading(self._engine) as session:
            row = session.get(AccountRow, account_id)
        return None if row is None else _account(row)

    def named(self, name_key: str) -> Account | None:
        with reading(self._engine) as session:
            row = session.scalar(select(AccountRow).where(AccountRow.name_key == name_key))
        return None if row is None else _account(row)

    def all(self) -> list[Account]:
        """Every account, oldest first."""
        with reading(self._engine) as session:
            rows = session.scalars(select(AccountRow).order_by(AccountRow.created_at, AccountRow.id)).all()
        return [_account(row) for row in rows]

    def disable(self, account_id: str, now: datetime) -> bool:
        """Let nobody sign in as this account any more; False where nobody could."""
        live = (AccountRow.id == account_id) & AccountRow.disabled_at.is_(None)
        with writing(self._engine) as session:
            changed = session.scalar(update(AccountRow).where(live).values(disabled_at=now).returning(AccountRow.id))
            _end_all(session, account_id)
            session.execute(delete(InvitationRow).where(_unused(account_id)))
        return changed is not None

    # Invitations and passwords

    def invite(self, account_id: str, token_hash: str, now: datetime, expires_at: datetime) -> None:
        """Keep an invitation in place of those not used yet."""
        with writing(self._engine) as session:
            session.execute(delete(InvitationRow).where(_unused(account_id)))
            row = InvitationRow(token_hash=token_hash, account_id=account_id, created_at=now, expires_at=expires_at)
            session.add(row)

    def invitation(self, token_hash: str) -> Invitation | None:
        found = select(InvitationRow, AccountRow).join(AccountRow, AccountRow.id == InvitationRow.account_id)
        with reading(self._engine) as session:
            both = session.execute(found.where(InvitationRow.token_hash == token_hash)).first()
        return None if both is None else Invitation(_account(both[1]), both[0].expires_at, both[0].used_at)

    def accept(self, token_hash: str, password_hash: str, now: datetime) -> bool:
        """Use an invitation: the account has this password, and no session or lock from before; False if it is used."""
        unused = (InvitationRow.token_hash == token_hash) & InvitationRow.used_at.is_(None)
        used = update(InvitationRow).where(unused).values(used_at=now).returning(InvitationRow.account_id)
        with writing(self._engine) as session:
            account_id = session.scalar(used)
            if account_id is None:
                return False
            row = session.get_one(AccountRow, account_id)
            row.password_hash, row.failed, row.locked_until = password_hash, 0, None
            _end_all(session, account_id)
        return True

    def attempt(self, name_key: str, count: Callable[[Tries], Counted]) -> Attempt | None:
        """Count a try before its password is looked at, so that of many at once no more than allowed are."""
        with writing(self._engine) as session:
            row = session.scalar(select(AccountRow).where(AccountRow.name_key == name_key).with_for_update())
            if row is None:
                return None
            counted = count(Tries(row.failed, row.locked_until))
            row.failed, row.locked_until = counted.tries
            return Attempt(_account(row), row.password_hash, counted)

    def forget_tries(self, account_id: str) -> None:
        with writing(self._engine) as session:
            cleared = update(AccountRow).where(AccountRow.id == account_id)
            session.execute(cleared.values(failed=0, locked_until=None))

    # Sessions

    def begin(self, token_hash: str, account_id: str, now: datetime, expires_at: datetime) -> None:
        """Keep a new session; those whose time has run out go."""
        with writing(self._engine) as session:
            session.execute(delete(SignInRow).where(SignInRow.expires_at <= now))
            row = SignInRow(token_hash=token_hash, account_id=account_id, created_at=now, expires_at=expires_at)
            row.seen_at = now
            session.add(row)

    def signin(self, token_hash: str) -> SignIn | None:
        found = select(SignInRow, AccountRow).join(AccountRow, AccountRow.id == SignInRow.account_id)
        with reading(self._engine) as session:
            both = session.execute(found.where(SignInRow.token_hash == token_hash)).first()
        return None if both is None else SignIn(_account(both[1]), both[0].seen_at, both[0].expires_at)

    def seen(self, token_hash: str, now: datetime, expires_at: datetime) -> None:
        """Note that a session is in use. One that has ended stays ended."""
        with writing(self._engine) as session:
            kept = update(SignInRow).where(SignInRow.token_hash == token_hash)
            session.execute(kept.values(seen_at=now, expires_at=expires_at))

    def end(self, token_hash: str) -> str | None:
        """End a session and return whose it was, if there was one."""
        gone = delete(SignInRow).where(SignInRow.token_hash == token_hash).returning(SignInRow.account_id)
        with writing(self._engine) as session:
            return session.scalar(gone)


def _account(row: AccountRow) -> Account:
    known = row.password_hash is not None
    return Account(row.id, row.name, row.role, row.created_at, row.disabled_at, row.locked_until, known)


def _unused(account_id: str) -> ColumnElement[bool]:
    return (InvitationRow.account_id == account_id) & InvitationRow.used_at.is_(None)


def _end_all(session: Session, account_id: str) -> None:
    session.execute(delete(SignInRow).where(SignInRow.account_id == account_id))
