"""Made-up studies for the tests of report and export: whole datasets, with everything that can go wrong in one."""

import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from medassist.study import protocol as protocols
from medassist.study.dataset import (
    ArmRow,
    AssignmentRow,
    AuditRow,
    CaseRow,
    Dataset,
    RaterRow,
    RatingRow,
    ResponseRow,
    Version,
)
from medassist.study.faults import Bilingual
from medassist.study.instrument import load_instrument
from medassist.study.protocol import Arm, InstrumentUsed, PrimaryEstimate, Protocol

NAMES = ("tuned 8B", "base 8B", "physician")
LIKERT = ("appropriateness", "comprehensiveness", "reasoning", "grounding", "next_steps", "clarity")
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RATES = (0.9, 0.75, 0.6)


def at(minutes: int) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def protocol_of(arms: int, mode: str, measure: str | None = None, **changes: Any) -> Protocol:
    measure = measure or ("preference" if mode == "paired" else "acceptance_difference" if arms > 1 else "acceptance")
    used = load_instrument(changes.pop("instrument_id", "acceptance"))
    fields: dict[str, Any] = {
        "title": "Acceptance of two systems",
        "hypothesis": "Answers of the tuned system are accepted more often.",
        "primary_estimate": PrimaryEstimate(
            measure=measure, arm=NAMES[0], reference=None if measure == "acceptance" else NAMES[1]
        ),
        "minor_edits_count": True,
        "mode": mode,
        "arms": tuple(Arm(name=name, guess=Bilingual(en=f"System {n}", zh=f"系统{n}")) for n, name in enumerate(NAMES[:arms], 1)),
        "raters_per_case": 3,
        "seed": 11,
        "instrument": InstrumentUsed(id=used.id, version=used.version, sha256=used.sha256),
    }  # fmt: skip
    return Protocol(**(fields | changes))


def versions_of(history: protocols.History) -> tuple[Version, ...]:
    return tuple(
        Version(v.number, v.protocol.model_dump(mode="json"), v.on.isoformat(), v.reason, v.previous, v.sha256)
        for v in history
    )


class Builder:
    """Rows of one study, made from a seed."""

    def __init__(self, seed: int, arms: int, mode: str, language: str, **changes: Any) -> None:
        self.rng = random.Random(seed)
        self.mode, self.codes = mode, [f"s{n + 1}" for n in range(arms)]
        self.protocol = protocol_of(arms, mode, **changes)
        self.language = language
        self.cases: list[CaseRow] = []
        self.responses: list[ResponseRow] = []
        self.raters: list[RaterRow] = []
        self.assignments: list[AssignmentRow] = []
        self.ratings: list[RatingRow] = []
        self.minute = 0

    def add_cases(self, number: int, practice: int = 1) -> None:
        for n in range(number + practice):
            zh = self.language == "zh" or (self.language == "both" and n % 2)
            words = ("心内科", "神经科") if zh else ("cardiology", "neurology")
            diagnosis = "急性心肌梗死" if zh else "Myocardial infarction"
            is_practice = n >= number
            case = CaseRow(f"c{n:03}", f"K-{n}", "zh" if zh else "en", words[n // 2 % 2], ("easy", "hard")[n % 3 == 0], diagnosis, (diagnosis, "AMI"), ("Aortic dissection",), is_practice)  # fmt: skip
            self.cases.append(case)
            for code in self.codes:
                self._add_response(case, code, n)

    def _add_response(self, case: CaseRow, code: str, n: int) -> None:
        length = self.rng.randint(300, 2500)
        self.responses.append(
            ResponseRow(
                id=f"r{case.id}{self.rng.randrange(16**6):06x}", case=case.id, arm=code, raw_sha256="a" * 64,
                display_sha256="b" * 64, raw_length=length * 3, answer_length=length, length=min(length, 2000),
                capped=length > 2000, removed=("vendor name",) if n == 1 else (), leaks=int(n == 2),
                released="as it was" if n == 2 else "", knowledge_version="kg-1", model=f"model-{code}",
                adapter="", generated_at=at(0), seconds=round(self.rng.uniform(2, 9), 3), failed="",
            )
        )  # fmt: skip

    def add_raters(self, number: int, **changes: Any) -> None:
        for n in range(number):
            row = RaterRow(f"p{n}", f"R-{n + 1:02}", "cardiology", 5 + n, False, at(0), at(10), "", "")
            self.raters.append(replace(row, **changes))

    def response(self, case: str, code: str) -> str:
        return next(row.id for row in self.responses if row.case == case and row.arm == code)

    def assign(
        self, rater: str, case: str, codes: tuple[str, ...], kind: str = "primary", **more: Any
    ) -> AssignmentRow:
        self.minute += 3
        position = 1 + sum(row.rater == rater for row in self.assignments)
        row = AssignmentRow(
            f"a{len(self.assignments):04}", rater, case, kind, position, more.pop("repeat_of", ""),
            tuple(self.response(case, code) for code in codes), more.pop("state", "submitted"), at(self.minute),
            at(self.minute + 2), self.rng.randint(40_000, 240_000), 300_000,
        )  # fmt: skip
        self.assignments.append(row)
        return row

    def rate(self, assignment: AssignmentRow, response: str, values: dict[str, str], **more: Any) -> None:
        for item, value in values.items():
            self.ratings.append(
                RatingRow(
                    assignment.id, response, item, value, more.get("revision", 1), more.get("status", "submitted"),
                    more.get("reason", ""), more.get("at", assignment.submitted_at), 5000, 6000,
                )
            )  # fmt: skip

    def judged(self, accept: str) -> dict[str, str]:
        """A whole rating page that goes with `accept`."""
        good = accept != "no"
        pick = self.rng.choice
        values = {"accept": accept, "top1": pick(("exact", "close")) if good else pick(("related", "wrong"))}
        listed = good or self.rng.random() < 0.4
        values |= {"gold_listed": "yes", "gold_rank": str(pick((1, 1, 2, 3)))} if listed else {"gold_listed": "no"}
        values["cant_miss"] = pick(("no", "no", "na")) if good else pick(("yes", "no"))
        if values["cant_miss"] == "yes":
            values["cant_miss_which"] = "-- aortic dissection"
        values |= {item: pick("345") if good else pick("123") for item in LIKERT}
        values["harm_extent"] = "none" if good else pick(("none", "mild_moderate", "severe"))
        if values["harm_extent"] != "none":
            values["harm_likelihood"] = pick(("low", "medium"))
        values["bias"] = pick(("no",) * 9 + ("yes",))
        if values["bias"] == "yes":
            values["bias_kinds"] = json.dumps(["age", "sex"])
        values["confidence"] = pick("345")
        if not good:
            values["comment"] = pick(
                ('=HYPERLINK("http://x")', "+1 对", 'Not safe,\r\n"really" 不安全', "'=1", "-5", "＝1")
            )
        values["explanation_usefulness"] = pick("2345")
        return values

    def verdict(self, code: str, lean: float) -> str:
        rate = min(0.98, max(0.02, RATES[self.codes.index(code)] + lean))
        if self.rng.random() < 0.03:
            return "cannot_judge"
        return ("yes" if self.rng.random() < 0.7 else "minor_edits") if self.rng.random() < rate else "no"

    def rate_all(self, per_case: int) -> None:
        lean = {row.id: self.rng.gauss(0, 0.08) for row in self.raters}
        for n, case in enumerate(row for row in self.cases if not row.is_practice):
            chosen = [self.raters[(n + step) % len(self.raters)].id for step in range(min(per_case, len(self.raters)))]
            hard = self.rng.gauss(0, 0.1)
            for rater in chosen:
                for shown in self._shown():
                    self._rate_shown(self.assign(rater, case.id, shown), shown, lean[rater] + hard)

    def _shown(self) -> list[tuple[str, ...]]:
        if self.mode == "absolute":
            return [(code,) for code in self.codes]
        pairs = [(a, b) for n, a in enumerate(self.codes) for b in self.codes[n + 1 :]]
        return [pair[:: self.rng.choice((1, -1))] for pair in pairs]

    def _rate_shown(self, row: AssignmentRow, shown: tuple[str, ...], lean: float) -> None:
        better = self.rng.choices(
            (0, 1, 2), (RATES[self.codes.index(shown[0])], RATES[self.codes.index(shown[-1])], 0.2)
        )[0]
        for place, (code, response) in enumerate(zip(shown, row.responses, strict=True)):
            values = self.judged(self.verdict(code, lean))
            if self.mode == "paired":
                values["preferred"] = "tie" if better == 2 else "yes" if better == place else "no"
            self.rate(row, response, values)

    def close(self) -> None:
        """Everybody's guesses at the end."""
        for rater in self.raters:
            for code in self.codes:
                row = self.assign(rater.id, self.cases[0].id, (code,), "closing")
                guess = self.rng.choice((*self.codes, code, "cannot_judge"))
                self.rate(
                    row, row.responses[0], {"guess": guess, "guess_certainty": "somewhat", "guess_reason": "@style"}
                )

    def dataset(self, **changes: Any) -> Dataset:
        history = changes.pop("history", protocols.freeze(self.protocol, date(2026, 3, 1)))
        instrument = load_instrument(self.protocol.instrument.id)
        guesses = {code: arm.guess for code, arm in zip(self.codes, self.protocol.arms, strict=True)}
        made = Dataset(
            study_id="st1", title=self.protocol.title, state="unblinded", sample=False, created_at=at(-600),
            locked_at=at(100_000), unblinded_at=at(100_060), unblinded_by=("lead-1", "lead-2"), seed=self.protocol.seed,
            mode=self.mode, instrument=instrument.with_arms(guesses).model_dump(mode="json"),
            versions=versions_of(history),
            arms=tuple(
                ArmRow(code, arm.name, {"temperature": 0.2, "model": f"model-{code}"}, "c" * 64, arm.guess.en, arm.guess.zh)
                for code, arm in zip(self.codes, self.protocol.arms, strict=True)
            ),
            cases=tuple(self.cases), responses=tuple(self.responses), raters=tuple(self.raters),
            assignments=tuple(self.assignments), ratings=tuple(self.ratings),
            audit=(
                AuditRow(1, at(0), "lead-1", "study.create", "st1", "", "=draft"),
                AuditRow(2, at(9), "lead-1", "arm.add", "s1", "", f'{{"name": "{NAMES[0]}"}}'),
            ),
        )  # fmt: skip
        return replace(made, **changes)


def study(
    *, seed: int = 1, arms: int = 2, mode: str = "absolute", cases: int = 24, raters: int = 6, per_case: int = 3,
    language: str = "both", **changes: Any,
) -> Builder:  # fmt: skip
    """A study in which everything went well."""
    made = Builder(seed, arms, mode, language, **changes)
    made.add_cases(cases)
    made.add_raters(raters)
    made.rate_all(per_case)
    made.close()
    return made


def eventful() -> Dataset:
    """A study in which much did not go as planned: everything a report has to own up to."""
    made = study(arms=2)
    again = [row for row in made.assignments if row.kind == "primary"][:12]
    for row in again:
        repeat = made.assign(row.rater, row.case, tuple(r.arm for r in made.responses if r.id in row.responses), "repeat", repeat_of=row.id)  # fmt: skip
        first = next(r.value for r in made.ratings if r.assignment == row.id and r.item == "accept")
        made.rate(repeat, row.responses[0], made.judged(first if made.rng.random() < 0.8 else "no"))
    practice = next(case.id for case in made.cases if case.is_practice)
    made.rate(row := made.assign("p0", practice, ("s1",), "practice"), row.responses[0], made.judged("no"))
    for case in made.cases[:6]:
        third = made.assign("p5", case.id, ("s2",), "adjudication")
        made.rate(third, third.responses[0], made.judged(made.rng.choice(("yes", "no"))))
    made.assign("p1", made.cases[1].id, ("s1",), state="started")
    amended = again[0]
    made.rate(amended, amended.responses[0], {"accept": "no"}, revision=2, status="amended", reason="misread")
    made.rate(again[1], again[1].responses[0], {"accept": "no"}, revision=2, status="amended", reason="late", at=at(100_090))  # fmt: skip
    made.raters[4] = replace(made.raters[4], withdrawn_at=at(5000), withdrawal="removed")
    gone = {row.id for row in made.assignments if row.rater == "p4"}
    made.ratings = [replace(r, value="", status="withdrawn") if r.assignment in gone else r for r in made.ratings]
    made.raters[3] = replace(made.raters[3], withdrawn_at=at(6000), withdrawal="kept")
    made.responses[7] = replace(made.responses[7], failed="engine")
    history = protocols.freeze(made.protocol, date(2026, 3, 1))
    amendment = made.protocol.model_copy(update={"minor_edits_count": False})
    history = protocols.amend(history, amendment, "The panel asked for it before any rating.", date(2026, 3, 5))
    return made.dataset(history=history)
