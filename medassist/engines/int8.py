"""8-bit linear layers for a CPU: PyTorch's own dynamic quantization, on top of the layer that was loaded.

Weights are rounded to 8 bits per output row, activations per call; the product runs on the CPU's integer units.
Of the kernels that torch carries it was the fastest from one row to hundreds, the 4-bit ones included
(benchmarks/README.md).
"""

import warnings
from typing import Any

import torch
from torch import nn


class Int8Linear(nn.Linear):
    """Computes with 8-bit weights; keeps the loaded weight, so that LoRA adapters and exact checks find it."""

    packed: Any

    @classmethod
    def over(cls, layer: nn.Linear) -> "Int8Linear":
        """The same layer, shape [out, in], computing in 8 bits. The weight is shared, not copied."""
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.in_features, made.out_features = layer.in_features, layer.out_features
        made.weight, made.bias = layer.weight, layer.bias
        made.packed = _pack(layer.weight.detach().float(), layer.bias)
        return made

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return torch.ops.quantized.linear_dynamic(input, self.packed, _REDUCE_RANGE)  # type: ignore[no-any-return]


_REDUCE_RANGE = not torch.backends.cpu.get_cpu_capability().startswith("AVX512")
"""Without the 8-bit dot product of AVX-512 the kernel adds pairs in 16 bits, and 8-bit activations can overflow."""


def _pack(weight: torch.Tensor, bias: torch.Tensor | None) -> Any:
    scales = (weight.abs().amax(dim=1) / 127).clamp(min=1e-9).double()
    zeros = torch.zeros(weight.shape[0], dtype=torch.int64)
    with warnings.catch_warnings():  # torch warns that a later release drops this; ours is pinned
        warnings.filterwarnings("ignore", message=r"torch\.quantize_per_tensor", category=UserWarning)
        quantized = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
    return torch.ops.quantized.linear_prepack(quantized, bias)


def quantise(model: nn.Module) -> None:
    """Replace every linear layer of `model`, in place."""
    torch.backends.quantized.engine = "fbgemm"
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, Int8Linear.over(child))
