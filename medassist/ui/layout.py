"""What stands where on the consultation page, and in which words. Knows no handlers."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, TypeVar

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from medassist.engines import Engine
from medassist.engines.adapters import described
from medassist.errors import LANGUAGES, Language
from medassist.ui import form, render
from medassist.ui.examples import EXAMPLES
from medassist.ui.explaining import ExplainLayout
from medassist.ui.render import AnswerView
from medassist.ui.session import Session
from medassist.ui.words import WORDS, word

Updates = dict[Block, Any]
HTML = partial(gr.HTML, apply_default_css=False)
B = TypeVar("B", bound=Block)

BUILT_IN: Final[Language] = "en"
"""The language of the page before it has heard of its reader."""

FOLDED: Final = ("past_history", "medications", "allergies", "family_history", "social_history")
LINES: Final = {"chief_complaint": 1, "history": 5}
SEXES: Final = ("female", "male", "other", "unknown")


def set_language(title: str) -> str:
    """The script that tells the browser which language the page speaks now; `title` names the word in its tab."""
    titles = json.dumps(WORDS[title], ensure_ascii=False)
    return (
        "(language) => { const page = document.documentElement;"
        " page.lang = language === 'zh' ? 'zh-CN' : 'en'; page.dataset.ready = 'yes';"
        f" document.title = {titles}[language] || document.title; }}"
    )


class ConsultLayout:
    """The components of the page, each with the words it wears."""

    def __init__(self, engine: Engine, secret: str) -> None:
        self.worded: dict[Block, dict[str, str]] = {}  # component → property → name of the word
        self.fields: dict[str, Component] = {}
        self.browser = gr.BrowserState(None, storage_key="medassist", secret=secret)
        self.session = gr.State(Session())
        self.installed = described(engine.model)  # hashes every file of every adapter: once
        with gr.Row(elem_id="ma-header"):
            self.header = HTML(render.header(engine, BUILT_IN), elem_id="ma-title")
            self.language = gr.Radio(
                [(word(f"language_{code}", code), code) for code in LANGUAGES],
                value=BUILT_IN,
                container=False,
                elem_id="ma-language",
                elem_classes="ma-segments",
            )
            self.wear(self.language, label="language")
        self.notice = HTML(render.notice(engine, BUILT_IN), elem_id="ma-notice")
        with gr.Row(elem_id="ma-main"):
            with gr.Column(elem_id="ma-case"):
                self._lay_out_case()
            with gr.Column(elem_id="ma-answer"):
                self._lay_out_answer()
                with gr.Accordion(open=False, elem_id="ma-adapters") as self.adapters_box:
                    self.adapters = gr.Markdown(
                        render.adapters(self.installed, engine.adapter, BUILT_IN), sanitize_html=True
                    )
                self.wear(self.adapters_box, label="adapters")
        for component, words in self.worded.items():
            for name, value in self._dressed(words, BUILT_IN).items():
                setattr(component, name, value)

    def wear(self, component: B, **words: str) -> B:
        """Let properties of the component follow the language: property=name of a word."""
        self.worded[component] = words
        return component

    @property
    def drawn(self) -> set[Block]:
        """What only shows something."""
        return {
            *(self.header, self.notice, self.examples_title, self.remark, self.alert, self.status, self.warnings),
            *(self.reasoning_box, self.reasoning, self.answer, self.case_box, self.case_read),
            *(self.questions, self.follow_ups, self.unasked, self.adapters, *self.examples.values()),
            *self.explained.drawn,
        }

    def relabelled(self, language: Language) -> Updates:
        return {component: gr.update(**self._dressed(words, language)) for component, words in self.worded.items()}

    def _dressed(self, words: Mapping[str, str], language: Language) -> dict[str, Any]:
        dressed: dict[str, Any] = {name: word(called, language) for name, called in words.items()}
        if words.get("label") in ("chief_complaint", "history"):
            dressed["label"] = word("required", language, label=dressed["label"])
        if words.get("label") == "sex":
            dressed["choices"] = [(word(sex, language), sex) for sex in SEXES]
        return dressed

    def _lay_out_case(self) -> None:
        with gr.Tabs(elem_id="ma-ways") as self.ways:
            with gr.Tab(id="form") as tab:
                self.wear(tab, label="form")
                self._lay_out_form()
            # Its children are laid out at once: a box that is mounted late takes what was set meanwhile over what is typed.
            with gr.Tab(id="paste", render_children=True) as tab:
                self.wear(tab, label="paste")
                self.note = self.wear(
                    gr.Textbox(lines=14, max_lines=24, elem_id="ma-note"), label="note", placeholder="note_hint"
                )
                self.fill = self.wear(gr.Button(elem_id="ma-fill"), value="fill")
        with gr.Column(elem_id="ma-foot"):
            self.remark = HTML(elem_id="ma-remark", elem_classes="ma-note")
            self.alert = HTML(elem_id="ma-alert", elem_classes="ma-note")
            with gr.Row(elem_id="ma-actions"):
                self.diagnose = self.wear(gr.Button(variant="primary", elem_id="ma-diagnose"), value="diagnose")
                self.stop = self.wear(gr.Button(interactive=False, elem_id="ma-stop"), value="stop")
                self.new = self.wear(gr.Button(elem_id="ma-new"), value="new_case")

    def _lay_out_form(self) -> None:
        with gr.Row(elem_id="ma-examples"):
            self.examples_title = HTML(render.heading("examples", BUILT_IN))
            self.examples = {name: gr.Button(name, size="sm") for name in EXAMPLES}
        self._text("chief_complaint", placeholder="chief_complaint_hint")
        self._text("history", placeholder="history_hint")
        with gr.Row(elem_classes="ma-person"):
            age = gr.Number(value=None, elem_id="ma-age", min_width=80)
            self.fields["age"] = self.wear(age, label="age", placeholder="age_hint")
            sex = gr.Radio(list(SEXES), value="unknown", elem_classes="ma-segments", elem_id="ma-sex", min_width=200)
            self.fields["sex"] = self.wear(sex, label="sex")
        with gr.Row(elem_classes="ma-vitals"):
            for name in form.VITALS:
                number = gr.Number(
                    value=None, placeholder="–", step=0.1 if name == "temperature_c" else 1, min_width=80
                )
                number.elem_id = f"ma-{name}"
                self.fields[name] = self.wear(number, label=name)
        self._text("examination")
        self._text("investigations")
        with gr.Accordion(open=False, elem_id="ma-background") as background:
            for name in FOLDED:
                self._text(name)
        self.wear(background, label="background")

    def _text(self, name: str, **words: str) -> None:
        box = gr.Textbox(lines=LINES.get(name, 2), max_lines=14, elem_id=f"ma-{name}")
        self.fields[name] = self.wear(box, label=name, **words)

    def _lay_out_answer(self) -> None:
        idle = AnswerView()
        self.status = HTML(render.status(idle, BUILT_IN), elem_id="ma-status")
        self.warnings = HTML(elem_id="ma-warnings")
        with gr.Accordion(open=False, visible=False, elem_id="ma-reasoning") as self.reasoning_box:
            self.reasoning = HTML()
        self.answer = HTML(render.answer(idle, BUILT_IN), elem_id="ma-differential")
        self.again = self.wear(gr.Button(visible=False, size="sm", elem_id="ma-again"), value="again")
        self.explained = ExplainLayout(self.wear)
        with gr.Accordion(open=False, visible=False, elem_id="ma-case-read") as self.case_box:
            self.case_read = HTML()
        self.wear(self.case_box, label="case_read")
        with gr.Column(visible=False, elem_id="ma-follow-up") as self.questions:
            self.follow_ups = HTML()
            self.unasked = HTML(elem_id="ma-unasked")
            with gr.Row(elem_id="ma-ask-row"):
                box = gr.Textbox(lines=1, max_lines=6, scale=4, elem_id="ma-question")
                self.question = self.wear(box, label="follow_up", placeholder="follow_up_hint")
                self.ask = self.wear(gr.Button(scale=1, min_width=90, elem_id="ma-ask"), value="ask")
