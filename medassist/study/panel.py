"""What a rater may see and do. Nothing that leaves this module tells an arm, a model or another rater's rating.

Answers go out under A and B and ratings come back under A and B; they are kept by response, never by label. Repeats and
adjudications look like any other assignment. Whatever belongs to somebody else is unknown here, and the asking is noted.
"""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from medassist.audit import Audit, Details
from medassist.case import PatientCase
from medassist.errors import Incomplete, InvalidStudy, Language, NotNow, UnknownAssignment
from medassist.store.panel import Outcome, PanelStore, Values, Wrote
from medassist.store.study_tables import Assignment, Rater, Response, Study, StudyArm
from medassist.study.entered import LABELS, by_response, of_ratings, rows_of, under_labels
from medassist.study.faults import Bilingual
from medassist.study.instrument import Instrument, Page
from medassist.study.sheets import Done, Given, Sheet, Standing
from medassist.study.turns import done, following

MAX_REASON = 2000
MAX_KEY = 100


@dataclass
class Panel:
    store: PanelStore
    audit: Audit
    arms: Callable[[str], list[StudyArm]]  # of a study: for the closing question's options
    protocol: Callable[[str], Mapping[str, Any]]  # of a study, the latest
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    # --- Where a rater stands.

    def seats(self, account_id: str) -> list[tuple[Rater, Study]]:
        return self.store.raters_of(account_id)

    def unclaimed(self) -> list[tuple[Rater, Study]]:
        """Seats without an account: for whoever sits at the computer itself, where nobody signs in."""
        return self.store.unclaimed()

    def denied(self, who: str, subject: str) -> None:
        """Note that somebody asked for a seat that is not theirs."""
        self.audit.record(who, "access.denied", subject[:40])

    def consent(self, rater_id: str) -> None:
        self.store.consent(rater_id, self.clock())
        self.audit.record(rater_id, "rater.consented", rater_id)

    def withdraw(self, rater_id: str, keep: bool) -> None:
        """Leave; `keep` says whether what was submitted may count."""
        self.store.withdraw(rater_id, keep, self.clock())
        self.audit.record(rater_id, "rater.withdrew", rater_id, new={"ratings": "kept" if keep else "removed"})

    def standing(self, rater_id: str) -> Standing:
        rater, study = self.store.rater(rater_id)
        rows = [row for row in self.store.outlines(rater_id) if row.state != "withdrawn"]
        due, waiting = following(rows, self.clock())
        times = [row.active_ms for row in rows if row.state == "submitted" and row.kind in ("primary", "repeat")]
        return Standing(
            rater.pseudonym,
            str(self.protocol(study.id)["title"]),
            study.state,
            rater.consent_at is not None,
            rater.withdrawn_at is not None,
            practice=done(rows, "practice"),
            rated=done(rows, "primary", "repeat", "adjudication"),
            closing=done(rows, "closing"),
            usual_ms=int(statistics.median(times)) if times else None,
            next=due.id if due is not None and study.state == "rating" else None,
            waiting_until=waiting,
        )

    def done(self, rater_id: str) -> list[Done]:
        """What was submitted and can be amended, in order."""
        counted = dict.fromkeys(("practice", "rating", "closing"), 0)
        found = list[Done]()
        for row in self.store.outlines(rater_id):
            if row.state != "withdrawn":
                kind = _told_kind(row.kind)
                counted[kind] += 1
                found += [Done(row.id, kind, counted[kind])] if row.state == "submitted" else []
        return found

    # --- One assignment.

    def open(self, rater_id: str, assignment_id: str, holder: str, *, take: bool = False) -> Sheet:
        """Lease an assignment to a page. Raises `UnknownAssignment`, `NotNow`, `LeaseHeld`."""
        self._require_consent(rater_id)
        with self._own(rater_id, assignment_id):
            assignment = self._leased(rater_id, assignment_id, holder, take)
        return self.sheet(rater_id, assignment)

    def _leased(self, rater_id: str, assignment_id: str, holder: str, take: bool) -> Assignment:
        rows = self.store.outlines(rater_id)
        asked = next((row for row in rows if row.id == assignment_id), None)
        if asked is None:
            raise UnknownAssignment
        due, _ = following(rows, self.clock())
        if asked.state == "open" and (due is None or due.id != asked.id):
            raise NotNow(reason="another assignment comes first.", reason_zh="请先完成前面的任务。")
        return self.store.open(rater_id, assignment_id, holder, self.clock(), take=take)

    def sheet(self, rater_id: str, assignment: Assignment) -> Sheet:
        _, study = self.store.rater(rater_id)
        case, responses = self.store.shown(assignment)
        instrument = self._instrument(study)
        pages = self._pages(instrument, assignment, responses)
        opened = [page for page in pages if not page.after or page.after in assignment.pages]
        kind = _told_kind(assignment.kind)
        rows = [
            row for row in self.store.outlines(rater_id) if row.state != "withdrawn" and _told_kind(row.kind) == kind
        ]
        labels = LABELS[: len(responses)]
        return Sheet(
            assignment.id,
            kind,
            assignment.state,
            1 + sum(row.position < assignment.position for row in rows),
            len(rows),
            case.language,
            PatientCase.model_validate_json(case.case_json).text(),
            (case.diagnosis,) if case.diagnosis and assignment.kind != "closing" else (),
            tuple(case.cant_miss) if assignment.kind != "closing" else (),
            {label: response.display_text for label, response in zip(labels, responses, strict=True)},
            {
                label: _told_explanation(response.explanation or {})
                for label, response in zip(labels, responses, strict=True)
                if any(page.shows == "explanation" for page in opened)
            },
            tuple(opened),
            {page.id: instrument.of_page(page.id) for page in opened},
            tuple(assignment.pages),
            self._values(assignment, responses, instrument),
            assignment.revision,
            assignment.active_ms,
            len(responses) > 1,
        )

    def save(self, rater_id: str, assignment_id: str, given: Given) -> Outcome:
        """Keep what is entered so far. Raises what the store's `save` raises, and `InvalidStudy` for unknown items."""
        with self._own(rater_id, assignment_id):
            assignment, draft, _ = self._taken(rater_id, assignment_id, given)
            wrote = self._wrote(rater_id, assignment, given)
            return self.store.answered(wrote) or self.store.save(wrote, draft)

    def submit(self, rater_id: str, assignment_id: str, page: str, given: Given, language: Language) -> Outcome:
        """Lock a page. Raises `Incomplete` with every question still open, and what `save` raises."""
        with self._own(rater_id, assignment_id):
            assignment, draft, instrument = self._taken(rater_id, assignment_id, given)
            wrote = self._wrote(rater_id, assignment, given)
            if before := self.store.answered(wrote):
                return before
            _, responses = self.store.shown(assignment)
            draft = self._with_locked(assignment, draft, instrument)
            pages = self._pages(instrument, assignment, responses)
            shown = next((each for each in pages if each.id == page), None)
            if shown is None or (shown.after and shown.after not in assignment.pages):
                raise NotNow(reason="this page is not open.", reason_zh="本页尚未开放。")
            first = page == pages[0].id
            rows, problems = rows_of(instrument, page, responses, draft, first, language)
            if problems:
                raise Incomplete(tuple(problems))
            last = {each.id for each in pages} <= {*assignment.pages, page}
            told: Details = {"page": page, "values": len(rows)}
            noted = self.audit.within(rater_id, "assignment.submitted", assignment_id, new=told)
            return self.store.submit(replace(wrote, noted=noted), page, rows, draft, last)

    def amend(self, rater_id: str, assignment_id: str, given: Given, reason: str, language: Language) -> Outcome:
        """Change what was submitted, while the study is open. Raises `Incomplete`, `InvalidStudy` for no reason or no change."""
        if not reason.strip() or len(reason) > MAX_REASON:
            raise InvalidStudy(where="reason", reason=f"an amendment needs a reason of up to {MAX_REASON} characters.", reason_zh=f"修改须说明理由，不超过 {MAX_REASON} 个字符。")  # fmt: skip
        with self._own(rater_id, assignment_id):
            assignment, draft, instrument = self._taken(rater_id, assignment_id, given)
            wrote = self._wrote(rater_id, assignment, given)
            if before := self.store.answered(wrote):
                return before
            _, responses = self.store.shown(assignment)
            rows, problems = list[tuple[str, str, str]](), list[tuple[str, str, str]]()
            for n, page in enumerate(self._pages(instrument, assignment, responses)):
                more, wrong = rows_of(instrument, page.id, responses, draft, not n, language)
                rows, problems = rows + more, problems + wrong
            if problems:
                raise Incomplete(tuple(problems))
            kept = {(row.response_id, row.item): row.value for row in self.store.values(assignment_id)}
            gone = [(*key, "") for key, value in kept.items() if value and key not in {row[:2] for row in rows}]
            changed = [row for row in rows if kept.get(row[:2]) != row[2]] + gone
            if not changed:
                raise InvalidStudy(where="values", reason="nothing was changed.", reason_zh="没有任何改动。")
            noted = self.audit.within(rater_id, "assignment.amended", assignment_id, new={"values": len(changed)})
            return self.store.amend(replace(wrote, noted=noted), changed, reason.strip())

    # --- Inside.

    def _own(self, rater_id: str, assignment_id: str) -> "_Noted":
        return _Noted(self.audit, rater_id, assignment_id)

    def _require_consent(self, rater_id: str) -> None:
        rater, _ = self.store.rater(rater_id)
        if rater.consent_at is None:
            raise NotNow(reason="please give your consent first.", reason_zh="请先签署知情同意。")

    def _instrument(self, study: Study) -> Instrument:
        protocol = self.protocol(study.id)
        guesses = {arm["name"]: Bilingual.model_validate(arm["guess"]) for arm in protocol["arms"]}
        arms = {arm.code: guesses[arm.name] for arm in self.arms(study.id) if arm.name in guesses}
        return Instrument.model_validate(study.instrument).with_arms(arms)

    def _pages(self, instrument: Instrument, assignment: Assignment, responses: list[Response]) -> list[Page]:
        """Those asked of this assignment. One about explanations only where every arm has one: its lack would tell."""
        when = "end" if assignment.kind == "closing" else "each"
        explained = self.store.explained(assignment.case_id)
        return [page for page in instrument.pages if page.asked == when and (page.shows is None or explained)]

    def _taken(self, rater_id: str, assignment_id: str, given: Given) -> tuple[Assignment, Values, Instrument]:
        assignment = self.store.assignment(rater_id, assignment_id)
        if not 0 < len(given.key) <= MAX_KEY:
            raise InvalidStudy(where="key", reason="is missing or too long.", reason_zh="缺失或过长。")
        _, study = self.store.rater(rater_id)
        instrument = self._instrument(study)
        return assignment, by_response(given.values, assignment.responses, instrument), instrument

    def _wrote(self, rater_id: str, assignment: Assignment, given: Given) -> Wrote:
        return Wrote(
            rater_id,
            assignment.id,
            given.holder,
            given.revision,
            f"{assignment.id}:{given.key}",
            given.active_ms,
            self.clock(),
        )

    def _values(
        self, assignment: Assignment, responses: list[Response], instrument: Instrument
    ) -> dict[str, dict[str, Any]]:
        """What is entered, under A, B and both: the draft, or what was submitted."""
        return under_labels(self._with_locked(assignment, assignment.draft, instrument), responses)

    def _with_locked(self, assignment: Assignment, draft: Mapping[str, Any], instrument: Instrument) -> Values:
        """A draft in which the pages that are locked hold what was rated, whatever a page sent of them since."""
        if not assignment.pages:
            return dict(draft)
        locked = {item.id for page in assignment.pages for item in instrument.of_page(page)}
        kept = {key: {item: v for item, v in values.items() if item not in locked} for key, values in draft.items()}
        for key, values in of_ratings(self.store.values(assignment.id), instrument).items():
            kept[key] = {**kept.get(key, {}), **values}
        return kept


class _Noted:
    """Notes in the audit trail that somebody asked for what is not theirs."""

    def __init__(self, audit: Audit, rater: str, assignment: str) -> None:
        self._audit, self._rater, self._assignment = audit, rater, assignment

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, UnknownAssignment):
            self._audit.record(self._rater, "access.denied", self._assignment[:40])


def _told_kind(kind: str) -> str:
    """A repeat and an adjudication are told to be ratings like any other."""
    return kind if kind in ("practice", "closing") else "rating"


def _told_explanation(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept with an explanation also says how it was made, and so by which model."""
    units = [{"text": str(unit["text"]), "weight": round(float(unit["weight"]), 3)} for unit in kept.get("units", [])]
    return {"sentence": str(kept.get("sentence", "")), "units": units, "reliable": bool(kept.get("reliable"))}
