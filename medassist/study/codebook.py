"""What every column and every code of an export means, in both languages."""

from collections.abc import Iterator

from medassist.study.dataset import PREFERRED
from medassist.study.instrument import CANNOT_JUDGE, CANNOT_JUDGE_LABEL, Instrument

HEADER = ("file", "column", "item", "code", "kind", "en", "zh")

_COMMON = {
    "assignment": ("Assignment", "任务编号"),
    "case": ("Case", "病例编号"),
    "response": ("Answer rated", "被评回答编号"),
    "rater": ("Rater", "评审者编号"),
    "pseudonym": ("Rater's pseudonym", "评审者代号"),
    "arm": ("Code of the arm; empty while blinded", "臂的代码；揭盲前为空"),
    "arm_name": ("Name of the arm; empty while blinded", "臂的名称；揭盲前为空"),
    "kind": (
        "practice, primary, repeat, closing or adjudication; only primary counts in the estimates",
        "practice 练习、primary 正式、repeat 重复、closing 结束、adjudication 仲裁；仅 primary 计入估计",
    ),
    "position": ("Place in the rater's sequence, from 1", "在该评审者序列中的位置，从 1 开始"),
    "language": ("en or zh", "en 英文或 zh 中文"),
    "specialty": ("Specialty", "专科"),
    "stratum": ("Stratum of the allocation", "分配所用分层"),
    "active_ms": ("Milliseconds of activity", "活动毫秒数"),
    "wall_ms": ("Milliseconds from opening to submitting", "自打开至提交的毫秒数"),
    "reason": ("Why it was changed; empty for the first", "修改理由；首次为空"),
    "at": ("Time, UTC", "时间（UTC）"),
}

_FILES: dict[str, dict[str, tuple[str, str]]] = {
    "ratings.csv": {
        "assignment": _COMMON["assignment"],
        "response": _COMMON["response"],
        "item": ("Item of the instrument", "量表条目"),
        "value": (
            "Code, digits or free text; several codes as a JSON list; empty once withdrawn",
            "代码、数字或自由文本；多选为 JSON 列表；撤回后为空",
        ),
        "revision": ("From 1; the highest is valid", "从 1 开始，最高者有效"),
        "status": ("submitted, amended or withdrawn", "submitted 已提交、amended 已修改、withdrawn 已撤回"),
        "reason": _COMMON["reason"],
        "at": _COMMON["at"],
        "active_ms": _COMMON["active_ms"],
        "wall_ms": _COMMON["wall_ms"],
        "valid": ("Whether it is the valid revision", "是否为有效版本"),
        **{key: _COMMON[key] for key in ("pseudonym", "kind", "position", "case")},
        "case_key": ("The study lead's own id of the case", "研究负责人的病例编号"),
        **{key: _COMMON[key] for key in ("language", "specialty", "stratum", "arm", "arm_name")},
        "answer_length": ("Characters of the answer before the cap", "截短前回答的字符数"),
    },
    "arms.csv": {
        "code": _COMMON["arm"],
        "name": _COMMON["arm_name"],
        "config": ("How its answers were made, as JSON; empty while blinded", "生成配置（JSON）；揭盲前为空"),
        "config_sha256": ("SHA-256 of the configuration", "配置的 SHA-256"),
        "guess_en": ("How raters are told of it, English", "向评审者描述的英文名称"),
        "guess_zh": ("How raters are told of it, Chinese", "向评审者描述的中文名称"),
    },
    "cases.csv": {
        "id": _COMMON["case"],
        "key": ("The study lead's own id", "研究负责人的病例编号"),
        **{key: _COMMON[key] for key in ("language", "specialty", "stratum")},
        "diagnosis": ("Right diagnosis", "正确诊断"),
        "accept": ("Names accepted for it, as JSON", "可接受的名称（JSON）"),
        "cant_miss": ("Diagnoses that must not be missed, as JSON", "不可漏诊的诊断（JSON）"),
        "is_practice": ("Whether it is a practice case", "是否为练习病例"),
    },
    "responses.csv": {
        "id": _COMMON["response"],
        "case": _COMMON["case"],
        "arm": _COMMON["arm"],
        "raw_sha256": ("SHA-256 of the answer as written", "原始回答的 SHA-256"),
        "display_sha256": ("SHA-256 of the answer as shown", "所示回答的 SHA-256"),
        "raw_length": ("Characters as written", "原始字符数"),
        "answer_length": ("Characters before the cap", "截短前字符数"),
        "length": ("Characters as shown", "所示字符数"),
        "capped": ("Whether it was cut to the longest length", "是否被截短"),
        "removed": ("What was stripped for blinding, as JSON", "为盲法去除的内容类别（JSON）"),
        "leaks": ("Possible leaks found afterwards", "处理后仍疑似泄露之处"),
        "released": ("How a person released it: empty, as it was, edited", "人工放行方式：空、as it was 原样、edited 编辑后"),
        "knowledge_version": ("Version of the knowledge graph", "知识库版本"),
        "model": ("Model", "模型"),
        "adapter": ("Adapter", "适配器"),
        "generated_at": ("When it was written, UTC", "生成时间（UTC）"),
        "seconds": ("How long it took", "生成耗时（秒）"),
        "failed": ("Error code, or empty", "错误代码，或为空"),
    },
    "raters.csv": {
        "id": _COMMON["rater"],
        "pseudonym": _COMMON["pseudonym"],
        "specialty": _COMMON["specialty"],
        "years": ("Years of practice", "从业年数"),
        "simulated": ("Whether no person", "是否为模拟评审者"),
        "invited_at": ("Invited, UTC", "邀请时间（UTC）"),
        "consent_at": ("Consented, UTC", "同意时间（UTC）"),
        "withdrawn_at": ("Withdrew, UTC", "退出时间（UTC）"),
        "withdrawal": ("What became of the ratings: kept or removed", "退出后评分：kept 保留、removed 剔除"),
    },
    "assignments.csv": {
        "id": _COMMON["assignment"],
        "rater": _COMMON["rater"],
        "case": _COMMON["case"],
        "kind": _COMMON["kind"],
        "position": _COMMON["position"],
        "repeat_of": ("The assignment it repeats", "所重复的任务"),
        "responses": ("Answers in the order shown, as JSON", "按所示顺序的回答（JSON）"),
        "state": ("open, started, submitted or withdrawn", "open 未开始、started 已开始、submitted 已提交、withdrawn 已撤回"),
        "started_at": ("Started, UTC", "开始时间（UTC）"),
        "submitted_at": ("Submitted, UTC", "提交时间（UTC）"),
        "active_ms": _COMMON["active_ms"],
        "wall_ms": _COMMON["wall_ms"],
    },
    "audit.csv": {
        "number": ("Place in the trail", "序号"),
        "at": _COMMON["at"],
        "who": ("Who did it", "操作者"),
        "what": ("What was done", "操作"),
        "subject": ("To what", "对象"),
        "old": ("Before", "原值"),
        "new": ("After", "新值"),
    },
}  # fmt: skip


def codebook(instrument: Instrument) -> Iterator[tuple[str, ...]]:
    """Rows under `HEADER`: the columns of every file, then the items of the instrument with their codes."""
    for file, columns in _FILES.items():
        for column, (en, zh) in columns.items():
            yield file, column, "", "", "column", en, zh
    for item in instrument.items:
        yield "ratings.csv", "value", item.id, "", item.kind, item.label.en, item.label.zh
        for option in item.options:
            yield "ratings.csv", "value", item.id, option.code, "code", option.label.en, option.label.zh
        if item.cannot_judge:
            yield "ratings.csv", "value", item.id, CANNOT_JUDGE, "code", CANNOT_JUDGE_LABEL.en, CANNOT_JUDGE_LABEL.zh
    labels = {"": ("Preferred of two answers side by side", "并列两个回答中的偏好"), "yes": ("This one", "偏好此回答"), "no": ("The other", "偏好另一个"), "tie": ("Neither", "不分高下")}  # fmt: skip
    for code, (en, zh) in labels.items():
        yield "ratings.csv", "value", PREFERRED, code, "code" if code else "choice", en, zh
