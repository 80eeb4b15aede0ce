"""Adapters leave home: merged weights, a converter, a hub; and what the command line says of those installed."""

import json
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from medassist.engines import embedded
from medassist.engines.adapters import ADAPTERS, described
from medassist.errors import UnknownAdapter
from training.base import from_base
from training.bench import Run, bench, table
from training.export import Unconverted, Unfinished, Unpushed, export, merge, push, to_gguf

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
SHIPPED = "embedded-points"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a finished run leaves: an adapter that changes the value projections, and what it was made of."""
    folder = tmp_path_factory.mktemp("run")
    base = from_base(AutoModelForCausalLM, "embedded", None, dtype=torch.bfloat16, use_safetensors=True)
    model = get_peft_model(base, LoraConfig(r=2, lora_alpha=4, target_modules=["v_proj"], task_type="CAUSAL_LM"))
    torch.manual_seed(0)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(std=0.5)
    model.save_pretrained(str(folder / "adapter"), safe_serialization=True)
    recipe = {
        "model": {"base": "embedded", "revision": None, "max_tokens": 64},
        "lora": {"rank": 2, "alpha": 4, "dropout": 0.0, "targets": ["v_proj"]},
        "train": {"backend": "trl", "learning_rate": 1e-4, "seed": 0, "output": str(folder)},
    }
    told = {"recipe": recipe, "data": "0" * 64, "examples": 1, "form": "test"}
    (folder / "run.json").write_text(json.dumps(told))
    return folder


def test_merged_weights_hold_the_base_and_what_was_learnt(run: Path, tmp_path: Path) -> None:
    merged = merge(run, tmp_path / "merged")
    assert not list(merged.glob("*.bin")) and list(merged.glob("*.safetensors"))
    names = ("model.layers.0.self_attn.v_proj.weight", "model.layers.0.self_attn.q_proj.weight")
    with safe_open(merged / "model.safetensors", "pt") as file:
        changed, same = (file.get_tensor(name).float() for name in names)
    base = from_base(AutoModelForCausalLM, "embedded", None, dtype=torch.bfloat16, use_safetensors=True).state_dict()
    learnt = load_file(run / "adapter" / "adapter_model.safetensors")
    a, b = (learnt[f"base_model.model.{names[0].removesuffix('.weight')}.lora_{part}.weight"].float() for part in "AB")
    assert torch.equal(same, base[names[1]].float())
    assert torch.allclose(changed, base[names[0]].float() + 2 * b @ a, atol=0.05)
    assert not torch.allclose(changed, base[names[0]].float(), atol=0.05)
    assert AutoTokenizer.from_pretrained(merged).eos_token == "<|im_end|>"


def test_a_converter_that_fails_is_named_with_its_last_line(tmp_path: Path) -> None:
    converter = tmp_path / "convert.py"
    converter.write_text("import sys; sys.exit('unknown architecture')")
    with pytest.raises(Unconverted, match=r"convert\.py did not write a GGUF file \(unknown architecture\)"):
        to_gguf(tmp_path, converter)
    converter.write_text("import sys; open(sys.argv[sys.argv.index('--outfile') + 1], 'w').write('GGUF')")
    assert to_gguf(tmp_path, converter).read_text() == "GGUF"


def test_a_run_without_an_adapter_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(Unfinished, match=r"run\.json is missing"):
        export(tmp_path, "nothing", into=tmp_path / "adapters")
    assert not (tmp_path / "adapters").exists()


def test_nothing_is_pushed_without_a_token_or_a_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("training.export.get_token", lambda: None)
    with pytest.raises(Unpushed, match="someone/adapter was not written: there is no token; set HF_TOKEN"):
        push(SHIPPED, "someone/adapter")
    monkeypatch.setattr("training.export.get_token", lambda: "hf_none")
    with pytest.raises(Unpushed, match="someone/adapter was not written"):  # no hub is within a test's reach
        push(SHIPPED, "someone/adapter")
    with pytest.raises(UnknownAdapter):
        push("no-such-adapter", "someone/adapter")


def test_the_adapter_that_ships_fits_its_base_and_has_a_card() -> None:
    [told] = [each for each in described(embedded.NAME) if each.name == SHIPPED]
    assert told.refused is None and "## Limits" in told.card
    [other] = [each for each in described("another-model") if each.name == SHIPPED]
    assert other.refused is not None
    manifest = json.loads((ADAPTERS / SHIPPED / embedded.MANIFEST).read_text())
    assert {"base", "data", "recipe", "metrics", "files", "form"} <= set(manifest)


def test_the_table_tells_what_ran_and_what_stopped_the_rest() -> None:
    runs = [
        Run("trl", False, "CPU, 2 threads", 2**30, 150.4, 1.25, 0.7),
        Run("unsloth", False, stopped="is not installed"),
    ]
    text = table(runs, 8)
    assert "| trl | padded | 1.00 | 150 | 1.250 | 0.700 |" in text
    assert "| unsloth | padded |  |  |  |  |" in text and "- unsloth, padded: is not installed" in text


def test_a_backend_that_is_not_there_is_told_and_one_that_fails_gives_its_last_line(tmp_path: Path) -> None:
    told = {
        "data": {"train": ["missing.jsonl"], "validation": ["missing.jsonl"]},
        "model": {"base": "embedded"},
        "lora": {"rank": 2, "alpha": 4, "targets": ["q_proj"]},
        "train": {},
    }
    runs = list(bench(told, 1, ["trl"], {"trl": sys.executable}, tmp_path / "zero.json"))
    assert [each.packed for each in runs] == [False, True]
    assert all("missing.jsonl" in each.stopped for each in runs)
    runs = list(bench(told, 1, ["trl"], {"trl": str(tmp_path / "no-python")}, tmp_path / "zero.json"))
    assert runs[0].stopped == "FileNotFoundError"
