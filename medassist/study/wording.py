"""Numbers as a report writes them. What is undefined is a dash; its reason stands in a note."""

import re
import unicodedata
from collections.abc import Callable, Iterable

from medassist.errors import Language
from medassist.statistics import Interval
from medassist.study.results import Primary

DASH = "–"
NONE = "—"
MINUS = "\u2212"

Form = Callable[[float | None], str]


def percent(value: float | None) -> str:
    return NONE if value is None else f"{_signed(100 * value, 1)}%"


def points(value: float | None) -> str:
    """A difference of shares, in percentage points and with its sign."""
    return NONE if value is None else ("+" if value > 0.0005 else "") + _signed(100 * value, 1)


def decimal(value: float | None) -> str:
    return NONE if value is None else _signed(value, 2)


def probability(value: float | None) -> str:
    if value is None:
        return NONE
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def seconds(value: float | None) -> str:
    return NONE if value is None else f"{value:.0f}"


def moment(text: str) -> str:
    """An ISO 8601 time in UTC to the minute."""
    utc = text.endswith(("+00:00", "Z"))
    return f"{text[:10]} {text[11:16]} UTC" if utc and len(text) > 16 else text or NONE


def tick(form: Form, value: float) -> str:
    """A number on an axis: no decimal that says nothing."""
    return re.sub(r"\.0(?=%?$)", "", form(round(value, 6)))


def _signed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def ends(interval: Interval, form: Form = percent) -> str:
    """“88.1% to 93.6%”, or a dash."""
    if interval.low is None or interval.high is None:
        return NONE
    return f"{form(interval.low).removesuffix('%')} {DASH} {form(interval.high)}"


def with_ends(interval: Interval, form: Form = percent) -> str:
    """“91.2% (88.1 – 93.6%)”, or what of it there is."""
    if interval.low is None:
        return form(interval.estimate)
    return f"{form(interval.estimate)} ({ends(interval, form)})"


def primary_estimate(primary: Primary) -> str:
    return with_ends(primary.estimate, percent if primary.measure == "acceptance" else points)


def width(text: str) -> int:
    """Columns that a text takes: two for a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def shortened(text: str, most: int) -> str:
    if width(text) <= most:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > most - 1:
            break
        kept += char
    return f"{kept.rstrip()}…"


class Say:
    """One language's half of a pair: `say("Cases", "病例")`."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, en: str, zh: str, /, **values: object) -> str:
        text = zh if self.language == "zh" else en
        return text.format(**values) if values else text


def sentence(parts: Iterable[str], say: Say) -> str:
    """Parts of one sentence, with its end."""
    return say("; ", "；").join(parts) + say(".", "。")
