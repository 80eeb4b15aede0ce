"""Answers that may tell who wrote them: read by a person, then released as they are or edited."""

from medassist.errors import InvalidStudy
from medassist.store.study_tables import Response
from medassist.study.arms import secret_words
from medassist.study.blinding import Blinded
from medassist.study.lead import Lead
from medassist.study.responses import Blinder


def blocked(lead: Lead, study_id: str) -> list[Response]:
    """Those that wait to be read, in an order that tells no arm."""
    return [response for response in lead.studies.responses(study_id) if response.blocked]


def release(lead: Lead, study_id: str, response_id: str, who: str) -> None:
    """Let raters read it as it is. Raises `NotNow`, and `InvalidStudy` where it does not wait."""
    _waiting(lead, study_id, response_id)
    lead.studies.release(study_id, response_id, who, "as it was")
    lead.audit.record(who, "answer.released", study_id, new={"response": response_id, "how": "as it was"})


def release_edited(lead: Lead, study_id: str, response_id: str, text: str, who: str) -> Blinded:
    """Let raters read `text` instead, blinded like any other answer; kept only where the result has no leak.

    Raises `NotNow`, and `InvalidStudy` where the answer does not wait.
    """
    response = _waiting(lead, study_id, response_id)
    case = next(case for case in lead.studies.cases(study_id) if case.id == response.case_id)
    more = secret_words(response.model, response.adapter)
    made = Blinder.of(lead.studies, study_id).blinded(text, case, more)
    if made.leaks:
        return made
    lead.studies.release(
        study_id,
        response_id,
        who,
        "edited",
        display_text=made.text,
        display_sha256=made.text_sha256,
        capped=made.capped or response.capped,
        removed=[*response.removed, *made.removed],
        leaks=[],
    )
    lead.audit.record(who, "answer.released", study_id, new={"response": response_id, "how": "edited"})
    return made


def _waiting(lead: Lead, study_id: str, response_id: str) -> Response:
    found = next((each for each in blocked(lead, study_id) if each.id == response_id), None)
    if found is None:
        raise InvalidStudy(where="answer", reason="it does not wait to be read.", reason_zh="该回答无须审阅。")
    lead.studies.require(study_id, "draft", "enrolling")
    return found
