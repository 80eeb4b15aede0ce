"""The consultation page in a real browser, against a real server."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from medassist.engines import Engine
from medassist.engines.scripted import ANSWER_EN, ScriptedEngine
from medassist.prompt import Prompt
from medassist.store import open_store
from tests.browsing import COMPLAINT, HISTORY, QUIETLY, Running, Visit, diagnosed, enter, status, visiting

pytestmark = QUIETLY

NOTE = f"CC: {COMPLAINT}\nHPI: 34-year-old woman. {HISTORY}\nVitals: BP 108/70, HR 118, SpO2 90%\u200b\nAllergies: none"


def _script(prompt: Prompt) -> str:
    return "A normal D-dimer makes it unlikely." if prompt.messages[1:] else ANSWER_EN


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(ScriptedEngine(_script, delay=0.01, demo=True), tmp_path_factory.mktemp("pages")) as server:
        yield server


@pytest.fixture
def visit(chromium: Browser, server: Running) -> Iterator[Visit]:
    with visiting(chromium, server) as visit:
        yield visit


def _open_note(page: Page) -> None:
    page.get_by_role("tab", name="Paste a note").click()
    page.locator("#ma-note textarea").wait_for()
    page.wait_for_timeout(200)  # nobody types in the blink in which a tab opens


_WATCH = """() => {
  window.seen = [];
  const parts = {reasoning: '#ma-reasoning .ma-reasoning', diagnosis: '.ma-card h3', final: '.ma-final'};
  window.watching = setInterval(() => {
    for (const [name, selector] of Object.entries(parts))
      if (!window.seen.includes(name) && document.querySelector(selector)?.textContent) window.seen.push(name);
  }, 20);
}"""


def test_an_answer_arrives_part_by_part(visit: Visit) -> None:
    page = visit.open()
    expect(page.locator(".ma-empty")).to_be_visible()
    expect(page.locator("#ma-stop")).to_be_disabled()
    page.evaluate(_WATCH)
    page.locator("#ma-age input").fill("34")
    enter(page)
    page.locator("#ma-diagnose").click()
    page.locator("#ma-status .ma-running").wait_for()
    expect(page.locator("#ma-stop")).to_be_enabled()
    expect(page.locator("#ma-diagnose")).to_be_disabled()
    status(page, "complete")
    assert page.evaluate("window.seen") == ["reasoning", "diagnosis", "final"]
    expect(page.locator(".ma-answer > .ma-cards h3")).to_have_text(["Pulmonary embolism", "Pneumonia"])
    expect(page.locator("#ma-reasoning button")).to_contain_text("Reasoned for")
    expect(page.locator(".ma-chip.ma-for").first).to_contain_text("+ left calf swollen")
    expect(page.locator(".ma-final p")).to_have_text("Pulmonary embolism")
    expect(page.locator(".ma-provenance")).to_contain_text("script · prompt")
    expect(page.locator("#ma-diagnose")).to_be_enabled()
    expect(page.locator("#ma-stop")).to_be_disabled()
    page.locator("#ma-case-read button").click()
    expect(page.locator("mark.ma-for").first).to_contain_text("Left calf swollen")
    page.locator("#ma-reasoning button").click()
    expect(page.locator("div.ma-reasoning")).to_contain_text("breathlessness began suddenly")


def test_a_pasted_note_fills_the_form(visit: Visit) -> None:
    page = visit.open()
    _open_note(page)
    page.locator("#ma-note textarea").fill(NOTE)
    page.locator("#ma-fill").click()
    expect(page.locator("#ma-chief_complaint textarea")).to_have_value(COMPLAINT)
    expect(page.locator("#ma-age input")).to_have_value("34")
    expect(page.locator("#ma-heart_rate input")).to_have_value("118")
    expect(page.locator("#ma-sex label.selected")).to_have_text("Female")
    expect(page.locator("#ma-remark")).to_contain_text("Removed from the note: invisible characters.")


def test_the_shortcut_sends_what_was_typed_last(visit: Visit) -> None:
    page = visit.open()
    enter(page)
    page.locator("#ma-history textarea").press("End")
    page.keyboard.type(" Worse today.")
    page.keyboard.press("Control+Enter")
    status(page, "complete")
    page.locator("#ma-case-read button").click()
    expect(page.locator(".ma-case")).to_contain_text("Worse today.")


def test_stop_ends_the_answer_and_keeps_it(chromium: Browser, tmp_path: Path) -> None:
    engine = ScriptedEngine(_script, delay=0.15)
    with Running(engine, tmp_path) as server, visiting(chromium, server) as visit:
        page = visit.open()
        enter(page)
        page.locator("#ma-diagnose").click()
        page.locator("div.ma-reasoning").wait_for()
        pressed = time.monotonic()
        page.locator("#ma-stop").click()
        status(page, "stopped", timeout=3_000)
        assert engine.open_streams == 0 and engine.closed_at is not None and engine.closed_at - pressed < 1.0
        expect(page.locator(".ma-provenance")).to_contain_text("stopped")
        expect(page.locator("#ma-diagnose")).to_be_enabled()
        expect(page.locator("#ma-stop")).to_be_disabled()
        visit.page.reload()
        page = visit.ready()
        status(page, "stopped")
        [kept] = server.services.store.recent()
        assert [turn.status for turn in kept.turns] == ["stopped"] and kept.turns[0].raw


def test_the_end_of_the_server_keeps_the_answer_and_tells_its_reader(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medassist.web.app.GRACE_SECONDS", 0.5)
    running = Running(ScriptedEngine(_script, delay=0.15), tmp_path)
    with running as server, visiting(chromium, server, clean=False) as visit:
        page = visit.open()
        enter(page)
        page.locator("#ma-diagnose").click()
        page.locator("div.ma-reasoning").wait_for()
        threading.Thread(target=server.stop).start()
        status(page, "interrupted", timeout=4_000)
        expect(page.locator(".ma-provenance")).to_contain_text("incomplete")
    kept = open_store(server.services.settings.database)
    assert [turn.status for turn in kept.recent()[0].turns] == ["stopped"]
    kept.close()


def test_a_closed_tab_ends_the_answer(chromium: Browser, tmp_path: Path) -> None:
    engine = ScriptedEngine(_script, delay=0.15)
    with Running(engine, tmp_path) as server, visiting(chromium, server) as visit:
        page = visit.open()
        enter(page)
        page.locator("#ma-diagnose").click()
        page.locator("div.ma-reasoning").wait_for()
        assert engine.open_streams == 1
        closed = time.monotonic()
        page.close()
        while engine.open_streams and time.monotonic() - closed < 5:
            time.sleep(0.02)
        assert engine.open_streams == 0 and time.monotonic() - closed <= 1.0


def test_who_waits_is_told_the_place_in_the_queue(chromium: Browser, tmp_path: Path) -> None:
    engine = ScriptedEngine(_script, delay=0.4, slots=1)
    with Running(engine, tmp_path) as server, visiting(chromium, server) as one, visiting(chromium, server) as two:
        pages = [one.open(), two.open()]
        for page in pages:
            enter(page)
            page.locator("#ma-diagnose").click()
            page.locator("#ma-status .ma-running").wait_for()
        expect(pages[1].locator("#ma-status")).to_contain_text("In the queue: place 1")
        pages[1].locator("#ma-stop").click()
        status(pages[1], "stopped")
        expect(pages[1].locator(".ma-quiet")).to_have_text("Nothing was written before it ended.")
        pages[0].locator("#ma-stop").click()
        status(pages[0], "stopped")


def test_a_follow_up_question_is_answered_and_restored(visit: Visit) -> None:
    page = diagnosed(visit.open())
    page.locator("#ma-question textarea").fill("What would rule it out?")
    page.locator("#ma-ask").click()
    expect(page.locator(".ma-turn h3")).to_contain_text("What would rule it out?")
    expect(page.locator(".ma-reply")).to_have_text("A normal D-dimer makes it unlikely.")
    expect(page.locator("#ma-ask")).to_be_enabled()
    expect(page.locator("#ma-question textarea")).to_have_value("")
    page.reload()
    page = visit.ready()
    expect(page.locator(".ma-answer > .ma-cards h3")).to_have_text(["Pulmonary embolism", "Pneumonia"])
    expect(page.locator("#ma-chief_complaint textarea")).to_have_value(COMPLAINT)
    expect(page.locator(".ma-reply")).to_have_text("A normal D-dimer makes it unlikely.")
    page.locator("#ma-new").click()
    expect(page.locator(".ma-empty")).to_be_visible()
    expect(page.locator("#ma-chief_complaint textarea")).to_have_value("")
    page.reload()
    expect(visit.ready().locator("#ma-chief_complaint textarea")).to_have_value("")


def test_a_restart_of_the_server_restores(chromium: Browser, tmp_path: Path) -> None:
    first = Running(ScriptedEngine(_script), tmp_path)
    with first, visiting(chromium, first, clean=False) as visit:  # a lost connection is a complaint
        page = diagnosed(visit.open())
        page.locator("#ma-examination textarea").fill("Added later")
        page.keyboard.press("Tab")
        page.wait_for_timeout(2_000)
        first.stop()
        assert first.stopped  # an open page does not hold it up
        with Running(ScriptedEngine(_script), tmp_path, port=first.port):
            page = visit.open()
            expect(page.locator(".ma-answer > .ma-cards h3")).to_have_text(["Pulmonary embolism", "Pneumonia"])
            expect(page.locator("#ma-history textarea")).to_have_value(HISTORY)
            expect(page.locator("#ma-examination textarea")).to_have_value("Added later")


def test_what_is_typed_and_not_sent_survives_a_reload(visit: Visit) -> None:
    page = visit.open()
    page.locator("#ma-history textarea").fill("Not sent yet")
    page.locator("#ma-age input").fill("51")
    page.wait_for_timeout(1_800)
    page.reload()
    page = visit.ready()
    expect(page.locator("#ma-history textarea")).to_have_value("Not sent yet")
    expect(page.locator("#ma-age input")).to_have_value("51")
    stored = page.evaluate("JSON.stringify(localStorage)")
    assert "Not sent" not in stored


def test_the_language_changes_everything_at_once_while_an_answer_is_written(chromium: Browser, tmp_path: Path) -> None:
    with Running(ScriptedEngine(_script, delay=0.04), tmp_path) as server, visiting(chromium, server) as visit:
        page = visit.open()
        enter(page)
        page.locator("#ma-examination textarea").fill("Calf tender")
        page.locator("#ma-diagnose").click()
        page.locator("div.ma-reasoning").wait_for()
        page.locator("#ma-language label", has_text="中文").click()
        expect(page.locator("#ma-diagnose")).to_contain_text("开始诊断")
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(page).to_have_title("MedAssist · 鉴别诊断")
        expect(page.locator("#ma-status")).to_contain_text("正在作答")
        status(page, "complete")
        expect(page.locator("#ma-status")).to_contain_text("已完成")
        expect(page.locator(".ma-final h3")).to_have_text("最终诊断")
        expect(page.locator("#ma-examination textarea")).to_have_value("Calf tender")
        left = page.locator("body").inner_text()
        for english in ("Diagnose", "Stop", "Chief complaint", "Key examinations", "Finished", "Reasoned", "Vital"):
            assert english not in left
        page.reload()
        expect(visit.ready().locator("#ma-diagnose")).to_contain_text("开始诊断")


def test_the_browser_chooses_the_first_language(chromium: Browser, server: Running) -> None:
    with visiting(chromium, server, locale="zh-CN") as visit:
        page = visit.open()
        expect(page.locator(".ma-empty h3")).to_have_text("鉴别诊断将显示在此处")
        page.locator("#ma-diagnose").click()
        expect(page.locator("#ma-alert [role=alert]")).to_contain_text("主诉")


def test_an_error_is_shown_in_place_and_keeps_what_was_typed(visit: Visit) -> None:
    page = visit.open()
    enter(page, "What is pneumonia?", "How is it treated?")
    page.locator("#ma-diagnose").click()
    expect(page.locator("#ma-alert")).to_contain_text("This does not describe a patient's case")
    expect(page.locator("#ma-chief_complaint textarea")).to_have_value("What is pneumonia?")
    expect(page.locator("#ma-diagnose")).to_be_enabled()
    page.locator("#ma-heart_rate input").fill("900")
    page.locator("#ma-diagnose").click()
    expect(page.locator("#ma-alert")).to_contain_text("Heart rate /min: must be at most 400.")
    page.locator("#ma-language label", has_text="中文").click()
    expect(page.locator("#ma-alert")).to_contain_text("心率 次/分：必须不高于 400。")
    page.locator("#ma-heart_rate input").fill("90")
    diagnosed(page)
    expect(page.locator("#ma-alert .ma-alert")).to_have_count(0)


def test_an_engine_that_fails_half_way_leaves_what_it_wrote(chromium: Browser, tmp_path: Path) -> None:
    engine = ScriptedEngine(_script, fail_after=160)
    with Running(engine, tmp_path) as server, visiting(chromium, server) as visit:
        page = visit.open()
        enter(page)
        page.locator("#ma-diagnose").click()
        status(page, "failed")
        expect(page.locator("#ma-status [role=alert]")).to_contain_text("The model could not answer")
        expect(page.locator("#ma-diagnose")).to_be_enabled()
        expect(page.locator("#ma-stop")).to_be_disabled()
        expect(page.locator("#ma-history textarea")).to_have_value(HISTORY)


def test_markup_in_a_case_or_an_answer_stays_text(chromium: Browser, tmp_path: Path) -> None:
    evil = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    engine = ScriptedEngine(ANSWER_EN.replace("Pneumonia", evil).replace("The calf", evil))
    with Running(engine, tmp_path) as server, visiting(chromium, server) as visit:
        page = visit.open()
        enter(page, f"Calf swollen {evil}", HISTORY + evil)
        page.locator("#ma-diagnose").click()
        status(page, "complete")
        expect(page.locator(".ma-answer > .ma-cards h3").nth(1)).to_contain_text("<img src=x")
        assert "owned" not in page.title()
        assert page.locator("#ma-main img").count() == 0 and page.locator("#ma-main script").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_it_fits_the_screen_and_the_colour_scheme(chromium: Browser, server: Running, width: int, scheme: Any) -> None:
    size = {"width": width, "height": 844}
    with visiting(chromium, server, viewport=size, color_scheme=scheme) as visit:
        page = visit.open()
        enter(page, "Calf swollen " + "x" * 120)
        page.locator("#ma-diagnose").click()
        status(page, "complete")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3])
        assert brightness < 150 if scheme == "dark" else brightness > 600
        assert page.locator("h1").count() == 1
        nameless = "button:not([aria-hidden='true'] *), textarea, input"
        assert not page.eval_on_selector_all(
            nameless,
            """all => all.filter(e => e.offsetParent && !(e.innerText || e.ariaLabel || e.title
               || [...(e.labels || [])].some(l => l.innerText.trim()))).map(e => e.outerHTML)""",
        )


def test_the_model_itself_answers(
    chromium: Browser, local_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_engine, "close", lambda: None)  # others use it after this server
    with Running(local_engine, tmp_path) as server, visiting(chromium, server) as visit:
        page = visit.open()
        enter(page)
        page.locator("#ma-diagnose").click()
        status(page, "complete", timeout=120_000)
        expect(page.locator(".ma-answer > .ma-cards h3").first).not_to_be_empty()
        expect(page.locator(".ma-provenance")).to_contain_text(local_engine.model)
