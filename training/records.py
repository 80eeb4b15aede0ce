"""The records a model is trained on, in order; the first one that is wrong is raised, named by file, line and field."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from medassist.errors import InputError, InvalidCase, UnreadableInput
from training.errors import Problem
from training.rows import AnyRecord, as_record, at, known_id
from training.sources import read_jsonl


def read_records(paths: Sequence[Path]) -> Iterator[AnyRecord]:
    """Every record of the files. Raises `UnreadableInput` or `InvalidCase`; an id counts once over all files."""
    seen: dict[str, str] = {}
    for path in paths:
        for row in read_jsonl(path, path.name):
            if isinstance(row, Problem):
                raise _raised(row)
            record = as_record(row.value)
            wrongs = record if isinstance(record, list) else known_id(record, row, seen)
            for problem in at(wrongs, row):
                raise _raised(problem)
            if not isinstance(record, list):
                yield record


def _raised(problem: Problem) -> InputError:
    where = f"{problem.file}:{problem.line}"
    if problem.field == "line":
        return UnreadableInput(reason=f"{where} {problem.reason}", reason_zh=f"{where} {problem.reason_zh}")
    return InvalidCase(where=f"{where}: {problem.field}", reason=problem.reason, reason_zh=problem.reason_zh)
