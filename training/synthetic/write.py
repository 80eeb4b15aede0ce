"""Writes a patient up as a note, and remembers with which words it says what.

While a note is put together every finding stands between marks; at the end the marks are taken out, and what stood
between them is the quote: a reason given later is always an exact piece of the text.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from medassist.case import LABELS, PatientCase, VitalSigns
from medassist.errors import Language
from training.synthetic import english
from training.synthetic.draw import Patient
from training.synthetic.people import duration, person
from training.synthetic.styles import Style
from training.synthetic.values import VITAL_SIGNS
from training.synthetic.wording import NAME_SHARE, PROSE, Phrase, Split, alike, deniable, suits, telltale
from training.synthetic.world import COURSE, World

_BEGIN, _SEP, _END, _DENIAL = "\x02", "\x03", "\x04", "‹"
_MARKED = re.compile(f"[{_BEGIN}{_END}{_DENIAL}]|(?<={_BEGIN})[^{_SEP}]*{_SEP}")
DENIED_BY_NAME = 0.75
"""How often a denied finding goes by its name."""
_TIME = re.compile(
    r"\b(?:hours?|days?|weeks?|months?|years?|fortnight|recent\w*|yesterday|today|ago|lately)\b|[天周月年]|小时|星期|近来|近期|昨|今",
    re.I,
)
"""How long something lasts is said once, by the duration of the whole."""
FEVER_IN_WORDS = 0.5
"""How often a fever is complained of too, where the temperature is given."""


@dataclass(frozen=True)
class Note:
    """A written case: what to enter in each field, and the words of every finding, denied ones with their “no”."""

    fields: Mapping[str, object]
    quotes: Mapping[str, str]
    style: str
    case: PatientCase = field(repr=False)


class _Unwritable(Exception):
    """A finding has no words that fit here."""


def write(
    world: World, patient: Patient, style: Style, language: Language, split: Split, rng: random.Random
) -> Note | None:
    """The note, or None where a finding has no fitting words in this style."""
    try:
        return _Writer(world, patient, style, language, split, rng).note()
    except _Unwritable:
        return None


class _Writer:
    """One note in the making."""

    def __init__(
        self, world: World, patient: Patient, style: Style, language: Language, split: Split, rng: random.Random
    ) -> None:
        self.world, self.patient, self.style = world, patient, style
        self.language, self.split, self.rng = language, split, rng
        self.disease = world.graph.diseases[patient.disease]
        self.who = person(patient, language)
        self.who["dur"] = duration(self.disease, patient, world.reach(patient.stated), language, rng)
        self.tells = telltale(self.disease, language)
        self.said: list[str] = []  # phrases already used: none may be said twice
        self.quotes: dict[str, str] = {}

    # --- Words.

    def phrase(self, finding: str, *, forms: Iterable[english.Form] = PROSE, denied: bool = False) -> Phrase:
        """Words for a finding that fit the style and that nothing said so far holds already."""
        allowed, timed = set(forms), self.world.graph.findings[finding].kind != "history"
        if self.style.register_ == "terse" and not denied:
            allowed |= {"loose"}

        def fits(each: Phrase) -> bool:
            return (
                each.form in allowed
                and suits(each.text, self.language, self.patient.sex, self.patient.age)
                and not self.tells(each.text)
                and not re.search(r"[;；:：.。\n]", each.text)
                and not alike(each.text, self.said, self.language)
                and (each.name or not (timed and _TIME.search(each.text)))
                and (not denied or deniable(each.text, self.language))
            )

        found = self.world.wording.choose(
            finding,
            self.language,
            self.split,
            self.rng,
            register="terse" if "loose" in allowed else self.style.register_,
            fits=fits,
            name_share=DENIED_BY_NAME if denied else NAME_SHARE,
        )
        if found is None:
            raise _Unwritable
        self.said.append(found.text)
        return found

    def pick(self, templates: Sequence[str]) -> str:
        if not templates:
            raise _Unwritable
        return self.rng.choice(templates)

    def some(self, templates: Sequence[str], count: int) -> list[str]:
        """Templates, none of them twice."""
        return self.rng.sample(templates, count) if count > 1 else [self.pick(templates)]

    def fill(self, template: str, **more: str) -> str:
        return template.format(**self.who, **more)

    def listed(self, items: Sequence[str], last: str = "and") -> str:
        """The items as one list."""
        if self.language == "zh":
            return ("、" if self.rng.random() < 0.8 else "，").join(items)
        if self.style.register_ == "terse":
            return ", ".join(items)
        return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}"

    # --- Parts of a note.

    def stated(self, findings: Sequence[str], slot: Sequence[str], forms: Iterable[english.Form] = PROSE) -> str:
        """Sentences that state findings, each kind of phrase in sentences of its own."""
        phrases = [(name, self.phrase(name, forms=self.possible(forms))) for name in findings]
        groups: dict[str, list[str]] = {}
        for name, phrase in phrases:
            kind: str = phrase.form if self.style.register_ != "terse" else "noun"
            text = f"{_BEGIN}{name}{_SEP}{phrase.text}{_END}"
            groups.setdefault(kind, []).append(self.article(phrase.text) + text if kind == "noun" else text)
        templates = {"noun": slot, "verb": self.style.verbs, "past": self.style.past, "adjective": self.style.states}
        sentences = []
        for kind, items in groups.items():
            parts = self.parts(items) if kind == "noun" and len(templates[kind]) > 1 else [items]
            for part, template in zip(parts, self.some(templates[kind], len(parts)), strict=True):
                sentences.append(self.fill(template, list=self.listed(part)))
        self.rng.shuffle(sentences)
        return self.joined(sentences)

    def possible(self, forms: Iterable[english.Form]) -> set[english.Form]:
        """Of the forms, those the style has sentences for."""
        has = {"noun": True, "verb": bool(self.style.verbs), "past": bool(self.style.past)}
        has["adjective"] = bool(self.style.states)
        return {each for each in forms if has.get(each, False)}

    def parts(self, items: list[str]) -> list[list[str]]:
        """A long list in two sentences, now and then."""
        if len(items) < 3 or self.rng.random() < 0.5:
            return [items]
        cut = self.rng.randint(1, len(items) - 1)
        return [items[:cut], items[cut:]]

    def article(self, text: str) -> str:
        """“a ” before what can be counted; notes in short leave it out."""
        if self.language == "zh" or self.style.register_ == "terse":
            return ""
        return english.article(text)

    def denied(self, findings: Sequence[str], slot: Sequence[str]) -> str:
        if not findings:
            return ""
        items = [
            f"{_BEGIN}{name}{_SEP}{self.phrase(name, forms=('noun',), denied=True).text}{_END}" for name in findings
        ]
        no = "无" if self.language == "zh" else "no "
        nos = ("、" if self.language == "zh" else ", ").join(f"{_DENIAL}{no}{item}" for item in items)
        return self.fill(self.pick(slot), list=self.listed(items, "or"), nos=nos)

    def joined(self, sentences: Iterable[str]) -> str:
        kept = [each for each in sentences if each]
        if self.language == "zh":
            return "".join(kept)
        return " ".join(_capital(each) for each in kept)

    def values(self, measures: Sequence[str]) -> list[str]:
        """Numbers with their names, as this note writes them."""
        return [
            _value(self.world, measure, self.patient.numbers[measure], self.language, self.rng) for measure in measures
        ]

    def vital_values(self) -> list[str]:
        numbers = self.patient.numbers
        given = [measure for measure in VITAL_SIGNS if measure in numbers]
        pair = "systolic_bp" in given and "diastolic_bp" in given
        style = self.rng.randrange(3)
        texts = []
        for measure in given:
            if pair and measure == "diastolic_bp":
                continue
            value = f"{numbers[measure]:g}"
            if pair and measure == "systolic_bp":
                value = f"{value}/{numbers['diastolic_bp']:g}"
            key = "blood_pressure" if pair and measure == "systolic_bp" else measure
            texts.append(f"{_BEGIN}#{measure}{_SEP}{_VITALS[self.language][key][style].format(value)}{_END}")
        return texts

    def went_on(self, course: Sequence[str]) -> str:
        """How it began and went on."""
        if not course:
            return ""
        items = [f"{_BEGIN}{name}{_SEP}{self.phrase(name, forms=(*PROSE, 'loose')).text}{_END}" for name in course]
        return self.fill(self.pick(self.style.course), list=self.listed(items))

    # --- The whole.

    def note(self) -> Note:
        kinds = self.kinds()
        chief = self.chief(kinds)
        texts = {"chief_complaint": self.complaint(chief)}
        course = [name for name in kinds["symptom"] if name in COURSE]
        symptoms = [name for name in kinds["symptom"] if name not in (*chief, *course)]
        texts["history"] = self.joined(
            [
                self.fill(self.pick(self.style.open)),
                self.went_on(course),
                self.stated(symptoms, self.style.nouns),
                self.denied(kinds["symptom-"], self.style.denied),
            ]
        )
        texts["past_history"] = self.stated(kinds["history"], self.style.history)
        texts["examination"] = self.joined(
            [
                self.stated([name for name in kinds["sign"] if name not in chief], self.style.signs),
                self.denied(kinds["sign-"], self.style.signs_denied),
            ]
        )
        texts["investigations"] = self.investigations(kinds["result"])
        return self.laid_out(texts)

    def kinds(self) -> dict[str, list[str]]:
        """The findings to put into words, by kind; denied ones under the kind with a minus."""
        kinds: dict[str, list[str]] = {key: [] for key in ("symptom", "sign", "history", "result", "symptom-", "sign-")}
        for name in self.patient.present:
            in_words = name not in self.patient.by_number or (
                name == "fever" and "temperature_c" in self.patient.numbers and self.rng.random() < FEVER_IN_WORDS
            )
            if in_words:
                kind = self.world.graph.findings[name].kind
                kinds["symptom" if name == "fever" else kind].append(name)
        for name in self.patient.denied:
            kind = self.world.graph.findings[name].kind
            kinds["symptom-" if name == "fever" or kind == "symptom" else "sign-"].append(name)
        for each in kinds.values():
            self.rng.shuffle(each)
        return kinds

    def chief(self, kinds: Mapping[str, list[str]]) -> list[str]:
        """What the patient comes with: a symptom or two, or what was seen where nothing is complained of."""
        symptoms = [name for name in kinds["symptom"] if name not in COURSE] or kinds["sign"]
        if not symptoms:
            raise _Unwritable
        return symptoms[: self.rng.choice((1, 1, 2))]

    def complaint(self, chief: Sequence[str]) -> str:
        items = [f"{_BEGIN}{name}{_SEP}{self.phrase(name, forms=('noun',)).text}{_END}" for name in chief]
        text = self.fill(self.pick(self.style.chief), chief=self.listed(items))
        return text if self.language == "zh" or self.style.register_ == "terse" else _capital(text)

    def investigations(self, results: Sequence[str]) -> str:
        measures = [measure for measure in self.patient.numbers if measure not in VITAL_SIGNS]
        items = self.values(measures)
        for name in results:
            text = self.phrase(name, forms=("noun",)).text
            items.append(f"{_BEGIN}{name}{_SEP}{text}{_END}")
        self.rng.shuffle(items)
        return _capital(self.fill(self.pick(self.style.results), list=self.listed(items))) if items else ""

    def laid_out(self, texts: dict[str, str]) -> Note:
        """The parts in the fields of a case, or all in one text, and the marks taken out."""
        vitals = self.vital_values() if self.style.vital_signs == "text" else []
        if self.style.layout == "story":
            said = self.fill(self.pick(self.style.vitals), list=self.listed(vitals)) if vitals else ""
            order = [texts["history"], *self.either(texts.pop("past_history"), texts.pop("examination"))]
            texts["history"] = self.joined([*order, said, texts.pop("investigations")])
        texts["history"] = self.joined([texts["history"], self.pick(self.style.close)])
        fields: dict[str, object] = {}
        for name, text in texts.items():
            fields[name] = self.unmarked(_comma(text))
        in_field = self.style.vital_signs == "field"
        if in_field:
            fields["vital_signs"] = self.vital_field()
        fields |= {"age": self.patient.years, "sex": self.patient.sex, "language": self.language}
        return Note(fields, self.quotes, self.style.id, PatientCase.model_validate(fields))

    def either(self, one: str, other: str) -> tuple[str, str]:
        return (one, other) if self.rng.random() < 0.6 else (other, one)

    def vital_field(self) -> VitalSigns:
        numbers = {measure: value for measure, value in self.patient.numbers.items() if measure in VITAL_SIGNS}
        labels = LABELS[self.language]
        for measure, value in numbers.items():
            self.quotes[f"#{measure}"] = labels[measure].format(f"{value:g}")
        if {"systolic_bp", "diastolic_bp"} <= set(numbers):
            both = labels["blood_pressure"].format(f"{numbers['systolic_bp']:g}", f"{numbers['diastolic_bp']:g}")
            self.quotes |= {"#systolic_bp": both, "#diastolic_bp": both}
        return VitalSigns(**numbers)

    def unmarked(self, text: str) -> str:
        """The text without marks; what stood between them goes to the quotes."""
        plain: list[str] = []
        at, length, denial, key, begin = 0, 0, -1, "", 0
        while at < len(text):
            char = text[at]
            if char == _DENIAL:
                denial = length
            elif char == _BEGIN:
                stop = text.index(_SEP, at)
                key, begin, at = text[at + 1 : stop], length, stop
            elif char == _END:
                start = denial if key in self.patient.denied and denial >= 0 else begin
                self.quotes[key] = "".join(plain)[start:length]
            else:
                plain.append(char)
                length += 1
                if char in ".。":
                    denial = -1
            at += 1
        if "#systolic_bp" in self.quotes:
            self.quotes.setdefault("#diastolic_bp", self.quotes["#systolic_bp"])
        return "".join(plain)


def _capital(text: str) -> str:
    """The first letter that is seen in upper case."""
    at = 0
    while at < len(text) and text[at] in (_DENIAL, _BEGIN):
        at = text.index(_SEP, at) + 1 if text[at] == _BEGIN else at + 1
    return text[:at] + text[at : at + 1].upper() + text[at + 1 :]


def _comma(text: str) -> str:
    """An opening that waits for more (“…前起病，”) closed where nothing follows."""
    text = re.sub(r"，(?=$|[\u4e00-\u9fff]{0,2}(?:为进一步|拟))", "。", text)
    return re.sub(r"，$", "。", text)


_VITALS: Mapping[Language, Mapping[str, tuple[str, str, str]]] = {
    "en": {
        "temperature_c": ("T {}", "temp {} °C", "temperature of {} °C"),
        "heart_rate": ("HR {}", "pulse {}", "heart rate of {}"),
        "respiratory_rate": ("RR {}", "resp rate {}", "respiratory rate of {}"),
        "blood_pressure": ("BP {}", "BP {} mmHg", "blood pressure of {} mmHg"),
        "systolic_bp": ("SBP {}", "systolic BP {}", "systolic pressure of {} mmHg"),
        "diastolic_bp": ("DBP {}", "diastolic BP {}", "diastolic pressure of {} mmHg"),
        "spo2_percent": ("SpO2 {}%", "sats {}%", "oxygen saturation of {}%"),
    },
    "zh": {
        "temperature_c": ("T {}℃", "体温{}℃", "体温 {} ℃"),
        "heart_rate": ("P {}次/分", "心率{}次/分", "脉搏 {} 次/分"),
        "respiratory_rate": ("R {}次/分", "呼吸{}次/分", "呼吸频率 {} 次/分"),
        "blood_pressure": ("BP {}mmHg", "血压{}mmHg", "血压 {} mmHg"),
        "systolic_bp": ("收缩压{}mmHg", "收缩压{}mmHg", "收缩压 {} mmHg"),
        "diastolic_bp": ("舒张压{}mmHg", "舒张压{}mmHg", "舒张压 {} mmHg"),
        "spo2_percent": ("SpO2 {}%", "血氧饱和度{}%", "指脉氧 {}%"),
    },
}
_LINKS: Mapping[Language, tuple[str, ...]] = {"en": (" ", " of ", ": "), "zh": ("", " ", "为")}


def _value(world: World, measure: str, value: float, language: Language, rng: random.Random) -> str:
    """A blood value with one of its names and its unit."""
    record = world.graph.measures[measure]
    names = [record.name.of(language), *record.words.of(language)[:4]]
    name = rng.choice([each for each in names if len(each) >= 2] or names)
    link = rng.choice(_LINKS[language])
    if link == ": ":
        link = " "
    if name[-1].isascii() and not link:
        link = " "
    unit = record.unit if record.unit == "%" else f" {record.unit}" if record.unit else ""
    if language == "zh":
        own = [each for each, factor in record.units.items() if factor == 1 and "\u4e00" <= each[:1] <= "\u9fff"]
        unit = own[0] if own and record.unit.isalpha() and len(record.unit) > 3 else unit.strip()
    return f"{_BEGIN}#{measure}{_SEP}{name}{link}{value:g}{unit}{_END}"
