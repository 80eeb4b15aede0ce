"""The report of a study: one self-contained page, in English or Chinese, and the same as a PDF."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from medassist.errors import CannotPrint, Language
from medassist.statistics import Note
from medassist.study import wording
from medassist.study.analysis import Analysis
from medassist.study.checklists import decide, tripod
from medassist.study.figures import BY, LANGUAGES, figures
from medassist.study.instrument import CANNOT_JUDGE, CANNOT_JUDGE_LABEL
from medassist.study.references import Citations

TEMPLATES = Path(__file__).parent / "templates"

_environment = Environment(
    loader=PackageLoader("medassist.study", "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Footnotes:
    """The notes under a table: one letter for each text."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._texts: list[str] = []

    def __call__(self, note: Note) -> Markup:
        """The mark of `note`, nothing where there is none."""
        if not note:
            return Markup("")
        text = note.text(self._language)
        if text not in self._texts:
            self._texts.append(text)
        return Markup("<sup>{}</sup>").format(self._mark(self._texts.index(text)))

    def take(self) -> list[tuple[str, str]]:
        """The notes since the last call, with their marks."""
        found = [(self._mark(place), text) for place, text in enumerate(self._texts)]
        self._texts = []
        return found

    @staticmethod
    def _mark(place: int) -> str:
        return chr(ord("a") + place) if place < 26 else str(place)


def report_html(analysis: Analysis, language: Language) -> str:
    """One file that asks nothing of the network. The same analysis gives the same text."""
    say = wording.Say(language)
    return _environment.get_template("report.html").render(
        a=analysis,
        language=language,
        t=say,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        figures=_figures(analysis, language),
        note=Footnotes(language),
        cite=Citations(),
        tripod=tripod(analysis, language),
        decide=decide(analysis, language),
        measure=wording.percent if analysis.primary.measure == "acceptance" else wording.points,
        group=_group_name(say),
        by_names=BY,
        groups=[(each.by, each.value) for each in analysis.arms[0].subgroups],
        item=_items(analysis),
        label=_code_name(analysis, say),
        pretty=lambda config: json.dumps(config, ensure_ascii=False, indent=1, sort_keys=True),
        **_forms(),
    )


def _forms() -> dict[str, Callable[..., str]]:
    names = ("moment", "percent", "points", "decimal", "probability", "seconds", "ends", "with_ends")
    return {name: getattr(wording, name) for name in names}


def _figures(analysis: Analysis, language: Language) -> dict[str, list[dict[str, Any]]]:
    made = figures(analysis, language)
    return {
        name: [{"title": each.title, "svg": Markup(each.svg)} for each in parts]  # noqa: S704 - drawn by us, labels escaped
        for name, parts in made.items()
    }


def _group_name(say: wording.Say) -> Callable[[str, str], str]:
    def name(by: str, value: str) -> str:
        if by == "language":
            return say(*LANGUAGES.get(value, (value, value)))
        return value or say("(none)", "（无）")

    return name


def _items(analysis: Analysis) -> Callable[[str], list[tuple[str, Any]]]:
    """Arm name and result for every arm, of one item; nothing where the instrument lacks it."""

    def of(wanted: str) -> list[tuple[str, Any]]:
        return [(arm.name, item) for arm in analysis.arms for item in arm.items if item.id == wanted]

    return of


def _code_name(analysis: Analysis, say: wording.Say) -> Callable[[str, str], str]:
    def name(item: str, code: str) -> str:
        if code == CANNOT_JUDGE:
            return say(CANNOT_JUDGE_LABEL.en, CANNOT_JUDGE_LABEL.zh)
        return analysis.codes.get(item, {}).get(code, Note(code, code)).text(say.language)

    return name


# --- PDF.


def report_pdf(html: str) -> bytes:
    """`html` on A4. Raises `CannotPrint` where the library that sets type cannot be loaded."""
    try:
        from weasyprint import HTML  # it loads pango on import, which a system may lack
    except (ImportError, OSError):
        raise CannotPrint(
            reason="WeasyPrint or the system's Pango is missing (libpango-1.0-0, libpangoft2-1.0-0, libharfbuzz-subset0).",
            reason_zh="缺少 WeasyPrint 或系统的 Pango（libpango-1.0-0、libpangoft2-1.0-0、libharfbuzz-subset0）。",
        ) from None
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it tells of every property of a figure that it skips
    made: bytes = HTML(string=html, url_fetcher=_fetch_nothing).write_pdf()
    return made


def _fetch_nothing(url: str, *_: object, **__: object) -> Any:
    raise ValueError("a report asks nothing of the network")
