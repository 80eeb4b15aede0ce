"""The rules a consultation keeps, before and after the model: intended use, notices, and what makes a reader look twice.

Every rule has an id, a severity, its words in both languages and, where it rests on one, the source it rests on. What
needs the knowledge graph is asked in `review.py`; the words and the patterns are here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medassist.case import TEXT_FIELDS, PatientCase, VitalSigns
from medassist.differential import Severity, Warning
from medassist.errors import Language, NotACase, SelfCare

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

POINTS_NOTICE: dict[Language, str] = {
    "en": (
        "Demonstration model, not validated. The knowledge base chooses the candidates and gives each finding its points;"
        " the model adds them up and ranks, and the program counts again. It must not be used for a patient."
    ),
    "zh": "演示模型，未经验证。候选疾病及各项表现的分数由知识库给出，模型负责相加和排序，程序再复算一遍。不得用于患者。",
}
"""The same where it weighs in points (`medassist.points`)."""


def demo_notice(language: Language, *, points: bool) -> str:
    return (POINTS_NOTICE if points else DEMO_NOTICE)[language]


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


@dataclass(frozen=True)
class Rule:
    """What is warned of. `code` is the stable one of a warning; `source` what the rule rests on, "" for our own."""

    id: str
    code: str
    severity: Severity
    en: str
    zh: str
    source: str = ""


RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule("demo.model", "demo_model", "note", DEMO_NOTICE["en"], DEMO_NOTICE["zh"]),
        Rule("demo.points", "demo_model", "note", POINTS_NOTICE["en"], POINTS_NOTICE["zh"]),
        Rule(
            "points.recounted",
            "recounted",
            "note",
            "The model miscounted and had put “{name}” first. The list follows the points as they were counted again.",
            "模型计算有误，曾将“{name}”列为首位。列表按重新计算的分数排序。",
        ),
        Rule(
            "input.cleaned",
            "cleaned_input",
            "note",
            "Invisible or control characters were removed from what was entered: {kinds}.",
            "已从输入内容中移除不可见字符或控制字符：{kinds_zh}。",
        ),
        Rule(
            "input.injection",
            "injection",
            "caution",
            "The case holds text that reads like an instruction to the model. It was passed on as data; check the answer against the patient.",
            "病例中含有类似对模型下达指令的文字，已仅作为资料处理；请结合患者核对回答。",
            "OWASP Top 10 for LLM Applications 2025, LLM01",
        ),
        Rule(
            "phi.masked",
            "phi_masked",
            "note",
            "Masked before the model read the case: {kinds}. Names and addresses can slip through: check what you enter.",
            "模型读取前已遮蔽：{kinds_zh}。姓名和地址可能漏检，请自行核对输入内容。",
            "45 CFR 164.514(b)(2); 个人信息保护法（2021）第28条",
        ),
        Rule(
            "knowledge.nothing",
            "ungrounded",
            "caution",
            "The knowledge base knows nothing that fits this case; the answer rests on the model alone.",
            "知识库中没有与本病例相符的内容；回答仅来自模型。",
        ),
        Rule("red_flag", "red_flag", "emergency", "{name}: {action}", "{name}：{action}"),
        Rule(
            "cant_miss.absent",
            "cant_miss",
            "urgent",
            "Not in the model's list, and must not be missed: {names}. Added below as “not from the model”.",
            "模型未列出但不可漏诊：{names}。已在下方标注“非模型给出”。",
        ),
        Rule(
            "contradiction.sex",
            "contradiction",
            "caution",
            "{name} does not occur at this patient's sex.",
            "{name}与患者性别不符。",
        ),
        Rule(
            "contradiction.age",
            "contradiction",
            "caution",
            "{name} is unusual at this age: the knowledge base gives {low}–{high} years.",
            "{name}在该年龄少见：知识库所载年龄为{low}～{high}岁。",
        ),
        Rule(
            "contradiction.negated",
            "contradiction",
            "caution",
            "{name} is supported with something that the case denies: “{text}”.",
            "{name}的支持依据在病例中是被否认的：“{text}”。",
        ),
        Rule(
            "contradiction.pregnancy",
            "contradiction",
            "caution",
            "{name} needs a pregnancy, which the case rules out.",
            "{name}以妊娠为前提，而病例已排除妊娠。",
        ),
        Rule(
            "contradiction.allergy",
            "contradiction",
            "urgent",
            "The answer names {name}; the case states an allergy to it.",
            "回答提到{name}，而病例记载对其过敏。",
        ),
        Rule(
            "dose.named",
            "dose",
            "urgent",
            "The answer named a dose or a treatment order, which is outside what this tool is for; it is withheld.",
            "回答含有剂量或治疗医嘱，超出本工具用途，已隐去。",
            "Intended use: differential diagnosis only",
        ),
        Rule(
            "citation.unverifiable",
            "uncited",
            "caution",
            "The answer refers to a source that was not given to the model; it cannot be verified.",
            "回答引用了未提供给模型的来源，无法核实。",
            "JMIR 2024;26:e53164 (invented references of language models)",
        ),
        Rule(
            "answer.truncated",
            "truncated",
            "caution",
            "The answer was cut off at its length limit ({what}); it is incomplete.",
            "回答达到长度上限而被截断（{what_zh}），内容不完整。",
        ),
        Rule(
            "answer.unparsed",
            "unparsed",
            "caution",
            "No ranked differential could be read from the answer; its text is kept.",
            "无法从回答中读出排序的鉴别诊断；原文已保留。",
        ),
        Rule(
            "engine.knowledge",
            "graph_only",
            "note",
            "Ranked by the knowledge graph alone: no model was asked. The graph is a draft, not clinician-reviewed.",
            "仅由知识图谱排序，未使用模型。知识图谱为草稿，未经临床医生审核。",
        ),
    )
}
"""Every rule by its id; the red flags of the knowledge graph are rules of their own, under their own ids."""

_KINDS_ZH = {"control": "控制字符", "zero_width": "零宽字符", "bidi": "文字方向控制符", "other": "其他不可显示字符"}


def warn(
    rule: str,
    language: Language,
    *,
    id_: str = "",
    severity: Severity | None = None,
    cited: Sequence[str] = (),
    places: Sequence[tuple[int, int]] = (),
    **details: object,
) -> Warning:
    """A warning of `rule` in the reader's language; `details` fill its words. `id_` names a rule more exactly."""
    known = RULES[rule]
    return Warning(
        code=known.code,
        message=(known.zh if language == "zh" else known.en).format(**details),
        rule=id_ or known.id,
        severity=severity or known.severity,
        cited=tuple(cited) or ((known.source,) if known.source else ()),
        places=tuple(places),
    )


def warn_cleaned(kinds: tuple[str, ...], language: Language) -> Warning:
    """Say which kinds of characters `intake.clean` removed."""
    return warn(
        "input.cleaned",
        language,
        kinds=", ".join(kind.replace("_", "-") for kind in kinds),
        kinds_zh="、".join(_KINDS_ZH[kind] for kind in kinds),
    )


# --- A patient who asks for advice.

_MYSELF = re.compile(r"\b(?:I(?:['’](?:m|ve|ll|d))?|my|me|myself)\b|我(?!院|科|们|国|区|市|县|处|校|厂)", re.IGNORECASE)
_SOMEBODY = re.compile(
    r"\b(?:he|she|his|her|patient|pt|year[- ]old|y/?o|presents?|presented|admitted|on examination|o/e|denies)\b"
    r"|患者|病人|患儿|\d+岁|入院|查体|主诉|就诊于",
    re.IGNORECASE,
)
_ASKS_ADVICE = re.compile(
    r"\b(?:what|which|how|should|could|can|do|is|am|will)\b[^.!\n]{0,80}\b(?:I|my|me)\b[^.!\n]*\?"
    r"|\b(?:what (?:is|could be|'s) wrong with me|do I (?:have|need)|should I|am I|is it (?:serious|dangerous|cancer|normal)|please help(?: me)?|what can I take|help me)\b"
    r"|我(?:该|要|应该|是不是|会不会|怎么|需不需要|能不能|可以|需要)|怎么办|要紧吗|严重吗|吃什么药|要去医院吗|帮帮我|我得了什么",
    re.IGNORECASE,
)


def require_clinician(case: PatientCase) -> None:
    """Raise `SelfCare` where somebody writes of themselves and asks what to do: this tool is no doctor for patients."""
    text = "\n".join(getattr(case, name) for name in TEXT_FIELDS)
    unquoted = re.sub(r"[\"“‘「][^\"”’」\n]{0,200}[\"”’」]", " ", text)
    if len(_MYSELF.findall(unquoted)) >= 2 and _ASKS_ADVICE.search(unquoted) and not _SOMEBODY.search(unquoted):
        raise SelfCare


# --- Text that would be an instruction.

_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|all|any|your|these|system)\b[^.\n]{0,30}\b(?:instructions?|prompts?|rules?|guidelines?|messages?|context)\b"
    r"|\b(?:you are now|act as|pretend to be|from now on you|new instructions?:|system prompt|developer mode|jailbreak|do anything now)\b"
    r"|\b(?:reveal|print|show|repeat|output)\b[^.\n]{0,30}\b(?:system prompt|your instructions|hidden prompt|the prompt above)\b"
    r"|(?:^|\n)\s*(?:system|assistant)\s*[:：]|###\s*instruction"
    r"|<\s?[|｜]|\[/?INST\]|<\s?/?think>"
    r"|(?:忽略|无视|忘记|不要理会)[^。\n]{0,12}(?:以上|上述|之前|前面|所有|系统)[^。\n]{0,8}(?:指令|提示|规则|要求|内容)"
    r"|你现在是|从现在起你|扮演[^。\n]{0,10}(?:角色|助手)|系统提示词|(?:输出|显示|告诉我)[^。\n]{0,8}(?:提示词|系统指令)",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<(?=[|｜]|/?think>)")


def injections(text: str) -> list[tuple[int, int]]:
    """The places of a case that read like an instruction to the model."""
    return [found.span() for found in _INJECTION.finditer(text)]


def without_markup(case: PatientCase) -> PatientCase:
    """The case with the marks of a chat template broken up, so that no text of it can end its own turn."""
    fields = {name: _MARKUP.sub("< ", getattr(case, name)) for name in TEXT_FIELDS}
    return case.model_copy(update=fields)


# --- Doses and sources in an answer.

_AMOUNT = r"\d+(?:[.,]\d+)?(?:\s*[-–~至到]\s*\d+(?:[.,]\d+)?)?"
_DOSE = re.compile(
    rf"{_AMOUNT}\s*(?:mg|mcg|µg|μg|ug|g|grams?|ml|mL|IU|units?|U|mmol|mEq|毫克|微克|克|毫升|国际单位|单位)(?:\s*/\s*(?:kg|day|d|dose|h|hr|min|次|日|天|公斤|千克))*"
    r"(?:\s*(?:IV|PO|IM|SC|SL|po|iv|im|sc|bid|tid|qid|q\d+h|qd|daily|once|twice|every \d+ hours?|静脉滴注|静滴|静推|口服|肌注|皮下注射|每日[一二三\d]*次?))+"
    rf"|(?:give|start|administer|prescribe|take|begin|inject|initiate|load with)\s+(?:\w+\s+){{0,4}}{_AMOUNT}\s*(?:mg|mcg|µg|g|ml|IU|units?)\b(?:\s*/\s*\w+)?"
    rf"|(?:给予|予以|予|使用|注射|口服|静滴|静推|服用)[^，。；\n]{{0,16}}?{_AMOUNT}\s*(?:mg|μg|µg|g|ml|mL|毫克|微克|克|毫升|单位|U|IU|片|粒)(?:\s*/\s*\w+)?"
    rf"|\b[A-Z]?[a-z]{{4,}}(?:in|ol|ide|ine|ate|one|am|il|an|ab|cillin|mycin|pril|sartan|statin|parin)\s+{_AMOUNT}\s*(?:mg|mcg|µg|g|units?|IU)\b(?:\s*/\s*\w+)?",
)
_CONCENTRATION = re.compile(r"\s*/\s*(?:d?L|mL|l\b|dl|ml|24\s*h)", re.IGNORECASE)
WITHHELD: dict[Language, str] = {"en": "[dose withheld]", "zh": "[剂量已隐去]"}


def doses(text: str) -> list[tuple[int, int]]:
    """The places of an answer that name a dose of a drug; a laboratory value is none."""
    return [found.span() for found in _DOSE.finditer(text) if not _CONCENTRATION.match(text, found.end())]


def without_doses(text: str, language: Language) -> str:
    """`text` with doses withheld."""
    for start, end in reversed(doses(text)):
        text = text[:start] + WITHHELD[language] + text[end:]
    return text


_REFERENCE = re.compile(
    r"\bPMID\b|\bdoi(?:\.org|:)|\bet al\b|\b(?:NEJM|Lancet|JAMA|BMJ|UpToDate|Harrison'?s)\b|\bguidelines? (?:recommend|state|suggest|say)|\b(?:study|trial|review)\b[^.\n]{0,30}\b(?:19|20)\d\d\b"
    r"|https?://|\[(?!K\d)\d{1,3}\]|《[^》\n]{2,40}》|(?:文献|研究|指南)(?:报道|显示|指出|推荐|表明)",
    re.IGNORECASE,
)


def references(text: str) -> Iterator[tuple[int, int]]:
    """The places of an answer that appeal to a source; none but the rows of the knowledge base were given."""
    return (found.span() for found in _REFERENCE.finditer(text))
