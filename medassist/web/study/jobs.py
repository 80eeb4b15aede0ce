"""What takes longer than a request may: answers written in the background, numbers computed one study at a time."""

import contextlib
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from medassist.errors import MedAssistError, NotNow

logger = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE: Final = 2
"""Studies whose answers are written at once; others wait."""
SOON: Final = 0.5
"""Seconds in which a job that cannot begin says so."""
WAIT_SECONDS: Final = 30
KEPT_RESULTS: Final = 6

Write = Callable[[str, str, Callable[[], bool], bool], object]
"""Writes the answers of a study: its id, who holds the job, when it is to stop, and whether to explain each."""


class Jobs:
    """Work in the background. That there is one job a study at a time is the database's matter."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="medassist-study")
        self._sample: Future[object] | None = None
        self._lock = threading.Lock()

    def start(self, study_id: str, explained: bool) -> None:
        """Begin to write answers, and come back while it goes on. Raises what keeps it from beginning."""
        job = self._pool.submit(self._write, study_id, secrets.token_hex(8), self._closing.is_set, explained)
        job.add_done_callback(_logged)
        _soon(job)

    def make_sample(self, make: Callable[[], object]) -> None:
        """Begin to make the sample study, unless one is being made. Raises what keeps it from beginning."""
        with self._lock:
            if self.makes_sample:
                return
            self._sample = Future()
            # Nothing to wait for at the end: a sample that is half made can be made again.
            threading.Thread(target=_done, args=(self._sample, make), name="medassist-sample", daemon=True).start()
        _soon(self._sample)

    @property
    def makes_sample(self) -> bool:
        return self._sample is not None and not self._sample.done()

    @property
    def sample_error(self) -> MedAssistError | None:
        """Why the last sample study could not be made."""
        if self._sample is None or not self._sample.done() or self._sample.cancelled():
            return None
        error = self._sample.exception()
        return error if error is None or isinstance(error, MedAssistError) else MedAssistError()

    def close(self) -> None:
        """Stop after the present token; what was written is kept."""
        self._closing.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _soon(job: Future[object]) -> None:
    with contextlib.suppress(TimeoutError):
        job.result(timeout=SOON)


def _done(job: Future[object], do: Callable[[], object]) -> None:
    try:
        job.set_result(do())
    except Exception as error:  # told by the list of studies
        job.set_exception(error)
        _logged(job)


def _logged(job: Future[object]) -> None:
    if not job.cancelled() and (error := job.exception()) and not isinstance(error, MedAssistError):
        logger.error("Work on a study failed", exc_info=error)


class Computed:
    """Results that take a while, computed one at a time; those of what no longer changes are kept for the next time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, object] = OrderedDict()
        self._one = threading.Lock()

    def get(self, key: str, compute: Callable[[], T], keep: bool = True) -> T:
        """Raises `NotNow` where others take too long."""
        if not self._one.acquire(timeout=WAIT_SECONDS):
            raise NotNow(reason="other numbers are being computed; try again in a minute.", reason_zh="正在进行其他计算，请一分钟后重试。")  # fmt: skip
        try:
            if key in self._kept:
                return self._kept[key]  # type: ignore[return-value] # one key, one kind of result
            made = compute()
            if keep:
                self._kept[key] = made
                while len(self._kept) > KEPT_RESULTS:
                    self._kept.popitem(last=False)
            return made
        finally:
            self._one.release()
