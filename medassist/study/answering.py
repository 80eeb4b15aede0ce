"""An arm's answer to a case, asked the way a doctor would ask, by engines that are built when first needed."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
from medassist.store import Store, StoredTurn, open_store
from medassist.study.arms import ArmConfig
from medassist.study.form import told


@dataclass(frozen=True)
class Answered:
    """One answer: what the engine wrote, and what was read of it, None where it holds no differential."""

    raw: str
    read: Differential | None
    reasoning: str
    model: str
    adapter: str
    knowledge_version: str
    prompt_version: str
    seconds: float
    parameters: Mapping[str, Any]  # how it was generated
    explanation: Mapping[str, Any] | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def shown(self, language: Language, most: int | None = None) -> str:
        """What raters read, before blinding: see `form.told`; an answer that could not be read is as it was written."""
        return told(self.read, self.reasoning, language, most) if self.read is not None else self.raw


class Stopped(Exception):
    """Somebody wants the work to end; what was begun is thrown away."""


class Answer(Protocol):
    """Asks an arm about a case. Raises a `MedAssistError`, or `Stopped` once `stopped` says so."""

    def __call__(
        self, config: ArmConfig, case: PatientCase, language: Language, *, stopped: Callable[[], bool], explained: bool
    ) -> Answered: ...


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
        return _answered(kept.turns[-1], finished.answer, explanation)

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


def _answered(turn: StoredTurn, answer: Mapping[str, Any], explanation: Mapping[str, Any] | None) -> Answered:
    read = Differential(
        diagnoses=answer.get("differential") or (),
        key_examinations=answer.get("key_examinations") or (),
        diagnostic_evidence=answer.get("diagnostic_evidence") or (),
        final_diagnosis=str(answer.get("final_diagnosis") or ""),
    )
    timing: Mapping[str, Any] = answer["timing"]
    return Answered(
        raw=turn.raw,
        read=read if read.diagnoses else None,
        reasoning=str(answer.get("reasoning") or ""),
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
