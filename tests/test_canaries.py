"""A hundred invented patients whose identifiers must turn up nowhere but in the record itself."""

import logging
import random

import pytest

from medassist.audit import Audit
from medassist.case import PatientCase
from medassist.consult import consult
from medassist.engines.scripted import ANSWER_EN, ScriptedEngine
from medassist.errors import MedAssistError, StorageError
from medassist.events import Finished
from medassist.knowledge.graph import Graph
from medassist.store import Store


def canary(number: int) -> tuple[PatientCase, list[str]]:
    """A case and what in it identifies: nothing of that may leave it."""
    chance = random.Random(number)
    record, phone = f"{chance.randint(10_000_000, 99_999_999)}", f"138{chance.randint(10_000_000, 99_999_999)}"
    mail = f"canary{number}.{chance.randint(1000, 9999)}@example.org"
    if number % 2:
        name = f"Canaryan Quillfeather{'abcdefghij'[number % 10]}"
        case = PatientCase(
            chief_complaint="Sudden breathlessness",
            history=f"Patient name: {name}, MRN {record}, tel {phone}, {mail}. Left calf swollen. No fever.",
            age=40,
            sex="female",
        )
        return case, [name.split()[1], record, phone, mail]
    name = f"欧阳{'建国文武明华'[number % 6]}{'林峰涛静娟'[number % 5]}"
    case = PatientCase(
        chief_complaint="突发呼吸困难",
        history=f"姓名：{name}，住院号：{record}，电话{phone}，邮箱{mail}。左小腿肿胀。",
        age=40,
        sex="女",
    )
    return case, [name, record, phone, mail]


def test_a_hundred_patients_leave_no_trace(
    store: Store, graph: Graph, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    audit = Audit(store.database, b"k" * 32)
    said: list[str] = []
    secrets: list[str] = []
    for number in range(100):
        case, hidden = canary(number)
        secrets += hidden
        engine = ScriptedEngine(ANSWER_EN, fail_after=20 if number % 10 == 3 else None)
        try:
            for event in consult(case, engine=engine, store=store, graph=graph, audit=audit):
                said.append(repr(event))
                if isinstance(event, Finished):
                    said.append(str(event.answer))
        except MedAssistError as error:
            said += [error.text("en"), error.text("zh"), str(error.details)]
        said += [repr(case), str(case)]
        said.append(store.recent(1)[0].turns[0].prompt)
    said += [str(vars(entry)) for entry in audit.latest(1000)]
    out, err = capfd.readouterr()
    said += [caplog.text, out, err]
    everything = "\n".join(said)
    assert [secret for secret in secrets if secret in everything] == []
    assert audit.verify() >= 200


def test_a_full_disk_names_no_patient(
    store: Store, graph: Graph, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    case, hidden = canary(1)

    def full(*_: object, **__: object) -> None:
        raise StorageError(reason="the disk is full.", reason_zh="磁盘已满。")

    monkeypatch.setattr(store, "create", full)
    with pytest.raises(StorageError) as failed:
        list(consult(case, engine=ScriptedEngine(), store=store, graph=graph))
    for secret in hidden:
        assert secret not in failed.value.text("en") + failed.value.text("zh") + caplog.text
