"""Whether files hold records that could be trained on just as they stand: nothing is cleaned away first."""

from collections.abc import Iterable, Iterator

from training.clean import unclean
from training.config import Source
from training.errors import Problem
from training.rows import AnyRecord, as_record, as_value, at, known_id
from training.sources import Row


def check(
    rows: Iterable[Row | Problem], seen: dict[str, str], source: Source | None = None
) -> Iterator[Problem | AnyRecord]:
    """Every good record, and everything wrong with each row. `seen` maps the ids so far to where they were used."""
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        value = as_value(row, source) if source else row.value
        record = value if isinstance(value, list) else as_record(value)
        wrongs = [] if isinstance(value, list) else list(unclean(value))
        wrongs += record if isinstance(record, list) else known_id(record, row, seen)
        yield from at(wrongs, row)
        if not wrongs and not isinstance(record, list):
            yield record
