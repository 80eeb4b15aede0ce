"""English words reduced to what tells them apart: one form for all inflections and both spellings."""

import re
from functools import cache, lru_cache

import snowballstemmer

WORD = re.compile(r"[A-Za-z0-9]+(?:['’][A-Za-z]+)?")
_LITTLE = frozenset(
    [
        "do",
        "does",
        "did",
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
        "about",
    ]
)
_STEMMER = snowballstemmer.stemmer("english")
_IRREGULAR = {
    "swollen": "swell", "swelled": "swell", "felt": "feel", "bled": "bleed", "blood": "blood", "bit": "bite", "bitten": "bite",
    "broke": "break", "broken": "break", "fell": "fall", "fallen": "fall", "lost": "loss", "lose": "loss", "losing": "loss", "loses": "loss",
    "slept": "sleep", "woke": "wake", "woken": "wake", "shook": "shake", "shaken": "shake", "ate": "eat", "eaten": "eat",
    "swore": "swear", "worse": "worse", "worsening": "worse", "worsens": "worse", "worsened": "worse", "breathless": "breathless", "feet": "foot",
    "teeth": "tooth", "legs": "leg", "painful": "pain", "aching": "ache", "achy": "ache", "went": "go", "goes": "go", "gone": "go", "began": "begin", "begun": "begin",
    "spat": "spit", "tore": "tear", "torn": "tear", "hurts": "hurt", "hurting": "hurt", "gave": "give", "given": "give", "took": "take", "taken": "take",
    "came": "come", "children": "child", "women": "woman", "men": "man", "got": "get", "left": "left", "stung": "sting", "grew": "grow", "grown": "grow",
    "stye": "stye", "sty": "stye", "testes": "testi", "winded": "winded", "tearful": "tearful", "tearfulness": "tearful",
    "overeating": "overeat", "overeat": "overeat", "overate": "overeat", "clubbing": "clubbing", "clubbed": "clubbing",
    "stabbing": "stabbing", "mucositis": "mucositis", "gingivitis": "gingivitis", "sodium": "sodium", "overdose": "overdose", "overdosed": "overdose",
    "seen": "see", "saw": "see", "spoke": "speak", "spoken": "speak", "could": "can", "couldnt": "cannot", "cant": "cannot",
}  # fmt: skip


_SAME = """
abdomen abdominal abdo abd belly tummy
testis testicle testicular
scrotum scrotal hemiscrotum
esophagus oesophagus esophageal oesophageal gullet
stool stools faeces feces poo poop motions
urine urinary wee pee
kidney renal
liver hepatic
lung pulmonary
heart cardiac
face facial
muscle muscular
vein venous
artery arterial
axilla axillary armpit underarm
groin inguinal
bone bony osseous
skin cutaneous
joint articular
tonsil tonsillar
uterus uterine womb
ovary ovarian
vagina vaginal
breast mammary
spleen splenic
pupil pupillary
cornea corneal
retina retinal
gum gums gingiva gingival
tongue lingual
nose nasal
ear aural otic
spine spinal
vertebra vertebral
pelvis pelvic
throat pharynx pharyngeal
anus anal
rectum rectal
pain pains painful ache aches aching achy sore soreness hurt hurts hurting
tender tenderness tndr
itch itchy itching itches pruritus pruritic
red redness reddened erythema erythematous
lump mass
crackles crackle creps crepitations crepts crep rales
raised elevated high increased elevation incr
low lowered reduced decreased reduction decr
sudden suddenly abrupt abruptly
positive pos +ve
negative neg
irregular irreg irregularly
enlarged enlargement
difficulty difficulties trouble
weak weakness
bleed bleeding bleeds
diffuse diffusely
bilateral bilat bilaterally
right rt
left lt
history hx
exam examination
ecg ekg
xr xray radiograph
tachy tachycardia tachycardic
brady bradycardia bradycardic
hypotension hypotensive
hypertension hypertensive
fever fevers feverish febrile pyrexial pyrexia
effusion effusions
ulcer ulcers ulceration ulcerated
swell swelling swollen swelled swells
oedema edema oedematous edematous
vomit vomiting vomited vomits
cough coughing coughs
faint fainted fainting faints
itchiness itch
dizzy dizziness
drowsy drowsiness
breathless breathlessness
clammy clamminess
thirst thirsty
hoarse hoarseness
stiff stiffness
numb numbness
pale pallor
"""
"""Words that say the same: stems of one line count as one. Only such as mean the same in every phrase."""


def _classes() -> dict[str, str]:
    same: dict[str, str] = {}
    for line in _SAME.strip().splitlines():
        first, *rest = (_plain_stem(word) for word in line.split())
        for each in rest:
            same.setdefault(each, same.get(first, first))
    return same


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """One form for all inflections, both spellings and what says the same; "" for a little word."""
    word = word.lower().replace("'", "").replace("’", "")
    if word in _LITTLE:
        return ""
    plain = _plain_stem(word)
    return _same().get(plain, plain)


def _plain_stem(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
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


@cache
def _same() -> dict[str, str]:
    return _classes()


def meaning(phrase: str) -> list[str]:
    """The stems of a phrase without its little words."""
    return [each for each in map(stem, WORD.findall(phrase)) if each]
