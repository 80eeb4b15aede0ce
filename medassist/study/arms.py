"""Where the answers of an arm come from: an engine of ours and how it is set, or a file from elsewhere."""

import hashlib
import re
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StringConstraints, model_validator

from medassist.study.faults import Strict, fault
from medassist.study.protocol import Name, canonical

Named = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class ArmConfig(Strict):
    """One arm. What is None is as the installation has it; what was used then is kept with every answer."""

    name: Name  # secret until unblinding
    source: Literal["engine", "imported"] = "engine"
    engine: Literal["local", "knowledge", "scripted"] | None = None
    model: Named | None = None
    model_revision: Named | None = None
    adapter: Named | None = None  # "none" for no adapter
    grounded: StrictBool = True  # whether the knowledge graph is told to the model and checks it
    think_tokens: Annotated[StrictInt, Field(ge=0, le=65536)] | None = None
    answer_tokens: Annotated[StrictInt, Field(ge=16, le=16384)] | None = None
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(canonical(self.model_dump(mode="json")).encode()).hexdigest()

    @property
    def loads_model(self) -> bool:
        """Whether answering takes a model in memory, of which there is room for one."""
        return self.engine == "local"

    @model_validator(mode="after")
    def _hangs_together(self) -> "ArmConfig":
        if (self.source == "engine") != (self.engine is not None):
            raise fault(
                "an engine's arm names its engine, an imported one names none", "引擎臂须写明引擎，导入臂不得写引擎"
            )
        asked = (self.model, self.model_revision, self.adapter, self.think_tokens, self.answer_tokens)
        if self.engine != "local" and any(value is not None for value in asked):
            raise fault(
                "only the local engine takes a model, an adapter or budgets",
                "只有 local 引擎可以指定模型、适配器或长度上限",
            )
        if self.engine == "knowledge" and not self.grounded:
            raise fault("the knowledge engine cannot go without the knowledge graph", "knowledge 引擎不能脱离知识图谱")
        return self


_PIECE = re.compile(r"[^\s/\\_:@+-]+")
_SHORTEST = 4
_NO_NAMES = ("auto", "none", "embedded")  # settings that name nothing


def secrets(config: ArmConfig) -> tuple[str, ...]:
    """What must not show in a display text, for `blinding.blind`: the arm's name, and those of its model and adapter."""
    return secret_words(config.name, config.model or "", config.adapter or "")


def secret_words(*names: str) -> tuple[str, ...]:
    """Each name whole, what stands between its slashes, and the pieces of it that are no plain words.

    “Llama-3.1-Med42-8B” is known by “Med42” too, but a word such as “base” or “left” stands in many a clinical text.
    """
    words: dict[str, None] = {}
    for name in (name.strip() for name in names):
        if name and name not in _NO_NAMES:
            words |= dict.fromkeys((name, *(part for part in re.split(r"[/\\]", name) if len(part) >= _SHORTEST)))
            words |= dict.fromkeys(piece for piece in _PIECE.findall(name) if _is_proper(piece))
    return tuple(words)


def _is_proper(piece: str) -> bool:
    """Whether a piece of a name could be nothing but a name: letters with figures, or with capitals among small ones."""
    letters = [char for char in piece if char.isalpha()]
    odd = len(letters) < len(piece) or (any(char.isupper() for char in piece[1:]) and not piece.isupper())
    return len(piece) >= _SHORTEST and len(letters) >= _SHORTEST - 1 and odd
