"""A blinded study's rows without what would tell which answer is whose."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from medassist.study.dataset import AuditRow, Dataset, ResponseRow

WITHHELD = "[withheld]"


def withheld(data: Dataset) -> Dataset:
    """`data` without what would tell which answer is whose, as long as the study is blinded.

    Beside names and configurations that is whatever differs between arms by how they were made: model, adapter, times,
    raw lengths and hashes, and the audit's words about any of these.
    """
    if not data.blinded:
        return data
    names = {arm.get("name", "") for version in data.versions for arm in version.protocol.get("arms", ())}
    names = (names | {arm.name or "" for arm in data.arms}) - {""}
    codes = {name: f"arm {n}" for n, name in enumerate(sorted(names), 1)}
    secrets = {text for row in data.responses for text in (row.model, row.adapter)} | {arm.code for arm in data.arms}
    secrets |= {text for arm in data.arms for text in _texts(arm.config)}
    known = _naming((names | secrets) - {""})
    return replace(
        data,
        arms=tuple(replace(arm, name=None, config=None, config_sha256="") for arm in data.arms),
        responses=tuple(_nameless(row) for row in sorted(data.responses, key=lambda row: row.id)),
        versions=tuple(replace(version, protocol=_masked(version.protocol, codes)) for version in data.versions),
        audit=tuple(_hushed(row, known) for row in data.audit),
    )


def _nameless(row: ResponseRow) -> ResponseRow:
    return replace(
        row, arm="", raw_sha256="", raw_length=0, removed=(), knowledge_version="", model="", adapter="",
        generated_at="", seconds=None,
    )  # fmt: skip


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _naming(names: Iterable[str]) -> re.Pattern[str]:
    """Finds any of `names` that is not part of a longer word, the longest first."""
    either = "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])" if either else r"(?!)")


def _masked(value: Any, codes: dict[str, str]) -> Any:
    """Decoded JSON with the names in its texts replaced."""
    if isinstance(value, dict):
        return {key: _masked(each, codes) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, codes) for each in value]
    return _naming(codes).sub(lambda found: codes[found[0]], value) if isinstance(value, str) else value


def _hushed(row: AuditRow, known: re.Pattern[str]) -> AuditRow:
    subject, old, new = (WITHHELD if known.search(text) else text for text in (row.subject, row.old, row.new))
    return replace(row, subject=subject, old=old, new=new)
