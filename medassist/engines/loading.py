"""Which model, on which device, in which form: decided at run time, and loaded."""

import importlib.util
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from medassist.config import Settings
from medassist.engines import Profile, attention, embedded, lean, packed
from medassist.errors import EngineError, UnknownModel
from medassist.prompt import POINTS_VERSION

R1_DISTILL = "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"
R1_DISTILL_REVISION = "6a6f4aa4197940add57724a7707d069478df56b1"
GIB = 1024**3
ENOUGH_FOR_BF16 = 24 * GIB  # 16 GB of weights and room for the cache

# T = 0.6 and top-p = 0.95 without a system prompt: the model card of DeepSeek-R1-Distill. About 4,096 tokens of
# thinking served medical questions best (m1, Huang et al. 2025).
REASONING = Profile(think_tokens=4096, answer_tokens=1024, temperature=0.6, top_p=0.95)
INSTRUCT = Profile(think_tokens=512, answer_tokens=768, knowledge_tokens=800)
DEMO = Profile(
    think_tokens=256, answer_tokens=512, knowledge_tokens=700, repetition_penalty=1.1, constrained=True, demo=True
)
POINTS_TOKENS = 320
"""Shorthand of six candidates with seven findings each takes 220 tokens."""
PACKED = "packed"
"""The embedded model on a CPU: its own 4-bit codes (see `packed`)."""
DEMO_CONTEXT = 8192
"""Tokens: what the embedded model was made for."""


@dataclass(frozen=True)
class Plan:
    """What is loaded and how, before anything is."""

    name: str
    source: str  # a folder or a hub id
    revision: str | None
    device: str
    dtype: torch.dtype
    quantization: str  # none | int8 | nf4 | packed
    attention: str  # sdpa | eager | flash_attention_2
    embedded: bool


@dataclass
class Loaded:
    """A model with all that belongs to it."""

    model: Any
    tokenizer: Any
    profile: Profile
    context_tokens: int
    fast: lean.Lean | None = None

    def repack(self) -> None:
        """After a change of the model's adapter: what computes with packed weights packs them anew."""
        if self.fast is not None:
            self.fast.pack()


def plan(settings: Settings) -> Plan:
    """Choose model, device, dtype, quantization and attention. Raises `UnknownModel` for an unpinned hub id."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    source, revision = settings.model, settings.model_revision
    if source == "auto":
        source, revision = (R1_DISTILL, R1_DISTILL_REVISION) if device == "cuda" else ("embedded", None)
    is_embedded = source in ("embedded", embedded.NAME)
    quantization = settings.quantization or _quantization(device, is_embedded)
    folder = Path(source).expanduser()
    if not is_embedded and not folder.is_dir():
        revision = _pinned(source, revision)
    return Plan(
        name=embedded.NAME if is_embedded else (folder.name if folder.is_dir() else source),
        source=source if is_embedded or not folder.is_dir() else str(folder),
        revision=None if is_embedded else revision,
        device=device,
        dtype=torch.float32 if quantization in ("none", PACKED) and device == "cpu" else torch.bfloat16,
        quantization=quantization,
        attention=attention_kernel(settings.attention, device),
        embedded=is_embedded,
    )


def _pinned(source: str, revision: str | None) -> str:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", source):
        raise UnknownModel(
            name=source,
            reason="there is no such folder, and it is no hub id of the form owner/name.",
            reason_zh="没有此目录，也不是 owner/name 形式的 hub 标识。",
        )
    if source == R1_DISTILL and revision is None:
        return R1_DISTILL_REVISION
    if revision is None or not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise UnknownModel(
            name=source,
            reason="a model from a hub needs MEDASSIST_MODEL_REVISION, the 40-digit commit that was reviewed.",
            reason_zh="来自 hub 的模型需要用 MEDASSIST_MODEL_REVISION 指定经过审核的 40 位提交号。",
        )
    return revision


def _quantization(device: str, is_embedded: bool) -> str:
    if device == "cuda":
        enough = torch.cuda.get_device_properties(0).total_memory >= ENOUGH_FOR_BF16
        return "none" if enough or is_embedded else "nf4"
    return PACKED if is_embedded else "none"


def attention_kernel(wanted: str, device: str) -> str:
    """The attention kernel: flash-attn where it is installed and the GPU is Ampere or newer, else SDPA."""
    possible = (
        device == "cuda"
        and torch.cuda.get_device_capability() >= (8, 0)
        and importlib.util.find_spec("flash_attn") is not None
    )
    if wanted == "auto":
        return "flash_attention_2" if possible else "sdpa"
    if wanted == "flash_attention_2" and not possible:
        raise EngineError(
            reason="flash_attention_2 needs the flash-attn package and an Ampere or newer GPU; use MEDASSIST_ATTENTION=auto.",
            reason_zh="flash_attention_2 需要 flash-attn 包和 Ampere 或更新的 GPU；请设 MEDASSIST_ATTENTION=auto。",
        )
    return wanted


def load(chosen: Plan, settings: Settings) -> Loaded:
    """Load what was planned. Raises `UnknownModel` when it is not to be had; safetensors only, no remote code."""
    transformers.utils.logging.disable_progress_bar()
    source = str(embedded.ensure_converted(settings.cache_dir)) if chosen.embedded else chosen.source
    bits = None
    if chosen.quantization == "nf4":
        bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    elif chosen.quantization == "int8":
        bits = BitsAndBytesConfig(load_in_8bit=True)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            source,
            revision=chosen.revision,
            dtype=chosen.dtype,
            attn_implementation=chosen.attention,
            quantization_config=bits,
            device_map=chosen.device,
            use_safetensors=True,
            trust_remote_code=False,
        ).eval()
        tokenizer = AutoTokenizer.from_pretrained(source, revision=chosen.revision, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise UnknownModel(
            name=chosen.name,
            reason=f"it could not be loaded from {source} ({type(error).__name__}): no such model, no connection to the "
            "hub, or weights that are not safetensors.",
            reason_zh=f"无法从 {source} 加载（{type(error).__name__}）：没有该模型、无法连接 hub，或权重不是 safetensors。",
        ) from None
    if chosen.device == "cpu" and chosen.attention == "sdpa":
        attention.use()
    fast = None
    if chosen.quantization == PACKED:
        fast = lean.Lean(model, packed.read_codes(Path(source) / embedded.CODES))
    return Loaded(model, tokenizer, profile(chosen, settings, tokenizer), _context(chosen, model), fast)


def profile(chosen: Plan, settings: Settings, tokenizer: Any) -> Profile:
    """How this model is asked: demonstration, reasoning (its template opens with <think>), or plain instruct."""
    base = DEMO if chosen.embedded else REASONING if "<think>" in str(tokenizer.chat_template) else INSTRUCT
    think, answer = settings.think_tokens, settings.answer_tokens
    return replace(
        base,
        think_tokens=base.think_tokens if think is None else think,
        answer_tokens=base.answer_tokens if answer is None else answer,
    )


def adapted(base: Profile, form: str) -> Profile:
    """The profile with an adapter that answers in `form`, as its manifest names it."""
    if form != POINTS_VERSION:
        return base
    return replace(base, points=True, repetition_penalty=1.0, think_tokens=POINTS_TOKENS, answer_tokens=POINTS_TOKENS)


def _context(chosen: Plan, model: Any) -> int:
    longest = int(model.config.max_position_embeddings)
    return min(DEMO_CONTEXT, longest) if chosen.embedded else min(longest, 32_768)
