"""What happens during a consultation, as typed events, in the order in which they can occur."""

from dataclasses import dataclass
from typing import Literal

from medassist.differential import Diagnosis, Stage, Warning

Phase = Literal["queued", "loading", "reading", "writing"]


@dataclass(frozen=True)
class Started:
    """The consultation exists in the store from here on."""

    consultation_id: str
    turn_id: str


@dataclass(frozen=True)
class Progress:
    """Where the engine stands. Comes at least every half second, so that a reader who left is noticed."""

    phase: Phase
    position: int = 0  # place in the queue, 1 = next; 0 when running
    prompt_tokens: int = 0
    new_tokens: int = 0
    tokens_per_second: float = 0.0
    seconds: float = 0.0  # since the consultation began


@dataclass(frozen=True)
class Reasoning:
    text: str  # everything reasoned so far, not the latest piece
    done: bool = False
    seconds: float = 0.0  # how long the reasoning has taken
    tokens: int = 0


@dataclass(frozen=True)
class Section:
    """A stage of the answer other than the ranked list: everything it says so far."""

    stage: Stage
    text: str


@dataclass(frozen=True)
class DiagnosisAdded:
    diagnosis: Diagnosis


@dataclass(frozen=True)
class DiagnosisChanged:
    """The diagnosis of this rank has more evidence or tests than before."""

    diagnosis: Diagnosis


@dataclass(frozen=True)
class FinalDiagnosis:
    text: str


@dataclass(frozen=True)
class Reply:
    """The answer to a follow-up question: everything said so far."""

    text: str


@dataclass(frozen=True)
class Warned:
    warning: Warning


@dataclass(frozen=True)
class Finished:
    """The last event. `answer` is the stored result; `status` says how it ended."""

    consultation_id: str
    turn_id: str
    status: Literal["complete", "stopped", "failed"]
    answer: dict[str, object]


ParseEvent = Reasoning | Section | DiagnosisAdded | DiagnosisChanged | FinalDiagnosis
Event = Started | Progress | ParseEvent | Reply | Warned | Finished
