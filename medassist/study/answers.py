"""Answers from elsewhere, of a person or of another system, from a file: read whole, then kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medassist.errors import InvalidStudy
from medassist.store.studies import StudyStore
from medassist.study.cases import MOST_CASES
from medassist.study.responses import Blinder, config_of, imported
from medassist.study.rows import RowFault, read_rows

MAX_ANSWER = 100_000
_COLUMNS = {
    "case": "case", "case_id": "case", "id": "case", "编号": "case", "病例": "case", "病例编号": "case",
    "answer": "answer", "回答": "answer", "答案": "answer",
}  # fmt: skip
_KEYS = ("case", "answer", "parameters")


@dataclass(frozen=True)
class ReadAnswer:
    row: int
    case: str  # the lead's own id of it
    text: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class ReadAnswers:
    answers: tuple[ReadAnswer, ...]
    faults: tuple[RowFault, ...]


@dataclass(frozen=True)
class Imported:
    kept: int
    already: int  # the arm had answered the case, and that answer stays
    blocked: int  # to be read by a person before a rater may


def read_answers(data: bytes, name: str, cases: Collection[str]) -> ReadAnswers:
    """The answers of a file: JSON lines `{"case", "answer", "parameters"?}` or a table. `cases` are the ids there are.

    Keeps nothing and raises nothing.
    """
    rows = read_rows(data, name, lambda head: _COLUMNS.get(head.casefold(), head), MOST_CASES)
    for key in rows.columns if rows.is_table else ():
        if key not in _KEYS[:2]:
            rows.fault(1, key, "is an unknown column: there are case and answer.", "是未知的列：只有 case 和 answer。")
    for key in _KEYS[:2] if rows.is_table and rows.columns else ():
        if key not in rows.columns:
            rows.fault(1, key, "the column is missing.", "缺少该列。")
    if rows.is_table and any(fault.row <= 1 for fault in rows.faults):
        return ReadAnswers((), tuple(rows.faults))
    found: list[ReadAnswer] = []
    seen: dict[str, int] = {}
    for number, record in rows.rows:
        problems = _problems(record, cases, seen)
        for column, en, zh in problems:
            rows.fault(number, column, en, zh)
        if not problems:
            case = str(record["case"]).strip()
            seen[case] = number
            found.append(ReadAnswer(number, case, record["answer"], record.get("parameters") or {}))
    return ReadAnswers(tuple(found), tuple(sorted(rows.faults, key=lambda fault: fault.row)))


def import_answers(studies: StudyStore, study_id: str, arm: str, answers: Sequence[ReadAnswer]) -> Imported:
    """Keep the answers as those of an arm, blinded at once. Raises `InvalidStudy` for an arm of ours, and `NotNow`."""
    row = next((each for each in studies.arms(study_id) if each.name == arm), None)
    if row is None or config_of(row).source != "imported":
        raise InvalidStudy(where=f"arm {arm[:100]}", reason="there is no arm of this name whose answers come from a file.", reason_zh="没有以此命名且回答来自文件的臂。")  # fmt: skip
    cases = {case.key: case for case in studies.cases(study_id)}
    if unknown := next((each for each in answers if each.case not in cases), None):
        raise InvalidStudy(
            where=f"row {unknown.row}, case", reason="there is no such case.", reason_zh="没有这个病例。"
        )
    blinder = Blinder.of(studies, study_id)
    kept = blocked = 0
    for each in answers:
        response = imported(cases[each.case], row, each.text, each.parameters, blinder)
        is_blocked = response.blocked
        if studies.put_response(study_id, response):
            kept, blocked = kept + 1, blocked + is_blocked
    return Imported(kept, len(answers) - kept, blocked)


def _problems(record: Mapping[str, Any], cases: Collection[str], seen: Mapping[str, int]) -> list[tuple[str, str, str]]:
    """Column, and what is wrong in it."""
    case, answer = record.get("case"), record.get("answer")
    name = str(case).strip() if isinstance(case, str | int) and not isinstance(case, bool) else ""
    found = [(key, "unknown key.", "未知的键。") for key in record if key not in _KEYS]
    if not name:
        found.append(("case", "is missing.", "缺失。"))
    elif name not in cases:
        found.append(("case", "there is no such case in this study.", "本研究中没有这个病例。"))
    elif name in seen:
        found.append(("case", f"stands in row {seen[name]} too.", f"与第{seen[name]}行重复。"))
    if not isinstance(answer, str) or not answer.strip():
        found.append(("answer", "is empty, or no text.", "为空，或不是文本。"))
    elif len(answer) > MAX_ANSWER:
        found.append(("answer", f"is longer than {MAX_ANSWER} characters.", f"超过 {MAX_ANSWER} 个字符。"))
    if not isinstance(record.get("parameters") or {}, dict):
        found.append(("parameters", "must be an object.", "必须是对象。"))
    return found
