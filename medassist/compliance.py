"""Intended use: what counts as a patient's case, and the notices that every page shows."""

import re

from medassist.case import TEXT_FIELDS, PatientCase, VitalSigns
from medassist.differential import Warning
from medassist.errors import Language, NotACase

NOTICE: dict[Language, str] = {
    "en": (
        "For clinicians. MedAssist supports clinical judgement and never replaces it: check every suggestion"
        " against the patient. Do not enter names, addresses, record numbers or other identifiers."
    ),
    "zh": "供临床医生使用。MedAssist 辅助而绝不替代临床判断：每条建议都须结合患者核实。请勿输入姓名、住址、病历号等可识别身份的信息。",
}
"""Shown on every page."""

DEMO_NOTICE: dict[Language, str] = {
    "en": (
        "Demonstration model. It shows how the product works; its answers are not medically meaningful"
        " and must not be used for a patient."
    ),
    "zh": "演示模型。仅用于展示产品如何运作；其回答不具有医学意义，不得用于患者。",
}
"""Shown wherever the demonstration model speaks."""

_MISSING = {
    "complaint": ("the chief complaint (a symptom or finding)", "主诉（症状或体征）"),
    "history": ("the history (how it began, how it went on)", "病史（如何起病、如何发展）"),
    "person": ("age and sex", "年龄和性别"),
}

_SENTENCE = re.compile(r"[^。！？!?\n]*?(?:[。！？!?\n]|\.(?=\s)|$)")
_QUESTION = re.compile(
    r"(?:(?:and|so|please|hi|hello|ok)[,\s]+)*(?:"
    r"(?:what|how|why|which|who|when|where)(?:'s|\s+(?:is|are|was|does|do|did|can|could|should|would|will|to|about|causes?"
    r"|treats?|drugs?|tests?|many|much|long|often)\b)"
    r"|(?:can|could|would|will|do|does|did|is|are|should)\s+(?:you|i|we|it|there|this|that|the|a|an)\b.*\?"
    r"|(?:tell|explain|write|translate|summari[sz]e|define|compare|recommend|describe|teach|give|show)\s+(?:me|us|a|an|the|to|in|about)\b"
    r"|(?:explain|define|translate|summari[sz]e|ignore)\s+\w+"
    r").*",
    re.IGNORECASE | re.DOTALL,
)
_QUESTION_ZH = re.compile(
    r".*(?:怎么(?:治|办|用|诊|预防|鉴别|回事|处理)|如何(?:治|诊|预防|鉴别|处理|用)|什么是|是什么|有哪些|为什么|能不能|可不可以|吗[？?。]?$).*"
    r"|(?:请问|请告诉|请解释|解释一下|介绍一下|讲(?:个|一个)|写(?:一|首|篇|个)|帮我|告诉我|翻译).*",
    re.DOTALL,
)
_REMARK = re.compile(
    r"(?:hi|hey|hello|hello there|good (?:morning|afternoon|evening)|thanks?(?: you)?|ok(?:ay)?|yes|no|bye|test(?:ing)?|please|none|n/?a"
    r"|how are you|who are you|你好|您好|谢谢|多谢|再见|测试|好的?|在吗|你是谁|无)",
    re.IGNORECASE,
)
_OF_A_PATIENT = re.compile(
    r"\b(?:for|since|over|x)\s+(?:the\s+)?(?:past\s+|last\s+)?(?:\d+|an?|one|two|three|few|several|yesterday|today|last)\b"
    r"|\b\d+\s*(?:h|hrs?|hours?|min|minutes?|d|days?|wks?|weeks?|months?|years?)\s*(?:ago|old)?\b"
    r"|\b(?:presents?|presented|presenting|complain(?:s|ed|ing)?|denies|denied|admitted)\b|\b\d{1,3}\s?[MF]\b"
    r"|(?:[\d一二两三四五六七八九十半数])(?:个?(?:小时|月|年|分钟|星期)|天|日|周)(?!岁)|\d岁|患者|病人|患儿|入院|就诊",
)
_LETTER = re.compile(r"[^\W\d_]")


def require_case(case: PatientCase) -> None:
    """Raise `NotACase`, saying what is missing, for a question or a remark. A terse case is a case."""
    if _describes_a_patient(case):
        return
    missing = ["complaint"]
    if not _statements(case.history) or case.history == case.chief_complaint:
        missing.append("history")
    if case.age is None or case.sex == "unknown":
        missing.append("person")
    raise NotACase(
        missing="; ".join(_MISSING[name][0] for name in missing),
        missing_zh="；".join(_MISSING[name][1] for name in missing),
    )


def _describes_a_patient(case: PatientCase) -> bool:
    if case.age is not None or case.sex != "unknown" or case.vital_signs != VitalSigns():
        return bool(_LETTER.search(case.chief_complaint))
    text = "\n".join(getattr(case, name) for name in TEXT_FIELDS)
    return bool(_OF_A_PATIENT.search(text)) or bool(_statements(text))


def _statements(text: str) -> list[str]:
    """The sentences of `text` that are neither a question, a request nor a remark."""
    sentences = [found.group().strip() for found in _SENTENCE.finditer(text)]
    return [sentence for sentence in sentences if _LETTER.search(sentence) and not _asks_or_remarks(sentence)]


def _asks_or_remarks(sentence: str) -> bool:
    bare = sentence.strip(" .。!！?？,，~～\t")
    return any(
        pattern.fullmatch(text) for pattern, text in ((_QUESTION, sentence), (_QUESTION_ZH, sentence), (_REMARK, bare))
    )


_WARNINGS: dict[str, tuple[str, str]] = {
    "demo_model": (DEMO_NOTICE["en"], DEMO_NOTICE["zh"]),
    "cleaned_input": (
        "Invisible or control characters were removed from what was entered: {kinds}.",
        "已从输入内容中移除不可见字符或控制字符：{kinds_zh}。",
    ),
    "truncated": (
        "The answer was cut off at its length limit ({what}); it is incomplete.",
        "回答达到长度上限而被截断（{what_zh}），内容不完整。",
    ),
    "unparsed": (
        "No ranked differential could be read from the answer; its text is kept.",
        "无法从回答中读出排序的鉴别诊断；原文已保留。",
    ),
}

_KINDS_ZH = {"control": "控制字符", "zero_width": "零宽字符", "bidi": "文字方向控制符", "other": "其他不可显示字符"}


def warn(code: str, language: Language, **details: str) -> Warning:
    """A warning in the reader's language. `code` is one of the stable codes; `details` fill its words."""
    en, zh = _WARNINGS[code]
    return Warning(code=code, message=(zh if language == "zh" else en).format(**details))


def warn_cleaned(kinds: tuple[str, ...], language: Language) -> Warning:
    """Say which kinds of characters `intake.clean` removed."""
    words = {
        "kinds": ", ".join(kind.replace("_", "-") for kind in kinds),
        "kinds_zh": "、".join(_KINDS_ZH[k] for k in kinds),
    }
    return warn("cleaned_input", language, **words)
