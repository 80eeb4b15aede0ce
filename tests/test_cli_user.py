"""`python -m medassist user`: accounts from the command line, with its exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from medassist.cli import app
from medassist.config import load_settings
from medassist.services import open_directory

PASSWORD = "a quiet harbour"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDASSIST_DATA_DIR", str(tmp_path))
    return tmp_path


def user(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["user", *arguments])


def told(*arguments: str) -> dict[str, object]:
    done = user(*arguments, "--json")
    assert done.exit_code == 0, done.output
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_an_account_from_its_invitation_to_its_end() -> None:
    added = told("add", "魏医生", "--role", "rater")
    assert {"id", "name", "role", "state", "created_at", "invitation"} == set(added)
    assert (added["name"], added["role"], added["state"]) == ("魏医生", "rater", "invited")
    path = str(added["invitation"])
    assert path.startswith("/invitation/")

    again = user("invite", "魏医生")
    assert again.exit_code == 0 and again.stdout.startswith("/invitation/") and again.stdout.strip() != path
    store, directory = open_directory(load_settings())
    try:
        directory.accept(again.stdout.strip().removeprefix("/invitation/"), PASSWORD)
        session = directory.sign_in("魏医生", PASSWORD)
        listed = told("list")
        assert listed == {"accounts": [{k: v for k, v in added.items() if k != "invitation"} | {"state": "active"}]}
        assert told("disable", "魏医生")["state"] == "disabled"
        assert directory.who(session) is None
    finally:
        store.close()
    assert "disabled" in user("list").stdout


def test_nothing_is_listed_where_nobody_is() -> None:
    assert user("list").stdout == "no accounts\n" and told("list") == {"accounts": []}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "Wei"), "Wei: this name is taken."),
        (("add", "New", "--role", "admin"), "role: must be lead or rater."),
        (("add", " "), "name: needs 1 to 60 characters."),
        (("add", "local"), "local: this name is taken."),
        (("invite", "Nobody"), "Nobody: no such account."),
        (("disable", "Nobody"), "Nobody: no such account."),
        (("remove", "Wei"), "No such command"),
    ],
)
def test_wrong_input_is_one_line_and_two(arguments: tuple[str, ...], said: str) -> None:
    told("add", "wei")
    done = user(*arguments)
    assert done.exit_code == 2 and said in done.stderr and done.stdout == ""
    assert len(told("list")["accounts"]) == 1  # type: ignore[arg-type]


def test_what_cannot_be_kept_is_one(folder: Path) -> None:
    (folder / "medassist.sqlite3").write_text("this is no database" * 100)
    done = user("add", "Wei")
    assert done.exit_code == 1 and "not a database" in done.stderr and "/invitation/" not in done.output
