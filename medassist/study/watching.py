"""How a study stands while it runs: counts, and nothing that was rated."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from medassist.store.study_tables import Assignment
from medassist.study.adjudication import to_adjudicate
from medassist.study.lead import Lead, troubles


def status(lead: Lead, study_id: str) -> dict[str, Any]:
    """Numbers only: how many of what there are, and how far each rater, case and arm is."""
    studies = lead.studies
    study, protocol = studies.study(study_id), lead.protocol(study_id)
    cases, arms, raters = studies.cases(study_id), studies.arms(study_id), studies.raters(study_id)
    answers, rows, progress = studies.answers(study_id), studies.assignments(study_id), studies.progress(study_id)
    job = studies.generation(study_id)
    of_arm = {answer.id: answer.arm_id for answer in answers}
    primary = [row for row in rows if row.kind == "primary" and row.state != "withdrawn"]
    return {
        "study": study.id,
        "title": protocol.title,
        "state": study.state,
        "sample": study.sample,
        "protocol_version": studies.versions(study_id)[-1].number,
        "cases": sum(not case.is_practice for case in cases),
        "practice_cases": sum(case.is_practice for case in cases),
        "answers": {
            "wanted": len(cases) * len(arms),
            "written": sum(not answer.failed for answer in answers),
            "failed": sum(bool(answer.failed) for answer in answers),
            "blocked": sum(answer.blocked for answer in answers),
        },
        "generation": None if job is None else {"state": job.state, "said": job.said},
        "troubles": [asdict(trouble) | {"text": trouble.text()} for trouble in troubles(cases, arms, answers)],
        "raters": [
            {
                "pseudonym": rater.pseudonym,
                "simulated": rater.simulated,
                "consented": rater.consent_at is not None,
                "withdrawn": rater.withdrawn_at is not None,
                "done": {kind: asdict(tally) for kind, tally in progress.get(rater.id, {}).items()},
            }
            for rater in raters
        ],
        "by_case": [
            {"case": case.key, **_done(row for row in primary if row.case_id == case.id)}
            for case in cases
            if not case.is_practice
        ],
        "by_arm": [
            {"arm": arm.name, **_done(row for row in primary if arm.id in {of_arm.get(each) for each in row.responses})}
            for arm in arms
        ],
        "adjudications": [asdict(due) for due in to_adjudicate(lead, study_id)] if study.state == "rating" else [],
        "approvals": studies.approvals(study_id),
    }


def _done(rows: Iterable[Assignment]) -> dict[str, int]:
    states = Counter(row.state for row in rows)
    return {"all": states.total(), "done": states["submitted"]}
