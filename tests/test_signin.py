"""Signing in over HTTP: roles, origins, cookies, where one is sent, and who sits at this computer."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient

from medassist.config import load_settings
from medassist.engines.scripted import ScriptedEngine
from medassist.errors import StorageError
from medassist.services import Services, build_services
from medassist.web.app import create_app
from medassist.web.guard import Guard
from medassist.web.pages import STATIC, page
from medassist.web.signin import current, install, require

PASSWORD = "a quiet harbour"
HERE = "http://127.0.0.1:7860"


def application(services: Services) -> FastAPI:
    """The real sign-in with a page for each role, as other parts of the application have them."""
    app = FastAPI()
    install(app, services)

    @app.get("/study")
    def study(request: Request) -> HTMLResponse:
        return page(request, "message", require(request, "lead"), here="study", title="study", text="leads only")

    @app.get("/review")
    def review(request: Request) -> HTMLResponse:
        return page(request, "message", require(request, "rater"), here="review", title="review", text="raters only")

    @app.api_route("/api/either", methods=["GET", "POST"])
    def either(request: Request) -> dict[str, str]:
        return {"who": require(request).name}

    @app.get("/api/study")
    def api_study(request: Request) -> dict[str, str]:
        return {"who": require(request, "lead").name}

    @app.post("/study/lock")
    def lock(request: Request) -> dict[str, str]:
        return {"who": require(request, "lead").name}

    @app.get("/anyone")
    def anyone(request: Request) -> dict[str, str | None]:
        account = current(request)
        return {"who": account and account.name}

    app.add_middleware(Guard)
    return app


class Site:
    def __init__(self, folder: Path, auth: str) -> None:
        self.services = build_services(load_settings(data_dir=folder, auth=auth), ScriptedEngine())
        self.app = application(self.services)
        self.invitations = dict[str, str]()

    def client(self, base: str = HERE, address: str = "203.0.113.9", **options: str) -> TestClient:
        return TestClient(
            self.app, base_url=base, client=(address, 50000), follow_redirects=False, headers=dict(options)
        )

    def person(self, name: str, role: str) -> None:
        _, token = self.services.directory.add(name, role)
        self.services.directory.accept(token, PASSWORD)

    def signed_in(self, name: str, base: str = HERE, address: str = "203.0.113.9") -> TestClient:
        client = self.client(base, address)
        assert client.post("/signin", data={"name": name, "password": PASSWORD}).status_code == 303
        return client

    def denied(self) -> list[tuple[str, str]]:
        entries = self.services.audit.latest(1000)
        return [(each.who, each.subject) for each in reversed(entries) if each.what == "access.denied"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("signin"), "password")
    made.person("Lead", "lead")
    made.person("Rater", "rater")
    yield made
    made.services.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, "local")
    yield made
    made.services.close()


# Roles


@pytest.mark.parametrize(
    ("method", "path", "allowed", "nobody"),
    [
        ("GET", "/study", {"Lead"}, (303, "/signin?next=/study")),
        ("GET", "/study?page=2&q=a%20b", {"Lead"}, (303, "/signin?next=/study%3Fpage%3D2%26q%3Da%2520b")),
        ("POST", "/study/lock", {"Lead"}, (303, "/signin")),
        ("GET", "/review", {"Rater"}, (303, "/signin?next=/review")),
        ("GET", "/api/study", {"Lead"}, (401, None)),
        ("GET", "/api/either", {"Lead", "Rater"}, (401, None)),
        ("POST", "/api/either", {"Lead", "Rater"}, (401, None)),
    ],
)
def test_who_may_do_what(site: Site, method: str, path: str, allowed: set[str], nobody: tuple[int, str | None]) -> None:
    refused = site.client().request(method, path)
    assert (refused.status_code, refused.headers.get("location")) == nobody
    if nobody[0] == 401:
        assert refused.json() == {"code": "not_signed_in", "message": "Please sign in."}
    for name in ("Lead", "Rater"):
        before = site.denied()
        answer = site.signed_in(name).request(method, path)
        if name in allowed:
            assert answer.status_code == 200 and site.denied() == before
            continue
        assert answer.status_code == 403 and answer.headers["cache-control"] == "no-store"
        who = site.services.directory.find(name).id
        assert site.denied() == [*before, (who, path.split("?")[0])]
        if "/api/" in path:
            assert answer.json()["code"] == "not_allowed"
        else:
            assert "may not open" in answer.text and f"signed in as {name}" in answer.text


def test_a_session_that_is_no_more_is_nobody(site: Site) -> None:
    client = site.signed_in("Rater")
    assert client.get("/review").status_code == 200
    kept = client.cookies["medassist_signin"]
    left = client.post("/signout")
    assert (left.status_code, left.headers["location"]) == (303, "/signin")
    assert "medassist_signin" not in client.cookies
    client.cookies.set("medassist_signin", kept)
    assert client.get("/review").status_code == 303


def test_who_signs_in_as_another_is_the_former_no_more(site: Site) -> None:
    client = site.signed_in("Rater")
    first = client.cookies["medassist_signin"]
    client.post("/signin", data={"name": "Lead", "password": PASSWORD})
    assert client.get("/anyone").json() == {"who": "Lead"}
    other = site.client()
    other.cookies.set("medassist_signin", first)
    assert other.get("/anyone").json() == {"who": None}


# Where one is sent


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ("", "/review"),
        ("/review/7?page=2", "/review/7?page=2"),
        ("/", "/"),
        ("https://evil.example/", "/review"),
        ("//evil.example", "/review"),
        ("///evil.example", "/review"),
        ("/\\evil.example", "/review"),
        ("/a\\evil.example", "/review"),
        ("/\t/evil.example", "/review"),
        ("/\n/evil.example", "/review"),
        ("\\\\evil.example", "/review"),
        ("javascript:alert(1)", "/review"),
        (" /review", "/review"),
        ("/ok\r\nSet-Cookie: a=b", "/review"),
        ("/评审", "/review"),
    ],
)
def test_nobody_is_sent_elsewhere(site: Site, wanted: str, sent: str) -> None:
    client = site.client()
    given = {"name": "rater", "password": PASSWORD, "next": wanted}
    assert client.post("/signin", data=given).headers["location"] == sent
    again = client.get("/signin", params={"next": wanted})
    assert (again.status_code, again.headers["location"]) == (303, sent)


def test_each_role_has_its_start(site: Site) -> None:
    for name, start in (("Lead", "/study"), ("Rater", "/review")):
        client = site.client()
        answer = client.post("/signin", data={"name": name, "password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, start)


# Forms


def test_a_wrong_password_is_said_without_repeating_it(site: Site) -> None:
    given = {"name": '"><b>Rater', "password": "not the harbour", "next": "/review"}
    answer = site.client().post("/signin", data=given)
    assert answer.status_code == 401 and "The name or the password is wrong." in answer.text
    assert "not the harbour" not in answer.text and "<b>" not in answer.text
    assert 'value="/review"' in answer.text and "set-cookie" not in answer.headers


def test_a_locked_name_is_said_in_both_languages(site: Site) -> None:
    client = site.client()
    for _ in range(5):
        client.post("/signin", data={"name": "Locked", "password": "x"})
    answer = client.post("/signin?lang=zh", data={"name": "Locked", "password": "x"})
    assert answer.status_code == 429 and "分钟后重试" in answer.text


@pytest.mark.parametrize("given", [{}, {"name": "Rater"}, {"password": PASSWORD}, {"name": ["a", "b"]}])
def test_a_form_with_parts_missing_is_a_wrong_one(site: Site, given: dict[str, str]) -> None:
    assert site.client().post("/signin", data=given).status_code == 401


def test_an_invitation_from_the_link_to_the_first_page(site: Site) -> None:
    _, token = site.services.directory.add("Newcomer", "rater")
    client, path = site.client(), f"/invitation/{token}"
    for _ in range(3):  # also a messenger that looks what a link leads to
        assert "Welcome, Newcomer" in client.get(path).text
    refused = client.post(path, data={"password": PASSWORD, "again": "another harbour"})
    assert refused.status_code == 400 and "The two passwords differ." in refused.text
    assert client.post(path, data={"password": "short", "again": "short"}).status_code == 400
    accepted = client.post(path, data={"password": PASSWORD, "again": PASSWORD})
    assert (accepted.status_code, accepted.headers["location"]) == (303, "/review")
    assert client.get("/review").status_code == 200
    for used in (client.get(path), client.post(path, data={"password": PASSWORD, "again": PASSWORD})):
        assert used.status_code == 410 and "used already" in used.text
    assert client.get("/invitation/unknown").status_code == 410


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:7861"])
def test_a_foreign_page_may_post_nothing(site: Site, origin: str) -> None:
    _, token = site.services.directory.add(f"Target of {origin}", "rater")
    client = site.signed_in("Rater")
    before = len(site.services.audit.latest(10_000))
    for path, given in (
        ("/signin", {"name": "Lead", "password": PASSWORD}),
        (f"/invitation/{token}", {"password": PASSWORD, "again": PASSWORD}),
        ("/signout", {}),
    ):
        assert client.post(path, data=given, headers={"Origin": origin}).status_code == 403
    assert len(site.services.audit.latest(10_000)) == before
    assert client.get("/anyone").json() == {"who": "Rater"}
    assert site.services.directory.invited(token)


# Cookies and headers


@pytest.mark.parametrize(
    ("base", "headers", "secure"),
    [
        (HERE, {}, False),
        ("https://medassist.example", {}, True),
        (HERE, {"X-Forwarded-Proto": "https"}, True),
        (HERE, {"X-Forwarded-Proto": "https, http"}, True),
        (HERE, {"X-Forwarded-Proto": "http"}, False),
    ],
)
def test_the_cookie(site: Site, base: str, headers: dict[str, str], secure: bool) -> None:
    client = site.client(base, **headers)
    for answer in (
        client.post("/signin", data={"name": "Rater", "password": PASSWORD}),
        client.post("/signout"),
    ):
        value, *flags = [part.strip() for part in answer.headers["set-cookie"].split(";")]
        assert value.startswith("medassist_signin=")
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(flags) and ("Secure" in flags) == secure
        assert not any(flag.lower().startswith("domain") for flag in flags)


@pytest.mark.parametrize("path", ["/signin", "/invitation/unknown", "/review"])
def test_no_page_is_kept_by_a_cache(site: Site, path: str) -> None:
    headers = site.client().get(path).headers
    assert headers["cache-control"] == "no-store" and "script-src 'self'" in headers["content-security-policy"]


def test_two_sign_ins_have_nothing_in_common(site: Site) -> None:
    tokens = {site.signed_in("Rater").cookies["medassist_signin"] for _ in range(3)}
    assert len(tokens) == 3 and all(len(token) >= 43 for token in tokens)


# Languages


def test_the_language_is_asked_for_kept_and_else_the_browsers(site: Site) -> None:
    client = site.client(**{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"})
    chinese = client.get("/signin?next=/review&lang=")
    assert 'lang="zh-CN"' in chinese.text and "登录" in chinese.text
    assert 'href="?next=%2Freview&amp;lang=en"' in chinese.text
    assert "Sign in" in client.get("/signin?lang=en").text
    assert "Sign in" in client.get("/signin").text  # kept
    assert "登录" in client.get("/signin?lang=zh").text
    assert "登录" in client.get("/signin?lang=xx").text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_word_is_there(site: Site, language: str) -> None:
    _, token = site.services.directory.add(f"Reader of {language}", "lead")
    client = site.signed_in("Lead")
    for path in ("/study", "/review", f"/invitation/{token}", "/invitation/unknown"):
        text = client.get(path, params={"lang": language}).text
        said = re.sub(r"<[^>]*>|MedAssist|EN|中文|Lead|Reader of \w+|leads only", " ", text)
        assert bool(re.search("[\u4e00-\u9fff]", said)) == (language == "zh")
        assert language == "en" or not re.search("[A-Za-z]{3}", said), said


def test_a_rater_is_shown_no_way_to_where_answers_come_from(site: Site) -> None:
    links = re.findall(r'href="(/[^"?]*)"', site.signed_in("Rater").get("/review").text)
    assert set(links) == {"/review"}
    assert {"/", "/study", "/knowledge"} <= set(
        re.findall(r'href="(/[^"?]*)"', site.signed_in("Lead").get("/study").text)
    )


# This computer


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("127.0.0.1", HERE),
        ("127.8.8.8", "http://localhost"),
        ("::1", "http://[::1]:7860"),
        ("::ffff:127.0.0.1", "http://localhost:7860"),
    ],
)
def test_who_sits_at_this_computer_leads(local: Site, address: str, base: str) -> None:
    for _ in range(2):
        answer = local.client(base, address).get("/study")
        assert answer.status_code == 200 and "This computer" in answer.text and "Sign out" not in answer.text
    added = [each for each in local.services.audit.latest(10) if each.what == "account.added"]
    assert [each.subject for each in added] == ["local"]


@pytest.mark.parametrize(
    ("base", "address", "headers"),
    [
        (HERE, "192.168.1.20", {}),
        (HERE, "172.17.0.1", {}),
        (HERE, "testclient", {}),
        (HERE, "::ffff:192.168.1.20", {}),
        ("http://medassist.example", "127.0.0.1", {}),
        ("http://127.0.0.1.evil.example", "127.0.0.1", {}),
        ("http://localhost.evil.example", "127.0.0.1", {}),
        (HERE, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        (HERE, "127.0.0.1", {"X-Forwarded-For": ""}),
        (HERE, "127.0.0.1", {"X-Forwarded-Host": "localhost"}),
        (HERE, "127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        (HERE, "127.0.0.1", {"Host": "[::1"}),
        (HERE, "127.0.0.1", {"Host": ""}),
        (HERE, "127.0.0.1", {"Host": "evil.example@127.0.0.1"}),
    ],
)
def test_nobody_else_does(local: Site, base: str, address: str, headers: dict[str, str]) -> None:
    answer = local.client(base, address).get("/api/either", headers=headers)
    assert answer.status_code == 401
    assert local.services.directory.list() == []


def test_a_session_goes_before_the_computer(local: Site) -> None:
    local.person("Rater", "rater")
    client = local.signed_in("Rater", address="127.0.0.1")
    assert client.get("/anyone").json() == {"who": "Rater"}
    assert client.get("/study").status_code == 403
    client.post("/signout")
    assert client.get("/anyone").json() == {"who": "local"}


def test_a_disabled_computer_is_nobody(local: Site) -> None:
    assert local.client(address="127.0.0.1").get("/anyone").json() == {"who": "local"}
    local.services.directory.disable("local")
    assert local.client(address="127.0.0.1").get("/anyone").json() == {"who": None}


def test_where_everybody_signs_in_this_computer_does_too(site: Site) -> None:
    client = site.client(address="127.0.0.1")
    assert client.get("/anyone").json() == {"who": None}
    assert client.get("/study").status_code == 303


# The whole application


def test_the_application_has_it_and_gradio_its_files(tmp_path: Path) -> None:
    services = build_services(load_settings(data_dir=tmp_path), ScriptedEngine())
    with TestClient(create_app(services)) as client:
        text = client.get("/signin").text
        [style] = re.findall(r'href="(/static/web\.css\?v=[0-9a-f]{8})"', text)
        assert client.get(style).text == (STATIC / "web.css").read_text()
        assert client.get("/static/img/clear.svg").headers["content-type"].startswith("image/svg")
        for path in ("/static/../signin.py", "/static/%2e%2e/signin.py", "/static/..%2fapp.py"):
            assert "def " not in client.get(path).text
        home = client.get("/")
        assert home.status_code == 200 and 'href=\\"/review\\"' in home.text and 'href=\\"/study\\"' in home.text


def test_a_database_that_fails_is_said_on_the_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = site.signed_in("Rater")

    def fail(*_: object) -> None:
        raise StorageError(reason="the disk cannot be read or written.", reason_zh="磁盘无法读写。")

    monkeypatch.setattr(site.services.directory, "who", fail)
    answer = client.get("/review")
    assert answer.status_code == 500 and "the disk cannot be read" in answer.text and "Traceback" not in answer.text
    assert client.get("/api/either").json()["code"] == "storage"
