"""What the knowledge graph adds to a case: the candidates that fit, their telling facts, within a budget of tokens."""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from medassist.case import PatientCase
from medassist.errors import Language
from medassist.knowledge.graph import Graph, Raised
from medassist.knowledge.lexicon import Facts
from medassist.knowledge.rank import Ranked
from medassist.knowledge.records import Disease

CANDIDATES = 6
FINDINGS = 4


@dataclass(frozen=True)
class Grounding:
    """One case in the light of one version of the graph."""

    graph: Graph
    facts: Facts
    ranked: tuple[Ranked, ...]
    raised: tuple[Raised, ...]
    given: tuple[Ranked, ...] = ()  # in the order of the prompt
    text: str = ""  # what the prompt says of them

    @property
    def diseases(self) -> list[Disease]:
        """The diseases that the model was told of, in the order of the prompt."""
        return [self.graph.diseases[each.disease] for each in self.given]


def look_up(graph: Graph, case: PatientCase, case_text: str) -> Grounding:
    """Read the case and rank what fits. `case_text` is the text that spans index."""
    facts = graph.read(case_text, case.age, case.sex)
    ranked = tuple(graph.rank(facts, age=case.age, sex=case.sex, top=20))
    raised = tuple(graph.raised(facts, age=case.age, sex=case.sex))
    return Grounding(graph, facts, ranked, raised)


def ground(
    found: Grounding,
    language: Language,
    *,
    fits: Callable[[str], bool],
    seed: int | None = None,
    most: int = CANDIDATES,
    without: Sequence[str] = (),
    only: Sequence[str] | None = None,
) -> Grounding:
    """`found` with the best candidates put into words, as many as `fits` allows, shuffled by `seed`.

    The order of the graph is hidden from the model: repeating the first line must not look like thinking. Without a
    seed the order follows from the case itself, so that the same case gets the same prompt. `without` withholds
    diseases, to see whether a model notices; `only` names all that are told, in the order to tell them.
    """
    if only is not None:  # a score is not told, so age and sex do not matter
        given = found.graph.weighed(found.facts, [name for name in only if name in found.graph.diseases])
        return _told(found, list(given.values()), language, fits)
    ranked = [each for each in found.ranked if each.disease not in without]
    best = ranked[:most]
    flagged = [raised.disease.id for raised in found.raised if raised.disease.id not in without]
    nothing_explained = sum(found.graph.unexplained(found.facts).values())
    for name in flagged:  # what a red flag names is told, in place of the least likely
        if name not in {each.disease for each in best}:
            kept = next((each for each in ranked if each.disease == name), Ranked(name, nothing_explained))
            best = [*best[: most - 1], kept]
    if seed is None:
        seen = (
            "|".join(sorted({each.finding for each in found.facts.observations}))
            + "|"
            + "|".join(sorted(each.disease for each in best))
        )
        seed = int.from_bytes(hashlib.sha256(seen.encode()).digest()[:4], "big")
    return _told(replace(found, ranked=tuple(ranked)), best, language, fits, seed)


def _told(
    found: Grounding, best: list[Ranked], language: Language, fits: Callable[[str], bool], seed: int | None = None
) -> Grounding:
    """As many of `best` as `fits` allows, the last ones left out first, shuffled where there is a seed."""
    while best:
        order = list(best)
        if seed is not None:
            random.Random(seed).shuffle(order)
        for also in (FINDINGS - 1, 0):  # rather a short line for each than fewer candidates
            text = "\n".join(_line(found, each, number, language, also) for number, each in enumerate(order, 1))
            if fits(text):
                return replace(found, given=tuple(order), text=text)
        best = best[:-1]
    return found


_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "here": "in this case",
        "denied": "denied",
        "also": "typical too",
        "test": "test",
        "join": ", ",
        "stop": "; ",
    },
    "zh": {"here": "本例", "denied": "否认", "also": "常见还有", "test": "检查", "join": "、", "stop": "；"},
}


def _line(found: Grounding, ranked: Ranked, number: int, language: Language, most: int) -> str:
    """One candidate: what of it the case has (+) and denies (−), `most` findings else typical, the test that decides."""
    graph, words = found.graph, _WORDS[language]
    disease = graph.diseases[ranked.disease]
    has = [reason.finding for reason in ranked.supporting if reason.listed in disease.findings.all()][:FINDINGS]
    denied = [reason.finding for reason in ranked.opposing if reason.finding in found.facts.absent][:2]
    told = {reason.listed for reason in (*ranked.supporting, *ranked.opposing)}
    also = [
        name
        for name, frequency in disease.findings.all().items()
        if name not in told
        and name not in disease.findings.against
        and frequency in ("obligate", "very_frequent", "frequent")
    ][:most]

    def names(ids: Sequence[str], mark: str = "") -> str:
        return words["join"].join(f"{mark}{graph.finding_name(each, language)}" for each in ids)

    parts = []
    if has:
        parts.append(f"{words['here']} {names(has, '+')}")
    if denied:
        parts.append(f"{words['denied']} {names(denied, '−')}")
    if also:
        parts.append(f"{words['also']} {names(also)}")
    first = disease.examinations[0]
    parts.append(f"{words['test']} {first.test.of(language)}")
    name = disease.name.of(language)
    colon = "：" if language == "zh" else ": "
    return f"[K{number}] {name}{colon}{words['stop'].join(parts)}"
