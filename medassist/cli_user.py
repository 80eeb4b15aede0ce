"""The command line of accounts: `user add | list | disable | invite`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from medassist.accounts import Directory
from medassist.cli_errors import one_line
from medassist.config import load_settings
from medassist.services import open_directory
from medassist.store.accounts import Account

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Name = Annotated[str, typer.Argument(help="The name with which the person signs in.")]

user = typer.Typer(no_args_is_help=True, help="Who may sign in: raters and study leads.")


@contextmanager
def _directory() -> Iterator[Directory]:
    with one_line():
        store, directory = open_directory(load_settings())
        try:
            yield directory
        finally:
            store.close()


@user.command()
def add(
    name: Name, role: Annotated[str, typer.Option(help="rater or lead.")] = "rater", as_json: AsJson = False
) -> None:
    """Add an account and print its invitation link, which is shown only this once."""
    with _directory() as directory:
        account_id, token = directory.add(name, role)
        account = directory.get(account_id)
    _invitation(account, token, as_json)


@user.command()
def invite(name: Name, as_json: AsJson = False) -> None:
    """Print a new invitation link, for a forgotten password too; earlier links open nothing any more."""
    with _directory() as directory:
        account = directory.find(name)
        token = directory.invite(account.id)
    _invitation(account, token, as_json)


@user.command()
def disable(name: Name, as_json: AsJson = False) -> None:
    """Let nobody sign in with this name any more; whoever is signed in is out at once."""
    with _directory() as directory:
        account = directory.find(name)
        directory.disable(account.id)
        account = directory.get(account.id)
    _said(_told(account), as_json, f"{account.name} can no longer sign in")


@user.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List every account, oldest first."""
    with _directory() as directory:
        accounts = directory.list()
    lines = [f"{each.name}\t{each.role}\t{each.state}\t{each.created_at:%Y-%m-%d}" for each in accounts]
    _said({"accounts": [_told(each) for each in accounts]}, as_json, "\n".join(lines) or "no accounts")


def _invitation(account: Account, token: str, as_json: bool) -> None:
    path = f"/invitation/{token}"
    _said(_told(account) | {"invitation": path}, as_json, path)


def _told(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "role": account.role,
        "state": account.state,
        "created_at": account.created_at.isoformat(timespec="seconds"),
    }


def _said(value: dict[str, Any], as_json: bool, text: str) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2) if as_json else text)
