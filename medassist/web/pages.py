"""Plain pages from autoescaped templates: the language, the header, nothing kept in caches."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from medassist.errors import LANGUAGES, Language
from medassist.store.accounts import Account
from medassist.ui.words import preferred
from medassist.web.words import WORDS, Words, say

LANGUAGE_COOKIE: Final = "medassist_language"
NAV: Final[tuple[tuple[str, str], ...]] = (
    ("consult", "/"),
    ("review", "/review"),
    ("study", "/study"),
    ("knowledge", "/knowledge"),
)
STATIC: Final = Path(__file__).with_name("static")

_TEMPLATES = Environment(
    loader=PackageLoader("medassist.web"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def static_files() -> StaticFiles:
    """Our files; gradio's beside them, since it looks for its own under the same path."""
    return StaticFiles(directory=STATIC, packages=[("gradio", "templates/frontend/static")])


def language_of(request: Request) -> Language:
    """As asked for in the address, else as chosen before in this browser, else as the browser prefers."""
    for asked in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if found := next((language for language in LANGUAGES if language == asked), None):
            return found
    return preferred(request.headers.get("accept-language", ""))


def page(
    request: Request,
    template: str,
    account: Account | None,
    *,
    here: str = "",
    status: int = 200,
    words: Words = WORDS,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """Render `templates/TEMPLATE.html`; `here` names the page in `NAV`, `words` are those of the page itself."""
    language = language_of(request)

    def speak(name: str, /, **places: object) -> str:
        return say(name, language, words, **places)

    text = _TEMPLATES.get_template(f"{template}.html").render(
        say=speak,
        language=language,
        languages=[(code, _in_language(request, code)) for code in LANGUAGES],
        account=account,
        # A rater sees nothing that could tell where an answer comes from.
        nav=[each for each in NAV if account is None or account.role == "lead" or each[0] == "review"],
        here=here,
        static=static,
        **values,
    )
    response = HTMLResponse(text, status, {"Cache-Control": "no-store", **(headers or {})})
    if request.query_params.get("lang") == language:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=365 * 86400, samesite="lax")
    return response


@cache
def static(name: str) -> str:
    """The address of a file under `static/`; another one in the next version where the file is another."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:8]}"


def _in_language(request: Request, language: Language) -> str:
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return "?" + urlencode([*others, ("lang", language)])
