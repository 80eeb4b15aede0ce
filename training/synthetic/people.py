"""Who the patient is and since when, in words of both languages."""

import random
import re
from collections.abc import Collection, Mapping

from medassist.errors import Language
from medassist.knowledge.records import Disease
from training.synthetic.draw import Patient

_UNITS: Mapping[Language, Mapping[str, tuple[str, str]]] = {
    "en": {
        "hours": ("hour", "hours"), "days": ("day", "days"), "weeks": ("week", "weeks"),
        "months": ("month", "months"), "years": ("year", "years"),
    },
    "zh": {
        "hours": ("小时", "小时"), "days": ("天", "天"), "weeks": ("周", "周"), "months": ("个月", "个月"),
        "years": ("年", "年"),
    },
}  # fmt: skip
_COUNTS = {"hours": (2, 20), "days": (2, 6), "weeks": (2, 5), "months": (2, 9), "years": (2, 8)}
_BY_URGENCY: Mapping[str, tuple[str, ...]] = {
    "emergency": ("hours", "hours", "days"),
    "urgent": ("days", "days", "weeks"),
    "soon": ("weeks", "months"),
    "routine": ("weeks", "months", "months", "years"),
}
_LONG = re.compile(r"chronic|longstanding|months|years|clubbing|slow_grow")
_SHORT = re.compile(r"sudden|acute|thunderclap|abrupt|overdose|ingestion|bite|sting|injury|trauma|burn|arrest|fall")
_WEEKS = re.compile(r"weeks|prolonged_fever|subacute|gradual|progressive|weight_loss")
_NUMBERS_EN = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_NUMBERS_ZH = ["零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十"]


def duration(disease: Disease, patient: Patient, reach: Collection[str], language: Language, rng: random.Random) -> str:
    """How long it has been going on, no longer than the patient has lived and in keeping with what is stated."""
    unit = rng.choice(_grades(disease, patient, reach))
    low, high = _COUNTS[unit]
    count = rng.randint(low, high)
    one, many = _UNITS[language][unit]
    if language == "zh":
        spoken = _NUMBERS_ZH[count] if count <= 10 and rng.random() < 0.4 else str(count)
        return f"{spoken}{one}"
    spoken = _NUMBERS_EN[count] if count <= 12 and rng.random() < 0.5 else str(count)
    return f"{spoken} {one if count == 1 else many}"


def _grades(disease: Disease, patient: Patient, reach: Collection[str]) -> tuple[str, ...]:
    names = "|".join(sorted(reach))
    if patient.age < 0.1:
        return ("hours", "days")
    grades = _BY_URGENCY[disease.urgency]
    pressing = disease.urgency in ("emergency", "urgent")
    if _LONG.search(names):
        grades = ("months", "years")
    elif _WEEKS.search(names):
        grades = ("weeks",) if pressing else ("weeks", "months")
    elif _SHORT.search(names):
        grades = ("hours", "days") if pressing else ("days", "weeks") if "sudden_onset" in reach else grades
    young = ("years",) if patient.age >= 1 else ("months", "years")
    return tuple(each for each in grades if patient.age >= 9 or each not in young) or ("weeks",)


def person(patient: Patient, language: Language) -> dict[str, str]:
    """The words of a template that say who."""
    return _chinese(patient) if language == "zh" else _english(patient)


def _english(patient: Patient) -> dict[str, str]:
    female = patient.sex == "female"
    years, months = patient.years, int(patient.age * 12)
    if patient.age < 0.1:
        age, short, noun = "newborn", "newborn", "girl" if female else "boy"
    elif years < 2:
        age, short, noun = f"{months}-month-old", f"{months}mo ", "girl" if female else "boy"
    else:
        age, short = f"{years}-year-old", str(years)
        noun = ("girl" if female else "boy") if years < 16 else ("woman" if female else "man")
    article = "an" if re.match(r"8|11-|18-", age) else "a"
    return {
        "age": age,
        "woman": noun,
        "a_person": f"{article} {age} {noun}",
        "A_person": f"{article.capitalize()} {age} {noun}",
        "tag": f"{short}{'F' if female else 'M'}" if short != "newborn" else f"newborn {noun}",
        "he": "she" if female else "he",
        "He": "She" if female else "He",
        "his": "her" if female else "his",
        "His": "Her" if female else "His",
        "him": "her" if female else "him",
        "himself": "herself" if female else "himself",
    }


def _chinese(patient: Patient) -> dict[str, str]:
    female = patient.sex == "female"
    years, months = patient.years, int(patient.age * 12)
    if patient.age < 0.1:
        age, noun = "", "女性新生儿" if female else "男性新生儿"
    elif years < 2:
        age, noun = f"{months}个月", "女婴" if female else "男婴"
    else:
        age = f"{years}岁"
        noun = ("女孩" if female else "男孩") if years < 15 else ("女性" if female else "男性")
    tag = f"{'女' if female else '男'}，{age}" if age else noun
    return {"person": f"{age}{noun}", "tag": tag}
