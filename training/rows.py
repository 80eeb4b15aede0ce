"""A row of any data set → a record, or everything that is wrong with it. And the texts of a record, with their paths."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from medassist.case import TEXT_FIELDS, detect_language
from training.cases import Exchange, TrainingCase
from training.config import Source
from training.errors import Problem, Wrong, explain
from training.sources import Row

AnyRecord = TrainingCase | Exchange

_KINDS: dict[str, type[AnyRecord]] = {"case": TrainingCase, "exchange": Exchange}
_ASKED = (*TEXT_FIELDS, "question")
"""The fields that hold the question; the others hold its answer or say what record it is."""
_TOLD = (
    "id", "kind", "language", "source", "specialty", "synthetic", "sex", "age", "vital_signs", "candidates", "withheld",
)  # fmt: skip


# --- From a row.


def as_value(row: Row, source: Source) -> dict[str, Any] | list[Wrong]:
    """A row of `source` as the fields of a record: columns renamed, what it does not say filled in."""
    if missing := [column for column in source.columns if column not in row.value]:
        return [Wrong(column, "missing", "there is no such column.", "没有此列。") for column in missing]
    value = {field: row.value[column] for column, field in source.columns.items()} or dict(row.value)
    given = {
        "id": f"{source.name}-{row.line}",
        "specialty": source.specialty,
        "source": f"{source.hub}@{source.revision}" if source.hub else source.name,
        "synthetic": source.synthetic,
    }
    value = given | {name: part for name, part in value.items() if part is not None}
    if source.columns and isinstance(value["id"], int):  # numbered columns are usual in tables
        value["id"] = str(value["id"])
    if source.synthetic:
        value["synthetic"] = True
    value.setdefault("language", source.language or _language(value))
    return value


def _language(value: dict[str, Any]) -> str:
    return detect_language(" ".join(str(value[name]) for name in _ASKED if isinstance(value.get(name), str)))


def as_record(value: dict[str, Any]) -> AnyRecord | list[Wrong]:
    """The fields of a record, checked; without `kind` it is an exchange where it has a question, else a case."""
    value = {"kind": "exchange" if "question" in value else "case"} | value
    kind = value["kind"]
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return [Wrong("kind", "wrong_value", "must be one of 'case', 'exchange'.", "必须是 'case'、'exchange' 之一。")]
    try:
        return model.model_validate(value)
    except ValidationError as error:
        return explain(error)


def known_id(record: AnyRecord, row: Row, seen: dict[str, str]) -> list[Wrong]:
    """What is wrong with the id of a record; `seen` maps the ids so far to where they were used."""
    here = f"{row.file}:{row.line}"
    where = seen.setdefault(record.id, here)
    return [] if where == here else [Wrong("id", "duplicate_id", f"was used in {where}.", f"与 {where} 重复。")]


def at(wrongs: Iterable[Wrong], row: Row) -> list[Problem]:
    """What is wrong, with the file and line of `row`."""
    return [wrong.at(row.file, row.line) for wrong in wrongs]


# --- The texts of a record.


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a decoded value with its path, `differential_diagnosis[0].name`."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from texts(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from texts(part, f"{path}[{number}]")


def mapped(value: Any, change: Callable[[str, str], str], path: str = "") -> Any:
    """`value` with each string replaced by `change(path, string)`."""
    if isinstance(value, str):
        return change(path, value)
    if isinstance(value, dict):
        return {name: mapped(part, change, f"{path}.{name}" if path else str(name)) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [mapped(part, change, f"{path}[{number}]") for number, part in enumerate(value)]
    return value


def asked(record: AnyRecord) -> str:
    """What is asked: the case as a model reads it, or the question."""
    return record.case().text() if isinstance(record, TrainingCase) else record.question


def answered(record: AnyRecord) -> list[tuple[str, str]]:
    """The texts of the answer with their paths: reasoning and all that follows it."""
    fields = record.model_dump(exclude={*_ASKED, *_TOLD})
    return [(path, text) for path, text in texts(fields) if text]


def whole(record: AnyRecord) -> str:
    """Question and answer in one text."""
    return "\n".join([asked(record), *(text for _, text in answered(record))])
