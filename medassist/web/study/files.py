"""Files that a lead hands in: of limited size, and kept for a while between being checked and being imported."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from medassist.errors import InputError, InvalidStudy
from medassist.web.study.words import WORDS

MAX_UPLOAD: Final = 1_500_000
MAX_TEXT: Final = 200_000
KEPT_SECONDS: Final = 20 * 60
KEPT_FILES: Final = 8
TABLES: Final = (".csv", ".tsv", ".txt")


async def _form(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=1, max_fields=200, max_part_size=MAX_TEXT * 4) as form:
        yield form


Sent = Annotated[FormData, Depends(_form)]
"""What a form sent; the whole of it is limited by the guard."""


@dataclass(frozen=True)
class Upload:
    name: str
    data: bytes
    columns: Mapping[str, str] = field(
        default_factory=dict
    )  # what columns of a table are called here; "" leaves one out


def uploaded(form: FormData) -> Upload:
    """The file of a form. Raises `InvalidStudy` where there is none or it is too large; says nothing of its content."""
    sent = form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise InputError(reason=WORDS["choose_file"]["en"], reason_zh=WORDS["choose_file"]["zh"])
    data = sent.file.read(MAX_UPLOAD + 1)
    if len(data) > MAX_UPLOAD:
        raise InputError(reason=WORDS["file_too_large"]["en"], reason_zh=WORDS["file_too_large"]["zh"])
    return Upload(sent.filename[:200], data)


def as_text(upload: Upload) -> str:
    """Raises `InvalidStudy`."""
    try:
        return upload.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidStudy(where="file", reason="is no text in UTF-8.", reason_zh="不是 UTF-8 文本。") from None


def typed(form: FormData) -> dict[str, str]:
    """The fields, without files; what a browser would not send is dropped."""
    return {name: value[:MAX_TEXT].replace("\x00", "") for name, value in form.items() if isinstance(value, str)}


class Shelf:
    """Checked files that wait to be imported, each for one person and one study; few, and not for long."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, str, Upload]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, whose: str, upload: Upload) -> str:
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._kept[token] = (time.monotonic() + KEPT_SECONDS, whose, upload)
            while len(self._kept) > KEPT_FILES:
                self._kept.popitem(last=False)
        return token

    def take(self, whose: str, token: str) -> Upload:
        """Raises `InputError` where it is not there any more, or somebody else's."""
        with self._lock:
            until, owner, upload = self._kept.get(token, (0.0, "", Upload("", b"")))
            if owner != whose or time.monotonic() >= until:
                raise InputError(reason=WORDS["gone"]["en"], reason_zh=WORDS["gone"]["zh"])
            return upload

    def drop(self, token: str) -> None:
        with self._lock:
            self._kept.pop(token, None)
