"""Every word the reader sees, in English and in Chinese. What a consultation says itself comes from elsewhere."""

from typing import Final

from medassist.errors import LANGUAGES, Language

WORDS: Final[dict[str, dict[Language, str]]] = {
    # The page.
    "brand": {"en": "MedAssist", "zh": "MedAssist"},
    "title": {"en": "MedAssist · Differential diagnosis", "zh": "MedAssist · 鉴别诊断"},
    "consult": {"en": "Consultation", "zh": "会诊"},
    "knowledge_title": {"en": "MedAssist · Knowledge base", "zh": "MedAssist · 知识库"},
    "pages": {"en": "Pages", "zh": "页面"},
    "review": {"en": "Review", "zh": "评审"},
    "study": {"en": "Study", "zh": "研究"},
    "knowledge": {"en": "Knowledge", "zh": "知识库"},
    "language": {"en": "Language", "zh": "语言"},
    "language_en": {"en": "EN", "zh": "EN"},
    "language_zh": {"en": "中文", "zh": "中文"},
    "demo_model": {"en": "Demonstration model", "zh": "演示模型"},
    "model": {"en": "Model", "zh": "模型"},
    "adapter": {"en": "adapter", "zh": "适配器"},
    "adapters": {"en": "Adapters and their cards", "zh": "适配器及其说明"},
    "adapter_in_use": {"en": "in use", "zh": "使用中"},
    "adapter_installed": {"en": "installed", "zh": "已安装"},
    "adapter_refused": {"en": "refused: {why}", "zh": "已拒绝：{why}"},
    "adapters_none": {"en": "No adapter is installed.", "zh": "未安装适配器。"},
    # The case.
    "case": {"en": "Case", "zh": "病例"},
    "form": {"en": "Form", "zh": "表单"},
    "paste": {"en": "Paste a note", "zh": "粘贴病历"},
    "note": {"en": "Note", "zh": "病历"},
    "note_hint": {
        "en": "Paste an admission note or a case as JSON. Its headings decide which field each part goes to.",
        "zh": "粘贴入院记录或 JSON 病例，各部分按标题填入相应栏目。",
    },
    "fill": {"en": "Fill the form", "zh": "填入表单"},
    "filled": {
        "en": "The form is filled from the note. Check each field before you go on.",
        "zh": "已按病历填入表单，请逐项核对后继续。",
    },
    "cleaned": {"en": "Removed from the note: {kinds}.", "zh": "已从病历中去除：{kinds}。"},
    "join": {"en": ", ", "zh": "、"},
    "kind_control": {"en": "control characters", "zh": "控制字符"},
    "kind_zero_width": {"en": "invisible characters", "zh": "不可见字符"},
    "kind_bidi": {"en": "characters that reverse the reading direction", "zh": "改变书写方向的字符"},
    "kind_other": {"en": "characters without a meaning", "zh": "无意义字符"},
    "examples": {"en": "Synthetic examples", "zh": "虚构示例"},
    "synthetic": {
        "en": "The form holds a synthetic example: no real patient.",
        "zh": "表单中为虚构示例，并非真实患者。",
    },
    "chief_complaint": {"en": "Chief complaint", "zh": "主诉"},
    "chief_complaint_hint": {
        "en": "Main symptom and how long, e.g. chest pain for 2 hours",
        "zh": "主要症状及时间，如：胸痛2小时",
    },
    "history": {"en": "History of present illness", "zh": "现病史"},
    "history_hint": {
        "en": "How it began and went on; what goes with it; what is absent",
        "zh": "起病与发展、伴随症状、阴性症状",
    },
    "required": {"en": "{label} *", "zh": "{label} *"},
    "age": {"en": "Age", "zh": "年龄"},
    "age_hint": {"en": "years", "zh": "岁"},
    "sex": {"en": "Sex", "zh": "性别"},
    "female": {"en": "Female", "zh": "女"},
    "male": {"en": "Male", "zh": "男"},
    "other": {"en": "Other", "zh": "其他"},
    "unknown": {"en": "Not stated", "zh": "未注明"},
    "vital_signs": {"en": "Vital signs", "zh": "生命体征"},
    "temperature_c": {"en": "Temp. °C", "zh": "体温 ℃"},
    "heart_rate": {"en": "Heart rate /min", "zh": "心率 次/分"},
    "respiratory_rate": {"en": "Resp. rate /min", "zh": "呼吸 次/分"},
    "systolic_bp": {"en": "Systolic mmHg", "zh": "收缩压 mmHg"},
    "diastolic_bp": {"en": "Diastolic mmHg", "zh": "舒张压 mmHg"},
    "spo2_percent": {"en": "SpO₂ %", "zh": "血氧 %"},
    "background": {
        "en": "Past history, medications, allergies, family, social",
        "zh": "既往史、用药、过敏史、家族史、个人史",
    },
    "past_history": {"en": "Past history", "zh": "既往史"},
    "medications": {"en": "Medications", "zh": "用药"},
    "allergies": {"en": "Allergies", "zh": "过敏史"},
    "family_history": {"en": "Family history", "zh": "家族史"},
    "social_history": {"en": "Social history", "zh": "个人史"},
    "examination": {"en": "Examination", "zh": "体格检查"},
    "investigations": {"en": "Investigations", "zh": "辅助检查"},
    "is_empty": {"en": "is empty.", "zh": "为空。"},
    "diagnose": {"en": "Diagnose  (Ctrl+Enter / ⌘↵)", "zh": "开始诊断（Ctrl+Enter / ⌘↵）"},
    "stop": {"en": "Stop", "zh": "停止"},
    "new_case": {"en": "New case", "zh": "新病例"},
    # How the answer comes along.
    "status_idle": {"en": "Ready for a case", "zh": "可以输入病例"},
    "status_starting": {"en": "Sent. Waiting for the model…", "zh": "已提交，等待模型……"},
    "status_queued": {"en": "In the queue: place {position}", "zh": "排队中：第 {position} 位"},
    "status_loading": {
        "en": "Loading the model, once after a start · {seconds} s",
        "zh": "正在加载模型（启动后仅一次）· {seconds} 秒",
    },
    "status_reading": {"en": "Reading the case · {prompt_tokens} tokens", "zh": "正在阅读病例 · {prompt_tokens} 词元"},
    "status_writing": {
        "en": "Writing · {new_tokens} tokens · {rate} tokens/s · {seconds} s",
        "zh": "正在作答 · {new_tokens} 词元 · {rate} 词元/秒 · {seconds} 秒",
    },
    "status_complete": {
        "en": "Finished · {new_tokens} tokens in {seconds} s",
        "zh": "已完成 · {new_tokens} 词元，用时 {seconds} 秒",
    },
    "status_stopped": {"en": "Stopped. What was written is kept.", "zh": "已停止，已写出的内容已保留。"},
    "status_failed": {"en": "Failed. What was written is kept.", "zh": "未能完成，已写出的内容已保留。"},
    "status_interrupted": {"en": "Interrupted: this answer is incomplete.", "zh": "已中断：此回答不完整。"},
    "say_working": {"en": "The answer is being written.", "zh": "正在作答。"},
    "say_waiting": {"en": "Waiting for the model.", "zh": "等待模型。"},
    "say_complete": {"en": "The answer is complete.", "zh": "回答已完成。"},
    "error": {"en": "Cannot go on", "zh": "无法继续"},
    # The answer.
    "answer": {"en": "Differential diagnosis", "zh": "鉴别诊断"},
    "empty_title": {"en": "The differential appears here", "zh": "鉴别诊断将显示在此处"},
    "empty_1": {
        "en": "Enter the case, paste a note, or try a synthetic example.",
        "zh": "输入病例、粘贴病历，或试用虚构示例。",
    },
    "empty_2": {
        "en": "Watch the model reason and rank; every reason is checked against the text of the case.",
        "zh": "查看模型推理与排序；每条理由都与病例原文核对。",
    },
    "empty_3": {"en": "Ask follow-up questions; the consultation is kept.", "zh": "可继续追问；会诊记录会保存。"},
    "pending": {"en": "No diagnosis yet", "zh": "暂无诊断"},
    "nothing_written": {"en": "Nothing was written before it ended.", "zh": "结束前未写出内容。"},
    "warnings": {"en": "Warnings", "zh": "警示"},
    "reasoning_running": {
        "en": "Reasoning · {seconds} s · {tokens} tokens",
        "zh": "推理中 · {seconds} 秒 · {tokens} 词元",
    },
    "reasoning_done": {
        "en": "Reasoned for {seconds} s · {tokens} tokens",
        "zh": "推理用时 {seconds} 秒 · {tokens} 词元",
    },
    "reasoning": {"en": "Reasoning", "zh": "推理过程"},
    "severity_emergency": {"en": "Emergency.", "zh": "紧急。"},
    "severity_urgent": {"en": "Urgent.", "zh": "重要。"},
    "severity_caution": {"en": "Caution.", "zh": "注意。"},
    "severity_note": {"en": "Note.", "zh": "提示。"},
    "source": {"en": "Source", "zh": "来源"},
    "masked": {"en": "Masked before the model read it", "zh": "模型读取前已遮蔽"},
    "may_slip": {
        "en": "Names and addresses can slip through: check what you enter.",
        "zh": "姓名和地址可能漏检，请自行核对输入内容。",
    },
    "known": {"en": "(in the knowledge base)", "zh": "（知识库所载）"},
    "known_means": {
        "en": "Underlined reasons are findings that the knowledge base lists for the diagnosis; the others are not from it.",
        "zh": "带下划线的依据为知识库中该诊断所列表现，其余并非来自知识库。",
    },
    "not_from_model": {"en": "not from the model", "zh": "非模型给出"},
    "additions": {
        "en": "Can't-miss diagnoses that the model left out, added by the knowledge base",
        "zh": "模型未列出、由知识库补充的不可漏诊疾病",
    },
    "in_knowledge": {"en": "knowledge base", "zh": "知识库条目"},
    "unmapped": {"en": "not in the knowledge base", "zh": "知识库未收录"},
    "unseen": {"en": "address not yet opened", "zh": "地址尚未核实"},
    "references": {"en": "Sources", "zh": "参考来源"},
    "draft": {"en": "knowledge base: draft, not clinician-reviewed", "zh": "知识库为草稿，未经临床医生审核"},
    "from_cache": {"en": "the same answer as on {at}, from the cache", "zh": "与 {at} 相同的回答（来自缓存）"},
    "again": {"en": "Ask the model again", "zh": "重新询问模型"},
    "rank": {"en": "Rank {rank}", "zh": "第 {rank} 位"},
    "cant_miss": {"en": "can't miss", "zh": "不可漏诊"},
    "evidence_for": {"en": "For", "zh": "支持"},
    "evidence_against": {"en": "Against", "zh": "反对"},
    "absent": {"en": "not in this case", "zh": "病例中未提及"},
    "next_tests": {"en": "Next", "zh": "检查"},
    "key_examinations": {"en": "Key examinations", "zh": "关键检查"},
    "diagnostic_evidence": {"en": "Diagnostic evidence", "zh": "确诊依据"},
    "final_diagnosis": {"en": "Final diagnosis", "zh": "最终诊断"},
    "case_read": {"en": "Case text as read, with the evidence marked", "zh": "所读病例原文（标出依据）"},
    "prompt_version": {"en": "prompt {version}", "zh": "提示词 {version}"},
    "knowledge_version": {"en": "knowledge {version}", "zh": "知识库 {version}"},
    "truncated": {"en": "cut off at its length limit", "zh": "因长度上限被截断"},
    "stopped": {"en": "stopped", "zh": "已停止"},
    "failed": {"en": "failed — incomplete", "zh": "失败——不完整"},
    "interrupted": {"en": "interrupted — incomplete", "zh": "已中断——不完整"},
    # The explanation.
    "explain": {"en": "Which findings drove this?", "zh": "哪些表现影响了排序？"},
    "explain_again": {"en": "Explain again, with another seed", "zh": "换一个随机种子重新解释"},
    "explain_stop": {"en": "Stop explaining", "zh": "停止解释"},
    "explain_running": {
        "en": "Explaining: {samples} of at most {most} samples",
        "zh": "正在解释：{samples}/{most} 个样本",
    },
    "explain_done": {"en": "The explanation is complete.", "zh": "解释已完成。"},
    "explain_target": {"en": "Explain", "zh": "解释对象"},
    "explain_rival": {"en": "rather than", "zh": "对比"},
    "explain_nobody": {"en": "all others", "zh": "其他所有诊断"},
    "explain_text": {"en": "Case text, findings marked by their pull", "zh": "病例原文（按影响标出）"},
    "explain_pull": {"en": "Pull", "zh": "影响"},
    "explain_weight": {"en": "Weight (log-odds)", "zh": "权重（对数比）"},
    "explain_caption": {
        "en": "What pulls towards {diagnosis} (+) and away from it (−)",
        "zh": "支持（+）与不支持（−）{diagnosis}的表现",
    },
    "explain_compared": {
        "en": "What pulls towards {one} (+) rather than {other} (−)",
        "zh": "偏向{one}（+）而非{other}（−）的表现",
    },
    "explain_why": {
        "en": "{one} over {other}: {units}. The other way: {others}.",
        "zh": "{one}优于{other}：{units}。相反：{others}。",
    },
    "explain_nothing": {"en": "nothing", "zh": "无"},
    "pulls_for": {"en": "for {diagnosis}", "zh": "支持{diagnosis}"},
    "pulls_against": {"en": "against {diagnosis}", "zh": "不支持{diagnosis}"},
    "explain_unreliable": {"en": "Unreliable for this case.", "zh": "本例的解释不可靠。"},
    "explain_no_ranks": {
        "en": "The fit does not hold on samples it has not seen, so findings stand in the order of the text.",
        "zh": "拟合在未见样本上不成立，故各项表现按原文顺序列出，不作排序。",
    },
    "explain_hardly": {"en": "This answer hardly depends on the case.", "zh": "该回答几乎不取决于病例。"},
    "explain_left": {"en": "Not charted, being weaker: {count}.", "zh": "另有 {count} 项影响较小的表现未列出。"},
    "explain_figures": {
        "en": "R² on unseen samples {r2} · signs agree {signs} · {samples} samples · seed {seed} · {seconds} s",
        "zh": "未见样本 R² {r2} · 符号一致 {signs} · {samples} 个样本 · 种子 {seed} · {seconds} 秒",
    },
    "explain_neutral": {
        "en": "{share} of the strongest named again with a neutral phrase instead of a gap",
        "zh": "改用中性短语替代后，{share} 的主要表现仍相同",
    },
    "explain_by_graph": {
        "en": "Explained is the score of the knowledge graph, which set this order.",
        "zh": "解释的是决定此排序的知识图谱分数。",
    },
    "explain_by_model": {
        "en": "Explained is how likely the model is to name each candidate first, asked without its reasoning.",
        "zh": "解释的是模型（不经推理时）首先给出各候选诊断的可能性。",
    },
    "explain_not": {
        "en": "It tells what the ranking among these candidates depends on. It does not tell that the ranking is right, nor "
        "what causes the illness, and it sees only findings that the case states.",
        "zh": "它只说明这些候选诊断的排序取决于什么，并不说明排序正确，也不说明病因；只涉及病例中写明的表现。",
    },
    "what_if": {"en": "What if a finding were different?", "zh": "若某项表现不同会怎样？"},
    "what_if_kept": {"en": "Findings: untick to cross out", "zh": "各项表现：取消勾选即删去"},
    "what_if_text": {"en": "The case without them, to edit", "zh": "删改后的病例（可编辑）"},
    "what_if_hint": {
        "en": "Only the shares below change; the consultation stays as it is.",
        "zh": "仅改变下方份额，会诊记录保持不变。",
    },
    "moved": {"en": "As sent → changed", "zh": "原病例 → 删改后"},
    "moved_share": {"en": "share", "zh": "份额"},
    "moved_lead": {"en": "lead (log-odds)", "zh": "领先（对数比）"},
    "moved_same": {"en": "{one} stays first.", "zh": "{one}仍居首位。"},
    "moved_first": {"en": "{one} comes first, in place of {other}.", "zh": "{one}取代{other}居首位。"},
    "moved_means": {
        "en": "Both compare these candidates with each other: the share of all, and the lead over the best other one. Neither is a "
        "probability of disease.",
        "zh": "两者仅用于候选诊断之间的比较：所占份额，以及对其他最高者的领先；均非患病概率。",
    },
    # The knowledge base.
    "search": {"en": "Search", "zh": "检索"},
    "search_label": {"en": "Disease, finding or ICD-10-CM code", "zh": "疾病、表现或 ICD-10-CM 编码"},
    "search_hint": {"en": "e.g. pulmonary embolism, calf swelling, I26", "zh": "如：肺栓塞、小腿肿胀、I26"},
    "nothing_found": {"en": "Nothing found.", "zh": "未找到。"},
    "kind_of_disease": {"en": "disease", "zh": "疾病"},
    "kind_of_finding": {"en": "finding", "zh": "表现"},
    "kind_of_measure": {"en": "measure", "zh": "测量值"},
    "kind_of_code": {"en": "ICD-10-CM code", "zh": "ICD-10-CM 编码"},
    "kind_of_rare_disease": {"en": "rare disease (HPO)", "zh": "罕见病（HPO）"},
    "kind_of_phenotype": {"en": "phenotype (HPO)", "zh": "表型（HPO）"},
    "kind_of_ontology": {"en": "Disease Ontology", "zh": "疾病本体"},
    "findings_for": {"en": "Findings", "zh": "表现"},
    "findings_pathognomonic": {"en": "Seen in hardly anything else", "zh": "特征性表现"},
    "findings_against": {"en": "Speak against it", "zh": "不支持的表现"},
    "how_often": {"en": "How often", "zh": "频率"},
    "frequency_obligate": {"en": "always (100 %)", "zh": "必有（100%）"},
    "frequency_very_frequent": {"en": "very frequent (80–99 %)", "zh": "极常见（80–99%）"},
    "frequency_frequent": {"en": "frequent (30–79 %)", "zh": "常见（30–79%）"},
    "frequency_occasional": {"en": "occasional (5–29 %)", "zh": "偶见（5–29%）"},
    "frequency_very_rare": {"en": "very rare (1–4 %)", "zh": "罕见（1–4%）"},
    "frequency_excluded": {"en": "excluded (0 %)", "zh": "排除（0%）"},
    "frequency_classes": {
        "en": "Frequency classes of the Human Phenotype Ontology.",
        "zh": "频率分级采用人类表型本体（HPO）。",
    },
    "examinations": {"en": "Examinations and what they show", "zh": "检查与预期结果"},
    "look_alikes": {"en": "What it is mistaken for", "zh": "需鉴别的疾病"},
    "look_alikes_drawn": {"en": "Look-alikes, drawn as a graph", "zh": "相似疾病关系图"},
    "listed_by": {"en": "Diseases that list it", "zh": "列有此表现的疾病"},
    "phenotypes": {"en": "Phenotypes", "zh": "表型"},
    "rare_diseases": {"en": "Rare diseases with it (at most 200)", "zh": "具有此表型的罕见病（最多 200 种）"},
    "typical_age": {"en": "typically {low}–{high} years", "zh": "多见于 {low}–{high} 岁"},
    "urgency_emergency": {"en": "emergency", "zh": "急症"},
    "urgency_urgent": {"en": "urgent", "zh": "紧迫"},
    "urgency_soon": {"en": "soon", "zh": "尽早"},
    "urgency_routine": {"en": "routine", "zh": "常规"},
    "of_sex_any": {"en": "either sex", "zh": "男女均可"},
    "of_sex_mostly_female": {"en": "mostly women", "zh": "多见于女性"},
    "of_sex_mostly_male": {"en": "mostly men", "zh": "多见于男性"},
    "of_sex_female": {"en": "women only", "zh": "仅女性"},
    "of_sex_male": {"en": "men only", "zh": "仅男性"},
    "reviewed": {"en": "reviewed by {by}, {on}", "zh": "已由 {by} 于 {on} 审核"},
    "red_flags": {"en": "Red flags", "zh": "警示征象"},
    "what_there_is": {"en": "What is in it", "zh": "内容"},
    "counted": {
        "en": "{diseases} diseases, {findings} findings, {red_flags} red flags in {specialties} specialties",
        "zh": "{specialties} 个专科的 {diseases} 种疾病、{findings} 种表现、{red_flags} 条警示规则",
    },
    "versions": {"en": "Versions", "zh": "版本"},
    "version_current": {"en": "current: {version}", "zh": "当前：{version}"},
    "version_previous": {"en": "before: {version}", "zh": "上一版：{version}"},
    "differences": {"en": "What changed since the version before", "zh": "与上一版的差异"},
    "no_difference": {"en": "No difference.", "zh": "没有差异。"},
    "licence": {"en": "licence", "zh": "许可"},
    "knowledge_off": {"en": "The knowledge base is switched off.", "zh": "知识库已关闭。"},
    # Follow-up questions.
    "follow_up": {"en": "Follow-up question", "zh": "追问"},
    "follow_up_hint": {"en": "e.g. What would rule out the first diagnosis?", "zh": "如：怎样排除第一诊断？"},
    "ask": {"en": "Ask", "zh": "提问"},
    "question": {"en": "Question", "zh": "问题"},
    "reply": {"en": "Reply", "zh": "回复"},
}


def word(name: str, language: Language, **values: object) -> str:
    """The word called `name`, its places filled with `values`."""
    return WORDS[name][language].format(**values)


def preferred(accept_language: str) -> Language:
    """The language an Accept-Language header asks for first; English where it asks for neither."""
    ranges = []
    for position, part in enumerate(accept_language.split(",")):
        tag, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=")
        ranges.append((-_quality(quality), position, tag.lower()[:2]))
    return next((language for _, _, tag in sorted(ranges) for language in LANGUAGES if tag == language), "en")


def _quality(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0
