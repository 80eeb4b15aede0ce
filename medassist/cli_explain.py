"""The command line of explanations: `explain`."""

import json
import sys
from typing import Annotated

import typer

from medassist.cli_errors import one_line
from medassist.cli_read import language_of, read_input, settled
from medassist.config import load_settings
from medassist.explain import MOST
from medassist.explanation import Explanation, sentence
from medassist.intake import read_case
from medassist.services import build_services

BAR = 24


def explain(
    case: Annotated[
        str, typer.Argument(metavar="CASE|-", help="A file with a case (JSON or a pasted note), or - for stdin.")
    ],
    target: Annotated[
        str | None, typer.Option(help="The diagnosis to explain, as it is named in the list; the first by default.")
    ] = None,
    samples: Annotated[int, typer.Option(min=8, max=4096, help="At most so many.")] = MOST,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampling; the same one gives the same weights.")] = 0,
    engine: Annotated[str | None, typer.Option(help="local or knowledge; MEDASSIST_ENGINE when not given.")] = None,
    adapter: Annotated[str | None, typer.Option(help="An adapter's name or folder; none for no adapter.")] = None,
    no_knowledge: Annotated[bool, typer.Option("--no-knowledge", help="Without grounding.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Answer a case and say which of its findings pulled the answer towards a diagnosis, and how far to trust that."""
    spoken = "en"
    with one_line(lambda: spoken):
        text = read_input(case)
        spoken = language_of(text)
        read = read_case(text)
        spoken = read.written_in
        services = build_services(load_settings(engine=engine, adapter=adapter))
        try:
            answer = settled(services.consult(read, grounded=not no_knowledge, who="cli"))
            told: Explanation | None = None
            for told in services.explain(answer.consultation_id, most=samples, seed=seed, who="cli"):
                typer.echo(f"… {told.samples}/{samples}", err=True)
            assert told is not None  # `explain` yields or raises
            place = told.place(target) if target else 0
        finally:
            services.close()
    typer.echo(json.dumps(told.told(place), ensure_ascii=False, indent=2) if as_json else _table(told, place))
    sys.stdout.flush()


def _table(told: Explanation, place: int) -> str:
    """The units with a bar each, strongest first; in the order of the text where ranks cannot be trusted."""
    weights, reliable = told.weights[place], told.reliable(place)
    widest = max(1e-9, float(abs(weights).max()))
    order = told.strongest(place, len(told.units)) if reliable else range(len(told.units))
    lines = [sentence(told, place), ""]
    for unit in order:
        weight = float(weights[unit])
        lines.append(
            f"{weight:+7.2f} {('+' if weight > 0 else '−') * round(BAR * abs(weight) / widest):<{BAR}} {told.units[unit].text}"
        )
    trust = "" if reliable else "  UNRELIABLE FOR THIS CASE" if told.language == "en" else "  本例的解释不可靠"
    lines += [
        "",
        f"R² {told.r2[place]:.2f} · signs {told.signs[place]:.0%} · {told.samples} samples · {told.by}{trust}",
    ]
    return "\n".join(lines)
