"""From a study's rows to its results, in the order a report gives them. The same rows give the same numbers."""

from collections import Counter
from typing import Any

from medassist.statistics import Interval, Note
from medassist.study.analysis_arms import GROUPS, arm_result, length_ranks, planned, repeats, times
from medassist.study.analysis_compare import blinding, differences, preference
from medassist.study.analysis_deviations import amendments, deviations
from medassist.study.counted import ACCEPT, NOT_ASKED, Read, read, undefined
from medassist.study.dataset import Dataset, RaterRow
from medassist.study.instrument import CANNOT_JUDGE
from medassist.study.results import (
    Analysis,
    ArmResult,
    Difference,
    Numbers,
    Preference,
    Primary,
    RaterResult,
    as_json,
)

__all__ = ["Analysis", "analyse", "as_json", "contract"]


def analyse(dataset: Dataset) -> Analysis:
    """All results of an unblinded study. Raises `InvalidStudy` for a blinded one, or for rows that do not fit."""
    study = read(dataset)
    terciles, ranks = length_ranks(study)
    arms = tuple(arm_result(study, arm.code, terciles, ranks) for arm in dataset.arms)
    compared, preferred = differences(study), preference(study)
    protocol, instrument = study.protocol, study.instrument
    return Analysis(
        study=dataset.study_id,
        title=dataset.title,
        hypothesis=protocol.hypothesis,
        state=dataset.state,
        sample=dataset.sample,
        simulated=any(rater.simulated for rater in dataset.raters),
        mode=protocol.mode,
        seed=dataset.seed,
        created_at=dataset.created_at,
        locked_at=dataset.locked_at,
        unblinded_at=dataset.unblinded_at,
        unblinded_by=dataset.unblinded_by,
        minor_edits_count=protocol.minor_edits_count,
        instrument={
            "id": instrument.id,
            "version": instrument.version,
            "title": instrument.title.model_dump(),
            "source": instrument.source,
            "sha256": protocol.instrument.sha256,
        },
        codes={
            item.id: {option.code: Note(option.label.en, option.label.zh) for option in item.options}
            for item in instrument.items
            if item.options
        },
        protocol=protocol.model_dump(mode="json"),
        protocol_sha256=protocol.sha256,
        amendments=amendments(study),
        arm_configs={study.names[arm.code]: arm.config for arm in dataset.arms},
        numbers=_numbers(study),
        primary=_primary(study, arms, compared, preferred),
        arms=arms,
        differences=compared,
        preference=preferred,
        blinding=blinding(study),
        raters=tuple(_rater(study, rater) for rater in dataset.raters),
        times=times(study),
        repeats=repeats(study),
        deviations=deviations(study, arms),
    )


_LABELS = {
    "acceptance": ("Acceptance of {arm}", "{arm} 的接受率"),
    "acceptance_difference": ("Acceptance of {arm} less that of {reference}", "{arm} 与 {reference} 的接受率之差"),
    "preference": (
        "Share preferring {arm} less share preferring {reference}",
        "偏好 {arm} 的比例减去偏好 {reference} 的比例",
    ),
}


def _primary(
    study: Read, arms: tuple[ArmResult, ...], compared: tuple[Difference, ...], preferred: Preference | None
) -> Primary:
    planned_ = study.protocol.primary_estimate
    made = undefined(NOT_ASKED)
    if planned_.measure == "acceptance":
        made = next(arm.two_way for arm in arms if arm.name == planned_.arm)
    elif planned_.measure == "acceptance_difference":
        made = compared[0].risk_difference
    elif preferred:
        made = preferred.contests[0].net
    names = {"arm": planned_.arm, "reference": planned_.reference or ""}
    en, zh = (words.format(**names) for words in _LABELS[planned_.measure])
    return Primary(planned_.measure, **names, level=planned_.level, estimate=made, label=Note(en, zh))


def _numbers(study: Read) -> Numbers:
    data, cases = study.data, study.cases
    states: dict[str, Counter[str]] = {}
    for row in data.assignments:
        states.setdefault(row.kind, Counter())[row.state] += 1
    raters: dict[str, set[str]] = {case: set() for case in cases}
    for answer in study.primary:
        raters[answer.case].add(answer.rater)
    counted = Counter(len(found) for found in raters.values())
    return Numbers(
        cases=len(cases),
        practice_cases=len(data.cases) - len(cases),
        by={by: dict(sorted(Counter(value(case) for case in cases.values()).items())) for by, value in GROUPS.items()},
        raters_per_case={str(number): counted[number] for number in sorted(counted)},
        invited=len(data.raters),
        consented=sum(bool(rater.consent_at) for rater in data.raters),
        withdrawn=sum(bool(rater.withdrawn_at or rater.withdrawal) for rater in data.raters),
        rated=len({answer.rater for answer in study.primary}),
        assignments={kind: dict(sorted(found.items())) for kind, found in sorted(states.items())},
        answers=len(study.primary),
        planned=sum(planned(study, arm.code) for arm in data.arms),
    )


def _rater(study: Read, rater: RaterRow) -> RaterResult:
    answers = [answer for answer in study.primary if answer.rater == rater.id]
    assigned = [row for row in study.data.assignments if row.rater == rater.id and row.kind == "primary"]
    accepted = {}
    for code, name in study.names.items():
        said = [found for a in answers if a.arm == code and (found := study.accepted(a)) is not None]
        accepted[name] = sum(said), len(said)
    return RaterResult(
        pseudonym=rater.pseudonym,
        specialty=rater.specialty,
        years=rater.years,
        simulated=rater.simulated,
        withdrawal=rater.withdrawal,
        assigned=len(assigned),
        submitted=sum(row.state == "submitted" for row in assigned),
        accepted=accepted,
        cannot_judge=sum(answer.values.get(ACCEPT) == CANNOT_JUDGE for answer in answers),
        times=times(study, rater=rater.id),
    )


# --- What `study report --json` prints.


def contract(analysis: Analysis) -> dict[str, Any]:
    """The results for programs: the agreed keys of every arm first, everything else after them."""
    whole: dict[str, Any] = as_json(analysis)
    primary = whole.pop("primary")
    return {
        "study": whole.pop("study"),
        "title": whole.pop("title"),
        "sample": whole.pop("sample"),
        "primary": primary | {"estimate": primary["estimate"]["estimate"], "interval": _ends(analysis.primary.estimate)}
        | {"method": primary["estimate"]["method"], "note": primary["estimate"]["note"]},
        "arms": {arm.name: _arm(arm, each) for arm, each in zip(analysis.arms, whole.pop("arms"), strict=True)},
        "differences": [
            each | {"mcnemar": each["mcnemar"] and each["mcnemar"] | {"p": difference.mcnemar.p if difference.mcnemar else None}}
            for difference, each in zip(analysis.differences, whole.pop("differences"), strict=True)
        ],
        "blinding": whole.pop("blinding"),
    } | whole  # fmt: skip


def _arm(arm: ArmResult, whole: dict[str, Any]) -> dict[str, Any]:
    return {
        "n_cases": arm.n_cases,
        "n_ratings": arm.n_ratings,
        "acceptance": arm.two_way.estimate,
        "acceptance_wilson": _ends(arm.majority),
        "acceptance_two_way": _ends(arm.two_way),
        "alpha": arm.agreed.alpha.estimate,
        "ac1": arm.agreed.ac.estimate,
        "percent_agreement": arm.agreed.percent.estimate,
    } | {key: value for key, value in whole.items() if key not in ("name", "n_cases", "n_ratings")}


def _ends(interval: Interval) -> list[float | None]:
    return [interval.low, interval.high]
