"""What a model is trained on: cases with their worked answer, and questions with theirs."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from medassist.case import PatientCase
from medassist.errors import Language


def _lines(value: Any) -> Any:
    """A list as it is; a text by its lines, as the seed's spreadsheets have it."""
    if isinstance(value, str):
        return tuple(line.strip(" -•\t") for line in value.splitlines() if line.strip(" -•\t"))
    return value


Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: Annotated[str, Field(min_length=1, max_length=200)]
    language: Language
    specialty: str = ""
    source: str = ""
    """The data set it came from, with its revision."""
    synthetic: bool = False


class Candidate(BaseModel):
    """A disease weighed in the answer: what of the case speaks for and against it, and the tests that decide."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    name: Annotated[str, Field(min_length=1)]
    supports: Lines = ()
    against: Lines = ()
    tests: Lines = ()

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class TrainingCase(_Record, PatientCase):
    """A case and its answer: the seed's fields (chief complaint, history, differential diagnosis, exams, diagnosis
    evidence, final diagnosis, specialty, language), the other fields of `PatientCase`, and the reasoning.

    `differential_diagnosis`, `exams`, `diagnosis_evidence` and `final_diagnosis` are the four stages of an answer.
    """

    kind: Literal["case"] = "case"
    chief_complaint: Annotated[str, Field(min_length=1)]
    history: Annotated[str, Field(min_length=1)]
    reasoning: str = ""
    differential_diagnosis: Annotated[tuple[Candidate, ...], BeforeValidator(_lines), Field(min_length=1)]
    exams: Lines = ()
    diagnosis_evidence: Lines = ()
    final_diagnosis: Annotated[str, Field(min_length=1)]
    accept: Lines = ()
    """Other names of the final diagnosis."""
    candidates: Lines = ()
    """The diseases of the knowledge graph that the prompt tells of, by id and in its order; empty: as serving finds them."""
    withheld: bool = False
    """The right disease is not among the candidates, and the answer says that none fits."""

    def case(self) -> PatientCase:
        """The case without its answer."""
        return PatientCase.model_validate({name: getattr(self, name) for name in PatientCase.model_fields})


class Exchange(_Record):
    """A medical question and its worked answer, such as medical-o1-reasoning-SFT's rows."""

    kind: Literal["exchange"] = "exchange"
    question: Annotated[str, Field(min_length=1)]
    reasoning: str = ""
    response: Annotated[str, Field(min_length=1)]
