"""How well a model that weighs in points (`medassist.points`) does it when nothing holds it to the form.

Serving lets it name only findings that its candidate has, and counts again. Here it writes freely, and what it wrote is
counted: reasons that are not in the candidate's line, sums that do not come out, a leader that does not lead.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from medassist import points
from medassist.deidentify import deidentify
from medassist.engines import Engine
from medassist.errors import EngineError
from medassist.evaluate.cases import GoldCase
from medassist.ground import ground, look_up
from medassist.knowledge.graph import Graph
from medassist.prompt import OPENING
from medassist.turn import CLOSING


@dataclass
class Counts:
    """Over all answers. A reason is a letter in a candidate's line of the reasoning."""

    answers: int = 0
    whole: int = 0  # with every candidate summed and ranked once
    reasons: int = 0
    invented: int = 0  # reasons of another candidate, or of none
    left_out: int = 0  # findings of a candidate that its line does not name
    sums: int = 0
    wrong_sums: int = 0  # against a recount of the letters that were named
    first_by_points: int = 0  # answers whose first is the highest by a recount
    exact: int = 0  # answers that are letter for letter what they should be

    def told(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class Written:
    """One answer written freely: what was asked, what stands there, and what should."""

    id: str
    asked: str
    written: str
    right: str


def count(
    cases: Iterable[GoldCase], engine: Engine, graph: Graph, *, shuffle: int | None = None, at_once: int = 1
) -> Iterator[tuple[Written, Counts]]:
    """Ask about each case without a grammar, `at_once` at a time: every answer, and the counts so far.

    Raises `EngineError` where the engine's adapter does not weigh in points.
    """
    engine.load()
    if not engine.profile.points:
        raise EngineError(
            reason="its adapter does not weigh in points; there is nothing to count.",
            reason_zh="其适配器不以分数权衡，无可统计。",
        )

    def write(gold: GoldCase) -> tuple[points.Tally, Written] | None:
        language, case = gold.case.written_in, deidentify(gold.case).case
        text = case.text()
        found = ground(look_up(graph, case, text), language, fits=lambda _: True, seed=shuffle)
        told = points.tally(found, text, language)
        if not told.lines:
            return None
        prompt = points.points_prompt(text, language, told, points.namer(graph, language))
        written = "".join(engine.stream(prompt, max_new_tokens=700)).removeprefix(OPENING).strip()
        right = f"{points.sums(told)}\n{CLOSING}\n{points.ranks(told)}"
        return told, Written(gold.id, prompt.messages[0][1], written, right)

    counts = Counts()
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        for each in pool.map(write, cases):
            if each is not None:
                _note(counts, each[1], each[0])
                yield each[1], counts


def _note(counts: Counts, answer: Written, told: points.Tally) -> None:
    reasoning, _, ranking = answer.written.partition(CLOSING)
    summed = points.read_sums(reasoning, told)
    ranked = points.read_ranks(ranking, told)
    counts.answers += 1
    counts.whole += len({each.number for each in summed}) == len(told.lines) and len(ranked) == len(told.lines) + 1
    for each in summed:
        line = told.line(each.number)
        assert line is not None  # `read_sums` leaves out what is none
        by_letter = dict(line.parts)
        counts.reasons += len(each.letters) + len(each.invented)
        counts.invented += len(each.invented)
        counts.left_out += len(by_letter) - len(each.letters)
        if each.total is None:
            continue
        counts.sums += 1
        counts.wrong_sums += each.total != line.start + sum(by_letter[letter] for letter in each.letters)
    highest = max(told.totals.values())
    counts.first_by_points += bool(ranked) and told.totals[ranked[0]] == highest
    counts.exact += answer.written == answer.right
