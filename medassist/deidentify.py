"""PatientCase → DeidentifiedCase: every identifier found in the free text becomes a placeholder, reversibly.

Formats (mail, phone, dates, cards …) are found by presidio's pattern recognizers, which need no model; Chinese
identifiers, labelled numbers, names and addresses by the rules below. Formats are found reliably, names and
addresses are not: a reader must be told so, and nothing here may be called complete.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import InitVar, dataclass
from functools import cache
from typing import Any

from medassist.case import TEXT_FIELDS, PatientCase

MASKS: dict[str, tuple[str, str]] = {
    "name": ("name", "姓名"),
    "address": ("address", "地址"),
    "date": ("date", "日期"),
    "age_over_89": ("age over 89", "89岁以上年龄"),
    "phone": ("telephone number", "电话"),
    "fax": ("fax number", "传真"),
    "email": ("e-mail address", "电子邮箱"),
    "ssn": ("social security number", "社会安全号"),
    "id_number": ("identity document", "证件号码"),
    "record_number": ("record number", "病历或检查编号"),
    "insurance": ("insurance number", "医保或保险号"),
    "account": ("account number", "银行卡或账号"),
    "license": ("licence number", "执照或证书号"),
    "plate": ("vehicle number", "车牌或车架号"),
    "device": ("device number", "设备编号"),
    "url": ("web address", "网址"),
    "ip": ("IP address", "IP地址"),
    "biometric": ("biometric record or photograph", "生物特征或照片"),
    "hospital": ("hospital", "医疗机构"),
    "employer": ("employer or school", "工作单位或学校"),
    "other": ("other identifier", "其他标识"),
}
"""What is masked, with its English and Chinese words: the 18 kinds of 45 CFR 164.514(b)(2) and their Chinese kin."""

OLDEST = 89
"""Ages above this identify a person under Safe Harbor; they may only be given as "90 or older"."""

CHECKED, LABELLED, WORDED, BARE = 3, 2, 1, 0
"""How certain a finding is: by its own format or checksum, by a label before it, by words around it, by digits alone."""


@dataclass(frozen=True)
class Span:
    """An identifier in a text; holds no text itself, so that it may be logged."""

    kind: str
    start: int
    end: int
    certainty: int = WORDED


@dataclass(frozen=True)
class Masked:
    """What was masked: `start` and `end` index the original text of the case's `field`."""

    kind: str
    placeholder: str
    start: int
    end: int
    field: str


_MAKER = object()


@dataclass(frozen=True, repr=False)
class DeidentifiedCase:
    """A case whose texts hold placeholders. Made by `deidentify` only, so that its type is a promise."""

    case: PatientCase
    masked: tuple[Masked, ...]
    _originals: Mapping[str, str]
    maker: InitVar[object] = None

    def __post_init__(self, maker: object) -> None:
        if maker is not _MAKER:
            raise TypeError("a DeidentifiedCase is made by deidentify() only")

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind were masked."""
        return dict(Counter(item.kind for item in self.masked))

    def restore(self, text: str) -> str:
        """`text` with the originals in place of their placeholders: for the clinician's eyes, never for a model."""
        if not self._originals:
            return text
        known = re.compile("|".join(map(re.escape, self._originals)))
        return known.sub(lambda match: self._originals[match.group()], text)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{kind} {count}" for kind, count in Counter(item.kind for item in self.masked).items())
        return f"DeidentifiedCase({kinds or 'nothing'} masked, text hidden)"


def deidentify(case: PatientCase) -> DeidentifiedCase:
    """Mask `case`. One value has one placeholder in all fields; its language stays what it was before masking."""
    texts = {field: getattr(case, field) for field in TEXT_FIELDS}
    found = {field: find(text, case.written_in) for field, text in texts.items()}
    names = {texts[field][s.start : s.end] for field, spans in found.items() for s in spans if s.kind == "name"}
    numbering = _Numbering("\n".join(texts.values()))
    masked = [
        Masked(span.kind, numbering.placeholder(span.kind, text[span.start : span.end]), span.start, span.end, field)
        for field, text in texts.items()
        for span in _settle(text, [*found[field], *_repeats(text, names)])
    ]
    update: dict[str, Any] = {field: _replace(text, masked, field) for field, text in texts.items()}
    if case.age is not None and case.age > OLDEST:
        update["age"] = OLDEST + 1
        masked.append(Masked("age_over_89", str(OLDEST + 1), 0, len(str(case.age)), "age"))
    safe = case.model_copy(update={**update, "language": case.written_in})
    return DeidentifiedCase(safe, tuple(masked), numbering.originals, _MAKER)


_QUESTION = "\n\u2063\n"


def deidentify_question(case: PatientCase, question: str) -> str:
    """A question about `case` with what identifies masked, a value that the case has by the same placeholder."""
    asked = case.model_copy(update={"investigations": case.investigations + _QUESTION + question})
    return deidentify(asked).case.investigations.split(_QUESTION, 1)[1]


class _Numbering:
    """Hands out `[NAME-1]`, `[NAME-2]` … per distinct value, passing over any that the text already contains."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._given: dict[tuple[str, str], str] = {}
        self._last: Counter[str] = Counter()
        self.originals: dict[str, str] = {}

    def placeholder(self, kind: str, value: str) -> str:
        if (kind, value) not in self._given:
            name = self._next(kind)
            while name in self._text:
                name = self._next(kind)
            self._given[kind, value] = name
            self.originals[name] = value
        return self._given[kind, value]

    def _next(self, kind: str) -> str:
        self._last[kind] += 1
        return f"[{kind.upper().replace('_', '-')}-{self._last[kind]}]"


def _replace(text: str, masked: Iterable[Masked], field: str) -> str:
    parts, end = [], 0
    for item in masked:
        if item.field == field:
            parts += [text[end : item.start], item.placeholder]
            end = item.end
    return "".join([*parts, text[end:]])


# --- Finding.


def find(text: str, language: str) -> list[Span]:
    """The identifiers in `text`, in order and without overlaps. The first call loads presidio (see `warm_up`).

    Both languages' rules always run, as notes mix them; `language` only says which phone numbers to expect.
    """
    if not text:
        return []
    return _settle(text, [*_by_rules(text), *_by_presidio(text, language)])


def warm_up() -> None:
    """Load presidio now: it takes seconds, which belong to the start of the service, not to the first case."""
    for language in ("en", "zh"):
        find("warm up", language)


def _settle(text: str, spans: Iterable[Span]) -> list[Span]:
    """Without overlaps: the most certain wins, then the longest. Of a loser the part not covered stays masked."""
    taken = bytearray(len(text))
    kept = []
    for span in sorted(spans, key=lambda s: (-s.certainty, s.start - s.end)):
        for start, end in _free(taken, span):
            if re.search(r"\w", text[start:end]):
                kept.append(Span(span.kind, start, end, span.certainty))
        taken[span.start : span.end] = b"\1" * (span.end - span.start)
    return sorted(kept, key=lambda s: s.start)


def _free(taken: bytearray, span: Span) -> Iterator[tuple[int, int]]:
    for run in re.finditer(rb"\0+", bytes(taken[span.start : span.end])):
        yield span.start + run.start(), span.start + run.end()


def _repeats(text: str, names: Iterable[str]) -> Iterator[Span]:
    """Names found elsewhere in the case, and English surnames of theirs, wherever they occur again."""
    wanted = {name for name in names if len(name) > 1}
    wanted |= {part for name in wanted for part in re.findall(r"[A-Z][\w'’-]{3,}", name) if not _NO_NAME.match(part)}
    for name in wanted:
        for match in re.finditer(rf"{_EDGE}{re.escape(name)}(?![A-Za-z]){_NO_EPONYM}", text):
            yield Span("name", match.start(), match.end())


# --- Formats, by presidio.


@cache
def _recognizers() -> list[tuple[str, Any]]:
    """Presidio's recognizers with our kinds. Imported here: presidio brings spaCy and, if installed, torch."""
    from presidio_analyzer import predefined_recognizers as known

    class Email(known.EmailRecognizer):
        def validate_result(self, pattern_text: str) -> None:
            """Accept any domain: the original asks the web for a list of top-level domains."""

    return [
        ("email", Email()),
        ("url", known.UrlRecognizer()),
        ("ip", known.IpRecognizer()),
        ("ssn", known.UsSsnRecognizer()),
        ("id_number", known.UsItinRecognizer()),
        ("id_number", known.UkNinoRecognizer()),
        ("insurance", known.UsMbiRecognizer()),
        ("record_number", known.NhsRecognizer()),
        ("license", known.MedicalLicenseRecognizer()),
        ("account", known.CreditCardRecognizer()),
        ("account", known.IbanRecognizer()),
        ("device", known.MacAddressRecognizer()),
        ("date", known.DateRecognizer()),
    ]


@cache
def _phones(language: str) -> Any:
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer

    return PhoneRecognizer(supported_regions=("CN",) if language == "zh" else ("US", "GB"))


_UNBROKEN = re.compile(r"\S{500,}")
"""No prose: presidio's pattern for web addresses takes time quadratic in its length."""

_DIGITS = re.compile(r"\d(?:[ ().-]{0,2}\d){6}")
_MEASURED = re.compile(r"(?<!\d)\d{1,2}\.\d{1,2}(?!\d)|/$")
"""Decimals, or the start of a fraction: vital signs in a row look like a telephone number."""

_NO_ADDRESS = re.compile(
    r"(?:[A-Za-z]\.){0,3}[\w-]+\.(?:[a-z]{2,3}[A-Za-z]|(?i:no|in|at|so|it|to|is|be|me|my|am|us|as|by|do|he|pm|ms|mr|dr|st|md|ca|la|pa|id)[^/\w.]?)"
)
"""What presidio takes for web addresses: the start of H.pylori, and pain.No where a space is missing."""

_LIKELY = 0.5
"""Presidio's score from which a pattern stands without a context word; below it are such as any nine digits."""


def _by_presidio(text: str, language: str) -> Iterator[Span]:
    """Presidio sees line breaks for Chinese characters: as letters they would hide the edges of what is found."""
    latin = _UNBROKEN.sub(lambda match: " " * len(match.group()), _CHINESE.sub("\n", text))
    for kind, recognizer in _recognizers():
        for result in recognizer.analyze(latin, recognizer.supported_entities):
            if result.score >= _LIKELY and not (
                kind == "url" and _NO_ADDRESS.fullmatch(latin[result.start : result.end + 1])
            ):
                yield Span(kind, result.start, result.end, CHECKED)
    if not _DIGITS.search(latin):  # the phone matcher is the slowest of all
        return
    for result in _phones(language).analyze(latin, ["PHONE_NUMBER"]):
        if not _MEASURED.search(latin[result.start : result.end + 1]):
            yield Span("phone", result.start, result.end, LABELLED)


# --- Our own rules. A rule masks its group "v".


@dataclass(frozen=True)
class _Rule:
    kind: str
    pattern: re.Pattern[str]
    certainty: int
    accept: Callable[[str], bool] = bool
    loose: bool = False  # trusts capitals alone, so it is no use where Every Word Has One


def _by_rules(text: str) -> Iterator[Span]:
    capitals = _has_capitals_everywhere(text)
    for rule in _rules_for(text):
        if rule.loose and capitals:
            continue
        for match in rule.pattern.finditer(text):
            if rule.accept(match["v"]):
                yield Span(rule.kind, *match.span("v"), rule.certainty)


def _rules_for(text: str) -> Iterator[_Rule]:
    """The rules that can match at all: most of the time goes into names and places."""
    yield from _FORMATS
    if re.search(r"[A-Z][A-Za-z]", text):
        yield from _ENGLISH
    if _CHINESE.search(text):
        yield from _CHINESE_RULES


def _has_capitals_everywhere(text: str) -> bool:
    words: list[str] = re.findall(r"[A-Za-z]{2,}", text)
    return 3 * sum(word[0].isupper() for word in words) > len(words)


def _is_resident_id(value: str) -> bool:
    """The check digit of GB 11643: weighted sum modulo 11."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(w * int(c) for w, c in zip(weights, value, strict=False)) % 11] == value[-1].upper()


def _is_no_word(value: str) -> bool:
    """Chinese surnames open many words, such as 高兴; three characters may be a name all the same, such as 高兴华."""
    if value[:2] not in _WORDS_ZH:
        return value not in _DRUGS_ZH
    named = len(value) == 3 and value[2] in _POPULAR and (value[1] in _POPULAR or value[1] in "大小老长文开")
    return named and value not in _DRUGS_ZH


def _is_luhn(value: str) -> bool:
    digits = [int(char) for char in reversed(value) if char.isdigit()]
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_EDGE = r"(?<![A-Za-z0-9])"
_HAN = r"\u4e00-\u9fff"

# Numbers that a label announces. A value of several words must be groups of digits, and a year alone is none.
_LINK = (
    r"(?:\s{0,3}(?:numbers?\b|nos?\b\.?|nr\b\.?|num\b\.?|nbr\b\.?|№|#|id\b|ident\w{0,12}|code\b|record\b|tag\b|pin\b|ref\b\.?|reference\b|card\b|ser\b\.?|serial\b|s/n\b|template\b|certificate\b|lic\b\.?|licen[cs]e\b|reg\b\.?|barcode\b)){1,4}"
    r"(?:\s+(?:is|was|are))?[\s:：#=.(\"'“-]{0,4}"
)
_LINK_ZH = (
    r"(?:卡|证|书|簿)?(?:编号|编码|代码|序号|号码|账号|帐号|号|码|SN|ID|id|No\.?|NO\.?)(?:[\s:：为是=#.]|\(|（){0,4}"
)
_START = rf"{_EDGE}(?<![glU]/)"
"""Not the dL of mg/dL, which would be a driving licence."""
_NO_DECIMAL = r"(?!NCT\d|\d+\.\d+(?![A-Za-z0-9_.-]))"
_AMOUNT = r"(?:\s*(?:y|mg|mcg|g|kg|m[lLm]|cm|U|IU|units?|cells?|copies|steps|kcal|beats|bpm|rpm|hours?|days?|weeks?|patients|%|[a-zA-Zµμ]+/)(?![A-Za-z])|\s*[年月元次例岁天份个单拷])"
_YEAR_ALONE = r"(?!(?:19|20)\d\d(?![A-Za-z0-9_-]))"
_VALUE = (
    rf"{_YEAR_ALONE}{_NO_DECIMAL}(?P<v>(?:(?!ID|NO)[A-Z]{{1,4}}[ -]?)?\d{{2,10}}(?:[ -]\d{{2,6}}){{1,5}}(?:[ -][A-Z]\b)?(?![A-Za-z0-9_/-])(?!{_AMOUNT})"
    r"|(?:(?!ID|NO)[A-Z]{2,4} )?(?=[A-Za-z_./#-]{0,20}\d)(?!\d+\.?\d*(?:mg|cm|m[lLm]|kg|%))(?:[A-Z0-9]|[a-z]{1,4}[-_]?\d{3})(?:[A-Za-z0-9]|[-_./#](?=[A-Za-z0-9])){3,})"
)
_LONG_VALUE = rf"{_NO_DECIMAL}(?P<v>(?=(?:[A-Z_./-]{{0,9}}\d){{4}})[A-Z0-9](?:[A-Z0-9]|[-_./](?=[A-Z0-9])){{4,}})(?![A-Za-z0-9])(?!{_AMOUNT})"
_GROUPS = rf"(?P<v>(?:[A-Z]{{1,4}} )?\d{{3,10}}(?:[ -]\d{{2,6}}){{1,4}}|[A-Z]{{1,3}} \d{{5,10}})(?![A-Za-z0-9_/-]|\.\d)(?!{_AMOUNT})"
_MIXED = r"(?P<v>(?=(?:[A-Z_-]{0,9}\d){3})(?=[\d_-]{0,9}[A-Z])[A-Z0-9](?:[A-Z0-9]|[-_](?=[A-Z0-9])){5,})(?![A-Za-z0-9])"
_PLATE_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_DOCUMENT_ZH = rf"[{_HAN}]{{1,4}}字\s*第?\s*[A-Z0-9-]{{4,20}}号?|[A-Z]{{0,6}}[{_HAN}]{{0,3}}[〔【\[（(](?:19|20)\d\d[〕】\]）)]\s*第?\s*\d{{3,12}}号?"
"""Numbers of official papers: 军字第0012345号, 粤〔2023〕0123号."""
_VALUE_ZH = (
    rf"{_YEAR_ALONE}{_NO_DECIMAL}(?P<v>{_DOCUMENT_ZH}|(?:[A-Z]{{1,4}}[ -]?)?\d{{2,10}}(?:[ -]\d{{2,8}}){{1,6}}(?![A-Za-z0-9_/.-])(?!{_AMOUNT})"
    rf"|(?:[{_PLATE_PROVINCES}]-?)?(?=[A-Za-z_:.#-]{{0,20}}\d)[A-Za-z0-9](?:[A-Za-z0-9]|[-_.·#](?=[A-Za-z0-9])){{3,}})"
)
_LONG_VALUE_ZH = rf"{_NO_DECIMAL}(?P<v>{_DOCUMENT_ZH}|\d{{3,10}}(?:[ -]\d{{2,8}}){{1,6}}|(?=(?:[A-Za-z_.-]{{0,16}}\d){{4}})[A-Za-z0-9](?:[A-Za-z0-9]|[-_.](?=[A-Za-z0-9])){{4,}})(?![A-Za-z0-9])(?!{_AMOUNT})"

_LABELS = {
    "record_number": (
        r"MRN|ID(?: band| bracelet| badge)?|(?:crew |unit |badge )?number|(?:our |your )?ref(?:erence)?|(?:specimen|sample|slide|block|form|file|tube)s? (?:labell?ed|numbered|marked)|(?:medical |hospital |health )?record|hospital|NHS|CHI|chart|accession|specimen|sample|encounter|visit|patient"
        r"|subject|participant|case|study|claim|referral|prescription|order|admission|episode|file|lab(?:oratory)?|employee|staff"
        r"|MR|med(?:ical)?\.? rec(?:ord)?s?\.?|hosp\.|UR|URN|UHID|UMRN|CSN|FIN|EMPI|CRN|HRN|NHI|IHI|OPD?|IPD?|acc\.?|req(?:uisition)?\.?|Rx|script|barcode|path(?:ology)?\.?|cytology|biopsy|histology|radiology|imaging|exam|ticket|incident|CAD|run|trial|screening|randomi[sz]ation|donor|registry|enrol(?:l)?ment"
        r"|inmate|prisoner|offender|booking|docket|court|police report|badge|student|school|personnel|payroll|service|library|tracking|confirmation|appointment|wristband|armband|bag",
        r"住院|门诊|病案|病历|就诊|诊疗|检查|检验|影像|放射|超声|CT|MRI?|X线|病理|标本|样本|条形?码|登记|申请单|处方"
        r"|流水|体检|急诊|留观|工(?=号)|学(?=号)|员工|学生|会员|志愿者|受试者|筛选|随机|患者编|档案|报告|腕带|入院|出院|预约|挂号|发票|就诊卡|诊疗卡|胃镜|内镜|血袋|快递|订单|警(?=号)|监(?=号)|编|ID",
    ),
    "insurance": (
        r"member(?:ship)?|policy|beneficiary|subscriber|group|health plan|plan|insurance|insured|medicare|medicaid|medi-cal|tricare|MBI|HICN?|cardholder|enrollee|payer|payor|RxBIN|RxPCN|RxGrp|BIN|PCN|prior auth(?:ori[sz]ation)?|pre-?auth(?:ori[sz]ation)?|auth(?:ori[sz]ation)?|BCBS|blue cross(?: blue shield)?|aetna|cigna|humana|united ?healthcare|kaiser|dependent|sponsor",
        r"医保|医疗保险|社保|社会保障|参保|新农合|合作医疗|保单|保险|工伤|生育|大病|救助|理赔|医疗救助|低保",
    ),
    "account": (
        r"(?:account|acct\.?)|a/c|routing|ABA|sort|SWIFT|BIC|IFSC|IBAN|invoice|bill(?:ing)?|receipt|transaction|guarantor|cheque|check|paypal|venmo",
        r"银行|[建工农中招交]行|账户|帐户|账号|帐号|卡号|支付宝|存折|信用卡|储蓄|借记卡|银联卡?|公积金|缴费|对公|开户",
    ),
    "license": (
        r"(?:driver'?s? |driving |medical |state |nursing |pharmacy |RN |board )?licen[cs]e|(?:driver'?s? |med\. |medical |state )?lic\.?|certificate|certification|cert\.|credential|DL|CDL|DEA|NPI|GMC|NMC|GDC|HCPC|GPhC|AHPRA|CLIA|UPIN|permit|pin",
        r"驾驶|驾照|执业(?:医师)?(?:证书)?|资格证书?|注册证|许可证|证书|医师编|处方权|上岗|操作",
    ),
    "id_number": (
        r"passport|tax|TIN|ITIN|EIN|national insurance|NINO?|national|identity card|identity|state|visa permit|visa|(?:permanent )?resident card|green card|alien|A-number|military|DoD|EDIPI|aadhaa?r|NRIC|HKID|PAN|CURP|CPF|BSN|PESEL|birth certificate|refugee|UNHCR",
        r"身份证|护照|通行证|台胞证|军官证|士兵证|军人证|警官证|居住证|居留证|居留许可|签证|户口簿?本?|老年证|残疾证|出生证|出生医学证明|结婚证|学生证|工作证|证件",
    ),
    "plate": (
        r"licen[cs]e plate|number plate|plate|registration|VIN|VRM|rego?\.?|vehicle(?: identification)?|chassis|trailer|ambulance|taxi",
        r"车架|发动机|车牌",
    ),
    "device": (
        r"serial|ser\.|S/N|SN|device|asset|(?:electronic |ankle |asset )?tag|UDI|IMEI|MAC|(?:insulin |infusion )?pump|sensor|transmitter|receiver|controller|(?:loop )?recorder|monitor|valve|implant|pacemaker|ICD|CRT-?D|defibrillator|generator|stimulator|neurostimulator|IPG|LVAD|stent|prosthesis|implant(?:able)?|hearing aid|wheelchair|CPAP|BiPAP|ventilator|glucometer|meter|holter|cochlear implant|scope|endoscope|lens|graft|port|walker|concentrator|machine|lead|shunt",
        r"序列|设备|机身|产品编|植入物|起搏器|支架编|关节编|假体编|器械编|出厂编|IMEI|传感器|发射器|接收器|控制器|记录[盒仪器]|监测仪|监护仪|血糖仪|血压计|[泵机]|瓣膜|支架|假体|关节|晶体|耳蜗|除颤器|刺激器|助听器|轮椅|电极|导线|手环",
    ),
    "biometric": (
        r"finger ?prints?|thumb ?prints?|foot ?prints?|retinal? (?:scan|image)|iris(?: scan)?|voice ?(?:print|sample|recording)|palm ?(?:print|vein)|hand geometry|face (?:scan|ID|template)|facial (?:photograph|image|scan|recognition)|DNA profile|biometric",
        r"(?:指纹|声纹|虹膜|人脸|面部|面容|掌纹|[掌指]静脉|足印|足纹|视网膜|眼底|步态|笔迹|嗓音|语音|DNA)(?:识别|模板|样本|档案|数据|采集|图像|特征|录音|信息){0,3}",
    ),
}
_NUMBER_WORD_NEEDED = frozenset({"record_number", "biometric", "device"})
"""检查 and 设备 stand before results too; only 检查号 and 设备编号 announce a number, unless it can be no result."""


def _labelled() -> Iterator[_Rule]:
    for kind, (english, chinese) in _LABELS.items():
        yield _Rule(kind, re.compile(rf"{_START}(?i:(?:{english}){_LINK}){_VALUE}"), LABELLED)
        value = _MIXED if kind == "device" else _LONG_VALUE
        yield _Rule(kind, re.compile(rf"{_START}(?i:(?:{english})(?: record)?)[\s:：#=(]{{0,4}}{value}"), LABELLED)
        yield _Rule(kind, re.compile(rf"(?:{chinese}){_LINK_ZH}{_VALUE_ZH}"), LABELLED)
        if kind in _NUMBER_WORD_NEEDED:
            yield _Rule(kind, re.compile(rf"(?:{chinese})[\s:：为是(（]{{0,3}}{_MIXED}"), WORDED)
        else:
            yield _Rule(kind, re.compile(rf"{_START}(?i:{english})[\s:：#=]{{0,4}}{_GROUPS}"), LABELLED)
            yield _Rule(kind, re.compile(rf"(?:{chinese})[\s:：为是]{{0,3}}{_LONG_VALUE_ZH}"), LABELLED)


_PHONE = r"(?P<v>\+?\(?\d(?:[ ().–-]{0,2}\d){6,14})(?!\d)"
_FILE = r"(?i:jpe?g|png|hei[cf]|tiff?|bmp|gif|webp|svg|raw|dcm|dicom|nii|mp4|mov|avi|mkv|wmv|m4v|3gp|webm|mpe?g|mp3|wav|m4a|aac|flac|ogg|amr|wma|opus|edf|stl|svs|pdf|docx?|xlsx?|pptx?|zip|rar)(?![A-Za-z0-9])"
_NUMBERS = (
    _Rule(
        "id_number",
        re.compile(
            r"(?<!\d)(?P<v>[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx])(?![\dA-Za-z])"
        ),
        CHECKED,
        _is_resident_id,
    ),
    _Rule("id_number", re.compile(r"(?:身份证|证件)[^\d\n]{0,6}(?P<v>\d{14,17}[\dXx])(?![\dA-Za-z])"), CHECKED),
    _Rule("id_number", re.compile(r"(?<![\dA-Za-z])(?P<v>\d{17}[\dXx])(?![\dA-Za-z])"), WORDED),
    _Rule("id_number", re.compile(r"(?<![\dA-Za-z*])(?P<v>\d{3,8}[*xX]{4,12}\d{1,4}[\dXx]?)(?![\dA-Za-z*])"), LABELLED),
    _Rule("id_number", re.compile(rf"{_EDGE}(?P<v>[A-Z]{{1,2}}\d{{6}}[(（][\dA][)）])"), LABELLED),
    _Rule("id_number", re.compile(rf"{_EDGE}(?P<v>[STFGM]\d{{7}}[A-Z])(?![A-Za-z0-9])"), LABELLED),
    _Rule("id_number", re.compile(rf"{_EDGE}(?P<v>A-?\d{{3}}[ -]\d{{3}}[ -]\d{{3}})(?![A-Za-z0-9_-])"), LABELLED),
    _Rule(
        "id_number",
        re.compile(r"(?<!\d)(?P<v>[1-8]\d{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3})(?!\d)"),
        WORDED,
    ),
    _Rule("ssn", re.compile(r"(?i:\bSSN?\b|\bSSA\b|soc(?:ial|\.)? sec(?:urity|\.)?|社会安全)\D{0,16}(?P<v>\d{3}[ .–-]?\d\d[ .–-]?\d{4})(?!\d)"), CHECKED),
    _Rule("ssn", re.compile(r"(?<![A-Za-z0-9_.-])(?P<v>\d{3}[-–]\d\d[-–]\d{4})(?![A-Za-z0-9_-])"), LABELLED),
    _Rule("ssn", re.compile(r"(?<![A-Za-z0-9_.-])(?P<v>[xX*#]{3}[ –-]?[xX*#]{2}[ –-]?\d{4})(?![A-Za-z0-9_-])"), CHECKED),
    _Rule("ssn", re.compile(r"\b(?i:last (?:4|four)(?: digits?)?(?: of)?(?: (?:the|his|her|their|pt|patient)(?:['’]s)?)? (?:SSN?|social)\b)\D{0,24}(?P<v>\d{4})(?!\d)"), CHECKED),
    _Rule("ssn", re.compile(r"\b(?i:SSN?|social(?: security)?)\b[^\d\n]{0,12}(?i:last (?:4|four)|end(?:s|ing)|final (?:4|four))\D{0,16}(?P<v>\d{4})(?!\d)"), CHECKED),
    _Rule("account", re.compile(r"(?<!\d)(?P<v>[3-6]\d{3}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?)(?!\d)"), CHECKED, _is_luhn),
    _Rule("account", re.compile(r"(?<![A-Za-z0-9_.-])(?P<v>\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{3,4}(?:[ -]\d{1,4})?)(?![A-Za-z0-9_-])"), LABELLED),
    _Rule("account", re.compile(r"(?i:\b(?:visa|master ?card|amex|american express|discover|unionpay|debit|credit|card)\b|卡)[^\d\n]{0,20}(?P<v>\d{4}[ -]?\d{4,6}[ -]?\d{4,5}(?:[ -]?\d{1,4}){0,2})(?![A-Za-z0-9_-])"), LABELLED),
    _Rule("account", re.compile(r"\bIBAN\W{0,4}(?P<v>[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?\d{1,4}(?!\d))?)"), CHECKED),
    _Rule("account", re.compile(r"\b(?:SWIFT|BIC)(?:/BIC)?(?: [Cc]ode)?[\s:]{1,3}(?P<v>[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b"), LABELLED),
    _Rule("account", re.compile(r"\b(?i:sort code)[\s:]{1,3}(?P<v>\d\d[ -]?\d\d[ -]?\d\d)(?!\d)"), CHECKED),
    _Rule("account", re.compile(r"(?:尾号|末四位|后四位)[\s:：为是]{0,3}(?P<v>\d{3,5}[\dXx])(?![\dA-Za-z])"), LABELLED),
    _Rule("account", re.compile(r"\b(?i:card|account|acct|visa|master ?card|amex|debit|credit|checking|savings)\b[^\d\n.;]{0,30}\b(?i:end(?:s|ing)|last (?:4|four))\b[^\d\n]{0,12}(?P<v>\d{4})(?!\d)"), LABELLED),
    _Rule("insurance", re.compile(rf"{_EDGE}(?P<v>[1-9][A-Z][A-Z0-9]\d[ -]?[A-Z][A-Z0-9]\d[ -]?[A-Z]{{2}}\d\d)(?![A-Za-z0-9])"), CHECKED),
    _Rule("ip", re.compile(r"(?i:\bIP|[\u4e00-\u9fff]IP)(?i:v[46])?(?:地址)?[\s:：为是]{0,3}(?P<v>(?=[0-9A-Fa-f]{0,4}[.:])[0-9A-Fa-f][0-9A-Fa-f.:]{5,44}[0-9A-Fa-f])"), CHECKED),
    _Rule("fax", re.compile(rf"(?:(?i:\bfax)|传真)[^\d\n(+]{{0,40}}{_PHONE}"), CHECKED),
    _Rule("phone", re.compile(r"(?<![\d.])(?P<v>(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?!\d)"), LABELLED),
    _Rule("phone", re.compile(r"(?<![\d.])(?P<v>1[3-9]\d[*xX]{4}\d{4})(?!\d)"), CHECKED),
    _Rule("phone", re.compile(r"(?<![\d.])(?P<v>(?:\+?86[ -]?)?(?:\(0\d{2,3}\)|（0\d{2,3}）|0\d{2,3}[ —–-])\d{7,8})(?!\d)"), LABELLED),
    _Rule("phone", re.compile(r"(?<![\d.])(?P<v>(?:(?:\+|00)?1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4})(?!\d)"), LABELLED),
    _Rule("phone", re.compile(r"(?<![A-Za-z0-9_.+])(?P<v>\+[1-9]\d{0,2}(?:[ .()-]{0,2}\d){7,12})(?!\d)"), LABELLED),
    _Rule("phone", re.compile(r"(?<![A-Za-z0-9_.-])(?P<v>\d{3}-0\d{3})(?![A-Za-z0-9_-])"), WORDED),
    _Rule("url", re.compile(r"(?P<v>(?:(?i:https?|s?ftp|file|s3|smb|rtsp)://|www\.)[A-Za-z0-9][A-Za-z0-9._~:/?#@!$&*+,;=%-]*[A-Za-z0-9/])"), CHECKED),
    _Rule("phone", re.compile(r"(?<![\d.])(?P<v>(?:\+44 ?(?:\(0\))?|0)\d{2,4}[ -]\d{3,4}[ -]?\d{3,4})(?!\d)"), LABELLED),
    _Rule("phone", re.compile(r"(?P<v>\(0\d{2,4}\)[ -]?\d{3,4}[ -]?\d{3,4})(?!\d)"), LABELLED),
    _Rule("phone", re.compile(r"\b(?:[Ee]xt|[Ee]xtn|[Ee]xtension|[Bb]leep|[Pp]ager|[Bb]eeper|DECT|[Vv]ocera)\b\.?\s{0,2}(?:(?i:no|number|id)\b\.?)?[\s:#]{0,3}(?P<v>\d{3,6})\b"), LABELLED),
    _Rule("phone", re.compile(r"(?:短号|分机号?|内线|院内电话)[\s:：为是]{0,3}(?P<v>\d{3,6})(?!\d)"), LABELLED),
    _Rule("phone", re.compile(r"(?<!\d)(?P<v>[48]00[ -]?\d{3}[ -]?\d{4})(?!\d)"), LABELLED),
    _Rule("phone", re.compile(r"(?:\d{3}[.-]\d{4}\s{0,3}(?=[ex])|\d{4}\s{0,3}(?=[转分]))(?P<v>(?:ext\.?|extension|x|转|分机)?\s{0,3}\d{2,6})(?!\d)"), LABELLED),
    _Rule(
        "phone",
        re.compile(
            rf"(?:\b(?i:phone|ph|tel|telephone|cell|mob|mobile|call|called|calls|calling|dial|text|texted|rang|ring|reached|pager|page|contact|voicemail|landline|whatsapp|viber|hotline|helpline)\b|电话|手机|座机|热线|致电|拨打|联系方式|来电)[^\d\n(+]{{0,14}}{_PHONE}"
        ),
        LABELLED,
        lambda value: not _MEASURED.search(value),
    ),
    _Rule("plate", re.compile(rf"(?P<v>[{_PLATE_PROVINCES}][A-Z][·•. -]?[A-HJ-NP-Z0-9]{{4,6}}(?:[挂学警港澳使领试超]|(?<=[A-Z0-9]{{5}})))(?![A-Za-z0-9])"), CHECKED),
    _Rule("plate", re.compile(rf"(?:牌照|车牌|号牌|车号|牌号)(?:号码?)?[\s:：为是]{{0,3}}(?P<v>[{_HAN}]{{0,3}}[A-Z]{{0,2}}[·•. -]?(?=[A-Z]{{0,5}}\d)[A-Z0-9]{{4,7}}[挂学警港澳使领]?)(?![A-Za-z0-9])"), CHECKED),
    _Rule("plate", re.compile(rf"(?P<v>WJ[{_HAN}\d]{{0,2}}[\s·-]?\d{{4,5}}[A-Z]?)(?![A-Za-z0-9])"), LABELLED),
    _Rule("plate", re.compile(rf"{_EDGE}(?P<v>(?=[A-Z]*\d)(?=\d*[A-Z])[A-HJ-NPR-Z0-9]{{17}})(?![A-Za-z0-9])"), CHECKED),
    _Rule("license", re.compile(r"(?i:licen[cs]e|passport|permit)(?:\s*(?i:number|no\.?|#))?[\s:]+(?P<v>(?=(?:[A-Z0-9 ]{0,9}\d){4})[A-Z0-9]{2,8}(?: [A-Z0-9]{2,8}){1,3})\b"), LABELLED),
    _Rule("license", re.compile(rf"[{_HAN}][证照](?:书|件)?(?:编?号码?|编码|档案)?[\s:：为是]{{0,3}}{_LONG_VALUE_ZH}"), WORDED),
    _Rule("license", re.compile(rf"[证照件书号][\s:：为是]{{0,3}}(?P<v>{_DOCUMENT_ZH})"), LABELLED),
    _Rule("plate", re.compile(rf"{_EDGE}(?P<v>(?!CD|HL|ER|PR)[A-Z]{{2}}\d\d [A-Z]{{3}})\b"), WORDED),
    _Rule("plate", re.compile(r"\b(?i:plates?|registration|reg\.?|rego|tags?|VRM)(?:\s(?i:no|number)\b\.?)?[\s:#]+(?P<v>(?=[A-Z -]{0,9}\d)(?:[A-Z0-9]{1,4}[ -]?[A-Z0-9]{3,6}|[A-Z0-9]{1,4}-[A-Z0-9]{2,4})(?:-[A-Z0-9]{1,3})?)\b"), LABELLED),
    _Rule(
        "plate",
        re.compile(
            r"\b(?:(?i:car|truck|lorry|van|minivan|sedan|SUV|pickup|hatchback|trailer|motorcycle|motorbike|moped|scooter|vehicle|taxi|cab|bus|ambulance|tractor|jeep)"
            r"|Toyota|Honda|Ford|Chevy|Chevrolet|Nissan|Hyundai|Kia|BMW|Audi|VW|Volkswagen|Mazda|Subaru|Tesla|Dodge|Lexus|Volvo|Mercedes|Vauxhall|Peugeot|Renault|Fiat|Skoda|Camry|Corolla|Civic|Accord|Prius|Fiesta|Focus|Golf|Corsa|Altima|Silverado|F-?150)"
            r"(?:,? (?!to\b|at\b)[A-Za-z]{1,12}){0,2}[\s,(:#]{1,3}(?P<v>(?=[A-Z -]{0,5}\d)(?=[0-9 -]{0,5}[A-Z])[A-Z0-9]{2,4}[ -]?[A-Z0-9]{3,5})(?![A-Za-z0-9-])"
        ),
        WORDED,
    ),
    _Rule("biometric", re.compile(rf"{_EDGE}(?P<v>(?:(?:IMG|DSC|VID|MOV|PXL|[Pp]hoto|[Ii]mage|[Ss]can|[Ss]creenshot|[Rr]ecording|[Vv]ideo) )?[A-Za-z0-9_-]{{1,120}}\.{_FILE})"), CHECKED),
    _Rule("biometric", re.compile(rf"(?:[{_HAN}]{{0,12}}(?:照片?|图片?|像|频|音|件|样本|名为|见|如)[:：“\"]?(?=[\w-]{{4,60}}\.{_FILE}))?(?P<v>[{_HAN}A-Za-z0-9][\w-]{{0,60}}\.{_FILE})"), CHECKED),
    _Rule("biometric", re.compile(rf"\b(?i:{_LABELS['biometric'][0]})[^\d\n.;]{{0,16}}?\s(?P<v>(?=(?:[A-Z#_-]{{0,9}}\d){{4}})[A-Z0-9](?:[A-Za-z0-9]|[-_#](?=[A-Za-z0-9])){{4,}})"), LABELLED),
    _Rule("device", re.compile(r"(?P<v>\(01\)\s?\d{12,14}(?:\s?\((?:10|11|17|21|240)\)\s?[A-Za-z0-9./-]{1,20})*)"), CHECKED),
    _Rule("other", re.compile(r"(?<![\w@.])(?P<v>@[A-Za-z_][A-Za-z0-9_]{2,40}(?:[.-][A-Za-z0-9_]{1,40})*)"), CHECKED),
    _Rule("other", re.compile(rf"(?<![A-Za-z0-9@.])(?P<v>@(?:[{_HAN}_]{{1,12}}[A-Za-z0-9_]{{1,20}}|[{_HAN}]{{2,10}}?(?=[^{_HAN}]|$)|[{_HAN}]{{2,6}}))"), CHECKED),
    _Rule("other", re.compile(r"(?<![\w/])(?P<v>/?[ur]/(?!min|hour|day|week|month|dose|kg)(?:(?=[A-Za-z-]{0,20}[_\d])[A-Za-z][\w-]{3,30}|[A-Za-z][\w-]{6,30}))", re.ASCII), LABELLED),
    _Rule(
        "other",
        re.compile(
            r"\b(?:LINE|X|PSN|IG|FB|(?i:skype|wechat|weixin|telegram|instagram|insta|facebook|messenger|twitter|tiktok|snapchat|discord|reddit|youtube|twitch|xbox|steam|kakao(?:talk)?|viber|whatsapp|linkedin|weibo|tumblr|strava|zoom|venmo|cash ?app|paypal|user ?name|user ?id|screen ?name|nickname|gamer ?tag|gaming|gamer|handle|alias|log-?in))"
            r"(?: (?i:name|id|handle|account|user|username|login|tag|profile|channel|is|as|under)){0,3}[\s:=(@\"“'‘]{1,3}(?P<v>(?=[A-Za-z-]{0,30}(?:\d|_|[:.#]\w)|[a-z]{1,20}[A-Z])(?:live:\.?)?[A-Za-z][\w:.#-]{2,40}\w)",
            re.ASCII,
        ),
        LABELLED,
    ),
    _Rule("other", re.compile(r"(?<![\w#])(?P<v>[A-Za-z][A-Za-z0-9_.]{2,30}#\d{3,5})(?!\w)", re.ASCII), LABELLED),
    _Rule(
        "other",
        re.compile(r"(?:微信|QQ|抖音|微博|钉钉|小红书|快手|B站|知乎|贴吧|豆瓣|淘宝|支付宝|游戏|网名|昵称|用户名|登录名)(?:账号|帐号|号码?|群|ID|名|昵称|用户){0,3}[\s:：为是@“\"]{0,4}(?P<v>[A-Za-z0-9][A-Za-z0-9_.-]{2,40}[A-Za-z0-9_])"),
        CHECKED,
    ),
    _Rule("other", re.compile(rf"(?:网名|昵称|微信名|用户名|[信博音书手站]ID|[信博音书手站][账帐]号)[\s:：为是]{{0,3}}[“\"「『‘']?(?P<v>[{_HAN}A-Za-z0-9_·]{{2,12}})"), LABELLED),
    _Rule("other", re.compile(r"(?:网名|昵称|微信名?|用户名|[账帐]号|ID|抖音|微博|小红书|快手|博主)[\s:：为是叫]{0,3}[“\"「『‘](?P<v>[^”\"」』’\n]{2,24})[”\"」』’]"), CHECKED),
    _Rule("record_number", re.compile(r"床(?:位?号|位)[\s:：为]{0,3}(?P<v>[A-Z]?-?\d{1,3}(?:-?[加+]?\d{1,3})?[A-Z]?床?|[加+]\d{1,3}床?)"), LABELLED),
    _Rule("record_number", re.compile(r"(?<![\d.A-Za-z~～-])(?P<v>(?:[A-Z]\d?-?|\d{1,2}-)?[加+]?\d{1,3}[A-Z]?床)(?![位单旁边头被垫病])"), LABELLED),
    _Rule("record_number", re.compile(r"(?P<v>(?:[二三四五六七八九]?十[一二三四五六七八九]?|[二三四五六七八九])床)(?![位单旁边头被垫病])"), WORDED),
    _Rule("record_number", re.compile(r"(?<=[A-Z])(?P<v>-?[加+]?\d{1,3}[A-Z]?床)(?![位单旁边头被垫病])"), LABELLED),
    _Rule("record_number", re.compile(r"\b(?:Bed|BED)(?:\s(?i:no|number)\b\.?)?[\s:#]{1,2}(?P<v>[A-Z]?\d{1,3}[A-Z]?)\b"), LABELLED),
    _Rule("record_number", re.compile(rf"[{_HAN}](?:编号|编码|号码|号|码|ID)[\s:：为是]{{0,3}}{_LONG_VALUE_ZH}"), WORDED),
    _Rule("record_number", re.compile(rf"\b(?<![Ll]ot )(?<![Bb]atch )(?<!CPT )(?i:numbers?|no\.|nr\.?|id|№)[\s:#]{{0,3}}{_LONG_VALUE}"), WORDED),
    _Rule("record_number", re.compile(rf"(?<![Ll]ot )(?<![Bb]atch )(?<![A-Za-z0-9]#)#\s?{_LONG_VALUE}"), WORDED),
    _Rule(
        "other",
        re.compile(r"(?<![\d.,A-Za-z^+])(?P<v>\d{8,})(?![\d.,]*\d)(?!\s*(?:[/^×xX*%]|copies|IU|CFU|cells|units|[A-Za-zµμ]+/|个|单位|拷贝))"),
        BARE,
    ),
    _Rule("other", re.compile(r"(?<![A-Za-z0-9*_/-])(?<!字)(?P<v>(?!ID|QQ|NCT|PMC|ISRCTN|NM_|NP_)[A-Z]{1,8}[-_]?(?:0\d{4,}|\d{7,}))(?![A-Za-z0-9])"), BARE),
    _Rule("other", re.compile(rf"(?<=[{_HAN}])(?<!字)(?P<v>(?!ID|QQ)[A-Z]{{1,8}}[-_]?(?:0\d{{3,}}|\d{{6,}})[A-Z]?)(?![A-Za-z0-9])"), BARE),
    _Rule("other", re.compile(rf"{_EDGE}(?P<v>[A-Z]{{1,5}}-?(?:19|20)\d\d-\d{{3,}})(?![A-Za-z0-9])"), BARE),
)  # fmt: skip

# Dates and ages. A year alone may stay, a span of time too.
_MONTH = (
    r"(?:(?:January|February|March|April|May|June|July|August|September|October|November|December)(?![A-Za-z])"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEPT?|OCT|NOV|DEC)(?![A-Za-z])\.?)"
)
_YEAR = r"(?:19|20)\d\d"
_NO_UNIT = r"(?!\d|[./]\d|\s*(?:%|mg|mcg|m[lLm]|cm|kg|units?)\b)"
_WEEKDAY = r"(?:\b(?:Mon|Tue|Tues|Wed|Wednes|Thu|Thurs|Fri|Sat|Satur|Sun)(?:day)?\b[.,]?\s{1,2}(?:the\s)?)?"
_WEEKDAY_ZH = r"(?:[（(]?(?:星期|周|礼拜)[一二三四五六日天](?:[）)])?)?"
_MONTH_DAY = r"(?:0?[1-9]|1[0-2])/(?:0[1-9]|[12]\d|3[01]|[1-9])(?![\d/]|\.\d)"
_NO_SCORE = r"(?!\w{0,20}?(?i:score|pain|strength|power|murmur|grade|scale|acuity|vision|visual|pressure|reflex|pulse|cores?|nodes?|margin|apgar|ratio|bp\b|vas\b|nrs\b|gcs\b|va\b|out\b|about|dose))"
_NO_FRACTION = r"(?!\s*(?:%|pain|scale|sever|strength|power|positive|negative|nodes?|cores?|murmur|systolic|in |of |to |m[lmg]|cm|级|分|肋))"
_HOLIDAY = r"Christmas(?: Day| Eve)?|Thanksgiving(?: Day)?|Halloween|New Year['’]?s?(?: Day| Eve)?|(?:Labou?r|Memorial|Independence|Veterans['’]?|Presidents['’]?|Columbus|Boxing|Bastille|Canada|Australia|ANZAC|Mother['’]s|Father['’]s|Valentine['’]s|St\.? Patrick['’]s) Day|Good Friday|Easter(?: Sunday| Monday)?|(?:July|July the) 4th|(?:the )?(?:Fourth|4th) of July|Hanukkah|Diwali"
_NUMERAL = "〇零一二三四五六七八九"
_OVER_89 = r"(?:9\d|1[0-2]\d)(?!\d|\.\d)"
_DIGIT_WORD = r"(?:one|two|three|four|five|six|seven|eight|nine)"
_OVER_89_WORD = (
    rf"(?i:ninety(?:[\s-]{_DIGIT_WORD})?|(?:(?:a|one)[\s-])?hundred(?:[\s-](?:and[\s-])?(?:{_DIGIT_WORD}|ten))?)"
)
_OVER_89_ZH = rf"(?:九十[{_NUMERAL}]?|一?百(?:零|〇)?[{_NUMERAL}]?|一百[一二]?十?[{_NUMERAL}]?)"
_PERSON = r"(?:mother|father|grandmother|grandfather|grandma|grandpa|mum|mom|dad|sister|brother|wife|husband|aunt|uncle|spouse|partner|sibling|neighbou?r|patient|he|she|who|pt|decedent|MGM|MGF|PGM|PGF)"
_DATES = tuple(
    _Rule("date", re.compile(pattern), certainty)
    for pattern, certainty in (
        (rf"\b(?P<v>{_WEEKDAY}{_MONTH}\s+(?:the\s)?\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+(?:{_YEAR}|['’]\d\d)\b)?){_NO_UNIT}", LABELLED),
        (rf"(?<![\d/.])(?P<v>{_WEEKDAY}\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of)?[\s-]*{_MONTH}(?:[\s,-]*(?:{_YEAR}|['’]?\d\d(?![\d-]|\s*(?:y|m|%)))\b)?)", LABELLED),
        (rf"\b(?P<v>{_MONTH},?[\s-]*(?:of\s+)?(?:{_YEAR}|['’]\d\d))\b", LABELLED),
        (r"(?P<v>(?<=[\s(:])(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?[.,]?\s\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?)(?!\d)", LABELLED),
        (rf"(?<![\d/.])(?P<v>(?:0?[1-9]|1[0-2])/{_YEAR})(?![\d/])", WORDED),
        (r"\b(?i:on|dated?|DOB|since|of|seen|visit|admitted|discharged|born)[:\s]+(?P<v>\d{1,2}-\d{1,2}-\d\d)(?!\d|\s*(?i:u|iu|units?)\b)", WORDED),
        (r"(?<![A-Za-z0-9_./-])(?P<v>0[1-9]-(?:0[1-9]|[12]\d|3[01])-\d\d|(?:1[0-2]|[12]\d|3[01])-0[1-9]-\d\d|[012]\d-1[0-2]-0[1-9])(?![A-Za-z0-9_/-]|\.\d)", WORDED),
        (r"(?<![\d./-])(?P<v>(?:0[1-9]|1[0-2])\.(?:0[1-9]|[12]\d|3[01])\.\d\d|(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])\.\d\d)(?![\d./-])", WORDED),
        (rf"\b(?i:in|since|until|till|from|by|during|last|early|mid|late|this|next)[\s-]+(?P<v>{_MONTH})(?![a-z]|\s+fracture)", WORDED),
        (r"\b(?i:on|since|until|dated?|DOB|DOS|DOA|LMP|EDD|reviewed|seen|admitted|discharged|appointment|appt|due|clinic|repeated|started|stopped|scheduled|placed|removed|effective|as of|f/u|follow-?up|postponed to|moved to|rescheduled (?:to|for))[:\s]+(?P<v>\d{1,2}/\d{1,2})(?![\d/]|\.\d|\s*(?i:pain|scale|sever|days?|doses?))", WORDED),
        (rf"\b(?i:last|next|previous|prior|latest|most recent|repeat|initial|first|second)\s(?:{_NO_SCORE}[A-Za-z][\w-]{{1,15}}\s){{0,3}}(?:on\s)?(?P<v>{_MONTH_DAY}){_NO_FRACTION}", WORDED),
        (rf"(?<![\d/.])(?P<v>{_MONTH_DAY})(?=\s?(?:-|–|to|through|thru)\s?{_MONTH_DAY}(?:[\s.,;)]|$)(?!\s*(?i:strength|power|pain)))", WORDED),
        (r"(?<![\d/.])(?P<v>\d{1,2}/\d{1,2})(?=\s?[-–]\s?\d{1,2}/\d{1,2}/\d{2})", LABELLED),
        (r"\b(?i:his|her|their|the|a|last)\s+(?P<v>\d{1,2}/\d{1,2})(?=\s+(?i:visit|appointment|scan|mammogram|CT|MRI|x-?ray|labs?|note|clinic|admission|surgery|follow|ultrasound|echo|letter|ECG|bloods?|biopsy|colonoscopy|discharge|result))", WORDED),
        (r"\b(?i:on|since|until|by|from|before|after)\s(?P<v>the\s\d{1,2}(?:st|nd|rd|th)(?: of (?:this|last|next) month)?)(?=[.,;)]|$|\s(?:at|with|for|and|because|due|after|before|by)\b)", WORDED),
        (rf"\b(?i:on|at|over|since|before|after|around|until|till|by|during|last|this|near|past)\s(?P<v>{_HOLIDAY})\b(?!\s(?:disease|tree|factor|syndrome))", WORDED),
        (rf"(?<![\d.])(?P<v>{_YEAR}[./-](?:0?[1-9]|1[0-2])[./-](?:0?[1-9]|[12]\d|3[01])(?:T\d\d:\d\d(?::\d\d)?Z?|{_WEEKDAY_ZH}))(?!\d)", CHECKED),
        (rf"(?<![\d.])(?P<v>{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?![\d.]*\d)(?!\s*(?:[/^×xX*%]|copies|IU|个|拷贝))", WORDED),
        (rf"(?<![\d.])(?P<v>{_YEAR}[./-](?:0[1-9]|1[0-2]))(?![\d.]*\d|[/-]\d)", WORDED),
        (rf"(?<![\d./])(?P<v>{_YEAR}/(?:0?[1-9]|1[0-2]))(?![\d./-])", WORDED),
        (rf"[于自从至在](?P<v>{_YEAR}[.-][1-9])(?![\d.%-]|\s*[a-zA-Z])", WORDED),
        (rf"(?<!\d)(?P<v>{_YEAR}\s*年\s*(?:\d{{1,2}}|元|正|腊)\s*月(?:\s*\d{{1,2}}\s*[日号]{_WEEKDAY_ZH}|\s*(?:[0-2]?\d|3[01])(?![\d.]|\s*[余个多天周年~～至-])|份|初|底|末|[上中下]旬)?)", CHECKED),
        (rf"(?<!\d)(?P<v>(?:\d\d\s*年\s*)?\d{{1,2}}\s*月\s*\d{{1,2}}\s*[日号]{_WEEKDAY_ZH})", CHECKED),
        (r"(?<=[于自从至年])(?P<v>(?:1[0-2]|0?[1-9])月(?:[12]\d|3[01]|0?[1-9]))(?![\d.日号个余多天周~～%-])", WORDED),
        (r"[于自从至](?P<v>\d\d年\d{1,2}月)(?![余前后\d])", WORDED),
        (r"(?:今|去|前|同|次|当|明)年(?P<v>\d{1,2}月(?:\d{1,2}[日号])?)", LABELLED),
        (r"(?:本|上|当|下|同|次)个?月(?P<v>\d{1,2}[日号])", LABELLED),
        (r"(?:[于在至]|定于|改至)(?P<v>\d{1,2}[日号])(?![前后内间龄以之线])", WORDED),
        (r"(?<!\d)(?P<v>(?:1[0-2]|[1-9])月(?:份|初(?![诊步起次])|底|末(?!次)|[上中下]旬))", LABELLED),
        (rf"(?P<v>(?:[{_NUMERAL}]{{4}}年)?[{_NUMERAL}十]{{1,2}}月[{_NUMERAL}十廿]{{1,3}}[日号])", LABELLED),
        (rf"(?P<v>[{_NUMERAL}]{{4}}年[{_NUMERAL}十]{{1,2}}月)", LABELLED),
        (rf"(?:农历|阴历)(?P<v>[正冬腊{_NUMERAL}十]{{1,2}}月[初廿{_NUMERAL}十]{{1,3}})", LABELLED),
        (rf"(?P<v>[正冬腊{_NUMERAL}十]{{1,2}}月(?:初|廿)[{_NUMERAL}十]|[正腊]月[{_NUMERAL}十廿]{{1,3}})", LABELLED),
        (r"(?P<v>国庆节?|春节|中秋节?|端午节?|元旦|清明节?|劳动节|五一(?:劳动)?节|元宵节|圣诞节|除夕|大年(?:初[一二三四五六七八九十]|三十)|正月十五|重阳节|腊八节?|儿童节|妇女节|情人节|古尔邦节|开斋节|那达慕)(?![路街村镇大区小])", LABELLED),
        (rf"(?<![\d/.])(?P<v>{_MONTH_DAY})(?=[日号]?(?:入院|出院|手术|复查|复诊|术后|门诊|就诊|转院|住院|转入|转出|拔管|起病|发病|停药|急诊))", WORDED),
        (r"(?<![\d/.])(?P<v>(?:0?[1-9]|1[0-2])/(?:0[1-9]|1[1-9]|2\d|3[01])|1[0-2]/[1-9])(?![\d/.])(?=[日号]?(?:下床|行|起|开始|查|于|晨|晚|上午|下午|夜间|凌晨|再次|予|因|[A-Z\s]{0,2}(?:CT|MR|B超|彩超|胸片|血常规)))", WORDED),
    )
) + tuple(
    _Rule("age_over_89", re.compile(pattern), certainty)
    for pattern, certainty in (
        (rf"(?<![\d./])(?P<v>{_OVER_89})(?=[\s-]*(?i:y/?o\b|y\.\s?o\b|y-o\b|years?\b|yrs?\b|y[\s/]?[MF]\b|y\b(?!/))(?!\s+(?i:ago|later|before|of (?!age))))", CHECKED),
        (rf"\b(?i:aged?|age of|ages|turn(?:ed|s|ing)|nearly|almost|(?:died|deceased|passed(?: away)?|lived|survived|d\.)(?:\s[a-z]{{2,12}}){{0,4}}\s(?:at|to|until|till|aged?)(?:\sbe)?)[:\s]+(?:(?:the\s+)?(?:ripe\s)?(?:old\s)?age\s+(?:of\s+)?)?(?P<v>{_OVER_89})\b(?!\s*(?:%|/|bpm|m[lLmg]|kg|cm|°))", CHECKED),
        (rf"\b(?i:age)(?:\s?/\s?(?i:sex|gender))?(?:\s\((?i:years|yrs|y)\))?\s*[:=-]?\s*(?P<v>{_OVER_89})\b(?!\s*%)", CHECKED),
        (rf"\b(?i:died|deceased|d\.)[:,]?\s+(?P<v>{_OVER_89})\b(?=[,;.)]|$|\s(?:of|from|with)\b)", CHECKED),
        (rf"\b(?i:{_PERSON})(?:\s+(?:is|was|turned|turns|now|at|died)){{1,3}}\s+(?P<v>{_OVER_89})(?=\s+(?:and|with|who|of|from)\b|[,;]|\.(?:\s|$)|$)", LABELLED),
        (rf"\b(?i:{_PERSON})(?:\s?\(|,\s)(?:now\s)?(?P<v>{_OVER_89})(?=[,;)]|\.(?:\s|$)|$|\s(?:and|with|alive|living|dead|deceased|in)\b)", LABELLED),
        (rf"(?:^|\n\s{{0,9}}|[.!?]\s|\b(?:Pt|PT|Patient|HPI|CC|ID|[Cc]onsult|[Ss]ummary|[Ff]or|[Aa]n?|[Tt]his|[Tt]he)\b[:,]?\s)(?P<v>{_OVER_89})(?=[\s-]?[MFmf]\b(?!\s*(?:°|fever|temp|oral|rectal|tympanic)))", CHECKED),
        (rf"[;,(]\s?(?P<v>{_OVER_89})(?=[\s-]?[MF]\s(?:s/p|c/o|w/|with|who|from|admitted|presents|presented|found|brought|DNR|hx|PMH)\b)", CHECKED),
        (rf"(?<![\d./])(?P<v>{_OVER_89})(?=\s?/\s?[MF]\b|\s(?i:male|female|man|woman|lady|gentleman)\b)", CHECKED),
        (rf"(?<![A-Za-z])(?:[MF]|(?i:male|female))\s?[/,]\s?(?P<v>{_OVER_89})(?=[,;.)\s/]|$)(?!\s*(?:%|/|m[lmg]|kg|cm|bpm|°))", LABELLED),
        (rf"(?<![\d./])(?P<v>{_OVER_89})(?=(?:st|nd|rd|th)\s(?:birthday|year of life))", CHECKED),
        (rf"\b(?P<v>{_OVER_89_WORD})(?=[\s-](?:years?[\s-](?:old|of\sage)|y/?o\b|years?\b))", CHECKED),
        (rf"\b(?i:aged?|age of|turn(?:ed|s)|(?:died|lived)(?:\s[a-z]{{2,12}}){{0,3}}\s(?:at|to))\s(?P<v>{_OVER_89_WORD})\b(?!\s(?:mg|percent|per))", CHECKED),
        (rf"(?<![\d.])(?P<v>{_OVER_89})(?=\s*(?:周|余|多|高)?龄?[岁歲])", CHECKED),
        (rf"(?:享年|享寿|终年|卒年|高寿|寿至|虚[岁龄]|年龄|年已|年逾|时年|现年)[:：\s为]{{0,3}}(?P<v>{_OVER_89}|{_OVER_89_ZH})", CHECKED),
        (rf"(?<![{_NUMERAL}十百])(?P<v>九十[{_NUMERAL}]?|一百[{_NUMERAL}十]{{0,4}}|百[零〇][{_NUMERAL}])(?=[余多有]?周?[岁歲])", CHECKED),
        (r"(?P<v>百)(?=岁(?:老人|高龄|寿|老[太翁妇]))", CHECKED),
        (rf"(?<![\d./])(?P<v>{_OVER_89})(?=\s?[Yy](?:[oO]|/[oO])?(?:[\s，,/、;；)）]|$|[{_HAN}]))", CHECKED),
        (rf"[男女]性?\s?[/，,、\s]\s?(?P<v>{_OVER_89})(?=[\s，,、；;/。）)]|$)(?!\s*(?:%|/|[a-zA-Z]|次|分))", LABELLED),
        (rf"(?<![\d./])(?P<v>{_OVER_89})(?=\s?[/，,]\s?[男女])", LABELLED),
    )
)  # fmt: skip

# Names of people, places and institutions, in English.
_U, _L = "[A-ZÀ-ÖØ-ÞĀ-ɏḀ-ỿ]", "[a-zß-öø-ÿĀ-ɏḀ-ỿ]"
_CAP = rf"{_U}(?:{_L}+(?:{_U}{_L}+)?|['’]{_U}{_L}+)(?:-{_U}['’](?={_U})|['’-]{_U}?{_L}+(?:{_U}{_L}+)?){{0,4}}(?<!['’]s)(?!{_L}|{_U})"
_STATES = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana"
    "|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|New York State|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington State|West Virginia|Wisconsin|Wyoming"
)
_ST = "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|A[AEPS]|GU|VI|FM|PR|PW|M[HP]"
_COUNTRIES = (
    "Afghanistan|Argentina|Australia|Austria|Bangladesh|Belgium|Bolivia|Brazil|Cameroon|Canada|Chile|China|Colombia|Cuba|Denmark|Ecuador|Egypt|England|Ethiopia|Europe|Finland|France|Germany|Ghana|Greece|Haiti|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|Jamaica|Japan|Kenya|Korea"
    "|Lebanon|Malaysia|Mexico|Morocco|Nepal|Netherlands|New Zealand|Nigeria|Norway|Pakistan|Peru|Philippines|Poland|Portugal|Puerto Rico|Romania|Russia|Saudi Arabia|Scotland|Senegal|Singapore|Somalia|South Africa|Spain|Sri Lanka|Sudan|Sweden|Switzerland|Syria|Taiwan|Tanzania|Thailand|Tunisia|Turkey|Uganda|Ukraine|United|USA?|UK|Venezuela|Vietnam|Wales|Zambia|Zimbabwe|Africa|Asia|America"
)
_NO_NAME_WORDS = (
    r"The|This|That|These|Those|There|Then|They|He|She|It|His|Her|Their|We|You|My|Our|An?|And|Or|But|If|In|On|At|By|For|From|With|Without|Of|To|No"
    r"|Not|None|Is|Was|Has|Had|Have|Are|Were|Will|Would|Can|Could|May|Also|As|After|Before|During|Since|When|While|Who|Which|What|Her|Him|Both|All|Any"
    r"|Denie[sd]|Reports?|Reported|Presents?|Presented|Presenting|Complains?|States?|Stated|Admits?|Notes?|Noted|Describes?|Appears?|Feels?|Takes?|Taking|Comes?|Came"
    r"|Seen|Reviewed|Admitted|Discharged|Referred|Transferred|Underwent|Developed|Received|Given|Started|Stopped|Known|Lives?|Works?|Smokes?|Drinks?|Uses?|Tolerated"
    r"|Patients?|Pt|Male|Female|Man|Woman|Boy|Girl|Gentleman|Lady|Infant|Child|Children|Mother|Father|Son|Daughter|Wife|Husband|Brother|Sister|Family|Parents?|Carer"
    r"|Mr|Mrs|Ms|Miss|Dr|Prof|Doctor|Nurse|Physician|Surgeon|Consultant|Practitioner|Specialist|Assistant|Attending|Resident|Fellow|Registrar|Team|Staff|Services?|Unit|Ward"
    r"|(?:Flat|Room|House|Class)mate|Boyfriend|Girlfriend|Partner|Friend|Neighbou?r|Colleague|Mum|Mom|Dad|Gran(?:dma|dpa|ny)?|Grand(?:mother|father|son|daughter)|Aunt|Uncle|Cousin|Nephew|Niece|Teacher|Caller|Spouse|Relative|Witness|Bystander|Guarantor|Decedent|Subscriber|Pain|Nausea|Vomiting|Fever"
    r"|Caucasian|Asian|African|American|Hispanic|Latino|Latina|European|Indian|Chinese|Japanese|Irish|British|English|Scottish|Welsh|Jewish|Ashkenazi|Muslim|Christian|Catholic|Native"
    r"|Age|Aged|Sex|Gender|Date|Time|Day|Week|Month|Year|Name|Address|Phone|Email|Contact|Chief|Complaint|History|Past|Present|Social|Medical|Surgical|Physical|Exam(?:ination)?|Vitals?|Plan|Assessment|Impression|Diagnosis|Medications?|Allerg(?:y|ies)|Labs?|Results?|Review|Systems?|Signs?|Symptoms?|Findings?|Procedure|Operation|Treatment|Therapy|Imaging|Report|Summary|Follow|Note"
    r"|Acute|Chronic|Severe|Mild|Moderate|Bilateral|Left|Right|Upper|Lower|Anterior|Posterior|Primary|Secondary|Type|Stage|Grade|Class|Positive|Negative|Normal|Abnormal|High|Low|Stable|Unknown|Unremarkable|Healthy|Alive|Deceased|Well"
    r"|Health|Care|Controlled|Reported|Outcome|Questionnaire|Education|Safety|Information|Safe|Global|Activation|Emergency|Department|Intensive|General|Internal|Medicine|Surgery|Infectious|Palliative|Primary|Home|Community|Outpatient|Inpatient"
    r"|Cardiology|Neurology|Neurosurgery|Oncology|Haematology|Hematology|Gastroenterology|Nephrology|Urology|Radiology|Pathology|Dermatology|Rheumatology|Endocrinology|Psychiatry|Ophthalmology|Orthop(?:a?edics)|Pa?ediatrics?|Obstetrics|Gyna?ecology|Respiratory|Pulmonology|Anaesthetics|Anesthesiology|Dentistry|Physiotherapy|Pharmacy|Microbiology|Genetics|ENT|Maternity|Diabetes|Memory|Pain|Fracture|Dialysis|Travel|Stroke|Sleep|Vaccine|Antenatal"
    r"|Blood|Heart|Chest|Breast|Lung|Liver|Kidney|Bowel|Colon|Skin|Brain|Bone|Prostate|Ovarian|Cancer|Hypertension|Asthma|Coronary|Artery|Myocardial|Cerebral|Hyperlipida?emia|Osteoporosis|Dementia|Depression|Anxiety|Migraine|Epilepsy|Gout|Anaemia|Anemia|Arthritis|Lupus|Psoriasis|Multiple|Rheumatoid|Ulcerative|Sickle|Cystic|Atrial|Congestive|Peripheral|Deep|Pulmonary|Thyroid"
    r"|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|January|February|March|July|September|October|November|December|Today|Yesterday|Tonight|Christmas|Easter|Ramadan|National|Royal|Society|College|Guidelines?|Clinical|Practice|Nursing|Radiologist|Pathologist|Paramedics?|Police|Southeast|Score|Scale|Index"
)
_EPONYMS = "Alzheimer|Parkinson|Crohn|Hashimoto|Graves|Huntington|Hodgkin|Down|Marfan|Barrett|Addison|Cushing|Alport|Gilbert|Wilson|Turner|Klinefelter|Raynaud|Sjogren|Sjögren|Behcet|Behçet|Kawasaki|Tourette|Meniere|Ménière|Bence|Ewing|Wilms|Billroth|Apgar|Achilles|Mantoux"
_NO_PERSON = r"(?:Ann Arbor|Marcus Gunn|Austin Flint|Graham Steell|Charles Bonnet|Foster Kennedy|Grey Turner|Martin Bell|Simon Broome|Jackson Pratt|Patrick Yesudian|Henry Gauer)\b"
"""Stages and signs that are called like people; after a first name nothing else tells them apart."""
_NO_FIRST_NAME = rf"{_NO_NAME_WORDS}|White|Black|April|June|August|{_EPONYMS}|{_COUNTRIES}|{_STATES}"
_NO_NAME = re.compile(rf"(?:{_NO_NAME_WORDS})$")
_NO_EPONYM = (
    r"(?!(?:['’]s?)?(?:[-–][A-Z][\w'’]+)?\s+(?i:signs?|disease|syndrome|phenomenon|test|point|reflex|triad|criteria|score|scale|lymphoma|sarcoma|tumou?r|thyroiditis|palsy|ulcer|fracture|contracture"
    r"|oesophagus|esophagus|tear|classification|index|stain|manoeuvre|maneuver|disorder|chorea|ataxia|dystrophy|nodes?|spots?|lines?|body|bodies|cells?|procedure|rule|grade|anaemia|anemia"
    r"|arteritis|purpura|encephalopathy|hernia|cyst|gland|node|duct|valve|virus|law|stage|catheter|tube|pouch|proteins?|rods?|abscess|antibod(?:y|ies)|serology|infection|tendon|culture|murmur|antigens?|focus|formula|equation|method|technique|position|factor|agar|pads?|granuloma|nodules?|incision|repair)\b)"
)
_NEXT = rf"(?={_U})(?!(?:{_NO_NAME_WORDS})\b){_CAP}{_NO_EPONYM}"
_WORD = rf"(?={_U})(?!(?:{_NO_FIRST_NAME})\b){_CAP}{_NO_EPONYM}"
_PARTICLE = r"(?:(?:van|von|der|den|de|del|della|di|da|dos|la|le|bin|ibn|al|el|ter|ten)\s+){0,2}"
_REST = rf"(?:\s+[A-Z]\.?(?=\s))?(?:[ ]{_PARTICLE}{_NEXT})"
_NAME = rf"{_WORD}{_REST}{{0,3}}"
_FULL = rf"(?:{_WORD}|[A-Z]\.){_REST}{{1,3}}"
_ANY = rf"(?:{_NAME}|(?!(?i:{_NO_NAME_WORDS})\b)[A-Z][A-Z'’-]{{2,}}(?: [A-Z][A-Z'’-]+){{0,2}})"
_LISTED = rf"(?:{_ANY},\s?)?{_ANY}(?:\s[A-Z]\b\.?)?"
_TERM = r"\w*(?:itis|osis|asis|[ae]mia|pathy|oma|plasia|ectomy|ostomy|scopy|gram|graphy|logy|uria|algia|trophy|tion|sion|ment|ness|ive|ical|nal|ial|tic|nic|ric|ary|ous|ism|(?:on|em|ax|as|th|leg|es|ox|tr|op|ph|ys|ur|card|derm|phag|phas|prax|kines)ia|cillin|mycin|pril|sartan|statin|zole|olol|pine|dine|mab|ide|ate|ure|ease|order|drome|ers?y)\b"
_TITLE = r"(?:(?:Mr|Mrs|Ms|Mx|Miss|Drs?|Prof|Professor|Doctor|Nurse|Sister|Rev)\b\.?\s+)"
_KIN = (
    r"(?:[Gg]rand)?(?:[Mm]other|[Ff]ather|[Ss]on|[Dd]aughter)(?:-in-law)?|[Mm]um|[Mm]om|[Dd]ad|[Gg]ran(?:ny|dma|dpa|dson)?|[Ww]ife|[Hh]usband|[Bb]rother|[Ss]ister|[Pp]artner|[Ff]ianc[eé]e?|[Nn]ephew|[Nn]iece|[Aa]unt|[Uu]ncle|[Cc]ousin"
    r"|[Ff]riend|[Nn]eighbou?r|[Cc]olleague|[Cc]arer|[Cc]aregiver|[Gg]uardian|[Rr]oommate|[Bb]oyfriend|[Gg]irlfriend"
    r"|[Nn]urse|[Mm]idwife|[Ss]urgeon|[Dd]octor|[Pp]hysician|[Cc]onsultant|[Rr]egistrar|[Pp]sychiatrist|[Pp]sychologist|[Pp]hysiotherapist|[Pp]harmacist|[Cc]ardiologist|[Nn]eurologist"
    r"|[Oo]ncologist|[Dd]entist|[Tt]herapist|[Ii]nterpreter|[Ss]ocial worker|GP|PCP|[Tt]eacher|[Mm]anager|[Tt]win|[Kk]ey ?worker|[Cc]ase ?worker|[Ss]tep(?:mother|father|son|daughter)|[Ss]pouse|[Bb]oss|[Ll]andlord|[Ll]andlady|[Cc]ounsellor|[Ss]olicitor|[Cc]oach|[Cc]lassmate|[Ff]latmate|[Hh]ousemate"
    r"|[Pp]arent|[Gg]uarantor|[Dd]ecedent|[Pp]olicyholder|[Pp]olicy holder|[Ss]ubscriber|[Ii]nsured|[Cc]aretaker|[Rr]elative|[Ww]itness|[Bb]ystander|[Aa]pplicant|[Cc]lient|[Bb]eneficiary|[Pp]roxy|POA|HCP|EMT|CNA|[Nn]ext of kin|NOK|[Ee]mergency contact|[Pp]aramedic|[Tt]echnician|[Tt]echnologist|[Ss]onographer|[Dd]ietitian|[Nn]utritionist|[Cc]haplain|[Oo]fficer|[Ss]ergeant|[Dd]etective|[Aa]ttorney|[Ll]awyer|[Pp]astor|[Hh]ospitalist|[Rr]adiologist|[Pp]athologist|[Ii]ntensivist|[Ss]cribe|[Cc]oordinator|[Pp]hlebotomist|[Ii]ntern|[Ss]tudent|[Rr]oom-?mate|[Ee]x-(?:wife|husband)|[Bb]abysitter|[Nn]anny|[Hh]alf-(?:brother|sister)|[Gg]odmother|[Gg]odfather"
)
_AFTER_NAME = r"in|on|at|and|who|is|was|has|had|have|says|said|reports?|reported|notic(?:ed|es)|found|called|brought|by|for|with|to|from|states|stated|told|lives|feels|noted|observed|gave|thinks|describe[sd]|confirm(?:s|ed)|helps|accompanied|remembers|denie[sd]|came|arrived|works|saw|heard|thought|when|that|because|spoke|advised|agreed|agrees|recommend(?:s|ed)|reviewed|requested|wrote|ordered|explained|explains|suggested|suggests|drove|will|can|asked|witnessed"
_FIRST = (
    r"James|Robert|John|Michael|David|William|Richard|Joseph|Thomas|Christopher|Charles|Daniel|Matthew|Anthony|Steven|Andrew|Paul|Joshua|Kenneth|Kevin|Brian|George|Timothy|Ronald|Edward|Jason|Jeffrey|Ryan|Jacob"
    r"|Nicholas|Gary|Eric|Jonathan|Stephen|Larry|Justin|Scott|Brandon|Benjamin|Samuel|Gregory|Alexander|Patrick|Dennis|Jerry|Tyler|Aaron|Jose|Adam|Nathan|Henry|Peter|Zachary|Kyle|Walter|Ethan|Noah|Liam|Oliver|Lucas|Oscar|Hugo|Carlos|Juan|Luis|Miguel|Pedro|Ahmed|Mohammed|Muhammad|Ali|Omar|Hassan|Ibrahim|Yusuf|Raj|Arjun|Sanjay|Amit|Ravi|Ivan|Dmitri|Sergei|Hans|Klaus|Pierre|Jean|Marco|Giovanni|Wei|Hiroshi|Kenji"
    r"|Mary|Patricia|Jennifer|Linda|Elizabeth|Barbara|Susan|Jessica|Sarah|Karen|Lisa|Nancy|Betty|Margaret|Sandra|Ashley|Kimberly|Emily|Donna|Michelle|Carol|Amanda|Melissa|Deborah|Stephanie|Rebecca|Sharon|Laura|Cynthia|Dorothy|Amy|Kathleen|Angela|Shirley|Emma|Brenda|Pamela|Nicole|Anna|Samantha|Katherine|Christine|Helen|Debra|Rachel|Carolyn|Janet|Maria|Catherine|Heather|Diane|Olivia|Julie|Joyce|Victoria|Ruth|Kelly|Lauren|Christina|Joan|Evelyn|Judith|Megan|Andrea|Cheryl|Hannah|Jacqueline|Martha|Gloria|Teresa|Ann|Anne|Sara|Madison|Frances|Kathryn|Janice|Alice|Julia|Sophia|Sophie|Charlotte|Lucy|Ella|Amelia|Isabella|Eleanor|Fatima|Aisha|Priya|Elena|Olga|Natasha|Ingrid|Yuki|Mei|Carmen|Rosa|Lucia"
    r"|Gwendolyn|Bernadette|Beatrice|Beatriz|Janelle|Farouk|Dwayne|Imogen|Kwame|Kofi|Chloe|Zoe|Mia|Freya|Isla|Leah|Sean|Connor|Declan|Niamh|Siobhan|Aoife|Ciara|Rhys|Owen|Dylan|Gareth|Fiona|Hamish|Angus|Callum|Ewan|Craig|Stuart|Graham|Nigel|Trevor|Keith|Derek|Barry|Geoffrey|Gerald|Roger|Leonard|Stanley|Howard|Russell|Philip|Simon|Martin|Alan|Ian|Neil|Colin|Darren|Wayne|Shane|Troy|Travis|Marcus"
    r"|Derrick|Darnell|Tyrone|Jamal|Malik|Andre|Latoya|Keisha|Tamika|Shanice|Aaliyah|Imani|Brianna|Alejandro|Diego|Javier|Fernando|Ricardo|Eduardo|Raul|Sofia|Camila|Valentina|Gabriela|Guadalupe|Yolanda|Consuelo|Dolores|Mateo|Santiago|Xavier|Jacques|Camille|Chantal|Monique|Brigitte|Wolfgang|Dieter|Heinrich|Helga|Ursula|Greta|Sven|Lars|Erik|Astrid|Piotr|Tomasz|Agnieszka|Katarzyna|Svetlana|Tatiana|Vladimir|Igor|Boris"
    r"|Mikhail|Yuri|Mehmet|Mustafa|Ahmet|Ayse|Emre|Abdul|Abdullah|Khalid|Tariq|Bilal|Hamza|Zainab|Khadija|Maryam|Amina|Noor|Layla|Leila|Yasmin|Samira|Nadia|Farah|Deepak|Rahul|Vijay|Suresh|Ramesh|Anil|Sunil|Rajesh|Anita|Sunita|Kavita|Lakshmi|Pooja|Neha|Divya|Meera|Chinedu|Emeka|Ngozi|Adaeze|Chidi|Babatunde|Folake|Ifeoma|Nkechi|Thabo|Sipho|Zanele|Themba|Takashi|Haruto|Sakura|Naoko|Linh|Thanh|Siti|Dewi"
)
_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}"
_TOWN = rf"(?={_U})(?!(?:{_NO_NAME_WORDS})\b){_CAP}(?: {_CAP}){{0,2}}"
_ZIP = r"\d{5}(?:-\d{4})?"
_TAIL = (
    r"(?:,? (?:Apt|Apartment|Unit|Suite|Ste|Flat|Room|Rm|Floor|Lot|Bldg|Building|#)\.? ?#?[A-Z0-9-]+)?"
    rf"(?:,? {_TOWN}(?=,|\.|;|\)|\s+(?:{_ST}|{_STATES})\b|\s+{_POSTCODE}|$))?(?:,? (?:{_ST}|{_STATES})\b)?(?:,? (?:{_ZIP}|{_POSTCODE})(?![\w-]))?"
)
_FLAT = r"(?:No\.?|Flat|Unit|Apartment|Apt\.?|Suite|Studio) [A-Z0-9]+,? "
_STREET = r"Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Way|Close|Terrace|Crescent|Square|Highway|Hwy|Parkway|Pkwy|Circle|Trail|Row|Gardens|Grove|Mews|Hill|Walk|Alley|Quay|Broadway|Plaza|Park|Turnpike|Pike|Bridge|Ridge|View|Loop|Path|Run|Crossing|Heights|Valley|Village|Estate|Parade|Rise|Green|Vale|Landing|Meadows?|Springs?|Station Road|Expressway|Bypass|Wharf|Yard"
_CENTER = r"Cent(?:er|re)"
_INSTITUTION = (
    rf"Hospitals?|(?:Medical|Health|Cancer|Rehabilitation|Kidney|Dialysis|Heart|Eye|Surgical|Surgery|Imaging|Sleep|Wound|Spine|Pain|Burn|Trauma|Stroke|Diagnostic|Wellness|Birth(?:ing)?|Treatment|Recovery|Infusion|Care|Women['’]s|Children['’]s|Transplant|Diabetes|Counseling|Counselling) {_CENTER}"
    r"|Clinic|Polyclinic|Infirmary|Hospice|(?:Nursing|Care|Retirement|Rest|Residential|Group) Home|(?:Heart |Cancer |Eye )?Institute|Health System|Healthcare|Sanatorium|(?:Medical|Family|Dental|General|Group) Practice|Family (?:Medicine|Health)|(?:Medical|Physicians) (?:Group|Associates)|Urgent Care|Primary Care|Assisted Living|Senior Living|Memory Care|Hospital Trust|NHS (?:Foundation )?Trust|Health Board"
    r"|(?:Road|Street|Lane|House|Park|Hill|Green|Bridge|Court|Avenue|Village|Square|Health) Surgery|(?:Cardiology|Radiology|Oncology|Orthop(?:a?edic)s?|Urology|Neurology|Dermatology|OB/GYN|Pediatric) (?:Associates|Group|Partners|Consultants|Specialists)|VAMC|VA\b|Dental|Pediatrics|Dialysis|Rehab"
)
_GENERIC = re.compile(
    rf"(?:the |The )?(?:(?:{_NO_NAME_WORDS}|University|District|Local|Regional|County|Teaching|Memorial|State|City|National|Tertiary|Private|Public|Specialist|Referral|Academic|Level|I|II|III|IV|Poison|Control|Call|Day|Eye|Spine|Wound|Sleep|Dental|Mental|Behaviou?ral|Veterans|Outside|Urgent|Trauma|Women['’]s|Children['’]s|Family|Sexual|Anticoagulation|Coumadin|Lipid|Hepatitis|Heart|Failure|Foot|Weight|Walk-in|Mayo|Preoperative|Pre-op|Transplant|Methadone|STI|STD|GUM|TB|HIV|Tuberculosis|Headache|Hand|Hearing|Voice|Allergy|Fertility|IVF|Infertility|Genetic|and|of|the) ?)+(?:{_INSTITUTION})"
)
_COMPANY = r"Ltd|Limited|LLC|PLC|Company|Corporation|School|College|University|Academy|Shipyard|Council|Foundry|Airlines|Airways|Railways|LLP|GmbH|Corp|Incorporated|Squadron|Battalion|Regiment|Brigade|(?:Fire|Police|Sheriff['’]s|Public Works|Transportation) (?:Department|Office)|Authority|Ministry|Brothers|& Sons?(?: [A-Z][a-z]+)?|& Co"
_WORKPLACE = r"Inc|Factory|Airport|Logistics|Trust|Group|Bank|Insurance|Bakery|Garage|Brewery|Construction|Engineering|Motors|Electronics|Foods|Textiles|Security|Nursery|Salon|Pharmacy|Plant|Farms?|Mills?|Mines?|Industries|Stores?|Supermarket|Hotel|Restaurant|Church|Library|Prison|(?:Leisure|Sports|Community|Shopping|Day|Distribution|Call|Fulfil?lment) Cent(?:er|re)|Roofing|Plumbing|Steel|Trucking|Freight|Lumber|Landscaping|Cleaners|Cleaning|Diner|Caf[eé]|Bistro|Pizzeria|Grill|Barbers?|Steelworks|Warehouse|Quarry|Ranch|Orchards?|Winery|Vineyards?|Museum|Theat(?:er|re)|Zoo|Press|Media|Software|Technologies|Systems|Solutions|Partners|Associates|Consulting|Properties|Realty|Haulage|Couriers?|Transport|Chemicals?|Plastics|Poultry|Dairy|Fisheries|Shipping|Builders|Contractors|Electric"
_FIRM_WORD = rf"(?:{_CAP}(?:['’]s(?= {_U}))?|[A-Z]{{2,}}\b|\d{{1,3}}(?:st|nd|rd|th)(?= {_U}))"
_FIRM = rf"(?!(?:ICU|ED|ER|OR|NICU|PICU|MICU|SICU|CCU|ENT|OT|UK|USA?|NHS|Army|Navy|Air Force|Marines|Military)\b){_FIRM_WORD}(?:(?:,(?= {_CAP}(?:,| and| &)))?(?: (?:&|and|of|for|the))* (?:{_FIRM_WORD}|Co\.|LLC|LLP|PLC)){{0,5}}"
_JOB = (
    r"[Aa]ccountant|[Ff]oreman|[Mm]echanic|[Ww]elder|[Ee]ngineer|[Cc]lerk|[Tt]eacher|[Dd]river|[Mm]anager|[Ss]upervisor|[Cc]ashier|[Cc]ook|[Cc]hef|[Jj]anitor|[Cc]arpenter|[Ee]lectrician|[Pp]lumber|[Pp]ainter|[Tt]echnician|[Aa]nalyst|[Ss]ecretary|[Rr]eceptionist|[Ww]aiter|[Ww]aitress|[Bb]artender|[Bb]arista|[Ll]ibrarian|[Pp]rofessor|[Ll]ecturer|[Ss]tudent"
    r"|[Aa]ttorney|[Ll]awyer|[Pp]aralegal|[Pp]ilot|[Ss]ergeant|[Ss]oldier|[Oo]fficer|[Gg]uard|[Mm]achinist|[Oo]perator|[Rr]oofer|[Aa]pprentice|[Ii]ntern|[Ff]irefighter|[Rr]eporter|[Ee]ditor|[Dd]eveloper|[Pp]rogrammer|[Ss]alesman|[Ss]aleswoman|[Ss]ales rep(?:resentative)?|[Aa]gent|[Cc]ontractor|[Cc]onsultant|[Cc]leaner|[Cc]ustodian|[Bb]utcher|[Bb]aker|[Ff]armhand|[Ll]aborer|[Ll]abourer|[Ww]orker|[Ee]mployee|[Dd]irector|[Oo]wner|[Pp]artner|[Vv]olunteer|[Ff]reshman|[Ss]ophomore|[Jj]unior|[Ss]enior|[Pp]rincipal|[Cc]oach|[Cc]ounselor|[Nn]urse|[Aa]ide|[Hh]ousekeeper|[Hh]airdresser|[Bb]arber|[Tt]ailor|[Dd]ispatcher|[Cc]ourier|[Pp]orter|[Dd]esigner|[Aa]rchitect|[Ss]urveyor|[Bb]anker|[Tt]eller|CEO|CFO|CTO"
)
_PEOPLE = tuple(
    _Rule("name", re.compile(pattern), certainty)
    for pattern, certainty in (
        (rf"\b{_TITLE}(?P<v>(?:[A-Z]\.?\s){{0,3}}{_NEXT}{_REST}{{0,3}})", LABELLED),
        (rf"\b(?:Drs|Mr and Mrs)\.? {_NAME}(?:, {_NAME})* and (?P<v>{_NAME})", LABELLED),
        (rf"\b(?:(?:MR|MS|DR)\.|MRS\.?)\s+(?P<v>(?!(?i:{_NO_NAME_WORDS})\b)[A-Z][A-Z'’-]{{2,}}(?: [A-Z][A-Z'’-]{{2,}})?)", WORDED),
        (
            r"\b(?i:(?:patient|full|first|last|given|family|maiden)(?:'s)? name|name|surname|patient|pt|next of kin|NOK|emergency contact|contact(?: person)?|guardian|attending|consultant|surgeon|an(?:a?e)sthetist"
            rf"|physician(?: of record)?|PCP|GP|provider|nurse|author|informant|physio|OT|SLT|dietitian|key ?worker|care coordinator|clinician|examiner|operator|interpreter|witness|reviewer|referrer|typed by|attn|attention|carer|(?:reviewed|signed|dictated|reported|requested|seen|verified) by)\s*[:=]\s*{_TITLE}?(?P<v>{_LISTED})",
            LABELLED,
        ),
        (rf"\b(?:{_KIN})\s*[:=]\s*{_TITLE}?(?P<v>{_FULL})", LABELLED),
        (rf"\b(?:{_KIN})(?:['’]s name is|,? named|,? called)?(?:,?\s+|\s*\(){_TITLE}?(?P<v>{_FULL})", WORDED),
        (rf"\b(?:{_KIN})(?:['’]s name is|,? named|,? called)?(?:,?\s+|\s*\()(?P<v>{_WORD})(?=[,.;:)]|['’]s\b|$|\s+(?:{_AFTER_NAME}|[a-z]{{2,}}(?:s|ed))\b)", WORDED),
        (rf"\b(?i:name(?:'s| is| was)|named|called|goes by|known as|next of kin(?: is)?|emergency contact(?: is)?)\s+{_TITLE}?(?P<v>{_NAME})", WORDED),
        (rf"\b[Pp]atient,?\s+(?P<v>{_FULL})", WORDED),
        (rf"\b[Pp]atient\s+(?P<v>{_WORD})(?=\s+(?:has|is|was|had|reports?|denies|presents?|complains|states|came|attended)\b)", WORDED),
        (rf"\b(?i:signed|dictated|reported|written|seen|reviewed|examined|referred|discussed|performed|documented|recommended|administered|prescribed|interpreted)\s+(?:by|with)\s+{_TITLE}?(?P<v>{_FULL})", WORDED),
        (rf"\b(?P<v>{_FULL})(?=,\s+(?:MD|RN|NP|PA(?:-C)?|DO|PhD|MBBS|MBChB|FRC\w+|MRC\w+|PharmD|DNP|LPN|CRNP|BSN|MSN|FACS|FACC|DPM|DDS|LCSW|CNM)\b)", LABELLED),
        (rf"\b(?P<v>{_FULL})(?=,\s+(?:(?:the|a|an|his|her|their|our)\s+)?(?:[a-z]+\s+)?(?:{_KIN})\b)", WORDED),
        (rf"(?:^|[.!?:]\s{{1,9}}|\n[ \t]{{0,20}})(?P<v>{_WORD})(?=\s+(?:states|reports|denies|says|complains|told|noticed|feels|describes|attended|presents)\b)", WORDED),
        (rf"\b(?:ring|call|phone|text|contact|tell|ask|inform|meet)\s+(?P<v>{_WORD})(?=\s*\(|[,.]|\s+(?:on|at|to|about|if|before|after|when)\b)", WORDED),
        (rf"\b(?P<v>(?:[A-Z]\.\s?){{0,4}}{_NAME})(?=\s*\((?:[a-z]+\s+){{0,2}}(?:{_KIN})\b)", WORDED),
        (rf"(?:^|\n)[ \t]{{0,20}}(?P<v>{_WORD}, {_NEXT}(?:\s[A-Z]\b\.?)?)(?=,?\s+(?:\d{{1,3}}\s?(?:[MFy]|/)|\(?(?:MRN|DOB|NHS|[MF]\b)))", WORDED),
        (rf"(?:^|[:;\n|]\s{{0,3}})(?P<v>{_WORD}, {_NEXT}(?: {_NEXT})?(?:\s[A-Z]\b\.?)?)(?=\s?[/|(-]\s?(?:[MF]\b|\d|DOB|MRN|[a-z]))", WORDED),
        (r"(?:^|\n)[ \t]{0,20}(?P<v>[A-Z][A-Z'’-]{2,}, [A-Z][A-Za-z'’-]+(?: [A-Z]\b\.?)?)(?=,?\s+-?\s*(?:\d{1,3}\s?(?:[MFy]|/)|\(?(?:MRN|DOB|NHS|[MF]\b)))", WORDED),
        (rf"\b(?=[A-Z])(?<!St )(?<!St\. )(?P<v>{_FIRST})\b(?![-–]){_NO_EPONYM}(?=[,.;:)?]|['’]s\b|$|\s+[a-z])", WORDED),
        (rf"\b(?<!in )(?<!to )(?P<v>{_NAME})(?=,?\s+(?:is|was)?\s*(?:an?\s+)?\d{{1,3}}[\s-]*(?:y/?o|(?:years?|yrs?|months?)[\s-]+old)\b)", WORDED),
        (rf"(?:^|\n)[ \t]{{0,20}}(?P<v>{_FULL})(?=,\s+\d{{2,3}},)", WORDED),
        (rf"\b(?:with|by|from|to)\s+(?P<v>{_WORD})(?=,\s+(?:(?:the|a|an|our|his|her)\s+)?(?:[a-z]+\s+)?(?:{_KIN}|[a-z]{{3,}}(?:ist|grapher|medic|itian|wife))\b)", WORDED),
        (rf"\b(?:with|by|from|to)\s+(?P<v>{_WORD})(?=\s+and\s+(?:his|her|their)\b)", WORDED),
        (rf"\b(?P<v>{_FULL})(?=,?\s+(?:\(?\d{{1,3}}\s?[MF]\b|\(?(?:born|DOB|aged?|MRN|SSN|NHS|tel|phone|mobile)\b|\(\d{{2,3}}\b))", WORDED),
        (rf"\b(?=[A-Z])(?P<v>(?!{_NO_PERSON})(?:{_FIRST})\b{_REST}{{1,2}})", WORDED),
        (
            rf"(?:^|[.!?]\s{{1,9}}|\n[ \t]{{0,20}})(?P<v>{_FULL})(?=\s+(?:presents?|presented|came|attend(?:s|ed)|reports?|denie[sd]|complain(?:s|ed)|states|stated|lives|works|smokes|underwent|returned|called|fell|says|said|noticed|described?s?"
            r"|is an?|was (?:brought|admitted|seen|referred|transferred|diagnosed|discharged|born|last|taken|involved|reviewed)|has (?:been|had|an?)|had an?)\b)",
            WORDED,
        ),
    )
)  # fmt: skip
_PEOPLE_BY_CAPITALS = (
    _Rule("name", re.compile(rf"\bR[Ee]\s*:\s*{_TITLE}?(?P<v>(?!{_TERM}){_FULL})"), WORDED),
    _Rule(
        "name",
        re.compile(rf"(?:^|[.!?]\s{{1,9}}|\n[ \t]{{0,20}})(?P<v>(?!{_TERM}){_WORD}(?:\s[A-Z]\.?(?=\s))?(?:[ ]{_PARTICLE}(?!{_TERM}){_NEXT}){{1,2}})(?=\s+(?!(?:of|for|in|on|at|to|by|and|or|was|were|is|are|with|shows?|showed|revealed)\b)[a-z]{{3,}}|\s*\((?!\d))"),
        WORDED,
        loose=True,
    ),
    _Rule(
        "name",
        re.compile(
            rf"\b(?:seeing|seen|see|saw|regarding|about|from|with|by|met|told|asked|called|Dear|contacted|informed|phoned)\s+(?P<v>(?!{_TERM}){_WORD}(?:[ ]{_PARTICLE}(?!{_TERM}){_NEXT}){{1,2}})"
            r"(?=[,.;:)?]|$|\s+(?:who|whom|and|has|was|is|at|on|in|about|from|regarding|by|for|again|today|yesterday)\b)(?!\s+(?:in|at)\s+\d)"
        ),
        WORDED,
        loose=True,
    ),
)  # fmt: skip
_PLACES = (
    _Rule("address", re.compile(rf"(?<![\d.])(?P<v>\d{{1,5}}[- ]block (?:of )?(?:(?:[NSEW]|NE|NW|SE|SW)\.? )?(?:{_CAP}|\d+(?:st|nd|rd|th))(?: {_CAP}){{0,3}}{_TAIL})"), LABELLED),
    _Rule("address", re.compile(rf"\b(?P<v>(?:RR|R\.R\.|Rural Route|HC|Rte\.?|Route|Box) ?\d{{1,4}},? (?:Box )?\d{{1,5}}[A-Z]?{_TAIL})"), LABELLED),
    _Rule("address", re.compile(rf"(?<![\d.])(?P<v>(?:{_FLAT})?\d{{1,5}}[A-Za-z]?(?:[-/]\d{{1,4}})?,? (?=[A-Z])[A-Za-z'’., -]{{3,70}}?,? (?:(?:{_ST}|{_STATES})\.?,? {_ZIP}|{_POSTCODE}))(?![\w-])"), LABELLED),
    _Rule("address", re.compile(rf"(?<![\d.])(?P<v>\d{{1,5}}[A-Za-z]?,? (?:[Rr]ue|Calle|Via|Avenida|Rua|Avda\.|Ul\.) [A-Za-z '’-]{{2,40}}{_TAIL})"), LABELLED),
    _Rule("address", re.compile(r"\b(?P<v>(?:County|State|Farm|Forest|Ranch|Interstate|Highway|Hwy|Route) (?:(?:Road|Route|Rd|Hwy|Highway) )?\d{1,4}[A-Z]?)\b(?!\s?(?:mg|of|patients))"), WORDED),
    _Rule("address", re.compile(rf"\b(?i:corner|intersection|junction) of (?P<v>{_CAP}[A-Za-z0-9 .'’]{{0,24}} (?:and|&) (?:{_CAP}|\d{{1,3}}(?:st|nd|rd|th))(?: {_CAP}){{0,2}})"), LABELLED),
    _Rule("address", re.compile(rf"\b(?={_U})(?P<v>(?!(?:{_NO_NAME_WORDS})\b){_CAP}(?: {_CAP})? (?:St|Ave|Rd|Blvd|Street|Avenue|Road)\.? (?:and|&|at) (?:{_CAP}|\d{{1,3}}(?:st|nd|rd|th))(?: (?:{_STREET})\b)?)"), LABELLED),
    _Rule("address", re.compile(rf"\b(?={_U})(?P<v>(?!(?:{_NO_NAME_WORDS}|County)\b){_CAP}(?: {_CAP})? (?:County|Township|Parish))\b(?! (?:[Hh]ospital|[Cc]ouncil|[Jj]ail))"), WORDED),
    _Rule("address", re.compile(rf"\b(?={_U})(?P<v>(?!(?:{_NO_NAME_WORDS})\b){_CAP}(?: {_CAP}){{0,2}}, (?:{_STATES}))\b"), WORDED),
    _Rule("address", re.compile(r"(?<![A-Za-z0-9])(?P<v>(?!T\dN)[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d)(?![A-Za-z0-9])"), WORDED),
    _Rule("address", re.compile(rf"(?<![\d.])(?P<v>(?:{_FLAT}|(?:{_FLAT})?\d{{1,5}}[A-Z]?(?:[-/]\d+)? )(?:(?:[NSEW]|NE|NW|SE|SW)\.? )?(?:{_CAP}|\d+(?:st|nd|rd|th))(?: {_CAP}){{0,3}} (?:{_STREET})\b\.?{_TAIL})"), LABELLED),
    _Rule("address", re.compile(rf"(?<![\d.])(?P<v>(?:{_FLAT}|(?:{_FLAT})?\d{{1,5}}[A-Z]? ){_CAP}(?: {_CAP}){{0,3}}(?:,? (?:Apt|Apartment|Unit|Suite|Ste|Flat)\.? ?#?[A-Z0-9-]+)?,? {_TOWN},? (?:(?:{_ST}|{_STATES}),? {_ZIP}|{_POSTCODE}))(?![\w-])"), LABELLED),
    _Rule("address", re.compile(rf"\b(?={_U})(?P<v>(?!(?:{_NO_NAME_WORDS})\b){_CAP}(?: {_CAP}){{0,2}} (?:Street|Avenue|Road|Lane|Boulevard|Terrace|Crescent|Highway|Parkway|Gardens|Mews)\b{_TAIL})"), WORDED),
    _Rule("address", re.compile(r"\b(?:[Hh]ome |[Pp]ostal )?[Aa]ddress\s*[:=]\s*(?P<v>[A-Z0-9][^;\n]{4,80}?)(?=[;\n]|\.\s|\.?$)"), LABELLED),
    _Rule("address", re.compile(rf"\bfrom {_TOWN} to (?P<v>(?!(?:{_STATES}|{_COUNTRIES})\b){_TOWN})"), WORDED),
    _Rule("address", re.compile(rf"\b(?P<v>(?:Lake|Mount) {_CAP}){_NO_EPONYM}"), WORDED),
    _Rule("address", re.compile(rf"\b(?P<v>P\.?\s?O\.?\s?Box \d+{_TAIL})"), LABELLED),
    _Rule("address", re.compile(rf"\b(?P<v>{_TOWN},? (?:{_ST}),? {_ZIP})\b"), LABELLED),
    _Rule("address", re.compile(rf"{_EDGE}(?P<v>{_POSTCODE})(?![\w-])"), WORDED),
    _Rule("address", re.compile(rf"\b(?i:zip|postal)(?i:\s*code)?[:\s]+(?P<v>{_ZIP})\b"), LABELLED),
    _Rule(
        "address",
        re.compile(
            rf"\b(?:[Ll]iv(?:es?|ed|ing)|[Rr]esid(?:es?|ed|ing)|[Rr]esident|[Bb]orn|[Rr]aised|[Gg]rew up|[Oo]riginally|[Hh]ails?|[Cc]omes|[Mm]ov(?:es?|ed|ing)|[Rr]elocated|[Nn]ative|[Bb]ased|[Hh]omeless)\s(?:[\w'’,-]+\s){{0,5}}?(?:in|of|at|from|to|near)\s+"
            rf"(?P<v>(?!(?:{_STATES}|{_COUNTRIES})\b){_TOWN}(?:, (?:{_CAP}|{_ST})\b)?)"
        ),
        WORDED,
    ),
    _Rule(
        "address",
        re.compile(
            r"\b(?:man|woman|male|female|patient|boy|girl|lady|gentleman|visitor|nurse|teacher|farmer|student|worker|driver|engineer|refugee)\s+from\s+"
            rf"(?P<v>(?!(?:{_STATES}|{_COUNTRIES})\b){_TOWN}(?:, (?:{_CAP}|{_ST})\b)?)"
        ),
        WORDED,
    ),
    _Rule(
        "hospital",
        re.compile(rf"\b(?P<v>(?:(?:{_CAP}|St\.?|[A-Z]{{2,5}})(?:['’]s?)?(?: (?:of|and|the|&|for))* ){{1,5}}(?:{_INSTITUTION})\b(?: (?:of|at) {_CAP}(?: {_CAP}){{0,2}})?(?: ?#\d{{1,4}})?)"),
        WORDED,
        lambda value: not _GENERIC.fullmatch(value),
    ),
    _Rule("hospital", re.compile(rf"\b(?P<v>(?:St\.?|Saint) (?!Elevation|Depression|Segment|Change|Wave){_CAP}(?:['’]s)?(?: {_CAP}){{0,2}})(?! (?:wort|dance|encephalitis|Questionnaire|Score|Index))"), WORDED, lambda value: not re.search(r"Questionnaire|Score|Index|Scale|Criteria", value)),
    _Rule("hospital", re.compile(rf"\b(?:[Tt]ransfer(?:red|s)?|[Rr]eferred|[Dd]ischarged|[Aa]dmitted) (?:from|to|at) (?P<v>(?!(?:{_NO_FIRST_NAME})\b)(?!{_TERM}){_CAP}(?: (?!(?:{_NO_NAME_WORDS})\b)(?!{_TERM}){_CAP}){{0,2}})(?=[.,;)]|$|\s(?:for|with|on|after|where|by|ED|ER|ICU)\b)"), WORDED, loose=True),
    _Rule(
        "employer",
        re.compile(rf"\b(?i:work(?:s|ed|ing)?|employ(?:ed|ee)|retired)\s(?:\w+\s){{0,4}}?(?:at|for|by|from|of|with)\s+(?P<v>(?:the\s+)?(?!(?:{_NO_NAME_WORDS})\b){_FIRM})"),
        WORDED,
    ),
    _Rule(
        "employer",
        re.compile(
            rf"\b(?:[Dd]riv(?:es?|ing) (?:a \w{{2,12}} )?for|(?:[Ll]aid off|[Ff]ired|[Hh]ired|[Ee]mployed|[Cc]ontracted) (?:by|from|at)|[Rr]eturn(?:ed|s|ing)? to (?:work|school|duty) (?:at|for|with)|(?:[Jj]ob|[Pp]osition|[Ss]hifts?|[Ii]nternship) (?:at|with)|[Vv]olunteers? (?:at|for|with)|[Ii]nterns? at|[Ss]erv(?:es|ed|ing) (?:in|with)|[Ss]tationed at|[Ee]nrolled (?:at|in)|[Ss]tud(?:ies|ied|ying) at|[Gg]raduated from|[Aa]ttends|[Tt]eaches(?: [\w-]{{2,12}}){{0,3}} at)"
            rf"\s+(?P<v>(?:the\s+)?(?!(?:{_NO_NAME_WORDS})\b){_FIRM})"
        ),
        WORDED,
    ),
    _Rule("employer", re.compile(rf"\b(?:[Mm]anag|[Oo]wn|[Rr]un|[Oo]perat)(?:e?s|ed|ing) (?P<v>(?:the )?(?!(?:{_NO_NAME_WORDS})\b){_CAP}(?: (?:{_CAP}|&|and|of)){{0,4}} (?:{_WORKPLACE}|{_COMPANY}))\b"), WORDED),
    _Rule("employer", re.compile(rf"\b(?:{_JOB})s? (?:at|for|with|of|in) (?P<v>(?:the )?(?!(?:{_NO_NAME_WORDS})\b){_FIRM})"), WORDED),
    _Rule("employer", re.compile(rf"\b(?i:occupation|job|profession|work|employer)(?:/[a-z]{{2,12}})?\s?[:=]\s?[a-z][a-z /-]{{2,30}}(?:,| at| for| with| -) (?:the )?(?P<v>{_FIRM})"), WORDED),
    _Rule("employer", re.compile(rf"\b(?i:job|occupation|profession)[:\s][^.;\n]{{0,30}}?\b(?:at|for|with)\s+(?:the\s+)?(?P<v>{_FIRM})"), WORDED),
    _Rule("employer", re.compile(rf"\b(?={_U})(?P<v>(?!(?:{_NO_NAME_WORDS})\b){_CAP}(?: (?:{_CAP}|&|and|of)){{0,4}} (?:{_WORKPLACE}))\b"), WORDED, loose=True),
    _Rule("employer", re.compile(rf"\b(?={_U})(?P<v>(?!(?:{_NO_NAME_WORDS})\b){_CAP}(?: (?:{_CAP}|&|and|of)){{0,4}} (?:{_COMPANY}))\b"), WORDED),
    _Rule("employer", re.compile(rf"\b[Ee]mployer(?:['’]s name)?(?:\s+is|\s*:)\s*(?:the\s+)?(?P<v>{_FIRM})"), LABELLED),
)  # fmt: skip

# Names of people, places and institutions, in Chinese.
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂焦向柳邢路岳齐梅莫庄辛管祝左"
    "涂谷祁舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍覃霍翁隋甘景薄单包司柏宁柯阮桂闵解柴华车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧宫苟褚廉简娄符奚穆党燕郎邸冀谈姬屠连郜晏栾郁蒙喻窦迟敖鄢冷卓仇艾蓝巩井仲乐虞卞封竺冼楚佟栗匡宗应巫鞠桑荆谌明沙岑习胥蔺肖仝佘荀鄂晁寿蒲沃闫麦尚丛邝骆缪狄茹芮雍扈逄邰昝訾亓逯荣"
)
_RARE_SURNAMES = "计班强海惠敬索盖相占鲜干牧原满卿银洛花鹿皮冶门丰亢伊时荣缪来农"
"""So common as words that only a given name after them makes a surname of them."""
_COMPOUND = "欧阳|司马|上官|诸葛|夏侯|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|司徒|司空|东方|西门|南宫|端木|百里|呼延|独孤|轩辕|申屠|闻人|赫连|钟离|鲜于|濮阳|淳于|太叔|拓跋"
_CLINICAL = "热痛肿胀炎症病血疸咳喘呕吐泻晕痒疹瘤癌囊肌骨皮肺肝肾胃肠胆脾脑眼耳鼻喉腔胸腹腰背颈额面足腿臂指趾脉尿便汗疼伤染药剂诊查治疗痰涕泪唇舌咽腺脏膜瓣栓塞梗缺损裂断瘫痪癫痫挛搐昏迷睡醒饥饿饮食餐服注射输吸氧压率次度性型期级类及其的了于因在无是或不未曾已再又均都也就到被由从将后内吗呢们您你我他她它这那某些每各该此何怎岁科室床院区房楼层号名位者员日周晚今昨夜分秒余约近较很最更甚能应须需否述诉称示见觉感乏困难失禁量数值低降减增多检验片影像术手切除缝移植医护时征菌蜂颅瞳肩氏颤韧缩骶副"
_ORDINARY = (
    "房发扑早东中事产价前地基子屋山改檐租管舍贷里门间顶|施呼主以加展工放救用肥行|宫口高中刑墙女廷灯调里门|曾有用患行自反间出接做住先予发使两经|左束侧上下肢膝髋右岸权派脚路边首|陈旧施|马兜拉上尾凡蹄桶克列力厩嘶场头步灯褂路车里铃队|"
    "高原嘌尖海升年烧钾钠钙龄脂渗危凝糖处坠氨敏效流频一下中举亢产价估傲兴出利发台呼唱地墙声大官家密寒尚居峻差干徒新校档欢歌法涨深温炉炮点矮程空端等粱考职论调贵远速铁音高|谷丙草主口地子底物|莫菲过|窦速缓律|涂阳改料|阳康痿历台子府气线|舒利坦展张心畅缓适|毛花蚶霉发巾细主孔尖毯笔纺线色衣钱|苏丹共门|"
    "蓝斑点白本筹色|易推青之可怒出激疲患事趣|段上抬落|温泉和水暖厚存差带庭情柔格润饱|桑拿|洪水流涝|屠夫宰刀戮杀|戴首|米泔猪业粒粥脂饭|石蟹膏淋化灰英人兽凳刻匠器块堆墙墨壁头子屋料材板栏棉棺榴油炭砌碑窟经蜡质门雕首|金葡属丝代价兵冠台子字家币条牌盆矿箔色花蛇蝶融象质轮边针钱铺锣门领鱼鸡黄|"
    "陶瑟器土瓷|杜冷|何首为事人以况地处如妨尝必故方来止物用种等苦门|单克抗侧纯发独用一个产人价体元兵刀单向子字干打据方晶机板果核色薄行词调质身车项骑|吉兰凶象|周前大出蛋围年天一三二五代六刊初四家恩报易朝末济游身边遭长|冷得结敷战刺厥冻冷却峻暖气水淡漠然落藏酷门静风|"
    "乐果观器团园声工师府意曲歌舞艺趣队音|关木节系闭键上中乎卡口外头平心押掉机涉照爱税连门防隘露|余月年处同万下个亩地孽实家平座暇架种篇米部首鱼|常年规有伴用事人任住例务备委常态温熟理绿言设识驻|连年月天续用接任发同坐声带忙成战环累线结绵败载连通锁长队|"
    "成年人功形立熟为书交亲份佛例倍全化千品团堆套婚家心才批排效文方本果法瘾绩群色虫行规语败长天|童年心装话|夏天至季代历商朝秋|尚可有好清存且书|方可才形法案丈军向圆块城士始子家寸山差巾式志格桌略砖程舟解言证针阵|宁可愿|许可下久家愿许配|"
    "万年一万丈两个事亩人亿件份众倍元公册千台向吨块头家尾平张恶户斤方枚民物种立米线美股般象辆部里金镑|于之入外当上前凌清晨家活进劳体门住产妊孕本下去同夏秋冬春站行平坐卧休静情|季月年节肋刊报梁风|黄色斑绿褐浊白土壤家牌瓜纸芪花袍豆道酒金鳝|"
    "白细带色斑班癜蛋浆球苔昼发大人令地垩头家描果沫瓷粉糖纸脸花菜蚁蜡衣袍话费酒金鳍天|张口力嘴开贴佑|安静全排慰装抚定眠神上史好居布心息插放歇生稳置葬设详身|向来上下家前心右左善导往斜着|明显确亮人代令儿净史器媚快早明晃晰朝末清知矾证说镜天年月|"
    "应用予激当答给为付允力变召城声对届得急战承收有考聘试选邀酬天|车祸间库上主体厢城夫子底流牌票程窗站臣行费身轮轴载辆辙速道里长门队顶马骑|包块括茎裹扎绕住办厢含围头子容干庇抄揽机涵衣袱装谷金销月|管理道饲事住制壁好委子家带待束状用线辖|解释黑小大体决冻剖围开惑放救散析毒法渴码答职聘脱说读闷雇题|"
    "查体看出办勘处实封找抄点理考获证询问阅|康复|严重格密严义刑加厉守家寒峻惩整明肃谨酷防|文化盲丑中书人件体具凭史告坛墨士字学官峰帝库才摘教本案档武汇法物献理种秘稿章笔职臣艺言论说责身辞选采集静革风|雷诺击暴电管|任务意一免命官情教用职选|江边岸心段浙淮猪豚|胡言萝子乱思扯诌说|凌晨乱|霍乱奇|"
    "焦虑躁痂作急灼炭点距|范围例|梅毒核尼|颜色料|项强部城目链|席汉卷子间|甘油露地心愿草蔗薯|路过边途程上人军况南口向子径旁易段灯线经费|司机令徒法空长|古怪书井人代刹力史墓士尸旧朴来松树物玩画籍诗迹道里音风月|景象仰况气点物致色观|游走离泳丝乐人击动历子客戏牧玩船艇艺荡行街览记说轮|"
    "华法支人侨筝表诞|符合|简单易介体化历史捷明朴洁牍略直短练要陋|欧洲式盟|边缘界上关境沿疆线路长防际陲|盛怒事产会传典况唐大宴开情润行装誉|薄弱壁荷雾|燕麦窝|谈话判心笑论谈起|丁卯|丘处|丛中书刊|习俗惯气练题作|井下底|仇人家怨恨敌视|仲裁|党人务团外委建报支政校派章籍组部项风|卓有著|"
    "卫兵士校生视铁队|史书事册地学家料方籍记论迹|叶家腋酸|唐代初宋朝|奚落|孔隙|宋代朝|宗主亲人子师教族旨法派|寿命|封冻口地堵套存建杀条死装赏闭顶|尤为|屈原居辱|岳家|巩固|庄上严家稼重|庞大杂|廉价洁|晋代绥|曲子折牌目线艺调谱酒|朱漆|林下业中兆地场家带里间|柳条|柴油火草|"
    "武人力器士备大学官师当昌汉职艺行装警麻|殷墟|毕业生竟升|池子水际|沙包化口哑土地场子暴漠门鱼|牛头奶市棚犊筋肉股蛙角车|牟取|王家导牌砾|甄别|田产亩地径租里间|申办斥明花请购辩|祝愿|秦代朝|程序式志控|章法程节|纪事元委实录律念要年|罗嗦|艾滋|芦花苇荟|苗头条|萧条|董事家|蒙住受蔽|蒲团扇|"
    "谢意绝罪|费事力劲心用解|赖以|辛苦辣|辜负|迟早滞疑缓误迟钝|郁积结郁闷|郑重|鄂皖豫|钟头情表鼓|钱包币物|陆上地战游相续路|隋代唐朝末|鞠躬|顾准念源虑|麦秸粒|齐心整集|龙口头椅船袍"
)
_WORDS_ZH = frozenset(entry[0] + second for entry in _ORDINARY.split("|") for second in entry[1:])
_DRUGS = "谷维素|黄连素|金水宝|金天格|甘利欣|季德胜|马应龙|雷公藤|康忻|施慧达|施维雅|易瑞沙|安可达|安博维|安理申|金纳多|宁神灵|白云山|万爽力|万艾可|诺和平|诺和灵|诺和锐|诺和龙|贺普丁|易善复|左洛复|罗盖全|利多卡|华法林|洛赛克|康泰克|安宫牛|金银花|柏子仁|石斛|麦冬|白芍|白芷|黄芪|黄芩|黄柏|杜仲|连翘|丁香|单硝酸|梅花针|白求恩|万托林|舒利迭|文拉法|温胆汤|龙胆泻|丹参"
_DRUGS_ZH = frozenset(_DRUGS.split("|"))
"""What begins like a surname and ends like a given name, but is a drug."""
_POPULAR = "伟刚勇毅俊峰强军平保东文辉力明永健世广志义兴良海山仁波宁贵福生龙元全国胜学祥才武新利清飞彬富顺信子杰涛昌成康星光天达安岩中茂进林有坚和彪博诚先敬震振壮会思群豪心邦承乐绍功松善厚庆磊民友裕河哲江超浩亮政谦亨奇固之轮翰朗伯宏言若鸣朋斌梁栋维启克伦翔旭鹏泽晨辰士以建家致树德行泰盛雄琛钧冠策腾楠榕风航弘秀娟英华慧巧美娜静淑惠珠翠雅芝玉萍红娥玲芬芳燕彩春菊兰凤洁梅琳素云莲真环雪荣爱妹霞香月莺媛艳瑞凡佳嘉琼勤珍贞莉桂娣叶璧璐娅琦晶妍茜秋珊莎锦黛青倩婷姣婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君琴蕊薇菁梦岚苑婕馨瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽琬茗羽希欣飘滢馥筠柔竹霭凝晓欢霄枫芸菲寒伊亚宜可姬舒荔枝丽阳妮宝贝程梵罡恒鸿桦骅剑娇纪宽苛灵玛媚琪晴容睿烁堂唯威韦雯苇萱阅彦宇雨洋忠宗曼逸贤蝶菡绿蓝儿烟小轩涵奕梓诺语沐皓煜烨晟铭淳淇芷茹婧彤悠宸昊瑜珂圆远怀鹤朝满金银根土火木川培庚润甫贻钦锋锐镇铁钢钰鑫凯卓然城立礼智孝廉耀煌焕炳灿照熙勋懿帆少正"
"""Characters that given names are commonly made of."""
_GIVEN = rf"(?![{_CLINICAL}])[{_HAN}]"
_NAME_ZH = rf"(?:(?:{_COMPOUND})|[{_SURNAMES}])(?:某某?|{_GIVEN}(?:{_GIVEN})??)"
_AFTER_ZH = (
    r"(?=$|[^\u4e00-\u9fff]|[男女因于主诉系自现今昨近既入来就之的在医护教要陪称述等为从出曾已查发完进行记签送代告拒同说表示带到反又再予给被将会和与及或至以突无有未患晨夜前后早饮吸服用是否认住开家需也均遵亦副]"
    r"|父|母|妻|丈|副|电话|手机|微信|身份证|联系|住院号)"
)
_FAR_ZH = "阿艾巴布卓玛扎西次仁多吉旺堆平措央金拉姆丹增洛桑格尼白达瓦顿珠青索朗强特尔其斯琴乌兰娜图雅苏日和勒呼吐逊木热依提努哈玉素甫迪力帕孜古丽买麦合亚克江山别叶海米沙库赛毕托娅鲁额登宝音那孟根塔敖才让贡嘎曲珍德吉边巴顶地"
"""What Tibetan, Mongolian and Uyghur names are written with; they begin with no surname."""
_SURE_COMPOUND = "欧阳|司马|上官|诸葛|夏侯|皇甫|尉迟|慕容|令狐|宇文|司徒|端木|呼延|独孤|轩辕|申屠|闻人|赫连|淳于|拓跋"
_WHO_ZH = (
    r"患者|病人|患儿|产妇|孕妇|伤者|死者|老人|家属|其[子女妻夫父母兄弟姐妹孙舅叔姑姨侄]|丈夫|妻子|儿子|女儿|父亲|母亲|儿媳|女婿|爱人|配偶|姐姐|哥哥|弟弟|妹妹|孙子|孙女|外孙女?|奶奶|爷爷|同事|朋友|邻居|室友|同学|工友|老乡|同乡|老伴|好友|网友|战友|实习生|研究生|规培生|司机|民警|警察|路人|保安|店主|房东|女友|男友|未婚[夫妻]|舅舅|叔叔|姑姑|姨妈|侄[子女]|外甥|一助|二助|助手|(?:记录|手术|检查|报告|审核|操作|经手)[者人]|保姆|护工|陪护"
    r"|联系人|监护人|医师|护师|医生|大夫|护士长?|主任|教授|术者|主刀|麻醉师|技师|药师|名叫|叫做|我是|本人"
)
_LABEL_ZH = r"姓名|名字|小名|乳名|曾用名|[^\W\d_]{0,4}(?<!病)人|陈述者|供史者|签名|签字|记录[者人]|陪护(?:人员)?|家属|患者|病人|[^\W\d_]{0,4}(?:医师|医生|护士长?|技师|药师|术者|主任|教授)|主刀|一助|助手|丈夫|妻子|配偶|父亲|母亲|儿子|女儿"
_TITLE_ZH = (
    r"副?教授|副?主任|主治|住院医|医[生师]|大夫|护士|教授|院长|先生|女士|老师|师傅|阿姨|大爷|大妈|大叔|奶奶|爷爷|同志"
)
_PROVINCE = "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
_PLACE_CHAR = r"(?![于在到至往由从自住来为是系家患医病院科诊症腔道膜者现])[\u4e00-\u9fff]"
_ADMIN = rf"{_PLACE_CHAR}{{1,7}}?(?:自治[区州县]|地区|街道|社区|嘎查|苏木|林场|农场|牧场|开发区|新区|工业园|产业园|[市州盟区县旗镇乡村屯])"
_ROAD = rf"{_PLACE_CHAR}{{0,8}}?(?:大道|胡同|小区|花园|新村|公寓|家园|大厦|广场|[路街巷弄里苑园])"
_HOUSE = r"(?:(?:附|甲|乙|丙|后座|前座|[东西南北])?[0-9A-Za-z一二三四五六七八九十-]{1,8}(?:号楼|号院|号门|单元|[号栋幢座弄室层楼组队户])(?:[东西南北]侧)?|(?<=[元楼栋幢座层])\d{2,4}(?![\d.]|\s*[A-Za-z%℃]))"
_PART = rf"(?:{_ADMIN}|{_ROAD}|{_HOUSE})"
_CLAUSE_CHAR = r"(?:(?![于在到至往去由经从赴送入住转诊与及后曾因并即遂行予请求给居跑])[\u4e00-\u9fff])"
_DEPARTMENT = r"(?:(?:心血管|心胸|心|消化|呼吸|神经|肾|血液|内分泌|骨|普|泌尿|胸|妇|产|儿|眼|耳鼻喉|皮肤|肿瘤|急诊|感染|风湿|康复|放射|病理|重症)(?:免疫|医学|内|外)*科)?"
_INSTITUTION_ZH = r"医院|卫生院|卫生所|卫生室|诊所|卫生服务中心|卫生服务站|疗养院|保健院|疾控中心|急救中心|体检中心|医学中心|门诊部|福利院|养老院|敬老院|护理院"
_GENERIC_ZH = re.compile(
    rf"(?:患者|家属|病人|当地|外地|外|我|本|上级|下级|某|社区|乡镇|[县市省区乡镇村]级?|基层|私人|民营|私立|公立|专科|综合|[二三]级|甲等|[二三]甲|大|小|附近|其他|多家?|几家?|[一两二三四五六七八九十数多]家|互联网|网络|线上|定点|协作|医联体|对口|接诊|收治|原|同级|市级|省级|县级|院外|非|地方|人民|中心|中西?|妇幼|妇产|儿童|口腔|精神|传染病|肿瘤|眼科|胸科|辗转|就近|先|两家?|一家?|家|医|国外|境外|校|厂)*(?:{_INSTITUTION_ZH})"
)
_FIRM_ZH = r"有限公司|公司|集团|工厂|厂|中学|小学|大学|学院|学校|幼儿园|银行|研究所|研究院|设计院|煤矿|煤业|酒店|酒楼|饭店|餐厅|宾馆|超市|商场|事务所|部队|派出所|税务局|供电局|法院|检察院|管理所|合作社|物业|快递|外卖|报社|电视台|出版社|加油站|养殖场|屠宰场|林场|农场|牧场|局"
_BRANCH_ZH = r"(?:[\u4e00-\u9fff]{0,6}?(?:分公司|分局|分厂|分店|分校|支行|分行|支队|大队|中队|车间|门店|校区|[一二三四五六七八九十][矿厂队部]|站(?!立)|店))?"
_GENERIC_FIRM_ZH = re.compile(
    rf"(?:某|一家|[这那两几]家|附近|工地|重点|初级|高级|职业|私人|私营|外贸|国有|本地|当地|建筑|化工|纺织|电子|食品|制鞋|机械|家具|印刷|水泥|装修|保险|物流|科技|服装|造纸|玩具|五金|皮革|本校|外地|农药|油漆|普通|民办|公立)*(?:{_FIRM_ZH})"
)
_CHINESE_RULES: tuple[_Rule, ...] = (
    _Rule("name", re.compile(rf"(?P<v>(?:{_SURE_COMPOUND})(?:{_GIVEN}{{1,2}}(?=[^\u4e00-\u9fff]|$|之[父母子女妻夫])|{_GIVEN}{{1,2}}?(?={_AFTER_ZH}|[复拟行术予])|(?![氏家])[{_POPULAR}]{{1,2}}))"), WORDED),
    _Rule("name", re.compile(rf"(?:^|[，,。；;：:\s由])(?P<v>{_NAME_ZH})(?=之[父母子女妻夫])"), WORDED, _is_no_word),
    _Rule("name", re.compile(rf"(?:{_LABEL_ZH})[:：]\s?[{_HAN}]{{2,4}}[/、，,](?P<v>{_NAME_ZH})(?=[^\u4e00-\u9fff]|$)"), WORDED, _is_no_word),
    _Rule("name", re.compile(rf"(?:联系人|监护人|担保人|委托人|代理人|授权人|陪同人|陪护人|护送人|投保人|被保险人|持卡人|付款人|缴费人)[:：\s]{{0,3}}(?P<v>(?:{_COMPOUND}|[{_SURNAMES}]){_GIVEN}{{1,2}})(?=[^\u4e00-\u9fff]|$)"), LABELLED),
    _Rule("name", re.compile(rf"[由为系向给与和名叫请](?P<v>{_NAME_ZH})(?=的(?:[{_HAN}]{{0,6}}(?:卡|医保|账户|账号|支付宝|微信|电话|手机|身份证|父|母|妻|丈夫|儿子|女儿|家属))|支付|缴纳|转账|签字|签署|提供|陪同|送来|送至|代)"), WORDED, _is_no_word),
    _Rule("name", re.compile(rf"(?:^|[\n。；;])(?P<v>[{_HAN}]{{2,6}})(?=[，,、\s]{{1,3}}(?:(?!本)[{_HAN}]{{1,4}}族|[男女])[，,、\s。])"), WORDED, lambda v: not re.search(r"[患病者人性年儿例女男诊史童婴妇岁孕产主诉查体]", v) and _is_no_word(v)),
    _Rule("name", re.compile(rf"(?:{_WHO_ZH}|[，,。；;：:\n]|^)(?P<v>[{_FAR_ZH}]{{3,6}})(?=[（(，,、\s]{{1,2}}(?:[男女]|[{_HAN}]{{1,4}}族|\d{{1,3}}岁))"), WORDED),
    _Rule("name", re.compile(rf"(?:患者|病人|患儿|家属|其[子女妻夫父母兄弟姐妹])(?P<v>[{_FAR_ZH}]{{3,6}}?)(?=$|[^{_HAN}]|[于因诉自由主入来系述在])"), WORDED),
    _Rule("name", re.compile(rf"(?:{_LABEL_ZH})\s*[:：]\s*(?P<v>(?![无否同见系])[{_HAN}]{{2,4}}?)(?=[^\u4e00-\u9fff]|$|性别|男|女|年龄|主任|医师|医生|住院|门诊)"), LABELLED, lambda v: bool(re.match(rf"(?:{_COMPOUND})|[{_SURNAMES}]", v)) and not re.search(r"[患症病无痛热炎不体]", v)),
    _Rule("name", re.compile(rf"(?:小名|乳名|曾用名|别名|昵称)[:：为叫“\"\s]*(?P<v>[{_HAN}]{{2,3}})(?=[^\u4e00-\u9fff]|$)"), LABELLED),
    _Rule("name", re.compile(rf"(?P<v>(?<![{_HAN}])[{_HAN}]{{2,6}}[·•][{_HAN}]{{2,8}}?)(?=[^{_HAN}]|$|[因于诉男女主]|主诉)"), WORDED),
    _Rule("name", re.compile(rf"(?:{_WHO_ZH})(?P<v>[{_HAN}]{{2,6}}[·•][{_HAN}]{{2,8}}?)(?=[^{_HAN}]|$|[因于诉男女主])"), LABELLED),
    _Rule("name", re.compile(rf"姓名\s*(?P<v>(?:{_COMPOUND}|[{_SURNAMES}])[{_HAN}]{{1,2}}?)(?=[^\u4e00-\u9fff]|$|性别|男|女)"), LABELLED),
    _Rule("name", re.compile(rf"(?:{_WHO_ZH})[（(]?(?P<v>{_NAME_ZH}){_AFTER_ZH}"), WORDED, _is_no_word),
    _Rule("name", re.compile(rf"(?:{_WHO_ZH})[（(]?(?P<v>{_NAME_ZH})(?=[，,、\s（(]*[男女](?:性|[，,、\s\d]|$))"), WORDED),
    _Rule("name", re.compile(rf"[由为系](?P<v>{_NAME_ZH})(?=[（(陪送护代]|之[母父子女妻夫])"), WORDED, _is_no_word),
    _Rule("name", re.compile(rf"(?P<v>(?:(?:{_COMPOUND})|[{_SURNAMES}])(?:{_GIVEN}){{1,2}}?)(?=(?:{_TITLE_ZH}))"), WORDED, _is_no_word),
    _Rule("name", re.compile(rf"(?:^|[，,。；;、：:\s（(请由找经班科院的嘱遵]|患者|家属)(?P<v>(?:(?![于向应常明从平管解单成时])[{_SURNAMES}]|{_COMPOUND})(?:某{{1,2}}|(?=(?:{_TITLE_ZH}))))"), WORDED),
    _Rule("name", re.compile(rf"(?:^|[，,。；;\s])(?P<v>{_NAME_ZH})(?=患者|病人)"), WORDED, _is_no_word),
    _Rule("name", re.compile(rf"(?:^|[^{_HAN}]|[由经请找给向据即名叫与和])(?P<v>(?:{_COMPOUND}|[{_SURNAMES}])[{_POPULAR}]{{2}})(?=$|[^{_HAN}]|[诉述陪送因签说称男女医护系与和]|代诉|发现|记录|采集|主诉|患者|副?主任|车祸)"), WORDED, _is_no_word),
    _Rule("name", re.compile(rf"(?:{_WHO_ZH})[（(]?(?P<v>(?:{_COMPOUND}|[{_SURNAMES}{_RARE_SURNAMES}])[{_POPULAR}]{{2}})"), WORDED, _is_no_word),
    _Rule("name", re.compile(rf"(?:^|[，,。；;、：:\s（(])(?P<v>{_NAME_ZH})(?=[，,、\s（(]+(?:[男女FM](?:性|[，,、\s])|身份证|年龄|住院号|门诊号|电话|\d{{1,3}}岁))"), WORDED, lambda v: v not in _WORDS_ZH),
    _Rule("address", re.compile(rf"(?P<v>(?:{_PROVINCE})(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)?{_PART}+)"), LABELLED),
    _Rule("address", re.compile(r"(?:邮政编码|邮编)[\s:：为是]{0,3}(?P<v>\d{6})(?!\d)"), LABELLED),
    _Rule("address", re.compile(rf"(?P<v>{_PLACE_CHAR}{{2,6}}(?:[路街巷]|大道)[与和及、]{_PLACE_CHAR}{{2,6}}(?:[路街巷]|大道)(?:交叉口|交汇处|交界处?|路?口)?)"), LABELLED),
    _Rule("address", re.compile(rf"(?:[在于沿至到]|途经|途径|位于)(?P<v>(?!静脉|通|外周|传导|旁){_PLACE_CHAR}{{2,5}}(?<![通旁径气回电尿管])(?:[路街巷]|大道|胡同|立交桥|高速|广场|小区|花园|新村|公寓))(?=被|附近|旁|路?口|上|处|段|发生|摔|跌|晕|[，,。；])"), WORDED),
    _Rule("address", re.compile(rf"(?:[住居]在?|现居)(?P<v>(?!院|在院|院期)(?:{_PLACE_CHAR}{{2,4}}[县市旗])?{_PLACE_CHAR}{{2,6}}(?:镇|乡|村|屯|寨|嘎查|街道|社区|小区|花园|新村|公寓|家园|胡同){_PART}*)(?=[^{_HAN}]|$|[，,。])"), WORDED),
    _Rule("address", re.compile(rf"(?:籍贯|原籍|祖籍|老家|来自|生于|户籍)[:：为是在于]{{0,2}}(?P<v>(?:{_PROVINCE})省?{_PLACE_CHAR}{{2,3}})(?=[^{_HAN}]|$|人)"), LABELLED),
    _Rule("address", re.compile(rf"(?P<v>{_PLACE_CHAR}{{2,4}}市{_PLACE_CHAR}{{1,4}}[区县市镇乡]{_PART}*)"), LABELLED),
    _Rule("address", re.compile(rf"(?P<v>{_PLACE_CHAR}{{2,6}}[县区](?:{_PLACE_CHAR}{{2,6}}(?:镇|乡|街道)){_PART}*)"), LABELLED),
    _Rule("address", re.compile(rf"(?P<v>{_PLACE_CHAR}{{2,4}}[镇乡]{_PLACE_CHAR}{{2,6}}村{_PART}*)"), LABELLED),
    _Rule("address", re.compile(rf"(?P<v>{_PLACE_CHAR}{{2,8}}(?:大道|胡同|小区|花园|新村|公寓|家园|[路街巷弄苑])\d+(?:号楼|号院|[号弄栋幢座]){_PART}*)"), LABELLED),
    _Rule("address", re.compile(rf"(?:住址|地址|户籍地?|籍贯|居住地|家住|现居|住在|居住[在于]|暂住|户口所在地|来自|出生地|出生于|生于|原籍)[:：为是在于]*(?P<v>(?!农村|城市|外地|本[地市县村]|当地|[山牧疫郊]区|城镇|乡镇|同一?|市区){_PART}+)"), LABELLED),
    _Rule("address", re.compile(rf"(?:在|来自|从|到|去|于)(?P<v>(?:{_PROVINCE})省?{_PLACE_CHAR}{{2,3}}?)(?=务工|打工|工作|居住|生活|上学|经商|出差|旅游|人)"), WORDED),
    _Rule("hospital", re.compile(rf"(?P<v>(?!和){_CLAUSE_CHAR}{{2,18}}?(?:{_INSTITUTION_ZH})(?:[东南西北]院区?|[{_HAN}]{{1,3}}(?:分院|院区))?{_DEPARTMENT})"), WORDED, lambda v: not _GENERIC_ZH.match(v)),
    _Rule("hospital", re.compile(rf"(?P<v>(?:{_CLAUSE_CHAR}{{1,4}}附属?[一二三四]?院|{_CLAUSE_CHAR}{{0,3}}[市省县](?:第?[一二三四五六七八九]|中)院))"), WORDED),
    _Rule("employer", re.compile(rf"(?:工作单位|就职于?|服务于|任职于?|供职于?|受雇于?|受聘于?|入职|就业于|服役于|打工于|务工于|上班于|任教于?|就读于?|毕业于|单位)[:：为是在\s]{{0,3}}(?P<v>(?![的后前时])[{_HAN}A-Za-z]{{2,20}}?(?:{_FIRM_ZH}|[店站馆所院社矿队])(?:{_BRANCH_ZH}))"), LABELLED, lambda v: not _GENERIC_FIRM_ZH.fullmatch(v)),
    _Rule("employer", re.compile(rf"(?:工作单位|(?<![{_HAN}])单位)[\s:：]{{1,3}}(?P<v>[{_HAN}]{{3,20}})(?=\s{{0,3}}(?:[，,。；;、\n]|$))"), WORDED, lambda v: not re.search(r"[无未]|不详|退休|务农|农民|自由|个体|学生|毫|升|摩|克|国际", v)),
    _Rule("employer", re.compile(rf"[在于系为是任交寄给](?P<v>(?!患者|家属|病人|一[家所]|某)(?:(?![在于到至往从前后为是系给交])[{_HAN}]){{2,14}}?(?:有限公司|公司|集团|厂|[中小]学|大学|学院|幼儿园|事务所|酒楼|饭店|酒店|超市){_BRANCH_ZH})(?=[，,。；;、\n]|$)"), WORDED, lambda v: not _GENERIC_FIRM_ZH.fullmatch(v)),
    _Rule("employer", re.compile(rf"(?:^|[，,。；\n：])(?P<v>(?!患者|家属|病人)(?:(?![在于到至往从前后为是系])[{_HAN}]){{2,14}}(?:公司|集团))(?=[，,。；])"), WORDED, lambda v: not _GENERIC_FIRM_ZH.fullmatch(v)),
    _Rule("employer", re.compile(rf"(?:[在于系为是任]|^|[，,。；\n])(?P<v>(?!患者|家属|病人)(?:(?![在于到至往从前后])[{_HAN}]){{2,20}}?(?:{_FIRM_ZH}))(?=的?[{_HAN}]{{0,3}}(?:工作|上班|任职|任教|务工|打工|职工|员工|职员|雇员|工人|司机|保安|厨师|服务员|店员|销售|经理|老板|干部|技术员|保洁|保洁员|门卫|学徒|矿工|工程师|护工|记者|律师|编辑|教练|学员|[{_HAN}]{{0,2}}工(?=[，,。、；]|$)|教师|老师|学生|退休|会计))"), WORDED, lambda v: not _GENERIC_FIRM_ZH.fullmatch(v)),
)  # fmt: skip

_FORMATS: tuple[_Rule, ...] = (*_NUMBERS, *_labelled(), *_DATES)
_ENGLISH: tuple[_Rule, ...] = (*_PEOPLE, *_PEOPLE_BY_CAPITALS, *_PLACES)
