"""Three raters finish a whole study in Chromium, and the report says what they entered. Slow: make test-all."""

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean

import pytest
from playwright.sync_api import Browser, Page, expect

from medassist.engines.scripted import ScriptedEngine
from medassist.study.analysis import analyse, contract
from medassist.study.collecting import dataset
from medassist.study.export import export, read_export
from tests.browsing import QUIETLY, Running
from tests.studying import ANSWER, Studying, protocol
from tests.test_browser_review import Place, at, choose, continue_when, press, questions, seated

pytestmark = [*QUIETLY, pytest.mark.slow]

CASES, RATERS = 20, 3
ARMS = {"Flu": "one", "Gout": "two"}


@dataclass(frozen=True)
class Entered:
    """What a rater pressed, told apart by nothing but what the page showed."""

    rater: str
    case: str
    first: str  # diagnosis of the answer
    accept: str
    suits: str


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("MEDASSIST_DATABASE_URL", f"sqlite:///{tmp_path / 'study.sqlite3'}")
    monkeypatch.setenv("MEDASSIST_AUTH", "password")
    study = Studying(tmp_path)
    with Running(ScriptedEngine(), tmp_path) as server:
        yield Place(server, study)
    study.close()


def rate(page: Page, rater: str, draw: random.Random) -> Entered:
    """Answer every question by its digit, and write a comment where one is due."""
    case = re.search(r"For (\d+) hours", page.locator("#review").inner_text())
    first = re.search(r"1\. (\w+)", page.locator("#answer-A").inner_text())
    assert case and first
    accept, suits = draw.choice("123"), draw.choice("12345")
    choose(page, "accept", accept)
    press(page, "22" + "2" + suits + "44444" + "124")
    if accept == "3":
        at(page, "comment").locator("textarea").fill("Not for this case.")
    return Entered(rater, case[1], first[1], {"1": "yes", "2": "minor_edits", "3": "no"}[accept], suits)


def finish(page: Page, place: Place, rater: str, draw: random.Random) -> list[Entered]:
    entered = []
    kinds = [row.kind for row in place.study.panel.store.outlines(rater)]
    for done, kind in enumerate(kinds, 1):
        questions(page)
        if kind == "closing":
            choose(page, "guess", "0")
            choose(page, "guess_certainty", "1")
        else:
            made = rate(page, rater, draw)
            entered += [made] if kind != "practice" else []
        page.keyboard.press("Control+Enter")
        continue_when(page, place, rater, done)
        go_on = page.get_by_role("button", name="Go on")
        if done < len(kinds):
            expect(page.locator(".questions").or_(go_on)).to_be_visible()
        if go_on.count():
            go_on.click()
    return entered


def test_the_report_says_what_three_raters_entered(chromium: Browser, place: Place, tmp_path: Path):
    answers = {arm: ANSWER.format(first=first) for first, arm in ARMS.items()}
    plan = protocol(raters_per_case=RATERS, arms_apart=10, repeats_apart=20)
    study = place.begin(plan, cases=CASES, raters=RATERS, answers=answers).study
    draw, entered = random.Random(5), list[Entered]()
    for rater in study.raters:
        with seated(chromium, place, rater) as visit:
            entered += finish(visit.page, place, rater, draw)
    study.lead.lock(study.id, "ada")
    for who in ("ada", "grace"):
        study.lead.unblind(study.id, who)
    data = dataset(study.lead, study.id)
    told = contract(analyse(data))

    once = {(each.rater, each.case, each.first): each for each in reversed(entered)}  # the first time counts
    assert len(once) == CASES * RATERS * len(ARMS) < len(entered)
    for first, arm in ARMS.items():
        mine = [each for each in once.values() if each.first == first]
        said = told["arms"][arm]
        assert (said["n_cases"], said["n_ratings"]) == (CASES, len(mine))
        assert said["acceptance"] == pytest.approx(fmean(each.accept != "no" for each in mine), abs=1e-12)
        votes = defaultdict(list)
        for each in mine:
            votes[each.case].append(each.accept != "no")
        pairs = [one == other for those in votes.values() for one, other in combinations(those, 2)]
        assert said["percent_agreement"] == pytest.approx(fmean(pairs), abs=1e-12)
        suits = next(item for item in said["items"] if item["id"] == "appropriateness")
        assert suits["mean"] == pytest.approx(fmean(int(each.suits) for each in mine), abs=1e-12)
    assert contract(analyse(read_export(export(data, tmp_path / "export.zip")))) == told
