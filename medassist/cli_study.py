"""The command line of a blind study, from its protocol to its assignments: `study create | arms | cases | …`."""

import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from medassist.cli_errors import one_line
from medassist.config import load_settings
from medassist.errors import InvalidStudy, UnreadableInput
from medassist.services import Services, answerer, build_services
from medassist.store.studies import new_id
from medassist.study.adjudication import adjudicate as give_third_experts
from medassist.study.answers import import_answers, read_answers
from medassist.study.cases import keep_cases, read_cases
from medassist.study.cases import template as case_template
from medassist.study.generate import Tally
from medassist.study.generate import generate as write_answers
from medassist.study.instrument import Instrument, read_instrument
from medassist.study.inviting import invite_raters
from medassist.study.lead import NewRater
from medassist.study.protocol import Protocol, read_protocol
from medassist.study.rows import RowFault
from medassist.study.setting_up import arm_configs, instrument_of, protocol_template
from medassist.study.watching import status as standing

study = typer.Typer(
    no_args_is_help=True, help="A blind clinical evaluation: who rates which answers, and what came out."
)

StudyId = Annotated[str, typer.Argument(metavar="STUDY", help="Its id: see `study list`.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Who = Annotated[
    str | None, typer.Option("--who", help="Who does this, for the audit trail; the login name when not given.")
]
MOST_FAULTS = 20


@contextmanager
def opened() -> Iterator[Services]:
    """Services on the installation's database; errors end as one line."""
    with one_line():
        services = build_services(load_settings())
        try:
            yield services
        finally:
            services.close()


def me(who: str | None) -> str:
    try:
        return who or getpass.getuser()
    except (KeyError, OSError):  # a container without such a user
        return f"user {os.getuid()}"


def said(told: Any, text: str, as_json: bool) -> None:
    typer.echo(json.dumps(told, ensure_ascii=False, indent=2) if as_json else text)


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableInput(reason=f"{path}: {error.strerror}.", reason_zh=f"{path}：{error.strerror}。") from None


def text_of(path: Path) -> str:
    try:
        return read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidStudy(where=path.name, reason="is not UTF-8.", reason_zh="不是 UTF-8 编码。") from None


def decoded(path: Path) -> Any:
    """JSON or YAML. Raises `InvalidStudy`."""
    try:
        return yaml.safe_load(text_of(path))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise InvalidStudy(where=path.name, reason=f"is no valid JSON or YAML{line}.", reason_zh=f"不是有效的 JSON 或 YAML{line}。") from None  # fmt: skip


@study.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List all studies, newest first."""
    with opened() as services:
        told = [
            {"id": each.id, "title": services.lead.protocol(each.id).title, "state": each.state, "sample": each.sample}
            for each in services.lead.studies.studies()
        ]
    lines = [f"{each['id']}\t{each['state']}\t{each['title']}{' (sample)' if each['sample'] else ''}" for each in told]
    said({"studies": told}, "\n".join(lines) or "no studies", as_json)


@study.command()
def template(what: Annotated[str, typer.Argument(help="protocol, arms or cases.")] = "protocol") -> None:
    """Print a file to start from: a protocol (YAML), arms (YAML) or a table of cases (CSV)."""
    with one_line():
        made = {"protocol": protocol_template, "arms": lambda: protocol_template("arms"), "cases": case_template}
        if what not in made:
            raise InvalidStudy(where="template", reason="must be protocol, arms or cases.", reason_zh="必须是 protocol、arms 或 cases。")  # fmt: skip
        typer.echo(made[what](), nl=False)


@study.command()
def create(
    file: Annotated[Path | None, typer.Argument(metavar="PROTOCOL", help="JSON or YAML: see `study template`.")] = None,
    instrument: Annotated[
        Path | None, typer.Option(help="The instrument as YAML, where the protocol names one that is not shipped.")
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="A whole study with simulated raters, to look at.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="With --sample: ask the models again (minutes).")] = False,
    unrated: Annotated[bool, typer.Option("--unrated", help="With --sample: leave the rating to you.")] = False,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Make a study in draft from a protocol, or the sample study."""
    with opened() as services:
        if sample:
            from medassist.study.sample import create_sample  # its data are read only for this

            with answerer(services) as answer:
                study_id = create_sample(
                    services.lead, services.panel, rated=not unrated, fresh=answer if fresh else None
                )
        elif file is None:
            raise InvalidStudy(where="PROTOCOL", reason="name a file, or ask for --sample.", reason_zh="请给出方案文件，或使用 --sample。")  # fmt: skip
        else:
            protocol = read_protocol(decoded(file) or {}, file.name)
            study_id = services.lead.create(protocol, _instrument(protocol, instrument), me(who))
        state = services.lead.studies.study(study_id).state
    said({"study": study_id, "state": state}, study_id, as_json)


def _instrument(protocol: Protocol, file: Path | None) -> Instrument:
    return instrument_of(protocol) if file is None else read_instrument(text_of(file), file.name)


@study.command()
def protocol(
    study_id: StudyId,
    file: Annotated[Path, typer.Argument(metavar="PROTOCOL")],
    reason: Annotated[str, typer.Option(help="Why, where the protocol is frozen and this amends it.")] = "",
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Replace a draft's protocol, or amend a frozen one with a reason."""
    with opened() as services:
        read = read_protocol(decoded(file) or {}, file.name)
        if services.lead.studies.study(study_id).state == "draft":
            services.lead.set_protocol(study_id, read, me(who))
        else:
            services.lead.amend(study_id, read, reason, me(who))
        number = services.lead.studies.versions(study_id)[-1].number
    said({"study": study_id, "version": number, "sha256": read.sha256}, f"version {number}, {read.sha256}", as_json)


@study.command()
def arms(
    study_id: StudyId,
    file: Annotated[Path | None, typer.Argument(metavar="ARMS", help="JSON or YAML; shown when not given.")] = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Say where the answers of each arm come from, or show it."""
    with opened() as services:
        if file is not None:
            services.lead.set_arms(study_id, arm_configs(decoded(file), file.name), me(who))
        rows = services.lead.studies.arms(study_id)
        told = [{"name": row.name, "code": row.code, "config": row.config, "sha256": row.config_sha256} for row in rows]
    said({"arms": told}, "\n".join(f"{row.code}\t{row.name}\t{row.config['source']}" for row in rows), as_json)


@study.command()
def cases(
    study_id: StudyId,
    file: Annotated[
        Path | None, typer.Argument(metavar="CASES", help="JSON lines or CSV; shown when not given.")
    ] = None,
    column: Annotated[list[str] | None, typer.Option(help="THEIRS=ours, for a column with another name.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is wrong and keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add cases, all of a file or none of it, or list them."""
    with opened() as services:
        if file is not None:
            named = dict(each.partition("=")[::2] for each in column or [])
            read = read_cases(read_file(file), file.name, named)
            _report(read.warnings, "look at")
            _report(read.faults, "wrong")
            if not dry_run:
                keep_cases(services.lead.studies, study_id, read)
            elif read.faults:
                raise typer.Exit(2)
        kept = services.lead.studies.cases(study_id)
        told = [
            {"id": c.key, "language": c.language, "specialty": c.specialty, "practice": c.is_practice} for c in kept
        ]
    said({"cases": told, "n": len(told)}, f"{len(told)} cases", as_json)


def _report(faults: tuple[RowFault, ...], word: str) -> None:
    for fault in faults[:MOST_FAULTS]:
        typer.echo(f"{word}: {fault.text()}", err=True)
    if len(faults) > MOST_FAULTS:
        typer.echo(f"{word}: {len(faults) - MOST_FAULTS} more", err=True)


@study.command()
def raters(
    study_id: StudyId,
    add: Annotated[list[str] | None, typer.Option("--add", help="A pseudonym, as R-01; can be repeated.")] = None,
    specialty: Annotated[str, typer.Option(help="Of those added.")] = "",
    years: Annotated[int | None, typer.Option(min=0, max=80, help="Of experience, of those added.")] = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Invite raters and print their links, which are shown only this once; or list them."""
    with opened() as services:
        new = [NewRater(name, specialty, years) for name in add or []]
        invited = invite_raters(services.lead, services.directory, study_id, new, me(who))
        rows = services.lead.studies.raters(study_id)
        told = [
            {"pseudonym": r.pseudonym, "consented": r.consent_at is not None, "withdrawn": r.withdrawn_at is not None}
            for r in rows
        ]
    links = {each.pseudonym: {"account": each.account, "invitation": each.path} for each in invited}
    lines = [f"{each.pseudonym}\t{each.account}\t{each.path}" for each in invited] or [
        str(r["pseudonym"]) for r in told
    ]
    said({"raters": told, "invited": links}, "\n".join(lines), as_json)


@study.command()
def generate(
    study_id: StudyId,
    explained: Annotated[bool, typer.Option("--explained", help="Explain every answer too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the answers that are missing. Can be stopped and called again: it goes on where it was."""
    with opened() as services, answerer(services) as answer:
        with typer.progressbar(length=1, label="answers", file=sys.stderr) as bar:

            def show(tally: Tally) -> None:
                bar.length = max(tally.all, 1)
                bar.update(tally.done + tally.failed - bar.pos)

            tally = write_answers(
                services.lead.studies, study_id, answer, holder=new_id(), on_progress=show, explained=explained
            )
    told = {"all": tally.all, "done": tally.done, "failed": tally.failed, "blocked": tally.blocked}
    said(told, f"{tally.done} of {tally.all} answers, {tally.failed} failed, {tally.blocked} to read first", as_json)
    if tally.failed:
        raise typer.Exit(1)


@study.command()
def answers(
    study_id: StudyId,
    arm: Annotated[str, typer.Argument(help="The arm they are of.")],
    file: Annotated[Path, typer.Argument(metavar="ANSWERS", help='JSON lines {"case", "answer"} or CSV.')],
    as_json: AsJson = False,
) -> None:
    """Import the answers of a person or of another system."""
    with opened() as services:
        keys = [case.key for case in services.lead.studies.cases(study_id)]
        read = read_answers(read_file(file), file.name, keys)
        _report(read.faults, "wrong")
        if read.faults:
            raise InvalidStudy(where=file.name, reason="nothing was imported.", reason_zh="没有导入任何内容。")
        kept = import_answers(services.lead.studies, study_id, arm, read.answers)
    told = {"kept": kept.kept, "already": kept.already, "blocked": kept.blocked}
    said(told, f"{kept.kept} kept, {kept.already} already there, {kept.blocked} to read first", as_json)


@study.command()
def enrol(study_id: StudyId, who: Who = None, as_json: AsJson = False) -> None:
    """Freeze the protocol; raters may consent from now on."""
    with opened() as services:
        services.lead.enrol(study_id, me(who))
        sha256 = services.lead.studies.versions(study_id)[-1].sha256
    said({"study": study_id, "state": "enrolling", "sha256": sha256}, f"frozen: {sha256}", as_json)


@study.command()
def assign(
    study_id: StudyId,
    preview: Annotated[bool, typer.Option("--preview", help="Show the balance and assign nothing.")] = False,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Lay out who rates what, and begin rating."""
    with opened() as services:
        made, balanced = services.lead.preview(study_id)
        count = 0 if preview else services.lead.assign(study_id, me(who))
    told = {
        "assigned": count,
        "load": balanced.load,
        "load_spread": balanced.load_spread,
        "pair_spread": balanced.pair_spread,
        "first_arm": balanced.first_arm,
        "items": balanced.items,
        "shortfalls": [each.text() for each in made.shortfalls],
    }
    lines = [
        f"{rater}\t{items['all']} items\tfirst: {balanced.first_arm[rater]}" for rater, items in balanced.items.items()
    ]
    lines += [f"load differs by {balanced.load_spread}, pairs by {balanced.pair_spread}", *told["shortfalls"]]  # type: ignore[misc]
    said(told, "\n".join([*lines, f"{count} assignments" if count else "nothing assigned"]), as_json)


@study.command()
def status(study_id: StudyId, as_json: AsJson = False) -> None:
    """How far everything is. Counts only: nothing of it unblinds."""
    with opened() as services:
        told = standing(services.lead, study_id)
    lines = [f"{told['title']}: {told['state']}"]
    lines += [
        f"{told['answers']['written']} of {told['answers']['wanted']} answers, {told['answers']['blocked']} to read first"
    ]
    for name in ("by_arm", "by_case"):
        done, count = (sum(each[key] for each in told[name]) for key in ("done", "all"))
        lines.append(f"{name.replace('_', ' ')}: {done} of {count} ratings")
    lines += [f"{r['pseudonym']}: {sum(d['done'] for d in r['done'].values())} done" for r in told["raters"]]
    lines += [each["text"] for each in told["troubles"][:MOST_FAULTS]]
    said(told, "\n".join(lines), as_json)


@study.command()
def adjudicate(study_id: StudyId, who: Who = None, as_json: AsJson = False) -> None:
    """Give every answer in dispute a third expert."""
    with opened() as services:
        given, nobody = give_third_experts(services.lead, study_id, me(who))
    said({"given": given, "nobody": nobody}, f"{given} given to a third expert, {nobody} without one", as_json)
