"""Which of the cleaned records are kept, and which file each goes to. What is dropped is told by file and line."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training import lengths, split
from training.config import HoldOut, Prepare
from training.decontaminate import Tests, read_tests
from training.duplicates import find_duplicates
from training.errors import BadData, Problem, Wrong
from training.rows import AnyRecord, asked, texts
from training.sources import progress


@dataclass(frozen=True)
class Kept:
    """A record with the source, file and line it came from."""

    record: AnyRecord
    source: str
    file: str
    line: int


@dataclass
class Outcome:
    """What is left of the rows so far, what was dropped, and what was changed in texts."""

    kept: list[Kept] = field(default_factory=list)
    dropped: list[Problem] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)

    def drop(self, wrongs: dict[int, Wrong]) -> None:
        """Take out the records of these numbers."""
        self.dropped += [wrongs[n].at(each.file, each.line) for n, each in enumerate(self.kept) if n in wrongs]
        self.kept = [each for n, each in enumerate(self.kept) if n not in wrongs]


def choose(settings: Prepare, against: Sequence[Path], outcome: Outcome) -> tuple[list[str], int]:
    """Drop what may not stay; for each record that does its file, and the size of the largest case."""
    outcome.drop(_same_ids(outcome.kept))
    # What is kept for testing comes first: of two that are alike, the first stays.
    outcome.kept.sort(key=lambda each: _hold_out(each, settings) is None)
    found = find_duplicates([asked(each.record) for each in outcome.kept], settings.duplicates)
    alike = {each.record.id: case for each, case in zip(outcome.kept, found.case_of, strict=True)}
    outcome.drop({number: _repeats(outcome.kept[first]) for number, first in found.duplicate_of.items()})
    outcome.drop(_contaminated(outcome.kept, settings, against))
    outcome.drop(_too_long(outcome.kept, settings))
    if not outcome.kept:
        raise _nothing_left(outcome)
    return _sides(settings, outcome.kept, [alike[each.record.id] for each in outcome.kept])


def _sides(settings: Prepare, kept: Sequence[Kept], alike: Sequence[int]) -> tuple[list[str], int]:
    first: dict[int, int] = {}
    numbered = [first.setdefault(case, number) for number, case in enumerate(alike)]
    together = split.join_cases([each.record.id for each in kept], numbered, settings.split.case_of)
    held = [_hold_out(each, settings) for each in kept]
    files = split.split([each.record for each in kept], together, held, settings.split, settings.seed)
    return files, max(Counter(together).values())


def _hold_out(each: Kept, settings: Prepare) -> HoldOut | None:
    return split.held_out(each.record, each.source, settings.split)


def _same_ids(kept: Sequence[Kept]) -> dict[int, Wrong]:
    first: dict[str, Kept] = {}
    found = {}
    for number, each in enumerate(kept):
        before = first.setdefault(each.record.id, each)
        if before is not each:
            where = f"{before.file}:{before.line}"
            found[number] = Wrong("id", "duplicate_id", f"was used in {where}.", f"与 {where} 重复。")
    return found


def _repeats(first: Kept) -> Wrong:
    where = f"{first.file}:{first.line}"
    return Wrong("record", "duplicate", f"asks the same as {where}.", f"与 {where} 内容重复。")


def _contaminated(kept: Sequence[Kept], settings: Prepare, against: Sequence[Path]) -> dict[int, Wrong]:
    if not against:
        return {}
    found = read_tests(against, settings.decontaminate.shortest)
    tests = Tests(found, settings.decontaminate)
    wrongs = {}
    for number, each in enumerate(progress(kept, "decontaminate", len(kept))):
        if overlaps := tests.overlaps([text for _, text in texts(each.record.model_dump())]):
            told = max(overlaps, key=lambda overlap: overlap.score)
            wrongs[number] = Wrong("record", "contaminated", f"overlaps with {told}.", f"与测试集重叠：{told}。")
    return wrongs


def _too_long(kept: Sequence[Kept], settings: Prepare) -> dict[int, Wrong]:
    if settings.lengths is None:
        return {}
    count, limit = lengths.counter(settings.lengths), settings.lengths.limit
    measured = enumerate(progress(kept, "lengths", len(kept)))
    return {n: wrong for n, each in measured if (wrong := lengths.over_length(each.record, count, limit))}


def _nothing_left(outcome: Outcome) -> BadData:
    count = sum(outcome.read.values())
    if not outcome.dropped:
        return BadData(where="prepare.sources", reason="the files hold no records.", reason_zh="文件中没有任何记录。")
    first = outcome.dropped[0]
    return BadData(
        where=f"{first.file}:{first.line}: {first.field}",
        reason=f"{first.reason.rstrip('.')}; none of the {count} rows is left, this is the first problem.",
        reason_zh=f"{first.reason_zh.rstrip('。')}；{count} 行数据全部不可用，此为第一个问题。",
    )
