"""The kinds of notes: how a triage nurse writes, a general practitioner, a patient, a parent.

A style lists, for each part of a note, the sentences it may use. `{list}` is where the findings stand; `{nos}` is the
same with a “no” before each; `‹` marks where a denial begins, so that it can be quoted with its “no”. `layout: story`
puts examination and results into the one text. A quarter of the styles is kept for the test split.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from medassist.errors import Language
from training.synthetic.wording import Register, Split

Templates = Annotated[tuple[str, ...], Field(min_length=1)]


class Style(BaseModel):
    """One kind of note."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    split: Split
    register_: Register = Field(alias="register")
    layout: Literal["fields", "story"] = "fields"
    vital_signs: Literal["field", "text", "none"]
    person: Literal["third", "first"] = "third"
    calm: bool = False  # where nobody comes with an emergency
    ages: tuple[float, float] = (0, 130)
    chief: Templates
    open: Templates
    nouns: Templates
    verbs: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    course: Templates
    denied: Templates
    history: Templates
    signs: Templates
    signs_denied: Templates
    vitals: tuple[str, ...] = ("{list}.",)
    results: Templates
    close: Templates

    def suits(self, age: float, split: Split, urgency: str) -> bool:
        """Whether a patient of this age and urgency is written of so, in this split."""
        return (
            self.split == split and not (self.calm and urgency == "emergency") and self.ages[0] <= age <= self.ages[1]
        )


@cache
def styles(language: Language) -> tuple[Style, ...]:
    """The styles of one language."""
    path = Path(__file__).with_name(f"styles_{language}.yaml")
    return tuple(Style.model_validate(each) for each in yaml.safe_load(path.read_text(encoding="utf-8")))
