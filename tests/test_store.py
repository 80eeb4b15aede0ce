"""The store: what is kept stays kept, what is deleted is gone, and no failure quotes a patient."""

import io
import json
import logging
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, event, text

from medassist.case import PatientCase
from medassist.errors import BadSetting, StorageError, UnknownConsultation
from medassist.store import Store, StoredTurn, database, open_store
from medassist.store.account_tables import AccountRow
from medassist.store.database import alembic_config, migrate, open_database, reading, writing
from medassist.store.tables import Base, Consultation

ROOT = Path(__file__).resolve().parents[1]
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "")

ENGLISH = PatientCase(chief_complaint="Crushing chest pain", history="Radiates to the left arm, sweating.", age=58)
CHINESE = PatientCase(chief_complaint="胸痛三小时", history="放射至左臂，大汗。", age=58, sex="男", language="zh")
SECRET = "Zacharias Quillfeather"

TURN: dict[str, Any] = {
    "kind": "diagnosis",
    "question": "",
    "engine": "scripted",
    "model": "a-model",
    "adapter": None,
    "prompt_version": "1",
    "knowledge_version": None,
    "decoding": {"temperature": 0.6},
    "prompt": "Assess.",
}


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'data' / 'store.sqlite3'}"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return url_of(tmp_path)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.skipif(not POSTGRES, reason="TEST_POSTGRES_URL"))]
)
def store(request: pytest.FixtureRequest, url: str) -> Iterator[Store]:
    if request.param == "postgresql":
        url = POSTGRES
        engine = open_database(url)
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        engine.dispose()
    opened = open_store(url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(url: str) -> Iterator[tuple[Engine, Store]]:
    engine = open_database(url)
    migrate(engine)
    yield engine, Store(engine)
    engine.dispose()


def only_turn(store: Store, consultation_id: str) -> StoredTurn:
    [turn] = store.get(consultation_id).turns
    return turn


def processes(script: str, *argument_lists: tuple[str, ...]) -> list[str]:
    """Run `script` once for each list of arguments, all at once; what each printed. Fails when one fails."""
    running = [
        subprocess.Popen([sys.executable, "-c", script, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for arguments in argument_lists
    ]
    printed = [process.communicate(timeout=90)[0] for process in running]
    assert [process.returncode for process in running] == [0] * len(running)
    return printed


def shows_no_secret(error: BaseException, log: str) -> None:
    """Neither the error, nor what it was raised from or during, nor its traceback, nor the log."""
    seen: list[BaseException | None] = [error, error.__cause__, error.__context__]
    assert error.__cause__ is None and error.__context__ is None
    assert SECRET not in " ".join([repr(each) + str(each) for each in seen])
    assert SECRET not in "".join(traceback.format_exception(error)) + log


# Consultations and turns


@pytest.mark.parametrize("case", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_a_consultation_comes_back_as_it_was_kept(store: Store, case: PatientCase) -> None:
    before = datetime.now(UTC)
    consultation_id = store.create(case, case.text(), case.written_in)
    turn = TURN | {"question": "为何？", "adapter": "an-adapter", "knowledge_version": "7", "prompt": "问：\n为何？"}
    turn_id = store.begin_turn(consultation_id, **turn)
    store.finish_turn(turn_id, "complete", "<think>想</think>答", {"names": ["心肌梗死"], "icd10": None})

    kept = store.get(consultation_id)
    assert (kept.id, kept.case, kept.case_text, kept.language) == (consultation_id, case, case.text(), case.written_in)
    assert before <= kept.created_at <= datetime.now(UTC) and kept.created_at.utcoffset() == timedelta(0)
    [answer] = kept.turns
    assert {name: getattr(answer, name) for name in turn} == turn
    assert (answer.id, answer.position, answer.status) == (turn_id, 0, "complete")
    assert (answer.raw, answer.result) == ("<think>想</think>答", {"names": ["心肌梗死"], "icd10": None})
    assert answer.finished_at is not None and answer.started_at <= answer.updated_at == answer.finished_at


def test_repr_shows_no_patient_text(store: Store) -> None:
    case = PatientCase(chief_complaint=SECRET, history=SECRET)
    consultation_id = store.create(case, case.text(), "en")
    turn_id = store.begin_turn(consultation_id, **TURN | {"question": SECRET, "prompt": SECRET})
    store.finish_turn(turn_id, "complete", SECRET, {"reasoning": SECRET})
    assert SECRET not in repr(store.get(consultation_id)) and consultation_id in repr(store.get(consultation_id))


def test_turns_follow_one_another(store: Store) -> None:
    consultation_id = store.create(ENGLISH, ENGLISH.text(), "en")
    kept = [store.begin_turn(consultation_id, **TURN | {"kind": kind}) for kind in ("diagnosis", "follow_up")]
    turns = store.get(consultation_id).turns
    assert [(turn.id, turn.position, turn.kind) for turn in turns] == [
        (kept[0], 0, "diagnosis"),
        (kept[1], 1, "follow_up"),
    ]


def test_recent_is_newest_first(store: Store) -> None:
    kept = [store.create(ENGLISH, ENGLISH.text(), "en") for _ in range(4)]
    assert [consultation.id for consultation in store.recent(limit=3)] == kept[:0:-1]


def test_text_that_no_database_stores_is_kept_as_far_as_it_can_be(store: Store) -> None:
    consultation_id = store.create(ENGLISH, ENGLISH.text(), "en")
    store.finish_turn(store.begin_turn(consultation_id, **TURN), "stopped", "a\0b\ud83dc", None)
    assert only_turn(store, consultation_id).raw == "a\ufffdb\ufffdc"
    assert only_turn(store, consultation_id).result is None


def test_the_first_outcome_stays(store: Store) -> None:
    consultation_id = store.create(ENGLISH, ENGLISH.text(), "en")
    turn_id = store.begin_turn(consultation_id, **TURN)
    store.checkpoint(turn_id, "half")
    assert (only_turn(store, consultation_id).status, only_turn(store, consultation_id).raw) == ("streaming", "half")
    store.finish_turn(turn_id, "stopped", "half of it", None)
    first = only_turn(store, consultation_id)
    store.finish_turn(turn_id, "complete", "other", {"a": 1})
    store.checkpoint(turn_id, "late")
    assert only_turn(store, consultation_id) == first


def test_only_silent_turns_are_interrupted_and_a_true_outcome_replaces_it(store: Store) -> None:
    consultation_id = store.create(ENGLISH, ENGLISH.text(), "en")
    turn_id = store.begin_turn(consultation_id, **TURN)
    assert store.mark_interrupted() == 0
    assert store.mark_interrupted(older_than=timedelta(0)) == 1
    assert store.mark_interrupted(older_than=timedelta(0)) == 0
    assert only_turn(store, consultation_id).status == "interrupted"
    store.checkpoint(turn_id, "still writing")
    assert only_turn(store, consultation_id).status == "streaming"
    store.mark_interrupted(older_than=timedelta(0))
    store.finish_turn(turn_id, "complete", "all of it", {"a": 1})
    assert (only_turn(store, consultation_id).status, only_turn(store, consultation_id).raw) == (
        "complete",
        "all of it",
    )


def test_what_does_not_exist_is_unknown(store: Store) -> None:
    consultation_id = store.create(ENGLISH, ENGLISH.text(), "en")
    turn_id = store.begin_turn(consultation_id, **TURN)
    store.delete(consultation_id)
    with pytest.raises(UnknownConsultation):
        store.get(consultation_id)
    with pytest.raises(UnknownConsultation):
        store.delete(consultation_id)
    with pytest.raises(UnknownConsultation):
        store.begin_turn(consultation_id, **TURN)
    with pytest.raises(UnknownConsultation):
        store.checkpoint(turn_id, "x")
    with pytest.raises(UnknownConsultation):
        store.finish_turn(turn_id, "complete", "x", None)


def test_drafts(store: Store) -> None:
    assert store.draft("browser") is None
    store.save_draft("browser", {"history": "胸", "age": None})
    store.save_draft("browser", {"history": "胸痛", "age": 58})
    store.save_draft("another", {})
    assert store.draft("browser") == {"history": "胸痛", "age": 58}
    store.drop_draft("browser")
    store.drop_draft("browser")
    assert store.draft("browser") is None and store.draft("another") == {}


def test_many_threads_write_one_consultation(store: Store) -> None:
    store.ping()
    consultation_id = store.create(ENGLISH, ENGLISH.text(), "en")

    def work(_: int) -> None:
        turn_id = store.begin_turn(consultation_id, **TURN)
        store.checkpoint(turn_id, "half")
        store.finish_turn(turn_id, "complete", "whole", {})

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(work, range(96)))
    turns = store.get(consultation_id).turns
    assert [turn.position for turn in turns] == list(range(96))
    assert {(turn.status, turn.raw) for turn in turns} == {("complete", "whole")}


def test_a_stored_case_that_no_longer_holds_is_not_quoted(
    sqlite: tuple[Engine, Store], caplog: pytest.LogCaptureFixture
) -> None:
    engine, store = sqlite
    consultation_id = store.create(ENGLISH, ENGLISH.text(), "en")
    with writing(engine) as session:
        session.execute(text("UPDATE consultation SET case_json = :case"), {"case": json.dumps({"history": SECRET})})
    with pytest.raises(StorageError) as caught:
        store.get(consultation_id)
    shows_no_secret(caught.value, caplog.text)


# Processes

BEGIN = """
import sys, time
from medassist.case import PatientCase
from medassist.store import open_store
store = open_store(sys.argv[1])
case = PatientCase(chief_complaint="胸痛", history="突发")
consultation_id = store.create(case, case.text(), "zh")
turn = dict(kind="diagnosis", question="", engine="scripted", model="m", adapter=None, prompt_version="1",
            knowledge_version=None, decoding={}, prompt="p")
"""


def test_what_a_killed_process_had_written_is_there(url: str) -> None:
    script = (
        BEGIN
        + """
turn_id = store.begin_turn(consultation_id, **turn)
store.checkpoint(turn_id, "急性" * 20_000)
print(consultation_id, flush=True)
while True:
    store.checkpoint(turn_id, "急性" * 20_000)
"""
    )
    process = subprocess.Popen([sys.executable, "-c", script, url], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    consultation_id = process.stdout.readline().strip()
    time.sleep(0.2)  # in the midst of its writing
    process.send_signal(signal.SIGKILL)
    process.communicate()
    store = open_store(url)
    try:
        turn = only_turn(store, consultation_id)
        assert (turn.status, turn.raw, turn.finished_at) == ("streaming", "急性" * 20_000, None)
        assert store.mark_interrupted(older_than=timedelta(0)) == 1
        assert only_turn(store, consultation_id).status == "interrupted"
    finally:
        store.close()
    assert integrity(url) == "ok"


def test_four_processes_open_a_fresh_database_together(tmp_path: Path) -> None:
    script = """
import sys, time
from medassist.store import open_store
folder, start = sys.argv[1], float(sys.argv[2])
for n in range(40):
    while time.time() < start + n * 0.1:
        pass
    open_store(f"sqlite:///{folder}/{n}/store.sqlite3").ping()
"""
    start = str(time.time() + 1)
    processes(script, *[(str(tmp_path), start)] * 4)
    for n in range(40):
        engine = open_database(f"sqlite:///{tmp_path / str(n) / 'store.sqlite3'}")
        assert differences(engine) == []
        engine.dispose()


def test_four_processes_write_together_and_none_is_locked_out(url: str) -> None:
    script = (
        BEGIN
        + """
for n in range(24):
    turn_id = store.begin_turn(consultation_id, **turn)
    store.finish_turn(turn_id, "complete", "写" * 2000, {"n": n})
store.save_draft(consultation_id, {})
print(consultation_id)
"""
    )  # 50 writes each
    kept = [line.strip() for line in processes(script, *[(url,)] * 4)]
    store = open_store(url)
    try:
        for consultation_id in kept:
            turns = store.get(consultation_id).turns
            assert [turn.result for turn in turns] == [{"n": n} for n in range(24)]
    finally:
        store.close()
    assert integrity(url) == "ok"


def integrity(url: str) -> str:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    [(answer,)] = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return str(answer)


# Failures


@contextmanager
def pragma(engine: Engine, statement: str) -> Iterator[None]:
    """Every connection works under `statement` from now on."""

    def set_it(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA {statement}")

    event.listen(engine, "checkout", set_it)
    try:
        yield
    finally:
        event.remove(engine, "checkout", set_it)
        engine.dispose()


def test_a_full_disk_loses_nothing_kept_and_quotes_nothing(
    sqlite: tuple[Engine, Store], url: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine, store = sqlite
    case = PatientCase(chief_complaint=SECRET, history=SECRET)
    consultation_id = store.create(case, case.text(), "en")
    turn_id = store.begin_turn(consultation_id, **TURN | {"question": SECRET})
    store.checkpoint(turn_id, SECRET)
    with pragma(engine, "max_page_count=16"):
        for write in (
            lambda: store.checkpoint(turn_id, SECRET * 5000),
            lambda: store.finish_turn(turn_id, "complete", SECRET * 5000, {"reasoning": SECRET}),
            lambda: store.create(case, SECRET * 5000, "en"),
            lambda: store.save_draft("browser", {"history": SECRET * 5000}),
        ):
            with pytest.raises(StorageError, match="the disk is full") as caught:
                write()
            shows_no_secret(caught.value, caplog.text)
            assert "磁盘已满。您输入的内容" in caught.value.text("zh")
        assert only_turn(store, consultation_id).raw == SECRET
    store.finish_turn(turn_id, "complete", SECRET * 5000, {})
    assert only_turn(store, consultation_id).raw == SECRET * 5000
    assert integrity(url) == "ok"


def test_a_read_only_database_says_so(sqlite: tuple[Engine, Store], caplog: pytest.LogCaptureFixture) -> None:
    engine, store = sqlite
    with pragma(engine, "query_only=ON"), pytest.raises(StorageError, match="read-only") as caught:
        store.create(ENGLISH, SECRET, "en")
    shows_no_secret(caught.value, caplog.text)


def test_a_wrong_statement_is_no_less_silent(sqlite: tuple[Engine, Store], caplog: pytest.LogCaptureFixture) -> None:
    engine, _ = sqlite
    with pytest.raises(StorageError, match="the log names the error") as caught, reading(engine) as session:
        session.execute(text("SELECT nothing FROM nowhere WHERE a = :a"), {"a": SECRET})
    shows_no_secret(caught.value, caplog.text)
    assert "OperationalError SQLITE_ERROR" in caplog.text


def test_a_lock_held_too_long_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_MS", 100)
    store = open_store(url)
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked for too long"):
        store.save_draft("browser", {})
    store.ping()  # readers go on
    other.execute("ROLLBACK")
    store.save_draft("browser", {})
    other.close()
    store.close()


@pytest.mark.parametrize("content", [b"not a database at all " * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_says_so_and_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "store.sqlite3"
    file.write_bytes(content)
    with pytest.raises(StorageError, match="not a database"):
        open_store(f"sqlite:///{file}")
    assert file.read_bytes() == content and [path.name for path in tmp_path.iterdir()] == ["store.sqlite3"]


def test_a_damaged_database_says_so(url: str) -> None:
    store = open_store(url)
    consultation_id = store.create(ENGLISH, ENGLISH.text() * 2000, "en")
    store.close()
    file = Path(url.removeprefix("sqlite:///"))
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x77" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"), closing(open_store(url)) as store:
        store.get(consultation_id)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody may enter, unlike `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions do not bind root: be someone else for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_files_without_permission_say_so(open_folder: Path) -> None:
    file = open_folder / "store.sqlite3"
    open_store(f"sqlite:///{file}").close()
    content = file.read_bytes()
    for folder_mode, file_mode, reason in [
        (0o555, 0o444, "read-only"),
        (0o555, 0o000, "cannot be opened"),
        (0o777, 0o444, "read-only"),
    ]:
        open_folder.chmod(folder_mode)
        file.chmod(file_mode)
        with (
            unprivileged(),
            pytest.raises(StorageError, match=reason),
            closing(open_store(f"sqlite:///{file}")) as store,
        ):
            store.mark_interrupted()  # SQLite opens such a file for reading when its folder lets it
    open_folder.chmod(0o555)
    with unprivileged(), pytest.raises(StorageError, match="cannot be opened"):
        open_store(f"sqlite:///{open_folder / 'new' / 'store.sqlite3'}")
    open_folder.chmod(0o755)
    assert file.read_bytes() == content


def test_paths_that_cannot_be_a_file_say_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "store.sqlite3", tmp_path):
        with pytest.raises(StorageError, match="cannot be opened"):
            open_store(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "wrong",
    ["", "store.sqlite3", "sqlite://", "sqlite:///:memory:", "oracle9://secret@host/x", "postgresql://h:port/x"],
)
def test_a_url_that_cannot_be_used_names_the_setting(wrong: str) -> None:
    with pytest.raises(BadSetting, match=r"MEDASSIST_DATABASE_URL: .*\.$") as caught:
        open_store(wrong)
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(BadSetting, match="needs the package “MySQLdb”"):
        open_store("mysql://secret@host/x")


# SQLite's files


def test_only_the_owner_may_read_the_files(sqlite: tuple[Engine, Store], tmp_path: Path) -> None:
    sqlite[1].ping()
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]
    }
    assert modes == {"data": 0o700, "store.sqlite3": 0o600, "store.sqlite3-wal": 0o600, "store.sqlite3-shm": 0o600}


def test_connections_are_durable_and_checked(sqlite: tuple[Engine, Store]) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000, "secure_delete": 1}
    with reading(sqlite[0]) as session:
        assert {name: session.scalar(text(f"PRAGMA {name}")) for name in wanted} == wanted


def test_deletion_leaves_no_trace_in_the_files(sqlite: tuple[Engine, Store], tmp_path: Path) -> None:
    _, store = sqlite

    def keep(name: str, size: int) -> str:
        case = PatientCase(chief_complaint=name, history=f"{name} " * size)
        consultation_id = store.create(case, case.text(), "en")
        turn_id = store.begin_turn(consultation_id, **TURN | {"question": name, "prompt": name})
        for part in (1, 5, 10):  # each checkpoint leaves an older text behind
            store.checkpoint(turn_id, f"{name} " * size * part)
        store.finish_turn(turn_id, "complete", f"{name} " * size * 11, {"reasoning": name})
        return consultation_id

    def traces(name: str) -> int:
        return sum(path.read_bytes().count(name.encode()) for path in (tmp_path / "data").iterdir())

    others = [keep("Somebody Else", size) for size in range(1, 60, 4)]
    deleted = [keep(SECRET, size) for size in (*range(0, 60, 3), 400)]
    others += [keep("Somebody Else", size) for size in range(1, 60, 4)]
    assert traces(SECRET) > 100
    elsewhere = sqlite3.connect(tmp_path / "data" / "store.sqlite3")  # the last one to close would empty the log
    elsewhere.execute("SELECT count(*) FROM turn").fetchall()
    for consultation_id in deleted:
        store.delete(consultation_id)
    assert traces(SECRET) == 0 and traces("Somebody Else") > 100
    elsewhere.close()
    assert all(store.get(consultation_id).turns for consultation_id in others)


def test_deletion_does_not_wait_for_a_long_reader(sqlite: tuple[Engine, Store], tmp_path: Path) -> None:
    engine, store = sqlite
    case = PatientCase(chief_complaint=SECRET, history=SECRET)
    consultation_id = store.create(case, case.text(), "en")
    with reading(engine) as session:
        session.query(Consultation).count()
        start = time.monotonic()
        store.delete(consultation_id)
        assert time.monotonic() - start < 10
        assert session.query(Consultation).count() == 1  # its own view, to its end
    store.close()
    assert not any(SECRET.encode() in path.read_bytes() for path in (tmp_path / "data").iterdir())


# Migrations


def differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def alembic(engine: Engine, run: Any, revision: str, **options: Any) -> str:
    output = io.StringIO()
    with engine.connect() as connection, connection.execution_options(begin="IMMEDIATE").begin():
        config = alembic_config(connection)
        config.output_buffer = output
        run(config, revision, **options)
    return output.getvalue()


def test_the_revisions_make_the_tables_of_the_code(store: Store) -> None:
    assert AccountRow.__table__ in Base.metadata.sorted_tables
    assert differences(store._engine) == []


def test_down_and_up_again(sqlite: tuple[Engine, Store]) -> None:
    engine, store = sqlite
    with writing(engine) as session:
        session.add_all(
            Consultation(id=str(n), created_at=datetime.now(UTC), language="en", case_json="{}", case_text="")
            for n in range(1000)
        )
    migrate(engine)
    with reading(engine) as session:
        assert session.query(Consultation).count() == 1000
    alembic(engine, command.downgrade, "base")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'consultation'")) == 0
    alembic(engine, command.upgrade, "head")
    assert differences(engine) == [] and store.recent() == []


def test_the_revisions_as_a_script_of_sql(sqlite: tuple[Engine, Store], tmp_path: Path) -> None:
    engine, _ = sqlite
    up = alembic(engine, command.upgrade, "head", sql=True)
    down = alembic(engine, command.downgrade, "0005_studies:base", sql=True)
    other = sqlite3.connect(tmp_path / "by-hand.sqlite3")
    other.executescript(up)
    other.executescript(down)
    other.executescript(up.replace("CREATE TABLE alembic_version", "CREATE TABLE IF NOT EXISTS alembic_version"))
    other.close()
    by_hand = open_database(f"sqlite:///{tmp_path / 'by-hand.sqlite3'}")
    assert differences(by_hand) == []
    by_hand.dispose()


def test_a_revision_that_rebuilds_a_table_keeps_what_refers_to_it(
    sqlite: tuple[Engine, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, store = sqlite
    turn_id = store.begin_turn(store.create(ENGLISH, ENGLISH.text(), "en"), **TURN)

    def rebuild(config: Any, _: str) -> None:
        connection = config.attributes["connection"]
        connection.execute(text("CREATE TABLE rebuilt AS SELECT * FROM consultation"))
        connection.execute(text("DROP TABLE consultation"))
        connection.execute(text("ALTER TABLE rebuilt RENAME TO consultation"))

    monkeypatch.setattr(command, "upgrade", rebuild)
    migrate(engine)
    with reading(engine) as session:
        assert session.scalar(text("SELECT id FROM turn")) == turn_id
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_database_of_a_later_version_is_left_alone(sqlite: tuple[Engine, Store], url: str) -> None:
    with writing(sqlite[0]) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    with pytest.raises(StorageError, match="another version"):
        open_store(url)


def test_opening_leaves_logging_and_other_threads_alone(url: str) -> None:
    ours = logging.getLogger("somebody.elses")
    before = (logging.root.level, logging.root.handlers[:], ours.disabled, logging.getLogger("alembic").level)
    threads = threading.active_count()
    open_store(url).close()
    after = (logging.root.level, logging.root.handlers[:], ours.disabled, logging.getLogger("alembic").level)
    assert after == before and threading.active_count() == threads
