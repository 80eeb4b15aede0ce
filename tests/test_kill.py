"""The machine fails while an answer is written: what the model had written a second before is still there."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from medassist.case import PatientCase
from medassist.store import StoredTurn, open_store

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 10


def streaming(url: str, known: set[str]) -> StoredTurn | None:
    """The turn that is being written now, once a first checkpoint of it is there."""
    store = open_store(url)
    try:
        turns = [turn for consultation in store.recent() for turn in consultation.turns]
    finally:
        store.close()
    return next((turn for turn in turns if turn.id not in known and len(turn.raw) > len("<think>\n")), None)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_process_leaves_what_was_written(tmp_path: Path, case_en: PatientCase) -> None:
    path = tmp_path / "data" / "medassist.sqlite3"
    url, case_file, known = f"sqlite:///{path}", tmp_path / "case.json", set[str]()
    case_file.write_text(case_en.model_dump_json())
    for number in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-m", "medassist", "diagnose", str(case_file), "--engine", "local", "--json"],
            cwd=ROOT,
            env=os.environ | {"MEDASSIST_DATA_DIR": str(path.parent), "MEDASSIST_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            turn = None
            while turn is None:
                assert process.poll() is None, process.communicate()[0].decode()
                time.sleep(0.1)
                turn = streaming(url, known) if path.exists() else None
            time.sleep(0.13 * number)  # now early, now late
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        known.add(turn.id)

        with sqlite3.connect(path) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        store = open_store(url)
        try:
            store.mark_interrupted(older_than=timedelta(0))
            kept = next(t for c in store.recent() for t in c.turns if t.id == turn.id)
            assert (kept.status, kept.result, kept.finished_at) == ("interrupted", None, None)
            assert kept.raw.startswith(("<think>\nWhat stands out", turn.raw[:20])) and len(kept.raw) >= len(turn.raw)
            assert store.get(kept.consultation_id).case == case_en
        finally:
            store.close()
    assert len(known) == ROUNDS
