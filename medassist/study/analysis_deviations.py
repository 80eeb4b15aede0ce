"""What did not go as planned: counted from the rows, said in both languages, nothing left out because it looks bad."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from itertools import pairwise

from medassist.errors import InvalidStudy
from medassist.statistics import Note
from medassist.study import protocol as protocols
from medassist.study.counted import Read
from medassist.study.protocol import Protocol, changes
from medassist.study.results import Amendment, ArmResult, Deviation


def amendments(study: Read) -> tuple[Amendment, ...]:
    versions = sorted(study.data.versions, key=lambda version: version.number)
    found = []
    for before, after in pairwise(versions):
        changed = changes(Protocol.model_validate(before.protocol), Protocol.model_validate(after.protocol))
        found.append(Amendment(after.number, after.on, after.reason, tuple(changed)))
    return tuple(found)


def deviations(study: Read, arms: tuple[ArmResult, ...]) -> tuple[Deviation, ...]:
    found = [*_protocol(study), *_raters(study), *_ratings(study), *_answers(study), *_plan(study), *_arms(arms)]
    return tuple(Deviation(code, count, Note(en, zh)) for code, count, en, zh in found if count)


Said = Iterator[tuple[str, int, str, str]]  # code, how many, in English, in Chinese


def _protocol(study: Read) -> Said:
    broken = broken_history(study)
    yield "history_broken", int(bool(broken)), f"The protocol's history does not hold: {broken}", f"方案的版本链校验未通过：{broken}"  # fmt: skip
    for each in amendments(study):
        changed = ", ".join(each.changed)
        yield (
            "amendment",
            1,
            f"Protocol amended to version {each.number} on {each.on} ({changed}): {each.reason}",
            f"方案于 {each.on} 修订为第 {each.number} 版（{changed}）：{each.reason}",
        )


def broken_history(study: Read) -> str:
    """What is wrong with the chain of versions, or ""."""
    try:
        history = tuple(
            protocols.Version(
                each.number,
                Protocol.model_validate(each.protocol),
                date.fromisoformat(each.on[:10]),
                each.reason,
                each.previous,
            )
            for each in sorted(study.data.versions, key=lambda version: version.number)
        )
        protocols.require_unbroken(history)
    except (InvalidStudy, ValueError) as error:
        return str(error)
    kept = {each.number: each.sha256 for each in study.data.versions}
    altered = [version.number for version in history if version.sha256 != kept[version.number]]
    return f"version {altered[0]} is not what its hash says." if altered else ""


def _raters(study: Read) -> Said:
    for rater in study.data.raters:
        if rater.withdrawn_at or rater.withdrawal:
            removed = rater.withdrawal == "removed"
            on = rater.withdrawn_at[:10]
            en = f"{rater.pseudonym} withdrew{f' on {on}' if on else ''}; the ratings were {'removed' if removed else 'kept'}."
            zh = f"{rater.pseudonym} {f'于 {on} ' if on else ''}退出，其评分{'已剔除' if removed else '予以保留'}。"
            yield "withdrawn", 1, en, zh
    per_rater = Counter(rater for rater, _ in {(answer.rater, answer.assignment.id) for answer in study.primary})
    for rater in study.data.raters:
        if per_rater[rater.id] == 1:
            yield "one_item", 1, f"{rater.pseudonym} rated one item only.", f"{rater.pseudonym} 仅完成一项评阅。"
        elif not per_rater[rater.id] and rater.consent_at and rater.id not in study.removed:
            yield (
                "no_item",
                1,
                f"{rater.pseudonym} consented and rated nothing.",
                f"{rater.pseudonym} 已同意参加但未评分。",
            )


def _ratings(study: Read) -> Said:
    amended = {
        (row.assignment, row.response, row.item) for row in study.data.ratings if row.status == "amended" and row.revision > 1
    }  # fmt: skip
    by = len({row.rater for row in study.data.assignments if row.id in {key[0] for key in amended}})
    yield "amended", len(amended), f"{many(len(amended), 'submitted value was', 'submitted values were')} amended, by {many(by, 'rater', 'raters')}; the last one counts.", f"{by} 位评审者修改了 {len(amended)} 项已提交的值，以最后一次为准。"  # fmt: skip
    locked, unblinded = moment(study.data.locked_at), moment(study.data.unblinded_at)
    late = [at for row in study.data.ratings if locked and (at := moment(row.at)) and at > locked]
    yield "after_lock", len(late), f"{many(len(late), 'value was', 'values were')} entered after the study was locked.", f"{len(late)} 项值在锁定之后录入。"  # fmt: skip
    knowing = [at for at in late if unblinded and at > unblinded]
    yield "after_unblinding", len(knowing), f"{many(len(knowing), 'value was', 'values were')} entered after unblinding.", f"{len(knowing)} 项值在揭盲之后录入。"  # fmt: skip


def many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def moment(text: str) -> datetime | None:
    """A time, or None where there is none; without a zone it is UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidStudy(
            where=f"time {text[:40]!r}", reason="is not ISO 8601.", reason_zh="不是 ISO 8601 时间。"
        ) from None
    return found.astimezone() if found.tzinfo else datetime.fromisoformat(f"{text}+00:00")


def _answers(study: Read) -> Said:
    for code, name in study.names.items():
        rows = [row for row in study.data.responses if row.arm == code and row.case in study.cases]
        failed = [row for row in rows if row.failed]
        kinds = ", ".join(sorted({row.failed for row in failed}))
        yield "failed", len(failed), f"{name}: {len(failed)} of {many(len(rows), 'answer', 'answers')} failed ({kinds}).", f"{name}：{len(rows)} 个回答中有 {len(failed)} 个生成失败（{kinds}）。"  # fmt: skip
        for how, en, zh in (("as it was", "unchanged", "原样放行"), ("edited", "after editing", "编辑后放行")):
            released = sum(row.released == how for row in rows)
            yield "released", released, f"{name}: {many(released, 'answer', 'answers')} with a possible leak released {en}.", f"{name}：{released} 个疑似泄露来源的回答被{zh}。"  # fmt: skip


def _plan(study: Read) -> Said:
    unfinished = Counter(
        (row.kind, row.state)
        for row in study.data.assignments
        if row.state in ("open", "started") and row.rater not in study.removed
    )
    for (kind, state), count in sorted(unfinished.items()):
        yield "unfinished", count, f"{count} {kind} {'assignment was' if count == 1 else 'assignments were'} left {state}.", f"{count} 项 {KINDS_ZH.get(kind, kind)} 任务未完成（{STATES_ZH[state]}）。"  # fmt: skip
    wanted = study.protocol.raters_per_case
    raters: dict[tuple[str, str], set[str]] = {}
    for answer in study.primary:
        raters.setdefault((answer.case, answer.arm), set()).add(answer.rater)
    short = [key for case in study.cases for arm in study.names if len(raters.get(key := (case, arm), ())) < wanted]
    yield "too_few_raters", len(short), f"{len(short)} of {len(study.cases) * len(study.names)} answers have fewer than the planned {many(wanted, 'rater', 'raters')}.", f"{len(study.cases) * len(study.names)} 个回答中有 {len(short)} 个的评审人数少于 {wanted} 人。"  # fmt: skip
    again = sum(answer.case in study.cases for answer in study.of_kind("primary")) - len(study.primary)
    if study.protocol.mode == "absolute" or len(study.names) < 3:
        yield "rated_twice", again, f"{many(again, 'answer was', 'answers were')} rated again outside the planned repeats; the first rating counts.", f"{again} 个回答在计划外被再次评分，以首次为准。"  # fmt: skip
    if not study.data.sample and any(rater.simulated for rater in study.data.raters):
        count = sum(rater.simulated for rater in study.data.raters)
        yield "simulated", count, f"{many(count, 'rater is', 'raters are')} simulated.", f"{count} 位评审者为模拟。"


KINDS_ZH = {"practice": "练习", "primary": "正式", "repeat": "重复", "closing": "结束", "adjudication": "仲裁"}
STATES_ZH = {"open": "未开始", "started": "已开始"}


def _arms(arms: tuple[ArmResult, ...]) -> Said:
    for arm in arms:
        if not arm.n_answers:
            yield "no_answers", 1, f"{arm.name}: no answer was rated.", f"{arm.name}：没有任何回答被评分。"
        elif arm.n_ratings and arm.two_way.estimate in (0.0, 1.0):
            yield "unanimous", 1, f"{arm.name}: all ratings of acceptance are the same, so that α is undefined and intervals know nothing of raters.", f"{arm.name}：接受与否的评分全部一致，α 无定义，区间未反映评审者差异。"  # fmt: skip
        missing = sum(item.missing for item in arm.items)
        yield "missing", missing, f"{arm.name}: missing though asked for: {many(missing, 'value', 'values')}.", f"{arm.name}：缺失 {missing} 项应答。"  # fmt: skip
        cannot = sum(item.cannot_judge for item in arm.items)
        yield "cannot_judge", cannot, f"{arm.name}: “cannot judge” was chosen {many(cannot, 'time', 'times')}, of which for acceptance {arm.cannot_judge}.", f"{arm.name}：选择“无法判断” {cannot} 次，其中接受与否 {arm.cannot_judge} 次。"  # fmt: skip
