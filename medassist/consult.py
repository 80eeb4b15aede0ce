"""One consultation: the whole way from a case to a stored answer, in the order the data flows. Knows nothing of a UI."""

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from medassist.case import PatientCase
from medassist.compliance import require_case, warn, warn_cleaned
from medassist.differential import Differential, Warning
from medassist.engines import Engine, StreamState
from medassist.errors import CaseTooLong, InvalidCase, Language, MedAssistError, ParseError
from medassist.events import Event, Finished, Progress, Reasoning, Reply, Started, Warned
from medassist.intake import clean, clean_case
from medassist.parse import AnswerParser
from medassist.prompt import (
    FORMS,
    OPENING,
    Prompt,
    answer_grammar,
    answer_opening,
    choice_grammar,
    diagnosis_prompt,
    final_opening,
    follow_up_prompt,
    reasoning_grammar,
    reply_grammar,
)
from medassist.store import Store

CLOSING = "</think>"
CHECKPOINT_SECONDS = 1.0
"""How much of an answer a crash may cost, at most."""

Outcome = Literal["complete", "stopped", "failed"]


def consult(
    case: PatientCase, *, engine: Engine, store: Store, language: Language | None = None, top_k: int = 5
) -> Generator[Event, None, None]:
    """Stream the consultation of `case` in `language` (its own when None), at most `top_k` diagnoses.

    Raises a `MedAssistError` at the step that fails; before `Started` nothing is kept, after it the partial answer
    is. Closing the generator stops the engine within one token and keeps the partial answer as "stopped".
    """
    case, removed = clean_case(case)
    require_case(case)
    language = language or case.written_in
    case_text = case.text()
    prompt = diagnosis_prompt(case_text, language, top_k)
    yield from _loaded(engine)
    _require_room(engine, prompt, empty=diagnosis_prompt("", language, top_k))
    consultation_id = store.create(case, case_text, language)
    turn = _Turn.begin(store, engine, consultation_id, prompt, kind="diagnosis", question="")
    yield Started(consultation_id, turn.id)
    for warning in _first_warnings(engine, language, removed):
        yield turn.warned(warning)
    yield from turn.run(_diagnose(turn, prompt, case_text, language, top_k))


def follow_up(
    consultation_id: str, question: str, *, engine: Engine, store: Store, language: Language | None = None
) -> Generator[Event, None, None]:
    """Stream the reply to a further question in a kept consultation. Errors and closing as for `consult`."""
    question, removed = clean(question)
    if not question.strip():
        raise InvalidCase(where="question", reason="is empty.", reason_zh="问题为空。")
    kept = store.get(consultation_id)
    language = language or kept.language
    answer, exchanges = _so_far(kept.turns)
    prompt = follow_up_prompt(kept.case_text, language, answer, exchanges, question.strip())
    yield from _loaded(engine)
    _require_room(engine, prompt, empty=follow_up_prompt("", language, "", (), ""))
    turn = _Turn.begin(store, engine, consultation_id, prompt, kind="follow_up", question=question.strip())
    yield Started(consultation_id, turn.id)
    for warning in _first_warnings(engine, language, removed):
        yield turn.warned(warning)
    yield from turn.run(_reply(turn, prompt, kept.case_text, language))


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


def _require_room(engine: Engine, prompt: Prompt, empty: Prompt) -> None:
    """Refuse a case that leaves the answer no room, with the count and the limit; nothing is ever cut silently."""
    instructions = engine.count_tokens(empty)
    count = engine.count_tokens(prompt) - instructions
    # 64 tokens: the headings that are set for the model between the parts of its answer.
    limit = engine.context_tokens - instructions - engine.profile.think_tokens - engine.profile.answer_tokens - 64
    if count > limit:
        raise CaseTooLong(count=count, unit="tokens", unit_zh="个词元（token）", limit=max(0, limit))


def _first_warnings(engine: Engine, language: Language, removed: tuple[str, ...]) -> list[Warning]:
    warnings = [warn("demo_model", language)] if engine.profile.demo else []
    return warnings + ([warn_cleaned(removed, language)] if removed else [])


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
    def begin(cls, store: Store, engine: Engine, consultation_id: str, prompt: Prompt, **what: Any) -> "_Turn":
        profile = engine.profile
        turn_id = store.begin_turn(
            consultation_id,
            engine=engine.name,
            model=engine.model,
            adapter=engine.adapter,
            prompt_version=prompt.version,
            knowledge_version=None,
            decoding={name: getattr(profile, name) for name in profile.__dataclass_fields__},
            prompt="\n\n".join((prompt.system, *(text for _, text in prompt.messages))),
            **what,
        )
        return cls(store, engine, turn_id, consultation_id)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def warned(self, warning: Warning) -> Warned:
        self.warnings.append(warning)
        return Warned(warning)

    def run(self, events: Iterator[Event]) -> Iterator[Event]:
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
        yield Finished(self.consultation_id, self.id, outcome, self.result)

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
        return self.warned(warn("truncated", language, what=what, what_zh=what_zh))

    def _frame(self) -> dict[str, object]:
        return {
            "warnings": [warning.model_dump() for warning in self.warnings],
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


def _diagnose(turn: _Turn, prompt: Prompt, case_text: str, language: Language, top_k: int) -> Iterator[Event]:
    """Reason, then answer, then (for a constrained model) choose; each part with a budget of its own."""
    parser = AnswerParser(language, case_text)
    head = {
        "consultation_id": turn.consultation_id,
        "engine": turn.engine.name,
        "model": turn.engine.model,
        "adapter": turn.engine.adapter,
        "language": language,
        "prompt_version": prompt.version,
        "knowledge_version": None,
        "case_text": case_text,
    }
    reasoning, settled = "", False
    try:
        for event in _reason(turn, prompt, case_text, language):
            if isinstance(event, Reasoning):
                reasoning = event.text
            yield event
        opening = answer_opening(language, reasoning)
        turn.raw = opening
        parser.push(opening.removeprefix(OPENING))
        whole = yield from _answer(turn, parser, prompt, case_text, language, top_k)
        if settled := whole or not parser.diagnoses:
            yield from _within(parser.close(), top_k)
    finally:
        turn.result = head | _read(parser, reasoning, top_k, settled)
    if not turn.result["differential"]:
        yield turn.warned(warn("unparsed", language))


def _reason(turn: _Turn, prompt: Prompt, case_text: str, language: Language) -> Iterator[Event]:
    """The reasoning part, up to its end or its budget."""
    profile = turn.engine.profile
    if not profile.think_tokens:
        return
    grammar = reasoning_grammar(language, case_text) if profile.constrained else None
    asked = prompt.continued(OPENING, grammar)
    turn.raw = OPENING
    state, text, began = None, "", turn.seconds
    for piece, state in turn.write(asked, profile.think_tokens, stop=(CLOSING,)):
        yield turn.progress(state)
        if piece:
            text += piece
            yield Reasoning(text.strip(), False, turn.seconds - began, turn.new_tokens)
    turn.reasoned = Reasoning(text.strip(), True, turn.seconds - began, turn.new_tokens)
    yield turn.reasoned
    if state is not None and state.finish_reason == "length":
        yield turn.cut(language, "reasoning", "推理部分")


def _answer(
    turn: _Turn, parser: AnswerParser, prompt: Prompt, case_text: str, language: Language, top_k: int
) -> Generator[Event, None, bool]:
    """The answer part from the first diagnosis on, ended where the model runs on into another turn.

    Returns whether it came to its end, within its budget.
    """
    profile = turn.engine.profile
    grammar = answer_grammar(language, case_text, min(3, top_k)) if profile.constrained else None
    state = None
    for piece, state in turn.write(prompt.continued(turn.raw, grammar), profile.answer_tokens):
        yield turn.progress(state)
        yield from _within(parser.push(piece), top_k)
        if parser.ended:
            break
    if state is not None and state.finish_reason == "length":
        yield turn.cut(language, "answer", "回答部分")
        return False
    if profile.constrained:
        yield from _choose(turn, parser, prompt, language, top_k)
    return True


def _choose(turn: _Turn, parser: AnswerParser, prompt: Prompt, language: Language, top_k: int) -> Iterator[Event]:
    """Let the model name one of its own diagnoses as the final one."""
    listed = parser.diagnoses
    if not listed:
        return
    opening = final_opening(language)
    turn.raw += opening
    yield from _within(parser.push(opening), top_k)
    grammar = choice_grammar([diagnosis.name for diagnosis in listed])
    for piece, state in turn.write(prompt.continued(turn.raw, grammar), 48):
        yield turn.progress(state)
        yield from _within(parser.push(piece), top_k)


def _within(events: Sequence[Any], top_k: int) -> Iterator[Event]:
    """Events of the first `top_k` diagnoses; the reasoning was told already."""
    for event in events:
        diagnosis = getattr(event, "diagnosis", None)
        if not isinstance(event, Reasoning) and (diagnosis is None or diagnosis.rank <= top_k):
            yield event


def _read(parser: AnswerParser, reasoning: str, top_k: int, settled: bool) -> dict[str, object]:
    """What the answer says, as far as it can be read; half a line of one that is not `settled` names nothing."""
    listed = parser.diagnoses
    try:
        read = parser.result()
    except ParseError:
        read = Differential(diagnoses=())
    if not settled:
        half = parser.text.endswith(read.final_diagnosis)
        read = read.model_copy(update={"diagnoses": listed, "final_diagnosis": "" if half else read.final_diagnosis})
    return {
        "reasoning": reasoning,
        "differential": [diagnosis.model_dump(mode="json") for diagnosis in read.diagnoses[:top_k]],
        "key_examinations": list(read.key_examinations),
        "diagnostic_evidence": list(read.diagnostic_evidence),
        "final_diagnosis": read.final_diagnosis,
    }


def _reply(turn: _Turn, prompt: Prompt, case_text: str, language: Language) -> Iterator[Event]:
    """The reply to a question, reasoning first where the model reasons freely."""
    profile = turn.engine.profile
    if profile.think_tokens and not profile.constrained:
        reasoning = ""
        for event in _reason(turn, prompt, case_text, language):
            reasoning = event.text if isinstance(event, Reasoning) else reasoning
            yield event
        turn.raw = f"{OPENING}{reasoning}\n{CLOSING}\n\n"
    grammar = reply_grammar(language, case_text) if profile.constrained else None
    asked, before, state = prompt.continued(turn.raw, grammar), len(turn.raw), None
    runs_on = ("\nUser:", "\nHuman:", "\n用户：", "\n问：", f"\n{FORMS[language].process}")
    for piece, state in turn.write(asked, profile.answer_tokens, stop=runs_on):
        yield turn.progress(state)
        if piece:
            turn.result = {"reply": turn.raw[before:].strip()}
            yield Reply(turn.raw[before:].strip())
    if state is not None and state.finish_reason == "length":
        yield turn.cut(language, "answer", "回答部分")
