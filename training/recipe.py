"""How an adapter is made: base model, LoRA, schedule. The `model`, `lora` and `train` sections of a YAML."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from training.base import require_pinned
from training.config import Section, checked

Backend = Literal["trl", "unsloth", "deepspeed"]
ALL_LINEAR = "all-linear"
"""peft's own word for every linear layer but the output one."""


class Base(Section):
    """What is trained on top of. `base`: "embedded", a folder, or a hub id with the 40-digit `revision` reviewed."""

    base: str
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    max_tokens: Annotated[int, Field(ge=64, le=131_072)] = 4096
    adapter: Path | None = None
    """The folder of an adapter to go on from, of the same rank and layers; a new one where there is none."""
    quantization: Literal["none", "nf4"] = "none"
    dtype: Literal["bfloat16", "float32"] = "bfloat16"

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        require_pinned(self.base, self.revision, "model")
        return self


class Lora(Section):
    """Hu et al., LoRA, 2021. `alpha` / `rank` scales what is learned; `targets` are layer names or "all-linear"."""

    rank: Annotated[int, Field(ge=1, le=1024)]
    alpha: Annotated[int, Field(ge=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: tuple[str, ...] | Literal["all-linear"]


class Train(Section):
    """Schedule. Steps are optimiser steps of `batch` × `accumulate` sequences (packed ones where `packing`)."""

    backend: Backend = "trl"
    output: Path
    seed: int = 20261125
    epochs: Annotated[float, Field(gt=0)] = 1.0
    max_steps: Annotated[int, Field(ge=1)] | None = None
    batch: Annotated[int, Field(ge=1)] = 1
    accumulate: Annotated[int, Field(ge=1)] = 1
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 2e-4
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "cosine"
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.03
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    clip: Annotated[float, Field(gt=0)] = 1.0
    packing: bool = True
    checkpointing: bool = True
    """Gradient checkpointing: activations are computed anew in the backward pass, a third more work for far less memory."""
    evaluate_every: Annotated[int, Field(ge=1)] = 100
    save_every: Annotated[int, Field(ge=1)] = 100
    log_every: Annotated[int, Field(ge=1)] = 10
    keep: Annotated[int, Field(ge=1)] = 3
    deepspeed: Path | None = None
    report_to: Literal["none", "trackio", "wandb"] = "none"

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.save_every % self.evaluate_every:
            raise ValueError("save_every must be a multiple of evaluate_every, or the best checkpoint cannot be kept")
        if self.backend == "deepspeed" and self.deepspeed is None:
            raise ValueError("the deepspeed backend needs `deepspeed`: the file of its ZeRO settings")
        return self


class Data(Section):
    """Files of records, a line each, the form of the answers, the budget of tokens for what the graph adds to a prompt."""

    train: Annotated[tuple[Path, ...], Field(min_length=1)]
    validation: Annotated[tuple[Path, ...], Field(min_length=1)]
    knowledge_tokens: Annotated[int, Field(ge=0)] = 700
    form: Literal["prose", "points"] = "prose"
    """How the model answers: in the form of `medassist.prompt`, or in the shorthand of `medassist.points`."""
    drills: Annotated[int, Field(ge=0)] = 2
    """With points: sums without a case, to each case."""


class Recipe(Section):
    """All three sections together."""

    model: Base
    lora: Lora
    train: Train

    @property
    def sequences_per_step(self) -> int:
        return self.train.batch * self.train.accumulate


def recipe(sections: dict[str, Any], where: str) -> Recipe:
    """The recipe in a parsed YAML. Raises `BadSetting`, naming `where` (the file) and the key."""
    return checked(Recipe, {name: sections.get(name) for name in ("model", "lora", "train")}, where)


def data_of(sections: dict[str, Any], where: str) -> Data:
    """The `data` section. Raises `BadSetting`."""
    return checked(Data, sections.get("data"), f"{where}: data")
