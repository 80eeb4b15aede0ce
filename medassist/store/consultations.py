"""The store: consultations, their turns, drafts. Any thread may use it; every call is one transaction."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from sqlalchemy import Engine, delete, func, select, update

from medassist.case import PatientCase
from medassist.errors import Language, StorageError, UnknownConsultation
from medassist.store.database import empty_log, migrate, open_database, reading, writing
from medassist.store.tables import CachedAnswer, Consultation, Draft, KeptExplanation, Kind, Outcome, Status, Turn


@dataclass(frozen=True)
class StoredTurn:
    """One question and its answer as kept. `repr` shows no patient text."""

    id: str
    consultation_id: str
    position: int  # 0 = first
    kind: Kind
    status: Status
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    engine: str
    model: str
    adapter: str | None
    prompt_version: str
    knowledge_version: str | None
    decoding: dict[str, object]
    question: str = field(repr=False)
    prompt: str = field(repr=False)
    raw: str = field(repr=False)
    result: dict[str, object] | None = field(repr=False)


@dataclass(frozen=True)
class StoredConsultation:
    """A case and its turns as kept. `repr` shows no patient text."""

    id: str
    created_at: datetime
    language: Language
    case: PatientCase
    case_text: str = field(repr=False)
    turns: tuple[StoredTurn, ...]


def open_store(url: str) -> "Store":
    """Open the database at `url`, made and brought up to date as needed. Raises `BadSetting` or `StorageError`."""
    engine = open_database(url)
    try:
        migrate(engine)
    except StorageError:
        engine.dispose()
        raise
    return Store(engine)


class Store:
    """Every method raises `StorageError` when the database fails; nothing of that call is kept then."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, case: PatientCase, case_text: str, language: Language) -> str:
        """Keep a new case and return the consultation's id."""
        consultation = Consultation(
            id=_new_id(), created_at=_now(), language=language, case_json=case.model_dump_json(), case_text=case_text
        )
        with writing(self._engine) as session:
            session.add(consultation)
        return consultation.id

    def begin_turn(
        self,
        consultation_id: str,
        *,
        kind: Kind,
        question: str,
        engine: str,
        model: str,
        adapter: str | None,
        prompt_version: str,
        knowledge_version: str | None,
        decoding: dict[str, object],
        prompt: str,
    ) -> str:
        """Keep a question before the model answers it and return the turn's id. Raises `UnknownConsultation`."""
        now = _now()
        turn = Turn(
            id=_new_id(),
            consultation_id=consultation_id,
            kind=kind,
            status="streaming",
            started_at=now,
            updated_at=now,
            engine=engine,
            model=model,
            adapter=adapter,
            prompt_version=prompt_version,
            knowledge_version=knowledge_version,
            decoding=decoding,
            question=question,
            prompt=prompt,
            raw="",
        )
        with writing(self._engine) as session:
            # Locked where writers run side by side (PostgreSQL), so that no two turns take the same position.
            found = select(Consultation.id).where(Consultation.id == consultation_id).with_for_update()
            if session.scalar(found) is None:
                raise UnknownConsultation
            last = session.scalar(select(func.max(Turn.position)).where(Turn.consultation_id == consultation_id))
            turn.position = 0 if last is None else last + 1
            session.add(turn)
        return turn.id

    def checkpoint(self, turn_id: str, raw: str) -> None:
        """Keep everything the model has written so far, about once a second; also the sign that its process lives.

        Changes nothing once the turn has an outcome. Raises `UnknownConsultation` when it was deleted meanwhile.
        """
        self._change_open_turn(turn_id, raw=raw, status="streaming", updated_at=_now())

    def finish_turn(self, turn_id: str, status: Outcome, raw: str, result: dict[str, object] | None) -> None:
        """Keep a turn's outcome. The first one stays, except that a true one replaces `interrupted`.

        Raises `UnknownConsultation` when the consultation was deleted meanwhile.
        """
        now = _now()
        self._change_open_turn(turn_id, raw=raw, status=status, result=result, updated_at=now, finished_at=now)

    def _change_open_turn(self, turn_id: str, **values: object) -> None:
        # An interrupted turn is open: the process that writes it was slow, not dead.
        is_open = Turn.status.in_(["streaming", "interrupted"])
        with writing(self._engine) as session:
            change = update(Turn).where(Turn.id == turn_id, is_open).values(**values)
            if (
                session.scalar(change.returning(Turn.id)) is None
                and session.scalar(select(Turn.id).where(Turn.id == turn_id)) is None
            ):
                raise UnknownConsultation

    def mark_interrupted(self, older_than: timedelta = timedelta(seconds=15)) -> int:
        """Mark the turns whose process has given no sign of life for `older_than`, and say how many they were."""
        silent = (Turn.status == "streaming") & (Turn.updated_at < _now() - older_than)
        with writing(self._engine) as session:
            marked = session.scalars(update(Turn).where(silent).values(status="interrupted").returning(Turn.id))
            return len(marked.all())

    def get(self, consultation_id: str) -> StoredConsultation:
        """A consultation with its turns. Raises `UnknownConsultation`."""
        with reading(self._engine) as session:
            row = session.get(Consultation, consultation_id)
        if row is None:
            raise UnknownConsultation
        return _consultation(row)

    def recent(self, limit: int = 50) -> list[StoredConsultation]:
        """The latest consultations, newest first."""
        latest = select(Consultation).order_by(Consultation.created_at.desc(), Consultation.id).limit(limit)
        with reading(self._engine) as session:
            rows = session.scalars(latest).all()
        return [_consultation(row) for row in rows]

    def delete(self, consultation_id: str) -> None:
        """Delete a consultation with its turns; no part of their text stays in the files. Raises `UnknownConsultation`."""
        gone = delete(Consultation).where(Consultation.id == consultation_id).returning(Consultation.id)
        with writing(self._engine) as session:
            if session.scalar(gone) is None:
                raise UnknownConsultation
        empty_log(self._engine)

    def save_draft(self, browser_id: str, fields: dict[str, object]) -> None:
        """Keep what is typed in this browser, in place of what was."""
        with writing(self._engine) as session:
            session.merge(Draft(id=browser_id, updated_at=_now(), fields=fields))

    def draft(self, browser_id: str) -> dict[str, object] | None:
        """What was typed in this browser and not sent, if anything."""
        with reading(self._engine) as session:
            return session.scalar(select(Draft.fields).where(Draft.id == browser_id))

    def drop_draft(self, browser_id: str) -> None:
        """Forget what was typed in this browser."""
        with writing(self._engine) as session:
            session.execute(delete(Draft).where(Draft.id == browser_id))

    def cached(self, key: str) -> StoredTurn | None:
        """The whole answer that was given to the same question before, if it is still kept."""
        found = select(Turn).join(CachedAnswer, CachedAnswer.turn_id == Turn.id).where(CachedAnswer.key == key)
        with reading(self._engine) as session:
            row = session.scalar(found.where(Turn.status == "complete"))
        return None if row is None else _turn(row)

    def cache(self, key: str, turn_id: str) -> None:
        """Let this turn answer the same question from now on."""
        with writing(self._engine) as session:
            session.merge(CachedAnswer(key=key, turn_id=turn_id, created_at=_now()))

    def keep_explanation(self, turn_id: str, told: dict[str, object]) -> None:
        """Keep the explanation of an answer, in place of an earlier one. Raises `UnknownConsultation`."""
        with writing(self._engine) as session:
            if session.scalar(select(Turn.id).where(Turn.id == turn_id)) is None:
                raise UnknownConsultation
            session.merge(KeptExplanation(turn_id=turn_id, created_at=_now(), told=told))

    def explanation(self, turn_id: str) -> dict[str, object] | None:
        """The explanation that is kept of an answer, if any."""
        with reading(self._engine) as session:
            return session.scalar(select(KeptExplanation.told).where(KeptExplanation.turn_id == turn_id))

    @property
    def database(self) -> Engine:
        """The open database, for what keeps its own tables in it."""
        return self._engine

    def ping(self) -> None:
        """Read from the database, or raise."""
        with reading(self._engine) as session:
            session.scalar(select(Consultation.id).limit(1))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _new_id() -> str:
    return secrets.token_urlsafe(16)


def _now() -> datetime:
    return datetime.now(UTC)


def _consultation(row: Consultation) -> StoredConsultation:
    try:
        case = PatientCase.model_validate_json(row.case_json)
    except ValidationError:
        case = None
    if case is None:  # raised out here, away from pydantic's error, which quotes the case
        raise StorageError(reason="a stored case cannot be read.", reason_zh="已存储的病例无法读取。")
    turns = tuple(map(_turn, row.turns))
    return StoredConsultation(row.id, row.created_at, row.language, case, row.case_text, turns)


def _turn(row: Turn) -> StoredTurn:
    return StoredTurn(**{column.key: getattr(row, column.key) for column in Turn.__table__.columns})
