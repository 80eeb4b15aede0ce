"""The rater's page in a real browser: what it is told, what it keeps, and what it takes to rate on it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import update

from medassist.engines.scripted import ScriptedEngine
from medassist.store.database import writing
from medassist.store.study_tables import Assignment, Rater, Response, StudyCase
from medassist.study.protocol import Protocol
from medassist.web.identity import COOKIE
from tests.browsing import QUIETLY, Running, Visit, visiting
from tests.studying import ANSWER, Studying, protocol

pytestmark = QUIETLY

KEYS = "1122" + "444444" + "124"
"""What a rater presses to accept an answer whose list lacks the right diagnosis."""
PASSED = {"accept": "yes", "top1": "exact", "gold_listed": "no", "cant_miss": "no", "confidence": "4", "bias": "no"}


@dataclass
class Place:
    server: Running
    study: Studying

    def begin(self, plan: Protocol | None = None, **size: Any) -> "Place":
        """A further study on the same server."""
        self.study.make(plan, **size)
        return self

    def session(self, rater: str) -> str:
        """Give the seat to an account of its own, and sign that in."""
        directory, name = self.server.services.directory, f"r{rater}"
        if name not in {account.name for account in directory.list()}:
            account, invitation = directory.add(name, "rater")
            directory.accept(invitation, "not a short password")
            with writing(self.study.store.database) as session:
                session.execute(update(Rater).where(Rater.id == rater).values(account_id=account))
        return directory.sign_in(name, "not a short password")

    def draft(self, rater: str) -> dict[str, Any]:
        """What is kept of the assignment that is begun, of its first answer."""
        store = self.study.panel.store
        begun = next(row.id for row in store.outlines(rater) if row.state == "started")
        kept = store.assignment(rater, begun)
        return dict(kept.draft.get(kept.responses[0], {}))

    def submitted(self, rater: str) -> list[str]:
        return [row.id for row in self.study.panel.store.outlines(rater) if row.state == "submitted"]

    def values(self, assignment: str) -> dict[str, str]:
        return {row.item: row.value for row in self.study.panel.store.values(assignment)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("review")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MEDASSIST_DATABASE_URL", f"sqlite:///{folder / 'study.sqlite3'}")
        environment.setenv("MEDASSIST_AUTH", "password")
        study = Studying(folder)
        with Running(ScriptedEngine(), folder) as server:
            yield Place(server, study)
        study.close()


def enter_as(context: BrowserContext, place: Place, session: str) -> None:
    context.add_cookies([{"name": COOKIE, "value": session, "url": f"http://127.0.0.1:{place.server.port}"}])


@contextmanager
def seated(chromium: Browser, place: Place, rater: str, *, clean: bool = True, **options: Any) -> Iterator[Visit]:
    """A browser of a rater who has signed in, on the review page."""
    session = place.session(rater)
    with visiting(chromium, place.server, clean, **options) as visit:
        enter_as(visit.page.context, place, session)
        visit.page.goto(f"{visit.home}review")
        yield visit


def questions(page: Page) -> Page:
    page.locator(".questions").wait_for()
    return page


def at(page: Page, item: str, label: str = "A") -> Any:
    return page.locator(f"#q-{label}-{item}")


def choose(page: Page, item: str, key: str, label: str = "A") -> None:
    at(page, item, label).locator("input").first.focus()
    page.keyboard.press(key)


def saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_attribute("data-state", "saved")


def press(page: Page, keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def heading(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator("#review h1")).to_have_text(text)


# --- What reaches the browser.

CANARIES = ("canaryarm", "canarymodel", "canaryadapter", "canarygraph", "canarycase", "canarystratum", "canaryraw")


class Everything:
    """All that a browser receives, and all that it holds at each step."""

    def __init__(self, visit: Visit) -> None:
        self.said: list[str] = []
        self.closing: list[str] = []
        self.types: set[str] = set()
        self.page = visit.page
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.context.route("**/*", self.pass_on)

    def pass_on(self, route: Route) -> None:
        answer = route.fetch()
        told = f"{route.request.url} {answer.url} {answer.headers} {answer.text()}"
        is_closing = '"kind":"closing"' in told and "/assignments/" in route.request.url
        (self.closing if is_closing else self.said).append(told)
        self.types.add(answer.headers.get("content-type", ""))
        route.fulfill(response=answer)

    def look(self) -> None:
        held = self.page.evaluate("JSON.stringify([location.href, {...localStorage}, {...sessionStorage}])")
        is_closing = self.page.locator("#q-A-guess").count()
        (self.closing if is_closing else self.said).append(self.page.content())
        self.said += [held, str(self.page.context.cookies())]


def canaried(place: Place) -> list[str]:
    """A study of two arms, all of whose names would tell them; the ids that must not leave the server either."""
    raw = "<think>I am canarymodel-7b, arm canaryarm-one; canaryraw.</think>\n" + ANSWER
    plan = protocol(("canaryarm-one", "canaryarm-two"), mode="paired", repeat_share=0.2)
    answers = {"canaryarm-one": raw.format(first="Flu"), "canaryarm-two": raw.format(first="Gout")}
    study = place.begin(plan, cases=6, raters=2, answers=answers).study
    ids = [each.id for each in study.lead.studies.responses(study.id)]
    cases = [each.id for each in study.lead.studies.cases(study.id)]
    told = {"sentence": "The pain.", "units": [{"text": "sudden pain", "weight": 0.4}], "reliable": False, "model": "canarymodel-7b"}  # fmt: skip
    with writing(study.store.database) as session:
        session.execute(
            update(Response)
            .where(Response.id.in_(ids))
            .values(
                model="canarymodel-7b",
                adapter="canaryadapter",
                knowledge_version="canarygraph",
                parameters={"model": "canarymodel-7b"},
                explanation=told,
            )
        )
        for n, case in enumerate(cases):
            session.execute(
                update(StudyCase).where(StudyCase.id == case).values(key=f"canarycase-{n}", stratum="canarystratum")
            )
    return [*ids, *cases, *(arm.id for arm in study.lead.studies.arms(study.id)), study.id]


def test_nothing_tells_an_arm(chromium: Browser, place: Place) -> None:
    """A whole panel run: practice, ratings, repeats, the end. Neither names nor ids nor sides say who wrote what."""
    secret_ids = canaried(place)
    rater = place.study.raters[0]
    kinds = [row.kind for row in place.study.panel.store.outlines(rater)]
    assert {"practice", "primary", "repeat", "closing"} <= set(kinds)
    assert all("canary" in place.study.lead.studies.raw(each) for each in secret_ids[:4])
    session = place.session(rater)
    flu_side: list[str] = []
    with visiting(chromium, place.server) as visit:
        enter_as(visit.page.context, place, session)
        everything = Everything(visit)
        page = visit.page
        page.goto(f"{visit.home}review")
        for done, kind in enumerate(kinds):
            questions(page)
            everything.look()
            if kind == "closing":
                assert "sudden pain" in page.locator("#answer-A").inner_text()
                choose(page, "guess", "0")
                choose(page, "guess_certainty", "1")
                page.keyboard.press("Control+Enter")
                continue_when(page, place, rater, done + 1)
                continue
            flu_side += [label for label in "AB" if "1. Flu" in page.locator(f"#answer-{label}").inner_text()]
            expect(page.locator(".explained")).to_have_count(0)
            for label in "AB":
                page.locator(f"#tab-{label}").click()
                at(page, "accept", label).locator("input").first.focus()
                press(page, KEYS)
            choose(page, "preferred", "3", "both")
            page.keyboard.press("Control+Enter")
            expect(page.locator(".explained")).to_have_count(2)
            everything.look()
            choose(page, "explanation_usefulness", "0")
            page.locator("#tab-B").click()
            choose(page, "explanation_usefulness", "3", "B")
            page.keyboard.press("Control+Enter")
            continue_when(page, place, rater, done + 1)
        heading(page, "All done. Thank you")
        everything.look()
        page.locator("[data-do=earlier]").click()
        page.locator(".places button").nth(1).click()
        page.locator("#reason").wait_for()
        everything.look()
    received = "\n".join(everything.said + everything.closing).lower()
    assert len(everything.said) > 60 and "sudden pain" in received
    assert [word for word in ("canary", *CANARIES) if word in received] == []
    assert [each for each in secret_ids if each.lower() in received] == []
    open_part = "\n".join(everything.said)
    assert re.findall(r"\b(?:s1|s2)\b|System 1|repeat_of|\"repeat\"", open_part) == []
    assert all('"s1"' in told for told in everything.closing if "/assignments/" in told)
    assert not any("event-stream" in kind for kind in everything.types)
    assert set(flu_side) == {"A", "B"}
    rows = place.study.lead.studies.ratings(place.study.id)
    assert {row.value for row in rows if row.item == "preferred"} == {"tie"}


def continue_when(page: Page, place: Place, rater: str, done: int) -> None:
    """Wait until so many are submitted and the page shows what comes after."""
    expect(page.locator("#live")).to_have_text(re.compile("."))
    for _ in range(100):
        if len(place.submitted(rater)) >= done:
            break
        page.wait_for_timeout(50)
    assert len(place.submitted(rater)) == done
    page.locator("#review .questions .panel input:checked").first.wait_for(state="detached")


# --- Rating.


def test_rating_with_the_keyboard_alone(chromium: Browser, place: Place) -> None:
    rater = place.begin(raters=2, cases=3).study.raters[0]
    with seated(chromium, place, rater) as visit:
        page = questions(visit.page)
        heading(page, "Practice 1 of 1")
        page.keyboard.press("1")  # to the first open question: nothing is chosen before a question has the focus
        expect(at(page, "accept").locator("input").first).to_be_focused()
        expect(page.locator(".panel input:checked")).to_have_count(0)
        press(page, "0")  # cannot judge
        page.keyboard.press("Shift+Tab")
        expect(at(page, "accept").locator("input").last).to_be_focused()
        page.keyboard.press("Backspace")
        expect(at(page, "accept").locator("input:checked")).to_have_count(0)
        press(page, "3")  # no: now a comment is asked for
        press(page, "11")
        expect(at(page, "gold_rank").locator("select")).to_be_focused()
        expect(at(page, "gold_rank").locator("option")).to_have_text(["–", "1", "2", re.compile("Cannot judge")])
        press(page, "2")  # the answer lists two: no second digit is waited for
        expect(at(page, "gold_rank").locator("select")).to_have_value("2")
        expect(at(page, "cant_miss").locator("input").first).to_be_focused()
        press(page, "2" + "444444" + "124")
        expect(at(page, "comment").locator("textarea")).to_be_focused()
        page.keyboard.press("Control+Enter")
        expect(page.locator(".problems a")).to_have_text(["Comment"])
        expect(at(page, "comment").locator("textarea")).to_be_focused()
        page.keyboard.type("Give 100 mg, not 10?")
        page.keyboard.press("Control+Enter")
        heading(page, "Assignment 1 of 7")
        [first] = place.submitted(rater)
        kept = place.values(first)
        assert (kept["accept"], kept["gold_rank"], kept["comment"]) == ("no", "2", "Give 100 mg, not 10?")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("1")
        expect(at(page, "accept").locator("input").first).to_be_focused()
        composing = "new KeyboardEvent('keydown', {key: '1', bubbles: true, isComposing: true})"
        page.evaluate(f"document.activeElement.dispatchEvent({composing})")
        expect(page.locator(".panel input:checked")).to_have_count(0)


def test_what_is_entered_comes_back_here_and_on_another_device(chromium: Browser, place: Place) -> None:
    rater = place.begin(raters=2, cases=3).study.raters[0]
    with seated(chromium, place, rater, clean=False) as here:
        page = questions(here.page)
        choose(page, "accept", "2")
        at(page, "comment").locator("textarea").fill("Half a thought")
        saved(page)
        assert place.draft(rater) == {"accept": "minor_edits", "comment": "Half a thought"}
        page.reload()
        expect(at(page, "comment").locator("textarea")).to_have_value("Half a thought")
        expect(at(page, "accept").locator("input[value=minor_edits]")).to_be_checked()
        assert page.evaluate("localStorage.length") == 0
        assert "thought" not in page.evaluate("JSON.stringify({...sessionStorage})")
        with seated(chromium, place, rater, clean=False, viewport={"width": 390, "height": 800}) as there:
            phone = there.page
            heading(phone, "This assignment is open on another page or device")
            phone.get_by_role("button", name="Go on here").click()
            expect(at(phone, "comment").locator("textarea")).to_have_value("Half a thought")
            at(phone, "comment").locator("textarea").fill("The whole thought")
            saved(phone)
        at(page, "comment").locator("textarea").fill("Another thought")
        expect(page.locator(".decide h2")).to_have_text("You went on with this on another page")
        page.get_by_role("button", name="Go on here").click()
        row = page.locator(".decide tbody tr")
        expect(row).to_contain_text(["Another thought"])
        expect(row).to_contain_text(["The whole thought"])
        assert place.draft(rater)["comment"] == "The whole thought"
        page.get_by_role("button", name="Keep mine").click()
        saved(page)
        expect(at(page, "comment").locator("textarea")).to_have_value("Another thought")
        assert place.draft(rater)["comment"] == "Another thought"


def test_two_tabs_of_one_name_lose_nothing(chromium: Browser, place: Place) -> None:
    """A tab that is duplicated has the name of the first, and so its lease: what both change is asked about."""
    rater = place.begin(raters=2, cases=3).study.raters[0]
    with seated(chromium, place, rater, clean=False) as visit:
        one = questions(visit.page)
        name = one.evaluate("sessionStorage.getItem('medassist-review-tab')")
        two = visit.page.context.new_page()
        two.add_init_script(f"sessionStorage.setItem('medassist-review-tab', '{name}')")
        two.goto(f"{visit.home}review")
        choose(questions(two), "accept", "1")
        saved(two)
        choose(one, "accept", "1")  # the same: nothing to ask
        saved(one)
        choose(one, "top1", "2")
        saved(one)
        choose(two, "top1", "4")
        expect(two.locator(".decide tbody tr")).to_have_count(1)
        assert place.draft(rater) == {"accept": "yes", "top1": "close"}
        two.get_by_role("button", name="Take the other").click()
        expect(at(two, "top1").locator("input[value=close]")).to_be_checked()
        choose(two, "bias", "2")
        saved(two)
        assert place.draft(rater) == {"accept": "yes", "top1": "close", "bias": "no"}


def test_submitting_twice_counts_once(chromium: Browser, place: Place) -> None:
    rater = place.begin(raters=2, cases=3).study.raters[0]
    with seated(chromium, place, rater) as visit:
        page = questions(visit.page)
        at(page, "accept").locator("input").first.focus()
        press(page, KEYS)
        page.locator("[data-next]").dblclick()
        page.keyboard.press("Control+Enter")
        heading(page, "Assignment 1 of 7")
        page.locator("[data-next]").click()  # nothing is answered: nothing is submitted
        expect(page.locator(".problems a")).to_have_count(13)
        [only] = place.submitted(rater)
        assert {key: value for key, value in place.values(only).items() if key in PASSED} == PASSED
        rows = place.study.lead.studies.ratings(place.study.id)
        assert {row.revision for row in rows} == {1}


def test_offline_and_back_loses_nothing(chromium: Browser, place: Place) -> None:
    rater = place.begin(raters=2, cases=3).study.raters[0]
    with seated(chromium, place, rater, clean=False) as visit:
        page = questions(visit.page)
        choose(page, "accept", "1")
        saved(page)
        page.context.set_offline(True)
        at(page, "comment").locator("textarea").fill("Written on a train")
        expect(page.locator("#saved")).to_have_text("Not saved, retrying")
        expect(page.locator("#live")).to_have_text("Not saved, retrying")
        choose(page, "top1", "1")
        assert place.draft(rater) == {"accept": "yes"}
        page.context.set_offline(False)
        saved(page)
        assert place.draft(rater) == {"accept": "yes", "top1": "exact", "comment": "Written on a train"}
        at(page, "accept").locator("input").first.focus()
        press(page, KEYS)
        page.context.set_offline(True)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#saved")).to_have_text("Not saved, retrying")
        page.context.set_offline(False)
        heading(page, "Assignment 1 of 7")
        assert len(place.submitted(rater)) == 1


def test_an_answer_that_is_lost_on_the_way_is_asked_for_again(chromium: Browser, place: Place) -> None:
    """The server has saved it, and the page cannot know: the same request with the same key, and nothing twice."""
    rater = place.begin(raters=2, cases=3).study.raters[0]
    sent: list[dict[str, Any]] = []

    def lose(route: Route) -> None:
        sent.append(route.request.post_data_json)
        answer = route.fetch()
        if len(sent) == 1:
            route.fulfill(status=503, json={"error": "storage", "message": "busy"})
        else:
            route.fulfill(response=answer)

    with seated(chromium, place, rater, clean=False) as visit:
        page = questions(visit.page)
        page.context.route("**/draft?*", lose)
        choose(page, "accept", "1")
        expect(page.locator("#saved")).to_have_text("Not saved, retrying")
        choose(page, "top1", "1")
        saved(page)
        assert [sorted(each["values"]["A"]) for each in sent] == [["accept"], ["accept"], ["accept", "top1"]]
        assert sent[0] == sent[1] and sent[1]["key"] != sent[2]["key"]
        assert [each["revision"] for each in sent] == [0, 0, 1]
        assert place.draft(rater) == {"accept": "yes", "top1": "exact"}


def test_only_time_at_work_is_counted(chromium: Browser, place: Place) -> None:
    """A minute after the last sign of life the count stops; a clock that is set changes nothing."""
    rater = place.begin(raters=2, cases=3).study.raters[0]
    session = place.session(rater)
    with visiting(chromium, place.server) as visit:
        enter_as(visit.page.context, place, session)
        page = visit.page
        page.clock.install()
        page.goto(f"{visit.home}review")
        questions(page)
        page.clock.run_for(5_000)
        choose(page, "accept", "1")
        page.clock.run_for(2_000)
        saved(page)
        page.clock.set_system_time(datetime(2040, 1, 1, tzinfo=UTC))
        page.clock.run_for(3_600_000)
        choose(page, "top1", "1")
        page.clock.run_for(2_000)
        saved(page)
        store = place.study.panel.store
        begun = next(row.id for row in store.outlines(rater) if row.state == "started")
        assert 60_000 < store.assignment(rater, begun).active_ms < 80_000


def test_what_is_sent_after_the_lock_stays_a_draft(chromium: Browser, place: Place) -> None:
    rater = place.begin(raters=2, cases=3).study.raters[0]
    with seated(chromium, place, rater, clean=False) as visit:
        page = questions(visit.page)
        at(page, "accept").locator("input").first.focus()
        press(page, KEYS)
        at(page, "comment").locator("textarea").fill("Too late?")
        saved(page)
        place.study.lead.lock(place.study.id, "lead")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".decide")).to_contain_text("the study is locked")
        expect(at(page, "comment").locator("textarea")).to_have_value("Too late?")
        assert place.draft(rater)["comment"] == "Too late?" and place.submitted(rater) == []
        page.get_by_role("button", name="Reload the page").click()
        expect(page.locator("h1")).to_have_text("This study is locked")


def test_a_comment_of_fifty_thousand_characters(chromium: Browser, place: Place) -> None:
    rater = place.begin(raters=2, cases=3).study.raters[0]
    long = ("发热三天，咳嗽；" * 124 + "无胸痛。又三日\n\n") * 49 + "终" * 951
    assert len(long) == 50_000
    with seated(chromium, place, rater) as visit:
        page = questions(visit.page)
        box = at(page, "comment").locator("textarea")
        box.fill(long + "!")
        expect(at(page, "comment").locator(".count")).to_have_text("-1 characters left")
        at(page, "accept").locator("input").first.focus()
        press(page, KEYS)
        box.fill(long)
        saved(page)
        page.reload()
        expect(box).to_have_value(long)
        page.keyboard.press("Control+Enter")
        heading(page, "Assignment 1 of 7")
        assert place.values(place.submitted(rater)[0])["comment"] == long


def test_the_other_language_keeps_what_is_typed(chromium: Browser, place: Place) -> None:
    rater = place.begin(raters=2, cases=3).study.raters[0]
    with seated(chromium, place, rater) as visit:
        page = questions(visit.page)
        choose(page, "accept", "3")
        page.locator(".languages a", has_text="中文").click()
        expect(at(page, "accept").locator("legend")).to_contain_text("您是否接受该回答？")
        expect(at(page, "accept").locator("input[value=no]")).to_be_checked()
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".problems strong")).to_contain_text("尚未提交")
        page.reload()
        expect(page.locator("#review h1")).to_have_text("练习 1 / 1")
        page.locator(".languages a", has_text="EN").click()
        heading(page, "Practice 1 of 1")


def test_an_earlier_one_is_amended_with_a_reason(chromium: Browser, place: Place) -> None:
    rater = place.begin(raters=2, cases=3).study.raters[0]
    place.study.rate(rater, upto=2)
    with seated(chromium, place, rater, clean=False) as visit:
        page = questions(visit.page)
        page.locator("[data-do=earlier]").click()
        page.locator(".places button", has_text=re.compile("^1$")).click()
        heading(page, "Assignment 1 of 7")
        choose(page, "accept", "2")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".faults .alert")).to_contain_text("needs a reason")
        page.locator("#reason").fill("Read it again")
        page.get_by_role("button", name="Keep the amendment").click()
        expect(page.locator(".said")).to_have_text("The amendment is kept.")
        page.get_by_role("button", name="Back to what is next").click()
        heading(page, "Assignment 2 of 7")
    rows = [row for row in place.study.lead.studies.ratings(place.study.id) if row.status == "amended"]
    assert [(row.item, row.value, row.reason, row.revision) for row in rows] == [
        ("accept", "minor_edits", "Read it again", 2)
    ]


# --- Where one stands.


def test_consent_practice_break_wait_and_leaving(chromium: Browser, place: Place) -> None:
    plan = protocol(repeat_share=0.05, repeats_apart=50, wait_days=14)
    rater = place.begin(plan, raters=2, cases=10).study.raters[0]
    with writing(place.study.store.database) as session:
        session.execute(update(Rater).where(Rater.id == rater).values(consent_at=None))
    with seated(chromium, place, rater) as visit:
        page = visit.page
        expect(page.locator("h1")).to_have_text("Before you begin")
        expect(page.locator("#consent")).to_contain_text("how long you worked")
        page.get_by_text("中文说明").click()
        expect(page.locator("#consent details")).to_contain_text("退出的权利")
        page.get_by_role("button", name="I agree and take part").click()
        heading(page, "Practice 1 of 1")
        expect(page.locator(".where .badge")).to_have_text("Practice: does not count")
        with writing(place.study.store.database) as session:  # as if the lease had run out
            session.execute(update(Assignment).where(Assignment.rater_id == rater).values(holder=""))
        place.study.rate(rater, upto=20)
        page.reload()
        heading(page, re.compile(r"Assignment \d+ of 21"))
        at(page, "accept").locator("input").first.focus()
        press(page, KEYS)
        page.keyboard.press("Control+Enter")
        heading(page, "Nothing is due now")
        due = datetime.now(UTC) + timedelta(days=14)
        expect(page.locator(".pause p")).to_contain_text(str(due.year))
        page.locator("[data-do=leave]").click()
        page.get_by_role("button", name="Leave for good").click()
        expect(page.locator("#leave")).to_be_visible()  # what becomes of the ratings has to be said
        page.locator("#leave label", has_text="is taken out").click()
        page.get_by_role("button", name="Leave for good").click()
        expect(page.locator("h1")).to_have_text("You have left this study")
    assert {row.status for row in place.study.lead.studies.ratings(place.study.id) if row.revision > 1} == {"withdrawn"}


def test_a_break_is_offered_and_not_forced(chromium: Browser, place: Place) -> None:
    plan = protocol(repeat_share=0)
    rater = place.begin(plan, raters=2, cases=11).study.raters[0]
    place.study.rate(rater, upto=20)
    with seated(chromium, place, rater) as visit:
        page = questions(visit.page)
        at(page, "accept").locator("input").first.focus()
        press(page, KEYS)
        page.keyboard.press("Control+Enter")
        heading(page, "Time for a break?")
        page.keyboard.press("Control+Enter")
        heading(page, "Assignment 21 of 22")


def test_several_seats_are_offered(chromium: Browser, place: Place) -> None:
    first = place.begin(raters=2, cases=3).study.raters[0]
    session = place.session(first)
    second = place.begin(raters=2, cases=3).study.raters[0]
    account = place.server.services.directory.find(f"r{first}").id
    with writing(place.study.store.database) as database:
        database.execute(update(Rater).where(Rater.id == second).values(account_id=account))
    with visiting(chromium, place.server) as visit:
        enter_as(visit.page.context, place, session)
        visit.page.goto(f"{visit.home}review")
        expect(visit.page.locator("h1")).to_have_text("Which study?")
        visit.page.locator("a.seat").first.click()
        questions(visit.page)


# --- For everybody.


def serious(page: Page) -> list[Any]:
    found = Axe().run(page).response["violations"]
    worst = [each for each in found if each["impact"] in ("serious", "critical")]
    return [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in worst]


@pytest.mark.parametrize(("width", "scheme", "locale"), [(1440, "light", "en-US"), (390, "dark", "zh-CN")])
@pytest.mark.parametrize("mode", ["absolute", "paired"])
def test_the_page_is_accessible(
    chromium: Browser, place: Place, width: int, scheme: Any, locale: str, mode: str
) -> None:
    """No serious issue by axe's rules, wherever one is; nothing wider than the screen."""
    rater = place.begin(protocol(mode=mode), raters=2, cases=3).study.raters[0]
    ids = [each.id for each in place.study.lead.studies.responses(place.study.id)]
    told = {"sentence": "The pain.", "units": [{"text": "pain", "weight": 0.4}, {"text": "fever", "weight": -0.1}]}
    with writing(place.study.store.database) as session:
        session.execute(update(Response).where(Response.id.in_(ids)).values(explanation=told))
        session.execute(update(Rater).where(Rater.id == rater).values(consent_at=None))
    size = {"width": width, "height": 900}
    with seated(chromium, place, rater, viewport=size, color_scheme=scheme, locale=locale) as visit:
        page = visit.page
        page.locator("#consent").wait_for()
        assert serious(page) == []
        page.locator("[data-do=consent]").click()
        questions(page)
        for label in "AB" if mode == "paired" else "A":
            if mode == "paired":
                page.locator(f"#tab-{label}").click()
            choose(page, "cant_miss", "1", label)
        page.keyboard.press("Control+Enter")
        page.locator(".problems").wait_for()
        assert serious(page) == []
        for label in "AB" if mode == "paired" else "A":
            if mode == "paired":
                page.locator(f"#tab-{label}").click()
            at(page, "accept", label).locator("input").first.focus()
            press(page, KEYS)
        if mode == "paired":
            choose(page, "preferred", "1", "both")
        page.keyboard.press("Control+Enter")
        page.locator("#q-A-explanation_usefulness").wait_for()
        page.locator("details.locked summary").first.click()
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for dialog in ("keys", "leave", "earlier"):
            page.locator(f"[data-do={dialog}]").click()
            page.locator(f"#{dialog}").wait_for()
            assert serious(page) == []
            page.keyboard.press("Escape")
