"""From a finished run to a folder under `adapters/`: weights, what they were made of, and a card that states limits."""

import json
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi, get_token
from safetensors.torch import load_file, save_file

from medassist import __version__
from medassist.engines import embedded
from medassist.engines.adapters import ADAPTERS, find_adapter
from medassist.errors import InputError, MedAssistError
from medassist.prompt import POINTS_VERSION, PROMPT_VERSION
from training.base import from_base

FILES = ("adapter_model.safetensors", "adapter_config.json")


class Unfinished(InputError):
    """The run has no adapter to export."""

    code = "unfinished"
    en = "{where}: there is no finished adapter ({missing} is missing); run finetune to its end."
    zh = "{where}：没有训练完成的适配器（缺少 {missing}）；请先完成 finetune。"


class Unconverted(MedAssistError):
    """The converter did not write a GGUF file."""

    code = "unconverted"
    en = "{name} did not write a GGUF file ({reason})."
    zh = "{name} 未能生成 GGUF 文件（{reason}）。"


class Unpushed(MedAssistError):
    """The hub has not got it."""

    code = "unpushed"
    en = "{repo} was not written: {reason}"
    zh = "{repo} 未写入：{reason_zh}"


def export(run: Path, name: str, metrics: dict[str, Any] | None = None, into: Path = ADAPTERS) -> Path:
    """Write `into/name` from the run in `run`, whole or not at all; an adapter of that name is replaced.

    `metrics` is what `evaluate cases` printed. Raises `Unfinished`.
    """
    told = _run(run)
    into.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=into))
    try:
        _halve(run / "adapter" / FILES[0], work / FILES[0])
        shutil.copyfile(run / "adapter" / FILES[1], work / FILES[1])
        _name_base(work / FILES[1], told["recipe"]["model"])
        (work / "README.md").write_text(card(name, told, metrics), encoding="utf-8")
        (work / embedded.MANIFEST).write_text(
            json.dumps(manifest(work, told, metrics), ensure_ascii=False, indent=1), encoding="utf-8"
        )
        folder = into / name
        shutil.rmtree(folder, ignore_errors=True)
        work.chmod(0o755)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _halve(weights: Path, into: Path) -> None:
    """The weights in 16 bits: half the file, each number within 0.05 % of what was learnt."""
    save_file({name: tensor.to(torch.float16).contiguous() for name, tensor in load_file(weights).items()}, into)
    into.chmod(0o644)


def merge(run: Path, into: Path) -> Path:
    """The base with the run's adapter added to its weights (Hu et al., LoRA, 2021), as safetensors in `into`.

    Raises `Unfinished`, or `UnknownModel` when the base is not to be had.
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    told = _run(run)
    base, revision = told["recipe"]["model"]["base"], told["recipe"]["model"]["revision"]
    model = from_base(AutoModelForCausalLM, base, revision, dtype=torch.bfloat16, use_safetensors=True)
    merged = PeftModel.from_pretrained(model, str(run / "adapter")).merge_and_unload()
    merged.save_pretrained(str(into), safe_serialization=True)
    from_base(AutoTokenizer, base, revision).save_pretrained(str(into))
    return into


def to_gguf(merged: Path, converter: Path) -> Path:
    """A GGUF file of merged weights, written by llama.cpp's own `convert_hf_to_gguf.py`. Raises `Unconverted`."""
    out = merged / f"{merged.name}.gguf"
    try:
        subprocess.run(  # noqa: S603  # the operator names the converter
            [sys.executable, str(converter), str(merged), "--outfile", str(out)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        lines = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise Unconverted(name=converter.name, reason=lines[-1] if lines else "no reason given") from None
    return out


def push(name: str, repo: str, folder: Path = ADAPTERS) -> str:
    """Upload a checked adapter to a hub repository, private until its owner opens it; the commit it got.

    Raises `UnknownAdapter`, or `Unpushed` without a token or when the hub refuses.
    """
    path = find_adapter(name, folder)
    if (token := get_token()) is None:
        raise Unpushed(repo=repo, reason="there is no token; set HF_TOKEN.", reason_zh="没有令牌；请设置 HF_TOKEN。")
    hub = HfApi(token=token)
    try:
        hub.create_repo(repo, private=True, exist_ok=True)
        done = hub.upload_folder(repo_id=repo, folder_path=path, commit_message=f"Add the adapter {name}")
    except Exception as error:  # the hub's client raises many kinds; all of them mean: not there
        raise Unpushed(repo=repo, reason=f"{type(error).__name__}.", reason_zh=f"{type(error).__name__}。") from None
    return str(done.oid)


def _run(run: Path) -> dict[str, Any]:
    for file in (run / "run.json", *(run / "adapter" / name for name in FILES)):
        if not file.is_file():
            raise Unfinished(where=run, missing=file.name)
    told: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return told


def _base(model: dict[str, Any]) -> str:
    return embedded.NAME if model["base"] == "embedded" else str(model["base"])


def _name_base(path: Path, model: dict[str, Any]) -> None:
    """The base by its name: where it lay on the machine that trained is nobody's business."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"], config["revision"] = _base(model), model["revision"]
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")


def manifest(folder: Path, told: dict[str, Any], metrics: dict[str, Any] | None) -> dict[str, Any]:
    """What the app checks before loading (`files`, `base`), and what makes the run repeatable."""
    recipe = told["recipe"]
    return {
        "base": _base(recipe["model"]),
        "revision": recipe["model"]["revision"],
        "code": __version__,
        "form": told.get("form", PROMPT_VERSION),
        "data": {"sha256": told["data"], "examples": told["examples"]},
        "recipe": recipe
        | {
            "model": recipe["model"] | {"adapter": recipe["model"].get("adapter") and "an earlier run"},
            "train": {key: value for key, value in recipe["train"].items() if key != "output"},
        },
        "metrics": _without_cases(metrics),
        "made": datetime.now(UTC).date().isoformat(),
        "files": {path.name: embedded.sha256(path) for path in sorted(folder.iterdir())},
    }


def _without_cases(metrics: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (metrics or {}).items() if name != "cases"}


def card(name: str, told: dict[str, Any], metrics: dict[str, Any] | None) -> str:
    """The model card, in Markdown with the hub's header."""
    recipe = told["recipe"]
    model, lora, train = recipe["model"], recipe["lora"], recipe["train"]
    at = " at " + model["revision"] if model["revision"] else ""
    targets = lora["targets"] if isinstance(lora["targets"], str) else ", ".join(lora["targets"])
    return f"""---
library_name: peft
base_model: {_base(model)}
tags: [medical, differential-diagnosis, lora]
language: [en, zh]
---

# {name}

A LoRA adapter for {_base(model)}{at}, made with MedAssist {__version__}.

| | |
|---|---|
| LoRA | rank {lora["rank"]}, alpha {lora["alpha"]}, dropout {lora["dropout"]}, layers: {targets} |
| backend | {train["backend"]}, learning rate {train["learning_rate"]}, seed {train["seed"]} |
{_before(model)}| examples | {told["examples"]}, SHA-256 of the tokens {told["data"][:16]}… |
| limit | {model["max_tokens"]} tokens; longer ones were left out, none was cut |

## Measured

{_measured(metrics)}

## Limits

For clinicians, and for research: it supports clinical judgement and never replaces it. It has not been tested in
patients, it may name a wrong diagnosis with good-looking reasons, and it may miss what must not be missed. Cases like
those it was trained on go best; children, pregnancy, rare diseases and languages other than English and Chinese were
seen little or not at all. Synthetic training cases follow the knowledge graph they were made from, with its mistakes.
{_limits(told)}"""


def _before(model: dict[str, Any]) -> str:
    """A row of the card where the run went on from an adapter."""
    return "| begun from | the adapter of an earlier run (training/LOG.md) |\n" if model.get("adapter") else ""


def _limits(told: dict[str, Any]) -> str:
    """What else limits an adapter of this form."""
    if told.get("form") != POINTS_VERSION:
        return ""
    return """
It knows no medicine: it learnt to add up the points that the knowledge graph gives, to compare and to sort. It finds
nothing in a case that the graph's reader did not find.
"""


def _measured(metrics: dict[str, Any] | None) -> str:
    if not metrics:
        return "Nothing was measured with `evaluate cases` before this card was written."
    names = ("n", "parsed", "top1", "top3", "top5", *(("own_top1", "own_top5") if "own_top1" in metrics else ()))
    rows = [("all", metrics), *metrics.get("by_language", {}).items()]
    lines = ["| cases | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {label} | " + " | ".join(str(rates.get(key, "")) for key in names) + " |" for label, rates in rows]
    own = ["", "`own_`: the order that the model itself wrote; the others follow the program's recount of the points."]
    return "\n".join(["`evaluate cases`, fractions of n:", "", *lines, *(own if "own_top1" in metrics else ())])
