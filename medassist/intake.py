"""What comes in: bytes → text → clean text → `PatientCase`. A pasted note is split at its usual headings."""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

from pydantic import ValidationError

from medassist.case import MAX_CHARACTERS, TEXT_FIELDS, PatientCase, Sex, VitalSigns, case_from_json
from medassist.errors import CaseTooLong, InvalidCase, UnreadableInput

MAX_COMPLAINT = 200
"""Longest chief complaint taken from the running text of a note, in characters."""

_ZERO_WIDTH = frozenset("\u00ad\u034f\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KINDS = ("control", "zero_width", "bidi", "other")


# --- Cleaning.


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """`text` in NFC without invisible characters, and which kinds went: control, zero_width, bidi, other."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    removed = {char: kind for char in set(text) if (kind := _unwanted(char))}
    kept = text.translate({ord(char): None for char in removed})
    return unicodedata.normalize("NFC", kept), tuple(kind for kind in _KINDS if kind in removed.values())


def _unwanted(char: str) -> str:
    """Why `char` is removed, or "" for one that stays."""
    if char in _ZERO_WIDTH:
        return "zero_width"
    if char in _BIDI:
        return "bidi"
    category = unicodedata.category(char)
    if category == "Cc" and char not in "\n\t":
        return "control"
    noncharacter = ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
    return "other" if category in ("Cs", "Co") or noncharacter else ""


def clean_case(case: PatientCase) -> tuple[PatientCase, tuple[str, ...]]:
    """`case` with every text field cleaned. Raises `InvalidCase` when no chief complaint is left."""
    cleaned = {name: clean(getattr(case, name)) for name in TEXT_FIELDS}
    if not cleaned["chief_complaint"][0].strip():
        raise InvalidCase(where="chief_complaint", reason="is empty.", reason_zh="主诉为空。")
    removed = {kind for _, kinds in cleaned.values() for kind in kinds}
    fields = {name: text.strip() for name, (text, _) in cleaned.items()}
    return case.model_copy(update=fields), tuple(kind for kind in _KINDS if kind in removed)


# --- Reading files and pasted text.


def read_bytes(data: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 with a byte order mark, or GB 18030. Raises `UnreadableInput`."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and (encoding != "gb18030" or _plausible_chinese(text)):
            return text
    raise UnreadableInput(reason="it is not a text.", reason_zh="不是文本文件。")


def _plausible_chinese(text: str) -> bool:
    common = sum(
        char in "\n\r\t" or " " <= char <= "~" or "\u3000" <= char <= "\u9fff" or char > "\uff00" for char in text
    )
    return common >= 0.9 * len(text)


def read_case(text: str) -> PatientCase:
    """A case from JSON or from a pasted note. Raises `UnreadableInput`, `InvalidCase` or `CaseTooLong`."""
    text = text.lstrip("\ufeff")
    if text.lstrip().startswith("{"):
        return case_from_json(text)
    if len(text) > MAX_CHARACTERS:
        raise CaseTooLong(count=len(text), unit="characters", unit_zh="个字符", limit=MAX_CHARACTERS)
    return split_note(text)


# --- Splitting a note.


@dataclass(frozen=True)
class _Heading:
    """The words that open a section, the field it belongs to, and whether the words say more than the field does."""

    words: str
    field: str
    keep: bool = False
    vital: bool = False  # its text states vital signs


_HEADINGS = (
    _Heading(
        r"CC|C/C|(?:chief|presenting|main) complaints?|reason for (?:visit|consultation|admission)|主诉",
        "chief_complaint",
    ),
    _Heading(
        r"HPI|(?:history of )?(?:the )?present(?:ing)? illness|history|现病史|病史摘要|病史|简要病史|病例资料|病例摘要|case (?:presentation|summary)",
        "history",
    ),
    _Heading(
        r"PMHx?|PMSH|past (?:medical|surgical)(?: (?:and|&) (?:surgical|medical))? history|past history|medical history|既往史",
        "past_history",
    ),
    _Heading(r"PSHx?|surgical history|手术史|外伤史|手术外伤史|输血史|预防接种史|传染病史", "past_history", keep=True),
    _Heading(
        r"(?:(?:current|home) )?(?:medications?|meds)|drug history|(?:目前)?用药史?|药物史|用药情况", "medications"
    ),
    _Heading(r"(?:drug )?allerg(?:ies|y)|(?:药物|食物)?过敏史", "allergies"),
    _Heading(r"FHx?|family (?:medical )?history|家族史", "family_history"),
    _Heading(r"SHx?|social (?:and occupational )?history", "social_history"),
    _Heading(r"个人史|(?:婚姻)?生育史|婚育史|婚姻史|月经(?:婚育|生育)?史", "social_history", keep=True),
    _Heading(r"vitals?|vital signs|obs(?:ervations)?|生命体征", "examination", keep=True, vital=True),
    _Heading(
        r"PE|O/E|on examination|exam|(?:physical )?examination|physical exam|查体|体格检查|体检|入院查体",
        "examination",
        vital=True,
    ),
    _Heading(r"(?:专科|神经系统|外科|妇科)(?:检查|查体|情况)", "examination", keep=True, vital=True),
    _Heading(r"investigations?|ancillary(?: (?:tests?|studies))?|辅助检查", "investigations"),
    _Heading(
        r"labs?|lab(?:oratory)? (?:results|tests|findings|data|studies)|imaging(?: studies)?|radiology|ECG|EKG|实验室检查|影像学?检查",
        "investigations",
        keep=True,
    ),
    _Heading(
        r"ROS|review of systems|assessment(?: and plan| & plan)?|A/P|plan|(?:初步|入院|门诊|出院)诊断|诊疗经过|治疗经过",
        "history",
        keep=True,
    ),
)
_LEAD = r"[ \t]*(?:#{1,6}[ \t]*)?(?:[-•][ \t]+)?(?:\*\*|__)?[ \t]*(?:[(（]?(?:\d{1,2}|[一二三四五六七八九十]{1,2})[)）.、．][ \t]*)?(?:\*\*)?"
_WORDS = "|".join(f"(?P<h{i}>{heading.words})" for i, heading in enumerate(_HEADINGS))
_SEVERAL = r"(?:[\u4e00-\u9fff]{1,5}史|体检|查体)(?:[、/及和与](?:[\u4e00-\u9fff]{1,5}史|体检|查体))+"
_HEADING = re.compile(
    rf"^{_LEAD}[【\[][ \t]*(?:{_WORDS})[ \t]*[】\]](?:\*\*)?[ \t]*[:：]?".replace("(?P<h", "(?P<b")
    + rf"|^{_LEAD}(?:{_WORDS})(?:\*\*|__)?[ \t]*(?:[:：](?:\*\*|__)?|[ \t][-–—]+[ \t]|$)".replace("(?P<h", "(?P<l")
    + rf"|(?<=[\s。；;，,.])(?:{_WORDS})[ \t]*[:：]".replace("(?P<h", "(?P<r")
    + r"|^[ \t]*(?:【(?P<u1>[^】\n]{1,30})】[ \t]*[:：]?|\[(?P<u2>[^\]\n]{2,40})\][ \t]*$|#{1,6}[ \t]+(?P<u3>[^\n]{1,60})$)"
    + rf"|^{_LEAD}(?P<u4>{_SEVERAL})[ \t]*(?:[:：]|$)",
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE_END = re.compile(r"[。！？!?]|(?<=\w\w)\.(?=\s|$)|(?<=[%)\]])\.(?=\s|$)|\n")


def split_note(text: str) -> PatientCase:
    """Split one pasted note at its headings, in English or Chinese; nothing of it is lost.

    What stands before the first heading or under an unknown one becomes history. Without a chief complaint the
    first sentence stands in for it. Raises `UnreadableInput` for an empty note or one that is no text.
    """
    _require_text(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    sections = _sections(text)
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for section in sections:
        if section.text and section.text not in fields[section.field]:
            fields[section.field].append(section.text)
    joined = {name: "\n".join(parts) for name, parts in fields.items()}
    if not joined.get("chief_complaint"):
        source = joined.get("history") or next(iter(joined.values()), text)
        joined["chief_complaint"] = _first_sentence(source)
    joined.setdefault("history", "")
    examined = "\n".join(section.text for section in sections if section.vital)
    return PatientCase.model_validate(
        {**joined, "age": _age(text), "sex": _sex(text), "vital_signs": _vital_signs(examined or text)}
    )


def _require_text(text: str) -> None:
    if not any(char.isprintable() and not char.isspace() for char in text):
        raise UnreadableInput(reason="it is empty.", reason_zh="内容为空。")
    undecoded = sum(char == "\ufffd" or (_unwanted(char) == "control" and char != "\r") for char in text)
    if "\0" in text or undecoded > 0.02 * len(text):
        raise UnreadableInput(reason="it is not a text.", reason_zh="不是文本。")


@dataclass(frozen=True)
class _Section:
    field: str
    text: str
    vital: bool


def _sections(text: str) -> list[_Section]:
    """The note in pieces, in order: each from one heading to the next."""
    found = list(_HEADING.finditer(text))
    edges = [*(match.start() for match in found), len(text)]
    sections = [_Section("history", text[: edges[0]].strip(), False)]
    for match, end in zip(found, edges[1:], strict=True):
        heading, words = _which(match)
        body = text[match.end() : end].strip()
        if heading.keep and body:
            body = f"{words}{'：' if not words.isascii() else ': '}{body}"
        sections.append(_Section(heading.field, body if body or not heading.keep else words, heading.vital))
    return sections


def _which(match: re.Match[str]) -> tuple[_Heading, str]:
    """The heading that `match` found and its words; an unknown one belongs to the history."""
    name, words = next((name, words) for name, words in match.groupdict().items() if words is not None)
    if name.startswith("u"):
        return _Heading(words, "history", keep=True), words.strip(" *_")
    return _HEADINGS[int(name[1:])], words


def _first_sentence(text: str) -> str:
    """The first sentence of `text`, cut between words where it is longer than `MAX_COMPLAINT`."""
    text = text.strip()
    about = match.end() if (match := _person(text)) else 0  # "Male, 63." alone is no complaint
    ends = [m.end() for m in _SENTENCE_END.finditer(text) if m.start() > 0] or [len(text)]
    end = next((end for end in ends if not about <= end <= about + 2), ends[-1])
    sentence = text[:end].strip()
    if len(sentence) <= MAX_COMPLAINT:
        return sentence
    cut = max(sentence.rfind(mark, MAX_COMPLAINT // 2, MAX_COMPLAINT) for mark in (" ", "，", "；", "、"))
    return sentence[: cut if cut > 0 else MAX_COMPLAINT].rstrip(" ,，;；、") or sentence[:MAX_COMPLAINT]


# --- Age and sex.

_MALE = re.compile(r"男|m|male|man|boy|gentleman|masculine", re.IGNORECASE)
_SEX_EN = r"(?P<sex>man|male|boy|gentleman|woman|female|girl|lady|M|F)\b"
_ADJECTIVES = r"(?:(?!man\b|woman\b)[\w/-]+\s+){0,4}?"
_UNIT_EN = r"years?|yrs?|months?|mos?|weeks?|wks?|days?"
_UNIT_ZH = r"岁|个?月|天|周|y\b"
_BETWEEN_ZH = r"(?:患者|病人|患儿)?[\s，,、。/：:；;]*(?:已婚|未婚|汉族|年龄)?[\s，,、：:]*"
_PERSON = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?P<age>\d{{1,3}})(?:\.\d+)?[\s-]*(?P<unit>{_UNIT_EN})[\s-]*(?:old|of age)\b(?:[\s,-]+{_ADJECTIVES}{_SEX_EN})?",
        rf"\b(?P<age>\d{{1,3}})\s*(?:y/?\.?o\.?|years?|yrs?|y)(?:[\s,]+{_SEX_EN}|(?<=o)\b|(?<=o\.))",
        rf"(?<![\d.])(?<!T )(?<!temp )(?P<age>\d{{1,3}})[\s-]?{_SEX_EN}",
        r"\b(?P<sex>male|female|man|woman|boy|girl)\b,?\s*(?:aged?\s*)?(?P<age>\d{1,3})\b(?!\s*(?:days?|weeks?|months?|hours?|h\b|%|/))",
        r"\bage[d:]?\s*:?\s*(?P<age>\d{1,3})\b(?!\s*(?:months?|weeks?|days?))",
        rf"(?<![子儿])(?P<sex>[男女])(?:性|童|孩|婴)?{_BETWEEN_ZH}(?P<age>\d{{1,3}})(?:\.\d+)?\s*(?P<unit>{_UNIT_ZH})",
        r"(?<![\d.])(?P<age>\d{1,3})(?:\.\d+)?\s*(?P<unit>岁|个?月|天|周)(?:龄|大)?半?的?[\s，,、]*(?P<sex>[男女])(?![儿友])",
        r"年龄\s*[:：]?\s*(?P<age>\d{1,3})\s*(?P<unit>岁|个?月|天|周)?",
        r"(?<![\d.])(?P<age>\d{1,3})\s*(?P<unit>岁)(?![时前起开以之后])",
        r"(?:^|患儿[，,]?\s*)(?P<age>\d{1,2})\s*(?P<unit>个月)(?:大|龄)?(?=[\s，,。]|$)",
    )
)
_SEX_ALONE = re.compile(
    r"\b(?:sex|gender)\s*[:：]?\s*(?P<a>male|female|m|f)\b|性别\s*[:：]?\s*(?P<b>[男女])"
    r"|\b(?:a|an|this|the)\s+(?:(?!man\b|woman\b)[\w-]+\s+){0,3}?(?P<c>man|male|boy|gentleman|woman|female|girl|lady)\b"
    r"|(?<![子儿\d一二两三])(?P<d>[男女])(?=性(?!生殖|激素|功能)|婴|童|孩|患|士|[，,、。；;\s/]|$)",
    re.IGNORECASE,
)


def _person(text: str) -> re.Match[str] | None:
    """The earliest statement of an age that could be the patient's."""
    found = [match for pattern in _PERSON for match in pattern.finditer(text) if _possible(match)]
    return min(found, key=lambda match: match.start(), default=None)


def _possible(match: re.Match[str]) -> bool:
    sex = match.groupdict().get("sex") or ""
    written_out = len(sex) != 1 or sex in "MF男女"  # "34F", but not "5m"
    return int(match["age"]) <= 130 and written_out


def _age(text: str) -> int | None:
    """The age in completed years, 0 for an infant."""
    if not (match := _person(text)):
        return None
    age, unit = int(match["age"]), (match.groupdict().get("unit") or "y").lower()
    per_year = {"m": 12, "月": 12, "个": 12, "w": 52, "周": 52, "d": 365, "天": 365}.get(unit[0], 1)
    return age // per_year


def _sex(text: str) -> Sex:
    match = _person(text)
    word = (match.groupdict().get("sex") if match else None) or ""
    if not word and (alone := _SEX_ALONE.search(text)):
        word = next(filter(None, alone.groups()), "")
    if not word:
        return "unknown"
    return "male" if _MALE.fullmatch(word) else "female"


# --- Vital signs.

_IS = r"(?:\s|[:：=,，]|\bof\b|\bis\b|\bwas\b|为|约)*"
_NO_RANGE = r"(?![\d.]*\d)(?!\s*[-–~～]\s*\d)"
_NO_LENGTH = r"(?!\s*(?:mm|cm|mg|kg|ml|%|％|°|[/／]\s*\d|[×x*]\s*\d|years?|岁|天))"
_VITALS: dict[str, re.Pattern[str]] = {
    "temperature_c": re.compile(
        rf"(?:(?<![A-Za-z])(?:B?T|temp|temperature)(?![A-Za-z])|体温){_IS}(?:T{_IS})?(\d{{2,3}}(?:\.\d+)?){_NO_RANGE}"
        r"\s*(?:°|º|degrees\s*)?\s*(℃|℉|摄氏度|华氏度|度|[CF]\b)?",
        re.IGNORECASE,
    ),
    "heart_rate": re.compile(
        rf"(?:(?<![A-Za-z])(?:P|HR|PR|pulse(?: rate)?|heart rate)(?![A-Za-z])|脉搏|心率|脉率){_IS}(?:(?:P|HR){_IS})?"
        rf"(\d{{2,3}}){_NO_RANGE}{_NO_LENGTH}",
        re.IGNORECASE,
    ),
    "respiratory_rate": re.compile(
        rf"(?:(?<![A-Za-z])(?:R|RR|resp(?:iratory)?(?: rate)?|respirations?)(?![A-Za-z])|呼吸(?:频率)?){_IS}(?:RR?{_IS})?"
        rf"(\d{{1,3}}){_NO_RANGE}{_NO_LENGTH}",
        re.IGNORECASE,
    ),
    "blood_pressure": re.compile(
        rf"(?:(?<![A-Za-z])(?:BP|blood pressure)(?![A-Za-z])|血压){_IS}(?:BP{_IS})?(\d{{2,3}})\s*[/／]\s*(\d{{2,3}})(?![\d.])(?!\s*kpa)",
        re.IGNORECASE,
    ),
    "spo2_percent": re.compile(
        rf"(?:(?<![A-Za-z])(?:SpO[2₂]|O[2₂] sat(?:uration)?s?|oxygen saturation|sats?)(?![A-Za-z])|血氧饱和度|氧饱和度|血氧)"
        rf"{_IS}(?:SpO[2₂]{_IS})?(\d{{2,3}}(?:\.\d+)?){_NO_RANGE}",
        re.IGNORECASE,
    ),
}


def _vital_signs(text: str) -> VitalSigns:
    """The first value stated of each vital sign; one that cannot be right stays in the text only."""
    values: dict[str, float] = {}
    for name, pattern in _VITALS.items():
        if not (match := pattern.search(text)):
            continue
        if name == "temperature_c":
            read = _celsius(float(match[1]), match[2] or "")
        elif name == "blood_pressure":
            read = {"systolic_bp": float(match[1]), "diastolic_bp": float(match[2])}
        else:
            read = {name: float(match[1])}
        values |= read if _valid(read) else {}
    return VitalSigns(**values)


def _celsius(value: float, unit: str) -> dict[str, float]:
    """The temperature in °C. Without a unit only a value that no other scale or index has is one."""
    if unit.upper() in ("F", "℉", "华氏度"):
        return {"temperature_c": round((value - 32) / 1.8, 1)}
    return {"temperature_c": value} if unit or 33 <= value <= 43 else {}


def _valid(values: dict[str, float]) -> bool:
    try:
        VitalSigns(**values)
    except ValidationError:
        return False
    return True
