"""An engine that writes what it is told to, for tests of everything around a model. Never a model's stand-in."""

import threading
import time
from collections.abc import Callable, Sequence

from medassist.engines import Profile, StreamState
from medassist.engines.admission import Admission, Ticket
from medassist.errors import EngineError
from medassist.prompt import Prompt

ANSWER_EN = (
    "The calf is swollen after surgery, and breathlessness began suddenly.\n</think>\n"
    "\n[Diagnostic process]\n1. Initial differential\n"
    "1) Pulmonary embolism\n   For: left calf swollen; knee surgery\n   Against: no fever\n   Next: D-dimer\n"
    "2) Pneumonia\n   For: sharp chest pain\n   Next: chest film\n"
    "2. Key examinations\n- CT pulmonary angiogram\n3. Diagnostic evidence\n- left calf swollen\n"
    "[Final diagnosis]\nPulmonary embolism\n"
)


class ScriptedEngine:
    """Writes the next of `scripts` (or `script(prompt)`) a few characters at a time, `delay` seconds apart.

    The script is the whole answer from after `<think>` on: what a prompt already holds of it is skipped.
    `fail_after` characters, when set, it raises an `EngineError`.
    """

    name = "scripted"
    adapter: str | None = None
    forward_tokens = 0

    def __init__(
        self,
        script: str | Callable[[Prompt], str] = ANSWER_EN,
        *,
        delay: float = 0.0,
        piece: int = 6,
        fail_after: int | None = None,
        demo: bool = False,
        slots: int = 8,
        model: str = "script",
    ) -> None:
        self.script, self.delay, self.piece, self.fail_after, self.model = script, delay, piece, fail_after, model
        self.profile = Profile(think_tokens=1000, answer_tokens=1000, demo=demo)
        self.context_tokens = 8192
        self.open_streams = 0
        self.closed_at: float | None = None
        self._admission = Admission(slots)
        self._lock = threading.Lock()

    @property
    def ready(self) -> bool:
        return True

    def load(self) -> None:
        return None

    def close(self) -> None:
        return None

    def use_adapter(self, name: str | None) -> None:
        """Only remembers the name."""
        self.adapter = name

    def count_tokens(self, prompt: Prompt) -> int:
        """One token for four characters."""
        return (len(prompt.system) + sum(len(text) for _, text in prompt.messages) + len(prompt.assistant)) // 4

    def stream(self, prompt: Prompt, *, max_new_tokens: int, stop: Sequence[str] = ()) -> "ScriptedStream":
        text = self.script(prompt) if callable(self.script) else self.script
        if prompt.assistant and "</think>" in prompt.assistant and "</think>" in text:
            text = text.split("</think>", 1)[1]
            text = text.split("1) ", 1)[-1]
        ends = [at for s in stop if (at := text.find(s)) >= 0]
        cut = text[: min(ends)] if ends else text
        return ScriptedStream(self, cut[: max_new_tokens * 4], len(cut) > max_new_tokens * 4, self.count_tokens(prompt))

    def score(
        self, prompts: Sequence[Prompt], continuations: Sequence[str], *, stopped: Callable[[], bool] = lambda: False
    ) -> list[list[list[float]]]:
        """Minus one for every four characters, whatever the prompts."""
        return [[[-1.0] * max(1, len(text) // 4) for text in continuations] for _ in prompts]


class ScriptedStream:
    def __init__(self, engine: ScriptedEngine, text: str, cut: bool, prompt_tokens: int) -> None:
        self.state = StreamState(prompt_tokens=prompt_tokens)
        self._engine, self._text, self._cut, self._at = engine, text, cut, 0
        self._ticket: Ticket = engine._admission.enter()
        self._open = True
        with engine._lock:
            engine.open_streams += 1

    def __iter__(self) -> "ScriptedStream":
        return self

    def __next__(self) -> str:
        if not self._open:
            raise StopIteration
        if not self._ticket.wait(0.1):
            self.state.position = self._ticket.position
            return ""
        self.state.phase, self.state.position = "writing", 0
        if self._engine.delay:
            time.sleep(self._engine.delay)
        if self._engine.fail_after is not None and self._at >= self._engine.fail_after:
            self.close()
            raise EngineError(reason="the script says so.", reason_zh="脚本如此。")
        piece = self._text[self._at : self._at + self._engine.piece]
        self._at += len(piece)
        self.state.new_tokens += bool(piece)
        if not piece:
            self.state.finish_reason = "length" if self._cut else "stop"
            self.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        if self._open:
            self._open = False
            self._ticket.leave()
            self.state.finish_reason = self.state.finish_reason or "cancelled"
            with self._engine._lock:
                self._engine.open_streams -= 1
                self._engine.closed_at = time.monotonic()
