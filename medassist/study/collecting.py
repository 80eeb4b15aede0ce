"""A study's data as rows, out of the database. While it is blinded no row says which arm an answer is of."""

from datetime import datetime

from medassist.store.study_tables import Response, StudyArm
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
from medassist.study.lead import Lead


def dataset(lead: Lead, study_id: str) -> Dataset:
    """Everything that a report or an export is made from. Raises `UnknownStudy`."""
    studies = lead.studies
    study, protocol = studies.study(study_id), lead.protocol(study_id)
    blinded = study.state != "unblinded"
    arms = studies.arms(study_id)
    guesses = {arm.name: arm.guess for arm in protocol.arms}
    raters, assignments = studies.raters(study_id), studies.assignments(study_id)
    codes = {arm.id: "" if blinded else arm.code for arm in arms}
    subjects = {study_id, *(rater.id for rater in raters), *(row.id for row in assignments)}
    return Dataset(
        study_id=study.id,
        title=protocol.title,
        state=study.state,
        sample=study.sample,
        created_at=_time(study.created_at),
        locked_at=_time(study.locked_at),
        unblinded_at=_time(study.unblinded_at),
        unblinded_by=() if blinded else tuple(studies.approvals(study_id)),
        seed=protocol.seed,
        mode=protocol.mode,
        instrument=study.instrument,
        versions=tuple(
            Version(v.number, v.protocol, v.on.isoformat(), v.reason, v.previous, v.sha256)
            for v in studies.versions(study_id)
        ),
        arms=tuple(_arm(arm, blinded, guesses[arm.name].en, guesses[arm.name].zh) for arm in arms),
        cases=tuple(
            CaseRow(
                case.id,
                case.key,
                case.language,
                case.specialty,
                case.stratum,
                case.diagnosis,
                tuple(case.accept),
                tuple(case.cant_miss),
                case.is_practice,
            )
            for case in studies.cases(study_id)
        ),
        responses=tuple(_response(each, codes[each.arm_id], blinded) for each in studies.responses(study_id)),
        raters=tuple(
            RaterRow(
                rater.id,
                rater.pseudonym,
                rater.specialty,
                rater.years,
                rater.simulated,
                _time(rater.invited_at),
                _time(rater.consent_at),
                _time(rater.withdrawn_at),
                rater.withdrawal,
            )
            for rater in raters
        ),
        assignments=tuple(
            AssignmentRow(
                row.id,
                row.rater_id,
                row.case_id,
                row.kind,
                row.position,
                row.repeat_of or "",
                tuple(row.responses),
                row.state,
                _time(row.started_at),
                _time(row.submitted_at),
                row.active_ms,
                row.wall_ms,
            )
            for row in assignments
        ),
        ratings=tuple(
            RatingRow(
                row.assignment_id,
                row.response_id,
                row.item,
                row.value,
                row.revision,
                row.status,
                row.reason,
                _time(row.at),
                row.active_ms,
                row.wall_ms,
            )
            for row in studies.ratings(study_id)
        ),
        audit=tuple(
            AuditRow(e.number, e.at, e.who, e.what, e.subject, e.old or "", e.new or "")
            for e in lead.audit.about(subjects)
        ),
    )


def _time(at: datetime | None) -> str:
    return at.isoformat(timespec="milliseconds") if at else ""


def _arm(arm: StudyArm, blinded: bool, guess_en: str, guess_zh: str) -> ArmRow:
    if blinded:
        return ArmRow(arm.code, None, None, arm.config_sha256, guess_en, guess_zh)
    return ArmRow(arm.code, arm.name, arm.config, arm.config_sha256, guess_en, guess_zh)


def _response(each: Response, arm: str, blinded: bool) -> ResponseRow:
    return ResponseRow(
        each.id,
        each.case_id,
        arm,
        each.raw_sha256,
        each.display_sha256,
        each.raw_length,
        each.answer_length,
        len(each.display_text),
        each.capped,
        tuple(each.removed),
        len(each.leaks),
        each.released,
        "" if blinded else each.knowledge_version,
        "" if blinded else each.model,
        "" if blinded else each.adapter,
        _time(each.generated_at),
        None if blinded else each.seconds,
        each.failed,
    )
