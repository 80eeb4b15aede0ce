"""The rater's requests: who may ask, what is refused with which status, and what is said of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from starlette.testclient import TestClient

from medassist.accounts import Directory
from medassist.config import load_settings
from medassist.engines.scripted import ScriptedEngine
from medassist.services import Services, build_services
from medassist.store.accounts import Accounts
from medassist.store.database import writing
from medassist.store.study_tables import Rater
from medassist.web import review
from medassist.web.guard import Guard
from medassist.web.identity import COOKIE
from medassist.web.review_words import IN_BROWSER, WORDS
from medassist.web.signin import install
from tests.studying import GOOD, Studying

HOST = "http://127.0.0.1"


class Site:
    """The page and its requests without gradio, for a study of three raters of whom two have accounts."""

    def __init__(self, folder: Path, auth: str) -> None:
        self.study = Studying(folder).make(cases=3)
        settings = load_settings(data_dir=folder, auth=auth, database_url=f"sqlite:///{folder / 'study.sqlite3'}")
        self.services: Services = build_services(settings, ScriptedEngine())
        self.app = FastAPI()
        install(self.app, self.services)
        if not any(getattr(route, "path", "") == "/review" for route in self.app.routes):
            self.app.include_router(review.router(self.services.panel, settings))
        self.app.add_middleware(Guard)
        self.directory: Directory = Directory(Accounts(self.study.store.database), self.study.audit)
        for name, rater in zip(("ann", "bob"), self.study.raters, strict=False):
            account, invitation = self.directory.add(name, "rater")
            self.directory.accept(invitation, "not a short password")
            with writing(self.study.store.database) as session:
                session.execute(update(Rater).where(Rater.id == rater).values(account_id=account))

    def as_(self, name: str | None = None, client: str = "127.0.0.1") -> TestClient:
        cookies = {COOKIE: self.directory.sign_in(name, "not a short password")} if name else {}
        return TestClient(self.app, HOST, cookies=cookies, client=(client, 5000), follow_redirects=False)

    def api(self, rater: int, path: str) -> str:
        return f"/api/review/{self.study.raters[rater]}/{path}"

    def opened(self, client: TestClient, rater: int = 0) -> dict[str, Any]:
        following = client.get(self.api(rater, "next")).json()["next"]
        answer = client.get(self.api(rater, f"assignments/{following}?holder=tab"))
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    def denied(self) -> list[tuple[str, str]]:
        return [(each.who, each.subject) for each in self.study.audit.latest(200) if each.what == "access.denied"]

    def close(self) -> None:
        self.services.close()
        self.study.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, "password")
    yield made
    made.close()


def sent(sheet: dict[str, Any], values: dict[str, Any], key: str = "k", **more: Any) -> dict[str, Any]:
    return {"holder": "tab", "revision": sheet["revision"], "key": key, "values": {"A": values}, "active_ms": 5} | more


ASKED = (
    ("GET", "standing"), ("POST", "consent"), ("POST", "withdraw"), ("GET", "next"), ("GET", "done"),
    ("GET", "assignments/x?holder=tab"), ("PUT", "assignments/x/draft"), ("POST", "assignments/x/submit"), ("POST", "assignments/x/amend"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_each_request_asks_who_it_is(site: Site, method: str, path: str) -> None:
    url = site.api(0, path)
    nobody = site.as_().request(method, url, content=b"{}")
    assert (nobody.status_code, nobody.json()["error"]) == (401, "not_signed_in")
    other = site.as_("bob").request(method, url, content=b"{}")
    assert (other.status_code, other.json()["error"]) == (404, "unknown_assignment")
    assert [subject for _, subject in site.denied()] == [site.study.raters[0]]
    if method != "GET":
        foreign = site.as_("ann").request(method, url, content=b"{}", headers={"origin": "https://elsewhere.example"})
        assert foreign.status_code == 403
    for answer in (nobody, other):
        assert answer.headers["cache-control"] == "no-store"


def test_the_page_leads_to_signing_in(site: Site) -> None:
    answer = site.as_().get("/review")
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin?next=/review")


def test_another_raters_assignment_is_unknown_and_noted(site: Site) -> None:
    ann, bob = site.as_("ann"), site.as_("bob")
    sheet = site.opened(ann)
    before = len(site.denied())
    url = site.api(1, f"assignments/{sheet['id']}")
    answers = [
        bob.get(f"{url}?holder=tab&take=1"),
        bob.put(f"{url}/draft", json=sent(sheet, GOOD)),
        bob.post(f"{url}/submit", json=sent(sheet, GOOD, page="rating")),
        bob.post(f"{url}/amend", json=sent(sheet, GOOD, reason="why")),
    ]
    assert {(each.status_code, each.json()["error"]) for each in answers} == {(404, "unknown_assignment")}
    assert [subject for _, subject in site.denied()[: len(site.denied()) - before]] == [sheet["id"]] * 4
    assert site.opened(ann)["values"] == {}


def test_a_rating_from_draft_to_amendment(site: Site) -> None:
    ann = site.as_("ann")
    sheet = site.opened(ann)
    url = site.api(0, f"assignments/{sheet['id']}")
    assert ann.put(f"{url}/draft", json=sent(sheet, {"accept": "yes"}, "k1")).json()["revision"] == 1
    stale = ann.put(f"{url}/draft", json=sent(sheet, {"accept": "no"}, "k2"))
    assert (stale.status_code, stale.json()["error"], stale.json()["revision"]) == (409, "stale_revision", 1)
    held = ann.get(f"{url}?holder=phone&lang=zh")
    assert (held.status_code, held.json()["error"]) == (409, "lease_held") and "其他页面" in held.json()["message"]
    half = ann.post(f"{url}/submit", json=sent(sheet, {"accept": "no"}, "k3", page="rating", revision=1))
    assert (half.status_code, half.json()["error"]) == (422, "incomplete")
    assert {"label": "A", "item": "comment"}.items() <= half.json()["problems"][-1].items()
    done = ann.post(f"{url}/submit", json=sent(sheet, GOOD, "k4", page="rating", revision=1))
    assert (done.status_code, done.json()["state"]) == (200, "submitted")
    late = ann.put(f"{url}/draft", json=sent(sheet, GOOD, "k5", revision=2))
    assert (late.status_code, late.json()["error"]) == (409, "not_now")
    assert ann.get(site.api(0, "done")).json() == [{"id": sheet["id"], "kind": "practice", "place": 1}]
    changed = sent(sheet, GOOD | {"accept": "minor_edits"}, "k6", revision=2)
    assert ann.post(f"{url}/amend", json=changed | {"reason": ""}).status_code == 422
    assert ann.post(f"{url}/amend", json=changed | {"reason": "misread"}).status_code == 200
    standing = ann.get(site.api(0, "standing")).json()
    assert (standing["practice"], standing["shows"]) == ([1, 1], "rate")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 422, "invalid_study"),
        (b"[]", 422, "invalid_study"),
        (b"\xff\xfe", 422, "invalid_study"),
        (b'{"holder": "tab", "revision": 0, "key": "k", "values": [], "page": "rating"}', 422, "invalid_study"),
        (b'{"holder": "tab", "revision": 0, "key": "", "values": {}}', 422, "invalid_study"),
        (b'{"holder": "tab", "revision": 0, "key": "k", "values": {"A": {"comment": "\\ud800"}}}', 422, "invalid_study"),
        (b'{"holder": "tab", "revision": 0, "key": "k", "values": {"A": {"arm": "s1"}}}', 422, "invalid_study"),
        (b'{"holder": "tab", "revision": 0, "key": "k", "values": {"A": {"gold_rank": 1' + b"0" * 5000 + b"}}}", 422, "invalid_study"),
        (b'{"x": "' + b"x" * 1_000_000 + b'"}', 413, "too_large"),
        (b"[" * 100_000, 422, "invalid_study"),
    ],
)  # fmt: skip
def test_bad_bodies_are_refused_in_words(site: Site, body: bytes, status: int, code: str) -> None:
    ann = site.as_("ann")
    sheet = site.opened(ann)
    answer = ann.put(site.api(0, f"assignments/{sheet['id']}/draft"), content=body)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert site.opened(ann)["revision"] == 0


def test_no_holder_is_refused(site: Site) -> None:
    ann = site.as_("ann")
    sheet = site.opened(ann)
    for holder in ("", "x" * 65):
        answer = ann.get(site.api(0, f"assignments/{sheet['id']}?holder={holder}"))
        assert answer.status_code == 422


def test_a_failing_database_asks_to_come_again(site: Site) -> None:
    ann = site.as_("ann")
    sheet = site.opened(ann)
    with site.study.store.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE study_request RENAME TO study_request_gone")
    answer = ann.put(site.api(0, f"assignments/{sheet['id']}/draft?lang=zh"), json=sent(sheet, GOOD))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json() == {"error": "storage", "message": WORDS["cannot_save"]["zh"]}


def test_a_sheet_holds_what_a_rater_may_know(site: Site) -> None:
    sheet = site.opened(site.as_("ann"))
    assert set(sheet) == {
        "id", "kind", "state", "place", "of", "language", "case", "reference", "cant_miss", "answers", "explanations",
        "pages", "values", "revision", "paired",
    }  # fmt: skip
    accept = sheet["pages"][0]["items"][0]
    assert [(each["key"], each["code"]) for each in accept["options"]][-1] == ("0", "cannot_judge")
    told = str(sheet)
    responses = site.study.lead.studies.responses(site.study.id)
    assert not [each.id for each in responses if each.id in told]


def test_leaving_says_what_becomes_of_the_ratings(site: Site) -> None:
    ann = site.as_("ann")
    assert ann.post(site.api(0, "withdraw"), json={}).status_code == 422
    assert ann.post(site.api(0, "withdraw"), json={"keep": False}).json()["shows"] == "withdrawn"
    assert "You have left this study" in ann.get("/review").text
    assert ann.get(site.api(0, "next")).json()["next"] is None


# --- Whoever sits at the computer itself.


def test_single_user_mode_offers_free_seats_and_notes_it(tmp_path: Path) -> None:
    site = Site(tmp_path, "local")
    try:
        here = site.as_()
        listed = here.get("/review")
        assert "Single-user mode" in listed.text and "R-03" in listed.text
        assert "R-01" not in listed.text and "R-02" not in listed.text  # those have accounts of their own
        free = site.study.raters[2]
        page = here.get(f"/review?seat={free}")
        assert f'data-seat="{free}"' in page.text
        taken = [entry for entry in site.study.audit.latest(20) if entry.what == "seat.taken"]
        assert [(entry.who, entry.subject) for entry in taken] == [("local", free)]
        assert here.get(site.api(2, "standing")).status_code == 200
        assert here.get(site.api(0, "standing")).status_code == 404
        assert site.as_(client="10.0.0.7").get(site.api(2, "standing")).status_code == 401
        site.study.lead.lock(site.study.id, "lead")
        assert "no study is open" in here.get("/review").text.lower()
        assert here.get(site.api(2, "standing")).json()["shows"] == "locked"
    finally:
        site.close()


def test_in_password_mode_nobody_takes_a_free_seat(site: Site) -> None:
    assert site.as_().get(site.api(2, "standing")).status_code == 401
    assert site.as_("ann").get(site.api(2, "standing")).status_code == 404


def test_a_seat_of_somebody_else_in_the_address_shows_ones_own(site: Site) -> None:
    page = site.as_("ann").get(f"/review?seat={site.study.raters[1]}")
    assert (
        f'data-seat="{site.study.raters[0]}"' in page.text and site.study.raters[1] not in page.text.split("<main")[1]
    )
    assert site.study.raters[1] in [subject for _, subject in site.denied()]


# --- Words.


def test_every_word_exists_in_both_languages() -> None:
    for name, word in WORDS.items():
        assert word["en"] and word["zh"], name
    assert set(IN_BROWSER) <= set(WORDS)


def test_the_scripts_say_only_words_that_they_are_given() -> None:
    import re

    scripts = Path(review.__file__).with_name("static").glob("review*.js")
    text = "\n".join(path.read_text() for path in scripts)
    named = set(re.findall(r"\bwords\.(\w+)", text))
    assert named <= set(IN_BROWSER), named - set(IN_BROWSER)
