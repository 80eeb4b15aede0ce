"""Findings and values read from free text, in both languages. Uses words of the shipped graph that will not change."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medassist.case import PatientCase
from medassist.findings import Status
from medassist.knowledge.graph import Graph
from medassist.knowledge.stems import meaning
from medassist.units import units, without


def read(graph: Graph, text: str, age: float = 40, sex: str = "female") -> dict[str, str]:
    """Finding → how it is stated first."""
    found: dict[str, str] = {}
    for seen in graph.read(text, age, sex).observations:
        found.setdefault(seen.finding, seen.status.value)
    return found


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("He vomited twice.", "vomiting"),
        ("vomits after meals", "vomiting"),
        ("Swelling in the left calf since Monday.", "unilateral_leg_swelling"),
        ("Her calf is swollen and red.", "unilateral_leg_swelling"),
        ("Diarrhoea for two days.", "diarrhea"),
        ("diarrhea for two days", "diarrhea"),
        ("Coughing up blood.", "hemoptysis"),
        ("Small-volume haemoptysis.", "hemoptysis"),
        ("咯血2天", "hemoptysis"),
        ("大便稀，拉肚子三天", "diarrhea"),
        ("乏力、纳差", "fatigue"),
        ("He is allergic to nothing; smokes 20 a day.", "smoking"),
    ],
)
def test_inflections_spellings_and_lay_words(graph: Graph, text: str, finding: str) -> None:
    assert read(graph, text).get(finding) == "present"


def test_the_pain_belongs_to_the_nearest_place(graph: Graph) -> None:
    found = read(graph, "Chest clear with abdominal pain.")
    assert "abdominal_pain" in found and "chest_pain" not in found


def test_what_lies_within_a_longer_phrase_is_not_counted_again(graph: Graph) -> None:
    assert "hemoptysis" not in read(graph, "Grandmother coughing. No blood seen.")


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("SpO2 90%", ["hypoxia"], []),
        ("sats 97% on air", [], ["hypoxia"]),
        ("Temp 39.4", ["fever", "high_fever"], []),
        ("Temperature 101.3 F", ["fever"], []),
        ("T 36.8", [], ["fever"]),
        ("体温39.4℃", ["fever"], []),
        ("BP 84/50, HR 128", ["hypotension", "tachycardia"], []),
        ("血压 84/50mmHg，脉搏128次/分", ["hypotension", "tachycardia"], []),
        ("Hb 72 g/L", ["anemia"], []),
        ("haemoglobin 7.2 g/dL", ["anemia"], []),
        ("血红蛋白 72g/L", ["anemia"], []),
        ("WBC 18.4 x10^9/L", ["leukocytosis"], []),
        ("WCC 18.4", ["leukocytosis"], []),
        ("K 6.8 mmol/L", ["hyperkalemia"], []),
    ],
)
def test_values_are_findings(graph: Graph, text: str, present: list[str], absent: list[str]) -> None:
    facts = graph.read(text, 40, "female")
    assert set(present) <= set(facts.present) and set(absent) <= set(facts.absent)


@pytest.mark.parametrize(
    "text", ["room 39.4", "aged 90", "walked 128 m", "T4 lesion", "3/7 of pain", "P 12/7", "在3号床"]
)
def test_other_numbers_are_no_values(graph: Graph, text: str) -> None:
    assert not graph.read(text, 40, "female").values


def test_a_limit_for_adults_is_none_for_children(graph: Graph) -> None:
    assert "tachycardia" in graph.read("HR 128", 40, "female").present
    assert "tachycardia" not in graph.read("HR 128", 1, "female").present


def test_stated_anywhere_beats_a_normal_value(graph: Graph) -> None:
    facts = graph.read("Fever since Tuesday. T 36.9 in clinic.", 40, "female")
    assert "fever" in facts.present and "fever" not in facts.absent


def test_a_normal_result_denies_the_abnormal_one(graph: Graph) -> None:
    assert "raised_d_dimer" in graph.read("D-dimer normal.", 40, "female").absent


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("fever no 无发热，。, .cough痛T39.4 SpO2%()（）-\n"), max_size=120))
def test_any_text_is_read_and_every_place_lies_in_it(graph: Graph, text: str) -> None:
    for seen in graph.read(text, 40, "female").observations:
        assert 0 <= seen.start < seen.end <= len(text)
        assert seen.status in Status


def test_stems() -> None:
    assert meaning("the swelling of his legs") == meaning("Swollen leg")
    assert meaning("oedematous") == meaning("edematous") and meaning("tumours") == meaning("tumor")


def test_sentences_that_come_again_are_read_as_before(graph: Graph, case_en: PatientCase, case_zh: PatientCase) -> None:
    """Versions of one case read with what their sentences were found to say: the same facts, at the same places."""
    for case in (case_en, case_zh):
        text, known = case.text(), {}
        found = units(text)
        for gone in range(len(found)):
            some = without(text, found, [number != gone for number in range(len(found))])
            assert graph.read(some, case.age, case.sex, known) == graph.read(some, case.age, case.sex)
        assert known
