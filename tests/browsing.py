"""A real browser on a real server, for the tests of the pages."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from medassist.config import load_settings
from medassist.engines import Engine
from medassist.services import build_services
from medassist.web.app import Server, create_app

# gradio's own queue statistics use what pandas is about to drop.
QUIETLY = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated and will be removed"),
]

ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
COMPLAINT, HISTORY = "Left calf swollen for three days", "Ten days after knee surgery. Sharp chest pain. No fever."


class Running:
    """A server of its own on a free port, for one engine and one database."""

    def __init__(self, engine: Engine, folder: Path, port: int = 0) -> None:
        settings = load_settings(data_dir=folder, port=0)
        self.engine = engine
        self.services = build_services(settings, engine)
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._server = Server(create_app(self.services))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})

    def __enter__(self) -> "Running":
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def stopped(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._listener.close()


@contextmanager
def launched() -> Iterator[Browser]:
    """The system's Chromium, or playwright's own."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        path = path or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.fail("There is no Chromium to test the page with; `make setup` installs it.")
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Visit:
    """A page that notes what a browser should never have to say."""

    def __init__(self, context: BrowserContext, port: int) -> None:
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.home = f"http://127.0.0.1:{port}/"
        self.page = context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._requested)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.home, "data:", "blob:")):
            self.foreign.append(request.url)

    def open(self) -> Page:
        self.page.goto(self.home)
        return self.ready()

    def ready(self) -> Page:
        """The page, once the server has told it what to show."""
        expect(self.page.locator("#ma-diagnose")).to_be_enabled(timeout=15_000)
        self.page.wait_for_function("Boolean(localStorage.getItem('medassist'))")
        self.page.locator("html[data-ready=yes]").wait_for(state="attached")
        self.page.wait_for_timeout(150)
        return self.page


@contextmanager
def visiting(chromium: Browser, server: Running, clean: bool = True, **options: Any) -> Iterator[Visit]:
    context = chromium.new_context(**({"locale": "en-US"} | options))
    context.set_default_timeout(10_000)
    visit = Visit(context, server.port)
    try:
        yield visit
    finally:
        context.close()
    assert not visit.foreign
    assert not visit.complaints or not clean


def enter(page: Page, complaint: str = COMPLAINT, history: str = HISTORY) -> None:
    page.locator("#ma-chief_complaint textarea").fill(complaint)
    page.locator("#ma-history textarea").fill(history)


def status(page: Page, status: str, timeout: float = 15_000) -> None:
    page.locator(f"#ma-status .ma-{status}").wait_for(timeout=timeout)


def diagnosed(page: Page) -> Page:
    enter(page)
    page.locator("#ma-diagnose").click()
    status(page, "complete")
    return page
