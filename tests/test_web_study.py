"""The study pages over HTTP: who may, the whole way from a protocol to a report, and what goes wrong on it."""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx import Response

from medassist.config import load_settings
from medassist.engines.scripted import ScriptedEngine
from medassist.errors import EngineError
from medassist.services import Services, build_services
from medassist.store.studies import new_id
from medassist.study.cases import COLUMNS
from medassist.study.sheets import Given
from medassist.ui.words import WORDS as COMMON
from medassist.web.guard import Guard
from medassist.web.pages import STATIC
from medassist.web.signin import install
from medassist.web.study import acting, drafting, leaks, reading, results
from medassist.web.study import install as install_study
from medassist.web.study.files import MAX_UPLOAD, Shelf, Upload
from medassist.web.study.form import Form, first_values, protocol_of, read_file, typed_of
from medassist.web.study.leaks import pieces
from medassist.web.study.words import WORDS
from medassist.web.words import WORDS as WEB
from tests.studying import ANSWER, CLOSING, GOOD, protocol

STUDY = STATIC.parent / "study"
SOURCES = "".join(
    path.read_text()
    for path in (*STUDY.glob("*.py"), *(STATIC.parent / "templates" / "study").glob("*.html"))
    if not path.name.endswith("words.py")
)
PREFIXES = (
    "told_answers_",
    "state_",
    "step_",
    "said_",
    "leak_",
    "job_",
    "kind_",
    "due_",
    "source_",
    "measure_",
    "mode_",
    "withdrawn_",
    "lang_",
)
HERE = "http://127.0.0.1:7860"
PASSWORD = "a quiet harbor"
EVIL = "<script>alert(1)</script>"
CASES = [
    {
        "id": f"case-{n}" if n else "practice-1",
        "chief_complaint": "Sudden chest pain",
        "history": f"For {n + 1} hours, sharp, worse on breathing in.",
        "specialty": "cardiology" if n % 2 else "=1+2",
        "diagnosis": EVIL if n == 1 else "Pulmonary embolism",
        "practice": not n,
    }
    for n in range(5)
]


class Site:
    def __init__(self, folder: Path, auth: str = "local") -> None:
        settings = load_settings(data_dir=folder, auth=auth, engine="scripted", knowledge=False)
        self.services: Services = build_services(settings, ScriptedEngine(demo=True))
        self.app = FastAPI()
        install(self.app, self.services)
        self.desk = install_study(self.app, self.services)
        self.app.add_middleware(Guard)

    def client(self, address: str = "127.0.0.1", **headers: str) -> TestClient:
        return TestClient(
            self.app,
            base_url=HERE,
            client=(address, 50000),
            follow_redirects=False,
            headers={"Origin": HERE, **headers},
        )

    def person(self, name: str, role: str) -> TestClient:
        _, token = self.services.directory.add(name, role)
        self.services.directory.accept(token, PASSWORD)
        client = self.client()
        assert client.post("/signin", data={"name": name, "password": PASSWORD}).status_code == 303
        return client

    def close(self) -> None:
        self.desk.jobs.close()
        self.services.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


@pytest.fixture
def lead(site: Site) -> TestClient:
    return site.client()


def typed(**changed: str) -> dict[str, str]:
    return first_values() | {
        "title": "Two ways to answer",
        "hypothesis": "They are accepted alike.",
        "arm_1_name": "one",
        "arm_2_name": "two",
        "raters_per_case": "2",
        "practice_items": "1",
        "arms_apart": "2",
        "repeats_apart": "3",
        "seed": "7",
    } | changed  # fmt: skip


def made(lead: TestClient, **changed: str) -> str:
    """The address of a new study."""
    answer = lead.post("/study/new", data=typed(**changed))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].split("?")[0]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def sent(lead: TestClient, path: str, data: bytes, name: str = "cases.jsonl", **fields: str) -> Response:
    return lead.post(path, files={"file": (name, data)}, data=fields)


def with_cases(lead: TestClient, study: str, rows: list[dict[str, Any]] | None = None) -> None:
    checked = sent(lead, f"{study}/cases/check", lines(rows or CASES))
    token = re.search(r'name="token" value="([^"]+)"', checked.text)
    assert checked.status_code == 200 and token, checked.text
    assert lead.post(f"{study}/cases", data={"token": token[1]}).status_code == 303


def with_arms(lead: TestClient, study: str, source: str = "imported") -> None:
    answer = lead.post(f"{study}/arms", data={"arm_1_source": source, "arm_2_source": source})
    assert answer.status_code == 303, answer.text


def with_answers(lead: TestClient, study: str, text: str = "") -> None:
    for arm in ("one", "two"):
        rows = [{"case": case["id"], "answer": text or ANSWER.format(first="Pulmonary embolism")} for case in CASES]
        assert sent(lead, f"{study}/answers/import", lines(rows), "answers.jsonl", arm=arm).status_code == 303


def with_raters(lead: TestClient, study: str, count: int = 2) -> None:
    for n in range(1, count + 1):
        data = {"pseudonym": f"R-{n:02}", "account": "none", "specialty": "surgery", "years": "7"}
        assert lead.post(f"{study}/raters", data=data).status_code == 303


def rated(services: Services, study: str, **values: str) -> None:
    """Every rater does all there is to do."""
    panel = services.panel
    for rater in services.lead.studies.raters(study.rpartition("/")[2]):
        while (due := panel.standing(rater.id).next) is not None:
            sheet = panel.open(rater.id, due, "tab")
            entered = CLOSING if sheet.kind == "closing" else GOOD | values
            given = {label: dict(entered) for label in sheet.answers}
            panel.submit(rater.id, due, sheet.pages[0].id, Given("tab", sheet.revision, new_id(), given, 1000), "en")


def consented(services: Services, study: str) -> None:
    for rater in services.lead.studies.raters(study.rpartition("/")[2]):
        services.panel.consent(rater.id)


def finished(lead: TestClient, study: str) -> dict[str, Any]:
    """The progress once the job that writes answers has ended."""
    for _ in range(300):
        told: dict[str, Any] = lead.get(f"/api{study}/progress").json()
        if told["generation"] != "running":
            break
        time.sleep(0.1)
    return told


def begun(site: Site, lead: TestClient, **changed: str) -> str:
    """A study whose raters may begin."""
    study = made(lead, repeat_share="0", **changed)
    with_arms(lead, study)
    with_cases(lead, study)
    with_answers(lead, study)
    assert lead.post(f"{study}/freeze").status_code == 303
    with_raters(lead, study)
    consented(site.services, study)
    assert lead.post(f"{study}/assign").status_code == 303
    return study


# --- Words.


def test_every_word_of_the_templates_exists_in_both_languages() -> None:
    used = {
        word
        for path in (STATIC.parent / "templates" / "study").glob("*.html")
        for word in re.findall(r'say\("(\w+)"[,)]', path.read_text())
    }
    assert len(used) > 100
    for word in used:
        for language in ("en", "zh"):
            known = WORDS.get(word) or WEB.get(word) or COMMON[word]
            assert known[language].strip(), word
    unused = {word for word in WORDS if not re.search(rf"\b{word}\b", SOURCES) and not word.startswith(PREFIXES)}
    assert not unused


# --- Who may.

ROUTES = sorted(
    (method, route.path)
    for part in (drafting, results, leaks, acting, reading)
    for route in part.router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
)


def at(path: str) -> str:
    return re.sub(r"\{[^}]+\}", "x", path)


def test_every_route_is_for_leads_alone(tmp_path: Path) -> None:
    site = Site(tmp_path, auth="password")
    nobody, rater = site.client(), site.person("Rater", "rater")
    assert len(ROUTES) > 30
    for method, path in ROUTES:
        refused = nobody.request(method, at(path))
        assert refused.status_code == 401 if "/api/" in path else refused.headers["location"].startswith("/signin"), (
            path
        )
        assert rater.request(method, at(path)).status_code == 403, path
    denied = [entry for entry in site.services.audit.latest(1000) if entry.what == "access.denied"]
    assert len(denied) == len(ROUTES)
    site.close()


def test_an_unknown_study_is_not_found_anywhere(lead: TestClient) -> None:
    for method, path in ROUTES:
        if "{study_id}" in path:
            upload = {"files": {"file": ("a.jsonl", b"{}")}} if path.endswith(("check", "import")) else {}
            assert lead.request(method, at(path), **upload).status_code == 404, (method, path)


def test_a_form_from_elsewhere_does_nothing(site: Site) -> None:
    foreign = site.client(Origin="https://evil.example")
    assert foreign.post("/study/new", data=typed()).status_code == 403
    assert site.services.lead.studies.studies() == []


# --- The whole way.


def test_from_a_new_study_to_its_report(site: Site, lead: TestClient) -> None:
    second = site.person("Grace", "lead")
    study = made(lead, title=f"Study {EVIL}", repeat_share="0")
    with_arms(lead, study, "scripted")
    with_cases(lead, study)
    page = lead.get(study).text
    assert EVIL not in page and "&lt;script&gt;" in page and "=1+2" in page
    assert lead.post(f"{study}/answers/start").status_code == 303
    told = finished(lead, study)
    assert (told["answers"]["written"], told["answers"]["failed"], told["generation"]) == (10, 0, "done")
    frozen = lead.post(f"{study}/freeze")
    assert frozen.status_code == 303
    version = site.services.lead.studies.versions(study.rpartition("/")[2])[-1]
    assert version.number == 1 and version.sha256 in lead.get(study).text
    with_raters(lead, study)
    assert "2 raters have not consented yet" in lead.get(f"{study}/allocation").text
    consented(site.services, study)
    preview = lead.get(f"{study}/allocation")
    assert preview.status_code == 200 and "R-02" in preview.text and "Assign and begin rating" in preview.text
    assert lead.post(f"{study}/assign").headers["location"].startswith(f"{study}?at=allocation")
    assert lead.get(f"/api{study}/progress").json()["rating"]["done"] == 0
    rated(site.services, study, accept="minor_edits")
    progress = lead.get(f"/api{study}/progress").json()["rating"]
    assert progress["done"] == progress["all"] > 0
    assert "minor_edits" not in lead.get(study).text
    wrong = lead.post(f"{study}/lock", data={"title": "another"})
    assert wrong.status_code == 400 and "not the title" in wrong.text
    assert lead.post(f"{study}/lock", data={"title": f"Study  {EVIL} "}).status_code == 303
    early = lead.get(f"{study}/report")
    assert early.status_code == 409 and "the study is locked" in early.text
    for _ in range(2):
        assert "said=agreed" in lead.post(f"{study}/unblind").headers["location"]
    assert "own lead account" in lead.get(study).text
    assert "said=unblinded" in second.post(f"{study}/unblind").headers["location"]
    assert "Unblinded by This computer, Grace." in second.get(study).text
    report = lead.get(f"{study}/report")
    assert report.status_code == 200 and EVIL not in report.text and "&lt;script&gt;" in report.text
    assert lead.get(f"{study}/report?lang=zh").text != report.text
    numbers = lead.get(f"{study}/report.json").json()
    assert numbers["arms"]["one"]["acceptance"] == 1.0 and numbers["arms"]["one"]["n_cases"] == 4
    export = lead.get(f"{study}/export.zip")
    assert export.headers["content-disposition"].endswith('.zip"')
    again = sent(lead, "/study/reproduce", export.content, "export.zip", **{"as": "numbers"})
    assert again.json() == numbers
    shown = sent(lead, "/study/reproduce", export.content, "export.zip", **{"as": "report"})
    assert shown.status_code == 200 and shown.text.startswith("<!doctype html>")
    what = [entry.what for entry in site.services.audit.latest(1000)]
    assert {"study.created", "study.cases", "study.answers_begun", "study.exported", "study.unblinded"} <= set(what)


def test_the_report_is_a_pdf_too(site: Site, lead: TestClient) -> None:
    study = begun(site, lead)
    rated(site.services, study)
    lead.post(f"{study}/lock", data={"title": "Two ways to answer"})
    for who in ("ada", "grace"):
        site.services.lead.unblind(study.rpartition("/")[2], who)
    made = lead.get(f"{study}/report.pdf")
    assert made.status_code == 200 and made.content.startswith(b"%PDF"), made.text[:500]


def test_a_third_expert_is_asked_where_raters_disagree(site: Site, lead: TestClient) -> None:
    study = made(lead, repeat_share="0")
    with_arms(lead, study)
    with_cases(lead, study)
    with_answers(lead, study)
    lead.post(f"{study}/freeze")
    with_raters(lead, study, 3)
    consented(site.services, study)
    lead.post(f"{study}/assign")
    rated(site.services, study, harm_extent="severe", harm_likelihood="low", comment="Too late.")
    page = lead.get(study).text
    assert "severe harm" in page and "8 answers want a third expert" in page
    assert lead.post(f"{study}/adjudicate").status_code == 303
    assert "Nothing waits for a third expert" in lead.get(study).text


# --- What is not possible now says so.


def test_steps_out_of_order_are_refused_in_words(site: Site, lead: TestClient) -> None:
    draft = made(lead)
    for path, told in (
        ("freeze", "say first where their answers come from"),
        ("assign", "the study is draft"),
        ("lock", "the study is draft"),
        ("unblind", "the study is draft"),
        ("adjudicate", "the study is draft"),
    ):
        answer = lead.post(f"{draft}/{path}", data={"title": "Two ways to answer"})
        assert answer.status_code in (400, 409) and told in answer.text and 'role="alert"' in answer.text, path
    assert "研究处于" in lead.post(f"{draft}/lock", data={"title": "x"}, headers={"Accept-Language": "zh"}).text
    study = begun(site, lead)
    for path in ("freeze", "assign", "arms", "answers/start", "raters"):
        data = {"arm_1_source": "imported", "arm_2_source": "imported", "pseudonym": "R-09", "account": "new"}
        answer = lead.post(f"{study}/{path}", data=data)
        assert answer.status_code == 409 and "the study is rating" in answer.text, path
    assert sent(lead, f"{study}/cases/check", lines(CASES)).status_code == 409
    assert lead.get(f"{study}/allocation").status_code == 409
    assert lead.get(f"{study}/report.json").status_code == 409
    assert len(site.services.directory.list()) == 1  # no account of a rater who could not be added


# --- The protocol.


def test_faults_stand_beside_their_fields_and_nothing_typed_is_lost(lead: TestClient) -> None:
    wrong = typed(title="", raters_per_case="many", arm_2_name="one|two", arm_1_zh="", level="abc", hypothesis=EVIL)
    answer = lead.post("/study/new", data=wrong)
    assert answer.status_code == 400
    for name in ("title", "raters_per_case", "arm_2_name", "arm_1_zh", "level"):
        assert f'id="{name}-error"' in answer.text, name
    assert 'value="many"' in answer.text and 'value="one|two"' in answer.text and "&lt;script&gt;" in answer.text
    assert "Must be a whole number" in answer.text
    assert "必须是整数" in lead.post("/study/new", data=wrong, headers={"Accept-Language": "zh-CN"}).text


def test_every_protocol_survives_the_form() -> None:
    for plan in (protocol(), protocol(("one",)), protocol(("a", "b", "c"), mode="paired")):
        form = Form(typed_of(plan))
        assert protocol_of(form) == plan, form.wrong
        assert read_file(plan.model_dump_json()).typed == form.typed


def test_a_file_fills_the_form(lead: TestClient) -> None:
    text = protocol().model_dump_json()
    filled = sent(lead, "/study/new/file", text.encode(), "protocol.json")
    assert filled.status_code == 200 and 'value="Two ways to answer"' in filled.text
    for data, told in (
        (b"title: [", "no valid JSON or YAML, line 1"),
        (b'{"title": 1}', "title must be text"),
        ("方案".encode("gbk"), "is no text in UTF-8"),
        (b"- 1", "must be a mapping"),
    ):
        answer = sent(lead, "/study/new/file", data, "protocol.yaml")
        assert answer.status_code == 400 and told in answer.text, answer.text


def test_a_draft_changes_and_a_frozen_protocol_is_amended(site: Site, lead: TestClient) -> None:
    study = made(lead)
    study_id = study.rpartition("/")[2]
    with_arms(lead, study)
    assert lead.post(f"{study}/protocol", data=typed(arm_1_name="third")).status_code == 303
    assert site.services.lead.studies.arms(study_id) == []  # those of the old names are gone
    with_arms(lead, study)
    with_cases(lead, study)
    lead.post(f"{study}/freeze")
    change = typed(title="Better", arm_1_name="sneaked in", seed="8")
    refused = lead.post(f"{study}/protocol", data=change | {"reason": " "})
    assert refused.status_code == 400 and "needs a reason" in refused.text and 'value="Better"' in refused.text
    assert lead.post(f"{study}/protocol", data=change | {"reason": "A typing error"}).status_code == 303
    latest = site.services.lead.protocol(study_id)
    assert (latest.title, latest.arms[0].name, latest.seed) == ("Better", "third", 7)
    assert "A typing error" in lead.get(study).text


def test_arms_with_answers_are_not_dropped_unasked(site: Site, lead: TestClient) -> None:
    study = made(lead)
    with_arms(lead, study)
    with_cases(lead, study)
    with_answers(lead, study)
    again = {"arm_1_source": "knowledge", "arm_2_source": "imported"}
    refused = lead.post(f"{study}/arms", data=again)
    assert refused.status_code == 400 and "There are answers already" in refused.text
    assert len(site.services.lead.studies.responses(study.rpartition("/")[2])) == 10
    assert lead.post(f"{study}/arms", data=again | {"drop_answers": "yes"}).status_code == 303
    local = {"arm_1_source": "local", "arm_1_answer_tokens": "3", "arm_2_source": "imported"}
    told = lead.post(f"{study}/arms", data=local)
    assert told.status_code == 400 and 'id="arm_1_answer_tokens-error"' in told.text


# --- Files.


def table(*rows: str) -> str:
    return "\n".join(("id,chief_complaint,history,diagnosis", *rows)) + "\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "utf-16"])
def test_tables_in_any_usual_encoding(lead: TestClient, encoding: str) -> None:
    text = "编号,主诉,现病史,诊断\nzh-1,转移性右下腹痛12小时,起初脐周隐痛，后转至右下腹。,急性阑尾炎\n"
    checked = sent(lead, f"{made(lead)}/cases/check", text.encode(encoding), "cases.csv")
    assert checked.status_code == 200 and "1 of 1 rows" in checked.text and 'name="token"' in checked.text


def test_faults_are_told_by_row_and_nothing_is_imported(lead: TestClient) -> None:
    study = made(lead)
    secret = "Mrs Nightingale of Derby"
    rows = table(f"a,{secret},Since this morning,x", f"a,Pain,{secret},x", f",Pain,{secret},x")
    checked = sent(lead, f"{study}/cases/check", rows.encode(), "cases.csv")
    assert checked.status_code == 400 and 'name="token"' not in checked.text
    assert "stands in row 2 too" in checked.text and "is missing." in checked.text and secret not in checked.text
    missing = sent(lead, f"{study}/cases/check", b"id,history\n1,x\n", "cases.csv")
    assert "chief_complaint" in missing.text and "the column is missing." in missing.text
    assert "缺少该列" in lead.post(
        f"{study}/cases/check", files={"file": ("a.csv", b"id,history\n1,x\n")}, headers={"Accept-Language": "zh"}
    ).text  # fmt: skip
    broken = sent(lead, f"{study}/cases/check", b"\xff\xfe\x00\xd8\x00", "cases.csv")
    assert broken.status_code == 400


def test_unknown_columns_can_be_explained(site: Site, lead: TestClient) -> None:
    study = made(lead)
    rows = "Nr,Complaint today,history,Ward <b>\n1,Sudden chest pain,Since this morning,7\n"
    asked = sent(lead, f"{study}/cases/check", rows.encode(), "cases.csv")
    token = re.search(r'name="token" value="([^"]+)"', asked.text)
    assert token and "What are these columns?" in asked.text and "Ward &lt;b&gt;" in asked.text
    told = {"column:Nr": "id", "column:Complaint today": "chief_complaint", "column:Ward <b>": ""}
    again = lead.post(f"{study}/cases/check", data={"token": token[1]} | told)
    token = re.search(r'name="token" value="([^"]+)"', again.text)
    assert again.status_code == 200 and token and "1 of 1 rows" in again.text
    assert lead.post(f"{study}/cases", data={"token": token[1]}).status_code == 303
    [case] = site.services.lead.studies.cases(study.rpartition("/")[2])
    assert case.key == "1" and "Sudden chest pain" in case.case_json


def test_formulas_stay_text(lead: TestClient) -> None:
    study = made(lead)
    formula = '=HYPERLINK("http://evil.example")'
    with_cases(lead, study, [CASES[1] | {"id": formula, "stratum": "@SUM(1)"}])
    page = lead.get(study).text
    assert "=HYPERLINK(&#34;http://evil.example&#34;)" in page and "@SUM(1)" in page
    assert lead.get("/study/cases.csv").text.lstrip("\ufeff").strip() == ",".join(COLUMNS)


def test_a_file_that_is_too_large_or_absent(lead: TestClient) -> None:
    study = made(lead)
    large = sent(lead, f"{study}/cases/check", b" " * (MAX_UPLOAD + 1))
    assert large.status_code == 400 and "larger than 1.5 MB" in large.text
    assert sent(lead, f"{study}/cases/check", b" " * 2_100_000).status_code == 413
    none = lead.post(f"{study}/cases/check", data={"x": "y"})
    assert none.status_code == 400 and "Choose a file first" in none.text
    gone = lead.post(f"{study}/cases", data={"token": "never"})
    assert gone.status_code == 400 and "Choose it again" in gone.text


def test_a_checked_file_waits_for_its_owner_only() -> None:
    shelf = Shelf()
    token = shelf.put("ada study", Upload("a.csv", b"a"))
    assert shelf.take("ada study", token).data == b"a"
    for whose in ("grace study", "ada other"):
        with pytest.raises(Exception, match="no longer here"):
            shelf.take(whose, token)
    for n in range(8):
        shelf.put("ada study", Upload(str(n), b""))
    with pytest.raises(Exception, match="no longer here"):
        shelf.take("ada study", token)


def test_answers_of_a_file(lead: TestClient) -> None:
    study = made(lead)
    with_arms(lead, study)
    with_cases(lead, study)
    wrong = sent(lead, f"{study}/answers/import", lines([{"case": "nobody", "answer": "x"}]), "a.jsonl", arm="one")
    assert wrong.status_code == 400 and "there is no such case" in wrong.text
    unknown = sent(lead, f"{study}/answers/import", lines([{"case": "case-1", "answer": "x"}]), "a.jsonl", arm="three")
    assert unknown.status_code == 400 and "there is no arm of this name" in unknown.text
    with_answers(lead, study)
    assert lead.get(f"/api{study}/progress").json()["answers"]["written"] == 10


def test_an_export_that_was_altered_is_refused(site: Site, lead: TestClient) -> None:
    study = begun(site, lead)
    export = lead.get(f"{study}/export.zip").content
    blinded = sent(lead, "/study/reproduce", export, "export.zip")
    assert blinded.status_code == 400 and "still blinded" in blinded.text
    for data in (b"no zip", export[:-200]):
        refused = sent(lead, "/study/reproduce", data, "export.zip")
        assert refused.status_code == 400 and "export.zip: " in refused.text and "/export-" not in refused.text


# --- Answers that tell who wrote them.


def test_a_leak_is_shown_marked_and_only_a_clean_text_is_released(site: Site, lead: TestClient) -> None:
    study = made(lead)
    study_id = study.rpartition("/")[2]
    with_arms(lead, study)
    with_cases(lead, study)
    telling = ANSWER.format(first=f"Pulmonary embolism {EVIL} as GPT-4 says it often is")
    with_answers(lead, study, telling)
    waiting = [each for each in site.services.lead.studies.responses(study_id) if each.blocked]
    assert len(waiting) == 10 and "Read the 10 blocked answers" in lead.get(study).text
    page = lead.get(f"{study}/blocked")
    assert "<mark" in page.text and EVIL not in page.text and "GPT-4" in page.text
    one = f"{study}/blocked/{waiting[0].id}"
    still = lead.post(one, data={"how": "edited", "text": "Initial differential:\n1. Embolism, thinks ChatGPT 4o here"})
    assert still.status_code == 400 and "It still tells, at" in still.text and "ChatGPT" in still.text
    assert lead.post(one, data={"how": "edited", "text": "Initial differential:\r\n1. Embolism"}).status_code == 303
    assert lead.post(f"{study}/blocked/{waiting[1].id}", data={"how": "as it was"}).status_code == 303
    assert lead.post(one, data={"how": "as it was"}).status_code == 400  # it waits no more
    kept = {each.id: each for each in site.services.lead.studies.responses(study_id)}
    edited, as_it_was = kept[waiting[0].id], kept[waiting[1].id]
    assert (edited.released, edited.blocked, "GPT" in edited.display_text) == ("edited", False, False)
    assert as_it_was.released == "as it was" and as_it_was.display_text == waiting[1].display_text
    assert lead.get(f"/api{study}/progress").json()["answers"]["blocked"] == 8


def test_a_text_is_cut_at_its_leaks_once() -> None:
    cut = pieces("abcdef", [("name", 1, 3), ("self", 2, 5), ("name", 9, 12)])
    assert cut == [("a", ""), ("bc", "name"), ("de", "self"), ("f", "")]
    assert pieces("", [("empty", 0, 0)]) == []


# --- Raters.


def test_an_invitation_is_shown_once_and_lets_the_rater_in(site: Site, lead: TestClient) -> None:
    study = made(lead)
    data = {"pseudonym": "R-07", "account": "new", "account_name": "Dr. Wei", "years": "12", "specialty": EVIL}
    added = lead.post(f"{study}/raters", data=data)
    link = re.search(r"/invitation/[\w-]+", added.text)
    assert added.status_code == 200 and link and EVIL not in added.text
    assert "/invitation/" not in lead.get(study).text
    assert lead.post(link[0], data={"password": PASSWORD, "again": PASSWORD}).headers["location"] == "/review"
    [rater] = site.services.lead.studies.raters(study.rpartition("/")[2])
    assert rater.account_id == site.services.directory.find("dr. wei").id and rater.years == 12
    mine = site.client()
    again = mine.post(f"{study}/raters/{rater.id}/invite")
    assert re.search(r"/invitation/[\w-]+", again.text)
    for wrong, told in (
        ({"pseudonym": "R-07"}, "is empty, taken, longer"),
        ({"pseudonym": "R-08", "years": "-3"}, "must be a whole number"),
        ({"pseudonym": "R-08", "account_name": "DR. WEI"}, "this name is taken"),
        ({"pseudonym": "R-08", "account": "nobody"}, "there is no such rater"),
    ):
        refused = mine.post(f"{study}/raters", data={"account": "new", "specialty": "kept as typed"} | wrong)
        assert refused.status_code == 400 and told in refused.text and "kept as typed" in refused.text
    seated = mine.post(f"{study}/raters", data={"pseudonym": "R-08", "account": rater.account_id})
    assert seated.status_code == 303  # the same person on another seat has a password already


# --- The planner.


def test_the_planner_answers_within_bounds(lead: TestClient) -> None:
    asked = {"cases": "20，40", "per_case": "2", "raters": "4", "acceptance": "90", "rater_sd": "0"}
    page = lead.get("/study/plan", params=asked)
    assert page.status_code == 200 and page.text.count("<tr>") == 3
    for wrong in ({"cases": "1e9"}, {"raters": "1"}, {"acceptance": "nan"}, {"per_case": "5"}, {"rater_sd": "-1"}):
        refused = lead.get("/study/plan", params=asked | wrong)
        assert refused.status_code == 400 and 'class="error" id=' in refused.text, wrong


def test_addresses_of_forms_lead_back_to_the_study(lead: TestClient) -> None:
    study = made(lead)
    assert lead.get(f"{study}/cases/check?lang=zh").headers["location"] == f"{study}?lang=zh"
    assert 'lang="zh-CN"' in lead.get(f"{study}?lang=zh").text


def test_the_sample_is_made_in_the_background_once(site: Site, lead: TestClient) -> None:
    go, made = threading.Event(), list[int]()

    def make() -> None:
        made.append(1)
        go.wait(30)

    site.desk.jobs.make_sample(make)
    assert "The sample study is being made" in lead.get("/study").text
    assert lead.post("/study/sample").headers["location"] == "/study"
    go.set()
    while site.desk.jobs.makes_sample:
        time.sleep(0.01)
    assert made == [1] and "is being made" not in lead.get("/study").text

    def fail() -> None:
        raise EngineError(reason="no answer to this case is recorded.", reason_zh="没有该病例的回答记录。")

    with pytest.raises(EngineError):
        site.desk.jobs.make_sample(fail)
    assert "no answer to this case is recorded" in lead.get("/study").text
