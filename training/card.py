"""The data card: what prepared files hold, where it came from under which licence, and where it ends."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_WHY = {
    "too_long": "a line of more than 10 MB",
    "encoding": "not UTF-8",
    "json": "no JSON object",
    "missing": "a required field was missing",
    "empty": "a required field was empty",
    "wrong_type": "a field of the wrong type",
    "wrong_value": "a value that is not allowed",
    "out_of_range": "a value out of range",
    "unknown_key": "an unknown field",
    "identifier": "a diagnosis held an identifier",
    "duplicate_id": "an id used before",
    "duplicate": "asked the same as another record",
    "contaminated": "overlapped with a test set",
    "over_length": "longer than the limit of tokens",
}


def card(report: dict[str, Any]) -> str:
    """The card as Markdown, from the report of a preparation."""
    parts = (_head(report), _sources(report), _sides(report), _counts(report), _changes(report), _limits(report))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _head(report: dict[str, Any]) -> Iterator[str]:
    languages = sorted({row["language"] for row in report["counts"]})
    yield from ("---", "pretty_name: Clinical cases with worked answers", f"language: [{', '.join(languages)}]")
    yield from ("license: other", "tags: [medical, clinical-reasoning, differential-diagnosis]", "---", "")
    yield from ("# Clinical cases with worked answers", "")
    share = report["synthetic"] / report["records"]
    yield (
        f"{report['records']} records to fine-tune a model on differential diagnosis; {report['synthetic']} of them "
        f"({share:.1%}) are synthetic: generated, not seen by a clinician. A record is a case with its reasoning, ranked "
        "diagnoses, examinations, evidence and final diagnosis, or a medical question with its worked answer."
    )


def _sources(report: dict[str, Any]) -> Iterator[str]:
    yield from ("## Sources", "")
    head = ("source", "where from", "licence", "synthetic", "rows", "problems aside, kept")
    rows = [
        (each["name"], _origin(each), each["licence"], "yes" if each["synthetic"] else "no", each["read"], each["kept"])
        for each in report["sources"]
    ]
    yield from _table((*head[:5], "kept"), rows)
    yield ""
    files = [(name, f"`{digest}`") for each in report["sources"] for name, digest in each["files"].items()]
    yield from _table(("file read", "SHA-256"), files)


def _origin(source: dict[str, Any]) -> str:
    if not source["hub"]:
        return "local files"
    return (
        f"{source['hub']}, config {source['config'] or 'default'}, split {source['split']}, commit {source['revision']}"
    )


def _sides(report: dict[str, Any]) -> Iterator[str]:
    yield from ("## Files", "")
    rows = [(name, told["records"], f"`{told['sha256']}`") for name, told in report["files"].items()]
    yield from _table(("file", "records", "SHA-256"), rows)
    yield from ("", "A case is on one side only, and so is what resembles it: the largest group of alike records has")
    yield f"{report['largest_case']}. Sides are drawn by case within each specialty and language, from seed "
    yield f"{report['settings']['seed']}."


def _counts(report: dict[str, Any]) -> Iterator[str]:
    yield from ("## Specialty × language × file", "")
    names = list(report["files"])
    found: dict[tuple[str, str], Counter[str]] = {}
    for row in report["counts"]:
        found.setdefault((row["specialty"], row["language"]), Counter())[row["file"]] += row["records"]
    rows = [(*place, *(counts[name] for name in names), counts.total()) for place, counts in sorted(found.items())]
    yield from _table(("specialty", "language", *names, "all"), rows)


def _changes(report: dict[str, Any]) -> Iterator[str]:
    yield from ("## What was dropped and changed", "")
    dropped = [(_WHY.get(kind, kind.replace("_", " ")), count) for kind, count in report["dropped"].items()]
    yield from _table(("dropped because", "times"), dropped or [("nothing was dropped", "")])
    yield ""
    changed = [(kind.replace("_", " "), count) for kind, count in report["changed"].items()]
    yield from _table(("changed in texts", "times"), changed or [("nothing was changed", "")])
    yield from ("", "Each by file, line and field in `report.json`. A row with two faults is counted for both.")


def _limits(report: dict[str, Any]) -> Iterator[str]:
    yield from ("## Limits", "")
    tests = ", ".join(report["tests"])
    yield from (
        "- Masking finds identifiers of a format reliably; names, addresses and hospitals can slip through.",
        "- Near-duplicates are found by their wording: one case retold in other words or in the other language is not.",
        f"- Checked for overlap with: {tests}. Free paraphrase and translation are not found."
        if tests
        else "- Not checked for overlap with any test set.",
        "- The licences of all sources hold together; a source whose licence is unclear must not be passed on.",
        "- For research and development of a tool that supports clinicians, not for patients' use.",
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"
