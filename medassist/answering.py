"""The ways to an answer: from the cache, from the graph alone, from a model writing freely or held to a form."""

import re
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from medassist import review
from medassist.case import PatientCase
from medassist.compliance import warn, without_doses
from medassist.differential import Differential, Warning
from medassist.errors import Language, ParseError
from medassist.events import Event, Reasoning, Reply
from medassist.parse import AnswerParser
from medassist.prompt import (
    FORMS,
    OPENING,
    Choices,
    Prompt,
    answer_opening,
    choice_grammar,
    diagnosis_grammar,
    final_opening,
    reasoning_grammar,
    reply_grammar,
    stages_grammar,
)
from medassist.store import StoredTurn
from medassist.turn import CLOSING, Head, Turn, told_at_once, written


def again(turn: Turn, before: StoredTurn) -> Iterator[Event]:
    """The same answer as before, from the cache, and said to be so."""
    kept: dict[str, Any] = dict(before.result or {})
    at = (before.finished_at or before.updated_at).strftime("%Y-%m-%d %H:%M UTC")
    turn.raw, turn.prompt_tokens = before.raw, kept.get("timing", {}).get("prompt_tokens", 0)
    turn.result = {**kept, "consultation_id": turn.consultation_id, "cached": {"turn": before.id, "at": at}}
    known = {warning.rule for warning in turn.warnings}
    if reasoning := str(kept.get("reasoning", "")):
        yield Reasoning(reasoning, True)
    yield from told_at_once(kept)
    for item in kept.get("warnings", []):
        if (warning := Warning.model_validate(item)).rule not in known:
            yield turn.warned(warning)


def rank_alone(turn: Turn, head: Head) -> Iterator[Event]:
    """The knowledge graph's own ranking; no model has a part in it."""
    assert head.found is not None
    read = review.from_graph(head.found, head.case_text, head.language, head.top_k)
    turn.raw = written(read, head.language)
    turn.first_token = turn.seconds
    reviewed = review.of_answer(read, "", head.case, head.case_text, head.found, head.language)
    turn.result = head.answer(read, "", reviewed.added)
    yield from told_at_once(turn.result)
    for warning in reviewed.warnings:
        yield turn.warned(warning)


def diagnose(turn: Turn, head: Head) -> Iterator[Event]:
    """Reason, then answer, then (for a constrained model) choose; each part with a budget of its own."""
    parser = AnswerParser(head.language, head.case_text)
    reasoning, settled = "", False
    reviewed = review.Reviewed(Differential(diagnoses=()), (), ())
    try:
        for event in _reason(turn, head.prompt, head.case_text, head.language, head.choices()):
            if isinstance(event, Reasoning):
                reasoning = event.text
            yield event
        opening = answer_opening(head.language, reasoning)
        turn.raw = opening
        parser.push(opening.removeprefix(OPENING))
        whole = yield from _answer(turn, parser, head)
        if settled := whole or not parser.diagnoses:
            yield from _within(parser.close(), head)
    finally:
        read = _read(parser, head.top_k, settled)
        text = turn.raw.rsplit(CLOSING, 1)[-1]
        reviewed = review.of_answer(read, text, head.case, head.case_text, head.found, head.language)
        turn.result = head.answer(reviewed.differential, reasoning, reviewed.added)
    for warning in reviewed.warnings:
        yield turn.warned(warning)
    if not turn.result["differential"]:
        yield turn.warned(warn("answer.unparsed", head.language))


def _reason(turn: Turn, prompt: Prompt, case_text: str, language: Language, choices: Choices) -> Iterator[Event]:
    """The reasoning part, up to its end or its budget."""
    profile = turn.engine.profile
    if not profile.think_tokens:
        return
    grammar = reasoning_grammar(language, case_text, choices) if profile.constrained else None
    asked = prompt.continued(OPENING, grammar)
    turn.raw = OPENING
    state, text, began = None, "", turn.seconds
    for piece, state in turn.write(asked, profile.think_tokens, stop=(CLOSING,)):
        yield turn.progress(state)
        if piece:
            text += piece
            yield Reasoning(_shown(text, language).strip(), False, turn.seconds - began, turn.new_tokens)
    turn.reasoned = Reasoning(without_doses(text, language).strip(), True, turn.seconds - began, turn.new_tokens)
    yield turn.reasoned
    if state is not None and state.finish_reason == "length":
        yield turn.cut(language, "reasoning", "推理部分")


_MAY_BECOME_DOSE = re.compile(r"[A-Za-z]*\s?\d[\d.,]*[^。.\n]{0,12}$")


def _shown(text: str, language: Language) -> str:
    """What of a text under way may be shown: without doses, and without what may be growing into one."""
    return without_doses(_MAY_BECOME_DOSE.sub("", text), language)


def _answer(turn: Turn, parser: AnswerParser, head: Head) -> Generator[Event, None, bool]:
    """The answer part from the first diagnosis on, ended where the model runs on into another turn.

    Returns whether it came to its end, within its budget.
    """
    if turn.engine.profile.constrained:
        return (yield from _constrained(turn, parser, head))
    state = None
    for piece, state in turn.write(head.prompt.continued(turn.raw), turn.engine.profile.answer_tokens):
        yield turn.progress(state)
        yield from _within(parser.push(piece), head)
        if parser.ended:
            break
    if state is not None and state.finish_reason == "length":
        yield turn.cut(head.language, "answer", "回答部分")
        return False
    return True


def _constrained(turn: Turn, parser: AnswerParser, head: Head) -> Generator[Event, None, bool]:
    """The answer of a model that is held to the form: a diagnosis at a time, none of them twice."""
    language, choices, budget = head.language, head.choices(), turn.engine.profile.answer_tokens
    listed = min(MOST_LISTED, head.top_k, len(choices.names))
    for rank in range(1, listed + 1):
        if rank > 1:
            turn.raw += f"{rank}) "
            yield from _within(parser.push(f"{rank}) "), head)
        left = choices.without([diagnosis.name for diagnosis in parser.diagnoses if diagnosis.rank < rank])
        grammar = diagnosis_grammar(language, head.case_text, left, rank)
        if not (yield from _part(turn, parser, head, grammar, budget)):
            return False
    if not (yield from _part(turn, parser, head, stages_grammar(language, head.case_text, choices), budget)):
        return False
    opening = final_opening(language)
    turn.raw += opening
    yield from _within(parser.push(opening), head)
    grammar = choice_grammar([diagnosis.name for diagnosis in parser.diagnoses])
    return (yield from _part(turn, parser, head, grammar, 64))


MOST_LISTED = 5
"""How many diagnoses a constrained model lists at most."""


def _part(turn: Turn, parser: AnswerParser, head: Head, grammar: str, budget: int) -> Generator[Event, None, bool]:
    """One part of a constrained answer; whether it came to its end within the budget."""
    state = None
    for piece, state in turn.write(head.prompt.continued(turn.raw, grammar), budget):
        yield turn.progress(state)
        yield from _within(parser.push(piece), head)
    if state is not None and state.finish_reason == "length":
        yield turn.cut(head.language, "answer", "回答部分")
        return False
    return True


def _within(events: Sequence[Any], head: Head) -> Iterator[Event]:
    """Events of the first diagnoses, as many as are wanted; the reasoning was told already."""
    for event in events:
        diagnosis = getattr(event, "diagnosis", None)
        if not isinstance(event, Reasoning) and (diagnosis is None or diagnosis.rank <= head.top_k):
            yield head.mapped(event)


def _read(parser: AnswerParser, top_k: int, settled: bool) -> Differential:
    """What the answer says, as far as it can be read; half a line of one that is not `settled` names nothing."""
    listed = parser.diagnoses
    try:
        read = parser.result()
    except ParseError:
        read = Differential(diagnoses=())
    if not settled:
        half = parser.text.endswith(read.final_diagnosis)
        read = read.model_copy(update={"diagnoses": listed, "final_diagnosis": "" if half else read.final_diagnosis})
    return read.model_copy(update={"diagnoses": tuple(read.diagnoses[:top_k])})


def reply(
    turn: Turn, prompt: Prompt, case: PatientCase, case_text: str, language: Language, choices: Choices
) -> Iterator[Event]:
    """The reply to a question, reasoning first where the model reasons freely."""
    profile = turn.engine.profile
    if profile.think_tokens and not profile.constrained:
        reasoning = ""
        for event in _reason(turn, prompt, case_text, language, choices):
            reasoning = event.text if isinstance(event, Reasoning) else reasoning
            yield event
        turn.raw = f"{OPENING}{reasoning}\n{CLOSING}\n\n"
    grammar = reply_grammar(language, case_text, choices) if profile.constrained else None
    asked, before, state = prompt.continued(turn.raw, grammar), len(turn.raw), None
    runs_on = ("\nUser:", "\nHuman:", "\n用户：", "\n问：", f"\n{FORMS[language].process}")
    for piece, state in turn.write(asked, profile.answer_tokens, stop=runs_on):
        yield turn.progress(state)
        if piece:
            text = turn.raw[before:].strip()
            turn.result = {"reply": without_doses(text, language)}
            yield Reply(_shown(text, language))
    reply, warnings = review.of_reply(turn.raw[before:].strip(), case, language)
    if reply:
        turn.result = {"reply": reply}
        yield Reply(reply)
    for warning in warnings:
        yield turn.warned(warning)
    if state is not None and state.finish_reason == "length":
        yield turn.cut(language, "answer", "回答部分")
