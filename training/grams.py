"""Texts as runs of tokens, by which near-duplicates and overlaps are found in either language."""

import re
import unicodedata
from collections.abc import Sequence

from medassist.errors import Language

_WORD = re.compile(r"[a-z0-9]+")
_CHARACTER = re.compile(r"[a-z0-9]+|[^\W_]")


def tokens(text: str, language: Language) -> list[str]:
    """Words of an English text, characters of a Chinese one, where a Latin word or a number counts as one.

    Case, width and punctuation are left out.
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    return (_CHARACTER if language == "zh" else _WORD).findall(text)


def grams(parts: Sequence[str], size: int, language: Language) -> list[str]:
    """Every run of `size` tokens; one run of all where there are fewer."""
    between = "" if language == "zh" else " "
    last = max(1, len(parts) - size + 1) if parts else 0
    return [between.join(parts[start : start + size]) for start in range(last)]
