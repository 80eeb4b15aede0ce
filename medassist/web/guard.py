"""What every request passes: a size limit, the Origin check, security headers, and the page made strict."""

import re
import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medassist.ui.theme import CSS, SCRIPT
from medassist.ui.words import preferred

MAX_BODY: Final = 2_000_000
"""Longest request body, in bytes: a case at its limit, in Chinese, with room for what surrounds it."""

PAGES: Final = ("", "/knowledge")
"""The paths at which gradio serves a page."""

CLOSED: Final = ("/gradio_api/upload", "/gradio_api/proxy=", "/gradio_api/dev", "/gradio_api/mcp")
"""Routes of gradio that no page here needs."""

_CSP: Final = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self' https://huggingface.co"
)
# 'unsafe-eval': gradio compiles the templates of its components. No inline script or handler runs without the nonce.

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # under no-referrer a browser sends our own forms with the Origin "null"
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        guarded = _with_headers(send, nonce)
        if refusal := _refusal(scope):
            await refusal(scope, receive, guarded)
        elif (body := await _body(scope, receive)) is None:
            await _too_large()(scope, receive, guarded)
        elif scope["method"] == "GET" and scope["path"].rstrip("/") in PAGES:
            page = _strict_page(guarded, nonce, Headers(scope=scope))
            await self.app(_uncompressed(scope), _replayed(body, receive), page)
        else:
            await self.app(scope, _replayed(body, receive), guarded)


def _refusal(scope: Scope) -> PlainTextResponse | None:
    headers = Headers(scope=scope)
    if scope["path"].startswith(CLOSED):
        return PlainTextResponse("Not found", 404)
    if scope["method"] not in ("GET", "HEAD", "OPTIONS") and not _same_origin(headers):
        return PlainTextResponse("Foreign origin", 403)
    length = headers.get("content-length", "0")
    return None if length.isdecimal() and int(length) <= MAX_BODY else _too_large()


def _same_origin(headers: Headers) -> bool:
    """Whether the page that sent this is ours. A client that is no browser sends no Origin."""
    origin = headers.get("origin")
    hosts = {headers.get("host"), headers.get("x-forwarded-host")} - {None, ""}
    return origin is None or urlsplit(origin).netloc in hosts


def _too_large() -> PlainTextResponse:
    return PlainTextResponse("Request body too large", 413, {"Connection": "close"})


async def _body(scope: Scope, receive: Receive) -> list[Message] | None:
    """The messages of the whole body, or None when it is longer than allowed, announced or not."""
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return []
    messages, size = list[Message](), 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > MAX_BODY:
            return None
        if not message.get("more_body"):
            return messages


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replay() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replay


def _with_headers(send: Send, nonce: str) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = _CSP.format(nonce=nonce)
            headers.update(_HEADERS)
        await send(message)

    return guarded


# --- The page itself, which gradio renders.

_SOCIAL: Final = re.compile(rb"<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*>\s*", re.DOTALL)
_SCRIPT_TAG: Final = re.compile(rb"<script(?=[\s>])")


def _uncompressed(scope: Scope) -> Scope:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]}


def _strict_page(send: Send, nonce: str, request: Headers) -> Send:
    """Pass gradio's page on without links to elsewhere, with our style and script, every script under the nonce."""
    start: Message = {}
    chunks = list[bytes]()

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        if message["type"] != "http.response.body":
            await send(message)
            return
        chunks.append(message.get("body", b""))
        if message.get("more_body"):
            return
        page = _rewritten(b"".join(chunks), nonce, preferred(request.get("accept-language", "")))
        headers = MutableHeaders(scope=start)
        headers["Content-Length"] = str(len(page))
        headers["Cache-Control"] = "no-store"
        await send(start)
        await send({"type": "http.response.body", "body": page})

    return collect


def _rewritten(page: bytes, nonce: str, language: str) -> bytes:
    page = _SOCIAL.sub(b"", page)
    # In the page itself: gradio's own parameter for style sheets cuts selectors at every comma.
    page = page.replace(b"</head>", f"<style>{CSS}</style><script>{SCRIPT}</script></head>".encode(), 1)
    page = page.replace(b'lang="en"', b'lang="zh-CN"' if language == "zh" else b'lang="en"', 1)
    return _SCRIPT_TAG.sub(f'<script nonce="{nonce}"'.encode(), page)
