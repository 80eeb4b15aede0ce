"""Reads values out of a text: “SpO2 90%”, “temperature 39.4”, “Hb 72 g/L”, “血压 92/58mmHg”."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from medassist.findings import Sentence, Status
from medassist.knowledge.records import Measure


@dataclass(frozen=True)
class Value:
    """A measured value in the measure's own unit; `start` and `end` index the case text."""

    measure: str
    number: float
    start: int
    end: int
    past: bool = False


_NUMBER = r"(?P<number>\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?)"
_LINK = r"(?:\s*[(（][^()（）\d]{0,12}[)）])?(?:\s|[:：=,，]|\b(?:of|is|was|at|level|count|rate|measured|about|around|up to|to|on arrival|today|on admission|now|RA|max|peak|as (?:low|high) as|over|above|below|under|nearly|almost|approx|circa|only|just|hit|hits|reached|running|sitting|hovering|settled|going|a|and|has|had|have|but|then|his|her|(?:f[ae]ll|drop|dipp?|ris|ros|climb|go|went|came|stay|sat|slipp?|plung|shot)(?:s|es?|en|ed|ing|ping|ped)?|down|up|between)\b|约|达|为|是|最高|波动于|降至|降到|下降至|下降到|升至|升到|升高至|升高到|掉到|掉至|跌到|低至|低到|高达|只有|仅|测得|测|烧到|[<>≤≥＜＞~≈])*"
_PRESSURE = re.compile(
    r"(?<![A-Za-z])(?:blood pressure|BP|B\.P\.|血压)(?:[^\d\n,，;；.。]{0,24}?)(?P<high>\d{2,3})\s*/\s*(?P<low>\d{2,3})(?!\d)",
    re.IGNORECASE,
)
_GESTATION = re.compile(
    r"(?<![\d/.])(?P<forty>[1-4]?\d)(?:\s?\+\s?[0-6])?\s?/\s?40(?![\d/])"
    r"|(?<![\d.])(?P<plus>[1-4]\d)\s?\+\s?[0-6](?!\d)(?!\s*(?:edema|oedema|pitting|protein|周|years?))"
    r"|(?<![\d.])(?P<weeks>[1-4]?\d)(?:\s?\+\s?[0-6])?[- ]?(?:weeks?|wks?|w)[- ](?:pregnan|gestation|gravid|of (?:gestation|pregnancy)|gone\b|into (?:her |the )?pregnan)"
    r"|\b(?:pregnant|pregnancy|gravid|G\d+\s?P\d+(?:\+\d)?)[ ,:(]*(?:at |now |about |approx\w* )?(?P<after>[1-4]?\d)(?:\s?\+\s?[0-6])?\s?(?:weeks?|wks?|w\b)"
    r"|(?:^\s*|(?<=[,;.]\s))(?P<alone>[234]\d)(?:\s?\+\s?[0-6])?\s(?:weeks?|wks?)(?=\s*(?:[,;.]|with\b))"
    r"|(?:孕|停经|妊娠|怀孕)(?:约|近)?\s?(?P<zh>[1-4]?\d)(?:\s?\+\s?[0-6])?\s?周",
    re.IGNORECASE,
)
"""Weeks of gestation as obstetric notes write them; alone in a clause only from 20, where nothing else is counted so."""
_BARE = re.compile(
    r"(?:(?<![\d.])(?P<unit>(?:3[2-9]|4[0-3])(?:\.\d{1,2})?)\s*(?:°\s?C|℃|º\s?C|摄氏度)|(?:^|(?<=[,;，；、]))\s*(?P<alone>(?:3[4-9]|4[0-2])\.\d)(?=\s*(?:[,;，；。、]|\.?\s*$|\.\s|at home\b|today\b|this\b|on arrival\b|overnight\b)))(?![A-Za-z\d])"
)
"""A temperature needs no name where its unit tells it, or in a list of signs where it stands alone with its decimal."""
_FAHRENHEIT = (93, 110)
"""A body temperature in this range without a unit is in degrees Fahrenheit."""


ODD = 0.01
"""Below this factor a unit is too unusual to be meant where none is written (neutrophils per µL)."""


class Reader:
    """Finds the values of known measures in a sentence."""

    def __init__(self, measures: Mapping[str, Measure]) -> None:
        self._measures = measures
        self._names: dict[str, list[Measure]] = {}
        for measure in measures.values():
            for name in (measure.name.en, measure.name.zh, *measure.words.en, *measure.words.zh):
                known = self._names.setdefault(name.casefold(), [])
                if measure not in known:
                    known.append(measure)
        names = sorted(self._names, key=len, reverse=True)
        self._pattern = (
            re.compile(
                rf"(?:(?<![A-Za-z])(?:{'|'.join(map(re.escape, names))}))(?![A-Za-z]){_LINK}{_NUMBER}", re.IGNORECASE
            )
            if names
            else None
        )
        self._name = re.compile("|".join(map(re.escape, names)), re.IGNORECASE) if names else None
        self._units = {
            measure.id: re.compile(
                rf"\s*(?P<unit>{'|'.join(re.escape(unit) for unit in sorted(measure.units, key=len, reverse=True))})",
                re.IGNORECASE,
            )
            for measure in measures.values()
        }

    def read(self, sentence: Sentence) -> Iterator[Value]:
        text = sentence.text
        for found in _PRESSURE.finditer(text):
            for name, group in (("systolic_bp", "high"), ("diastolic_bp", "low")):
                if name in self._measures:
                    yield from self._value(
                        self._measures[name], float(found[group]), found.start(), found.end(), sentence
                    )
        if self._pattern is None or self._name is None:
            return
        named_values = list(self._pattern.finditer(text))
        named_numbers = {found.end("number") for found in named_values}
        yield from self._temperatures(sentence, named_numbers)
        yield from self._gestations(sentence, named_numbers)
        for found in named_values:
            if text[found.end() : found.end() + 1] == "/" and text[found.end() + 1 : found.end() + 2].isdigit():
                continue  # a pressure, a ratio or a date
            named = self._name.match(text, found.start())
            number = float(found["number"].replace(",", ""))
            for measure in self._names.get(named.group().casefold() if named else "", ()):
                value = self._converted(measure, number, text, found.end())
                if value is not None:
                    yield from self._value(measure, value[0], found.start(), value[1], sentence)
                    break

    def _temperatures(self, sentence: Sentence, named: set[int]) -> Iterator[Value]:
        """Those without a name; `named` are the ends of the numbers that have one, which are read with it."""
        measure = self._measures.get("temperature_c")
        if measure is None or sentence.field == "investigations":
            return
        for found in _BARE.finditer(sentence.text):
            group = "unit" if found["unit"] else "alone"
            if found.end(group) not in named:
                yield from self._value(measure, float(found[group]), found.start(group), found.end(), sentence)

    def _gestations(self, sentence: Sentence, named: set[int]) -> Iterator[Value]:
        """Weeks in the notations of obstetric notes; `named` as above."""
        if (measure := self._measures.get("gestation_weeks")) is None:
            return
        for found in _GESTATION.finditer(sentence.text):
            group = str(found.lastgroup)
            if found.end(group) not in named:
                yield from self._value(measure, float(found[group]), found.start(), found.end(), sentence)

    def _converted(self, measure: Measure, number: float, text: str, end: int) -> tuple[float, int] | None:
        """The number in the measure's unit and where the unit ends; None where no unit makes it plausible."""
        low, high = measure.plausible
        if measure.id == "temperature_c":
            fahrenheit = re.match(r"\s*(?:°|º|℉|degrees?)?\s*(?:F\b|℉|华氏)", text[end:])
            if fahrenheit or (_FAHRENHEIT[0] <= number <= _FAHRENHEIT[1]):
                return (number - 32) * 5 / 9, end + (fahrenheit.end() if fahrenheit else 0)
        unit = self._units[measure.id].match(text, end)
        if unit:
            factor = next(
                factor for name, factor in measure.units.items() if name.casefold() == unit["unit"].casefold()
            )
            value = number * factor
            return (value, unit.end()) if low <= value <= high else None
        if re.match(
            r"\s*(?:%|％|[A-Za-zµμ]+/|×|x\s?10|\*10|岁|years?|天|日|周|月|年|days?|weeks?|hours?|小时|次(?!/)|mg\b|片|粒)",
            text[end:],
        ):
            return None  # a unit, but none of this measure's
        for factor in dict.fromkeys(measure.units.values()):
            if factor >= ODD and low <= number * factor <= high:
                return number * factor, end
        return None

    def _value(self, measure: Measure, number: float, start: int, end: int, sentence: Sentence) -> Iterator[Value]:
        low, high = measure.plausible
        if not low <= number <= high:
            return
        status = sentence.status(sentence.start + start, sentence.start + end)
        if status in (Status.OTHER, Status.HYPOTHETICAL):
            return
        yield Value(measure.id, number, sentence.start + start, sentence.start + end, status is Status.PAST)
