"""The graph at work: the sixty vignettes, red flags, names, search, and how fast it all is not allowed to matter here."""

import json
from collections import Counter
from pathlib import Path

import pytest

from medassist.case import PatientCase, case_from_dict
from medassist.findings import Status
from medassist.knowledge.graph import Graph

DATA = Path(__file__).parent / "data"


def lines(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def ranked(graph: Graph, vignette: dict[str, object]) -> tuple[list[str], set[str]]:
    """The graph's ranking of a vignette, and the diseases that its gold names."""
    case = case_from_dict({k: v for k, v in vignette.items() if k not in ("id", "specialty", "diagnosis", "accept")})
    facts = graph.read(case.text(), case.age, case.sex)
    order = [each.disease for each in graph.rank(facts, age=case.age, sex=case.sex, top=30)]
    gold = [vignette["diagnosis"], *vignette.get("accept", [])]  # type: ignore[misc]
    return order, {found.id for name in gold if (found := graph.normalise(str(name)))}


def test_the_right_diagnosis_is_among_the_first_for_vignettes_written_before_the_graph(graph: Graph) -> None:
    counted: Counter[str] = Counter()
    for language in ("en", "zh"):
        for vignette in lines(f"vignettes_{language}.jsonl"):
            order, gold = ranked(graph, vignette)
            counted["n"] += 1
            counted["top1"] += order[0] in gold
            counted["top5"] += bool(gold & set(order[:5]))
    assert counted["n"] == 60
    assert counted["top5"] >= 54, counted
    # The goal; 49 were reached (docs/knowledge.md).
    assert counted["top1"] >= 45, counted


FLOORS = {("en", True): 0.95, ("zh", True): 0.95, ("en", False): 0.95, ("zh", False): 0.97}
"""Share of red-flag texts that are caught, and of near misses that raise nothing: the goal of all four. These texts are
a guard against losing what was reached; what new texts by other writers get stands in docs/knowledge.md."""


def test_red_flags_are_caught_and_near_misses_are_not(graph: Graph) -> None:
    counted: Counter[tuple[str, bool, bool]] = Counter()
    wrong = []
    for line in lines("red_flags.jsonl"):
        case = PatientCase(chief_complaint=str(line["text"]), history="", age=line["age"], sex=line["sex"])  # type: ignore[arg-type]
        facts = graph.read(case.text(), case.age, case.sex)
        raised = {each.flag.id for each in graph.raised(facts, age=case.age, sex=case.sex)}
        hit = line["flag"] in raised
        counted[str(line["language"]), bool(line["raises"]), hit] += 1
        if hit != line["raises"]:
            wrong.append(line["id"])
    for language in ("en", "zh"):
        for raises in (True, False):
            right, all_ = (
                counted[language, raises, raises],
                counted[language, raises, True] + counted[language, raises, False],
            )
            assert all_ >= 60
            assert right >= FLOORS[language, raises] * all_, (language, raises, right, all_, wrong)


@pytest.mark.parametrize(
    ("name", "disease"),
    [
        ("STEMI", "acute_myocardial_infarction"),
        ("Acute inferior myocardial infarction", "acute_myocardial_infarction"),
        ("急性下壁心肌梗死", "acute_myocardial_infarction"),
        ("Pulmonary embolism (PE)", "pulmonary_embolism"),
        ("肺栓塞", "pulmonary_embolism"),
        ("A disease that nobody knows", None),
        ("", None),
    ],
)
def test_names_are_mapped_or_openly_not(graph: Graph, name: str, disease: str | None) -> None:
    found = graph.normalise(name)
    assert (found and found.id) == disease


@pytest.mark.parametrize(
    "text",
    ["I26", "i26.99", "pulmonary embol", "肺栓", "Marfan", "HP:0001166", "OMIM:154700", "ƒ%_'\"\\", "x" * 300, "   "],
)
def test_any_search_is_answered(graph: Graph, text: str) -> None:
    graph.search(text, 5)


def test_search_finds_ours_first(graph: Graph) -> None:
    assert graph.search("pulmonary embolism")[0].id == "pulmonary_embolism"
    assert graph.search("肺栓塞")[0].id == "pulmonary_embolism"
    assert graph.search("I26.99")[0].id == "icd:I26.99"
    assert any(hit.kind == "rare_disease" for hit in graph.search("Marfan"))


def test_rare_diseases_are_hpos_own(graph: Graph) -> None:
    found = graph.rare("OMIM:154700")
    assert found is not None
    hit, phenotypes = found
    assert "arfan" in hit.en and any(each.en == "Arachnodactyly" for each in phenotypes)


def test_sources_are_named_with_version_and_licence(graph: Graph) -> None:
    sources = {each["name"]: each for each in graph.sources()}
    assert set(sources) == {"medassist-graph", "ICD-10-CM", "Human Phenotype Ontology"}
    assert all(each["version"] and each["licence"] and len(each["sha256"]) == 64 for each in sources.values())


def test_evidence_quotes_the_case(graph: Graph, case_en: PatientCase, case_zh: PatientCase) -> None:
    for case in (case_en, case_zh):
        text = case.text()
        facts = graph.read(text, case.age, case.sex)
        for each in graph.rank(facts, age=case.age, sex=case.sex):
            for evidence in (item for side in graph.evidence(text, facts, each) for item in side):
                assert text[evidence.start : evidence.end] == evidence.text


def test_a_denied_finding_counts_against(graph: Graph) -> None:
    def score(history: str) -> float:
        case = PatientCase(chief_complaint="Sudden breathlessness", history=history, age=50, sex="female")
        facts = graph.read(case.text(), 50, "female")
        return next(
            r.score for r in graph.rank(facts, age=50, sex="female", top=400) if r.disease == "pulmonary_embolism"
        )

    assert score("Left calf swollen.") > score("") > score("No chest pain, no leg swelling.")


def test_nothing_stated_ranks_nothing(graph: Graph) -> None:
    facts = graph.read("zzz qqq", None, "unknown")
    assert not facts.having(Status.PRESENT) and graph.rank(facts) == []


def test_sex_excludes(graph: Graph) -> None:
    text = "Sudden severe pain in the scrotum, testis high and horizontal."
    facts = graph.read(text, 15, "male")
    assert graph.rank(facts, age=15, sex="male")[0].disease == "testicular_torsion"
    assert "testicular_torsion" not in [each.disease for each in graph.rank(facts, age=15, sex="female", top=400)]
