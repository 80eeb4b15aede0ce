"""The consultation page: the case on the left, the answer as it is written on the right, questions below it."""

import asyncio
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, Final

import gradio as gr
from gradio.blocks import Block

from medassist.errors import MedAssistError
from medassist.events import Event
from medassist.intake import clean, read_case
from medassist.services import Services
from medassist.ui import form, render
from medassist.ui.examples import EXAMPLES
from medassist.ui.explaining import Explaining
from medassist.ui.knowledge import build_knowledge_page
from medassist.ui.layout import BUILT_IN, ConsultLayout, Updates, set_language
from medassist.ui.render import AnswerView
from medassist.ui.session import Session, logger
from medassist.ui.words import preferred, word

Given = dict[Block, Any]

DRAFT_PAUSE: Final = 0.7
"""Seconds between two savings of what is being typed."""

QUIET: Final[dict[str, Any]] = {"show_progress": "hidden", "api_visibility": "private"}


def build_consult_page(services: Services, secret: str, ending: threading.Event) -> gr.Blocks:
    """The pages: `/`, and `/knowledge` beside it. `secret` seals what the browser remembers; answers under way break off when `ending` is set."""
    with gr.Blocks(title=word("title", "en"), analytics_enabled=False, fill_width=True) as page:
        _ConsultPage(services, ConsultLayout(services.engine, secret), ending).connect(page)
    with page.route(word("knowledge", "en"), "/knowledge"):
        build_knowledge_page(services, page)
    page.queue(max_size=256, default_concurrency_limit=16, api_open=False)
    return page


class _ConsultPage:
    """What happens on the page. Every handler takes what is on the page and returns what changes."""

    def __init__(self, services: Services, ui: ConsultLayout, ending: threading.Event) -> None:
        self.ui, self.ending = ui, ending
        self.services, self.engine, self.store = services, services.engine, services.store
        self.explaining = Explaining(services, ui.explained, ui.session)
        self.slots = services.settings.max_sessions + 8  # above the engine's own, so that its queue tells the place

    def connect(self, page: gr.Blocks) -> None:
        ui = self.ui
        form_fields = {*ui.fields.values(), ui.note}
        everything: set[Any] = {ui.session, ui.browser, ui.language, ui.question, *form_fields}
        # Without BrowserState among the outputs of handlers that do not change it, nothing is written in the browser.
        outputs: set[Any] = {*ui.worded, *ui.drawn, ui.language, *form_fields, ui.question}
        streaming: dict[str, Any] = {
            "concurrency_limit": self.slots,
            "concurrency_id": "llm",
            "trigger_mode": "once",
            **QUIET,
        }
        at_once: dict[str, Any] = {"queue": False, **QUIET}

        diagnosed = ui.diagnose.click(self.diagnose, everything, {*outputs, ui.browser}, **streaming)
        repeated = ui.again.click(self.diagnose_again, everything, {*outputs, ui.browser}, **streaming)
        asked = gr.on([ui.ask.click, ui.question.submit], self.ask, everything, outputs, **streaming)
        explained = self.explaining.connect(streaming, at_once)
        for run in (diagnosed, repeated, asked):
            settled = run.then(self.settle, everything, outputs, **at_once)
            if self.services.settings.explain == "auto" and run is not asked:
                settled.then(self.explaining.explain, explained.inputs, ui.explained.drawn, **streaming)
        ui.stop.click(None, cancels=[diagnosed, repeated, asked], **at_once).then(
            self.settle, everything, outputs, **at_once
        )
        ui.new.click(self.new_case, everything, {*outputs, ui.browser}, **at_once)
        ui.fill.click(self.fill, everything, {*outputs, ui.ways}, **at_once)
        for name, button in ui.examples.items():
            button.click(self.example(name), everything, outputs, **at_once)
        typing = [component.input for component in form_fields]
        typing += [component.blur for component in form_fields if hasattr(component, "blur")]
        gr.on(typing, self.keep_draft, everything, None, trigger_mode="always_last", **at_once)
        ui.language.input(self.switch, everything, {*outputs, ui.browser}, **at_once)
        ui.language.change(None, ui.language, js=set_language("title"), **at_once)
        loaded = page.load(self.load, everything, {*outputs, ui.browser}, **at_once)
        loaded.then(None, ui.language, js=set_language("title"), **at_once)

    # --- Handlers.

    def diagnose(self, given: Given) -> Iterator[Updates]:
        yield from self._diagnose(given, cached=True)

    def diagnose_again(self, given: Given) -> Iterator[Updates]:
        """Ask the model although the same answer is kept."""
        yield from self._diagnose(given, cached=False)

    def _diagnose(self, given: Given, cached: bool) -> Iterator[Updates]:
        session = self._session(given)
        try:
            case = form.case_of(self._typed(given))
        except MedAssistError as error:
            session.refusal = error
            yield _merged(self._shown(session), self._controls(session))
            return
        events = self.services.consult(case, cached=cached)
        yield from self._stream(session, events, AnswerView())

    def ask(self, given: Given) -> Iterator[Updates]:
        session, question = self._session(given), str(given[self.ui.question] or "").strip()
        if not question or not session.may_ask or session.consultation is None:
            yield self._controls(session)
            return
        events = self.services.follow_up(session.consultation, question)
        for updates in self._stream(session, events, AnswerView("follow_up", question)):
            yield _merged(updates, {self.ui.question: gr.update(value="")})
        if session.unasked:
            yield {self.ui.question: gr.update(value=question)}

    def settle(self, given: Given) -> Updates:
        """Once an answer has ended in whichever way: everything as it is now kept, and the buttons free."""
        session = self._session(given)
        session.wait_until_idle()
        return _merged(self._shown(session), self._controls(session))

    def new_case(self, given: Given) -> Updates:
        session = self._session(given)
        session.forget()
        self._drop_draft(session)
        emptied = {self.ui.note: gr.update(value=""), self.ui.question: gr.update(value=""), self.ui.remark: ""}
        remembered = {self.ui.browser: session.remembered()}
        return _merged(
            self._shown(session), self._controls(session), self._type(form.EMPTY, given), emptied, remembered
        )

    def fill(self, given: Given) -> Updates:
        session = self._session(given)
        note, removed = clean(str(given[self.ui.note] or ""))
        try:
            fields = form.fields_of(read_case(note))
        except MedAssistError as error:
            session.refusal = error
            return self._shown(session)
        session.refusal = None
        self._keep(session, fields)
        said = [word("filled", session.language)]
        if removed:
            kinds = word("join", session.language).join(word(f"kind_{kind}", session.language) for kind in removed)
            said.append(word("cleaned", session.language, kinds=kinds))
        remark = render.remark(" ".join(said), session.language)
        return (
            self._shown(session)
            | self._type(fields, given)
            | {self.ui.ways: gr.update(selected="form"), self.ui.remark: remark}
        )

    def example(self, name: str) -> Callable[[Given], Updates]:
        fields = form.fields_of(EXAMPLES[name])

        def fill_in(given: Given) -> Updates:
            session = self._session(given)
            session.refusal = None
            self._keep(session, fields)
            remark = render.remark(word("synthetic", session.language), session.language)
            return self._shown(session) | self._type(fields, given) | {self.ui.remark: remark}

        return fill_in

    async def keep_draft(self, given: Given) -> None:
        """Runs once at a time in each page, and once more for what was typed meanwhile."""
        await asyncio.sleep(DRAFT_PAUSE)
        note = {"note": given[self.ui.note] or ""}
        await asyncio.to_thread(self._keep, self._session(given), self._typed(given) | note)

    def switch(self, given: Given) -> Updates:
        session = self._session(given)
        session.language = given[self.ui.language]
        return self._worded(session) | {self.ui.browser: session.remembered()}

    def load(self, given: Given, request: gr.Request) -> Updates:
        """A page was opened or reloaded: show again what it showed."""
        session = self._session(given)
        session.recall(given[self.ui.browser], preferred(request.headers.get("accept-language", "")))
        fields, note = dict(form.EMPTY), ""
        try:
            if draft := self.store.draft(session.draft):
                fields, note = form.fields_from(draft), str(draft.get("note", ""))
            kept = session.restore(self.store)
            if kept and not draft:
                fields = form.fields_of(kept.case)
        except MedAssistError as error:
            session.refusal = error
        rest: Updates = {self.ui.browser: session.remembered(), self.ui.language: gr.update(value=session.language)}
        # A box on a tab not yet opened takes a value late, over what is typed by then.
        if note != given[self.ui.note]:
            rest[self.ui.note] = gr.update(value=note)
        shown = self._shown(session) if session.language == BUILT_IN else self._worded(session)
        explained = self.explaining.shown(session, fresh=True)
        return _merged(shown, self._controls(session), self._type(fields, given), rest, explained)

    # --- What changes.

    def _stream(self, session: Session, events: Generator[Event], view: AnswerView) -> Iterator[Updates]:
        shown, known = AnswerView(), session.consultation
        run = session.run(events, view, self.engine, self.store, self.ending)
        try:
            for _ in run:
                updates = _merged(self._shown(session, before=shown), self._controls(session))
                if session.consultation != known:
                    updates[self.ui.browser] = session.remembered()
                    self._drop_draft(session)
                shown, known = session.answer, session.consultation
                yield updates
        finally:
            run.close()
        yield _merged(self._shown(session, before=shown), self._controls(session))

    def _shown(self, session: Session, before: AnswerView | None = None) -> Updates:
        """The answer side, and the errors, as the session has them. `before` is what was shown of this answer."""
        ui, language, view = self.ui, session.language, session.answer
        reasoned = {"visible": bool(view.reasoning and view.reasoning.text), **_unfolding(before, view)}
        return {
            ui.status: render.status(view, language),
            ui.warnings: render.warnings(view, language),
            ui.reasoning_box: gr.update(label=render.reasoning_label(view, language), **reasoned),
            ui.reasoning: render.reasoning(view, language),
            ui.answer: render.answer(view, language),
            ui.again: gr.update(visible=bool(view.cached)),
            ui.case_box: gr.update(visible=bool(view.case_text)),
            ui.case_read: render.case_read(view, language),
            ui.questions: gr.update(visible=session.consultation is not None),
            ui.follow_ups: render.follow_ups(session.follow_ups, language),
            ui.alert: render.alert(session.refusal, language),
            ui.unasked: render.alert(session.unasked, language),
            **self.explaining.shown(session),
        }

    def _controls(self, session: Session) -> Updates:
        ui, running = self.ui, session.running
        free = {
            button: gr.update(interactive=not running)
            for button in (ui.diagnose, ui.again, ui.new, *ui.examples.values())
        }
        asking = {component: gr.update(interactive=session.may_ask) for component in (ui.ask, ui.question)}
        return {**free, **asking, ui.stop: gr.update(interactive=running)}

    def _worded(self, session: Session) -> Updates:
        """Everything that carries words."""
        language = session.language
        rendered = {
            self.ui.header: render.header(self.engine, language),
            self.ui.notice: render.notice(self.engine, language),
            self.ui.adapters: render.adapters(self.ui.installed, self.engine.adapter, language),
            self.ui.examples_title: render.heading("examples", language),
            self.ui.remark: "",
        }
        return _merged(self.ui.relabelled(language), self._shown(session), rendered)

    # --- What is typed.

    def _session(self, given: Given) -> Session:
        session: Session = given[self.ui.session]
        return session

    def _typed(self, given: Given) -> dict[str, object]:
        return {name: given[component] for name, component in self.ui.fields.items()}

    def _type(self, fields: Mapping[str, object], given: Given) -> Updates:
        """Fill in what differs: a box that is told what it holds already misses the next thing typed."""
        changed = {name: component for name, component in self.ui.fields.items() if given[component] != fields[name]}
        return {component: gr.update(value=fields[name]) for name, component in changed.items()}

    def _keep(self, session: Session, fields: dict[str, object]) -> None:
        """Keep what is typed. It is still on the page when that fails, so the log is told and nobody interrupted."""
        try:
            if session.draft:
                self.store.save_draft(session.draft, fields)
        except MedAssistError as error:
            logger.warning("A draft could not be kept: %s", error.code)

    def _drop_draft(self, session: Session) -> None:
        try:
            self.store.drop_draft(session.draft)
        except MedAssistError as error:
            logger.warning("A draft could not be dropped: %s", error.code)


def _merged(*parts: Updates) -> Updates:
    """All changes together; several of one component become one."""
    changes: Updates = {}
    for part in parts:
        for component, change in part.items():
            known = changes.get(component)
            together = isinstance(known, dict) and isinstance(change, dict)
            changes[component] = known | change if known is not None and together else change
    return changes


def _unfolding(before: AnswerView | None, after: AnswerView) -> dict[str, bool]:
    """Unfold the reasoning when it begins and fold it when it ends; in between it stays as the reader has it."""
    was = bool(before and before.reasoning and not before.reasoning.done)
    now = bool(after.status == "running" and after.reasoning and not after.reasoning.done)
    return {"open": now} if before and was != now else {}
