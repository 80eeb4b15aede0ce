"""What a text states of a patient: its clauses, and whether a phrase in one is stated, denied, past or another's.

The rules follow ConText (Harkema et al., Journal of Biomedical Informatics 2009), which extends NegEx (Chapman et al.
2001): a cue opens a scope, a terminator or the end of the sentence closes it, and what lies in the scope takes the
cue's status. Chinese has rules of its own: 无 and 否认 reach over 、 but seldom over ，.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from medassist.case import LABELS, TEXT_FIELDS
from medassist.errors import LANGUAGES


class Status(StrEnum):
    """How a text stands to a finding it names."""

    PRESENT = "present"
    ABSENT = "absent"
    POSSIBLE = "possible"  # asked, suspected or to be excluded
    PAST = "past"
    OTHER = "other"  # a relative, a contact, anyone but the patient
    HYPOTHETICAL = "hypothetical"  # feared, advised about, screened for


@dataclass(frozen=True)
class Sentence:
    """One sentence of a case: its place in the text and the field it stands in ("" where no field is known)."""

    text: str
    start: int
    field: str = ""

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def status(self, start: int, end: int, *, minor: bool = False) -> Status:
        """How the sentence states what lies at `start`–`end` of the whole text.

        `minor`: the patient is a child, so a mother who reports and "the baby" are no other patients.
        """
        return self._scopes(minor).status(start - self.start, end - self.start)

    def denials(self) -> list[tuple[tuple[int, int], int]]:
        """Every cue that denies and where what it denies ends, in order, as places in the whole text."""
        return sorted(
            ((scope.cue[0] + self.start, scope.cue[1] + self.start), scope.end + self.start)
            for scope in _denials(self.text, self.field)
        )

    def _scopes(self, minor: bool) -> "_Scopes":
        return self._minor if minor else self._adult

    @cached_property
    def _adult(self) -> "_Scopes":
        return _Scopes(self.text, self.field, minor=False)

    @cached_property
    def _minor(self) -> "_Scopes":
        return _Scopes(self.text, self.field, minor=True)


_FIELDS = {
    label.strip(): name
    for language in LANGUAGES
    for name, label in LABELS[language].items()
    if name in (*TEXT_FIELDS, "patient", "vital_signs")
}
_FIELD = re.compile("|".join(map(re.escape, sorted(_FIELDS, key=len, reverse=True))))
_SENTENCE_END = re.compile(
    r"[。！？!；;\n]|\?(?![A-Za-z\u4e00-\u9fff])|\.(?!(?<=\b[A-Z]\.)\s[a-z])(?=\s|$|[\"'”’)])(?<!\bDr\.)(?<!\bMr\.)(?<!\bMrs\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)"
)


def sentences(case_text: str) -> Iterator[Sentence]:
    """The sentences of a case as `PatientCase.text` builds it, or of any other text; labels are no part of them."""
    field, at = "", 0
    for line in case_text.split("\n"):
        begin = at
        if label := _FIELD.match(line):
            field, begin = _FIELDS[label.group()], at + label.end()
        yield from _split(case_text, begin, at + len(line), field)
        at += len(line) + 1


def _split(text: str, start: int, end: int, field: str) -> Iterator[Sentence]:
    while start < end:
        stop = _SENTENCE_END.search(text, start, end)
        close = stop.end() if stop else end
        if text[start:close].strip():
            yield Sentence(text[start:close], start, field)
        start = close


@dataclass(frozen=True)
class _Scope:
    status: Status
    cue: tuple[int, int]
    start: int
    end: int


class _Scopes:
    """The scopes that cues open in one sentence."""

    def __init__(self, text: str, field: str, *, minor: bool) -> None:
        self.text, self.field = text, field
        self.opened = [
            *_denials(text, field),
            *_others(text, minor),
            *_ranges(text, _POSSIBLE, Status.POSSIBLE, _LIST_END),
            *_ranges(text, _POSSIBLE_ZH, Status.POSSIBLE, _LIST_END_ZH),
            *_ranges(text, _HYPOTHETICAL, Status.HYPOTHETICAL, _HYPOTHETICAL_END),
            *_ranges(text, _HYPOTHETICAL_ZH, Status.HYPOTHETICAL, _HYPOTHETICAL_END_ZH),
            *_ranges(text, _PAST, Status.PAST, _PAST_END),
            *_ranges(text, _PAST_ZH, Status.PAST, _LIST_END_ZH),
            *_over_and_done(text),
        ]

    def status(self, start: int, end: int) -> Status:
        if self.field == "family_history":
            return Status.OTHER
        found = {
            scope.status
            for scope in self.opened
            # A cue within the phrase itself (“no flatus”, 无尿) is part of its meaning.
            if scope.start <= start < scope.end and not (start <= scope.cue[0] < end)
        }
        if _denied_after(self.text, end) or _denied_before(self.text, start):
            found.add(Status.ABSENT)
        if _doubted_after(self.text, end):
            found.add(Status.POSSIBLE)
        if self.field == "past_history" and not found:
            found.add(Status.PAST)
        for status in (Status.OTHER, Status.HYPOTHETICAL, Status.ABSENT, Status.PAST, Status.POSSIBLE):
            if status in found:
                return status
        return Status.PRESENT


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


# --- Denial.

_DENY = _words(
    r"den(?:ies|ied|y|ying)(?: (?:any|having|that (?:he|she|they)(?: has| had| have)?|recent|associated|a history of))*",
    r"no(?! (?:longer|more than|further than|doubt|relief|better|improvement|change|response|matter|one)\b)",
    r"not(?! (?:only|sure|certain|relieved|better|improv\w+|respond\w*|change\w*|resolv\w+|settl\w+|help\w*|eased|known|taking|compliant|able)\b)",
    r"without(?! (?:relief|improvement|warning|help|success|response)\b)",
    r"w/o",
    r"neg(?:ative)?\.? for",
    r"absence of",
    r"lack of",
    r"never (?:had|has|have|experienced|been)?",
    r"free of",
    r"nor",
    r"neither",
    r"nil",
    r"none of",
    r"(?:did|does|do|has|have|had|was|were|is|are|could)n['’]t(?! (?:touch|help|ease|relieve|work|settle|shift|improve)\b)",
    r"cannot (?:feel|see|hear|find|palpate|elicit)",
    r"rul(?:ed|es|ing) out",
    r"exclud(?:ed|es|ing)",
    r"fail(?:s|ed) to (?:show|reveal|demonstrate)",
)
_DENY_END = _words(
    "but", "however", "although", "though", "except", "apart from", "other than", "besides", "yet", "still", "only",
    "until", "because", "who", "then", "while", "whereas", "presents?", "presented", "reports?", "reported",
    "complain(?:s|ed|ing)?", "has", "had", "is", "are", "was", "were", "now", "develop(?:s|ed)", "noticed", "shows?",
    "showed", "reveals?", "revealed", "there", "positive", "instead", "rather",
)  # fmt: skip
_ASSERTS = re.compile(
    r"\d|\b(?:mild(?:ly)?|moderate(?:ly)?|severe(?:ly)?|mark(?:ed|edly)|diffuse(?:ly)?|positive|some|slight(?:ly)?|since|for|worse|worsening|"
    r"new|ongoing|constant|persistent|present|raised|elevated|low|high|increased|decreased|reduced|bilateral|left|right|"
    r"gone|went|goes|came|comes|began|begins|started|starts|lost|losing|can.?t|cannot|couldn.?t|won.?t|unable|hard to|struggl\w+|difficult\w*|stiff|weak|numb|cold|blue|floppy|drowsy|he|she|they|it|patient|pt|with|on|feels?|felt|gets?|got|looks?|seems?|took|takes|twice|once|hyperactive|hypoactive|normal|tender|swollen|red|pale)\b",
    re.IGNORECASE,
)
_OR = re.compile(r"\b(?:or|nor)\b", re.IGNORECASE)
_COMMA = re.compile(r",|，")
_BRIEF = 4  # words in an item of a list of denied things


def _denials(text: str, field: str) -> Iterator[_Scope]:
    for cue in _DENY.finditer(text):
        yield _Scope(Status.ABSENT, cue.span(), cue.end(), _denial_end(text, cue, field))
    for cue in _DENY_ZH.finditer(text):
        yield _Scope(Status.ABSENT, cue.span(), cue.start() + 1, _denial_end_zh(text, cue))  # 无异常勃起


def _denial_end(text: str, cue: re.Match[str], field: str) -> int:
    """Where an English denial ends: it goes on over commas as far as the items look like a list."""
    stop = _DENY_END.search(text, cue.end())
    colon = text.find(": ", cue.end())
    limit = min(stop.start() if stop else len(text), colon if colon > 0 else len(text))
    commas = [found.start() for found in _COMMA.finditer(text, cue.end(), limit)]
    last_or = max((found.start() for found in _OR.finditer(text, cue.end(), limit)), default=-1)
    strong = cue.group().lower().startswith(("den", "neg"))  # “denies a, b, c” is a list, “no a, b” may be none
    for comma, following in zip(commas, [*commas, limit][1:], strict=True):
        item = text[comma + 1 : following]
        if _DENY.match(item.lstrip()) or comma < last_or:
            continue
        listed = strong or (
            cue.group().lower() not in ("without", "w/o") and field not in ("examination", "investigations")
        )
        if not listed or len(item.split()) > _BRIEF or _ASSERTS.search(item) or re.match(r"\s*and\b(?! no)", item):
            return comma
    return limit


_DENY_ZH = re.compile(
    r"否认|未见(?:明显|确切|明确)?|未及|未闻(?:及)?|未触(?:及|到)?|未扪及|未探及|未引出|未发现|未出现|未诉|未伴|未再|未曾|从未|未有|没有|未(?=[久外服用予做行曾接去发饮食旅])|并无|均无|亦无|也无|已无|不伴|不觉|不感|排除了?|除外了?"
    r"|没(?!精神|劲|力|胃口|食欲|法|办法|好转|缓解|想|在意|当回事|管|去|吃|睡|起)"
    r"|(?<![毫有])无(?!力|法|尿|汗|脉|诱因|明显诱因|明显原因|原因|故|意识(?!丧失|障碍|不清|模糊|改变|混乱)|意(?!识)|端|效|需|论|偿|缓解|好转|改善|规律|色|菌|关|精打采|欲|神|奈|光感|症状|不适主诉|痛性|痛(?:[^、，。；]*(?:肿|黄疸|血尿|溃疡)))(?:明显|显著|特殊|任何|伴|相关|自觉|异常|其他|其它|畏)*"
    r"|(?<!不)不(?=发热|发烧|咳|喘|吐|拉|痛|疼|肿|痒|晕|恶心|抽搐|头痛|头晕|胸痛|心慌|怕冷|怕热|反酸|腹泻)"
)
_DENY_END_ZH = re.compile(
    r"[。；;！？\n]|但|然而|而(?!且)|仍|却|只是|仅|诱因|原因|(?<!未)(?<!无)(?<!再)出现|(?<!不)(?<!未)(?<!无)伴(?!有?随)|考虑|可见|可闻|可及|可触|提示|伴随|近[一二三两\d]|现(?!象)|后(?=[出感觉]|，)"
)
_HISTORY_ZH = re.compile(r"[^，。；]{0,20}(?:史|接触|等)")


def _denial_end_zh(text: str, cue: re.Match[str]) -> int:
    stop = _DENY_END_ZH.search(text, cue.end())
    limit = stop.start() if stop else len(text)
    if cue.group() == "没":  # 没跑几步就胸闷 denies the running only
        limit = min(limit, cue.end() + 3)
    strong = cue.group() == "否认"
    for comma in (found.start() for found in re.finditer(r"[，,]", text[:limit]) if found.start() >= cue.end()):
        item = text[comma + 1 : limit]
        first = re.split(r"[，,]", item)[0]
        if strong and _HISTORY_ZH.match(first) and not re.search(r"有|曾|患|年前|\d", first):
            continue
        return comma
    return limit


_AFTER = re.compile(
    r"[^,，;；.。\n]{0,18}?\b(?:(?:was|were|is|are|all|both|also|test)\s+)*(?:negative|neg\b|absent|(?:was|were|is|are)?\s*not (?:seen|present|felt|heard|palpable|found|detected|elicited|noted|evident)"
    r"|unremarkable|ruled out|excluded|denied|nil|none|−ve|-ve)\b",
    re.IGNORECASE,
)
_AFTER_DIRECT = re.compile(
    r"\s*[:：]?\s*(?:(?:no|none|nil|neg)\b(?=\s*(?:[,;.，；。)]|$))|0\b(?!\.)|[(（]\s*[-－–—−]\s*[)）]|[－−](?=[,，;；。\s]|$)|has (?:now )?(?:resolved|gone|settled)|(?:have )?resolved)",
    re.IGNORECASE,
)
_AFTER_ZH = re.compile(
    r"(?:[\u4e00-\u9fffA-Za-z]{0,3}、[\u4e00-\u9fffA-Za-z、]{0,20})?[\u4e00-\u9fff]{0,4}?(?:均?(?:为|呈)?阴性|均?未引出|均?未见|均?未及|均?不明显|均消失|已?消失|均?[(（][-－–—−][)）]|均无|[（(]阴性[）)]|均?未触及|均?未闻及|均?正常|转阴)"
)
_BEFORE = re.compile(r"(?:\bnon[-\s]?|\ba(?=febrile))$", re.IGNORECASE)
_BEFORE_ZH = re.compile(r"(?:不|未|非)(?:明显|再|觉|感|甚)?$")


def _denied_after(text: str, end: int) -> bool:
    rest = text[end : end + 60]
    return bool(_AFTER_DIRECT.match(rest) or _AFTER_ZH.match(rest) or _after_in_english(rest))


def _after_in_english(rest: str) -> bool:
    found = _AFTER.match(rest)
    return bool(found) and not re.search(
        r"\b(?:and|but|with|no|without)\b", found.group()[:-8] if found else "", re.IGNORECASE
    )


def _denied_before(text: str, start: int) -> bool:
    before = text[max(0, start - 6) : start]
    return bool(_BEFORE.search(before) or _BEFORE_ZH.search(before))


# --- Doubt, what might come, what was.

_LIST_END = re.compile(
    r"[,;.。；]|\b(?:but|however|with|and (?:is|was|has|had)|who|which|because|since)\b", re.IGNORECASE
)
_LIST_END_ZH = re.compile(r"[，,；;。]|但|而(?!且)")
_PAST_END = re.compile(
    r"[,;.。；]|\b(?:but|however|now|who|presents?|presented|presenting|today|came)\b", re.IGNORECASE
)
_POSSIBLE = re.compile(
    r"\b(?:possible|possibly|probable|probably|suspect(?:ed|s)?|suspicious for|suspicion of|quer(?:y|ied|ies)|rule out|r/o|to exclude|"
    r"concern(?:ed|s)? (?:for|about)|may be|might be|could be|cannot (?:exclude|rule out)|differential|versus|impression of)\b"
    r"|(?<![\w?])\?(?=\s?[A-Za-z\u4e00-\u9fff])|\b(?:vs)\b",
    re.IGNORECASE,
)
_POSSIBLE_ZH = re.compile(
    r"可疑|疑似|疑诊|疑(?=为|是|有)|待排(?:除|查)?|待除外|不除外|不能除外|不排除|不能排除|不能完全排除|考虑|拟诊|可能(?:为|是|有)?|怀疑|以为(?:是)?|当成|按(?=[^，。]{1,8}(?:治|处理|打|用药|给))|诊为"
)
_DOUBT_AFTER = re.compile(r"\s*(?:\?(?!\w)|？|待排|待除外|可能|不除外|待查)")
_HYPOTHETICAL = _words(
    r"(?<!as )(?<!even )if", r"should (?:he|she|they|the|any|this|these)", "return (?:for|immediately)", "risk (?:of|for)", "screen(?:ed|ing)? for",
    "in case(?: of)?", "prophylaxis", r"vaccinat\w+ (?:against|for)", r"immuni[sz]\w+ (?:against|for)", r"fear(?:s|ed|ful)? (?:of|that)?",
    "afraid (?:of|that)?", r"worr(?:y|ied|ies) (?:about|that)", "tested for", r"counsel+ed (?:on|about)", "prevent(?:ion)?(?: of)?",
    "warned (?:of|about|that)", r"(?:ask(?:ed|s|ing)?|wonder(?:ed|s|ing)?|read|reading|googl\w+) (?:about|what|how|whether)", "watch for", "look out for", r"(?:told|advised|asked) (?:to|that|about)", "side[- ]effects?(?: of| such as| include)?",
    "red flags (?:of|for|such as)", "safety[- ]net(?:ted|ting)?(?: for| about)?", "booked for", "planned for", "to start",
)  # fmt: skip
_HYPOTHETICAL_END = re.compile(r"[.;。；]|\b(?:but|however|now|today|currently)\b", re.IGNORECASE)
_HYPOTHETICAL_ZH = re.compile(
    r"如(?:有|出现|再|果)|如(?=[^，。]{1,16}(?:须|应|需|请|及时|立即|随时|就诊|来院|返院|复诊))|若|警惕|预防(?!药|接种|性服|用药)|防止|以防|一旦|担心|害怕|怕(?=是|得|有|自己|患)|筛查|接种(?!处|部位|后|史|点|疤|针|卡痕)|告知|嘱(?!托)|宣教|副作用|不良反应"
    r"|拟(?!诊|“|\"|以)(?=[^，。]{0,10}(?:行|开始|服|用|手术|化疗|住院|口服))|计划|准备(?=[^，。]{0,8}(?:行|开始|手术|化疗|怀孕))|预约"
)
_HYPOTHETICAL_END_ZH = re.compile(r"[；;。\n]|(?<=，)(?:现|目前|患者|本人)")
_PAST = re.compile(
    r"(?<!day )(?<!days )(?<!week )(?<!weeks )(?<!month )(?<!hour )(?<!hours )(?<!year )\b(?:(?:past (?:medical )?|previous )?history of(?! (?:(?:one|two|three|four|five|six|several|a few|a)\b|\d|(?:present|progressive|worsening|gradual|increasing|recurrent|intermittent|sudden)\b))"
    r"|h/o|hx of|phx|pmhx?:?|previous(?:ly)?(?! (?:well|healthy|fit))|prior|in the past|years? ago|as a child|in (?:his|her) (?:childhood|teens|twenties|youth)|last year|once had|in (?:19|20)\d\d|s/p|resolved|recovered from|used to (?:have|get|suffer))\b",
    re.IGNORECASE,
)
_PAST_ZH = re.compile(
    r"既往|曾(?=有|患|因|经|诊|出现|发|行|在|于)|曾经|以前|过去(?!的?[几数一二两三\d]*(?:天|日|周|小时))|幼时|小时候|幼年|年前(?=曾|有过|患|行|因)|病史(?=[:：])"
)


def _ranges(text: str, cues: re.Pattern[str], status: Status, ends: re.Pattern[str]) -> Iterator[_Scope]:
    for cue in cues.finditer(text):
        stop = ends.search(text, cue.end())
        end = stop.start() if stop else len(text)
        start = cue.end()
        if status is Status.PAST and re.match(
            r"(?:years? ago|in the past|as a child|in (?:19|20)|in h|last year|resolved)", cue.group(), re.IGNORECASE
        ):
            start = max(
                (found.end() for found in re.finditer(r"[,;.]|\b(?:but|and then)\b", text[: cue.start()])), default=0
            )
            if re.search(
                r"\b(?:since|began|started|onset|first noticed|developed|ongoing)\b",
                text[start : cue.start()],
                re.IGNORECASE,
            ):
                continue  # a chronic complaint, not a past one
        yield _Scope(status, cue.span(), start, end)


_LONG_AGO = re.compile(
    r"(?:\d+|[一二三四五六七八九十数多两]+)(?:余|多)?年前|\d{1,2}岁时|(?:幼|小|青)年?时|\b(?:at|aged?|when (?:he|she) was)(?: the age of| age)? (?:[1-9]|[1-7]\d)(?=[\s,.;])(?!\s*(?:am|pm|a\.m|p\.m|h\b|hrs?|hours|o'clock|weeks?|wks?|min|months?|mmHg|cm|mm|bpm|years? old))|\bin (?:19|20)\d\d\b|\b(?:many|several|some|\d+|two|three|four|five|ten|twenty) years (?:ago|back)\b",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"痊愈|治愈|已?(?:完全)?恢复|(?<!无)(?<!未)(?<!未见)好转|未再|愈合|后?无后遗|未受累|手术固定|行[^，。]{1,8}术|切除|此次|本次|今来|目前|(?<=[。，,])现|(?<=[。，,])今|\b(?:fully )?(?:recovered|recovery|cured|coiled|clipped|resect\w*|repaired|removed|treated|settled|gone|none since|no \w+ since|none for|well since|well now|not since|never since|nothing since)\b|\bnow\b|\btoday\b|\bhere for\b|\bthen\b(?=\s*(?:[;,.]|$))",
    re.IGNORECASE,
)
_TAKEN_OUT = re.compile(r"\b(?:out|removed|resected|repaired|fixed|operated)\s*$", re.IGNORECASE)
_SINCE_THEN = re.compile(
    r"此次|本次|今来|目前|(?<=[。，,])现|(?<=[。，,])今|近\d|\b(?:now|today|here for|currently|this time|since (?:then|last|yesterday))\b",
    re.IGNORECASE,
)


def _over_and_done(text: str) -> Iterator[_Scope]:
    """What is told of years ago and came to an end: the whole of it, up to what is told of today."""
    for cue in _LONG_AGO.finditer(text):
        if not _DONE.search(text, cue.end()) and not _TAKEN_OUT.search(text[: cue.start()]):
            continue
        stop = _SINCE_THEN.search(text, cue.end())
        yield _Scope(Status.PAST, cue.span(), 0, stop.start() if stop else len(text))


def _doubted_after(text: str, end: int) -> bool:
    return bool(_DOUBT_AFTER.match(text, end))


# --- Somebody else.

_RELATIVES = (
    r"mother|father|mum|mom|dad|brothers?|sisters?|siblings?|parents?|grand(?:mother|father|parents?|ma|pa|dad|mum)|(?:half|twin)[- ](?:brother|sister)|uncle|aunt|cousins?|nephew|niece"
    r"|relatives?|family (?:history|hx|member)s?(?: of)?|fhx?|husband|wife|partner|spouse|boyfriend|girlfriend|friends?|roommates?|flatmates?|housemates?|neighbou?rs?|co-?workers?|colleagues?|classmates?|contacts?|household members?|the (?:whole|rest of the) family|workmates?|(?:foster )?carers?"
)
_CHILDREN = r"sons?|daughters?|child(?:ren)?|kids?|baby|toddler|grand(?:son|daughter|child(?:ren)?)"
_SEES = (
    r"\s+(?:\w+ly\s+|also\s+|has\s+|had\s+|have\s+)?(?:notic|report|sa(?:y|id|ys)|stat|describ|br(?:ought|ing)|found|find|call|think|thought|took|take|g[ai]ve|feels|felt|saw|see|concern|worr|den(?:y|i)|not[ei]|recall|witness|drove|drive|heard|hear"
    r"|can (?:hardly|barely|not|scarcely)|could (?:hardly|barely|not)|hardly|struggl|unable|can.?t (?:wake|keep|rous|get)|cannot (?:wake|keep|rous|get)|could ?n.?t (?:wake|keep|rous|get)|frighten|worried|call|rang|is worried|tell|told|confirm|add|explain|mention|observ|at (?:the )?bed|present(?:s|ed)? with|is here|came|accompan|recogni[sz]|remember|remark|rubb|press|massag|tried|wok|who (?:found|saw|brought|is a))"
)
_THINGS = r"tablets?|pills?|medic\w+|insulin|inhalers?|tramadol|methadone|drugs?|supply|arms?"
"""Of a relative, but taken or touched by the patient."""
_OBJECT = re.compile(
    r"\b(?:swapp\w+|harm\w*|hurt\w*|drop\w*|drown\w*|smother\w*|kill\w*|feed\w*|fed|hold\w*|deliver\w*|birth to|tak\w+|took|swallow\w+|ate|drank|drinks|used|overdosed on|some of)"
    r" (?:all )?(?:his|her|the|my|a|their)? ?(?:own )?$",
    re.IGNORECASE,
)
"""“drown the baby”, “swallowed mum's tablets”: the other is what something was done to or whose things were taken."""
_OWN = re.compile(
    r"\b(?:he|she|the patient|pt|patient|but|himself|herself|his own|her own|and (?:now )?(?:hears|sees|thinks|believes|says|feels|refuses))\b",
    re.IGNORECASE,
)
_CHINESE_RELATIVES = re.compile(
    r"父亲|母亲|父母|爸爸?|妈妈?|哥哥|弟弟|姐姐|妹妹|兄弟|兄长|姐妹|胞兄|胞弟|祖父|祖母|外公|外婆|外祖[父母]|爷爷|奶奶|姥[姥爷]|叔叔?|舅舅?|姑姑?|姨妈?|堂[兄弟姐妹]|表[兄弟姐妹哥]|家族|家人|家里人|家中(?=有|成员|其他|另|多人|亦有|也有|无)|丈夫|妻子|爱人|配偶|老伴|男友|女友|同病房|病友|邻床|同车|同班|同事|同学|室友|舍友|邻居|朋友|工友|同桌|同伴|亲属|亲戚|其[兄弟姐妹父母叔舅]"
)
_CHILDREN_ZH = re.compile(r"儿子|女儿|孩子|孙[子女]|外孙|子女")
_SEES_ZH = re.compile(
    r"[^，。；]{0,4}(?:发现|诉|述|陪|送|告知|说|称|认为|看到|见其|见他|见她|叫|扶|带|拨打|否认|观察|反映|提供|代|摸到|听到|描述|呼|讲|未婚|体健|健康|做|吵|分手|离婚|冷战|打架|闹|聚餐|一起)"
)
_OBJECT_ZH = re.compile(
    r"(?:生完|生了|生下|产下|把|将|掐死|伤害|抱|喂|照顾|陪|说|认为|觉得|怀疑|坚信)(?:这|她的|自己的|那)?$"
)
"""A child that is borne, fed or feared for is no other patient: what follows is the mother's."""
_OWN_ZH = re.compile(r"患者|患儿|本人|自觉|自己|(?<!其)他(?!们)|她|现|本次|此次|今|病人")


def _others(text: str, minor: bool) -> Iterator[_Scope]:
    relatives = _RELATIVES if minor else f"{_RELATIVES}|{_CHILDREN}"
    for cue in re.finditer(
        rf"\b(?:{relatives})\b(?!['’]s (?:house|home|wedding|funeral|car|place|birthday|{_THINGS}))",
        text,
        re.IGNORECASE,
    ):
        rest = text[cue.end() :]
        if re.match(_SEES, rest, re.IGNORECASE) or _is_company(text, cue.start()):
            continue
        if _OBJECT.search(text[: cue.start()]):
            continue
        stop = _OWN.search(text, cue.end())
        end = stop.start() if stop else len(text)
        start = cue.end()
        # “stroke in her father”, “history of asthma in his brother”
        if before := re.search(
            r"\b(?:in|from|of) (?:his|her|the|a|an|their) (?:\w+ )?$", text[: cue.start()], re.IGNORECASE
        ):
            start = max((found.end() for found in re.finditer(r"[,;]", text[: before.start()])), default=0)
            end = cue.end()
        yield _Scope(Status.OTHER, cue.span(), start, end)
    for pattern in (_CHINESE_RELATIVES,) if minor else (_CHINESE_RELATIVES, _CHILDREN_ZH):
        for cue in pattern.finditer(text):
            if _SEES_ZH.match(text, cue.end()) or _OBJECT_ZH.search(text, max(0, cue.start() - 4), cue.start()):
                continue
            stop = _OWN_ZH.search(text, cue.end())
            yield _Scope(Status.OTHER, cue.span(), cue.end(), stop.start() if stop else len(text))


def _is_company(text: str, start: int) -> bool:
    """“lives with her mother”, “cares for his wife”: said of the patient."""
    return bool(
        re.search(
            r"\b(?:liv(?:es|ed|ing)|stay(?:s|ed|ing)|car(?:es|ed|ing)|argu(?:ed|ing|ment)|fight|fought|dinner|lunch|visit(?:ed|ing|s)?|went|playing|played|travell?ed|walking|talking|quarrel\w*|brought|sent|referred|seen|accompanied|woken|found|helped|noticed|reported|observed)"
            r"(?: \w+){0,3} (?:with|for|by|to)? ?(?:his|her|their|a|the|some)?(?: \w+)? ?$",
            text[max(0, start - 50) : start],
            re.IGNORECASE,
        )
    )
