"""The part of the consultation page that explains: which findings drove the list, and what if one were another."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import gradio as gr
from gradio.blocks import Block

from medassist.errors import MedAssistError
from medassist.explain import MOST
from medassist.intake import clean
from medassist.services import Services
from medassist.ui import render_explained as render
from medassist.ui.session import Session, logger
from medassist.ui.words import word
from medassist.units import without

Updates = dict[Block, Any]
Given = dict[Block, Any]
HTML = partial(gr.HTML, apply_default_css=False)
NO_RIVAL: Final = -1
RUNS: Final = 2
"""Explanations at a time; more wait."""


class ExplainLayout:
    """The components. `wear` lets properties follow the language (see `layout`)."""

    def __init__(self, wear: Callable[..., Any]) -> None:
        with gr.Column(visible=False, elem_id="ma-explain") as self.box:
            with gr.Row(elem_id="ma-explain-row"):
                self.start = wear(gr.Button(size="sm", elem_id="ma-explain-start"), value="explain")
                self.stop = wear(gr.Button(size="sm", visible=False, elem_id="ma-explain-stop"), value="explain_stop")
            with gr.Row(visible=False, elem_id="ma-explain-choose") as self.choose:
                self.target = wear(gr.Dropdown([], elem_id="ma-explain-target", min_width=200), label="explain_target")
                self.rival = wear(gr.Dropdown([], elem_id="ma-explain-rival", min_width=200), label="explain_rival")
            self.told = HTML(elem_id="ma-explained")
            with gr.Accordion(open=False, visible=False, elem_id="ma-what-if") as self.what_if:
                self.kept = wear(gr.CheckboxGroup([], elem_id="ma-what-if-kept"), label="what_if_kept")
                self.text = wear(
                    gr.Textbox(lines=4, max_lines=14, elem_id="ma-what-if-text"),
                    label="what_if_text",
                    info="what_if_hint",
                )
                self.moved = HTML(elem_id="ma-what-if-moved")
            wear(self.what_if, label="what_if")

    @property
    def drawn(self) -> set[Block]:
        """What is changed with an answer."""
        return {
            *(self.box, self.start, self.stop, self.choose, self.target, self.rival, self.told),
            *(self.what_if, self.kept, self.text, self.moved),
        }


class Explaining:
    """What happens in this part. Every handler takes what is on the page and returns what changes."""

    def __init__(self, services: Services, ui: ExplainLayout, session: Block) -> None:
        self.services, self.ui, self.session = services, ui, session

    def connect(self, streaming: dict[str, Any], at_once: dict[str, Any]) -> Any:
        """The run of an explanation, for whoever wants to start one."""
        ui = self.ui
        given = {self.session, ui.target, ui.rival, ui.kept, ui.text}
        own = {**streaming, "concurrency_limit": RUNS, "concurrency_id": "explain"}
        started = ui.start.click(self.explain, given, ui.drawn, **own)
        ui.stop.click(self.stop, given, ui.drawn, **at_once)
        gr.on([ui.target.input, ui.rival.input], self.choose, given, ui.drawn, **at_once)
        later = {**at_once, "trigger_mode": "always_last"}
        ui.kept.input(self.cross_out, given, ui.drawn, **later)
        # A box that was just filled in misses the next thing typed: what was pasted is seen when the box is left.
        gr.on([ui.text.input, ui.text.blur], self.edit, given, ui.drawn, **later)
        return started

    # --- Handlers.

    def explain(self, given: Given) -> Iterator[Updates]:
        """Explain the answer on the page, better and better."""
        session = self._session(given)
        if session.running or session.consultation is None or session.explaining:
            yield self.shown(session)
            return
        about, seed = session.consultation, session.explanation.seed + 1 if session.explanation else 0
        session.begin_explaining()
        flag = session.stop_explaining
        try:
            yield self.shown(session)
            made, turn = self.services.explainable(about)
            session.perturbed = made
            for told in self.services.explain(about, seed=seed, ready=(made, turn), stopped=lambda: flag.raised):
                if session.consultation != about:
                    return  # the page has gone on to another case
                session.explanation = told
                yield self.shown(session, fresh=True)
        except MedAssistError as error:
            session.unexplained = error
        except Exception as error:
            session.unexplained = MedAssistError()
            logger.error("An explanation failed unexpectedly: %s", type(error).__name__)  # its text may quote the case
        finally:
            session.explaining = False
        yield self.shown(session, fresh=True)

    def stop(self, given: Given) -> Updates:
        session = self._session(given)
        session.stop_explaining.raised = True
        return {self.ui.stop: gr.update(interactive=False)}

    def choose(self, given: Given) -> Updates:
        """Another candidate, or one over another."""
        session = self._session(given)
        session.target = int(given[self.ui.target] or 0)
        rival = given[self.ui.rival]
        session.rival = None if rival in (None, NO_RIVAL, session.target) else int(rival)
        return self.shown(session)

    def cross_out(self, given: Given) -> Updates:
        """Leave findings out: the text without them, and how the shares move."""
        session = self._session(given)
        told = session.explanation
        if told is None:
            return {}
        kept = {int(each) for each in given[self.ui.kept] or ()}
        text = without(session.answer.case_text, told.units, [number in kept for number in range(len(told.units))])
        return {self.ui.text: gr.update(value=text), **self._moved(session, text)}

    def edit(self, given: Given) -> Updates:
        """Another wording of the case."""
        return self._moved(self._session(given), str(given[self.ui.text] or ""))

    # --- What changes.

    def shown(self, session: Session, fresh: bool = False) -> Updates:
        """The whole part as the session has it; `fresh` fills in the choices of a new explanation."""
        ui, language, told = self.ui, session.language, session.explanation
        view = session.answer
        if view.status == "running":  # many times a second: nothing to explain yet
            return {ui.box: gr.update(visible=False)}
        place = min(session.target, len(told.names) - 1) if told else 0
        changes: Updates = {
            ui.box: gr.update(visible=bool(view.diagnoses)),
            ui.start: gr.update(
                interactive=not session.explaining, value=word("explain_again" if told else "explain", language)
            ),
            ui.stop: gr.update(visible=session.explaining, interactive=session.explaining),
            ui.choose: gr.update(visible=told is not None),
            ui.told: render.explanation(
                told,
                view.case_text,
                place,
                session.rival,
                language,
                running=session.explaining,
                most=MOST,
                error=session.unexplained,
            ),
            ui.what_if: gr.update(visible=told is not None and not session.explaining),
        }
        if told is None:
            return changes
        names = [(name, number) for number, name in enumerate(told.names)]
        nobody = (word("explain_nobody", language), NO_RIVAL)
        rivals = [nobody, *(each for each in names if each[1] != place)]
        changes[ui.target] = gr.update(choices=names, value=place)
        changes[ui.rival] = gr.update(choices=rivals, value=NO_RIVAL if session.rival is None else session.rival)
        if fresh:
            units = [(unit.text, number) for number, unit in enumerate(told.units)]
            changes[ui.kept] = gr.update(choices=units, value=[number for _, number in units])
            changes[ui.text] = gr.update(value=view.case_text)
            changes[ui.moved] = ""
        return changes

    def _moved(self, session: Session, text: str) -> Updates:
        told = session.explanation
        if told is None or session.consultation is None:
            return {}
        try:
            text, _ = clean(text)
            if session.perturbed is None:  # the page was reloaded
                session.perturbed, _ = self.services.explainable(session.consultation)
            before = session.perturbed.what_if(session.answer.case_text)
            now = session.perturbed.what_if(text)
        except MedAssistError as error:
            return {self.ui.moved: render.moved((), (), (), session.language, error)}
        return {self.ui.moved: render.moved(told.names, before, now, session.language)}

    def _session(self, given: Given) -> Session:
        session: Session = given[self.session]
        return session
