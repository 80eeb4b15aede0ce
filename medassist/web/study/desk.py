"""What the handlers of the study pages share: the services, the page of one study, and the way back to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from medassist.errors import InputError, MedAssistError, UnknownStudy
from medassist.services import Services
from medassist.store.accounts import Account
from medassist.study.cases import COLUMNS
from medassist.study.releasing import blocked
from medassist.web.identity import services_of
from medassist.web.pages import language_of, page
from medassist.web.signin import status_of
from medassist.web.study.files import Shelf
from medassist.web.study.form import MAX_ARMS, SOURCES, typed_arms
from medassist.web.study.jobs import Computed, Jobs
from medassist.web.study.view import STEPS, TROUBLES_SHOWN, View, names_of
from medassist.web.study.words import SAID, WORDS
from medassist.web.words import say

CASES_SHOWN: Final = 500
FAULTS_SHOWN: Final = 100


@dataclass(frozen=True)
class Desk:
    """What the study pages keep beside the services."""

    services: Services
    jobs: Jobs
    shelf: Shelf
    computed: Computed


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.study_desk
    return desk


def show(request: Request, template: str, account: Account, status: int = 200, **values: Any) -> Response:
    """One of the study pages."""
    return page(request, f"study/{template}", account, here="study", status=status, words=WORDS, **values)


def study_page(
    request: Request,
    account: Account,
    study_id: str,
    *,
    at: str = "",
    said: str = "",
    error: MedAssistError | None = None,
    status: int = 0,
    **values: Any,
) -> Response:
    """The page of one study, with what came of something that was tried in the step `at`."""
    services = services_of(request)
    view = View(services.lead, study_id)
    accounts = services.directory.list()
    shown: dict[str, Any] = {
        "typed": typed_arms(view.protocol.arms, view.configs),
        "errors": {},
        "checked": None,
        "invited": None,
        "rater": {},
        "faults": (),
    }
    return show(
        request,
        "study",
        account,
        status or (status_of(error) if error else 200),
        view=view,
        at=at if at in STEPS else "",
        said=said if said in SAID else "",
        told=error.text(language_of(request)) if error else "",
        sources=SOURCES,
        max_arms=MAX_ARMS,
        most_troubles=TROUBLES_SHOWN,
        most_cases=CASES_SHOWN,
        case_columns=COLUMNS,
        most_faults=FAULTS_SHOWN,
        waiting=len(blocked(services.lead, study_id)) if view.is_open else 0,
        accounts={each.id: each for each in accounts},
        approved=names_of(accounts, view.status["approvals"], say("this_computer", language_of(request))),
        mine=account.id in view.status["approvals"],
        is_local=services.settings.auth == "local",
        **(shown | values),
    )


def tried(request: Request, account: Account, study_id: str, at: str, do: Callable[[], str]) -> Response:
    """Do something and go back to the study's page, which says so; or show the page with why it could not be done."""
    try:
        said = do()
    except UnknownStudy:
        raise
    except InputError as error:
        return study_page(request, account, study_id, at=at, error=error)
    return back(study_id, at, said)


def back(study_id: str, at: str, said: str = "") -> Response:
    query = f"?at={at}" + (f"&said={said}" if said else "")
    return RedirectResponse(f"/study/{study_id}{query}#{at}", 303)
