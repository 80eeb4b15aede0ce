"""The case: JSON in and out, what is refused and how, and the text that the model reads."""

import json
from typing import Any

import pytest

from medassist.case import MAX_CHARACTERS, PatientCase, VitalSigns, case_from_dict, case_from_json, detect_language
from medassist.errors import CaseTooLong, InvalidCase, UnreadableInput

SECRET = "Zacharias Quillfeather"
FULL = {
    "chief_complaint": "Headache",
    "history": "Since noon.",
    "age": 41,
    "sex": "female",
    "language": "en",
    "past_history": "migraine",
    "medications": "ibuprofen",
    "allergies": "none",
    "family_history": "mother: migraine",
    "social_history": "does not smoke",
    "examination": "alert",
    "investigations": "CT normal",
    "vital_signs": {
        "temperature_c": 37.5,
        "heart_rate": 80,
        "respiratory_rate": 16,
        "systolic_bp": 120,
        "diastolic_bp": 70,
        "spo2_percent": 98,
    },
}
MINIMAL = {"chief_complaint": "Headache", "history": "Since noon."}


def test_json_comes_back_as_it_went_in() -> None:
    case = case_from_json(json.dumps(FULL))
    assert json.loads(case.model_dump_json()) == FULL
    assert case_from_json(case.model_dump_json()) == case


def test_two_fields_are_enough() -> None:
    case = case_from_json(json.dumps(MINIMAL))
    assert (case.age, case.sex, case.language, case.vital_signs) == (None, "unknown", None, VitalSigns())


@pytest.mark.parametrize("sex", ["male", "female", "男", "女", "other", "unknown"])
def test_every_sex_of_the_contract(sex: str) -> None:
    assert case_from_dict(MINIMAL | {"sex": sex}).sex == sex


@pytest.mark.parametrize(
    ("change", "where", "en", "zh"),
    [
        ({"chief_complaint": ""}, "chief_complaint", "is empty", "为空"),
        ({"chief_complaint": " \n"}, "chief_complaint", "is empty", "为空"),
        ({"history": None}, "history", "must be text", "必须是文本"),
        ({"history": 5}, "history", "must be text", "必须是文本"),
        ({"age": -1}, "age", "at least 0", "不低于 0"),
        ({"age": 131}, "age", "at most 130", "不高于 130"),
        ({"age": 4.5}, "age", "a whole number", "整数"),
        ({"age": "old"}, "age", "a whole number", "整数"),
        ({"sex": "m"}, "sex", "must be one of 'male'", "之一"),
        ({"language": "de"}, "language", "must be one of 'en' or 'zh'", "之一"),
        ({"nickname": SECRET}, "nickname", "unknown key", "未知的键"),
        ({"nickname": SECRET, "shoe_size": 4}, "nickname, shoe_size", "unknown key", "未知的键"),
        ({"vital_signs": {"mood": 1}}, "vital_signs.mood", "unknown key", "未知的键"),
        ({"vital_signs": {"temperature_c": 400}}, "vital_signs.temperature_c", "at most 47", "不高于 47"),
        ({"vital_signs": {"temperature_c": 9.9}}, "vital_signs.temperature_c", "at least 10", "不低于 10"),
        ({"vital_signs": {"heart_rate": -1}}, "vital_signs.heart_rate", "at least 0", "不低于 0"),
        ({"vital_signs": {"heart_rate": 401}}, "vital_signs.heart_rate", "at most 400", "不高于 400"),
        ({"vital_signs": {"respiratory_rate": 151}}, "vital_signs.respiratory_rate", "at most 150", "不高于 150"),
        ({"vital_signs": {"systolic_bp": 351}}, "vital_signs.systolic_bp", "at most 350", "不高于 350"),
        ({"vital_signs": {"diastolic_bp": 301}}, "vital_signs.diastolic_bp", "at most 300", "不高于 300"),
        ({"vital_signs": {"spo2_percent": 101}}, "vital_signs.spo2_percent", "at most 100", "不高于 100"),
        ({"vital_signs": {"heart_rate": "fast"}}, "vital_signs.heart_rate", "must be a number", "必须是数字"),
        (
            {"vital_signs": {"systolic_bp": 80, "diastolic_bp": 120}},
            "vital_signs.diastolic_bp",
            "is above systolic_bp",
            "舒张压高于收缩压",
        ),
        ({"vital_signs": "fine"}, "vital_signs", "of the right type", "正确的类型"),
        ({"history": "\ud800"}, "history", "must be", "必须是"),
        ({"age": float("nan")}, "age", "must be", "必须"),
        ({"vital_signs": {"heart_rate": float("nan")}}, "vital_signs.heart_rate", "must be", "必须"),
        ({"vital_signs": {"heart_rate": float("inf")}}, "vital_signs.heart_rate", "must be", "必须"),
    ],
)
def test_a_wrong_field_is_named_with_the_reason_in_both_languages(
    change: dict[str, Any], where: str, en: str, zh: str
) -> None:
    with pytest.raises(InvalidCase) as caught:
        case_from_dict({**MINIMAL, **change})
    error = caught.value
    assert error.text("en").startswith(f"{where}: ") and en in error.text("en")
    assert error.text("zh").startswith(f"{where}：") and zh in error.text("zh")
    assert SECRET not in error.text("en") + error.text("zh")
    assert error.__cause__ is None and error.__suppress_context__  # pydantic's error quotes the value


@pytest.mark.parametrize("key", ["chief_complaint", "history"])
def test_a_missing_field_is_named(key: str) -> None:
    with pytest.raises(InvalidCase, match=f"^{key}: is required"):
        case_from_dict({name: value for name, value in MINIMAL.items() if name != key})


def test_an_odd_key_does_not_break_the_line() -> None:
    with pytest.raises(InvalidCase) as caught:
        case_from_dict(MINIMAL | {"a\nb" + "c" * 500: 1})
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ("{", "no valid JSON (line 1, column 2)", "不是有效的 JSON（第 1 行，第 2 列）"),
        ('{"history": "x"\n "age": 4}', "line 2, column 2", "第 2 行，第 2 列"),
        ("", "no valid JSON", "不是有效的 JSON"),
        ("[" * 20_000, "nested too deeply", "嵌套过深"),
        (f'{{"age": {"9" * 5000}}}', "JSON", "JSON"),
    ],
)
def test_broken_json_says_where(text: str, en: str, zh: str) -> None:
    with pytest.raises(UnreadableInput) as caught:
        case_from_json(text)
    assert en in caught.value.text("en") and zh in caught.value.text("zh")


@pytest.mark.parametrize("text", ["[]", '"text"', "5", "null"])
def test_json_that_is_no_object(text: str) -> None:
    with pytest.raises(InvalidCase, match="must be a JSON object"):
        case_from_json(text)


@pytest.mark.parametrize("size", [MAX_CHARACTERS + 1, 5 * MAX_CHARACTERS])
def test_too_many_characters_are_counted(size: int) -> None:
    with pytest.raises(CaseTooLong) as caught:
        case_from_json(json.dumps({"chief_complaint": "x", "history": "y" * (size - 1)}))
    assert str(MAX_CHARACTERS) in caught.value.text("en") and str(MAX_CHARACTERS) in caught.value.text("zh")


def test_the_longest_case_is_read() -> None:
    history = "y" * (MAX_CHARACTERS - 1)
    assert case_from_dict({"chief_complaint": "x", "history": history}).history == history


def test_repr_shows_no_patient_text() -> None:
    case = PatientCase(chief_complaint=SECRET, history=SECRET, age=77)
    for shown in (repr(case), str(case), f"{case}", repr([case]), f"{case!r}"):
        assert "Zacharias" not in shown and "77" not in shown.replace(str(len(case.model_dump_json())), "")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("chest pain", "en"),
        ("胸痛三小时", "zh"),
        ("胸痛 ECG CT MRI", "en"),
        ("胸痛三小时，ECG 正常", "zh"),
        ("Says 痛 when asked where it hurts", "en"),
        ("123 / 45", "en"),
    ],
)
def test_language_detection(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_the_language_set_wins_over_the_one_written() -> None:
    case = PatientCase(chief_complaint="胸痛", history="三小时", language="en")
    assert case.written_in == "en" and case.text().startswith("Chief complaint: 胸痛")


def test_text_in_english_labels_every_field_in_reading_order() -> None:
    assert case_from_dict(FULL).text() == (
        "Patient: 41 years old, female\n"
        "Chief complaint: Headache\n"
        "History of present illness: Since noon.\n"
        "Past history: migraine\n"
        "Medications: ibuprofen\n"
        "Allergies: none\n"
        "Family history: mother: migraine\n"
        "Social history: does not smoke\n"
        "Vital signs: temperature 37.5 °C, heart rate 80/min, respiratory rate 16/min, SpO2 98 %, "
        "blood pressure 120/70 mmHg\n"
        "Examination: alert\n"
        "Investigations: CT normal"
    )


def test_text_in_chinese_labels_every_field_in_reading_order() -> None:
    case = PatientCase(
        chief_complaint="头痛",
        history="中午起病。",
        age=41,
        sex="女",
        past_history="偏头痛",
        medications="布洛芬",
        allergies="无",
        family_history="母亲偏头痛",
        social_history="不吸烟",
        examination="神清",
        investigations="CT未见异常",
        vital_signs=VitalSigns(temperature_c=37.5, systolic_bp=120),
    )
    assert case.text() == (
        "患者：女，41岁\n主诉：头痛\n现病史：中午起病。\n既往史：偏头痛\n用药：布洛芬\n过敏史：无\n家族史：母亲偏头痛\n"
        "个人史：不吸烟\n生命体征：体温 37.5 ℃，收缩压 120 mmHg\n体格检查：神清\n辅助检查：CT未见异常"
    )


def test_text_leaves_out_what_is_not_given() -> None:
    assert case_from_dict(MINIMAL).text() == "Chief complaint: Headache\nHistory of present illness: Since noon."
    assert "Patient: sex other\n" in case_from_dict(MINIMAL | {"sex": "other"}).text()
    assert "Patient: 0 years old\n" in case_from_dict(MINIMAL | {"age": 0}).text()
