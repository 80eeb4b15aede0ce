"""What commands that take a case have in common."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from medassist.case import detect_language
from medassist.errors import UnreadableInput
from medassist.events import Event, Finished
from medassist.intake import read_bytes

_JSON_KEY = re.compile(r'"\w+"\s*:')  # not a word of the patient's


def read_input(case: str) -> str:
    """The text of a file or of stdin. Raises `UnreadableInput` with its name."""
    name = case if len(case) <= 200 and case.isprintable() else "CASE"  # else a note given in place of a file
    try:
        return read_bytes(sys.stdin.buffer.read() if case == "-" else Path(case).read_bytes())
    except OSError as error:
        raise UnreadableInput(reason=f"{name}: {error.strerror}.", reason_zh=f"{name}：{error.strerror}。") from None


def language_of(text: str) -> str:
    """The language to say in what is wrong with a case: the one it is written in, as far as can be told."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return detect_language(_JSON_KEY.sub("", text))
    if not isinstance(data, dict):
        return detect_language(text)
    return data.get("language") or detect_language(" ".join(v for v in data.values() if isinstance(v, str)))


def settled(events: Iterator[Event]) -> Finished:
    """The end of a consultation."""
    for event in events:
        if isinstance(event, Finished):
            return event
    raise AssertionError("a consultation ends with Finished")
