"""The rater's page, and the requests it makes. Nothing here knows more than `study.panel` tells a rater.

Ratings do not share the queue of the consultations: a save is one short request, answered with a status that says
whether to go on, to try again or to ask.
"""

from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from medassist.accounts import LOCAL
from medassist.config import Settings
from medassist.errors import (
    Incomplete,
    InvalidStudy,
    Language,
    LeaseHeld,
    MedAssistError,
    NotAllowed,
    NotNow,
    NotSignedIn,
    StaleRevision,
    StorageError,
    TooLarge,
    UnknownAssignment,
)
from medassist.store.accounts import Account
from medassist.store.study_tables import Rater, Study
from medassist.study.instrument import CANNOT_JUDGE, CANNOT_JUDGE_KEY, CANNOT_JUDGE_LABEL, Item
from medassist.study.panel import Panel
from medassist.study.sheets import Given, Sheet, Standing
from medassist.web.identity import require
from medassist.web.pages import language_of, page
from medassist.web.review_words import IN_BROWSER, WORDS
from medassist.web.words import say

MAX_BODY: Final = 1_000_000
"""Bytes: two comments of the longest length, in Chinese, with room for what surrounds them."""

STATUS: Final[dict[type[MedAssistError], int]] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    UnknownAssignment: 404,
    StaleRevision: 409,
    LeaseHeld: 409,
    NotNow: 409,
    TooLarge: 413,
    InvalidStudy: 422,
    Incomplete: 422,
    StorageError: 503,
}
RETRY_AFTER: Final = "2"

T = TypeVar("T", bound=BaseModel)
Seat = tuple[Rater, Study]
Text = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class _Saved(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    holder: Text
    revision: Annotated[int, Field(ge=0)]
    key: Text
    values: dict[str, dict[str, Any]]
    active_ms: int = 0

    def given(self) -> Given:
        return Given(self.holder, self.revision, self.key, self.values, self.active_ms)


class _Submitted(_Saved):
    page: Text


class _Amended(_Saved):
    reason: str


class _Left(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    keep: bool


class _Route(APIRoute):
    """Every refusal as JSON with its status, and no answer kept in a cache."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                response = await handle(request)
            except MedAssistError as error:
                response = _refusal(error, language_of(request))
            response.headers["Cache-Control"] = "no-store"
            return response

        return told


def _refusal(error: MedAssistError, language: Language) -> Response:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    told: dict[str, Any] = {"error": error.code, "message": error.text(language)}
    if isinstance(error, StorageError):
        told["message"] = say("cannot_save", language, WORDS)
    if isinstance(error, Incomplete):
        told["problems"] = [{"label": at, "item": item, "text": text} for at, item, text in error.problems]
    if isinstance(error, StaleRevision):
        told["revision"] = error.details["revision"]
    return JSONResponse(told, status, {"Retry-After": RETRY_AFTER} if status == 503 else None)


async def _body(request: Request) -> bytes:
    body = await request.body()
    if len(body) > MAX_BODY:
        raise TooLarge
    return body


Body = Annotated[bytes, Depends(_body)]


def _read(kind: type[T], body: bytes) -> T:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])[:60] or "body"
        raise InvalidStudy(where=where, reason="cannot be read.", reason_zh="无法读取。") from None


def router(panel: Panel, settings: Settings) -> APIRouter:
    """The page at /review and what it asks for under /api/review."""
    routes, api = APIRouter(), APIRouter(prefix="/api/review/{rater}", route_class=_Route)
    seats = _Seats(panel, settings)

    @routes.get("/review")
    def review(request: Request, seat: str = "") -> Response:
        account = require(request)
        return _page(request, account, seats.offered(account), seat, panel, local=seats.at_home(account))

    @api.get("/standing")
    def standing(request: Request, rater: str) -> Response:
        seats.require(request, rater)
        return JSONResponse(_standing(panel.standing(rater)))

    @api.post("/consent")
    def consent(request: Request, rater: str) -> Response:
        seats.require(request, rater)
        panel.consent(rater)
        return JSONResponse(_standing(panel.standing(rater)))

    @api.post("/withdraw")
    def withdraw(request: Request, rater: str, body: Body) -> Response:
        seats.require(request, rater)
        panel.withdraw(rater, _read(_Left, body).keep)
        return JSONResponse(_standing(panel.standing(rater)))

    @api.get("/next")
    def following(request: Request, rater: str) -> Response:
        seats.require(request, rater)
        at = panel.standing(rater)
        return JSONResponse({"next": at.next, "waiting_until": _iso(at)})

    @api.get("/done")
    def done(request: Request, rater: str) -> Response:
        seats.require(request, rater)
        return JSONResponse([asdict(each) for each in panel.done(rater)])

    @api.get("/assignments/{assignment}")
    def open_(request: Request, rater: str, assignment: str, holder: str = "", take: str = "") -> Response:
        seats.require(request, rater)
        if not 0 < len(holder) <= 64:
            raise InvalidStudy(where="holder", reason="is missing or too long.", reason_zh="缺失或过长。")
        sheet = panel.open(rater, assignment, holder, take=take == "1")
        return JSONResponse(as_json(sheet, language_of(request)))

    @api.put("/assignments/{assignment}/draft")
    def draft(request: Request, rater: str, assignment: str, body: Body) -> Response:
        seats.require(request, rater)
        return JSONResponse(panel.save(rater, assignment, _read(_Saved, body).given()))

    @api.post("/assignments/{assignment}/submit")
    def submit(request: Request, rater: str, assignment: str, body: Body) -> Response:
        seats.require(request, rater)
        sent = _read(_Submitted, body)
        return JSONResponse(panel.submit(rater, assignment, sent.page, sent.given(), language_of(request)))

    @api.post("/assignments/{assignment}/amend")
    def amend(request: Request, rater: str, assignment: str, body: Body) -> Response:
        seats.require(request, rater)
        sent = _read(_Amended, body)
        return JSONResponse(panel.amend(rater, assignment, sent.given(), sent.reason, language_of(request)))

    routes.include_router(api)
    return routes


class _Seats:
    """Which seats somebody may take: their own, or, where nobody signs in, those that belong to no account."""

    def __init__(self, panel: Panel, settings: Settings) -> None:
        self._panel, self._settings = panel, settings

    def at_home(self, account: Account) -> bool:
        return account.id == LOCAL and self._settings.auth == "local"

    def of(self, account: Account) -> list[Seat]:
        own = self._panel.seats(account.id)
        return own + self._panel.unclaimed() if self.at_home(account) else own

    def offered(self, account: Account) -> list[Seat]:
        """Of those without an account only where there is something to rate."""
        return [(rater, study) for rater, study in self.of(account) if rater.account_id or study.state == "rating"]

    def require(self, request: Request, rater_id: str) -> None:
        """Raise `UnknownAssignment`, audited, where the seat is somebody else's."""
        account = require(request)
        if rater_id not in {rater.id for rater, _ in self.of(account)}:
            self._panel.denied(account.id, rater_id)
            raise UnknownAssignment


def _page(request: Request, account: Account, seats: list[Seat], asked: str, panel: Panel, *, local: bool) -> Response:
    language = language_of(request)
    chosen = next((rater for rater, _ in seats if rater.id == asked), None)
    if asked and chosen is None:
        panel.denied(account.id, asked)
    if chosen is None and len(seats) == 1 and not local:
        chosen = seats[0][0]
    standing = panel.standing(chosen.id) if chosen else None
    if chosen and local:
        panel.audit.record(account.id, "seat.taken", chosen.id)
    return page(
        request,
        "review",
        account,
        here="review",
        words=WORDS,
        state=_state(standing) if standing else "choose" if seats else "none",
        seat=chosen.id if chosen else "",
        standing=standing,
        others=len(seats) > 1,
        local=local,
        choices=[] if chosen else [(rater.id, panel.standing(rater.id)) for rater, _ in seats],
        state_of=_state,
        other=lambda name, /, **places: say(name, "en" if language == "zh" else "zh", WORDS, **places),
        spoken={name: WORDS[name][language] for name in IN_BROWSER},
    )


def _state(at: Standing) -> str:
    """What the page shows: consent comes before all, and an end before what could still be done."""
    if at.withdrawn:
        return "withdrawn"
    if at.state in ("locked", "unblinded"):
        return "locked"
    if not at.consented:
        return "consent"
    return "rate" if at.state == "rating" else "not_yet"


# --- What goes out, as JSON.


def _standing(at: Standing) -> dict[str, Any]:
    return asdict(at) | {"shows": _state(at), "waiting_until": _iso(at)}


def _iso(at: Standing) -> str | None:
    return at.waiting_until.isoformat() if at.waiting_until else None


def as_json(sheet: Sheet, language: Language) -> dict[str, Any]:
    """A sheet in the words of the page. Responses have no other name than A and B."""
    return {
        "id": sheet.id,
        "kind": sheet.kind,
        "state": sheet.state,
        "place": sheet.place,
        "of": sheet.of,
        "language": sheet.language,
        "case": sheet.case,
        "reference": sheet.reference,
        "cant_miss": sheet.cant_miss,
        "answers": sheet.answers,
        "explanations": sheet.explanations,
        "pages": [
            {
                "id": each.id,
                "title": each.title.of(language),
                "locked": each.id in sheet.locked,
                "items": [_item(item, language) for item in sheet.items[each.id]],
            }
            for each in sheet.pages
        ],
        "values": sheet.values,
        "revision": sheet.revision,
        "paired": sheet.paired,
    }


def _item(item: Item, language: Language) -> dict[str, Any]:
    options = [{"code": o.code, "key": o.key, "label": o.label.of(language)} for o in item.options]
    if item.cannot_judge:
        options.append({"code": CANNOT_JUDGE, "key": CANNOT_JUDGE_KEY, "label": CANNOT_JUDGE_LABEL.of(language)})
    return {
        "id": item.id,
        "kind": item.kind,
        "label": item.label.of(language),
        "help": item.help.of(language) if item.help else "",
        "options": options,
        "required": item.required,
        "asked_when": item.asked_when,
        "required_when": item.required_when,
        "max": item.max,
        "max_length": item.max_length,
    }
