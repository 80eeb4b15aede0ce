"""Engines: whatever writes text for a prompt. One small protocol; consultations know nothing else of a model."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from medassist.events import Phase
from medassist.prompt import Prompt

# Read by OpenMP when torch is first imported. Its threads wait for each other by spinning. Where another program wants
# the same core the long spins of the default burn whole time slices (8 sessions: 14 tokens/s); too short ones let the
# threads sleep between operations (168 instead of 205 on a free machine, benchmarks/README.md). An operator's own
# setting stands.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

FinishReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True)
class Profile:
    """How a model wants to be asked, and how much it may write. Frozen with every stored answer."""

    think_tokens: int  # budget of the reasoning part; 0 = the model is asked for none
    answer_tokens: int  # budget of the answer part
    temperature: float = 0.0  # 0 = greedy
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    constrained: bool = False  # a grammar holds the form of the answer
    knowledge_tokens: int = 1500  # how much of the knowledge base it is told
    demo: bool = False  # a demonstration model, labelled so wherever it speaks
    points: bool = False  # its adapter weighs in points and answers in shorthand (`medassist.points`)


@dataclass
class StreamState:
    """Where one stream stands; the engine writes it, the consultation reads it."""

    phase: Phase = "queued"
    position: int = 0  # 1 = next in the queue, 0 = running
    prompt_tokens: int = 0
    new_tokens: int = 0
    finish_reason: FinishReason | None = None


class TokenStream(Iterator[str], Protocol):
    """Text as it is written. Yields "" at least every half second while there is none, so a caller can leave."""

    state: StreamState

    def close(self) -> None:
        """Stop writing, within one token, and give the place in the batch back. Safe to call twice."""


class Engine(Protocol):
    """A model that can write and weigh text. Methods may be called from any thread."""

    name: str
    model: str
    adapter: str | None
    context_tokens: int
    forward_tokens: int  # that `score` has computed since the start

    @property
    def profile(self) -> Profile:
        """How the model wants to be asked, and its adapter was taught to answer."""

    @property
    def ready(self) -> bool:
        """Whether the model is loaded; `stream` waits for it, saying "loading"."""

    def load(self) -> None:
        """Load the model and wait for it. Raises `UnknownModel`, `UnknownAdapter` or `EngineError`."""

    def count_tokens(self, prompt: Prompt) -> int:
        """How many tokens the model would read for this prompt."""

    def stream(self, prompt: Prompt, *, max_new_tokens: int, stop: Sequence[str] = ()) -> TokenStream:
        """Continue the prompt. A stop string ends the text and is not part of it. Raises `EngineError` while read."""

    def score(
        self, prompts: Sequence[Prompt], continuations: Sequence[str], *, stopped: Callable[[], bool] = lambda: False
    ) -> list[list[list[float]]]:
        """Natural log-probability of every token of each continuation after each prompt: [prompt][continuation][token].

        Work that prompts share is done once. Asked to stop, it leaves what is missing as NaN.
        Raises `EngineError` where the engine cannot weigh text.
        """

    def use_adapter(self, name: str | None) -> None:
        """Answer with this adapter from now on (None: the bare model); streams already running finish on theirs.

        Raises `UnknownAdapter`, and then nothing changes.
        """

    def close(self) -> None:
        """Stop all streams and free the model."""
