"""The command line as a user runs it: `python -m medassist` in a process of its own."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medassist.case import PatientCase
from medassist.store import open_store

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str, given: str | bytes = "", **variables: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "medassist", *arguments],
            input=given.encode() if isinstance(given, str) else given,
            capture_output=True,
            cwd=ROOT,
            env=os.environ | {"MEDASSIST_DATA_DIR": str(tmp_path / "data"), "PYTHONUTF8": "1"} | variables,
            timeout=240,
            check=False,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def case_file(tmp_path: Path, case_en: PatientCase) -> str:
    path = tmp_path / "case.json"
    path.write_text(case_en.model_dump_json(exclude_defaults=True))
    return str(path)


def kept(tmp_path: Path) -> list[Any]:
    store = open_store(f"sqlite:///{tmp_path / 'data' / 'medassist.sqlite3'}")
    try:
        return list(store.recent())
    finally:
        store.close()


NUMBER = (int, float)
ANSWER: dict[str, Any] = {
    "consultation_id": str, "engine": str, "model": str, "adapter": (str, type(None)), "language": str,
    "prompt_version": str, "knowledge_version": (str, type(None)), "reasoning": str, "differential": list,
    "final_diagnosis": str, "warnings": list, "truncated": bool, "timing": dict, "case_text": str,
}  # fmt: skip
DIAGNOSIS: dict[str, Any] = {
    "rank": int, "name": str, "icd10": (str, type(None)), "cant_miss": bool, "evidence_for": list,
    "evidence_against": list, "next_tests": list,
}  # fmt: skip
TIMING: dict[str, Any] = {"first_token_s": NUMBER, "total_s": NUMBER, "prompt_tokens": int, "new_tokens": int}


def has(value: dict[str, Any], keys: dict[str, Any]) -> None:
    wrong = {key: value.get(key) for key, kind in keys.items() if key not in value or not isinstance(value[key], kind)}
    assert not wrong


def test_json_from_the_embedded_model_has_every_key(run: Run, case_file: str, tmp_path: Path) -> None:
    done = run("diagnose", case_file, "--json", MEDASSIST_THREADS="1")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    has(answer, ANSWER)
    has(answer["timing"], TIMING)
    assert (answer["engine"], answer["language"], answer["adapter"]) == ("local", "en", "embedded-points")
    assert answer["differential"] and [d["rank"] for d in answer["differential"]] == list(
        range(1, len(answer["differential"]) + 1)
    )
    for diagnosis in answer["differential"]:
        has(diagnosis, DIAGNOSIS)
        for evidence in diagnosis["evidence_for"] + diagnosis["evidence_against"]:
            assert set(evidence) == {"text", "start", "end"}
            start, end = evidence["start"], evidence["end"]
            assert (start is None and end is None) or answer["case_text"][start:end]
    assert {"demo_model"} <= {warning["code"] for warning in answer["warnings"]}
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    [consultation] = kept(tmp_path)
    assert consultation.id == answer["consultation_id"] and consultation.turns[0].result == answer


def test_the_answer_is_streamed_as_text(run: Run, case_file: str) -> None:
    done = run("diagnose", case_file, "--engine", "scripted")
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert lines[0] == "The calf is swollen after surgery, and breathlessness began suddenly."
    order = ["1. Pulmonary embolism", "   For: left calf swollen; knee surgery", "   Against: no fever", "2. Pneumonia",
             "- CT pulmonary angiogram", "- left calf swollen", "=> Pulmonary embolism"]  # fmt: skip
    places = [lines.index(line) for line in order]
    assert places == sorted(places) and len(lines) < 20
    assert "! Demonstration model." in done.stderr and "tokens" in done.stderr.splitlines()[-1]


def test_text_arrives_while_it_is_written(case_file: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "medassist", "diagnose", case_file, "--engine", "scripted"],
        cwd=ROOT,
        env=os.environ | {"MEDASSIST_DATA_DIR": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None and process.stdout.read(8) == b"The calf"
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_a_case_from_stdin(run: Run, case_en: PatientCase) -> None:
    done = run("diagnose", "-", "--engine", "scripted", "--json", given=case_en.model_dump_json())
    assert done.returncode == 0 and json.loads(done.stdout)["case_text"] == case_en.text()


def test_a_pasted_note(run: Run, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("CC: left calf swollen\nHPI: 34-year-old woman. Ten days after knee surgery.\nVitals: HR 118\n")
    done = run("diagnose", str(note), "--engine", "scripted", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert answer["case_text"].startswith("Patient: 34 years old, female\nChief complaint: left calf swollen\n")
    assert "heart rate 118/min" in answer["case_text"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_chinese_note_in_any_usual_encoding(run: Run, encoding: str) -> None:
    note = "主诉：转移性右下腹痛12小时\n现病史：患者，男，23岁，恶心，呕吐一次，无腹泻。"
    done = run("diagnose", "-", "--engine", "scripted", "--json", given=note.encode(encoding))
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["language"]) == (0, "zh")
    assert answer["case_text"].startswith("患者：男，23岁\n主诉：转移性右下腹痛12小时")
    assert "演示模型" in answer["warnings"][0]["message"]


@pytest.mark.parametrize(("asked", "language"), [("zh", "zh"), ("en", "en"), ("auto", "en")])
def test_the_language_of_the_answer(run: Run, case_file: str, asked: str, language: str) -> None:
    done = run("diagnose", case_file, "--engine", "scripted", "--json", "--language", asked)
    assert json.loads(done.stdout)["language"] == language


def test_top_and_the_options_of_the_contract(run: Run, case_file: str) -> None:
    done = run(
        "diagnose", case_file, "--engine", "scripted", "--json", "--top", "1", "--adapter", "none", "--no-knowledge"
    )
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and [d["name"] for d in answer["differential"]] == ["Pulmonary embolism"]


def test_the_engine_of_the_environment_unless_one_is_given(run: Run, case_file: str) -> None:
    done = run("diagnose", case_file, "--json", MEDASSIST_ENGINE="scripted")
    assert done.returncode == 0 and json.loads(done.stdout)["engine"] == "scripted"


@pytest.mark.parametrize(
    "arguments", [[], ["diagnose"], ["diagnose", "x", "--top", "0"], ["diagnose", "x", "--no-such"]]
)
def test_wrong_usage_is_exit_2(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_a_database_that_fails_is_exit_1(run: Run, case_file: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "medassist.sqlite3").write_bytes(b"no database at all" * 200)
    done = run("diagnose", case_file, "--engine", "scripted")
    assert done.returncode == 1 and "the file is not a database." in done.stderr and "Traceback" not in done.stderr


def test_check(run: Run, tmp_path: Path) -> None:
    done = run("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "model: SmolLM2-135M-Instruct" in done.stdout and "torch 2" in done.stdout and "device: cpu" in done.stdout
    with sqlite3.connect(tmp_path / "data" / "medassist.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_check_as_json_names_every_fact(run: Run, tmp_path: Path) -> None:
    facts = json.loads(run("check", "--json").stdout)
    assert facts["problems"] == [] and facts["adapter"] == "embedded-points" and facts["attention"] == "sdpa"
    assert facts["database"] == f"sqlite:///{tmp_path}/data/medassist.sqlite3"
    assert {
        "medassist",
        "python",
        "packages",
        "device",
        "model",
        "revision",
        "dtype",
        "quantization",
        "adapters",
    } <= set(facts)


def test_check_hides_the_password_and_exits_1_with_the_problems(run: Run) -> None:
    done = run(
        "check", "--json",
        MEDASSIST_DATABASE_URL="postgresql+psycopg://user:s3cret@127.0.0.1:1/none",
        MEDASSIST_ADAPTER="absent",
        MEDASSIST_MODEL="owner/name",
    )  # fmt: skip
    facts = json.loads(done.stdout)
    assert done.returncode == 1 and "s3cret" not in done.stdout + done.stderr
    assert len(facts["problems"]) == 3 and facts["model"] is None
    assert any("absent" in problem for problem in facts["problems"])


def test_explain_gives_the_contract(run: Run, case_file: str) -> None:
    done = run("explain", case_file, "--engine", "knowledge", "--samples", "64", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    fields = {"target": str, "candidates": list, "units": list, "r2_heldout": NUMBER, "sign_agreement": NUMBER}
    fields |= {"samples": int, "forward_tokens": int, "seconds": NUMBER, "reliable": bool}
    assert all(isinstance(told[name], kind) for name, kind in fields.items())
    assert told["target"] == told["candidates"][0]["name"] and told["samples"] == 64
    assert sum(each["probability"] for each in told["candidates"]) == pytest.approx(1, abs=1e-4)
    assert {"text", "start", "end", "weight"} <= set(told["units"][0])


def test_a_target_that_is_no_candidate_is_named_in_one_line(run: Run, case_file: str) -> None:
    done = run("explain", case_file, "--engine", "knowledge", "--samples", "64", "--target", "Gout")
    assert done.returncode == 2 and done.stderr.strip().split("\n")[-1].startswith("Gout is not among")
    assert "Traceback" not in done.stderr
