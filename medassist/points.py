"""Weighing in points: the knowledge graph gives each finding of a case its points for each candidate, a model adds up.

A small model cannot know medicine, but it can add and compare. It is told the case, the quotes of it under letters,
and the candidates in random order, each with a start (age, sex, how common it is) and its findings' points:

    K2 Acute inferior myocardial infarction 08 c9 a6 f-2

It answers in shorthand, a line for each candidate with the running total and the leader so far, then the ranking:

    K2 08 c17 a23 f21 > K1 31
    …
    K1 31 K0 27 K2 21

K0 is “none of these”, whose total stands fixed: where it leads, no candidate fits. `spelled` writes the shorthand out
in words and recounts every sum; a letter stands for a piece of the case, so a reason cannot be invented.

Points are natural logarithms, rounded, from the naive Bayes score of `medassist.knowledge.rank`: how much likelier a
finding makes a disease that lists it than one that leaves it unexplained. So a disease without a finding simply gets
nothing for it, every point is in a line, and “none of these” stands the higher the more the case has to be explained.
They order; they are no probabilities.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import Template, ascii_lowercase

from medassist.differential import Evidence
from medassist.errors import Language
from medassist.findings import Status
from medassist.ground import Grounding
from medassist.knowledge.graph import Graph
from medassist.knowledge.rank import DAMP, Ranked
from medassist.prompt import POINTS_VERSION, Prompt

OFFSET = 10
"""Added to every total, so that totals are positive."""
HIGHEST = 89
"""The highest total; where a case has more to explain, all its points are made smaller by one factor."""
NONE: dict[Language, float] = {"en": 1.0, "zh": 4.5}
"""The score (natural log) of “none of these”, set on the project's 60 vignettes so that half of them stay below it when the right
disease is withheld; 4 % (English) and 13 % (Chinese) of those ranked right do so too. Other cases differ: full, textbook-like
ones score higher, short ones lower (training/LOG.md)."""
FOR, AGAINST = 10, 2
"""How many findings a candidate's line has at most."""

Place = tuple[int, int]


@dataclass(frozen=True)
class Line:
    """A candidate: where it starts by age, sex and how common it is, and what each finding, by its letter, adds."""

    disease: str
    start: int
    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return self.start + sum(points for _, points in self.parts)


@dataclass(frozen=True)
class Tally:
    """The candidates in the order of the prompt, and the quotes that their letters stand for."""

    lines: tuple[Line, ...]
    quotes: dict[str, Evidence]
    none: int  # the total of K0

    def line(self, number: int) -> Line | None:
        """The candidate K`number`; None for K0 and for numbers that are none."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else None

    @property
    def totals(self) -> dict[int, int]:
        """By number, K0 among them."""
        return {0: self.none} | {number: each.total for number, each in enumerate(self.lines, 1)}

    @property
    def ranking(self) -> list[int]:
        """The numbers, the highest total first; of equal ones the earlier line."""
        totals = self.totals
        return sorted(totals, key=lambda number: (-totals[number], number or len(totals)))


def tally(found: Grounding, case_text: str, language: Language) -> Tally:
    """The points of the candidates that the prompt is about (`found.given`), for a case in `language`."""
    seen = {**found.facts.having(Status.POSSIBLE), **found.facts.absent, **found.facts.present}
    unexplained = found.graph.unexplained(found.facts)
    to_explain = -sum(unexplained.values())
    places: dict[Place, Evidence] = {}
    weighed: list[tuple[Ranked, dict[Place, float]]] = []
    for each in found.given:
        weights: dict[Place, float] = {}
        gains = [reason for reason in each.supporting if reason.weight > 0]
        told = [(reason, reason.weight * DAMP**place) for place, reason in enumerate(gains)]
        rest = [(reason, reason.weight) for reason in (*each.opposing, *each.covered)]
        for reason, weight in [*told, *rest]:
            if (observed := seen.get(reason.finding)) is None:
                continue
            gained = weight - unexplained.get(reason.finding, 0.0)
            if gained > 0 and reason.listed in found.graph.diseases[each.disease].findings.against:
                continue  # what the graph lists as speaking against is never told as a gain; it stays in the start
            quote = found.graph.quote(case_text, observed)
            if quote.start is None or quote.end is None:
                continue
            place = (quote.start, quote.end)
            places[place] = quote
            weights[place] = weights.get(place, 0.0) + gained
        weighed.append((each, weights))
    none = NONE[language] + to_explain
    scale = min(1.0, (HIGHEST - OFFSET) / max([none, *(each.score + to_explain for each, _ in weighed)]))
    weighed = [
        (each, _most_telling({place: weight * scale for place, weight in weights.items()})) for each, weights in weighed
    ]
    used = sorted({place for _, weights in weighed for place in weights})[: len(ascii_lowercase)]
    letters = dict(zip(used, ascii_lowercase, strict=False))
    return Tally(
        tuple(_line(each, (each.score + to_explain) * scale, weights, letters) for each, weights in weighed),
        {letter: places[place] for place, letter in letters.items()},
        OFFSET + round(none * scale),
    )


def _most_telling(weights: dict[Place, float]) -> dict[Place, float]:
    ordered = sorted(weights.items(), key=lambda each: (-each[1], each[0]))
    positive = [each for each in ordered if round(each[1]) > 0][:FOR]
    negative = [each for each in reversed(ordered) if round(each[1]) < 0][:AGAINST]
    return dict([*positive, *negative])


def _line(ranked: Ranked, score: float, weights: dict[Place, float], letters: dict[Place, str]) -> Line:
    parts = tuple((letters[place], round(weight)) for place, weight in weights.items() if place in letters)
    start = OFFSET + round(score) - sum(points for _, points in parts)
    return Line(ranked.disease, max(0, start), parts)


def none_score(language: Language) -> float:
    """The score (natural log) of “none of these”."""
    return NONE[language]


def fits(ranked: Ranked, language: Language) -> bool:
    """Whether a disease's score reaches that of “none of these”."""
    return ranked.score >= NONE[language]


def namer(graph: Graph, language: Language) -> Callable[[str], str]:
    """What gives a disease's name in a language."""
    return lambda disease: graph.diseases[disease].name.of(language)


# --- What is asked.

_SYSTEM: dict[Language, str] = {
    "en": "Add up the points of every disease, then rank.",
    "zh": "把每种疾病的分数相加，然后排序。",
}
_ASK = Template("$case\n\n$quotes\n\n$lines")
_NOTHING: dict[Language, str] = {"en": "none of these", "zh": "均不符合"}


def points_prompt(case_text: str, language: Language, told: Tally, name: Callable[[str], str]) -> Prompt:
    """Ask for the ranking of a case. `name` gives a disease's name."""
    quotes = "\n".join(f"{letter} {each.text}" for letter, each in told.quotes.items())
    lines = [f"K{number} {name(each.disease)} {_numbers(each)}".rstrip() for number, each in enumerate(told.lines, 1)]
    lines.append(f"K0 {_NOTHING[language]} {told.none:02d}")
    asked = _ASK.substitute(case=case_text, quotes=quotes, lines="\n".join(lines))
    return Prompt(language, _SYSTEM[language], (("user", asked),), version=POINTS_VERSION)


def drill_prompt(language: Language, told: Tally) -> Prompt:
    """The same with the points alone: what adding up is first learnt on."""
    lines = [f"K{number} {_numbers(each)}" for number, each in enumerate(told.lines, 1)]
    asked = "\n".join([*lines, f"K0 {told.none:02d}"])
    return Prompt(language, _SYSTEM[language], (("user", asked),), version=POINTS_VERSION)


def _numbers(line: Line) -> str:
    return " ".join([f"{line.start:02d}", *(f"{letter}{points}" for letter, points in line.parts)])


# --- What is answered.


def sums(told: Tally) -> str:
    """The reasoning in shorthand as it should be."""
    lines, leader, highest = [], 0, -1
    for number, each in enumerate(told.lines, 1):
        running, parts = each.start, [f"{each.start:02d}"]
        for letter, points in each.parts:
            running += points
            parts.append(f"{letter}{running:02d}")
        if running > highest:
            leader, highest = number, running
        lines.append(f"K{number} {' '.join(parts)} > K{leader} {highest:02d}")
    if highest < told.none:
        leader, highest = 0, told.none
    return "\n".join([*lines, f"K0 {told.none:02d} > K{leader} {highest:02d}"])


def ranks(told: Tally) -> str:
    """The ranking in shorthand as it should be."""
    totals = told.totals
    return " ".join(f"K{number} {totals[number]:02d}" for number in told.ranking)


def sums_grammar(told: Tally) -> str:
    """Holds the reasoning to its form: every candidate in its turn with its own letters; the numbers are the model's."""
    lines = []
    for number, each in enumerate(told.lines, 1):
        letters = "".join(f' " {letter}" NUMBER' for letter, _ in each.parts)
        lines.append(f'"K{number} {each.start:02d}"{letters} LEAD')
    numbers = "|".join(f'"{number}"' for number in range(len(told.lines) + 1))
    return (
        f'start: {" ".join(lines)} "K0 {told.none:02d}" LEAD "</think>"\n'
        f'LEAD: " > K" ({numbers}) " " NUMBER "\\n"\nNUMBER: /-?[0-9]{{1,3}}/\n'
    )


def ranks_grammar(told: Tally) -> str:
    """Holds the ranking to its form; which candidate stands where is the model's."""
    numbers = "|".join(f'"{number}"' for number in range(len(told.lines) + 1))
    rest = " ".join(['" " PLACE'] * len(told.lines))
    return f'start: PLACE {rest}\nPLACE: "K" ({numbers}) " " /-?[0-9]{{1,3}}/\n'


_SUM = re.compile(r"^K(?P<number>\d+) (?P<start>-?\d+)(?P<parts>(?: [a-z]-?\d+)*)(?P<ended> > K)?", re.MULTILINE)
_PART = re.compile(r" ([a-z])(-?\d+)")
_PLACE = re.compile(r"K(\d+) -?\d+(?=\s|$)")


@dataclass(frozen=True)
class Summed:
    """A line of the reasoning as the model wrote it: `letters` that its candidate has, `invented` ones that it has not."""

    number: int
    letters: tuple[str, ...]
    invented: tuple[str, ...]
    total: int | None  # None: still being written


def read_sums(text: str, told: Tally) -> list[Summed]:
    """The lines of a reasoning, also of one that is still being written."""
    found = []
    for match in _SUM.finditer(text):
        number = int(match["number"])
        line = told.line(number)
        if line is None:
            continue
        own = {letter for letter, _ in line.parts}
        parts = _PART.findall(match["parts"])
        letters = list(dict.fromkeys(letter for letter, _ in parts))
        total = int(parts[-1][1]) if parts else int(match["start"])
        ended = match["ended"] is not None
        found.append(
            Summed(
                number,
                tuple(letter for letter in letters if letter in own),
                tuple(letter for letter in letters if letter not in own),
                total if ended else None,
            )
        )
    return found


def read_ranks(text: str, told: Tally) -> list[int]:
    """The numbers in the order of the ranking, each once, K0 among them."""
    numbers = [int(each) for each in _PLACE.findall(text)]
    return list(dict.fromkeys(each for each in numbers if each <= len(told.lines)))


# --- In words.


@dataclass(frozen=True)
class _Words:
    legend: str
    line: str
    total: str
    part: str
    recounted: str


_WORDS: dict[Language, _Words] = {
    "en": _Words(
        legend="Points of the knowledge base. The first number stands for age, sex and how common the disease is; the more "
        "of the case there is to explain, the more points a disease needs: below {none} in all, nothing listed fits.",
        line="[K{number}] {name}: {start}{parts}",
        total=" = {total}",
        part=", {text} {points:+d}",
        recounted=" (the model counted {wrong})",
    ),
    "zh": _Words(
        legend="以下为知识库的分数。首个数字代表年龄、性别和疾病常见程度；需解释的表现越多，所需分数越高：总分均低于 {none} 则所列疾病均不符合。",
        line="[K{number}] {name}：{start}{parts}",
        total=" = {total}",
        part="，{text} {points:+d}",
        recounted="（模型算得 {wrong}）",
    ),
}


def spelled(text: str, told: Tally, language: Language, name: Callable[[str], str]) -> str:
    """The shorthand of a reasoning in words, the sums recounted; a sum that the model got wrong is said to be so.

    What is written of it stays as it is while the shorthand grows: a sum is told when its line has ended.
    """
    words, lines = _WORDS[language], []
    for each in read_sums(text, told):
        line = told.line(each.number)
        if line is None:
            continue
        points = dict(line.parts)
        parts = [words.part.format(text=told.quotes[letter].text, points=points[letter]) for letter in each.letters]
        said = words.line.format(number=each.number, name=name(line.disease), start=line.start, parts="".join(parts))
        if each.total is not None:
            total = line.start + sum(points[letter] for letter in each.letters)
            said += words.total.format(total=total)
            said += words.recounted.format(wrong=each.total) if each.total != total else ""
        lines.append(said)
    return "\n".join([words.legend.format(none=told.none), *lines]) if lines else ""


def reasons(line: Line, told: Tally, letters: Sequence[str]) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """What of the case, by these letters, speaks for a candidate and against it."""
    points = dict(line.parts)
    kept = [letter for letter in letters if letter in points]
    return (
        tuple(told.quotes[letter] for letter in kept if points[letter] > 0),
        tuple(told.quotes[letter] for letter in kept if points[letter] < 0),
    )
