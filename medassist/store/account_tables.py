"""The tables of who may sign in. Of a password, a session or a link only a hash is kept."""

from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from medassist.store.tables import AnyText, Base

Role = Literal["lead", "rater"]


class AccountRow(Base):
    """A person who may sign in. Never deleted: what they did stays theirs."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str]  # the name as it is compared: without regard to case
    role: Mapped[Role] = mapped_column(AnyText())
    password_hash: Mapped[str | None]  # None until the first invitation is accepted
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    failed: Mapped[int]  # wrong passwords since the last right one
    locked_until: Mapped[datetime | None]


class SignInRow(Base):
    """A session of somebody who signed in."""

    __tablename__ = "signin"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class InvitationRow(Base):
    """A personal link with which a password is chosen, once."""

    __tablename__ = "invitation"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
