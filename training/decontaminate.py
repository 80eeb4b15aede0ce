"""Which records overlap with a test set, so that what is measured on it is not what was learned by heart.

Test texts are all strings of the test files longer than 40 characters, whatever their shape, and lists of strings put
together where they are statements; what is shorter than a run is a name and no passage. A record overlaps with a test text when any of this holds:

- they share a run of 8 words (English) or 13 characters (Chinese) that is no stock phrase. Stock is what three test
  items have, numbers and the patient's sex apart: “year-old man comes to the physician because of”;
- they share half of all such runs of a longer text, stock or not;
- the clauses of the record that resemble the text hold, in whatever order, the words of the text (Chinese: its pairs
  of characters), or a passage of the record is nearly the text letter for letter: both by rapidfuzz, `fuzzy` of 100.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from medassist.case import detect_language
from medassist.errors import Language
from training.config import Decontaminate
from training.errors import BadData
from training.grams import grams, tokens
from training.rows import texts
from training.sources import read_text

STOCK = 3
"""A run found in so many test items tells nothing of any of them."""
HALF = 0.5
_MANY = 20
"""Runs. A text of so many is known by half of them even where they are stock: a vignette that three questions share."""
_FEWEST_FUZZY = {"en": 9, "zh": 16}
"""Different tokens. “He denied fever, chills or weight loss” is in many cases, in any order."""
_CANDIDATE = 0.4
"""Share of pairs of tokens from which a record is looked at closely; clauses of three words keep two thirds of theirs."""
_RESEMBLES = 0.6
"""Share of its tokens that a clause has in common with the test text, from which it counts as taken from there."""

_CLAUSE = re.compile(r"[\n.;:!?,。；：！？，、…()（）]+(?!\d)")
_PERSON = re.compile(r"\b(?:man|woman|boy|girl|male|female|he|she|his|her|him)\b|[男女他她]")


@dataclass(frozen=True)
class TestText:
    """A text that must not be trained on. `item` is its line, or its place in a JSON list, from 1."""

    __test__ = False  # no class of tests, whatever pytest thinks of its name

    file: str
    item: int
    field: str
    text: str


@dataclass(frozen=True)
class Overlap:
    """A record's overlap with one item of a test file; `score` of 100: runs shared, or likeness of the words."""

    file: str
    item: int
    field: str
    how: Literal["runs", "fuzzy"]
    score: int

    def __str__(self) -> str:
        what = "shared runs" if self.how == "runs" else "reworded or reordered"
        return f"{self.file}:{self.item}: {self.field}: {what}, {self.score} of 100"


# --- Test files.


def test_files(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and the JSON and JSONL files of folders. Raises `BadData` where there is none."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(each for each in path.rglob("*.json*") if each.is_file()) if path.is_dir() else [path]
        if not inside:
            raise BadData(
                where=str(path), reason="holds no .json or .jsonl file.", reason_zh="没有 .json 或 .jsonl 文件。"
            )
        found += inside
    return found


def read_tests(paths: Iterable[Path], shortest: int = 40) -> list[TestText]:
    """All test texts of JSON and JSONL files of any shape. A file that cannot be read whole raises `BadData`."""
    found: list[TestText] = []
    for path in paths:
        before = len(found)
        for item, value in enumerate(_items(path), 1):
            seen = dict.fromkeys((text, field) for field, text in _strings(value, shortest) if len(text) > shortest)
            found += [TestText(str(path), item, field or "text", text) for text, field in seen]
        if len(found) == before:
            raise BadData(
                where=str(path),
                reason=f"holds no text longer than {shortest} characters.",
                reason_zh=f"没有超过 {shortest} 个字符的文本。",
            )
    return found


def _items(path: Path) -> list[Any]:
    """The elements of a JSON list, or the lines of JSONL."""
    text = read_text(path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [_line(path, number, line) for number, line in enumerate(text.split("\n"), 1)]
    return value if isinstance(value, list) else [value]


def _line(path: Path, number: int, line: str) -> Any:
    if not line.strip():
        return None
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise BadData(where=f"{path}:{number}", reason="is no valid JSON.", reason_zh="不是有效的 JSON。") from None


def _strings(value: Any, shortest: int) -> Iterator[tuple[str, str]]:
    """Every string with its path, and every list of statements as one text; a list of names is none."""
    yield from texts(value)
    for field, parts in _lists(value, ""):
        if len(parts) > 1 and sum(map(len, parts)) > shortest * len(parts):
            yield field, "\n".join(parts)


def _lists(value: Any, field: str) -> Iterator[tuple[str, list[str]]]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        yield field, value
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _lists(part, f"{field}[{number}]")
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _lists(part, f"{field}.{name}" if field else str(name))


# --- Looking for overlaps.


class Tests:
    """All test texts, ready to be looked for."""

    __test__ = False

    def __init__(self, found: Sequence[TestText], settings: Decontaminate) -> None:
        by_language: dict[Language, list[TestText]] = {"en": [], "zh": []}
        for each in found:
            by_language[detect_language(each.text)].append(each)
        sizes: dict[Language, int] = {"en": settings.words, "zh": settings.characters}
        self._indexes = [_Index(part, name, sizes[name]) for name, part in by_language.items() if part]
        self._fuzzy = settings.fuzzy

    def overlaps(self, parts: Sequence[str]) -> list[Overlap]:
        """Each item of a test file that a record of these texts overlaps with, once, by its strongest sign."""
        best: dict[tuple[str, int], Overlap] = {}
        for index in self._indexes:
            for found in index.overlaps(parts, self._fuzzy):
                key = (found.file, found.item)
                if key not in best or found.score > best[key].score:
                    best[key] = found
        return [best[key] for key in sorted(best)]


class _Index:
    """The test texts of one language by their runs of tokens, and by their pairs."""

    def __init__(self, found: Sequence[TestText], language: Language, size: int) -> None:
        self.language, self.size = language, size
        split = [tokens(each.text, language) for each in found]
        self.found = [each for each, parts in zip(found, split, strict=True) if len(parts) >= size]
        self.tokens = [parts for parts in split if len(parts) >= size]
        self.runs, self.totals = self._inverted(size)
        self.stock = self._stock()
        pairs, self.pair_totals = self._inverted(2)
        telling = {number for gram in self.runs.keys() - self.stock for number in self.runs[gram]}
        self.is_passage = self.totals >= _MANY
        self.is_passage[list(telling)] = True
        self.pairs: dict[str, NDArray[np.int64]] = {pair: np.array(where) for pair, where in pairs.items()}

    def _inverted(self, size: int) -> tuple[dict[str, list[int]], NDArray[np.int64]]:
        where: dict[str, list[int]] = defaultdict(list)
        totals = np.zeros(len(self.tokens), dtype=np.int64)
        for number, parts in enumerate(self.tokens):
            mine = set(grams(parts, size, self.language))
            totals[number] = len(mine)
            for gram in mine:
                where[gram].append(number)
        return dict(where), totals

    def _stock(self) -> set[str]:
        """Runs that several items have, numbers and sex apart."""
        items: dict[str, set[tuple[str, int]]] = defaultdict(set)
        for gram, where in self.runs.items():
            items[_masked(gram)] |= {(self.found[each].file, self.found[each].item) for each in where}
        return {gram for gram in self.runs if len(items[_masked(gram)]) >= STOCK}

    def overlaps(self, parts: Sequence[str], fuzzy: float) -> Iterator[Overlap]:
        split = [tokens(part, self.language) for part in parts]
        shared = self._shared_runs(split)
        for number, score in shared.items():
            yield self._overlap(number, "runs", score)
        near = [number for number in self._near(split) if number not in shared]
        if near:
            passages = [*parts, "\n".join(parts)] if len(parts) > 1 else list(parts)
            for number in near:
                likeness = max(self._likeness(number, passage) for passage in passages)
                if likeness >= fuzzy:
                    yield self._overlap(number, "fuzzy", likeness)

    def _overlap(self, number: int, how: Literal["runs", "fuzzy"], score: float) -> Overlap:
        found = self.found[number]
        return Overlap(found.file, found.item, found.field, how, max(1, round(score)))

    def _shared_runs(self, split: Sequence[Sequence[str]]) -> dict[int, float]:
        """Texts with a telling run in common, with the share of their runs that is."""
        long = [parts for parts in split if len(parts) >= self.size]
        mine = {gram for parts in long for gram in grams(parts, self.size, self.language)} & self.runs.keys()
        counts = Counter(number for gram in mine for number in self.runs[gram])
        telling = {number for gram in mine - self.stock for number in self.runs[gram]}
        return {
            number: 100 * count / self.totals[number]
            for number, count in counts.items()
            if number in telling or count >= max(_MANY, HALF * self.totals[number])
        }

    def _near(self, split: Sequence[Sequence[str]]) -> list[int]:
        """Texts whose pairs of tokens are mostly in the record."""
        mine = {gram for parts in split for gram in grams(parts, 2, self.language)} & self.pairs.keys()
        if not mine:
            return []
        counts = np.bincount(np.concatenate([self.pairs[pair] for pair in mine]), minlength=len(self.found))
        near = self.is_passage & (counts >= _CANDIDATE * self.pair_totals)
        return [int(number) for number in np.flatnonzero(near)]

    def _own(self, number: int) -> set[str]:
        """The tokens of a text that stand in none of its stock runs (Chinese: the pairs)."""
        parts = self.tokens[number]
        stock = [gram in self.stock for gram in grams(parts, self.size, self.language)]
        width = 1 if self.language == "en" else 2
        places = range(len(parts) - width + 1)
        # The runs that hold the token at `place` start at most a run's length before it.
        free = [p for p in places if not any(stock[max(0, p + width - self.size) : p + 1])]
        return {"".join(parts[place : place + width]) for place in free}

    def _likeness(self, number: int, passage: str) -> float:
        text = self.found[number].text
        wanted = _bag(text, self.language)
        if len(wanted) < _FEWEST_FUZZY[self.language]:
            return 0.0
        own = self._own(number) & wanted
        if own and len(own & _bag(passage, self.language)) < _RESEMBLES * len(own):
            return 0.0
        taken: set[str] = set()
        for clause in _CLAUSE.split(passage):
            mine = _bag(clause, self.language)
            if mine and len(mine & wanted) >= _RESEMBLES * len(mine):
                taken |= mine
        in_any_order = fuzz.ratio(sorted(wanted), sorted(taken))
        between = "" if self.language == "zh" else " "
        one, other = (between.join(tokens(each, self.language)) for each in (text, passage))
        nearly = fuzz.partial_ratio(one, other) if len(one) <= len(other) else fuzz.ratio(one, other)
        return max(in_any_order, nearly)


def _bag(text: str, language: Language) -> set[str]:
    """Words; in Chinese pairs of characters, none across a clause's end, since clauses may stand in any order."""
    if language == "en":
        return set(tokens(text, language))
    return {pair for clause in _CLAUSE.split(text) for pair in grams(tokens(clause, language), 2, language)}


def _masked(gram: str) -> str:
    return _PERSON.sub("*", re.sub(r"\d+", "0", gram))
