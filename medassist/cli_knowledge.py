"""The command line of the knowledge graph and of the audit trail: `knowledge …`, `audit …`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from medassist.audit import Audit
from medassist.cli_errors import one_line
from medassist.config import load_settings
from medassist.errors import InvalidCase, KnowledgeError
from medassist.knowledge.graph import Graph
from medassist.knowledge.importers import pack as pack_files
from medassist.knowledge.records import DATA, Disease, read_files
from medassist.knowledge.validate import problems
from medassist.knowledge.versions import Knowledge, compare
from medassist.services import build_knowledge, secret
from medassist.store import open_store

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]

knowledge = typer.Typer(no_args_is_help=True, help="The medical knowledge graph: what is in it, and its updates.")
audit = typer.Typer(no_args_is_help=True, help="The audit trail.")


def _said(value: Any, as_json: bool, text: str) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2) if as_json else text)


def _opened() -> tuple[Knowledge, Graph]:
    versions = build_knowledge(load_settings())
    versions.start()
    return versions, versions.current()


@knowledge.command()
def status(as_json: AsJson = False) -> None:
    """Say which version is current, what it holds and where that came from."""
    with one_line():
        versions, graph = _opened()
        previous = versions.versions()["previous"]
    counts, sources = graph.counts(), graph.sources()
    reviewed = sum(disease.review.status == "reviewed" for disease in graph.diseases.values())
    lines = [f"version {graph.version}" + (f" (before it {previous})" if previous else "")]
    lines += [f"{name.replace('_', ' ')}: {count}" for name, count in counts.items()]
    lines += [f"reviewed by a clinician: {reviewed} diseases of {counts['diseases']}"]
    lines += [f"{each['name']} {each['version']} · {each['licence']}" for each in sources]
    value = {
        "version": graph.version,
        "previous": previous,
        **counts,
        "reviewed_diseases": reviewed,
        "sources": sources,
    }
    _said(value, as_json, "\n".join(lines))


@knowledge.command()
def search(text: str, limit: Annotated[int, typer.Option(min=1, max=200)] = 20, as_json: AsJson = False) -> None:
    """Find diseases, findings, codes and terms by their names in English or Chinese."""
    with one_line():
        hits = _opened()[1].search(text, limit)
    value = [{"id": hit.id, "kind": hit.kind, "en": hit.en, "zh": hit.zh, "source": hit.source} for hit in hits]
    _said(
        value,
        as_json,
        "\n".join(f"{hit.id}\t{hit.kind}\t{hit.en} {hit.zh}".rstrip() for hit in hits) or "nothing found",
    )
    if not hits:
        raise typer.Exit(1)


@knowledge.command()
def show(disease: str, as_json: AsJson = False) -> None:
    """Show a disease by its id or by any of its names."""
    with one_line():
        graph = _opened()[1]
        found = graph.diseases.get(disease) or graph.normalise(disease)
        if found is None:
            raise InvalidCase(where=disease[:60], reason="is no disease of the graph.", reason_zh="图谱中没有此疾病。")
    value = found.model_dump(mode="json", by_alias=True)
    value["references"] = [source.model_dump(mode="json") for source in graph.cited(found.sources)]
    _said(value, as_json, "\n".join(_page(graph, found)))


def _page(graph: Graph, disease: Disease) -> Iterator[str]:
    yield f"{disease.name.en} · {disease.name.zh} ({disease.icd10} {graph.code(disease.icd10) or ''})"
    yield (
        f"{disease.specialty}, {disease.urgency}, {disease.prevalence}, {disease.age[0]:g}–{disease.age[1]:g} years, {disease.sex}"
        + (", can't miss" if disease.cant_miss else "")
    )
    yield (
        "draft, not clinician-reviewed"
        if disease.review.status == "draft"
        else f"reviewed by {disease.review.by}, {disease.review.on}"
    )
    for title, group in (
        ("for", disease.findings.for_),
        ("pathognomonic", disease.findings.pathognomonic),
        ("against", disease.findings.against),
    ):
        for name, frequency in group.items():
            yield f"  {title}: {graph.finding_name(name, 'en')} ({frequency.replace('_', ' ')})"
    for each in disease.examinations:
        yield f"  test: {each.test.en} → {each.expect.en}"
    for other in disease.look_alikes:
        yield f"  not {other.disease}: {other.by.en}"
    for source in graph.cited(disease.sources):
        yield f"  source: {source.title}, {source.publisher}{f' {source.year}' if source.year else ''}. {source.url}"


@knowledge.command()
def validate(
    folder: Annotated[Path, typer.Argument(help="Knowledge files; those of the app when not given.")] = DATA,
    as_json: AsJson = False,
) -> None:
    """Check every rule over the knowledge files."""
    with one_line():
        if not folder.is_dir():
            raise InvalidCase(where=str(folder)[:100], reason="is no folder.", reason_zh="不是目录。")
        files = read_files(folder)
        found = problems(files)
    counts = {kind: len(getattr(files, kind)) for kind in ("diseases", "red_flags", "findings", "measures", "sources")}
    value = {"valid": not found, "problems": [str(each) for each in found], **counts}
    summary = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items())
    _said(value, as_json, "\n".join([*map(str, found), f"{len(found)} problems in {summary}"]))
    if found:
        raise typer.Exit(1)


@knowledge.command()
def update(
    file: Annotated[
        Path, typer.Argument(help="A package of knowledge files, phenotype.hpoa, or the Disease Ontology's table.")
    ],
    licence: Annotated[
        str | None, typer.Option(help="The file's licence, where it does not name its own: HPO, CC0-1.0.")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="The hash the file must have.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve without being asked.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build an update beside the current version, show what differs, and swap it in once approved."""
    with one_line():
        versions, before = _opened()
        trail = _trail()
        try:
            proposal = versions.propose(file, licence=licence, sha256=sha256)
        except KnowledgeError as error:
            trail.record("cli", "knowledge.refused", before.version, new={"reason": error.text()[:300]})
            raise
        if not as_json:
            typer.echo(
                "\n".join([*proposal.diff, f"{len(proposal.diff)} differences; {before.version} → {proposal.version}"])
            )
        if not (yes or (not as_json and typer.confirm("Make this the current version?"))):
            versions.discard(proposal)
            raise typer.Exit(1)
        versions.accept(proposal)
        trail.record(
            "cli",
            "knowledge.updated",
            proposal.version,
            old={"version": before.version},
            new={
                "version": proposal.version,
                "source": proposal.source,
                "licence": proposal.licence,
                "sha256": proposal.sha256,
            },
        )
    value = {"version": proposal.version, "previous": before.version, "diff": list(proposal.diff)}
    _said(value, as_json, f"current version: {proposal.version}")


@knowledge.command()
def diff(
    one: Annotated[str | None, typer.Argument(help="A version; the one before the current when not given.")] = None,
    two: Annotated[str | None, typer.Argument(help="Another; the current one when not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what differs between two versions that are kept."""
    with one_line():
        versions, graph = _opened()
        before = one or versions.versions()["previous"]
        if before is None:
            raise KnowledgeError(reason="there is no version before this one.", reason_zh="没有更早的版本。")
        lines = list(compare(versions.version(before), versions.version(two or graph.version)))
    _said({"from": before, "to": two or graph.version, "diff": lines}, as_json, "\n".join(lines) or "no difference")


@knowledge.command()
def rollback(as_json: AsJson = False) -> None:
    """Go back to the version before the current one."""
    with one_line():
        versions, graph = _opened()
        version = versions.rollback()
        _trail().record(
            "cli", "knowledge.rolled_back", version, old={"version": graph.version}, new={"version": version}
        )
    _said({"version": version, "previous": graph.version}, as_json, f"current version: {version}")


@knowledge.command()
def pack(folder: Path, file: Path, licence: Annotated[str, typer.Option()] = "CC-BY-4.0") -> None:
    """Put a folder of knowledge files into a package for `update`."""
    with one_line():
        if not folder.is_dir():
            raise InvalidCase(where=str(folder)[:100], reason="is no folder.", reason_zh="不是目录。")
        try:
            count = pack_files(folder, file, licence)
        except OSError as error:
            raise KnowledgeError(reason=f"{file.name} cannot be written ({error.strerror}).") from None
    typer.echo(f"{count} files in {file}")


def _trail() -> Audit:
    settings = load_settings()
    return Audit(open_store(settings.database).database, secret(settings.data_dir, "audit").encode())


@audit.command()
def verify(as_json: AsJson = False) -> None:
    """Check the whole trail; name the first entry that does not hold."""
    with one_line():
        count = _trail().verify()
    _said({"valid": True, "entries": count}, as_json, f"{count} entries, all as they were written")


@audit.command(name="list")
def list_(limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50, as_json: AsJson = False) -> None:
    """The last entries, newest first."""
    with one_line():
        entries = _trail().latest(limit)
    lines = [f"{each.number}\t{each.at}\t{each.who}\t{each.what}\t{each.subject}\t{each.new or ''}" for each in entries]
    _said([vars(each) for each in entries], as_json, "\n".join(lines))
