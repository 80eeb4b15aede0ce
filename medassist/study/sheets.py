"""What passes between a rater's page and the panel: how far the rater is, an assignment, what was entered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from medassist.errors import Language
from medassist.study.instrument import Item, Page


@dataclass(frozen=True)
class Sheet:
    """One assignment as its rater sees it. `values` and `problems` are under A, B and both."""

    id: str
    kind: str  # practice | rating | closing
    state: str
    place: int
    of: int
    language: Language
    case: str
    reference: tuple[str, ...]  # the right diagnosis and what must not be missed
    cant_miss: tuple[str, ...]
    answers: dict[str, str]
    explanations: dict[str, dict[str, Any]]
    pages: tuple[Page, ...]
    items: dict[str, tuple[Item, ...]]  # page → what it asks
    locked: tuple[str, ...]
    values: dict[str, dict[str, Any]]
    revision: int
    active_ms: int
    paired: bool


@dataclass(frozen=True)
class Done:
    """A submitted assignment, by its place among those of its kind."""

    id: str
    kind: str  # practice | rating | closing
    place: int


@dataclass(frozen=True)
class Standing:
    """How far a rater is."""

    pseudonym: str
    title: str
    state: str  # of the study
    consented: bool
    withdrawn: bool
    practice: tuple[int, int]  # done, all
    rated: tuple[int, int]
    closing: tuple[int, int]
    usual_ms: int | None  # median working time of an assignment
    next: str | None
    waiting_until: datetime | None  # when the next one is due, where none is now


@dataclass(frozen=True)
class Given:
    """What a page sends: values under A, B and both, on which revision they build, and the time worked since the last."""

    holder: str
    revision: int
    key: str
    values: Mapping[str, Mapping[str, Any]]
    active_ms: int = 0
