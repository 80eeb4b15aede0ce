"""Every error a user can meet, as one tree.

    MedAssistError              exit code 1: the work failed
    ├── InputError              exit code 2: what came in was wrong
    │   ├── InvalidCase         a field of the case, named
    │   ├── InvalidStudy        a part of a study: protocol, instrument, panel; named
    │   ├── NotNow              not in this state of a study
    │   ├── UnknownStudy, UnknownAssignment
    │   ├── StaleRevision, LeaseHeld    somebody else, or another page, was first
    │   ├── Incomplete          a rating with questions left open; carries them
    │   ├── TooLarge            a request of more than is kept
    │   ├── CaseTooLong         counted in characters or in the model's tokens
    │   ├── NotACase            a question or a remark, with what is missing
    │   ├── SelfCare            somebody asks for themselves
    │   ├── UnreadableInput     no text, no JSON, no such file
    │   ├── UnknownModel, UnknownAdapter, UnknownEngine, UnknownConsultation
    │   ├── NotSignedIn, NotAllowed, LockedOut
    │   ├── BadPassword         wrong, or one that may not be chosen
    │   ├── BadInvitation       a link that no longer opens anything
    │   ├── InvalidAccount      a name, a role, an account; named
    │   ├── BadSetting          an environment variable or an option
    │   └── PortInUse
    ├── ParseError              the model's answer has no differential; carries the text
    ├── EngineError             the model failed or could not be loaded
    ├── CannotPrint             a report cannot be made into a PDF here
    ├── KnowledgeError          the knowledge graph could not be read or updated
    ├── AuditError              the audit trail does not hold
    ├── Busy                    too many sign-ins at one moment
    └── StorageError            the database could not be read or written

A message exists in English and in Chinese and never quotes the text of a case.
"""

from typing import ClassVar, Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


class MedAssistError(Exception):
    """Root of the tree. `details` fill the two message templates; they must hold no case text."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1
    en: ClassVar[str] = "Something went wrong; nothing you entered was lost."
    zh: ClassVar[str] = "出现错误；您输入的内容没有丢失。"

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__(self.text("en"))

    def text(self, language: str = "en") -> str:
        """The message in `language` ("zh" or anything else for English), one sentence or two."""
        return (self.zh if language == "zh" else self.en).format(**self.details)


class InputError(MedAssistError):
    code = "input"
    exit_code = 2
    en = "The input cannot be used: {reason}"
    zh = "输入无法使用：{reason_zh}"

    def __init__(self, **details: object) -> None:
        if "reason" in details:
            details.setdefault("reason_zh", details["reason"])
        super().__init__(**details)


class InvalidCase(InputError):
    """A field of the case is wrong: `where` names it, `reason`/`reason_zh` say why."""

    code = "invalid_case"
    en = "{where}: {reason}"
    zh = "{where}：{reason_zh}"


class InvalidStudy(InputError):
    """A part of a study is wrong: `where` names the file, field or row, `reason`/`reason_zh` say why."""

    code = "invalid_study"
    en = "{where}: {reason}"
    zh = "{where}：{reason_zh}"


class NotNow(InputError):
    """The study, or the rater, is not in the state for it: `reason`/`reason_zh` say which."""

    code = "not_now"
    en = "Not possible now: {reason}"
    zh = "目前无法进行：{reason_zh}"


class UnknownStudy(InputError):
    code = "unknown_study"
    en = "There is no such study."
    zh = "没有这项研究。"


class UnknownAssignment(InputError):
    """There is none, or it is another rater's: whoever asks cannot tell which."""

    code = "unknown_assignment"
    en = "There is no such assignment."
    zh = "没有这项评审任务。"


class StaleRevision(InputError):
    """What was to be changed has changed meanwhile; `revision` is its newest."""

    code = "stale_revision"
    en = "This assignment was changed on another page meanwhile. What you entered is still here; reload to see the other."
    zh = "该任务已在其他页面被修改。您输入的内容仍在此处；重新载入可查看另一版本。"


class LeaseHeld(InputError):
    code = "lease_held"
    en = "This assignment is open on another page or device. Go on here, and that page can save no more."
    zh = "该任务正在其他页面或设备上打开。若在此继续，另一页面将无法再保存。"


class Incomplete(InputError):
    """Questions are left open or answered in no possible way: `problems` name them."""

    code = "incomplete"
    en = "Not submitted yet: {count} to complete."
    zh = "尚未提交：还有 {count} 项需要完成。"

    def __init__(self, problems: tuple[tuple[str, str, str], ...] = (), **details: object) -> None:
        self.problems = problems  # label of the answer, item, text
        super().__init__(**{"count": len(problems)} | details)


class TooLarge(InputError):
    code = "too_large"
    en = "This is longer than can be kept. Shorten it: nothing was cut off."
    zh = "内容超过可保存的长度。请缩短后再试：内容没有被截断。"


class CaseTooLong(InputError):
    code = "case_too_long"
    en = "The case has {count} {unit}; at most {limit} can be read. Shorten it: nothing was cut off."
    zh = "病例共 {count} {unit_zh}，最多可读取 {limit}。请缩短后再试：内容没有被截断。"


class NotACase(InputError):
    code = "not_a_case"
    en = "This does not describe a patient's case. Still missing: {missing}."
    zh = "这还不是一份病例。尚缺：{missing_zh}。"


class SelfCare(InputError):
    """A patient asks for advice; the tool is for clinicians."""

    code = "scope"
    en = (
        "MedAssist is for clinicians and cannot advise you about yourself. Please see a doctor; if you feel seriously"
        " unwell, call your emergency number now (112, 911, 999; 120 in China)."
    )
    zh = "MedAssist 供临床医生使用，不能为您本人提供诊疗建议。请就医；如感到严重不适，请立即拨打急救电话120。"


class UnreadableInput(InputError):
    code = "unreadable"


class UnknownModel(InputError):
    code = "unknown_model"
    en = "The model “{name}” cannot be found: {reason}"
    zh = "找不到模型“{name}”：{reason_zh}"


class UnknownAdapter(InputError):
    code = "unknown_adapter"
    en = "The adapter “{name}” cannot be used: {reason}"
    zh = "适配器“{name}”无法使用：{reason_zh}"


class UnknownEngine(InputError):
    code = "unknown_engine"
    en = "There is no engine “{name}”. Engines: {known}."
    zh = "没有名为“{name}”的引擎。可用引擎：{known}。"


class UnknownConsultation(InputError):
    code = "unknown_consultation"
    en = "This consultation does not exist, or it was deleted."
    zh = "该会诊不存在或已被删除。"


class NotSignedIn(InputError):
    code = "not_signed_in"
    en = "Please sign in."
    zh = "请先登录。"


class NotAllowed(InputError):
    code = "not_allowed"
    en = "Your account may not open this page or do this."
    zh = "您的账户无权访问此页面或执行此操作。"


class LockedOut(InputError):
    code = "locked_out"
    en = "Too many wrong passwords. Signing in with this name is locked; try again in {minutes} min."
    zh = "密码错误次数过多，该用户名已暂时锁定，请在 {minutes} 分钟后重试。"


class BadPassword(InputError):
    """The password is wrong, or may not be chosen: `reason`/`reason_zh` say which, and never quote it."""

    code = "bad_password"
    en = "{reason}"
    zh = "{reason_zh}"


class BadInvitation(InputError):
    code = "bad_invitation"
    en = "This invitation link cannot be used: {reason} Ask the study lead for a new one."
    zh = "此邀请链接无法使用：{reason_zh}请向研究负责人索取新链接。"


class InvalidAccount(InputError):
    """`where` names the account or the field, `reason`/`reason_zh` say what is wrong."""

    code = "invalid_account"
    en = "{where}: {reason}"
    zh = "{where}：{reason_zh}"


class BadSetting(InputError):
    code = "bad_setting"
    en = "{where}: {reason}"
    zh = "{where}：{reason_zh}"


class PortInUse(InputError):
    code = "port_in_use"
    en = "Port {port} on {host} is already in use. Set MEDASSIST_PORT to a free one."
    zh = "{host} 的端口 {port} 已被占用。请用 MEDASSIST_PORT 指定空闲端口。"


class ParseError(MedAssistError):
    """The answer holds no differential. `answer_text` is what the model wrote; it is not in the message."""

    code = "unparsed"
    en = "The model's answer holds no differential that could be read; its text is kept."
    zh = "模型的回答中没有可读取的鉴别诊断；原文已保留。"

    def __init__(self, answer_text: str) -> None:
        self.answer_text = answer_text
        super().__init__()


class EngineError(MedAssistError):
    code = "engine"
    en = "The model could not answer: {reason}"
    zh = "模型无法作答：{reason_zh}"

    def __init__(self, **details: object) -> None:
        details.setdefault("reason_zh", details.get("reason", ""))
        super().__init__(**details)


class CannotPrint(MedAssistError):
    code = "no_pdf"
    en = "A PDF cannot be made here: {reason} The HTML report is complete; a browser can print it."
    zh = "此处无法生成 PDF：{reason_zh}HTML 报告内容完整，可用浏览器打印。"


class KnowledgeError(MedAssistError):
    code = "knowledge"
    en = "The knowledge graph cannot be used: {reason}"
    zh = "知识库无法使用：{reason_zh}"

    def __init__(self, **details: object) -> None:
        details.setdefault("reason_zh", details.get("reason", ""))
        super().__init__(**details)


class AuditError(MedAssistError):
    code = "audit"
    en = "The audit trail does not hold: {reason}"
    zh = "审计记录校验未通过：{reason_zh}"


class Busy(MedAssistError):
    code = "busy"
    en = "Too many people are signing in at this moment. Try again in a few seconds."
    zh = "当前登录人数过多，请几秒后重试。"


class StorageError(MedAssistError):
    code = "storage"
    en = "The consultation could not be saved: {reason} What you typed is still in the form."
    zh = "会诊未能保存：{reason_zh}您输入的内容仍在表单中。"
