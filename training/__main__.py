"""`python -m training`: synthesize, validate, prepare, decontam, preview, finetune, export.

Exit codes as the app's own: 0 done, 1 the work failed, 2 the input was wrong, with one line on stderr that says where.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from medassist.cli_errors import one_line
from medassist.config import load_settings
from medassist.prompt import POINTS_VERSION, PROMPT_VERSION, Prompt
from medassist.services import build_knowledge
from training import cli_data
from training.cases import Exchange, TrainingCase
from training.config import read_setting, sections
from training.examples import example, in_points
from training.recipe import Data, Recipe, data_of, recipe
from training.records import read_records
from training.synthesize import synthesize_command

ZERO = Path(__file__).parent / "configs" / "zero2.json"
app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
app.command("synthesize")(synthesize_command)
app.command("validate")(cli_data.validate_command)
app.command("prepare")(cli_data.prepare_command)
app.command("decontam")(cli_data.decontam_command)

Config = Annotated[Path, typer.Option("--config", help="A YAML with data, model, lora and train.")]


@app.command()
def preview(config: Config, count: Annotated[int, typer.Option(min=1)] = 1) -> None:
    """Print examples with what bears loss between ⟦ and ⟧; fail where a part of an answer bears none."""
    with one_line():
        from training import encode, finetune

        made, data = _read(config)
        tokenizer = finetune.tokenizer_of(made)
        for number, (prompt, answer) in enumerate(_examples(data, data.train, tokenizer), 1):
            encoded = encode.encode(tokenizer, prompt, answer)
            typer.echo(encode.preview(tokenizer, encoded))
            encode.require_whole_loss(tokenizer, encoded, f"example {number}")
            typer.echo(f"— {len(encoded)} tokens, {sum(encoded.trained)} of them bear loss\n")
            if number == count:
                return


@app.command()
def finetune(
    config: Config, fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew over an earlier run.")] = False
) -> None:
    """Train the adapter of a recipe, from the last checkpoint where there is one."""
    with one_line():
        from training import encode
        from training import finetune as work

        made, data = _read(config)
        tokenizer = work.tokenizer_of(made)
        dropped: list[int] = []
        sides = [
            list(
                encode.fitting(
                    tokenizer,
                    _examples(data, files, tokenizer),
                    made.model.max_tokens,
                    dropped.append,
                )
            )
            for files in (data.train, data.validation)
        ]
        typer.echo(
            f"{len(sides[0])} examples to train on, {len(sides[1])} to check with;"
            f" {len(dropped)} left out, being longer than {made.model.max_tokens} tokens",
            err=True,
        )
        form = POINTS_VERSION if data.form == "points" else PROMPT_VERSION
        folder = work.finetune(made, *sides, fresh=fresh, form=form)
    typer.echo(str(folder))


@app.command()
def export(
    config: Config,
    name: Annotated[str, typer.Option(help="The adapter's name: its folder under adapters/.")],
    metrics: Annotated[Path | None, typer.Option(help="What `evaluate cases --json` printed.")] = None,
    merged: Annotated[Path | None, typer.Option(help="Also write the base with the adapter merged, here.")] = None,
    converter: Annotated[
        Path | None, typer.Option("--gguf-converter", help="llama.cpp's convert_hf_to_gguf.py: also a GGUF of it.")
    ] = None,
) -> None:
    """Put a finished run under adapters/, with its manifest and card."""
    with one_line():
        from training import export as work

        made, _ = _read(config)
        measured: dict[str, Any] | None = json.loads(read_setting(metrics)) if metrics else None
        folder = work.export(made.train.output, name, measured)
        typer.echo(str(folder))
        if merged is not None:
            typer.echo(str(work.merge(made.train.output, merged)))
            if converter is not None:
                typer.echo(str(work.to_gguf(merged, converter)))


@app.command()
def bench(
    config: Config,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of each run.")] = 8,
    backend: Annotated[list[str] | None, typer.Option(help="trl, deepspeed, unsloth; all when not given.")] = None,
    unsloth_python: Annotated[
        str, typer.Option(help="The interpreter of the environment that Unsloth is installed in.")
    ] = "",
    zero: Annotated[Path | None, typer.Option(help="DeepSpeed's settings; configs/zero2.json when not given.")] = None,
) -> None:
    """Train a few steps with every backend and print a table: memory, speed, loss."""
    with one_line():
        from training import bench as work

        _read(config)
        told = sections(read_setting(config), config.name, "model")
        runs = []
        for each in work.bench(told, steps, backend or work.BACKENDS, {"unsloth": unsloth_python}, zero or ZERO):
            typer.echo(f"{each.backend}: {each.stopped or f'{each.speed:.0f} tokens/s'}", err=True)
            runs.append(each)
    typer.echo(work.table(runs, steps))


@app.command()
def push(
    name: Annotated[str, typer.Argument(help="An adapter under adapters/.")],
    repo: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="The hub repository, made private where it is new.")
    ],
) -> None:
    """Upload an adapter with its card to a hub; the token is HF_TOKEN."""
    with one_line():
        from training import export as work

        typer.echo(work.push(name, repo))


def _read(config: Path) -> tuple[Recipe, Data]:
    told = sections(read_setting(config), config.name, "model")
    return recipe(told, config.name), data_of(told, config.name)


def _examples(data: Data, files: tuple[Path, ...], tokenizer: Any) -> Iterator[tuple[Prompt, str]]:
    """Prompts and answers, the prompts with what serving would show of the knowledge graph."""
    knowledge = build_knowledge(load_settings())
    knowledge.start()
    graph = knowledge.current()

    def fits(text: str) -> bool:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"]) <= data.knowledge_tokens

    record: TrainingCase | Exchange
    for record in read_records(files):
        if data.form == "points" and isinstance(record, TrainingCase):
            for made in in_points(record, graph, data.drills):
                yield made.prompt, made.answer
        else:
            made = example(record, graph, fits=fits)
            yield made.prompt, made.answer


if __name__ == "__main__":
    app()
