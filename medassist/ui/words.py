"""Every word the reader sees, in English and in Chinese. What a consultation says itself comes from elsewhere."""

from typing import Final

from medassist.errors import LANGUAGES, Language

WORDS: Final[dict[str, dict[Language, str]]] = {
    # The page.
    "brand": {"en": "MedAssist", "zh": "MedAssist"},
    "title": {"en": "MedAssist · Differential diagnosis", "zh": "MedAssist · 鉴别诊断"},
    "consult": {"en": "Consultation", "zh": "会诊"},
    "language": {"en": "Language", "zh": "语言"},
    "language_en": {"en": "EN", "zh": "EN"},
    "language_zh": {"en": "中文", "zh": "中文"},
    "demo_model": {"en": "Demonstration model", "zh": "演示模型"},
    "model": {"en": "Model", "zh": "模型"},
    "adapter": {"en": "adapter", "zh": "适配器"},
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
