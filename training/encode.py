"""A prompt and its answer as tokens, with a mark on those that bear loss: all of the answer, its end included.

Conversations are not left to a chat template to mask: the stock template of the R1 distills deletes the reasoning of
an assistant's turn, so that a loss over "the assistant's part" covers the answer only. Here the prompt is written by
the very function that serving uses, the answer is put behind it as it must come, and nothing is deleted.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from medassist.engines.chat import as_read
from medassist.errors import InputError
from medassist.prompt import OPENING, Prompt


class Unmarked(InputError):
    """An example whose loss would miss a part of the answer."""

    code = "unmarked"
    en = "{where}: no loss on {missing}. A model trained on this never learns to write it."
    zh = "{where}：损失未覆盖 {missing}，模型将学不会输出它。"


@dataclass(frozen=True)
class Encoded:
    """Token ids and, for each, whether the model is trained to write it."""

    ids: list[int]
    trained: list[int]  # 0 or 1

    def __len__(self) -> int:
        return len(self.ids)


def encode(tokenizer: Any, prompt: Prompt, answer: str) -> Encoded:
    """`answer` begins with `<think>`; where the template opens the reasoning itself, its opening belongs to the prompt."""
    before = as_read(tokenizer, prompt)
    if before.endswith(OPENING):
        answer = answer.removeprefix(OPENING)
    asked = _ids(tokenizer, before)
    answered = [*_ids(tokenizer, answer), int(tokenizer.eos_token_id)]
    return Encoded(asked + answered, [0] * len(asked) + [1] * len(answered))


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def require_whole_loss(tokenizer: Any, encoded: Encoded, where: str = "") -> None:
    """Raise `Unmarked` where reasoning, `</think>`, answer or end of sequence bears no loss."""
    runs = tokenizer.decode([i for i, marked in zip(encoded.ids, encoded.trained, strict=True) if marked])
    reasoning, closed, rest = str(runs).partition("</think>")
    end = str(tokenizer.eos_token)
    checks = {
        "the reasoning": bool(reasoning.removeprefix(OPENING.strip()).strip()),
        "</think>": bool(closed),
        "the answer": bool(rest.replace(end, "").strip()),
        end: bool(encoded.trained) and bool(encoded.trained[-1]) and encoded.ids[-1] == tokenizer.eos_token_id,
    }
    missing = [name for name, there in checks.items() if not there]
    if missing:
        raise Unmarked(where=where, missing=", ".join(missing))


def preview(tokenizer: Any, encoded: Encoded) -> str:
    """The text with what bears loss between ⟦ and ⟧."""
    parts: list[str] = []
    marked = 0
    run: list[int] = []

    def close() -> None:
        text = tokenizer.decode(run)
        parts.append(f"⟦{text}⟧" if marked else text)

    for token, now in zip(encoded.ids, encoded.trained, strict=True):
        if run and now != marked:
            close()
            run = []
        run.append(token)
        marked = now
    if run:
        close()
    return "".join(parts)


def fitting(
    tokenizer: Any,
    examples: Iterable[tuple[Prompt, str]],
    limit: int,
    dropped: Callable[[int], None] = lambda _: None,
) -> Iterator[Encoded]:
    """Every example that fits into `limit` tokens, whole; `dropped` is told the length of each that does not.

    Nothing is truncated: the diagnosis stands at the end of an answer and would go first.
    """
    for number, (prompt, answer) in enumerate(examples, 1):
        encoded = encode(tokenizer, prompt, answer)
        if len(encoded) > limit:
            dropped(len(encoded))
            continue
        require_whole_loss(tokenizer, encoded, f"example {number}")
        yield encoded
