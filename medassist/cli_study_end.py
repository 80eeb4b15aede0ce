"""The command line of a blind study, from its lock to its report: `study lock | unblind | report | export | import | plan`.

What computes and draws is read where it is used: it would make every other command start half a second later.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from medassist.cli_errors import one_line
from medassist.cli_study import AsJson, StudyId, Who, me, opened, said
from medassist.errors import BadSetting, InvalidStudy, NotAllowed, StorageError
from medassist.services import Services
from medassist.study.collecting import dataset
from medassist.study.dataset import Dataset
from medassist.study.lead import UNBLINDERS

T = TypeVar("T")

Html = Annotated[Path | None, typer.Option(help="Also write the report as one HTML file.")]
Pdf = Annotated[Path | None, typer.Option(help="Also write the report as a PDF.")]
Spoken = Annotated[str, typer.Option("--language", help="en or zh: of the report's text.")]


def add_to(study: typer.Typer) -> None:
    """Make these commands `study …` ones."""
    for command in (lock, unblind, report, export, import_, plan):
        study.command(name=command.__name__.rstrip("_"))(command)


def lock(study_id: StudyId, who: Who = None, as_json: AsJson = False) -> None:
    """Let nobody rate or amend any more."""
    with opened() as services:
        services.lead.lock(study_id, me(who))
    said({"study": study_id, "state": "locked"}, "locked", as_json)


def unblind(
    study_id: StudyId,
    who: Annotated[str, typer.Option("--who", help="A study lead's account; two have to agree.")],
    as_json: AsJson = False,
) -> None:
    """Agree to unblind, by password; done once two people have."""
    with opened() as services:
        names = services.lead.unblind(study_id, _signed_in(services, who))
        state = services.lead.studies.study(study_id).state
    missing = UNBLINDERS - len(names)
    text = state if missing <= 0 else f"{', '.join(names)} agreed; {missing} more needed"
    said({"study": study_id, "state": state, "agreed": names}, text, as_json)


def _signed_in(services: Services, name: str) -> str:
    """The name of the account, once its password was given: typed, or on stdin. Raises `NotAllowed` and others."""
    password = typer.prompt("Password", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    token = services.directory.sign_in(name, password.rstrip("\r\n"))
    account = services.directory.who(token)
    services.directory.sign_out(token)
    if account is None or account.role != "lead":
        raise NotAllowed
    return account.name


def report(
    study_id: StudyId,
    html: Html = None,
    pdf: Pdf = None,
    language: Spoken = "en",
    as_json: AsJson = False,
) -> None:
    """What came out, once the study is unblinded."""
    with opened() as services:
        _reported(dataset(services.lead, study_id), html, pdf, language, as_json)


def export(
    study_id: StudyId,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A folder, or a .zip file.")],
    as_json: AsJson = False,
) -> None:
    """Write everything into files that a spreadsheet, R and `study import` read; without arms while it is blinded."""
    from medassist.study.export import export as write_export

    with opened() as services:
        written = _written(lambda: write_export(dataset(services.lead, study_id), target), target)
    said({"study": study_id, "export": str(written)}, str(written), as_json)


def import_(
    source: Annotated[Path, typer.Argument(metavar="EXPORT", help="A folder or .zip file of `study export`.")],
    html: Html = None,
    pdf: Pdf = None,
    language: Spoken = "en",
    as_json: AsJson = False,
) -> None:
    """Recompute the report from an export, to the digit; nothing is added to the database."""
    from medassist.study.export import read_export

    with one_line():
        _reported(read_export(source), html, pdf, language, as_json)


def _reported(data: Dataset, html: Path | None, pdf: Path | None, language: str, as_json: bool) -> None:
    from medassist.study.analysis import analyse, contract
    from medassist.study.report import report_html, report_pdf

    if language not in ("en", "zh"):
        raise BadSetting(where="--language", reason="must be en or zh.", reason_zh="必须是 en 或 zh。")
    analysis = analyse(data)
    if html is not None or pdf is not None:
        page = report_html(analysis, "zh" if language == "zh" else "en")
        if html is not None:
            _written(lambda: html.write_text(page, encoding="utf-8"), html)
        if pdf is not None:
            _written(lambda: pdf.write_bytes(report_pdf(page)), pdf)
    told = contract(analysis)
    lines = [told["title"], *(["Simulated raters: this says nothing of any arm."] if told["sample"] else [])]
    for name, arm in told["arms"].items():
        low, high = arm["acceptance_two_way"]
        figures = "not rated" if arm["acceptance"] is None else f"accepted {arm['acceptance']:.1%} ({_ends(low, high)})"
        lines.append(f"{name}: {figures}, {arm['n_ratings']} ratings of {arm['n_cases']} cases")
    said(told, "\n".join(lines), as_json)


def _ends(low: float | None, high: float | None) -> str:
    return "no interval" if low is None or high is None else f"{low:.1%} to {high:.1%}"


def _written(write: Callable[[], T], path: Path) -> T:
    try:
        return write()
    except OSError as error:
        raise StorageError(reason=f"{path}: {error.strerror}.", reason_zh=f"{path}：{error.strerror}。") from None


def plan(
    acceptance: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="The share of answers expected to be accepted.")
    ] = 0.9,
    cases: Annotated[str, typer.Option(help="Numbers of cases to compare, as 50,100,200.")] = "50,100,200",
    per_case: Annotated[str, typer.Option(help="Numbers of ratings a case, as 2,3,5.")] = "2,3,5",
    raters: Annotated[int, typer.Option(min=2, max=100)] = 10,
    rater_sd: Annotated[float, typer.Option(min=0, max=5, help="How far raters differ in severity, in logits.")] = 0.8,
    studies: Annotated[int, typer.Option(min=50, max=5000, help="Simulated for each.")] = 500,
    seed: int = 0,
    as_json: AsJson = False,
) -> None:
    """How precise a study would be: half the width of the interval for numbers of cases and ratings, by simulation."""
    from medassist.statistics import plan as plans

    with one_line():
        made = plans(
            acceptance,
            cases=_numbers(cases, "--cases", 5000),
            ratings_per_case=_numbers(per_case, "--per-case", raters),
            raters=raters,
            rater_sd=rater_sd,
            studies=studies,
            seed=seed,
        )
    told = [vars(each) for each in made]
    lines = [f"{'cases':>6}{'a case':>8}{'± median':>10}{'± 90 %':>9}{'covers':>8}"]
    lines += [
        f"{e.cases:>6}{e.ratings_per_case:>8}{e.half_width:>10.1%}{e.half_width_90:>9.1%}{e.coverage:>8.1%}"
        for e in made
    ]
    said({"acceptance": acceptance, "raters": raters, "rater_sd": rater_sd, "plans": told}, "\n".join(lines), as_json)


def _numbers(text: str, option: str, most: int) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= most for part in parts) or len(parts) > 10:
        raise InvalidStudy(where=option, reason=f"must be up to ten whole numbers from 1 to {most}, with commas between.", reason_zh=f"必须是至多十个 1 到 {most} 的整数，以逗号分隔。")  # fmt: skip
    return [int(part) for part in parts]
