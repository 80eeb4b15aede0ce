"""One consultation: the whole way from a case to a stored answer, in the order the data flows. Knows nothing of a UI."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from medassist import review
from medassist.audit import Audit
from medassist.case import PatientCase
from medassist.compliance import (
    require_case,
    require_clinician,
    warn,
    warn_cleaned,
    without_doses,
    without_markup,
)
from medassist.deidentify import deidentify, deidentify_question
from medassist.differential import Diagnosis, Differential, Stage, Warning
from medassist.engines import Engine, StreamState
from medassist.errors import CaseTooLong, EngineError, InputError, InvalidCase, Language, MedAssistError, ParseError
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
from medassist.ground import Grounding, ground, look_up
from medassist.intake import clean, clean_case
from medassist.knowledge.graph import Graph
from medassist.parse import AnswerParser
from medassist.prompt import (
    FORMS,
    OPENING,
    Choices,
    Prompt,
    answer_opening,
    choice_grammar,
    diagnosis_grammar,
    diagnosis_prompt,
    final_opening,
    follow_up_prompt,
    reason_lines,
    reasoning_grammar,
    reply_grammar,
    stages_grammar,
)
from medassist.store import Store, StoredTurn

CLOSING = "</think>"
CHECKPOINT_SECONDS = 1.0
"""How much of an answer a crash may cost, at most."""

Outcome = Literal["complete", "stopped", "failed"]


def consult(
    case: PatientCase,
    *,
    engine: Engine,
    store: Store,
    graph: Graph | None = None,
    audit: Audit | None = None,
    language: Language | None = None,
    top_k: int = 5,
    cached: bool = True,
    shuffle: int | None = None,
    without: Sequence[str] = (),
    who: str = "local",
) -> Generator[Event, None, None]:
    """Stream the consultation of `case` in `language` (its own when None), at most `top_k` diagnoses.

    `graph` grounds and checks the answer; None asks the model alone. `cached` lets the same question be answered as
    before. `shuffle` reorders the candidates in the prompt, `without` withholds some: for evaluations. `who` is
    written into the audit trail.

    Raises a `MedAssistError` at the step that fails; before `Started` nothing is kept, after it the partial answer
    is. Closing the generator stops the engine within one token and keeps the partial answer as "stopped".
    """
    case, removed = clean_case(case)
    case = without_markup(case)
    _require_scope(case, audit, who)
    language = language or case.written_in
    safe = deidentify(case)  # nothing below reads the case itself
    case_text = safe.case.text()
    found = look_up(graph, safe.case, case_text) if graph is not None else None
    yield from _loaded(engine)
    if engine.name == "knowledge" and found is None:
        raise EngineError(
            reason="it ranks by the knowledge graph, which is switched off.",
            reason_zh="该引擎依赖知识图谱，而知识图谱已关闭。",
        )
    prompt, found = _asked(engine, case_text, language, top_k, found, shuffle, without)
    key = _key(engine, prompt, case_text, language, top_k, graph)
    before = store.cached(key) if cached else None

    consultation_id = store.create(case, case_text, language)
    turn = _Turn.begin(store, engine, consultation_id, prompt, graph, audit, who, kind="diagnosis", question="")
    yield Started(consultation_id, turn.id)
    for warning in (*_first_warnings(engine, language, removed), *review.before(safe, case_text, found, language)):
        yield turn.warned(warning)
    head = _Head(turn, prompt, safe.case, case_text, language, top_k, found, safe.counts)
    if before is not None:
        yield from turn.run(_again(turn, before))
        return
    yield from turn.run(_rank_alone(turn, head) if engine.name == "knowledge" else _diagnose(turn, head), cache_as=key)


def follow_up(
    consultation_id: str,
    question: str,
    *,
    engine: Engine,
    store: Store,
    graph: Graph | None = None,
    audit: Audit | None = None,
    language: Language | None = None,
    who: str = "local",
) -> Generator[Event, None, None]:
    """Stream the reply to a further question in a kept consultation. Errors and closing as for `consult`."""
    question, removed = clean(question)
    if not question.strip():
        raise InvalidCase(where="question", reason="is empty.", reason_zh="问题为空。")
    if engine.name == "knowledge":
        raise EngineError(
            reason="the knowledge graph ranks and cannot answer questions.",
            reason_zh="知识图谱只能排序，不能回答问题。",
        )
    kept = store.get(consultation_id)
    language = language or kept.language
    answer, exchanges = _so_far(kept.turns)
    asked = without_markup(PatientCase(chief_complaint=question.strip(), history="")).chief_complaint
    asked = deidentify_question(kept.case, asked)
    prompt = follow_up_prompt(kept.case_text, language, answer, exchanges, asked)
    yield from _loaded(engine)
    _require_room(engine, prompt, empty=follow_up_prompt("", language, "", (), ""))
    turn = _Turn.begin(store, engine, consultation_id, prompt, graph, audit, who, kind="follow_up", question=asked)
    yield Started(consultation_id, turn.id)
    for warning in _first_warnings(engine, language, removed):
        yield turn.warned(warning)
    named = [str(item["name"]) for item in _listed(kept.turns)]
    tests = [str(test) for item in _listed(kept.turns) for test in item["next_tests"]]
    yield from turn.run(_reply(turn, prompt, kept.case, kept.case_text, language, Choices.of(language, named, tests)))


def _require_scope(case: PatientCase, audit: Audit | None, who: str) -> None:
    """Refuse what is no clinician's case; the refusal is a decision, and is kept as one."""
    try:
        require_clinician(case)
        require_case(case)
    except InputError as refusal:
        if audit is not None:
            audit.record(who, "case.refused", "", new={"rule": refusal.code})
        raise


def _asked(
    engine: Engine,
    case_text: str,
    language: Language,
    top_k: int,
    found: Grounding | None,
    shuffle: int | None,
    without: Sequence[str],
) -> tuple[Prompt, Grounding | None]:
    """The prompt, with as much of the knowledge base as its budget and the model's context have room for."""
    bare = diagnosis_prompt(case_text, language, top_k)
    room = _require_room(engine, bare, empty=diagnosis_prompt("", language, top_k))
    if found is None:
        return bare, None
    budget = min(room, engine.profile.knowledge_tokens) + engine.count_tokens(bare)

    def fits(text: str) -> bool:
        return engine.count_tokens(diagnosis_prompt(case_text, language, top_k, text)) <= budget

    found = ground(found, language, fits=fits, seed=shuffle, without=without)
    return diagnosis_prompt(case_text, language, top_k, found.text), found


def _key(engine: Engine, prompt: Prompt, case_text: str, language: Language, top_k: int, graph: Graph | None) -> str:
    """What makes two questions the same: case, model, adapter, prompt, knowledge version, decoding."""
    asked = [
        *(case_text, language, top_k, engine.name, engine.model, engine.adapter, prompt.version, prompt.system),
        *(prompt.messages, graph.version if graph else None, asdict(engine.profile)),
    ]
    return hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()


def _loaded(engine: Engine) -> Iterator[Event]:
    """Wait for the model, saying so twice a second."""
    if engine.ready:
        return
    began, failure = time.monotonic(), list[MedAssistError]()

    def load() -> None:
        try:
            engine.load()
        except MedAssistError as error:
            failure.append(error)

    worker = threading.Thread(target=load, daemon=True)
    worker.start()
    while worker.is_alive():
        yield Progress("loading", seconds=time.monotonic() - began)
        worker.join(0.25)
    if failure:
        raise failure[0]


def _require_room(engine: Engine, prompt: Prompt, empty: Prompt) -> int:
    """Refuse a case that leaves the answer no room, with the count and the limit; nothing is ever cut silently.

    Returns how many tokens are left over.
    """
    instructions = engine.count_tokens(empty)
    count = engine.count_tokens(prompt) - instructions
    # 64 tokens: the headings that are set for the model between the parts of its answer.
    limit = engine.context_tokens - instructions - engine.profile.think_tokens - engine.profile.answer_tokens - 64
    if count > limit:
        raise CaseTooLong(count=count, unit="tokens", unit_zh="个词元（token）", limit=max(0, limit))
    return limit - count


def _first_warnings(engine: Engine, language: Language, removed: tuple[str, ...]) -> list[Warning]:
    warnings = [warn("demo.model", language)] if engine.profile.demo else []
    if engine.name == "knowledge":
        warnings.append(warn("engine.knowledge", language))
    return warnings + ([warn_cleaned(removed, language)] if removed else [])


def _listed(turns: Sequence[StoredTurn]) -> list[Mapping[str, Any]]:
    """The diagnoses of the latest list."""
    results = [turn.result for turn in turns if turn.kind == "diagnosis" and turn.result]
    listed: Any = results[-1].get("differential", []) if results else []
    return list(listed)


def _so_far(turns: Sequence[Any]) -> tuple[str, list[tuple[str, str]]]:
    """The differential as given, without its reasoning, and the (question, reply) pairs since."""
    answer, exchanges = "", list[tuple[str, str]]()
    for turn in turns:
        text = turn.raw.rsplit(CLOSING, 1)[-1].strip()
        if turn.kind == "diagnosis":
            answer, exchanges = text, []
        elif text:
            exchanges.append((turn.question, text))
    return answer, exchanges


@dataclass
class _Turn:
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
    ) -> "_Turn":
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
class _Head:
    """What one answer is an answer to."""

    turn: _Turn
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


def _again(turn: _Turn, before: StoredTurn) -> Iterator[Event]:
    """The same answer as before, from the cache, and said to be so."""
    kept: dict[str, Any] = dict(before.result or {})
    at = (before.finished_at or before.updated_at).strftime("%Y-%m-%d %H:%M UTC")
    turn.raw, turn.prompt_tokens = before.raw, kept.get("timing", {}).get("prompt_tokens", 0)
    turn.result = {**kept, "consultation_id": turn.consultation_id, "cached": {"turn": before.id, "at": at}}
    known = {warning.rule for warning in turn.warnings}
    if reasoning := str(kept.get("reasoning", "")):
        yield Reasoning(reasoning, True)
    yield from _told_at_once(kept)
    for item in kept.get("warnings", []):
        if (warning := Warning.model_validate(item)).rule not in known:
            yield turn.warned(warning)


def _told_at_once(result: Mapping[str, Any]) -> Iterator[Event]:
    """The parts of an answer that is whole already."""
    for item in result.get("differential", []):
        yield DiagnosisAdded(Diagnosis.model_validate(item))
    stages: tuple[Stage, ...] = ("key_examinations", "diagnostic_evidence")
    for stage in stages:
        if result.get(stage):
            yield Section(stage, "\n".join(result[stage]))
    if result.get("final_diagnosis"):
        yield FinalDiagnosis(str(result["final_diagnosis"]))


def _rank_alone(turn: _Turn, head: _Head) -> Iterator[Event]:
    """The knowledge graph's own ranking; no model has a part in it."""
    assert head.found is not None
    read = review.from_graph(head.found, head.case_text, head.language, head.top_k)
    turn.raw = _written(read, head.language)
    turn.first_token = turn.seconds
    reviewed = review.of_answer(read, "", head.case, head.case_text, head.found, head.language)
    turn.result = head.answer(read, "", reviewed.added)
    yield from _told_at_once(turn.result)
    for warning in reviewed.warnings:
        yield turn.warned(warning)


def _written(read: Differential, language: Language) -> str:
    """A differential in the form in which a model would have written it."""
    form = FORMS[language]
    lines = [form.process, form.initial_differential]
    for each in read.diagnoses:
        lines += [f"{each.rank}) {each.name}", *reason_lines(form, each)]
    lines += [form.key_examinations, *(f"- {each}" for each in read.key_examinations)]
    lines += [form.diagnostic_evidence, *(f"- {each}" for each in read.diagnostic_evidence)]
    return "\n".join([*lines, form.final_diagnosis, read.final_diagnosis])


def _diagnose(turn: _Turn, head: _Head) -> Iterator[Event]:
    """Reason, then answer, then (for a constrained model) choose; each part with a budget of its own."""
    parser = AnswerParser(head.language, head.case_text)
    reasoning, settled = "", False
    reviewed = review.Reviewed(Differential(diagnoses=()), (), ())
    try:
        for event in _reason(turn, head.prompt, head.case_text, head.language, head.choices()):
            if isinstance(event, Reasoning):
                reasoning = event.text
            yield event
        opening = answer_opening(head.language, reasoning)
        turn.raw = opening
        parser.push(opening.removeprefix(OPENING))
        whole = yield from _answer(turn, parser, head)
        if settled := whole or not parser.diagnoses:
            yield from _within(parser.close(), head)
    finally:
        read = _read(parser, head.top_k, settled)
        written = turn.raw.rsplit(CLOSING, 1)[-1]
        reviewed = review.of_answer(read, written, head.case, head.case_text, head.found, head.language)
        turn.result = head.answer(reviewed.differential, reasoning, reviewed.added)
    for warning in reviewed.warnings:
        yield turn.warned(warning)
    if not turn.result["differential"]:
        yield turn.warned(warn("answer.unparsed", head.language))


def _reason(turn: _Turn, prompt: Prompt, case_text: str, language: Language, choices: Choices) -> Iterator[Event]:
    """The reasoning part, up to its end or its budget."""
    profile = turn.engine.profile
    if not profile.think_tokens:
        return
    grammar = reasoning_grammar(language, case_text, choices) if profile.constrained else None
    asked = prompt.continued(OPENING, grammar)
    turn.raw = OPENING
    state, text, began = None, "", turn.seconds
    for piece, state in turn.write(asked, profile.think_tokens, stop=(CLOSING,)):
        yield turn.progress(state)
        if piece:
            text += piece
            yield Reasoning(_shown(text, language).strip(), False, turn.seconds - began, turn.new_tokens)
    turn.reasoned = Reasoning(without_doses(text, language).strip(), True, turn.seconds - began, turn.new_tokens)
    yield turn.reasoned
    if state is not None and state.finish_reason == "length":
        yield turn.cut(language, "reasoning", "推理部分")


_MAY_BECOME_DOSE = re.compile(r"[A-Za-z]*\s?\d[\d.,]*[^。.\n]{0,12}$")


def _shown(text: str, language: Language) -> str:
    """What of a text under way may be shown: without doses, and without what may be growing into one."""
    return without_doses(_MAY_BECOME_DOSE.sub("", text), language)


def _answer(turn: _Turn, parser: AnswerParser, head: _Head) -> Generator[Event, None, bool]:
    """The answer part from the first diagnosis on, ended where the model runs on into another turn.

    Returns whether it came to its end, within its budget.
    """
    if turn.engine.profile.constrained:
        return (yield from _constrained(turn, parser, head))
    state = None
    for piece, state in turn.write(head.prompt.continued(turn.raw), turn.engine.profile.answer_tokens):
        yield turn.progress(state)
        yield from _within(parser.push(piece), head)
        if parser.ended:
            break
    if state is not None and state.finish_reason == "length":
        yield turn.cut(head.language, "answer", "回答部分")
        return False
    return True


def _constrained(turn: _Turn, parser: AnswerParser, head: _Head) -> Generator[Event, None, bool]:
    """The answer of a model that is held to the form: a diagnosis at a time, none of them twice."""
    language, choices, budget = head.language, head.choices(), turn.engine.profile.answer_tokens
    listed = min(MOST_LISTED, head.top_k, len(choices.names))
    for rank in range(1, listed + 1):
        if rank > 1:
            turn.raw += f"{rank}) "
            yield from _within(parser.push(f"{rank}) "), head)
        left = choices.without([diagnosis.name for diagnosis in parser.diagnoses if diagnosis.rank < rank])
        grammar = diagnosis_grammar(language, head.case_text, left, rank)
        if not (yield from _part(turn, parser, head, grammar, budget)):
            return False
    if not (yield from _part(turn, parser, head, stages_grammar(language, head.case_text, choices), budget)):
        return False
    opening = final_opening(language)
    turn.raw += opening
    yield from _within(parser.push(opening), head)
    grammar = choice_grammar([diagnosis.name for diagnosis in parser.diagnoses])
    return (yield from _part(turn, parser, head, grammar, 64))


MOST_LISTED = 5
"""How many diagnoses a constrained model lists at most."""


def _part(turn: _Turn, parser: AnswerParser, head: _Head, grammar: str, budget: int) -> Generator[Event, None, bool]:
    """One part of a constrained answer; whether it came to its end within the budget."""
    state = None
    for piece, state in turn.write(head.prompt.continued(turn.raw, grammar), budget):
        yield turn.progress(state)
        yield from _within(parser.push(piece), head)
    if state is not None and state.finish_reason == "length":
        yield turn.cut(head.language, "answer", "回答部分")
        return False
    return True


def _within(events: Sequence[Any], head: _Head) -> Iterator[Event]:
    """Events of the first diagnoses, as many as are wanted; the reasoning was told already."""
    for event in events:
        diagnosis = getattr(event, "diagnosis", None)
        if not isinstance(event, Reasoning) and (diagnosis is None or diagnosis.rank <= head.top_k):
            yield head.mapped(event)


def _read(parser: AnswerParser, top_k: int, settled: bool) -> Differential:
    """What the answer says, as far as it can be read; half a line of one that is not `settled` names nothing."""
    listed = parser.diagnoses
    try:
        read = parser.result()
    except ParseError:
        read = Differential(diagnoses=())
    if not settled:
        half = parser.text.endswith(read.final_diagnosis)
        read = read.model_copy(update={"diagnoses": listed, "final_diagnosis": "" if half else read.final_diagnosis})
    return read.model_copy(update={"diagnoses": tuple(read.diagnoses[:top_k])})


def _reply(
    turn: _Turn, prompt: Prompt, case: PatientCase, case_text: str, language: Language, choices: Choices
) -> Iterator[Event]:
    """The reply to a question, reasoning first where the model reasons freely."""
    profile = turn.engine.profile
    if profile.think_tokens and not profile.constrained:
        reasoning = ""
        for event in _reason(turn, prompt, case_text, language, choices):
            reasoning = event.text if isinstance(event, Reasoning) else reasoning
            yield event
        turn.raw = f"{OPENING}{reasoning}\n{CLOSING}\n\n"
    grammar = reply_grammar(language, case_text, choices) if profile.constrained else None
    asked, before, state = prompt.continued(turn.raw, grammar), len(turn.raw), None
    runs_on = ("\nUser:", "\nHuman:", "\n用户：", "\n问：", f"\n{FORMS[language].process}")
    for piece, state in turn.write(asked, profile.answer_tokens, stop=runs_on):
        yield turn.progress(state)
        if piece:
            written = turn.raw[before:].strip()
            turn.result = {"reply": without_doses(written, language)}
            yield Reply(_shown(written, language))
    reply, warnings = review.of_reply(turn.raw[before:].strip(), case, language)
    if reply:
        turn.result = {"reply": reply}
        yield Reply(reply)
    for warning in warnings:
        yield turn.warned(warning)
    if state is not None and state.finish_reason == "length":
        yield turn.cut(language, "answer", "回答部分")
