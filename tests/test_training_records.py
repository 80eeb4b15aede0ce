"""Training records and recipes as files: what is wrong is named by file, line and field."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from medassist.errors import MedAssistError
from training.__main__ import app
from training.records import read_records

CASE: dict[str, Any] = {
    "id": "a",
    "language": "en",
    "chief_complaint": "Cough",
    "history": "Three days.",
    "differential_diagnosis": "Acute bronchitis\nPneumonia",
    "final_diagnosis": "Acute bronchitis",
}
EXCHANGE = {
    "id": "b",
    "language": "zh",
    "question": "咳嗽三天？",
    "reasoning": "想一想。",
    "response": "急性支气管炎。",
}


def write(folder: Path, *lines: object) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines), "utf-8")
    return path


def test_cases_and_exchanges_are_read(tmp_path: Path) -> None:
    case, exchange = read_records([write(tmp_path, CASE, EXCHANGE)])
    assert [each.name for each in case.differential_diagnosis] == ["Acute bronchitis", "Pneumonia"]  # type: ignore[union-attr]
    assert exchange.kind == "exchange"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([{k: v for k, v in CASE.items() if k != "history"}], "cases.jsonl:1: history"),
        ([CASE | {"age": "old"}], "cases.jsonl:1: age"),
        ([CASE | {"final_diagnosis": " "}], "cases.jsonl:1: final_diagnosis"),
        ([CASE | {"differential_diagnosis": []}], "cases.jsonl:1: differential_diagnosis"),
        ([CASE | {"colour": "red"}], "cases.jsonl:1: colour"),
        ([CASE, CASE], "cases.jsonl:2: id"),
        ([CASE, "", "{broken"], "cases.jsonl:3"),
        (["[]"], "cases.jsonl:1"),
        ([EXCHANGE | {"response": ""}], "cases.jsonl:1: response"),
    ],
)
def test_a_bad_record_is_named_by_file_line_and_field(tmp_path: Path, lines: list[object], told: str) -> None:
    ran = CliRunner().invoke(app, ["validate", str(write(tmp_path, *lines))])
    assert ran.exit_code == 2
    assert told in ran.stderr and "Three days" not in ran.stderr and len(ran.stderr.splitlines()) == 1


def test_another_encoding_and_an_endless_line_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(json.dumps(CASE).encode() + b"\n\xff\xfe")
    with pytest.raises(MedAssistError, match="UTF-8"):
        list(read_records([path]))
    with path.open("wb") as file:  # ten gigabytes that take no room
        file.write(b'{"id": "')
        file.truncate(10 * 2**30)
    with pytest.raises(MedAssistError, match=r"cases\.jsonl:1 is longer"):
        list(read_records([path]))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("[]", "x.yaml: holds no sections"),
        ("a: [", "x.yaml: is not YAML"),
        ("model: {base: embedded}", "x.yaml: lora"),
    ],
)
def test_a_bad_recipe_file_is_one_line(tmp_path: Path, config: str, told: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(config)
    ran = CliRunner().invoke(app, ["preview", "--config", str(path)])
    assert ran.exit_code == 2 and told in ran.stderr and len(ran.stderr.splitlines()) == 1
