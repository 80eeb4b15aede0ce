"""From data sets to files that can be trained on, in the order the data flows:

read → check and clean → mask identifiers → same ids out → duplicates out → overlaps with tests out → too long out
→ split → train.jsonl, validation.jsonl, test.jsonl, hold-outs, DATA_CARD.md, report.json

Cleaned rows are kept in the cache, a thousand at a time, under the hash of their file, of the settings and of the code
that cleaned them: a run that was broken off goes on there. `report.json` is written last and holds the hash of every
file: without it the folder is not whole, and with it a second run over the same data has nothing to do.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from medassist import deidentify, intake
from training import cases, clean, decontaminate, duplicates, grams, lengths, rows, split
from training import choose as choosing
from training.choose import Kept, Outcome, choose
from training.config import Prepare, Source
from training.errors import Problem
from training.report import counts, told, up_to_date, write
from training.rows import AnyRecord, as_record, as_value, at
from training.sources import File, Row, files_of, progress, read_jsonl, replacing, sha256

BATCH = 1000

_CLEANING = (cases, clean, rows, deidentify, intake)
_CHOOSING = (*_CLEANING, choosing, decontaminate, duplicates, grams, lengths, split)


def prepare(settings: Prepare) -> dict[str, Any]:
    """Write the files of `settings.output`; the report, with `unchanged` true where they were up to date.

    Raises `InputError` where a source cannot be had or no record is left; then nothing is written.
    """
    sources = {source.name: files_of(source, settings.cached) for source in settings.sources}
    hashes = {file.name: sha256(file.path) for files in sources.values() for file in files}
    against = decontaminate.test_files(settings.decontaminate.against)
    tests = {str(path): sha256(path) for path in against}
    key = _key(settings.model_dump_json(exclude={"cache"}), hashes, tests, _code(_CHOOSING))
    if report := up_to_date(settings.output, key):
        return report | {"unchanged": True}
    outcome = Outcome()
    for source in settings.sources:
        for file in sources[source.name]:
            _read(source, file, _cache_of(source, file, hashes[file.name], settings), outcome)
    files, largest = choose(settings, against, outcome)
    report = {
        "key": key,
        "sources": [told(source, sources[source.name], hashes, outcome) for source in settings.sources],
        "tests": tests,
        "settings": settings.model_dump(mode="json", exclude={"cache", "sources"}),
        "changed": dict(sorted(outcome.changed.items())),
        "dropped": dict(Counter(sorted(problem.kind for problem in outcome.dropped))),
        "largest_case": largest,
        **counts(outcome.kept, files),
        "problems": [asdict(problem) for problem in outcome.dropped],
    }
    return write(settings, outcome.kept, files, report) | {"unchanged": False}


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _code(modules: Iterable[Any]) -> str:
    """The hash of the code itself: what better rules cleaned yesterday must be cleaned again."""
    return _key([hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest() for module in modules])


# --- Rows → clean records.


def _cache_of(source: Source, file: File, digest: str, settings: Prepare) -> Path:
    about = source.model_dump_json(exclude={"licence", "path", "local"})
    return settings.cached / "rows" / f"{source.name}-{_key(about, file.name, digest, _code(_CLEANING))[:24]}"


def _read(source: Source, file: File, cache: Path, outcome: Outcome) -> None:
    """Add the records of a file. A batch that was cleaned before is read from the cache."""
    read = progress(read_jsonl(file.path, file.name), source.name)
    for number in range(1, 1_000_000_000):
        batch = list(islice(read, BATCH))
        if not batch:
            return
        kept = cache / f"{number:06}.json"
        if not kept.exists():
            done = _cleaned(batch, source)
            with replacing(kept) as written:
                json.dump(done, written, ensure_ascii=False)
        _add(json.loads(kept.read_text(encoding="utf-8")), source, file, outcome)
        outcome.read[source.name] += len(batch)


def _cleaned(batch: Sequence[Row | Problem], source: Source) -> dict[str, Any]:
    changed: Counter[str] = Counter()
    records, problems = [], []
    for row in batch:
        result = row if isinstance(row, Problem) else clean_row(row, source, changed)
        if isinstance(result, Problem):
            problems.append(asdict(result))
        elif isinstance(result, list):
            problems += [asdict(problem) for problem in result]
        else:
            records.append([row.line, result.model_dump(mode="json")])
    return {"records": records, "problems": problems, "changed": changed}


def clean_row(row: Row, source: Source, changed: Counter[str]) -> AnyRecord | list[Problem]:
    """A row as a record that may be trained on, or what is wrong with it; `changed` counts what was done to it."""
    value = as_value(row, source)
    if isinstance(value, list):
        return at(value, row)
    value, steps = clean.cleaned(value)
    record = as_record(value)
    if isinstance(record, list):
        return at(record, row)
    if source.scrub:
        safe = clean.scrubbed(record)
        if isinstance(safe, list):
            return at(safe, row)
        record, masked = safe
        changed.update({f"masked_{kind}": count for kind, count in masked.items()})
    changed.update(steps)
    return record


def _add(done: dict[str, Any], source: Source, file: File, outcome: Outcome) -> None:
    for line, value in done["records"]:
        record = as_record(value)
        assert not isinstance(record, list)
        outcome.kept.append(Kept(record, source.name, file.name, line))
    outcome.dropped += [Problem(**problem) for problem in done["problems"]]
    outcome.changed.update(done["changed"])
