"""What one open page shows and what its browser remembers of it."""

import logging
import secrets
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from medassist.engines import Engine
from medassist.errors import LANGUAGES, Language, MedAssistError, UnknownConsultation
from medassist.events import Event, Finished, Started
from medassist.explain import Perturbed
from medassist.explanation import Explanation
from medassist.prompt import PROMPT_VERSION
from medassist.store import Store, StoredConsultation
from medassist.store.tables import Kind
from medassist.ui.render import AnswerView, coalesce

logger = logging.getLogger(__name__)

INTERVAL: Final = 1 / 12
"""Shortest time between two updates of a page, in seconds: more of them only keep the browser busy."""


@dataclass
class Flag:
    """Raised by one thread, seen by another; unlike an event it can be copied with a session."""

    raised: bool = False


@dataclass
class Session:
    """One open page. Its handlers share this object, so that a new language reaches an answer under way."""

    language: Language = "en"
    draft: str = ""  # under which the store keeps what is typed
    consultation: str | None = None
    answer: AnswerView = field(default_factory=AnswerView)
    follow_ups: tuple[AnswerView, ...] = ()
    refusal: MedAssistError | None = None  # why the case was not sent
    unasked: MedAssistError | None = None  # why the question was not
    running: bool = False
    explanation: Explanation | None = None
    perturbed: Perturbed | None = None  # what is weighed when the reader changes the case
    unexplained: MedAssistError | None = None
    explaining: bool = False
    stop_explaining: Flag = field(default_factory=Flag)
    target: int = 0  # the candidate that is explained
    rival: int | None = None  # over which it is

    def begin_explaining(self) -> None:
        self.drop_explanation()
        self.explaining, self.stop_explaining = True, Flag()

    def drop_explanation(self) -> None:
        """What was explained is another answer now; work on it ends."""
        self.stop_explaining.raised = True
        self.explanation = self.perturbed = self.unexplained = None
        self.target, self.rival = 0, None

    @property
    def may_ask(self) -> bool:
        """Whether there is an answer to ask about."""
        return not self.running and self.consultation is not None

    def remembered(self) -> dict[str, str | None]:
        """What the browser keeps: opaque ids and the language, nothing of a patient."""
        return {"consultation": self.consultation, "draft": self.draft, "language": self.language}

    def recall(self, remembered: object, language: Language) -> None:
        """Take over what the browser kept; what is missing or altered is made anew."""
        kept = remembered if isinstance(remembered, dict) else {}
        self.language = known if (known := kept.get("language")) in LANGUAGES else language
        self.draft = known if isinstance(known := kept.get("draft"), str) and known else secrets.token_urlsafe(16)
        self.consultation = known if isinstance(known := kept.get("consultation"), str) else None

    def restore(self, store: Store) -> StoredConsultation | None:
        """Show the remembered consultation as the store has it. Raises `StorageError`."""
        self.answer, self.follow_ups = AnswerView(), ()
        self.drop_explanation()
        if self.consultation is None:
            return None
        store.mark_interrupted()
        try:
            kept = _settled(store, self.consultation)
        except UnknownConsultation:
            self.consultation = None
            return None
        for turn in kept.turns:
            view = AnswerView.of_turn(kept, turn)
            if turn.kind == "diagnosis":
                self.answer, self.follow_ups = view, ()
                told = store.explanation(turn.id)
                self.explanation = Explanation.of_stored(told, kept.case_text) if told else None
            else:
                self.follow_ups += (view,)
        return kept

    def forget(self) -> None:
        """Start afresh, in the same language and browser."""
        self.consultation, self.answer, self.follow_ups = None, AnswerView(), ()
        self.refusal = self.unasked = None
        self.drop_explanation()

    def wait_until_idle(self, patience: float = 3.0) -> None:
        """Wait for an answer that was told to stop."""
        deadline = time.monotonic() + patience
        while self.running and time.monotonic() < deadline:
            time.sleep(0.05)

    def run(
        self, events: Generator[Event], view: AnswerView, engine: Engine, store: Store, ending: threading.Event
    ) -> Generator[None]:
        """Show `events` as they come, pausing after each group. Errors are shown, not raised.

        Leaving stops the model, and so does `ending`. Before the consultation or the question is kept, an error
        leaves everything as it was.
        """
        before = (self.consultation, self.answer, self.follow_ups)
        self.refusal = self.unasked = None
        self.running, started = True, False
        if view.kind == "diagnosis":
            self.consultation, self.follow_ups = None, ()
            self.drop_explanation()
        else:
            self.follow_ups += (view,)
        view = replace(
            view, status="running", model=engine.model, adapter=engine.adapter, prompt_version=PROMPT_VERSION
        )
        self._put(view)
        try:
            yield
            for group in coalesce(events, INTERVAL, time.monotonic):
                for event in group:
                    view = view.after(event)
                    if isinstance(event, Started):
                        started, self.consultation = True, event.consultation_id
                        view = replace(view, case_text=store.get(event.consultation_id).case_text)
                    elif isinstance(event, Finished):
                        view = replace(view, time=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
                if ending.is_set() and view.status == "running":
                    view = replace(view, status="interrupted")
                self._put(view)
                yield
                if view.status == "interrupted":
                    break
        except GeneratorExit:
            self._put(replace(view, status="stopped"))
            raise
        except Exception as error:
            failure = error if isinstance(error, MedAssistError) else MedAssistError()
            if failure is not error:
                logger.error("An answer failed unexpectedly: %s", type(error).__name__)  # its text may quote the case
            if started:
                self._put(replace(view, status="failed", error=failure))
            else:
                self.consultation, self.answer, self.follow_ups = before
                self._refuse(view.kind, failure)
        finally:
            events.close()
            self.running = False

    def _put(self, view: AnswerView) -> None:
        if view.kind == "diagnosis":
            self.answer = view
        else:
            self.follow_ups = (*self.follow_ups[:-1], view)

    def _refuse(self, kind: Kind, error: MedAssistError) -> None:
        if kind == "diagnosis":
            self.refusal = error
        else:
            self.unasked = error


def _settled(store: Store, consultation_id: str, patience: float = 1.5) -> StoredConsultation:
    """The consultation, once the page that was left has had a moment to end its answer."""
    deadline = time.monotonic() + patience
    while True:
        kept = store.get(consultation_id)
        if time.monotonic() > deadline or all(turn.status != "streaming" for turn in kept.turns):
            return kept
        time.sleep(0.1)
