"""What TRIPOD-LLM and DECIDE-AI ask of a report, by topic and in our own words, and what of it the data can answer.

The rest is left open for the authors: what a program cannot know it must not claim.
"""

from dataclasses import dataclass
from typing import Literal

from medassist.errors import Language
from medassist.study.results import Analysis
from medassist.study.wording import Say, primary_estimate

Status = Literal["filled", "partly", "open"]


@dataclass(frozen=True)
class Entry:
    topic: str
    status: Status
    text: str  # what the data say, or what the authors have to


def tripod(analysis: Analysis, language: Language) -> list[Entry]:
    """For studies that evaluate large language models (Gallifant et al. 2025)."""
    say, numbers = Say(language), analysis.numbers
    models = ", ".join(name for name, config in analysis.arm_configs.items() if config)
    return [
        Entry(say("Title: that a language model is evaluated, the task, whom it serves", "标题：说明评价的是语言模型、任务及对象"), "partly", _title(analysis, say)),
        _open(say, "Abstract", "摘要"),
        _open(say, "Background: the clinical context and what exists already", "背景：临床情境与已有工作"),
        Entry(say("Objective", "目的"), "filled", analysis.hypothesis),
        Entry(say("Data: source, dates, representativeness, overlap with training data", "数据：来源、日期、代表性、与训练数据的重叠"), "partly", say("{n} cases, counted in the design section by language, specialty and stratum. Source, dates and overlap are the authors'.", "{n} 例病例，按语言、专科与分层列于设计一节。来源、日期与重叠由作者补充。", n=numbers.cases)),
        Entry(say("Model: name, version, settings, how it was adapted", "模型：名称、版本、设置、调整方式"), "partly" if models else "open", say("Configurations frozen for {models}, with their hashes, in the appendix.", "附录列出 {models} 的冻结配置及其哈希。", models=models) if models else _authors(say)),
        Entry(say("Output: how answers were processed before they were judged", "输出：评价前如何处理回答"), "filled", say("Display text made alike in all arms; see methods, and the length table.", "各臂的展示文本按同一规则处理，见方法与长度表。")),
        Entry(say("Prompting", "提示词"), "partly" if models else "open", say("As far as the configurations hold it.", "以配置中所含内容为限。") if models else _authors(say)),
        Entry(say("Annotation: who judged, by which instrument, how far they agree", "标注：由谁、用何量表评价、一致性如何"), "filled", _raters(analysis, say)),
        Entry(say("Outcome and its measure", "结局及其度量"), "filled", f"{analysis.primary.label.text(language)}."),
        Entry(say("Sample size and its reason", "样本量及其依据"), "partly", say("{n} cases, {k} raters a case planned. The reason is the authors'.", "{n} 例病例，计划每例 {k} 位评审者。依据由作者补充。", n=numbers.cases, k=analysis.protocol["raters_per_case"])),
        Entry(say("Statistical methods, with uncertainty", "统计方法与不确定性"), "filled", say("Methods section.", "见方法一节。")),
        _open(say, "Computing resources", "计算资源"),
        _open(say, "Ethics approval and consent", "伦理审批与知情同意"),
        Entry(say("Protocol and registration", "方案与注册"), "partly", say("Protocol of SHA-256 {sha}…; amendments: {n}. Registration is the authors'.", "方案 SHA-256 {sha}…，修订 {n} 次。注册情况由作者补充。", sha=analysis.protocol_sha256[:12], n=len(analysis.amendments))),
        Entry(say("Data availability", "数据可得性"), "partly", say("The export holds all rows, a codebook and the seed. Where it is kept is the authors' to say.", "导出文件包含全部数据行、编码手册与随机种子；存放处由作者说明。")),
        _open(say, "Code availability", "代码可得性"),
        _open(say, "Funding and competing interests", "资助与利益冲突"),
        _open(say, "Involvement of patients and the public", "患者与公众参与"),
        Entry(say("Participants: flow, losses, missing values", "参与者：流程、脱落、缺失值"), "filled", _flow(analysis, say)),
        Entry(say("Performance with intervals, also in subgroups", "表现及区间，含亚组"), "filled", f"{analysis.primary.label.text(language)}: {primary_estimate(analysis.primary)}."),
        _open(say, "Interpretation, with fairness and what is known from other studies", "解读：含公平性及与其他研究的关系"),
        _open(say, "Limitations", "局限性"),
        _open(say, "Use in practice and next steps", "实际应用与后续工作"),
    ]  # fmt: skip


def decide(analysis: Analysis, language: Language) -> list[Entry]:
    """For early clinical evaluation of decision support (Vasey et al. 2022)."""
    say = Say(language)
    closing = sum(guesses.n for guesses in analysis.blinding.arms)
    return [
        Entry(say("Title and stage of evaluation", "标题与评价阶段"), "partly", _title(analysis, say)),
        _open(say, "Intended use: condition, patients, users", "预期用途：疾病、患者、使用者"),
        Entry(say("Cases: how they were selected", "病例：如何选取"), "partly", say("{n} cases; how they were selected is the authors'.", "{n} 例病例；选取方式由作者补充。", n=analysis.numbers.cases)),
        Entry(say("Users: who they are, how they were recruited and trained", "使用者：身份、招募与培训"), "partly", _raters(analysis, say) + say(" Practice cases: {n}.", "练习病例 {n} 例。", n=analysis.numbers.practice_cases)),
        Entry(say("The system: version, inputs, outputs", "系统：版本、输入、输出"), "partly", say("Configurations of the arms in the appendix.", "各臂配置见附录。")),
        Entry(say("Implementation: setting and place in the workflow", "实施：场景与工作流程中的位置"), "open", say("Rated outside care, from written cases. ", "在诊疗之外依据书面病例评价。") + _authors(say)),
        Entry(say("Safety and errors: how they were looked for and what was found", "安全与差错：如何识别及结果"), "partly" if any(arm.harm for arm in analysis.arms) else "open", say("Harm by extent and likelihood, omissions of what must not be missed, failed answers.", "按程度与可能性统计伤害、不可漏诊诊断的遗漏、生成失败的回答。") if any(arm.harm for arm in analysis.arms) else _authors(say)),
        Entry(say("Human factors", "人因"), "partly", say("Time per item, confidence, repeated ratings.", "每条目用时、评分把握、重复评分。")),
        Entry(say("Blinding and its check", "盲法及其检验"), "filled" if closing else "open", say("{n} guesses at the end.", "结束时共 {n} 次猜测。", n=closing) if closing else _authors(say)),
        Entry(say("Agreement of users with the system", "使用者与系统的一致"), "filled", say("Acceptance, by arm.", "各臂接受率。")),
        Entry(say("Changes during the study", "研究过程中的改动"), "filled", say("Amendments of the protocol: {n}; all are under deviations.", "方案修订 {n} 次，均列于偏离一节。", n=len(analysis.amendments))),
        _open(say, "Ethics", "伦理"),
        _open(say, "Patient involvement", "患者参与"),
        _open(say, "Does the evidence support the intended use?", "证据是否支持预期用途"),
        _open(say, "Strengths and limitations", "优势与局限"),
        Entry(say("Data availability", "数据可得性"), "partly", say("An export with codebook and hashes exists.", "已有带编码手册与校验和的导出文件。")),
        _open(say, "Conflicts of interest and funding", "利益冲突与资助"),
    ]  # fmt: skip


def _authors(say: Say) -> str:
    return say("For the authors to write.", "由作者撰写。")


def _open(say: Say, en: str, zh: str) -> Entry:
    return Entry(say(en, zh), "open", _authors(say))


def _title(analysis: Analysis, say: Say) -> str:
    return say("“{title}”; blind review of written cases.", "《{title}》；书面病例的盲法评价。", title=analysis.title)


def _raters(analysis: Analysis, say: Say) -> str:
    return say(
        "{n} raters, with specialty and years; instrument {id} version {version}; agreement with intervals.",
        "{n} 位评审者（含专科与年资）；量表 {id} 第 {version} 版；一致性附区间。",
        n=analysis.numbers.rated,
        id=analysis.instrument["id"],
        version=analysis.instrument["version"],
    )


def _flow(analysis: Analysis, say: Say) -> str:
    numbers = analysis.numbers
    return say(
        "{invited} invited, {rated} rated, {withdrawn} withdrew; {answers} of {planned} planned ratings of an answer.",
        "邀请 {invited} 人，{rated} 人参与评分，{withdrawn} 人退出；计划 {planned} 份回答评阅，完成 {answers} 份。",
        invited=numbers.invited,
        rated=numbers.rated,
        withdrawn=numbers.withdrawn,
        answers=numbers.answers,
        planned=numbers.planned,
    )
