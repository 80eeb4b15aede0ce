"""What a preparation writes: the files, their card, and last of all the report with the hash of each."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from training.card import card
from training.choose import Kept, Outcome
from training.config import REPORT, Prepare, Source
from training.errors import BadData
from training.sources import File, replacing, sha256
from training.split import SIDES

CARD = "DATA_CARD.md"


def up_to_date(output: Path, key: str) -> dict[str, Any] | None:
    """The report of the files as they lie there, if they were made from just this."""
    try:
        report: dict[str, Any] = json.loads((output / REPORT).read_text(encoding="utf-8"))
        whole = all(sha256(output / name) == file["sha256"] for name, file in report["files"].items())
        return report if report["key"] == key and whole and (output / CARD).exists() else None
    except (OSError, ValueError, KeyError, TypeError, BadData):
        return None


def told(source: Source, files: Sequence[File], hashes: dict[str, str], outcome: Outcome) -> dict[str, Any]:
    """What the report says of a source: where from, under which licence, its files, how many rows and how many kept."""
    return source.model_dump(mode="json", include={"name", "licence", "hub", "config", "split", "revision"}) | {
        "files": {file.name: hashes[file.name] for file in files},
        "synthetic": source.synthetic,
        "read": outcome.read[source.name],
        "kept": sum(each.source == source.name for each in outcome.kept),
    }


def counts(kept: Sequence[Kept], files: Sequence[str]) -> dict[str, Any]:
    """How many records of which specialty and language went where, and how many of all are synthetic."""
    counted = Counter(
        (each.record.specialty or "unknown", each.record.language, name) for each, name in zip(kept, files, strict=True)
    )
    table = [
        {"specialty": specialty, "language": language, "file": name, "records": count}
        for (specialty, language, name), count in sorted(counted.items())
    ]
    return {"records": len(kept), "synthetic": sum(each.record.synthetic for each in kept), "counts": table}


def write(settings: Prepare, kept: Sequence[Kept], files: Sequence[str], report: dict[str, Any]) -> dict[str, Any]:
    """Put the records into their files, then the card, then the report; each takes its name only when it is whole."""
    output = settings.output
    names = [f"{side}.jsonl" for side in SIDES] + [each.file for each in settings.split.hold_out]
    before = _files_before(output)
    with ExitStack() as stack:
        written = {name: stack.enter_context(replacing(output / name)) for name in names}
        for each, name in zip(kept, files, strict=True):
            written[name].write(each.record.model_dump_json() + "\n")
        (output / REPORT).unlink(missing_ok=True)
    for name in before - set(names):
        (output / name).unlink(missing_ok=True)
    sizes = Counter(files)
    report["files"] = {name: {"sha256": sha256(output / name), "records": sizes[name]} for name in names}
    with replacing(output / CARD) as file:
        file.write(card(report))
    with replacing(output / REPORT) as file:
        json.dump(report, file, ensure_ascii=False, indent=1)
    return report


def _files_before(output: Path) -> set[str]:
    """The files of the run before, so that none stays which this one does not write."""
    try:
        named = json.loads((output / REPORT).read_text(encoding="utf-8"))["files"]
        return {name for name in named if Path(name).name == name}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
