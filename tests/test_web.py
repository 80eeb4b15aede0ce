"""The web application around the pages: health, limits, headers, the server's port."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from medassist.config import Settings, load_settings
from medassist.engines.scripted import ScriptedEngine
from medassist.errors import PortInUse, StorageError
from medassist.services import Services, build_services
from medassist.web.app import create_app, serve
from medassist.web.guard import MAX_BODY

ALLOWED_URLS = re.compile(r"https?://(?:testserver|127\.0\.0\.1|localhost)(?::\d+)?|http://www\.w3\.org/2000/svg")


class _Unready(ScriptedEngine):
    @property
    def ready(self) -> bool:
        return False


def _services(folder: Path, engine: ScriptedEngine | None = None, **settings: object) -> Services:
    chosen: Settings = load_settings(data_dir=folder, **settings)
    return build_services(chosen, engine or ScriptedEngine())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with TestClient(create_app(_services(tmp_path_factory.mktemp("web")))) as client:
        yield client


def test_the_process_lives_and_is_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "missing": []})


def test_not_ready_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = _services(tmp_path, _Unready())

    def fail() -> None:
        raise StorageError(reason="x", reason_zh="x")

    with TestClient(create_app(services)) as client:
        assert (client.get("/readyz").status_code, client.get("/readyz").json()["missing"]) == (503, ["model"])
        monkeypatch.setattr(services.store, "ping", fail)
        assert client.get("/readyz").json()["missing"] == ["model", "database"]
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/theme.css", "/no-such-page"])
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy and "object-src 'none'" in policy
    assert "frame-ancestors 'self' https://huggingface.co" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    assert "access-control-allow-origin" not in client.get(path, headers={"Origin": "https://evil.example"}).headers


def test_each_script_of_the_page_runs_under_a_fresh_nonce(client: TestClient) -> None:
    nonces = set()
    for _ in range(2):
        page = client.get("/")
        [nonce] = re.findall(r"'nonce-([^']+)'", page.headers["content-security-policy"])
        tags = re.findall(r"<script[^>]*>", page.text)
        assert tags and all(f'nonce="{nonce}"' in tag for tag in tags)
        nonces.add(nonce)
    assert len(nonces) == 2


def test_the_page_names_no_other_site(client: TestClient) -> None:
    for path in ("/", "/theme.css", "/config"):
        named = re.findall(r"https?://[^\s\"'\\<)]+", client.get(path).text)
        assert not [url for url in named if not ALLOWED_URLS.match(url)], path
    assert "fonts.g" not in client.get("/theme.css").text


def test_the_page_comes_in_the_language_of_the_browser(client: TestClient) -> None:
    assert 'lang="zh-CN"' in client.get("/", headers={"Accept-Language": "zh-CN,zh"}).text
    assert 'lang="en"' in client.get("/", headers={"Accept-Language": "fr"}).text


def test_a_body_above_the_limit_is_refused(client: TestClient) -> None:
    assert client.post("/gradio_api/queue/join", content=b"x" * (MAX_BODY + 1)).status_code == 413
    assert client.post("/gradio_api/queue/join", content=b"x" * 100).status_code != 413


def test_a_body_that_does_not_announce_its_length_is_refused(client: TestClient) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        for _ in range(50):
            sent.append(1)
            yield b"x" * 1_000_000

    assert client.post("/gradio_api/queue/join", content=endless()).status_code == 413


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://testserver.evil.example", "http://testserver:81"]
)
@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/run/predict", "/gradio_api/cancel", "/login"])
def test_a_foreign_origin_may_not_post(client: TestClient, origin: str, path: str) -> None:
    assert client.post(path, json={}, headers={"Origin": origin}).status_code == 403


def test_our_own_page_may_post(client: TestClient) -> None:
    for origin in ({}, {"Origin": "http://testserver"}):
        assert client.post("/gradio_api/queue/join", json={}, headers=origin).status_code != 403


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/docs", "/openapi.json", "/monitoring", "/gradio_api/runs"])
def test_what_no_page_needs_is_closed(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (403, 404, 405)
    assert client.post(path).status_code in (403, 404, 405)


def test_no_handler_is_public(client: TestClient) -> None:
    assert client.get("/gradio_api/info").json() == {"named_endpoints": {}, "unnamed_endpoints": {}}


def test_the_key_of_the_browser_state_is_kept_and_private(tmp_path: Path) -> None:
    create_app(_services(tmp_path))
    key = tmp_path / "browser.key"
    first = key.read_text()
    assert len(first) >= 32 and key.stat().st_mode & 0o777 == 0o600
    create_app(_services(tmp_path))
    assert key.read_text() == first


def test_a_port_in_use_is_said_before_anything_is_loaded(tmp_path: Path) -> None:
    class Engine(ScriptedEngine):
        def load(self) -> None:
            raise AssertionError("loaded")

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        services = _services(tmp_path, Engine(), port=port)
        with pytest.raises(PortInUse) as caught:
            serve(services.settings, services)
    assert str(port) in caught.value.text("en") and caught.value.exit_code == 2
