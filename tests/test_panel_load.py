"""The slow proofs of the panel: many raters at once, and processes that die in the middle."""

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medassist.errors import MedAssistError
from medassist.store.studies import new_id
from medassist.study.sheets import Given
from tests.studying import GOOD, Studying, protocol

pytestmark = pytest.mark.slow

RATERS, EACH, KILLS = 8, 200, 100

# Forked, so that a process is at work as soon as it is there: nothing of a database is open before.
fork = multiprocessing.get_context("fork")


def panel(folder: Path, raters: int, each: int) -> list[str]:
    studying = Studying(folder)
    studying.make(
        protocol(["one"], raters_per_case=raters, practice_items=0, repeat_share=0), cases=each, raters=raters
    )
    studying.close()
    return studying.raters


def submit(studying: Studying, rater: str, assignment: str, key: str) -> tuple[float, float]:
    """Open and submit; the same key again does nothing more. How long each took, in seconds."""
    began = time.monotonic()
    sheet = studying.panel.open(rater, assignment, "tab", take=True)
    values = dict.fromkeys(sheet.answers, GOOD)
    opened = time.monotonic()
    studying.panel.submit(rater, assignment, "rating", Given("tab", sheet.revision, key, values, 1000), "en")
    return opened - began, time.monotonic() - opened


def rate_all(folder: Path, rater: str, told: Any) -> None:
    studying, seconds, errors = Studying(folder), list[tuple[float, float]](), Counter[str]()
    while (following := studying.panel.standing(rater).next) is not None and len(seconds) < EACH:
        try:
            seconds.append(submit(studying, rater, following, new_id()))
        except MedAssistError as error:
            errors[error.code] += 1
            break
    told.put((seconds, dict(errors)))
    studying.close()


def test_eight_processes_of_two_hundred_ratings(tmp_path: Path, record_property: Any):
    raters = panel(tmp_path, RATERS, EACH)
    told = fork.Queue()
    processes = [fork.Process(target=rate_all, args=(tmp_path, rater, told)) for rater in raters]
    for process in processes:
        process.start()
    results = [told.get(timeout=600) for _ in processes]
    for process in processes:
        process.join(60)
    assert not any(errors for _, errors in results)
    opening, saving = (sorted(each) for each in zip(*(pair for these, _ in results for pair in these), strict=True))
    studying = Studying(tmp_path)
    [study] = studying.lead.studies.studies()
    ratings = studying.lead.studies.ratings(study.id)
    assert len({row.assignment_id for row in ratings}) == len(saving) == RATERS * EACH
    assert Counter(row.item for row in ratings)["accept"] == RATERS * EACH
    assert studying.audit.verify() > RATERS * EACH
    studying.close()
    for what, seconds in (("opened", opening), ("saved", saving)):
        p99 = seconds[int(0.99 * len(seconds))]
        record_property(f"{what}, p99 seconds", round(p99, 3))
        print(f"\n{len(seconds)} {what} by {RATERS} processes: p50 {seconds[len(seconds) // 2]:.3f} s, p99 {p99:.3f} s")


def keep_rating(folder: Path, rater: str, journal: Path) -> None:
    """Rate until killed. The journal says what was begun, and what was acknowledged."""
    studying = Studying(folder)
    with journal.open("a") as file:

        def note(*what: str) -> None:
            file.write(json.dumps(what) + "\n")
            file.flush()

        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        done = {line[2] for line in lines if line[0] == "done"}
        for _, assignment, key in [line for line in lines if line[0] == "begun" and line[2] not in done]:
            submit(studying, rater, assignment, key)  # again, whether or not it had arrived
            note("done", assignment, key)
        while (following := studying.panel.standing(rater).next) is not None:
            key = new_id()
            note("begun", following, key)
            submit(studying, rater, following, key)
            note("done", following, key)


def test_a_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path):
    [rater, _] = panel(tmp_path, 2, 3000)
    journal = tmp_path / "journal"
    journal.touch()
    draw = random.Random(1)
    for _ in range(KILLS):
        process = fork.Process(target=keep_rating, args=(tmp_path, rater, journal))
        process.start()
        time.sleep(0.15 + draw.random() * 0.35)
        assert process.is_alive(), "it should still have work to do"
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    acknowledged = [line[1] for line in lines if line[0] == "done"]
    assert len(acknowledged) > 3 * KILLS
    studying = Studying(tmp_path)
    [study] = studying.lead.studies.studies()
    kept = Counter(row.assignment_id for row in studying.lead.studies.ratings(study.id) if row.item == "accept")
    assert set(acknowledged) <= set(kept) and set(kept.values()) == {1}
    assert studying.audit.verify() > 0
    studying.close()
    with sqlite3.connect(tmp_path / "study.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    print(f"\n{KILLS} kills: {len(acknowledged)} acknowledged, {len(kept)} kept, none twice")


@pytest.fixture(autouse=True)
def _no_leftovers() -> Iterator[None]:
    yield
    for child in multiprocessing.active_children():
        child.kill()
