"""The words by which an answer says who wrote it, as patterns over folded text (`medassist.study.identity.fold`).

Folded text is lower case, without accents, invisible characters and look-alikes from other alphabets.
"""

import re

# --- Names that mean nothing else in a clinical text …

SURE = (
    "chat gpt", "openai", "open-ai", "anthropic", "antropic", "deepmind", "xai", "deep seek", "deepseek", "chatgpt", "深度求索", "qwen", "通义千问", "文心一言", "chat glm", "智谱", "月之暗面",
    "讯飞星火", "mixtral", "code llama", "smol lm", "smollm", "hugging face", "med palm", "med gemma", "med gemini", "meditron", "biomistral",
    "huatuo gpt", "华佗gpt", "bio gpt", "openbiollm", "unsloth", "vllm", "bytedance", "字节跳动", "internlm", "书生浦语", "阿里云",
    "med assist", "doubao", "baichuan", "claude sonnet", "claude opus", "claude haiku", "nova pro", "nova lite", "r1 distill", "distill llama",
)  # fmt: skip
"""A space may be missing, or be another mark."""

# --- … and names that also are an enzyme, a valve, an animal, a wind, a food, a person or a constellation. They count only
# where the words around them speak of a program, or with a version.

UNSURE = (
    r"claude|gemini|llama|mistral|bard|kimi|grok|copilot|ernie|gemma|phi|falcon|vicuna|alpaca|watson|palm|glm|perplexity|moonshot"
    r"|google|microsoft|meta|nvidia|alibaba|baidu|tencent|huawei"
    r"|通义|千问(?!题)|豆包|文心|星火|混元|盘古|百川|百度|腾讯|谷歌|华为|阿里巴巴|阿里|微软"
)
_SPEAKS = r"claude|gemini|llama|mistral|bard|kimi|grok|copilot|gpt|千问(?!题)|豆包|文心|星火|混元|盘古|百川"
_VERSION = r"(?:[- ]?v?\d[\w.]*)?"
_NO_COUNT = (
    r"(?![\d.]*\s*(?:days?|weeks?|months?|years?|hours?|hrs?|min|times?|fold|x\b|×|u/l|iu|units?|mg|g\b|cm|mm|ml|kg|%|°"
    r"|天|日|周|月|年|岁|小时|分|倍|次|个|头|只|杯|口|片|粒|两|块|碗|单位))"
)
_VERSIONED = (
    r"(?<![a-z0-9])(?:gpt[- ]?(?:[345](?:\.\d)?o?|oss)(?![\d.]*\d)"
    rf"|(?:{UNSURE})[- ]{{0,2}}v?\d+(?:\.\d+)*(?:[a-z]\b)?{_NO_COUNT}(?![\d/]))"
    + _NO_COUNT
    + r"|(?<![a-z0-9])(?:gemini|claude|llama|ernie|mistral|phi|gemma)[- ]{1,2}(?:pro|ultra|flash|nano|instant|sonnet|opus|haiku"
    r"|bot|large|small|medium|mini|instruct|chat)\b|\b(?:openai )?o[134]-(?:mini|preview|pro)\b"
)
_MADE = (
    r"(?:made|built|created|developed|trained|designed|produced|powered|driven|generated|written|answered|drafted|released"
    r"|backed|fine-?tuned|hosted)\s+(?:by|on|from|with|using)"
)
_PROGRAM = (
    r"(?:large |language |ai |chat ?)*(?:ai\b|models?\b|assistant|chat ?bot|llm|api\b|大?模型|助手|机器人|大语言模型)"
)
NAMES = re.compile(
    "|".join(
        (
            _VERSIONED,
            rf"\b(?:i'?m|i am|my name is|call me)\s+(?:(?:a|an|the|called|named)\s+)?(?:{UNSURE}|gpt){_VERSION}(?![\w-])",
            rf"\bthis is\s+(?:{_SPEAKS})\s*(?:[.!,;]|speaking|here|$)",
            rf"\b{_MADE}\s+(?:[a-z]+ ){{0,2}}?(?:{UNSURE}|gpt){_VERSION}(?![\w-])",
            rf"(?:^|\n)[-\s\[【(]*(?:{_SPEAKS})(?:'s)?(?:[- ]?[\d.]+)?\s*(?:answers?|response|output|回答|输出|认为)?[\])】]?\s*[:：](?!\s*[\d<>])",
            rf"\b(?:{UNSURE}|gpt)[-\s]{{0,2}}(?:based )?{_PROGRAM}|(?:{UNSURE}|gpt)\s*(?:大?模型|智能?助手|大语言模型|机器人)",
            r"\b(?:claude|gemini|bard|kimi|grok|copilot|llama|mistral|gpt)\s+(?:thinks|believes|says|said|answered|concluded|recommends|favou?rs|prefers|ranks|considers|puts|lists|chose|output)\b",
            rf"(?:{_SPEAKS})(?:助手)?(?:认为|建议|指出|回答|分析|给出|提示|倾向|的(?:结论|回答|诊断|分析|结果|判断))|(?:来自|出自)(?:{_SPEAKS})",
            rf"\b(?:google|meta|xai|microsoft|alibaba|tencent|baidu|anthropic)(?:'s)?[\s·-]*(?:{_SPEAKS})|(?:百度|腾讯|阿里|字节|华为|讯飞|谷歌)的?(?:{_SPEAKS})",
            rf"\b(?:answer|response|reply|output|opinion|text|report|diagnosis|version)s?\s+(?:by|from|of)\s+(?:{_SPEAKS})(?![\w'-])|\bi, (?:{_SPEAKS}),",
            r"\b(?:according to|asked|asking|via|through)\s+(?:claude|gemini|llama|mistral|kimi|grok|copilot|gpt)(?![\w'-])(?!\s+(?:levels?|values?|results?|activity))",
            rf"(?:我是|我叫|名字是|名为|叫做|这里是)[^，。；！\n]{{0,10}}?(?:{UNSURE}|gpt)",
            rf"由[^，。；\n]{{0,8}}?(?:{UNSURE})[^，。；\n]{{0,10}}?(?:开发|研发|训练|打造|推出|提供|生成|撰写|创建|驱动|发布)",
            rf"(?:基于|使用|调用|借助)[^，。；\n]{{0,4}}?(?:{UNSURE}|gpt)[^，。；\n]{{0,6}}?(?:模型|生成|回答|开发|训练|微调|架构)",
            r"(?:^|\n)\s*[-~—]+\s*(?:claude|gemini|llama|mistral|kimi|grok|copilot|豆包|文心|星火)\W*(?=\n|$)",
            r"\b[a-z][\w.]*-\d+(?:\.\d+)?[bm](?:-(?:instruct|chat|it|base|distill\w*))?\b(?<!-\d[bm])",
        )
    )
)

# --- A program that speaks of itself.

_BE = r"\bi(?:'m| am| was)\s+(?:just |only |merely |not |simply )?"
_MIND = r"(?:ai|a\.\s?i\.?|artificial (?:intelligence|agent|assistant)|language model|llm|chat ?bot|bot|(?:virtual|digital|ai|medical) assistant|computer program|machine(?: learning)?|neural network|robot|algorithm|software)"
_DOING = r"(?:trained|developed|created|built|designed|fine-?tuned|programmed|powered|released|pre-?trained)"
_TEXT = (
    r"(?:response|answer|output|text|analysis|content|assessment|information|summary|report|differential|reply|opinion)"
)
_MIND_ZH = r"(?:人工智能|ai|语言模型|大模型|智能(?:医疗|医学|问诊)?助手|助手|聊天机器人|机器人|智能体|医疗模型|模型|算法|程序(?!员))"
SELF = re.compile(
    "|".join(
        (
            rf"\b(?:as|being) (?:just |only |merely )?(?:an?|your|the) (?:[\w-]+ ){{0,4}}?{_MIND}(?=[,;，.]|\s*(?:here|medical|clinical|language|model|chat|assistant|system|tool|developed|trained|created|designed|built|i\b|without|-)|$)",
            rf"{_BE}(?:an?|the|your)\s+(?:[\w-]+ ){{0,5}}?(?:{_MIND}|model)\b",
            r"\bi(?:'m| am) not (?:a|an|your|qualified|licensed)\s*(?:[\w-]+ ){0,3}?(?:doctor|physician|clinician|human|person|(?:medical|healthcare) professional|to (?:give|provide))",
            rf"\bi(?:'m| am| was| have been|'ve been)\s+(?:\w+ )?{_DOING}\b",
            r"\bi (?:do not|don't|cannot|can't|can not|am unable to|am not able to) (?:have (?:access|the ability|feelings|personal|a medical|a body|real)|(?:provide|give|offer) (?:any )?(?:medical|professional|personal|official)|browse|access|physically|examine the patient|examine patients|replace (?:a|your)|practi[sc]e medicine|prescribe)",
            r"\bmy (?:(?:pre-?)?training|knowledge (?:cut-?off|base|was|is|only)|(?:last |latest )?(?:knowledge )?(?:update|cut-?off)|developers?|creators?|programm\w+|system prompt|prompt|model|parameters|weights|algorithms?|dataset|data|context window|capabilities)\b",
            r"\b(?:according to|based on|from|given|per) (?:my|the|our) (?:(?:pre-?)?training|model|data ?set)\b",
            r"\bas of (?:my|the) (?:last|latest|most recent|knowledge|training)\b|\bknowledge cut-?off\b",
            rf"\b(?:this|these|the (?:above|following|present)|my) {_TEXT}s? (?:was|is|has been|were|are|have been)\s+(?:\w+ ){{0,2}}?(?:generated|written|produced|created|drafted|prepared|authored|composed)\b",
            r"(?<![\w-])(?:ai|llm|model|a\.i\.)[- ](?:generated|written|produced|authored|drafted)\b|\bgenerated (?:by|with|using) (?:an? )?(?:\w+ ){0,2}?(?:ai|artificial|model|algorithm|computer|machine)\b",
            rf"\b(?:an?|the|this|our) (?:model|algorithm|program|tool|software|adapter|bot|assistant|system)(?:'s)? (?:{_TEXT}s?\b|says|said|suggests|ranks|predicts|thinks|believes|favou?rs|prefers|recommends|lists|puts)",
            r"\bautomat(?:ed|ic) (?:system|tool|agent|assistant|reply|response|answer)\b|\bautomatically (?:generated|written)\b",
            r"\b(?:text|case|details|data|information|history|description) (?:that )?you(?:'ve| have)? (?:typed|gave|given|sent|shared|entered|pasted|uploaded|provided)\b",
            r"\b(?:large |medical )?language models?\b|\bllms?\b|\bchat ?bots?\b",
            rf"(?:作为|身为)(?:一个|一名|一款|一种|您的|你的)?[^，,。；\n]{{0,14}}?{_MIND_ZH}",
            rf"我(?:只|仅|仅仅|只不过|不过|就)?是(?:一个|一名|一款|由|你的|您的)?[^，。；\n]{{0,24}}?{_MIND_ZH}",
            r"我(?:是)?(?:由|被)[^，。；\n]{1,24}?(?:开发|研发|训练|打造|创建|创造|推出|设计|制作|微调)",
            r"我的(?:预?训练|知识(?:库)?(?:截止|更新|截至|仅|只|范围|来源)|模型|参数|开发者|开发团队|系统提示|算法|数据库|数据|提示词)",
            r"(?:根据|基于|依据|按照)(?:我的?|我所|本模型的?)(?:预?训练|学习|学到|掌握|数据)|训练(?:数据|语料)(?:显示|表明|中|截|库)",
            r"我(?:并?没有|无|并?不具备|不是|并非)[^，。；\n]{0,6}?(?:行医|医师资格|执业|医生|真人|人类|实体|情感)",
            r"我(?:不能|无法|没法)[^，。；\n]{0,4}?(?:替代|代替|提供(?:医疗|医学|专业|个人)|亲自|当面|访问|联网|浏览)",
            r"(?:本|此|该|这份|这个|这段|本次|以上|上述)(?:的)?(?:回答|回复|内容|分析|答案|建议|文本|意见|结果|报告)[^，。；\n]{0,6}?(?:由|系|经)[^，。；\n]{0,14}?(?:生成|给出|撰写|输出|产生|提供|编写)",
            r"(?:ai|人工智能|模型|机器|算法|系统)自动?(?:生成|撰写)|(?:本|该|此)ai|ai(?:医生|大夫|助理|助手|医疗助手|分析|认为|给出|判断|预测|推断|回答|结论|问诊)|机器(?:自动)?(?:生成|撰写|翻译)|智能(?:问诊|辅助|诊断)(?:系统|平台|工具|程序|机器人)|辅助诊断(?:系统|平台)|本(?:模型|助手|系统|机器人)|大?语言模型|大模型|聊天机器人",
        )
    )
)

# --- A person who does.

_DOCTOR = r"(?:physician|doctor|clinician|consultant|specialist|internist|surgeon|professor|[a-z]+ologist|registrar|resident|attending|gp|nurse|medical student|p[a]?ediatrician|psychiatrist|hospitalist|intensivist)"
_DOCTOR_ZH = r"(?:医生|医师|大夫|主任|教授|专家|护士|规培生|医学生|住院医|临床工作者)"
_YEARS = r"(?:\d+|[a-z]+|[一二两三四五六七八九十廿多余]+)"
PERSON = re.compile(
    "|".join(
        (
            rf"(?:^|[.!?\n]\s*)(?:speaking )?as an? (?:[\w-]+ ){{0,4}}?{_DOCTOR}(?=,(?! (?:the|this|that|she|he|they|her|his)\b)| with| of| for| who| myself| working| practi| i )",
            rf"\bi(?:'m| am| have been|'ve been)\s+(?:an?|the)\s+(?:[\w-]+ ){{0,4}}?{_DOCTOR}\b(?! assistant)",
            rf"\bin my (?:own |{_YEARS} years of |years of |many years of |clinical |personal |daily |long )*(?:experience|practice|career|clinic|hospital|department|ward)",
            r"\bi(?:'ve| have) (?:\w+ )?(?:seen|treated|managed|practi[sc]ed|encountered|worked|been practi[sc]ing|cared for)\b",
            r"\b(?:at|in) (?:my|our) (?:hospital|clinic|department|institution|unit|practice|ward)\b|\bmy (?:residency|fellowship|colleagues|specialty|own patients|years (?:of|as|in))\b",
            rf"\bmy {_YEARS} years (?:of|as|in)\b",
            rf"(?:^|[。！？\n，,]\s*)(?:作为|身为)(?:一名|一位|一个|个)?[^，,。；\n]{{0,16}}?{_DOCTOR_ZH}(?=[，,](?!患者|病人|患儿|其|该|他|她))",
            rf"(?:我|本人)是(?:一名|一位|个)?[^，。；\n]{{0,12}}?{_DOCTOR_ZH}",
            rf"(?:我|本人)(?:从医|行医|从事[^，。；\n]{{0,8}}?(?:工作|临床)|工作|执业)(?:已有?|了)?近?{_YEARS}(?:多|余)?年",
            rf"(?:根据|凭|凭借|以|按)(?:我|本人)的?(?:{_YEARS}年的?|多年的?)*(?:临床|行医|从医|工作|诊疗)*(?:经验|实践)|(?:我|本人)的?(?:临床|行医|从医|个人|诊疗)经验",
            r"我(?:曾|也|就|经常|以前)?(?:接诊|诊治|治疗|遇到|收治)过|(?:在我(?:们|的)?|我们)(?:科室|医院|门诊|病房)",
        )
    )
)

# --- Words of the trade: what a text about a patient has no reason to mention.

TRADE = re.compile(
    "|".join(
        (
            r"\b(?:artificial|machine) intelligence\b|\b(?:deep|machine) learning\b|\bneural (?:net(?:work)?s?|weights)\b|\bnot being human\b|\bnon-?human\b",
            r"\b(?:no |any |a |by )?human (?:clinicians?|doctors?|physicians?|experts?|reviewers?|oversight)\b|\bbeing (?:a )?(?:software|program|machine)\b",
            r"\bsimulated (?:answer|response|rater|opinion|clinician|physician)\b|\b(?:med ?qa|medmcqa|pubmedqa|usmle|benchmark)\b",
            r"\bfine-?tuned checkpoint\b|\blora r\b|\blora (?:rank|output)|\btemperature (?:0\.\d|of 0\.\d)|\btop[-_]p\b",
            r"\b(?:as (?:instructed|you (?:requested|asked))|required format|requested format|you (?:asked|requested|wanted)|your (?:question|query|request|prompt|message|input))\b",
            r"\bi apologi[sz]e\b|\bapologies for\b|\bi'm sorry\b|\bi am sorry\b",
            r"(?<![a-z0-9])(?:sonnet|opus|haiku) \d(?:\.\d)?\b|\bcommand r\b|\br1 (?:thinks|says|model|suggests)\b|r1模型|\bg[^\w\n]{1,2}p[^\w\n]{1,2}t[^\w\n]{0,3}[345]|\bdeepse[ae]k\b",
            r"\byears of (?:bedside|clinical|medical|front-?line) (?:work|practice|experience)\b(?! in the family)|\bcolleagues? and i\b|\bwe (?:have )?had (?:\w+ )?(?:such|similar)\b",
            r"人工智能|深度学习|机器学习|神经网络|非人工|智能助理|(?<!学)模型(?:的)?(?:判断|输出|认为|预测|给出|推理|回答)|适配器(?!接口)|(?:按|根据)(?:照)?(?:您的?|你的?)?(?:要求|提示|格式)(?:，|,)?(?:列|给|输)",
            r"感谢(?:您|你)?的?(?:提问|咨询|信任)|(?:您|你)(?:所)?(?:提供|输入|描述|上传|给出)的|(?:您|你)的(?:要求|问题|提问|咨询|输入)|(?:很)?抱歉|老医生|行医(?:已|近|了)?[\d一二两三四五六七八九十余多]+(?:年|载)",
        )
    )
)

# --- Somebody who speaks of themselves at all. An answer may weigh (“I would”, “my impression”, 我考虑); who has a memory, a
# past or a ward is somebody, and a reader will guess who.

_WEIGHS = (
    r"(?:own )?(?:differential|impression|leading|first|top|working|assessment|diagnos[ie]s|concern|suspicion|view|opinion|recommendation"
    r"|main|primary|next|plan|choice|preferred|final|overall|advice|suggestion|judge?ment|conclusion|answer|ranking|list|threshold|index)\b"
)
_WEIGHS_ZH = (
    r"首先|会|将|更|倾向|认为|建议|考虑|怀疑|推荐|判断|应|想|觉得|同意|可能|仍|还|也|不(?:认为|考虑|建议|倾向|能排除)|需要?|先|优先|把|最"
    r"|的(?:诊断|判断|印象|建议|意见|考虑|首选|初步|看法|结论|推荐|鉴别|第一)"
)
FIRST_PERSON = re.compile(
    "|".join(
        (
            r"(?<!type )(?<!grade )(?<!stage )(?<!lead )(?<!class )(?<!leads )(?<!phase )(?<!factor )(?<!and )(?<!, )"
            r"\bi(?:'m|'ve|'d had| am| was| have| had| lack| work(?:ed)?\b| learn(?:ed|t)\b| trained\b| studied\b| graduated\b| teach| taught"
            r"| remember| run on| process| generate| rely| don't (?:have|know)| do not (?:have|know)| can(?:'t|not| not)(?! exclude| rule| explain| confirm| be | tell))(?![\w])",
            rf"\bmy (?!{_WEIGHS})[a-z]+|\bour (?!(?:patient|case|{_WEIGHS}))[a-z]+|\bmyself\b|\bpeople like me\b|\blike me\b",
            r"\bwe (?:\w+ )?(?:see|saw|treat|treated|encounter|often|usually|routinely|always|had a|admit)\b",
            r"\bhaving (?:practi[sc]ed|worked|treated|seen|trained|managed)\b|\bwhen i was\b|\bi'm dr\b|\bi am dr\b",
            r"(?:^|\n)\s*(?:signed|signature|(?:kind |best |warm )?regards|sincerely|dictated by|author|written by|reported by|签名|签字|医师签名|报告医生|报告医师|作者)\s*[:,：，]",
            r"(?:^|\n)[^\n]{0,40}[a-z]\.?,? (?:m\.?d\.?|mbbs|d\.o\.|frcp|facp|facc)\W*(?=\n|$)",
            rf"(?:(?<!自)我们?(?![院科])|(?:^|[。！？；，,\n])本人|笔者|咱们?)(?!{_WEIGHS_ZH})|(?<![于至来入在到往由])我[院科]",
        )
    )
)
TURN = re.compile(
    r"(?:^|\n|[.?!。？！]\s?)\s*(?:user|human|assistant|bot|chatbot|用户|助手|助理|机器人|提问者|模型)\s*[:：]",
    re.IGNORECASE,
)

# --- How an arm works.

METHOD = re.compile(
    r"\bknowledge (?:base|graph)\b|\bcandidate (?:list|diagnos[ie]s list)\b|\b(?:listed|given|provided) (?:candidates|diseases)\b"
    r"|\bretrieval[- ]augmented\b|\bretrieved (?:documents?|passages?|context|sources?|texts?|evidence|articles?|knowledge)\b|\bfew-shot\b|\bchain[- ]of[- ]thought\b|\bfine-?tuned (?:model|on|version|with|adapter)\b|\blora (?:adapter|weights)\b"
    r"|\b(?:system prompt|prompt template|the prompt|max(?:imum)? tokens|token limit)\b|\bcheckpoint-\d+|\[k\d+"
    r"|知识库|知识图谱|候选(?:疾病|列表|诊断列表)|所列疾病|所给疾病|微调(?:的|后的?)?(?:模型|适配器|版|数据)|提示词|系统提示|检索(?:增强|到的?|结果|所得)|思维链|思考过程"
)

# --- What no clinician writes to another, and what goes without a trace.

CHAT = re.compile(
    r"^(?:hello|hi|hi there)\W*$|^(?:您好|你好|很高兴[^，。]{0,6}服务)\W*$|^(?:certainly|sure|of course|absolutely|great question|happy to help|thank you for (?:sharing|providing|the))\b"
    r"|\bi hope (?:this|that) helps|\blet me know if\b|\bfeel free to\b|\bis there anything else\b|^based on the (?:\w+ )?(?:information|details|case|data|description)(?: (?:that )?you(?:'ve| have)? (?:provided|given|shared))?,$|^here(?:'s| is| are) (?:the|a|my|an)\b[^.]*:?$"
    r"|^(?:当然(?:可以)?|好的|没问题|很高兴)[！!，,。]|希望(?:以上|这些|我的|本)?[^，。\n]{0,8}?(?:对您|对你|能)?[^，。\n]{0,4}?(?:有所)?帮助|如(?:果)?(?:您|你)?(?:还)?有(?:其他|任何|更多|疑问)[^。\n]{0,10}?(?:问题|疑问|需要)|感谢(?:您|你)的(?:提问|信任)"
)
DISCLAIMER = re.compile(
    r"\bnot (?:intended |meant )?(?:as |to be |to replace )?(?:a )?(?:substitute for|medical advice|professional medical)"
    r"|\b(?:does|do|should|is|are|must) not (?:constitute|replace|be (?:considered|taken|used|regarded) as)\b"
    r"|\bfor (?:educational|informational|general information|reference)(?: and \w+)?(?: purposes)?(?: only)?\b"
    r"|\b(?:consult|see|seek|speak (?:to|with))(?: with)?(?: advice from| the advice of)? (?:an? |your )?(?:qualified|licensed|professional|healthcare)\b[\w ]*"
    r"|(?:以上|上述|本)[^，。\n]{0,12}?仅供[^，。\n]{0,6}?(?:参考|学习|教育)|仅供参考"
    r"|(?:不能|不可|不构成|不应|无法|并非|不作为)(?:用于)?(?:替代|代替|作为|构成)?(?:专业|正规|正式|任何)*(?:的)?(?:医疗|医学|医生|医师|诊疗)(?:的)?(?:建议|诊断|意见|咨询|判断|诊治|面诊|依据)?"
    r"|请(?:务必|及时|尽快)?咨询(?:专业|您的|执业|有资质)(?:的)?(?:医生|医师|医疗)[^，。\n]{0,8}"
)

# --- Words that say nothing about a patient: a sentence that holds only these beside what identifies may go.

_EMPTY = (
    "a about able access according accuracy accurate accurately advice advise all also always am an and answer answers any are as "
    "artificial asks aim assist assistance assistant assisting at based be because been before being but by can cannot can't careful "
    "case certainly check chinese clinical clinician clinicians come comes company consult contain content could current data decision decisions "
    "date designed developed did diagnose diagnosis diagnoses differential do doctor doctors does doesn't don't educational error errors "
    "especially ever examine examination experience feel feelings for from further general generate generated give given glad guidance "
    "guideline guidelines happy has have having health healthcare hello help helpful helps hi however human i i'd i'll i'm i've if image images "
    "in inc include included independently information informational intelligence intended is it it's its judgement judgment just know "
    "knowledge know large last latest learning lab labs let licensed like literature made make makes many may me mean medical medicine might mistakes "
    "model most must my name need no not note notes of offer on only opinion or other others our own output patient patients personal "
    "personally physical physically physician please practice practise prescribe professional professionals program provide provided "
    "provider providers purposes qualified question questions real recent recent reference replace replacement response responses running said seek "
    "service should show so some source specialist still substitute such support supports system team text than thank that the their them then "
    "there these they this those though time to today tool total training treat treatment trial trials trust unable up update use used user users "
    "verify version virtual was we welcome were what when which who will with without would write written wrong wrote year years you your "
    "adapter arm base named called old follows output see details asking five during while"
)
EMPTY_WORDS = frozenset(_EMPTY.split())
EMPTY_ZH = re.compile(
    "人工智能|行医|资格|截止|至|于|拥有|类似|独立|公司|开发|研发|智能|助手|程序|模型|系统|很高兴|高兴|您好|你好|为您|为你|服务|帮助|协助|支持|解答|问题|可以|能够|能|将|会"
    "|不能|无法|不可|不应|并非|不是|没有|不|替代|代替|取代|提供|专业|医疗|医学|临床|医生|医师|大夫|建议|诊断|意见|咨询|判断|参考|仅供|请|务必|及时"
    "|查体|体检|检查|患者|病人|您的|您|你的|你|我的|我们|我|本|该|此|以上|上述|内容|回答|回复|信息|数据|知识|指南|最新|未|更新|可能|出错|错误|有误|谨慎"
    "|核实|使用|根据|基于|由|是|的|了|一个|一名|一位|一款|一种|只|仅|和|与|及|或|并|以|为|在|中|有|年|月|日|等|来自|叫|名|自动|生成|撰写|经验|临床"
    "|工作|从事|多|余|近|首先|希望|对|如|还|任何|其他|需要|疑问|联系|感谢|提问|当然|好的|就|也|都|不构成|构成|作为|主任|教授|专家|科"
)
