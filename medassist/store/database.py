"""Open a database, bring its tables up to date, and read or write it in transactions that do not fail under load."""

import logging
import os
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from medassist.errors import BadSetting, StorageError

logger = logging.getLogger(__name__)

LOCK_TIMEOUT_MS = 30_000
"""How long to wait for another writer."""


def open_database(url: str) -> Engine:
    """An engine for `url`; SQLite's folder and file are made when missing, for their owner only.

    Raises `BadSetting` when the URL cannot be used and `StorageError` when the file cannot be made.
    """
    try:
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        engine = create_engine(parsed, hide_parameters=True, pool_pre_ping=not sqlite)
    except (ArgumentError, ValueError):  # not a URL, or an unknown kind of database
        raise _bad_url("names no database that can be used here.", "不是此处可用的数据库。") from None
    except ModuleNotFoundError as missing:
        raise _bad_url(f"needs the package “{missing.name}”.", f"需要安装软件包“{missing.name}”。") from None
    if sqlite:
        _make_file(parsed)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest revision; several processes may do so at once. Raises `StorageError`."""
    with storage_errors(), engine.connect() as connection:
        connection.detach()  # closed, not pooled: its settings differ
        if engine.dialect.name == "sqlite":
            # A revision that rebuilds a table drops the old one, which must not cascade. No effect inside a transaction.
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        with connection.execution_options(begin="IMMEDIATE").begin():
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('medassist'))"))
            command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for this package's revisions, run on `connection` within its transaction."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A transaction that sees one state of the database throughout. Raises `StorageError`."""
    with storage_errors(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A transaction that holds SQLite's write lock from its start, so that it never fails half-way for want of it.

    Raises `StorageError`; nothing of the transaction is kept then.
    """
    with storage_errors(), Session(engine, expire_on_commit=False) as session, session.begin():
        session.connection(execution_options={"begin": "IMMEDIATE"})
        yield session


def empty_log(engine: Engine) -> None:
    """Empty SQLite's write-ahead log, which still holds what was deleted. A failure is logged, not raised.

    While others keep reading it stays, until the next deletion or until the last process closes the database.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        with storage_errors(), engine.connect() as connection:
            connection.detach()  # closed, not pooled: its settings differ
            cursor = connection.connection.cursor()  # on the driver: a checkpoint cannot run inside a transaction
            cursor.execute("PRAGMA busy_timeout=1000")  # it holds writers up while it waits for readers
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            [(busy, *_)] = cursor.fetchall()
            if busy:
                logger.warning("The write-ahead log is in use; it will be emptied later.")
    except StorageError:  # logged where it arose; the deletion itself is done
        pass


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise whatever the database refuses as a `StorageError` that carries no SQL, parameters or rows with it."""
    try:
        yield
    except (SQLAlchemyError, CommandError, sqlite3.Error) as error:
        failure = _explain(error)
        try:
            raise failure from None
        finally:
            failure.__context__ = None  # `from None` only hides it, and it holds the parameters: patient text


_FULL = ("the disk is full.", "磁盘已满。")
_READ_ONLY = ("the database is read-only.", "数据库为只读。")
_BUSY = ("another program kept the database locked for too long.", "其他程序锁定数据库的时间过长。")
_CANNOT_OPEN = (
    "the database file cannot be opened; check that its folder exists and can be written.",
    "无法打开数据库文件，请检查其文件夹是否存在并可写。",
)
_DAMAGED = ("the database file is damaged; restore it from a backup.", "数据库文件已损坏，请从备份恢复。")
_NOT_A_DATABASE = ("the file is not a database.", "该文件不是数据库。")
_DISK = ("the disk cannot be read or written.", "磁盘无法读写。")
_NEWER = ("the database belongs to another version of the application.", "数据库属于本应用的其他版本。")
_UNREACHABLE = ("the database server cannot be reached.", "无法连接数据库服务器。")
_OTHER = ("the database refused; the log names the error.", "数据库拒绝了操作，错误名称见日志。")

_REASONS: dict[int | str, tuple[str, str]] = {  # by SQLite's primary result code or PostgreSQL's SQLSTATE
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CANTOPEN: _CANNOT_OPEN,
    sqlite3.SQLITE_PERM: _CANNOT_OPEN,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _NOT_A_DATABASE,
    sqlite3.SQLITE_IOERR: _DISK,
    "53100": _FULL,
    "25006": _READ_ONLY,
    "55P03": _BUSY,
    "unreachable": _UNREACHABLE,
}


def _explain(error: Exception) -> StorageError:
    if isinstance(error, CommandError):
        reason, name = _NEWER, "unknown revision"
    elif isinstance(error, PoolTimeout):
        reason, name = _BUSY, "no free connection"
    else:
        driver_error = error.orig if isinstance(error, DBAPIError) else error
        number = getattr(driver_error, "sqlite_errorcode", None)
        lost = isinstance(error, DBAPIError) and (error.connection_invalidated or error.statement is None)
        state = getattr(driver_error, "sqlstate", None) or ("unreachable" if lost else "")
        reason = _REASONS.get(state if number is None else number & 0xFF, _OTHER)
        name = getattr(driver_error, "sqlite_errorname", None) or state
    logger.error("The database failed: %s %s", type(error).__name__, name)
    return StorageError(reason=reason[0], reason_zh=reason[1])


def _bad_url(reason: str, reason_zh: str) -> BadSetting:
    return BadSetting(where="MEDASSIST_DATABASE_URL", reason=reason, reason_zh=reason_zh)


def _make_file(url: URL) -> None:
    """Make the file before SQLite does, so that nobody else may read it; its -wal and -shm take over its mode."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise _bad_url(
            "must name a file: sqlite:////folder/medassist.sqlite3.", "须指明文件：sqlite:////目录/medassist.sqlite3。"
        )
    path = Path(url.database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        logger.error("The database file cannot be made: %s", type(error).__name__)
        reason, reason_zh = _CANNOT_OPEN
        raise StorageError(reason=reason, reason_zh=reason_zh) from None


def _configure_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins no transaction of its own: `_begin_sqlite` does
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout={LOCK_TIMEOUT_MS}")
        _use_write_ahead_log(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute("PRAGMA temp_store=MEMORY")  # no patient text in temporary files
    except sqlite3.Error:
        connection.close()
        raise


def _use_write_ahead_log(cursor: DBAPICursor) -> None:
    """SQLite does not wait for its lock here when two connections turn a fresh database over at the same moment."""
    deadline = time.monotonic() + LOCK_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    how = connection.get_execution_options().get("begin", "DEFERRED")
    if how == "IMMEDIATE":
        _begin_writing(connection)
    else:
        connection.exec_driver_sql(f"BEGIN {how}")


def _begin_writing(connection: Connection) -> None:
    """Wait for the write lock in short steps of random length.

    SQLite's own steps grow to 100 ms each, so that who has waited long is passed by whoever comes just then: among eight
    writers the slowest of a hundred waited half a second.
    """
    cursor = connection.connection.cursor()
    deadline = time.monotonic() + LOCK_TIMEOUT_MS / 1000
    cursor.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                cursor.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.0005, 0.01))
    finally:
        cursor.execute(f"PRAGMA busy_timeout={LOCK_TIMEOUT_MS}")
