"""Holds a model to a form while it writes: a grammar and a repetition penalty for each request of a batch."""

from collections.abc import Iterable
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
import torch
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor


class Guide:
    """What one request may write next. Follows the request's tokens; a token forbidden gets −inf."""

    def __init__(self, tokenizer: llguidance.LLTokenizer, grammar: str | None, penalty: float) -> None:
        self.penalty = penalty
        self._matcher = None
        if grammar is not None:
            self._matcher = llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(grammar))
            if self._matcher.is_error():
                raise ValueError(f"the grammar is wrong: {self._matcher.get_error()}")
        self._seen: list[int] = []

    def follow(self, tokens: list[int]) -> None:
        """Take note of the tokens written since the last call. `tokens` are all that were written."""
        new = tokens[len(self._seen) :]
        self._seen += new
        if self._matcher is not None and new and not self._matcher.is_stopped():
            self._matcher.consume_tokens(new)

    def apply(self, scores: torch.Tensor) -> torch.Tensor:
        """Logits of one position, shape [vocabulary], with the penalty and the grammar applied in place.

        The penalty divides positive and multiplies negative logits of tokens written before (Keskar, CTRL, 2019).
        """
        if self.penalty != 1.0 and self._seen:
            seen = torch.tensor(sorted(set(self._seen)), device=scores.device)
            values = scores[seen]
            scores[seen] = torch.where(values > 0, values / self.penalty, values * self.penalty)
        if self._matcher is not None:
            allowed = np.frombuffer(self._matcher.compute_logit_bias(), dtype=np.uint8)
            mask = torch.from_numpy(allowed[: scores.shape[0]] == 0).to(scores.device)
            scores[: mask.shape[0]].masked_fill_(mask, float("-inf"))
            scores[mask.shape[0] :] = float("-inf")
        return scores


class GuideProcessor(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]  # transformers is untyped
    """Gives every request of a continuous batch its own `Guide`, passed with it as `guide=`."""

    supported_kwargs: dict[str, type] = {"guide": Guide}
    ignored_kwargs: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._guides: list[Guide | None] = []

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: Iterable[Any]) -> torch.Tensor:
        self._guides = []
        for request in requests_with_new_token:
            guide: Guide | None = request.state.logit_processor_kwargs.get("guide")
            if guide is not None:
                guide.follow(request.state.generated_tokens)
            self._guides.append(guide)
        return torch.zeros(len(self._guides), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        scores = scores.clone()  # the batch computes under inference mode; its logits are not ours to change
        for row, guide in enumerate(self._guides[: scores.shape[0]]):
            if guide is not None:
                guide.apply(scores[row])
        return scores
