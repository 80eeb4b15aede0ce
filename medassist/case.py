"""A patient's case as it was entered, and the text the model reads of it."""

import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medassist.errors import CaseTooLong, InvalidCase, Language, UnreadableInput

MAX_CHARACTERS = 100_000
"""Longest case accepted at all, in characters. The model's own limit, in tokens, is usually lower."""

Sex = Literal["male", "female", "男", "女", "other", "unknown"]


class VitalSigns(BaseModel):
    """Vital signs; a value outside these limits is a typing error, not a finding.

    The temperature limits lie just outside the extremes survived: 13.7 °C (Gilbert, Lancet 2000) and
    46.5 °C (Slovis, Annals of Emergency Medicine 1982). The others are what monitors can display.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature_c: Annotated[float, Field(ge=10, le=47)] | None = None  # °C
    heart_rate: Annotated[float, Field(ge=0, le=400)] | None = None  # per minute
    respiratory_rate: Annotated[float, Field(ge=0, le=150)] | None = None  # per minute
    systolic_bp: Annotated[float, Field(ge=0, le=350)] | None = None  # mmHg
    diastolic_bp: Annotated[float, Field(ge=0, le=300)] | None = None  # mmHg
    spo2_percent: Annotated[float, Field(ge=0, le=100)] | None = None  # %

    @model_validator(mode="after")
    def _pressures_agree(self) -> Self:
        if self.systolic_bp is not None and self.diastolic_bp is not None and self.diastolic_bp > self.systolic_bp:
            raise ValueError("diastolic_bp is above systolic_bp")
        return self


class PatientCase(BaseModel):
    """One case. Only the chief complaint and the history are required; `repr` shows no patient text."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    chief_complaint: str
    history: str
    age: Annotated[int, Field(ge=0, le=130)] | None = None  # years
    sex: Sex = "unknown"
    language: Language | None = None
    past_history: str = ""
    medications: str = ""
    allergies: str = ""
    family_history: str = ""
    social_history: str = ""
    examination: str = ""
    investigations: str = ""
    vital_signs: VitalSigns = VitalSigns()

    @model_validator(mode="after")
    def _complaint_given(self) -> Self:
        if not self.chief_complaint:
            raise ValueError("chief_complaint is empty")
        return self

    def __repr__(self) -> str:
        return f"PatientCase({len(self.model_dump_json())} characters, text hidden)"

    __str__ = __repr__

    @property
    def written_in(self) -> Language:
        """The language the case asks to be answered in: as set, else as most of it is written."""
        return self.language or detect_language(" ".join(getattr(self, name) for name in TEXT_FIELDS))

    def text(self) -> str:
        """The case as labelled lines in its own language: what the model reads and what spans index."""
        labels = LABELS[self.written_in]
        lines = [f"{labels['patient']}{_person(self)}"] if _person(self) else []
        for name in TEXT_FIELDS:
            if name == "examination" and (vitals := _vitals(self.vital_signs, labels)):
                lines.append(f"{labels['vital_signs']}{vitals}")
            if value := getattr(self, name):
                lines.append(f"{labels[name]}{value}")
        return "\n".join(lines)


TEXT_FIELDS = (
    "chief_complaint",
    "history",
    "past_history",
    "medications",
    "allergies",
    "family_history",
    "social_history",
    "examination",
    "investigations",
)
"""The free-text fields of a case, in the order in which a case is read."""

LABELS: dict[Language, dict[str, str]] = {
    "en": {
        "patient": "Patient: ",
        "chief_complaint": "Chief complaint: ",
        "history": "History of present illness: ",
        "past_history": "Past history: ",
        "medications": "Medications: ",
        "allergies": "Allergies: ",
        "family_history": "Family history: ",
        "social_history": "Social history: ",
        "vital_signs": "Vital signs: ",
        "examination": "Examination: ",
        "investigations": "Investigations: ",
        "temperature_c": "temperature {} °C",
        "heart_rate": "heart rate {}/min",
        "respiratory_rate": "respiratory rate {}/min",
        "blood_pressure": "blood pressure {}/{} mmHg",
        "systolic_bp": "systolic pressure {} mmHg",
        "diastolic_bp": "diastolic pressure {} mmHg",
        "spo2_percent": "SpO2 {} %",
        "join": ", ",
    },
    "zh": {
        "patient": "患者：",
        "chief_complaint": "主诉：",
        "history": "现病史：",
        "past_history": "既往史：",
        "medications": "用药：",
        "allergies": "过敏史：",
        "family_history": "家族史：",
        "social_history": "个人史：",
        "vital_signs": "生命体征：",
        "examination": "体格检查：",
        "investigations": "辅助检查：",
        "temperature_c": "体温 {} ℃",
        "heart_rate": "心率 {} 次/分",
        "respiratory_rate": "呼吸 {} 次/分",
        "blood_pressure": "血压 {}/{} mmHg",
        "systolic_bp": "收缩压 {} mmHg",
        "diastolic_bp": "舒张压 {} mmHg",
        "spo2_percent": "血氧饱和度 {} %",
        "join": "，",
    },
}

_CJK = re.compile(r"[\u3400-\u9fff]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def detect_language(text: str) -> Language:
    """Chinese when it holds at least as many Chinese characters as Latin words, English otherwise."""
    chinese = len(_CJK.findall(text))
    return "zh" if chinese and chinese >= len(_LATIN_WORD.findall(text)) else "en"


def _person(case: PatientCase) -> str:
    chinese = case.written_in == "zh"
    sex = {"男": "male", "女": "female"}.get(case.sex, case.sex)
    if chinese:
        word = {"male": "男", "female": "女", "other": "性别其他"}.get(sex, "")
        return "，".join(part for part in (word, f"{case.age}岁" if case.age is not None else "") if part)
    word = {"male": "male", "female": "female", "other": "sex other"}.get(sex, "")
    return ", ".join(part for part in (f"{case.age} years old" if case.age is not None else "", word) if part)


def _vitals(vitals: VitalSigns, labels: dict[str, str]) -> str:
    values = {name: f"{value:g}" for name, value in vitals.model_dump().items() if value is not None}
    parts = []
    if "systolic_bp" in values and "diastolic_bp" in values:
        parts.append(labels["blood_pressure"].format(values.pop("systolic_bp"), values.pop("diastolic_bp")))
    parts = [labels[name].format(value) for name, value in values.items()] + parts
    return labels["join"].join(parts)


def case_from_json(text: str) -> PatientCase:
    """Read one case from JSON. Raises `UnreadableInput`, `InvalidCase` or `CaseTooLong`; quotes no value."""
    if len(text) > 4 * MAX_CHARACTERS:
        raise CaseTooLong(count=len(text), unit="characters", unit_zh="个字符", limit=MAX_CHARACTERS)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableInput(
            reason=f"it is no valid JSON (line {error.lineno}, column {error.colno}).",
            reason_zh=f"不是有效的 JSON（第 {error.lineno} 行，第 {error.colno} 列）。",
        ) from None
    except ValueError:  # Python refuses to read numbers of thousands of digits
        raise UnreadableInput(
            reason="its JSON holds a number that is too long.", reason_zh="JSON 中的数字过长。"
        ) from None
    except RecursionError:
        raise UnreadableInput(reason="its JSON is nested too deeply.", reason_zh="JSON 嵌套过深。") from None
    return case_from_dict(data)


def case_from_dict(data: Any) -> PatientCase:
    """Check a decoded case. Raises `InvalidCase` naming the field, or `CaseTooLong`; quotes no value."""
    if not isinstance(data, dict):
        raise InvalidCase(where="case", reason="must be a JSON object.", reason_zh="必须是 JSON 对象。")
    try:
        case = PatientCase.model_validate(data)
    except ValidationError as error:
        raise _explain(error) from None
    count = sum(len(getattr(case, name)) for name in TEXT_FIELDS)
    if count > MAX_CHARACTERS:
        raise CaseTooLong(count=count, unit="characters", unit_zh="个字符", limit=MAX_CHARACTERS)
    return case


def _explain(error: ValidationError) -> InvalidCase:
    """Say where and why in both languages, from the first thing pydantic found. Never the value itself."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "case"
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        unknown = [".".join(map(str, e["loc"])) for e in error.errors() if e["type"] == "extra_forbidden"]
        named = ", ".join(repr(key)[1:-1][:40] for key in unknown[:5])  # on one line, and no text taken for a key
        return InvalidCase(where=named, reason="unknown key.", reason_zh="未知的键。")
    if kind == "missing":
        return InvalidCase(where=where, reason="is required.", reason_zh="为必填项。")
    if kind == "value_error" and "chief_complaint" in first["msg"]:
        return InvalidCase(where="chief_complaint", reason="is empty.", reason_zh="主诉为空。")
    if kind == "value_error":
        return InvalidCase(
            where=f"{where}.diastolic_bp", reason="is above systolic_bp.", reason_zh="舒张压高于收缩压。"
        )
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = context.get("ge", context.get("le"))
        side, side_zh = ("at least", "不低于") if "ge" in context else ("at most", "不高于")
        return InvalidCase(where=where, reason=f"must be {side} {bound:g}.", reason_zh=f"必须{side_zh} {bound:g}。")
    if kind == "literal_error":
        return InvalidCase(
            where=where,
            reason=f"must be one of {context['expected']}.",
            reason_zh=f"必须是 {context['expected']} 之一。",
        )
    wanted = {
        "string_type": ("text", "文本"),
        "int_type": ("a whole number", "整数"),
        "int_parsing": ("a whole number", "整数"),
        "int_from_float": ("a whole number", "整数"),
        "float_type": ("a number", "数字"),
        "float_parsing": ("a number", "数字"),
        "finite_number": ("a finite number", "有限的数字"),
    }
    en, zh = wanted.get(kind, ("of the right type", "正确的类型"))
    return InvalidCase(where=where, reason=f"must be {en}.", reason_zh=f"必须是{zh}。")
