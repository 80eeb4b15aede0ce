"""Small studies for the tests: made through the lead's own steps, with answers that name no model."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medassist.audit import Audit
from medassist.case import PatientCase
from medassist.store import Store, open_store
from medassist.store.panel import PanelStore
from medassist.store.studies import StudyStore, new_id
from medassist.store.study_tables import Generation, Response, StudyCase
from medassist.study.arms import ArmConfig
from medassist.study.blinding import blind
from medassist.study.instrument import Instrument, load_instrument
from medassist.study.lead import Lead, NewRater
from medassist.study.panel import Panel
from medassist.study.protocol import Protocol, read_protocol
from medassist.study.sheets import Given

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

ANSWER = """Initial differential:
1. {first}
  Supports: sudden pain
2. Pneumonia
  Supports: cough

Final diagnosis:
{first}"""

GOOD = {
    "accept": "yes", "top1": "exact", "gold_listed": "yes", "gold_rank": 1, "cant_miss": "no",
    "appropriateness": "4", "comprehensiveness": "4", "reasoning": "4", "grounding": "4", "next_steps": "4",
    "clarity": "4", "harm_extent": "none", "bias": "no", "confidence": "4",
}  # fmt: skip
CLOSING = {"guess": "cannot_judge", "guess_certainty": "guess"}


def protocol(arms: Sequence[str] = ("one", "two"), instrument: Instrument | None = None, **changed: Any) -> Protocol:
    used = instrument or load_instrument("acceptance")
    compared = len(arms) > 1
    paired = changed.get("mode") == "paired"
    data = {
        "title": "Two ways to answer",
        "hypothesis": "They are accepted alike.",
        "primary_estimate": {
            "measure": "preference" if paired else "acceptance_difference" if compared else "acceptance",
            "arm": arms[0],
            "reference": arms[1] if compared else None,
        },
        "minor_edits_count": True,
        "mode": "absolute",
        "arms": [
            {"name": name, "guess": {"en": f"System {n}", "zh": f"系统{n}"}} for n, name in enumerate(arms, 1)
        ],
        "raters_per_case": 2,
        "seed": 7,
        "instrument": {"id": used.id, "version": used.version, "sha256": used.sha256},
        "practice_items": 1,
        "repeat_share": 0.1,
        "arms_apart": 2,
        "repeats_apart": 3,
    }  # fmt: skip
    return read_protocol(data | changed)


class Studying:
    """A database with one study, and everything to work on it."""

    def __init__(self, folder: Path, *, now: datetime | None = None) -> None:
        self.store: Store = open_store(f"sqlite:///{folder / 'study.sqlite3'}")
        self.audit = Audit(self.store.database, b"k" * 32)
        self.lead = Lead(StudyStore(self.store.database), self.audit)
        self.now = now
        studies = self.lead.studies
        self.panel = Panel(
            PanelStore(self.store.database),
            self.audit,
            studies.arms,
            studies.newest_protocol,
            clock=lambda: self.now or datetime.now(UTC),
        )
        self.id = ""
        self.raters: list[str] = []

    def make(
        self,
        plan: Protocol | None = None,
        *,
        instrument: Instrument | None = None,
        cases: int = 4,
        raters: int = 3,
        answers: dict[str, str] | None = None,
    ) -> "Studying":
        """A study whose raters have consented and may begin."""
        plan = plan or protocol(instrument=instrument)
        self.id = self.lead.create(plan, instrument or load_instrument("acceptance"), "lead")
        names = [arm.name for arm in plan.arms]
        self.lead.set_arms(self.id, [ArmConfig(name=name, source="imported") for name in names], "lead")
        self.lead.studies.add_cases(self.id, [case(self.id, n, practice=not n) for n in range(cases + 1)])
        self.lead.enrol(self.id, "lead")
        self.raters = self.lead.add_raters(self.id, [NewRater(f"R-{n:02}") for n in range(1, raters + 1)], "lead")
        for arm in self.lead.studies.arms(self.id):
            for each in self.lead.studies.cases(self.id):
                text = (answers or {}).get(arm.name, ANSWER.format(first="Pulmonary embolism"))
                self.lead.studies.put_response(self.id, response(each.id, arm.id, text, names))
        for rater in self.raters:
            self.panel.consent(rater)
        self.lead.assign(self.id, "lead")
        return self

    def rate(self, rater: str, values: dict[str, Any] | None = None, *, upto: int = 1000) -> int:
        """Submit assignments one after another as they come; returns how many."""
        for n in range(upto):
            following = self.panel.standing(rater).next
            if following is None:
                return n
            sheet = self.panel.open(rater, following, "tab")
            entered = CLOSING if sheet.kind == "closing" else GOOD | (values or {})
            given: dict[str, dict[str, Any]] = {label: dict(entered) for label in sheet.answers}
            if sheet.paired:
                given["both"] = {"preferred": "A"}
            self.panel.submit(
                rater, following, sheet.pages[0].id, Given("tab", sheet.revision, new_id(), given, 1000), "en"
            )
        return upto

    def job(self) -> Generation:
        """The one that writes the answers."""
        found = self.lead.studies.generation(self.id)
        assert found is not None
        return found

    def close(self) -> None:
        self.store.close()


def case(study_id: str, n: int, *, practice: bool = False, language: str = "en") -> StudyCase:
    return StudyCase(
        id=new_id(),
        study_id=study_id,
        key=f"case-{n:03}",
        language=language,
        case_json=PatientCase(
            chief_complaint="Sudden chest pain", history=f"For {n + 1} hours, sharp, worse on breathing in."
        ).model_dump_json(),
        diagnosis="Pulmonary embolism",
        accept=["PE"],
        cant_miss=["Aortic dissection"],
        specialty=("cardiology", "respiratory")[n % 2],
        stratum="",
        is_practice=practice,
    )


def response(case_id: str, arm_id: str, text: str, secrets: Sequence[str] = ()) -> Response:
    shown = blind(text, "en", secrets=secrets)
    return Response(
        id=new_id(),
        case_id=case_id,
        arm_id=arm_id,
        raw=text,
        display_text=shown.text,
        raw_sha256=shown.raw_sha256,
        display_sha256=shown.text_sha256,
        raw_length=shown.raw_length,
        answer_length=shown.answer_length,
        capped=shown.capped,
        removed=list(shown.removed),
        leaks=[[each.kind, each.start, each.end] for each in shown.leaks],
        blocked=shown.blocked,
        released="",
        released_by="",
        parameters={},
        knowledge_version="",
        model="",
        adapter="",
        explanation=None,
        generated_at=LONG_AGO,
        seconds=1.0,
        failed="",
    )


def drafted(folder: Path, *configs: ArmConfig, **changed: Any) -> Studying:
    """A study in draft with these arms and no cases yet."""
    made = Studying(folder)
    instrument = load_instrument("acceptance")
    made.id = made.lead.create(protocol([config.name for config in configs], **changed), instrument, "lead")
    made.lead.set_arms(made.id, configs, "lead")
    return made
