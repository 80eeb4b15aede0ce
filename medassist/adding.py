"""The answer of a model that weighs in points: it adds up and ranks; here that is put into words and counted again.

The list follows the count. What the model made of it is kept beside it (`own_order`), and where its first is another
one, the answer says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from medassist import points, review
from medassist.compliance import warn, without_doses
from medassist.differential import Diagnosis, Differential
from medassist.events import DiagnosisAdded, Event, Reasoning
from medassist.ground import Grounding
from medassist.prompt import NONE_FITS, OPENING
from medassist.turn import CLOSING, Head, Turn, told_at_once, written


def add_up(turn: Turn, head: Head) -> Iterator[Event]:
    """The model adds up the points of the knowledge base and ranks; what it decided is put into words here."""
    assert head.found is not None
    told = points.tally(head.found, head.case_text, head.language)
    tallied = _Tallied(head, told)
    settled = False
    try:
        budget = turn.engine.profile.think_tokens
        grammar = points.sums_grammar(told)
        state, began = None, turn.seconds
        for piece, state in turn.write(head.prompt.continued(OPENING, grammar), budget, stop=(CLOSING,)):
            yield turn.progress(state)
            tallied.sums += piece
            if piece:
                yield Reasoning(tallied.reasoning, False, turn.seconds - began, turn.new_tokens)
        turn.reasoned = Reasoning(tallied.reasoning, True, turn.seconds - began, turn.new_tokens)
        yield turn.reasoned
        if state is not None and state.finish_reason == "length":
            yield turn.cut(head.language, "reasoning", "推理部分")
        asked = head.prompt.continued(f"{OPENING}{tallied.sums.strip()}\n{CLOSING}\n", points.ranks_grammar(told))
        for diagnosis in tallied.diagnoses:
            yield head.mapped(DiagnosisAdded(diagnosis))
        for piece, state in turn.write(asked, turn.engine.profile.answer_tokens):
            yield turn.progress(state)
            tallied.ranks += piece
        settled = True
    finally:
        read = tallied.differential(settled)
        text = written(read, head.language)
        turn.raw = f"{OPENING}{tallied.reasoning}\n{CLOSING}\n\n{text}"
        reviewed = review.of_answer(read, text, head.case, head.case_text, head.found, head.language)
        turn.result = head.answer(reviewed.differential, tallied.reasoning, reviewed.added)
        turn.result["own_order"] = [tallied.name(number) for number in tallied.own_order]
    if tallied.own_order[:1] != tallied.order[:1]:
        first = tallied.name(tallied.own_order[0]) if tallied.own_order else "–"
        yield turn.warned(warn("points.recounted", head.language, name=first))
    yield from told_at_once(turn.result | {"differential": []})
    for warning in reviewed.warnings:
        yield turn.warned(warning)
    if not turn.result["differential"]:
        yield turn.warned(warn("answer.unparsed", head.language))


@dataclass
class _Tallied:
    """An answer in points while it is written: the model's shorthand, and what it says."""

    head: Head
    told: points.Tally
    sums: str = ""
    ranks: str = ""

    @property
    def _found(self) -> Grounding:
        assert self.head.found is not None
        return self.head.found

    @property
    def reasoning(self) -> str:
        language = self.head.language
        spelled = points.spelled(self.sums, self.told, language, points.namer(self._found.graph, language))
        return without_doses(spelled, language)

    @property
    def own_order(self) -> list[int]:
        """As the model ranked, K0 among them."""
        return points.read_ranks(self.ranks, self.told)

    @property
    def order(self) -> list[int]:
        """As the candidates that the model summed up come to stand when their points are counted again, K0 among them."""
        summed = {each.number for each in points.read_sums(self.sums, self.told) if each.total is not None}
        return [number for number in self.told.ranking if number in summed or (number == 0 and summed)]

    def name(self, number: int) -> str:
        """What a number of the ranking stands for."""
        line, language = self.told.line(number), self.head.language
        return NONE_FITS[language] if line is None else points.namer(self._found.graph, language)(line.disease)

    @property
    def diagnoses(self) -> list[Diagnosis]:
        listed = [number for number in self.order if number][: self.head.top_k]
        return [self._diagnosis(number, rank) for rank, number in enumerate(listed, 1)]

    def _diagnosis(self, number: int, rank: int) -> Diagnosis:
        line = self.told.line(number)
        assert line is not None  # only K0 has none
        summed = next((each for each in points.read_sums(self.sums, self.told) if each.number == number), None)
        supporting, opposing = points.reasons(line, self.told, summed.letters if summed else ())
        disease, language = self._found.graph.diseases[line.disease], self.head.language
        return Diagnosis(
            rank=rank,
            name=disease.name.of(language),
            evidence_for=supporting,
            evidence_against=opposing,
            next_tests=tuple(each.test.of(language) for each in disease.examinations[:3]),
        )

    def differential(self, settled: bool) -> Differential:
        """The whole answer; of one that was broken off, the diagnoses."""
        diagnoses = tuple(self.diagnoses)
        if not settled or not diagnoses:
            return Differential(diagnoses=diagnoses)
        none = self.order[0] == 0
        tests = list(dict.fromkeys(test for each in diagnoses[:2] for test in each.next_tests))[:4]
        return Differential(
            diagnoses=diagnoses,
            key_examinations=tuple(tests),
            diagnostic_evidence=() if none else tuple(each.text for each in diagnoses[0].evidence_for),
            final_diagnosis=NONE_FITS[self.head.language] if none else diagnoses[0].name,
        )
