"""The words a note uses for a finding: those of the graph that read well, split into words to train and words to test.

A word is on one side only, by a hash of itself, so that a test asks for understanding and not for remembering. Where a
finding has a single word that reads well, both sides use it.
"""

import hashlib
import random
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from medassist.errors import Language
from medassist.knowledge.records import Disease, Finding
from training.synthetic import english

Split = Literal["train", "test"]
Register = Literal["clinical", "terse", "lay"]

PROSE: frozenset[english.Form] = frozenset({"noun", "verb", "past", "adjective"})
NAME_SHARE = 0.3
"""How often a finding goes by its name where it has other words."""


@dataclass(frozen=True)
class Phrase:
    """One wording of a finding."""

    text: str
    form: english.Form
    lay: bool = False
    name: bool = False


class Wording:
    """The phrases of every finding of one graph."""

    def __init__(self, findings: Mapping[str, Finding]) -> None:
        self._findings = findings
        self._sides = lru_cache(maxsize=None)(self._sort)

    def phrases(self, finding: str, language: Language, split: Split) -> tuple[Phrase, ...]:
        """The phrases of one side, those for prose and the loose ones."""
        return self._sides(finding, language)[split]

    def choose(
        self,
        finding: str,
        language: Language,
        split: Split,
        rng: random.Random,
        *,
        register: Register,
        fits: Callable[[Phrase], bool],
        name_share: float = NAME_SHARE,
    ) -> Phrase | None:
        """A phrase of the register that `fits`, or None where there is none."""
        known = [each for each in self.phrases(finding, language, split) if fits(each)]
        if register != "terse":
            known = [each for each in known if each.form in PROSE]
        if register == "clinical":
            known = [each for each in known if not each.lay] or [each for each in known if each.name]
        if register == "lay":
            known = [each for each in known if each.lay] * 2 + known
        names = [each for each in known if each.name]
        if names and (len(names) == len(known) or rng.random() < name_share):
            return names[0]
        others = [each for each in known if not each.name]
        return rng.choice(others) if others else None

    def _sort(self, finding: str, language: Language) -> dict[Split, tuple[Phrase, ...]]:
        """Both sides of a finding. Words for prose are split apart from loose ones, so that either side can write."""
        phrases = _english(self._findings[finding]) if language == "en" else _chinese(self._findings[finding])
        train: list[Phrase] = []
        test: list[Phrase] = []
        for group in ([p for p in phrases if p.form in PROSE], [p for p in phrases if p.form not in PROSE]):
            one, other = _halves(group, f"{finding}|{language}")
            train += one
            test += other
        return {"train": tuple(train), "test": tuple(test)}


def _halves(group: list[Phrase], salt: str) -> tuple[list[Phrase], list[Phrase]]:
    """About three quarters to train and the rest to test; at least one on each side, a single one on both."""
    if len(group) < 2:
        return group, group
    order = sorted(group, key=lambda each: _hash(f"{salt}|{each.text.casefold()}"))
    cut = max(1, round(len(order) / 4))
    test = {each.text for each in order[:cut]}
    return [each for each in group if each.text not in test], [each for each in group if each.text in test]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _english(finding: Finding) -> list[Phrase]:
    name = finding.name.en
    form = english.form(name, curated=True)
    known = {name.casefold(): Phrase(name, form, english.lay(name), name=True)}
    for text in finding.words.en:
        if english.usable(text) and "…" not in text:
            known.setdefault(text.casefold(), Phrase(text, english.form(text), english.lay(text)))
    return list(known.values())


# --- Chinese: any phrase may stand in a list; what is cut off or only meant for searching is left out.

_OPEN_END = re.compile(r"(?:[第达至到于约在的后与和及为是被把将较能可会]|<|＜)$|^(?:的|及|和|后|至)")
_FIGURE = re.compile(r"(?<![A-Za-z\-])\d|\d+\s*[%％]|[<>=≥≤？?+↑↓＞＜*&]|[（(][-+－＋][）)]")
_FRAGMENT = re.compile(r"^[左右双上下前后]?侧?[头颈胸腰腹背腿肩膝踝腕臀肘手足面眼耳]部?$|^[一二两三][侧度级]$")
_PLAIN = re.compile(
    r"疼|脑袋|脑壳|肚子|嗓子|拉[水稀肚]|得很|[么了]$|老是|总是|总[觉想]|屁|小便|大便|没劲|没力|怎么|越来越|摸到|喘不|上不来|要[死炸]"
    r"|蛋蛋|眼睛|鼻子|耳朵|嘴|吃[着得了啥不]|睡不|看东西|一[^，]{1,4}就|得慌|不想|不敢|不肯|老[^年视]|孩|宝宝|娃|发烧|烧[到得]|难受|突突|火辣"
)
_SELF = re.compile(r"[我你咱]|自己")
_HE = {"male": re.compile(r"她|女儿|妻|妇"), "female": re.compile(r"他(?!人|觉)|儿子|丈夫")}


def _chinese(finding: Finding) -> list[Phrase]:
    name = finding.name.zh
    known = {name: Phrase(name, "noun", bool(_PLAIN.search(name)), name=True)}
    for text in finding.words.zh:
        if 2 <= len(text) <= 16 and not _unusable(text):
            form: english.Form = "loose" if _SELF.search(text) else "noun"
            known.setdefault(text, Phrase(text, form, bool(_PLAIN.search(text))))
    return list(known.values())


def _unusable(text: str) -> bool:
    return bool("…" in text or _OPEN_END.search(text) or _FIGURE.search(text) or _FRAGMENT.search(text))


_CHILDISH = re.compile(
    r"truan|kindergarten|nursery|nappy|toddler|\b(?:child|infant|newborn|schoolchild)\b|患儿|婴|幼儿|逃学|宝宝|孩", re.I
)
_GROWN_UP = re.compile(
    r"\b(?:adult|husband|wife|coworkers?|job|retired|drinking|smoker)\b|丈夫|妻|同事|老伴|单位", re.I
)


def suits(text: str, language: Language, sex: str, age: float) -> bool:
    """Whether a phrase can be said of a patient of this sex and age."""
    if (age >= 16 and _CHILDISH.search(text)) or (age < 12 and _GROWN_UP.search(text)):
        return False
    if language == "en":
        return english.suits(text, sex)
    return sex not in _HE or not _HE[sex].search(text)


# --- What a case must not give away, and what is an absence.


def telltale(disease: Disease, language: Language) -> Callable[[str], bool]:
    """Whether a phrase names the disease itself."""
    names = [disease.name.of(language), *disease.synonyms.of(language)]
    if language == "zh":
        marks = [name.casefold() for name in names if len(name) >= 3]
        return lambda text: any(mark in text.casefold() or text.casefold() == mark for mark in marks)
    words = [re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE) for name in names if len(name) >= 3]
    return lambda text: any(word.search(text) for word in words)


_ABSENCE = re.compile(
    r"\b(?:no|not|non|never|absent|absence|without|lack|normal|un\w+able|unable|cannot|can't|painless|less|low|reduced|"
    r"nil|none|un(?!ilateral|it|der|ion|iform|steady|conscious|usual)\w+|diminished|decreased|stopped|ceased|missed|empty|any|nothing|few|soft|open|hardly|won't|doesn't|lost)\b|-free\b",
    re.IGNORECASE,
)
_ABSENCE_ZH = re.compile(r"[不无未没非缺失消停难少差低减弱否禁]|正常|阴性|下降|柔软|腹软|肚子软|开放")


def deniable(text: str, language: Language) -> bool:
    """Whether “no …” before it says what it should: it names something present, in a few words."""
    if language == "zh":
        return not _ABSENCE_ZH.search(text) and len(text) <= 8 and not re.search(r"[，、或及（]|[了着]$", text)
    if re.fullmatch(r"\w+(?:tic|ic|ous|ive)", text, re.I):
        return False  # an adjective: “no ecchymotic”
    return (
        not _ABSENCE.search(text)
        and len(text.split()) <= 3
        and not re.search(r"[,()/]|\b(?:unconscious|centrally|up|out|all over)$| (?:or|and) ", text)
    )


def alike(one: str, others: Collection[str], language: Language) -> bool:
    """Whether a phrase stands within another one or the other within it: it would be said twice."""
    one = one.casefold()
    if language == "zh":
        return any(one in other.casefold() or other.casefold() in one for other in others)
    mine = set(one.split())
    return any(mine <= set(other.casefold().split()) or mine >= set(other.casefold().split()) for other in others)
