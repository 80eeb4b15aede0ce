"""Whose request this is, and whether they may. The functions read the database: call them in a thread, not a loop."""

import ipaddress
import re
from typing import Final

from fastapi import Request

from medassist.errors import NotAllowed, NotSignedIn
from medassist.services import Services
from medassist.store.account_tables import Role
from medassist.store.accounts import Account

COOKIE: Final = "medassist_signin"
PASSED_ON: Final = ("x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via")
"""Headers of a request that came through somebody else's hands."""

_LOOPBACK_NAME = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?")


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def current(request: Request) -> Account | None:
    """Who sent this request: whose session its cookie holds, else, where that is set, who sits at this computer."""
    if not hasattr(request.state, "account"):
        request.state.account = _identified(request)
    account: Account | None = request.state.account
    return account


def require(request: Request, *roles: Role) -> Account:
    """Who sent this request, in one of `roles` if any are named. Raises `NotSignedIn` or `NotAllowed`, audited."""
    account = current(request)
    if account is None:
        raise NotSignedIn
    if roles and account.role not in roles:
        services_of(request).directory.denied(account, request.url.path, roles)
        raise NotAllowed
    return account


def _identified(request: Request) -> Account | None:
    services = services_of(request)
    account = services.directory.who(request.cookies.get(COOKIE, ""))
    if account is None and services.settings.auth == "local" and _at_this_computer(request):
        return services.directory.local()
    return account


def _at_this_computer(request: Request) -> bool:
    """From a loopback address, to a loopback name: a page elsewhere whose name leads here has another one."""
    if request.client is None or any(name in request.headers for name in PASSED_ON):
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback and bool(_LOOPBACK_NAME.fullmatch(request.headers.get("host", "")))
