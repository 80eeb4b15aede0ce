"""Between the fields of the form and a `PatientCase`. Pure."""

from collections.abc import Mapping
from typing import Final

from medassist.case import TEXT_FIELDS, PatientCase, VitalSigns, case_from_dict
from medassist.errors import InputError, InvalidCase, Language, MedAssistError
from medassist.ui.words import WORDS, word

VITALS: Final = tuple(VitalSigns.model_fields)
FIELDS: Final = (*TEXT_FIELDS, "age", "sex", *VITALS)
"""The names of the form's fields; each is also the name of its label."""

EMPTY: Final[dict[str, object]] = (
    dict.fromkeys(TEXT_FIELDS, "") | {"age": None, "sex": "unknown"} | dict.fromkeys(VITALS)
)

_SEXES = {"男": "male", "女": "female"}


def case_of(values: Mapping[str, object]) -> PatientCase:
    """The case as typed. Raises `InvalidCase` or `CaseTooLong`."""
    if not str(values.get("history") or "").strip() and str(values.get("chief_complaint") or "").strip():
        raise InvalidCase(where="history", reason=word("is_empty", "en"), reason_zh=word("is_empty", "zh"))
    given = {name: value for name in FIELDS if (value := values.get(name)) not in (None, "")}
    vitals = {name: given.pop(name) for name in VITALS if name in given}
    return case_from_dict({"chief_complaint": "", "history": ""} | given | {"vital_signs": vitals})


def fields_of(case: PatientCase) -> dict[str, object]:
    """What to type for this case."""
    texts = {name: getattr(case, name) for name in TEXT_FIELDS}
    sex = _SEXES.get(case.sex, case.sex)
    return texts | {"age": case.age, "sex": sex} | case.vital_signs.model_dump()


def fields_from(draft: Mapping[str, object]) -> dict[str, object]:
    """A kept draft as fields; what an older version kept under another name is left out."""
    return {name: draft.get(name, empty) for name, empty in EMPTY.items()}


def explain(error: MedAssistError, language: Language) -> str:
    """The message of `error`; where it names a field, by its label in the form."""
    where = str(error.details.get("where", "")).removeprefix("vital_signs.")
    if not isinstance(error, InputError) or where not in WORDS:
        return error.text(language)
    reason = str(error.details["reason"])
    for name in VITALS:
        reason = reason.replace(name, word(name, "en"))
    return type(error)(**error.details | {"where": word(where, language), "reason": reason}).text(language)
