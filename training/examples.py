"""From a record to what a model is trained on: the question exactly as serving asks it, the answer as parsing reads it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from string import ascii_lowercase

from medassist import points
from medassist.differential import Diagnosis, Evidence
from medassist.ground import ground, look_up
from medassist.knowledge.graph import Graph
from medassist.prompt import FORMS, OPENING, Prompt, answer_opening, diagnosis_prompt, final_opening, reason_lines
from training.cases import Candidate, Exchange, TrainingCase

WITHHELD = 0.25
"""The share of examples in points from which the best candidate is withheld."""
CLOSE = 2
"""Points by which a drill's numbers are moved at random, so that totals come close and no sum is learnt by heart."""
TOP_K = 5
"""The longest list that serving asks for."""


@dataclass(frozen=True)
class Example:
    """A prompt and the whole answer to it, the reasoning in front."""

    prompt: Prompt
    answer: str

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation as chat messages: system (where there is one), user, assistant."""
        system = [{"role": "system", "content": self.prompt.system}] if self.prompt.system else []
        asked = [{"role": role, "content": content} for role, content in self.prompt.messages]
        return [*system, *asked, {"role": "assistant", "content": self.answer}]


def example(
    record: TrainingCase | Exchange,
    graph: Graph | None = None,
    *,
    fits: Callable[[str], bool] = lambda _: True,
    top_k: int = TOP_K,
) -> Example:
    """What a record teaches. With a `graph` the prompt tells of its candidates, as serving does; `fits` is its budget."""
    if isinstance(record, Exchange):
        prompt = Prompt(record.language, "", (("user", record.question),))
        return Example(prompt, f"{OPENING}{record.reasoning.strip()}\n</think>\n\n{record.response}")
    case = record.case()
    text = case.text()
    lines = knowledge(record, graph, text, fits) if graph else ""
    return Example(diagnosis_prompt(text, record.language, top_k, lines), answer_text(record))


def knowledge(record: TrainingCase, graph: Graph, case_text: str, fits: Callable[[str], bool] = lambda _: True) -> str:
    """The lines of the knowledge base for a case: its own candidates in their order, or those that serving would find."""
    found = look_up(graph, record.case(), case_text)
    if not record.candidates:
        return ground(found, record.language, fits=fits).text
    return ground(found, record.language, fits=fits, only=record.candidates).text


def in_points(record: TrainingCase, graph: Graph, drills: int) -> Iterator[Example]:
    """What a case teaches a model that weighs in points (`medassist.points`): the case, and `drills` sums without it.

    The candidates are those that serving would find, in an order that follows from the record's id alone.
    """
    rng = Random(record.id)
    text = record.case().text()
    found = look_up(graph, record.case(), text)
    for number in range(drills + 1):
        best = found.ranked[0].disease if found.ranked and rng.random() < WITHHELD else ""
        given = ground(found, record.language, fits=lambda _: True, seed=rng.randrange(2**32), without=[best])
        told = points.tally(given, text, record.language)
        if not told.lines:
            return
        if number == 0:
            prompt = points.points_prompt(text, record.language, told, points.namer(graph, record.language))
        else:
            told = _moved(told, rng) if number % 2 else _made_up(rng)
            prompt = points.drill_prompt(record.language, told)
        yield Example(prompt, f"{OPENING}{points.sums(told)}\n</think>\n{points.ranks(told)}")


def _made_up(rng: Random) -> points.Tally:
    """Candidates that are numbers only: sums of every size, not only those that cases come to."""
    letters = sorted(rng.sample(ascii_lowercase, rng.randint(5, 14)))
    lines = []
    for number in range(rng.randint(3, 6)):
        chosen = rng.sample(letters, min(len(letters), rng.randint(1, points.FOR + points.AGAINST)))
        against = rng.randint(0, min(points.AGAINST, len(chosen) - 1))
        gains = sorted((rng.randint(1, rng.choice((5, 7, 9, 16))) for _ in chosen[against:]), reverse=True)
        losses = [-rng.randint(1, 5) for _ in chosen[:against]]
        start = rng.randint(0, rng.choice((points.OFFSET, points.OFFSET, 30)))
        while start + sum(gains) > points.HIGHEST:
            gains.pop()
        losses = losses if start + sum(gains) + sum(losses) >= 0 else []
        lines.append(points.Line(f"drill-{number}", start, tuple(zip(chosen, [*gains, *losses], strict=False))))
    return points.Tally(tuple(lines), {}, rng.randint(15, 50))


def _moved(told: points.Tally, rng: Random) -> points.Tally:
    """The same candidates with other numbers."""

    def moved(number: int, least: int) -> int:
        return max(least, number + rng.randint(-CLOSE, CLOSE))

    lines = [
        replace(
            line,
            start=moved(line.start, 0),
            parts=tuple((letter, moved(given, 1) if given > 0 else -moved(-given, 1)) for letter, given in line.parts),
        )
        for line in told.lines
    ]
    return replace(told, lines=tuple(line for line in lines if 0 <= line.total < 100), none=moved(told.none, 0))


def answer_text(record: TrainingCase) -> str:
    """The answer in the form of `medassist.prompt`, which `medassist.parse` reads back."""
    form = FORMS[record.language]
    lines: list[str] = []
    for number, candidate in enumerate(record.differential_diagnosis, 1):
        lines += [f"{number}) {candidate.name}", *reason_lines(form, _diagnosis(candidate, number))]
    stages = [
        *((form.key_examinations, *(f"- {test}" for test in record.exams)) if record.exams else ()),
        *(
            (form.diagnostic_evidence, *(f"- {each}" for each in record.diagnosis_evidence))
            if record.diagnosis_evidence
            else ()
        ),
    ]
    listed = "\n".join([*lines, *stages]).removeprefix("1) ")
    return f"{answer_opening(record.language, record.reasoning)}{listed}\n{final_opening(record.language)}{record.final_diagnosis}"


def _diagnosis(candidate: Candidate, rank: int) -> Diagnosis:
    return Diagnosis(
        rank=rank,
        name=candidate.name,
        evidence_for=tuple(Evidence(text=text) for text in candidate.supports),
        evidence_against=tuple(Evidence(text=text) for text in candidate.against),
        next_tests=candidate.tests,
    )
