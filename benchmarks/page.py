"""CPU time that the server spends on one streamed answer, with a real page open in a real browser."""

import resource
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

PIECES = 300
REASONING = "The calf is swollen after surgery, and the breathlessness began suddenly. " * 12


def answer_cpu(coalesced: bool) -> float:
    """Seconds of CPU in this process for one answer of about `PIECES` tokens, 20 ms apart, beyond an idle page."""
    import uvicorn
    from playwright.sync_api import expect, sync_playwright

    from medassist.config import load_settings
    from medassist.engines.scripted import ANSWER_EN, ScriptedEngine
    from medassist.services import build_services
    from medassist.ui import session
    from medassist.web.app import create_app

    kept, session.INTERVAL = session.INTERVAL, session.INTERVAL if coalesced else 0.0  # type: ignore[misc]
    script = REASONING + ANSWER_EN
    folder = Path(tempfile.mkdtemp())
    settings = load_settings(data_dir=folder, port=0)
    engine = ScriptedEngine(script, delay=0.02, piece=max(1, len(script) // PIECES))
    services = build_services(settings, engine)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(services), access_log=False, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{listener.getsockname()[1]}/")
            expect(page.locator("#ma-diagnose")).to_be_enabled(timeout=20_000)
            page.locator("#ma-examples button").first.click()
            page.wait_for_timeout(1500)
            began, at = _cpu(), time.monotonic()
            page.locator("#ma-diagnose").click()
            expect(page.locator("#ma-answer")).to_contain_text("Pulmonary embolism", timeout=60_000)
            expect(page.locator("#ma-diagnose")).to_be_enabled(timeout=60_000)
            used, lasted = _cpu() - began, time.monotonic() - at
            began = _cpu()
            page.wait_for_timeout(3000)
            idle = (_cpu() - began) / 3
            browser.close()
    finally:
        session.INTERVAL = kept  # type: ignore[misc]
        server.should_exit = True
        thread.join(20)
        listener.close()
    return max(0.0, used - idle * lasted)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
