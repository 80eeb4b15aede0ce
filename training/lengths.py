"""How long a record is in tokens. What is too long is left out and counted; nothing is cut.

The diagnosis stands at the end of an answer: a record cut to size would teach to stop before it.
"""

from collections.abc import Callable

from training.base import from_base
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

    tokenizer = from_base(AutoTokenizer, settings.tokenizer, settings.revision)
    return lambda text: len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
