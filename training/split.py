"""Which record goes to which side. What is one case stays on one side; specialties and languages keep their shares."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence

from training.config import HoldOut, Split
from training.duplicates import Cases
from training.rows import AnyRecord

SIDES = ("train", "validation", "test")


def held_out(record: AnyRecord, source: str, settings: Split) -> HoldOut | None:
    """The hold-out that asks for `record`, by the name of its source, its own `source`, or how its id begins."""
    for each in settings.hold_out:
        if source in each.sources or record.source in each.sources or record.id.startswith(each.id_prefixes):
            return each
    return None


def join_cases(ids: Sequence[str], alike: Sequence[int], case_of: str | None) -> list[int]:
    """For each record its case: records are one case when they ask alike or when their ids name the same case."""
    cases = Cases(len(ids))
    first: dict[str, int] = {}
    for number, (name, other) in enumerate(zip(ids, alike, strict=True)):
        cases.join(number, other)
        found = re.search(case_of, name) if case_of else None
        cases.join(number, first.setdefault(found.group(1) or name if found else name, number))
    return [cases.first(number) for number in range(len(ids))]


def split(
    records: Sequence[AnyRecord], cases: Sequence[int], held: Sequence[HoldOut | None], settings: Split, seed: int
) -> list[str]:
    """For each record the file it goes to, `train.jsonl` … or that of its hold-out.

    A systematic sample: cases stand in the order of specialty and language, within these by chance, and each goes to
    the side that lags furthest behind its share, so that no stratum and no side is off by more than a case or two.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for number, case in enumerate(cases):
        members[case].append(number)
    files = [""] * len(records)
    have, seen = dict.fromkeys(SIDES, 0), 0
    for case in sorted(members, key=lambda each: _place(records[each], seed)):
        inside = members[case]
        if any(held[number] for number in inside):
            side = "test"  # what resembles a case kept for testing is no training material
        else:
            seen += len(inside)
            side = max(SIDES, key=lambda name: getattr(settings, name) * seen - have[name])
            have[side] += len(inside)
        for number in inside:
            chosen = held[number]
            files[number] = chosen.file if chosen else f"{side}.jsonl"
    return files


def _place(record: AnyRecord, seed: int) -> tuple[str, str, str]:
    return record.specialty, record.language, hashlib.sha256(f"{seed} {record.id}".encode()).hexdigest()
