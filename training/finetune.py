"""Fine-tuning a LoRA adapter by a recipe. One data path and one trainer for all backends:

- `trl`: TRL's SFTTrainer over peft, on a CPU or one GPU (bitsandbytes nf4 where the recipe says so);
- `deepspeed`: the same under `accelerate launch`, with the ZeRO settings the recipe names;
- `unsloth`: the same trainer over Unsloth's patched model, in an environment of its own (requirements-unsloth.txt).

Every run writes into `train.output`: checkpoints, `curve.csv` (step, loss, validation loss, learning rate), `run.json`
(what was trained, on what) and, at the end, `adapter/`. A run that was broken off goes on from its last checkpoint.
"""

import csv
import hashlib
import json
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from medassist.errors import EngineError
from medassist.prompt import PROMPT_VERSION
from training.base import from_base, source
from training.encode import Encoded
from training.recipe import ALL_LINEAR, Recipe

CURVE = ("step", "epoch", "loss", "eval_loss", "learning_rate", "grad_norm", "tokens", "seconds")


def tokenizer_of(recipe: Recipe) -> Any:
    """The base model's tokenizer. Raises `UnknownModel`."""
    return from_base(AutoTokenizer, recipe.model.base, recipe.model.revision)


def load_base(recipe: Recipe) -> Any:
    """The model to train on, with its LoRA layers, as the backend wants it."""
    if recipe.train.backend == "unsloth":
        return _unsloth(recipe)
    from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training

    bits = None
    if recipe.model.quantization == "nf4":
        if not torch.cuda.is_available():
            raise EngineError(reason="nf4 needs a GPU.", reason_zh="nf4 量化需要 GPU。")
        bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    model = from_base(
        AutoModelForCausalLM,
        recipe.model.base,
        recipe.model.revision,
        dtype=getattr(torch, recipe.model.dtype),
        quantization_config=bits,
        use_safetensors=True,
        attn_implementation="sdpa",
    )
    model.config.use_cache = False
    if bits is not None:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=recipe.train.checkpointing)
    if recipe.model.adapter is not None:
        return PeftModel.from_pretrained(
            model, str(recipe.model.adapter), is_trainable=True, autocast_adapter_dtype=True
        )
    lora = recipe.lora
    targets: Any = lora.targets if lora.targets == ALL_LINEAR else list(lora.targets)
    config = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets, task_type="CAUSAL_LM"
    )
    return get_peft_model(model, config, autocast_adapter_dtype=True)  # the adapter itself learns in fp32


def _unsloth(recipe: Recipe) -> Any:
    try:
        from unsloth import FastLanguageModel  # must come before transformers' models are built
    except ImportError:
        raise EngineError(
            reason="Unsloth is not installed; it lives in an environment of its own: requirements-unsloth.txt.",
            reason_zh="未安装 Unsloth；请按 requirements-unsloth.txt 在独立环境中安装。",
        ) from None
    model, _ = FastLanguageModel.from_pretrained(
        source(recipe.model.base),
        revision=recipe.model.revision,
        max_seq_length=recipe.model.max_tokens,
        load_in_4bit=recipe.model.quantization == "nf4",
        dtype=getattr(torch, recipe.model.dtype),
        use_exact_model_name=True,  # else the adapter names a repacked model as its base
    )
    lora = recipe.lora
    return FastLanguageModel.get_peft_model(
        model,
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.targets if lora.targets == ALL_LINEAR else list(lora.targets),
        use_gradient_checkpointing="unsloth" if recipe.train.checkpointing else False,
        random_state=recipe.train.seed,
    )


def as_dataset(examples: Sequence[Encoded]) -> datasets.Dataset:
    """The form TRL takes as already tokenised: loss falls where `completion_mask` is 1."""
    return datasets.Dataset.from_dict(
        {"input_ids": [each.ids for each in examples], "completion_mask": [each.trained for each in examples]}
    )


class Curve(TrainerCallback):  # type: ignore[misc]
    """Writes every logged figure into `curve.csv`, a row a step; a resumed run drops the rows it computes again."""

    def __init__(self, path: Path) -> None:
        self.path, self.began = path, time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        kept = []
        if self.path.exists():
            with self.path.open(newline="") as file:
                kept = [row for row in csv.DictReader(file) if int(row["step"]) <= state.global_step]
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, CURVE)
            writer.writeheader()
            writer.writerows(kept)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        logs = logs or {}
        if "loss" not in logs and "eval_loss" not in logs:
            return
        row = {name: logs.get(name, "") for name in CURVE}
        row |= {"step": state.global_step, "tokens": logs.get("num_tokens", "")}
        row["seconds"] = round(time.monotonic() - self.began, 1)
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, CURVE).writerow(row)


def finetune(
    recipe: Recipe,
    train: Sequence[Encoded],
    validation: Sequence[Encoded],
    *,
    fresh: bool = False,
    form: str = PROMPT_VERSION,
) -> Path:
    """Train, from the last checkpoint where there is one; the folder of the finished adapter.

    `form` is the version of what is asked and answered, for the adapter's manifest.
    """
    from trl.trainer.sft_trainer import SFTTrainer

    output = recipe.train.output
    output.mkdir(parents=True, exist_ok=True)
    transformers.set_seed(recipe.train.seed)
    _require_same_run(output, recipe, train, fresh, form)
    trainer = SFTTrainer(
        model=load_base(recipe),
        args=_arguments(recipe),
        train_dataset=as_dataset(train),
        eval_dataset=as_dataset(validation),
        processing_class=tokenizer_of(recipe),
        callbacks=[Curve(output / "curve.csv")],
    )
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=None if fresh else get_last_checkpoint(str(output)))
    _write_speed(output, trainer, time.monotonic() - began)
    draw_curve(output)
    folder = output / "adapter"
    trainer.model.save_pretrained(str(folder), safe_serialization=True)
    return folder


def draw_curve(output: Path) -> Path:
    """`curve.png` from a run's `curve.csv`: training and validation loss over steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with (output / "curve.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, label in (("loss", "training"), ("eval_loss", "validation")):
        told = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
        axes.plot([step for step, _ in told], [loss for _, loss in told], label=label, marker="o", markersize=3)
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.legend()
    figure.tight_layout()
    figure.savefig(output / "curve.png", dpi=120)
    pyplot.close(figure)
    return output / "curve.png"


def _write_speed(output: Path, trainer: Any, seconds: float) -> None:
    """What `bench` reads: tokens and seconds of this call, evaluations included, and the most memory it took."""
    history = trainer.state.log_history

    def last(name: str) -> float:
        return float(next((each[name] for each in reversed(history) if name in each), 0.0))

    on_gpu = torch.cuda.is_available()
    told = {
        "device": torch.cuda.get_device_name() if on_gpu else f"CPU, {torch.get_num_threads()} threads",
        "tokens": last("num_tokens"),
        "seconds": seconds,
        "peak_bytes": torch.cuda.max_memory_allocated()
        if on_gpu
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "loss": last("loss"),
        "accuracy": last("eval_mean_token_accuracy"),
    }
    (output / "speed.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


def _arguments(recipe: Recipe) -> Any:
    from trl.trainer.sft_config import SFTConfig

    train = recipe.train
    on_gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(train.output),
        seed=train.seed,
        data_seed=train.seed,
        num_train_epochs=train.epochs,
        max_steps=train.max_steps or -1,
        per_device_train_batch_size=train.batch,
        per_device_eval_batch_size=train.batch,
        gradient_accumulation_steps=train.accumulate,
        learning_rate=train.learning_rate,
        lr_scheduler_type=train.schedule,
        warmup_steps=train.warmup,  # below 1 it is a share of all steps
        weight_decay=train.weight_decay,
        max_grad_norm=train.clip,
        packing=train.packing,
        max_length=recipe.model.max_tokens,
        completion_only_loss=True,
        gradient_checkpointing=train.checkpointing,
        bf16=on_gpu and recipe.model.dtype == "bfloat16",
        use_cpu=not on_gpu,
        eval_strategy="steps",
        eval_steps=train.evaluate_every,
        save_strategy="steps",
        save_steps=train.save_every,
        save_total_limit=train.keep + 1,  # the best one is never among those deleted
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=train.log_every,
        report_to=train.report_to,
        deepspeed=str(train.deepspeed) if train.backend == "deepspeed" else None,
        dataloader_pin_memory=on_gpu,
        save_only_model=False,
    )


def _require_same_run(output: Path, recipe: Recipe, train: Sequence[Encoded], fresh: bool, form: str) -> None:
    """Going on with other data or another recipe would be a run nobody can describe."""
    told: dict[str, Any] = {
        "recipe": recipe.model_dump(mode="json"),
        "data": data_hash(train),
        "examples": len(train),
        "form": form,
    }
    path = output / "run.json"
    if path.exists() and not fresh and get_last_checkpoint(str(output)):
        before = json.loads(path.read_text(encoding="utf-8"))
        if {**before, "recipe": {}} != {**told, "recipe": {}} or _changed(before["recipe"], told["recipe"]):
            raise EngineError(
                reason=f"{output} holds a run with another recipe or other data; name another folder, or use --fresh.",
                reason_zh=f"{output} 中是用其他配方或数据训练的结果；请换目录，或使用 --fresh。",
            )
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")


def _changed(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether anything but how often something is written differs."""
    harmless = ("log_every", "keep", "report_to")

    def core(recipe: dict[str, Any]) -> dict[str, Any]:
        return recipe | {"train": {name: value for name, value in recipe["train"].items() if name not in harmless}}

    return core(before) != core(now)


def data_hash(examples: Sequence[Encoded]) -> str:
    """SHA-256 over the tokens and their marks, in order."""
    digest = hashlib.sha256()
    for each in examples:
        digest.update(json.dumps([each.ids, each.trained]).encode())
    return digest.hexdigest()
