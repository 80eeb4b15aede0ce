"""Cases and answers from a lead's own files: read whole or refused by row and column, and no word of a case in a message."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from medassist.errors import InvalidStudy
from medassist.knowledge.graph import Graph
from medassist.study.answers import import_answers, read_answers
from medassist.study.arms import ArmConfig, secret_words
from medassist.study.cases import COLUMNS, MOST_CASES, cant_miss_of, keep_cases, read_cases, template
from medassist.study.rows import RowFault
from tests.studying import Studying, drafted

ROW = {
    "id": "c1",
    "chief_complaint": "Sudden chest pain",
    "history": "Two hours, tearing, into the back.",
    "age": "61",
    "sex": "M",
    "temperature_c": "36.9",
    "systolic_bp": "182",
    "diastolic_bp": "88",
    "diagnosis": "Aortic dissection",
    "accept": "type A dissection; 主动脉夹层；夹层",
    "cant_miss": "Aortic dissection",
    "practice": "yes",
}
ZH = {
    "病例编号": "甲1", "主诉": "转移性右下腹痛12小时", "现病史": "起初脐周隐痛，后转至右下腹。", "年龄": "23", "性别": "男",
    "体温": "38.2", "诊断": "急性阑尾炎", "可接受诊断": "阑尾炎；appendicitis", "练习": "否",
}  # fmt: skip


def table(*rows: Mapping[str, str], heads: Sequence[str] | None = None, delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, heads or list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def places(faults: Sequence[RowFault]) -> list[tuple[int, str]]:
    return [(fault.row, fault.column) for fault in faults]


# --- Tables.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_table_is_read_in_the_encodings_that_spreadsheets_write(encoding: str) -> None:
    read = read_cases(table(ZH, ZH | {"病例编号": "甲2"}).encode(encoding), "cases.csv")
    assert read.faults == ()
    first, second = read.cases
    assert (first.key, second.key, first.row, second.row) == ("甲1", "甲2", 2, 3)
    assert first.case.chief_complaint == "转移性右下腹痛12小时" and first.case.vital_signs.temperature_c == 38.2
    assert first.accept == ("阑尾炎", "appendicitis") and first.language == "zh" and not first.is_practice


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_become_the_parts_of_a_case(delimiter: str) -> None:
    (read,) = read_cases(table(ROW, delimiter=delimiter).encode(), "cases.csv").cases
    assert (read.case.age, read.case.sex, read.case.vital_signs.systolic_bp) == (61, "male", 182)
    assert read.accept == ("type A dissection", "主动脉夹层", "夹层") and read.is_practice


def test_columns_can_be_mapped_and_left_out() -> None:
    row = {"No.": "7", "Reason for visit": "Fever for a week", "history": "", "comment": "x" * 50_000}
    data = table(row).encode()
    assert places(read_cases(data, "c.csv").faults)[:2] == [(1, "No."), (1, "Reason for visit")]
    mapped = {"No.": "id", "Reason for visit": "chief_complaint", "comment": ""}
    read = read_cases(data, "c.csv", mapped)
    assert read.faults == () and [case.key for case in read.cases] == ["7"]
    assert places(read_cases(data, "c.csv", mapped | {"comment": "nothing"}).faults) == [(1, "nothing")]


def test_the_template_has_every_column_and_can_be_filled_in() -> None:
    (heads,) = csv.reader(io.StringIO(template().removeprefix("\ufeff")))
    assert tuple(heads) == COLUMNS
    assert read_cases(template().encode(), "t.csv").faults[0].row == 0
    (read,) = read_cases((template() + table(ROW, heads=heads).split("\n", 1)[1]).encode(), "t.csv").cases
    assert read.key == "c1"


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"age": "sixty"}, "age"),
        ({"age": "200"}, "age"),
        ({"temperature_c": "98.6"}, "vital_signs.temperature_c"),
        ({"diastolic_bp": "190"}, "vital_signs.diastolic_bp"),
        ({"sex": "q"}, "sex"),
        ({"language": "fr"}, "language"),
        ({"practice": "perhaps"}, "practice"),
        ({"id": ""}, "id"),
        ({"id": "a|b"}, "id"),
        ({"id": "a" * 101}, "id"),
        ({"chief_complaint": " "}, "chief_complaint"),
        ({"diagnosis": "d" * 501}, "diagnosis"),
        ({"accept": ";".join(f"n{n}" for n in range(101))}, "accept"),
        ({"history": "word " * 20_001}, ""),
    ],
)
def test_a_row_at_fault_is_named_with_its_column(change: dict[str, str], column: str) -> None:
    heads = [*ROW, "language"]
    data = table(ROW, ROW | {"id": "c2"} | change, ROW | {"id": "c3"}, heads=heads).encode()
    read = read_cases(data, "cases.csv")
    if column == "chief_complaint":
        assert [fault.row for fault in read.faults] == [3]
    else:
        assert places(read.faults) == [(3, column)]
    assert [case.key for case in read.cases] == ["c1", "c3"]
    for language in ("en", "zh"):
        assert "tearing" not in read.faults[0].text(language) and read.faults[0].text(language)  # type: ignore[arg-type]


def test_what_is_wrong_with_the_file_as_a_whole() -> None:
    without = {key: value for key, value in ROW.items() if key != "history"}
    assert places(read_cases(table(without).encode(), "c.csv").faults) == [(1, "history")]
    twice = f"主诉,{table(ROW)}".replace("\r\nc1", "\r\n腹痛,c1").encode()
    assert places(read_cases(twice, "c.csv").faults) == [(1, "chief_complaint")]
    for data in (b"", b"\n\n", b"\xef\xbb\xbf", b"\x89PNG\r\n\x00\x00", template().encode()):
        read = read_cases(data, "c.csv")
        assert places(read.faults) == [(0, "")] and not read.cases
    broken = table(ROW) + '"c2,"never closed'
    assert places(read_cases(broken.encode(), "c.csv").faults) == [(3, "")]
    ragged = table(ROW) + "c2,Fever,For days" + "," * 30 + "beyond\r\n"
    assert places(read_cases(ragged.encode(), "c.csv").faults) == [(3, "")]


def test_an_id_that_stands_twice_is_refused_with_both_rows() -> None:
    read = read_cases(table(ROW, ROW).encode(), "c.csv")
    assert (
        places(read.faults) == [(3, "id")] and "row 2" in read.faults[0].text() and "第2行" in read.faults[0].text("zh")
    )


def test_there_is_a_limit_to_how_many() -> None:
    lines = [json.dumps({"id": n, "chief_complaint": "Cough", "history": ""}) for n in range(MOST_CASES + 1)]
    assert places(read_cases("\n".join(lines).encode(), "c.jsonl").faults) == [(0, "")]


# --- JSON lines.


def line(**change: Any) -> str:
    return json.dumps({"id": 1, "chief_complaint": "Cough", "history": "A week."} | change, ensure_ascii=False)


def test_lines_are_read_as_cases() -> None:
    text = "\n".join([line(id="a", accept=["x", "x"], cant_miss=["y"], stratum="s", practice=True), "", line(id=2)])
    read = read_cases(text.encode(), "cases.jsonl")
    assert [(case.key, case.row) for case in read.cases] == [("a", 1), ("2", 3)] and not read.faults
    assert (read.cases[0].accept, read.cases[0].cant_miss, read.cases[0].stratum) == (("x",), ("y",), "s")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("{", ""),
        ("[1]", ""),
        ("[" * 100_000, ""),
        (line(id=None), "id"),
        (line(id=True), "id"),
        (line(accept="x"), "accept"),
        (line(accept=[1]), "accept"),
        (line(practice="perhaps"), "practice"),
        (line(diagnosis=5), "diagnosis"),
        (line(vitals={}), "vitals"),
        (line(age="old"), "age"),
        ('{"id": 3, "chief_complaint": "Cough"}', "history"),
    ],
)
def test_a_line_at_fault_is_named(text: str, column: str) -> None:
    read = read_cases(f"{line(id=9)}\n{text}\n{line(id=10)}".encode(), "cases.jsonl")
    assert places(read.faults) == [(2, column)] and [case.key for case in read.cases] == ["9", "10"]


def test_identifiers_are_pointed_out_and_not_refused() -> None:
    data = f"{line(id=1)}\n{line(id=2, history='Call John Smith, phone: 020 7946 0018. MRN: 00482913.')}".encode()
    read = read_cases(data, "cases.jsonl")
    assert not read.faults and [(each.row, each.column) for each in read.warnings] == [(2, "history")]
    assert "telephone number" in read.warnings[0].text() and "0018" not in read.warnings[0].text()
    assert "电话" in read.warnings[0].text("zh")


# --- Keeping.


HUMAN = ArmConfig(name="ward-7-canary", source="imported", description="human")


@pytest.fixture
def imported(tmp_path: Path) -> Iterator[Studying]:
    made = drafted(tmp_path, HUMAN)
    yield made
    made.close()


def test_all_of_a_file_is_kept_or_nothing(imported: Studying) -> None:
    studies, study_id = imported.lead.studies, imported.id
    good = read_cases(table(ROW, ROW | {"id": "c2", "practice": ""}).encode(), "c.csv")
    assert studies.cases(study_id) == []  # reading is a dry run
    with pytest.raises(InvalidStudy, match="row 3, age"):
        keep_cases(studies, study_id, read_cases(table(ROW, ROW | {"id": "c2", "age": "x"}).encode(), "c.csv"))
    assert studies.cases(study_id) == []
    assert keep_cases(studies, study_id, good) == 2
    kept = studies.cases(study_id)
    assert [(case.key, case.is_practice, case.language) for case in kept] == [("c1", True, "en"), ("c2", False, "en")]
    assert json.loads(kept[0].case_json)["history"].startswith("Two hours")
    more = read_cases(table(ROW | {"id": "c9"}, ROW).encode(), "c.csv")
    with pytest.raises(InvalidStudy, match="row 3, id"):
        keep_cases(studies, study_id, more)
    assert len(studies.cases(study_id)) == 2


def test_what_must_not_be_missed_can_be_asked_of_the_graph(graph: Graph) -> None:
    assert cant_miss_of(graph, "主动脉夹层", "en") == ("Aortic dissection",)
    assert cant_miss_of(graph, "Gout", "en") == () == cant_miss_of(graph, "no such disease", "zh")


# --- Answers from elsewhere.

ANSWER = "I would think of aortic dissection first, then of infarction. CT angiography now."


def test_answers_from_a_file_become_an_arms(imported: Studying) -> None:
    studies, study_id = imported.lead.studies, imported.id
    keep_cases(studies, study_id, read_cases(table(ROW, ROW | {"id": "c2"}).encode(), "c.csv"))
    rows = [{"case": "c1", "answer": ANSWER}, {"case": "c2", "answer": "The Ward 7 Canary favors dissection strongly."}]
    for data, name in (
        (table(*rows).encode("utf-16"), "a.csv"),
        ("\n".join(map(json.dumps, rows)).encode(), "a.jsonl"),
    ):
        read = read_answers(data, name, ["c1", "c2"])
        assert not read.faults and [each.case for each in read.answers] == ["c1", "c2"]
    told = import_answers(studies, study_id, HUMAN.name, read.answers)
    assert (told.kept, told.already, told.blocked) == (2, 0, 1)  # the second names its arm
    by_case = {case.id: case.key for case in studies.cases(study_id)}
    kept = {by_case[each.case_id]: each for each in studies.responses(study_id)}
    assert kept["c1"].display_text == ANSWER and not kept["c1"].blocked and kept["c1"].model == ""
    assert kept["c2"].leaks[0][0] == "secret"
    again = import_answers(studies, study_id, HUMAN.name, read.answers)
    assert (again.kept, again.already) == (0, 2)


def test_only_an_arm_whose_answers_come_from_a_file_takes_them(tmp_path: Path) -> None:
    made = drafted(tmp_path, ArmConfig(name="own", engine="knowledge"))
    for arm in ("own", "none of that name"):
        with pytest.raises(InvalidStudy):
            import_answers(made.lead.studies, made.id, arm, [])
    made.close()


def test_answers_at_fault_are_named_by_row() -> None:
    rows: list[dict[str, Any]] = [
        {"case": "c1", "answer": "x"},
        {"case": "c9", "answer": "x"},
        {"case": "c1", "answer": "x"},
        {"case": "c2", "answer": " "},
        {"case": "c3", "answer": "x" * 100_001},
        {"case": "c4", "answer": "x", "parameters": [1]},
        {"case": "c5", "answer": "x", "note": 1},
        {"answer": "x"},
    ]
    read = read_answers("\n".join(map(json.dumps, rows)).encode(), "a.jsonl", [f"c{n}" for n in range(1, 6)])
    assert places(read.faults) == [
        (2, "case"), (3, "case"), (4, "answer"), (5, "answer"), (6, "parameters"), (7, "note"), (8, "case"),
    ]  # fmt: skip
    assert [each.row for each in read.answers] == [1]
    assert places(read_answers(b"case,text\nc1,x", "a.csv", ["c1"]).faults) == [(1, "text"), (1, "answer")]


# --- What an arm would be known by.


def test_words_that_would_tell_an_arm() -> None:
    words = secret_words("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "auto", "embedded", "ward-7-CANARY", "med42")
    assert {"DeepSeek", "DeepSeek-R1-Distill-Llama-8B", "ward-7-CANARY", "med42"} <= set(words)
    assert not {"auto", "embedded", "ward", "CANARY", "Llama", "Distill", "ai", "8B"} & set(words)


def test_an_arm_says_what_hangs_together() -> None:
    for wrong in (
        {"name": "a"},
        {"name": "a", "source": "imported", "engine": "local"},
        {"name": "a", "engine": "knowledge", "model": "m"},
        {"name": "a", "engine": "knowledge", "grounded": False},
        {"name": "a|b", "engine": "local"},
    ):
        with pytest.raises(ValueError, match=r"arm|engine|graph|match"):
            ArmConfig.model_validate(wrong)
    one, other = ArmConfig(name="a", engine="local"), ArmConfig(name="a", engine="local", grounded=False)
    assert one.sha256 != other.sha256 and one.sha256 == ArmConfig.model_validate(one.model_dump()).sha256
