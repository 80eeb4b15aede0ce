"""A consultation from the case to the stored answer: the order of what happens, and what is kept however it ends."""

import time
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any, TypeVar

import pytest

from medassist import answering
from medassist import turn as turn_module
from medassist.case import PatientCase
from medassist.consult import consult, follow_up
from medassist.engines.scripted import ANSWER_EN, ScriptedEngine
from medassist.errors import CaseTooLong, EngineError, InvalidCase, NotACase, UnknownConsultation
from medassist.events import (
    DiagnosisAdded,
    DiagnosisChanged,
    Event,
    FinalDiagnosis,
    Finished,
    Progress,
    Reasoning,
    Reply,
    Section,
    Started,
    Warned,
)
from medassist.parse import parse_answer
from medassist.prompt import PROMPT_VERSION, Prompt, diagnosis_prompt
from medassist.store import Store, StoredTurn

E = TypeVar("E", bound=Event)
KEYS = {
    "consultation_id", "engine", "model", "adapter", "language", "prompt_version", "knowledge_version", "reasoning",
    "differential", "final_diagnosis", "warnings", "truncated", "timing", "case_text",
}  # fmt: skip


def only(kind: type[E], events: list[Event]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def done(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


def kept(store: Store, turn: int = -1) -> StoredTurn:
    [consultation] = store.recent()
    return consultation.turns[turn]


def codes(finished: Finished) -> list[str]:
    warnings: Any = finished.answer["warnings"]
    return [warning["code"] for warning in warnings]


def budget(engine: ScriptedEngine, **tokens: int) -> ScriptedEngine:
    engine.profile = replace(engine.profile, **tokens)
    return engine


def diagnoses(finished: Finished) -> list[dict[str, Any]]:
    found: Any = finished.answer["differential"]
    return list(found)


def test_the_order_of_events(case_en: PatientCase, store: Store) -> None:
    events = list(consult(case_en, engine=ScriptedEngine(demo=True), store=store))
    kinds = [kind for kind, _ in groupby(type(event) for event in events if not isinstance(event, Progress))]
    assert kinds[:3] == [Started, Warned, Reasoning]
    assert kinds[-2:] == [FinalDiagnosis, Finished]
    assert kinds.index(DiagnosisAdded) < kinds.index(Section) < kinds.index(FinalDiagnosis)
    assert [event.diagnosis.rank for event in only(DiagnosisAdded, events)] == [1, 2]
    grown = [event.text for event in only(Reasoning, events)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(grown))
    assert [event.done for event in only(Reasoning, events)].count(True) == 1
    tokens = [event.new_tokens for event in only(Progress, events)]
    assert tokens == sorted(tokens) and tokens[-1] > 0


def test_the_answer_has_every_key_and_says_what_the_script_says(case_en: PatientCase, store: Store) -> None:
    finished = done(list(consult(case_en, engine=ScriptedEngine(), store=store)))
    answer: Any = finished.answer
    assert set(answer) >= KEYS and finished.status == "complete"
    assert (answer["engine"], answer["model"], answer["adapter"]) == ("scripted", "script", None)
    assert (answer["language"], answer["prompt_version"], answer["truncated"]) == ("en", PROMPT_VERSION, False)
    assert answer["reasoning"] == "The calf is swollen after surgery, and breathlessness began suddenly."
    assert [d["name"] for d in answer["differential"]] == ["Pulmonary embolism", "Pneumonia"]
    assert answer["final_diagnosis"] == "Pulmonary embolism" and answer["warnings"] == []
    timing = answer["timing"]
    assert 0 <= timing["first_token_s"] <= timing["total_s"] and timing["prompt_tokens"] > 0 < timing["new_tokens"]


def test_everything_is_kept(case_en: PatientCase, store: Store) -> None:
    finished = done(list(consult(case_en, engine=ScriptedEngine(), store=store)))
    consultation = store.get(finished.consultation_id)
    [turn] = consultation.turns
    assert (consultation.case, consultation.case_text, consultation.language) == (case_en, case_en.text(), "en")
    assert (turn.kind, turn.status, turn.id, turn.question) == ("diagnosis", "complete", finished.turn_id, "")
    assert (turn.engine, turn.model, turn.adapter, turn.prompt_version) == ("scripted", "script", None, PROMPT_VERSION)
    assert turn.decoding["think_tokens"] == 1000 and turn.decoding["temperature"] == 0.0
    assert case_en.text() in turn.prompt and "at most 5 diagnoses" in turn.prompt
    assert turn.raw.startswith("<think>\nThe calf is swollen") and turn.raw.count("</think>") == 1
    assert turn.result == finished.answer
    read = parse_answer(turn.raw.removeprefix("<think>\n"), "en", consultation.case_text)
    assert [d.model_dump(mode="json") for d in read.diagnoses] == finished.answer["differential"]


def test_raw_is_kept_before_it_is_read(case_en: PatientCase, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("the parser has a bug")

    monkeypatch.setattr(answering.AnswerParser, "result", fail)
    with pytest.raises(RuntimeError):
        list(consult(case_en, engine=ScriptedEngine(), store=store))
    assert "Pulmonary embolism" in kept(store).raw and kept(store).status == "failed"


def test_spans_index_the_case_text(case_en: PatientCase, store: Store) -> None:
    answer: Any = done(list(consult(case_en, engine=ScriptedEngine(), store=store))).answer
    evidence = [e for d in answer["differential"] for e in (*d["evidence_for"], *d["evidence_against"])]
    found = {e["text"]: answer["case_text"][e["start"] : e["end"]].lower() for e in evidence if e["start"] is not None}
    assert found == {
        text: text.lower() for text in ("left calf swollen", "knee surgery", "no fever", "sharp chest pain")
    }


@pytest.mark.parametrize(("demo", "expected"), [(True, ["demo_model"]), (False, [])])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_demonstration_says_so(
    case_en: PatientCase, store: Store, demo: bool, expected: list[str], language: Any
) -> None:
    events = list(consult(case_en, engine=ScriptedEngine(demo=demo), store=store, language=language))
    assert codes(done(events)) == expected == [event.warning.code for event in only(Warned, events)]
    assert all(("演示模型" in w.warning.message) == (language == "zh") for w in only(Warned, events))


@pytest.mark.parametrize(
    ("tokens", "what", "what_zh"),
    [({"think_tokens": 16}, "reasoning", "推理部分"), ({"answer_tokens": 30}, "answer", "回答部分")],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_answer_cut_off_is_reported(
    case_en: PatientCase, store: Store, tokens: dict[str, int], what: str, what_zh: str, language: Any
) -> None:
    engine = budget(ScriptedEngine(), **tokens)
    finished = done(list(consult(case_en, engine=engine, store=store, language=language)))
    assert finished.status == "complete" and finished.answer["truncated"] is True
    assert codes(finished) == ["truncated"]
    warnings: Any = finished.answer["warnings"]
    assert (what_zh if language == "zh" else what) in warnings[0]["message"]
    assert diagnoses(finished)[0]["name"] == "Pulmonary embolism"  # what had come is read


@pytest.mark.parametrize(("language", "word"), [("en", "No ranked differential"), ("zh", "无法")])
def test_an_answer_that_cannot_be_read_still_counts(
    case_en: PatientCase, store: Store, language: Any, word: str
) -> None:
    engine = ScriptedEngine("hm.\n</think>\n1) \n")
    finished = done(list(consult(case_en, engine=engine, store=store, language=language)))
    warnings: Any = finished.answer["warnings"]
    assert (finished.status, finished.answer["differential"], codes(finished)) == ("complete", [], ["unparsed"])
    assert word in warnings[0]["message"]
    assert kept(store).status == "complete" and "hm." in kept(store).raw
    assert kept(store).result == finished.answer


@pytest.mark.parametrize("after", [0, 30, 100, 160])
def test_an_engine_that_fails_leaves_what_it_wrote(case_en: PatientCase, store: Store, after: int) -> None:
    engine = ScriptedEngine(fail_after=after)
    events: list[Event] = []
    with pytest.raises(EngineError):
        for event in consult(case_en, engine=engine, store=store):
            events.append(event)
    turn = kept(store)
    assert (turn.status, engine.open_streams) == ("failed", 0)
    shown = only(Reasoning, events)
    assert turn.raw.startswith("<think>\n") and (not shown or shown[-1].text in turn.raw)
    assert len(turn.raw) >= min(after, 60)
    result: Any = turn.result
    assert [d["name"] for d in result["differential"]] == [e.diagnosis.name for e in only(DiagnosisAdded, events)]


@pytest.mark.parametrize("at", [Reasoning, DiagnosisAdded])
def test_closing_stops_the_engine_and_keeps_what_came(case_en: PatientCase, store: Store, at: type[Event]) -> None:
    engine = ScriptedEngine(delay=0.01)
    running = consult(case_en, engine=engine, store=store)
    next(event for event in running if isinstance(event, at))
    assert (kept(store).status, engine.open_streams) == ("streaming", 1)
    began = time.monotonic()
    running.close()
    assert engine.closed_at is not None and engine.closed_at - began < 1 and engine.open_streams == 0
    turn = kept(store)
    result: Any = turn.result
    assert turn.status == "stopped" and len(turn.raw) > len("<think>\n")
    assert [d["name"] for d in result["differential"]] == (["Pulmonary embolism"] if at is DiagnosisAdded else [])


def test_closing_while_queued_leaves_the_queue(case_en: PatientCase, store: Store) -> None:
    engine = ScriptedEngine(slots=1)
    held = engine.stream(Prompt("en", "", (("user", "x"),)), max_new_tokens=5)
    running = consult(case_en, engine=engine, store=store)
    waiting = next(event for event in running if isinstance(event, Progress))
    assert (waiting.phase, waiting.position) == ("queued", 1)
    running.close()
    held.close()
    assert engine.open_streams == 0 and kept(store).status == "stopped"
    assert "".join(engine.stream(Prompt("en", "", (("user", "x"),)), max_new_tokens=500)) == ANSWER_EN


@pytest.mark.parametrize(("language", "word"), [("en", "tokens"), ("zh", "词元")])
def test_a_case_over_the_context_is_refused_whole(case_en: PatientCase, store: Store, language: Any, word: str) -> None:
    engine = ScriptedEngine()
    engine.context_tokens = 2500
    long = case_en.model_copy(update={"history": case_en.history + " cough" * 500})
    with pytest.raises(CaseTooLong) as caught:
        list(consult(long, engine=engine, store=store, language=language))
    count, limit = caught.value.details["count"], caught.value.details["limit"]
    assert isinstance(count, int) and isinstance(limit, int)
    assert abs(count - len(long.text()) // 4) <= 1 and limit < 400 < count
    said = caught.value.text(language)
    assert str(count) in said and str(limit) in said and word in said and "cough" not in said
    assert store.recent() == []
    assert done(list(consult(case_en.model_copy(update={"history": ""}), engine=engine, store=store)))


def test_the_limit_is_exact(case_en: PatientCase, store: Store) -> None:
    engine = ScriptedEngine()
    with pytest.raises(CaseTooLong) as caught:
        engine.context_tokens = 0
        list(consult(case_en, engine=engine, store=store))
    count: Any = caught.value.details["count"]
    instructions = engine.count_tokens(diagnosis_prompt("", "en"))
    engine.context_tokens = count + instructions + 1000 + 1000 + 64
    list(consult(case_en, engine=engine, store=store))
    engine.context_tokens -= 1
    with pytest.raises(CaseTooLong, match=f"{count} tokens; at most {count - 1}"):
        list(consult(case_en, engine=engine, store=store))


@pytest.mark.parametrize(("language", "words"), [("en", "zero-width"), ("zh", "零宽字符")])
def test_what_was_removed_is_said(case_en: PatientCase, store: Store, language: Any, words: str) -> None:
    dirty = case_en.model_copy(update={"history": "Ten da\u200bys after\u202e knee sur\x07gery."})
    finished = done(list(consult(dirty, engine=ScriptedEngine(), store=store, language=language)))
    warnings: Any = finished.answer["warnings"]
    assert codes(finished) == ["cleaned_input"] and words in warnings[0]["message"]
    assert "Ten days after knee surgery." in str(finished.answer["case_text"])
    assert store.get(finished.consultation_id).case.history == "Ten days after knee surgery."


def test_a_question_is_no_case_and_nothing_is_kept(store: Store) -> None:
    with pytest.raises(NotACase):
        list(consult(PatientCase(chief_complaint="What is sepsis?", history=""), engine=ScriptedEngine(), store=store))
    assert store.recent() == []


@pytest.mark.parametrize("top_k", [1, 2, 3])
def test_no_more_diagnoses_than_asked(case_en: PatientCase, store: Store, top_k: int) -> None:
    events = list(consult(case_en, engine=ScriptedEngine(), store=store, top_k=top_k))
    assert len(diagnoses(done(events))) == len(only(DiagnosisAdded, events)) == min(top_k, 2)
    assert {event.diagnosis.rank for event in only(DiagnosisChanged, events)} <= {1, 2} - ({2} if top_k == 1 else set())
    assert f"at most {top_k} diagnoses" in kept(store).prompt
    assert done(events).answer["final_diagnosis"] == "Pulmonary embolism"


def test_a_made_up_next_turn_stops_the_engine(case_en: PatientCase, store: Store) -> None:
    engine = ScriptedEngine(ANSWER_EN + "<|im_end|>\nUser: and another case\n" + "1) Gout\n" * 400)
    finished = done(list(consult(case_en, engine=engine, store=store)))
    assert [d["name"] for d in diagnoses(finished)] == ["Pulmonary embolism", "Pneumonia"]
    assert engine.open_streams == 0 and kept(store).raw.count("Gout") < 3
    assert finished.answer["truncated"] is False and finished.status == "complete"


def test_checkpoints_are_written_while_it_streams(
    case_en: PatientCase, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_module, "CHECKPOINT_SECONDS", 0.2)
    running = consult(case_en, engine=ScriptedEngine(delay=0.02), store=store)
    grown: list[str] = []
    for event in running:
        if isinstance(event, Progress):
            turn = kept(store)
            assert turn.status == "streaming"
            if turn.raw and turn.raw not in grown:
                grown.append(turn.raw)
    assert len(grown) >= 3
    assert grown[0].startswith("<think>\nThe calf") and "</think>" in grown[-1]
    assert kept(store).status == "complete"


def test_a_checkpoint_costs_a_second_at_most() -> None:
    assert turn_module.CHECKPOINT_SECONDS <= 1


def test_waiting_for_the_model_is_told_and_a_failed_load_raises(case_en: PatientCase, store: Store) -> None:
    class Slow(ScriptedEngine):
        loaded = False

        @property
        def ready(self) -> bool:
            return self.loaded

        def load(self) -> None:
            time.sleep(0.4)
            self.loaded = True

    class Broken(Slow):
        def load(self) -> None:
            raise EngineError(reason="out of memory.")

    events = list(consult(case_en, engine=Slow(), store=store))
    phases = [event.phase for event in only(Progress, events)]
    assert (
        phases[0] == "loading"
        and "writing" in phases
        and phases == sorted(phases, key=["loading", "queued", "reading", "writing"].index)
    )
    with pytest.raises(EngineError, match="out of memory"):
        list(consult(case_en, engine=Broken(), store=store))
    assert len(store.recent()) == 1


# --- Follow-up questions.


def _script(prompt: Prompt) -> str:
    if not prompt.messages[1:]:
        return ANSWER_EN
    return f"I weigh it.\n</think>\nReply number {len(prompt.messages) // 2}.\nUser: next?"


@pytest.fixture
def talk(case_en: PatientCase, store: Store) -> tuple[str, ScriptedEngine, list[Prompt]]:
    """A finished consultation, its engine, and the prompts that engine is asked from then on."""
    engine, asked = ScriptedEngine(), list[Prompt]()

    def script(prompt: Prompt) -> str:
        asked.append(prompt)
        text = _script(prompt)
        return text.split("</think>\n", 1)[1] if "</think>" in prompt.assistant and prompt.messages[1:] else text

    engine.script = script
    consultation_id = done(list(consult(case_en, engine=engine, store=store))).consultation_id
    asked.clear()
    return consultation_id, engine, asked


def test_a_reply_is_streamed_and_kept(talk: tuple[str, ScriptedEngine, list[Prompt]], store: Store) -> None:
    consultation_id, engine, _ = talk
    events = list(follow_up(consultation_id, " Why not pneumonia? ", engine=engine, store=store))
    assert isinstance(events[0], Started)
    assert [event.text for event in only(Reply, events)][-1] == "Reply number 1."
    assert done(events).status == "complete" and done(events).answer["reply"] == "Reply number 1."
    turn = kept(store)
    assert (turn.kind, turn.question, turn.status, turn.position) == ("follow_up", "Why not pneumonia?", "complete", 1)
    assert turn.raw.endswith("Reply number 1.") and turn.result == done(events).answer
    assert "made up" not in turn.raw and "User:" not in turn.raw


def test_the_second_question_knows_the_case_the_answer_and_the_first(
    talk: tuple[str, ScriptedEngine, list[Prompt]], store: Store, case_en: PatientCase
) -> None:
    consultation_id, engine, asked = talk
    list(follow_up(consultation_id, "First question?", engine=engine, store=store))
    list(follow_up(consultation_id, "Second question?", engine=engine, store=store))
    texts = [text for _, text in asked[-1].messages]
    assert case_en.text() in texts[0]
    assert "1) Pulmonary embolism" in texts[1] and "</think>" not in texts[1] and "The calf is swollen" not in texts[1]
    assert texts[2:] == ["First question?", "Reply number 1.", "Second question?"]


@pytest.mark.parametrize(
    ("question", "word", "wort"),
    [("", "is empty", "问题为空"), (" \n\t", "is empty", "问题为空"), ("\u200b", "is empty", "问题为空")],
)
def test_an_empty_question_is_refused(
    talk: tuple[str, ScriptedEngine, list[Prompt]], store: Store, question: str, word: str, wort: str
) -> None:
    consultation_id, engine, _ = talk
    with pytest.raises(InvalidCase) as caught:
        list(follow_up(consultation_id, question, engine=engine, store=store))
    assert word in caught.value.text("en") and wort in caught.value.text("zh")
    assert len(store.get(consultation_id).turns) == 1


def test_a_question_on_an_unknown_consultation(store: Store) -> None:
    with pytest.raises(UnknownConsultation):
        list(follow_up("none", "Why?", engine=ScriptedEngine(), store=store))


def test_a_question_over_the_context_is_refused(talk: tuple[str, ScriptedEngine, list[Prompt]], store: Store) -> None:
    consultation_id, engine, _ = talk
    with pytest.raises(CaseTooLong):
        list(follow_up(consultation_id, "why " * 9000, engine=engine, store=store))
    assert len(store.get(consultation_id).turns) == 1


@pytest.mark.parametrize("ending", ["stopped", "failed"])
def test_a_reply_that_ends_early_is_kept(
    talk: tuple[str, ScriptedEngine, list[Prompt]], store: Store, ending: str
) -> None:
    consultation_id, engine, _ = talk
    engine.fail_after = 6 if ending == "failed" else None
    running = follow_up(consultation_id, "Why?", engine=engine, store=store)
    if ending == "failed":
        with pytest.raises(EngineError):
            list(running)
    else:
        next(event for event in running if isinstance(event, Reply))
        running.close()
    turn = kept(store)
    assert (turn.status, turn.question, engine.open_streams) == (ending, "Why?", 0)
    assert len(turn.raw) > len("<think>\n")


# --- With the embedded model.


@pytest.mark.parametrize("written", ["en", "zh"])
def test_the_embedded_model_answers_in_the_language_of_the_case(
    local_engine: Any, store: Store, case_en: PatientCase, case_zh: PatientCase, written: str
) -> None:
    case = case_zh if written == "zh" else case_en
    events = list(consult(case, engine=local_engine, store=store))
    answer: Any = done(events).answer
    assert done(events).status == "complete" and answer["language"] == written and not answer["truncated"]
    assert codes(done(events)) == ["demo_model"]
    found = answer["differential"]
    assert 1 <= len(found) <= 5 and len({d["name"] for d in found}) == len(found) and answer["reasoning"]
    assert answer["final_diagnosis"] in [d["name"] for d in found]
    evidence = [e for d in found for e in d["evidence_for"]]
    assert evidence and all(answer["case_text"][e["start"] : e["end"]] == e["text"] for e in evidence)
    assert all(d["next_tests"] for d in found)


def test_a_reply_of_the_embedded_model(local_engine: Any, store: Store, case_zh: PatientCase) -> None:
    running = consult(case_zh, engine=local_engine, store=store)
    next(event for event in running if isinstance(event, DiagnosisAdded))
    running.close()
    [consultation] = store.recent()
    assert consultation.turns[0].status == "stopped"
    events = list(follow_up(consultation.id, "为什么？", engine=local_engine, store=store))
    reply = str(done(events).answer["reply"])
    assert reply.startswith("病例中与此有关的内容：") and reply.endswith("明确。")


def test_a_case_that_the_embedded_model_cannot_hold(local_engine: Any, store: Store, case_zh: PatientCase) -> None:
    long = case_zh.model_copy(update={"history": "发热，咳嗽。" * 1500})
    with pytest.raises(CaseTooLong) as caught:
        list(consult(long, engine=local_engine, store=store))
    count, limit = caught.value.details["count"], caught.value.details["limit"]
    assert isinstance(count, int) and isinstance(limit, int) and count > 8192 > limit > 1000
    assert store.recent() == []
