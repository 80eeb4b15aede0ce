"""The one form in which raters read the answers of all our engines.

It is made from the parsed differential, not from what the engine wrote: engines word and set the same content
differently, and a rater would know them by that. Every arm's text has the same four headings in the same order, and
under each diagnosis the same lines in the same order; only the content differs. What the review of an answer adds to it
is no part of it.
"""

from medassist.differential import Diagnosis, Differential, Evidence
from medassist.errors import Language
from medassist.prompt import FORMS, NONE_FITS, OPENING, reason_lines
from medassist.turn import CLOSING

NOTHING_NAMED: dict[Language, str] = {"en": "nothing named", "zh": "未提及"}
"""Stands under a heading whose part of the answer is empty, in every arm."""
NONE_ABOVE: dict[Language, str] = {"en": "None of the above fits", "zh": "以上诊断均不符合"}
"""Stands for the engines' own words for it, by which they would be known."""
GRAPHS_REASONS = 4
"""The knowledge graph names so many reasons at most. Beside it another arm would be known by the fifth, so that all arms
of such a study show the first four."""


def told(read: Differential, reasoning: str, language: Language, most: int | None = None) -> str:
    """A differential in this form, with at most so many reasons to a line, after the reasoning that led to it.

    `blind` leaves the reasoning out, unless a study is about it.
    """
    form = FORMS[language]
    lines = [f"{OPENING}{reasoning}", f"{CLOSING}\n"] if reasoning else []
    lines += [form.process, form.initial_differential]
    for each in read.diagnoses:
        lines += [f"{each.rank}) {each.name}", *reason_lines(form, _first_reasons(each, most))]
    stages = (
        (form.key_examinations, read.key_examinations),
        (form.diagnostic_evidence, read.diagnostic_evidence[:most]),
    )
    for heading, parts in stages:
        lines += [heading, *(f"- {part}" for part in parts or (NOTHING_NAMED[language],))]
    final = NONE_ABOVE[language] if read.final_diagnosis == NONE_FITS[language] else read.final_diagnosis
    return "\n".join([*lines, form.final_diagnosis, final or NOTHING_NAMED[language]])


def _first_reasons(diagnosis: Diagnosis, most: int | None) -> Diagnosis:
    kept: dict[str, tuple[Evidence, ...]] = {
        "evidence_for": diagnosis.evidence_for[:most],
        "evidence_against": diagnosis.evidence_against[:most],
    }
    return diagnosis.model_copy(update=kept)
