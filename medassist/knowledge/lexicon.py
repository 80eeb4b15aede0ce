"""Finds the findings that a case names, in either language, with their place and how the case states them.

How phrases match is written in data/README.md, “A finding”: English words in any inflection and order within one
clause, with up to two foreign words between them; Chinese phrases as written, `…` for up to eight characters.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from medassist.findings import Sentence, Status, sentences
from medassist.knowledge.measures import Reader, Value
from medassist.knowledge.records import Finding, Measure
from medassist.knowledge.stems import WORD, meaning, stem
from medassist.knowledge.validate import implied

FOREIGN = 2
"""Words that may stand between the words of an English phrase."""
LOOSE = 3
"""A phrase of so many words is suspected when all but one of them stand there, its rarest among them."""
GAP = 8
"""Characters that `…` stands for at most."""


_DECIDES = frozenset(
    meaning(
        "raised low positive negative abnormal normal no not absent loss large small thick thin never without fast slow"
        " severe new old after before family past pregnant newborn infant child"
        " doesn't don't didn't can't cannot won't wouldn't isn't aren't wasn't couldn't hasn't haven't nothing none unable"
        " stop stopped missing gone fail lack free good bad weak strong fever pain"
    )
)
"""Words without which a phrase says something else, or nothing: no suspicion lacks one of them."""


def _decides(word: str) -> bool:
    return word in _DECIDES or any(char.isdigit() for char in word)


@dataclass(frozen=True)
class Observation:
    """A finding named in a case: `start` and `end` index the case text."""

    finding: str
    status: Status
    start: int
    end: int
    field: str = ""
    loose: bool = False  # all words of a phrase but one: suspected, not read


@dataclass(frozen=True)
class Facts:
    """What a case states: every observation, and by finding what is present, absent, and so on."""

    observations: tuple[Observation, ...]
    values: tuple[Value, ...] = ()

    def having(self, *statuses: Status) -> dict[str, Observation]:
        """The first observation of every finding with one of the statuses, in the order of the text."""
        found: dict[str, Observation] = {}
        for each in self.observations:
            if each.status in statuses:
                found.setdefault(each.finding, each)
        return found

    @property
    def present(self) -> dict[str, Observation]:
        return self.having(Status.PRESENT)

    @property
    def absent(self) -> dict[str, Observation]:
        """Denied, and not stated anywhere else."""
        stated = self.present
        return {name: seen for name, seen in self.having(Status.ABSENT).items() if name not in stated}


@dataclass(frozen=True)
class _Said:
    """What one sentence says, its places counted from the sentence's beginning."""

    found: list[Observation]
    judged: list[Observation]
    values: list[Value]


Known = dict[tuple[str, str, float | None, str], _Said]
"""What sentences were found to say, by their text, field, and the patient's age and sex."""


@dataclass
class _Phrase:
    finding: str
    denies: bool = False  # “troponin normal” says that a raised troponin is absent
    stems: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Match:
    finding: str
    denies: bool
    start: int
    end: int
    covered: frozenset[int] = field(default_factory=frozenset)  # the characters (or words) of the phrase itself
    gap: int = 0
    loose: bool = False  # all words but one


class Lexicon:
    """The words of all findings, ready to be found."""

    def __init__(self, findings: Mapping[str, Finding], measures: Mapping[str, Measure]) -> None:
        self._findings = findings
        self._reader = Reader(measures)
        self._limits = [(finding.id, limit) for finding in findings.values() for limit in finding.measure]
        self._made_of = [(finding.id, group) for finding in findings.values() for group in finding.made_of]
        self._english: dict[str, list[_Phrase]] = defaultdict(list)
        self._chinese: dict[str, list[_Phrase]] = defaultdict(list)
        self._broader = {name: frozenset(implied(findings, name)) for name in findings}
        self._index(findings.values())

    def _index(self, findings: Iterable[Finding]) -> None:
        english: dict[tuple[str, ...], _Phrase] = {}
        for finding in findings:
            for text, denies in _phrases((finding.name.en, *finding.words.en), _NORMAL):
                if stems := tuple(meaning(text)):
                    english.setdefault(tuple(sorted(stems)), _Phrase(finding.id, denies, stems=stems))
            for text, denies in _phrases((finding.name.zh, *finding.words.zh), _NORMAL_ZH):
                if parts := tuple(part for part in text.casefold().replace(" ", "").split("…") if part):
                    self._chinese[parts[0][:2]].append(_Phrase(finding.id, denies, parts=parts))
        common: dict[str, int] = defaultdict(int)
        for phrase in english.values():
            for word in set(phrase.stems):
                common[word] += 1
        for phrase in english.values():  # looked up by its rarest word
            self._english[min(phrase.stems, key=lambda word: (common[word], word))].append(phrase)

    def read(
        self, case_text: str, *, age: float | None = None, sex: str = "unknown", known: "Known | None" = None
    ) -> Facts:
        """What the case states. `age` in years and `sex` decide which limits a value is held against.

        `known` keeps what sentences say from one reading to the next: for many versions of one case.
        """
        found: list[Observation] = []
        judged: list[Observation] = []
        values: list[Value] = []
        for sentence in sentences(case_text):
            if sentence.field == "patient":
                continue
            key = (sentence.text, sentence.field, age, sex)
            said = known.get(key) if known is not None else None
            if said is None:
                said = self._said(replace(sentence, start=0), age, sex)
                if known is not None:
                    known[key] = said
            start = sentence.start
            found += [replace(each, start=each.start + start, end=each.end + start) for each in said.found]
            judged += [replace(each, start=each.start + start, end=each.end + start) for each in said.judged]
            values += [replace(each, start=each.start + start, end=each.end + start) for each in said.values]
        measured = {each.finding for each in judged}  # “blood pressure 120/80” is no suspicion of a high one
        found = [*judged, *(each for each in found if not (each.loose and each.finding in measured))]
        found += self._made(found)
        return Facts(tuple(sorted(found, key=lambda each: (each.start, -each.end))), tuple(values))

    def _said(self, sentence: Sentence, age: float | None, sex: str) -> "_Said":
        """What a sentence that begins at 0 says."""
        minor = age is not None and age < 16
        found = [each for match in self._matches(sentence) for each in self._observe(match, sentence, minor)]
        values = list(self._reader.read(sentence))
        return _Said(found, [each for value in values for each in self._judge(value, age, sex, sentence)], values)

    def _made(self, found: list[Observation]) -> list[Observation]:
        """The findings that others make together: “sudden” here and “right arm weak” there are a sudden deficit."""
        present: dict[str, Observation] = {}
        for seen in found:
            if seen.status is Status.PRESENT:
                for broader in self._broader[seen.finding]:
                    present.setdefault(broader, seen)
        made = []
        for finding, group in self._made_of:
            if finding not in present and all(name in present for name in group):
                last = max((present[name] for name in group), key=lambda each: each.start)
                made.append(Observation(finding, Status.PRESENT, last.start, last.end, last.field))
        return list({each.finding: each for each in made}.values())

    def _observe(self, match: _Match, sentence: Sentence, minor: bool) -> Iterator[Observation]:
        start, end = sentence.start + match.start, sentence.start + match.end
        status = sentence.status(start, end, minor=minor)
        kind = self._findings[match.finding].kind
        if status is Status.PAST and kind == "history":
            status = Status.PRESENT  # a past illness is what such a finding states
        if status is Status.POSSIBLE and kind == "result" and sentence.field == "investigations":
            status = Status.PRESENT  # radiologists write so
        if match.gap and status is Status.PRESENT and _denied_within(match, sentence.text):
            status = Status.ABSENT
        if match.loose:
            if match.denies or status is not Status.PRESENT:
                return
            status = Status.POSSIBLE
        if match.denies:
            if status is not Status.PRESENT:
                return
            status = Status.ABSENT
        yield Observation(match.finding, status, start, end, sentence.field, match.loose)

    def _judge(self, value: Value, age: float | None, sex: str, sentence: Sentence) -> Iterator[Observation]:
        """The findings that a value is, and those that it rules out."""
        for name, limit in self._limits:
            if limit.of != value.measure:
                continue
            if limit.ages is not None and not limit.ages[0] <= (age if age is not None else 40) <= limit.ages[1]:
                continue
            if limit.sex is not None and sex != limit.sex:
                continue
            status = Status.PRESENT if limit.holds(value.number) else Status.ABSENT
            if value.past:
                status = Status.PAST
            yield Observation(name, status, value.start, value.end, sentence.field)

    def _matches(self, sentence: Sentence) -> list[_Match]:
        text = sentence.text
        return _settle(text, [*self._match_chinese(text), *self._match_english(text)], self._broader)

    def _match_chinese(self, text: str) -> Iterator[_Match]:
        folded = text.casefold()
        for at in range(len(folded)):
            if not folded[at].isalnum():
                continue
            for key in (folded[at : at + 2], folded[at]):
                for phrase in self._chinese.get(key, ()):
                    if (places := _fit(folded, at, phrase.parts)) is not None:
                        yield _Match(phrase.finding, phrase.denies, at, max(places) + 1, frozenset(places))

    def _match_english(self, text: str) -> Iterator[_Match]:
        for clause in _clauses(text):
            by_stem: dict[str, list[int]] = defaultdict(list)
            for place, (word, _, _) in enumerate(clause):
                by_stem[word].append(place)
            for word in by_stem:
                for phrase in self._english.get(word, ()):
                    missing = [each for each in phrase.stems if each not in by_stem]
                    if not missing:
                        yield from _place(phrase, clause, by_stem, word)
                    elif len(missing) == 1 and not _decides(missing[0]) and len(set(phrase.stems)) >= LOOSE:
                        left = tuple(each for each in phrase.stems if each not in missing)
                        short = _Phrase(phrase.finding, phrase.denies, stems=left)
                        yield from _place(short, clause, by_stem, word, loose=True)


_NOT = re.compile(r"\b(?:no|not|never|without|denies|denied)\b|[无未]|没有", re.IGNORECASE)


def _denied_within(match: _Match, text: str) -> bool:
    """Whether a denial stands between the words of the phrase and is none of them: “spleen tip not palpable”."""
    return any(found.start() not in match.covered for found in _NOT.finditer(text, match.start, match.end))


def _fit(text: str, at: int, parts: tuple[str, ...]) -> list[int] | None:
    """The places of a Chinese phrase that begins at `at`, or None."""
    if not text.startswith(parts[0], at):
        return None
    first = parts[0]
    if first[0].isascii() and at and text[at - 1].isascii() and text[at - 1].isalnum():
        return None  # in the middle of a Latin word
    places = list(range(at, at + len(first)))
    for part in parts[1:]:
        begin = places[-1] + 1
        found = text.find(part, begin, begin + GAP + len(part))
        if found < 0 or re.search(r"[，,。；;、！？\n]", text[begin:found]):
            return None
        places += range(found, found + len(part))
    end = places[-1]
    if (
        text[end].isascii()
        and text[end].isalpha()
        and end + 1 < len(text)
        and text[end + 1].isascii()
        and text[end + 1].isalpha()
    ):
        return None
    return places


def _place(
    phrase: _Phrase,
    clause: list[tuple[str, int, int]],
    by_stem: Mapping[str, list[int]],
    anchor: str,
    loose: bool = False,
) -> Iterator[_Match]:
    """An English phrase around each place of its rarest word, as tight as it fits."""
    room = len(phrase.stems) + FOREIGN
    for at in by_stem[anchor]:
        taken = {at}
        for word in phrase.stems:
            if word == anchor:
                continue
            near = [place for place in by_stem[word] if place not in taken and abs(place - at) < room]
            if not near:
                break
            taken.add(min(near, key=lambda place: abs(place - at)))
        else:
            if len(taken) < len(set(phrase.stems)):
                continue
            low, high = min(taken), max(taken)
            if high - low < room:
                yield _Match(
                    phrase.finding,
                    phrase.denies,
                    clause[low][1],
                    clause[high][2],
                    frozenset(each for place in taken for each in range(clause[place][1], clause[place][2])),
                    high - low + 1 - len(taken),
                    loose,
                )


_AND = re.compile(r"\b(?:and|or)\b|[&/]", re.IGNORECASE)


def _settle(text: str, matches: list[_Match], broader: Mapping[str, frozenset[str]]) -> list[_Match]:
    """Drop what lies within a longer phrase, and loose fits whose words belong to a tighter one between them.

    In “chest clear and abdominal pain” the pain is the abdomen's; “chest … pain” must not take it. In “face and neck
    swollen” both are meant: the one word between belongs to the same list.
    """
    kept: list[_Match] = []
    for match in sorted(matches, key=lambda each: (each.loose, -len(each.covered), each.gap)):
        if match.loose and any(match.covered & other.covered for other in kept):
            continue
        if any(match.covered < other.covered and not _kin(match, other, broader) for other in kept):
            continue
        listed = match.gap == 1 and _AND.search(text, match.start, match.end)
        if (
            match.gap
            and not listed
            and any(
                other is not match
                and other.loose <= match.loose
                and other.gap < match.gap
                and other.covered & match.covered
                and any(match.start < place < match.end for place in other.covered - match.covered)
                and not _kin(match, other, broader)
                for other in matches
            )
        ):
            continue
        kept.append(match)
    return kept


def _kin(one: _Match, other: _Match, broader: Mapping[str, frozenset[str]]) -> bool:
    return one.finding in broader.get(other.finding, ()) or other.finding in broader.get(one.finding, ())


# --- English clauses.

_BREAK = re.compile(
    r"[.,;:!?()\[\]/](?!\d)|(?<!\d)[.,]|\s[-–—]\s|\bbut\b|\bthough\b|\n|[，。；：、（）]", re.IGNORECASE
)


def _clauses(text: str) -> Iterator[list[tuple[str, int, int]]]:
    """The words of each clause that bear meaning: stem, start and end in `text`."""
    begin = 0
    for stop in [*(found.span() for found in _BREAK.finditer(text)), (len(text), len(text))]:
        words = [
            (each, found.start(), found.end())
            for found in WORD.finditer(text, begin, stop[0])
            if (each := stem(found.group()))
        ]
        if words:
            yield words
        begin = stop[1]


# --- What is said to be normal.

_NORMAL = re.compile(r"\b(?:raised|elevated|high|positive|increased|abnormal)\b", re.IGNORECASE)
_NORMAL_ZH = re.compile(r"明显升高|升高|增高|偏高|阳性|异常")


def _phrases(texts: Iterable[str], abnormal: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    """Every phrase, and for “X raised” its opposites, which deny the finding."""
    for text in texts:
        yield text, False
        if (found := abnormal.search(text)) and len(text) - len(found.group()) >= 2 and "…" not in text:
            opposites = ("正常", "阴性", "不高", "未见异常") if abnormal is _NORMAL_ZH else ("normal", "negative")
            for opposite in opposites:
                yield text[: found.start()] + opposite + text[found.end() :], True
