"""Scoring many prompts as one tree: the same numbers as one forward pass each, of a real model."""

import math
import threading
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from medassist.engines.local import LocalEngine
from medassist.engines.scoring import LeanForward, ModelForward, Tree, tree, walk
from medassist.prompt import Prompt, answer_opening, diagnosis_prompt

VOCABULARY = 40


@pytest.fixture(scope="module")
def small() -> LlamaForCausalLM:
    """A Llama of random weights: the arithmetic of a real one."""
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, attn_implementation="sdpa",
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


@torch.inference_mode()
def naively(model: LlamaForCausalLM, before: Sequence[int], after: Sequence[int]) -> list[float]:
    """One forward pass for one prompt and one continuation."""
    ids = torch.tensor([[*before, *after]])
    rows = torch.log_softmax(model(input_ids=ids, use_cache=False).logits[0].float(), dim=-1)
    return [float(rows[len(before) + place - 1, token]) for place, token in enumerate(after)]


texts = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(texts, min_size=1, max_size=6),
    st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=5), min_size=1, max_size=4),
    st.sampled_from([1, 3, 8, 256]),
)
def test_a_tree_scores_as_one_pass_each(
    small: LlamaForCausalLM, prompts: list[list[int]], after: list[list[int]], step: int
) -> None:
    """Prompts that repeat, that begin another one, and continuations that do: all in one tree."""
    told = walk(ModelForward(small), tree(prompts, after), len(prompts), after, step=step)
    for prompt, row in zip(prompts, told, strict=True):
        for tokens, values in zip(after, row, strict=True):
            assert values == pytest.approx(naively(small, prompt, tokens), abs=1e-4)


def test_what_is_shared_is_computed_once() -> None:
    made = tree([[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 4]], [[7, 8], [7, 9]])
    # 1 2 3, then 4 with a 7 behind it and 5 with another: the last tokens of a continuation need no pass.
    assert sorted(made.tokens) == [1, 2, 3, 4, 5, 7, 7]
    assert all(parent < number for number, parent in enumerate(made.parents))
    assert [made.depths[number] for number in range(3)] == [0, 1, 2]


def test_each_subtree_is_in_one_piece() -> None:
    """What the walk relies on: an earlier token that a later step needs lies on the way to the step's first one."""
    made = tree([[1, 2], [1, 2, 7], [1, 2, 7, 3], [4]], [[7, 1, 2], [7, 3]])

    def above(node: int) -> set[int]:
        found: set[int] = set()
        while node >= 0:
            found.add(node)
            node = made.parents[node]
        return found

    for begin in range(1, len(made)):
        way = above(made.parents[begin])
        for later in range(begin, len(made)):
            assert {node for node in above(later) if node < begin} <= way


def test_stopped_half_way_the_rest_is_no_number(small: LlamaForCausalLM) -> None:
    asked = iter([False, True])
    prompts, after = [[1, 2, 3, 4, 5, 6], [1, 2, 3, 9, 9, 9]], [[3]]
    told = walk(ModelForward(small), tree(prompts, after), 2, after, step=6, stopped=lambda: next(asked, True))
    assert told[0][0] == pytest.approx(naively(small, prompts[0], after[0]), abs=1e-4)
    assert math.isnan(told[1][0][0])


def test_an_empty_tree_is_walked() -> None:
    assert len(Tree()) == 0


ASK = [
    diagnosis_prompt(text, "en").continued(answer_opening("en", ""))
    for text in (
        "Chief complaint: chest pain\nHistory: sudden, with sweating",
        "Chief complaint: chest pain\nHistory: sudden",
    )
]
NAMES = ["Acute myocardial infarction", "Pulmonary embolism", "Pericarditis"]


def test_the_packed_weights_score_as_the_model_does(local_engine: LocalEngine) -> None:
    """Within what bf16 between packed layers costs: against the modules of transformers in fp32."""
    loaded = local_engine._loaded
    assert loaded is not None and loaded.fast is not None
    before = [local_engine.tokens(prompt) for prompt in ASK]
    after = [loaded.tokenizer(name, add_special_tokens=False)["input_ids"] for name in NAMES]
    made = tree(before, after)
    lean = walk(LeanForward(loaded.fast), made, 2, after, step=100)
    rows = []
    with torch.inference_mode():
        for prompt in before:
            for tokens in after:
                logits = loaded.fast._usual(input_ids=torch.tensor([[*prompt, *tokens]]), use_cache=False).logits[0]
                told = torch.log_softmax(logits.float(), dim=-1)
                rows.append([float(told[len(prompt) + place - 1, token]) for place, token in enumerate(tokens)])
    got = [value for row in lean for values in row for value in values]
    wanted = [value for values in rows for value in values]
    assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) < 0.15
    assert sum(abs(a - b) for a, b in zip(got, wanted, strict=True)) / len(got) < 0.04


def test_many_prompts_score_as_each_alone(local_engine: LocalEngine) -> None:
    before = local_engine.forward_tokens
    together = local_engine.score(ASK, NAMES)
    shared = local_engine.forward_tokens - before
    alone = [local_engine.score([prompt], NAMES)[0] for prompt in ASK]
    assert shared < (local_engine.forward_tokens - before - shared) * 0.7
    for one, other in zip(together, alone, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a == pytest.approx(b, abs=0.12)  # few rows go through 4-bit codes, many through bf16


def test_streams_go_on_beside_a_score_and_write_the_same(local_engine: LocalEngine) -> None:
    asked = Prompt("en", "You are a clerk.", (("user", "Count from one to twenty."),))

    def written() -> str:
        return "".join(local_engine.stream(asked, max_new_tokens=24))

    alone, told = written(), []
    scoring = threading.Thread(target=lambda: told.append(local_engine.score(ASK * 3, NAMES)))
    scoring.start()
    beside = written()
    scoring.join(60)
    assert beside == alone and len(told) == 1
