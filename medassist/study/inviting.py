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


def invite_raters(
    lead: Lead, directory: Directory, study_id: str, raters: Sequence[NewRater], who: str
) -> list[Invitation]:
    """Add raters with an account each. Raises `InvalidStudy` for a pseudonym that is taken, and `NotNow`."""
    lead.studies.require(study_id, "draft", "enrolling")
    names = {account.name for account in directory.list()}
    made = []
    for rater in raters:
        name = rater.pseudonym if rater.pseudonym not in names else f"{rater.pseudonym} {study_id[:6]}"
        lead.require_new(study_id, rater)
        account_id, token = directory.add(name, "rater", by=who)
        lead.add_raters(study_id, [replace(rater, account_id=account_id)], who)
        made.append(Invitation(rater.pseudonym, name, f"/invitation/{token}"))
    return made


def invite_again(lead: Lead, directory: Directory, study_id: str, rater_id: str, who: str) -> Invitation:
    """A new link, for a forgotten password too; the old one opens nothing any more. Raises `InvalidStudy`."""
    rater: Rater | None = next((each for each in lead.studies.raters(study_id) if each.id == rater_id), None)
    if rater is None or rater.account_id is None:
        raise InvalidStudy(where="rater", reason="has no account.", reason_zh="没有账户。")
    account = directory.get(rater.account_id)
    return Invitation(rater.pseudonym, account.name, f"/invitation/{directory.invite(account.id, by=who)}")
