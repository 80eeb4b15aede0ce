"""The cases of a study, from the lead's own file: JSON lines in the case format, or a table in English or Chinese.

Reading is the dry run: it keeps nothing and says everything that is wrong or looks like an identifier. Keeping keeps
all of a file or nothing of it.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medassist.case import TEXT_FIELDS, PatientCase, VitalSigns, case_from_dict
from medassist.deidentify import MASKS, deidentify
from medassist.errors import InputError, InvalidCase, InvalidStudy, Language
from medassist.knowledge.graph import Graph
from medassist.store.studies import StudyStore, new_id
from medassist.store.study_tables import StudyCase
from medassist.study.rows import RowFault, Rows, filled, read_rows, require_faultless

MOST_CASES = 5_000
MAX_ID = 100
MAX_NAME = 500
"""Characters of a diagnosis, a specialty or a stratum."""
MOST_NAMES = 100
"""In `accept` and `cant_miss`."""

VITALS = tuple(VitalSigns.model_fields)
_OF_A_CASE = ("language", "age", "sex", *TEXT_FIELDS, *VITALS)
_OF_THE_STUDY = ("id", "specialty", "diagnosis", "accept", "cant_miss", "stratum", "practice")
COLUMNS = ("id", "specialty", "stratum", "practice", "diagnosis", "accept", "cant_miss", *_OF_A_CASE)
REQUIRED = ("id", "chief_complaint", "history")

_CHINESE = {
    "id": "编号 病例编号 病例号 序号", "specialty": "专科 科室 专业", "stratum": "分层 层", "practice": "练习 是否练习 练习病例",
    "diagnosis": "诊断 最终诊断 正确诊断 金标准 标准诊断 确诊诊断", "accept": "可接受诊断 可接受名称 同义词 其他名称",
    "cant_miss": "不可漏诊 不可漏诊诊断 不能漏诊 凶险疾病", "language": "语言", "age": "年龄", "sex": "性别",
    "chief_complaint": "主诉", "history": "现病史 病史", "past_history": "既往史", "medications": "用药 用药史 目前用药",
    "allergies": "过敏史 药物过敏史", "family_history": "家族史", "social_history": "个人史 社会史",
    "examination": "体格检查 查体 体检", "investigations": "辅助检查 检查结果 实验室检查", "temperature_c": "体温",
    "heart_rate": "心率 脉搏", "respiratory_rate": "呼吸 呼吸频率", "systolic_bp": "收缩压", "diastolic_bp": "舒张压",
    "spo2_percent": "血氧饱和度 血氧",
}  # fmt: skip
_ENGLISH = {
    "case": "id", "case_id": "id", "gold": "diagnosis", "final_diagnosis": "diagnosis", "can't_miss": "cant_miss",
    "gender": "sex", "history_of_present_illness": "history", "hpi": "history", "past_medical_history": "past_history",
    "temperature": "temperature_c", "spo2": "spo2_percent", "physical_examination": "examination",
}  # fmt: skip
_ALIASES = _ENGLISH | {word: key for key, words in _CHINESE.items() for word in words.split()}
_SEXES = {
    "m": "male",
    "f": "female",
    "男性": "男",
    "女性": "女",
    "unknown": "unknown",
    "不详": "unknown",
    "其他": "other",
}
_LANGUAGES = {"中文": "zh", "汉语": "zh", "chinese": "zh", "英文": "en", "英语": "en", "english": "en"}
_YES = ("1", "true", "yes", "y", "是", "x", "√")
_NO = ("", "0", "false", "no", "n", "否")


@dataclass(frozen=True)
class ReadCase:
    """One case as it would be kept. `repr` shows no patient text: a `PatientCase` hides its own."""

    row: int
    key: str
    case: PatientCase
    diagnosis: str
    accept: tuple[str, ...]
    cant_miss: tuple[str, ...]
    specialty: str
    stratum: str
    is_practice: bool

    @property
    def language(self) -> Language:
        return self.case.written_in


@dataclass(frozen=True)
class ReadCases:
    """`faults` keep the file from being kept; `warnings` are for the lead to look at."""

    cases: tuple[ReadCase, ...]
    faults: tuple[RowFault, ...]
    warnings: tuple[RowFault, ...]


def template() -> str:
    """An empty table with every column, for a spreadsheet; the byte order mark tells it that it is UTF-8."""
    text = io.StringIO()
    csv.writer(text).writerow(COLUMNS)
    return "\ufeff" + text.getvalue()


def read_cases(
    data: bytes, name: str, columns: Mapping[str, str] | None = None, *, identifiers: bool = True
) -> ReadCases:
    """The cases of a file, which `name` says the kind of; keeps nothing and raises nothing.

    `columns` says what columns of a table that bear other names are called here, or "" for one to be left out.
    `identifiers` are looked for, unless a file is known to hold none.
    """
    rows = read_rows(data, name, _namer(columns or {}), MOST_CASES)
    if rows.is_table and rows.columns:
        _require_known(rows, columns or {})
    if not rows.rows or (rows.is_table and any(fault.row <= 1 for fault in rows.faults)):
        return ReadCases((), tuple(rows.faults), ())  # under a wrong header every row would be at fault
    cases: list[ReadCase] = []
    seen: dict[str, int] = {}
    for number, record in rows.rows:
        try:
            case = _case(number, _of_table(record) if rows.is_table else dict(record))
        except InvalidCase as error:
            told = error.details
            rows.fault(number, str(told["where"]), str(told["reason"]), str(told["reason_zh"]))
            continue
        except InputError as error:
            rows.fault(number, "", error.text("en"), error.text("zh"))
            continue
        if case.key in seen:
            rows.fault(number, "id", f"stands in row {seen[case.key]} too.", f"与第{seen[case.key]}行重复。")
        seen.setdefault(case.key, number)
        cases.append(case)
    faults = tuple(sorted(rows.faults, key=lambda fault: fault.row))
    warnings = tuple(_identifiers(cases)) if identifiers and not faults else ()
    return ReadCases(tuple(cases), faults, warnings)


def keep_cases(studies: StudyStore, study_id: str, read: ReadCases) -> int:
    """Add the cases to a study, all or none; says how many. Raises `InvalidStudy` where one is at fault, and `NotNow`."""
    require_faultless(read.faults, "cases")
    known = {case.key for case in studies.cases(study_id)}
    if twice := [case for case in read.cases if case.key in known]:
        raise InvalidStudy(
            where=f"row {twice[0].row}, id",
            reason=f"the study has this case already ({len(twice)} in all).",
            reason_zh=f"研究中已有该病例（共 {len(twice)} 个）。",
        )
    if len(known) + len(read.cases) > MOST_CASES:
        raise InvalidStudy(where="cases", reason=f"a study has at most {MOST_CASES}.", reason_zh=f"一项研究最多 {MOST_CASES} 个病例。")  # fmt: skip
    studies.add_cases(study_id, [_row(study_id, case) for case in read.cases])
    return len(read.cases)


def cant_miss_of(graph: Graph, diagnosis: str, language: Language) -> tuple[str, ...]:
    """What the knowledge graph says must not be missed where this is the diagnosis: itself, if it is such a disease."""
    disease = graph.normalise(diagnosis)
    return (disease.name.of(language),) if disease is not None and disease.cant_miss else ()


def _row(study_id: str, read: ReadCase) -> StudyCase:
    return StudyCase(
        id=new_id(),
        study_id=study_id,
        key=read.key,
        language=read.language,
        case_json=read.case.model_dump_json(),
        diagnosis=read.diagnosis,
        accept=list(read.accept),
        cant_miss=list(read.cant_miss),
        specialty=read.specialty,
        stratum=read.stratum,
        is_practice=read.is_practice,
    )


# --- Tables.


def _namer(columns: Mapping[str, str]) -> Callable[[str], str]:
    """What a column is called here: as the lead says, or by its obvious name; one nobody knows keeps its own."""
    told = {head.strip(): key.strip() for head, key in columns.items()}

    def key_of(head: str) -> str:
        if head in told:
            return told[head]
        plain = head.casefold().split("(")[0].split("（")[0].strip().replace(" ", "_")
        return plain if plain in COLUMNS else _ALIASES.get(plain, head)

    return key_of


def _require_known(rows: Rows, columns: Mapping[str, str]) -> None:
    for key in rows.columns:
        if key not in COLUMNS:
            mapped = key in columns.values()
            rows.fault(1, key, "is no column of a case." if mapped else "is an unknown column; say which one it is, or leave it out.", "不是病例的列。" if mapped else "是未知的列；请指明其对应的列，或将其排除。")  # fmt: skip
    for key in REQUIRED:
        if key not in rows.columns:
            rows.fault(1, key, "the column is missing.", "缺少该列。")


def _of_table(row: Mapping[str, str]) -> dict[str, Any]:
    """A row of a table as the record it would be in JSON; an empty cell says nothing."""
    record: dict[str, Any] = {"history": "", **filled(row)}
    for key in ("accept", "cant_miss"):
        if key in record:
            record[key] = record[key].replace("；", ";").split(";")
    if "sex" in record:
        record["sex"] = _SEXES.get(record["sex"].casefold(), record["sex"].casefold())
    if "language" in record:
        record["language"] = _LANGUAGES.get(record["language"].casefold(), record["language"].casefold())
    vitals = {key: record.pop(key) for key in VITALS if key in record}
    return record | ({"vital_signs": vitals} if vitals else {})


# --- Records.


def _case(row: int, record: dict[str, Any]) -> ReadCase:
    """Raises `InvalidCase` that names the column, or `CaseTooLong`."""
    own = {key: record.pop(key) for key in _OF_THE_STUDY if key in record}
    return ReadCase(
        row,
        _key(own.get("id")),
        case_from_dict(record),
        _name(own, "diagnosis"),
        _names(own, "accept"),
        _names(own, "cant_miss"),
        _name(own, "specialty"),
        _name(own, "stratum"),
        _practice(own.get("practice", False)),
    )


def _key(value: object) -> str:
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text:
        raise InvalidCase(where="id", reason="is missing.", reason_zh="缺失。")
    if len(text) > MAX_ID or "|" in text or not text.isprintable():
        raise InvalidCase(where="id", reason=f"is longer than {MAX_ID} characters, or holds “|” or an invisible character.", reason_zh=f"超过 {MAX_ID} 个字符，或含有“|”或不可见字符。")  # fmt: skip
    return text


def _name(own: Mapping[str, Any], key: str) -> str:
    value = own.get(key) or ""
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise InvalidCase(where=key, reason=f"must be text of up to {MAX_NAME} characters.", reason_zh=f"必须是不超过 {MAX_NAME} 个字符的文本。")  # fmt: skip
    return value.strip()


def _names(own: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = own.get(key) or []
    if not isinstance(values, list) or len(values) > MOST_NAMES or not all(isinstance(v, str) and len(v) <= MAX_NAME for v in values):  # fmt: skip
        raise InvalidCase(where=key, reason=f"must be a list of up to {MOST_NAMES} names.", reason_zh=f"必须是最多 {MOST_NAMES} 个名称的列表。")  # fmt: skip
    return tuple(dict.fromkeys(value.strip() for value in values if value.strip()))


def _practice(value: object) -> bool:
    word = str(value).strip().casefold()
    if word not in (*_YES, *_NO):
        raise InvalidCase(where="practice", reason="must be true or false.", reason_zh="必须为“是”或“否”。")
    return word in _YES


def _identifiers(cases: Sequence[ReadCase]) -> Iterator[RowFault]:
    """Where something looks like an identifier: raters will read it."""
    for read in cases:
        kinds: dict[str, Counter[str]] = {}
        for masked in deidentify(read.case).masked:
            kinds.setdefault(masked.field, Counter())[masked.kind] += 1
        for column, found in kinds.items():
            en = ", ".join(f"{MASKS[kind][0]} ×{count}" for kind, count in found.items())
            zh = "、".join(f"{MASKS[kind][1]}×{count}" for kind, count in found.items())
            yield RowFault(read.row, column, f"may identify the patient: {en}.", f"可能含有患者身份信息：{zh}。")
