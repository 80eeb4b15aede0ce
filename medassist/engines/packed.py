"""A weight packed for a CPU: 4-bit codes for a few rows, bf16 in the kernel's own layout for more.

Writing one token multiplies every weight with one row and waits for memory: 4 bits a weight are read faster than 16.
More rows (a prompt, a batch) wait for arithmetic, where unpacking would cost more than it saves. Both hold the same
numbers as far as they can: the embedded model's weights lie in groups of 32 with a 4-bit code each (GGUF's Q4_1), and
the codes are recovered, not rounded anew. A weight that does not lie so (the output layer, one an adapter changed) is
rounded to 8 bits per row. benchmarks/README.md compares PyTorch's CPU kernels, and says why the fastest of them, 8-bit
weights with 8-bit activations, is not used: it changed every second next token.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

GROUP = 32  # weights to a scale in Q4_1
FEW_ROWS = {4: 4, 8: 1}
"""Bits → up to how many rows the codes are the faster way (benchmarks/README.md)."""
FITS = 0.01  # of a group's step: how far a weight may lie from its 4-bit code

Codes = tuple[torch.Tensor, torch.Tensor]
"""4 bits: codes [out, in] uint8 and (scale, offset) [in/32, out, 2]; 8 bits: codes [out, in] int8 and scales [out]."""


class Matrix:
    """A weight [out, in] in its packed forms."""

    def __init__(self, weight: torch.Tensor, codes: Codes) -> None:
        self.shape = weight.shape
        self._four_bit = codes[0].dtype == torch.uint8
        self._few = FEW_ROWS[4 if self._four_bit else 8]
        self._codes, self._scales = codes
        if self._four_bit:
            self._codes = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes[0].to(torch.int32), 2)
        self._many = torch.ops.mkldnn._reorder_linear_weight(weight.bfloat16(), 8)

    @classmethod
    def stacked(cls, weights: Sequence[torch.Tensor], codes: Sequence[Codes]) -> "Matrix":
        """Several weights of the same width as one: [sum of outs, in]. All 4-bit, or all turned to 8 bits."""
        if len({kind.dtype for kind, _ in codes}) > 1:
            codes = [eight_bits(weight.float()) for weight in weights]
        across = 1 if codes[0][0].dtype == torch.uint8 else 0
        scales = torch.cat([each for _, each in codes], dim=across).contiguous()
        return cls(torch.cat(list(weights)), (torch.cat([each for each, _ in codes]), scales))

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """`rows` [n, in] in bf16 → [n, out] in bf16."""
        if rows.shape[0] > self._few:
            return torch.ops.mkldnn._linear_pointwise(rows, self._many, None, "none", [], "")  # type: ignore[no-any-return]
        if self._four_bit:
            return torch.ops.aten._weight_int4pack_mm_for_cpu(rows, self._codes, GROUP, self._scales)  # type: ignore[no-any-return]
        return torch.ops.aten._weight_int8pack_mm(rows, self._codes, self._scales)  # type: ignore[no-any-return]


def find_codes(weight: torch.Tensor) -> Codes:
    """The codes of a weight [out, in] in fp32: its own 4-bit ones where it has them, else 8-bit ones."""
    rows, columns = weight.shape
    if columns % GROUP == 0 and rows % 16 == 0:
        groups = weight.reshape(rows, columns // GROUP, GROUP)
        low, high = groups.amin(-1), groups.amax(-1)
        scale = ((high - low) / 15).clamp(min=1e-8)
        places = (groups - low[..., None]) / scale[..., None]
        codes = places.round()
        if ((places - codes).abs() > FITS).float().mean() < 0.01:
            offsets = torch.stack([scale, low + 8 * scale], dim=-1).transpose(0, 1).contiguous().bfloat16()
            return codes.to(torch.uint8).reshape(rows, columns), offsets
    return eight_bits(weight)


def eight_bits(weight: torch.Tensor) -> Codes:
    """A weight [out, in] in fp32 rounded to 8 bits, a scale to each row."""
    scale = (weight.abs().amax(dim=1) / 127).clamp(min=1e-9)
    return (weight / scale[:, None]).round().to(torch.int8), scale.bfloat16()


@torch.no_grad()
def write_codes(model: nn.Module, path: Path) -> None:
    """Find the codes of every linear layer of `model`, in fp32 as it was dequantised, and keep them."""
    tensors: dict[str, torch.Tensor] = {}
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear):
            tensors[f"{name}.codes"], tensors[f"{name}.scales"] = find_codes(layer.weight.detach())
    save_file(tensors, path)


def read_codes(path: Path) -> dict[str, Codes]:
    """What `write_codes` kept, by the layer's name."""
    tensors = load_file(path)
    names = [name.removesuffix(".codes") for name in tensors if name.endswith(".codes")]
    return {name: (tensors[f"{name}.codes"], tensors[f"{name}.scales"]) for name in names}
