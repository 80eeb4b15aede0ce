"""The command line of the yardsticks: `evaluate cases`."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from medassist.case import PatientCase
from medassist.cli_errors import one_line
from medassist.cli_read import settled
from medassist.config import load_settings
from medassist.evaluate import cases as yardstick
from medassist.evaluate.explanations import draw, measure, summary
from medassist.evaluate.reasons import Counts, count
from medassist.explain import MOST, Perturbed
from medassist.prompt import POINTS_VERSION, PROMPT_VERSION
from medassist.services import Services, build_services

evaluate = typer.Typer(no_args_is_help=True, help="How good the answers are, on cases whose diagnosis is known.")


@evaluate.command()
def cases(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Cases with `diagnosis` and/or `accept`.")],
    engine: Annotated[str | None, typer.Option(help="local, knowledge or scripted.")] = None,
    adapter: Annotated[str | None, typer.Option(help="An adapter's name or folder; none for no adapter.")] = None,
    no_knowledge: Annotated[bool, typer.Option("--no-knowledge", help="Without grounding.")] = False,
    shuffle: Annotated[
        int | None, typer.Option("--shuffle-candidates", help="Reorder the candidates in the prompt by this seed.")
    ] = None,
    withhold: Annotated[
        bool, typer.Option("--withhold", help="Leave the right disease out of the candidates: does it say none fits?")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Consultations at a time.")] = 4,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask again what an earlier run answered.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Ask about every case and say how often the right diagnosis was first, among three, among five.

    A run that was broken off goes on where it stopped. The consultations are not kept.
    """
    with one_line():
        read = yardstick.read_cases(file)[:limit]
        with _services(engine, adapter) as services:
            graph = services.knowledge.current()
            services.engine.load()
            key = yardstick.key(
                read, services.engine.name, services.engine.model, services.engine.adapter, services.engine.profile,
                graph.version, not no_knowledge, shuffle, withhold, PROMPT_VERSION, POINTS_VERSION,
            )  # fmt: skip
            kept = yardstick.Kept(services.settings.data_dir / "evaluations" / f"{key}.jsonl")
            if fresh:
                kept.path.unlink(missing_ok=True)
            results: dict[int, yardstick.Result] = {}
            with typer.progressbar(length=len(read), label=file.name, file=sys.stderr) as bar:
                for place, result in yardstick.run(
                    read,
                    lambda case, without: services.consult(
                        case, cached=False, grounded=not no_knowledge, shuffle=shuffle, without=without
                    ),
                    graph,
                    kept=kept,
                    at_once=at_once,
                    withhold=withhold,
                ):
                    results[place] = result
                    bar.update(1)
        told = yardstick.summary([results[place] for place in sorted(results)])
    typer.echo(json.dumps(told, ensure_ascii=False, indent=2) if as_json else _table(told))


@evaluate.command()
def reasons(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Cases with `diagnosis` and/or `accept`.")],
    adapter: Annotated[str | None, typer.Option(help="An adapter's name or folder.")] = None,
    shuffle: Annotated[int | None, typer.Option("--shuffle-candidates", help="Reorder by this seed.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Answers at a time.")] = 4,
    show: Annotated[int, typer.Option(min=0, help="Also print so many answers beside what they should be.")] = 0,
) -> None:
    """Let an adapter that weighs in points write freely, and count its reasons, sums and rankings against a recount."""
    with one_line():
        read = yardstick.read_cases(file)[:limit]
        with _services("local", adapter) as services:
            told = Counts()
            with typer.progressbar(length=len(read), label=file.name, file=sys.stderr) as bar:
                graph = services.knowledge.current()
                for answer, told in count(read, services.engine, graph, shuffle=shuffle, at_once=at_once):
                    bar.update(1)
                    if told.answers <= show:
                        typer.echo(
                            f"--- {answer.id}\n{answer.asked}\n\n{answer.written}\n\nshould be\n{answer.right}\n"
                        )
    typer.echo(json.dumps(told.told(), indent=2))


@evaluate.command()
def explanations(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Cases with `diagnosis` and/or `accept`.")],
    engine: Annotated[str | None, typer.Option(help="local or knowledge.")] = None,
    adapter: Annotated[str | None, typer.Option(help="An adapter's name or folder; none for no adapter.")] = None,
    no_knowledge: Annotated[bool, typer.Option("--no-knowledge", help="Without grounding.")] = False,
    samples: Annotated[int, typer.Option(min=64, max=4096, help="At most so many to an explanation.")] = MOST,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Also draw the curves into this PNG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Explain the first diagnosis of every case and measure the explanations: fit, stability, deletion, planted findings."""
    with one_line():
        read = yardstick.read_cases(file)[:limit]
        with _services(engine, adapter) as services:
            services.engine.load()

            def answered(case: PatientCase) -> tuple[Perturbed, float]:
                finished = settled(services.consult(case, cached=False, grounded=not no_knowledge))
                timing: Any = finished.answer["timing"]
                return services.explainable(finished.consultation_id)[0], float(timing["total_s"])

            graph = services.knowledge.current()
            told = []
            with typer.progressbar(length=len(read), label=file.name, file=sys.stderr) as bar:
                for each in measure(read, answered, graph, most=samples):
                    told.append(each)
                    bar.update(1)
        figures = summary(told)
        if figure is not None:
            draw(told, figure)
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False, indent=2))
        return
    names = [name for name in figures if name not in ("by_language", "cases")]
    columns = {"all": figures, **figures["by_language"]}
    typer.echo("".join([f"{'':34}", *(f"{label:>18}" for label in columns)]))
    for name in names:
        typer.echo("".join([f"{name:34}", *(f"{each.get(name)!s:>18}" for each in columns.values())]))


@contextlib.contextmanager
def _services(engine: str | None, adapter: str | None) -> Iterator[Services]:
    """Services whose consultations vanish afterwards: an evaluation is nobody's history."""
    with tempfile.TemporaryDirectory(prefix="evaluate-") as folder:
        settings = load_settings(
            engine=engine, adapter=adapter, database_url=f"sqlite:///{Path(folder) / 'evaluation.sqlite3'}"
        )
        services = build_services(settings)
        try:
            yield services
        finally:
            services.close()


def _table(told: dict[str, Any]) -> str:
    names: tuple[str, ...] = ("n", "parsed", "truncated", "none_fits", "top1", "top3", "top5", "mrr")
    names += tuple(name for name in ("own_none_fits", "own_top1", "own_top5") if name in told)
    rows = [("", *names)]
    for label, rates in (("all", told), *told["by_language"].items()):
        rows.append((label, *(str(rates.get(name, "")) for name in names)))
    missed = [f"{each['id']}: {each['verdict']} {each['error']}".rstrip() for each in told["cases"] if not each["rank"]]
    return "\n".join(
        [*("".join(f"{cell:>11}" for cell in row) for row in rows), "", "Without the right diagnosis:", *missed]
    )
