"""A prompt as a model reads it. Serving asks in these words and training trains on them."""

from typing import Any

from medassist.prompt import OPENING, Prompt


def as_read(tokenizer: Any, prompt: Prompt) -> str:
    """The prompt in the model's own chat template, with what is already written of the answer.

    R1's distills take no system prompt (their makers advise against one), and their template opens the reasoning
    itself: both are recognised by the template's `<think>`.
    """
    messages = [{"role": role, "content": content} for role, content in prompt.messages]
    if "<think>" in str(tokenizer.chat_template):
        messages[0]["content"] = f"{prompt.system}\n\n{messages[0]['content']}"
    else:
        messages.insert(0, {"role": "system", "content": prompt.system})
    asked = str(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))
    opened = asked.endswith(OPENING)
    return asked + (prompt.assistant.removeprefix(OPENING) if opened else prompt.assistant)
