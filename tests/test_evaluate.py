"""The yardstick of whole answers: which names count as right, and what a run keeps."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medassist.case import PatientCase
from medassist.cli import app
from medassist.errors import EngineError, InvalidCase, UnreadableInput
from medassist.evaluate.cases import GoldCase, Kept, Result, read_cases, run, summary, verdict
from medassist.events import Event, Finished
from medassist.knowledge.graph import Graph

CASE = {"chief_complaint": "Sudden breathlessness", "history": "Ten days after knee surgery, left calf swollen."}


def _file(folder: Path, *lines: object) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "gold", "expected"),
    [
        ("Pulmonary embolism", ["pulmonary embolism"], "name"),
        ("PE", ["Pulmonary embolism"], "disease"),
        ("肺栓塞", ["Pulmonary embolism"], "disease"),
        ("Unheard-of syndrome, type 2", ["unheard-of syndrome"], "contains"),
        ("Pneumonia", ["Pulmonary embolism"], "none"),
        ("Trappe's disease", ["rapp"], "none"),
        ("某某综合征晚期", ["某某综合征"], "contains"),
        ("", ["Pulmonary embolism"], "none"),
    ],
)
def test_which_name_means_the_gold(graph: Graph, name: str, gold: list[str], expected: str) -> None:
    assert verdict(name, gold, graph) == expected


def test_a_code_of_the_same_category_is_told_apart(graph: Graph) -> None:
    by_category: dict[str, list[str]] = {}
    for disease in graph.diseases.values():
        by_category.setdefault(disease.icd10[:3], []).append(disease.name.en)
    one, other = next(
        (names[0], names[1])
        for names in by_category.values()
        if len(names) > 1 and names[0].casefold() not in names[1].casefold()
    )
    assert verdict(other, [one], graph) == "icd10"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([CASE | {"diagnosis": "PE"}], "cases.jsonl:1: id"),
        ([CASE | {"id": "a"}], "cases.jsonl:1: diagnosis"),
        ([CASE | {"id": "a", "diagnosis": "PE"}, CASE | {"id": "a", "diagnosis": "PE"}], "cases.jsonl:2: id"),
        ([CASE | {"id": "a", "diagnosis": "PE", "colour": "red"}], "colour"),
        ([CASE | {"id": "a", "diagnosis": "PE", "age": 400}], "cases.jsonl:1: age"),
        ([CASE | {"id": "a", "diagnosis": ["PE"]}], "diagnosis, accept"),
        (["{broken"], "cases.jsonl:1"),
        (["[1]"], "cases.jsonl:1"),
        ([""], "cases.jsonl"),
    ],
)
def test_a_bad_case_set_is_named_by_line_and_field(tmp_path: Path, lines: list[object], told: str) -> None:
    with pytest.raises(InvalidCase) as caught:
        read_cases(_file(tmp_path, *lines))
    assert told in caught.value.text("en")
    assert "calf" not in caught.value.text("en")


def test_no_text_and_an_endless_line_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableInput, match="UTF-8"):
        read_cases(path)
    path.write_text("x" * 1_000_002)
    with pytest.raises(UnreadableInput, match="longer"):
        read_cases(path)
    with pytest.raises(UnreadableInput, match="missing"):
        read_cases(tmp_path / "missing.jsonl")


def _answering(*lists: list[str]) -> "list[GoldCase]":
    return [
        GoldCase(str(n), PatientCase(chief_complaint=f"{n}", history="x"), "Pulmonary embolism")
        for n in range(len(lists))
    ]


def test_a_failed_case_counts_as_wrong_and_is_asked_again(graph: Graph, tmp_path: Path) -> None:
    lists = [["Pulmonary embolism"], ["Pneumonia", "PE"], ["Pneumonia"], []]
    asked: list[str] = []

    def ask(case: PatientCase, without: Sequence[str]) -> Iterator[Event]:
        asked.append(case.chief_complaint)
        if case.chief_complaint == "2" and len(asked) < 5:
            raise EngineError(reason="it broke.")
        names = lists[int(case.chief_complaint)]
        answer = {"differential": [{"name": name} for name in names], "final_diagnosis": names[0] if names else ""}
        yield Finished("", "", "complete", answer | {"timing": {"total_s": 1.0}, "truncated": False})

    kept = Kept(tmp_path / "run.jsonl")
    told = summary([result for _, result in run(_answering(*lists), ask, graph, kept=kept)])
    assert [case["verdict"] for case in told["cases"]] == ["name", "disease", "failed", "unparsed"]
    assert (told["n"], told["parsed"], told["top1"], told["top3"], told["mrr"]) == (4, 0.5, 0.25, 0.5, 0.375)
    assert told["by_language"]["en"]["n"] == 4
    with kept.path.open("a") as file:  # type: ignore[union-attr]
        file.write('{"id": "3", "langu')  # a crash
    asked.clear()
    asked.extend("....")
    again = dict(run(_answering(*lists), ask, graph, kept=kept))
    assert asked[4:] == ["2"]
    assert again[2] == Result("2", "en", None, "Pneumonia", ("Pneumonia",), "none", seconds=1.0)


def test_the_command_measures_the_graph_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDASSIST_DATA_DIR", str(tmp_path / "data"))
    path = _file(
        tmp_path,
        CASE | {"id": "right", "diagnosis": "Deep vein thrombosis", "accept": ["Pulmonary embolism"]},
        CASE | {"id": "wrong", "diagnosis": "Trappe's disease"},
    )
    ran = CliRunner().invoke(app, ["evaluate", "cases", str(path), "--engine", "knowledge", "--json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert set(told) == {"n", "parsed", "truncated", "none_fits", "top1", "top3", "top5", "mrr", "by_language", "cases"}
    assert [case["id"] for case in told["cases"]] == ["right", "wrong"]
    assert told["cases"][0]["rank"] in (1, 2) and told["cases"][1]["rank"] is None
    assert told["top5"] == 0.5
    assert not list((tmp_path / "data").glob("*.sqlite3"))  # nobody's history
    table = CliRunner().invoke(app, ["evaluate", "cases", str(path), "--engine", "knowledge"])
    assert "wrong: none" in table.stdout
