"""Linear layers packed for a CPU: 4-bit weights for one row, bf16 in the kernel's own layout for more.

Writing one token multiplies every weight with one row and waits for memory: 4 bits a weight are read faster than
16. More rows (a prompt, a batch) wait for arithmetic, where unpacking would cost more than it saves. Between the
layers everything stays fp32: attention for one token is five times as fast in it as in bf16 on a CPU. Both hold the same numbers as far as they can: the embedded model's weights lie in groups of 32 with a
4-bit code each (GGUF's Q4_1), and the codes are recovered, not rounded anew. A weight that does not lie so (the
output layer) is rounded to 8 bits per row. benchmarks/README.md compares PyTorch's CPU kernels, and says why the
fastest of them, 8-bit weights with 8-bit activations, is not used: it changed every second next token.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

GROUP = 32  # weights to a scale in Q4_1
FEW_ROWS = 1  # up to here the 4-bit kernel is the faster one
FITS = 0.01  # of a group's step: how far a weight may lie from its 4-bit code

Codes = tuple[torch.Tensor, torch.Tensor]
"""4 bits: codes [out, in] uint8 and (scale, offset) [in/32, out, 2]; 8 bits: codes [out, in] int8 and scales [out]."""


class PackedLinear(nn.Linear):
    """Keeps the loaded weight beside its packed forms, so that LoRA adapters and saving find it."""

    four_bit: bool
    codes: torch.Tensor
    scales: torch.Tensor
    many: Any  # bf16 in oneDNN's layout

    @classmethod
    def over(cls, layer: nn.Linear, codes: Codes) -> "PackedLinear":
        """The same layer, weight [out, in], computing with `codes` for one row and in bf16 for more."""
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.in_features, made.out_features = layer.in_features, layer.out_features
        made.weight, made.bias = layer.weight, layer.bias
        made.four_bit = codes[0].dtype == torch.uint8
        made.codes, made.scales = codes
        if made.four_bit:
            made.codes = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes[0].to(torch.int32), 2)
        made.many = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach().bfloat16(), 8)
        return made

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        flat = input.reshape(-1, self.in_features).bfloat16()
        if flat.shape[0] > FEW_ROWS:
            made = torch.ops.mkldnn._linear_pointwise(flat, self.many, None, "none", [], "")
        elif self.four_bit:
            made = torch.ops.aten._weight_int4pack_mm_for_cpu(flat, self.codes, GROUP, self.scales)
        else:
            made = torch.ops.aten._weight_int8pack_mm(flat, self.codes, self.scales)
        made = made.view(*input.shape[:-1], self.out_features).to(input.dtype)
        return made if self.bias is None else made + self.bias  # type: ignore[no-any-return]


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
    scale = (weight.abs().amax(dim=1) / 127).clamp(min=1e-9)
    return (weight / scale[:, None]).round().to(torch.int8), scale.bfloat16()


def _linears(model: nn.Module) -> dict[str, nn.Linear]:
    return {name: layer for name, layer in model.named_modules() if type(layer) is nn.Linear}


@torch.no_grad()
def write_codes(model: nn.Module, path: Path) -> None:
    """Find the codes of every linear layer of `model`, in fp32 as it was dequantised, and keep them."""
    tensors: dict[str, torch.Tensor] = {}
    for name, layer in _linears(model).items():
        tensors[f"{name}.codes"], tensors[f"{name}.scales"] = find_codes(layer.weight.detach())
    save_file(tensors, path)


@torch.no_grad()
def pack(model: nn.Module, path: Path) -> None:
    """Replace every linear layer of `model`, in place, by one with the codes kept at `path`."""
    codes: Mapping[str, torch.Tensor] = load_file(path)
    for name, layer in _linears(model).items():
        parent, _, last = name.rpartition(".")
        packed = PackedLinear.over(layer, (codes[f"{name}.codes"], codes[f"{name}.scales"]))
        setattr(model.get_submodule(parent), last, packed)
