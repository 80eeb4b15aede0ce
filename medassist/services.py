"""Everything a face of MedAssist needs, built once and passed in."""

import threading
from dataclasses import dataclass

from medassist.config import Settings
from medassist.engines import Engine
from medassist.errors import LANGUAGES, MedAssistError, UnknownEngine
from medassist.prompt import diagnosis_prompt
from medassist.store import Store, open_store


@dataclass(frozen=True)
class Services:
    settings: Settings
    engine: Engine
    store: Store

    def start(self) -> None:
        """Load the model in the background; who asks before it is loaded is told so and waits."""
        threading.Thread(target=self._load, name="medassist-load", daemon=True).start()

    def _load(self) -> None:
        try:
            self.engine.load()
            # The instructions are read now, so that the first case waits for less. Two tokens: a batch keeps nothing of
            # a prompt that ended with its first.
            for language in LANGUAGES:
                for _ in self.engine.stream(diagnosis_prompt("", language), max_new_tokens=2):
                    pass
        except MedAssistError:
            return  # the first consultation tries again and shows why

    def close(self) -> None:
        self.engine.close()
        self.store.close()


def build_engine(settings: Settings) -> Engine:
    """The engine the settings ask for, not yet loaded. Raises `UnknownEngine`, `UnknownModel` or `EngineError`."""
    if settings.engine == "local":
        from medassist.engines.local import LocalEngine  # torch is read only where it is used

        return LocalEngine(settings)
    if settings.engine == "scripted":
        from medassist.engines.scripted import ScriptedEngine

        return ScriptedEngine(demo=True, delay=0.02)
    raise UnknownEngine(name=settings.engine, known="local, scripted")


def build_services(settings: Settings) -> Services:
    """Open the database and prepare the engine. Raises what `build_engine` and `open_store` raise."""
    store = open_store(settings.database)
    store.mark_interrupted()
    return Services(settings, build_engine(settings), store)
