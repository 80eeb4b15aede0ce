"""The shipped knowledge files keep their own rules, and a file that breaks one is named."""

import shutil
from pathlib import Path

import pytest

from medassist.knowledge.graph import Graph
from medassist.knowledge.icd import exists
from medassist.knowledge.records import DATA, SHARE, Files, read_files
from medassist.knowledge.validate import problems

SEED_SPECIALTIES = {
    "cardiology", "respiratory", "gastroenterology", "nephrology", "endocrinology", "hematology", "oncology", "rheumatology",
    "infectious_disease", "neurology", "psychiatry", "surgery", "emergency", "obstetrics_gynecology", "pediatrics",
    "dermatology", "ophthalmology", "ent", "urology", "orthopedics", "toxicology",
}  # fmt: skip


@pytest.fixture(scope="module")
def files() -> Files:
    return read_files()


def test_every_rule_holds(files: Files) -> None:
    assert [str(problem) for problem in problems(files)] == []


def test_there_is_as_much_as_was_promised(files: Files) -> None:
    assert len(files.diseases) >= 300 and len(files.red_flags) >= 80
    assert {disease.specialty for disease in files.diseases.values()} == SEED_SPECIALTIES
    for disease in files.diseases.values():
        assert len(disease.findings.all()) >= 8 and disease.sources and exists(disease.icd10)
    assert all(flag.sources for flag in files.red_flags.values())


def test_every_disease_is_found_by_each_of_its_names(graph: Graph) -> None:
    for disease in graph.diseases.values():
        for name in (disease.name.en, disease.name.zh, *disease.synonyms.en, *disease.synonyms.zh):
            found = graph.normalise(name)
            assert found is not None and found.id == disease.id, name


def test_the_frequency_classes_are_hpos() -> None:
    assert SHARE["very_frequent"] == (0.80, 0.99) and SHARE["occasional"] == (0.05, 0.29)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("diseases/respiratory.yaml", "icd10: I26.99", "icd10: I26.88", "ICD-10-CM"),
        ("diseases/respiratory.yaml", "review: draft", "review: {status: reviewed}", "by"),
        ("diseases/respiratory.yaml", "specialty: respiratory", "specialty: respiratry", "specialty"),
        ("diseases/respiratory.yaml", "  prevalence:", "  prevalence: rare\n  prevalence:", "stands twice"),
        ("red_flags/cardiology.yaml", "severity: emergency", "severity: maybe", "severity"),
        ("measures.yaml", "- id: heart_rate", "- id: Heart Rate", "id"),
        ("sources/vital_signs.yaml", "kind: guideline", "kind: blog", "kind"),
    ],
)
def test_a_broken_rule_is_named_with_its_file(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    folder = Path(shutil.copytree(DATA, tmp_path / "data"))
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    found = [str(problem) for problem in problems(read_files(folder))]
    assert any(line.startswith(name) and said in line for line in found), found[:3]


def test_a_dose_in_the_files_is_found(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DATA, tmp_path / "data"))
    path = folder / "red_flags/cardiology.yaml"
    text = path.read_text("utf-8")
    at = text.index("action: {en: ") + len("action: {en: ")
    path.write_text(text[:at] + '"Give aspirin 300 mg.", x: ' + text[at:], "utf-8")
    path.write_text(
        path.read_text("utf-8").replace('"Give aspirin 300 mg.", x: "', '"Give aspirin 300 mg. ', 1), "utf-8"
    )
    assert any("dose" in str(problem) for problem in problems(read_files(folder)))
