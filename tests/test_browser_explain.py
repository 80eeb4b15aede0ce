"""Explanations on the page, in a real browser: the graph ranks, so no model is waited for."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from medassist.engines.scripted import ScriptedEngine
from medassist.engines.unasked import KnowledgeEngine
from tests.browsing import QUIETLY, Running, diagnosed, enter, status, visiting

pytestmark = QUIETLY


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(KnowledgeEngine(), tmp_path_factory.mktemp("explain")) as server:
        server.services.knowledge.start()
        yield server


def explained(page: Page) -> Page:
    """The page with a finished explanation."""
    page.locator("#ma-explain-start").click()
    page.locator(".ma-figures").wait_for(timeout=30_000)
    expect(page.locator("#ma-explain-stop")).to_be_hidden(timeout=60_000)
    return page


def test_it_explains_compares_and_answers_what_if_with_the_keyboard(chromium: Browser, server: Running) -> None:
    with visiting(chromium, server) as visit:
        page = visit.open()
        expect(page.locator("#ma-explain")).to_be_hidden()
        diagnosed(page)
        expect(page.locator("#ma-explain")).to_be_visible()
        page.locator("#ma-explain-start").focus()
        page.keyboard.press("Enter")
        page.locator(".ma-figures").wait_for(timeout=30_000)
        expect(page.locator("#ma-explain-stop")).to_be_hidden(timeout=60_000)

        first = page.locator(".ma-answer .ma-cards h3").first.inner_text()
        expect(page.locator(".ma-verdict")).to_contain_text(first)
        expect(page.locator(".ma-pulled mark").first).to_be_visible()
        expect(page.locator(".ma-figures")).to_contain_text("R²")
        expect(page.locator(".ma-explained")).to_contain_text("score of the knowledge graph")

        row = page.locator(".ma-weights tbody tr").first
        row.focus()  # the bar lights its finding up in the text
        unit = row.get_attribute("data-unit")
        expect(page.locator(f".ma-pulled [data-unit='{unit}']")).to_have_class(re.compile("ma-lit"))

        rival = page.locator("#ma-explain-rival input")
        rival.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator(".ma-verdict")).to_contain_text(f"{first} over ")

        page.locator("#ma-what-if button").first.click()
        expect(page.locator("#ma-what-if-text textarea")).to_have_value(server.services.store.recent()[0].case_text)
        box = page.locator("#ma-what-if-kept input").first
        box.focus()
        page.keyboard.press("Space")
        expect(page.locator(".ma-moved tbody tr").first).to_contain_text("→")
        expect(page.locator(".ma-first")).to_be_visible()
        page.locator("#ma-what-if-text textarea").fill("History of present illness: burning urine, frequency, no fever")
        page.keyboard.press("Tab")
        expect(page.locator(".ma-first")).to_contain_text("comes first, in place of")

        page.reload()  # the explanation is kept with the consultation
        visit.ready()
        expect(page.locator(".ma-verdict")).to_contain_text(first)
        page.locator("#ma-what-if button").first.click()
        page.locator("#ma-what-if-kept input").first.click()
        expect(page.locator(".ma-first")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme", "locale"), [(1440, "light", "en-US"), (390, "dark", "zh-CN")])
def test_an_explanation_is_accessible(chromium: Browser, server: Running, width: int, scheme: Any, locale: str) -> None:
    """No serious issue by axe's rules, in either language and scheme; nothing wider than the screen."""
    size = {"width": width, "height": 900}
    with visiting(chromium, server, viewport=size, color_scheme=scheme, locale=locale) as visit:
        page = visit.open()
        explained(diagnosed(page))
        page.locator("#ma-what-if button").first.click()
        page.locator("#ma-what-if-kept input").first.click()
        page.locator(".ma-moved").wait_for()
        found = Axe().run(page, context="#ma-explain").response["violations"]
        serious = [each for each in found if each["impact"] in ("serious", "critical")]
        assert not serious, [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in serious]
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_cannot_be_explained_says_so_in_place(chromium: Browser, tmp_path: Path) -> None:
    """An answer of another model than the one in use."""
    with Running(ScriptedEngine(), tmp_path) as server, visiting(chromium, server) as visit:
        page = visit.open()
        diagnosed(page)
        server.engine.model = "another"  # type: ignore[misc]
        page.locator("#ma-explain-start").click()
        expect(page.locator("#ma-explained .ma-alert")).to_contain_text("model in use")
        expect(page.locator(".ma-answer .ma-cards h3").first).to_be_visible()


def test_a_new_case_takes_the_explanation_away(chromium: Browser, server: Running) -> None:
    with visiting(chromium, server) as visit:
        page = visit.open()
        explained(diagnosed(page))
        enter(page, "Burning on passing urine", "For two days, with frequency. No fever.")
        page.locator("#ma-diagnose").click()
        status(page, "complete")
        expect(page.locator(".ma-verdict")).to_have_count(0)
