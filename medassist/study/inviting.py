"""Raters get an account to sign in with, and a link that opens it once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from medassist.accounts import Directory
from medassist.errors import InvalidStudy
from medassist.store.study_tables import Rater
from medassist.study.lead import Lead, NewRater


@dataclass(frozen=True)
class Invitation:
    pseudonym: str
    account: str  # the name to sign in with
    path: str  # of the link; shown only this once


def invite(lead: Lead, directory: Directory, study_id: str, rater: NewRater, account: str, who: str) -> Invitation:
    """Add a rater with a new account of that name. Raises `InvalidStudy`, `InvalidAccount` and `NotNow`."""
    lead.studies.require(study_id, "draft", "enrolling")
    lead.require_new(study_id, rater)  # before an account is made for nobody
    account_id, token = directory.add(account, "rater", by=who)
    lead.add_raters(study_id, [replace(rater, account_id=account_id)], who)
    return Invitation(rater.pseudonym, account, f"/invitation/{token}")


def invite_raters(
    lead: Lead, directory: Directory, study_id: str, raters: Sequence[NewRater], who: str
) -> list[Invitation]:
    """Add raters, each with an account that is called like them where that is free: all, or none where one is wrong."""
    for n, rater in enumerate(raters):
        lead.require_new(study_id, rater, raters[:n])
    taken = {account.name for account in directory.list()}
    names = [r.pseudonym if r.pseudonym not in taken else f"{r.pseudonym} {study_id[:6]}" for r in raters]
    return [invite(lead, directory, study_id, rater, name, who) for rater, name in zip(raters, names, strict=True)]


def invite_again(lead: Lead, directory: Directory, study_id: str, rater_id: str, who: str) -> Invitation:
    """A new link, for a forgotten password too; the old one opens nothing any more. Raises `InvalidStudy`."""
    rater: Rater | None = next((each for each in lead.studies.raters(study_id) if each.id == rater_id), None)
    if rater is None or rater.account_id is None:
        raise InvalidStudy(where="rater", reason="has no account.", reason_zh="没有账户。")
    account = directory.get(rater.account_id)
    return Invitation(rater.pseudonym, account.name, f"/invitation/{directory.invite(account.id, by=who)}")
