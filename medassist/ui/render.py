"""From events and stored turns to what is shown. Pure; all markup comes from the autoescaped `templates/`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from medassist.compliance import NOTICE, demo_notice
from medassist.deidentify import MASKS
from medassist.differential import Diagnosis, Evidence, Severity, Stage, Warning
from medassist.engines import Engine
from medassist.engines.adapters import Described
from medassist.errors import Language, MedAssistError
from medassist.events import (
    DiagnosisAdded,
    DiagnosisChanged,
    Event,
    FinalDiagnosis,
    Finished,
    Progress,
    Reasoning,
    Reply,
    Section,
    Started,
    Warned,
)
from medassist.parse import AnswerParser
from medassist.prompt import OPENING
from medassist.store import StoredConsultation, StoredTurn
from medassist.store.tables import Kind
from medassist.ui.form import explain
from medassist.ui.words import WORDS, word

Status = Literal["idle", "running", "complete", "stopped", "failed", "interrupted"]

ORDER: Final[tuple[Severity, ...]] = ("emergency", "urgent", "caution", "note")
"""In which order warnings are read."""


@dataclass(frozen=True)
class AnswerView:
    """One answer as far as it is known. `after` folds an event in; `of_turn` reads a kept one."""

    kind: Kind = "diagnosis"
    question: str = ""
    status: Status = "idle"
    progress: Progress | None = None
    reasoning: Reasoning | None = None
    diagnoses: tuple[Diagnosis, ...] = ()
    added: tuple[Diagnosis, ...] = ()  # by the knowledge graph, not the model
    references: tuple[Mapping[str, Any], ...] = ()
    masked: Mapping[str, int] = field(default_factory=dict)
    cached: str = ""  # when the answer was given first, where it comes from the cache
    sections: tuple[tuple[Stage, str], ...] = ()
    final: str = ""
    reply: str = ""
    warnings: tuple[Warning, ...] = ()
    error: MedAssistError | None = None
    case_text: str = ""
    truncated: bool = False
    seconds: float = 0.0
    new_tokens: int = 0
    model: str = ""
    adapter: str | None = None
    prompt_version: str = ""
    knowledge_version: str | None = None
    time: str = ""

    def after(self, event: Event) -> "AnswerView":
        match event:
            case Started():
                return replace(self, status="running")
            case Progress():
                return replace(self, progress=event, seconds=event.seconds, new_tokens=event.new_tokens)
            case Reasoning():
                return replace(self, reasoning=_merged(self.reasoning, event))
            case DiagnosisAdded(diagnosis) | DiagnosisChanged(diagnosis):
                others = [known for known in self.diagnoses if known.rank != diagnosis.rank]
                return replace(self, diagnoses=tuple(sorted([*others, diagnosis], key=lambda known: known.rank)))
            case Section(stage, text):
                return replace(self, sections=tuple({**dict(self.sections), stage: text}.items()))
            case FinalDiagnosis(text):
                return replace(self, final=text)
            case Reply(text):
                return replace(self, reply=text)
            case Warned(warning):
                known_already = warning in self.warnings
                return replace(self, warnings=self.warnings if known_already else (*self.warnings, warning))
            case Finished(status=status, answer=answer):
                return replace(self.with_result(answer), status=status)

    def with_result(self, result: Mapping[str, Any]) -> "AnswerView":
        """Take over what the stored result knows, above what was read from the stream."""
        found: dict[str, Any] = {
            name: result[name]
            for name in ("model", "adapter", "prompt_version", "knowledge_version", "truncated")
            if name in result
        }
        if ranked := result.get("differential"):
            found["diagnoses"] = tuple(Diagnosis.model_validate(item) for item in ranked)
        found["added"] = tuple(Diagnosis.model_validate(item) for item in result.get("added") or ())
        found["references"] = tuple(result.get("references") or ())
        found["masked"] = dict(result.get("masked") or {})
        found["cached"] = str((result.get("cached") or {}).get("at", ""))
        if "warnings" in result:
            found["warnings"] = tuple(Warning.model_validate(item) for item in result["warnings"])
        stages: tuple[Stage, ...] = ("key_examinations", "diagnostic_evidence")
        sections = {stage: "\n".join(result[stage]) for stage in stages if result.get(stage)}
        timing = result.get("timing") or {}
        if self.reasoning and timing.get("reasoning_s"):
            seconds, tokens = timing["reasoning_s"], timing.get("reasoning_tokens") or 0
            found["reasoning"] = replace(self.reasoning, done=True, seconds=seconds, tokens=tokens)
        return replace(
            self,
            **found,
            sections=tuple({**dict(self.sections), **sections}.items()),
            case_text=str(result.get("case_text") or self.case_text),
            final=str(result.get("final_diagnosis") or self.final),
            reply=str(result.get("reply") or self.reply),
            seconds=timing.get("total_s") or self.seconds,
            new_tokens=timing.get("new_tokens") or self.new_tokens,
        )

    @classmethod
    def of_turn(cls, kept: StoredConsultation, turn: StoredTurn) -> "AnswerView":
        """A kept turn. One that is still being written elsewhere counts as interrupted."""
        view = cls(turn.kind, turn.question, case_text=kept.case_text)
        raw = turn.raw.removeprefix(OPENING)
        if turn.kind == "follow_up":
            view = replace(view, reply=raw.rsplit("</think>", 1)[-1].strip())
        else:
            parser = AnswerParser(kept.language, kept.case_text)
            for event in [*parser.push(raw), *parser.close()]:
                view = view.after(event)
        status: Status = "interrupted" if turn.status == "streaming" else turn.status
        return replace(
            view.with_result(turn.result or {}),
            status=status,
            model=turn.model,
            adapter=turn.adapter,
            prompt_version=turn.prompt_version,
            knowledge_version=turn.knowledge_version,
            time=(turn.finished_at or turn.updated_at).strftime("%Y-%m-%d %H:%M UTC"),
        )


def _merged(known: Reasoning | None, event: Reasoning) -> Reasoning:
    """The end of the reasoning, where it comes without figures, keeps the last ones."""
    if known is None or event.seconds or event.tokens:
        return event
    return replace(event, seconds=known.seconds, tokens=known.tokens)


def coalesce(events: Iterable[Event], interval: float, clock: Callable[[], float]) -> Iterator[list[Event]]:
    """The events in groups at least `interval` seconds apart: the first at once, none lost, also when it fails."""
    group, shown = list[Event](), float("-inf")
    try:
        for event in events:
            group.append(event)
            if (now := clock()) - shown >= interval:
                yield group
                group, shown = [], now
    except Exception:
        if group:
            yield group
        raise
    if group:
        yield group


@dataclass(frozen=True)
class Piece:
    """A stretch of the case text and whether it was given for or against a diagnosis."""

    text: str
    mark: Literal["", "for", "against"]


def pieces(text: str, diagnoses: Sequence[Diagnosis]) -> list[Piece]:
    """`text` cut at the spans of the evidence. Where both sides claim a stretch, "for" is shown."""
    marks: list[Literal["", "for", "against"]] = [""] * len(text)
    for diagnosis in diagnoses:
        _paint(marks, diagnosis.evidence_against, "against")
    for diagnosis in diagnoses:
        _paint(marks, diagnosis.evidence_for, "for")
    edges = [0, *(at for at in range(1, len(text)) if marks[at] != marks[at - 1]), len(text)]
    return [Piece(text[a:b], marks[a]) for a, b in pairwise(edges) if b > a]


def _paint(
    marks: list[Literal["", "for", "against"]], evidence: Sequence[Evidence], side: Literal["for", "against"]
) -> None:
    for item in evidence:
        if item.start is not None and item.end is not None and 0 <= item.start < item.end <= len(marks):
            marks[item.start : item.end] = [side] * (item.end - item.start)


# --- Words about a view.


def status_line(view: AnswerView, language: Language) -> str:
    """Where the answer stands, for the eye: changes with every update."""
    if view.status != "running":
        return _word(f"status_{view.status}", language, new_tokens=view.new_tokens, seconds=f"{view.seconds:.1f}")
    progress = view.progress
    if progress is None or (progress.phase == "queued" and not progress.position):
        return word("status_starting", language)
    return _word(
        f"status_{progress.phase}",
        language,
        position=progress.position,
        prompt_tokens=progress.prompt_tokens,
        new_tokens=progress.new_tokens,
        rate=f"{progress.tokens_per_second:.1f}",
        seconds=f"{progress.seconds:.0f}",
    )


def spoken_status(view: AnswerView, language: Language) -> str:
    """Where the answer stands, for a screen reader: changes only when there is something new to hear."""
    if view.status == "running":
        working = view.progress is not None and view.progress.phase == "writing"
        return word("say_working" if working else "say_waiting", language)
    if view.status == "complete":
        return word("say_complete", language)
    return "" if view.status == "idle" else word(f"status_{view.status}", language)


def reasoning_label(view: AnswerView, language: Language) -> str:
    reasoning = view.reasoning
    if reasoning is None or not reasoning.seconds:
        return word("reasoning", language)
    name = "reasoning_done" if reasoning.done or view.status != "running" else "reasoning_running"
    return word(name, language, seconds=f"{reasoning.seconds:.1f}", tokens=reasoning.tokens)


def _word(name: str, language: Language, **values: object) -> str:
    return word(name, language, **values) if name in WORDS else ""


def _to_read(view: AnswerView) -> list[Warning]:
    """The warnings to spell out. That a demonstration model speaks stands above the answer already."""
    return [warning for warning in view.warnings if warning.code != "demo_model"]


# --- Templates.

_TEMPLATES = Environment(
    loader=PackageLoader("medassist.ui"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _render(template: str, language: Language, **values: object) -> str:
    def say(name: str, **places: object) -> str:
        return word(name, language, **places)

    return _TEMPLATES.get_template(f"{template}.html").render(say=say, language=language, **values)


def part(template: str, language: Language, **values: object) -> str:
    """Any other template."""
    return _render(template, language, **values)


def header(engine: Engine, language: Language, page: str = "consult") -> str:
    return _render("header", language, demo=engine.profile.demo, model=engine.model, adapter=engine.adapter, page=page)


def notice(engine: Engine, language: Language) -> str:
    return _render(
        "notice",
        language,
        notice=NOTICE[language],
        demo=demo_notice(language, points=engine.profile.points) if engine.profile.demo else "",
    )


def adapters(installed: Sequence[Described], used: str | None, language: Language) -> str:
    """Markdown: every adapter that is installed, whether it is in use or why it is refused, and its card."""
    parts = []
    for each in installed:
        state = word("adapter_in_use" if each.name == used else "adapter_installed", language)
        told = state if each.refused is None else word("adapter_refused", language, why=each.refused.text(language))
        parts.append(f"**{word('adapter', language)} {each.name}** · {told}\n\n{each.card}")
    return "\n\n---\n\n".join(parts) or word("adapters_none", language)


def heading(name: str, language: Language) -> str:
    return _render("heading", language, name=name)


def alert(error: MedAssistError | None, language: Language) -> str:
    """An error beside what was entered; nothing without one."""
    return _render("alert", language, message=explain(error, language) if error else "")


def remark(message: str, language: Language) -> str:
    """Something to know about the form that is no error."""
    return _render("remark", language, message=message)


def status(view: AnswerView, language: Language) -> str:
    demo = any(warning.code == "demo_model" for warning in view.warnings)
    line, spoken = status_line(view, language), spoken_status(view, language)
    return _render("status", language, view=view, demo=demo, line=line, spoken=spoken)


def warnings(view: AnswerView, language: Language) -> str:
    ordered = sorted(_to_read(view), key=lambda warning: ORDER.index(warning.severity))
    return _render("warnings", language, warnings=ordered)


def reasoning(view: AnswerView, language: Language) -> str:
    return _render("reasoning", language, text=view.reasoning.text if view.reasoning else "")


def answer(view: AnswerView, language: Language) -> str:
    sections = [(stage, text.split("\n")) for stage, text in view.sections if stage != "final_diagnosis" and text]
    numbers = {str(source["id"]): number for number, source in enumerate(view.references, 1)}
    return _render("answer", language, view=view, sections=sections, numbers=numbers)


def case_read(view: AnswerView, language: Language) -> str:
    masked = [(MASKS[kind][language == "zh"], count) for kind, count in view.masked.items() if kind in MASKS]
    return _render("case", language, pieces=pieces(view.case_text, (*view.diagnoses, *view.added)), masked=masked)


def follow_ups(views: Sequence[AnswerView], language: Language) -> str:
    turns = [(view, status_line(view, language), spoken_status(view, language), _to_read(view)) for view in views]
    return _render("follow_ups", language, turns=turns)
