"""Data sets on their way to files that can be trained on: read, refused, cleaned, split, written."""

import json
import os
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml
from typer.testing import CliRunner

from medassist.errors import MedAssistError
from training import prepare as preparing
from training import sources
from training.__main__ import app
from training.clean import cleaned, has_html, scrubbed, without_html
from training.config import Config, Duplicates, HoldOut, Prepare, Source, Split, load_config, parse_config
from training.duplicates import find_duplicates
from training.errors import Problem
from training.prepare import prepare
from training.rows import AnyRecord, as_record, as_value
from training.sources import Row, files_of, read_jsonl, replacing
from training.split import join_cases, split

REVISION = "0123456789abcdef" * 2 + "01234567"
SITES = ("chest", "back", "knee", "jaw", "wrist", "hip", "neck", "calf", "elbow", "shin", "thigh", "ear")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def case(number: int = 0, **other: Any) -> dict[str, Any]:
    """Cases of different numbers share no run of five words."""
    site, day = SITES[number % len(SITES)], DAYS[number % len(DAYS)]
    return {
        "id": f"case-{number}",
        "language": "en",
        "specialty": "surgery",
        "chief_complaint": f"{site} pain",
        "history": f"{site} {day} {number} hurts, {number + 1} times {day}, worse {number + 2} {site}, eased {number + 3}.",
        "reasoning": "Sudden and one-sided.",
        "differential_diagnosis": ["Sprain", "Fracture"],
        "final_diagnosis": "Sprain",
    } | other


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows]
    path.write_bytes(b"\n".join(lines))
    return path


def local(path: Path, **other: Any) -> dict[str, Any]:
    return {"name": "local", "licence": "CC0-1.0", "path": str(path), "scrub": False} | other


def settings(tmp_path: Path, *rows: Any, source: dict[str, Any] | None = None, **other: Any) -> Prepare:
    """Settings over one local file of `rows`."""
    path = write(tmp_path / "in.jsonl", *rows) if rows else tmp_path / "in.jsonl"
    value = {"output": str(tmp_path / "out"), "sources": [local(path, **(source or {}))]}
    return Prepare.model_validate(value | other)


def told(problems: list[Any]) -> list[tuple[int, str, str]]:
    return [(each["line"], each["field"], each["kind"]) for each in problems]


def written(output: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / name).read_text("utf-8").splitlines()]


# --- Reading.


def test_rows_come_with_their_lines_and_bad_ones_are_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.jsonl", b'\xef\xbb\xbf{"a": 1}', b"", '{"姓": 1}'.encode("gb18030"), b"[]", b"{", {"b": 2}
    )
    found = list(read_jsonl(path))
    assert [(row.line, row.value) for row in found if isinstance(row, Row)] == [(1, {"a": 1}), (6, {"b": 2})]
    bad = [(each.line, each.kind) for each in found if isinstance(each, Problem)]
    assert bad == [(3, "encoding"), (4, "json"), (5, "json")]


@pytest.mark.parametrize("line", [b'{"a": ' + b"9" * 5000 + b"}", b"[" * 100_000])
def test_json_that_python_refuses_is_named(tmp_path: Path, line: bytes) -> None:
    (found,) = read_jsonl(write(tmp_path / "x.jsonl", line))
    assert isinstance(found, Problem) and found.kind == "json"


def test_a_long_line_is_passed_over_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("wb") as file:
        file.write(b'{"a": 1}\n')
        file.seek(100 * 2**20, os.SEEK_CUR)
        file.write(b'\n{"b": 2}\n')
    tracemalloc.start()
    try:
        found = list(read_jsonl(path))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [each.line for each in found] == [1, 2, 3]
    assert isinstance(found[1], Problem) and found[1].kind == "too_long"
    assert most < 40 * 2**20


@pytest.mark.parametrize("command", ["validate", "prepare"])
def test_ten_gigabytes_without_a_line_end_are_refused(tmp_path: Path, command: str) -> None:
    path = write(tmp_path / "in.jsonl", case())
    with path.open("ab") as file:
        file.write(b'\n{"id": "')
        file.truncate(10 * 2**30)
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump({"prepare": {"output": str(tmp_path / "out"), "sources": [local(path)]}}))
    ran = CliRunner().invoke(app, [command, "--config", str(config)])
    assert ran.exit_code == 2 and f"{path}:2: this line has no end" in ran.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(MedAssistError, match=r"none\.jsonl: No such file"):
        list(read_jsonl(tmp_path / "none.jsonl"))


def test_a_file_that_breaks_off_while_written_takes_no_name(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", {"before": True})
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write("half")
        raise RuntimeError
    assert written(tmp_path, "x.jsonl") == [{"before": True}] and len(list(tmp_path.iterdir())) == 1


# --- Sets of a hub.

O1 = {
    "Question": ["What is gout?", "痛风是什么？"],
    "Complex_CoT": ["Uric acid.", "尿酸。"],
    "Response": ["Crystals.", "结晶。"],
}
COLUMNS = {"Question": "question", "Complex_CoT": "reasoning", "Response": "response"}


def hub(**other: Any) -> Source:
    value = {"name": "o1", "licence": "Apache-2.0", "hub": "owner/o1", "revision": REVISION, "columns": COLUMNS}
    return Source.model_validate(value | other)


@pytest.fixture(params=["save_to_disk", "clone", "json", "parquet"])
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same small set in each of the forms in which one may have it."""
    rows = datasets.Dataset.from_dict(O1)
    folder = tmp_path / "copy"
    if request.param == "save_to_disk":
        datasets.DatasetDict({"train": rows}).save_to_disk(str(folder))
        return folder
    folder.mkdir()
    if request.param == "clone":
        (folder / "README.md").write_text("---\nconfigs:\n- config_name: en\n  data_files: o1.json\n---\n")
    if request.param != "parquet":
        (folder / "o1.json").write_text(json.dumps(rows.to_list(), ensure_ascii=False), "utf-8")
        return folder if request.param == "clone" else folder / "o1.json"
    rows.to_parquet(str(folder / "o1.parquet"))
    return folder / "o1.parquet"


def test_a_set_is_mapped_by_its_columns(copy: Path, tmp_path: Path) -> None:
    source = hub(config="en" if (copy / "README.md").exists() else None, local=str(copy))
    (file,) = files_of(source, tmp_path / "cache")
    found = [as_record(value) for row in read_jsonl(file.path) if isinstance(value := as_value(row, source), dict)]  # type: ignore[arg-type]
    assert [(each.id, each.kind, each.language, each.source) for each in found] == [  # type: ignore[union-attr]
        ("o1-1", "exchange", "en", f"owner/o1@{REVISION}"),
        ("o1-2", "exchange", "zh", f"owner/o1@{REVISION}"),
    ]
    assert found[1].reasoning == "尿酸。" and found[1].response == "结晶。"  # type: ignore[union-attr]


def test_a_set_is_loaded_once(tmp_path: Path) -> None:
    path = tmp_path / "o1.json"
    path.write_text(json.dumps(datasets.Dataset.from_dict(O1).to_list()))
    (first,) = files_of(hub(local=str(path)), tmp_path / "cache")
    path.unlink()
    assert files_of(hub(local=str(path)), tmp_path / "cache") == [first]


@pytest.mark.parametrize("other", [{}, {"local": "no/such/folder"}])
def test_a_set_out_of_reach_says_what_to_do(tmp_path: Path, other: dict[str, str]) -> None:
    with pytest.raises(MedAssistError, match=r"prepare\.sources\.o1: .*cannot be loaded.*`local`") as raised:
        files_of(hub(**other), tmp_path)
    assert raised.value.exit_code == 2 and "无法加载" in raised.value.text("zh")
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    made = settings(tmp_path, {"Question": "Why?", "Response": "So."}, case(), source={"columns": COLUMNS})
    with pytest.raises(MedAssistError, match=r"in\.jsonl:1: Complex_CoT: there is no such column"):
        prepare(made)


# --- Cleaning.


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<p>Fever.</p><p>Cough.</p>", "Fever.\nCough."),
        ("WBC 12 &times; 10<sup>9</sup>/L", "WBC 12 × 10^9/L"),
        ('CO<sub>2</sub> <span style="color:red">high</span><br/>pH&nbsp;7.2', "CO2 high\npH 7.2"),
        ("a<!-- note -->b<script>x()</script>", "a b"),
        ("&#25239;体", "抗体"),
    ],
)
def test_html_is_shown_as_a_browser_would(text: str, shown: str) -> None:
    assert has_html(text) and without_html(text) == shown


@pytest.mark.parametrize(
    "text", ["p<0.05 and > 3", "<think>\nno", "if a <b and c> d", "R&D; AT&T; <5 mg", "O2 < 90% -> ICU", "CO<sub"]
)
def test_what_only_looks_like_html_stays(text: str) -> None:
    assert not has_html(text) and without_html(text) == text


def test_cleaning_reaches_every_text_and_counts() -> None:
    value, changed = cleaned({"a": "x\x07y", "b": [{"c": "<b>z</b>"}, "fine"], "n": 3})
    assert value == {"a": "xy", "b": [{"c": "z"}, "fine"], "n": 3}
    assert changed == Counter(html=1, control_characters=1)


def scrub(**other: Any) -> tuple[AnyRecord, Counter[str]] | list[Any]:
    record = as_record(case(**other))
    assert not isinstance(record, list)
    return scrubbed(record)


def test_identifiers_are_masked_alike_in_case_and_answer() -> None:
    done = scrub(
        history="Call 555-867-5309 at once. MRN: 4482913.", reasoning="The number 4482913 (MRN: 4482913) is his."
    )
    assert isinstance(done, tuple)
    record, masked = done
    text = record.model_dump_json()
    assert "4482913" not in record.reasoning.split("(")[1] and "867-5309" not in text
    assert "[RECORD-NUMBER-1]" in record.reasoning and "[RECORD-NUMBER-1]" in text.split("reasoning")[0]
    assert masked["record_number"] >= 2 and masked["phone"] == 1


def test_ages_over_89_are_rounded_and_diagnoses_left_alone() -> None:
    done = scrub(age=97, final_diagnosis="Ramsay Hunt syndrome")
    assert isinstance(done, tuple)
    assert done[0].age == 90 and done[0].final_diagnosis == "Ramsay Hunt syndrome"  # type: ignore[union-attr]


def test_a_diagnosis_that_holds_an_identifier_is_refused() -> None:
    (wrong,) = scrub(final_diagnosis="Sprain, MRN: 4482913")
    assert wrong.kind == "identifier" and "4482913" not in str(wrong)  # type: ignore[union-attr]


def test_a_diagnosis_that_holds_a_name_masked_in_the_case_is_refused() -> None:
    (wrong,) = scrub(history="Mr. Thomas Fairbanks fell.", final_diagnosis="Thomas Fairbanks' sprain")
    assert wrong.kind == "identifier"  # type: ignore[union-attr]


# --- Duplicates.

STORY = (
    "He fell from a ladder on Sunday morning while picking cherries and landed on his outstretched left hand in grass"
)
STORY_ZH = "患者周日上午摘樱桃时从梯子上摔下，左手撑地，随即出现左腕部剧烈疼痛及肿胀，活动明显受限，无头痛呕吐"


@pytest.mark.parametrize("story", [STORY, STORY_ZH])
def test_near_duplicates_are_found_in_both_languages(story: str) -> None:
    texts = [story, "Something else entirely that nobody has told before, 完全不同的另一段病史。", f"{story} today"]
    assert find_duplicates(texts, Duplicates()).duplicate_of == {2: 0}


def test_what_is_alike_but_no_duplicate_is_one_case() -> None:
    found = find_duplicates([STORY, f"{STORY} and could not get up", "other words altogether in here"], Duplicates())
    assert found.duplicate_of == {} and found.case_of == [0, 0, 2]


def test_without_a_threshold_all_are_kept_and_grouped() -> None:
    found = find_duplicates([STORY, STORY], Duplicates(drop=None))
    assert found.duplicate_of == {} and found.case_of == [0, 0]


# --- Splitting.


def records(count: int) -> list[AnyRecord]:
    made = [case(n, specialty=("surgery", "ent")[n % 2], language=("en", "zh")[n % 4 // 2]) for n in range(count)]
    return [each for each in map(as_record, made) if not isinstance(each, list)]


def parted(count: int, alike: list[int] | None = None, **other: Any) -> dict[str, str]:
    made, setting = records(count), Split(train=0.8, validation=0.1, test=0.1, **other)
    cases = join_cases([each.id for each in made], alike or list(range(count)), setting.case_of)
    held = [next((h for h in setting.hold_out if each.id.startswith(h.id_prefixes)), None) for each in made]
    return dict(zip((each.id for each in made), split(made, cases, held, setting, seed=7), strict=True))


def test_every_stratum_keeps_the_shares() -> None:
    files = parted(400)
    assert Counter(files.values()) == {"train.jsonl": 320, "validation.jsonl": 40, "test.jsonl": 40}
    for stratum in range(4):
        mine = Counter(files[f"case-{n}"] for n in range(stratum, 400, 4))
        assert abs(mine["train.jsonl"] - 80) <= 2 and abs(mine["test.jsonl"] - 10) <= 2


def test_the_seed_decides_and_the_order_does_not() -> None:
    made = records(40)
    one = split(made, range(40), [None] * 40, Split(), seed=7)
    two = split(made[::-1], range(40), [None] * 40, Split(), seed=7)[::-1]
    assert one == two != split(made, range(40), [None] * 40, Split(), seed=8)


def test_one_case_never_stands_on_two_sides() -> None:
    alike = [n - n % 5 for n in range(100)]  # five tellings of each case
    files = parted(100, alike)
    for first in range(0, 100, 5):
        assert len({files[f"case-{n}"] for n in range(first, first + 5)}) == 1
    assert len(set(files.values())) == 3


def test_ids_can_name_the_case() -> None:
    assert join_cases(["a#1", "b#1", "a#2", "c"], [0, 1, 2, 3], r"^(.+)#\d+$") == [0, 1, 0, 3]


def test_what_is_like_a_held_out_case_is_no_training_material() -> None:
    alike = list(range(40))
    alike[3] = 1  # case-3 resembles case-1, which is held out
    files = parted(40, alike, hold_out=(HoldOut(file="held.jsonl", id_prefixes=("case-1",)),))
    assert {name for name, file in files.items() if file == "held.jsonl"} == {
        "case-1",
        *(f"case-1{n}" for n in range(10)),
    }
    assert files["case-3"] == "test.jsonl"


# --- Validating.

BAD: list[tuple[Any, str, str]] = [
    ({k: v for k, v in case().items() if k != "history"}, "history", "missing"),
    (case(age="old"), "age", "wrong_type"),
    (case(sex="boy"), "sex", "wrong_value"),
    (case(final_diagnosis=" "), "final_diagnosis", "empty"),
    (case(differential_diagnosis=[{"name": ""}]), "differential_diagnosis[0].name", "empty"),
    (case(history="<div>Fell</div>"), "history", "html"),
    (case(exams=["X-ray &amp; CT"]), "exams[0]", "html"),
    (case(reasoning="a\u200bb"), "reasoning", "control_characters"),
    (case(colour="red"), "colour", "unknown_key"),
    (case(vital_signs={"systolic_bp": 80, "diastolic_bp": 90}), "vital_signs.diastolic_bp", "out_of_range"),
    (case(kind="poem"), "kind", "wrong_value"),
    ("主诉：头痛".encode("gb18030"), "line", "encoding"),
]


def test_validate_names_everything_by_file_line_and_field(tmp_path: Path) -> None:
    rows = [row if isinstance(row, bytes) else row | {"id": f"bad-{n}"} for n, (row, _, _) in enumerate(BAD)]
    path = write(tmp_path / "x.jsonl", case(), *rows, case())
    ran = CliRunner().invoke(app, ["validate", str(path), "--json"])
    value = json.loads(ran.stdout)
    expected = [(line, field, kind) for line, (_, field, kind) in enumerate(BAD, 2)]
    assert told(value["problems"]) == [*expected, (len(BAD) + 2, "id", "duplicate_id")]
    assert ran.exit_code == 2 and len(ran.stderr.splitlines()) == 1
    assert f"{path}:2: history: is required. ({len(BAD)} more problems)" in ran.stderr
    assert "Fell" not in ran.output and "头痛" not in ran.output and "boy" not in ran.output
    assert all(problem["reason_zh"] for problem in value["problems"])


def test_validate_counts_what_is_good(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["validate", str(write(tmp_path / "x.jsonl", case(1), case(2)))])
    assert ran.exit_code == 0 and ran.stdout.split() == ["2", "case,", "en,", "surgery"] and ran.stderr == ""


def test_validate_reads_the_sources_of_a_configuration(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", {"Question": "Why?", "Complex_CoT": "<b>x</b>", "Response": ""})
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump({"prepare": {"output": "out", "sources": [local(path, columns=COLUMNS)]}}))
    ran = CliRunner().invoke(app, ["validate", "--config", str(config), "--json"])
    assert told(json.loads(ran.stdout)["problems"]) == [(1, "reasoning", "html"), (1, "response", "empty")]


# --- Preparing.


def test_the_whole_way(tmp_path: Path) -> None:
    rows = [
        *(case(n) for n in range(20)),
        case(3),
        case(40, history=case(5)["history"], chief_complaint=case(5)["chief_complaint"]),
        case(41, history="<p>Fell.</p>\u200b"),
        case(42, final_diagnosis=""),
        b"\xff",
        case(43, history="word " * 300),
    ]
    test = write(tmp_path / "tests.jsonl", {"q": case(7)["history"] + " What is the most likely cause of all this?"})
    folder = tokenizer(tmp_path)
    made = settings(
        tmp_path,
        *rows,
        split={
            "train": 0.6,
            "validation": 0.2,
            "test": 0.2,
            "hold_out": [{"file": "held.jsonl", "id_prefixes": ["case-1"]}],
        },
        decontaminate={"against": [str(test)]},
        lengths={"tokenizer": str(folder), "limit": 200},
    )
    report = prepare(made)
    assert sorted(told(report["problems"])) == [
        (8, "record", "contaminated"),
        (21, "id", "duplicate_id"),
        (22, "record", "duplicate"),
        (24, "final_diagnosis", "empty"),
        (25, "line", "encoding"),
        (26, "record", "over_length"),
    ]
    assert report["changed"] == {"control_characters": 1, "html": 1}
    sizes = {name: each["records"] for name, each in report["files"].items()}
    assert sizes["held.jsonl"] == 11 and sum(sizes.values()) == report["records"] == 20
    everything = [each for name in sizes for each in written(made.output, name)]
    assert len({each["id"] for each in everything}) == 20
    assert next(each["history"] for each in everything if each["id"] == "case-41") == "Fell."
    assert report["sources"][0]["read"] == 26 and report["sources"][0]["kept"] == 20
    assert report["sources"][0]["files"] == {str(tmp_path / "in.jsonl"): sources.sha256(tmp_path / "in.jsonl")}
    card = (made.output / "DATA_CARD.md").read_text("utf-8")
    assert "CC0-1.0" in card and "| surgery | en |" in card and "0 of them (0.0%) are synthetic" in card
    assert "overlapped with a test set | 1 |" in card
    assert not list(made.output.rglob("*.part"))


def tokenizer(tmp_path: Path) -> Path:
    """One token a word."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?").save_pretrained(tmp_path / "tokenizer")
    return tmp_path / "tokenizer"


def test_of_a_held_out_case_and_its_duplicate_the_held_out_one_stays(tmp_path: Path) -> None:
    hold = {"hold_out": [{"file": "held.jsonl", "id_prefixes": ["case-9"]}]}
    made = settings(
        tmp_path, case(1), case(2), case(9, **{k: case(1)[k] for k in ("history", "chief_complaint")}), split=hold
    )
    report = prepare(made)
    assert told(report["problems"]) == [(1, "record", "duplicate")]
    assert [each["id"] for each in written(made.output, "held.jsonl")] == ["case-9"]


def test_a_second_run_does_nothing_and_a_changed_file_everything(tmp_path: Path) -> None:
    made = settings(tmp_path, *(case(n) for n in range(10)))
    assert prepare(made)["unchanged"] is False
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert prepare(made)["unchanged"] is True
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == stamps
    write(tmp_path / "in.jsonl", *(case(n) for n in range(11)))
    assert prepare(made)["records"] == 11


@pytest.mark.parametrize("spoil", ["change", "remove"])
def test_files_that_were_touched_are_written_again(tmp_path: Path, spoil: str) -> None:
    made = settings(tmp_path, *(case(n) for n in range(10)))
    prepare(made)
    path = made.output / "train.jsonl"
    before = path.read_bytes()
    path.write_bytes(b"{}") if spoil == "change" else path.unlink()
    assert prepare(made)["unchanged"] is False
    assert path.read_bytes() == before


def test_a_run_that_was_broken_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "BATCH", 4)
    made = settings(tmp_path, *(case(n) for n in range(20)))
    cleaned_lines: list[int] = []
    real = preparing.clean_row

    def breaking(row: Row, *rest: Any) -> Any:
        if row.line == 11 and len(cleaned_lines) < 11:
            raise KeyboardInterrupt
        cleaned_lines.append(row.line)
        return real(row, *rest)

    monkeypatch.setattr(preparing, "clean_row", breaking)
    with pytest.raises(KeyboardInterrupt):
        prepare(made)
    assert not (made.output / "train.jsonl").exists()
    cleaned_lines += [0] * 5
    del cleaned_lines[:10]
    monkeypatch.setattr(preparing, "clean_row", lambda row, *rest: cleaned_lines.append(row.line) or real(row, *rest))
    assert prepare(made)["records"] == 20
    assert [line for line in cleaned_lines if line] == list(range(9, 21))  # the first two batches came from the cache


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = [case(n) for n in range(12)]
    one, two = (settings(tmp_path, *rows, output=str(tmp_path / name)) for name in ("one", "two"))
    for made in (one, two):
        prepare(made)
    for name in ("train.jsonl", "validation.jsonl", "test.jsonl"):
        assert (one.output / name).read_bytes() == (two.output / name).read_bytes()


def test_when_nothing_is_left_nothing_is_written(tmp_path: Path) -> None:
    made = settings(tmp_path, case(final_diagnosis=""), b"{broken")
    with pytest.raises(MedAssistError, match=r"in\.jsonl:1: final_diagnosis: is empty; none of the 2 rows is left"):
        prepare(made)
    assert {path.name for path in made.output.iterdir()} <= {".cache"}


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = settings(tmp_path, case(), output=str(tmp_path / "file" / "out"), cache=str(tmp_path / "cache"))
    with pytest.raises(MedAssistError, match=r"file/out/.*\.jsonl: "):
        prepare(made)


def test_synthetic_records_are_labelled_and_counted(tmp_path: Path) -> None:
    made = settings(tmp_path, case(1), case(2, synthetic=False), source={"synthetic": True})
    assert prepare(made)["synthetic"] == 2
    assert "2 of them (100.0%) are synthetic" in (made.output / "DATA_CARD.md").read_text("utf-8")


def test_the_commands_say_what_they_did(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", *(case(n) for n in range(10)), case(1))
    test = write(tmp_path / "tests.jsonl", {"q": STORY})
    value = {"output": str(tmp_path / "out"), "sources": [local(path)], "decontaminate": {"against": [str(test)]}}
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump({"prepare": value}))
    first = CliRunner().invoke(app, ["decontam", "--config", str(config)])
    assert first.exit_code == 2 and "run `prepare` first" in first.stderr
    ran = CliRunner().invoke(app, ["prepare", "--config", str(config)])
    assert ran.exit_code == 0 and "1  dropped: duplicate id" in ran.stdout
    again = CliRunner().invoke(app, ["prepare", "--config", str(config), "--json"])
    assert json.loads(again.stdout)["unchanged"] is True
    checked = CliRunner().invoke(app, ["decontam", "--config", str(config)])
    assert checked.exit_code == 0 and "0 of 10 records overlap with 1 test files" in checked.stdout


# --- Configuration.


def bad_configs() -> Iterator[tuple[dict[str, Any], str]]:
    good: dict[str, Any] = {"name": "a", "licence": "x", "path": "a.jsonl"}
    yield {"sources": [good | {"colour": 1}]}, r"prepare\.sources\[0\]\.colour: unknown key"
    yield {"sources": []}, r"prepare\.sources: is empty"
    yield {"sources": [{"name": "a", "path": "a.jsonl"}]}, r"prepare\.sources\[0\]\.licence: is required"
    yield {"sources": [good, good]}, "the same `name`"
    yield {"sources": [{"name": "a", "licence": "x"}]}, r"sources\[0\]: needs either `path` or `hub`"
    yield {"sources": [{"name": "a", "licence": "x", "hub": "o/n"}]}, "40 hex digits"
    yield {"sources": [{"name": "a", "licence": "x", "hub": "o/n", "revision": "main"}]}, r"revision: must match"
    yield {"sources": [good], "split": {"train": 0.5}}, "add up to 1"
    yield {"sources": [good], "split": {"case_of": "("}}, r"split\.case_of: must be a regular expression"
    yield {"sources": [good], "split": {"hold_out": [{"file": "train.jsonl", "sources": ["a"]}]}}, "`file` of its own"
    yield {"sources": [good], "duplicates": {"drop": 2}}, r"duplicates\.drop: must be at most 1"
    yield {"sources": [good], "duplicates": {"drop": 0.5}}, "`same_case` must not be above"
    yield {"sources": [good], "lengths": {"tokenizer": "owner/name"}}, "40 hex digits"


@pytest.mark.parametrize(("section", "message"), list(bad_configs()))
def test_a_bad_configuration_names_the_key(section: dict[str, Any], message: str) -> None:
    with pytest.raises(MedAssistError, match=message) as raised:
        parse_config(yaml.safe_dump({"prepare": {"output": "out"} | section}), "c.yaml")
    assert str(raised.value).startswith("c.yaml: prepare") and raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "line 1"), ("- a", "section `prepare`"), ("{}", "prepare: is req")]
)
def test_what_is_no_configuration_is_refused(text: str, message: str) -> None:
    with pytest.raises(MedAssistError, match=message):
        parse_config(text, "c.yaml")


def test_the_example_is_valid_and_leaves_the_recipe_alone() -> None:
    folder = Path(__file__).resolve().parents[1] / "training" / "configs"
    made = load_config(folder / "example-data.yaml")
    assert [source.name for source in made.prepare.sources] == ["synthetic", "medical-o1-en"]
    assert Config.model_validate({"prepare": made.prepare, "train": {"any": 1}}).train == {"any": 1}
