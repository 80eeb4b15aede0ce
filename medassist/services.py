"""Everything a face of MedAssist needs, built once and passed in."""

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from medassist.accounts import Directory
from medassist.audit import Audit
from medassist.case import PatientCase
from medassist.config import Settings
from medassist.consult import consult, follow_up
from medassist.deidentify import warm_up
from medassist.engines import Engine
from medassist.errors import LANGUAGES, KnowledgeError, Language, MedAssistError, StorageError, UnknownEngine
from medassist.events import Event, Progress
from medassist.explain import MOST, Perturbed, explain, perturbed
from medassist.explanation import Explanation
from medassist.knowledge.graph import Graph
from medassist.knowledge.versions import Knowledge
from medassist.prompt import diagnosis_prompt
from medassist.store import Store, open_store
from medassist.store.accounts import Accounts
from medassist.store.panel import PanelStore
from medassist.store.studies import StudyStore
from medassist.study.answering import Answerer
from medassist.study.arms import ArmConfig
from medassist.study.lead import Lead
from medassist.study.panel import Panel
from medassist.weighing import NothingToExplain

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    settings: Settings
    engine: Engine
    store: Store
    audit: Audit
    knowledge: Knowledge
    directory: Directory
    lead: Lead
    panel: Panel

    def graph(self) -> Graph | None:
        """The version that a consultation beginning now uses; None where the operator switched it off."""
        return self.knowledge.current() if self.settings.knowledge else None

    def consult(
        self,
        case: PatientCase,
        *,
        language: Language | None = None,
        top_k: int = 5,
        cached: bool = True,
        grounded: bool = True,
        shuffle: int | None = None,
        without: Sequence[str] = (),
        who: str = "local",
    ) -> Generator[Event, None, None]:
        """See `consult.consult`."""
        graph = (yield from self._opened()) if grounded else None
        yield from consult(
            case,
            engine=self.engine,
            store=self.store,
            graph=graph,
            audit=self.audit,
            language=language,
            top_k=top_k,
            cached=cached,
            shuffle=shuffle,
            without=without,
            who=who,
        )

    def follow_up(self, consultation_id: str, question: str, *, who: str = "local") -> Generator[Event, None, None]:
        """See `consult.follow_up`."""
        graph = yield from self._opened()
        yield from follow_up(
            consultation_id,
            question,
            engine=self.engine,
            store=self.store,
            graph=graph,
            audit=self.audit,
            who=who,
        )

    def explainable(self, consultation_id: str) -> tuple[Perturbed, str]:
        """The latest differential of a consultation, ready to be perturbed, and the id of its turn.

        Raises `UnknownConsultation`, `NothingToExplain`, `AnotherModel`, `NoFindings` or `EngineError`.
        """
        kept = self.store.get(consultation_id)
        turn = next((each for each in reversed(kept.turns) if each.kind == "diagnosis"), None)
        if turn is None or not turn.result:
            raise NothingToExplain
        graph = self.knowledge.version(turn.knowledge_version) if turn.knowledge_version else None
        return perturbed(kept.case, kept.case_text, turn.result, self.engine, graph), turn.id

    def explain(
        self,
        consultation_id: str,
        *,
        most: int = MOST,
        seed: int = 0,
        stopped: Callable[[], bool] = lambda: False,
        ready: tuple[Perturbed, str] | None = None,
        who: str = "local",
    ) -> Iterator[Explanation]:
        """Explain the latest differential of a consultation, better and better; the last one is kept with it.

        `ready` is what `explainable` gave. Raises what that raises.
        """
        made, turn_id = ready or self.explainable(consultation_id)
        last = None
        for last in explain(made, most=most, seed=seed, stopped=stopped):
            yield last
        if last is not None:
            self.store.keep_explanation(turn_id, last.stored())
            self.audit.record(who, "answer.explained", consultation_id, new={"samples": last.samples, "by": last.by})

    def _opened(self) -> Generator[Event, None, Graph | None]:
        """The current knowledge, saying twice a second that it is being opened: the first time takes a moment."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            began, opening = time.monotonic(), pool.submit(self.graph)
            while True:
                try:
                    return opening.result(timeout=0.25)
                except TimeoutError:
                    yield Progress("loading", seconds=time.monotonic() - began)

    def start(self) -> None:
        """Load the model and the knowledge in the background; who asks before that is told so and waits."""
        threading.Thread(target=self._load, name="medassist-load", daemon=True).start()

    def _load(self) -> None:
        warm_up()
        if self.settings.knowledge:
            try:
                self.knowledge.start()
            except KnowledgeError as error:
                logger.error("%s", error)  # the first consultation shows it too
        try:
            self.engine.load()
            read_instructions(self.engine)
        except MedAssistError:
            return  # the first consultation tries again and shows why

    def close(self) -> None:
        self.engine.close()
        self.store.close()


def read_instructions(engine: Engine) -> None:
    """Let the engine read the instructions now, so that the first case waits for less."""
    if engine.profile.answer_tokens:
        for language in LANGUAGES:
            # Two tokens: a batch keeps nothing of a prompt that ended with its first.
            for _ in engine.stream(diagnosis_prompt("", language), max_new_tokens=2):
                pass


def build_engine(settings: Settings) -> Engine:
    """The engine the settings ask for, not yet loaded. Raises `UnknownEngine`, `UnknownModel` or `EngineError`."""
    if settings.engine == "local":
        from medassist.engines.local import LocalEngine  # torch is read only where it is used

        return LocalEngine(settings)
    if settings.engine == "knowledge":
        from medassist.engines.unasked import KnowledgeEngine

        return KnowledgeEngine()
    if settings.engine == "scripted":
        from medassist.engines.scripted import ScriptedEngine

        return ScriptedEngine(demo=True, delay=0.02)
    raise UnknownEngine(name=settings.engine, known="local, knowledge, scripted")


def settings_of(config: ArmConfig, settings: Settings) -> Settings:
    """The installation's settings with those that an arm has of its own."""
    own = {name: getattr(config, name) for name in _OF_AN_ARM if getattr(config, name) is not None}
    if config.model is not None:
        own.setdefault("model_revision", None)  # the installation's belongs to the installation's model
    return settings.model_copy(update=own)


def answerer(services: Services) -> Answerer:
    """Asks the arms of a study, with one version of the knowledge throughout. To be closed.

    An arm that is set as the installation itself is asked through its engine; every other one gets an engine of its own.
    """
    return Answerer(
        lambda config: _engine_of(settings_of(config, services.settings), services),
        cache(services.graph),
        kept=lambda engine: engine is services.engine,
    )


_OF_AN_ARM = ("engine", "model", "model_revision", "adapter", "think_tokens", "answer_tokens")


def _engine_of(wanted: Settings, services: Services) -> Engine:
    return services.engine if wanted == services.settings else build_engine(wanted)


def build_services(settings: Settings, engine: Engine | None = None) -> Services:
    """Open the database and prepare the engine the settings ask for, or take the one that is given.

    Raises what `build_engine` and `open_store` raise.
    """
    store = open_store(settings.database)
    store.mark_interrupted()
    audit = build_audit(settings, store)
    return Services(
        settings,
        engine or build_engine(settings),
        store,
        audit,
        build_knowledge(settings),
        Directory(Accounts(store.database), audit),
        *build_study(store, audit),
    )


def build_study(store: Store, audit: Audit) -> tuple[Lead, Panel]:
    """What study leads do and what raters do, on one database."""
    lead = Lead(StudyStore(store.database), audit)
    return lead, Panel(PanelStore(store.database), audit, lead.studies.arms, lead.studies.newest_protocol)


def build_audit(settings: Settings, store: Store) -> Audit:
    """The audit trail in an open database. Raises `StorageError`."""
    return Audit(store.database, secret(settings.data_dir, "audit").encode())


def open_directory(settings: Settings) -> tuple[Store, Directory]:
    """The accounts alone, and the store to close after them. Raises what `open_store` raises."""
    store = open_store(settings.database)
    return store, Directory(Accounts(store.database), build_audit(settings, store))


def build_knowledge(settings: Settings) -> Knowledge:
    """The versions of the knowledge graph under the data directory."""
    return Knowledge(settings.data_dir / "knowledge", settings.cache_dir)


def secret(data_dir: Path, name: str) -> str:
    """A key of this installation: made once, readable by its owner only. Raises `StorageError`."""
    path = data_dir / f"{name}.key"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = data_dir / f".{name}-{secrets.token_hex(8)}"
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)  # whole or not at all, and the first one stays
        temporary.unlink()
        return path.read_text()
    except OSError:
        raise StorageError(reason="the data folder cannot be written.", reason_zh="数据目录不可写。") from None
