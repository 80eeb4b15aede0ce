"""A real training run of the embedded model, a few steps long: broken off, resumed, and its adapter put to use."""

import csv
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from peft import PeftModel
from safetensors.torch import load_file

from medassist.config import load_settings
from medassist.engines.local import LocalEngine
from medassist.errors import BadSetting, EngineError, UnknownAdapter
from medassist.prompt import diagnosis_prompt
from training.encode import Encoded, fitting
from training.export import Unfinished, export
from training.finetune import finetune, load_base, tokenizer_of
from training.recipe import Recipe, recipe

SECTIONS: dict[str, Any] = {
    "model": {"base": "embedded", "max_tokens": 320, "dtype": "float32"},
    "lora": {"rank": 4, "alpha": 8, "dropout": 0.1, "targets": ["q_proj", "k_proj", "v_proj"]},
    "train": {
        "batch": 1,
        "evaluate_every": 2,
        "save_every": 2,
        "log_every": 1,
        "packing": False,
        "checkpointing": False,
    },
}

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def make(folder: Path, steps: int, **train: Any) -> Recipe:
    return recipe(SECTIONS | {"train": SECTIONS["train"] | {"output": folder, "max_steps": steps} | train}, "x.yaml")


def examples(made: Recipe, count: int) -> list[Encoded]:
    told = [
        (
            diagnosis_prompt(f"Chief complaint: cough for {n} days", "en"),
            f"<think>\nA cough of {n} days.\n</think>\n[Final diagnosis]\nAcute bronchitis",
        )
        for n in range(1, count + 1)
    ]
    return list(fitting(tokenizer_of(made), told, made.model.max_tokens))


def losses(folder: Path) -> dict[int, float]:
    with (folder / "curve.csv").open(newline="") as file:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file) if row["loss"]}


def train(folder: Path, steps: int) -> Path:
    made = make(folder, steps)
    told = examples(made, 10)
    return finetune(made, told[:8], told[8:])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(folder, 4)
    return folder


def test_a_run_writes_its_curve_and_an_adapter_that_changes_something(trained: Path) -> None:
    assert list(losses(trained)) == [1, 2, 3, 4]
    weights = load_file(trained / "adapter" / "adapter_model.safetensors")
    assert len(weights) == 30 * 3 * 2
    assert any(float(value.abs().max()) > 0 for name, value in weights.items() if "lora_B" in name)
    assert (trained / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((trained / "speed.json").read_text())["tokens"] > 0


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    metrics = {"n": 2, "parsed": 1.0, "top1": 0.5, "by_language": {"en": {"n": 2, "top1": 0.5}}, "cases": [{"id": "x"}]}
    return export(trained, "tiny", metrics, into=tmp_path_factory.mktemp("adapters"))


def test_what_is_exported_tells_what_it_was_made_of(exported: Path, trained: Path) -> None:
    told = json.loads((exported / "manifest.json").read_text())
    assert told["base"] == "SmolLM2-135M-Instruct"
    assert told["data"] == {"sha256": json.loads((trained / "run.json").read_text())["data"], "examples": 8}
    assert told["metrics"]["top1"] == 0.5 and "cases" not in told["metrics"]
    assert set(told["files"]) == {"adapter_model.safetensors", "adapter_config.json", "README.md"}
    everything = "".join(path.read_text() for path in exported.glob("*.*") if path.suffix != ".safetensors")
    assert str(trained.parent) not in everything and str(Path.home()) not in everything
    assert "## Limits" in (exported / "README.md").read_text()


def test_the_adapter_loads_in_the_app_and_in_plain_peft(exported: Path) -> None:
    prompt, words = diagnosis_prompt("Chief complaint: cough for 3 days", "en"), ["Acute bronchitis"]
    engine = LocalEngine(load_settings(adapter=str(exported)))
    try:
        engine.load()
        learned = engine.score([prompt], words)
        engine.use_adapter(None)
        assert engine.score([prompt], words) != learned
    finally:
        engine.close()
    base = load_base(make(exported, 2)).get_base_model()
    model = PeftModel.from_pretrained(base, str(exported))
    assert model.active_adapter == "default"


def test_an_adapter_of_another_base_or_changed_since_is_refused(exported: Path, tmp_path: Path) -> None:
    other = shutil.copytree(exported, tmp_path / "other")
    told = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps(told | {"base": "owner/another-8B"}))
    engine = LocalEngine(load_settings())
    with pytest.raises(UnknownAdapter, match="owner/another-8B"):
        engine.use_adapter(str(other))
    with (other / "README.md").open("a") as file:
        file.write("x")
    with pytest.raises(UnknownAdapter, match="manifest"):
        engine.use_adapter(str(other))


def test_an_unfinished_run_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(Unfinished, match=r"run\.json"):
        export(tmp_path, "tiny", into=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_another_run_is_not_gone_on_with(trained: Path) -> None:
    made = make(trained, 4, learning_rate=1e-3)
    told = examples(made, 10)
    with pytest.raises(EngineError, match="another recipe"):
        finetune(made, told[:8], told[8:])
    same = make(trained, 4)
    with pytest.raises(EngineError, match="other data"):
        finetune(same, told[:7], told[8:])


@pytest.mark.parametrize(
    ("section", "change", "named"),
    [
        ("model", {"base": "owner/name"}, "model: "),
        ("model", {"base": "owner/name", "revision": "main"}, "model.revision"),
        ("lora", {"rank": 0}, "lora.rank"),
        ("lora", {"colour": 1}, "lora.colour"),
        ("train", {"save_every": 3}, "train: "),
        ("train", {"backend": "deepspeed"}, "train: "),
    ],
)
def test_a_bad_recipe_is_named_by_its_key(tmp_path: Path, section: str, change: dict[str, Any], named: str) -> None:
    sections = {name: dict(part) for name, part in SECTIONS.items()}
    sections["train"]["output"] = tmp_path
    sections[section] |= change
    with pytest.raises(BadSetting) as caught:
        recipe(sections, "x.yaml")
    assert f"x.yaml: {named}" in str(caught.value)


@pytest.mark.slow
def test_a_killed_run_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(whole, 6)
    code = f"from pathlib import Path; from tests.test_training_finetune import train; train(Path({str(broken)!r}), 6)"
    process = subprocess.Popen([sys.executable, "-c", code])
    while not (broken / "checkpoint-2" / "trainer_state.json").exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)  # into the next step
    process.kill()
    assert process.wait() == -9
    train(broken, 6)
    assert losses(broken).keys() == losses(whole).keys()
    for step, loss in losses(whole).items():
        assert losses(broken)[step] == pytest.approx(loss, abs=1e-3), step
    one, other = (load_file(folder / "adapter" / "adapter_model.safetensors") for folder in (whole, broken))
    assert all(float((one[name] - other[name]).abs().max()) < 1e-4 for name in one)
