"""From an explanation to what is shown of it. Pure, as `render`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medassist.errors import Language, MedAssistError
from medassist.explanation import FAINT, Explanation, Rows, sentence, strongest
from medassist.ui.form import explain as say_error
from medassist.ui.render import part
from medassist.ui.words import word

Side = Literal["", "for", "against"]

ROWS = 12
"""The most findings in the chart."""
NAMED = 6
"""The most findings that the sentence on two candidates names."""
STRENGTHS = 3
"""Shades of a mark."""
VISIBLE = 0.05
"""Natural log-odds below which a candidate has not moved."""


@dataclass(frozen=True)
class Stretch:
    """A piece of the case text; `unit` is the finding it is, `side` where that pulls."""

    text: str
    unit: int | None = None
    side: Side = ""
    strength: int = 0


@dataclass(frozen=True)
class Row:
    """A bar of the chart, in hundredths of the widest."""

    unit: int
    text: str
    side: Side
    x: int
    width: int
    weight: str


@dataclass(frozen=True)
class Shown:
    """An explanation of one candidate, or of one over another, in the reader's language."""

    name: str
    sentence: str
    caption: str
    reliable: bool
    hardly: bool
    pieces: Sequence[Stretch]
    rows: Sequence[Row]
    left: int
    figures: str
    by: str


@dataclass(frozen=True)
class Moved:
    """A candidate before and after a change of the case: its share, and its lead over the best other one."""

    name: str
    share: str
    lead: str
    side: Side


def shown(told: Explanation, case_text: str, place: int, rival: int | None, language: Language) -> Shown:
    """How the candidate at `place` is explained, over `rival` where there is one."""
    weights = told.weights[place] if rival is None else told.compared(place, rival)
    name = told.names[place]
    caption = (
        word("explain_caption", language, diagnosis=name)
        if rival is None
        else word("explain_compared", language, one=name, other=told.names[rival])
    )
    largest = float(abs(weights).max()) or 1.0
    reliable = told.reliable(place) and (rival is None or told.reliable(rival))
    order = strongest(weights, len(weights)) if reliable else list(range(len(weights)))
    telling = [unit for unit in order if abs(float(weights[unit])) >= FAINT * largest and not told.hardly(place)]
    figures = word(
        "explain_figures",
        language,
        r2=f"{told.r2[place]:.2f}",
        signs=f"{told.signs[place]:.0%}",
        samples=told.samples,
        seed=told.seed,
        seconds=f"{told.seconds:.1f}",
    )
    if told.neutral is not None:
        figures += " · " + word("explain_neutral", language, share=f"{told.neutral:.0%}")
    if told.stopped:
        figures += " · " + word("stopped", language)
    return Shown(
        name,
        sentence(told, place) if rival is None or not reliable else _compared(told, weights, place, rival, language),
        caption,
        reliable,
        told.hardly(place),
        _stretches(told, case_text, weights, largest, set(telling)),
        [_row(told, unit, float(weights[unit]), largest) for unit in telling[:ROWS]],
        max(0, len(telling) - ROWS),
        figures,
        told.by,
    )


def _compared(told: Explanation, weights: Rows, place: int, rival: int, language: Language) -> str:
    order = [unit for unit in strongest(weights, NAMED) if abs(float(weights[unit])) >= FAINT * abs(weights).max()]
    join, nothing = word("join", language), word("explain_nothing", language)
    return word(
        "explain_why",
        language,
        one=told.names[place],
        other=told.names[rival],
        units=join.join(told.units[unit].text for unit in order if weights[unit] > 0) or nothing,
        others=join.join(told.units[unit].text for unit in order if weights[unit] < 0) or nothing,
    )


def _stretches(told: Explanation, text: str, weights: Rows, largest: float, telling: set[int]) -> list[Stretch]:
    found, at = [], 0
    for number, unit in enumerate(told.units):
        if unit.start > at:
            found.append(Stretch(text[at : unit.start]))
        weight = float(weights[number])
        side: Side = "" if number not in telling else "for" if weight > 0 else "against"
        strength = min(STRENGTHS, 1 + int(STRENGTHS * abs(weight) / largest))
        found.append(Stretch(unit.text, number, side, strength if side else 0))
        at = unit.end
    return [*found, Stretch(text[at:])]


def _row(told: Explanation, unit: int, weight: float, largest: float) -> Row:
    width = max(1, round(100 * abs(weight) / largest))
    side: Side = "for" if weight > 0 else "against"
    return Row(unit, told.units[unit].text, side, 0 if weight > 0 else -width, width, _signed(weight))


def explanation(
    told: Explanation | None,
    case_text: str,
    place: int,
    rival: int | None,
    language: Language,
    *,
    running: bool = False,
    most: int = 0,
    error: MedAssistError | None = None,
) -> str:
    """The explanation as markup; nothing without one."""
    spoken = ""
    if running:
        spoken = word("explain_running", language, samples=told.samples if told else 0, most=most)
    elif told is not None:
        spoken = word("explain_done", language)
    view = shown(told, case_text, place, rival, language) if told is not None else None
    message = say_error(error, language) if error else ""
    return part("explanation", language, view=view, spoken=spoken, error=message)


def moved(
    names: Sequence[str],
    before: Sequence[float],
    now: Sequence[float],
    language: Language,
    error: MedAssistError | None = None,
) -> str:
    """How candidates move. `before` and `now` are logarithms of their shares; nothing where there are none."""
    rows = []
    for place, name in enumerate(names):
        old, new = _lead(before, place), _lead(now, place)
        side: Side = "" if abs(new - old) < VISIBLE else "for" if new > old else "against"
        share = f"{math.exp(before[place]):.0%} → {math.exp(now[place]):.0%}"
        rows.append(Moved(name, share, f"{_signed(old)} → {_signed(new)}", side))
    return part(
        "what_if",
        language,
        rows=rows,
        first=_first(names, before, now, language) if names else "",
        error=say_error(error, language) if error else "",
    )


def _lead(shares: Sequence[float], place: int) -> float:
    return shares[place] - max(share for other, share in enumerate(shares) if other != place)


def _first(names: Sequence[str], before: Sequence[float], now: Sequence[float], language: Language) -> str:
    old, new = (names[max(range(len(names)), key=lambda place: shares[place])] for shares in (before, now))
    if old == new:
        return word("moved_same", language, one=new)
    return word("moved_first", language, one=new, other=old)


def _signed(number: float) -> str:
    return f"{number:+.1f}".replace("-", "−")
