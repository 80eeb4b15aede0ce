"""The command line of the data: `validate`, `prepare`, `decontam`."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from medassist.cli_errors import one_line
from medassist.errors import BadSetting
from training.check import check
from training.config import REPORT, Decontaminate, Prepare, load_config
from training.decontaminate import Tests, read_tests, test_files
from training.errors import BadData, Problem
from training.rows import AnyRecord, texts
from training.sources import files_of, progress, read_jsonl, read_text

Files = Annotated[list[Path] | None, typer.Argument(help="JSON lines files.")]
Config = Annotated[Path | None, typer.Option("--config", help="A YAML with a section `prepare`.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]

MOST = 200
"""Lines of problems printed; `--json` gives all."""


def _said(value: Any, as_json: bool, lines: Sequence[str]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2) if as_json else "\n".join(lines))


def _needs_one(files: list[Path] | None, config: Path | None) -> None:
    if bool(files) == bool(config):
        raise BadSetting(
            where="FILE, --config", reason="name files or a configuration.", reason_zh="请指定文件或配置之一。"
        )


def validate_command(files: Files = None, config: Config = None, as_json: AsJson = False) -> None:
    """Check records as they stand and name everything wrong by file, line and field.

    HTML and control characters are wrong here; `prepare` takes them out.
    """
    with one_line():
        _needs_one(files, config)
        settings = load_config(config).prepare if config else None
        problems, counted = [], Counter[str]()
        for found in _checked(files or [], settings):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                counted[f"{found.kind}, {found.language}, {found.specialty or 'no specialty'}"] += 1
        value = {
            "valid": not problems,
            "records": counted.total(),
            "counts": dict(sorted(counted.items())),
            "problems": [vars(problem) for problem in problems],
        }
        lines = [f"{count:>7}  {label}" for label, count in sorted(counted.items())]
        _said(value, as_json, [*lines, *_listed(problems)])
        if problems:
            raise _first_of(problems)


def _checked(files: Sequence[Path], settings: Prepare | None) -> Iterator[Problem | AnyRecord]:
    seen: dict[str, str] = {}
    for path in files:
        yield from check(progress(read_jsonl(path), path.name), seen)
    for source in settings.sources if settings else ():
        for file in files_of(source, settings.cached if settings else Path()):
            yield from check(progress(read_jsonl(file.path, file.name), source.name), seen, source)


def _listed(items: Sequence[object]) -> list[str]:
    more = [f"… and {len(items) - MOST} more (--json lists all)"] if len(items) > MOST else []
    return [*map(str, items[:MOST]), *more]


def _first_of(problems: Sequence[Problem]) -> BadData:
    first, others = problems[0], len(problems) - 1
    more, more_zh = (f" ({others} more problems)", f"（另有 {others} 个问题）") if others else ("", "")
    return BadData(
        where=f"{first.file}:{first.line}: {first.field}",
        reason=f"{first.reason}{more}",
        reason_zh=f"{first.reason_zh}{more_zh}",
    )


def prepare_command(
    config: Annotated[Path, typer.Option("--config", help="A YAML with a section `prepare`.")], as_json: AsJson = False
) -> None:
    """Clean, de-duplicate, decontaminate and split the data sets of a configuration.

    Goes on where it was broken off; does nothing where nothing has changed.
    """
    with one_line():
        from training.prepare import prepare  # so that the other commands start sooner

        settings = load_config(config).prepare
        report = prepare(settings)
    files = [f"{told['records']:>7}  {settings.output / name}" for name, told in report["files"].items()]
    dropped = [f"{count:>7}  dropped: {kind.replace('_', ' ')}" for kind, count in report["dropped"].items()]
    last = "nothing has changed; nothing was done" if report["unchanged"] else f"report: {settings.output / REPORT}"
    _said(report, as_json, [*files, *dropped, last])


def decontam_command(
    files: Files = None,
    against: Annotated[
        list[Path] | None, typer.Option("--against", help="JSON or JSON lines test files, or folders of them.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Name every record that overlaps with a test file; exit code 1 where one does.

    With `--config` the files that `prepare` wrote are checked against the test files of the configuration.
    """
    with one_line():
        _needs_one(files, config)
        settings = load_config(config).prepare if config else None
        limits = settings.decontaminate if settings else Decontaminate()
        tests_in = test_files([*limits.against, *(against or [])])
        if not tests_in:
            raise BadSetting(where="--against", reason="name test files.", reason_zh="请指定测试文件。")
        tests = Tests(read_tests(tests_in, limits.shortest), limits)
        checked = files or _prepared(settings)
        count, found = _overlaps(checked, tests)
    lines = [f"{each['file']}:{each['line']}: {overlap}" for each in found for overlap in each["overlaps"]]
    value = {
        "records": count,
        "overlapping": len(found),
        "tests": [str(path) for path in tests_in],
        "found": [each | {"overlaps": [vars(overlap) for overlap in each["overlaps"]]} for each in found],
    }
    _said(value, as_json, [*_listed(lines), f"{len(found)} of {count} records overlap with {len(tests_in)} test files"])
    if found:
        raise typer.Exit(1)


def _prepared(settings: Prepare | None) -> list[Path]:
    assert settings
    path = settings.output / REPORT
    if not path.exists():
        raise BadData(
            where=str(path), reason="is not there; run `prepare` first.", reason_zh="不存在，请先运行 `prepare`。"
        )
    return [settings.output / name for name in json.loads(read_text(path))["files"]]


def _overlaps(files: Sequence[Path], tests: Tests) -> tuple[int, list[dict[str, Any]]]:
    count, found = 0, []
    for path in files:
        for row in progress(read_jsonl(path), path.name):
            if isinstance(row, Problem):  # a row that cannot be read cannot be called clean
                raise _first_of([row])
            count += 1
            if overlaps := tests.overlaps([text for _, text in texts(row.value)]):
                found.append({"file": row.file, "line": row.line, "overlaps": overlaps})
    return count, found
