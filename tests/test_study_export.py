"""An export is whole, safe to open, and reads back as the very same study."""

import csv
import hashlib
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medassist.errors import InvalidStudy
from medassist.study.analysis import analyse, contract
from medassist.study.cells import read_table, safe, unsafe, write_table
from medassist.study.codebook import HEADER
from medassist.study.collecting import dataset
from medassist.study.dataset import Dataset
from medassist.study.export import SUMS, TABLES, export, files, read_export
from medassist.study.report import report_html
from medassist.study.withheld import withheld
from tests.study_data import NAMES, eventful, study
from tests.studying import Studying

STUDIES = {
    "eventful": eventful,
    "three arms": lambda: study(arms=3, cases=6).dataset(),
    "paired": lambda: study(mode="paired", cases=6).dataset(),
    "Chinese": lambda: study(language="zh", cases=6).dataset(title="两个系统的可接受性"),
    "one arm": lambda: study(arms=1, cases=4).dataset(),
}


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("target", ["folder", "study.zip"])
def test_there_and_back(name: str, target: str, tmp_path: Path) -> None:
    data = STUDIES[name]()
    again = read_export(export(data, tmp_path / target))
    assert again == data
    assert json.dumps(contract(analyse(again))) == json.dumps(contract(analyse(data)))
    for language in ("en", "zh"):
        assert report_html(analyse(again), language) == report_html(analyse(data), language)  # type: ignore[arg-type]


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    one, other = (export(eventful(), tmp_path / f"{n}.zip") for n in (1, 2))
    assert one.read_bytes() == other.read_bytes()


def test_the_sums_are_those_of_the_files() -> None:
    made = files(eventful())
    listed = dict(reversed(line.split("  ")) for line in made[SUMS].decode().splitlines())  # type: ignore[misc]
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in made.items() if name != SUMS}


def test_a_row_a_revision_with_everything_joined_in() -> None:
    data = eventful()
    made = files(data)
    long = rows(made["ratings.csv"])
    assert len(long) == len(data.ratings)
    assert {row["pseudonym"] for row in long} <= {rater.pseudonym for rater in data.raters}
    assert {row["arm_name"] for row in long} == set(NAMES[:2])
    assert {row["kind"] for row in long} == {"primary", "repeat", "practice", "adjudication", "closing"}
    amended = next(row for row in long if row["revision"] == "2")
    first = next(r for r in long if [r[k] for k in ("assignment", "response", "item")] == [amended[k] for k in ("assignment", "response", "item")])  # fmt: skip
    assert (first["valid"], amended["valid"], amended["status"]) == ("false", "true", "amended")
    table = pq.read_table(io.BytesIO(made["ratings.parquet"])).to_pylist()
    assert table[0]["value"] == data.ratings[0].value and table[0]["active_ms"] == data.ratings[0].active_ms
    assert [str(row["position"]) for row in table] == [row["position"] for row in long]


def test_the_codebook_explains_every_column_and_every_code() -> None:
    data = eventful()
    made = files(data)
    book = rows(made["codebook.csv"])
    assert tuple(book[0]) == HEADER
    explained = {(row["file"], row["column"]) for row in book if row["kind"] == "column"}
    for name, _ in TABLES.values():
        header = made[name].decode("utf-8-sig").split("\r\n", 1)[0].split(",")
        assert {(name, column) for column in header} <= explained
    codes = {(row["item"], row["code"]) for row in book if row["kind"] == "code"}
    used = {(r.item, r.value) for r in data.ratings if r.item in ("accept", "guess", "harm_extent", "confidence") and r.value}  # fmt: skip
    assert used <= codes
    assert all(row["en"] and row["zh"] for row in book)


# --- Cells.

RISKY = [
    "=1+1",
    "+1+1",
    "-cmd",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "＝1",
    "＋x",
    "－x",
    "＠x",
    " =1",
    "'=1",
    "''@x",
    "\ufeff=1",
]


@pytest.mark.parametrize("text", RISKY)
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"
    assert unsafe(safe(text)) == text


@pytest.mark.parametrize("text", ["-5", "+3.5", "12", "", "plain", "'quoted'", "it's", "a=b", "不安全"])
def test_the_rest_stays_as_it_is(text: str) -> None:
    assert safe(text) == text == unsafe(text)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=1, max_size=5))
def test_every_text_comes_back(texts: list[str]) -> None:
    data = write_table(["a", "b"], [[text, "x"] for text in texts])
    assert data.startswith(b"\xef\xbb\xbf")
    assert read_table(data, "t.csv", ["b", "a"]) == [["x", text] for text in texts]


@given(st.text(max_size=12))
def test_nothing_that_a_spreadsheet_runs_begins_a_cell(text: str) -> None:
    cell = safe(text)
    assert not cell.startswith(("=", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert cell == text or cell[1:] == text


# --- Damage.


def damaged(tmp_path: Path) -> Path:
    return export(study(cases=4).dataset(), tmp_path / "x")


@pytest.mark.parametrize("name", ["ratings.csv", "study.json", "ratings.parquet", "codebook.csv", "README.txt", SUMS])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    folder = damaged(tmp_path)
    (folder / name).unlink()
    with pytest.raises(InvalidStudy, match=name) as raised:
        read_export(folder)
    assert "缺失" in raised.value.text("zh")


@pytest.mark.parametrize("name", sorted(files(study(cases=2).dataset()).keys() - {SUMS}))
def test_an_altered_byte_is_named(name: str, tmp_path: Path) -> None:
    folder = damaged(tmp_path)
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(InvalidStudy, match=rf"{name}: was altered"):
        read_export(folder)


def resummed(folder: Path, name: str, data: bytes) -> Path:
    """As somebody would who edits a file and makes the sums anew."""
    (folder / name).write_bytes(data)
    sums = "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != SUMS
    )
    (folder / SUMS).write_text(sums)
    return folder


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("cases.csv", b"specialty,", b"speciality,", "cases.csv: lacks the column specialty"),
        ("cases.csv", b",false\r\n", b",perhaps\r\n", "cases.csv, record 2, is_practice"),
        ("raters.csv", b",5,false", b",five,false", "raters.csv, record 2, years"),
        ("assignments.csv", b",primary,", b",primary,,", "assignments.csv, record 2: has too few or too many cells"),
        ("study.json", b'"seed"', b'"sown"', "study.json: lacks the field seed"),
        ("study.json", b'"format": 1', b'"format": 9', "study.json: is not format 1"),
        ("protocol.json", b'"previous"', b'"former"', "protocol.json: lacks the field previous"),
        ("instrument.json", b"{", b"", "instrument.json: is no JSON"),
    ],
)
def test_a_wrong_cell_or_field_is_named(name: str, old: bytes, new: bytes, said: str, tmp_path: Path) -> None:
    folder = damaged(tmp_path)
    data = (folder / name).read_bytes()
    assert old in data
    resummed(folder, name, data.replace(old, new, 1))
    with pytest.raises(InvalidStudy, match=said):
        read_export(folder)


def test_what_is_no_export_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"PK but no zip")
    with pytest.raises(InvalidStudy, match="cannot be read"):
        read_export(tmp_path / "no.zip")
    with pytest.raises(InvalidStudy, match="cannot be read"):
        read_export(tmp_path / "nowhere")
    with pytest.raises(InvalidStudy, match="SHA256SUMS: is missing"):
        read_export(tmp_path)


def test_a_folder_that_somebody_zipped_is_read(tmp_path: Path) -> None:
    data = study(cases=4).dataset()
    with zipfile.ZipFile(tmp_path / "again.zip", "w") as archive:
        for name, content in files(data).items():
            archive.writestr(f"my study/{name}", content)
    assert read_export(tmp_path / "again.zip") == data


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    data = study(cases=2).dataset()
    for name in ("x", "x.zip"):
        export(data, tmp_path / name)
        with pytest.raises(InvalidStudy, match="already"):
            export(data, tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "x.zip"]


# --- Blinded.


def blinded() -> Dataset:
    data = eventful()
    named = replace(data.audit[0], number=3, what="case.add", new="c001")
    return replace(data, state="rating", unblinded_at="", unblinded_by=(), audit=(*data.audit, named))


def test_a_blinded_export_tells_no_arm(tmp_path: Path) -> None:
    data = blinded()
    made = files(data)
    for name, content in made.items():
        for secret in (*NAMES[:2], "model-s1", "model-s2", "temperature"):
            assert secret.encode() not in content, name
    assert all(row["arm"] == "" and row["seconds"] == "" and row["model"] == "" for row in rows(made["responses.csv"]))
    assert all(row["arm"] == "" == row["arm_name"] for row in rows(made["ratings.csv"]))
    assert [row["new"] for row in rows(made["audit.csv"])] == ["'=draft", "[withheld]", "c001"]
    again = read_export(export(data, tmp_path / "x.zip"))
    assert again == withheld(data) != data
    assert withheld(again) == again
    with pytest.raises(InvalidStudy, match="still blinded"):
        analyse(again)


def test_an_unblinded_study_withholds_nothing() -> None:
    assert withheld(eventful()) == eventful()


# --- From the database.


def test_a_study_of_the_database_there_and_back(tmp_path: Path) -> None:
    made = Studying(tmp_path / "data")
    try:
        made.make(cases=4, raters=3)
        for number, rater in enumerate(made.raters):
            made.rate(rater, {"accept": "minor_edits"} if number else None)
        hidden = dataset(made.lead, made.id)
        assert read_export(export(hidden, tmp_path / "hidden.zip")) == withheld(hidden)
        made.lead.lock(made.id, "ada")
        for name in ("ada", "grace"):
            made.lead.unblind(made.id, name)
        data = dataset(made.lead, made.id)
    finally:
        made.close()
    again = read_export(export(data, tmp_path / "open.zip"))
    assert again == data
    found = analyse(data)
    assert json.dumps(contract(analyse(again))) == json.dumps(contract(found))
    assert [arm.n_ratings for arm in found.arms] == [8, 8]
    assert {each.code for each in found.deviations} == {"unanimous"}
