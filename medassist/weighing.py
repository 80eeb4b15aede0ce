"""How much a case speaks for each candidate: what an explanation perturbs the case to see.

Only what ranked may be asked. Where the knowledge graph ranked, by itself or through a model that adds up its points,
its score is weighed; else the model, by how likely it is to name each candidate. Both weigh the same candidates
whatever is left of the case, and one more, "none of these".
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np

from medassist.case import LABELS, PatientCase
from medassist.differential import Diagnosis
from medassist.engines import Engine
from medassist.errors import LANGUAGES, EngineError, InputError, Language
from medassist.ground import Grounding, ground, look_up
from medassist.knowledge.graph import Graph
from medassist.knowledge.lexicon import Known
from medassist.points import none_score
from medassist.prompt import NONE_FITS, answer_opening, diagnosis_prompt

MOST_CANDIDATES = 5
_PATIENT = tuple(LABELS[language]["patient"].strip() for language in LANGUAGES)


class NothingToExplain(InputError):
    """An answer without a diagnosis."""

    code = "nothing_to_explain"
    en = "There is no diagnosis to explain."
    zh = "没有可解释的诊断。"


class AnotherModel(InputError):
    """An answer of a model or adapter that is not the one in use."""

    code = "another_model"
    en = "This answer came from {model}; only an answer of the model in use can be explained. Ask again."
    zh = "该回答来自 {model}，只能解释当前所用模型的回答。请重新提问。"


class Weigher(Protocol):
    """Weighs candidates by a text of the case."""

    by: Literal["graph", "model"]

    @property
    def names(self) -> tuple[str, ...]:
        """As shown, "none of these" last."""

    @property
    def forward_tokens(self) -> int:
        """Tokens that a model has read for it so far."""

    def weigh(self, texts: Sequence[str], stopped: Callable[[], bool]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Logarithms of how much each text speaks for each candidate, [texts, names]; NaN where it was stopped."""


@dataclass
class GraphWeigher:
    """By the score of the knowledge graph (`knowledge.rank`), "none of these" at its own mark."""

    graph: Graph
    diseases: tuple[str, ...]
    language: Language
    age: float | None
    sex: str
    by: Literal["graph", "model"] = "graph"
    forward_tokens: int = 0
    known: Known = field(default_factory=dict, repr=False)  # sentences come again and again

    @property
    def names(self) -> tuple[str, ...]:
        known = (self.graph.diseases[each].name.of(self.language) for each in self.diseases)
        return (*known, NONE_FITS[self.language])

    def weigh(self, texts: Sequence[str], stopped: Callable[[], bool]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """See `Weigher.weigh`. A text is read anew, so that nothing of a crossed-out finding lives on."""
        none = none_score(self.language)
        rows = []
        for text in texts:
            if stopped():
                rows.append([math.nan] * (len(self.diseases) + 1))
                continue
            age, sex = self._person(text)
            facts = self.graph.read(text, age, sex, self.known)
            weighed = self.graph.weighed(facts, self.diseases, age=age, sex=sex)
            rows.append([*(each.score for each in weighed.values()), none])
        return np.array(rows, dtype=np.float64).reshape(len(texts), len(self.diseases) + 1)

    def _person(self, text: str) -> tuple[float | None, str]:
        """Age and sex as far as the text still tells them."""
        line = next((each for each in text.split("\n") if each.startswith(_PATIENT)), "")
        age = self.age if self.age is not None and f"{self.age:g}" in line else None
        return age, self.sex if re.search("male|男|女|other|其他", line) else "unknown"


@dataclass
class ModelWeigher:
    """By the mean log-probability of a candidate's name as the first diagnosis that the model names.

    The lines of the knowledge base stay, and what they say of this case is made anew for every text. The model is
    asked without its reasoning, which depends on the very words that are crossed out.
    """

    engine: Engine
    case: PatientCase
    language: Language
    candidates: tuple[str, ...]
    top_k: int
    found: Grounding | None
    by: Literal["graph", "model"] = "model"
    forward_tokens: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.candidates, NONE_FITS[self.language])

    def weigh(self, texts: Sequence[str], stopped: Callable[[], bool]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """See `Weigher.weigh`."""
        opening = answer_opening(self.language, "")
        prompts = [
            diagnosis_prompt(text, self.language, self.top_k, self._knowledge(text)).continued(opening)
            for text in texts
        ]
        before = self.engine.forward_tokens
        told = self.engine.score(prompts, self.names, stopped=stopped)
        self.forward_tokens += self.engine.forward_tokens - before
        return np.array([[sum(each) / max(1, len(each)) for each in row] for row in told], dtype=np.float64)

    def _knowledge(self, text: str) -> str:
        if self.found is None:
            return ""
        facts = self.found.graph.read(text, self.case.age, self.case.sex)
        given = [each.disease for each in self.found.given]
        return ground(replace(self.found, facts=facts), self.language, fits=lambda _: True, only=given).text


def weigher(
    case: PatientCase,
    case_text: str,
    language: Language,
    answer: Mapping[str, Any],
    engine: Engine,
    graph: Graph | None,
) -> Weigher:
    """What weighs the diagnoses of a stored `answer` to a de-identified `case` as they were ranked.

    Raises `NothingToExplain`, `AnotherModel`, or `EngineError` where the engine cannot weigh text.
    """
    made_by = (answer.get("engine"), answer.get("model"), answer.get("adapter"))
    if made_by != (engine.name, engine.model, engine.adapter):
        raise AnotherModel(model=" + ".join(str(each) for each in made_by[1:] if each))
    listed = [Diagnosis.model_validate(each) for each in answer.get("differential", [])][:MOST_CANDIDATES]
    if not listed:
        raise NothingToExplain
    if graph is not None and (engine.name == "knowledge" or engine.profile.points):
        known = tuple(disease.id for each in listed if (disease := graph.normalise(each.name)) is not None)
        return GraphWeigher(graph, tuple(dict.fromkeys(known)), language, case.age, case.sex or "unknown")
    if engine.name == "knowledge":
        raise EngineError(
            reason="it ranks by the knowledge graph, which is switched off.",
            reason_zh="该引擎依赖知识图谱，而知识图谱已关闭。",
        )
    found = None
    if graph is not None and answer.get("candidates"):
        found = ground(look_up(graph, case, case_text), language, fits=lambda _: True, only=tuple(answer["candidates"]))
    names = tuple(dict.fromkeys(each.name for each in listed))
    return ModelWeigher(engine, case, language, names, MOST_CANDIDATES, found)
