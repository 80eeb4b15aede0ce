"""How long a record is in tokens. What is too long is left out and counted; nothing is cut.

The diagnosis stands at the end of an answer: a record cut to size would teach to stop before it.
"""

from collections.abc import Callable
from typing import Any

from medassist.config import load_settings
from medassist.errors import UnknownModel
from training.config import Lengths
from training.errors import Wrong
from training.rows import AnyRecord, whole

Count = Callable[[str], int]


def over_length(record: AnyRecord, count: Count, limit: int) -> Wrong | None:
    """What is wrong with a record of more than `limit` tokens; None with one that fits."""
    length = count(whole(record))
    if length <= limit:
        return None
    return Wrong(
        "record", "over_length", f"has {length} tokens; at most {limit}.", f"共 {length} 个词元，上限 {limit}。"
    )


def counter(settings: Lengths) -> Count:
    """The function that counts in tokens of the tokenizer named. Raises `UnknownModel`."""
    from transformers import AutoTokenizer  # takes seconds, and most uses of this package need none

    from medassist.engines import embedded

    is_embedded = settings.tokenizer == "embedded"
    folder = str(embedded.ensure_converted(load_settings().cache_dir)) if is_embedded else settings.tokenizer
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, revision=settings.revision, trust_remote_code=False)
    except (OSError, ValueError) as error:
        kind = type(error).__name__
        raise UnknownModel(
            name=settings.tokenizer,
            reason=f"it holds no tokenizer, or there is no connection to the hub ({kind}).",
            reason_zh=f"其中没有分词器，或无法连接 hub（{kind}）。",
        ) from None
    return lambda text: len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
