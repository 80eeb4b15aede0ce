"""Every wrong input a user can give: one clear sentence in the user's language, exit 2, no traceback, no case text."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from typer.testing import CliRunner

from medassist.case import PatientCase
from medassist.cli import app
from medassist.consult import consult
from medassist.engines.scripted import ScriptedEngine
from medassist.errors import StorageError
from medassist.store import Store, open_store

ROOT = Path(__file__).resolve().parents[1]
SECRET = "Quillfeather"
GEHEIM = "隐私内容"
EN = {"chief_complaint": f"{SECRET} has chest pain", "history": "Since noon."}
ZH = {"chief_complaint": f"{GEHEIM}胸痛三小时", "history": "大汗。"}


@dataclass
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def say(tmp_path: Path) -> Callable[..., Said]:
    """Run `diagnose` with a case on stdin; test_cli.py starts real processes."""

    def say(case: object, *arguments: str, argument: str = "-", **variables: str) -> Said:
        given = (
            case if isinstance(case, bytes) else case.encode() if isinstance(case, str) else json.dumps(case).encode()
        )
        done = CliRunner().invoke(
            app,
            ["diagnose", argument, "--engine", "scripted", *arguments],
            input=given,
            env={"MEDASSIST_DATA_DIR": str(tmp_path / "data")} | variables,
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    return say


def refused(said: Said, *words: str, code: int = 2) -> None:
    """One line with these words, and nothing of the case."""
    assert said.code == code, said.err
    assert said.out == ""
    line = "\n".join(text for text in said.err.splitlines() if text != "… loading")
    assert line and "\n" not in line and len(line) < 400
    assert all(word in line for word in words), line
    assert "Traceback" not in line and SECRET not in line and GEHEIM not in line
    assert line[-1] in ".。?？"


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (EN | {"chief_complaint": ""}, ["chief_complaint", "is empty."]),
        (ZH | {"chief_complaint": "", "history": "大汗三小时，无发热。"}, ["chief_complaint", "主诉为空。"]),
        (EN | {"chief_complaint": "\u200b\u202e"}, ["chief_complaint", "is empty."]),
        ("", ["is empty."]),
        (" \n", ["is empty."]),
    ],
)
def test_an_empty_complaint(say: Callable[..., Said], case: object, words: list[str]) -> None:
    refused(say(case), *words)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (EN | {"history": "cough " * 33_334}, ["200", "characters", "100000", "nothing was cut off"]),
        (ZH | {"history": "咳嗽发热" * 50_000}, ["200", "个字符", "100000", "没有被截断"]),
        ("Chest pain. " * 16_667, ["200", "characters", "100000"]),
    ],
)
def test_two_hundred_thousand_characters(say: Callable[..., Said], case: object, words: list[str]) -> None:
    refused(say(case), *words)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (EN | {"history": "cough " * 10_000}, ["tokens; at most", "nothing was cut off"]),
        (ZH | {"history": "咳嗽发热" * 15_000}, ["词元", "最多可读取", "没有被截断"]),
    ],
)
def test_a_case_over_the_models_context(
    say: Callable[..., Said], tmp_path: Path, case: object, words: list[str]
) -> None:
    said = say(case)
    refused(said, *words)
    count, limit = (int(number) for number in "".join(c if c.isdigit() else " " for c in said.err).split()[:2])
    assert count > 15_000 > limit > 4_000
    assert open_store(f"sqlite:///{tmp_path}/data/medassist.sqlite3").recent() == []


@pytest.mark.parametrize(("language", "word"), [("en", "not a text."), ("zh", "不是文本"), ("auto", "not a text.")])
@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n\0\0\0" + b"\0\xff" * 500, b"PK\x03\x04" + os.urandom(3000)]
)
def test_a_binary_file(say: Callable[..., Said], tmp_path: Path, data: bytes, language: str, word: str) -> None:
    path = tmp_path / "scan.bin"
    path.write_bytes(data)
    refused(say(b"", "--language", language, argument=str(path)), word)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'{{"chief_complaint": "{SECRET}"\n "history": "x"}}', ["no valid JSON (line 2, column 2)."]),
        (f'{{"chief_complaint": "{GEHEIM}胸痛"', ["不是有效的 JSON", "第 1 行"]),
        ('{"a":' * 5000, ["JSON"]),
    ],
)
def test_broken_json(say: Callable[..., Said], text: str, words: list[str]) -> None:
    refused(say(text), *words)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (EN | {"nickname": SECRET, "shoe_size": 4}, ["nickname, shoe_size: unknown key."]),
        (ZH | {"nickname": GEHEIM}, ["nickname：未知的键。"]),
        (EN | {"vital_signs": {"mood": SECRET}}, ["vital_signs.mood: unknown key."]),
    ],
)
def test_unknown_keys_are_named(say: Callable[..., Said], case: object, words: list[str]) -> None:
    refused(say(case), *words)


@pytest.mark.parametrize(
    ("vitals", "en", "zh"),
    [
        (
            {"temperature_c": 400},
            "vital_signs.temperature_c: must be at most 47.",
            "vital_signs.temperature_c：必须不高于 47。",
        ),
        ({"heart_rate": -1}, "vital_signs.heart_rate: must be at least 0.", "vital_signs.heart_rate：必须不低于 0。"),
        ({"respiratory_rate": -5}, "vital_signs.respiratory_rate: must be at least 0.", "必须不低于 0。"),
        (
            {"systolic_bp": 80, "diastolic_bp": 120},
            "vital_signs.diastolic_bp: is above systolic_bp.",
            "vital_signs.diastolic_bp：舒张压高于收缩压。",
        ),
    ],
)
def test_impossible_vital_signs(say: Callable[..., Said], vitals: dict[str, float], en: str, zh: str) -> None:
    refused(say(EN | {"vital_signs": vitals}), en)
    refused(say(ZH | {"vital_signs": vitals}), zh)


@pytest.mark.parametrize(
    ("case", "words", "left"),
    [
        (
            {"chief_complaint": "chest\u200b pain", "history": "since\x07 noon\u202e; 55M", "age": 55},
            "removed from what was entered: control, zero-width, bidi.",
            ["chest pain", "since noon; 55M"],
        ),
        (
            {"chief_complaint": "胸\u200b痛三小时", "history": "大\u202e汗。"},
            "移除不可见字符或控制字符：零宽字符、文字方向控制符。",
            ["胸痛三小时", "大汗。"],
        ),
    ],
)
def test_invisible_characters_are_cleaned_and_said(
    say: Callable[..., Said], case: object, words: str, left: list[str]
) -> None:
    said = say(case, "--json")
    answer = json.loads(said.out)
    assert said.code == 0 and all(text in answer["case_text"] for text in left)
    assert [words in w["message"] for w in answer["warnings"] if w["code"] == "cleaned_input"] == [True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"What is the treatment of {SECRET} disease?", ["does not describe a patient's case", "age and sex"]),
        (f"什么是{GEHEIM}？", ["这还不是一份病例", "年龄和性别"]),
        ({"chief_complaint": "hello", "history": "hello"}, ["does not describe a patient's case"]),
    ],
)
def test_a_question_that_is_no_case(say: Callable[..., Said], text: object, words: list[str]) -> None:
    refused(say(text), *words)


@pytest.mark.parametrize(
    ("case", "variables", "words"),
    [
        (EN, {"MEDASSIST_MODEL": "no-such-model"}, ["“no-such-model” cannot be found", "no such folder"]),
        (ZH, {"MEDASSIST_MODEL": "no-such-model"}, ["找不到模型“no-such-model”", "没有此目录"]),
        (EN, {"MEDASSIST_MODEL": "owner/name"}, ["“owner/name”", "MEDASSIST_MODEL_REVISION"]),
        (EN, {"MEDASSIST_MODEL": "owner/name", "MEDASSIST_MODEL_REVISION": "0" * 40}, ["“owner/name”", "hub"]),
    ],
)
def test_a_missing_model(say: Callable[..., Said], case: object, variables: dict[str, str], words: list[str]) -> None:
    refused(say(case, "--engine", "local", **variables), *words)


@pytest.mark.parametrize(
    ("case", "name", "words"),
    [
        (EN, "absent", ["The adapter “absent” cannot be used", "Installed:"]),
        (ZH, "absent", ["适配器“absent”无法使用", "已安装："]),
        (EN, f"owner/name@{'0' * 40}", ["the hub did not give it"]),
    ],
)
def test_a_missing_adapter(say: Callable[..., Said], case: object, name: str, words: list[str]) -> None:
    refused(say(case, "--engine", "local", "--adapter", name), *words)


@pytest.mark.parametrize(("case", "words"), [(EN, "the disk is full."), (ZH, "磁盘已满。")])
def test_a_full_disk(store: Store, case: dict[str, str], words: str, caplog: pytest.LogCaptureFixture) -> None:
    def limit(connection: Any, *_: Any) -> None:
        connection.execute("PRAGMA max_page_count=1")  # of the size it has now

    event.listen(store._engine, "checkout", limit)
    entered = PatientCase(**case).model_copy(update={"social_history": f"{SECRET} {GEHEIM} " * 2000})
    engine = ScriptedEngine()
    engine.context_tokens = 100_000
    with pytest.raises(StorageError) as caught:
        list(consult(entered, engine=engine, store=store))
    for language in ("en", "zh"):
        assert SECRET not in caught.value.text(language) and GEHEIM not in caught.value.text(language)
    assert words in caught.value.text(entered.written_in if case is ZH else "en")
    assert SECRET not in caplog.text and GEHEIM not in caplog.text
    assert store.recent() == [] and engine.open_streams == 0


def test_a_disk_that_fills_while_the_answer_is_written(store: Store, case_en: PatientCase) -> None:
    engine = ScriptedEngine("word " * 90_000 + "</think>")
    engine.piece, engine.context_tokens = 50_000, 10**6
    running = consult(case_en, engine=engine, store=store)
    next(running)

    def limit(connection: Any, *_: Any) -> None:
        connection.execute("PRAGMA max_page_count=1")

    event.listen(store._engine, "checkout", limit)
    engine.profile = engine.profile.__class__(think_tokens=10**6, answer_tokens=1000)
    with pytest.raises(StorageError, match="the disk is full"):
        list(running)
    assert engine.open_streams == 0
    assert len(store.recent()) == 1


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "medassist", "serve"],
            capture_output=True,
            cwd=ROOT,
            env=os.environ
            | {
                "MEDASSIST_DATA_DIR": str(tmp_path / "data"),
                "MEDASSIST_PORT": str(port),
                "MEDASSIST_ENGINE": "scripted",
            },
            timeout=120,
            check=False,
        )
    refused(
        Said(done.returncode, done.stdout.decode(), done.stderr.decode()), f"Port {port} on 127.0.0.1", "MEDASSIST_PORT"
    )


@pytest.mark.parametrize(
    ("argument", "language", "words"),
    [
        ("no-such-file.json", "en", ["no-such-file.json: No such file or directory."]),
        ("no-such-file.json", "zh", ["输入无法使用：no-such-file.json"]),
        (".", "en", ["Is a directory."]),
        (f"{SECRET} has chest pain\nsince noon", "en", ["CASE: No such file or directory."]),
        (f"{SECRET} has chest pain " * 30, "en", ["CASE: File name too long."]),
    ],
)
def test_a_file_that_cannot_be_read(say: Callable[..., Said], argument: str, language: str, words: list[str]) -> None:
    refused(say(b"", "--language", language, argument=argument), *words)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--language", "de", ["--language", "en, zh or auto"]),
        ("--engine", "oracle", ["no engine “oracle”", "local, knowledge, scripted"]),
    ],
)
def test_a_wrong_option(say: Callable[..., Said], option: str, value: str, words: list[str]) -> None:
    refused(say(EN, option, value), *words)


def test_a_wrong_variable(say: Callable[..., Said]) -> None:
    refused(say(EN, MEDASSIST_THREADS="many"), "MEDASSIST_THREADS")
    refused(say(EN, MEDASSIST_DATABASE_URL="no url"), "MEDASSIST_DATABASE_URL")
