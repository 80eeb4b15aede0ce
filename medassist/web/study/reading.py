"""The study pages that are only looked at: the list, one study, its allocation, its progress, the planner."""

import json
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from medassist.errors import InputError, UnknownStudy
from medassist.statistics import plan
from medassist.study.cases import template
from medassist.web.identity import require, services_of
from medassist.web.pages import language_of
from medassist.web.study.desk import desk_of, show, study_page
from medassist.web.study.form import Form, Said
from medassist.web.study.form_words import FORM
from medassist.web.study.view import View, progress

router = APIRouter()

STUDIES: Final = 300
SEED: Final = 0


@router.get("/study")
def studies_page(request: Request) -> Response:
    account = require(request, "lead")
    lead, jobs = services_of(request).lead, desk_of(request).jobs
    error = jobs.sample_error
    return show(
        request,
        "list",
        account,
        views=[View(lead, study.id) for study in lead.studies.studies()],
        making=jobs.makes_sample,
        told=error.text(language_of(request)) if error else "",
    )


@router.get("/study/cases.csv")
def cases_template(request: Request) -> Response:
    require(request, "lead")
    return download(template().encode(), "cases.csv", "text/csv; charset=utf-8")


@router.get("/study/plan")
def planner(request: Request) -> Response:
    account = require(request, "lead")
    asked = dict(request.query_params)
    form = Form({"cases": "50, 100, 200", "raters": "10", "per_case": "2, 3, 5", "acceptance": "90", "rater_sd": "0.8"})
    rows = None
    if asked.keys() & form.typed.keys():
        form.typed |= {name: asked.get(name, "")[:100] for name in form.typed}
        rows = _planned(request, form)
    return show(
        request,
        "plan",
        account,
        400 if form.wrong else 200,
        typed=form.typed,
        errors=form.errors(language_of(request)),
        rows=rows,
        studies=STUDIES,
        seed=SEED,
    )


@router.get("/api/study/{study_id}/progress")
def study_progress(request: Request, study_id: str) -> Response:
    require(request, "lead")
    view = View(services_of(request).lead, study_id)
    return JSONResponse(progress(view), headers={"Cache-Control": "no-store"})


@router.get("/study/{study_id}")
def one_study(request: Request, study_id: str, at: str = "", said: str = "") -> Response:
    account = require(request, "lead")
    return study_page(request, account, study_id, at=at, said=said)


@router.get("/study/{study_id}/protocol.json")
def protocol_file(request: Request, study_id: str) -> Response:
    require(request, "lead")
    protocol = View(services_of(request).lead, study_id).protocol
    text = json.dumps(protocol.model_dump(mode="json"), ensure_ascii=False, indent=2)
    return download(text.encode(), "protocol.json", "application/json")


@router.get("/study/{study_id}/allocation")
def allocation(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    lead = services_of(request).lead
    view = View(lead, study_id)
    try:
        lead.studies.require(study_id, "draft", "enrolling")
        made, balance = desk_of(request).computed.get("", lambda: lead.preview(study_id), keep=False)
    except UnknownStudy:
        raise
    except InputError as error:
        return study_page(request, account, study_id, at="allocation", error=error)
    return show(request, "allocation", account, view=view, plan=made, balance=balance)


def download(data: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(data, media_type=kind, headers=headers)


# --- The planner.


def _planned(request: Request, form: Form) -> Any:
    """A row for every design that was asked for; None where `form.wrong` says what is wrong."""
    cases, per_case = _numbers(form, "cases", 4, 10, 2000), _numbers(form, "per_case", 3, 1, 20)
    raters = _numbers(form, "raters", 1, 2, 100)
    acceptance, rater_sd = _number(form, "acceptance", 1, 99), _number(form, "rater_sd", 0, 3)
    if form.wrong:
        return None
    try:
        return desk_of(request).computed.get(
            "",
            lambda: plan(
                acceptance / 100,
                cases=cases,
                ratings_per_case=per_case,
                raters=raters[0],
                rater_sd=rater_sd,
                studies=STUDIES,
                seed=SEED,
            ),
            keep=False,
        )
    except InputError as error:
        form.refuse("per_case", (error.text("en"), error.text("zh")))
        return None


def _numbers(form: Form, name: str, most: int, low: int, high: int) -> list[int]:
    parts = form.typed[name].replace("，", ",").replace("、", ",").replace(",", " ").split()
    if not 1 <= len(parts) <= most or not all(p.isdecimal() and low <= int(p[:9]) <= high for p in parts):
        form.refuse(name, _filled("plan_numbers", most=most, low=low, high=high))
        return []
    return [int(part) for part in parts]


def _number(form: Form, name: str, low: float, high: float) -> float:
    try:
        value = float(form.typed[name].strip().removesuffix("%"))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        form.refuse(name, _filled("plan_number", low=low, high=high))
    return value


def _filled(word: str, **values: object) -> Said:
    en, zh = FORM[word]
    return en.format(**values), zh.format(**values)


@router.get("/study/{study_id}/{rest:path}")
def elsewhere(request: Request, study_id: str) -> Response:
    """An address that only forms are sent to, opened by hand or in the other language."""
    require(request, "lead")
    language = request.query_params.get("lang", "")
    query = f"?lang={language}" if language in ("en", "zh") else ""
    return RedirectResponse(f"/study/{View(services_of(request).lead, study_id).study.id}{query}", 303)
