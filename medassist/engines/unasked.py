"""The engine of the arm in which no model is asked: the knowledge graph ranks alone (see `consult`)."""

from collections.abc import Callable, Sequence
from typing import NoReturn

from medassist.engines import Profile, TokenStream
from medassist.errors import EngineError
from medassist.prompt import Prompt


class KnowledgeEngine:
    """Names the arm and writes nothing."""

    name = "knowledge"
    model = "knowledge graph"
    adapter: str | None = None
    profile = Profile(think_tokens=0, answer_tokens=0)
    context_tokens = 100_000
    """No model reads the case, so only its length in characters counts (see `case.MAX_CHARACTERS`)."""
    ready = True
    forward_tokens = 0

    def load(self) -> None:
        return None

    def count_tokens(self, prompt: Prompt) -> int:
        return 0

    def stream(self, prompt: Prompt, *, max_new_tokens: int, stop: Sequence[str] = ()) -> TokenStream:
        self._refuse()

    def score(
        self, prompts: Sequence[Prompt], continuations: Sequence[str], *, stopped: Callable[[], bool] = lambda: False
    ) -> list[list[list[float]]]:
        self._refuse()

    def use_adapter(self, name: str | None) -> None:
        """Nothing to adapt."""

    def close(self) -> None:
        return None

    def _refuse(self) -> NoReturn:
        raise EngineError(reason="the knowledge graph writes no text.", reason_zh="知识图谱不生成文字。")
