"""What a text states of the patient, denies, suspects, or says of somebody else, in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassist.case import PatientCase
from medassist.findings import Status, sentences

STATED = [
    ("No fever, chills, or cough.", "cough", "absent"),
    ("Denies fever, chills, nausea, vomiting.", "vomiting", "absent"),
    ("Denies any chest pain, palpitations, syncope.", "syncope", "absent"),
    ("No fever, mild cough.", "cough", "present"),
    ("No fever, cough for three days.", "cough", "present"),
    ("Chest pain without radiation but vomiting.", "vomiting", "present"),
    ("He denies cough but has fever.", "fever", "present"),
    ("Cough without sputum, fever 39.", "fever", "present"),
    ("Abdomen soft, non-tender.", "tender", "absent"),
    ("Murphy sign negative.", "Murphy sign", "absent"),
    ("The rash is not itchy.", "itchy", "absent"),
    ("She was not febrile.", "febrile", "absent"),
    ("no cough now, no haemoptysis", "haemoptysis", "absent"),
    ("X-ray rules out pneumothorax.", "pneumothorax", "absent"),
    ("Chest pain has resolved.", "Chest pain", "absent"),
    ("No history of asthma.", "asthma", "absent"),
    ("His father had a heart attack at 50.", "heart attack", "other"),
    ("History of stroke in her father.", "stroke", "other"),
    ("Her husband had a cough last week.", "cough", "other"),
    ("Mother noticed jaundice.", "jaundice", "present"),
    ("Lives with her husband, fever for 3 days.", "fever", "present"),
    ("History of asthma.", "asthma", "past"),
    ("Two years ago she had a similar headache.", "headache", "past"),
    ("Headache began two years ago.", "Headache", "present"),
    ("A 3-day history of fever.", "fever", "present"),
    ("Presents with a history of 3 days of fever.", "fever", "present"),
    ("Crew queried stroke vs sciatica, gave morphine.", "sciatica", "possible"),
    ("?sinusitis", "sinusitis", "possible"),
    ("Return if chest pain recurs.", "chest pain", "hypothetical"),
    ("无发热、咳嗽、咳痰。", "咳痰", "absent"),
    ("无胸痛及呼吸困难", "呼吸困难", "absent"),
    ("不伴恶心", "恶心", "absent"),
    ("没有胸痛，但是有气短", "气短", "present"),
    ("无发热，腹痛3天。", "腹痛", "present"),
    ("患者无明显诱因出现腹痛。", "腹痛", "present"),
    ("无痛性黄疸2周", "黄疸", "present"),
    ("乏力、无力，恶心。", "恶心", "present"),
    ("Murphy征阴性。", "Murphy征", "absent"),
    ("压痛、反跳痛(-)。", "反跳痛", "absent"),
    ("病理征、脑膜刺激征均阴性。", "脑膜刺激征", "absent"),
    ("双肺未闻及干湿性啰音。", "湿性啰音", "absent"),
    ("未触及肿大淋巴结。", "肿大淋巴结", "absent"),
    ("否认高血压、糖尿病、冠心病病史。", "冠心病", "absent"),
    ("父亲有冠心病。", "冠心病", "other"),
    ("母亲高血压", "高血压", "other"),
    ("同事有发热，患者今晨咳嗽", "发热", "other"),
    ("同事有发热，患者今晨咳嗽", "咳嗽", "present"),
    ("家人发现其意识不清。", "意识不清", "present"),
    ("既往有胃溃疡病史", "胃溃疡", "past"),
    ("以为吃坏了，腹泻2次", "腹泻", "present"),
]


@pytest.mark.parametrize(("text", "phrase", "status"), STATED, ids=lambda value: value[:24])
def test_how_a_phrase_is_stated(text: str, phrase: str, status: str) -> None:
    start = text.index(phrase)
    assert next(sentences(text)).status(start, start + len(phrase)) == Status(status)


@pytest.mark.parametrize(
    ("field", "status"), [("family_history", "other"), ("past_history", "past"), ("history", "present")]
)
def test_the_field_counts(field: str, status: str) -> None:
    case = PatientCase(**{"chief_complaint": "cough", "history": "", field: "chest pain"})
    text = case.text()
    at = text.index("chest pain")
    sentence = next(each for each in sentences(text) if each.start <= at < each.end)
    assert (sentence.field, sentence.status(at, at + 10)) == (field, Status(status))


def test_a_child_is_the_patient() -> None:
    text = "The baby had a fever."
    at = text.index("fever")
    sentence = next(sentences(text))
    assert sentence.status(at, at + 5, minor=True) is Status.PRESENT
    assert sentence.status(at, at + 5) is Status.OTHER


@given(st.text(max_size=400))
def test_sentences_are_pieces_of_the_text_in_order(text: str) -> None:
    end = 0
    for sentence in sentences(text):
        assert text[sentence.start : sentence.end] == sentence.text and sentence.start >= end
        sentence.status(sentence.start, sentence.end)
        end = sentence.end
