"""What a study gives: the report, its numbers, the export; and an export from elsewhere, computed again."""

import json
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from medassist.errors import InputError, InvalidStudy, Language, UnknownStudy
from medassist.study.analysis import analyse, contract
from medassist.study.collecting import dataset
from medassist.study.export import files, read_export, zipped
from medassist.study.report import report_html, report_pdf
from medassist.study.results import Analysis
from medassist.web.identity import require, services_of
from medassist.web.pages import language_of
from medassist.web.signin import status_of
from medassist.web.study.desk import Desk, desk_of, show, study_page
from medassist.web.study.files import Sent, Upload, typed, uploaded
from medassist.web.study.reading import download

router = APIRouter()


@router.get("/study/{study_id}/report")
def report(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    try:
        text = _html(desk_of(request), study_id, language_of(request))
    except UnknownStudy:
        raise
    except InputError as error:
        return study_page(request, account, study_id, at="report", error=error)
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


@router.get("/study/{study_id}/report.pdf")
def report_file(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    desk, language = desk_of(request), language_of(request)
    try:
        text = _html(desk, study_id, language)
        made = desk.computed.get(f"pdf {study_id} {language}", lambda: report_pdf(text))
    except UnknownStudy:
        raise
    except InputError as error:
        return study_page(request, account, study_id, at="report", error=error)
    return download(made, f"report-{study_id}.pdf", "application/pdf")


@router.get("/study/{study_id}/report.json")
def report_numbers(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    try:
        made = _analysis(desk_of(request), study_id)
    except UnknownStudy:
        raise
    except InputError as error:
        return study_page(request, account, study_id, at="report", error=error)
    return download(_numbers(made), f"report-{study_id}.json", "application/json")


@router.get("/study/{study_id}/export.zip")
def export(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    services = services_of(request)
    rows = dataset(services.lead, study_id)
    made = desk_of(request).computed.get("", lambda: zipped(files(rows)), keep=False)
    services.audit.record(account.id, "study.exported", study_id)
    return download(made, f"study-{study_id}.zip", "application/zip")


@router.get("/study/reproduce")
def reproduce_page(request: Request) -> Response:
    account = require(request, "lead")
    return show(request, "reproduce", account, told="")


@router.post("/study/reproduce")
def reproduce(request: Request, sent: Sent) -> Response:
    """The numbers of an export, computed anew; nothing of it is kept."""
    account = require(request, "lead")
    language = language_of(request)
    try:
        made = desk_of(request).computed.get("", lambda: _of_export(uploaded(sent)), keep=False)
        if typed(sent).get("as") == "numbers":
            return download(_numbers(made), "report.json", "application/json")
        text = desk_of(request).computed.get("", lambda: report_html(made, language), keep=False)
    except InputError as error:
        return show(request, "reproduce", account, status_of(error), told=error.text(language))
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


def _of_export(upload: Upload) -> Analysis:
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        path = Path(folder) / "export.zip"
        path.write_bytes(upload.data)
        try:
            return analyse(read_export(path))
        except InvalidStudy as error:
            where = str(error.details["where"]).removeprefix(f"{folder}/")
            raise InvalidStudy(**(error.details | {"where": where})) from None


def _analysis(desk: Desk, study_id: str) -> Analysis:
    """Of a study that is unblinded: nothing of it changes any more."""
    desk.services.lead.studies.require(study_id, "unblinded")
    return desk.computed.get(f"analysis {study_id}", lambda: analyse(dataset(desk.services.lead, study_id)))


def _html(desk: Desk, study_id: str, language: Language) -> str:
    made = _analysis(desk, study_id)
    return desk.computed.get(f"html {study_id} {language}", lambda: report_html(made, language))


def _numbers(made: Analysis) -> bytes:
    told: dict[str, Any] = contract(made)
    return (json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
