"""Records that ask the same: MinHash finds the candidates, the Jaccard index of their shingles decides.

Compared is what is asked, not the answer: a case with two answers is one case. Shingles are word 5-grams in English
and character 5-grams in Chinese, where white space separates nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from datasketch import MinHash, MinHashLSH

from medassist.case import detect_language
from training.config import Duplicates
from training.grams import grams, tokens
from training.sources import progress

SHINGLE = 5


def shingles(text: str) -> frozenset[str]:
    """The 5-grams of a text in its own language."""
    language = detect_language(text)
    return frozenset(grams(tokens(text, language), SHINGLE, language))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of shingles that both have among those that either has."""
    return len(one & other) / len(one | other) if one or other else 1.0


@dataclass(frozen=True)
class Found:
    """Of texts by number: which repeats which, and which text stands for each one's case."""

    duplicate_of: dict[int, int]
    case_of: list[int]


def find_duplicates(texts: Sequence[str], settings: Duplicates) -> Found:
    """Near-duplicates among `texts`. The first of a kind is kept, so put first what matters most."""
    index = MinHashLSH(threshold=max(settings.same_case, 0.05), num_perm=settings.permutations)
    kept: dict[int, frozenset[str]] = {}
    cases = Cases(len(texts))
    duplicate_of: dict[int, int] = {}
    for number, text in enumerate(progress(texts, "duplicates", len(texts))):
        mine = shingles(text)
        sketch = _sketch(mine, settings.permutations)
        near = [(jaccard(mine, kept[other]), -other) for other in index.query(sketch)]
        for alike, other in near:
            if alike >= settings.same_case:
                cases.join(number, -other)
        nearest, other = max(near, default=(0.0, 0))
        if settings.drop is not None and near and nearest >= settings.drop:
            duplicate_of[number] = -other
        else:
            index.insert(number, sketch)
            kept[number] = mine
    return Found(duplicate_of, [cases.first(number) for number in range(len(texts))])


def _sketch(parts: frozenset[str], permutations: int) -> MinHash:
    sketch = MinHash(num_perm=permutations)
    sketch.update_batch([part.encode() for part in parts])
    return sketch


class Cases:
    """Numbers joined to sets; each set is known by its smallest member."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def first(self, number: int) -> int:
        while self._above[number] != number:
            self._above[number] = self._above[self._above[number]]
            number = self._above[number]
        return number

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self.first(one), self.first(other)))
        self._above[other] = one
