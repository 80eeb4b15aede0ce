"""Who wrote it: found in a text whatever its disguise, taken out where the sentence survives, reported where it would not.

Stripped are: a clause that opens a sentence (“As an AI model, …” leaves what follows), a sentence that says nothing but
who speaks, a speaker's label, a signature, a name in parentheses, “according to NAME,”, pleasantries and disclaimers.
Everything else that identifies is left where it is and reported: a name inside a clinical sentence cannot be cut out
without changing what a rater reads, so a person has to look. Words with a clinical meaning (GPT the enzyme, AI the
valve, a llama, Claude's sign) count only where their neighbours speak of a program or a version follows.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from medassist.study import names

Kind = Literal[
    "name", "secret", "self", "person", "first_person", "method", "disclaimer", "token", "script", "empty", "unsettled"
]

_ALIKE = str.maketrans(
    "авсԁеёғгһіїјкӏмнорԛѕтѵуԝхɑɡıɪʟօոսցհαβεηικνορτυχγωℓøđłꜱ„’‘`´＇",
    "abcdeefrhiijklmhopqstvywxagiilonughabenikvoptuxywlodls\"'''''",
)
_MIXED = re.compile(r"[a-z][\u0400-\u052f\u0530-\u058f\u13a0-\u13ff]|[\u0400-\u052f\u0530-\u058f\u13a0-\u13ff][a-z]", re.IGNORECASE)  # fmt: skip
_TOKEN = re.compile(r"<[|｜][^<>\n]{1,40}[|｜]>|</?\s*(?:think|thinking|thought|reasoning|reflection|answer|s)\s*>|◁/?think▷|\[/?inst\]|<</?sys>>")  # fmt: skip
_SPACING = r"[\W_]{0,3}"
_LEET = {"a": "[a4@]", "e": "[e3]", "i": "[i1!l]", "l": "[l1i]", "o": "[o0]", "s": "[s5$]", "t": "[t7]", "g": "[g9]"}


@dataclass(frozen=True)
class Found:
    """What gives an author away, and where in the text."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class Folded:
    text: str
    at: tuple[int, ...]  # where each character of it stands in the text it was folded from

    def span(self, start: int, end: int) -> tuple[int, int]:
        return (self.at[start], self.at[end - 1] + 1) if start < end else (0, 0)


def fold(text: str) -> Folded:
    """Lower case, no accents, nothing invisible, look-alikes as Latin letters; each character knows where it was."""
    folded: list[str] = []
    at: list[int] = []
    for i, char in enumerate(text):
        for part in _fold_char(char):
            folded.append(part)
            at.append(i)
    return Folded("".join(folded), tuple(at))


@lru_cache(maxsize=20_000)
def _fold_char(char: str) -> str:
    if char == "\n":
        return char
    parts = unicodedata.normalize("NFKD", char).lower()
    kept = (part for part in parts if unicodedata.category(part) not in ("Mn", "Me", "Cf", "Cc", "Co", "Cs", "Cn"))
    return "".join(kept).translate(_ALIKE)


# --- Names and secrets, however spaced.


def _bounded(pattern: str, word: str) -> str:
    return rf"(?<![a-z0-9])(?:{pattern})(?![a-z])" if word.isascii() and len(word) < 8 else f"(?:{pattern})"


def _sure(name: str) -> str:
    """A name together, if it is one word with figures for letters (D33p), or letter by letter."""
    letters = [char for char in name if char.isalnum()]
    whole = name.isalnum()
    together = "".join(r"[\s_.·-]{0,2}" if char in " -" else _LEET.get(char, char) if whole else char for char in name)
    apart = r"[^\w\n]{1,3}".join(map(re.escape, letters))
    return _bounded(f"{together}|{apart}", name)


_VERSION = r"(?:[-_ ]?(?:[rvk]?\d[\w.]*|instruct|chat|base|distill|llama|pro|reasoner))*"
_SURE = re.compile(f"(?:{'|'.join(map(_sure, names.SURE))}){_VERSION}")


@lru_cache(maxsize=256)
def _secret_pattern(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    patterns = []
    for secret in sorted({part for whole in secrets for part in _parts(whole)}, key=len, reverse=True):
        letters = "".join(char for char in fold(secret).text if char.isalnum())
        if len(letters) >= 3:
            patterns.append(_bounded(_SPACING.join(map(re.escape, letters)), letters))
        elif letters:  # “A” stands in every sentence; only an arm called “A” gives something away
            patterns.append(
                rf"(?:\b(?:arm|model|system|adapter)|臂|模型|系统)\W{{0,3}}{re.escape(letters)}(?![a-z0-9])"
            )
    return re.compile("|".join(patterns)) if patterns else None


def _parts(secret: str) -> Iterator[str]:
    yield secret
    if (last := secret.rstrip("/").rpartition("/")[2]) != secret and len(last) >= 4:
        yield last


def find(text: str, secrets: Iterable[str] = ()) -> list[Found]:
    """Everything in `text` that gives its author away, in order of place; overlapping finds are one."""
    folded = fold(text)
    patterns: list[tuple[Kind, re.Pattern[str] | None]] = [
        ("secret", _secret_pattern(tuple(sorted(set(secrets))))),
        ("token", _TOKEN),
        ("name", _SURE),
        ("name", names.NAMES),
        ("self", names.SELF),
        ("self", names.TRADE),
        ("person", names.PERSON),
        ("first_person", names.FIRST_PERSON),
        ("token", names.TURN),
        ("method", names.METHOD),
        ("disclaimer", names.DISCLAIMER),
    ]
    found = [Found(kind, *_inner(folded, match)) for kind, p in patterns if p for match in p.finditer(folded.text)]
    found = [one for one in found if one.kind != "first_person" or not _quoted(text, one.start)]
    found += [Found("script", *match.span()) for match in _MIXED.finditer(text)]
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: (f.start, -f.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
        elif one.end > kept[-1].end:
            kept[-1] = replace(kept[-1], end=one.end)
    return kept


def _quoted(text: str, at: int) -> bool:
    """Whether `at` lies inside the words of a patient."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line.count('"') % 2 == 1 or line.count("“") > line.count("”")


def _inner(folded: Folded, match: re.Match[str]) -> tuple[int, int]:
    """The span of a match without the line break or stop it needed before it."""
    start = match.start() + len(match.group()) - len(match.group().lstrip(" \n.!?。！？，,"))
    return folded.span(start, match.end())


# --- Taking out.

_SENTENCE = re.compile(r"[^\n]*?(?:(?<!\b[A-Z])[.!?](?=\s|$)|[。！？]|(?=\n)|$)\s?", re.MULTILINE)
_CLAUSE = re.compile(r"(?P<clause>[^,，;；:：\n]{1,120}?[,，]\s*)(?=\S)")
_LABEL = re.compile(r"\s*(?:-\s*)?(?P<label>[^:：\n]{1,50}[:：]\s*)(?=\S|$)")
_ASIDE = re.compile(r"\s*[(（\[][^()（）\[\]\n]{0,60}[)）\]]")
_WORD = re.compile(r"[a-z][a-z'-]*")
_MEASURED = re.compile(r"\d\s*(?:mg|ml|mmol|u/l|%|°|/)")
_HAN = re.compile(r"[\u3400-\u9fff]")


def strip(text: str, secrets: Iterable[str] = ()) -> tuple[str, list[str]]:
    """`text` without what identifies its author, as far as a sentence survives that, and what was taken out."""
    secrets = tuple(secrets)
    removed: list[str] = []
    sentences = [match.group() for match in _SENTENCE.finditer(text)]
    return "".join(_stripped(sentence, secrets, removed) for sentence in sentences), removed


def _stripped(sentence: str, secrets: tuple[str, ...], removed: list[str]) -> str:
    lead = sentence[: len(sentence) - len(sentence.lstrip(" -"))]
    body, end = sentence[len(lead) :].rstrip("\n "), sentence[len(sentence.rstrip("\n ")) :]
    if not body or not _gives_away(body, secrets):
        return sentence
    for pattern in (_ASIDE, _LABEL):
        for match in list(pattern.finditer(body))[::-1] if pattern is _ASIDE else [pattern.match(body)]:
            if match and _names(match.group(), secrets):
                removed.append(match.group().strip())
                body = body[: match.start()] + body[match.end() :]
    if _gives_away(body, secrets) and not _says_more(body, secrets):
        removed.append(body)
        return "\n" if "\n" in end else ""
    if (
        (match := _CLAUSE.match(body))
        and _gives_away(match["clause"], secrets)
        and not _says_more(match["clause"], secrets)
    ):
        removed.append(match["clause"].strip())
        body = _capital(body[match.end() :])
    if not body.strip(" .。!！-"):
        return "\n" if "\n" in end else ""
    return lead + body + end


def _gives_away(text: str, secrets: tuple[str, ...]) -> bool:
    return bool(find(text, secrets)) or bool(names.CHAT.search(fold(text).text))


def _names(text: str, secrets: tuple[str, ...]) -> bool:
    """Whether a short piece, an aside or a label, is there to name an author and says nothing else."""
    return any(found.kind in ("name", "secret", "self") for found in find(text, secrets)) and not _says_more(
        text, secrets
    )


def _says_more(text: str, secrets: tuple[str, ...]) -> bool:
    """Whether something is left once what identifies, greets, and the words that tell nothing of a patient are taken away."""
    for found in reversed(find(text, secrets)):
        text = text[: found.start] + " " + text[found.end :]
    rest = fold(text).text
    rest = names.CHAT.sub(" ", rest)
    words = set(_WORD.findall(rest)) - names.EMPTY_WORDS
    return bool(words) or bool(_HAN.search(names.EMPTY_ZH.sub("", rest))) or bool(_MEASURED.search(rest))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text[:1].islower() and text[:1].isascii() else text
