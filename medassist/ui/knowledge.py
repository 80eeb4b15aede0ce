"""The page `/knowledge`: search, a disease with its findings and look-alikes, versions and what changed."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr

from medassist.errors import LANGUAGES, KnowledgeError, Language, MedAssistError
from medassist.knowledge.build import FINDING
from medassist.knowledge.graph import Graph, Hit
from medassist.knowledge.records import Disease
from medassist.knowledge.versions import compare
from medassist.services import Services
from medassist.ui import render
from medassist.ui.layout import set_language
from medassist.ui.words import preferred, word

HTML = partial(gr.HTML, apply_default_css=False)
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
RARE = ("rare_disease", "phenotype")
MOST_DIFFERENCES = 400


def build_knowledge_page(services: Services, page: gr.Blocks) -> None:
    """Lay out and connect the page. What it shows follows from its address: `?disease=`, `?finding=`, `?q=`, `?lang=`."""
    with gr.Row(elem_id="ma-header"):
        header = HTML(render.header(services.engine, "en", "knowledge"), elem_id="ma-title")
        language = gr.Radio(
            [(word(f"language_{code}", code), code) for code in LANGUAGES],
            value="en",
            container=False,
            elem_id="ma-language",
            elem_classes="ma-segments",
        )
    notice = HTML(render.notice(services.engine, "en"), elem_id="ma-notice")
    with gr.Column(elem_id="ma-knowledge"):
        with gr.Row(elem_id="ma-search-row"):
            box = gr.Textbox(lines=1, max_lines=1, elem_id="ma-search")
            button = gr.Button(elem_id="ma-search-button", variant="primary")
        shown = HTML(elem_id="ma-knowledge-shown")
        below = HTML(elem_id="ma-knowledge-below")

    def opened(request: gr.Request) -> dict[Any, Any]:
        asked = dict(request.query_params)
        wanted = preferred(request.headers.get("accept-language", ""))
        return dressed(asked, next((known for known in LANGUAGES if known == asked.get("lang")), wanted))

    def switched(text: str, speaks: Language, request: gr.Request) -> dict[Any, Any]:
        return dressed({**dict(request.query_params), "q": text}, speaks)

    def dressed(asked: dict[str, str], speaks: Language) -> dict[Any, Any]:
        """Everything that carries words."""
        return {
            language: gr.update(value=speaks, label=word("language", speaks)),
            header: render.header(services.engine, speaks, "knowledge"),
            notice: render.notice(services.engine, speaks),
            box: gr.update(
                label=word("search_label", speaks),
                placeholder=word("search_hint", speaks),
                value=asked.get("q", "")[:200],
            ),
            button: gr.update(value=word("search", speaks)),
            shown: _answered(services, asked, speaks),
            below: _below(services, speaks),
        }

    def searched(text: str, speaks: Language) -> str:
        return _answered(services, {"q": text}, speaks)

    everything = {language, header, notice, box, button, shown, below}
    page.load(opened, None, everything, **QUIET)
    language.input(switched, [box, language], everything, **QUIET)
    language.change(None, language, js=set_language("knowledge_title"), **QUIET)
    gr.on([button.click, box.submit], searched, [box, language], shown, **QUIET)


def _answered(services: Services, asked: Mapping[str, str], language: Language) -> str:
    try:
        graph = services.graph()
        if graph is None:
            return render.part("knowledge_off", language)
        if disease := graph.diseases.get(asked.get("disease", "")):
            return disease_page(graph, disease, language)
        if (finding := asked.get("finding", "")) in graph.findings:
            listed = [graph.diseases[name] for name in graph.diseases_with(finding)]
            return render.part("knowledge_finding", language, finding=graph.findings[finding], listed=listed)
        if (term := graph.rare(asked.get("term", "")[:40])) is not None and term[0].kind in RARE:
            return _term_page(graph, term[0], term[1], language)
        text = " ".join(asked.get("q", "").split())[:200]
        if not text:
            return ""
        hits = [(hit, _address(hit.id, hit.kind, language)) for hit in graph.search(text, 40)]
        return render.part("knowledge_results", language, hits=hits)
    except KnowledgeError as error:
        return render.alert(error, language)


def _address(node: str, kind: str, language: Language) -> str:
    if kind == "disease":
        return f"?disease={node}&lang={language}"
    if kind in RARE:
        return f"?term={node}&lang={language}"
    return f"?finding={node.removeprefix(FINDING)}&lang={language}" if kind == "finding" else ""


def disease_page(graph: Graph, disease: Disease, language: Language) -> str:
    """A disease as the graph has it."""
    groups = [
        (f"findings_{name}", [(graph.findings[key], frequency) for key, frequency in group.items()])
        for name, group in (
            ("for", disease.findings.for_),
            ("pathognomonic", disease.findings.pathognomonic),
            ("against", disease.findings.against),
        )
        if group
    ]
    others = [(graph.diseases[each.disease], each.by.of(language)) for each in disease.look_alikes]
    flags = [flag for flag in graph.red_flags if flag.disease == disease.id]
    return render.part(
        "knowledge_disease",
        language,
        disease=disease,
        title=graph.code(disease.icd10) or "",
        groups=groups,
        others=others,
        flags=flags,
        sources=graph.cited(disease.sources),
        drawing=_drawing(graph, disease, language),
    )


def _term_page(graph: Graph, term: Hit, linked: list[Hit], language: Language) -> str:
    """A rare disease with its phenotypes or a phenotype with its rare diseases, as the Human Phenotype Ontology has it."""
    source = next((each for each in graph.sources() if each["name"] == term.source), {})
    rows = [(hit, _address(hit.id, hit.kind, language)) for hit in linked]
    return render.part("knowledge_term", language, term=term, rows=rows, source=source)


WIDTH, HEIGHT, BOX = 760, 300, 34


def _drawing(graph: Graph, disease: Disease, language: Language) -> list[dict[str, Any]]:
    """The disease in the middle and around it what it resembles, or what says that it resembles it."""
    near = [each.disease for each in disease.look_alikes]
    near += [each.id for each in graph.diseases.values() if disease.id in {other.disease for other in each.look_alikes}]
    around = list(dict.fromkeys(name for name in near if name != disease.id))[:6]
    boxes = [_box(disease, WIDTH / 2, HEIGHT / 2, language, centre=True)]
    for at, name in enumerate(around):
        turn = 2 * math.pi * at / len(around) - math.pi / 2 + (math.pi / 4 if len(around) == 2 else 0)
        x, y = WIDTH / 2 + 0.36 * WIDTH * math.cos(turn), HEIGHT / 2 + 0.40 * HEIGHT * math.sin(turn)
        boxes.append(_box(graph.diseases[name], x, y, language))
    return boxes


def _box(disease: Disease, x: float, y: float, language: Language, centre: bool = False) -> dict[str, Any]:
    name = disease.name.of(language)
    longest = 14 if language == "zh" else 27
    shown = name if len(name) <= longest else f"{name[: longest - 1]}…"
    width = 24 + sum(13.5 if ord(char) > 0x2E80 else 7.2 for char in shown)
    x = min(max(x, width / 2 + 4), WIDTH - width / 2 - 4)
    return {
        "id": disease.id,
        "name": shown,
        "x": round(x, 1),
        "y": round(min(max(y, BOX / 2 + 3), HEIGHT - BOX / 2 - 3), 1),
        "width": round(width, 1),
        "centre": centre,
        "danger": disease.cant_miss,
    }


def _below(services: Services, language: Language) -> str:
    """What there is, where it came from, and what changed with the last version."""
    try:
        graph = services.graph()
        if graph is None:
            return ""
        versions = services.knowledge.versions()
        lines = None
        if versions["previous"]:
            lines = list(compare(services.knowledge.version(versions["previous"]), graph))[:MOST_DIFFERENCES]
    except MedAssistError as error:
        return render.alert(error, language)
    return render.part(
        "knowledge_versions", language, counts=graph.counts(), sources=graph.sources(), versions=versions, lines=lines
    )
