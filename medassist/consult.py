"""One consultation: the whole way from a case to a stored answer, in the order the data flows. Knows nothing of a UI."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from medassist import points, review
from medassist.adding import add_up
from medassist.answering import again, diagnose, rank_alone, reply
from medassist.audit import Audit
from medassist.case import PatientCase
from medassist.compliance import require_case, require_clinician, warn, warn_cleaned, without_markup
from medassist.deidentify import deidentify, deidentify_question
from medassist.differential import Warning
from medassist.engines import Engine
from medassist.errors import CaseTooLong, EngineError, InputError, InvalidCase, Language, MedAssistError
from medassist.events import Event, Progress, Started
from medassist.ground import Grounding, ground, look_up
from medassist.intake import clean, clean_case
from medassist.knowledge.graph import Graph
from medassist.prompt import POINTS_VERSION, Choices, Prompt, diagnosis_prompt, follow_up_prompt
from medassist.store import Store, StoredTurn
from medassist.turn import CLOSING, Head, Turn


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
    turn = Turn.begin(store, engine, consultation_id, prompt, graph, audit, who, kind="diagnosis", question="")
    yield Started(consultation_id, turn.id)
    for warning in (*_first_warnings(engine, language, removed), *review.before(safe, case_text, found, language)):
        yield turn.warned(warning)
    head = Head(turn, prompt, safe.case, case_text, language, top_k, found, safe.counts)
    if before is not None:
        yield from turn.run(again(turn, before))
        return
    yield from turn.run(_way(engine, prompt)(turn, head), cache_as=key)


def _way(engine: Engine, prompt: Prompt) -> Callable[[Turn, Head], Iterator[Event]]:
    """How this engine comes to its answer."""
    if engine.name == "knowledge":
        return rank_alone
    return add_up if prompt.version == POINTS_VERSION else diagnose


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
    turn = Turn.begin(store, engine, consultation_id, prompt, graph, audit, who, kind="follow_up", question=asked)
    yield Started(consultation_id, turn.id)
    for warning in _first_warnings(engine, language, removed):
        yield turn.warned(warning)
    named = [str(item["name"]) for item in _listed(kept.turns)]
    tests = [str(test) for item in _listed(kept.turns) for test in item["next_tests"]]
    yield from turn.run(reply(turn, prompt, kept.case, kept.case_text, language, Choices.of(language, named, tests)))


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
    if engine.profile.points:
        found = ground(found, language, fits=lambda _: True, seed=shuffle, without=without)
        if found.given:
            told = points.tally(found, case_text, language)
            prompt = points.points_prompt(case_text, language, told, points.namer(found.graph, language))
            _require_room(engine, prompt, empty=diagnosis_prompt("", language, top_k))
            return prompt, found
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
    demo = "demo.points" if engine.profile.points else "demo.model"
    warnings = [warn(demo, language)] if engine.profile.demo else []
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
