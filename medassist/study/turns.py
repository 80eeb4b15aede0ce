"""Whose turn it is: of a rater's assignments, which comes next, and how many are done."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from medassist.store.panel import Outline


def done(rows: list[Outline], *kinds: str) -> tuple[int, int]:
    those = [row for row in rows if row.kind in kinds]
    return sum(row.state == "submitted" for row in those), len(those)


def following(rows: list[Outline], now: datetime) -> tuple[Outline | None, datetime | None]:
    """The first that is due, or when one will be. The closing questions wait for everything else."""
    by_id = {row.id: row for row in rows}
    left = [row for row in rows if row.state in ("open", "started")]
    waiting: list[datetime] = []
    for row in sorted(left, key=lambda row: (row.kind == "closing", row.position)):
        if row.kind == "closing" and waiting:
            break
        due = due_at(row, by_id)
        if due is None or due <= now:
            return row, None
        waiting.append(due)
    return None, min(waiting, default=None)


def due_at(row: Outline, by_id: Mapping[str, Outline]) -> datetime | None:
    first = by_id.get(row.repeat_of or "")
    if not row.wait_days or first is None or first.submitted_at is None:
        return None
    return first.submitted_at + timedelta(days=row.wait_days)
