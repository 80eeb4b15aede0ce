import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.errors import ParseError
from medassist.events import DiagnosisAdded, DiagnosisChanged, FinalDiagnosis, Reasoning, Section
from medassist.parse import AnswerParser, locate, parse_answer

quick = settings(deadline=None, max_examples=60)

CASE = "Sudden dyspnea since this morning. Knee surgery\nten days ago. No fever."
ENGLISH = """<think>
Dyspnea after surgery.
1. Initial differential: could be an embolism.
</think>
[Diagnostic process]
1. Initial differential
1) Pulmonary embolism
   For: sudden dyspnea; knee surgery ten days ago
   Against: no fever
   Next: CT pulmonary angiogram; D-dimer
2) Pneumonia
   Against: no fever
2. Key examinations
- CT pulmonary angiogram
3. Diagnostic evidence
- recent surgery with a swollen calf
[Final diagnosis]
Pulmonary embolism
"""
CHINESE = """<think>
术后呼吸困难。
</think>
【诊断过程】
1. 初步鉴别
1) 肺栓塞
   支持：突发呼吸困难；术后10天
   反对：无发热
   检查：CT肺动脉造影
2) 肺炎
2. 关键检查
- CT肺动脉造影
3. 确诊依据
- 术后小腿肿胀
【最终诊断】
肺栓塞
"""
MARKDOWN = """Reasoning.</think>
</think>
### 1. **Initial Differential Diagnosis**:

The following should be considered:

1. **Pulmonary embolism (PE)** (most likely): sudden dyspnea
   - **Supporting:**
     - knee surgery
     - tachycardia
   - **Against**: none
   - **Likelihood:** high

2. **Pneumonia** – cough
   - Next steps: chest X-ray

### 2. **Key Examinations**
| Test | Result |
|------|--------|
| D-dimer | 2.1 |

#### 3. Diagnostic evidence:
Surgery; a swollen calf.

**Final diagnosis:** **Pulmonary embolism (PE)**.
<|im_end|>
[Patient information]
1. Initial differential
1) Gout
"""


def read(text, *cuts, **options):
    """All events and the parser, with `text` cut at `cuts`."""
    parser = AnswerParser("en", CASE, **options)
    edges = [0, *sorted(cuts), len(text)]
    events = [event for start, end in pairwise(edges) for event in parser.push(text[start:end])]
    return events + parser.close(), parser


def final_state(events):
    """What a page shows after all `events`."""
    state = {}
    for event in events:
        match event:
            case DiagnosisAdded(diagnosis) | DiagnosisChanged(diagnosis):
                state[diagnosis.rank] = diagnosis
            case Section(stage, _):
                state[stage] = event
            case _:
                state[type(event)] = event
    return state


def names(text, **options):
    return [diagnosis.name for diagnosis in read(text, **options)[1].result().diagnoses]


def listed(body):
    """The diagnoses of an answer whose first stage is `body`."""
    return parse_answer(f"</think>\n1. Initial differential\n{body}\n", "en", CASE).diagnoses


def said(evidence):
    return [item.text for item in evidence]


def test_english_answer():
    result = parse_answer(ENGLISH, "en", CASE)
    first, second = result.diagnoses
    assert (first.rank, first.name, second.rank, second.name) == (1, "Pulmonary embolism", 2, "Pneumonia")
    assert [CASE[e.start : e.end] for e in first.evidence_for] == ["Sudden dyspnea", "Knee surgery\nten days ago"]
    assert said(first.evidence_for) == ["sudden dyspnea", "knee surgery ten days ago"]
    assert said(first.evidence_against) == ["no fever"]
    assert first.next_tests == ("CT pulmonary angiogram", "D-dimer")
    assert result.key_examinations == ("CT pulmonary angiogram",)
    assert result.diagnostic_evidence == ("recent surgery with a swollen calf",)
    assert result.final_diagnosis == "Pulmonary embolism"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_chinese_answer_whatever_was_asked_for(language):
    result = parse_answer(CHINESE, language, "术后10天，突发呼吸困难")
    first, second = result.diagnoses
    assert (first.name, second.name, result.final_diagnosis) == ("肺栓塞", "肺炎", "肺栓塞")
    assert [(e.text, e.start, e.end) for e in first.evidence_for] == [("突发呼吸困难", 6, 12), ("术后10天", 0, 5)]
    assert (said(first.evidence_against), first.next_tests) == (["无发热"], ("CT肺动脉造影",))
    assert (result.key_examinations, result.diagnostic_evidence) == (("CT肺动脉造影",), ("术后小腿肿胀",))


def test_markdown_answer():
    events, parser = read(MARKDOWN)
    result = parser.result()
    first, second = result.diagnoses
    assert (first.name, second.name) == ("Pulmonary embolism (PE)", "Pneumonia")
    assert said(first.evidence_for) == ["sudden dyspnea", "knee surgery", "tachycardia"]
    assert first.evidence_against == ()
    assert (said(second.evidence_for), second.next_tests) == (["cough"], ("chest X-ray",))
    assert result.key_examinations == ("| Test | Result |", "| D-dimer | 2.1 |")
    assert result.final_diagnosis == "Pulmonary embolism (PE)"
    assert parser.ended and parser.text == MARKDOWN
    assert Reasoning("Reasoning.", done=True) in events


def test_events_come_in_order_as_soon_as_a_line_is_complete():
    parser = AnswerParser("en", CASE)
    assert parser.push("<think>Dyspnea") == [Reasoning("Dyspnea")]
    assert parser.push(" again</th") == [Reasoning("Dyspnea again")]
    assert parser.push("ink>\n1. Initial diff") == [Reasoning("Dyspnea again", done=True)]
    assert parser.push("erential\n1) Gout") == []
    (added,) = parser.push("\n")
    assert isinstance(added, DiagnosisAdded) and added.diagnosis.name == "Gout"
    (changed,) = parser.push("   For: a red toe\n")
    assert isinstance(changed, DiagnosisChanged) and said(changed.diagnosis.evidence_for) == ["a red toe"]
    assert parser.push("   For: a red toe\n") == []
    assert parser.push("2. Key examinations\n- urate\n- X-ray\n")[-1] == Section("key_examinations", "urate\nX-ray")
    assert parser.push("Final diagnosis: Gout") == []
    assert parser.close() == [FinalDiagnosis("Gout")]
    assert parser.close() == []


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, MARKDOWN, ENGLISH.replace("</think>\n", "")])
def test_one_character_at_a_time(text):
    whole, at_once = read(text)
    single, piecemeal = read(text, *range(1, len(text)))
    assert final_state(single) == final_state(whole)
    assert piecemeal.result() == at_once.result()
    assert (piecemeal.text, piecemeal.ended) == (at_once.text, at_once.ended)


@quick
@given(st.data(), st.sampled_from([ENGLISH, CHINESE, MARKDOWN]))
def test_cuts_change_nothing(data, text):
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    whole, at_once = read(text)
    pieces, piecemeal = read(text, *cuts)
    assert final_state(pieces) == final_state(whole)
    assert piecemeal.result() == at_once.result()


FRAGMENTS = [
    "\n",
    "<think>",
    "</think>",
    "1) ",
    "- ",
    "   ",
    "For: ",
    "**",
    "【",
    "】",
    "：",
    "|",
    "(",
    ")",
    "; ",
    "x" * 130,
]
FRAGMENTS += [
    "1. Initial differential",
    "初步鉴别",
    "关键检查",
    "Final diagnosis: ",
    "Gout",
    "肺炎",
    "<|im_end|>",
    "User:",
    "<",
]


@quick
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=40), st.booleans())
def test_any_text_is_read_or_refused(fragments, in_reasoning):
    whole, at_once = read("".join(fragments), in_reasoning=in_reasoning)
    parser = AnswerParser("en", CASE, in_reasoning=in_reasoning)
    pieces = [event for fragment in fragments for event in parser.push(fragment)] + parser.close()
    assert final_state(pieces) == final_state(whole)
    try:
        result = at_once.result()
    except ParseError as error:
        assert error.answer_text == "".join(fragments)  # noqa: PT017  # either outcome may be right
        return
    assert [diagnosis.rank for diagnosis in result.diagnoses] == list(range(1, len(result.diagnoses) + 1))
    assert parser.result() == result


@pytest.mark.parametrize(
    ("line", "name", "evidence"),
    [
        ("1) Pulmonary embolism", "Pulmonary embolism", []),
        ("(1) Pulmonary embolism", "Pulmonary embolism", []),
        ("① 肺栓塞", "肺栓塞", []),
        (
            "- **Pulmonary embolism (PE)**: sudden dyspnea; cough",
            "Pulmonary embolism (PE)",
            ["sudden dyspnea", "cough"],
        ),
        ("* Pulmonary embolism - sudden dyspnea", "Pulmonary embolism", ["sudden dyspnea"]),
        ("1. **肺栓塞**（可能性最大）：突发呼吸困难；咯血", "肺栓塞", ["突发呼吸困难", "咯血"]),
        ("1. 肺栓塞——突发呼吸困难", "肺栓塞", ["突发呼吸困难"]),
        ("1. 肺栓塞可能性大", "肺栓塞", []),
        ("Pulmonary embolism", "Pulmonary embolism", []),
        ("1. Pulmonary embolism (PE) (most likely)", "Pulmonary embolism (PE)", []),
        ("1. Pulmonary embolism (60%) - most likely", "Pulmonary embolism", []),
        ("1. Pulmonary embolism (I26.9)", "Pulmonary embolism", []),
        ("1. Most likely: Pulmonary embolism", "Pulmonary embolism", []),
        ("1. Diagnosis 1: Pulmonary embolism: cough", "Pulmonary embolism", ["cough"]),
        ("1. Embolism (sudden dyspnea, recent surgery)", "Embolism", ["sudden dyspnea, recent surgery"]),
        ("1. Guillain-Barré syndrome", "Guillain-Barré syndrome", []),
        ("1. E. coli sepsis", "E. coli sepsis", []),
        ("#### 1. Pulmonary embolism", "Pulmonary embolism", []),
        ("1. 2型糖尿病", "2型糖尿病", []),
    ],
)
def test_names(line, name, evidence):
    (diagnosis,) = listed(line)
    assert (diagnosis.name, said(diagnosis.evidence_for)) == (name, evidence)


@pytest.mark.parametrize(
    "body",
    [
        "1) Gout\nFor: red toe\nAgainst: no fever\nNext: urate\n2) Sepsis",
        "1. **Gout**\n- **Supporting evidence:** red toe\n- **Evidence against:** no fever\n- **Workup:** urate\n2. **Sepsis**",
        "- Gout\n  - FOR\n    - red toe\n  - against:\n    - no fever\n  - Next steps:\n    - urate\n- Sepsis",
        "**Gout**\n支持点：red toe；不支持：no fever；建议检查：urate\n**Sepsis**",
        "1. Gout: For: red toe; Against: no fever\n   检查： urate\n2. Sepsis",
        "Gout\n  反对\n  - no fever\n  支持\n  - red toe\n  下一步检查：urate\n\nSepsis",
        "| # | Diagnosis | For | Against | Tests |\n|---|---|---|---|---|\n|1|Gout|red toe|no fever|urate|\n|2|Sepsis| | | |",
        "1) Gout\r\n   For: red toe\r\n   Against: no fever\r\n   Next: urate\r\n2) Sepsis\r",
        "1) Gout\n   Key tests: urate\n   Diagnostic evidence: red toe\n   Against: no fever\n\n2) Sepsis\n\nGout fits best.",
    ],
)
def test_layouts(body):
    first, second = listed(body)
    assert (first.name, second.name) == ("Gout", "Sepsis")
    assert (said(first.evidence_for), said(first.evidence_against)) == (["red toe"], ["no fever"])
    assert first.next_tests == ("urate",)
    assert second.evidence_for == second.evidence_against == second.next_tests == ()


def test_duplicates_are_merged():
    first, second = listed("1. Gout: red toe\n2. Sepsis\n3. gout : fever\n4. SEPSIS")
    assert (first.name, said(first.evidence_for), second.name) == ("Gout", ["red toe", "fever"], "Sepsis")


def test_a_sentence_is_no_diagnosis():
    assert [d.name for d in listed(f"1. Gout\n2. {'long ' * 30}\n   For: this\n3.\n- \n4. Sepsis\n5. None")] == [
        "Gout",
        "Sepsis",
    ]


@pytest.mark.parametrize(
    "heading",
    [
        *(
            "1. Initial differential",
            "### 1. **Initial Differential Diagnosis**:",
            "**1. 初步鉴别诊断**",
            "【初步鉴别】",
        ),
        *("Differential diagnosis:", "# Differential Diagnoses", "一、鉴别诊断", "[Initial differential]", "DDx:"),
        *(
            "第一步：初步鉴别",
            "Step 1: Initial differential diagnosis",
            "（1）初步鉴别",
            "初步鉴别（Initial differential）：",
        ),
    ],
)
def test_headings(heading):
    assert names(f"</think>{heading}\n- Gout\n- Sepsis") == ["Gout", "Sepsis"]


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("[Final diagnosis]\n\nGout", "Gout"),
        ("Final diagnosis: **Gout**.", "Gout"),
        ("**Final Diagnosis:** Gout - because of the toe", "Gout"),
        ("4. 最终诊断：痛风", "痛风"),
        ("最终诊断为痛风。", "痛风"),
        ("The final diagnosis is gout.", "gout"),
        ("Final diagnosis: Gout\nFinal diagnosis: Sepsis", "Gout"),
    ],
)
def test_final_diagnosis_alone_is_the_differential(text, final):
    result = parse_answer(f"</think>\n{text}", "en")
    assert result.final_diagnosis == final
    assert [diagnosis.name for diagnosis in result.diagnoses] == [final]


def test_no_final_diagnosis_is_not_made_up():
    assert parse_answer("</think>\nDDx:\n1. Gout\n[Final diagnosis]\n", "en").final_diagnosis == ""


def test_the_first_section_that_says_something_stands():
    result = parse_answer(
        "</think>\n关键检查：\n关键检查：urate\n初步鉴别\n1. Gout\n关键检查\n- other\n鉴别诊断\n1. Sepsis", "zh"
    )
    assert [d.name for d in result.diagnoses] == ["Gout"]
    assert result.key_examinations == ("urate",)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("No reasoning end.\n1. Initial differential\n1) Gout\n[Final diagnosis]\nGout", {}),
        ("[Diagnostic process]\n1. Initial differential\n1) Gout\n[Final diagnosis]\nGout", {}),
        ("1. Initial differential\n1) Gout\n[Final diagnosis]\nGout", {"in_reasoning": False}),
        ("<think>Well.</think>1. Initial differential\n1) Gout\nFinal diagnosis: Gout", {"in_reasoning": False}),
        ("a</think></think>\n<think>b</think>\nDDx:\n1) Gout\nFinal diagnosis: Gout", {}),
    ],
)
def test_missing_and_repeated_tags(text, options):
    result = read(text, **options)[1].result()
    assert ([d.name for d in result.diagnoses], result.final_diagnosis) == (["Gout"], "Gout")


@pytest.mark.parametrize(
    "next_turn",
    [
        *(
            "<|im_start|>user",
            "<|im_end|>",
            "<|eot_id|>",
            "<｜User｜>",
            "<｜end▁of▁sentence｜>",
            "User: hello\n",
            "Human: a\n",
        ),
        *(
            "Patient: 34F\n",
            "患者：女\n",
            "用户：你好\n",
            "问：为什么\n",
            "【患者信息】\n",
            "[Patient information]\n",
            "<think>",
        ),
        *("[Diagnostic process]\n", "1. Initial differential\n"),
    ],
)
def test_a_made_up_next_turn_ends_the_answer(next_turn):
    _, parser = read(f"{ENGLISH}{next_turn}\n1. Initial differential\n3) Gout\n- x")
    assert parser.ended
    assert parser.result() == parse_answer(ENGLISH, "en", CASE)
    assert parser.push("more") == []


def test_speakers_before_the_final_diagnosis_do_not_end_it():
    assert names("</think>\nPatient: a man of 60\nDDx:\n1. Gout\n2. Sepsis") == ["Gout", "Sepsis"]


@pytest.mark.parametrize(
    "text", ["", "</think>", "<think>only thoughts", "</think>I cannot say.", "</think>DDx:\n\n-\n"]
)
def test_no_diagnosis(text):
    with pytest.raises(ParseError) as error:
        parse_answer(text, "en")
    assert error.value.answer_text == text


@pytest.mark.parametrize(
    ("text", "case_text", "span"),
    [
        ("No fever", CASE, "No fever"),
        ("NO  FEVER", CASE, "No fever"),
        ("knee surgery ten days", CASE, "Knee surgery\nten days"),
        ("age", "dosage, then age", "age"),
        ("age", "dosage", None),
        ("37.8", "T 137.8, then 37.8", "37.8"),
        ("胸 痛", "突发胸痛", "胸痛"),
        ("strasse", "die Straße", "Straße"),
        ("vomiting", CASE, None),
        ("", CASE, None),
    ],
)
def test_locate(text, case_text, span):
    found = locate(text, case_text)
    assert found.text == text
    assert (None if found.start is None else case_text[found.start : found.end]) == span


def test_a_long_answer_costs_linear_time():
    items = "".join(f"- test number {i}\n" for i in range(4000))
    text = f"{'thinking ' * 5000}</think>\nDDx:\n1. Gout\n2. Key examinations\n{items}"
    parser, began = AnswerParser("en", CASE), time.perf_counter()
    for start in range(0, len(text), 4):
        parser.push(text[start : start + 4])
    assert len(parser.result().key_examinations) == 4000
    assert time.perf_counter() - began < 10
