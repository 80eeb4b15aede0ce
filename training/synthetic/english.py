"""What kind of phrase an English wording of a finding is, and so where it may stand in a sentence.

The graph's words are made for searching: little words are left out, word order is free. What reads as English is kept
for prose and sorted by what it can follow (“reports a cough”, “wakes at night”, “is short of breath”); the rest is
`loose` and stands in telegraphic notes only, where doctors write so themselves.
"""

import re
from itertools import pairwise
from typing import Literal

Form = Literal["noun", "verb", "past", "adjective", "loose"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_VERBS = _set(
    "acts aspirates attends avoids believes blushes blurts brings bruises cannot can't carries checks chews chokes "
    "cleans clenches confabulates cooks coughs covers craves cries curls dislikes dissociates does doesn't dozes draws "
    "dreads dribbles drifts drinks drools eats expectorates experiences fabricates faints favours feels fidgets forgets "
    "freezes gets goes grinds grunts handles has hates hears hides idealizes ignores induces inhales injects insists "
    "interrupts keeps laughs leans likes limps lives looks makes misplaces mumbles needs neglects owns paces "
    "passes pees picks pokes prefers pulls punches refuses regurgitates relives repeats resists restricts retreats "
    "rubs says scratches screams sees sets shouts shuffles sits skips slaughters sleeps smells smokes sneezes snores "
    "soaks splutters squats squints startles breaks takes stares stands sticks struggles sways talks tells thinks throws tires trips "
    "twitches uses veers vomits waddles waits wakes walks wants washes wets won't worries yells"
)
_PAST = _set("ate drank fainted fell gave had hit landed lost slipped swallowed threw took tripped underwent vomited")
_ADJECTIVES = _set(
    "afraid agitated allergic ashen bedridden bewildered breathless clammy comatose confused cyanosed cyanotic "
    "dehydrated diabetic disoriented dizzy drowsy dyspneic dyspnoeic euphoric exhausted faint febrile feverish "
    "fidgety flushed forgetful giddy hopeless hypertensive hypotensive hypothermic hypoxic icteric immunosuppressed "
    "incontinent intoxicated irritable jaundiced jittery jumpy lethargic lightheaded listless malnourished menopausal "
    "muddled nauseated nauseous nervous obese obtunded overweight pallid postmenopausal postpartum pregnant pyrexial "
    "queasy restless scared semiconscious sleepless sleepy somnolent stuporous suicidal sweaty tachycardic tachypneic "
    "tachypnoeic tearful terrified thirsty tired toxic tremulous unable unconscious underweight unkempt unresponsive "
    "unsteady withdrawn wobbly numb itchy stiff sick short off homeless sensitive knocked upset"
)
_ALONE = _set(
    "anomic anorexic anticoagulated anuric anxious apathetic aphasic apneic apnoeic apprehensive apraxic areflexic "
    "asplenic assaultive asthmatic ataxic atopic bad-tempered balding bipolar bloated bradycardic bradykinetic cachectic "
    "catatonic catheterised chilly cirrhotic combative constipated cross-eyed debilitated delirious delusional demented "
    "dermographic desaturated diaphoretic disinhibited disorientated distractible dysarthric dyspeptic dystonic elated "
    "electrocuted emaciated epileptic erythrodermic euvolaemic euvolemic fair-skinned farsighted fatigable fatigued gouty "
    "gravid guilt-ridden hemiparetic hemiplegic hyper-reflexic hyperopic hyperreflexic hypersexual hypervigilant "
    "hypochondriacal hypoxemic immunocompromised impulsive inattentive incarcerated incoherent indecisive indifferent "
    "kyphotic lanky light-headed long-sighted microcephalic miserable non-ambulatory nulligravid nulliparous osteoporotic "
    "overtalkative panicky paranoid paraplegic perimenopausal peritonitic pessimistic photophobic photosensitive "
    "post-ictal postictal post-natal postnatal postoperative pre-syncopal proptotic pruritic puffy puerperal ravenous "
    "scalded schizophrenic sedentary short-tempered snappy spastic stabbed stridulous talkative transfused unarousable "
    "undernourished uneasy unhappy unimmunised unimmunized unrousable unvaccinated vertiginous wasted wheezy winded woozy "
    "defiant argumentative normovolemic hypovolemic hypovolaemic aggressive septic unwell poorly pale fussy clumsy hungry shaky shivery tense depressed elated dazed dopey groggy"
)
"""Adjectives that stand alone."""
_NO_NOUN = _set(
    "abruptly gradually suddenly insidious episodic long-standing longstanding pack-year petechial comedonal chemotic "
    "copper-colored eczematous excoriated lichenified nonblanching oligoarticular polyarticular pauciarticular "
    "monoarticular impetiginized sporotrichoid sclerodermatous submerged orthostatic mid-epigastric nystagmoid recurring "
    "episodically progressive worsening intermittently hacking"
)
_ADVERBS = _set(
    "extremely generally very really terribly always constantly chronically morbidly severely mildly visibly easily"
)
_AFTER_ADJECTIVE = _set(
    "to of all with on in for by about at and after when during over from without walking climbing lying standing "
    "most every the since"
)
_ALSO_ADJECTIVAL = _set("numb itchy stiff sick short off sensitive toxic faint")
"""Such a word may as well stand before a noun (“itchy rash”): alone or before a little word it is said of the patient."""

_LITTLE = _set(
    "a an the of in on at to into with without from for by and or after before during since when while over under "
    "behind below above between near around through within as than that which who like per between outside inside "
    "across against along despite until upon out up down off"
)
_NOT_FIRST = _set(
    "never not no after on in off out like can when if worse better relieved hurts found still always just very something "
    "everything i i'm he she they it it's he's she's mum mother's dad's same too only despite never nor or and with "
    "without at by for from to into since until while unresponsive barely hardly worst gone going went came come "
    "comes won't doesn't didn't isn't nothing almost nearly pt patient improves improved worsens eases eased goes radiates "
    "abruptly gradually suddenly immediately whole run born bitten struck difficult worried quit sat caught forgot failed "
    "been own using within began picked thought ran dropped passed cut brought pulled during surfaced ascended visited "
    "suctioning needing skipped picking hard extremely generally finger-nose raised? sat woke woken stuck slept needed "
    "someone eyes generator heard jumped doing baby child infant parents spreads blanches resolves settles recurs stops started stopped got getting half can't below above over under "
    "known: hx h/o fhx fh pmh pmhx s/p c/o o/e prev r l ?"
)
_TIMES = _set("once twice three four five six times")
_FINITE = _set(
    "is are was were has have had hurts hurt looks feels felt gets goes comes came went keeps burns bleeds aches won't "
    "doesn't don't can't cannot does did didn't itches tingles makes fell stopped started seems turns got wakes "
    "helps shows isn't aren't wasn't couldn't could will would says said gone smells stings drips pops locks gives "
    "throbs swells sticks disappears disappeared worsens improves radiates spreads varies comes spins blown killing "
    "turned swelled stinks popped broke leaks burst settled waxes wanes pounding puffs fades stand struck rolled shook drip aggravates"
)
_FIRST_PERSON = _set("i i'm i've my me we our us you your myself mine")
_HEADS = _set(
    "pain pains ache aches swelling lump lumps rash itching tenderness weakness numbness redness stiffness headache "
    "headaches cough fever vomiting nausea blisters spots dyspnea dyspnoea bruising diarrhea diarrhoea tingling itch "
    "soreness burning cramps discomfort bulge deformity tremor"
)
_AFTER_HEAD = _LITTLE | _set(
    "worse worsening relieved lasting radiating spreading shooting better eased easing triggered waking going coming "
    "starting unrelieved improving improved syndrome attacks attack episodes again only especially more less "
    "precipitated provoked aggravated brought induced made extending moving rapidly everywhere overnight daily today "
    "localized localised disproportionate referred tracking increasing growing preceding following lying standing "
    "sensation crisis"
)
_RELATIVE = _set("that which who where when while as after before so but and")
_PEOPLE = _set(
    "child infant baby adult newborn neonate toddler pregnancy woman man male female boy girl patient kid teen teenager "
    "elderly children infants woman's teens schoolchild diabetic smoker yrs years"
)
_LAY = _set(
    "tummy belly poo pee peeing wee puking mum mom dad balls bum nut kid knackered chucking killing agony sore gooch "
    "taint bollocks ballbag willy privates butt bottom poop pooing snot gunk throwing threw spewing barfing heaving "
    "wobbly funny zits pimples knees bits stuff whole goes bloke skinny puff winded telly jabs achy cramps dodgy "
    "grapefruit golf egg watering scared moody blue balloon stinky smelly yucky bump bumps can't won't"
)
_NUMBER = re.compile(r"(?<![A-Za-z-])\d|\d+\s*%|[<>=≥≤?+↑↓*&@#]|\bx\d")
_WORD = re.compile(r"[^\s,]+")
_GENDERED = {
    "male": re.compile(r"\b(?:she|her|hers|herself|wife's?|girl|woman|lady|mummy)\b", re.IGNORECASE),
    "female": re.compile(r"\b(?:he|him|his|himself|boy|man|bloke|gent)\b", re.IGNORECASE),
}


def usable(text: str) -> bool:
    """Whether a note may say so at all: no figures of somebody else's, no sign that stands for a word."""
    return not _NUMBER.search(text) and 3 <= len(text) <= 70 and not text.endswith(("-", "/"))


def suits(text: str, sex: str) -> bool:
    """Whether a phrase can be said of a patient of this sex."""
    return sex not in _GENDERED or not _GENDERED[sex].search(text)


def lay(text: str) -> bool:
    """Whether only a lay person would say so."""
    return any(word in _LAY for word in text.casefold().split())


_COUNTED = _set(
    "cough fever headache rash lump mass bulge ulcer sore tremor murmur blister bruise limp nodule plaque patch cyst "
    "discharge wheeze feeling burn stroke fracture hernia click lesion wound papule throat nose neck eye appetite tongue "
    "pulse collapse temperature tumor tumour polyp goiter goitre squint abscess sensation gait voice boil wart spot mole "
    "stye birthmark swelling fit faint seizure convulsion sinus tick"
)
_NO_ARTICLE = _set("a an the his her no loss pain known recent both two multiple many several family")


def article(text: str) -> str:
    """“a ” or “an ” before a phrase whose head can be counted, else nothing."""
    words = [word.casefold() for word in text.split()]
    head = next((at for at, word in enumerate(words) if word in _LITTLE), len(words)) - 1
    if head < 0 or words[head] not in _COUNTED or words[0] in _NO_ARTICLE or words[0].endswith("'s"):
        return ""
    return "an " if words[0][0] in "aeiou" and not words[0].startswith(("uni", "ur", "eu")) else "a "


def form(text: str, *, curated: bool = False) -> Form:
    """What kind of phrase `text` is. The name of a finding is `curated`: no word is missing from it."""
    words = [word.casefold() for word in _WORD.findall(text)]
    first, rest = words[0], words[1:]
    if not curated and (
        any(word in _FIRST_PERSON for word in words) or "/" in text or words[-1] in _LITTLE - {"up", "out", "down"}
    ):
        return "loose"
    if first in _VERBS and rest:
        return "verb" if curated or not _salad(rest) else "loose"
    if first in _PAST and rest:
        return "loose" if any(word in _FINITE for word in rest) else "past"
    if not rest and first in _NO_NOUN:
        return "loose"
    if (not rest and first in _ALONE) or words[-1] in ("looking", "appearing"):
        return "adjective"
    if not rest and first in ("fainted", "vomited", "convulsed", "collapsed"):
        return "past"
    if first in ("worn", "run", "washed", "burnt", "tired") and rest in (["out"], ["down"]):
        return "adjective"
    if first == "feeling" and rest and rest[0] != "of":
        return "loose"
    if first in _ADVERBS and len(rest) == 1 and rest[0] in _ADJECTIVES | _ALONE:
        return "adjective"
    if first in _ADJECTIVES and (not rest or rest[0] in _AFTER_ADJECTIVE):
        return "adjective"
    if first in _ADJECTIVES - _ALSO_ADJECTIVAL:
        return "loose"
    if curated:
        clause = any(word in _FINITE for word in words) and not any(word in _RELATIVE for word in words)
        return "loose" if clause or first in _NOT_FIRST - {"known", "no", "out"} or first.endswith("ed,") else "noun"
    if first in _NOT_FIRST or (first == "sick" and rest and rest[0] in _TIMES) or _salad(words):
        return "loose"
    return "noun"


def _salad(words: list[str]) -> bool:
    """Whether the little words that hold a phrase together are missing from it."""
    if any(word in _FINITE or word in ("not", "no", "then", "never") for word in words):
        return True
    if len(words) > 1 and words[0].endswith("ed") and words[1] in _LITTLE:
        return True  # “jumped from a bridge”
    if words[-1] in _PEOPLE and len(words) > 1 and words[-2] not in _LITTLE:
        return True
    if any(one in _HEADS and after not in _AFTER_HEAD for one, after in pairwise(words)):
        return True
    return len(words) > 4 and not any(word in _LITTLE for word in words)
