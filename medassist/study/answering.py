"""An arm's answer to a case, asked the way a doctor would ask, and told in one form whichever engine gave it.

What raters read is made from the parsed differential, not from what the engine wrote: the engines word and set the same
content differently, and a rater would know them by that. Every arm's text has the same four headings in the same order,
and under each diagnosis the same lines in the same order; only the content differs. An answer that could not be parsed
is shown as it was written. What the review of an answer adds to it is no part of it.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from medassist.case import PatientCase
from medassist.consult import consult
from medassist.differential import Differential
from medassist.engines import Engine
from medassist.errors import Language, MedAssistError
from medassist.events import Finished
from medassist.explain import explain, perturbed
from medassist.knowledge.graph import Graph
from medassist.prompt import FORMS, OPENING, reason_lines
from medassist.store import Store, StoredTurn, open_store
from medassist.study.arms import ArmConfig
from medassist.turn import CLOSING

NOTHING_NAMED: dict[Language, str] = {"en": "nothing named", "zh": "未提及"}
"""Stands under a heading whose part of the answer is empty, in every arm."""


@dataclass(frozen=True)
class Answered:
    """One answer. `raw` is what the engine wrote, `told` the same in the form of all arms, or "" where it has none."""

    raw: str
    told: str
    model: str
    adapter: str
    knowledge_version: str
    prompt_version: str
    seconds: float
    parameters: Mapping[str, Any]  # how it was generated
    explanation: Mapping[str, Any] | None = None

    @property
    def shown(self) -> str:
        """What raters read, before blinding."""
        return self.told or self.raw


class Stopped(Exception):
    """Somebody wants the work to end; what was begun is thrown away."""


class Answer(Protocol):
    """Asks an arm about a case. Raises a `MedAssistError`, or `Stopped` once `stopped` says so."""

    def __call__(
        self, config: ArmConfig, case: PatientCase, language: Language, *, stopped: Callable[[], bool], explained: bool
    ) -> Answered: ...


def told(read: Differential, reasoning: str, language: Language) -> str:
    """A differential in the form of all arms, after its reasoning, which `blind` leaves out unless a study is about it."""
    form = FORMS[language]
    lines = [f"{OPENING}{reasoning}", f"{CLOSING}\n"] if reasoning else []
    lines += [form.process, form.initial_differential]
    for each in read.diagnoses:
        lines += [f"{each.rank}) {each.name}", *reason_lines(form, each)]
    stages = (
        (form.key_examinations, read.key_examinations),
        (form.diagnostic_evidence, read.diagnostic_evidence),
    )
    for heading, parts in stages:
        lines += [heading, *(f"- {part}" for part in parts or (NOTHING_NAMED[language],))]
    return "\n".join([*lines, form.final_diagnosis, read.final_diagnosis or NOTHING_NAMED[language]])


class Answerer:
    """An `Answer` that asks engines of ours, built when first needed; the consultations vanish with it.

    A model in memory makes room for the next one. `kept` says whether an engine belongs to somebody else and stays open.
    """

    def __init__(
        self,
        build: Callable[[ArmConfig], Engine],
        graph: Callable[[], Graph | None],
        kept: Callable[[Engine], bool] = lambda _: False,
    ) -> None:
        self._build, self._graph, self._kept = build, graph, kept
        self._engines: dict[str, Engine] = {}
        self._loaded = ""  # the arm whose model is in memory
        self._folder = tempfile.TemporaryDirectory(prefix="study-")
        self._store: Store | None = None

    def __enter__(self) -> "Answerer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for key in list(self._engines):
            self._release(key)
        if self._store is not None:
            self._store.close()
            self._store = None
        self._folder.cleanup()

    def __call__(
        self, config: ArmConfig, case: PatientCase, language: Language, *, stopped: Callable[[], bool], explained: bool
    ) -> Answered:
        engine, store = self._engine(config), self._opened()
        graph = self._graph() if config.grounded else None
        finished = _finished(case, language, engine, store, graph, stopped)
        kept = store.get(finished.consultation_id)
        try:
            asked = (kept.case, kept.case_text, finished.answer, engine, graph)
            explanation = _explanation(*asked, stopped) if explained else None
        finally:
            store.delete(finished.consultation_id)
        return _answered(kept.turns[-1], finished.answer, language, explanation)

    def _engine(self, config: ArmConfig) -> Engine:
        key = config.model_copy(update={"name": "any", "description": ""}).sha256
        if key not in self._engines:
            if config.loads_model and self._loaded:
                self._release(self._loaded)
            self._engines[key] = self._build(config)
            self._loaded = key if config.loads_model else self._loaded
        return self._engines[key]

    def _release(self, key: str) -> None:
        engine = self._engines.pop(key)
        self._loaded = "" if key == self._loaded else self._loaded
        if not self._kept(engine):
            engine.close()

    def _opened(self) -> Store:
        if self._store is None:
            self._store = open_store(f"sqlite:///{Path(self._folder.name) / 'answers.sqlite3'}")
        return self._store


def _finished(
    case: PatientCase,
    language: Language,
    engine: Engine,
    store: Store,
    graph: Graph | None,
    stopped: Callable[[], bool],
) -> Finished:
    events = consult(case, engine=engine, store=store, graph=graph, language=language, cached=False)
    try:
        for event in events:
            if isinstance(event, Finished):
                return event
            if stopped():
                raise Stopped
    finally:
        events.close()
    raise AssertionError("a consultation ends with Finished")


def _explanation(
    case: PatientCase,
    case_text: str,
    answer: Mapping[str, Any],
    engine: Engine,
    graph: Graph | None,
    stopped: Callable[[], bool],
) -> Mapping[str, Any] | None:
    """As it is kept of a consultation; None where an answer cannot be explained, which costs it nothing."""
    try:
        better = list(explain(perturbed(case, case_text, answer, engine, graph), stopped=stopped))
    except MedAssistError:
        return None
    if stopped():
        raise Stopped
    return better[-1].stored() if better else None


def _answered(
    turn: StoredTurn, answer: Mapping[str, Any], language: Language, explanation: Mapping[str, Any] | None
) -> Answered:
    read = Differential(
        diagnoses=answer.get("differential") or (),
        key_examinations=answer.get("key_examinations") or (),
        diagnostic_evidence=answer.get("diagnostic_evidence") or (),
        final_diagnosis=str(answer.get("final_diagnosis") or ""),
    )
    timing: Mapping[str, Any] = answer["timing"]
    return Answered(
        raw=turn.raw,
        told=told(read, str(answer.get("reasoning") or ""), language) if read.diagnoses else "",
        model=turn.model,
        adapter=turn.adapter or "",
        knowledge_version=turn.knowledge_version or "",
        prompt_version=turn.prompt_version,
        seconds=round(float(timing["total_s"]), 2),
        parameters={
            "engine": turn.engine,
            "prompt_version": turn.prompt_version,
            "decoding": dict(turn.decoding),
            "prompt_tokens": timing["prompt_tokens"],
            "new_tokens": timing["new_tokens"],
            "truncated": bool(answer.get("truncated")),
        },
        explanation=explanation,
    )
