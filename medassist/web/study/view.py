"""What the page of one study shows: how each step stands, and which one is next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from medassist.accounts import LOCAL
from medassist.store.accounts import Account
from medassist.store.study_tables import ProtocolVersion, Rater, Response, Study, StudyArm, StudyCase
from medassist.study.arms import ArmConfig
from medassist.study.instrument import Instrument
from medassist.study.lead import Lead
from medassist.study.protocol import Protocol
from medassist.study.responses import config_of
from medassist.study.watching import status

STEPS: Final = (
    "protocol",
    "arms",
    "cases",
    "answers",
    "raters",
    "allocation",
    "rating",
    "adjudication",
    "end",
    "report",
)
LEAST_RATERS: Final = 2
TROUBLES_SHOWN: Final = 8

Mark = Literal["done", "now", "later"]
Told = tuple[str, dict[str, Any]]  # a word, and what fills it


@dataclass(frozen=True)
class Step:
    """One section: whether it is done, and what is to be said of it."""

    id: str
    mark: Mark
    told: tuple[Told, ...]


@dataclass
class View:
    lead: Lead
    study_id: str
    study: Study = field(init=False)

    def __post_init__(self) -> None:
        self.study = self.lead.studies.study(self.study_id)

    @cached_property
    def protocol(self) -> Protocol:
        return self.lead.protocol(self.study_id)

    @cached_property
    def instrument(self) -> Instrument:
        return Instrument.model_validate(self.study.instrument)

    @cached_property
    def versions(self) -> list[ProtocolVersion]:
        return self.lead.studies.versions(self.study_id)

    @cached_property
    def arms(self) -> list[StudyArm]:
        return self.lead.studies.arms(self.study_id)

    @cached_property
    def configs(self) -> dict[str, ArmConfig]:
        """Arm name → where its answers come from."""
        return {arm.name: config_of(arm) for arm in self.arms}

    @cached_property
    def cases(self) -> list[StudyCase]:
        return self.lead.studies.cases(self.study_id)

    @cached_property
    def responses(self) -> list[Response]:
        return self.lead.studies.responses(self.study_id)

    @cached_property
    def raters(self) -> list[Rater]:
        return self.lead.studies.raters(self.study_id)

    @cached_property
    def status(self) -> dict[str, Any]:
        return status(self.lead, self.study_id)

    @property
    def state(self) -> str:
        return self.study.state

    @property
    def is_open(self) -> bool:
        """Whether cases, answers and raters may still come in."""
        return self.state in ("draft", "enrolling")

    @property
    def job(self) -> str:
        """Of the job that writes answers."""
        told = self.status["generation"]
        return str(told["state"]) if told else ""

    @property
    def is_moving(self) -> bool:
        """Whether something can change while a page is open that the person before it does not do."""
        return self.state in ("enrolling", "rating") or self.job in ("running", "stopping")

    @property
    def stamp(self) -> str:
        """Where it is another one an open page is worth looking at anew."""
        told = self.status
        parts = (
            self.state,
            self.job,
            len(told["raters"]),
            self.silent,
            len(told["adjudications"]),
            told["answers"]["blocked"] > 0,
        )
        return "|".join(map(str, parts))

    @property
    def imported_arms(self) -> list[str]:
        return [name for name, config in sorted(self.configs.items()) if config.source == "imported"]

    @property
    def has_engines(self) -> bool:
        return any(config.source == "engine" for config in self.configs.values())

    @property
    def asks_explanations(self) -> bool:
        return any(page.shows == "explanation" for page in self.instrument.pages)

    @cached_property
    def failed(self) -> list[tuple[str, str, str]]:
        """Case, arm, code of the error."""
        cases, arms = {case.id: case.key for case in self.cases}, {arm.id: arm.name for arm in self.arms}
        return sorted((cases[r.case_id], arms[r.arm_id], r.failed) for r in self.responses if r.failed)

    @property
    def active(self) -> list[Rater]:
        return [rater for rater in self.raters if rater.withdrawn_at is None]

    @property
    def silent(self) -> int:
        """Raters who have not consented."""
        return sum(rater.consent_at is None for rater in self.active)

    @cached_property
    def due(self) -> list[Mapping[str, Any]]:
        """What wants a third expert."""
        found: Sequence[Mapping[str, Any]] = self.status["adjudications"]
        return list(found)

    @property
    def tallies(self) -> tuple[int, int]:
        """Assignments submitted, and all of them."""
        kinds = [tally for rater in self.status["raters"] if not rater["withdrawn"] for tally in rater["done"].values()]
        return sum(tally["done"] for tally in kinds), sum(tally["all"] for tally in kinds)

    # --- Steps.

    @cached_property
    def next(self) -> str:
        """The step to take now."""
        return (
            self._before_rating() or {"rating": self._while_rating, "locked": "end", "unblinded": "report"}[self.state]
        )

    def _before_rating(self) -> str:
        if not self.is_open:
            return ""
        answers = self.status["answers"]
        enough = len(self.active) >= max(LEAST_RATERS, self.protocol.raters_per_case)
        wanting = (
            ("arms", not self.arms),
            ("cases", not self.status["cases"]),
            ("protocol", self.state == "draft"),
            ("answers", answers["written"] < answers["wanted"] or bool(answers["blocked"])),
            ("raters", not enough),
        )
        return next((step for step, is_wanting in wanting if is_wanting), "allocation")

    @property
    def _while_rating(self) -> str:
        done, all_of_them = self.tallies
        return "adjudication" if self.due else "rating" if done < all_of_them else "end"

    @property
    def steps(self) -> list[Step]:
        return [Step(name, self._mark(name), tuple(self._told(name))) for name in STEPS]

    @property
    def in_order(self) -> list[Step]:
        """The step to take now before the others: on a phone it is what one sees first."""
        return sorted(self.steps, key=lambda step: step.id != self.next)

    def _mark(self, name: str) -> Mark:
        if name == self.next:
            return "now"
        answers = self.status["answers"]
        begun = not self.is_open
        over = self.state in ("locked", "unblinded")
        done = {
            "protocol": self.state != "draft",
            "arms": bool(self.arms),
            "cases": bool(self.status["cases"]),
            "answers": begun or (0 < answers["wanted"] == answers["written"] and not answers["blocked"]),
            "raters": begun or len(self.active) >= max(LEAST_RATERS, self.protocol.raters_per_case),
            "allocation": begun,
            "rating": over or (begun and self.tallies[0] == self.tallies[1]),
            "adjudication": over,
            "end": self.state == "unblinded",
            "report": False,
        }
        return "done" if done[name] else "later"

    def _told(self, name: str) -> list[Told]:
        told: list[Told] = getattr(self, f"_told_{name}")()
        return told

    def _told_protocol(self) -> list[Told]:
        if self.state == "draft":
            return [("told_protocol_freeze" if self.next == "protocol" else "told_protocol_draft", {})]
        return [("told_protocol_frozen", {"version": self.versions[-1].number})]

    def _told_arms(self) -> list[Told]:
        return [("told_arms", {"count": len(self.arms)}) if self.arms else ("told_arms_missing", {})]

    def _told_cases(self) -> list[Told]:
        counts = {"cases": self.status["cases"], "practice": self.status["practice_cases"]}
        return [("told_cases", counts) if any(counts.values()) else ("told_cases_missing", {})]

    def _told_answers(self) -> list[Told]:
        answers = self.status["answers"]
        if not answers["wanted"]:
            return [("told_answers_later", {})]
        more: list[Told] = [
            (f"told_answers_{name}", {name: answers[name]}) for name in ("failed", "blocked") if answers[name]
        ]
        return [("told_answers", answers), *more]

    def _told_raters(self) -> list[Told]:
        needed, count = max(LEAST_RATERS, self.protocol.raters_per_case), len(self.active)
        if self.is_open and count < needed:
            return [("told_raters_few", {"count": count, "needed": needed})]
        return [("told_raters", {"count": count, "consented": count - self.silent})]

    def _told_allocation(self) -> list[Told]:
        if not self.is_open:
            return [("told_allocation_done", {"count": self.tallies[1]})]
        return [("told_allocation" if self.next == "allocation" else "told_allocation_later", {})]

    def _told_rating(self) -> list[Told]:
        done, all_of_them = self.tallies
        return [("told_rating_later", {}) if self.is_open else ("told_rating", {"done": done, "all": all_of_them})]

    def _told_adjudication(self) -> list[Told]:
        return [("told_adjudication", {"count": len(self.due)}) if self.due else ("told_adjudication_none", {})]

    def _told_end(self) -> list[Told]:
        if self.state == "locked":
            return [("told_end_unblind", {"count": len(self.status["approvals"])})]
        return [({"rating": "told_end_lock", "unblinded": "told_end_done"}.get(self.state, "told_end_later"), {})]

    def _told_report(self) -> list[Told]:
        return [("told_report" if self.state == "unblinded" else "told_report_later", {})]


def progress(view: View) -> dict[str, Any]:
    """What an open page asks for every two seconds: counts, and nothing that was rated."""
    told = view.status
    done, all_of_them = view.tallies
    return {
        "state": told["state"],
        "generation": view.job,
        "answers": told["answers"] | {"done": told["answers"]["written"] + told["answers"]["failed"]},
        "rating": {"done": done, "all": all_of_them},
        "raters": [
            {
                "consented": rater["consented"],
                "done": sum(tally["done"] for tally in rater["done"].values()),
                "all": sum(tally["all"] for tally in rater["done"].values()),
            }
            for rater in told["raters"]
        ],
        "due": len(told["adjudications"]),
        "stamp": view.stamp,
    }


def names_of(accounts: Sequence[Account], ids: Sequence[str], here: str) -> list[str]:
    """What people are called whose accounts are kept by id; `here` is the name of whoever sits at this computer."""
    known = {account.id: account.name for account in accounts} | {LOCAL: here}
    return [known.get(each, each) for each in ids]
