"""Words by which a case is cut into units: what joins findings, what leans on one, and what is none by itself."""

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TURN = re.compile(r"\b(?:but|however|although|though|while|whereas|yet|except)\b|但|而", re.IGNORECASE)
OR = re.compile(r"\bn?or\b", re.IGNORECASE)
LAST_ITEM = re.compile(
    r",\s+and (?!(?:no|has|is|he|she|mild|severe|left|right|with|new|some|worse\w*)\b)[a-z'-]+(?: [a-z'-]+){0,3}(?=\s*[.,;]|$)",
    re.IGNORECASE,
)

BREAK = re.compile(
    r"(?<=/[A-Za-z])\.(?=\s)|,(?!(?<=\d,)\d)|[，;；•·…。]|、(?!(?<=\d、)\d)|\s[-–—]+\s|—+|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])"
)
VITAL = re.compile(
    r"(?<=[\w%％℃°])\s+(?=(?:BP|HR|RR|PR|SpO2|SaO2|[Ss]ats?|[Tt]emp\w*|[Pp]ulse|[Rr]esp\w*|T|P|R)\b[ :：]{0,2}\d)"
    r"|(?<=[\d℃%％分gG])\s*(?=(?:体温|脉搏|呼吸|血压|心率|血氧)[\u4e00-\u9fff]{0,3}\s?[:：]?\s?\d)"
)
CONNECTIVE = re.compile(
    r"(?<![\w/'’-])(?:and|or|but|with|plus|because of|as well as|along with|together with|in addition to|accompanied by"
    r"|(?:(?:is|are|was|were) )?associated with|followed by|although|though|whereas|while|however|yet)(?![\w/'’-])",
    re.IGNORECASE,
)
WHOLE = re.compile(
    r"\b(?:on and off|off and on|comes? and goes?|came and went|up and down|now and (?:then|again)|back and forth|pins and needles"
    r"|(?:head|neck|hand|foot),? (?:neck|foot)? ?(?:and|&) (?:neck|mouth|throat)|ears?, nose,? and throat|signs (?:and|or) symptoms"
    r"|rate and rhythm|more and more|worse and worse|time and (?:place|again)|light and accommodation|with or without|whether or not"
    r"|more or less|once or twice|one and a half|(?:two|three|four) and a half|food (?:and|or) drink|alert and oriented"
    r"|incision and drainage|dilation and curettage|black and blue|rise and fall|friends and family|day and night)\b",
    re.IGNORECASE,
)
"""Words of which none makes sense alone."""
GOVERNED = re.compile(
    r"\b(?:both|between|either|whether)\b[^,;]*$|\b(?:difficulty|trouble|problems|pain(?:ful)? (?:on|when|with)) (?:in )?\w+ing$",
    re.IGNORECASE,
)
"""What lies before “and” where that joins two objects of one word."""
WITH = re.compile(
    r"\b(?:consistent|compatible|treated|diagnosed|managed|li(?:ves|ved|ving)|contact|worse(?:ns|ned|ning)?|improve[sd]?|improving|better|filled"
    r"|covered|relie[vf]\w*|aggravated|exacerbated|eased?|increas\w+|decreas\w+|correlat\w+|interfer\w+|cop(?:e|ing)|down|up|familiar|started"
    r"|complian\w+|deal\w*|alternat\w+|help(?:s|ed)?|associated|along|together|infected|sex|intercourse|begins?|began|resolve[sd]?|patients?)$",
    re.IGNORECASE,
)
CUT_AT = re.compile(r"(?:no|nor|neither|nil|free of|neg(?:ative)?\.? for)\b")
IS = re.compile(r"\b(?:is|are|was|were|be|been|with|or|and)$", re.IGNORECASE)
LEANS = re.compile(
    r"\b(?:is|are|was|were|ha[sd]|have|been?|of|in|on|at|to|with|and|or|but|found|felt|there|that|which|show\w*|reveal\w*|\w+(?:ed|ing)|(?!(?:hour|day|week|month|year|time)s)\w+s)$|:$",
    re.IGNORECASE,
)
"""A verb or preposition, which what is denied completes: “CT showed | no bleed” is one unit."""
SHARED = re.compile(
    r"\b(?:are|were|both|all)\b[^,;]*\b(?:normal|elevated|raised|increased|decreased|reduced|low|high|positive|negative|intact|clear|unremarkable|within)\b"
    r"|[均都皆](?!为?呈?阴性|未|无)|正常$|[未无](?:见)?(?:明显|确切|特殊)?异常$",
    re.IGNORECASE,
)
"""What is said of all subjects before it."""
RESULT = re.compile(r"\b(?:normal|negative|neg|unremarkable|raised|elevated)$", re.IGNORECASE)
"""What is said of all tests before it."""
ACRONYM = re.compile(r"[\w-]*[A-Z]{2}[\w-]*")
VERB = re.compile(r"(?<![A-Za-z\d-])\d|\b(?:is|are|was|were|ha[sd]|have|no|\w+ed)\b|[无未不有]", re.IGNORECASE)
AGO = re.compile(r"\bago\b|[前起来]\W*$", re.IGNORECASE)
NEGATIVE = re.compile(
    r"[(（]\s*(?:[-－–—−]|neg(?:ative)?|阴性)\s*[)）]|阴性|[−－](?=\W|$)|\b(?:none|nil|nkda)\b|(?<![-\w])(?:negative|neg|absent)(?=\W*$)",
    re.IGNORECASE,
)

SITES = _set("""abdomen abdominal ankle ankles arm arms axilla axillae back breast breasts buttock buttocks calf calves cheek cheeks
    chest chin ear ears elbow elbows extremity extremities eye eyes eyelid eyelids face facial fingers flank flanks foot
    forearm forearms forehead groin groins hand hands head heart heels hip hips jaw kidneys knee knees leg legs limb limbs
    lip lips liver loin lung lungs mouth neck nose palm palms pelvis scalp shin shins shoulder shoulders skin sole soles
    spleen stomach testis thigh thighs throat thumb toe toes tongue torso trunk wrist wrists scapula spine nodes genitals
    epigastrium fossa quadrant region area areas body joints ruq luq rlq llq rif lif anterior posterior lateral medial
    proximal distal dorsal ventral upper lower inner outer extensor flexor surface surfaces""")
MEASURES = _set("""alb albumin alp alt amylase aptt ast bilirubin bmi bp bun ca calcium ck cl cr creatinine crp cxr d-dimer ecg egfr ekg
    esr ferritin gcs ggt glucose haemoglobin hb hba1c hct height hemoglobin hr inr k lactate ldh lipase magnesium mcv mg na
    neutrophils o pco platelets plt po potassium pr procalcitonin pulse rbc respirations respiratory rr sats saturation sodium
    spo t temp temperature troponin tsh urea wbc wcc weight age ph rate pressure labs vitals bloods appetite
    energy sleep smell taste vision hearing speech gait mood sensation power tone reflexes lymphocytes eosinophils aspartate
    ct mri x-ray ultrasound echo film urinalysis dip culture serum urine alanine aminotransferase transaminase alkaline phosphatase""")
NAMES = SITES | MEASURES
BARE = NAMES | _set("""a about above acutely after again age aged ago all also am an and any approximately are around as associated at be
        been before began beginning being below both but by cc chronic complained complaining complains constant constantly
        current currently daily day days denied denies did do does during each early every exam examination few first for
        former found from gradual gradually had has have he her his history hour hours hourly i in initially intermittent
        intermittently into is it its large last lasted lasting lasts late later left left-sided lots low mainly many
        mild mildly min mins minute minutes moderate moderately month months morning mostly mr mrs ms multiple my new night
        no noon nor not now occasional occasionally of off often old on once onset one or other our over overnight past
        patient patient's per persistent physical present presented presenting presents previous previously progressive
        progressively pt reported reporting reports recent recently right right-sided said same scattered says severe severely
        several she shown showed shows since slight slightly small so some sometimes started starting states sudden suddenly
        that the their then there these they this those three throughout time times to today together tonight towards twice
        two under until up usually very was week weeks weekly were when which who whole wide with without w/o
        year years yesterday yr yrs bilateral bilaterally unilateral sided side sides diffuse diffusely focal local
        mm cm kg lb mmhg bpm kpa mmol dl ml l r umol u iu ng pg fl msec f c min/day evening afternoon exertion exercise food
        meals flexion extension rotation abduction adduction palpation percussion full passive active deep urination
        swallowing defecation intercourse eating movement moving rest walking inspiration breathing standing lying coughing sitting
        round oval red pink brown white dark light-brown purple greyish oval-shaped dome-shaped circular
        four five six seven eight nine ten half dozen monday tuesday wednesday thursday friday saturday sunday
        january february march april may june july august september october november december spring summer autumn winter
        however although though therefore addition notable remarkable revealed reveals demonstrates demonstrated noted noticed
        visible seen worse worsening worst worsens increasing better improved improving despite""")
"""Words that say nothing by themselves: sites, measures without a value, times, sides, degrees, and what links them."""

SITE_ZH = (
    r"(?:全身|周身)?[上下中内外前后左右双两全患各]{0,6}(?:头颅|头皮|头|颜面|面|颈|项|胸骨|胸壁|胸廓|胸|腹股沟|腹壁|腹|腰|背|臀|骶|髋|膝|踝|足背|足|脚|手掌|手背|手|腕|肘|肩胛|肩"
    r"|臂|上肢|下肢|四肢|肢体|肢|大腿|小腿|腿|指|趾|躯干|会阴|阴囊|睾丸|肛门|肛周|直肠|盆腔|子宫|附件|眼睑|眼|巩膜|结膜|瞳孔|角膜|耳|鼻|口腔|口唇|唇|舌|牙龈|牙|咽|喉|扁桃体"
    r"|甲状腺|乳房|乳腺|乳头|乳|腋窝|淋巴结|皮肤|黏膜|粘膜|肝|胆囊|胆|脾|胰腺|胰|胃|肠|肾|膀胱|输尿管|尿道|前列腺|心脏|心界|心|肺底|肺野|肺|气管|脊柱|脊椎|椎体|颈椎|腰椎"
    r"|胸椎|关节|肌肉|骨盆|锁骨上|锁骨|肋下|肋缘|剑突下|脐周|脐|耻骨上|季肋|象限|瓣膜|听诊|浅表)(?:部位|部|区域|区|上方|下方|上|下|内侧|外侧|侧|处|缘|骨|椎|窝|壁|面|根|尖)*"
)
LAB_ZH = (
    r"血常规|尿常规|便常规|大便常规|肝功能?|肾功能?|肝肾功能?|电解质|凝血功能|凝血|血糖|血脂|血压|体温|脉搏|呼吸|心率|体重|身高|血沉|生化|心电图|胸片|精神|食欲|食纳|胃纳|睡眠|饮食|体力"
    r"|神志|神清|大小便|二便|大便|小便|意识|肌力|肌张力|感觉|反射|白细胞|红细胞|血红蛋白|血小板|中性粒细胞|肌酐|尿素氮|转氨酶|胆红素|WBC|RBC|Hb|PLT|CRP|ESR|PCT|ALT|AST|TBil|Cr|BUN|CK|LDH"
)
TIME_ZH = (
    r"(?:约|近|已|于|自|持续|长达|超过){0,3}(?:[\d.一二两三四五六七八九十数几半多余]{1,9}(?:余|多|来)?个?半?(?:分钟|小时|钟头|天|日|周|星期|月|年|h|d|min)[余多半]*|昨[天日晚夜]|今[天日晨早晚年]|前[天日晚]"
    r"|去年|当[天日晚]|次日|近来|近期|最近|平时|夜间|晨起|清晨|早上|下午|晚上|午后|凌晨|入院|起病|发病|病程|病后|术后|产后|餐后|饭后|活动|劳累|休息|运动|进食|平卧|卧位)(?:前|来|后|内|左右|时|起|开始|以来|之前|之后|余|许|中)*"
)
LINK_ZH = (
    r"为主|为著|为甚|病人|患者|患儿|本人|其|该|于|在|为|是|的|有|呈|处|个|位于|以|较|稍|略|尤|尤其|明显|显著|更|加重|减轻|缓解|好转|轻度|中度|重度|轻|重|持续性?|间断性?|间歇性?|阵发性?"
    r"|反复|渐进?性?|逐渐|进行性|突然|突发|无明显诱因|无诱因|出现|发现|可见|查体|体检|体格检查|检查|示|提示|显示|左侧|右侧|双侧|单侧|两侧|对侧|同侧|左|右|双|两|侧|偶尔|偶|时有|经常|每[天日晚周月次]|开始|约|大小|次|度|级|包|片|粒|支|分|全身"
    r"|\d|[%‰℃]|/|mmHg|mg|kg|cm|mm|ml|mL|L|g"
)
CUE_ZH = r"否认|未见|未闻及?|未触及|未及|未扪及|没有|无"
BARE_ZH = re.compile(rf"(?:{CUE_ZH})?(?>{TIME_ZH}|{LAB_ZH}|{SITE_ZH}|{LINK_ZH})++")
LAB_ZH_VALUE = re.compile(rf"(?:{LAB_ZH})[^\d，；。]{{0,4}}\d(?![\d.]*(?:天|日|周|月|年|小时))")
NAMES_ZH = re.compile(rf"{LAB_ZH}|{SITE_ZH}")

JOINS_ZH = _set("伴 伴有 伴随 并伴 并伴有 并 并有 并且 及 以及 和 或 或者 且 但 但是 兼 兼有 同时 另外")
STATED_ZH = re.compile(
    r"(?:软|清|清晰|齐|佳|可|正常|对称|平坦|存在|清楚|良好|[\d一二两三四五六七八九十半余]个?[天日周月年]|小时)$"
)
"""A statement that is whole, so that a denial behind it is a new one."""
FINDINGS_ZH = _set("""发热 发烧 低热 高热 畏寒 寒战 盗汗 乏力 消瘦 纳差 咳嗽 咳痰 咯血 胸痛 胸闷 气促 气短 气喘 喘息 喘憋 憋气 呼吸困难 心慌 心悸 头痛 头晕
    眩晕 晕厥 黑矇 恶心 呕吐 干呕 腹痛 腹胀 腹泻 便秘 便血 黑便 呕血 反酸 嗳气 烧心 黄疸 黄染 水肿 浮肿 皮疹 瘙痒 紫癜 瘀斑 出血 鼻衄 鼻塞 流涕 咽痛
    声嘶 耳鸣 耳痛 听力下降 视物模糊 复视 抽搐 麻木 无力 偏瘫 失语 尿频 尿急 尿痛 血尿 少尿 无尿 腰痛 关节痛 肌痛 压痛 反跳痛 肌紧张 叩痛 叩击痛 触痛
    里急后重 脓血便 黏液便 大汗 出汗 冷汗 面色苍白 苍白 发绀 紫绀 意识障碍 嗜睡 烦躁 失眠 多饮 多尿 多食 脱发 口干 口渴 流脓 肿痛 红肿 干湿啰音 干啰音
    湿啰音 哮鸣音 杂音 胸膜摩擦音 心包摩擦音 乳头溢液 体重下降 吞咽困难 背痛 牙痛 肩痛 晕倒 疼痛 肿胀 畏光 流泪 打喷嚏 早醒 情绪低落 月经紊乱 停经 白带
    高血压 糖尿病 冠心病 肝炎 乙肝 结核 心脏病""")
KEPT_WHOLE_ZH = _set("""触及 扪及 闻及 探及 叩及 未及 累及 波及 可及 肋下未及 血氧饱和度 饱和度 氧饱和度 转铁蛋白饱和度 共济失调 构音障碍 奔马律 早搏 并发症 合并症 伴行 以及
    无明显诱因 里急后重 有无 干湿啰音 巴氏征 腹股沟 淋巴结""")
