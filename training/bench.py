"""The three backends side by side: the same data, seed and steps, each in a process of its own, padded and packed.

What ran is measured by the run itself (`finetune` writes `speed.json`); what did not run says what stopped it.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml

from training.recipe import Backend

BACKENDS: tuple[Backend, ...] = get_args(Backend)
PACKAGE = {"trl": "trl", "deepspeed": "deepspeed", "unsloth": "unsloth"}
LONGEST = 3600
"""Seconds that one run may take."""
ALONE = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29571"}
"""What a launcher tells a process that trains alone; without it DeepSpeed asks MPI."""


@dataclass(frozen=True)
class Run:
    """One backend in one form. Memory in bytes, speed in tokens a second; `stopped` says why there are no figures."""

    backend: str
    packed: bool
    device: str = ""
    peak: int = 0
    speed: float = 0.0
    loss: float = 0.0
    accuracy: float = 0.0  # of the next token, on the validation set
    stopped: str = ""


def bench(
    told: dict[str, Any], steps: int, backends: Sequence[str], pythons: dict[str, str], zero: Path
) -> Iterator[Run]:
    """Train `steps` optimiser steps of the recipe `told` (a parsed YAML) with every backend, dense and packed in turn.

    `pythons` names another interpreter for a backend that lives in an environment of its own; `zero` the settings of
    DeepSpeed.
    """
    for packed in (False, True):
        for backend in backends:
            yield _run(told, steps, backend, packed, pythons.get(backend, ""), zero)


def _run(told: dict[str, Any], steps: int, backend: str, packed: bool, python: str, zero: Path) -> Run:
    if not python and importlib.util.find_spec(PACKAGE[backend]) is None:
        return Run(backend, packed, stopped=f"the package {PACKAGE[backend]} is not installed")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        output, config = Path(folder) / "run", Path(folder) / "recipe.yaml"
        train = told["train"] | {
            "backend": backend,
            "packing": packed,
            "max_steps": steps,
            "evaluate_every": steps,
            "save_every": steps,
            "log_every": steps,
            "output": str(output),
        }
        if backend == "deepspeed":
            train["deepspeed"] = str(zero)
        config.write_text(yaml.safe_dump(told | {"train": train}), encoding="utf-8")
        environment = os.environ | {"PYTHONUNBUFFERED": "1"} | (ALONE if backend == "deepspeed" else {})
        command = [python or sys.executable, "-m", "training", "finetune", "--config", str(config)]
        try:
            done = subprocess.run(  # noqa: S603  # this program, by the interpreter that the operator names
                command, capture_output=True, text=True, timeout=LONGEST, env=environment
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Run(backend, packed, stopped=type(error).__name__)
        figures = output / "speed.json"
        if done.returncode or not figures.is_file():
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            return Run(backend, packed, stopped=lines[-1][:300] if lines else f"exit code {done.returncode}")
        measured = json.loads(figures.read_text(encoding="utf-8"))
    return Run(
        backend,
        packed,
        str(measured["device"]),
        int(measured["peak_bytes"]),
        measured["tokens"] / measured["seconds"],
        float(measured["loss"]),
        float(measured["accuracy"]),
    )


def table(runs: Sequence[Run], steps: int) -> str:
    """Markdown. What did not run has no figures, and stands below with what stopped it."""
    ran = [each for each in runs if not each.stopped]
    devices = ", ".join(sorted({each.device for each in ran})) or "no device"
    lines = [
        f"{steps} optimiser steps each, same data and seed, on {devices}.",
        "",
        f"| backend | sequences | peak memory, GiB | tokens/s | loss after {steps} | next token right |",
        "|---|---|---|---|---|---|",
    ]
    for each in runs:
        form = "packed" if each.packed else "padded"
        figures = (
            ("", "", "", "")
            if each.stopped
            else (f"{each.peak / 2**30:.2f}", f"{each.speed:.0f}", f"{each.loss:.3f}", f"{each.accuracy:.3f}")
        )
        lines.append(f"| {each.backend} | {form} | " + " | ".join(figures) + " |")
    stopped = [
        f"- {each.backend}, {'packed' if each.packed else 'padded'}: {each.stopped}" for each in runs if each.stopped
    ]
    return "\n".join([*lines, *(["", "Not run:", *stopped] if stopped else [])])
