"""The tables. A change here needs a revision in `migrations/versions`; a test compares the two."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import JSON, DateTime, Dialect, ForeignKey, Index, MetaData, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from medassist.errors import Language

Kind = Literal["diagnosis", "follow_up"]
Outcome = Literal["complete", "stopped", "failed", "interrupted"]
Status = Literal["streaming", "complete", "stopped", "failed", "interrupted"]

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class AnyText(TypeDecorator[str]):
    """Text; NUL and lone surrogates, which no database stores in common, become U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and _UNSTORABLE.sub("\ufffd", value)


class UtcTime(TypeDecorator[datetime]):
    """An instant, always in UTC, also where the database has no time zones (SQLite)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: AnyText(),
        Language: AnyText(),
        Kind: AnyText(),
        Status: AnyText(),
        datetime: UtcTime(),
        dict[str, object]: JSON(none_as_null=True),
    }


class Consultation(Base):
    """One case, from its first question to its last. Deleting it deletes its turns."""

    __tablename__ = "consultation"

    id: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(index=True)
    language: Mapped[Language]
    case_json: Mapped[str]
    case_text: Mapped[str]  # what the spans of an answer index

    turns: Mapped[list["Turn"]] = relationship(order_by="Turn.position", lazy="selectin", passive_deletes=True)


class Turn(Base):
    """One question and what the model made of it."""

    __tablename__ = "turn"
    __table_args__ = (UniqueConstraint("consultation_id", "position"), Index(None, "status", "updated_at"))

    id: Mapped[str] = mapped_column(primary_key=True)
    consultation_id: Mapped[str] = mapped_column(ForeignKey("consultation.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[Kind]
    status: Mapped[Status]
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]  # None while streaming, and for a turn that nobody saw end
    engine: Mapped[str]
    model: Mapped[str]
    adapter: Mapped[str | None]
    prompt_version: Mapped[str]
    knowledge_version: Mapped[str | None]
    decoding: Mapped[dict[str, object]]
    question: Mapped[str]
    prompt: Mapped[str]  # what the model read, to the letter
    raw: Mapped[str]  # everything the model wrote, before any parsing
    result: Mapped[dict[str, object] | None]


class Draft(Base):
    """What a doctor has typed and not yet sent, under the opaque id of the browser."""

    __tablename__ = "draft"

    id: Mapped[str] = mapped_column(primary_key=True)
    updated_at: Mapped[datetime]
    fields: Mapped[dict[str, object]]


class AuditEntry(Base):
    """Something that was done. Triggers refuse to change or delete a row; see `medassist.audit`."""

    __tablename__ = "audit"
    __table_args__ = (UniqueConstraint("previous"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str]  # UTC, ISO 8601: text, so that its bytes are the same in every database
    who: Mapped[str]
    what: Mapped[str]
    subject: Mapped[str]
    old: Mapped[str | None]
    new: Mapped[str | None]
    previous: Mapped[str]  # the hash of the entry before
    hash: Mapped[str]


class KeptExplanation(Base):
    """The explanation of an answer, the latest one; goes with its consultation."""

    __tablename__ = "explanation"

    turn_id: Mapped[str] = mapped_column(ForeignKey("turn.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime]
    told: Mapped[dict[str, object]]


class CachedAnswer(Base):
    """The turn whose answer may be given again to the same question; goes with its consultation."""

    __tablename__ = "answer_cache"

    key: Mapped[str] = mapped_column(primary_key=True)
    turn_id: Mapped[str] = mapped_column(ForeignKey("turn.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
