import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.case import MAX_CHARACTERS, TEXT_FIELDS, PatientCase
from medassist.errors import CaseTooLong, InvalidCase, MedAssistError, UnreadableInput
from medassist.intake import MAX_COMPLAINT, clean, clean_case, read_bytes, read_case, split_note

quick = settings(deadline=None, max_examples=60)


@pytest.mark.parametrize(
    ("text", "expected", "removed"),
    [
        ("chest pain", "chest pain", ()),
        ("a\r\nb\rc\td", "a\nb\nc\td", ()),
        ("a\x00b\x07\x7f\x85", "ab", ("control",)),
        ("\ufefffe\u200bver", "fever", ("zero_width",)),
        ("a\u202eb\u2066c\u200f", "abc", ("bidi",)),
        ("a\ue000b\ufffec\ufdd0\U0001ffff\ud800", "abc", ("other",)),
        ("\u200b\x01\u202e\ue000", "", ("control", "zero_width", "bidi", "other")),
        ("cafe\u0301 ＡＢ", "café ＡＢ", ()),
        ("כאב ألم 胸痛 😷", "כאב ألم 胸痛 😷", ()),
    ],
)
def test_clean(text, expected, removed):
    assert clean(text) == (expected, removed)


@quick
@given(st.text())
def test_clean_is_idempotent(text):
    once, _ = clean(text)
    assert clean(once) == (once, ())


def test_clean_case_cleans_every_field_and_keeps_the_rest():
    fields = {name: f"te\u200bxt\x07 {name}" for name in TEXT_FIELDS}
    case, removed = clean_case(PatientCase(**fields, age=40, sex="female"))
    assert removed == ("control", "zero_width")
    assert [getattr(case, name) for name in TEXT_FIELDS] == [f"text {name}" for name in TEXT_FIELDS]
    assert (case.age, case.sex) == (40, "female")


def test_clean_case_without_a_complaint_left():
    with pytest.raises(InvalidCase, match="chief_complaint"):
        clean_case(PatientCase(chief_complaint="\u200b\x01", history="since yesterday"))


ENGLISH = """34-year-old woman
CC: chest pain
## HPI
Sudden onset two days ago, worse on breathing.
**PMH:** asthma
Meds - salbutamol
Allergies: none known. FH: mother had a DVT
[Social history]
Smokes. Works at a desk.
Vitals: T 100.4 F, HR 112, RR 24, BP 118/76 mmHg, SpO2 93%
PE:
Calf swollen on the left.
Labs: D-dimer 2.1
"""


def test_split_english_note():
    case = split_note(ENGLISH)
    assert (case.age, case.sex) == (34, "female")
    assert case.chief_complaint == "chest pain"
    assert case.history == "34-year-old woman\nSudden onset two days ago, worse on breathing."
    assert (case.past_history, case.medications, case.allergies) == ("asthma", "salbutamol", "none known.")
    assert (case.family_history, case.social_history) == ("mother had a DVT", "Smokes. Works at a desk.")
    assert case.examination.startswith("Vitals: T 100.4 F") and case.examination.endswith("on the left.")
    assert case.investigations == "Labs: D-dimer 2.1"
    assert case.vital_signs.model_dump() == {
        "temperature_c": 38.0,
        "heart_rate": 112,
        "respiratory_rate": 24,
        "systolic_bp": 118,
        "diastolic_bp": 76,
        "spo2_percent": 93,
    }


def test_split_chinese_note():
    case = split_note(
        "患者男性，58岁\n【主诉】胸痛2小时。\n（1）现病史：活动后突发，伴大汗，当时体温39℃。\n2. 既往史\n高血压10年\n用药史：氨氯地平\n"
        "过敏史：无\n个人史：吸烟\n婚育史：已婚\n家族史：父亲冠心病\n生命体征：T 36.8℃，P 74次/分，R20次/分，Bp116／70mmHg\n"
        "查体：神清\n专科检查：未见异常\n辅助检查：心电图ST段抬高"
    )
    assert (case.age, case.sex, case.chief_complaint) == (58, "male", "胸痛2小时。")
    assert case.history == "患者男性，58岁\n活动后突发，伴大汗，当时体温39℃。"
    assert (case.past_history, case.medications, case.allergies) == ("高血压10年", "氨氯地平", "无")
    assert case.social_history == "个人史：吸烟\n婚育史：已婚"
    assert case.examination.endswith("神清\n专科检查：未见异常")
    assert case.investigations == "心电图ST段抬高"
    vitals = case.vital_signs
    assert (vitals.temperature_c, vitals.heart_rate, vitals.respiratory_rate) == (36.8, 74, 20)
    assert (vitals.systolic_bp, vitals.diastolic_bp) == (116, 70)


def test_headings_run_on_in_one_line():
    case = split_note("主诉：咳嗽3天 现病史：受凉后咳嗽。既往史：体健。查体：双肺呼吸音粗")
    assert (case.chief_complaint, case.history) == ("咳嗽3天", "受凉后咳嗽。")
    assert (case.past_history, case.examination) == ("体健。", "双肺呼吸音粗")


def test_no_headings():
    case = split_note("男，63岁。突发胸痛2小时。伴大汗。")
    assert case.history == "男，63岁。突发胸痛2小时。伴大汗。"
    assert case.chief_complaint == "男，63岁。突发胸痛2小时。"
    assert split_note("；" * 300).chief_complaint
    assert len(split_note("severe pain and " * 100).chief_complaint) <= MAX_COMPLAINT


def test_headings_without_a_complaint():
    case = split_note("HPI: Fever for 3 days. Cough.\nPMH: none")
    assert (case.chief_complaint, case.history) == ("Fever for 3 days.", "Fever for 3 days. Cough.")


def test_text_under_unknown_headings_is_history():
    case = split_note("主诉：腹痛\n【会诊意见】建议手术\n查体：压痛")
    assert (case.history, case.examination) == ("会诊意见：建议手术", "压痛")


@pytest.mark.parametrize(
    ("text", "age", "sex"),
    [
        ("A 34-year-old woman with fever", 34, "female"),
        ("A 22-year-old African American man", 22, "male"),
        ("34 y/o F with rash", 34, "female"),
        ("34F rash", 34, "female"),
        ("chest pain since 2 h, 55M, sweating", 55, "male"),
        ("male, 63, chest pain", 63, "male"),
        ("3 months old with cough", 0, "unknown"),
        ("18-month-old boy", 1, "male"),
        ("Age: 70. Sex: F", 70, "female"),
        ("女，34岁，发热", 34, "female"),
        ("患者男性，58岁", 58, "male"),
        ("患儿，男，8个月，腹泻", 0, "male"),
        ("8个月", 0, "unknown"),
        ("咳嗽8个月", None, "unknown"),
        ("67岁女性，头晕", 67, "female"),
        ("育有1子2女，体健", None, "unknown"),
        ("A woman presents with cough", None, "female"),
        ("fever of 38 for 2 days", None, "unknown"),
        ("Temp 101 F, cough", None, "unknown"),
        ("in 5 m of rope, 999-year-old tale", None, "unknown"),
    ],
)
def test_age_and_sex(text, age, sex):
    case = split_note(text)
    assert (case.age, case.sex) == (age, sex)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T37.8℃", {"temperature_c": 37.8}),
        ("Temp: 98.6°F", {"temperature_c": 37.0}),
        ("T 98.6", {}),
        ("T12 fracture, T4 5.2", {}),
        ("体温 T 37.8℃，P 101次／分，呼吸22次/分", {"temperature_c": 37.8, "heart_rate": 101, "respiratory_rate": 22}),
        ("pulse 88, resp rate 18", {"heart_rate": 88, "respiratory_rate": 18}),
        ("BP 13.3/8 kPa", {}),
        ("血压 16/10 kPa", {}),
        ("BP 60/100", {}),
        ("P 900, SpO2 140%", {}),
        ("血氧饱和度95%", {"spo2_percent": 95}),
        ("HR 80-90", {}),
    ],
)
def test_vital_signs(text, expected):
    case = split_note(f"CC: x\nVitals: {text}")
    assert case.vital_signs.model_dump(exclude_none=True) == expected
    assert text in case.examination


def test_vital_signs_come_from_the_examination_if_there_is_one():
    assert split_note("CC: fever\nHPI: T 39.5 C at home\nPE: T 37.0 C").vital_signs.temperature_c == 37.0
    assert split_note("CC: fever\nHPI: T 39.5 C at home").vital_signs.temperature_c == 39.5
    assert split_note("CC: fever\nHPI: T 39.5 C at home\nPE: well").vital_signs.temperature_c is None


_TITLES = [
    "CC: ",
    "HPI:\n",
    "**PMH**\n",
    "Meds: ",
    "Zzz: ",
    "主诉：",
    "【既往史】",
    "（1）查体：",
    "个人史：",
    "3. 辅助检查\n",
    "【某节】",
    "",
]
_BODY = st.text(alphabet="bgkqwz 咳嗽痛热。，;.\n*[-#0123456789", min_size=1, max_size=40)


@quick
@given(st.lists(st.tuples(st.sampled_from(_TITLES), _BODY), min_size=1, max_size=6))
def test_split_note_loses_nothing(sections):
    note = "\n".join(title + body for title, body in sections)
    if not note.strip():
        return
    case = split_note(note)
    kept = "".join("".join(getattr(case, name).split()) for name in TEXT_FIELDS)
    for _, body in sections:
        for run in body.split():
            assert run.strip("#*[]") in kept


@quick
@given(st.text())
def test_split_note_raises_its_own_errors_only(text):
    with contextlib.suppress(MedAssistError):
        split_note(text)


@pytest.mark.parametrize("text", ["", "  \n\t ", "\u200b", "a\0b", "abc" + "\x01" * 5, "\ufffd" * 9 + "abc"])
def test_unreadable_notes(text):
    with pytest.raises(UnreadableInput):
        split_note(text)


def test_read_case():
    assert read_case('\ufeff {"chief_complaint": "cough", "history": ""}').chief_complaint == "cough"
    assert read_case("CC: cough").chief_complaint == "cough"
    with pytest.raises(CaseTooLong):
        read_case("a" * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_read_bytes(encoding):
    text = "主诉：胸痛2小时。Chest pain."
    assert read_bytes(text.encode(encoding)) == text


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0\0", b"\xff\xfea", bytes(range(128, 256)), b"%PDF\0"])
def test_read_bytes_refuses_binaries(data):
    with pytest.raises(UnreadableInput, match="not a text"):
        read_bytes(data)
