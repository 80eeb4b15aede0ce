"""Answers that may tell who wrote them: shown with the place marked, released as they are or edited."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from medassist.errors import InputError, UnknownStudy
from medassist.store.accounts import Account
from medassist.study.releasing import blocked, release, release_edited
from medassist.web.identity import require, services_of
from medassist.web.pages import language_of
from medassist.web.signin import status_of
from medassist.web.study.desk import show
from medassist.web.study.files import Sent, typed
from medassist.web.study.view import View

router = APIRouter()

SHOWN: Final = 10
"""Answers on one page."""

Leak = tuple[str, int, int]  # kind, and the place in the text
Piece = tuple[str, str]  # text, and the kind of leak or ""


@router.get("/study/{study_id}/blocked")
def blocked_page(request: Request, study_id: str, said: str = "") -> Response:
    account = require(request, "lead")
    return _page(request, account, study_id, said=said)


@router.post("/study/{study_id}/blocked/{response_id}")
def release_one(request: Request, study_id: str, response_id: str, sent: Sent) -> Response:
    account = require(request, "lead")
    lead, given = services_of(request).lead, typed(sent)
    try:
        if given.get("how") == "edited":
            text = given.get("text", "").replace("\r\n", "\n")
            made = release_edited(lead, study_id, response_id, text, account.id)
            if made.leaks:
                found: list[Leak] = [(leak.kind, leak.start, leak.end) for leak in made.leaks]
                return _page(request, account, study_id, tried={response_id: (made.text, found)}, status=400)
        else:
            release(lead, study_id, response_id, account.id)
    except UnknownStudy:
        raise
    except InputError as error:
        told = error.text(language_of(request))
        return _page(request, account, study_id, told=told, status=status_of(error))
    return RedirectResponse(f"/study/{study_id}/blocked?said=released", 303)


def _page(
    request: Request,
    account: Account,
    study_id: str,
    *,
    said: str = "",
    told: str = "",
    tried: dict[str, tuple[str, list[Leak]]] | None = None,
    status: int = 200,
) -> Response:
    """`tried` are edited texts that still tell, as they would be shown, by answer."""
    view = View(services_of(request).lead, study_id)
    cases = {case.id: case for case in view.cases}
    waiting = blocked(view.lead, study_id)
    tried = tried or {}
    first = [each for each in waiting if each.id in tried]
    shown = [*first, *(each for each in waiting if each.id not in tried)][:SHOWN]
    answers: list[dict[str, Any]] = []
    for each in shown:
        text, leaks = tried.get(each.id, (each.display_text, [(str(k), int(s), int(e)) for k, s, e in each.leaks]))
        answers.append(
            {
                "id": each.id,
                "case": cases[each.case_id].key,
                "language": "zh-CN" if cases[each.case_id].language == "zh" else "en",
                "text": text,
                "pieces": pieces(text, leaks),
                "kinds": sorted({kind for kind, _, _ in leaks}),
                "tried": each.id in tried,
            }
        )
    return show(
        request,
        "leaks",
        account,
        status,
        view=view,
        answers=answers,
        count=len(waiting),
        said=said if said == "released" else "",
        told=told,
    )


def pieces(text: str, leaks: Iterable[Leak]) -> Sequence[Piece]:
    """The text cut at its leaks; of two that overlap the later one is cut short."""
    made: list[Piece] = []
    at = 0
    for kind, start, end in sorted(leaks, key=lambda leak: leak[1:]):
        start, end = max(start, at), min(end, len(text))
        if start < end:
            made += [(text[at:start], ""), (text[start:end], kind)]
            at = end
    return [piece for piece in (*made, (text[at:], "")) if piece[0]]
