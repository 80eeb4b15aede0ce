"""What a study is set up from: templates to start with, arms and instruments as files have them."""

from typing import Any

from pydantic import ValidationError

from medassist.errors import InvalidStudy
from medassist.study.arms import ArmConfig
from medassist.study.faults import invalid
from medassist.study.instrument import Instrument, load_instrument, shipped
from medassist.study.protocol import Protocol

_PROTOCOL = """\
# The protocol of a study. It is frozen when enrolling begins; later changes are amendments with a reason.
title: "Accepted or not: two ways to a differential diagnosis"
hypothesis: "Answers of the first arm are accepted more often than those of the second."
primary_estimate:          # acceptance (of one arm), acceptance_difference, or preference (paired mode)
  measure: acceptance_difference
  arm: model
  reference: knowledge
minor_edits_count: true    # whether “with minor edits” counts as accepted
mode: absolute             # one answer at a time, or paired: two side by side
arms:                      # names are secret until unblinding; `guess` is what raters read at the end
  - {name: model, guess: {en: "A language model", zh: "语言模型"}}
  - {name: knowledge, guess: {en: "A knowledge base", zh: "知识库"}}
raters_per_case: 3
seed: 20260101
instrument: INSTRUMENT
repeat_share: 0.1          # of a rater's items, shown again
practice_items: 5
"""
_ARMS = """\
# Where the answers of each arm come from. What is left out is as this installation has it.
- {name: model, source: engine, engine: local}
- {name: knowledge, source: engine, engine: knowledge}
# - {name: human, source: imported, description: "Answers of a specialist"}
"""


def protocol_template(what: str = "protocol") -> str:
    """A protocol, or its arms, to start from; YAML."""
    if what == "arms":
        return _ARMS
    used = load_instrument("acceptance")
    return _PROTOCOL.replace("INSTRUMENT", f'{{id: {used.id}, version: "{used.version}", sha256: {used.sha256}}}')


def arm_configs(data: Any, source: str) -> list[ArmConfig]:
    """Arms from decoded JSON or YAML: a list. Raises `InvalidStudy` that names `source` and the arm's field."""
    if not isinstance(data, list):
        raise InvalidStudy(where=source, reason="must be a list of arms.", reason_zh="必须是臂的列表。")
    found = []
    for n, each in enumerate(data, 1):
        try:
            found.append(ArmConfig.model_validate(each))
        except ValidationError as error:
            raise invalid(error, f"{source}: arm {n}", each) from None
    return found


def instrument_of(protocol: Protocol) -> Instrument:
    """The shipped instrument that a protocol names. Raises `InvalidStudy`."""
    name = protocol.instrument.id
    if name not in shipped():
        raise InvalidStudy(where="instrument", reason=f"{name} is not shipped; give its file.", reason_zh=f"{name} 不在自带量表中，请提供文件。")  # fmt: skip
    return load_instrument(name)
