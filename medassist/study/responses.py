"""An answer as it is kept in a study: as it was written, as raters read it, and what still gives its author away."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from medassist.errors import MedAssistError
from medassist.store.studies import StudyStore, new_id
from medassist.store.study_tables import Response, StudyArm, StudyCase
from medassist.study.answering import Answered
from medassist.study.arms import ArmConfig, secret_words, secrets
from medassist.study.blinding import Blinded, blind
from medassist.study.form import GRAPHS_REASONS
from medassist.study.protocol import DisplayRules, Protocol


@dataclass(frozen=True)
class Blinder:
    """How the answers of one study are made alike."""

    rules: DisplayRules
    secrets: tuple[str, ...]  # of all arms: an answer must not name another one either
    most_reasons: int | None = None  # shown to a line: see `form`

    @classmethod
    def of(cls, studies: StudyStore, study_id: str) -> "Blinder":
        """By the newest version of the protocol and the arms there are. Raises `UnknownStudy`."""
        studies.study(study_id)
        protocol = Protocol.model_validate(studies.versions(study_id)[-1].protocol)
        configs = [config_of(arm) for arm in studies.arms(study_id)]
        words = tuple(word for config in configs for word in secrets(config))
        alone = any(config.engine == "knowledge" for config in configs)
        return cls(protocol.display, words, GRAPHS_REASONS if alone else None)

    def blinded(self, text: str, case: StudyCase, more: Iterable[str] = ()) -> Blinded:
        """`more` are names that must not show either."""
        limits = {"en": self.rules.max_text_en, "zh": self.rules.max_text_zh}
        return blind(
            text,
            case.language,
            secrets=(*self.secrets, *more),
            keep_reasoning=self.rules.keep_reasoning,
            max_diagnoses=self.rules.max_diagnoses,
            max_text=limits[case.language],
        )


def config_of(arm: StudyArm) -> ArmConfig:
    return ArmConfig.model_validate(arm.config)


def answered(case: StudyCase, arm: StudyArm, answer: Answered, blinder: Blinder) -> Response:
    """An answer of one of our engines."""
    blinded = blinder.blinded(
        answer.shown(case.language, blinder.most_reasons), case, secret_words(answer.model, answer.adapter)
    )
    return _response(
        case,
        arm,
        answer.raw,
        blinded,
        parameters=answer.parameters,
        knowledge_version=answer.knowledge_version,
        model=answer.model,
        adapter=answer.adapter,
        explanation=answer.explanation,
        seconds=answer.seconds,
        at=answer.at,
    )


def imported(case: StudyCase, arm: StudyArm, text: str, parameters: Mapping[str, Any], blinder: Blinder) -> Response:
    """An answer from elsewhere, in its own words: to parse it could lose some of them."""
    return _response(case, arm, text, blinder.blinded(text, case), parameters=parameters)


def failed(case: StudyCase, arm: StudyArm, error: MedAssistError) -> Response:
    """What is kept in place of an answer until another attempt succeeds."""
    nothing = Blinded("", _sha256(""), _sha256(""), 0, 0, False, (), ())
    return _response(case, arm, "", nothing, parameters={}, failed=error.code)


def _response(
    case: StudyCase,
    arm: StudyArm,
    raw: str,
    blinded: Blinded,
    *,
    parameters: Mapping[str, Any],
    knowledge_version: str = "",
    model: str = "",
    adapter: str = "",
    explanation: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    failed: str = "",
    at: datetime | None = None,
) -> Response:
    return Response(
        id=new_id(),
        case_id=case.id,
        arm_id=arm.id,
        raw=raw,
        display_text=blinded.text,
        raw_sha256=_sha256(raw),
        display_sha256=blinded.text_sha256,
        raw_length=len(raw),
        answer_length=blinded.answer_length,
        capped=blinded.capped,
        removed=list(blinded.removed),
        leaks=_leaks(blinded),
        blocked=blinded.blocked,
        released="",
        released_by="",
        parameters=dict(parameters),
        knowledge_version=knowledge_version,
        model=model,
        adapter=adapter,
        explanation=dict(explanation) if explanation is not None else None,
        generated_at=at or datetime.now(UTC),
        seconds=seconds,
        failed=failed,
    )


def _leaks(blinded: Blinded) -> Sequence[Any]:
    return [[leak.kind, leak.start, leak.end] for leak in blinded.leaks]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
