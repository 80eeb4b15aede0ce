"""`/study`: where a study lead sets up a blind study, watches it, and ends it. Plain forms; every handler asks who it is."""

from collections.abc import Callable

from fastapi import FastAPI

from medassist.services import Services, answerer
from medassist.study.generate import generate
from medassist.web.study import acting, drafting, leaks, reading, results
from medassist.web.study.desk import Desk
from medassist.web.study.files import Shelf
from medassist.web.study.jobs import Computed, Jobs


def install(app: FastAPI, services: Services) -> Desk:
    """Put the study pages into the application. What is returned is to be closed with it."""

    def write(study_id: str, holder: str, stopped: Callable[[], bool], explained: bool) -> object:
        with answerer(services) as ask:
            return generate(services.lead.studies, study_id, ask, holder=holder, stopped=stopped, explained=explained)

    desk = Desk(services, Jobs(write), Shelf(), Computed())
    app.state.study_desk = desk
    for part in (drafting, results, leaks, acting, reading):  # last what takes any address that is left
        app.include_router(part.router)
    return desk
