"""Log-probabilities of continuations after many prompts that have much in common: every token is computed once.

Perturbed versions of one case share their beginning with each other, and the candidates of one case share theirs: all
of them are one tree. It is walked depth first in steps of some hundred tokens. A step attends to its own tokens and to
the cached way from the root to its first one; every earlier token that any later step needs lies on that way, so
nothing else is kept. Output rows are computed only where a continuation goes on.

Sharing the way from the root is the radix cache of SGLang (Zheng et al. 2024), the mask of a tree that of SpecInfer
(Miao et al. 2024), here over a whole set that is known beforehand.
Shapes: m tokens of a step, p tokens of the cached way, h heads, k key heads, d the width of a head.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers.cache_utils import DynamicCache

from medassist.engines.lean import Lean

STEP = 256
"""Tokens to a step: enough to keep the weights busy, few enough for attention among foreign branches to cost little."""
ROWS = 64
"""Output rows at a time: a vocabulary of 50,000 in fp32 is 200 kB a row."""
Way = list[tuple[torch.Tensor, torch.Tensor]]
"""By layer, the keys and values [k, p, d] of the tokens from the root to where the walk stands."""


class Forward(Protocol):
    """A model's forward pass over a step."""

    def hidden(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, way: Way | None
    ) -> tuple[torch.Tensor, Way]:
        """`ids`, `positions` [m], `mask` [m, p + m] true where seen → the last layer [m, hidden], keys and values [k, m, d]."""

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        """[n, hidden] → [n, vocabulary] in fp32."""


@dataclass
class _Want:
    """A token whose log-probability is asked for, and where the answer belongs."""

    token: int
    places: list[tuple[int, int, int]]  # prompt, continuation, token of it


@dataclass
class Tree:
    """All tokens, parents before children, each subtree in one piece."""

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    wanted: dict[int, list[_Want]] = field(default_factory=dict)  # by the token before

    def __len__(self) -> int:
        return len(self.tokens)

    def _grow(self, parent: int, tokens: Sequence[int]) -> list[int]:
        grown = []
        for token in tokens:
            self.depths.append(self.depths[parent] + 1 if parent >= 0 else 0)
            self.parents.append(parent)
            self.tokens.append(token)
            parent = len(self.tokens) - 1
            grown.append(parent)
        return grown


def tree(prompts: Sequence[Sequence[int]], continuations: Sequence[Sequence[int]]) -> Tree:
    """The tree of `continuations` behind each of `prompts`, both in tokens, none of them empty."""
    made = Tree()
    same: dict[tuple[int, ...], list[int]] = {}
    for number, prompt in enumerate(prompts):
        same.setdefault(tuple(prompt), []).append(number)
    behind = sorted(range(len(continuations)), key=lambda number: tuple(continuations[number]))
    before: tuple[int, ...] = ()
    way: list[int] = []
    for prompt in sorted(same):
        shared = _shared(before, prompt)
        way = way[:shared]
        way += made._grow(way[-1] if way else -1, prompt[shared:])
        _hang(made, way[-1], same[prompt], [(number, continuations[number]) for number in behind])
        before = prompt
    return made


def _hang(made: Tree, end: int, prompts: list[int], behind: list[tuple[int, Sequence[int]]]) -> None:
    """The continuations of one prompt; their own last tokens need no pass."""
    before: Sequence[int] = ()
    way: list[int] = []
    for number, tokens in behind:
        shared = min(_shared(before, tokens), len(way))
        way = way[:shared]
        way += made._grow(way[-1] if way else end, tokens[shared:-1])
        for place, token in enumerate(tokens):
            wants = made.wanted.setdefault(way[place - 1] if place else end, [])
            places = [(prompt, number, place) for prompt in prompts]
            known = next((want for want in wants if want.token == token), None)
            if known is None:
                wants.append(_Want(token, places))
            else:
                known.places += places
        before = tokens


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))


@torch.inference_mode()
def walk(
    forward: Forward,
    made: Tree,
    prompts: int,
    continuations: Sequence[Sequence[int]],
    *,
    device: str = "cpu",
    step: int = STEP,
    stopped: Callable[[], bool] = lambda: False,
) -> list[list[list[float]]]:
    """For each prompt and continuation the log-probability of its tokens. Stopped half-way, what is missing is NaN."""
    told = [[[float("nan")] * len(tokens) for tokens in continuations] for _ in range(prompts)]
    way: Way | None = None
    path: list[int] = []
    for begin, end in _steps(len(made), step):
        if stopped():
            break
        kept = _path(made, made.parents[begin])
        way = _cut(way, path, kept)
        mask = _mask(made, begin, end, len(kept)).to(device)
        ids = torch.tensor(made.tokens[begin:end], device=device)
        positions = torch.tensor(made.depths[begin:end], device=device)
        hidden, new = forward.hidden(ids, positions, mask, way)
        asked = [number for number in range(begin, end) if number in made.wanted]
        for some in (asked[at : at + ROWS] for at in range(0, len(asked), ROWS)):
            rows = torch.log_softmax(forward.logits(hidden[[number - begin for number in some]]), dim=-1)
            for row, number in zip(rows, some, strict=True):
                for want in made.wanted[number]:
                    value = float(row[want.token])
                    for prompt, continuation, place in want.places:
                        told[prompt][continuation][place] = value
        path = [*kept, *range(begin, end)]
        way = new if way is None else [_joined(one, other) for one, other in zip(way, new, strict=True)]
    return told


def _steps(tokens: int, step: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, tokens, step):
        yield begin, min(begin + step, tokens)


def _path(made: Tree, node: int) -> list[int]:
    """The tokens from the root to `node`, itself included; none for -1."""
    path = []
    while node >= 0:
        path.append(node)
        node = made.parents[node]
    return path[::-1]


def _cut(way: Way | None, path: list[int], kept: list[int]) -> Way | None:
    """Of the keys and values of `path` those of `kept`, which all lie in it."""
    if way is None or not kept:
        return None
    place = {node: at for at, node in enumerate(path)}
    places = torch.tensor([place[node] for node in kept], device=way[0][0].device)
    return [(key.index_select(1, places), value.index_select(1, places)) for key, value in way]


def _joined(
    one: tuple[torch.Tensor, torch.Tensor], other: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.cat((one[0], other[0]), dim=1), torch.cat((one[1], other[1]), dim=1)


def _mask(made: Tree, begin: int, end: int, kept: int) -> torch.Tensor:
    """True where a token of the step sees one of the cached way or of the step, [m, kept + m]."""
    size = end - begin
    mask = torch.zeros(size, kept + size, dtype=torch.bool)
    for row in range(size):
        parent = made.parents[begin + row]
        if parent >= begin:
            mask[row] = mask[parent - begin]
        elif parent >= 0:  # the cached way as far as it is its own
            mask[row, : made.depths[parent] + 1] = True
        mask[row, kept + row] = True
    return mask


class LeanForward:
    """The embedded model in packed weights (`engines.lean`)."""

    def __init__(self, lean: Lean) -> None:
        self.lean = lean

    def hidden(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, way: Way | None
    ) -> tuple[torch.Tensor, Way]:
        """See `Forward.hidden`."""
        new: Way = []
        added = torch.zeros(mask.shape).masked_fill_(~mask, float("-inf"))

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            query, key, value = (part.transpose(0, 1) for part in (query, key, value))
            new.append((key, value))
            if way is not None:
                key, value = _joined(way[layer], (key, value))
            mixed = scaled_dot_product_attention(query[None], key[None], value[None], attn_mask=added, enable_gqa=True)
            return mixed[0].transpose(0, 1).flatten(1)

        return self.lean.hidden(ids, positions, attend), new

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        """See `Forward.logits`. In fp32: the packed output layer rounds to bf16, an eighth at a logit of 20."""
        return self.lean.model.lm_head(rows)  # type: ignore[no-any-return]


class ModelForward:
    """Any causal model of transformers whose attention takes a mask (SDPA or eager)."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def hidden(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, way: Way | None
    ) -> tuple[torch.Tensor, Way]:
        """See `Forward.hidden`."""
        inner = self.model.get_decoder()
        dtype = next(inner.parameters()).dtype
        cache = DynamicCache(config=self.model.config)
        seen = 0
        if way is not None:
            seen = way[0][0].shape[1]
            for layer, (key, value) in enumerate(way):
                cache.update(key[None], value[None], layer)
        added = torch.zeros(mask.shape, dtype=dtype, device=ids.device).masked_fill_(~mask, torch.finfo(dtype).min)
        out = inner(
            input_ids=ids[None],
            position_ids=positions[None],
            attention_mask=added[None, None],
            past_key_values=cache,
            use_cache=True,
        )
        new = [(layer.keys[0, :, seen:], layer.values[0, :, seen:]) for layer in cache.layers]
        return out.last_hidden_state[0], new

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        """See `Forward.logits`."""
        logits: torch.Tensor = self.model.get_output_embeddings()(rows).float()
        return logits
