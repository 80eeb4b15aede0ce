"""The study pages in a real browser: from a typed protocol to rating, with live counts, readable for everybody."""

import json
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from medassist.deidentify import warm_up
from medassist.engines.scripted import ScriptedEngine
from medassist.store.studies import new_id
from medassist.study.sheets import Given
from tests.browsing import QUIETLY, Running, visiting
from tests.studying import ANSWER, GOOD

pytestmark = QUIETLY
CASES = [
    {
        "id": f"case-{n}" if n else "practice-1",
        "chief_complaint": "Sudden chest pain",
        "history": f"For {n + 1} hours, sharp, worse on breathing in.",
        "specialty": "cardiology",
        "diagnosis": "Pulmonary embolism",
        "practice": not n,
    }
    for n in range(5)
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    warm_up()  # what looks for identifiers takes a while at first
    with Running(ScriptedEngine(), tmp_path_factory.mktemp("study")) as server:
        yield server


def reads_well(page: Page) -> None:
    """No issue by axe's rules that matters, and nothing wider than the screen."""
    found = Axe().run(page).response["violations"]
    serious = [each for each in found if each["impact"] in ("moderate", "serious", "critical")]
    assert not serious, [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in serious]
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def lines(name: str, rows: list[dict[str, object]]) -> dict[str, object]:
    return {"name": name, "mimeType": "application/jsonl", "buffer": "\n".join(map(json.dumps, rows)).encode()}


def create(page: Page, home: str, title: str) -> str:
    """Type a protocol, set up two arms whose answers come from files, import the cases; returns the address."""
    page.goto(f"{home}study/new")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Hypothesis").fill("They are accepted alike.")
    for n, name in enumerate(("one", "two"), 1):
        page.locator(f"#arm_{n}_name").fill(name)
    page.get_by_label("Raters per case").fill("2")
    page.get_by_label("Practice items").fill("1")
    page.get_by_label("Share shown twice, %").fill("0")
    reads_well(page)
    page.get_by_role("button", name="Create the study").click()
    expect(page.get_by_role("status")).to_contain_text("The study is created")
    page.get_by_role("button", name="Save the arms").click()
    expect(page.locator("#arms").get_by_role("status")).to_contain_text("The arms are saved")
    page.locator("#cases-file").set_input_files(lines("cases.jsonl", CASES))
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#cases").get_by_role("status")).to_contain_text("5 of 5 rows")
    page.get_by_role("button", name="Import 5 cases").click()
    expect(page.locator("#cases").get_by_role("status")).to_contain_text("The cases are imported")
    return page.url.split("?")[0]


def test_from_a_protocol_to_live_progress(chromium: Browser, server: Running) -> None:
    with visiting(chromium, server, viewport={"width": 1440, "height": 900}) as visit:
        page = visit.page
        study = create(page, visit.home, "Two ways to answer")
        page.get_by_role("button", name="Freeze the protocol").click()
        study_id = study.rpartition("/")[2]
        expect(page.locator("#protocol code")).to_have_text(server.services.lead.studies.versions(study_id)[-1].sha256)
        answers = [{"case": case["id"], "answer": ANSWER.format(first="Pulmonary embolism")} for case in CASES]
        for arm in ("one", "two"):
            page.goto(f"{study}?at=answers#answers")
            page.locator("#answers-arm").select_option(arm)
            page.locator("#answers-file").set_input_files(lines("answers.jsonl", answers))
            page.get_by_role("button", name="Import", exact=True).click()
            expect(page.locator("#answers").get_by_role("status")).to_contain_text("imported")
        for n in (1, 2):
            page.goto(f"{study}?at=raters#raters")
            page.locator("#pseudonym").fill(f"R-0{n}")
            page.locator("#account").select_option("new")
            page.locator("#account_name").fill(f"Dr. {n}")
            page.locator("#raters").get_by_role("button", name="Add a rater").click()
            expect(page.locator("#invitation")).to_contain_text("http://127.0.0.1")
        raters = server.services.lead.studies.raters(study_id)
        page.goto(f"{study}?at=raters#raters")
        server.services.panel.consent(raters[0].id)  # somewhere else, while the page is open
        expect(page.locator("#raters .badge.good", has_text="given")).to_have_count(1)
        server.services.panel.consent(raters[1].id)
        page.goto(study)
        page.get_by_role("link", name="Look at the allocation").click()
        expect(page.locator("h1")).to_have_text("Look at the allocation")
        reads_well(page)
        page.get_by_role("button", name="Assign and begin rating").click()
        expect(page.locator("#rating")).to_have_attribute("open", "")
        page.goto(study)
        done = page.locator("#rating span[data-live='rating.done']")
        expect(done).to_have_text("0")
        page.evaluate("window.untouched = true")
        panel = server.services.panel
        sheet = panel.open(raters[0].id, panel.standing(raters[0].id).next or "", "tab")
        given = Given("tab", sheet.revision, new_id(), {"A": dict(GOOD)}, 1000)
        panel.submit(raters[0].id, sheet.id, sheet.pages[0].id, given, "en")
        expect(done).to_have_text("1")
        assert page.evaluate("window.untouched")  # without loading the page again


def test_by_keyboard_alone(chromium: Browser, server: Running) -> None:
    with visiting(chromium, server, clean=False, viewport={"width": 1440, "height": 900}) as visit:
        page = visit.page
        page.goto(f"{visit.home}study/new")
        page.locator("#title").focus()
        page.keyboard.type("Typed")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").first).to_contain_text("Not saved")
        expect(page.locator("#title")).to_have_value("Typed")
        expect(page.locator("#hypothesis")).to_have_attribute("aria-invalid", "true")
        study = create(page, visit.home, "By keyboard")
        page.goto(study)
        summary = page.locator("#raters > summary")
        summary.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#pseudonym")).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.locator("#pseudonym")).to_be_focused()


def test_a_file_is_measured_before_it_is_sent(chromium: Browser, server: Running) -> None:
    with visiting(chromium, server, viewport={"width": 1440, "height": 900}) as visit:
        page = visit.page
        page.goto(create(page, visit.home, "Too large") + "?at=cases")
        page.locator("#cases-file").set_input_files(
            {"name": "a.csv", "mimeType": "text/csv", "buffer": b" " * 1_600_000}
        )
        expect(page.locator("#cases .error")).to_have_text("This file is larger than 1.5 MB.")
        page.get_by_role("button", name="Check the file").click()
        expect(page.locator("#cases .error")).to_be_visible()  # the browser keeps it


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_for_everybody(chromium: Browser, server: Running, width: int, locale: str, scheme: str) -> None:
    lead = server.services.lead
    if not lead.studies.studies():
        with visiting(chromium, server) as visit:
            create(visit.page, visit.home, "For everybody")
    study = lead.studies.studies()[0].id
    size = {"width": width, "height": 844}
    with visiting(chromium, server, viewport=size, color_scheme=scheme, locale=locale) as visit:
        page = visit.page
        for path in ("study", "study/new", "study/plan", "study/reproduce", f"study/{study}", f"study/{study}/blocked"):
            page.goto(visit.home + path)
            assert page.locator("html").get_attribute("lang") == ("zh-CN" if locale == "zh-CN" else "en")
            reads_well(page)
        page.goto(f"{visit.home}study/{study}")
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        reads_well(page)
        first = page.locator("details.step").first
        assert first.bounding_box()["y"] < 400  # the step to take now, on a telephone too
        assert "now" in (first.get_attribute("class") or "")
