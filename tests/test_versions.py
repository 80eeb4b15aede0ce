"""Updates of the graph: proposed, refused, swapped in, rolled back, and consultations that keep their version."""

import json
import re
import shutil
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from medassist.case import PatientCase
from medassist.config import load_settings
from medassist.consult import consult
from medassist.engines.scripted import ScriptedEngine
from medassist.errors import KnowledgeError
from medassist.events import Finished
from medassist.knowledge.graph import Graph
from medassist.knowledge.importers import pack
from medassist.knowledge.records import DATA
from medassist.knowledge.versions import Knowledge
from medassist.store import open_store

CASE = PatientCase(chief_complaint="Left calf swollen for three days", history="Ten days after knee surgery.", age=34)


@pytest.fixture
def kept(tmp_path: Path, knowledge: Knowledge) -> Knowledge:
    """A folder of its own; the build itself comes from the cache."""
    opened = Knowledge(tmp_path / "versions", load_settings().cache_dir)
    opened.start()
    return opened


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "files"))


def edited(files: Path, name: str, old: str, new: str) -> None:
    path = files / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def package(files: Path, tmp_path: Path, licence: str = "CC-BY-4.0") -> Path:
    path = tmp_path / "update.zip"
    pack(files, path, licence)
    return path


CHANGE = ("diseases/respiratory.yaml", "urgency: emergency", "urgency: urgent")


def test_an_update_is_shown_approved_and_rolled_back(kept: Knowledge, files: Path, tmp_path: Path) -> None:
    before = kept.current()
    edited(files, *CHANGE)
    proposal = kept.propose(package(files, tmp_path))
    assert kept.current().version == before.version, "nothing is swapped before it is approved"
    assert any("urgency emergency → urgent" in line for line in proposal.diff) and len(proposal.diff) == 2
    kept.accept(proposal)
    after = kept.current()
    assert (after.version, kept.versions()) == (
        proposal.version,
        {"current": proposal.version, "previous": before.version},
    )
    assert kept.rollback() == before.version and kept.current().version == before.version
    assert kept.rollback() == proposal.version, "and forward again"


def test_another_process_sees_the_swap(kept: Knowledge, files: Path, tmp_path: Path) -> None:
    other = Knowledge(kept.folder, load_settings().cache_dir)
    before = other.current().version
    edited(files, *CHANGE)
    kept.accept(kept.propose(package(files, tmp_path)))
    assert other.current().version == kept.current().version != before


def _bad_licence(files: Path, tmp_path: Path) -> Path:
    return package(files, tmp_path, "proprietary")


def _dangling(files: Path, tmp_path: Path) -> Path:
    edited(files, "diseases/respiratory.yaml", "  findings:\n", "  findings:\n    # broken\n")
    text = (files / "diseases/respiratory.yaml").read_text("utf-8")
    (files / "diseases/respiratory.yaml").write_text(
        re.sub(r"disease: \w+", "disease: no_such_disease", text, count=1), "utf-8"
    )
    return package(files, tmp_path)


def _lost_red_flag(files: Path, tmp_path: Path) -> Path:
    path = files / "red_flags/cardiology.yaml"
    entries = path.read_text("utf-8").split("\n- id: ")
    path.write_text("\n- id: ".join(entries[:-1]) + "\n", "utf-8")
    return package(files, tmp_path)


def _truncated(files: Path, tmp_path: Path) -> Path:
    path = package(files, tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def _altered(files: Path, tmp_path: Path) -> Path:
    path = package(files, tmp_path)
    other = tmp_path / "altered.zip"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content + b"\n# x" if name == "measures.yaml" else content)
    return other


def _foreign_file(files: Path, tmp_path: Path) -> Path:
    path = package(files, tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escape.yaml", "[]")
    return path


def _unknown_source(files: Path, tmp_path: Path) -> Path:
    text = (files / "diseases/respiratory.yaml").read_text("utf-8")
    (files / "diseases/respiratory.yaml").write_text(
        re.sub(r"sources: \[\w+", "sources: [no_such_source", text, count=1), "utf-8"
    )
    return package(files, tmp_path)


BROKEN: dict[str, tuple[Callable[[Path, Path], Path], str]] = {
    "licence": (_bad_licence, "licence"),
    "dangling edge": (_dangling, "no_such_disease"),
    "lost red flag": (_lost_red_flag, "red flag"),
    "truncated": (_truncated, "cut off"),
    "altered": (_altered, "measures.yaml"),
    "foreign file": (_foreign_file, "manifest"),
    "unknown source": (_unknown_source, "no_such_source"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_update_is_refused_with_the_reason_and_changes_nothing(
    kept: Knowledge, files: Path, tmp_path: Path, kind: str
) -> None:
    make, said = BROKEN[kind]
    before = (kept.current().version, sorted(path.name for path in kept.folder.iterdir()))
    with pytest.raises(KnowledgeError, match=said):
        kept.propose(make(files, tmp_path))
    assert (kept.current().version, sorted(path.name for path in kept.folder.iterdir())) == before


HPOA = (
    '#description: "HPO annotations for rare diseases"\n#version: 2026-11-01\n#hpo-version: x\n'
    "database_id\tdisease_name\tqualifier\thpo_id\treference\tevidence\tonset\tfrequency\tsex\tmodifier\taspect\tbiocuration\n"
    "OMIM:154700\tMarfan syndrome\t\tHP:0001166\tPMID:1\tPCS\t\t7/10\t\t\tP\tX\n"
    "OMIM:154700\tMarfan syndrome\t\tHP:0002616\tPMID:1\tPCS\t\tHP:0040281\t\t\tP\tX\n"
    "OMIM:154700\tMarfan syndrome\tNOT\tHP:0000098\tPMID:1\tPCS\t\t\t\t\tP\tX\n"
)


def test_hpos_phenotype_file_brings_frequencies(kept: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "phenotype.hpoa"
    path.write_text(HPOA, "utf-8")
    proposal = kept.propose(path, licence="HPO")
    assert any("2026-11-01" in line for line in proposal.diff)
    kept.accept(proposal)
    rows = list(
        kept.current()._rows("SELECT object, frequency FROM edge WHERE subject = 'OMIM:154700' ORDER BY object")
    )
    assert rows == [("HP:0001166", "frequent"), ("HP:0002616", "very_frequent")]


@pytest.mark.parametrize(
    ("content", "licence", "said"),
    [
        (HPOA, None, "licence"),
        (HPOA, "CC0-1.0", "licence"),
        (HPOA[:-20], "HPO", "cut off"),
        (HPOA.rsplit("\t", 2)[0] + "\n", "HPO", "line"),
        (HPOA.replace("HP:0001166", "HP:9999999"), "HPO", "not in the ontology"),
        (HPOA.replace("HP:0001166", "x"), "HPO", "line 5"),
        (HPOA.replace("#version: 2026-11-01\n", ""), "HPO", "version"),
        ("", "HPO", "licence|cut off|empty"),
    ],
)
def test_a_broken_phenotype_file_is_refused(
    kept: Knowledge, tmp_path: Path, content: str, licence: str | None, said: str
) -> None:
    path = tmp_path / "phenotype.hpoa"
    path.write_text(content, "utf-8")
    before = kept.current().version
    with pytest.raises(KnowledgeError, match=said):
        kept.propose(path, licence=licence)
    assert kept.current().version == before


def test_the_disease_ontologys_table_maps_to_codes(kept: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "doid.tsv"
    path.write_text("id\tlabel\txrefs\nDOID:9477\tpulmonary embolism\tICD10CM:I26, MESH:D011655\n", "utf-8")
    kept.accept(kept.propose(path, licence="CC0-1.0"))
    assert list(kept.current()._rows("SELECT node, code FROM map WHERE node = 'DOID:9477'")) == [("DOID:9477", "I26")]


def test_a_hash_that_was_given_must_be_the_files(kept: Knowledge, files: Path, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="hash"):
        kept.propose(package(files, tmp_path), sha256="0" * 64)


def test_four_consultations_keep_the_version_they_began_with(kept: Knowledge, files: Path, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 's.sqlite3'}")
    engine = ScriptedEngine(delay=0.004)
    began, swapped = threading.Barrier(5), threading.Event()
    versions: list[str] = []

    def ask(number: int) -> None:
        case = CASE.model_copy(update={"history": f"{CASE.history} Day {number}."})
        waited = False
        for event in consult(case, engine=engine, store=store, graph=kept.current()):
            if not waited and type(event).__name__ == "Reasoning":
                waited = True
                began.wait(30)
                swapped.wait(30)
            if isinstance(event, Finished):
                versions.append(str(event.answer["knowledge_version"]))

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for asker in askers:
        asker.start()
    before = kept.current().version
    began.wait(30)
    edited(files, *CHANGE)
    kept.accept(kept.propose(package(files, tmp_path)))
    swapped.set()
    for asker in askers:
        asker.join()
    assert versions == [before] * 4
    after = kept.current().version
    again = [
        event
        for event in consult(CASE, engine=engine, store=store, graph=kept.current())
        if isinstance(event, Finished)
    ]
    assert again[0].answer["knowledge_version"] == after != before
    store.close()


def test_the_cache_gives_no_answer_of_another_version(kept: Knowledge, files: Path, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 's.sqlite3'}")
    engine = ScriptedEngine()

    def ask(graph: Graph) -> dict[str, object]:
        return next(e.answer for e in consult(CASE, engine=engine, store=store, graph=graph) if isinstance(e, Finished))

    first, again = ask(kept.current()), ask(kept.current())
    assert first["cached"] is None and again["cached"]
    edited(files, *CHANGE)
    kept.accept(kept.propose(package(files, tmp_path)))
    assert ask(kept.current())["cached"] is None
    kept.rollback()
    assert ask(kept.current())["cached"]
    store.close()


def test_a_damaged_pointer_is_said(kept: Knowledge) -> None:
    (kept.folder / "versions.json").write_text(json.dumps({"nothing": 1}))
    with pytest.raises(KnowledgeError, match=r"versions\.json"):
        kept.current()
