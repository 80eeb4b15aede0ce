"""The web application: health beside the pages. `serve` runs it."""

import asyncio
import contextlib
import errno
import os
import socket
import sys
import threading
import warnings
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import uvicorn
from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from medassist.config import Settings
from medassist.errors import MedAssistError, PortInUse
from medassist.services import Services, secret
from medassist.ui.page import build_consult_page
from medassist.ui.theme import theme
from medassist.web import review
from medassist.web.guard import Guard
from medassist.web.signin import install
from medassist.web.study import install as install_study

GRACE_SECONDS = 5
"""How long answers under way may go on after the signal to end; then they are kept as far as they came."""
SHUTDOWN_SECONDS = 8
"""When the server ends whatever else is still open: below the ten seconds a container gets."""


def create_app(services: Services) -> FastAPI:
    """The whole application. The model is loaded in the background once it runs. Raises `StorageError`."""
    # In a loop of its own: built outside of one, gradio makes several and closes none.
    with ThreadPoolExecutor(1) as builder:
        return builder.submit(asyncio.run, _build(services)).result()


async def _build(services: Services) -> FastAPI:

    ending = threading.Event()
    page = build_consult_page(services, secret(services.settings.data_dir, "browser"), ending)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.start()
        yield
        desk.jobs.close()
        services.close()

    app = FastAPI(title="MedAssist", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def readyz(response: Response) -> dict[str, object]:
        state = {"model": services.engine.ready, "database": _reachable(services)}
        response.status_code = 200 if all(state.values()) else 503
        return {"ready": all(state.values()), "missing": [name for name, ready in state.items() if not ready]}

    install(app, services)
    desk = install_study(app, services)
    app.include_router(review.router(services.panel, services.settings))
    with warnings.catch_warnings():
        # gradio warns that pages of several routes are not rendered on the server, which is not wanted here anyway.
        warnings.filterwarnings("ignore", "SSR mode is not supported", UserWarning)
        gr.mount_gradio_app(
            app,
            page,
            path="/",
            theme=theme(),
            ssr_mode=False,
            show_error=False,
            run_history=False,
            footer_links=[],
            enable_monitoring=False,
            mcp_server=False,
            pwa=False,
            allowed_paths=[],
            max_file_size="1mb",
            app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        )
    app.state.pages, app.state.ending = next(r.app for r in reversed(app.routes) if isinstance(r, Mount)), ending
    app.add_middleware(CORSMiddleware, allow_origins=[])  # else gradio adds its own, which reflects any origin
    app.add_middleware(Guard)
    return app


class Server(uvicorn.Server):
    """Waits for nothing but answers under way: the streams by which open pages show that they are there end first."""

    def __init__(self, app: FastAPI) -> None:
        self._state = app.state
        super().__init__(
            uvicorn.Config(app, access_log=False, log_level="warning", timeout_graceful_shutdown=SHUTDOWN_SECONDS)
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._state.pages.stop_event.set()
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self._state.ending.set)
        await super().shutdown(sockets)


def serve(settings: Settings, services: Services) -> None:
    """Serve until told to end. Raises `PortInUse` before anything is loaded."""
    with _listening(settings.host, settings.port) as listener:
        server = Server(create_app(services))
        host, port = listener.getsockname()[:2]
        sys.stdout.write(f"MedAssist: http://{f'[{host}]' if ':' in host else host}:{port}\n")
        sys.stdout.flush()
        server.run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host=host, port=port) from None
        raise MedAssistError from None
    return listener


def _reachable(services: Services) -> bool:
    try:
        services.store.ping()
    except MedAssistError:
        return False
    return True
