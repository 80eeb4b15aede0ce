"""From rows to what counts: the valid value of every item, by answer, and the columns that statistics read."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from medassist.errors import InvalidStudy
from medassist.statistics import Interval, Note, UnusableRatings
from medassist.study.dataset import AssignmentRow, CaseRow, Dataset, RatingRow, ResponseRow
from medassist.study.faults import invalid
from medassist.study.instrument import CANNOT_JUDGE, Instrument, Item
from medassist.study.protocol import Protocol

ACCEPT = "accept"
NOT_ASKED = Note("The instrument does not ask for acceptance.", "该量表未询问接受与否。")


@dataclass(frozen=True)
class Answer:
    """What one rater said, in one assignment, of one response."""

    assignment: AssignmentRow
    response: str
    arm: str  # code
    values: dict[str, str]  # item → valid value; a withdrawn or missing one is not in it

    @property
    def case(self) -> str:
        return self.assignment.case

    @property
    def rater(self) -> str:
        return self.assignment.rater


@dataclass(frozen=True)
class Columns:
    """Ratings in long form."""

    cases: list[str]
    raters: list[str]
    arms: list[str]
    values: list[Any]

    def of_arm(self, code: str) -> "Columns":
        return self.where(lambda n: self.arms[n] == code)

    def where(self, chosen: Callable[[int], bool]) -> "Columns":
        kept = [n for n in range(len(self.values)) if chosen(n)]
        return Columns(*([column[n] for n in kept] for column in (self.cases, self.raters, self.arms, self.values)))

    def of_cases(self, cases: set[str]) -> "Columns":
        return self.where(lambda n: self.cases[n] in cases)

    @property
    def three(self) -> tuple[list[str], list[str], list[Any]]:
        return self.cases, self.raters, self.values


@dataclass(frozen=True)
class Read:
    """A dataset with what its protocol and instrument make of it."""

    data: Dataset
    protocol: Protocol  # the latest version
    instrument: Instrument

    @cached_property
    def names(self) -> dict[str, str]:
        """Arm code → name."""
        return {arm.code: arm.name or arm.code for arm in self.data.arms}

    @cached_property
    def responses(self) -> dict[str, ResponseRow]:
        return {response.id: response for response in self.data.responses}

    @cached_property
    def cases(self) -> dict[str, CaseRow]:
        """Those to be rated: no practice."""
        return {case.id: case for case in self.data.cases if not case.is_practice}

    @cached_property
    def removed(self) -> set[str]:
        """Raters whose ratings were taken out when they withdrew."""
        return {rater.id for rater in self.data.raters if rater.withdrawal == "removed"}

    @cached_property
    def valid(self) -> dict[tuple[str, str, str], RatingRow]:
        """(assignment, response, item) → its highest revision."""
        found: dict[tuple[str, str, str], RatingRow] = {}
        for row in sorted(self.data.ratings, key=lambda row: row.revision):
            found[row.assignment, row.response, row.item] = row
        return found

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """Of every kind of assignment, in the order rated; without raters whose ratings were removed."""
        values: dict[tuple[str, str], dict[str, str]] = {}
        for (assignment, response, item), row in self.valid.items():
            if row.status != "withdrawn" and row.value.strip():
                values.setdefault((assignment, response), {})[item] = row.value
        return tuple(
            Answer(assignment, response, self.responses[response].arm, values[assignment.id, response])
            for assignment in sorted(self.data.assignments, key=lambda row: (row.rater, row.position, row.id))
            if assignment.rater not in self.removed
            for response in assignment.responses
            if (assignment.id, response) in values
        )

    def of_kind(self, kind: str) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if answer.assignment.kind == kind)

    @cached_property
    def primary(self) -> tuple[Answer, ...]:
        """What the estimates are made from: the first time a rater judged an arm's answer to a case.

        With three arms side by side an answer comes up in several pairs; its later ratings are kept for preferences.
        """
        first: dict[tuple[str, str, str], Answer] = {}
        for answer in self.of_kind("primary"):
            if answer.case in self.cases:
                first.setdefault((answer.rater, answer.case, answer.arm), answer)
        return tuple(first.values())

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What is asked of each answer."""
        each = {page.id for page in self.instrument.pages if page.asked == "each"}
        return tuple(item for item in self.instrument.items if item.page in each)

    @cached_property
    def explained(self) -> set[str]:
        """Cases with explanations, as far as the data tell: somebody answered what is asked of one.

        Where an arm lacks one the panel asks nothing of explanations.
        """
        pages = {page.id for page in self.instrument.pages if page.shows}
        about = {item.id for item in self.instrument.items if item.page in pages}
        return {answer.case for answer in self.answers if about & answer.values.keys()}

    def of_case(self, item: Item, case: str) -> bool:
        """Whether `item` is asked of a case at all."""
        page = next(page for page in self.instrument.pages if page.id == item.page)
        return not page.shows or case in self.explained

    @property
    def asks_acceptance(self) -> bool:
        return any(item.id == ACCEPT for item in self.items)

    def accepted(self, answer: Answer) -> int | None:
        """1, 0, or None where it was not judged."""
        value = answer.values.get(ACCEPT)
        if value is None or value == CANNOT_JUDGE:
            return None
        return int(value == "yes" or (value == "minor_edits" and self.protocol.minor_edits_count))

    @cached_property
    def acceptance(self) -> Columns:
        return columns(self.primary, self.accepted)

    @property
    def level(self) -> float:
        return self.protocol.primary_estimate.level


def columns(answers: Iterable[Answer], value: Callable[[Answer], Any]) -> Columns:
    """`value` of each answer; those that have none are left out."""
    kept = [(answer, found) for answer in answers if (found := value(answer)) is not None]
    return Columns(
        [answer.case for answer, _ in kept],
        [answer.rater for answer, _ in kept],
        [answer.arm for answer, _ in kept],
        [found for _, found in kept],
    )


def read(data: Dataset) -> Read:
    """`data` checked for what an analysis needs. Raises `InvalidStudy` that names what is wrong."""
    if data.blinded:
        raise InvalidStudy(
            where=data.title,
            reason=f"is {data.state} and still blinded; lock and unblind it before it is analysed.",
            reason_zh=f"当前状态为 {data.state}，尚未揭盲；须先锁定并揭盲，方可分析。",
        )
    if not data.versions:
        raise InvalidStudy(where=data.title, reason="has no protocol.", reason_zh="没有研究方案。")
    latest = max(data.versions, key=lambda version: version.number)
    try:
        protocol = Protocol.model_validate(latest.protocol)
        instrument = instrument_of(data)
    except ValidationError as error:
        raise invalid(error, f"{data.title}: protocol or instrument", data.instrument) from None
    _require_whole(data, protocol)
    return Read(data, protocol, instrument)


def instrument_of(data: Dataset) -> Instrument:
    """The instrument as validated, its arms' options taken out where they were filled in.

    Of a study of one arm they would be a choice of one, which no instrument may have.
    """
    codes = {arm.code for arm in data.arms}

    def unfilled(item: dict[str, Any]) -> dict[str, Any]:
        options = [option["code"] for option in item["options"]]
        return item | {"options": [], "options_from": "arms"} if options and set(options) <= codes else item

    return Instrument.model_validate(data.instrument | {"items": [unfilled(item) for item in data.instrument["items"]]})


def _require_whole(data: Dataset, protocol: Protocol) -> None:
    """Raise `InvalidStudy` for the first row that points at nothing."""
    arms = {arm.code for arm in data.arms}
    cases, raters = {case.id for case in data.cases}, {rater.id for rater in data.raters}
    responses, assignments = {row.id for row in data.responses}, {row.id for row in data.assignments}
    _require("response", ((row.id, row.arm) for row in data.responses), arms)
    _require("response", ((row.id, row.case) for row in data.responses), cases)
    _require("assignment", ((row.id, row.rater) for row in data.assignments), raters)
    _require("assignment", ((row.id, each) for row in data.assignments for each in row.responses), responses)
    _require("rating", ((f"{row.assignment}, {row.item}", row.assignment) for row in data.ratings), assignments)
    _require("rating", ((f"{row.assignment}, {row.item}", row.response) for row in data.ratings), responses)
    named = {arm.name for arm in data.arms}
    _require("protocol", (("arms", arm.name) for arm in protocol.arms), named)


def _require(what: str, pairs: Iterable[tuple[str, str]], known: set[Any]) -> None:
    for row, target in pairs:
        if target not in known:
            raise InvalidStudy(
                where=f"{what} {row}",
                reason=f"refers to {target!r}, which the study does not have.",
                reason_zh=f"指向研究中不存在的 {target!r}。",
            )


def guarded(compute: Callable[[], Interval], method: str = "") -> Interval:
    """An interval, or one that is undefined and says why."""
    try:
        return compute()
    except UnusableRatings as error:
        return undefined(reason(error), method)


def reason(error: UnusableRatings) -> Note:
    """Why nothing could be computed."""
    en, zh = str(error.details["reason"]), str(error.details["reason_zh"])
    if en == "there are none.":
        en = "there are no ratings."
    return Note(f"Undefined: {en}", f"无定义：{zh}")


def undefined(note: Note, method: str = "") -> Interval:
    return Interval(None, None, None, method, note)


def distinct(values: Sequence[str]) -> int:
    return len(set(values))
