"""What a rater sees says nothing about who wrote it, or is held back; and clinical text stays as it was."""

import hashlib
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.errors import InvalidStudy, Language
from medassist.study.blinding import Blinded, blind
from medassist.study.identity import find, fold

TEXTS = yaml.safe_load((Path(__file__).parent / "data" / "self-identification.yaml").read_text())
CAUGHT = [(language, entry) for language, entries in TEXTS["caught"].items() for entry in entries]
INNOCENT = [(language, text) for language, texts in TEXTS["innocent"].items() for text in texts]

ANSWERS: dict[str, str] = {
    "en": (
        "[Diagnostic process]\n1. Initial differential\n1) Pulmonary embolism\n   For: sudden dyspnea; swollen calf\n"
        "   Next: CT angiography\n2) Pneumonia\n   Against: no fever\n{planted}2. Key examinations\n- D-dimer\n"
        "3. Diagnostic evidence\n- tachycardia of 120/min\n[Final diagnosis]\nPulmonary embolism"
    ),
    "zh": (
        "【诊断过程】\n1. 初步鉴别\n1) 肺栓塞\n   支持：突发呼吸困难；小腿肿胀\n   检查：CT肺动脉造影\n2) 肺炎\n   反对：无发热\n"
        "{planted}2. 关键检查\n- D-二聚体\n3. 确诊依据\n- 心率120次/分\n【最终诊断】\n肺栓塞"
    ),
}
CONTENT = {
    "en": ["1. Pulmonary embolism", "sudden dyspnea; swollen calf", "2. Pneumonia", "tachycardia of 120/min"],
    "zh": ["1. 肺栓塞", "突发呼吸困难；小腿肿胀", "2. 肺炎", "心率120次/分"],
}


def planted(language: Language, text: str, place: str) -> str:
    answer = ANSWERS[language]
    if place == "inside":
        return answer.format(planted=f"\n{text}\n\n")
    whole = answer.format(planted="")
    return f"{text}\n\n{whole}" if place == "before" else f"{whole}\n\n{text}" if place == "after" else text


# --- Who wrote it.


def test_there_are_enough_texts_in_both_languages() -> None:
    assert len(CAUGHT) >= 60 and len(INNOCENT) >= 60
    assert min(len(texts) for group in TEXTS.values() for texts in group.values()) >= 30


@pytest.mark.parametrize("place", ["alone", "before", "inside", "after"])
@pytest.mark.parametrize(("language", "entry"), CAUGHT, ids=lambda value: value["text"] if isinstance(value, dict) else value)  # fmt: skip
def test_a_text_that_says_who_wrote_it_is_stripped_or_held_back(language: Language, entry: dict, place: str) -> None:  # type: ignore[type-arg]
    blinded = blind(planted(language, entry["text"], place), language, secrets=entry.get("secrets", ()))
    if not [leak for leak in blinded.leaks if leak.kind != "empty"]:
        assert fold(entry["tell"]).text not in fold(blinded.text).text
    if place != "alone":
        assert all(content in blinded.text for content in CONTENT[language])
        assert "empty" not in {leak.kind for leak in blinded.leaks}
    for leak in blinded.leaks:
        assert 0 <= leak.start <= leak.end <= len(blinded.text)


@pytest.mark.parametrize(("language", "text"), INNOCENT)
def test_clinical_text_that_only_looks_like_it_stays_as_it_is(language: Language, text: str) -> None:
    blinded = blind(text, language, secrets=["ARM-CANARY-7Q", "my-lab/triage-net", "points-中文版"])
    assert (blinded.text, blinded.leaks, blinded.removed) == (text, (), ())


def test_a_sentence_with_clinical_content_is_never_cut_out() -> None:
    """A name inside one is left and reported: what a rater would read must not change in silence."""
    for language, text in [
        ("en", "DeepSeek ranks aortic dissection first."),
        ("en", "I am an AI and the tearing pain points to dissection."),
        ("en", "As an AI I see 38 mg/L."),
        ("zh", "我是AI，撕裂样疼痛首先考虑夹层。"),
        ("zh", "深度求索认为夹层可能。"),
    ]:
        blinded = blind(text, language)  # type: ignore[arg-type]
        kept = {"en": ("dissection", "38 mg/L"), "zh": ("夹层",)}[language]
        assert any(word in blinded.text for word in kept) and (blinded.blocked or blinded.removed), text


def test_a_leak_says_what_and_where() -> None:
    text = "The pain is typical. GPT-4 and arm canary 7q rank dissection first."
    blinded = blind(text, "en", secrets=["ARM-CANARY-7Q"])
    assert [(leak.kind, blinded.text[leak.start : leak.end]) for leak in blinded.leaks] == [
        ("name", "GPT-4"),
        ("secret", "arm canary 7q"),
    ]
    assert blinded.blocked and not blind("The pain is typical.", "en").blocked


def test_places_hold_behind_letters_that_fold_to_several() -> None:
    text = "ﬁrst ½ é 𝐀 ﷺ, then OpenAI said so"
    (leak,) = find(text)
    assert text[leak.start : leak.end] == "OpenAI"


def test_letters_of_another_alphabet_are_read_as_what_they_look_like() -> None:
    text = "the сорех arm"  # Cyrillic throughout, so that no mixture gives it away
    (leak,) = find(text, ["copex"])
    assert (leak.kind, text[leak.start : leak.end]) == ("secret", "сорех")


@pytest.mark.parametrize("secret", ["", " ", "-", "∅", "a" * 300, ".*", "((", "\\", "甲"])
def test_any_secret_can_be_named(secret: str) -> None:
    assert not blind("The pain is typical.", "en", secrets=[secret]).blocked


def test_an_arm_called_by_a_plain_word_holds_answers_back_rather_than_cutting_the_word() -> None:
    blinded = blind("The base of the left lung is dull.", "en", secrets=["base"])
    assert blinded.text == "The base of the left lung is dull." and [leak.kind for leak in blinded.leaks] == ["secret"]


# --- The reasoning part.


@pytest.mark.parametrize(
    "raw",
    [
        "<think>Wait, maybe.</think>\nPulmonary embolism is likely.",
        "Wait, maybe.\n</think>\nPulmonary embolism is likely.",  # the prompt held the opening
        "<think>Wait,</think> <think>maybe.</think>Pulmonary embolism is likely.",
        "<THINKING>Wait, maybe.</THINKING>Pulmonary embolism is likely.",
        "<|channel|>analysis<|message|>Wait, maybe.<|end|><|start|>assistant<|channel|>final<|message|>Pulmonary embolism is likely.",
        "Pulmonary embolism is likely.<think>Wait, maybe.",
        "◁think▷Wait, maybe.◁/think▷Pulmonary embolism is likely.",
    ],
)
def test_the_reasoning_goes(raw: str) -> None:
    blinded = blind(raw, "en")
    assert (blinded.text, blinded.leaks) == ("Pulmonary embolism is likely.", ())


def test_the_reasoning_can_stay_without_its_tags() -> None:
    blinded = blind("<think>Wait, maybe.</think>\nEmbolism is likely.", "en", keep_reasoning=True)
    assert blinded.text == "Wait, maybe.\n\nEmbolism is likely." and not blinded.leaks


def test_an_answer_inside_reasoning_that_never_closed_is_found() -> None:
    blinded = blind("<think>Wait.\n" + ANSWERS["en"].format(planted=""), "en")
    assert blinded.text.startswith("Initial differential:") and "Wait" not in blinded.text


@pytest.mark.parametrize("raw", ["", "  \n", "<think>Only thoughts", "\u200b\ufeff", "---\n***\n"])
def test_nothing_to_show_is_held_back(raw: str) -> None:
    assert [leak.kind for leak in blind(raw, "en").leaks] == ["empty"]


# --- One look.

LOOKS = [
    ANSWERS["en"].format(planted=""),
    "## Differential Diagnosis\n\n1. **Pulmonary embolism**\n   - **For:** sudden dyspnoea; swollen calf\n   - *Next:* CT angiography\n\n"
    "2. **Pneumonia**\n   - Against: no fever\n\n---\n\n### Key Examinations\n\n* D-dimer\n\n### Diagnostic evidence\n\n"
    "• tachycardia of 120/min ✅\n\n**Final Diagnosis:** Pulmonary embolism",
    "DIFFERENTIAL DIAGNOSIS:\n- Pulmonary embolism\n  Supporting evidence: sudden dyspnea; swollen calf\n  Tests: CT angiography\n"
    "- Pneumonia\n  Evidence against: no fever\nKey tests:\n1) D-dimer\nDiagnostic evidence:\n(1) tachycardia of 120/min\n"
    "The final diagnosis is Pulmonary embolism",
]


@pytest.mark.parametrize("raw", LOOKS)
def test_the_same_answer_looks_the_same_whoever_set_it(raw: str) -> None:
    assert blind(raw, "en").text == (
        "Initial differential:\n1. Pulmonary embolism\n  For: sudden dyspnea; swollen calf\n  Next: CT angiography\n"
        "2. Pneumonia\n  Against: no fever\n\nKey examinations:\n- D-dimer\n\nDiagnostic evidence:\n- tachycardia of 120/min\n\n"
        "Final diagnosis:\nPulmonary embolism"
    )


def test_the_same_answer_looks_the_same_in_chinese() -> None:
    other = (
        "### 鉴别诊断\n\n1. **肺栓塞**\n   - 支持点: 突发呼吸困难; 小腿肿胀\n   - 建议检查: CT 肺动脉造影\n2. **肺炎**\n   - 不支持点: 无发热\n\n"
        "### 关键检查\n* D-二聚体\n\n### 诊断依据\n* 心率 120 次/分\n\n**最终诊断**：肺栓塞"
    )
    one = blind(ANSWERS["zh"].format(planted=""), "zh").text
    assert one == blind(other, "zh").text and one.startswith("初步鉴别：\n1. 肺栓塞\n  支持：")


@pytest.mark.parametrize(
    ("language", "raw", "shown"),
    [
        ("en", "“Tearing” pain — sudden…", '"Tearing" pain - sudden...'),
        ("en", "WBC 5–10, T 38℃，pain", "WBC 5-10, T 38°C, pain"),
        ("en", "Anaemia and Oedema; Haemophilus stays.", "Anemia and Edema; Haemophilus stays."),
        ("en", "ＣＲＰ　８８", "CRP 88"),
        ("en", "`HLA-B*27` is **positive**, 5*10 and a_b stay", "HLA-B*27 is positive, 5*10 and a_b stay"),
        ("en", "Pain ⚠️ in the ♀ patient 👍", "Pain in the ♀ patient"),
        ("en", "See [the ECG](https://x.org/a) <b>now</b><br>again", "See the ECG now\nagain"),
        ("en", "$\\boxed{Dissection}$", "$Dissection$"),
        ("en", "| Sign | Value |\n|---|---|\n| HR | 120 |", "- Sign: Value\n- HR: 120"),
        ("zh", "患者发热,咳嗽;CT 提示肺炎(右下叶).", "患者发热，咳嗽；CT提示肺炎（右下叶）。"),
        ("zh", "「胸痛」--持续 3 天...", "“胸痛”——持续3天……"),
        ("zh", '自觉"胸闷"、"气短"', "自觉“胸闷”、“气短”"),
        ("zh", "时间 12:30，比值 1.5", "时间12:30，比值1.5"),
    ],
)
def test_marks_and_spelling_are_alike(language: Language, raw: str, shown: str) -> None:
    assert blind(raw, language).text == shown


def test_no_answer_shows_more_diagnoses_than_another() -> None:
    listed = "\n".join(f"{n}. Disease {n}\n   - For: finding {n}" for n in range(1, 9))
    text = blind(
        f"## Differential diagnosis\n{listed}\n## Key examinations\n1. ECG\n## Final diagnosis\nDisease 1", "en"
    ).text
    assert "5. Disease 5" in text and "finding 5" in text
    assert "Disease 6" not in text and "finding 6" not in text and "- ECG" in text
    assert "Disease 3" not in blind(listed, "en", max_diagnoses=2).text  # without a heading, the first numbered list


def test_a_second_numbered_list_is_no_differential() -> None:
    text = blind(
        "1. Embolism\n2. Pneumonia\n\nWhat to do now.\n\n1. ECG\n2. CT\n3. Lactate", "en", max_diagnoses=2
    ).text
    assert text == "1. Embolism\n2. Pneumonia\n\nWhat to do now.\n1. ECG\n2. CT\n3. Lactate"


# --- Length and hashes.


def test_the_length_is_capped_at_a_sentence_end_and_the_final_diagnosis_stays() -> None:
    long = (
        ANSWERS["en"]
        .format(planted="")
        .replace("- D-dimer", "\n".join(f"- Test number {n} is done." for n in range(300)))
    )
    blinded = blind(long, "en", max_text=1000)
    assert blinded.capped and blinded.length <= 1000 < blinded.answer_length
    assert blinded.text.endswith("is done.\n\nFinal diagnosis:\nPulmonary embolism")
    assert blind("他发热。" * 900, "zh").text.endswith("他发热。")
    assert not blind("Short.", "en").capped


def test_both_texts_are_hashed_and_both_lengths_kept() -> None:
    raw = "<think>Long thoughts.</think>\n**Embolism** is likely."
    blinded = blind(raw, "en")
    assert blinded.raw_sha256 == hashlib.sha256(raw.encode()).hexdigest()
    assert blinded.text_sha256 == hashlib.sha256(b"Embolism is likely.").hexdigest()
    assert (blinded.raw_length, blinded.answer_length, blinded.length) == (len(raw), 19, 19)


@pytest.mark.parametrize("limits", [{"max_text": 20}, {"max_diagnoses": 0}])
def test_limits_that_make_no_sense_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(InvalidStudy, match=next(iter(limits))):
        blind("Pain.", "en", **limits)  # type: ignore[arg-type]


# --- Any text.

PIECES = st.one_of(
    st.sampled_from([entry["text"] for _, entry in CAUGHT] + [text for _, text in INNOCENT] + LOOKS),
    st.sampled_from(["<think>", "</think>", "\n", "\n\n", "# ", "- ", "1. ", "* ", "**", "| a | b |", '"', "—", "(", ")", " ", "。", ",", "最终诊断：", "Final diagnosis:", "Differential:", "\r\n", "\u200b", "1) ", "For: "]),
    st.text(max_size=30),
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join), st.sampled_from(["en", "zh"]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_text_can_be_blinded_and_again_without_change(raw: str, language: Language, keep: bool) -> None:
    first = blind(raw, language, secrets=["ARM-CANARY-7Q"], keep_reasoning=keep, max_text=300)
    assert first.length <= 300
    assert all(0 <= leak.start <= leak.end <= first.length for leak in first.leaks)
    if "unsettled" not in {leak.kind for leak in first.leaks}:
        again: Blinded = blind(first.text, language, secrets=["ARM-CANARY-7Q"], keep_reasoning=keep, max_text=300)
        assert again.text == first.text and {leak.kind for leak in again.leaks} == {leak.kind for leak in first.leaks}


@given(st.text(max_size=400), st.sampled_from(["en", "zh"]))
@settings(max_examples=200, deadline=None)
def test_blinding_never_raises(raw: str, language: Language) -> None:
    assert blind(raw, language).raw_length == len(raw)


def test_long_texts_take_no_long_time() -> None:
    start = time.process_time()
    for raw in (
        "The patient has pain, fever and GPT 40. " * 1500,
        "as an " * 10000,
        "我是" * 20000,
        "(" * 20000,
        "a-" * 20000,
    ):
        blind(raw, "en")
        blind(raw, "zh")
    assert time.process_time() - start < 10
