"""Steps that make a record fit to be trained on: markup and invisible characters out, identifiers masked.

`unclean` names what `cleaned` would take away: a file that is to be valid as it stands is refused for it, a data set
that is prepared is cleaned and the changes counted.
"""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator
from html.entities import html5
from typing import Any

from medassist.case import TEXT_FIELDS, PatientCase
from medassist.deidentify import LABELLED, deidentify, find
from medassist.intake import clean as without_invisible
from training.cases import Exchange, TrainingCase
from training.errors import Wrong
from training.rows import AnyRecord, answered, as_record, mapped, texts

# --- HTML. A known tag with well-formed attributes only: “p<0.05 and >3” and `<think>` are none.


def _words(text: str) -> str:
    return "|".join(text.split())


_BLOCKS = _words(
    "address article aside blockquote body br center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 head "
    "header hr html li main nav ol p pre section table tbody td tfoot th thead title tr ul"
)
_INLINE = _words(
    "a abbr b big button cite code del em font i iframe img input ins kbd label link mark meta nobr o:p object option "
    "q s samp select small span strike strong sub sup svg textarea tt u var"
)
_ATTRIBUTES = r"""(?:\s+[\w:-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))*\s*/?"""
_HIDDEN = re.compile(r"<!--.*?-->|<!doctype[^>]*>|<(script|style)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BLOCK = re.compile(rf"</?(?:{_BLOCKS}){_ATTRIBUTES}>", re.IGNORECASE)
_POWER = re.compile(r"(?<=\d)\s*<sup>\s*(?=[-+−]?\d)", re.IGNORECASE)
_TAG = re.compile(rf"</?(?:{_INLINE}){_ATTRIBUTES}>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|([A-Za-z][A-Za-z0-9]{1,31}));")


def has_html(text: str) -> bool:
    """Whether `text` holds tags, comments or character references of HTML."""
    if "<" in text and any(pattern.search(text) for pattern in (_HIDDEN, _BLOCK, _TAG)):
        return True
    return "&" in text and any(_is_known(match) for match in _ENTITY.finditer(text))


def _is_known(reference: re.Match[str]) -> bool:
    name = reference.group(1)
    return name is None or f"{name};" in html5


def without_html(text: str) -> str:
    """`text` as a browser would show it, 10<sup>9</sup> as 10^9; unchanged where it holds no HTML."""
    if not has_html(text):
        return text
    text = _BLOCK.sub("\n", _HIDDEN.sub(" ", text))
    text = _TAG.sub("", _POWER.sub("^", text))
    text = _ENTITY.sub(lambda match: html.unescape(match[0]) if _is_known(match) else match[0], text)
    text = re.sub(r"[ \t\xa0]+", " ", text)
    return re.sub(r" ?\n[ \n]*", "\n", text).strip()


# --- Both, over a decoded row.

_STEPS: dict[str, Callable[[str], str]] = {
    "html": without_html,
    "control_characters": lambda text: without_invisible(text)[0],
}


def cleaned(value: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
    """`value` with every text cleaned, and in how many texts each step changed something."""
    changed: Counter[str] = Counter()

    def change(_: str, text: str) -> str:
        for name, step in _STEPS.items():
            after = step(text)
            changed[name] += after != text
            text = after
        return text

    result: dict[str, Any] = mapped(value, change)
    return result, +changed


def unclean(value: dict[str, Any]) -> Iterator[Wrong]:
    """Each field that `cleaned` would change for more than its composition of accents and line ends."""
    for path, text in texts(value):
        if has_html(text):
            yield Wrong(path, "html", "holds HTML.", "含有 HTML。")
        if without_invisible(text)[1]:
            yield Wrong(path, "control_characters", "holds control or invisible characters.", "含有控制或不可见字符。")


# --- Identifiers.

_BETWEEN = "\n\u2063\n"
"""Stands in no cleaned text: U+2063 is invisible."""


def scrubbed(record: AnyRecord) -> tuple[AnyRecord, Counter[str]] | list[Wrong]:
    """`record` with identifiers masked, one value by one placeholder in case and answer, and how many of each kind.

    Names of diagnoses are never rewritten: a record in which one holds an identifier is no training material.
    """
    parts = [(path, text) for path, text in answered(record) if not _is_diagnosis(path)]
    case = record.case() if isinstance(record, TrainingCase) else _as_case(record)
    joined = _BETWEEN.join([case.investigations, *(text for _, text in parts)])
    masked = deidentify(case.model_copy(update={"investigations": joined}))
    investigations, *answers = masked.case.investigations.split(_BETWEEN)
    if len(answers) != len(parts) or _named(record, set(_originals(case, joined, masked.masked))):
        return [
            Wrong(
                "final_diagnosis", "identifier", "a diagnosis holds an identifier.", "诊断名称中含有可识别身份的信息。"
            )
        ]
    safe = {name: getattr(masked.case, name) for name in TEXT_FIELDS} | {"investigations": investigations}
    if isinstance(record, Exchange):
        safe = {"question": safe["history"]}
    else:
        safe["age"] = masked.case.age
    new = dict(zip((path for path, _ in parts), answers, strict=True))
    value = mapped(record.model_dump(), lambda path, text: new.get(path, text)) | safe
    result = as_record(value)
    return result if isinstance(result, list) else (result, Counter(masked.counts))


def _as_case(record: Exchange) -> PatientCase:
    return PatientCase(chief_complaint="-", history=record.question, language=record.language)


def _is_diagnosis(path: str) -> bool:
    return path.startswith(("final_diagnosis", "accept")) or path.endswith("].name")


def _originals(case: PatientCase, joined: str, masked: Any) -> Iterator[str]:
    """What was masked, as it was written; ages apart, which are no words."""
    for each in masked:
        if each.field != "age":
            text = joined if each.field == "investigations" else getattr(case, each.field)
            yield text[each.start : each.end]


def _named(record: AnyRecord, originals: set[str]) -> bool:
    """Whether a diagnosis of the record holds what is masked elsewhere in it, or a number of sure format."""
    names = "\n".join(text for path, text in answered(record) if _is_diagnosis(path))
    if any(re.search(rf"(?<![A-Za-z0-9]){re.escape(each)}(?![A-Za-z0-9])", names) for each in originals):
        return True
    return any(span.certainty >= LABELLED for span in find(names, record.language))
