"""One answer while it is written: what the engine wrote, what was counted, what it answers, and how it is kept."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from medassist import review
from medassist.audit import Audit
from medassist.case import PatientCase
from medassist.compliance import warn, without_doses
from medassist.differential import Diagnosis, Differential, Stage, Warning
from medassist.engines import Engine, StreamState
from medassist.errors import Language
from medassist.events import (
    DiagnosisAdded,
    DiagnosisChanged,
    Event,
    FinalDiagnosis,
    Finished,
    Progress,
    Reasoning,
    Section,
    Warned,
)
from medassist.ground import Grounding
from medassist.knowledge.graph import Graph
from medassist.prompt import FORMS, Choices, Prompt, reason_lines
from medassist.store import Store

CLOSING = "</think>"
CHECKPOINT_SECONDS = 1.0
"""How much of an answer a crash may cost, at most."""

Outcome = Literal["complete", "stopped", "failed"]


@dataclass
class Turn:
    """One answer while it is written: what the engine wrote, what was counted, and how it is kept."""

    store: Store
    engine: Engine
    id: str
    consultation_id: str
    raw: str = ""
    result: dict[str, object] = field(default_factory=dict)
    audit: Audit | None = None
    who: str = "local"
    warnings: list[Warning] = field(default_factory=list)
    truncated: bool = False
    began: float = field(default_factory=time.monotonic)
    first_token: float | None = None
    prompt_tokens: int = 0
    new_tokens: int = 0
    reasoned: Reasoning | None = None  # the reasoning with its figures, once it has ended
    writing_since: float | None = None
    checkpointed: float = field(default_factory=time.monotonic)

    @classmethod
    def begin(
        cls,
        store: Store,
        engine: Engine,
        consultation_id: str,
        prompt: Prompt,
        graph: Graph | None,
        audit: Audit | None,
        who: str,
        **what: Any,
    ) -> "Turn":
        profile, version = engine.profile, graph.version if graph else None
        if audit is not None:  # first, so that nothing is answered that the trail does not know of
            about = {"engine": engine.name, "model": engine.model, "adapter": engine.adapter, "knowledge": version}
            audit.record(who, f"{what['kind']}.begun", consultation_id, new=about)
        turn_id = store.begin_turn(
            consultation_id,
            engine=engine.name,
            model=engine.model,
            adapter=engine.adapter,
            prompt_version=prompt.version,
            knowledge_version=version,
            decoding={name: getattr(profile, name) for name in profile.__dataclass_fields__},
            prompt="\n\n".join((prompt.system, *(text for _, text in prompt.messages))),
            **what,
        )
        return cls(store, engine, turn_id, consultation_id, audit=audit, who=who)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def warned(self, warning: Warning) -> Warned:
        self.warnings.append(warning)
        return Warned(warning)

    def run(self, events: Iterator[Event], cache_as: str | None = None) -> Iterator[Event]:
        """Pass the events on; whatever happens, keep what was written and how it ended."""
        outcome: Outcome = "failed"
        try:
            yield from events
            outcome = "complete"
        except GeneratorExit:
            outcome = "stopped"
            raise
        finally:
            self.result |= self._frame()
            self.store.finish_turn(self.id, outcome, self.raw, self.result)
            self._note_end(outcome)
        if cache_as is not None and self.result.get("differential") and not self.truncated:
            self.store.cache(cache_as, self.id)
        yield Finished(self.consultation_id, self.id, outcome, self.result)

    def _note_end(self, outcome: Outcome) -> None:
        if self.audit is not None:
            added: Any = self.result.get("added", [])
            decided = {
                "status": outcome,
                "rules": [warning.rule for warning in self.warnings],
                "added": [str(each["node"]) for each in added],
            }
            self.audit.record(self.who, "answer.ended", self.consultation_id, new=decided)

    def write(self, prompt: Prompt, budget: int, stop: tuple[str, ...] = ()) -> Iterator[tuple[str, StreamState]]:
        """Let the engine go on with the prompt: pieces of text and where the stream stands, "" while waiting."""
        stream = self.engine.stream(prompt, max_new_tokens=budget, stop=stop)
        before = self.new_tokens
        try:
            for piece in stream:
                self._note(piece, stream.state, before)
                yield piece, stream.state
        finally:
            stream.close()
            self._note("", stream.state, before)

    def _note(self, piece: str, state: StreamState, before: int) -> None:
        self.prompt_tokens = self.prompt_tokens or state.prompt_tokens
        self.new_tokens = before + state.new_tokens
        if piece:
            self.raw += piece
            self.first_token = self.first_token if self.first_token is not None else self.seconds
            self.writing_since = self.writing_since or time.monotonic()
        if (now := time.monotonic()) - self.checkpointed >= CHECKPOINT_SECONDS:
            self.checkpointed = now
            self.store.checkpoint(self.id, self.raw)

    def progress(self, state: StreamState) -> Progress:
        writing = time.monotonic() - self.writing_since if self.writing_since else 0.0
        rate = self.new_tokens / writing if writing > 0.2 else 0.0
        phase = "writing" if self.new_tokens and not state.position else state.phase  # between two parts: no step back
        return Progress(phase, state.position, state.prompt_tokens, self.new_tokens, rate, self.seconds)

    def cut(self, language: Language, what: str, what_zh: str) -> Warned:
        self.truncated = True
        return self.warned(warn("answer.truncated", language, what=what, what_zh=what_zh))

    def _frame(self) -> dict[str, object]:
        return {
            "warnings": [warning.model_dump(mode="json") for warning in self.warnings],
            "truncated": self.truncated,
            "timing": {
                "first_token_s": self.first_token,
                "total_s": self.seconds,
                "prompt_tokens": self.prompt_tokens,
                "new_tokens": self.new_tokens,
                "reasoning_s": self.reasoned.seconds if self.reasoned else None,
                "reasoning_tokens": self.reasoned.tokens if self.reasoned else None,
            },
        }


@dataclass(frozen=True)
class Head:
    """What one answer is an answer to."""

    turn: Turn
    prompt: Prompt
    case: PatientCase  # without identifiers
    case_text: str
    language: Language
    top_k: int
    found: Grounding | None
    masked: Mapping[str, int]

    def choices(self) -> Choices:
        """What a constrained model may choose from."""
        diseases = self.found.diseases if self.found else []
        tests = [each.test.of(self.language) for disease in diseases for each in disease.examinations]
        return Choices.of(self.language, [disease.name.of(self.language) for disease in diseases], tests)

    def mapped(self, event: Event) -> Event:
        """A diagnosis as it arrives, with what the knowledge graph knows of it."""
        match event:
            case DiagnosisAdded(diagnosis):
                return DiagnosisAdded(review.mapped(diagnosis, self.found, self.language))
            case DiagnosisChanged(diagnosis):
                return DiagnosisChanged(review.mapped(diagnosis, self.found, self.language))
            case Section(stage, text):
                return Section(stage, without_doses(text, self.language))
            case FinalDiagnosis(text):
                return FinalDiagnosis(without_doses(text, self.language))
            case _:
                return event

    def answer(self, read: Differential, reasoning: str, added: Sequence[Diagnosis] = ()) -> dict[str, object]:
        """The stored answer."""
        turn, found = self.turn, self.found
        return {
            "consultation_id": turn.consultation_id,
            "engine": turn.engine.name,
            "model": turn.engine.model,
            "adapter": turn.engine.adapter,
            "language": self.language,
            "prompt_version": self.prompt.version,
            "knowledge_version": found.graph.version if found else None,
            "case_text": self.case_text,
            "reasoning": without_doses(reasoning, self.language),
            "differential": [diagnosis.model_dump(mode="json") for diagnosis in read.diagnoses[: self.top_k]],
            "key_examinations": list(read.key_examinations),
            "diagnostic_evidence": list(read.diagnostic_evidence),
            "final_diagnosis": read.final_diagnosis,
            "added": [diagnosis.model_dump(mode="json") for diagnosis in added],
            "candidates": [each.disease for each in found.given] if found else [],
            "references": review.cited_by([*read.diagnoses, *added], found),
            "masked": dict(self.masked),
            "cached": None,
        }


def written(read: Differential, language: Language) -> str:
    """A differential in the form in which a model would have written it."""
    form = FORMS[language]
    lines = [form.process, form.initial_differential]
    for each in read.diagnoses:
        lines += [f"{each.rank}) {each.name}", *reason_lines(form, each)]
    lines += [form.key_examinations, *(f"- {each}" for each in read.key_examinations)]
    lines += [form.diagnostic_evidence, *(f"- {each}" for each in read.diagnostic_evidence)]
    return "\n".join([*lines, form.final_diagnosis, read.final_diagnosis])


def told_at_once(result: Mapping[str, Any]) -> Iterator[Event]:
    """The parts of an answer that is whole already."""
    for item in result.get("differential", []):
        yield DiagnosisAdded(Diagnosis.model_validate(item))
    stages: tuple[Stage, ...] = ("key_examinations", "diagnostic_evidence")
    for stage in stages:
        if result.get(stage):
            yield Section(stage, "\n".join(result[stage]))
    if result.get("final_diagnosis"):
        yield FinalDiagnosis(str(result["final_diagnosis"]))
