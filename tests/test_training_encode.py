"""Which tokens bear loss: all that the model is to write, and nothing it is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trl
from transformers import AutoTokenizer

from medassist.config import load_settings
from medassist.engines import embedded
from medassist.engines.chat import as_read
from medassist.prompt import diagnosis_prompt
from training.encode import Encoded, Unmarked, encode, fitting, preview, require_whole_loss

REASONING, ANSWER = "Calf swollen after surgery, so an embolus is likely.", "[Final diagnosis]\nPulmonary embolism"
WHOLE = f"<think>\n{REASONING}\n</think>\n\n{ANSWER}"
PROMPT = diagnosis_prompt("Chief complaint: breathless", "en")


@pytest.fixture(scope="module")
def smollm() -> Any:
    return AutoTokenizer.from_pretrained(embedded.ensure_converted(load_settings().cache_dir))


@pytest.fixture(params=["embedded", "r1"])
def tokenizer(request: pytest.FixtureRequest, smollm: Any) -> Iterator[Any]:
    """The embedded model's own tokenizer, with its template or with the stock one of the R1 distills."""
    own = smollm.chat_template
    if request.param == "r1":
        smollm.chat_template = (Path(trl.__file__).parent / "chat_templates" / "deepseek_r1_distill.jinja").read_text()
    yield smollm
    smollm.chat_template = own


def test_every_token_of_the_answer_bears_loss_and_none_of_the_prompt(tokenizer: Any) -> None:
    encoded = encode(tokenizer, PROMPT, WHOLE)
    at = encoded.trained.index(1)
    assert encoded.trained == [0] * at + [1] * (len(encoded) - at)
    before, after = tokenizer.decode(encoded.ids[:at]), tokenizer.decode(encoded.ids[at:])
    assert before == as_read(tokenizer, PROMPT)
    opened = before.endswith("<think>\n")
    assert after == (WHOLE.removeprefix("<think>\n") if opened else WHOLE) + tokenizer.eos_token
    require_whole_loss(tokenizer, encoded)
    assert preview(tokenizer, encoded).endswith(f"⟦{after}⟧")


def test_the_prompt_is_what_serving_asks(tokenizer: Any) -> None:
    asked = as_read(tokenizer, PROMPT.continued("<think>\n"))
    encoded = encode(tokenizer, PROMPT, WHOLE)
    assert tokenizer.decode(encoded.ids).startswith(asked)


def test_the_stock_r1_template_trains_on_no_reasoning(smollm: Any) -> None:
    """The naive way: the whole conversation through the template, loss on what follows the prompt."""
    own = smollm.chat_template
    smollm.chat_template = (Path(trl.__file__).parent / "chat_templates" / "deepseek_r1_distill.jinja").read_text()
    try:
        said = [{"role": "user", "content": "breathless"}, {"role": "assistant", "content": WHOLE}]
        whole = smollm.apply_chat_template(said, tokenize=False)
        asked = smollm.apply_chat_template(said[:1], add_generation_prompt=True, tokenize=False)
        assert REASONING not in whole  # deleted
        ids = smollm(whole, add_special_tokens=False)["input_ids"]
        known = len(smollm(asked, add_special_tokens=False)["input_ids"])
        naive = Encoded(ids, [int(place >= known) for place in range(len(ids))])
        with pytest.raises(Unmarked) as caught:
            require_whole_loss(smollm, naive, "cases.jsonl:3")
    finally:
        smollm.chat_template = own
    assert "cases.jsonl:3" in str(caught.value) and "</think>" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        (ANSWER, "</think>"),
        (f"<think>\n{REASONING}\n</think>\n", "the answer"),
        (f"<think>\n</think>\n{ANSWER}", "the reasoning"),
    ],
)
def test_an_answer_without_a_part_is_refused(smollm: Any, answer: str, missing: str) -> None:
    with pytest.raises(Unmarked, match=missing):
        require_whole_loss(smollm, encode(smollm, PROMPT, answer))


def test_an_answer_without_its_end_is_refused(smollm: Any) -> None:
    encoded = encode(smollm, PROMPT, WHOLE)
    with pytest.raises(Unmarked, match="im_end"):
        require_whole_loss(smollm, Encoded(encoded.ids[:-1], encoded.trained[:-1]))


def test_what_is_too_long_is_left_out_whole_and_counted(smollm: Any) -> None:
    lengths: list[int] = []
    long = WHOLE.replace(REASONING, REASONING * 20)
    limit = len(encode(smollm, PROMPT, WHOLE))
    kept = list(fitting(smollm, [(PROMPT, WHOLE), (PROMPT, long)], limit, lengths.append))
    assert [len(each) for each in kept] == [limit]
    assert lengths == [len(encode(smollm, PROMPT, long))]
