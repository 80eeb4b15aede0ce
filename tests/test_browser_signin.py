"""The sign-in pages in a real browser: from the link to the first page on a telephone, readable for everybody."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from medassist.engines.scripted import ScriptedEngine
from tests.browsing import QUIETLY, Running, visiting

pytestmark = QUIETLY
PASSWORD = "a quiet harbour"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(ScriptedEngine(), tmp_path_factory.mktemp("signin")) as server:
        yield server


def fits_and_reads(page: Page, width: int) -> None:
    """No issue by axe's rules that matters, and nothing wider than the screen."""
    found = Axe().run(page).response["violations"]
    serious = [each for each in found if each["impact"] in ("moderate", "serious", "critical")]
    assert not serious, [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in serious]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_for_everybody(chromium: Browser, server: Running, width: int, locale: str, scheme: str) -> None:
    size = {"width": width, "height": 844}
    _, token = server.services.directory.add(f"Dr. Wei {width} {locale} {scheme}", "lead")
    with visiting(chromium, server, clean=False, viewport=size, color_scheme=scheme, locale=locale) as visit:
        page = visit.page
        for path in ("signin", f"invitation/{token}", "invitation/unknown"):
            page.goto(visit.home + path)
            assert page.locator("html").get_attribute("lang") == ("zh-CN" if locale == "zh-CN" else "en")
            fits_and_reads(page, width)
        page.goto(visit.home + "signin")
        page.locator("#name").fill("Nobody")
        page.keyboard.press("Tab")
        page.keyboard.type("not the harbour")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.locator("#name")).to_have_value("Nobody")
        expect(page.locator("#password")).to_be_focused()
        fits_and_reads(page, width)
        # What a browser says of a 401 and a 410 itself; of nothing else.
        assert all("status of 4" in each for each in visit.complaints) and len(visit.complaints) == 2


def test_from_the_link_to_a_session_on_a_telephone(chromium: Browser, server: Running) -> None:
    _, token = server.services.directory.add("Newcomer", "rater")
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    with visiting(chromium, server, clean=False, **phone) as visit:
        page = visit.page
        page.goto(f"{visit.home}invitation/{token}")
        page.locator(".languages a").nth(1).tap()
        expect(page.locator("h1")).to_contain_text("欢迎，Newcomer")
        page.locator("#password").fill(PASSWORD)
        page.locator("#again").fill(PASSWORD)
        page.get_by_role("button", name="保存并登录").tap()
        page.wait_for_url("**/review")
        [cookie] = [each for each in page.context.cookies() if each["name"] == "medassist_signin"]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and not cookie["secure"]
        who = server.services.directory.who(cookie["value"])
        assert who is not None and who.name == "Newcomer"
        page.goto(f"{visit.home}signin?next=/invitation/{token}")  # signed in already: gone on at once
        expect(page.locator("h1")).to_have_text("无法打开")
        assert cookie["value"] not in page.evaluate("document.cookie + JSON.stringify(localStorage)")
