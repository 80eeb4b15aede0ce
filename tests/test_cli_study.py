"""A study on the command line: from a template to a report, and what is said where something is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from medassist.cli import app
from medassist.config import load_settings
from medassist.services import build_services
from medassist.store.studies import new_id
from medassist.study.instrument import DATA, read_instrument
from medassist.study.sheets import Given
from tests.studying import CLOSING, GOOD

Study = Callable[..., Result]

ARMS = """
- {name: model, source: imported, description: another system}
- {name: knowledge, source: engine, engine: knowledge}
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setenv("MEDASSIST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MEDASSIST_ENGINE", "knowledge")

    def run(*arguments: object, given: str = "", code: int = 0) -> Result:
        done = CliRunner().invoke(app, ["study", *map(str, arguments)], input=given)
        assert done.exit_code == code, done.output
        assert "Traceback" not in done.output
        return done

    return run


def told(result: Result) -> Any:
    return json.loads(result.stdout)


def files(folder: Path, study: Study) -> tuple[Path, Path, Path, Path]:
    protocol, arms = folder / "protocol.yaml", folder / "arms.yaml"
    text = study("template", "protocol").stdout.replace("raters_per_case: 3", "raters_per_case: 2")
    protocol.write_text(text.replace("practice_items: 5", "practice_items: 0"))
    arms.write_text(ARMS)
    cases, answers = folder / "cases.jsonl", folder / "answers.jsonl"
    lines = [
        {
            "id": f"c{n}", "chief_complaint": "Sudden chest pain", "diagnosis": "Pulmonary embolism", "specialty": "cardiology",
            "history": f"For {n} hours, sharp, worse on breathing in; left calf swollen, short of breath.",
        }
        for n in range(1, 4)
    ]  # fmt: skip
    cases.write_text("\n".join(map(json.dumps, lines)))
    answers.write_text("\n".join(json.dumps({"case": f"c{n}", "answer": "1. Pulmonary embolism"}) for n in range(1, 4)))
    return protocol, arms, cases, answers


def rate_everything(study_id: str) -> None:
    services = build_services(load_settings())
    for rater in services.lead.studies.raters(study_id):
        services.panel.consent(rater.id)
        while (at := services.panel.standing(rater.id).next) is not None:
            sheet = services.panel.open(rater.id, at, "tab")
            values = {"A": CLOSING if sheet.kind == "closing" else GOOD}
            given = Given("tab", sheet.revision, new_id(), values, 1000)
            services.panel.submit(rater.id, at, sheet.pages[0].id, given, "en")
    services.close()


def leads(*names: str) -> None:
    services = build_services(load_settings())
    for name in names:
        _, token = services.directory.add(name, "lead")
        services.directory.accept(token, f"a password of {name}")
    services.close()


def test_from_a_template_to_a_report(study: Study, tmp_path: Path) -> None:
    protocol, arms, cases, answers = files(tmp_path, study)
    made = told(study("create", protocol, "--json"))
    study_id = made["study"]
    assert made["state"] == "draft"
    assert [arm["name"] for arm in told(study("arms", study_id, arms, "--json"))["arms"]] != []
    assert told(study("cases", study_id, cases, "--dry-run", "--json"))["n"] == 0
    assert told(study("cases", study_id, cases, "--json"))["n"] == 3
    assert told(study("answers", study_id, "model", answers, "--json"))["kept"] == 3
    assert told(study("generate", study_id, "--json")) == {"all": 3, "done": 3, "failed": 0, "blocked": 0}
    assert len(told(study("enrol", study_id, "--json"))["sha256"]) == 64
    invited = told(study("raters", study_id, "--add", "R-01", "--add", "R-02", "--json"))["invited"]
    assert all(each["invitation"].startswith("/invitation/") for each in invited.values())
    assert told(study("assign", study_id, "--preview", "--json"))["assigned"] == 0
    balance = told(study("assign", study_id, "--json"))
    assert balance["assigned"] > 12 and balance["load_spread"] == 0
    rate_everything(study_id)
    standing = told(study("status", study_id, "--json"))
    assert all(each["done"] == each["all"] == 6 for each in standing["by_arm"])
    assert told(study("adjudicate", study_id, "--json")) == {"given": 0, "nobody": 0}
    leads("ada", "grace")
    early = study("unblind", study_id, "--who", "ada", given="a password of ada\n", code=2)
    assert "while it is locked" in early.stderr
    assert "still blinded" in study("report", study_id, code=2).stderr
    study("lock", study_id)
    assert "wrong" in study("unblind", study_id, "--who", "ada", given="not it at all\n", code=2).stderr
    assert told(study("unblind", study_id, "--who", "ada", "--json", given="a password of ada\n"))["state"] == "locked"
    assert "1 more" in study("unblind", study_id, "--who", "ada", given="a password of ada\n").stdout
    done = told(study("unblind", study_id, "--who", "grace", "--json", given="a password of grace\n"))
    assert done["state"] == "unblinded" and done["agreed"] == ["ada", "grace"]
    report = told(study("report", study_id, "--html", tmp_path / "r.html", "--json"))
    assert report["arms"]["knowledge"]["acceptance"] == 1.0 and report["arms"]["model"]["n_ratings"] == 6
    assert "Accepted or not" in (tmp_path / "r.html").read_text()
    study("export", study_id, tmp_path / "out.zip")
    assert told(study("import", tmp_path / "out.zip", "--json")) == report


def test_what_is_wrong_is_said_in_one_line(study: Study, tmp_path: Path) -> None:
    protocol, arms, cases, _ = files(tmp_path, study)
    assert "no such study" in study("status", "nothing", code=2).stderr
    assert "nowhere.yaml" in study("create", tmp_path / "nowhere.yaml", code=2).stderr
    protocol.write_text("title: [")
    assert "protocol.yaml: is no valid JSON or YAML (line 1)" in study("create", protocol, code=2).stderr
    protocol, *_ = files(tmp_path, study)
    study_id = told(study("create", protocol, "--json"))["study"]
    arms.write_text("- {name: model, source: imported}")
    assert "arms" in study("arms", study_id, arms, code=2).stderr
    cases.write_text('{"id": "c1", "chief_complaint": "Pain", "history": "x", "weight": 3}')
    wrong = study("cases", study_id, cases, "--dry-run", code=2)
    assert "row 1" in wrong.stderr and "weight" in wrong.stderr
    study("cases", study_id, cases, code=2)
    assert told(study("cases", study_id, "--json"))["n"] == 0
    assert "--cases" in study("plan", "--cases", "many", code=2).stderr


def test_an_instrument_of_ones_own(study: Study, tmp_path: Path) -> None:
    protocol, *_ = files(tmp_path, study)
    own = tmp_path / "own.yaml"
    own.write_text((DATA / "acceptance.yaml").read_text().replace("id: acceptance\n", "id: own\n", 1))
    read = read_instrument(own.read_text(), "own.yaml")
    lines = [
        f'instrument: {{id: own, version: "{read.version}", sha256: {read.sha256}}}' if line.startswith("instrument:") else line
        for line in protocol.read_text().splitlines()
    ]  # fmt: skip
    protocol.write_text("\n".join(lines))
    assert "not shipped" in study("create", protocol, code=2).stderr
    assert told(study("create", protocol, "--instrument", own, "--json"))["state"] == "draft"


def test_the_planner_narrows_with_more_cases(study: Study) -> None:
    plans = told(study("plan", "--cases", "50,200", "--per-case", "3", "--studies", 50, "--json"))["plans"]
    assert plans[1]["half_width"] < plans[0]["half_width"]
