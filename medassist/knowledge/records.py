"""The records of the knowledge files, as data/README.md describes them, and how they are read from YAML."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from medassist.errors import Language

DATA = Path(__file__).parent / "data"

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=80)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=600)]

Specialty = Literal[
    "cardiology", "respiratory", "gastroenterology", "nephrology", "endocrinology", "hematology", "oncology",
    "rheumatology", "infectious_disease", "neurology", "psychiatry", "surgery", "emergency", "obstetrics_gynecology",
    "pediatrics", "dermatology", "ophthalmology", "ent", "urology", "orthopedics", "toxicology",
]  # fmt: skip

Frequency = Literal["obligate", "very_frequent", "frequent", "occasional", "very_rare", "excluded"]
"""The frequency classes of the Human Phenotype Ontology (HP:0040279), so that nobody invents a percentage."""

SHARE: dict[Frequency, tuple[float, float]] = {
    "obligate": (1.0, 1.0),
    "very_frequent": (0.80, 0.99),
    "frequent": (0.30, 0.79),
    "occasional": (0.05, 0.29),
    "very_rare": (0.01, 0.04),
    "excluded": (0.0, 0.0),
}
"""The share of patients who have a finding of each class (HPO's own definition)."""

Sex = Literal["any", "mostly_female", "mostly_male", "female", "male"]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id


class Words(BaseModel):
    """The same said in both languages, each as one or several phrases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: tuple[Text, ...] = ()
    zh: tuple[Text, ...] = ()

    def of(self, language: Language) -> tuple[str, ...]:
        return self.zh if language == "zh" else self.en


class Name(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    en: Text
    zh: Text

    def of(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class Source(Record):
    """A guideline, textbook or paper that was looked up and found to exist at `url`."""

    title: Text
    publisher: Text
    year: int | None = Field(None, ge=1950, le=2100)
    kind: Literal["guideline", "textbook", "review", "study", "dataset"]
    url: str = Field(pattern=r"^https?://\S+$")
    seen: bool = True  # False: the work was found, this address of it was derived from an identifier and not opened


class Limit(BaseModel):
    """A finding that is a value beyond a limit; `ages` where the limit holds for some ages only (years, inclusive)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: Id
    at_least: float | None = None
    at_most: float | None = None
    ages: tuple[float, float] | None = None
    sex: Literal["female", "male"] | None = None
    source: Id

    @model_validator(mode="after")
    def _one_limit(self) -> "Limit":
        if self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least or at_most")
        return self

    def holds(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


class Finding(Record):
    kind: Literal["symptom", "sign", "history", "result"]
    name: Name
    words: Words = Words()
    is_: tuple[Id, ...] = Field((), alias="is")
    made_of: tuple[tuple[Id, ...], ...] = ()  # groups of findings that together are this one, wherever they are stated
    measure: tuple[Limit, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("measure"), dict):
            data = {**data, "measure": [data["measure"]]}
        return data


class Measure(Record):
    name: Name
    words: Words
    unit: str
    units: dict[str, float]
    plausible: tuple[float, float]


class Review(BaseModel):
    """Who has read a record against its sources; a draft was read by nobody yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["draft", "reviewed"] = "draft"
    by: str = ""
    on: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _word(cls, data: Any) -> Any:
        return {"status": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _signed(self) -> "Review":
        if self.status == "reviewed" and not (self.by and self.on):
            raise ValueError("a reviewed record needs `by` and `on`")
        return self


class Findings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    for_: dict[Id, Frequency] = Field({}, alias="for")
    pathognomonic: dict[Id, Frequency] = {}
    against: dict[Id, Literal["very_rare", "excluded"]] = {}

    def all(self) -> dict[str, Frequency]:
        return {**self.for_, **self.pathognomonic, **self.against}


class Examination(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    test: Name
    expect: Name


class LookAlike(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    disease: Id
    by: Name


class Disease(Record):
    name: Name
    synonyms: Words = Words()
    icd10: str = Field(pattern=r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$")
    specialty: Specialty
    urgency: Literal["emergency", "urgent", "soon", "routine"]
    cant_miss: bool
    prevalence: Literal["common", "uncommon", "rare"]
    age: tuple[float, float]
    sex: Sex
    findings: Findings
    examinations: tuple[Examination, ...] = Field(min_length=1)
    look_alikes: tuple[LookAlike, ...] = Field(min_length=1, max_length=4)
    sources: tuple[Id, ...] = Field(min_length=1)
    review: Review


class AtLeast(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(ge=1)
    of: tuple[Id, ...]


class When(BaseModel):
    """The trigger of a red flag, over the findings present in a case (and what they imply)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    any: tuple[Id, ...] = ()
    all: tuple[Id, ...] = ()
    none: tuple[Id, ...] = ()
    at_least: AtLeast | None = None
    age: tuple[float, float] | None = None
    sex: Literal["any", "female", "male"] = "any"

    @model_validator(mode="after")
    def _says_something(self) -> "When":
        if not (self.any or self.all):
            raise ValueError("needs `any` or `all`")
        return self

    def named(self) -> Iterator[str]:
        yield from (*self.any, *self.all, *self.none, *(self.at_least.of if self.at_least else ()))


class RedFlag(Record):
    disease: Id
    when: When
    severity: Literal["emergency", "urgent"]
    action: Name
    sources: tuple[Id, ...] = Field(min_length=1)
    review: Review


@dataclass(frozen=True)
class Problem:
    """A rule a file breaks: where (file and record), and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass
class Files:
    """All records of one set of knowledge files, by id, and what could not be read."""

    sources: dict[str, Source] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)
    diseases: dict[str, Disease] = field(default_factory=dict)
    red_flags: dict[str, RedFlag] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)  # (kind, id) → file
    problems: list[Problem] = field(default_factory=list)

    def place(self, kind: str, id_: str) -> str:
        return f"{self.places.get((kind, id_), kind)}: {id_}"


R = TypeVar("R", bound=Record)
KINDS: dict[str, type[Record]] = {
    "sources": Source,
    "findings": Finding,
    "measures": Measure,
    "diseases": Disease,
    "red_flags": RedFlag,
}


def read_files(folder: Path = DATA) -> Files:
    """Read every knowledge file under `folder`. What is broken becomes a `Problem`; the rest is read all the same."""
    files = Files()
    for kind, model in KINDS.items():
        for path in _paths(folder, kind):
            _read_into(files, kind, model, path, path.relative_to(folder).as_posix())
    return files


def _paths(folder: Path, kind: str) -> list[Path]:
    return sorted([*folder.glob(f"{kind}.yaml"), *(folder / kind).glob("*.yaml")])


def _read_into(files: Files, kind: str, model: type[Record], path: Path, shown: str) -> None:
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        files.problems.append(Problem(shown, f"is not readable YAML ({_first_line(error)})"))
        return
    if not isinstance(entries, list):
        files.problems.append(Problem(shown, "must be a list of records"))
        return
    known: dict[str, Any] = getattr(files, kind)
    for number, entry in enumerate(entries, 1):
        name = entry.get("id") if isinstance(entry, dict) else None
        where = f"{shown}: {name or f'record {number}'}"
        try:
            record = model.model_validate(entry)
        except ValidationError as error:
            files.problems += [Problem(where, what) for what in _plain(error)]
            continue
        if record.id in known:
            files.problems.append(Problem(where, f"is defined already, in {files.places[kind, record.id]}"))
            continue
        known[record.id] = record
        files.places[kind, record.id] = shown


def _plain(error: ValidationError) -> Iterable[str]:
    for item in error.errors(include_url=False):
        place = ".".join(str(part) for part in item["loc"])
        yield f"{place}: {item['msg']}" if place else str(item["msg"])


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {getattr(error, 'problem', error)}" if mark else type(error).__name__


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe, in C where libyaml is there, and strict: a key given twice is an error, not the last one's silent win."""


def _mapping(loader: Any, node: Any, deep: bool = False) -> dict[Any, Any]:
    seen: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
        seen[key] = loader.construct_object(value_node, deep=True)
    return seen


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
