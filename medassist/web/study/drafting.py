"""Making a study: its protocol, typed or from a file, changed in the draft and amended later."""

import contextlib

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from medassist.errors import InputError, InvalidStudy, MedAssistError
from medassist.store.accounts import Account
from medassist.study.instrument import load_instrument, shipped
from medassist.study.lead import Lead
from medassist.study.protocol import Protocol
from medassist.study.sample import create_sample
from medassist.web.identity import require, services_of
from medassist.web.pages import language_of
from medassist.web.signin import status_of
from medassist.web.study.desk import back, desk_of, show
from medassist.web.study.files import Sent, as_text, typed, uploaded
from medassist.web.study.form import MAX_ARMS, MEASURES, Form, first_values, protocol_of, read_file, typed_of
from medassist.web.study.view import View

router = APIRouter()


@router.get("/study/new")
def new_study(request: Request) -> Response:
    account = require(request, "lead")
    return _form(request, account, Form(first_values()))


@router.post("/study/new")
def create_study(request: Request, sent: Sent) -> Response:
    account = require(request, "lead")
    form = Form(typed(sent))
    protocol = protocol_of(form)
    if protocol is None:
        return _form(request, account, form, status=400)
    try:
        study_id = services_of(request).lead.create(protocol, load_instrument(protocol.instrument.id), account.id)
    except InputError as error:
        return _form(request, account, form, error=error)
    return back(study_id, "arms", "created")


@router.post("/study/new/file")
def new_from_file(request: Request, sent: Sent) -> Response:
    account = require(request, "lead")
    try:
        form = read_file(as_text(uploaded(sent)))
    except InputError as error:
        return _form(request, account, Form(first_values()), file_error=error)
    return _form(request, account, form, from_file=True)


@router.post("/study/sample")
def make_sample(request: Request) -> Response:
    """In the background: its raters take a while."""
    account = require(request, "lead")
    services = services_of(request)
    services.audit.record(account.id, "study.sample", "sample")
    with contextlib.suppress(MedAssistError):  # the list says why
        desk_of(request).jobs.make_sample(lambda: create_sample(services.lead, services.panel))
    return RedirectResponse("/study", 303)


@router.get("/study/{study_id}/protocol")
def protocol_page(request: Request, study_id: str) -> Response:
    account = require(request, "lead")
    view = View(services_of(request).lead, study_id)
    return _form(request, account, Form(typed_of(view.protocol)), view=view)


@router.post("/study/{study_id}/protocol")
def save_protocol(request: Request, study_id: str, sent: Sent) -> Response:
    """In the draft in place of what there was; later as an amendment."""
    account = require(request, "lead")
    lead = services_of(request).lead
    view = View(lead, study_id)
    fixed = typed_of(view.protocol) if view.state != "draft" else {}
    kept = {name: value for name, value in fixed.items() if name.startswith("arm_") or name in ("mode", "seed")}
    form = Form(typed(sent) | kept)
    protocol = protocol_of(form)
    if protocol is None:
        return _form(request, account, form, view=view, status=400)
    try:
        if view.state == "draft":
            _replace(lead, view, protocol, account.id)
            return back(study_id, "protocol", "protocol")
        lead.amend(study_id, protocol, form.typed.get("reason", ""), account.id)
    except InputError as error:
        return _form(request, account, form, view=view, error=error)
    return back(study_id, "protocol", "amended")


def _replace(lead: Lead, view: View, protocol: Protocol, who: str) -> None:
    """Save a draft. Arms that are set up must stay those of the protocol."""
    used = protocol.instrument
    if used.sha256 != view.instrument.sha256:
        raise InvalidStudy(
            where="instrument",
            reason="a study keeps the one that it was made with; make a new study.",
            reason_zh="研究沿用创建时的量表；如需更换请新建研究。",
        )
    renamed = {arm.name for arm in protocol.arms} != {arm.name for arm in view.arms}
    if view.arms and renamed:
        if view.responses:
            raise InvalidStudy(
                where="arms",
                reason="there are answers of these arms already; their names stay.",
                reason_zh="这些研究臂已有回答，名称不可更改。",
            )
        lead.studies.put_arms(view.study_id, [])
    lead.set_protocol(view.study_id, protocol, who)


def _form(
    request: Request,
    account: Account,
    form: Form,
    *,
    view: View | None = None,
    error: MedAssistError | None = None,
    file_error: MedAssistError | None = None,
    from_file: bool = False,
    status: int = 0,
) -> Response:
    language = language_of(request)
    failed = error or file_error
    return show(
        request,
        "protocol",
        account,
        status or (status_of(failed) if failed else 200),
        view=view,
        amending=view is not None and view.state != "draft",
        typed=form.typed,
        errors=form.errors(language),
        told=error.text(language) if error else "",
        file_told=file_error.text(language) if file_error else "",
        from_file=from_file,
        instruments=[load_instrument(name) for name in shipped()],
        measures=MEASURES,
        max_arms=MAX_ARMS,
    )
