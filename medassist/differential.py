"""A differential diagnosis: what an answer says once it is read."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["emergency", "urgent", "caution", "note"]

Stage = Literal["initial_differential", "key_examinations", "diagnostic_evidence", "final_diagnosis"]
"""The four stages of an answer: 初步鉴别, 关键检查, 确诊依据, 最终诊断."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(_Value):
    """A reason, and where the case says so: `start`/`end` index the case text, or None where it says no such thing."""

    text: str
    start: int | None = None
    end: int | None = None


class Diagnosis(_Value):
    rank: Annotated[int, Field(ge=1)]
    name: str
    icd10: str | None = None
    cant_miss: bool = False
    node: str | None = None  # the disease of the knowledge graph that the name means; None is “unmapped”
    known: tuple[str, ...] = ()  # its reasons that the knowledge graph gives too, in a row that the model was told
    cited: tuple[str, ...] = ()  # ids of the sources that the graph cites for it
    evidence_for: tuple[Evidence, ...] = ()
    evidence_against: tuple[Evidence, ...] = ()
    next_tests: tuple[str, ...] = ()


class Differential(_Value):
    """The ranked list with the later stages of the answer as the model wrote them."""

    diagnoses: tuple[Diagnosis, ...]
    key_examinations: tuple[str, ...] = ()
    diagnostic_evidence: tuple[str, ...] = ()
    final_diagnosis: str = ""


class Warning(_Value):
    """Something the reader must know beside the answer. `code` is stable; the words are in the reader's language."""

    code: str
    message: str
    rule: str = ""  # id of the rule that raised it
    severity: Severity = "note"
    cited: tuple[str, ...] = ()  # sources, as a reader knows them: title, publisher, year
    places: tuple[tuple[int, int], ...] = ()  # what of the case text raised it
