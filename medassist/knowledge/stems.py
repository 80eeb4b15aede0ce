"""English words reduced to what tells them apart: one form for all inflections and both spellings."""

import re
from functools import lru_cache

import snowballstemmer

WORD = re.compile(r"[A-Za-z0-9]+(?:['’][A-Za-z]+)?")
_LITTLE = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "into",
        "with",
        "from",
        "for",
        "by",
        "and",
        "or",
        "his",
        "her",
        "their",
        "its",
        "my",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
        "has",
        "have",
        "had",
        "he",
        "she",
        "they",
        "it",
        "this",
        "that",
        "these",
        "those",
        "some",
        "as",
        "very",
        "quite",
        "so",
        "then",
        "than",
        "there",
        "when",
        "while",
        "which",
        "who",
        "just",
        "really",
        "also",
        "any",
        "all",
        "both",
        "about",
    ]
)
_STEMMER = snowballstemmer.stemmer("english")
_IRREGULAR = {
    "swollen": "swell", "swelled": "swell", "felt": "feel", "bled": "bleed", "blood": "blood", "bit": "bite", "bitten": "bite",
    "broke": "break", "broken": "break", "fell": "fall", "fallen": "fall", "lost": "loss", "lose": "loss", "losing": "loss", "loses": "loss",
    "slept": "sleep", "woke": "wake", "woken": "wake", "shook": "shake", "shaken": "shake", "ate": "eat", "eaten": "eat", "drank": "drink", "drunk": "drink",
    "swore": "swear", "worse": "worse", "worsening": "worse", "worsens": "worse", "worsened": "worse", "breathless": "breathless", "feet": "foot",
    "teeth": "tooth", "legs": "leg", "painful": "pain", "aching": "ache", "achy": "ache", "went": "go", "gone": "go", "began": "begin", "begun": "begin",
    "spat": "spit", "tore": "tear", "torn": "tear", "hurts": "hurt", "hurting": "hurt", "gave": "give", "given": "give", "took": "take", "taken": "take",
    "came": "come", "children": "child", "women": "woman", "men": "man", "got": "get", "left": "left", "stung": "sting", "grew": "grow", "grown": "grow",
    "seen": "see", "saw": "see", "spoke": "speak", "spoken": "speak", "could": "can", "couldnt": "cannot", "cant": "cannot", "didnt": "not",
}  # fmt: skip


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """One form for all inflections and both spellings; "" for a little word."""
    word = word.lower().replace("'", "").replace("’", "")
    if word in _LITTLE:
        return ""
    word = _IRREGULAR.get(word, word)
    if len(word) > 4:
        word = word.replace("ae", "e").replace("oe", "e")
        word = re.sub(r"our(?=s?$|ed$|ing$|less$|ation$)", "or", word)
        word = (
            word.replace("isation", "ization")
            .replace("ised", "ized")
            .replace("ising", "izing")
            .replace("leuco", "leuko")
        )
    return str(_STEMMER.stemWord(word))


def meaning(phrase: str) -> list[str]:
    """The stems of a phrase without its little words."""
    return [each for each in map(stem, WORD.findall(phrase)) if each]
