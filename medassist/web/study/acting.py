"""What a lead does on the page of a study, step by step: each a form that is sent, and the way back."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from medassist.errors import InputError, InvalidStudy, NotNow, UnknownStudy
from medassist.services import Services
from medassist.store.accounts import Account
from medassist.study import inviting
from medassist.study.adjudication import adjudicate
from medassist.study.answers import import_answers, read_answers
from medassist.study.cases import COLUMNS, ReadCases, keep_cases, read_cases
from medassist.study.lead import Lead, NewRater
from medassist.web.identity import require, services_of
from medassist.web.pages import language_of
from medassist.web.study.desk import back, desk_of, study_page, tried
from medassist.web.study.files import TABLES, Sent, Shelf, Upload, typed, uploaded
from medassist.web.study.form import Form, arms_of
from medassist.web.study.form_words import FORM
from medassist.web.study.view import View
from medassist.web.study.words import WORDS

router = APIRouter()


@router.post("/study/{study_id}/arms")
def set_arms(request: Request, study_id: str, sent: Sent) -> Response:
    account = require(request, "lead")
    lead = services_of(request).lead
    view, form = View(lead, study_id), Form(typed(sent))
    configs = arms_of(form, view.protocol.arms)
    if view.state == "draft" and view.responses and form.typed.get("drop_answers") != "yes":
        form.refuse("drop_answers", FORM["answers_hang"])
    if form.wrong or configs is None:
        errors = form.errors(language_of(request))
        return study_page(request, account, study_id, at="arms", status=400, typed=form.typed, errors=errors)

    def do() -> str:
        lead.set_arms(study_id, configs, account.id)
        return "arms"

    return tried(request, account, study_id, "arms", do)


# --- Cases.


@router.post("/study/{study_id}/cases/check")
def check_cases(request: Request, study_id: str, sent: Sent) -> Response:
    """A dry run: what is wrong, row by row; the file waits to be imported."""
    account = require(request, "lead")
    desk = desk_of(request)
    try:
        desk.services.lead.studies.require(study_id, "draft", "enrolling")
        upload = _to_check(desk.shelf, f"{account.id} {study_id}", sent)
    except UnknownStudy:
        raise
    except InputError as error:
        return study_page(request, account, study_id, at="cases", error=error)
    read = read_cases(upload.data, upload.name, upload.columns)
    unknown = _unknown(upload, read)
    token = "" if read.faults and not unknown else desk.shelf.put(f"{account.id} {study_id}", upload)
    checked = _checked(read) | {"token": token, "unknown": unknown, "columns": upload.columns}
    return study_page(request, account, study_id, at="cases", checked=checked, status=400 if read.faults else 200)


@router.post("/study/{study_id}/cases")
def keep_checked(request: Request, study_id: str, sent: Sent) -> Response:
    account = require(request, "lead")
    desk = desk_of(request)
    token = typed(sent).get("token", "")

    def do() -> str:
        upload = desk.shelf.take(f"{account.id} {study_id}", token)
        count = keep_cases(desk.services.lead.studies, study_id, read_cases(upload.data, upload.name, upload.columns))
        desk.shelf.drop(token)
        desk.services.audit.record(account.id, "study.cases", study_id, new={"added": count})
        return "cases"

    return tried(request, account, study_id, "cases", do)


@router.post("/study/{study_id}/cases/remove")
def remove_case(request: Request, study_id: str, sent: Sent) -> Response:
    account = require(request, "lead")
    services = services_of(request)
    case_id = typed(sent).get("case", "")

    def do() -> str:
        services.lead.studies.drop_case(study_id, case_id)
        services.audit.record(account.id, "study.case_removed", study_id, old={"case": case_id[:40]})
        return "removed"

    return tried(request, account, study_id, "cases", do)


def _to_check(shelf: Shelf, whose: str, sent: Sent) -> Upload:
    """A file that is handed in, or one that was checked before and whose unknown columns are now explained."""
    fields = typed(sent)
    if "token" not in fields:
        return uploaded(sent)
    told = {name.removeprefix("column:"): value for name, value in fields.items() if name.startswith("column:")}
    before = shelf.take(whose, fields["token"])
    return replace(before, columns={**before.columns, **told})


def _unknown(upload: Upload, read: ReadCases) -> list[str]:
    """The columns of a table that nobody knows; the lead can say what they are."""
    if not upload.name.lower().endswith(TABLES) or read.cases:
        return []
    return [fault.column for fault in read.faults if fault.row == 1 and fault.column and fault.column not in COLUMNS]


def _checked(read: ReadCases) -> dict[str, Any]:
    wrong = {fault.row for fault in read.faults}
    good = {case.row for case in read.cases} - wrong
    return {
        "good": len(good),
        "all": len(good | wrong - {0}),
        "practice": sum(case.is_practice for case in read.cases),
        "faults": read.faults,
        "warnings": read.warnings,
    }


# --- Answers.


@router.post("/study/{study_id}/answers/start")
def start_answers(request: Request, study_id: str, sent: Sent) -> Response:
    account = require(request, "lead")
    desk, explained = desk_of(request), typed(sent).get("explained") == "yes"
    lead = desk.services.lead

    def do() -> str:
        lead.studies.require(study_id, "draft", "enrolling")
        job = lead.studies.generation(study_id)
        if job is not None and job.state in ("running", "stopping"):
            raise NotNow(reason="answers are being written already.", reason_zh="回答正在生成中。")
        desk.services.audit.record(account.id, "study.answers_begun", study_id, new={"explained": explained})
        desk.jobs.start(study_id, explained)
        return "started"

    return tried(request, account, study_id, "answers", do)


@router.post("/study/{study_id}/answers/stop")
def stop_answers(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    services = services_of(request)

    def do() -> str:
        services.lead.studies.study(study_id)
        services.lead.studies.stop_generation(study_id)
        services.audit.record(account.id, "study.answers_stopped", study_id)
        return "stopping"

    return tried(request, account, study_id, "answers", do)


@router.post("/study/{study_id}/answers/import")
def import_arm(request: Request, study_id: str, sent: Sent) -> Response:
    account = require(request, "lead")
    services = services_of(request)
    lead: Lead = services.lead
    arm = typed(sent).get("arm", "")
    try:
        lead.studies.require(study_id, "draft", "enrolling")
        upload = uploaded(sent)
        read = read_answers(upload.data, upload.name, {case.key for case in lead.studies.cases(study_id)})
        if read.faults:
            return study_page(request, account, study_id, at="answers", faults=read.faults, status=400)
        kept = import_answers(lead.studies, study_id, arm, read.answers)
    except UnknownStudy:
        raise
    except InputError as error:
        return study_page(request, account, study_id, at="answers", error=error)
    counts = {"kept": kept.kept, "already": kept.already, "blocked": kept.blocked}
    services.audit.record(account.id, "study.answers_imported", study_id, new={"arm": arm, "answers": counts})
    return back(study_id, "answers", "imported")


# --- Raters.


@router.post("/study/{study_id}/raters")
def add_rater(request: Request, study_id: str, sent: Sent) -> Response:
    account = require(request, "lead")
    services, asked = services_of(request), typed(sent)
    try:
        invited = _added(services, study_id, asked, account)
    except UnknownStudy:
        raise
    except InputError as error:
        return study_page(request, account, study_id, at="raters", error=error, rater=asked)
    if invited is None:
        return back(study_id, "raters", "rater")
    return study_page(request, account, study_id, at="raters", said="rater", invited=invited)


@router.post("/study/{study_id}/raters/{rater_id}/invite")
def invite_again(request: Request, study_id: str, rater_id: str) -> Response:
    account = require(request, "lead")
    services = services_of(request)
    try:
        made = inviting.invite_again(services.lead, services.directory, study_id, rater_id, account.id)
    except InputError as error:
        return study_page(request, account, study_id, at="raters", error=error)
    return study_page(request, account, study_id, at="raters", invited=(made.pseudonym, made.path))


def _added(services: Services, study_id: str, asked: dict[str, str], by: Account) -> tuple[str, str] | None:
    """Add a rater; returns the pseudonym and the path of the invitation, where an account was made."""
    lead = services.lead
    lead.studies.require(study_id, "draft", "enrolling")
    pseudonym, wanted = asked.get("pseudonym", "").strip(), asked.get("account", "new")
    years = asked.get("years", "").strip()
    if years and not (years.isdecimal() and int(years[:4]) <= 80):
        raise InvalidStudy(where="years", reason="must be a whole number up to 80.", reason_zh="须为不超过 80 的整数。")
    rater = NewRater(pseudonym, asked.get("specialty", "").strip()[:100], int(years) if years else None)
    if wanted == "new":
        name = asked.get("account_name", "").strip() or pseudonym
        made = inviting.invite(lead, services.directory, study_id, rater, name, by.id)
        return made.pseudonym, made.path
    lead.add_raters(study_id, [replace(rater, account_id=_known_account(services, wanted))], by.id)
    return None


def _known_account(services: Services, wanted: str) -> str | None:
    """The id of the account that a rater signs in with; None where nobody has to."""
    if wanted == "none" and services.settings.auth == "local":
        return None
    known = {each.id for each in services.directory.list() if each.role == "rater" and each.disabled_at is None}
    if wanted not in known:
        raise InvalidStudy(where="account", reason="there is no such rater's account.", reason_zh="没有该评审者账户。")
    return wanted


# --- From freezing to unblinding.


@router.post("/study/{study_id}/freeze")
def freeze(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    lead = services_of(request).lead

    def do() -> str:
        lead.enrol(study_id, account.id)
        return "frozen"

    return tried(request, account, study_id, "protocol", do)


@router.post("/study/{study_id}/assign")
def assign(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    desk = desk_of(request)

    def do() -> str:
        desk.computed.get("", lambda: desk.services.lead.assign(study_id, account.id), keep=False)
        return "assigned"

    return tried(request, account, study_id, "allocation", do)


@router.post("/study/{study_id}/adjudicate")
def to_third_experts(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    lead = services_of(request).lead

    def do() -> str:
        lead.studies.require(study_id, "rating")
        adjudicate(lead, study_id, account.id)
        return "adjudicated"

    return tried(request, account, study_id, "adjudication", do)


@router.post("/study/{study_id}/lock")
def lock(request: Request, study_id: str, sent: Sent) -> Response:
    account = require(request, "lead")
    lead = services_of(request).lead

    def do() -> str:
        lead.studies.require(study_id, "rating")
        if " ".join(typed(sent).get("title", "").split()) != " ".join(lead.protocol(study_id).title.split()):
            raise InputError(reason=WORDS["lock_differs"]["en"], reason_zh=WORDS["lock_differs"]["zh"])
        lead.lock(study_id, account.id)
        return "locked"

    return tried(request, account, study_id, "end", do)


@router.post("/study/{study_id}/unblind")
def unblind(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    lead = services_of(request).lead

    def do() -> str:
        lead.unblind(study_id, account.id)
        return "unblinded" if lead.studies.study(study_id).state == "unblinded" else "agreed"

    return tried(request, account, study_id, "end", do)
