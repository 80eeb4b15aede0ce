"""Writes the reasoning and the answer: every candidate in the order given, what the case has of it, then the ranking.

Reasons are quotes of the case. What is typical and not mentioned is named as the graph names it, since the case does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from medassist.errors import Language
from medassist.prompt import NONE_FITS
from training.cases import Candidate
from training.synthetic.weigh import Verdict, Weighed, ranking
from training.synthetic.world import World
from training.synthetic.write import Note

LISTED = 4
FIRST, LATER, TESTS, DECISIVE = 4, 2, 2, 3
"""How many reasons the first candidate and the later ones get, tests, and findings that decide."""


@dataclass(frozen=True)
class Answer:
    """The reasoning and the four stages, as `TrainingCase` holds them."""

    reasoning: str
    differential_diagnosis: tuple[Candidate, ...]
    exams: tuple[str, ...]
    diagnosis_evidence: tuple[str, ...]
    final_diagnosis: str


@dataclass(frozen=True)
class _Words:
    has: str
    nothing: str
    against: str
    missing: str
    fits: Mapping[Verdict, str]
    order: str
    then: str
    none: str
    unexplained: str
    best: str
    join: str
    stop: str
    colon: str


_WORDS: Mapping[Language, _Words] = {
    "en": _Words(
        has="{}",
        nothing="nothing of it here",
        against="against it {}",
        missing="not mentioned {}",
        fits={"well": "Fits well.", "partly": "Fits in part.", "poorly": "Fits poorly."},
        order="{} fits best",
        then=", then {}",
        none="None fits well",
        unexplained="{} leaves {} unexplained",
        best="{} speak for {}.",
        join=", ",
        stop="; ",
        colon=": ",
    ),
    "zh": _Words(
        has="{}",
        nothing="本例均无",
        against="不支持：{}",
        missing="未提{}",
        fits={"well": "很符合。", "partly": "部分符合。", "poorly": "不太符合。"},
        order="{}最符合",
        then="，其次{}",
        none="均不太符合",
        unexplained="{}不能解释{}",
        best="{}支持{}。",
        join="、",
        stop="；",
        colon="：",
    ),
}


class Reasoner:
    """Words for one case: its language, its quotes, the names of the graph."""

    def __init__(self, world: World, note: Note, language: Language) -> None:
        self.world, self.note, self.language = world, note, language
        self.words = _WORDS[language]
        self._measured = {
            name: measure
            for measure, limits in world.limits.items()
            if f"#{measure}" in note.quotes
            for name, _ in limits
        }

    def quotes(self, findings: Iterable[str]) -> list[str]:
        """What the case says of the findings, each piece once."""
        found = [self.note.quotes.get(name) or self.note.quotes[f"#{self._measured[name]}"] for name in findings]
        return list(dict.fromkeys(found))

    def name(self, disease: str) -> str:
        return self.world.graph.diseases[disease].name.of(self.language)

    def tests(self, disease: str, most: int) -> tuple[str, ...]:
        """The examinations that decide, each without the remark behind it."""
        tests = [each.test.of(self.language) for each in self.world.graph.diseases[disease].examinations]
        return tuple(dict.fromkeys(test.replace("；", ";").split(";")[0].strip() for test in tests))[:most]

    # --- The reasoning.

    def line(self, number: int, each: Weighed) -> str:
        """One candidate."""
        words = self.words
        has = self.quotes(each.has)
        parts = [words.has.format(words.join.join(has)) if has else words.nothing]
        if each.denied:
            parts.append(words.against.format(words.join.join(self.quotes(each.denied))))
        if each.missing:
            names = [self.world.graph.finding_name(name, self.language) for name in each.missing]
            parts.append(words.missing.format(words.join.join(names)))
        end = "。" if self.language == "zh" else ". "
        said = words.stop.join(parts)
        return f"[K{number}] {self.name(each.disease)}{words.colon}{said}{end}{words.fits[each.verdict()]}"

    def conclusion(self, ranked: Sequence[Weighed], stated: Sequence[str], *, withheld: bool) -> str:
        """What follows once all candidates are weighed."""
        words, names = self.words, [self.name(each.disease) for each in ranked[:LISTED]]
        end = "。" if self.language == "zh" else "."
        if not withheld:
            return words.order.format(names[0]) + words.then.format(words.join.join(names[1:])) + end
        left = [name for name in stated if name not in ranked[0].has][:2]
        return f"{words.none}{words.colon}{words.unexplained.format(names[0], words.join.join(self.quotes(left)))}{end}"

    def reasoning(self, weighed: Sequence[Weighed], stated: Sequence[str], *, withheld: bool) -> str:
        """Every candidate in the order of the prompt, and only then the ranking."""
        lines = [self.line(number, each) for number, each in enumerate(weighed, 1)]
        return "\n".join([*lines, self.conclusion(ranking(weighed), stated, withheld=withheld)])

    # --- The answer.

    def candidate(self, each: Weighed, place: int) -> Candidate:
        return Candidate(
            name=self.name(each.disease),
            supports=tuple(self.quotes(each.has)[: FIRST if place == 0 else LATER]),
            against=tuple(self.quotes(each.denied)[:LATER]),
            tests=self.tests(each.disease, TESTS if place == 0 else 1),
        )

    def answer(self, weighed: Sequence[Weighed], stated: Sequence[str], *, withheld: bool) -> Answer:
        """The whole answer to a full case."""
        ranked = ranking(weighed)
        first = ranked[0]
        exams = (
            tuple(dict.fromkeys(test for each in ranked[:2] for test in self.tests(each.disease, 1)))
            if withheld
            else self.tests(first.disease, TESTS + 1)
        )
        decisive = [name for name in stated if name not in first.has] if withheld else first.has
        return Answer(
            self.reasoning(weighed, stated, withheld=withheld),
            tuple(self.candidate(each, place) for place, each in enumerate(ranked[:LISTED])),
            exams,
            tuple(self.quotes(decisive)[:DECISIVE]),
            NONE_FITS[self.language] if withheld else self.name(first.disease),
        )

    def choice(self, weighed: Sequence[Weighed]) -> Answer:
        """The short answer: one line of reasoning, one disease."""
        first = ranking(weighed)[0]
        quotes, name = self.quotes(first.has), self.name(first.disease)
        both = "和" if self.language == "zh" else " and "
        said = f"{self.words.join.join(quotes[:-1])}{both}{quotes[-1]}" if len(quotes) > 1 else quotes[0]
        return Answer(
            self.words.best.format(said, name),
            (Candidate(name=name, supports=tuple(quotes[:FIRST])),),
            (),
            (),
            name,
        )
