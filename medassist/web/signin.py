"""Signing in and out, and choosing a password with an invitation: plain forms."""

import re
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from medassist.accounts import SHORTEST_PASSWORD
from medassist.errors import (
    BadInvitation,
    BadPassword,
    Busy,
    InputError,
    LockedOut,
    MedAssistError,
    NotAllowed,
    NotNow,
    NotSignedIn,
    UnknownStudy,
)
from medassist.services import Services
from medassist.store.accounts import Account
from medassist.web.identity import COOKIE, current, require, services_of
from medassist.web.pages import language_of, page, static_files
from medassist.web.words import say

__all__ = ["current", "install", "require", "router"]

HOME: Final = {"lead": "/study", "rater": "/review"}
STATUS: Final[dict[type[MedAssistError], int]] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    UnknownStudy: 404,
    NotNow: 409,
    BadInvitation: 410,
    LockedOut: 429,
    InputError: 400,
    Busy: 503,
    MedAssistError: 500,
}
"""The first that an error is an instance of."""

_INSIDE = re.compile(r"/(?!/)[!-\[\]-~]*")
"""A path here. Browsers drop control characters and read \\ as /, which would turn a path into another host."""

Text = Annotated[str, Form()]
router = APIRouter()


def install(app: FastAPI, services: Services) -> None:
    """Put sign-in, static files and the answer to every `MedAssistError` into the application."""
    app.state.services = services
    app.include_router(router)
    app.mount("/static", static_files())
    app.add_exception_handler(MedAssistError, _told)


@router.get("/signin")
def signin_page(request: Request, next: str = "") -> Response:
    account = services_of(request).directory.who(request.cookies.get(COOKIE, ""))
    if account is not None:
        return RedirectResponse(_target(account, next), 303)
    return _signin_form(request, next)


@router.post("/signin")
def sign_in(request: Request, name: Text = "", password: Text = "", next: Text = "") -> Response:
    try:
        return _signed_in(request, name, password, next)
    except MedAssistError as error:
        return _signin_form(request, next, name, error)


@router.get("/invitation/{token}")
def invitation_page(request: Request, token: str) -> Response:
    return _invitation_form(request, services_of(request).directory.invited(token))


@router.post("/invitation/{token}")
def accept_invitation(request: Request, token: str, password: Text = "", again: Text = "") -> Response:
    directory = services_of(request).directory
    account = directory.invited(token)
    try:
        if password != again:
            reason, reason_zh = say("passwords_differ", "en"), say("passwords_differ", "zh")
            raise BadPassword(reason=reason, reason_zh=reason_zh)
        directory.accept(token, password)
        return _signed_in(request, account.name, password)
    except (BadPassword, Busy) as error:
        return _invitation_form(request, account, error)


@router.post("/signout")
def sign_out(request: Request) -> Response:
    services_of(request).directory.sign_out(request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/signin", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=_secure(request))
    return response


def _signed_in(request: Request, name: str, password: str, next: str = "") -> Response:
    directory = services_of(request).directory
    token = directory.sign_in(name, password)
    directory.sign_out(request.cookies.get(COOKIE, ""))  # who signs in as another is the former no more
    account = directory.who(token)
    if account is None:  # disabled at this very moment
        raise NotSignedIn
    response = RedirectResponse(_target(account, next), 303)
    response.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=_secure(request))
    return response


def _signin_form(request: Request, next: str, name: str = "", error: MedAssistError | None = None) -> Response:
    status = 401 if isinstance(error, BadPassword) else None
    return _form(request, "signin", error, status, next=next, name=name[:200])


def _invitation_form(request: Request, invited: Account, error: MedAssistError | None = None) -> Response:
    return _form(request, "invitation", error, invited=invited, least=SHORTEST_PASSWORD)


def _form(
    request: Request, template: str, error: MedAssistError | None, status: int | None = None, **values: Any
) -> Response:
    told = error and error.text(language_of(request))
    status = status or (status_of(error) if error else 200)
    return page(request, template, None, status=status, error=told, **values)


def _target(account: Account, next: str) -> str:
    return next if _INSIDE.fullmatch(next) else HOME[account.role]


def _secure(request: Request) -> bool:
    passed_on = request.headers.get("x-forwarded-proto", "").split(",")[0].strip()
    return "https" in (request.url.scheme, passed_on)


def status_of(error: MedAssistError) -> int:
    """The status of the answer to a request that met this error."""
    return next(status for kind, status in STATUS.items() if isinstance(error, kind))


def _told(request: Request, error: Exception) -> Response:
    """What a refused or failed request gets: JSON under /api/, else the way to sign in, or a page that says why."""
    assert isinstance(error, MedAssistError)
    if "/api/" in request.url.path:
        told = {"code": error.code, "message": error.text(language_of(request))}
        return JSONResponse(told, status_of(error), {"Cache-Control": "no-store"})
    if isinstance(error, NotSignedIn):
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        # Only what can be opened again is gone back to.
        after = f"?next={quote(wanted, safe='/')}" if request.method in ("GET", "HEAD") else ""
        return RedirectResponse(f"/signin{after}", 303, {"Cache-Control": "no-store"})
    account = getattr(request.state, "account", None)
    title = (
        "not_yours"
        if isinstance(error, NotAllowed)
        else "cannot_open"
        if isinstance(error, InputError)
        else "went_wrong"
    )
    text = error.text(language_of(request))
    return page(request, "message", account, status=status_of(error), title=title, text=text)
